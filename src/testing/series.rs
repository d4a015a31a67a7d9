//! The short way to write many readings of a point: one word for each moment, or for several.
//!
//! | word | stands for |
//! |---|---|
//! | `50`, `49.7`, `-3` | a reading, in the unit of the point |
//! | `off_peak`, `true`, `false` | a word of the point, yes or no |
//! | `49.7x10` | ten readings of it |
//! | `49.7x*` | so to the end of the test; the last word only |
//! | `50..49x11` | eleven readings from 50 to 49, evenly spaced |
//! | `_`, `_x3` | nothing comes; what came before grows old |
//! | `stale` | the device says nothing any more: what came is too old at once |
//! | `nan` | what comes is no value |
//! | `offline` | the device, its bus or its broker is gone |
//!
//! A point that reads a value goes on saying it until its next moment, as often as it must so that it does not grow old.

use ballast_config::codes;
use ballast_config::decode::scalar::{place_of, unknown_word};
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_config::tree::{Kind as NodeKind, Node};
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{Finite, Reason, Value};

/// Readings of one point in one test, at most.
pub const READINGS_MAX: usize = 1_000_000;

/// What comes at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A value.
    Value(Value),
    /// Nothing.
    Nothing,
    /// News that there is no value.
    Bad(Reason),
}

/// What a point reads, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// At each moment.
    pub readings: Vec<Reading>,
    /// At each moment after them; `None`: the series ends.
    pub rest: Option<Reading>,
}

impl Series {
    /// What comes at the moment of that number.
    pub fn at(&self, number: usize) -> Option<Reading> {
        self.readings.get(number).copied().or(self.rest)
    }

    /// Whether something is said of so many moments.
    pub fn covers(&self, moments: u64) -> bool {
        self.rest.is_some() || u64::try_from(self.readings.len()).is_ok_and(|length| length >= moments)
    }
}

/// Reads a series of a point; says what is wrong with each of its words.
pub fn read(node: &Node, spec: &PointSpec, out: &mut Diagnostics) -> Option<Series> {
    let text = match &node.kind {
        NodeKind::Scalar(scalar) if !scalar.is_null() => scalar.text.as_str(),
        _ => {
            let message = format!("readings of `{}` are expected here, not {}", spec.name, node.what());
            out.push(node.head_place().mistake(codes::TEST_SERIES, message).help(HELP));
            return None;
        }
    };
    let mut series = Series::default();
    let mut is_whole = true;
    for word in text.split_whitespace() {
        if let Err(wrong) = series.add(word, spec) {
            out.push(wrong.drawn(word, place_of(node, text, word)));
            is_whole = false;
        }
    }
    if series == Series::default() && is_whole {
        let message = format!("`{}` has no reading here", spec.name);
        out.push(node.head_place().mistake(codes::TEST_SERIES, message).help(HELP));
        return None;
    }
    is_whole.then_some(series)
}

impl Series {
    /// Adds what a word stands for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, word: &str, spec: &PointSpec) -> Result<(), Wrong> {
        if self.rest.is_some() {
            return Err(Wrong::Form(
                "what goes on to the end, `x*`, is the last word of a series".to_owned(),
            ));
        }
        if let Some(what) = word.strip_suffix("x*").filter(|_| !is_own(word, spec)) {
            self.rest = Some(reading(what, spec)?);
            return Ok(());
        }
        self.readings.extend(word_of(word, spec, self.readings.len())?);
        Ok(())
    }
}

/// What stands in the help of a mistake in a series.
pub const HELP: &str = "write one word for each moment: `50 49.7x10 50..49x11 _x3 stale nan 50x*`";

/// What is wrong with a word.
#[derive(Debug)]
pub enum Wrong {
    /// The point does not have it among its own.
    Word(Vec<String>),
    /// It has no meaning.
    Form(String),
}

