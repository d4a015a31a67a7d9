//! A device in a process of its own that speaks a small line protocol, well or badly by its unit. Its answers carry no name
//! of what they answer, so that a late one can be taken for any other.
//!
//! | asked | answer |
//! |---|---|
//! | `R1 7` | `=107`: a good unit |
//! | `R2 7` | nothing, ever |
//! | `R3 7` | `=307`, long after the time-out |
//! | `R4 7` | `=407` twice |
//! | `R5 7` | `no` |
//! | `R6 7` | garbage |
//! | `R7 7` | `=707`, a byte at a time |
//! | `R8 7` | the connection is closed |
//! | `W1 7 1` | `ok`; `W2` is never answered, `W5` is refused |

use crate::ports::free_port;
use crate::support::PATIENCE;
use ballast_drivers::point::Raw;
use ballast_drivers::readings::{Freshness, Readings};
use ballast_drivers::shape::{Answer, Heed, Job, Poller, Roster};
use ballast_model::{Contact, Mono, Reason, Wanted};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than any time-out of the tests.
const LATE: Duration = Duration::from_millis(400);
const PORT: &str = "BALLAST_TEST_POLLED_PEER";

/// A running device.
pub(crate) struct Peer {
    child: Child,
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub(crate) fn start() -> Self {
        let port = free_port();
        let asked = Arc::default();
        Self { child: run(port, &asked), port, asked }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = run(self.port, &self.asked);
    }

    /// Everything it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How often it was asked something that begins so.
    pub(crate) fn count(&self, begins: &str) -> usize {
        self.asked().iter().filter(|line| line.starts_with(begins)).count()
    }

    /// Waits until it was asked something that begins so, counting from the `from`th line.
    pub(crate) fn wait_asked(&self, begins: &str, from: usize) {
        let deadline = Instant::now() + PATIENCE;
        while !self.asked().iter().skip(from).any(|line| line.starts_with(begins)) {
            assert!(Instant::now() < deadline, "never asked {begins}: {:?}", self.asked());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The test program itself, as the device, once it listens.
fn run(port: u16, asked: &Arc<Mutex<Vec<String>>>) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "polled_peer::the_device", "--nocapture", "--test-threads=1"])
        .env(PORT, port.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = Arc::clone(asked);
    let (tell, told) = std::sync::mpsc::channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if line.contains("@listening") {
                tell.send(()).ok();
            } else if let Some(line) = line.strip_prefix('@') {
                asked.lock().unwrap().push(line.to_owned());
            }
        }
    });
    told.recv_timeout(PATIENCE).unwrap();
    child
}

/// Nothing, unless it was started as the device.
#[test]
fn the_device() {
    let Some(port) = std::env::var(PORT).ok().and_then(|port| port.parse::<u16>().ok()) else { return };
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("\n@listening");
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        std::thread::spawn(move || {
            stream.set_nodelay(true).unwrap();
            serve(&stream, &stream, &|| drop(stream.shutdown(std::net::Shutdown::Both)));
        });
    }
}

/// Answers line by line until the other side ends.
pub(crate) fn serve(input: impl Read, output: &TcpStream, close: &dyn Fn()) {
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        println!("@{line}");
        let mut output = output.try_clone().unwrap();
        match answer(&line) {
            Some(bytes) => {
                let length = if line.starts_with("R7") { 1 } else { bytes.len() };
                bytes.chunks(length).for_each(|piece| drop(output.write_all(piece)));
            }
            None if line.starts_with("R3") => {
                let late = line.replace("R3 ", "=30") + "\n";
                std::thread::spawn(move || {
                    std::thread::sleep(LATE);
                    output.write_all(late.as_bytes()).ok();
                });
            }
            None if line.starts_with("R8") => close(),
            None => {}
        }
    }
}

/// What is answered at once.
pub(crate) fn answer(line: &str) -> Option<Vec<u8>> {
    let unit = line.get(1..2)?;
    let register = line.split(' ').nth(1)?;
    let good = format!("={unit}0{register}\n");
    match (line.get(..1)?, unit) {
        (_, "2" | "3" | "8") => None,
        ("W", "1") => Some(b"ok\n".to_vec()),
        (_, "4") => Some(good.repeat(2).into_bytes()),
        (_, "5") => Some(b"no\n".to_vec()),
        (_, "6") => Some(b"\xff#!?\n".to_vec()),
        _ => Some(good.into_bytes()),
    }
}

/// The driver of that protocol: one register a read, by the unit's number and the slot.
pub(crate) struct Lines {
    pub(crate) roster: Roster,
}

impl Lines {
    fn number(&self, unit: usize) -> &str {
        self.roster.units.get(unit).map_or("?", |unit| &unit.name)
    }
}

impl Poller for Lines {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn ask(&mut self, job: Job, request: &mut Vec<u8>) -> bool {
        let line = match job {
            Job::Read(read) => {
                let Some(of) = self.roster.reads.get(read) else { return false };
                format!("R{} {read}\n", self.number(of.unit))
            }
            Job::Write { output, wanted: Wanted::Contact(contact) } => {
                let Some(of) = self.roster.outputs.iter().find(|told| told.output == output) else {
                    return false;
                };
                let bit = u8::from(contact == Contact::Closed);
                format!("W{} {} {bit}\n", self.number(of.unit), output.0)
            }
            Job::Write { .. } => return false,
        };
        request.extend_from_slice(line.as_bytes());
        true
    }

    fn answer(&mut self, job: Job, bytes: &[u8], _: bool, now: Mono, out: &mut Readings) -> Answer {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Answer::Unfinished };
        let (line, used) = (bytes.get(..end).unwrap_or_default(), end + 1);
        match (job, line) {
            (_, b"no") => {
                if let Job::Read(read) = job {
                    out.bad(read, Reason::NotAValue, now);
                }
                Answer::Refused { used }
            }
            (Job::Write { .. }, b"ok") => Answer::Done { used, heed: Heed { good: 1, ..Heed::default() } },
            (Job::Read(read), [b'=', number @ ..]) => {
                let good = u32::from(out.put(read, Raw::Text(number), Freshness::Live, now));
                Answer::Done { used, heed: Heed { good, bad: 1 - good, unknown: 0 } }
            }
            _ => Answer::Strange,
        }
    }

    fn reset(&mut self, _: usize) {}
}
