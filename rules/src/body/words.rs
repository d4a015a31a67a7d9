//! Words of text points in a body. A word that the point never has is a mistake here as in conditions: also in `switch`,
//! whose cases the parser keeps as hashes only, and behind a variable that stands for the point or for a list of words.

use super::walk::Walker;
use crate::condition::dotted;
use crate::literal::{Literal, fold};
use crate::scan::{Scanned, TokenKind};
use ballast_model::PointId;
use ballast_model::catalog::{Kind, Noun};
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr as Condition, ExprKind, check};
use rhai::{ASTNode, Expr, FnCallExpr, ImmutableString, Position, Stmt};
use std::collections::BTreeSet;

/// A variable of a body.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) name: ImmutableString,
    /// What texts it holds, where that is known.
    texts: Option<Texts>,
}

/// Texts that something can be.
#[derive(Clone, Debug)]
enum Texts {
    /// The words of this point.
    Of(PointId),
    /// One of these, which stand there.
    Listed(Vec<(ImmutableString, Span)>),
}

impl Local {
    pub(super) const fn plain(name: ImmutableString) -> Self {
        Self { name, texts: None }
    }
}

/// The variables that are given another value somewhere: what they hold is not known.
pub(super) fn assigned(statements: &[Stmt]) -> BTreeSet<ImmutableString> {
    let mut found = BTreeSet::new();
    for statement in statements {
        statement.walk(&mut Vec::new(), &mut |path| {
            if let Some(ASTNode::Stmt(Stmt::Assignment(parts))) = path.last()
                && let Expr::Variable(name, _, _) = &parts.1.lhs
            {
                found.insert(name.1.clone());
            }
            true
        });
    }
    found
}

impl Walker<'_> {
    /// A variable that begins with the value of an expression.
    pub(super) fn begun(&self, name: &ImmutableString, value: &Expr) -> Local {
        let texts = if self.assigned.contains(name) { None } else { self.texts(value) };
        Local { name: name.clone(), texts }
    }

    fn texts(&self, expr: &Expr) -> Option<Texts> {
        if let Expr::Array(items, _) = expr {
            let text = |item: &Expr| match item {
                Expr::StringConstant(text, at) => Some((text.clone(), self.span(*at))),
                _ => None,
            };
            return items.iter().map(text).collect::<Option<_>>().map(Texts::Listed);
        }
        if let Some((name, _)) = dotted(expr, &self.around.file.scanned) {
            if let Some(local) = self.locals.iter().rev().find(|local| local.name == name) {
                return local.texts.clone();
            }
            if let Some(Noun::Point(point)) = self.around.catalog.resolve(&self.expand(&name)) {
                let is_text = matches!(self.around.catalog.point(point)?.kind, Kind::Words(_));
                return is_text.then_some(Texts::Of(point));
            }
        }
        match fold(expr, &self.around.file.literals)? {
            Literal::Text(text) => Some(Texts::Listed(vec![(text, self.span(expr.start_position()))])),
            _ => None,
        }
    }

    /// `a == b` where one is the word of a point and the other a text that stands there.
    pub(super) fn compared(&mut self, call: &FnCallExpr) {
        let [left, right] = call.args.as_slice() else { return };
        let (point, texts) = match (self.texts(left), self.texts(right)) {
            (Some(Texts::Of(point)), Some(Texts::Listed(texts)))
            | (Some(Texts::Listed(texts)), Some(Texts::Of(point))) => (point, texts),
            _ => return,
        };
        for (text, span) in texts {
            self.is_one_of(point, ExprKind::Text(text.as_str().into()), span);
        }
    }

    /// The cases of a `switch` over a point: what it never is, is no case of it.
    pub(super) fn cases(&mut self, subject: &Expr, at: Position) {
        let point = match self.texts(subject) {
            Some(Texts::Of(point)) => point,
            Some(Texts::Listed(_)) => return,
            None => {
                let name = dotted(subject, &self.around.file.scanned).map(|(name, _)| name);
                match name.map(|name| self.around.catalog.resolve(&self.expand(&name))) {
                    Some(Some(Noun::Point(point))) => point,
                    _ => return,
                }
            }
        };
        for (case, span) in written_cases(&self.around.file.scanned, at) {
            let is_number =
                self.around.catalog.point(point).is_some_and(|spec| matches!(spec.kind, Kind::Number(_)));
            if is_number && matches!(case, ExprKind::Text(_)) {
                let help =
                    "in a body a value is a plain number in the unit of its point: leave quotes and unit out";
                self.refuse(span, "a number is never a text", help);
            } else {
                self.is_one_of(point, case, span);
            }
        }
    }

    /// Says what is wrong where a value can never be that of a point, as a condition would.
    fn is_one_of(&mut self, point: PointId, value: ExprKind, span: Span) {
        let Some(spec) = self.around.catalog.point(point) else { return };
        let side = |kind| Box::new(Condition { span, kind });
        let (left, right) = (side(ExprKind::Name(spec.name.clone())), side(value));
        let kind = ExprKind::Binary { op: BinaryOp::Equal, left, right };
        if let Err(problems) = check(&Condition { span, kind }, &self.around.scope()) {
            self.problems.extend(self.around.in_words_of_the_file(problems));
        }
    }
}

/// The literals that stand before `=>` in the `switch` at a place; ranges and conditions are left out.
fn written_cases(scanned: &Scanned<'_>, at: Position) -> Vec<(ExprKind, Span)> {
    let mut found = Vec::new();
    let first = scanned.token_at(scanned.byte_at(at));
    let mut depth = 0_u32;
    // Before the `{` that opens the cases; in the literals of a case; behind its `if`; in what it does.
    let (mut is_inside, mut is_case, mut is_condition) = (false, false, false);
    for index in first..scanned.tokens.len() {
        let Some(token) = scanned.tokens.get(index) else { break };
        let word = scanned.word(index);
        match word {
            "{" if !is_inside && depth == 0 => {
                (is_inside, is_case) = (true, true);
                continue;
            }
            "(" | "[" | "{" => depth += 1,
            "}" if is_inside && depth == 0 => break,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                // A block ends what a case does, and needs no comma.
                is_case |= is_inside && depth == 0 && word == "}" && scanned.word(index + 1) != "else";
            }
            "," if is_inside && depth == 0 => (is_case, is_condition) = (true, false),
            "=>" if depth == 0 => (is_case, is_condition) = (false, false),
            "if" if is_case => is_condition = true,
            _ if is_case && !is_condition && depth == 0 => {
                let is_range = [index.wrapping_sub(1), index + 1]
                    .iter()
                    .any(|next| scanned.word(*next).starts_with(".."));
                let span = Span::new(token.start, token.end);
                let kind = match (token.kind, word) {
                    (TokenKind::Text, _) => Some(ExprKind::Text(word.trim_matches('"').into())),
                    (TokenKind::Number, _) if !is_range => word.parse().ok().map(ExprKind::Number),
                    (_, "true" | "false") => Some(ExprKind::Flag(word == "true")),
                    _ => None,
                };
                found.extend(kind.map(|kind| (kind, span)));
            }
            _ => {}
        }
    }
    found
}
