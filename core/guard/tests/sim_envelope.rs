//! Random requests, faults, reloads and restarts against an observer that was written from the text of the design and
//! knows nothing of the guard's inside: no permit ever leaves an envelope, and what acts at once has acted.
//!
//! `BALLAST_SIM_STEPS=1000000 cargo test --release -p ballast-guard --test sim_envelope` runs the million steps; without
//! it 60 000 are made. A failure prints the seed; `BALLAST_SIM_SEED=n` runs that seed alone.

mod kit;
use ballast_guard::plan::{OutsideChange, Stage, SwitchBudget};
use ballast_guard::{Door, Guard, Input, OperatorCommand, Output, Redeem, ResetWhat, Who};
use ballast_model::frame::{Frame, Message};
use ballast_model::sample::{Reason, Sample, Value};
use ballast_model::time::Gap;
use ballast_model::{Authority, Intent, Mono, OutputId, PointId, Span, Wanted};
use kit::*;
use std::sync::Arc;

const MAINS: usize = 0; // forced closed when hot; interlocked with GENSET
const CHARGER: usize = 1; // forced open when hot
const GENSET: usize = 2;
const PUMP: usize = 3; // closed at start, minimum times, budget, longest time
const CLINIC: usize = 4; // never shed; safe closed; opened by smoke alone
const FAN: usize = 5; // moved by hand now and then
const HOMES: std::ops::Range<usize> = 6..12;
const BATTERY: usize = 12; // a setpoint with a ramp, forced to 0 when hot
const OUTPUTS: usize = 13;

const HOT: u32 = 0;
const SMOKE: u32 = 1;
const HERTZ: u32 = 2;
const LEASE: Span = Span::from_secs(3);
const DEAD_TIME: Span = Span::from_secs(2);
const GRACE: Span = Span::from_secs(10);
const ONE_PER: Span = Span::from_secs(10);
const MAX_AGE: Span = Span::from_secs(20);
const RATE: f64 = 200.0;

fn site() -> Site {
    let mut site = Site::new();
    for (name, unit) in [("battery.temperature", "°C"), ("smoke.level", "%"), ("feeder.frequency", "Hz")] {
        site.point(name, unit, Some(MAX_AGE));
    }
    let ids: Vec<OutputId> = (0..BATTERY).map(|index| site.contact(&format!("o{index}"))).collect();
    let battery = site.setpoint("battery.charge", &[(-1000.0, -200.0), (0.0, 0.0), (200.0, 2000.0)]);
    site.level(battery).step = Some(num(10.0));
    site.level(battery).ramp_away = Some(num(RATE));
    for index in [CHARGER, GENSET, PUMP] {
        let envelope = site.envelope(ids[index]);
        (envelope.min_closed, envelope.min_open) = (secs(5), secs(4));
        envelope.max_switches =
            vec![SwitchBudget { count: 4, per: secs(60) }, SwitchBudget { count: 12, per: secs(600) }];
        envelope.max_closed = Some(secs(40));
    }
    site.envelope(ids[PUMP]).at_start = CLOSED;
    let clinic = site.envelope(ids[CLINIC]);
    (clinic.safe, clinic.default, clinic.at_start) = (CLOSED, CLOSED, CLOSED);
    site.envelope(ids[FAN]).outside_change = OutsideChange::Correct(2);
    let hot = above("battery.temperature", "50 °C");
    site.limit("hot", &hot, &[(ids[MAINS], CLOSED), (ids[CHARGER], OPEN), (battery, level(0.0))]);
    site.until(0, &below("battery.temperature", "45 °C"), Span::ZERO);
    site.limit("smoke", &above("smoke.level", "50 %"), &[(ids[CLINIC], OPEN)]);
    site.interlock(&[ids[MAINS], ids[GENSET]], DEAD_TIME);
    let rows: Vec<(OutputId, &str, f64)> = HOMES.map(|index| (ids[index], "homes", 1000.0)).collect();
    let shedding = site.shedding(&[PointId(HERTZ)], &rows);
    shedding.never = vec![ids[CLINIC]];
    shedding.stages =
        vec![Stage { below: num(49.5), hold: ms(60), share: num(30.0), from: vec!["homes".into()] }];
    site
}

