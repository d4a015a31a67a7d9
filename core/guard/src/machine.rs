//! The step: takes what happened, looks again at what that touches, says what must be done.
//!
//! The order within a step is fixed: inputs in their order; then what became due; devices that sleep; limits; shedding;
//! outputs. Outputs that a limit, a stage or an interlock touches come first, in the order in which those named them.
//! Nothing here grows, fails, waits or asks for the time.

use crate::bounds::{REVIEWS_PER_STEP, ROOM_PER_REVIEW};
use crate::events::{GuardEvent, Input, Output};
use crate::plan::{LimitAction, SafetySet};
use crate::state::{Live, State};
use crate::tables::{Dependent, Plan};
use crate::timers::{Marks, Ordered, Room, Timers};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use ballast_model::catalog::{Catalog, Facet};
use ballast_model::expr::Seen;
use ballast_model::sample::Sample;
use ballast_model::{Finite, Mono, OutputId, PointId, Span, Value};

/// The safety layer of one site.
#[derive(Clone, Debug)]
pub struct Guard {
    pub(crate) plan: Arc<Plan>,
    pub(crate) live: Live,
    pub(crate) work: Work,
    pub(crate) pending: Option<Box<Pending>>,
}

/// A safety set that waits for a person's word.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) set: Arc<SafetySet>,
}

/// What must be looked at. Follows from the state: after a restore everything is looked at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) timers: Timers,
    pub(crate) urgent: Marks,
    pub(crate) outputs: Ordered,
    pub(crate) limits: Marks,
    pub(crate) asleep: Marks,
    pub(crate) shedding: bool,
    pub(crate) powers: bool,
    /// Outputs that ask to be given back and may not yet.
    pub(crate) waiting: Ordered,
    /// Loads that can be cut: how long they were cut (ns), and their place. Room for all of them.
    pub(crate) ranked: Room<(u64, u32)>,
    /// Events for which there was no room, not told yet.
    dropped: u32,
    /// Number of the round, and for every output the last round that looked at it and how often. A step has one round,
    /// and one more for every further reading of a point.
    step: u32,
    /// For every point that is looked at, the last such round in which a reading of it was taken.
    sampled: Vec<u32>,
    reviews: Vec<(u32, u8)>,
}

impl Work {
    pub(crate) fn new(plan: &Plan) -> Self {
        let outputs = plan.set.envelopes.len();
        let mut work = Self {
            timers: Timers::new(plan.keys()),
            urgent: Marks::new(outputs),
            outputs: Ordered::new(outputs),
            limits: Marks::new(plan.set.limits.len()),
            asleep: Marks::new(plan.set.asleep.len()),
            shedding: true,
            powers: true,
            waiting: Ordered::new(outputs),
            ranked: Room::new(plan.set.shedding.as_ref().map_or(0, |shedding| shedding.loads.len())),
            dropped: 0,
            step: 0,
            sampled: vec![u32::MAX; plan.tables.reads.len()],
            reviews: vec![(0, 0); outputs],
        };
        work.mark_all();
        work
    }

    pub(crate) fn take_ranked(&mut self) -> Option<usize> {
        self.ranked.pop().map(|(_, place)| place as usize)
    }

    pub(crate) fn mark_all(&mut self) {
        self.asleep.mark_all();
        self.limits.mark_all();
        self.outputs.mark_all();
        self.shedding = true;
    }
}

/// One step while it runs.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) live: &'a mut Live,
    pub(crate) work: &'a mut Work,
    pub(crate) out: &'a mut Vec<Output>,
    pub(crate) now: Mono,
    pub(crate) pending: Option<u64>,
}

impl Guard {
    /// A guard that starts now: every output begins at `at_start`.
    pub fn new(catalog: Arc<Catalog>, set: impl Into<Arc<SafetySet>>, now: Mono) -> Self {
        let plan = Plan::new(catalog, set.into());
        let live = Live::new(&plan, now);
        let work = Work::new(&plan);
        Self { plan: Arc::new(plan), live, work, pending: None }
    }

    /// Takes what happened since the last step. `now` must not go back; an earlier one counts as the last one.
    ///
    /// `out` is not cleared and never grows: where its room does not suffice, the rest follows in the next step, which is
    /// then asked for at once. See [`Guard::output_capacity`].
    pub fn step(&mut self, now: Mono, inputs: &[Input], out: &mut Vec<Output>) {
        let now = now.max(self.live.now);
        self.live.now = now;
        let pending = self.pending.as_ref().map(|pending| pending.set.fingerprint);
        let plan = Arc::clone(&self.plan);
        let mut run = Run { plan: &plan, live: &mut self.live, work: &mut self.work, out, now, pending };
        for input in inputs {
            run.absorb(input);
        }
        run.take_due();
        let is_done = run.settle();
        run.tell_dropped();
        let wake = if is_done { run.work.timers.first() } else { now };
        if out.len() < out.capacity() && wake < Mono::MAX {
            out.push(Output::WakeAt(wake));
        }
    }

