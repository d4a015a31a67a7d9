//! The guard as a process of its own: the program's end of the link.
//!
//! A thread connects, and again whenever the connection is gone, and hands everything that the guard tells to the decision
//! thread. There `carrier.guard` is a mirror: it takes the guard's steps one by one and so answers every question that a
//! guard in the program would. Its permits are thrown away: they open nothing.

use super::carrier::FilesRefused;
use super::decision::{After, Decision};
use super::message::{BuildFailed, Message, TakeOver};
use super::told::Told;
use super::{reload, saving, shadowing, telling};
use crate::report::language::Sentence;
use crate::report::moment::Protection;
use crate::report::process_words;
use ballast_drivers::Batch;
use ballast_engine::Input as EngineInput;
use ballast_guard::{Input, Output, Replaced, Taken, digest};
use ballast_history::Severity;
use ballast_host::Texts;
use ballast_host::link::mirror::Reflection;
use ballast_host::link::packet::{PIECE_BYTES_MAX, PORTRAIT_BYTES_MAX, Packet, Portrait, Reread, Welcome};
use ballast_host::link::socket::Socket;
use ballast_host::link::{LINK, REREAD, remember_sockets};
use ballast_model::frame::Frame;
use ballast_model::time::BootId;
use ballast_model::{Mono, OutputId};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// First wait before the guard is looked for again; doubles from there.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// Longest wait: a guard that was started again is found within this.
const RETRY_MOST: Duration = Duration::from_secs(1);

/// Files of a set, by their names.
type Files = BTreeMap<String, Arc<[u8]>>;

/// What the program knows of the guard's process.
pub struct GuardProcess {
    /// Where it listens.
    pub path: PathBuf,
    /// The connection, once the portrait was taken.
    link: Option<Linked>,
    /// Since when there is none.
    pub gone_since: Option<Mono>,
    /// The files of the set with which the guard wants the program to run.
    files: Files,
    /// What became of the set that was changed last.
    replaced: Option<Replaced>,
    /// The files of the sets below the last one, while that waits for a person.
    beneath: Vec<Texts>,
    /// A new set of the program's that waits for the guard's word.
    taking: Option<TakeOver>,
    /// The guard was asked once more while it was answering: the next answer may be about what was there before.
    is_asked_again: bool,
}

struct Linked {
    number: u64,
    socket: Arc<Socket>,
    welcome: Welcome,
    /// Ids mean the same to both.
    is_shared: bool,
}

/// What comes from the guard.
pub enum GuardNews {
    /// It is there, and this is how it is; again whenever its set is another one.
    There(Box<There>),
    /// It made a step.
    Step {
        /// Over which connection.
        connection: u64,
        /// When.
        now: Mono,
        /// What it was given.
        inputs: Vec<Input>,
        /// Stands for what it said.
        digest: u64,
    },
    /// One of its buses tells.
    Field {
        /// Over which connection.
        connection: u64,
        /// Which bus.
        bus: String,
        /// What.
        batch: Batch,
    },
    /// What became of the wish to read the files again.
    Reread {
        /// Over which connection.
        connection: u64,
        /// What.
        reread: Reread,
    },
    /// The connection is gone.
    Gone {
        /// Which one.
        connection: u64,
        /// Why.
        why: String,
    },
}

/// A guard that has just been found.
pub struct There {
    connection: u64,
    socket: Arc<Socket>,
    welcome: Welcome,
    reflection: Reflection,
}

impl GuardProcess {
    /// Begins to look for the guard whose sockets lie in a directory; where it was found is kept in the state folder.
    ///
    /// # Errors
    /// The machine has no more threads.
    pub fn begin(
        (sockets, state): (&Path, &Path),
        boot: BootId,
        sender: &SyncSender<Message>,
    ) -> std::io::Result<Self> {
        let path = sockets.join(LINK);
        let search = Search {
            sockets: std::path::absolute(sockets)?,
            state: state.to_owned(),
            boot,
            sender: sender.clone(),
        };
        std::thread::Builder::new().name("guard".into()).spawn(move || search.look())?;
        Ok(Self {
            path,
            link: None,
            gone_since: None,
            files: Files::new(),
            replaced: None,
            beneath: Vec::new(),
            taking: None,
            is_asked_again: false,
        })
    }

    /// Tells the guard something. A link that does not take it is as good as gone.
    pub fn send(&self, frame: &Frame) {
        let Some(link) = self.link.as_ref().filter(|link| link.is_shared) else { return };
        if link.socket.try_send(&frame.encode()).is_err() {
            link.socket.close();
        }
    }

