//! The life of a rule (LANGUAGE, "The life of a rule").
//!
//! ```text
//!            when true for its time, end not true            until true for its time, or unknown for too long
//!   idle ────────────────────────────────────────▶ active ────────────────────────────────────────────────▶ idle
//!                                                    │ body failed too often in a row
//!                                                    ▼
//!                                                 suspended ── resumed by a person, or its text changed ──▶ idle
//! ```
//!
//! Idle, only `when` counts; active, only `until` (absent: not `when`). Three things keep rules from spinning, and only
//! those: a rule does not start while its end is true already (an `until` without `for`, or the one that just ended it);
//! one that ended because something was unknown does not start while that is unknown; and the pace of starts is bounded
//! ([`START_INTERVAL`], [`START_REST`]).

use crate::agenda::Task;
use crate::bodies::{Bodies, Notice, Record, Request, ShedRequest};
use crate::events::{EndReason, Event, Output, Runner, Source};
use crate::limits::{FAILED_REQUESTS_KEPT, START_BURST, START_INTERVAL, START_REST, WITNESSES_MAX};
use crate::machine::Core;
use crate::plan::{Plan, RulePlan};
use crate::wiring::RulePrograms;
use crate::world::{Change, World};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use ballast_model::expr::{Fault, Hold};
use ballast_model::intent::Witness;
use ballast_model::{Mono, PointId, Span, Value};

/// An activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Active {
    pub(crate) since: Mono,
    /// The number under which it asks.
    pub(crate) request: u64,
}

/// A request as it is held.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Held {
    pub(crate) request: Request,
    /// When it ends although the rule may go on.
    pub(crate) until: Option<Mono>,
}

/// How the last run of the body ended.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) enum LastRun {
    #[default]
    None,
    Done,
    Unknown(PointId),
    Failed {
        /// Since when it fails.
        since: Mono,
        message: String,
        place: Box<str>,
    },
}

/// What the engine keeps of one rule.
#[derive(Clone, Debug, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Life {
    pub(crate) active: Option<Active>,
    pub(crate) when_hold: Hold,
    pub(crate) until_hold: Hold,
    pub(crate) unknown: Hold,
    /// What ended it last holds ever since: its `until` is true, or something is unknown.
    pub(crate) is_end_standing: bool,
    pub(crate) last_start: Option<Mono>,
    /// Where the pace of starts stands: a start is too early while this lies more than a burst ahead.
    pub(crate) pace: Mono,
    /// No start before this.
    pub(crate) rest_until: Mono,
    pub(crate) last_end: Option<(Mono, EndReason)>,
    pub(crate) requests: Vec<Held>,
    pub(crate) sheds: Vec<ShedRequest>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) campaigns: Vec<(Box<str>, bool)>,
    pub(crate) records: Vec<Record>,
    pub(crate) run: LastRun,
    /// Failures in a row.
    pub(crate) failures: u32,
    pub(crate) is_suspended: bool,
    /// The first moment at which a value that the body read grows too old; [`Mono::MAX`] when none does.
    pub(crate) body_expiry: Option<Mono>,
    /// When something else that the body looks at changes by itself.
    pub(crate) body_again: Option<Mono>,
    /// After an outage: until then, progress of `for` waits for the first known truth.
    pub(crate) resume_until: Option<Mono>,
}

impl Life {
    /// How its body failed the last time that it ran: since when it does, why and where.
    pub(crate) fn failure(&self) -> Option<(Mono, &str, &str)> {
        match &self.run {
            LastRun::Failed { since, message, place } => Some((*since, message, place)),
            LastRun::None | LastRun::Done | LastRun::Unknown(_) => None,
        }
    }

    /// Before this the pace of starts, or a rest, allows none.
    pub(crate) fn earliest_start(&self) -> Mono {
        self.rest_until.max(self.pace.before(START_INTERVAL.times(START_BURST)))
    }
}

impl Core {
    /// Looks at every rule to which something changed, in the order of the plan.
    pub(crate) fn review_rules(&mut self, bodies: &mut dyn Bodies, plan: &Plan, out: &mut Vec<Output>) {
        let mut list = core::mem::take(&mut self.scratch_rules);
        self.world.dirty.rules.take(&mut list);
        for index in &list {
            self.review_rule(bodies, plan, *index, out);
        }
        self.scratch_rules = list;
    }

