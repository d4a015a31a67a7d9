//! Everything the engine must remember, written down.
//!
//! A state names what it is about: points, outputs, groups, rules, schedules and generators are listed by name, and every
//! id inside refers to those lists. So it can be taken up by another plan. How that is done stands in
//! [`restore`](crate::restore).
//!
//! A state that was just saved borrows what it can from the engine: most states are written down at once and dropped.

use crate::agenda::Task;
use crate::arbitrate::OutputLife;
use crate::doubts::Doubts;
use crate::generators::GeneratorLife;
use crate::lives::Life;
use crate::machine::Core;
use crate::schedules::ScheduleLife;
use crate::shedding::Choices;
use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::expr::{Hold, Trackers};
use ballast_model::intake::Intake;
use ballast_model::time::Wall;
use ballast_model::{Dimension, Finite, Mono, OutputId, PointId, Sample, Snapshot, Span, Value, Verdict};

/// Version of the encoding of [`State`]. A state of another version is not read: keep the number beside the bytes.
pub const STATE_VERSION: u32 = 5;

/// Everything an engine must remember.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct State<'a> {
    pub(crate) version: u32,
    pub(crate) fingerprint: u64,
    pub(crate) now: Mono,
    // Names; every id in the rest is an index into these lists.
    pub(crate) points: Vec<SavedPoint<'a>>,
    pub(crate) output_names: Vec<Cow<'a, str>>,
    pub(crate) groups: Vec<Cow<'a, str>>,
    // What is known.
    pub(crate) wall: Wall,
    pub(crate) snapshot: Cow<'a, Snapshot>,
    pub(crate) intake: Cow<'a, Intake>,
    pub(crate) doubts: Cow<'a, Doubts>,
    pub(crate) sequences: Cow<'a, [u64]>,
    pub(crate) trackers: Cow<'a, Trackers>,
    pub(crate) last_good: Cow<'a, [Option<Value>]>,
    pub(crate) edges: Cow<'a, [PointId]>,
    pub(crate) filled: Cow<'a, BTreeSet<PointId>>,
    pub(crate) waiting: Vec<Sample>,
    pub(crate) waiting_verdicts: Vec<Verdict>,
    // What was decided.
    pub(crate) rules: Vec<SavedRule<'a>>,
    pub(crate) schedules: Vec<(Cow<'a, str>, ScheduleLife)>,
    pub(crate) outputs: Cow<'a, [OutputLife]>,
    pub(crate) requests: u64,
    pub(crate) generators: Vec<(Cow<'a, str>, GeneratorLife)>,
    pub(crate) choices: Cow<'a, Choices>,
    pub(crate) restoration: (Hold, Option<(OutputId, Mono)>),
    pub(crate) pending: Pending,
}

/// A point as it was.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SavedPoint<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: SavedKind,
    pub(crate) door: Door,
}

/// What the door checks of a point: with other limits, what it remembers means something else.
pub(crate) type Door = (Option<(Finite, Finite)>, Option<Finite>, Option<Span>);

/// What the values of a point looked like.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum SavedKind {
    Number(Dimension),
    Words(Arc<[Box<str>]>),
    Flag,
}

impl<'a> SavedPoint<'a> {
    fn of(spec: &'a PointSpec) -> Self {
        let kind = match &spec.kind {
            Kind::Number(unit) => SavedKind::Number(unit.dimension()),
            Kind::Words(words) => SavedKind::Words(words.clone()),
            Kind::Flag => SavedKind::Flag,
        };
        Self { name: borrowed(&spec.name), kind, door: (spec.valid, spec.max_slew, spec.stuck_after) }
    }

    fn into_owned(self) -> SavedPoint<'static> {
        SavedPoint { name: owned(self.name), kind: self.kind, door: self.door }
    }

    /// Whether the point of a plan is still what it was.
    pub(crate) fn is(&self, spec: &PointSpec) -> bool {
        *self.name == *spec.name
            && self.is_kind_of(spec)
            && self.door == (spec.valid, spec.max_slew, spec.stuck_after)
    }

    /// Whether values mean the same in the point of a plan.
    pub(crate) fn is_kind_of(&self, spec: &PointSpec) -> bool {
        match (&self.kind, &spec.kind) {
            (SavedKind::Number(dimension), Kind::Number(unit)) => *dimension == unit.dimension(),
            (SavedKind::Words(old), Kind::Words(new)) => old == new,
            (SavedKind::Flag, Kind::Flag) => true,
            _ => false,
        }
    }
}

/// A rule as it was.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SavedRule<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) condition_hash: u64,
    /// [`whole_hash`](crate::plan::RulePlan::whole_hash) of the rule.
    pub(crate) text_hash: u64,
    pub(crate) life: Cow<'a, Life>,
    pub(crate) is_body_due: bool,
}

