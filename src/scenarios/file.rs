//! The file of a scenario: that of a plant, and how long it lasts, what it is called and which measures count. All mistakes
//! at once, each with its place.
//!
//! ```yaml
//! title: Trip of a generating set at the evening peak
//! title_fr: Perte d'un groupe à la pointe du soir
//! lasts: 60 s
//! key:
//!   lowest_frequency: { at_least: 48.75 Hz }
//! village: forty homes
//! start: 2026-03-20 19:30
//! disturbances:
//!   - { at: 20 s, jitter: 5 s, trip: genset, for: 1 h }
//! ```

use super::measure::{BOUNDS, KEYS, Key, MEASURES};
use super::mistaken::{self, Beside, Mistaken};
use crate::report::language::Language;
use crate::simulation::plant_file::{self, PlantFile};
use ballast_config::codes;
use ballast_config::decode::fields::Fields;
use ballast_config::decode::quantity::{positive_duration, quantity};
use ballast_config::decode::scalar::text;
use ballast_config::decode::shape::{Form, MapShape, Others, optional, required};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::sources::Sources;
use ballast_config::tree::{self, Kind, Map, Node};
use ballast_model::{Dimension, Span};

/// A longer file describes no scenario.
pub const BYTES_MAX: u64 = 1 << 20;
/// A longer scenario is none, s: a month.
const LONGEST: Span = Span::from_secs(31 * 86_400);

/// A scenario.
#[derive(Clone)]
pub struct Scenario {
    /// Its number: that with which the name of its file begins.
    pub number: u32,
    /// The name of its file without the ending.
    pub name: String,
    /// What it is called, in English and French.
    pub titles: (String, String),
    /// How long it lasts.
    pub length: Span,
    /// What is asked of a policy.
    pub keys: Vec<Key>,
    /// Rules with mistakes, which it adds to those of whoever acts.
    pub mistaken: Option<Mistaken>,
    /// The village and what happens to it.
    pub plant: PlantFile,
}

impl Scenario {
    /// What it is called.
    pub fn title(&self, language: Language) -> &str {
        language.say(&self.titles.0, &self.titles.1)
    }
}

static FILE: MapShape = MapShape {
    what: "a scenario",
    others: Others::Driver,
    keys: &[
        required("title", Form::Text, "what it is called."),
        required("title_fr", Form::Text, "what it is called in French."),
        required("lasts", Form::Quantity(Dimension::Duration), "how long it lasts, `30 min`."),
        required("key", Form::Map(&KEYS), "the measures that count, `blackouts: { at_most: 0 }`."),
        optional(
            "mistaken_rules",
            Form::Text,
            "a file beside this one with rules that go wrong, `10-week.rhai`.",
        ),
    ],
};

