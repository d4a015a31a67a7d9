//! A pseudo-terminal that plays a meter at line speed.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The meter's side of a pseudo-terminal.
pub struct Meter {
    master: File,
    /// What the program opens.
    pub path: PathBuf,
}

impl Meter {
    /// A fresh pseudo-terminal, raw, so that every byte passes as it is.
    pub fn new() -> Self {
        // Not for the children of other tests: a terminal hangs up when its last master is closed.
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudo-terminal can be made");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let mut modes = rustix::termios::tcgetattr(&master).expect("it has modes");
        modes.make_raw();
        rustix::termios::tcsetattr(&master, rustix::termios::OptionalActions::Now, &modes).expect("raw");
        let path = PathBuf::from(name.to_str().expect("an ASCII name"));
        Self { master: File::from(master), path }
    }

    /// Sends bytes at the speed of a line with ten bits a byte.
    pub fn send(&mut self, bytes: &[u8], baud: u32) {
        let start = Instant::now();
        for (index, chunk) in bytes.chunks(32).enumerate() {
            self.master.write_all(chunk).expect("the terminal takes bytes");
            let sent = (index * 32 + chunk.len()) as f64;
            let due = start + Duration::from_secs_f64(sent * 10.0 / f64::from(baud));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}
