//! Rules and events that ask different things of one output with one priority.

use crate::body::Ask;
use ballast_model::Wanted;
use ballast_model::catalog::Catalog;
use ballast_model::diagnostic::{Diagnostic, FileId};
use std::collections::{BTreeMap, BTreeSet};

/// What one rule or event can ask.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) name: Box<str>,
    pub(crate) file: FileId,
    pub(crate) priority: u8,
    pub(crate) asks: Vec<Ask>,
}

/// Two rules of equal priority must not ask different things of one output.
pub(crate) fn conflicts(rules: &[Asking], catalog: &Catalog) -> Vec<Diagnostic> {
    let mut first: BTreeMap<(u32, u8), Vec<(usize, Ask)>> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let mut reported = BTreeSet::new();
        for ask in &rule.asks {
            let known = first.entry((ask.output.0, rule.priority)).or_default();
            // Two of one name were told to be one too many; which of them is right is not known.
            let is_other = |other: usize| rules.get(other).is_some_and(|other| other.name != rule.name);
            let other =
                known.iter().find(|(other, earlier)| is_other(*other) && differ(earlier.wanted, ask.wanted));
            if let Some((other, earlier)) = other
                && reported.insert(ask.output)
                && let Some(other) = rules.get(*other)
            {
                found.extend(conflict(catalog, (other, earlier), (rule, ask)));
            }
            // One of each state is enough to find every conflict.
            if !known.iter().any(|(_, earlier)| earlier.wanted == ask.wanted) {
                known.push((index, *ask));
            }
        }
    }
    found
}

fn conflict(catalog: &Catalog, first: (&Asking, &Ask), second: (&Asking, &Ask)) -> Option<Diagnostic> {
    let ((first, earlier), (second, ask)) = (first, second);
    let output = catalog.output(ask.output)?;
    let show = |wanted: Option<Wanted>| {
        let text = wanted.map_or_else(|| "a computed value".to_string(), |wanted| output.show(wanted));
        format!("asks for {text}")
    };
    let message = format!(
        "\"{}\" and \"{}\" ask different things of `{}` with equal priority {}",
        first.name, second.name, output.name, second.priority
    );
    let found = Diagnostic::mistake("rules::conflict", second.file, ask.span, message)
        .label(show(ask.wanted))
        .also(first.file, earlier.span, show(earlier.wanted))
        .help("give the one that shall win a higher priority: rule \"NAME\" priority 60 when ...");
    Some(found)
}

/// Requests of events that yield to a rule of their priority which asks something else.
pub(crate) fn yielding(rules: &[Asking], events: &[Asking], catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for event in events {
        for ask in &event.asks {
            let is_against = |other: &&Ask| other.output == ask.output && differ(other.wanted, ask.wanted);
            let equal = rules.iter().filter(|rule| rule.priority == event.priority);
            let stronger = equal.filter_map(|rule| Some((rule, rule.asks.iter().find(is_against)?))).next();
            let Some(((rule, other), output)) = stronger.zip(catalog.output(ask.output)) else { continue };
            let message = format!(
                "while rule \"{}\" is active, what `{}` asks of `{}` does not count: of equal priority the rule wins",
                rule.name, event.name, output.name
            );
            let yields = Diagnostic::warning("rules::event_yields", event.file, ask.span, message)
                .also(rule.file, other.span, "the rule asks for something else")
                .help("give the rule a priority below 50 if the event shall win, and one above 50 if that is meant");
            found.push(yields);
        }
    }
    found
}

/// Computed values may always differ.
fn differ(a: Option<Wanted>, b: Option<Wanted>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a != b,
        _ => true,
    }
}
