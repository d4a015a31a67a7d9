//! The handle: open, append, save, close.
//!
//! Opening reads and repairs synchronously, so that the caller has the state before the first step. After that no call
//! waits for the disk, except [`Store::flush`], [`Store::close`] and [`Ticket::wait`], which take a patience.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::events::{Event, Retention};
use crate::health::Health;
use crate::kept::Kept;
use crate::limits::CLOSE_PATIENCE;
use crate::mark::{Mark, Said};
use crate::quarantine::{folder_of, set_aside};
use crate::queue::{Goal, Shared};
use crate::reader::Reader;
use crate::schema;
use crate::state::{self, SavedState, StatePart};
use crate::writer::{Database, EndGuard, Writer};
use ballast_model::time::Stamp;

/// What was found where the file should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A good file.
    Intact,
    /// No file: this is the first start, or somebody removed it. A fresh one was made.
    Absent,
    /// A file with nothing in it: the first start was cut short, or the file system lost the content. It is used.
    Empty,
    /// A damaged file. It was set aside and a fresh one was made: the events in it are no longer seen. **Tell people.**
    Damaged {
        /// Where it is now.
        set_aside: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// A file that cannot be used now; see [`Opened::trouble`]. Everything is kept in memory until it can.
    Unusable,
}

/// What opening brought to light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The newest whole state. It may come from a damaged or read-only file: its checksums were right.
    pub state: Option<SavedState>,
    /// How many newer generations were passed over because of bit rot.
    pub damaged_generations: u32,
    /// Why `state` is not the one that was acknowledged last, or why there is none although one was. **Tell people, and do not
    /// go on from it as if nothing had been.**
    pub outdated: Option<String>,
    /// What was found where the file should be.
    pub found: Found,
    /// Why nothing can be written at the moment; the store keeps trying.
    pub trouble: Option<String>,
}

/// Writes one site's history. Dropping it waits up to [`CLOSE_PATIENCE`] for the last writes.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    path: PathBuf,
    /// How long dropping waits.
    patience: Duration,
}

/// A receipt: tells when something is durable. May be dropped; the thing is written all the same.
#[derive(Clone, Debug)]
pub struct Ticket {
    shared: Arc<Shared>,
    goal: Goal,
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// In memory only.
    Waiting,
    /// On the disk: it survives `kill -9` and a power cut. For a state: this one or a newer one.
    Durable,
    /// The store was closed before the disk took it.
    Lost,
}

impl Store {
    /// Opens the file at `path` (its folder is made if absent), with the default retention. See [`Store::open_with`].
    ///
    /// # Errors
    /// As [`Store::open_with`].
    pub fn open(path: &Path, now: Stamp) -> Result<(Self, Opened), Error> {
        Self::open_with(path, now, Retention::default())
    }

    /// Opens the file at `path` and starts the writer. `now` names damaged files and dates trouble.
    ///
    /// A damaged file is set aside and replaced, and an unusable disk leaves a store that works in memory and keeps
    /// trying: neither is an error, both are in [`Opened`] and must be shown to people. The folder stays locked
    /// (advisory lock) until the writer has ended.
    ///
    /// # Errors
    /// [`Error::NewerVersion`] and [`Error::InUse`], which both leave the file untouched; [`Error::Thread`].
    pub fn open_with(path: &Path, now: Stamp, retention: Retention) -> Result<(Self, Opened), Error> {
        // A folder that cannot be made shows itself when the file is opened.
        let _ = fs::create_dir_all(folder_of(path));
        let lock = lock_folder(path)?;
        let (database, opened) = open_file(path, &now)?;
        let shared = Shared::new(now, opened.trouble.clone(), database.as_ref().map(Database::top));
        let shared = Arc::new(shared);
        let kept = opened.state.as_ref().map(|state| Kept::of(&state.parts, state.stamp));
        let writer = Writer::new(Arc::clone(&shared), path.to_path_buf(), retention, database, kept);
        let end = EndGuard(Arc::clone(&shared));
        let run = move || {
            // Whoever waits for the end may open the file again at once, so the end is told after all else.
            let _end = end;
            writer.run();
            // Closing would do, but for a process that was forked a moment ago and still shares the lock.
            if let Some(folder) = lock {
                let _ = folder.unlock();
            }
        };
        thread::Builder::new().name("history".to_owned()).spawn(run).map_err(Error::Thread)?;
        Ok((Self { shared, path: path.to_path_buf(), patience: CLOSE_PATIENCE }, opened))
    }

    /// Files an event.
    ///
    /// # Errors
    /// [`Error::QueueFull`] when too many events wait for the disk: this one is lost, counted, and the loss is recorded
    /// when the disk is back. [`Error::InvalidEvent`], [`Error::Closed`].
    pub fn append(&self, event: Event) -> Result<Ticket, Error> {
        event.check()?;
        let number = self.shared.push_event(event)?;
        Ok(self.ticket(Goal::Event(number)))
    }

    /// Saves a state, all parts together. A state that still waits for the disk is replaced: the newest wins, and the
    /// older one's ticket becomes durable with it. Parts that are left out are gone after the next two saves.
    ///
    /// # Errors
    /// [`Error::InvalidState`], [`Error::Closed`].
    pub fn save_state(&self, mut parts: Vec<StatePart>, stamp: Stamp) -> Result<Ticket, Error> {
        state::check(&parts)?;
        parts.sort_by(|left, right| left.name.cmp(&right.name));
        let number = self.shared.push_state(parts, stamp)?;
        Ok(self.ticket(Goal::Save(number)))
    }

