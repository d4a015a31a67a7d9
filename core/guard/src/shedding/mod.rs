//! Automatic shedding: stages below a frequency, the bulk on a fast fall, ordinary requests under a cap, giving back.
//!
//! Stages act whatever `grid.mode` says: a site that is connected and sees the frequency this low is in the same trouble
//! as its neighbours. A frequency above 50 Hz never matters here; in an island it means that the battery is full.
//!
//! A condition on the frequency holds when most of the sources that are good and not stuck say so: of two, both.

pub(crate) mod choose;
pub(crate) mod fairness;
pub(crate) mod frequency;
pub(crate) mod restore;

use crate::bounds::{DISAGREEMENT_TOLD, EVENT_CLEAR, FUTILITY_AFTER, FUTILITY_RISE};
use crate::events::GuardEvent;
use crate::machine::Run;
use crate::plan::{Bulk, Shedding, Stage};
use crate::rules::Proposal;
use crate::state::ShedBy;
use ballast_model::intent::Cause;
use ballast_model::{Authority, Finite, Mono, Wanted};
use frequency::Sources;

impl Run<'_> {
    /// Looks at the frequency and does what it asks for.
    pub(crate) fn review_shedding(&mut self) {
        let plan = self.plan;
        let Some(shedding) = &plan.set.shedding else { return };
        let mut next = Mono::MAX;
        let before = self.restores_at(shedding);
        let sources = self.judge_sources(shedding, &mut next);
        self.tell_frequency(shedding, &sources, &mut next);
        // First: from the step in which an attempt counts as futile, the end of that is waited for.
        self.judge_effect(shedding, &sources, &mut next);
        self.follow_event(shedding, &sources, &mut next);
        for (index, stage) in shedding.stages.iter().enumerate() {
            self.review_stage(shedding, index, stage, &sources, &mut next);
        }
        if let Some(bulk) = &shedding.bulk {
            self.review_bulk(shedding, bulk, &sources);
        }
        if let Some((moment, _)) = self.live.shedding.judge {
            next = next.min(moment);
        }
        if self.restores_at(shedding) != before {
            self.mark_restorations();
        }
        self.work.timers.set(plan.key_shedding(), next);
    }

    /// From when on the frequency lets loads come back; `None`: now.
    fn restores_at(&self, shedding: &Shedding) -> Option<Mono> {
        restore::frequency_allows(shedding, &self.live.shedding, self.now)
    }

    fn tell_frequency(&mut self, shedding: &Shedding, sources: &Sources, next: &mut Mono) {
        let (agreed, now) = (sources.agreed(), self.now);
        let state = &mut self.live.shedding;
        state.frequency = agreed;
        let is_high = agreed.is_some_and(|frequency| frequency > shedding.restore.above);
        state.good.update(is_high, shedding.restore.settle, now, next);
        let was_lost = state.is_lost;
        // What was told stands until they agree on one: those that come back together may take a moment to.
        let is_gone = sources.is_empty() && !state.sources.is_empty();
        state.is_lost = is_gone || (was_lost && agreed.is_none());
        let differ = !sources.is_empty() && agreed.is_none();
        let is_told = state.differ.update(differ, DISAGREEMENT_TOLD, now, next);
        let was_told = state.disagrees;
        // What was told stands until they agree again; while there is no source at all nothing can be said.
        state.disagrees = is_told || (was_told && agreed.is_none());
        match (was_lost, agreed) {
            (false, _) if is_gone => self.event(GuardEvent::FrequencyUnknown),
            (true, Some(frequency)) => self.event(GuardEvent::FrequencyBack { frequency }),
            _ => {}
        }
        match (was_told, agreed) {
            (false, _) if is_told => self.event(GuardEvent::SourcesDisagree),
            (true, Some(frequency)) => self.event(GuardEvent::SourcesAgree { frequency }),
            _ => {}
        }
    }

    /// The load before an event, and the end of an event.
    fn follow_event(&mut self, shedding: &Shedding, sources: &Sources, next: &mut Mono) {
        let top = top(shedding);
        let is_above = !sources.is_empty() && !sources.most(|source| source.value < top);
        let was_in_event = self.live.shedding.in_event;
        if !was_in_event && (is_above || shedding.site_load.is_none()) {
            self.live.shedding.load_before = shedding.site_load.and_then(|point| self.number(point));
        }
        // What did not help is remembered over a restart, which begins outside of an event, and requests of rules are judged
        // outside of one. It ends as an event does: the stages must not stay silent for good.
        if !was_in_event && self.live.shedding.futile == 0 {
            return;
        }
        if self.live.shedding.clear.update(is_above, EVENT_CLEAR, self.now, next) {
            let state = &mut self.live.shedding;
            state.in_event = false;
            state.clear.reset();
            state.acted.iter_mut().for_each(|acted| *acted = false);
            state.bulk_acted = false;
            if was_in_event {
                state.load_before = None;
            }
            state.futile = 0;
            let was_futile = core::mem::take(&mut state.is_futile);
            if was_in_event || was_futile {
                self.event(GuardEvent::EventOver);
            }
            if was_futile {
                self.look_at_shed_requests();
            }
            // Those that wait say why: no longer the stage, but their turn.
            for (index, output) in
                self.live.outputs.iter_mut().enumerate().filter(|(_, output)| output.awaits)
            {
                output.shed_by = Some(ShedBy::Outage);
                self.work.outputs.mark(index);
            }
        }
    }

    fn review_stage(
        &mut self,
        shedding: &Shedding,
        index: usize,
        stage: &Stage,
        sources: &Sources,
        next: &mut Mono,
    ) {
        let is_below = sources.most(|source| source.value < stage.below);
        let now = self.now;
        let state = &mut self.live.shedding;
        let acted = state.acted.get(index).copied().unwrap_or(true);
        let Some(hold) = state.holds.get_mut(index) else { return };
        if !hold.update(is_below, stage.hold, now, next) || acted || state.is_futile {
            return;
        }
        if let Some(acted) = state.acted.get_mut(index) {
            *acted = true;
        }
        let before = self.load_before(shedding);
        let by = ShedBy::Stage(index as u16);
        let (shed, loads) = self.shed(shedding, before, stage.share, &stage.from, by);
        self.after_shedding(sources);
        let frequency = sources.middle();
        self.event(GuardEvent::StageActed { stage: index as u16, frequency, before, shed, loads });
        self.tell_short(before, stage.share, shed);
    }

    fn review_bulk(&mut self, shedding: &Shedding, bulk: &Bulk, sources: &Sources) {
        let falls = |source: &frequency::Source| {
            source.value < bulk.below && source.slope.is_some_and(|slope| -slope >= bulk.falling.get())
        };
        let state = &mut self.live.shedding;
        if state.bulk_acted || state.is_futile || !sources.most(falls) {
            return;
        }
        state.bulk_acted = true;
        let before = self.load_before(shedding);
        let (shed, loads) = self.shed(shedding, before, bulk.share, &bulk.from, ShedBy::Bulk);
        self.after_shedding(sources);
        self.event(GuardEvent::BulkActed { frequency: sources.middle(), before, shed, loads });
        self.tell_short(before, bulk.share, shed);
    }

    fn tell_short(&mut self, before: Finite, share: Finite, shed: Finite) {
        let missing = before.get() * share.get() / 100.0 - shed.get();
        if missing > 0.0 {
            self.event(GuardEvent::ShedShort { missing: Finite::saturating(missing) });
        }
    }

    /// The site's load just before the event; what stages of one event take their shares of.
    fn load_before(&mut self, shedding: &Shedding) -> Finite {
        if let Some(before) = self.live.shedding.load_before {
            return before;
        }
        let before = choose::sum_of_loads(self.live, shedding, self.now);
        self.live.shedding.load_before = Some(before);
        before
    }

    /// An event is under way, and whether shedding helps is judged a little later.
    fn after_shedding(&mut self, sources: &Sources) {
        let state = &mut self.live.shedding;
        state.in_event = true;
        state.clear.reset();
        if let (None, Some(frequency)) = (state.judge, sources.middle()) {
            state.judge = Some((self.now.after(FUTILITY_AFTER), frequency));
        }
    }

    fn judge_effect(&mut self, shedding: &Shedding, sources: &Sources, next: &mut Mono) {
        let state = &mut self.live.shedding;
        let Some((moment, then)) = state.judge else { return };
        if self.now < moment {
            *next = (*next).min(moment);
            return;
        }
        state.judge = None;
        // Nothing can be said while the frequency is unknown.
        let Some(frequency) = sources.middle() else { return };
        if frequency.get() > then.get() + FUTILITY_RISE {
            state.futile = 0;
            return;
        }
        state.futile = state.futile.saturating_add(1);
        if shedding.futile_after.is_some_and(|most| state.futile >= most) && !state.is_futile {
            state.is_futile = true;
            self.event(GuardEvent::Futile);
            self.look_at_shed_requests();
        }
    }

    /// What stands against ordinary shed requests changed.
    fn look_at_shed_requests(&mut self) {
        let outputs = self.live.outputs.iter().enumerate();
        for (index, _) in outputs.filter(|(_, output)| output.authority == Authority::Shed) {
            self.work.outputs.mark(index);
        }
    }

    /// A load was told something else: its minutes, the cap, the budget of giving back.
    pub(crate) fn load_moved(&mut self, index: usize, proposal: &Proposal, told: Wanted) {
        let Some(shedding) = &self.plan.set.shedding else { return };
        let now = self.now;
        let Some(output) = self.live.outputs.get(index) else { return };
        let is_shed_request = proposal.cause == Cause::Asked && output.authority == Authority::Shed;
        let is_cut = output.awaits || is_shed_request;
        let load = self.plan.tables.load_of.get(index).copied().flatten();
        if let Some(fairness) = load.and_then(|load| self.live.shedding.fairness.get_mut(usize::from(load))) {
            fairness.follow(now, is_cut && proposal.wanted == Wanted::OPEN);
        }
        if is_shed_request && proposal.wanted == Wanted::OPEN && told == Wanted::CLOSED {
            self.live.shedding.cap.push(now);
            self.judge_request(shedding);
        }
        if proposal.restores && proposal.wanted == Wanted::CLOSED {
            let seed = self.plan.tables.site_seed;
            let state = &mut self.live.shedding;
            state.restore_at = now.after(shedding.restore.one_per).after(restore::jitter(
                shedding.restore.jitter,
                seed,
                state.restored,
            ));
            state.restored = state.restored.wrapping_add(1);
            self.event(GuardEvent::Restored { output: ballast_model::OutputId(index as u32) });
            // The turn of all others has moved.
            self.mark_restorations();
        }
    }

    /// An ordinary request is judged by the frequency only where the frequency is what it is about.
    fn judge_request(&mut self, shedding: &Shedding) {
        let state = &mut self.live.shedding;
        if let (None, Some(frequency)) = (state.judge, state.frequency)
            && frequency < top(shedding)
        {
            state.judge = Some((self.now.after(FUTILITY_AFTER), frequency));
            self.work.shedding = true;
        }
    }

    /// Those that ask to be given back are looked at again.
    pub(crate) fn mark_restorations(&mut self) {
        while let Some(index) = self.work.waiting.take() {
            self.work.outputs.mark(index);
        }
    }
}

/// The highest frequency at which anything acts.
fn top(shedding: &Shedding) -> Finite {
    let stages = shedding.stages.iter().map(|stage| stage.below);
    let bulk = shedding.bulk.iter().map(|bulk| bulk.below);
    stages.chain(bulk).max().unwrap_or(Finite::ZERO)
}
