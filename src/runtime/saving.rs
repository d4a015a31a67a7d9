//! What survives: the state on disk, and the journal of the last minutes.

use super::decision::Decision;
use super::guard_process::GuardProcess;
use super::state::{RunningSet, Trial, encode};
use super::telling::Said;
use crate::control::protocol::Answer;
use crate::journal::{Header, Ring};
use crate::report::instant;
use crate::report::language::{Language, say};
use crate::shadow::left;
use crate::site::Texts;
use ballast_engine::{Input as EngineInput, Output as EngineOutput};
use ballast_guard::{Input as GuardInput, Output as GuardOutput};
use ballast_history::Progress;
use ballast_model::frame::fnv1a;
use ballast_model::{Mono, Span};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long an answer waits for the disk.
const DISK_PATIENCE: Duration = Duration::from_secs(5);

/// Kinds of journal records.
pub mod kind {
    /// Inputs of an engine step.
    pub const ENGINE: u8 = 1;
    /// Inputs of a guard step.
    pub const GUARD: u8 = 2;
    /// Hash of the outputs of the last engine step.
    pub const ENGINE_OUT: u8 = 3;
    /// Hash of the outputs of the last guard step. It was 4 as long as the hash held when the guard wants to be woken.
    pub const GUARD_OUT: u8 = 5;
}

/// What a segment of the journal begins with.
#[derive(Serialize, serde::Deserialize)]
pub struct Checkpoint<'a> {
    /// The engine's state.
    pub engine: ballast_engine::State<'a>,
    /// The guard's.
    pub guard: ballast_guard::State,
    /// When both were taken.
    pub at: Mono,
    /// The nouns below the texts of the segment: see [`Carrier::beneath`].
    ///
    /// [`Carrier::beneath`]: super::carrier::Carrier::beneath
    pub beneath: Vec<Texts>,
    /// Everything was held because the guard's memory was lost.
    pub is_memory_lost: bool,
}

/// Saves the state, if it differs from the last saved one.
pub fn save(decision: &mut Decision, now: Mono) {
    save_with(decision, now, false);
}

/// Saves the state of a run that has ended: its stamp says when.
pub fn save_last(decision: &mut Decision, now: Mono) {
    decision.pace.forget();
    save_with(decision, now, true);
}

