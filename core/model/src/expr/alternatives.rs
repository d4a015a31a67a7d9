//! Whether what starts something and what ends it can be true at once.
//!
//! Both conditions are written as alternatives, each of parts that must all be true: `max(a, b) > 62` is `a > 62 || b > 62`,
//! and `min(a, b) < 60` is `a < 60 || b < 60`. Two alternatives stand apart where a part of one is false wherever a part of
//! the other is true. What cannot be told is taken for apart where that would be a false alarm.

use super::comparison::Comparison;
use super::program::{Node, NodeId, Program, Statistic};
use super::trackers::TrackerKey;
use alloc::vec::Vec;

/// Most alternatives that are looked at; a condition of more is not judged.
const ALTERNATIVES_MAX: usize = 64;

/// A part of an alternative.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// Numbers that are compared, and what that stands in: itself, or the `max` or `min` of which it is one number.
    Order(&'a Comparison, &'a Comparison),
    /// Anything else, and whether it must be true or false.
    Other(NodeId, bool),
}

/// All of them must be true.
type Alternative<'a> = Vec<Part<'a>>;

/// A start and an end that do not lie apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Where it starts by what it ends with: the same numbers, turned as `end` is not.
    pub start: Comparison,
    /// The `max` or `min` that `start` is a number of, or itself.
    pub start_whole: Comparison,
    /// Where it ends.
    pub end: Comparison,
    /// How the two meet.
    pub met: Met,
}

/// How a start and an end meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// There are values of which both are true.
    Overlap,
    /// They share their value, and nothing lies between them.
    Touch,
    /// The start is true by another alternative, which does not need [`Meeting::start`]: by these numbers, where it compares
    /// any.
    Beside(Option<Comparison>),
    /// The same, where the end is true of the very numbers by which the other alternative starts.
    Within(Comparison),
}

/// Every start and end of the same numbers that do not lie apart.
pub fn meetings(when: &Program, until: &Program) -> Vec<Meeting> {
    let (Some(starts), Some(ends)) = (alternatives(when), alternatives(until)) else { return Vec::new() };
    let mut found = Vec::new();
    // What needs the rule's own start does not bring it about.
    let starts: Vec<_> =
        starts.into_iter().filter(|start| !start.iter().any(|part| needs_start(when, *part))).collect();
    for end in ends.iter().filter(|end| !end.iter().any(|part| is_of_the_rule(until, *part))) {
        for (index, start) in starts.iter().enumerate() {
            match standing(when, start, until, end) {
                Standing::Apart => {}
                Standing::Touching(first, last) => found.push(meeting(first, &last, Met::Touch)),
                Standing::Meeting => {
                    let is_looked_at = |part: &Part<'_>| {
                        starts.iter().flatten().any(|start| is_of_one((when, *start), (until, *part)))
                    };
                    // What asks for something else as well may know better.
                    let can_be_beside = end.iter().all(is_looked_at);
                    found.extend(end.iter().filter_map(|part| {
                        let (last, _) = order(part)?;
                        within(start, last).or_else(|| beside(&starts, index, last).filter(|_| can_be_beside))
                    }));
                }
            }
        }
    }
    found
}

/// Whether it can never become true before the rule is active, since all of its alternatives look at the rule's own start.
pub fn is_never_begun(when: &Program) -> bool {
    let needs_start = |alternative: &Alternative<'_>| alternative.iter().any(|part| needs_start(when, *part));
    alternatives(when).is_some_and(|all| !all.is_empty() && all.iter().all(needs_start))
}

/// Whether a part is true only after the rule has started.
fn needs_start(program: &Program, part: Part<'_>) -> bool {
    match part {
        Part::Other(node, true) if matches!(program.node(node), Node::ActiveFor(_)) => true,
        Part::Order(&Comparison { node, .. }, _) | Part::Other(node, _) => needs_start_of_rule(program, node),
    }
}

/// Whether a number is unknown until the rule starts, and with it the whole operation.
fn needs_start_of_rule(program: &Program, id: NodeId) -> bool {
    match program.node(id) {
        Node::Tracked { statistic: Statistic::AtStart, .. } => true,
        Node::Tracked { slot, .. } => {
            let key = program.keys.get(usize::from(slot));
            matches!(key, Some(TrackerKey::SinceActive { .. }))
        }
        // Of these, one known part can be enough.
        Node::OrElse(..) | Node::And(..) | Node::Or(..) | Node::Greatest(..) | Node::Least(..) => false,
        node => children(node).into_iter().flatten().any(|child| needs_start_of_rule(program, child)),
    }
}

