//! What a guard keeps over its own end: two slots on the disk, written in turn, so that a power cut in the middle of a write
//! leaves the other one whole.
//!
//! A slot is: magic (8 bytes), version (4), generation (8), length (4), CRC-32 of generation, length and content (4), content;
//! little-endian. The whole slot with the highest generation counts.

use ballast_host::Texts;
use ballast_model::frame::crc32;
use ballast_model::time::{Gap, Stamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"BALLGRD\n";
/// Version of the contents; another one is not read.
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 28;
/// A longer content was not written by this program.
const CONTENT_BYTES_MAX: usize = 64 << 20;

/// What changes all the time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptState {
    /// When it was taken.
    pub stamp: Stamp,
    /// The guard.
    pub state: ballast_guard::State,
    /// Why its memory was lost, until a person resets all.
    pub memory_lost: Option<String>,
}

/// What changes when files do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptSets {
    /// The files of the set that is wholly in force: with it the guard begins again.
    pub confirmed: Texts,
    /// Those of the sets after it of which what tightens is in force, in the order in which they came.
    pub later: Vec<Texts>,
}

/// Two slots of one thing.
#[derive(Debug)]
pub struct Slots {
    paths: [PathBuf; 2],
    /// The generation in each; `None`: nothing whole.
    generations: [Option<u64>; 2],
}

/// What was found at the start.
#[derive(Debug, PartialEq)]
pub enum Found<T> {
    /// Nothing was ever kept here.
    Nothing,
    /// This.
    Kept(T),
    /// Something was kept, and none of it can be read.
    Lost(String),
}

impl Slots {
    /// The slots of a thing in a directory, and what they hold.
    pub fn open<T: DeserializeOwned>(directory: &Path, name: &str) -> (Self, Found<T>) {
        let paths = ["a", "b"].map(|slot| directory.join(format!("{name}.{slot}")));
        let read = paths.each_ref().map(|path| read_slot(path));
        let mut slots = Self { paths, generations: [None; 2] };
        let mut best: Option<(u64, Vec<u8>)> = None;
        let mut troubles = Vec::new();
        for (place, (path, found)) in slots.generations.iter_mut().zip(slots.paths.iter().zip(read)) {
            match found {
                Ok(None) => {}
                Ok(Some((generation, content))) => {
                    *place = Some(generation);
                    if best.as_ref().is_none_or(|(known, _)| generation > *known) {
                        best = Some((generation, content));
                    }
                }
                Err(trouble) => troubles.push(format!("{}: {trouble}", path.display())),
            }
        }
        let found = match best {
            Some((_, content)) => match postcard::from_bytes(&content) {
                Ok(kept) => Found::Kept(kept),
                Err(_) => Found::Lost("it was written by another version of this program".to_owned()),
            },
            None if troubles.is_empty() => Found::Nothing,
            None => Found::Lost(troubles.join("; ")),
        };
        (slots, found)
    }

    /// Writes a content into the older slot; it is on the disk when this returns.
    ///
    /// # Errors
    /// The disk does not take it. The other slot is as it was.
    pub fn write(&mut self, content: &impl Serialize) -> io::Result<()> {
        let content = postcard::to_allocvec(content).map_err(io::Error::other)?;
        let newest = self.generations.iter().flatten().max().copied().unwrap_or(0);
        let generation = newest + 1;
        // The older one, or one that holds nothing whole.
        let place = usize::from(self.generations[0] > self.generations[1]);
        let is_new = !self.paths[place].exists();
        // Until it is whole again it holds nothing.
        self.generations[place] = None;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.paths[place])?;
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + content.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&generation.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum(generation, &content).to_le_bytes());
        bytes.extend_from_slice(&content);
        file.write_all(&bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_data()?;
        if is_new && let Some(directory) = self.paths[place].parent() {
            File::open(directory)?.sync_all()?;
        }
        self.generations[place] = Some(generation);
        Ok(())
    }
}

