//! A driver that nobody has seen work with a real device cannot feed a limit.

use crate::codes;
use crate::diagnostics::{Diagnostics, Place};
use crate::load::behind;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;
use ballast_model::PointId;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        for compiled in core::iter::once(&limit.when).chain(&limit.until) {
            for point in &compiled.program.reads {
                check_point(site, *point, compiled.node.place(), out);
            }
        }
    }
    for source in safety.shedding.iter().flat_map(|draft| &draft.source) {
        check_point(site, source.value, source.place, out);
    }
}

fn check_point(site: &SiteDraft, point: PointId, place: Place, out: &mut Diagnostics) {
    for measured in behind(site, point) {
        if !site.experimental.get(measured.index()).copied().unwrap_or_default() {
            continue;
        }
        let name = site.catalog.point(measured).map_or("?", |spec| &*spec.name);
        let message = format!("a limit cannot lean on `{name}`: its driver is experimental");
        let help = "the driver was never observed by an independent peer; use a point of another device";
        out.push(place.mistake(codes::LIMIT_EXPERIMENTAL, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn an_experimental_driver_feeds_no_limit() {
        check_rest(
            "\
limits:
  - name: full
    when: probe.level > 14 V
#         ^^^^^^^^^^^^^^^^^^ error[limit::experimental]: a limit cannot lean on `probe.level`: its driver is experimental
    until: probe.level < 12 V
#          ^^^^^^^^^^^^^^^^^^ error[limit::experimental]: a limit cannot lean on `probe.level`: its driver is experimental
    force: [ { charger: open } ]
",
        );
    }
}
