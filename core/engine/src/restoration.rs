//! Giving back what shedding opened: which load comes back when.
//!
//! A load waits when the guard says so, or when a rule that shed it has let it go. Loads come back one at a time, in the
//! order of the plan's list: the first one that somebody wants closed and that fits into the free capacity. While the
//! frequency is unknown or too low nothing comes back. The guard bounds every return by its own budget.

use crate::agenda::Task;
use crate::events::{Event, Output, Source};
use crate::limits::RESTORE_PATIENCE;
use crate::machine::Core;
use crate::plan::{Plan, RestorationPlan};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use ballast_model::expr::Hold;
use ballast_model::{Finite, Mono, OutputId, Wanted};

/// Where a load is on its way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Return {
    /// It was not cut by shedding.
    #[default]
    Here,
    /// It was cut and waits for its turn.
    Waiting {
        /// Since when.
        since: Mono,
    },
    /// It has its turn; the guard has not closed it yet.
    Called {
        /// Since when it waited.
        since: Mono,
        /// When it was called.
        at: Mono,
    },
    /// It came back; its intent stays marked as it was given.
    Back,
}

impl Return {
    /// Whether an intent with this state gives the load back.
    pub(crate) fn is_returning(self, wanted: Wanted) -> bool {
        matches!(self, Self::Called { .. } | Self::Back) && wanted == Wanted::CLOSED
    }

    const fn is_waiting(self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Called { .. })
    }
}

/// What the planner remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Planner {
    /// How long the frequency has been good.
    pub(crate) frequency: Hold,
    /// Which load was called last, and when.
    pub(crate) last_call: Option<(OutputId, Mono)>,
    /// Place of every load in the plan's list.
    pub(crate) places: BTreeMap<OutputId, usize>,
    /// Places of those that wait or are called.
    pub(crate) waiting: BTreeSet<usize>,
}

impl Planner {
    pub(crate) fn new(plan: &Plan) -> Self {
        let loads = plan.restoration.iter().flat_map(|plan| plan.loads.iter());
        let places = loads.enumerate().map(|(place, load)| (load.output, place)).collect();
        Self { places, ..Self::default() }
    }
}

impl Core {
    /// Follows a load after a verdict or after its rule let it go.
    pub(crate) fn follow_return(&mut self, output: OutputId) {
        let Some(place) = self.planner.places.get(&output).copied() else { return };
        let now = self.world.now;
        let Some(life) = self.outputs.lives.get_mut(output.index()) else { return };
        let is_held = life.claims.iter().any(|claim| claim.source == Source::Returning);
        let awaits = is_held || life.verdict.is_some_and(|verdict| verdict.awaits_restoration);
        let was = life.back;
        life.back = match (was, awaits) {
            (Return::Here | Return::Back, true) => Return::Waiting { since: now },
            (Return::Waiting { .. }, false) => Return::Here,
            (Return::Called { .. }, false) if !life.is_open() => Return::Back,
            _ => was,
        };
        if life.back.is_waiting() {
            self.planner.waiting.insert(place);
        } else {
            self.planner.waiting.remove(&place);
        }
        if life.back != was {
            self.outputs.dirty.mark(output.0);
        }
        self.world.dirty.restoration = true;
    }

    /// Gives the next load its turn, if one may come back now.
    pub(crate) fn review_restoration(&mut self, plan: &Plan, out: &mut Vec<Output>) {
        let Some(restoration) = &plan.restoration else { return };
        let mut waiting = self.planner.waiting.iter().filter_map(|place| restoration.loads.get(*place));
        let is_asked_else = waiting.any(|load| self.outputs.dirty.contains(load.output.0));
        if !core::mem::take(&mut self.world.dirty.restoration) && !is_asked_else {
            return;
        }
        let mut next = Mono::MAX;
        let now = self.world.now;
        let (point, above) = restoration.frequency;
        let is_above = self.world.number(point).is_some_and(|frequency| frequency > above);
        let is_good = self.planner.frequency.update(is_above, restoration.settle, now, &mut next);
        if is_above {
            next = next.min(self.world.next_expiry(point));
        }
        self.take_back_calls(restoration, is_good);
        if is_good && !self.planner.waiting.is_empty() && self.is_turn(restoration, &mut next) {
            self.call_next(restoration, &mut next, out);
        }
        self.agenda.set(Task::Restoration, next);
    }

