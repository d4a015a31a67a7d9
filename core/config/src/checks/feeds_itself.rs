//! No limit ends what sets it off by acting, alone or together with others.
//!
//! A limit that opens an output because it is closed has no cause any more once it acted; it lets go, the output is closed
//! again by whoever asks, and the limit acts again, as often as the devices follow. What decides is asked of the conditions
//! themselves: could the same readings set the limit off before it acts and let it go afterwards? What is measured does not
//! change by acting at once; what the outputs are, does.

use std::collections::{BTreeMap, BTreeSet};

use ballast_guard::plan::LimitAction;
use ballast_model::catalog::{Facet, Origin};
use ballast_model::expr::{BinaryOp, Node, NodeId, Program};
use ballast_model::{Catalog, Contact, Finite, OutputId, PointId, Wanted};

use super::measured::place_of;
use crate::codes;
use crate::diagnostics::{Diagnostics, quote};
use crate::safety::{LimitDraft, SafetyDraft};
use crate::site::SiteDraft;

/// Combinations of readings that are tried for all limits together. A condition with more of them that reads what its own
/// limit moves is refused: nobody could say what it does.
const TRIED_MAX: usize = 200_000;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let mut left = TRIED_MAX;
    let limits: Vec<Moving<'_, '_>> =
        safety.limits.iter().map(|draft| Moving::new(site, safety, draft)).collect();
    let mut restless: BTreeSet<usize> = BTreeSet::new();
    for (index, limit) in limits.iter().enumerate() {
        let own = limit.reads.iter().find(|(output, _)| limit.moves.contains(output));
        if let Some((output, point)) = own
            && limit.flips(&site.catalog, true, &mut left)
        {
            let spec = site.catalog.output(*output).map_or("?", |spec| &*spec.name);
            let read = site.catalog.point(*point).map_or("?", |spec| &*spec.name);
            let message = format!("this limit ends its own cause: it reads `{read}` and moves `{spec}`");
            let help = "leave what the output itself is out of the condition, let a measured value end it with `until`, or \
                        write `latch: true`";
            let place = place_of(site, &limit.draft.when, *point);
            out.push(place.mistake(codes::LIMIT_FEEDS_ITSELF, message).help(help));
        } else if !limit.reads.is_empty() && limit.flips(&site.catalog, false, &mut left) {
            restless.insert(index);
        }
    }
    check_circles(site, &limits, &restless, out);
}

/// Limits of which each moves what the next one reads, and none of which comes to rest by itself.
fn check_circles(
    site: &SiteDraft,
    limits: &[Moving<'_, '_>],
    restless: &BTreeSet<usize>,
    out: &mut Diagnostics,
) {
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for start in restless {
        let Some(circle) = circle(limits, restless, *start).filter(|circle| !told.contains(&circle[0]))
        else {
            continue;
        };
        told.extend(&circle);
        let names: Vec<String> = circle
            .iter()
            .filter_map(|index| limits.get(*index))
            .map(|limit| quote(&limit.draft.limit.name))
            .collect();
        let Some((first, rest)) = circle.split_first() else { continue };
        let Some(first) = limits.get(*first) else { continue };
        let message = format!("these limits set each other off: {}", names.join(", "));
        let point = first.reads.first().map(|(_, point)| *point).unwrap_or(PointId(0));
        let mut found = place_of(site, &first.draft.when, point).mistake(codes::LIMIT_FEEDS_ITSELF, message);
        for other in rest.iter().filter_map(|index| limits.get(*index)) {
            found = found.also(other.draft.place.file, other.draft.place.span, "in the same circle");
        }
        let help = "leave what outputs are out of one of the conditions, let a measured value end it with `until`, or write \
                    `latch: true`; two outputs that must never be closed together are an interlock";
        out.push(found.help(help));
    }
}