    /// Whether the guard is there and speaks of the same outputs.
    pub fn is_there(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_shared)
    }

    /// Where the guard is, for those who explain.
    pub fn protection(&self) -> Protection {
        match self.link.as_ref().filter(|link| link.is_shared) {
            Some(link) => Protection::Process(link.welcome.pid),
            None => Protection::Gone(self.gone_since),
        }
    }

    /// What a reload has to say of the guard's set.
    pub fn replaced(&self) -> Replaced {
        let nothing =
            Replaced { loosenings: Vec::new(), taken: Taken::Whole, waits_for: None, session_ended: false };
        // A set that waits as a whole is none of the one that runs.
        self.replaced.clone().filter(|replaced| replaced.taken == Taken::Tightenings).unwrap_or(nothing)
    }

    /// The files of the sets below the last one, the confirmed one first, while that waits for a person.
    pub fn beneath(&self) -> Vec<Texts> {
        self.beneath.clone()
    }

    fn is(&self, connection: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.number == connection)
    }
}

/// The files of a set without its rules.
fn nouns(texts: &Texts) -> Files {
    let nouns = texts.files.iter().filter(|(name, _)| !name.starts_with("rules/"));
    nouns.map(|(name, text)| (name.clone(), Arc::clone(text))).collect()
}

// ---- on the link's own thread ----

/// What the link's thread needs to find the guard.
struct Search {
    sockets: PathBuf,
    /// The program's state folder.
    state: PathBuf,
    boot: BootId,
    sender: SyncSender<Message>,
}

impl Search {
    /// Looks for the guard until the program ends.
    fn look(&self) {
        let path = self.sockets.join(LINK);
        let mut pause = RETRY_FIRST;
        for connection in 1.. {
            let (was_there, why) = match Socket::connect(&path) {
                Ok(socket) => self.listen(connection, Arc::new(socket)),
                Err(error) => (false, format!("{}: {error}", path.display())),
            };
            if self.sender.send(Message::Guard(Box::new(GuardNews::Gone { connection, why }))).is_err() {
                return;
            }
            pause = if was_there { RETRY_FIRST } else { (pause * 2).min(RETRY_MOST) };
            std::thread::sleep(pause);
        }
    }

    /// Hears one connection to its end; whether the guard was there at all, and why it is gone.
    fn listen(&self, connection: u64, socket: Arc<Socket>) -> (bool, String) {
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        let mut portrait = Vec::new();
        let mut welcome: Option<Welcome> = None;
        loop {
            let packet = match socket.receive(&mut buffer) {
                Ok(0) => return (welcome.is_some(), "the connection ended".to_owned()),
                Ok(length) => Packet::read(buffer.get(..length).unwrap_or_default()),
                Err(error) => return (welcome.is_some(), error.to_string()),
            };
            let news = match packet {
                Err(why) => return (false, why),
                Ok(Packet::Welcome(found)) => {
                    if let Some(why) = found.refusal(self.boot) {
                        return (false, why);
                    }
                    remember_sockets(&self.state, &self.sockets);
                    welcome = Some(found);
                    continue;
                }
                Ok(Packet::Part { is_last, bytes }) => {
                    portrait.extend_from_slice(&bytes);
                    if portrait.len() > PORTRAIT_BYTES_MAX {
                        return (false, "its portrait is too long".to_owned());
                    }
                    if !is_last {
                        continue;
                    }
                    let Some(welcome) = welcome.clone() else {
                        return (false, "it did not say who it is".to_owned());
                    };
                    match Portrait::read(&std::mem::take(&mut portrait)).and_then(Reflection::of) {
                        Ok(reflection) => {
                            let socket = Arc::clone(&socket);
                            GuardNews::There(Box::new(There { connection, socket, welcome, reflection }))
                        }
                        Err(why) => return (false, why),
                    }
                }
                Ok(Packet::Step { now, inputs, digest }) => {
                    GuardNews::Step { connection, now, inputs: inputs.into_owned(), digest }
                }
                Ok(Packet::Field { bus, batch }) => {
                    GuardNews::Field { connection, bus: bus.into_owned(), batch: batch.into_owned() }
                }
                Ok(Packet::Reread(reread)) => GuardNews::Reread { connection, reread },
            };
            if self.sender.send(Message::Guard(Box::new(news))).is_err() {
                return (false, String::new());
            }
        }
    }
}

// ---- on the decision thread ----

/// Takes what comes from the guard.
pub fn hear(decision: &mut Decision, news: GuardNews) -> After {
    match news {
        GuardNews::There(there) => return meet(decision, *there),
        GuardNews::Step { connection, now, inputs, digest } => {
            if is_followed(decision, connection) {
                follow(decision, now, &inputs, digest);
            }
        }
        GuardNews::Field { connection, bus, batch } => {
            if is_followed(decision, connection) {
                // The program may be connected to the same broker as well.
                decision.hear(&format!("{bus} of the guard"), &batch);
            }
        }
        GuardNews::Reread { connection, reread } => {
            if is_heard(decision, connection) {
                return reread_done(decision, reread);
            }
        }
        GuardNews::Gone { connection, why } => part(decision, connection, &why),
    }
    After::GoOn
}

