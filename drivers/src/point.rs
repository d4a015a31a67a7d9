//! How one point is read: from what a device said to a value in base units.
//!
//! Unit conversion, scale, words, flags and sentinels are the same for every driver and live here. What cannot be read is
//! bad, never a default.

use crate::spec::{Key, Mistakes, key};
use ballast_model::catalog::{Catalog, Kind};
use ballast_model::device::{PointDefinition, Settings};
use ballast_model::quantity::Shown;
use ballast_model::{Finite, Reason, Unit, Value};

/// Keys of a point that every driver understands.
pub const COMMON_KEYS: &[Key] = &[
    key("scale", "factor between the device's number and the point's unit; negative turns the sign"),
    key("offset", "added after scaling, in the point's unit"),
    key("sentinels", "numbers by which the device says that it has no value, before scaling: `65535, -127`"),
    key("map", "the device's words for the point's words or for yes and no: `ON = running, OFF = stopped`"),
];

/// What a device said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw<'a> {
    /// A number, in the device's own scale.
    Number(f64),
    /// A text: a number in decimal, a word, or `true` and `false`.
    Text(&'a [u8]),
}

/// Reads the values of one point.
#[derive(Clone, Debug)]
pub struct PointReader {
    form: Form,
    scale: f64,
    offset: f64,
    sentinels: Box<[f64]>,
    /// The name of a counter, for people.
    counter: Option<Box<str>>,
}

#[derive(Clone, Debug)]
enum Form {
    Number(Unit),
    Words(Box<[Spelling]>),
}

/// One way in which a device writes a value.
#[derive(Clone, Debug)]
struct Spelling {
    text: Box<[u8]>,
    number: Option<f64>,
    value: Value,
}

/// Words for yes and no where the point has no `map`.
const FLAG_WORDS: [(&str, bool); 10] = [
    ("true", true),
    ("false", false),
    ("1", true),
    ("0", false),
    ("on", true),
    ("off", false),
    ("ON", true),
    ("OFF", false),
    ("yes", true),
    ("no", false),
];

impl PointReader {
    /// From the point's definition; mistakes go to `mistakes`.
    pub(crate) fn new(point: &PointDefinition, catalog: &Catalog, mistakes: &mut Mistakes) -> Option<Self> {
        let spec = catalog.point(point.point)?;
        let kind = &spec.kind;
        let settings = &point.settings;
        let scale = number(settings, "scale", 1.0, mistakes);
        if scale.is_some_and(|scale| scale.abs() < f64::MIN_POSITIVE) {
            mistakes.add(settings.wrong("scale", "`scale` cannot be zero"));
        }
        let offset = number(settings, "offset", 0.0, mistakes);
        let sentinels = sentinels(settings, mistakes);
        let form = match kind {
            Kind::Number(unit) => {
                if settings.get("map").is_some() {
                    mistakes
                        .add(settings.wrong("map", "`map` is for words and flags; this point is a number"));
                }
                Form::Number(*unit)
            }
            Kind::Words(words) => Form::Words(word_spellings(words, settings, mistakes)),
            Kind::Flag => Form::Words(flag_spellings(settings, mistakes)),
        };
        let counter = spec.is_counter.then(|| spec.name.clone());
        Some(Self { form, scale: scale?, offset: offset?, sentinels, counter })
    }

    /// A reader of plain numbers that already are in `unit`.
    pub fn of_unit(unit: Unit) -> Self {
        Self { form: Form::Number(unit), scale: 1.0, offset: 0.0, sentinels: Box::default(), counter: None }
    }

    /// The words that it understands; none where it reads numbers.
    pub(crate) fn words(&self) -> Vec<&str> {
        let Form::Words(spellings) = &self.form else { return Vec::new() };
        spellings.iter().filter_map(|spelling| std::str::from_utf8(&spelling.text).ok()).collect()
    }

    /// Whether what it reads is a counter.
    pub(crate) const fn is_counter(&self) -> bool {
        self.counter.is_some()
    }

    /// What is said of a counter that fell: it was reset, or ran over. Nothing where it moved by less than a hundredth, as the
    /// last digits of a float do.
    pub(crate) fn fallen(&self, before: Finite, after: Finite) -> Option<String> {
        let (name, Form::Number(unit)) = (self.counter.as_ref()?, &self.form) else { return None };
        if before.get() - after.get() < before.get().abs() / 100.0 {
            return None;
        }
        let [before, after] = [before, after].map(|base| Shown { base, unit: *unit });
        Some(format!(
            "{name} fell from {before} to {after}: it was reset or ran over, and what went through meanwhile is not counted"
        ))
    }

    /// What is said of a counter that is back where it fell from.
    pub(crate) fn back(&self, from: Finite, now: Finite) -> Option<String> {
        let (name, Form::Number(unit)) = (self.counter.as_ref()?, &self.form) else { return None };
        let [from, now] = [from, now].map(|base| Shown { base, unit: *unit });
        Some(format!("{name} is back at {now}: it was not reset, and is counted on from {from}"))
    }

