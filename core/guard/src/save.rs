//! Saving, restoring and replacing: the same state, carried by names over a reload, a restart or a power cut.
//!
//! | | reload | restart, same boot | power cut |
//! |---|---|---|---|
//! | outputs | as they are | begin at `at_start` | begin at `at_start` |
//! | minimum times | go on | go on where `at_start` changes nothing | start anew |
//! | switchings, cap, spent requests, latches, "now", shed minutes | kept | kept | kept |
//! | armed by a person | kept | kept | kept |
//! | acting limits | go on | go on | go on, `until ... for` starts anew |
//! | session, leases | go on | ended | ended |
//! | readings | kept | kept while fresh | forgotten |
//! | what the door remembers: repetitions, jumps, since when a value stands still | kept | forgotten | forgotten |
//! | loads of shedding | as they are | those that were cut wait for restoration | the same, and those that the cut opened |

use crate::beside;
use crate::bounds::SWITCHES_REMEMBERED;
use crate::plan::{Envelope, LimitAction, Strength};
use crate::reported::{ReportsState, is_reported};
use crate::ring::Ring;
use crate::state::{
    Arming, AsleepState, Counters, Fairness, LimitState, Live, OutputState, STATE_VERSION, SessionState,
    ShedBy, SheddingState, SourceState, State,
};
use crate::tables::Plan;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use ballast_model::catalog::Noun;
use ballast_model::expr::Hold;
use ballast_model::intake::Intake;
use ballast_model::snapshot::Snapshot;
use ballast_model::time::{Gap, Wall};
use ballast_model::{Mono, OutputId, PointId, Span, Value, Wanted};

impl Live {
    /// The state of a guard that starts now and remembers nothing.
    pub(crate) fn new(plan: &Plan, now: Mono) -> Self {
        let session = SessionState { current: now.nanos() / 1_000_000, ..SessionState::default() };
        let reduced = plan.tables.reduced(&plan.catalog);
        let outputs = plan.set.envelopes.iter().map(|envelope| {
            let is_load = is_load(plan, envelope.output);
            let is_cut = envelope.at_start == Wanted::OPEN || envelope.safe == Wanted::OPEN;
            OutputState::starting(envelope, is_load && is_cut, now)
        });
        Self {
            now,
            started_at: now,
            wall: Wall::UNKNOWN,
            session,
            outputs: outputs.collect(),
            limits: vec![LimitState::default(); plan.set.limits.len()],
            asleep: vec![AsleepState::default(); plan.set.asleep.len()],
            shedding: new_shedding(plan),
            reports: ReportsState::default(),
            reported: vec![None; plan.tables.reported.len()],
            snapshot: plan.tables.snapshot(&plan.catalog),
            door: Intake::new(&reduced, |_| true),
            counters: Counters::default(),
            confirmed: None,
            is_ending: false,
        }
    }
}

fn is_load(plan: &Plan, output: OutputId) -> bool {
    plan.tables.load_of.get(output.index()).copied().flatten().is_some()
}

fn new_shedding(plan: &Plan) -> SheddingState {
    let Some(shedding) = &plan.set.shedding else { return SheddingState::default() };
    let sources = shedding.source.len().min(crate::bounds::SOURCES_MAX);
    SheddingState {
        sources: vec![SourceState::SILENT; sources],
        holds: vec![Hold::IDLE; shedding.stages.len()],
        acted: vec![false; shedding.stages.len()],
        cap: Ring::new(shedding.cap.map_or(0, |cap| cap.count as usize).min(SWITCHES_REMEMBERED)),
        fairness: vec![Fairness::default(); shedding.loads.len()],
        ..SheddingState::default()
    }
}

fn name_of_point(plan: &Plan, point: PointId) -> Box<str> {
    plan.catalog.point(point).map_or("".into(), |spec| spec.name.clone())
}

fn name_of_output(plan: &Plan, output: OutputId) -> Box<str> {
    plan.catalog.output(output).map_or("".into(), |spec| spec.name.clone())
}

