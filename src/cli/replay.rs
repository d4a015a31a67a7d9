//! `ballast replay`: a journal again, every output compared bit for bit.

use super::Exit;
use super::arguments::Replay;
use super::terminal::{BAD, GOOD, LOOK, Output, styled};
use crate::journal::{self, Record, Segment};
use crate::runtime::saving::{Checkpoint, guard_hash, kind};
use crate::site::{Built, Texts, build};
use ballast_engine::{Engine, Input as EngineInput};
use ballast_guard::{Guard, Input as GuardInput};
use ballast_model::frame::fnv1a;
use ballast_model::time::Gap;
use ballast_model::{Mono, Span};
use serde_json::json;
use std::sync::Arc;

/// What a replay found.
#[derive(Debug, Default)]
struct Outcome {
    segments: u64,
    steps: u64,
    /// The first difference.
    differs: Option<String>,
    /// Segments that could not be replayed, and why.
    left_out: Vec<String>,
}

/// Replays a journal.
pub fn run(options: &Replay, output: &Output) -> Exit {
    let journal = match journal::read(&options.journal) {
        Ok(journal) => journal,
        Err(error) => {
            output.complain(&format!("{}: {error}", options.journal.display()));
            return Exit::Failed;
        }
    };
    let mut outcome = Outcome::default();
    for segment in &journal.segments {
        if let Err(why) = replay(segment, &mut outcome) {
            outcome.left_out.push(why);
        }
        if outcome.differs.is_some() {
            break;
        }
    }
    let cut = journal.cut.as_ref().map(ToString::to_string);
    let data = json!({
        "site": journal.header.site, "program": journal.header.program, "segments": outcome.segments,
        "steps": outcome.steps, "differs": outcome.differs, "left_out": outcome.left_out, "cut": cut,
    });
    let mut text = format!("{}: {} segments, {} steps", journal.header.site, outcome.segments, outcome.steps);
    for note in cut.iter().chain(&outcome.left_out) {
        text.push_str(&format!("\n{}", styled(LOOK, note)));
    }
    let exit = match &outcome.differs {
        Some(difference) => {
            text.push_str(&format!("\n{} {difference}", styled(BAD, "differs:")));
            Exit::Diverged
        }
        None if outcome.segments == 0 => {
            text.push_str(&format!("\n{}", styled(BAD, "nothing could be replayed")));
            Exit::Failed
        }
        None => {
            text.push_str(&format!(", {}", styled(GOOD, "every output the same")));
            Exit::Done
        }
    };
    output.answer(&text, &data);
    exit
}

/// The machines of a segment, as they were.
struct Machines {
    engine: Engine<ballast_rules::RhaiBodies>,
    guard: Guard,
    engine_out: Vec<ballast_engine::Output>,
    guard_out: Vec<ballast_guard::Output>,
    engine_hash: Option<u64>,
    guard_hash: Option<u64>,
}

fn replay(segment: &Segment, outcome: &mut Outcome) -> Result<(), String> {
    let mut machines = restore(segment)?;
    outcome.segments += 1;
    for (number, record) in segment.records().enumerate() {
        if let Some(difference) = machines.take(&record)? {
            outcome.differs = Some(format!("record {number} of segment {}: {difference}", outcome.segments));
            return Ok(());
        }
        outcome.steps += u64::from(record.kind == kind::ENGINE || record.kind == kind::GUARD);
        if record.kind == kind::GUARD_OUT && machines.has_confirmed() {
            return Ok(());
        }
    }
    Ok(())
}

fn restore(segment: &Segment) -> Result<Machines, String> {
    let texts = Texts { files: segment.plan().texts.iter().cloned().collect(), ..Texts::default() };
    let built =
        build(&texts, &[]).map_err(|refused| format!("the journal's texts do not load: {}", refused.text))?;
    let checkpoint: Checkpoint = postcard::from_bytes(segment.checkpoint())
        .map_err(|error| format!("the saved state is of another version: {error}"))?;
    let at = checkpoint.at;
    let none = Gap::SameBoot(Span::ZERO);
    let mut guard = guard(&built, checkpoint.confirmed.as_ref(), at)?;
    let mut engine = Engine::new(Arc::clone(&built.running.plan), built.bodies, at);
    engine.restore(checkpoint.engine, none, at, at);
    guard.restore(checkpoint.guard, none, at, at);
    let guard_out = Vec::with_capacity(guard.output_capacity());
    Ok(Machines { engine, guard, engine_out: Vec::new(), guard_out, engine_hash: None, guard_hash: None })
}

/// The guard with what was in force: where a looser set waited, the stricter of both.
fn guard(built: &Built, confirmed: Option<&Texts>, at: Mono) -> Result<Guard, String> {
    let new = &built.running;
    let Some(confirmed) = confirmed else {
        return Ok(Guard::new(Arc::clone(&new.plan.catalog), new.safety.clone(), at));
    };
    let old = build(confirmed, &[])
        .map_err(|refused| format!("the confirmed texts do not load: {}", refused.text))?;
    let old = &old.running;
    let mut guard = Guard::new(Arc::clone(&old.plan.catalog), old.safety.clone(), at);
    guard.replace(Arc::clone(&new.plan.catalog), new.safety.clone(), false, at);
    Ok(guard)
}

impl Machines {
    /// Whether a person's word put another safety set in force: the journal goes on in the next segment.
    fn has_confirmed(&self) -> bool {
        let is_word = |said: &ballast_guard::Output| {
            matches!(said, ballast_guard::Output::Event(ballast_guard::GuardEvent::Confirmed { .. }))
        };
        self.guard_out.iter().any(is_word)
    }

    /// Takes one record; says what differs, if something does.
    fn take(&mut self, record: &Record<'_>) -> Result<Option<String>, String> {
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
