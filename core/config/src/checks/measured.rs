//! What the guard decides by is measured, not said.
//!
//! A setting, the mode, what is asked of an output and what a generator is taken for are words of people, rules and the
//! program: a limit that leans on one is lifted by whoever says another word. A derived point that stands in for what is
//! unknown would take from a limit that unknown counts as violated. What is left to the program, the median of several
//! points, is as true as the program, and is told as a warning.

use ballast_model::PointId;
use ballast_model::almanac::SUN_POINT;
use ballast_model::catalog::{Facet, Noun, Origin};
use ballast_model::expr::Node;

use crate::codes;
use crate::compile::Compiled;
use crate::diagnostics::{Diagnostics, Place};
use crate::expr::named;
use crate::load::all_behind;
use crate::safety::SafetyDraft;
use crate::site::{DerivedRule, SiteDraft};

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        for compiled in core::iter::once(&limit.when).chain(&limit.until) {
            check_condition(site, compiled, "a limit", out);
        }
    }
    for compiled in safety.envelopes.iter().flat_map(|draft| &draft.effect) {
        check_condition(site, compiled, "an effect", out);
    }
    for asleep in &safety.asleep {
        check_condition(site, &asleep.when, "`asleep`", out);
        let spec = site.catalog.point(asleep.point.value);
        if let Some(spec) = spec.filter(|spec| spec.origin != Origin::Measured) {
            let message = format!("`{}` is not measured, so its device cannot be asleep", spec.name);
            let help = "name the measured point behind it";
            out.push(asleep.point.place.mistake(codes::SAFETY_ASLEEP, message).help(help));
        }
    }
    let Some(draft) = &safety.shedding else { return };
    for source in &draft.source {
        check_point(site, source.value, source.place, "shedding", out);
    }
    let restore = draft.restore.keep_free.unwrap_or(draft.fields.head());
    let powers = draft.shedding.loads.iter().filter_map(|load| load.power);
    for (point, place) in draft
        .shedding
        .restore
        .capacity
        .map(|point| (point, restore))
        .into_iter()
        .chain(draft.shedding.site_load.map(|point| (point, draft.fields.place("load"))))
        .chain(powers.map(|point| (point, draft.fields.head())))
    {
        // Here unknown means that nothing comes back, so that standing in for it is the owner's business.
        for behind in all_behind(site, point) {
            check_said(site, point, behind, place, "shedding", out);
        }
    }
}

fn check_condition(site: &SiteDraft, compiled: &Compiled<'_>, what: &str, out: &mut Diagnostics) {
    for point in &compiled.program.reads {
        check_point(site, *point, place_of(site, compiled, *point), what, out);
    }
}

/// Where a condition names a point, or the derived point that was written out and reads it.
pub(super) fn place_of(site: &SiteDraft, compiled: &Compiled<'_>, point: PointId) -> Place {
    for (name, span) in named(&compiled.expr) {
        let Some(Noun::Point(named)) = site.catalog.resolve(name) else { continue };
        // The left side of an effect's comparison stands elsewhere.
        if span.end > span.start && all_behind(site, named).contains(&point) {
            return compiled.place(span);
        }
    }
    compiled.node.place()
}

/// One point that is read, with all behind it.
fn check_point(site: &SiteDraft, point: PointId, place: Place, what: &str, out: &mut Diagnostics) {
    for behind in all_behind(site, point) {
        if check_said(site, point, behind, place, what, out) {
            return;
        }
        let Some(derived) = site.derived_at(behind) else { continue };
        let name = name(site, behind);
        if stands_in(&derived.rule) {
            let message = format!("{what} cannot lean on `{name}`, which stands in for what is unknown");
            let help = "unknown counts as violated, or as `unknown:` says: name the measured points, with `max` or `min`";
            push(site, behind, place.mistake(codes::LIMIT_NOT_MEASURED, message).help(help), out);
            return;
        }
    }
    let is_computed = site.derived_at(point).is_some_and(|derived| !derived.is_smoothed);
    if is_computed {
        let name = name(site, point);
        let message = format!(
            "`{name}` is computed by the program: {what} on it is only as true as what the program says"
        );
        let help = "name the measured points, with `max` or `min`; those the guard reads itself";
        push(site, point, place.warning(codes::LIMIT_BY_PROGRAM, message).help(help), out);
    }
}

