//! The candidate of a running program: begun, asked, promoted, dropped.

use super::carrier::Carrier;
use super::decision::{After, Decision};
use super::reload::{self, Wish};
use super::saving;
use super::told::Told;
use crate::control::protocol::Answer;
use crate::report::instant;
use crate::report::language::{Language, Sentence};
use crate::report::moment::Protection;
use crate::report::shadow_words;
use crate::shadow::handle::{About, Asked, News, Shadow, What};
use crate::shadow::left::Left;
use crate::shadow::paths::Paths;
use crate::shadow::run::{self, Order};
use crate::shadow::tally::Tally;
use crate::site::Texts;
use ballast_history::Severity;
use ballast_model::{Mono, OutputId, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What a person wants to see beside the rules.
pub struct Candidate {
    /// Where its rules come from, for people.
    pub name: String,
    /// The folder in which they lie, for people.
    pub folder: String,
    /// Its rule files.
    pub rules: BTreeMap<String, String>,
    /// They stand in for all of the site's, not only for those of their names.
    pub is_whole: bool,
}

/// A person begins one.
pub fn start(
    decision: &mut Decision,
    who: String,
    candidate: Candidate,
    language: Language,
    reply: oneshot::Sender<Answer>,
) {
    let Candidate { name, folder, rules, is_whole } = candidate;
    if let Some(runs) = &decision.carrier.shadows.current {
        // An asker that went away does not matter.
        let _ = reply.send(Answer::refused(shadow_words::runs_already(&runs.about.rules, language)));
        return;
    }
    let paths = Paths::new(Path::new(&folder), rules.keys().map(String::as_str));
    let before = decision.carrier.texts.clone();
    let mut texts = if is_whole { Texts::default().with_nouns_of(&before) } else { before.clone() };
    let files = rules.into_iter().filter(|(name, _)| name.starts_with("rules/") && name.ends_with(".rhai"));
    texts.files.extend(files.map(|(name, text)| (name, Arc::from(text.into_bytes()))));
    let carrier = &mut decision.carrier;
    let now = carrier.clock.now();
    let number = carrier.shadows.next_number(now);
    let about = About { rules: name, who, began: carrier.clock.wall().utc };
    let interventions = carrier.guard.counters().interventions;
    let tally = Tally::new(now, decision.running.catalog().outputs.len());
    let (mut shadow, feed) = Shadow::new(number, about, [texts.clone(), before], interventions, tally);
    shadow.waiting = Some((reply, language));
    let order = Order {
        number,
        texts,
        paths,
        tally: Arc::clone(&shadow.tally),
        running: Arc::clone(&decision.running),
        engine: decision.engine.save().into_owned(),
        guard: carrier.guard.save(),
        at: now,
        clock: Arc::clone(&carrier.clock),
        sender: carrier.sender.clone(),
        feed,
        place: carrier.place.clone(),
    };
    carrier.shadows.ended = None;
    carrier.shadows.current = Some(shadow);
    if matches!(decision.carrier.protection(), Protection::Gone(_)) {
        guard_gone(decision, now);
    } else {
        guard_there(decision, now);
    }
    let started = std::thread::Builder::new().name("ballast-shadow".into()).spawn(move || run::run(order));
    if let Err(error) = started {
        news(decision, News { number, what: What::Failed(error.to_string()) });
    }
}

/// What every output is under the running rules, as their guard says.
pub fn guard_there(decision: &mut Decision, now: Mono) {
    let outputs = decision.running.catalog().outputs.len();
    for output in (0..).map(OutputId).take(outputs) {
        if let Some(verdict) = decision.carrier.guard.verdict(output).copied() {
            verdict_came(decision, now, &verdict);
        }
    }
}

/// The guard of the running rules is gone: the candidate is compared with nothing until it is back.
pub fn guard_gone(decision: &mut Decision, now: Mono) {
    if let Some(shadow) = &mut decision.carrier.shadows.current {
        shadow.lose_running(now);
    }
}

/// The running guard answered; the candidate's thread compares.
pub fn verdict_came(decision: &mut Decision, now: Mono, verdict: &Verdict) {
    let Some(shadow) = &mut decision.carrier.shadows.current else { return };
    if !shadow.is_news(verdict) {
        return;
    }
    let reason = run::reason(decision, verdict.output, verdict);
    let (output, wanted) = (verdict.output, verdict.state);
    if let Some(shadow) = &mut decision.carrier.shadows.current {
        shadow.hand_verdict(output, now, wanted, reason);
    }
}

/// The candidate's thread says how it goes.
pub fn news(decision: &mut Decision, news: News) -> After {
    let now = decision.carrier.clock.now();
    let shadows = &mut decision.carrier.shadows;
    let Some(shadow) = shadows.current.as_mut().filter(|shadow| shadow.number == news.number) else {
        return After::GoOn;
    };
    let (about, waiting) = (shadow.about.clone(), shadow.waiting.take());
    let answer = match news.what {
        What::Began => {
            let (rules, who) = (&about.rules, &about.who);
            let sentence = Sentence::both(|language| shadow_words::began_by(rules, who, language));
            tell(&mut decision.carrier, now, sentence, rules, Some(who));
            if let Some((reply, language)) = waiting {
                let data = json!({ "runs": true, "rules": rules });
                // Should the program end, the next one knows of it.
                let answer = Answer::done(shadow_words::began(rules, language), data);
                saving::acknowledge(decision, reply, answer, language);
            }
            return After::GoOn;
        }
        What::Refused(text, data) => {
            shadows.current = None;
            Some(Answer { ok: false, ..Answer::done(text, data) })
        }
        What::Failed(why) => {
            shadows.current = None;
            let sentence = Sentence::both(|language| shadow_words::failed(&about.rules, &why, language));
            let answer =
                waiting.as_ref().map(|(_, language)| Answer::refused(sentence.in_language(*language)));
            shadows.ended = Some(sentence.clone());
            tell(&mut decision.carrier, now, sentence, &about.rules, None);
            decision.pace.hurry(now);
            answer
        }
    };
    if let (Some((reply, _)), Some(answer)) = (waiting, answer) {
        // An asker that went away does not matter.
        let _ = reply.send(answer);
    }
    After::GoOn
}

/// A person asks how it goes.
pub fn ask(decision: &Decision, language: Language, reply: oneshot::Sender<Answer>) {
    let shadows = &decision.carrier.shadows;
    let Some(shadow) = &shadows.current else {
        let data = json!({ "runs": false, "ended": shadows.ended.as_ref().map(|ended| &ended.english) });
        // An asker that went away does not matter.
        let _ = reply.send(Answer::done(none(decision, language), data));
        return;
    };
    let interventions = decision.carrier.guard.counters().interventions;
    let asked = Asked {
        language,
        interventions: interventions.saturating_sub(shadow.interventions),
        lagged: shadow.lagged(),
        about: shadow.about.clone(),
        reply,
    };
    if let Some(asked) = shadow.ask(asked) {
        // An asker that went away does not matter.
        let _ = asked.reply.send(Answer::refused(shadow_words::behind(shadow.lagged(), language)));
    }
}

/// None runs, and why the last one does not any more.
fn none(decision: &Decision, language: Language) -> String {
    let ended = decision.carrier.shadows.ended.as_ref();
    shadow_words::none(ended.map(|ended| ended.in_language(language)), language)
}

/// The files of the candidate, and the set beside which it began.
pub fn texts(decision: &Decision, language: Language) -> Result<Answer, String> {
    let Some(shadow) = &decision.carrier.shadows.current else {
        return Err(none(decision, language));
    };
    let [candidate, before] = &shadow.texts;
    let files: BTreeMap<&str, String> =
        candidate.rules().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes).into_owned())).collect();
    let before = before.id().to_string();
    Ok(Answer::done("", json!({ "number": shadow.number, "files": files, "before": before })))
}

