//! Whether a device can be reached, as its bus says before anything is written; and the end of the guard itself.

use crate::bounds::RETRY_FIRST;
use crate::events::{GuardEvent, SessionFault};
use crate::machine::Run;
use ballast_model::OutputId;

impl Run<'_> {
    /// The way to an output is there, or gone.
    ///
    /// Where it is there again, what failed is written now and not after a pause. What was confirmed is not told again:
    /// a broker that flaps switches nothing. A device that went away may forget what it was told, so that this is no
    /// longer confirmed.
    pub(crate) fn reach(&mut self, output: OutputId, is_there: bool) {
        let now = self.now;
        let Some(state) = self.live.outputs.get_mut(output.index()).filter(|state| state.sent) else {
            return;
        };
        if is_there {
            if state.settled || !state.is_unreachable {
                return;
            }
            state.tries = 0;
            state.retry_at = Some(now);
        } else {
            state.settled = false;
            state.outside.actual = None;
            state.retry_at = Some(now.after(RETRY_FIRST));
            state.unreachable_since.get_or_insert(now);
            if !core::mem::replace(&mut state.is_unreachable, true) {
                self.event(GuardEvent::Unreachable { output });
            }
        }
        self.work.outputs.mark(output.index());
        self.urge_partners(output.index());
    }

    /// The guard itself is about to end: whatever was said holds no longer, and every output follows its `on_silence` now.
    /// Nothing that is said in the session brings it back.
    pub(crate) fn fall_silent(&mut self) {
        self.close_session(SessionFault::Bye);
        for (index, output) in self.live.outputs.iter_mut().enumerate() {
            // Without a word already, it has been silent for longer.
            if output.word.take().is_some() || output.is_starting {
                output.silent_since = self.now;
            }
            output.is_starting = false;
            self.work.outputs.mark(index);
        }
    }
}
