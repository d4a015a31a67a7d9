//! The longest time closed. After it the output goes to safe and stays there until every request that was served by its being
//! closed has ended; where the default held it, until `min_open` is over.
//!
//! The guard sees a request end when a weaker one wins the output. One that was only outvoted has not ended: its number is
//! remembered, and it neither closes the output again nor keeps it closed when somebody else did. Time that a limit holds it
//! closed counts, but does not end a request.

use super::{Class, Proposal, Question, is_engaged, is_switch};
use crate::plan::Envelope;
use crate::state::OutputState;
use ballast_model::intent::Cause;
use ballast_model::{Mono, Wanted};

/// The number of "nobody asks".
pub(crate) const DEFAULT_REQUEST: u64 = 0;

/// Once its longest time is over it goes to safe, whatever holds it.
pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let (state, envelope) = (question.state, question.envelope);
    let Some(longest) = envelope.max_closed.filter(|_| question.is_engaged(state.told)) else { return };
    let due = state.switched_at.after(longest);
    if question.now < due {
        proposal.wake_at(due);
    } else if question.is_engaged(proposal.wanted) {
        proposal.take(envelope.safe, Cause::MaxClosed, Class::Own);
    }
}

/// The requests that were served for its longest time do not get it again.
pub(crate) fn stay(question: &Question<'_>, proposal: &mut Proposal) {
    let (state, envelope) = (question.state, question.envelope);
    let is_spent = envelope.max_closed.is_some() && state.word.is_some() && state.spent.has(state.request);
    if !is_spent || !question.is_engaged(proposal.wanted) || proposal.class != Class::Asked {
        return;
    }
    if question.is_engaged(state.told) {
        // Another request closed it, and has ended.
        proposal.take(envelope.safe, Cause::MaxClosed, Class::Asked);
        return;
    }
    if state.request != DEFAULT_REQUEST {
        proposal.hold(state.told, Cause::MaxClosed, None);
        return;
    }
    let free_at = rested_at(state, envelope);
    if question.now < free_at {
        proposal.hold(state.told, Cause::MaxClosed, Some(free_at));
    }
}

/// When it has rested for as long as its default must.
fn rested_at(state: &OutputState, envelope: &Envelope) -> Mono {
    state.moved_at.max(state.switched_at).after(envelope.min_open)
}

/// Remembers who is served, and who was when its longest time was over.
pub(crate) fn follow(state: &mut OutputState, envelope: &Envelope, wanted: Wanted, now: Mono) {
    let Some(longest) = envelope.max_closed else { return };
    if is_switch(envelope, state.told, wanted) {
        if is_engaged(envelope, state.told) {
            // Whatever opens it at this moment: they had its longest time.
            if now >= state.switched_at.after(longest) {
                state.spent.add_all(&state.holders);
            }
        } else if now >= rested_at(state, envelope) {
            // A default that was held to its longest time and has rested starts afresh.
            state.spent.forget(DEFAULT_REQUEST);
        }
        state.holders.clear();
    }
    if is_engaged(envelope, wanted) && is_engaged(envelope, state.asked) && state.word.is_some() {
        state.holders.add(state.request, state.authority);
    }
}
