//! Walks the statements of a body at load: resolves every name, refuses what has no place in a body, and puts checked
//! values and requests into the tree. What a body reads, asks and follows is complete after this.

use super::overridden::Straight;
use super::words::{Local, assigned};
use super::{Ask, Built, Entry, Runnable, Slot, Surroundings};
use crate::body::BodyKind;
use crate::checks::finer_than_resolution;
use crate::condition::{convert, dotted, operator};
use crate::limits::BODY_NAMES_MAX;
use crate::literal::{Literal, arithmetic_fault, fold};
use crate::live::VALUE_MARK;
use crate::report::problem;
use crate::sandbox::{FUNCTIONS, REQUESTS};
use ballast_model::catalog::{Facet, Noun, Origin};
use ballast_model::diagnostic::{Span, did_you_mean};
use ballast_model::expr::{
    BinaryOp, Expr as Condition, ExprKind, FUNCTIONS as CONDITION_FUNCTIONS, Node, Problem, Program,
    Statistic, TrackerKey, check,
};
use ballast_model::{GroupId, PointId};
use rhai::{AST, Expr, FnCallExpr, ImmutableString, Namespace, Position, Stmt, StmtBlock};
use std::collections::BTreeSet;

/// Operators of plain values that a body may use; `and`, `or` and comparisons are nodes of their own.
const OPERATORS: [&str; 16] =
    ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "!", "..", "..=", "&", "|"];

pub(crate) struct Walker<'a> {
    pub(super) around: Surroundings<'a>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) entries: Vec<Entry>,
    pub(super) asks: Vec<Ask>,
    pub(super) sheds: BTreeSet<GroupId>,
    pub(super) locals: Vec<Local>,
    /// Variables that are given another value somewhere.
    pub(super) assigned: BTreeSet<ImmutableString>,
    slots: Vec<Slot>,
    reads: BTreeSet<PointId>,
    follows: BTreeSet<TrackerKey>,
}

/// Checks a body and brings it into the form in which it runs.
pub(crate) fn build(around: Surroundings<'_>, block: &StmtBlock) -> Built {
    let mut walker = Walker::new(around);
    let mut statements: Vec<Stmt> = block.statements().to_vec();
    walker.assigned = assigned(&statements);
    let mut straight = Straight::default();
    let mut simple = Some(Vec::new());
    for statement in &mut statements {
        let before = walker.entries.len();
        let is_request = is_request(statement);
        let is_nothing = matches!(statement, Stmt::Noop(_));
        walker.statement(statement);
        straight.follow(&mut walker, statement, is_request);
        let added = walker.entries.get(before..).unwrap_or(&[]);
        match (added, &mut simple) {
            ([Entry::Fixed(action)], Some(actions)) if is_request => actions.push(action.clone()),
            ([], _) if is_nothing => {}
            _ => simple = None,
        }
    }
    let is_read = around.file.is_read(around.file.chunk(block.position()));
    if is_read && statements.iter().all(|statement| matches!(statement, Stmt::Noop(_))) {
        let what = if around.kind == BodyKind::Rule { "rule" } else { "event" };
        let message = format!("this {what} asks for nothing");
        let help = "write between the braces what it asks for, or remove it";
        walker.warnings.push(problem(walker.span(block.position()), "rules::empty_body", message, help));
    }
    let runnable = match simple {
        Some(actions) => Runnable::Simple(actions.into()),
        None => {
            let lib = around.file.ast.shared_lib().clone();
            let ast = Box::new(AST::new(statements, lib));
            Runnable::Script { ast, slots: walker.slots, entries: walker.entries }
        }
    };
    Built {
        runnable,
        reads: walker.reads,
        follows: walker.follows,
        asks: walker.asks,
        sheds: walker.sheds,
        problems: walker.problems,
        warnings: walker.warnings,
    }
}

/// Checks a function, which knows only its arguments.
pub(crate) fn check_function(
    around: Surroundings<'_>,
    parameters: &[&str],
    statements: &[Stmt],
) -> Vec<Problem> {
    let mut walker = Walker::new(around);
    walker.locals = parameters.iter().map(|name| Local::plain((*name).into())).collect();
    walker.assigned = assigned(statements);
    for statement in statements {
        walker.statement(&mut statement.clone());
    }
    walker.problems
}