/// Random numbers that need no crate and are the same everywhere.
struct Dice(u64);
impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// What the program last said about an output, as the observer heard it.
#[derive(Clone, Copy)]
struct Heard {
    wanted: Wanted,
    request: u64,
    at: Mono,
    is_restoration: bool,
}

/// What the observer knows of an output: what it was told, what its device did, what was asked.
#[derive(Clone)]
struct Watched {
    told: Option<Wanted>,
    switched_at: Mono,
    confirmed_at: Mono,
    told_at: Mono,
    switches: Vec<Mono>,
    heard: Option<Heard>,
    /// `None`: it may have been cut or not.
    is_cut: Option<bool>,
    cut_at: Mono,
    is_stopped: bool,
    spent: Option<u64>,
    physical: Option<Wanted>,
    left_closed: Mono,
    min_open: Span,
    counter: u64,
}

#[derive(Clone, Copy, Default)]
struct LimitWatch {
    was_known: bool,
    acts: bool,
    is_soft: bool,
    since: Mono,
}

struct Observer {
    seed: u64,
    now: Mono,
    started_at: Mono,
    outputs: Vec<Watched>,
    /// Value and arrival of the three points; `None` after news of a loss.
    points: [Option<(f64, Mono)>; 3],
    limits: [LimitWatch; 2],
    is_open: bool,
    renewed_at: Mono,
    restored_at: Option<Mono>,
    below_since: Option<Mono>,
}

impl Observer {
    fn safe(index: usize) -> Wanted {
        match index {
            CLINIC => CLOSED,
            BATTERY => level(0.0),
            _ => OPEN,
        }
    }

    fn at_start(index: usize) -> Wanted {
        if index == PUMP { CLOSED } else { Self::safe(index) }
    }

    fn known(&self, point: u32) -> Option<f64> {
        self.points[point as usize].filter(|(_, at)| self.now <= at.after(MAX_AGE)).map(|(value, _)| value)
    }

    /// DESIGN: a limit acts while violated, unknown is violated, it lets go at its `until`; before its inputs were good
    /// for the first time it waits for the grace of the start, and the first good reading ends what only ignorance began.
    fn watch_limits(&mut self) {
        for (index, (point, until)) in [(HOT, 45.0), (SMOKE, 50.0)].into_iter().enumerate() {
            let known = self.known(point);
            let mut limit = self.limits[index];
            limit.was_known |= known.is_some();
            let is_violated = match known {
                Some(value) => value > 50.0,
                None => limit.was_known || self.now >= self.started_at.after(GRACE),
            };
            if !limit.acts && is_violated {
                (limit.acts, limit.is_soft, limit.since) = (true, !limit.was_known, self.now);
            }
            limit.is_soft &= !known.is_some_and(|value| value > 50.0);
            let clears = known.is_some_and(|value| if index == 0 { value < until } else { value <= until });
            if limit.acts && (clears || (limit.is_soft && known.is_some_and(|value| value <= 50.0))) {
                (limit.acts, limit.is_soft) = (false, false);
            }
            self.limits[index] = limit;
        }
        match self.known(HERTZ) {
            Some(value) if value < 49.5 => {
                self.below_since.get_or_insert(self.now);
            }
            _ => self.below_since = None,
        }
    }

    fn forced(&self, index: usize) -> Option<Wanted> {
        match index {
            MAINS if self.limits[0].acts => Some(CLOSED),
            CHARGER if self.limits[0].acts => Some(OPEN),
            BATTERY if self.limits[0].acts => Some(level(0.0)),
            CLINIC if self.limits[1].acts => Some(OPEN),
            _ => None,
        }
    }

