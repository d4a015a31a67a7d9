//! The machines of a segment of the journal, as they were, and every record again.

use crate::journal::{Record, Segment};
use crate::report::memory_words;
use crate::runtime::beneath;
use crate::runtime::saving::{Checkpoint, guard_hash, kind};
use crate::runtime::timed::Timed;
use crate::site::{Built, Running, Texts, build};
use ballast_engine::{Engine, Input as EngineInput};
use ballast_guard::{Guard, Input as GuardInput};
use ballast_model::frame::fnv1a;
use ballast_model::time::Gap;
use ballast_model::{Mono, Span};
use std::sync::Arc;

/// The machines of a segment, as they were.
pub struct Machines {
    /// The machine that decided.
    pub engine: Engine<Timed>,
    /// The guard.
    pub guard: Guard,
    /// What they ran.
    pub running: Arc<Running>,
    /// Everything is held because the guard's memory was lost.
    pub is_memory_lost: bool,
    engine_out: Vec<ballast_engine::Output>,
    guard_out: Vec<ballast_guard::Output>,
    engine_hash: Option<u64>,
    guard_hash: Option<u64>,
}

/// The guard with what was in force: where a looser set waited, the stricter of all.
fn guard(built: &Built, beneath: &[Texts], at: Mono) -> Result<Guard, String> {
    let sets =
        beneath::read(beneath, &[]).map_err(|report| format!("the confirmed texts do not load: {report}"))?;
    let guard = beneath::guard(&sets, &built.running, at);
    guard.ok_or_else(|| "its safety sets cannot be in force together".to_owned())
}

impl Machines {
    /// As they were when the segment began.
    ///
    /// # Errors
    /// A sentence: its texts do not load, or its state is of another version.
    pub fn restore(segment: &Segment) -> Result<Self, String> {
        let texts = Texts { files: segment.plan().texts.iter().cloned().collect(), ..Texts::default() };
        let built = build(&texts, &[])
            .map_err(|refused| format!("the journal's texts do not load: {}", refused.text))?;
        let checkpoint = Checkpoint::unpack(segment.checkpoint())?;
        let at = checkpoint.at;
        let none = Gap::SameBoot(Span::ZERO);
        let mut guard = guard(&built, &checkpoint.beneath, at)?;
        let running = built.running;
        let bodies = Timed::new(built.bodies, running.plan.rules.len());
        let mut engine = Engine::new(Arc::clone(&running.plan), bodies, at);
        engine.restore(checkpoint.engine, none, at, at);
        guard.restore(checkpoint.guard, none, at, at);
        let guard_out = Vec::with_capacity(guard.output_capacity());
        let (engine_hash, guard_hash) = (None, None);
        let is_memory_lost = checkpoint.is_memory_lost;
        let engine_out = Vec::new();
        Ok(Self { engine, guard, running, is_memory_lost, engine_out, guard_out, engine_hash, guard_hash })
    }

    /// Whether a person's word put another safety set in force: the journal goes on in the next segment.
    pub fn has_confirmed(&self) -> bool {
        let is_word = |said: &ballast_guard::Output| {
            matches!(said, ballast_guard::Output::Event(ballast_guard::GuardEvent::Confirmed { .. }))
        };
        self.guard_out.iter().any(is_word)
    }

    /// Takes one record; says what differs, if something does.
    ///
    /// # Errors
    /// A sentence: the record cannot be read.
    pub fn take(&mut self, record: &Record<'_>) -> Result<Option<String>, String> {
        let unreadable = |error: postcard::Error| format!("a record cannot be read: {error}");
        match record.kind {
            kind::ENGINE => {
                let inputs: Vec<EngineInput> = postcard::from_bytes(record.bytes).map_err(unreadable)?;
                self.engine_out.clear();
                self.engine.step(record.at, &inputs, &mut self.engine_out);
                let bytes = postcard::to_allocvec(&self.engine_out).map_err(unreadable)?;
                self.engine_hash = Some(fnv1a(bytes));
                Ok(None)
            }
            kind::GUARD => {
                let inputs: Vec<GuardInput> = postcard::from_bytes(record.bytes).map_err(unreadable)?;
                self.guard_out.clear();
                self.guard.step(record.at, &inputs, &mut self.guard_out);
                self.guard_hash = Some(guard_hash(&self.guard_out));
                let lets_go = |said: &ballast_guard::Output| matches!(said, ballast_guard::Output::Event(event) if memory_words::ends(event));
                self.is_memory_lost &= !self.guard_out.iter().any(lets_go);
                Ok(None)
            }
            kind::ENGINE_OUT => {
                Ok(compare("engine", record, self.engine_hash.take(), &format!("{:?}", self.engine_out)))
            }
            kind::GUARD_OUT => {
                Ok(compare("guard", record, self.guard_hash.take(), &format!("{:?}", self.guard_out)))
            }
            other => Err(format!("a record of unknown kind {other}; was it written by a newer program?")),
        }
    }
}

fn compare(machine: &str, record: &Record<'_>, hash: Option<u64>, said: &str) -> Option<String> {
    let expected = record.bytes.try_into().map(u64::from_le_bytes).ok();
    if hash == expected {
        return None;
    }
    let at: Mono = record.at;
    Some(format!("at {} ns the {machine} says {said}", at.nanos()))
}