fn is_heard(decision: &Decision, connection: u64) -> bool {
    decision.carrier.process.as_ref().is_some_and(|process| process.is(connection))
}

fn is_followed(decision: &Decision, connection: u64) -> bool {
    let process = decision.carrier.process.as_ref();
    process.is_some_and(|process| process.is(connection) && process.is_there())
}

/// The guard is there, or another set is in force there: the program speaks to it, or first takes up the nouns that it
/// holds to.
fn meet(decision: &mut Decision, there: There) -> After {
    let There { connection, socket, welcome, reflection } = there;
    let now = decision.carrier.clock.now();
    let own = nouns(&decision.carrier.texts);
    let is_shared = reflection.shares(decision.running.catalog());
    let Some(process) = decision.carrier.process.as_mut() else { return After::GoOn };
    let pid = welcome.pid;
    let is_news = !process.is(connection);
    process.link = Some(Linked { number: connection, socket, welcome, is_shared });
    process.gone_since = None;
    process.files = nouns(&reflection.set.texts);
    process.replaced = reflection.replaced;
    process.beneath = reflection.beneath;
    let taking = process.taking.take();
    let was_asked_again = std::mem::take(&mut process.is_asked_again);
    let is_same = own == process.files;
    let waits = process.replaced.as_ref().is_some_and(|replaced| replaced.waits_for.is_some());
    if is_same {
        decision.carrier.beneath = process.beneath();
    }
    let refused = &mut decision.carrier.files_refused;
    if waits {
        refused.get_or_insert(FilesRefused::Waits);
    } else {
        refused.take_if(|refused| *refused == FilesRefused::Waits);
    }
    if is_news {
        let sentence = Sentence::both(|language| process_words::there(pid, language));
        tell(decision, now, Severity::Notice, sentence);
    }
    if let Some(take_over) = taking {
        let wanted = nouns(&take_over.texts);
        if decision.carrier.process.as_ref().is_some_and(|process| process.files == wanted) {
            decision.carrier.guard = reflection.guard;
            return reload::hand_over(decision, take_over);
        }
        let waits = reflection.waiting.is_some_and(|waiting| nouns(&waiting.texts) == wanted);
        let replaced = decision.carrier.process.as_ref().and_then(|process| process.replaced.clone());
        match replaced.filter(|_| waits) {
            Some(replaced) => reload::waits_for_a_person(decision, take_over, &replaced),
            None if was_asked_again => keep_asking(decision, take_over),
            None => refuse(decision, take_over, Sentence::both(process_words::other_files)),
        }
    }
    if is_shared {
        decision.carrier.guard = reflection.guard;
        shadowing::guard_there(decision, now);
        look_again(decision);
        // At once: what the guard does next goes on from here, and not from where the journal's last segment led.
        saving::checkpoint(decision, now);
        decision.session_anew();
    }
    if !is_same {
        reload::with_nouns(decision, reflection.set.texts);
    }
    After::GoOn
}

/// What the guard last answered of every output, to the engine and to who tells: what it moved meanwhile, unheard, is told
/// with the moment at which it did.
fn look_again(decision: &mut Decision) {
    let outputs = decision.running.catalog().outputs.len() as u32;
    for output in (0..outputs).map(OutputId) {
        if let Some(verdict) = decision.carrier.guard.verdict(output).copied() {
            decision.engine_hears(EngineInput::Verdict(verdict));
        }
    }
    let memory = telling::Memory::new(&decision.running, &decision.engine, &decision.carrier.guard);
    let before = std::mem::replace(&mut decision.memory, memory);
    for verdict in decision.memory.moved_since(&before) {
        decision.heard(verdict.since, telling::Said::Verdict(verdict));
    }
    decision.checkpoint_due = true;
}

/// The mirror takes a step of the guard.
fn follow(decision: &mut Decision, now: Mono, inputs: &[Input], expected: u64) {
    for input in inputs {
        if let Input::Operator { who, command } = input {
            decision.carrier.shadows.guard_command(who, *command);
        }
    }
    let mut out = decision.mirror(now, inputs);
    if digest(&out) != expected {
        // What it would say from here on is not to be believed: the portrait is asked for anew.
        if let Some(process) = &mut decision.carrier.process
            && let Some(link) = process.link.take()
        {
            link.socket.close();
            process.gone_since = Some(now);
        }
        let sentence = Sentence::both(|language| process_words::astray(language).to_owned());
        tell(decision, now, Severity::Alarm, sentence);
    }
    for said in out.drain(..) {
        match said {
            // It stands for one that the guard made itself.
            Output::Permit(_) | Output::WakeAt(_) => {}
            Output::Verdict(verdict) => {
                decision.heard(now, telling::Said::Verdict(verdict));
                decision.engine_hears(EngineInput::Verdict(verdict));
            }
            Output::Event(event) => decision.heard(now, telling::Said::Guard(event)),
        }
    }
    decision.take_back(out);
}

