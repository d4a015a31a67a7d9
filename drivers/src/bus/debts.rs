//! Devices of a line that cannot be hung up which may still owe an answer, and how they may be asked again.
//!
//! A frame on such a line does not say which request it answers: an answer that comes very late would be taken for that of
//! the next request of the same form. So a device that owes one is sounded first, with a question whose answer is known by a
//! number of ours. One that does not answer that either is left alone until nothing can come any more. Reads no clock.

use crate::limits::LATE_MAX;
use ballast_model::{Mono, Span};

/// What may be done with a device now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Ask it.
    Ask,
    /// Sound it first, with this number.
    Sound(u16),
    /// Leave it alone until then.
    Wait(Mono),
}

/// The devices of a bus, by their places.
#[derive(Debug)]
pub(super) struct Debts {
    units: Vec<Option<Debt>>,
    token: u16,
}

#[derive(Clone, Copy, Debug)]
struct Debt {
    since: Mono,
    longest: Span,
    was_sounded: bool,
}

impl Debts {
    /// Nobody owes anything.
    pub(super) fn new(units: usize) -> Self {
        Self { units: vec![None; units], token: 0 }
    }

    /// A request was left without its answer, which may take so long at most as a rule.
    pub(super) fn owes(&mut self, unit: usize, timeout: Span, now: Mono) {
        if let Some(debt) = self.units.get_mut(unit) {
            *debt = Some(Debt { since: now, longest: LATE_MAX.max(timeout.times(4)), was_sounded: false });
        }
    }

    /// Nothing is owed any more.
    pub(super) fn is_even(&mut self, unit: usize) {
        if let Some(debt) = self.units.get_mut(unit) {
            *debt = None;
        }
    }

    /// How a device may be asked now. What it is sounded with, it is sounded with once.
    pub(super) fn manner(&mut self, unit: usize, now: Mono) -> Manner {
        let Some(Some(debt)) = self.units.get_mut(unit) else { return Manner::Ask };
        let until = debt.since.after(debt.longest);
        if now >= until {
            return Manner::Ask;
        }
        if std::mem::replace(&mut debt.was_sounded, true) {
            return Manner::Wait(until);
        }
        self.token = self.token.wrapping_add(1);
        Manner::Sound(self.token)
    }

    /// What was sounded may be sounded again: it answers, but not to that.
    pub(super) fn is_alive(&mut self, unit: usize) {
        if let Some(Some(debt)) = self.units.get_mut(unit) {
            debt.was_sounded = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_owes_is_sounded_once_and_then_left_alone() {
        let mut debts = Debts::new(2);
        let at = |millis: u64| Mono::from_millis(100_000 + millis);
        assert_eq!(debts.manner(0, at(0)), Manner::Ask);
        debts.owes(0, Span::from_millis(500), at(0));
        assert_eq!(debts.manner(0, at(1)), Manner::Sound(1));
        assert_eq!(debts.manner(1, at(1)), Manner::Ask);
        let until = at(0).after(LATE_MAX);
        assert_eq!(debts.manner(0, at(2)), Manner::Wait(until));
        assert_eq!(debts.manner(0, until), Manner::Ask);
        // It is owed again, by that one. A slow bus waits longer.
        debts.owes(0, Span::from_secs(10), until);
        assert_eq!(debts.manner(0, until), Manner::Sound(2));
        debts.is_alive(0);
        assert_eq!(debts.manner(0, until), Manner::Sound(3));
        assert_eq!(debts.manner(0, until), Manner::Wait(until.after(Span::from_secs(40))));
        debts.is_even(0);
        assert_eq!(debts.manner(0, until), Manner::Ask);
    }
}