/// Writes the state down by names.
pub(crate) fn save(plan: &Plan, live: &Live) -> State {
    let outputs = live.outputs.iter().enumerate();
    let limits = plan.set.limits.iter().zip(&live.limits);
    let asleep = plan.set.asleep.iter().zip(&live.asleep);
    let shedding = plan.set.shedding.as_ref();
    State {
        version: STATE_VERSION,
        fingerprint: plan.set.fingerprint,
        saved_at: live.now,
        started_at: live.started_at,
        session: live.session,
        outputs: outputs
            .map(|(index, state)| (name_of_output(plan, OutputId(index as u32)), state.clone()))
            .collect(),
        limits: limits.map(|(limit, state)| (limit.name.clone(), *state)).collect(),
        asleep: asleep.map(|(asleep, state)| (name_of_point(plan, asleep.point), *state)).collect(),
        shedding: live.shedding.clone(),
        loads: shedding.map_or(Vec::new(), |shedding| {
            shedding.loads.iter().map(|load| name_of_output(plan, load.output)).collect()
        }),
        sources: shedding.map_or(Vec::new(), |shedding| {
            shedding.source.iter().map(|point| name_of_point(plan, *point)).collect()
        }),
        reports: live.reports,
        reported: plan
            .tables
            .reported
            .iter()
            .zip(&live.reported)
            .map(|(point, told)| (name_of_point(plan, *point), *told))
            .collect(),
        points: plan.tables.reads.iter().map(|point| name_of_point(plan, *point)).collect(),
        snapshot: live.snapshot.moved(Snapshot::new(&plan.tables.reduced(&plan.catalog)), |place| {
            plan.tables.reads.get(place.index()).copied()
        }),
        door: live.door.clone(),
        wall: live.wall,
        counters: live.counters,
    }
}

/// No gap at all.
pub(crate) const RELOAD: Gap = Gap::SameBoot(Span::ZERO);

/// What lies between a state and whoever takes it up.
#[derive(Clone, Copy)]
pub(crate) struct Since {
    /// How long nothing ran.
    pub(crate) gap: Gap,
    /// When it was saved, on the clock of the state.
    pub(crate) saved_at: Mono,
    /// When it is taken up.
    pub(crate) now: Mono,
    /// The very same set without a gap: every index means the same.
    pub(crate) is_same: bool,
}

/// How a state is carried over.
struct Carry<'a> {
    plan: &'a Plan,
    since: Since,
}

