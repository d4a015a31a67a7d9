//! Where listeners and pollers put what they read, and what a bus hands to the shell.

use crate::point::{PointReader, Raw};
use ballast_model::catalog::{OutputId, PointId};
use ballast_model::counter::{Counter, Step};
use ballast_model::{Finite, Mono, Quality, Reason, Sample, Span, Utc, Value, Wanted};

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
    /// What came for these points and outputs is no value: what it was and what was expected. Told at the first, and not for
    /// every one.
    Misheard {
        /// Which points.
        points: Vec<PointId>,
        /// Whose state it was.
        outputs: Vec<OutputId>,
        /// What was said, for people; one short line.
        text: Box<str>,
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
    /// Why these points and outputs have no value, where that was told of the bus as a whole already, or is over.
    Unclear {
        /// Which points.
        points: Vec<PointId>,
        /// Whose state it is.
        outputs: Vec<OutputId>,
        /// Why; `None` once it is over.
        text: Option<Box<str>>,
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
    /// What is known of a counter; `None` for a point that is none.
    count: Option<Box<Count>>,
}

/// A counter, and what was said of it.
#[derive(Debug, Default)]
struct Count {
    counter: Counter,
    /// When it was said that it fell.
    fell: Option<Mono>,
    /// It was said, and not yet that it is back.
    is_down: bool,
}

/// A counter that falls again within this time is not told again.
const FALLS: Span = Span::from_secs(3600);

impl Readings {
    /// For these points, in the order of the definition.
    pub fn new(points: impl IntoIterator<Item = (PointId, PointReader)>) -> Self {
        let slot = |(point, reader): (PointId, PointReader)| {
            let count = reader.is_counter().then(Box::default);
            Slot { point, reader, sequence: 0, is_offline: false, count }
        };
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

    /// What is wrong with what was put last.
    pub(crate) fn last_reason(&self) -> Option<Reason> {
        self.batch.samples.last().and_then(|sample| sample.quality.reason())
    }

    /// How a slot is read.
    pub(crate) fn reader(&self, slot: usize) -> Option<&PointReader> {
        self.slots.get(slot).map(|slot| &slot.reader)
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
        if let (Some(Value::Number(value)), Quality::Good) = (value, quality)
            && let Some(text) = slot.count(value, now)
        {
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
        if reason == Reason::Replaced {
            slot.count.iter_mut().for_each(|count| count.counter = Counter::default());
        }
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
    /// What is to be said of a counter that shows this; nothing of what is none.
    fn count(&mut self, value: Finite, now: Mono) -> Option<String> {
        let count = self.count.as_mut()?;
        match count.counter.step(value) {
            Step::Fell(from) if count.fell.is_none_or(|at| now.since(at) >= FALLS) => {
                let text = self.reader.fallen(from, value)?;
                (count.fell, count.is_down) = (Some(now), true);
                Some(text)
            }
            Step::Back { from, .. } if std::mem::take(&mut count.is_down) => self.reader.back(from, value),
            _ => {
                count.is_down &= count.counter.is_in_doubt();
                None
            }
        }
    }

    /// Rises with every sample, and over restarts of the program within one boot: it starts at the time.
    fn next_sequence(&mut self, now: Mono) -> u64 {
        self.sequence = self.sequence.saturating_add(1).max(now.nanos());
        self.sequence
    }
}

#[cfg(test)]
mod tests;
