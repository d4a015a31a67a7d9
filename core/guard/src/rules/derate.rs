//! Limits that cap setpoints by a measured number, and limits that derate while they are unknown.
//!
//! A cap is a share of the full range on each side of safe. Several caps: the lowest. A contact follows only a share of
//! nothing, which means safe.

use super::level::nearest_within;
use super::{Class, Proposal, Question};
use crate::plan::{LimitAction, OnUnknown};
use crate::state::Number;
use ballast_model::intent::Cause;
use ballast_model::{Finite, Outcome, Wanted};

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let Some((share, limit)) = lowest_share(question) else { return };
    let Some(allowed) = capped(question, proposal.wanted, share) else { return };
    if allowed == proposal.wanted {
        return;
    }
    proposal.take(allowed, Cause::Limit(limit), Class::Limit(limit));
    if allowed == question.state.told {
        proposal.outcome = Outcome::Held;
    }
}

/// What the lowest cap leaves of a setpoint.
pub(crate) fn within_cap(question: &Question<'_>, wanted: Finite) -> Finite {
    let capped = lowest_share(question).and_then(|(share, _)| capped(question, Wanted::Level(wanted), share));
    if let Some(Wanted::Level(allowed)) = capped { allowed } else { wanted }
}

/// What is left of a state under a cap; `None` when the cap says nothing about it.
fn capped(question: &Question<'_>, wanted: Wanted, share: f64) -> Option<Wanted> {
    let safe = question.envelope.safe;
    match (wanted, safe) {
        (Wanted::Level(value), Wanted::Level(rest)) => {
            let level = question.envelope.level.as_ref()?;
            let low = level.ranges.iter().map(|(low, _)| *low).min().unwrap_or(rest).min(rest);
            let high = level.ranges.iter().map(|(_, high)| *high).max().unwrap_or(rest).max(rest);
            let part = (share / 100.0).clamp(0.0, 1.0);
            let most = Finite::saturating(rest.get() + (high.get() - rest.get()) * part);
            let least = Finite::saturating(rest.get() - (rest.get() - low.get()) * part);
            let limit = value.max(least).min(most);
            Some(if limit == value { wanted } else { Wanted::Level(nearest_within(level, rest, limit)) })
        }
        (Wanted::Contact(_), Wanted::Contact(_)) => Some(if share <= 0.0 { safe } else { wanted }),
        _ => None,
    }
}

/// The lowest cap on this output and the limit it comes from.
pub(crate) fn lowest_share(question: &Question<'_>) -> Option<(f64, u16)> {
    let (tables, index) = (&question.plan.tables, question.id.index());
    let mut lowest: Option<(f64, u16)> = None;
    let mut lower = |share: f64, limit: u16| {
        if share < 100.0 && lowest.is_none_or(|(other, _)| share < other) {
            lowest = Some((share, limit));
        }
    };
    for (limit, row) in tables.derates.get(index).map_or(&[][..], |list| list) {
        let plan = question.plan.set.limits.get(usize::from(*limit));
        let state = question.live.limits.get(usize::from(*limit));
        let (Some(plan), Some(state)) = (plan, state) else { continue };
        let LimitAction::Derate { rows, .. } = &plan.action else { continue };
        let Some((_, curve)) = rows.get(usize::from(*row)) else { continue };
        if let Some(share) = share_of(curve, state.number, plan.unknown) {
            lower(share, *limit);
        }
    }
    for (limit, _) in tables.forces.get(index).map_or(&[][..], |list| list) {
        let plan = question.plan.set.limits.get(usize::from(*limit));
        let state = question.live.limits.get(usize::from(*limit));
        let (Some(plan), Some(state)) = (plan, state) else { continue };
        if let (true, OnUnknown::Derate(share)) = (state.is_derating, plan.unknown) {
            lower(share.get(), *limit);
        }
    }
    lowest
}

/// The share that a curve leaves. An unknown number leaves what `unknown` says, and no more than a known bound of it.
fn share_of(curve: &[(Finite, Finite)], number: Number, unknown: OnUnknown) -> Option<f64> {
    let left = match unknown {
        OnUnknown::Force => curve.iter().map(|(_, share)| share.get()).fold(100.0, f64::min),
        OnUnknown::Derate(share) => share.get(),
    };
    match number {
        Number::Never => None,
        Number::Unknown => Some(left),
        Number::Bound(bound) => Some(left.min(on_curve(curve, bound))),
        Number::Exact(value) => Some(on_curve(curve, value)),
    }
}

/// Straight lines between the rows, flat outside.
pub(crate) fn on_curve(curve: &[(Finite, Finite)], at: Finite) -> f64 {
    let above = curve.iter().position(|(number, _)| *number >= at);
    let row = |index: usize| curve.get(index).map_or((0.0, 0.0), |(x, y)| (x.get(), y.get()));
    match above {
        None => curve.last().map_or(0.0, |(_, share)| share.get()),
        Some(0) => row(0).1,
        Some(index) => {
            let ((x0, y0), (x1, y1)) = (row(index - 1), row(index));
            y0 + (y1 - y0) * (at.get() - x0) / (x1 - x0)
        }
    }
}
