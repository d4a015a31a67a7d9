//! Sites on a simulated village instead of equipment.
//!
//! | module | holds |
//! |---|---|
//! | [`plant`] | the village as the `sim` driver's buses see it, with disturbed readings and outputs that lead nowhere |
//! | [`field`] | a field that moves plant and made-up clock together, in steps that follow the plant's restlessness |
//! | [`pace`] | so many simulated seconds in a second of the wall |
//! | [`lockstep`] | a whole site that runs as fast as it can, for tests |
//! | [`plant_file`] | the file that says which village stands behind a site, and what happens to it |
//! | [`measures`] | what a run came to, in numbers: frequency, energy served and missed, switchings, alarms |
//! | [`picture`] | one line that shows the village |
//! | [`report`] | a run as a page of HTML that needs nothing else |
//! | [`series`] | what is drawn of a run, in bins of time |
//! | [`storm`] | storms over engine, rules, guard and link, with an observer of their own |
//!
//! Rules, guard, drivers and reports are those of a running site. The same site, seed and faults give the same run, bit for
//! bit: nothing here reads a clock but [`pace`], and that only decides when the next step is made, never what it does.

pub mod field;
pub mod lockstep;
pub mod measures;
pub mod pace;
pub mod picture;
pub mod plant;
pub mod plant_file;
pub mod report;
pub mod series;
pub mod storm;

pub use lockstep::{Setup, Simulation};
pub use plant::SharedPlant;
