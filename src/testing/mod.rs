//! `ballast test`: what a site does when its points read this and that, on a made-up clock, with the guard in force.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@file`] | the test files of a site, read and checked against its nouns |
//! | [`look`] | the timeline of a test: what happens at a moment, and what is expected then |
//! | [`act`] | what happens beside readings: restarts, power cuts, devices that are gone |
//! | [`bounds`] | what is expected of a reading |
//! | [`village`] | the simulated village in place of written readings, and what happens to it |
//! | [`series`] | the short way to write many readings |
//! | [`table`] | the long way: a table beside the test file |
//! | [`field`] | equipment that reads as the test says, and takes every permit |
//! | [`trial`] | one test, from its start to its last look |
//! | [`coverage`] | what of a site its tests reached |
//! | [`record`] | a piece of a journal as a test |
//!
//! Rules, guard, link and explanations are those of a running site; nothing of this machine is read or switched, and no clock
//! of it decides anything.

pub mod act;
pub mod bounds;
pub mod coverage;
pub mod field;
pub mod file;
pub mod look;
pub mod record;
pub mod series;
pub mod table;
pub mod trial;
pub mod village;
