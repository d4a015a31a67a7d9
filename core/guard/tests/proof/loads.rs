//! Two loads, one stage of shedding, and giving back.

use super::rig::{Rig, Watched};
use super::{ticks, view};
use crate::kit::{CLOSED, OPEN, Site, num};
use ballast_guard::Input;
use ballast_guard::plan::Stage;
use ballast_model::frame::Message;
use ballast_model::time::Gap;
use ballast_model::{Mono, OutputId, PointId, Span};
use std::hash::{DefaultHasher, Hash, Hasher};

const LEASE: Span = ticks(2);
const MAX_AGE: Span = Span::from_secs(15);
/// One load comes back in this time.
const ONE_PER: Span = ticks(1);
/// So long above every stage, and an event is over.
const CLEAR: Span = ticks(1);
const LOADS: usize = 2;

/// What the frequency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hertz {
    Good,
    /// Above the stage, and too low for giving back.
    Middling,
    Low,
    Lost,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    Pass,
    Measure(Hertz),
    Hello,
    /// Asks for closed, for closed as giving back, or for nothing.
    Close(usize),
    GiveBack(usize),
    Rest(usize),
    Renew,
    LinkClosed,
    Restart,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    closed: bool,
    gives_back: bool,
    until: Mono,
    in_session: bool,
}

#[derive(Clone, Copy, Debug)]
struct Load {
    told: Option<bool>,
    heard: Option<Heard>,
    /// It was cut, by a stage, a lease or a start, and was not given back.
    is_cut: bool,
    has_started: bool,
}

#[derive(Clone, Debug)]
pub struct Loads {
    pub(super) rig: Rig,
    loads: [Load; LOADS],
    is_open: bool,
    reading: Option<(Hertz, Mono)>,
    started_at: Mono,
    /// The stage acted, and its event is not over; since when the frequency is above it.
    pub in_event: bool,
    clear_since: Option<Mono>,
    restore_at: Mono,
    pub is_given_back: bool,
    pub fault: Option<&'static str>,
}

pub fn site() -> Site {
    let mut site = Site::new();
    let source = site.point("feeder.frequency", "Hz", Some(MAX_AGE));
    let homes = [site.contact("north"), site.contact("south")];
    homes.iter().for_each(|home| site.envelope(*home).lease = LEASE);
    let shedding = site.shedding(&[source], &homes.map(|home| (home, "homes", 1000.0)));
    shedding.restore.one_per = ONE_PER;
    shedding.stages =
        vec![Stage { below: num(49.5), hold: Span::ZERO, share: num(50.0), from: vec!["homes".into()] }];
    site
}

/// Everything that can happen.
pub fn everything() -> Vec<Act> {
    let hertz = [Hertz::Good, Hertz::Middling, Hertz::Low, Hertz::Lost].map(Act::Measure);
    let asks = (0..LOADS).flat_map(|load| [Act::Close(load), Act::GiveBack(load), Act::Rest(load)]);
    let rest = [Act::Pass, Act::Hello, Act::Renew, Act::LinkClosed, Act::Restart];
    rest.into_iter().chain(hertz).chain(asks).collect()
}

impl Loads {
    pub fn new(site: &Site) -> Self {
        let rig = Rig::new(site);
        let started_at = rig.now;
        let load = Load { told: None, heard: None, is_cut: true, has_started: false };
        let mut loads = Self {
            rig,
            loads: [load; LOADS],
            is_open: false,
            reading: None,
            started_at,
            in_event: false,
            clear_since: None,
            restore_at: Mono::ZERO,
            is_given_back: false,
            fault: None,
        };
        loads.settle(&[]);
        loads
    }

    pub fn can(&self, act: Act) -> bool {
        match act {
            Act::Close(_) | Act::GiveBack(_) | Act::Rest(_) | Act::Renew | Act::LinkClosed => self.is_open,
            Act::Hello => !self.is_open,
            _ => true,
        }
    }

