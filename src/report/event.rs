//! What was written down last before an instant: what can be said of the past where no journal reaches.

use super::language::{Language, say};
use super::output_words::OutputWords;
use super::table::{Table, line};
use super::{causes, engine_words, instant};
use crate::control::protocol::Answer;
use ballast_history::{Query, Reader, StoredEvent};
use ballast_model::almanac::Zone;
use ballast_model::{Span, Utc};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// Where the second column of the table begins.
const WIDTH: usize = 22;

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An output.
    Output,
    /// A rule.
    Rule,
}

impl About {
    /// The kinds of events that tell of it.
    const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Output => &["output"],
            Self::Rule => &["rule_started", "rule_ended", "rule_suspended"],
        }
    }
}

/// A question about the past.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// About what.
    pub about: About,
    /// Its name, as events give it.
    pub name: &'a str,
    /// The instant.
    pub at: Timestamp,
    /// For local times.
    pub zone: &'a Zone,
    /// In which language it is told.
    pub language: Language,
}

/// What was written down last before the instant; `why` says why the journal does not tell it.
pub fn told(history: &Path, asked: &Asked<'_>, why: &str) -> Answer {
    let (name, language) = (asked.name, asked.language);
    let found = match last(history, asked) {
        Ok(found) => found,
        Err(error) => {
            return Answer::refused(say!(
                language,
                "the history cannot be read: {error}",
                "l'historique ne peut pas être lu : {error}"
            ));
        }
    };
    let Some(StoredEvent { event, .. }) = found else {
        let when = instant::local_exact(asked.at, asked.zone);
        return Answer::refused(say!(
            language,
            "nothing is written down about {name} before {when}",
            "rien n'est noté sur {name} avant {when}"
        ));
    };
    let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let sentence = sentence(name, &event.kind, &payload, language);
    let since = instant::local(event.stamp.utc, asked.zone);
    let mut table = Table::default();
    for row in payload.pointer("/data/because").and_then(Value::as_array).into_iter().flatten() {
        table.add(language.say("by", "selon"), witness(row, language));
    }
    let table = table.text(WIDTH);
    let text = say!(
        language,
        "since {since}: {sentence}\n{table}  This comes from the event that was written down; the table needs the \
         journal: {why}.\n",
        "depuis {since} : {sentence}\n{table}  Ceci vient de l'événement noté ; le tableau demande le journal : {why}.\n"
    );
    let data = json!({
        "at": instant::exact_utc(asked.at), "told": "event", "since": instant::utc(event.stamp.utc),
        "sentence": sentence, "what": payload, "note": why,
    });
    Answer::done(text, data)
}

/// When the newest event was written down: where the clock of a site stood that no longer runs.
pub fn newest(history: &Path) -> Option<Timestamp> {
    let newest = Reader::open(history).ok()?.events(&Query { limit: 1, ..Query::default() }).ok()?;
    Timestamp::from_millisecond(newest.first()?.event.stamp.utc.millis()).ok()
}

fn last(history: &Path, asked: &Asked<'_>) -> Result<Option<StoredEvent>, ballast_history::Error> {
    let reader = Reader::open(history)?;
    let until = Utc::from_millis(asked.at.as_millisecond());
    let mut newest: Option<StoredEvent> = None;
    for kind in asked.about.kinds() {
        let query = Query {
            subject: Some(asked.name.into()),
            kind: Some((*kind).into()),
            until: Some(until),
            limit: 1,
            ..Query::default()
        };
        newest = newest.into_iter().chain(reader.events(&query)?).max_by_key(|found| found.sequence);
    }
    Ok(newest)
}

/// A value of an event, as the present tells it.
fn witness(row: &Value, language: Language) -> String {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    line(text("point").unwrap_or("?"), text("value"), age(row), text("unknown"), language)
}

fn age(row: &Value) -> Option<Span> {
    row.get("age_s").and_then(Value::as_f64).and_then(Span::from_secs_f64)
}

