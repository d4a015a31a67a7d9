//! Ordinary shed requests keep to the cap, and stop when shedding was found not to help.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;
use ballast_model::{Authority, Wanted};

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let Some(shedding) = &question.plan.set.shedding else { return };
    let state = question.state;
    let opens = proposal.wanted == Wanted::OPEN && state.told == Wanted::CLOSED;
    if !opens || proposal.class != Class::Asked || state.authority != Authority::Shed {
        return;
    }
    if question.live.shedding.is_futile {
        proposal.hold(state.told, Cause::Futile, None);
        return;
    }
    let free_at = shedding.cap.and_then(|cap| question.live.shedding.cap.free_at(&cap, question.now));
    if let Some(free_at) = free_at {
        proposal.hold(state.told, Cause::ShedCap, Some(free_at));
    }
}
