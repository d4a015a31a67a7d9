//! No threshold is finer than what the point can show.
//!
//! A threshold between two steps of a sensor acts at the next step, not where the file says; a gap smaller than a step is
//! no gap.

use ballast_model::expr::{Program, Threshold};
use ballast_model::{Catalog, Finite, PointId};

use crate::codes;
use crate::compile::Compiled;
use crate::diagnostics::{Diagnostics, Place};
use crate::nouns::show_number;
use crate::safety::SafetyDraft;
use crate::site::{DerivedRule, SiteDraft};

/// What counts as a whole number of steps: 49.3 / 0.01 is not exact in binary.
const STEP_SLACK: f64 = 1e-6;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let catalog = &site.catalog;
    for limit in &safety.limits {
        for compiled in core::iter::once(&limit.when).chain(&limit.until) {
            check_thresholds(site, compiled, out);
        }
        if let Some(until) = &limit.until {
            check_gap(catalog, &limit.when, until, out);
        }
    }
    for compiled in safety.envelopes.iter().flat_map(|draft| &draft.effect) {
        check_thresholds(site, compiled, out);
    }
    if let Some(draft) = &safety.shedding {
        for stage in draft.stages.iter().chain(&draft.bulk) {
            for source in draft.source.iter().flat_map(|source| same_value(site, source.value)) {
                check_value(catalog, source, stage.below.value, stage.below.place, out);
            }
        }
    }
}

fn check_thresholds(site: &SiteDraft, compiled: &Compiled<'_>, out: &mut Diagnostics) {
    for threshold in &compiled.program.thresholds {
        for point in threshold.points.iter().flat_map(|point| same_value(site, *point)) {
            check_value(&site.catalog, point, threshold.value, compiled.place(threshold.span), out);
        }
    }
}

/// The points whose values a point can have: of one that chooses among others, each of these.
fn same_value(site: &SiteDraft, point: PointId) -> Vec<PointId> {
    let (mut found, mut waiting) = (Vec::new(), vec![point]);
    while let Some(point) = waiting.pop() {
        match site.derived_at(point).map(|derived| &derived.rule) {
            Some(DerivedRule::Median(points) | DerivedRule::FirstGood(points)) => waiting.extend(points),
            _ if !found.contains(&point) => found.push(point),
            _ => {}
        }
    }
    found
}

fn check_value(catalog: &Catalog, point: PointId, value: Finite, place: Place, out: &mut Diagnostics) {
    let Some(spec) = catalog.point(point) else { return };
    let Some(resolution) = spec.resolution.filter(|resolution| *resolution > Finite::ZERO) else { return };
    let steps = value.get() / resolution.get();
    if (steps - steps.round()).abs() <= STEP_SLACK * steps.abs().max(1.0) {
        return;
    }
    let shown = |base| show_number(catalog, point, base);
    let below = Finite::saturating(steps.floor() * resolution.get());
    let above = Finite::saturating(steps.ceil() * resolution.get());
    let message = format!("{} is finer than what `{}` can show", shown(value), spec.name);
    let help = format!("its steps are {}: write {} or {}", shown(resolution), shown(below), shown(above));
    out.push(place.mistake(codes::LIMIT_RESOLUTION, message).help(help));
}

/// The gap between acting and letting go is at least one step.
fn check_gap(catalog: &Catalog, when: &Compiled<'_>, until: &Compiled<'_>, out: &mut Diagnostics) {
    let thresholds = |program: &'_ Program| program.thresholds.clone();
    for acts in thresholds(&when.program) {
        for lets_go in thresholds(&until.program) {
            if let Some(resolution) = too_near(catalog, &acts, &lets_go) {
                let (at, acts_at) = (until.place(lets_go.span), when.place(acts.span));
                let message =
                    format!("the gap between acting and letting go is smaller than one step ({resolution})");
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

/// The resolution that is wider than the gap. A gap of zero is the business of the check on hysteresis.
fn too_near(catalog: &Catalog, acts: &Threshold, lets_go: &Threshold) -> Option<String> {
    let point = acts.points.iter().find(|point| lets_go.points.contains(point))?;
    let resolution = catalog.point(*point)?.resolution?;
    let gap = (acts.value.get() - lets_go.value.get()).abs();
    let is_near = gap > 0.0 && gap < resolution.get() * (1.0 - STEP_SLACK);
    is_near.then(|| show_number(catalog, *point, resolution))
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
