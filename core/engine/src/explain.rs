//! Why an output is as it is, and why a rule is active or not: made when somebody asks, from what is known.
//!
//! Everything is given as data with its shown form, for a sentence, a table or JSON. For the past, the events carry what
//! is needed; see [`words`](crate::words).

use crate::arbitrate::Claim;
use crate::engine::RuleState;
use crate::events::{EndReason, Source};
use crate::limits::FAILED_REQUESTS_KEPT;
use crate::lives::{LastRun, Life};
use crate::machine::Core;
use crate::plan::{Plan, RulePlan};
use crate::restoration::Return;
use crate::words::source_name;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::almanac::TimeOfDay;
use ballast_model::expr::{BinaryOp, Fault, Program, Seen, TrackerKey};
use ballast_model::intent::{Cause, Witness};
use ballast_model::quantity::Shown;
use ballast_model::{Authority, Mono, Outcome, OutputId, PointId, Span};

/// Why an output is as it is.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// Its name.
    pub output: Box<str>,
    /// What the engine asks for; `None` before the first step.
    pub wanted: Option<String>,
    /// Since when the present winner wins.
    pub winner_since: Mono,
    /// Everyone who asks, strongest first; the first one wins. Empty: nobody asks, and the default holds.
    pub requests: Vec<Asker>,
    /// What it is when nobody asks.
    pub default: String,
    /// The values that the winner's conditions and body read.
    pub values: Vec<Reading>,
    /// The guard's last answer; `None` while it has not answered.
    pub verdict: Option<Answer>,
    /// Since when it waits to be given back after shedding; `None` when it does not.
    pub waits_for_return_since: Option<Mono>,
    /// The next moment at which something may change by itself: the winner's end or deadline, its turn to be given back, or
    /// the guard's.
    pub next_change: Option<Mono>,
}

/// Somebody who asks something of an output.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Asker {
    /// `rule "off-peak"`, `operator eva`.
    pub name: String,
    /// Who asks.
    pub source: Source,
    /// With which authority.
    pub authority: Authority,
    /// What.
    pub wanted: String,
    /// Since when.
    pub since: Mono,
    /// Until when, where that is known.
    pub until: Option<Mono>,
    /// Where it is written.
    pub place: Option<Box<str>>,
}

/// A value with what matters about it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Reading {
    /// Name of the point.
    pub point: Box<str>,
    /// Its last value as people read it; `None` when there never was one.
    pub value: Option<String>,
    /// How old it is; `None` when never received.
    pub age: Option<Span>,
    /// Why it may not be used; `None` when it may.
    pub problem: Option<&'static str>,
    /// Whether the value is a yes or a no, and not a word of an enumeration.
    pub is_flag: bool,
}

/// What the guard said.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Answer {
    /// What it was asked.
    pub asked: String,
    /// What it told the output to be.
    pub state: String,
    /// Since when.
    pub since: Mono,
    /// What became of the request.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// The value that decided, where one did.
    pub witness: Option<Reading>,
    /// When the answer may change by itself.
    pub next_change: Option<Mono>,
}

/// Why a rule is active, or why not.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RuleExplanation {
    /// Its name.
    pub rule: Box<str>,
    /// Where it stands.
    pub place: Box<str>,
    /// Its priority.
    pub priority: u8,
    /// What it is doing.
    pub state: RuleState,
    /// When it starts.
    pub when: Condition,
    /// When it ends; `None`: when `when` is no longer true.
    pub until: Option<Condition>,
    /// What ended it last still stands in the way of a start: its `until` is true, or something is unknown.
    pub is_held_back: bool,
    /// When it last started.
    pub last_start: Option<Mono>,
    /// When and why it last ended.
    pub last_end: Option<(Mono, EndReason)>,
    /// What it asks now: output and state.
    pub requests: Vec<(Box<str>, String)>,
    /// How its body went wrong, if it did: since when, what, where.
    pub failure: Option<(Mono, String, Box<str>)>,
    /// The point that its body misses, if it does.
    pub body_misses: Option<Box<str>>,
    /// The next moment at which it may start, end or ask otherwise although nothing is heard. That a value will be too old
    /// is none: its device says a newer one before that, or is gone.
    pub next_change: Option<Mono>,
}

