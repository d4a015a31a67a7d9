//! Giving back: a load that was cut closes only by a request that says so, when the budget allows it.

use super::{Class, Proposal, Question};
use crate::shedding::restore;
use ballast_model::Wanted;
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let state = question.state;
    let closes = proposal.wanted == Wanted::CLOSED && state.told == Wanted::OPEN;
    if !closes || proposal.class != Class::Asked {
        return;
    }
    let asks = state.word.is_some_and(|word| word.is_restoration);
    let load = question.plan.tables.load_of.get(question.id.index()).copied().flatten();
    let (Some(load), true) = (load, asks) else {
        if state.awaits {
            proposal.hold(state.told, Cause::AwaitsRestoration, None);
        }
        return;
    };
    match restore::gate(question.plan, question.live, load, question.now) {
        restore::Gate::Open => proposal.restores = true,
        restore::Gate::Closed(until) => {
            proposal.hold(state.told, Cause::AwaitsRestoration, until);
            // When its turn comes is not known any more once the room is not.
            proposal.wake_at(restore::room_expires(question.plan, question.live, question.now));
        }
    }
}