/// Whether a derived point is known although something it is computed from is not.
fn stands_in(rule: &DerivedRule) -> bool {
    match rule {
        DerivedRule::FirstGood(points) => points.len() > 1,
        DerivedRule::Program(program) => program
            .nodes()
            .iter()
            .any(|node| matches!(node, Node::OrElse(..) | Node::Known(_) | Node::Age(_) | Node::Changed(_))),
        DerivedRule::Median(_) | DerivedRule::Sum(_) => false,
    }
}

/// Refuses a point that is a word of somebody; says whether it is one.
fn check_said(
    site: &SiteDraft,
    named: PointId,
    point: PointId,
    place: Place,
    what: &str,
    out: &mut Diagnostics,
) -> bool {
    let Some(spec) = site.catalog.point(point) else { return false };
    let (why, help) = match spec.origin {
        Origin::Setting => (
            "which people and rules change",
            "write the number itself: in safety.yaml, or as a derived point, `{ expression: 5 kW }`",
        ),
        Origin::Mode => (
            "which people and rules change",
            "let it hold in every mode: what only some modes want is a rule",
        ),
        Origin::Computed if &*spec.name != SUN_POINT => {
            ("which is what the program takes it for", "name what is measured of the generator")
        }
        Origin::Output(_, Facet::Wanted) => (
            "which is what people and rules ask for",
            "read `.state` (what it was told) or `.actual` (what it says it is)",
        ),
        _ => return false,
    };
    let through = if named == point { String::new() } else { format!(" (through `{}`)", name(site, named)) };
    let message = format!("{what} cannot lean on `{}`{through}, {why}", spec.name);
    push(site, point, place.mistake(codes::LIMIT_NOT_MEASURED, message).help(help), out);
    true
}

fn push(
    site: &SiteDraft,
    point: PointId,
    mut found: ballast_model::diagnostic::Diagnostic,
    out: &mut Diagnostics,
) {
    if let Some(Some(defined)) = site.point_places.get(point.index()) {
        found = found.also(defined.file, defined.span, "defined here");
    }
    out.push(found);
}

