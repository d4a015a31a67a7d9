//! Outputs on the never-shed list are opened by nobody but a limit: a request for open is taken as one for closed.
//!
//! Stages and the bulk never choose them. What leads to `safe` by the output's own envelope (its lease, the start,
//! "now", its longest time, an interlock) still does: that is the owner's word about this very output.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;
use ballast_model::{Outcome, Wanted};

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let is_listed = question.plan.tables.never.get(question.id.index()).copied().unwrap_or(false);
    if is_listed && proposal.wanted == Wanted::OPEN && proposal.class == Class::Asked {
        // Also where it is open already: once a limit has let go, no request keeps it open.
        proposal.wanted = Wanted::CLOSED;
        proposal.outcome =
            if question.state.told == Wanted::CLOSED { Outcome::Held } else { Outcome::Changed };
        proposal.cause = Cause::Never;
    }
}
