//! The thread that decides.
//!
//! What came since the last turn becomes the inputs of one step; what the step allows is handed to the buses at once; what
//! was given and what was said goes onto the tape. It waits on one channel with a deadline and on nothing else, and between
//! two waits it does not allocate, but for taking another set.

use crate::field::{Field, Means};
use crate::limits::{FAREWELL, INPUTS_PER_STEP, PULSE};
use crate::manners::Manners;
use crate::news::News;
use crate::set::{Change, Prepared};
use crate::tape::{Record, Writer};
use ballast_guard::{Guard, GuardEvent, Input, Output};
use ballast_host::Clock;
use ballast_model::Mono;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// What others may see of the thread while it runs.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Turns since the start: a thread that hangs makes none.
    pub turns: AtomicU64,
    /// Frames of the program that wait for it.
    pub frames_under_way: AtomicUsize,
    /// Outputs that had not confirmed their safe state when it ended.
    pub unconfirmed: AtomicUsize,
}

/// What it takes.
pub struct Decision {
    /// The machine.
    pub guard: Guard,
    /// The channel.
    pub inbox: Receiver<News>,
    /// The buses.
    pub field: Field,
    /// To open others.
    pub means: Means,
    /// To the witness.
    pub tape: Writer,
    /// The time.
    pub clock: Arc<Clock>,
    /// What others see.
    pub pulse: Arc<Pulse>,
}

/// The thread while it runs.
struct Running {
    parts: Decision,
    /// What the next step is given.
    inputs: Vec<Input>,
    /// What a bus told and the last step had no room for.
    rest: VecDeque<Vec<Input>>,
    out: Vec<Output>,
    /// What the buses said at once of the last permits.
    at_once: Vec<Input>,
    wake: Mono,
    /// The connection of the program.
    connection: Option<u64>,
    /// The buses of a set that waits for a person as a whole.
    waiting: Option<Prepared>,
    has_confirmed: bool,
    is_stopping: bool,
}

/// What a turn does after its step.
enum Then {
    GoOn,
    Take(Box<Change>),
}

/// Runs until it is told to stop.
pub fn run(parts: Decision) {
    let capacity = parts.guard.output_capacity();
    let outputs = parts.guard.catalog().outputs.len();
    let mut running = Running {
        inputs: Vec::with_capacity(INPUTS_PER_STEP),
        rest: VecDeque::with_capacity(8),
        out: Vec::with_capacity(capacity),
        at_once: Vec::with_capacity(outputs),
        wake: Mono::ZERO,
        connection: None,
        waiting: None,
        has_confirmed: false,
        is_stopping: false,
        parts,
    };
    while !running.is_stopping {
        running.turn();
    }
    running.farewell();
}

impl Running {
    fn turn(&mut self) {
        let then = self.gather();
        self.step();
        if let Then::Take(change) = then {
            self.take(*change);
        }
        if std::mem::take(&mut self.has_confirmed) {
            self.adopt();
        }
        self.parts.pulse.turns.fetch_add(1, Ordering::Release);
    }

    /// How long nothing need be done.
    fn patience(&self) -> Duration {
        if !self.inputs.is_empty() || !self.rest.is_empty() || !self.at_once.is_empty() {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.wake.since(self.parts.clock.now()).nanos()).min(PULSE)
    }

    /// Takes what has come, as far as one step can take it.
    fn gather(&mut self) -> Then {
        self.take_rest();
        match self.parts.inbox.recv_timeout(self.patience()) {
            Ok(news) => {
                let mut then = self.hear(news);
                while matches!(then, Then::GoOn) && self.has_room() {
                    let Ok(news) = self.parts.inbox.try_recv() else { break };
                    then = self.hear(news);
                }
                then
            }
            Err(RecvTimeoutError::Timeout) => Then::GoOn,
            // Nobody is left who could say anything: as if told to stop.
            Err(RecvTimeoutError::Disconnected) => {
                self.is_stopping = true;
                Then::GoOn
            }
        }
    }

    fn has_room(&self) -> bool {
        self.rest.is_empty()
            && self.at_once.is_empty()
            && self.inputs.len() < INPUTS_PER_STEP
            && !self.is_stopping
    }

    fn take_rest(&mut self) {
        let count = self.at_once.len().min(INPUTS_PER_STEP - self.inputs.len());
        self.inputs.extend(self.at_once.drain(..count));
        while let Some(mut list) = self.rest.pop_front() {
            let count = list.len().min(INPUTS_PER_STEP - self.inputs.len());
            self.inputs.extend(list.drain(..count));
            if !list.is_empty() {
                self.rest.push_front(list);
                return;
            }
        }
    }

