//! The parser's complaints in the words of a person, with what to do.

use ballast_model::diagnostic::{Diagnostic, FileId, Span};

use crate::codes;
use crate::sources::{floor_boundary, saturate};

/// One family of complaints.
struct Wording {
    /// Part of the parser's text (saphyr-parser 0.3.4) by which the family is known.
    needle: &'static str,
    code: &'static str,
    message: &'static str,
    help: &'static str,
}

const fn wording(needle: &'static str, message: &'static str, help: &'static str) -> Wording {
    Wording { needle, code: codes::YAML_SYNTAX, message, help }
}

/// The parser sees that a key stands alone only when it has read what follows.
const KEY_ALONE: &str = "simple key expect";

/// The first that fits is taken.
const WORDINGS: &[Wording] = &[
    wording(
        "mapping values are not allowed",
        "this `:` makes a key of something that cannot be one",
        "indent the keys of one map by the same number of spaces; a value that holds `: ` needs quotes",
    ),
    wording(
        "illegal placement of ':'",
        "this `:` makes a key of something that cannot be one",
        "close the bracket or the quote before this line; a value that holds `: ` needs quotes",
    ),
    wording(
        "trailing content after",
        "the value goes on after its closing quote",
        "put the whole value into single quotes: 'linky.period == \"off_peak\"'",
    ),
    wording(
        "in quoted scalar",
        "the quote that opens here is not closed",
        "close it on the same line; inside single quotes, '' stands for one quote",
    ),
    wording(
        "invalid indentation",
        "a bracket that was opened above is not closed before this line",
        "close it, or indent this line if it belongs between the brackets",
    ),
    wording(
        "unexpected end of stream",
        "the quote that opens here is not closed",
        "close it on the same line; inside single quotes, '' stands for one quote",
    ),
    wording(
        "while scanning a block scalar",
        "a value that starts with `>` or `|` means a block of text to YAML",
        "put the value into quotes: \"> 50 mA\"",
    ),
    wording("unexpected character", "a value cannot start with this character", "put the value into quotes"),
    wording(KEY_ALONE, "a key without `:` after it", "write `key: value`, with a space after the `:`"),
    wording(
        "',' or",
        "a `,` or the closing bracket is missing before this place",
        "a value that holds `,`, `[`, `]`, `{` or `}` needs quotes between brackets",
    ),
    wording(
        "misplaced bracket",
        "a closing bracket without an opening one",
        "remove it, or put the value into quotes",
    ),
    wording(
        "escape character",
        "an escape that YAML does not know, in double quotes",
        "use single quotes, in which `\\` is an ordinary character",
    ),
    wording(
        "hexadecimal",
        "an escape that YAML does not know, in double quotes",
        "use single quotes, in which `\\` is an ordinary character",
    ),
    wording(
        "block sequence entries are not allowed",
        "`-` starts a list here, where a value is expected",
        "start the list on the next line, or put the value into quotes",
    ),
    wording(
        "expected '-' indicator",
        "this line belongs neither to the list item above nor to what surrounds it",
        "indent it like the keys of the item, or start it with `- `",
    ),
    wording(
        "did not find expected <document start>",
        "this line does not belong to the map or list above",
        "indent it like the other keys, and put `:` after a key",
    ),
    wording(
        "did not find expected key",
        "this line does not belong to the map above",
        "indent it like the other keys; a list and a map cannot be mixed",
    ),
    wording("node content", "a value is missing here", "remove the `,`, or write the value before it"),
    Wording {
        needle: " tag",
        code: codes::YAML_TAG,
        message: "a value that starts with `!` means a tag to YAML, and tags are not used here",
        help: "in a condition write `not`; or put the whole value into quotes",
    },
    Wording {
        needle: "anchor or alias",
        code: codes::YAML_ALIAS,
        message: "a value that starts with `&` or `*` means an anchor or alias to YAML",
        help: "write the value itself, or put it into quotes",
    },
    Wording {
        needle: "unknown anchor",
        code: codes::YAML_ALIAS,
        message: "a value that starts with `*` means an alias to YAML, and aliases are refused",
        help: "write the value itself, or put it into quotes",
    },
    Wording {
        needle: "recursion limit",
        code: codes::YAML_TOO_DEEP,
        message: "too many brackets inside each other",
        help: "no part of a site is nested as deep as this",
    },
];

