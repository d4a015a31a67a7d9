//! What the engine says, as sentences.

use ballast_engine::{Event, Plan, Source, Winner};

/// A sentence for an event.
pub fn sentence(event: &Event, plan: &Plan) -> String {
    let _ = plan;
    format!("{event:?}")
}

/// Who won.
pub fn winner(winner: &Winner, plan: &Plan) -> String {
    let rule = |index: u32| plan.rules.get(index as usize).map_or("?", |rule| &*rule.name);
    match winner.source {
        Source::Default => "nobody asks".into(),
        Source::Rule(index) => format!("rule \"{}\"", rule(index)),
        other => format!("{other:?}"),
    }
}
