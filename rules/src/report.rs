//! Collects mistakes and warnings, each once.
//!
//! A rule that `each` unrolls has the same mistake once per member; a person wants to read it once.

use crate::limits::DIAGNOSTICS_MAX;
use ballast_model::diagnostic::{Diagnostic, FileId, Span};
use ballast_model::expr::Problem;
use std::collections::BTreeSet;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    seen: BTreeSet<(FileId, (u32, u32), &'static str)>,
    dropped: usize,
    last: Option<(FileId, Span)>,
}

impl Report {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let (file, span) = (diagnostic.primary.file, diagnostic.primary.span);
        if !self.seen.insert((file, (span.start, span.end), diagnostic.code)) {
            return;
        }
        if self.diagnostics.len() >= DIAGNOSTICS_MAX {
            self.dropped += 1;
            self.last = Some((file, span));
            return;
        }
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn problems(&mut self, file: FileId, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            self.push(mistake(file, problem));
        }
    }

    /// All of them, sorted by place.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        if let Some((file, span)) = self.last {
            let message = format!("{} more mistakes and warnings are not shown", self.dropped);
            self.diagnostics.push(Diagnostic::mistake("rules::too_many", file, span, message));
        }
        self.diagnostics.sort_by_key(|found| (found.primary.file, found.primary.span.start, found.severity));
        self.diagnostics
    }
}

/// A problem of an expression as a mistake of its file.
pub(crate) fn mistake(file: FileId, problem: Problem) -> Diagnostic {
    let found = Diagnostic::mistake(problem.code, file, problem.span, problem.message);
    match problem.help {
        Some(help) => found.help(help),
        None => found,
    }
}

/// A problem with its advice.
pub(crate) fn problem(
    span: Span,
    code: &'static str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Problem {
    let help = help.into();
    Problem { span, code, message: message.into(), help: (!help.is_empty()).then_some(help) }
}
