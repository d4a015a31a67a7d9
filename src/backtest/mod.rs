//! `ballast backtest`: what happened, through the rules of a site and through others, side by side.
//!
//! | module | holds |
//! |---|---|
//! | [`source`] | readings of the past, one after the other, whatever they come from |
//! | [`csv`] | a table of readings, read and checked against the site's nouns |
//! | [`journal`] | the readings of a journal |
//! | [`field`] | equipment that reads what was read then, and takes every permit |
//! | [`run`] | one set of rules through the whole past, and what it did |
//! | [`difference`] | where two sets did not do the same |
//!
//! The readings are those of the past: what other rules would have changed in them, a temperature, a frequency, is not in
//! there. `ballast sim` answers that, on a model.

pub mod csv;
pub mod difference;
pub mod field;
pub mod journal;
pub mod run;
pub mod source;
