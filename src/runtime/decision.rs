//! The decision thread: news in, engine and guard in turn, permits out.
//!
//! It waits on one channel with a deadline, and everything it does between two waits is one *turn*: engine and guard step
//! one after the other, each getting what the other said, until neither has anything more to say. A simulation makes the
//! same turns on a made-up clock.

mod made_up;

use super::carrier::{Carrier, Handed};
use super::inputs::one_step;
use super::message::{Message, Occasion, TakeOver};
use super::state::Pace;
use super::timed::Timed;
use super::{
    around, farewell, guard_process, misheard, questions, reload, saving, shadowing, telling, trial,
};
use crate::control::protocol::Answer;
use crate::metrics::Figures;
use crate::site::{Running, Texts};
use ballast_drivers::{Batch, Report, WriteResult};
use ballast_engine::{Engine, Input as EngineInput, Output as EngineOutput};
use ballast_guard::{Input as GuardInput, Output as GuardOutput};
use ballast_model::catalog::Facet;
use ballast_model::{Finite, Mono, OutputId, PointId, Quality, Sample, Span, Value, Wanted};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use tokio::sync::oneshot;

/// Rounds of engine and guard in one turn; a rest is done in the next turn, which comes at once.
const ROUNDS_MAX: usize = 32;
/// Messages taken in one turn; the rest wait for the next.
const MESSAGES_MAX: usize = 64;
/// Readings after which a turn takes no further message: few enough that those of one point do not pile up in the engine,
/// which makes one of too many.
const READINGS_MAX: usize = 1024;
/// The wall clock is compared this often, and may drift this far before the machines are told.
const WALL_PERIOD: Span = Span::from_secs(1);
const WALL_DRIFT_MS: u64 = 500;
/// The height of the sun is told this often: it moves a quarter of a degree in a minute.
const SUN_PERIOD: Span = Span::from_secs(60);

/// Memory is given back this long after a set began to run: the first second has its own work.
const GIVE_BACK_AFTER: Span = Span::from_secs(2);
/// Entries of a buffer that are kept when memory is given back: those of a usual step.
const BUFFER_KEPT: usize = 64;

/// What the thread does after a turn.
pub enum After {
    /// Goes on.
    GoOn,
    /// Another thread waits to take over.
    HandOver(Box<TakeOver>),
    /// The program ends.
    Stop,
}

/// Engine, guard and everything around them, on one thread.
pub struct Decision {
    /// The machine that decides.
    pub engine: Engine<Timed>,
    /// What it runs.
    pub running: Arc<Running>,
    /// What goes on over a reload.
    pub carrier: Carrier,
    /// Numbers for the metrics.
    pub figures: Figures,
    pub(super) pace: Pace,
    /// Answers that wait for the next save.
    pub(super) unkept: Vec<saving::Unkept>,
    pub(super) memory: telling::Memory,
    /// Another set runs, or another safety set is in force: the journal begins anew.
    pub(super) checkpoint_due: bool,
    /// The session with the guard ended since nothing was renewed in time.
    has_lapsed: bool,
    /// When the memory that building this set took is given back; `None`: it was.
    give_back_due: Option<Mono>,
    engine_in: Vec<EngineInput>,
    engine_out: Vec<EngineOutput>,
    guard_in: Vec<GuardInput>,
    guard_out: Vec<GuardOutput>,
    /// What the machines said in this round, and when; told after its permits.
    said: Vec<(Mono, telling::Said)>,
    is_mute: bool,
    /// Points in the step that is being put together.
    guard_seen: Vec<PointId>,
    engine_wake: Mono,
    guard_wake: Mono,
    wall_due: Mono,
    sun_due: Mono,
    sun_sequence: u64,
    /// Points that the engine makes and the guard looks at (the capacity that giving back must leave free), with what the
    /// guard was told of them in this session; `None`: nothing yet.
    shared: Vec<(PointId, Option<Option<Value>>)>,
    batch: Batch,
    pub(super) scribe: saving::Scribe,
}

