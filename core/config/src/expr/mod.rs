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

use ballast_model::Span as Duration;
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr};

pub(crate) use lexer::{number_problem, suggest_unit};
pub use parser::{parse_comparison, parse_condition, parse_value};

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

#[cfg(test)]
mod tests;
