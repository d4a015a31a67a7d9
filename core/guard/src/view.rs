//! What others may read of the guard, for explanations, pages and metrics.

use crate::bounds::START_GRACE;
use crate::limits;
use crate::machine::Guard;
use crate::plan::{Envelope, SafetySet, Strength};
use crate::state::{Counters, LimitView, Live, OutputState, SheddingState};
use ballast_model::expr::Seen;
use ballast_model::{Catalog, OutputId, Verdict};

impl Guard {
    /// The last answer for an output.
    pub fn verdict(&self, output: OutputId) -> Option<&Verdict> {
        self.live.outputs.get(output.index())?.verdict.as_ref()
    }

    /// Everything remembered of an output.
    pub fn output(&self, output: OutputId) -> Option<&OutputState> {
        self.live.outputs.get(output.index())
    }

    /// Whether it has just started: what is not known yet may still come, and its limits wait for it.
    pub fn is_starting(&self) -> bool {
        self.live.now < self.live.started_at.after(START_GRACE)
    }

    /// The envelope in force.
    pub fn envelope(&self, output: OutputId) -> Option<&Envelope> {
        self.plan.set.envelopes.get(output.index())
    }

    /// What happens to an output when everything else is gone.
    pub fn strength(&self, output: OutputId) -> Option<Strength> {
        self.envelope(output).map(|envelope| envelope.strength)
    }

    /// The limits, in the order of the file.
    pub fn limits(&self) -> impl Iterator<Item = LimitView<'_>> {
        let seen = Seen {
            snapshot: &self.live.snapshot,
            trackers: &self.plan.tables.trackers,
            now: self.live.now,
            changed: &[],
            active_since: None,
        };
        self.plan.set.limits.iter().zip(&self.live.limits).map(move |(limit, state)| {
            let witness = limits::witness(&limit.action, &seen);
            LimitView { name: &limit.name, state, witness }
        })
    }

    /// Shedding: frequency, stages that acted, futility, when the next load may come back.
    pub fn shedding(&self) -> &SheddingState {
        &self.live.shedding
    }

    /// The outputs that were cut and wait to be given back.
    pub fn awaiting_restoration(&self) -> impl Iterator<Item = OutputId> + '_ {
        self.live.outputs.iter().zip(0..).filter(|(state, _)| state.awaits).map(|(_, index)| OutputId(index))
    }

    /// The points that the guard looks at and only the program can tell ([`Message::Reading`]).
    ///
    /// [`Message::Reading`]: ballast_model::frame::Message::Reading
    pub fn reported(&self) -> &[ballast_model::PointId] {
        &self.plan.tables.reported
    }

    /// Whether a reading of this point can matter to the guard; others need not be given to it.
    pub fn reads(&self, point: ballast_model::PointId) -> bool {
        !self.plan.tables.dependents(point).is_empty()
    }

    /// The guard's own session, which every permit carries; tell it to the doors.
    pub fn session(&self) -> u64 {
        self.live.session.current
    }

    /// Whether the engine's session is open.
    pub fn hears_engine(&self) -> bool {
        self.live.session.is_open
    }

    /// The hash of the tables of outputs and told points, for the engine's hello.
    pub fn table_hash(&self) -> u64 {
        self.plan.tables.table_hash
    }

    /// The fingerprint of the safety set in force.
    pub fn fingerprint(&self) -> u64 {
        self.plan.set.fingerprint
    }

    /// The safety set in force.
    pub fn safety_set(&self) -> &SafetySet {
        &self.plan.set
    }

    /// The catalog in force.
    pub fn catalog(&self) -> &Catalog {
        &self.plan.catalog
    }

    /// Totals.
    pub fn counters(&self) -> &Counters {
        &self.live.counters
    }

    /// The whole state, for those who compare or hash it.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The moment of the last step.
    pub fn now(&self) -> ballast_model::Mono {
        self.live.now
    }

    /// The moment at which the next step is due without any input.
    pub fn next_wake(&self) -> ballast_model::Mono {
        self.work.timers.first()
    }
}
