//! A device that was found is read and told nothing until a person armed it.
//!
//! It stands behind all other rules: no request, limit, stage, lease or "now" is told to an output that is not armed, not
//! even its safe state. What stood when a person armed it is not carried out either, so that arming moves nothing; the
//! first thing that is asked afterwards is, and whatever the guard does by itself. When it did, what stood then still is not.

use super::{Class, Proposal, Question};
use crate::state::Arming;
use ballast_model::intent::Cause;

pub(crate) fn apply(question: &Question<'_>, proposal: &mut Proposal) {
    let state = question.state;
    let cause = match state.arming {
        Arming::Armed => {
            if proposal.class == Class::Asked && state.undone == Some((state.asked, state.request)) {
                proposal.hold(state.told, Cause::JustArmed, None);
            }
            return;
        }
        Arming::Not => Cause::NotArmed,
        Arming::Fresh { asked, request } => {
            let is_same = (asked, request) == (state.asked, state.request);
            if proposal.class != Class::Asked || !is_same {
                return;
            }
            Cause::JustArmed
        }
    };
    proposal.hold(state.told, cause, None);
    proposal.class = Class::Asked;
    proposal.claim = None;
    proposal.is_mute = true;
}
