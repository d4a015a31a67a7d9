//! What survives: the state on disk, and the journal of the last minutes.

use super::decision::Decision;
use super::state::{RunningSet, encode};
use crate::journal::Ring;
use ballast_engine::{Input as EngineInput, Output as EngineOutput};
use ballast_guard::{Input as GuardInput, Output as GuardOutput};
use ballast_model::Mono;
use ballast_model::frame::fnv1a;
use serde::Serialize;

/// Kinds of journal records.
pub mod kind {
    /// Inputs of an engine step.
    pub const ENGINE: u8 = 1;
    /// Inputs of a guard step.
    pub const GUARD: u8 = 2;
    /// Hash of the outputs of the last engine step.
    pub const ENGINE_OUT: u8 = 3;
    /// Hash of the outputs of the last guard step.
    pub const GUARD_OUT: u8 = 4;
}

/// What a segment of the journal begins with.
#[derive(Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// The engine's state.
    pub engine: ballast_engine::State,
    /// The guard's.
    pub guard: ballast_guard::State,
    /// When both were taken.
    pub at: Mono,
}

/// Saves the state, if it differs from the last saved one.
pub fn save(decision: &mut Decision, now: Mono) {
    let set = RunningSet { texts: decision.carrier.texts.clone(), refused: decision.carrier.refused.clone() };
    let parts = [
        encode("engine", &decision.engine.save()),
        encode("guard", &decision.carrier.guard.save()),
        encode("plan", &set),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let bytes = parts.iter().map(|part| part.bytes.len()).sum();
    let hash = fnv1a(parts.iter().flat_map(|part| part.bytes.iter().copied()));
    if decision.pace.taken(now, bytes, hash) {
        decision.carrier.recorder.save(parts);
    }
}

/// Begins a new segment of the journal where one is due.
pub fn checkpoint(decision: &mut Decision, now: Mono) {
    if !decision.carrier.ring.needs_checkpoint(now) {
        return;
    }
    let checkpoint =
        Checkpoint { engine: decision.engine.save(), guard: decision.carrier.guard.save(), at: now };
    if let Ok(bytes) = postcard::to_allocvec(&checkpoint) {
        decision.carrier.ring.begin(now, &decision.running.journal_plan, bytes);
    }
}

/// Encodes what goes in and what comes out, into a buffer that is kept.
#[derive(Debug, Default)]
pub struct Scribe {
    buffer: Vec<u8>,
}

impl Scribe {
    fn encode<T: Serialize + ?Sized>(&mut self, value: &T) -> &[u8] {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.buffer = postcard::to_extend(value, buffer).unwrap_or_default();
        &self.buffer
    }

    /// Notes what the engine is told.
    pub fn engine(&mut self, ring: &mut Ring, now: Mono, inputs: &[EngineInput]) {
        ring.append(now, kind::ENGINE, self.encode(inputs));
    }

    /// Notes what the engine said, as a hash.
    pub fn engine_said(&mut self, ring: &mut Ring, now: Mono, outputs: &[EngineOutput]) {
        let hash = fnv1a(self.encode(outputs).iter().copied());
        ring.append(now, kind::ENGINE_OUT, &hash.to_le_bytes());
    }

    /// Notes what the guard is told.
    pub fn guard(&mut self, ring: &mut Ring, now: Mono, inputs: &[GuardInput]) {
        ring.append(now, kind::GUARD, self.encode(inputs));
    }

    /// Notes what the guard said, as a hash.
    pub fn guard_said(&mut self, ring: &mut Ring, now: Mono, outputs: &[GuardOutput]) {
        ring.append(now, kind::GUARD_OUT, &guard_hash(outputs).to_le_bytes());
    }
}

/// A hash of what the guard said. Permits count by what they allow, not by their session.
pub fn guard_hash(outputs: &[GuardOutput]) -> u64 {
    let mut hash = 0u64;
    let mut buffer = Vec::new();
    for output in outputs {
        buffer.clear();
        let encoded = match output {
            GuardOutput::Permit(permit) => {
                postcard::to_extend(&(1u8, permit.output(), permit.wanted(), permit.valid_until()), buffer)
            }
            GuardOutput::Verdict(verdict) => postcard::to_extend(&(2u8, verdict), buffer),
            GuardOutput::WakeAt(wake) => postcard::to_extend(&(3u8, wake), buffer),
            GuardOutput::Event(event) => postcard::to_extend(&(4u8, format!("{event:?}")), buffer),
        };
        buffer = encoded.unwrap_or_default();
        hash = hash.rotate_left(5) ^ fnv1a(buffer.iter().copied());
    }
    hash
}
