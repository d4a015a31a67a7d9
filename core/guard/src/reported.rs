//! What the program computes and the guard looks at: derived points, settings, the mode, what a generator says of itself.
//!
//! The guard cannot measure these. It takes the program's word for them and for nothing else, and no longer than it takes
//! its word for an output: what is not renewed is unknown, and unknown is what a limit's file says of it.

use crate::events::SessionFault;
use crate::machine::Run;
use ballast_model::catalog::{Catalog, Kind, PointSpec};
use ballast_model::frame::Frame;
use ballast_model::{Mono, PointId, Reason, Sample, Span, Value};

impl Run<'_> {
    /// The program says what a point is.
    pub(crate) fn reading(&mut self, frame: &Frame, point: PointId, value: Option<Value>) {
        let place = self.plan.tables.reported.iter().position(|reported| *reported == point);
        let spec = self.plan.catalog.point(point);
        let fits = spec.is_some_and(|spec| value.is_none_or(|value| is_of(spec, value)));
        let Some(state) = place.filter(|_| fits).and_then(|place| self.live.reported.get_mut(place)) else {
            self.refuse(frame, SessionFault::Reading);
            self.close_session(SessionFault::Reading);
            return;
        };
        *state = Some(value);
        // After a silence it is believed with the next renewal, like all the others: until then nothing would take it back.
        if !self.live.reports.are_lapsed {
            self.take_reading(point, value);
        }
    }

    /// What the program said of points holds for another lease: the shortest one, since there is one word for all of them.
    pub(crate) fn hold_reports(&mut self, lease: Span) {
        if self.plan.tables.reported.is_empty() {
            return;
        }
        let shortest = self.plan.tables.leases.iter().map(|(length, _)| *length).min();
        let lease = shortest.map_or(lease, |shortest| shortest.min(lease));
        self.live.reports.until = self.now.after(lease);
        self.work.timers.set(self.plan.key_reports(), self.live.reports.until);
        if core::mem::take(&mut self.live.reports.are_lapsed) {
            self.tell_reports(|told| told);
        }
    }

    /// Nobody renewed what the program said of points: its timer always stands at the end of that.
    pub(crate) fn lapse_reports(&mut self) {
        if !core::mem::replace(&mut self.live.reports.are_lapsed, true) {
            self.tell_reports(|_| None);
        }
    }

    fn tell_reports(&mut self, of: impl Fn(Option<Value>) -> Option<Value>) {
        let plan = self.plan;
        for (place, point) in plan.tables.reported.iter().enumerate() {
            if let Some(told) = self.live.reported.get(place).copied().flatten() {
                self.take_reading(*point, of(told));
            }
        }
    }

    fn take_reading(&mut self, point: PointId, value: Option<Value>) {
        let reports = &mut self.live.reports;
        // Rises over restarts of either process, so that the door never takes it for a repetition.
        reports.sequence = self.now.nanos().max(reports.sequence.saturating_add(1));
        let sample = match value {
            Some(value) => Sample::good(point, value, self.now, reports.sequence),
            None => Sample::bad(point, Reason::Inputs, self.now, reports.sequence),
        };
        self.sample(&sample);
    }
}

/// Whether a point can have this value.
fn is_of(spec: &PointSpec, value: Value) -> bool {
    match (value, &spec.kind) {
        (Value::Number(_), Kind::Number(_)) | (Value::Flag(_), Kind::Flag) => true,
        (Value::Word(word), Kind::Words(words)) => usize::from(word) < words.len(),
        _ => false,
    }
}

/// Whether a point is one that only the program can tell.
pub(crate) fn is_reported(catalog: &Catalog, point: PointId) -> bool {
    use ballast_model::almanac::SUN_POINT;
    use ballast_model::catalog::Origin::{Computed, Derived, Mode, Setting};
    let spec = catalog.point(point);
    // The height of the sun is computed by whoever runs the guard, from a clock and a place.
    spec.is_some_and(|spec| {
        matches!(spec.origin, Derived | Setting | Mode | Computed) && &*spec.name != SUN_POINT
    })
}

/// What is remembered of the program's word for points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ReportsState {
    /// Until when it holds without being renewed.
    pub until: Mono,
    /// It has run out: the points are unknown.
    pub are_lapsed: bool,
    /// The number of the last reading that was made of it.
    pub sequence: u64,
}