/// The way from a limit back to itself, where there is one, itself first.
fn circle(limits: &[Moving<'_, '_>], restless: &BTreeSet<usize>, start: usize) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut waiting = vec![start];
    while let Some(index) = waiting.pop() {
        let Some(limit) = limits.get(index) else { continue };
        for next in restless.iter().filter(|next| **next != index) {
            let reads = limits.get(*next).map_or(&[][..], |limit| &limit.reads);
            if !reads.iter().any(|(output, _)| limit.moves.contains(output)) {
                continue;
            }
            if *next == start {
                let mut way = vec![index];
                while let Some(earlier) = way.last().and_then(|last| before.get(last)) {
                    way.push(*earlier);
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(next) {
                before.insert(*next, index);
                waiting.push(*next);
            }
        }
    }
    None
}

/// A limit with what it moves and which outputs it looks at.
struct Moving<'d, 't> {
    draft: &'d LimitDraft<'t>,
    /// What it sets or caps, and what has to make way for that.
    moves: BTreeSet<OutputId>,
    /// Outputs whose state it reads, with the points.
    reads: Vec<(OutputId, PointId)>,
}

impl<'d, 't> Moving<'d, 't> {
    fn new(site: &SiteDraft, safety: &SafetyDraft<'_>, draft: &'d LimitDraft<'t>) -> Self {
        let mut moves: BTreeSet<OutputId> = draft.derate.iter().map(|output| output.value).collect();
        for (output, wanted) in draft.force.iter().map(|step| step.value) {
            moves.insert(output);
            for interlock in &safety.interlocks {
                let members = &interlock.interlock.members;
                if members
                    .iter()
                    .any(|(member, contact)| (*member, Wanted::Contact(*contact)) == (output, wanted))
                {
                    moves.extend(members.iter().map(|(member, _)| *member));
                }
            }
        }
        let programs = core::iter::once(&draft.when).chain(&draft.until);
        let points = programs.flat_map(|compiled| compiled.program.reads.iter().copied());
        let reads = points.filter_map(|point| Some((facet(&site.catalog, point)?.0, point)));
        Self { draft, moves, reads: reads.collect() }
    }

    /// Whether the same readings may set it off before it acts and let it go afterwards. `own`: nobody but it acts, so that
    /// what it forces is known afterwards; else outputs may be anything.
    fn flips(&self, catalog: &Catalog, own: bool, left: &mut usize) -> bool {
        match &self.draft.limit.action {
            // The cap follows the number, and the number the cap.
            LimitAction::Derate { .. } => true,
            LimitAction::Force { latch: true, .. } => false,
            LimitAction::Force { when, until, .. } => {
                let forced = if own { &self.draft.force[..] } else { &[] };
                let forced = forced.iter().map(|step| step.value).collect();
                let mut readings = Readings { catalog, forced, variables: BTreeMap::new() };
                readings.collect(when);
                until.iter().for_each(|until| readings.collect(until));
                readings.any(left, |values| {
                    let lets_go = until.as_ref().is_none_or(|until| values.truth(until, Side::After));
                    lets_go && values.truth(when, Side::Before) && !values.truth(when, Side::After)
                })
            }
        }
    }
}

/// Which output a point shows, and what of it; not what is asked of it, which no limit reads.
fn facet(catalog: &Catalog, point: PointId) -> Option<(OutputId, Facet)> {
    match catalog.point(point)?.origin {
        Origin::Output(output, facet) if facet != Facet::Wanted => Some((output, facet)),
        _ => None,
    }
}

/// Before a limit acts, or after it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Before,
    After,
}

/// Something on which a condition depends, and in which readings may differ. What is measured is the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Variable {
    /// A yes-or-no point.
    Flag(PointId),
    /// The word of a point.
    Word(PointId, Option<Side>),
    /// A number that is compared with constants, by its text: below, at or between them.
    Number(String),
    /// Two numbers that are compared, by their texts: less, equal or greater.
    Pair(String, String),
    /// A comparison with what an output is: anything.
    OfOutput(String, Side),
}

/// The variables of some conditions, each with as many values as it may have.
struct Readings<'a> {
    catalog: &'a Catalog,
    forced: Vec<(OutputId, Wanted)>,
    /// The constants a number is compared with or the words a point is compared with, where it has those.
    variables: BTreeMap<Variable, BTreeSet<Finite>>,
}

/// One value for each variable.
struct Values<'a> {
    readings: &'a Readings<'a>,
    of: BTreeMap<&'a Variable, usize>,
}

