//! What is suspicious or wrong about a rule although every word of it is understood.

use crate::body::Ask;
use crate::report::problem;
use ballast_model::catalog::{Catalog, Origin};
use ballast_model::expr::{
    BinaryOp, Comparison, Expr, ExprKind, Met, Precision, Problem, Program, is_never_begun, meetings,
};
use ballast_model::quantity::Shown;
use ballast_model::time::Span as Duration;
use ballast_model::{Dimension, Finite, PointId};
use std::collections::{BTreeMap, BTreeSet};

/// A condition with what it came from.
#[derive(Clone, Copy)]
pub(crate) struct Checked<'a> {
    pub(crate) program: &'a Program,
    pub(crate) expr: &'a Expr,
}

/// A comparison of numbers that wobble: neither smoothed nor counted nor a time nor a plain number such as a level.
fn is_analogue(found: &Comparison, catalog: &Catalog) -> bool {
    let is_steady = |point: &PointId| {
        catalog.point(*point).is_some_and(|spec| spec.is_counter || matches!(spec.origin, Origin::Setting))
    };
    found.op.is_order()
        && !found.is_smoothed
        && !matches!(found.dimension, Dimension::Duration | Dimension::Number)
        && (found.points.is_empty() || !found.points.iter().all(is_steady))
}

/// `when` without `until` on a threshold switches to and fro around it.
pub(crate) fn missing_hysteresis(when: Checked<'_>, catalog: &Catalog) -> Vec<Problem> {
    let analogue = when.program.comparisons().iter().find(|found| is_analogue(found, catalog));
    let Some(found) = analogue else { return Vec::new() };
    let message = format!("the rule starts and ends at the same value of `{}`", found.subject);
    let direction = if found.is_upper() { "below" } else { "above" };
    let help = format!("say where it ends: `until` with a value {direction} this one, or compare an `avg`");
    vec![problem(found.span, "rules::no_hysteresis", message, help)]
}

/// The start and the end of a rule on one subject, in opposite directions.
struct Band<'a> {
    when: &'a Comparison,
    until: Comparison,
    /// How far the end lies on the far side of the start; negative when they overlap.
    width: f64,
}

fn bands<'a>(when: Checked<'a>, until: Checked<'a>) -> Vec<Band<'a>> {
    let mut found = Vec::new();
    for start in when.program.comparisons().iter().filter(|start| start.op.is_order()) {
        for end in until.program.comparisons().iter().filter_map(|end| start.facing(end)) {
            let width = match (start.is_upper(), end.is_upper()) {
                _ if !end.op.is_order() => continue,
                (true, false) => start.value.get() - end.value.get(),
                (false, true) => end.value.get() - start.value.get(),
                _ => continue,
            };
            found.push(Band { when: start, until: end, width });
        }
    }
    found
}

/// An end that is already true where the rule starts: a mistake. An end exactly at the start: a warning. `hold`: how long
/// the end must be true.
pub(crate) fn inverted_hysteresis(
    when: Checked<'_>,
    until: Checked<'_>,
    hold: Duration,
    catalog: &Catalog,
) -> (Vec<Problem>, Vec<Problem>) {
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    for Band { when, until, width } in bands(when, until) {
        let (subject, show) = (&when.subject, |base| Shown { base, unit: when.unit }.to_string());
        if width < 0.0 {
            let (starts, ends) = (show(when.value), show(until.value));
            let and_then = if hold == Duration::ZERO {
                format!("there the rule is held back, so that it starts and ends at {ends}")
            } else {
                format!("there the rule ends after {hold} and is held back until `until` is false")
            };
            let message = format!("between {starts} and {ends} of `{subject}` both are true: {and_then}");
            let help = "swap the values of `when` and `until`";
            mistakes.push(problem(until.span, "rules::inverted_hysteresis", message, help));
        } else if width <= 0.0 && is_analogue(when, catalog) {
            let message = format!("the rule starts and ends at the same value of `{subject}`");
            let help = "leave some room between the values of `when` and `until`";
            warnings.push(problem(until.span, "rules::no_hysteresis", message, help));
        }
    }
    (mistakes, warnings)
}

