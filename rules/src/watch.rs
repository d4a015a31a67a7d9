//! Which branches of bodies were taken, for the coverage of a site's tests.
//!
//! A mark is put at the beginning of each branch of bodies that were compiled already: a name that no text can hold, which is
//! noted when it is read. Bodies that nobody watches have none, and cost nothing. A mark takes a step of the budget of its
//! run, so that what counts is run without.

use crate::body::Runnable;
use crate::live::VALUE_MARK;
use crate::run::RhaiBodies;
use crate::sandbox::failure;
use rhai::{AST, Dynamic, Expr, ImmutableString, Namespace, Position, Stmt, StmtBlock};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What of a body can be taken or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    /// What stands behind `if`.
    If,
    /// What stands behind `else`.
    Else,
    /// That what an `if` without `else` asks is not so.
    NotIf,
    /// What stands in a loop.
    Loop,
    /// An arm of `switch`.
    Arm,
}

/// A branch and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The name of its file, `heating.rhai`.
    pub file: Box<str>,
    /// Its line.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// What it is.
    pub branch: Branch,
}

/// The marks, and which were read.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    steps: BTreeMap<Step, usize>,
    taken: Rc<RefCell<Vec<bool>>>,
}

impl RhaiBodies {
    /// Watches from now on which branches are taken.
    pub fn watch(&mut self) {
        let mut watched = Watched::default();
        for body in &mut self.bodies {
            let Runnable::Script { ast, .. } = &mut body.runnable else { continue };
            let mut marker = Marker { file: &body.file, watched: &mut watched };
            let mut statements = ast.statements().to_vec();
            marker.statements(&mut statements);
            **ast = AST::new(statements, ast.shared_lib().clone());
        }
        let (taken, live) = (Rc::clone(&watched.taken), Rc::clone(&self.live));
        #[expect(
            deprecated,
            reason = "the library marks it as open to change; the version of the library is pinned"
        )]
        self.engine.on_var(move |name, _, _| {
            if let Some(index) = index_of(name) {
                if let Some(place) = taken.borrow_mut().get_mut(index) {
                    *place = true;
                }
                return Ok(Some(Dynamic::UNIT));
            }
            match live.try_borrow() {
                Ok(live) => live.value(name),
                Err(_) => Err(failure("a value was read while another was being asked for")),
            }
        });
        self.watched = Some(watched);
    }

    /// Every branch with whether it was taken; none where nobody watches.
    pub fn steps(&self) -> Vec<(Step, bool)> {
        let Some(watched) = &self.watched else { return Vec::new() };
        let taken = watched.taken.borrow();
        let of = |(step, index): (&Step, &usize)| (step.clone(), taken.get(*index).copied().unwrap_or(false));
        watched.steps.iter().map(of).collect()
    }
}

/// What stands between the mark of values and the index of a step.
const STEP_MARK: char = '!';

fn index_of(name: &str) -> Option<usize> {
    name.strip_prefix(VALUE_MARK)?.strip_prefix(STEP_MARK)?.parse().ok()
}

/// Puts the marks into the tree of a body.
struct Marker<'a> {
    file: &'a str,
    watched: &'a mut Watched,
}

