//! What `cargo mutants --list --json` prints.

use serde::Deserialize;
use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One change.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mutant {
    /// The file that is changed, beside the workspace's root.
    pub(crate) file: PathBuf,
    /// The function that is changed; absent: it is in none.
    pub(crate) function: Option<Function>,
    /// What is replaced.
    pub(crate) span: Span,
    /// By what.
    pub(crate) replacement: String,
    /// What cargo-mutants calls it: file, line, column and change.
    pub(crate) name: String,
}

/// The function around a change.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Function {
    /// With its attributes and comments.
    pub(crate) span: Span,
}

/// From the first sign to behind the last one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Span {
    pub(crate) start: Place,
    pub(crate) end: Place,
}

/// A place in a text; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Span {
    /// The bytes of a text that it covers; `None` where the text does not reach so far.
    pub(crate) fn bytes(&self, text: &str) -> Option<Range<usize>> {
        let range = self.start.byte(text)?..self.end.byte(text)?;
        text.get(range.clone()).map(|_| range)
    }
}

impl Place {
    fn byte(self, text: &str) -> Option<usize> {
        let mut begin = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if number + 1 == self.line {
                let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
                return ends.into_iter().nth(self.column.checked_sub(1)?).map(|at| begin + at);
            }
            begin += line.len();
        }
        None
    }
}

/// Reads the list.
///
/// # Errors
/// It cannot be read, or is none.
pub(crate) fn read(path: &Path) -> Result<Vec<Mutant>, Box<dyn Error>> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}
