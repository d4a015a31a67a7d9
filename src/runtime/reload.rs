//! Loading a changed site while it runs: as a whole or not at all.
//!
//! A builder thread reads, checks and compiles the texts, and becomes the next decision thread: between two steps the
//! running one hands it the channels, the guard and the engine's state. What cannot be built changes nothing. A new set is
//! watched for a while; where it does harm, the last good one comes back by itself and the harmful one is marked.

use super::carrier::{Awaiting, PROBATION, PROBATION_MAX, Probation};
use super::decision::{After, Decision};
use super::message::{BuildFailed, Message, Occasion, TakeOver};
use super::opening;
use super::told::Told;
use crate::control::protocol::Answer;
use crate::report::answers::Refused;
use crate::report::language::{Language, Sentence};
use crate::report::reload_words;
use crate::site::{Built, Texts};
use crate::watch::QUIET;
use ballast_guard::Replaced;
use ballast_history::Severity;
use ballast_host::SetHash;
use ballast_model::{Mono, Span};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, channel};
use tokio::sync::oneshot;

/// What a builder needs to begin.
struct Order {
    texts: Option<Texts>,
    /// Files in place of those of the site, beside its rules.
    nouns: Option<Texts>,
    occasion: Occasion,
    reply: Option<oneshot::Sender<Answer>>,
    sender: SyncSender<Message>,
    place: super::carrier::Place,
    /// The files must still be the ones that lay unchanged.
    still: Option<SetHash>,
}

/// How often, and after which rest, files that are just being saved again are looked at once more.
const STILL_LOOKS: usize = 10;

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

/// What a person wants of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Who wants it.
    pub who: String,
    /// Although the set was refused before.
    pub accept: bool,
    /// How long new and changed rules are on trial; `None`: as ever.
    pub trial: Option<Span>,
    /// In which language the answer is read.
    pub language: Language,
}

/// A person asks.
pub fn asked(decision: &mut Decision, wish: Wish, reply: oneshot::Sender<Answer>) {
    let Wish { who, accept, trial, language } = wish;
    if let Some(trial) = trial.filter(|trial| !(PROBATION..=PROBATION_MAX).contains(trial)) {
        let text = Refused::TrialOutOfRange(PROBATION, PROBATION_MAX, trial).say(language);
        // An asker that went away does not matter.
        let _ = reply.send(Answer::refused(text));
        return;
    }
    begin(decision, None, Occasion::Asked { who, accept, trial, language }, Some(reply));
}

/// The files lie changed and still.
pub fn files_changed(decision: &mut Decision, still: Option<SetHash>) {
    begin_with(decision, (None, None), Occasion::Saved, None, still);
}

/// The guard holds to other files than the program runs with: they are taken up, with the rules of the site.
pub fn with_nouns(decision: &mut Decision, nouns: Texts) {
    begin_with(decision, (None, Some(nouns)), Occasion::Guard, None, None);
}

/// A set that the guard does not take before a person says so; nothing changes.
pub fn waits_for_a_person(decision: &mut Decision, take_over: TakeOver, replaced: &Replaced) {
    let TakeOver { texts, occasion, reply, .. } = take_over;
    let trial = occasion.trial();
    decision.carrier.awaiting = replaced.waits_for.map(|fingerprint| Awaiting { fingerprint, texts, trial });
    decision.carrier.files_refused = true;
    opening::tell_waiting(decision, &occasion, reply, replaced);
}

/// A person confirmed a set that waited.
pub fn confirmed(decision: &mut Decision, awaited: Awaiting) {
    let Awaiting { fingerprint, texts, trial } = awaited;
    begin(decision, Some(texts), Occasion::Confirmed { fingerprint, trial }, None);
}

/// A rule of the running set did harm: back to the last good set, if the running one is on trial and the rule is new in it.
pub fn harmed(decision: &mut Decision, now: Mono, rule: &str, why: &Sentence) {
    let Some(probation) = &decision.carrier.probation else { return };
    if !probation.changed.contains(rule) {
        return;
    }
    let texts = probation.last_good.clone();
    decision.carrier.probation = None;
    decision.carrier.refused.insert(decision.carrier.texts.id());
    decision.carrier.files_refused = true;
    let sentence = Sentence::both(|language| reload_words::returned(why.in_language(language), language));
    let told = Told::info("reload", rule, sentence, json!({ "returned": true })).severity(Severity::Alarm);
    decision.carrier.recorder.tell(now, &told);
    begin(decision, Some(texts), Occasion::Return { why: why.english.clone() }, None);
}

fn begin(
    decision: &mut Decision,
    texts: Option<Texts>,
    occasion: Occasion,
    reply: Option<oneshot::Sender<Answer>>,
) {
    begin_with(decision, (texts, None), occasion, reply, None);
}

fn begin_with(
    decision: &mut Decision,
    (texts, nouns): (Option<Texts>, Option<Texts>),
    occasion: Occasion,
    reply: Option<oneshot::Sender<Answer>>,
    still: Option<SetHash>,
) {
    let order = Order {
        texts,
        nouns,
        occasion,
        reply,
        still,
        sender: decision.carrier.sender.clone(),
        place: decision.carrier.place.clone(),
    };
    let context = Context {
        clock: Arc::clone(&decision.carrier.clock),
        running: Arc::clone(&decision.running),
        running_id: decision.carrier.texts.id(),
        refused: decision.carrier.refused.clone(),
    };
    let started =
        std::thread::Builder::new().name("ballast-rules".into()).spawn(move || build(order, &context));
    if let Err(error) = started {
        let now = decision.carrier.clock.now();
        let error = error.to_string();
        let sentence = Sentence::both(|language| reload_words::no_thread(&error, language));
        let told = Told::info("reload", "", sentence, json!({}));
        decision.carrier.recorder.tell(now, &told.severity(Severity::Warning));
    }
}

