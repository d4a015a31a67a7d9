//! `ballast run`: a site, until it is told to stop.

use super::Exit;
use super::arguments::Run;
use super::confinement;
use super::terminal::{BAD, LOOK, Output, styled, width_of_errors};
use crate::control::server;
use crate::report::language::say;
use crate::report::process_words;
use crate::runtime::carrier::Place;
use crate::runtime::choice::{Choice, choose};
use crate::runtime::heartbeat::Heartbeat;
use crate::runtime::message::{Message, channel};
use crate::runtime::opening::{self, OpenField, Start};
use crate::runtime::recorder::{Recorder, ShowLine};
use crate::runtime::remembered::{Remembered, remembered};
use crate::runtime::state::{RunningSet, decode};
use crate::serving::Finding;
use crate::site::{SetId, Texts, state_directory};
use crate::{runtime, serving, watch};
use ballast_history::{Found, Opened, Store};
use ballast_host::Clock;
use ballast_host::hold::{self, Hold};
use ballast_host::link::sockets_of;
use ballast_words::process;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The history's file in the state directory.
const DATABASE: &str = "ballast.db";

/// Runs the site.
pub fn run(options: &Run, output: Output) -> Exit {
    let clock = Arc::new(Clock::of_machine());
    if options.trust_clock {
        clock.trust_always();
    }
    let state = state_directory(&options.site, options.state.as_deref());
    let sockets = sockets_of(&options.site, &state, options.guard.as_deref());
    let undertaking = Undertaking {
        site: &options.site,
        holds: sockets.is_none(),
        state,
        overrides: options.overrides.clone(),
        clock: Arc::clone(&clock),
        metrics: &options.metrics,
        is_quiet: options.quiet,
        is_watched: !options.no_watch,
        lasting: None,
        show_line: None,
        sockets,
    };
    let state = undertaking.state.clone();
    let has_process = undertaking.sockets.is_some();
    carry_out(undertaking, output, |sender, runtime| {
        opening::field_of_buses(sender, clock, runtime, &state, has_process)
    })
}

/// A site that is to run, on equipment or on a simulated plant.
pub(super) struct Undertaking<'a> {
    pub(super) site: &'a Path,
    /// Whether it holds the outputs of a real site itself.
    pub(super) holds: bool,
    pub(super) state: PathBuf,
    pub(super) overrides: Vec<String>,
    pub(super) clock: Arc<Clock>,
    /// Where metrics are served; `off` for nowhere.
    pub(super) metrics: &'a str,
    pub(super) is_quiet: bool,
    /// Whether changed files load by themselves.
    pub(super) is_watched: bool,
    /// Ends after this time on the wall.
    pub(super) lasting: Option<Duration>,
    /// Where lines for people go instead of the standard output.
    pub(super) show_line: Option<ShowLine>,
    /// Where the guard listens, where it is a process of its own.
    pub(super) sockets: Option<PathBuf>,
}

