//! What is suspicious or wrong about a rule although every word of it is understood.

use crate::body::Ask;
use crate::report::problem;
use ballast_model::catalog::{Catalog, Origin};
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr, ExprKind, Node, NodeId, Problem, Program, Threshold};
use ballast_model::{Dimension, Finite, PointId};
use std::collections::BTreeSet;

/// A condition with what it came from.
#[derive(Clone, Copy)]
pub(crate) struct Checked<'a> {
    pub(crate) program: &'a Program,
    pub(crate) expr: &'a Expr,
}

/// A threshold on a number that wobbles: neither smoothed nor counted nor a time nor a plain number such as a level.
fn is_analogue(threshold: &Threshold, catalog: &Catalog) -> bool {
    let is_steady = |point: &PointId| {
        catalog.point(*point).is_some_and(|spec| spec.is_counter || matches!(spec.origin, Origin::Setting))
    };
    threshold.op.is_order()
        && !threshold.is_smoothed
        && !matches!(threshold.dimension, Dimension::Duration | Dimension::Number)
        && (threshold.points.is_empty() || !threshold.points.iter().all(is_steady))
}

/// `when` without `until` on a threshold switches to and fro around it.
pub(crate) fn missing_hysteresis(when: Checked<'_>, catalog: &Catalog) -> Vec<Problem> {
    let analogue = when.program.thresholds.iter().find(|threshold| is_analogue(threshold, catalog));
    let Some(threshold) = analogue else { return missing_between_points(when, catalog) };
    let message = format!("the rule starts and ends at the same value of `{}`", threshold.subject);
    let direction =
        if matches!(threshold.op, BinaryOp::Less | BinaryOp::LessOrEqual) { "above" } else { "below" };
    let help = format!("say where it ends: `until` with a value {direction} this one, or compare an `avg`");
    vec![problem(threshold.span, "rules::no_hysteresis", message, help)]
}

/// The same for a threshold that is no constant: a setting, or another point.
fn missing_between_points(when: Checked<'_>, catalog: &Catalog) -> Vec<Problem> {
    let trembling = when.program.nodes().iter().find_map(|node| match node {
        Node::Compare(op, left, right) if op.is_order() => {
            let (left, right) = (points(when.program, *left), points(when.program, *right));
            let moves = !left.is_empty() && !right.is_empty();
            left.into_iter().chain(right).filter(|_| moves).find(|point| {
                catalog.point(*point).is_some_and(|spec| {
                    matches!(spec.origin, Origin::Measured | Origin::Derived)
                        && !spec.is_counter
                        && !matches!(spec.unit().dimension(), Dimension::Duration | Dimension::Number)
                })
            })
        }
        _ => None,
    });
    let Some(spec) = trembling.and_then(|point| catalog.point(point)) else { return Vec::new() };
    let message = format!("the rule starts and ends at the same value of `{}`", spec.name);
    let help = "say where it ends: `until` with a value away from this one, or compare an `avg`";
    vec![problem(when.expr.span, "rules::no_hysteresis", message, help)]
}

/// The points whose value of the moment a number is computed from.
fn points(program: &Program, number: NodeId) -> Vec<PointId> {
    match program.nodes().get(usize::from(number)) {
        Some(Node::Point(point)) => vec![*point],
        Some(Node::Negate(inner)) => points(program, *inner),
        Some(
            Node::Add(left, right)
            | Node::Subtract(left, right)
            | Node::Multiply(left, right, _)
            | Node::Divide(left, right, _)
            | Node::Least(left, right)
            | Node::Greatest(left, right),
        ) => [points(program, *left), points(program, *right)].concat(),
        _ => Vec::new(),
    }
}

/// The start and the end of a rule on one subject, in opposite directions.
struct Band<'a> {
    when: &'a Threshold,
    until: &'a Threshold,
    /// How far the end lies on the far side of the start; negative when they overlap.
    width: f64,
}

fn bands<'a>(when: Checked<'a>, until: Checked<'a>) -> Vec<Band<'a>> {
    let (mut negated_when, mut negated_until) = (Vec::new(), Vec::new());
    negations(when.expr, &mut negated_when);
    negations(until.expr, &mut negated_until);
    let inside = |spans: &[Span], span: Span| {
        spans.iter().any(|outer| outer.start <= span.start && span.end <= outer.end)
    };
    let mut found = Vec::new();
    for start in when.program.thresholds.iter().filter(|found| !inside(&negated_when, found.span)) {
        for end in until.program.thresholds.iter().filter(|found| !inside(&negated_until, found.span)) {
            let is_above = |op: BinaryOp| matches!(op, BinaryOp::Greater | BinaryOp::GreaterOrEqual);
            if start.subject != end.subject || !start.op.is_order() || !end.op.is_order() {
                continue;
            }
            let width = match (is_above(start.op), is_above(end.op)) {
                (true, false) => start.value.get() - end.value.get(),
                (false, true) => end.value.get() - start.value.get(),
                _ => continue,
            };
            found.push(Band { when: start, until: end, width });
        }
    }
    found
}

/// Everything that stands under a `!`, where a comparison means its opposite.
fn negations(expr: &Expr, found: &mut Vec<Span>) {
    match &expr.kind {
        ExprKind::Not(_) => found.push(expr.span),
        ExprKind::Negate(inner) => negations(inner, found),
        ExprKind::Binary { left, right, .. } => {
            negations(left, found);
            negations(right, found);
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| negations(arg, found)),
        _ => {}
    }
}