/// Whether a part looks back at the start of the rule, and so lets it run for a while at least.
fn is_of_the_rule(program: &Program, part: Part<'_>) -> bool {
    let (Part::Order(&Comparison { node, .. }, _) | Part::Other(node, _)) = part;
    let mut waiting = alloc::vec![node];
    while let Some(id) = waiting.pop() {
        let node = program.node(id);
        let key = match node {
            Node::ActiveFor(_) => return true,
            Node::Tracked { slot, .. } => program.keys.get(usize::from(slot)),
            _ => None,
        };
        let of_rule = |key: &TrackerKey| {
            matches!(
                key,
                TrackerKey::SinceActive { .. } | TrackerKey::AtStart { .. } | TrackerKey::Starts { .. }
            )
        };
        if key.is_some_and(of_rule) {
            return true;
        }
        waiting.extend(children(node).into_iter().flatten());
    }
    false
}

fn meeting((start, whole): (&Comparison, &Comparison), end: &Comparison, met: Met) -> Meeting {
    Meeting { start: start.clone(), start_whole: whole.clone(), end: end.clone(), met }
}

/// The start by the same numbers in the same alternative, on the other side.
fn within(start: &Alternative<'_>, last: &Comparison) -> Option<Meeting> {
    let mut orders = start.iter().filter_map(order);
    let first = orders.find(|(first, _)| first.facing(last).is_some_and(|end| is_opposite(first, &end)))?;
    Some(meeting(first, &first.0.facing(last)?, Met::Overlap))
}

/// The start by the same numbers in another alternative: the one at `index` does without it.
fn beside(starts: &[Alternative<'_>], index: usize, last: &Comparison) -> Option<Meeting> {
    let others = starts.iter().enumerate().filter(|(other, _)| *other != index);
    let mut orders = others.flat_map(|(_, other)| other.iter().filter_map(order));
    let first = orders.find(|(first, _)| first.facing(last).is_some_and(|end| is_opposite(first, &end)))?;
    let this = starts.get(index)?;
    let end = first.0.facing(last)?;
    let same = this.iter().filter_map(order).find(|(start, _)| start.facing(last).is_some());
    let met = match same {
        Some((start, _)) => Met::Within(start.clone()),
        None => Met::Beside(this.iter().filter_map(order).map(|(start, _)| start.clone()).next()),
    };
    Some(meeting(first, &end, met))
}

fn order<'a>(part: &Part<'a>) -> Option<(&'a Comparison, &'a Comparison)> {
    if let Part::Order(comparison, whole) = part { Some((comparison, whole)) } else { None }
}

fn is_opposite(a: &Comparison, b: &Comparison) -> bool {
    a.is_upper() != b.is_upper()
}

/// How two alternatives stand to each other.
enum Standing<'a> {
    Apart,
    Touching((&'a Comparison, &'a Comparison), Comparison),
    Meeting,
}

fn standing<'a>(
    when: &Program,
    start: &Alternative<'a>,
    until: &Program,
    end: &Alternative<'a>,
) -> Standing<'a> {
    let mut touching = None;
    for first in start {
        for last in end {
            match (first, last) {
                (Part::Order(first, whole), Part::Order(last, _)) => {
                    let Some(facing) = first.facing(last).filter(|facing| is_opposite(first, facing)) else {
                        continue;
                    };
                    let (above, below) = if first.is_upper() { (*first, &facing) } else { (&facing, *first) };
                    if above.value > below.value {
                        return Standing::Apart;
                    }
                    if above.value == below.value {
                        touching = Some(((*first, *whole), facing.clone()));
                    }
                }
                (Part::Order(one, _), Part::Other(other, truth)) => {
                    if excludes(until, *other, *truth, one) {
                        return Standing::Apart;
                    }
                }
                (Part::Other(other, truth), Part::Order(one, _)) => {
                    if excludes(when, *other, *truth, one) {
                        return Standing::Apart;
                    }
                }
                (Part::Other(a, first), Part::Other(b, last)) => {
                    if contradict((when, *a, *first), (until, *b, *last)) {
                        return Standing::Apart;
                    }
                }
            }
        }
    }
    touching.map_or(Standing::Meeting, |(first, last)| Standing::Touching(first, last))
}

/// Whether a part says that a point is unknown which the comparison needs.
fn excludes(program: &Program, other: NodeId, truth: bool, comparison: &Comparison) -> bool {
    matches!(program.node(other), Node::Known(point) if !truth && comparison.points.contains(&point))
}

/// Whether two parts look at one thing, whatever they say of it.
fn is_of_one((when, start): (&Program, Part<'_>), (until, end): (&Program, Part<'_>)) -> bool {
    match (start, end) {
        (Part::Order(start, _), Part::Order(end, _)) => start.facing(end).is_some(),
        (Part::Other(start, _), Part::Other(end, _)) => {
            contradict((when, start, true), (until, end, true))
                || contradict((when, start, true), (until, end, false))
        }
        _ => false,
    }
}

