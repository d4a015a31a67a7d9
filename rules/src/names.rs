//! What the name of a rule or campaign may be: it stands on terminals, in logs and in commands.

use crate::limits::NAME_CHARS_MAX;
use crate::report::problem;
use ballast_model::diagnostic::{Span, hidden_character};
use ballast_model::expr::Problem;

/// What is wrong with a name, if anything.
pub(crate) fn problem_of(what: &str, name: &str, span: Span) -> Option<Problem> {
    if let Some(hidden) = hidden_character(name) {
        let message =
            format!("the name of this {what} holds U+{:04X}, which cannot be seen", u32::from(hidden));
        let help = "such a character can hide a part of the name or turn it around: leave it out";
        return Some(problem(span, "rules::name", message, help));
    }
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(['[', ']']) {
        let message = format!("\"{name}\" cannot be the name of a {what}");
        let help =
            format!("a name has 1 to {NAME_CHARS_MAX} characters on one line, without square brackets");
        return Some(problem(span, "rules::name", message, help));
    }
    None
}
