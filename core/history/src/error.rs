//! What can go wrong at the doors of the store.

use std::path::PathBuf;

/// Why a call was refused or could not be done. Trouble of the disk after opening is not an error of a call: it is in
/// [`Health`](crate::Health).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file was written by a newer program. It is left untouched.
    #[error(
        "{path} was written by a newer version of Ballast (format {found}, this program knows up to {known}); \
         install the newer program again, or move the file away to start with an empty history"
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// The format that the file says it has.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// Another program, or another [`Store`](crate::Store), writes this site's history.
    #[error("{path} is already in use: another Ballast runs this site")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Too many events wait for the disk; this one is lost and the loss will be recorded.
    #[error("the event is lost: {waiting} events already wait for the disk ({lost} lost since the start)")]
    QueueFull {
        /// Events that wait.
        waiting: usize,
        /// Events refused since the store was opened, this one included.
        lost: u64,
    },
    /// The event breaks a rule of [`limits`](crate::limits) and would not be stored.
    #[error("this event cannot be stored: {reason}")]
    InvalidEvent {
        /// Which rule.
        reason: &'static str,
    },
    /// The state breaks a rule of [`limits`](crate::limits) and would not be stored.
    #[error("this state cannot be saved: {reason}")]
    InvalidState {
        /// Which rule.
        reason: &'static str,
    },
    /// The writer has ended.
    #[error("the store is closed")]
    Closed,
    /// The writer's thread could not be started.
    #[error("the history's thread does not start")]
    Thread(#[source] std::io::Error),
    /// The file system refused.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was tried, as in "cannot ...".
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk or the folder allows no writing.
    #[error("{path} can only be read")]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file vanished or was exchanged while it was open.
    #[error("{path} was removed or replaced by something else while it was in use")]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The content is not what this program wrote.
    #[error("the database is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// The database refused.
    #[error("cannot {doing}: {source}")]
    Database {
        /// What was tried, as in "cannot ...".
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl Error {
    /// Whether the file's content, not the disk's mood, is to blame: it will not get better by trying again.
    pub(crate) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Damaged { .. } => true,
            Self::Database { source, .. } => {
                matches!(source.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            }
            _ => false,
        }
    }
}

/// Says what was being done when SQLite refused.
pub(crate) trait Doing<T> {
    /// Wraps the error; `doing` completes "cannot ...".
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Database { doing, source })
    }
}
