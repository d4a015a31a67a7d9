//! Ordinary shedding: which loads of a group are cut when a rule asks for it.
//!
//! Loads are taken least-shed-first, by the minutes of the last days, then in the order of the group; whole loads, until
//! what was asked is met or exceeded. The choice stays as long as the rule asks for the same, so that nothing rotates
//! while it is dark. What a rule shed and let go of stays cut until restoration gives it back.

use crate::arbitrate::{Claim, Outputs};
use crate::bodies::{ShedAmount, ShedRequest};
use crate::events::{Event, Output, Source};
use crate::limits::SHED_DAYS;
use crate::lives::Active;
use crate::machine::Core;
use crate::plan::Plan;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use ballast_model::catalog::GroupSpec;
use ballast_model::intent::Cause;
use ballast_model::{Authority, Finite, GroupId, Mono, OutputId, PointId, Span, Wanted};

const DAY_NANOS: u64 = 86_400_000_000_000;

/// How long a load was shed, by days of the monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ShedMinutes {
    /// Nanoseconds per day, by the day's number modulo the length.
    nanos: [u64; SHED_DAYS],
    /// The number of the newest day.
    day: u64,
    /// Since when it is shed now.
    since: Option<Mono>,
}

impl ShedMinutes {
    /// Notes whether the load is shed from now on.
    pub(crate) fn set(&mut self, is_shed: bool, now: Mono) {
        match (self.since, is_shed) {
            (None, true) => self.since = Some(now),
            (Some(since), false) => {
                self.count(since, now);
                self.since = None;
            }
            _ => {}
        }
    }

    /// How long it was shed in the last days, up to now.
    pub(crate) fn total(&self, now: Mono) -> Span {
        let mut copy = *self;
        copy.forget(now.nanos() / DAY_NANOS);
        if let Some(since) = copy.since {
            copy.count(since, now);
        }
        Span::from_nanos(copy.nanos.iter().sum())
    }

    fn count(&mut self, from: Mono, to: Mono) {
        let week = SHED_DAYS as u64 * DAY_NANOS;
        let mut from = from.nanos().max(to.nanos().saturating_sub(week));
        while from < to.nanos() {
            let day = from / DAY_NANOS;
            let end = (day + 1).saturating_mul(DAY_NANOS).min(to.nanos());
            self.forget(day);
            if let Some(place) = self.nanos.get_mut((day % SHED_DAYS as u64) as usize) {
                *place += end - from;
            }
            from = end;
        }
    }

    /// Makes `day` the newest one.
    fn forget(&mut self, day: u64) {
        while self.day < day {
            self.day = if day - self.day > SHED_DAYS as u64 { day - SHED_DAYS as u64 } else { self.day + 1 };
            if let Some(place) = self.nanos.get_mut((self.day % SHED_DAYS as u64) as usize) {
                *place = 0;
            }
        }
    }

    /// The same minutes on a clock that was moved.
    #[must_use]
    pub(crate) fn moved(&self, rebase: &dyn Fn(Mono) -> Mono) -> Self {
        let start = rebase(Mono::from_nanos(self.day.saturating_mul(DAY_NANOS)));
        let mut moved =
            Self { nanos: [0; SHED_DAYS], day: start.nanos() / DAY_NANOS, since: self.since.map(rebase) };
        for age in 0..SHED_DAYS as u64 {
            let (Some(old), Some(new)) = (self.day.checked_sub(age), moved.day.checked_sub(age)) else {
                break;
            };
            let old = self.nanos.get((old % SHED_DAYS as u64) as usize).copied().unwrap_or(0);
            if let Some(place) = moved.nanos.get_mut((new % SHED_DAYS as u64) as usize) {
                *place = old;
            }
        }
        moved
    }
}

/// The loads that one rule sheds from one group.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Choice {
    pub(crate) amount: ShedAmount,
    /// Each with what it drew when it was chosen, W.
    pub(crate) loads: Vec<(OutputId, Finite)>,
}

