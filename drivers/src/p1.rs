//! Smart meters of the Netherlands and Belgium through their customer port (P1), DSMR 2.2 to 5 and e-MUCS.
//!
//! Source: DSMR P1 companion standard 5.0.2, e-MUCS_P1 1.7.1. Transcripts: `tests/transcripts/dsmr-*.txt`. Which objects a
//! point is made of stands in its device file; a point whose objects a meter does not send stays unknown. A telegram is taken
//! whole or not at all.
//! Quirk: a gas or water meter reports every five minutes or every hour, and every telegram repeats its last report with that
//! report's time; a report is told once, with that time.

pub mod telegram;

use crate::bus::{Body, OpenBus, SerialBus};
use crate::point::{PointReader, Raw, parse_number};
use crate::readings::{Freshness, Readings, Report};
use crate::shape::{Heard, Heed, Listener};
use crate::spec::{DriverSpec, Mistakes, key, port_key};
use ballast_guard::plan::Strength;
use ballast_model::catalog::{Catalog, Kind};
use ballast_model::device::{BusDefinition, PointDefinition};
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{Mono, Reason, Span, Unit};
use std::path::PathBuf;
use telegram::{Code, Decoder, Reading, Telegram, instant, is_time};

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "p1",
    about: "the customer port (P1) of a DSMR smart meter",
    is_experimental: false,
    is_network: false,
    is_shareable: false,
    exclusive_key: None,
    strength: Strength::Soft,
    reads_every: None,
    bus_keys: &[
        port_key("port", "serial port, pseudo-terminal, named pipe, or a file with a recording"),
        key("baud", "auto (default): 115200 and 9600 are tried; or the speed of the line"),
    ],
    point_keys: &[
        key("obis", "the meter's object; or several, to add and to subtract: `1-0:1.7.0 - 1-0:2.7.0`"),
        key(
            "mbus",
            "instead of `obis`, the reading of the first meter of that kind behind this one: gas, water",
        ),
    ],
    output_keys: &[],
    open,
};

/// A telegram comes every ten seconds (DSMR 2.2 to 4), or every second: two may be missed.
const PATIENCE: Span = Span::from_secs(25);

/// The clock of the meter.
const CLOCK: Code = Code([0, 0, 1, 0, 0]);

/// Objects that one point may be made of.
const TERMS_MAX: usize = 8;

/// What a point is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// Objects that are added, or subtracted where true.
    Sum(Vec<(bool, Code)>),
    /// The reading of a meter behind this one, by its device type (EN 13757-3).
    Behind(u32),
}

/// One point.
#[derive(Clone, Debug)]
struct Place {
    origin: Origin,
    /// The unit of its numbers; `None` for words.
    unit: Option<Unit>,
    /// When the meter behind reported last, as it wrote it. A report is told once, so that it can grow old.
    reported: String,
}

/// Listens to a meter.
#[derive(Debug, Default)]
struct Meter {
    decoder: Decoder,
    /// By slot.
    places: Vec<Place>,
}

impl Listener for Meter {
    fn hear(&mut self, heard: Heard<'_>, now: Mono, out: &mut Readings) -> Heed {
        let mut heed = Heed::default();
        let Heard::Bytes(bytes) = heard else { return heed };
        let places = &mut self.places;
        self.decoder.decode(bytes, |telegram| match telegram {
            Ok(telegram) => {
                heed.good += 1;
                for (slot, place) in places.iter_mut().enumerate() {
                    place.tell(slot, telegram, now, out);
                }
                let clock = telegram.read(CLOCK).and_then(|reading| instant(reading.text));
                if let Some(utc) = clock {
                    out.report(Report::WallClock { utc, at: now });
                }
            }
            Err(_) => heed.bad += 1,
        });
        heed
    }

    fn reset(&mut self) {
        self.decoder.reset();
        self.places.iter_mut().for_each(|place| place.reported.clear());
    }
}

impl Place {
    fn tell(&mut self, slot: usize, telegram: Telegram<'_>, now: Mono, out: &mut Readings) {
        match &self.origin {
            Origin::Behind(kind) => {
                let Some(reading) = behind(telegram, *kind) else { return };
                let time = reading.time.unwrap_or_default();
                if self.reported == time {
                    return;
                }
                time.clone_into(&mut self.reported);
                // A meter that has not reported yet has no time: its zero is no reading.
                match self.number(reading).filter(|_| is_time(time)) {
                    Some(number) => {
                        out.put_at(slot, Raw::Number(number), Freshness::Live, instant(time), now);
                    }
                    None => out.bad(slot, Reason::NotAValue, now),
                }
            }
            Origin::Sum(terms) => {
                let mut sum = 0.0;
                for (is_less, code) in terms {
                    let Some(reading) = telegram.read(*code) else { return };
                    let Some(number) = self.number(reading) else {
                        self.word(slot, reading, now, out);
                        return;
                    };
                    sum += if *is_less { -number } else { number };
                }
                out.put(slot, Raw::Number(sum), Freshness::Live, now);
            }
        }
    }

