//! Every code that this crate can say, with its explanation.
//!
//! A code is stable: a person may search for it, a script may test for it. The explanations are what
//! `ballast check --explain CODE` prints and what the manual lists.

/// One code and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable code, `part::what`.
    pub id: &'static str,
    /// What is wrong, why it matters and what to do, in one paragraph.
    pub explanation: &'static str,
}

/// The explanation of a code, when it is one of ours.
pub fn explain(id: &str) -> Option<&'static str> {
    CODES.iter().find(|code| code.id == id).map(|code| code.explanation)
}

macro_rules! codes {
    ($($name:ident = $id:literal: $explanation:literal;)*) => {
        $(#[doc = $explanation] pub const $name: &str = $id;)*
        /// All codes, sorted.
        pub static CODES: &[Code] = &[$(Code { id: $id, explanation: $explanation }),*];
    };
}

codes! {
    FILE_NOT_TEXT = "file::not_text": "The file holds bytes that are not UTF-8. Nothing of it is read. Save it as UTF-8; a degree sign saved by an old editor is the usual cause.";
    FILE_TOO_LONG = "file::too_long": "The file is longer than the limit for a file of a site. It is refused by its length, before it is read, so that a log or a disk image in the wrong place cannot fill the memory.";
    FILE_TOO_MANY = "file::too_many": "The site has more files than the limit. The files over it are not read.";
    CONDITION_SYNTAX = "condition::syntax": "The text is not a condition at this place. A condition compares points with quantities, `battery.voltage < 11.8 V`, joins comparisons with `and`, `or` and `not`, and may end with `for 2 s`.";
    CONDITION_TOO_LARGE = "condition::too_large": "The condition is longer or nested deeper than the limit. Make a derived point of a part of it, so that the part has a name, can be watched and is computed once.";
    KEY_EMPTY = "key::empty": "A key stands without a value. Write the value, or leave the key out.";
    KEY_MISSING = "key::missing": "A key that must be there is absent. The help says what it means.";
    KEY_UNKNOWN = "key::unknown": "A key is not known at this place. An unknown key would be without effect, and a misspelt one is most often a safety value that does not work; therefore it is a mistake and not ignored.";
    NAME_FORM = "name::form": "A name is made of a-z, 0-9 and `_` and starts with a letter, so that it can be written in conditions, topics and metrics alike. What people read goes into `label:`, in any language.";
    NAME_RESERVED = "name::reserved": "A name is a word that means something in a condition, such as `and` or `site`.";
    NUMBER_COMMA = "number::comma": "A number has a decimal comma. Texts of a site use the point: `0.5`. A comma separates values.";
    NUMBER_EXPECTED = "number::expected": "A number is expected here, with its unit where it has one.";
    NUMBER_NOT_FINITE = "number::not_finite": "A number is infinite, too large or not a number at all. Such a value would make every comparison with it meaningless, so none enters the program. Leave the key out where no bound is meant.";
    NUMBER_RANGE = "number::range": "A number lies outside of the range that makes sense here.";
    UNIT_IMPLAUSIBLE = "unit::implausible": "A quantity is larger than any house, village or bench has. Far more often than not a prefix is wrong: 15 000 kWc where 15 000 Wc is meant.";
    UNIT_MISSING = "unit::missing": "A quantity is written without its unit. In these files a unit is always written: a bare number is what turned kilowatts into watts in many a plant.";
    UNIT_UNKNOWN = "unit::unknown": "The unit is not one that is known here. Upper and lower case matter: `mW` is a thousandth of a watt and `MW` a million watts.";
    UNIT_WRONG = "unit::wrong": "The unit belongs to another kind of quantity than the one that is expected. Volt-amperes are not watts, and a power is not an energy.";
    VALUE_FLAG = "value::flag": "A yes-or-no value is written `true` or `false`. The words yes, no, on and off mean different things to different versions of YAML.";
    VALUE_KIND = "value::kind": "A map, a list or a single value stands where something else is expected.";
    VALUE_RANGE = "value::range": "A range is written with both ends, lower end first: `200..2000 W`.";
    VALUE_RATE = "value::rate": "A rate says how many in how long: `6 per hour`, `3 loads per 10 s`.";
    VALUE_TOO_LONG = "value::too_long": "A text is longer than anything that a person reads at this place.";
    VALUE_WORD = "value::word": "A word is not one of those that are possible here.";
    YAML_ALIAS = "yaml::alias": "Anchors (`&name`) and aliases (`*name`) are refused: a few of them can stand for billions of values, and a value that stands elsewhere is easily overlooked in a safety file. Write the value where it is used; a value that starts with `&` or `*` needs quotes.";
    YAML_CONTROL = "yaml::control": "The text holds a control character. Nobody sees it in an editor, and on a terminal it can hide or forge text. Remove it.";
    YAML_DOCUMENTS = "yaml::documents": "The file holds more than one YAML document (`---` between them). Only one is read; put the rest into the first, or into another file.";
    YAML_DUPLICATE_KEY = "yaml::duplicate_key": "A map has the same key twice. Which one counts would be a guess, so neither is preferred: remove or rename one.";
    YAML_EMPTY = "yaml::empty": "The file is empty, or holds comments only. `ballast init` writes a commented example.";
    YAML_KEY = "yaml::key": "A key is a list or a map. Keys are words; text that starts with `[` or `{` needs quotes.";
    YAML_SYNTAX = "yaml::syntax": "The text is not YAML at this place. What follows is read again from the next key at the start of a line, so further mistakes are shown as well, but what lies between is skipped.";
    YAML_TAB = "yaml::tab": "A line is indented with a tab. How wide a tab is depends on the editor, so YAML forbids it. Use spaces.";
    YAML_TAG = "yaml::tag": "A value starts with `!`, which YAML takes for a type tag. Tags are not used here. In a condition write `not`, or put the whole condition into quotes.";
    YAML_TOO_DEEP = "yaml::too_deep": "Maps and lists are nested deeper than any site needs. Reading deeper would only help somebody who wants to exhaust the memory.";
    YAML_TOO_MANY_NODES = "yaml::too_many_nodes": "The file holds more values than the limit. Reading stopped there.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_in_groups_and_unique() {
        for pair in CODES.windows(2) {
            let group = |code: &Code| code.id.split("::").next().unwrap().to_owned();
            if group(&pair[0]) == group(&pair[1]) {
                assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
            }
        }
        let mut ids: Vec<_> = CODES.iter().map(|code| code.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CODES.len());
    }

    #[test]
    fn a_code_explains_itself() {
        assert!(explain("yaml::tab").unwrap().contains("spaces"));
        assert_eq!(explain("yaml::nothing"), None);
    }
}
