//! Who must look again when a point, its age or a tracker changes.
//!
//! Made once from the plan: the programs are linked to the trackers of this engine, and every point and tracker gets the
//! list of those that read it. A step then touches exactly the readers of what changed.

use crate::plan::{Derivation, GeneratorPlan, Plan, RulePlan};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use ballast_model::catalog::{Facet, Origin};
use ballast_model::expr::{Node, NodeId, Program, Statistic, TrackerId, TrackerKey, Trackers};
use ballast_model::{OutputId, PointId};

/// Somebody who must look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reader {
    /// The conditions of a rule.
    Rule(u32),
    /// The body of a rule.
    Body(u32),
    /// A derived point.
    Derived(u32),
    /// A device that may be asleep.
    Asleep(u32),
    /// A generator.
    Generator(u32),
    /// The restoration planner.
    Restoration,
}

/// The conditions of one rule, linked.
#[derive(Clone, Debug)]
pub(crate) struct RulePrograms {
    pub(crate) when: Program,
    pub(crate) until: Option<Program>,
    /// Points that the ending condition reads plainly, outside `or_else`, `known`, `age`, `min` and `max`: while one of
    /// them is unknown, so is the rule.
    pub(crate) plain: Vec<PointId>,
    /// Whether the ending condition looks at what began with the rule, so that it means nothing before.
    pub(crate) until_is_relative: bool,
}

/// All programs of a plan, linked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programs {
    pub(crate) rules: Vec<RulePrograms>,
    pub(crate) derived: Vec<Option<Program>>,
    /// Whether the derived point may move without samples.
    pub(crate) moving: Vec<bool>,
    pub(crate) asleep: Vec<Program>,
    pub(crate) running: Vec<Option<Program>>,
}

/// Who reads what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readers {
    pub(crate) by_point: Vec<Vec<Reader>>,
    /// Those that look at the age of a point: every sample matters to them.
    pub(crate) by_age: BTreeMap<PointId, Vec<Reader>>,
    /// Those that ask `changed(point)`: they look again in the step after.
    pub(crate) by_change: BTreeMap<PointId, Vec<Reader>>,
    pub(crate) by_tracker: Vec<Vec<Reader>>,
    /// Whether samples of a point are taken from outside.
    pub(crate) is_fed: Vec<bool>,
    /// Whether a point is followed over time.
    pub(crate) is_followed: Vec<bool>,
    /// Generators by the output that runs them.
    pub(crate) generators: BTreeMap<OutputId, u32>,
}

/// Links all programs of a plan.
pub(crate) fn wire(plan: &Plan, trackers: &mut Trackers) -> (Programs, Readers) {
    let points = plan.catalog.points.len();
    let mut readers = Readers { is_fed: fed(plan), ..Readers::default() };
    readers.by_point.resize(points, Vec::new());
    let mut programs = Programs::default();
    for (index, rule) in plan.rules.iter().enumerate() {
        programs.rules.push(wire_rule(rule, index as u32, trackers, &mut readers));
    }
    // A schedule reads at its moment and is never run by a change: it only needs its trackers to exist.
    for key in plan.schedules.iter().flat_map(|schedule| &schedule.body_follows) {
        trackers.intern(*key);
    }
    for (index, derived) in plan.derived.iter().enumerate() {
        let reader = Reader::Derived(index as u32);
        let mut program = None;
        match &derived.program {
            Derivation::Expression(expression) => {
                program = Some(readers.link(expression, reader, trackers));
            }
            Derivation::Median(members) | Derivation::FirstGood(members) | Derivation::Sum(members) => {
                members.iter().for_each(|point| readers.add(*point, reader));
            }
        }
        programs.moving.push(program.as_ref().is_some_and(may_move));
        programs.derived.push(program);
    }
    for (index, asleep) in plan.asleep.iter().enumerate() {
        let reader = Reader::Asleep(index as u32);
        readers.add(asleep.point, reader);
        programs.asleep.push(readers.link(&asleep.when, reader, trackers));
    }
    for (index, generator) in plan.generators.iter().enumerate() {
        programs.running.push(wire_generator(plan, generator, index as u32, trackers, &mut readers));
    }
    if let Some(restoration) = &plan.restoration {
        let load_points = restoration.loads.iter().filter_map(|load| load.power);
        let capacity = restoration.keep_free.map(|(_, point)| point);
        let all = load_points.chain(capacity).chain(restoration.site_load);
        all.chain([restoration.frequency.0]).for_each(|point| readers.add(point, Reader::Restoration));
    }
    programs.rules.shrink_to_fit();
    readers.by_point.iter_mut().for_each(Vec::shrink_to_fit);
    // Nothing is followed that was not named up to here.
    readers.is_followed = (0..points as u32).map(|point| trackers.follows(PointId(point))).collect();
    (programs, readers)
}

