//! Mistakes of a person, with their place.
//!
//! Everything that reads text (YAML, rules, the command line) reports through these types, so that all mistakes of a
//! site can be shown together, sorted, in one form. A front end never stops at the first mistake when it can go on.

use alloc::string::String;
use alloc::vec::Vec;

/// Index of a file in the list of sources that the caller keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one source text; `start <= end`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A range of bytes. The ends are swapped when they come in the wrong order.
    pub const fn new(start: u32, end: u32) -> Self {
        if start <= end { Self { start, end } } else { Self { start: end, end: start } }
    }

    /// The smallest range that holds both.
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The same range, moved right by `offset` bytes.
    pub const fn shift(self, offset: u32) -> Self {
        Self { start: self.start.saturating_add(offset), end: self.end.saturating_add(offset) }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The site is refused; the running set stays.
    Mistake,
    /// The site is accepted; the person should look.
    Warning,
}

/// A marked place in a source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Which source.
    pub file: FileId,
    /// Which bytes of it.
    pub span: Span,
    /// What is said at the carets; may be empty.
    pub text: String,
}

/// One mistake or warning: what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, `part::what`, listed in the manual.
    pub code: &'static str,
    /// Mistake or warning.
    pub severity: Severity,
    /// What is wrong, with the values.
    pub message: String,
    /// Where.
    pub primary: Label,
    /// Other places that matter (the first of two equal names, say).
    pub secondary: Vec<Label>,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake at one place.
    pub fn mistake(code: &'static str, file: FileId, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Mistake,
            message: message.into(),
            primary: Label { file, span, text: String::new() },
            secondary: Vec::new(),
            help: None,
        }
    }

    /// A warning at one place.
    pub fn warning(code: &'static str, file: FileId, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::mistake(code, file, span, message) }
    }

    /// Says what stands at the carets.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, file: FileId, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { file, span, text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The entry of `known` that is most like `word`, when it is like it enough to be meant: at most a third of its
/// letters differ (insertions, deletions, exchanges and swaps of neighbours count one each).
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The first character of a text that cannot be seen: a control character, or one that joins, parts or turns around what
/// stands beside it. Such a text shows another one than it is.
pub fn hidden_character(text: &str) -> Option<char> {
    let is_hidden = |letter: &char| {
        letter.is_control()
            || matches!(*letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
            || matches!(*letter, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().find(is_hidden)
}

/// Optimal string alignment distance between two words.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    let mut before: Vec<usize> = alloc::vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(width);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let replace = above.get(j).copied().unwrap_or(usize::MAX / 2) + usize::from(x != y);
            let remove = above.get(j + 1).copied().unwrap_or(usize::MAX / 2) + 1;
            let insert = row.get(j).copied().unwrap_or(usize::MAX / 2) + 1;
            let mut best = replace.min(remove).min(insert);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(before.get(j - 1).copied().unwrap_or(usize::MAX / 2) + 1);
            }
            row.push(best);
        }
        before = core::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        let known = ["grid.frequency", "grid.voltage", "battery.soc"];
        assert_eq!(did_you_mean("gird.frequency", known), Some("grid.frequency"));
        assert_eq!(did_you_mean("battery.sco", known), Some("battery.soc"));
        assert_eq!(did_you_mean("wind.speed", known), None);
    }

    #[test]
    fn what_cannot_be_seen_is_found_and_every_script_is_left_alone() {
        for text in ["a\u{7}b", "\u{202e}desolc", "a\u{2066}b", "a\u{200b}b", "a\nb", "\u{feff}a"] {
            assert!(hidden_character(text).is_some(), "{text:?}");
        }
        for text in ["nuit d'été", "夜間", "ليل", "night – half", "ノイズ ±5"] {
            assert_eq!(hidden_character(text), None, "{text}");
        }
    }
}
