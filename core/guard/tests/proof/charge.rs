//! A setpoint with a ramp under a curve: what can happen to it, and what must come of that.

use super::rig::{Rig, Watched};
use super::{ticks, view};
use crate::kit::{Site, level, name, num};
use ballast_guard::plan::{Limit, LimitAction, OnUnknown};
use ballast_guard::{Input, OperatorCommand, ResetWhat, Who};
use ballast_model::frame::Message;
use ballast_model::time::Gap;
use ballast_model::{Mono, OutputId, PointId, Span, Wanted};
use std::hash::{DefaultHasher, Hash, Hasher};

const LEASE: Span = ticks(2);
const MAX_AGE: Span = Span::from_secs(15);
const GRACE: Span = ticks(1);
/// W/s away from safe.
const RATE: f64 = 50.0;
/// A step of the ramp may come so much late.
const LATE: Span = Span::from_secs(2);
/// What it may be, W.
const VALUES: [f64; 5] = [0.0, 500.0, 1000.0, 1500.0, 2000.0];

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    Pass,
    /// °C; `None`: lost.
    Measure(Option<u8>),
    Hello,
    /// W.
    Ask(u16),
    Renew,
    LinkClosed,
    Now,
    Reset,
    Written(bool),
    Restart,
}

#[derive(Clone, Debug)]
pub struct Charge {
    pub(super) rig: Rig,
    waits: Option<u64>,
    pub told: f64,
    heard: Option<(f64, Mono, bool)>,
    is_open: bool,
    is_stopped: bool,
    reading: Option<(Option<u8>, Mono)>,
    started_at: Mono,
    is_armed: bool,
    has_started: bool,
    /// Where and when it began to rise.
    climb: Option<(Mono, f64)>,
    pub fault: Option<&'static str>,
}

pub fn site() -> Site {
    let mut site = Site::new();
    site.point("battery.temperature", "°C", Some(MAX_AGE));
    let charge = site.setpoint("charge", &[(0.0, 0.0), (500.0, 2000.0)]);
    site.level(charge).step = Some(num(500.0));
    site.level(charge).ramp_away = Some(num(RATE));
    site.envelope(charge).lease = LEASE;
    let rows = [(45.0, 100.0), (50.0, 50.0), (55.0, 0.0)].map(|(at, share)| (num(at), num(share)));
    let action = LimitAction::Derate {
        of: site.program(&name("battery.temperature")),
        rows: vec![(charge, rows.to_vec())],
    };
    site.set.limits.push(Limit { name: "warm".into(), unknown: OnUnknown::Force, action });
    site
}

/// Everything that can happen.
pub fn everything() -> Vec<Act> {
    let temperatures = [Some(20), Some(50), Some(60), None].map(Act::Measure);
    let asks = [0, 1000, 2000, 9000].map(Act::Ask);
    let rest = [
        Act::Pass,
        Act::Hello,
        Act::Renew,
        Act::LinkClosed,
        Act::Now,
        Act::Reset,
        Act::Written(true),
        Act::Written(false),
        Act::Restart,
    ];
    rest.into_iter().chain(temperatures).chain(asks).collect()
}

impl Charge {
    pub fn new(site: &Site) -> Self {
        let rig = Rig::new(site);
        let started_at = rig.now;
        let mut charge = Self {
            rig,
            waits: None,
            told: 0.0,
            heard: None,
            is_open: false,
            is_stopped: false,
            reading: None,
            started_at,
            is_armed: false,
            has_started: false,
            climb: None,
            fault: None,
        };
        charge.settle(&[]);
        charge
    }

    pub fn can(&self, act: Act) -> bool {
        match act {
            Act::Ask(_) | Act::Renew | Act::LinkClosed => self.is_open,
            Act::Hello => !self.is_open,
            Act::Written(_) => self.waits.is_some(),
            _ => true,
        }
    }

    pub fn act(&mut self, act: Act) {
        let now = self.rig.now;
        let input = match act {
            Act::Pass => return self.pass(),
            Act::Measure(celsius) => {
                self.reading = Some((celsius, now));
                self.rig.reading(PointId(0), celsius.map(f64::from))
            }
            Act::Hello => {
                self.end_session();
                self.is_open = true;
                self.rig.hello()
            }
            Act::Ask(watts) => {
                self.heard = Some((f64::from(watts), now.after(LEASE), true));
                self.rig.ask(0, Some(level(f64::from(watts))), false)
            }
            Act::Renew => {
                if let Some((_, until, true)) = &mut self.heard {
                    *until = now.after(LEASE);
                }
                self.rig.frame(Message::Renew)
            }
            Act::LinkClosed => {
                self.end_session();
                Input::LinkClosed
            }
            Act::Now => {
                self.is_stopped = true;
                by_hand(OperatorCommand::Now(None))
            }
            Act::Reset => {
                self.is_stopped = false;
                by_hand(OperatorCommand::Reset(ResetWhat::All))
            }
            Act::Written(ok) => {
                let Some(counter) = self.waits.take() else { return };
                Input::Written { output: OutputId(0), counter, ok }
            }
            Act::Restart => {
                self.rig.restart(Gap::SameBoot(Span::from_nanos(1)));
                (self.waits, self.heard, self.is_open) = (None, None, false);
                (self.started_at, self.is_armed, self.has_started, self.climb) = (now, false, false, None);
                return self.settle(&[]);
            }
        };
        self.settle(&[input]);
    }