impl Carry<'_> {
    fn is_reload(&self) -> bool {
        self.since.gap == RELOAD
    }

    /// A moment of the saved state on the present clock. An outage of unknown length counts as none here: what is
    /// counted this way (switchings, minutes) is then held to the stricter side.
    fn rebase(&self, moment: Mono) -> Mono {
        if !self.since.gap.is_power_cut() {
            return moment;
        }
        let outage = if self.since.gap == Gap::Unknown { Span::ZERO } else { self.since.gap.length() };
        let saved_at = self.since.now.before(outage);
        // One of the two is nothing.
        saved_at.after(moment.since(self.since.saved_at)).before(self.since.saved_at.since(moment))
    }

    fn output(&self, fresh: &OutputState, old: &OutputState, envelope: &Envelope) -> OutputState {
        let mut new = if self.is_reload() { old.clone() } else { self.restarted(fresh, old, envelope) };
        new.arming = if envelope.by_hand { old.arming } else { Arming::Armed };
        new.undone = old.undone.filter(|_| envelope.by_hand);
        if !self.since.is_same {
            // Causes and witnesses name limits and points by their place.
            new.verdict = None;
            new.claim = None;
            new.shed_by = new.shed_by.map(|_| ShedBy::Outage);
        }
        let mut switches = fresh.switches.clone();
        switches.take_over(&old.switches, |moment| self.rebase(moment));
        new.switches = if self.since.is_same { old.switches.clone() } else { switches };
        let mut at_once = fresh.at_once.clone();
        at_once.take_over(&old.at_once, |moment| self.rebase(moment));
        new.at_once = if self.since.is_same { old.at_once.clone() } else { at_once };
        if !self.since.is_same {
            // Another envelope may have a longest time where the old one had none.
            let (mut holders, mut spent) = (fresh.holders.clone(), fresh.spent.clone());
            holders.copy_from(&new.holders);
            spent.copy_from(&new.spent);
            (new.holders, new.spent) = (holders, spent);
        }
        new
    }

    fn restarted(&self, fresh: &OutputState, old: &OutputState, envelope: &Envelope) -> OutputState {
        let dropped = self.since.gap.is_power_cut() || envelope.strength == Strength::Wired;
        let opened = envelope.at_start == Wanted::OPEN || (envelope.safe == Wanted::OPEN && dropped);
        let is_load = is_load(self.plan, envelope.output);
        let is_operated = !envelope.by_hand || old.arming != Arming::Not;
        let awaits = is_load && is_operated && (old.awaits || opened);
        let mut new = OutputState {
            counter: old.counter,
            request: old.request,
            // What nobody armed stands as it was asked: arming it does not carry that out, before and after a restart.
            asked: if old.arming == Arming::Not { old.asked } else { fresh.asked },
            awaits,
            shed_by: awaits.then_some(ShedBy::Outage),
            is_stopped: old.is_stopped,
            ..fresh.clone()
        };
        new.spent.copy_from(&old.spent);
        if !dropped {
            // Nothing but our own silence happened to it: it is taken to be as it was told, until told again.
            new.told = old.told;
            new.told_at = old.told_at;
            new.since = old.since;
            new.switched_at = old.switched_at;
            new.moved_at = old.moved_at;
            new.holders.copy_from(&old.holders);
            new.is_switching = old.is_switching;
            new.physical = old.physical;
            // The state may be older than the last thing that it was told: where a partner waits until it left, it may be there.
            let interlocks = self.plan.tables.interlocks.get(envelope.output.index());
            for (interlock, member) in interlocks.map_or(&[][..], |list| list) {
                let members = self.plan.set.interlocks.get(usize::from(*interlock)).map(|it| &it.members);
                if let Some((_, contact)) = members.and_then(|members| members.get(usize::from(*member))) {
                    new.physical.may_become(*contact);
                }
            }
        }
        new
    }

    fn limit(&self, old: &LimitState) -> LimitState {
        if self.is_reload() {
            return *old;
        }
        if old.is_soft || old.acted.is_none() {
            return LimitState::default();
        }
        LimitState {
            acted: old.acted.map(|moment| self.rebase(moment)),
            is_latched: old.is_latched,
            clear: if self.since.gap.is_power_cut() { Hold::IDLE } else { old.clear },
            ..LimitState::default()
        }
    }

    fn shedding(&self, live: &mut SheddingState, state: &State) {
        let (old, shedding) = (&state.shedding, self.plan.set.shedding.as_ref());
        let Some(shedding) = shedding else { return };
        if self.since.is_same {
            *live = old.clone();
            return;
        }
        live.cap.take_over(&old.cap, |moment| self.rebase(moment));
        live.is_futile = old.is_futile;
        live.futile = old.futile;
        live.restored = old.restored;
        live.restore_at = self.rebase(old.restore_at);
        let minutes: BTreeMap<&str, &Fairness> =
            state.loads.iter().map(|name| &**name).zip(&old.fairness).collect();
        for (load, place) in shedding.loads.iter().zip(&mut live.fairness) {
            let name = name_of_output(self.plan, load.output);
            if let Some(fairness) = minutes.get(&*name) {
                *place = **fairness;
                place.settle(self.since.saved_at);
                place.day = self.rebase(place.day);
                place.cut_since = place.cut_since.map(|_| self.since.now);
            }
        }
        if self.is_reload() {
            let sources: BTreeMap<&str, &SourceState> =
                state.sources.iter().map(|name| &**name).zip(&old.sources).collect();
            for (point, place) in shedding.source.iter().zip(&mut live.sources) {
                if let Some(source) = sources.get(&*name_of_point(self.plan, *point)) {
                    *place = (*source).clone();
                }
            }
            live.in_event = old.in_event;
            live.load_before = old.load_before;
            live.frequency = old.frequency;
            live.good = old.good;
            if old.acted.len() == live.acted.len() {
                live.acted.clone_from(&old.acted);
                live.holds.clone_from(&old.holds);
            }
            live.bulk_acted = old.bulk_acted;
        }
    }

    /// What the program said of points is forgotten by a restart of either of the two.
    fn reports(&self, live: &mut Live, state: &State) {
        live.reports.sequence = state.reports.sequence;
        if !self.is_reload() {
            return;
        }
        live.reports = state.reports;
        let told: BTreeMap<&str, Option<Option<Value>>> =
            state.reported.iter().map(|(name, told)| (&**name, *told)).collect();
        for (point, place) in self.plan.tables.reported.iter().zip(&mut live.reported) {
            *place = told.get(&*name_of_point(self.plan, *point)).copied().flatten();
        }
    }

    /// A sensor that stands still does not move because a file was saved: the door goes on over a reload.
    fn door(&self, live: &mut Live, state: &State) {
        let old: BTreeMap<&str, u32> = state.points.iter().map(|name| &**name).zip(0..).collect();
        live.door.take_over(&state.door, |place| {
            let point = self.plan.tables.reads.get(place.index())?;
            old.get(&*name_of_point(self.plan, *point)).map(|place| PointId(*place))
        });
    }

    /// What was read before a restart counts while it is fresh; after a power cut it is another day.
    fn readings(&self, live: &mut Live, state: &State) {
        if self.since.gap.is_power_cut() {
            return;
        }
        let places: BTreeMap<PointId, u32> = state
            .points
            .iter()
            .zip(0..)
            .filter_map(|(name, place)| match self.plan.catalog.resolve(name) {
                // What the program said holds no longer than its session.
                Some(Noun::Point(point)) if !self.is_reload() && is_reported(&self.plan.catalog, point) => {
                    None
                }
                Some(Noun::Point(point)) => Some((point, place)),
                _ => None,
            })
            .collect();
        let fresh = self.plan.tables.snapshot(&self.plan.catalog);
        live.snapshot = state.snapshot.moved(fresh, |point| places.get(&point).map(|place| PointId(*place)));
    }
}