    /// Room in the output buffer with which a step never has to leave work to the next one, in ordinary life: two
    /// answers for every output and some events. A smaller buffer (down to 16) works and needs more steps.
    pub fn output_capacity(&self) -> usize {
        self.plan.set.envelopes.len() * 3 + self.plan.set.limits.len() + 64
    }

    /// Makes the next step look at everything again. Changes no answer: a guard that looks only at what was touched and
    /// one that looks at everything say the same.
    pub fn review_all(&mut self) {
        self.work.mark_all();
    }

    /// See [`State`].
    pub fn save(&self) -> State {
        crate::save::save(&self.plan, &self.live)
    }
}

impl Run<'_> {
    fn absorb(&mut self, input: &Input) {
        match input {
            Input::Sample(sample) => self.sample(sample),
            Input::Frame(frame) => self.frame(frame),
            Input::LinkClosed => self.close_session(crate::events::SessionFault::Link),
            Input::Wall(wall) => self.live.wall = *wall,
            Input::Written { output, counter, ok } => self.written(*output, *counter, *ok),
            Input::Actual { output, actual } => self.actual(*output, *actual),
            Input::Operator { who, command } => self.operator(*who, *command),
            Input::Reach { output, is_there } => self.reach(*output, *is_there),
            Input::Stop => self.fall_silent(),
        }
    }

    /// A reading: through the door, into the snapshot, on to everyone who looks at it.
    pub(crate) fn sample(&mut self, sample: &Sample) {
        let Some(place) = self.plan.tables.place(sample.point) else { return };
        // The door knows only the points that the guard looks at, by their place.
        let narrowed = Sample { point: PointId(place), ..*sample };
        let Some(admitted) = self.live.door.admit(&narrowed) else { return };
        // A limit sees every reading: a second one of the same point waits until the first was looked at.
        let round = self.work.step;
        if self
            .work
            .sampled
            .get_mut(place as usize)
            .is_some_and(|last| core::mem::replace(last, round) == round)
        {
            self.take_due();
            self.settle();
            let round = self.work.step;
            if let Some(last) = self.work.sampled.get_mut(place as usize) {
                *last = round;
            }
        }
        let admitted = Sample { point: sample.point, ..admitted };
        self.live.snapshot.set(&admitted);
        self.wake_up(sample.point);
        self.touched(sample.point);
        if let (true, Some(Value::Number(value))) = (admitted.quality.is_good(), admitted.value) {
            self.source_reading(sample.point, value);
        }
    }

    /// Everyone who looks at a point looks again.
    pub(crate) fn touched(&mut self, point: PointId) {
        for dependent in self.plan.tables.dependents(point) {
            match dependent {
                Dependent::Limit(limit) => self.work.limits.mark(usize::from(*limit)),
                Dependent::Effect(output) => self.work.outputs.mark(output.index()),
                Dependent::Asleep(index) => self.work.asleep.mark(usize::from(*index)),
                Dependent::Source(_) => self.work.shedding = true,
                Dependent::Power => self.work.powers = true,
            }
        }
    }

    /// The readable points of an output, where somebody looks at them.
    pub(crate) fn show_facet(&mut self, output: usize, facet: Facet, value: Value) {
        if let Some(point) = self.plan.tables.facet(&self.plan.catalog, output, facet)
            && self.live.snapshot.set(&Sample::good(point, value, self.now, 0))
        {
            self.touched(point);
        }
    }

    fn take_due(&mut self) {
        let plan = self.plan;
        let (outputs, limits) = (plan.set.envelopes.len(), plan.set.limits.len());
        let leases = plan.tables.leases.len();
        while let Some(key) = self.work.timers.take_due(self.now) {
            let key = key as usize;
            if key < outputs {
                self.work.outputs.mark(key);
            } else if key < outputs + limits {
                self.work.limits.mark(key - outputs);
            } else if key < outputs + limits + leases {
                let class = plan.tables.leases.get(key - outputs - limits);
                for output in class.map_or(&[][..], |(_, outputs)| outputs) {
                    self.work.outputs.mark(*output as usize);
                }
            } else if key < outputs + limits + leases + plan.set.asleep.len() {
                self.work.asleep.mark(key - outputs - limits - leases);
            } else if key == plan.key_reports() as usize {
                self.lapse_reports();
            } else {
                self.work.shedding = true;
            }
        }
    }

    /// Looks at everything that is marked until nothing is; `false` when the rest must wait for the next step.
    fn settle(&mut self) -> bool {
        self.work.step = self.work.step.wrapping_add(1);
        loop {
            while let Some(index) = self.work.asleep.take() {
                self.review_asleep(index);
            }
            while let Some(index) = self.work.limits.take() {
                self.review_limit(index);
            }
            if core::mem::take(&mut self.work.shedding) {
                self.review_shedding();
            }
            if core::mem::take(&mut self.work.powers) {
                self.mark_restorations();
            }
            if self.out.capacity().saturating_sub(self.out.len()) <= ROOM_PER_REVIEW {
                return self.work.urgent.is_empty() && self.work.outputs.is_empty();
            }
            let Some(index) = self.work.urgent.take().or_else(|| self.work.outputs.take()) else {
                return true;
            };
            if self.count_review(index) {
                self.review(index);
            } else {
                self.work.outputs.mark(index);
                return false;
            }
        }
    }

    fn count_review(&mut self, index: usize) -> bool {
        let step = self.work.step;
        let Some((last, count)) = self.work.reviews.get_mut(index) else { return false };
        if core::mem::replace(last, step) != step {
            *count = 0;
        }
        *count = count.saturating_add(1);
        self.live.counters.reviews += 1;
        *count <= REVIEWS_PER_STEP
    }

    /// Writes down an event; where there is no room it is counted.
    pub(crate) fn event(&mut self, event: GuardEvent) {
        if self.out.len() + 1 < self.out.capacity() {
            self.out.push(Output::Event(event));
        } else {
            self.live.counters.dropped_events += 1;
            self.work.dropped = self.work.dropped.saturating_add(1);
        }
    }

    /// Says how many events were lost, once there is room for that.
    fn tell_dropped(&mut self) {
        if self.work.dropped > 0 && self.out.len() + 1 < self.out.capacity() {
            let events = core::mem::take(&mut self.work.dropped);
            self.out.push(Output::Event(GuardEvent::Dropped { events }));
        }
    }

    /// Looks at an output before all others.
    pub(crate) fn urge(&mut self, output: OutputId) {
        self.work.urgent.mark(output.index());
    }

    /// What a condition may look at now.
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            snapshot: &self.live.snapshot,
            trackers: &self.plan.tables.trackers,
            now: self.now,
            changed: &[],
            active_since: None,
        }
    }

    /// The number of a point that may be used to decide.
    pub(crate) fn number(&self, point: PointId) -> Option<Finite> {
        self.live.snapshot.known(point, self.now).and_then(Value::number)
    }

    /// Looks at a device that sleeps: while it does, its point has the declared value.
    fn review_asleep(&mut self, index: usize) {
        let plan = self.plan;
        let Some(asleep) = plan.set.asleep.get(index) else { return };
        let mut next = Mono::MAX;
        let sleeps = asleep.when.truth(&self.seen(), &mut next) == Some(true);
        let Some(state) = self.live.asleep.get_mut(index) else { return };
        let is_known = self.live.snapshot.known(asleep.point, self.now).is_some();
        let changed = if sleeps && (!is_known || state.stands_in) {
            state.stands_in = true;
            self.live.snapshot.set(&Sample::good(asleep.point, asleep.value, self.now, 0))
        } else if state.stands_in && !sleeps {
            state.stands_in = false;
            let reason = ballast_model::Reason::Offline;
            self.live.snapshot.set(&Sample::bad(asleep.point, reason, self.now, 0))
        } else {
            false
        };
        if sleeps && let Some(expires) = self.live.snapshot.expires(asleep.point) {
            // What stands in is renewed while it still counts; a reading is replaced when it does not any more.
            let is_reading = !self.live.asleep.get(index).is_some_and(|state| state.stands_in);
            next = next.min(if is_reading { expires.after(Span::from_nanos(1)) } else { expires });
        }
        let next = if next > self.now { next } else { self.now.after(Span::from_secs(1)) };
        self.work.timers.set(plan.key_asleep(index), next);
        if changed {
            for dependent in plan.tables.dependents(asleep.point) {
                if !matches!(dependent, Dependent::Asleep(_)) {
                    self.touched_one(*dependent);
                }
            }
        }
    }

    /// A device that is taken to sleep says something: what it says counts, not what stood in for it.
    fn wake_up(&mut self, point: PointId) {
        let devices = self.plan.set.asleep.iter().zip(&mut self.live.asleep);
        devices.filter(|(asleep, _)| asleep.point == point).for_each(|(_, state)| state.stands_in = false);
    }

    fn touched_one(&mut self, dependent: Dependent) {
        match dependent {
            Dependent::Limit(limit) => self.work.limits.mark(usize::from(limit)),
            Dependent::Effect(output) => self.work.outputs.mark(output.index()),
            Dependent::Asleep(_) => {}
            Dependent::Source(_) => self.work.shedding = true,
            Dependent::Power => self.work.powers = true,
        }
    }

    /// The outputs a limit names, in its order.
    pub(crate) fn urge_limit(&mut self, limit: usize) {
        let plan = self.plan;
        match plan.set.limits.get(limit).map(|limit| &limit.action) {
            Some(LimitAction::Force { force, .. }) => force.iter().for_each(|step| self.urge(step.output)),
            Some(LimitAction::Derate { rows, .. }) => rows.iter().for_each(|(output, _)| self.urge(*output)),
            None => {}
        }
    }
}