/// The connection is gone: what the outputs are is not known here any more.
fn part(decision: &mut Decision, connection: u64, why: &str) {
    let now = decision.carrier.clock.now();
    let Some(process) = &mut decision.carrier.process else { return };
    let was_there = process.link.take_if(|link| link.number == connection).is_some();
    let is_first = process.gone_since.is_none();
    process.gone_since.get_or_insert(now);
    process.is_asked_again = false;
    let taking = process.taking.take();
    if let Some(take_over) = taking {
        let sentence = Sentence::both(|language| process_words::unreachable(why, language));
        refuse(decision, take_over, sentence);
    }
    if was_there {
        shadowing::guard_gone(decision, now);
    }
    if was_there || is_first {
        let sentence = Sentence::both(|language| process_words::gone(why, language));
        tell(decision, now, Severity::Warning, sentence);
    }
}

/// A new set with other nouns needs the guard's word; gives it back where it needs none.
pub fn ask(decision: &mut Decision, take_over: TakeOver) -> Option<TakeOver> {
    let Some(process) = &mut decision.carrier.process else { return Some(take_over) };
    if nouns(&take_over.texts) == process.files {
        return Some(take_over);
    }
    if let Some(asked) = process.taking.as_mut().filter(|asked| asked.texts == take_over.texts) {
        // The same files, seen twice: who waits for the answer gets it.
        match (&asked.reply, &take_over.reply) {
            (None, _) => {
                *asked = take_over;
                return None;
            }
            (Some(_), None) => return None,
            (Some(_), Some(_)) => {}
        }
    }
    let before = process.taking.take();
    let is_asked = process.link.as_ref().is_some_and(|link| link.socket.try_send(REREAD).is_ok());
    process.is_asked_again = is_asked && before.is_some();
    if let Some(before) = before {
        refuse(decision, before, Sentence::both(process_words::overtaken));
    }
    if is_asked {
        keep_asking(decision, take_over);
    } else {
        let sentence = Sentence::both(|language| process_words::unreachable("", language));
        refuse(decision, take_over, sentence);
    }
    None
}

fn keep_asking(decision: &mut Decision, take_over: TakeOver) {
    if let Some(process) = &mut decision.carrier.process {
        process.taking = Some(take_over);
    }
}

/// The files changed again and are refused now: what they were before is not taken up when the guard answers.
pub fn forget_asked(decision: &mut Decision) {
    let asked = decision.carrier.process.as_mut().and_then(|process| process.taking.take());
    if let Some(take_over) = asked.filter(|asked| asked.reply.is_some()) {
        refuse(decision, take_over, Sentence::both(process_words::other_files));
    }
}

fn reread_done(decision: &mut Decision, reread: Reread) -> After {
    let Some(process) = &mut decision.carrier.process else { return After::GoOn };
    if !matches!(reread, Reread::Changed) && std::mem::take(&mut process.is_asked_again) {
        return After::GoOn;
    }
    match reread {
        // What became of it comes with the next portrait.
        Reread::Changed => {}
        Reread::Same => {
            if let Some(take_over) = process.taking.take() {
                let replaced = process.replaced.clone().filter(|replaced| replaced.taken == Taken::Nothing);
                match replaced {
                    Some(replaced) => reload::waits_for_a_person(decision, take_over, &replaced),
                    None => refuse(decision, take_over, Sentence::both(process_words::other_files)),
                }
            }
        }
        Reread::Refused { report } => {
            if let Some(take_over) = process.taking.take() {
                refuse(decision, take_over, Sentence::english(report));
            }
        }
    }
    After::GoOn
}

/// Nothing changes; who waits is told why.
fn refuse(decision: &mut Decision, take_over: TakeOver, report: Sentence) {
    let TakeOver { occasion, reply, .. } = take_over;
    let data = json!({ "error": &report.english });
    let refused = FilesRefused::Mistakes;
    reload::failed(decision, BuildFailed { occasion, refused, report, data, reply });
}

fn tell(decision: &mut Decision, now: Mono, severity: Severity, sentence: Sentence) {
    let told = Told::info("guard", "process", sentence, json!({})).severity(severity);
    decision.carrier.recorder.tell(now, &told);
}
