//! The texts of a site: names, contents, and the way from a byte to a line and a column.
//!
//! This module never opens a file: the caller reads it and hands over its bytes. A file that is too long is refused by
//! its length alone ([`Sources::refuse_by_length`]), so that nobody reads a gigabyte to say no.

use ballast_model::diagnostic::{Diagnostic, FileId, Span};

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::limits;

/// One text and its name.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    is_readable: bool,
}

impl Source {
    /// The name under which messages show the file, relative to the site's directory.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text; bytes that are not UTF-8 are shown as U+FFFD, in a file that was refused.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// False when the file was refused as a whole: too long, or not text. A mistake says so.
    pub fn is_readable(&self) -> bool {
        self.is_readable
    }
}

/// A place as people count: both start at 1, columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// All texts of one site, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// No text yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the bytes of one file of a site. What is no text, or too long, is kept out with a mistake; the file still has an
    /// id.
    pub fn add(&mut self, name: impl Into<String>, bytes: &[u8], out: &mut Diagnostics) -> FileId {
        self.add_up_to(name, bytes, limits::FILE_BYTES_MAX, out)
    }

    /// The same of a file that is none of a site, and may be longer.
    pub fn add_up_to(
        &mut self,
        name: impl Into<String>,
        bytes: &[u8],
        most: u64,
        out: &mut Diagnostics,
    ) -> FileId {
        let name = name.into();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > most {
            return self.refuse_by_length(name, length, most, out);
        }
        let file = self.next_id();
        match core::str::from_utf8(bytes) {
            Ok(text) => {
                let is_readable = self.files.len() < limits::FILES_MAX;
                self.files.push(Source { name, text: text.to_owned(), is_readable });
                if !is_readable {
                    out.push(too_many_files(file));
                }
            }
            Err(error) => {
                self.files.push(Source {
                    name,
                    text: String::from_utf8_lossy(bytes).into_owned(),
                    is_readable: false,
                });
                out.push(not_text(file, bytes, error.valid_up_to()));
            }
        }
        file
    }

    /// Notes a file that is longer than the most that is read of its kind, and was therefore not read.
    pub fn refuse_by_length(
        &mut self,
        name: impl Into<String>,
        length: u64,
        most: u64,
        out: &mut Diagnostics,
    ) -> FileId {
        let file = self.next_id();
        self.files.push(Source { name: name.into(), text: String::new(), is_readable: false });
        out.push(
            Diagnostic::mistake(codes::FILE_TOO_LONG, file, Span::default(), limits::too_long(length, most))
                .help("is it the right file? Samples and logs do not belong into a site's directory"),
        );
        file
    }

    /// Notes what has the name of a file of the site and is none: `what` is it, such as "a folder". A warning, since the
    /// rest of the site does not need it.
    pub fn warn_of_no_file(&mut self, name: &str, what: &str, out: &mut Diagnostics) {
        let file = self.next_id();
        self.files.push(Source { name: name.into(), text: String::new(), is_readable: false });
        let message = format!("`{name}` is {what} and not a file: nothing of it is read");
        let warning = Diagnostic::warning(codes::FILE_NOT_A_FILE, file, Span::default(), message);
        out.push(warning.help("put the text itself there, or remove it"));
    }

    /// The text behind an id.
    pub fn get(&self, file: FileId) -> Option<&Source> {
        self.files.get(usize::try_from(file.0).ok()?)
    }

    /// The name of a file; `?` for an id of another set.
    pub fn name(&self, file: FileId) -> &str {
        self.get(file).map_or("?", Source::name)
    }

    /// Shows files under other names from here on: what `name` gives for the one that a file has; `None`: it keeps it.
    pub fn rename(&mut self, name: impl Fn(&str) -> Option<String>) {
        for source in &mut self.files {
            if let Some(name) = name(&source.name) {
                source.name = name;
            }
        }
    }

    /// All files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// Line and column of a byte. Past the end: the place after the last character.
    pub fn position(&self, file: FileId, offset: u32) -> Position {
        let text = self.get(file).map_or("", Source::text);
        let offset = floor_boundary(text, offset);
        let before = text.get(..offset).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let newlines = before.bytes().filter(|byte| *byte == b'\n').count();
        let column = before.get(line_start..).unwrap_or("").chars().count();
        Position { line: saturate(newlines + 1), column: saturate(column + 1) }
    }

    fn next_id(&self) -> FileId {
        FileId(saturate(self.files.len()))
    }
}