    /// A reading in the point's unit; `None` where it is no number, or counts something else.
    fn number(&self, reading: Reading<'_>) -> Option<f64> {
        let number = parse_number(reading.text.as_bytes())?;
        let Some(own) = self.unit else { return Some(number) };
        let told = Unit::parse(reading.unit)?;
        if told == own {
            return Some(number);
        }
        (told.dimension() == own.dimension()).then_some(())?;
        told.to_base(number).map(|base| own.from_base(base).get())
    }

    /// What is no number is a word, where the point has words.
    fn word(&self, slot: usize, reading: Reading<'_>, now: Mono, out: &mut Readings) {
        match self.unit {
            None => {
                out.put(slot, Raw::Text(reading.text.as_bytes()), Freshness::Live, now);
            }
            Some(_) => out.bad(slot, Reason::NotAValue, now),
        }
    }
}

/// The reading of the first meter of that kind that has one. Where each kind tells it: 24.2.1, 24.2.3 (gas not converted to
/// its temperature, Belgium), 24.3.0 (DSMR 2.2 and 3).
fn behind(telegram: Telegram<'_>, kind: u32) -> Option<Reading<'_>> {
    (1..=4).find_map(|channel| {
        let read = |last: [u8; 3]| {
            let [group, measure, index] = last;
            telegram.read(Code([0, channel, group, measure, index]))
        };
        let is_kind = read([24, 1, 0]).is_some_and(|told| told.text.parse() == Ok(kind));
        [[24, 2, 1], [24, 2, 3], [24, 3, 0]].into_iter().filter(|_| is_kind).find_map(read)
    })
}

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let settings = &definition.settings;
    let port = mistakes.need(settings, "port", "a P1 bus").map(PathBuf::from);
    let speeds = match settings.get("baud") {
        None | Some("auto") => vec![115_200, 9600],
        Some(text) => match text.parse::<u32>().ok().filter(|baud| (300..=921_600).contains(baud)) {
            Some(baud) => vec![baud],
            None => {
                let wrong = settings.wrong("baud", "this is not a speed in bits per second");
                mistakes.add(wrong.help("meters use 115200, old ones 9600"));
                Vec::new()
            }
        },
    };
    let (mut places, mut readers) = (Vec::new(), Vec::new());
    for point in &definition.points {
        let origin = read_origin(point, &mut mistakes);
        let reader = PointReader::new(point, catalog, &mut mistakes);
        let unit = match catalog.point(point.point).map(|spec| &spec.kind) {
            Some(Kind::Number(unit)) => Some(*unit),
            _ => None,
        };
        if let (Some(origin), Some(reader)) = (origin, reader) {
            places.push(Place { origin, unit, reported: String::new() });
            readers.push((point.point, reader));
        }
    }
    for output in &definition.outputs {
        let settings = &output.settings;
        let text = "a meter has no outputs";
        mistakes.add(Diagnostic::mistake("device::no_outputs", settings.file, settings.span, text));
    }
    let listener = Box::new(Meter { decoder: Decoder::default(), places });
    let body = port.map(|port| Body::Serial(SerialBus { port, speeds, patience: PATIENCE, listener }));
    let bus = body.map(|body| OpenBus::new(&definition.name, &SPEC, Readings::new(readers), body));
    mistakes.finish(bus)
}

/// Kinds of meters behind the electricity meter, by their device type (EN 13757-3, table 3).
const KINDS: [(&str, u32); 2] = [("gas", 3), ("water", 7)];

fn read_origin(point: &PointDefinition, mistakes: &mut Mistakes) -> Option<Origin> {
    let settings = &point.settings;
    if settings.get("mbus").is_some() {
        if settings.get("obis").is_some() {
            mistakes.add(settings.wrong("mbus", "a point has one of `obis` and `mbus`"));
        }
        return mistakes.choice(settings, "mbus", &KINDS).map(Origin::Behind);
    }
    let text = mistakes.need(settings, "obis", "a point of a meter")?;
    let mut terms = Vec::new();
    let mut is_less = false;
    for (place, word) in text.split_ascii_whitespace().enumerate() {
        let is_sign = place % 2 == 1;
        match (is_sign, word, Code::parse(word)) {
            (true, "+", _) => is_less = false,
            (true, "-", _) => is_less = true,
            (false, _, Some(code)) => terms.push((is_less, code)),
            _ => {
                let wrong = settings.wrong("obis", format!("`{word}` is not the name of an object"));
                mistakes.add(wrong.help("write `1-0:1.7.0`, or several: `1-0:1.8.1 + 1-0:1.8.2`"));
                return None;
            }
        }
    }
    if terms.is_empty() || terms.len() > TERMS_MAX || text.trim_end().ends_with(['+', '-']) {
        mistakes.add(settings.wrong("obis", format!("a point is made of one to {TERMS_MAX} objects")));
        return None;
    }
    Some(Origin::Sum(terms))
}
