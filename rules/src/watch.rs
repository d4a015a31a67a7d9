//! Which branches of bodies, and of the functions that they call, were taken: for the coverage of a site's tests.
//!
//! A mark is put at the beginning of each branch of bodies that were compiled already: a name that no text can hold, which is
//! noted when it is read. Bodies that nobody watches have none, and cost nothing. A mark gives back what it takes of the budget
//! of its run, so that a long body goes as far as it does without; what counts is run without all the same.
//!
//! The library lets nobody change the statements of a function. In its place stands one that evaluates a copy of them, with
//! marks. Functions that no body calls have no marks: no test could reach them.

use crate::body::Runnable;
use crate::live::VALUE_MARK;
use crate::run::RhaiBodies;
use crate::sandbox::failure;
use rhai::{
    AST, ASTNode, Dynamic, Engine, EvalContext, Expr, Expression, FnCallExpr, ImmutableString, Module,
    Namespace, Position, ScriptFuncDef, Shared, Stmt, StmtBlock,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What of a body or a function can be taken or not.
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
    /// The function it belongs to; `None` in a body.
    pub function: Option<Box<str>>,
}

/// The marks, and which were read.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    steps: BTreeMap<Step, usize>,
    taken: Rc<RefCell<Vec<Mark>>>,
}

/// What is known of a mark.
#[derive(Clone, Copy, Debug)]
struct Mark {
    was_read: bool,
    /// The operations that it adds to a run.
    cost: u64,
}

/// Functions that are called, each with how many arguments.
type Calls = BTreeSet<(ImmutableString, usize)>;

/// The statements of functions with their marks. Filled once, then only read.
type Copies = Rc<RefCell<Vec<Expr>>>;

impl RhaiBodies {
    /// Watches from now on which branches are taken.
    pub fn watch(&mut self) {
        let mut watched = Watched::default();
        // The functions of a file belong to all its bodies, and some may be called by one of them only.
        let mut files: BTreeMap<Rc<str>, (Shared<Module>, Calls)> = BTreeMap::new();
        for body in &mut self.bodies {
            let Runnable::Script { ast, .. } = &mut body.runnable else { continue };
            let own = || (ast.shared_lib().clone(), Calls::new());
            let (_, calls) = files.entry(Rc::clone(&body.file)).or_insert_with(own);
            let mut marker = Marker { file: &body.file, function: None, watched: &mut watched, calls };
            let mut statements = ast.statements().to_vec();
            marker.statements(&mut statements);
            **ast = AST::new(statements, ast.shared_lib().clone());
        }
        files.retain(|_, (own, _)| !own.is_empty());
        let copies = Copies::default();
        register_stand_in(&mut self.engine, &copies);
        let marked: BTreeMap<Rc<str>, Shared<Module>> = files
            .into_iter()
            .map(|(file, (own, calls))| {
                let marked = mark_functions((&self.engine, &copies), &file, &own, calls, &mut watched);
                (file, marked.into())
            })
            .collect();
        for body in &mut self.bodies {
            let Runnable::Script { ast, .. } = &mut body.runnable else { continue };
            let Some(functions) = marked.get(&body.file) else { continue };
            **ast = AST::new(ast.statements().to_vec(), Shared::clone(functions));
        }
        self.note_marks(&watched);
        self.watched = Some(watched);
    }

    /// Notes every mark that is read.
    fn note_marks(&mut self, watched: &Watched) {
        let (taken, live) = (Rc::clone(&watched.taken), Rc::clone(&self.live));
        #[expect(
            deprecated,
            reason = "the library marks it as open to change; the version of the library is pinned"
        )]
        self.engine.on_var(move |name, _, mut context| {
            if let Some(index) = index_of(name) {
                if let Some(mark) = taken.borrow_mut().get_mut(index) {
                    mark.was_read = true;
                    give_back(&mut context, mark.cost);
                }
                return Ok(Some(Dynamic::UNIT));
            }
            match live.try_borrow() {
                Ok(live) => live.value(name),
                Err(_) => Err(failure("a value was read while another was being asked for")),
            }
        });
    }

    /// Every branch with whether it was taken; none where nobody watches.
    pub fn steps(&self) -> Vec<(Step, bool)> {
        let Some(watched) = &self.watched else { return Vec::new() };
        let taken = watched.taken.borrow();
        let of = |(step, index): (&Step, &usize)| {
            (step.clone(), taken.get(*index).is_some_and(|mark| mark.was_read))
        };
        watched.steps.iter().map(of).collect()
    }
}