impl SavedRule<'_> {
    fn into_owned(self) -> SavedRule<'static> {
        let (name, life) = (owned(self.name), owned(self.life));
        SavedRule { name, life, ..self }
    }
}

/// What was still to be looked at. Only taken up by the very same plan; any other looks at everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Pending {
    pub(crate) deadlines: Vec<(Mono, Task)>,
    pub(crate) rules: Vec<u32>,
    pub(crate) derived: BTreeSet<u32>,
    pub(crate) asleep: BTreeSet<u32>,
    pub(crate) generators: BTreeSet<u32>,
    pub(crate) restoration: bool,
    pub(crate) outputs: Vec<u32>,
}

impl State<'_> {
    /// The same state, which goes where the engine does not.
    pub fn into_owned(self) -> State<'static> {
        State {
            points: self.points.into_iter().map(SavedPoint::into_owned).collect(),
            output_names: self.output_names.into_iter().map(owned).collect(),
            groups: self.groups.into_iter().map(owned).collect(),
            snapshot: owned(self.snapshot),
            intake: owned(self.intake),
            doubts: owned(self.doubts),
            sequences: owned(self.sequences),
            trackers: owned(self.trackers),
            last_good: owned(self.last_good),
            edges: owned(self.edges),
            filled: owned(self.filled),
            rules: self.rules.into_iter().map(SavedRule::into_owned).collect(),
            schedules: self.schedules.into_iter().map(|(name, life)| (owned(name), life)).collect(),
            outputs: owned(self.outputs),
            generators: self.generators.into_iter().map(|(name, life)| (owned(name), life)).collect(),
            choices: owned(self.choices),
            ..self
        }
    }

    /// Its version, [`STATE_VERSION`] when this program wrote it.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// When it was written: the moment of the last step.
    pub const fn saved_at(&self) -> Mono {
        self.now
    }

    /// Fingerprint of the plan that was running.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Names of the rules that were active, in the order of their files.
    pub fn active_rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|rule| rule.life.active.is_some()).map(|rule| &*rule.name)
    }
}

fn borrowed(name: &str) -> Cow<'_, str> {
    Cow::Borrowed(name)
}

fn owned<T: ToOwned + ?Sized + 'static>(part: Cow<'_, T>) -> Cow<'static, T> {
    Cow::Owned(part.into_owned())
}

impl Core {
    /// Everything that must be remembered. Call it between steps.
    pub(crate) fn save(&self) -> State<'_> {
        let plan = &self.plan;
        let dirty = &self.world.dirty;
        let is_body_due = |index: usize| dirty.bodies.get(index).copied().unwrap_or(false);
        let rules = plan.rules.iter().zip(&self.lives).enumerate().map(|(index, (rule, life))| SavedRule {
            name: borrowed(&rule.name),
            condition_hash: rule.condition_hash,
            text_hash: rule.whole_hash(),
            life: Cow::Borrowed(life),
            is_body_due: is_body_due(index),
        });
        let schedules = plan.schedules.iter().zip(&self.schedules);
        let generators = plan.generators.iter().zip(&self.generators);
        State {
            version: STATE_VERSION,
            fingerprint: plan.fingerprint,
            now: self.world.now,
            points: plan.catalog.points.iter().map(SavedPoint::of).collect(),
            output_names: plan.catalog.outputs.iter().map(|spec| borrowed(&spec.name)).collect(),
            groups: plan.catalog.groups.iter().map(|spec| borrowed(&spec.name)).collect(),
            wall: self.world.wall,
            snapshot: Cow::Borrowed(&self.world.snapshot),
            intake: Cow::Borrowed(&self.intake),
            doubts: Cow::Borrowed(&self.doubts),
            sequences: Cow::Borrowed(&self.sequences),
            trackers: Cow::Borrowed(&self.world.trackers),
            last_good: Cow::Borrowed(&self.world.last_good),
            edges: Cow::Borrowed(&self.world.edges),
            filled: Cow::Borrowed(&self.filled),
            waiting: self.inbox.samples.values().flatten().copied().collect(),
            waiting_verdicts: self.inbox.verdicts.values().flatten().copied().collect(),
            rules: rules.collect(),
            schedules: schedules.map(|(plan, life)| (borrowed(&plan.identity), *life)).collect(),
            outputs: Cow::Borrowed(&self.outputs.lives),
            requests: self.outputs.requests,
            generators: generators.map(|(plan, life)| (borrowed(&plan.name), *life)).collect(),
            choices: Cow::Borrowed(&self.choices),
            restoration: (self.planner.frequency, self.planner.last_call),
            pending: Pending {
                deadlines: self.agenda.entries(),
                rules: dirty.rules.sorted(),
                derived: dirty.derived.iter().collect(),
                asleep: dirty.asleep.iter().collect(),
                generators: dirty.generators.iter().collect(),
                restoration: dirty.restoration,
                outputs: self.outputs.dirty.sorted(),
            },
        }
    }
}
