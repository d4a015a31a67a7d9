//! Whether an output does what it was told: by the point that shows it.
//!
//! Told once more when the effect does not show in time, and an alarm when it still does not. An unknown reading says
//! nothing; an `unless` that is unknown excuses nothing. Where the device itself says that someone else moved it, what does
//! not show is explained.

use crate::events::GuardEvent;
use crate::machine::Run;
use crate::outside;
use crate::plan::Envelope;
use crate::rules::is_engaged;
use ballast_model::{Mono, OutputId};

impl Run<'_> {
    /// Looks at the effect of an output; the moment at which it must be looked at again.
    pub(crate) fn review_effect(&mut self, index: usize, envelope: &Envelope) -> Mono {
        let (Some(effect), now) = (&envelope.effect, self.now) else { return Mono::MAX };
        let mut next = Mono::MAX;
        let Some(state) = self.live.outputs.get(index) else { return next };
        let program = if is_engaged(envelope, state.told) { &effect.closed } else { &effect.open };
        let seen = self.seen();
        let truth = program.as_ref().and_then(|program| program.truth(&seen, &mut next));
        let unless = effect.unless.as_ref().and_then(|unless| unless.truth(&seen, &mut next));
        let is_explained = unless == Some(true) || outside::is_moved(envelope, state);
        let fails = truth == Some(false) && !is_explained;
        let Some(state) = self.live.outputs.get_mut(index) else { return next };
        let output = OutputId(index as u32);
        if !state.settled || !fails {
            state.effect.bad_since = None;
            if truth == Some(true) {
                state.effect.retried = false;
                if core::mem::replace(&mut state.effect.alarmed, false) {
                    self.event(GuardEvent::EffectBack { output });
                }
            }
            return next;
        }
        let since = *state.effect.bad_since.get_or_insert(now);
        let due = since.max(state.settled_at).after(effect.within);
        if now < due {
            return next.min(due);
        }
        if !state.effect.retried {
            state.effect.retried = true;
            state.effect.bad_since = None;
            state.must_tell = true;
            self.event(GuardEvent::EffectRetried { output });
        } else if !state.effect.alarmed {
            state.effect.alarmed = true;
            self.event(GuardEvent::NoEffect { output });
        }
        next
    }
}
