//! What was written down last before an instant: what can be said of the past where no journal reaches.

use super::language::{Language, say};
use super::table::Table;
use super::{instant, retold};
use crate::control::protocol::Answer;
use ballast_history::{Query, Reader, StoredEvent};
use ballast_model::Utc;
use ballast_model::almanac::Zone;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// Where the second column of the table begins.
const WIDTH: usize = 22;

/// Events of one kind that are looked at for the one that happened last.
const FILED_LATE_MAX: usize = 16;

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
            "nothing is written down about {name} before {when}; the journal does not tell it: {why}",
            "rien n'est noté sur {name} avant {when} ; le journal ne le dit pas : {why}"
        ));
    };
    let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let sentence = retold::sentence(name, &event.kind, &payload, language);
    let since = instant::local(event.stamp.utc, asked.zone);
    let mut table = Table::default();
    for row in payload.pointer("/data/because").and_then(Value::as_array).into_iter().flatten() {
        table.add(language.say("by", "selon"), retold::reading(row, language));
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
            limit: FILED_LATE_MAX,
            ..Query::default()
        };
        for found in reader.events(&query)? {
            if newest.as_ref().is_none_or(|newest| is_later(&found, newest)) {
                newest = Some(found);
            }
        }
    }
    Ok(newest)
}

/// What another process did may be written down after what happened later. Within a boot its clock says what was later;
/// else only the order in which things were written down does.
fn is_later(found: &StoredEvent, other: &StoredEvent) -> bool {
    let (stamp, of_other) = (&found.event.stamp, &other.event.stamp);
    if stamp.boot == of_other.boot && stamp.mono != of_other.mono {
        return stamp.mono > of_other.mono;
    }
    found.sequence > other.sequence
}
