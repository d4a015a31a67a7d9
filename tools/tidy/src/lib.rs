//! The house rules that no compiler checks, as functions from the text of the files to a list of complaints.
//!
//! `tests/tidy.rs` runs them over every file that git tracks, `tests/arrows.rs` and `tests/crates.rs` over what cargo says.
//! Each function takes text and gives complaints, so that its own tests can show it a file that breaks the rule. A
//! complaint names the file, the line, and what to do instead. Nothing here changes a file.

pub mod arrows;
pub mod crates;
pub mod drivers;
pub mod files;
pub mod links;
pub mod ratchet;
pub mod rust;
pub mod text;
