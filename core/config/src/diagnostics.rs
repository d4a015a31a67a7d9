//! The mistakes and warnings of a site, collected.
//!
//! Reading never stops at the first mistake: every reader pushes what it finds here and goes on with what it has.

use ballast_model::diagnostic::{Diagnostic, FileId, Severity, Span, did_you_mean};

use crate::limits;

/// A range of bytes of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which file.
    pub file: FileId,
    /// Which bytes of it.
    pub span: Span,
}

impl Place {
    /// A mistake here.
    pub fn mistake(self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::mistake(code, self.file, self.span, message)
    }

    /// A warning here.
    pub fn warning(self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, self.file, self.span, message)
    }
}

/// Something that was read, with the place where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Placed<T> {
    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: change(self.value), place: self.place }
    }

    /// The place with a borrowed value.
    pub fn as_ref(&self) -> Placed<&T> {
        Placed { value: &self.value, place: self.place }
    }
}

/// Mistakes and warnings in the order in which they were found; [`Diagnostics::sort`] puts them in that of the text.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    mistakes: usize,
    not_kept: usize,
}

impl Diagnostics {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. After [`limits::DIAGNOSTICS_MAX`] they are only counted.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Mistake {
            self.mistakes += 1;
        }
        if self.list.len() < limits::DIAGNOSTICS_MAX {
            self.list.push(diagnostic);
        } else {
            self.not_kept += 1;
        }
    }

    /// Adds several, as another front end found them.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// Takes over all of another collection.
    pub fn append(&mut self, other: Self) {
        self.not_kept += other.not_kept;
        self.mistakes += other.mistakes;
        for diagnostic in other.list {
            if diagnostic.severity == Severity::Mistake {
                self.mistakes -= 1;
            }
            self.push(diagnostic);
        }
    }

    /// Puts them in the order of files and places; at one place, mistakes come first. Exact doubles are removed.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.primary.file, d.primary.span, d.severity, d.code);
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
        let before = self.count_mistakes();
        self.list.dedup();
        self.mistakes -= before - self.count_mistakes();
    }

    /// All that are kept.
    pub fn iter(&self) -> core::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// True when the site must be refused.
    pub fn has_mistakes(&self) -> bool {
        self.mistakes > 0
    }

    /// True when nothing at all was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// False when so much is wrong that looking for similar names among all of the site is not worth its time.
    pub fn wants_suggestions(&self) -> bool {
        self.list.len() < limits::SUGGESTIONS_MAX
    }

    /// How many mistakes were found, those that are not kept included.
    pub fn mistakes(&self) -> usize {
        self.mistakes
    }

    /// How many mistakes and warnings were found but not kept.
    pub fn not_kept(&self) -> usize {
        self.not_kept
    }

    fn count_mistakes(&self) -> usize {
        self.list.iter().filter(|d| d.severity == Severity::Mistake).count()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = core::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// "did you mean `x`?", when a known word is like enough; a few known words are listed instead when none is.
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, what: &str) -> Option<String> {
    const LISTED_MAX: usize = 24;
    let mut known: Vec<&str> = known.into_iter().collect();
    if word.len() <= limits::SUGGESTION_BYTES_MAX
        && let Some(meant) = did_you_mean(word, known.iter().copied())
    {
        return Some(format!("did you mean `{meant}`?"));
    }
    known.sort_unstable();
    known.dedup();
    if what.is_empty() {
        return None;
    }
    if known.is_empty() {
        return Some("there are none: declare it first, or leave this out".to_owned());
    }
    if known.len() > LISTED_MAX {
        let lists = if what.starts_with("its keys") { "the manual" } else { "`ballast check --explain`" };
        return Some(format!("{lists} lists all of them"));
    }
    let listed: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    Some(format!("{what}: {}", listed.join(", ")))
}

/// A person's text as a message quotes it: on one line, not too long, without control characters.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == limits::QUOTE_CHARS_MAX {
            quoted.push('…');
            break;
        }
        quoted.push(if character.is_control() { ' ' } else { character });
    }
    quoted.push('`');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    fn at(start: u32) -> Place {
        Place { file: FileId(0), span: Span::new(start, start + 1) }
    }

    #[test]
    fn they_are_sorted_by_place_and_doubles_go() {
        let mut found = Diagnostics::new();
        found.push(at(9).mistake(codes::YAML_TAB, "b"));
        found.push(at(3).warning(codes::YAML_TAB, "a"));
        found.push(at(9).mistake(codes::YAML_TAB, "b"));
        found.sort();
        let order: Vec<_> = found.iter().map(|d| (d.primary.span.start, d.message.as_str())).collect();
        assert_eq!(order, [(3, "a"), (9, "b")]);
        assert_eq!(found.mistakes(), 1);
    }

    #[test]
    fn too_many_are_counted_and_still_refuse_the_site() {
        let mut found = Diagnostics::new();
        for _ in 0..limits::DIAGNOSTICS_MAX {
            found.push(at(1).warning(codes::YAML_TAB, "w"));
        }
        assert!(!found.has_mistakes());
        found.push(at(1).mistake(codes::YAML_TAB, "m"));
        assert!(found.has_mistakes());
        assert_eq!((found.iter().count(), found.not_kept()), (limits::DIAGNOSTICS_MAX, 1));
        let mut all = Diagnostics::new();
        all.push(at(0).mistake(codes::YAML_TAB, "first"));
        all.append(found);
        assert_eq!((all.mistakes(), all.not_kept()), (2, 2));
    }

    #[test]
    fn a_similar_word_is_proposed_and_a_short_list_is_shown() {
        let known = ["open", "closed"];
        assert_eq!(suggest("close", known, "it may be").as_deref(), Some("did you mean `closed`?"));
        assert_eq!(suggest("on", known, "it may be").as_deref(), Some("it may be: `closed`, `open`"));
        assert_eq!(suggest(&"x".repeat(100), known, ""), None);
        let none = suggest("on", [], "the buses are").unwrap();
        assert!(none.contains("declare it first"), "{none}");
        let many: Vec<String> = (0..30).map(|index| format!("{index}")).collect();
        let many = suggest("on", many.iter().map(|word| &**word), "its keys are").unwrap();
        assert!(many.contains("the manual"), "{many}");
    }

    #[test]
    fn a_quoted_text_stays_on_its_line() {
        assert_eq!(quote("a\nb"), "`a b`");
        assert_eq!(quote(&"é".repeat(61)).chars().count(), limits::QUOTE_CHARS_MAX + 3);
    }
}
