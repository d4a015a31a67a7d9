//! Hysteresis of limits that compare one point with a multiple of another:
//! `linky.apparent_power > 0.98 * linky.subscribed_power`.
//!
//! The same rule as for constants holds for the factors, as long as the other point is never negative. Whatever its sign, the
//! same multiple in both leaves no gap: `hall.temperature > roof.temperature` until it is no longer so.

use ballast_model::catalog::Noun;
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr, ExprKind};
use ballast_model::quantity::parse_quantity;
use ballast_model::{Catalog, Dimension, Finite};

use crate::codes;
use crate::diagnostics::Diagnostics;
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

/// `subject op factor * reference`.
#[derive(Clone, Debug)]
struct Proportion<'e> {
    subject: &'e str,
    is_upper: bool,
    factor: f64,
    reference: &'e str,
    span: Span,
}

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    for limit in &safety.limits {
        let Some(until) = &limit.until else { continue };
        let (mut acts, mut lets_go) = (Vec::new(), Vec::new());
        collect(&limit.when.expr, &mut acts);
        collect(&until.expr, &mut lets_go);
        for act in &acts {
            let is_never_negative = is_never_negative(&site.catalog, act.reference);
            for go in &lets_go {
                let is_same = act.subject == go.subject && act.reference == go.reference;
                let is_comparable = is_never_negative || has_same_factor(act, go);
                if !is_same || !is_comparable || has_gap(act, go) {
                    continue;
                }
                let (code, message) = describe(act, go);
                let (at, acts_at) = (until.place(go.span), limit.when.place(act.span));
                let away = if act.is_upper { "smaller" } else { "larger" };
                out.push(
                    at.mistake(code, message)
                        .label("lets go")
                        .also(acts_at.file, acts_at.span, "acts")
                        .help(format!("let it go at a {away} multiple of `{}`", act.reference)),
                );
            }
        }
    }
}

/// Whether a comparison of `when` is a multiple of a point that `until` looks at as well, so that it is judged here.
pub(super) fn is_judged(when: &Expr, until: &Expr, comparison: Span) -> bool {
    let (mut acts, mut lets_go) = (Vec::new(), Vec::new());
    collect(when, &mut acts);
    collect(until, &mut lets_go);
    let mut acts = acts.iter().filter(|act| act.span == comparison && act.subject != act.reference);
    acts.any(|act| lets_go.iter().any(|go| act.subject == go.subject && act.reference == go.reference))
}

fn has_gap(act: &Proportion<'_>, go: &Proportion<'_>) -> bool {
    act.is_upper != go.is_upper && if act.is_upper { go.factor < act.factor } else { go.factor > act.factor }
}

/// Of a reference of either sign only this can be said: the same multiple leaves no gap.
fn has_same_factor(act: &Proportion<'_>, go: &Proportion<'_>) -> bool {
    (act.factor - go.factor).abs() <= f64::EPSILON * act.factor.abs()
}

fn describe(act: &Proportion<'_>, go: &Proportion<'_>) -> (&'static str, String) {
    if has_same_factor(act, go) && act.is_upper != go.is_upper {
        let message = format!("the limit acts and lets go at the same multiple of `{}`", act.reference);
        return (codes::LIMIT_NO_HYSTERESIS, message);
    }
    let message = format!(
        "the limit lets go while it is still violated: {} times `{}` overlaps {} times",
        go.factor, act.reference, act.factor
    );
    (codes::LIMIT_HYSTERESIS_INVERTED, message)
}

/// All comparisons of a condition that are proportions, whatever joins them.
fn collect<'e>(expr: &'e Expr, found: &mut Vec<Proportion<'e>>) {
    match &expr.kind {
        ExprKind::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            collect(left, found);
            collect(right, found);
        }
        ExprKind::Binary { op, left, right } if op.is_order() => {
            let (Some((a, left)), Some((b, right))) = (multiple(left), multiple(right)) else { return };
            // A factor that is not positive would turn the comparison round.
            if a > 0.0 && b > 0.0 {
                let is_upper = matches!(op, BinaryOp::Greater | BinaryOp::GreaterOrEqual);
                found.push(Proportion {
                    subject: left,
                    is_upper,
                    factor: b / a,
                    reference: right,
                    span: expr.span,
                });
            }
        }
        _ => {}
    }
}

/// `x`, `0.9 * x`, `x * 90 %`, `x / 2` as a factor and a name.
fn multiple(expr: &Expr) -> Option<(f64, &str)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((1.0, &**name)),
        ExprKind::Binary { op: BinaryOp::Multiply, left, right } => match (&left.kind, &right.kind) {
            (ExprKind::Name(name), _) => number(right).map(|factor| (factor, &**name)),
            (_, ExprKind::Name(name)) => number(left).map(|factor| (factor, &**name)),
            _ => None,
        },
        ExprKind::Binary { op: BinaryOp::Divide, left, right } => match &left.kind {
            ExprKind::Name(name) => number(right).map(|divisor| (1.0 / divisor, &**name)),
            _ => None,
        },
        _ => None,
    }
    .filter(|(factor, _)| factor.is_finite())
}

/// A plain number, or a share.
fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(value) => Some(*value),
        ExprKind::Text(text) => {
            let quantity = parse_quantity(text).ok()?;
            (quantity.dimension() == Dimension::Ratio).then(|| quantity.base.get() / 100.0)
        }
        _ => None,
    }
}

fn is_never_negative(catalog: &Catalog, name: &str) -> bool {
    let Some(Noun::Point(point)) = catalog.resolve(name) else { return false };
    catalog.point(point).and_then(|spec| spec.valid).is_some_and(|(low, _)| low >= Finite::ZERO)
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn multiples_leave_a_gap() {
        check_rest(
            "\
limits:
  - name: inverted
    when: feeder.power > 0.8 * feeder.subscribed
#         -------------------------------------- note: acts
    until: feeder.power < feeder.subscribed * 98 %
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: 0.98 times `feeder.subscribed` overlaps 0.8 times (lets go)
    force: [ { charger: open } ]
  - name: same
    when: feeder.power > feeder.subscribed / 2
#         ------------------------------------ note: acts
    until: 2 * feeder.power <= feeder.subscribed
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error[limit::no_hysteresis]: the limit acts and lets go at the same multiple of `feeder.subscribed` (lets go)
    force: [ { charger: open } ]
  - name: fine
    when: feeder.power > 0.98 * feeder.subscribed for 3 s
    until: feeder.power < 0.8 * feeder.subscribed
    force: [ { charger: open } ]
  - name: lower
    when: feeder.power < 0.1 * feeder.subscribed
    until: feeder.power > 0.2 * feeder.subscribed
    force: [ { charger: open } ]
  - name: of either sign
    when: feeder.frequency > 0.8 * feeder.frequency_2
    until: feeder.frequency < 0.98 * feeder.frequency_2
    force: [ { charger: open } ]
  - name: as warm as
    when: battery.temperature_1 > battery.temperature_2
#         --------------------------------------------- note: acts
    until: battery.temperature_1 <= battery.temperature_2
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error[limit::no_hysteresis]: the limit acts and lets go at the same multiple of `battery.temperature_2` (lets go)
    force: [ { charger: open } ]
  - name: while it is warmer
    when: battery.temperature_1 > battery.temperature_2
#         --------------------------------------------- note: acts
    until: battery.temperature_1 >= battery.temperature_2
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error[limit::hysteresis_inverted]: the limit lets go while it is still violated: 1 times `battery.temperature_2` overlaps 1 times (lets go)
    force: [ { charger: open } ]
",
        );
    }
}
