//! The door: what every sample passes before anyone decides with it.
//!
//! Drops repetitions and samples out of order, marks values that cannot be (range, jump, stuck), never invents one. The
//! engine and the guard each have their own door, so that neither depends on the other's.

use crate::catalog::{Catalog, PointId};
use crate::finite::Finite;
use crate::sample::{Quality, Reason, Sample, Value};
use crate::time::{Mono, Span, Utc};
use alloc::vec::Vec;

/// An impossible jump is believed when this many samples in a row agree with it (`tests/faults.yaml`, fault 4: one
/// outlier is held back, three in a row are real).
pub const JUMP_CONFIRMATIONS: u8 = 3;

/// What the door remembers of one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct Seen {
    sequence: u64,
    source: Option<Utc>,
    last_good: Option<(Finite, Mono)>,
    /// The value that jumped and how often it was confirmed.
    suspect: Option<(Finite, u8)>,
    still_since: Option<(Value, Mono)>,
}

impl Seen {
    const NEVER: Self = Self { sequence: 0, source: None, last_good: None, suspect: None, still_since: None };
}

/// Limits of one point, copied from the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct Bounds {
    valid: Option<(Finite, Finite)>,
    max_slew: Option<Finite>,
    stuck_after: Option<Span>,
}

/// The door of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Intake {
    /// For every point its place below; [`SHUT`] for one of which no sample is let in.
    places: Vec<u32>,
    seen: Vec<Seen>,
    bounds: Vec<Bounds>,
}

/// Not a place.
const SHUT: u32 = u32::MAX;

impl Intake {
    /// A door that has seen nothing, open for the samples of some points: those that a machine makes itself need none, and
    /// every output has four of them.
    pub fn new(catalog: &Catalog, is_let_in: impl Fn(PointId) -> bool) -> Self {
        let mut door = Self::default();
        for (index, spec) in (0_u32..).zip(&catalog.points) {
            if !is_let_in(PointId(index)) {
                door.places.push(SHUT);
                continue;
            }
            door.places.push(door.seen.len() as u32);
            door.seen.push(Seen::NEVER);
            door.bounds.push(Bounds {
                valid: spec.valid,
                max_slew: spec.max_slew,
                stuck_after: spec.stuck_after,
            });
        }
        door.places.shrink_to_fit();
        door.seen.shrink_to_fit();
        door.bounds.shrink_to_fit();
        door
    }

    /// Whether the other door is open for the same points: what it remembers then fits this one.
    pub fn is_like(&self, other: &Self) -> bool {
        self.places == other.places
    }

    fn place(&self, point: PointId) -> usize {
        self.places.get(point.index()).map_or(usize::MAX, |place| *place as usize)
    }

    /// The sample as it may be used, or `None` for a repetition, one out of order or one of a point that is not let in.
    pub fn admit(&mut self, sample: &Sample) -> Option<Sample> {
        let place = self.place(sample.point);
        let seen = self.seen.get_mut(place)?;
        let bounds = self.bounds.get(place)?;
        if sample.sequence <= seen.sequence {
            return None;
        }
        if let (Some(new), Some(last)) = (sample.source, seen.source)
            && new < last
        {
            return None;
        }
        seen.sequence = sample.sequence;
        seen.source = sample.source.or(seen.source);
        let mut admitted = *sample;
        if sample.quality.is_good() {
            admitted.quality = judge(seen, bounds, sample);
            if !matches!(admitted.quality, Quality::Good) {
                admitted.value = admitted.value.filter(|_| matches!(admitted.quality, Quality::Uncertain(_)));
            }
        }
        Some(admitted)
    }

    /// Takes over what another door remembers: `from` says which of its points a point of this one is. Where the checks are
    /// other ones, only which sample was the last.
    pub fn take_over(&mut self, other: &Self, from: impl Fn(PointId) -> Option<PointId>) {
        for (point, place) in (0..).map(PointId).zip(&self.places) {
            let Some(place) = usize::try_from(*place).ok().filter(|place| *place < self.seen.len()) else {
                continue;
            };
            let Some(old) = from(point).map(|point| other.place(point)) else { continue };
            let Some((remembered, bounds)) = other.seen.get(old).zip(other.bounds.get(old)) else { continue };
            let is_same = self.bounds.get(place) == Some(bounds);
            if let Some(seen) = self.seen.get_mut(place) {
                *seen = if is_same {
                    *remembered
                } else {
                    Seen { sequence: remembered.sequence, source: remembered.source, ..Seen::NEVER }
                };
            }
        }
    }

