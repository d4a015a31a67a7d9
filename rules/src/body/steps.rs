//! Plain numbers in a body that are finer than what their point can show.

use super::walk::Walker;
use crate::body::BodyKind;
use crate::checks::finer_than_resolution;
use crate::condition::convert;
use ballast_model::expr::check;
use rhai::{Expr, FnCallExpr, Position};

impl Walker<'_> {
    /// A comparison without quotes is computed by the script. Where a condition would read it in the same way, it is looked
    /// at as one: it has no variable, and everything in it is counted in base units, in which plain numbers and quantities
    /// are the same.
    pub(super) fn look_at_steps(&mut self, call: &FnCallExpr, at: Position, has_locals: bool) {
        if has_locals || self.around.kind == BodyKind::Function {
            return;
        }
        // What is wrong with it as a condition need not be wrong in a body.
        let mut ignored = Vec::new();
        let expr = Expr::FnCall(Box::new(call.clone()), at);
        let Some(condition) = convert(&expr, &self.around.file.scanned, &mut ignored) else { return };
        let Ok(program) = check(&condition, &self.around.scope()) else { return };
        let catalog = self.around.catalog;
        let unit = |point: &ballast_model::PointId| catalog.point(*point).map(|spec| spec.unit());
        let is_base = program.reads.iter().filter_map(unit).all(|unit| unit == unit.dimension().base());
        let is_plain = program.comparisons().iter().all(|found| found.is_as_written);
        if is_base || is_plain {
            self.problems.extend(finer_than_resolution(&program, catalog));
        }
    }
}
