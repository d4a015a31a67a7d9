//! From the parser's expressions to the model's conditions.
//!
//! What has no place in a condition is refused with its place; names, units and types are the model's business.

use crate::report::problem;
use crate::scan::Scanned;
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr, ExprKind, Problem};
use rhai::{FnCallExpr, ImmutableString, Position};
use std::collections::BTreeMap;

const HELP: &str =
    "conditions know points, numbers, quantities in quotes, comparisons, && || !, + - * / and functions";

/// The condition as the model reads it; `None` when something was refused.
pub(crate) fn convert(expr: &rhai::Expr, source: &Scanned<'_>, problems: &mut Vec<Problem>) -> Option<Expr> {
    match expr {
        rhai::Expr::BoolConstant(flag, at) => Some(leaf(ExprKind::Flag(*flag), source, *at)),
        rhai::Expr::IntegerConstant(number, at) => Some(leaf(ExprKind::Number(*number as f64), source, *at)),
        rhai::Expr::FloatConstant(number, at) => Some(leaf(ExprKind::Number(**number), source, *at)),
        rhai::Expr::StringConstant(text, at) => Some(leaf(ExprKind::Text(text.as_str().into()), source, *at)),
        rhai::Expr::Variable(..) | rhai::Expr::Dot(..) => match dotted(expr, source) {
            Some((name, span)) => Some(Expr { span, kind: ExprKind::Name(name.into()) }),
            None => {
                let message = "only names of points can have parts";
                refuse(source.span_at(expr.start_position()), message, problems)
            }
        },
        rhai::Expr::And(parts, _) => chain(BinaryOp::And, parts, source, problems),
        rhai::Expr::Or(parts, _) => chain(BinaryOp::Or, parts, source, problems),
        rhai::Expr::FnCall(call, at) => function(call, *at, source, problems),
        other => refuse(source.span_at(other.start_position()), what(other), problems),
    }
}

/// A dotted name and where it stands; `None` when the expression is something else.
pub(crate) fn dotted(expr: &rhai::Expr, source: &Scanned<'_>) -> Option<(String, Span)> {
    let mut parts: Vec<(ImmutableString, Position)> = Vec::new();
    if !segments(expr, &mut parts) {
        return None;
    }
    let span = parts.iter().map(|(_, at)| source.span_at(*at)).reduce(Span::join)?;
    let words: Vec<&str> = parts.iter().map(|(word, _)| word.as_str()).collect();
    Some((words.join("."), span))
}

fn segments(expr: &rhai::Expr, parts: &mut Vec<(ImmutableString, Position)>) -> bool {
    match expr {
        rhai::Expr::Variable(name, _, at) if name.2.is_empty() => {
            parts.push((name.1.clone(), *at));
            true
        }
        rhai::Expr::Property(name, at) => {
            parts.push((name.2.clone(), *at));
            true
        }
        rhai::Expr::Dot(pair, flags, _) => {
            !flags.intersects(rhai::ASTFlags::NEGATED)
                && segments(&pair.lhs, parts)
                && segments(&pair.rhs, parts)
        }
        _ => false,
    }
}

fn leaf(kind: ExprKind, source: &Scanned<'_>, at: Position) -> Expr {
    Expr { span: source.span_at(at), kind }
}

fn refuse(span: Span, message: &str, problems: &mut Vec<Problem>) -> Option<Expr> {
    problems.push(problem(span, "rules::condition", message, HELP));
    None
}

fn what(expr: &rhai::Expr) -> &'static str {
    match expr {
        rhai::Expr::Coalesce(..) => "`??` has no place in a condition: write `or_else(value, otherwise)`",
        rhai::Expr::Index(..) | rhai::Expr::Array(..) => "lists have no place in a condition",
        rhai::Expr::InterpolatedString(..) => "a text with values has no place in a condition",
        rhai::Expr::Stmt(..) => "statements have no place in a condition",
        rhai::Expr::Custom(..) => "a statement has no place in a condition",
        _ => "this has no place in a condition",
    }
}

