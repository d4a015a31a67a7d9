//! The one way out: what of a site is told to others, who they are, how fine and how often, what for and until when.
//!
//! Nothing leaves unless the site's file names who is told what over which bus ([`gate`]); what is not in there is not even
//! asked for. Whoever writes to a receiver has the values from its gate and from nowhere else. What is published without a
//! receiver is no value of the site: commands to its own devices, and the word of a bus whether it is there.
//!
//! | module | holds |
//! |---|---|
//! | [`gate`] | who may be told what, in which steps |
//! | [`term`] | until when: whether a receiver is told anything now |
//! | [`inquiry`] | what is so now, asked of the decision thread in small pieces |
//! | [`home_assistant`], [`units`] | announcements and documents in the form that Home Assistant reads |
//! | [`ledger`] | what was told, and so what is worth a letter now |
//! | [`correspondent`] | the tasks that write the letters, one for each bus |
//! | [`announced`] | what a broker keeps of us, so that it can be taken back |

pub mod announced;
pub mod correspondent;
pub mod gate;
pub mod home_assistant;
pub mod inquiry;
pub mod ledger;
pub mod term;
pub mod units;

use crate::report::language::Sentence;
use crate::report::{egress_words, instant};
use crate::runtime::decision::Decision;
use crate::runtime::told::Told;
use crate::site::Running;
use ballast_config::site::Receiver;
use ballast_history::Severity;
use ballast_model::time::Wall;
use ballast_model::{Mono, Utc};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use term::Standing;

/// Lets the field tell others what the running site says they may be told, and writes down who is told what from now on,
/// where that is not what it was.
pub fn begin(decision: &mut Decision, now: Mono, before: Option<&Running>) {
    if !decision.carrier.field.share(&decision.running) {
        return;
    }
    let old = before.map(grants).unwrap_or_default();
    let new = grants(&decision.running);
    let wall = decision.carrier.clock.wall();
    for (name, grant) in &new {
        if old.get(name) != Some(grant) {
            let standing = Standing::of(grant.until, &wall);
            decision.carrier.standings.insert(name.clone(), (grant.until, standing));
            tell(decision, now, name, grant, standing);
        }
    }
    decision.carrier.standings.retain(|name, _| new.contains_key(name));
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        let sentence = Sentence::both(|language| egress_words::told_no_more(name, language));
        let told = Told::info("receiver", name.clone(), sentence, json!({ "receiver": name }));
        decision.carrier.recorder.tell(now, &told.severity(Severity::Notice));
    }
}

/// Writes down whose time is over by a wall clock that was just read, and where it is not sure whether it is.
pub fn watch(decision: &mut Decision, now: Mono, wall: &Wall) {
    let running = Arc::clone(&decision.running);
    for receiver in running.site.receivers.iter().filter(|receiver| receiver.until.is_some()) {
        let standing = Standing::of(receiver.until, wall);
        // Of another end it is said when the set that has it begins to tell.
        let known = decision.carrier.standings.get_mut(&*receiver.name);
        let Some((_, known)) = known.filter(|(until, _)| *until == receiver.until) else { continue };
        if std::mem::replace(known, standing) != standing {
            let grant = grant(&running, receiver);
            tell(decision, now, &receiver.name, &grant, standing);
        }
    }
}

fn tell(decision: &mut Decision, now: Mono, name: &str, grant: &Grant, standing: Standing) {
    let Grant { bus, points, outputs, purpose, until } = grant;
    let zone = &decision.running.catalog().zone;
    let end = until.map(|until| egress_words::end(until, zone));
    let sentence = Sentence::both(|language| match (standing, &end) {
        (Standing::Unsure, Some(end)) => egress_words::unsure(name, end, language),
        (Standing::Over, Some(end)) => egress_words::over(name, end, language),
        _ => {
            let counts = [points.len(), outputs.len()];
            let told = egress_words::told(name, bus, counts, language);
            let terms = egress_words::terms(end.as_deref(), purpose.as_deref(), language);
            format!("{told}{terms}")
        }
    });
    let data = json!({
        "receiver": name, "bus": bus, "points": points, "outputs": outputs, "purpose": purpose,
        "until": until.map(instant::utc), "standing": standing.word(),
    });
    let told = Told::info("receiver", name.to_owned(), sentence, data).severity(Severity::Notice);
    decision.carrier.recorder.tell(now, &told);
}

/// What a receiver is told, by names.
#[derive(PartialEq, Eq)]
struct Grant {
    bus: String,
    points: Vec<String>,
    outputs: Vec<String>,
    purpose: Option<Box<str>>,
    until: Option<Utc>,
}

fn grants(running: &Running) -> BTreeMap<String, Grant> {
    let receivers = running.site.receivers.iter();
    receivers.map(|receiver| (receiver.name.to_string(), grant(running, receiver))).collect()
}

fn grant(running: &Running, receiver: &Receiver) -> Grant {
    let catalog = running.catalog();
    let points = receiver.points.iter().filter_map(|point| catalog.point(*point));
    let outputs = receiver.outputs.iter().filter_map(|output| catalog.output(*output));
    Grant {
        bus: receiver.bus.to_string(),
        points: points.map(|spec| spec.name.to_string()).collect(),
        outputs: outputs.map(|spec| spec.name.to_string()).collect(),
        purpose: receiver.purpose.clone(),
        until: receiver.until,
    }
}
