//! Tells that a site's files were changed, once they lie still.
//!
//! A plain thread listens to the kernel's messages about the site's directory and its `rules` directory; directories and
//! not files, since editors replace files. Network file systems send no messages, so sizes and times are looked at every
//! few seconds as well. A change is told when the set has lain unchanged for [`QUIET`] and is not the one told before:
//! a file that is still being written is never told, and neither is a change that was taken back.
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
/// What a rule file's name ends with.
const RULE_ENDING: &str = ".rhai";
/// A longer YAML file is no site; it is told apart by its size and time only.
const YAML_BYTES_MAX: u64 = 1 << 20;
/// A longer rule file is refused by the language; it is told apart by its size and time only.
const RULE_BYTES_MAX: u64 = 256 << 10;
/// Rule files beyond this number are not looked at; the language refuses such a set.
const RULE_FILES_MAX: usize = 4096;

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

/// Whether a file of that name in `rules` belongs to the set: `*.rhai`, without the hidden files that editors leave.
pub fn is_rule_file(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.ends_with(RULE_ENDING.as_bytes()) && !name.starts_with(b".")
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
    let rules = site.join(RULES);
    match fs::read_dir(&rules) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(entries) => {
            for entry in entries.take(RULE_FILES_MAX) {
                let name = entry?.file_name();
                if is_rule_file(&name) {
                    let relative = [RULES.as_bytes(), b"/", name.as_encoded_bytes()].concat();
                    files.push(Listed { name: relative, path: rules.join(name), bytes_max: RULE_BYTES_MAX });
                }
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
        (Some(name), None) => name == RULES || SITE_FILES.iter().any(|file| name == *file),
        (Some(directory), Some(name)) => directory == RULES && is_rule_file(name),
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
        for directory in [self.site.clone(), self.site.join(RULES)] {
            // What is not there is found when it appears in its parent or by the next look.
            let _ = kernel.watch(&directory, RecursiveMode::NonRecursive);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::mpsc::channel;
    use std::time::Instant;

    /// Long enough for a loaded machine; a test that succeeds does not wait for it.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A site in a directory of its own, which it takes away with it.
    struct Site(PathBuf);

    impl Site {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ballast-watch-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.join(RULES)).unwrap();
            fs::write(path.join("site.yaml"), "site: { id: test }\n").unwrap();
            fs::write(path.join("rules/night.rhai"), "// nothing yet\n").unwrap();
            Self(path)
        }
        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
        fn hash(&self) -> SetHash {
            SetHash::of_directory(&self.0).unwrap()
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A watch and what it told.
    fn watched(site: &Site) -> (Watch, Receiver<SetHash>) {
        let (told, heard) = channel();
        let watch = watch(&site.0, site.hash(), move |hash| told.send(hash).unwrap_or_default()).unwrap();
        assert_eq!(watch.trouble(), None);
        (watch, heard)
    }

    /// Saves a marker and waits until a set with it is told: all that was told before concerns what was done before.
    fn told_before_marker(site: &Site, heard: &Receiver<SetHash>) -> Vec<SetHash> {
        fs::write(site.path("rules/marker.rhai"), "// the end\n").unwrap();
        let end = site.hash();
        let mut told = Vec::new();
        loop {
            let hash = heard.recv_timeout(PATIENCE).unwrap();
            if hash == end {
                return told;
            }
            told.push(hash);
        }
    }

    #[test]
    fn tells_a_saved_file_once() {
        let site = Site::new("saved");
        let (_watch, heard) = watched(&site);
        fs::write(site.path("rules/night.rhai"), "rule \"a\" {}\n").unwrap();
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(site.hash()));
        assert_eq!(told_before_marker(&site, &heard), []);
    }

    #[test]
    fn tells_every_way_of_saving() {
        let site = Site::new("ways");
        let (_watch, heard) = watched(&site);
        let night = site.path("rules/night.rhai");
        let replace = || {
            fs::write(site.path("rules/.night.rhai.swp"), "rule \"b\" {}\n").unwrap();
            fs::rename(site.path("rules/.night.rhai.swp"), &night).unwrap();
        };
        let delete_and_create = || {
            fs::remove_file(&night).unwrap();
            fs::write(&night, "rule \"c\" {}\n").unwrap();
        };
        let same_length = || fs::write(&night, "rule \"d\" {}\n").unwrap();
        let delete = || fs::remove_file(&night).unwrap();
        let add = || fs::write(site.path("safety.yaml"), "outputs: {}\n").unwrap();
        let other_rules = || {
            fs::rename(site.path(RULES), site.path("rules.old")).unwrap();
            fs::create_dir(site.path(RULES)).unwrap();
            fs::write(site.path("rules/other.rhai"), "rule \"e\" {}\n").unwrap();
        };
        let in_the_new_directory = || fs::write(site.path("rules/other.rhai"), "rule \"f\" {}\n").unwrap();
        let ways: [&dyn Fn(); 7] =
            [&replace, &delete_and_create, &same_length, &delete, &add, &other_rules, &in_the_new_directory];
        for (way, save) in ways.iter().enumerate() {
            save();
            let now = site.hash();
            // A machine that stalls between two calls of one way may show the state between them.
            while heard.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("way {way}: {error}")) != now {}
        }
    }

    #[test]
    fn never_tells_a_half_written_file() {
        let site = Site::new("half");
        let (_watch, heard) = watched(&site);
        // Longer in all than the quiet time, with pauses well below it. Where the machine made a longer pause than
        // that, the attempt says nothing.
        for attempt in 0..10 {
            let mut file = File::create(site.path("rules/night.rhai")).unwrap();
            let mut longest = Duration::ZERO;
            for piece in 0..30 {
                let started = Instant::now();
                writeln!(file, "// attempt {attempt}, piece {piece}").unwrap();
                std::thread::sleep(Duration::from_millis(25));
                longest = longest.max(started.elapsed());
            }
            drop(file);
            let whole = site.hash();
            let first = heard.recv_timeout(PATIENCE).unwrap();
            if longest < QUIET / 2 {
                assert_eq!(first, whole);
                return;
            }
            while heard.recv_timeout(QUIET * 4).is_ok() {}
        }
        panic!("the machine was never quiet enough to write without long pauses");
    }

    #[test]
    fn says_nothing_of_what_was_taken_back_or_does_not_belong() {
        let site = Site::new("back");
        let (_watch, heard) = watched(&site);
        fs::write(site.path("rules/night.rhai"), "other").unwrap();
        fs::write(site.path("rules/night.rhai"), "// nothing yet\n").unwrap();
        fs::write(site.path("notes.txt"), "other").unwrap();
        fs::write(site.path("rules/.#night.rhai"), "other").unwrap();
        fs::write(site.path("rules/night.rhai~"), "other").unwrap();
        assert_eq!(told_before_marker(&site, &heard), []);
    }

    #[test]
    fn a_busy_file_that_does_not_belong_holds_nothing_up() {
        let site = Site::new("busy");
        let (_watch, heard) = watched(&site);
        fs::write(site.path("rules/night.rhai"), "rule \"a\" {}\n").unwrap();
        let end = Instant::now() + PATIENCE;
        let mut log = File::create(site.path("site.log")).unwrap();
        while Instant::now() < end {
            writeln!(log, "busy").unwrap();
            if let Ok(hash) = heard.recv_timeout(Duration::from_millis(10)) {
                assert_eq!(hash, site.hash());
                return;
            }
        }
        panic!("the log file kept the set from being told");
    }

    #[test]
    fn finds_changes_where_the_kernel_says_nothing() {
        let site = Site::new("silent");
        let (told, heard) = channel();
        let every = Duration::from_millis(50);
        let _watch =
            watch_every(every, false, &site.0, site.hash(), move |hash| told.send(hash).unwrap_or_default())
                .unwrap();
        fs::write(site.path("rules/night.rhai"), "rule \"a\" {}\n").unwrap();
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(site.hash()));
        fs::remove_dir_all(site.path(RULES)).unwrap();
        let without = site.hash();
        while heard.recv_timeout(PATIENCE).unwrap() != without {}
    }

    #[test]
    fn tells_at_the_start_what_was_changed_before_it() {
        let site = Site::new("before");
        let known = site.hash();
        fs::write(site.path("rules/night.rhai"), "rule \"a\" {}\n").unwrap();
        let (told, heard) = channel();
        let _watch = watch(&site.0, known, move |hash| told.send(hash).unwrap_or_default()).unwrap();
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(site.hash()));
    }

    #[test]
    fn the_thread_ends_with_the_watch() {
        let site = Site::new("ends");
        let (watch, heard) = watched(&site);
        drop(watch);
        // The thread owned the sender.
        assert!(
            heard
                .recv_timeout(PATIENCE)
                .is_err_and(|why| why == std::sync::mpsc::RecvTimeoutError::Disconnected)
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let path = std::env::temp_dir().join("ballast-watch-no-such-directory");
        let hash = SetHash::of_files([]);
        assert_eq!(watch(&path, hash, |_| ()).map(drop).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_hash_is_that_of_the_bytes_wherever_they_come_from() {
        let site = Site::new("bytes");
        let night = ("rules/night.rhai", b"// nothing yet\n".as_slice());
        let yaml = ("site.yaml", b"site: { id: test }\n".as_slice());
        assert_eq!(site.hash(), SetHash::of_files([yaml, night]));
        assert_eq!(site.hash(), SetHash::of_files([night, yaml]));
        assert_ne!(site.hash(), SetHash::of_files([night]));
        // Moving bytes from one file's end to the next one's start is another set.
        let shifted = [("rules/night.rhai", night.1), ("site.yaml", b"site: { id: test }".as_slice())];
        assert_ne!(site.hash(), SetHash::of_files(shifted));
        assert_eq!(site.hash().to_string().len(), 64);
    }

    #[test]
    fn long_files_pipes_and_unreadable_ones_neither_fail_nor_hold() {
        let site = Site::new("long");
        fs::write(site.path("rules/long.rhai"), vec![b' '; RULE_BYTES_MAX as usize]).unwrap();
        let whole = site.hash();
        fs::write(site.path("rules/long.rhai"), vec![b' '; RULE_BYTES_MAX as usize + 1]).unwrap();
        let too_long = site.hash();
        assert_ne!(whole, too_long);
        assert_eq!(too_long, site.hash());
        fs::create_dir(site.path("rules/directory.rhai")).unwrap();
        let with_directory = site.hash();
        assert_ne!(too_long, with_directory);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, site.path("rules/pipe.rhai"), mode).unwrap();
        assert_ne!(with_directory, site.hash());
    }
}
