//! From files and memory to running threads, and the end.

use crate::arguments::Arguments;
use crate::decision::{self, Decision, Pulse};
use crate::field::{Field, Forward, Means};
use crate::keeper::Keeper;
use crate::limits::INBOX;
use crate::link::{self, Caller, Current, Service};
use crate::log::{self, Weight};
use crate::memory::{self, Found, KeptSets, KeptState, Slots};
use crate::news::News;
use crate::people::desk;
use crate::relay::Relay;
use crate::set::{self, Prepared};
use crate::timekeeper::{self, Nouns};
use crate::watch::until_told;
use crate::witness::{self, Sets};
use crate::{librarian, safe, tape};
use ballast_drivers::Reach;
use ballast_guard::plan::Process;
use ballast_guard::{Guard, OperatorCommand, Who};
use ballast_host::Clock;
use ballast_host::confine::{Needs, Role, confine};
use ballast_host::hold::{self, Held, Hold};
use ballast_host::link::mirror::NounSet;
use ballast_host::link::socket::Listener;
use ballast_host::link::{LINK, PEOPLE, directory};
use ballast_host::nouns::Given;
use ballast_host::supervisor;
use ballast_words::language::Language;
use ballast_words::process;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the disk may take for the last state.
const LAST_WRITE: Duration = Duration::from_secs(3);
/// Programs that have connected and were not taken up yet.
const CALLERS: usize = 16;
/// Who holds everything safe after the memory was lost.
const MEMORY: &str = "memory";

/// The program.
pub fn main(arguments: &Arguments) -> ExitCode {
    if arguments.check {
        return match librarian::read(&arguments.site, &arguments.overrides) {
            Ok(_) => ExitCode::SUCCESS,
            Err(report) => mistakes(&report),
        };
    }
    let state = arguments.state.clone().unwrap_or_else(|| arguments.site.join(".ballast-guard"));
    let held = if arguments.make_safe { Ok(Vec::new()) } else { hold_outputs(&arguments.site, &state) };
    let (held, begin) = match held.and_then(|held| Ok((held, begin(arguments, &state)?))) {
        Ok(both) => both,
        Err(Failure::Mistakes(report)) => return mistakes(&report),
        Err(Failure::Other(error)) => return failed(&error),
    };
    if arguments.make_safe {
        return make_safe(arguments, begin);
    }
    let ended = run(arguments, begin);
    drop(held);
    match ended {
        Ok(0) => ExitCode::SUCCESS,
        Ok(unconfirmed) => failed(&process::unconfirmed(unconfirmed, log::language())),
        Err(error) => failed(&error),
    }
}

/// Makes safe, also beside whoever holds the outputs: that one may be frozen. What it does afterwards is its own, so that
/// nobody must take the outputs to be safe for good.
fn make_safe(arguments: &Arguments, begin: Begin) -> ExitCode {
    let made = safe::make_safe(begin.prepared, &begin.sets);
    if hold::look(&arguments.site) != Held::Yes {
        return made;
    }
    log::tell(Weight::Alarm, |language| process::somebody_holds(language).to_owned());
    ExitCode::FAILURE
}

/// From before its memory is read until its last state is kept, no other process holds the outputs of the site, and none
/// writes into the same memory.
fn hold_outputs(site: &Path, state: &Path) -> Result<Vec<Hold>, Failure> {
    let mut held = Vec::new();
    let is_same = |other: &Path| same_folder(site, other);
    for (folder, is_site) in [(site, true), (state, false)] {
        if !is_site && (is_same(folder) || memory::make_directory(folder).is_err()) {
            continue;
        }
        let shown = folder.display().to_string();
        match hold::take(folder) {
            Ok(Some(hold)) => held.push(hold),
            Ok(None) => {
                return Err(Failure::Other(process::held_already(&shown, is_site, log::language())));
            }
            // Whether there is a folder at all is told by who reads it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let error = error.to_string();
                log::tell(Weight::Warning, |language| process::not_held(&shown, &error, language));
            }
        }
    }
    Ok(held)
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let of = |path: &Path| std::fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    of(one).is_some_and(|one| Some(one) == of(other))
}

fn mistakes(report: &str) -> ExitCode {
    log::line(Weight::Alarm, report);
    ExitCode::from(2)
}

fn failed(error: &str) -> ExitCode {
    log::line(Weight::Alarm, error);
    ExitCode::FAILURE
}

/// Why the guard does not begin.
enum Failure {
    /// The files have mistakes.
    Mistakes(String),
    /// Something else.
    Other(String),
}