    fn review_rule(&mut self, bodies: &mut dyn Bodies, plan: &Plan, index: u32, out: &mut Vec<Output>) {
        let Some(rule) = plan.rules.get(index as usize) else { return };
        self.counters.evaluated(index);
        // End and start again is the longest way through one step: what ends as it starts, rests.
        for _ in 0..4 {
            let place = index as usize;
            let (Some(programs), Some(life)) = (self.programs.rules.get(place), self.lives.get_mut(place))
            else {
                return;
            };
            let mut next = Mono::MAX;
            if life.is_suspended {
                self.agenda.set(Task::Rule(index), next);
                return;
            }
            let Some(active) = life.active else {
                if is_starting(rule, programs, life, &self.world, self.patience.is_some(), &mut next) {
                    self.start(plan, index, out);
                    continue;
                }
                self.agenda.set(Task::Rule(index), next);
                return;
            };
            let (reason, is_truth_unknown) = ending(rule, programs, life, active, &self.world, &mut next);
            if let Some(reason) = reason {
                self.end(plan, index, reason, out);
                continue;
            }
            if self.is_body_due(plan, index) {
                self.run_body(bodies, plan, index, out);
                if self.lives.get(place).is_none_or(|life| life.active.is_none()) {
                    continue;
                }
            }
            if self.is_unknown_for_too_long(rule, index, is_truth_unknown, &mut next, out) {
                let reason = self.fault_of_rule(index).map_or(EndReason::Unknown, EndReason::Fault);
                self.end(plan, index, reason, out);
                continue;
            }
            self.let_go_after_failure(plan, index, &mut next);
            self.agenda.set(Task::Rule(index), next);
            return;
        }
    }

    fn start(&mut self, plan: &Plan, index: u32, out: &mut Vec<Output>) {
        let request = self.outputs.next_request();
        let now = self.world.now;
        let Some(life) = self.lives.get_mut(index as usize) else { return };
        life.active = Some(Active { since: now, request });
        life.last_start = Some(now);
        life.pace = life.pace.max(now).after(START_INTERVAL);
        life.when_hold.reset();
        life.until_hold.reset();
        life.unknown.reset();
        life.resume_until = None;
        life.run = LastRun::None;
        let World { snapshot, trackers, .. } = &mut self.world;
        trackers.started(index, now, |point| {
            let value = snapshot.known(point, now).map(|value| match value {
                Value::Number(number) => number,
                Value::Word(word) => i32::from(word).into(),
                Value::Flag(flag) => i32::from(flag).into(),
            });
            (value, snapshot.expires(point).unwrap_or(Mono::MAX))
        });
        self.world.mark_trackers(Some(index), Change::Told);
        if let Some(must_run) = self.world.dirty.bodies.get_mut(index as usize) {
            *must_run = true;
        }
        let reads = plan.rules.get(index as usize).map_or(&[][..], |rule| &rule.when.reads);
        let because = self.witnesses(reads);
        out.push(Output::Event(Event::RuleStarted { rule: index, request, because }));
    }

    /// Ends a rule: its requests, sheds and notices go with it.
    pub(crate) fn end(&mut self, plan: &Plan, index: u32, reason: EndReason, out: &mut Vec<Output>) {
        let now = self.world.now;
        let Some(life) = self.lives.get_mut(index as usize) else { return };
        let lived = life.active.take().map(|active| now.since(active.since));
        life.last_end = Some((now, reason));
        let is_still_born = reason == EndReason::Until && lived == Some(Span::ZERO);
        if is_still_born || reason.is_unknown() {
            life.rest_until = now.after(START_REST);
        }
        life.when_hold.reset();
        life.until_hold.reset();
        life.unknown.reset();
        life.is_end_standing = reason == EndReason::Until || reason.is_unknown();
        (life.body_expiry, life.body_again) = (None, None);
        life.campaigns.clear();
        life.records.clear();
        let notices = core::mem::take(&mut life.notices);
        let because = match reason {
            EndReason::Unknown => self.witnesses(&self.missing(plan, index)),
            _ => self.witnesses(ending_reads(plan, index)),
        };
        out.push(Output::Event(Event::RuleEnded { rule: index, reason, because }));
        for notice in notices {
            out.push(Output::Event(Event::NoticeCleared { runner: Runner::Rule(index), notice }));
        }
        self.drop_requests(plan, index);
    }

    /// Takes back everything a rule asks of outputs.
    fn drop_requests(&mut self, plan: &Plan, index: u32) {
        let Some(life) = self.lives.get_mut(index as usize) else { return };
        let requests = core::mem::take(&mut life.requests);
        let sheds = core::mem::take(&mut life.sheds);
        for held in requests {
            self.outputs.unclaim(held.request.output, Source::Rule(index));
        }
        for shed in sheds {
            self.release_shed(plan, index, shed.group);
        }
    }

