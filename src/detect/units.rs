//! Modbus units behind an address: each is asked who it is, by questions that only read.
//!
//! One question is under way at a time. After a silence the connection is made anew, so that a late answer is never taken
//! for another's.

use super::{Bus, Findings, Reader};
use crate::report::language::{Language, say};
use ballast_drivers::detect::{Answer, Ask, Found, Interview, Unit};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// The port of Modbus TCP.
pub const PORT: u16 = 502;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest answer, bytes.
const ANSWER_MAX: usize = 300;
/// From so many units on that all say the same, it is one that does not look at its number.
const ALIKE: usize = 3;
/// Device files of meters that cannot be told apart by what they measure.
const EASTRONS: &str = "eastron-sdm72, eastron-sdm120, eastron-sdm220, eastron-sdm230, eastron-sdm630";

/// Which units are asked, and how.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    /// Name or address of the gateway or device.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// Numbers of units.
    pub units: RangeInclusive<u8>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Asks all units.
///
/// # Errors
/// A sentence: there is no connection.
pub fn scan(scan: &Scan<'_>, reader: Reader<'_>) -> Result<Findings, String> {
    let (host, language) = (scan.host, reader.language);
    let mut line = Line::connect(scan, language)?;
    let mut found: Vec<(u8, Unit)> = Vec::new();
    let (first, count) = (usize::from(*scan.units.start()), scan.units.clone().count());
    for unit in scan.units.clone() {
        let place = say!(language, "{host} unit {unit}", "{host} unité {unit}");
        (reader.progress)(&place, usize::from(unit) - first, count);
        found.extend(line.interview(unit)?.map(|known| (unit, known)));
    }
    (reader.progress)(host, count, count);
    let mut findings = Findings::default();
    if let Some(((number, one), others)) = found.split_first()
        && others.len() + 1 >= ALIKE
        && others.iter().all(|(_, other)| other == one)
    {
        let last = others.last().map_or(*number, |(last, _)| *last);
        findings.remarks.push(say!(
            language,
            "{host}: units {number} to {last} say the same; it seems to be one device that does not look at the number",
            "{host} : les unités {number} à {last} disent la même chose ; un seul appareil, semble-t-il, qui ignore le numéro"
        ));
        found.truncate(1);
    }
    if found.is_empty() {
        let port = scan.port;
        findings.remarks.push(say!(
            language,
            "{host}:{port}: no unit answers",
            "{host}:{port} : aucune unité ne répond"
        ));
    }
    let mut unknown = Vec::new();
    for (number, unit) in found {
        if unit == Unit::default() {
            unknown.push(number.to_string());
        } else {
            tell(scan, number, &unit, language, &mut findings);
        }
    }
    if !unknown.is_empty() {
        let numbers = unknown.join(", ");
        findings.remarks.push(say!(
            language,
            "{host}: of unit {numbers} nothing is known but that it answers",
            "{host} : de l'unité {numbers} on sait seulement qu'elle répond"
        ));
    }
    Ok(findings)
}

/// The connection.
struct Line<'a> {
    scan: &'a Scan<'a>,
    language: Language,
    stream: TcpStream,
    transaction: u16,
}

