//! Two contacts, what can happen to them, and the oracle beside the guard.

use super::oracle::{
    DEAD_TIME, HEATER, Heat, LONGEST, MAX_AGE, OUTPUTS, Oracle, PUMP, SHORTEST_CLOSED, SHORTEST_OPEN, SILENCE,
};
use super::rig::{Rig, Told};
use super::{TICK, ticks};
use crate::kit::{CLOSED, Site, above};
use ballast_guard::plan::{OnSilence, SafetySet};
use ballast_guard::{GuardEvent, Input, OperatorCommand, ResetWhat, Taken, Who};
use ballast_model::frame::Message;
use ballast_model::time::Gap;
use ballast_model::{Mono, OutputId, PointId, Span, Wanted};
use std::sync::Arc;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// A tick passes, with every wake-up of the guard on the way.
    Pass,
    Measure(Heat),
    Hello,
    /// The program asks for closed, or for nothing.
    Ask {
        output: usize,
        closed: bool,
    },
    Renew,
    Bye,
    LinkClosed,
    Now,
    Reset,
    /// A device took what it was told last, or did not.
    Written {
        output: usize,
        ok: bool,
    },
    /// The guard's process dies, and another one takes up what it wrote down.
    Restart,
    PowerCut,
    /// Another safety set: a longer dead time, or the first one again, which waits for a person.
    Tighten,
    Loosen,
    Confirm,
}

/// The sets of the site.
pub struct Sets {
    site: Site,
    tight: Arc<SafetySet>,
    loose: Arc<SafetySet>,
}

impl Sets {
    pub fn new() -> Arc<Self> {
        let mut site = Site::new();
        site.point("tank.temperature", "°C", Some(MAX_AGE));
        let (heater, pump) = (site.contact("heater"), site.contact("pump"));
        site.limit("too hot", &above("tank.temperature", "50 °C"), &[(heater, crate::kit::OPEN)]);
        site.latched(0);
        site.interlock(&[heater, pump], DEAD_TIME[0]);
        for output in [heater, pump] {
            let envelope = site.envelope(output);
            (envelope.lease, envelope.min_open) = (super::oracle::LEASE, SHORTEST_OPEN);
        }
        site.envelope(heater).max_closed = Some(LONGEST);
        site.envelope(pump).min_closed = SHORTEST_CLOSED;
        site.envelope(pump).on_silence = OnSilence::Hold(SILENCE);
        let with = |dead_time: Span, fingerprint| {
            let mut site = site.clone();
            site.set.interlocks[0].dead_time = dead_time;
            site.set.fingerprint = fingerprint;
            Arc::new(site.set)
        };
        let (loose, tight) = (with(DEAD_TIME[0], 1), with(DEAD_TIME[1], 2));
        Arc::new(Self { site, tight, loose })
    }
}

/// Guard, devices, program and oracle at one moment.
#[derive(Clone)]
pub struct World {
    pub rig: Rig,
    pub oracle: Oracle,
    /// The counter of a permit that its device has not answered.
    pub waits: [Option<u64>; OUTPUTS],
    pub sets: Arc<Sets>,
    /// What went wrong.
    pub fault: Option<&'static str>,
}

impl World {
    pub fn new(sets: &Arc<Sets>) -> Self {
        let rig = Rig::new(&sets.site);
        let oracle = Oracle::new(rig.now);
        let mut world = Self { rig, oracle, waits: [None; OUTPUTS], sets: Arc::clone(sets), fault: None };
        world.settle(&[]);
        world
    }

    /// Whether this can happen now.
    pub fn can(&self, act: Act) -> bool {
        let is_tight = self.oracle.dead_time == 1;
        match act {
            Act::Ask { .. } | Act::Renew | Act::Bye | Act::LinkClosed => self.oracle.is_open,
            Act::Hello => !self.oracle.is_open,
            Act::Written { output, .. } => self.waits[output].is_some(),
            Act::Tighten => !is_tight,
            Act::Loosen => is_tight && self.rig.guard.waits_for().is_none(),
            Act::Confirm => self.rig.guard.waits_for().is_some(),
            Act::Pass | Act::Measure(_) | Act::Now | Act::Reset | Act::Restart | Act::PowerCut => true,
        }
    }