/// Whether both cannot be as they must.
fn contradict(a: (&Program, NodeId, bool), b: (&Program, NodeId, bool)) -> bool {
    let ((first, x, x_true), (second, y, y_true)) = (a, b);
    let both = x_true && y_true;
    match (first.node(x), second.node(y)) {
        (Node::WordIs(point, word), Node::WordIs(other, another)) if both => {
            point == other && word != another
        }
        (Node::Clock { slot: x }, Node::Clock { slot: y }) if both => {
            let key = |program: &Program, slot: u16| program.keys.get(usize::from(slot)).copied();
            match (key(first, x), key(second, y)) {
                (
                    Some(TrackerKey::Between { from, to }),
                    Some(TrackerKey::Between { from: later, to: end }),
                ) => from == end && to == later,
                _ => false,
            }
        }
        _ => x_true != y_true && is_same(first, x, second, y),
    }
}

/// Whether two operations say the same.
fn is_same(first: &Program, a: NodeId, second: &Program, b: NodeId) -> bool {
    let key = |program: &Program, slot: u16| program.keys.get(usize::from(slot)).copied();
    let (x, y) = (first.node(a), second.node(b));
    let is_same_kind = match (x, y) {
        (Node::Tracked { slot: s, statistic: x }, Node::Tracked { slot: t, statistic: y }) => {
            x == y && key(first, s) == key(second, t)
        }
        (Node::Clock { slot: s }, Node::Clock { slot: t }) => key(first, s) == key(second, t),
        (Node::Compare(x, ..), Node::Compare(y, ..)) => x == y,
        (Node::Multiply(.., x), Node::Multiply(.., y)) | (Node::Divide(.., x), Node::Divide(.., y)) => x == y,
        _ if children(x).iter().any(Option::is_some) => {
            core::mem::discriminant(&x) == core::mem::discriminant(&y)
        }
        _ => x == y,
    };
    is_same_kind
        && children(x).into_iter().zip(children(y)).all(|pair| match pair {
            (Some(a), Some(b)) => is_same(first, a, second, b),
            (a, b) => a == b,
        })
}

fn children(node: Node) -> [Option<NodeId>; 2] {
    match node {
        Node::Negate(one) | Node::Not(one) => [Some(one), None],
        Node::Add(a, b)
        | Node::Subtract(a, b)
        | Node::Multiply(a, b, _)
        | Node::Divide(a, b, _)
        | Node::Least(a, b)
        | Node::Greatest(a, b)
        | Node::OrElse(a, b)
        | Node::Compare(_, a, b)
        | Node::And(a, b)
        | Node::Or(a, b) => [Some(a), Some(b)],
        _ => [None, None],
    }
}

/// `None` where there are too many.
fn alternatives(program: &Program) -> Option<Vec<Alternative<'_>>> {
    of_node(program, program.root()?, true)
}

fn of_node(program: &Program, id: NodeId, truth: bool) -> Option<Vec<Alternative<'_>>> {
    match program.node(id) {
        Node::Flag(flag) => Some(if flag == truth { alloc::vec![Vec::new()] } else { Vec::new() }),
        Node::Not(inner) => of_node(program, inner, !truth),
        Node::And(a, b) if truth => both(&of_node(program, a, truth)?, &of_node(program, b, truth)?),
        Node::Or(a, b) if !truth => both(&of_node(program, a, truth)?, &of_node(program, b, truth)?),
        Node::And(a, b) | Node::Or(a, b) => either(of_node(program, a, truth)?, of_node(program, b, truth)?),
        Node::Compare(..) => {
            let known = program.comparisons().iter().find(|known| known.node == id && known.op.is_order());
            match known {
                Some(known) => of_comparison(known, known),
                None => Some(alloc::vec![alloc::vec![Part::Other(id, truth)]]),
            }
        }
        _ => Some(alloc::vec![alloc::vec![Part::Other(id, truth)]]),
    }
}

/// A comparison is turned already where it stands under a `not`.
fn of_comparison<'a>(one: &'a Comparison, whole: &'a Comparison) -> Option<Vec<Alternative<'a>>> {
    match one.always {
        Some(true) => return Some(alloc::vec![Vec::new()]),
        Some(false) => return Some(Vec::new()),
        None => {}
    }
    let Some(parts) = &one.parts else { return Some(alloc::vec![alloc::vec![Part::Order(one, whole)]]) };
    let each = parts.each.iter().map(|part| of_comparison(part, whole));
    each.reduce(|a, b| if parts.is_any { either(a?, b?) } else { both(&a?, &b?) })?
}

fn either<'a>(mut a: Vec<Alternative<'a>>, b: Vec<Alternative<'a>>) -> Option<Vec<Alternative<'a>>> {
    a.extend(b);
    (a.len() <= ALTERNATIVES_MAX).then_some(a)
}

fn both<'a>(a: &[Alternative<'a>], b: &[Alternative<'a>]) -> Option<Vec<Alternative<'a>>> {
    if a.len() * b.len() > ALTERNATIVES_MAX {
        return None;
    }
    let join = |x: &Alternative<'a>, y: &Alternative<'a>| x.iter().chain(y).copied().collect();
    Some(a.iter().flat_map(|x| b.iter().map(move |y| join(x, y))).collect())
}
