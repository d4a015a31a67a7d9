//! Envelopes, key by key.

use super::{Found, number_or_none, or_none};
use crate::plan::{Effect, Envelope, Level, OnSilence, OutsideChange, SwitchBudget};
use crate::tables::Plan;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::catalog::OutputSpec;
use ballast_model::{Finite, Span};

fn by_name(plan: &Plan) -> BTreeMap<Box<str>, (&Envelope, &OutputSpec)> {
    let pairs = plan.set.envelopes.iter().zip(&plan.catalog.outputs);
    pairs.map(|(envelope, spec)| (spec.name.clone(), (envelope, spec))).collect()
}

/// Outputs that are gone, and every key that gives more room. An output that is new loosens nothing: it had no leave to
/// move before, and its envelope is the first one it has.
pub(super) fn compare(old: &Plan, new: &Plan, found: &mut Found) {
    let theirs = by_name(new);
    for (name, (envelope, spec)) in by_name(old) {
        match theirs.get(&name) {
            None => found.add(&name, "outputs", "guarded", "removed"),
            Some((_, other)) if other.kind != spec.kind => {
                found.add(&name, "outputs", format!("{:?}", spec.kind), format!("{:?}", other.kind));
            }
            Some((other, _)) => one(&name, spec, (envelope, old), (other, new), found),
        }
    }
}

fn one(
    name: &str,
    spec: &OutputSpec,
    (old, before): (&Envelope, &Plan),
    (new, after): (&Envelope, &Plan),
    found: &mut Found,
) {
    found.unless(old.safe == new.safe, name, "safe", spec.show(old.safe), spec.show(new.safe));
    let starts = old.at_start == new.at_start || new.at_start == new.safe;
    found.unless(starts, name, "at_start", spec.show(old.at_start), spec.show(new.at_start));
    let silence = held(new.on_silence) <= held(old.on_silence);
    found.unless(silence, name, "on_silence", silence_text(old.on_silence), silence_text(new.on_silence));
    found.unless(new.lease <= old.lease, name, "lease", old.lease, new.lease);
    found.unless(new.min_closed >= old.min_closed, name, "min_closed", old.min_closed, new.min_closed);
    found.unless(new.min_open >= old.min_open, name, "min_open", old.min_open, new.min_open);
    let longest = |value: Option<Span>| value.unwrap_or(Span::MAX);
    let is_strict = longest(new.max_closed) <= longest(old.max_closed);
    found.unless(is_strict, name, "max_closed", or_none(old.max_closed), or_none(new.max_closed));
    let is_strict =
        old.max_switches.iter().all(|budget| new.max_switches.iter().any(|other| is_within(other, budget)));
    found.unless(
        is_strict,
        name,
        "max_switches",
        budgets_text(&old.max_switches),
        budgets_text(&new.max_switches),
    );
    let (one, other) = (old.outside_change, new.outside_change);
    found.unless(one == other, name, "outside_change", outside_text(one), outside_text(other));
    let is_same = is_same_effect(old.effect.as_deref(), before, new.effect.as_deref(), after);
    found.unless(
        is_same,
        name,
        "effect",
        effect_text(old.effect.as_deref()),
        effect_text(new.effect.as_deref()),
    );
    levels(name, old.level.as_deref(), new.level.as_deref(), found);
    found.unless(new.strength >= old.strength, name, "strength", old.strength.word(), new.strength.word());
    // Written over an output in service it changes nothing: that stays armed.
    found.unless(new.by_hand || !old.by_hand, name, "armed", "by hand", "always");
    let often = |value: Option<Span>| value.unwrap_or(Span::MAX);
    let is_strict = often(new.refresh) <= often(old.refresh);
    found.unless(is_strict, name, "refresh", or_none(old.refresh), or_none(new.refresh));
}

fn levels(name: &str, old: Option<&Level>, new: Option<&Level>, found: &mut Found) {
    let (Some(old), Some(new)) = (old, new) else {
        found.unless(old.is_none(), name, "values", "given", "none");
        return;
    };
    let is_strict = is_inside(&new.ranges, &old.ranges);
    found.unless(is_strict, name, "values", ranges_text(&old.ranges), ranges_text(&new.ranges));
    let is_strict = old.step.is_none() || old.step == new.step;
    found.unless(is_strict, name, "step", number_or_none(old.step), number_or_none(new.step));
    let is_strict = new.min_interval >= old.min_interval;
    found.unless(is_strict, name, "min_interval", old.min_interval, new.min_interval);
    let fastest = |value: Option<Finite>| value.map_or(f64::MAX, Finite::get);
    let is_strict = fastest(new.ramp_away) <= fastest(old.ramp_away);
    found.unless(is_strict, name, "ramp", number_or_none(old.ramp_away), number_or_none(new.ramp_away));
}

