//! Who is asked next on a polled bus: what is due first, with a rest for devices that do not answer.
//!
//! Reads no clock and knows no wire: every moment is given.

use super::backoff::Backoff;
use crate::limits::{BACKOFF_MAX, GONE_MAX, GONE_RESTS, GONE_TRIES, TRIES};
use crate::shape::Roster;
use ballast_model::{Mono, Span};

/// What is due when.
pub(super) struct Rounds {
    reads: Vec<Due>,
    units: Vec<Health>,
}

struct Due {
    unit: usize,
    period: Span,
    at: Mono,
}

struct Health {
    /// Requests in a row that came to nothing.
    failures: u32,
    is_gone: bool,
    /// Since when it answers.
    there_since: Mono,
    rests_until: Mono,
    backoff: Backoff,
}

impl Rounds {
    /// Everything is due now.
    pub(super) fn new(roster: &Roster, seed: u64, now: Mono) -> Self {
        let due = |read: &crate::shape::Read| Due { unit: read.unit, period: read.period, at: now };
        let health = |place: u64| Health {
            failures: 0,
            is_gone: false,
            there_since: now,
            rests_until: Mono::ZERO,
            // Two units of one bus rest differently as well.
            backoff: Backoff::new(seed.wrapping_add(place)),
        };
        Self {
            reads: roster.reads.iter().map(due).collect(),
            units: (0u64..).take(roster.units.len()).map(health).collect(),
        }
    }

    /// The read that is due first, and when. A unit that rests is not asked before its rest is over.
    pub(super) fn next(&self) -> Option<(usize, Mono)> {
        let at = |due: &Due| self.units.get(due.unit).map_or(due.at, |unit| due.at.max(unit.rests_until));
        self.reads.iter().enumerate().map(|(place, due)| (place, at(due))).min_by_key(|(_, at)| *at)
    }

    /// Whether a unit may be asked anything now.
    pub(super) fn may_ask(&self, unit: usize, now: Mono) -> bool {
        self.units.get(unit).is_some_and(|unit| now >= unit.rests_until)
    }

    /// A read was answered: it is due again one period after it was. What was missed is not made up for.
    pub(super) fn done(&mut self, read: usize, now: Mono) {
        if let Some(due) = self.reads.get_mut(read) {
            due.at = due.at.after(due.period).max(now);
        }
    }

    /// A read is due before all others.
    pub(super) fn hurry(&mut self, read: usize) {
        if let Some(due) = self.reads.get_mut(read) {
            due.at = Mono::ZERO;
        }
    }

    /// A read came to nothing: it waits behind everything that is due already.
    pub(super) fn put_back(&mut self, read: usize, now: Mono) {
        if let Some(due) = self.reads.get_mut(read) {
            due.at = now;
        }
    }

    /// A unit answered; whether it had been gone.
    pub(super) fn answered(&mut self, unit: usize, now: Mono) -> bool {
        let Some(unit) = self.units.get_mut(unit) else { return false };
        unit.failures = 0;
        unit.rests_until = Mono::ZERO;
        if unit.is_gone {
            unit.there_since = now;
        }
        std::mem::take(&mut unit.is_gone)
    }

    /// A unit did not answer, or strangely, and that took so much of the bus from its neighbours; whether it is gone with
    /// that.
    pub(super) fn failed(&mut self, unit: usize, spent: Span, now: Mono) -> bool {
        let Some(health) = self.units.get_mut(unit) else { return false };
        health.failures = health.failures.saturating_add(1);
        if health.failures < TRIES && !health.is_gone {
            return false;
        }
        self.rests(unit, spent, now, BACKOFF_MAX)
    }

    /// A unit is gone for sure: its wire is not there. It rests, so long at most, and longer where finding that out took much
    /// of the bus from others. Whether it was there before.
    pub(super) fn rest(&mut self, unit: usize, spent: Span, now: Mono, longest: Span) -> bool {
        if let Some(health) = self.units.get_mut(unit) {
            health.failures = health.failures.saturating_add(1);
        }
        self.rests(unit, spent, now, longest)
    }

    fn rests(&mut self, unit: usize, spent: Span, now: Mono, longest: Span) -> bool {
        let Some(health) = self.units.get_mut(unit) else { return false };
        // A unit that flaps rests longer and longer, as one that stays away does.
        let lasted = if health.is_gone { Span::ZERO } else { now.since(health.there_since) };
        let mut rest = health.backoff.next(lasted).min(longest);
        if health.failures >= TRIES + GONE_TRIES {
            rest = rest.max(spent.times(GONE_RESTS).min(GONE_MAX));
        }
        health.rests_until = now.after(rest);
        !std::mem::replace(&mut health.is_gone, true)
    }

    /// A unit is not asked anything before then; it is not gone for that.
    pub(super) fn hold(&mut self, unit: usize, until: Mono) {
        if let Some(health) = self.units.get_mut(unit) {
            health.rests_until = health.rests_until.max(until);
        }
    }

