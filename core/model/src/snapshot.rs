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
    /// For every point its place below, [`LEFT_OUT`] for one that is not kept; empty where all are.
    places: Vec<u32>,
    readings: Vec<Reading>,
    max_age: Vec<Option<Span>>,
}

/// Not a place.
const LEFT_OUT: u32 = u32::MAX;

/// A [`Snapshot`] without the points that it leaves out.
#[derive(serde::Serialize)]
#[serde(rename = "Snapshot")]
struct Kept<'a> {
    places: &'a [u32],
    readings: &'a [Reading],
    max_age: &'a [Option<Span>],
}

impl Snapshot {
    /// A snapshot in which nothing is known.
    pub fn new(catalog: &Catalog) -> Self {
        Self {
            places: Vec::new(),
            readings: catalog.points.iter().map(|_| Reading::NEVER).collect(),
            max_age: catalog.points.iter().map(|point| point.max_age).collect(),
        }
    }

    /// One that keeps some points only, for a machine that looks at few of many: the others stay unknown in it.
    pub fn of_some(catalog: &Catalog, is_kept: impl Fn(PointId) -> bool) -> Self {
        let mut snapshot = Self::default();
        for (index, spec) in (0_u32..).zip(&catalog.points) {
            if !is_kept(PointId(index)) {
                snapshot.places.push(LEFT_OUT);
                continue;
            }
            snapshot.places.push(snapshot.readings.len() as u32);
            snapshot.readings.push(Reading::NEVER);
            snapshot.max_age.push(spec.max_age);
        }
        snapshot.places.shrink_to_fit();
        snapshot.readings.shrink_to_fit();
        snapshot.max_age.shrink_to_fit();
        snapshot
    }

    fn place(&self, point: PointId) -> usize {
        if self.places.is_empty() {
            return point.index();
        }
        self.places.get(point.index()).map_or(usize::MAX, |place| *place as usize)
    }

    /// The last reading of a point, however old.
    pub fn reading(&self, point: PointId) -> &Reading {
        self.readings.get(self.place(point)).unwrap_or(&Reading::NEVER)
    }

    /// The value that may be used to decide: good, and not older than the point's `max_age`.
    pub fn known(&self, point: PointId, now: Mono) -> Option<Value> {
        let reading = self.readings.get(self.place(point))?;
        if !reading.quality.is_good() || self.expires(point).is_some_and(|moment| now > moment) {
            return None;
        }
        reading.value
    }

    /// The last moment at which the present value may be used; `None` when it does not grow old.
    pub fn expires(&self, point: PointId) -> Option<Mono> {
        let place = self.place(point);
        let reading = self.readings.get(place)?;
        let max_age = self.max_age.get(place).copied().flatten()?;
        reading.value.map(|_| reading.arrival.after(max_age))
    }

    /// The same with values that do not grow old: those that may be used at `now` may always be.
    #[must_use]
    pub fn lasting(&self, now: Mono) -> Self {
        let mut lasting = self.clone();
        for (reading, max_age) in lasting.readings.iter().zip(&mut lasting.max_age) {
            let is_old = max_age.is_some_and(|max_age| now > reading.arrival.after(max_age));
            max_age.take_if(|_| !is_old);
        }
        lasting
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
        let place = self.place(sample.point);
        let Some(reading) = self.readings.get_mut(place) else { return false };
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

    /// The readings that are kept, for writing them down: what is read back is a snapshot of a catalog of those points alone,
    /// in their order.
    pub fn kept(&self) -> impl serde::Serialize + '_ {
        Kept { places: &[], readings: &self.readings, max_age: &self.max_age }
    }

    /// Moves the readings to a snapshot of another catalog in which nothing is known, by the map from its points to ours;
    /// what has no counterpart stays unknown.
    #[must_use]
    pub fn moved(&self, mut to: Self, from: impl Fn(PointId) -> Option<PointId>) -> Self {
        let points = if to.places.is_empty() { to.readings.len() } else { to.places.len() };
        for index in 0..points as u32 {
            let place = to.place(PointId(index));
            let Some(reading) = to.readings.get_mut(place) else { continue };
            if let Some(found) = from(PointId(index)).and_then(|id| self.readings.get(self.place(id))) {
                *reading = *found;
            }
        }
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Kind, Origin, PointSpec};
    use crate::finite::Finite;
    use crate::quantity::Dimension;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for name in ["a.power", "b.power", "c.power"] {
            let kind = Kind::Number(Dimension::Power.base());
            let max_age = Some(Span::from_secs(10));
            let spec = PointSpec { max_age, ..PointSpec::new(name, kind, Origin::Measured) };
            catalog.add_point(spec).unwrap();
        }
        catalog
    }

    fn sample(point: u32, watts: i32) -> Sample {
        Sample::good(PointId(point), Value::Number(Finite::from(watts)), Mono::from_millis(1000), 1)
    }

    #[test]
    fn what_is_not_kept_stays_unknown() {
        let mut some = Snapshot::of_some(&catalog(), |point| point != PointId(1));
        let now = Mono::from_millis(2000);
        for (point, watts) in [(0, 100), (1, 200), (2, 300), (3, 400)] {
            assert_eq!(some.set(&sample(point, watts)), point == 0 || point == 2, "{point}");
        }
        let known = |snapshot: &Snapshot| [0, 1, 2, 3].map(|point| snapshot.known(PointId(point), now));
        let watts = |watts| Some(Value::Number(Finite::from(watts)));
        assert_eq!(known(&some), [watts(100), None, watts(300), None]);
        assert_eq!(some.expires(PointId(2)), Some(Mono::from_millis(11_000)));
        assert_eq!(some.known(PointId(2), Mono::from_millis(11_001)), None);

        let whole = some.moved(Snapshot::new(&catalog()), Some);
        assert_eq!(known(&whole), known(&some));
        let written = postcard::to_allocvec(&some.kept()).unwrap();
        let kept: Snapshot = postcard::from_bytes(&written).unwrap();
        let of_two = [0, 1, 2].map(|point| kept.known(PointId(point), now));
        assert_eq!(of_two, [watts(100), watts(300), None]);
        let other = whole.moved(Snapshot::of_some(&catalog(), |point| point != PointId(0)), Some);
        assert_eq!(known(&other), [None, None, watts(300), None]);
        let turned = whole.moved(Snapshot::new(&catalog()), |point| Some(PointId(2 - point.0)));
        assert_eq!(known(&turned), [watts(300), None, watts(100), None]);
    }
}
