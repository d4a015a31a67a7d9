//! What a person may ask of the guard itself, at its own socket.

use crate::events::{GuardEvent, OperatorCommand, ResetWhat, Who};
use crate::machine::Run;
use ballast_model::OutputId;

impl Run<'_> {
    pub(crate) fn operator(&mut self, who: Who, command: OperatorCommand) {
        match command {
            OperatorCommand::Arm(output) => self.arm(who, output),
            OperatorCommand::Disarm { output, as_it_is } => self.disarm(who, output, as_it_is),
            OperatorCommand::Now(output) => self.stop(who, output),
            OperatorCommand::Reset(what) => self.reset(who, what),
            OperatorCommand::Confirm(fingerprint) => {
                if self.pending == Some(fingerprint) {
                    self.live.confirmed = Some(fingerprint);
                    self.event(GuardEvent::Confirmed { who, fingerprint });
                } else {
                    self.event(GuardEvent::ConfirmRefused { who, fingerprint });
                }
            }
        }
    }

    fn stop(&mut self, who: Who, output: Option<OutputId>) {
        self.event(GuardEvent::OperatorNow { who, output });
        for (index, state) in self.live.outputs.iter_mut().enumerate() {
            if output.is_none_or(|output| output.index() == index) {
                state.is_stopped = true;
                self.work.urgent.mark(index);
            }
        }
    }

    /// One event for one command, however much it let go.
    fn reset(&mut self, who: Who, what: ResetWhat) {
        let found = match what {
            ResetWhat::Limit(limit) => self.reset_limit(limit),
            ResetWhat::Output(output) => self.reset_output(output.index()),
            ResetWhat::Shedding => self.reset_shedding(),
            ResetWhat::All => {
                let mut found = self.reset_shedding();
                for index in 0..self.live.outputs.len() {
                    found |= self.reset_output(index);
                }
                for limit in 0..self.live.limits.len() {
                    found |= self.reset_limit(limit as u16);
                }
                found
            }
        };
        self.event(if found {
            GuardEvent::WasReset { who, what }
        } else {
            GuardEvent::ResetRefused { who, what }
        });
    }

    fn reset_output(&mut self, index: usize) -> bool {
        let Some(state) = self.live.outputs.get_mut(index) else { return false };
        let waits = state.is_stopped || state.effect.alarmed || state.outside.alarmed;
        if waits {
            state.is_stopped = false;
            state.effect.alarmed = false;
            state.effect.retried = false;
            state.outside.alarmed = false;
            state.outside.corrections = 0;
            self.work.outputs.mark(index);
        }
        waits
    }

    fn reset_shedding(&mut self) -> bool {
        let waits = self.live.shedding.is_futile;
        if waits {
            self.live.shedding.is_futile = false;
            self.live.shedding.futile = 0;
            self.work.shedding = true;
            self.work.outputs.mark_all();
        }
        waits
    }
}
