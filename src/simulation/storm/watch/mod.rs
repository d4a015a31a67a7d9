//! An observer who hears what guard and engine hear, and holds what they say against what the manual promises.
//!
//! It shares no code with either: its numbers stand in [`terms`], its own understanding of words, limits, times and nights
//! in one file each. What a process forgets when it is started anew, the observer forgets with it: its memory is part of
//! what is kept on the storm's disks.
//!
//! | module | holds |
//! |---|---|
//! | [`terms`] | the numbers of the safety sets |
//! | [`words`] | whose frames count, and how long |
//! | [`readings`] | what is known of the points |
//! | [`limits`] | which limits act |
//! | [`moves`] | every permit: reason, value, times, budgets, ramp, giving back |
//! | [`cuts`] | what the stages of shedding owe |
//! | [`rest`] | what must have acted whenever the guard has nothing left to do |
//! | [`program`] | rules that count on a clock of their own |
//! | [`nights`] | times of day, over the nights in which the clocks change |

mod cuts;
mod limits;
pub(super) mod moves;
pub(super) mod nights;
pub(super) mod program;
mod readings;
mod rest;
mod terms;
mod words;

use super::devices::safe;
use super::site::{BATTERY_HEAT, HEATER, LEVEL, OUTPUTS, PUMP, Places, TANK};
use ballast_guard::{GuardEvent, Input, OperatorCommand, ResetWhat};
use ballast_model::{Mono, Span, Wanted};
use cuts::Shed;
use limits::{LimitWatch, Look};
use readings::Readings;
pub(super) use terms::Terms;
use words::Words;

const TOO_HOT: usize = 0;
const DRY: usize = 1;

/// What is known of one output.
#[derive(Clone, Debug)]
struct Watched {
    /// What it was last told; `None` since nothing was told to it yet.
    told: Option<Wanted>,
    told_at: Mono,
    switched_at: Mono,
    confirmed_at: Mono,
    is_switching: bool,
    counter: u64,
    switches: Vec<Mono>,
    is_starting: bool,
    /// A person said "now".
    is_stopped: bool,
    /// The request that was served for its longest time, and who asked.
    spent: Option<(u64, ballast_model::Authority)>,
    /// Its device says that someone else moved it, or said so.
    was_moved: Option<Mono>,
}

/// The observer of the guard.
#[derive(Clone, Debug)]
pub(super) struct GuardWatch {
    now: Mono,
    started: Mono,
    pub(super) terms: Terms,
    words: Words,
    readings: Readings,
    limits: [LimitWatch; 2],
    /// The temperature of the battery was known since the start.
    was_heat_known: bool,
    outputs: Vec<Watched>,
    shed: Shed,
    /// A person may have armed what was found.
    may_be_armed: bool,
    is_ending: bool,
    /// Promises that were looked at.
    pub(super) checks: u64,
}

impl GuardWatch {
    /// The guard begins and remembers nothing.
    pub(super) fn new(now: Mono, terms: Terms) -> Self {
        let watched = |_| Watched {
            told: None,
            told_at: now,
            switched_at: now,
            confirmed_at: now,
            is_switching: false,
            counter: 0,
            switches: Vec::new(),
            is_starting: true,
            is_stopped: false,
            spent: None,
            was_moved: None,
        };
        Self {
            now,
            started: now,
            terms,
            words: Words::new(now),
            readings: Readings::default(),
            limits: [LimitWatch::default(); 2],
            was_heat_known: false,
            outputs: (0..OUTPUTS).map(watched).collect(),
            shed: Shed::default(),
            may_be_armed: false,
            is_ending: false,
            checks: 0,
        }
    }

