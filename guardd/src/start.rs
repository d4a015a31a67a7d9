//! From files and memory to running threads, and the end.

use crate::arguments::Arguments;
use crate::decision::{self, Decision, Pulse};
use crate::field::{Field, Forward, Means};
use crate::keeper::Keeper;
use crate::limits::INBOX;
use crate::link::{self, Current, Service};
use crate::log::{self, Weight};
use crate::memory::{self, Found, KeptSets, KeptState, Slots};
use crate::news::News;
use crate::people::desk;
use crate::set::{self, Prepared};
use crate::timekeeper::{self, Nouns};
use crate::witness::{self, Sets};
use crate::{librarian, safe, tape};
use ballast_guard::{OperatorCommand, Who};
use ballast_host::Clock;
use ballast_host::link::packet::pieces;
use ballast_host::link::socket::Listener;
use ballast_host::link::{LINK, PEOPLE, directory};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the disk may take for the last state.
const LAST_WRITE: Duration = Duration::from_secs(3);
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
    let begin = match begin(&arguments.site, &state, &arguments.overrides) {
        Ok(begin) => begin,
        Err(Failure::Mistakes(report)) => return mistakes(&report),
        Err(Failure::Other(error)) => return failed(&error),
    };
    if arguments.make_safe {
        return safe::make_safe(begin.prepared);
    }
    match run(arguments, begin) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(unconfirmed) => failed(&format!("{unconfirmed} outputs have not confirmed their safe state")),
        Err(error) => failed(&error),
    }
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
    /// The files are others than those of the set: they come in as a change.
    files_differ: bool,
    /// What the last run left.
    kept: Option<KeptState>,
    /// Why what it left cannot be read.
    memory_lost: Option<String>,
    slots: (Slots, Slots),
    state: PathBuf,
}

/// Reads what lies there: the set that ran last, where there was one, since a restart loosens nothing.
fn begin(site: &Path, state: &Path, overrides: &[String]) -> Result<Begin, Failure> {
    let unmade = |error: io::Error| Failure::Other(format!("{} cannot be made: {error}", state.display()));
    memory::make_directory(state).map_err(unmade)?;
    let (state_slots, kept) = Slots::open::<KeptState>(state, "state");
    let (set_slots, sets) = Slots::open::<KeptSets>(state, "sets");
    let files = librarian::nouns(site);
    let mut memory_lost = None;
    let mut lose = |what: &str, why: &str| {
        memory_lost = Some(format!("{what}: {why}"));
    };
    let kept = match kept {
        Found::Nothing => None,
        Found::Kept(kept) => Some(kept),
        Found::Lost(why) => {
            lose("its state", &why);
            None
        }
    };
    let last = match sets {
        Found::Nothing => None,
        Found::Kept(sets) => match set::read(sets.confirmed, overrides) {
            Ok(prepared) => Some(prepared),
            Err(report) => {
                lose("the safety set that was in force", &report);
                None
            }
        },
        Found::Lost(why) => {
            lose("the safety set that was in force", &why);
            None
        }
    };
    let of_disk = files.and_then(|files| set::read(files, overrides));
    let (prepared, files_differ) = match (last, of_disk) {
        (Some(last), Ok(now)) => {
            let is_same = now.set.site.safety.fingerprint == last.set.site.safety.fingerprint
                && now.definitions == last.definitions;
            if is_same { (now, false) } else { (last, true) }
        }
        (Some(last), Err(report)) => {
            log::line(
                Weight::Alarm,
                &format!(
                    "{report}\nthe files above were not taken: the safety set that was in force last is"
                ),
            );
            (last, false)
        }
        (None, Ok(now)) => (now, false),
        (None, Err(report)) => return Err(Failure::Mistakes(report)),
    };
    if prepared.set.site.safety.process.is_none() {
        let text =
            "safety.yaml has no section `guard:`, so that the program itself holds the outputs of this site";
        return Err(Failure::Mistakes(text.to_owned()));
    }
    let kept = kept.map(|kept| KeptState { memory_lost: memory_lost.clone().or(kept.memory_lost), ..kept });
    let memory_lost = memory_lost.or_else(|| kept.as_ref()?.memory_lost.clone());
    Ok(Begin {
        prepared,
        files_differ,
        kept,
        memory_lost,
        slots: (state_slots, set_slots),
        state: state.to_owned(),
    })
}

