//! The guard itself ends, and nobody will watch any more: what a limit holds away from safe follows `on_silence` like
//! everything else. A limit that no longer looks cannot let go, and `safe` is what the owner wants of an output nobody
//! watches; where it should stay as it is, the file says `hold`.

use super::{Class, Proposal, Question};
use crate::plan::OnSilence;
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let is_held = matches!(proposal.class, Class::Limit(_)) && proposal.wanted != question.envelope.safe;
    if !question.live.is_ending || !is_held {
        return;
    }
    match stays_until(question) {
        Some(until) => proposal.wake_at(until),
        None => proposal.take(question.envelope.safe, Cause::Silence, Class::Own),
    }
}

/// Until when an output stays as a limit wants it although nobody watches; `None`: not at all.
pub(crate) fn stays_until(question: &Question<'_>) -> Option<ballast_model::Mono> {
    let OnSilence::Hold(span) = question.envelope.on_silence else { return None };
    let until = question.state.silent_since.after(span);
    (question.now < until && !question.state.is_stopped).then_some(until)
}
