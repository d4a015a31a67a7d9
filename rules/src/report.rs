//! Collects mistakes and warnings, each once.
//!
//! A rule that `each` unrolls has the same mistake once per member; a person wants to read it once.

use crate::limits::DIAGNOSTICS_MAX;
use ballast_model::diagnostic::{Diagnostic, FileId, Severity, Span};
use ballast_model::expr::Problem;
use std::collections::{BTreeMap, BTreeSet};

/// Says that more was found than is shown.
pub(crate) const TOO_MANY: &str = "rules::too_many";

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    seen: BTreeSet<(FileId, (u32, u32), &'static str)>,
    mistakes: usize,
    warnings: usize,
    /// Something that was too much to show; a mistake if there was one.
    last: Option<Diagnostic>,
    follow_ups: BTreeMap<FileId, FollowUps>,
}

/// Places of a file at which something was reported that cannot be read: what is found there later only follows from it.
#[derive(Debug, Default)]
struct FollowUps {
    left_out: Vec<Span>,
    /// Where names stand whose definition could not be read.
    lost: BTreeSet<u32>,
}

impl FollowUps {
    fn hold(&self, span: Span) -> bool {
        let meets = |out: &Span| out.start < span.end && span.start < out.end;
        self.left_out.iter().any(meets) || self.lost.contains(&span.start)
    }
}

impl Report {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let (file, span) = (diagnostic.primary.file, diagnostic.primary.span);
        if self.follow_ups.get(&file).is_some_and(|found| found.hold(span)) {
            return;
        }
        if !self.seen.insert((file, (span.start, span.end), diagnostic.code)) {
            return;
        }
        let count =
            if diagnostic.severity == Severity::Mistake { &mut self.mistakes } else { &mut self.warnings };
        if *count < DIAGNOSTICS_MAX {
            *count += 1;
            self.diagnostics.push(diagnostic);
        } else {
            let last = Diagnostic { secondary: Vec::new(), help: None, ..diagnostic };
            self.last = self.last.take().filter(|last| last.severity == Severity::Mistake).or(Some(last));
        }
    }

    pub(crate) fn problems(&mut self, file: FileId, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            self.push(mistake(file, problem));
        }
    }

    /// From now on nothing more is said of these places, of which a mistake was reported.
    pub(crate) fn leave_out(&mut self, file: FileId, places: impl IntoIterator<Item = Span>) {
        self.follow_ups.entry(file).or_default().left_out.extend(places);
    }

    /// From now on nothing more is said of the names that begin at these places, of which a mistake was reported.
    pub(crate) fn lose(&mut self, file: FileId, places: impl IntoIterator<Item = u32>) {
        self.follow_ups.entry(file).or_default().lost.extend(places);
    }

    /// Whether no more mistakes can be shown; then the rest is not looked at.
    pub(crate) fn is_full(&self) -> bool {
        self.mistakes >= DIAGNOSTICS_MAX
    }

    /// All of them, sorted by place.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        if let Some(last) = self.last.take() {
            let message = format!("there is more: only the first {DIAGNOSTICS_MAX} of a kind are shown");
            self.diagnostics.push(Diagnostic { code: TOO_MANY, message, ..last });
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
