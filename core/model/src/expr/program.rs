//! The checked condition.

use super::ast::BinaryOp;
use super::check::Problem;
use super::comparison::{Comparison, Steps};
use super::trackers::{TrackerId, TrackerKey, Trackers};
use crate::catalog::PointId;
use crate::diagnostic::Span;
use crate::finite::Finite;
use crate::quantity::{Dimension, Unit};
use crate::time::Mono;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Index of a node in its program; children come before their parent.
pub type NodeId = u16;

/// What is read from a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the functions of the language")]
pub enum Statistic {
    Average,
    Highest,
    Lowest,
    /// Change per second, times the factor of its dimension.
    Rate(Finite),
    /// The same of a counter: unknown while it fell in that time, since it was reset, replaced or rolled over.
    CounterRate(Finite),
    Used,
    AtStart,
    Starts,
    /// Seconds closed.
    OnTime,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "operands are node ids in writing order")]
pub enum Node {
    // Numbers, in base units.
    Number(Finite),
    Point(PointId),
    /// Seconds since the last sample.
    Age(PointId),
    /// Seconds since the moment that the point holds.
    Since(PointId),
    Tracked {
        slot: u16,
        statistic: Statistic,
    },
    Negate(NodeId),
    Add(NodeId, NodeId),
    Subtract(NodeId, NodeId),
    Multiply(NodeId, NodeId, Finite),
    Divide(NodeId, NodeId, Finite),
    /// The smaller of two; of more, nested.
    Least(NodeId, NodeId),
    Greatest(NodeId, NodeId),
    /// The first while known, else the second. For numbers and for truths.
    OrElse(NodeId, NodeId),
    // Truths.
    Flag(bool),
    FlagPoint(PointId),
    WordIs(PointId, u16),
    Compare(BinaryOp, NodeId, NodeId),
    And(NodeId, NodeId),
    Or(NodeId, NodeId),
    Not(NodeId),
    Known(PointId),
    Changed(PointId),
    /// Truth of a clock tracker: time of day, weekday, calendar.
    Clock {
        slot: u16,
    },
    /// The rule has been active for this long, ns.
    ActiveFor(u64),
}

impl Node {
    /// The nodes that it reads.
    pub const fn operands(&self) -> [Option<NodeId>; 2] {
        match *self {
            Self::Negate(inner) | Self::Not(inner) => [Some(inner), None],
            Self::Add(left, right)
            | Self::Subtract(left, right)
            | Self::Multiply(left, right, _)
            | Self::Divide(left, right, _)
            | Self::Least(left, right)
            | Self::Greatest(left, right)
            | Self::OrElse(left, right)
            | Self::Compare(_, left, right)
            | Self::And(left, right)
            | Self::Or(left, right) => [Some(left), Some(right)],
            Self::Number(_)
            | Self::Point(_)
            | Self::Age(_)
            | Self::Since(_)
            | Self::Tracked { .. }
            | Self::Flag(_)
            | Self::FlagPoint(_)
            | Self::WordIs(..)
            | Self::Known(_)
            | Self::Changed(_)
            | Self::Clock { .. }
            | Self::ActiveFor(_) => [None, None],
        }
    }
}

/// What a program yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Yes or no.
    Truth,
    /// A number; the unit is the one in which people would write it.
    Number(Dimension, Unit),
}

/// A comparison with a constant, as it was written: for people who ask why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Canonical text of what is compared.
    pub subject: String,
    /// The single point that is compared, if it is one; `max`/`min` give each of theirs.
    pub points: Vec<PointId>,
    /// How, with the subject on the left.
    pub op: BinaryOp,
    /// With what, base unit.
    pub value: Finite,
    /// Dimension of the value.
    pub dimension: Dimension,
    /// Where.
    pub span: Span,
}

/// What only checks look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForChecks {
    pub(super) steps: Option<Steps>,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) doubts: Vec<Problem>,
}

/// A checked, typed condition or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) keys: Vec<TrackerKey>,
    pub(super) links: Vec<TrackerId>,
    /// What it yields.
    pub yields: Type,
    /// It yields a difference of two temperatures: `K` is its unit as well as `°C`.
    pub is_difference: bool,
    /// Every point it reads directly or through a tracker, sorted, each once.
    pub reads: Vec<PointId>,
    /// Comparisons with constants.
    pub thresholds: Vec<Threshold>,
    /// What only checks look at; a program that runs does without.
    pub(super) seen: Option<Box<ForChecks>>,
    /// What was assumed for bare numbers: place and sentence, for `check --explain`.
    pub notes: Vec<(Span, String)>,
}

