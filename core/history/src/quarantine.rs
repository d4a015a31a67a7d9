//! Setting a damaged database aside, so that a fresh one can take its place.
//!
//! Nothing is repaired and nothing is deleted but the oldest of several damaged files: people may want to look.

use std::fs;
use std::path::{Path, PathBuf};

use ballast_model::time::Utc;

use crate::error::Error;
use crate::limits::QUARANTINED_MAX;
use crate::stamp::compact;

/// The files that SQLite keeps beside a database: the log, and the log's index in shared memory.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Renames the database and its companions to `<name>.corrupt-<utc>` and returns the new name.
pub(crate) fn set_aside(path: &Path, utc: Utc) -> Result<PathBuf, Error> {
    make_room(path);
    let target = free_name(path, utc);
    fs::rename(path, &target).map_err(|source| Error::File {
        doing: "set aside the damaged file",
        path: path.to_path_buf(),
        source,
    })?;
    for companion in COMPANIONS {
        // A companion that stays behind does no harm: SQLite drops the log of a database that does not exist.
        let _ = fs::rename(with_suffix(path, companion), with_suffix(&target, companion));
    }
    if let Ok(folder) = fs::File::open(folder_of(path)) {
        // Best effort: if the rename is lost in a power cut, the damage is found again at the next start.
        let _ = folder.sync_all();
    }
    Ok(target)
}

/// `path` with `suffix` added to its last part.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder that holds `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name that is not taken; two damaged files of one second are told apart by a number.
fn free_name(path: &Path, utc: Utc) -> PathBuf {
    let plain = with_suffix(path, &format!(".corrupt-{}", compact(utc)));
    let taken = |name: &Path| name.try_exists().unwrap_or(false);
    // No more than QUARANTINED_MAX files are kept, so one of as many names and one more is free.
    (0..=QUARANTINED_MAX)
        .map(|number| if number == 0 { plain.clone() } else { with_suffix(&plain, &format!("-{number}")) })
        .find(|name| !taken(name))
        .unwrap_or(plain)
}

/// Deletes the oldest damaged files until one more fits. Errors are left alone: the rename that follows says more.
fn make_room(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let prefix = format!("{}.corrupt-", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder_of(path)) else { return };
    let mut kept: Vec<_> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with(&prefix) && !COMPANIONS.iter().any(|companion| name.ends_with(companion))
        })
        .map(|entry| (entry.metadata().and_then(|data| data.modified()).ok(), entry.path()))
        .collect();
    kept.sort();
    let surplus = (kept.len() + 1).saturating_sub(QUARANTINED_MAX);
    for (_, oldest) in kept.into_iter().take(surplus) {
        let _ = fs::remove_file(&oldest);
        for companion in COMPANIONS {
            let _ = fs::remove_file(with_suffix(&oldest, companion));
        }
    }
}