impl Decision {
    /// Puts the parts together; the first turn says hello to the guard.
    pub fn new(engine: Engine<Timed>, running: Arc<Running>, carrier: Carrier, now: Mono) -> Self {
        let memory = telling::Memory::new(&running, &engine, &carrier.guard);
        let guard_out = Vec::with_capacity(carrier.guard.output_capacity());
        let figures = Figures::new(&running, !carrier.ring.is_off());
        Self {
            engine,
            running,
            figures,
            memory,
            checkpoint_due: true,
            has_lapsed: false,
            give_back_due: Some(now.after(GIVE_BACK_AFTER)),
            pace: if carrier.ring.is_off() { Pace::off(now) } else { Pace::new(now) },
            unkept: Vec::new(),
            engine_in: Vec::new(),
            engine_out: Vec::new(),
            guard_in: Vec::new(),
            guard_out,
            said: Vec::new(),
            is_mute: false,
            guard_seen: Vec::new(),
            engine_wake: now,
            guard_wake: now,
            wall_due: now,
            sun_due: now,
            sun_sequence: 0,
            shared: Vec::new(),
            batch: Batch::default(),
            scribe: saving::Scribe::default(),
            carrier,
        }
    }

    /// Begins a session with the guard: hello, and every intent anew.
    pub fn greet(&mut self) {
        let hello = self.carrier.link.hello(self.carrier.guard.table_hash());
        self.frame(hello);
        self.shared = self.carrier.guard.reported().iter().map(|point| (*point, None)).collect();
        for intent in self.engine.intents().collect::<Vec<_>>() {
            let frame = self.carrier.link.intent(intent);
            self.frame(frame);
        }
    }

