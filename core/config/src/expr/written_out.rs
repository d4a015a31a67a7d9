//! Derived points in the conditions of `safety.yaml`, written out.
//!
//! A limit reads what is measured. Where it names a derived point, the expression of that point stands in its place, so that
//! the guard computes it itself: what an unknown value means, how far apart acting and letting go are, and what becomes of
//! the limit when the expression is edited are then those of the limit.

use std::collections::BTreeMap;

use ballast_model::Catalog;
use ballast_model::diagnostic::Span;
use ballast_model::expr::check::NODES_MAX;
use ballast_model::expr::{Expr, ExprKind};

use crate::diagnostics::Place;

/// A derived point that can be written out.
#[derive(Clone, Debug)]
pub struct Written {
    /// What stands for it.
    pub expr: Expr,
    /// Where it is computed.
    pub place: Place,
}

/// The derived points that can be written out, by their full names. Those that look back over time, that vote or that fall
/// back on another point are not among them.
pub type WrittenOut = BTreeMap<Box<str>, Written>;

/// Writes out every derived point that `expr` names, wherever it is nested. Everything of such a point has the place of its
/// name; the places that were written out are added to `found`. `None` where the outcome would be longer than any condition.
pub fn write_out(
    expr: &Expr,
    catalog: &Catalog,
    derived: &WrittenOut,
    found: &mut Vec<(Span, Place)>,
) -> Option<Expr> {
    let mut writer = Writer { catalog, derived, found, left: NODES_MAX };
    writer.write(expr, None)
}

struct Writer<'a> {
    catalog: &'a Catalog,
    derived: &'a WrittenOut,
    found: &'a mut Vec<(Span, Place)>,
    left: usize,
}

impl Writer<'_> {
    /// `at`: the name of a derived point inside of which this stands.
    fn write(&mut self, expr: &Expr, at: Option<Span>) -> Option<Expr> {
        self.left = self.left.checked_sub(1)?;
        let span = at.unwrap_or(expr.span);
        let mut boxed = |inner: &Expr| self.write(inner, at).map(Box::new);
        let kind = match &expr.kind {
            ExprKind::Name(name) => return self.name(name, span),
            ExprKind::Not(inner) => ExprKind::Not(boxed(inner)?),
            ExprKind::Negate(inner) => ExprKind::Negate(boxed(inner)?),
            ExprKind::Binary { op, left, right } => {
                ExprKind::Binary { op: *op, left: boxed(left)?, right: boxed(right)? }
            }
            ExprKind::Call { name, name_span, args } => {
                let args: Option<Vec<Expr>> = args.iter().map(|arg| self.write(arg, at)).collect();
                ExprKind::Call { name: name.clone(), name_span: at.unwrap_or(*name_span), args: args? }
            }
            other => other.clone(),
        };
        Some(Expr { span, kind })
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Expr> {
        let full = self.catalog.roles.get(name).map_or(name, |target| target);
        let Some(written) = self.derived.get(full) else {
            return Some(Expr { span, kind: ExprKind::Name(name.into()) });
        };
        self.found.push((span, written.place));
        self.write(&written.expr, Some(span))
    }
}
