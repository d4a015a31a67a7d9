//! Limits have different names that people can read and say: people, latches and messages know them by nothing else.

use std::collections::BTreeMap;

use ballast_model::catalog::Noun;

use crate::codes;
use crate::diagnostics::{Diagnostics, Place, Placed, quote};
use crate::safety::SafetyDraft;
use crate::site::SiteDraft;

/// What `ballast guard reset` takes beside the names of limits and outputs.
const WORDS: [&str; 2] = ["all", "shedding"];

pub(super) fn check(site: &SiteDraft, safety: &SafetyDraft<'_>, out: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for Placed { value: name, place } in safety.limit_names.iter().copied() {
        if let Some((message, help)) = unfit(site, name) {
            out.push(place.mistake(codes::LIMIT_NAME, message).help(help));
        }
        if let Some(first) = seen.get(name) {
            out.push(
                place
                    .mistake(codes::LIMIT_NAME, format!("two limits are called {}", quote(name)))
                    .also(first.file, first.span, "first here")
                    .help("give one of them another name"),
            );
        } else {
            seen.insert(name, place);
        }
    }
}

/// Why a text cannot name a limit, and what to do.
fn unfit(site: &SiteDraft, name: &str) -> Option<(String, &'static str)> {
    if name.trim() != name || name.is_empty() {
        let message = if name.trim().is_empty() {
            "a limit has a name"
        } else {
            "a name begins and ends with a letter"
        };
        return Some((message.to_owned(), "write what it is about: `battery too hot`"));
    }
    if let Some(hidden) = name.chars().find(|character| is_hidden(*character)) {
        let message =
            format!("the name of a limit holds a character that nobody sees, U+{:04X}", u32::from(hidden));
        return Some((message, "remove it: it can hide or turn round what is shown of the name"));
    }
    if WORDS.contains(&name) {
        let message = format!("{} means something else to `ballast guard reset`", quote(name));
        return Some((message, "give the limit another name"));
    }
    let is_taken = matches!(site.catalog.resolve(name), Some(Noun::Output(_) | Noun::Device(_)));
    is_taken.then(|| {
        let message = format!("{} is an output or a device already", quote(name));
        (message, "`ballast guard reset` would not know which is meant: give the limit another name")
    })
}

/// Control characters, and those that hide or turn round the text beside them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::check_rest;

    #[test]
    fn a_name_is_given_once() {
        check_rest(
            "\
limits:
  - { name: hot, when: battery.soc > 50 %, until: battery.soc < 40 %, force: [ { charger: open } ] }
#           --- note: first here
  - { name: hot, when: battery.soc > 60 %, until: battery.soc < 40 %, force: [ { charger: open } ] }
#           ^^^ error[limit::name]: two limits are called `hot`
",
        );
    }

    #[test]
    fn a_name_can_be_said_and_means_one_thing() {
        check_rest(
            "\
limits:
  - { name: \"\", of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
#           ^^ error[limit::name]: a limit has a name
  - { name: \"hot \", of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
#           ^^^^^^ error[limit::name]: a name begins and ends with a letter
  - { name: \"too\u{202e}hot\", of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
#           ^^^^^^^^^ error[limit::name]: the name of a limit holds a character that nobody sees, U+202E
  - { name: all, of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
#           ^^^ error[limit::name]: `all` means something else to `ballast guard reset`
  - { name: shedding, of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
#           ^^^^^^^^ error[limit::name]: `shedding` means something else to `ballast guard reset`
  - { name: mains, of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
#           ^^^^^ error[limit::name]: `mains` is an output or a device already
  - { name: genset.run, of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
#           ^^^^^^^^^^ error[limit::name]: `genset.run` is an output or a device already
  - { name: \"batterie trop chaude (été)\", of: battery.soc, derate: { battery: { 1 %: 100 %, 2 %: 0 % } } }
",
        );
    }
}
