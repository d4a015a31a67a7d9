//! Readings that the door held back: told once when that begins and once when it is over, not for every reading.
//!
//! Nothing decides with this. What it holds is for people: which value, and what spoke against it.

use crate::events::Event;
use alloc::collections::{BTreeMap, BTreeSet};
use ballast_model::{Mono, PointId, Reason, Sample, Span, Value};

/// A point that sends nothing wrong for this long is well again (a guess: one that is wrong now and then is told at most
/// six times a minute).
pub const WELL_AFTER: Span = Span::from_secs(10);

/// What is wrong with a point.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Doubt {
    /// The last value that was held back.
    pub value: Value,
    /// Why.
    pub reason: Reason,
    /// The last good value before it, where there was one.
    pub before: Option<Value>,
    /// When the last one was held back.
    pub last: Mono,
    /// How many were.
    pub count: u64,
    /// What was told of it.
    told: BTreeSet<Reason>,
}

/// The points of which something is held back.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Doubts(BTreeMap<PointId, Doubt>);

impl Doubts {
    pub(crate) fn get(&self, point: PointId) -> Option<&Doubt> {
        self.0.get(&point)
    }

    /// A reading passed the door; `before` is the last good value. Says what is to be told.
    pub(crate) fn follow(
        &mut self,
        came: &Sample,
        admitted: &Sample,
        before: Option<Value>,
    ) -> Option<Event> {
        let point = came.point;
        let value = came.value.filter(|_| came.quality.is_good())?;
        let Some(reason) = admitted.quality.reason() else { return self.believe(point, value, came.arrival) };
        let doubt = self.0.entry(point).or_insert_with(|| Doubt {
            value,
            reason,
            before,
            last: came.arrival,
            count: 0,
            told: BTreeSet::new(),
        });
        (doubt.value, doubt.reason, doubt.before) = (value, reason, before.or(doubt.before));
        (doubt.last, doubt.count) = (came.arrival, doubt.count.saturating_add(1));
        let before = doubt.before;
        doubt.told.insert(reason).then_some(Event::HeldBack { point, value, reason, before })
    }

    fn believe(&mut self, point: PointId, value: Value, now: Mono) -> Option<Event> {
        let doubt = self.0.get(&point).filter(|doubt| now.since(doubt.last) >= WELL_AFTER)?;
        let held_back = doubt.count;
        self.0.remove(&point);
        Some(Event::Believed { point, value, held_back })
    }

    /// The same of another plan: what is still the same point, with the same bounds.
    pub(crate) fn moved(&self, point_to: impl Fn(PointId) -> Option<PointId>) -> Self {
        Self(self.0.iter().filter_map(|(point, doubt)| Some((point_to(*point)?, doubt.clone()))).collect())
    }
}
