//! Why a rule is active, or why not: one sentence, its conditions with their values, and the same for programs.

use super::language::say;
use super::moment::Moment;
use super::table::{Table, reading, readings_data};
use super::{causes, instant};
use crate::control::protocol::Answer;
use ballast_engine::RuleState;
use ballast_engine::events::EndReason;
use ballast_engine::explain::{Condition, RuleExplanation, Threshold, WaitsFor};
use ballast_model::Span;
use ballast_model::almanac::TimeOfDay;
use ballast_model::catalog::Noun;
use ballast_model::expr::Fault;
use serde_json::{Map, Value, json};

/// Where the second column of the table begins.
const WIDTH: usize = 12;

/// Why a rule is, or was, not active.
pub fn rule(moment: &Moment<'_>, index: u32) -> Answer {
    let plan = &moment.running.plan;
    let (Some(rule), Some(state)) = (plan.rules.get(index as usize), moment.engine.rule(index)) else {
        return Answer::refused(moment.say("no such rule", "cette règle n'existe pas"));
    };
    let explanation = moment.engine.explain_rule(index, moment.now);
    let (name, place, does) = (&rule.name, &rule.place, does(moment, state, explanation.as_ref()));
    let sentence =
        say!(moment.language, "rule \"{name}\" ({place}) {does}.", "la règle « {name} » ({place}) {does}.");
    let table = explanation.as_ref().map(|why| table(moment, state, why)).unwrap_or_default();
    let mut data = Map::new();
    let mut set = |key: &str, value: Value| data.insert(key.to_owned(), value);
    set("at", json!(instant::exact_utc(moment.instant())));
    set("told", json!(moment.told.word()));
    set("rule", json!(rule.name));
    set("place", json!(rule.place));
    set("priority", json!(rule.priority));
    set("sentence", json!(sentence));
    let (word, since) = match state {
        RuleState::Active { since, .. } => ("active", Some(since)),
        RuleState::Suspended => ("suspended", None),
        RuleState::Idle { .. } => ("idle", None),
    };
    set("state", json!(word));
    set("explanation", explanation.as_ref().map_or(Value::Null, |why| explained(moment, why)));
    moment.add(&mut data, "active_since", since);
    let next = explanation.and_then(|why| why.next_change).filter(|next| *next > moment.now);
    moment.add(&mut data, "next_change", next);
    Answer::done(format!("{sentence}\n{}", table.text(WIDTH)), data.into())
}

/// What the rule does, as the end of a sentence.
fn does(moment: &Moment<'_>, state: RuleState, why: Option<&RuleExplanation>) -> String {
    match state {
        RuleState::Active { since, .. } => {
            let since = instant::since(since, moment.now, moment.language);
            format!("{} {since}", moment.say("has been active", "est active"))
        }
        RuleState::Suspended => {
            let has_failed = why.is_some_and(|why| why.failure.is_some());
            let reason = if has_failed { EndReason::Suspended } else { EndReason::Harm };
            let why = causes::end(reason, moment.language);
            say!(moment.language, "is suspended: {why}", "est suspendue : {why}")
        }
        RuleState::Idle { .. } => moment.say("is not active", "n'est pas active").into(),
    }
}

fn table(moment: &Moment<'_>, state: RuleState, why: &RuleExplanation) -> Table {
    let mut table = Table::default();
    condition(&mut table, moment, moment.say("when", "quand"), &why.when);
    // Idle, a rule does not look at its end, but where that stands in the way of a start.
    let is_active = matches!(state, RuleState::Active { .. });
    let is_in_the_way = why.is_held_back && why.when.is_true == Some(true);
    if let Some(until) = why.until.as_ref().filter(|_| is_active || is_in_the_way) {
        let name =
            if is_active { moment.say("until", "jusqu'à") } else { moment.say("but not if", "mais pas si") };
        condition(&mut table, moment, name, until);
    }
    if let Some((at, reason)) = why.last_end {
        let ago = moment.now.since(at);
        let reason = causes::end(reason, moment.language);
        let text = say!(moment.language, "{ago} ago: {reason}", "il y a {ago} : {reason}");
        table.add(moment.say("ended", "terminée"), text);
    }
    for (output, wanted) in &why.requests {
        let name = match moment.catalog().resolve(output) {
            Some(Noun::Output(id)) => moment.name(id),
            _ => output,
        };
        table
            .add(moment.say("asks", "demande"), format!("{name} {}", causes::state(wanted, moment.language)));
    }
    if let Some((_, message, place)) = &why.failure {
        table.add(moment.say("failed", "échec"), format!("{place}: {message}"));
    }
    if let Some(point) = &why.body_misses {
        table.add(moment.say("misses", "manque"), &**point);
    }
    if let Some(next) = why.next_change.filter(|next| *next > moment.now) {
        let text = next.since(moment.now).to_string();
        table.add(moment.say("may change in", "peut changer dans"), text);
    }
    table
}

