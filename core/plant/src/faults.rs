//! Faults of sensors: what happens to a reading between [`crate::Village::read`] and whoever decides on it.
//!
//! The caller passes every reading through [`Faulty::pass`] and asks [`Faulty::due`] for late ones. Nothing here waits:
//! a late reading is held until the caller's time has come. Which output suffers what, and when, is a list of
//! [`FaultWindow`], written by hand or drawn by [`storm`].

use crate::limits::LATE_READINGS_MAX;
use crate::rng::Stream;
use crate::village::OutputId;
use std::collections::BTreeMap;

/// Among the streams of a seed; those of the village have small numbers.
const READINGS_STREAM: u64 = 101;

/// What is wrong with a sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// It repeats the first value of the window; its time looks fresh.
    Stuck,
    /// It says nothing at all.
    Missing,
    /// It says that it has no number.
    NotANumber,
    /// Its readings arrive this much later, with their true time.
    Late {
        /// Delay, ms.
        by_ms: u64,
    },
    /// Each reading takes a time of its own, with its true time: a later one can arrive before an earlier one.
    LateBetween {
        /// Least delay, ms.
        low_ms: u64,
        /// Greatest delay, ms.
        high_ms: u64,
    },
    /// A share of its readings does not arrive.
    Lost {
        /// Which share, 0..=1.
        share: f64,
    },
    /// Every reading arrives twice.
    Duplicated,
    /// Its values are shifted.
    Offset {
        /// What is added, in the unit of the output.
        by: f64,
    },
    /// It shows a value that cannot be.
    OutOfRange {
        /// What it shows, in the unit of the output.
        value: f64,
    },
}

/// One fault of one output, from `from_ms` until just before `until_ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultWindow {
    /// Which output.
    pub output: OutputId,
    /// First instant, ms.
    pub from_ms: u64,
    /// First instant after it, ms.
    pub until_ms: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// One reading on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Which output.
    pub output: OutputId,
    /// What it shows; `None`: it says that it has no value. May be NaN: whoever takes it must refuse that.
    pub value: Option<f64>,
    /// When it was taken, ms.
    pub taken_ms: u64,
}

/// Faults at work.
#[derive(Clone, Debug, Default)]
pub struct Faulty {
    windows: Vec<FaultWindow>,
    stream: Stream,
    /// Value that a stuck output shows, by the index of its window.
    held: BTreeMap<usize, Option<f64>>,
    /// Late readings by arrival and sequence.
    late: BTreeMap<(u64, u64), Reading>,
    sequence: u64,
    dropped: u64,
}

impl Faulty {
    /// Where windows of one output overlap, the first of the list counts.
    pub fn new(windows: Vec<FaultWindow>) -> Self {
        Self { windows, ..Self::default() }
    }

