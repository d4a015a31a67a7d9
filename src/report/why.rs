//! `why`, `why-not` and `status`: one sentence, a table, and the same for programs.

use crate::control::protocol::Answer;
use crate::report::{causes, instant};
use crate::runtime::decision::Decision;
use crate::runtime::telling::witnesses;
use ballast_engine::{RuleState, Source, Winner};
use ballast_guard::Guard;
use ballast_guard::plan::LimitAction;
use ballast_history::{Query, StoredEvent};
use ballast_model::catalog::Origin;
use ballast_model::intent::Cause;
use ballast_model::{Mono, OutputId, PointId, Utc};
use serde_json::{Value, json};

/// Why an output is, or was, as it is.
pub fn output(decision: &Decision, id: OutputId, at_ms: Option<i64>, french: bool) -> Answer {
    match at_ms {
        None => output_now(decision, id, french),
        Some(at) => {
            let name = decision.running.catalog().output(id).map_or("?", |spec| &*spec.name);
            past(decision, &["output"], name, Utc::from_millis(at), french)
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
    let winner = decision.engine.winner(id).map(|(winner, _)| winner.clone()).unwrap_or(Winner::DEFAULT);
    let who = causes::asker(winner.source, winner.who.as_deref(), plan, french);
    let is_default = winner.source == Source::Default;
    let since = now.since(verdict.since);
    let mut text = if french {
        format!("{} est {} depuis {since} : ", spec.name, causes::state(&state, true))
    } else {
        format!("{} has been {state} for {since}: ", spec.name)
    };
    text.push_str(&if verdict.state == verdict.asked && cause.is_empty() {
        who.clone()
    } else if is_default {
        format!("{cause}; {who}")
    } else if french {
        format!("{cause} ; {who} demande {}", causes::state(&asked, true))
    } else {
        format!("{cause}; {who} asks for {asked}")
    });
    if let Some(witness) = &verdict.witness {
        text.push_str(&format!(" ({})", causes::witness(witness, catalog, french)));
    }
    text.push_str(".\n");
    if verdict.cause == Cause::Latched {
        for limit in latched(&decision.carrier.guard, id) {
            text.push_str(&format!(
                "  {:<22} ballast guard reset \"{limit}\"\n",
                if french { "pour finir" } else { "to end it" }
            ));
        }
    }
    let strength = decision.carrier.guard.strength(id).map_or("?", |strength| strength.word());
    let explanation = decision.engine.explain(id, now);
    let rows = rows(explanation.as_ref(), plan, verdict.next_change, strength, now, french);
    for (key, value) in &rows {
        text.push_str(&format!("  {key:<22} {value}\n"));
    }
    let witness = verdict.witness.as_ref().map(std::slice::from_ref);
    let data = json!({
        "output": spec.name, "state": state, "asked": asked, "since_s": since.secs_f64(),
        "cause": causes::word(verdict.cause), "winner": who, "strength": strength,
        "witness": witness.map(|witness| witnesses(&decision.running, witness)),
        "next_change_s": verdict.next_change.map(|next| next.since(now).secs_f64()),
        "explanation": explanation,
    });
    Answer::done(text, data)
}

/// The table under the sentence: everyone who asks, the values that were read, what comes next.
fn rows(
    explanation: Option<&ballast_engine::Explanation>,
    plan: &ballast_engine::Plan,
    guard_next: Option<Mono>,
    strength: &str,
    now: Mono,
    french: bool,
) -> Vec<(&'static str, String)> {
    let label = |english: &'static str, translated: &'static str| if french { translated } else { english };
    let mut rows = Vec::new();
    if let Some(explanation) = explanation {
        for asker in &explanation.requests {
            let place = asker.place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
            let until = asker.until.map_or_else(String::new, |until| {
                format!(", {} {}", label("for another", "encore"), until.since(now))
            });
            let since = now.since(asker.since);
            let since = if french { format!("depuis {since}") } else { format!("for {since}") };
            rows.push((
                label("asks", "demande"),
                format!(
                    "{}: {} {since}{until}{place}",
                    who(asker, plan, french),
                    causes::state(&asker.wanted, french)
                ),
            ));
        }
        rows.push((
            label("if nobody asks", "sans demande"),
            causes::state(&explanation.default, french).to_owned(),
        ));
        for value in &explanation.values {
            rows.push((label("by", "selon"), reading(value, french)));
        }
    }
    let next =
        guard_next.into_iter().chain(explanation.and_then(|explanation| explanation.next_change)).min();
    if let Some(next) = next.filter(|next| *next > now) {
        rows.push((label("may change in", "peut changer dans"), next.since(now).to_string()));
    }
    rows.push((label("without the program", "sans le programme"), strength.to_owned()));
    rows
}

/// The name of one who asks.
fn who(asker: &ballast_engine::explain::Asker, plan: &ballast_engine::Plan, french: bool) -> String {
    if french { causes::asker(asker.source, None, plan, true) } else { asker.name.clone() }
}

/// A value with its age, or why there is none.
fn reading(reading: &ballast_engine::explain::Reading, french: bool) -> String {
    let value = reading.value.as_deref().unwrap_or(if french { "pas de valeur" } else { "no value" });
    let age = reading.age.map_or_else(String::new, |age| {
        if french { format!(", il y a {age}") } else { format!(", {age} old") }
    });
    let problem = reading.problem.map_or_else(String::new, |problem| format!(" ({problem})"));
    format!("{} {value}{age}{problem}", reading.point)
}

/// A condition, as far as it is true, with what it reads.
fn condition(
    name: &'static str,
    condition: &ballast_engine::explain::Condition,
    french: bool,
) -> Vec<(&'static str, String)> {
    let say = |english: &'static str, translated: &'static str| if french { translated } else { english };
    let truth = match condition.is_true {
        Some(true) => say("true", "vrai"),
        Some(false) => say("not true", "faux"),
        None => say("unknown", "inconnu"),
    };
    let mut text = format!("{} : {truth}", condition.text).replace(" :", if french { " :" } else { ":" });
    if let Some(remaining) = condition.remaining.filter(|span| *span > ballast_model::Span::ZERO) {
        let say =
            if french { format!(", encore {remaining}") } else { format!(", must hold another {remaining}") };
        text.push_str(&say);
    }
    let mut rows = vec![(name, text)];
    rows.extend(condition.values.iter().map(|value| ("", reading(value, french))));
    rows
}

/// The limits that keep an output where it is until a person resets them.
fn latched(guard: &Guard, id: OutputId) -> Vec<String> {
    let limits = guard.safety_set().limits.iter().zip(guard.limits());
    let holds = limits.filter(|(limit, view)| {
        view.state.is_latched
            && matches!(&limit.action, LimitAction::Force { force, .. } if force.iter().any(|step| step.output == id))
    });
    holds.map(|(limit, _)| limit.name.to_string()).collect()
}

/// Why a rule is, or was, not active.
pub fn rule(decision: &Decision, index: u32, at_ms: Option<i64>, french: bool) -> Answer {
    let Some(rule) = decision.running.plan.rules.get(index as usize) else {
        return Answer::refused("no such rule");
    };
    if let Some(at) = at_ms {
        return past(
            decision,
            &["rule_started", "rule_ended", "rule_suspended"],
            &rule.name,
            Utc::from_millis(at),
            french,
        );
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
    let explanation = decision.engine.explain_rule(index, now);
    let say = |english: &'static str, translated: &'static str| if french { translated } else { english };
    let mut rows = Vec::new();
    if let Some(explanation) = &explanation {
        rows.extend(condition(say("when", "quand"), &explanation.when, french));
        if let Some(until) = &explanation.until {
            rows.extend(condition(say("until", "jusqu'à"), until, french));
        }
        if let Some((at, reason)) = explanation.last_end {
            let ago = now.since(at);
            let text = if french {
                format!("il y a {ago} : {}", reason.words())
            } else {
                format!("{ago} ago: {}", reason.words())
            };
            rows.push((say("ended", "terminée"), text));
        }
        for (output, wanted) in &explanation.requests {
            rows.push((say("asks", "demande"), format!("{output} {wanted}")));
        }
        if let Some((_, message, place)) = &explanation.failure {
            rows.push((say("failed", "échec"), format!("{place}: {message}")));
        }
        if let Some(point) = &explanation.body_misses {
            rows.push((say("misses", "manque"), point.to_string()));
        }
    }
    for (key, value) in &rows {
        text.push_str(&format!("  {key:<12} {value}\n"));
    }
    Answer::done(text, json!({ "rule": rule.name, "place": rule.place, "explanation": explanation }))
}

/// What was written down last before an instant.
fn past(decision: &Decision, kinds: &[&str], subject: &str, at: Utc, french: bool) -> Answer {
    let zone = &decision.running.catalog().zone;
    let Some(Ok(reader)) = decision.carrier.recorder.store().map(ballast_history::Store::reader) else {
        return Answer::refused("the history cannot be read");
    };
    let last = |kind: &&str| {
        let query = Query {
            subject: Some(subject.into()),
            kind: Some((*kind).into()),
            until: Some(at),
            limit: 1,
            ..Query::default()
        };
        reader.events(&query).unwrap_or_default().into_iter().next()
    };
    let newest = kinds.iter().filter_map(last).max_by_key(|found| found.sequence);
    let Some(StoredEvent { event, .. }) = newest else {
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
        let who = decision.engine.winner(OutputId(id)).map(|(winner, _)| winner.name(&decision.running.plan));
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
