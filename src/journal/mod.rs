//! The journal: what is needed to run the last half hour again, bit for bit.
//!
//! | module | holds |
//! |---|---|
//! | `segment` | a checkpoint and the records that followed it, packed |
//! | `ring` | the segments of the last half hour, in memory |
//! | `file` | the ring as a file and back |
//!
//! A checkpoint is a saved state and a record an input, both as opaque bytes: this module knows neither engine nor
//! guard. Each segment can be replayed alone, under the plan that was in force then.
//!
//! Appending a record copies its bytes and nothing else; writing a file is left to whoever can wait for a disk
//! (`Ring::freeze` makes a copy for him that shares all but the last segment).

mod file;
mod ring;
mod segment;

pub use file::{Cut, Frozen, Header, Journal, JournalError, read, receive};
pub use ring::{Limits, Ring, Tape};
pub use segment::{Plan, Record, Records, Segment};
