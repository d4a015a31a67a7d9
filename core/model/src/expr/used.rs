//! What a counter gained since a time of day.

use super::trackers::{CLOCK_RECHECK, OUTAGE_BRIDGED};
use crate::almanac::{self, TimeOfDay};
use crate::catalog::Catalog;
use crate::counter::{Counter, Step};
use crate::finite::Finite;
use crate::time::{Gap, Mono, Utc, Wall};

/// What was counted since the last time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) struct Used {
    counter: Counter,
    /// What was counted since `since`; `None` until a boundary has been seen or bridged.
    used: Option<Finite>,
    since: Option<Utc>,
}

impl Used {
    /// What was counted; `None` while that is not known.
    pub(super) const fn read(&self) -> Option<Finite> {
        self.used
    }

    /// Another device tells the counter from now on.
    pub(super) fn replaced(&mut self) {
        self.counter = Counter::default();
    }

    /// Counts what the counter gained. For a step in which it falls nothing is counted.
    pub(super) fn sample(&mut self, value: Option<Finite>) {
        if let Some(Step::Gained(gained) | Step::Back { gained, .. }) =
            value.map(|value| self.counter.step(value))
        {
            self.used = self.used.and_then(|used| Finite::new(used.get() + gained));
        }
    }

    /// Starts anew at the time of day. Without trusted time nothing is known.
    pub(super) fn tick(
        &mut self,
        now: Mono,
        wall: &Wall,
        catalog: &Catalog,
        time: TimeOfDay,
    ) -> (bool, Option<Mono>) {
        let before = self.used;
        let Some(utc) = wall.utc(now) else {
            self.used = None;
            return (before.is_some(), None);
        };
        let (last, next) = almanac::around(&catalog.zone, catalog.place, utc, time);
        // Near the poles the last sunset may be weeks ago: it stays the last one.
        if last.is_some() && self.since != last {
            // The first boundary ever seen lies in the past: what was used since is not known.
            self.used = self.since.map(|_| Finite::ZERO);
            self.since = last;
            self.counter.settle();
        }
        let next = next.map_or(now.after(CLOCK_RECHECK), |next| wall.mono(next));
        (self.used != before, Some(next))
    }

    /// After an outage: a short one is bridged by the counter itself, a long one is not.
    pub(super) fn bridge(&mut self, gap: Gap) {
        if gap.length() > OUTAGE_BRIDGED {
            self.used = None;
            self.replaced();
        }
    }
}
