//! What do we know, how old is it, what moved: taking inputs into a step.
//!
//! Every sample passes the door when it arrives, so that a repetition never waits. A step takes at most one sample per
//! point and one verdict per output, in the order of arrival of each; the rest wait for the next step. A point that
//! floods delays only itself. Commands are never merged and never wait.

use crate::events::{Event, Output};
use crate::input::Input;
use crate::limits::{VERDICTS_WAITING_MAX, WAITING_MAX};
use crate::machine::Core;
use crate::plan::Plan;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use ballast_model::catalog::{Facet, Origin};
use ballast_model::intent::Cause;
use ballast_model::{Finite, OutputId, PointId, Sample, Value, Verdict};

/// What waits for its step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) samples: BTreeMap<PointId, VecDeque<Sample>>,
    pub(crate) verdicts: BTreeMap<OutputId, VecDeque<Verdict>>,
    /// The step in which a point last took a sample; 0 is before all.
    point_step: Vec<u64>,
    output_step: Vec<u64>,
    /// Number of the present step, from 1.
    step: u64,
}

impl Inbox {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            point_step: alloc::vec![0; plan.catalog.points.len()],
            output_step: alloc::vec![0; plan.catalog.outputs.len()],
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.verdicts.is_empty()
    }

    /// How many samples and verdicts wait.
    pub(crate) fn len(&self) -> usize {
        self.samples.values().map(VecDeque::len).sum::<usize>()
            + self.verdicts.values().map(VecDeque::len).sum::<usize>()
    }
}

/// Takes the place of this step; says whether it was free.
fn claim_step(steps: &mut [u64], index: usize, step: u64) -> bool {
    steps.get_mut(index).is_some_and(|last| core::mem::replace(last, step) != step)
}

/// The first of every queue.
fn take_heads<K: Ord, T>(waiting: &mut BTreeMap<K, VecDeque<T>>) -> Vec<T> {
    let mut heads = Vec::new();
    if !waiting.is_empty() {
        waiting.retain(|_, queue| {
            heads.extend(queue.pop_front());
            !queue.is_empty()
        });
    }
    heads
}

impl Core {
    /// Takes the wall clock from the inputs, before anything is followed over time; says whether it was set.
    pub(crate) fn absorb_wall(&mut self, inputs: &[Input]) -> bool {
        let mut is_set = false;
        for input in inputs {
            if let Input::Wall(wall) = input {
                self.world.wall = *wall;
                is_set = true;
            }
        }
        is_set
    }

    /// Takes what waited and what came.
    pub(crate) fn absorb(&mut self, plan: &Plan, inputs: &[Input], out: &mut Vec<Output>) {
        self.inbox.step += 1;
        let step = self.inbox.step;
        for sample in take_heads(&mut self.inbox.samples) {
            claim_step(&mut self.inbox.point_step, sample.point.index(), step);
            self.take_sample(plan, &sample);
        }
        for verdict in take_heads(&mut self.inbox.verdicts) {
            claim_step(&mut self.inbox.output_step, verdict.output.index(), step);
            self.take_verdict(plan, &verdict);
        }
        for input in inputs {
            match input {
                Input::Sample(sample) => self.arrive(plan, sample, out),
                Input::Verdict(verdict) => self.arrive_verdict(plan, verdict),
                Input::Command(command) => self.command(plan, command, out),
                Input::Wall(_) => {}
            }
        }
    }

    fn arrive(&mut self, plan: &Plan, sample: &Sample, out: &mut Vec<Output>) {
        self.counters.samples += 1;
        let point = sample.point;
        if !self.world.readers.is_fed.get(point.index()).copied().unwrap_or(false) {
            self.counters.refused += 1;
            return;
        }
        let Some(admitted) = self.intake.admit(sample) else {
            self.counters.duplicates += 1;
            return;
        };
        let before = self.world.last_good.get(point.index()).copied().flatten();
        if let Some(reason) = admitted.quality.reason().filter(|_| sample.quality.is_good()) {
            *self.counters.held_back.entry((point, reason)).or_default() += 1;
        }
        out.extend(self.doubts.follow(sample, &admitted, before).map(Output::Event));
        if let Some(last) = self.sequences.get_mut(point.index()) {
            *last = admitted.sequence;
        }
        if claim_step(&mut self.inbox.point_step, point.index(), self.inbox.step) {
            self.take_sample(plan, &admitted);
            return;
        }
        let queue = self.inbox.samples.entry(point).or_default();
        if queue.len() >= WAITING_MAX {
            let dropped = queue.len() as u32;
            queue.clear();
            self.counters.coalesced += u64::from(dropped);
            out.push(Output::Event(Event::Coalesced { point, dropped }));
        }
        queue.push_back(admitted);
    }

    fn take_sample(&mut self, plan: &Plan, sample: &Sample) {
        if let Some(Origin::Output(output, Facet::Actual)) =
            plan.catalog.point(sample.point).map(|spec| spec.origin)
            && let Some(life) = self.outputs.lives.get_mut(output.index())
        {
            life.is_reported = true;
        }
        if !self.filled.is_empty() {
            self.filled.remove(&sample.point);
        }
        self.world.put(sample);
    }

    fn arrive_verdict(&mut self, plan: &Plan, verdict: &Verdict) {
        if claim_step(&mut self.inbox.output_step, verdict.output.index(), self.inbox.step) {
            self.take_verdict(plan, verdict);
        } else if verdict.output.index() < plan.catalog.outputs.len() {
            let queue = self.inbox.verdicts.entry(verdict.output).or_default();
            if queue.len() >= VERDICTS_WAITING_MAX {
                self.counters.coalesced += queue.len() as u64;
                queue.clear();
            }
            queue.push_back(*verdict);
        }
    }

    fn take_verdict(&mut self, plan: &Plan, verdict: &Verdict) {
        let output = verdict.output;
        let Some(spec) = plan.catalog.output(output) else { return };
        let Some(life) = self.outputs.lives.get_mut(output.index()) else { return };
        life.verdict = Some(*verdict);
        let is_reported = life.is_reported;
        // Of a device that nobody operates only it itself can say what it is.
        let is_operated = !matches!(verdict.cause, Cause::NotArmed | Cause::JustArmed);
        let state = is_operated.then(|| verdict.state.value());
        self.world.compute(spec.facet(Facet::State), state);
        if !is_reported {
            self.world.compute(spec.facet(Facet::Actual), state);
        }
        let since = Finite::saturating(verdict.since.nanos() as f64 / 1e9);
        self.world.compute(spec.facet(Facet::Since), Some(Value::Number(since)));
        if let Some(generator) = self.world.readers.generators.get(&output) {
            self.world.dirty.generators.insert(*generator);
        }
        self.outputs.note_shed(output, self.world.now);
        self.follow_return(output);
    }
}