impl<'a> Line<'a> {
    fn connect(scan: &'a Scan<'a>, language: Language) -> Result<Self, String> {
        let (host, port) = (scan.host, scan.port);
        let mut last = language.say("it has no address", "pas d'adresse").to_owned();
        for address in (host, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(stream) => {
                    // Without it a question waits for the acknowledgement of the one before it.
                    let _ = stream.set_nodelay(true);
                    return Ok(Self { scan, language, stream, transaction: 0 });
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(say!(
            language,
            "{host}:{port}: no connection: {last}",
            "{host}:{port} : pas de connexion : {last}"
        ))
    }

    fn interview(&mut self, unit: u8) -> Result<Option<Unit>, String> {
        let mut interview = Interview::default();
        while let Some(ask) = interview.next() {
            let answer = self.ask(ask, unit);
            if matches!(answer, None | Some(Answer::Strange)) {
                let transaction = self.transaction;
                *self = Self { transaction, ..Self::connect(self.scan, self.language)? };
            }
            interview.hear(answer.as_ref());
        }
        Ok(interview.finish())
    }

    /// One question; `None` where nothing came in time.
    fn ask(&mut self, ask: Ask, unit: u8) -> Option<Answer> {
        self.transaction = self.transaction.wrapping_add(1);
        let (mut question, mut heard) = (Vec::new(), Vec::new());
        ask.write(self.transaction, unit, &mut question);
        self.stream.write_all(&question).ok()?;
        let start = Instant::now();
        let mut buffer = [0; ANSWER_MAX];
        loop {
            let left = self.scan.timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
            self.stream.set_read_timeout(Some(left)).ok()?;
            let count = self.stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
            heard.extend_from_slice(buffer.get(..count).unwrap_or_default());
            match ask.read(self.transaction, unit, &heard) {
                Answer::Unfinished if heard.len() <= ANSWER_MAX => {}
                answer => return Some(answer),
            }
        }
    }
}

/// What a unit is for a site.
fn tell(scan: &Scan<'_>, number: u8, unit: &Unit, language: Language, findings: &mut Findings) {
    let who = unit.texts.join(" ");
    let host = scan.host;
    let place = say!(language, "{host} unit {number}", "{host} unité {number}");
    let about = if who.is_empty() { place.clone() } else { format!("{who}, {place}") };
    let files = files(unit);
    let is_sunspec = !unit.models.is_empty();
    for (file, name) in &files {
        let found = Found {
            key: format!("modbus:{place}:{file}"),
            name: (*name).to_owned(),
            about: about.clone(),
            file,
            with: vec![("unit_id", number.to_string())],
            ..Found::default()
        };
        findings.devices.push((bus(scan, is_sunspec), found));
    }
    if is_sunspec {
        let models: Vec<String> = unit.models.iter().map(u16::to_string).collect();
        let models = models.join(", ");
        findings.remarks.push(say!(
            language,
            "{about}: SunSpec models {models}",
            "{about} : modèles SunSpec {models}"
        ));
        for (file, of) in [("sunspec-inverter-limit", [123, 704]), ("sunspec-storage-limits", [124, 704])] {
            if unit.models.iter().any(|model| of.contains(model)) {
                findings.remarks.push(say!(
                    language,
                    "{place} can be told limits: device file {file}; its safe values are yours to write",
                    "{place} accepte des limites : fichier d'appareil {file} ; ses valeurs sûres sont à vous de les écrire"
                ));
            }
        }
    } else if files.is_empty() {
        let guess = match unit.eastron {
            Some((volts, hertz)) => say!(
                language,
                "reads {volts:.1} V and {hertz:.2} Hz where an Eastron SDM has them; look at its label and try {EASTRONS}",
                "donne {volts:.1} V et {hertz:.2} Hz là où un SDM d'Eastron les a ; lisez son étiquette et essayez {EASTRONS}"
            ),
            None => language
                .say(
                    "answers; no device file is known by its registers",
                    "répond ; aucun fichier d'appareil n'est connu par ses registres",
                )
                .to_owned(),
        };
        findings.remarks.push(format!("{about}: {guess}"));
    }
}

/// Device files that fit, with the name that such a device may have.
fn files(unit: &Unit) -> Vec<(&'static str, &'static str)> {
    let has = |models: &[u16]| unit.models.iter().any(|model| models.contains(model));
    let mut files = Vec::new();
    if has(&[101, 102, 103, 111, 112, 113, 701]) {
        files.push(("sunspec-inverter", "inverter"));
    }
    if has(&[201, 202, 203, 204]) {
        files.push(("sunspec-meter", "meter"));
    }
    if has(&[124, 713, 802]) {
        files.push(("sunspec-storage", "storage"));
    }
    if unit.victron.is_some() {
        files.push(("victron-gx", "victron"));
    }
    let says = |model: &str| unit.texts.iter().any(|text| text.to_ascii_uppercase().contains(model));
    let meters = [
        ("SDM120", "eastron-sdm120"),
        ("SDM220", "eastron-sdm220"),
        ("SDM230", "eastron-sdm230"),
        ("SDM630", "eastron-sdm630"),
    ];
    files.extend(meters.into_iter().filter(|(model, _)| says(model)).map(|(_, file)| (file, "meter")));
    files
}

fn bus(scan: &Scan<'_>, is_sunspec: bool) -> Bus {
    let driver = if is_sunspec { "sunspec" } else { "modbus" };
    let host = if scan.host.contains(':') { format!("[{}]", scan.host) } else { scan.host.to_owned() };
    let keys = vec![("url", format!("tcp://{host}:{}", scan.port))];
    Bus { name: driver.to_owned(), driver, keys }
}