    /// It happens.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Pass => self.pass(),
            Act::Measure(heat) => {
                let value = match heat {
                    Heat::Cool => Some(20.0),
                    Heat::Warm => Some(50.0),
                    Heat::Hot => Some(50.1),
                    Heat::Lost => None,
                };
                let reading = self.rig.reading(PointId(0), value);
                self.oracle.measure(heat);
                self.settle(&[reading]);
            }
            Act::Hello => {
                let hello = self.rig.hello();
                self.oracle.hear_hello();
                self.settle(&[hello]);
            }
            Act::Ask { output, closed } => {
                let ask = self.rig.ask(output, closed.then_some(CLOSED), false);
                self.oracle.hear(output, closed);
                self.settle(&[ask]);
            }
            Act::Renew => {
                let renewal = self.rig.frame(Message::Renew);
                self.oracle.hear_renewal();
                self.settle(&[renewal]);
            }
            Act::Bye => {
                let bye = self.rig.frame(Message::Bye);
                self.oracle.close_session();
                self.settle(&[bye]);
            }
            Act::LinkClosed => {
                self.oracle.close_session();
                self.settle(&[Input::LinkClosed]);
            }
            Act::Now => {
                self.oracle.stop();
                self.settle(&[by_hand(OperatorCommand::Now(None))]);
            }
            Act::Reset => {
                self.oracle.reset();
                self.settle(&[by_hand(OperatorCommand::Reset(ResetWhat::All))]);
            }
            Act::Written { output, ok } => {
                let Some(counter) = self.waits[output].take() else { return };
                self.oracle.hear_device(output, ok);
                let output = OutputId(output as u32);
                self.settle(&[Input::Written { output, counter, ok }]);
            }
            Act::Restart | Act::PowerCut => {
                let is_power_cut = act == Act::PowerCut;
                self.rig.restart(if is_power_cut {
                    Gap::Unknown
                } else {
                    Gap::SameBoot(Span::from_nanos(1))
                });
                // What was on its way to the guard that is gone is lost.
                self.waits = [None; OUTPUTS];
                self.oracle.restart(is_power_cut);
                self.settle(&[]);
            }
            Act::Tighten | Act::Loosen | Act::Confirm => self.reload(act),
        }
    }

    fn reload(&mut self, act: Act) {
        let sets = Arc::clone(&self.sets);
        match act {
            Act::Tighten => {
                let replaced = self.rig.replace(&sets.tight);
                self.blame(replaced.taken != Taken::Whole, "a tightening was not taken at once");
                self.oracle.dead_time = 1;
            }
            Act::Loosen => {
                let replaced = self.rig.replace(&sets.loose);
                let waits = replaced.waits_for == Some(1) && replaced.taken != Taken::Whole;
                self.blame(!waits, "a loosening did not wait");
            }
            _ => {
                self.settle(&[by_hand(OperatorCommand::Confirm(1))]);
                let adopted = self.rig.adopt();
                self.blame(!adopted, "what was confirmed was not taken");
                self.oracle.dead_time = 0;
            }
        }
        self.settle(&[]);
    }

    fn blame(&mut self, is_wrong: bool, fault: &'static str) {
        if is_wrong && self.fault.is_none() {
            self.fault = Some(fault);
        }
    }

    fn pass(&mut self) {
        let goal = self.rig.now.after(TICK);
        while self.rig.next <= goal {
            self.rig.now = self.rig.next.max(self.rig.now);
            self.oracle.advance(self.rig.now);
            self.settle(&[]);
        }
        // Nobody wakes the guard here: where it should have woken by itself, it did not.
        self.rig.now = goal;
        self.oracle.advance(goal);
        self.judge();
    }

    /// Steps until the guard rests, hears its permits, and judges.
    fn settle(&mut self, inputs: &[Input]) {
        let (mut told, mut events): (Vec<Told>, Vec<GuardEvent>) = (Vec::new(), Vec::new());
        self.rig.step(inputs, &mut told, &mut events);
        for _ in 0..20 {
            if self.rig.next > self.rig.now {
                break;
            }
            self.rig.step(&[], &mut told, &mut events);
        }
        self.blame(self.rig.next <= self.rig.now, "the guard does not come to rest");
        for permit in told {
            let fault = self.oracle.hear_permit(permit.output, permit.wanted, permit.valid_until);
            self.fault = self.fault.or(fault);
            self.waits[permit.output] = Some(permit.counter);
        }
        self.judge();
    }

    fn judge(&mut self) {
        let fault = self.oracle.rest();
        self.fault = self.fault.or(fault);
        self.blame(self.rig.guard.hears_engine() != self.oracle.is_open, "the session is not as it was said");
        let limit =
            self.rig.guard.limits().next().map(|limit| (limit.state.acted.is_some(), limit.state.is_latched));
        self.blame(
            limit != Some((self.oracle.acts, self.oracle.is_latched)),
            "the limit is not as its words say",
        );
        let known = &self.oracle.outputs;
        for (output, counter) in self.waits.iter().enumerate() {
            self.fault = self
                .fault
                .or((counter.is_some() && known[output].told.is_none()).then_some("an answer to nothing"));
        }
    }
}

