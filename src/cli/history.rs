//! `ballast history`: what was written down, as a log. It reads the file of the site's history, so it answers whether or
//! not the program runs; it never changes anything.

use super::Exit;
use super::arguments::{Format, History};
use super::terminal::{BAD, FAINT, LOOK, Output, styled};
use crate::report::language::say;
use crate::report::{instant, retold};
use crate::site::{state_directory, zone_of};
use ballast_history::{Query, Reader, Severity, StoredEvent};
use ballast_model::Utc;
use ballast_model::almanac::Zone;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Prints the newest events that fit, the oldest of them first.
pub fn run(options: &History, output: &Output) -> Exit {
    match events(options, output) {
        Ok(found) => {
            let zone = zone_of(&options.site.site);
            for stored in found.iter().rev() {
                output.line(&line(stored, output, &zone));
            }
            if found.is_empty() {
                let language = output.language;
                output
                    .complain(language.say("nothing like that was written down", "rien de tel n'a été noté"));
            }
            Exit::Done
        }
        Err(text) => output.refuse(Exit::Failed, &text),
    }
}

/// The newest events that fit, newest first; or what to tell the person who asked.
fn events(options: &History, output: &Output) -> Result<Vec<StoredEvent>, String> {
    let zone = zone_of(&options.site.site);
    let language = output.language_of_answers();
    let path = state_directory(&options.site.site, options.site.state.as_deref()).join("ballast.db");
    if !path.is_file() {
        let path = path.display();
        return Err(say!(
            language,
            "there is no history yet: {path} does not exist",
            "il n'y a pas encore d'historique : {path} n'existe pas"
        ));
    }
    let unreadable = |error: ballast_history::Error| {
        say!(language, "the history cannot be read: {error}", "l'historique ne peut pas être lu : {error}")
    };
    let from = options.since.as_deref().map(|text| {
        // Of two instants, the earlier one leaves nothing out.
        instant::read(text, (&zone, Timestamp::now()), |two| Some(two.earlier), language)
            .map(|at| Utc::from_millis(at.as_millisecond()))
    });
    let query = Query {
        subject: options.name.clone(),
        kind: options.kind.clone(),
        from: from.transpose()?,
        limit: options.last,
        ..Query::default()
    };
    Reader::open(&path).and_then(|reader| reader.events(&query)).map_err(unreadable)
}

/// An event as a line, for people or for programs.
fn line(stored: &StoredEvent, output: &Output, zone: &Zone) -> String {
    let event = &stored.event;
    let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let is_sentence = payload.get("sentence").is_some_and(Value::is_string);
    let sentence = if is_sentence {
        retold::sentence(&event.subject, &event.kind, &payload, output.language_of_answers())
    } else {
        event.payload.clone()
    };
    match output.format {
        Format::Json => json!({
            "sequence": stored.sequence,
            "at": instant::utc(event.stamp.utc),
            "trusted": event.stamp.trusted,
            "kind": event.kind,
            "subject": event.subject,
            "severity": format!("{:?}", event.severity).to_lowercase(),
            "who": event.who,
            "sentence": sentence,
            "data": payload.get("data"),
            "intact": stored.is_intact,
        })
        .to_string(),
        Format::Text => {
            let time = styled(FAINT, &instant::local(event.stamp.utc, zone));
            let sentence = match event.severity {
                Severity::Alarm => styled(BAD, &sentence),
                Severity::Warning => styled(LOOK, &sentence),
                Severity::Info | Severity::Notice => sentence,
            };
            let damaged = output.language.say(" (damaged on the disk)", " (abîmé sur le disque)");
            format!("{time} {sentence}{}", if stored.is_intact { "" } else { damaged })
        }
    }
}
