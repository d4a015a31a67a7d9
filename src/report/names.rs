//! Finding an output or a rule by the name that a person gave, and saying what there is when there is none.

use super::language::{Language, say};
use crate::site::Running;
use ballast_model::OutputId;
use ballast_model::catalog::Noun;
use ballast_model::diagnostic::did_you_mean;

/// Names in such a sentence at most.
const NAMES_MAX: usize = 20;

/// What a name was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// An output.
    Output,
    /// A device.
    Device,
    /// A rule.
    Rule,
    /// A mode of the site.
    Mode,
    /// A setting.
    Setting,
    /// A word that a setting can be.
    Word,
    /// What a person can reset.
    LimitOrOutput,
}

impl Sort {
    /// That there is none.
    const fn none(self, language: Language) -> &'static str {
        match self {
            Self::Output => language.say("there is no output", "il n'y a pas de sortie"),
            Self::Device => language.say("there is no device", "il n'y a pas d'appareil"),
            Self::Rule => language.say("there is no rule", "il n'y a pas de règle"),
            Self::Mode => language.say("there is no mode", "il n'y a pas de mode"),
            Self::Setting => language.say("there is no setting", "il n'y a pas de réglage"),
            Self::Word => language.say("there is no word", "il n'y a pas de mot"),
            Self::LimitOrOutput => {
                language.say("there is no limit or output", "il n'y a pas de limite ou de sortie")
            }
        }
    }
}

/// The output of that name.
///
/// # Errors
/// A sentence with the nearest name, or with those there are.
pub fn find_output(running: &Running, name: &str, language: Language) -> Result<OutputId, String> {
    let catalog = running.catalog();
    match catalog.resolve(name) {
        Some(Noun::Output(id)) => Ok(id),
        _ => Err(unknown(Sort::Output, name, catalog.outputs.iter().map(|spec| &*spec.name), language)),
    }
}

/// The outputs of the device of that name, which may also be named by one of its outputs; and its own name.
///
/// # Errors
/// A sentence with the nearest name, or with those there are.
pub fn find_device<'a>(
    running: &'a Running,
    name: &str,
    language: Language,
) -> Result<(&'a str, &'a [OutputId]), String> {
    let catalog = running.catalog();
    let of_output = || match catalog.resolve(name) {
        Some(Noun::Output(id)) => catalog.devices.get(catalog.output(id)?.device.index()),
        _ => None,
    };
    let found = catalog.devices.iter().find(|device| &*device.name == name).or_else(of_output);
    let names = || catalog.devices.iter().map(|device| &*device.name);
    let found = found.map(|device| (&*device.name, &*device.outputs));
    found.ok_or_else(|| unknown(Sort::Device, name, names(), language))
}

/// The place of the rule of that name.
///
/// # Errors
/// A sentence with the nearest name, or with those there are.
pub fn find_rule(running: &Running, name: &str, language: Language) -> Result<u32, String> {
    let rules = &running.plan.rules;
    let found = rules.iter().zip(0..).find(|(rule, _)| &*rule.name == name);
    let names = || rules.iter().map(|rule| &*rule.name);
    found.map(|(_, index)| index).ok_or_else(|| unknown(Sort::Rule, name, names(), language))
}

/// There is no such thing; what was meant, or what there is.
pub fn unknown<'a>(
    sort: Sort,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    language: Language,
) -> String {
    let none = sort.none(language);
    let some: Vec<&str> = known.clone().take(NAMES_MAX).collect();
    let some = some.join(", ");
    if name.trim().is_empty() {
        let what = language.say("the name is empty", "le nom est vide");
        return if some.is_empty() {
            what.to_owned()
        } else {
            say!(language, "{what}; there are: {some}", "{what} ; il y a : {some}")
        };
    }
    match did_you_mean(name, known) {
        Some(near) => say!(
            language,
            "{none} `{name}`; did you mean `{near}`?",
            "{none} `{name}` ; vouliez-vous dire `{near}` ?"
        ),
        None if some.is_empty() => {
            say!(language, "{none} `{name}`; there is none at all", "{none} `{name}` ; il n'y en a aucun")
        }
        None => say!(language, "{none} `{name}`; there are: {some}", "{none} `{name}` ; il y a : {some}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_or_with_those_there_are() {
        let said =
            |name: &str, known: &[&str]| unknown(Sort::Output, name, known.iter().copied(), Language::En);
        assert_eq!(said("heatr", &["heater", "pump"]), "there is no output `heatr`; did you mean `heater`?");
        assert_eq!(said("valve", &["heater", "pump"]), "there is no output `valve`; there are: heater, pump");
        assert_eq!(said("valve", &[]), "there is no output `valve`; there is none at all");
        assert_eq!(said("", &["a", "b"]), "the name is empty; there are: a, b");
        assert_eq!(said(" ", &[]), "the name is empty");
    }
}
