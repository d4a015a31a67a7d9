//! What goes into the compiler, and what comes out.

use crate::campaign::CampaignOutline;
use crate::kept::Kept;
use crate::run::RhaiBodies;
use ballast_engine::plan::{RulePlan, SchedulePlan};
use ballast_model::diagnostic::{Diagnostic, FileId, Severity, Span};

/// One rule file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its index in the caller's list of sources.
    pub file: FileId,
    /// Its name without folders, `heating.rhai`.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Something that was assumed, for `check --explain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which source.
    pub file: FileId,
    /// Where.
    pub span: Span,
    /// What was assumed.
    pub text: String,
}

/// What a site's rule files come to.
#[derive(Debug)]
pub struct Compiled {
    /// The rules, in the order of the files; `each` is unrolled.
    pub rules: Vec<RulePlan>,
    /// The events, in the order of the files.
    pub schedules: Vec<SchedulePlan>,
    /// The campaigns, which are listed and not run.
    pub campaigns: Vec<CampaignOutline>,
    /// Runs the bodies of rules and events; stays on the thread that compiled it.
    pub bodies: RhaiBodies,
    /// Every mistake and warning, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
    /// What was assumed for bare numbers.
    pub notes: Vec<Note>,
    /// What a later set may take over.
    pub kept: Kept,
}

impl Compiled {
    /// Whether anything is wrong; then nothing of it may be run.
    pub fn has_mistakes(&self) -> bool {
        self.diagnostics.iter().any(|found| found.severity == Severity::Mistake)
    }
}
