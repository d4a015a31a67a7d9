//! A site: its texts, what was checked and compiled from them, and where it lies.

pub mod build;
mod texts;

pub use crate::watch::SetHash as SetId;
pub use build::{Built, Refused, Running, build, build_after};
pub use texts::{Texts, state_directory};

use ballast_model::almanac::Zone;
use std::path::Path;

/// The zone of a site, for reading a person's instants; UTC where the file cannot be read.
pub fn zone_of(directory: &Path) -> Zone {
    let text = std::fs::read_to_string(directory.join("site.yaml")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("time_zone:"));
    let name = line.map(|rest| rest.split('#').next().unwrap_or("").trim().trim_matches(['"', '\'']));
    name.and_then(Zone::get).unwrap_or_default()
}
