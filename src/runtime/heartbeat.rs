//! Until when the last run was seen: a moment in a file that lies in memory, renewed while the program runs.
//!
//! The state on the disk is as old as the last change, up to a minute. A file in memory (`/dev/shm`) costs the card nothing
//! and lives as long as the boot, which is as long as the monotonic clock can be compared. Where there is no such place, the
//! last save says how long nothing ran at most.

use ballast_history::SavedState;
use ballast_model::frame::{crc32, fnv1a};
use ballast_model::time::{BootId, Gap, Stamp};
use ballast_model::{Mono, Span};
use rustix::fs::{FsWord, OFlags};
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where files lie in memory and outlive a program.
const PLACE: &str = "/dev/shm";
/// What the kernel calls a file system in memory (`TMPFS_MAGIC`).
const TMPFS: FsWord = 0x0102_1994;
/// Boot, monotonic clock, and the checksum of both.
const BYTES: usize = 28;
/// Shortest time between two beats. A turn comes every second at the latest.
const PACE: Span = Span::from_millis(100);

/// The file, and what the last run left in it.
#[derive(Debug, Default)]
pub struct Heartbeat {
    file: Option<File>,
    boot: BootId,
    beaten: Mono,
    last: Option<Mono>,
}

/// How long nothing ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// So long.
    pub gap: Gap,
    /// Or shorter: nobody saw when the last run ended.
    pub is_at_most: bool,
}

impl Heartbeat {
    /// Opens the file of the site whose state lies in a directory; it must be there. To be called before anything is given up.
    pub fn open(state: &Path, boot: BootId) -> Self {
        let file = path_of(state).and_then(|path| open(&path));
        let last = file.as_ref().and_then(|file| read(file, boot));
        Self { file, boot, beaten: Mono::ZERO, last }
    }

    /// The program runs. A beat that cannot be written makes the next start say less.
    pub fn beat(&mut self, now: Mono) {
        if now.since(self.beaten) >= PACE {
            self.end(now);
        }
    }

    /// The same, however short the last beat is ago.
    pub fn end(&mut self, now: Mono) {
        self.beaten = now;
        if let Some(file) = &self.file {
            let _ = file.write_all_at(&encoded(self.boot, now), 0);
        }
    }

    /// How long nothing ran since a state was saved; `has_ended`: it was saved last of all.
    pub fn outage(&self, saved: &SavedState, has_ended: bool, now: &Stamp) -> Outage {
        match (saved.gap(now), self.last.filter(|last| *last >= saved.stamp.mono)) {
            (Gap::SameBoot(_), Some(last)) => {
                Outage { gap: Gap::SameBoot(now.mono.since(last)), is_at_most: false }
            }
            (gap @ Gap::SameBoot(_), None) => Outage { gap, is_at_most: !has_ended },
            (gap, _) => Outage { gap, is_at_most: false },
        }
    }
}

/// The file of a site; none where its state directory is not there.
pub fn path_of(state: &Path) -> Option<PathBuf> {
    let whole = std::fs::canonicalize(state).ok()?;
    let hash = fnv1a(whole.as_os_str().as_bytes().iter().copied());
    Some(Path::new(PLACE).join(format!("ballast-{hash:016x}")))
}

/// A file in memory that belongs to this user alone; others may write beside it.
fn open(path: &Path) -> Option<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .ok()?;
    let about = file.metadata().ok()?;
    let is_own = about.is_file() && about.uid() == rustix::process::geteuid().as_raw();
    let is_in_memory = rustix::fs::fstatfs(&file).is_ok_and(|about| about.f_type == TMPFS);
    (is_in_memory && is_own).then_some(file)
}

fn encoded(boot: BootId, mono: Mono) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let content = [boot.0.to_le_bytes().as_slice(), &mono.nanos().to_le_bytes()].concat();
    let crc = crc32(&content).to_le_bytes();
    bytes.iter_mut().zip(content.iter().chain(&crc)).for_each(|(place, byte)| *place = *byte);
    bytes
}