    pub fn act(&mut self, act: Act) {
        let now = self.rig.now;
        let input = match act {
            Act::Pass => return self.pass(),
            Act::Measure(hertz) => {
                self.reading = Some((hertz, now));
                let value = match hertz {
                    Hertz::Good => Some(50.0),
                    Hertz::Middling => Some(49.8),
                    Hertz::Low => Some(49.4),
                    Hertz::Lost => None,
                };
                self.rig.reading(PointId(0), value)
            }
            Act::Hello => {
                self.end_session();
                self.is_open = true;
                self.rig.hello()
            }
            Act::Close(load) => self.ask(load, true, false),
            Act::GiveBack(load) => self.ask(load, true, true),
            Act::Rest(load) => self.ask(load, false, false),
            Act::Renew => {
                let heard = self.loads.iter_mut().filter_map(|load| load.heard.as_mut());
                heard.filter(|heard| heard.in_session).for_each(|heard| heard.until = now.after(LEASE));
                self.rig.frame(Message::Renew)
            }
            Act::LinkClosed => {
                self.end_session();
                Input::LinkClosed
            }
            Act::Restart => {
                self.rig.restart(Gap::SameBoot(Span::from_nanos(1)));
                (self.is_open, self.started_at) = (false, now);
                (self.in_event, self.clear_since) = (false, None);
                for load in &mut self.loads {
                    (load.heard, load.has_started, load.is_cut) = (None, false, true);
                }
                return self.settle(&[]);
            }
        };
        self.settle(&[input]);
    }

    fn ask(&mut self, load: usize, closed: bool, gives_back: bool) -> Input {
        let until = self.rig.now.after(LEASE);
        self.loads[load].heard = Some(Heard { closed, gives_back, until, in_session: true });
        self.rig.ask(load, closed.then_some(CLOSED), gives_back)
    }

    fn end_session(&mut self) {
        self.is_open = false;
        self.loads
            .iter_mut()
            .filter_map(|load| load.heard.as_mut())
            .for_each(|heard| heard.in_session = false);
    }

    pub(super) fn settle(&mut self, inputs: &[Input]) {
        self.follow();
        let must_cut = self.begin_event();
        let (mut told, mut events) = (Vec::new(), Vec::new());
        self.rig.step(inputs, &mut told, &mut events);
        let mut opened = 0;
        for _ in 0..20 {
            let answers: Vec<Input> = told
                .drain(..)
                .map(|permit| {
                    let was_closed = self.loads[permit.output].told == Some(true);
                    opened += usize::from(was_closed && permit.wanted == OPEN);
                    self.hear_permit(permit.output, permit.wanted == CLOSED, must_cut > 0);
                    let output = OutputId(permit.output as u32);
                    Input::Written { output, counter: permit.counter, ok: true }
                })
                .collect();
            if answers.is_empty() && self.rig.next > self.rig.now {
                break;
            }
            self.rig.step(&answers, &mut told, &mut events);
        }
        if opened < must_cut {
            self.fault = self.fault.or(Some("less was cut than the stage says"));
        }
        self.follow();
        self.judge();
    }

    fn hertz(&self) -> Option<Hertz> {
        let (hertz, at) = self.reading.filter(|(hertz, _)| *hertz != Hertz::Lost)?;
        (self.rig.now <= at.after(MAX_AGE)).then_some(hertz)
    }

    /// What is known, without a word of the guard.
    pub(super) fn follow(&mut self) {
        let now = self.rig.now;
        let had_time = now >= self.started_at.after(LEASE);
        let mut has_ended = false;
        for load in &mut self.loads {
            if let Some(heard) = load.heard.filter(|heard| heard.until <= now) {
                load.heard = None;
                has_ended |= heard.in_session;
            }
            load.has_started |= load.heard.is_some() || had_time;
        }
        if has_ended {
            self.end_session();
        }
        let is_above = self.hertz().is_some_and(|hertz| hertz != Hertz::Low);
        if !self.in_event || !is_above {
            self.clear_since = None;
        } else if self.clear_since.get_or_insert(now).after(CLEAR) <= now {
            (self.in_event, self.clear_since) = (false, None);
        }
    }

    /// How many loads a stage that acts now must cut: half of what is closed.
    fn begin_event(&mut self) -> usize {
        if self.hertz() != Some(Hertz::Low) || self.in_event {
            return 0;
        }
        self.in_event = true;
        let is_up = |load: &&Load| load.told == Some(true) && load.heard.is_some() && load.has_started;
        self.loads.iter().filter(is_up).count().div_ceil(2)
    }

    /// Whether the bounds of giving back let a load come back.
    fn may_come_back(&self) -> bool {
        self.hertz() == Some(Hertz::Good) && !self.in_event && self.rig.now >= self.restore_at
    }

    fn must_open(load: &Load) -> bool {
        !load.has_started || load.heard.is_none_or(|heard| !heard.closed)
    }

