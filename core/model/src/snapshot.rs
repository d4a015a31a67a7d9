//! What is known now: for every point its last reading, with age and quality.

use crate::catalog::{Catalog, PointId};
use crate::sample::{Quality, Reason, Sample, Value};
use crate::time::{Mono, Span, Utc};
use alloc::vec::Vec;

/// The last reading of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Reading {
    /// The value, if any.
    pub value: Option<Value>,
    /// How far it can be believed.
    pub quality: Quality,
    /// When it arrived.
    pub arrival: Mono,
    /// When the device says it was true.
    pub source: Option<Utc>,
    /// When the value last differed from the one before it.
    pub changed: Mono,
    /// How often the point had a known value; the first after a start is not a change.
    pub count: u32,
}

impl Reading {
    /// Nothing yet.
    pub const NEVER: Self = Self {
        value: None,
        quality: Quality::Bad(Reason::NeverSeen),
        arrival: Mono::ZERO,
        source: None,
        changed: Mono::ZERO,
        count: 0,
    };
}

/// The last reading of every point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    readings: Vec<Reading>,
    max_age: Vec<Option<Span>>,
}

impl Snapshot {
    /// A snapshot in which nothing is known.
    pub fn new(catalog: &Catalog) -> Self {
        Self {
            readings: catalog.points.iter().map(|_| Reading::NEVER).collect(),
            max_age: catalog.points.iter().map(|point| point.max_age).collect(),
        }
    }

    /// The last reading of a point, however old.
    pub fn reading(&self, point: PointId) -> &Reading {
        self.readings.get(point.index()).unwrap_or(&Reading::NEVER)
    }

    /// The value that may be used to decide: good, and not older than the point's `max_age`.
    pub fn known(&self, point: PointId, now: Mono) -> Option<Value> {
        let reading = self.readings.get(point.index())?;
        if !reading.quality.is_good() || self.expires(point).is_some_and(|moment| now > moment) {
            return None;
        }
        reading.value
    }

    /// The last moment at which the present value may be used; `None` when it does not grow old.
    pub fn expires(&self, point: PointId) -> Option<Mono> {
        let reading = self.readings.get(point.index())?;
        let max_age = self.max_age.get(point.index()).copied().flatten()?;
        reading.value.map(|_| reading.arrival.after(max_age))
    }

    /// The quality at `now`: a good value that has grown old is uncertain.
    pub fn quality(&self, point: PointId, now: Mono) -> Quality {
        let reading = self.reading(point);
        if reading.quality.is_good() && self.expires(point).is_some_and(|moment| now > moment) {
            return Quality::Uncertain(Reason::Stale);
        }
        reading.quality
    }

    /// Takes a sample that passed the door; says whether the point's value or quality changed.
    pub fn set(&mut self, sample: &Sample) -> bool {
        let Some(reading) = self.readings.get_mut(sample.point.index()) else { return false };
        let quality = match (sample.quality, sample.value) {
            (Quality::Good, None) => Quality::Bad(Reason::NotAValue),
            (quality, _) => quality,
        };
        let differs = reading.value != sample.value || reading.quality != quality;
        if quality.is_good() {
            reading.count = reading.count.saturating_add(1);
        }
        // A point that comes back with its old value has not changed: only values are compared.
        if sample.value.is_some() && reading.value != sample.value && reading.count > 1 {
            reading.changed = sample.arrival;
        }
        if sample.value.is_some() {
            reading.value = sample.value;
        }
        reading.quality = quality;
        reading.arrival = sample.arrival;
        reading.source = sample.source;
        differs
    }

    /// Moves the readings to another catalog, by the map from its points to ours; what has no counterpart is unknown.
    #[must_use]
    pub fn moved(&self, catalog: &Catalog, from: impl Fn(PointId) -> Option<PointId>) -> Self {
        let mut moved = Self::new(catalog);
        for (index, place) in moved.readings.iter_mut().enumerate() {
            if let Some(reading) = from(PointId(index as u32)).and_then(|id| self.readings.get(id.index())) {
                *place = *reading;
            }
        }
        moved
    }
}
