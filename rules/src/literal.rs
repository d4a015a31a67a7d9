//! Values that are known at load: literals, constants and sums of them.

use crate::report::problem;
use crate::scan::Scanned;
use ballast_model::diagnostic::{Span, did_you_mean};
use ballast_model::expr::{Expr, ExprKind, Fault, Problem};
use rhai::ImmutableString;
use std::collections::BTreeMap;

/// A value that is known at load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Int(i64),
    Float(f64),
    Text(ImmutableString),
    Flag(bool),
}

/// The constants of a file.
pub(crate) type Literals = BTreeMap<Box<str>, Literal>;

impl Literal {
    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// As a value of a script.
    pub(crate) fn dynamic(&self) -> rhai::Dynamic {
        match self {
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.clone().into(),
            Self::Flag(flag) => (*flag).into(),
        }
    }

    /// As a piece of a condition.
    pub(crate) fn condition(&self, span: Span) -> Expr {
        let kind = match self {
            Self::Text(text) => ExprKind::Text(text.as_str().into()),
            Self::Flag(flag) => ExprKind::Flag(*flag),
            number => ExprKind::Number(number.number().unwrap_or(0.0)),
        };
        Expr { span, kind }
    }
}

/// The value of an expression, if it is known at load.
pub(crate) fn fold(expr: &rhai::Expr, constants: &Literals) -> Option<Literal> {
    match expr {
        rhai::Expr::IntegerConstant(number, _) => Some(Literal::Int(*number)),
        rhai::Expr::FloatConstant(number, _) => Some(Literal::Float(**number)),
        rhai::Expr::StringConstant(text, _) => Some(Literal::Text(text.clone())),
        rhai::Expr::BoolConstant(flag, _) => Some(Literal::Flag(*flag)),
        rhai::Expr::Variable(name, _, _) if name.2.is_empty() => constants.get(name.1.as_str()).cloned(),
        rhai::Expr::FnCall(call, _) if call.is_operator_call() => {
            let mut args = call.args.iter().map(|arg| fold(arg, constants));
            match (call.name.as_str(), args.next(), args.next()) {
                ("-", Some(inner), None) => match inner? {
                    Literal::Int(number) => number.checked_neg().map(Literal::Int),
                    Literal::Float(number) => Some(Literal::Float(-number)),
                    _ => None,
                },
                (name, Some(left), Some(right)) => arithmetic(name, &left?, &right?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Constants are numbers of conditions as well, so `1 / 2` is a half here.
fn arithmetic(name: &str, left: &Literal, right: &Literal) -> Option<Literal> {
    if let (Literal::Int(a), Literal::Int(b)) = (left, right) {
        let whole = match name {
            "+" => a.checked_add(*b),
            "-" => a.checked_sub(*b),
            "*" => a.checked_mul(*b),
            _ => None,
        };
        if let Some(whole) = whole {
            return Some(Literal::Int(whole));
        }
    }
    let value = operate(name, left.number()?, right.number()?)?;
    value.is_finite().then_some(Literal::Float(value))
}

/// An operation that has no result, as far as that is known at load.
pub(crate) fn arithmetic_fault(name: &str, args: &[rhai::Expr], constants: &Literals) -> Option<Fault> {
    let [left, right] = args else { return None };
    let (left, right) = (fold(left, constants), fold(right, constants));
    let b = right?.number()?;
    if matches!(name, "/" | "%") && b == 0.0 {
        return Some(Fault::DivisionByZero);
    }
    let a = left?.number()?;
    Fault::of(operate(name, a, b)?, None)
}

fn operate(name: &str, a: f64, b: f64) -> Option<f64> {
    Some(match name {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        _ => return None,
    })
}

/// The first operation without a result in a sum of constants.
fn fault_in(value: &rhai::Expr, constants: &Literals) -> Option<Fault> {
    let mut found = None;
    value.walk(&mut Vec::new(), &mut |path| {
        if let Some(rhai::ASTNode::Expr(rhai::Expr::FnCall(call, _))) = path.last() {
            found = found.or_else(|| arithmetic_fault(&call.name, &call.args, constants));
        }
        found.is_none()
    });
    found
}

/// Takes in one `const`.
pub(crate) fn constant(
    name: &str,
    span: Span,
    value: &rhai::Expr,
    source: &Scanned<'_>,
    constants: &mut Literals,
) -> Result<(), Problem> {
    if constants.contains_key(name) {
        let message = format!("the constant `{name}` is defined twice in this file");
        return Err(problem(span, "rules::duplicate", message, "choose another name"));
    }
    if let Some(fault) = fault_in(value, constants) {
        let place = source.span_at(value.start_position());
        let help = "a constant is a number that can be written";
        return Err(problem(place, "expr::not_finite", fault.sentence(), help));
    }
    let Some(found) = fold(value, constants) else {
        let mut strange = None;
        value.walk(&mut Vec::new(), &mut |path| {
            if let Some(rhai::ASTNode::Expr(rhai::Expr::Variable(other, _, at))) = path.last()
                && !constants.contains_key(other.1.as_str())
            {
                strange = strange.take().or(Some((other.1.clone(), *at)));
            }
            true
        });
        let at = strange.as_ref().map_or(value.start_position(), |(_, at)| *at);
        let place = source.span_at(at);
        let message = "a constant is a number, a text, `true` or `false`, or a sum of earlier constants";
        let near = strange.and_then(|(other, _)| {
            did_you_mean(&other, constants.keys().map(|known| &**known)).map(str::to_string)
        });
        let help = near.map_or_else(
            || "what changes belongs into a derived point or a setting of site.yaml".to_string(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(problem(place, "rules::constant", message, help));
    };
    constants.insert(name.into(), found);
    Ok(())
}