    /// The guard goes on from what was kept beside this memory.
    pub(super) fn restart(mut self, now: Mono, is_power_cut: bool) -> Self {
        (self.now, self.started, self.is_ending) = (now, now, false);
        self.words.restart(now, is_power_cut);
        self.readings.restart(is_power_cut);
        self.limits.iter_mut().for_each(|limit| limit.restart(is_power_cut));
        self.was_heat_known = false;
        self.shed = self.shed.restart(is_power_cut);
        for (output, watched) in self.outputs.iter_mut().enumerate() {
            watched.is_starting = true;
            watched.was_moved = Some(now);
            watched.told = watched.told.map(|told| if is_power_cut { safe(output) } else { told });
            if is_power_cut {
                (watched.told_at, watched.switched_at, watched.confirmed_at) = (now, now, now);
                watched.is_switching = false;
            }
        }
        self
    }

    /// Another safety set came in: without a person's word only what it tightens counts.
    pub(super) fn reload(&mut self, terms: Terms, is_confirmed: bool) {
        // A guard remembers as many switchings as its budget counts: under a larger one it begins with those.
        if is_confirmed
            && terms.budget > self.terms.budget
            && let Some(heater) = self.outputs.get_mut(HEATER)
        {
            let older = heater.switches.len().saturating_sub(self.terms.budget);
            heater.switches.drain(..older);
        }
        self.terms = if is_confirmed { terms } else { self.terms.and(terms) };
        self.shed = self.shed.reload();
    }

    fn watched(&mut self, output: usize) -> Option<&mut Watched> {
        self.outputs.get_mut(output)
    }

    /// What the guard is given in a step.
    pub(super) fn hear(&mut self, now: Mono, inputs: &[Input], places: &Places) {
        self.now = now;
        for input in inputs {
            match input {
                Input::Sample(sample) => {
                    if let Some(point) = places.measured(sample.point) {
                        self.readings.hear(point, sample);
                    }
                }
                Input::Frame(frame) => {
                    if let Some(intent) = self.words.hear(frame, now).filter(|_| !self.is_ending) {
                        self.ask(places.ours(intent.output), &intent);
                    }
                }
                Input::LinkClosed => self.words.close(),
                Input::Written { output, counter, ok: true } => self.confirm(places.ours(*output), *counter),
                Input::Operator { command, .. } => self.hear_person(command, places),
                Input::Stop => {
                    self.words.end(now);
                    self.is_ending = true;
                    self.outputs.iter_mut().for_each(|watched| watched.is_starting = false);
                }
                Input::Written { .. } | Input::Wall(_) | Input::Actual { .. } | Input::Reach { .. } => {}
            }
        }
        self.look();
    }

    fn ask(&mut self, output: usize, intent: &ballast_model::Intent) {
        let now = self.now;
        self.words.say(output, intent, now);
        if let Some(watched) = self.watched(output) {
            // A request has ended when a weaker one wins.
            watched.spent = watched.spent.filter(|(_, authority)| *authority <= intent.authority);
        }
    }

    fn confirm(&mut self, output: usize, counter: u64) {
        let now = self.now;
        if let Some(watched) = self.watched(output).filter(|watched| watched.counter == counter)
            && std::mem::take(&mut watched.is_switching)
        {
            watched.confirmed_at = now;
        }
    }

    fn hear_person(&mut self, command: &OperatorCommand, places: &Places) {
        match command {
            OperatorCommand::Now(which) => {
                let which = which.map(|output| places.ours(output));
                for (output, watched) in self.outputs.iter_mut().enumerate() {
                    watched.is_stopped |= which.is_none_or(|which| which == output);
                }
            }
            OperatorCommand::Reset(what) => self.reset(*what, places),
            OperatorCommand::Arm(_) => self.may_be_armed = true,
            OperatorCommand::Disarm { as_it_is: true, .. } => {
                self.may_be_armed = false;
                if let Some(watched) = self.watched(super::site::FOUND) {
                    watched.told = None;
                }
            }
            OperatorCommand::Disarm { .. } | OperatorCommand::Confirm(_) => {}
        }
    }

