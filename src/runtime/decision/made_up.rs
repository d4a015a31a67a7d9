//! The decision thread in made-up time: no channel is read and nobody waits; whoever runs it says when it goes on.

use super::{Decision, SUN_PERIOD, WALL_PERIOD};
use crate::runtime::carrier::Place;
use crate::runtime::heartbeat::Heartbeat;
use crate::runtime::message::{Occasion, channel};
use crate::runtime::opening::{self, OpenField, Start};
use crate::runtime::recorder::Recorder;
use crate::runtime::telling;
use crate::site::{Built, Texts};
use ballast_guard::Input as GuardInput;
use ballast_host::Clock;
use ballast_model::time::Gap;
use ballast_model::{Mono, Span};
use std::path::PathBuf;
use std::sync::Arc;

impl Start {
    /// Of a site that lies nowhere and remembers nothing, with the guard in the same program: what a site says of a guard of
    /// its own is for equipment.
    pub fn in_made_up_time(
        built: Built,
        texts: Texts,
        clock: Arc<Clock>,
        recorder: Recorder,
        open_field: Box<OpenField>,
    ) -> Self {
        Self {
            built,
            texts,
            beneath: Vec::new(),
            files_refused: None,
            trial: None,
            saved: None,
            memory_lost: None,
            heartbeat: Heartbeat::default(),
            place: Place { site: PathBuf::new(), state: PathBuf::new(), overrides: Vec::new() },
            clock,
            recorder,
            channel: channel(),
            open_field,
            sockets: None,
            ended: None,
            is_fleeting: false,
        }
    }
}

impl Decision {
    /// How often the wall clock is looked at: nothing moves that of a run which nobody replays, and only the sun goes on.
    pub(super) fn wall_period(&self) -> Span {
        if self.carrier.ring.is_off() { SUN_PERIOD } else { WALL_PERIOD }
    }

    /// Lets the field go on, hears what it tells, and makes a turn.
    pub fn go_on(&mut self) {
        let wake = self.next_wake();
        let mut batch = std::mem::take(&mut self.batch);
        self.carrier.field.advance(&self.carrier.clock, wake, &mut batch);
        // Only a bus of its own task tells of its link.
        self.hear("", &batch);
        batch.clear();
        self.batch = batch;
        let now = self.carrier.clock.now();
        self.turn(now);
        self.give_back(now);
    }

    /// Hands over between two turns to a set that was built already, on the thread that built it: without a channel.
    #[must_use]
    pub fn hand_over_to(self, built: Built, texts: Texts, occasion: Occasion) -> Self {
        let now = self.carrier.clock.now();
        let handed = self.handed(texts, occasion, None);
        let mut carrier = self.carrier;
        carrier.handed = Some(handed);
        opening::take_over(built, carrier, now)
    }

    /// Goes on from what others know at a moment, as after a reload, where nothing was decided yet: no output begins anew.
    pub fn go_on_from(
        &mut self,
        engine: ballast_engine::State<'static>,
        guard: ballast_guard::State,
        at: Mono,
    ) {
        let now = self.carrier.clock.now();
        self.carrier.guard.restore(guard, Gap::SameBoot(Span::ZERO), at, now);
        self.engine.restore(engine, Gap::SameBoot(Span::ZERO), at, now);
        // What was said to the guard before it remembered is not meant.
        self.guard_in.clear();
        self.memory = telling::Memory::new(&self.running, &self.engine, &self.carrier.guard);
        self.session_anew();
    }

    /// Looks at the wall clock in the next turn, however short the last look is ago.
    pub fn look_at_the_clock(&mut self) {
        self.wall_due = self.carrier.clock.now();
    }

    /// Ends a run in made-up time as [`Self::run`] ends one: what must be safe without the program goes there, by equipment
    /// that answers at once, and what is remembered is saved.
    pub fn end(&mut self) {
        self.step_guard_alone(Some(GuardInput::Stop));
        self.finish();
    }
}
