//! YAML as a tree whose every node knows its place.
//!
//! What people write in a site is a small part of YAML: one document of maps, lists and scalars. Anchors, aliases,
//! tags, several documents and keys that are no words are refused, each with its place; a mistake in the syntax costs
//! the section in which it stands and not the rest of the file. A scalar stays text: what it means is for the decoders,
//! so `no` is never a boolean by accident and `1e999` never an infinity.

mod build;
mod offsets;
mod scalar;
mod syntax;

use ballast_model::diagnostic::{FileId, Span};

use crate::diagnostics::{Diagnostics, Place};
use crate::limits;
use crate::sources::Sources;

pub use scalar::{Scalar, Style};

/// What a file may cost. The default is what `limits` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Deepest nesting.
    pub depth: usize,
    /// Most nodes.
    pub nodes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { depth: limits::DEPTH_MAX, nodes: limits::NODES_MAX }
    }
}

/// One YAML file.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The file that was read.
    pub file: FileId,
    /// What it holds; nothing when it is empty or could not be read at all (a mistake says why).
    pub root: Option<Node>,
    /// False when a part could not be read. What is absent from such a tree may be there in the text.
    pub is_complete: bool,
}

/// A scalar, map or list.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Which file.
    pub file: FileId,
    /// All of its text, with quotes or brackets.
    pub span: Span,
    /// Where to point when the node as a whole is meant: the key that leads to it, or else its first word.
    pub head: Span,
    /// What it holds.
    pub kind: Kind,
}

impl Node {
    /// All of its text, with the file.
    pub fn place(&self) -> Place {
        Place { file: self.file, span: self.span }
    }

    /// The key that leads to it, or else its first word, with the file.
    pub fn head_place(&self) -> Place {
        Place { file: self.file, span: self.head }
    }

    /// The value of a key, where it is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// True for nothing, `~` and `null` without quotes.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.is_null(),
            _ => false,
        }
    }

    /// What the node is, in the words of a message.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.is_null() => "nothing",
            Kind::Scalar(_) => "a value",
            Kind::Map(_) => "a map",
            Kind::List(_) => "a list",
            Kind::Unreadable => "something unreadable",
        }
    }
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A text; nothing is read into it here.
    Scalar(Scalar),
    /// Keys with values, in the order of the text; no key stands twice.
    Map(Map),
    /// Values, in the order of the text.
    List(List),
    /// It was refused, and a mistake says so: say nothing more about it.
    Unreadable,
}

/// Keys with values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    /// In the order of the text.
    pub entries: Vec<Entry>,
    /// False when reading broke off inside: a key that is absent may be there in the text.
    pub is_complete: bool,
}

impl Map {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }
}

/// One key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key: always a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its text without quotes.
    pub text: String,
    /// Which file.
    pub file: FileId,
    /// Where.
    pub span: Span,
}

impl Key {
    /// Where it stands, with the file.
    pub fn place(&self) -> Place {
        Place { file: self.file, span: self.span }
    }
}

/// Values in a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// In the order of the text.
    pub items: Vec<Node>,
    /// False when reading broke off inside.
    pub is_complete: bool,
}

/// Reads one file as YAML within the usual budget. Costs time in proportion to its length.
pub fn parse(file: FileId, sources: &Sources, out: &mut Diagnostics) -> Tree {
    parse_within(file, sources, Budget::default(), out)
}

/// Reads one file as YAML within a budget.
pub fn parse_within(file: FileId, sources: &Sources, budget: Budget, out: &mut Diagnostics) -> Tree {
    match sources.get(file) {
        Some(source) if source.is_readable() => build::parse(file, source.text(), budget, out),
        _ => Tree { file, root: None, is_complete: false },
    }
}

#[cfg(test)]
mod tests;
