//! What a machine knows of the measured points, as far as it was told: by the words of the manual alone.

use super::super::site::{BATTERY_HEAT, CURRENT, ENERGY, HERTZ, LEVEL, POINTS, POWER, TANK};
use ballast_model::sample::Sample;
use ballast_model::{Mono, Span, Value};

/// A temperature of the battery that stands still for this long is stuck.
const STUCK_AFTER: Span = Span::from_secs(60);

fn max_age(point: usize) -> Span {
    match point {
        POWER | TANK | LEVEL | CURRENT => Span::from_secs(5),
        ENERGY => Span::from_secs(30),
        _ if HERTZ.contains(&point) => Span::from_secs(2),
        _ => Span::from_secs(10),
    }
}

fn range(point: usize) -> (f64, f64) {
    match point {
        TANK => (-40.0, 150.0),
        BATTERY_HEAT => (-40.0, 120.0),
        _ if HERTZ.contains(&point) => (40.0, 60.0),
        _ => (f64::MIN, f64::MAX),
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    /// The value and when it came; `None` after news of a loss.
    good: Option<(f64, Mono)>,
    sequence: u64,
    still: Option<(f64, Mono)>,
    /// The last value that differed from the one before it, and when it came.
    moved: Option<(f64, Mono)>,
}

/// One machine's knowledge.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings([Reading; POINTS]);

impl Readings {
    /// Takes a sample of a point.
    pub(super) fn hear(&mut self, point: usize, sample: &Sample) {
        let Some(reading) = self.0.get_mut(point).filter(|reading| sample.sequence > reading.sequence) else {
            return;
        };
        reading.sequence = sample.sequence;
        let (low, high) = range(point);
        let number = sample.value.and_then(Value::number).map(|number| number.get());
        let number = number.filter(|number| sample.quality.is_good() && (low..=high).contains(number));
        reading.good = number.map(|number| (number, sample.arrival));
        if let Some(number) = number
            && reading.moved.is_none_or(|(last, _)| last.to_bits() != number.to_bits())
        {
            reading.moved = Some((number, sample.arrival));
        }
        if let (BATTERY_HEAT, Some(number)) = (point, number) {
            match reading.still.filter(|(last, _)| last.to_bits() == number.to_bits()) {
                Some((_, since)) if sample.arrival.since(since) >= STUCK_AFTER => reading.good = None,
                Some(_) => {}
                None => reading.still = Some((number, sample.arrival)),
            }
        }
    }

    /// What a point is known to be.
    pub(super) fn known(&self, point: usize, now: Mono) -> Option<f64> {
        let (value, at) = self.0.get(point)?.good?;
        (now <= at.after(max_age(point))).then_some(value)
    }

    /// Since when a point stands still.
    pub(super) fn moved_at(&self, point: usize) -> Option<Mono> {
        self.0.get(point)?.moved.map(|(_, at)| at)
    }

    /// The machine was started anew; what was read before counts while it is fresh, unless the power was gone.
    pub(super) fn restart(&mut self, is_power_cut: bool) {
        for reading in &mut self.0 {
            *reading = Reading { good: reading.good.filter(|_| !is_power_cut), ..Reading::default() };
        }
    }
}
