//! Loading a changed site while it runs: as a whole or not at all.
//!
//! A builder thread reads, checks and compiles the texts, and becomes the next decision thread: between two steps the
//! running one hands it the channels, the guard and the engine's state. What cannot be built changes nothing. A new set is
//! watched for a while; where it does harm, the last good one comes back by itself and the harmful one is marked.

use super::carrier::{PROBATION, Probation};
use super::decision::{After, Decision};
use super::message::{BuildFailed, Message, Occasion, TakeOver};
use super::told::Told;
use super::{opening, saving};
use crate::control::protocol::Answer;
use crate::site::{Built, Texts};
use crate::watch::{QUIET, SetHash};
use ballast_history::Severity;
use ballast_model::Mono;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, channel};
use tokio::sync::oneshot;

/// What a builder needs to begin.
struct Order {
    texts: Option<Texts>,
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
        let told =
            Told::info("reload", "", "the rules have stood their trial", json!({ "set": id.to_string() }));
        decision.carrier.recorder.tell(now, &told);
        decision.pace.hurry(now);
    }
}

/// A person asks.
pub fn asked(decision: &mut Decision, who: String, accept: bool, reply: oneshot::Sender<Answer>) {
    begin(decision, None, Occasion::Asked { who, accept }, Some(reply));
}

/// The files lie changed and still.
pub fn files_changed(decision: &mut Decision, still: Option<SetHash>) {
    begin_with(decision, None, Occasion::Saved, None, still);
}

/// A person confirmed a set that waited.
pub fn confirmed(decision: &mut Decision, texts: Texts, fingerprint: u64) {
    begin(decision, Some(texts), Occasion::Confirmed { fingerprint }, None);
}

/// A rule of the running set did harm: back to the last good set, if the running one is on trial and the rule is new in it.
pub fn harmed(decision: &mut Decision, now: Mono, rule: &str, why: &str) {
    let Some(probation) = &decision.carrier.probation else { return };
    if !probation.changed.contains(rule) {
        return;
    }
    let texts = probation.last_good.clone();
    decision.carrier.probation = None;
    decision.carrier.refused.insert(decision.carrier.texts.id());
    decision.carrier.files_refused = true;
    let sentence = format!("{why}: the last good rules come back; mend the files and save them again");
    let told = Told::info("reload", rule, sentence, json!({ "returned": true })).severity(Severity::Alarm);
    decision.carrier.recorder.tell(now, &told);
    begin(decision, Some(texts), Occasion::Return { why: why.to_owned() }, None);
}

fn begin(
    decision: &mut Decision,
    texts: Option<Texts>,
    occasion: Occasion,
    reply: Option<oneshot::Sender<Answer>>,
) {
    begin_with(decision, texts, occasion, reply, None);
}

fn begin_with(
    decision: &mut Decision,
    texts: Option<Texts>,
    occasion: Occasion,
    reply: Option<oneshot::Sender<Answer>>,
    still: Option<SetHash>,
) {
    let order = Order {
        texts,
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
        let told = Told::info("reload", "", format!("no thread for a reload: {error}"), json!({}));
        decision.carrier.recorder.tell(now, &told.severity(Severity::Warning));
    }
}

/// What a builder may know of the running set.
struct Context {
    clock: Arc<crate::clock::Clock>,
    running: Arc<crate::site::Running>,
    running_id: crate::site::SetId,
    refused: BTreeSet<crate::site::SetId>,
}

/// The builder thread: builds, and on success becomes the decision thread.
fn build(order: Order, context: &Context) {
    let Order { texts, occasion, mut reply, sender, place, still } = order;
    let refuse = |texts: Texts, occasion: Occasion, reply, report: String, data| {
        let failed = BuildFailed { texts, occasion, report, data, reply };
        // A program that ends does not care.
        let _ = sender.send(Message::BuildFailed(Box::new(failed)));
    };
    let texts = match texts.map_or_else(|| read(&place.site, still), |texts| Ok(Some(texts))) {
        Ok(Some(texts)) => texts,
        // They are being saved again; once they lie still, that is told.
        Ok(None) => return,
        Err(error) => {
            let report = format!("the site's files cannot be read: {error}");
            let data = json!({ "error": &report });
            return refuse(Texts::default(), occasion, reply, report, data);
        }
    };
    let id = texts.id();
    let is_forced = matches!(occasion, Occasion::Asked { accept: true, .. } | Occasion::Return { .. });
    if context.refused.contains(&id) && !is_forced {
        let report = format!("this set ({id}) did harm before; change it, or say `ballast reload --accept`");
        let data = json!({ "error": &report, "set": id.to_string() });
        return refuse(texts, occasion, reply, report, data);
    }
    if id == context.running_id && occasion == Occasion::Saved {
        return;
    }
    let built = match crate::site::build_after(&texts, &place.overrides, Some(&context.running)) {
        Ok(built) => built,
        Err(report) => return refuse(texts, occasion, reply, report.text, report.data),
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
    saving::save(decision, now);
    After::HandOver(Box::new(take_over))
}

/// A set could not be built: it is told, nothing changes.
pub fn failed(decision: &mut Decision, failed: BuildFailed) {
    let now = decision.carrier.clock.now();
    *decision.carrier.reloads.entry("refused").or_default() += 1;
    decision.carrier.files_refused = true;
    let first = failed.report.lines().next().unwrap_or_default();
    let sentence = format!("the changed site was refused and the running one goes on: {first}");
    let mut told = Told::info("reload", "", sentence, failed.data.clone()).severity(Severity::Warning);
    if let Occasion::Asked { who, .. } = &failed.occasion {
        told = told.by(who.clone());
    }
    decision.carrier.recorder.tell(now, &told);
    decision.carrier.recorder.complain(&failed.report);
    if let Some(reply) = failed.reply {
        // An asker that went away does not matter.
        let _ = reply.send(Answer { ok: false, text: failed.report, data: failed.data });
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
/// have, and its rules stay on trial; a reload that changes nothing leaves the trial as it is.
pub fn trial(
    before: Option<Probation>,
    last_good: Texts,
    changed: BTreeSet<String>,
    now: Mono,
) -> Option<Probation> {
    if changed.is_empty() {
        return before;
    }
    let until = now.after(PROBATION);
    Some(match before {
        None => Probation { last_good, until, changed },
        Some(Probation { last_good, changed: on_trial, .. }) => {
            Probation { last_good, until, changed: on_trial.into_iter().chain(changed).collect() }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_reload_does_not_end_the_trial_of_the_first() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let texts = |name: &str| Texts { files: [(name.to_owned(), Vec::new())].into(), ..Texts::default() };
        let at = Mono::from_millis;
        let first = trial(None, texts("good"), names(&["bad"]), at(0));
        let same = trial(first.clone(), texts("new"), names(&[]), at(3000));
        assert_eq!(same.as_ref().map(|trial| trial.until), first.as_ref().map(|trial| trial.until));
        let second = trial(same, texts("new"), names(&["other"]), at(5000)).unwrap();
        assert_eq!(second.last_good, texts("good"));
        assert_eq!(second.changed, names(&["bad", "other"]));
        assert_eq!(second.until, at(5000).after(PROBATION));
        assert!(trial(None, texts("good"), names(&[]), at(0)).is_none());
    }
}
