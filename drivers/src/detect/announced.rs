//! What a message at a broker announces: Tasmota, Shelly, zigbee2mqtt, whatever follows the discovery of Home Assistant, and
//! senders that announce nothing and are known by their topics.
//!
//! Source: Tasmota documentation, "SetOption19 / tasmota discovery"; Shelly API reference, Gen1 "MQTT" and Gen2+ "MQTT";
//! zigbee2mqtt documentation, "MQTT topics and messages"; Home Assistant documentation, "MQTT discovery" with its
//! abbreviations. Only what is said plainly is taken: a template that computes, an unknown unit or an unknown model gives a
//! remark or nothing, never a guess.

use super::{Found, bare};
use ballast_model::Unit;
use serde_json::Value;

/// What one listens to at a broker to hear all announcements.
pub const ANNOUNCEMENTS: [&str; 16] = [
    "homeassistant/+/+/config",
    "homeassistant/+/+/+/config",
    "tasmota/discovery/+/config",
    "shellies/announce",
    "shellies/+/announce",
    "shellies/+/online",
    "+/online",
    "zigbee2mqtt/bridge/devices",
    "PAPP",
    "HCHC",
    "HCHP",
    "IINST",
    "PTEC",
    "Projet_S8_Puiss1",
    "Projet_S8_Puiss2",
    "Projet_S8_Puiss3",
];

/// Devices of one message at most.
const DEVICES_MAX: usize = 1000;
/// Longest topic, bytes (MQTT 3.1.1, section 1.5.3).
const TOPIC_MAX: usize = 65_535;

/// What a message announces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// Devices that a site could use.
    pub devices: Vec<Found>,
    /// Sensors that it could not.
    pub left_out: Vec<LeftOut>,
}

/// A sensor that is announced, and of which no point is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its name, with that of its device before it.
    pub sensor: String,
    /// Why.
    pub why: Why,
}

/// Why no point is made of a sensor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// This unit is not known here.
    Unit(String),
    /// This template computes.
    Template(String),
    /// A whole device, a Shelly, for whose model there is no device file.
    Shelly,
    /// What is announced there is not JSON.
    Broken,
}

/// What a message announces; nothing where it is none, or says nothing that a site could use.
pub fn announced(topic: &str, payload: &[u8]) -> Announced {
    let mut left_out = Vec::new();
    let devices = devices(topic, payload, &mut left_out);
    Announced { devices, left_out }
}

