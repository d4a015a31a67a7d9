//! A load that was cut by a stage, a lease, a start or a power cut stays open until it is given back; only a limit closes
//! it before.

use super::{Class, Proposal, Question};
use crate::state::ShedBy;
use ballast_model::intent::Cause;
use ballast_model::{Outcome, Wanted};

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let state = question.state;
    if !state.awaits || proposal.restores {
        return;
    }
    if state.told == Wanted::OPEN
        && proposal.wanted == Wanted::OPEN
        && proposal.cause != Cause::AwaitsRestoration
    {
        // Nobody wants it closed: what holds it is what the rules before said.
        return;
    }
    let cause = match state.shed_by {
        Some(ShedBy::Stage(stage)) => Cause::Stage(stage),
        Some(ShedBy::Bulk) => Cause::Bulk,
        // Also once its event is over: what holds it then is its turn.
        Some(ShedBy::Outage) | None => Cause::AwaitsRestoration,
    };
    let next = proposal.next_change;
    proposal.take(Wanted::OPEN, cause, Class::Own);
    if state.told == Wanted::OPEN {
        proposal.outcome = Outcome::Held;
        proposal.next_change = next;
    }
}
