//! Asked changes away from safe follow a straight line; towards safe is always at once.
//!
//! The line starts where and when the change began, so that waiting earns no head start, and is followed in steps of equal
//! length from there: looking at it more often does not make more steps. A change from one side of safe to the other goes to
//! safe at once and starts its line there.

use super::derate;
use super::level::nearest_within;
use super::{Class, Proposal, Question};
use crate::bounds::RAMP_TICK;
use ballast_model::intent::Cause;
use ballast_model::{Finite, Outcome, Span, Wanted};

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
    let (began, from) = question.state.ramp.unwrap_or((question.now, told));
    let ticks = question.now.since(began).nanos() / tick.nanos().max(1);
    let passed = Span::from_nanos(ticks.saturating_mul(tick.nanos()));
    let reach = (from.get() - safe.get()).abs() + rate * passed.secs_f64();
    if goal.abs() > reach {
        let limit = Finite::saturating(safe.get() + if goal < 0.0 { -reach } else { reach });
        let value = nearest_within(level, safe, limit);
        let is_further = (value.get() - safe.get()).abs() >= here.abs();
        slow(proposal, if is_further { value } else { told });
        proposal.is_ramping = true;
        let next = began.after(passed).after(tick);
        proposal.wake_at(next);
        proposal.next_change = Some(next);
    }
}

fn slow(proposal: &mut Proposal, value: Finite) {
    proposal.wanted = Wanted::Level(value);
    proposal.outcome = Outcome::Changed;
    proposal.cause = Cause::Ramp;
}
