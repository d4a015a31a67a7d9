//! How Home Assistant is told: announcements that it finds by itself, and the documents that they point at.
//!
//! Source: Home Assistant's documentation of the integration MQTT, "MQTT Discovery", "MQTT Sensor" and "MQTT Binary sensor"
//! (release 2024.3). Nothing is announced that could be commanded: there is no `command_topic` here.

use super::gate::{Gate, Passed, Plain};
use super::inquiry::Subject;
use super::units::{self, Shown};
use ballast_model::catalog::{Kind, OutputKind, OutputSpec, PointSpec};
use ballast_model::{DeviceId, Span};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// What is told although nothing changes is told this often at least, where a value has no age of its own.
pub const HEARTBEAT: Span = Span::from_secs(60);
/// What a letter may take on its way, on top of what its value may be old.
const SLACK: Span = Span::from_secs(5);
/// What Home Assistant says on `PREFIX/status` when it begins.
pub const BIRTH: &str = "online";

/// The site as the announcements name it.
#[derive(Clone, Debug)]
pub struct SiteNames {
    /// Its readable id.
    pub site: String,
    /// For people; may be empty.
    pub label: String,
}

/// Something that is announced.
#[derive(Clone, Debug)]
pub struct Entity {
    /// What it is about.
    pub subject: Subject,
    /// Where it is announced.
    pub config_topic: String,
    /// The announcement.
    pub config: String,
    /// Where its documents go.
    pub state_topic: String,
    /// After how long without news an unchanged value is told again.
    pub again_after: Span,
    /// Whether only a newer reading is news.
    pub needs_reading: bool,
}

/// The topic on which a receiver says that it begins.
pub fn birth_topic(gate: &Gate) -> String {
    format!("{}/status", gate.prefix())
}

/// Filters of what looks like a command to something that is announced: read to be counted, never obeyed.
pub fn command_filters(gate: &Gate, names: &SiteNames) -> BTreeSet<Box<str>> {
    let base = base(gate, names);
    ["set", "command"].iter().map(|word| format!("{base}/+/+/{word}").into()).collect()
}

fn base(gate: &Gate, names: &SiteNames) -> String {
    format!("ballast/{}/{}", names.site, gate.receiver().name)
}

/// Everything that is announced through a gate. `status_topic`: where the broker keeps whether the bus is there; `every`:
/// how often one value is told at most.
pub fn entities(gate: &Gate, names: &SiteNames, status_topic: Option<&str>, every: Span) -> Vec<Entity> {
    let announcer = Announcer { gate, names, status_topic, every };
    gate.subjects().filter_map(|subject| announcer.entity(subject)).collect()
}

/// The document that tells of something.
pub fn document(passed: &Passed, age: Option<Span>) -> String {
    let plain = |plain: &Option<Plain>| match plain {
        None => Json::Null,
        Some(Plain::Number(number)) => json!(number),
        Some(Plain::Word(word)) => json!(word),
        Some(Plain::Flag(flag)) => json!(flag),
    };
    let document = match passed {
        Passed::Point(value) => {
            let mut document = json!({ "value": plain(value) });
            if let (Some(age), Some(map), Some(_)) = (age, document.as_object_mut(), value) {
                map.insert("age".to_owned(), json!((age.secs_f64() * 10.0).round() / 10.0));
            }
            document
        }
        Passed::Output { state, asked, by, authority, strength, is_reachable } => json!({
            "state": plain(state), "asked": plain(asked), "by": by, "authority": authority,
            "strength": strength, "reachable": is_reachable,
        }),
    };
    document.to_string()
}

struct Announcer<'a> {
    gate: &'a Gate,
    names: &'a SiteNames,
    status_topic: Option<&'a str>,
    every: Span,
}

