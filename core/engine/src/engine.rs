//! The machine as its users see it.

use crate::bodies::Bodies;
use crate::counters::Counters;
use crate::doubts::Doubt;
use crate::events::{EndReason, Output, Phase, Winner};
use crate::explain::{Explanation, RuleExplanation};
use crate::input::Input;
use crate::machine::Core;
use crate::plan::Plan;
use crate::state::State;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::time::{Gap, Wall};
use ballast_model::{Intent, Mono, OutputId, PointId, Snapshot, Verdict};

/// The decision step. See the head of the crate.
#[derive(Debug)]
pub struct Engine<B: Bodies> {
    pub(crate) core: Core,
    bodies: B,
}

/// What a rule is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RuleState {
    /// Waits for its condition.
    Idle {
        /// Since when its condition has held without a break, while its `for` is not over.
        when_since: Option<Mono>,
        /// When and why it last ended.
        ended: Option<(Mono, EndReason)>,
    },
    /// Is active.
    Active {
        /// Since when.
        since: Mono,
        /// Since when something it needs has been unknown.
        unknown_since: Option<Mono>,
    },
    /// Failed too often; waits for a person or another text.
    Suspended,
}

impl<B: Bodies> Engine<B> {
    /// An engine that knows nothing but the first values of its settings. `bodies` must belong to `plan`.
    pub fn new(plan: Arc<Plan>, bodies: B, now: Mono) -> Self {
        Self { core: Core::new(plan, now), bodies }
    }

    /// Advances the engine to `now` (a moment before the last one counts as the last one) and adds what it says to `out`;
    /// the last output is always [`Output::WakeAt`].
    ///
    /// Never fails, never blocks and reads nothing but its arguments: same plan, same state and same calls give the same
    /// outputs, bit for bit.
    pub fn step(&mut self, now: Mono, inputs: &[Input], out: &mut Vec<Output>) {
        self.core.step(&mut self.bodies, now, inputs, out);
    }

    /// What taking up a state found, in its order; the next step says it otherwise. A state that is saved before that step
    /// does not hold it, so who saves one then, to step from there again, must tell this first.
    pub fn take_news(&mut self) -> Vec<crate::Event> {
        core::mem::take(&mut self.core.news)
    }

    /// Everything the engine must remember. Call it between steps.
    pub fn save(&self) -> State<'_> {
        self.core.save()
    }

    /// Takes up a state: after a reload with `Gap::SameBoot(Span::ZERO)`, after a restart or a power cut with their gap,
    /// which is never none. After those the guard's answers are unknown until it gives them again, and every intent is said
    /// again.
    /// `saved_at` is the moment of the save on the clock of the save, `now` the present moment. The engine forgets what
    /// it knew. What changed by it is told in the next step, which should be called at once.
    pub fn restore(&mut self, state: State, gap: Gap, saved_at: Mono, now: Mono) {
        self.core.restore(state, gap, saved_at, now);
    }

    /// For a run in which nobody looks at the engine but right after a step: what is followed over time is not brought up to
    /// date for its own sake while only rules read it that do not look at it now. `others` are points at which somebody else
    /// looks. What the engine says, and at which moments, stays the same; only fewer deadlines are named. Holds for this
    /// engine until it is dropped, and is not part of its state.
    pub fn let_wait(&mut self, others: &[PointId]) {
        self.core.let_wait(others);
    }

    /// Who asks what of an output, which values that rests on, what the guard said and when that may change; `None` for
    /// an output that the plan does not have. Ages are told at `now`.
    pub fn explain(&self, output: OutputId, now: Mono) -> Option<Explanation> {
        self.core.explain(output, now)
    }

    /// Why a rule is active, or why not; `None` for an index that the plan does not have.
    pub fn explain_rule(&self, rule: u32, now: Mono) -> Option<RuleExplanation> {
        self.core.explain_rule(rule, self.rule(rule)?, now)
    }

    /// What it runs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.core.plan
    }

    /// The bodies, for their own metrics.
    pub fn bodies(&self) -> &B {
        &self.bodies
    }

    /// The bodies, for a shell that must tell them something between steps.
    pub fn bodies_mut(&mut self) -> &mut B {
        &mut self.bodies
    }

    /// What is known now, outputs and settings included.
    pub fn snapshot(&self) -> &Snapshot {
        &self.core.world.snapshot
    }

    /// The moment of the last step.
    pub fn now(&self) -> Mono {
        self.core.world.now
    }

    /// The wall clock as last told.
    pub fn wall(&self) -> Wall {
        self.core.world.wall
    }

    /// What was held back of a point, until it has been well for a while.
    pub fn doubt(&self, point: PointId) -> Option<&Doubt> {
        self.core.doubts.get(point)
    }

    /// What has been counted since the engine was made.
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// Samples and verdicts that wait for another step.
    pub fn waiting(&self) -> usize {
        self.core.inbox.len()
    }

    /// How the body of a rule failed the last time that it ran: since when it does, why and where; `None` where it did not.
    pub fn failure(&self, rule: u32) -> Option<(Mono, &str, &str)> {
        self.core.lives.get(rule as usize)?.failure()
    }

    /// What a rule is doing; `None` for an index that the plan does not have.
    pub fn rule(&self, rule: u32) -> Option<RuleState> {
        let life = self.core.lives.get(rule as usize)?;
        Some(match life.active {
            _ if life.is_suspended => RuleState::Suspended,
            Some(active) => RuleState::Active { since: active.since, unknown_since: life.unknown.since() },
            None => RuleState::Idle { when_since: life.when_hold.since(), ended: life.last_end },
        })
    }

    /// What was last said to the guard about an output.
    pub fn intent(&self, output: OutputId) -> Option<Intent> {
        self.core.outputs.get(output)?.sent
    }

    /// Every intent that stands, by output: to be said again to a guard that starts a new session.
    pub fn intents(&self) -> impl Iterator<Item = Intent> + '_ {
        self.core.outputs.lives.iter().filter_map(|life| life.sent)
    }

    /// Who wins an output, and since when.
    pub fn winner(&self, output: OutputId) -> Option<(&Winner, Mono)> {
        let life = self.core.outputs.get(output)?;
        life.winner.as_ref().map(|winner| (winner, life.winner_since))
    }

    /// The guard's last answer for an output.
    pub fn verdict(&self, output: OutputId) -> Option<Verdict> {
        self.core.outputs.get(output)?.verdict
    }

    /// What a generator is doing.
    pub fn generator(&self, generator: u32) -> Option<Phase> {
        self.core.generators.get(generator as usize).map(|life| life.phase)
    }
}
