//! What the tests of the whole system stand on: a real broker, an independent client, a pseudo-terminal, the program.
//!
//! Everything binds to loopback on a port of the test's own and is ended by its own process id.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test is its own message"
)]
#![allow(clippy::print_stderr, reason = "skips are told on the error output")]

pub mod bench;
pub mod broker;
pub mod files;
pub mod guard;
pub mod inverter;
pub mod modbus;
pub mod ports;
pub mod printed;
pub mod program;
pub mod relay;
pub mod terminal;
pub mod tic;
pub mod unit;

pub use ports::free_port;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Finds a tool in PATH, in the usual places and where `make setup-test` unpacks tools.
pub fn tool(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = root.join("target/tools/bin");
    let places = std::env::split_paths(&path).chain([own, "/usr/sbin".into(), "/usr/bin".into()]);
    places.map(|place| place.join(name)).find(|file| file.is_file())
}

/// The tool, or a visible skip.
pub fn tool_or_skip(name: &str, what: &str) -> Option<PathBuf> {
    let found = tool(name);
    if found.is_none() {
        eprintln!("skipped: {what}: {name} is not installed (make setup-test unpacks it)");
    }
    found
}

/// The Home Assistant of the tests' own, or a visible skip: it is large, and made only where somebody asked for it.
pub fn home_assistant_or_skip(what: &str) -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/home-assistant/bin/python");
    if python.is_file() {
        return Some(python);
    }
    eprintln!("skipped: {what}: there is no Home Assistant (scripts/setup.sh home-assistant makes one)");
    None
}

/// Recorded bytes of real devices beside the project, or a visible skip.
pub fn recorded(file: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            eprintln!("skipped: recorded bytes {file}: not beside this checkout");
            None
        }
    }
}

/// Waits until `check` gives something, at most `patience`; says what it waited for when it never comes.
pub fn wait_for<T>(what: &str, patience: Duration, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < patience, "waited {patience:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory that is removed at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// A fresh one.
    pub fn new(name: &str) -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ballast-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary directory can be written");
        Self(path)
    }

    /// A copy of an example site in it.
    pub fn with_example(name: &str, example: &str) -> Self {
        let scratch = Self::new(name);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example), &scratch.0);
        scratch
    }

    /// Replaces a text in one of its files; the text must be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.0.join(file);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(&path, text.replace(from, to)).expect("the file can be written");
    }
}

/// The file of `src/runtime/heartbeat.rs`.
fn heartbeat_of(state: &Path) -> PathBuf {
    let hash = ballast_model::frame::fnv1a(state.as_os_str().as_encoded_bytes().iter().copied());
    Path::new("/dev/shm").join(format!("ballast-{hash:016x}"))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What says until when a program of it was seen lies in memory, and would stay there.
        for state in [self.0.join(".ballast"), self.0.join("state")] {
            let _ = std::fs::canonicalize(state).map(|state| std::fs::remove_file(heartbeat_of(&state)));
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the copy can be made");
    for entry in std::fs::read_dir(from).expect("the example is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("the file can be copied");
        }
    }
}
