//! A limit reads raw values, never long means: a mean hides for its whole length what the limit protects from.

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        for compiled in core::iter::once(&limit.when).chain(&limit.until) {
            for derived in site.derived.iter().filter(|derived| derived.is_smoothed) {
                if !compiled.program.reads.contains(&derived.point) {
                    continue;
                }
                let name = site.catalog.point(derived.point).map_or("?", |spec| &*spec.name);
                let message = format!("a limit cannot lean on `{name}`, which looks back over time");
                let mut diagnostic = compiled.node.place().mistake(codes::LIMIT_SMOOTHED, message);
                if let Some(Some(defined)) = site.point_places.get(derived.point.index()) {
                    diagnostic = diagnostic.also(defined.file, defined.span, "defined here");
                }
                out.push(diagnostic.help("use the measured point, with `for` if it must last"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_mean_in_a_limit_is_refused() {
        check_rest(
            "\
limits:
  - name: mean
    when: site.smooth > 14 V
#         ^^^^^^^^^^^^^^^^^^ error[limit::smoothed]: a limit cannot lean on `site.smooth`, which looks back over time
    until: site.smooth < 12 V
#          ^^^^^^^^^^^^^^^^^^ error[limit::smoothed]: a limit cannot lean on `site.smooth`, which looks back over time
    force: [ { charger: open } ]
  - name: raw
    when: site.hot > 14 °C
    until: site.hot < 12 °C
    force: [ { charger: open } ]
",
        );
    }
}
