//! The one typed condition of Ballast.
//!
//! Limits in `safety.yaml`, derived points in `site.yaml` and the `when`/`until` of rules are the same thing here. A
//! front end (YAML text, Rhai) builds an untyped [`ast::Expr`]; [`check`](mod@check) resolves names, units and types
//! against the [`Catalog`](crate::Catalog) and reports every mistake with its place; what comes out is a [`Program`]
//! that evaluates without allocation, cannot fail, and says `None` where the truth is unknown.
//!
//! Time is part of the result: an evaluation also tells the earliest moment at which its answer could change although
//! no sample arrives.

mod alternatives;
pub mod ast;
pub mod check;
mod check_calls;
mod check_numbers;
mod comparison;
mod decides;
mod eval;
mod fault;
mod program;
mod range;
mod timer;
mod trackers;
mod used;
mod window;

pub use alternatives::{Meeting, Met, is_never_begun, meetings};
pub use ast::{BinaryOp, Expr, ExprKind};
pub use check::{Dialect, Problem, Scope, check};
pub use check_calls::FUNCTIONS;
pub use check_numbers::explain_quantity;
pub use comparison::{Comparison, Precision, Steps, TooFine};
pub use eval::{Bounded, Seen};
pub use fault::{Fault, NO_NUMBER_HELP, is_no_number};
pub use program::{Node, NodeId, Program, Statistic, Threshold, Type};
pub use timer::Hold;
pub use trackers::{OUTAGE_BRIDGED, STARTS_MAX, TrackerId, TrackerKey, Trackers};

#[cfg(test)]
mod tests;