    /// How the store is doing.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection for questions. Reads the disk: not for the engine's thread.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.path)
    }

    /// Waits until all that waits now is durable, trying at once if the disk had failed. Returns whether it is,
    /// with the disk well again.
    pub fn flush(&self, patience: Duration) -> bool {
        let goal = self.shared.everything();
        self.shared.hurry();
        self.shared.wait_until(goal, patience) == Some(true)
    }

    /// Writes what waits (one last try if the disk had failed), ends the writer and reports. What is still unsaved then
    /// is lost. When `patience` ends first, as on a disk that hangs, the writer is left behind.
    pub fn close(mut self, patience: Duration) -> Health {
        self.patience = patience;
        let shared = Arc::clone(&self.shared);
        drop(self);
        shared.health()
    }

    fn ticket(&self, goal: Goal) -> Ticket {
        Ticket { shared: Arc::clone(&self.shared), goal }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.close();
        self.shared.wait_until(Goal::End, self.patience);
    }
}

impl Ticket {
    /// How far it is, without waiting.
    pub fn progress(&self) -> Progress {
        self.wait(Duration::ZERO)
    }

    /// Waits for the disk, at most `patience`.
    pub fn wait(&self, patience: Duration) -> Progress {
        match self.shared.wait_until(self.goal, patience) {
            Some(true) => Progress::Durable,
            Some(false) => Progress::Lost,
            None => Progress::Waiting,
        }
    }

    /// The event's sequence number, once it is durable; `None` for a state.
    pub fn sequence(&self) -> Option<u64> {
        match self.goal {
            Goal::Event(number) if self.progress() == Progress::Durable => {
                self.shared.offset().map(|offset| offset + number)
            }
            _ => None,
        }
    }
}

/// Takes the folder's advisory lock. A file system without such locks, or a folder that is not there, is let pass.
fn lock_folder(path: &Path) -> Result<Option<File>, Error> {
    let Ok(folder) = File::open(folder_of(path)) else { return Ok(None) };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_path_buf() }),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Opens the file, or sets a damaged one aside, or leaves it for later; in each case with the state that can be had.
fn open_file(path: &Path, now: &Stamp) -> Result<(Option<Database>, Opened), Error> {
    let found = match schema::size_of(path) {
        None => Found::Absent,
        Some(0) => Found::Empty,
        Some(_) => Found::Intact,
    };
    // Where it cannot even be read, the database cannot be trusted either.
    let said = Mark::open(path).map_or(Said::Unreadable, |(_, said)| said);
    let opened = |loaded, found, trouble| opened(loaded, said, found, trouble);
    let error = match Database::open(path) {
        Ok((database, loaded)) => return Ok((Some(database), opened(loaded, found, None))),
        Err(error @ Error::NewerVersion { .. }) => return Err(error),
        Err(error) => error,
    };
    let salvaged =
        schema::open_for_reading(path).and_then(|connection| state::load(&connection)).unwrap_or_default();
    let unusable = |salvaged, trouble: String| Ok((None, opened(salvaged, Found::Unusable, Some(trouble))));
    let reason = error.to_string();
    if !error.is_damage() {
        return unusable(salvaged, reason);
    }
    let set_aside = match set_aside(path, now.utc) {
        Ok(to) => to,
        Err(second) => return unusable(salvaged, format!("{reason}; {second}")),
    };
    let found = Found::Damaged { set_aside, reason };
    // The state goes over at once, for the case that nobody saves before the next power cut.
    let fresh = Database::open(path).and_then(|(mut database, _)| {
        salvaged.state.as_ref().map_or(Ok(()), |state| database.save(&state.parts, &state.stamp))?;
        Ok(database)
    });
    match fresh {
        Ok(database) => Ok((Some(database), opened(salvaged, found, None))),
        Err(second) => Ok((None, opened(salvaged, found, Some(second.to_string())))),
    }
}

fn opened(loaded: state::Loaded, said: Said, found: Found, trouble: Option<String>) -> Opened {
    let outdated = outdated(&loaded, said, &found);
    Opened { state: loaded.state, damaged_generations: loaded.damaged, outdated, found, trouble }
}

/// Compares the state that was found with what is known of the newest one.
fn outdated(loaded: &state::Loaded, said: Said, found: &Found) -> Option<String> {
    let held = loaded.state.as_ref().map_or(0, |state| state.generation);
    match said {
        Said::Newest(newest) if held >= newest => None,
        Said::Newest(newest) if held > 0 => {
            Some(format!("state {newest} was kept, and the newest that can be read is {held}"))
        }
        Said::Newest(newest) => Some(match found {
            Found::Absent => format!("state {newest} was kept, and the database is gone"),
            Found::Damaged { reason, .. } => reason.clone(),
            _ => format!("state {newest} was kept, and there is none in the database"),
        }),
        // No state can be newer than one that was never kept.
        Said::Nothing if loaded.damaged == 0 => None,
        Said::Nothing if held > 0 => Some("the newest saved state is damaged".to_owned()),
        Said::Nothing => Some("every saved state is damaged".to_owned()),
        Said::Unreadable => Some("what was noted of the newest state is damaged".to_owned()),
    }
}
