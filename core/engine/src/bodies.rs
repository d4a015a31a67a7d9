//! The seam between the engine and whatever runs the bodies of rules.
//!
//! The rule language implements [`Bodies`] with its sandbox; tests implement it with plain Rust. A body can only read
//! through its [`BodyContext`] and only ask through [`Asked`].

use crate::plan::BodyId;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use ballast_model::expr::{Statistic, TrackerKey, Trackers};
use ballast_model::{Catalog, Finite, GroupId, Mono, OutputId, PointId, Snapshot, Span, Value, Wanted};

/// Requests, sheds and notices that one run of a body may make together; more is a failure of the body.
pub const ASKED_MAX: usize = 1000;

/// Runs bodies.
pub trait Bodies {
    /// Runs one body to its end. What it asks for is added to `asked`; after a failure or an unknown value `asked` is
    /// thrown away by the caller. Must be deterministic, bounded in operations and memory, and must not panic.
    fn run(&mut self, body: BodyId, context: &BodyContext<'_>, asked: &mut Asked) -> BodyOutcome;
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyOutcome {
    /// To its end.
    Done,
    /// It read a point that is unknown: explained, not a failure.
    Unknown(PointId),
    /// It failed: what, and where in its source (`heating.rhai:14:5`).
    Failed {
        /// What went wrong.
        message: String,
        /// Where.
        place: Box<str>,
    },
}

/// What a body may look at.
pub struct BodyContext<'a> {
    /// The nouns.
    pub catalog: &'a Catalog,
    /// What is known.
    pub snapshot: &'a Snapshot,
    /// What is followed over time.
    pub trackers: &'a Trackers,
    /// Now.
    pub now: Mono,
    /// Index of the rule; `None` for schedules.
    pub rule: Option<u32>,
    /// Since when the rule is active.
    pub active_since: Option<Mono>,
}

impl BodyContext<'_> {
    /// The value of a point, if it may be used.
    pub fn known(&self, point: PointId) -> Option<Value> {
        self.snapshot.known(point, self.now)
    }

    /// A number followed over time, base unit; the key must be in the `body_follows` of its rule or
    /// schedule.
    pub fn followed(&self, key: &TrackerKey, statistic: Statistic) -> Option<Finite> {
        self.trackers.find(key).and_then(|id| self.trackers.read(id, statistic, self.now))
    }
}

/// What a body asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// Outputs; the last request for one output counts.
    pub requests: Vec<Request>,
    /// Sheds from groups.
    pub sheds: Vec<ShedRequest>,
    /// Texts for people.
    pub notices: Vec<Notice>,
    /// Settings to change (schedules only).
    pub settings: Vec<(PointId, Value)>,
    /// The mode to go to (schedules only): index of the word.
    pub mode: Option<u16>,
    /// Campaigns to start (`true`) or stop.
    pub campaigns: Vec<(Box<str>, bool)>,
    /// Records to write (`record("cycle", [battery.soc])`).
    pub records: Vec<Record>,
    /// When something that the body looks at changes although no point does, such as `active_for("10min")`: the body of a
    /// rule runs again then. Also after a run that did not end well.
    pub again_at: Option<Mono>,
}

/// What shall be kept of this moment.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// Points with their values, base unit; `None` while unknown.
    pub values: Vec<(PointId, Option<Value>)>,
}

/// One request of a body.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// Which output.
    pub output: OutputId,
    /// What it shall be.
    pub wanted: Wanted,
    /// For how long; `None`: while the rule is active (not allowed in schedules).
    pub lasting: Option<Span>,
}

/// One shed request.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ShedRequest {
    /// Which group.
    pub group: GroupId,
    /// How much of it.
    pub amount: ShedAmount,
}

/// How much is shed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum ShedAmount {
    /// Every load of the group.
    All,
    /// This share of the group's present load, per cent, met or exceeded by whole loads.
    Share(Finite),
    /// This much, W, met or exceeded by whole loads.
    Power(Finite),
}

/// A text for people, raised while the rule is active.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// How loud.
    pub level: NoticeLevel,
    /// The text, values filled in.
    pub text: String,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum NoticeLevel {
    /// Good to know.
    Notify,
    /// Someone should look.
    Warn,
    /// Someone must act.
    Alarm,
}
