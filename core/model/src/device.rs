//! Buses, and what hangs on them, as the configuration tells them to the drivers.
//!
//! Units, words, ages and ranges of a point are in the catalog and mean the same for every driver. What only one driver
//! understands (a topic, a register, a field) travels here as text with its place, and the driver reports what it cannot
//! use in the same form as every other mistake.
//!
//! A driver that asks by itself says how often it does where nobody says it ([`ReadsEvery`]): the age of such points follows
//! from that, as from a period that is written.

use crate::catalog::{DeviceId, OutputId, PointId};
use crate::diagnostic::{Diagnostic, FileId, Span as Place, did_you_mean};
use crate::time::Span;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// One key of a driver with its value, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: Box<str>,
    /// The value, parameters filled in.
    pub value: Box<str>,
    /// The file in which it stands.
    pub file: FileId,
    /// Where the key stands.
    pub key_span: Place,
    /// Where the value stands.
    pub value_span: Place,
}

/// The keys of one bus, point or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// In the order of the file.
    pub entries: Vec<Setting>,
    /// The file of the whole.
    pub file: FileId,
    /// The place of the whole, for what is missing.
    pub span: Place,
}

impl Settings {
    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Setting> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// The value of a key; an empty text counts as absent, so that a device file can leave a parameter open.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| &*entry.value).filter(|value| !value.is_empty())
    }

    /// Whether a key says `yes`; without a key, or where it is absent, it does not.
    pub fn says_yes(&self, key: Option<&str>) -> bool {
        key.and_then(|key| self.get(key)) == Some("yes")
    }

    /// Gives a key this value; a key that is absent gets the place of the whole.
    pub fn set(&mut self, key: &str, value: &str) {
        match self.entries.iter_mut().find(|entry| &*entry.key == key) {
            Some(entry) => entry.value = value.into(),
            None => self.entries.push(Setting {
                key: key.into(),
                value: value.into(),
                file: self.file,
                key_span: self.span,
                value_span: self.span,
            }),
        }
    }

    /// A mistake for every key that is not in `known`.
    pub fn refuse_unknown(&self, known: &[&str], what: &str) -> Vec<Diagnostic> {
        let unknown = self.entries.iter().filter(|entry| !known.contains(&&*entry.key));
        unknown
            .map(|entry| {
                let message = format!("{what} has no key `{}`", entry.key);
                let help = match did_you_mean(&entry.key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its keys are {}", known.join(", ")),
                };
                Diagnostic::mistake("device::unknown_key", entry.file, entry.key_span, message).help(help)
            })
            .collect()
    }

    /// A mistake that says that `key` is missing.
    pub fn missing(&self, key: &str, what: &str) -> Diagnostic {
        Diagnostic::mistake("device::missing_key", self.file, self.span, format!("{what} needs `{key}`"))
            .help(format!("add `{key}: ...`"))
    }

    /// A mistake at the value of `key` (at the whole, where the key is absent).
    pub fn wrong(&self, key: &str, message: impl Into<alloc::string::String>) -> Diagnostic {
        let (file, span) =
            self.entry(key).map_or((self.file, self.span), |entry| (entry.file, entry.value_span));
        Diagnostic::mistake("device::bad_value", file, span, message)
    }
}

/// How often a driver reads a point by itself, where the point does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadsEvery {
    /// Where nothing is said at all.
    pub usual: Span,
    /// The key of a bus that says it for its points; `None` where there is none.
    pub bus_key: Option<&'static str>,
}

impl ReadsEvery {
    /// How often on a bus with these keys; `None` where its key cannot be read, which the driver will tell.
    pub fn on(&self, bus: &Settings) -> Option<Span> {
        match self.bus_key.and_then(|key| bus.get(key)) {
            Some(text) => crate::quantity::parse_span(text).filter(|period| *period > Span::ZERO),
            None => Some(self.usual),
        }
    }
}

/// What the files leave unsaid of how often a point comes and how old it may be: it follows from its driver and bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// Nothing of the kind, or its driver does not read by itself.
    Nothing,
    /// Its period.
    Period,
    /// Its period, and its age with it.
    PeriodAndAge,
}

/// One bus: a wire, a broker, a plant; one task, one fault domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusDefinition {
    /// Its name in the site.
    pub name: Box<str>,
    /// The driver that speaks on it.
    pub driver: Box<str>,
    /// Where the driver's name stands.
    pub driver_at: (FileId, Place),
    /// Keys of the bus itself.
    pub settings: Settings,
    /// Points read from it.
    pub points: Vec<PointDefinition>,
    /// Outputs written to it.
    pub outputs: Vec<OutputDefinition>,
}

/// How one point is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointDefinition {
    /// Which point.
    pub point: PointId,
    /// Its device.
    pub device: DeviceId,
    /// What of the point follows from driver and bus.
    pub unsaid: Unsaid,
    /// What only the driver understands.
    pub settings: Settings,
}

/// How one output is written and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputDefinition {
    /// Which output.
    pub output: OutputId,
    /// Its device.
    pub device: DeviceId,
    /// After how long the device goes back by itself, where the file says that it does.
    pub reverts_after: Option<Span>,
    /// What only the driver understands.
    pub settings: Settings,
}
