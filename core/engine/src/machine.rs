//! One step: absorb, compute, decide, say.
//!
//! Everything but the bodies of rules lives here, so that it is compiled once.

use crate::absorb::Inbox;
use crate::agenda::{Agenda, Task};
use crate::arbitrate::Outputs;
use crate::bodies::{Asked, Bodies};
use crate::counters::Counters;
use crate::doubts::Doubts;
use crate::events::{Event, Output};
use crate::generators::GeneratorLife;
use crate::indices::Indices;
use crate::input::Input;
use crate::lives::Life;
use crate::patience::Patience;
use crate::plan::Plan;
use crate::restoration::Planner;
use crate::schedules::ScheduleLife;
use crate::shedding::Choices;
use crate::wiring::{Programs, wire};
use crate::world::{Dirty, Marks, World};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::expr::Trackers;
use ballast_model::intake::Intake;
use ballast_model::{Mono, OutputId, PointId};

/// The engine without its bodies.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub(crate) plan: Arc<Plan>,
    pub(crate) programs: Programs,
    pub(crate) world: World,
    pub(crate) intake: Intake,
    pub(crate) doubts: Doubts,
    pub(crate) inbox: Inbox,
    pub(crate) agenda: Agenda,
    pub(crate) lives: Vec<Life>,
    pub(crate) schedules: Vec<ScheduleLife>,
    pub(crate) outputs: Outputs,
    pub(crate) generators: Vec<GeneratorLife>,
    pub(crate) choices: Choices,
    pub(crate) planner: Planner,
    /// Points of sleeping devices whose value was filled in.
    pub(crate) filled: BTreeSet<PointId>,
    pub(crate) counters: Counters,
    /// The sequence number of the last sample of every point that passed the door.
    pub(crate) sequences: Vec<u64>,
    /// What a restore found, told in the next step.
    pub(crate) news: Vec<Event>,
    /// Buffers that are kept to save allocations; empty between uses.
    pub(crate) asked: Asked,
    pub(crate) scratch: Vec<u32>,
    pub(crate) scratch_rules: Vec<u32>,
    pub(crate) due_schedules: Vec<u32>,
    /// Whether it was made and nothing more.
    pub(crate) is_fresh: bool,
    /// What need not be brought up to date for its own sake; `None`: everything is.
    pub(crate) patience: Option<Patience>,
    /// Whether everything is looked at in every step, to compare with looking only at what changed.
    #[cfg(test)]
    pub(crate) looks_at_everything: bool,
}

impl Core {
    pub(crate) fn new(plan: Arc<Plan>, now: Mono) -> Self {
        let mut trackers = Trackers::default();
        let (programs, readers) = wire(&plan, &mut trackers);
        let mut world = World::new(&plan.catalog, readers, trackers, now);
        world.dirty = Dirty {
            rules: Marks::new(plan.rules.len()),
            bodies: alloc::vec![false; plan.rules.len()],
            derived: Indices::new(plan.derived.len()),
            asleep: Indices::new(plan.asleep.len()),
            generators: Indices::new(plan.generators.len()),
            restoration: false,
        };
        let is_fed = |point: PointId| world.readers.is_fed.get(point.index()).copied().unwrap_or(false);
        let intake = Intake::new(&plan.catalog, is_fed);
        let mut core = Self {
            programs,
            intake,
            doubts: Doubts::default(),
            inbox: Inbox::new(&plan),
            agenda: Agenda::default(),
            lives: alloc::vec![Life::default(); plan.rules.len()],
            schedules: alloc::vec![ScheduleLife::default(); plan.schedules.len()],
            outputs: Outputs::new(&plan),
            generators: alloc::vec![GeneratorLife::default(); plan.generators.len()],
            choices: Choices::new(),
            planner: Planner::new(&plan),
            filled: BTreeSet::new(),
            counters: Counters::new(plan.rules.len()),
            sequences: alloc::vec![0; plan.catalog.points.len()],
            news: Vec::new(),
            asked: Asked::default(),
            scratch: Vec::new(),
            scratch_rules: Vec::new(),
            due_schedules: Vec::new(),
            is_fresh: true,
            patience: None,
            world,
            plan,
            #[cfg(test)]
            looks_at_everything: false,
        };
        core.begin();
        core
    }

