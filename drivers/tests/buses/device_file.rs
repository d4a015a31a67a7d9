//! Device files, read just well enough to play transcripts through them. What a site may write is checked elsewhere.

use crate::support::Site;
use ballast_drivers::point::COMMON_KEYS;
use ballast_drivers::{DriverSpec, Key};
use ballast_model::catalog::{Kind, OutputKind};
use ballast_model::quantity::{parse_quantity, parse_span};
use ballast_model::{Finite, Unit};
use saphyr_parser::{Event, Parser};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A YAML tree.
#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn entries(&self, key: &str) -> &[(String, Node)] {
        match self.get(key) {
            Some(Self::Map(entries)) => entries,
            _ => &[],
        }
    }
}

/// Every device file, by its name.
pub(crate) fn all() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/devices");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let yaml = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect()
}

pub(crate) fn read(path: &Path) -> Node {
    let text = std::fs::read_to_string(path).unwrap();
    let mut events = Parser::new_from_str(&text).map(|event| event.unwrap().0);
    node(&mut events).unwrap_or_else(|| panic!("{} is empty", path.display()))
}

/// The next node; `None` at the end of what is open.
fn node<'a>(events: &mut impl Iterator<Item = Event<'a>>) -> Option<Node> {
    loop {
        match events.next()? {
            Event::Scalar(text, ..) => return Some(Node::Text(text.into_owned())),
            Event::SequenceStart(..) => {
                return Some(Node::List(std::iter::from_fn(|| node(events)).collect()));
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                while let Some(Node::Text(key)) = node(events) {
                    entries.push((key, node(events).unwrap()));
                }
                return Some(Node::Map(entries));
            }
            Event::SequenceEnd | Event::MappingEnd | Event::StreamEnd => return None,
            _ => {}
        }
    }
}

/// Keys as a map of YAML.
fn keys(text: &str) -> Node {
    let mut events = Parser::new_from_str(text).map(|event| event.unwrap().0);
    node(&mut events).unwrap_or_else(|| panic!("no keys: {text}"))
}

/// `40..60 Hz`, `0 W..5 kW`, `-1..1`: the unit of the second stands for a first one without.
fn range(text: &str) -> Option<(Finite, Finite)> {
    let (low, high) = text.split_once("..")?;
    let plain = |text: &str| text.trim().parse().ok().and_then(Finite::new);
    let Ok(high) = parse_quantity(high) else { return plain(low).zip(plain(high)) };
    let low = parse_quantity(low).or_else(|_| parse_quantity(&format!("{low} {}", high.unit))).ok()?;
    Some((low.base, high.base))
}

/// A site with one device `it` of this file.
pub(crate) fn site(file: &Node, driver: &DriverSpec, with: &BTreeMap<String, String>) -> Site {
    site_with(file, driver, with, &[])
}

/// The same with points of its own.
pub(crate) fn site_with(
    file: &Node,
    driver: &DriverSpec,
    with: &BTreeMap<String, String>,
    own_points: &[(String, String)],
) -> Site {
    let bus: &[(&str, &str)] = match driver.name {
        "gpio" => &[("chip", "gpiochip0")],
        "http" => &[("url", "http://device")],
        "mqtt" => &[("url", "mqtt://127.0.0.1")],
        "modbus" | "p1" | "sunspec" | "tic" | "vedirect" => &[("port", "/dev/null")],
        "sim" => &[("plant", "village")],
        other => panic!("no transcripts for {other}"),
    };
    let mut site = Site::new(driver.name, bus);
    let fill = |text: &str| {
        let mut text = text.replace("${device}", "it");
        for (name, parameter) in file.entries("parameters") {
            let default = parameter.get("default").and_then(Node::text).unwrap_or("");
            text = text.replace(&format!("${{{name}}}"), with.get(name).map_or(default, |value| value));
        }
        text
    };
    let own = |entry: &Node, known: &[&[Key]]| -> Vec<(String, String)> {
        let Node::Map(entries) = entry else { panic!("{entry:?}") };
        let is_known = |name: &str| known.iter().any(|keys| keys.iter().any(|key| key.name == name));
        entries
            .iter()
            .filter(|(name, _)| is_known(name))
            .map(|(name, value)| (name.clone(), fill(value.text().unwrap())))
            .collect()
    };
    let own_points: Vec<(String, Node)> =
        own_points.iter().map(|(name, text)| (name.clone(), keys(text))).collect();
    for (name, point) in file.entries("points").iter().chain(&own_points) {
        let kind = match (point.get("unit"), point.get("words")) {
            (Some(unit), _) => Kind::Number(Unit::parse(&fill(unit.text().unwrap())).unwrap()),
            (_, Some(Node::List(words))) => {
                Kind::Words(words.iter().map(|word| word.text().unwrap().into()).collect())
            }
            _ => Kind::Flag,
        };
        let keys = own(point, &[driver.point_keys, COMMON_KEYS]);
        let keys: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (&**key, &**value)).collect();
        let id = site.kind(&format!("it.{name}"), kind, &keys);
        let period = point.get("period").and_then(Node::text).and_then(|text| parse_span(&fill(text)));
        site.catalog.points[id.index()].period = period;
        site.catalog.points[id.index()].is_counter =
            point.get("counter").and_then(Node::text) == Some("true");
        let valid = point.get("valid").and_then(Node::text).map(&fill).filter(|text| !text.is_empty());
        site.catalog.points[id.index()].valid =
            valid.map(|text| range(&text).unwrap_or_else(|| panic!("{text}")));
    }
    for (name, output) in file.entries("outputs") {
        let kind = match output.get("unit") {
            Some(unit) => OutputKind::Setpoint(Unit::parse(&fill(unit.text().unwrap())).unwrap()),
            None => OutputKind::Contact,
        };
        let keys = own(output, &[driver.output_keys]);
        let keys: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (&**key, &**value)).collect();
        site.output(&format!("it.{name}"), kind, &keys);
    }
    site
}
