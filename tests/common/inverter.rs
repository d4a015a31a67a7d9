//! Inverters with timers of their own: `tests/peers/inverter.py`, on a server that somebody else wrote.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The server, which ends with the test.
pub struct Inverters {
    child: Child,
    said: Arc<Mutex<Vec<(Instant, String)>>>,
    /// Where it listens on loopback.
    pub port: u16,
}

/// A Python that has pymodbus, as `make setup-test` sets it up; or a visible skip.
fn python(what: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/python/bin/python");
    let has_it = |python: &Path| {
        let mut command = Command::new(python);
        command.args(["-c", "import pymodbus.simulator"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = [own, "python3".into()].into_iter().find(|python| has_it(python));
    if found.is_none() {
        eprintln!("skipped: {what}: there is no Python with pymodbus (make setup-test)");
    }
    found
}

impl Inverters {
    /// Starts them, or skips visibly.
    pub fn start(what: &str) -> Option<Self> {
        let python = python(what)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/inverter.py");
        let port = super::free_port();
        let mut child = Command::new(python)
            .arg(script)
            .arg(port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let said: Arc<Mutex<Vec<(Instant, String)>>> = Arc::default();
        let keep = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                keep.lock().expect("no holder panics").push((Instant::now(), line));
            }
        });
        let inverters = Self { child, said, port };
        inverters.wait("ready", 1, Duration::from_secs(30));
        Some(inverters)
    }

    /// The moments at which it said this.
    pub fn moments(&self, line: &str) -> Vec<Instant> {
        let said = self.said.lock().expect("no holder panics");
        said.iter().filter(|(_, text)| text == line).map(|(at, _)| *at).collect()
    }

    /// Waits until it has said this so often; the moment of that one.
    pub fn wait(&self, line: &str, count: usize, patience: Duration) -> Instant {
        super::wait_for(&format!("{line}, {count} times"), patience, || {
            self.moments(line).get(count - 1).copied()
        })
    }
}

impl Drop for Inverters {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
