//! The arrangement: the guard, devices that fail, a program that talks nonsense, an observer.
#![allow(unreachable_pub, reason = "part of a test")]
#![allow(clippy::panic, clippy::expect_used, reason = "a failing test is its own message")]

use super::hand::EffectWatch;
use super::observer::*;
use super::site::*;
use super::weather::Weather;
use crate::kit::*;
use ballast_guard::{
    Door, Guard, GuardEvent, Input, OperatorCommand, Output, Redeem, ResetWhat, State, Who, digest,
};
use ballast_model::frame::{Frame, Message};
use ballast_model::time::{Gap, Utc, Wall};
use ballast_model::{Authority, Intent, Mono, OutputId, Span};
use std::sync::Arc;

/// Random numbers that need no crate and are the same everywhere.
pub struct Dice(u64);
impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// The whole arrangement: guard, devices, a program that talks nonsense.
pub struct World {
    pub dice: Dice,
    pub site: Site,
    pub guard: Guard,
    pub observer: Observer,
    pub weather: Weather,
    pub doors: Vec<Door>,
    pub broken: Vec<bool>,
    pub waiting: Vec<Input>,
    pub out: Vec<Output>,
    pub session: u64,
    pub counter: u64,
    pub sequence: u64,
    pub next: Mono,
    stepped_at: Mono,
    pub permits: u64,
    /// Another guard that was made from what this one wrote down, and takes the same steps from there.
    mirror: Option<Guard>,
    /// Steps that the mirror took.
    pub mirrored: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let site = site();
        let now = Mono::from_millis(1_000_000);
        let guard = Guard::new(Arc::new(site.catalog.clone()), site.set.clone(), now);
        Self {
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            out: Vec::with_capacity(guard.output_capacity()),
            site,
            guard,
            observer: Observer::new(seed, now),
            weather: Weather::default(),
            doors: (0..OUTPUTS as u32).map(|index| Door::new(OutputId(index))).collect(),
            broken: vec![false; OUTPUTS],
            waiting: Vec::new(),
            session: 0,
            counter: 0,
            sequence: 0,
            next: Mono::MAX,
            stepped_at: Mono::ZERO,
            permits: 0,
            mirror: None,
            mirrored: 0,
        }
    }

    /// Makes the mirror, as another process does.
    fn look_into_the_mirror(&mut self) {
        let text = serde_json::to_string(&self.guard.written()).expect("a state can be written");
        let state: State = serde_json::from_str(&text).expect("and read");
        let at = state.saved_at;
        let mut mirror = Guard::new(Arc::new(self.site.catalog.clone()), self.guard.safety_set().clone(), at);
        mirror.restore(state, Gap::SameBoot(Span::ZERO), at, at);
        self.mirror = Some(mirror);
    }

    /// The mirror says what the guard said.
    fn mirror_step(&mut self, now: Mono, inputs: &[Input]) {
        let Some(mirror) = &mut self.mirror else { return };
        let mut out = Vec::with_capacity(self.guard.output_capacity());
        mirror.step(now, inputs, &mut out);
        let seed = self.observer.seed;
        let (is_same, said) = (digest(&out) == digest(&self.out), &self.out);
        assert!(
            is_same,
            "seed {seed}: at {now:?} given {inputs:?}\nthe mirror said {out:?}\nthe guard {said:?}"
        );
        self.mirrored += 1;
    }

    pub fn frame(&mut self, message: Message) -> Input {
        self.counter += 1;
        Input::Frame(Frame { session: self.session, counter: self.counter, lease_ms: 90_000, message })
    }

    pub fn turn(&mut self) {
        self.pass_time();
        let roll = self.dice.roll(400);
        if roll == 0 {
            self.restart();
        }
        let mut inputs = self.answers();
        match roll {
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
                self.observer.reset_all();
                for limit in self.observer.limits.iter_mut().filter(|limit| limit.is_latched) {
                    (limit.acts, limit.is_latched) = (false, false);
                }
            }
            46..56 => {
                let index = self.dice.roll(OUTPUTS as u64) as usize;
                self.broken[index] = !self.broken[index];
            }
            90..100 => {
                let output = OutputId(self.dice.roll(OUTPUTS as u64) as u32);
                let is_there = self.dice.one_in(2);
                inputs.push(Input::Reach { output, is_there });
                if !is_there {
                    self.observer.outputs[output.index()].device.leave();
                }
            }
            100..110 => inputs.push(self.wall()),
            56..90 => self.broken.iter_mut().for_each(|broken| *broken = false),
            _ => {}
        }
        self.speak(&mut inputs);
        self.move_by_hand(&mut inputs);
        self.measure(&mut inputs);
        self.step(&inputs);
    }

    pub fn pass_time(&mut self) {
        let ahead = match self.dice.roll(20) {
            0 => ms(0),
            1..15 => ms(self.dice.roll(300)),
            15..19 => ms(self.dice.roll(2_000)),
            _ => ms(self.dice.roll(9_000)),
        };
        let goal = self.observer.now.after(ahead);
        if self.dice.one_in(400) {
            // Asleep itself, or frozen: no wake-up is kept.
            self.observer.now = goal.after(ms(60_000 + self.dice.roll(260_000_000)));
            return;
        }
        if self.dice.one_in(60) {
            // Held up: the wake-ups on the way come late, but before the program's word ends.
            self.observer.now = goal;
            return;
        }
        // Every wake-up on the way is kept.
        for _ in 0..200 {
            let next = self.next.min(self.observer.next_revert());
            if next > goal && self.waiting.is_empty() {
                break;
            }
            if self.waiting.is_empty() {
                self.observer.now = next.max(self.observer.now);
            }
            let inputs = self.answers();
            self.step(&inputs);
        }
        self.observer.now = goal.max(self.observer.now);
    }

    /// The guard decides nothing by the wall clock, wherever it jumps.
    fn wall(&mut self) -> Input {
        let utc = Utc::from_millis(self.dice.roll(4_000_000_000_000) as i64 - 1_000_000_000_000);
        Input::Wall(Wall { at: self.observer.now, utc, trusted: self.dice.one_in(2) })
    }

    pub fn end_session(&mut self) {
        let observer = &mut self.observer;
        if std::mem::replace(&mut observer.is_open, false) {
            // What a renewal lent stays lent.
            let renewed = observer.renewed_at;
            let heard = observer.outputs.iter_mut().filter_map(|watched| watched.heard.as_mut());
            heard.for_each(|heard| heard.at = heard.at.max(renewed));
        }
    }

    pub fn speak(&mut self, inputs: &mut Vec<Input>) {
        if !self.observer.is_open && self.dice.one_in(3) {
            self.end_session();
            self.session = self.observer.now.nanos().max(self.session + 1);
            self.counter = 0;
            let tables = self.guard.table_hash();
            inputs.push(self.frame(Message::Hello { tables }));
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

    pub fn ask(&mut self, index: usize, inputs: &mut Vec<Input>) {
        let wanted = match index {
            BATTERY => level(self.dice.roll(4_000) as f64 - 1_500.0),
            _ if self.dice.one_in(2) => OPEN,
            _ => CLOSED,
        };
        let request = 1 + self.dice.roll(6);
        let is_restoration = HOMES.contains(&index) && !self.dice.one_in(3);
        let authority = match self.dice.roll(8) {
            0 => Authority::Operator,
            // Of the others nobody could say whether it was this or their partner or their longest time that opened them.
            1 if self.observer.partner(index).is_none() && !TIMED.contains(&index) => Authority::Shed,
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
        let is_shed = authority == Authority::Shed;
        let at = self.observer.now;
        self.observer.hear_request(index, Heard { wanted, request, authority, at, is_restoration, is_shed });
    }

    /// What the devices say since the last step: whether a write reached them, and that their own timer ran out.
    fn answers(&mut self) -> Vec<Input> {
        let mut inputs = std::mem::take(&mut self.waiting);
        for input in &inputs {
            if let Input::Written { output, counter, ok: true } = input {
                let now = self.observer.now;
                let watched = &mut self.observer.outputs[output.index()];
                if *counter == watched.counter && std::mem::take(&mut watched.is_switching) {
                    watched.confirmed_at = now;
                }
                if *counter == watched.counter && !watched.device.is_settled {
                    (watched.device.is_settled, watched.device.settled_at) = (true, now);
                    watched.device.heard_at.get_or_insert(now);
                }
                if watched.physical == Some(OPEN) && watched.left_closed == Mono::MAX {
                    watched.left_closed = now;
                }
            }
        }
        for (index, _) in RENEWED {
            let safe = Observer::safe(index);
            if self.observer.now < self.observer.outputs[index].device.reverts_at {
                continue;
            }
            if self.broken[index] {
                self.observer.put(index, safe);
            } else {
                inputs.push(Input::Actual { output: OutputId(index as u32), actual: safe });
                self.observer.hear_device(index, safe);
            }
        }
        inputs
    }

    pub fn step(&mut self, inputs: &[Input]) {
        self.observer.claims_at = self.observer.claims_at.min(self.observer.now);
        self.observer.watch_limits();
        self.observer.watch_frequency();
        self.observer.watch_effect();
        self.observer.watch_devices();
        let was_spent: Vec<bool> = (0..OUTPUTS).map(|index| self.observer.is_spent(index)).collect();
        // A clock that goes back counts as one that stands still.
        let stands_still = std::mem::replace(&mut self.stepped_at, self.observer.now) == self.observer.now;
        let goes_back = stands_still && self.dice.one_in(4);
        let back = if goes_back { ms(self.dice.roll(100_000)) } else { Span::ZERO };
        if self.dice.one_in(100) {
            self.look_into_the_mirror();
        }
        self.guard.step(self.observer.now.before(back), inputs, &mut self.out);
        self.mirror_step(self.observer.now.before(back), inputs);
        self.next = Mono::MAX;
        let (mut said, mut cut) = (Vec::new(), 0);
        let session = self.guard.session();
        for output in std::mem::take(&mut self.out).drain(..) {
            match output {
                Output::Permit(permit) => {
                    let (index, counter, wanted) =
                        (permit.output().index(), permit.counter(), permit.wanted());
                    self.permits += 1;
                    assert!(permit.valid_until() <= self.observer.now.after(LEASE), "valid beyond the lease");
                    let was_closed = self.observer.outputs[index].told == Some(CLOSED);
                    cut += usize::from(HOMES.contains(&index) && wanted == OPEN && was_closed);
                    self.observer.check_interlock(index, wanted);
                    self.observer.check_permit(index, wanted);
                    let watched = &mut self.observer.outputs[index];
                    if was_closed != (wanted == CLOSED) {
                        let served = std::mem::take(&mut watched.served);
                        if was_spent[index] {
                            watched.spent.extend(served);
                        }
                    }
                    self.observer.outputs[index].counter = counter;
                    self.doors[index].enter_session(session);
                    let redeemed = self.doors[index].redeem(permit, self.observer.now);
                    let ok = match redeemed {
                        Ok(_) => !self.broken[index],
                        Err(stale) => panic!("seed {}: a fresh permit is stale: {stale}", self.observer.seed),
                    };
                    if ok {
                        self.observer.put(index, wanted);
                    }
                    self.waiting.push(Input::Written { output: OutputId(index as u32), counter, ok });
                }
                Output::WakeAt(moment) => self.next = moment,
                Output::Verdict(_) => {}
                Output::Event(GuardEvent::OutsideChange { output, told, actual }) => {
                    self.observer.hear_outside(output.index(), told, actual, &self.guard);
                }
                Output::Event(GuardEvent::NotCorrected { output }) => {
                    self.observer.hear_not_corrected(output.index());
                }
                Output::Event(event) => said.extend(News::of(&event)),
            }
        }
        self.observer.watch_served();
        self.observer.check_news(said);
        // Who lets the word for one output run out has been silent: he must begin anew.
        let is_silent = |index: usize| {
            let observer = &self.observer;
            observer.outputs[index].heard.is_some() && observer.now >= observer.word_until(index)
        };
        if self.observer.is_open && (0..OUTPUTS).any(is_silent) {
            self.end_session();
        }
        let to_cut = self.observer.shed.to_cut;
        assert!(cut >= to_cut, "seed {}: {cut} of {to_cut} homes cut", self.observer.seed);
        self.out = Vec::with_capacity(self.guard.output_capacity());
        if self.next > self.observer.now {
            self.observer.check_rest();
        }
    }

    /// The guard's process dies and another one takes over what was saved.
    pub fn restart(&mut self) {
        let saved_at = self.observer.now;
        let state = self.guard.save();
        let (written, copied) = (serde_json::to_string(&self.guard.written()), serde_json::to_string(&state));
        assert!(written.ok() == copied.ok(), "seed {}: what is written is not the state", self.observer.seed);
        let most = if self.dice.one_in(5) { 200_000_000 } else { 20_000 };
        let length = ms(1 + self.dice.roll(most));
        let gap = match self.dice.roll(3) {
            0 => Gap::SameBoot(length),
            1 => Gap::OtherBoot(length),
            _ => Gap::Unknown,
        };
        // The moments of the other boot are moved, so that the observer's clock simply runs on.
        let now = if gap == Gap::Unknown { saved_at } else { saved_at.after(length) };
        self.guard = Guard::new(Arc::new(self.site.catalog.clone()), self.guard.safety_set().clone(), now);
        self.guard.restore(state, gap, saved_at, now);
        self.mirror = None;
        let observer = &mut self.observer;
        observer.now = now;
        (observer.started_at, observer.claims_at) = (now, Mono::MAX);
        observer.is_open = false;
        let is_cut = gap.is_power_cut();
        if is_cut {
            observer.points = [None; POINTS];
        }
        for (index, watched) in observer.outputs.iter_mut().enumerate() {
            watched.heard = None;
            watched.device = watched.device.restarted();
            if is_cut {
                (watched.switched_at, watched.confirmed_at, watched.is_switching) = (now, now, false);
                if watched.told.is_some() {
                    watched.told = Some(Observer::safe(index));
                }
                watched.told_at = now;
                watched.served.clear();
                (watched.physical, watched.left_closed) = (None, Mono::MAX);
                watched.device.reverts_at = Mono::MAX;
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
        observer.shed = observer.shed.restarted(now);
        observer.effect = EffectWatch::default();
        // What was on its way to the guard that is gone is lost.
        self.waiting.clear();
        self.next = now;
    }

    /// Another safety set arrives: what it tightens counts at once, what it loosens does not.
    pub fn reload(&mut self) {
        let mut site = self.site.clone();
        site.set.fingerprint = 2 + self.dice.roll(1_000);
        let mut is_tighter = false;
        for index in TIMED {
            let min_open = secs(1 + self.dice.roll(8));
            site.envelope(OutputId(index as u32)).min_open = min_open;
            let watched = &mut self.observer.outputs[index];
            is_tighter |= min_open > watched.min_open;
            watched.min_open = watched.min_open.max(min_open);
        }
        let before = self.guard.fingerprint();
        let now = self.observer.now;
        for guard in std::iter::once(&mut self.guard).chain(&mut self.mirror) {
            guard.replace(Arc::new(site.catalog.clone()), site.set.clone(), false, now);
        }
        // What tightens is in force under the old fingerprint, while the rest waits.
        if is_tighter || self.guard.fingerprint() != before {
            // Nobody knows under another set how long it was clear, what was about to be judged, and who waited for whom.
            (self.observer.shed.clear_since, self.observer.shed.judge) = (None, None);
            self.observer.claims_at = Mono::MAX;
        }
        self.next = self.observer.now;
    }
}
