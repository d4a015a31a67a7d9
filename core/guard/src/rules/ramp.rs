//! Asked changes away from safe follow a straight line; towards safe is always at once.
//!
//! The line starts where and when the change began, so that waiting earns no head start. A change from one side of safe
//! to the other goes to safe at once and starts its line there.

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
    let (goal, here) = (wanted.get() - safe.get(), told.get() - safe.get());
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
    let reach = (from.get() - safe.get()).abs() + rate * question.now.since(began).secs_f64();
    if goal.abs() > reach {
        let limit = Finite::saturating(safe.get() + if goal < 0.0 { -reach } else { reach });
        let value = nearest_within(level, safe, limit);
        let is_further = (value.get() - safe.get()).abs() >= here.abs();
        slow(proposal, if is_further { value } else { told });
        proposal.is_ramping = true;
        proposal.wake_at(question.now.after(tick));
        proposal.next_change = Some(question.now.after(tick));
    }
}

fn slow(proposal: &mut Proposal, value: Finite) {
    proposal.wanted = Wanted::Level(value);
    proposal.outcome = Outcome::Changed;
    proposal.cause = Cause::Ramp;
}
