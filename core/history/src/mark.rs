//! The number of the newest state that was acknowledged, in a small file of its own beside the database.
//!
//! A log whose middle is damaged looks whole to SQLite and only ends earlier, and one whose beginning is damaged looks as if
//! there had never been one: the database then holds an older state, or none, and says nothing. A database that somebody
//! removed says nothing either. With this number all of that is found.
//!
//! Two places, written in turn, 4 kB apart, so that a power cut in the middle of a write leaves the other one. A place is:
//! magic (8 bytes), generation (8), CRC-32 of both (4); little-endian. The highest generation counts.

use crate::error::Error;
use crate::quarantine::{folder_of, with_suffix};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"BALLMARK";
const PLACE_BYTES: usize = 20;
/// A page of the disk and of the cache: one is never half of each other's write.
const PLACES_APART: u64 = 4096;

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// There is none, or nothing was ever written into it.
    Nothing,
    /// States up to this one were acknowledged.
    Newest(u64),
    /// Something was written into it, and none of it can be read any more.
    Unreadable,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    /// Open once something was written.
    file: Option<File>,
}

impl Mark {
    /// The file beside a database, and what it says. Nothing is made.
    pub(crate) fn open(database: &Path) -> Result<(Self, Said), Error> {
        let path = with_suffix(database, "-newest");
        let said = match read(&path) {
            Ok(said) => said,
            Err(source) => return Err(Error::File { doing: "read", path, source }),
        };
        Ok((Self { path, file: None }, said))
    }

    /// Notes that a state is kept; on the disk when this returns.
    pub(crate) fn note(&mut self, generation: u64) -> Result<(), Error> {
        let written = self.write(generation);
        if written.is_err() {
            // Opened anew at the next try: a disk that comes back from read-only needs that.
            self.file = None;
        }
        written.map_err(|source| Error::File { doing: "write", path: self.path.clone(), source })
    }

    fn write(&mut self, generation: u64) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(self.make()?);
        }
        let Some(file) = &self.file else { return Ok(()) };
        file.write_all_at(&place(generation), generation % 2 * PLACES_APART)?;
        file.sync_data()
    }

    /// Opens it, and makes it where it is not there.
    fn make(&self) -> io::Result<File> {
        let is_new = !self.path.try_exists()?;
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path)?;
        if is_new {
            File::open(folder_of(&self.path))?.sync_all()?;
        }
        Ok(file)
    }
}

fn place(generation: u64) -> [u8; PLACE_BYTES] {
    let mut bytes = [0; PLACE_BYTES];
    let number = generation.to_le_bytes();
    let crc = checksum(number).to_le_bytes();
    let content = MAGIC.iter().chain(&number).chain(&crc);
    bytes.iter_mut().zip(content).for_each(|(place, byte)| *place = *byte);
    bytes
}

fn checksum(number: [u8; 8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(MAGIC);
    hasher.update(&number);
    hasher.finalize()
}

fn read(path: &Path) -> io::Result<Said> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Said::Nothing);
        }
        file => file?.take(2 * PLACES_APART).read_to_end(&mut bytes)?,
    };
    let mut said = Said::Nothing;
    for start in [0, PLACES_APART as usize] {
        let found = bytes.get(start..).unwrap_or_default();
        let found = found.get(..PLACE_BYTES.min(found.len())).unwrap_or_default();
        let number = found.get(8..16).and_then(|number| <[u8; 8]>::try_from(number).ok());
        match number.map(u64::from_le_bytes) {
            Some(generation) if found == place(generation) => {
                said = match said {
                    Said::Newest(other) => Said::Newest(other.max(generation)),
                    _ => Said::Newest(generation),
                };
            }
            // A place that nothing was written into.
            _ if found.iter().all(|byte| *byte == 0) => {}
            _ if said == Said::Nothing => said = Said::Unreadable,
            _ => {}
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);
    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ballast-mark-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
        fn open(&self) -> (Mark, Said) {
            Mark::open(&self.0.join("a.db")).unwrap()
        }
        fn file(&self) -> PathBuf {
            self.0.join("a.db-newest")
        }
    }
    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_highest_number_is_found_and_a_fresh_folder_has_none() {
        let scratch = Scratch::new("highest");
        let (mut mark, said) = scratch.open();
        assert_eq!(said, Said::Nothing);
        assert!(!scratch.file().exists(), "looking makes nothing");
        for generation in [1, 2, 3, 7, 12, 13] {
            mark.note(generation).unwrap();
            assert_eq!(scratch.open().1, Said::Newest(generation));
        }
    }

    #[test]
    fn a_write_that_is_cut_anywhere_leaves_the_number_before() {
        let scratch = Scratch::new("cut");
        let (mut mark, _) = scratch.open();
        mark.note(4).unwrap();
        mark.note(5).unwrap();
        let before = std::fs::read(scratch.file()).unwrap();
        mark.note(6).unwrap();
        let after = std::fs::read(scratch.file()).unwrap();
        for cut in 0..PLACE_BYTES {
            let mut torn = after.clone();
            torn[cut..PLACE_BYTES].copy_from_slice(&before[cut..PLACE_BYTES]);
            std::fs::write(scratch.file(), &torn).unwrap();
            let said = scratch.open().1;
            assert!(said == Said::Newest(5) || torn == after, "cut at {cut}: {said:?}");
        }
        // The first one, cut off with its file: nothing was acknowledged yet.
        std::fs::write(scratch.file(), []).unwrap();
        assert_eq!(scratch.open().1, Said::Nothing);
    }

    #[test]
    fn every_flipped_bit_of_the_only_place_is_found() {
        let scratch = Scratch::new("flip");
        scratch.open().0.note(2).unwrap();
        let good = std::fs::read(scratch.file()).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(scratch.file(), &bad).unwrap();
            assert_eq!(scratch.open().1, Said::Unreadable, "bit {bit}");
        }
    }
}