    /// What the program says now, if its word still holds.
    fn word(&self, index: usize) -> Option<Heard> {
        let heard = self.outputs[index].heard?;
        let renewed = if self.is_open { self.renewed_at } else { heard.at };
        (self.now < heard.at.max(renewed).after(LEASE)).then_some(heard)
    }

    fn is_starting(&self, index: usize) -> bool {
        let knows = match index {
            MAINS | CHARGER | BATTERY => self.limits[0].was_known,
            CLINIC => self.limits[1].was_known,
            _ => true,
        };
        !knows || (self.now < self.started_at.after(LEASE))
    }

    fn is_spent(&self, index: usize) -> bool {
        let watched = &self.outputs[index];
        let has_limit = [CHARGER, GENSET, PUMP].contains(&index);
        has_limit && watched.told == Some(CLOSED) && self.now >= watched.switched_at.after(secs(40))
    }

    /// Whether the design lets this happen at once.
    fn acts_at_once(&self, index: usize, wanted: Wanted) -> bool {
        let watched = &self.outputs[index];
        if self.forced(index) == Some(wanted) {
            return true;
        }
        let to_safe = wanted == Self::safe(index);
        let makes_way = index == GENSET && self.limits[0].acts;
        let is_load = HOMES.contains(&index);
        (to_safe && (self.word(index).is_none() || watched.is_stopped || self.is_spent(index) || makes_way))
            || (self.is_starting(index) && wanted == Self::at_start(index))
            || (is_load
                && wanted == OPEN
                && self.below_since.is_some_and(|since| self.now >= since.after(ms(60))))
    }