/// A diagnostic for what the parser said about the byte `offset` of `text`.
pub(super) fn explain(file: FileId, text: &str, offset: u32, info: &str) -> Diagnostic {
    let start = floor_boundary(text, offset);
    let length = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let here = Span::new(saturate(start), saturate(start + length));
    let Some(wording) = WORDINGS.iter().find(|wording| info.contains(wording.needle)) else {
        return Diagnostic::mistake(codes::YAML_SYNTAX, file, here, format!("this is not YAML: {info}"));
    };
    let span = if wording.needle == KEY_ALONE { line_before(text, start).unwrap_or(here) } else { here };
    Diagnostic::mistake(wording.code, file, span, wording.message).help(wording.help)
}

/// Points at the bracket that is not closed instead of the place where the parser noticed it.
pub(super) fn unclosed(found: Diagnostic, text: &str, bracket: Span) -> Diagnostic {
    let is_about_it = WORDINGS.iter().filter(|wording| UNCLOSED.contains(&wording.needle));
    if !is_about_it.clone().any(|wording| wording.message == found.message) {
        return found;
    }
    let opens = text.get(floor_boundary(text, bracket.start)..).unwrap_or("");
    let (open, close) = if opens.starts_with('{') { ('{', '}') } else { ('[', ']') };
    let message = format!("this `{open}` is not closed");
    let help = format!("write `{close}` behind the last value");
    let here = found.primary.span;
    Diagnostic::mistake(found.code, found.primary.file, bracket, message)
        .also(found.primary.file, here, "still open here")
        .help(help)
}

/// The families that an open bracket above leads to.
const UNCLOSED: [&str; 2] = ["invalid indentation", "',' or"];

/// The last line before `offset` that holds more than blanks and a comment, without its indentation.
fn line_before(text: &str, offset: usize) -> Option<Span> {
    let mut end = text.get(..offset)?.trim_end().len();
    while end > 0 {
        let start = text.get(..end)?.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text.get(start..end)?;
        let content = line.trim_start();
        if !content.is_empty() && !content.starts_with('#') {
            let content = content.find(" #").and_then(|at| content.get(..at)).unwrap_or(content).trim_end();
            let end = end - line.len() + line.find(content).unwrap_or(0) + content.len();
            return Some(Span::new(saturate(end - content.len()), saturate(end)));
        }
        end = text.get(..start)?.trim_end().len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that no complaint of the parser needs any more is a row to remove.
    #[test]
    fn every_wording_is_needed() {
        let texts = [
            "a: b: c\n",
            "a: [1, 2\nb: 3\n",
            "a: \"x\" y\n",
            "a: \"x\nb: 1\n",
            "a: \"x\n",
            "a: > 5\n",
            "a: %x\n",
            "a: 1\nb\n",
            "a: [1\n",
            "a: ]\n",
            "a: \"\\q\"\n",
            "a: \"\\u12\"\n",
            "a: -\n",
            "a:\n  - b: 1\n   c: 2\n",
            "[a]\nb: 1\n",
            "x: 1\n- y\n",
            "a: [,]\n",
            "a: !<x\n",
            "a: & b\n",
            "a: *x\n",
            "a:\n  b: { c: 1\nd: 2\n",
        ];
        let mut complaints: Vec<String> = texts
            .iter()
            .map(|text| {
                let error = saphyr_parser::Parser::new_from_str(text).find_map(Result::err);
                error.unwrap_or_else(|| panic!("{text:?} was taken")).info().to_owned()
            })
            .collect();
        let deep = "[".repeat(1000);
        complaints.extend(
            saphyr_parser::Parser::new_from_str(&deep).find_map(Result::err).map(|e| e.info().to_owned()),
        );
        for wording in WORDINGS {
            let is_first = |info: &String| {
                let first = WORDINGS.iter().find(|other| info.contains(other.needle));
                first.is_some_and(|first| first.needle == wording.needle)
            };
            assert!(complaints.iter().any(is_first), "`{}` is not needed", wording.needle);
        }
        for info in complaints {
            assert!(WORDINGS.iter().any(|wording| info.contains(wording.needle)), "`{info}` has no wording");
        }
    }

    #[test]
    fn a_key_alone_is_marked_itself() {
        let text = "a: 1\n  bcd   # no\n# c\n\ne: 1\n";
        let offset = u32::try_from(text.find("e: 1").unwrap()).unwrap();
        let found = explain(FileId(0), text, offset, "simple key expect ':'");
        assert_eq!(found.primary.span, Span::new(7, 10));
    }
}