/// What a start begins with.
struct Begin {
    /// The set.
    prepared: Prepared,
    /// It, and what lies below it.
    sets: Sets,
    /// The files are others than those of the set: they come in as a change.
    files_differ: bool,
    /// What it must reach under the set and under those files.
    reach: Reach,
    /// What the last run left.
    kept: Option<KeptState>,
    /// Why what it left cannot be read.
    memory_lost: Option<String>,
    slots: (Slots, Slots),
    state: PathBuf,
}

/// Reads what lies there: the set that ran last, where there was one, since a restart loosens nothing.
fn begin(arguments: &Arguments, state: &Path) -> Result<Begin, Failure> {
    let (site, overrides) = (&arguments.site, &arguments.overrides);
    let unmade = |error: io::Error| {
        let (path, error) = (state.display().to_string(), error.to_string());
        Failure::Other(process::unmade(&path, &error, log::language()))
    };
    match memory::make_directory(state) {
        // Whoever makes safe keeps nothing: a disk that takes nothing must not stop it.
        Err(error) if !arguments.make_safe => return Err(unmade(error)),
        _ => {}
    }
    let (state_slots, kept) = Slots::open::<KeptState>(state, "state");
    let (set_slots, sets) = Slots::open::<KeptSets>(state, "sets");
    let files = librarian::nouns(site);
    let mut memory_lost = None;
    let kept = found(kept.of_this_version(), true, &mut memory_lost);
    let last = found(sets, false, &mut memory_lost).and_then(|sets| {
        let last = Last::read(sets, Given::at(site, overrides));
        last.map_err(|report| memory_lost = Some(lost(false, &report))).ok()
    });
    let of_disk = files.and_then(|files| set::read(files, Given::at(site, overrides)));
    let (Last { prepared, sets }, mut reach, files_differ) = choose(last, of_disk)?;
    if sets.process().is_none() && !arguments.make_safe {
        return Err(Failure::Mistakes(process::no_section(log::language()).to_owned()));
    }
    reach.merge(prepared.reach.clone());
    let kept = kept.map(|kept| KeptState { memory_lost: memory_lost.clone().or(kept.memory_lost), ..kept });
    let memory_lost = memory_lost.or_else(|| kept.as_ref()?.memory_lost.clone());
    Ok(Begin {
        prepared,
        sets,
        files_differ,
        reach,
        kept,
        memory_lost,
        slots: (state_slots, set_slots),
        state: state.to_owned(),
    })
}

/// What is lost, as the alarm and `guard status` say it.
fn lost(is_state: bool, why: &str) -> String {
    format!("{}: {why}", process::part_lost(is_state, Language::En))
}

/// What was kept. One of two copies that went is told; where it may have been the newest, what is left goes on, and everything is
/// held safe, as where nothing is left: what the newest one held may be a latch or a person's "now".
fn found<T>(found: Found<T>, is_state: bool, memory_lost: &mut Option<String>) -> Option<T> {
    match found {
        Found::Nothing => None,
        Found::Kept(kept) => Some(kept),
        Found::Beside(kept, why) => {
            log::tell(Weight::Warning, |language| {
                process::slot_damaged(process::part_lost(is_state, language), &why, language)
            });
            Some(kept)
        }
        Found::Older(kept, why) => {
            log::tell(Weight::Alarm, |language| {
                process::newest_lost(process::part_lost(is_state, language), &why, language)
            });
            *memory_lost = Some(lost(is_state, &why));
            Some(kept)
        }
        Found::Lost(why) => {
            *memory_lost = Some(lost(is_state, &why));
            None
        }
    }
}

/// A set to begin with, and what lies below it while a person has not confirmed what it loosens.
struct Last {
    prepared: Prepared,
    sets: Sets,
}

impl Last {
    /// One set alone.
    fn of(prepared: Prepared) -> Self {
        let sets = Sets::new((&prepared).into());
        Self { prepared, sets }
    }

    /// What the last run held to.
    fn read(kept: KeptSets, given: Given<'_>) -> Result<Self, String> {
        let mut beneath = Vec::new();
        let mut prepared = set::read(kept.confirmed, given)?;
        for texts in kept.later {
            beneath.push((&prepared).into());
            prepared = set::read(texts, given)?;
        }
        let sets = Sets::together(beneath, (&prepared).into());
        let sets = sets.ok_or("the sets that were kept cannot be in force together")?;
        Ok(Self { prepared, sets })
    }
}

/// What it begins with, what the files on disk reach beyond it, and whether they differ from it.
fn choose(last: Option<Last>, of_disk: Result<Prepared, String>) -> Result<(Last, Reach, bool), Failure> {
    match (last, of_disk) {
        (Some(Last { prepared, mut sets }), Ok(now)) => {
            let is_same = now.set.site.safety.fingerprint == prepared.set.site.safety.fingerprint
                && now.definitions == prepared.definitions;
            let reach = now.reach.clone();
            if !is_same {
                return Ok((Last { prepared, sets }, reach, true));
            }
            // Another comment, perhaps.
            sets.rewrite(&now);
            Ok((Last { prepared: now, sets }, reach, false))
        }
        (Some(last), Err(report)) => {
            log::tell(Weight::Alarm, |language| process::last_in_force(&report, language));
            Ok((last, Reach::default(), false))
        }
        (None, Ok(now)) => Ok((Last::of(now), Reach::default(), false)),
        (None, Err(report)) => Err(Failure::Mistakes(report)),
    }
}