impl Readings<'_> {
    fn collect(&mut self, program: &Program) {
        for node in program.nodes() {
            match *node {
                Node::FlagPoint(point) => {
                    self.variables.entry(Variable::Flag(point)).or_default();
                }
                Node::WordIs(point, word) => {
                    for side in self.sides(point) {
                        let words = self.variables.entry(Variable::Word(point, side)).or_default();
                        words.insert(Finite::from(i32::from(word)));
                    }
                }
                Node::Compare(_, left, right) => {
                    for side in [Side::Before, Side::After] {
                        let (variable, constant) = self.compared(program, (left, right), side);
                        self.variables.entry(variable).or_default().extend(constant);
                    }
                }
                _ => {}
            }
        }
    }

    /// A word of an output may be another one after acting.
    fn sides(&self, point: PointId) -> Vec<Option<Side>> {
        match facet(self.catalog, point) {
            Some(_) => vec![Some(Side::Before), Some(Side::After)],
            None => vec![None],
        }
    }

    /// What a comparison depends on, and the constant it compares with.
    fn compared(
        &self,
        program: &Program,
        (left, right): (NodeId, NodeId),
        side: Side,
    ) -> (Variable, Option<Finite>) {
        let (one, other) = (self.text(program, left), self.text(program, right));
        let node = |id: NodeId| program.nodes().get(usize::from(id)).copied();
        match (one, other) {
            (Some(one), Some(other)) => match (node(left), node(right)) {
                (_, Some(Node::Number(constant))) => (Variable::Number(one), Some(constant)),
                (Some(Node::Number(constant)), _) => (Variable::Number(other), Some(constant)),
                _ if one <= other => (Variable::Pair(one, other), None),
                _ => (Variable::Pair(other, one), None),
            },
            _ => (Variable::OfOutput(format!("{left} {right} {:?}", program.nodes()), side), None),
        }
    }

    /// An operation as a text, the same for the same operation; `None` where it depends on what an output is.
    fn text(&self, program: &Program, id: NodeId) -> Option<String> {
        let node = program.nodes().get(usize::from(id)).copied()?;
        let of = |id: NodeId| self.text(program, id);
        Some(match node {
            Node::Point(point) if facet(self.catalog, point).is_some() => return None,
            Node::Since(_) => return None,
            Node::Negate(a) => format!("-{}", of(a)?),
            Node::Add(a, b) => format!("({} + {})", of(a)?, of(b)?),
            Node::Subtract(a, b) => format!("({} - {})", of(a)?, of(b)?),
            Node::Multiply(a, b, factor) => format!("({} * {} {factor})", of(a)?, of(b)?),
            Node::Divide(a, b, factor) => format!("({} / {} {factor})", of(a)?, of(b)?),
            Node::Least(a, b) => format!("min({}, {})", of(a)?, of(b)?),
            Node::Greatest(a, b) => format!("max({}, {})", of(a)?, of(b)?),
            other => format!("{other:?}"),
        })
    }

    /// How many values a variable may have: each constant, and the room below, between and above them.
    fn count(&self, variable: &Variable, constants: &BTreeSet<Finite>) -> usize {
        match variable {
            Variable::Flag(_) | Variable::OfOutput(..) => 2,
            Variable::Word(point, _) => {
                let words = self.catalog.point(*point).map_or(0, |spec| spec.words().len());
                words.min(constants.len() + 1).max(1)
            }
            Variable::Number(_) => 2 * constants.len() + 1,
            Variable::Pair(..) => 3,
        }
    }

    /// Whether any combination of values fits; `true` as well where there are too many to be tried.
    fn any(&self, left: &mut usize, fits: impl Fn(&Values<'_>) -> bool) -> bool {
        let counts: Vec<(&Variable, usize)> = self
            .variables
            .iter()
            .map(|(variable, constants)| (variable, self.count(variable, constants)))
            .collect();
        let all = counts.iter().try_fold(1_usize, |all, (_, count)| all.checked_mul(*count));
        let Some(all) = all.filter(|all| *all <= *left) else { return true };
        *left -= all;
        (0..all).any(|number| {
            let mut rest = number;
            let values = counts.iter().map(|(variable, count)| {
                let value = rest % count;
                rest /= count;
                (*variable, value)
            });
            fits(&Values { readings: self, of: values.collect() })
        })
    }
}