    /// First values, first deadlines, everything to be looked at.
    fn begin(&mut self) {
        let plan = Arc::clone(&self.plan);
        for (point, value) in &plan.settings {
            self.world.compute(*point, Some(*value));
        }
        // Clocks are unknown until the wall clock is told; ticking them once makes that their state.
        self.world.tick(true);
        self.plan_schedules(&plan);
        self.look_at_everything();
    }

    /// Marks everything to be looked at in the next step.
    pub(crate) fn look_at_everything(&mut self) {
        let dirty = &mut self.world.dirty;
        dirty.rules.mark_all();
        dirty.derived.insert_all();
        dirty.asleep.insert_all();
        dirty.generators.insert_all();
        dirty.restoration = true;
    }

    pub(crate) fn step(
        &mut self,
        bodies: &mut dyn Bodies,
        now: Mono,
        inputs: &[Input],
        out: &mut Vec<Output>,
    ) {
        let plan = Arc::clone(&self.plan);
        self.is_fresh = false;
        self.counters.steps += 1;
        self.world.now = self.world.now.max(now);
        out.extend(self.news.drain(..).map(Output::Event));
        let is_clock_set = self.absorb_wall(inputs);
        self.world.tick(is_clock_set);
        if is_clock_set {
            self.plan_schedules(&plan);
        }
        #[cfg(test)]
        if self.looks_at_everything {
            self.look_at_all_that_may_be_looked_at();
        }
        let mut due = core::mem::take(&mut self.due_schedules);
        self.wake(&mut due, out);
        self.absorb(&plan, inputs, out);
        self.review_asleep(&plan);
        self.review_derived(&plan);
        self.run_schedules(bodies, &plan, &mut due, out);
        self.due_schedules = due;
        let is_touched = !self.world.dirty.rules.is_empty()
            || inputs.iter().any(|input| matches!(input, Input::Command(_)));
        self.review_rules(bodies, &plan, out);
        if is_touched {
            self.look_who_looks();
        }
        self.world.forget_edges();
        self.review_generators(&plan, out);
        self.review_restoration(&plan, out);
        self.arbitrate(&plan, out);
        let wake = self.next_wake();
        out.push(Output::WakeAt(wake));
    }

    /// Marks everything whose moment has come.
    fn wake(&mut self, due_schedules: &mut Vec<u32>, out: &mut Vec<Output>) {
        while let Some(task) = self.agenda.take_due(self.world.now) {
            let dirty = &mut self.world.dirty;
            match task {
                Task::Rule(index) => dirty.rules.mark(index),
                Task::Derived(index) => dirty.derived.insert(index),
                Task::Asleep(index) => dirty.asleep.insert(index),
                Task::Generator(index) => dirty.generators.insert(index),
                Task::Restoration => dirty.restoration = true,
                Task::Schedule(index) => due_schedules.push(index),
                Task::Output(index) => self.expire(OutputId(index), out),
            }
        }
    }

    /// The next moment at which something may happen by itself; now when something waits for another step.
    fn next_wake(&mut self) -> Mono {
        if !self.inbox.is_empty() || self.world.dirty.is_waiting() {
            return self.world.now;
        }
        self.agenda.next().min(self.next_of_trackers())
    }

    /// What may be looked at in every step without making a difference.
    #[cfg(test)]
    fn look_at_all_that_may_be_looked_at(&mut self) {
        // A number that moves by itself is computed in its own rhythm only.
        let waiting = self.world.dirty.derived.clone();
        self.look_at_everything();
        for (index, is_moving) in (0..).zip(&self.programs.moving) {
            if *is_moving && !waiting.iter().any(|waits| waits == index) {
                self.world.dirty.derived.remove(index);
            }
        }
        self.world.dirty.bodies.iter_mut().for_each(|body| *body = true);
        self.outputs.dirty.mark_all();
    }
}