/// An end that is a single comparison and true wherever the start is: the rule is held back for ever. Not of an end with
/// `for`, which lets the rule act that long.
pub(crate) fn never_starts(when: Checked<'_>, until: Checked<'_>) -> Vec<Problem> {
    let is_comparison = |expr: &Expr| matches!(expr.kind, ExprKind::Binary { op, .. } if op.is_order());
    let end = until.program.comparisons().first().filter(|end| end.op.is_order());
    let Some(end) = end.filter(|_| is_comparison(positive(until.expr))) else { return Vec::new() };
    let (mut needed, mut waiting) = (Vec::new(), vec![when.expr]);
    while let Some(part) = waiting.pop() {
        match &part.kind {
            ExprKind::Binary { op: BinaryOp::And, left, right } => waiting.extend([&**left, &**right]),
            _ if is_comparison(positive(part)) => needed.push(part.span),
            _ => {}
        }
    }
    let is_needed = |start: &Comparison| {
        needed.iter().any(|span| span.start <= start.span.start && start.span.end <= span.end)
    };
    let covers = |start: &Comparison| {
        start.op.is_order()
            && start.facing(end).is_some_and(|end| {
                let reaches =
                    if end.is_upper() { end.value <= start.value } else { end.value >= start.value };
                start.is_upper() == end.is_upper() && reaches
            })
    };
    let mut starts = when.program.comparisons().iter().filter(|start| is_needed(start));
    let Some(start) = starts.find(|start| covers(start)) else { return Vec::new() };
    let message = format!("`until` is true wherever `when` is: the rule never starts on `{}`", start.subject);
    let help = format!("let it end on the other side: `until` with `{}`", opposite(end.op).symbol());
    vec![problem(end.span, "rules::inverted_hysteresis", message, help)]
}

/// An end that is true although another alternative of the start is, `a > 62 || b > 62` until `a < 60 || b < 60`, and what
/// `max` and `min` hide of that. The first one is said.
pub(crate) fn ends_beside(
    when: &Program,
    until: &Program,
    hold: Duration,
    catalog: &Catalog,
) -> Option<Problem> {
    let found = meetings(when, until).into_iter().find(|found| match found.met {
        Met::Touch => is_analogue(&found.start, catalog),
        // With `for` at `until` it acts that long.
        Met::Within(_) => hold == Duration::ZERO,
        Met::Overlap | Met::Beside(_) => true,
    })?;
    let (start, end) = (&found.start, &found.end);
    let show = |base| Shown { base, unit: start.unit }.to_string();
    let at = |one: &Comparison| format!("`{}` {} {}", one.subject, one.op.symbol(), show_in(one));
    let there = if hold == Duration::ZERO {
        format!("there the rule is held back, so that it starts and ends at {}", show(end.value))
    } else {
        format!("there the rule ends after {hold} and is held back until `until` is false")
    };
    let (code, message) = match &found.met {
        Met::Touch => {
            let message = format!("the rule starts and ends at the same value of `{}`", start.subject);
            let help = "leave some room between the values of `when` and `until`";
            return Some(problem(end.span, "rules::no_hysteresis", message, help));
        }
        Met::Overlap => {
            let (from, to) = (show(start.value), show(end.value));
            (
                "rules::inverted_hysteresis",
                format!("between {from} and {to} of `{}` both are true: {there}", start.subject),
            )
        }
        Met::Within(same) => {
            let message =
                format!("{} is true wherever {} is: there the rule does not start", at(end), at(same));
            ("rules::inverted_hysteresis", message)
        }
        Met::Beside(Some(other)) => {
            let message =
                format!("with {} and {} both `when` and `until` are true: {there}", at(other), at(end));
            ("rules::inverted_hysteresis", message)
        }
        Met::Beside(None) => {
            let message = format!(
                "`when` may be true without {}, and with {} `until` is true: {there}",
                at(start),
                at(end)
            );
            ("rules::inverted_hysteresis", message)
        }
    };
    let away = |one: &Comparison| format!("{} {}", one.subject, opposite(one.op).symbol());
    let help = match &found.met {
        Met::Overlap => "swap the values of `when` and `until`".to_string(),
        _ if found.start_whole.subject != start.subject => {
            let value = show(end.value);
            format!("let it end by the same: `{} {value}`", away(&found.start_whole))
        }
        Met::Beside(Some(other)) | Met::Within(other) => {
            let (away, end) = (away(other), at(end).replace('`', ""));
            format!("let it end only where all that starts it is over: `{away} ... && {end}`")
        }
        _ => "let it end only where all that starts it is over, joined by `&&`".to_string(),
    };
    Some(problem(end.span, code, message, help))
}

/// The value of a comparison in its own unit.
fn show_in(one: &Comparison) -> String {
    Shown { base: one.value, unit: one.unit }.to_string()
}

