//! The door: what every sample passes before anyone decides with it.
//!
//! Drops repetitions and samples out of order, marks values that cannot be (range, jump, stuck), never invents one. The
//! engine and the guard each have their own door, so that neither depends on the other's.

use crate::catalog::{Catalog, PointId};
use crate::finite::Finite;
use crate::sample::{Quality, Reason, Sample, Value};
use crate::time::{Mono, Span, Utc};
use alloc::vec::Vec;

/// An impossible jump is believed when this many samples in a row agree with it (fault catalogue: one outlier is held
/// back, three in a row are real).
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
    seen: Vec<Seen>,
    bounds: Vec<Bounds>,
}

impl Intake {
    /// A door that has seen nothing.
    pub fn new(catalog: &Catalog) -> Self {
        let bounds = |p: &crate::catalog::PointSpec| Bounds {
            valid: p.valid,
            max_slew: p.max_slew,
            stuck_after: p.stuck_after,
        };
        Self {
            seen: catalog.points.iter().map(|_| Seen::NEVER).collect(),
            bounds: catalog.points.iter().map(bounds).collect(),
        }
    }

    /// The sample as it may be used, or `None` for a repetition, one out of order or one of an unknown point.
    pub fn admit(&mut self, sample: &Sample) -> Option<Sample> {
        let seen = self.seen.get_mut(sample.point.index())?;
        let bounds = self.bounds.get(sample.point.index())?;
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

    /// Forgets what belongs to another boot or another stream of a device: sequences start anew.
    pub fn forget(&mut self, point: PointId) {
        if let Some(seen) = self.seen.get_mut(point.index()) {
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
        Intake::new(&catalog)
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
    fn what_cannot_be_and_what_does_not_move_is_bad() {
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