fn devices(topic: &str, payload: &[u8], left_out: &mut Vec<LeftOut>) -> Vec<Found> {
    let levels: Vec<&str> = topic.split('/').collect();
    match levels.as_slice() {
        ["tasmota", "discovery", _, "config"] => {
            json(topic, payload, left_out).and_then(|json| tasmota(&json)).into_iter().collect()
        }
        ["zigbee2mqtt", "bridge", "devices"] => {
            let list = json(topic, payload, left_out);
            let list = list.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            list.iter().take(DEVICES_MAX).filter_map(zigbee).collect()
        }
        ["shellies", "announce"] | ["shellies", _, "announce"] => {
            let id = json(topic, payload, left_out).and_then(|json| text(&json, &["id"]).map(str::to_owned));
            id.and_then(|id| shelly(&id, left_out)).into_iter().collect()
        }
        ["shellies", id, "online"] => shelly(id, left_out).into_iter().collect(),
        [word] => bare::sender(word, payload).into_iter().collect(),
        [id, "online"] => shelly(id, left_out).filter(is_second).into_iter().collect(),
        ["homeassistant", kind, .., "config"] => {
            let json = json(topic, payload, left_out);
            json.and_then(|json| home_assistant(topic, kind, &json, left_out)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What an announcement says; nothing is what takes an earlier one back.
fn json(topic: &str, payload: &[u8], left_out: &mut Vec<LeftOut>) -> Option<Value> {
    let read = serde_json::from_slice(payload).ok();
    if read.is_none() && !payload.is_empty() {
        left_out.push(LeftOut { sensor: topic.to_owned(), why: Why::Broken });
    }
    read
}

fn text<'a>(json: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| json.get(key)?.as_str()).filter(|text| !text.is_empty())
}

fn tasmota(json: &Value) -> Option<Found> {
    let (name, full) = (text(json, &["t"]).filter(|name| is_topic(name))?, text(json, &["ft"])?);
    // The device file knows the usual order of topics only.
    let prefixes = json.get("tp").and_then(Value::as_array)?;
    let is_usual = prefixes.iter().map(Value::as_str).eq([Some("cmnd"), Some("stat"), Some("tele")]);
    if full != "%prefix%/%topic%/" || !is_usual {
        return None;
    }
    let relays = json
        .get("rl")
        .and_then(Value::as_array)
        .map_or(0, |relays| relays.iter().filter(|relay| relay.as_u64() == Some(1)).count());
    let shown = text(json, &["dn"]).unwrap_or(name);
    let mut with = vec![("name", name.to_owned())];
    if relays > 1 {
        with.push(("relay", "POWER1".to_owned()));
    }
    let model = text(json, &["md"]).unwrap_or("Tasmota");
    let more = if relays > 1 { format!("; the first of its {relays} relays") } else { String::new() };
    (relays > 0).then(|| Found {
        key: format!("mqtt:{name}"),
        name: shown.to_owned(),
        about: format!("Tasmota, {model}{more}"),
        file: "tasmota-plug",
        with,
        points: Vec::new(),
        topics: ["cmnd", "stat", "tele"].map(|prefix| format!("{prefix}/{name}/")).to_vec(),
    })
}

/// Beginnings of the ids of Shellys: over MQTT, over HTTP, and how many make the id of a second or later generation.
const SHELLYS: [(&str, &str, &str, bool); 35] = [
    ("shellyplug-s-", "shelly-gen1-plug-mqtt", "shelly-gen1-plug-http", false),
    ("shellyplug-", "shelly-gen1-plug-mqtt", "shelly-gen1-plug-http", false),
    ("shelly1pm-", "shelly-gen1-plug-mqtt", "shelly-gen1-plug-http", false),
    ("shelly1-", "shelly-gen1-relay-mqtt", "shelly-gen1-relay-http", false),
    ("shellyswitch25-", "shelly-gen1-plug-mqtt", "shelly-gen1-plug-http", false),
    ("shellyem-", "shelly-em-mqtt", "shelly-gen1-em-http", false),
    ("shellyem3-", "shelly-3em-mqtt", "shelly-gen1-3em-http", false),
    ("shellyplusplugs-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellyplusplugit-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellyplusplugus-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellyplusplughk-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellyplugsg3-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellyplus1pm-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shelly1pmg3-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shelly1pmg4-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shelly1pmminig4-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellyplus2pm-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellypro2pm-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shelly2pmg3-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shelly2pmg4-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellyplus1-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shellypro3em-", "shelly-pro-3em-mqtt", "shelly-pro-3em-http", true),
    ("shelly3em63g3-", "shelly-pro-3em-mqtt", "shelly-pro-3em-http", true),
    ("shellyproem50-", "shelly-gen2-em-mqtt", "shelly-gen2-em-http", true),
    ("shellyemg3-", "shelly-gen2-em-mqtt", "shelly-gen2-em-http", true),
    ("shellypro1pm-", "shelly-gen2-plug-mqtt", "shelly-gen2-plug-http", true),
    ("shellypro4pm-", "shelly-pro-4pm-mqtt", "shelly-gen2-plug-http", true),
    ("shellypro1-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shellypro2-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shellypro3-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shelly1mini-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shelly1minig3-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shelly1g3-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shelly1g4-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
    ("shelly1minig4-", "shelly-gen2-relay-mqtt", "shelly-gen2-relay-http", true),
];

fn family(id: &str) -> Option<&'static (&'static str, &'static str, &'static str, bool)> {
    let id = id.to_ascii_lowercase();
    SHELLYS.iter().filter(|(begin, ..)| id.starts_with(begin)).max_by_key(|(begin, ..)| begin.len())
}

fn shelly(id: &str, left_out: &mut Vec<LeftOut>) -> Option<Found> {
    let known = family(id).filter(|_| is_topic(id));
    if known.is_none() && is_topic(id) && id.to_ascii_lowercase().starts_with("shelly") {
        left_out.push(LeftOut { sensor: id.to_owned(), why: Why::Shelly });
    }
    let (begin, mqtt, _, is_second) = known?;
    let topics = if *is_second { vec![format!("{id}/")] } else { vec![format!("shellies/{id}/")] };
    Some(Found {
        key: format!("mqtt:{id}"),
        name: id.to_owned(),
        about: format!("Shelly {id}{}", several(begin)),
        file: mqtt,
        with: vec![(if *is_second { "prefix" } else { "id" }, id.to_owned())],
        points: Vec::new(),
        topics,
    })
}

/// What is to be known of one with more relays than the file has outputs: they differ by the parameter `channel`.
fn several(begin: &str) -> &'static str {
    match begin {
        "shellyswitch25-" | "shellypro2-" => "; the first of its 2 relays, the other is `channel: \"1\"`",
        // As a cover it has no relays that one could switch one by one.
        "shellyplus2pm-" | "shellypro2pm-" | "shelly2pmg3-" | "shelly2pmg4-" => {
            "; the first of its 2 relays, the other is `channel: \"1\"`, where its profile is `switch` and not `cover`"
        }
        "shellypro3-" => "; the first of its 3 relays, the others are `channel: \"1\"` and `\"2\"`",
        _ => "",
    }
}

fn is_second(found: &Found) -> bool {
    found.with.iter().any(|(key, _)| *key == "prefix")
}

/// A device that tells its name in the local network, by that name and its kind of service.
pub fn of_name(service: &str, name: &str, address: &str) -> Option<Found> {
    let url = format!("http://{address}");
    let (file, about) = match service {
        "_enphase-envoy._tcp" => ("enphase-envoy", format!("Enphase {name}")),
        "_shelly._tcp" | "_http._tcp" => (family(name)?.2, format!("Shelly {name}")),
        _ => return None,
    };
    Some(Found {
        key: format!("http:{name}"),
        name: name.to_owned(),
        about: format!("{about} at {address}"),
        file,
        with: vec![("url", url)],
        ..Found::default()
    })
}

/// A plug behind zigbee2mqtt: something that is switched and measures power.
fn zigbee(device: &Value) -> Option<Found> {
    let name = text(device, &["friendly_name"]).filter(|name| is_topic(name))?;
    let definition = device.get("definition")?;
    let exposes = definition.get("exposes")?.as_array()?;
    let has = |property: &str, list: &[Value]| {
        list.iter().any(|feature| text(feature, &["property"]) == Some(property))
    };
    let is_switched = exposes.iter().any(|exposed| {
        let features = exposed.get("features").and_then(Value::as_array);
        text(exposed, &["type"]) == Some("switch") && features.is_some_and(|list| has("state", list))
    });
    let vendor = text(definition, &["vendor"]).unwrap_or("?");
    let model = text(definition, &["model"]).unwrap_or("?");
    (is_switched && has("power", exposes)).then(|| Found {
        key: format!("mqtt:zigbee2mqtt/{name}"),
        name: name.to_owned(),
        about: format!("{vendor} {model} behind zigbee2mqtt"),
        file: "zigbee2mqtt-plug",
        with: vec![("name", name.to_owned())],
        points: Vec::new(),
        topics: vec![format!("zigbee2mqtt/{name}")],
    })
}

/// A sensor or a switch of Home Assistant's discovery, with long or short keys.
fn home_assistant(topic: &str, kind: &str, json: &Value, left_out: &mut Vec<LeftOut>) -> Option<Found> {
    let device = json.get("device").or_else(|| json.get("dev"));
    let device_name = device.and_then(|device| text(device, &["name"]));
    let own = text(json, &["name"]).or_else(|| text(json, &["unique_id", "uniq_id", "object_id", "obj_id"]));
    let own = own.unwrap_or(topic);
    let full_name = device_name.map_or_else(|| own.to_owned(), |device| format!("{device} {own}"));
    let found = Found {
        name: device_name.unwrap_or(own).to_owned(),
        about: format!("announced to Home Assistant: {}", device_name.unwrap_or(own)),
        ..Found::default()
    };
    match kind {
        "sensor" => {
            let id = device.and_then(identifier).unwrap_or_else(|| topic.to_owned());
            let point = sensor(json, &full_name, left_out)?;
            let topics =
                point.iter().filter(|(key, _)| *key == "topic").map(|(_, topic)| topic.clone()).collect();
            let points = vec![(own.to_owned(), point)];
            Some(Found { key: format!("ha:{id}"), file: "mqtt-points", points, topics, ..found })
        }
        "switch" => {
            let with = switch(json)?;
            let command = with.first()?.1.clone();
            let topics = vec![command.clone()];
            let key = format!("ha:{command}");
            Some(Found { key, name: full_name, file: "mqtt-relay", with, topics, ..found })
        }
        _ => None,
    }
}

/// A topic of such an announcement, in full.
fn topic_of(json: &Value, keys: &[&str]) -> Option<String> {
    let base = text(json, &["~"]).unwrap_or_default();
    let found = text(json, keys)?;
    let full = match (found.strip_prefix('~'), found.strip_suffix('~')) {
        (Some(rest), _) => format!("{base}{rest}"),
        (None, Some(rest)) => format!("{rest}{base}"),
        (None, None) => found.to_owned(),
    };
    // What this program says is no device.
    (is_topic(&full) && !full.starts_with("ballast/")).then_some(full)
}

/// Whether something can be said there: on a filter nothing can.
fn is_topic(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(|c: char| "+#".contains(c) || c.is_control())
        && text.len() <= TOPIC_MAX
}

/// The keys of a point for a sensor; `name` is what it is called where none can be made.
fn sensor(json: &Value, name: &str, left_out: &mut Vec<LeftOut>) -> Option<Vec<(&'static str, String)>> {
    let state = topic_of(json, &["state_topic", "stat_t"])?;
    let unit = text(json, &["unit_of_measurement", "unit_of_meas"])?;
    let template = text(json, &["value_template", "val_tpl"]);
    let why = match (Unit::parse(unit), pointer(template)) {
        (Some(_), Some(pointer)) => {
            let pointer = (!pointer.is_empty()).then_some(("pointer", pointer));
            let keys = [("topic", state), ("unit", unit.to_owned())].into_iter().chain(pointer);
            return Some(keys.chain([("max_age", "10 min".to_owned())]).collect());
        }
        (None, Some(_)) => Why::Unit(unit.to_owned()),
        (_, None) => Why::Template(template.unwrap_or_default().to_owned()),
    };
    left_out.push(LeftOut { sensor: name.to_owned(), why });
    None
}

/// The parameters of a relay for a switch, the topic first.
fn switch(json: &Value) -> Option<Vec<(&'static str, String)>> {
    let command = topic_of(json, &["command_topic", "cmd_t"])?;
    let word = |keys: &[&str], usual: &str| text(json, keys).unwrap_or(usual).to_owned();
    let closed = word(&["payload_on", "pl_on"], "ON");
    let open = word(&["payload_off", "pl_off"], "OFF");
    if closed == open {
        return None;
    }
    let mut with = vec![("topic", command), ("closed_word", closed), ("open_word", open)];
    // A state that must be computed is not used; the relay is then moved without saying where it is.
    let is_plain = json.get("value_template").or_else(|| json.get("val_tpl")).is_none();
    let state = topic_of(json, &["state_topic", "stat_t"]).filter(|_| is_plain);
    with.extend(state.map(|state| ("state", state)));
    Some(with)
}

/// What tells a device of Home Assistant from others.
fn identifier(device: &Value) -> Option<String> {
    let ids = device.get("identifiers").or_else(|| device.get("ids"))?;
    let first = ids.as_str().or_else(|| ids.as_array()?.first()?.as_str())?;
    Some(first.to_owned())
}

/// The JSON pointer that a simple template stands for; `None` where it computes.
fn pointer(template: Option<&str>) -> Option<String> {
    let Some(template) = template else { return Some(String::new()) };
    let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let inner = inner.split_once('|').map_or(inner, |(value, filter)| {
        // Only what leaves the number as it is.
        if ["float", "int", "float(0)"].contains(&filter.trim()) { value.trim() } else { "" }
    });
    if inner == "value" {
        return Some(String::new());
    }
    let mut rest = inner.strip_prefix("value_json")?;
    let mut pointer = String::new();
    while !rest.is_empty() {
        let (name, behind) = if let Some(dotted) = rest.strip_prefix('.') {
            let end = dotted.find(['.', '[']).unwrap_or(dotted.len());
            dotted.split_at_checked(end)?
        } else {
            let quoted = rest.strip_prefix('[')?;
            let (name, behind) = quoted.split_once(']')?;
            (name.trim_matches(['\'', '"']), behind)
        };
        let is_name = |c: char| c.is_alphanumeric() || "_- ".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        pointer.push('/');
        pointer.push_str(name);
        rest = behind;
    }
    (!pointer.is_empty()).then_some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(topic: &str, payload: &str) -> Found {
        let found = announced(topic, payload.as_bytes());
        assert_eq!((found.devices.len(), found.left_out.len()), (1, 0), "{topic}: {found:?}");
        found.devices.into_iter().next().unwrap()
    }

    fn nothing(topic: &str, payload: &str) {
        assert_eq!(announced(topic, payload.as_bytes()), Announced::default(), "{topic} {payload}");
    }

    #[test]
    fn tasmota_tells_its_topic() {
        let config = r#"{"ip":"192.0.2.7","dn":"Kettle","fn":["Kettle"],"hn":"kettle-1","md":"Athom Plug","t":"tasmota_12AB",
            "ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1,0,0,0],"state":["OFF","ON"]}"#;
        let found = one("tasmota/discovery/AABBCC/config", config);
        assert_eq!((found.file, found.name.as_str()), ("tasmota-plug", "Kettle"));
        assert_eq!(found.with, [("name", "tasmota_12AB".to_owned())]);
        assert!(found.topics.contains(&"tele/tasmota_12AB/".to_owned()));
        let several = one("tasmota/discovery/X/config", &config.replace("[1,0,", "[1,1,"));
        assert!(several.with.contains(&("relay", "POWER1".to_owned())), "{several:?}");
        let strange = config.replace("%prefix%/%topic%/", "home/%topic%/%prefix%/");
        nothing("tasmota/discovery/X/config", &strange);
        nothing("tasmota/discovery/X/config", &config.replace("[1,0,", "[0,0,"));
    }

    #[test]
    fn a_shelly_is_known_by_its_id() {
        for (topic, payload, file, key) in [
            ("shellies/shellyplug-s-AABBCC/online", "true", "shelly-gen1-plug-mqtt", "id"),
            ("shellies/announce", r#"{"id":"shellyem3-AABBCC","model":"SHEM-3"}"#, "shelly-3em-mqtt", "id"),
            ("shellyplusplugs-aabbccddeeff/online", "true", "shelly-gen2-plug-mqtt", "prefix"),
            ("shellypro3em-aabbccddeeff/online", "true", "shelly-pro-3em-mqtt", "prefix"),
            ("shelly3em63g3-aabbccddeeff/online", "true", "shelly-pro-3em-mqtt", "prefix"),
            ("shellyemg3-aabbccddeeff/online", "true", "shelly-gen2-em-mqtt", "prefix"),
            ("shellypro4pm-aabbccddeeff/online", "true", "shelly-pro-4pm-mqtt", "prefix"),
            // Relays without a meter; the id of a Pro 3 is recorded, those of the others stand in the maker's documentation.
            ("shellypro3-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
            ("shellyplus1-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
            ("shelly1g3-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
            ("shellypro1-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
            ("shellypro2-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
            ("shelly1minig3-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
            // Not recorded: their ids and components stand in the maker's documentation.
            ("shellyplus2pm-aabbccddeeff/online", "true", "shelly-gen2-plug-mqtt", "prefix"),
            ("shellypro2pm-aabbccddeeff/online", "true", "shelly-gen2-plug-mqtt", "prefix"),
            ("shelly2pmg3-aabbccddeeff/online", "true", "shelly-gen2-plug-mqtt", "prefix"),
            ("shelly2pmg4-aabbccddeeff/online", "true", "shelly-gen2-plug-mqtt", "prefix"),
            ("shelly1pmg4-aabbccddeeff/online", "true", "shelly-gen2-plug-mqtt", "prefix"),
            ("shelly1pmminig4-aabbccddeeff/online", "true", "shelly-gen2-plug-mqtt", "prefix"),
            ("shelly1g4-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
            ("shelly1minig4-aabbccddeeff/online", "true", "shelly-gen2-relay-mqtt", "prefix"),
        ] {
            let found = one(topic, payload);
            assert_eq!((found.file, found.with[0].0), (file, key), "{topic}");
        }
        assert!(one("shellypro3-aabb/online", "true").about.contains("the first of its 3 relays"));
        assert!(
            one("shellypro2pm-aabb/online", "true").about.contains("`channel: \"1\"`, where its profile")
        );
        for topic in ["shellyplusi4-aabb/online", "shellies/shellyht-AABBCC/online"] {
            let found = announced(topic, b"true");
            assert_eq!((found.devices.len(), &found.left_out[0].why), (0, &Why::Shelly), "{topic}");
        }
        nothing("door/online", "true");
        // The first generation tells elsewhere.
        nothing("shellyplug-s-AABBCC/online", "true");
        let found = of_name("_shelly._tcp", "shellyplus1pm-aabb", "192.0.2.9").unwrap();
        assert_eq!((found.file, found.with[0].1.as_str()), ("shelly-gen2-plug-http", "http://192.0.2.9"));
        assert_eq!(of_name("_http._tcp", "printer", "192.0.2.9"), None);
    }

    #[test]
    fn a_bridge_tells_its_plugs() {
        let list = r#"[{"friendly_name":"Coordinator","type":"Coordinator","definition":null},
          {"friendly_name":"fridge","definition":{"vendor":"IKEA","model":"E2206","exposes":[
             {"type":"switch","features":[{"property":"state"}]},{"type":"numeric","property":"power"}]}},
          {"friendly_name":"door","definition":{"vendor":"x","model":"y","exposes":[{"property":"contact"}]}}]"#;
        let found = one("zigbee2mqtt/bridge/devices", list);
        assert_eq!((found.file, found.with[0].1.as_str()), ("zigbee2mqtt-plug", "fridge"));
    }

    #[test]
    fn home_assistant_s_discovery_is_read_with_long_and_short_keys() {
        let sensor = r#"{"name":"Power","stat_t":"~/state","~":"meter/7","unit_of_meas":"W","val_tpl":"{{ value_json.power }}",
            "dev":{"ids":["m7"],"name":"Meter 7"}}"#;
        let found = one("homeassistant/sensor/m7/power/config", sensor);
        assert_eq!(
            (found.key.as_str(), found.file, found.name.as_str()),
            ("ha:m7", "mqtt-points", "Meter 7")
        );
        let (name, keys) = &found.points[0];
        assert_eq!(name, "Power");
        assert!(keys.contains(&("topic", "meter/7/state".to_owned())), "{keys:?}");
        assert!(keys.contains(&("pointer", "/power".to_owned())), "{keys:?}");
        let switch = r#"{"name":"Pump","command_topic":"pump/set","state_topic":"pump","payload_on":"1","payload_off":"0"}"#;
        let found = one("homeassistant/switch/pump/config", switch);
        assert_eq!((found.file, &found.with[1]), ("mqtt-relay", &("closed_word", "1".to_owned())));
        assert!(found.with.contains(&("state", "pump".to_owned())));
        nothing("homeassistant/sensor/m7/config", &sensor.replace("meter/7", "ballast/home"));
        nothing("homeassistant/sensor/m7/config", &sensor.replace("stat_t", "other"));
        nothing("homeassistant/sensor/m7/config", &sensor.replace("meter/7", "meter/#"));
        nothing("homeassistant/switch/pump/config", &switch.replace("pump/set", "+/set"));
        nothing("homeassistant/switch/pump/config", &switch.replace("\"0\"", "\"1\""));
        // Nothing for a site.
        nothing("homeassistant/light/m7/config", switch);
    }

    #[test]
    fn a_sensor_that_is_left_out_is_told_with_its_unit_or_its_template() {
        let sensor = r#"{"name":"Gas","stat_t":"m/7","unit_of_meas":"W","val_tpl":"{{ value_json.a }}","dev":{"ids":["m7"],"name":"Kitchen"}}"#;
        let left_out = |payload: &str| {
            let found = announced("homeassistant/sensor/m7/gas/config", payload.as_bytes());
            assert_eq!(found.devices, []);
            found.left_out
        };
        let why = |why| vec![LeftOut { sensor: "Kitchen Gas".to_owned(), why }];
        assert_eq!(left_out(&sensor.replace("\"W\"", "\"mbbl/d\"")), why(Why::Unit("mbbl/d".to_owned())));
        let computes = "{{ value_json.a * 1000 }}";
        let template = left_out(&sensor.replace("{{ value_json.a }}", computes));
        assert_eq!(template, why(Why::Template(computes.to_owned())));
    }

    #[test]
    fn only_templates_that_take_a_value_as_it_is_are_read() {
        for (template, expected) in [
            ("{{ value }}", Some("")),
            ("{{value_json.a.b}}", Some("/a/b")),
            ("{{ value_json['ENERGY'][\"Power\"] | float }}", Some("/ENERGY/Power")),
            ("{{ value_json.a | round(1) }}", None),
            ("{% if value_json.a %}1{% endif %}", None),
            ("{{ states('x') }}", None),
            ("{{ value_json }}", None),
        ] {
            assert_eq!(pointer(Some(template)).as_deref(), expected, "{template}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn any_message_is_taken(topic in "(homeassistant|tasmota|shellies|zigbee2mqtt|x)(/[a-z+]{0,9}){0,4}", payload in ".{0,80}") {
            let _ = announced(&topic, payload.as_bytes());
            let _ = announced("homeassistant/sensor/a/config", format!(
                "{{\"stat_t\":{0:?},\"val_tpl\":{0:?},\"unit_of_meas\":\"W\"}}", payload).as_bytes());
            let _ = pointer(Some(&payload));
        }
    }
}