    /// Forgets what belongs to another boot or another stream of a device: sequences start anew.
    pub fn forget(&mut self, point: PointId) {
        let place = self.place(point);
        if let Some(seen) = self.seen.get_mut(place) {
            *seen = Seen::NEVER;
        }
    }
}

/// The quality of a sample whose sender calls it good.
fn judge(seen: &mut Seen, bounds: &Bounds, sample: &Sample) -> Quality {
    let Some(value) = sample.value else { return Quality::Bad(Reason::NotAValue) };
    if let Value::Number(number) = value {
        if bounds.valid.is_some_and(|(low, high)| number < low || number > high) {
            return Quality::Bad(Reason::OutOfRange);
        }
        if is_jump(seen, bounds, number, sample.arrival) {
            return Quality::Uncertain(Reason::Jump);
        }
        seen.last_good = Some((number, sample.arrival));
    }
    if let Some(stuck_after) = bounds.stuck_after {
        match seen.still_since {
            Some((last, since)) if last == value => {
                if sample.arrival.since(since) >= stuck_after {
                    return Quality::Bad(Reason::Stuck);
                }
            }
            _ => seen.still_since = Some((value, sample.arrival)),
        }
    }
    Quality::Good
}

/// Whether the number lies further from the last good one than the point can move in the time between. A jump that is
/// confirmed by samples near its landing place is believed.
fn is_jump(seen: &mut Seen, bounds: &Bounds, number: Finite, arrival: Mono) -> bool {
    let (Some(max_slew), Some((last, at))) = (bounds.max_slew, seen.last_good) else { return false };
    let seconds = arrival.since(at).secs_f64();
    let reach = |from: Finite| (number.get() - from.get()).abs() <= max_slew.get() * seconds.max(0.001);
    if reach(last) {
        seen.suspect = None;
        return false;
    }
    let confirmations = match seen.suspect {
        Some((suspect, count)) if reach(suspect) => count.saturating_add(1),
        _ => 1,
    };
    seen.suspect = Some((number, confirmations));
    if confirmations >= JUMP_CONFIRMATIONS {
        seen.suspect = None;
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Kind, Origin, PointSpec};
    use crate::quantity::Dimension;

    fn door(change: impl FnOnce(&mut PointSpec)) -> Intake {
        let mut spec =
            PointSpec::new("grid.frequency", Kind::Number(Dimension::Frequency.base()), Origin::Measured);
        change(&mut spec);
        let mut catalog = Catalog::default();
        catalog.add_point(spec).unwrap();
        Intake::new(&catalog, |_| true)
    }
    fn sample(value: f64, millis: u64, sequence: u64) -> Sample {
        let value = Value::Number(Finite::new(value).unwrap());
        Sample::good(PointId(0), value, Mono::from_millis(millis), sequence)
    }

    #[test]
    fn repetitions_and_old_samples_are_dropped() {
        let mut door = door(|_| {});
        assert!(door.admit(&sample(50.0, 0, 2)).is_some());
        assert!(door.admit(&sample(50.0, 10, 2)).is_none());
        assert!(door.admit(&sample(49.0, 20, 1)).is_none());
        assert!(door.admit(&sample(49.9, 30, 3)).is_some());
    }

    #[test]
    fn a_point_that_is_not_let_in_has_no_door() {
        let mut catalog = Catalog::default();
        for name in ["a.power", "a.state", "b.power"] {
            let kind = Kind::Number(Dimension::Power.base());
            catalog.add_point(PointSpec::new(name, kind, Origin::Measured)).unwrap();
        }
        let mut door = Intake::new(&catalog, |point| point != PointId(1));
        let of = |point, sequence| Sample { point: PointId(point), ..sample(1.0, 0, sequence) };
        assert!(door.admit(&of(0, 1)).is_some());
        assert!(door.admit(&of(1, 1)).is_none());
        assert!(door.admit(&of(2, 1)).is_some());
        assert!(door.admit(&of(2, 1)).is_none(), "a repetition of its own");
        assert!(door.admit(&of(3, 1)).is_none(), "no such point");
        assert!(!door.is_like(&Intake::new(&catalog, |_| true)));
        door.forget(PointId(0));
        assert!(door.admit(&of(0, 1)).is_some());
    }

    #[test]
    fn one_outlier_is_held_back_and_three_are_believed() {
        let mut door = door(|spec| spec.max_slew = Finite::new(5.0));
        let mut quality =
            |value, millis, sequence| door.admit(&sample(value, millis, sequence)).unwrap().quality;
        assert_eq!(quality(50.0, 0, 1), Quality::Good);
        assert_eq!(quality(30.0, 100, 2), Quality::Uncertain(Reason::Jump));
        assert_eq!(quality(50.0, 200, 3), Quality::Good);
        assert_eq!(quality(40.0, 300, 4), Quality::Uncertain(Reason::Jump));
        assert_eq!(quality(40.1, 400, 5), Quality::Uncertain(Reason::Jump));
        assert_eq!(quality(40.1, 500, 6), Quality::Good);
    }

    #[test]
    fn a_door_takes_over_what_is_checked_in_the_same_way() {
        let stuck = |seconds| door(|spec| spec.stuck_after = Some(Span::from_secs(seconds)));
        let mut old = stuck(5);
        old.admit(&sample(50.0, 0, 7));
        let quality = |door: &mut Intake, millis, sequence| {
            door.admit(&sample(50.0, millis, sequence)).map(|sample| sample.quality)
        };
        let (mut same, mut other, mut lost) = (stuck(5), stuck(6), stuck(5));
        same.take_over(&old, Some);
        other.take_over(&old, Some);
        lost.take_over(&old, |_| None);
        for door in [&mut same, &mut other] {
            assert_eq!(quality(door, 100, 7), None, "a repetition stays one");
        }
        assert_eq!(quality(&mut same, 6000, 8), Some(Quality::Bad(Reason::Stuck)));
        assert_eq!(quality(&mut other, 6000, 8), Some(Quality::Good));
        assert_eq!(quality(&mut lost, 6000, 7), Some(Quality::Good));
    }

    #[test]
    fn fault_02_what_cannot_be_is_bad_at_once_and_what_can_is_good_again() {
        let mut door = door(|spec| spec.valid = Finite::new(40.0).zip(Finite::new(60.0)));
        for (number, value) in [(1, 85.0), (2, 39.999), (3, 60.001), (4, -127.0)] {
            let quality = door.admit(&sample(value, 0, number)).unwrap().quality;
            assert_eq!(quality, Quality::Bad(Reason::OutOfRange), "{value}");
        }
        for (number, value) in [(5, 40.0), (6, 60.0)] {
            assert_eq!(door.admit(&sample(value, 0, number)).unwrap().quality, Quality::Good, "{value}");
        }
    }

    #[test]
    fn fault_03_what_does_not_move_is_bad() {
        let mut door = door(|spec| {
            spec.valid = Finite::new(40.0).zip(Finite::new(60.0));
            spec.stuck_after = Some(Span::from_secs(5));
        });
        assert_eq!(door.admit(&sample(85.0, 0, 1)).unwrap().quality, Quality::Bad(Reason::OutOfRange));
        assert_eq!(door.admit(&sample(50.0, 0, 2)).unwrap().quality, Quality::Good);
        assert_eq!(door.admit(&sample(50.0, 4000, 3)).unwrap().quality, Quality::Good);
        assert_eq!(door.admit(&sample(50.0, 5000, 4)).unwrap().quality, Quality::Bad(Reason::Stuck));
        assert_eq!(door.admit(&sample(50.001, 6000, 5)).unwrap().quality, Quality::Good);
    }
}
