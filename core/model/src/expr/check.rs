//! Names, units and types, found at load.
//!
//! Every mistake of a condition is collected; a program only comes out when there is none.

use super::ast::{BinaryOp, Expr, ExprKind};
use super::check_numbers::{Operand, is_comparable, makes_difference, scaled_unit, sum};
use super::comparison::{Comparison, Steps, sum_of};
use super::fault::{Fault, NO_NUMBER_HELP, is_no_number};
use super::program::{ForChecks, Node, NodeId, Program, Threshold, Type};
use super::range::Range;
use super::trackers::TrackerKey;
use crate::catalog::{Catalog, Kind, Noun, Origin, PointId};
use crate::diagnostic::{Span, did_you_mean};
use crate::finite::Finite;
use crate::quantity::{Dimension, Unit};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Operations of one program; a longer condition is refused.
pub const NODES_MAX: usize = 512;
/// How deep a condition may be nested; deeper is refused.
pub const DEPTH_MAX: u32 = 32;

/// Where a condition stands, which decides what it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `when`, `until`, `only` and bodies of rules.
    Rule,
    /// A limit or an `unless` of `safety.yaml`: raw values only, no functions over time and none that gives an unknown
    /// value a meaning.
    Limit,
    /// A derived point of `site.yaml`: no functions that belong to a rule.
    Derived,
}

/// What a condition may refer to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The nouns.
    pub catalog: &'a Catalog,
    /// Where it stands.
    pub dialect: Dialect,
    /// The variable of `each X in GROUP` and the device it stands for.
    pub each: Option<(&'a str, &'a str)>,
    /// Index of the rule it belongs to.
    pub rule: u32,
    /// Constants of the file: name and value.
    pub constants: &'a BTreeMap<Box<str>, Expr>,
}

/// One mistake in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// What a checked piece is.
#[derive(Clone, Debug)]
pub(super) enum Typed {
    Truth(NodeId),
    Number(Operand),
    /// A number without a unit: takes the unit of what it meets.
    Bare(f64),
    Words(PointId),
    Text(Box<str>),
}

pub(super) struct Checker<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) nodes: Vec<Node>,
    pub(super) keys: Vec<TrackerKey>,
    pub(super) reads: Vec<PointId>,
    thresholds: Vec<Threshold>,
    pub(super) notes: Vec<(Span, String)>,
    pub(super) doubts: Vec<Problem>,
    problems: Vec<Problem>,
    comparisons: Vec<Comparison>,
    depth: u32,
    yields_difference: bool,
    yields_steps: Option<Steps>,
}

/// Checks a condition or a number. All mistakes are returned together.
pub fn check(expr: &Expr, scope: &Scope<'_>) -> Result<Program, Vec<Problem>> {
    let mut checker = Checker {
        scope: *scope,
        nodes: Vec::new(),
        keys: Vec::new(),
        reads: Vec::new(),
        thresholds: Vec::new(),
        notes: Vec::new(),
        doubts: Vec::new(),
        problems: Vec::new(),
        comparisons: Vec::new(),
        depth: 0,
        yields_difference: false,
        yields_steps: None,
    };
    let typed = checker.walk(expr);
    let yields = typed.and_then(|typed| checker.finish(typed, expr.span));
    let Some(yields) = yields.filter(|_| checker.problems.is_empty()) else { return Err(checker.problems) };
    checker.reads.sort_unstable();
    checker.reads.dedup();
    // Programs stay for as long as the site runs, and most hold less than a vector's first few places.
    checker.nodes.shrink_to_fit();
    checker.reads.shrink_to_fit();
    checker.thresholds.shrink_to_fit();
    Ok(Program {
        nodes: checker.nodes,
        keys: checker.keys,
        links: Vec::new(),
        yields,
        is_difference: checker.yields_difference,
        reads: checker.reads,
        thresholds: checker.thresholds,
        seen: Some(Box::new(ForChecks {
            steps: checker.yields_steps,
            comparisons: checker.comparisons,
            doubts: checker.doubts,
        })),
        notes: checker.notes,
    })
}

