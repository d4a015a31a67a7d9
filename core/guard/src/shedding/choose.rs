//! Which loads are cut: group after group, within a group the one that was cut least in seven days first, whole loads
//! until the share is met.

use crate::bounds::LOAD_DRAWS;
use crate::machine::Run;
use crate::plan::{Load, Shedding};
use crate::rules::{self, Class, Question};
use crate::state::{Live, ShedBy};
use alloc::boxed::Box;
use ballast_model::{Finite, Mono, OutputId, Value, Wanted};

/// What a load draws: measured where that is known, else its rating while closed.
pub(crate) fn draws(live: &Live, load: &Load, now: Mono) -> f64 {
    let measured = load.power.and_then(|point| live.snapshot.known(point, now)).and_then(Value::number);
    let is_closed = live.output(load.output).is_some_and(|state| state.told == Wanted::CLOSED);
    match measured {
        Some(power) => power.get().max(0.0),
        None if is_closed => load.rated.get(),
        None => 0.0,
    }
}

/// The sum over the loads, W.
pub(crate) fn sum_of_loads(live: &Live, shedding: &Shedding, now: Mono) -> Finite {
    Finite::saturating(shedding.loads.iter().map(|load| draws(live, load, now)).sum())
}

impl Run<'_> {
    /// Cuts loads of `from` until `share` per cent of `before` is met or nothing is left; W cut and how many loads.
    pub(crate) fn shed(
        &mut self,
        shedding: &Shedding,
        before: Finite,
        share: Finite,
        from: &[Box<str>],
        by: ShedBy,
    ) -> (Finite, u32) {
        let target = before.get() * share.get() / 100.0;
        let (mut shed, mut count) = (0.0, 0);
        for group in from {
            if shed >= target {
                break;
            }
            self.rank(shedding, group);
            while shed < target
                && let Some(place) = self.work.take_ranked()
            {
                let Some(load) = shedding.loads.get(place) else { continue };
                shed += draws(self.live, load, self.now);
                count += 1;
                if let Some(state) = self.live.outputs.get_mut(load.output.index()) {
                    state.cut(by);
                }
                self.urge(load.output);
            }
        }
        (Finite::saturating(shed), count)
    }

    /// The loads of a group that can be cut now, the least cut ones first; equal ones in the order of the file.
    fn rank(&mut self, shedding: &Shedding, group: &str) {
        self.work.ranked.clear();
        for (place, load) in shedding.loads.iter().enumerate() {
            if !load.groups.iter().any(|name| **name == *group) || !self.can_be_cut(load) {
                continue;
            }
            let fairness = self.live.shedding.fairness.get(place);
            let cut_for = fairness.map_or(0, |fairness| fairness.total(self.now).nanos());
            // There is room for every load.
            self.work.ranked.push((cut_for, place as u32));
        }
        // The best one is taken from the end.
        self.work.ranked.sort_unstable_by(|one, other| other.cmp(one));
    }

    fn can_be_cut(&self, load: &Load) -> bool {
        let never = self.plan.tables.never.get(load.output.index()).copied().unwrap_or(false);
        let Some(state) = self.live.output(load.output).filter(|_| !never) else { return false };
        let is_up = state.sent && state.told == Wanted::CLOSED && !state.awaits;
        is_up && draws(self.live, load, self.now) >= LOAD_DRAWS && !self.is_forced_closed(load.output)
    }

    /// Whether a limit keeps a load closed: one that begins or ends in this very step counts as it stands now, which its last
    /// answer does not say yet.
    fn is_forced_closed(&self, output: OutputId) -> bool {
        let (Some(envelope), Some(state)) = (self.plan.envelope(output.index()), self.live.output(output))
        else {
            return false;
        };
        let question =
            Question { plan: self.plan, live: self.live, now: self.now, id: output, envelope, state };
        let proposal = rules::weigh(&question);
        matches!(proposal.class, Class::Limit(_)) && proposal.wanted == Wanted::CLOSED
    }

    /// Keeps `output` in mind for the moment at which something may come back.
    pub(crate) fn wait_for_restoration(&mut self, output: OutputId) {
        self.work.waiting.mark(output.index());
    }
}