impl Announcer<'_> {
    fn entity(&self, subject: Subject) -> Option<Entity> {
        let catalog = self.gate.catalog();
        let (component, name, kind, max_age, mut config) = match subject {
            Subject::Point(point) => {
                let spec = catalog.point(point)?;
                let (component, config) = self.of_point(spec);
                (component, &spec.name, "points", spec.max_age, config)
            }
            Subject::Output(output) => {
                let spec = catalog.output(output)?;
                let (component, config) = self.of_output(spec);
                (component, &spec.name, "outputs", None, config)
            }
        };
        let id = name.replace('.', "-");
        let site = &self.names.site;
        let state_topic = format!("{}/{kind}/{name}", base(self.gate, self.names));
        let again_after = self.every.max(max_age.map_or(HEARTBEAT, |age| age.divided(4)));
        // A newer reading comes within `max_age`, or the value is told to be unknown; a heartbeat may be missed twice.
        let silence = max_age.map_or(Span::from_nanos(again_after.nanos().saturating_mul(3)), |age| {
            age.max(self.every).max(again_after)
        });
        config.insert("unique_id".into(), json!(format!("ballast_{site}_{id}")));
        config.insert("state_topic".into(), json!(state_topic));
        config.insert("availability".into(), self.availability(&state_topic, kind));
        config.insert("availability_mode".into(), json!("all"));
        let seconds = silence.plus(SLACK).millis().div_ceil(1000);
        config.insert("expire_after".into(), json!(seconds));
        config.insert("origin".into(), json!({ "name": "Ballast", "sw_version": env!("CARGO_PKG_VERSION") }));
        let node = format!("ballast_{site}_{}", self.gate.receiver().name);
        Some(Entity {
            subject,
            config_topic: format!("{}/{component}/{node}/{id}/config", self.gate.prefix()),
            config: Json::Object(config).to_string(),
            state_topic,
            again_after,
            needs_reading: max_age.is_some(),
        })
    }

    /// It is there while the bus is there and the value is known: an unknown one is not shown as the last one was.
    fn availability(&self, state_topic: &str, kind: &str) -> Json {
        let key = if kind == "points" { "value" } else { "state" };
        let known = format!("{{{{ 'offline' if value_json.{key} is none else 'online' }}}}");
        let mut all = vec![json!({ "topic": state_topic, "value_template": known })];
        all.extend(self.status_topic.map(|topic| json!({ "topic": topic })));
        Json::Array(all)
    }

    fn of_point(&self, spec: &PointSpec) -> (&'static str, Map<String, Json>) {
        let mut config = self.named(&spec.name, &spec.label, spec.device);
        let template = "{{ value_json.value }}";
        let component = match &spec.kind {
            Kind::Number(unit) => {
                number(&mut config, units::shown(units::told_in(*unit), spec.is_counter));
                "sensor"
            }
            Kind::Words(words) => {
                config.insert("device_class".into(), json!("enum"));
                config.insert("options".into(), json!(words.iter().map(|word| &**word).collect::<Vec<_>>()));
                "sensor"
            }
            Kind::Flag => "binary_sensor",
        };
        let template = match component {
            "sensor" => template,
            _ => "{{ 'None' if value_json.value is none else 'ON' if value_json.value else 'OFF' }}",
        };
        config.insert("value_template".into(), json!(template));
        (component, config)
    }

    fn of_output(&self, spec: &OutputSpec) -> (&'static str, Map<String, Json>) {
        let mut config = self.named(&spec.name, &spec.label, Some(spec.device));
        // Who won and how strong the output is: shown beside its state.
        config.insert(
            "json_attributes_topic".into(),
            json!(format!("{}/outputs/{}", base(self.gate, self.names), spec.name)),
        );
        let (component, template) = match &spec.kind {
            OutputKind::Contact => (
                "binary_sensor",
                "{{ 'ON' if value_json.state == 'closed' else 'OFF' if value_json.state == 'open' else 'None' }}",
            ),
            OutputKind::Setpoint(unit) => {
                number(&mut config, units::shown(units::told_in(*unit), false));
                ("sensor", "{{ value_json.state }}")
            }
        };
        config.insert("value_template".into(), json!(template));
        (component, config)
    }

    /// The name within its device, and the device.
    fn named(&self, name: &str, label: &str, device: Option<DeviceId>) -> Map<String, Json> {
        let SiteNames { site, label: site_label } = self.names;
        let spec = device.and_then(|device| self.gate.catalog().devices.get(device.index()));
        let (id, shown, own) = match spec {
            Some(spec) => {
                (format!("ballast_{site}_{}", spec.name), first(&[&spec.label, &spec.name]), &*spec.name)
            }
            None => (format!("ballast_{site}"), first(&[site_label, site]), "site"),
        };
        let rest = name.strip_prefix(own).map_or(name, |rest| rest.trim_start_matches('.'));
        let rest = rest.replace(['_', '.'], " ");
        // An output that lends its device its name has none of its own: it is shown under that of the device.
        let entity = Some(first(&[label, &rest])).filter(|name| !name.is_empty() && *name != shown);
        let mut map = Map::new();
        map.insert("name".into(), json!(entity));
        map.insert("device".into(), json!({ "identifiers": [id], "name": shown }));
        map
    }
}

fn number(config: &mut Map<String, Json>, shown: Shown) {
    let Shown { unit, device_class, state_class } = shown;
    let rows = [("unit_of_measurement", unit), ("device_class", device_class), ("state_class", state_class)];
    for (key, value) in rows {
        if let Some(value) = value {
            config.insert(key.into(), json!(value));
        }
    }
}

fn first<'a>(texts: &[&'a str]) -> &'a str {
    texts.iter().find(|text| !text.is_empty()).copied().unwrap_or("")
}