fn is_request(statement: &Stmt) -> bool {
    let call = match statement {
        Stmt::FnCall(call, _) => call,
        Stmt::Expr(expr) => match &**expr {
            Expr::FnCall(call, _) => call,
            _ => return false,
        },
        _ => return false,
    };
    REQUESTS.iter().any(|(name, _)| *name == call.name.as_str())
}

impl<'a> Walker<'a> {
    fn new(around: Surroundings<'a>) -> Self {
        Self {
            around,
            problems: Vec::new(),
            warnings: Vec::new(),
            entries: Vec::new(),
            asks: Vec::new(),
            sheds: BTreeSet::new(),
            locals: Vec::new(),
            assigned: BTreeSet::new(),
            slots: Vec::new(),
            reads: BTreeSet::new(),
            follows: BTreeSet::new(),
        }
    }

    pub(super) fn span(&self, at: Position) -> Span {
        self.around.file.scanned.span_at(at)
    }

    pub(super) fn refuse(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(problem(span, "rules::body", message, help));
    }

    pub(super) fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|local| local.name == name)
    }

    /// A name with the variable of `each` replaced by its device.
    pub(super) fn expand(&self, name: &str) -> String {
        if let Some((variable, device)) = self.around.each
            && let Some(rest) = name.strip_prefix(variable)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return format!("{device}{rest}");
        }
        name.to_string()
    }

    fn block(&mut self, block: &mut StmtBlock) {
        let outside = self.locals.len();
        let mut straight = Straight::from(self);
        for statement in block.statements_mut() {
            let is_request = is_request(statement);
            self.statement(statement);
            straight.follow(self, statement, is_request);
        }
        self.locals.truncate(outside);
    }

    fn statement(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::Noop(_) => {}
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, _, _) => {
                self.expression(&mut flow.expr);
                self.block(&mut flow.body);
                self.block(&mut flow.branch);
            }
            Stmt::Switch(cases, at) => {
                self.cases(&cases.0, *at);
                self.expression(&mut cases.0);
                for case in &mut cases.1.expressions {
                    self.expression(&mut case.lhs);
                    self.expression(&mut case.rhs);
                }
            }
            Stmt::For(parts, _) => {
                let (name, counter, flow) = &mut **parts;
                let local = self.begun(&name.name, &flow.expr);
                self.expression(&mut flow.expr);
                let outside = self.locals.len();
                self.locals.push(local);
                self.locals.extend(counter.as_ref().map(|counter| Local::plain(counter.name.clone())));
                self.block(&mut flow.body);
                self.locals.truncate(outside);
            }
            Stmt::Var(definition, _, _) => {
                let local = self.begun(&definition.0.name, &definition.1);
                self.expression(&mut definition.1);
                self.locals.push(local);
            }
            Stmt::Assignment(parts) => {
                let before = self.problems.len();
                let meant = self.meant_by_assignment(&parts.1.rhs);
                self.target(&mut parts.1.lhs, meant);
                if self.problems.len() == before {
                    self.expression(&mut parts.1.rhs);
                }
            }
            Stmt::FnCall(call, at) => self.call(call, *at),
            Stmt::Block(block) => self.block(block),
            Stmt::Expr(expr) => self.expression(expr),
            Stmt::BreakLoop(Some(expr), ..) | Stmt::Return(Some(expr), ..) => self.expression(expr),
            Stmt::BreakLoop(None, ..) | Stmt::Return(None, ..) => {}
            Stmt::TryCatch(_, at) => {
                let span = self.span(*at);
                self.refuse(
                    span,
                    "a body cannot catch its own failures",
                    "leave `try` out: a failed run keeps the last good requests",
                );
            }
            other => {
                let span = self.span(other.position());
                let help = "a body knows `let`, `if`, `switch`, `while`, `for`, calculations and requests";
                self.refuse(span, "this statement has no place in a body", help);
            }
        }
    }

    /// What stands left of `=`: a variable of the body or an element of one.
    fn target(&mut self, expr: &mut Expr, meant: &str) {
        match expr {
            Expr::Variable(name, _, _) if self.is_local(&name.1) => {}
            Expr::Index(pair, _, _) => {
                self.target(&mut pair.lhs, meant);
                self.expression(&mut pair.rhs);
            }
            other => {
                let found = dotted(other, &self.around.file.scanned);
                let output = found.as_ref().map(|(name, _)| name).filter(|name| self.is_output(name));
                let help = match output {
                    Some(name) if meant == "set" => format!("a rule asks: `set({name}, ...)`"),
                    Some(name) => format!("a rule asks: `{meant}({name})`"),
                    None => {
                        "a rule asks: `close(x)`, `open(x)` or `set(x, value)`; a variable starts with `let`"
                            .to_string()
                    }
                };
                let span = found.map_or_else(|| self.span(other.start_position()), |(_, span)| span);
                self.refuse(span, "only variables of the body can be assigned", help);
            }
        }
    }

    /// Whether a written name stands for an output.
    pub(super) fn is_output(&self, name: &str) -> bool {
        matches!(self.around.catalog.resolve(&self.expand(name)), Some(Noun::Output(_)))
    }

    pub(super) fn expression(&mut self, expr: &mut Expr) {
        match expr {
            Expr::BoolConstant(..)
            | Expr::IntegerConstant(..)
            | Expr::FloatConstant(..)
            | Expr::StringConstant(..)
            | Expr::Unit(_) => {}
            Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => {
                parts.iter_mut().for_each(|part| self.expression(part));
            }
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                parts.iter_mut().for_each(|part| self.expression(part));
            }
            Expr::Variable(..) | Expr::Dot(..) => self.noun(expr),
            Expr::Stmt(block) => self.block(block),
            Expr::Index(pair, _, _) => {
                self.expression(&mut pair.lhs);
                self.expression(&mut pair.rhs);
            }
            Expr::FnCall(call, at) => {
                let at = *at;
                if let Some(replaced) = self.computed(call, at) {
                    *expr = replaced;
                    return;
                }
                let Expr::FnCall(call, _) = expr else { return };
                self.call(call, at);
            }
            other => {
                let span = self.span(other.start_position());
                let (message, help) = match other {
                    Expr::Map(..) => ("maps are not part of the language", "use `let` for each value"),
                    Expr::Coalesce(..) => {
                        ("`??` is not part of the language", "write `or_else(value, otherwise)`")
                    }
                    Expr::Custom(..) => (
                        "a statement of its own cannot stand in a body",
                        "put it at the left edge of the file",
                    ),
                    Expr::MethodCall(..) => {
                        ("methods are not part of the language", "write `f(x)` instead of `x.f()`")
                    }
                    _ => ("this has no place in a body", "compute it with `let`, or leave it out"),
                };
                self.refuse(span, message, help);
            }
        }
    }

    /// A name: a variable, a constant or a point.
    fn noun(&mut self, expr: &mut Expr) {
        let Some((name, span)) = dotted(expr, &self.around.file.scanned) else {
            let span = self.span(expr.start_position());
            let help =
                self.meant_by_method(expr).unwrap_or_else(|| "write `f(x)` instead of `x.f()`".to_string());
            return self.refuse(span, "a value has no parts and no methods", help);
        };
        let at = expr.start_position();
        let root = name.split('.').next().unwrap_or("");
        if self.is_local(root) {
            if root != name {
                let help = format!("write `{root}` alone, or give the variable another name than a device");
                self.refuse(span, format!("`{root}` is a plain value and has no parts"), help);
            }
            return;
        }
        if let Some(value) = self.around.file.literals.get(name.as_str()) {
            *expr = literal_expression(value, at);
            return;
        }
        if self.around.kind == BodyKind::Function {
            let message = format!("a function knows only its arguments, not `{name}`");
            let help = "pass the value to the function where it is called";
            return self.refuse(span, message, help);
        }
        let full = self.expand(&name);
        if root == name
            && self.around.catalog.resolve(&full).is_none()
            && !self.around.catalog.is_lost(&full)
            && let Some(near) = did_you_mean(&name, self.near_names())
        {
            let help = format!("did you mean `{near}`?");
            return self.refuse(span, format!("there is no variable or point `{name}`"), help);
        }
        let condition = Condition { span, kind: ExprKind::Name(name.clone().into()) };
        let point = match self.around.catalog.resolve(&full) {
            Some(Noun::Point(point)) => Some(point),
            _ => None,
        };
        let is_since = point
            .and_then(|point| self.around.catalog.point(point))
            .is_some_and(|spec| matches!(spec.origin, Origin::Output(_, Facet::Since)));
        if let Some(point) = point.filter(|_| !is_since) {
            self.reads.insert(point);
            *expr = self.slot(Slot::Point(point), at);
        } else if let Some(program) = self.checked(&condition) {
            *expr = self.slot(Slot::Computed { program, is_lenient: false }, at);
        }
    }

    /// A name that stands for a value of this run.
    fn slot(&mut self, slot: Slot, at: Position) -> Expr {
        let same = |known: &Slot| match (known, &slot) {
            (Slot::Point(a), Slot::Point(b)) => a == b,
            _ => false,
        };
        let index = self.slots.iter().position(same).unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        });
        if index > BODY_NAMES_MAX {
            let span = self.span(at);
            self.problems.push(problem(
                span,
                "rules::too_large",
                "the body reads too many values",
                "split the rule",
            ));
        }
        let name = ImmutableString::from(format!("{VALUE_MARK}{index}"));
        Expr::Variable(Box::new((None, name, Namespace::NONE, 0)), None, at)
    }

    /// A checked condition or number; what it reads and follows is noted.
    fn checked(&mut self, condition: &Condition) -> Option<Program> {
        let program = match check(condition, &self.around.scope()) {
            Ok(program) => program,
            Err(problems) => {
                self.problems.extend(self.around.in_words_of_the_file(problems));
                return None;
            }
        };
        self.warnings.extend(program.doubts().iter().cloned());
        self.problems.extend(finer_than_resolution(&program, self.around.catalog));
        // What a value was at the start does not change while the rule is active.
        let is_fixed = matches!(program.nodes(), [Node::Tracked { statistic: Statistic::AtStart, .. }]);
        if !is_fixed {
            self.reads.extend(program.reads.iter().copied());
        }
        self.follows.extend(program.tracker_keys().iter().copied());
        Some(program)
    }

    /// Calls that are computed outside the script: functions over time and of the day, and comparisons with a quoted
    /// quantity or word.
    fn computed(&mut self, call: &mut FnCallExpr, at: Position) -> Option<Expr> {
        let name = call.name.as_str();
        let is_comparison = call.is_operator_call()
            && call.args.len() == 2
            && operator(name)
                .is_some_and(|op| op.is_order() || matches!(op, BinaryOp::Equal | BinaryOp::NotEqual));
        if is_comparison {
            let constants = &self.around.file.literals;
            let has_text = call.args.iter().any(|arg| matches!(fold(arg, constants), Some(Literal::Text(_))));
            let is_plain = call.args.iter().any(|arg| self.uses_locals(arg));
            if !has_text || (is_plain && matches!(name, "==" | "!=")) {
                self.look_at_steps(call, at, is_plain);
                return None;
            }
            if is_plain {
                let span = self.span(call.args.first().map_or(at, Expr::start_position));
                let help = "in a body a value is a plain number: leave quotes and unit out";
                self.refuse(span, "a variable of the body cannot be compared with a quantity", help);
                return Some(Expr::Unit(at));
            }
            return Some(
                self.replaced(&Expr::FnCall(Box::new(call.clone()), at), at, false).unwrap_or(Expr::Unit(at)),
            );
        }
        let is_of_conditions = CONDITION_FUNCTIONS.iter().any(|(known, _)| *known == name);
        if !is_of_conditions || matches!(name, "min" | "max") {
            return None;
        }
        if self.around.kind == BodyKind::Function {
            let span = self.span(at);
            let help = "pass the value to the function where it is called";
            self.refuse(span, format!("a function knows only its arguments: `{name}` reads a point"), help);
            return Some(Expr::Unit(at));
        }
        if name == "changed" {
            let span = self.span(at);
            let help = "use it in `when`; the body runs again whenever a point it reads changes";
            self.refuse(span, "`changed` has no meaning in a body", help);
            return Some(Expr::Unit(at));
        }
        if name == "or_else"
            && let [first, otherwise] = call.args.as_mut_slice()
            && fold(otherwise, &self.around.file.literals).is_none()
        {
            let at = first.start_position();
            *first = self.replaced(&first.clone(), at, true)?;
            self.expression(otherwise);
            return Some(Expr::FnCall(Box::new(call.clone()), at));
        }
        Some(self.replaced(&Expr::FnCall(Box::new(call.clone()), at), at, false).unwrap_or(Expr::Unit(at)))
    }

    fn replaced(&mut self, expr: &Expr, at: Position, is_lenient: bool) -> Option<Expr> {
        let condition = convert(expr, &self.around.file.scanned, &mut self.problems)?;
        let program = self.checked(&condition)?;
        Some(self.slot(Slot::Computed { program, is_lenient }, at))
    }

    /// Whether a variable of the body stands in an expression.
    fn uses_locals(&self, expr: &Expr) -> bool {
        let mut found = false;
        expr.walk(&mut Vec::new(), &mut |path| {
            if let Some(rhai::ASTNode::Expr(Expr::Variable(name, _, _))) = path.last() {
                found |= self.is_local(&name.1);
            }
            !found
        });
        found
    }

    fn call(&mut self, call: &mut FnCallExpr, at: Position) {
        let span = self.span(at);
        let name = call.name.clone();
        if call.is_operator_call() {
            if !OPERATORS.contains(&name.as_str()) {
                let help = "bodies know + - * / %, comparisons, && || ! and the functions of the manual";
                return self.refuse(span, format!("`{name}` is not part of the language"), help);
            }
            self.operands(call, &name);
            return;
        }
        if !call.namespace.is_empty() || call.capture_parent_scope {
            let help = "call a function of this file or of the language by its name alone";
            return self.refuse(span, "`::` and `!` calls are not part of the language", help);
        }
        if REQUESTS.iter().any(|(known, _)| *known == name.as_str()) {
            return self.request(call, span);
        }
        let count = call.args.len();
        let own =
            self.around.file.functions.get(name.as_str()).is_some_and(|arities| arities.contains(&count));
        let known = FUNCTIONS.iter().find(|(known, _, _)| *known == name.as_str());
        // An output in the brackets of a function that does not exist was meant for a request.
        let is_meant = |arg: &Expr| {
            let name = dotted(arg, &self.around.file.scanned);
            !own && known.is_none() && name.is_some_and(|(name, _)| self.is_output(&name))
        };
        let skipped: Vec<bool> = call.args.iter().map(is_meant).collect();
        for (arg, _) in call.args.iter_mut().zip(skipped).filter(|(_, is_skipped)| !is_skipped) {
            self.expression(arg);
        }
        match known {
            _ if own => {}
            Some((_, arities, _)) if arities.contains(&count) => {}
            Some((_, _, usage)) => {
                let help = format!("write `{usage}`");
                self.refuse(span, "these are not the arguments of this function", help);
            }
            None => self.unknown_function(&name, count, span),
        }
    }

    /// Quantities in quotes are no numbers of a script.
    fn operands(&mut self, call: &mut FnCallExpr, name: &str) {
        if matches!(name, "==" | "!=") {
            self.compared(call);
        }
        let constants = &self.around.file.literals;
        if let Some(fault) = arithmetic_fault(name, &call.args, constants) {
            let span = self.span(call.args.last().map_or(Position::NONE, Expr::start_position));
            let help = "every run of the body would fail here";
            self.problems.push(problem(span, "expr::not_finite", fault.sentence(), help));
        }
        for arg in &mut call.args {
            let text = match fold(arg, &self.around.file.literals) {
                Some(Literal::Text(text)) => Some(text),
                _ => None,
            };
            let is_quantity =
                text.as_ref().is_some_and(|text| ballast_model::quantity::parse_quantity(text).is_ok());
            if matches!(name, "-" | "*" | "/" | "%") && text.is_some() || name == "+" && is_quantity {
                let span = self.span(arg.start_position());
                let help =
                    "in a body a value is a plain number in the unit of its point: leave quotes and unit out";
                self.refuse(span, "a quantity in quotes can only be compared or given to `set`", help);
            } else {
                self.expression(arg);
            }
        }
    }
}

/// A constant as a piece of a script.
fn literal_expression(value: &Literal, at: Position) -> Expr {
    match value {
        Literal::Int(number) => Expr::IntegerConstant(*number, at),
        Literal::Float(number) => Expr::FloatConstant((*number).into(), at),
        Literal::Text(text) => Expr::StringConstant(text.clone(), at),
        Literal::Flag(flag) => Expr::BoolConstant(*flag, at),
    }
}
