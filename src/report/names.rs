//! Finding an output or a rule by the name that a person gave, and saying what there is when there is none.

use crate::site::Running;
use ballast_model::OutputId;
use ballast_model::catalog::Noun;
use ballast_model::diagnostic::did_you_mean;

/// Names in such a sentence at most.
const NAMES_MAX: usize = 20;

/// The output of that name.
///
/// # Errors
/// A sentence with the nearest name, or with those there are.
pub fn find_output(running: &Running, name: &str) -> Result<OutputId, String> {
    let catalog = running.catalog();
    match catalog.resolve(name) {
        Some(Noun::Output(id)) => Ok(id),
        _ => Err(unknown("output", name, catalog.outputs.iter().map(|spec| &*spec.name))),
    }
}

/// The place of the rule of that name.
///
/// # Errors
/// A sentence with the nearest name, or with those there are.
pub fn find_rule(running: &Running, name: &str) -> Result<u32, String> {
    let rules = &running.plan.rules;
    let found = rules.iter().zip(0..).find(|(rule, _)| &*rule.name == name);
    found.map(|(_, index)| index).ok_or_else(|| unknown("rule", name, rules.iter().map(|rule| &*rule.name)))
}

/// There is no such thing; what was meant, or what there is.
pub fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match did_you_mean(name, known.clone()) {
        Some(near) => format!("there is no {what} `{name}`; did you mean `{near}`?"),
        None => {
            let some: Vec<&str> = known.take(NAMES_MAX).collect();
            format!("there is no {what} `{name}`; there are: {}", some.join(", "))
        }
    }
}
