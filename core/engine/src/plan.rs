//! What the engine runs: rules, schedules, derived points, generators and restoration, checked and with dense ids.
//!
//! A plan is built beside the running one, from the checked site and the compiled rules, and is swapped in whole.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::almanac::TimeOfDay;
use ballast_model::expr::{Node, Program, TrackerKey};
use ballast_model::{Catalog, Finite, GroupId, OutputId, PointId, Span, Value};

/// Index of a body in the [`Bodies`](crate::Bodies) that belong to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct BodyId(pub u32);

/// Everything the engine runs.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The nouns.
    pub catalog: Arc<Catalog>,
    /// Rules in the order of their files; their index is the rule index of tracker keys.
    pub rules: Vec<RulePlan>,
    /// `every` and `at`, in the order of their files.
    pub schedules: Vec<SchedulePlan>,
    /// Derived points, each after those it reads.
    pub derived: Vec<DerivedPlan>,
    /// Devices that leave the bus on purpose and then have a known value.
    pub asleep: Vec<AsleepPlan>,
    /// Generators: machines that must warm up before they carry load.
    pub generators: Vec<GeneratorPlan>,
    /// What shedding opened comes back by this plan; `None` where the site has no shedding.
    pub restoration: Option<RestorationPlan>,
    /// What settings and the site's mode are until a person changes them; values that were kept win.
    pub settings: Vec<(PointId, Value)>,
    /// Hash over everything above, for the journal and for reload.
    pub fingerprint: u64,
}

impl Plan {
    /// The points at whose age a condition or a derived point looks.
    pub fn points_by_age(&self) -> BTreeSet<PointId> {
        let of_rules = self.rules.iter().flat_map(|rule| [Some(&rule.when), rule.until.as_ref()]).flatten();
        let of_derived = self.derived.iter().filter_map(|derived| match &derived.program {
            Derivation::Expression(program) => Some(program),
            Derivation::Median(_) | Derivation::FirstGood(_) | Derivation::Sum(_) => None,
        });
        let of_asleep = self.asleep.iter().map(|asleep| &asleep.when);
        let of_generators = self.generators.iter().filter_map(|generator| generator.running.as_ref());
        let all = of_rules.chain(of_derived).chain(of_asleep).chain(of_generators);
        let by_age = |node: &Node| if let Node::Age(point) = node { Some(*point) } else { None };
        all.flat_map(Program::nodes).filter_map(by_age).collect()
    }
}

/// One rule; `each` has been unrolled, one rule per member, named `NAME [member]`.
#[derive(Clone, Debug)]
pub struct RulePlan {
    /// Unique name; identity over reload and restart.
    pub name: Box<str>,
    /// Where it stands, `heating.rhai:12`, for explanations.
    pub place: Box<str>,
    /// 0 to 99, higher wins.
    pub priority: u8,
    /// When it starts.
    pub when: Program,
    /// For how long `when` must hold.
    pub when_hold: Span,
    /// When it ends; absent: when `when` is no longer true.
    pub until: Option<Program>,
    /// For how long `until` must hold.
    pub until_hold: Span,
    /// How long its inputs may be unknown before it ends.
    pub unknown: Span,
    /// What it asks for.
    pub body: BodyId,
    /// Points whose change runs the body again.
    pub body_reads: Vec<PointId>,
    /// What the body follows over time; a change of one runs it again. Interned by the engine.
    pub body_follows: Vec<TrackerKey>,
    /// Every output the body can name.
    pub writes: Vec<OutputId>,
    /// Every group the body can shed from.
    pub sheds: Vec<GroupId>,
    /// Hash of the canonical text of `when`, `until` and their times: another hash is a changed condition.
    pub condition_hash: u64,
    /// Hash of the whole rule's text.
    pub text_hash: u64,
    /// Hash of how the derived points are computed that it reads, also through others; 0 where it reads none.
    pub reads_hash: u64,
    /// The condition as written, for people.
    pub when_text: Box<str>,
    /// The ending condition as written, for people; empty when absent.
    pub until_text: Box<str>,
}

impl RulePlan {
    /// Hash of what it does: of its text, and of the derived points that it reads. Another hash is a changed rule, which
    /// probation watches.
    pub const fn whole_hash(&self) -> u64 {
        self.text_hash ^ self.reads_hash
    }

    /// Every point that it reads, some of them twice.
    pub fn reads(&self) -> impl Iterator<Item = PointId> {
        let conditions = [Some(&self.when), self.until.as_ref()].into_iter().flatten();
        let followed = self.body_follows.iter().filter_map(TrackerKey::point);
        conditions.flat_map(|program| &program.reads).chain(&self.body_reads).copied().chain(followed)
    }
}