/// All choices, by rule and group.
pub(crate) type Choices = BTreeMap<(u32, GroupId), Choice>;

impl Core {
    /// Takes up the sheds of a good run, in place of what the last one asked.
    pub(crate) fn adopt_sheds(
        &mut self,
        plan: &Plan,
        rule: u32,
        active: Active,
        sheds: &[ShedRequest],
        out: &mut Vec<Output>,
    ) {
        let Some(life) = self.lives.get_mut(rule as usize) else { return };
        if life.sheds.is_empty() && sheds.is_empty() {
            return;
        }
        let mut new: Vec<ShedRequest> = Vec::with_capacity(sheds.len());
        for shed in sheds {
            new.retain(|earlier| earlier.group != shed.group);
            new.push(*shed);
        }
        let old = core::mem::replace(&mut life.sheds, new.clone());
        for gone in old.iter().filter(|old| !new.iter().any(|new| new.group == old.group)) {
            self.release_shed(plan, rule, gone.group);
        }
        for shed in &new {
            let is_same =
                self.choices.get(&(rule, shed.group)).is_some_and(|choice| choice.amount == shed.amount);
            if !is_same {
                self.choose(plan, rule, active, shed, out);
            }
        }
    }

    /// Chooses the loads for a shed.
    fn choose(&mut self, plan: &Plan, rule: u32, active: Active, shed: &ShedRequest, out: &mut Vec<Output>) {
        let Some(group) = plan.catalog.groups.get(shed.group.index()) else { return };
        let before = self.choices.remove(&(rule, shed.group)).map(|choice| choice.loads).unwrap_or_default();
        let candidates = self.candidates(group, &before);
        let present: f64 = candidates.iter().map(|candidate| candidate.draws.get()).sum();
        let target = match shed.amount {
            ShedAmount::All => f64::MAX,
            ShedAmount::Share(share) => present * share.get() / 100.0,
            ShedAmount::Power(power) => power.get(),
        };
        let mut loads = Vec::new();
        let mut sum = 0.0;
        for candidate in &candidates {
            if sum >= target {
                break;
            }
            sum += candidate.draws.get();
            loads.push((candidate.output, candidate.draws));
        }
        for (output, _) in before.iter().filter(|(output, _)| !loads.iter().any(|(kept, _)| kept == output)) {
            self.release_load(plan, rule, *output);
        }
        for (output, _) in &loads {
            let claim = Claim {
                authority: Authority::Shed,
                source: Source::Shed(rule),
                wanted: Wanted::OPEN,
                request: active.request,
                since: active.since,
                until: None,
                who: None,
            };
            self.outputs.claim(*output, claim);
        }
        let asked_w = if matches!(shed.amount, ShedAmount::All) { present } else { target };
        out.push(Output::Event(Event::Shed {
            rule,
            group: shed.group,
            loads: loads.iter().map(|(output, _)| *output).collect(),
            asked_w: Finite::saturating(asked_w),
            chosen_w: Finite::saturating(sum),
        }));
        self.choices.insert((rule, shed.group), Choice { amount: shed.amount, loads });
    }

    /// The loads that could be cut, in the order in which they are: first those already cut by this rule, then the
    /// least shed. Loads that are open already and loads that the guard never sheds, or that nobody armed, are none.
    fn candidates(&self, group: &GroupSpec, before: &[(OutputId, Finite)]) -> Vec<Candidate> {
        let now = self.world.now;
        let mut found: Vec<Candidate> = Vec::new();
        for (place, output) in group.loads.iter().enumerate() {
            let Some(life) = self.outputs.get(*output) else { continue };
            let kept = before.iter().find(|(kept, _)| kept == output);
            let is_never = life.verdict.is_some_and(|verdict| {
                matches!(verdict.cause, Cause::Never | Cause::NotArmed | Cause::JustArmed)
            });
            if kept.is_none() && (life.is_open() || is_never) {
                continue;
            }
            let rated = group.rated.get(place).copied().unwrap_or(Finite::ZERO);
            let measured = group.power.get(place).copied().flatten();
            let draws = kept.map_or_else(|| self.draws(measured, rated), |(_, drew)| *drew);
            let rank = (kept.is_none(), life.shed.total(now), place);
            found.push(Candidate { output: *output, draws, rank });
        }
        found.sort_by_key(|candidate| candidate.rank);
        found
    }

