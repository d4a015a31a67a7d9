//! Loading a changed site while it runs: as a whole or not at all.
//!
//! A builder thread reads, checks and compiles the texts, and becomes the next decision thread: between two steps the
//! running one hands it the channels, the guard and the engine's state. What cannot be built changes nothing.

use super::carrier::{Awaiting, BENEATH_MAX, FilesRefused, PROBATION, PROBATION_MAX};
use super::decision::{After, Decision};
use super::message::{BuildFailed, Harm, Message, Occasion, TakeOver};
use super::told::Told;
use super::{beneath, guard_process, opening, trial};
use crate::control::protocol::Answer;
use crate::report::answers::Refused;
use crate::report::language::{Language, Sentence};
use crate::report::reload_words;
use crate::site::{Built, Running, SetId, Texts, emptied};
use crate::watch::QUIET;
use ballast_guard::Replaced;
use ballast_history::Severity;
use ballast_host::SetHash;
use ballast_host::nouns::Given;
use ballast_model::Span;
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

/// The guard holds to other files than the program runs with: they are taken up, with the rules of the site, or with those
/// that run where the files of the site are refused. A program that did not take them up could ask the guard for nothing.
pub fn with_nouns(decision: &mut Decision, nouns: Texts) {
    begin_with(decision, (None, Some(nouns)), Occasion::Guard { refused: None }, None, None);
}

/// A set that the guard does not take before a person says so; nothing changes.
pub fn waits_for_a_person(decision: &mut Decision, take_over: TakeOver, replaced: &Replaced) {
    let TakeOver { texts, occasion, reply, .. } = take_over;
    let trial = occasion.trial();
    decision.carrier.awaiting = replaced.waits_for.map(|fingerprint| Awaiting { fingerprint, texts, trial });
    decision.carrier.files_refused = Some(FilesRefused::Waits);
    opening::tell_waiting(decision, &occasion, reply, replaced);
}

/// A person confirmed a set that waited.
pub fn confirmed(decision: &mut Decision, awaited: Awaiting) {
    let Awaiting { fingerprint, texts, trial } = awaited;
    begin(decision, Some(texts), Occasion::Confirmed { fingerprint, trial }, None);
}

/// The rules of the last good set come back, with the nouns of now.
pub(super) fn go_back(decision: &mut Decision, last_good: Texts, harm: Harm) {
    let nouns = decision.carrier.texts.clone();
    begin_with(decision, (Some(last_good), Some(nouns)), Occasion::Return(harm), None, None);
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
    let context = Context::of(decision);
    let started =
        std::thread::Builder::new().name("ballast-rules".into()).spawn(move || build(order, &context));
    if let Err(error) = started {
        let now = decision.carrier.clock.now();
        let error = error.to_string();
        let sentence = Sentence::both(|language| reload_words::no_thread(&error, language));
        let told = Told::info("reload", "", sentence, json!({}));
        decision.carrier.recorder.tell(now, &told.severity(Severity::Warning));
        decision.carrier.is_returning = false;
    }
}

/// What a builder may know of the running set.
struct Context {
    clock: Arc<ballast_host::Clock>,
    running: Arc<Running>,
    /// What runs.
    texts: Texts,
    /// Why the site's files are other ones.
    amiss: Option<FilesRefused>,
    refused: BTreeSet<SetId>,
    /// No further set of nouns finds room below the next one; with the fingerprint that a person may confirm.
    is_full: Option<u64>,
}

impl Context {
    fn of(decision: &Decision) -> Self {
        let carrier = &decision.carrier;
        let waits_for = carrier.guard.waits_for().filter(|_| carrier.process.is_none());
        Self {
            clock: Arc::clone(&carrier.clock),
            running: Arc::clone(&decision.running),
            texts: carrier.texts.clone(),
            amiss: carrier.files_refused,
            refused: carrier.refused.clone(),
            is_full: waits_for.filter(|_| beneath::is_full(&carrier.beneath)),
        }
    }

    /// Why a set is not even built, if it is not.
    fn refusal(&self, texts: &Texts, occasion: &Occasion) -> Option<Refusal> {
        if matches!(occasion, Occasion::Return(_)) {
            return None;
        }
        let id = texts.id();
        let is_accepted = matches!(occasion, Occasion::Asked { accept: true, .. });
        // The rules that did harm do it beside other nouns too.
        let is_known = matches!(occasion, Occasion::Guard { .. }) && self.amiss == Some(FilesRefused::Harm);
        if (self.refused.contains(&id) || is_known) && !is_accepted {
            let set = id.to_string();
            let report = Sentence::both(|language| reload_words::did_harm(&set, language));
            let data = json!({ "error": &report.english, "set": set });
            return Some(Refusal { refused: FilesRefused::Harm, report, data });
        }
        let is_confirmed = matches!(occasion, Occasion::Confirmed { .. });
        let has_other_nouns = texts.clone().with_nouns_of(&self.texts).files != texts.files;
        let print = self.is_full.filter(|_| has_other_nouns && !is_confirmed)?;
        let report = Sentence::both(|language| reload_words::too_many_wait(BENEATH_MAX, print, language));
        let data = json!({ "error": &report.english, "fingerprint": format!("{print:016x}") });
        Some(Refusal { refused: FilesRefused::Waits, report, data })
    }

