//! A setpoint's safe, default and start values, and those that limits force, are among the values it may take.

use ballast_guard::plan::{Envelope, Level};
use ballast_model::{Finite, Wanted};

use crate::codes;
use crate::diagnostics::{Diagnostics, Place};
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

/// What counts as a whole number of steps: binary fractions of steps such as 0.1 are not exact.
const STEP_SLACK: f64 = 1e-6;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for draft in &safety.envelopes {
        let Envelope { safe, default, at_start, .. } = draft.envelope;
        let Some(level) = &draft.envelope.level else { continue };
        for (key, wanted) in [("safe", safe), ("default", default), ("at_start", at_start)] {
            if draft.fields.get(key).is_some() {
                check_one(site, draft.envelope.output, wanted, level, draft.fields.place(key), out);
            }
        }
        for forced in safety.limits.iter().flat_map(|limit| &limit.force) {
            if forced.value.0 == draft.envelope.output {
                check_one(site, draft.envelope.output, forced.value.1, level, forced.place, out);
            }
        }
    }
}

fn check_one(
    site: &SiteDraft,
    output: ballast_model::OutputId,
    wanted: Wanted,
    level: &Level,
    place: Place,
    out: &mut Diagnostics,
) {
    let Wanted::Level(value) = wanted else { return };
    if level.ranges.is_empty() || is_allowed(value, level) {
        return;
    }
    let show =
        |value| site.catalog.output(output).map_or(String::new(), |spec| spec.show(Wanted::Level(value)));
    let allowed: Vec<String> = level
        .ranges
        .iter()
        .map(
            |(low, high)| if low == high { show(*low) } else { format!("{} to {}", show(*low), show(*high)) },
        )
        .collect();
    let message = format!("{} is not a value that this output may take", show(value));
    let mut help = format!("`values` allows {}", allowed.join(", "));
    if let Some(step) = level.step {
        help.push_str(&format!(", in steps of {}", show(step)));
    }
    out.push(place.mistake(codes::SAFETY_VALUE_NOT_ALLOWED, message).help(help));
}

fn is_allowed(value: Finite, level: &Level) -> bool {
    level.ranges.iter().filter(|(low, high)| (*low..=*high).contains(&value)).any(|(low, high)| {
        match level.step {
            Some(step) if low != high => {
                let steps = (value.get() - low.get()) / step.get();
                (steps - steps.round()).abs() < STEP_SLACK
            }
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_safety;

    #[test]
    fn values_outside_are_refused() {
        check_safety(
            "\
outputs:
  battery: { safe: 100 W, default: 205 W, at_start: 210 W, values: [0 W, 200..2000 W], step: 10 W }
#            ^^^^ error[safety::value_not_allowed]: 100 W is not a value that this output may take
#   = help: `values` allows 0 W, 200 W to 2000 W, in steps of 10 W
#                         ^^^^^^^ error[safety::value_not_allowed]: 205 W is not a value that this output may take
#   = help: `values` allows 0 W, 200 W to 2000 W, in steps of 10 W
  charger: { safe: open }
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
limits:
  - name: hot
    when: battery.temperature_1 > 50 °C
    force: [ { battery: 3 kW } ]
#              ^^^^^^^ error[safety::value_not_allowed]: 3000 W is not a value that this output may take
#   = help: `values` allows 0 W, 200 W to 2000 W, in steps of 10 W
    until: battery.temperature_1 < 45 °C
",
        );
    }
}
