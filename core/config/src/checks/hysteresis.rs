//! A limit lets go at another value than the one at which it acts.
//!
//! Without a gap, a value that trembles around the threshold moves the output at every tremble. `until` must therefore
//! be false where `when` is true, and a measurable distance away from it.

use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr, ExprKind, Threshold};
use ballast_model::quantity::Shown;

use crate::codes;
use crate::compile::Compiled;
use crate::diagnostics::Diagnostics;
use crate::safety::{LimitDraft, SafetyDraft};
use crate::site::SiteDraft;
use ballast_guard::plan::LimitAction;
use ballast_model::Catalog;

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        let LimitAction::Force { latch, .. } = limit.limit.action else { continue };
        match &limit.until {
            Some(until) => check_pair(&site.catalog, &limit.when, until, out),
            // A latch lets go when a person says so.
            None if latch => {}
            None => check_without_until(&site.catalog, limit, out),
        }
    }
}

fn check_without_until(catalog: &Catalog, limit: &LimitDraft<'_>, out: &mut Diagnostics) {
    if !limit.fields.is_complete() || limit.fields.get("until").is_some() {
        return;
    }
    if let Some(threshold) = limit.when.program.thresholds.iter().find(|threshold| threshold.op.is_order()) {
        let message =
            format!("this limit lets go at {}, the very value at which it acts", show(catalog, threshold));
        let away = if is_upper(threshold.op) { "below" } else { "above" };
        let sign = if is_upper(threshold.op) { "<" } else { ">" };
        let help = format!(
            "add `until: {} {sign} ...` with a value {away} {}, or `latch: true`",
            threshold.subject,
            show(catalog, threshold)
        );
        let place = limit.when.place(threshold.span);
        out.push(place.mistake(codes::LIMIT_NO_HYSTERESIS, message).help(help));
    } else if reads_numbers(catalog, &limit.when) {
        let help = "add `until:` with a gap to `when`, or `latch: true`";
        let message = "this limit lets go where it acts: it has no hysteresis";
        out.push(limit.fields.place("when").mistake(codes::LIMIT_NO_HYSTERESIS, message).help(help));
    }
}

/// Whether a condition compares numbers that are measured.
fn reads_numbers(catalog: &Catalog, compiled: &Compiled<'_>) -> bool {
    let is_number = |point: &ballast_model::PointId| {
        catalog.point(*point).is_some_and(|spec| matches!(spec.kind, ballast_model::catalog::Kind::Number(_)))
    };
    compiled.program.reads.iter().any(is_number)
}

fn check_pair(catalog: &Catalog, when: &Compiled<'_>, until: &Compiled<'_>, out: &mut Diagnostics) {
    for acts in when.program.thresholds.iter().filter(|threshold| threshold.op.is_order()) {
        let same = |threshold: &&Threshold| {
            threshold.op.is_order()
                && (threshold.subject == acts.subject
                    || threshold.points.iter().any(|point| acts.points.contains(point)))
        };
        let of_subject: Vec<&Threshold> = until.program.thresholds.iter().filter(same).collect();
        if is_left_elsewhere(acts, when, &of_subject) {
            continue;
        }
        let Some(nearest) = nearest(acts, &of_subject) else {
            if of_subject.is_empty() {
                let place = until.node.place();
                let acts_at = when.place(acts.span);
                let message = format!("`until` does not look at {}", acts.subject);
                out.push(
                    place
                        .warning(codes::LIMIT_UNTIL, message)
                        .also(acts_at.file, acts_at.span, "but the limit acts here")
                        .help("without it, the limit may let go while it is still violated, and act again at once"),
                );
            } else {
                refuse(catalog, when, until, acts, of_subject.first().copied(), out);
            }
            continue;
        };
        if !has_gap(acts, nearest) {
            refuse(catalog, when, until, acts, Some(nearest), out);
        }
    }
}

/// Whether one lets go on the other side of where the other one acts, and away from it.
fn has_gap(acts: &Threshold, lets_go: &Threshold) -> bool {
    let is_away = if is_upper(acts.op) { lets_go.value < acts.value } else { lets_go.value > acts.value };
    is_upper(acts.op) != is_upper(lets_go.op) && is_away
}

