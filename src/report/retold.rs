//! An event that was written down, told again in the language of the one who reads it.
//!
//! What happens often holds all that its sentence is made of; of the rest the French sentence is stored. What an older
//! program wrote down without either is told in English.

use super::language::Language;
use super::output_words::OutputWords;
use super::table::line;
use super::{causes, engine_words};
use ballast_model::quantity::Shown;
use ballast_model::{Span, Unit};
use serde_json::Value;
use std::borrow::Cow;

/// A value of an event, as the present tells it.
pub fn reading(row: &Value, language: Language) -> String {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    line(text("point").unwrap_or("?"), value(row, language), age(row), text("unknown"), language)
}

fn age(row: &Value) -> Option<Span> {
    row.get("age_s").and_then(Value::as_f64).and_then(Span::from_secs_f64)
}

/// The value of a reading, as people read it.
fn value(row: &Value, language: Language) -> Option<&str> {
    let text = row.get("value").and_then(Value::as_str)?;
    let is_flag = row.get("is_flag").and_then(Value::as_bool) == Some(true);
    Some(causes::flag_named(text, is_flag, language))
}

/// The sentence of an event about `subject`, from what the history keeps of it.
pub fn sentence(subject: &str, kind: &str, payload: &Value, language: Language) -> String {
    let text = |key: &str| payload.get(key).and_then(Value::as_str);
    let stored = text("sentence").unwrap_or_default();
    let told = match language {
        Language::En => None,
        Language::Fr => {
            let kept = text("french").map(ToOwned::to_owned);
            kept.or_else(|| made(subject, kind, stored, payload, language))
        }
    };
    told.unwrap_or_else(|| stored.to_owned())
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
                causes::witness_named(point, value(by, language), age, text("unknown"), language)
            });
            let words = OutputWords {
                name,
                state: text("state"),
                is_unarmed: text("cause") == Some("not_armed"),
                asked: text("asked")?,
                has_stayed: stored.starts_with(&format!("{name} stays ")),
                is_out_of_reach: payload.pointer("/data/reachable").and_then(Value::as_bool) == Some(false),
                is_left: text("actual"),
                cause,
                asker: &asker,
                is_asked: text("authority").is_some_and(|authority| authority != "default")
                    && text("cause") != Some("silence"),
                witness: by.as_deref(),
            };
            Some(words.sentence(language))
        }
        "rule_started" => {
            Some(engine_words::started(name, because().map(|row| value_of(row, language)), language))
        }
        "rule_ended" => {
            let why = causes::end_named(text("ended")?, language);
            Some(engine_words::ended(name, why, because().map(|row| value_of(row, language)), language))
        }
        "rule_suspended" => {
            let why = causes::end_named(text("ended")?, language);
            Some(engine_words::suspended(name, why, language))
        }
        "coalesced" => {
            let dropped = payload.pointer("/data/dropped").and_then(Value::as_u64)?;
            Some(engine_words::coalesced(name, dropped, language))
        }
        "record" => {
            let values = payload.pointer("/data/values").and_then(Value::as_array)?;
            let values = values.iter().map(|row| recorded(row, language));
            Some(engine_words::recorded(&engine_words::schedule_named(name), text("record")?, values))
        }
        _ => None,
    }
}

fn value_of(row: &Value, language: Language) -> engine_words::ValueOf<'_> {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    engine_words::ValueOf {
        point: text("point").unwrap_or("?").into(),
        value: value(row, language).map(Into::into),
        problem: text("unknown"),
    }
}

/// A value that a record kept: `panel.frequency 49.98 Hz`.
fn recorded(row: &Value, language: Language) -> String {
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let value: Cow<'_, str> = match row.get("value") {
        Some(Value::Bool(flag)) => language.yes_or_no(*flag).into(),
        Some(Value::String(word)) => word.as_str().into(),
        Some(Value::Number(number)) => {
            let unit = Unit::parse(text("unit").unwrap_or_default()).unwrap_or(Unit::NONE);
            let base = number.as_f64().and_then(|number| unit.to_base(number));
            base.map_or_else(|| number.to_string(), |base| Shown { base, unit }.to_string()).into()
        }
        _ => language.say("unknown", "inconnu").into(),
    };
    format!("{} {value}", text("point").unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        let coalesced = json!({ "sentence": "", "data": { "dropped": 3 } });
        assert_eq!(
            french("coalesced", &coalesced),
            "3 mesures de pump sont venues trop vite ; seule la dernière a été gardée"
        );
        let record = json!({ "sentence": "", "data": { "record": "minute", "values": [
            { "point": "panel.frequency", "value": 49.98, "unit": "Hz" }, { "point": "panel.ok", "value": true },
            { "point": "panel.power", "value": null, "unit": "kW" }] } });
        assert_eq!(
            french("record", &record),
            "l'horaire « pump » enregistre « minute » : panel.frequency 49.98 Hz, panel.ok oui, panel.power inconnu"
        );
        // What cannot be made again was stored.
        let kept = json!({ "sentence": "limit \"full\" lets go", "french": "la limite « full » relâche", "data": {} });
        assert_eq!(french("limit", &kept), "la limite « full » relâche");
        // What does not suffice is told as it is stored.
        let old = json!({ "sentence": "pump open", "data": {} });
        assert_eq!(french("output", &old), "pump open");
        assert_eq!(sentence("pump", "output", &payload(&data), Language::En), "pump stays open: ...");
    }
}
