//! A guard with its clock and a program that speaks to it. Judges nothing.

use super::TICK;
use crate::kit::{Site, num};
use ballast_guard::plan::SafetySet;
use ballast_guard::{Door, Guard, GuardEvent, Input, Output, Redeem};
use ballast_model::catalog::Catalog;
use ballast_model::frame::{Frame, Message};
use ballast_model::sample::{Reason, Sample, Value};
use ballast_model::time::Gap;
use ballast_model::{Authority, Intent, Mono, OutputId, PointId, Wanted};
use std::sync::Arc;

/// What a step told an output.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub output: usize,
    pub wanted: Wanted,
    pub counter: u64,
    pub valid_until: Mono,
}

/// A rig with an oracle beside it.
pub trait Watched {
    fn rig(&mut self) -> &mut Rig;
    /// The oracle hears what time it is.
    fn follow(&mut self);
    /// The oracle hears of it, and the guard steps until it rests.
    fn settle(&mut self, inputs: &[Input]);
    fn judge(&mut self);

    /// A tick. Nobody wakes the guard at its end: where it should have woken by itself, it did not.
    fn pass(&mut self) {
        let goal = self.rig().now.after(TICK);
        while self.rig().next <= goal {
            let rig = self.rig();
            rig.now = rig.next.max(rig.now);
            self.settle(&[]);
        }
        self.rig().now = goal;
        self.follow();
        self.judge();
    }
}

/// The guard on its clock.
#[derive(Clone, Debug)]
pub struct Rig {
    pub guard: Guard,
    pub now: Mono,
    /// When it wants to be woken.
    pub next: Mono,
    catalog: Arc<Catalog>,
    session: u64,
    counter: u64,
    sequence: u64,
}

impl Rig {
    pub fn new(site: &Site) -> Self {
        let catalog = Arc::new(site.catalog.clone());
        let now = Mono::from_millis(1_000_000_000);
        let guard = Guard::new(Arc::clone(&catalog), site.set.clone(), now);
        Self { guard, now, next: now, catalog, session: 0, counter: 0, sequence: 0 }
    }

    /// One step. Every permit goes to a door at once, as a driver does it, and the door must not refuse it.
    pub fn step(&mut self, inputs: &[Input], told: &mut Vec<Told>, events: &mut Vec<GuardEvent>) {
        let mut out = Vec::with_capacity(self.guard.output_capacity());
        self.guard.step(self.now, inputs, &mut out);
        self.next = Mono::MAX;
        for output in out {
            match output {
                Output::Permit(permit) => {
                    let mut door = Door::new(permit.output());
                    door.enter_session(self.guard.session());
                    let one = Told {
                        output: permit.output().index(),
                        wanted: permit.wanted(),
                        counter: permit.counter(),
                        valid_until: permit.valid_until(),
                    };
                    assert!(door.redeem(permit, self.now).is_ok(), "a fresh permit is refused: {one:?}");
                    told.push(one);
                }
                Output::Event(event) => events.push(event),
                Output::WakeAt(moment) => self.next = moment,
                Output::Verdict(_) => {}
            }
        }
    }

    pub fn frame(&mut self, message: Message) -> Input {
        self.counter += 1;
        Input::Frame(Frame { session: self.session, counter: self.counter, lease_ms: 90_000, message })
    }

    pub fn hello(&mut self) -> Input {
        (self.session, self.counter) = (self.session + 1, 0);
        self.frame(Message::Hello { tables: self.guard.table_hash() })
    }

    /// Rules that ask have their output's number as that of their request; nobody has zero.
    pub fn ask(&mut self, output: usize, wanted: Option<Wanted>, is_restoration: bool) -> Input {
        let request = if wanted.is_some() { output as u64 + 1 } else { 0 };
        let authority = if wanted.is_some() { Authority::Rule(50) } else { Authority::Default };
        let (output, wanted) = (OutputId(output as u32), wanted.unwrap_or(Wanted::OPEN));
        self.frame(Message::Intent(Intent { output, wanted, authority, request, is_restoration }))
    }

    /// A reading; without a value, that it is lost.
    pub fn reading(&mut self, point: PointId, value: Option<f64>) -> Input {
        self.sequence += 1;
        Input::Sample(match value {
            Some(value) => Sample::good(point, Value::Number(num(value)), self.now, self.sequence),
            None => Sample::bad(point, Reason::Offline, self.now, self.sequence),
        })
    }

    /// Another guard takes up what this one wrote down, at the same moment.
    pub fn restart(&mut self, gap: Gap) {
        let state = self.guard.save();
        let set = self.guard.safety_set().clone();
        self.guard = Guard::new(Arc::clone(&self.catalog), set, self.now);
        self.guard.restore(state, gap, self.now, self.now);
        self.next = self.now;
        if gap.is_power_cut() {
            self.session = 0;
        }
    }

    /// Another safety set arrives.
    pub fn replace(&mut self, set: &Arc<SafetySet>) -> ballast_guard::Replaced {
        let replaced = self.guard.replace(Arc::clone(&self.catalog), Arc::clone(set), false, self.now);
        self.next = self.now;
        replaced
    }

    /// A person confirmed what waits.
    pub fn adopt(&mut self) -> bool {
        let adopted = self.guard.adopt_confirmed(self.now).is_some();
        self.next = self.now;
        adopted
    }
}