/// Points whose samples come from outside: what the engine computes itself is not taken from anyone.
fn fed(plan: &Plan) -> Vec<bool> {
    let own: BTreeSet<PointId> = plan
        .generators
        .iter()
        .flat_map(|generator| [generator.ready, generator.wanted, generator.failed])
        .chain(plan.derived.iter().map(|derived| derived.point))
        .collect();
    let is_outside =
        |origin| matches!(origin, Origin::Measured | Origin::Computed | Origin::Output(_, Facet::Actual));
    let points = plan.catalog.points.iter().enumerate();
    points.map(|(index, spec)| is_outside(spec.origin) && !own.contains(&PointId(index as u32))).collect()
}

fn wire_rule(rule: &RulePlan, index: u32, trackers: &mut Trackers, readers: &mut Readers) -> RulePrograms {
    let when = readers.link(&rule.when, Reader::Rule(index), trackers);
    let until = rule.until.as_ref().map(|until| readers.link(until, Reader::Rule(index), trackers));
    let ending = until.as_ref().unwrap_or(&when);
    let mut plain = Vec::new();
    if let Some(root) = ending.nodes().len().checked_sub(1) {
        plain_reads(ending, root as NodeId, &mut plain);
    }
    plain.sort_unstable();
    plain.dedup();
    let is_relative =
        |key: &TrackerKey| matches!(key, TrackerKey::SinceActive { .. } | TrackerKey::AtStart { .. });
    let until_is_relative = ending.tracker_keys().iter().any(is_relative);
    for point in &rule.body_reads {
        readers.add(*point, Reader::Body(index));
    }
    for key in &rule.body_follows {
        let id = trackers.intern(*key);
        readers.add_tracker(id, Reader::Body(index));
    }
    RulePrograms { when, until, plain, until_is_relative }
}

fn wire_generator(
    plan: &Plan,
    generator: &GeneratorPlan,
    index: u32,
    trackers: &mut Trackers,
    readers: &mut Readers,
) -> Option<Program> {
    readers.generators.insert(generator.run, index);
    if let Some(spec) = plan.catalog.output(generator.run) {
        readers.add(spec.facet(Facet::State), Reader::Generator(index));
    }
    generator.running.as_ref().map(|running| readers.link(running, Reader::Generator(index), trackers))
}

/// Collects the points read where nothing handles their being unknown.
fn plain_reads(program: &Program, id: NodeId, found: &mut Vec<PointId>) {
    match program.nodes().get(usize::from(id)).copied() {
        Some(Node::Point(point) | Node::FlagPoint(point) | Node::WordIs(point, _) | Node::Since(point)) => {
            found.push(point);
        }
        Some(Node::Negate(inner) | Node::Not(inner)) => plain_reads(program, inner, found),
        Some(
            Node::Add(left, right)
            | Node::Subtract(left, right)
            | Node::Multiply(left, right, _)
            | Node::Divide(left, right, _)
            | Node::Compare(_, left, right)
            | Node::And(left, right)
            | Node::Or(left, right),
        ) => {
            plain_reads(program, left, found);
            plain_reads(program, right, found);
        }
        _ => {}
    }
}

/// Whether the number of a program may change while nothing arrives.
fn may_move(program: &Program) -> bool {
    let moves = |node: &Node| {
        let is_on_time = matches!(node, Node::Tracked { statistic: Statistic::OnTime, .. });
        is_on_time || matches!(node, Node::Age(_) | Node::Since(_))
    };
    program.nodes().iter().any(moves)
}

impl Readers {
    fn add(&mut self, point: PointId, reader: Reader) {
        if let Some(list) = self.by_point.get_mut(point.index())
            && list.last() != Some(&reader)
        {
            list.push(reader);
        }
    }

    fn add_tracker(&mut self, id: TrackerId, reader: Reader) {
        let index = id.0 as usize;
        if self.by_tracker.len() <= index {
            self.by_tracker.resize(index + 1, Vec::new());
        }
        if let Some(list) = self.by_tracker.get_mut(index)
            && list.last() != Some(&reader)
        {
            list.push(reader);
        }
    }

    /// A copy of the program, linked, with its reads noted.
    fn link(&mut self, program: &Program, reader: Reader, trackers: &mut Trackers) -> Program {
        let mut linked = program.for_running();
        linked.link(trackers);
        for point in &linked.reads {
            self.add(*point, reader);
        }
        for id in linked.trackers() {
            self.add_tracker(*id, reader);
        }
        for node in linked.nodes() {
            match node {
                Node::Age(point) => self.by_age.entry(*point).or_default().push(reader),
                Node::Changed(point) => self.by_change.entry(*point).or_default().push(reader),
                _ => {}
            }
        }
        linked
    }
}
