//! Victron's chargers, inverters and battery monitors on their VE.Direct port, text mode.
//!
//! Source: Victron Energy, "VE.Direct Protocol" 3.33. Transcripts: `tests/transcripts/victron-vedirect-*.txt`. Which fields a
//! device sends, and what they count, stands in its device file; a block is taken whole or not at all.
//! Quirk: `---` stands for no value; numbers of products and reasons are hexadecimal.

pub mod block;

use crate::bus::{Body, OpenBus, SerialBus};
use crate::limits::SPEED_TRIAL;
use crate::point::{PointReader, Raw};
use crate::readings::{Freshness, Readings};
use crate::shape::{Heard, Heed, Listener};
use crate::spec::{DriverSpec, Mistakes, key, port_key};
use ballast_guard::plan::Strength;
use ballast_model::Mono;
use ballast_model::catalog::{Catalog, Kind};
use ballast_model::device::BusDefinition;
use ballast_model::diagnostic::Diagnostic;
use block::{Decoder, Field};
use std::path::PathBuf;

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "vedirect",
    about: "the VE.Direct port of a Victron charger, inverter or battery monitor",
    is_experimental: false,
    is_network: false,
    is_shareable: false,
    exclusive_key: None,
    strength: Strength::Soft,
    reads_every: None,
    bus_keys: &[port_key("port", "serial port, pseudo-terminal, named pipe, or a file with a recording")],
    point_keys: &[key("field", "the device's label: V, I, VPV, PPV, CS, SOC, H19, ...")],
    output_keys: &[],
    open,
};

/// The speed of every port, bits per second.
const BAUD: u32 = 19_200;

/// Longest label (the protocol says 9 with its end).
const LABEL_MAX: usize = 9;

/// Listens to a device.
#[derive(Debug, Default)]
struct Device {
    decoder: Decoder,
    points: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    label: Box<str>,
    slot: usize,
    is_number: bool,
}

impl Listener for Device {
    fn hear(&mut self, heard: Heard<'_>, now: Mono, out: &mut Readings) -> Heed {
        let mut heed = Heed::default();
        let Heard::Bytes(bytes) = heard else { return heed };
        let points = &self.points;
        self.decoder.decode(bytes, |block| match block {
            Ok(fields) => {
                heed.good += 1;
                fields.iter().for_each(|field| tell(field, points, now, out));
            }
            Err(_) => heed.bad += 1,
        });
        heed
    }

    fn reset(&mut self) {
        self.decoder.reset();
    }
}

fn tell(field: &Field, points: &[Place], now: Mono, out: &mut Readings) {
    for place in points.iter().filter(|place| place.label.as_bytes() == field.label()) {
        let raw = match field.hexadecimal() {
            Some(number) if place.is_number => Raw::Number(f64::from(number)),
            _ => Raw::Text(field.value()),
        };
        out.put(place.slot, raw, Freshness::Live, now);
    }
}

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let port = mistakes.need(&definition.settings, "port", "a VE.Direct bus").map(PathBuf::from);
    let (mut points, mut readers) = (Vec::new(), Vec::new());
    for point in &definition.points {
        let settings = &point.settings;
        let label = mistakes.need(settings, "field", "a point over VE.Direct");
        let reader = PointReader::new(point, catalog, &mut mistakes);
        let (Some(label), Some(reader)) = (label, reader) else { continue };
        let is_label = (1..=LABEL_MAX).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_graphic());
        if !is_label || label == "Checksum" {
            let wrong = settings.wrong("field", format!("`{label}` is not a label of VE.Direct"));
            mistakes.add(wrong.help("write it as the protocol does: `V`, `PPV`, `H19`"));
            continue;
        }
        let kind = catalog.point(point.point).map(|spec| &spec.kind);
        let is_number = matches!(kind, Some(Kind::Number(_)));
        points.push(Place { label: label.into(), slot: readers.len(), is_number });
        readers.push((point.point, reader));
    }
    for output in &definition.outputs {
        let settings = &output.settings;
        let text = "the text mode of VE.Direct has no outputs";
        mistakes.add(Diagnostic::mistake("device::no_outputs", settings.file, settings.span, text));
    }
    let listener = Box::new(Device { decoder: Decoder::default(), points });
    let bus =
        SerialBus { port: port.unwrap_or_default(), speeds: vec![BAUD], patience: SPEED_TRIAL, listener };
    let bus = OpenBus::new(&definition.name, &SPEC, Readings::new(readers), Body::Serial(bus));
    mistakes.finish(Some(bus))
}
