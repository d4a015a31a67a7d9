//! Limits, by name.

use super::order::{self, Way};
use super::{Found, text};
use crate::beside;
use crate::bounds::LIMITS_BESIDE;
use crate::plan::{ForceStep, Interlock, Limit, LimitAction, OnUnknown};
use crate::rules::derate::on_curve;
use crate::tables::Plan;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::expr::Program;
use ballast_model::{Contact, Finite, OutputId, Unit, Wanted};

/// How two limits are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The second one takes the place of the first.
    Change,
    /// Both are in force: does the second one do at least what the first would?
    Beside,
}

/// Limits that are gone, narrower conditions, later or weaker action; and what could take from another protection: a step
/// away from a safe state, or one that wins over another limit.
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
        one((limit, old), (other, new), Look::Change, found);
    }
    let is_successor =
        |place: usize| old.set.limits.iter().any(|limit| successor(old, limit, new) == Some(place));
    for (_, limit) in new.set.limits.iter().enumerate().filter(|(place, _)| !is_successor(*place)) {
        let LimitAction::Force { force, .. } = &limit.action else { continue };
        for step in force.iter().filter(|step| !only_protects(old, (limit, new), step)) {
            found.add(&limit.name, "force", "not forced", step_text(new, step));
        }
    }
}

/// The place of the limit that takes over from one of the old set: that of its name, else that beside which it stands.
fn successor(old: &Plan, limit: &Limit, new: &Plan) -> Option<usize> {
    let place = |name: &str| new.set.limits.iter().position(|other| &*other.name == name);
    let base =
        || beside::base_of(&limit.name).filter(|base| old.set.limits.iter().any(|one| &*one.name == *base));
    place(&limit.name).or_else(|| base().and_then(place))
}

/// Whether a step leads to what is safe for its output, before and after.
fn leads_to_safe(before: &Plan, after: &Plan, step: &ForceStep) -> bool {
    let name = output_name(after, step.output);
    let safe = |plan: &Plan| {
        let index = plan.catalog.outputs.iter().position(|spec| &*spec.name == name)?;
        plan.envelope(index).map(|envelope| envelope.safe)
    };
    safe(after) == Some(step.wanted) && safe(before).is_none_or(|safe| safe == step.wanted)
}

/// Whether a step of a limit claims a state that an interlock forbids beside what a later limit forces: the earlier one
/// wins.
fn wins_over_another(plan: &Plan, limit: &Limit, step: &ForceStep) -> bool {
    let later = plan.set.limits.iter().skip_while(|other| other.name != limit.name).skip(1);
    let forced = later.filter_map(|other| match &other.action {
        LimitAction::Force { force, .. } => Some(force),
        LimitAction::Derate { .. } => None,
    });
    let is_member = |member: &(OutputId, Contact), step: &ForceStep| {
        member.0 == step.output && Wanted::Contact(member.1) == step.wanted
    };
    forced.flatten().any(|other| {
        let joins = |interlock: &&Interlock| {
            other.output != step.output
                && interlock.members.iter().any(|member| is_member(member, step))
                && interlock.members.iter().any(|member| is_member(member, other))
        };
        plan.set.interlocks.iter().any(|interlock| joins(&interlock))
    })
}

/// Whether a step of a limit can only protect: it leads to safe and takes nothing from another limit.
fn only_protects(before: &Plan, (limit, after): (&Limit, &Plan), step: &ForceStep) -> bool {
    leads_to_safe(before, after, step) && !wins_over_another(after, limit, step)
}

