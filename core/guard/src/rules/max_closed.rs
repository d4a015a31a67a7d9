//! The longest time closed. After it the output goes to safe and stays there until the request that held it has ended;
//! where the default held it, until `min_open` is over.
//!
//! The guard sees a request end when another number wins the output. A request that was only outvoted for a while and
//! wins again has not ended: its number is remembered. Time that a limit holds it closed counts, but does not end it.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;

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

/// The request that held it for its longest time does not get it again.
pub(crate) fn stay(question: &Question<'_>, proposal: &mut Proposal) {
    let (state, envelope) = (question.state, question.envelope);
    let is_spent = envelope.max_closed.is_some() && state.spent == Some(state.request);
    let returns = question.is_engaged(proposal.wanted) && !question.is_engaged(state.told);
    if !is_spent || !returns || proposal.class != Class::Asked {
        return;
    }
    if state.request != DEFAULT_REQUEST {
        proposal.hold(state.told, Cause::MaxClosed, None);
        return;
    }
    let free_at = state.moved_at.max(state.switched_at).after(envelope.min_open);
    if question.now < free_at {
        proposal.hold(state.told, Cause::MaxClosed, Some(free_at));
    }
}
