//! Modbus units behind an address or on a line: each is asked who it is, by questions that only read.
//!
//! A number is a unit's only where it says something of itself. What a gateway says of nobody is told beside that, so that it
//! never hides who is there.

use super::line::{self, Setting};
use super::wire::{LISTEN, Place, Trouble, Wire};
use super::{Bus, Findings, Reader};
use crate::report::language::{Language, say};
use ballast_drivers::detect::{Answer, Found, Framing, Interview, Met, Unit};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The port of Modbus TCP.
pub const PORT: u16 = 502;
/// From so many numbers on that all say the same, one device may be there that does not look at the number.
const ALIKE: usize = 3;
/// Numbers outside of those that were asked for, by which that is told from as many devices.
const STRANGERS: usize = 3;
/// Questions to a unit that is not there.
const QUESTIONS: u32 = 2;
/// The longest time of a scan in which nobody answers.
const SCAN_MAX: Duration = Duration::from_secs(30 * 60);
/// Device files of meters that cannot be told apart by what they measure.
const EASTRONS: &str = "eastron-sdm72, eastron-sdm120, eastron-sdm220, eastron-sdm230, eastron-sdm630";

/// Which units are asked, and how.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    /// Where.
    pub place: Place<'a>,
    /// Numbers of units; on a line 0 is everybody, and nobody answers to it.
    pub units: RangeInclusive<u8>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How a line may be set, tried one after the other until somebody answers; of no use elsewhere.
    pub settings: Vec<Setting>,
}

/// Who is at the numbers.
#[derive(Debug, Default)]
struct Round {
    found: Vec<(u8, Unit)>,
    /// Where nobody is, by the exception that says so.
    nobody: BTreeMap<u8, Vec<u8>>,
    /// Where something came that is no answer, and nobody was found.
    strange: Vec<u8>,
}

/// Asks all units. What stops it is among the troubles; what was found before is told all the same.
pub fn scan(scan: &Scan<'_>, reader: Reader<'_>) -> Findings {
    let mut findings = Findings::default();
    if let Err(text) = scan.check(reader.language) {
        findings.troubles.push(text);
        return findings;
    }
    let mut round = Round::default();
    match scan.run(reader, &mut round) {
        Ok((setting, is_one)) => scan.tell_all(round, setting, is_one, reader.language, &mut findings),
        Err((setting, trouble)) => {
            let has_found = !round.found.is_empty();
            if has_found {
                scan.tell_all(round, setting, false, reader.language, &mut findings);
            }
            scan.tell_trouble(trouble, has_found, reader.language, &mut findings);
        }
    }
    findings
}

