//! Outputs on the never-shed list are opened by nobody but a limit: a request to open one is not followed.
//!
//! Stages and the bulk never choose them. What leads to `safe` by the output's own envelope (its lease, the start,
//! "now", its longest time, an interlock) still does: that is the owner's word about this very output.

use super::{Class, Proposal, Question};
use ballast_model::Wanted;
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let is_listed = question.plan.tables.never.get(question.id.index()).copied().unwrap_or(false);
    let opens = proposal.wanted == Wanted::OPEN && question.state.told == Wanted::CLOSED;
    if is_listed && opens && proposal.class == Class::Asked {
        proposal.hold(Wanted::CLOSED, Cause::Never, None);
    }
}