    /// Runs until another thread takes over or the program ends; gives back what there is to close.
    pub fn run(mut self) -> Option<Carrier> {
        loop {
            let patience = self.carrier.field.patience(&self.carrier.clock, self.next_wake());
            let first = match self.carrier.inbox.recv_timeout(patience) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Some(self.carrier),
            };
            let mut waiting = first;
            let mut taken = 0;
            while let Some(message) = waiting {
                match self.take(message) {
                    After::GoOn => {}
                    After::HandOver(take_over) => {
                        let handed = self.handed(take_over.texts, take_over.occasion, take_over.reply);
                        let mut carrier = self.carrier;
                        carrier.handed = Some(handed);
                        match take_over.to.send(Box::new(carrier)) {
                            Ok(()) => return None,
                            // The builder is gone: this thread goes on as if nothing had been said.
                            Err(unsent) => {
                                self.carrier = *unsent.0;
                                self.carrier.handed = None;
                            }
                        }
                    }
                    After::Stop => {
                        self.finish();
                        return Some(self.carrier);
                    }
                }
                taken += 1;
                let has_room = taken < MESSAGES_MAX && self.engine_in.len() < READINGS_MAX;
                waiting = if has_room { self.carrier.inbox.try_recv().ok() } else { None };
            }
            self.go_on();
        }
    }

    /// What this set leaves to the next one, now.
    fn handed(&self, texts: Texts, occasion: Occasion, reply: Option<oneshot::Sender<Answer>>) -> Handed {
        Handed {
            state: self.engine.save().into_owned(),
            at: self.carrier.clock.now(),
            running: Arc::clone(&self.running),
            texts,
            occasion,
            reply,
        }
    }

    /// Once the first answers are out, what building this set took is given back.
    fn give_back(&mut self, now: Mono) {
        if self.give_back_due.is_some_and(|due| due <= now) {
            self.give_back_due = None;
            self.give_back_buffers();
            ballast_allocator::give_back();
        }
    }

    /// The first step speaks of every point and every output, which no later step does: its buffers would keep that room
    /// for ever. What still waits in one stays.
    fn give_back_buffers(&mut self) {
        self.engine_in.shrink_to(BUFFER_KEPT);
        self.engine_out.shrink_to(BUFFER_KEPT);
        self.guard_in.shrink_to(BUFFER_KEPT);
        self.said.shrink_to(BUFFER_KEPT);
        if self.guard_out.is_empty() {
            // The guard is promised this room, since it never asks for any; what was not written to takes no memory.
            let room = self.guard_out.capacity();
            self.guard_out = Vec::new();
            self.guard_out = Vec::with_capacity(room);
        }
    }

    /// When the next turn is due at the latest.
    pub fn next_wake(&self) -> Mono {
        self.engine_wake
            .min(if self.carrier.process.is_none() { self.guard_wake } else { Mono::MAX })
            .min(self.carrier.link.next())
            .min(self.pace.next())
            .min(self.wall_due)
            .min(trial::next(self))
    }

    fn take(&mut self, message: Message) -> After {
        match message {
            Message::Field { epoch, bus, batch } => {
                if epoch == self.carrier.epoch {
                    self.hear(&bus, &batch);
                }
                After::GoOn
            }
            Message::Ask { who, question, reply } => {
                questions::answer(self, who, question, reply);
                After::GoOn
            }
            Message::Alive(reply) => {
                // Whoever asked may have given up.
                let _ = reply.send(());
                After::GoOn
            }
            Message::Scrape(reply) => {
                // A scraper that went away does not matter.
                let _ = reply.send(crate::metrics::scrape(self));
                After::GoOn
            }
            Message::Inquire(inquiry) => {
                crate::egress::inquiry::answer(self, *inquiry);
                After::GoOn
            }
            Message::FilesChanged(still) => {
                reload::files_changed(self, still);
                After::GoOn
            }
            Message::BuildFailed(failed) => {
                reload::failed(self, *failed);
                After::GoOn
            }
            Message::Guard(news) => guard_process::hear(self, *news),
            Message::TakeOver(take_over) => match guard_process::ask(self, *take_over) {
                Some(take_over) => reload::hand_over(self, take_over),
                None => After::GoOn,
            },
            Message::Shadow(news) => shadowing::news(self, *news),
            Message::Stop => After::Stop,
        }
    }

    /// Takes what a bus tells.
    pub fn hear(&mut self, bus: &str, batch: &Batch) {
        self.carrier.shadows.hear(batch);
        for sample in &batch.samples {
            self.hear_sample(*sample);
        }
        for report in &batch.reports {
            match report {
                Report::Link { is_up, text, .. } => telling::link(self, bus, *is_up, text),
                Report::Misheard { .. } | Report::Unclear { .. } => misheard::hear(self, bus, report),
                Report::Written { output, counter, result, .. } => {
                    let ok = *result == WriteResult::Done;
                    self.tell_guard(GuardInput::Written { output: *output, counter: *counter, ok });
                }
                Report::Actual { output, actual, quality, at } => {
                    self.hear_actual(*output, *actual, *quality, *at);
                }
                Report::Reach { output, is_there, .. } => {
                    self.tell_guard(GuardInput::Reach { output: *output, is_there: *is_there });
                }
                Report::WallClock { utc, at } => around::device_clock(self, *utc, *at),
            }
        }
    }

    fn hear_sample(&mut self, sample: Sample) {
        if self.carrier.guard.reads(sample.point) {
            self.tell_guard(GuardInput::Sample(sample));
        }
        self.engine_in.push(EngineInput::Sample(sample));
    }

    fn hear_actual(&mut self, output: OutputId, actual: Option<Wanted>, quality: Quality, at: Mono) {
        if let (Some(actual), true) = (actual, quality.is_good()) {
            self.tell_guard(GuardInput::Actual { output, actual });
        }
        let Some(spec) = self.running.catalog().output(output) else { return };
        let point = spec.facet(Facet::Actual);
        let sequence = self.memory.next_actual(output, at);
        let value = actual.map(Wanted::value);
        self.engine_in.push(EngineInput::Sample(Sample {
            point,
            value,
            quality,
            source: None,
            arrival: at,
            sequence,
        }));
    }

    /// Gives the engine a command in the next turn.
    pub fn command(&mut self, command: ballast_engine::Command) {
        self.carrier.shadows.command(&command);
        self.engine_in.push(EngineInput::Command(command));
    }

    /// Gives the guard a person's word in the next turn.
    pub fn guard_command(&mut self, who: &str, command: ballast_guard::OperatorCommand) {
        let who = ballast_guard::Who::new(who);
        self.carrier.shadows.guard_command(&who, command);
        self.tell_guard(GuardInput::Operator { who, command });
    }

    /// One turn: everything that waits is decided and carried out.
    ///
    /// Every round has its own moment: two readings of one point that came in one message are two moments for a rule, not
    /// a rule that ended as it started.
    pub fn turn(&mut self, now: Mono) {
        saving::checkpoint(self, now);
        self.carrier.heartbeat.beat(now);
        self.tell_time(now);
        for _ in 0..ROUNDS_MAX {
            let now = self.carrier.clock.now();
            if !self.engine_in.is_empty() || self.engine_wake <= now {
                self.step_engine(now);
                self.share(now);
            }
            if let Some(frame) = self.carrier.link.renew(now) {
                self.frame(frame);
            }
            if self.has_guard_work(now) {
                self.step_guard(now);
            }
            self.tell_all();
            if std::mem::take(&mut self.has_lapsed) {
                self.session_anew();
            }
            if !self.batch.is_empty() {
                let batch = std::mem::take(&mut self.batch);
                self.hear("", &batch);
            }
            let is_quiet = self.engine_in.is_empty() && !self.has_guard_work(now);
            if is_quiet && self.engine_wake > now {
                break;
            }
        }
        telling::settle(self, now);
        saving::dump_on_alarm(self, now);
        if self.pace.next() <= now {
            saving::save(self, now);
        }
        trial::watch(self, now);
    }

    /// One turn, of which nothing is told before `first` has told what it is about.
    pub(super) fn turn_after(&mut self, now: Mono, first: impl FnOnce(&mut Self)) {
        self.is_mute = true;
        self.turn(now);
        first(self);
        self.is_mute = false;
        self.tell_all();
    }

    /// Whether a guard in this program has something to do.
    fn has_guard_work(&self, now: Mono) -> bool {
        self.carrier.process.is_none() && (!self.guard_in.is_empty() || self.guard_wake <= now)
    }

    /// Tells what the machines said. The permits are on their way by now: a relay does not wait for sentences.
    fn tell_all(&mut self) {
        if self.is_mute {
            return;
        }
        let mut all = std::mem::take(&mut self.said);
        for (at, said) in all.drain(..) {
            telling::said(self, at, said);
        }
        self.said = all;
    }

    fn step_engine(&mut self, now: Mono) {
        let began = self.figures.begins();
        let inputs = std::mem::take(&mut self.engine_in);
        self.scribe.engine(&mut self.carrier.ring, now, &inputs);
        self.engine.step(now, &inputs, &mut self.engine_out);
        self.engine_in = inputs;
        self.engine_in.clear();
        self.figures.engine_step(began);
        let mut out = std::mem::take(&mut self.engine_out);
        self.scribe.engine_said(&mut self.carrier.ring, now, &out);
        for said in out.drain(..) {
            match said {
                EngineOutput::Intent(intent) => {
                    let frame = self.carrier.link.intent(intent);
                    self.frame(frame);
                }
                EngineOutput::Event(event) => self.said.push((now, telling::Said::Engine(event))),
                EngineOutput::WakeAt(wake) => self.engine_wake = wake,
            }
        }
        self.engine_out = out;
    }

    /// Steps the guard with everything that waits; a second reading of one point waits for a step of its own.
    fn step_guard(&mut self, now: Mono) {
        let mut inputs = std::mem::take(&mut self.guard_in);
        let mut rest = inputs.as_slice();
        loop {
            let (first, more) = rest.split_at(one_step(rest, &mut self.guard_seen));
            self.step_guard_once(now, first);
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        inputs.clear();
        // What came up meanwhile stays; the buffer is kept for its room.
        inputs.append(&mut self.guard_in);
        self.guard_in = inputs;
    }

    fn step_guard_once(&mut self, now: Mono, inputs: &[GuardInput]) {
        let began = self.figures.begins();
        self.scribe.guard(&mut self.carrier.ring, now, inputs);
        self.carrier.guard.step(now, inputs, &mut self.guard_out);
        self.figures.guard_step(began);
        let mut out = std::mem::take(&mut self.guard_out);
        // A guard without a deadline names none: without this the last one would be due for ever.
        self.guard_wake = if out.len() < out.capacity() { Mono::MAX } else { now };
        self.scribe.guard_said(&mut self.carrier.ring, now, &out);
        for said in out.drain(..) {
            match said {
                GuardOutput::Permit(permit) => self.carrier.field.apply(permit, now, &mut self.batch),
                GuardOutput::Verdict(verdict) => {
                    self.said.push((now, telling::Said::Verdict(verdict)));
                    self.engine_in.push(EngineInput::Verdict(verdict));
                }
                GuardOutput::Event(event) => self.said.push((now, telling::Said::Guard(event))),
                GuardOutput::WakeAt(wake) => self.guard_wake = wake,
            }
        }
        self.guard_out = out;
    }

    /// Tells the guard what the engine made of the points that both look at.
    fn share(&mut self, now: Mono) {
        let mut shared = std::mem::take(&mut self.shared);
        for (point, told) in &mut shared {
            let known = self.engine.snapshot().known(*point, now);
            if *told != Some(known) {
                *told = Some(known);
                let frame = self.carrier.link.reading(*point, known);
                self.frame(frame);
            }
        }
        self.shared = shared;
    }

    /// Tells a guard in this program what happened. One that is a process of its own sees for itself.
    fn tell_guard(&mut self, input: GuardInput) {
        if self.carrier.process.is_none() {
            self.guard_in.push(input);
        }
    }

    /// The guard heard nothing for too long and listens no more: everything is said anew.
    pub(super) fn session_lapsed(&mut self) {
        self.has_lapsed = true;
    }

    /// A new session with the guard.
    pub(super) fn session_anew(&mut self) {
        self.carrier.link = super::opening::new_link(&self.carrier.clock, &self.running);
        self.guard_out = Vec::with_capacity(self.carrier.guard.output_capacity());
        self.greet();
    }

    /// The last frame of a session.
    pub(super) fn say_goodbye(&mut self) {
        let bye = self.carrier.link.bye();
        self.frame(bye);
    }

    /// What the engine is told in the next turn.
    pub(super) fn engine_hears(&mut self, input: EngineInput) {
        self.engine_in.push(input);
    }

    /// What a machine said at a moment, to be told in this turn.
    pub(super) fn heard(&mut self, at: Mono, said: telling::Said) {
        self.said.push((at, said));
    }

    /// The mirror of a guard elsewhere takes a step of it; what it says is given out.
    pub(super) fn mirror(&mut self, now: Mono, inputs: &[GuardInput]) -> Vec<GuardOutput> {
        let began = self.figures.begins();
        self.scribe.guard(&mut self.carrier.ring, now, inputs);
        self.carrier.guard.step(now, inputs, &mut self.guard_out);
        self.figures.guard_step(began);
        self.scribe.guard_said(&mut self.carrier.ring, now, &self.guard_out);
        std::mem::take(&mut self.guard_out)
    }

    /// The buffer of [`Decision::mirror`], emptied.
    pub(super) fn take_back(&mut self, out: Vec<GuardOutput>) {
        self.guard_out = out;
    }

    /// Hands a frame to the guard. A frame that cannot be read back breaks the link, as it would on a socket.
    fn frame(&mut self, frame: Result<ballast_model::frame::Frame, ballast_model::frame::FrameError>) {
        if let Some(process) = &self.carrier.process {
            // One that cannot be made is not sent; the guard sees that its number is missing.
            frame.iter().for_each(|frame| process.send(frame));
            return;
        }
        self.guard_in.push(match frame {
            Ok(frame) => GuardInput::Frame(frame),
            Err(_) => GuardInput::LinkClosed,
        });
    }

    /// Tells both machines when the wall clock was set or its trust changed, and where the sun stands.
    fn tell_time(&mut self, now: Mono) {
        if now < self.wall_due {
            return;
        }
        self.wall_due = now.after(self.wall_period());
        around::disk(self, now);
        let wall = self.carrier.clock.wall();
        crate::egress::watch(self, now, &wall);
        let known = self.carrier.wall;
        let drift = wall.utc.millis().abs_diff(known.utc_untrusted(wall.at).millis());
        if wall.trusted != known.trusted || drift > WALL_DRIFT_MS {
            around::wall(self, now, known, wall, drift);
            self.carrier.wall = wall;
            self.engine_in.push(EngineInput::Wall(wall));
            self.tell_guard(GuardInput::Wall(wall));
            self.sun_due = now;
        }
        if now >= self.sun_due {
            self.sun_due = now.after(SUN_PERIOD);
            self.tell_sun(now);
        }
    }

    fn tell_sun(&mut self, now: Mono) {
        let Some(point) = self.running.sun() else { return };
        let place = self.running.catalog().place;
        let height = self.carrier.wall.utc(now).zip(place);
        let height = height.map(|(utc, place)| ballast_model::almanac::sun_elevation_deg(place, utc));
        let Some(height) = height.and_then(Finite::new) else { return };
        self.sun_sequence += 1;
        self.hear_sample(Sample::good(point, Value::Number(height), now, self.sun_sequence));
    }

    /// Steps the guard alone, where it has something to do: the engine says nothing any more.
    pub(super) fn step_guard_alone(&mut self, input: Option<GuardInput>) {
        self.guard_in.extend(input);
        let now = self.carrier.clock.now();
        if self.has_guard_work(now) {
            self.step_guard(now);
        }
        self.tell_all();
        let batch = std::mem::take(&mut self.batch);
        self.hear("", &batch);
        self.engine_in.clear();
    }

    /// The last turn: says good-bye by falling silent, and saves.
    fn finish(&mut self) {
        farewell::make_safe(self);
        let now = self.carrier.clock.now();
        saving::save_last(self, now);
        self.carrier.heartbeat.end(now);
    }
}