fn chain(
    op: BinaryOp,
    parts: &[rhai::Expr],
    source: &Scanned<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Expr> {
    let parts: Vec<Option<Expr>> = parts.iter().map(|part| convert(part, source, problems)).collect();
    parts.into_iter().reduce(|left, right| Some(binary(op, left?, right?)))?
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let span = left.span.join(right.span);
    Expr { span, kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) } }
}

pub(crate) fn operator(name: &str) -> Option<BinaryOp> {
    use BinaryOp::*;
    [Add, Subtract, Multiply, Divide, Less, LessOrEqual, Greater, GreaterOrEqual, Equal, NotEqual]
        .into_iter()
        .find(|op| op.symbol() == name)
}

fn function(
    call: &FnCallExpr,
    at: Position,
    source: &Scanned<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Expr> {
    let span = source.span_at(at);
    let args: Vec<Option<Expr>> = call.args.iter().map(|arg| convert(arg, source, problems)).collect();
    let name = call.name.as_str();
    if call.is_operator_call() {
        let mut args = args.into_iter();
        return match (name, args.next(), args.next()) {
            ("!", Some(inner), None) => {
                let inner = inner?;
                Some(Expr { span: span.join(inner.span), kind: ExprKind::Not(Box::new(inner)) })
            }
            ("-", Some(inner), None) => {
                let inner = inner?;
                Some(Expr { span: span.join(inner.span), kind: ExprKind::Negate(Box::new(inner)) })
            }
            (_, Some(left), Some(right)) => match operator(name) {
                Some(op) => Some(binary(op, left?, right?)),
                None => refuse(span, &strange_operator(name), problems),
            },
            _ => refuse(span, &strange_operator(name), problems),
        };
    }
    if !call.namespace.is_empty() {
        return refuse(span, "`::` has no place in a condition", problems);
    }
    let args: Option<Vec<Expr>> = args.into_iter().collect();
    let whole = Span::new(span.start, source.call_end(span));
    Some(Expr { span: whole, kind: ExprKind::Call { name: name.into(), name_span: span, args: args? } })
}

fn strange_operator(name: &str) -> String {
    match name {
        "&" => "write `&&` for \"and\"".to_string(),
        "|" => "write `||` for \"or\"".to_string(),
        _ => format!("`{name}` has no place in a condition"),
    }
}

/// A condition in one fixed spelling, constants and the variable of `each` put in: two conditions that say the same are
/// written the same, so that a changed one can be told from a moved or reformatted one.
pub(crate) fn canonical(
    expr: &Expr,
    constants: &BTreeMap<Box<str>, Expr>,
    each: Option<(&str, &str)>,
) -> String {
    let mut out = String::new();
    write(expr, constants, each, 0, &mut out);
    out
}

fn write(
    expr: &Expr,
    constants: &BTreeMap<Box<str>, Expr>,
    each: Option<(&str, &str)>,
    depth: u32,
    out: &mut String,
) {
    // Constants can only name earlier constants; the bound is a second lock.
    if depth > 64 {
        return;
    }
    let inner = |expr: &Expr, out: &mut String| write(expr, constants, each, depth + 1, out);
    match &expr.kind {
        ExprKind::Number(number) => out.push_str(&number.to_string()),
        ExprKind::Text(text) => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        ExprKind::Flag(flag) => out.push_str(&flag.to_string()),
        ExprKind::Name(name) => match constants.get(name) {
            Some(value) => inner(value, out),
            None => match each.and_then(|(variable, device)| Some((name.strip_prefix(variable)?, device))) {
                Some((rest, device)) if rest.is_empty() || rest.starts_with('.') => {
                    out.push_str(device);
                    out.push_str(rest);
                }
                _ => out.push_str(name),
            },
        },
        ExprKind::Not(operand) => {
            out.push_str("!(");
            inner(operand, out);
            out.push(')');
        }
        ExprKind::Negate(operand) => {
            out.push_str("-(");
            inner(operand, out);
            out.push(')');
        }
        ExprKind::Binary { op, left, right } => {
            out.push('(');
            inner(left, out);
            out.push_str(op.symbol());
            inner(right, out);
            out.push(')');
        }
        ExprKind::Call { name, args, .. } => {
            out.push_str(name);
            out.push('(');
            for arg in args {
                inner(arg, out);
                out.push(',');
            }
            out.push(')');
        }
    }
}
