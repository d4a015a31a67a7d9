//! The guard's side: the guard, its drivers, and what it says to the program.

use super::post::{Parcel, To};
use super::program::{ROUNDS_MAX, TWIN_STEPS};
use super::site::{GENSET, MAINS, OUTPUTS, TIMER, output_name};
use super::tally::Fault;
use super::watch::moves::Seen;
use super::watch::{GuardWatch, Terms};
use super::{Storm, one_step};
use ballast_guard::{Guard, GuardEvent, Input, Output, Permit, State, digest};
use ballast_model::frame::{Frame, Message};
use ballast_model::time::Gap;
use ballast_model::{Mono, PointId, Span, Wanted};

/// The guard.
#[derive(Debug)]
pub(super) struct Shield {
    /// `None` while it does not run.
    pub(super) guard: Option<Guard>,
    pub(super) life: u32,
    pub(super) starts_at: Mono,
    pub(super) frozen_until: Mono,
    /// It was told to end, and does so then.
    pub(super) ends_at: Mono,
    /// It is killed then.
    pub(super) dies_at: Mono,
    /// It takes sessions.
    pub(super) listens: bool,
    pub(super) inputs: Vec<Input>,
    pub(super) wake: Mono,
    /// The safety sets in force, the wholly confirmed one first; the last one is that of the files.
    pub(super) stack: Vec<usize>,
    /// Since when it has run.
    pub(super) since: Mono,
    /// A person confirmed what waits.
    has_confirmed: bool,
    twin: Option<(Guard, u32)>,
    pub(super) watch: GuardWatch,
    out: Vec<Output>,
}

impl Shield {
    pub(super) fn new(guard: Guard, safety: usize, watch: GuardWatch, now: Mono) -> Self {
        let out = Vec::with_capacity(guard.output_capacity());
        Self {
            guard: Some(guard),
            life: 1,
            starts_at: Mono::MAX,
            frozen_until: Mono::ZERO,
            ends_at: Mono::MAX,
            dies_at: Mono::MAX,
            listens: true,
            inputs: Vec::new(),
            wake: now,
            stack: vec![safety],
            since: now,
            has_confirmed: false,
            twin: None,
            watch,
            out,
        }
    }

    /// When it has something to do.
    pub(super) fn next(&self) -> Mono {
        if self.guard.is_none() {
            return self.starts_at;
        }
        let wake = if self.inputs.is_empty() { self.wake } else { Mono::ZERO };
        wake.min(self.ends_at).max(self.frozen_until).min(self.dies_at)
    }

    /// Its drivers and its twin begin anew with its process.
    pub(super) fn reborn(&mut self, guard: Guard, watch: GuardWatch, now: Mono) {
        self.out = Vec::with_capacity(guard.output_capacity());
        self.guard = Some(guard);
        self.watch = watch;
        self.life += 1;
        self.inputs.clear();
        (self.twin, self.wake, self.since, self.listens) = (None, now, now, true);
        (self.starts_at, self.ends_at) = (Mono::MAX, Mono::MAX);
    }

    /// Another set came in.
    pub(super) fn replaced(&mut self, now: Mono) {
        (self.twin, self.wake) = (None, now);
        if let Some(guard) = &self.guard {
            self.out = Vec::with_capacity(guard.output_capacity());
        }
    }
}