fn one((old, before): (&Limit, &Plan), (new, after): (&Limit, &Plan), look: Look, found: &mut Found) {
    let name = &*old.name;
    let may_take = |(limit, plan): (&Limit, &Plan)| match &limit.action {
        LimitAction::Force { force, .. } => {
            force.iter().any(|step| !only_protects(before, (limit, plan), step))
        }
        LimitAction::Derate { .. } => false,
    };
    // What acts against a safe state, or wins over another limit, is not stricter where it acts more often, earlier or for
    // longer: there is no stricter for it.
    let must_stay = look == Look::Change && (may_take((old, before)) || may_take((new, after)));
    let is_strict = match (old.unknown, new.unknown) {
        (one, other) if must_stay => one == other,
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
            let way = order::way((when, before), (new_when, after));
            let is_wider = if must_stay { way == Way::Same } else { way.is_wider() };
            found.unless(is_wider, name, "when", text::text(before, when), text::text(after, new_when));
            let stays = |is_strict: bool, is_same: bool| if must_stay { is_same } else { is_strict };
            found.unless(stays(new_hold <= hold, new_hold == hold), name, "for", hold, new_hold);
            match look {
                Look::Change => forces((old, force, before), (new, new_force, after), found),
                Look::Beside => held_forces(name, (force, before), (new_force, after), found),
            }
            ends(name, (until.as_ref(), before), (new_until.as_ref(), after), must_stay, found);
            let is_later = stays(new_until_hold >= until_hold, new_until_hold == until_hold);
            found.unless(is_later, name, "until ... for", until_hold, new_until_hold);
            found.unless(stays(*new_latch || !latch, new_latch == latch), name, "latch", latch, new_latch);
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
    must_stay: bool,
    found: &mut Found,
) {
    let Some(old) = old else {
        let stays = new.is_none() || !must_stay;
        return found.unless(
            stays,
            name,
            "until",
            "none",
            new.map_or("none".to_string(), |new| text::text(after, new)),
        );
    };
    let is_later = new.is_some_and(|new| match order::way((old, before), (new, after)) {
        way if must_stay => way == Way::Same,
        way => way.is_narrower(),
    });
    let new = new.map_or_else(|| "none".to_string(), |new| text::text(after, new));
    found.unless(is_later, name, "until", text::text(before, old), new);
}

fn output_name(plan: &Plan, output: OutputId) -> &str {
    plan.catalog.output(output).map_or("?", |spec| &spec.name)
}

fn step_text(plan: &Plan, step: &ForceStep) -> String {
    let spec = plan.catalog.output(step.output);
    let state = spec.map_or(String::new(), |spec| spec.show(step.wanted));
    format!("{}: {state} after {}", output_name(plan, step.output), step.after)
}

/// Every old step must be there, in the same order, not later; new steps may come behind where they only protect.
fn forces(
    (limit, old, before): (&Limit, &[ForceStep], &Plan),
    (changed, new, after): (&Limit, &[ForceStep], &Plan),
    found: &mut Found,
) {
    let name = &*limit.name;
    for (place, step) in old.iter().enumerate() {
        let Some(other) = new.get(place) else {
            found.add(name, "force", step_text(before, step), "removed");
            continue;
        };
        let is_early = match only_protects(before, (changed, after), other) {
            true => other.after <= step.after,
            false => other.after == step.after,
        };
        let is_same = output_name(before, step.output) == output_name(after, other.output)
            && step.wanted == other.wanted
            && is_early;
        found.unless(is_same, name, "force", step_text(before, step), step_text(after, other));
    }
    for step in new.iter().skip(old.len()) {
        let protects = only_protects(before, (changed, after), step);
        found.unless(protects, name, "force", "not forced", step_text(after, step));
    }
}

/// Whether every step of one is done by the other, not later.
fn held_forces(
    name: &str,
    (old, before): (&[ForceStep], &Plan),
    (new, after): (&[ForceStep], &Plan),
    found: &mut Found,
) {
    for step in old {
        let does = |other: &ForceStep| {
            output_name(before, step.output) == output_name(after, other.output)
                && step.wanted == other.wanted
                && other.after <= step.after
        };
        found.unless(new.iter().any(does), name, "force", step_text(before, step), "not forced");
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

/// Whether one limit is at least as strict as another one in everything.
fn is_covered((old, before): (&Limit, &Plan), (new, after): (&Limit, &Plan), look: Look) -> bool {
    let mut found = Found::default();
    one((old, before), (new, after), look, &mut found);
    found.finish().is_empty()
}

/// What of a new limit may be in force before a person says so: a limit that leads to safe. Nothing, where no step does.
fn protection(old: &Plan, limit: &Limit, new: &Plan) -> Option<Limit> {
    let mut limit = limit.clone();
    if let LimitAction::Force { force, .. } = &mut limit.action {
        force.retain(|step| leads_to_safe(old, new, step));
        if force.is_empty() {
            return None;
        }
    }
    Some(limit)
}

/// The old limits, or the new ones where these only tighten. A new one that is neither stricter nor weaker than the old
/// one stands beside it, so that both hold, without its steps away from a safe state; behind all others, so that it wins
/// against none of the old ones.
pub(super) fn stricter(old: &Plan, new: &Plan) -> Vec<Limit> {
    let mut all: Vec<(Limit, &Plan)> = Vec::with_capacity(old.set.limits.len() + new.set.limits.len());
    for limit in &old.set.limits {
        let other = successor(old, limit, new).and_then(|place| new.set.limits.get(place));
        match other.filter(|other| is_covered((limit, old), (other, new), Look::Change)) {
            None => all.push((limit.clone(), old)),
            Some(other) if other.name == limit.name => all.push((other.clone(), new)),
            // It stood beside another one, and what comes now holds at least the same.
            Some(_) => {}
        }
    }
    for limit in new.set.limits.iter().filter_map(|limit| protection(old, limit, new)) {
        let family = |other: &&(Limit, &Plan)| {
            other.0.name == limit.name || beside::base_of(&other.0.name) == Some(&*limit.name)
        };
        let standing = all.iter().filter(family).count();
        let is_held = all
            .iter()
            .filter(family)
            .any(|(other, plan)| is_covered((&limit, new), (other, plan), Look::Beside));
        if is_held || standing > LIMITS_BESIDE {
            continue;
        }
        let is_taken = |name: &str| {
            all.iter().any(|(other, _)| &*other.name == name)
                || (name != &*limit.name && new.set.limits.iter().any(|other| &*other.name == name))
        };
        let name =
            if is_taken(&limit.name) { beside::free_name(&limit.name, is_taken) } else { limit.name.clone() };
        all.push((Limit { name, ..limit }, new));
    }
    all.into_iter().map(|(limit, _)| limit).collect()
}
