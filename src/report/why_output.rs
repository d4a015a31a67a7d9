//! Why an output is as it is: one sentence, a table, and the same for programs.

use super::language::{Language, say};
use super::moment::Moment;
use super::table::{Table, reading, reading_data, readings_data};
use super::{arming_words, causes, instant, misheard, output_words, process_words, reach_words};
use crate::control::protocol::Answer;
use ballast_engine::explain::{Asker, Explanation, witness_reading};
use ballast_engine::{Plan, Winner};
use ballast_guard::Guard;
use ballast_guard::plan::LimitAction;
use ballast_model::intent::Cause;
use ballast_model::{Contact, Mono, OutputId, Verdict, Wanted};
use serde_json::{Map, Value, json};

/// Where the second column of the table begins.
const WIDTH: usize = 22;

/// Why an output is, or was, as it is.
pub fn output(moment: &Moment<'_>, id: OutputId) -> Answer {
    let (Some(spec), Some(verdict)) = (moment.catalog().output(id), moment.guard.verdict(id)) else {
        let name = moment.catalog().output(id).map_or("?", |spec| &spec.name);
        let unknown = process_words::unknown(moment.protection, name, moment.now, moment.language);
        return Answer::refused(if unknown.is_empty() {
            moment
                .say(
                    "the guard had not spoken yet; try again in a moment",
                    "le gardien n'avait encore rien dit ; réessayez dans un moment",
                )
                .to_owned()
        } else {
            unknown.trim_end_matches([' ', ':']).to_owned()
        });
    };
    let explanation = moment.engine.explain(id, moment.now);
    let next = next_change(moment, verdict, explanation.as_ref());
    let strength = moment.guard.strength(id);
    let sentence = sentence(moment, id, &spec.show(verdict.state), verdict);
    let strength_word = strength.map_or("?", |strength| output_words::strength(strength, moment.language));
    let table = table(moment, verdict, explanation.as_ref(), next, strength_word);
    let mut data = Map::new();
    let mut set = |key: &str, value: Value| data.insert(key.to_owned(), value);
    let winner = moment.winner(id);
    set("at", json!(instant::exact_utc(moment.instant())));
    set("told", json!(moment.told.word()));
    set("output", json!(spec.name));
    set("sentence", json!(sentence));
    set("state", json!(arming_words::state(moment.guard, verdict).map(|state| spec.show(state))));
    let lost = reach_words::lost(moment.guard, id);
    set("reachable", json!(lost.is_none()));
    let confirmed = moment.guard.output(id).and_then(|state| state.confirmed);
    set("confirmed", json!(confirmed.map(|wanted| spec.show(wanted))));
    set("misheard", json!(misheard::of_output(moment, id)));
    set("armed", json!(!arming_words::is_unarmed(moment.guard, id)));
    set("asked", json!(spec.show(moment.asked(id, verdict))));
    set("cause", json!(causes::held_word(verdict.cause, moment.is_memory_lost)));
    set("winner", json!(winner.name(&moment.running.plan)));
    set("authority", json!(winner.authority.word()));
    set("strength", json!(strength.map_or("?", |strength| strength.word())));
    set("protection", moment.protection.map_or(Value::Null, process_words::data));
    set("latched", json!(latches(moment, id, verdict)));
    let witness = moment.witness(verdict).map(|witness| witness_reading(&moment.running.plan, &witness));
    set("witness", json!(witness.as_ref().map(reading_data)));
    set("explanation", explanation.as_ref().map_or(Value::Null, |why| explained(moment, why)));
    moment.add(&mut data, "since", Some(verdict.since));
    moment.add(&mut data, "unreachable_since", lost.and_then(|state| state.unreachable_since));
    moment.add(&mut data, "next_change", next);
    Answer::done(format!("{sentence}\n{}", table.text(WIDTH)), data.into())
}