/// An end that is already true where the rule starts: a mistake. An end exactly at the start: a warning.
pub(crate) fn inverted_hysteresis(
    when: Checked<'_>,
    until: Checked<'_>,
    catalog: &Catalog,
) -> (Vec<Problem>, Vec<Problem>) {
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    for band in bands(when, until) {
        let subject = &band.when.subject;
        if band.width < 0.0 {
            let message = format!("between the two values of `{subject}` the rule starts and ends at once");
            let help = "swap the values of `when` and `until`";
            mistakes.push(problem(band.until.span, "rules::inverted_hysteresis", message, help));
        } else if band.width <= 0.0 && is_analogue(band.when, catalog) {
            let message = format!("the rule starts and ends at the same value of `{subject}`");
            let help = "leave some room between the values of `when` and `until`";
            warnings.push(problem(band.until.span, "rules::no_hysteresis", message, help));
        }
    }
    (mistakes, warnings)
}

/// An end that is a single comparison and true wherever the start is: the rule is held back for ever. Not of an end with
/// `for`, which lets the rule act that long.
pub(crate) fn never_starts(when: Checked<'_>, until: Checked<'_>) -> Vec<Problem> {
    let is_comparison = |expr: &Expr| matches!(expr.kind, ExprKind::Binary { op, .. } if op.is_order());
    let Some(end) = until.program.thresholds.first().filter(|_| is_comparison(until.expr)) else {
        return Vec::new();
    };
    let (mut needed, mut waiting) = (Vec::new(), vec![when.expr]);
    while let Some(part) = waiting.pop() {
        match &part.kind {
            ExprKind::Binary { op: BinaryOp::And, left, right } => waiting.extend([&**left, &**right]),
            _ if is_comparison(part) => needed.push(part.span),
            _ => {}
        }
    }
    let is_needed = |start: &Threshold| {
        needed.iter().any(|span| span.start <= start.span.start && start.span.end <= span.end)
    };
    let is_above = |op: BinaryOp| matches!(op, BinaryOp::Greater | BinaryOp::GreaterOrEqual);
    let covers = |start: &&Threshold| {
        start.subject == end.subject
            && is_above(start.op) == is_above(end.op)
            && if is_above(end.op) { end.value <= start.value } else { end.value >= start.value }
    };
    let Some(start) = when.program.thresholds.iter().filter(|start| is_needed(start)).find(covers) else {
        return Vec::new();
    };
    let message = format!("`until` is true wherever `when` is: the rule never starts on `{}`", start.subject);
    let help = format!("let it end on the other side: `until` with `{}`", opposite(end.op).symbol());
    vec![problem(end.span, "rules::inverted_hysteresis", message, help)]
}

fn opposite(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Greater | BinaryOp::GreaterOrEqual => BinaryOp::Less,
        _ => BinaryOp::Greater,
    }
}

/// A threshold that lies between two values that the device can show.
pub(crate) fn finer_than_resolution(condition: Checked<'_>, catalog: &Catalog) -> Vec<Problem> {
    let mut found = Vec::new();
    for threshold in condition.program.thresholds.iter().filter(|threshold| threshold.op.is_order()) {
        let coarse = threshold.points.iter().filter_map(|point| catalog.point(*point)).find(|spec| {
            spec.resolution.is_some_and(|step| step > Finite::ZERO && is_between(threshold.value, step))
        });
        if let Some(spec) = coarse {
            let show = |value: Finite| spec.show(ballast_model::Value::Number(value));
            let step = spec.resolution.map_or_else(String::new, show);
            let message =
                format!("`{}` moves in steps of {step}: it never shows {}", spec.name, show(threshold.value));
            let help = "choose a value that the device can show, or compare an `avg`";
            found.push(problem(threshold.span, "rules::finer_than_resolution", message, help));
        }
    }
    found
}

/// Whether a value is no multiple of a step, but for the last bits of binary fractions.
fn is_between(value: Finite, step: Finite) -> bool {
    let steps = value.get() / step.get();
    let off = (steps - steps.round()).abs();
    steps.is_finite() && off > 1e-6 * steps.abs().max(1.0)
}

/// An ending condition that the rule moves itself: open a home, its power falls, the home is closed again. What the rule
/// asks for, and what becomes of that, is moved at once: the relay would go to and fro as fast as the devices follow.
pub(crate) fn waits_for_itself(ending: Checked<'_>, asks: &[Ask], catalog: &Catalog) -> Vec<Problem> {
    let devices: BTreeSet<_> =
        asks.iter().filter_map(|ask| catalog.output(ask.output)).map(|output| output.device).collect();
    let own = ending.program.reads.iter().filter_map(|point| catalog.point(*point)).find(|spec| {
        matches!(spec.origin, Origin::Output(output, _) if asks.iter().any(|ask| ask.output == output))
    });
    if let Some(spec) = own {
        let message = format!("the rule ends on `{}`, which its own request moves at once", spec.name);
        let help = "let it end on what is measured, or on a time: `until active_for(\"10min\")`";
        return vec![problem(ending.expr.span, "rules::waits_for_itself", message, help)];
    }
    let moved = ending.program.reads.iter().filter_map(|point| catalog.point(*point)).find(|spec| {
        spec.is_instantaneous
            && !spec.is_counter
            && matches!(spec.origin, Origin::Measured)
            && spec.device.is_some_and(|device| devices.contains(&device))
    });
    let Some(spec) = moved else { return Vec::new() };
    let message = format!("the rule ends on `{}`, which its own request moves", spec.name);
    let help = "let it end on a counter, a derived point or a time: `until active_for(\"10min\")`";
    vec![problem(ending.expr.span, "rules::waits_for_itself", message, help)]
}