    fn hear(&mut self, news: News) -> Then {
        match news {
            News::Field(inputs) => {
                self.rest.push_back(inputs);
                self.take_rest();
            }
            News::Frame { connection, frame } => {
                self.parts.pulse.frames_under_way.fetch_sub(1, Ordering::AcqRel);
                if self.connection == Some(connection) {
                    self.inputs.push(Input::Frame(frame));
                }
            }
            News::Linked(connection) => {
                if self.connection.replace(connection).is_some() {
                    self.inputs.push(Input::LinkClosed);
                }
            }
            News::Unlinked(connection) => {
                if self.connection.take_if(|current| *current == connection).is_some() {
                    self.inputs.push(Input::LinkClosed);
                }
            }
            News::Person { who, command } => self.inputs.push(Input::Operator { who, command }),
            News::Wall(wall) => self.inputs.push(Input::Wall(wall)),
            News::Own(sample) => self.inputs.push(Input::Sample(sample)),
            News::Change(change) => return Then::Take(change),
            News::Stop => {
                self.inputs.push(Input::Stop);
                self.is_stopping = true;
            }
        }
        Then::GoOn
    }

    /// One step, and everything that follows from it at once.
    fn step(&mut self) {
        let now = self.parts.clock.now();
        let Self { parts, inputs, out, at_once, .. } = self;
        let mut manners = Manners::before(&parts.guard);
        parts.guard.step(now, inputs, out);
        parts.tape.step(&parts.guard, now, inputs, out);
        inputs.clear();
        // A guard without a deadline names none; one whose answers did not fit wants to be asked again at once.
        self.wake = if out.len() < out.capacity() { Mono::MAX } else { now };
        for said in out.drain(..) {
            match said {
                Output::Permit(permit) => at_once.extend(parts.field.apply(permit)),
                Output::WakeAt(wake) => self.wake = wake,
                Output::Event(GuardEvent::Confirmed { .. }) => self.has_confirmed = true,
                Output::Event(event) => manners.see(&event),
                Output::Verdict(_) => {}
            }
        }
        // At once; the witness sees the same and ends the connection.
        if manners.is_broken() && parts.guard.hears_engine() {
            inputs.push(Input::LinkClosed);
        }
    }

    /// Another set is to be in force, as far as it may be without a person's word.
    fn take(&mut self, change: Change) {
        let Change { prepared, number } = change;
        let now = self.parts.clock.now();
        let replaced = prepared.set.replace_in(&mut self.parts.guard, false, now);
        self.parts.tape.write(&self.parts.guard, &Record::Replaced { now, number, confirmed: false });
        self.waiting = None;
        if replaced.taken == ballast_guard::Taken::Nothing {
            self.waiting = Some(prepared);
        } else {
            self.settle_into(prepared);
        }
    }

    /// A person accepted what waited.
    fn adopt(&mut self) {
        let now = self.parts.clock.now();
        if self.parts.guard.adopt_confirmed(now).is_none() {
            return;
        }
        self.parts.tape.write(&self.parts.guard, &Record::Adopted { now });
        if let Some(prepared) = self.waiting.take() {
            self.settle_into(prepared);
        }
    }

    /// Opens the buses of the set that is in force now, where they are others, and has room for what its guard may say.
    fn settle_into(&mut self, prepared: Prepared) {
        if !self.parts.field.fits(prepared.definitions) {
            // What the old buses told speaks of the old ids.
            self.rest.clear();
            self.at_once.clear();
            let field =
                Field::open(prepared.buses, prepared.definitions, &self.parts.guard, &self.parts.means);
            self.parts.field = field;
            self.parts.guard.tell_again();
            self.parts.tape.write(&self.parts.guard, &Record::ToldAgain);
        }
        self.out = Vec::with_capacity(self.parts.guard.output_capacity());
        self.at_once.reserve(self.parts.guard.catalog().outputs.len());
        self.wake = Mono::ZERO;
    }

    /// Every output follows its `on_silence`; gives their devices a moment to confirm.
    fn farewell(&mut self) {
        let end = Instant::now() + FAREWELL;
        self.wake = Mono::ZERO;
        self.step();
        loop {
            let unconfirmed = self.unconfirmed();
            self.parts.pulse.unconfirmed.store(unconfirmed, Ordering::Release);
            let left = end.saturating_duration_since(Instant::now());
            if unconfirmed == 0 || left.is_zero() {
                return;
            }
            let pause = self.patience().min(left);
            match self.parts.inbox.recv_timeout(pause) {
                // What the program or a person says now comes too late.
                Ok(news @ (News::Field(_) | News::Wall(_))) => drop(self.hear(news)),
                Ok(News::Frame { .. }) => {
                    _ = self.parts.pulse.frames_under_way.fetch_sub(1, Ordering::AcqRel)
                }
                Ok(_) | Err(_) => {}
            }
            self.step();
        }
    }

    /// Outputs that were told something and have not confirmed it.
    fn unconfirmed(&self) -> usize {
        let outputs = (0..self.parts.guard.catalog().outputs.len() as u32).map(ballast_model::OutputId);
        let states = outputs.filter_map(|output| self.parts.guard.output(output));
        states.filter(|state| state.sent && !state.settled && !state.is_unreachable).count()
    }
}