/// Whether a threshold is one side of a band, `f > 40 Hz and f < 49 Hz`, that the limit leaves on its other side: then
/// this side is over where `until` is true.
fn is_left_elsewhere(acts: &Threshold, when: &Compiled<'_>, of_subject: &[&Threshold]) -> bool {
    let mut bands = Vec::new();
    conjunctions(&when.expr, &mut bands);
    let is_in = |spans: &[Span], inner: Span| {
        spans.iter().any(|span| span.start <= inner.start && inner.end <= span.end)
    };
    let Some(band) = bands.iter().find(|band| is_in(band, acts.span)) else { return false };
    when.program.thresholds.iter().any(|other| {
        other.span != acts.span
            && other.subject == acts.subject
            && other.op.is_order()
            && is_in(band, other.span)
            && nearest(other, of_subject).is_some_and(|lets_go| has_gap(other, lets_go))
    })
}

/// The comparisons of every chain of `and`.
fn conjunctions(expr: &Expr, found: &mut Vec<Vec<Span>>) {
    let (mut waiting, mut band) = (vec![expr], Vec::new());
    while let Some(part) = waiting.pop() {
        match &part.kind {
            ExprKind::Binary { op: BinaryOp::And, left, right } => waiting.extend([&**left, &**right]),
            ExprKind::Binary { op: BinaryOp::Or, left, right } => {
                conjunctions(left, found);
                conjunctions(right, found);
            }
            ExprKind::Binary { .. } => band.push(part.span),
            // What is negated is no band: it is outside of one.
            _ => {}
        }
    }
    found.push(band);
}

/// The threshold of `until` that lets go on the other side, as near to `acts` as one is.
fn nearest<'a>(acts: &Threshold, candidates: &[&'a Threshold]) -> Option<&'a Threshold> {
    let opposite = candidates.iter().filter(|threshold| is_upper(threshold.op) != is_upper(acts.op));
    if is_upper(acts.op) {
        opposite.max_by_key(|threshold| threshold.value).copied()
    } else {
        opposite.min_by_key(|threshold| threshold.value).copied()
    }
}

fn refuse(
    catalog: &Catalog,
    when: &Compiled<'_>,
    until: &Compiled<'_>,
    acts: &Threshold,
    lets_go: Option<&Threshold>,
    out: &mut Diagnostics,
) {
    let Some(lets_go) = lets_go else { return };
    let (code, message) = if lets_go.value == acts.value && is_upper(lets_go.op) != is_upper(acts.op) {
        let message = format!("the limit acts and lets go at the same value, {}", show(catalog, acts));
        (codes::LIMIT_NO_HYSTERESIS, message)
    } else {
        let message = format!(
            "the limit lets go while it is still violated: {} {} {} overlaps {} {}",
            acts.subject,
            lets_go.op.symbol(),
            show(catalog, lets_go),
            acts.op.symbol(),
            show(catalog, acts)
        );
        (codes::LIMIT_HYSTERESIS_INVERTED, message)
    };
    let (sign, away) = if is_upper(acts.op) { ("<", "below") } else { (">", "above") };
    let help =
        format!("let it go {away} the value: `{} {sign} ...`, with a gap wider than the noise", acts.subject);
    let (at, acts_at) = (until.place(lets_go.span), when.place(acts.span));
    out.push(at.mistake(code, message).label("lets go").also(acts_at.file, acts_at.span, "acts").help(help));
}

/// `>` and `>=`: violated above.
fn is_upper(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Greater | BinaryOp::GreaterOrEqual)
}

