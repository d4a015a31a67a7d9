//! Chance, drawn one number after the other from the seed alone.

use ballast_model::Span;
use ballast_plant::rng::Stream;

/// A stream of numbers that is the same on every machine.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    stream: Stream,
    next: u64,
}

impl Dice {
    /// One of the streams of a seed; the others draw other numbers.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self { stream: Stream::new(seed).fork(number), next: 0 }
    }

    /// 0 up to `sides`, without it; 0 for a die without sides.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.next += 1;
        self.stream.bits(self.next).checked_rem(sides).unwrap_or(0)
    }

    /// Whether one of so many.
    pub(super) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    /// From `low` up to `high`, without it.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        self.next += 1;
        self.stream.between(self.next, low, high)
    }

    /// A time of so many milliseconds.
    pub(super) fn millis(&mut self, low: u64, high: u64) -> Span {
        Span::from_millis(low + self.roll(high.saturating_sub(low).max(1)))
    }

    /// One of some things.
    pub(super) fn one_of<T: Copy>(&mut self, things: &[T], otherwise: T) -> T {
        let place = self.roll(things.len() as u64) as usize;
        things.get(place).copied().unwrap_or(otherwise)
    }
}
