//! Limits: when they are violated, how long they act, when they let go.
//!
//! ```text
//!            violated for `for`                       clear for `until ... for`
//!   quiet ---------------------> acts (forces) -------------------------------> quiet
//!                                   ^                                |
//!                                   |  violated again                v  latch: true
//!                                   +------------------------- latched: waits for a person
//! ```
//! Unknown counts as violated, unless the file derates on it. Before its inputs were good for the first time since the
//! start a limit leaves its outputs at `at_start`; after [`START_GRACE`] unknown means what the file says then too, only
//! that the first good reading ends it.

use crate::bounds::START_GRACE;
use crate::events::GuardEvent;
use crate::machine::Run;
use crate::plan::{LimitAction, OnUnknown};
use crate::state::{LimitState, Number};
use ballast_model::expr::{Bounded, Program, Seen};
use ballast_model::{Finite, Mono, PointId, Span};

impl Run<'_> {
    /// Looks at a limit and at the outputs it touches, if anything about it changed.
    pub(crate) fn review_limit(&mut self, index: usize) {
        let plan = self.plan;
        let (Some(limit), Some(state)) = (plan.set.limits.get(index), self.live.limits.get(index).copied())
        else {
            return;
        };
        let mut next = Mono::MAX;
        let new = match &limit.action {
            LimitAction::Force { when, hold, until, until_hold, latch, .. } => {
                let seen = self.seen();
                let truth = when.truth(&seen, &mut next);
                let clear =
                    until.as_ref().map_or(truth.map(|truth| !truth), |until| until.truth(&seen, &mut next));
                let news = News {
                    truth,
                    clear,
                    now: self.now,
                    started_at: self.live.started_at,
                    unknown: limit.unknown,
                    hold: *hold,
                    until_hold: *until_hold,
                    latch: *latch,
                };
                advance(state, &news, &mut next)
            }
            LimitAction::Derate { of, .. } => self.derated(state, of, &mut next),
        };
        self.work.timers.set(plan.key_limit(index), next);
        if new == state {
            return;
        }
        if let Some(place) = self.live.limits.get_mut(index) {
            *place = new;
        }
        self.tell_limit(index, &state, &new);
        let touches = state.acted != new.acted
            || state.is_armed != new.is_armed
            || state.is_derating != new.is_derating
            || state.is_latched != new.is_latched
            || state.number != new.number;
        if touches {
            self.urge_limit(index);
        }
    }

    fn tell_limit(&mut self, index: usize, old: &LimitState, new: &LimitState) {
        let limit = index as u16;
        if old.acted.is_none() && new.acted.is_some() {
            let witness = self.witness(index);
            self.event(GuardEvent::LimitActed { limit, witness, is_unknown: new.truth.is_none() });
        }
        if old.acted.is_some() && new.acted.is_none() {
            self.event(GuardEvent::LimitReleased { limit });
        }
        if !old.is_latched && new.is_latched {
            self.event(GuardEvent::LimitLatched { limit });
        }
    }

    fn derated(&self, state: LimitState, of: &Program, next: &mut Mono) -> LimitState {
        let read = match of.number(&self.seen(), next) {
            Bounded::Exact { value, .. } => Finite::new(value).map(Number::Exact),
            Bounded::AtLeast(value) | Bounded::AtMost(value) => Finite::new(value).map(Number::Bound),
            Bounded::Unknown => None,
        };
        let is_armed = state.is_armed || matches!(read, Some(Number::Exact(_)));
        let grace_ends = self.live.started_at.after(START_GRACE);
        let number = match read {
            Some(number) => number,
            None if is_armed || self.now >= grace_ends => Number::Unknown,
            None => {
                *next = (*next).min(grace_ends);
                Number::Never
            }
        };
        LimitState { is_armed, number, ..state }
    }

    /// The point that decides a limit.
    pub(crate) fn witness(&self, index: usize) -> Option<PointId> {
        witness(&self.plan.set.limits.get(index)?.action, &self.seen())
    }

    /// A person resets a latched limit; `false` when there is nothing to let go.
    pub(crate) fn reset_limit(&mut self, limit: u16) -> bool {
        let index = usize::from(limit);
        let Some(state) = self.live.limits.get_mut(index).filter(|state| state.is_latched) else {
            return false;
        };
        *state = released(*state);
        self.event(GuardEvent::LimitReleased { limit });
        self.work.limits.mark(index);
        self.urge_limit(index);
        true
    }
}

/// The point that decides a limit.
pub(crate) fn witness(action: &LimitAction, seen: &Seen<'_>) -> Option<PointId> {
    match action {
        LimitAction::Force { when, .. } => when.decided_by(seen),
        LimitAction::Derate { of, .. } => of.decided_by(seen),
    }
}

/// What a review of a limit knows.
struct News {
    truth: Option<bool>,
    clear: Option<bool>,
    now: Mono,
    started_at: Mono,
    unknown: OnUnknown,
    hold: Span,
    until_hold: Span,
    latch: bool,
}

fn released(state: LimitState) -> LimitState {
    LimitState { is_armed: state.is_armed, truth: state.truth, ..LimitState::default() }
}

/// The next state of a limit that forces.
fn advance(mut state: LimitState, news: &News, next: &mut Mono) -> LimitState {
    state.truth = news.truth;
    state.is_armed |= news.truth.is_some();
    let derates = matches!(news.unknown, OnUnknown::Derate(_));
    let is_violated = news.truth != Some(false);
    if state.acted.is_none() {
        state.clear.reset();
        // Before anything was ever known, unknown waits for the grace of the start.
        if !state.is_armed {
            let grace_ends = news.started_at.after(START_GRACE);
            if news.now < grace_ends {
                *next = (*next).min(grace_ends);
                return state;
            }
        }
        if state.violated.update(is_violated, news.hold, news.now, next) {
            state.acted = Some(news.now);
            state.is_soft = !state.is_armed;
            state.is_derating = derates && news.truth.is_none();
        }
        return state;
    }
    if news.truth == Some(true) {
        (state.is_soft, state.is_derating) = (false, false);
    }
    if (state.is_soft || state.is_derating) && news.truth == Some(false) {
        return released(state);
    }
    let is_clear = !is_violated && news.clear == Some(true);
    if !is_clear {
        state.is_latched = false;
    }
    if state.clear.update(is_clear, news.until_hold, news.now, next) {
        if !news.latch {
            return released(state);
        }
        state.is_latched = true;
    }
    state
}
