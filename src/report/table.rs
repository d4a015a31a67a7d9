//! The table under a sentence, and values with their ages for people and for programs.

use super::causes;
use super::language::{Language, say};
use ballast_engine::explain::Reading;
use ballast_model::Span;
use serde_json::{Value, json};

/// A table of two columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    rows: Vec<(&'static str, String)>,
}

impl Table {
    /// Adds a row.
    pub fn add(&mut self, key: &'static str, value: impl Into<String>) {
        self.rows.push((key, value.into()));
    }

    /// The rows as text, the second column at least `width` behind the first one's begin.
    pub fn text(&self, width: usize) -> String {
        let widest = self.rows.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        let width = widest.max(width);
        self.rows.iter().map(|(key, value)| format!("  {key:<width$} {value}\n")).collect()
    }
}

/// A value with its age, or why there is none.
pub fn reading(reading: &Reading, language: Language) -> String {
    let value = reading.value.as_deref().map(|value| causes::flag_named(value, reading.is_flag, language));
    line(&reading.point, value, reading.age, reading.problem, language)
}

/// The same from its parts.
pub fn line(
    point: &str,
    value: Option<&str>,
    age: Option<Span>,
    problem: Option<&str>,
    language: Language,
) -> String {
    let value = value.unwrap_or_else(|| language.say("no value", "pas de valeur"));
    let age = age.map_or_else(String::new, |age| say!(language, ", {age} old", ", il y a {age}"));
    let problem =
        problem.map_or_else(String::new, |problem| format!(" ({})", causes::problem(problem, language)));
    format!("{point} {value}{age}{problem}")
}

/// A value for programs; `age_s` is null when it never came, `unknown` says why it may not be used.
pub fn reading_data(reading: &Reading) -> Value {
    json!({
        "point": reading.point,
        "value": reading.value,
        "age_s": reading.age.map(Span::secs_f64),
        "unknown": reading.problem,
    })
}

/// Several of them.
pub fn readings_data(readings: &[Reading]) -> Value {
    readings.iter().map(reading_data).collect()
}
