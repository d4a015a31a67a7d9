//! Linky meters and their predecessors, through the customer information output (TIC), historical or standard mode.
//!
//! Source: Enedis-NOI-CPT_54E, decoded by `firmware/tic-decoder`. Transcripts: `tests/transcripts/linky.txt`. Both modes
//! give the same words; what a meter does not send in its mode stays unknown, and what it sends damaged is counted and left out.
//! Quirk: the historical mode tells the subscribed current, from which the power follows only once the number of phases is
//! known by the currents' labels.

use crate::bus::{Body, OpenBus, SerialBus};
use crate::limits::SPEED_TRIAL;
use crate::point::{PointReader, Raw};
use crate::readings::{Freshness, Readings, Report};
use crate::shape::{Heard, Heed, Listener};
use crate::spec::{DriverSpec, Mistakes, key, port_key};
use ballast_guard::plan::Strength;
use ballast_model::catalog::{Catalog, Kind};
use ballast_model::device::{BusDefinition, PointDefinition};
use ballast_model::diagnostic::{Diagnostic, did_you_mean};
use ballast_model::{Mono, Unit, Utc};
use std::path::PathBuf;
use tic_decoder::fields::{self, DrawnEnergy, Quantity, TempoColour, Value};
use tic_decoder::{Decoder, Event, Group, Mode, Settings};

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "tic",
    about: "the customer output of a Linky meter",
    is_experimental: false,
    is_network: false,
    is_shareable: false,
    exclusive_key: None,
    strength: Strength::Soft,
    reads_every: None,
    bus_keys: &[
        port_key("port", "serial port, pseudo-terminal, named pipe, or a file with a recording"),
        key("mode", "auto (default): both speeds are tried; historical (1200 baud) or standard (9600 baud)"),
        key("baud", "another speed than the mode's, for adapters that change it"),
    ],
    point_keys: &[key("field", "what the meter tells: apparent_power, period, tariff, tempo_colour, ...")],
    output_keys: &[],
    open,
};

/// What a point is filled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// A quantity of the decoder, as it is.
    Plain(Quantity),
    /// The tariff's period: base, off_peak or peak.
    Period,
    /// Today's colour.
    Colour,
}

const OWN_FIELDS: [(&str, Field); 2] = [("period", Field::Period), ("tempo_colour", Field::Colour)];

impl Field {
    fn parse(word: &str) -> Option<Self> {
        let own = OWN_FIELDS.iter().find(|(own, _)| *own == word).map(|(_, field)| *field);
        own.or_else(|| {
            let place = Quantity::WORDS.iter().position(|known| *known == word)?;
            Quantity::ALL.get(place).copied().filter(|quantity| is_offered(*quantity)).map(Self::Plain)
        })
    }

    fn words() -> impl Iterator<Item = &'static str> {
        let offered =
            Quantity::ALL.iter().zip(Quantity::WORDS).filter(|(quantity, _)| is_offered(**quantity));
        OWN_FIELDS.iter().map(|(word, _)| *word).chain(offered.map(|(_, word)| *word))
    }
}

/// Whether a quantity can be a point: it is a number or a word. Texts, registers and dates are not.
fn is_offered(quantity: Quantity) -> bool {
    quantity.unit().is_some() || matches!(quantity, Quantity::Tariff | Quantity::TempoColourTomorrow)
}

/// Listens to a meter.
#[derive(Debug)]
pub struct Meter {
    decoder: Decoder,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    /// Slot of each point by its field. A meter has few, so that a list is searched.
    points: Vec<(Field, usize)>,
    energy: DrawnEnergy,
    /// 1 or 3, once a current's label has told.
    phases: Option<u32>,
    /// A subscribed current that waits for the phases, A.
    subscribed_current: Option<u32>,
}