    /// A unit need rest no longer: its wire is there again.
    pub(super) fn wake(&mut self, unit: usize) {
        if let Some(health) = self.units.get_mut(unit) {
            health.rests_until = Mono::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{Read, Unit};

    const PERIOD: Span = Span::from_secs(1);

    fn rounds(units: usize, reads: &[usize]) -> Rounds {
        let unit = |place: usize| Unit { name: format!("unit {place}").into(), wire: 0 };
        let read = |unit: &usize| Read { unit: *unit, period: PERIOD, timeout: PERIOD, slots: Vec::new() };
        let roster = Roster {
            units: (0..units).map(unit).collect(),
            reads: reads.iter().map(read).collect(),
            outputs: Vec::new(),
        };
        Rounds::new(&roster, 7, Mono::ZERO)
    }

    /// Plays ten minutes in which an answer takes 10 ms and a silence 500 ms; gives how often each unit was asked.
    fn play(rounds: &mut Rounds, units: usize, answers: impl Fn(usize, Mono) -> bool) -> Vec<u32> {
        let (mut now, mut asked) = (Mono::ZERO, vec![0; units]);
        while now < Mono::from_millis(600_000) {
            let (read, at) = rounds.next().unwrap();
            now = now.max(at);
            let unit = rounds.reads[read].unit;
            asked[unit] += 1;
            if answers(unit, now) {
                now = now.after(Span::from_millis(10));
                rounds.done(read, now);
                rounds.answered(unit, now);
            } else {
                now = now.after(Span::from_millis(500));
                rounds.put_back(read, now);
                rounds.failed(unit, Span::from_millis(500), now);
            }
        }
        asked
    }

    #[test]
    fn a_dead_unit_costs_the_others_next_to_nothing() {
        // Two reads of the dead one, which would take the whole bus without a rest.
        let mut rounds = rounds(3, &[0, 1, 1, 2]);
        let asked = play(&mut rounds, 3, |unit, _| unit != 1);
        assert!(asked[0] >= 580 && asked[2] >= 580, "{asked:?}");
        assert!((10..40).contains(&asked[1]), "{asked:?}");
        // From then on, however long the bus waits for it: less than one part in a hundred.
        for (spent, most) in [(500, 600_000 / 64_000), (1000, 600_000 / 128_000), (60_000, 2)] {
            let (mut now, mut tries) = (Mono::from_millis(600_000), 0);
            while now < Mono::from_millis(1_200_000) {
                tries += 1;
                rounds.failed(1, Span::from_millis(spent), now);
                let health = &rounds.units[1];
                assert!(health.rests_until <= now.after(GONE_MAX));
                now = health.rests_until;
            }
            assert!(tries <= most + 1, "{tries} of {spent} ms in ten minutes");
        }
    }

    #[test]
    fn where_nobody_loses_anything_a_unit_that_is_gone_is_tried_every_minute() {
        let mut rounds = rounds(1, &[0]);
        let mut now = Mono::ZERO;
        for _ in 0..20 {
            rounds.failed(0, Span::ZERO, now);
            assert!(rounds.units[0].rests_until <= now.after(BACKOFF_MAX));
            now = now.after(BACKOFF_MAX);
        }
    }

    #[test]
    fn a_unit_is_tried_three_times_and_not_in_a_row() {
        let mut rounds = rounds(2, &[0, 1]);
        let mut order = Vec::new();
        let mut now = Mono::ZERO;
        for _ in 0..5 {
            let (read, at) = rounds.next().unwrap();
            now = now.max(at);
            order.push(read);
            now = now.after(Span::from_millis(500));
            if read == 0 {
                rounds.put_back(read, now);
                let is_gone = rounds.failed(0, Span::ZERO, now);
                assert_eq!(is_gone, order.iter().filter(|read| **read == 0).count() == 3);
            } else {
                rounds.done(read, now);
            }
        }
        assert_eq!(order, [0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_port_of_this_machine_is_looked_for_every_few_seconds() {
        let mut rounds = rounds(1, &[0]);
        let mut now = Mono::ZERO;
        for round in 0..20 {
            assert_eq!(rounds.rest(0, Span::ZERO, now, Span::from_secs(4)), round == 0);
            let (_, at) = rounds.next().unwrap();
            assert!(at > now && at <= now.after(Span::from_secs(4)), "{at:?}");
            now = at;
        }
    }

    #[test]
    fn a_unit_that_is_back_is_asked_as_before() {
        let mut rounds = rounds(1, &[0]);
        let back = Mono::from_millis(300_000);
        let asked = play(&mut rounds, 1, |_, now| now >= back);
        assert!((240..330).contains(&asked[0]), "{asked:?}");
        assert!(!rounds.units[0].is_gone);
    }
}