    /// A call that nobody wants any more, or that came too early after all, is taken back.
    fn take_back_calls(&mut self, restoration: &RestorationPlan, is_good: bool) {
        let places: Vec<usize> = self.planner.waiting.iter().copied().collect();
        for load in places.iter().filter_map(|place| restoration.loads.get(*place)) {
            let is_wanted = self.is_wanted_closed(load.output);
            let Some(life) = self.outputs.lives.get_mut(load.output.index()) else { continue };
            if let Return::Called { since, .. } = life.back
                && !(is_good && is_wanted)
            {
                life.back = Return::Waiting { since };
                self.outputs.dirty.mark(load.output.0);
            }
        }
    }

    /// Whether the pace allows another load now.
    fn is_turn(&self, restoration: &RestorationPlan, next: &mut Mono) -> bool {
        let now = self.world.now;
        let mut earliest = self.planner.last_call.map_or(Mono::ZERO, |(_, at)| at.after(restoration.one_per));
        for load in self.planner.waiting.iter().filter_map(|place| restoration.loads.get(*place)) {
            if let Some(Return::Called { at, .. }) = self.outputs.get(load.output).map(|life| life.back) {
                earliest = earliest.max(at.after(RESTORE_PATIENCE));
            }
        }
        if now < earliest {
            *next = (*next).min(earliest);
        }
        now >= earliest
    }

    fn call_next(&mut self, restoration: &RestorationPlan, next: &mut Mono, out: &mut Vec<Output>) {
        let now = self.world.now;
        let Some(free) = self.free_capacity(restoration) else { return };
        let places: Vec<usize> = self.planner.waiting.iter().copied().collect();
        for load in places.iter().filter_map(|place| restoration.loads.get(*place)) {
            let since = match self.outputs.get(load.output).map(|life| life.back) {
                Some(Return::Waiting { since }) => since,
                _ => continue,
            };
            if load.rated.get() > free || !self.is_wanted_closed(load.output) {
                continue;
            }
            self.outputs.unclaim(load.output, Source::Returning);
            if let Some(life) = self.outputs.lives.get_mut(load.output.index()) {
                life.back = Return::Called { since, at: now };
            }
            self.outputs.dirty.mark(load.output.0);
            self.planner.last_call = Some((load.output, now));
            *next = (*next).min(now.after(restoration.one_per));
            out.push(Output::Event(Event::Restoring { output: load.output, waited: now.since(since) }));
            return;
        }
    }

    /// When a load that waits may have its turn at the earliest; `None` where it does not wait, or for a frequency that nobody
    /// can foresee.
    pub(crate) fn earliest_turn(&self, output: OutputId) -> Option<Mono> {
        let restoration = self.plan.restoration.as_ref()?;
        self.outputs.get(output).filter(|life| life.back.is_waiting())?;
        let settled = self.planner.frequency.since()?.after(restoration.settle);
        let paced = self.planner.last_call.map_or(Mono::ZERO, |(_, at)| at.after(restoration.one_per));
        Some(settled.max(paced))
    }

    /// What may be connected on top of the present load, W; `None` while that cannot be said.
    fn free_capacity(&self, restoration: &RestorationPlan) -> Option<f64> {
        let Some((keep_free, capacity)) = restoration.keep_free else { return Some(f64::MAX) };
        let usable = self.world.number(capacity)?.get() * (1.0 - keep_free.get() / 100.0);
        let load = match restoration.site_load {
            Some(point) => {
                let measured = self.world.number(point)?.get();
                // A load that was called after this was measured is not in it yet.
                let measured_at = self.world.snapshot.reading(point).arrival;
                let unseen = self.planner.last_call.filter(|(_, at)| *at >= measured_at);
                let rated = unseen.and_then(|(output, _)| {
                    restoration.loads.iter().find(|load| load.output == output).map(|load| load.rated)
                });
                measured + rated.unwrap_or(Finite::ZERO).get()
            }
            None => restoration
                .loads
                .iter()
                .filter(|load| self.outputs.get(load.output).is_some_and(|life| !life.is_open()))
                .map(|load| self.draws(load.power, load.rated).get())
                .sum(),
        };
        Some(usable - load)
    }

    /// Whether somebody, or the default, wants this load closed.
    fn is_wanted_closed(&self, output: OutputId) -> bool {
        let default = self.world.catalog.output(output).map(|spec| spec.default);
        let Some(life) = self.outputs.get(output) else { return false };
        let claim = life.claims.iter().find(|claim| claim.source != Source::Returning);
        claim.map(|claim| claim.wanted).or(default) == Some(Wanted::CLOSED)
    }
}