/// The sentence of an event as it is stored: the English one, or one made from what else it holds where that suffices.
fn sentence(name: &str, kind: &str, payload: &Value, language: Language) -> String {
    let stored = payload.get("sentence").and_then(Value::as_str).unwrap_or_default();
    let made = match language {
        Language::En => None,
        Language::Fr => made(name, kind, stored, payload, language),
    };
    made.unwrap_or_else(|| stored.to_owned())
}

fn made(name: &str, kind: &str, stored: &str, payload: &Value, language: Language) -> Option<String> {
    let text = |key: &str| payload.pointer(&format!("/data/{key}")).and_then(Value::as_str);
    let because = || payload.pointer("/data/because").and_then(Value::as_array).into_iter().flatten();
    match kind {
        "output" => {
            let cause = text(language.say("cause_en", "cause_fr"))?;
            let asker = causes::asker_named(text("winner").unwrap_or("nobody asks"), language);
            let by = payload.pointer("/data/witness").filter(|by| by.is_object()).map(|by| {
                let text = |key: &str| by.get(key).and_then(Value::as_str);
                let (point, age) = (text("point").unwrap_or("?"), age(by).unwrap_or(Span::MAX));
                causes::witness_named(point, text("value"), age, text("unknown"), language)
            });
            let words = OutputWords {
                name,
                state: text("state")?,
                asked: text("asked")?,
                has_stayed: stored.starts_with(&format!("{name} stays ")),
                is_out_of_reach: payload.pointer("/data/reachable").and_then(Value::as_bool) == Some(false),
                cause,
                asker: &asker,
                is_asked: text("authority").is_some_and(|authority| authority != "default")
                    && text("cause") != Some("silence"),
                witness: by.as_deref(),
            };
            Some(words.sentence(language))
        }
        "rule_started" => Some(engine_words::started(name, because().map(value_of), language)),
        "rule_ended" => {
            let why = causes::end_named(text("ended")?, language);
            Some(engine_words::ended(name, why, because().map(value_of), language))
        }
        "rule_suspended" => {
            let why = causes::end_named(text("ended")?, language);
            Some(engine_words::suspended(name, why, language))
        }
        _ => None,
    }
}

fn value_of(row: &Value) -> engine_words::ValueOf<'_> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    engine_words::ValueOf {
        point: text("point").unwrap_or("?").into(),
        value: text("value").map(Into::into),
        problem: text("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn french(kind: &str, payload: &Value) -> String {
        sentence("pump", kind, payload, Language::Fr)
    }

    #[test]
    fn what_was_stored_in_english_is_read_in_french() {
        let mut data = json!({
            "state": "open", "asked": "closed", "cause": "limit", "cause_en": "the limit \"full\" forces it",
            "cause_fr": "la limite « full » l'impose", "winner": "rule \"heat\"", "authority": "rule",
            "witness": { "point": "tank.level", "value": "91 %", "age_s": 2.0, "unknown": null },
        });
        let payload = |data: &Value| json!({ "sentence": "pump stays open: ...", "data": data });
        assert_eq!(
            french("output", &payload(&data)),
            "pump reste coupé : la limite « full » l'impose ; règle « heat » demande connecté (tank.level 91 % (il y a 2 s))"
        );
        data["reachable"] = json!(false);
        let lost = french("output", &payload(&data));
        assert!(lost.starts_with("pump devrait être coupé et est injoignable : la limite"), "{lost}");
        data["cause"] = json!("silence");
        assert!(!french("output", &payload(&data)).contains("demande"));
        let ended = json!({
            "sentence": "", "data": { "ended": "its condition is no longer true", "because": [
                { "point": "tank.level", "value": null, "age_s": null, "unknown": "too old" }] },
        });
        assert_eq!(
            french("rule_ended", &ended),
            "la règle « pump » s'est terminée : sa condition n'est plus vraie (tank.level trop ancien)"
        );
        // What does not suffice is told as it is stored.
        let old = json!({ "sentence": "pump open", "data": {} });
        assert_eq!(french("output", &old), "pump open");
        assert_eq!(sentence("pump", "output", &payload(&data), Language::En), "pump stays open: ...");
    }
}
