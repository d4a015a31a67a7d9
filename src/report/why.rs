//! `why`, `why-not` and `status`: one sentence, a table, and the same for programs.

use crate::control::protocol::Answer;
use crate::report::{causes, instant};
use crate::runtime::decision::Decision;
use crate::runtime::telling::witnesses;
use ballast_engine::RuleState;
use ballast_history::{Query, StoredEvent};
use ballast_model::catalog::Origin;
use ballast_model::{OutputId, PointId, Utc};
use serde_json::{Value, json};

/// Why an output is, or was, as it is.
pub fn output(decision: &Decision, id: OutputId, at_ms: Option<i64>, french: bool) -> Answer {
    match at_ms {
        None => output_now(decision, id, french),
        Some(at) => {
            let name = decision.running.catalog().output(id).map_or("?", |spec| &*spec.name);
            past(decision, "output", name, Utc::from_millis(at), french)
        }
    }
}

fn output_now(decision: &Decision, id: OutputId, french: bool) -> Answer {
    let catalog = decision.running.catalog();
    let now = decision.carrier.clock.now();
    let (Some(spec), Some(verdict)) = (catalog.output(id), decision.carrier.guard.verdict(id)) else {
        return Answer::refused("the guard has not spoken yet; try again in a moment");
    };
    let state = spec.show(verdict.state);
    let asked = spec.show(verdict.asked);
    let cause = causes::sentence(verdict.cause, decision.carrier.guard.safety_set(), catalog, french);
    let plan = &decision.running.plan;
    let who = decision.engine.winner(id).map(|(winner, _)| winner.name(plan));
    let who = who.unwrap_or_else(|| if french { "personne ne demande".into() } else { "nobody asks".into() });
    let since = now.since(verdict.since);
    let mut text = if french {
        format!("{} est {} depuis {since} : ", spec.name, french_state(&state))
    } else {
        format!("{} has been {state} for {since}: ", spec.name)
    };
    text.push_str(&if verdict.state == verdict.asked && cause.is_empty() {
        who.clone()
    } else if french {
        format!("{cause} ; {who} demande {}", french_state(&asked))
    } else {
        format!("{cause}; {who} asks for {asked}")
    });
    if let Some(witness) = &verdict.witness {
        text.push_str(&format!(" ({})", causes::witness(witness, catalog, french)));
    }
    text.push_str(".\n");
    let strength = decision.carrier.guard.strength(id).map_or("?", |strength| strength.word());
    let mut rows: Vec<(String, String)> = Vec::new();
    let label =
        |english: &str, translated: &str| if french { translated.to_owned() } else { english.to_owned() };
    if let Some(next) = verdict.next_change {
        rows.push((label("may change in", "peut changer dans"), next.since(now).to_string()));
    }
    rows.push((label("without the program", "sans le programme"), strength.to_owned()));
    for (key, value) in &rows {
        text.push_str(&format!("  {key:<20} {value}\n"));
    }
    let data = json!({
        "output": spec.name, "state": state, "asked": asked, "since_s": since.secs_f64(),
        "cause": causes::word(verdict.cause), "winner": who, "strength": strength,
        "witness": verdict.witness.as_ref().map(|witness| witnesses(&decision.running, std::slice::from_ref(witness))),
        "next_change_s": verdict.next_change.map(|next| next.since(now).secs_f64()),
    });
    Answer::done(text, data)
}

/// The two states of a contact, as people say them.
fn french_state(state: &str) -> &str {
    match state {
        "closed" => "connecté",
        "open" => "coupé",
        other => other,
    }
}

/// Why a rule is, or was, not active.
pub fn rule(decision: &Decision, index: u32, at_ms: Option<i64>, french: bool) -> Answer {
    let Some(rule) = decision.running.plan.rules.get(index as usize) else {
        return Answer::refused("no such rule");
    };
    if let Some(at) = at_ms {
        return past(decision, "rule", &rule.name, Utc::from_millis(at), french);
    }
    let now = decision.carrier.clock.now();
    let state = match decision.engine.rule(index) {
        Some(RuleState::Active { since, .. }) => {
            let span = now.since(since);
            if french { format!("est active depuis {span}") } else { format!("has been active for {span}") }
        }
        Some(RuleState::Suspended) => {
            if french {
                "est suspendue : son corps a échoué trop souvent".into()
            } else {
                "is suspended: its body failed too often".into()
            }
        }
        _ => {
            if french {
                "n'est pas active".into()
            } else {
                "is not active".into()
            }
        }
    };
    let word = if french { "la règle" } else { "rule" };
    let mut text = format!("{word} \"{}\" ({}) {state}.\n", rule.name, rule.place);
    let when = if french { "quand" } else { "when" };
    text.push_str(&format!("  {when:<20} {}\n", rule.when_text));
    if !rule.until_text.is_empty() {
        let until = if french { "jusqu'à" } else { "until" };
        text.push_str(&format!("  {until:<20} {}\n", rule.until_text));
    }
    Answer::done(text, json!({ "rule": rule.name, "place": rule.place }))
}

