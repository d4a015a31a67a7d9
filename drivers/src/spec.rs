//! What a driver says of itself: data, from which the check of a site, the editor's schema and the manual are made.

use crate::bus::OpenBus;
use ballast_guard::plan::Strength;
use ballast_model::Catalog;
use ballast_model::device::{BusDefinition, ReadsEvery, Settings};
use ballast_model::diagnostic::Diagnostic;
use std::path::{Path, PathBuf};

/// One driver.
#[derive(Clone, Copy)]
pub struct DriverSpec {
    /// How a site names it.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Never observed by an independent peer or recorded bytes: its points cannot feed a limit.
    pub is_experimental: bool,
    /// Whether its outputs are reached over a network: their lease is longer.
    pub is_network: bool,
    /// Whether several programs may use one bus at a time. A line has one master; a broker and a web server have many guests.
    pub is_shareable: bool,
    /// The key of a bus by which a person vouches that nobody but its guard can command what is on it, where others could:
    /// without that word a timer of the device promises nothing, since others may renew it.
    pub exclusive_key: Option<&'static str>,
    /// What happens to its outputs when program and guard are gone, where the device has no timer of its own.
    pub strength: Strength,
    /// How often it reads a point that does not say it; `None` where it only listens.
    pub reads_every: Option<ReadsEvery>,
    /// Keys of a bus.
    pub bus_keys: &'static [Key],
    /// Keys of a point, beside [`crate::point::COMMON_KEYS`].
    pub point_keys: &'static [Key],
    /// Keys of an output.
    pub output_keys: &'static [Key],
    /// Makes a bus that is ready to run, or tells everything that is wrong with its definition. Opens nothing.
    pub open: fn(&BusDefinition, &Catalog) -> Result<OpenBus, Vec<Diagnostic>>,
}

impl DriverSpec {
    /// Whether its buses carry messages for others, beside what devices are told ([`crate::BusHandle::post`]).
    pub fn carries_messages(&self) -> bool {
        self.name == crate::mqtt::SPEC.name
    }
}

/// One key that a driver understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it means, in one line.
    pub about: &'static str,
    /// Whether it names a file that is read.
    pub is_file: bool,
    /// Whether its value is a path: a relative one lies beside the files of the site.
    pub is_path: bool,
}

/// A key; for tables.
pub const fn key(name: &'static str, about: &'static str) -> Key {
    Key { name, about, is_file: false, is_path: false }
}

/// A key that names a file which is read; for tables.
pub const fn file_key(name: &'static str, about: &'static str) -> Key {
    Key { name, about, is_file: true, is_path: true }
}

/// A key that names a line on which a device speaks, or a recording of one; for tables.
pub const fn port_key(name: &'static str, about: &'static str) -> Key {
    Key { name, about, is_file: false, is_path: true }
}

impl DriverSpec {
    /// Every key that it understands.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.bus_keys.iter().chain(self.point_keys).chain(self.output_keys)
    }
}

/// Makes every relative path that a bus names one below the folder of its site: what it names is the same for each process
/// that reads the site, wherever it was started.
pub fn lie_beside(folder: &Path, bus: &mut BusDefinition) {
    let Some(spec) = crate::find(&bus.driver) else { return };
    let paths: Vec<&str> = spec.keys().filter(|key| key.is_path).map(|key| key.name).collect();
    let points = bus.points.iter_mut().map(|point| &mut point.settings);
    let outputs = bus.outputs.iter_mut().map(|output| &mut output.settings);
    for settings in std::iter::once(&mut bus.settings).chain(points).chain(outputs) {
        for key in &paths {
            let relative = settings.get(key).filter(|path| Path::new(path).is_relative());
            // A folder whose name is no text cannot be written into a setting; what lies in it is then looked for as it stands.
            if let Some(path) = relative.and_then(|path| Some(folder.join(path).to_str()?.to_owned())) {
                settings.set(key, &path);
            }
        }
    }
}

/// The mistakes of a bus definition, collected.
pub(crate) struct Mistakes(pub(crate) Vec<Diagnostic>);

impl Mistakes {
    /// Reports the keys that a driver does not know.
    pub(crate) fn unknown_keys(definition: &BusDefinition, spec: &DriverSpec) -> Self {
        let names = |keys: &[&[Key]]| -> Vec<&'static str> {
            keys.iter().flat_map(|keys| keys.iter()).map(|key| key.name).collect()
        };
        let mut found = Vec::new();
        let mut check = |settings: &Settings, known: &[&str], what: &str| {
            found.extend(settings.refuse_unknown(known, what));
        };
        check(
            &definition.settings,
            &names(&[spec.bus_keys]),
            &format!("a bus of the driver `{}`", spec.name),
        );
        let of_points = names(&[spec.point_keys, crate::point::COMMON_KEYS]);
        for point in &definition.points {
            check(&point.settings, &of_points, &format!("a point of the driver `{}`", spec.name));
        }
        let of_outputs = names(&[spec.output_keys]);
        for output in &definition.outputs {
            check(&output.settings, &of_outputs, &format!("an output of the driver `{}`", spec.name));
        }
        Self(found)
    }

    /// Notes a mistake and goes on.
    pub(crate) fn add(&mut self, mistake: Diagnostic) {
        self.0.push(mistake);
    }

    /// The value, or `None` with its mistake noted.
    pub(crate) fn take<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|mistake| self.0.push(mistake)).ok()
    }

    /// A required key.
    pub(crate) fn need<'a>(&mut self, settings: &'a Settings, key: &str, what: &str) -> Option<&'a str> {
        let value = settings.get(key);
        if value.is_none() {
            self.add(settings.missing(key, what));
        }
        value
    }

    /// One of a few words; the first where the key is absent.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        settings: &Settings,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let Some(text) = settings.get(key) else { return words.first().map(|(_, value)| *value) };
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let help = format!("it is one of {}", known.join(", "));
            self.add(settings.wrong(key, format!("`{key}` cannot be `{text}`")).help(help));
        }
        found.map(|(_, value)| *value)
    }

    /// A length of time; `default` where the key is absent.
    pub(crate) fn span(
        &mut self,
        settings: &Settings,
        key: &str,
        default: ballast_model::Span,
    ) -> Option<ballast_model::Span> {
        let Some(text) = settings.get(key) else { return Some(default) };
        let span = ballast_model::quantity::parse_span(text);
        if span.is_none() {
            let wrong = settings.wrong(key, format!("`{text}` is not a length of time"));
            self.add(wrong.help("write a number with its unit: `30 s`"));
        }
        span
    }

    /// The files of a certificate and its private key, by which this program says who it is; both or neither.
    pub(crate) fn identity(&mut self, settings: &Settings) -> Option<Option<(PathBuf, PathBuf)>> {
        let path = |key: &str| settings.get(key).map(PathBuf::from);
        let missing = match (path("certificate"), path("key")) {
            (Some(certificate), Some(key)) => return Some(Some((certificate, key))),
            (None, None) => return Some(None),
            (Some(_), None) => settings.missing("key", "a certificate"),
            (None, Some(_)) => settings.missing("certificate", "a private key"),
        };
        self.add(missing);
        None
    }

    /// The value if there was no mistake.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Diagnostic>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}