/// Whether a budget leaves no more room than another one.
fn is_within(new: &SwitchBudget, old: &SwitchBudget) -> bool {
    new.count <= old.count && new.per >= old.per
}

fn is_inside(new: &[(Finite, Finite)], old: &[(Finite, Finite)]) -> bool {
    new.iter().all(|(low, high)| old.iter().any(|(least, most)| low >= least && high <= most))
}

fn held(on_silence: OnSilence) -> Span {
    match on_silence {
        OnSilence::Safe => Span::ZERO,
        OnSilence::Hold(span) => span,
    }
}

fn is_same_effect(old: Option<&Effect>, before: &Plan, new: Option<&Effect>, after: &Plan) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return old.is_none() };
    let same = |one: &Option<_>, other: &Option<_>| match (one, other) {
        (Some(one), Some(other)) => {
            super::order::way((one, before), (other, after)) == super::order::Way::Same
        }
        (one, other) => one.is_none() && other.is_none(),
    };
    same(&old.closed, &new.closed)
        && same(&old.open, &new.open)
        && same(&old.unless, &new.unless)
        && new.within <= old.within
}

fn silence_text(on_silence: OnSilence) -> String {
    match on_silence {
        OnSilence::Safe => "safe".to_string(),
        OnSilence::Hold(span) => format!("hold {span}"),
    }
}

fn outside_text(outside: OutsideChange) -> String {
    match outside {
        OutsideChange::Follow(span) => format!("follow {span}"),
        OutsideChange::Correct(times) => format!("correct {times} times"),
        OutsideChange::Alarm => "alarm".to_string(),
    }
}

fn effect_text(effect: Option<&Effect>) -> String {
    effect.map_or("none".to_string(), |effect| format!("checked within {}", effect.within))
}

fn budgets_text(budgets: &[SwitchBudget]) -> String {
    let texts: Vec<String> =
        budgets.iter().map(|budget| format!("{} per {}", budget.count, budget.per)).collect();
    if texts.is_empty() { "none".to_string() } else { texts.join(", ") }
}

fn ranges_text(ranges: &[(Finite, Finite)]) -> String {
    let texts: Vec<String> = ranges.iter().map(|(low, high)| format!("{low}..{high}")).collect();
    texts.join(", ")
}

/// The stricter of both, for every output.
pub(super) fn stricter(old: &Plan, new: &Plan) -> Vec<Envelope> {
    old.set.envelopes.iter().zip(&new.set.envelopes).map(|(old, new)| merge(old, new)).collect()
}

fn merge(old: &Envelope, new: &Envelope) -> Envelope {
    let longest = match (old.max_closed, new.max_closed) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let refresh = match (old.refresh, new.refresh) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let mut max_switches = old.max_switches.clone();
    // One that leaves more room than an old one says nothing beside it.
    let is_news = |budget: &&SwitchBudget| !old.max_switches.iter().any(|other| is_within(other, budget));
    max_switches.extend(new.max_switches.iter().filter(is_news));
    Envelope {
        output: old.output,
        default: new.default,
        safe: old.safe,
        at_start: if new.at_start == old.safe { new.at_start } else { old.at_start },
        on_silence: if held(new.on_silence) <= held(old.on_silence) {
            new.on_silence
        } else {
            old.on_silence
        },
        lease: old.lease.min(new.lease),
        min_closed: old.min_closed.max(new.min_closed),
        min_open: old.min_open.max(new.min_open),
        max_closed: longest,
        max_switches,
        outside_change: old.outside_change,
        effect: old.effect.clone().or_else(|| new.effect.clone()),
        level: merge_levels(old.level.as_deref(), new.level.as_deref()).map(Box::new),
        strength: old.strength.min(new.strength),
        refresh,
        by_hand: old.by_hand || new.by_hand,
    }
}

fn merge_levels(old: Option<&Level>, new: Option<&Level>) -> Option<Level> {
    let (Some(old), Some(new)) = (old, new) else { return old.or(new).cloned() };
    let ramp_away = match (old.ramp_away, new.ramp_away) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    Some(Level {
        ranges: if is_inside(&new.ranges, &old.ranges) { new.ranges.clone() } else { old.ranges.clone() },
        step: old.step.or(new.step),
        min_interval: old.min_interval.max(new.min_interval),
        ramp_away,
    })
}