/// Reads the file of a scenario with this name. `None` where it has a mistake, which is in `out` then.
pub fn read(
    name: &str,
    bytes: &[u8],
    beside: Beside<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Scenario> {
    let before = out.mistakes();
    let file = sources.add(name, bytes, out);
    let tree = tree::parse(file, sources, out);
    let Some(root) = &tree.root else {
        if out.mistakes() == before {
            let place =
                ballast_config::diagnostics::Place { file, span: ballast_model::diagnostic::Span::new(0, 0) };
            let help = "write `title:`, `title_fr:`, `lasts:`, `key:` and the lines of a plant";
            out.push(place.mistake(codes::SCENARIO_FILE, "this file describes no scenario").help(help));
        }
        return None;
    };
    let fields = Fields::read(root, &FILE, out)?;
    let said = |key: &str, out: &mut Diagnostics| {
        fields.get(key).and_then(|node| text(node, out)).map(|found| found.value.to_owned())
    };
    let titles = (said("title", out), said("title_fr", out));
    let length = length(&fields, out);
    let keys = fields.get("key").and_then(|node| keys(node, out));
    let mistaken = fields.get("mistaken_rules").and_then(|node| mistaken::read(node, beside, out));
    let plant = plant_file::describe(&without_own_keys(root), out);
    let stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = stem.strip_suffix(".yaml").unwrap_or(stem);
    let digits = stem.find(|character: char| !character.is_ascii_digit()).unwrap_or(stem.len());
    let number = stem.get(..digits).and_then(|digits| digits.parse().ok());
    if number.is_none() {
        let message = "the name of a scenario's file begins with its number";
        let help = "name it `01-cloud-front.yaml`, say";
        out.push(root.head_place().mistake(codes::SCENARIO_FILE, message).help(help));
    }
    if out.mistakes() > before {
        return None;
    }
    Some(Scenario {
        number: number?,
        name: stem.to_owned(),
        titles: (titles.0?, titles.1?),
        length: length?,
        keys: keys?,
        mistaken,
        plant: plant?,
    })
}

fn length(fields: &Fields<'_>, out: &mut Diagnostics) -> Option<Span> {
    let found = positive_duration(fields.get("lasts")?, out)?;
    let length = Span::from_nanos(found.value.nanos());
    if length <= LONGEST {
        return Some(length);
    }
    let message = "a scenario lasts a month at most";
    out.push(found.place.mistake(codes::SCENARIO_FILE, message).help("write `lasts: 31 d`, or less"));
    None
}

fn keys(node: &Node, out: &mut Diagnostics) -> Option<Vec<Key>> {
    let fields = Fields::read(node, &KEYS, out)?;
    let mut keys = Vec::new();
    for measure in MEASURES {
        let Some(node) = fields.get(measure.word) else { continue };
        let Some(bounds) = Fields::read(node, &BOUNDS, out) else { continue };
        let bound = |key: &str, out: &mut Diagnostics| {
            let found = quantity(bounds.get(key)?, measure.dimension, out)?;
            Some(found.value.base.get())
        };
        let key = Key { measure, at_least: bound("at_least", out), at_most: bound("at_most", out) };
        if bounds.get("at_least").is_none() && bounds.get("at_most").is_none() {
            let message = format!("what is asked of `{}`?", measure.word);
            let help = "write `{ at_least: VALUE }`, `{ at_most: VALUE }`, or both";
            out.push(bounds.head().mistake(codes::SCENARIO_FILE, message).help(help));
        }
        keys.push(key);
    }
    if keys.is_empty() && fields.is_complete() {
        let message = "no measure counts";
        let help = "write one at least, `blackouts: { at_most: 0 }`";
        out.push(fields.head().mistake(codes::SCENARIO_FILE, message).help(help));
    }
    Some(keys)
}

/// What of the file is a plant's.
fn without_own_keys(root: &Node) -> Node {
    let mut plant = root.clone();
    if let Kind::Map(Map { entries, .. }) = &mut plant.kind {
        entries.retain(|entry| FILE.key(&entry.key.text).is_none());
    }
    plant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Texts;
    use ballast_config::render;
    use std::collections::BTreeMap;

    const WHOLE: &str = "title: A trip\ntitle_fr: Une perte\nlasts: 2 min\nkey:\n  lowest_frequency: { at_least: 48.75 Hz }\n  \
                         missed: { at_most: 1 kWh }\nvillage: forty homes\n";

    fn told(name: &str, text: &str) -> Result<Scenario, String> {
        let files = BTreeMap::from([("01-wrong.rhai".to_owned(), b"rule".to_vec())]);
        let mut policy = Texts::default();
        policy.files.insert("rules/01-own.rhai".to_owned(), b"".as_slice().into());
        let beside = Beside { files: &files, policies: [&policy, &policy] };
        let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
        read(name, text.as_bytes(), beside, &mut sources, &mut found)
            .ok_or_else(|| serde_json::to_string(&render::flatten(&found, &sources)).unwrap())
    }

    #[test]
    fn a_scenario_is_a_plant_and_what_counts() {
        let scenario = told("scenarios/02-trip.yaml", WHOLE).map_err(|text| panic!("{text}")).unwrap();
        assert_eq!((scenario.number, scenario.name.as_str()), (2, "02-trip"));
        assert_eq!((scenario.title(Language::Fr), scenario.length.millis()), ("Une perte", 120_000));
        let [frequency, missed] = scenario.keys.as_slice() else { panic!("two keys") };
        assert!(frequency.holds(Some(48.75)) && !frequency.holds(Some(48.7)) && !frequency.holds(None));
        assert!(missed.holds(Some(1_000.0)) && !missed.holds(Some(1_001.0)), "a kilowatt-hour is 1000 Wh");
        assert!(!scenario.plant.spec.tanks.is_empty(), "the village is that of its file");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = "title: x\nlasts: 90 d\nkey:\n  lowest_frequency: { at_least: 48.75 kW }\n  blackout: { at_most: 0 }\n  \
                    alarms: {}\nvilage: forty homes\ndisturbances:\n  - { at: 1 s, trip: genst, for: 1 s }\n";
        let Err(told) = told("cloud.yaml", text) else { panic!("it has mistakes") };
        for part in [
            "title_fr",
            "a month at most",
            "did you mean `blackouts`",
            "what is asked of `alarms`",
            "did you mean `village`",
            "did you mean `genset`",
            "begins with its number",
            "scenario::file",
            "48.75 kW",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }

    #[test]
    fn rules_that_go_wrong_lie_beside_the_scenario() {
        let with = |name: &str| told("01-trip.yaml", &format!("{WHOLE}mistaken_rules: {name}\n"));
        let scenario = with("01-wrong.rhai").map_err(|text| panic!("{text}")).unwrap();
        let mut texts = Texts::default();
        scenario.mistaken.unwrap().join(&mut texts);
        assert_eq!(texts.files.get("rules/01-wrong.rhai").map(|text| &**text), Some(b"rule".as_slice()));
        for (name, part) in [
            ("01-wrnog.rhai", "did you mean `01-wrong.rhai`"),
            ("../rules/sun.rhai", "lies beside this file"),
            ("/etc/passwd", "lies beside this file"),
            ("..", "lies beside this file"),
            ("01-wrong.yaml", "ends in `.rhai`"),
            ("01-own.rhai", "rules of that name already"),
        ] {
            let Err(told) = with(name) else { panic!("{name} is taken") };
            assert!(told.contains(part) && told.contains("\"line\":8"), "{part} is not in {told}");
        }
    }

    #[test]
    fn an_empty_file_is_no_scenario() {
        let Err(told) = told("01-x.yaml", "# nothing\n") else { panic!("it is empty") };
        assert!(told.contains("describes no scenario"), "{told}");
    }
}