/// A condition, as far as it is true, with what it reads.
fn condition(table: &mut Table, moment: &Moment<'_>, name: &'static str, condition: &Condition) {
    let truth = match condition.is_true {
        Some(true) => moment.say("true", "vrai"),
        Some(false) => moment.say("not true", "faux"),
        None => moment.say("unknown", "inconnu"),
    };
    let mut text = format!("{}{} {truth}", condition.text, moment.say(":", " :"));
    if let Some(fault) = condition.fault {
        text.push_str(&format!(" ({})", causes::fault(fault, moment.language)));
    }
    if let Some(what) = condition.waits_for {
        text.push_str(&format!(" ({})", waits_for(moment, what)));
    }
    if let Some(remaining) = condition.remaining.filter(|span| *span > Span::ZERO) {
        text.push_str(&format!(", {} {remaining}", moment.say("must hold another", "encore")));
    }
    table.add(name, text);
    for value in &condition.values {
        table.add("", reading(value, moment.language));
    }
}

/// Why a condition over a time of day is unknown, and until when.
fn waits_for(moment: &Moment<'_>, what: WaitsFor) -> String {
    match what {
        WaitsFor::Clock => moment
            .say(
                "the clock is not trusted yet: no time of day is known",
                "l'horloge n'est pas encore sûre : l'heure est inconnue",
            )
            .into(),
        WaitsFor::Next(time) => {
            let french = match time {
                TimeOfDay::Sunrise => "prochain lever du soleil".to_owned(),
                TimeOfDay::Sunset => "prochain coucher du soleil".to_owned(),
                TimeOfDay::Clock(_) => format!("prochain {time}"),
            };
            say!(
                moment.language,
                "what was used is counted from the next {time} on: the last one was missed",
                "ce qui est consommé sera compté à partir du {french} : le dernier a été manqué"
            )
        }
    }
}

/// The same for programs.
fn waits_for_word(what: WaitsFor) -> String {
    match what {
        WaitsFor::Clock => "clock".to_owned(),
        WaitsFor::Next(time) => time.to_string(),
    }
}

/// What the engine knows, for programs.
fn explained(moment: &Moment<'_>, why: &RuleExplanation) -> Value {
    let mut data = Map::new();
    let mut set = |key: &str, value: Value| data.insert(key.to_owned(), value);
    set("when", condition_data(moment, &why.when));
    set("until", why.until.as_ref().map_or(Value::Null, |until| condition_data(moment, until)));
    set("is_held_back", json!(why.is_held_back));
    set("last_end_reason", json!(why.last_end.map(|(_, reason)| causes::end_word(reason))));
    let asked = why.requests.iter().map(|(output, wanted)| json!({ "output": output, "wanted": wanted }));
    set("requests", asked.collect());
    set("body_misses", json!(why.body_misses));
    let failure = why.failure.as_ref().map(|(since, message, place)| {
        let mut failure = Map::new();
        failure.insert("message".into(), json!(message));
        failure.insert("place".into(), json!(place));
        moment.add(&mut failure, "since", Some(*since));
        Value::from(failure)
    });
    set("failure", json!(failure));
    moment.add(&mut data, "last_start", why.last_start);
    moment.add(&mut data, "last_end", why.last_end.map(|(at, _)| at));
    data.into()
}

fn condition_data(moment: &Moment<'_>, condition: &Condition) -> Value {
    let mut data = Map::new();
    let mut set = |key: &str, value: Value| data.insert(key.to_owned(), value);
    set("text", json!(condition.text));
    set("is_true", json!(condition.is_true));
    set("fault", json!(condition.fault.map(Fault::words)));
    set("waits_for", json!(condition.waits_for.map(waits_for_word)));
    set("must_hold_s", json!(condition.must_hold.secs_f64()));
    set("remaining_s", json!(condition.remaining.map(Span::secs_f64)));
    set("thresholds", condition.thresholds.iter().map(threshold).collect());
    set("values", readings_data(&condition.values));
    moment.add(&mut data, "holds_since", condition.holds_since);
    data.into()
}

fn threshold(threshold: &Threshold) -> Value {
    json!({
        "subject": threshold.subject, "op": threshold.op, "limit": threshold.limit,
        "values": readings_data(&threshold.values),
    })
}
