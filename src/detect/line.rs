//! Serial lines: which there are, taking one without disturbing who holds it, setting it, and giving it back as it was.

use crate::report::language::{Language, say};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{self, ControlModes, OptionalActions, Termios};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub use ballast_drivers::Parity;

/// Beginnings of the names of lines.
const LINES: [&str; 5] = ["ttyUSB", "ttyACM", "ttyAMA", "ttyS", "ttymxc"];
/// Lines that are looked at, at most.
pub const LINES_MAX: usize = 64;

/// All lines of this machine; those with a name of their own by that, which stays when others are plugged in.
pub fn lines() -> Vec<PathBuf> {
    let list = |folder: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let named = list("/dev/serial/by-id");
    let taken: Vec<PathBuf> = named.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let is_line = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        LINES.iter().any(|begin| name.starts_with(begin))
    };
    let others = list("/dev").into_iter().filter(|path| is_line(path) && !taken.contains(path));
    named.into_iter().chain(others).take(LINES_MAX).collect()
}

/// What a line is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Nothing can be sent.
    Listen,
    /// Questions are sent.
    Ask,
}

/// How a line is set, beside eight data bits and one stop bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Bits per second.
    pub speed: u32,
    /// Parity.
    pub parity: Parity,
}

/// The word for a parity in a site's file.
pub fn word(parity: Parity) -> &'static str {
    match parity {
        Parity::None => "none",
        Parity::Even => "even",
        Parity::Odd => "odd",
    }
}

/// A line that is ours until this is dropped; then its settings are what they were.
pub struct Taken {
    line: OwnedFd,
    /// Nothing where it is no line, but a recording or a pipe.
    before: Option<Termios>,
}

impl Taken {
    /// Takes a line; `None` where another program holds it, which is then left as it is.
    ///
    /// # Errors
    /// A sentence, without the path.
    pub fn open(path: &Path, purpose: Use, language: Language) -> Result<Option<Self>, String> {
        let way = if purpose == Use::Ask { OFlags::RDWR } else { OFlags::RDONLY };
        let flags = way | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let line = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(line) => line,
            Err(Errno::BUSY) => return Ok(None),
            Err(error) => {
                return Err(say!(language, "cannot be opened: {error}", "ne s'ouvre pas : {error}"));
            }
        };
        // A running program locks its lines; before anything is set that is looked at.
        match rustix::fs::flock(&line, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => {
                return Err(say!(language, "cannot be locked: {error}", "ne se réserve pas : {error}"));
            }
        }
        let before = termios::isatty(&line).then(|| termios::tcgetattr(&line)).transpose();
        let before =
            before.map_err(|error| say!(language, "cannot be set: {error}", "ne se règle pas : {error}"))?;
        Ok(Some(Self { line, before }))
    }

    /// The line.
    pub fn line(&self) -> &OwnedFd {
        &self.line
    }

    /// Whether it is a line that can be set.
    pub fn is_line(&self) -> bool {
        self.before.is_some()
    }

    /// Sets it raw, and forgets what came before.
    ///
    /// # Errors
    /// The line does not take it.
    pub fn set(&self, setting: Setting) -> rustix::io::Result<()> {
        let Some(before) = &self.before else { return Ok(()) };
        let mut wanted = before.clone();
        wanted.make_raw();
        wanted.control_modes |= ControlModes::CREAD | ControlModes::CLOCAL;
        wanted.control_modes = with_parity(wanted.control_modes, setting.parity);
        wanted.set_speed(setting.speed)?;
        termios::tcsetattr(&self.line, OptionalActions::Now, &wanted)?;
        termios::tcflush(&self.line, termios::QueueSelector::IFlush)
    }
}

/// Eight bits, one stop bit, and this parity.
fn with_parity(modes: ControlModes, parity: Parity) -> ControlModes {
    let plain =
        modes & !(ControlModes::PARENB | ControlModes::PARODD | ControlModes::CSTOPB | ControlModes::CRTSCTS);
    let modes = (plain & !ControlModes::CSIZE) | ControlModes::CS8;
    match parity {
        Parity::None => modes,
        Parity::Even => modes | ControlModes::PARENB,
        Parity::Odd => modes | ControlModes::PARENB | ControlModes::PARODD,
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // Whoever used it before finds it as it was; a line that is gone has no settings.
            let _ = termios::tcsetattr(&self.line, OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parity_takes_the_place_of_another_one() {
        let odd = with_parity(ControlModes::CS7 | ControlModes::CSTOPB | ControlModes::CREAD, Parity::Odd);
        assert_eq!(
            odd,
            ControlModes::CREAD | ControlModes::CS8 | ControlModes::PARENB | ControlModes::PARODD
        );
        assert_eq!(
            with_parity(odd, Parity::Even),
            ControlModes::CREAD | ControlModes::CS8 | ControlModes::PARENB
        );
        assert_eq!(with_parity(odd, Parity::None), ControlModes::CREAD | ControlModes::CS8);
    }
}
