//! Devices that speak through an MQTT 3.1.1 broker: one topic per value, as text or inside a JSON document.
//!
//! Source: OASIS MQTT 3.1.1, section 4.7 for topics; the payloads are what common firmwares send. Transcripts:
//! `tests/transcripts/mqtt-*.txt`. This file reads definitions and turns permits into messages; `mqtt_topics.rs` turns
//! messages into samples, `mqtt_presence.rs` those by which a device says that it is there; the connection is in
//! `bus/mqtt.rs`.

use crate::bus::{Body, MqttBus, OpenBus};
use crate::mqtt_presence::{self, Announcement};
use crate::mqtt_settings;
use crate::mqtt_topics::{Target, To, Topics};
use crate::point::PointReader;
use crate::pointer::Pointer;
use crate::readings::Readings;
use crate::spec::{DriverSpec, Mistakes, key};
use ballast_guard::plan::Strength;
use ballast_model::catalog::{Catalog, OutputKind};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, Settings};
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{Contact, Unit, Wanted};
use bytes::Bytes;
use std::collections::BTreeMap;

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "mqtt",
    about: "devices that speak through an MQTT broker",
    is_experimental: false,
    is_network: true,
    is_shareable: true,
    exclusive_key: Some("exclusive"),
    strength: Strength::Soft,
    reads_every: None,
    bus_keys: mqtt_settings::KEYS,
    point_keys: &[
        key("topic", "topic on which the value is published, without wildcards"),
        key("pointer", "JSON pointer to the value; absent for a payload that is the value"),
        mqtt_presence::KEYS[0],
        mqtt_presence::KEYS[1],
        mqtt_presence::KEYS[2],
        mqtt_presence::KEYS[3],
    ],
    output_keys: &[
        key("topic", "topic on which the device listens"),
        key("closed", "payload that connects the load (ON)"),
        key("open", "payload that cuts the load (OFF)"),
        key("payload", "payload of a setpoint, `{}` stands for the number ({})"),
        key("state_topic", "topic on which the device tells its state"),
        key("state_pointer", "JSON pointer to the state; absent for a payload that is the state"),
        key("state_closed", "what it tells when the load is connected (as `closed`)"),
        key("state_open", "what it tells when the load is cut (as `open`)"),
        key("qos", "quality of service of commands: 1 (default) is confirmed by the broker, 0 is not"),
        key("retain", "whether the broker keeps the last command for the device: no (default) or yes"),
        mqtt_presence::KEYS[0],
        mqtt_presence::KEYS[1],
        mqtt_presence::KEYS[2],
        mqtt_presence::KEYS[3],
    ],
    open,
};

/// A command as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where to.
    pub topic: Bytes,
    /// What.
    pub payload: Bytes,
    /// Whether the broker confirms it.
    pub is_confirmed: bool,
    /// Whether the broker keeps it.
    pub is_kept: bool,
}

/// Turns what a permit allows into a message.
#[derive(Clone, Debug)]
pub struct Writer {
    topic: Bytes,
    words: Words,
    is_confirmed: bool,
    is_kept: bool,
}

#[derive(Clone, Debug)]
enum Words {
    Contact { open: Bytes, closed: Bytes },
    Level { unit: Unit, before: Box<str>, after: Box<str> },
}

impl Writer {
    /// The message; `None` where the output cannot be told that.
    pub fn command(&self, wanted: Wanted) -> Option<Command> {
        let payload = match (&self.words, wanted) {
            (Words::Contact { open, .. }, Wanted::Contact(Contact::Open)) => open.clone(),
            (Words::Contact { closed, .. }, Wanted::Contact(Contact::Closed)) => closed.clone(),
            (Words::Level { unit, before, after }, Wanted::Level(level)) => {
                format!("{before}{}{after}", unit.from_base(level)).into()
            }
            _ => return None,
        };
        let topic = self.topic.clone();
        Some(Command { topic, payload, is_confirmed: self.is_confirmed, is_kept: self.is_kept })
    }
}

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let connection = mqtt_settings::read(definition, &catalog.site, &mut mistakes);
    let mut topics = Topics::default();
    let mut readers = Vec::new();
    for point in &definition.points {
        if let Some(reader) = read_point(point, readers.len(), catalog, &mut topics, &mut mistakes) {
            readers.push((point.point, reader));
        }
    }
    let written = definition.outputs.iter().filter_map(|output| {
        Some((output.output, read_output(output, catalog, &mut topics, &mut mistakes)?))
    });
    let writers: BTreeMap<_, _> = written.collect();
    let body = connection.map(|connection| {
        let filters = topics.filters();
        let outputs_with_state = definition
            .outputs
            .iter()
            .filter(|output| output.settings.get("state_topic").is_some())
            .map(|output| output.output)
            .collect();
        Body::Mqtt(Box::new(MqttBus { connection, topics, filters, writers, outputs_with_state }))
    });
    let bus = body.map(|body| OpenBus::new(&definition.name, &SPEC, Readings::new(readers), body));
    mistakes.finish(bus)
}

fn read_point(
    point: &PointDefinition,
    slot: usize,
    catalog: &Catalog,
    topics: &mut Topics,
    mistakes: &mut Mistakes,
) -> Option<PointReader> {
    let settings = &point.settings;
    let topic = topic_of(settings, "topic", "a point over MQTT", mistakes);
    let pointer = pointer_of(settings, "pointer", mistakes);
    let reader = PointReader::new(point, catalog, mistakes);
    announce(settings, &To::Point(slot), topics, mistakes);
    topics.add(topic?, Target { pointer: pointer?, to: To::Point(slot) });
    reader
}

