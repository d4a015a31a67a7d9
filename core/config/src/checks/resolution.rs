//! No threshold is finer than what the point can show.
//!
//! A threshold between two steps of a sensor acts at the next step, not where the file says; a gap smaller than a step is
//! no gap.

use ballast_model::expr::{Comparison, Steps, TooFine};
use ballast_model::quantity::Shown;
use ballast_model::{Catalog, Finite, Unit};

use crate::codes;
use crate::compile::Compiled;
use crate::diagnostics::{Diagnostics, Place};
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let catalog = &site.catalog;
    for limit in &safety.limits {
        for compiled in core::iter::once(&limit.when).chain(&limit.until) {
            check_comparisons(catalog, compiled, out);
        }
        if let Some(until) = &limit.until {
            check_gap(&limit.when, until, out);
        }
    }
    for compiled in safety.envelopes.iter().flat_map(|draft| &draft.effect) {
        check_comparisons(catalog, compiled, out);
    }
    if let Some(draft) = &safety.shedding {
        for below in draft.stages.iter().chain(&draft.bulk).filter_map(|stage| stage.below) {
            for source in &draft.source {
                let steps = Steps::of_point(source.value, catalog);
                let found = steps.and_then(|steps| steps.too_fine(below.value, Finite::ZERO));
                if let Some((found, spec)) = found.zip(catalog.point(source.value)) {
                    refuse(catalog, &found, (below.value, spec.unit()), None, below.place, out);
                }
            }
        }
    }
}

fn check_comparisons(catalog: &Catalog, compiled: &Compiled<'_>, out: &mut Diagnostics) {
    for found in compiled.program.comparisons() {
        if let Some(fine) = found.too_fine() {
            let place = compiled.place(found.span);
            refuse(catalog, &fine, (found.value, found.unit), Some(found), place, out);
        }
    }
}

fn refuse(
    catalog: &Catalog,
    fine: &TooFine,
    (value, unit): (Finite, Unit),
    comparison: Option<&Comparison>,
    place: Place,
    out: &mut Diagnostics,
) {
    let show = |base| Shown { base, unit }.to_string();
    let (width, below, above) = (show(fine.steps.width), show(fine.below), show(fine.above));
    let subject = comparison.and_then(|comparison| comparison.own_name(fine));
    let subject = subject.or_else(|| Some(&*catalog.point(fine.steps.of)?.name)).unwrap_or("?");
    let value = show(value);
    let (message, help) = match comparison {
        Some(comparison) if !comparison.is_as_written => (
            format!("this comes to {value} of `{subject}`, finer than what it can show"),
            format!("its steps are {width}: let it come to {below} or {above}"),
        ),
        _ => (
            format!("{value} is finer than what `{subject}` can show"),
            format!("its steps are {width}: write {below} or {above}"),
        ),
    };
    out.push(place.mistake(codes::LIMIT_RESOLUTION, message).help(help));
}

/// The gap between acting and letting go is at least one step.
fn check_gap(when: &Compiled<'_>, until: &Compiled<'_>, out: &mut Diagnostics) {
    for acts in when.program.comparisons() {
        for lets_go in until.program.comparisons() {
            if let Some(step) = too_near(acts, lets_go) {
                let (at, acts_at) = (until.place(lets_go.span), when.place(acts.span));
                let message =
                    format!("the gap between acting and letting go is smaller than one step ({step})");
                out.push(
                    at.mistake(codes::LIMIT_RESOLUTION, message)
                        .label("lets go")
                        .also(acts_at.file, acts_at.span, "acts")
                        .help("widen the gap to several steps"),
                );
            }
        }
    }
}

