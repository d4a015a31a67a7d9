//! From what was found to text for `site.yaml` and `safety.yaml`, which `ballast check` accepts as it stands.
//!
//! Every device with outputs is `armed: by hand`: it is read, and told nothing until a person arms it. A contact's safe
//! state is proposed as open; that is the owner's to judge.

use super::{Bus, Findings, short};
use crate::cli::init::is_name;
use crate::site::{self, Texts, build};
use ballast_config::decode::scalar::similar_name;
use ballast_drivers::detect::Found;
use ballast_model::catalog::OutputKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Longest name that is made of a text, letters.
const NAME_MAX: usize = 40;

/// What is proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// For `site.yaml`; empty where nothing was found.
    pub site: String,
    /// For `safety.yaml`; empty where nothing of it can be told anything.
    pub safety: String,
    /// What `ballast check` says against it, drawn; empty where nothing.
    pub mistakes: String,
    /// Devices of which no text can be made, each with why.
    pub left_out: Vec<(String, String)>,
    /// The names of the devices, with what they are.
    pub devices: Vec<(String, String)>,
}

/// Makes the text. A device that says of itself what no site can use is left out, and spoils nothing for the others.
pub fn fragment(findings: &Findings) -> Fragment {
    let made = make(&findings.devices);
    if made.mistakes.is_empty() {
        return made;
    }
    let mut left_out = Vec::new();
    let sound = sound(&findings.devices, &mut left_out);
    Fragment { left_out, ..make(&sound) }
}

/// Those of which text can be made; the others go to `left_out`.
fn sound(devices: &[(Bus, Found)], left_out: &mut Vec<(String, String)>) -> Vec<(Bus, Found)> {
    let mistakes = make(devices).mistakes;
    if mistakes.is_empty() {
        return devices.to_vec();
    }
    let (first, second) = devices.split_at(devices.len() / 2);
    if let ([], [(_, found)]) = (first, second) {
        let line = mistakes.lines().next().unwrap_or_default();
        let why = line.split_once("]: ").map_or(line, |(_, message)| message);
        left_out.push((short(&found.about), short(why)));
        return Vec::new();
    }
    let mut sound_ones = sound(first, left_out);
    sound_ones.extend(sound(second, left_out));
    sound_ones
}

fn make(devices: &[(Bus, Found)]) -> Fragment {
    if devices.is_empty() {
        return Fragment::default();
    }
    let named = name_all(devices);
    // First without arming: only the device files know who has outputs.
    let catalog = site::catalog(&texts(&draw(&named, &BTreeSet::new()), ""));
    let with_outputs: BTreeSet<&str> = catalog
        .devices
        .iter()
        .filter(|device| !device.outputs.is_empty())
        .map(|device| &*device.name)
        .collect();
    let site = draw(&named, &with_outputs);
    let mut safety = String::new();
    for spec in &catalog.outputs {
        if safety.is_empty() {
            safety.push_str("outputs:\n");
        }
        match spec.kind {
            OutputKind::Contact => safety.push_str(&format!("  {}: {{ safe: open }}\n", spec.name)),
            OutputKind::Setpoint(_) => {
                safety.push_str(&format!("  {}: {{ safe: 0, values: [0] }}\n", spec.name))
            }
        }
    }
    let mistakes = build(&texts(&site, &safety), &[]).err().map(|refused| refused.text).unwrap_or_default();
    let devices = named.iter().map(|device| (device.name.clone(), short(&device.found.about))).collect();
    Fragment { site, safety, mistakes, left_out: Vec::new(), devices }
}

/// A device with the names it gets.
struct Named<'a> {
    name: String,
    bus_name: String,
    bus: &'a Bus,
    found: &'a Found,
}

fn name_all(devices: &[(Bus, Found)]) -> Vec<Named<'_>> {
    let mut buses: Vec<(&Bus, String)> = Vec::new();
    let mut taken = BTreeSet::new();
    let mut all = Vec::new();
    let mut keys = BTreeSet::new();
    for (bus, found) in devices.iter().filter(|(_, found)| keys.insert(found.key.as_str())) {
        let known = buses.iter().find(|(other, _)| *other == bus).map(|(_, name)| name.clone());
        let bus_name = known.unwrap_or_else(|| {
            let used = buses.iter().map(|(_, name)| name.clone()).collect();
            let name = free(&bus.name, &used);
            buses.push((bus, name.clone()));
            name
        });
        let name = free(&found.name, &taken);
        taken.insert(name.clone());
        all.push(Named { name, bus_name, bus, found });
    }
    all
}