fn name(site: &SiteDraft, point: PointId) -> &str {
    site.catalog.point(point).map_or("?", |spec| &*spec.name)
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn what_people_and_rules_say_lifts_no_limit() {
        check_rest(
            "\
limits:
  - name: setting
    when: feeder.power > setting.capacity
#         ------------------------------- note: but the limit acts here
#                        ^^^^^^^^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `setting.capacity`, which people and rules change
#   = help: write the number itself: in safety.yaml, or as a derived point, `{ expression: 5 kW }`
    until: feeder.power < 1 kW
#          ^^^^^^^^^^^^^^^^^^^ warning[limit::until]: `until` does not look at feeder.power - setting.capacity
#   = help: without it, the limit may let go while it is still violated, and act again at once
    force: [ { charger: open } ]
  - name: behind a sum
    when: site.total > 4 kW
#         ^^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `setting.capacity`, which people and rules change
#   = help: write the number itself: in safety.yaml, or as a derived point, `{ expression: 5 kW }`
    until: site.total < 1 kW
#          ^^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `setting.capacity`, which people and rules change
#   = help: write the number itself: in safety.yaml, or as a derived point, `{ expression: 5 kW }`
    force: [ { charger: open } ]
  - name: mode
    when: site.mode == \"away\" and battery.soc > 50 %
#         ^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `site.mode`, which people and rules change
#   = help: let it hold in every mode: what only some modes want is a rule
    until: battery.soc < 40 %
    force: [ { charger: open } ]
  - name: asked
    when: mains.wanted == \"closed\" and battery.soc > 50 %
#         ^^^^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `mains.wanted`, which is what people and rules ask for
#   = help: read `.state` (what it was told) or `.actual` (what it says it is)
    until: battery.soc < 40 %
    force: [ { charger: open } ]
  - name: derating
    of: site.said
#       ^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `setting.capacity`, which people and rules change
#   = help: write the number itself: in safety.yaml, or as a derived point, `{ expression: 5 kW }`
    derate: { battery: { 1 kW: 100 %, 2 kW: 0 % } }
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  load: site.total
# ^^^^ error[limit::not_measured]: shedding cannot lean on `setting.capacity` (through `site.total`), which people and rules change
#   = help: write the number itself: in safety.yaml, or as a derived point, `{ expression: 5 kW }`
  stages: [ { below: 49.3 Hz, for: 60 ms, shed: 10 %, from: [homes] } ]
asleep:
  site.copy: 0 V when sun.elevation < -2 deg
# ^^^^^^^^^ error[safety::asleep]: `site.copy` is not measured, so its device cannot be asleep
#   = help: name the measured point behind it
",
        );
    }

    #[test]
    fn what_an_unknown_value_means_is_said_by_the_limit_alone() {
        check_rest(
            "\
limits:
  - name: direct
    when: known(battery.soc) and battery.soc > 50 %
#         ^^^^^ error[expr::not_here]: `known` cannot stand in a limit: it would say what an unknown value means
#   = help: leave it out: unknown counts as violated, or as the `unknown:` of the limit says
    until: age(battery.soc) < 5 s and battery.soc < 40 %
#          ^^^ error[expr::not_here]: `age` cannot stand in a limit: it would say what an unknown value means
#   = help: leave it out: unknown counts as violated, or as the `unknown:` of the limit says
    force: [ { charger: open } ]
  - name: behind a derived point
    when: site.supposed > 60 %
#         ^^^^^^^^^^^^^ error[expr::not_here]: `or_else` cannot stand in a limit: it would say what an unknown value means
#   = help: leave it out: unknown counts as violated, or as the `unknown:` of the limit says
    until: battery.soc < 40 %
    force: [ { charger: open } ]
  - name: another point
    when: site.spare > 50 °C
#         ^^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `site.spare`, which stands in for what is unknown
#   = help: unknown counts as violated, or as `unknown:` says: name the measured points, with `max` or `min`
    until: site.spare < 45 °C
#          ^^^^^^^^^^ error[limit::not_measured]: a limit cannot lean on `site.spare`, which stands in for what is unknown
#   = help: unknown counts as violated, or as `unknown:` says: name the measured points, with `max` or `min`
    force: [ { charger: open } ]
  - name: a vote
    when: site.voted > 50.2 °C
#         ^^^^^^^^^^ warning[limit::by_program]: `site.voted` is computed by the program: a limit on it is only as true as what the program says
#   = help: name the measured points, with `max` or `min`; those the guard reads itself
#                      ^^^^^^^ error[limit::resolution]: 50.2 °C is finer than what `battery.temperature_1` can show
#   = help: its steps are 0.5 °C: write 50 °C or 50.5 °C
    until: site.voted < 45 °C
#          ^^^^^^^^^^ warning[limit::by_program]: `site.voted` is computed by the program: a limit on it is only as true as what the program says
#   = help: name the measured points, with `max` or `min`; those the guard reads itself
    force: [ { charger: open } ]
",
        );
    }

    #[test]
    fn a_derived_point_in_a_limit_is_judged_by_what_it_is_made_of() {
        check_rest(
            "\
limits:
  - name: yes or no
    when: site.is_full
#         ^^^^^^^^^^^^ error[limit::no_hysteresis]: this limit lets go at 14.4 V, the very value at which it acts
    force: [ { charger: open } ]
  - name: a copy
    when: site.copy > 14.45 V
#                     ^^^^^^^ error[limit::resolution]: 14.45 V is finer than what `battery.voltage` can show
    until: battery.voltage < 14 V
    force: [ { charger: open } ]
  - name: the same
    when: site.is_full
    until: site.copy < 14 V
    force: [ { charger: open } ]
",
        );
    }
}
