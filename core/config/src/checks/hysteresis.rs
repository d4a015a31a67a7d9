//! A limit lets go at another value than the one at which it acts.
//!
//! Without a gap, a value that trembles around the threshold moves the output at every tremble. `until` must therefore
//! be false where `when` is true, and a measurable distance away from it.

use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Comparison, Expr, ExprKind, Met, meetings};
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
            Some(until) => {
                check_pair(&limit.when, until, out);
                check_alternatives(&limit.when, until, out);
            }
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
    if let Some(found) = limit.when.program.comparisons().iter().find(|found| found.op.is_order()) {
        let message = format!("this limit lets go at {}, the very value at which it acts", show(found));
        let (sign, away) = away_from(found);
        let help = format!(
            "add `until: {} {sign} ...` with a value {away} {}, or `latch: true`",
            found.subject,
            show(found)
        );
        let place = limit.when.place(found.span);
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

fn check_pair(when: &Compiled<'_>, until: &Compiled<'_>, out: &mut Diagnostics) {
    for acts in when.program.comparisons().iter().filter(|found| found.op.is_order()) {
        let of_subject = facing(acts, until);
        let is_proportion = super::proportion::is_judged(&when.expr, &until.expr, acts.span);
        if is_proportion || is_left_elsewhere(acts, when, until) {
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
                refuse(when, until, acts, of_subject.first(), out);
            }
            continue;
        };
        if !has_gap(acts, nearest) {
            refuse(when, until, acts, Some(nearest), out);
        }
    }
}

/// A limit that acts by one of several, and lets go although another one is still violated: `a > 62 or b > 62` until
/// `a < 60 or b < 60`, which is `max(a, b) > 62` until `min(a, b) < 60`. The first one is said.
fn check_alternatives(when: &Compiled<'_>, until: &Compiled<'_>, out: &mut Diagnostics) {
    // What `until` does not look at at all was said.
    let is_looked_at =
        |other: &Comparison| !when.program.comparisons().contains(other) || !facing(other, until).is_empty();
    let is_told = |met: &Met| match met {
        Met::Beside(other) => other.as_ref().is_none_or(is_looked_at),
        _ => false,
    };
    let mut found = meetings(&when.program, &until.program).into_iter();
    let Some(found) = found.find(|found| is_told(&found.met)) else { return };
    let said = |one: &Comparison| format!("{} {} {}", one.subject, one.op.symbol(), show(one));
    let over = |one: &Comparison| format!("{} {}", one.subject, away_from(one).0);
    let (message, help) = match &found.met {
        Met::Beside(Some(other)) => (
            format!("this lets go at {} while {} may still hold", said(&found.end), said(other)),
            format!("let it go only where all is over: `{} ... and {}`", over(other), said(&found.end)),
        ),
        _ => (
            format!("this lets go at {}, which is not all that the limit acts on", said(&found.end)),
            "let it go only where all is over, joined by `and`".to_string(),
        ),
    };
    let is_part = found.start_whole.subject != found.start.subject;
    let help = if is_part {
        format!("let it go by the same: `{} {}`", over(&found.start_whole), show(&found.end))
    } else {
        help
    };
    let (at, acts_at) = (until.place(found.end.span), when.place(found.start.span));
    out.push(at.warning(codes::LIMIT_UNTIL, message).also(acts_at.file, acts_at.span, "acts").help(help));
}

/// The comparisons of `until` with what a limit acts on, turned as that is.
fn facing(acts: &Comparison, until: &Compiled<'_>) -> Vec<Comparison> {
    let ordered = until.program.comparisons().iter().filter(|found| found.op.is_order());
    ordered.filter_map(|found| acts.beside(found)).collect()
}

/// Whether one lets go on the other side of where the other one acts, and away from it.
fn has_gap(acts: &Comparison, lets_go: &Comparison) -> bool {
    let is_away = if acts.is_upper() { lets_go.value < acts.value } else { lets_go.value > acts.value };
    acts.is_upper() != lets_go.is_upper() && is_away
}

