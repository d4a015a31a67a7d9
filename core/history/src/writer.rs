//! The thread that owns the database for writing.
//!
//! Events first, in one transaction for all that wait; then the state in a transaction of its own; now and then a small
//! step of pruning. After any failure the connection is dropped and opened anew at the next try, since a disk that comes
//! back from read-only needs that. It never gives anything up: what is not written stays in the queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ballast_model::time::Utc;
use rusqlite::Connection;

use crate::error::Error;
use crate::events::{self, Pruner, Retention};
use crate::kept::Kept;
use crate::limits::{PRUNE_EVERY, RETRY_FIRST, RETRY_MAX};
use crate::mark::{Mark, Said};
use crate::quarantine;
use crate::queue::{Shared, Work};
use crate::schema;
use crate::state::{self, StatePart};
use ballast_model::time::Stamp;

/// The open file and what is known about it.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    /// Device and inode, to see that the file is still the one at its path.
    identity: Option<(u64, u64)>,
    /// The highest sequence number found at opening.
    top: u64,
    /// The highest generation number in it, or that was ever acknowledged.
    generation: u64,
    /// The newest generation known to be whole; kept by the next save.
    whole: Option<u64>,
    mark: Mark,
}

impl Database {
    /// Opens or makes the file at `path`; damage is an error, see [`Error::is_damage`].
    pub(crate) fn open(path: &Path) -> Result<(Self, state::Loaded), Error> {
        let (mark, said) = Mark::open(path)?;
        let (connection, loaded) = schema::open_for_writing(path)?;
        let marked = if let Said::Newest(generation) = said { generation } else { 0 };
        let database = Self {
            top: events::top(&connection)?,
            identity: identity(path),
            generation: loaded.newest.max(marked),
            whole: loaded.state.as_ref().map(|state| state.generation),
            mark,
            connection,
        };
        Ok((database, loaded))
    }

    /// Saves a state as the next generation.
    pub(crate) fn save(&mut self, parts: &[StatePart], stamp: &Stamp) -> Result<(), Error> {
        let generation = self.generation + 1;
        state::save(&mut self.connection, generation, self.whole, parts, stamp)?;
        self.generation = generation;
        self.whole = Some(generation);
        self.mark.note(generation)
    }

    /// The highest sequence number found at opening.
    pub(crate) fn top(&self) -> u64 {
        self.top
    }
}

/// Device and inode of the file at `path`.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}

/// The writer's own things.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    path: PathBuf,
    retention: Retention,
    database: Option<Database>,
    /// The last state known to be on the disk, written again when a fresh file replaces a damaged one.
    kept: Option<Kept>,
    /// Entries that were ever part of a commit, counted from the start: a failed commit may have reached the disk.
    attempted: u64,
    pruner: Pruner,
    written_since_pruning: u64,
    /// Pause before the next try; `None` while all is well.
    pause: Option<Duration>,
}

impl Writer {
    /// A writer that has not started. Without `database` it opens the file itself, after a first pause. `kept` is the
    /// state that was found.
    pub(crate) fn new(
        shared: Arc<Shared>,
        path: PathBuf,
        retention: Retention,
        database: Option<Database>,
        kept: Option<Kept>,
    ) -> Self {
        Self {
            pause: database.is_none().then_some(RETRY_FIRST),
            shared,
            path,
            retention,
            database,
            kept,
            attempted: 0,
            pruner: Pruner::default(),
            // The first write is followed by a step, so that a program that restarts often prunes as well.
            written_since_pruning: PRUNE_EVERY,
        }
    }

    /// Runs until the store is closed.
    pub(crate) fn run(mut self) {
        let mut had_last_chance = false;
        while let Some(work) = self.shared.take_work(self.pause, had_last_chance) {
            match self.write(&work) {
                Ok(pruned) => {
                    self.shared.recovered(pruned);
                    self.pause = None;
                }
                Err(error) => {
                    self.give_way(&error, work.latest.utc);
                    self.shared.failed(&error);
                    self.pause = Some(self.pause.map_or(RETRY_FIRST, |pause| (pause * 2).min(RETRY_MAX)));
                    had_last_chance = work.is_last;
                }
            }
        }
    }

    /// Writes what there is to write; returns how many events were pruned.
    fn write(&mut self, work: &Work) -> Result<u64, Error> {
        self.ensure_open()?;
        // Borrowed apart, so that counters can change while the connection is in use.
        let Self { database: Some(database), shared, path, .. } = self else { return Ok(0) };
        if database.identity.is_none() || identity(path) != database.identity {
            return Err(Error::Replaced { path: path.clone() });
        }
        if !work.events.is_empty() {
            let count = work.events.len();
            self.attempted = self.attempted.max(work.first + count as u64 - 1);
            let first = shared.offset().unwrap_or(0) + work.first;
            events::append(&mut database.connection, first, work.events.iter().map(AsRef::as_ref))?;
            shared.events_durable(count);
            self.written_since_pruning += count as u64;
        }
        if let Some(save) = &work.state {
            database.save(&save.parts, &save.stamp)?;
            shared.state_durable(save.number);
            self.kept = Some(Kept::of(&save.parts, save.stamp));
        } else if let Some(kept) = self.kept.as_ref().filter(|_| database.whole.is_none()) {
            database.save(&kept.parts(), &kept.stamp())?;
        }
        if self.written_since_pruning < PRUNE_EVERY {
            return Ok(0);
        }
        self.written_since_pruning = 0;
        let now: Option<Utc> = work.latest.trusted.then_some(work.latest.utc);
        self.pruner.step(&database.connection, &self.retention, now)
    }

    /// Opens the file if it is not open and settles the sequence numbers.
    fn ensure_open(&mut self) -> Result<(), Error> {
        if self.database.is_some() {
            return Ok(());
        }
        let (database, loaded) = Database::open(&self.path)?;
        let durable = self.shared.durable();
        match self.shared.offset() {
            // The usual case: the file is the one that was open before, perhaps with a commit that was thought failed.
            Some(offset) if database.top <= offset + self.attempted => {}
            // Somebody put another file here, or this is the first time that the file can be read: go on after it.
            _ => self.shared.set_offset(database.top.saturating_sub(durable)),
        }
        if self.kept.is_none() {
            self.kept = loaded.state.map(|state| Kept::of(&state.parts, state.stamp));
        }
        self.pruner = Pruner::default();
        self.database = Some(database);
        Ok(())
    }

    /// After a failure: lets go of the file, and sets it aside if its content is damaged.
    fn give_way(&mut self, error: &Error, utc: Utc) {
        self.database = None;
        if error.is_damage()
            && let Ok(to) = quarantine::set_aside(&self.path, utc)
        {
            self.shared.quarantined(to);
        }
    }
}

/// Tells the others that the thread is gone, however it went.
#[derive(Debug)]
pub(crate) struct EndGuard(pub(crate) Arc<Shared>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.end();
    }
}
