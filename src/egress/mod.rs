//! The one way out: what of a site is told to others, who they are, how fine and how often.
//!
//! Nothing leaves unless the site's file names who is told what over which bus ([`gate`]); what is not in there is not even
//! asked for. Whoever writes to a receiver has the values from its gate and from nowhere else. What is published without a
//! receiver is no value of the site: commands to its own devices, and the word of a bus whether it is there.
//!
//! | module | holds |
//! |---|---|
//! | [`gate`] | who may be told what, in which steps |
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
pub mod units;

use crate::report::egress_words;
use crate::report::language::Sentence;
use crate::runtime::decision::Decision;
use crate::runtime::told::Told;
use crate::site::Running;
use ballast_history::Severity;
use ballast_model::Mono;
use serde_json::json;
use std::collections::BTreeMap;

/// Lets the field tell others what the running site says they may be told, and writes down who is told what from now on,
/// where that is not what it was.
pub fn begin(decision: &mut Decision, now: Mono, before: Option<&Running>) {
    if !decision.carrier.field.share(&decision.running) {
        return;
    }
    let old = before.map(grants).unwrap_or_default();
    let new = grants(&decision.running);
    for (name, grant) in &new {
        if old.get(name) != Some(grant) {
            let Grant { bus, points, outputs } = grant;
            let counts = [points.len(), outputs.len()];
            let sentence = Sentence::both(|language| egress_words::told(name, bus, counts, language));
            let data = json!({ "receiver": name, "bus": bus, "points": points, "outputs": outputs });
            let told = Told::info("receiver", name.clone(), sentence, data).severity(Severity::Notice);
            decision.carrier.recorder.tell(now, &told);
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        let sentence = Sentence::both(|language| egress_words::told_no_more(name, language));
        let told = Told::info("receiver", name.clone(), sentence, json!({ "receiver": name }));
        decision.carrier.recorder.tell(now, &told.severity(Severity::Notice));
    }
}

/// What a receiver is told, by names.
#[derive(PartialEq, Eq)]
struct Grant {
    bus: String,
    points: Vec<String>,
    outputs: Vec<String>,
}

fn grants(running: &Running) -> BTreeMap<String, Grant> {
    let catalog = running.catalog();
    let all = running.site.receivers.iter().map(|receiver| {
        let points = receiver.points.iter().filter_map(|point| catalog.point(*point));
        let outputs = receiver.outputs.iter().filter_map(|output| catalog.output(*output));
        let grant = Grant {
            bus: receiver.bus.to_string(),
            points: points.map(|spec| spec.name.to_string()).collect(),
            outputs: outputs.map(|spec| spec.name.to_string()).collect(),
        };
        (receiver.name.to_string(), grant)
    });
    all.collect()
}