/// A condition as it stands now.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Condition {
    /// As written.
    pub text: Box<str>,
    /// Whether it is true; `None`: unknown.
    pub is_true: Option<bool>,
    /// Arithmetic without a result, where that makes it unknown.
    pub fault: Option<Fault>,
    /// What it waits for before it can be known, where that makes it unknown.
    pub waits_for: Option<WaitsFor>,
    /// How long it must hold.
    pub must_hold: Span,
    /// Since when it has held, while that counts.
    pub holds_since: Option<Mono>,
    /// How long it must hold still; `None` while it does not hold.
    pub remaining: Option<Span>,
    /// Its comparisons with constants, each with the present value.
    pub thresholds: Vec<Threshold>,
    /// Every value it reads.
    pub values: Vec<Reading>,
}

/// What a condition over a time of day waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum WaitsFor {
    /// A clock that is trusted.
    Clock,
    /// The next time of day: it was not counted from the last one on.
    Next(TimeOfDay),
}

/// A comparison with a constant.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Threshold {
    /// What is compared, as written.
    pub subject: String,
    /// `<`, `>=` and so on.
    pub op: &'static str,
    /// With what, as people read it.
    pub limit: String,
    /// The present values of the points that are compared directly.
    pub values: Vec<Reading>,
}

impl Core {
    pub(crate) fn explain(&self, output: OutputId, now: Mono) -> Option<Explanation> {
        let plan = &self.plan;
        let spec = plan.catalog.output(output)?;
        let life = self.outputs.get(output)?;
        let asker = |claim: &Claim| Asker {
            name: source_name(plan, claim.source, claim.who.as_deref()),
            source: claim.source,
            authority: claim.authority,
            wanted: spec.show(claim.wanted),
            since: claim.since,
            until: claim.until,
            place: place_of(plan, claim.source),
        };
        let winner = life.claims.first();
        let verdict = life.verdict;
        let deadline = match winner.map(|claim| claim.source) {
            Some(Source::Rule(rule) | Source::Shed(rule)) => self.next_of_rule(rule, now),
            _ => Mono::MAX,
        };
        let ends = winner.and_then(|claim| claim.until).unwrap_or(Mono::MAX);
        let guard = verdict.and_then(|verdict| verdict.next_change).unwrap_or(Mono::MAX);
        let turn = self.earliest_turn(output).filter(|turn| *turn > now).unwrap_or(Mono::MAX);
        let next = deadline.min(ends).min(guard).min(turn);
        Some(Explanation {
            output: spec.name.clone(),
            wanted: life.sent.map(|intent| spec.show(intent.wanted)),
            winner_since: life.winner_since,
            requests: life.claims.iter().map(asker).collect(),
            default: spec.show(spec.default),
            values: winner.map_or_else(Vec::new, |claim| self.values_of(claim.source, now)),
            verdict: verdict.map(|verdict| Answer {
                asked: spec.show(verdict.asked),
                state: spec.show(verdict.state),
                since: verdict.since,
                outcome: verdict.outcome,
                cause: verdict.cause,
                witness: verdict.witness.map(|witness| witness_reading(plan, &witness)),
                next_change: verdict.next_change,
            }),
            waits_for_return_since: match life.back {
                Return::Waiting { since } | Return::Called { since, .. } => Some(since),
                Return::Here | Return::Back => None,
            },
            next_change: (next < Mono::MAX).then_some(next),
        })
    }

