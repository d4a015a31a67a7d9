//! Shortest times closed and open, in both directions, for asked moves.
//!
//! They count from the moment at which the device confirmed its last switching. Setpoints count as closed while away
//! from safe.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    if proposal.class != Class::Asked || !question.is_switch(proposal.wanted) {
        return;
    }
    let (state, envelope) = (question.state, question.envelope);
    let (shortest, cause) = if question.is_engaged(state.told) {
        (envelope.min_closed, Cause::MinClosed)
    } else {
        (envelope.min_open, Cause::MinOpen)
    };
    let free_at = state.moved_at.max(state.switched_at).after(shortest);
    if question.now < free_at {
        proposal.hold(state.told, cause, Some(free_at));
    }
}
