//! Modbus devices that pymodbus serves over TCP or a serial line, in a process of its own.

use super::terminal::Cable;
use super::{free_port, wait_for};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A Python that can do this, as `scripts/setup.sh test` makes it; `None`, told on standard error, where there is none.
pub fn python(imports: &str, what: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/python/bin/python");
    let is_fit = |python: &PathBuf| {
        let mut command = Command::new(python);
        command.args(["-c", &format!("import {imports}")]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = [own, PathBuf::from("python3")].into_iter().find(is_fit);
    if found.is_none() {
        eprintln!("skipped: {what}: there is no Python with {imports} (scripts/setup.sh test)");
    }
    found
}

/// Units with their registers.
pub struct Units {
    python: PathBuf,
    way: [String; 2],
    holds: String,
    child: Child,
    input: ChildStdin,
    said: Arc<Mutex<Vec<String>>>,
    /// Where it listens on loopback; 0 where it does not.
    pub port: u16,
    /// The line on which it listens, where it does.
    pub cable: Option<Cable>,
}

impl Units {
    /// Serves these blocks, a line each (`unit 1 input 0 FLOAT32 230.2 5.1`), or skips visibly.
    pub fn start(what: &str, holds: &str) -> Option<Self> {
        let port = free_port();
        Self::start_on(what, holds, ["tcp".to_owned(), port.to_string()], port, None)
    }

    /// The same, with the frames of a serial line over TCP.
    pub fn start_behind_converter(what: &str, holds: &str) -> Option<Self> {
        let port = free_port();
        Self::start_on(what, holds, ["rtu-tcp".to_owned(), port.to_string()], port, None)
    }

    /// The same on a serial line of 19200 bits per second. At other speeds nothing is understood there.
    pub fn start_on_line(what: &str, holds: &str) -> Option<Self> {
        let cable = Cable::new();
        let far = cable.far.to_string_lossy().into_owned();
        Self::start_on(what, holds, ["rtu".to_owned(), far], 0, Some(cable))
    }

    fn start_on(what: &str, holds: &str, way: [String; 2], port: u16, cable: Option<Cable>) -> Option<Self> {
        let python = python("pymodbus.simulator", what)?;
        let said = Arc::default();
        let (child, input) = run(&python, &way, holds, &said);
        Some(Self { python, way, holds: holds.to_owned(), child, input, said, port, cable })
    }

    /// Kills it: no answer any more, for any unit.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again with what it held at first.
    pub fn restart(&mut self) {
        (self.child, self.input) = run(&self.python, &self.way, &self.holds, &self.said);
    }

    /// Puts numbers into registers, one word each, by the function that reads them.
    pub fn set(&mut self, unit: u8, function: u8, address: u16, words: &[u16]) {
        let words: Vec<String> = words.iter().map(u16::to_string).collect();
        self.say(&format!("set {unit} {function} {address} {}", words.join(" ")));
    }

    /// Puts a number into two input registers, high one first.
    pub fn set_float(&mut self, unit: u8, address: u16, number: f32) {
        let bits = number.to_bits();
        self.set(unit, 4, address, &[(bits >> 16) as u16, bits as u16]);
    }

    /// A unit answers with this exception from now on; 0: no longer.
    pub fn refuse(&mut self, unit: u8, code: u8) {
        self.say(&format!("refuse {unit} {code}"));
    }

    /// What units that are not there are answered for, as a gateway does; 0: nothing.
    pub fn absent(&mut self, code: u8) {
        self.say(&format!("absent {code}"));
    }

    /// A unit lies so from now on; `nothing`: no longer.
    pub fn lie(&mut self, unit: u8, how: &str) {
        self.say(&format!("lie {unit} {how}"));
    }

    /// What its own store holds.
    pub fn holds(&mut self, unit: u8, function: u8, address: u16, count: u16) -> Vec<u16> {
        let before = self.answers().len();
        self.say(&format!("get {unit} {function} {address} {count}"));
        let answer = wait_for("what the units hold", Duration::from_secs(10), || {
            self.answers().into_iter().nth(before)
        });
        answer.split(' ').skip(1).map(|word| word.parse().expect("a number")).collect()
    }

    /// The functions by which anything was ever asked.
    pub fn functions(&self) -> Vec<u8> {
        let said = self.said.lock().expect("no holder panics");
        let mut found: Vec<u8> =
            said.iter().filter_map(|line| line.strip_prefix("function ")?.parse().ok()).collect();
        found.sort_unstable();
        found
    }

    fn answers(&self) -> Vec<String> {
        let said = self.said.lock().expect("no holder panics");
        said.iter().filter(|line| line.starts_with("holds")).cloned().collect()
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it listens");
    }
}

impl Drop for Units {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server, once it listens.
fn run(python: &Path, way: &[String; 2], holds: &str, said: &Arc<Mutex<Vec<String>>>) -> (Child, ChildStdin) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/tests/modbus/server.py");
    let mut child = Command::new(python)
        .arg(script)
        .args(way)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Python runs");
    let mut input = child.stdin.take().expect("piped");
    writeln!(input, "{}\nstart", holds.trim()).expect("it listens");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (before, heard) = (said.lock().expect("no holder panics").len(), Arc::clone(said));
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            // Of what is asked in the course of time only the functions are of interest here.
            let line = match line.strip_prefix("asked ").map(|rest| rest.split(' ').nth(1)) {
                Some(function) => format!("function {}", function.unwrap_or_default()),
                None => line,
            };
            let mut said = heard.lock().expect("no holder panics");
            if !line.starts_with("function") || !said.contains(&line) {
                said.push(line);
            }
        }
    });
    wait_for("the Modbus units to listen", Duration::from_secs(20), || {
        let said = said.lock().expect("no holder panics");
        said.iter().skip(before).any(|line| line == "ready").then_some(())
    });
    (child, input)
}