    /// Whether the body must run: something it reads changed, or grew too old since it ran, or its time has come.
    fn is_body_due(&mut self, plan: &Plan, index: u32) -> bool {
        let place = index as usize;
        let is_marked = self.world.dirty.bodies.get_mut(place).is_some_and(core::mem::take);
        let (Some(rule), Some(life)) = (plan.rules.get(place), self.lives.get_mut(place)) else {
            return false;
        };
        if is_marked || life.body_again.is_some_and(|moment| moment <= self.world.now) {
            return true;
        }
        if life.body_expiry.is_none_or(|moment| self.world.now < moment) {
            return false;
        }
        // A value that was renewed meanwhile only moves the moment.
        let mut next = None;
        for point in &rule.body_reads {
            let expiry = self.world.expiry(*point);
            if expiry <= self.world.now && life.body_expiry.is_some_and(|moment| expiry >= moment) {
                return true;
            }
            if expiry > self.world.now && expiry < Mono::MAX {
                next = Some(next.map_or(expiry, |earliest: Mono| earliest.min(expiry)));
            }
        }
        life.body_expiry = next;
        false
    }

    /// Follows how long something the rule needs has been unknown.
    fn is_unknown_for_too_long(
        &mut self,
        rule: &RulePlan,
        index: u32,
        is_truth_unknown: bool,
        next: &mut Mono,
        out: &mut Vec<Output>,
    ) -> bool {
        let place = index as usize;
        let now = self.world.now;
        let (Some(programs), Some(life)) = (self.programs.rules.get(place), self.lives.get_mut(place)) else {
            return false;
        };
        let mut missing = None;
        for point in &programs.plain {
            if self.world.snapshot.known(*point, now).is_none() {
                missing = missing.or(Some(*point));
            } else {
                *next = (*next).min(self.world.next_expiry(*point));
            }
        }
        if let LastRun::Unknown(point) = life.run {
            missing = missing.or(Some(point));
        }
        let is_unknown = missing.is_some() || is_truth_unknown;
        let was_unknown = life.unknown.since().is_some();
        let is_too_long = life.unknown.update(is_unknown, rule.unknown, now, next);
        if is_unknown && !was_unknown && !is_too_long {
            let fault = self.fault_of_rule(index).filter(|_| missing.is_none());
            let patience = rule.unknown;
            out.push(Output::Event(Event::RuleUnknown { rule: index, point: missing, fault, patience }));
        } else if was_unknown && !is_unknown {
            out.push(Output::Event(Event::RuleKnown { rule: index }));
        }
        if let Some(life) = self.lives.get(place) {
            let moments = life.body_expiry.into_iter().chain(life.body_again);
            *next = moments.fold(*next, Mono::min);
        }
        is_too_long
    }

    /// Arithmetic without a result in the condition that ends an active rule, where that is all that makes it unknown.
    fn fault_of_rule(&self, index: u32) -> Option<Fault> {
        let (programs, life) = (self.programs.rules.get(index as usize)?, self.lives.get(index as usize)?);
        let seen = self.world.seen(life.active.map(|active| active.since));
        let is_missing = |point: &PointId| self.world.snapshot.known(*point, self.world.now).is_none();
        let ending = programs.until.as_ref().unwrap_or(&programs.when);
        let is_fault =
            ending.truth(&seen, &mut Mono::MAX.clone()).is_none() && !programs.plain.iter().any(is_missing);
        ending.fault(&seen).filter(|_| is_fault)
    }

    /// The requests of the last good run outlive a failing body for a while, not for ever.
    fn let_go_after_failure(&mut self, plan: &Plan, index: u32, next: &mut Mono) {
        let Some(life) = self.lives.get(index as usize) else { return };
        let LastRun::Failed { since, .. } = &life.run else { return };
        if life.requests.is_empty() && life.sheds.is_empty() {
            return;
        }
        let due = since.after(FAILED_REQUESTS_KEPT);
        if due <= self.world.now {
            self.drop_requests(plan, index);
        } else {
            *next = (*next).min(due);
        }
    }

