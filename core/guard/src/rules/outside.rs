//! Someone else moved the output and is right for a while (`outside_change: follow`). What acts at once comes later in
//! the row of rules and still does.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let Some(until) = question.state.outside.follow_until.filter(|until| question.now < *until) else {
        return;
    };
    if proposal.class == Class::Asked {
        proposal.hold(question.state.told, Cause::OutsideChange, Some(until));
    }
}
