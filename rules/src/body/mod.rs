//! Bodies: what is found out about them at load, and the form in which they run.

mod allowed;
mod meant;
mod overridden;
mod requests;
mod steps;
mod walk;
mod words;

use crate::file::File;
use crate::template::Template;
use ballast_engine::bodies::{NoticeLevel, Request, ShedRequest};
use ballast_model::catalog::Catalog;
use ballast_model::diagnostic::{Span, did_you_mean};
use ballast_model::expr::{Dialect, Problem, Program, Scope, TrackerKey};
use ballast_model::time::Span as Duration;
use ballast_model::{GroupId, OutputId, PointId, Unit, Value, Wanted};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) use walk::{build, check_function};

/// Where statements stand, which decides what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// The body of a rule.
    Rule,
    /// The body of `every` or `at`.
    Schedule,
    /// A function: knows only its arguments.
    Function,
}

/// Everything around a body.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) file: &'a File<'a>,
    pub(crate) catalog: &'a Catalog,
    pub(crate) each: Option<(&'a str, &'a str)>,
    pub(crate) rule: u32,
    pub(crate) kind: BodyKind,
    pub(crate) campaigns: &'a BTreeSet<Box<str>>,
}

impl<'a> Surroundings<'a> {
    /// What a condition here may refer to.
    pub(crate) fn scope(&self) -> Scope<'a> {
        let dialect = if self.kind == BodyKind::Rule { Dialect::Rule } else { Dialect::Derived };
        let constants = &self.file.constants;
        Scope { catalog: self.catalog, dialect, each: self.each, rule: self.rule, constants }
    }
}

impl Surroundings<'_> {
    /// The model knows neither constants nor the variable of `each` as names of the file: its advice is put into them.
    pub(crate) fn in_words_of_the_file(&self, problems: Vec<Problem>) -> Vec<Problem> {
        let reworded = problems.into_iter().map(|mut found| {
            let written = self.file.scanned.text.get(found.span.start as usize..found.span.end as usize);
            let constants = self.file.constants.keys().map(|name| &**name);
            if found.code == "expr::unknown_name"
                && let Some(near) = written.and_then(|word| did_you_mean(word, constants))
            {
                found.help = Some(format!("did you mean `{near}`?"));
            }
            if let (Some((variable, device)), Some(help)) = (self.each, &mut found.help) {
                *help = help.replace(&format!("`{device}."), &format!("`{variable}."));
            }
            found
        });
        reworded.collect()
    }
}

/// Something that a body does, complete at load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Request(Request),
    Shed(ShedRequest),
    Notice(NoticeLevel, Template),
    Setting(PointId, Value),
    Mode(u16),
    Campaign(Box<str>, bool),
    Record(Box<str>, Box<[PointId]>),
}

/// What the first argument of a request stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    Fixed(Action),
    /// A setpoint whose value the body computes.
    Level {
        output: OutputId,
        unit: Unit,
        lasting: Option<Duration>,
    },
    /// A setting whose value the body computes.
    Setting {
        point: PointId,
        unit: Unit,
    },
}

/// A value that a body may read.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    Point(PointId),
    Computed {
        program: Program,
        /// Whether unknown is a value here (the first argument of `or_else`) and does not end the run.
        is_lenient: bool,
    },
}

/// A state that a body can ask of an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) output: OutputId,
    /// `None`: computed by the body.
    pub(crate) wanted: Option<Wanted>,
    pub(crate) span: Span,
}

/// The form in which a body runs.
#[derive(Debug)]
pub(crate) enum Runnable {
    /// Nothing but requests that are complete at load.
    Simple(Arc<[Action]>),
    Script {
        ast: Box<rhai::AST>,
        slots: Vec<Slot>,
        entries: Vec<Entry>,
    },
}

/// A body and everything that was found out about it.
pub(crate) struct Built {
    pub(crate) runnable: Runnable,
    pub(crate) reads: BTreeSet<PointId>,
    pub(crate) follows: BTreeSet<TrackerKey>,
    pub(crate) asks: Vec<Ask>,
    pub(crate) sheds: BTreeSet<GroupId>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
}