/// What a builder may know of the running set.
struct Context {
    clock: Arc<ballast_host::Clock>,
    running: Arc<crate::site::Running>,
    running_id: crate::site::SetId,
    refused: BTreeSet<crate::site::SetId>,
}

/// The builder thread: builds, and on success becomes the decision thread.
fn build(order: Order, context: &Context) {
    let Order { texts, nouns, occasion, mut reply, sender, place, still } = order;
    let refuse = |texts: Texts, occasion: Occasion, reply, report: Sentence, data| {
        let failed = BuildFailed { texts, occasion, report, data, reply };
        // A program that ends does not care.
        let _ = sender.send(Message::BuildFailed(Box::new(failed)));
    };
    let texts = match texts.map_or_else(|| read(&place.site, still), |texts| Ok(Some(texts))) {
        Ok(Some(texts)) => texts,
        // They are being saved again; once they lie still, that is told.
        Ok(None) => return,
        Err(error) => {
            let error = error.to_string();
            let report = Sentence::both(|language| reload_words::unreadable(&error, language));
            let data = json!({ "error": &report.english });
            return refuse(Texts::default(), occasion, reply, report, data);
        }
    };
    let texts = match nouns {
        Some(nouns) => texts.with_nouns_of(&nouns),
        None => texts,
    };
    let id = texts.id();
    let is_forced = matches!(occasion, Occasion::Asked { accept: true, .. } | Occasion::Return { .. });
    if context.refused.contains(&id) && !is_forced {
        let set = id.to_string();
        let report = Sentence::both(|language| reload_words::did_harm(&set, language));
        let data = json!({ "error": &report.english, "set": set });
        return refuse(texts, occasion, reply, report, data);
    }
    if id == context.running_id && matches!(occasion, Occasion::Saved | Occasion::Guard) {
        return;
    }
    let built = match crate::site::build_after(&texts, &place.overrides, Some(&context.running)) {
        Ok(built) => built,
        Err(report) => {
            return refuse(texts, occasion, reply, Sentence::english(report.text), report.data);
        }
    };
    let (to, carriers) = channel();
    let take_over = TakeOver { to, texts, occasion, reply: reply.take() };
    if sender.send(Message::TakeOver(Box::new(take_over))).is_err() {
        return;
    }
    drop(sender);
    let Ok(carrier) = carriers.recv() else { return };
    let now = context.clock.now();
    let decision = opening::take_over(built, *carrier, now);
    super::finish(decision.run());
}

/// Reads the files; with `still`, exactly those bytes that lay still, or nothing.
fn read(site: &std::path::Path, still: Option<SetHash>) -> std::io::Result<Option<Texts>> {
    let Some(still) = still else { return Texts::read(site).map(Some) };
    for _ in 0..STILL_LOOKS {
        let texts = Texts::read(site);
        // What lay there before and after the reading lay there while it was read.
        if SetHash::of_directory(site).is_ok_and(|found| found == still) {
            return texts.map(Some);
        }
        std::thread::sleep(QUIET);
    }
    Ok(None)
}

/// Hands everything to the builder that waits; this thread ends.
pub fn hand_over(decision: &mut Decision, take_over: TakeOver) -> After {
    let now = decision.carrier.clock.now();
    decision.turn(now);
    After::HandOver(Box::new(take_over))
}

/// A set could not be built: it is told, nothing changes.
pub fn failed(decision: &mut Decision, failed: BuildFailed) {
    let now = decision.carrier.clock.now();
    *decision.carrier.reloads.entry("refused").or_default() += 1;
    decision.carrier.files_refused = true;
    let sentence = Sentence::both(|language| {
        let first = failed.report.in_language(language).lines().next().unwrap_or_default();
        reload_words::refused(first, language)
    });
    let mut told = Told::info("reload", "", sentence, failed.data.clone()).severity(Severity::Warning);
    if let Occasion::Asked { who, .. } = &failed.occasion {
        told = told.by(who.clone());
    }
    decision.carrier.recorder.tell(now, &told);
    decision.carrier.recorder.complain(&failed.report);
    if let Some(reply) = failed.reply {
        let text = failed.report.in_language(failed.occasion.language());
        // An asker that went away does not matter.
        let _ = reply.send(Answer { ok: false, ..Answer::done(text, failed.data) });
    }
}

/// The names of rules that are new in `built` or whose text differs from the running ones.
pub fn changed_rules(old: &ballast_engine::Plan, built: &Built) -> BTreeSet<String> {
    let known: std::collections::BTreeMap<&str, u64> =
        old.rules.iter().map(|rule| (&*rule.name, rule.text_hash)).collect();
    let is_new = |rule: &&ballast_engine::plan::RulePlan| known.get(&*rule.name) != Some(&rule.text_hash);
    built.running.plan.rules.iter().filter(is_new).map(|rule| rule.name.to_string()).collect()
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
