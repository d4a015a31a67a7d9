//! Asked changes away from safe follow a straight line; towards safe is always at once.
//!
//! The line starts where and when the change began, and is followed in steps that lie at least one tick apart: looking at it
//! more often does not make more steps, and looking late makes up for none, so that it is never steeper than the file says.
//! A change from one side of safe to the other goes to safe at once and starts its line there.

use super::derate;
use super::level::nearest_within;
use super::{Class, Proposal, Question};
use crate::bounds::RAMP_TICK;
use ballast_model::intent::Cause;
use ballast_model::{Finite, Outcome, Wanted};

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let (Wanted::Level(wanted), Wanted::Level(told)) = (proposal.wanted, question.state.told) else { return };
    let Wanted::Level(safe) = question.envelope.safe else { return };
    let Some(level) = question.envelope.level.as_ref().filter(|_| proposal.class == Class::Asked) else {
        return;
    };
    let Some(rate) = level.ramp_away.map(Finite::get) else { return };
    // Where a cap ends the way, there is nothing to climb to beyond it.
    let reachable = derate::within_cap(question, wanted);
    let (goal, here) = (reachable.get() - safe.get(), told.get() - safe.get());
    let tick = level.min_interval.max(RAMP_TICK);
    if goal * here < 0.0 {
        slow(proposal, safe);
        proposal.wake_at(question.now.after(tick));
        return;
    }
    if goal.abs() <= here.abs() {
        return;
    }
    let (at, from) = question.state.ramp.unwrap_or((question.now, told));
    let is_due = question.now >= at.after(tick);
    let gain = if is_due { rate * tick.secs_f64() } else { 0.0 };
    let reach = (from.get() - safe.get()).abs() + gain;
    if goal.abs() > reach {
        let limit = Finite::saturating(safe.get() + reach.copysign(goal));
        let value = nearest_within(level, safe, limit);
        let is_further = (value.get() - safe.get()).abs() >= here.abs();
        slow(proposal, if is_further { value } else { told });
        let at = if is_due { question.now } else { at };
        proposal.ramp = Some((at, limit));
        let next = at.after(tick);
        proposal.wake_at(next);
        proposal.next_change = Some(next);
    }
}

fn slow(proposal: &mut Proposal, value: Finite) {
    proposal.wanted = Wanted::Level(value);
    proposal.outcome = Outcome::Changed;
    proposal.cause = Cause::Ramp;
}