/// Holds the outputs until it is told to end; how many of them had not confirmed their safe state then.
fn run(arguments: &Arguments, begin: Begin) -> Result<usize, String> {
    let Begin { prepared, files_differ, kept, memory_lost, slots, state } = begin;
    let text = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    let clock = Arc::new(Clock::of_machine());
    let now = clock.now();
    let set = Arc::clone(&prepared.set);
    let mut guard = set.guard(now);
    if let Some(kept) = kept {
        let gap = memory::gap_since(&kept.stamp, &clock.stamp());
        guard.restore(kept.state, gap, kept.stamp.mono, now);
    }
    let sets = Sets::new((&prepared).into());
    let process = set.site.safety.process.clone().unwrap_or_default();
    let sockets = directory(&process, &set.catalog.site, arguments.sockets.as_deref());
    std::fs::create_dir_all(&sockets).map_err(|error| format!("{}: {error}", sockets.display()))?;
    // Who may speak is checked by the user at the other end, and not by who can reach the file.
    let link_listener =
        Listener::bind(&sockets.join(LINK), 0o666).map_err(text("the socket of the program"))?;
    let people_listener =
        Listener::bind(&sockets.join(PEOPLE), 0o666).map_err(text("the socket for people"))?;
    let keeper = Keeper::start(&state, slots.0, slots.1).map_err(text("no thread for the disk"))?;
    keeper.sets(sets.kept());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(text("no runtime for the buses"))?;
    let (inbox, news) = sync_channel(INBOX);
    let current: Current = Arc::default();
    let forward = forward(&current);
    let means =
        Means { inbox: inbox.clone(), clock: Arc::clone(&clock), runtime: runtime.handle().clone(), forward };
    let pulse = Arc::new(Pulse::default());
    let (mut writer, reader) = tape::tape(&guard);
    let is_over = Arc::new(AtomicBool::new(false));
    let nouns: Nouns = Arc::new(Mutex::new(sets.catalog()));
    let program = Arc::new(Mutex::new(sets.program()));
    let (ask, questions) = desk::questions();
    let (callers, called) = sync_channel(16);

    // The mirror is the guard itself at this moment; from here on both take the same steps.
    let mirror = guard.clone();
    let parts = witness::Parts {
        mirror,
        sets,
        site: arguments.site.clone(),
        overrides: arguments.overrides.clone(),
        tape: reader,
        questions,
        callers: called,
        inbox: inbox.clone(),
        keeper: keeper.clone(),
        clock: Arc::clone(&clock),
        nouns: Arc::clone(&nouns),
        program: Arc::clone(&program),
        memory_lost: memory_lost.clone(),
        is_over: Arc::clone(&is_over),
    };
    let witness = std::thread::Builder::new()
        .name("witness".into())
        .spawn(move || witness::run(parts))
        .map_err(text("no thread for the witness"))?;
    writer.read_by(witness.thread().clone());
    if let Some(why) = &memory_lost {
        hold(&inbox, why, set.site.safety.fingerprint);
    }
    let field = Field::open(prepared.buses, prepared.definitions, &guard, &means);
    let decision = Decision {
        guard,
        inbox: news,
        field,
        means,
        tape: writer,
        clock: Arc::clone(&clock),
        pulse: Arc::clone(&pulse),
    };
    let deciding = std::thread::Builder::new()
        .name("decision".into())
        .spawn(move || decision::run(decision))
        .map_err(text("no thread that decides"))?;
    let (own_clock, own_inbox) = (Arc::clone(&clock), inbox.clone());
    std::thread::Builder::new()
        .name("timekeeper".into())
        .spawn(move || timekeeper::run(&own_clock, &nouns, &own_inbox))
        .map_err(text("no thread for the time"))?;
    let service = Service {
        program,
        inbox: inbox.clone(),
        callers,
        witness: witness.thread().clone(),
        pulse: Arc::clone(&pulse),
        current,
    };
    link::serve(link_listener, service).map_err(text("no thread for the program"))?;
    desk::serve(people_listener, ask.clone(), witness.thread().clone())
        .map_err(text("no thread for people"))?;
    log::line(
        Weight::Notice,
        &format!(
            "the guard holds {} outputs of {}: safety set {:016x}, sockets in {}",
            set.catalog.outputs.len(),
            set.catalog.site,
            set.site.safety.fingerprint,
            sockets.display()
        ),
    );
    let asker = Asker { ask, witness: witness.thread().clone() };
    if files_differ {
        asker.reread();
    }
    runtime.block_on(until_told(&inbox, &asker, &pulse));
    // The thread that decides has made everything safe; what it said is still to be kept.
    let _ = deciding.join();
    is_over.store(true, Ordering::Release);
    witness.thread().unpark();
    let _ = witness.join();
    keeper.flush(LAST_WRITE);
    Ok(pulse.unconfirmed.load(Ordering::Acquire))
}

/// Every output is held safe until a person resets all: what kept it there may be forgotten.
fn hold(inbox: &SyncSender<News>, why: &str, fingerprint: u64) {
    log::line(
        Weight::Alarm,
        &format!(
            "the memory of the guard is lost ({why}): every output is held safe. Look at the site, then say `ballast guard reset all`. \
             Safety set {fingerprint:016x}"
        ),
    );
    // The channel is empty: there is room, and nothing else comes before it.
    let _ = inbox.try_send(News::Person { who: Who::new(MEMORY), command: OperatorCommand::Now(None) });
}

/// What buses tell goes to the program that is connected.
fn forward(current: &Current) -> Arc<Forward> {
    let current = Arc::clone(current);
    Arc::new(move |definitions, bus, batch| {
        let outbox = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(outbox) = outbox.filter(|outbox| outbox.tells_of(definitions)) {
            pieces(bus, batch).iter().for_each(|piece| outbox.send(piece));
        }
    })
}

/// Asks the witness in the name of the process itself.
struct Asker {
    ask: SyncSender<desk::Asked>,
    witness: std::thread::Thread,
}

impl Asker {
    /// Has the files read again.
    fn reread(&self) {
        let reply = sync_channel(1).0;
        let question = ballast_host::link::people::Question::Reload;
        let asked = desk::Asked { uid: 0, user: "root".to_owned(), question, reply };
        if self.ask.try_send(asked).is_ok() {
            self.witness.unpark();
        }
    }
}

/// Until the process is told to end, or its thread that decides has ended.
async fn until_told(inbox: &SyncSender<News>, asker: &Asker, pulse: &Pulse) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        log::line(Weight::Alarm, "the process cannot hear signals");
        return;
    };
    let mut is_told = false;
    while !pulse.has_ended.load(Ordering::Acquire) {
        tokio::select! {
            _ = terminate.recv() => is_told = true,
            _ = interrupt.recv() => is_told = true,
            _ = hang_up.recv() => asker.reread(),
            () = tokio::time::sleep(Duration::from_millis(50)), if is_told => {}
            () = tokio::time::sleep(Duration::from_secs(1)), if !is_told => {}
        }
        // A full channel is tried again; the thread that decides ends by itself once it was told.
        if is_told && inbox.try_send(News::Stop).is_ok() {
            is_told = false;
        }
    }
}
