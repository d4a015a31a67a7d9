//! The program fell silent: `on_silence` decides.

use super::{Class, Proposal, Question};
use crate::plan::OnSilence;
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    if question.state.word.is_some() {
        return;
    }
    let safe = question.envelope.safe;
    match question.envelope.on_silence {
        OnSilence::Hold(span) if question.now < question.state.silent_since.after(span) => {
            // What someone else decided before this rule stays decided.
            if proposal.cause == Cause::Asked {
                let until = question.state.silent_since.after(span);
                proposal.hold(question.state.told, Cause::Silence, Some(until));
            } else {
                proposal.wake_at(question.state.silent_since.after(span));
            }
        }
        _ => proposal.take(safe, Cause::Silence, Class::Own),
    }
}
