//! The metrics of rules that run beside the site's, with their outputs disconnected.

use super::flag;
use crate::runtime::decision::Decision;
use crate::web::{Exposition, Kind};

/// Whether a candidate runs, and what it counted. Counters begin at zero with each candidate, and are absent without one.
pub(super) fn shadow(out: &mut Exposition, decision: &Decision) {
    let running = decision.carrier.shadows.current.as_ref().filter(|shadow| shadow.has_begun());
    out.family(
        "ballast_shadow_running",
        "1 while a candidate runs beside the rules, with its outputs disconnected.",
        Kind::Gauge,
    )
    .sample(&[], flag(running.is_some()));
    let Some(shadow) = running else { return };
    let now = decision.carrier.clock.now();
    out.family("ballast_shadow_age_seconds", "Time since the candidate began.", Kind::Gauge)
        .sample(&[], now.since(shadow.tally.since()).secs_f64());
    for (name, help, value) in [
        ("ballast_shadow_turns_total", "Turns that the candidate made.", shadow.tally.turns()),
        (
            "ballast_shadow_body_errors_total",
            "Runs of bodies of the candidate that failed: of rules, `every` and `at`.",
            shadow.tally.failures(),
        ),
        (
            "ballast_shadow_lagged_total",
            "Readings, commands and answers that the candidate was too slow for.",
            shadow.lagged(),
        ),
    ] {
        out.family(name, help, Kind::Counter).sample(&[], value as f64);
    }
    let mut family = out.family(
        "ballast_shadow_differences_total",
        "Times an output was not the same under the candidate for two seconds or longer.",
        Kind::Counter,
    );
    for (output, times) in shadow.tally.differences() {
        let name = decision.running.catalog().output(output).map_or("?", |spec| &*spec.name);
        family.sample(&[("output", name)], times as f64);
    }
}
