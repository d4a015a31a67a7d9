//! Where listeners and pollers put what they read, and what a bus hands to the shell.

use crate::point::{PointReader, Raw};
use ballast_model::catalog::{OutputId, PointId};
use ballast_model::{Mono, Quality, Reason, Sample, Span, Utc, Value, Wanted};

/// What a bus tells the shell at once. Samples of one point are in their order of arrival.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Batch {
    /// Readings.
    pub samples: Vec<Sample>,
    /// Everything else.
    pub reports: Vec<Report>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.reports.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.samples.clear();
        self.reports.clear();
    }
}

/// News that is not a reading.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Report {
    /// The bus is there, or gone: its points are offline then. Of a bus on which we ask: one of its devices, by name.
    Link {
        /// Whether it is there.
        is_up: bool,
        /// What happened, for people.
        text: Box<str>,
        /// When.
        at: Mono,
    },
    /// What became of a permit. Every permit that [`crate::bus::BusHandle::apply`] took has exactly one, unless the bus
    /// is ended meanwhile.
    Written {
        /// Which output.
        output: OutputId,
        /// The permit's counter.
        counter: u64,
        /// Whether the command left.
        result: WriteResult,
        /// When.
        at: Mono,
    },
    /// What an output says it is.
    Actual {
        /// Which output.
        output: OutputId,
        /// Its state; `None` where it said something that is none of its states, or is gone.
        actual: Option<Wanted>,
        /// How far that can be believed; a retained message is uncertain.
        quality: Quality,
        /// When.
        at: Mono,
    },
    /// An output can be reached again, or cannot, as its bus or its device says before anything is written.
    Reach {
        /// Which output.
        output: OutputId,
        /// Whether it can be reached.
        is_there: bool,
        /// When.
        at: Mono,
    },
    /// A clock that can be trusted said the time: the meter's.
    WallClock {
        /// What it said.
        utc: Utc,
        /// When.
        at: Mono,
    },
}

/// What became of a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum WriteResult {
    /// Handed to the device's transport; where the transport confirms (MQTT with quality of service 1), confirmed.
    Done,
    /// The permit was too old at the moment of the write; nothing was written.
    Expired,
    /// The bus was not there; nothing was written.
    Offline,
    /// Written, and not confirmed in time: it may have arrived.
    Unconfirmed,
    /// The output cannot be told that; nothing was written.
    Impossible,
}

/// What a reading is worth by the way in which it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It was just said.
    Live,
    /// Kept for us by someone; true once, perhaps long ago.
    Kept,
}

/// The points of one bus, by their place in its definition, and the batch that grows.
#[derive(Debug, Default)]
pub struct Readings {
    slots: Vec<Slot>,
    batch: Batch,
}

#[derive(Debug)]
struct Slot {
    point: PointId,
    reader: PointReader,
    sequence: u64,
    is_offline: bool,
    /// The last good value.
    last: Option<Value>,
    /// When it was said that it fell.
    fell: Option<Mono>,
}

/// A counter that falls again within this time is not told again.
const FALLS: Span = Span::from_secs(3600);

