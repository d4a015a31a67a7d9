//! Which files belong to a site, and the hash by which one set of them is told from another.
//!
//! Nothing is kept of what the files hold. Who loads them must compare the [`SetHash`] of the bytes that he read
//! ([`SetHash::of_files`]) with the one that was told: between the two, a file may have changed again.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The two files of a site beside its rules.
pub const SITE_FILES: [&str; 2] = ["site.yaml", "safety.yaml"];
/// The directory of the rule files, in the site's directory.
pub const RULES: &str = "rules";
/// The directory of the site's own device files.
pub const DEVICES: &str = "devices";
/// The directories of the set, what the names of their files end with, and how long a file may be.
pub const FOLDERS: [(&str, &str, u64); 2] =
    [(RULES, ".rhai", RULE_BYTES_MAX), (DEVICES, ".yaml", YAML_BYTES_MAX)];
/// A longer YAML file is no site; it is told apart by its size and time only.
pub const YAML_BYTES_MAX: u64 = 1 << 20;
/// A longer rule file is refused by the language; it is told apart by its size and time only.
pub const RULE_BYTES_MAX: u64 = 256 << 10;
/// Files of a directory beyond this number are not looked at; such a set is refused.
const FILES_MAX: usize = 4096;

/// Tells one set of files from another: SHA-256 over names, lengths and contents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SetHash([u8; 32]);

impl SetHash {
    /// The hash of files whose bytes are at hand, each with its name relative to the site (`rules/night.rhai`).
    pub fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let sorted: BTreeMap<&[u8], &[u8]> =
            files.into_iter().map(|(name, bytes)| (name.as_bytes(), bytes)).collect();
        let mut set = Set::default();
        for (name, bytes) in sorted {
            set.add(name, Content::Whole(bytes));
        }
        set.finish()
    }

    /// The hash of the files as they lie there now.
    ///
    /// # Errors
    /// When the directory or its rules cannot be listed. A single file that cannot be read is part of the set as such.
    pub fn of_directory(site: &Path) -> io::Result<Self> {
        let mut set = Set::default();
        let mut buffer = Vec::new();
        for file in list(site)? {
            file.add_to(&mut set, &mut buffer);
        }
        Ok(set.finish())
    }
}

impl fmt::Display for SetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetHash({self})")
    }
}

/// Whether a file of that name belongs to the set, without the hidden files that editors leave.
pub fn is_listed(name: &OsStr, ending: &str) -> bool {
    let name = name.as_encoded_bytes();
    name.ends_with(ending.as_bytes()) && !name.starts_with(b".")
}

/// What a file adds to the hash.
enum Content<'a> {
    Whole(&'a [u8]),
    TooLong { bytes: u64, changed: (i64, i64) },
    Unreadable,
}

/// A set in the making.
#[derive(Default)]
struct Set(Sha256);

impl Set {
    fn add(&mut self, name: &[u8], content: Content<'_>) {
        self.number(name.len() as u64);
        self.0.update(name);
        match content {
            Content::Whole(bytes) => {
                self.0.update([0]);
                self.number(bytes.len() as u64);
                self.0.update(bytes);
            }
            Content::TooLong { bytes, changed } => {
                self.0.update([1]);
                self.number(bytes);
                self.0.update(changed.0.to_le_bytes());
                self.0.update(changed.1.to_le_bytes());
            }
            Content::Unreadable => self.0.update([2]),
        }
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn finish(self) -> SetHash {
        SetHash(self.0.finalize().into())
    }
}

/// A file of the set.
#[derive(Debug)]
pub struct Listed {
    /// Its name relative to the site.
    pub name: Vec<u8>,
    /// Where it lies.
    pub path: PathBuf,
    bytes_max: u64,
}

impl Listed {
    /// Adds the file; one that has vanished since it was listed adds nothing.
    fn add_to(&self, set: &mut Set, buffer: &mut Vec<u8>) {
        let content = match self.read(buffer) {
            Ok(None) => Content::Whole(buffer),
            Ok(Some(about)) => {
                Content::TooLong { bytes: about.len(), changed: (about.mtime(), about.mtime_nsec()) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(_) => Content::Unreadable,
        };
        set.add(&self.name, content);
    }

    /// Reads the file into the buffer, or says what it is when it is too long for that.
    fn read(&self, buffer: &mut Vec<u8>) -> io::Result<Option<Metadata>> {
        buffer.clear();
        // A pipe by that name must not hold the thread: opening it does not wait, and it is not read.
        let wait_not = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(wait_not).open(&self.path)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if about.len() > self.bytes_max {
            return Ok(Some(about));
        }
        read_at_most(&file, self.bytes_max, buffer)?;
        // It grew while it was read.
        if buffer.len() as u64 > self.bytes_max { file.metadata().map(Some) } else { Ok(None) }
    }
}

fn read_at_most(file: &File, bytes: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    file.take(bytes.saturating_add(1)).read_to_end(buffer).map(drop)
}

/// The files of the set, sorted by relative name.
///
/// # Errors
/// When the site's directory, or one of its folders that is there, cannot be listed.
pub fn list(site: &Path) -> io::Result<Vec<Listed>> {
    // A directory that is gone is not an empty set.
    if !fs::metadata(site)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let mut files = Vec::new();
    for name in SITE_FILES {
        files.push(Listed { name: name.into(), path: site.join(name), bytes_max: YAML_BYTES_MAX });
    }
    for (folder, ending, bytes_max) in FOLDERS {
        let directory = site.join(folder);
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries.take(FILES_MAX) {
            let name = entry?.file_name();
            if is_listed(&name, ending) {
                let relative = [folder.as_bytes(), b"/", name.as_encoded_bytes()].concat();
                files.push(Listed { name: relative, path: directory.join(name), bytes_max });
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}
