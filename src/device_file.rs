//! One device file alone, as if a site had one device of it and nothing else: for trying it before a site uses it.
//!
//! It goes the way of every site, so that what is accepted here is accepted there. Nothing is opened.

mod given;

pub use given::{Given, Where};

use ballast_config::codes;
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_config::limits::FILE_BYTES_MAX;
use ballast_config::load::{File, Files, Loaded, load_with_nouns};
use ballast_config::site::Library;
use ballast_config::sources::Sources;
use ballast_config::tree;
use ballast_drivers::OpenBus;
use ballast_drivers::transcript::Subject;
use ballast_host::nouns::{device_file, driver_facts};
use ballast_model::Catalog;
use ballast_model::catalog::OutputKind;
use ballast_model::device::BusDefinition;
use ballast_model::diagnostic::{Diagnostic, Span, did_you_mean};
use given::Places;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What the device is called.
pub const DEVICE: &str = "it";
/// The files of the site around it. Names as [`ballast_config::load`] gives them.
const SAFETY: &str = "safety.yaml";

/// What is tried.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Its path, for people.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Parameters of the file, by their names.
    pub with: BTreeMap<String, Given>,
    /// Points that the site gives beside those of the file, with their keys as a map of YAML.
    pub points: Vec<Given>,
    /// Keys of the bus; where there are none, some that are good enough to check with.
    pub bus: Vec<Given>,
    /// Path and text of the transcript, where there is one.
    pub transcript: Option<(String, String)>,
}

/// A device file without mistakes.
pub struct Alone {
    /// Its name.
    pub name: String,
    /// Maker and model.
    pub label: String,
    /// Its driver.
    pub driver: &'static str,
    /// The nouns.
    pub catalog: Catalog,
    /// The bus with everything on it.
    pub definition: BusDefinition,
    /// What the file calls its output, where it has only one.
    pub only_output: Option<String>,
    /// Warnings.
    pub found: Diagnostics,
    /// The texts that the warnings are about.
    pub sources: Sources,
}

/// Why it cannot be tried.
pub enum Refusal {
    /// Mistakes, with the texts that they are about.
    Mistakes(Diagnostics, Sources),
    /// Parameters without a default that nobody gave: name and what it is.
    Needs(Vec<(String, String)>),
    /// A parameter that the file does not have, and those that it has.
    Unknown(String, Vec<String>),
}