    /// The values behind a request.
    fn values_of(&self, source: Source, now: Mono) -> Vec<Reading> {
        let (Source::Rule(rule) | Source::Shed(rule)) = source else { return Vec::new() };
        let Some(rule) = self.plan.rules.get(rule as usize) else { return Vec::new() };
        let until = rule.until.iter().flat_map(|until| until.reads.iter());
        let mut points: Vec<PointId> =
            rule.when.reads.iter().chain(until).chain(&rule.body_reads).copied().collect();
        points.sort_unstable();
        points.dedup();
        points.iter().map(|point| self.reading(*point, now)).collect()
    }

    fn reading(&self, point: PointId, now: Mono) -> Reading {
        let reading = self.world.snapshot.reading(point);
        let quality = self.world.snapshot.quality(point, now);
        let spec = self.plan.catalog.point(point);
        witness_reading(&self.plan, &Witness::of(spec, point, reading, quality, now))
    }

    pub(crate) fn explain_rule(&self, index: u32, state: RuleState, now: Mono) -> Option<RuleExplanation> {
        let place = index as usize;
        let (rule, life) = (self.plan.rules.get(place)?, self.lives.get(place)?);
        let programs = self.programs.rules.get(place)?;
        let name_of = |point: PointId| self.plan.catalog.point(point).map(|spec| spec.name.clone());
        let (when_since, until_since) = (life.when_hold.since(), life.until_hold.since());
        let hold = (&*rule.when_text, rule.when_hold, when_since);
        let when = self.condition(life, &programs.when, &rule.when.thresholds, hold, now);
        let until = programs.until.as_ref().zip(rule.until.as_ref()).map(|(program, until)| {
            let hold = (&*rule.until_text, rule.until_hold, until_since);
            self.condition(life, program, &until.thresholds, hold, now)
        });
        let next = self.next_of_rule(index, now);
        Some(RuleExplanation {
            rule: rule.name.clone(),
            place: rule.place.clone(),
            priority: rule.priority,
            state,
            when,
            until,
            is_held_back: self.is_held_back(rule, life, programs.until.as_ref(), now),
            last_start: life.last_start,
            last_end: life.last_end,
            requests: self.requests_of(life),
            failure: life.failure().map(|(since, message, place)| (since, message.into(), place.into())),
            body_misses: if let LastRun::Unknown(point) = life.run { name_of(point) } else { None },
            next_change: (next < Mono::MAX).then_some(next),
        })
    }

    /// The next moment at which a rule may start, end or ask otherwise by itself; [`Mono::MAX`] where there is none. The
    /// agenda has the ages of the values it reads as well, which every new value puts off.
    fn next_of_rule(&self, index: u32, now: Mono) -> Mono {
        let mut next = Mono::MAX;
        let place = index as usize;
        let (Some(rule), Some(life), Some(programs)) =
            (self.plan.rules.get(place), self.lives.get(place), self.programs.rules.get(place))
        else {
            return next;
        };
        if life.is_suspended {
            return next;
        }
        let snapshot = self.world.snapshot.lasting(now);
        let seen = |since| Seen { snapshot: &snapshot, ..self.seen_at(since, now) };
        let (mut when_hold, mut until_hold, mut unknown) = (life.when_hold, life.until_hold, life.unknown);
        let Some(active) = life.active else {
            let truth = programs.when.truth(&seen(None), &mut next);
            if when_hold.update(truth == Some(true), rule.when_hold, now, &mut next) {
                next = next.min(life.earliest_start());
            }
            if let Some(until) =
                programs.until.as_ref().filter(|_| truth == Some(true) && life.is_end_standing)
            {
                let _ = until.truth(&seen(None), &mut next);
            }
            return if next > now { next } else { Mono::MAX };
        };
        let seen = seen(Some(active.since));
        let is_over = match &programs.until {
            Some(until) => until.truth(&seen, &mut next),
            None => programs.when.truth(&seen, &mut next).map(|truth| !truth),
        };
        let _ = until_hold.update(is_over == Some(true), rule.until_hold, now, &mut next);
        let is_missing = |point: &PointId| snapshot.known(*point, now).is_none();
        let is_unknown = is_over.is_none()
            || programs.plain.iter().any(is_missing)
            || matches!(life.run, LastRun::Unknown(_));
        let _ = unknown.update(is_unknown, rule.unknown, now, &mut next);
        if let Some((since, ..)) = life.failure()
            && !(life.requests.is_empty() && life.sheds.is_empty())
        {
            next = next.min(since.after(FAILED_REQUESTS_KEPT));
        }
        next = life.body_again.map_or(next, |again| next.min(again));
        if next > now { next } else { Mono::MAX }
    }

