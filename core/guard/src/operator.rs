//! What a person may ask of the guard itself, at its own socket.

use crate::events::{GuardEvent, OperatorCommand, ResetWhat, Who};
use crate::machine::{Guard, Run};
use crate::rules::{Class, Proposal, Question, force};
use crate::state::{Arming, Live};
use crate::tables::Plan;
use ballast_model::{OutputId, Wanted};

/// The limit that holds an output away from its safe state, and what it holds it at.
pub(crate) fn held_away(plan: &Plan, live: &Live, index: usize) -> Option<(u16, Wanted)> {
    let (envelope, state) = (plan.envelope(index)?, live.outputs.get(index)?);
    let question = Question { plan, live, now: live.now, id: OutputId(index as u32), envelope, state };
    let mut held = Proposal::granted(state.told);
    force::apply(&question, &mut held);
    match held.class {
        Class::Limit(limit) if held.wanted != envelope.safe && state.arming != Arming::Not => {
            Some((limit, held.wanted))
        }
        _ => None,
    }
}

impl Guard {
    /// The outputs that limits hold away from their safe states, which is above a person's "now": with the limit, by its
    /// index, and what it holds the output at.
    pub fn held_away_from_safe(&self) -> impl Iterator<Item = (OutputId, u16, Wanted)> + '_ {
        let held = |index: usize| held_away(&self.plan, &self.live, index);
        (0..self.live.outputs.len()).filter_map(move |index| {
            held(index).map(|(limit, wanted)| (OutputId(index as u32), limit, wanted))
        })
    }

    /// The outputs in alarm because someone else moved them: what each was told, and what its device says. A reset does
    /// not move them, so that the alarm is there again as long as the device says so.
    pub fn left_moved(&self) -> impl Iterator<Item = (OutputId, Wanted, Wanted)> + '_ {
        self.live.outputs.iter().enumerate().filter_map(|(index, state)| {
            let actual = state.outside.actual.filter(|_| state.outside.alarmed)?;
            Some((OutputId(index as u32), state.told, actual))
        })
    }
}

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
        for index in 0..self.live.outputs.len() {
            if output.is_none_or(|output| output.index() == index)
                && let Some((limit, wanted)) = held_away(self.plan, self.live, index)
            {
                let output = OutputId(index as u32);
                self.event(GuardEvent::NowUnderLimit { output, limit, wanted });
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
