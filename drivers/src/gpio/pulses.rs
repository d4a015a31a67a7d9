//! Pulses of a meter: how many there were, and how fast they come.
//!
//! It must never show a rate that no pulse has said. Between two pulses the rate is at most one pulse in the time since the
//! last one, so that it falls while none comes; before the second pulse it is not known.

use ballast_model::{Mono, Span};

/// A gap in the numbers of edges that is larger than this is no gap: the numbers began anew.
const GAP_MAX: u32 = 1_000_000;

/// Counts the pulses of one line.
#[derive(Clone, Debug)]
pub(crate) struct Pulses {
    /// Without a pulse for this long the rate is zero.
    zero_after: Span,
    count: u64,
    /// The number of the last edge.
    sequence: u32,
    /// Since when it is listened, and when the last pulse arrived.
    quiet_since: Mono,
    /// The last pulse, and the last one whose rate was told: when by the chip's clock, and how many there were with it.
    last: Option<(u64, u64)>,
    told: Option<(u64, u64)>,
    rate: Option<f64>,
}

impl Pulses {
    pub(crate) fn new(zero_after: Span) -> Self {
        Self {
            zero_after,
            count: 0,
            sequence: 0,
            quiet_since: Mono::ZERO,
            last: None,
            told: None,
            rate: None,
        }
    }

    /// The line is listened to from now on. Pulses before it were not seen, so that no rate spans that time.
    pub(crate) fn begin(&mut self, now: Mono) {
        self.sequence = 0;
        self.quiet_since = now;
        self.last = None;
        self.told = None;
        self.rate = None;
    }

    /// A pulse, with its time by the chip's clock and its number. How many were lost before it; they are counted.
    pub(crate) fn pulse(&mut self, at: u64, sequence: u32, now: Mono) -> u32 {
        let step = sequence.wrapping_sub(self.sequence);
        let step = if (1..=GAP_MAX).contains(&step) { step } else { 1 };
        self.sequence = sequence;
        self.count += u64::from(step);
        self.quiet_since = now;
        // A clock that goes back makes no rate: it begins anew here.
        if self.last.is_some_and(|(last, _)| at <= last) {
            self.told = None;
        }
        self.last = Some((at, self.count));
        if self.told.is_none() {
            self.told = self.last;
        }
        step - 1
    }

    /// How many there were since the start of the program.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Pulses per second, as far as that is known. The mean since it was asked last, over whole pulses.
    pub(crate) fn rate(&mut self, now: Mono) -> Option<f64> {
        if let (Some((from, before)), Some((until, after))) = (self.told, self.last)
            && after > before
            && until > from
        {
            let pulses = after.saturating_sub(before) as f64;
            self.rate = Some(pulses * 1e9 / until.saturating_sub(from) as f64);
            self.told = self.last;
        }
        let quiet = now.since(self.quiet_since);
        if quiet >= self.zero_after {
            self.rate = self.rate.map(|_| 0.0);
            return Some(0.0);
        }
        let most = 1e9 / quiet.nanos().max(1) as f64;
        self.rate.map(|rate| rate.min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(millis: u64) -> Mono {
        Mono::from_millis(1_000_000 + millis)
    }

    fn pulses() -> Pulses {
        let mut pulses = Pulses::new(Span::from_secs(600));
        pulses.begin(at(0));
        pulses
    }

    #[test]
    fn a_rate_needs_two_pulses_and_falls_while_none_comes() {
        let mut pulses = pulses();
        assert_eq!(pulses.rate(at(500)), None);
        pulses.pulse(5 * SECOND, 1, at(1_000));
        assert_eq!((pulses.count(), pulses.rate(at(1_000))), (1, None));
        pulses.pulse(7 * SECOND, 2, at(3_000));
        assert_eq!((pulses.count(), pulses.rate(at(3_000))), (2, Some(0.5)));
        // Nothing is said against 0.5 for two seconds; then it is at most one in the time that went by.
        assert_eq!(pulses.rate(at(4_000)), Some(0.5));
        assert_eq!(pulses.rate(at(13_000)), Some(0.1));
        assert_eq!(pulses.rate(at(603_000)), Some(0.0));
        // What came in between was one pulse in all that time.
        pulses.pulse(707 * SECOND, 3, at(703_000));
        assert_eq!(pulses.rate(at(703_000)), Some(1.0 / 700.0));
    }

    #[test]
    fn many_pulses_make_one_mean() {
        let mut pulses = pulses();
        for number in 0..=100_u32 {
            pulses.pulse(u64::from(number) * SECOND / 10, number + 1, at(u64::from(number) * 100));
        }
        assert_eq!((pulses.count(), pulses.rate(at(10_000))), (101, Some(10.0)));
    }

    #[test]
    fn lost_ones_are_counted_and_a_new_beginning_is_no_gap() {
        let mut pulses = pulses();
        assert_eq!(pulses.pulse(SECOND, 1, at(0)), 0);
        assert_eq!(pulses.pulse(3 * SECOND, 5, at(2_000)), 3);
        assert_eq!((pulses.count(), pulses.rate(at(2_000))), (5, Some(2.0)));
        // The line was taken anew without our knowing: its numbers go back.
        assert_eq!(pulses.pulse(4 * SECOND, 1, at(3_000)), 0);
        assert_eq!(pulses.count(), 6);
        // Numbers wrap.
        pulses.sequence = u32::MAX;
        assert_eq!(pulses.pulse(5 * SECOND, 0, at(4_000)), 0);
        assert_eq!(pulses.count(), 7);
    }

    #[test]
    fn a_line_that_was_away_spans_no_rate_and_keeps_its_count() {
        let mut pulses = pulses();
        pulses.pulse(SECOND, 1, at(0));
        pulses.pulse(2 * SECOND, 2, at(1_000));
        assert_eq!(pulses.rate(at(1_000)), Some(1.0));
        pulses.begin(at(60_000));
        pulses.pulse(61 * SECOND, 1, at(61_000));
        assert_eq!((pulses.count(), pulses.rate(at(61_000))), (3, None));
        // A clock that goes back, or stands still, makes no rate and no infinity.
        pulses.pulse(61 * SECOND, 2, at(62_000));
        assert_eq!((pulses.count(), pulses.rate(at(62_000))), (4, None));
    }

    #[test]
    fn silence_from_the_start_becomes_zero() {
        let mut pulses = pulses();
        assert_eq!([pulses.rate(at(599_999)), pulses.rate(at(600_000))], [None, Some(0.0)]);
    }

    proptest! {
        #[test]
        fn whatever_comes_a_rate_is_a_number_or_not_known(
            steps in proptest::collection::vec((any::<u64>(), any::<u32>(), 0u64..700_000, 0u8..4), 0..40),
        ) {
            let mut pulses = pulses();
            let mut now = 0;
            for (at, sequence, later, what) in steps {
                now += later;
                let before = pulses.count();
                match what {
                    0 => pulses.begin(super::tests::at(now)),
                    _ => {
                        let lost = pulses.pulse(at, sequence, super::tests::at(now));
                        prop_assert_eq!(pulses.count(), before + 1 + u64::from(lost));
                    }
                }
                let rate = pulses.rate(super::tests::at(now + later / 2));
                prop_assert!(rate.is_none_or(|rate| rate.is_finite() && rate >= 0.0), "{:?}", rate);
            }
        }
    }
}