    /// Builds a set; one from which rules vanished must be meant by a person.
    fn build(&self, texts: &Texts, occasion: &Occasion, given: Given<'_>) -> Result<Built, Refusal> {
        let built = crate::site::build_after(texts, given, Some(&self.running)).map_err(|refused| {
            let (refused, report, data) =
                (FilesRefused::Mistakes, Sentence::english(refused.text), refused.data);
            Refusal { refused, report, data }
        })?;
        let is_by_itself = matches!(
            occasion,
            Occasion::Saved | Occasion::Guard { .. } | Occasion::Asked { accept: false, .. }
        );
        match emptied(&self.running, &built.running, texts).filter(|_| is_by_itself) {
            None => Ok(built),
            Some(emptied) => {
                let report = Sentence::both(|language| reload_words::emptied(&emptied, language));
                let data =
                    json!({ "error": &report.english, "file": emptied.file, "removed": emptied.names });
                Err(Refusal { refused: FilesRefused::Emptied, report, data })
            }
        }
    }

    /// Whether the last good rules, built with the nouns of now, are of use: not where the rule that did harm is the same in
    /// them, and only reads what the nouns compute otherwise.
    fn is_of_use(&self, built: &Built, occasion: &Occasion) -> bool {
        let Occasion::Return(Harm { rule, .. }) = occasion else { return true };
        let hash = |running: &Running| {
            running.plan.rules.iter().find(|plan| *plan.name == **rule).map(|plan| plan.whole_hash())
        };
        hash(&built.running) != hash(&self.running)
    }

    /// The rules that run with the nouns that the guard holds to, where those of the site's files are refused.
    fn with_own_rules(
        &self,
        nouns: Option<&Texts>,
        occasion: &Occasion,
        given: Given<'_>,
    ) -> Option<(Texts, Built)> {
        let nouns = nouns.filter(|_| matches!(occasion, Occasion::Guard { .. }))?;
        let texts = self.texts.clone().with_nouns_of(nouns);
        let built = self.build(&texts, occasion, given).ok()?;
        Some((texts, built))
    }
}

/// Why a set is not taken.
struct Refusal {
    refused: FilesRefused,
    report: Sentence,
    data: serde_json::Value,
}

impl Refusal {
    /// The last good rules would change nothing of what did harm. What is said of it is said when the rule is taken out.
    fn no_use() -> Self {
        let data = serde_json::Value::Null;
        Self { refused: FilesRefused::Harm, report: Sentence::english(String::new()), data }
    }
}

/// The builder thread: builds, and on success becomes the decision thread.
fn build(order: Order, context: &Context) {
    let Order { texts, nouns, occasion, reply, sender, place, still } = order;
    let found = match texts {
        Some(texts) => Ok(Some(texts)),
        None => read(&place.site, still),
    };
    let built = match found {
        Ok(Some(texts)) => {
            let texts = match &nouns {
                Some(nouns) => texts.with_nouns_of(nouns),
                None => texts,
            };
            let runs_already = texts.files == context.texts.files && context.amiss.is_none();
            if runs_already && matches!(occasion, Occasion::Saved | Occasion::Guard { .. }) {
                return;
            }
            match context.refusal(&texts, &occasion) {
                Some(refusal) => Err(refusal),
                None => context.build(&texts, &occasion, place.given()).and_then(|built| {
                    if context.is_of_use(&built, &occasion) {
                        Ok((texts, built))
                    } else {
                        Err(Refusal::no_use())
                    }
                }),
            }
        }
        // They are being saved again; once they lie still, that is told.
        Ok(None) => return,
        Err(error) => {
            let error = error.to_string();
            let report = Sentence::both(|language| reload_words::unreadable(&error, language));
            let data = json!({ "error": &report.english });
            Err(Refusal { refused: FilesRefused::Mistakes, report, data })
        }
    };
    let (texts, built, occasion, reply) = match built {
        Ok((texts, built)) => (texts, built, occasion, reply),
        Err(Refusal { refused, report, data }) => {
            let own = context.with_own_rules(nouns.as_ref(), &occasion, place.given());
            let failed = BuildFailed { occasion, refused, report, data, reply };
            // A program that ends does not care.
            let _ = sender.send(Message::BuildFailed(Box::new(failed)));
            let Some((texts, built)) = own else { return };
            (texts, built, Occasion::Guard { refused: Some(refused) }, None)
        }
    };
    let (to, carriers) = channel();
    let take_over = TakeOver { to, texts, occasion, reply };
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
    if let Occasion::Return(harm) = failed.occasion {
        if failed.refused == FilesRefused::Harm {
            return trial::stays(decision, harm, trial::Stays::SameRule);
        }
        decision.carrier.recorder.complain(&failed.report);
        return trial::stays(decision, harm, trial::Stays::DoNotGo);
    }
    if !matches!(failed.occasion, Occasion::Guard { .. }) {
        guard_process::forget_asked(decision);
    }
    let now = decision.carrier.clock.now();
    *decision.carrier.reloads.entry("refused").or_default() += 1;
    decision.carrier.files_refused = Some(failed.refused);
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
