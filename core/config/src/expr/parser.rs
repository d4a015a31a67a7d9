//! From words to a tree. Recursive descent; depth and number of pieces are bounded, so no text exhausts the stack.

use ballast_model::Dimension;
use ballast_model::Span as Duration;
use ballast_model::diagnostic::Span;
use ballast_model::expr::{BinaryOp, Expr, ExprKind};
use ballast_model::quantity::{parse_quantity, parse_span};

use super::lexer::{Sign, Token, TokenKind, finite, lex};
use super::{Comparison, Condition, Problem};
use crate::codes;
use crate::diagnostics::quote;
use crate::limits;

/// Reads a whole condition, with `for` at its end where it has one.
pub fn parse_condition(text: &str) -> Result<Condition, Problem> {
    let mut parser = Parser::new(text)?;
    let expr = parser.any()?;
    let hold = parser.hold()?;
    parser.end()?;
    Ok(Condition { expr, hold })
}

/// Reads an expression that is a value and not held for a time: a derived point, the subject of a derating.
pub fn parse_value(text: &str) -> Result<Expr, Problem> {
    let mut parser = Parser::new(text)?;
    let expr = parser.any()?;
    parser.end()?;
    Ok(expr)
}

/// Reads a comparison without its left side, `> 50 mA`.
pub fn parse_comparison(text: &str) -> Result<Comparison, Problem> {
    let mut parser = Parser::new(text)?;
    let Some(op) = parser.comparison_sign() else {
        let help = "start with `<`, `<=`, `>`, `>=`, `==` or `!=`";
        return Err(parser.unexpected("a comparison such as `> 50 mA`", help));
    };
    let right = parser.sum()?;
    parser.end()?;
    Ok(Comparison { op, right })
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    pieces: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, Problem> {
        if text.len() > limits::CONDITION_BYTES_MAX {
            let message = format!("a condition has at most {} bytes", limits::CONDITION_BYTES_MAX);
            return Err(too_large(Span::new(0, 1), message));
        }
        Ok(Self { tokens: lex(text)?, next: 0, depth: 0, pieces: 0 })
    }

    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.next).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.next).map_or(Span::default(), |token| token.span)
    }

    /// The end of the word that was taken last.
    fn last_end(&self) -> u32 {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.span.end)
    }

    fn take(&mut self, sign: Sign) -> bool {
        let is_it = *self.peek() == TokenKind::Sign(sign);
        self.next += usize::from(is_it);
        is_it
    }

    fn expr(&mut self, span: Span, kind: ExprKind) -> Result<Expr, Problem> {
        self.pieces += 1;
        if self.pieces > limits::CONDITION_PIECES_MAX {
            let message =
                format!("a condition has at most {} operands and operators", limits::CONDITION_PIECES_MAX);
            return Err(too_large(span, message));
        }
        Ok(Expr { span, kind })
    }

    fn binary(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Result<Expr, Problem> {
        let span = left.span.join(right.span);
        self.expr(span, ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) })
    }

    /// `a or b`
    fn any(&mut self) -> Result<Expr, Problem> {
        self.depth += 1;
        if self.depth > limits::CONDITION_DEPTH_MAX {
            let message =
                format!("brackets and calls are nested deeper than {}", limits::CONDITION_DEPTH_MAX);
            return Err(too_large(self.span(), message));
        }
        let mut left = self.all()?;
        while self.take(Sign::Or) {
            let right = self.all()?;
            left = self.binary(BinaryOp::Or, left, right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// `a and b`
    fn all(&mut self) -> Result<Expr, Problem> {
        let mut left = self.negation()?;
        while self.take(Sign::And) {
            let right = self.negation()?;
            left = self.binary(BinaryOp::And, left, right)?;
        }
        Ok(left)
    }

    /// `not a`, where `a` may be a comparison. Several in a row are counted, not nested in calls.
    fn negation(&mut self) -> Result<Expr, Problem> {
        let mut starts = Vec::new();
        loop {
            let start = self.span();
            if !self.take(Sign::Not) {
                break;
            }
            starts.push(start);
        }
        let mut expr = self.comparison()?;
        for start in starts.into_iter().rev() {
            expr = self.expr(start.join(expr.span), ExprKind::Not(Box::new(expr)))?;
        }
        Ok(expr)
    }

    fn comparison_sign(&mut self) -> Option<BinaryOp> {
        let TokenKind::Sign(sign) = self.peek() else { return None };
        let op = match sign {
            Sign::Less => BinaryOp::Less,
            Sign::LessOrEqual => BinaryOp::LessOrEqual,
            Sign::Greater => BinaryOp::Greater,
            Sign::GreaterOrEqual => BinaryOp::GreaterOrEqual,
            Sign::Equal => BinaryOp::Equal,
            Sign::NotEqual => BinaryOp::NotEqual,
            _ => return None,
        };
        self.next += 1;
        Some(op)
    }

    /// `a < b`
    fn comparison(&mut self) -> Result<Expr, Problem> {
        let left = self.sum()?;
        let Some(op) = self.comparison_sign() else { return Ok(left) };
        let right = self.sum()?;
        let span = self.span();
        if self.comparison_sign().is_some() {
            return Err(Problem {
                code: codes::EXPR_SYNTAX,
                span,
                message: "two comparisons in a row".to_owned(),
                help: Some("write `a < b and b < c`".to_owned()),
            });
        }
        self.binary(op, left, right)
    }

    /// `a + b`
    fn sum(&mut self) -> Result<Expr, Problem> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                TokenKind::Sign(Sign::Plus) => BinaryOp::Add,
                TokenKind::Sign(Sign::Minus) => BinaryOp::Subtract,
                _ => return Ok(left),
            };
            self.next += 1;
            let right = self.product()?;
            left = self.binary(op, left, right)?;
        }
    }

    /// `a * b`
    fn product(&mut self) -> Result<Expr, Problem> {
        let mut left = self.signed()?;
        loop {
            let op = match self.peek() {
                TokenKind::Sign(Sign::Times) => BinaryOp::Multiply,
                TokenKind::Sign(Sign::Over) => BinaryOp::Divide,
                _ => return Ok(left),
            };
            self.next += 1;
            let right = self.signed()?;
            left = self.binary(op, left, right)?;
        }
    }

    /// `-a`, `!a`. The sign of a number belongs to the number, so that `-2 °C` is one quantity.
    fn signed(&mut self) -> Result<Expr, Problem> {
        let mut signs = Vec::new();
        loop {
            let span = self.span();
            if self.take(Sign::Bang) {
                signs.push((span, true));
            } else if self.take(Sign::Minus) {
                signs.push((span, false));
            } else {
                break;
            }
        }
        let is_number = matches!(self.peek(), TokenKind::Number(_) | TokenKind::Quantity(_));
        let mut expr = self.operand()?;
        let sign = signs.last().copied();
        if let (true, Some((span, false))) = (is_number, sign) {
            signs.pop();
            expr.span = span.join(expr.span);
            match &mut expr.kind {
                ExprKind::Number(value) => *value = finite(-*value),
                ExprKind::Text(text) => *text = format!("-{text}").into(),
                _ => {}
            }
        }
        for (start, is_not) in signs.into_iter().rev() {
            let span = start.join(expr.span);
            let inner = Box::new(expr);
            expr = self.expr(span, if is_not { ExprKind::Not(inner) } else { ExprKind::Negate(inner) })?;
        }
        Ok(expr)
    }

    fn operand(&mut self) -> Result<Expr, Problem> {
        let span = self.span();
        let kind = match self.peek().clone() {
            TokenKind::Number(value) => ExprKind::Number(value),
            TokenKind::Quantity(text) | TokenKind::Text(text) => ExprKind::Text(text.into()),
            TokenKind::Sign(Sign::True) => ExprKind::Flag(true),
            TokenKind::Sign(Sign::False) => ExprKind::Flag(false),
            TokenKind::Name(name) => {
                self.next += 1;
                if *self.peek() == TokenKind::Sign(Sign::Open) {
                    return self.call(name, span);
                }
                return self.expr(span, ExprKind::Name(name.into()));
            }
            TokenKind::Sign(Sign::Open) => {
                self.next += 1;
                let mut inner = self.any()?;
                self.close(span)?;
                inner.span = Span::new(span.start, self.last_end());
                return Ok(inner);
            }
            _ => {
                let help = "write a point, `battery.voltage`, or a number with its unit, `50 °C`";
                return Err(self.unexpected("a value", help));
            }
        };
        self.next += 1;
        self.expr(span, kind)
    }

    /// The arguments of a call; its opening bracket is next.
    fn call(&mut self, name: String, name_span: Span) -> Result<Expr, Problem> {
        let open = self.span();
        self.next += 1;
        let mut args = Vec::new();
        if *self.peek() != TokenKind::Sign(Sign::Close) {
            loop {
                args.push(self.any()?);
                if !self.take(Sign::Comma) {
                    break;
                }
            }
        }
        self.close(open)?;
        let span = Span::new(name_span.start, self.last_end());
        self.expr(span, ExprKind::Call { name: name.into(), name_span, args })
    }

    fn close(&mut self, open: Span) -> Result<(), Problem> {
        if self.take(Sign::Close) {
            return Ok(());
        }
        if *self.peek() == TokenKind::End {
            return Err(Problem {
                code: codes::EXPR_SYNTAX,
                span: open,
                message: "the bracket that opens here is not closed".to_owned(),
                help: Some("add `)` where what it holds ends".to_owned()),
            });
        }
        if *self.peek() == TokenKind::Sign(Sign::For) {
            return Err(for_inside(self.span()));
        }
        Err(self.unexpected("`,` or `)`", "part the arguments with `,`, and close the bracket with `)`"))
    }

    /// `for 2 s` at the end.
    fn hold(&mut self) -> Result<Option<(Duration, Span)>, Problem> {
        if !self.take(Sign::For) {
            return Ok(None);
        }
        let span = self.span();
        let (TokenKind::Quantity(text) | TokenKind::Text(text)) = self.peek().clone() else {
            return Err(self.unexpected("a length of time after `for`", "write it with its unit: `for 2 s`"));
        };
        let Some(duration) = parse_span(&text) else {
            let message = match parse_quantity(&text) {
                Ok(quantity) if quantity.dimension() != Dimension::Duration => {
                    format!(
                        "{} is {}; a length of time is expected",
                        quote(&text),
                        quantity.dimension().name()
                    )
                }
                _ => format!("{} is not a length of time", quote(&text)),
            };
            let help = Some("write it with its unit: `for 2 s`".to_owned());
            return Err(Problem { code: codes::UNIT_WRONG, span, message, help });
        };
        self.next += 1;
        Ok(Some((duration, span)))
    }

    fn end(&self) -> Result<(), Problem> {
        match self.peek() {
            TokenKind::End => Ok(()),
            TokenKind::Sign(Sign::For) => Err(for_inside(self.span())),
            TokenKind::Sign(Sign::Close) => Err(Problem {
                code: codes::EXPR_SYNTAX,
                span: self.span(),
                message: "a bracket is closed here that was never opened".to_owned(),
                help: Some("remove it, or add `(` where what it holds begins".to_owned()),
            }),
            _ => {
                let help = "join two conditions with `and` or `or`; a word stands in quotes";
                Err(self.unexpected("an operator or the end", help))
            }
        }
    }

    fn unexpected(&self, expected: &str, help: &str) -> Problem {
        let message = match self.peek() {
            TokenKind::End if self.next == 0 => format!("the condition is empty; {expected} is expected"),
            TokenKind::End => format!("the condition breaks off; {expected} is expected"),
            _ => format!("{expected} is expected here"),
        };
        Problem { code: codes::EXPR_SYNTAX, span: self.span(), message, help: Some(help.to_owned()) }
    }
}

fn for_inside(span: Span) -> Problem {
    Problem {
        code: codes::EXPR_SYNTAX,
        span,
        message: "`for` holds the whole condition, so it stands once, at its end".to_owned(),
        help: Some("make two conditions, or two limits, when only a part must last".to_owned()),
    }
}

fn too_large(span: Span, message: String) -> Problem {
    Problem {
        code: codes::EXPR_TOO_LARGE,
        span,
        message,
        help: Some("make a derived point of a part of it, or several limits".to_owned()),
    }
}
