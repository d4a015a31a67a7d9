//! What the program asks, while its word holds: the starting point of every review.
//!
//! Where nobody asks anything (authority default), the envelope's own `default` counts, whatever the frame said.

use super::{Proposal, Question};
use ballast_model::Wanted;
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let state = question.state;
    *proposal = Proposal::granted(state.told);
    if state.word.is_none() {
        // Nobody's word holds: the output stays as it is, and `silence` says for how long.
        return;
    }
    proposal.wanted = state.asked;
    let fits = matches!(
        (state.asked, question.envelope.safe),
        (Wanted::Contact(_), Wanted::Contact(_)) | (Wanted::Level(_), Wanted::Level(_))
    );
    if !fits {
        proposal.hold(state.told, Cause::NotAllowed, None);
    }
}
