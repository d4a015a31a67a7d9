//! Why a run of a body failed, in the words of the language: for people, in English and in French.

use crate::limits::OPERATIONS_MAX;
use ballast_model::expr::Fault;
use rhai::EvalAltResult;

/// What went wrong, and what to write instead.
pub(crate) fn explain(error: EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => {
            format!("the body used up its {OPERATIONS_MAX} operations")
        }
        EvalAltResult::ErrorStackOverflow(_) => "functions call each other too deeply".to_string(),
        EvalAltResult::ErrorTooManyVariables(_) => "the body has too many variables".to_string(),
        EvalAltResult::ErrorDataTooLarge(..) => "a text or a list has grown too large".to_string(),
        EvalAltResult::ErrorRuntime(text, _) => text
            .into_immutable_string()
            .map_or_else(|_| "the body gave up".to_string(), |text| text.to_string()),
        EvalAltResult::ErrorArithmetic(text, _) => arithmetic(&text),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => not_found(&signature),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => mismatch(&wanted, &found),
        EvalAltResult::ErrorFor(_) => {
            "`for` goes through a range or a list: write `for i in 0..int(x) { ... }`".to_string()
        }
        EvalAltResult::ErrorArrayBounds(0, _, _) => "the list is empty: it has no element".to_string(),
        EvalAltResult::ErrorArrayBounds(count, index, _) => {
            let last = count.saturating_sub(1);
            format!("the list has no element {index}: the first one is 0, the last one {last}")
        }
        mut other => {
            other.clear_position();
            other.to_string()
        }
    }
}

fn arithmetic(text: &str) -> String {
    let lower = text.to_lowercase();
    match () {
        () if lower.contains("by zero") => Fault::DivisionByZero.words().to_string(),
        () if lower.contains("overflow") => Fault::TooLarge.words().to_string(),
        () => lower,
    }
}

fn mismatch(wanted: &str, found: &str) -> String {
    match (wanted, found) {
        ("i64", "f64") => {
            "a whole number is needed here, not one with a fraction: write `int(x)` around it".to_string()
        }
        ("bool", _) => {
            format!(
                "a condition is needed here, not {}: compare it with something, as in `x > 0`",
                kind(found)
            )
        }
        _ => format!("{} is needed here, not {}", kind(wanted), kind(found)),
    }
}

/// `+ (i64, bool)`: an operation with values for which there is none. Functions that do not exist are refused at load.
fn not_found(signature: &str) -> String {
    let (name, values) = signature.split_once(" (").unwrap_or((signature, ""));
    if matches!(name, ".." | "..=") {
        return "a range counts in whole numbers: write `int(x)` around its ends".to_string();
    }
    let values: Vec<&str> = values.trim_end_matches(')').split(", ").map(kind).collect();
    match values.as_slice() {
        [one] => format!("`{name}` cannot be used with {one}"),
        [one, other] => format!("`{name}` cannot be used with {one} and {other}"),
        _ => format!("there is no function for these values: {name}"),
    }
}

/// The types of the scripting engine, as people call them.
fn kind(name: &str) -> &'static str {
    match name {
        "i64" => "a whole number",
        "f64" => "a number",
        "bool" => "yes or no",
        "array" => "a list",
        "()" | "" => "nothing",
        "char" => "a letter",
        text if text.contains("str") || text.contains("Str") => "a text",
        range if range.contains("ange") => "a range",
        _ => "this",
    }
}