impl Wrong {
    /// The mistake at the place of the word.
    pub fn drawn(self, word: &str, place: Place) -> Diagnostic {
        match self {
            Self::Word(words) => {
                unknown_word(word, place, &words.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Self::Form(message) => place.mistake(codes::TEST_SERIES, message).help(HELP),
        }
    }
}

fn word_of(word: &str, spec: &PointSpec, before: usize) -> Result<Vec<Reading>, Wrong> {
    let (what, count) = split_count(word, spec);
    let count = match count {
        None => 1,
        Some(count) => match count.parse::<usize>() {
            Ok(count) if count > 0 && before.saturating_add(count) <= READINGS_MAX => count,
            _ => {
                return Err(Wrong::Form(format!(
                    "`{count}` is no number of readings: a series has 1 to {READINGS_MAX}"
                )));
            }
        },
    };
    if let Some((from, to)) = what.split_once("..") {
        return ramp(from, to, count, spec);
    }
    Ok(vec![reading(what, spec)?; count])
}

/// Words that every point has.
const EVERY_POINT: [&str; 4] = ["_", "stale", "nan", "offline"];

/// What one word without a count stands for.
///
/// # Errors
/// What is wrong with it.
pub fn reading(what: &str, spec: &PointSpec) -> Result<Reading, Wrong> {
    Ok(match what {
        "_" => Reading::Nothing,
        "stale" => Reading::Bad(Reason::Stale),
        "nan" => Reading::Bad(Reason::NotAValue),
        "offline" => Reading::Bad(Reason::Offline),
        _ => Reading::Value(value(what, spec)?),
    })
}

fn is_own(word: &str, spec: &PointSpec) -> bool {
    spec.words().iter().any(|own| &**own == word)
}

/// `49.7x10` is ten of 49.7; a word of the point that looks like that is itself.
fn split_count<'w>(word: &'w str, spec: &PointSpec) -> (&'w str, Option<&'w str>) {
    match word.rsplit_once('x') {
        Some((what, count)) if !is_own(word, spec) && count.starts_with(|c: char| c.is_ascii_digit()) => {
            (what, Some(count))
        }
        _ => (word, None),
    }
}

fn value(text: &str, spec: &PointSpec) -> Result<Value, Wrong> {
    match &spec.kind {
        Kind::Number(_) => number(text, spec).map(Value::Number),
        Kind::Flag => match text {
            "true" => Ok(Value::Flag(true)),
            "false" => Ok(Value::Flag(false)),
            _ => {
                Err(Wrong::Word(["true", "false"].into_iter().chain(EVERY_POINT).map(String::from).collect()))
            }
        },
        Kind::Words(words) => {
            let at = words.iter().position(|own| **own == *text).and_then(|at| u16::try_from(at).ok());
            let own = words.iter().map(|own| &**own).chain(EVERY_POINT);
            at.map(Value::Word).ok_or_else(|| Wrong::Word(own.map(String::from).collect()))
        }
    }
}

fn number(text: &str, spec: &PointSpec) -> Result<Finite, Wrong> {
    let Kind::Number(unit) = spec.kind else {
        return Err(Wrong::Form(format!("`{}` is no number", spec.name)));
    };
    let number = text.parse::<f64>().ok().and_then(|number| unit.to_base(number));
    number.ok_or_else(|| Wrong::Form(format!("`{text}` is no reading in {}", unit.symbol())))
}

fn ramp(from: &str, to: &str, count: usize, spec: &PointSpec) -> Result<Vec<Reading>, Wrong> {
    let (from, to) = (number(from, spec)?.get(), number(to, spec)?.get());
    if count < 2 {
        return Err(Wrong::Form("a ramp needs at least two readings: `50..49x11`".to_owned()));
    }
    let step = (to - from) / (count - 1) as f64;
    let at = |index: usize| Reading::Value(Value::Number(Finite::saturating(from + step * index as f64)));
    Ok((0..count).map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::catalog::Origin;
    use ballast_model::quantity::Unit;

    fn hertz() -> PointSpec {
        PointSpec::new("meter.frequency", Kind::Number(Unit::parse("Hz").unwrap()), Origin::Measured)
    }

    fn words(text: &str, spec: &PointSpec) -> Result<Vec<Reading>, ()> {
        let all: Result<Vec<Vec<Reading>>, Wrong> =
            text.split_whitespace().map(|word| word_of(word, spec, 0)).collect();
        all.map(|all| all.concat()).map_err(|_| ())
    }

    fn number(value: f64) -> Reading {
        Reading::Value(Value::Number(Finite::new(value).unwrap()))
    }

    #[test]
    fn every_word_stands_for_its_readings() {
        let expected = [
            number(50.0),
            number(49.7),
            number(49.7),
            number(49.0),
            number(49.5),
            number(50.0),
            Reading::Nothing,
            Reading::Nothing,
            Reading::Bad(Reason::Stale),
            Reading::Bad(Reason::NotAValue),
            Reading::Bad(Reason::Offline),
        ];
        assert_eq!(words("50 49.7x2 49..50x3 _x2 stale nan offline", &hertz()).unwrap(), expected);
    }

    #[test]
    fn the_last_word_may_go_on_to_the_end() {
        let mut series = Series::default();
        for word in ["50", "49.7x*"] {
            series.add(word, &hertz()).unwrap();
        }
        assert_eq!([0, 1, 1_000_000].map(|at| series.at(at).unwrap()), [50.0, 49.7, 49.7].map(number));
        assert!(series.covers(u64::MAX) && series.add("50", &hertz()).is_err());
        let ends = Series { readings: vec![number(50.0); 3], rest: None };
        assert!(ends.covers(3) && !ends.covers(4) && ends.at(3).is_none());
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for word in ["49,7", "50x0", "50xx2", "50x-1", "50x2000000", "50..49", "50..x3", "low", "x3", "1e999"]
        {
            assert!(words(word, &hertz()).is_err(), "{word}");
        }
    }

    #[test]
    fn words_and_flags_are_those_of_the_point() {
        let list: [Box<str>; 3] = ["peak".into(), "off_peak".into(), "box2".into()];
        let period = PointSpec::new("linky.period", Kind::Words(list.into()), Origin::Measured);
        let expected = [Value::Word(1), Value::Word(1), Value::Word(2)].map(Reading::Value);
        assert_eq!(words("off_peakx2 box2", &period).unwrap(), expected);
        assert!(words("night", &period).is_err());
        let door = PointSpec::new("door.is_open", Kind::Flag, Origin::Measured);
        assert_eq!(words("truex1", &door).unwrap(), [Reading::Value(Value::Flag(true))]);
        assert!(words("yes", &door).is_err());
    }
}
