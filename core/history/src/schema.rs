//! The file's form: pragmas, identity, versions, migrations, and the check at opening.
//!
//! Opening never changes a file that a newer program wrote, and never goes on with one whose content is damaged.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Doing, Error};
use crate::events;
use crate::limits::{BUSY_PATIENCE, TAIL_CHECKED};
use crate::quarantine::with_suffix;
use crate::state::{self, Loaded};

/// `BLST`: says in the file's header whose database this is (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x424C_5354;

/// Each entry takes the file one version further, in a transaction; `user_version` says how many have run. Entries are
/// only ever added.
const MIGRATIONS: &[&str] = &[
    // 1: engine state and events.
    "CREATE TABLE state (
        generation INTEGER NOT NULL,
        parts      INTEGER NOT NULL,
        name       TEXT    NOT NULL,
        version    INTEGER NOT NULL,
        boot       BLOB    NOT NULL,
        mono_ns    INTEGER NOT NULL,
        utc_ms     INTEGER NOT NULL,
        trusted    INTEGER NOT NULL,
        crc        INTEGER NOT NULL,
        bytes      BLOB    NOT NULL,
        UNIQUE (generation, name)
    ) STRICT;
    CREATE TABLE events (
        seq      INTEGER PRIMARY KEY,
        utc_ms   INTEGER NOT NULL,
        trusted  INTEGER NOT NULL,
        mono_ns  INTEGER NOT NULL,
        boot     BLOB    NOT NULL,
        kind     TEXT    NOT NULL,
        subject  TEXT    NOT NULL,
        severity INTEGER NOT NULL,
        audit    INTEGER NOT NULL,
        who      TEXT,
        payload  TEXT    NOT NULL,
        crc      INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX events_subject ON events (subject, seq, utc_ms);
    CREATE INDEX events_kind ON events (kind, seq, utc_ms);
    CREATE INDEX events_utc ON events (utc_ms);",
];

/// For the writer: pages of 1 kB and a small cache (SD card, small memory), and a log that goes to the disk at every
/// commit. The log is copied into the file when it has 1,000 pages, 1 MB, and is cut back to that size.
const WRITER_PRAGMAS: &str = "
    PRAGMA page_size = 1024;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = 1048576;
    PRAGMA cache_size = -128;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;";

/// Largest file, in pages of 1 kB, that is checked whole at every opening: 2 MB take some ten milliseconds.
const PAGES_CHECKED: i64 = 2048;

/// For everybody else.
const READER_PRAGMAS: &str = "
    PRAGMA query_only = ON;
    PRAGMA cache_size = -512;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;";

/// Opens the file for writing, makes it if it is absent, brings it to the newest version, checks it and reads the state.
pub(crate) fn open_for_writing(path: &Path) -> Result<(Connection, Loaded), Error> {
    make_private(path);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).doing("open the database")?;
    connection.busy_timeout(BUSY_PATIENCE).doing("open the database")?;
    if connection.is_readonly(rusqlite::MAIN_DB).doing("open the database")? {
        return Err(Error::ReadOnly { path: path.to_path_buf() });
    }
    // The identity comes first: the pragmas that follow write to the file.
    let version = identify(&connection, path).map_err(misfit_is_damage)?;
    connection.execute_batch(WRITER_PRAGMAS).doing("set up the database")?;
    migrate(&mut connection, version, MIGRATIONS)?;
    let loaded = verify(&connection)?;
    Ok((connection, loaded))
}

/// Makes an absent file so that only its owner reads it: it holds the site's files and who asked for what. SQLite gives its log
/// the same mode. The mode of a file that is there is its owner's business.
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    // What cannot be made shows itself when the file is opened.
    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

/// Opens the file for reading only. A file that was closed well can be read on a medium that allows no writing at all.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, Error> {
    let connection = match open_read_only(path, "") {
        Ok(connection) => connection,
        // Without a log there is nothing that another program could be changing.
        Err(error) if !error.is_damage() && size_of(&with_suffix(path, "-wal")).unwrap_or(0) == 0 => {
            open_read_only(path, "&immutable=1").map_err(|_| error)?
        }
        Err(error) => return Err(error),
    };
    match identify(&connection, path).map_err(misfit_is_damage)? {
        0 => Err(Error::Damaged { what: "the file holds no tables yet".to_owned() }),
        _ => Ok(connection),
    }
}

fn open_read_only(path: &Path, option: &str) -> Result<Connection, Error> {
    const DOING: &str = "open the database for reading";
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(path, option), flags).doing(DOING)?;
    connection.busy_timeout(BUSY_PATIENCE).doing(DOING)?;
    connection.execute_batch(READER_PRAGMAS).doing(DOING)?;
    // Opening alone reads nothing; this does.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).doing(DOING)?;
    Ok(connection)
}