impl Draft {
    /// Reads a file; where there is none, one that comes with the program, by its name alone: `eastron-sdm120`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let shown = path.display().to_string();
        let mut bytes = Vec::new();
        match std::fs::File::open(path) {
            // One byte more than a file may have shows that it is too long.
            Ok(file) => _ = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?,
            Err(error) => {
                let own = device_file(&shown).filter(|_| error.kind() == ErrorKind::NotFound);
                bytes.extend_from_slice(own.ok_or(error)?);
                return Ok(Self { path: format!("{shown}.yaml"), bytes, ..Self::default() });
            }
        }
        Ok(Self { path: shown, bytes, ..Self::default() })
    }

    /// Takes the parameters and the points that a transcript gives.
    pub fn give(&mut self, transcript: &str) {
        for (key, (line, value)) in ballast_drivers::transcript::parameters(transcript) {
            let place = Where::Transcript(line);
            self.with.insert(key.clone(), Given { key, value, place });
        }
        for (line, key, value) in ballast_drivers::transcript::points(transcript) {
            self.points.push(Given { key, value, place: Where::Transcript(line) });
        }
    }

    /// Checks it as a site would.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn check(&self) -> Result<Alone, Refusal> {
        let about = self.about()?;
        let mut places = Places::new(self.transcript.as_ref());
        let site = self.site(about.as_ref(), &mut places);
        let (loaded, _, _) = self.load(&site, "outputs: {}\n");
        let (loaded, mut found, mut sources) = self.load(&site, &safety(loaded.nouns()));
        let Loaded { site, catalog, buses } = loaded;
        let (catalog, buses) = site.map_or((catalog, buses), |site| (site.catalog, site.buses));
        let definition = buses.into_iter().next();
        if let Some(definition) = &definition {
            match ballast_drivers::open(definition, &catalog) {
                Ok(bus) => found.extend(bus.warnings().iter().cloned()),
                Err(mistakes) => found.extend(mistakes),
            }
        }
        let mut found = places.of_person(&self.own(&found, &sources), &mut sources);
        if about.is_none() && !found.has_mistakes() {
            let file = sources.iter().find(|(_, source)| source.name() == self.path).map(|(file, _)| file);
            let place = file.map(|file| Place { file, span: Span::default() });
            let help = "it begins with `device: NAME`, the file's own name";
            let empty =
                place.map(|place| place.mistake(codes::YAML_EMPTY, "this file says nothing").help(help));
            found.extend(empty);
        }
        match (about, definition) {
            (Some(About { name, label, driver: Some(driver), only_output, .. }), Some(definition))
                if !found.has_mistakes() =>
            {
                Ok(Alone { name, label, driver, catalog, definition, only_output, found, sources })
            }
            _ => Err(Refusal::Mistakes(found, sources)),
        }
    }

    fn load(&self, site: &str, safety: &str) -> (Loaded, Diagnostics, Sources) {
        let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
        let files = Files {
            site: File::Bytes(site.as_bytes()),
            safety: File::Bytes(safety.as_bytes()),
            devices: vec![(self.path.as_str(), self.file())],
        };
        let loaded = load_with_nouns(&files, &driver_facts(), &mut sources, &mut found);
        (loaded, found, sources)
    }

    fn file(&self) -> File<'_> {
        let length = self.bytes.len() as u64;
        if length > FILE_BYTES_MAX { File::TooLong(length) } else { File::Bytes(&self.bytes) }
    }

    /// What the file says of itself; nothing where it cannot be read so far.
    fn about(&self) -> Result<Option<About>, Refusal> {
        let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
        if matches!(self.file(), File::TooLong(_)) {
            return Ok(None);
        }
        let file = sources.add(self.path.as_str(), &self.bytes, &mut found);
        let trees = [tree::parse(file, &sources, &mut found)];
        let library = Library::read(&trees, &sources, &mut found);
        let Some((name, known)) = library.names().next().and_then(|name| Some((name, library.get(name)?)))
        else {
            return Ok(None);
        };
        if let Some(unknown) = self.with.keys().find(|name| !known.parameters.contains_key(name.as_str())) {
            let names = known.parameters.keys().map(|name| (*name).to_owned()).collect();
            return Err(Refusal::Unknown(unknown.clone(), names));
        }
        let is_missing = |name: &str| !self.with.contains_key(name);
        let open = known.parameters.iter().filter(|(name, it)| it.default.is_none() && is_missing(name));
        let needs: Vec<_> = open.map(|(name, it)| ((*name).to_owned(), it.about.to_owned())).collect();
        if !needs.is_empty() {
            return Err(Refusal::Needs(needs));
        }
        let driver = known.driver.map(|driver| driver.value);
        let spec = driver.and_then(ballast_drivers::find);
        if let (Some(placed), None) = (known.driver, spec) {
            let names = || ballast_drivers::DRIVERS.iter().map(|driver| driver.name);
            let help = match did_you_mean(placed.value, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the drivers are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("there is no driver `{}`", placed.value);
            found.push(placed.place.mistake("device::unknown_driver", message).help(help));
            return Err(Refusal::Mistakes(found, sources));
        }
        let outputs = known.outputs.map(|map| map.entries.as_slice()).unwrap_or_default();
        let only_output = if let [only] = outputs { Some(only.key.text.clone()) } else { None };
        let label = known.label.to_owned();
        Ok(Some(About { name: name.to_owned(), label, driver: spec.map(|spec| spec.name), only_output }))
    }

    /// A site of nothing but this device.
    fn site(&self, about: Option<&About>, places: &mut Places) -> String {
        let mut text = "site: trial\ntime_zone: UTC\n".to_owned();
        let Some(About { name, driver: Some(driver), .. }) = about else { return text };
        // Writing into a String does not fail.
        let _ = write!(text, "buses:\n  bus: {{ driver: {driver}");
        for given in &self.bus {
            text.push_str(", ");
            places.write(given, &mut text);
        }
        if let (true, (key, value)) = (self.bus.is_empty(), stand_in(driver)) {
            let _ = write!(text, ", {key}: {value}");
        }
        // Who tries a file tells a broker nothing, not even that somebody is there.
        if *driver == "mqtt" && self.bus.iter().all(|given| given.key != "status_topic") {
            text.push_str(", status_topic: none");
        }
        let _ = write!(
            text,
            " }}\ndevices:\n  {DEVICE}: {{ file: {}, bus: bus, with: {{ ",
            serde_json::Value::from(name.as_str())
        );
        for (place, given) in self.with.values().enumerate() {
            text.push_str(if place == 0 { "" } else { ", " });
            places.write(given, &mut text);
        }
        text.push_str(" }, points: {");
        for (place, given) in self.points.iter().enumerate() {
            text.push_str(if place == 0 { "\n    " } else { ",\n    " });
            places.write_as_it_is(given, &mut text);
        }
        text.push_str(" } }\n");
        text
    }

    /// What is about the file, or about what was given with it where the file itself has no mistake.
    fn own(&self, found: &Diagnostics, sources: &Sources) -> Diagnostics {
        let name = |diagnostic: &Diagnostic| sources.name(diagnostic.primary.file).to_owned();
        let mut own = Diagnostics::new();
        own.extend(found.iter().filter(|one| name(one) == self.path).cloned());
        if !own.has_mistakes() {
            let is_told = |one: &&Diagnostic| {
                let name = name(one);
                // A file may leave all points to the site.
                name != self.path && name != SAFETY && one.code != codes::DEVICE_EMPTY
            };
            own.extend(found.iter().filter(is_told).cloned());
        }
        own.sort();
        own
    }
}

