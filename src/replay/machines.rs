//! The machines of a segment of the journal, as they were, and every record again.

use crate::journal::{Record, Segment};
use crate::report::memory_words;
use crate::runtime::beneath;
use crate::runtime::saving::{Checkpoint, guard_hash, kind};
use crate::runtime::timed::Timed;
use crate::site::{Built, Running, Texts, build_unopened};
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
        let built = build_unopened(&texts)
            .map_err(|refused| format!("the journal's texts do not load: {}", refused.text))?;
        let checkpoint = Checkpoint::unpack(segment.checkpoint())?;
        let at = checkpoint.at;
        let none = Gap::SameBoot(Span::ZERO);
        // Where the guard is a process of its own, its mirror is a step or more behind the program, and stands in the
        // checkpoint with the time of its own last step: the next one may lie before that of the checkpoint.
        let guard_at = checkpoint.guard.saved_at.min(at);
        let mut guard = guard(&built, &checkpoint.beneath, guard_at)?;
        let running = built.running;
        let bodies = Timed::new(built.bodies, running.plan.rules.len());
        let mut engine = Engine::new(Arc::clone(&running.plan), bodies, at);
        engine.restore(checkpoint.engine, none, at, at);
        guard.restore(checkpoint.guard, none, guard_at, guard_at);
        let guard_out = Vec::with_capacity(guard.output_capacity());
        let (engine_hash, guard_hash) = (None, None);
        let is_memory_lost = checkpoint.is_memory_lost;
        let engine_out = Vec::new();
        Ok(Self { engine, guard, running, is_memory_lost, engine_out, guard_out, engine_hash, guard_hash })
    }

    /// The guard goes on as others show it.
    pub fn take_guard_of(&mut self, other: Self) {
        (self.guard, self.guard_out, self.guard_hash) = (other.guard, other.guard_out, other.guard_hash);
        self.is_memory_lost = other.is_memory_lost;
    }

    /// What both said in their last steps.
    pub fn said(&self) -> (&[ballast_engine::Output], &[ballast_guard::Output]) {
        (&self.engine_out, &self.guard_out)
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
            other => Err(format!("a record of unknown kind {other}: a program of another version wrote it")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Limits, Plan, Ring};
    use crate::runtime::saving::Scribe;

    const SITE: &str = "site: one\nuuid: 4be0643f-1d98-573b-97cd-ca98a65347dd\ntime_zone: Europe/Paris\n\
        buses: { broker: { driver: mqtt, url: \"mqtt://127.0.0.1:1\", client: one } }\n\
        devices: { a: { file: mqtt-relay, bus: broker, with: { topic: a } } }\n";
    const SAFETY: &str = "outputs: { a: { safe: open, lease: 3 s } }\n";

    /// A checkpoint at ten seconds with a guard whose last step was at one: that of another process is heard of late.
    #[test]
    fn a_guard_that_was_heard_of_late_takes_the_same_steps_again() {
        let file = |name: &str, text: &str| (name.to_owned(), Arc::from(text.as_bytes()));
        let files = [file("site.yaml", SITE), file("safety.yaml", SAFETY), file("rules/a.rhai", "")];
        let texts = Texts { files: files.into(), ..Texts::default() };
        let built = build_unopened(&texts).map_err(|refused| refused.text).unwrap();
        let running = built.running;
        let at = |seconds: u64| Mono::from_millis(seconds * 1_000);
        let mut live = Guard::new(Arc::clone(&running.plan.catalog), Arc::clone(&running.safety), at(0));
        let mut out = Vec::with_capacity(live.output_capacity());
        live.step(at(1), &[], &mut out);
        let bodies = Timed::new(built.bodies, running.plan.rules.len());
        let engine = Engine::new(Arc::clone(&running.plan), bodies, at(10));
        let checkpoint = Checkpoint {
            engine: engine.save(),
            guard: live.save(),
            at: at(10),
            beneath: Vec::new(),
            is_memory_lost: false,
        };
        let mut scribe = Scribe::default();
        let mut ring = Ring::new(Limits::DEFAULT);
        let plan = Arc::new(Plan { texts: texts.files.into_iter().collect() });
        ring.begin(at(10), &plan, checkpoint.pack(&mut scribe).unwrap());
        // Before the lease of the start is over, and after it.
        for seconds in [2, 4, 11] {
            out.clear();
            live.step(at(seconds), &[], &mut out);
            scribe.guard(&mut ring, at(seconds), &[]);
            scribe.guard_said(&mut ring, at(seconds), &out);
        }
        let tape = ring.freeze();
        let segment = &tape.segments()[0];
        let mut again = Machines::restore(segment).unwrap();
        let mut records = 0;
        for record in segment.records() {
            assert_eq!(again.take(&record).unwrap(), None, "record {records}");
            records += 1;
        }
        assert_eq!(records, 6);
    }
}