/// Holds the outputs until it is told to end; how many of them had not confirmed their safe state then.
fn run(arguments: &Arguments, begin: Begin) -> Result<usize, String> {
    let Begin { prepared, sets, files_differ, reach, kept, memory_lost, slots, state } = begin;
    let clock = Arc::new(Clock::of_machine());
    let set = Arc::clone(&prepared.set);
    let guard = guard(&sets, kept, &clock);
    let waits_for = guard.waits_for();
    let process = sets.process().cloned().unwrap_or_default();
    let sockets = Sockets::open(&process, &set.catalog.site, arguments)?;
    // Before the first thread: they inherit it.
    give_up(&arguments.site, &state, &sockets.directory, reach);
    let keeper = Keeper::start(&state, slots.0, slots.1).map_err(no_thread)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| process::no_runtime(&error.to_string(), log::language()))?;
    let (inbox, news) = sync_channel(INBOX);
    let current: Current = Arc::default();
    let relay = Arc::new(Relay::new(Arc::clone(&current)));
    let shared = Shared::new(inbox, &clock, &set);
    let (mut writer, reader) = tape::tape(&guard);
    let (ask, questions) = desk::questions();
    let (callers, called) = sync_channel(CALLERS);
    // The mirror is the guard itself at this moment; from here on both take the same steps.
    keeper.sets(sets.kept());
    *shared.program.lock().unwrap_or_else(PoisonError::into_inner) = sets.program();
    let parts = witness::Parts {
        mirror: guard.clone(),
        sets,
        site: arguments.site.clone(),
        overrides: arguments.overrides.clone(),
        tape: reader,
        questions,
        callers: called,
        inbox: shared.inbox.clone(),
        keeper: keeper.clone(),
        clock,
        nouns: Arc::clone(&shared.nouns),
        program: Arc::clone(&shared.program),
        memory_lost: memory_lost.clone(),
        relay: Arc::clone(&relay),
        is_over: Arc::clone(&shared.is_over),
    };
    let witness = start_thread("witness", move || witness::run(parts))?;
    writer.read_by(witness.thread().clone());
    if let Some(why) = &memory_lost {
        hold(&shared.inbox, why, set.site.safety.fingerprint);
    }
    let deciding = shared.decide(guard, prepared, news, writer, runtime.handle().clone(), relay)?;
    let own = shared.clone();
    start_thread("timekeeper", move || timekeeper::run(&own.clock, &own.nouns, &own.inbox))?;
    let asker = Asker { ask, witness: witness.thread().clone() };
    let directory = sockets.serve(&shared, &asker, callers, current)?;
    tell_start(&set, &directory, waits_for);
    if files_differ {
        asker.reread();
    }
    runtime.block_on(until_told(&shared.inbox, &asker, &shared.pulse, &deciding, &witness));
    // The thread that decides has made everything safe; what it said is still to be kept.
    let is_whole = deciding.join().is_ok();
    shared.is_over.store(true, Ordering::Release);
    witness.thread().unpark();
    let _ = witness.join();
    keeper.flush(LAST_WRITE);
    if !is_whole {
        return Err(process::decision_failed(log::language()).to_owned());
    }
    Ok(shared.pulse.unconfirmed.load(Ordering::Acquire))
}

/// A guard that goes on from what the last run left.
fn guard(sets: &Sets, kept: Option<KeptState>, clock: &Clock) -> Guard {
    let now = clock.now();
    let mut guard = sets.guard(now);
    if let Some(kept) = kept {
        let gap = memory::gap_since(&kept.stamp, &clock.stamp());
        guard.restore(kept.state, gap, kept.stamp.mono, now);
    }
    guard
}

/// Everything but what it goes on needing.
fn give_up(site: &Path, state: &Path, sockets: &Path, reach: Reach) {
    let mut needs = Needs::new();
    needs.reads.insert(site.to_owned());
    needs.writes.extend([state.to_owned(), sockets.to_owned()]);
    needs.reach(reach);
    let confined = confine(Role::Guard, &needs);
    let weight = if confined.is_whole() { Weight::Info } else { Weight::Warning };
    let gave_up = [confined.files, confined.ports, confined.signals, confined.calls];
    log::tell(weight, |language| process::confined(gave_up, &confined.lacks, language));
}

