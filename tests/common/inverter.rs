//! Inverters with timers of their own: `tests/peers/inverter.py`, on a server that somebody else wrote.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What was said, each with its moment.
type Said = Vec<(Instant, String)>;

/// The server, which ends with the test.
pub struct Inverters {
    child: Child,
    said: Arc<Mutex<Said>>,
    /// Where it listens on loopback.
    pub port: u16,
}

impl Inverters {
    /// Starts them, or skips visibly.
    pub fn start(what: &str) -> Option<Self> {
        let python = super::modbus::python("pymodbus.simulator", what)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/inverter.py");
        let port = super::free_port();
        let mut child = Command::new(python)
            .arg(script)
            .arg(port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let said: Arc<Mutex<Said>> = Arc::default();
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
