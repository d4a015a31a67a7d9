//! Tells that a site's files were changed, once they lie still.
//!
//! A plain thread listens to the kernel's messages about the site's directory and its `rules` and `devices` directories;
//! directories and not files, since editors replace files. Network file systems send no messages, so sizes and times are
//! looked at every few seconds as well. A change is told when the set has lain unchanged for [`QUIET`] and is not the one
//! told before: a file that is still being written is never told, and neither is a change that was taken back.
//!
//! Nothing is kept of what the files hold. Who loads them must compare the [`SetHash`] of the bytes that he read
//! ([`SetHash::of_files`]) with the one that was told: between the two, a file may have changed again.

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// How long a set must lie unchanged before it counts as saved (LANGUAGE, "Reload").
pub const QUIET: Duration = Duration::from_millis(300);
/// Messages of the kernel come in bursts; the set is read when a burst is over. Short beside [`QUIET`], which it adds to.
const BURST: Duration = Duration::from_millis(20);
/// How often sizes and times are looked at where the kernel says nothing.
const POLL: Duration = Duration::from_secs(10);
/// The two files of a site beside its rules.
const SITE_FILES: [&str; 2] = ["site.yaml", "safety.yaml"];
/// The directory of the rule files, in the site's directory.
const RULES: &str = "rules";
/// The directory of the site's own device files.
const DEVICES: &str = "devices";
/// The directories of the set, what the names of their files end with, and how long a file may be.
const FOLDERS: [(&str, &str, u64); 2] =
    [(RULES, ".rhai", RULE_BYTES_MAX), (DEVICES, ".yaml", YAML_BYTES_MAX)];