fn save_with(decision: &mut Decision, now: Mono, has_ended: bool) {
    let carrier = &decision.carrier;
    // The sets of a guard elsewhere are its own business.
    let beneath = if carrier.process.is_none() { carrier.beneath.clone() } else { Vec::new() };
    let trial = decision.carrier.probation.as_ref().map(|probation| Trial {
        last_good: probation.last_good.clone(),
        changed: probation.changed.clone(),
        // By the minute, so that it is not saved for its own sake.
        left: Span::from_secs((probation.until.since(now).millis() / 60_000 + 1) * 60),
    });
    let set = RunningSet { texts: carrier.texts.clone(), beneath, refused: carrier.refused.clone(), trial };
    let parts = [
        encode("engine", &decision.engine.save()),
        encode("guard", &decision.carrier.guard.save()),
        encode("plan", &set),
        encode("clock", &decision.carrier.clock.word()),
        encode("memory", &decision.carrier.memory_lost),
        encode("ended", &has_ended),
        encode(left::PART, &decision.carrier.shadows.mark()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let bytes = parts.iter().map(|part| part.bytes.len()).sum();
    let hash = fnv1a(parts.iter().flat_map(|part| part.bytes.iter().copied()));
    if decision.pace.taken(now, bytes, hash) {
        decision.carrier.recorder.save(parts);
    }
    for waiting in std::mem::take(&mut decision.unkept) {
        answer_once_kept(decision, waiting);
    }
}

/// An answer that is given once what it says is on the disk.
pub struct Unkept {
    /// Who asked.
    pub reply: oneshot::Sender<Answer>,
    /// What is said.
    pub answer: Answer,
    /// In which language.
    pub language: Language,
}

/// Answers once everything that was said and decided so far is on the disk.
pub fn acknowledge(
    decision: &mut Decision,
    reply: oneshot::Sender<Answer>,
    answer: Answer,
    language: Language,
) {
    decision.unkept.push(Unkept { reply, answer, language });
    let now = decision.carrier.clock.now();
    save(decision, now);
}

/// The same at the end of the next turn, so that readings which wait meanwhile are decided first.
pub fn acknowledge_soon(decision: &mut Decision, now: Mono, unkept: Unkept) {
    decision.unkept.push(unkept);
    decision.pace.hurry(now);
}

/// Waits for the disk on a thread of its own, and answers.
fn answer_once_kept(decision: &Decision, unkept: Unkept) {
    let Unkept { reply, mut answer, language } = unkept;
    let pending = decision.carrier.recorder.pending();
    let wait = move || {
        let is_kept = pending.is_some_and(|tickets| {
            tickets.iter().all(|ticket| ticket.wait(DISK_PATIENCE) == Progress::Durable)
        });
        if answer.ok && !is_kept {
            let text = answer.text.trim_end();
            answer.text = say!(
                language,
                "{text}\nThis is not kept: the disk does not take it.",
                "{text}\nCeci n'est pas conservé : le disque ne l'accepte pas."
            );
            if let Some(data) = answer.data.as_object_mut() {
                data.insert("kept".into(), false.into());
            }
        }
        // An asker that went away does not matter.
        let _ = reply.send(answer);
    };
    // Without a thread the asker is told that nobody answered; what was asked is done all the same.
    let _ = std::thread::Builder::new().name("answer".into()).spawn(wait);
}

/// Begins a new segment of the journal where one is due.
pub fn checkpoint(decision: &mut Decision, now: Mono) {
    if !decision.checkpoint_due && !decision.carrier.ring.needs_checkpoint(now) {
        return;
    }
    decision.checkpoint_due = false;
    // What was found as the state was taken up is not in it: a replay from here would miss it in the first step.
    for event in decision.engine.take_news() {
        decision.heard(now, Said::Engine(event));
    }
    if decision.carrier.ring.is_off() {
        return;
    }
    let checkpoint = Checkpoint {
        engine: decision.engine.save(),
        guard: decision.carrier.guard.save(),
        at: now,
        beneath: decision.carrier.beneath.clone(),
        is_memory_lost: decision.carrier.memory_lost.is_some(),
    };
    if let Some(bytes) = checkpoint.pack(&mut decision.scribe) {
        decision.carrier.ring.begin(now, &decision.running.journal_plan, bytes);
    }
}

/// What another version wrote may read as a state and mean something else: it is refused by its number.
fn same_version(machine: &str, found: u32, known: u32) -> Result<(), String> {
    if found == known {
        return Ok(());
    }
    Err(format!(
        "it has a state of the {machine} of version {found}, and this program reads version {known}: use the Ballast that wrote it"
    ))
}

/// A checkpoint that takes more, unpacked, was not written by this program: its journal's ring holds a quarter of it.
const CHECKPOINT_BYTES_MAX: usize = 128 << 20;

impl Checkpoint<'_> {
    /// Encodes it; packed, since most of it is names and what is not the case.
    pub fn pack(&self, scribe: &mut Scribe) -> Option<Vec<u8>> {
        let plain = scribe.encode_checkpoint(self)?;
        let mut packed = lz4_flex::block::compress_prepend_size(&plain);
        packed.shrink_to_fit();
        Some(packed)
    }

    /// Decodes what `Checkpoint::pack` made.
    ///
    /// # Errors
    /// A sentence, for one that another version packed.
    pub fn unpack(packed: &[u8]) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| {
            format!("the saved state is damaged or of another version of Ballast: {error}")
        };
        let (length, packed) = lz4_flex::block::uncompressed_size(packed).map_err(|error| told(&error))?;
        if length > CHECKPOINT_BYTES_MAX {
            return Err(told(&"it is too long"));
        }
        let bytes = lz4_flex::block::decompress(packed, length).map_err(|error| told(&error))?;
        // The engine's version comes first, so that it is known where nothing behind it can be read.
        let engine = postcard::take_from_bytes::<u32>(&bytes).map_err(|error| told(&error))?.0;
        same_version("engine", engine, ballast_engine::STATE_VERSION)?;
        let checkpoint: Self = postcard::from_bytes(&bytes).map_err(|error| told(&error))?;
        let guard = u32::from(checkpoint.guard.version);
        same_version("guard", guard, u32::from(ballast_guard::STATE_VERSION))?;
        Ok(checkpoint)
    }
}

/// Encodes what goes in and what comes out, into a buffer that is kept.
#[derive(Debug, Default)]
pub struct Scribe {
    buffer: Vec<u8>,
    /// What the last checkpoint took: the room that the next one is given, since that of a large site would else be moved
    /// several times while it grows.
    checkpoint_bytes: usize,
}

impl Scribe {
    /// A value as it is kept. It is written into room that is there already: a reading is a dozen pieces of a byte or a few,
    /// and a vector would ask for room at each.
    fn encode<T: Serialize + ?Sized>(&mut self, value: &T) -> &[u8] {
        let length = loop {
            match postcard::to_slice(value, &mut self.buffer) {
                Ok(encoded) => break encoded.len(),
                Err(postcard::Error::SerializeBufferFull) => {
                    let room = self.buffer.len().saturating_mul(2).max(ENCODED_ROOM);
                    self.buffer.resize(room, 0);
                }
                Err(_) => break 0,
            }
        };
        self.buffer.get(..length).unwrap_or_default()
    }

    /// A checkpoint, unpacked, in a buffer of its own: it would be too much to keep.
    fn encode_checkpoint(&mut self, checkpoint: &Checkpoint<'_>) -> Option<Vec<u8>> {
        let room = self.checkpoint_bytes.saturating_add(self.checkpoint_bytes / 8);
        let plain = postcard::to_extend(checkpoint, Vec::with_capacity(room)).ok()?;
        self.checkpoint_bytes = plain.len();
        Some(plain)
    }

