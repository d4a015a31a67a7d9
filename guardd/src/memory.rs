//! What a guard keeps over its own end: two slots on the disk, written in turn, so that a power cut in the middle of a write
//! leaves the other one whole.
//!
//! A slot is: magic (8 bytes), version (4), generation (8), length (4), CRC-32 of generation, length and content (4), content;
//! little-endian. The whole slot with the highest generation counts. Its number stands once more in a small file beside both,
//! written after the slot is on the disk:
//!
//! | beside a slot that is damaged or gone | what it held | what follows |
//! |---|---|---|
//! | the whole one has that number, or a higher one | a write that was cut off, or an older generation: nothing that anybody relied on | it is told |
//! | the whole one has a lower number, or there is no number | perhaps a latch, a "now", a switching, a set that tightened | everything is held safe, as without memory (decision 0017) |

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
    /// The file that names the newest generation, and what it said.
    number: PathBuf,
    newest: Option<u64>,
}

/// What was found at the start.
#[derive(Debug, PartialEq)]
pub enum Found<T> {
    /// Nothing was ever kept here.
    Nothing,
    /// This.
    Kept(T),
    /// This, and nothing newer was ever kept; the other slot is damaged.
    Beside(T, String),
    /// This, and something newer was kept that is damaged: what it held is lost.
    Older(T, String),
    /// Something was kept, and none of it can be read.
    Lost(String),
}

impl Found<KeptState> {
    /// The same, and lost where another version of the guard kept it: it would be left aside in silence, and with it its
    /// latches.
    #[must_use]
    pub fn of_this_version(self) -> Self {
        let (Self::Kept(kept) | Self::Beside(kept, _) | Self::Older(kept, _)) = &self else { return self };
        let (found, known) = (kept.state.version, ballast_guard::STATE_VERSION);
        if found == known {
            return self;
        }
        Self::Lost(format!(
            "it was written by another version of this program: a guard's state of version {found}, and this one reads {known}"
        ))
    }
}

impl Slots {
    /// The slots of a thing in a directory, and what they hold.
    pub fn open<T: DeserializeOwned>(directory: &Path, name: &str) -> (Self, Found<T>) {
        let paths = ["a", "b"].map(|slot| directory.join(format!("{name}.{slot}")));
        let number = directory.join(format!("{name}.newest"));
        let read = paths.each_ref().map(|path| read_slot(path));
        let newest = read_number(&number);
        let mut slots = Self { paths, generations: [None; 2], number, newest };
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
        let trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
        let found = slots.judge(best, trouble);
        (slots, found)
    }

    fn judge<T: DeserializeOwned>(&self, best: Option<(u64, Vec<u8>)>, trouble: Option<String>) -> Found<T> {
        let Some((generation, content)) = best else {
            let is_gone = self.newest.is_some().then(|| format!("{} is gone", self.paths[0].display()));
            return trouble.or(is_gone).map_or(Found::Nothing, Found::Lost);
        };
        let Ok(kept) = postcard::from_bytes(&content) else {
            return Found::Lost("it was written by another version of this program".to_owned());
        };
        match (self.newest, trouble) {
            (Some(newest), trouble) if newest > generation => {
                let trouble = trouble.unwrap_or_else(|| format!("{} is gone", self.other(generation)));
                Found::Older(kept, format!("{trouble}; what is left is number {generation} of {newest}"))
            }
            (None, Some(trouble)) => {
                Found::Older(kept, format!("{trouble}; {}", "nobody knows which was the newest"))
            }
            (_, Some(trouble)) => Found::Beside(kept, trouble),
            (_, None) => Found::Kept(kept),
        }
    }

    /// The slot that does not hold this generation.
    fn other(&self, generation: u64) -> std::path::Display<'_> {
        let [one, other] = &self.paths;
        if self.generations[0] == Some(generation) { other.display() } else { one.display() }
    }

    /// Writes a content into the older slot; it is on the disk when this returns.
    ///
    /// # Errors
    /// The disk does not take it. The other slot is as it was.
    pub fn write(&mut self, content: &impl Serialize) -> io::Result<()> {
        let content = postcard::to_allocvec(content).map_err(io::Error::other)?;
        let newest = self.generations.iter().flatten().max().copied().max(self.newest).unwrap_or(0);
        let generation = newest + 1;
        // The older one, or one that holds nothing whole.
        let place = usize::from(self.generations[0] > self.generations[1]);
        // Until it is whole again it holds nothing.
        self.generations[place] = None;
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + content.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&generation.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum(generation, &content).to_le_bytes());
        bytes.extend_from_slice(&content);
        put(&self.paths[place], &bytes)?;
        self.generations[place] = Some(generation);
        self.name_newest(generation)
    }

    /// Writes down which generation is on the disk now. Less than a sector, in place: it is there as a whole, or as it was.
    fn name_newest(&mut self, generation: u64) -> io::Result<()> {
        let number = generation.to_le_bytes();
        put(&self.number, &[number.as_slice(), &crc32(&number).to_le_bytes()].concat())?;
        self.newest = Some(generation);
        Ok(())
    }
}