/// What stands between the mark of values and the index of a step.
const STEP_MARK: char = '!';

fn index_of(name: &str) -> Option<usize> {
    name.strip_prefix(VALUE_MARK)?.strip_prefix(STEP_MARK)?.parse().ok()
}

/// What a statement that is an expression takes of the budget: an operation for each.
const STATEMENT_COST: u64 = 2;

/// Gives operations back to the budget of a run that it would not have taken without marks. Never more than those: a loop that
/// costs nothing would not end.
fn give_back(context: &mut EvalContext<'_, '_, '_, '_, '_, '_>, cost: u64) {
    let state = context.global_runtime_state_mut();
    state.num_operations = state.num_operations.saturating_sub(cost);
}

/// The word of a function that stands for another. It is known only to an engine that has compiled its files.
const STAND_IN: &str = "watched_function";

/// Teaches the engine a word that evaluates one of the copies as the statements of the function it stands in.
fn register_stand_in(engine: &mut Engine, copies: &Copies) {
    let copies = Rc::clone(copies);
    engine.register_custom_syntax_with_state_raw(
        STAND_IN,
        |symbols, _, _| Ok((symbols.len() == 1).then(|| "$int$".into())),
        false,
        move |context, inputs, _| {
            let index = inputs.first().and_then(Expression::get_literal_value::<i64>);
            let index = index.and_then(|index| usize::try_from(index).ok());
            // A function that calls itself reads them twice at a time, and nobody writes any more.
            let copies = copies.try_borrow().map_err(|_| failure("the functions are not ready"))?;
            give_back(context, STATEMENT_COST);
            let copy = index
                .and_then(|index| copies.get(index))
                .ok_or_else(|| failure("there is no such function"))?;
            context.eval_expression_tree(&copy.into())
        },
    );
}

/// The functions of a file: those that are called, by bodies or by each other, with marks.
fn mark_functions(
    (engine, copies): (&Engine, &Copies),
    file: &str,
    own: &Module,
    mut calls: Calls,
    watched: &mut Watched,
) -> Module {
    let mut all = Module::new();
    let mut known = BTreeMap::new();
    for (_, _, name, count, function) in own.iter_script_fn_info() {
        all.set_script_fn(Shared::clone(function));
        known.insert((ImmutableString::from(name), count), function);
    }
    while let Some(call) = calls.pop_first() {
        // What is taken out is looked at once, also where it calls itself.
        let Some(function) = known.remove(&call) else { continue };
        let (index, before) = (copies.borrow().len(), watched.steps.len());
        let mut statements = statements_of(function);
        let mut marker = Marker { file, function: Some(&function.name), watched, calls: &mut calls };
        marker.statements(&mut statements);
        if watched.steps.len() == before {
            // It has no branches: it may stay as it is.
            continue;
        }
        let stand_in = engine.compile(format!("fn f() {{ {STAND_IN} {index} }}"));
        debug_assert!(stand_in.is_ok(), "{stand_in:?}");
        let Ok(stand_in) = stand_in else { continue };
        let Some((.., stand_in)) = stand_in.shared_lib().iter_script_fn_info().next() else { continue };
        let at = function.body.start_position();
        copies.borrow_mut().push(Expr::Stmt(Box::new(StmtBlock::new(
            statements,
            at,
            function.body.end_position(),
        ))));
        all.set_script_fn(ScriptFuncDef { body: stand_in.body.clone(), ..ScriptFuncDef::clone(function) });
    }
    all
}

