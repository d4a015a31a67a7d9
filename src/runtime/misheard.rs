//! What devices said that is no value: told, and kept for whoever asks why a point has none.

use super::decision::Decision;
use super::told::Told;
use crate::report::bus_words;
use crate::report::language::Sentence;
use ballast_drivers::Report;
use ballast_history::Severity;
use ballast_model::catalog::{Facet, OutputSpec};
use ballast_model::{OutputId, PointId};
use serde_json::json;

/// Takes what a bus tells of values that are none.
pub fn hear(decision: &mut Decision, bus: &str, report: &Report) {
    match report {
        Report::Misheard { points, outputs, text, .. } => told(decision, bus, (points, outputs), text),
        Report::Unclear { points, outputs, text, .. } => {
            unclear(decision, (points, outputs), text.as_deref())
        }
        _ => {}
    }
}

/// Something that a device said is no value of its points, and no state of its outputs.
fn told(decision: &mut Decision, bus: &str, (points, outputs): (&[PointId], &[OutputId]), text: &str) {
    let now = decision.carrier.clock.now();
    let catalog = decision.running.catalog();
    let of_points: Vec<&str> =
        points.iter().filter_map(|point| catalog.point(*point)).map(|spec| &*spec.name).collect();
    let of_outputs: Vec<&str> = specs(decision, outputs).map(|spec| &*spec.name).collect();
    let sentence = Sentence::both(|language| {
        let (text, colon) = (bus_words::told(text, language), language.colon());
        format!("bus {bus}{colon} {text}")
    });
    let data = json!({ "points": of_points, "outputs": of_outputs, "said": text });
    let told = Told::info("misheard", bus, sentence, data);
    unclear(decision, (points, outputs), Some(text));
    decision.carrier.recorder.tell(now, &told.severity(Severity::Warning));
}

/// Why these have no value, where that was told already; `None` once it is over.
fn unclear(decision: &mut Decision, (points, outputs): (&[PointId], &[OutputId]), text: Option<&str>) {
    let catalog = decision.running.catalog();
    // What an output is, is a point as well.
    let actual = specs(decision, outputs).map(|spec| spec.facet(Facet::Actual));
    let all = points.iter().copied().chain(actual);
    let names: Vec<Box<str>> =
        all.filter_map(|point| catalog.point(point)).map(|spec| spec.name.as_ref().into()).collect();
    for name in names {
        match text {
            Some(text) => _ = decision.carrier.misheard.insert(name, text.into()),
            None => _ = decision.carrier.misheard.remove(&name),
        }
    }
}

fn specs<'a>(decision: &'a Decision, outputs: &'a [OutputId]) -> impl Iterator<Item = &'a OutputSpec> {
    outputs.iter().filter_map(|output| decision.running.catalog().output(*output))
}
