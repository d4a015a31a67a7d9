//! Which announcements brokers keep of this site, on disk: what is announced no longer is taken back, also after a restart.
//!
//! One small file in the state directory, written before the first announcement leaves and after the last one was taken
//! back. Where it cannot be written, announcements are taken back while the program runs and not after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Its name in the state directory.
const FILE: &str = "announced.json";

/// Topics that are kept by the broker of each bus.
type Topics = BTreeMap<String, BTreeSet<String>>;

/// What is kept, and the file that remembers it.
#[derive(Debug)]
pub struct Announced {
    file: PathBuf,
    /// Read at the first question.
    topics: Mutex<Option<Topics>>,
}

impl Announced {
    /// In this state directory; nothing is read yet.
    pub fn new(state: &Path) -> Self {
        Self { file: state.join(FILE), topics: Mutex::new(None) }
    }

    /// Whether anything may be kept. Looks only whether the file is there.
    pub fn is_any(&self) -> bool {
        let known = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map_or_else(|| self.file.exists(), |topics| !topics.is_empty())
    }

    /// What the broker of each bus keeps. Reads the file the first time, so it may wait for the disk.
    pub fn topics(&self) -> Topics {
        self.lock().clone().unwrap_or_default()
    }

    /// The broker of a bus keeps exactly these, or will in a moment. Waits for the disk.
    pub fn set(&self, bus: &str, topics: BTreeSet<String>) {
        let mut known = self.lock();
        let all = known.get_or_insert_default();
        if all.get(bus).map_or(topics.is_empty(), |before| *before == topics) {
            return;
        }
        if topics.is_empty() {
            all.remove(bus);
        } else {
            all.insert(bus.to_owned(), topics);
        }
        // A disk that takes nothing was told elsewhere; what is here still counts while the program runs.
        let _ = write(&self.file, all);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Topics>> {
        let mut known = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let text = std::fs::read(&self.file).unwrap_or_default();
            *known = Some(serde_json::from_slice(&text).unwrap_or_default());
        }
        known
    }
}

/// As a whole or not at all: beside it, then in its place.
fn write(file: &Path, topics: &Topics) -> std::io::Result<()> {
    if topics.is_empty() {
        return std::fs::remove_file(file);
    }
    let beside = file.with_extension("new");
    std::fs::write(&beside, serde_json::to_vec(topics)?)?;
    std::fs::rename(beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(topics: &[&str]) -> BTreeSet<String> {
        topics.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_announced_is_known_after_a_restart_and_nothing_leaves_no_file() {
        let folder = std::env::temp_dir().join(format!("ballast-announced-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(FILE);
        let first = Announced::new(&folder);
        first.set("broker", BTreeSet::new());
        assert!(!file.exists());
        first.set("broker", set(&["a", "b"]));
        first.set("other", set(&["c"]));
        let second = Announced::new(&folder);
        assert!(second.is_any());
        assert_eq!(second.topics().get("broker"), Some(&set(&["a", "b"])));
        second.set("broker", BTreeSet::new());
        assert_eq!(Announced::new(&folder).topics().keys().collect::<Vec<_>>(), ["other"]);
        second.set("other", BTreeSet::new());
        assert!(!file.exists() && !second.is_any());
        // A file that is no list is none.
        std::fs::write(&file, "{").unwrap();
        assert!(Announced::new(&folder).topics().is_empty());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
