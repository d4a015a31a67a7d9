//! A pymodbus server in a process of its own, over TCP or a pair of pseudo-terminals.

use crate::ports::free_port;
use crate::support::PATIENCE;
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A Python with the packages of the tests, as `scripts/setup.sh test` makes it; `None`, told on standard error, where there is
/// none.
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = root.join("target/tools/python/bin/python");
    let has_pymodbus = |python: &Path| {
        let mut command = Command::new(python);
        command.args(["-c", "import pymodbus.simulator, serial"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = [own, PathBuf::from("python3")].into_iter().find(|python| has_pymodbus(python));
    if found.is_none() {
        eprintln!("skipped: there is no Python with pymodbus (scripts/setup.sh test)");
    }
    found
}

/// Units with their registers, as the server reads them.
pub(crate) struct Peer {
    python: PathBuf,
    kind: &'static str,
    place: String,
    holds: String,
    child: Child,
    input: ChildStdin,
    said: Arc<Mutex<Vec<String>>>,
    /// The port of our side, where it is a line.
    pub(crate) line: Option<PathBuf>,
    slow: Arc<AtomicU8>,
}

/// How late the answers of a unit of a line are that is made slow: more than two time-outs of the tests.
const SLOW: Duration = Duration::from_millis(600);

impl Peer {
    /// Over TCP.
    pub(crate) fn tcp(holds: &str) -> Option<Self> {
        let port = free_port();
        Self::start("tcp", port.to_string(), holds, None, Arc::default())
    }

    /// Over a serial line.
    pub(crate) fn rtu(holds: &str) -> Option<Self> {
        let [ours, its] = [pty(), pty()];
        let [our_port, its_port] = [&ours, &its].map(|line| nix::unistd::ttyname(&line.slave).unwrap());
        let slow = Arc::default();
        couple(ours, its, &slow);
        Self::start("rtu", its_port.to_string_lossy().into_owned(), holds, Some(our_port), slow)
    }

    fn start(
        kind: &'static str,
        place: String,
        holds: &str,
        line: Option<PathBuf>,
        slow: Arc<AtomicU8>,
    ) -> Option<Self> {
        let python = python()?;
        let said = Arc::default();
        let (child, input) = run(&python, kind, &place, holds, &said);
        Some(Self { python, kind, place, holds: holds.to_owned(), child, input, said, line, slow })
    }

    /// The keys of a bus that reaches it.
    pub(crate) fn bus(&self) -> (&'static str, String) {
        match &self.line {
            Some(line) => ("port", line.to_string_lossy().into_owned()),
            None => ("url", format!("tcp://127.0.0.1:{}", self.place)),
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        (self.child, self.input) = run(&self.python, self.kind, &self.place, &self.holds, &self.said);
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// A unit lies from now on, or no longer. One of a line that is slow is so on its way here: this server would send what is
    /// late in the name of whoever was asked meanwhile.
    pub(crate) fn lie(&mut self, unit: u8, how: &str) {
        let is_slow_line = how == "slow" && self.line.is_some();
        self.slow.store(if is_slow_line { unit } else { 0 }, Ordering::SeqCst);
        self.say(&format!("lie {unit} {}", if is_slow_line { "nothing" } else { how }));
    }

    /// What its store holds, by itself.
    pub(crate) fn holds(&mut self, unit: u8, function: u8, address: u16, count: u16) -> Vec<u16> {
        let before = self.lines("holds").len();
        self.say(&format!("get {unit} {function} {address} {count}"));
        self.wait("what it holds", |lines| {
            lines.iter().filter(|line| line.starts_with("holds")).count() > before
        });
        let lines = self.lines("holds");
        lines[before].split(' ').skip(1).map(|word| word.parse().unwrap()).collect()
    }

    /// Everything it said that begins so.
    pub(crate) fn lines(&self, begins: &str) -> Vec<String> {
        self.said.lock().unwrap().iter().filter(|line| line.starts_with(begins)).cloned().collect()
    }

    pub(crate) fn wait(&self, what: &str, mut is_enough: impl FnMut(&[String]) -> bool) {
        wait(&self.said, what, &mut is_enough);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn wait(said: &Mutex<Vec<String>>, what: &str, is_enough: &mut impl FnMut(&[String]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_enough(&said.lock().unwrap()) {
        assert!(Instant::now() < deadline, "waited in vain for {what}: {:?}", said.lock().unwrap());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The server, once it listens.
fn run(
    python: &Path,
    kind: &str,
    place: &str,
    holds: &str,
    said: &Arc<Mutex<Vec<String>>>,
) -> (Child, ChildStdin) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modbus/server.py");
    let mut child = Command::new(python)
        .arg(script)
        .args([kind, place])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}\nstart", holds.trim()).unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let before = said.lock().unwrap().len();
    let heard = Arc::clone(said);
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            heard.lock().unwrap().push(line);
        }
    });
    wait(said, "the server", &mut |lines| lines.iter().skip(before).any(|line| line == "ready"));
    (child, input)
}

fn pty() -> OpenptyResult {
    let line = openpty(None, None).unwrap();
    let mut settings = tcgetattr(&line.slave).unwrap();
    cfmakeraw(&mut settings);
    tcsetattr(&line.slave, SetArg::TCSANOW, &settings).unwrap();
    line
}

/// What goes in at one end comes out at the other, until the test ends; late where a slow unit sends it.
fn couple(one: OpenptyResult, other: OpenptyResult, slow: &Arc<AtomicU8>) {
    let masters = [File::from(one.master), File::from(other.master)];
    let slaves = Arc::new([one.slave, other.slave]);
    for (from, to) in [(0, 1), (1, 0)] {
        let from_device = from == 1;
        let (mut from, mut to) = (masters[from].try_clone().unwrap(), masters[to].try_clone().unwrap());
        let (open, slow) = (Arc::clone(&slaves), Arc::clone(slow));
        std::thread::spawn(move || {
            let mut bytes = [0; 256];
            while let Ok(count) = from.read(&mut bytes) {
                let is_late = from_device && bytes[0] == slow.load(Ordering::SeqCst);
                if let (true, Ok(mut to)) = (is_late && count > 0, to.try_clone()) {
                    std::thread::spawn(move || {
                        std::thread::sleep(SLOW);
                        to.write_all(&bytes[..count])
                    });
                    continue;
                }
                if count == 0 || to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            drop(open);
        });
    }
}
