//! A limit reads only points that become unknown when their device falls silent.
//!
//! Without `max_age` the last value stays for ever, and a limit on it protects from nothing once the sensor is dead.

use std::collections::BTreeSet;

use ballast_model::PointId;
use ballast_model::catalog::{Noun, Origin};

use crate::codes;
use crate::compile::Compiled;
use crate::diagnostics::{Diagnostics, Place};
use crate::expr::named;
use crate::load::behind;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        let key = if limit.derate.is_empty() { "when" } else { "of" };
        check_condition(site, &limit.when, limit.fields.place(key), out);
        if let Some(until) = &limit.until {
            check_condition(site, until, limit.fields.place("until"), out);
        }
    }
    for source in safety.shedding.iter().flat_map(|draft| &draft.source) {
        check_points(site, source.value, source.place, "shedding", &mut BTreeSet::new(), out);
    }
}

/// Each point once, where its name stands; `whole` is for one that stands there under no name.
fn check_condition(site: &SiteDraft, condition: &Compiled<'_>, whole: Place, out: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for (name, span) in named(&condition.expr) {
        if let Some(Noun::Point(point)) = site.catalog.resolve(name) {
            check_points(site, point, condition.place(span), "a limit", &mut seen, out);
        }
    }
    for point in &condition.program.reads {
        check_points(site, *point, whole, "a limit", &mut seen, out);
    }
}

fn check_points(
    site: &SiteDraft,
    point: PointId,
    place: Place,
    what: &str,
    seen: &mut BTreeSet<PointId>,
    out: &mut Diagnostics,
) {
    for measured in behind(site, point) {
        if !seen.insert(measured) {
            continue;
        }
        let Some(spec) = site.catalog.point(measured) else { continue };
        if spec.origin != Origin::Measured || spec.max_age.is_some() {
            continue;
        }
        let message = format!("{what} cannot lean on `{}`, which has no `max_age`", spec.name);
        let mut diagnostic = place.mistake(codes::LIMIT_MAX_AGE, message);
        if let Some(Some(defined)) = site.point_places.get(measured.index()) {
            diagnostic = diagnostic.also(defined.file, defined.span, "defined here");
        }
        let help = "give the point `max_age:` (or `period:`), so that silence of its device is noticed";
        out.push(diagnostic.help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_point_that_never_gets_old_is_refused() {
        check_rest(
            "\
limits:
  - name: direct
    when: battery.note > 14 W
#         ^^^^^^^^^^^^ error[limit::max_age]: a limit cannot lean on `battery.note`, which has no `max_age`
    until: battery.note < 12 W
#          ^^^^^^^^^^^^ error[limit::max_age]: a limit cannot lean on `battery.note`, which has no `max_age`
    force: [ { charger: open } ]
  - name: behind a derived point
    of: site.bare
#       ^^^^^^^^^ error[limit::max_age]: a limit cannot lean on `battery.note`, which has no `max_age`
    derate: { battery: { 1 W: 100 %, 2 W: 0 % } }
  - name: one of two
    when: battery.soc > 90 % and max(battery.note, feeder.power) > 14 W
#                                    ^^^^^^^^^^^^ error[limit::max_age]: a limit cannot lean on `battery.note`, which has no `max_age`
    until: battery.soc < 80 % and feeder.power < 10 W
    force: [ { charger: open } ]
  - name: with a period
    when: charger.current > 14 A
    until: charger.current < 12 A
    force: [ { charger: open } ]
",
        );
    }

    /// The mistake is said where it stands, and draws no second one.
    #[test]
    fn an_age_that_cannot_be_read_is_not_missing() {
        use crate::load::{File, Files, load};
        let site = crate::checks::fixture::SITE
            .replace("soc: { unit: \"%\", max_age: 1 min }", "soc: { unit: \"%\", max_age: -5 s }");
        let safety = format!(
            "{}limits: [ {{ name: full, when: battery.soc > 90 %, until: battery.soc < 80 %, force: [ {{ charger: open }} ] }} ]\n",
            crate::checks::fixture::OUTPUTS
        );
        let (mut sources, mut found) =
            (crate::sources::Sources::new(), crate::diagnostics::Diagnostics::new());
        let files = Files {
            site: File::Bytes(site.as_bytes()),
            safety: File::Bytes(safety.as_bytes()),
            devices: vec![],
        };
        load(&files, crate::checks::fixture::DRIVERS, &mut sources, &mut found);
        let codes: Vec<_> = found
            .iter()
            .filter(|one| one.severity == ballast_model::diagnostic::Severity::Mistake)
            .map(|one| one.code)
            .collect();
        assert_eq!(codes, ["number::range"]);
    }
}