/// The last beat, if it was one of this boot.
fn read(file: &File, boot: BootId) -> Option<Mono> {
    let mut bytes = [0; BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let mono = bytes.get(16..24).and_then(|mono| mono.try_into().ok()).map(u64::from_le_bytes)?;
    let mono = Mono::from_nanos(mono);
    (bytes == encoded(boot, mono)).then_some(mono)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::Utc;

    const BOOT: BootId = BootId(7);

    struct Folder(PathBuf);
    impl Folder {
        /// A visible skip where no file can lie in memory.
        fn new(name: &str) -> Option<Self> {
            let path = std::env::temp_dir().join(format!("ballast-beat-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            let folder = Self(path);
            if Heartbeat::open(&folder.0, BOOT).file.is_none() {
                println!("skipped: heartbeat: no file system in memory at {PLACE}");
                return None;
            }
            Some(folder)
        }
        fn file(&self) -> PathBuf {
            path_of(&self.0).unwrap()
        }
        fn last(&self) -> Option<Mono> {
            Heartbeat::open(&self.0, BOOT).last
        }
    }
    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(self.file());
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_last_beat_is_found_by_the_next_run_of_the_same_site_in_the_same_boot() {
        let (Some(folder), Some(other)) = (Folder::new("one"), Folder::new("two")) else { return };
        let at = Mono::from_millis;
        let mut beating = Heartbeat::open(&folder.0, BOOT);
        assert_eq!(beating.last, None);
        for millis in [5000, 6000, 6050] {
            beating.beat(at(millis));
        }
        assert_eq!(folder.last(), Some(at(6000)), "not more often than its pace");
        beating.end(at(6051));
        assert_eq!(folder.last(), Some(at(6051)));
        assert_eq!(other.last(), None);
        assert_eq!(Heartbeat::open(&folder.0, BootId(8)).last, None, "another boot has another clock");
        // A write that was cut is no moment.
        let mut bytes = std::fs::read(folder.file()).unwrap();
        bytes[17] ^= 1;
        std::fs::write(folder.file(), bytes).unwrap();
        assert_eq!(folder.last(), None);
    }

    #[test]
    fn a_link_that_somebody_else_laid_is_not_followed() {
        let Some(folder) = Folder::new("link") else { return };
        let target = folder.0.join("target");
        std::fs::write(&target, b"precious").unwrap();
        std::fs::remove_file(folder.file()).unwrap();
        std::os::unix::fs::symlink(&target, folder.file()).unwrap();
        Heartbeat::open(&folder.0, BOOT).end(Mono::from_millis(1));
        assert_eq!(std::fs::read(&target).unwrap(), b"precious");
    }

    #[test]
    fn an_outage_is_as_long_as_somebody_saw_and_else_at_most_as_long_as_the_last_save_is_ago() {
        let stamp = |boot: u128, millis: u64| Stamp {
            boot: BootId(boot),
            mono: Mono::from_millis(millis),
            utc: Utc::from_millis(1_795_355_798_000 + millis as i64),
            trusted: true,
        };
        let outage = |last: Option<u64>, has_ended: bool, boot: u128| {
            let saved = SavedState { generation: 1, stamp: stamp(boot, 10_000), parts: Vec::new() };
            let beats = Heartbeat { last: last.map(Mono::from_millis), ..Heartbeat::default() };
            let Outage { gap, is_at_most } = beats.outage(&saved, has_ended, &stamp(7, 60_000));
            (gap, is_at_most)
        };
        let same = |millis| Gap::SameBoot(Span::from_millis(millis));
        assert_eq!(outage(Some(59_700), false, 7), (same(300), false));
        assert_eq!(outage(None, false, 7), (same(50_000), true));
        assert_eq!(outage(None, true, 7), (same(50_000), false), "it was saved at the end");
        assert_eq!(outage(Some(9000), false, 7), (same(50_000), true), "a beat of an earlier run");
        assert_eq!(outage(None, false, 8), (Gap::OtherBoot(Span::from_millis(50_000)), false));
    }
}