/// What a device file says of itself.
struct About {
    name: String,
    label: String,
    driver: Option<&'static str>,
    only_output: Option<String>,
}

impl Alone {
    /// The bus, ready and not open. Checked before, so that there is one.
    pub fn bus(&self) -> Option<OpenBus> {
        ballast_drivers::open(&self.definition, &self.catalog).ok()
    }

    /// For playing transcripts.
    pub fn subject(&self) -> Subject<'_> {
        Subject { catalog: &self.catalog, device: DEVICE, only_output: self.only_output.as_deref() }
    }

    /// What a bus says, with the name of the file in the place of the one that the device has here.
    pub fn said(&self, text: &str) -> String {
        let unit = format!("{DEVICE} (unit ");
        text.strip_prefix(&unit).map_or_else(|| text.to_owned(), |rest| format!("{} (unit {rest}", self.name))
    }

    /// A name without that of the device, as the file writes it.
    pub fn short<'a>(&'a self, name: &'a str) -> &'a str {
        match name.strip_prefix(DEVICE) {
            Some("") => self.only_output.as_deref().unwrap_or(name),
            Some(rest) => rest.strip_prefix('.').unwrap_or(name),
            None => name,
        }
    }
}

/// Keys of a bus that nobody will open.
fn stand_in(driver: &str) -> (&'static str, &'static str) {
    match driver {
        "gpio" => ("chip", "gpiochip0"),
        "http" => ("url", "\"http://device\""),
        "mqtt" => ("url", "\"mqtt://127.0.0.1\""),
        "sim" => ("plant", "village"),
        _ => ("port", "/dev/null"),
    }
}