/// Whether a threshold is one side of a band, `f > 40 Hz and f < 49 Hz`, that the limit leaves on its other side: then
/// this side is over where `until` is true.
fn is_left_elsewhere(acts: &Comparison, when: &Compiled<'_>, until: &Compiled<'_>) -> bool {
    let mut bands = Vec::new();
    conjunctions(&when.expr, false, &mut bands);
    let is_in = |spans: &[Span], inner: Span| {
        spans.iter().any(|span| span.start <= inner.start && inner.end <= span.end)
    };
    let Some(band) = bands.iter().find(|band| is_in(band, acts.span)) else { return false };
    when.program.comparisons().iter().any(|other| {
        other.span != acts.span
            && acts.facing(other).is_some()
            && other.op.is_order()
            && is_in(band, other.span)
            && nearest(other, &facing(other, until)).is_some_and(|lets_go| has_gap(other, lets_go))
    })
}

/// The comparisons of every chain of `and`; under a `not`, of `or`.
fn conjunctions(expr: &Expr, is_negated: bool, found: &mut Vec<Vec<Span>>) {
    let (mut waiting, mut band) = (vec![(expr, is_negated)], Vec::new());
    while let Some((part, is_negated)) = waiting.pop() {
        let chain = if is_negated { BinaryOp::Or } else { BinaryOp::And };
        match &part.kind {
            ExprKind::Not(inner) => waiting.push((inner, !is_negated)),
            ExprKind::Binary { op, left, right } if *op == chain => {
                waiting.extend([(&**left, is_negated), (&**right, is_negated)]);
            }
            ExprKind::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
                conjunctions(left, is_negated, found);
                conjunctions(right, is_negated, found);
            }
            ExprKind::Binary { .. } => band.push(part.span),
            _ => {}
        }
    }
    found.push(band);
}

/// The comparison of `until` that lets go on the other side, as near to `acts` as one is.
fn nearest<'a>(acts: &Comparison, candidates: &'a [Comparison]) -> Option<&'a Comparison> {
    let opposite = candidates.iter().filter(|found| found.is_upper() != acts.is_upper());
    if acts.is_upper() {
        opposite.max_by_key(|found| found.value)
    } else {
        opposite.min_by_key(|found| found.value)
    }
}

fn refuse(
    when: &Compiled<'_>,
    until: &Compiled<'_>,
    acts: &Comparison,
    lets_go: Option<&Comparison>,
    out: &mut Diagnostics,
) {
    let Some(lets_go) = lets_go else { return };
    let (code, message) = if lets_go.value == acts.value && lets_go.is_upper() != acts.is_upper() {
        let message = format!("the limit acts and lets go at the same value, {}", show(acts));
        (codes::LIMIT_NO_HYSTERESIS, message)
    } else {
        let message = format!(
            "the limit lets go while it is still violated: {} {} {} overlaps {} {}",
            acts.subject,
            lets_go.op.symbol(),
            show(lets_go),
            acts.op.symbol(),
            show(acts)
        );
        (codes::LIMIT_HYSTERESIS_INVERTED, message)
    };
    let (sign, away) = away_from(acts);
    let help =
        format!("let it go {away} the value: `{} {sign} ...`, with a gap wider than the noise", acts.subject);
    let (at, acts_at) = (until.place(lets_go.span), when.place(acts.span));
    out.push(at.mistake(code, message).label("lets go").also(acts_at.file, acts_at.span, "acts").help(help));
}

/// On which side a limit lets go.
fn away_from(acts: &Comparison) -> (&'static str, &'static str) {
    if acts.is_upper() { ("<", "below") } else { (">", "above") }
}