impl Checker<'_> {
    /// Notes a mistake and gives up this piece; the others are still checked.
    pub(super) fn wrong<T>(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Option<T> {
        self.problems.push(Problem { span, code, message: message.into(), help });
        None
    }

    pub(super) fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        (self.nodes.len() - 1) as NodeId
    }

    pub(super) fn slot(&mut self, key: TrackerKey) -> u16 {
        let found = self.keys.iter().position(|known| *known == key);
        found.unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        }) as u16
    }

    /// The result must be the last node, since evaluation starts there.
    fn finish(&mut self, typed: Typed, span: Span) -> Option<Type> {
        self.yields_difference = matches!(&typed, Typed::Number(number) if number.is_difference);
        let (node, yields) = match typed {
            Typed::Truth(node) => (node, Type::Truth),
            Typed::Number(number) => {
                self.yields_steps = number.steps();
                (number.node, Type::Number(number.dimension, number.unit))
            }
            Typed::Bare(value) => {
                let node = self.constant(value, Unit::NONE, span)?;
                (node, Type::Number(Dimension::Number, Unit::NONE))
            }
            Typed::Text(text) => {
                let (value, unit) = self.quantity(&text, span)?;
                (self.push(Node::Number(value)), Type::Number(unit.dimension(), unit))
            }
            Typed::Words(point) => {
                let words = self.words_of(point);
                let help = Some(format!("compare it with one of its words: {words}"));
                return self.wrong(span, "expr::type", "a text point alone is neither true nor false", help);
            }
        };
        if usize::from(node) + 1 != self.nodes.len() {
            let last = self.nodes.get(usize::from(node)).copied()?;
            self.nodes.push(last);
        }
        Some(yields)
    }

    pub(super) fn walk(&mut self, expr: &Expr) -> Option<Typed> {
        if self.depth >= DEPTH_MAX || self.nodes.len() >= NODES_MAX {
            let help = Some("name parts of it as derived points in site.yaml".to_string());
            return self.wrong(
                expr.span,
                "expr::too_large",
                "the condition is too long or nested too deeply",
                help,
            );
        }
        self.depth += 1;
        let typed = match &expr.kind {
            ExprKind::Number(value) => Some(Typed::Bare(*value)),
            ExprKind::Text(text) => Some(Typed::Text(text.clone())),
            ExprKind::Flag(flag) => Some(Typed::Truth(self.push(Node::Flag(*flag)))),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Not(inner) => {
                let before = self.comparisons.len();
                let inner = self.truth(inner)?;
                self.comparisons.iter_mut().skip(before).for_each(Comparison::negate);
                Some(Typed::Truth(self.push(Node::Not(inner))))
            }
            ExprKind::Negate(inner) => self.negate(inner),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, expr.span),
            ExprKind::Call { name, name_span, args } => self.call(name, *name_span, args, expr.span),
        };
        self.depth -= 1;
        typed
    }

    /// A piece that must be yes or no.
    pub(super) fn truth(&mut self, expr: &Expr) -> Option<NodeId> {
        match self.walk(expr)? {
            Typed::Truth(node) => Some(node),
            _ => {
                let help = Some("compare it with something, as in `battery.soc < \"25 %\"`".to_string());
                self.wrong(
                    expr.span,
                    "expr::type",
                    "this is not a condition: it is neither true nor false",
                    help,
                )
            }
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Typed> {
        if let Some(constant) = self.scope.constants.get(name) {
            let mut constant = constant.clone();
            constant.span = span;
            return self.walk(&constant);
        }
        let (full, point) = self.resolve_point(name, span)?;
        self.reads.push(point);
        let spec = self.scope.catalog.point(point)?;
        if let Origin::Output(_, crate::catalog::Facet::Since) = spec.origin {
            let node = self.push(Node::Since(point));
            return Some(Typed::Number(Operand::leaf(node, spec.unit(), full)));
        }
        Some(match &spec.kind {
            Kind::Number(unit) => {
                let mut number = Operand::leaf(self.push(Node::Point(point)), *unit, full);
                // A setting stands still until somebody changes it.
                number.is_smoothed = spec.origin == Origin::Setting;
                number.points.push(point);
                number.range = self.range_of(point);
                Typed::Number(number.with_steps(Steps::of_point(point, self.scope.catalog)))
            }
            Kind::Flag => Typed::Truth(self.push(Node::FlagPoint(point))),
            Kind::Words(_) => Typed::Words(point),
        })
    }

    /// The point a written name stands for, with `each` and roles followed.
    pub(super) fn resolve_point(&mut self, name: &str, span: Span) -> Option<(String, PointId)> {
        let full = self.expand(name);
        if self.scope.catalog.is_lost(&full) {
            return None;
        }
        match self.scope.catalog.resolve(&full) {
            Some(Noun::Point(point)) => Some((full, point)),
            Some(Noun::Output(_)) => {
                let help =
                    Some(format!("read `{name}.state`, `{name}.actual`, `{name}.wanted` or `{name}.since`"));
                self.wrong(span, "expr::type", format!("`{name}` is an output, not a value"), help)
            }
            Some(Noun::Device(_) | Noun::Group(_)) => {
                let help = Some(format!("name one of its points, as in `{name}.power`"));
                self.wrong(span, "expr::type", format!("`{name}` is a device or a group, not a value"), help)
            }
            None if is_no_number(name) => {
                let message = format!("`{name}` is no number that can be measured");
                self.wrong(span, "expr::not_finite", message, Some(NO_NUMBER_HELP.to_string()))
            }
            None => {
                let help = match self.scope.catalog.suggest_point(&full) {
                    _ if full == "site.mode" => {
                        "name the modes of the site first: `modes: [home, away]`".to_string()
                    }
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`ballast check --explain` lists the points of the site".to_string(),
                };
                self.wrong(span, "expr::unknown_name", format!("there is no point `{name}`"), Some(help))
            }
        }
    }

    /// The full name, with the variable of `each` replaced by its device.
    pub(super) fn expand(&self, name: &str) -> String {
        if let Some((variable, device)) = self.scope.each {
            if name == variable {
                return device.to_string();
            }
            if let Some(rest) = name.strip_prefix(variable).and_then(|rest| rest.strip_prefix('.')) {
                return format!("{device}.{rest}");
            }
        }
        name.to_string()
    }

    fn negate(&mut self, inner: &Expr) -> Option<Typed> {
        match self.walk(inner)? {
            Typed::Bare(value) => Some(Typed::Bare(-value)),
            Typed::Number(number) => {
                let node = self.push(Node::Negate(number.node));
                Some(Typed::Number(number.negated(node)))
            }
            Typed::Text(text) => {
                let (value, unit) = self.quantity(&text, inner.span)?;
                let value = Finite::saturating(-value.get());
                Some(self.number_constant(value, unit))
            }
            _ => self.wrong(
                inner.span,
                "expr::type",
                "only a number can be negated with `-`",
                Some("write `!` for \"not\"".to_string()),
            ),
        }
    }

    pub(super) fn number_constant(&mut self, value: Finite, unit: Unit) -> Typed {
        let node = self.push(Node::Number(value));
        Typed::Number(Operand { is_smoothed: false, ..Operand::constant(node, unit, value) })
    }

    pub(super) fn constant(&mut self, value: f64, unit: Unit, span: Span) -> Option<NodeId> {
        match unit.to_base(value) {
            Some(value) => Some(self.push(Node::Number(value))),
            None => self.wrong(
                span,
                "expr::not_finite",
                "this number is too large",
                Some("write a number that can be measured".to_string()),
            ),
        }
    }

    fn words_of(&self, point: PointId) -> String {
        let words = self.scope.catalog.point(point).map(|spec| spec.words()).unwrap_or(&[]);
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        quoted.join(", ")
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Option<Typed> {
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let (left, right) = (self.truth(left), self.truth(right));
                let (left, right) = (left?, right?);
                let node = if op == BinaryOp::And { Node::And(left, right) } else { Node::Or(left, right) };
                Some(Typed::Truth(self.push(node)))
            }
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => {
                let (a, b) = (self.walk(left), self.walk(right));
                self.arithmetic(op, (a?, left.span), (b?, right.span), span)
            }
            _ => {
                let before = self.comparisons.len();
                let (a, b) = (self.walk(left), self.walk(right));
                // Two truths are compared: in which direction one of theirs counts depends on the other.
                self.comparisons.iter_mut().skip(before).for_each(|found| found.op = BinaryOp::Equal);
                let is_chain = matches!(&left.kind, ExprKind::Binary { op: first, .. } if first.is_order() && op.is_order());
                if is_chain && a.is_some() && b.is_some() {
                    let help = Some("write both, as in `20 < a && a < 50`".to_string());
                    return self.wrong(span, "expr::type", "a comparison cannot be compared again", help);
                }
                self.comparison(op, (a?, left.span), (b?, right.span), span)
            }
        }
    }

    fn arithmetic(
        &mut self,
        op: BinaryOp,
        left: (Typed, Span),
        right: (Typed, Span),
        span: Span,
    ) -> Option<Typed> {
        if let (Typed::Bare(a), Typed::Bare(b)) = (&left.0, &right.0) {
            let value = match op {
                BinaryOp::Add => a + b,
                BinaryOp::Subtract => a - b,
                BinaryOp::Multiply => a * b,
                _ => a / b,
            };
            return match Fault::of(value, (op == BinaryOp::Divide).then_some(*b)) {
                Some(fault) => self.not_finite(fault, span),
                None => Some(Typed::Bare(value)),
            };
        }
        let is_sum = matches!(op, BinaryOp::Add | BinaryOp::Subtract);
        let (a, b) = self.unify(left, right, is_sum)?;
        let (dimension, unit, factor) = if is_sum {
            let Some((dimension, unit)) = sum(op, &a, &b) else {
                let verb = if op == BinaryOp::Add { "added" } else { "subtracted" };
                return self.mixed(span, a.dimension, b.dimension, verb);
            };
            (dimension, unit, 1.0)
        } else {
            let found = if op == BinaryOp::Multiply {
                a.dimension.times(b.dimension)
            } else {
                a.dimension.over(b.dimension)
            };
            let Some((dimension, factor)) = found else {
                return self.mixed(span, a.dimension, b.dimension, "multiplied or divided");
            };
            (dimension, scaled_unit(op, dimension, &a, &b), factor)
        };
        let factor = Finite::saturating(factor);
        let constant = a.constant.zip(b.constant).map(|(a, b)| match op {
            BinaryOp::Add => a.get() + b.get(),
            BinaryOp::Subtract => a.get() - b.get(),
            BinaryOp::Multiply => a.get() * b.get() * factor.get(),
            _ => a.get() / b.get() * factor.get(),
        });
        let divisor = b.constant.filter(|_| op == BinaryOp::Divide).map(Finite::get);
        if let Some(fault) = Fault::of(constant.unwrap_or(0.0), divisor) {
            return self.not_finite(fault, span);
        }
        let constant = constant.and_then(Finite::new);
        let node = self.push(match op {
            BinaryOp::Add => Node::Add(a.node, b.node),
            BinaryOp::Subtract => Node::Subtract(a.node, b.node),
            BinaryOp::Multiply => Node::Multiply(a.node, b.node, factor),
            _ => Node::Divide(a.node, b.node, factor),
        });
        let sum = sum_of(op, &a, &b, factor.get());
        let mut number = Operand::leaf(node, unit, format!("({} {} {})", a.text, op.symbol(), b.text));
        number.dimension = dimension;
        number.is_smoothed = a.is_smoothed && b.is_smoothed;
        number.is_difference = makes_difference(op, &a, &b);
        number.constant = constant;
        number.range = Range::combined(op, &a, &b, factor.get());
        number.sum = sum.unwrap_or_else(|| number.alone(None));
        Some(Typed::Number(number))
    }

    /// A piece whose value is known when the text is read, and is none.
    fn not_finite<T>(&mut self, fault: Fault, span: Span) -> Option<T> {
        let help = "it has no value, and what is computed from it would be unknown for ever";
        self.wrong(span, "expr::not_finite", fault.sentence(), Some(help.to_string()))
    }

    fn mixed(&mut self, span: Span, a: Dimension, b: Dimension, verb: &str) -> Option<Typed> {
        let message = format!("{} and {} cannot be {verb}", a.name(), b.name());
        let help = match (a, b) {
            (Dimension::Power, Dimension::ApparentPower) | (Dimension::ApparentPower, Dimension::Power) => {
                "W and VA are different things: compare VA with VA".to_string()
            }
            (Dimension::Temperature, Dimension::TemperatureDifference)
            | (Dimension::TemperatureDifference, Dimension::Temperature) => {
                "a temperature is written in °C; K is for the difference of two temperatures".to_string()
            }
            _ => format!("one side is {}, the other {}", in_unit(a), in_unit(b)),
        };
        self.wrong(span, "expr::dimension", message, Some(help))
    }

    fn comparison(
        &mut self,
        op: BinaryOp,
        left: (Typed, Span),
        right: (Typed, Span),
        span: Span,
    ) -> Option<Typed> {
        match (&left.0, &right.0) {
            (Typed::Words(point), Typed::Text(word)) => return self.word(op, *point, word, right.1, span),
            (Typed::Text(word), Typed::Words(point)) => return self.word(op, *point, word, left.1, span),
            (Typed::Words(_), _) | (_, Typed::Words(_)) => {
                let help = Some("compare it with one of its words in quotes".to_string());
                return self.wrong(span, "expr::type", "a text point can only be compared with a word", help);
            }
            (Typed::Truth(a), Typed::Truth(b)) if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) => {
                return Some(self.same_truth(op, *a, *b));
            }
            (Typed::Truth(_), _) | (_, Typed::Truth(_)) => {
                let help = Some("use it as it is, or with `!`".to_string());
                return self.wrong(
                    span,
                    "expr::type",
                    "a yes-or-no value cannot be compared with this",
                    help,
                );
            }
            _ => {}
        }
        let spans = (left.1, right.1);
        let (a, b) = self.unify(left, right, true)?;
        if !is_comparable(&a, &b) {
            return self.mixed(span, a.dimension, b.dimension, "compared");
        }
        let place = match (a.constant, b.constant) {
            (None, Some(_)) => spans.1,
            (Some(_), None) => spans.0,
            _ => span,
        };
        self.doubt_range(op, &a, &b, place);
        self.note_threshold(op, &a, &b, spans, span);
        Some(Typed::Truth(self.push(Node::Compare(op, a.node, b.node))))
    }

    /// `a == b` on truths: both or neither.
    fn same_truth(&mut self, op: BinaryOp, a: NodeId, b: NodeId) -> Typed {
        let (not_a, not_b) = (self.push(Node::Not(a)), self.push(Node::Not(b)));
        let both = self.push(Node::And(a, b));
        let neither = self.push(Node::And(not_a, not_b));
        let same = self.push(Node::Or(both, neither));
        Typed::Truth(if op == BinaryOp::Equal { same } else { self.push(Node::Not(same)) })
    }

    fn word(
        &mut self,
        op: BinaryOp,
        point: PointId,
        word: &str,
        word_span: Span,
        span: Span,
    ) -> Option<Typed> {
        let spec = self.scope.catalog.point(point)?;
        let index = spec.words().iter().position(|known| &**known == word);
        let Some(index) = index else {
            let help = match did_you_mean(word, spec.words().iter().map(|known| &**known)) {
                Some(near) => format!("did you mean \"{near}\"? the words are {}", self.words_of(point)),
                None => format!("its words are {}", self.words_of(point)),
            };
            let message = format!("`{}` is never \"{word}\"", spec.name);
            return self.wrong(word_span, "expr::unknown_word", message, Some(help));
        };
        let node = self.push(Node::WordIs(point, index as u16));
        match op {
            BinaryOp::Equal => Some(Typed::Truth(node)),
            BinaryOp::NotEqual => Some(Typed::Truth(self.push(Node::Not(node)))),
            _ => self.wrong(
                span,
                "expr::type",
                "words have no order",
                Some("compare with `==` or `!=`".to_string()),
            ),
        }
    }

    fn note_threshold(&mut self, op: BinaryOp, a: &Operand, b: &Operand, sides: (Span, Span), whole: Span) {
        // The operation follows at once.
        let node = self.nodes.len() as NodeId;
        let (subject, value, written_op, span) = match (a.constant, b.constant) {
            (None, Some(value)) => (a, value, op, sides.1),
            (Some(value), None) => (b, value, op.mirrored(), sides.0),
            (None, None) => return self.comparisons.extend(Comparison::of(op, a, b, whole, node)),
            (Some(_), Some(_)) => return,
        };
        self.comparisons.extend(Comparison::of(op, a, b, span, node));
        self.thresholds.push(Threshold {
            subject: subject.text.clone(),
            points: subject.points.clone(),
            op: written_op,
            value,
            dimension: subject.dimension,
            span,
        });
    }
}

/// How people speak of what is counted in a unit, or in none.
fn in_unit(dimension: Dimension) -> String {
    let base = dimension.base().to_string();
    if base.is_empty() { "a plain number".to_string() } else { format!("in {base}") }
}