/// The value in the unit of the point that is compared.
fn show(catalog: &Catalog, threshold: &Threshold) -> String {
    let unit = threshold.points.first().and_then(|point| catalog.point(*point)).map(|spec| spec.unit());
    let unit = unit.filter(|unit| unit.dimension() == threshold.dimension);
    Shown { base: threshold.value, unit: unit.unwrap_or(threshold.dimension.base()) }.to_string()
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_limit_without_a_gap_is_refused() {
        check_rest(
            "\
limits:
  - name: none
    when: battery.voltage > 14.4 V for 2 s
#                           ^^^^^^ error[limit::no_hysteresis]: this limit lets go at 14.4 V, the very value at which it acts
#   = help: add `until: battery.voltage < ...` with a value below 14.4 V, or `latch: true`
    force: [ { charger: open } ]
  - name: same
    when: battery.voltage > 14.4 V
#                           ------ note: acts
    until: battery.voltage <= 14.4 V for 5 s
#                             ^^^^^^ error[limit::no_hysteresis]: the limit acts and lets go at the same value, 14.4 V (lets go)
#   = help: let it go below the value: `battery.voltage < ...`, with a gap wider than the noise
    force: [ { charger: open } ]
  - name: two points
    when: 0.98 * battery.soc > 2 * battery.soc
#   ^^^^ error[limit::no_hysteresis]: this limit lets go where it acts: it has no hysteresis
#   = help: add `until:` with a gap to `when`, or `latch: true`
    force: [ { charger: open } ]
  - name: latched
    when: battery.voltage > 14.4 V
    force: [ { charger: open } ]
    latch: true
",
        );
    }

    #[test]
    fn an_inverted_gap_is_refused() {
        check_rest(
            "\
limits:
  - name: upper
    when: battery.voltage > 14.4 V
#                           ------ note: acts
    until: battery.voltage < 14.6 V
#                            ^^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: battery.voltage < 14.6 V overlaps > 14.4 V (lets go)
    force: [ { charger: open } ]
  - name: lower
    when: 11 V > battery.voltage
#         ---- note: acts
    until: battery.voltage > 10.5 V
#                            ^^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: battery.voltage > 10.5 V overlaps < 11 V (lets go)
    force: [ { charger: open } ]
  - name: same side
    when: battery.voltage > 14.4 V
#                           ------ note: acts
    until: battery.voltage > 14.8 V
#                            ^^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: battery.voltage > 14.8 V overlaps > 14.4 V (lets go)
    force: [ { charger: open } ]
",
        );
    }

    #[test]
    fn a_band_is_left_on_one_side() {
        check_rest(
            "\
limits:
  - name: low
    when: feeder.frequency > 40 Hz and feeder.frequency < 49 Hz for 1 s
    until: feeder.frequency > 49.5 Hz
    force: [ { charger: open } ]
  - name: not left
    when: feeder.frequency > 40 Hz and feeder.frequency < 49 Hz
#                            ----- note: acts
#                                                         ----- note: acts
    until: feeder.frequency > 48 Hz
#                             ^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: feeder.frequency > 48 Hz overlaps < 49 Hz (lets go)
#                             ^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: feeder.frequency > 48 Hz overlaps > 40 Hz (lets go)
    force: [ { charger: open } ]
  - name: either
    when: feeder.frequency > 51 Hz or feeder.frequency < 49 Hz
#                            ----- note: acts
    until: feeder.frequency > 49.5 Hz
#                             ^^^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: feeder.frequency > 49.5 Hz overlaps > 51 Hz (lets go)
    force: [ { charger: open } ]
",
        );
    }

    #[test]
    fn a_gap_is_found_through_and_or_max() {
        check_rest(
            "\
limits:
  - name: outside
    when: battery.voltage > 14.4 V or battery.voltage < 11 V
    until: battery.voltage < 14 V and battery.voltage > 11.5 V
    force: [ { charger: open } ]
  - name: hot
    when: max(battery.temperature_1, battery.temperature_2) > 50 °C for 2 s
    until: battery.temperature_1 < 45 °C and battery.temperature_2 < 45 °C for 5 min
    force: [ { charger: open } ]
  - name: elsewhere
    when: battery.voltage > 14.4 V
#                           ------ note: but the limit acts here
    until: battery.soc < 40 %
#          ^^^^^^^^^^^^^^^^^^ warning[limit::until]: `until` does not look at battery.voltage
    force: [ { charger: open } ]
",
        );
    }
}
