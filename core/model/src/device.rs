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
use alloc::string::String;
use alloc::vec::Vec;

/// One key of a driver with its value, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// The key.
    pub key: &'a str,
    /// The value, parameters filled in.
    pub value: &'a str,
    /// The file in which it stands.
    pub file: FileId,
    /// Where the key stands.
    pub key_span: Place,
    /// Where the value stands.
    pub value_span: Place,
}

/// The keys of one bus, point or output.
///
/// A site has a handful for every point and output and keeps them as long as it runs: they lie in two pieces of memory, and
/// not in two for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Keys and values in the order of the file, one after the other.
    text: Box<str>,
    entries: Box<[Entry]>,
    /// The file of the whole.
    pub file: FileId,
    /// The place of the whole, for what is missing.
    pub span: Place,
}

/// Where key and value of a setting end in the text; it begins where the one before ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    key_end: u32,
    value_end: u32,
    file: FileId,
    key_span: Place,
    value_span: Place,
}

impl Settings {
    /// Keeps keys with their values, which stand in a file at a place. What would end past four gigabytes of text is left
    /// out; no file is that long.
    pub fn new<'a>(settings: impl IntoIterator<Item = Setting<'a>>, file: FileId, span: Place) -> Self {
        let mut text = String::new();
        let mut entries = Vec::new();
        for Setting { key, value, file, key_span, value_span } in settings {
            let key_end = text.len() + key.len();
            let (Ok(key_end), Ok(value_end)) = (key_end.try_into(), (key_end + value.len()).try_into())
            else {
                break;
            };
            text.push_str(key);
            text.push_str(value);
            entries.push(Entry { key_end, value_end, file, key_span, value_span });
        }
        Self { text: text.into(), entries: entries.into(), file, span }
    }

    /// Keys with their values that stand in no file of their own: each has the place of the whole.
    pub fn at<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, file: FileId, span: Place) -> Self {
        let setting = |(key, value)| Setting { key, value, file, key_span: span, value_span: span };
        Self::new(pairs.into_iter().map(setting), file, span)
    }

    /// The settings in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Setting<'_>> {
        let text = |start: u32, end: u32| self.text.get(start as usize..end as usize).unwrap_or_default();
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let key_start = core::mem::replace(&mut start, entry.value_end);
            Setting {
                key: text(key_start, entry.key_end),
                value: text(entry.key_end, entry.value_end),
                file: entry.file,
                key_span: entry.key_span,
                value_span: entry.value_span,
            }
        })
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<Setting<'_>> {
        self.iter().find(|entry| entry.key == key)
    }

    /// The value of a key; an empty text counts as absent, so that a device file can leave a parameter open.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| entry.value).filter(|value| !value.is_empty())
    }

    /// Whether a key says `yes`; without a key, or where it is absent, it does not.
    pub fn says_yes(&self, key: Option<&str>) -> bool {
        key.and_then(|key| self.get(key)) == Some("yes")
    }

    /// Gives a key this value; a key that is absent gets the place of the whole.
    pub fn set(&mut self, key: &str, value: &str) {
        let Self { file, span, .. } = *self;
        let is_new = self.entry(key).is_none();
        let added = is_new.then_some(Setting { key, value, file, key_span: span, value_span: span });
        let changed =
            self.iter().map(|old| Setting { value: if old.key == key { value } else { old.value }, ..old });
        *self = Self::new(changed.chain(added), file, span);
    }

    /// A mistake for every key that is not in `known`.
    pub fn refuse_unknown(&self, known: &[&str], what: &str) -> Vec<Diagnostic> {
        let unknown = self.iter().filter(|entry| !known.contains(&entry.key));
        unknown
            .map(|entry| {
                let message = format!("{what} has no key `{}`", entry.key);
                let help = match did_you_mean(entry.key, known.iter().copied()) {
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

    /// Where the value of `key` stands; the whole, where the key is absent.
    pub fn place(&self, key: &str) -> (FileId, Place) {
        self.entry(key).map_or((self.file, self.span), |entry| (entry.file, entry.value_span))
    }

    /// A mistake at the value of `key` (at the whole, where the key is absent).
    pub fn wrong(&self, key: &str, message: impl Into<String>) -> Diagnostic {
        let (file, span) = self.place(key);
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn setting(key: &'static str, value: &'static str) -> Setting<'static> {
        Setting { key, value, file: FileId(1), key_span: Place::new(1, 2), value_span: Place::new(3, 9) }
    }

    #[test]
    fn settings_come_back_as_they_were_given() {
        let given = vec![
            setting("topic", "relay/1/set"),
            setting("qos", ""),
            setting("étage", "haut"),
            setting("a", "b"),
        ];
        let settings = Settings::new(given.clone(), FileId(1), Place::new(0, 5));
        assert_eq!(settings.iter().collect::<Vec<_>>(), given);
        assert_eq!(settings.entry("étage"), Some(setting("étage", "haut")));
        assert_eq!((settings.get("qos"), settings.get("to"), settings.get("a")), (None, None, Some("b")));
    }

    #[test]
    fn a_setting_that_is_changed_keeps_its_place_and_a_new_one_gets_that_of_the_whole() {
        let given = [setting("url", "x"), setting("client", "y")];
        let mut settings = Settings::new(given, FileId(1), Place::new(0, 5));
        settings.set("url", "mqtt://farther");
        settings.set("status_topic", "none");
        assert_eq!(settings.entry("url"), Some(setting("url", "mqtt://farther")));
        assert_eq!(settings.get("client"), Some("y"));
        let added = settings.entry("status_topic").map(|entry| (entry.value, entry.value_span));
        assert_eq!(added, Some(("none", Place::new(0, 5))));
    }
}
