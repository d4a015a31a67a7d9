//! The words that every part of Ballast shares.
//!
//! | module | holds |
//! |---|---|
//! | [`finite`], [`quantity`], [`dimension`] | numbers without NaN, units and dimensions, the text form of a quantity |
//! | [`time`], [`almanac`] | monotonic and wall time; zones, days, the sun |
//! | [`catalog`] | the nouns of a site: points, outputs, groups, their units and limits, as dense ids |
//! | [`sample`], [`intake`], [`snapshot`] | a reading on its way in, the checks at the door, what is known now |
//! | [`expr`] | the one typed condition: checker, three-valued evaluator, `for` timers, trackers over time |
//! | [`intent`] | what the engine asks for and what the guard answers |
//! | [`device`] | buses and what hangs on them, as the configuration tells them to the drivers |
//! | [`frame`] | the fixed frames that carry intents and verdicts between the two machines |
//! | [`diagnostic`] | a person's mistakes, with their place |
//!
//! Nothing here reads a clock, a file or a socket, and nothing here can fail at run time: what can be wrong is found
//! when a text is checked.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod almanac;
pub mod catalog;
pub mod device;
pub mod diagnostic;
pub mod dimension;
pub mod expr;
pub mod finite;
pub mod frame;
pub mod intake;
pub mod intent;
mod names;
pub mod quantity;
pub mod sample;
pub mod severity;
pub mod snapshot;
pub mod time;

pub use catalog::{Catalog, DeviceId, GroupId, OutputId, PointId};
pub use finite::Finite;
pub use intent::{Authority, Contact, Intent, Outcome, Verdict, Wanted};
pub use quantity::{Dimension, Unit};
pub use sample::{Quality, Reason, Sample, Value};
pub use severity::Severity;
pub use snapshot::Snapshot;
pub use time::{Mono, Span, Utc};