impl Marker<'_> {
    /// The mark of a branch that stands there. What `each` unrolls has the same branches.
    fn mark(&mut self, branch: Branch, at: Position) -> Stmt {
        let (line, column) = (at.line().unwrap_or(0), at.position().unwrap_or(0));
        let step = Step { file: self.file.into(), line, column, branch };
        let mut taken = self.watched.taken.borrow_mut();
        let index = *self.watched.steps.entry(step).or_insert_with(|| {
            taken.push(false);
            taken.len() - 1
        });
        let name = ImmutableString::from(format!("{VALUE_MARK}{STEP_MARK}{index}"));
        Stmt::Expr(Box::new(Expr::Variable(Box::new((None, name, Namespace::NONE, 0)), None, at)))
    }

    fn statements(&mut self, statements: &mut [Stmt]) {
        statements.iter_mut().for_each(|statement| self.statement(statement));
    }

    /// A block that is taken or not; `at` is told where it has no place of its own.
    fn branch(&mut self, branch: Branch, block: &mut StmtBlock, at: Position) {
        self.statements(block.statements_mut());
        let own = block.position();
        let mark = self.mark(branch, if own.is_none() { at } else { own });
        block.statements_mut().insert(0, mark);
    }

    fn statement(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::If(flow, at) => {
                self.expression(&mut flow.expr);
                self.branch(Branch::If, &mut flow.body, *at);
                match flow.branch.statements() {
                    // `else if`: its own branches tell all.
                    [Stmt::If(..)] => self.statements(flow.branch.statements_mut()),
                    [] => {
                        let mark = self.mark(Branch::NotIf, *at);
                        flow.branch.statements_mut().insert(0, mark);
                    }
                    _ => self.branch(Branch::Else, &mut flow.branch, *at),
                }
            }
            Stmt::While(flow, at) | Stmt::Do(flow, _, at) => {
                self.expression(&mut flow.expr);
                self.branch(Branch::Loop, &mut flow.body, *at);
            }
            Stmt::For(parts, at) => {
                self.expression(&mut parts.2.expr);
                self.branch(Branch::Loop, &mut parts.2.body, *at);
            }
            Stmt::Switch(cases, _) => {
                self.expression(&mut cases.0);
                for case in &mut cases.1.expressions {
                    let at = case.rhs.start_position();
                    self.expression(&mut case.rhs);
                    let taken = std::mem::replace(&mut case.rhs, Expr::Unit(at));
                    let statements = [self.mark(Branch::Arm, at), Stmt::Expr(Box::new(taken))];
                    case.rhs = Expr::Stmt(Box::new(StmtBlock::new(statements, at, at)));
                }
            }
            Stmt::Var(definition, _, _) => self.expression(&mut definition.1),
            Stmt::Assignment(parts) => self.expression(&mut parts.1.rhs),
            Stmt::FnCall(call, _) => call.args.iter_mut().for_each(|arg| self.expression(arg)),
            Stmt::Block(block) => self.statements(block.statements_mut()),
            Stmt::Expr(expr) | Stmt::BreakLoop(Some(expr), ..) | Stmt::Return(Some(expr), ..) => {
                self.expression(expr);
            }
            _ => {}
        }
    }

    fn expression(&mut self, expr: &mut Expr) {
        match expr {
            Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => {
                parts.iter_mut().for_each(|part| self.expression(part));
            }
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                parts.iter_mut().for_each(|part| self.expression(part));
            }
            Expr::Stmt(block) => self.statements(block.statements_mut()),
            Expr::Index(pair, _, _) => {
                self.expression(&mut pair.lhs);
                self.expression(&mut pair.rhs);
            }
            Expr::FnCall(call, _) => call.args.iter_mut().for_each(|arg| self.expression(arg)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, compile};
    use ballast_engine::bodies::{Asked, Bodies, BodyContext, BodyOutcome};
    use ballast_model::catalog::{Catalog, Kind, Origin, PointSpec};
    use ballast_model::diagnostic::FileId;
    use ballast_model::expr::Trackers;
    use ballast_model::{Mono, Snapshot, Unit};
    use std::sync::Arc;

    const TEXT: &str = "rule \"r\" when plain.level > 3 {
    let n = 2;
    let word = switch n { 1 => \"one\", 2 => { \"two\" }, _ => \"many\" };
    if n > 5 { notify(`${n}`); } else if n > 1 { notify(`${word} at ${n}`); } else { notify(`none`); }
    if n > 9 {
        notify(`nine`);
    }
    for i in 0..n { n += i; }
    while n > 100 { n -= 1; }
}
";

    #[test]
    fn what_was_taken_is_told_and_nothing_else_changes() {
        let mut catalog = Catalog::default();
        let level = PointSpec::new("plain.level", Kind::Number(Unit::parse("").unwrap()), Origin::Measured);
        catalog.add_point(level).unwrap();
        let catalog = Arc::new(catalog);
        let run = |watches: bool| {
            let mut compiled = compile(&[Source { file: FileId(0), name: "a.rhai", text: TEXT }], &catalog);
            assert!(!compiled.has_mistakes(), "{:#?}", compiled.diagnostics);
            if watches {
                compiled.bodies.watch();
            }
            let (snapshot, trackers) = (Snapshot::new(&catalog), Trackers::default());
            let context = BodyContext {
                catalog: &catalog,
                snapshot: &snapshot,
                trackers: &trackers,
                now: Mono::ZERO,
                rule: Some(0),
                active_since: Some(Mono::ZERO),
            };
            let mut asked = Asked::default();
            let body = compiled.rules[0].body;
            let outcome = compiled.bodies.run(body, &context, &mut asked);
            assert!(matches!(outcome, BodyOutcome::Done), "{outcome:?}");
            (format!("{:?}", asked.notices), compiled.bodies.steps())
        };
        let ((plain, none), (marked, steps)) = (run(false), run(true));
        assert!(none.is_empty());
        assert_eq!(plain, marked, "marks change nothing");
        assert!(plain.contains("two at 2"), "{plain}");
        let shown = |is_taken: bool| {
            let of = |(step, taken): &(Step, bool)| (*taken == is_taken).then_some((step.line, step.branch));
            steps.iter().filter_map(of).collect::<Vec<_>>()
        };
        let taken = [(3, Branch::Arm), (4, Branch::If), (5, Branch::NotIf), (8, Branch::Loop)];
        assert_eq!(shown(true), taken);
        let missed = [
            (3, Branch::Arm),
            (3, Branch::Arm),
            (4, Branch::If),
            (4, Branch::Else),
            (5, Branch::If),
            (9, Branch::Loop),
        ];
        assert_eq!(shown(false), missed);
    }
}