    /// What a load that is not open draws, W, never negative: measured while known, else as rated.
    pub(crate) fn draws(&self, measured: Option<PointId>, rated: Finite) -> Finite {
        measured.and_then(|point| self.world.number(point)).unwrap_or(rated).max(Finite::ZERO)
    }

    /// A rule no longer sheds from a group.
    pub(crate) fn release_shed(&mut self, plan: &Plan, rule: u32, group: GroupId) {
        let Some(choice) = self.choices.remove(&(rule, group)) else { return };
        for (output, _) in choice.loads {
            let is_in_another = self
                .choices
                .range((rule, GroupId(0))..=(rule, GroupId(u32::MAX)))
                .any(|(_, other)| other.loads.iter().any(|(kept, _)| *kept == output));
            if !is_in_another {
                self.release_load(plan, rule, output);
            }
        }
    }

    /// A load is no longer shed by this rule: what is cut waits for restoration.
    fn release_load(&mut self, plan: &Plan, rule: u32, output: OutputId) {
        let now = self.world.now;
        let request = self.outputs.get(output).and_then(|life| {
            life.claims.iter().find(|claim| claim.source == Source::Shed(rule)).map(|claim| claim.request)
        });
        if !self.outputs.unclaim(output, Source::Shed(rule)) || !is_restored_by(plan, output) {
            return;
        }
        if !self.outputs.get(output).is_some_and(|life| life.is_open()) {
            return;
        }
        let claim = Claim {
            authority: Authority::Shed,
            source: Source::Returning,
            wanted: Wanted::OPEN,
            request: request.unwrap_or(0),
            since: now,
            until: None,
            who: None,
        };
        self.outputs.claim(output, claim);
        self.follow_return(output);
    }
}

struct Candidate {
    output: OutputId,
    draws: Finite,
    rank: (bool, Span, usize),
}

fn is_restored_by(plan: &Plan, output: OutputId) -> bool {
    plan.restoration.as_ref().is_some_and(|plan| plan.loads.iter().any(|load| load.output == output))
}

impl Outputs {
    /// Notes whether a load is shed, after a verdict or a decision.
    pub(crate) fn note_shed(&mut self, output: OutputId, now: Mono) {
        let Some(life) = self.lives.get_mut(output.index()) else { return };
        let is_cut = life.is_open() && life.claims.first().is_some_and(|c| c.authority == Authority::Shed);
        let awaits = life.verdict.is_some_and(|verdict| verdict.awaits_restoration);
        life.shed.set(is_cut || awaits, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Mono {
        Mono::from_millis(hours * 3_600_000)
    }

    #[test]
    fn a_week_is_remembered_and_no_more() {
        let mut shed = ShedMinutes::default();
        shed.set(true, at(23));
        shed.set(false, at(25));
        assert_eq!(shed.total(at(30)), Span::from_secs(7200));
        // The first hour lies in day 0, which leaves the week with day 7.
        assert_eq!(shed.total(at(7 * 24)), Span::from_secs(3600));
        assert_eq!(shed.total(at(40 * 24)), Span::ZERO);
        shed.set(true, at(48));
        assert_eq!(shed.total(at(50)), Span::from_secs(4 * 3600));
    }

    #[test]
    fn minutes_move_with_the_clock() {
        let mut shed = ShedMinutes::default();
        shed.set(true, at(23));
        shed.set(false, at(25));
        let moved = shed.moved(&|moment| moment.after(Span::from_secs(240 * 3600)));
        assert_eq!(moved.total(at(270)), Span::from_secs(7200));
        assert_eq!(moved.total(at((7 + 10) * 24)), Span::from_secs(3600));
    }
}