/// Priority of what `every` and `at` ask for: that of a rule that says nothing. At equal priority a rule wins, since it
/// lasts; of two events the one that came later.
pub const SCHEDULE_PRIORITY: u8 = 50;

/// One `every` or `at`.
#[derive(Clone, Debug)]
pub struct SchedulePlan {
    /// `every 15min` or `at 0 22 * * *`; made unique by `#2` and so on.
    pub name: Box<str>,
    /// The same within its file, with the name of that: who it is over reload and restart. Another file may come or go.
    pub identity: Box<str>,
    /// Where it stands.
    pub place: Box<str>,
    /// Hash of the whole statement's text: another hash is a changed event.
    pub text_hash: u64,
    /// When it runs.
    pub timing: Timing,
    /// What it does.
    pub body: BodyId,
    /// What the body follows over time and over the day, from the start of the program on.
    pub body_follows: Vec<TrackerKey>,
}

/// When a schedule runs.
#[derive(Clone, Debug)]
pub enum Timing {
    /// Again and again, counted on the monotonic clock from the start of the program.
    Every(Span),
    /// At instants of local time. Given an instant, the pattern's next one after it comes from the front end, which owns
    /// the cron library; the engine asks with the present wall time and is unknown while that is untrusted.
    At(Arc<dyn NextInstant>),
    /// Every day at this time.
    Daily(TimeOfDay),
}

/// A pattern of instants.
pub trait NextInstant: core::fmt::Debug + Send + Sync {
    /// The first instant after `utc` at which the pattern fires, in the site's zone; `None` when there is none.
    fn next_after(&self, utc: ballast_model::Utc) -> Option<ballast_model::Utc>;
}

/// One derived point.
#[derive(Clone, Debug)]
pub struct DerivedPlan {
    /// Which point.
    pub point: PointId,
    /// How it is computed.
    pub program: Derivation,
}

/// How a derived point is computed.
#[derive(Clone, Debug)]
pub enum Derivation {
    /// By an expression; unknown while it is unknown.
    Expression(Program),
    /// The middle one of those that are known (the mean of the two middle ones when even); unknown when fewer than half
    /// of them are.
    Median(Vec<PointId>),
    /// The first that is known.
    FirstGood(Vec<PointId>),
    /// The sum; unknown while one is.
    Sum(Vec<PointId>),
}

/// A device that leaves the bus on purpose.
#[derive(Clone, Debug)]
pub struct AsleepPlan {
    /// Which point.
    pub point: PointId,
    /// What it then is.
    pub value: Value,
    /// When it is asleep.
    pub when: Program,
}

/// A machine that must warm up before it carries load.
#[derive(Clone, Debug)]
pub struct GeneratorPlan {
    /// Its name.
    pub name: Box<str>,
    /// The output that starts and runs it.
    pub run: OutputId,
    /// `ready`: runs, is warm and its feedback (if any) agrees.
    pub ready: PointId,
    /// `wanted`: someone asks for it.
    pub wanted: PointId,
    /// `failed`: did not start in all its attempts; cleared by an operator or when nobody wants it for `cool_down`.
    pub failed: PointId,
    /// Feedback that it really runs: a condition on its points.
    pub running: Option<Program>,
    /// From running to ready.
    pub warm_up: Span,
    /// Shortest run.
    pub min_run: Span,
    /// From not wanted to stopped, without load.
    pub cool_down: Span,
    /// How often a start is tried.
    pub attempts: u32,
    /// How long one attempt may take.
    pub attempt: Span,
    /// Rest between two attempts.
    pub rest: Span,
}

/// Giving back what shedding opened.
#[derive(Clone, Debug)]
pub struct RestorationPlan {
    /// Loads in the order in which they come back when nothing else decides (first classes first).
    pub loads: Vec<RestorationLoad>,
    /// Frequency that must be exceeded, and the point that measures it.
    pub frequency: (PointId, Finite),
    /// How long it must be exceeded before the first load comes back.
    pub settle: Span,
    /// Share of the capacity that must stay free, per cent, and the point that tells the capacity, W.
    pub keep_free: Option<(Finite, PointId)>,
    /// The point that measures the site's load, W; absent: the sum over the loads.
    pub site_load: Option<PointId>,
    /// At most one load in this time.
    pub one_per: Span,
}

/// A load that can be given back.
#[derive(Clone, Debug)]
pub struct RestorationLoad {
    /// Its output.
    pub output: OutputId,
    /// Rated power, W; what is counted on when it comes back.
    pub rated: Finite,
    /// The point that measures it, if there is one.
    pub power: Option<PointId>,
}
