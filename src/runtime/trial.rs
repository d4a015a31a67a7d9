//! A set on trial: watched for a while, and returned from where one of its new rules does harm.
//!
//! What returns is the rules: the nouns and the safety set stay as they are in force, since those only tighten by themselves
//! and a person may have confirmed them. Where the last good rules do not go with them, the rule that did harm is suspended.

use super::carrier::{PROBATION, Probation};
use super::changes::Changes;
use super::decision::Decision;
use super::message::{Harm, Occasion};
use super::reload;
use super::told::Told;
use crate::report::language::Sentence;
use crate::report::reload_words;
use crate::site::{Built, Texts};
use ballast_engine::Command;
use ballast_history::Severity;
use ballast_model::{Mono, Span};
use serde_json::json;
use std::collections::BTreeSet;

/// Who suspends a rule that did harm, in the events.
const WHO: &str = "the trial";

/// When the trial of the running set ends.
pub fn next(decision: &Decision) -> Mono {
    decision.carrier.probation.as_ref().map_or(Mono::MAX, |probation| probation.until)
}

/// Ends the trial when its time has come.
pub fn watch(decision: &mut Decision, now: Mono) {
    if decision.carrier.probation.as_ref().is_some_and(|probation| now >= probation.until) {
        decision.carrier.probation = None;
        let id = decision.carrier.texts.id();
        let sentence = Sentence::both(reload_words::stood_trial);
        let told = Told::info("reload", "", sentence, json!({ "set": id.to_string() }));
        decision.carrier.recorder.tell(now, &told);
        decision.pace.hurry(now);
    }
}

/// A rule of the running set did harm: back to the last good rules, if the set is on trial and the rule is new in it.
pub fn harmed(decision: &mut Decision, now: Mono, rule: &str, why: &Sentence) {
    let carrier = &mut decision.carrier;
    let Some(probation) = carrier.probation.as_ref().filter(|trial| trial.changed.contains(rule)) else {
        return;
    };
    if carrier.is_returning {
        return;
    }
    let texts = probation.last_good.clone();
    let harm = Harm { rule: rule.to_owned(), set: carrier.texts.id() };
    // The trial goes on until the last good rules run: should the program end before, it is resumed.
    carrier.is_returning = true;
    let sentence = Sentence::both(|language| reload_words::returned(why.in_language(language), language));
    let told = Told::info("reload", rule, sentence, json!({ "returned": true })).severity(Severity::Alarm);
    decision.carrier.recorder.tell(now, &told);
    reload::go_back(decision, texts, harm);
}

/// Why the last good rules do not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// They do not go with the nouns of now.
    DoNotGo,
    /// The rule is the same in them: what changed is a derived point, and the nouns stay.
    SameRule,
}

/// The last good rules are not to be had, or would not help: the rule that did harm is taken out alone, and the others stay
/// on trial.
pub fn stays(decision: &mut Decision, harm: Harm, why: Stays) {
    let Harm { rule, .. } = harm;
    let now = decision.carrier.clock.now();
    decision.carrier.is_returning = false;
    if let Some(probation) = &mut decision.carrier.probation {
        probation.changed.remove(&rule);
    }
    decision.carrier.probation.take_if(|probation| probation.changed.is_empty());
    let sentence = Sentence::both(|language| match why {
        Stays::DoNotGo => reload_words::not_returned(&rule, language),
        Stays::SameRule => reload_words::same_rule(&rule, language),
    });
    let told = Told::info("reload", &*rule, sentence, json!({ "returned": false })).severity(Severity::Alarm);
    decision.carrier.recorder.tell(now, &told);
    let rules = decision.running.plan.rules.iter().zip(0..);
    if let Some((_, index)) = rules.into_iter().find(|(plan, _)| *plan.name == *rule) {
        decision.command(Command::Suspend { rule: index, who: WHO.into() });
    }
    decision.pace.hurry(now);
}

