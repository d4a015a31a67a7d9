//! The shortest time between two asked changes of a setpoint.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let state = question.state;
    let Some(level) = &question.envelope.level else { return };
    // What the guard told before it was started anew counts; where it told nothing, there is nothing to wait for.
    let is_first = !state.sent && state.told_at >= question.live.started_at;
    if proposal.class != Class::Asked || proposal.wanted == state.told || is_first {
        return;
    }
    let free_at = state.told_at.after(level.min_interval);
    if question.now < free_at {
        let ramp = proposal.ramp;
        proposal.hold(state.told, Cause::MinInterval, Some(free_at));
        // Waiting for the interval does not interrupt the line of a ramp.
        proposal.ramp = ramp;
    }
}