/// Each sentence in both languages; what stands at `{}` is taken over, in French where it stands here as well.
const FRENCH: &[(&str, &str)] = &[
    ("a whole number", "un nombre entier"),
    ("a number", "un nombre"),
    ("yes or no", "oui ou non"),
    ("a list", "une liste"),
    ("nothing", "rien"),
    ("a letter", "une lettre"),
    ("a text", "un texte"),
    ("a range", "un intervalle"),
    ("this", "ceci"),
    ("a division by zero", "une division par zéro"),
    ("a number grew too large", "un nombre est devenu trop grand"),
    ("the body used up its {} operations", "le corps a épuisé ses {} opérations"),
    ("functions call each other too deeply", "des fonctions s'appellent trop profondément"),
    ("the body has too many variables", "le corps a trop de variables"),
    ("a text or a list has grown too large", "un texte ou une liste est devenu trop grand"),
    ("the body gave up", "le corps a renoncé"),
    ("the body asks for too many things in one run", "le corps demande trop de choses en une fois"),
    ("the value to set is not a finite number", "la valeur à régler n'est pas un nombre fini"),
    ("the value to set is too large", "la valeur à régler est trop grande"),
    ("\"{}\" is no value in {}", "« {} » n'est pas une valeur en {}"),
    ("a negative number has no square root", "un nombre négatif n'a pas de racine carrée"),
    ("this number is too large for `int`", "ce nombre est trop grand pour `int`"),
    (
        "a whole number is needed here, not one with a fraction: write `int(x)` around it",
        "il faut ici un nombre entier, sans décimales : écrivez `int(x)` autour",
    ),
    (
        "a condition is needed here, not {}: compare it with something, as in `x > 0`",
        "il faut ici une condition, pas {} : comparez, comme dans `x > 0`",
    ),
    ("{} is needed here, not {}", "il faut ici {}, pas {}"),
    ("{} cannot be compared with {}", "{} ne se compare pas avec {}"),
    (
        "a range counts in whole numbers: write `int(x)` around its ends",
        "un intervalle compte en nombres entiers : écrivez `int(x)` autour de ses bornes",
    ),
    ("`{}` cannot be used with {} and {}", "`{}` ne va pas avec {} et {}"),
    ("`{}` cannot be used with {}", "`{}` ne va pas avec {}"),
    (
        "`for` goes through a range or a list: write `for i in 0..int(x) { ... }`",
        "`for` parcourt un intervalle ou une liste : écrivez `for i in 0..int(x) { ... }`",
    ),
    ("the list is empty: it has no element", "la liste est vide : elle n'a pas d'élément"),
    (
        "the list has no element {}: the first one is 0, the last one {}",
        "la liste n'a pas d'élément {} : le premier est 0, le dernier {}",
    ),
];

/// Why a body failed, in French; as it is where a rule said so itself, with `throw`.
pub fn failure_in_french(message: &str) -> String {
    let found = FRENCH.iter().find_map(|(english, french)| Some((taken(message, english)?, french)));
    let Some((values, french)) = found else { return message.to_string() };
    values.iter().fold((*french).to_string(), |told, value| {
        let known = FRENCH.iter().find(|(english, _)| english == value);
        told.replacen("{}", known.map_or(value, |(_, french)| french), 1)
    })
}

/// What stands in a message at the places of a sentence, if it is that sentence.
fn taken<'a>(message: &'a str, sentence: &str) -> Option<Vec<&'a str>> {
    let mut parts = sentence.split("{}");
    let mut rest = message.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let parts: Vec<&str> = parts.collect();
    for (index, part) in parts.iter().enumerate() {
        let (value, behind) =
            if index + 1 == parts.len() { (rest.strip_suffix(part)?, "") } else { rest.split_once(part)? };
        found.push(value);
        rest = behind;
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_french_with_its_values() {
        for (english, french) in [
            ("a number is needed here, not a list", "il faut ici un nombre, pas une liste"),
            (
                "`+` cannot be used with a whole number and a text",
                "`+` ne va pas avec un nombre entier et un texte",
            ),
            ("the body used up its 50000 operations", "le corps a épuisé ses 50000 opérations"),
            ("a division by zero", "une division par zéro"),
            ("enough", "enough"),
        ] {
            assert_eq!(failure_in_french(english), french);
        }
    }

    #[test]
    fn every_sentence_is_found_again() {
        for (english, french) in FRENCH {
            assert_eq!(english.matches("{}").count(), french.matches("{}").count(), "{english}");
            assert_eq!(
                failure_in_french(&english.replace("{}", "7")),
                french.replace("{}", "7"),
                "{english}"
            );
        }
    }
}
