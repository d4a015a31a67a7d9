//! Limits, by name.

use super::Found;
use crate::plan::{ForceStep, Limit, LimitAction, OnUnknown};
use crate::rules::derate::on_curve;
use crate::tables::Plan;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::expr::{Node, Program};
use ballast_model::{Finite, OutputId, PointId};

/// Whether two conditions of two sites are the same: the same operations on points of the same names, wherever those
/// points stand in their catalogs.
pub(super) fn is_same_condition(old: &Plan, one: &Program, new: &Plan, other: &Program) -> bool {
    let name = |plan: &Plan, point: Option<PointId>| {
        point.and_then(|point| plan.catalog.point(point)).map(|spec| spec.name.clone())
    };
    let same = |(one, other): (&Node, &Node)| {
        let ((shape, point), (other_shape, other_point)) = (apart(*one), apart(*other));
        shape == other_shape && name(old, point) == name(new, other_point)
    };
    one.nodes().len() == other.nodes().len() && one.nodes().iter().zip(other.nodes()).all(same)
}

/// An operation without its point, and the point.
fn apart(node: Node) -> (Node, Option<PointId>) {
    const NONE: PointId = PointId(0);
    match node {
        Node::Point(point) => (Node::Point(NONE), Some(point)),
        Node::Age(point) => (Node::Age(NONE), Some(point)),
        Node::Since(point) => (Node::Since(NONE), Some(point)),
        Node::FlagPoint(point) => (Node::FlagPoint(NONE), Some(point)),
        Node::WordIs(point, word) => (Node::WordIs(NONE, word), Some(point)),
        Node::Known(point) => (Node::Known(NONE), Some(point)),
        Node::Changed(point) => (Node::Changed(NONE), Some(point)),
        other => (other, None),
    }
}

/// Limits that are gone, changed conditions, later or weaker action.
pub(super) fn compare(old: &Plan, new: &Plan, found: &mut Found) {
    let mut last_place = 0;
    for limit in &old.set.limits {
        let Some(place) = new.set.limits.iter().position(|other| other.name == limit.name) else {
            found.add(&limit.name, "limits", "in force", "removed");
            continue;
        };
        if place < last_place {
            found.add(&limit.name, "limits", "after the others", "before them: the first one wins");
        }
        last_place = place;
        if let Some(other) = new.set.limits.get(place) {
            one((limit, old), (other, new), found);
        }
    }
}

fn one((old, before): (&Limit, &Plan), (new, after): (&Limit, &Plan), found: &mut Found) {
    let name = &*old.name;
    let is_strict = match (old.unknown, new.unknown) {
        (_, OnUnknown::Force) => true,
        (OnUnknown::Derate(old), OnUnknown::Derate(new)) => new <= old,
        (OnUnknown::Force, OnUnknown::Derate(_)) => false,
    };
    found.unless(is_strict, name, "unknown", unknown_text(old.unknown), unknown_text(new.unknown));
    match (&old.action, &new.action) {
        (
            LimitAction::Force { when, hold, force, until, until_hold, latch },
            LimitAction::Force {
                when: new_when,
                hold: new_hold,
                force: new_force,
                until: new_until,
                until_hold: new_until_hold,
                latch: new_latch,
            },
        ) => {
            let is_same = is_same_condition(before, when, after, new_when);
            found.unless(is_same, name, "when", "a condition", "another condition");
            found.unless(new_hold <= hold, name, "for", hold, new_hold);
            forces(name, (force, before), (new_force, after), found);
            let is_same = match (until, new_until) {
                (Some(one), Some(other)) => is_same_condition(before, one, after, other),
                (one, other) => one.is_none() && other.is_none(),
            };
            found.unless(is_same, name, "until", "a condition", "another condition");
            found.unless(new_until_hold >= until_hold, name, "until ... for", until_hold, new_until_hold);
            found.unless(*new_latch || !latch, name, "latch", latch, new_latch);
        }
        (LimitAction::Derate { of, rows }, LimitAction::Derate { of: new_of, rows: new_rows }) => {
            let is_same = is_same_condition(before, of, after, new_of);
            found.unless(is_same, name, "of", "a number", "another number");
            curves(name, (rows, before), (new_rows, after), found);
        }
        _ => found.add(name, "limits", "one kind of action", "another kind"),
    }
}

fn output_name(plan: &Plan, output: OutputId) -> &str {
    plan.catalog.output(output).map_or("?", |spec| &spec.name)
}

/// Every old step must be there, in the same order, not later; new steps may come behind.
fn forces(
    name: &str,
    (old, before): (&[ForceStep], &Plan),
    (new, after): (&[ForceStep], &Plan),
    found: &mut Found,
) {
    for (place, step) in old.iter().enumerate() {
        let text = |plan: &Plan, step: &ForceStep| {
            let spec = plan.catalog.output(step.output);
            let state = spec.map_or(String::new(), |spec| spec.show(step.wanted));
            format!("{}: {state} after {}", output_name(plan, step.output), step.after)
        };
        let Some(other) = new.get(place) else {
            found.add(name, "force", text(before, step), "removed");
            continue;
        };
        let is_same = output_name(before, step.output) == output_name(after, other.output)
            && step.wanted == other.wanted
            && other.after <= step.after;
        found.unless(is_same, name, "force", text(before, step), text(after, other));
    }
}

type Row = (OutputId, Vec<(Finite, Finite)>);

fn curves(name: &str, (old, before): (&[Row], &Plan), (new, after): (&[Row], &Plan), found: &mut Found) {
    for (output, curve) in old {
        let output = output_name(before, *output);
        let Some((_, other)) = new.iter().find(|(other, _)| output_name(after, *other) == output) else {
            found.add(name, "derate", output, "removed");
            continue;
        };
        // Both are straight between their rows, so comparing at the rows of both is enough.
        let places = curve.iter().chain(other).map(|(at, _)| *at);
        let is_strict = places.into_iter().all(|at| on_curve(other, at) <= on_curve(curve, at) + 1e-9);
        found.unless(
            is_strict,
            name,
            "derate",
            format!("{output}: a curve"),
            format!("{output}: a higher curve"),
        );
    }
}

fn unknown_text(unknown: OnUnknown) -> String {
    match unknown {
        OnUnknown::Force => "force".to_string(),
        OnUnknown::Derate(share) => format!("derate {share} %"),
    }
}

/// Old limits as they are, or as the new set tightens them; then those that are new.
pub(super) fn stricter(old: &Plan, new: &Plan) -> Vec<Limit> {
    let mut all = Vec::with_capacity(old.set.limits.len() + new.set.limits.len());
    for limit in &old.set.limits {
        let other = new.set.limits.iter().find(|other| other.name == limit.name);
        let tightened = other.filter(|other| {
            let mut found = Found::default();
            one((limit, old), (other, new), &mut found);
            found.finish().is_empty()
        });
        all.push(tightened.unwrap_or(limit).clone());
    }
    let is_new = |limit: &&Limit| !old.set.limits.iter().any(|other| other.name == limit.name);
    all.extend(new.set.limits.iter().filter(is_new).cloned());
    all
}
