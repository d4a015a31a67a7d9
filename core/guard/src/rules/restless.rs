//! The last resort against a guard that switches an output to and fro: two limits that set each other off, a limit that ends
//! its own cause, a lease that runs out and is renewed without end.
//!
//! What acts at once and leads to safe is never held. After [`AT_ONCE_MOST`] such switchings of one output in
//! [`AT_ONCE_PER`], everything else about it waits until there is room again: what was asked, in both directions, and what
//! would act at once away from safe. `check` refuses what is known to come here; who comes here all the same is told.
//!
//! [`AT_ONCE_MOST`]: crate::bounds::AT_ONCE_MOST
//! [`AT_ONCE_PER`]: crate::bounds::AT_ONCE_PER

use super::{Class, Proposal, Question};
use crate::bounds::{AT_ONCE_MOST, AT_ONCE_PER};
use crate::plan::SwitchBudget;
use ballast_model::intent::Cause;

const BUDGET: SwitchBudget = SwitchBudget { count: AT_ONCE_MOST as u32, per: AT_ONCE_PER };

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let leads_to_safe = proposal.class != Class::Asked && proposal.wanted == question.envelope.safe;
    if !question.is_switch(proposal.wanted) || leads_to_safe {
        return;
    }
    if let Some(free_at) = question.state.at_once.free_at(&BUDGET, question.now) {
        proposal.hold(question.state.told, Cause::Restless, Some(free_at));
    }
}
