//! A second, read-only connection: for people who ask while the writer writes, and for a program that is not running.
//!
//! Calls here read the disk and wait for it; they belong on a thread that may wait, never on the engine's. A reader is
//! cheap: open one per question, so that it sees the file that is in use now.

use std::path::Path;

use rusqlite::Connection;

use crate::error::{Doing, Error};
use crate::events::{self, Query, StoredEvent};
use crate::schema;
use crate::state::{self, SavedState};

/// Most findings that the integrity check lists.
const FINDINGS_MAX: u32 = 100;

/// Looks into the store without ever changing it.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the file at `path` for reading, whether or not a [`Store`](crate::Store) has it open.
    ///
    /// # Errors
    /// [`Error::Database`] when it is absent or cannot be read, [`Error::Damaged`] when it is not a database of this
    /// program, [`Error::NewerVersion`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        schema::open_for_reading(path).map(|connection| Self { connection })
    }

    /// The events that `query` asks for, newest first.
    ///
    /// # Errors
    /// [`Error::Database`] when the file cannot be read.
    pub fn events(&self, query: &Query) -> Result<Vec<StoredEvent>, Error> {
        events::select(&self.connection, query)
    }

    /// Sequence number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// [`Error::Database`] when the file cannot be read.
    pub fn newest_sequence(&self) -> Result<u64, Error> {
        events::top(&self.connection)
    }

    /// The newest whole state.
    ///
    /// # Errors
    /// [`Error::Database`] when the file cannot be read.
    pub fn state(&self) -> Result<Option<SavedState>, Error> {
        state::load(&self.connection).map(|loaded| loaded.state)
    }

    /// Checks the whole file and lists what is wrong; empty when all is well. Reads everything: minutes on an SD card.
    ///
    /// # Errors
    /// [`Error::Database`] when the file cannot be read.
    pub fn integrity_findings(&self) -> Result<Vec<String>, Error> {
        const DOING: &str = "check the database";
        let sql = format!("PRAGMA integrity_check({FINDINGS_MAX})");
        let mut check = self.connection.prepare(&sql).doing(DOING)?;
        let findings = check.query_map([], |row| row.get::<_, String>(0)).doing(DOING)?;
        let findings: Vec<String> = findings.collect::<Result<_, _>>().doing(DOING)?;
        Ok(findings.into_iter().filter(|finding| finding != "ok").collect())
    }
}
