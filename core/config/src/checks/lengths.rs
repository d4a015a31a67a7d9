//! Times so long that what they stand for practically never happens: a slip of unit, or a number too many.

use ballast_guard::plan::OnSilence;
use ballast_model::Span as Duration;

use crate::codes;
use crate::diagnostics::{Diagnostics, Place, Placed};
use crate::safety::{EnvelopeDraft, SafetyDraft};

/// What people mean by a time, and up to where it is taken without a word.
struct Usual {
    most: Duration,
    usual: &'static str,
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

const fn days(count: u64) -> Duration {
    minutes(24 * 60 * count)
}

// Own choices, all of them: many times what any site of the manual has, so that nobody is disturbed who means it.
const ACTS: Usual =
    Usual { most: days(7), usual: "a limit acts at once, or after seconds or minutes: `for 10 s`" };
const LETS_GO: Usual = Usual { most: days(7), usual: "a limit lets go after minutes or hours: `for 5 min`" };
const STEP: Usual = Usual { most: days(1), usual: "a step follows after seconds or minutes: `after: 1 s`" };
const STAGE: Usual = Usual { most: minutes(10), usual: "a stage acts after 60 ms to some seconds" };
const SETTLE: Usual = Usual { most: days(1), usual: "30 s to some minutes are usual" };
const ONE_PER: Usual =
    Usual { most: minutes(60), usual: "seconds to some minutes are usual: `one_per: 10 s`" };
const JITTER: Usual = Usual { most: minutes(60), usual: "some seconds are usual: `jitter: 3 s`" };
const INTERVAL: Usual = Usual { most: minutes(60), usual: "seconds are usual: `min_interval: 2 s`" };
const DEAD: Usual = Usual { most: minutes(60), usual: "100 ms to some seconds are usual: `dead_time: 2 s`" };
const LEASE: Usual = Usual { most: minutes(60), usual: "3 s is usual, 90 s over a network" };
const REST: Usual = Usual { most: days(7), usual: "minutes to hours are usual: `5 min`" };
const LONGEST: Usual = Usual { most: days(30), usual: "hours are usual: `max_closed: 14 h`" };
const SILENCE: Usual = Usual { most: days(1), usual: "minutes are usual: `on_silence: hold 10 min`" };

pub(super) fn check(safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        if let Some(hold) = limit.when.hold {
            review(hold, &ACTS, "the limit practically never acts", out);
        }
        if let Some(hold) = limit.until.as_ref().and_then(|until| until.hold) {
            review(hold, &LETS_GO, "the limit practically never lets go", out);
        }
        for after in &limit.waits {
            review(*after, &STEP, "this step is practically never reached", out);
        }
    }
    if let Some(draft) = &safety.shedding {
        for hold in draft.stages.iter().filter_map(|stage| stage.hold) {
            review(
                hold,
                &STAGE,
                "the frequency has long gone elsewhere, and the stage practically never acts",
                out,
            );
        }
        let (restore, places) = (&draft.shedding.restore, &draft.restore);
        for (value, place, usual, what) in [
            (restore.settle, places.settle, &SETTLE, "no load practically ever comes back"),
            (
                restore.one_per,
                places.one_per,
                &ONE_PER,
                "after one load the next practically never comes back",
            ),
            (
                restore.jitter,
                places.jitter,
                &JITTER,
                "up to all this time is added before each load comes back",
            ),
        ] {
            if let Some(place) = place {
                review(Placed { value, place }, usual, what, out);
            }
        }
    }
    for draft in &safety.interlocks {
        if let Some(dead_time) = draft.dead_time {
            review(dead_time, &DEAD, "for all this time neither of them is there", out);
        }
    }
    for draft in &safety.envelopes {
        check_envelope(draft, out);
    }
}

fn check_envelope(draft: &EnvelopeDraft<'_>, out: &mut Diagnostics) {
    let envelope = &draft.envelope;
    let at = |key: &str| draft.fields.get(key).map(crate::tree::Node::place);
    let mut told = |key: &str, value: Duration, usual: &Usual, what: &str| {
        let found: Option<Place> = at(key);
        if let Some(place) = found {
            review(Placed { value, place }, usual, what, out);
        }
    };
    told("lease", envelope.lease, &LEASE, "a program that is gone would be obeyed for all this time");
    told(
        "min_closed",
        envelope.min_closed,
        &REST,
        "once closed it stays so for all this time, whatever rules and people ask",
    );
    told(
        "min_open",
        envelope.min_open,
        &REST,
        "once open it stays so for all this time, whatever rules and people ask",
    );
    if let Some(level) = &envelope.level {
        let what = "for all this time it keeps a value, whatever rules and people ask";
        told("min_interval", level.min_interval, &INTERVAL, what);
    }
    if let Some(longest) = envelope.max_closed {
        told("max_closed", longest, &LONGEST, "its longest time is practically never over");
    }
    if let OnSilence::Hold(hold) = envelope.on_silence {
        told("on_silence", hold, &SILENCE, "a program that is gone would be obeyed for all this time");
    }
}