fn start_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<std::thread::JoinHandle<T>, String> {
    std::thread::Builder::new().name(name.into()).spawn(work).map_err(no_thread)
}

fn no_thread(error: io::Error) -> String {
    process::no_threads(&error.to_string(), log::language())
}

fn tell_start(set: &NounSet, sockets: &Path, waits_for: Option<u64>) {
    let (count, site) = (set.catalog.outputs.len(), &set.catalog.site);
    let print = set.site.safety.fingerprint;
    let text = process::holds(count, site, print, &sockets.display().to_string(), log::language());
    log::line(Weight::Notice, &text);
    if let Some(print) = waits_for {
        log::tell(Weight::Warning, |language| process::waits(print, language));
    }
    supervisor::ready(&text);
}

/// What several threads have in common.
#[derive(Clone)]
struct Shared {
    inbox: SyncSender<News>,
    clock: Arc<Clock>,
    pulse: Arc<Pulse>,
    is_over: Arc<AtomicBool>,
    program: Arc<Mutex<Option<u32>>>,
    nouns: Nouns,
}

impl Shared {
    fn new(inbox: SyncSender<News>, clock: &Arc<Clock>, set: &NounSet) -> Shared {
        Shared {
            inbox,
            clock: Arc::clone(clock),
            pulse: Arc::default(),
            is_over: Arc::default(),
            program: Arc::default(),
            nouns: Arc::new(Mutex::new(Arc::clone(&set.catalog))),
        }
    }

    /// Opens the buses and starts the thread that decides.
    fn decide(
        &self,
        guard: Guard,
        prepared: Prepared,
        inbox: Receiver<News>,
        tape: tape::Writer,
        runtime: tokio::runtime::Handle,
        forward: Arc<dyn Forward>,
    ) -> Result<std::thread::JoinHandle<()>, String> {
        let (clock, pulse) = (Arc::clone(&self.clock), Arc::clone(&self.pulse));
        let means = Means { inbox: self.inbox.clone(), clock: Arc::clone(&clock), runtime, forward };
        let field = Field::open(prepared.buses, prepared.definitions, &guard, &means);
        let decision = Decision { guard, inbox, field, means, tape, clock, pulse };
        start_thread("decision", move || decision::run(decision))
    }
}

/// The two sockets.
struct Sockets {
    directory: PathBuf,
    link: Listener,
    people: Listener,
}

/// Makes a directory that everybody may enter, whatever files of this process are otherwise.
fn make_reachable(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(directory)?;
    std::fs::set_permissions(directory, Permissions::from_mode(0o755))
}

impl Sockets {
    /// Who may speak is checked by the user at the other end, and not by who can reach the file.
    fn open(process: &Process, site: &str, arguments: &Arguments) -> Result<Self, String> {
        let directory = directory(process, site, arguments.sockets.as_deref());
        make_reachable(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let listen = |name: &str| {
            let path = directory.join(name);
            Listener::bind(&path, 0o666).map_err(|error| format!("{}: {error}", path.display()))
        };
        let (link, people) = (listen(LINK)?, listen(PEOPLE)?);
        Ok(Self { directory, link, people })
    }

    /// Takes up programs and people.
    fn serve(
        self,
        shared: &Shared,
        asker: &Asker,
        callers: SyncSender<Caller>,
        current: Current,
    ) -> Result<PathBuf, String> {
        let service = Service {
            program: Arc::clone(&shared.program),
            inbox: shared.inbox.clone(),
            callers,
            witness: asker.witness.clone(),
            pulse: Arc::clone(&shared.pulse),
            current,
            not_before: Mutex::default(),
        };
        link::serve(self.link, service).map_err(no_thread)?;
        desk::serve(self.people, asker.ask.clone(), asker.witness.clone()).map_err(no_thread)?;
        Ok(self.directory)
    }
}

/// Every output is held safe until a person resets all: what kept it there may be forgotten.
fn hold(inbox: &SyncSender<News>, why: &str, fingerprint: u64) {
    log::tell(Weight::Alarm, |language| process::memory_lost(why, fingerprint, language));
    // The channel is empty: there is room, and nothing else comes before it.
    let _ = inbox.try_send(News::Person { who: Who::new(MEMORY), command: OperatorCommand::Now(None) });
}

/// Asks the witness in the name of the process itself.
pub(crate) struct Asker {
    ask: SyncSender<desk::Asked>,
    witness: std::thread::Thread,
}

impl Asker {
    /// Has the files read again.
    pub(crate) fn reread(&self) {
        let reply = sync_channel(1).0;
        let question = ballast_host::link::people::Question::Reload;
        let asked = desk::Asked { uid: 0, user: "root".to_owned(), question, reply };
        if self.ask.try_send(asked).is_ok() {
            self.witness.unpark();
        }
    }
}
