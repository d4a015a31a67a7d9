//! What a site must hold beyond being readable: one check per file, each with its tests.
//!
//! A check looks at what was decoded and says what is wrong with the values. It never changes anything, and it does not
//! speak about what could not be read: that was said.

mod derating;
mod experimental;
mod feeds_itself;
mod force;
mod groups;
mod hysteresis;
mod interlocks;
mod lengths;
mod limit_names;
mod max_age;
mod measured;
mod no_safe_state;
mod proportion;
mod resolution;
mod smoothed;
mod sources;
mod stages;
mod times;
mod values;
mod wiring;

#[cfg(test)]
pub(crate) mod fixture;

use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

/// Runs all checks.
pub(crate) fn run(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    no_safe_state::check(site, safety, out);
    wiring::check(site, safety, out);
    values::check(site, safety, out);
    times::check(site, safety, out);
    lengths::check(safety, out);
    limit_names::check(site, safety, out);
    hysteresis::check(site, safety, out);
    proportion::check(site, safety, out);
    resolution::check(site, safety, out);
    max_age::check(site, safety, out);
    smoothed::check(site, safety, out);
    measured::check(site, safety, out);
    experimental::check(site, safety, out);
    force::check(site, safety, out);
    feeds_itself::check(site, safety, out);
    derating::check(site, safety, out);
    interlocks::check(site, safety, out);
    stages::check(safety, out);
    groups::check(site, safety, out);
    sources::check(safety, out);
}