    /// Notes what the engine is told.
    pub fn engine(&mut self, ring: &mut Ring, now: Mono, inputs: &[EngineInput]) {
        if ring.is_off() {
            return;
        }
        ring.append(now, kind::ENGINE, self.encode(inputs));
    }

    /// Notes what the engine said, as a hash.
    pub fn engine_said(&mut self, ring: &mut Ring, now: Mono, outputs: &[EngineOutput]) {
        if ring.is_off() {
            return;
        }
        let hash = fnv1a(self.encode(outputs).iter().copied());
        ring.append(now, kind::ENGINE_OUT, &hash.to_le_bytes());
    }

    /// Notes what the guard is told.
    pub fn guard(&mut self, ring: &mut Ring, now: Mono, inputs: &[GuardInput]) {
        if ring.is_off() {
            return;
        }
        ring.append(now, kind::GUARD, self.encode(inputs));
    }

    /// Notes what the guard said, as a hash.
    pub fn guard_said(&mut self, ring: &mut Ring, now: Mono, outputs: &[GuardOutput]) {
        if ring.is_off() {
            return;
        }
        ring.append(now, kind::GUARD_OUT, &guard_hash(outputs).to_le_bytes());
    }
}

/// A hash of what the guard said. Permits count by what they allow, not by their session. Neither the order counts nor when
/// it wants to be woken: a guard that was restored looks at everything once more, and finds the same in another order.
pub fn guard_hash(outputs: &[GuardOutput]) -> u64 {
    let mut sum = 0u64;
    let mut buffer = Vec::new();
    for output in outputs {
        buffer.clear();
        let encoded = match output {
            GuardOutput::Permit(permit) => {
                postcard::to_extend(&(1u8, permit.output(), permit.wanted(), permit.valid_until()), buffer)
            }
            GuardOutput::Verdict(verdict) => postcard::to_extend(&(2u8, verdict), buffer),
            GuardOutput::Event(event) => postcard::to_extend(&(4u8, format!("{event:?}")), buffer),
            GuardOutput::WakeAt(_) => continue,
        };
        buffer = encoded.unwrap_or_default();
        sum = sum.wrapping_add(fnv1a(buffer.iter().copied()));
    }
    sum
}

/// Room for one record, bytes; more is taken when one does not fit.
const ENCODED_ROOM: usize = 4096;

/// Shortest time between two journals that are written by themselves: one holds half an hour.
const DUMP_PAUSE: Span = Span::from_secs(600);
/// How long a journal waits for what a guard elsewhere did up to its alarm; it tells every half second.
const DUMP_WAIT: Span = Span::from_secs(5);
/// Journals that were written by themselves and are kept; the oldest goes first.
const DUMPS_KEPT: usize = 10;

/// Writes the journal after an alarm, a suspension or a forced output; on a thread of its own, since a disk may be slow.
pub fn dump_on_alarm(decision: &mut Decision, now: Mono) {
    // What lies nowhere, or has a clock that is made up, has nothing to show afterwards.
    let is_real =
        !decision.carrier.clock.is_made_up() && !decision.carrier.place.state.as_os_str().is_empty();
    let Some(alarmed) = decision.carrier.recorder.alarmed.filter(|_| is_real) else { return };
    if decision.carrier.dumped.is_some_and(|last| now.since(last) < DUMP_PAUSE) {
        return;
    }
    // What a guard elsewhere did up to then may still be on its way: of a program that was held up, all of it.
    let is_behind = decision.carrier.process.as_ref().is_some_and(GuardProcess::is_there)
        && decision.carrier.guard.now() < alarmed;
    if is_behind && now.since(alarmed) < DUMP_WAIT {
        return;
    }
    decision.carrier.recorder.alarmed = None;
    decision.carrier.dumped = Some(now);
    let tape = decision.carrier.ring.freeze();
    let wall = decision.carrier.clock.wall();
    let header = header(decision, "alarm");
    let folder = decision.carrier.place.state.clone();
    let path = folder.join(format!("alarm-{}.journal", instant::compact(wall.utc)));
    let written = std::thread::Builder::new().name("ballast-journal".into()).spawn(move || {
        // A full disk is told by the history; control does not wait for a journal.
        if tape.dump(&header, &path).is_ok() {
            forget_old_dumps(&folder);
        }
    });
    // Without a thread there is no journal; the alarm itself is told.
    drop(written);
}

/// What stands at the head of a journal.
pub fn header(decision: &Decision, reason: &str) -> Header {
    Header {
        site: decision.running.catalog().site.to_string(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        reason: reason.to_owned(),
        written: decision.carrier.clock.wall(),
    }
}

fn forget_old_dumps(folder: &std::path::Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let is_dump = |path: &std::path::PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("alarm-") && name.ends_with(".journal")
    };
    let mut dumps: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_dump).collect();
    // The names hold the time, so their order is that of time.
    dumps.sort();
    let excess = dumps.len().saturating_sub(DUMPS_KEPT);
    for old in dumps.iter().take(excess) {
        // One that stays is tried again the next time.
        let _ = std::fs::remove_file(old);
    }
}
