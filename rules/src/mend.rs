//! What the parser is given in place of what it cannot read. Only the smallest piece at fault is left out, so that
//! everything around it is still looked at, and every other place stays where it was.

use crate::scan::Scanned;
use ballast_model::diagnostic::Span;

/// A place of the file and what stands there instead, filled up with spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) span: Span,
    pub(crate) put: &'static str,
}

impl Edit {
    /// Whether what is put there has room in its first line.
    pub(crate) fn fits(&self, scanned: &Scanned<'_>) -> bool {
        let gone = scanned.text.get(self.span.start as usize..self.span.end as usize).unwrap_or("");
        gone.chars().take_while(|found| *found != '\n').count() >= self.put.len()
    }
}

/// Everything that was changed for the parser, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    list: Vec<Edit>,
}

impl Edits {
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a range is left out as a whole.
    pub(crate) fn covers(&self, span: Span) -> bool {
        self.list.iter().any(|edit| edit.span.start <= span.start && span.end <= edit.span.end)
    }

    /// Whether something within a range was left out.
    pub(crate) fn touch(&self, span: Span) -> bool {
        self.list.iter().any(|edit| edit.span.start < span.end && span.start < edit.span.end)
    }

    /// Whether anything was left out of a statement or put into it.
    pub(crate) fn change(&self, statement: Span) -> bool {
        self.list.iter().any(|edit| (statement.start..=statement.end).contains(&edit.span.start))
    }

    /// What was left out; what was only put in is none of it.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = Span> {
        self.list.iter().filter(|edit| edit.put != ";" && edit.put != "}").map(|edit| edit.span)
    }

    /// Leaves something out, with all that was left out within it or beside it: it only ever becomes more.
    pub(crate) fn add(&mut self, edit: Edit) {
        let stays = |other: &Edit| other.span.end <= edit.span.start || edit.span.end <= other.span.start;
        let span =
            self.list.iter().filter(|other| !stays(other)).fold(edit.span, |all, other| all.join(other.span));
        self.list.retain(stays);
        let at = self.list.partition_point(|other| other.span.start <= span.start);
        self.list.insert(at, Edit { span, ..edit });
    }

    /// Puts in a sign that is missing, once at a place: over a space, or at the end of a line, where it moves nothing.
    pub(crate) fn insert(&mut self, scanned: &Scanned<'_>, before: usize, put: &'static str) -> bool {
        let Some(token) = before.checked_sub(1).and_then(|last| scanned.tokens.get(last)) else {
            return false;
        };
        let next = scanned.tokens.get(before).map_or(scanned.text.len(), |next| next.start as usize);
        let gap = scanned.text.get(token.end as usize..next).unwrap_or("");
        let end = match gap.chars().next() {
            Some(' ' | '\t') => token.end + 1,
            None if next < scanned.text.len() => return false,
            _ => token.end,
        };
        let edit = Edit { span: Span::new(token.end, end), put };
        let is_new = !self.list.contains(&edit);
        if is_new {
            self.add(edit);
        }
        is_new
    }

    /// A part of the text as the parser gets it.
    pub(crate) fn text(&self, scanned: &Scanned<'_>, part: Span) -> String {
        let mut text = String::with_capacity((part.end - part.start) as usize + 8);
        let mut kept = part.start;
        for edit in self.list.iter().filter(|edit| part.start <= edit.span.start && edit.span.end <= part.end)
        {
            text.push_str(scanned.text.get(kept as usize..edit.span.start as usize).unwrap_or(""));
            let gone = scanned.text.get(edit.span.start as usize..edit.span.end as usize).unwrap_or("");
            let mut put = edit.put.chars();
            text.extend(
                gone.chars().map(|found| if found == '\n' { '\n' } else { put.next().unwrap_or(' ') }),
            );
            text.extend(put);
            kept = edit.span.end;
        }
        text.push_str(scanned.text.get(kept as usize..part.end as usize).unwrap_or(""));
        text
    }
}
