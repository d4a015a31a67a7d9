//! What the program `ballast` is made of: it reads a site, runs its rules and its guard, answers people.
//!
//! A library so that the tests of the whole system can run a site in simulated time; nobody else builds on it.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`site`] | from the files of a site to what runs |
//! | [`runtime`] | the running program |
//! | [`serving`], [`control`], [`web`], [`metrics`] | how others ask it |
//! | [`detect`] | who is there? Text for a site that is being written |
//! | [`device_file`] | a device file tried alone |
//! | [`egress`] | what of a site is told to others |
//! | [`simulation`] | a village instead of equipment |
//! | [`scenarios`] | scenarios that put a policy to the test, and what it comes to in points |
//! | [`report`] | sentences for people |
//! | [`journal`] | the last half hour, for replay |
//! | [`replay`] | a journal run again |
//! | [`testing`] | tests of a site: its rules on a made-up clock |
//! | [`backtest`] | what happened, through the rules of a site and through others |
//! | [`shadow`] | other rules beside the running ones, with their outputs disconnected |
//! | [`watch`] | files that were saved |
#![forbid(unsafe_code)]

pub mod backtest;
pub mod cli;
pub mod control;
pub mod detect;
pub mod device_file;
pub mod egress;
pub mod journal;
pub mod metrics;
pub mod replay;
pub mod report;
pub mod runtime;
pub mod scenarios;
pub mod serving;
pub mod shadow;
pub mod simulation;
pub mod site;
pub mod testing;
pub mod watch;
pub mod web;
