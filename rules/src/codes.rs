//! Every code of this crate with its explanation, for `check --explain` and the manual.

/// One code and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable code, `rules::what`.
    pub id: &'static str,
    /// What is wrong, why it matters and what to do, in one paragraph.
    pub explanation: &'static str,
}

const fn code(id: &'static str, explanation: &'static str) -> Code {
    Code { id, explanation }
}

/// All codes, sorted. Mistakes in names, units and functions of conditions have codes of their own, `expr::`.
pub static CODES: &[Code] = &[
    code(
        "rules::always",
        "A `when` or `until` reads nothing, so it is true or false whatever happens: the rule never starts, or never ends. What always holds is the `default` of an output.",
    ),
    code(
        "rules::body",
        "Something in the braces of a rule or event has no place there. A body asks for states of outputs and tells people; it names outputs literally, so that everything a rule can move is known before it runs, and it has no maps, methods, anonymous functions, clocks or files. A function knows only its arguments.",
    ),
    code("rules::campaign", "Campaigns are read, checked and listed, but this version does not run them."),
    code(
        "rules::condition",
        "Something in `when`, `until` or `only` is not part of conditions. They know points, numbers, quantities in quotes, comparisons, `&&`, `||`, `!`, the four operations and the functions of the language.",
    ),
    code(
        "rules::conflict",
        "Two rules of equal priority ask different things of one output, so which one wins would be chance. Give the one that shall win a higher priority. A computed value counts as different from everything.",
    ),
    code(
        "rules::constant",
        "A constant is known when the file is loaded: a number, a text, `true` or `false`, or a sum of earlier constants. What changes belongs into a derived point or a setting.",
    ),
    code(
        "rules::duplicate",
        "Two rules, two campaigns or two constants of a file have the same name. A rule is known by its name over reload and restart, so a name belongs to one rule of the whole site.",
    ),
    code(
        "rules::empty_body",
        "There is nothing between the braces of a rule or event, so it moves nothing and tells nobody. What it asks for may be commented out.",
    ),
    code(
        "rules::empty_file",
        "A rule file has not a single byte. An editor that died, a full disk or a power cut leaves such a file, and its rules would be gone. Write them again, or remove the file.",
    ),
    code(
        "rules::empty_group",
        "The group of `each` has no members, so the rule stands for nothing; or the group of `shed` has no load that could be cut.",
    ),
    code(
        "rules::event_yields",
        "An event and a rule of priority 50 ask different things of one output. What an event asks has priority 50, and of equal priority the rule wins: while it is active, the event changes nothing. Give the rule a priority below 50 if the event shall win, and one above 50 if the rule is meant to.",
    ),
    code(
        "rules::finer_than_resolution",
        "A value lies between two steps in which the device moves, so it means another value than the one that is written. Sums, differences, `min`, `max`, `highest`, `lowest` and derived points move in the widest steps of what they are made of, and a sum of narrow and wide ones may come to what lies between those; a mean over time (`avg`) is finer.",
    ),
    code(
        "rules::incomplete",
        "A statement, or a comment, is not closed. A file that was cut is never taken for a complete one.",
    ),
    code(
        "rules::inverted_hysteresis",
        "The values of `when` and `until` overlap. A rule does not start while its `until` is true, so it is held back between them and has no gap at all, or never starts; with `for` at `until` it ends after that time although `when` is still true, and is held back then.",
    ),
    code(
        "rules::name",
        "The name of a rule or campaign is empty, too long, or has characters that explanations need for themselves.",
    ),
    code(
        "rules::never_starts",
        "`when` is true only after the rule has started: `active_for` is false and `at_start` unknown before. They belong into `until` and into the body.",
    ),
    code(
        "rules::no_hysteresis",
        "A rule starts and ends at the same value of something that wobbles, so it will switch to and fro around it. Say with `until` where it ends, or compare a mean.",
    ),
    code("rules::output_kind", "A contact is closed or opened, a setpoint is set."),
    code(
        "rules::overridden",
        "A request of a body never counts, since another one for the same output is always reached after it: the last request for an output counts.",
    ),
    code("rules::priority", "A priority goes from 0 to 99; the higher one wins; 50 where none is written."),
    code("rules::schedule", "The time of `every` or `at` cannot be read, never comes, or comes too often."),
    code(
        "rules::shed_size",
        "A rule sheds a share of a group, or so much power, and the group holds a load whose size is unknown: it counts as nothing. Of such loads a share comes to nothing, and for a power all of them are cut. Give the device of the load its `rated` power or a measured point `power`, or shed the whole group.",
    ),
    code(
        "rules::statement",
        "At the left edge of a rule file only `const`, `fn`, `rule`, `every`, `at` and `campaign` can stand; nothing else is done when a file is loaded.",
    ),
    code("rules::syntax", "The text does not follow the form of the language at this place."),
    code(
        "rules::template",
        "A text for people has a placeholder that names no point, or a brace that is not closed. `{battery.soc}` shows value and unit, `{{` is a brace.",
    ),
    code(
        "rules::time",
        "A length of time is written with number and unit, in quotes: \"2s\", \"10min\", \"1h 30min\".",
    ),
    code(
        "rules::too_large",
        "A file, a body or the number of something is above its limit. Limits keep a damaged or hostile file from taking the machine.",
    ),
    code("rules::too_many", "There are more mistakes or warnings than are shown."),
    code("rules::unknown_campaign", "`start` and `stop` name a campaign that stands in a rule file."),
    code("rules::unknown_function", "There is no function of this name in bodies."),
    code("rules::unknown_group", "There is no group of this name in site.yaml."),
    code(
        "rules::unknown_output",
        "There is no output of this name, or the name stands for a value, a group or a device with several outputs.",
    ),
    code("rules::unknown_word", "A setting or the mode never has this word."),
    code(
        "rules::untimed",
        "`every` and `at` are moments and not states: what they ask for needs a time after which it ends by itself.",
    ),
    code(
        "rules::value",
        "The value does not fit what it is given to: another dimension, no unit, not a number, or outside of what the envelope of the output or the range of the setting allows.",
    ),
    code(
        "rules::waits_for_itself",
        "The rule ends on a reading that its own request moves: open a home, its power falls, the rule ends, the home is closed, and so on. Let it end on a counter, a derived point or a time.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The codes that stand in a source text.
    fn codes_in(text: &str, found: &mut BTreeSet<String>) {
        for part in text.split("\"rules::").skip(1) {
            let name: String =
                part.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            found.insert(format!("rules::{name}"));
        }
    }

    #[test]
    fn every_code_that_is_said_is_explained_and_none_else() {
        let mut said = BTreeSet::new();
        for folder in ["/src", "/src/body"] {
            for entry in std::fs::read_dir(format!("{}{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() && !path.ends_with("codes.rs") {
                    codes_in(&std::fs::read_to_string(path).unwrap(), &mut said);
                }
            }
        }
        let explained: Vec<String> = CODES.iter().map(|code| code.id.to_string()).collect();
        assert_eq!(said.into_iter().collect::<Vec<_>>(), explained, "sorted, each once");
    }
}
