//! When what a polled bus has read is handed on: at once, or in a flood of answers a millisecond later with what follows.
//!
//! Handing on wakes the thread that decides, and in a flood that costs more than the values themselves. Where answers follow
//! each other within fractions of a millisecond, those of one millisecond are handed on together. Ordinary devices never wait,
//! and nothing waits longer than that: not for a device that is slow after fast ones, nor for a wire that must be opened.

use crate::limits::{FLOOD_READS, FLOOD_WINDOW, GATHER_MAX, GATHER_SAMPLES};
use ballast_model::{Mono, Span};

/// How fast answers follow each other, and since when something waits.
#[derive(Debug)]
pub(super) struct Gather {
    /// When the answers that are counted began.
    since: Mono,
    answers: u32,
    is_flood: bool,
    /// When the oldest of what waits came in.
    oldest: Option<Mono>,
}

impl Gather {
    /// Nothing came yet.
    pub(super) fn new(now: Mono) -> Self {
        Self { since: now, answers: 0, is_flood: false, oldest: None }
    }

    /// An answer came in. A flood is more than so many of them in every window.
    pub(super) fn answer(&mut self, now: Mono) {
        if now.since(self.since) > FLOOD_WINDOW {
            self.is_flood = self.answers > FLOOD_READS;
            (self.since, self.answers) = (now, 0);
        }
        self.answers += 1;
        self.oldest.get_or_insert(now);
    }

    /// Whether what waits may go on waiting, with so many samples, for what is asked next.
    pub(super) fn may_wait(&self, samples: usize, now: Mono) -> bool {
        self.is_flood
            && samples < GATHER_SAMPLES
            && self.oldest.is_none_or(|oldest| now < oldest.after(GATHER_MAX))
    }

    /// Whether what waits may do so until the next request has left: handing on then costs no time on the wire.
    pub(super) fn may_wait_for_request(&self, samples: usize, now: Mono) -> bool {
        let is_new = self.oldest.is_none_or(|oldest| now < oldest.after(GATHER_MAX.times(2)));
        self.is_flood && samples < 2 * GATHER_SAMPLES && is_new
    }

    /// How long it may still wait; `None`: nothing waits.
    pub(super) fn left(&self, now: Mono) -> Option<Span> {
        self.oldest.map(|oldest| oldest.after(GATHER_MAX).since(now))
    }

    /// Everything was handed on.
    pub(super) fn is_handed_on(&mut self) {
        self.oldest = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers at this distance, each handed on as soon as it may not wait; how long the longest one waited, and how many were
    /// handed on together at most.
    fn play(micros: u64, count: u64, samples: usize) -> (Span, usize) {
        let mut gather = Gather::new(Mono::ZERO);
        let (mut waiting, mut most, mut longest) = (0, 0, Span::ZERO);
        for each in 1..=count {
            let now = Mono::from_nanos(each * micros * 1000);
            gather.answer(now);
            waiting += samples;
            if !gather.may_wait(waiting, now) {
                let left = gather.left(now).unwrap();
                longest = longest.max(GATHER_MAX.minus(left));
                most = most.max(waiting / samples);
                gather.is_handed_on();
                waiting = 0;
            }
            assert_eq!(gather.left(now).is_some(), waiting > 0);
        }
        (longest, most)
    }

    #[test]
    fn only_a_flood_gathers_and_not_for_longer_than_it_may() {
        // A gateway to a fast serial line, two milliseconds each; one of a local network, half a millisecond.
        assert_eq!(play(2000, 1000, 50), (Span::ZERO, 1));
        assert_eq!(play(500, 1000, 50), (Span::ZERO, 1));
        // Answers after 30 microseconds: 21 of them are enough; of small ones a millisecond is gathered.
        assert_eq!(play(30, 1000, 50), (Span::from_nanos(600_000), 21));
        let (longest, most) = play(100, 1000, 1);
        assert_eq!((longest, most), (GATHER_MAX, 11));
        // It ends with the first window in which few came.
        let mut gather = Gather::new(Mono::ZERO);
        (1..1000).for_each(|each| gather.answer(Mono::from_nanos(each * 30_000)));
        assert!(gather.is_flood);
        gather.answer(Mono::from_millis(1000));
        (1..5).for_each(|each| gather.answer(Mono::from_millis(1000 + each)));
        assert!(!gather.is_flood);
    }
}