/// A longer YAML file is no site; it is told apart by its size and time only.
const YAML_BYTES_MAX: u64 = 1 << 20;
/// A longer rule file is refused by the language; it is told apart by its size and time only.
const RULE_BYTES_MAX: u64 = 256 << 10;
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
fn is_listed(name: &OsStr, ending: &str) -> bool {
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

/// A file of the set: its relative name and where it lies.
struct Listed {
    name: Vec<u8>,
    path: PathBuf,
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
fn list(site: &Path) -> io::Result<Vec<Listed>> {
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

/// What can be seen of the set without reading it: name, length, changes of content and of the file itself.
type Footprint = Vec<(Vec<u8>, u64, (i64, i64), (i64, i64), u64)>;

/// `None` where the directory cannot be listed.
fn footprint(site: &Path) -> Option<Footprint> {
    let files = list(site).ok()?;
    let seen = files.into_iter().filter_map(|file| {
        let about = fs::metadata(&file.path).ok()?;
        let changes = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
        Some((file.name, about.len(), changes.0, changes.1, about.ino()))
    });
    Some(seen.collect())
}

/// Watches until it is dropped. A message that is already on its way may still arrive after that.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    wake: SyncSender<()>,
    trouble: Option<String>,
}

impl Watch {
    /// Why the kernel sends no messages, so that changes are found by looking every 10 s only; `None` when it does.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // A full channel wakes the thread as well.
        let _ = self.wake.try_send(());
    }
}

/// Watches the site in `directory`, of which `known` is running, and tells every other set that lies unchanged for
/// [`QUIET`], on a thread of its own. A set that already differs from `known` at the start is told, too.
///
/// # Errors
/// When the directory cannot be listed or the thread cannot be started.
pub fn watch(directory: &Path, known: SetHash, tell: impl Fn(SetHash) + Send + 'static) -> io::Result<Watch> {
    watch_every(POLL, true, directory, known, tell)
}

fn watch_every(
    poll: Duration,
    use_kernel: bool,
    directory: &Path,
    known: SetHash,
    tell: impl Fn(SetHash) + Send + 'static,
) -> io::Result<Watch> {
    // The kernel's messages carry whole paths.
    let site = std::path::absolute(directory)?;
    list(&site)?;
    // One place is enough: "something changed" need not be said twice before it is heard.
    let (wake, woken) = sync_channel(1);
    let stop = Arc::new(AtomicBool::new(false));
    let mut trouble = None;
    let mut kernel = None;
    if use_kernel {
        match listen(&site, wake.clone()) {
            Ok(watcher) => kernel = Some(watcher),
            Err(error) => trouble = Some(error.to_string()),
        }
    }
    let watcher =
        Thread { site, told: known, seen: None, kernel, woken, stop: Arc::clone(&stop), poll, tell };
    std::thread::Builder::new().name("watch".into()).spawn(|| watcher.run())?;
    Ok(Watch { stop, wake, trouble })
}

/// Has the kernel's messages about the set wake the thread.
fn listen(site: &Path, wake: SyncSender<()>) -> notify::Result<RecommendedWatcher> {
    let directory = site.to_owned();
    let mut watcher = notify::recommended_watcher(move |message: notify::Result<Event>| {
        // An error means that messages were lost.
        if message.is_ok_and(|event| !concerns(&directory, &event)) {
            return;
        }
        let _ = wake.try_send(());
    })?;
    watcher.watch(site, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Whether a message can mean that the set changed. Reading does not: this thread reads the set itself.
fn concerns(site: &Path, event: &Event) -> bool {
    if let EventKind::Access(access) = event.kind
        && access != AccessKind::Close(AccessMode::Write)
    {
        return false;
    }
    // A message without a place says that others were lost.
    event.paths.is_empty() || event.paths.iter().any(|path| is_of_set(site, path))
}

fn is_of_set(site: &Path, path: &Path) -> bool {
    let Ok(relative) = path.strip_prefix(site) else { return true };
    let mut parts = relative.iter();
    match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(name), None) => {
            FOLDERS.iter().any(|(folder, ..)| name == *folder) || SITE_FILES.iter().any(|file| name == *file)
        }
        (Some(directory), Some(name)) => {
            FOLDERS.iter().any(|(folder, ending, _)| directory == *folder && is_listed(name, ending))
        }
    }
}

/// What the thread owns.
struct Thread<F> {
    site: PathBuf,
    told: SetHash,
    /// The set when it was last found quiet.
    seen: Option<Footprint>,
    kernel: Option<RecommendedWatcher>,
    woken: Receiver<()>,
    stop: Arc<AtomicBool>,
    poll: Duration,
    tell: F,
}

impl<F: Fn(SetHash)> Thread<F> {
    fn run(mut self) {
        // What was saved before the kernel was asked to tell is found here.
        self.settle();
        while !self.is_over() {
            let is_woken = self.wait(self.poll);
            if is_woken || footprint(&self.site) != self.seen {
                self.settle();
            }
        }
    }

    /// Waits for the set to lie still and tells it if it is another one.
    fn settle(&mut self) {
        while !self.is_over() {
            while self.wait(BURST) {}
            self.listen_anew();
            self.seen = footprint(&self.site);
            // A directory that cannot be read is nothing to tell; the next message or look tries again.
            let Ok(before) = SetHash::of_directory(&self.site) else { return self.seen = None };
            if self.wait(QUIET) {
                continue;
            }
            let Ok(after) = SetHash::of_directory(&self.site) else { return self.seen = None };
            if before != after || self.wait(Duration::ZERO) {
                continue;
            }
            if after != self.told && !self.is_over() {
                self.told = after;
                (self.tell)(after);
            }
            return;
        }
    }

    /// Whether something woke the thread within that time.
    fn wait(&self, time: Duration) -> bool {
        // The other end is gone only after `stop` was set.
        self.woken.recv_timeout(time).is_ok() && !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Asks for messages about the directories that lie there now: either may have been replaced by another one of the
    /// same name. Asking twice for the same one changes nothing.
    fn listen_anew(&mut self) {
        let Some(kernel) = &mut self.kernel else { return };
        for directory in [self.site.clone(), self.site.join(RULES), self.site.join(DEVICES)] {
            // What is not there is found when it appears in its parent or by the next look.
            let _ = kernel.watch(&directory, RecursiveMode::NonRecursive);
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