/// The value in the unit of what is compared.
fn show(found: &Comparison) -> String {
    Shown { base: found.value, unit: found.unit }.to_string()
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
    when: battery.temperature_1 > battery.temperature_2 + 5 K
#         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error[limit::no_hysteresis]: this limit lets go at 5 K, the very value at which it acts
#   = help: add `until: battery.temperature_1 - battery.temperature_2 < ...` with a value below 5 K, or `latch: true`
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

    /// Whatever stands on which side: the same sum is compared with another value.
    #[test]
    fn two_points_are_looked_at_as_one_is() {
        check_rest(
            "\
limits:
  - name: wide
    when: battery.temperature_1 > battery.temperature_2 + 5 K
    until: battery.temperature_2 > battery.temperature_1 - 3 K
    force: [ { charger: open } ]
  - name: inverted
    when: battery.temperature_1 > battery.temperature_2 + 5 K
#         --------------------------------------------------- note: acts
    until: battery.temperature_1 - battery.temperature_2 < 7 K
#                                                          ^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: battery.temperature_1 - battery.temperature_2 < 7 K overlaps > 5 K (lets go)
    force: [ { charger: open } ]
  - name: same
    when: battery.temperature_1 - 5 K > battery.temperature_2
#         --------------------------------------------------- note: acts
    until: battery.temperature_2 - battery.temperature_1 > -5 K
#                                                          ^^^^ error[limit::no_hysteresis]: the limit acts and lets go at the same value, 5 K (lets go)
    force: [ { charger: open } ]
  - name: elsewhere
    when: battery.temperature_1 > battery.temperature_2 + 5 K
#         --------------------------------------------------- note: but the limit acts here
    until: battery.temperature_1 < 40 °C
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ warning[limit::until]: `until` does not look at battery.temperature_1 - battery.temperature_2
    force: [ { charger: open } ]
  - name: not above
    when: not (battery.voltage <= 14.4 V)
    until: not (battery.voltage > 14 V)
    force: [ { charger: open } ]
  - name: not above, the same
    when: battery.voltage > 14.4 V
#                           ------ note: acts
    until: not (battery.voltage > 14.4 V)
#                                 ^^^^^^ error[limit::no_hysteresis]: the limit acts and lets go at the same value, 14.4 V (lets go)
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
  - name: not outside
    when: not (feeder.frequency < 40 Hz or feeder.frequency > 49 Hz) for 1 s
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

    /// `or` and `max` in `when` ask for `and` and `max` in `until`.
    #[test]
    fn a_limit_lets_go_where_all_of_it_is_over() {
        check_rest(
            "\
limits:
  - name: either
    when: battery.temperature_1 > 62 °C or battery.temperature_2 > 62 °C
#                                 ----- note: acts
    until: battery.temperature_1 < 60 °C or battery.temperature_2 < 60 °C
#                                  ^^^^^ warning[limit::until]: this lets go at battery.temperature_1 < 60 °C while battery.temperature_2 > 62 °C may still hold
#   = help: let it go only where all is over: `battery.temperature_2 < ... and battery.temperature_1 < 60 °C`
    force: [ { charger: open } ]
  - name: one of both
    when: battery.temperature_1 > 62 °C or battery.temperature_2 > 62 °C
#                                                                  ----- note: but the limit acts here
    until: battery.temperature_1 < 60 °C
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ warning[limit::until]: `until` does not look at battery.temperature_2
#   = help: without it, the limit may let go while it is still violated, and act again at once
    force: [ { charger: open } ]
  - name: both are over
    when: battery.temperature_1 > 62 °C or battery.temperature_2 > 62 °C
    until: battery.temperature_1 < 60 °C and battery.temperature_2 < 60 °C
    force: [ { charger: open } ]
  - name: the highest, then the lowest
    when: max(battery.temperature_1, battery.temperature_2) > 62 °C
#                                                             ----- note: acts
    until: min(battery.temperature_1, battery.temperature_2) < 60 °C
#                                                              ^^^^^ warning[limit::until]: this lets go at battery.temperature_1 < 60 °C while battery.temperature_2 > 62 °C may still hold
#   = help: let it go by the same: `max(battery.temperature_1, battery.temperature_2) < 60 °C`
    force: [ { charger: open } ]
  - name: a derived one, then one of it
    when: site.hot > 62 °C
#                    ----- note: acts
    until: battery.temperature_1 < 60 °C
#                                  ^^^^^ warning[limit::until]: this lets go at battery.temperature_1 < 60 °C while battery.temperature_2 > 62 °C may still hold
#   = help: let it go by the same: `max(battery.temperature_1, battery.temperature_2) < 60 °C`
    force: [ { charger: open } ]
  - name: the highest twice
    when: max(battery.temperature_1, battery.temperature_2) > 62 °C
    until: max(battery.temperature_2, battery.temperature_1) < 60 °C
    force: [ { charger: open } ]
  - name: both, and one is over
    when: battery.temperature_1 > 62 °C and battery.temperature_2 > 62 °C
    until: battery.temperature_1 < 60 °C or battery.temperature_2 < 60 °C
    force: [ { charger: open } ]
  - name: an alarm beside
    when: battery.temperature_1 > 62 °C or genset.run.state == \"closed\"
#                                 ----- note: acts
    until: battery.temperature_1 < 60 °C
#                                  ^^^^^ warning[limit::until]: this lets go at battery.temperature_1 < 60 °C, which is not all that the limit acts on
#   = help: let it go only where all is over, joined by `and`
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