/// Runs until it is told to stop.
pub(super) fn carry_out(
    undertaking: Undertaking<'_>,
    output: Output,
    open_field: impl FnOnce(SyncSender<Message>, Handle) -> Box<OpenField>,
) -> Exit {
    ballast_allocator::keep_little();
    let Undertaking {
        site,
        holds,
        state,
        overrides,
        clock,
        metrics,
        is_quiet,
        is_watched,
        lasting,
        show_line,
        sockets,
    } = undertaking;
    // Before anything is made: a name that was mistyped leaves nothing behind.
    if let Err(exit) = is_site(site, &state, &output) {
        return exit;
    }
    make_directory(&state, &output);
    let heartbeat =
        if clock.is_made_up() { Heartbeat::default() } else { Heartbeat::open(&state, clock.stamp().boot) };
    if sockets.is_some() {
        confinement::give_up(site, &state, &overrides, metrics, &output);
    }
    let runtime = match start_runtime(&output) {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let listener = match listen(&runtime, &state, &output) {
        Ok(listener) => listener,
        Err(exit) => return exit,
    };
    let held = match if holds { hold_outputs(site, &output) } else { Ok(None) } {
        Ok(held) => held,
        Err(exit) => return exit,
    };
    let (sender, inbox) = channel();
    let (ended, has_ended) = oneshot::channel();
    let order = Order {
        place: Place { site: site.to_owned(), state, overrides },
        open_field: open_field(sender.clone(), runtime.handle().clone()),
        channel: (sender.clone(), inbox),
        clock,
        heartbeat,
        output,
        is_quiet,
        show_line,
        sockets,
        ended,
    };
    let told = runtime.block_on(async { serving::Told::listen() });
    let on_disk = match begin(order) {
        Ok(on_disk) => on_disk,
        Err(exit) => return exit,
    };
    let watching = if is_watched { watch_files(site, on_disk, &sender, &output) } else { None };
    if let Some(lasting) = lasting {
        runtime.spawn(stop_after(lasting, sender.clone()));
    }
    let finding = finding(watching.as_ref());
    runtime.block_on(serving::until_told(metrics, finding, listener, &sender, has_ended, told, &output));
    drop((watching, held));
    Exit::Done
}

/// How changed files are found.
fn finding(watching: Option<&watch::Watch>) -> Finding {
    match watching {
        None => Finding::Nothing,
        Some(watching) if watching.trouble().is_some() => Finding::Looked,
        Some(_) => Finding::Told,
    }
}

/// Nobody else holds the outputs of this site: another program, or a guard of which its files say nothing any more.
fn hold_outputs(site: &Path, output: &Output) -> Result<Option<Hold>, Exit> {
    let shown = site.display().to_string();
    match hold::take(site) {
        Ok(Some(hold)) => Ok(Some(hold)),
        Ok(None) => {
            let text = process_words::held(&shown, output.language_of_answers());
            Err(output.refuse(Exit::Failed, &text))
        }
        Err(error) => {
            output.complain(&process::not_held(&shown, &error.to_string(), output.language));
            Ok(None)
        }
    }
}

/// Where state is kept; without it the site runs all the same.
fn make_directory(state: &Path, output: &Output) {
    if let Err(error) = std::fs::create_dir_all(state) {
        let shown = state.display();
        output.complain(&say!(
            output.language,
            "{shown} cannot be made: {error}; state will not be kept",
            "{shown} ne peut pas être créé : {error} ; l'état ne sera pas gardé"
        ));
    }
}

/// Whether there is a site, or what one left that ran here.
fn is_site(site: &Path, state: &Path, output: &Output) -> Result<(), Exit> {
    let shown = site.display();
    if let Err(error) = std::fs::read_dir(site) {
        return Err(output.refuse(Exit::Mistakes, &output.unreadable(site, &error)));
    }
    if site.join("site.yaml").exists() || state.join(DATABASE).exists() {
        return Ok(());
    }
    let text = process::no_site(&shown.to_string(), output.language_of_answers());
    Err(output.refuse(Exit::Mistakes, &text))
}

/// For `--for`.
async fn stop_after(lasting: Duration, sender: SyncSender<Message>) {
    tokio::time::sleep(lasting).await;
    serving::stop(&sender).await;
}

/// What buses and servers run on.
fn start_runtime(output: &Output) -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        let text = say!(
            output.language_of_answers(),
            "the runtime does not start: {error}",
            "l'environnement d'exécution ne démarre pas : {error}"
        );
        output.refuse(Exit::Failed, &text)
    })
}

/// Opens the control socket; a site runs without it, but not beside another program.
fn listen(
    runtime: &tokio::runtime::Runtime,
    state: &Path,
    output: &Output,
) -> Result<Option<server::Listener>, Exit> {
    match runtime.block_on(async { server::listen(state) }) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let shown = state.display();
            let text = say!(
                output.language_of_answers(),
                "{error}",
                "un autre programme tourne déjà sur ce site ({shown} répond)"
            );
            Err(output.refuse(Exit::Failed, &text))
        }
        Err(error) => {
            let text = say!(
                output.language,
                "no control socket ({error}): `ballast why` and others will not work",
                "pas de socket de commande ({error}) : `ballast why` et d'autres ne répondront pas"
            );
            output.complain(&styled(BAD, &text));
            Ok(None)
        }
    }
}

/// What the decision thread needs to begin.
struct Order {
    place: Place,
    open_field: Box<OpenField>,
    channel: (SyncSender<Message>, Receiver<Message>),
    clock: Arc<Clock>,
    heartbeat: Heartbeat,
    output: Output,
    is_quiet: bool,
    show_line: Option<ShowLine>,
    sockets: Option<PathBuf>,
    ended: oneshot::Sender<()>,
}

/// Begins the decision thread and waits until it runs; gives the set that lay on the disk.
fn begin(order: Order) -> Result<SetId, Exit> {
    let output = order.output;
    let (tell, told) = std::sync::mpsc::channel();
    let started = std::thread::Builder::new().name("ballast-rules".into()).spawn(move || {
        // Scripts cannot move between threads, so everything is read and compiled where it will run.
        match open(order) {
            Ok((start, on_disk)) => {
                let decision = opening::start(start);
                // The program waits for this.
                let _ = tell.send(Ok(on_disk));
                runtime::finish(decision.run());
            }
            Err(exit) => {
                let _ = tell.send(Err(exit));
            }
        }
    });
    if let Err(error) = started {
        let text = say!(
            output.language_of_answers(),
            "no thread for the rules: {error}",
            "pas de fil d'exécution pour les règles : {error}"
        );
        return Err(output.refuse(Exit::Failed, &text));
    }
    told.recv().unwrap_or(Err(Exit::Failed))
}