    fn reset(&mut self, what: ResetWhat, places: &Places) {
        let which = match what {
            ResetWhat::Output(output) => Some(places.ours(output)),
            ResetWhat::All => None,
            ResetWhat::Limit(limit) => {
                if let Some(limit) = self.limits.get_mut(usize::from(limit)) {
                    limit.reset();
                }
                return;
            }
            ResetWhat::Shedding => return,
        };
        for (output, watched) in self.outputs.iter_mut().enumerate() {
            watched.is_stopped &= which.is_some_and(|which| which != output);
        }
        if which.is_none() {
            self.limits.iter_mut().for_each(LimitWatch::reset);
        }
    }

    /// What follows from what is known now.
    fn look(&mut self) {
        let (now, started, terms) = (self.now, self.started, self.terms);
        self.words.lapse(now);
        let known = |point| self.readings.known(point, now);
        let (tank, level) = (known(TANK), known(LEVEL));
        self.was_heat_known |= known(BATTERY_HEAT).is_some();
        let [hot, dry] = &mut self.limits;
        hot.look(&Look {
            now,
            started,
            violated: tank.map(|tank| tank > terms.hot),
            clear: tank.map(|tank| tank < terms.cool),
            hold: Span::from_secs(2),
            until_hold: Span::from_secs(5),
            latch: false,
        });
        dry.look(&Look {
            now,
            started,
            violated: level.map(|level| level < 10.0),
            clear: level.map(|level| level > 15.0),
            hold: Span::from_secs(3),
            until_hold: Span::from_secs(5),
            latch: true,
        });
        self.look_at_starts();
        self.look_at_frequency();
    }

    fn look_at_starts(&mut self) {
        let had_time = self.now >= self.started.after(terms::LEASE);
        for output in 0..OUTPUTS {
            let knows = match output {
                HEATER => self.limits[TOO_HOT].was_known,
                PUMP => self.limits[DRY].was_known,
                super::site::CHARGE => self.was_heat_known,
                _ => true,
            };
            let spoke = self.words.of(output).is_some();
            if let Some(watched) = self.outputs.get_mut(output) {
                watched.is_starting &= !(knows && (spoke || had_time));
            }
        }
    }

    /// What the guard tells of an output that somebody else moved.
    pub(super) fn hear_event(&mut self, event: &GuardEvent, places: &Places) {
        let now = self.now;
        match event {
            GuardEvent::OutsideChange { output, actual, .. } => {
                let output = places.ours(*output);
                if let Some(watched) = self.watched(output) {
                    watched.was_moved = Some(now);
                    if output == super::site::TIMER {
                        watched.told = Some(*actual);
                    }
                }
            }
            GuardEvent::NotCorrected { output } | GuardEvent::TimerRanOut { output } => {
                if let Some(watched) = self.watched(places.ours(*output)) {
                    watched.was_moved = Some(now);
                }
            }
            _ => {}
        }
    }

    /// What a limit sets an output to.
    fn forced(&self, output: usize) -> Option<Wanted> {
        let acts = match output {
            HEATER => self.limits[TOO_HOT].acts,
            PUMP => self.limits[DRY].acts,
            _ => false,
        };
        acts.then(|| safe(output))
    }

    /// The highest setpoint that the temperature of the battery leaves, W.
    fn most(&self) -> f64 {
        let Some(at) = self.readings.known(BATTERY_HEAT, self.now) else {
            let is_gone = self.was_heat_known || self.now >= self.started.after(terms::GRACE);
            return if is_gone { 0.0 } else { f64::MAX };
        };
        let mut share = terms::CURVE[0].1;
        for pair in terms::CURVE.windows(2) {
            if let [(low, before), (high, after)] = pair
                && at > *low
            {
                share = before + (after - before) * ((at - low) / (high - low)).min(1.0);
            }
        }
        2_000.0 * share / 100.0 + 1e-6
    }
}