/// A start that looks at itself: nothing of that is known, and nothing lasts, before the rule has started once.
pub(crate) fn never_begins(when: Checked<'_>) -> Option<Problem> {
    let message =
        "`when` is never true: it waits for something of the rule's own start, which it shall bring about";
    let help = "`active_for`, `at_start` and \"active\" belong into `until` or the body: let `when` read what is measured now";
    is_never_begun(when.program).then(|| problem(when.expr.span, "rules::never_starts", message, help))
}

/// A condition that is the same whatever happens, since it reads nothing.
pub(crate) fn always(
    when: Checked<'_>,
    until: Option<Checked<'_>>,
    constants: &BTreeMap<Box<str>, Expr>,
) -> Vec<Problem> {
    let same =
        |checked: Checked<'_>| known_truth(checked.expr, constants).map(|truth| (truth, checked.expr.span));
    let said = |span, message: &str, help: &str| problem(span, "rules::always", message, help);
    let start = same(when).map(|(truth, span)| match (truth, until.is_some()) {
        (false, _) => said(span, "`when` is never true: the rule never starts", WHEN_HELP),
        (true, false) => said(span, "`when` is always true: the rule never ends", WHEN_HELP),
        (true, true) => {
            let message = "`when` is always true: the rule starts as soon as its `until` is false";
            said(span, message, WHEN_HELP)
        }
    });
    let end = until.and_then(same).map(|(truth, span)| {
        if truth {
            let help = "write what ends it, or leave `until` out: then it ends when `when` is no longer true";
            said(span, "`until` is always true: the rule never starts", help)
        } else {
            let help = "write what ends it, as in `until active_for(\"10min\")`";
            said(span, "`until` is never true: once it has started, the rule never ends", help)
        }
    });
    start.into_iter().chain(end).collect()
}

const WHEN_HELP: &str = "write what must be true, as in `battery.soc < \"25 %\"`; what always holds is the `default` of an output \
                         in safety.yaml";

/// Whether a condition is true or false, where no value can change that.
fn known_truth(expr: &Expr, constants: &BTreeMap<Box<str>, Expr>) -> Option<bool> {
    let known = |expr: &Expr| known_truth(expr, constants);
    match &expr.kind {
        ExprKind::Flag(flag) => Some(*flag),
        ExprKind::Name(name) => match constants.get(name)?.kind {
            ExprKind::Flag(flag) => Some(flag),
            _ => None,
        },
        ExprKind::Not(inner) => known(inner).map(|truth| !truth),
        ExprKind::Binary { op: BinaryOp::And, left, right } => match (known(left), known(right)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (left, right) => Some(left? && right?),
        },
        ExprKind::Binary { op: BinaryOp::Or, left, right } => match (known(left), known(right)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (left, right) => Some(left? || right?),
        },
        _ => None,
    }
}

/// What stands behind every `!`.
fn positive(expr: &Expr) -> &Expr {
    let mut expr = expr;
    while let ExprKind::Not(inner) = &expr.kind {
        expr = inner;
    }
    expr
}

fn opposite(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Greater | BinaryOp::GreaterOrEqual => BinaryOp::Less,
        _ => BinaryOp::Greater,
    }
}

/// Values that lie between two steps in which their subject moves.
pub(crate) fn finer_than_resolution(program: &Program, catalog: &Catalog) -> Vec<Problem> {
    program.comparisons().iter().filter_map(|found| too_fine(found, catalog)).collect()
}

fn too_fine(found: &Comparison, catalog: &Catalog) -> Option<Problem> {
    let fine = found.too_fine()?;
    let show = |base: Finite| Shown { base, unit: found.unit }.to_string();
    let point = catalog.point(fine.steps.of).map_or("?", |spec| &*spec.name);
    let subject = found.own_name(&fine).unwrap_or(point);
    let (width, value) = (show(fine.steps.width), show(found.value));
    let (comes_to, write) =
        if found.is_as_written { ("", "write") } else { (", which this comes to", "let it come to") };
    let message = format!("`{subject}` moves in steps of {width}: it never shows {value}{comes_to}");
    let (below, above) = (show(fine.below), show(fine.above));
    let help = match fine.steps.precision {
        Precision::Loose => format!("compare it with {above} or more, or over a longer time"),
        _ => format!("{write} {below} or {above}, or compare an `avg`"),
    };
    Some(problem(found.span, "rules::finer_than_resolution", message, help))
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