    /// The same reader for a device whose numbers always come in `unit`.
    #[must_use]
    pub(crate) fn in_unit(mut self, unit: Unit) -> Self {
        if let Form::Number(own) = &mut self.form {
            *own = unit;
        }
        self
    }

    /// The value, or why there is none.
    pub fn read(&self, raw: Raw<'_>) -> Result<Value, Reason> {
        match &self.form {
            Form::Number(unit) => {
                let device = match raw {
                    Raw::Number(number) => number,
                    Raw::Text(text) => parse_number(text).ok_or(Reason::NotAValue)?,
                };
                if self.sentinels.iter().any(|sentinel| sentinel.to_bits() == (device + 0.0).to_bits()) {
                    return Err(Reason::OutOfRange);
                }
                let base = unit.to_base(device * self.scale + self.offset);
                base.map(Value::Number).ok_or(Reason::NotAValue)
            }
            Form::Words(spellings) => {
                let found = match raw {
                    Raw::Text(text) => {
                        let text = text.trim_ascii();
                        spellings.iter().find(|spelling| *spelling.text == *text)
                    }
                    Raw::Number(number) => {
                        let bits = (number + 0.0).to_bits();
                        spellings.iter().find(|spelling| spelling.number.map(f64::to_bits) == Some(bits))
                    }
                };
                found.map(|spelling| spelling.value).ok_or(Reason::NotAValue)
            }
        }
    }
}

/// A decimal number with nothing around it but white space; `None` for words such as `nan` and for what is too large.
pub fn parse_number(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let is_number = text.first().is_some_and(|first| matches!(first, b'0'..=b'9' | b'-' | b'+' | b'.'))
        && text.last().is_some_and(|last| matches!(last, b'0'..=b'9' | b'.'));
    if !is_number {
        return None; // also keeps out `inf` and `-nan`, which the standard library reads
    }
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Finite::new(number).map(Finite::get)
}

fn number(settings: &Settings, key: &str, default: f64, mistakes: &mut Mistakes) -> Option<f64> {
    let Some(text) = settings.get(key) else { return Some(default) };
    let number = parse_number(text.as_bytes());
    if number.is_none() {
        mistakes.add(
            settings
                .wrong(key, format!("`{text}` is not a number"))
                .help("write a plain number, without a unit"),
        );
    }
    number
}

fn sentinels(settings: &Settings, mistakes: &mut Mistakes) -> Box<[f64]> {
    let Some(text) = settings.get("sentinels") else { return Box::default() };
    let parts = text.trim_matches(['[', ']']).split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut numbers = Vec::new();
    for part in parts {
        match parse_number(part.as_bytes()) {
            Some(number) => numbers.push(number + 0.0),
            None => mistakes.add(settings.wrong("sentinels", format!("`{part}` is not a number"))),
        }
    }
    numbers.into()
}

/// The pairs of a `map`, device's word first.
fn pairs<'a>(settings: &'a Settings, mistakes: &mut Mistakes) -> Vec<(&'a str, &'a str)> {
    let mut pairs = Vec::new();
    for part in settings.get("map").unwrap_or("").split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((device, word)) => pairs.push((device.trim(), word.trim())),
            None => mistakes.add(
                settings
                    .wrong("map", format!("`{part}` is not a pair"))
                    .help("write `device's word = point's word`"),
            ),
        }
    }
    pairs
}

fn spelling(text: &str, value: Value) -> Spelling {
    let number = parse_number(text.as_bytes()).map(|number| number + 0.0);
    Spelling { text: text.as_bytes().into(), number, value }
}

fn word_spellings(words: &[Box<str>], settings: &Settings, mistakes: &mut Mistakes) -> Box<[Spelling]> {
    let index_of =
        |word: &str| words.iter().position(|known| &**known == word).and_then(|at| u16::try_from(at).ok());
    let mut spellings = Vec::new();
    for (device, word) in pairs(settings, mistakes) {
        match index_of(word) {
            Some(index) => spellings.push(spelling(device, Value::Word(index))),
            None => {
                let known = words.iter().map(|word| &**word).collect::<Vec<_>>().join(", ");
                let wrong = settings.wrong("map", format!("the point has no word `{word}`"));
                mistakes.add(wrong.help(format!("its words are {known}")));
            }
        }
    }
    if settings.get("map").is_none() {
        spellings.extend(words.iter().filter_map(|word| Some(spelling(word, Value::Word(index_of(word)?)))));
    }
    spellings.into()
}

fn flag_spellings(settings: &Settings, mistakes: &mut Mistakes) -> Box<[Spelling]> {
    if settings.get("map").is_none() {
        return FLAG_WORDS.iter().map(|(word, flag)| spelling(word, Value::Flag(*flag))).collect();
    }
    let mut spellings = Vec::new();
    for (device, word) in pairs(settings, mistakes) {
        match word {
            "yes" | "true" => spellings.push(spelling(device, Value::Flag(true))),
            "no" | "false" => spellings.push(spelling(device, Value::Flag(false))),
            _ => {
                let wrong = settings.wrong("map", format!("a flag cannot be `{word}`"));
                mistakes.add(wrong.help("a flag is yes or no"));
            }
        }
    }
    spellings.into()
}
