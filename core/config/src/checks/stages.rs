//! Stages go down, and nothing comes back at a frequency at which it would be cut again.

use ballast_guard::bounds::EVENT_CLEAR;

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;

pub(super) fn check(safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let Some(draft) = &safety.shedding else { return };
    let known = || draft.stages.iter().filter_map(|stage| Some((stage.below?, stage.hold)));
    for ((upper, before), (lower, hold)) in known().zip(known().skip(1)) {
        // Of a time that could not be read nothing is said.
        let is_slower = before.zip(hold).is_none_or(|(before, hold)| hold.value > before.value);
        let is_lower = lower.value < upper.value || (lower.value == upper.value && is_slower);
        if !is_lower {
            let message = "stages go from the highest frequency to the lowest; of two at the same frequency, the quicker \
                           one comes first";
            out.push(
                lower
                    .place
                    .mistake(codes::SHEDDING_STAGES, message)
                    .also(upper.place.file, upper.place.span, "the stage before")
                    .help("put the stages in order, or join the two"),
            );
        }
    }
    let all = draft.stages.iter().chain(&draft.bulk);
    let highest = all.filter_map(|stage| stage.below).max_by_key(|below| below.value);
    if let (Some(highest), Some(above)) = (highest, draft.restore.above)
        && draft.shedding.restore.above <= highest.value
    {
        let cut = highest.place;
        let message = format!(
            "loads would come back at {} Hz, where the first of them are cut again ({} Hz)",
            draft.shedding.restore.above, highest.value
        );
        out.push(
            above
                .mistake(codes::SHEDDING_RESTORE, message)
                .also(cut.file, cut.span, "cut below this")
                .help("write a higher frequency in `above`"),
        );
    }
    if let (Some(_), Some(settle)) = (highest, draft.restore.settle)
        && draft.shedding.restore.settle < EVENT_CLEAR
    {
        let message = format!("no load comes back before the frequency was good for {EVENT_CLEAR}");
        out.push(settle.warning(codes::SHEDDING_RESTORE, message).help(format!(
            "an event is over after that, and only then its stages act again: write {EVENT_CLEAR} or more"
        )));
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn stages_out_of_order_are_refused() {
        check_rest(
            "\
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  stages:
    - { below: 49.3 Hz, for: 60 ms, shed: 10 %, from: [homes] }
#              ------- note: the stage before
    - { below: 49.5 Hz, for: 60 ms, shed: 10 %, from: [homes] }
#              ^^^^^^^ error[shedding::stages]: stages go from the highest frequency to the lowest; of two at the same frequency, the quicker one comes first
#              ------- note: the stage before
    - { below: 49.5 Hz, for: 60 ms, shed: 10 %, from: [homes] }
#              ^^^^^^^ error[shedding::stages]: stages go from the highest frequency to the lowest; of two at the same frequency, the quicker one comes first
    - { below: 49.5 Hz, for: 10 s, shed: 10 %, from: [homes] }
",
        );
    }

    #[test]
    fn loads_come_back_above_the_stages() {
        check_rest(
            "\
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  stages: [ { below: 49.3 Hz, for: 60 ms, shed: 10 %, from: [homes] } ]
  bulk: { below: 49.7 Hz, falling: 3 Hz/s, shed: 40 %, from: [homes] }
#                ------- note: cut below this
  restore_at_most: { above: 49.7 Hz }
#                           ^^^^^^^ error[shedding::restore]: loads would come back at 49.7 Hz, where the first of them are cut again (49.7 Hz)
",
        );
    }
}