/// `path` as a `file:` URI, with the characters escaped that mean something there.
fn uri(path: &Path, option: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut text = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => text.extend(format!("%{byte:02x}").bytes()),
            _ => text.push(*byte),
        }
    }
    text.extend(b"?mode=ro");
    text.extend(option.bytes());
    std::ffi::OsString::from_vec(text)
}

/// The size of a file; `None` when it is absent or cannot be asked.
pub(crate) fn size_of(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|data| data.len())
}

/// The version of the file: 0 for a fresh one.
fn identify(connection: &Connection, path: &Path) -> Result<i64, Error> {
    let number =
        |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).doing("read the file's header");
    let (owner, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if tables == 0 && owner == 0 && version == 0 {
        return Ok(0);
    }
    if owner != APPLICATION_ID {
        return Err(Error::Damaged { what: "it is not a database of Ballast".to_owned() });
    }
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(Error::NewerVersion { path: path.to_path_buf(), found: version, known });
    }
    if version < 1 {
        return Err(Error::Damaged { what: format!("its format has the number {version}") });
    }
    Ok(version)
}

/// Runs the migrations after the first `version` ones, each with its version number in one transaction.
fn migrate(connection: &mut Connection, version: i64, migrations: &[&str]) -> Result<(), Error> {
    const DOING: &str = "bring the database to the newest format";
    let done = usize::try_from(version).unwrap_or(0);
    for (number, sql) in (1..).zip(migrations).skip(done) {
        let transaction = connection.transaction().doing(DOING)?;
        transaction.execute_batch(sql).doing(DOING)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).doing(DOING)?;
        transaction.pragma_update(None, "user_version", number).doing(DOING)?;
        transaction.commit().doing(DOING)?;
    }
    Ok(())
}

/// A look at what the next hours depend on: the tables are there, `state` is consistent, the newest events can be read.
/// Returns the state. A small file is checked whole; a large one only on request, since that takes minutes on an SD card.
fn verify(connection: &Connection) -> Result<Loaded, Error> {
    const DOING: &str = "check the database";
    let damaged = |what: String| Err(Error::Damaged { what });
    for table in ["state", "events"] {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let found: i64 = connection.query_row(sql, [table], |row| row.get(0)).doing(DOING)?;
        if found != 1 {
            return damaged(format!("the table `{table}` is missing"));
        }
    }
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).doing(DOING)?;
    let check = if pages <= PAGES_CHECKED { "PRAGMA quick_check(1)" } else { "PRAGMA quick_check('state')" };
    let verdict: String = connection.query_row(check, [], |row| row.get(0)).doing(DOING)?;
    if verdict != "ok" {
        // The first line only names the database.
        return damaged(verdict.lines().last().unwrap_or_default().to_owned());
    }
    let loaded = state::load(connection).map_err(misfit_is_damage)?;
    let tail = events::Query { limit: TAIL_CHECKED, ..events::Query::default() };
    events::select(connection, &tail).map_err(misfit_is_damage)?;
    Ok(loaded)
}

/// A statement of ours that SQLite cannot prepare means a column that is not there; a disk that does not answer does not.
fn misfit_is_damage(error: Error) -> Error {
    match &error {
        Error::Database { source, .. }
            if matches!(source.sqlite_error_code(), None | Some(rusqlite::ErrorCode::Unknown)) =>
        {
            Error::Damaged { what: source.to_string() }
        }
        _ => error,
    }
}

/// A fresh database without a file.
#[cfg(test)]
pub(crate) fn in_memory() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, 0, MIGRATIONS).unwrap();
    verify(&connection).unwrap();
    connection
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_migration_runs_once_and_counts() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps =
            ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y", "INSERT INTO a (x, y) VALUES (1, 2)"];
        let version = |connection: &Connection| -> i64 {
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
        };
        migrate(&mut connection, 0, &steps[..1]).unwrap();
        assert_eq!(version(&connection), 1);
        migrate(&mut connection, 1, &steps).unwrap();
        migrate(&mut connection, 3, &steps).unwrap();
        assert_eq!(version(&connection), 3);
        let rows: i64 = connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_failed_migration_leaves_the_version_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"];
        assert!(migrate(&mut connection, 0, &steps).is_err());
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!((version, tables), (1, 1));
    }

    #[test]
    fn the_pragmas_that_durability_rests_on_are_in_force() {
        let name = format!("history-pragmas-{}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let (connection, _) = open_for_writing(&path).unwrap();
        let value = |pragma: &str| -> String {
            let sql = format!("SELECT CAST(\"{pragma}\" AS TEXT) FROM pragma_{pragma}");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(value("journal_mode"), "wal");
        assert_eq!(value("synchronous"), "2", "FULL");
        assert_eq!(value("page_size"), "1024");
        assert_eq!(value("application_id"), APPLICATION_ID.to_string());
        assert_eq!(value("user_version"), "1");
        drop(connection);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_path_may_hold_the_characters_of_a_uri() {
        assert_eq!(uri(Path::new("/a b/50%?#.db"), ""), "file:/a b/50%25%3f%23.db?mode=ro");
    }
}