/// The names of rules that are new in `built`, or that do something else than the running ones: by their text, or by the
/// derived points that they read.
pub fn changed_rules(old: &ballast_engine::Plan, built: &Built) -> BTreeSet<String> {
    let Changes { added, changed, .. } = Changes::of_rules(old, &built.running.plan);
    added.into_iter().chain(changed).collect()
}

/// The trial of a set, given that of the set before it. A change on top of a set on trial returns to where that one would
/// have, and its rules stay on trial, never for less than they had left; a reload that changes nothing leaves the trial as
/// it is, or as long as the person says who asks for it.
pub fn trial(
    before: Option<Probation>,
    last_good: Texts,
    changed: BTreeSet<String>,
    asked: Option<Span>,
    now: Mono,
) -> Option<Probation> {
    if changed.is_empty() {
        let until = |before: &Probation| asked.map_or(before.until, |asked| now.after(asked));
        return before.map(|before| Probation { until: until(&before), ..before });
    }
    let until = now.after(asked.unwrap_or(PROBATION));
    Some(match before {
        None => Probation { last_good, until, changed },
        Some(Probation { last_good, until: before, changed: on_trial }) => Probation {
            last_good,
            until: if asked.is_some() { until } else { until.max(before) },
            changed: on_trial.into_iter().chain(changed).collect(),
        },
    })
}

/// How long the running set is still on trial.
pub fn trial_left(decision: &Decision, now: Mono) -> Option<Span> {
    decision.carrier.probation.as_ref().map(|probation| probation.until.since(now))
}

/// What became of a trial that a person asked for; `None` where nobody did.
pub fn tell_trial(decision: &Decision, now: Mono, occasion: &Occasion) -> Option<String> {
    occasion.trial()?;
    let language = occasion.language();
    Some(match &decision.carrier.probation {
        None => reload_words::nothing_to_try(language),
        Some(Probation { changed, until, .. }) => {
            reload_words::on_trial(until.since(now), changed.iter(), language)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }
    fn texts(name: &str) -> Texts {
        Texts { files: [(name.to_owned(), [].into())].into(), ..Texts::default() }
    }

    #[test]
    fn a_second_reload_does_not_end_the_trial_of_the_first() {
        let at = Mono::from_millis;
        let first = trial(None, texts("good"), names(&["bad"]), None, at(0));
        let same = trial(first.clone(), texts("new"), names(&[]), None, at(3000));
        assert_eq!(same.as_ref().map(|trial| trial.until), first.as_ref().map(|trial| trial.until));
        let second = trial(same, texts("new"), names(&["other"]), None, at(5000)).unwrap();
        assert_eq!(second.last_good, texts("good"));
        assert_eq!(second.changed, names(&["bad", "other"]));
        assert_eq!(second.until, at(5000).after(PROBATION));
        assert!(trial(None, texts("good"), names(&[]), None, at(0)).is_none());
    }

    #[test]
    fn a_person_may_ask_for_a_longer_trial_and_a_saved_file_does_not_shorten_it() {
        let at = Mono::from_millis;
        let day = Span::from_secs(86_400);
        let long = trial(None, texts("good"), names(&["new"]), Some(day), at(0));
        assert_eq!(long.as_ref().map(|trial| trial.until), Some(at(0).after(day)));
        let edited = trial(long, texts("new"), names(&["other"]), None, at(5000));
        assert_eq!(edited.as_ref().map(|trial| trial.until), Some(at(0).after(day)));
        // The file was saved and is on trial already when the person says for how long.
        let saved = trial(None, texts("good"), names(&["new"]), None, at(0));
        let asked = trial(saved, texts("new"), names(&[]), Some(day), at(9000)).unwrap();
        assert_eq!((asked.until, asked.last_good), (at(9000).after(day), texts("good")));
        assert!(trial(None, texts("good"), names(&[]), Some(day), at(0)).is_none(), "nothing to try");
    }
}
