//! Conditions as `safety.yaml` and `site.yaml` write them: text in, the untyped tree of [`ballast_model::expr`] out.
//!
//! ```text
//! max(battery.temperature_1, battery.temperature_2) > 50 °C for 2 s
//! linky.period == "off_peak" and not (site.mode == "protect")
//! ```
//!
//! `and`, `or`, `not` and `&&`, `||`, `!` mean the same; `not` binds looser than a comparison and `!` tighter than
//! everything. Quantities are written with their unit, with or without quotes. Names, units and types are not looked at
//! here: the checker of the model does that for all front ends.

mod lexer;
mod parser;
mod written_out;

use ballast_model::Span as Duration;
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr, ExprKind};

pub(crate) use lexer::{number_problem, suggest_unit};
pub use parser::{parse_comparison, parse_condition, parse_value};
pub use written_out::{Written, WrittenOut, write_out};

/// A condition with its `for`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What must be true.
    pub expr: Expr,
    /// For how long, and where that is written.
    pub hold: Option<(Duration, Span)>,
}

/// A comparison without its left side, `> 50 mA`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The operator: an order, `==` or `!=`.
    pub op: BinaryOp,
    /// The right side.
    pub right: Expr,
}

/// Why a text is no condition. Spans are bytes of that text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code.
    pub code: &'static str,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Every name that a condition names, as it is written.
pub fn names(expr: &Expr) -> Vec<&str> {
    named(expr).into_iter().map(|(name, _)| name).collect()
}

/// The same with the place of each, in writing order.
pub fn named(expr: &Expr) -> Vec<(&str, Span)> {
    let (mut found, mut waiting) = (Vec::new(), vec![expr]);
    while let Some(expr) = waiting.pop() {
        match &expr.kind {
            ExprKind::Name(name) => found.push((&**name, expr.span)),
            ExprKind::Not(inner) | ExprKind::Negate(inner) => waiting.push(inner),
            ExprKind::Binary { left, right, .. } => waiting.extend([&**right, &**left]),
            ExprKind::Call { args, .. } => waiting.extend(args.iter().rev()),
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Flag(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
