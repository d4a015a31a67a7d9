//! The state, written down straight from where it is: for a thread that must not allocate.

use crate::machine::Guard;
use crate::state::{Live, STATE_VERSION};
use crate::tables::Plan;
use ballast_model::{OutputId, PointId};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// What [`State`](crate::State) would be, byte for byte, in every encoding that follows the order of fields.
#[derive(Debug)]
pub struct Written<'a> {
    plan: &'a Plan,
    live: &'a Live,
}

impl Guard {
    /// The state for writing it down at once, without a copy of it: what is read back from that is a
    /// [`State`](crate::State).
    pub fn written(&self) -> Written<'_> {
        Written { plan: &self.plan, live: &self.live }
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { plan, live } = *self;
        let shedding = plan.set.shedding.as_ref();
        let loads = shedding.map_or(&[][..], |shedding| &shedding.loads);
        let sources = shedding.map_or(&[][..], |shedding| &shedding.source);
        let outputs = live.outputs.iter().zip(0..).map(|(state, id)| (self.output(OutputId(id)), state));
        let limits = plan.set.limits.iter().zip(&live.limits).map(|(limit, state)| (&*limit.name, state));
        let asleep = plan.set.asleep.iter().zip(&live.asleep);
        let reported = plan.tables.reported.iter().zip(&live.reported);
        let mut to = to.serialize_struct("State", 18)?;
        to.serialize_field("version", &STATE_VERSION)?;
        to.serialize_field("fingerprint", &plan.set.fingerprint)?;
        to.serialize_field("saved_at", &live.now)?;
        to.serialize_field("started_at", &live.started_at)?;
        to.serialize_field("session", &live.session)?;
        to.serialize_field("outputs", &List(outputs))?;
        to.serialize_field("limits", &List(limits))?;
        to.serialize_field("asleep", &List(asleep.map(|(asleep, state)| (self.point(asleep.point), state))))?;
        to.serialize_field("shedding", &live.shedding)?;
        to.serialize_field("loads", &List(loads.iter().map(|load| self.output(load.output))))?;
        to.serialize_field("sources", &List(sources.iter().map(|point| self.point(*point))))?;
        to.serialize_field("reports", &live.reports)?;
        to.serialize_field("reported", &List(reported.map(|(point, told)| (self.point(*point), told))))?;
        to.serialize_field("points", &List(plan.tables.reads.iter().map(|point| self.point(*point))))?;
        to.serialize_field("snapshot", &live.snapshot.kept())?;
        to.serialize_field("door", &live.door)?;
        to.serialize_field("wall", &live.wall)?;
        to.serialize_field("counters", &live.counters)?;
        to.end()
    }
}

impl Written<'_> {
    fn output(&self, id: OutputId) -> &str {
        self.plan.catalog.output(id).map_or("", |spec| &spec.name)
    }

    fn point(&self, id: PointId) -> &str {
        self.plan.catalog.point(id).map_or("", |spec| &spec.name)
    }
}

/// A list that is made while it is written.
struct List<I>(I);

impl<I> Serialize for List<I>
where
    I: Iterator + Clone,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.clone())
    }
}
