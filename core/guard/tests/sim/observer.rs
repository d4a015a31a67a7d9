//! What the design promises, seen from outside: it hears what the guard hears and judges every permit.
#![allow(unreachable_pub, reason = "part of a test")]
#![allow(clippy::panic, reason = "a failing test is its own message")]

use super::frequency::ShedWatch;
use super::hand::{Device, EffectWatch, PAIRS};
use super::site::*;
use crate::kit::*;
use ballast_guard::GuardEvent;
use ballast_model::{Authority, Mono, Span, Wanted};

/// What the program last said about an output, as the observer heard it.
#[derive(Clone, Copy)]
pub struct Heard {
    pub wanted: Wanted,
    pub request: u64,
    pub authority: Authority,
    pub at: Mono,
    pub is_restoration: bool,
    pub is_shed: bool,
}

/// What the observer knows of an output: what it was told, what its device did, what was asked.
#[derive(Clone)]
pub struct Watched {
    pub told: Option<Wanted>,
    pub switched_at: Mono,
    pub confirmed_at: Mono,
    /// Its last switching was not confirmed yet.
    pub is_switching: bool,
    pub told_at: Mono,
    pub switches: Vec<Mono>,
    pub heard: Option<Heard>,
    /// `None`: it may have been cut or not.
    pub is_cut: Option<bool>,
    pub cut_at: Mono,
    pub is_stopped: bool,
    /// Who asked for it to be closed while it was, since it closed last.
    pub served: Vec<(u64, Authority)>,
    /// Who was served until its longest time was over, and may still ask.
    pub spent: Vec<(u64, Authority)>,
    pub physical: Option<Wanted>,
    pub left_closed: Mono,
    pub min_open: Span,
    pub counter: u64,
    pub device: Device,
}

/// What the guard must say in a step, and nothing else of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// A stage acted, and cut so many homes.
    Stage(u16, u32),
    Bulk(u32),
    EventOver,
    Futile,
    TimerRanOut(usize),
    EffectRetried,
    NoEffect,
    EffectBack,
}

