//! The bus without a wire: a simulated world, formulas and tables.

use super::context::{Context, duration};
use super::doors;
use super::stepped::Moved;
use crate::limits::FULL_RETRY;
use crate::readings::WriteResult;
use crate::sim::SimBus;
use ballast_model::catalog::Kind;
use ballast_model::{Mono, Span, Unit};

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

    /// What arrives when a reading is asked for: the reading itself, unless the way to it is disturbed; then nothing, an
    /// older one, or several.
    fn arrivals(&mut self, reading: usize, out: &mut Vec<f64>) {
        out.extend(self.read(reading));
    }

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

/// Runs until the bus is ended.
pub(super) async fn run(bus: SimBus, mut context: Context) {
    let mut doors = doors(bus.outputs.iter().map(|output| output.output));
    let mut moved = Moved::new(bus, context.now());
    let mut taken = Vec::new();
    context.link(true, "simulated");
    loop {
        let is_free = context.hand_over();
        let now = context.now();
        if is_free {
            moved.advance(now, &mut context.readings, &context.counters);
        }
        let pause = if !is_free { FULL_RETRY } else { moved.next().since(now).max(Span::from_millis(1)) };
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
                    let is_done = moved.tell(write.output(), write.wanted());
                    let result = if is_done { WriteResult::Done } else { WriteResult::Impossible };
                    context.written(write.output(), write.counter(), result);
                }
            }
            () = std::future::ready(()), if is_free && is_news => {}
            () = tokio::time::sleep(duration(pause)) => {}
        }
    }
}
