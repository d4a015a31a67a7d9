//! The rule language through its public door.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bodies;
mod carets;
mod damage;
mod golden;
mod site;

use ballast_model::diagnostic::FileId;
use ballast_rules::{Compiled, Source, compile};

/// Compiles one file for the site of the tests.
pub(crate) fn compiled(text: &str) -> Compiled {
    compile(&[Source { file: FileId(0), name: "test.rhai", text }], &site::site())
}
