//! Limits, by name.

use super::order::{self, Way};
use super::{Found, text};
use crate::beside;
use crate::bounds::LIMITS_BESIDE;
use crate::plan::{ForceStep, Limit, LimitAction, OnUnknown};
use crate::rules::derate::on_curve;
use crate::tables::Plan;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::expr::Program;
use ballast_model::{Finite, OutputId, Unit};

/// Limits that are gone, narrower conditions, later or weaker action.
pub(super) fn compare(old: &Plan, new: &Plan, found: &mut Found) {
    let mut last_place = 0;
    for limit in &old.set.limits {
        let Some(place) = successor(old, limit, new) else {
            found.add(&limit.name, "limits", "in force", "removed");
            continue;
        };
        let Some(other) = new.set.limits.get(place) else { continue };
        if other.name == limit.name {
            if place < last_place {
                found.add(&limit.name, "limits", "after the others", "before them: the first one wins");
            }
            last_place = place;
        }
        one((limit, old), (other, new), found);
    }
}

/// The place of the limit that takes over from one of the old set: that of its name, else that beside which it stands.
fn successor(old: &Plan, limit: &Limit, new: &Plan) -> Option<usize> {
    let place = |name: &str| new.set.limits.iter().position(|other| &*other.name == name);
    let base =
        || beside::base_of(&limit.name).filter(|base| old.set.limits.iter().any(|one| &*one.name == *base));
    place(&limit.name).or_else(|| base().and_then(place))
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
            let is_wider = order::way((when, before), (new_when, after)).is_wider();
            found.unless(is_wider, name, "when", text::text(before, when), text::text(after, new_when));
            found.unless(new_hold <= hold, name, "for", hold, new_hold);
            forces(name, (force, before), (new_force, after), found);
            ends(name, (until.as_ref(), before), (new_until.as_ref(), after), found);
            found.unless(new_until_hold >= until_hold, name, "until ... for", until_hold, new_until_hold);
            found.unless(*new_latch || !latch, name, "latch", latch, new_latch);
        }
        (LimitAction::Derate { of, rows }, LimitAction::Derate { of: new_of, rows: new_rows }) => {
            let is_same = order::way((of, before), (new_of, after)) == Way::Same;
            found.unless(is_same, name, "of", text::text(before, of), text::text(after, new_of));
            curves(name, (rows, before), (new_rows, after), text::unit(before, of), found);
        }
        _ => found.add(name, "limits", "one kind of action", "another kind"),
    }
}

/// A later end is stricter; so is one with a condition of its own, since without it the end is when `when` is over.
fn ends(
    name: &str,
    (old, before): (Option<&Program>, &Plan),
    (new, after): (Option<&Program>, &Plan),
    found: &mut Found,
) {
    let Some(old) = old else { return };
    let is_later = new.is_some_and(|new| order::way((old, before), (new, after)).is_narrower());
    let new = new.map_or_else(|| "none".to_string(), |new| text::text(after, new));
    found.unless(is_later, name, "until", text::text(before, old), new);
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

fn curves(
    name: &str,
    (old, before): (&[Row], &Plan),
    (new, after): (&[Row], &Plan),
    unit: Option<Unit>,
    found: &mut Found,
) {
    let text = |curve: &[(Finite, Finite)]| {
        let rows = curve.iter().map(|(at, share)| format!("{}: {share} %", text::shown(*at, unit)));
        rows.collect::<Vec<String>>().join(", ")
    };
    for (output, curve) in old {
        let output = output_name(before, *output);
        let Some((_, other)) = new.iter().find(|(other, _)| output_name(after, *other) == output) else {
            found.add(name, "derate", output, "removed");
            continue;
        };
        // Both are straight between their rows, so comparing at the rows of both is enough.
        let places = curve.iter().chain(other).map(|(at, _)| *at);
        let is_strict = places.into_iter().all(|at| on_curve(other, at) <= on_curve(curve, at) + 1e-9);
        found.unless(is_strict, name, "derate", format!("{output}: {}", text(curve)), text(other));
    }
}

fn unknown_text(unknown: OnUnknown) -> String {
    match unknown {
        OnUnknown::Force => "force".to_string(),
        OnUnknown::Derate(share) => format!("derate {share} %"),
    }
}

/// Whether the new limit is at least as strict as the old one in everything.
fn is_covered((old, before): (&Limit, &Plan), (new, after): (&Limit, &Plan)) -> bool {
    let mut found = Found::default();
    one((old, before), (new, after), &mut found);
    found.finish().is_empty()
}

/// The old limits, or the new ones where these only tighten. A new one that is neither stricter nor weaker than the old
/// one stands beside it, so that both hold; behind all others, so that it wins against none of the old ones.
pub(super) fn stricter(old: &Plan, new: &Plan) -> Vec<Limit> {
    let mut all: Vec<(Limit, &Plan)> = Vec::with_capacity(old.set.limits.len() + new.set.limits.len());
    for limit in &old.set.limits {
        let other = successor(old, limit, new).and_then(|place| new.set.limits.get(place));
        match other.filter(|other| is_covered((limit, old), (other, new))) {
            None => all.push((limit.clone(), old)),
            Some(other) if other.name == limit.name => all.push((other.clone(), new)),
            // It stood beside another one, and what comes now holds at least the same.
            Some(_) => {}
        }
    }
    for limit in &new.set.limits {
        let family = |other: &&(Limit, &Plan)| {
            other.0.name == limit.name || beside::base_of(&other.0.name) == Some(&*limit.name)
        };
        let standing = all.iter().filter(family).count();
        let is_held = all.iter().filter(family).any(|(other, plan)| is_covered((limit, new), (other, plan)));
        if is_held || standing > LIMITS_BESIDE {
            continue;
        }
        let is_taken = |name: &str| {
            all.iter().any(|(other, _)| &*other.name == name)
                || (name != &*limit.name && new.set.limits.iter().any(|other| &*other.name == name))
        };
        let name =
            if is_taken(&limit.name) { beside::free_name(&limit.name, is_taken) } else { limit.name.clone() };
        all.push((Limit { name, ..limit.clone() }, new));
    }
    all.into_iter().map(|(limit, _)| limit).collect()
}
