//! How Home Assistant is told: announcements that it finds by itself, and the documents that they point at.
//!
//! Source: Home Assistant's documentation of the integration MQTT, "MQTT Discovery", "MQTT Sensor" and "MQTT Binary sensor"
//! (release 2024.3). Nothing is announced that could be commanded: there is no `command_topic` here.

use super::gate::{Gate, Passed, Plain};
use super::inquiry::Subject;
use super::units::{self, Shown};
use crate::report::instant;
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
        // Home Assistant leaves out keys that it does not know; who reads the broker sees why this is told.
        let receiver = self.gate.receiver();
        if let Some(purpose) = &receiver.purpose {
            config.insert("purpose".into(), json!(purpose));
        }
        if let Some(until) = receiver.until {
            config.insert("until".into(), json!(instant::utc(until)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_config::site::{Receiver, ReceiverKind};
    use ballast_model::catalog::{Catalog, DeviceSpec, Origin};
    use ballast_model::{Finite, OutputId, PointId, Unit, Utc, Wanted};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    /// A heater with a contact and a setpoint, a pump that is one contact, a flag, words, a counter and a setting.
    fn announced() -> BTreeMap<String, Json> {
        let mut catalog = Catalog::default();
        for (name, label) in [("heater", "Water heater"), ("pump", "")] {
            let spec = DeviceSpec { name: name.into(), label: label.into(), outputs: Vec::new() };
            catalog.devices.push(spec);
        }
        let unit = |symbol: &str| Unit::parse(symbol).unwrap();
        let mut point = |name: &str, label: &str, kind: Kind, device: Option<DeviceId>, is_counter| {
            let spec = PointSpec::new(name, kind, Origin::Measured);
            catalog.add_point(PointSpec { label: label.into(), device, is_counter, ..spec }).unwrap();
        };
        let heater = Some(DeviceId(0));
        point("heater.used_energy", "", Kind::Number(unit("kWh")), heater, true);
        point("heater.is_hot", "Hot", Kind::Flag, heater, false);
        point("heater.program", "", Kind::Words(["eco", "full"].map(Box::from).into()), heater, false);
        point("setting.wish", "", Kind::Number(unit("kVA")), None, false);
        for (name, device, kind) in [
            ("heater.on", DeviceId(0), OutputKind::Contact),
            ("heater.level", DeviceId(0), OutputKind::Setpoint(unit("kW"))),
            ("pump", DeviceId(1), OutputKind::Contact),
        ] {
            catalog.add_output(name, "", device, kind, Wanted::OPEN).unwrap();
        }
        let receiver = Receiver {
            name: "home".into(),
            kind: ReceiverKind::HomeAssistant { prefix: "ha/x".into() },
            bus: "broker".into(),
            points: (0..4).map(PointId).collect(),
            outputs: (0..3).map(OutputId).collect(),
            every: Span::from_secs(10),
            steps: BTreeMap::new(),
            purpose: Some("Advice".into()),
            until: Some(Utc::from_millis(1_806_530_400_000)),
        };
        let gate = Gate::new(&receiver, &Arc::new(catalog));
        let names = SiteNames { site: "mill".into(), label: String::new() };
        let entities = entities(&gate, &names, None, receiver.every);
        let config = |entity: Entity| (entity.config_topic, serde_json::from_str(&entity.config).unwrap());
        entities.into_iter().map(config).collect()
    }

    #[test]
    fn everything_is_announced_in_a_form_that_cannot_command() {
        let announced = announced();
        let topics: Vec<&str> = announced.keys().map(String::as_str).collect();
        let node = |component: &str, id: &str| format!("ha/x/{component}/ballast_mill_home/{id}/config");
        let expected = [
            ("binary_sensor", "heater-is_hot"),
            ("binary_sensor", "heater-on"),
            ("binary_sensor", "pump"),
            ("sensor", "heater-level"),
            ("sensor", "heater-program"),
            ("sensor", "heater-used_energy"),
            ("sensor", "setting-wish"),
        ];
        assert_eq!(topics, expected.map(|(component, id)| node(component, id)));
        let at = |component: &str, id: &str, pointer: &str| {
            announced.get(&node(component, id)).and_then(|config| config.pointer(pointer)).cloned()
        };
        for config in announced.values() {
            assert!(!config.to_string().contains("command"), "{config}");
            let terms = (&config["purpose"], &config["until"]);
            assert_eq!(terms, (&"Advice".into(), &"2027-03-31T22:00:00Z".into()));
        }
        assert_eq!(at("sensor", "heater-used_energy", "/state_class"), Some("total_increasing".into()));
        assert_eq!(at("sensor", "heater-used_energy", "/name"), Some("used energy".into()));
        assert_eq!(at("sensor", "heater-used_energy", "/device/name"), Some("Water heater".into()));
        assert_eq!(at("sensor", "heater-program", "/options"), Some(json!(["eco", "full"])));
        assert_eq!(at("sensor", "heater-level", "/unit_of_measurement"), Some("kW".into()));
        assert_eq!(at("binary_sensor", "heater-is_hot", "/name"), Some("Hot".into()));
        assert_eq!(at("binary_sensor", "pump", "/name"), Some(Json::Null), "it is shown as its device");
        assert_eq!(at("sensor", "setting-wish", "/unit_of_measurement"), Some("VA".into()));
        assert_eq!(at("sensor", "setting-wish", "/device/identifiers/0"), Some("ballast_mill".into()));
        // What has no age is told every minute, and is unavailable after three of them without a word.
        assert_eq!(at("sensor", "setting-wish", "/expire_after"), Some(185.into()));
        assert_eq!(at("sensor", "setting-wish", "/availability/1"), None, "the bus keeps no word of itself");
    }

    #[test]
    fn documents_are_plain() {
        let point = |value| document(&Passed::Point(value), Some(Span::from_millis(1260)));
        assert_eq!(point(Some(Plain::Number(Finite::ZERO.get()))), r#"{"age":1.3,"value":0.0}"#);
        assert_eq!(point(Some(Plain::Word("eco".into()))), r#"{"age":1.3,"value":"eco"}"#);
        assert_eq!(point(Some(Plain::Flag(true))), r#"{"age":1.3,"value":true}"#);
        assert_eq!(point(None), r#"{"value":null}"#);
    }
}