/// Where the device says whether it is there.
fn announce(settings: &Settings, to: &To, topics: &mut Topics, mistakes: &mut Mistakes) {
    let Some(announcement) = Announcement::read(settings, mistakes) else { return };
    let topic = topic_of(settings, "availability", "availability", mistakes);
    let pointer = pointer_of(settings, "availability_pointer", mistakes);
    if let (Some(_), Some(pointer)) = (topic, pointer) {
        topics.announce(announcement, pointer, to);
    }
}

fn read_output(
    output: &OutputDefinition,
    catalog: &Catalog,
    topics: &mut Topics,
    mistakes: &mut Mistakes,
) -> Option<Writer> {
    let settings = &output.settings;
    let topic = topic_of(settings, "topic", "an output over MQTT", mistakes);
    let is_confirmed = mistakes.choice(settings, "qos", &[("1", true), ("0", false)]);
    let is_kept = mistakes.choice(
        settings,
        "retain",
        &[("no", false), ("yes", true), ("false", false), ("true", true)],
    );
    let word = |key: &str, default: &'static str| settings.get(key).unwrap_or(default).to_owned();
    let (closed, open) = (word("closed", "ON"), word("open", "OFF"));
    let kind = &catalog.output(output.output)?.kind;
    let words = match kind {
        OutputKind::Contact => contact_words(settings, &open, &closed, mistakes),
        OutputKind::Setpoint(unit) => level_words(settings, *unit, mistakes),
    };
    let bytes = |key: &str, default: &str| settings.get(key).unwrap_or(default).as_bytes().into();
    let to = match kind {
        OutputKind::Contact => To::Contact {
            output: output.output,
            open: bytes("state_open", &open),
            closed: bytes("state_closed", &closed),
        },
        OutputKind::Setpoint(unit) => {
            To::Level { output: output.output, reader: PointReader::of_unit(*unit) }
        }
    };
    announce(settings, &to, topics, mistakes);
    if settings.get("state_topic").is_some() {
        let state = topic_of(settings, "state_topic", "the state of an output", mistakes);
        let pointer = pointer_of(settings, "state_pointer", mistakes);
        topics.add(state?, Target { pointer: pointer?, to });
    }
    let topic = Bytes::copy_from_slice(topic?.as_bytes());
    Some(Writer { topic, words: words?, is_confirmed: is_confirmed?, is_kept: is_kept? })
}

fn contact_words(settings: &Settings, open: &str, closed: &str, mistakes: &mut Mistakes) -> Option<Words> {
    if settings.get("payload").is_some() {
        mistakes.add(
            settings.wrong("payload", "`payload` is for setpoints").help("a contact has `closed` and `open`"),
        );
    }
    for (open_key, closed_key) in [("open", "closed"), ("state_open", "state_closed")] {
        let open = settings.get(open_key).unwrap_or(open);
        let closed = settings.get(closed_key).unwrap_or(closed);
        if open == closed {
            let wrong = settings.wrong(closed_key, format!("open and closed are both `{open}`"));
            mistakes.add(wrong.help("the two states need two words"));
            return None;
        }
    }
    let [open, closed] = [open, closed].map(|word| Bytes::copy_from_slice(word.as_bytes()));
    Some(Words::Contact { open, closed })
}

fn level_words(settings: &Settings, unit: Unit, mistakes: &mut Mistakes) -> Option<Words> {
    for key in ["closed", "open", "state_closed", "state_open"] {
        if settings.get(key).is_some() {
            mistakes.add(
                settings.wrong(key, format!("`{key}` is for contacts")).help("a setpoint has `payload`"),
            );
        }
    }
    let template = settings.get("payload").unwrap_or("{}");
    let Some((before, after)) = template.split_once("{}") else {
        let wrong = settings.wrong("payload", "the payload has no place for the number");
        mistakes.add(wrong.help("write `{}` where the number shall stand"));
        return None;
    };
    Some(Words::Level { unit, before: before.into(), after: after.into() })
}

fn topic_of<'a>(settings: &'a Settings, key: &str, what: &str, mistakes: &mut Mistakes) -> Option<&'a str> {
    let topic = mistakes.need(settings, key, what)?;
    if topic.contains(['+', '#']) {
        let wrong = settings.wrong(key, format!("`{topic}` has a wildcard"));
        let help =
            "name one topic per point: what differs between two devices is a parameter of their device file";
        mistakes.add(wrong.help(help));
        return None;
    }
    if topic.contains('\0') || topic.len() > usize::from(u16::MAX) {
        mistakes.add(settings.wrong(key, "this is not a topic"));
        return None;
    }
    Some(topic)
}

/// `Some(None)` where the key is absent.
fn pointer_of(settings: &Settings, key: &str, mistakes: &mut Mistakes) -> Option<Option<Pointer>> {
    let Some(text) = settings.get(key) else { return Some(None) };
    let pointer = Pointer::parse(text);
    if pointer.is_none() {
        let wrong = settings.wrong(key, format!("`{text}` is not a JSON pointer"));
        mistakes.add(wrong.help("it begins with `/` and names the way: `/ENERGY/Power`"));
    }
    pointer.map(Some)
}