    /// What is drawn is drawn from this seed.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { stream: Stream::new(seed).fork(READINGS_STREAM), ..self }
    }

    /// Passes one reading and appends what arrives of it now.
    pub fn pass(&mut self, reading: Reading, out: &mut Vec<Reading>) {
        let hit = self.windows.iter().position(|window| {
            window.output == reading.output && (window.from_ms..window.until_ms).contains(&reading.taken_ms)
        });
        let Some((index, window)) = hit.and_then(|index| Some((index, self.windows.get(index)?))) else {
            out.push(reading);
            return;
        };
        // By instant, so that a reading's lot does not depend on how many others were taken.
        let drawn = self.stream.fork(index as u64).unit(reading.taken_ms);
        let with = |value: Option<f64>| Reading { value, ..reading };
        match window.fault {
            Fault::Stuck => out.push(with(*self.held.entry(index).or_insert(reading.value))),
            Fault::Missing => {}
            Fault::NotANumber => out.push(with(Some(f64::NAN))),
            Fault::Late { by_ms } => self.delay(reading, by_ms),
            Fault::LateBetween { low_ms, high_ms } => {
                // The cast of a number that is not negative.
                let by_ms = (low_ms as f64 + drawn * high_ms.saturating_sub(low_ms) as f64).round() as u64;
                self.delay(reading, by_ms);
            }
            Fault::Lost { share } => out.extend((drawn >= share).then_some(reading)),
            Fault::Duplicated => out.extend([reading, reading]),
            Fault::Offset { by } => out.push(with(reading.value.map(|value| value + by))),
            Fault::OutOfRange { value } => out.push(with(Some(value))),
        }
    }

    /// Appends late readings whose time has come, in the order of their arrival.
    pub fn due(&mut self, now_ms: u64, out: &mut Vec<Reading>) {
        while let Some(first) = self.late.first_entry().filter(|first| first.key().0 <= now_ms) {
            out.push(first.remove());
        }
    }

    /// When the next late reading arrives, ms.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.late.keys().next().map(|(arrives_ms, _)| *arrives_ms)
    }

    /// Late readings that were dropped because [`LATE_READINGS_MAX`] were waiting.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn delay(&mut self, reading: Reading, by_ms: u64) {
        if self.late.len() >= LATE_READINGS_MAX && self.late.pop_first().is_some() {
            self.dropped += 1;
        }
        self.late.insert((reading.taken_ms.saturating_add(by_ms), self.sequence), reading);
        self.sequence += 1;
    }
}

