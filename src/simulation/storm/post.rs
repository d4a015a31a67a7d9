//! What is on its way, in the order in which it arrives.

use ballast_engine::Input as EngineInput;
use ballast_guard::{Input as GuardInput, Permit};
use ballast_model::Mono;
use ballast_model::frame::FRAME_BYTES;
use std::collections::BTreeMap;

/// One thing on its way.
#[derive(Debug)]
pub(super) enum Parcel {
    /// For the engine.
    Engine(EngineInput),
    /// For the guard.
    Guard(GuardInput),
    /// A frame for the guard.
    Frame([u8; FRAME_BYTES]),
    /// The guard listens no more to this session of the program.
    Closed(u64),
    /// A permit, at the door of its output.
    Write(Permit),
}

/// Who gets it. What was on its way to a process that has ended is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// The program of this life.
    Program(u32),
    /// The guard of this life, with its drivers.
    Guard(u32),
}

/// Everything on its way.
#[derive(Debug, Default)]
pub(super) struct Post {
    queue: BTreeMap<(Mono, u64), (To, Parcel)>,
    sent: u64,
}

impl Post {
    /// Sends something, to arrive at a moment.
    pub(super) fn send(&mut self, at: Mono, to: To, parcel: Parcel) {
        self.sent += 1;
        self.queue.insert((at, self.sent), (to, parcel));
    }

    /// The next arrival.
    pub(super) fn next(&self) -> Mono {
        self.queue.keys().next().map_or(Mono::MAX, |(at, _)| *at)
    }

    /// Takes what has arrived, one after the other.
    pub(super) fn take(&mut self, now: Mono) -> Option<(To, Parcel)> {
        let first = self.queue.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }
}
