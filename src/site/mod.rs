//! A site: its texts, what was checked and compiled from them, and where it lies.

pub mod build;
mod texts;

pub use crate::watch::SetHash as SetId;
pub use build::{Built, Refused, Running, build, build_after, nouns};
pub use texts::{Texts, state_directory, zone_of};