    fn fail(&self, index: usize, wanted: Wanted, why: &str) -> ! {
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

    fn check_permit(&mut self, index: usize, wanted: Wanted) {
        self.check_value(index, wanted);
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
        }
        let watched = &mut self.outputs[index];
        if switches {
            watched.switched_at = now;
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

    fn note_cut(&mut self, index: usize, wanted: Wanted, before: Wanted, at_once: bool) {
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

    fn check_value(&self, index: usize, wanted: Wanted) {
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

    fn check_asked(&self, index: usize, wanted: Wanted, before: Wanted, watched: &Watched) {
        let Some(heard) = self.word(index) else { self.fail(index, wanted, "nobody asks") };
        let asks = if index == BATTERY {
            heard.wanted != level(0.0) || wanted == level(0.0)
        } else {
            heard.wanted == wanted
        };
        // Nobody but a limit opens the clinic: who asks for open gets closed.
        if !asks && !(index == CLINIC && wanted == CLOSED) {
            self.fail(index, wanted, "asked otherwise");
        }
        let is_timed = [CHARGER, GENSET, PUMP].contains(&index);
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
            if watched.spent == Some(heard.request) {
                self.fail(index, wanted, "its longest time was over and the request has not ended");
            }
        }
    }

    fn check_restoration(&mut self, index: usize, watched: &Watched) {
        let Some(heard) = self.word(index) else { self.fail(index, CLOSED, "a load without a word") };
        if watched.is_cut != Some(true) && !heard.is_restoration {
            return;
        }
        if self.known(HERTZ).is_none_or(|hertz| hertz <= 49.8) {
            self.fail(index, CLOSED, "given back into a low or unknown frequency");
        }
        if self.restored_at.is_some_and(|at| self.now < at.after(ONE_PER)) {
            eprintln!(
                "DBG restored_at {:?} is_cut {:?} cut_at {:?} heard restoration {} at {:?}",
                self.restored_at, watched.is_cut, watched.cut_at, heard.is_restoration, heard.at
            );
            self.fail(index, CLOSED, "given back before its turn");
        }
        if watched.is_cut == Some(true) && !(heard.is_restoration && heard.at >= watched.cut_at) {
            self.fail(index, CLOSED, "given back without being asked to");
        }
        self.restored_at = Some(self.now);
    }

    fn check_ramp(&self, before: Wanted, wanted: Wanted, watched: &Watched) {
        let (Wanted::Level(before), Wanted::Level(wanted_level)) = (before, wanted) else { return };
        let (from, to) = (before.get(), wanted_level.get());
        let start = if from * to < 0.0 { 0.0 } else { from.abs() };
        // The line is followed in whole steps of 10 W: one may be made up for.
        let allowed = RATE * self.now.since(watched.told_at).secs_f64() + 10.0 + 1e-6;
        if to.abs() - start > allowed {
            self.fail(BATTERY, wanted, "steeper than its ramp");
        }
    }

    /// A limit waits for the partner to leave and for the dead time.
    fn waits_for_genset(&self) -> bool {
        let genset = &self.outputs[GENSET];
        let left = genset.left_closed.max(genset.confirmed_at);
        self.now < self.limits[0].since.after(DEAD_TIME) || self.now < left.after(DEAD_TIME)
    }

    /// What must be so whenever the guard has nothing left to do at this moment.
    fn check_rest(&mut self) {
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
            if !self.is_starting(index) && self.word(index).is_none() && told != safe {
                self.fail(index, told, "silence did not act");
            }
            if self.is_spent(index) {
                self.fail(index, told, "longer than its longest time");
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
            && mains.told_at > genset.told_at.after(secs(60))
        {
            self.fail(MAINS, CLOSED, "closed beside a partner that never left");
        }
    }

    fn check_interlock(&self, index: usize, wanted: Wanted) {
        let partner = match index {
            MAINS => GENSET,
            GENSET => MAINS,
            _ => return,
        };
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

/// The whole arrangement: guard, devices, a program that talks nonsense.
struct World {
    dice: Dice,
    site: Site,
    guard: Guard,
    observer: Observer,
    doors: Vec<Door>,
    broken: Vec<bool>,
    waiting: Vec<Input>,
    out: Vec<Output>,
    session: u64,
    counter: u64,
    sequence: u64,
    next: Mono,
    permits: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let site = site();
        let now = Mono::from_millis(1_000_000);
        let guard = Guard::new(Arc::new(site.catalog.clone()), site.set.clone(), now);
        let watched = |index: usize| Watched {
            told: None,
            switched_at: now,
            confirmed_at: now,
            told_at: now,
            switches: Vec::new(),
            heard: None,
            is_cut: HOMES.contains(&index).then_some(true),
            cut_at: now,
            is_stopped: false,
            spent: None,
            physical: None,
            left_closed: Mono::MAX,
            min_open: secs(4),
            counter: 0,
        };
        let observer = Observer {
            seed,
            now,
            started_at: now,
            outputs: (0..OUTPUTS).map(watched).collect(),
            points: [None; 3],
            limits: [LimitWatch::default(); 2],
            is_open: false,
            renewed_at: Mono::ZERO,
            restored_at: None,
            below_since: None,
        };
        Self {
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            out: Vec::with_capacity(guard.output_capacity()),
            site,
            guard,
            observer,
            doors: (0..OUTPUTS as u32).map(|index| Door::new(OutputId(index))).collect(),
            broken: vec![false; OUTPUTS],
            waiting: Vec::new(),
            session: 0,
            counter: 0,
            sequence: 0,
            next: Mono::MAX,
            permits: 0,
        }
    }

    fn frame(&mut self, message: Message) -> Input {
        self.counter += 1;
        Input::Frame(Frame { session: self.session, counter: self.counter, lease_ms: 90_000, message })
    }

    fn turn(&mut self) {
        self.pass_time();
        let mut inputs = std::mem::take(&mut self.waiting);
        let answered: Vec<Input> = inputs.clone();
        match self.dice.roll(400) {
            0 => self.restart(),
            1 => self.reload(),
            2..6 => {
                inputs.push(Input::LinkClosed);
                self.end_session();
            }
            6..14 => {
                let output = (!self.dice.one_in(3)).then(|| OutputId(self.dice.roll(OUTPUTS as u64) as u32));
                let command = OperatorCommand::Now(output);
                inputs.push(Input::Operator { who: Who::new("someone"), command });
                for (index, watched) in self.observer.outputs.iter_mut().enumerate() {
                    watched.is_stopped |= output.is_none_or(|output| output.index() == index);
                }
            }
            14..40 => {
                let command = OperatorCommand::Reset(ResetWhat::All);
                inputs.push(Input::Operator { who: Who::new("someone"), command });
                self.observer.outputs.iter_mut().for_each(|watched| watched.is_stopped = false);
            }
            40..46 => {
                let actual = if self.dice.one_in(2) { OPEN } else { CLOSED };
                inputs.push(Input::Actual { output: OutputId(FAN as u32), actual });
            }
            46..56 => {
                let index = self.dice.roll(OUTPUTS as u64) as usize;
                self.broken[index] = !self.broken[index];
            }
            56..90 => self.broken.iter_mut().for_each(|broken| *broken = false),
            _ => {}
        }
        // A restart forgets what was on its way to the guard that is gone.
        if self.session == u64::MAX {
            inputs.retain(|input| !answered.contains(input));
            self.session = 0;
        }
        self.speak(&mut inputs);
        self.measure(&mut inputs);
        self.step(&inputs);
    }

    fn pass_time(&mut self) {
        let ahead = match self.dice.roll(20) {
            0 => ms(0),
            1..15 => ms(self.dice.roll(300)),
            15..19 => ms(self.dice.roll(2_000)),
            _ => ms(self.dice.roll(9_000)),
        };
        let goal = self.observer.now.after(ahead);
        // Every wake-up on the way is kept.
        for _ in 0..200 {
            if self.next > goal && self.waiting.is_empty() {
                break;
            }
            if self.waiting.is_empty() {
                self.observer.now = self.next.max(self.observer.now);
            }
            let inputs = std::mem::take(&mut self.waiting);
            self.step(&inputs);
        }
        self.observer.now = goal.max(self.observer.now);
    }

    fn end_session(&mut self) {
        let observer = &mut self.observer;
        if std::mem::replace(&mut observer.is_open, false) {
            // What a renewal lent stays lent.
            let renewed = observer.renewed_at;
            let heard = observer.outputs.iter_mut().filter_map(|watched| watched.heard.as_mut());
            heard.for_each(|heard| heard.at = heard.at.max(renewed));
        }
    }

    fn speak(&mut self, inputs: &mut Vec<Input>) {
        if !self.observer.is_open && self.dice.one_in(3) {
            self.end_session();
            self.session = self.observer.now.nanos().max(self.session + 1);
            self.counter = 0;
            let outputs = self.guard.outputs_hash();
            inputs.push(self.frame(Message::Hello { outputs }));
            self.observer.is_open = true;
            self.observer.renewed_at = Mono::ZERO;
            // Only what was said in this session is renewed by it.
            self.observer.outputs.iter_mut().for_each(|watched| {
                if let Some(heard) = &watched.heard
                    && self.observer.now >= heard.at.after(LEASE)
                {
                    watched.heard = None;
                }
            });
            for index in 0..OUTPUTS {
                self.ask(index, inputs);
            }
        }
        if !self.observer.is_open {
            return;
        }
        for _ in 0..self.dice.roll(3) {
            let index = self.dice.roll(OUTPUTS as u64) as usize;
            self.ask(index, inputs);
        }
        if !self.dice.one_in(4) {
            inputs.push(self.frame(Message::Renew));
            self.observer.renewed_at = self.observer.now;
        }
        if self.dice.one_in(150) {
            self.counter += 1;
            inputs.push(self.frame(Message::Renew));
            self.end_session();
        }
    }

    fn ask(&mut self, index: usize, inputs: &mut Vec<Input>) {
        let wanted = match index {
            BATTERY => level(self.dice.roll(4_000) as f64 - 1_500.0),
            _ if self.dice.one_in(2) => OPEN,
            _ => CLOSED,
        };
        let request = 1 + self.dice.roll(6);
        let is_restoration = HOMES.contains(&index) && !self.dice.one_in(3);
        let authority = match self.dice.roll(8) {
            0 => Authority::Operator,
            1 => Authority::Shed,
            _ => Authority::Rule(50),
        };
        let output = OutputId(index as u32);
        inputs.push(self.frame(Message::Intent(Intent {
            output,
            wanted,
            authority,
            request,
            is_restoration,
        })));
        let heard = Heard { wanted, request, at: self.observer.now, is_restoration };
        self.observer.outputs[index].heard = Some(heard);
    }

    fn measure(&mut self, inputs: &mut Vec<Input>) {
        for point in 0..3_u32 {
            if !self.dice.one_in(4) {
                continue;
            }
            self.sequence += 1;
            let now = self.observer.now;
            if self.dice.one_in(40) {
                inputs.push(Input::Sample(Sample::bad(PointId(point), Reason::Offline, now, self.sequence)));
                self.observer.points[point as usize] = None;
                continue;
            }
            let value = match (point, self.dice.roll(30)) {
                (HERTZ, 0) => 49.4,
                (HERTZ, 1) => 49.75,
                (HERTZ, _) => 50.0,
                (_, 0) => 60.0,
                (_, 1) => 50.0,
                (_, 2) => 47.0,
                _ => 20.0,
            };
            inputs.push(Input::Sample(Sample::good(
                PointId(point),
                Value::Number(num(value)),
                now,
                self.sequence,
            )));
            self.observer.points[point as usize] = Some((value, now));
        }
    }

    fn step(&mut self, inputs: &[Input]) {
        for input in inputs {
            if let Input::Written { output, counter, ok: true } = input {
                let now = self.observer.now;
                let watched = &mut self.observer.outputs[output.index()];
                if *counter == watched.counter && watched.confirmed_at < watched.switched_at {
                    watched.confirmed_at = now;
                }
                if watched.physical == Some(OPEN) && watched.left_closed == Mono::MAX {
                    watched.left_closed = now;
                }
            }
        }
        self.observer.watch_limits();
        let before: Vec<Option<Wanted>> = self.observer.outputs.iter().map(|watched| watched.told).collect();
        let was_spent: Vec<bool> = (0..OUTPUTS).map(|index| self.observer.is_spent(index)).collect();
        self.guard.step(self.observer.now, inputs, &mut self.out);
        self.next = Mono::MAX;
        let session = self.guard.session();
        for output in std::mem::take(&mut self.out).drain(..) {
            match output {
                Output::Permit(permit) => {
                    let (index, counter, wanted) =
                        (permit.output().index(), permit.counter(), permit.wanted());
                    self.permits += 1;
                    assert!(permit.valid_until() <= self.observer.now.after(LEASE), "valid beyond the lease");
                    self.observer.check_interlock(index, wanted);
                    if was_spent[index] && wanted == OPEN && self.observer.forced(index).is_none() {
                        let request = self.observer.outputs[index].heard.map(|heard| heard.request);
                        self.observer.outputs[index].spent =
                            request.filter(|_| self.observer.word(index).is_some());
                    }
                    self.observer.check_permit(index, wanted);
                    self.observer.outputs[index].counter = counter;
                    self.doors[index].enter_session(session);
                    let redeemed = self.doors[index].redeem(permit, self.observer.now);
                    let ok = match redeemed {
                        Ok(_) => !self.broken[index],
                        Err(stale) => panic!("seed {}: a fresh permit is stale: {stale}", self.observer.seed),
                    };
                    if ok {
                        let watched = &mut self.observer.outputs[index];
                        if watched.physical == Some(CLOSED) && wanted == OPEN {
                            watched.left_closed = self.observer.now;
                        }
                        watched.physical = Some(wanted);
                    }
                    self.waiting.push(Input::Written { output: OutputId(index as u32), counter, ok });
                }
                Output::WakeAt(moment) => self.next = moment,
                Output::Verdict(v) if std::env::var("DBG").is_ok() => {
                    eprintln!("{:?} {v:?}", self.observer.now)
                }
                Output::Event(v) if std::env::var("DBG").is_ok() => {
                    eprintln!("{:?} {v:?}", self.observer.now)
                }
                Output::Verdict(_) | Output::Event(_) => {}
            }
        }
        self.out = Vec::with_capacity(self.guard.output_capacity());
        let _ = before;
        if self.next > self.observer.now {
            self.observer.check_rest();
        }
    }

    /// The guard's process dies and another one takes over what was saved.
    fn restart(&mut self) {
        let saved_at = self.observer.now;
        let state = self.guard.save();
        let length = ms(1 + self.dice.roll(20_000));
        let gap = match self.dice.roll(3) {
            0 => Gap::SameBoot(length),
            1 => Gap::OtherBoot(length),
            _ => Gap::Unknown,
        };
        // The moments of the other boot are moved, so that the observer's clock simply runs on.
        let now = if gap == Gap::Unknown { saved_at } else { saved_at.after(length) };
        self.guard = Guard::new(Arc::new(self.site.catalog.clone()), self.guard.safety_set().clone(), now);
        self.guard.restore(state, gap, saved_at, now);
        let observer = &mut self.observer;
        observer.now = now;
        observer.started_at = now;
        observer.is_open = false;
        let is_cut = gap.is_power_cut();
        if is_cut {
            observer.points = [None; 3];
        }
        for (index, watched) in observer.outputs.iter_mut().enumerate() {
            watched.heard = None;
            if is_cut {
                (watched.switched_at, watched.confirmed_at) = (now, now);
                if watched.told.is_some() {
                    watched.told = Some(Observer::safe(index));
                }
                watched.told_at = now;
                (watched.physical, watched.left_closed) = (None, Mono::MAX);
            }
            if HOMES.contains(&index) {
                watched.is_cut = Some(true);
                watched.cut_at = now;
            }
        }
        for limit in &mut observer.limits {
            *limit = if limit.acts && !limit.is_soft {
                LimitWatch { was_known: false, ..*limit }
            } else {
                LimitWatch::default()
            };
        }
        observer.below_since = None;
        self.session = u64::MAX;
        self.next = now;
        self.sequence += 1;
    }

    /// Another safety set arrives: what it tightens counts at once, what it loosens does not.
    fn reload(&mut self) {
        let mut site = self.site.clone();
        site.set.fingerprint = 2 + self.dice.roll(1_000);
        for index in [CHARGER, GENSET, PUMP] {
            let min_open = secs(1 + self.dice.roll(8));
            site.envelope(OutputId(index as u32)).min_open = min_open;
            let watched = &mut self.observer.outputs[index];
            watched.min_open = watched.min_open.max(min_open);
        }
        self.guard.replace(Arc::new(site.catalog.clone()), site.set.clone(), false, self.observer.now);
        self.next = self.observer.now;
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn no_permit_leaves_an_envelope() {
    const STEPS_PER_SEED: u64 = 2_000;
    let steps = number("BALLAST_SIM_STEPS").unwrap_or(60_000);
    let seeds = match number("BALLAST_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + steps.div_ceil(STEPS_PER_SEED),
    };
    let mut permits = 0;
    for seed in seeds.clone() {
        let mut world = World::new(seed);
        for _ in 0..STEPS_PER_SEED {
            world.turn();
        }
        permits += world.permits;
    }
    let turns = seeds.count() as u64 * STEPS_PER_SEED;
    assert!(permits > turns / 20, "{permits} permits in {turns} turns: the observer saw too little");
    println!("{turns} turns, {permits} permits");
}
