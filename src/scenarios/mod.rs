//! Scenarios that put a policy to the test, other policies to compare it with, and what all that comes to in points.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@file`] | the file of a scenario: a plant, how long, which measures count |
//! | [`mistaken`] | rules with mistakes that a scenario brings |
//! | [`measure`] | what a scenario can ask of a run, each with its word and unit |
//! | [`watch`] | an observer of the truth while a run goes on |
//! | [`safety`] | what no policy may do, judged from the plant |
//! | [`score`] | penalties, evenness between homes, points |
//! | [`optimum`] | what perfect foresight would have come to, from a table |
//! | [`suite`] | a policy, those it is compared with, and the scenarios of a site |
//! | [`run`] | one run, and many side by side |
//! | [`table`] | what all runs came to, scenario by scenario, and whether the goals are met |
//! | [`page`] | all of it as a page of HTML that needs nothing else |
//! | [`truth`] | the truth of a run as a table, for who computes an optimum |
//!
//! Nothing here knows a terminal, and nothing treats a scenario in a way of its own.

pub mod file;
pub mod measure;
pub mod mistaken;
pub mod optimum;
pub mod page;
pub mod run;
pub mod safety;
pub mod score;
pub mod suite;
pub mod table;
pub mod truth;
pub mod watch;