impl Values<'_> {
    fn truth(&self, program: &Program, side: Side) -> bool {
        let root = program.nodes().len().saturating_sub(1) as NodeId;
        self.at(program, root, side)
    }

    fn at(&self, program: &Program, id: NodeId, side: Side) -> bool {
        let Some(node) = program.nodes().get(usize::from(id)).copied() else { return false };
        match node {
            Node::Flag(flag) => flag,
            Node::FlagPoint(point) => self.value(&Variable::Flag(point)) == 1,
            Node::WordIs(point, word) => self.is_word(point, word, side),
            Node::Compare(op, left, right) => self.compare(program, op, (left, right), side),
            Node::And(a, b) => self.at(program, a, side) && self.at(program, b, side),
            Node::Or(a, b) => self.at(program, a, side) || self.at(program, b, side),
            Node::Not(a) => !self.at(program, a, side),
            _ => false,
        }
    }

    fn value(&self, variable: &Variable) -> usize {
        self.of.get(variable).copied().unwrap_or_default()
    }

    fn is_word(&self, point: PointId, word: u16, side: Side) -> bool {
        let shown = facet(self.readings.catalog, point);
        if let (Some((output, _)), Side::After) = (shown, side)
            && let Some((_, Wanted::Contact(contact))) =
                self.readings.forced.iter().find(|(forced, _)| *forced == output)
        {
            return (word == 1) == (*contact == Contact::Closed);
        }
        let variable = Variable::Word(point, shown.map(|_| side));
        let words = self.readings.variables.get(&variable);
        let place =
            words.and_then(|words| words.iter().position(|known| *known == Finite::from(i32::from(word))));
        place == Some(self.value(&variable))
    }

    fn compare(&self, program: &Program, op: BinaryOp, sides: (NodeId, NodeId), side: Side) -> bool {
        let (variable, constant) = self.readings.compared(program, sides, side);
        let value = self.value(&variable);
        let order = match (&variable, constant) {
            (Variable::Number(_), Some(constant)) => {
                let constants = self.readings.variables.get(&variable);
                let place = constants.and_then(|all| all.iter().position(|known| *known == constant));
                // Even values lie in the room before a constant, odd ones at it.
                let order = value.cmp(&(2 * place.unwrap_or_default() + 1));
                let is_turned = matches!(program.nodes().get(usize::from(sides.0)), Some(Node::Number(_)));
                if is_turned { order.reverse() } else { order }
            }
            (Variable::Pair(one, _), _) => {
                let order = value.cmp(&1);
                let is_turned = self.readings.text(program, sides.0).as_ref() != Some(one);
                if is_turned { order.reverse() } else { order }
            }
            _ => return value == 1,
        };
        match op {
            BinaryOp::Less => order.is_lt(),
            BinaryOp::LessOrEqual => order.is_le(),
            BinaryOp::Greater => order.is_gt(),
            BinaryOp::GreaterOrEqual => order.is_ge(),
            BinaryOp::Equal => order.is_eq(),
            _ => order.is_ne(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_limit_that_ends_its_own_cause_is_refused() {
        check_rest(
            "\
limits:
  - name: open what is closed
    when: charger.state == \"closed\"
#         ^^^^^^^^^^^^^ error[limit::feeds_itself]: this limit ends its own cause: it reads `charger.state` and moves `charger`
    force: [ { charger: open } ]
  - name: close what is open
    when: charger.actual == \"open\"
#         ^^^^^^^^^^^^^^ error[limit::feeds_itself]: this limit ends its own cause: it reads `charger.actual` and moves `charger`
    force: [ { charger: closed } ]
  - name: its end has nothing to do with it
    when: charger.state == \"closed\"
#         ^^^^^^^^^^^^^ error[limit::feeds_itself]: this limit ends its own cause: it reads `charger.state` and moves `charger`
    until: battery.soc < 40 %
    force: [ { charger: open } ]
  - name: after a while
    when: charger.state == \"closed\" for 10 min
#         ^^^^^^^^^^^^^ error[limit::feeds_itself]: this limit ends its own cause: it reads `charger.state` and moves `charger`
    until: charger.since > 1 h
    force: [ { charger: open } ]
  - name: by the partner
    when: genset.contactor.state == \"closed\"
#         ^^^^^^^^^^^^^^^^^^^^^^ error[limit::feeds_itself]: this limit ends its own cause: it reads `genset.contactor.state` and moves `genset.contactor`
    force: [ { mains: closed } ]
  - name: a cap on itself
    of: battery.state
#       ^^^^^^^^^^^^^ error[limit::feeds_itself]: this limit ends its own cause: it reads `battery.state` and moves `battery`
    derate: { battery: { 100 W: 100 %, 200 W: 0 % } }
interlocks:
  - { never_together: [mains: closed, genset.contactor: closed], dead_time: 2 s }
",
        );
    }

    #[test]
    fn limits_that_set_each_other_off_are_refused() {
        check_rest(
            "\
limits:
  - name: one
    when: genset.run.state == \"closed\"
#         ^^^^^^^^^^^^^^^^ error[limit::feeds_itself]: these limits set each other off: `one`, `other`
    force: [ { charger: open } ]
  - name: other
#         ----- note: in the same circle
    when: charger.state == \"open\"
    force: [ { genset.run: open } ]
  - name: not in the circle
    when: charger.state == \"open\"
    force: [ { mains: closed } ]
",
        );
    }

    #[test]
    fn what_a_measured_value_or_a_person_ends_is_fine() {
        check_rest(
            "\
limits:
  - name: too hot while it runs
    when: charger.state == \"closed\" and battery.temperature_1 > 60 °C
    until: battery.temperature_1 < 55 °C
    force: [ { charger: open } ]
  - name: either
    when: charger.state == \"closed\" and (battery.soc > 90 % or battery.voltage > 14.4 V)
    until: battery.soc < 80 % and battery.voltage < 14 V
    force: [ { charger: open } ]
  - name: welded
    when: charger.current > 50 mA and charger.state == \"open\" for 30 s
    until: charger.current < 20 mA
    force: [ { mains: closed }, { charger: open } ]
  - name: latched
    when: charger.actual == \"closed\"
    force: [ { charger: open } ]
    latch: true
  - name: only reads
    when: genset.run.state == \"open\"
    force: [ { home_1: open } ]
",
        );
    }
}