/// What was written down last before an instant.
fn past(decision: &Decision, kind: &str, subject: &str, at: Utc, french: bool) -> Answer {
    let zone = &decision.running.catalog().zone;
    let query = Query {
        subject: Some(subject.into()),
        kind: Some(kind.into()),
        until: Some(at),
        limit: 1,
        ..Query::default()
    };
    let reader = decision.carrier.recorder.store().map(ballast_history::Store::reader);
    let events = match reader {
        Some(Ok(reader)) => reader.events(&query).unwrap_or_default(),
        _ => return Answer::refused("the history cannot be read"),
    };
    let Some(StoredEvent { event, .. }) = events.first() else {
        let when = instant::local(at, zone);
        return Answer::refused(if french {
            format!("rien n'est noté sur {subject} avant {when}")
        } else {
            format!("nothing is written down about {subject} before {when}")
        });
    };
    let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let when = instant::local(event.stamp.utc, zone);
    let sentence = payload.get("sentence").and_then(Value::as_str).unwrap_or_default();
    let mut text =
        if french { format!("depuis {when} : {sentence}\n") } else { format!("since {when}: {sentence}\n") };
    let because = payload.pointer("/data/because").and_then(Value::as_array).cloned().unwrap_or_default();
    for row in &because {
        let get = |key: &str| {
            row.get(key).map_or_else(String::new, |value| {
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            })
        };
        text.push_str(&format!("  {:<28} {:<14} {} s\n", get("point"), get("value"), get("age_s")));
    }
    let data = json!({ "at": instant::utc(at), "since": instant::utc(event.stamp.utc), "what": payload });
    Answer::done(text, data)
}

/// Points, outputs and rules at a glance.
pub fn status(decision: &Decision) -> Answer {
    let catalog = decision.running.catalog();
    let now = decision.carrier.clock.now();
    let snapshot = decision.engine.snapshot();
    let mut text = String::from("points\n");
    let mut points = serde_json::Map::new();
    for (index, spec) in catalog.points.iter().enumerate() {
        if matches!(spec.origin, Origin::Output(..)) {
            continue;
        }
        let point = PointId(index as u32);
        let value = snapshot.known(point, now).map(|value| spec.show(value));
        let reading = snapshot.reading(point);
        let shown = match (&value, snapshot.quality(point, now).reason()) {
            (Some(value), _) if spec.max_age.is_some() => {
                format!("{value:<16} {} old", now.since(reading.arrival))
            }
            (Some(value), _) => value.clone(),
            (None, reason) => format!("unknown: {}", reason.map_or("no value", |reason| reason.words())),
        };
        text.push_str(&format!("  {:<32} {shown}\n", spec.name));
        points.insert(spec.name.to_string(), json!(value));
    }
    text.push_str("outputs\n");
    let mut outputs = serde_json::Map::new();
    for (spec, id) in catalog.outputs.iter().zip(0u32..) {
        let state = decision.carrier.guard.verdict(OutputId(id)).map(|verdict| spec.show(verdict.state));
        let who = decision
            .engine
            .winner(OutputId(id))
            .map(|(winner, _)| winner.name(&decision.running.plan));
        let (state, who) = (state.unwrap_or_else(|| "?".into()), who.unwrap_or_default());
        text.push_str(&format!("  {:<32} {state:<10} {who}\n", spec.name));
        outputs.insert(spec.name.to_string(), json!({ "state": state, "winner": who }));
    }
    text.push_str("rules\n");
    let mut rules = serde_json::Map::new();
    for (rule, index) in decision.running.plan.rules.iter().zip(0u32..) {
        let state = match decision.engine.rule(index) {
            Some(RuleState::Active { since, .. }) => format!("active for {}", now.since(since)),
            Some(RuleState::Suspended) => "suspended".into(),
            _ => "waits".into(),
        };
        text.push_str(&format!("  {:<32} {state}\n", rule.name));
        rules.insert(rule.name.to_string(), json!(state));
    }
    Answer::done(text, json!({ "points": points, "outputs": outputs, "rules": rules }))
}
