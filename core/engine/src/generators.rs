//! Machines that must warm up before they carry load.
//!
//! ```text
//!  stopped ─ wanted ─▶ starting ─ runs ─▶ warming ─ warm ─▶ ready ─ not wanted ─▶ cooling ─ cool, ran long enough ─▶ stopped
//!                        │  ▲               │ stands still    │ stands still        └─ wanted again ─▶ ready
//!              too long  ▼  │ rested        ▼                 ▼
//!                       resting ◀───────────┴─────────────────┘        after the last attempt: failed
//! ```
//!
//! *Wanted* means that somebody asks for the `run` output to be closed. While the machine is on its way, the life-cycle
//! asks for the output itself, above every rule and below every person: it holds the machine through its shortest run
//! and its cooling, and lets it rest between attempts.

use crate::agenda::Task;
use crate::arbitrate::Claim;
use crate::events::{Event, Output, Phase, Source};
use crate::input::Refusal;
use crate::machine::Core;
use crate::plan::{GeneratorPlan, Plan};
use alloc::vec::Vec;
use ballast_model::{Authority, Mono, OutputId, Span, Value, Wanted};

/// What the engine keeps of one generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct GeneratorLife {
    pub(crate) phase: Phase,
    /// Since when it is in its phase.
    pub(crate) since: Mono,
    /// Since when it has been seen running.
    pub(crate) running_since: Option<Mono>,
    /// The start attempt, from 1.
    pub(crate) attempt: u32,
    /// The number under which it asks.
    pub(crate) request: u64,
    /// Since when nobody wants it.
    pub(crate) unwanted_since: Option<Mono>,
}

impl Default for GeneratorLife {
    fn default() -> Self {
        Self {
            phase: Phase::Stopped,
            since: Mono::ZERO,
            running_since: None,
            attempt: 0,
            request: 0,
            unwanted_since: None,
        }
    }
}

impl Core {
    /// Brings every generator up to date whose demand, feedback or deadline changed.
    pub(crate) fn review_generators(&mut self, plan: &Plan, out: &mut Vec<Output>) {
        if plan.generators.is_empty() {
            return;
        }
        if !self.outputs.dirty.is_empty() {
            for (output, index) in &self.world.readers.generators {
                if self.outputs.dirty.contains(output.0) {
                    self.world.dirty.generators.insert(*index);
                }
            }
        }
        while let Some(index) = self.world.dirty.generators.pop_first() {
            self.review_generator(plan, index, out);
            // What it computed itself may be what its feedback reads: that is for the next step.
            if self.world.dirty.generators.first_from(0).is_some_and(|first| first <= index) {
                break;
            }
        }
    }

    fn review_generator(&mut self, plan: &Plan, index: u32, out: &mut Vec<Output>) {
        let place = index as usize;
        let (Some(generator), Some(mut life)) =
            (plan.generators.get(place), self.generators.get(place).copied())
        else {
            return;
        };
        let mut next = Mono::MAX;
        let now = self.world.now;
        let is_wanted = self.is_wanted(plan, generator.run);
        let runs = self.is_running(generator, place, &mut next);
        life.unwanted_since = if is_wanted { None } else { life.unwanted_since.or(Some(now)) };
        // Each pass enters another phase; the longest way through one step visits every phase once.
        for _ in 0..7 {
            let Some(phase) = next_phase(generator, &life, is_wanted, runs, now, &mut next) else { break };
            self.enter(index, &mut life, phase, out);
        }
        self.hold_run(generator.run, index, &life);
        if let Some(kept) = self.generators.get_mut(place) {
            *kept = life;
        }
        let is_ready = life.phase == Phase::Ready && runs == Some(true);
        self.world.compute(generator.ready, Some(Value::Flag(is_ready)));
        self.world.compute(generator.wanted, Some(Value::Flag(is_wanted)));
        self.world.compute(generator.failed, Some(Value::Flag(life.phase == Phase::Failed)));
        self.agenda.set(Task::Generator(index), next);
    }

    fn enter(&mut self, index: u32, life: &mut GeneratorLife, phase: Phase, out: &mut Vec<Output>) {
        let now = self.world.now;
        match phase {
            Phase::Starting => {
                life.attempt = if life.phase == Phase::Resting { life.attempt + 1 } else { 1 };
                life.request = self.outputs.next_request();
                life.running_since = None;
            }
            Phase::Warming => life.running_since = Some(now),
            Phase::Stopped => {
                life.running_since = None;
                life.attempt = 0;
            }
            Phase::Failed => {
                let attempts = life.attempt;
                out.push(Output::Event(Event::GeneratorFailed { generator: index, attempts }));
            }
            Phase::Ready | Phase::Cooling | Phase::Resting => {}
        }
        life.phase = phase;
        life.since = now;
        out.push(Output::Event(Event::GeneratorPhase { generator: index, phase, attempt: life.attempt }));
    }