/// Gives a file this content, in place; it is on the disk when this returns.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_data()?;
    match path.parent().filter(|_| is_new) {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn checksum(generation: u64, content: &[u8]) -> u32 {
    let length = content.len() as u32;
    let head = [generation.to_le_bytes().as_slice(), &length.to_le_bytes()].concat();
    crc32(&[&head, content].concat())
}

/// The number of the newest generation; `None` where it was never written, or is damaged.
fn read_number(path: &Path) -> Option<u64> {
    let bytes: [u8; 12] = fs::read(path).ok()?.try_into().ok()?;
    let (number, crc) = bytes.split_at(8);
    let is_whole = crc32(number).to_le_bytes() == crc;
    number.try_into().ok().filter(|_| is_whole).map(u64::from_le_bytes)
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
        return Err(format!(
            "it was written by another version of this program: format {version}, and this one reads {VERSION}"
        ));
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
        let number = fs::read(folder.0.join("thing.newest")).unwrap();
        slots.write(&"three").unwrap();
        let after = fs::read(&target).unwrap();
        // It is written after the slot.
        fs::write(folder.0.join("thing.newest"), number).unwrap();
        for cut in 0..after.len() {
            // What was overwritten so far, and the old bytes behind it; and the same with the file cut off there.
            let mut torn = after[..cut].to_vec();
            torn.extend_from_slice(before.get(cut..).unwrap_or_default());
            for bytes in [&torn[..], &after[..cut]] {
                fs::write(&target, bytes).unwrap();
                let found = folder.open().1;
                // The number beside the slots still says two: whoever waited for three was not answered.
                let is_two = matches!(&found, Found::Beside(text, _) if text == "two");
                let is_whole = bytes == after || bytes == before;
                assert!(is_two || is_whole, "cut at {cut}: {found:?}");
            }
        }
    }

    #[test]
    fn a_newest_slot_that_is_damaged_later_is_missed_and_an_older_one_is_not() {
        let folder = Folder::new("rot");
        let (mut slots, _) = folder.open();
        slots.write(&"one").unwrap();
        slots.write(&"two").unwrap();
        let path = |slot: &str| folder.0.join(format!("thing.{slot}"));
        let (a, b) = (fs::read(path("a")).unwrap(), fs::read(path("b")).unwrap());
        let damaged = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            bytes
        };
        // The newest one is b: damaged, cut off, gone.
        fs::write(path("b"), damaged(&b)).unwrap();
        assert!(matches!(folder.open().1, Found::Older(text, _) if text == "one"));
        fs::write(path("b"), &b[..5]).unwrap();
        assert!(matches!(folder.open().1, Found::Older(text, _) if text == "one"));
        fs::remove_file(path("b")).unwrap();
        let found = folder.open().1;
        assert!(
            matches!(&found, Found::Older(text, why) if text == "one" && why.contains("thing.b is gone")),
            "{found:?}"
        );
        // What is written from there on is newer than what was lost.
        let (mut again, _) = folder.open();
        again.write(&"three").unwrap();
        assert_eq!(folder.open().1, Found::Kept("three".to_owned()));
        // The older one: nothing is lost.
        fs::write(path("a"), damaged(&a)).unwrap();
        assert!(matches!(folder.open().1, Found::Beside(text, _) if text == "three"));
        // Without the number nobody knows which it was; with both slots whole nobody needs it.
        fs::remove_file(path("newest")).unwrap();
        assert!(matches!(folder.open().1, Found::Older(text, _) if text == "three"));
        fs::write(path("a"), &a).unwrap();
        assert_eq!(folder.open().1, Found::Kept("three".to_owned()));
    }

    #[test]
    fn fault_41_memory_of_another_version_is_lost_and_never_misread() {
        let folder = Folder::new("version");
        let (mut slots, _) = folder.open();
        slots.write(&"one").unwrap();
        slots.write(&"two").unwrap();
        let path = |slot: &str| folder.0.join(format!("thing.{slot}"));
        let mut newer = fs::read(path("b")).unwrap();
        newer[8] += 1;
        // The newer program wrote one slot before it was taken back: what it kept there is lost.
        fs::write(path("b"), &newer).unwrap();
        let found = folder.open().1;
        let is_said =
            |why: &str| why.contains("another version of this program: format 2, and this one reads 1");
        assert!(matches!(&found, Found::Older(text, why) if text == "one" && is_said(why)), "{found:?}");
        fs::write(path("a"), &newer).unwrap();
        let found = folder.open().1;
        assert!(matches!(&found, Found::Lost(why) if is_said(why)), "{found:?}");
        // The head is of this version and the content is not.
        let (mut slots, _) = Slots::open::<(u64, u64)>(&folder.0, "other");
        slots.write(&true).unwrap();
        let found = Slots::open::<(u64, u64)>(&folder.0, "other").1;
        let is_said = |why: &str| why.contains("another version of this program");
        assert!(matches!(&found, Found::Lost(why) if is_said(why)), "{found:?}");
    }

    #[test]
    fn a_guard_of_another_version_is_lost_and_not_left_aside_in_silence() {
        let folder = Folder::new("guard-version");
        let (catalog, safety) =
            (ballast_model::Catalog::default(), ballast_guard::plan::SafetySet::default());
        let guard = ballast_guard::Guard::new(catalog.into(), safety, ballast_model::Mono::ZERO);
        let mut kept = KeptState { stamp: Stamp::default(), state: guard.save(), memory_lost: None };
        let open = || Slots::open::<KeptState>(&folder.0, "state");
        let (mut slots, _) = open();
        slots.write(&kept).unwrap();
        assert!(matches!(open().1.of_this_version(), Found::Kept(_)));
        kept.state.version += 1;
        slots.write(&kept).unwrap();
        let (known, found) = (ballast_guard::STATE_VERSION, open().1.of_this_version());
        let says = format!("a guard's state of version {}, and this one reads {known}", known + 1);
        assert!(matches!(&found, Found::Lost(why) if why.contains(&says)), "{found:?}");
    }

    #[test]
    fn slots_that_are_gone_are_no_first_start() {
        let folder = Folder::new("gone");
        let (mut slots, _) = folder.open();
        slots.write(&"one").unwrap();
        fs::remove_file(folder.0.join("thing.a")).unwrap();
        assert!(matches!(folder.open().1, Found::Lost(_)));
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
