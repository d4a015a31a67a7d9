//! The program's side: the engine, its end of the link, and what it says on it.

use super::post::{Parcel, To};
use super::site::{Set, SetName, Shared};
use super::tally::Fault;
use super::watch::program::ProgramWatch;
use super::{Storm, one_step};
use crate::runtime::link::Link;
use ballast_engine::{Engine, Input, Output};
use ballast_model::frame::{FRAME_BYTES, Frame, FrameError, fnv1a};
use ballast_model::time::Gap;
use ballast_model::{Mono, PointId, Span, Value};

/// The shortest lease of the site: as its file says nothing, that of a local relay.
const LEASE: Span = Span::from_secs(3);
/// Steps of a machine at one moment before it counts as one that never comes to rest.
pub(super) const ROUNDS_MAX: usize = 2_000;
/// Steps that a twin takes.
pub(super) const TWIN_STEPS: u32 = 400;

/// The program.
#[derive(Debug)]
pub(super) struct Program {
    /// `None` while it does not run.
    pub(super) engine: Option<Engine<Shared>>,
    pub(super) set: Set,
    pub(super) name: SetName,
    pub(super) life: u32,
    /// When it starts, if it does not run.
    pub(super) starts_at: Mono,
    pub(super) frozen_until: Mono,
    pub(super) inputs: Vec<Input>,
    pub(super) wake: Mono,
    link: Link,
    /// The session of the link; `None` while nobody listens.
    session: Option<u64>,
    pub(super) greets_at: Mono,
    /// Points that the engine makes and the guard looks at, with what was told of them in this session.
    shared: Vec<(PointId, Option<Option<Value>>)>,
    twin: Option<(Engine<Shared>, u32)>,
    pub(super) watch: ProgramWatch,
    out: Vec<Output>,
}

/// What the wire does to frames.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire {
    /// So many frames from now on are lost, come twice, are damaged.
    pub(super) lose: u64,
    pub(super) repeat: u64,
    pub(super) damage: u64,
    pub(super) slow_until: Mono,
    pub(super) cut_until: Mono,
    last: Mono,
}

impl Program {
    /// One that begins now and remembers nothing.
    pub(super) fn new(set: Set, name: SetName, now: Mono) -> Self {
        let engine = set.engine(now);
        let mut watch = ProgramWatch::new(now);
        watch.runs(&set, name.rules, now);
        Self {
            engine: Some(engine),
            set,
            name,
            life: 1,
            starts_at: Mono::MAX,
            frozen_until: Mono::ZERO,
            inputs: Vec::new(),
            wake: now,
            link: Link::new(0, LEASE),
            session: None,
            greets_at: now,
            shared: Vec::new(),
            twin: None,
            watch,
            out: Vec::new(),
        }
    }

    /// When it has something to do.
    pub(super) fn next(&self) -> Mono {
        if self.engine.is_none() {
            return self.starts_at;
        }
        let link = if self.session.is_some() { self.link.next() } else { self.greets_at };
        let wake = if self.inputs.is_empty() { self.wake } else { Mono::ZERO };
        wake.min(link).max(self.frozen_until)
    }

    /// Nobody listens to it any more: it says hello again after a pause.
    pub(super) fn hang_up(&mut self, greets_at: Mono) {
        self.session = None;
        self.greets_at = greets_at;
    }

    /// Its drivers, link and twin begin anew with its process.
    pub(super) fn reborn(&mut self, now: Mono) {
        self.life += 1;
        self.inputs.clear();
        self.twin = None;
        self.wake = now;
        self.hang_up(now);
    }

    /// Takes up another engine.
    pub(super) fn takes(&mut self, engine: Engine<Shared>, now: Mono) {
        (self.engine, self.twin, self.wake) = (Some(engine), None, now);
        self.hang_up(now);
    }
}