/// A name that a site takes and nobody has: letters, digits and `_`.
fn free(text: &str, taken: &BTreeSet<String>) -> String {
    let name: String = similar_name(text).chars().take(NAME_MAX).collect();
    let mut name = name.trim_end_matches('_').to_owned();
    if !is_name(&name) {
        name = format!("found_{name}").trim_end_matches('_').to_owned();
    }
    let mut candidates = (2..).map(|number| format!("{name}_{number}"));
    if taken.contains(&name) {
        candidates.find(|candidate| !taken.contains(candidate)).unwrap_or(name)
    } else {
        name
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn pairs(pairs: &[(&str, String)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key}: {}", quoted(value))).collect::<Vec<_>>().join(", ")
}

fn draw(named: &[Named<'_>], with_outputs: &BTreeSet<&str>) -> String {
    let mut text = String::from("buses:\n");
    let buses: BTreeMap<&str, &Bus> =
        named.iter().map(|device| (device.bus_name.as_str(), device.bus)).collect();
    for (name, bus) in buses {
        let more = if bus.keys.is_empty() { String::new() } else { format!(", {}", pairs(&bus.keys)) };
        text.push_str(&format!("  {name}: {{ driver: {}{more} }}\n", bus.driver));
    }
    text.push_str("devices:\n");
    for Named { name, bus_name, found, .. } in named {
        let about: String =
            short(&found.about).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.push_str(&format!("  # {about}\n  {name}:\n    file: {}\n    bus: {bus_name}\n", found.file));
        if with_outputs.contains(name.as_str()) {
            text.push_str("    armed: by hand\n");
        }
        if !found.with.is_empty() {
            text.push_str(&format!("    with: {{ {} }}\n", pairs(&found.with)));
        }
        let mut points = BTreeSet::new();
        for (place, (point, keys)) in found.points.iter().enumerate() {
            if place == 0 {
                text.push_str("    points:\n");
            }
            let point = free(point, &points);
            text.push_str(&format!("      {point}: {{ {} }}\n", pairs(keys)));
            points.insert(point);
        }
    }
    text
}

/// A site of nothing but this.
fn texts(site: &str, safety: &str) -> Texts {
    let site = format!("site: found\ntime_zone: UTC\n{site}");
    let safety = if safety.is_empty() { "outputs: {}\n" } else { safety };
    let mut texts = Texts::default();
    texts.files.insert("site.yaml".to_owned(), Arc::from(site.as_bytes()));
    texts.files.insert("safety.yaml".to_owned(), Arc::from(safety.as_bytes()));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_drivers::detect::{announced, of_name};

    fn broker() -> Bus {
        Bus { name: "broker".into(), driver: "mqtt", keys: vec![("url", "mqtt://127.0.0.1:1883".into())] }
    }

    /// One of everything that can be found.
    fn everything() -> Findings {
        let mut findings = Findings::default();
        let messages = [
            (
                "tasmota/discovery/A/config",
                r#"{"dn":"Kettle \"1\" #x","t":"tk","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1]}"#,
            ),
            ("shellies/shellyplug-s-AABBCC/online", "true"),
            ("shellies/shellyem-AABBCC/online", "true"),
            ("shellies/shellyem3-AABBCC/online", "true"),
            ("shellies/shelly1-AABBCC/online", "true"),
            ("shellyplusplugs-aabb/online", "true"),
            ("shellypro3em-aabb/online", "true"),
            ("shellypro3-aabb/online", "true"),
            ("shellyemg3-aabb/online", "true"),
            ("shellypro4pm-aabb/online", "true"),
            ("shellypro2pm-aabb/online", "true"),
            ("PAPP", "00540"),
            ("Projet_S8_Puiss2", "230"),
            (
                "zigbee2mqtt/bridge/devices",
                r#"[{"friendly_name":"until","definition":{"exposes":[{"type":"switch","features":[{"property":"state"}]},{"property":"power"}]}}]"#,
            ),
            (
                "homeassistant/sensor/m/p/config",
                r#"{"name":"Power","state_topic":"m/p","unit_of_measurement":"W","device":{"identifiers":["m"],"name":"Kettle \"1\" #x"}}"#,
            ),
            (
                "homeassistant/sensor/m/e/config",
                r#"{"name":"Température","state_topic":"m/t","unit_of_measurement":"°C","device":{"identifiers":["m"]}}"#,
            ),
            ("homeassistant/switch/p/config", r#"{"name":"Pump","command_topic":"p/set","state_topic":"p"}"#),
        ];
        for (topic, payload) in messages {
            let found = announced(topic, payload.as_bytes()).devices;
            assert_eq!(found.len(), 1, "{topic}");
            findings.devices.extend(found.into_iter().map(|found| (broker(), found)));
        }
        let web = Bus { name: "web".into(), driver: "http", keys: Vec::new() };
        for (service, name) in [
            ("_shelly._tcp", "shellyplus1pm-aabb"),
            ("_shelly._tcp", "shellypro3em-ccdd"),
            ("_shelly._tcp", "shellyplus1-ccdd"),
            ("_http._tcp", "shellyem-AABBCC"),
            ("_http._tcp", "shellyem3-AABBCC"),
            ("_http._tcp", "shelly1-AABBCC"),
            ("_http._tcp", "shellyplug-AABBCC"),
            ("_enphase-envoy._tcp", "envoy"),
        ] {
            findings.devices.push((web.clone(), of_name(service, name, "192.0.2.7:8080").unwrap()));
        }
        for (driver, file, port) in [
            ("sunspec", "sunspec-inverter", "502"),
            ("sunspec", "sunspec-meter", "502"),
            ("sunspec", "sunspec-storage", "1502"),
            ("modbus", "victron-gx", "502"),
            ("modbus", "eastron-sdm120", "502"),
            ("modbus", "eastron-sdm220", "502"),
            ("modbus", "eastron-sdm230", "502"),
            ("modbus", "eastron-sdm630", "502"),
        ] {
            let keys = vec![("url", format!("tcp://192.0.2.7:{port}"))];
            let found = Found {
                key: format!("{file}{port}"),
                name: "meter".into(),
                file,
                with: vec![("unit_id", "3".into())],
                ..Found::default()
            };
            findings.devices.push((Bus { name: driver.into(), driver, keys }, found));
        }
        let keys = vec![("port", "/dev/ttyUSB0".to_owned()), ("mode", "historical".to_owned())];
        let linky = Found { key: "tic".into(), name: "linky".into(), file: "linky", ..Found::default() };
        findings.devices.push((Bus { name: "tic".into(), driver: "tic", keys }, linky));
        for (driver, file) in [
            ("p1", "dsmr-netherlands"),
            ("p1", "dsmr-belgium"),
            ("vedirect", "victron-vedirect-charger"),
            ("vedirect", "victron-vedirect-inverter"),
            ("vedirect", "victron-vedirect-monitor"),
        ] {
            let keys = vec![("port", format!("/dev/{file}"))];
            let found = Found { key: file.into(), name: file.into(), file, ..Found::default() };
            findings.devices.push((Bus { name: driver.into(), driver, keys }, found));
        }
        findings
    }

    #[test]
    fn whatever_can_be_found_makes_a_site_that_check_accepts_and_in_which_nothing_moves() {
        let findings = everything();
        let fragment = fragment(&findings);
        assert_eq!(fragment.mistakes, "", "{}\n{}", fragment.site, fragment.safety);
        let built = build(&texts(&fragment.site, &fragment.safety), &[]).unwrap();
        assert_eq!(built.running.catalog().devices.len(), findings.devices.len() - 1, "two were one device");
        assert!(!built.running.safety.envelopes.is_empty());
        assert!(built.running.safety.envelopes.iter().all(|envelope| envelope.by_hand), "{}", fragment.site);
        assert!(
            !fragment.site.contains("linky:\n    file: linky\n    bus: tic\n    armed"),
            "it has no outputs"
        );
    }

    #[test]
    fn who_says_what_no_site_can_use_is_left_out_and_spoils_nothing() {
        let mut findings = everything();
        let bad = |name: &str, topic: &str| {
            let found = Found {
                key: format!("bad:{name}"),
                name: name.to_owned(),
                about: format!("the {name}"),
                file: "mqtt-relay",
                with: vec![("topic", topic.to_owned())],
                ..Found::default()
            };
            (broker(), found)
        };
        let count = findings.devices.len();
        findings.devices.insert(3, bad("first", "a/#"));
        findings.devices.push(bad("last", "+"));
        let fragment = fragment(&findings);
        assert_eq!(fragment.mistakes, "", "{}", fragment.site);
        assert_eq!(fragment.devices.len(), count - 1, "two were one device");
        let why = |name: &str, topic: &str| (format!("the {name}"), format!("`{topic}` has a wildcard"));
        assert_eq!(fragment.left_out, [why("first", "a/#"), why("last", "+")]);
    }

    #[test]
    fn whatever_fuzzing_announced_makes_a_site_that_check_accepts() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/corpus/announced");
        let mut count = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
            let topic = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let devices = announced(&topic, bytes.get(end + 1..).unwrap_or_default()).devices;
            count += devices.len();
            let devices = devices.into_iter().map(|found| (broker(), found)).collect();
            let fragment = fragment(&Findings { devices, ..Findings::default() });
            assert_eq!(fragment.mistakes, "", "{}: {}\n{}", path.display(), fragment.site, fragment.safety);
            assert_eq!(fragment.left_out, [], "{}", path.display());
        }
        assert!(count > 5, "{count}");
    }

    #[test]
    fn names_are_made_of_whatever_people_wrote() {
        let mut taken = BTreeSet::new();
        for (text, name) in [
            ("Kettle \"1\" #x", "kettle_1_x"),
            ("Kettle 1 x", "kettle_1_x_2"),
            ("7", "found_7"),
            ("Été à l'Île", "ete_a_l_ile"),
            ("Ж", "found"),
            ("", "found_2"),
            ("until", "found_until"),
        ] {
            let made = free(text, &taken);
            assert_eq!(made, name, "{text}");
            taken.insert(made);
        }
    }

    #[test]
    fn nothing_found_is_nothing_to_write() {
        assert_eq!(fragment(&Findings::default()), Fragment::default());
    }
}
