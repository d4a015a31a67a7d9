//! A simulated bus whose time somebody else moves: what the task of such a bus does between two waits, and the same for a
//! simulation that moves its clock by hand.
//!
//! It must never read a clock: every moment is given.

use super::Meaning;
use super::doors;
use crate::counters::{BusCounters, CounterSnapshot};
use crate::point::Raw;
use crate::readings::{Batch, Freshness, Readings, Report, WriteResult};
use crate::sim::{SimBus, SimOutput, Source};
use ballast_guard::{Door, Permit, Redeem};
use ballast_model::{Contact, Finite, Mono, OutputId, Quality, Span, Wanted};
use std::collections::BTreeMap;

/// How often an output says where it is, even when it has not moved.
const ACTUAL_PERIOD: Span = Span::from_secs(1);

/// A simulated bus without a task: its owner moves its time and takes what it tells.
pub struct SteppedBus {
    moved: Moved,
    readings: Readings,
    doors: BTreeMap<OutputId, Door>,
    counters: BusCounters,
}

impl SteppedBus {
    pub(super) fn new(bus: SimBus, readings: Readings, now: Mono) -> Self {
        let doors = doors(bus.outputs.iter().map(|output| output.output));
        Self { moved: Moved::new(bus, now), readings, doors, counters: BusCounters::default() }
    }

    /// Lets time go on to `now`: the world moves, and the points that are due are read. Never with an earlier moment.
    pub fn advance(&mut self, now: Mono) {
        self.moved.advance(now, &mut self.readings, &self.counters);
    }

    /// When the next point or output is due.
    pub fn next(&self) -> Mono {
        self.moved.next()
    }

    /// Uses up a permit, now. What became of it is in the batch.
    pub fn apply(&mut self, permit: Permit, now: Mono) {
        let (output, counter) = (permit.output(), permit.counter());
        let result = match self.doors.get_mut(&output).map(|door| door.redeem(permit, now)) {
            Some(Ok(write)) if self.moved.tell(output, write.wanted()) => WriteResult::Done,
            Some(Err(_)) => WriteResult::Expired,
            _ => WriteResult::Impossible,
        };
        let count =
            if result == WriteResult::Done { &self.counters.written } else { &self.counters.permits_expired };
        count.add(1);
        self.readings.report(Report::Written { output, counter, result, at: now });
    }

    /// What has gathered; to be emptied by whoever takes it.
    pub fn batch(&mut self) -> &mut Batch {
        self.readings.batch()
    }

    /// What has gone well and badly.
    pub fn counters(&self) -> CounterSnapshot {
        self.counters.snapshot()
    }
}

/// Points and outputs at a moment.
pub(crate) struct Moved {
    bus: SimBus,
    start: Mono,
    due: Vec<Mono>,
    told: Vec<Option<Wanted>>,
    said: Vec<Option<Wanted>>,
    say_due: Mono,
    arrived: Vec<f64>,
}

impl Moved {
    pub(crate) fn new(bus: SimBus, start: Mono) -> Self {
        let outputs = bus.outputs.len();
        Self {
            start,
            due: bus.points.iter().map(|_| start).collect(),
            told: vec![None; outputs],
            said: vec![None; outputs],
            say_due: start,
            arrived: Vec::new(),
            bus,
        }
    }

    pub(super) fn next(&self) -> Mono {
        self.due.iter().copied().min().map_or(self.say_due, |next| next.min(self.say_due))
    }

    pub(crate) fn advance(&mut self, now: Mono, readings: &mut Readings, counters: &BusCounters) {
        if let Some(world) = &mut self.bus.world {
            world.advance(now);
        }
        self.read_points(now, readings, counters);
        self.say(now, readings);
    }

    /// Reads what is due.
    fn read_points(&mut self, now: Mono, readings: &mut Readings, counters: &BusCounters) {
        let bus = &mut self.bus;
        for (slot, (point, due)) in bus.points.iter().zip(&mut self.due).enumerate() {
            if now < *due {
                continue;
            }
            // What was missed while the machine slept is not made up for.
            *due = due.after(point.period).max(now);
            let elapsed = now.since(self.start);
            self.arrived.clear();
            let mut words: &[&str] = &[];
            match &point.source {
                Source::World { reading, meaning, .. } => {
                    if let Meaning::Words(known) = meaning {
                        words = known;
                    }
                    if let Some(world) = &mut bus.world {
                        world.arrivals(*reading, &mut self.arrived);
                    }
                }
                Source::Formula(formula) => self.arrived.push(formula.value(elapsed)),
                Source::Column(column) => {
                    let table = bus.table.as_ref();
                    self.arrived.extend(table.and_then(|table| table.value(*column, elapsed, bus.repeats)));
                }
            }
            for value in &self.arrived {
                let index = if *value >= 0.0 { *value as usize } else { usize::MAX };
                let word = words.get(index).copied().unwrap_or("");
                let raw = if words.is_empty() { Raw::Number(*value) } else { Raw::Text(word.as_bytes()) };
                let is_value = readings.put(slot, raw, Freshness::Live, now);
                counters.messages.add(1);
                if is_value { counters.good.add(1) } else { counters.bad.add(1) }
            }
        }
    }

    /// Tells an output; whether it can be told that.
    pub(crate) fn tell(&mut self, output: OutputId, wanted: Wanted) -> bool {
        let Some(place) = self.bus.outputs.iter().position(|known| known.output == output) else {
            return false;
        };
        let Some(output) = self.bus.outputs.get(place) else { return false };
        let value = match (wanted, output.unit) {
            (Wanted::Contact(contact), None) => f64::from(u8::from(contact == Contact::Closed)),
            (Wanted::Level(level), Some(unit)) => unit.from_base(level).get(),
            _ => return false,
        };
        if let (Some(world), Some(input)) = (&mut self.bus.world, output.input) {
            world.set(input, value);
        }
        if let Some(told) = self.told.get_mut(place) {
            *told = Some(wanted);
        }
        true
    }

    /// Lets every output say where it is, when it has moved or its time has come.
    fn say(&mut self, now: Mono, readings: &mut Readings) {
        let is_due = now >= self.say_due;
        if is_due {
            self.say_due = now.after(ACTUAL_PERIOD);
        }
        let bus = &mut self.bus;
        for (place, output) in bus.outputs.iter().enumerate() {
            let actual = match (&mut bus.world, output.shows) {
                (Some(world), Some(reading)) => world.read(reading).and_then(|value| actual(output, value)),
                (Some(_), None) => continue,
                (None, _) => self.told.get(place).copied().flatten(),
            };
            let Some(said) = self.said.get_mut(place) else { continue };
            if actual.is_some() && (is_due || *said != actual) {
                *said = actual;
                let report =
                    Report::Actual { output: output.output, actual, quality: Quality::Good, at: now };
                readings.report(report);
            }
        }
    }
}

fn actual(output: &SimOutput, value: f64) -> Option<Wanted> {
    match output.unit {
        None => Some(if value > 0.5 { Wanted::CLOSED } else { Wanted::OPEN }),
        Some(unit) => unit.to_base(value).map(|level: Finite| Wanted::Level(level)),
    }
}
