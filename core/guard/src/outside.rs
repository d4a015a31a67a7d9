//! Someone else moved an output: a hand on the device, another program, a broker that lets others publish.
//!
//! What acts at once is always told again. Otherwise the file says: follow, correct or alarm. While the device says that it
//! is something else, its own timer is not renewed either: that would undo the hand before anybody judged it, or after an
//! alarm left it alone. What nobody renews goes to safe by itself in its time.

use crate::bounds::{ACTUAL_SETTLES, ACTUAL_TOLERANCE, CORRECTIONS_FORGOTTEN};
use crate::events::GuardEvent;
use crate::machine::Run;
use crate::plan::{Envelope, OutsideChange};
use crate::rules::{derate, is_switch, level};
use crate::state::{Arming, OutputState};
use ballast_model::catalog::Facet;
use ballast_model::{Mono, OutputId, Wanted};

impl Run<'_> {
    /// A device says what its output is.
    pub(crate) fn actual(&mut self, output: OutputId, actual: Wanted) {
        let (index, now) = (output.index(), self.now);
        let plan = self.plan;
        let (Some(state), Some(envelope)) = (self.live.outputs.get_mut(index), plan.envelope(index)) else {
            return;
        };
        if state.arming != Arming::Armed && state.confirmed.is_none() {
            // It was not known until now: that is said also where it is what was taken for it.
            state.verdict = None;
        }
        let ran_out = has_run_out(envelope, state, actual, now);
        // It is renewed now, late: nobody else is left alone with it.
        state.outside.actual = Some(actual).filter(|_| !ran_out);
        state.confirmed = Some(if is_same(envelope, state.told, actual) { state.told } else { actual });
        if state.arming != Arming::Armed {
            state.watch(actual, now);
            self.urge_partners(index);
        } else if let Wanted::Contact(contact) = actual {
            let before = state.physical;
            if state.settled {
                state.physical.is_now(contact, now);
            } else {
                state.physical.may_become(contact);
            }
            if state.physical != before {
                self.urge_partners(index);
            }
        }
        if ran_out {
            self.event(GuardEvent::TimerRanOut { output });
        }
        self.show_facet(index, Facet::Actual, actual.value());
        self.work.outputs.mark(index);
    }

    /// Judges what a device said; the moment at which that must be done again.
    pub(crate) fn review_outside(&mut self, index: usize, envelope: &Envelope) -> Mono {
        let now = self.now;
        let Some(state) = self.live.outputs.get_mut(index) else { return Mono::MAX };
        let is_told = state.settled && state.arming == Arming::Armed;
        let (Some(actual), true) = (state.outside.actual, is_told) else { return Mono::MAX };
        if is_same(envelope, state.told, actual) {
            state.outside.alarmed = false;
            return Mono::MAX;
        }
        let settles = state.settled_at.after(ACTUAL_SETTLES);
        if now < settles {
            return settles;
        }
        let (output, told) = (OutputId(index as u32), state.told);
        if state.acts_at_once {
            state.must_tell = true;
            self.event(GuardEvent::OutsideChange { output, told, actual });
            return Mono::MAX;
        }
        match envelope.outside_change {
            OutsideChange::Follow(span) if self.may_follow(index, envelope, actual) => {
                self.follow(index, envelope, actual, now.after(span));
                self.event(GuardEvent::OutsideChange { output, told, actual });
            }
            OutsideChange::Follow(_) => {
                self.tell_again(index);
                self.event(GuardEvent::OutsideChange { output, told, actual });
            }
            OutsideChange::Correct(most) => self.correct(index, most, told, actual),
            OutsideChange::Alarm => {
                if let Some(state) = self.live.outputs.get_mut(index)
                    && !core::mem::replace(&mut state.outside.alarmed, true)
                {
                    self.event(GuardEvent::OutsideChange { output, told, actual });
                    self.event(GuardEvent::NotCorrected { output });
                }
            }
        }
        Mono::MAX
    }

    fn tell_again(&mut self, index: usize) {
        if let Some(state) = self.live.outputs.get_mut(index) {
            state.must_tell = true;
        }
    }

    fn correct(&mut self, index: usize, most: u32, told: Wanted, actual: Wanted) {
        let (output, now) = (OutputId(index as u32), self.now);
        let Some(state) = self.live.outputs.get_mut(index) else { return };
        if now.since(state.outside.corrected_at) >= CORRECTIONS_FORGOTTEN && !state.outside.alarmed {
            state.outside.corrections = 0;
        }
        if state.outside.corrections < most {
            state.outside.corrections += 1;
            state.outside.corrected_at = now;
            state.must_tell = true;
            self.event(GuardEvent::OutsideChange { output, told, actual });
        } else if !core::mem::replace(&mut state.outside.alarmed, true) {
            self.event(GuardEvent::NotCorrected { output });
        }
    }

    /// Only what the envelope allows is followed.
    fn may_follow(&self, index: usize, envelope: &Envelope, actual: Wanted) -> bool {
        let Some(state) = self.live.outputs.get(index) else { return false };
        if state.awaits && actual == Wanted::CLOSED {
            return false;
        }
        match (actual, envelope.safe) {
            (Wanted::Contact(_), Wanted::Contact(_)) => true,
            (Wanted::Level(value), Wanted::Level(safe)) => {
                let allowed =
                    envelope.level.as_ref().is_none_or(|level| level::is_allowed(level, safe, value));
                let id = OutputId(index as u32);
                let question = crate::rules::Question {
                    plan: self.plan,
                    live: self.live,
                    now: self.now,
                    id,
                    envelope,
                    state,
                };
                allowed && derate::lowest_share(&question).is_none()
            }
            _ => false,
        }
    }

    /// What was found counts as told: it switched, it wears, and its times run from now.
    fn follow(&mut self, index: usize, envelope: &Envelope, actual: Wanted, until: Mono) {
        let now = self.now;
        let Some(state) = self.live.outputs.get_mut(index) else { return };
        if is_switch(envelope, state.told, actual) {
            (state.switched_at, state.moved_at) = (now, now);
            state.switches.push(now);
            state.holders.clear();
        }
        state.told = actual;
        (state.told_at, state.since) = (now, now);
        state.ramp = None;
        state.outside.follow_until = Some(until);
        self.urge_partners(index);
        self.show_facet(index, Facet::State, actual.value());
        self.show_since(index);
    }
}

