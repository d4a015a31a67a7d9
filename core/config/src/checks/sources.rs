//! The frequency is measured twice: a single meter that is stuck at 50 Hz would let the island collapse.

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;

pub(super) fn check(safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let Some(draft) = &safety.shedding else { return };
    for (index, source) in draft.source.iter().enumerate() {
        if draft.source.iter().take(index).any(|earlier| earlier.value == source.value) {
            let message = "this source stands twice; agreeing with itself proves nothing";
            out.push(source.place.mistake(codes::SHEDDING_SOURCES, message).help("name another meter"));
        }
    }
    // Those that could not be read, or that belong to what could not, were spoken of there.
    let written = draft.fields.get("source").map_or(0, |node| match &node.kind {
        crate::tree::Kind::List(list) if list.is_complete => list.items.len(),
        _ => usize::MAX,
    });
    match draft.source.as_slice() {
        found if draft.fields.get("source").is_none() || found.len() != written => {}
        [] => {
            let message = "shedding needs a point that measures the frequency";
            out.push(
                draft
                    .fields
                    .place("source")
                    .mistake(codes::SHEDDING_SOURCES, message)
                    .help("name a point in Hz of each meter that has one: `source: [feeder.frequency]`"),
            );
        }
        [only] => {
            let message = "the frequency has a single source: one that is stuck cannot be found out";
            let help = "name a second meter, such as the inverter's own";
            out.push(only.place.warning(codes::SHEDDING_SOURCES, message).help(help));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn one_source_is_warned_about_and_the_same_one_twice_refused() {
        check_rest(
            "\
shedding:
  source: [feeder.frequency]
#          ^^^^^^^^^^^^^^^^ warning[shedding::sources]: the frequency has a single source: one that is stuck cannot be found out
",
        );
        check_rest(
            "\
shedding:
  source: [feeder.frequency, feeder.frequency]
#                            ^^^^^^^^^^^^^^^^ error[shedding::sources]: this source stands twice; agreeing with itself proves nothing
",
        );
    }
}