    fn hear_permit(&mut self, index: usize, closed: bool, stage_acts: bool) {
        let may_come_back = self.may_come_back();
        let load = &mut self.loads[index];
        let gives_back = load.heard.is_some_and(|heard| heard.gives_back);
        let was_closed = load.told == Some(true);
        let fault = match (closed, was_closed) {
            (true, _) if Self::must_open(load) => Some("closed although nobody asks"),
            (true, false) if load.is_cut && !gives_back => Some("what was cut came back unasked"),
            (true, false) if (load.is_cut || gives_back) && !may_come_back => {
                Some("given back beyond its bounds")
            }
            (false, true) if !Self::must_open(load) && !stage_acts => Some("opened without a reason"),
            _ => None,
        };
        if !closed && was_closed && (stage_acts || load.heard.is_none() || !load.has_started) {
            // What is asked from now on may give it back, what was asked before may not.
            load.is_cut = true;
            if let Some(heard) = &mut load.heard {
                heard.gives_back = false;
            }
        }
        if closed && !was_closed {
            load.is_cut = false;
            if gives_back {
                self.restore_at = self.rig.now.after(ONE_PER);
                self.is_given_back = true;
            }
        }
        self.loads[index].told = Some(closed);
        self.fault = self.fault.or(fault);
    }

    pub(super) fn judge(&mut self) {
        let may_come_back = self.may_come_back();
        let mut fault = None;
        for load in &self.loads {
            if Self::must_open(load) && load.told != Some(false) {
                fault = Some("what must be open was not told so");
            }
            let gives_back = load.heard.is_some_and(|heard| heard.gives_back);
            let may_close = if gives_back { may_come_back } else { !load.is_cut };
            if !Self::must_open(load) && may_close && load.told != Some(true) {
                fault = Some("what is asked for and may be closed is not");
            }
        }
        if self.rig.guard.hears_engine() != self.is_open {
            fault = Some("the session is not as it was said");
        }
        if self.rig.guard.shedding().in_event != self.in_event {
            fault = Some("the event is not as its words say");
        }
        self.fault = self.fault.or(fault);
    }

    pub fn closed(&self) -> usize {
        self.loads.iter().filter(|load| load.told == Some(true)).count()
    }

    /// Minutes cut count only by who has more of them, and by how much, as far as anything else counts.
    pub fn key(&self) -> u64 {
        let now = self.rig.now;
        let at = |moment| view::from_now(now, moment);
        let mut to = DefaultHasher::new();
        view::guard(&mut to, &self.rig.guard, LOADS, now);
        let shedding = self.rig.guard.shedding();
        (shedding.frequency, shedding.is_lost, shedding.good.since().map(at), &shedding.acted).hash(&mut to);
        (shedding.in_event, shedding.clear.since().map(at), at(shedding.restore_at)).hash(&mut to);
        (shedding.load_before, shedding.judge.map(|(moment, frequency)| (at(moment), frequency)))
            .hash(&mut to);
        shedding.holds.iter().for_each(|hold| hold.since().map(at).hash(&mut to));
        let total = |index: usize| {
            let cut = shedding.fairness.get(index);
            cut.map_or(0, |cut| {
                let days = cut.days.iter().map(|day| day.nanos()).sum::<u64>();
                days + cut.cut_since.map_or(0, |since| now.since(since).nanos())
            })
        };
        let lead = total(0) as i64 - total(1) as i64;
        lead.clamp(-(ticks(2).nanos() as i64), ticks(2).nanos() as i64).hash(&mut to);
        for load in &self.loads {
            (load.told, load.is_cut, load.has_started).hash(&mut to);
            load.heard
                .map(|heard| (heard.closed, heard.gives_back, at(heard.until), heard.in_session))
                .hash(&mut to);
        }
        (self.is_open, self.reading.map(|(hertz, moment)| (hertz, at(moment))), at(self.started_at))
            .hash(&mut to);
        (self.in_event, self.clear_since.map(at), at(self.restore_at), self.fault).hash(&mut to);
        to.finish()
    }
}

/// Where lives begin: at the start, and with everything given back.
pub fn beginnings() -> Vec<Loads> {
    let start = Loads::new(&site());
    let good = Act::Measure(Hertz::Good);
    let acts = [good, Act::Hello, Act::GiveBack(0), Act::GiveBack(1), Act::Pass, good];
    let given_back = super::after(start.clone(), &acts);
    vec![start, given_back]
}
