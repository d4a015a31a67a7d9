//! How long each load was cut in the last seven days.

use crate::bounds::FAIR_DAYS;
use crate::state::Fairness;
use ballast_model::{Mono, Span};

/// One place of the count. Days of 24 h on the monotonic clock: nobody's midnight matters here.
const DAY: Span = Span::from_secs(86_400);

impl Fairness {
    /// The load is cut from now on, or not any more.
    pub(crate) fn follow(&mut self, now: Mono, is_cut: bool) {
        self.settle(now);
        self.cut_since = is_cut.then_some(now);
    }

    /// Time cut in the last seven days, at `now`.
    pub(crate) fn total(&self, now: Mono) -> Span {
        let mut copy = *self;
        copy.settle(now);
        copy.days.iter().fold(Span::ZERO, |sum, day| sum.plus(*day))
    }

    /// Counts what is not counted yet and turns the days.
    pub(crate) fn settle(&mut self, now: Mono) {
        if self.day == Mono::ZERO {
            self.day = now;
        }
        // After a week without news everything is forgotten; no need to turn day by day.
        let week = DAY.times(FAIR_DAYS as u64);
        if now.since(self.day) >= week.plus(DAY) {
            let is_cut = self.cut_since.is_some();
            self.days = [if is_cut { DAY } else { Span::ZERO }; FAIR_DAYS];
            self.day = now;
            self.cut_since = self.cut_since.map(|_| now);
            return;
        }
        while now.since(self.day) >= DAY {
            let end = self.day.after(DAY);
            self.count(end);
            self.days.rotate_right(1);
            self.days[0] = Span::ZERO;
            self.day = end;
        }
        self.count(now);
    }

    fn count(&mut self, until: Mono) {
        if let Some(since) = self.cut_since {
            self.days[0] = self.days[0].plus(until.since(since));
            self.cut_since = Some(until.max(since));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_count_for_seven_days_and_are_then_forgotten() {
        let start = Mono::from_nanos(1_000);
        let at = |hours: u64| start.after(Span::from_secs(hours * 3600));
        let mut load = Fairness::default();
        load.follow(at(0), false);
        load.follow(at(1), true);
        assert_eq!(load.total(at(3)), Span::from_secs(2 * 3600));
        load.follow(at(5), false);
        assert_eq!(load.total(at(6 * 24)), Span::from_secs(4 * 3600));
        assert_eq!(load.total(at(7 * 24 + 1)), Span::ZERO);
        load.follow(at(200), true);
        assert_eq!(load.total(at(200 + 24 * 20)), Span::from_secs(7 * 24 * 3600), "cut all the time");
    }
}