impl Readings {
    /// For these points, in the order of the definition.
    pub fn new(points: impl IntoIterator<Item = (PointId, PointReader)>) -> Self {
        let slot =
            |(point, reader)| Slot { point, reader, sequence: 0, is_offline: false, last: None, fell: None };
        Self { slots: points.into_iter().map(slot).collect(), batch: Batch::default() }
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The point of a slot.
    pub fn point(&self, slot: usize) -> Option<PointId> {
        self.slots.get(slot).map(|slot| slot.point)
    }

    /// A point was read. Returns whether what the device said was a value. An unknown slot is ignored.
    pub fn put(&mut self, slot: usize, raw: Raw<'_>, freshness: Freshness, now: Mono) -> bool {
        self.put_at(slot, raw, freshness, None, now)
    }

    /// The same, with the device's own time of the value.
    pub fn put_at(
        &mut self,
        slot: usize,
        raw: Raw<'_>,
        freshness: Freshness,
        source: Option<Utc>,
        now: Mono,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(slot) else { return false };
        let (value, quality) = match (slot.reader.read(raw), freshness) {
            (Ok(value), Freshness::Live) => (Some(value), Quality::Good),
            (Ok(value), Freshness::Kept) => (Some(value), Quality::Uncertain(Reason::Retained)),
            (Err(reason), _) => (None, Quality::Bad(reason)),
        };
        if let (Some(after), Quality::Good) = (value, quality)
            && let Some(text) = slot.last.replace(after).and_then(|before| slot.reader.fallen(before, after))
            && slot.fell.is_none_or(|at| now.since(at) >= FALLS)
        {
            slot.fell = Some(now);
            self.batch.reports.push(Report::Link { is_up: true, text: text.into(), at: now });
        }
        let sequence = slot.next_sequence(now);
        slot.is_offline = false;
        self.batch.samples.push(Sample { point: slot.point, value, quality, source, arrival: now, sequence });
        value.is_some()
    }

    /// A point has no value, for this reason.
    pub fn bad(&mut self, slot: usize, reason: Reason, now: Mono) {
        let Some(slot) = self.slots.get_mut(slot) else { return };
        let sequence = slot.next_sequence(now);
        slot.is_offline = reason == Reason::Offline;
        self.batch.samples.push(Sample::bad(slot.point, reason, now, sequence));
    }

    /// Every point is out of reach. A point that was already is not told twice.
    pub fn all_offline(&mut self, now: Mono) {
        for slot in 0..self.slots.len() {
            if self.slots.get(slot).is_some_and(|slot| !slot.is_offline) {
                self.bad(slot, Reason::Offline, now);
            }
        }
    }

    /// News that is not a reading.
    pub fn report(&mut self, report: Report) {
        self.batch.reports.push(report);
    }

    /// What has gathered.
    pub fn batch(&mut self) -> &mut Batch {
        &mut self.batch
    }
}

impl Slot {
    /// Rises with every sample, and over restarts of the program within one boot: it starts at the time.
    fn next_sequence(&mut self, now: Mono) -> u64 {
        self.sequence = self.sequence.saturating_add(1).max(now.nanos());
        self.sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Mistakes;
    use ballast_model::catalog::{Kind, Origin, PointSpec};
    use ballast_model::device::{PointDefinition, Settings, Unsaid};
    use ballast_model::diagnostic::{FileId, Span as Place};
    use ballast_model::{Catalog, DeviceId, Dimension, Unit};

    fn readings() -> Readings {
        Readings::new([(PointId(7), PointReader::of_unit(Dimension::Voltage.base()))])
    }

    #[test]
    fn sequences_rise_and_follow_the_clock() {
        let mut readings = readings();
        for millis in [5, 5, 5, 9] {
            assert!(readings.put(0, Raw::Number(230.0), Freshness::Live, Mono::from_millis(millis)));
        }
        let sequences: Vec<u64> = readings.batch().samples.iter().map(|sample| sample.sequence).collect();
        assert_eq!(sequences, [5_000_000, 5_000_001, 5_000_002, 9_000_000]);
    }

    #[test]
    fn what_is_kept_is_uncertain_and_what_is_no_number_is_bad() {
        let mut readings = readings();
        assert!(readings.put(0, Raw::Text(b" 231.5 "), Freshness::Kept, Mono::ZERO));
        assert!(!readings.put(0, Raw::Text(b"nan"), Freshness::Live, Mono::ZERO));
        assert!(!readings.put(0, Raw::Number(f64::INFINITY), Freshness::Live, Mono::ZERO));
        assert!(!readings.put(1, Raw::Number(1.0), Freshness::Live, Mono::ZERO));
        let found: Vec<_> =
            readings.batch().samples.iter().map(|sample| (sample.value, sample.quality)).collect();
        let value = ballast_model::Finite::new(231.5).map(Value::Number);
        let bad = (None, Quality::Bad(Reason::NotAValue));
        assert_eq!(found, [(value, Quality::Uncertain(Reason::Retained)), bad, bad]);
    }

    #[test]
    fn a_counter_that_falls_is_told_and_not_again_and_again() {
        let mut spec =
            PointSpec::new("m.energy", Kind::Number(Unit::parse("kWh").unwrap()), Origin::Measured);
        spec.is_counter = true;
        let mut catalog = Catalog::default();
        let point = catalog.add_point(spec).unwrap();
        let settings = Settings::at([], FileId(0), Place::default());
        let definition = PointDefinition { point, device: DeviceId(0), settings, unsaid: Unsaid::Nothing };
        let reader = PointReader::new(&definition, &catalog, &mut Mistakes(Vec::new())).unwrap();
        let mut readings = Readings::new([(point, reader)]);
        let mut said = |kwh: f64, secs: u64| {
            readings.put(0, Raw::Number(kwh), Freshness::Live, Mono::from_millis(secs * 1000));
            let reports = std::mem::take(&mut readings.batch().reports);
            reports.iter().map(|report| format!("{report:?}")).collect::<Vec<String>>()
        };
        assert_eq!(said(1234.5, 0), [""; 0]);
        assert_eq!(said(1234.4, 1), [""; 0], "the last digit of a float");
        let told = said(3.2, 2);
        assert!(
            told[0].contains("m.energy fell from 1234.4 kWh to 3.2 kWh: it was reset or ran"),
            "{told:?}"
        );
        assert_eq!(said(3.3, 3), [""; 0]);
        assert_eq!(said(0.1, 4), [""; 0], "said a moment ago");
        assert_eq!(said(5.0, 4000), [""; 0]);
        assert_eq!(said(0.0, 4001).len(), 1);
    }

    #[test]
    fn offline_is_told_once() {
        let mut readings = readings();
        readings.all_offline(Mono::ZERO);
        readings.all_offline(Mono::ZERO);
        assert_eq!(readings.batch().samples.len(), 1);
        readings.put(0, Raw::Number(1.0), Freshness::Live, Mono::ZERO);
        readings.all_offline(Mono::ZERO);
        assert_eq!(readings.batch().samples.len(), 3);
    }
}