/// Carries a saved state into a fresh one.
pub(crate) fn restore(plan: &Plan, live: &mut Live, state: &State, since: &Since) {
    if state.version != STATE_VERSION {
        return;
    }
    let Since { gap, now, is_same, .. } = *since;
    let carry = Carry { plan, since: *since };
    let is_reload = carry.is_reload();
    live.now = now;
    live.started_at = if is_reload { state.started_at } else { now };
    live.wall = if gap.is_power_cut() { Wall::UNKNOWN } else { state.wall };
    live.counters = state.counters;
    live.session = state.session;
    if !is_reload {
        live.session.is_open = false;
        live.session.current = state.session.current.saturating_add(1).max(now.nanos() / 1_000_000);
        if gap.is_power_cut() {
            live.session.engine = 0;
        }
    }
    let outputs: BTreeMap<&str, &OutputState> =
        state.outputs.iter().map(|(name, state)| (&**name, state)).collect();
    for (envelope, place) in plan.set.envelopes.iter().zip(&mut live.outputs) {
        if let Some(old) = outputs.get(&*name_of_output(plan, envelope.output))
            && core::mem::discriminant(&old.told) == core::mem::discriminant(&envelope.safe)
        {
            *place = carry.output(place, old, envelope);
        }
    }
    let limits: BTreeMap<&str, &LimitState> =
        state.limits.iter().map(|(name, state)| (&**name, state)).collect();
    for (limit, place) in plan.set.limits.iter().zip(&mut live.limits) {
        if let Some(old) = limits.get(&*limit.name) {
            *place = carry.limit(old);
        }
    }
    for (name, old) in &state.limits {
        // A limit that stood beside another one while a change waited: what takes over goes on acting where it did.
        let has = |name: &str| plan.set.limits.iter().position(|limit| &*limit.name == name);
        if has(name).is_none()
            && let Some(place) = beside::base_of(name).and_then(has).and_then(|at| live.limits.get_mut(at))
        {
            *place = beside::joined(place, &carry.limit(old));
        }
    }
    end_what_became_a_curve(plan, live);
    let asleep: BTreeMap<&str, &AsleepState> =
        state.asleep.iter().map(|(name, state)| (&**name, state)).collect();
    for (device, place) in plan.set.asleep.iter().zip(&mut live.asleep) {
        if let Some(old) = asleep.get(&*name_of_point(plan, device.point)).filter(|_| !gap.is_power_cut()) {
            *place = **old;
        }
    }
    carry.shedding(&mut live.shedding, state);
    carry.reports(live, state);
    carry.readings(live, state);
    if is_same {
        live.door = state.door.clone();
    } else if is_reload {
        carry.door(live, state);
    }
}

/// A curve caps and never acts: what a limit of its name did that set outputs is over.
fn end_what_became_a_curve(plan: &Plan, live: &mut Live) {
    let limits = plan.set.limits.iter().zip(&mut live.limits);
    let curves = limits.filter(|(limit, _)| matches!(limit.action, LimitAction::Derate { .. }));
    for (_, state) in curves.filter(|(_, state)| state.acted.is_some()) {
        *state = LimitState { is_armed: state.is_armed, ..LimitState::default() };
    }
}

/// Whether the state names exactly the points and outputs of the plan, in its order.
pub(crate) fn names_fit(plan: &Plan, state: &State) -> bool {
    let points = plan.tables.reads.iter().map(|point| name_of_point(plan, *point));
    let outputs = plan.catalog.outputs.iter().map(|output| &output.name);
    points.eq(state.points.iter().cloned())
        && outputs.eq(state.outputs.iter().map(|(name, _)| name))
        && plan.set.limits.iter().map(|limit| &limit.name).eq(state.limits.iter().map(|(name, _)| name))
}
