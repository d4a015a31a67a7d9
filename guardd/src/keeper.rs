//! Writes to the disk, on a thread of its own: the state, the sets, the audit log.
//!
//! A disk that is full or slow stops nobody: a newer state takes the place of one that waits. Only what a person did is not
//! answered before it is on the disk.

use crate::limits::DISK_JOBS;
use crate::log::{self, Weight};
use crate::memory::{KeptSets, KeptState, Slots};
use ballast_words::process;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// The name of the audit log.
pub const AUDIT: &str = "audit.jsonl";

/// What is to be written.
enum Job {
    State(Box<KeptState>),
    Sets(Box<KeptSets>),
    Audit {
        line: String,
        then: Then,
    },
    /// Answers once everything before it was tried.
    Flush(SyncSender<()>),
}

/// What is done once something is on the disk; it is told whether it is.
pub type Then = Box<dyn FnOnce(io::Result<()>) + Send>;

/// The way to the thread.
#[derive(Clone)]
pub struct Keeper(SyncSender<Job>);

/// What the thread owns.
struct Disk {
    state: Slots,
    sets: Slots,
    audit: PathBuf,
    /// It did not take the last write; said once.
    is_troubled: bool,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// The machine has no more threads.
    pub fn start(directory: &Path, state: Slots, sets: Slots) -> io::Result<Self> {
        let (sender, jobs) = sync_channel(DISK_JOBS);
        let disk = Disk { state, sets, audit: directory.join(AUDIT), is_troubled: false };
        std::thread::Builder::new().name("keeper".into()).spawn(move || disk.run(&jobs))?;
        Ok(Self(sender))
    }

    /// Keeps a state; whether there was room for it. One that found none is superseded by the next.
    pub fn state(&self, state: KeptState) -> bool {
        self.0.try_send(Job::State(Box::new(state))).is_ok()
    }

    /// Keeps the sets.
    pub fn sets(&self, sets: KeptSets) -> bool {
        self.0.try_send(Job::Sets(Box::new(sets))).is_ok()
    }

    /// Adds a line to the audit log, and does the rest when it is on the disk or cannot be.
    pub fn audit(&self, line: String, then: Then) {
        match self.0.try_send(Job::Audit { line, then }) {
            Ok(()) => {}
            Err(
                TrySendError::Full(Job::Audit { then, .. })
                | TrySendError::Disconnected(Job::Audit { then, .. }),
            ) => {
                then(Err(io::ErrorKind::ResourceBusy.into()));
            }
            Err(_) => {}
        }
    }

    /// Waits until everything that was given was tried, or the patience is over.
    pub fn flush(&self, patience: std::time::Duration) {
        let (done, is_done) = sync_channel(1);
        if self.0.try_send(Job::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(patience);
        }
    }
}

impl Disk {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::State(state) => {
                    let written = self.state.write(&state);
                    self.tell(&written);
                }
                Job::Sets(sets) => {
                    let written = self.sets.write(&sets);
                    self.tell(&written);
                }
                Job::Audit { line, then } => {
                    let written = self.append(&line);
                    self.tell(&written);
                    then(written);
                }
                // Who waited may be gone.
                Job::Flush(done) => drop(done.try_send(())),
            }
        }
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let is_new = !self.audit.exists();
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.audit)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()?;
        if is_new && let Some(directory) = self.audit.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    fn tell(&mut self, written: &io::Result<()>) {
        match written {
            Err(error) if !self.is_troubled => {
                let error = error.to_string();
                log::tell(Weight::Alarm, |language| process::disk(Some(&error), language));
            }
            Ok(()) if self.is_troubled => log::tell(Weight::Notice, |language| process::disk(None, language)),
            _ => {}
        }
        self.is_troubled = written.is_err();
    }
}