fn review(found: Placed<Duration>, usual: &Usual, what: &str, out: &mut Diagnostics) {
    if found.value > usual.most {
        let message = format!("{} is very long: {what}", found.value);
        let help = format!("{}; look at the unit", usual.usual);
        out.push(found.place.warning(codes::SAFETY_LONG, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::{check_rest, check_safety};

    #[test]
    fn a_limit_that_is_practically_never_reached_is_told() {
        check_rest(
            "\
limits:
  - name: hot
    when: battery.soc > 50 % for 8 d
#                                ^^^ warning[safety::long]: 8 d is very long: the limit practically never acts
#   = help: a limit acts at once, or after seconds or minutes: `for 10 s`; look at the unit
    until: battery.soc < 40 % for 100 d
#                                 ^^^^^ warning[safety::long]: 100 d is very long: the limit practically never lets go
#   = help: a limit lets go after minutes or hours: `for 5 min`; look at the unit
    force: [ { mains: closed }, { charger: open, after: 100 d } ]
#                                                       ^^^^^ warning[safety::long]: 100 d is very long: this step is practically never reached
#   = help: a step follows after seconds or minutes: `after: 1 s`; look at the unit
  - { name: slow, when: battery.soc > 50 % for 7 d, until: battery.soc < 40 % for 7 d, force: [ { charger: open, after: 1 d } ] }
interlocks:
  - { never_together: [mains: closed, genset.contactor: closed], dead_time: 2 h }
#                                                                           ^^^ warning[safety::long]: 2 h is very long: for all this time neither of them is there
#   = help: 100 ms to some seconds are usual: `dead_time: 2 s`; look at the unit
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  stages:
    - { below: 49.5 Hz, for: 10 min, shed: 10 %, from: [homes] }
    - { below: 49.3 Hz, for: 11 min, shed: 10 %, from: [homes] }
#                            ^^^^^^ warning[safety::long]: 11 min is very long: the frequency has long gone elsewhere, and the stage practically never acts
#   = help: a stage acts after 60 ms to some seconds; look at the unit
  restore_at_most: { settle: 2 d, one_per: 3 h, jitter: 90 min }
#                            ^^^ warning[safety::long]: 2 d is very long: no load practically ever comes back
#   = help: 30 s to some minutes are usual; look at the unit
#                                          ^^^ warning[safety::long]: 3 h is very long: after one load the next practically never comes back
#   = help: seconds to some minutes are usual: `one_per: 10 s`; look at the unit
#                                                       ^^^^^^ warning[safety::long]: 1 h 30 min is very long: up to all this time is added before each load comes back
#   = help: some seconds are usual: `jitter: 3 s`; look at the unit
",
        );
    }

    #[test]
    fn an_output_that_would_stay_for_weeks_is_told() {
        check_safety(
            "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W], min_open: 7 d, min_interval: 2 h }
#                                                                                ^^^ warning[safety::long]: 2 h is very long: for all this time it keeps a value, whatever rules and people ask
  charger: { safe: open, min_closed: 8 d, lease: 2 h, on_silence: hold 2 d }
#                                    ^^^ warning[safety::long]: 8 d is very long: once closed it stays so for all this time, whatever rules and people ask
#                                                ^^^ warning[safety::long]: 2 h is very long: a program that is gone would be obeyed for all this time
#                                                                 ^^^^^^^^ warning[safety::long]: 2 d is very long: a program that is gone would be obeyed for all this time
  mains: { safe: closed, min_open: 8 d }
#                                  ^^^ warning[safety::long]: 8 d is very long: once open it stays so for all this time, whatever rules and people ask
  genset.contactor: { safe: open, max_closed: 31 d }
#                                             ^^^^ warning[safety::long]: 31 d is very long: its longest time is practically never over
  genset.run: { safe: open, max_closed: 30 d, lease: 60 min }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
        );
    }
}
