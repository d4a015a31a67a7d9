//! A person asked "now": the output is safe until that is reset.

use super::{Class, Proposal, Question};
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    if question.state.is_stopped {
        proposal.take(question.envelope.safe, Cause::OperatorNow, Class::Own);
    }
}
