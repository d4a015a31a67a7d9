//! What is known, and who must look again because it changed.

use crate::indices::Indices;
use crate::wiring::{Reader, Readers};
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::expr::{Seen, TrackerId, Trackers};
use ballast_model::intent::Witness;
use ballast_model::time::Wall;
use ballast_model::{Catalog, Finite, Mono, PointId, Quality, Reason, Sample, Snapshot, Span, Value};

/// A set of indices that is filled in any order and emptied in ascending order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    is_marked: Vec<bool>,
    list: Vec<u32>,
}

impl Marks {
    pub(crate) fn new(count: usize) -> Self {
        Self { is_marked: alloc::vec![false; count], list: Vec::new() }
    }

    pub(crate) fn mark(&mut self, index: u32) {
        if let Some(place) = self.is_marked.get_mut(index as usize)
            && !*place
        {
            *place = true;
            self.list.push(index);
        }
    }

    pub(crate) fn mark_all(&mut self) {
        for index in 0..self.is_marked.len() as u32 {
            self.mark(index);
        }
    }

    pub(crate) fn contains(&self, index: u32) -> bool {
        self.is_marked.get(index as usize).copied().unwrap_or(false)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Moves all marked indices to `into`, ascending.
    pub(crate) fn take(&mut self, into: &mut Vec<u32>) {
        into.clear();
        core::mem::swap(&mut self.list, into);
        into.sort_unstable();
        for index in into.iter() {
            if let Some(place) = self.is_marked.get_mut(*index as usize) {
                *place = false;
            }
        }
    }

    /// All marked indices, ascending, without taking them.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        let mut list = self.list.clone();
        list.sort_unstable();
        list
    }
}

/// Who must look again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dirty {
    pub(crate) rules: Marks,
    /// Bodies that must run again if their rule is active.
    pub(crate) bodies: Vec<bool>,
    pub(crate) derived: Indices,
    pub(crate) asleep: Indices,
    pub(crate) generators: Indices,
    pub(crate) restoration: bool,
}

impl Dirty {
    pub(crate) fn mark(&mut self, reader: Reader) {
        match reader {
            Reader::Rule(index) => self.rules.mark(index),
            Reader::Body(index) => {
                if let Some(place) = self.bodies.get_mut(index as usize) {
                    *place = true;
                }
                self.rules.mark(index);
            }
            Reader::Derived(index) => self.derived.insert(index),
            Reader::Asleep(index) => self.asleep.insert(index),
            Reader::Generator(index) => self.generators.insert(index),
            Reader::Restoration => self.restoration = true,
        }
    }

    /// Whether somebody must look again in another step.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.rules.is_empty()
            || !self.derived.is_empty()
            || !self.asleep.is_empty()
            || !self.generators.is_empty()
    }
}

/// How a tracker changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// By itself: time went on.
    Moved,
    /// A sample came, or a rule started.
    Told,
}

/// What is known.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) snapshot: Snapshot,
    pub(crate) trackers: Trackers,
    pub(crate) wall: Wall,
    pub(crate) now: Mono,
    /// Points whose value changed since the last rules ran, sorted.
    pub(crate) edges: Vec<PointId>,
    /// The last good value of every point since the start; the first one is not a change.
    pub(crate) last_good: Vec<Option<Value>>,
    pub(crate) readers: Readers,
    pub(crate) dirty: Dirty,
    /// Trackers at which no rule looks now; empty where nobody asks.
    pub(crate) unwatched: Vec<bool>,
    /// Until when each tracker changes no truth while it only moves; empty where nobody asks.
    pub(crate) settled: Vec<Mono>,
    /// Trackers that no sample has reached since their range was looked at.
    pub(crate) is_ranged: Vec<bool>,
    /// A buffer that is kept to save allocations; empty between uses.
    changed: Vec<TrackerId>,
}

