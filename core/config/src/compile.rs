//! Conditions of YAML files, compiled against the nouns of the site.
//!
//! Beyond what the model's checker refuses for every front end, a YAML file always writes units, and a quantity must be
//! plausible. Derived points in a limit are written out before they are checked (`expr/written_out.rs`).

use std::collections::BTreeMap;

use ballast_model::diagnostic::Span;
use ballast_model::expr::{self, Dialect, Expr, Program, Scope, Type};
use ballast_model::quantity::Quantity;
use ballast_model::{Dimension, Span as Duration};

use crate::codes;
use crate::decode::quantity::implausible;
use crate::decode::scalar::place_in;
use crate::diagnostics::{Diagnostics, Place, Placed, quote};
use crate::expr::{Problem, parse_comparison, parse_condition, parse_value, write_out};
use crate::nouns::Nouns;
use crate::tree::{Kind, Node};

/// A condition or value that was compiled, with the way back to its text.
#[derive(Clone, Debug)]
pub struct Compiled<'t> {
    /// What the machines evaluate.
    pub program: Program,
    /// As it was written.
    pub expr: Expr,
    /// `for 2 s`, where it has one.
    pub hold: Option<Placed<Duration>>,
    /// The scalar that holds the text.
    pub node: &'t Node,
}

impl Compiled<'_> {
    /// Where a span of the program stands in the file.
    pub fn place(&self, span: Span) -> Place {
        place_in(self.node, span)
    }
}

/// A condition that is true or false, with `for` where it has one.
pub fn condition<'t>(
    node: &'t Node,
    nouns: &Nouns<'_>,
    dialect: Dialect,
    out: &mut Diagnostics,
) -> Option<Compiled<'t>> {
    let text =
        &crate::decode::scalar(node, "a condition such as `battery.voltage > 13.6 V`", out)?.value.text;
    let condition = parse_condition(text).map_err(|problem| report(node, problem, out)).ok()?;
    let program = check(node, text, &condition.expr, nouns, dialect, out)?;
    if program.yields != Type::Truth {
        let place = place_in(node, condition.expr.span);
        let help = "compare it with something, as in `battery.voltage > 13.6 V`";
        out.push(place.mistake(codes::EXPR_TYPE, "this is a number and not a condition").help(help));
        return None;
    }
    let hold = condition.hold.map(|(value, span)| Placed { value, place: place_in(node, span) });
    Some(Compiled { program, expr: condition.expr, hold, node })
}

/// A number, or a condition where `dialect` is that of derived points.
pub fn value<'t>(
    node: &'t Node,
    nouns: &Nouns<'_>,
    dialect: Dialect,
    out: &mut Diagnostics,
) -> Option<Compiled<'t>> {
    let text =
        &crate::decode::scalar(node, "an expression such as `max(a.temperature, b.temperature)`", out)?
            .value
            .text;
    let expr = parse_value(text).map_err(|problem| report(node, problem, out)).ok()?;
    let program = check(node, text, &expr, nouns, dialect, out)?;
    Some(Compiled { program, expr, hold: None, node })
}

/// A comparison whose left side is a point that stands elsewhere: `> 50 mA`.
pub fn comparison<'t>(
    node: &'t Node,
    point: &str,
    nouns: &Nouns<'_>,
    out: &mut Diagnostics,
) -> Option<Compiled<'t>> {
    let text = &crate::decode::scalar(node, "a comparison such as `> 50 mA`", out)?.value.text;
    let comparison = parse_comparison(text).map_err(|problem| report(node, problem, out)).ok()?;
    let left = Expr { span: Span::default(), kind: expr::ExprKind::Name(point.into()) };
    let span = Span::default().join(comparison.right.span);
    let (left, right) = (Box::new(left), Box::new(comparison.right));
    let whole = Expr { span, kind: expr::ExprKind::Binary { op: comparison.op, left, right } };
    let program = check(node, text, &whole, nouns, Dialect::Limit, out)?;
    Some(Compiled { program, expr: whole, hold: None, node })
}

/// What a comparison compares with, where its point is not known.
pub fn compared_with(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) {
    let Some(scalar) = crate::decode::scalar(node, "a comparison such as `> 50 mA`", out) else { return };
    let text = &scalar.value.text;
    match parse_comparison(text) {
        Ok(found) => drop(check(node, text, &found.right, nouns, Dialect::Limit, out)),
        Err(problem) => report(node, problem, out),
    }
}

