//! The bus without a wire: a simulated world, formulas and tables.

use super::context::{Context, duration};
use super::doors;
use crate::limits::FULL_RETRY;
use crate::point::Raw;
use crate::readings::{Freshness, Report, WriteResult};
use crate::sim::{SimBus, SimOutput, Source};
use ballast_model::catalog::Kind;
use ballast_model::{Contact, Finite, Mono, Quality, Span, Unit, Wanted};

/// A simulated world that the shell joins to a bus. Its time is the clock's.
pub trait World: Send {
    /// What can be read under this name, and what it means.
    fn reading(&self, name: &str) -> Option<(usize, Meaning)>;

    /// What can be set under this name, and what it means.
    fn input(&self, name: &str) -> Option<(usize, Meaning)>;

    /// Lets its time go on to `now`. Never called with an earlier moment.
    fn advance(&mut self, now: Mono);

    /// A reading at the moment of the last [`World::advance`]: a number in the unit of its meaning, the index of a word, or 1
    /// and 0 for yes and no, closed and open.
    fn read(&mut self, reading: usize) -> Option<f64>;

    /// Sets an input, in the same form.
    fn set(&mut self, input: usize, value: f64);
}

/// What a number of a simulated world means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    /// A number in this unit.
    Number(Unit),
    /// The index of one of these words.
    Words(&'static [&'static str]),
    /// 1: yes, closed. 0: no, open.
    Flag,
}

impl Meaning {
    /// Whether a point of this kind can show it.
    pub(crate) fn fits(self, kind: &Kind) -> bool {
        match (self, kind) {
            (Self::Number(own), Kind::Number(unit)) => own.dimension() == unit.dimension(),
            (Self::Words(own), Kind::Words(words)) => {
                own.iter().all(|word| words.iter().any(|known| **known == **word))
            }
            (Self::Flag, Kind::Flag) => true,
            _ => false,
        }
    }

    /// Whether an output can be it: a contact (no unit) is a flag.
    pub(crate) fn takes(self, unit: Option<Unit>) -> bool {
        match (self, unit) {
            (Self::Flag, None) => true,
            (Self::Number(own), Some(unit)) => own.dimension() == unit.dimension(),
            _ => false,
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Number(unit) => format!("{} in {unit}", unit.dimension().name()),
            Self::Words(words) => format!("one of {}", words.join(", ")),
            Self::Flag => "yes or no".to_owned(),
        }
    }
}

/// How often an output says where it is, even when it has not moved.
const ACTUAL_PERIOD: Span = Span::from_secs(1);

/// Runs until the bus is ended.
pub(super) async fn run(mut bus: SimBus, mut context: Context) {
    let mut doors = doors(bus.outputs.iter().map(|output| output.output));
    let start = context.now();
    let mut due: Vec<Mono> = bus.points.iter().map(|_| start).collect();
    let mut states =
        States { told: vec![None; bus.outputs.len()], said: vec![None; bus.outputs.len()], due: start };
    let mut taken = Vec::new();
    context.link(true, "simulated");
    loop {
        let is_free = context.hand_over();
        let now = context.now();
        if is_free {
            if let Some(world) = &mut bus.world {
                world.advance(now);
            }
            read_points(&mut bus, &mut context, &mut due, start, now);
            states.say(&mut bus, &mut context, now);
        }
        let next = due.iter().copied().min().map_or(states.due, |next| next.min(states.due));
        let pause = if !is_free { FULL_RETRY } else { next.since(now).max(Span::from_millis(1)) };
        let has_room = context.has_room();
        let is_news = !context.readings.batch().is_empty();
        tokio::select! {
            biased;
            count = context.permits.recv_many(&mut taken, 64), if has_room => {
                if count == 0 {
                    return;
                }
                for permit in taken.drain(..) {
                    let Some(write) = context.redeem(permit, &mut doors) else { continue };
                    let place = bus.outputs.iter().position(|output| output.output == write.output());
                    let is_done = place.is_some_and(|place| states.tell(&mut bus, place, write.wanted()));
                    let result = if is_done { WriteResult::Done } else { WriteResult::Impossible };
                    context.written(write.output(), write.counter(), result);
                }
            }
            () = std::future::ready(()), if is_free && is_news => {}
            () = tokio::time::sleep(duration(pause)) => {}
        }
    }
}

/// Reads what is due.
fn read_points(bus: &mut SimBus, context: &mut Context, due: &mut [Mono], start: Mono, now: Mono) {
    for (slot, (point, due)) in bus.points.iter().zip(due).enumerate() {
        if now < *due {
            continue;
        }
        // What was missed while the machine slept is not made up for.
        *due = due.after(point.period).max(now);
        let elapsed = now.since(start);
        let (value, meaning) = match &point.source {
            Source::World { reading, meaning, .. } => {
                (bus.world.as_mut().and_then(|world| world.read(*reading)), Some(*meaning))
            }
            Source::Formula(formula) => (Some(formula.value(elapsed)), None),
            Source::Column(column) => {
                (bus.table.as_ref().and_then(|table| table.value(*column, elapsed, bus.repeats)), None)
            }
        };
        let Some(value) = value else { continue };
        let is_value = match meaning {
            Some(Meaning::Words(words)) => {
                let word = words.get(value as usize).copied().unwrap_or("");
                context.readings.put(slot, Raw::Text(word.as_bytes()), Freshness::Live, now)
            }
            _ => context.readings.put(slot, Raw::Number(value), Freshness::Live, now),
        };
        context.counters.messages.add(1);
        if is_value { context.counters.good.add(1) } else { context.counters.bad.add(1) }
    }
}

/// What the outputs were told, and what they said last.
struct States {
    told: Vec<Option<Wanted>>,
    said: Vec<Option<Wanted>>,
    due: Mono,
}

impl States {
    /// Tells an output; whether it can be told that.
    fn tell(&mut self, bus: &mut SimBus, place: usize, wanted: Wanted) -> bool {
        let Some(output) = bus.outputs.get(place) else { return false };
        let value = match (wanted, output.unit) {
            (Wanted::Contact(contact), None) => f64::from(u8::from(contact == Contact::Closed)),
            (Wanted::Level(level), Some(unit)) => unit.from_base(level).get(),
            _ => return false,
        };
        if let (Some(world), Some(input)) = (&mut bus.world, output.input) {
            world.set(input, value);
        }
        if let Some(told) = self.told.get_mut(place) {
            *told = Some(wanted);
        }
        true
    }

    /// Lets every output say where it is, when it has moved or its time has come.
    fn say(&mut self, bus: &mut SimBus, context: &mut Context, now: Mono) {
        let is_due = now >= self.due;
        if is_due {
            self.due = now.after(ACTUAL_PERIOD);
        }
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
                context.readings.report(report);
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
