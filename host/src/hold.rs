//! Which process holds the outputs of a site: one, by a lock on the folder of the site that ends with the process.
//!
//! Two that told the same outputs would undo what the other one did, each by its own limits. A guard locks the folder of its
//! memory as well. The lock needs no right but to read the folder, leaves nothing behind, and is the kernel's.

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long one that ends may take to let go: a killed process whose memory the kernel still gives back.
const LETS_GO: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// A folder that is held until this is dropped.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "the lock lasts as long as it is open")] OwnedFd);

/// Whether somebody holds a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A process that lives.
    Yes,
    /// Nobody.
    No,
    /// The file system knows no locks, or the folder cannot be read.
    Unknown,
}

/// Takes hold of a folder; `None` where another process does not let go of it.
///
/// # Errors
/// The folder cannot be read, or its file system knows no locks.
pub fn take(folder: &Path) -> io::Result<Option<Hold>> {
    let end = Instant::now() + LETS_GO;
    let place = door(folder)?;
    loop {
        match flock(&place, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(Hold(place))),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(LOOK),
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether another process holds a folder now.
pub fn look(folder: &Path) -> Held {
    let Ok(place) = door(folder) else { return Held::Unknown };
    match flock(&place, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Held::No,
        Err(Errno::WOULDBLOCK) => Held::Yes,
        Err(_) => Held::Unknown,
    }
}

fn door(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(folder, flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time_under_whatever_name() {
        let folder = std::env::temp_dir().join(format!("ballast-hold-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let other_name = folder.join("..").join(folder.file_name().unwrap());
        assert_eq!(look(&folder), Held::No);
        let hold = take(&folder).unwrap().unwrap();
        assert_eq!(look(&other_name), Held::Yes);
        assert!(take(&other_name).unwrap().is_none());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "it leaves nothing there");
        // One that is about to let go is waited for.
        let letting_go = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(hold);
        });
        assert!(take(&folder).unwrap().is_some());
        letting_go.join().unwrap();
        assert_eq!(look(&folder), Held::No);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(look(&folder), Held::Unknown);
        assert!(take(&folder).is_err());
    }
}
