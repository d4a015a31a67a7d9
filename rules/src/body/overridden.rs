//! Requests that never count, since a later one for the same output always takes their place.

use super::Ask;
use super::walk::Walker;
use crate::report::problem;
use rhai::{ASTNode, Stmt};

/// The statements of a block, one after the other.
#[derive(Debug, Default)]
pub(super) struct Straight {
    /// How many requests stood before the block, or before the last way out of it.
    before: usize,
    /// How many stood before the statement that comes next.
    seen: usize,
}

impl Straight {
    pub(super) fn from(walker: &Walker<'_>) -> Self {
        Self { before: walker.asks.len(), seen: walker.asks.len() }
    }

    /// Looks at the statement that was walked last. A request that is always reached takes the place of all before it.
    pub(super) fn follow(&mut self, walker: &mut Walker<'_>, statement: &Stmt, is_request: bool) {
        let asks_anew = walker.asks.len() > core::mem::replace(&mut self.seen, walker.asks.len());
        if leaves(statement) {
            // Where the run may end here, what was asked up to now counts.
            self.before = walker.asks.len();
            return;
        }
        let is_reached = is_request && asks_anew;
        let Some((last, earlier)) = walker.asks.split_last().filter(|_| is_reached) else { return };
        let is_taken =
            |ask: &&Ask| ask.output == last.output && (ask.wanted != last.wanted || ask.wanted.is_none());
        let taken: Vec<Ask> = earlier.iter().skip(self.before).filter(is_taken).copied().collect();
        for ask in taken {
            let name = walker.around.catalog.output(ask.output).map_or("?", |output| &output.name);
            let message = format!("this never counts: a request further down asks for `{name}` again");
            let help = "the last request for an output counts; put one of them into an `if`";
            walker.warnings.push(problem(ask.span, "rules::overridden", message, help));
        }
    }
}

/// Whether a run may end within a statement, or leave the loop around it.
fn leaves(statement: &Stmt) -> bool {
    let mut found = false;
    statement.walk(&mut Vec::new(), &mut |path| {
        found |= matches!(path.last(), Some(ASTNode::Stmt(Stmt::Return(..) | Stmt::BreakLoop(..))));
        !found
    });
    found
}
