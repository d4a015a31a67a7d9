//! Readings that come faster than they can be taken are told of at the first and then once in a while, not for every 64 of
//! them: a device that floods would else fill the screen and the history, and push out what people look for there.

use ballast_engine::Event;
use ballast_model::{Mono, PointId, Span};
use std::collections::BTreeMap;

/// So long nothing more is said of a point (a guess: a flood that lasts is seen to last).
const QUIET: Span = Span::from_secs(60);

/// What was said of the points that flood, by their names; bounded by the points of the site.
#[derive(Debug, Default)]
pub struct TooFast {
    of: BTreeMap<Box<str>, Flood>,
}

#[derive(Debug, Default)]
struct Flood {
    told: Option<Mono>,
    /// Readings that were dropped and not told of.
    untold: u32,
}

impl TooFast {
    /// What is told of an event: all other events as they are, and of this one the sum since the last word; `None` while that
    /// is fresh.
    pub fn told<'a>(
        &mut self,
        event: Event,
        now: Mono,
        name: impl FnOnce(PointId) -> &'a str,
    ) -> Option<Event> {
        let Event::Coalesced { point, dropped } = event else { return Some(event) };
        let flood = self.of.entry(name(point).into()).or_default();
        flood.untold = flood.untold.saturating_add(dropped);
        if flood.told.is_some_and(|told| now.since(told) < QUIET) {
            return None;
        }
        flood.told = Some(now);
        Some(Event::Coalesced { point, dropped: std::mem::take(&mut flood.untold) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_at_its_begin_and_once_a_minute_with_all_that_was_dropped() {
        let mut fast = TooFast::default();
        let mut said = Vec::new();
        for tenth in 0..1200 {
            let now = Mono::from_millis(100 * tenth);
            let event = Event::Coalesced { point: PointId(0), dropped: 64 };
            if let Some(Event::Coalesced { dropped, .. }) = fast.told(event, now, |_| "meter.power") {
                said.push((tenth, dropped));
            }
        }
        assert_eq!(said, [(0, 64), (600, 64 * 600)]);
        let other = Event::Coalesced { point: PointId(1), dropped: 64 };
        assert_eq!(fast.told(other.clone(), Mono::ZERO, |_| "meter.level"), Some(other), "each by itself");
    }
}
