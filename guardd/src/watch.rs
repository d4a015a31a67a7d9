//! Watches over the threads, tells the supervisor that they live, and hears signals.

use crate::decision::Pulse;
use crate::log::{self, Weight};
use crate::news::News;
use crate::start::Asker;
use ballast_host::supervisor;
use ballast_words::process;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the threads are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often a stop is tried again where the channel is full, and its end awaited.
const STOPPING: Duration = Duration::from_millis(50);

/// What the process can be told from outside.
struct Told {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Told {
    fn listen() -> std::io::Result<Self> {
        let of = |kind| signal(kind);
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hang_up: of(SignalKind::hangup())?,
        })
    }
}

/// Until the process is told to end, one of its threads has ended, or the thread that decides is done.
pub(crate) async fn until_told(
    inbox: &SyncSender<News>,
    asker: &Asker,
    pulse: &Pulse,
    deciding: &JoinHandle<()>,
    witness: &JoinHandle<()>,
) {
    let mut told = match Told::listen() {
        Ok(told) => told,
        Err(error) => {
            let error = error.to_string();
            return log::tell(Weight::Alarm, |language| process::no_signals(&error, language));
        }
    };
    let mut heart = Heart::new(pulse);
    let (mut is_stopping, mut is_told) = (false, false);
    while !deciding.is_finished() {
        let pause = if is_stopping { STOPPING } else { heart.pause() };
        tokio::select! {
            _ = told.terminate.recv() => is_stopping = true,
            _ = told.interrupt.recv() => is_stopping = true,
            _ = told.hang_up.recv() => asker.reread(),
            () = tokio::time::sleep(pause) => {}
        }
        heart.beat(pulse);
        if witness.is_finished() && !is_stopping {
            log::tell(Weight::Alarm, |language| process::witness_ended(language).to_owned());
            is_stopping = true;
        }
        // A full channel is tried again; the thread that decides ends by itself once it was told.
        if is_stopping && !is_told && inbox.try_send(News::Stop).is_ok() {
            supervisor::stopping();
            is_told = true;
        }
    }
}

/// Tells the supervisor that the thread that decides turns, and nothing when it does not.
struct Heart {
    /// How often it is to be told.
    pace: Option<Duration>,
    /// When it was.
    beat: Instant,
    /// Turns that were made then.
    turns: u64,
}

impl Heart {
    fn new(pulse: &Pulse) -> Self {
        Self { pace: supervisor::pace(), beat: Instant::now(), turns: pulse.turns.load(Ordering::Acquire) }
    }

    fn pause(&self) -> Duration {
        self.pace.map_or(LOOK, |pace| pace.saturating_sub(self.beat.elapsed()).min(LOOK))
    }

    fn beat(&mut self, pulse: &Pulse) {
        let turns = pulse.turns.load(Ordering::Acquire);
        let is_due = self.pace.is_some_and(|pace| self.beat.elapsed() >= pace);
        if is_due && turns != self.turns {
            supervisor::alive();
            (self.beat, self.turns) = (Instant::now(), turns);
        }
    }
}