impl Storm<'_> {
    /// Everything that the guard has to do now.
    pub(super) fn run_guard(&mut self) {
        let now = self.now;
        if self.guard.guard.is_none() || now < self.guard.frozen_until {
            return;
        }
        for round in 0.. {
            if self.guard.inputs.is_empty() && self.guard.wake > now {
                break;
            }
            if round > ROUNDS_MAX {
                return self.broken("the guard does not come to rest".to_owned());
            }
            self.step_guard();
        }
    }

    fn step_guard(&mut self) {
        let now = self.now;
        let mut inputs = std::mem::take(&mut self.guard.inputs);
        let rest = inputs.split_off(one_step(&inputs, reading_of));
        let shield = &mut self.guard;
        let Some(guard) = &mut shield.guard else { return };
        shield.watch.hear(now, &inputs, &self.places);
        guard.step(now, &inputs, &mut shield.out);
        self.tally.guard_steps += 1;
        let mut is_same = true;
        shield.twin = shield.twin.take().and_then(|(mut twin, left)| {
            let mut out = Vec::with_capacity(shield.out.capacity());
            twin.step(now, &inputs, &mut out);
            self.tally.twin_steps += 1;
            is_same = digest(&out) == digest(&shield.out);
            (left > 1).then_some((twin, left - 1))
        });
        shield.inputs = rest;
        // A guard without a deadline names none.
        shield.wake = if shield.out.len() < shield.out.capacity() { Mono::MAX } else { now };
        if !is_same {
            self.broken("a guard that was made from what another one saved says something else".to_owned());
        }
        let mut out = std::mem::take(&mut self.guard.out);
        for said in out.drain(..) {
            self.hear_guard(said);
        }
        self.guard.out = out;
        if std::mem::take(&mut self.guard.has_confirmed) {
            self.adopt_confirmed();
        }
        if self.guard.wake > now && self.guard.inputs.is_empty() {
            let rest = self.guard.watch.rest();
            self.hold(rest);
        }
    }

    fn hear_guard(&mut self, said: Output) {
        match said {
            Output::WakeAt(wake) => {
                self.guard.wake = wake;
                self.mix(wake.nanos());
            }
            Output::Permit(permit) => self.hear_permit(permit),
            Output::Verdict(verdict) => {
                self.mix_text(&format!("{verdict:?}"));
                self.tell_program(Parcel::Engine(ballast_engine::Input::Verdict(verdict)));
            }
            Output::Event(event) => {
                self.mix_text(&format!("{event:?}"));
                self.guard.watch.hear_event(&event, &self.places);
                self.hear_guard_event(&event);
            }
        }
    }

    fn hear_permit(&mut self, permit: Permit) {
        self.tally.permits += 1;
        self.mix_text(&format!("{:?}{:?}{:?}", permit.output(), permit.wanted(), permit.valid_until()));
        let output = self.places.ours(permit.output());
        let seen = Seen {
            output,
            wanted: permit.wanted(),
            counter: permit.counter(),
            valid_until: permit.valid_until(),
        };
        let judged = self.guard.watch.permit(&seen);
        self.hold(judged);
        if matches!(output, MAINS | GENSET) && seen.wanted == Wanted::CLOSED {
            self.kill_after_a_close();
        }
        let is_slow = self.devices.list.get(output).is_some_and(|device| self.now < device.slow_until);
        let delay = if is_slow { self.dice.millis(200, 5_000) } else { self.dice.millis(2, 40) };
        if is_slow {
            self.tally.hit(Fault::DeviceSlow);
        }
        self.post.send(self.now.after(delay), To::Guard(self.guard.life), Parcel::Write(permit));
    }

    fn hear_guard_event(&mut self, event: &GuardEvent) {
        match event {
            GuardEvent::SessionOpened { .. } => {
                let outputs = self.places.outputs;
                for verdict in outputs
                    .iter()
                    .filter_map(|output| self.guard.guard.as_ref()?.verdict(*output).copied())
                    .collect::<Vec<_>>()
                {
                    self.tell_program(Parcel::Engine(ballast_engine::Input::Verdict(verdict)));
                }
            }
            GuardEvent::SessionClosed { session, .. } | GuardEvent::FrameRefused { session, .. } => {
                self.tell_program(Parcel::Closed(*session));
            }
            GuardEvent::Confirmed { .. } => self.guard.has_confirmed = true,
            _ => {}
        }
    }

    /// Sends something to the program, if the link is there.
    fn tell_program(&mut self, parcel: Parcel) {
        if self.now < self.wire.cut_until || self.program.engine.is_none() {
            return;
        }
        let is_slow = self.now < self.wire.slow_until;
        let delay = if is_slow {
            self.dice.millis(5, 1_500)
        } else {
            Span::from_nanos(60_000 + self.dice.roll(400_000))
        };
        self.post.send(self.now.after(delay), To::Program(self.program.life), parcel);
    }

    /// A permit is at the door of its output.
    pub(super) fn write(&mut self, permit: Permit) {
        let (now, id) = (self.now, permit.output());
        let output = self.places.ours(id);
        let Some(device) = self.devices.list.get_mut(output) else { return };
        let answer = device.write(permit, now);
        if now < device.off_until {
            self.tally.hit(Fault::DeviceOff);
        }
        let is_lost = now < device.mute_until && answer.ok;
        if is_lost {
            self.tally.hit(Fault::AnswerLost);
        }
        if answer.has_moved {
            self.look_at_pair(output);
        }
        let ok = answer.ok && !is_lost;
        let at = now.after(self.dice.millis(1, 30));
        let written = Input::Written { output: id, counter: answer.counter, ok };
        self.post.send(at, To::Guard(self.guard.life), Parcel::Guard(written));
    }

    /// The pair that is never closed together is so in the world, with its dead time.
    fn look_at_pair(&mut self, output: usize) {
        let partner = match output {
            MAINS => GENSET,
            GENSET => MAINS,
            _ => return,
        };
        self.tally.checks += 1;
        // What was on its way when a longer one came into force still had the shorter one.
        let is_new = self.now < self.reloaded_at.after(Span::from_secs(10));
        let shortest = Terms::of(0).dead_time;
        let dead_time = if is_new { shortest } else { self.guard.watch.terms.dead_time };
        let (is, now) = (self.devices.is(output), self.now);
        let Some(other) = self.devices.list.get(partner).filter(|_| is == Wanted::CLOSED) else { return };
        if other.is == Wanted::CLOSED {
            return self.broken("mains and generating set are connected to each other".to_owned());
        }
        // What fell with the power did so while nobody ran.
        if other.since > self.started && now < other.since.after(dead_time) {
            let (name, since) = (output_name(output), now.since(other.since));
            self.broken(format!("{name} closes {since} after its partner left: less than {dead_time}"));
        }
    }

    /// The device with a timer of its own went back.
    pub(super) fn reverted(&mut self, told_at: Mono) {
        let Some(device) = self.devices.list.get(TIMER) else { return };
        let quiet = Span::from_secs(130);
        let was_well = self.guard.guard.is_some()
            && self.now.since(self.guard.since) > quiet
            && self.now.since(device.off_until.max(device.slow_until).max(device.mute_until)) > quiet
            && self.now.since(device.hand_at) > quiet
            && self.now.since(self.guard.frozen_until) > quiet;
        if was_well {
            let age = self.now.since(told_at);
            self.broken(format!("the timer of a device ran out: it was told nothing for {age}"));
        }
    }

    /// Makes a guard from what this one writes down now, which takes the same steps from here on.
    pub(super) fn look_into_the_guards_mirror(&mut self) {
        let shield = &mut self.guard;
        // What waits for a person, and that it is about to end, are not part of a state.
        let is_quiet = shield.inputs.is_empty() && shield.listens;
        let guard = shield.guard.as_ref().filter(|guard| is_quiet && guard.waits_for().is_none());
        let Some(guard) = guard else { return };
        let Ok(bytes) = postcard::to_allocvec(&guard.written()) else { return };
        let Ok(state) = postcard::from_bytes::<State>(&bytes) else {
            return self.broken("what the guard wrote down cannot be read".to_owned());
        };
        let at = state.saved_at;
        let catalog = std::sync::Arc::new(guard.catalog().clone());
        let mut twin = Guard::new(catalog, guard.safety_set().clone(), at);
        twin.restore(state, Gap::SameBoot(Span::ZERO), at, at);
        shield.twin = Some((twin, TWIN_STEPS));
    }

    /// Whether nothing is on its way to an output: for the calm.
    pub(super) fn is_settled(&self) -> bool {
        let Some(guard) = &self.guard.guard else { return false };
        let outputs = self.places.outputs.iter().take(OUTPUTS);
        outputs.filter_map(|output| guard.output(*output)).all(|state| state.settled || !state.sent)
    }
}

/// What the guard looks at once in a step: a reading of a point, or the program's word for its points (`None`), which a
/// renewal may say anew.
fn reading_of(input: &Input) -> Option<Option<PointId>> {
    match input {
        Input::Sample(sample) => Some(Some(sample.point)),
        Input::Frame(Frame { message: Message::Reading { .. } | Message::Renew, .. }) => Some(None),
        _ => None,
    }
}