impl News {
    pub fn of(event: &GuardEvent) -> Option<Self> {
        Some(match event {
            GuardEvent::StageActed { stage, loads, .. } => Self::Stage(*stage, *loads),
            GuardEvent::BulkActed { loads, .. } => Self::Bulk(*loads),
            GuardEvent::EventOver => Self::EventOver,
            GuardEvent::Futile => Self::Futile,
            GuardEvent::TimerRanOut { output } => Self::TimerRanOut(output.index()),
            GuardEvent::EffectRetried { .. } => Self::EffectRetried,
            GuardEvent::NoEffect { .. } => Self::NoEffect,
            GuardEvent::EffectBack { .. } => Self::EffectBack,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Default)]
pub struct LimitWatch {
    pub was_known: bool,
    pub acts: bool,
    pub is_soft: bool,
    pub since: Mono,
    /// Since when its condition holds.
    pub violated_since: Option<Mono>,
    /// It is clear and waits for a person.
    pub is_latched: bool,
}

pub struct Observer {
    pub seed: u64,
    pub now: Mono,
    pub started_at: Mono,
    /// The first step since then or under another set: from there on a limit waits for a partner that never says it left.
    pub claims_at: Mono,
    pub outputs: Vec<Watched>,
    /// Value and arrival of the points; `None` after news of a loss.
    pub points: [Option<(f64, Mono)>; POINTS],
    pub limits: [LimitWatch; 3],
    pub is_open: bool,
    pub renewed_at: Mono,
    pub restored_at: Option<Mono>,
    /// When ordinary shed requests were granted.
    pub sheds: Vec<Mono>,
    pub shed: ShedWatch,
    pub effect: EffectWatch,
    /// What this step must say.
    expected: Vec<News>,
}

impl Observer {
    pub fn new(seed: u64, now: Mono) -> Self {
        let watched = |index: usize| Watched {
            told: None,
            switched_at: now,
            confirmed_at: now,
            is_switching: false,
            told_at: now,
            switches: Vec::new(),
            heard: None,
            is_cut: HOMES.contains(&index).then_some(true),
            cut_at: now,
            is_stopped: false,
            served: Vec::new(),
            spent: Vec::new(),
            physical: None,
            left_closed: Mono::MAX,
            min_open: secs(4),
            counter: 0,
            device: Device::NEW,
        };
        Self {
            seed,
            now,
            started_at: now,
            claims_at: Mono::MAX,
            outputs: (0..OUTPUTS).map(watched).collect(),
            points: [None; POINTS],
            limits: [LimitWatch::default(); 3],
            is_open: false,
            renewed_at: Mono::ZERO,
            restored_at: None,
            sheds: Vec::new(),
            shed: ShedWatch::new(now),
            effect: EffectWatch::default(),
            expected: Vec::new(),
        }
    }

    pub fn safe(index: usize) -> Wanted {
        match index {
            CLINIC => CLOSED,
            BATTERY => level(0.0),
            _ => OPEN,
        }
    }

    pub fn at_start(index: usize) -> Wanted {
        if index == PUMP { CLOSED } else { Self::safe(index) }
    }

    pub fn expect(&mut self, news: News) {
        self.expected.push(news);
    }

    /// What was said in this step is what had to be said.
    pub fn check_news(&mut self, mut said: Vec<News>) {
        said.sort_unstable();
        self.expected.sort_unstable();
        assert_eq!(said, self.expected, "seed {}: said and expected at {:?}", self.seed, self.now);
        self.expected.clear();
    }

    /// A person starts anew everything that waits for one.
    pub fn reset_all(&mut self) {
        for index in 0..OUTPUTS {
            let was_stopped = std::mem::take(&mut self.outputs[index].is_stopped);
            self.reset_device(index, was_stopped);
        }
        self.shed.reset();
    }

    /// What a point is known to be. The panel that is dark and says nothing gives nothing.
    pub fn known(&self, point: u32) -> Option<f64> {
        let is_dark = || self.read(SUN).is_some_and(|degrees| degrees < -2.0);
        self.read(point).or_else(|| (point == POWER && is_dark()).then_some(0.0))
    }

    fn read(&self, point: u32) -> Option<f64> {
        self.points[point as usize].filter(|(_, at)| self.now <= at.after(MAX_AGE)).map(|(value, _)| value)
    }

    /// DESIGN: a limit acts while violated, unknown is violated, it lets go at its `until`; before its inputs were good
    /// for the first time it waits for the grace of the start, and the first good reading ends what only ignorance began.
    pub fn watch_limits(&mut self) {
        for (index, (point, most)) in [(HOT, 50.0), (SMOKE, 50.0), (POWER, 5000.0)].into_iter().enumerate() {
            let known = self.known(point);
            let mut limit = self.limits[index];
            limit.was_known |= known.is_some();
            let is_violated = match known {
                Some(value) => value > most,
                None => limit.was_known || self.now >= self.started_at.after(GRACE),
            };
            limit.violated_since =
                is_violated.then(|| limit.violated_since.unwrap_or(self.now)).filter(|_| !limit.acts);
            let lasts = if index == 1 { LASTS } else { Span::ZERO };
            if limit.violated_since.is_some_and(|since| self.now >= since.after(lasts)) {
                (limit.acts, limit.is_soft, limit.since) = (true, !limit.was_known, self.now);
                limit.violated_since = None;
            }
            limit.is_soft &= !known.is_some_and(|value| value > most);
            let clears = known.is_some_and(|value| if index == 0 { value < 45.0 } else { value <= most });
            let was_ignorance = limit.is_soft && known.is_some_and(|value| value <= most);
            limit.is_latched = index == 1 && limit.acts && clears && !was_ignorance;
            if limit.acts && (was_ignorance || (clears && !limit.is_latched)) {
                (limit.acts, limit.is_soft) = (false, false);
            }
            self.limits[index] = limit;
        }
    }

    pub fn forced(&self, index: usize) -> Option<Wanted> {
        match index {
            MAINS if self.limits[0].acts => Some(CLOSED),
            CHARGER if self.limits[0].acts && self.now >= self.limits[0].since.after(AFTER) => Some(OPEN),
            BATTERY if self.limits[0].acts => Some(level(0.0)),
            CLINIC if self.limits[1].acts => Some(OPEN),
            PANEL if self.limits[2].acts => Some(OPEN),
            _ => None,
        }
    }

    /// What the program says now, if its word still holds.
    pub fn word(&self, index: usize) -> Option<Heard> {
        self.outputs[index].heard.filter(|_| self.now < self.word_until(index))
    }

    /// Until when the word for an output holds; where nobody spoke since the start, the time he had to do so.
    pub fn word_until(&self, index: usize) -> Mono {
        let Some(heard) = self.outputs[index].heard else { return self.started_at.after(LEASE) };
        let renewed = if self.is_open { self.renewed_at } else { heard.at };
        heard.at.max(renewed).after(LEASE)
    }

    /// Whether silence must have made it safe by now.
    pub fn is_silenced(&self, index: usize) -> bool {
        let stays = if index == FAN { SILENCE } else { Span::ZERO };
        self.now >= self.word_until(index).after(stays)
    }

    /// What the temperature leaves of the setpoint on each side, W.
    pub fn cap(&self) -> (f64, f64) {
        let share = match self.known(HOT) {
            None => return (f64::MIN, f64::MAX),
            Some(at) if at <= CURVE[0].0 => CURVE[0].1,
            Some(at) if at >= CURVE[2].0 => CURVE[2].1,
            Some(at) => {
                let ((x0, y0), (x1, y1)) =
                    if at < CURVE[1].0 { (CURVE[0], CURVE[1]) } else { (CURVE[1], CURVE[2]) };
                y0 + (y1 - y0) * (at - x0) / (x1 - x0)
            }
        };
        (-1000.0 * share / 100.0 - 1e-6, 2000.0 * share / 100.0 + 1e-6)
    }

    /// Whether the temperature leaves so much.
    pub fn is_within_cap(&self, wanted: Wanted) -> bool {
        let (least, most) = self.cap();
        matches!(wanted, Wanted::Level(value) if value.get() >= least && value.get() <= most)
    }

    pub fn is_starting(&self, index: usize) -> bool {
        let knows = match index {
            MAINS | CHARGER | BATTERY => self.limits[0].was_known,
            CLINIC => self.limits[1].was_known,
            PANEL => self.limits[2].was_known,
            _ => true,
        };
        !knows || (self.now < self.started_at.after(LEASE) && self.outputs[index].heard.is_none())
    }

    /// Whether the design lets this happen at once.
    pub fn acts_at_once(&self, index: usize, wanted: Wanted) -> bool {
        let watched = &self.outputs[index];
        if self.forced(index) == Some(wanted) {
            return true;
        }
        let to_safe = wanted == Self::safe(index);
        let is_crowded = self.partner(index).is_some_and(|partner| self.keeps_others_open(partner));
        let makes_way = is_crowded || (index == GENSET && self.limits[0].acts);
        let is_load = HOMES.contains(&index);
        (to_safe && (self.word(index).is_none() || watched.is_stopped || self.is_spent(index) || makes_way))
            || (self.is_starting(index) && wanted == Self::at_start(index))
            || (is_load && wanted == OPEN && (self.shed.to_cut > 0 || watched.is_cut == Some(true)))
    }

    /// The other one of those that are never closed together.
    pub fn partner(&self, index: usize) -> Option<usize> {
        let other = |(one, other): &(usize, usize)| match index {
            _ if index == *one => Some(*other),
            _ if index == *other => Some(*one),
            _ => None,
        };
        PAIRS.iter().find_map(other)
    }

    pub fn fail(&self, index: usize, wanted: Wanted, why: &str) -> ! {
        let watched = &self.outputs[index];
        panic!(
            "seed {}: output {index} told {wanted:?} at {:?}: {why}; told before {:?} at {:?}, word {:?}, limits {:?}",
            self.seed,
            self.now,
            watched.told,
            watched.switched_at,
            self.word(index).map(|heard| heard.wanted),
            self.limits.map(|limit| limit.acts),
        )
    }

    pub fn check_permit(&mut self, index: usize, wanted: Wanted) {
        self.check_value(index, wanted);
        self.check_reason(index, wanted);
        let watched = self.outputs[index].clone();
        let now = self.now;
        let safe = Self::safe(index);
        let before = watched.told.unwrap_or(safe);
        let engaged = |wanted: Wanted| if index == BATTERY { wanted != safe } else { wanted == CLOSED };
        let switches = engaged(before) != engaged(wanted);
        let at_once = self.acts_at_once(index, wanted);
        if let Some(forced) = self.forced(index)
            && wanted != forced
            && !(index == MAINS && self.waits_for_genset())
        {
            self.fail(index, wanted, "against a limit");
        }
        if watched.is_stopped && self.forced(index).is_none() && wanted != safe {
            self.fail(index, wanted, "against a person's now");
        }
        if index == CLINIC && wanted == OPEN && self.forced(index) != Some(OPEN) {
            self.fail(index, wanted, "on the never list");
        }
        if switches && !at_once {
            self.check_asked(index, wanted, before, &watched);
        }
        if HOMES.contains(&index) && wanted == CLOSED && before == OPEN {
            self.check_restoration(index, &watched);
        }
        if index == BATTERY {
            self.check_ramp(before, wanted, &watched);
            self.check_interval(before, wanted, at_once, &watched);
        }
        if before == CLOSED && wanted == OPEN {
            self.check_cut(index, at_once);
        }
        let watched = &mut self.outputs[index];
        if switches {
            (watched.switched_at, watched.is_switching) = (now, true);
            watched.switches.push(now);
        }
        if watched.told != Some(wanted) {
            watched.told_at = now;
        }
        watched.told = Some(wanted);
        if HOMES.contains(&index) {
            self.note_cut(index, wanted, before, at_once);
        }
    }

    pub fn note_cut(&mut self, index: usize, wanted: Wanted, before: Wanted, at_once: bool) {
        let asked = self.word(index).map(|heard| heard.wanted);
        let now = self.now;
        let watched = &mut self.outputs[index];
        if wanted == CLOSED {
            watched.is_cut = Some(false);
        } else if before == CLOSED {
            watched.cut_at = now;
            watched.is_cut = match (at_once, asked) {
                (true, Some(OPEN)) => None,
                (true, _) => {
                    if watched.is_stopped {
                        None
                    } else {
                        Some(true)
                    }
                }
                (false, _) => Some(false),
            };
        }
    }

    pub fn check_value(&self, index: usize, wanted: Wanted) {
        let fits = match wanted {
            Wanted::Contact(_) => index != BATTERY,
            Wanted::Level(value) => {
                let value = value.get();
                let steps = |from: f64| ((value - from) / 10.0).fract() == 0.0;
                let inside = (-1000.0..=-200.0).contains(&value) && steps(-1000.0)
                    || value == 0.0
                    || (200.0..=2000.0).contains(&value) && steps(200.0);
                index == BATTERY && inside
            }
        };
        if !fits {
            self.fail(index, wanted, "not a value it may take");
        }
    }

    pub fn check_asked(&self, index: usize, wanted: Wanted, before: Wanted, watched: &Watched) {
        let Some(heard) = self.word(index) else { self.fail(index, wanted, "nobody asks") };
        let asks = if index == BATTERY {
            heard.wanted != level(0.0) || wanted == level(0.0)
        } else {
            heard.wanted == wanted
        };
        // Nobody but a limit opens the clinic: who asks for open gets closed.
        let is_clinic = index == CLINIC && wanted == CLOSED;
        // What had its longest time keeps nothing closed, also where somebody else closed it.
        let is_over = wanted == OPEN && watched.is_spent(heard.request);
        if !(asks || is_clinic || is_over) {
            self.fail(index, wanted, "asked otherwise");
        }
        let is_timed = TIMED.contains(&index);
        let shortest = match (is_timed, before) {
            (true, CLOSED) => secs(5),
            (true, _) => watched.min_open,
            _ => Span::ZERO,
        };
        if self.now < watched.switched_at.max(watched.confirmed_at).after(shortest) {
            self.fail(index, wanted, "too early");
        }
        if is_timed && wanted == CLOSED {
            for (count, per) in [(4, secs(60)), (12, secs(600))] {
                let spent = watched.switches.iter().filter(|at| at.after(per) > self.now).count();
                if spent >= count {
                    self.fail(index, wanted, "no switchings left");
                }
            }
            if watched.is_spent(heard.request) {
                self.fail(index, wanted, "its longest time was over and the request has not ended");
            }
        }
    }

    pub fn check_restoration(&mut self, index: usize, watched: &Watched) {
        let Some(heard) = self.word(index) else { self.fail(index, CLOSED, "a load without a word") };
        if watched.is_cut != Some(true) && !heard.is_restoration {
            return;
        }
        if self.agreed().is_none_or(|hertz| hertz <= 49.8) {
            self.fail(index, CLOSED, "given back into a low or unknown frequency");
        }
        if self.restored_at.is_some_and(|at| self.now < at.after(ONE_PER)) {
            self.fail(index, CLOSED, "given back before its turn");
        }
        if watched.is_cut == Some(true) && !(heard.is_restoration && heard.at >= watched.cut_at) {
            self.fail(index, CLOSED, "given back without being asked to");
        }
        self.restored_at = Some(self.now);
    }

    pub fn check_ramp(&self, before: Wanted, wanted: Wanted, watched: &Watched) {
        let (Wanted::Level(before), Wanted::Level(wanted_level)) = (before, wanted) else { return };
        let (from, to) = (before.get(), wanted_level.get());
        let start = if from * to < 0.0 { 0.0 } else { from.abs() };
        // The line is followed in whole steps of 10 W: one may be made up for.
        let allowed = RATE * self.now.since(watched.told_at).secs_f64() + 10.0 + 1e-6;
        if to.abs() - start > allowed {
            self.fail(BATTERY, wanted, "steeper than its ramp");
        }
    }

    /// What is asked comes one after the other; what the temperature takes away is taken at once.
    pub fn check_interval(&self, before: Wanted, wanted: Wanted, at_once: bool, watched: &Watched) {
        if !self.is_within_cap(wanted) {
            self.fail(BATTERY, wanted, "more than the temperature leaves");
        }
        let is_asked = !at_once && self.is_within_cap(before) && watched.told.is_some();
        if wanted != before && is_asked && self.now < watched.told_at.after(INTERVAL) {
            self.fail(BATTERY, wanted, "before its shortest interval was over");
        }
    }

    /// Ordinary shed requests keep to the cap, and stop where shedding did not help.
    fn check_cut(&mut self, index: usize, at_once: bool) {
        if at_once || self.word(index).is_none_or(|heard| !heard.is_shed) {
            return;
        }
        if self.shed.is_futile {
            self.fail(index, OPEN, "shed although it does not help");
        }
        self.sheds.retain(|at| at.after(CAP_PER) > self.now);
        if self.sheds.len() >= CAP {
            self.fail(index, OPEN, "shed beyond the cap");
        }
        self.judge_request();
        self.sheds.push(self.now);
    }

    /// A limit waits for the partner to leave and for the dead time. A guard that starts does not know whether it left.
    pub fn waits_for_genset(&self) -> bool {
        let genset = &self.outputs[GENSET];
        let left = genset.left_closed.max(genset.confirmed_at).max(genset.device.settled_at);
        let since = self.limits[0].since.max(self.claims_at);
        self.now < since.after(DEAD_TIME) || self.now < left.after(DEAD_TIME)
    }

    /// What must be so whenever the guard has nothing left to do at this moment.
    pub fn check_rest(&mut self) {
        self.check_devices();
        self.check_heater();
        for index in 0..OUTPUTS {
            let Some(told) = self.outputs[index].told else { continue };
            let forced = self.forced(index);
            if let Some(forced) = forced {
                if told != forced && !(index == MAINS && self.waits_for_genset()) {
                    self.fail(index, told, "a limit did not act");
                }
                continue;
            }
            let safe = Self::safe(index);
            if self.outputs[index].is_stopped && told != safe {
                self.fail(index, told, "now did not act");
            }
            if !self.is_starting(index) && self.is_silenced(index) && told != safe {
                self.fail(index, told, "silence did not act");
            }
            if index == BATTERY && !self.is_within_cap(told) {
                self.fail(index, told, "the temperature did not act");
            }
            let is_early = self.now < self.started_at.after(LEASE) && self.outputs[index].heard.is_none();
            if is_early
                && !self.is_spent(index)
                && !self.outputs[index].is_stopped
                && told != Self::at_start(index)
            {
                self.fail(index, told, "not as it should be at the start");
            }
            if self.is_spent(index) {
                self.fail(index, told, "longer than its longest time");
            }
            if self.is_kept_by_spent(index) {
                self.fail(index, told, "kept closed by a request that had its longest time");
            }
        }
        // Both physically closed: only when a limit acted although the partner never confirmed.
        let (mains, genset) = (&self.outputs[MAINS], &self.outputs[GENSET]);
        let both = mains.physical == Some(CLOSED) && genset.physical == Some(CLOSED);
        if both && genset.told == Some(CLOSED) && mains.told == Some(CLOSED) {
            self.fail(GENSET, CLOSED, "both closed");
        }
        if both
            && genset.told == Some(OPEN)
            && !self.limits[0].acts
            && mains.told == Some(CLOSED)
            && mains.told_at < self.limits[0].since
            && mains.told_at > genset.told_at.max(genset.device.moved_at).after(secs(60))
        {
            self.fail(MAINS, CLOSED, "closed beside a partner that never left");
        }
    }

    pub fn check_interlock(&self, index: usize, wanted: Wanted) {
        let Some(partner) = self.partner(index) else { return };
        let is_move = self.outputs[index].told != Some(CLOSED);
        if wanted != CLOSED || !is_move || (index == MAINS && self.limits[0].acts) {
            return;
        }
        let other = &self.outputs[partner];
        if other.physical == Some(CLOSED) {
            self.fail(index, wanted, "beside its partner");
        }
        if self.now < other.left_closed.after(DEAD_TIME) {
            self.fail(index, wanted, "within the dead time");
        }
    }
}