fn sentence(moment: &Moment<'_>, id: OutputId, state: &str, verdict: &Verdict) -> String {
    let (name, since) = (moment.name(id), moment.now.since(verdict.since));
    let reason = moment.reason(id, verdict);
    let state = causes::state(state, moment.language);
    let misheard = misheard::sentence(moment, id);
    if let Some(unarmed) = arming_words::sentence(moment, id, name) {
        let asks = match verdict.cause {
            Cause::NotArmed | Cause::JustArmed => moment.asked_of(id, verdict),
            _ => reason,
        };
        return format!("{unarmed} {asks}.{misheard}");
    }
    let lost = reach_words::lost(moment.guard, id);
    let is_elsewhere = elsewhere(moment, verdict).is_some();
    let sentence = if is_elsewhere || lost.is_some_and(|lost| lost.confirmed != Some(verdict.state)) {
        // Nobody carried it out, or somebody undid it.
        say!(
            moment.language,
            "{name} should have been {state} for {since}: {reason}.",
            "{name} devrait être {state} depuis {since} : {reason}."
        )
    } else {
        say!(
            moment.language,
            "{name} has been {state} for {since}: {reason}.",
            "{name} est {state} depuis {since} : {reason}."
        )
    };
    let unknown = process_words::unknown(moment.protection, name, moment.now, moment.language);
    format!("{unknown}{sentence}{}{misheard}", reach_words::sentence(moment, id))
}

/// What the device says that it is, where somebody else moved it and it was left there.
pub(super) fn elsewhere(moment: &Moment<'_>, verdict: &Verdict) -> Option<String> {
    let confirmed = moment.guard.output(verdict.output)?.confirmed?;
    let is_left = verdict.cause == Cause::OutsideChange && confirmed != verdict.state;
    let spec = moment.catalog().output(verdict.output).filter(|_| is_left)?;
    Some(causes::state(&spec.show(confirmed), moment.language).to_owned())
}

/// Whether a person's "now" holds it, whatever else does.
fn is_stopped(moment: &Moment<'_>, verdict: &Verdict) -> bool {
    moment.guard.output(verdict.output).is_some_and(|state| state.is_stopped)
}

/// The next moment at which something may change by itself.
fn next_change(moment: &Moment<'_>, verdict: &Verdict, explanation: Option<&Explanation>) -> Option<Mono> {
    if is_stopped(moment, verdict) || verdict.cause == Cause::Latched {
        // Whatever else ends before: a person must let go.
        return None;
    }
    let engine = explanation.and_then(|explanation| explanation.next_change);
    let next = verdict.next_change.into_iter().chain(engine).chain(longest(moment, verdict));
    next.filter(|next| *next > moment.now).min()
}

/// The end of the longest time closed, or away from safe, where that runs.
fn longest(moment: &Moment<'_>, verdict: &Verdict) -> Option<Mono> {
    let (state, envelope) = (moment.guard.output(verdict.output)?, moment.guard.envelope(verdict.output)?);
    let is_engaged = match state.told {
        Wanted::Contact(contact) => contact == Contact::Closed,
        Wanted::Level(_) => state.told != envelope.safe,
    };
    // A limit holds it closed for longer than that.
    let is_counting = is_engaged && !matches!(verdict.cause, Cause::Limit(_));
    envelope.max_closed.filter(|_| is_counting).map(|longest| state.switched_at.after(longest))
}

