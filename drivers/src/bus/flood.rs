//! Tells a flood from ordinary traffic, so that a flood is read in larger pieces.
//!
//! Each read wakes two threads, and in a flood that costs more than the messages themselves. Where reads follow each other
//! within fractions of a millisecond, there is a pause of one before the next: what came meanwhile is then read at once.
//! Ordinary traffic never waits, and a flood has a millisecond.

use crate::limits::{FLOOD_BYTES, FLOOD_PAUSE, FLOOD_READS, FLOOD_WINDOW};
use tokio::time::Instant;

/// How fast reads follow each other.
#[derive(Debug)]
pub(super) struct Flood {
    /// When the reads that are counted began.
    since: Instant,
    reads: u32,
    is_on: bool,
}

impl Flood {
    /// No flood.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, reads: 0, is_on: false }
    }

    /// A read brought so many bytes; until when nothing is read, if this is a flood.
    pub(super) fn read(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        if now.duration_since(self.since) > super::context::duration(FLOOD_WINDOW) {
            (self.since, self.reads) = (now, 0);
        }
        self.reads += 1;
        // What a pause has gathered says whether the flood goes on.
        self.is_on = if self.is_on { bytes >= FLOOD_BYTES } else { self.reads > FLOOD_READS };
        self.is_on.then(|| now + super::context::duration(FLOOD_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_a_flood_waits_and_it_ends_with_the_first_small_piece() {
        let start = Instant::now();
        let at = |micros: u64| start + Duration::from_micros(micros);
        let mut flood = Flood::new(start);
        // A thousand messages a second, evenly: no flood.
        assert!((0..5000).all(|each| flood.read(at(each * 1000), 30).is_none()));
        // A burst of a few: none either.
        assert!((0..4).all(|each| flood.read(at(5_100_000 + each * 20), 30).is_none()));
        // Every 20 µs: after a few reads each waits a millisecond, as long as that gathers something.
        let first = (0..100).find(|each| flood.read(at(6_000_000 + each * 20), 30).is_some());
        assert_eq!(first, Some(u64::from(FLOOD_READS)));
        assert!((0..100).all(|each| {
            let now = at(6_010_000 + each * 1200);
            flood.read(now, 2000) == Some(now + Duration::from_millis(1))
        }));
        assert_eq!(flood.read(at(7_000_000), 30), None);
    }
}
