//! A site: what was checked and compiled from its texts.

pub mod build;
mod emptied;

pub use ballast_host::SetHash as SetId;
pub use ballast_host::Texts;
pub use ballast_host::texts::{state_directory, zone_of};
pub use build::{
    Built, Drawing, Refused, Running, build, build_adapted, build_after, build_unopened, catalog,
};
pub use emptied::{Emptied, emptied};
