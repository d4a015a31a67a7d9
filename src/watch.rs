//! Tells that a site's files were changed, once they lie still.
//!
//! A plain thread listens to the kernel's messages about the site's directory and its `rules` and `devices` directories;
//! directories and not files, since editors replace files. Network file systems send no messages, so sizes and times are
//! looked at every few seconds as well. A change is told when the set has lain unchanged for [`QUIET`] and is not the one
//! told before: a file that is still being written is never told, and neither is a change that was taken back.
//!
//! Nothing is kept of what the files hold. Who loads them must compare the [`SetHash`] of the bytes that he read
//! ([`SetHash::of_files`]) with the one that was told: between the two, a file may have changed again.

use ballast_host::SetHash;
use ballast_host::file_set::{DEVICES, FOLDERS, RULES, SITE_FILES, is_listed, list};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
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
