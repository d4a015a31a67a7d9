//! After a start every output is at `at_start` until the inputs of its own limits are good and the program spoke (or had
//! the time of one lease to do so).

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    if question.state.is_starting {
        proposal.take(question.envelope.at_start, Cause::AtStart, Class::Own);
        if question.state.word.is_none() {
            proposal.wake_at(question.live.started_at.after(question.envelope.lease));
        }
    }
}
