//! A journal run again: to compare every output, or to ask what was known at a past instant.
//!
//! | module | holds |
//! |---|---|
//! | `machines` | engine and guard of a segment, as they were |
//! | `timeline` | where wall times lie on the clock of a journal |
//! | `past` | engine and guard as they were at an instant |
//!
//! Runs beside the program, never on its decision thread: half an hour again takes time.

mod machines;
mod past;
mod timeline;

pub use machines::Machines;
pub use past::{NotTold, Past, Unheard};
pub use timeline::{Place, Timeline};