    fn is_held_back(&self, rule: &RulePlan, life: &Life, until: Option<&Program>, now: Mono) -> bool {
        if life.active.is_some() {
            return false;
        }
        let is_end_true = || {
            let truth = until.and_then(|until| until.truth(&self.seen_at(None, now), &mut ignored()));
            truth == Some(true)
        };
        life.is_end_standing || (rule.until_hold == Span::ZERO && is_end_true())
    }

    fn requests_of(&self, life: &Life) -> Vec<(Box<str>, String)> {
        let specs = life.requests.iter().filter_map(|held| {
            let spec = self.plan.catalog.output(held.request.output)?;
            Some((spec.name.clone(), spec.show(held.request.wanted)))
        });
        specs.collect()
    }

    fn seen_at(&self, active_since: Option<Mono>, now: Mono) -> Seen<'_> {
        Seen { now, ..self.world.seen(active_since) }
    }

    fn condition(
        &self,
        life: &Life,
        program: &Program,
        thresholds: &[ballast_model::expr::Threshold],
        (text, must_hold, holds_since): (&str, Span, Option<Mono>),
        now: Mono,
    ) -> Condition {
        let since = life.active.map(|active| active.since);
        let seen = self.seen_at(since, now);
        let is_true = program.truth(&seen, &mut ignored());
        let fault = if is_true.is_none() { program.fault(&seen) } else { None };
        let untold = if is_true.is_none() { program.untold(&seen) } else { None };
        let waits_for = untold.map(|key| match (key, self.world.wall.utc(now)) {
            (TrackerKey::Used { time, .. }, Some(_)) => WaitsFor::Next(time),
            _ => WaitsFor::Clock,
        });
        let thresholds = thresholds.iter().map(|threshold| Threshold {
            subject: threshold.subject.clone(),
            op: symbol(threshold.op),
            limit: Shown { base: threshold.value, unit: threshold.dimension.base() }.to_string(),
            values: threshold.points.iter().map(|point| self.reading(*point, now)).collect(),
        });
        Condition {
            text: text.into(),
            is_true,
            fault,
            waits_for,
            must_hold,
            holds_since,
            remaining: holds_since.map(|since| since.after(must_hold).since(now)),
            thresholds: thresholds.collect(),
            values: program.reads.iter().map(|point| self.reading(*point, now)).collect(),
        }
    }
}

fn place_of(plan: &Plan, source: Source) -> Option<Box<str>> {
    match source {
        Source::Rule(rule) | Source::Shed(rule) => {
            plan.rules.get(rule as usize).map(|rule| rule.place.clone())
        }
        Source::Schedule(index) => plan.schedules.get(index as usize).map(|schedule| schedule.place.clone()),
        _ => None,
    }
}

/// A witness with its name and as people read it.
pub fn witness_reading(plan: &Plan, witness: &Witness) -> Reading {
    let spec = plan.catalog.point(witness.point);
    Reading {
        point: spec.map_or_else(|| "?".into(), |spec| spec.name.clone()),
        value: spec.and_then(|spec| witness.value.map(|value| spec.show(value))),
        age: (witness.age < Span::MAX).then_some(witness.age),
        problem: witness.quality.reason().map(|reason| reason.words()),
        is_flag: matches!(witness.value, Some(ballast_model::Value::Flag(_))),
    }
}

/// A deadline that nobody waits for.
const fn ignored() -> Mono {
    Mono::MAX
}

const fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Less => "<",
        BinaryOp::LessOrEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterOrEqual => ">=",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}