/// Reads the site and what the last run left.
fn open(order: Order) -> Result<(Start, SetId), Exit> {
    let Order { place, open_field, channel, clock, heartbeat, output, is_quiet, show_line, sockets, ended } =
        order;
    let texts = Texts::read(&place.site)
        .map_err(|error| output.refuse(Exit::Mistakes, &output.unreadable(&place.site, &error)))?;
    let on_disk = texts.id();
    let (store, opened) = open_store(&place.state, &clock, &output);
    let opened = opened.ok_or(Exit::Failed)?;
    let Remembered { saved, lost: memory_lost } = remembered(opened, output.language);
    let set = saved.as_ref().and_then(|saved| decode::<RunningSet>(saved, "plan"));
    let choice = choose(texts, set, place.given(), &output).map_err(|found| output.mistakes(None, &found))?;
    let Choice { built, texts, beneath, reload, trial, refused: files_refused, lost } = choice;
    if reload {
        // The channel is empty: there is room.
        let _ = channel.0.try_send(Message::FilesChanged(None));
    }
    if !built.warnings.is_empty() {
        output.complain(&built.drawing.coloured(width_of_errors()));
    }
    let mut recorder = Recorder::new(store, Arc::clone(&clock), output, is_quiet);
    if let Some(show_line) = show_line {
        recorder.show_through(show_line);
    }
    let ended = Some(ended);
    let start = Start {
        built,
        texts,
        beneath,
        files_refused,
        trial,
        saved,
        memory_lost: memory_lost.or(lost),
        heartbeat,
        place,
        clock,
        recorder,
        channel,
        open_field,
        sockets,
        ended,
        is_fleeting: false,
    };
    Ok((start, on_disk))
}

/// Opens the history; control starts without it when it cannot be used, but not beside another program.
fn open_store(state: &Path, clock: &Clock, output: &Output) -> (Option<Store>, Option<Opened>) {
    let nothing =
        Opened { state: None, damaged_generations: 0, outdated: None, found: Found::Unusable, trouble: None };
    match Store::open(&state.join(DATABASE), clock.stamp()) {
        Ok((store, opened)) => {
            match &opened.found {
                Found::Damaged { set_aside, reason } => {
                    let shown = set_aside.display();
                    let text = say!(
                        output.language,
                        "the history was damaged ({reason}) and lies at {shown}; a new one begins",
                        "l'historique était abîmé ({reason}) et se trouve dans {shown} ; un nouveau commence"
                    );
                    output.complain(&styled(BAD, &text));
                }
                Found::Unusable => {
                    let text = output.say(
                        "the history cannot be written; control goes on without it",
                        "l'historique ne peut pas être écrit ; la conduite continue sans lui",
                    );
                    output.complain(&styled(BAD, text));
                }
                _ => {}
            }
            (Some(store), Some(opened))
        }
        Err(ballast_history::Error::InUse { .. }) => {
            let text = output.language_of_answers().say(
                "another program already runs on this site; stop it first",
                "un autre programme tourne déjà sur ce site ; arrêtez-le d'abord",
            );
            output.refuse(Exit::Failed, text);
            (None, None)
        }
        Err(error) => {
            let text = say!(
                output.language,
                "the history cannot be used ({error}); control goes on without it",
                "l'historique ne peut pas servir ({error}) ; la conduite continue sans lui"
            );
            output.complain(&styled(BAD, &text));
            (None, Some(nothing))
        }
    }
}

/// Watches the files; a site whose files cannot be watched runs all the same.
fn watch_files(
    site: &Path,
    on_disk: SetId,
    sender: &SyncSender<Message>,
    output: &Output,
) -> Option<watch::Watch> {
    let sender = sender.clone();
    let tell = move |still| {
        // A program that ends does not care; a full channel is tried again with the next change.
        let _ = sender.try_send(Message::FilesChanged(Some(still)));
    };
    match watch::watch(site, on_disk, tell) {
        Ok(watching) => {
            if let Some(why) = watching.trouble() {
                let text = say!(
                    output.language,
                    "the kernel does not tell of changed files ({why}): they load some seconds later; `ballast reload` loads them at once",
                    "le noyau ne signale pas les fichiers changés ({why}) : ils se chargent quelques secondes plus tard ; `ballast reload` les charge aussitôt"
                );
                output.complain(&styled(LOOK, &text));
            }
            Some(watching)
        }
        Err(error) => {
            output.complain(&say!(
                output.language,
                "changed files will not load by themselves ({error}); use `ballast reload`",
                "les fichiers changés ne se chargeront pas d'eux-mêmes ({error}) ; dites `ballast reload`"
            ));
            None
        }
    }
}