fn by_hand(command: OperatorCommand) -> Input {
    Input::Operator { who: Who::new("someone"), command }
}

/// Everything that can happen, in the order in which it is tried.
pub fn everything() -> Vec<Act> {
    let heats = [Heat::Cool, Heat::Warm, Heat::Hot, Heat::Lost].map(Act::Measure);
    let asks = [(HEATER, true), (HEATER, false), (PUMP, true), (PUMP, false)];
    let asks = asks.map(|(output, closed)| Act::Ask { output, closed });
    let written = [(HEATER, true), (HEATER, false), (PUMP, true), (PUMP, false)];
    let written = written.map(|(output, ok)| Act::Written { output, ok });
    let rest = [
        Act::Pass,
        Act::Hello,
        Act::Renew,
        Act::Bye,
        Act::LinkClosed,
        Act::Now,
        Act::Reset,
        Act::Restart,
        Act::PowerCut,
        Act::Tighten,
        Act::Loosen,
        Act::Confirm,
    ];
    rest.into_iter().chain(heats).chain(asks).chain(written).collect()
}

/// Whether an output was last told to be closed.
pub fn is_closed(world: &World, output: usize) -> bool {
    world
        .rig
        .guard
        .output(OutputId(output as u32))
        .is_some_and(|state| state.sent && state.told == Wanted::CLOSED)
}

/// How many ticks have passed.
pub fn age(world: &World) -> u64 {
    world.rig.now.since(Mono::from_millis(1_000_000_000)).nanos() / ticks(1).nanos()
}

/// Where lives begin: at the start; with one closed and its partner asked for as well; while the limit acts; while a set
/// waits for a person.
pub fn beginnings() -> Vec<World> {
    let ask = |output| Act::Ask { output, closed: true };
    let done = |output| Act::Written { output, ok: true };
    let cool = Act::Measure(Heat::Cool);
    let closed =
        [cool, Act::Hello, done(HEATER), done(PUMP), Act::Pass, cool, ask(HEATER), ask(PUMP), done(HEATER)];
    let start = World::new(&Sets::new());
    let closed = super::after(start.clone(), &closed);
    let hot = super::after(closed.clone(), &[Act::Measure(Heat::Hot)]);
    let waiting = super::after(closed.clone(), &[Act::Tighten, Act::Loosen]);
    vec![start, closed, hot, waiting]
}
