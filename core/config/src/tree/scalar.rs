//! A text, and the way from its bytes back to the file.
//!
//! Quotes, escapes and line breaks make a scalar's text differ from what stands in the file. A mistake inside a
//! condition is shown where it stands, so the way back is kept.

use ballast_model::diagnostic::Span;

use crate::sources::saturate;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single quotes; `''` stands for one.
    Single,
    /// In double quotes, with escapes.
    Double,
    /// A block after `|` or `>`.
    Block,
}

/// A text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text without quotes, with escapes resolved.
    pub text: String,
    /// How it is written.
    pub style: Style,
    /// Where pieces of `text` start, and where they stand in the file; sorted. Between two starts both run alike.
    /// Empty where the text was put together and only the whole has a place.
    pieces: Vec<(u32, u32)>,
    /// All of it in the file, with quotes.
    whole: Span,
}

impl Scalar {
    /// `written` is the scalar as it stands in the file from byte `start` on, with its quotes.
    pub(super) fn new(mut text: String, style: Style, written: &str, start: u32) -> Self {
        // The parser reserves a hundred bytes for every word; a large site has tens of thousands of them.
        text.shrink_to_fit();
        let pieces = align(&text, style, written, start);
        let whole = Span::new(start, start.saturating_add(saturate(written.len())));
        Self { text, style, pieces, whole }
    }

    /// A plain text that stands at `whole` as it is.
    pub fn plain(text: String, whole: Span) -> Self {
        Self { text, style: Style::Plain, pieces: vec![(0, whole.start)], whole }
    }

    /// The same scalar with another text, all of which stands where the whole stands.
    pub fn with_text(&self, text: String) -> Self {
        Self { text, style: self.style, pieces: Vec::new(), whole: self.whole }
    }

    /// True for nothing, `~` and `null` without quotes.
    pub fn is_null(&self) -> bool {
        self.style == Style::Plain && matches!(self.text.as_str(), "" | "~" | "null")
    }

    /// Where bytes `span` of the text stand in the file.
    pub fn in_file(&self, span: Span) -> Span {
        if self.pieces.is_empty() {
            return self.whole;
        }
        // The last byte is looked up instead of the end, which may lie in the next piece.
        let end = if span.end > span.start {
            self.byte_in_file(span.end - 1) + 1
        } else {
            self.byte_in_file(span.end)
        };
        Span::new(self.byte_in_file(span.start), end)
    }

    fn byte_in_file(&self, offset: u32) -> u32 {
        let after = self.pieces.partition_point(|(text, _)| *text <= offset);
        let (text, file) =
            after.checked_sub(1).and_then(|index| self.pieces.get(index)).copied().unwrap_or_default();
        file.saturating_add(offset.saturating_sub(text))
    }
}

/// Walks over the text and over what is written, side by side, and notes where they come apart.
fn align(text: &str, style: Style, written: &str, start: u32) -> Vec<(u32, u32)> {
    let skipped = match style {
        Style::Single | Style::Double => 1,
        Style::Plain | Style::Block => 0,
    };
    let mut pieces = vec![(0, start.saturating_add(skipped))];
    let mut left = text;
    let mut right = written.get(usize::try_from(skipped).unwrap_or(0)..).unwrap_or("");
    while let (Some(a), Some(b)) = (left.chars().next(), right.chars().next()) {
        let is_escape = style == Style::Double && b == '\\';
        let is_doubled = style == Style::Single && right.starts_with("''");
        let is_fold = a.is_whitespace() && b.is_whitespace() && !(a == b && is_blank_inside(left, right));
        if a == b && !is_escape && !is_doubled && !is_fold {
            left = left.get(a.len_utf8()..).unwrap_or("");
            right = right.get(b.len_utf8()..).unwrap_or("");
            continue;
        }
        if is_fold || b.is_whitespace() {
            left = left.trim_start();
            right = right.trim_start();
        } else {
            left = left.get(a.len_utf8()..).unwrap_or("");
            let length =
                if is_escape { escape_length(right) } else { b.len_utf8() + usize::from(is_doubled) };
            right = right.get(length..).unwrap_or("");
        }
        let file = start.saturating_add(saturate(written.len() - right.len()));
        pieces.push((saturate(text.len() - left.len()), file));
    }
    pieces
}

/// True when both sides go on alike after one blank, so that the blank is no folded line break.
fn is_blank_inside(left: &str, right: &str) -> bool {
    let after = |side: &str| side.chars().nth(1).is_some_and(|next| !next.is_whitespace());
    after(left) && after(right)
}

/// The bytes of a double-quoted escape: `\n`, `\x41`, `\u00e9`, `\U0001F600`.
fn escape_length(written: &str) -> usize {
    match written.as_bytes().get(1) {
        Some(b'x') => 4,
        Some(b'u') => 6,
        Some(b'U') => 10,
        _ => 1 + written.chars().nth(1).map_or(0, char::len_utf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character of `marks` in the text is found at the same character in the file.
    fn follow(text: &str, style: Style, written: &str, marks: &str) {
        let scalar = Scalar::new(text.to_owned(), style, written, 100);
        for mark in marks.chars() {
            let at = |text: &str| u32::try_from(text.find(mark).unwrap()).unwrap();
            let span = scalar.in_file(Span::new(at(text), at(text) + 1));
            assert_eq!(span, Span::new(100 + at(written), 101 + at(written)), "{mark} of {written}");
        }
    }

    #[test]
    fn a_text_is_followed_back_to_the_file() {
        follow("a b  c", Style::Plain, "a b  c", "abc");
        follow("a b  c", Style::Single, "'a b  c'", "abc");
        follow("a°b", Style::Double, "\"a°b\"", "ab");
        follow("a b c", Style::Plain, "a b\r\n     c", "abc");
        follow("a\nb c", Style::Plain, "a\n\n   b\n c", "abc");
        follow("a'b' c", Style::Single, "'a''b'' c'", "abc");
        follow("a\"b\"éc😀d", Style::Double, r#""a\"b\x22\u00e9c\U0001F600d""#, "abcd");
        follow("a b\nc\n", Style::Block, "a\n    b\n\n    c\n", "abc");
    }

    #[test]
    fn an_empty_text_stands_where_it_starts() {
        let scalar = Scalar::new(String::new(), Style::Double, "\"\"", 7);
        assert_eq!(scalar.in_file(Span::new(0, 0)), Span::new(8, 8));
    }
}
