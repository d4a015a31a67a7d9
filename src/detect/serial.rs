//! Meters that speak by themselves on serial lines: every line is listened to at all their speeds, nothing is ever sent.
//!
//! A line that another program holds is left as it is: it is neither read nor set, and that is said.

use super::line::{Parity, Setting, Taken, Use};
use super::{Bus, Findings, Reader};
use crate::report::language::{Language, say};
use ballast_drivers::detect::{Ear, Found, Meter, Speech};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Speeds of meters: a Linky in historical and in standard mode, and at that speed also P1 before DSMR 4; VE.Direct; P1. Who it
/// is tells what is heard: a pseudo-terminal has no speed.
const SPEEDS: [u32; 4] = [1200, 9600, 19_200, 115_200];
/// Between two looks at a line.
const PAUSE: Duration = Duration::from_millis(20);

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
            Ok(Line::Meter(who)) => findings.devices.push(meter(path, who, language)),
            Ok(Line::Strange(bytes)) => findings.remarks.push(say!(
                language,
                "{shown}: {bytes} bytes came and no meter is understood; another device, another speed or bad wiring",
                "{shown} : {bytes} octets reçus et aucun compteur compris ; autre appareil, autre vitesse ou mauvais câblage"
            )),
            Ok(Line::Silent) => findings.remarks.push(say!(
                language,
                "{shown}: silent; Modbus devices speak only when they are asked: `ballast detect --modbus {shown}`, and older P1 meters every ten seconds: `--listen 12s`",
                "{shown} : silencieuse ; les appareils Modbus ne parlent que si on les interroge : `ballast detect --modbus {shown}`, et les anciens compteurs P1 toutes les dix secondes : `--listen 12s`"
            )),
            Ok(Line::Held) => findings.remarks.push(say!(
                language,
                "{shown}: another program holds it; left as it is",
                "{shown} : prise par un autre programme ; laissée telle quelle"
            )),
            Err(error) => findings.troubles.push(format!("{shown}: {error}")),
        }
    }
    findings
}

fn meter(path: &Path, who: Meter, language: Language) -> (Bus, Found) {
    let shown = path.display();
    let (driver, name, file, about) = match who {
        Meter::Linky(mode) => {
            let about = say!(
                language,
                "Linky meter, {mode} mode, on {shown}",
                "compteur Linky, mode {mode}, sur {shown}"
            );
            ("tic", "linky", "linky", about)
        }
        Meter::P1(file) => {
            let about = say!(
                language,
                "smart meter on its customer port (P1), on {shown}",
                "compteur communicant sur son port client (P1), sur {shown}"
            );
            ("p1", "meter", file, about)
        }
        Meter::VeDirect(file) => {
            let what = match file {
                "victron-vedirect-inverter" => language.say("inverter", "onduleur"),
                "victron-vedirect-monitor" => language.say("battery monitor", "contrôleur de batterie"),
                _ => language.say("solar charger", "chargeur solaire"),
            };
            let about = say!(
                language,
                "Victron {what} (VE.Direct), on {shown}",
                "{what} Victron (VE.Direct), sur {shown}"
            );
            ("vedirect", "victron", file, about)
        }
    };
    let mut keys = vec![("port", path.display().to_string())];
    if let Meter::Linky(mode) = who {
        keys.push(("mode", mode.to_owned()));
    }
    let key = format!("{driver}:{shown}");
    let found = Found { key, name: name.to_owned(), about, file, ..Found::default() };
    (Bus { name: driver.to_owned(), driver, keys }, found)
}

/// What is on a line.
enum Line {
    Meter(Meter),
    Strange(u64),
    Silent,
    Held,
}

fn one(path: &Path, lasting: Duration, language: Language) -> Result<Line, String> {
    let Some(taken) = Taken::open(path, Use::Listen, language)? else { return Ok(Line::Held) };
    if !taken.is_line() {
        return Ok(understood(hear(taken.line(), lasting), 0));
    }
    let mut bytes = 0;
    let mut found = Line::Silent;
    for speed in SPEEDS {
        // Seven bits with parity look like eight without, and the ear sees the parity.
        let setting = Setting { speed, parity: Parity::None };
        let set = taken.set(setting);
        set.map_err(|error| say!(language, "cannot be set: {error}", "ne se règle pas : {error}"))?;
        let speech = hear(taken.line(), lasting);
        bytes += speech.bytes;
        found = understood(speech, bytes);
        if matches!(found, Line::Meter(_)) {
            break;
        }
    }
    Ok(found)
}

fn understood(speech: Speech, bytes: u64) -> Line {
    match (speech.meter, bytes.max(speech.bytes)) {
        (Some(who), _) => Line::Meter(who),
        (None, 0) => Line::Silent,
        (None, bytes) => Line::Strange(bytes),
    }
}

/// Listens until a meter is understood, the time is over, or a recording ends.
fn hear(line: &OwnedFd, lasting: Duration) -> Speech {
    let (mut ear, mut buffer) = (Ear::default(), [0; 512]);
    let (mut speech, start) = (Speech::default(), Instant::now());
    while start.elapsed() < lasting && speech.meter.is_none() {
        match rustix::io::read(line, &mut buffer) {
            Ok(0) => break,
            Ok(count) => speech = ear.hear(buffer.get(..count).unwrap_or_default()),
            Err(Errno::AGAIN | Errno::INTR) => std::thread::sleep(PAUSE),
            Err(_) => break,
        }
    }
    speech
}