/// The step that is wider than the gap. A gap of zero is the business of the check on hysteresis.
fn too_near(acts: &Comparison, lets_go: &Comparison) -> Option<String> {
    let base = acts.wider_step(lets_go)?;
    Some(Shown { base, unit: acts.unit }.to_string())
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_threshold_between_two_steps_is_refused() {
        check_rest(
            "\
limits:
  - name: full
    when: battery.voltage > 14.45 V
#                           ^^^^^^^ error[limit::resolution]: 14.45 V is finer than what `battery.voltage` can show
#   = help: its steps are 0.1 V: write 14.4 V or 14.5 V
    until: battery.voltage < 14.1 V
    force: [ { charger: open } ]
  - name: fine
    when: battery.voltage > 14.3 V
    until: battery.voltage < 14.2 V
    force: [ { charger: open } ]
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  stages: [ { below: 49.305 Hz, for: 60 ms, shed: 10 %, from: [homes] } ]
#                    ^^^^^^^^^ error[limit::resolution]: 49.305 Hz is finer than what `feeder.frequency` can show
#   = help: its steps are 0.01 Hz: write 49.3 Hz or 49.31 Hz
",
        );
    }

    #[test]
    fn a_gap_of_less_than_a_step_is_refused() {
        check_rest(
            "\
limits:
  - name: hot
    when: battery.temperature_1 > 50 °C
#                                 ----- note: acts
    until: battery.temperature_1 < 49.9 °C
#                                  ^^^^^^^ error[limit::resolution]: 49.9 °C is finer than what `battery.temperature_1` can show
#                                  ^^^^^^^ error[limit::resolution]: the gap between acting and letting go is smaller than one step (0.5 °C) (lets go)
    force: [ { charger: open } ]
",
        );
    }

    /// Hiding a coarse point behind arithmetic makes it no finer.
    #[test]
    fn what_is_computed_is_as_coarse_as_what_it_is_computed_from() {
        check_rest(
            "\
limits:
  - name: moved
    when: battery.voltage - 14 V > 0.45 V
#                                  ^^^^^^ error[limit::resolution]: this comes to 14.45 V of `battery.voltage`, finer than what it can show
#   = help: its steps are 0.1 V: let it come to 14.4 V or 14.5 V
    until: battery.voltage - 14 V < 0.1 V
    force: [ { charger: open } ]
  - name: times one
    when: battery.voltage * 1 > 14.45 V
#                               ^^^^^^^ error[limit::resolution]: 14.45 V is finer than what `battery.voltage` can show
#   = help: its steps are 0.1 V: write 14.4 V or 14.5 V
    until: 2 * battery.voltage < 28.3 V
#                                ^^^^^^ error[limit::resolution]: this comes to 14.15 V of `battery.voltage`, finer than what it can show
#   = help: its steps are 0.1 V: let it come to 14.1 V or 14.2 V
    force: [ { charger: open } ]
  - name: the lower of two
    when: min(battery.voltage, feeder.frequency / 10 Hz * 1 V) > 14.45 V
#                                                                ^^^^^^^ error[limit::resolution]: 14.45 V is finer than what `battery.voltage` can show
#   = help: its steps are 0.1 V: write 14.4 V or 14.5 V
    until: battery.voltage < 14 V
    force: [ { charger: open } ]
  - name: behind a derived point
    when: site.spread > 0.25 K
#                       ^^^^^^ error[limit::resolution]: 0.25 K is finer than what `battery.temperature_1 - battery.temperature_3` can show
#   = help: its steps are 0.5 K: write 0 K or 0.5 K
    until: site.spread < -1 K
    force: [ { charger: open } ]
  - name: of narrow and wide steps
    when: battery.temperature_1 > battery.temperature_3 + 5.25 K
    until: battery.temperature_1 < battery.temperature_3 + 3.3 K
    force: [ { charger: open } ]
  - name: of unknown steps
    when: battery.temperature_1 > battery.temperature_2 + 5.25 K
    until: battery.temperature_1 - battery.temperature_2 < 3.3 K
    force: [ { charger: open } ]
",
        );
    }

    #[test]
    fn the_threshold_of_an_effect_is_looked_at_as_well() {
        crate::checks::fixture::check_safety(
            "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: open, effect: { point: charger.current, closed: \"> 55 mA\", open: \"< 20 mA\", within: 5 s } }
#                                                                     ^^^^^ error[limit::resolution]: 0.055 A is finer than what `charger.current` can show
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
        );
    }
}