/// Everyone who asks, the values that were read, what comes next.
fn table(
    moment: &Moment<'_>,
    verdict: &Verdict,
    explanation: Option<&Explanation>,
    next: Option<Mono>,
    strength: &str,
) -> Table {
    let mut table = Table::default();
    if let Some(is) = elsewhere(moment, verdict) {
        table.add(moment.say("the device says", "l'appareil dit"), is);
    }
    for limit in latches(moment, verdict.output, verdict) {
        table.add(moment.say("to end it", "pour finir"), format!("ballast guard reset \"{limit}\""));
    }
    if is_stopped(moment, verdict) {
        // What else was forgotten shall be looked at as well: not one output after the other.
        let name = if moment.is_memory_lost { "all" } else { moment.name(verdict.output) };
        table.add(moment.say("to end it", "pour finir"), format!("ballast guard reset {name}"));
    }
    if let Some(explanation) = explanation {
        for asker in &explanation.requests {
            table.add(moment.say("asks", "demande"), asks(moment, asker));
        }
        table.add(
            moment.say("if nobody asks", "sans demande"),
            causes::state(&explanation.default, moment.language),
        );
        for value in &explanation.values {
            table.add(moment.say("by", "selon"), reading(value, moment.language));
        }
    }
    if let Some(next) = next {
        table.add(moment.say("may change in", "peut changer dans"), next.since(moment.now).to_string());
    }
    table.add(moment.say("without the program", "sans le programme"), strength);
    if let Some(protection) = moment.protection {
        let shown = process_words::protection(protection, moment.now, moment.language);
        table.add(moment.say("protected by", "protégé par"), shown);
    }
    table
}

/// Who asks, for what, since when and until when.
fn asks(moment: &Moment<'_>, asker: &Asker) -> String {
    let since = instant::since(asker.since, moment.now, moment.language);
    let until = asker.until.map_or_else(String::new, |until| {
        format!(", {} {}", moment.say("for another", "encore"), until.since(moment.now))
    });
    let place = asker.place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
    let name = name_of(asker, &moment.running.plan, moment.language);
    let wanted = causes::state(&asker.wanted, moment.language);
    say!(moment.language, "{name}: {wanted} {since}{until}{place}", "{name} : {wanted} {since}{until}{place}")
}

/// The name of one who asks.
fn name_of(asker: &Asker, plan: &Plan, language: Language) -> String {
    if language == Language::En {
        return asker.name.clone();
    }
    // The engine gives the whole name; what stands behind the word for its kind is who it is.
    let kind = Winner { authority: asker.authority, source: asker.source, who: None }.name(plan);
    let who = asker.name.strip_prefix(&kind).map(str::trim).filter(|who| !who.is_empty());
    causes::asker(asker.source, who, plan, language)
}

/// The limits that keep an output where it is until a person resets them.
fn latches(moment: &Moment<'_>, id: OutputId, verdict: &Verdict) -> Vec<String> {
    if verdict.cause == Cause::Latched { latched(moment.guard, id) } else { Vec::new() }
}

/// The limits that are clear and keep an output where it is until a person resets them.
pub fn latched(guard: &Guard, id: OutputId) -> Vec<String> {
    let limits = guard.safety_set().limits.iter().zip(guard.limits());
    let holds = limits.filter(|(limit, view)| {
        view.state.is_latched
            && matches!(&limit.action, LimitAction::Force { force, .. } if force.iter().any(|step| step.output == id))
    });
    holds.map(|(limit, _)| limit.name.to_string()).collect()
}

/// What the engine knows, for programs.
fn explained(moment: &Moment<'_>, why: &Explanation) -> Value {
    let mut data = Map::new();
    data.insert("wanted".into(), json!(why.wanted));
    data.insert("default".into(), json!(why.default));
    data.insert("requests".into(), why.requests.iter().map(|asker| request(moment, asker)).collect());
    data.insert("values".into(), readings_data(&why.values));
    moment.add(&mut data, "winner_since", Some(why.winner_since));
    moment.add(&mut data, "waits_for_return_since", why.waits_for_return_since);
    data.into()
}

fn request(moment: &Moment<'_>, asker: &Asker) -> Value {
    let mut data = Map::new();
    data.insert("name".into(), json!(asker.name));
    data.insert("authority".into(), json!(asker.authority.word()));
    data.insert("wanted".into(), json!(asker.wanted));
    data.insert("place".into(), json!(asker.place));
    moment.add(&mut data, "since", Some(asker.since));
    moment.add(&mut data, "until", asker.until);
    data.into()
}