impl World {
    /// A world in which nothing is known.
    pub(crate) fn new(catalog: &Arc<Catalog>, readers: Readers, trackers: Trackers, now: Mono) -> Self {
        Self {
            catalog: Arc::clone(catalog),
            snapshot: Snapshot::new(catalog),
            trackers,
            wall: Wall::UNKNOWN,
            now,
            edges: Vec::new(),
            last_good: alloc::vec![None; catalog.points.len()],
            readers,
            dirty: Dirty::default(),
            unwatched: Vec::new(),
            settled: Vec::new(),
            is_ranged: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Takes a reading and marks everyone to whom it makes a difference.
    pub(crate) fn put(&mut self, sample: &Sample) {
        let point = sample.point;
        let before = self.snapshot.known(point, self.now);
        let quality_before = self.snapshot.reading(point).quality;
        self.snapshot.set(sample);
        let after = self.snapshot.known(point, self.now);
        if self.readers.is_followed.get(point.index()) == Some(&true) {
            let until = self.snapshot.expires(point).unwrap_or(Mono::MAX);
            if sample.quality == Quality::Bad(Reason::Replaced) {
                self.trackers.replaced(point);
            }
            self.trackers.sample(self.now, point, after, until);
            self.mark_trackers(None, Change::Told);
        }
        if let (Some(value), Some(last)) = (after, self.last_good.get_mut(point.index())) {
            if last.is_some_and(|last| last != value)
                && let Err(place) = self.edges.binary_search(&point)
            {
                self.edges.insert(place, point);
            }
            *last = Some(value);
        }
        if before != after || quality_before != self.snapshot.reading(point).quality {
            for reader in self.readers.by_point.get(point.index()).into_iter().flatten() {
                self.dirty.mark(*reader);
            }
        } else if !self.readers.by_age.is_empty() {
            for reader in self.readers.by_age.get(&point).into_iter().flatten() {
                self.dirty.mark(*reader);
            }
        }
    }

    /// Sets a point that the engine computes itself; `None` makes it unknown. Nothing happens when it is so already.
    pub(crate) fn compute(&mut self, point: PointId, value: Option<Value>) {
        self.compute_or(point, value.ok_or(Reason::Inputs));
    }

    /// The same with the reason why it has no value.
    pub(crate) fn compute_or(&mut self, point: PointId, found: Result<Value, Reason>) {
        let (value, quality) = match found {
            Ok(value) => (Some(value), Quality::Good),
            Err(reason) => (None, Quality::Bad(reason)),
        };
        let reading = self.snapshot.reading(point);
        let is_same = if value.is_some() {
            reading.value == value && self.snapshot.known(point, self.now) == value
        } else {
            reading.quality == quality
        };
        if !is_same {
            self.put(&Sample { point, value, quality, source: None, arrival: self.now, sequence: 0 });
        }
    }

    /// Marks the readers of trackers that changed, except the conditions and the body of one rule, and those of rules to which
    /// that makes no difference.
    pub(crate) fn mark_trackers(&mut self, except: Option<u32>, change: Change) {
        let mut changed = core::mem::take(&mut self.changed);
        self.trackers.take_changed(&mut changed);
        for id in &changed {
            let is_needless = match change {
                Change::Moved => self.now < self.rests_until(*id),
                Change::Told => self.is_unwatched(*id),
            };
            if let (Change::Told, Some(is_ranged)) = (change, self.is_ranged.get_mut(id.0 as usize)) {
                *is_ranged = false;
            }
            for reader in self.readers.by_tracker.get(id.0 as usize).into_iter().flatten() {
                let is_left_out = match reader {
                    Reader::Rule(rule) | Reader::Body(rule) => is_needless || except == Some(*rule),
                    _ => false,
                };
                if !is_left_out {
                    self.dirty.mark(*reader);
                }
            }
        }
        self.changed = changed;
    }

    /// Whether only rules read a tracker that do not look at it now: see [`Patience`](crate::patience::Patience).
    pub(crate) fn is_unwatched(&self, id: TrackerId) -> bool {
        self.unwatched.get(id.0 as usize).copied().unwrap_or(false)
    }

    /// Until when it makes no difference that a tracker moves while nothing arrives.
    pub(crate) fn rests_until(&self, id: TrackerId) -> Mono {
        match self.is_unwatched(id) {
            true => Mono::MAX,
            false => self.settled.get(id.0 as usize).copied().unwrap_or(Mono::ZERO),
        }
    }

    /// Brings what is followed over time up to now.
    pub(crate) fn tick(&mut self, wall_changed: bool) {
        self.trackers.tick(self.now, &self.wall, &self.catalog, wall_changed);
        self.mark_trackers(None, Change::Moved);
    }

    /// Ends the sight of this step's changes: who asked for them looks again in the next step.
    pub(crate) fn forget_edges(&mut self) {
        for point in &self.edges {
            for reader in self.readers.by_change.get(point).into_iter().flatten() {
                self.dirty.mark(*reader);
            }
        }
        self.edges.clear();
    }

    /// What a program may look at.
    pub(crate) fn seen(&self, active_since: Option<Mono>) -> Seen<'_> {
        Seen {
            snapshot: &self.snapshot,
            trackers: &self.trackers,
            now: self.now,
            changed: &self.edges,
            active_since,
        }
    }

    /// The number of a point, if it is known and one.
    pub(crate) fn number(&self, point: PointId) -> Option<Finite> {
        self.snapshot.known(point, self.now).and_then(Value::number)
    }

    /// A point as a witness.
    pub(crate) fn witness(&self, point: PointId) -> Witness {
        let reading = self.snapshot.reading(point);
        let quality = self.snapshot.quality(point, self.now);
        Witness::of(self.catalog.point(point), point, reading, quality, self.now)
    }

    /// The first moment at which the present good value of a point may not be used any more, however long ago;
    /// [`Mono::MAX`] when there is none.
    pub(crate) fn expiry(&self, point: PointId) -> Mono {
        let expires = self.snapshot.expires(point).filter(|_| self.snapshot.reading(point).quality.is_good());
        expires.map_or(Mono::MAX, |moment| moment.after(Span::from_nanos(1)))
    }

    /// The moment ahead at which a point becomes too old; [`Mono::MAX`] when it does not.
    pub(crate) fn next_expiry(&self, point: PointId) -> Mono {
        let moment = self.expiry(point);
        if moment > self.now { moment } else { Mono::MAX }
    }
}
