//! `ballast shadow`: other rules beside the running ones, on the same readings, with their outputs disconnected.
//!
//! A candidate has an engine and a guard of its own, on a thread of its own. What reaches the running machines is handed to it
//! through a bounded channel that nobody waits for: where the candidate does not keep up, readings are dropped and counted. Its
//! permits reach [`field::NoDoors`], which holds no bus and no [`Door`](ballast_guard::Door): nothing of it can be redeemed.
//!
//! | module | holds |
//! |---|---|
//! | [`handle`] | the running program's end: what is handed over, what was dropped |
//! | [`run`] | the candidate's thread |
//! | [`field`] | equipment that is none |
//! | [`account`] | where both did not want the same |
//! | [`tally`] | what of it is counted for the metrics |
//! | [`paths`] | where a person has its files |
//! | [`left`] | what the next run knows of one that the end of the program ended |

pub mod account;
pub mod field;
pub mod handle;
pub mod left;
pub mod paths;
pub mod run;
pub mod tally;