/// A part of a scalar's text as a condition: `sun.elevation < -2 deg` of `0 W when sun.elevation < -2 deg`.
pub fn condition_part<'t>(
    node: &'t Node,
    part: Span,
    nouns: &Nouns<'_>,
    dialect: Dialect,
    out: &mut Diagnostics,
) -> Option<Compiled<'t>> {
    let Kind::Scalar(scalar) = &node.kind else { return None };
    // Blanks in place of what stands before keep every place right.
    let before = usize::try_from(part.start).ok()?;
    let text = format!("{}{}", " ".repeat(before), scalar.text.get(before..)?);
    let condition = parse_condition(&text).map_err(|problem| report(node, problem, out)).ok()?;
    let program = check(node, &text, &condition.expr, nouns, dialect, out)?;
    let hold = condition.hold.map(|(value, span)| Placed { value, place: place_in(node, span) });
    Some(Compiled { program, expr: condition.expr, hold, node })
}

fn too_long<T>(node: &Node, expr: &Expr, out: &mut Diagnostics) -> Option<T> {
    let message = "the condition is too long once its derived points are written out";
    let help = "let it read measured points, or fewer of them";
    out.push(place_in(node, expr.span).mistake(codes::EXPR_TOO_LARGE, message).help(help));
    None
}

fn report(node: &Node, problem: Problem, out: &mut Diagnostics) {
    let mut diagnostic = place_in(node, problem.span).mistake(problem.code, problem.message);
    diagnostic.help = problem.help;
    out.push(diagnostic);
}

fn check(
    node: &Node,
    text: &str,
    expr: &Expr,
    nouns: &Nouns<'_>,
    dialect: Dialect,
    out: &mut Diagnostics,
) -> Option<Program> {
    let constants = BTreeMap::new();
    let scope = Scope { catalog: nouns.catalog, dialect, each: None, rule: 0, constants: &constants };
    let mut derived = Vec::new();
    let checked = if dialect == Dialect::Limit {
        match write_out(expr, nouns.catalog, nouns.written_out, &mut derived) {
            Some(written) => expr::check(&written, &scope),
            None => return too_long(node, expr, out),
        }
    } else {
        expr::check(expr, &scope)
    };
    let program = match checked {
        Ok(program) => program,
        Err(problems) => {
            for problem in problems {
                // With a part of the site unread, a name may be unknown only because of that.
                if nouns.is_complete || problem.code != codes::EXPR_UNKNOWN_NAME {
                    let at = derived.iter().find(|(span, _)| *span == problem.span).map(|(_, place)| *place);
                    let expr::Problem { span, code, message, help } = problem;
                    let mut diagnostic = place_in(node, span).mistake(code, message);
                    diagnostic.help = help;
                    if let Some(at) = at {
                        diagnostic = diagnostic.also(at.file, at.span, "it is part of this derived point");
                    }
                    out.push(diagnostic);
                }
            }
            return None;
        }
    };
    let mut is_right = true;
    for (span, note) in &program.notes {
        let start = usize::try_from(span.start).unwrap_or(0);
        let end = usize::try_from(span.end).unwrap_or(0);
        let number = text.get(start..end).unwrap_or("").trim();
        let message = format!("{} has no unit", quote(number));
        let help = format!("{note}; write the unit");
        out.push(place_in(node, *span).mistake(codes::UNIT_MISSING, message).help(help));
        is_right = false;
    }
    for threshold in &program.thresholds {
        let quantity = Quantity { base: threshold.value, unit: threshold.dimension.base() };
        if threshold.dimension == Dimension::Number {
            continue;
        }
        if let Some(diagnostic) =
            implausible(Placed { value: quantity, place: place_in(node, threshold.span) })
        {
            out.push(diagnostic);
            is_right = false;
        }
    }
    for expr::Problem { span, code, message, help } in program.doubts() {
        let mut diagnostic = place_in(node, *span).warning(code, message);
        diagnostic.help.clone_from(help);
        out.push(diagnostic);
    }
    is_right.then_some(program)
}
