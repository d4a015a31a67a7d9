//! Traces that were computed elsewhere.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::path::PathBuf;

/// The numbers of a trace, row by row; `None`, and a word on it, where the traces are not beside the repository.
pub(crate) fn rows(file: &str) -> Option<Vec<Vec<f64>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/plant").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no reference trace at {}", path.display());
        return None;
    };
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
    Some(text.lines().skip(1).map(row).collect())
}