fn checksum(generation: u64, content: &[u8]) -> u32 {
    let length = content.len() as u32;
    let head = [generation.to_le_bytes().as_slice(), &length.to_le_bytes()].concat();
    crc32(&[&head, content].concat())
}

/// The generation and content of a slot; `None` where there is no file.
fn read_slot(path: &Path) -> Result<Option<(u64, Vec<u8>)>, String> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| error.to_string())?,
    };
    let mut head = [0; HEAD_BYTES];
    let damaged = |_| "it is damaged".to_owned();
    file.read_exact(&mut head).map_err(damaged)?;
    let part = |from: usize| -> [u8; 4] {
        let mut part = [0; 4];
        part.iter_mut().zip(head.iter().skip(from)).for_each(|(place, byte)| *place = *byte);
        part
    };
    let [version, low, high, length, crc] = [8, 12, 16, 20, 24].map(|from| u32::from_le_bytes(part(from)));
    if !head.starts_with(MAGIC) || length as usize > CONTENT_BYTES_MAX {
        return Err("it is damaged".to_owned());
    }
    if version != VERSION {
        return Err("it was written by another version of this program".to_owned());
    }
    let mut content = vec![0; length as usize];
    file.read_exact(&mut content).map_err(damaged)?;
    let generation = u64::from(low) | u64::from(high) << 32;
    if crc != checksum(generation, &content) {
        return Err("it is damaged".to_owned());
    }
    Ok(Some((generation, content)))
}

/// How long nothing ran since a state was kept. A guard that begins is no reload, however quickly it came back.
pub fn gap_since(kept: &Stamp, now: &Stamp) -> Gap {
    match kept.gap_to(now) {
        Gap::SameBoot(span) => Gap::SameBoot(span.max(ballast_model::Span::from_millis(1))),
        other => other,
    }
}

/// Makes a directory that only its owner reads.
///
/// # Errors
/// It cannot be made.
pub fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);
    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("ballast-guard-memory-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            make_directory(&path).unwrap();
            Self(path)
        }
        fn open(&self) -> (Slots, Found<String>) {
            Slots::open(&self.0, "thing")
        }
    }
    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_written_last_is_found_and_both_slots_are_used() {
        let folder = Folder::new("last");
        let (mut slots, found) = folder.open();
        assert_eq!(found, Found::Nothing);
        for text in ["first", "a second one that is longer", "third"] {
            slots.write(&text).unwrap();
            assert_eq!(folder.open().1, Found::Kept(text.to_owned()));
        }
        let (mut again, _) = folder.open();
        again.write(&"fourth").unwrap();
        assert_eq!(folder.open().1, Found::Kept("fourth".to_owned()));
        assert!(folder.0.join("thing.a").exists() && folder.0.join("thing.b").exists());
    }

    #[test]
    fn a_write_that_is_cut_at_any_byte_leaves_the_one_before() {
        let folder = Folder::new("cut");
        let (mut slots, _) = folder.open();
        slots.write(&"one").unwrap();
        slots.write(&"two").unwrap();
        let target = folder.0.join("thing.a");
        let before = fs::read(&target).unwrap();
        slots.write(&"three").unwrap();
        let after = fs::read(&target).unwrap();
        for cut in 0..after.len() {
            // What was overwritten so far, and the old bytes behind it; and the same with the file cut off there.
            let mut torn = after[..cut].to_vec();
            torn.extend_from_slice(before.get(cut..).unwrap_or_default());
            for bytes in [&torn[..], &after[..cut]] {
                fs::write(&target, bytes).unwrap();
                let found = folder.open().1;
                assert!(found == Found::Kept("two".to_owned()) || bytes == after, "cut at {cut}: {found:?}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_found_and_what_is_lost_is_said() {
        let folder = Folder::new("flip");
        let (mut slots, _) = folder.open();
        slots.write(&"only").unwrap();
        let path = folder.0.join("thing.a");
        let good = fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bad).unwrap();
            assert!(matches!(folder.open().1, Found::Lost(_)), "bit {bit}");
        }
    }
}
