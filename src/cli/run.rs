//! `ballast run`: a site, until it is told to stop.

use super::Exit;
use super::arguments::Run;
use super::terminal::{BAD, Output, styled};
use crate::clock::Clock;
use crate::control::server;
use crate::runtime::carrier::Place;
use crate::runtime::message::{Message, channel};
use crate::runtime::opening::{self, OpenField, Start};
use crate::runtime::recorder::Recorder;
use crate::runtime::state::{RunningSet, decode};
use crate::site::{Built, Texts, build, state_directory};
use crate::{runtime, serving, watch};
use ballast_history::{Found, Opened, Store};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use tokio::sync::oneshot;

/// Runs the site.
pub fn run(options: &Run, output: Output) -> Exit {
    let state = state_directory(&options.site, options.state.as_deref());
    let clock = Arc::new(Clock::of_machine());
    clock.vouch(options.trust_clock);
    if let Err(error) = std::fs::create_dir_all(&state) {
        output.complain(&format!("{} cannot be made: {error}; state will not be kept", state.display()));
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.complain(&format!("the runtime does not start: {error}"));
            return Exit::Failed;
        }
    };
    let listener = match runtime.block_on(async { server::listen(&state) }) {
        Ok(listener) => Some(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            output.complain(&error.to_string());
            return Exit::Failed;
        }
        Err(error) => {
            output.complain(&styled(
                BAD,
                &format!("no control socket ({error}): `ballast why` and others will not work"),
            ));
            None
        }
    };
    let (sender, inbox) = channel();
    let (ended, has_ended) = oneshot::channel();
    let order = Order {
        place: Place { site: options.site.clone(), state, overrides: options.overrides.clone() },
        open_field: opening::field_of_buses(sender.clone(), Arc::clone(&clock), runtime.handle().clone()),
        channel: (sender.clone(), inbox),
        clock,
        output,
        is_quiet: options.quiet,
        ended,
    };
    if let Err(exit) = begin(order) {
        return exit;
    }
    let watching = if options.no_watch { None } else { watch_files(&options.site, &sender, &output) };
    runtime.block_on(serving::until_told(&options.metrics, listener, &sender, has_ended, &output));
    drop(watching);
    Exit::Done
}

/// What the decision thread needs to begin.
struct Order {
    place: Place,
    open_field: Box<OpenField>,
    channel: (SyncSender<Message>, Receiver<Message>),
    clock: Arc<Clock>,
    output: Output,
    is_quiet: bool,
    ended: oneshot::Sender<()>,
}

/// Begins the decision thread and waits until it runs.
fn begin(order: Order) -> Result<(), Exit> {
    let output = order.output;
    let (tell, told) = std::sync::mpsc::channel();
    let started = std::thread::Builder::new().name("ballast-rules".into()).spawn(move || {
        // Scripts cannot move between threads, so everything is read and compiled where it will run.
        match open(order) {
            Ok(start) => {
                let decision = opening::start(start);
                // The program waits for this.
                let _ = tell.send(Ok(()));
                runtime::finish(decision.run());
            }
            Err(exit) => {
                let _ = tell.send(Err(exit));
            }
        }
    });
    if let Err(error) = started {
        output.complain(&format!("no thread for the rules: {error}"));
        return Err(Exit::Failed);
    }
    told.recv().unwrap_or(Err(Exit::Failed))
}

/// Reads the site and what the last run left.
fn open(order: Order) -> Result<Start, Exit> {
    let Order { place, open_field, channel, clock, output, is_quiet, ended } = order;
    let texts = Texts::read(&place.site).map_err(|error| {
        output.complain(&format!("{} cannot be read: {error}", place.site.display()));
        Exit::Mistakes
    })?;
    let (store, opened) = open_store(&place.state, &clock, &output);
    let saved = opened.ok_or(Exit::Failed)?.state;
    let set = saved.as_ref().and_then(|saved| decode::<RunningSet>(saved, "plan"));
    let (built, texts) = choose(texts, set, &place.overrides, &output).ok_or(Exit::Mistakes)?;
    if !built.warnings.is_empty() {
        output.complain(&built.warnings);
    }
    let recorder = Recorder::new(store, Arc::clone(&clock), output, is_quiet);
    let ended = Some(ended);
    Ok(Start { built, texts, saved, place, clock, recorder, channel, open_field, ended })
}

/// Opens the history; control starts without it when it cannot be used, but not beside another program.
fn open_store(state: &Path, clock: &Clock, output: &Output) -> (Option<Store>, Option<Opened>) {
    let nothing = Opened { state: None, damaged_generations: 0, found: Found::Unusable, trouble: None };
    match Store::open(&state.join("ballast.db"), clock.stamp()) {
        Ok((store, opened)) => {
            match &opened.found {
                Found::Damaged { set_aside, reason } => output.complain(&styled(
                    BAD,
                    &format!(
                        "the history was damaged ({reason}) and lies at {}; a new one begins",
                        set_aside.display()
                    ),
                )),
                Found::Unusable => {
                    output.complain(&styled(BAD, "the history cannot be written; control goes on without it"))
                }
                _ => {}
            }
            (Some(store), Some(opened))
        }
        Err(ballast_history::Error::InUse { .. }) => {
            output.complain("another program already runs on this site; stop it first");
            (None, None)
        }
        Err(error) => {
            output.complain(&styled(
                BAD,
                &format!("the history cannot be used ({error}); control goes on without it"),
            ));
            (None, Some(nothing))
        }
    }
}

/// The set on disk, if it loads and did no harm before; else the set that ran last.
fn choose(
    texts: Texts,
    set: Option<RunningSet>,
    overrides: &[String],
    output: &Output,
) -> Option<(Built, Texts)> {
    let id = texts.id();
    let did_harm = set.as_ref().is_some_and(|set| set.refused.contains(&id) && set.texts.id() != id);
    if did_harm {
        output.complain(&styled(
            BAD,
            &format!("the site's files ({id}) did harm before; the last good ones run"),
        ));
    } else {
        match build(&texts, overrides) {
            Ok(built) => return Some((built, texts)),
            Err(refused) => output.complain(&refused.coloured),
        }
    }
    let last = set.filter(|set| !set.texts.files.is_empty() && set.texts.id() != id)?.texts;
    match build(&last, overrides) {
        Ok(built) => {
            output
                .complain(&styled(BAD, "the files above were not loaded: the set that ran last runs again"));
            Some((built, last))
        }
        Err(_) => None,
    }
}

/// Watches the files; a site whose files cannot be watched runs all the same.
fn watch_files(site: &Path, sender: &SyncSender<Message>, output: &Output) -> Option<watch::Watch> {
    let sender = sender.clone();
    let tell = move |_| {
        // A program that ends does not care; a full channel is tried again with the next change.
        let _ = sender.try_send(Message::FilesChanged);
    };
    match watch::SetHash::of_directory(site).and_then(|known| watch::watch(site, known, tell)) {
        Ok(watching) => Some(watching),
        Err(error) => {
            output.complain(&format!(
                "changed files will not load by themselves ({error}); use `ballast reload`"
            ));
            None
        }
    }
}