    /// Asks for the run output what the phase needs.
    fn hold_run(&mut self, run: OutputId, index: u32, life: &GeneratorLife) {
        let wanted = match life.phase {
            Phase::Stopped => {
                self.outputs.unclaim(run, Source::Generator(index));
                return;
            }
            Phase::Starting | Phase::Warming | Phase::Ready | Phase::Cooling => Wanted::CLOSED,
            Phase::Resting | Phase::Failed => Wanted::OPEN,
        };
        let same = |claim: &&Claim| claim.source == Source::Generator(index) && claim.wanted == wanted;
        let claims = self.outputs.get(run).map_or(&[][..], |life| &life.claims);
        let since = claims.iter().find(same).map_or(self.world.now, |claim| claim.since);
        let claim = Claim {
            authority: Authority::Rule(99),
            source: Source::Generator(index),
            wanted,
            request: life.request,
            since,
            until: None,
            who: None,
        };
        self.outputs.claim(run, claim);
    }

    fn is_wanted(&self, plan: &Plan, run: OutputId) -> bool {
        let asked = self.outputs.get(run).and_then(|life| life.demand()).map(|claim| claim.wanted);
        asked.or_else(|| plan.catalog.output(run).map(|spec| spec.default)) == Some(Wanted::CLOSED)
    }

    /// Whether it runs: by its feedback, or as told where there is none.
    fn is_running(&self, generator: &GeneratorPlan, place: usize, next: &mut Mono) -> Option<bool> {
        match self.programs.running.get(place).and_then(Option::as_ref) {
            Some(program) => program.truth(&self.world.seen(None), next),
            None => {
                let verdict = self.outputs.get(generator.run).and_then(|life| life.verdict);
                verdict.map(|verdict| verdict.state == Wanted::CLOSED)
            }
        }
    }

    /// A person lets a failed generator try again.
    pub(crate) fn reset_generator(
        &mut self,
        index: u32,
        who: &str,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        let life = self.generators.get_mut(index as usize).ok_or(Refusal::Unknown)?;
        if life.phase != Phase::Failed {
            return Err(Refusal::NothingWaits);
        }
        life.phase = Phase::Stopped;
        life.since = self.world.now;
        life.attempt = 0;
        self.world.dirty.generators.insert(index);
        out.push(Output::Event(Event::GeneratorReset { generator: index, who: who.into() }));
        Ok(())
    }
}

/// The phase to enter now; `None` to stay. Lowers `next` to the moment at which that may change by itself.
fn next_phase(
    plan: &GeneratorPlan,
    life: &GeneratorLife,
    is_wanted: bool,
    runs: Option<bool>,
    now: Mono,
    next: &mut Mono,
) -> Option<Phase> {
    let mut is_over = |since: Mono, span: Span| {
        let due = since.after(span);
        if now < due {
            *next = (*next).min(due);
        }
        now >= due
    };
    let stalled = if life.attempt < plan.attempts { Phase::Resting } else { Phase::Failed };
    match life.phase {
        Phase::Stopped => is_wanted.then_some(Phase::Starting),
        Phase::Starting if !is_wanted => Some(Phase::Stopped),
        Phase::Starting if runs == Some(true) => Some(Phase::Warming),
        Phase::Starting => is_over(life.since, plan.attempt).then_some(stalled),
        Phase::Warming | Phase::Ready if runs == Some(false) => Some(stalled),
        Phase::Warming | Phase::Ready if !is_wanted => Some(Phase::Cooling),
        Phase::Warming => is_over(life.since, plan.warm_up).then_some(Phase::Ready),
        Phase::Ready => None,
        // Still warm, or warming goes on where it was.
        Phase::Cooling if is_wanted => {
            let running_since = life.running_since.unwrap_or(now);
            Some(if is_over(running_since, plan.warm_up) { Phase::Ready } else { Phase::Warming })
        }
        Phase::Cooling if runs == Some(false) => Some(Phase::Stopped),
        Phase::Cooling => {
            let is_cool = is_over(life.since, plan.cool_down);
            let ran_enough = is_over(life.running_since.unwrap_or(Mono::ZERO), plan.min_run);
            (is_cool && ran_enough).then_some(Phase::Stopped)
        }
        Phase::Resting if !is_wanted => Some(Phase::Stopped),
        Phase::Resting => is_over(life.since, plan.rest).then_some(Phase::Starting),
        Phase::Failed => {
            let unwanted_since = life.unwanted_since?;
            is_over(unwanted_since, plan.cool_down).then_some(Phase::Stopped)
        }
    }
}