/// Draws `count` windows over `length_ms` for the given outputs: every kind of fault, 1 s to 60 s long, and values from
/// `out_of_range` for what cannot be. The same seed draws the same storm.
pub fn storm(
    seed: u64,
    outputs: &[OutputId],
    length_ms: u64,
    count: usize,
    out_of_range: f64,
) -> Vec<FaultWindow> {
    let stream = Stream::new(seed);
    let draw = |number: usize| {
        let one = stream.fork(number as u64);
        let choice = (one.unit(0) * outputs.len() as f64) as usize;
        let from_ms = (one.unit(1) * length_ms as f64) as u64;
        let until_ms = from_ms + one.between(2, 1_000.0, 60_000.0) as u64;
        let fault = match number % 7 {
            0 => Fault::Stuck,
            1 => Fault::Missing,
            2 => Fault::NotANumber,
            3 => Fault::Late { by_ms: one.between(3, 50.0, 5_000.0) as u64 },
            4 => Fault::Duplicated,
            5 => Fault::Offset { by: one.between(3, -1.0, 1.0) },
            _ => Fault::OutOfRange { value: out_of_range },
        };
        outputs.get(choice).map(|&output| FaultWindow { output, from_ms, until_ms, fault })
    };
    (0..count).filter_map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METER: OutputId = OutputId(0);

    fn through(fault: Fault) -> Vec<(u64, Option<f64>)> {
        let mut faulty = Faulty::new(vec![FaultWindow { output: METER, from_ms: 100, until_ms: 300, fault }]);
        let mut seen = Vec::new();
        for now_ms in [0, 100, 200, 300, 400] {
            let value = Some(50.0 - now_ms as f64 / 1e3);
            let mut out = Vec::new();
            faulty.due(now_ms, &mut out);
            faulty.pass(Reading { output: METER, value, taken_ms: now_ms }, &mut out);
            faulty.pass(Reading { output: OutputId(1), value: None, taken_ms: now_ms }, &mut out);
            assert_eq!(
                out.pop().map(|reading| reading.output),
                Some(OutputId(1)),
                "another output is left alone"
            );
            seen.extend(out.iter().map(|reading| (reading.taken_ms, reading.value)));
        }
        seen
    }

    const CLEAN: [(u64, Option<f64>); 5] =
        [(0, Some(50.0)), (100, Some(49.9)), (200, Some(49.8)), (300, Some(49.7)), (400, Some(49.6))];

    #[test]
    fn each_fault_does_what_it_says() {
        let [first, second, third, fourth, fifth] = CLEAN;
        assert_eq!(through(Fault::Stuck), [first, second, (200, Some(49.9)), fourth, fifth]);
        assert_eq!(through(Fault::Missing), [first, fourth, fifth]);
        assert_eq!(through(Fault::Duplicated), [first, second, second, third, third, fourth, fifth]);
        assert_eq!(through(Fault::Late { by_ms: 150 }), [first, second, fourth, third, fifth]);
        assert_eq!(through(Fault::OutOfRange { value: 99.0 })[1..3], [(100, Some(99.0)), (200, Some(99.0))]);
        let shifted = through(Fault::Offset { by: 1.0 });
        assert!(shifted[1].1.is_some_and(|value| (value - 50.9).abs() < 1e-9));
        assert!(through(Fault::NotANumber)[1].1.is_some_and(f64::is_nan));
    }

    #[test]
    fn a_share_is_lost_and_delays_are_drawn_from_the_seed() {
        let arrivals = |fault: Fault, seed: u64| {
            let window = FaultWindow { output: METER, from_ms: 0, until_ms: u64::MAX, fault };
            let mut faulty = Faulty::new(vec![window]).seeded(seed);
            let mut taken = Vec::new();
            for now_ms in (0..20_000).step_by(20) {
                let mut out = Vec::new();
                faulty.due(now_ms, &mut out);
                faulty.pass(Reading { output: METER, value: Some(50.0), taken_ms: now_ms }, &mut out);
                taken.extend(out.iter().map(|reading| (now_ms, reading.taken_ms)));
            }
            taken
        };
        let lost = Fault::Lost { share: 0.3 };
        // Of 1,000; three standard deviations are 43.
        assert!(arrivals(lost, 1).len().abs_diff(700) < 45, "{}", arrivals(lost, 1).len());
        assert_eq!(arrivals(lost, 1), arrivals(lost, 1));
        assert_ne!(arrivals(lost, 1), arrivals(lost, 2));
        let late = arrivals(Fault::LateBetween { low_ms: 200, high_ms: 5_000 }, 1);
        let delays = || late.iter().map(|(now_ms, taken_ms)| now_ms - taken_ms);
        assert!(delays().all(|by_ms| (200..5_020).contains(&by_ms)));
        assert!(delays().min() < Some(400) && delays().max() > Some(4_700));
        assert!(late.windows(2).any(|pair| pair[0].1 > pair[1].1), "some overtake others");
    }

    #[test]
    fn late_readings_have_a_maximum() {
        let window =
            FaultWindow { output: METER, from_ms: 0, until_ms: u64::MAX, fault: Fault::Late { by_ms: 10 } };
        let mut faulty = Faulty::new(vec![window]);
        let mut out = Vec::new();
        for taken_ms in 0..LATE_READINGS_MAX as u64 + 5 {
            faulty.pass(Reading { output: METER, value: None, taken_ms }, &mut out);
        }
        assert_eq!((faulty.dropped(), faulty.deadline_ms()), (5, Some(15)));
        faulty.due(u64::MAX, &mut out);
        assert_eq!(out.len(), LATE_READINGS_MAX);
    }

    #[test]
    fn a_storm_is_seeded_and_holds_every_fault() {
        let outputs = [METER, OutputId(3)];
        let drawn = storm(9, &outputs, 3_600_000, 70, 99.0);
        assert_eq!(drawn, storm(9, &outputs, 3_600_000, 70, 99.0));
        assert_ne!(drawn, storm(10, &outputs, 3_600_000, 70, 99.0));
        assert_eq!(drawn.len(), 70);
        assert!(drawn.iter().all(|window| window.from_ms < window.until_ms));
        assert!(outputs.iter().all(|output| drawn.iter().any(|window| window.output == *output)));
        assert!(storm(9, &[], 1_000, 5, 99.0).is_empty());
    }
}