/// A safety set in which nothing is missing.
fn safety(catalog: &Catalog) -> String {
    let mut text = if catalog.outputs.is_empty() { "outputs: {}\n" } else { "outputs:\n" }.to_owned();
    for spec in &catalog.outputs {
        let safe = match spec.kind {
            OutputKind::Contact => "safe: open",
            OutputKind::Setpoint(_) => "safe: 0, values: [0]",
        };
        text.push_str(&format!("  {}: {{ {safe} }}\n", spec.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_config::render::{Style, render};

    fn draft(path: &str, text: &str) -> Draft {
        Draft { path: path.to_owned(), bytes: text.as_bytes().to_vec(), ..Draft::default() }
    }

    /// The mistakes of a text as they are drawn.
    fn mistakes(text: &str) -> String {
        match draft("devices/m.yaml", text).check() {
            Err(Refusal::Mistakes(found, sources)) => render(&found, &sources, Style::Plain),
            Err(Refusal::Needs(needs)) => format!("needs {needs:?}"),
            Err(Refusal::Unknown(name, _)) => format!("unknown {name}"),
            Ok(alone) => render(&alone.found, &alone.sources, Style::Plain),
        }
    }

    #[test]
    fn a_file_that_comes_with_the_program_is_known_by_its_name() {
        let read = |name: &str| Draft::read(Path::new(name)).map(|draft| (draft.path, draft.bytes));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(root.join("config/devices/eastron-sdm120.yaml")).unwrap();
        assert_eq!(read("eastron-sdm120").unwrap(), ("eastron-sdm120.yaml".to_owned(), bytes));
        for other in ["eastron-sdm121", "nowhere/eastron-sdm120", "eastron-sdm120.txt"] {
            assert_eq!(read(other).unwrap_err().kind(), ErrorKind::NotFound, "{other}");
        }
    }

    #[test]
    fn every_file_that_comes_with_the_program_is_good_alone_with_its_transcript() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut played = 0;
        for entry in std::fs::read_dir(root.join("config/devices")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let transcript = root.join("drivers/tests/transcripts").join(format!("{name}.txt"));
            let transcript = std::fs::read_to_string(transcript).unwrap_or_default();
            let mut draft = Draft::read(&path).unwrap();
            draft.give(&transcript);
            let alone = match draft.check() {
                Ok(alone) => alone,
                Err(Refusal::Mistakes(found, sources)) => {
                    panic!("{}", render(&found, &sources, Style::Plain))
                }
                Err(_) => panic!("{name}: parameters"),
            };
            assert!(alone.found.is_empty(), "{name}");
            let result =
                ballast_drivers::transcript::play(alone.bus().unwrap(), alone.subject(), &transcript);
            assert!(result.troubles.is_empty(), "{name}: {:?}", result.troubles);
            assert!(result.is_met(), "{name}: {:#?}", result.checks);
            played += 1;
        }
        assert!(played > 50, "{played} were played");
    }

    #[test]
    fn a_point_without_a_period_grows_old_by_that_in_which_its_driver_asks() {
        let head = "device: m\nlabel: M\nsource: a sheet\n";
        let secs = |secs| Some(ballast_model::Span::from_secs(secs));
        for (driver, keys, bus, every) in [
            ("modbus", "register: 1, unit: W", None, 1),
            ("modbus", "register: 1, unit: W", Some("7 s"), 7),
            ("sunspec", "field: 103.W, unit: W", None, 10),
            ("http", "path: /a, unit: W", None, 10),
        ] {
            let text = format!("{head}driver: {driver}\npoints:\n  p: {{ {keys} }}\n");
            let mut draft = draft("devices/m.yaml", &text);
            if let Some(period) = bus {
                let given = |key: &str, value: &str| {
                    let place = Where::Option("--bus");
                    Given { key: key.to_owned(), value: value.to_owned(), place }
                };
                draft.bus = vec![given("port", "/dev/null"), given("period", period)];
            }
            let Ok(alone) = draft.check() else { panic!("{}", mistakes(&text)) };
            let spec = &alone.catalog.points[0];
            assert_eq!((spec.period, spec.max_age), (secs(every), secs(3 * every)), "{driver} {bus:?}");
            let asked = ballast_drivers::transcript::asked(alone.bus().unwrap(), alone.subject());
            let asked: Vec<_> = asked.iter().map(|asked| Some(asked.period)).collect();
            assert_eq!(asked, [secs(every)], "{driver}: what is promised is what is asked");
        }
    }

    #[test]
    fn mistakes_are_shown_in_the_file_itself() {
        let head = "device: m\nlabel: M\nsource: a sheet\n";
        let point = |keys: &str| format!("{head}driver: modbus\npoints:\n  p: {{ {keys} }}\n");
        let good = "register: 1, unit: W, period: 1 s, max_age: 5 s";
        assert_eq!(mistakes(&point(good)), "");
        for (text, words) in [
            (point("registr: 1, unit: W, period: 1 s, max_age: 5 s"), "did you mean `register`?"),
            (point("register: 1, unit: Wat, period: 1 s, max_age: 5 s"), "`Wat`"),
            (format!("{head}driver: modbuss\n"), "did you mean `modbus`?"),
            (
                format!("{head}driver: mqtt\nparameters:\n  a: {{ about: topic }}\n"),
                "needs [(\"a\", \"topic\")]",
            ),
            (
                "device: other\nlabel: M\nsource: a sheet\ndriver: modbus\n".to_owned(),
                "give both the same name",
            ),
            (String::new(), "devices/m.yaml"),
        ] {
            let found = mistakes(&text);
            assert!(found.contains(words), "{words}:\n{found}");
            assert!(!found.contains("site.yaml"), "{found}");
        }
    }
    #[test]
    fn a_mistake_in_what_was_given_is_shown_where_it_was_given() {
        let text = "device: m\nlabel: M\nsource: a sheet\ndriver: modbus\nparameters:\n  unit: { about: address }\n\
                    points:\n  p: { unit_id: \"${unit}\", register: 1, unit: W }\n";
        let given = |option, pair: &str| {
            let (key, value) = pair.split_once('=').unwrap();
            Given { key: key.to_owned(), value: value.to_owned(), place: Where::Option(option) }
        };
        let drawn = |bus: &[&str], unit: &str, transcript: &str| {
            let mut draft = draft("m.yaml", text);
            draft.bus = bus.iter().map(|pair| given("--bus", pair)).collect();
            draft.transcript = Some(("m.txt".to_owned(), transcript.to_owned()));
            draft.give(transcript);
            if !unit.is_empty() {
                draft.with.insert("unit".to_owned(), given("--with", &format!("unit={unit}")));
            }
            match draft.check() {
                Err(Refusal::Mistakes(found, sources)) => render(&found, &sources, Style::Plain),
                _ => String::new(),
            }
        };
        assert_eq!(drawn(&["url=tcp://a"], "1", ""), "");
        let place = |line: &str, number: usize, carets: &str| {
            let column = carets.find('^').unwrap() + 1;
            format!("--> command line:{number}:{column}\n  |\n{number} | {line}\n  | {carets}\n")
        };
        for (bus, unit, expected) in [
            (&["url=http://a"][..], "1", place("--bus url=http://a", 1, "          ^^^^^^^^")),
            (&["port=/dev/null", "baud=\"9600\""], "1", place("--bus baud=\"9600\"", 2, "           ^^^^^^")),
            (&["url=tcp://a", "prt=1"], "1", place("--bus prt=1", 2, "      ^^^")),
            (&["baud=9600"], "1", place("--bus baud=9600", 1, "^^^^^^^^^^^^^^^")),
            (&["url=tcp://a"], "999", place("--with unit=999", 2, "            ^^^")),
        ] {
            let found = drawn(bus, unit, "");
            assert!(found.contains(&expected), "{expected}\n{found}");
            assert!(!found.contains("site.yaml"), "{found}");
        }
        assert!(drawn(&["baud=9600"], "1", "").contains("add `--bus url=tcp://host:502`, or `--bus port="));
        let found = drawn(&["url=tcp://a"], "", "# its address\nwith unit = nine\n");
        assert!(found.contains("--> m.txt:2:13\n  |\n2 | with unit = nine\n  |             ^^^^"), "{found}");
        let points = "with unit = 1\npoint q { register: 2, unit: Wat }\n";
        let found = drawn(&[], "", points);
        assert!(found.contains("--> m.txt:2:30\n"), "{found}");
        for broken in ["point q { register: 2\n", "point q }\n", "point q [\n", "point q: { unit: W }\n"] {
            let found = drawn(&[], "", &format!("with unit = 1\n{broken}"));
            assert!(found.contains("--> m.txt:2:") && !found.contains("site.yaml"), "{broken}{found}");
        }
    }
}