impl Listener for Meter {
    fn hear(&mut self, heard: Heard<'_>, now: Mono, out: &mut Readings) -> Heed {
        let mut heed = Heed::default();
        let Heard::Bytes(bytes) = heard else { return heed };
        let state = &mut self.state;
        self.decoder.decode(bytes, |event| match event {
            Event::Group(group) => {
                heed.good += 1;
                state.group(&group, now, out);
            }
            Event::Damaged { .. } => heed.bad += 1,
            Event::FrameEnd { .. } | Event::FrameStart => {
                state.energy = DrawnEnergy::default();
                state.subscribed_current = None;
            }
            Event::EndOfText => {}
        });
        heed
    }

    fn reset(&mut self) {
        self.decoder.reset();
        self.state.energy = DrawnEnergy::default();
        (self.state.subscribed_current, self.state.phases) = (None, None);
    }
}

impl State {
    fn group(&mut self, group: &Group<'_>, now: Mono, out: &mut Readings) {
        let Ok(field) = fields::read(group) else { return };
        let source = field.time.filter(fields::Horodate::is_trusted).and_then(|time| time.unix_seconds());
        let source = source.map(|seconds| Utc::from_millis(seconds.saturating_mul(1000)));
        match field.value {
            Value::Number(number) => {
                self.number(field.quantity, number, source, now, out);
                self.subscribed(group.label, &field, now, out);
                self.drawn(&field, now, out);
            }
            Value::Tariff(tariff) => {
                self.word(Field::Plain(Quantity::Tariff), tariff.as_str(), now, out);
                // A tariff with a name of the supplier's own has no period that is known here.
                self.word(Field::Period, tariff.period().map_or("", |period| period.as_str()), now, out);
                if group.mode == Mode::Historical {
                    self.colour(Field::Colour, tariff.colour(), now, out);
                }
            }
            Value::Colour(colour) => {
                self.colour(Field::Plain(Quantity::TempoColourTomorrow), Some(colour), now, out);
            }
            Value::Status(status) => {
                self.colour(Field::Colour, Some(status.colour_today()), now, out);
                self.colour(
                    Field::Plain(Quantity::TempoColourTomorrow),
                    Some(status.colour_tomorrow()),
                    now,
                    out,
                );
            }
            Value::Time(_) if field.quantity == Quantity::Clock => {
                if let Some(utc) = source {
                    out.report(Report::WallClock { utc, at: now });
                }
            }
            Value::Time(_) | Value::Text(_) | Value::Relays(_) => {}
        }
    }

    fn number(&self, quantity: Quantity, number: u32, source: Option<Utc>, now: Mono, out: &mut Readings) {
        if let Some(slot) = self.slot(Field::Plain(quantity)) {
            out.put_at(slot, Raw::Number(f64::from(number)), Freshness::Live, source, now);
        }
    }

    /// The subscribed power of a meter that tells a current.
    fn subscribed(&mut self, label: &str, field: &fields::Field<'_>, now: Mono, out: &mut Readings) {
        match label {
            "IINST" | "IMAX" => self.phases = Some(1),
            "IINST1" | "IINST2" | "IINST3" | "IMAX1" => self.phases = Some(3),
            "ISOUSC" => self.subscribed_current = field.number(),
            _ => return,
        }
        if let (Some(current), Some(phases)) = (self.subscribed_current, self.phases) {
            self.subscribed_current = None;
            let power = fields::subscribed_power_va(current, phases);
            self.number(Quantity::SubscribedPower, power, None, now, out);
        }
    }

    /// The sum of a contract's indexes, as soon as the last one of a frame has come.
    fn drawn(&mut self, field: &fields::Field<'_>, now: Mono, out: &mut Readings) {
        if field.quantity == Quantity::EnergyTotal {
            return; // told already
        }
        self.energy.add(field);
        let mut whole = self.energy;
        if let Some(sum) = whole.take() {
            self.energy = whole;
            if let Some(slot) = self.slot(Field::Plain(Quantity::EnergyTotal)) {
                out.put(slot, Raw::Number(sum as f64), Freshness::Live, now);
            }
        }
    }

    fn colour(&self, field: Field, colour: Option<TempoColour>, now: Mono, out: &mut Readings) {
        self.word(field, colour.map_or("", |colour| colour.as_str()), now, out);
    }

