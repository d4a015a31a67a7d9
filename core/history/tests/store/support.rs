//! Folders, stamps and events for the tests, and the child processes that some of them start.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ballast_history::{Event, Opened, Query, Reader, Severity, StatePart, Store, StoredEvent};
use ballast_model::time::{BootId, Stamp};
use ballast_model::time::{Mono, Utc};

/// Longer than any disk takes that still works; nothing waits so long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Names the folder in which a child process works; set only for children.
const CHILD: &str = "BALLAST_HISTORY_CHILD";

/// A folder on a real disk that goes away with its test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("history-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("ballast.db")
    }

    pub(crate) fn open(&self) -> (Store, Opened) {
        Store::open(&self.database(), stamp(0)).unwrap()
    }

    /// Names of the files in the folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `number` milliseconds after some trusted moment.
pub(crate) fn stamp(number: u64) -> Stamp {
    Stamp {
        boot: BootId(0x1234),
        mono: Mono::from_millis(number),
        utc: Utc::from_millis(1_795_355_798_000 + number as i64),
        trusted: true,
    }
}

pub(crate) fn event(number: u64) -> Event {
    Event {
        stamp: stamp(number),
        kind: "switched".to_owned(),
        subject: format!("output_{}", number % 3),
        severity: Severity::Notice,
        audit: number.is_multiple_of(7),
        who: number.is_multiple_of(7).then(|| "operator".to_owned()),
        payload: format!("{{\"n\":{number}}}"),
    }
}

/// A state that carries `number`.
pub(crate) fn parts(number: u64) -> Vec<StatePart> {
    vec![
        StatePart::new("engine", 1, number.to_be_bytes().to_vec()),
        StatePart::new("guard", 2, vec![number as u8; 300]),
    ]
}

/// The number in a state made by [`parts`]; both parts must be of the same save.
pub(crate) fn number_of(parts: &[StatePart]) -> u64 {
    let number = u64::from_be_bytes(parts[0].bytes.as_slice().try_into().unwrap());
    assert_eq!(parts, self::parts(number));
    number
}

/// All events, oldest first.
pub(crate) fn all_events(database: &Path) -> Vec<StoredEvent> {
    let reader = Reader::open(database).unwrap();
    let mut events: Vec<StoredEvent> = Vec::new();
    loop {
        let before = events.last().map(|oldest| oldest.sequence);
        let page = reader.events(&Query { before, limit: 5000, ..Query::default() }).unwrap();
        if page.is_empty() {
            events.reverse();
            return events;
        }
        events.extend(page);
    }
}

/// The file is sound and its events are numbered 1, 2, 3 and so on.
pub(crate) fn assert_sound(database: &Path) -> Vec<StoredEvent> {
    let findings = Reader::open(database).unwrap().integrity_findings().unwrap();
    assert_eq!(findings, Vec::<String>::new());
    let events = all_events(database);
    for (expected, found) in (1..).zip(&events) {
        assert_eq!(found.sequence, expected);
        assert!(found.is_intact, "{found:?}");
    }
    events
}

/// This test binary again, running only `test`, as a child that works in `folder`. `wrapper` is put in front of it.
pub(crate) fn child(wrapper: &[&str], test: &str, folder: &Path) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(AsRef::as_ref).chain([this.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(CHILD, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// The folder to work in, in a child process; `None` in an ordinary run of the tests.
pub(crate) fn child_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Tells the parent something, at once.
pub(crate) fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone, which is the end of this process as well.
    let _ = writeln!(out, "\n{line}").and_then(|()| out.flush());
}

/// Says past the capture of the test harness what could not be tested here.
pub(crate) fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
}

/// Random numbers that are the same in every run with the same seed (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}