impl Program {
    /// A copy for the machine that runs it: without what only checks and people read.
    pub fn for_running(&self) -> Self {
        Self {
            nodes: self.nodes.clone(),
            keys: self.keys.clone(),
            links: self.links.clone(),
            yields: self.yields,
            is_difference: self.is_difference,
            reads: self.reads.clone(),
            thresholds: Vec::new(),
            seen: None,
            notes: Vec::new(),
        }
    }

    /// Every comparison of numbers, for the checks on hysteresis and resolution.
    pub fn comparisons(&self) -> &[Comparison] {
        self.seen.as_ref().map_or(&[], |seen| &seen.comparisons)
    }

    /// What can be understood and is hardly meant.
    pub fn doubts(&self) -> &[Problem] {
        self.seen.as_ref().map_or(&[], |seen| &seen.doubts)
    }

    /// The steps in which a number moves, where they are known.
    pub fn steps(&self) -> Option<Steps> {
        self.seen.as_ref()?.steps
    }

    /// Lets go of what only checks look at.
    pub fn forget_checks(&mut self) {
        self.seen = None;
    }

    /// A condition that is always this.
    pub fn constant(truth: bool) -> Self {
        Self {
            nodes: alloc::vec![Node::Flag(truth)],
            keys: Vec::new(),
            links: Vec::new(),
            yields: Type::Truth,
            is_difference: false,
            reads: Vec::new(),
            thresholds: Vec::new(),
            seen: None,
            notes: Vec::new(),
        }
    }

    /// Its operations, children first; the last one is the result.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What it needs to follow over time.
    pub fn tracker_keys(&self) -> &[TrackerKey] {
        &self.keys
    }

    /// The trackers it is linked to.
    pub fn trackers(&self) -> &[TrackerId] {
        &self.links
    }

    /// Connects it to the trackers of the machine it runs in. Must be called once before it is evaluated; until then
    /// everything over time is unknown.
    pub fn link(&mut self, trackers: &mut Trackers) {
        self.links = self.keys.iter().map(|key| trackers.intern(*key)).collect();
    }

    /// Connects it to those trackers that exist already. For a program that is evaluated beside the machine which owns
    /// the trackers: what nobody asked for at load stays unknown.
    pub fn link_existing(&mut self, trackers: &Trackers) {
        let Self { keys, links, .. } = self;
        links.clear();
        links.extend(keys.iter().map(|key| trackers.find(key).unwrap_or(TrackerId(u32::MAX))));
    }

    /// Whether it depends on the clock or the age of something, and not on samples alone.
    pub fn uses_time(&self) -> bool {
        self.nodes.iter().any(|node| {
            matches!(
                node,
                Node::Age(_)
                    | Node::Since(_)
                    | Node::Clock { .. }
                    | Node::ActiveFor(_)
                    | Node::Changed(_)
                    | Node::Tracked { statistic: Statistic::OnTime, .. }
            )
        })
    }

    /// The numbers with which the mean, highest or lowest value of a tracker is compared, alone or as the first of an `or_else`:
    /// while it stays between two of them, no truth here changes by it. `None` where something else is done with it.
    pub fn bounds_of(&self, tracker: TrackerId) -> Option<Vec<Finite>> {
        let mut bounds = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            let Node::Tracked { slot, statistic } = node else { continue };
            if self.links.get(usize::from(*slot)) != Some(&tracker) {
                continue;
            }
            if !matches!(statistic, Statistic::Average | Statistic::Highest | Statistic::Lowest) {
                return None;
            }
            self.bounds_of_node(place as NodeId, &mut bounds)?;
        }
        Some(bounds)
    }

    /// With which constants a number is compared; `None` where something else is done with it, or nothing.
    fn bounds_of_node(&self, id: NodeId, bounds: &mut Vec<Finite>) -> Option<()> {
        let mut users =
            (0..).zip(&self.nodes).filter(|(_, node)| node.operands().contains(&Some(id))).peekable();
        users.peek()?;
        for (place, user) in users {
            match *user {
                Node::Compare(_, left, right) => {
                    let Node::Number(bound) = self.node(if left == id { right } else { left }) else {
                        return None;
                    };
                    bounds.push(bound);
                }
                Node::OrElse(first, second) if first == id && second != id => {
                    self.bounds_of_node(place, bounds)?
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// Whether a number in it changes from `now` on while nothing arrives.
    pub fn is_moving(&self, trackers: &Trackers, now: Mono) -> bool {
        self.nodes.iter().any(|node| match node {
            Node::Age(_) | Node::Since(_) => true,
            Node::Tracked { slot, statistic } => {
                let id = self.links.get(usize::from(*slot)).copied();
                id.is_some_and(|id| trackers.growth(id, *statistic, now).is_some())
            }
            _ => false,
        })
    }
}
