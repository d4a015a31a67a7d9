//! What was meant by a body that says it in another way: `heater = on`, `heater.close()`, `turn_on(heater)`.

use super::walk::Walker;
use crate::condition::dotted;
use crate::report::problem;
use crate::sandbox::{FUNCTIONS, REQUESTS};
use crate::slips::NO_WAITING;
use ballast_model::catalog::{Noun, OutputKind};
use ballast_model::diagnostic::{Span, did_you_mean};
use ballast_model::expr::FUNCTIONS as CONDITION_FUNCTIONS;
use rhai::Expr;

impl Walker<'_> {
    /// The request that was meant by assigning this to an output.
    pub(super) fn meant_by_assignment(&self, value: &Expr) -> &'static str {
        let word = match value {
            Expr::BoolConstant(true, _) => "closed".to_string(),
            Expr::BoolConstant(false, _) => "open".to_string(),
            Expr::StringConstant(text, _) => text.to_lowercase(),
            other => dotted(other, &self.around.file.scanned).map_or_else(String::new, |(name, _)| name),
        };
        match word.as_str() {
            "closed" | "close" | "on" | "true" => "close",
            "open" | "off" | "false" => "open",
            _ => "set",
        }
    }

    /// `heater.close()` as this language says it.
    pub(super) fn meant_by_method(&self, expr: &Expr) -> Option<String> {
        // The parser nests to the right: `plug.(relay.(close()))`.
        let (mut rest, mut names) = (expr, Vec::new());
        let call = loop {
            match rest {
                Expr::Dot(pair, _, _) => {
                    names.push(dotted(&pair.lhs, &self.around.file.scanned)?.0);
                    rest = &pair.rhs;
                }
                Expr::MethodCall(call, _) => break call,
                _ => return None,
            }
        };
        let name = names.join(".");
        let is_request = REQUESTS.iter().any(|(known, _)| *known == call.name.as_str());
        let request = if is_request { call.name.as_str() } else { meant_by_call(&call.name)? };
        let Some(Noun::Output(output)) = self.around.catalog.resolve(&self.expand(&name)) else {
            return None;
        };
        Some(match self.around.catalog.output(output)?.kind {
            OutputKind::Contact => format!("write `{request}({name})`"),
            OutputKind::Setpoint(_) => format!("write `set({name}, ...)`"),
        })
    }

    pub(super) fn near_names(&self) -> impl Iterator<Item = &str> {
        let locals = self.locals.iter().map(|local| local.name.as_str());
        locals.chain(self.around.file.literals.keys().map(|name| &**name))
    }

    pub(super) fn unknown_function(&mut self, name: &str, count: usize, span: Span) {
        if let Some(arities) = self.around.file.functions.get(name) {
            let counts: Vec<String> = arities.iter().map(ToString::to_string).collect();
            let help = format!("it takes {}", counts.join(" or "));
            return self.refuse(span, format!("`{name}` does not take {count} values"), help);
        }
        let known = REQUESTS.iter().map(|(known, _)| *known);
        let known = known.chain(FUNCTIONS.iter().map(|(known, _, _)| *known));
        let known = known.chain(CONDITION_FUNCTIONS.iter().map(|(known, _)| *known));
        let known = known.chain(self.around.file.functions.keys().map(|known| &**known));
        let help = match (meant_by_call(name), did_you_mean(name, known)) {
            _ if matches!(name, "sleep" | "delay" | "pause") => NO_WAITING.to_string(),
            (Some(meant), _) => format!("write `{meant}(...)`"),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "bodies know close, open, set, shed, start, stop, notify, warn, alarm, the functions over time \
                     and the functions of this file"
                .to_string(),
        };
        self.problems.push(problem(
            span,
            "rules::unknown_function",
            format!("there is no function `{name}`"),
            help,
        ));
    }
}

/// The request that a word of other languages stands for: the load's circuit is closed or opened, whatever a coil does.
fn meant_by_call(name: &str) -> Option<&'static str> {
    match name.to_lowercase().as_str() {
        "on" | "turn_on" | "switch_on" | "enable" | "connect" | "activate" => Some("close"),
        "off" | "turn_off" | "switch_off" | "disable" | "disconnect" | "deactivate" => Some("open"),
        "print" | "log" | "say" | "message" | "send" => Some("notify"),
        _ => None,
    }
}