impl Storm<'_> {
    /// Everything that the program has to do now.
    pub(super) fn run_program(&mut self) {
        let now = self.now;
        if self.program.engine.is_none() || now < self.program.frozen_until {
            return;
        }
        for round in 0.. {
            let has_work = !self.program.inputs.is_empty() || self.program.wake <= now;
            if !has_work {
                break;
            }
            if round > ROUNDS_MAX {
                return self.broken("the engine does not come to rest".to_owned());
            }
            self.step_engine();
        }
        if self.program.session.is_none() && self.program.greets_at <= now {
            self.greet();
        }
        self.share();
        if self.program.session.is_some()
            && let Some(frame) = self.program.link.renew(now)
        {
            self.frame(frame);
        }
    }

    fn step_engine(&mut self) {
        let now = self.now;
        let mut inputs = std::mem::take(&mut self.program.inputs);
        let rest = inputs.split_off(one_step(&inputs, reading_of));
        let program = &mut self.program;
        let Some(engine) = &mut program.engine else { return };
        program.watch.hear(now, &inputs, &self.places);
        program.out.clear();
        engine.step(now, &inputs, &mut program.out);
        self.tally.engine_steps += 1;
        let mut is_same = true;
        program.twin = program.twin.take().and_then(|(mut twin, left)| {
            let mut out = Vec::with_capacity(program.out.len());
            twin.step(now, &inputs, &mut out);
            self.tally.twin_steps += 1;
            is_same = out == program.out;
            (left > 1).then_some((twin, left - 1))
        });
        program.inputs = rest;
        if !is_same {
            self.broken("an engine that was made from what another one saved says something else".to_owned());
        }
        let out = std::mem::take(&mut self.program.out);
        for said in &out {
            self.hear_engine(said);
        }
        self.program.out = out;
        if self.program.wake > now && self.program.inputs.is_empty() {
            let rest = self.program.watch.rest();
            self.hold(rest);
        }
    }

    fn hear_engine(&mut self, said: &Output) {
        match said {
            Output::WakeAt(wake) => {
                self.program.wake = *wake;
                self.mix(wake.nanos());
            }
            Output::Intent(intent) => {
                self.mix_text(&format!("{intent:?}"));
                if self.program.session.is_some() {
                    let frame = self.program.link.intent(*intent);
                    self.frame(frame);
                }
            }
            Output::Event(event) => {
                self.mix_text(&format!("{event:?}"));
                if self.program.watch.is_daily(event) {
                    self.set_back_after_an_event();
                }
                let event = self.program.watch.event(event);
                self.hold(event);
            }
        }
    }

    /// Makes an engine from what this one saves now, which takes the same steps from here on.
    pub(super) fn look_into_the_mirror(&mut self) {
        let now = self.now;
        let program = &mut self.program;
        if let Some(engine) = program.engine.as_ref().filter(|_| program.inputs.is_empty()) {
            let (state, at) = (engine.save(), engine.now());
            let twin = program.set.engine_from(&state, Gap::SameBoot(Span::ZERO), at, at.max(now));
            program.twin = twin.map(|twin| (twin, TWIN_STEPS));
        }
    }

    /// Begins a session: hello, what the guard must be told, and every intent anew.
    fn greet(&mut self) {
        let now = self.now;
        if now < self.wire.cut_until || self.guard.guard.is_none() || !self.guard.listens {
            self.program.greets_at = now.after(self.dice.millis(100, 600));
            return;
        }
        let session = now.nanos();
        self.program.link = Link::new(session, LEASE);
        self.program.session = Some(session);
        let (tables, reported) = match &self.guard.guard {
            Some(guard) => (guard.table_hash(), guard.reported().to_vec()),
            None => return,
        };
        self.program.shared = reported.into_iter().map(|point| (point, None)).collect();
        let hello = self.program.link.hello(tables);
        self.frame(hello);
        let intents: Vec<_> = self.program.engine.iter().flat_map(Engine::intents).collect();
        for intent in intents {
            let frame = self.program.link.intent(intent);
            self.frame(frame);
        }
    }

    /// Tells the guard what the engine made of the points that both look at.
    fn share(&mut self) {
        if self.program.session.is_none() {
            return;
        }
        let now = self.now;
        let mut shared = std::mem::take(&mut self.program.shared);
        for (point, told) in &mut shared {
            let known = self.program.engine.as_ref().and_then(|engine| engine.snapshot().known(*point, now));
            if *told != Some(known) {
                *told = Some(known);
                let frame = self.program.link.reading(*point, known);
                self.frame(frame);
            }
        }
        self.program.shared = shared;
    }

    /// Puts a frame on the wire.
    fn frame(&mut self, frame: Result<Frame, FrameError>) {
        let Ok(frame) = frame else { return self.broken("a frame cannot be read back".to_owned()) };
        let now = self.now;
        let wire = &mut self.wire;
        if now < wire.cut_until {
            return;
        }
        if wire.lose > 0 {
            wire.lose -= 1;
            return self.tally.hit(Fault::FrameLost);
        }
        let is_slow = now < wire.slow_until;
        let delay = if is_slow {
            self.dice.millis(5, 2_500)
        } else {
            Span::from_nanos(50_000 + self.dice.roll(400_000))
        };
        if is_slow {
            self.tally.hit(Fault::LinkSlow);
        }
        let mut bytes = frame.encode();
        if wire.damage > 0 {
            wire.damage -= 1;
            let bit = self.dice.roll(FRAME_BYTES as u64 * 8);
            if let Some(byte) = bytes.get_mut((bit / 8) as usize) {
                *byte ^= 1 << (bit % 8);
            }
            self.tally.hit(Fault::FrameDamaged);
        }
        // A stream keeps its order.
        wire.last = wire.last.max(now.after(delay));
        let copies = if wire.repeat > 0 { 2 } else { 1 };
        for copy in 0..copies {
            self.post.send(wire.last, To::Guard(self.guard.life), Parcel::Frame(bytes));
            if copy > 0 {
                wire.repeat -= 1;
                self.tally.hit(Fault::FrameRepeated);
            }
        }
    }

    /// The guard listens no more to a session of the program.
    pub(super) fn closed(&mut self, session: u64) {
        if self.program.session == Some(session) {
            let pause = self.dice.millis(1, 500);
            self.program.hang_up(self.now.after(pause));
        }
    }

    /// The wire breaks: both ends notice.
    pub(super) fn cut_link(&mut self, until: Mono) {
        self.wire.cut_until = self.wire.cut_until.max(until);
        let at = self.now.after(self.dice.millis(1, 50));
        let closed = Parcel::Guard(ballast_guard::Input::LinkClosed);
        self.post.send(at, To::Guard(self.guard.life), closed);
        let greets_at = until.after(self.dice.millis(1, 400));
        self.program.hang_up(greets_at);
    }

    /// A number goes into the storm's hash.
    pub(super) fn mix(&mut self, number: u64) {
        self.hash = (self.hash.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    pub(super) fn mix_text(&mut self, text: &str) {
        self.mix(fnv1a(text.bytes()));
    }
}

/// The point of which an input is a reading.
fn reading_of(input: &Input) -> Option<PointId> {
    if let Input::Sample(sample) = input { Some(sample.point) } else { None }
}
