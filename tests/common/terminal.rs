//! Pseudo-terminals: one that plays a meter at line speed, and two that are the ends of a cable.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
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
        let (master, path) = open();
        Self { master, path }
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

impl Meter {
    /// Sends the same bytes again and again, also while nobody reads them: then they are lost, as on a line.
    pub fn repeat(&mut self, bytes: &[u8], baud: u32, lasting: Duration) {
        let start = Instant::now();
        rustix::fs::fcntl_setfl(&self.master, rustix::fs::OFlags::NONBLOCK)
            .expect("the terminal need not wait");
        for chunk in bytes.chunks(32).cycle() {
            if start.elapsed() >= lasting {
                break;
            }
            // What finds no room is lost.
            let _ = self.master.write(chunk);
            std::thread::sleep(Duration::from_secs_f64(chunk.len() as f64 * 10.0 / f64::from(baud)));
        }
    }

    /// What was sent to it so far.
    pub fn heard(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        while poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&none)).unwrap_or(0) > 0 {
            let mut bytes = [0; 512];
            match self.master.read(&mut bytes) {
                Ok(count @ 1..) => all.extend_from_slice(&bytes[..count]),
                _ => break,
            }
        }
        all
    }
}

/// A fresh pseudo-terminal, raw, so that every byte passes as it is: its master, and what a program opens.
fn open() -> (File, PathBuf) {
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
    (File::from(master), path)
}

/// Two serial lines that are one: what goes in at one end comes out at the other, where both are set to the same speed. At
/// different speeds nothing gets through, as a device takes no frame that it cannot read.
pub struct Cable {
    /// Our end.
    pub near: PathBuf,
    /// The device's end.
    pub far: PathBuf,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Cable {
    /// A new one.
    pub fn new() -> Self {
        let ((near, near_path), (far, far_path)) = (open(), open());
        // A terminal that nobody has open ends: these hold both ends.
        let hold = |path: &PathBuf| File::options().read(true).write(true).open(path).expect("it opens");
        let held = Arc::new([hold(&near_path), hold(&far_path)]);
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = [near, far];
        let threads = [(0, 1), (1, 0)].map(|(from, to): (usize, usize)| {
            let (mut from, mut to) =
                (ends[from].try_clone().expect("cloned"), ends[to].try_clone().expect("cloned"));
            let (is_over, held) = (Arc::clone(&is_over), Arc::clone(&held));
            std::thread::spawn(move || {
                let mut bytes = [0; 512];
                while !is_over.load(Ordering::Relaxed) {
                    let mut fds = [PollFd::new(&from, PollFlags::IN)];
                    let moment = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
                    if poll(&mut fds, Some(&moment)).unwrap_or(0) == 0 {
                        continue;
                    }
                    let Ok(count) = from.read(&mut bytes) else { break };
                    let speeds = held
                        .each_ref()
                        .map(|end| rustix::termios::tcgetattr(end).expect("it has modes").output_speed());
                    if speeds[0] == speeds[1] && to.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
            })
        });
        Self { near: near_path, far: far_path, is_over, threads: threads.into() }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