    fn end_session(&mut self) {
        self.is_open = false;
        if let Some((_, _, in_session)) = &mut self.heard {
            *in_session = false;
        }
    }

    pub(super) fn settle(&mut self, inputs: &[Input]) {
        self.follow();
        let (mut told, mut events) = (Vec::new(), Vec::new());
        self.rig.step(inputs, &mut told, &mut events);
        for _ in 0..20 {
            if self.rig.next <= self.rig.now {
                self.rig.step(&[], &mut told, &mut events);
            }
        }
        for permit in told {
            self.waits = Some(permit.counter);
            let Wanted::Level(value) = permit.wanted else { continue };
            self.hear_permit(value.get());
        }
        self.follow();
        self.judge();
    }

    /// What is known, without a word of the guard.
    pub(super) fn follow(&mut self) {
        let now = self.rig.now;
        if self.heard.is_some_and(|(_, until, _)| until <= now) {
            let was_in_session = self.heard.is_some_and(|(_, _, in_session)| in_session);
            self.heard = None;
            self.is_open &= !was_in_session;
        }
        self.is_armed |= self.celsius().is_some();
        let had_time = now >= self.started_at.after(LEASE);
        self.has_started |= self.is_armed && (self.heard.is_some() || had_time);
        let rises = self.goal() > self.told;
        self.climb = if rises { self.climb.or(Some((now, self.told))) } else { None };
    }

    fn celsius(&self) -> Option<u8> {
        let (celsius, at) = self.reading?;
        celsius.filter(|_| self.rig.now <= at.after(MAX_AGE))
    }

    /// What the curve leaves, W.
    fn cap(&self) -> f64 {
        match self.celsius() {
            Some(20) => 2000.0,
            Some(50) => 1000.0,
            Some(_) => 0.0,
            None if self.is_armed || self.rig.now >= self.started_at.after(GRACE) => 0.0,
            None => 2000.0,
        }
    }

    /// Where it may go, W.
    fn goal(&self) -> f64 {
        match self.heard {
            Some((asked, _, _)) if self.has_started && !self.is_stopped => asked.min(self.cap()),
            _ => 0.0,
        }
    }

    fn line(&self, now: Mono) -> f64 {
        self.climb.map_or(f64::MAX, |(at, from)| from + RATE * now.since(at).secs_f64())
    }

    fn hear_permit(&mut self, value: f64) {
        let fault = match () {
            () if !VALUES.contains(&value) => Some("told what it may not be"),
            () if value > self.goal() => Some("told more than may be"),
            () if value > self.told && value > self.line(self.rig.now) + 1e-6 => {
                Some("steeper than its ramp")
            }
            () => None,
        };
        if value < self.told {
            self.climb = None;
        }
        self.told = value;
        self.fault = self.fault.or(fault);
    }

    pub(super) fn judge(&mut self) {
        let goal = self.goal();
        let is_due = self.climb.is_some() && self.line(self.rig.now.before(LATE)) >= goal;
        let fault = match () {
            () if self.told > goal => Some("more than may be"),
            () if is_due && self.told < goal => Some("less than is asked for and may be"),
            () if self.rig.guard.hears_engine() != self.is_open => Some("the session is not as it was said"),
            () => None,
        };
        self.fault = self.fault.or(fault);
    }

    pub fn key(&self) -> u64 {
        let now = self.rig.now;
        let at = |moment| view::from_now(now, moment);
        let mut to = DefaultHasher::new();
        view::guard(&mut to, &self.rig.guard, 1, now);
        (self.told.to_bits(), self.waits.is_some(), self.is_open, self.is_stopped, self.fault).hash(&mut to);
        self.heard.map(|(asked, until, open)| (asked.to_bits(), at(until), open)).hash(&mut to);
        self.reading.map(|(celsius, moment)| (celsius, at(moment))).hash(&mut to);
        (at(self.started_at), self.is_armed, self.has_started).hash(&mut to);
        self.climb.map(|(moment, from)| (at(moment), from.to_bits())).hash(&mut to);
        to.finish()
    }
}

fn by_hand(command: OperatorCommand) -> Input {
    Input::Operator { who: Who::new("someone"), command }
}

/// Where lives begin: at the start, and on the way up.
pub fn beginnings() -> Vec<Charge> {
    let start = Charge::new(&site());
    let cool = Act::Measure(Some(20));
    let climbing = super::after(start.clone(), &[cool, Act::Hello, Act::Ask(2000), Act::Pass, cool]);
    vec![start, climbing]
}