/// Whether a device says since its last confirmed write that it is something else.
pub(crate) fn is_moved(envelope: &Envelope, state: &OutputState) -> bool {
    state.settled && state.outside.actual.is_some_and(|actual| !is_same(envelope, state.told, actual))
}

/// Whether its own timer brought a device back to safe because it was told nothing for the whole of it: nobody moved it.
fn has_run_out(envelope: &Envelope, state: &OutputState, actual: Wanted, now: Mono) -> bool {
    let Some(half) = envelope.refresh.filter(|_| state.settled && state.arming == Arming::Armed) else {
        return false;
    };
    let is_back = is_same(envelope, envelope.safe, actual) && !is_same(envelope, state.told, actual);
    is_back && !is_moved(envelope, state) && now >= state.permitted_at.after(half.times(2))
}

/// Whether what a device says is what it was told: setpoints within their step or half a per cent of their range.
fn is_same(envelope: &Envelope, told: Wanted, actual: Wanted) -> bool {
    match (told, actual, &envelope.level) {
        (Wanted::Level(told), Wanted::Level(actual), Some(level)) => {
            let low = level.ranges.first().map_or(0.0, |(low, _)| low.get());
            let high = level.ranges.last().map_or(0.0, |(_, high)| high.get());
            let step = level.step.map_or(0.0, |step| step.get());
            (told.get() - actual.get()).abs() <= step.max((high - low) * ACTUAL_TOLERANCE)
        }
        _ => told == actual,
    }
}