/// A person drops it.
pub fn drop_it(decision: &mut Decision, who: &str, language: Language) -> Result<Answer, String> {
    let Some(shadow) = decision.carrier.shadows.current.take() else {
        return Err(none(decision, language));
    };
    let (now, rules) = (decision.carrier.clock.now(), &shadow.about.rules);
    let sentence = Sentence::both(|language| shadow_words::dropped(rules, language));
    let text = sentence.in_language(language).to_owned();
    tell(&mut decision.carrier, now, sentence, rules, Some(who));
    Ok(Answer::done(text, json!({ "dropped": rules })))
}

/// A person has put the files of the candidate of this number into the site: they are loaded as any others are.
pub fn promote(decision: &mut Decision, number: u64, wish: Wish, reply: oneshot::Sender<Answer>) {
    let Some(shadow) = &decision.carrier.shadows.current else {
        // An asker that went away does not matter.
        let _ = reply.send(Answer::refused(none(decision, wish.language)));
        return;
    };
    if shadow.number != number {
        // What lies in the site now are the rules of the one before. An asker that went away does not matter.
        let About { rules, who, .. } = &shadow.about;
        let _ = reply.send(Answer::refused(shadow_words::another(rules, who, wish.language)));
        return;
    }
    let (now, rules) = (decision.carrier.clock.now(), shadow.about.rules.clone());
    let sentence = Sentence::both(|language| shadow_words::promoted_by(&rules, &wish.who, language));
    tell(&mut decision.carrier, now, sentence, &rules, Some(&wish.who));
    reload::asked(decision, wish, reply);
}

