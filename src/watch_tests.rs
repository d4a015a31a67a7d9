//! The watcher on real files, saved in every way in which editors save.

use super::*;
use ballast_host::file_set::RULE_BYTES_MAX;
use std::fs::File;
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
        heard.recv_timeout(PATIENCE).is_err_and(|why| why == std::sync::mpsc::RecvTimeoutError::Disconnected)
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
