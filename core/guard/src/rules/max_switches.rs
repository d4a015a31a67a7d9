//! The number of switchings in a time. When it is spent the output may only go to safe, by an asked move.
//!
//! Limits, stages and the rest of what acts at once are counted and not stopped.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let envelope = question.envelope;
    let leaves_safe = question.is_switch(proposal.wanted) && proposal.wanted != envelope.safe;
    if proposal.class != Class::Asked || !leaves_safe {
        return;
    }
    let budgets = envelope.max_switches.iter();
    let free_at = budgets.filter_map(|budget| question.state.switches.free_at(budget, question.now)).max();
    if let Some(free_at) = free_at {
        proposal.hold(question.state.told, Cause::MaxSwitches, Some(free_at));
    }
}