/// The nearest character boundary at or before `offset`.
pub(crate) fn floor_boundary(text: &str, offset: u32) -> usize {
    let mut offset = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// A length or an index as it is kept in a span. Texts are at most [`limits::FILE_BYTES_MAX`] long, so nothing is lost.
pub(crate) fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn too_many_files(file: FileId) -> Diagnostic {
    Diagnostic::mistake(
        codes::FILE_TOO_MANY,
        file,
        Span::default(),
        format!("a site has at most {} files; this one is not read", limits::FILES_MAX),
    )
}

fn not_text(file: FileId, bytes: &[u8], valid: usize) -> Diagnostic {
    let line = bytes.iter().take(valid).filter(|byte| **byte == b'\n').count() + 1;
    let start = saturate(valid);
    let found = bytes.get(valid).copied().unwrap_or_default();
    let help = if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        "it looks like UTF-16: save it as UTF-8"
    } else {
        "save it as UTF-8; in Latin-1 and in Windows-1252 the degree sign and accents are single bytes"
    };
    Diagnostic::mistake(
        codes::FILE_NOT_TEXT,
        file,
        Span::new(start, start + 1),
        format!("this file is not UTF-8 text: byte 0x{found:02X} at offset {valid}, line {line}"),
    )
    .label("from here")
    .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_characters() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("site.yaml", "a: 1\né°: 2\r\nc".as_bytes(), &mut out);
        let at = |offset| {
            let position = sources.position(file, offset);
            (position.line, position.column)
        };
        assert!(out.is_empty());
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(4), (1, 5));
        assert_eq!(at(5), (2, 1));
        assert_eq!(at(6), (2, 1), "inside é");
        assert_eq!(at(9), (2, 3));
        assert_eq!(at(14), (3, 1));
        assert_eq!(at(999), (3, 2));
    }

    #[test]
    fn a_file_is_shown_under_the_name_that_it_was_given_last() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let files = ["rules/a.rhai", "site.yaml"].map(|name| sources.add(name, b"a", &mut out));
        sources.rename(|name| Some(format!("new/{}", name.strip_prefix("rules/")?)));
        assert_eq!(files.map(|file| sources.name(file)), ["new/a.rhai", "site.yaml"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_offset() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("site.yaml", b"name: a\nlabel: 50 \xB0C\n", &mut out);
        let found: Vec<_> = out.iter().collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, codes::FILE_NOT_TEXT);
        assert_eq!(found[0].primary.span, Span::new(18, 19));
        assert!(found[0].message.contains("0xB0 at offset 18, line 2"), "{}", found[0].message);
        assert!(!sources.get(file).unwrap().is_readable());
    }

    #[test]
    fn utf_16_is_named() {
        let mut out = Diagnostics::new();
        Sources::new().add("site.yaml", &[0xFF, 0xFE, b'a', 0], &mut out);
        assert!(out.iter().next().unwrap().help.as_deref().unwrap().contains("UTF-16"));
    }

    #[test]
    fn a_gigabyte_is_refused_by_its_length() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.refuse_by_length("site.yaml", 1 << 30, limits::FILE_BYTES_MAX, &mut out);
        assert_eq!(out.iter().next().unwrap().code, codes::FILE_TOO_LONG);
        let message = "this file has 1073741824 bytes; at most 1048576 are read (1 MiB)";
        assert_eq!(out.iter().next().unwrap().message, message);
        assert!(!sources.get(file).unwrap().is_readable());
        assert_eq!(sources.get(file).unwrap().text(), "");
    }

    #[test]
    fn what_is_no_file_is_a_warning() {
        let mut out = Diagnostics::new();
        Sources::new().warn_of_no_file("rules/a.rhai", "a named pipe", &mut out);
        let found = out.iter().next().unwrap();
        assert_eq!((found.code, out.mistakes()), (codes::FILE_NOT_A_FILE, 0));
        assert_eq!(found.message, "`rules/a.rhai` is a named pipe and not a file: nothing of it is read");
    }

    #[test]
    fn one_byte_over_the_limit_is_too_much() {
        let limit = usize::try_from(limits::FILE_BYTES_MAX).unwrap();
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("a", &vec![b' '; limit], &mut out);
        assert!(out.is_empty() && sources.get(file).unwrap().is_readable());
        sources.add("b", &vec![b' '; limit + 1], &mut out);
        assert_eq!(out.iter().next().unwrap().code, codes::FILE_TOO_LONG);
    }

    #[test]
    fn the_number_of_files_is_bounded() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        for _ in 0..limits::FILES_MAX {
            sources.add("a", b"", &mut out);
        }
        assert!(out.is_empty());
        sources.add("b", b"", &mut out);
        assert_eq!(out.iter().next().unwrap().code, codes::FILE_TOO_MANY);
    }
}
