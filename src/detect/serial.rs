//! Linky meters on serial lines: every line is listened to at both speeds, nothing is ever sent.
//!
//! A line that another program holds is left as it is: it is neither read nor set, and that is said.

use super::{Bus, Findings, Reader};
use crate::report::language::{Language, say};
use ballast_drivers::detect::{Ear, Found, Speech};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{self, ControlModes, OptionalActions, Termios};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Speed of the historical and of the standard mode. Which mode it is tells what is heard: a pseudo-terminal has no speed.
const SPEEDS: [u32; 2] = [1200, 9600];
/// Beginnings of the names of lines.
const LINES: [&str; 5] = ["ttyUSB", "ttyACM", "ttyAMA", "ttyS", "ttymxc"];
/// Lines that are listened to at most.
pub const LINES_MAX: usize = 64;
/// Between two looks at a line.
const PAUSE: Duration = Duration::from_millis(20);

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

/// Listens to lines, all at once, for so long at each speed.
pub fn listen(paths: &[PathBuf], lasting: Duration, reader: Reader<'_>) -> Findings {
    let (language, done) = (reader.language, AtomicUsize::new(0));
    let heard: Vec<(&PathBuf, Result<Line, String>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = paths
            .iter()
            .map(|path| {
                let done = &done;
                let listen = move || {
                    let heard = one(path, lasting, language);
                    let count = done.fetch_add(1, Ordering::Relaxed) + 1;
                    (reader.progress)(&path.display().to_string(), count, paths.len());
                    heard
                };
                (path, scope.spawn(listen))
            })
            .collect();
        let broken = || Err(language.say("the listener failed", "l'écoute a échoué").to_owned());
        threads.into_iter().map(|(path, thread)| (path, thread.join().unwrap_or_else(|_| broken()))).collect()
    });
    let mut findings = Findings::default();
    for (path, line) in heard {
        let shown = path.display();
        match line {
            Ok(Line::Meter(mode)) => findings.devices.push(meter(path, mode, language)),
            Ok(Line::Strange(bytes)) => findings.remarks.push(say!(
                language,
                "{shown}: {bytes} bytes came and no meter is understood; another device, another speed or bad wiring",
                "{shown} : {bytes} octets reçus et aucun compteur compris ; autre appareil, autre vitesse ou mauvais câblage"
            )),
            Ok(Line::Silent) => {
                findings.remarks.push(say!(language, "{shown}: silent", "{shown} : silencieuse"));
            }
            Ok(Line::Held) => findings.remarks.push(say!(
                language,
                "{shown}: another program holds it; left as it is",
                "{shown} : prise par un autre programme ; laissée telle quelle"
            )),
            Err(error) => findings.remarks.push(format!("{shown}: {error}")),
        }
    }
    findings
}

fn meter(path: &Path, mode: &'static str, language: Language) -> (Bus, Found) {
    let shown = path.display();
    let keys = vec![("port", path.display().to_string()), ("mode", mode.to_owned())];
    let found = Found {
        key: format!("tic:{}", path.display()),
        name: "linky".to_owned(),
        about: say!(
            language,
            "Linky meter, {mode} mode, on {shown}",
            "compteur Linky, mode {mode}, sur {shown}"
        ),
        file: "linky",
        ..Found::default()
    };
    (Bus { name: "tic".to_owned(), driver: "tic", keys }, found)
}

/// What is on a line.
enum Line {
    Meter(&'static str),
    Strange(u64),
    Silent,
    Held,
}

fn one(path: &Path, lasting: Duration, language: Language) -> Result<Line, String> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let line = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(line) => line,
        Err(Errno::BUSY) => return Ok(Line::Held),
        Err(error) => return Err(say!(language, "cannot be opened: {error}", "ne s'ouvre pas : {error}")),
    };
    // A running program locks its lines; before anything is set that is looked at.
    match rustix::fs::flock(&line, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(Line::Held),
        Err(error) => return Err(say!(language, "cannot be locked: {error}", "ne se réserve pas : {error}")),
    }
    if !termios::isatty(&line) {
        return Ok(understood(hear(&line, lasting), 0));
    }
    let unset = |error: Errno| say!(language, "cannot be set: {error}", "ne se règle pas : {error}");
    let before = termios::tcgetattr(&line).map_err(unset)?;
    let mut bytes = 0;
    let mut found = Line::Silent;
    for speed in SPEEDS {
        set(&line, &before, speed).map_err(unset)?;
        let speech = hear(&line, lasting);
        bytes += speech.bytes;
        found = understood(speech, bytes);
        if matches!(found, Line::Meter(_)) {
            break;
        }
    }
    // Whoever used it before finds it as it was.
    let _ = termios::tcsetattr(&line, OptionalActions::Now, &before);
    Ok(found)
}

fn understood(speech: Speech, bytes: u64) -> Line {
    match (speech.mode, bytes.max(speech.bytes)) {
        (Some(mode), _) => Line::Meter(mode),
        (None, 0) => Line::Silent,
        (None, bytes) => Line::Strange(bytes),
    }
}

/// Raw, eight bits: seven with parity look the same, and the ear sees the parity.
fn set(line: &OwnedFd, before: &Termios, speed: u32) -> rustix::io::Result<()> {
    let mut wanted = before.clone();
    wanted.make_raw();
    wanted.control_modes |= ControlModes::CREAD | ControlModes::CLOCAL | ControlModes::CS8;
    wanted.set_speed(speed)?;
    termios::tcsetattr(line, OptionalActions::Now, &wanted)?;
    termios::tcflush(line, termios::QueueSelector::IFlush)
}

/// Listens until a meter is understood, the time is over, or a recording ends.
fn hear(line: &OwnedFd, lasting: Duration) -> Speech {
    let (mut ear, mut buffer) = (Ear::default(), [0; 512]);
    let (mut speech, start) = (Speech::default(), Instant::now());
    while start.elapsed() < lasting && speech.mode.is_none() {
        match rustix::io::read(line, &mut buffer) {
            Ok(0) => break,
            Ok(count) => speech = ear.hear(buffer.get(..count).unwrap_or_default()),
            Err(Errno::AGAIN | Errno::INTR) => std::thread::sleep(PAUSE),
            Err(_) => break,
        }
    }
    speech
}
