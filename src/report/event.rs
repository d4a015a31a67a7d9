//! What was written down last before an instant: what can be said of the past where no journal reaches.

use super::table::{Table, line};
use super::{causes, instant};
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
    /// Sentences in French.
    pub french: bool,
}

/// What was written down last before the instant; `why` says why the journal does not tell it.
pub fn told(history: &Path, asked: &Asked<'_>, why: &str) -> Answer {
    let found = match last(history, asked) {
        Ok(found) => found,
        Err(error) => return Answer::refused(format!("the history cannot be read: {error}")),
    };
    let say = |english: &'static str, french: &'static str| if asked.french { french } else { english };
    let Some(StoredEvent { event, .. }) = found else {
        let when = instant::local_exact(asked.at, asked.zone);
        let nothing = say("nothing is written down about", "rien n'est noté sur");
        return Answer::refused(format!("{nothing} {} {} {when}", asked.name, say("before", "avant")));
    };
    let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let sentence = payload.get("sentence").and_then(Value::as_str).unwrap_or_default();
    let sentence = match asked.french.then(|| french(asked.name, &event.kind, &payload)).flatten() {
        Some(french) => french,
        None => sentence.to_owned(),
    };
    let since = instant::local(event.stamp.utc, asked.zone);
    let mut table = Table::default();
    for row in payload.pointer("/data/because").and_then(Value::as_array).into_iter().flatten() {
        table.add(say("by", "selon"), witness(row, asked.french));
    }
    let note = say(
        "This comes from the event that was written down; the table needs the journal",
        "Ceci vient de l'événement noté ; le tableau demande le journal",
    );
    let text = format!(
        "{} {since}{} {sentence}\n{}  {note}{} {why}.\n",
        say("since", "depuis"),
        say(":", " :"),
        table.text(WIDTH),
        say(":", " :")
    );
    let data = json!({
        "at": instant::exact_utc(asked.at), "told": "event", "since": instant::utc(event.stamp.utc),
        "sentence": sentence, "what": payload, "note": why,
    });
    Answer::done(text, data)
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
fn witness(row: &Value, french: bool) -> String {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let age = row.get("age_s").and_then(Value::as_f64).and_then(Span::from_secs_f64);
    line(text("point").unwrap_or("?"), text("value"), age, text("unknown"), french)
}

/// The sentence in French, from what the event holds besides its English one.
fn french(name: &str, kind: &str, payload: &Value) -> Option<String> {
    let text = |key: &str| payload.pointer(&format!("/data/{key}")).and_then(Value::as_str);
    match kind {
        "output" => {
            let (state, asked) = (text("state")?, text("asked")?);
            let (cause, who) = (text("cause_fr")?, text("winner").map(asker));
            let who = who.unwrap_or_else(|| "personne ne demande rien".into());
            let shown = causes::state(state, true);
            Some(if state == asked && cause.is_empty() {
                format!("{name} {shown} : {who}")
            } else if text("authority").is_none_or(|authority| authority == "default") {
                format!("{name} {shown} : {cause}")
            } else {
                format!("{name} {shown} : {cause} ; {who} demande {}", causes::state(asked, true))
            })
        }
        "rule_started" => Some(format!("la règle « {name} » a commencé")),
        "rule_ended" => Some(format!("la règle « {name} » s'est terminée")),
        "rule_suspended" => Some(format!("la règle « {name} » a été suspendue")),
        _ => None,
    }
}

/// Who asked, from the English name in an event.
fn asker(name: &str) -> String {
    if let Some(rule) = name.strip_prefix("rule \"").and_then(|rest| rest.strip_suffix('"')) {
        return format!("règle « {rule} »");
    }
    for (english, french) in [("operator", "opérateur"), ("generator", "groupe"), ("remote", "à distance")]
    {
        if let Some(rest) = name.strip_prefix(english) {
            return format!("{french}{rest}");
        }
    }
    if name.starts_with("nobody asks") { "personne ne demande rien".into() } else { name.to_owned() }
}