    /// What a rule misses: the points that it needs and that are unknown. Where a time of day or something over time is what
    /// is unknown, the points that its ending condition reads.
    fn missing(&self, plan: &Plan, index: u32) -> Vec<PointId> {
        let place = index as usize;
        let reads = ending_reads(plan, index);
        let plain = self.programs.rules.get(place).map_or(&[][..], |programs| &programs.plain);
        let of_body = match self.lives.get(place).map(|life| &life.run) {
            Some(LastRun::Unknown(point)) => Some(*point),
            _ => None,
        };
        let is_unknown = |point: &PointId| self.world.snapshot.known(*point, self.world.now).is_none();
        let mut missing: Vec<PointId> = plain.iter().chain(reads).copied().filter(is_unknown).collect();
        // One that the site does not have stands for the time of day.
        missing.extend(of_body.filter(|point| plan.catalog.point(*point).is_some()));
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() { reads.to_vec() } else { missing }
    }

    /// The values of these points, as an event carries them.
    pub(crate) fn witnesses(&self, points: &[PointId]) -> Vec<Witness> {
        points.iter().take(WITNESSES_MAX).map(|point| self.world.witness(*point)).collect()
    }
}

/// What the condition reads that ends a rule.
fn ending_reads(plan: &Plan, index: u32) -> &[PointId] {
    let rule = plan.rules.get(index as usize);
    rule.map_or(&[][..], |rule| &rule.until.as_ref().unwrap_or(&rule.when).reads)
}

/// Whether an idle rule starts now.
fn is_starting(
    rule: &RulePlan,
    programs: &RulePrograms,
    life: &mut Life,
    world: &World,
    is_patient: bool,
    next: &mut Mono,
) -> bool {
    let now = world.now;
    let seen = world.seen(None);
    let truth = programs.when.truth(&seen, next);
    // An end keeps nothing from starting that does not start; only its deadlines would be named.
    let is_needless = is_patient && truth != Some(true) && !life.is_end_standing;
    let is_blocked = !is_needless && is_end_standing(rule, programs, life, world, next);
    if is_waiting_for_truth(life, truth, now, next) {
        return false;
    }
    if !life.when_hold.update(truth == Some(true), rule.when_hold, now, next) || is_blocked {
        return false;
    }
    let earliest = life.earliest_start();
    if now < earliest {
        *next = (*next).min(earliest);
        return false;
    }
    true
}

/// Whether an idle rule may not start because its end is true already, or because what ended it is unknown still.
fn is_end_standing(
    rule: &RulePlan,
    programs: &RulePrograms,
    life: &mut Life,
    world: &World,
    next: &mut Mono,
) -> bool {
    if !life.is_end_standing && rule.until_hold > Span::ZERO {
        return false;
    }
    let was_unknown = life.is_end_standing && life.last_end.is_some_and(|(_, reason)| reason.is_unknown());
    let is_missing = |point: &PointId| world.snapshot.known(*point, world.now).is_none();
    let mut stands = false;
    if was_unknown {
        stands = programs.plain.iter().any(is_missing)
            || matches!(&life.run, LastRun::Unknown(point) if is_missing(point));
    }
    // Relative to its start, an end means nothing before the start.
    if let Some(until) = &programs.until
        && !programs.until_is_relative
    {
        let truth = until.truth(&world.seen(None), next);
        stands |= if was_unknown { truth.is_none() } else { truth == Some(true) };
    }
    life.is_end_standing &= stands;
    stands
}

/// Why an active rule ends by its conditions now, if it does, and whether their truth is unknown.
fn ending(
    rule: &RulePlan,
    programs: &RulePrograms,
    life: &mut Life,
    active: Active,
    world: &World,
    next: &mut Mono,
) -> (Option<EndReason>, bool) {
    let seen = world.seen(Some(active.since));
    let (truth, reason) = match &programs.until {
        Some(until) => (until.truth(&seen, next), EndReason::Until),
        None => (programs.when.truth(&seen, next).map(|truth| !truth), EndReason::WhenOver),
    };
    if is_waiting_for_truth(life, truth, world.now, next) {
        return (None, true);
    }
    let is_over = life.until_hold.update(truth == Some(true), rule.until_hold, world.now, next);
    (is_over.then_some(reason), truth.is_none())
}

/// After an outage nothing is known at first: progress of `for` then waits for the first known truth, for a limited time.
fn is_waiting_for_truth(life: &mut Life, truth: Option<bool>, now: Mono, next: &mut Mono) -> bool {
    let Some(limit) = life.resume_until else { return false };
    if truth.is_none() && now < limit {
        *next = (*next).min(limit);
        return true;
    }
    life.resume_until = None;
    false
}