/// Another set runs: what was compared with the one before it is over.
pub fn overtaken(carrier: &mut Carrier, now: Mono) {
    let Some(shadow) = carrier.shadows.current.take() else { return };
    let rules = &shadow.about.rules;
    let sentence = Sentence::both(|language| shadow_words::overtaken(rules, language));
    carrier.shadows.ended = Some(sentence.clone());
    tell(carrier, now, sentence, rules, None);
}

/// A candidate ran until the last run ended: it does not go on, and is not forgotten in silence.
pub fn tell_left(decision: &mut Decision, now: Mono) {
    let Some(left) = decision.carrier.shadows.left.take() else { return };
    let zone = &decision.running.catalog().zone;
    let sentence = Sentence::both(|language| match &left {
        Left::Known(About { rules, who, began }) => {
            shadow_words::ended_with_program(rules, who, &instant::local(*began, zone), language)
        }
        Left::Unreadable => shadow_words::unreadable_ended(language).to_owned(),
    });
    decision.carrier.shadows.ended = Some(sentence.clone());
    let data = match &left {
        Left::Known(about) => {
            json!({ "rules": about.rules, "who": about.who, "since": instant::utc(about.began) })
        }
        Left::Unreadable => Value::Null,
    };
    let told = Told::info("shadow", "", sentence, data).severity(Severity::Warning);
    // Once: the first state that this run saves knows nothing of it any more.
    decision.carrier.recorder.tell(now, &told);
}

/// The status of a site says that one runs.
pub fn mention(decision: &Decision, language: Language, mut status: Answer) -> Answer {
    if let Some(shadow) = &decision.carrier.shadows.current {
        status.text.push_str(&shadow_words::mention(&shadow.about.rules, language));
        if let Some(data) = status.data.as_object_mut() {
            data.insert("shadow".into(), json!({ "rules": shadow.about.rules, "lagged": shadow.lagged() }));
        }
    }
    status
}

fn tell(carrier: &mut Carrier, now: Mono, sentence: Sentence, rules: &str, who: Option<&str>) {
    let data: Value = json!({ "rules": rules });
    let told = Told::info("shadow", "", sentence, data).severity(Severity::Notice);
    carrier.recorder.tell(
        now,
        &match who {
            Some(who) => told.by(who),
            None => told,
        },
    );
}