/// The statements of a function, which only a walk shows.
fn statements_of(function: &Shared<ScriptFuncDef>) -> Vec<Stmt> {
    let mut alone = Module::new();
    alone.set_script_fn(Shared::clone(function));
    let mut statements = Vec::new();
    AST::new([], alone).walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}

/// Puts the marks into the tree of a body or a function, and notes what it calls.
struct Marker<'a> {
    file: &'a str,
    function: Option<&'a str>,
    watched: &'a mut Watched,
    calls: &'a mut Calls,
}

impl Marker<'_> {
    /// The mark of a branch that stands there. What `each` unrolls has the same branches.
    fn mark(&mut self, branch: Branch, at: Position, cost: u64) -> Stmt {
        let (line, column) = (at.line().unwrap_or(0), at.position().unwrap_or(0));
        let step =
            Step { file: self.file.into(), line, column, branch, function: self.function.map(Into::into) };
        let mut taken = self.watched.taken.borrow_mut();
        let index = *self.watched.steps.entry(step).or_insert_with(|| {
            taken.push(Mark { was_read: false, cost });
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
        // An empty loop costs an operation a turn, and one with a mark in it does not.
        let saved = u64::from(branch == Branch::Loop && block.is_empty());
        let mark = self.mark(branch, if own.is_none() { at } else { own }, STATEMENT_COST - saved);
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
                        let mark = self.mark(Branch::NotIf, *at, STATEMENT_COST);
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
                    self.expression(&mut case.lhs);
                    let at = case.rhs.start_position();
                    self.expression(&mut case.rhs);
                    let taken = std::mem::replace(&mut case.rhs, Expr::Unit(at));
                    // The block around the arm is an expression more, and the arm in it a statement.
                    let mark = self.mark(Branch::Arm, at, STATEMENT_COST + 2);
                    let statements = [mark, Stmt::Expr(Box::new(taken))];
                    case.rhs = Expr::Stmt(Box::new(StmtBlock::new(statements, at, at)));
                }
            }
            Stmt::Var(definition, _, _) => self.expression(&mut definition.1),
            Stmt::Assignment(parts) => {
                self.expression(&mut parts.1.lhs);
                self.expression(&mut parts.1.rhs);
            }
            Stmt::FnCall(call, _) => self.call(call),
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
            Expr::FnCall(call, _) => self.call(call),
            _ => {}
        }
    }

    fn call(&mut self, call: &mut FnCallExpr) {
        self.calls.insert((call.name.clone(), call.args.len()));
        call.args.iter_mut().for_each(|arg| self.expression(arg));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::OPERATIONS_MAX;
    use crate::{Source, compile};
    use ballast_engine::bodies::{Asked, Bodies, BodyContext};
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

    /// What a run of the first body said, and the branches, without anybody who watches or with.
    fn run(text: &str, watches: bool) -> (String, Vec<(Step, bool)>) {
        run_within(text, watches, OPERATIONS_MAX)
    }

    /// The same with another budget.
    fn run_within(text: &str, watches: bool, operations: u64) -> (String, Vec<(Step, bool)>) {
        let mut catalog = Catalog::default();
        let level = PointSpec::new("plain.level", Kind::Number(Unit::parse("").unwrap()), Origin::Measured);
        catalog.add_point(level).unwrap();
        let catalog = Arc::new(catalog);
        let mut compiled = compile(&[Source { file: FileId(0), name: "a.rhai", text }], &catalog);
        assert!(!compiled.has_mistakes(), "{:#?}", compiled.diagnostics);
        compiled.bodies.engine.set_max_operations(operations);
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
        (format!("{outcome:?} {:?}", asked.notices), compiled.bodies.steps())
    }

    #[test]
    fn what_was_taken_is_told_and_nothing_else_changes() {
        let ((plain, none), (marked, steps)) = (run(TEXT, false), run(TEXT, true));
        assert!(none.is_empty());
        assert_eq!(plain, marked, "marks change nothing");
        assert!(plain.starts_with("Done") && plain.contains("two at 2"), "{plain}");
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

    /// With everything in it that a function may hold; `spare` is called by nobody.
    const FUNCTIONS: &str = "const HIGH = 2;
fn word(n) {
    if n < 0 { return \"below\"; }
    let word = switch n { 1 => \"one\", 2 => { \"two\" }, _ => \"many\" };
    if n >= HIGH { word + \" or more\" } else { word }
}
fn sum(n) {
    let sum = 0;
    for i in 0..n { sum += i; }
    while sum > 100 { sum -= 1; }
    sum
}
fn spare(n) { if n > 1 { 1 } else { 2 } }
fn down(n) {
    if n > 0 { return down(n - 1); }
    sum(3) + n
}
fn twice(n) { n * 2 }
rule \"r\" when plain.level > 3 {
    notify(`${word(2)}, ${down(3)}, ${twice(4)}, ${nothing()}`);
}
fn nothing() {}
rule \"simple\" when plain.level > 9 { notify(\"Nothing\"); }
rule \"other\" when plain.level > 9 { if plain.level > 5 { notify(`${other(plain.level)}`); } }
fn other(n) { if n > 7 { \"seven\" } else { \"none\" } }
";

    #[test]
    fn branches_of_functions_that_bodies_call_are_told_and_nothing_else_changes() {
        let ((plain, none), (marked, steps)) = (run(FUNCTIONS, false), run(FUNCTIONS, true));
        assert!(none.is_empty());
        assert_eq!(plain, marked, "marks change nothing");
        assert!(plain.starts_with("Done") && plain.contains("two or more, 3, 8, "), "{plain}");
        let shown = |is_taken: bool| {
            let of = |(step, taken): &(Step, bool)| {
                let function = step.function.as_deref().unwrap_or("");
                (*taken == is_taken)
                    .then(|| format!("{}:{}:{:?} {function}", step.line, step.column, step.branch))
            };
            steps.iter().filter_map(of).collect::<Vec<_>>()
        };
        let taken = [
            "3:5:NotIf word",
            "4:44:Arm word",
            "5:18:If word",
            "9:19:Loop sum",
            "15:5:NotIf down",
            "15:14:If down",
        ];
        assert_eq!(shown(true), taken);
        let missed = [
            "3:14:If word",
            "4:32:Arm word",
            "4:60:Arm word",
            "5:45:Else word",
            "10:21:Loop sum",
            "24:37:NotIf ",
            "24:56:If ",
            "25:24:If other",
            "25:41:Else other",
        ];
        assert_eq!(shown(false), missed);
    }

    #[test]
    fn a_failure_in_a_function_that_is_watched_is_the_same() {
        let text = "fn half(n) { if n > 3 { n / (n - 4) } else { n } }
rule \"r\" when plain.level > 3 { notify(`${half(4)}`); }
";
        let ((plain, _), (marked, steps)) = (run(text, false), run(text, true));
        assert_eq!(plain, marked);
        assert!(plain.starts_with("Failed") && plain.contains("a.rhai:1:"), "{plain}");
        assert_eq!(steps.iter().map(|(_, taken)| *taken).collect::<Vec<_>>(), [true, false]);
    }

    /// The more a run is watched, the less it would get done if marks took a part of its budget. At the moment of a mark it
    /// may lack what the mark gives back at once.
    #[test]
    fn a_run_that_is_watched_goes_as_far_as_one_that_is_not() {
        let empty_loop =
            "rule \"r\" when plain.level > 3 { let n = 1; if n > 0 { loop { } } notify(`${n}`); }\n";
        let ends =
            |text: &str, watches, operations| run_within(text, watches, operations).0.starts_with("Done");
        for text in [TEXT, FUNCTIONS] {
            let least = |watches| (1..600).find(|operations| ends(text, watches, *operations)).unwrap();
            let (plain, marked) = (least(false), least(true));
            assert!((plain..=plain + STATEMENT_COST + 2).contains(&marked), "{plain} {marked}");
        }
        // What costs nothing would never end.
        assert!(!ends(empty_loop, true, OPERATIONS_MAX));
    }
}