    fn word(&self, field: Field, word: &str, now: Mono, out: &mut Readings) {
        if let Some(slot) = self.slot(field) {
            out.put(slot, Raw::Text(word.as_bytes()), Freshness::Live, now);
        }
    }

    fn slot(&self, field: Field) -> Option<usize> {
        self.points.iter().find(|(known, _)| *known == field).map(|(_, slot)| *slot)
    }
}

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let settings = &definition.settings;
    let port = mistakes.need(settings, "port", "a TIC bus").map(PathBuf::from);
    let mode = mistakes.choice(
        settings,
        "mode",
        &[("auto", None), ("historical", Some(Mode::Historical)), ("standard", Some(Mode::Standard))],
    );
    let baud = settings
        .get("baud")
        .map(|text| text.parse::<u32>().ok().filter(|baud| (300..=921_600).contains(baud)));
    if baud == Some(None) {
        mistakes.add(
            settings.wrong("baud", "this is not a speed in bits per second").help("meters use 1200 and 9600"),
        );
    }
    let speeds = match (baud.flatten(), mode.flatten()) {
        (Some(baud), _) => vec![baud],
        (None, Some(mode)) => vec![mode.baud()],
        (None, None) => vec![Mode::Standard.baud(), Mode::Historical.baud()],
    };
    let mut state = State::default();
    let mut readers = Vec::new();
    for point in &definition.points {
        let field = read_field(point, catalog, &state, &mut mistakes);
        let reader = PointReader::new(point, catalog, &mut mistakes);
        if let (Some(field), Some(reader)) = (field, reader) {
            state.points.push((field, readers.len()));
            let reader = unit_of(field).map_or(reader.clone(), |unit| reader.in_unit(unit));
            readers.push((point.point, reader));
        }
    }
    for output in &definition.outputs {
        let settings = &output.settings;
        let text = "a meter has no outputs";
        mistakes.add(Diagnostic::mistake("device::no_outputs", settings.file, settings.span, text));
    }
    let decoder = Decoder::new(Settings { mode: mode.flatten(), ..Settings::default() });
    let listener = Box::new(Meter { decoder, state });
    let body = port.map(|port| Body::Serial(SerialBus { port, speeds, patience: SPEED_TRIAL, listener }));
    let bus = body.map(|body| OpenBus::new(&definition.name, &SPEC, Readings::new(readers), body));
    mistakes.finish(bus)
}

fn read_field(
    point: &PointDefinition,
    catalog: &Catalog,
    state: &State,
    mistakes: &mut Mistakes,
) -> Option<Field> {
    let settings = &point.settings;
    let word = mistakes.need(settings, "field", "a point of a meter")?;
    let Some(field) = Field::parse(word) else {
        let wrong = settings.wrong("field", format!("a meter has no field `{word}`"));
        let help = match did_you_mean(word, Field::words()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the fields are listed with the driver in the manual".to_owned(),
        };
        mistakes.add(wrong.help(help));
        return None;
    };
    if state.slot(field).is_some() {
        mistakes.add(settings.wrong("field", format!("`{word}` feeds another point already")));
    }
    check_kind(field, &catalog.point(point.point)?.kind, point, mistakes);
    Some(field)
}

/// What a field's numbers count; `None` for words.
fn unit_of(field: Field) -> Option<Unit> {
    match field {
        Field::Plain(quantity) => quantity.unit().and_then(|unit| Unit::parse(unit.as_str())),
        Field::Period | Field::Colour => None,
    }
}

/// A number needs a unit of its kind, a word its words.
fn check_kind(field: Field, kind: &Kind, point: &PointDefinition, mistakes: &mut Mistakes) {
    let text = match (unit_of(field), kind) {
        (Some(told), Kind::Number(unit)) if told.dimension() == unit.dimension() => return,
        (Some(told), _) => format!("the meter tells {} here, in {told}", told.dimension().name()),
        (None, Kind::Words(_)) => return,
        (None, _) => "the meter tells a word here; give the point its `words`".to_owned(),
    };
    mistakes.add(point.settings.wrong("field", text));
}
