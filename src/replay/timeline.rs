//! Where wall times lie on the clock of a journal.
//!
//! The records carry the clock of the boot. What the wall clock said then stands among the engine's inputs, so that a
//! clock that was set within the half hour is set at the same moment here.

use super::Machines;
use crate::journal::Journal;
use crate::report::instant;
use crate::runtime::saving::kind;
use ballast_engine::Input;
use ballast_model::Mono;
use ballast_model::time::Wall;
use jiff::Timestamp;

/// The wall clock over the time of a journal.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// From when on each reading of the wall clock was in force, oldest first.
    readings: Vec<(Mono, Wall)>,
    end: Mono,
}

/// Where an instant lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the journal begins, which is then.
    Before(Timestamp),
    /// Within it.
    Within(Mono),
    /// After its end, which is then.
    After(Timestamp),
}

impl Timeline {
    /// Of a journal; empty where the journal is.
    pub fn of(journal: &Journal) -> Self {
        let written = journal.header.written;
        let Some(oldest) = journal.segments.first() else {
            return Self { readings: Vec::new(), end: written.at };
        };
        let before = Machines::restore(oldest).map_or(written, |machines| machines.engine.wall());
        let mut readings = vec![(oldest.started(), before)];
        let mut last = oldest.started();
        for record in journal.segments.iter().flat_map(crate::journal::Segment::records) {
            last = last.max(record.at);
            if record.kind != kind::ENGINE {
                continue;
            }
            // What cannot be read is found out when it is run again.
            let inputs: Vec<Input> = postcard::from_bytes(record.bytes).unwrap_or_default();
            readings.extend(inputs.iter().filter_map(|input| match input {
                Input::Wall(wall) => Some((record.at, *wall)),
                _ => None,
            }));
        }
        readings.retain(|(_, wall)| *wall != Wall::UNKNOWN);
        if readings.is_empty() {
            readings.push((oldest.started(), written));
        }
        Self { readings, end: if journal.cut.is_some() { last } else { written.at.max(last) } }
    }

    /// Where an instant lies. Of two moments at which a clock that was set back showed it, the later one; within an hour
    /// that a clock left out, the moment at which it was set.
    pub fn place(&self, at: Timestamp) -> Place {
        let mut to = self.end;
        for (index, (from, wall)) in self.readings.iter().enumerate().rev() {
            let moment = instant::mono(wall, at);
            if moment > to && index + 1 == self.readings.len() {
                return Place::After(instant::exact(wall, self.end));
            }
            if moment >= *from {
                return Place::Within(moment.min(to));
            }
            to = *from;
        }
        let first = self.readings.first();
        Place::Before(first.map_or(at, |(from, wall)| instant::exact(wall, *from)))
    }

    /// Whether the journal tells of an instant.
    pub fn covers(&self, at: Timestamp) -> bool {
        matches!(self.place(at), Place::Within(_))
    }

    /// The instant of a moment.
    pub fn instant(&self, moment: Mono) -> Timestamp {
        let reading = self.readings.iter().rev().find(|(from, _)| *from <= moment).or(self.readings.first());
        reading.map_or(Timestamp::MIN, |(_, wall)| instant::exact(wall, moment))
    }

    /// The last instant of the journal.
    pub fn end(&self) -> Option<Timestamp> {
        self.readings.last().map(|(_, wall)| instant::exact(wall, self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::Utc;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn reading(from_s: u64, utc_s: i64) -> (Mono, Wall) {
        let at = Mono::from_millis(from_s * 1000);
        (at, Wall { at, utc: Utc::from_millis(utc_s * 1000), trusted: true })
    }

    fn place(readings: &[(Mono, Wall)], seconds: i64) -> Place {
        let timeline = Timeline { readings: readings.to_vec(), end: Mono::from_millis(100_000) };
        timeline.place(at(seconds))
    }

    fn within(seconds: u64) -> Place {
        Place::Within(Mono::from_millis(seconds * 1000))
    }

    #[test]
    fn an_instant_is_found_on_the_clock_of_the_boot() {
        let clock = [reading(10, 1_000_010)];
        assert_eq!(place(&clock, 1_000_010), within(10));
        assert_eq!(place(&clock, 1_000_050), within(50));
        assert_eq!(place(&clock, 1_000_100), within(100));
        assert_eq!(place(&clock, 1_000_009), Place::Before(at(1_000_010)));
        assert_eq!(place(&clock, 1_000_101), Place::After(at(1_000_100)));
    }

    #[test]
    fn a_clock_that_was_set_is_set_there_too() {
        // At 50 s of the boot an hour was left out.
        let ahead = [reading(10, 1_000_010), reading(50, 1_003_650)];
        assert_eq!(place(&ahead, 1_000_020), within(20));
        assert_eq!(place(&ahead, 1_002_000), within(50));
        assert_eq!(place(&ahead, 1_003_660), within(60));
        // At 50 s of the boot it was set back by 20 s: what was shown twice is the later moment.
        let back = [reading(10, 1_000_010), reading(50, 1_000_030)];
        assert_eq!(place(&back, 1_000_020), within(20));
        assert_eq!(place(&back, 1_000_040), within(60));
    }
}