impl Scan<'_> {
    /// How long it takes where nobody answers.
    fn longest(&self) -> Duration {
        let settings = if let Place::Line(_) = self.place { self.settings.len() } else { 1 };
        let questions = self.units.clone().count() as u32 * QUESTIONS;
        self.timeout.saturating_mul(questions.saturating_mul(settings as u32))
    }

    /// Whether that is a time that a person waits.
    fn check(&self, language: Language) -> Result<(), String> {
        let longest = self.longest();
        if longest <= SCAN_MAX {
            return Ok(());
        }
        let (place, minutes, most) =
            (self.place.name(), longest.as_secs().div_ceil(60), SCAN_MAX.as_secs() / 60);
        Err(say!(
            language,
            "{place}: this can take {minutes} minutes, and {most} are the most: name fewer `--units`, fewer `--baud` and `--parity`, or a shorter `--timeout`",
            "{place} : cela peut durer {minutes} minutes, et {most} sont le maximum : donnez moins de `--units`, de `--baud` et de `--parity`, ou un `--timeout` plus court"
        ))
    }

    /// How the line was set when somebody answered, and whether all the numbers are one device.
    fn run(
        &self,
        reader: Reader<'_>,
        round: &mut Round,
    ) -> Result<(Option<Setting>, bool), (Option<Setting>, Trouble)> {
        let mut wire =
            Wire::open(self.place, self.timeout, reader.language).map_err(|trouble| (None, trouble))?;
        let settings: Vec<Option<Setting>> = match self.place {
            Place::Line(_) => self.settings.iter().copied().map(Some).collect(),
            Place::Host { .. } => vec![None],
        };
        for (place, setting) in settings.iter().enumerate() {
            let with = |trouble| (*setting, trouble);
            if let (Wire::Line(line), Some(setting)) = (&mut wire, setting) {
                let listen = if place == 0 { LISTEN } else { Duration::ZERO };
                line.set(*setting, listen).map_err(with)?;
            }
            self.ask_all(&mut wire, (place, settings.len(), *setting), reader, round).map_err(with)?;
            if !round.found.is_empty() {
                let is_one = self.is_one(&mut wire, round).map_err(with)?;
                return Ok((*setting, is_one));
            }
        }
        Ok((None, false))
    }

    /// Asks every number; `of` tells which of how many settings this is.
    fn ask_all(
        &self,
        wire: &mut Wire<'_>,
        of: (usize, usize, Option<Setting>),
        reader: Reader<'_>,
        round: &mut Round,
    ) -> Result<(), Trouble> {
        let (turn, turns, setting) = of;
        let is_line = setting.is_some();
        let (count, name) = (self.units.clone().count(), self.place.name());
        for (place, unit) in self.units.clone().enumerate().filter(|(_, unit)| !is_line || *unit > 0) {
            let language = reader.language;
            let set = setting.map(|setting| format!(" {}", shown(setting))).unwrap_or_default();
            let what = say!(language, "{name}{set} unit {unit}", "{name}{set} unité {unit}");
            (reader.progress)(&what, turn * count + place, turns * count);
            match interview(wire, unit)? {
                (Met::Unit(known), _) => round.found.push((unit, known)),
                (Met::Nobody(Some(code)), _) => round.nobody.entry(code).or_default().push(unit),
                (Met::Nobody(None), true) => round.strange.push(unit),
                (Met::Nobody(None), false) => {}
            }
        }
        (reader.progress)(&name, (turn + 1) * count, turns * count);
        Ok(())
    }

    /// Whether all numbers are one device that does not look at them. Devices of one kind say the same as well: one that looks
    /// at its number does not answer to others, which are asked here.
    fn is_one(&self, wire: &mut Wire<'_>, round: &Round) -> Result<bool, Trouble> {
        let Some(((_, one), others)) = round.found.split_first() else { return Ok(false) };
        let asked = self.units.clone().count();
        if others.len() + 1 != asked || asked < ALIKE || !others.iter().all(|(_, other)| other.is_like(one)) {
            return Ok(false);
        }
        for stranger in (1..=247).rev().filter(|unit| !self.units.contains(unit)).take(STRANGERS) {
            match interview(wire, stranger)? {
                (Met::Unit(other), _) if other.is_like(one) => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Who is there, and what is to be said of the others.
    fn tell_all(
        &self,
        mut round: Round,
        setting: Option<Setting>,
        is_one: bool,
        language: Language,
        findings: &mut Findings,
    ) {
        let name = self.place.name();
        if is_one {
            let numbers = ranges(round.found.iter().map(|(unit, _)| *unit));
            findings.remarks.push(say!(
                language,
                "{name}: units {numbers} say the same; it seems to be one device that does not look at the number",
                "{name} : les unités {numbers} disent la même chose ; un seul appareil, semble-t-il, qui ignore le numéro"
            ));
            round.found.truncate(1);
        }
        if round.found.is_empty() {
            findings.remarks.push(self.nobody(language));
        }
        findings.seen += round.found.len();
        let mut unknown = Vec::new();
        for (number, unit) in round.found {
            if unit == Unit::default() {
                unknown.push(number);
            } else {
                self.tell(number, &unit, setting, language, findings);
            }
        }
        if !unknown.is_empty() {
            let numbers = ranges(unknown.into_iter());
            findings.remarks.push(say!(
                language,
                "{name}: of unit {numbers} nothing is known but that it answers: look at its label, and where no device file fits write one (docs/manual/en/add-a-device.md)",
                "{name} : de l'unité {numbers} on sait seulement qu'elle répond : lisez son étiquette et, si aucun fichier d'appareil ne convient, écrivez-en un (docs/manual/en/add-a-device.md)"
            ));
        }
        for (code, units) in round.nobody {
            let (numbers, words) = (ranges(units.into_iter()), exception(code, language));
            findings.remarks.push(say!(
                language,
                "{name}: to unit {numbers} the answer is exception {code} ({words}) and nothing else: nobody is taken to be there",
                "{name} : à l'unité {numbers} la réponse est l'exception {code} ({words}) et rien d'autre : personne, semble-t-il"
            ));
        }
        if !round.strange.is_empty() {
            let numbers = ranges(round.strange.into_iter());
            findings.remarks.push(say!(
                language,
                "{name}: from unit {numbers} came what is no answer: damaged, or later than `--timeout`; try a longer one",
                "{name} : de l'unité {numbers} est venu ce qui n'est pas une réponse : abîmé, ou plus tard que `--timeout` ; essayez-en un plus long"
            ));
        }
    }

    fn nobody(&self, language: Language) -> String {
        let place = self.place.address();
        if let Place::Host { .. } = self.place {
            return say!(language, "{place}: no unit answers", "{place} : aucune unité ne répond");
        }
        let settings: Vec<String> = self.settings.iter().map(|setting| shown(*setting)).collect();
        let settings = settings.join(", ");
        say!(
            language,
            "{place}: no unit answers at {settings}: see to the wiring (A and B may be swapped), or give another `--baud`, `--parity` or a longer `--timeout`",
            "{place} : aucune unité ne répond à {settings} : voyez le câblage (A et B peut-être inversés), ou donnez un autre `--baud`, `--parity` ou un `--timeout` plus long"
        )
    }

    fn tell_trouble(&self, trouble: Trouble, has_found: bool, language: Language, findings: &mut Findings) {
        let place = self.place.name();
        match trouble {
            Trouble::Failed(text) => {
                let text = match self.place {
                    Place::Host { .. } => text,
                    Place::Line(_) => format!("{place}{} {text}", language.colon()),
                };
                findings.troubles.push(match has_found {
                    false => text,
                    true => say!(
                        language,
                        "{text}: the units behind it were not asked",
                        "{text} : les unités suivantes n'ont pas été interrogées"
                    ),
                });
            }
            Trouble::Held => findings.remarks.push(say!(
                language,
                "{place}: another program holds it; left as it is",
                "{place} : prise par un autre programme ; laissée telle quelle"
            )),
            Trouble::Spoken(bytes) => findings.remarks.push(say!(
                language,
                "{place}: {bytes} bytes came that nobody had asked for: a meter that speaks by itself (`--serial {place}`), or another program or device that asks there; nothing more is asked",
                "{place} : {bytes} octets sont venus sans qu'on les demande : un compteur qui parle de lui-même (`--serial {place}`), ou un autre programme ou appareil qui interroge ; plus rien n'est demandé"
            )),
        }
    }

    /// What a unit is for a site.
    fn tell(
        &self,
        number: u8,
        unit: &Unit,
        setting: Option<Setting>,
        language: Language,
        findings: &mut Findings,
    ) {
        let who = unit.texts.join(" ");
        let host = self.place.name();
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
            findings.devices.push((self.bus(is_sunspec, setting), found));
        }
        if is_sunspec {
            let models = listed(&unit.models);
            findings.remarks.push(say!(
                language,
                "{about}: SunSpec models {models}",
                "{about} : modèles SunSpec {models}"
            ));
            for (file, of) in [("sunspec-inverter-limit", [123, 704]), ("sunspec-storage-limits", [124, 704])]
            {
                if unit.models.iter().any(|model| of.contains(model)) {
                    findings.remarks.push(say!(
                    language,
                    "{place} can be told limits: device file {file}; its safe values are yours to write",
                    "{place} accepte des limites : fichier d'appareil {file} ; c'est à vous d'écrire ses valeurs sûres"
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

    fn bus(&self, is_sunspec: bool, setting: Option<Setting>) -> Bus {
        let driver = if is_sunspec { "sunspec" } else { "modbus" };
        let mut keys = Vec::new();
        match self.place {
            Place::Host { framing, .. } => {
                let scheme = if framing == Framing::Rtu { "rtu" } else { "tcp" };
                keys.push(("url", format!("{scheme}://{}", self.place.address())));
            }
            Place::Line(path) => keys.push(("port", path.display().to_string())),
        }
        if let Some(Setting { speed, parity }) = setting {
            keys.push(("baud", speed.to_string()));
            keys.push(("parity", line::word(parity).to_owned()));
        }
        Bus { name: driver.to_owned(), driver, keys }
    }
}

/// One unit, and whether something came that is no answer.
fn interview(wire: &mut Wire<'_>, unit: u8) -> Result<(Met, bool), Trouble> {
    let (mut interview, mut is_strange) = (Interview::default(), false);
    while let Some(ask) = interview.next() {
        let answer = wire.ask(ask, unit)?;
        is_strange |= answer == Some(Answer::Strange);
        interview.hear(answer.as_ref());
    }
    Ok((interview.finish(), is_strange))
}

/// A setting as people write it.
fn shown(setting: Setting) -> String {
    format!("{} {}", setting.speed, line::word(setting.parity))
}

/// What an exception of nobody is called (Modbus Application Protocol V1.1b3, section 7).
fn exception(code: u8, language: Language) -> &'static str {
    match code {
        0x0A => language.say("the gateway has no path to it", "la passerelle n'y mène pas"),
        0x0B => {
            language.say("the gateway gets no answer from it", "la passerelle n'en reçoit pas de réponse")
        }
        _ => language.say("the device failed", "l'appareil a échoué"),
    }
}

/// Numbers in their order: `1-3, 7`.
fn ranges(numbers: impl Iterator<Item = u8>) -> String {
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let shown = |(first, last): &(u8, u8)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(shown).collect::<Vec<_>>().join(", ")
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

/// Models in their order; one that a device repeats, as where its list does not end, is named once with how often.
fn listed(models: &[u16]) -> String {
    let times = |run: &[u16]| match run {
        [model] => model.to_string(),
        _ => format!("{} x {}", run.len(), run.first().copied().unwrap_or_default()),
    };
    models.chunk_by(|one, next| one == next).map(times).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_models_that_does_not_end_is_told_in_a_word() {
        let endless = [&[103, 120][..], &[64_000; 61]].concat();
        assert_eq!(listed(&endless), "103, 120, 61 x 64000");
        assert_eq!((listed(&[103]), listed(&[])), ("103".to_owned(), String::new()));
    }

    #[test]
    fn numbers_in_a_row_are_written_together() {
        assert_eq!(ranges([1, 2, 3, 7, 9, 10].into_iter()), "1-3, 7, 9-10");
        assert_eq!(ranges([254, 255].into_iter()), "254-255");
        assert_eq!(ranges(std::iter::empty()), "");
    }
}
