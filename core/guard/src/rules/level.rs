//! What a setpoint may be: its ranges and its step.

use super::{Class, Proposal, Question};
use crate::plan::Level;
use ballast_model::intent::Cause;
use ballast_model::{Finite, Outcome, Wanted};

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let (Wanted::Level(asked), Wanted::Level(safe)) = (proposal.wanted, question.envelope.safe) else {
        return;
    };
    let Some(level) = question.envelope.level.as_ref().filter(|_| proposal.class == Class::Asked) else {
        return;
    };
    let allowed = nearest(level, safe, asked);
    proposal.wanted = Wanted::Level(allowed);
    if !is_near(level, allowed, asked) {
        proposal.outcome = Outcome::Changed;
        proposal.cause = Cause::Value;
    }
}

/// The allowed value nearest to this one; of two equally near ones the one nearer to safe. Safe is always allowed.
pub(crate) fn nearest(level: &Level, safe: Finite, asked: Finite) -> Finite {
    // Far outside all ranges every value is equally far in floating point: the nearest end counts.
    let low = level.ranges.iter().map(|(low, _)| *low).min().unwrap_or(safe).min(safe);
    let high = level.ranges.iter().map(|(_, high)| *high).max().unwrap_or(safe).max(safe);
    let asked = asked.clamp(low, high);
    let by_distance = |value: &Finite| (distance(*value, asked), distance(*value, safe));
    candidates(level, safe, asked).min_by_key(by_distance).unwrap_or(safe)
}

/// The allowed value nearest to `asked` among those that lie between safe and `asked`, both included.
pub(crate) fn nearest_within(level: &Level, safe: Finite, asked: Finite) -> Finite {
    let between = asked.min(safe)..=asked.max(safe);
    let within = candidates(level, safe, asked).filter(|value| between.contains(value));
    within.min_by_key(|value| distance(*value, asked)).unwrap_or(safe)
}

fn distance(one: Finite, other: Finite) -> Finite {
    Finite::saturating(one.get() - other.get()).abs()
}

/// Safe, and of every range what lies next to `asked`.
fn candidates(level: &Level, safe: Finite, asked: Finite) -> impl Iterator<Item = Finite> {
    let values = level.ranges.iter().flat_map(move |(low, high)| on_grid(level, *low, *high, asked));
    core::iter::once(safe).chain(values.flatten())
}

/// The values of one range on either side of `asked` (or its nearest end): multiples of the step from its start.
fn on_grid(level: &Level, low: Finite, high: Finite, asked: Finite) -> [Option<Finite>; 2] {
    let inside = asked.clamp(low, high);
    let Some(step) = level.step.map(Finite::get).filter(|step| *step > 0.0) else {
        return [Some(inside), None];
    };
    let at = |count: f64| Finite::new(low.get() + count * step);
    // Rounded down: `inside` is not below `low`, and more steps than fit into 64 bits make no sense.
    let below = ((inside.get() - low.get()) / step) as u64 as f64;
    let above = at(below + 1.0).filter(|value| *value <= high);
    [at(below), above]
}

/// Whether a value is one of the allowed ones.
pub(crate) fn is_allowed(level: &Level, safe: Finite, value: Finite) -> bool {
    is_near(level, nearest(level, safe, value), value)
}

/// The same value but for the rounding of `start + count * step`.
fn is_near(level: &Level, one: Finite, other: Finite) -> bool {
    let step = level.step.map_or(0.0, Finite::get);
    (one.get() - other.get()).abs() <= step * 1e-6
}
