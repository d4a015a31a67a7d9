//! Points, outputs and rules at a glance.

use super::language::say;
use super::moment::Moment;
use super::{arming_words, bus_words, causes, engine_words, misheard, process_words, reach_words};
use crate::control::protocol::Answer;
use ballast_engine::RuleState;
use ballast_model::catalog::{Origin, PointSpec};
use ballast_model::intent::Cause;
use ballast_model::{OutputId, PointId, Reason};
use serde_json::{Map, Value, json};

/// Points, outputs and rules at a glance.
pub fn status(moment: &Moment<'_>) -> Answer {
    let protection = moment.protection.map(|it| process_words::protection(it, moment.now, moment.language));
    let mut text = protection.map_or_else(String::new, |shown| format!("{shown}\n"));
    text.push_str("points\n");
    let mut misheard = Map::new();
    let (points, held_back) = points(moment, &mut text, &mut misheard);
    text.push_str(moment.say("outputs\n", "sorties\n"));
    let outputs = outputs(moment, &mut text, &mut misheard);
    text.push_str(moment.say("rules\n", "règles\n"));
    let rules = rules(moment, &mut text);
    let protection = moment.protection.map_or(Value::Null, process_words::data);
    Answer::done(
        text,
        json!({
            "protection": protection,
            "points": points,
            "held_back": held_back,
            "misheard": misheard,
            "outputs": outputs,
            "rules": rules,
        }),
    )
}

/// Why the last value of a point was held back, in words; `None` where something else is the matter with it.
fn held_back(moment: &Moment<'_>, spec: &PointSpec, point: PointId, reason: Reason) -> Option<String> {
    let doubt = moment.engine.doubt(point).filter(|doubt| doubt.reason == reason)?;
    Some(engine_words::held_back(spec, doubt.value, doubt.reason, doubt.before, moment.language))
}

/// The values of all points, and what is held back of which.
fn points(
    moment: &Moment<'_>,
    text: &mut String,
    all_misheard: &mut Map<String, Value>,
) -> (Map<String, Value>, Map<String, Value>) {
    let snapshot = moment.engine.snapshot();
    let (mut points, mut all_held_back) = (Map::new(), Map::new());
    for (spec, id) in moment.catalog().points.iter().zip(0..) {
        if matches!(spec.origin, Origin::Output(..)) {
            continue;
        }
        let point = PointId(id);
        let known = snapshot.known(point, moment.now);
        let value = known.map(|known| causes::value(spec, known, moment.language));
        let reading = snapshot.reading(point);
        let shown = match (&value, snapshot.quality(point, moment.now).reason()) {
            (Some(value), _) if spec.max_age.is_some() => {
                let age = moment.now.since(reading.arrival);
                say!(moment.language, "{value:<16} {age} old", "{value:<16} il y a {age}")
            }
            (Some(value), _) => value.clone(),
            (None, None) => moment.say("unknown: no value", "pas de valeur").to_owned(),
            (None, Some(reason)) => {
                let held_back = held_back(moment, spec, point, reason);
                if let (Some(_), Some(doubt)) = (&held_back, moment.engine.doubt(point)) {
                    let told = json!({ "value": spec.show(doubt.value), "reason": reason.words() });
                    all_held_back.insert(spec.name.to_string(), told);
                }
                let problem = causes::problem(reason.words(), moment.language);
                let misheard = misheard::of_point(moment, point);
                all_misheard.extend(misheard.map(|said| (spec.name.to_string(), json!(said))));
                let misheard = misheard.map(|said| bus_words::told(said, moment.language).into_owned());
                let problem = held_back.or(misheard).unwrap_or_else(|| problem.to_owned());
                say!(moment.language, "unknown: {problem}", "pas de valeur : {problem}")
            }
        };
        text.push_str(&format!("  {:<32} {shown}\n", spec.name));
        points.insert(spec.name.to_string(), json!(known.map(|known| spec.show(known))));
    }
    (points, all_held_back)
}

fn outputs(
    moment: &Moment<'_>,
    text: &mut String,
    all_misheard: &mut Map<String, Value>,
) -> Map<String, Value> {
    let mut outputs = Map::new();
    for (spec, id) in moment.catalog().outputs.iter().zip((0..).map(OutputId)) {
        let verdict = moment.guard.verdict(id);
        let state = verdict.and_then(|verdict| arming_words::state(moment.guard, verdict));
        let state = state.map(|state| spec.show(state));
        let reason = verdict.map(|verdict| moment.reason(id, verdict)).unwrap_or_default();
        let lost = reach_words::lost(moment.guard, id);
        let confirmed = moment.guard.output(id).and_then(|state| state.confirmed);
        let confirmed = confirmed.map(|wanted| spec.show(wanted));
        // What was not carried out is not shown as if it were.
        let is_operated = !verdict.is_some_and(|verdict| verdict.cause == Cause::JustArmed);
        let shown = if lost.is_none() && is_operated { &state } else { &confirmed };
        let shown = shown.as_deref().unwrap_or("?");
        let elsewhere = verdict.and_then(|verdict| super::why_output::elsewhere(moment, verdict));
        let shown = elsewhere.as_deref().unwrap_or(shown);
        let shown = causes::state(shown, moment.language);
        let misheard = misheard::of_output(moment, id);
        all_misheard.extend(misheard.map(|said| (spec.name.to_string(), json!(said))));
        let note = format!("{}{}", reach_words::sentence(moment, id), misheard::sentence(moment, id));
        let end = if note.is_empty() { "" } else { "." };
        text.push_str(&format!("  {:<32} {shown:<10} {reason}{end}{note}\n", moment.name(id)));
        let row = json!({
            "state": state,
            "armed": !arming_words::is_unarmed(moment.guard, id),
            "reachable": lost.is_none(),
            "confirmed": confirmed,
            "misheard": misheard,
            "asked": verdict.map(|verdict| spec.show(moment.asked(id, verdict))),
            "winner": moment.winner(id).name(&moment.running.plan),
            "cause": verdict.map(|verdict| verdict.cause.word()),
            "reason": reason,
        });
        outputs.insert(spec.name.to_string(), row);
    }
    outputs
}

/// How the body of a rule went wrong the last time that it ran.
fn failure(moment: &Moment<'_>, index: u32) -> String {
    let Some((_, message, place)) = moment.engine.failure(index) else { return String::new() };
    let french = ballast_rules::failure_in_french(message);
    say!(
        moment.language,
        ", but it failed as it ran last ({place}: {message})",
        ", mais elle a échoué à sa dernière exécution ({place} : {french})"
    )
}

fn rules(moment: &Moment<'_>, text: &mut String) -> Map<String, Value> {
    let mut rules = Map::new();
    for (rule, index) in moment.running.plan.rules.iter().zip(0u32..) {
        let state = match moment.engine.rule(index) {
            Some(RuleState::Active { since, .. }) => {
                let since = super::instant::since(since, moment.now, moment.language);
                format!("active {since}{}", failure(moment, index))
            }
            Some(RuleState::Suspended) => moment.say("suspended", "suspendue").into(),
            _ => moment.say("waits", "attend").into(),
        };
        text.push_str(&format!("  {:<32} {state}\n", rule.name));
        rules.insert(rule.name.to_string(), json!(state));
    }
    rules
}
