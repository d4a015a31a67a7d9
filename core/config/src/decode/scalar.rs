//! Texts, names, booleans, whole numbers, words of a choice, lists.

use ballast_model::diagnostic::Span;

use super::{items, scalar};
use crate::codes;
use crate::diagnostics::{Diagnostics, Place, Placed, quote, suggest};
use crate::limits;
use crate::sources::saturate;
use crate::tree::{Kind, Node, Style};

/// Words that mean something in a condition or in a name, so that nothing can be called like them.
const RESERVED: &[&str] = &[
    "after", "and", "false", "for", "not", "or", "role", "setting", "site", "sun", "true", "unknown",
    "until", "when",
];

/// Free text, in any language.
pub fn text<'t>(node: &'t Node, out: &mut Diagnostics) -> Option<Placed<&'t str>> {
    let found = scalar(node, "a text", out)?;
    if found.value.text.len() > limits::TEXT_BYTES_MAX {
        let message = format!("a text has at most {} bytes here", limits::TEXT_BYTES_MAX);
        out.push(found.place.mistake(codes::VALUE_TOO_LONG, message).help("shorten it"));
        return None;
    }
    Some(found.map(|scalar| scalar.text.as_str()))
}

/// A name, `[a-z0-9_]`, starting with a letter.
pub fn name<'t>(node: &'t Node, out: &mut Diagnostics) -> Option<Placed<&'t str>> {
    let found = scalar(node, "a name", out)?;
    check_name(&found.value.text, found.place, out).then(|| found.map(|scalar| scalar.text.as_str()))
}

/// The full name of a point, an output or a device: names joined by dots.
pub fn dotted_name<'t>(node: &'t Node, out: &mut Diagnostics) -> Option<Placed<&'t str>> {
    let found = scalar(node, "a name such as `battery.voltage`", out)?;
    let text = found.value.text.as_str();
    if text.len() <= limits::NAME_BYTES_MAX * 4 && text.split('.').all(is_name) {
        return Some(found.map(|scalar| scalar.text.as_str()));
    }
    out.push(
        found
            .place
            .mistake(codes::NAME_FORM, format!("{} is not the name of a point or an output", quote(text)))
            .help("names are made of a-z, 0-9 and `_`, joined by dots: `battery.voltage`"),
    );
    None
}

/// Whether a text is a name, wherever it stands (a key, say). Says why when it is none.
pub fn check_name(text: &str, place: Place, out: &mut Diagnostics) -> bool {
    if RESERVED.contains(&text) {
        let message = format!("{} means something in conditions and cannot be a name", quote(text));
        out.push(place.mistake(codes::NAME_RESERVED, message).help("choose another name"));
        return false;
    }
    if text.len() > limits::NAME_BYTES_MAX {
        let message = format!("a name has at most {} letters", limits::NAME_BYTES_MAX);
        out.push(
            place.mistake(codes::NAME_FORM, message).help("shorten it; `label:` holds a text for people"),
        );
        return false;
    }
    if is_name(text) {
        return true;
    }
    let similar = similar_name(text);
    let help = if is_name(&similar) && !RESERVED.contains(&similar.as_str()) {
        format!("write `{similar}` here, and the free text into `label:`")
    } else {
        "names are made of a-z, 0-9 and `_` and start with a letter; free text goes into `label:`".to_owned()
    };
    out.push(place.mistake(codes::NAME_FORM, format!("{} is not a name", quote(text))).help(help));
    false
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The name that somebody may have meant by `Chauffe-eau n°1`; it may be none where no letters are in it.
pub fn similar_name(text: &str) -> String {
    let mut name = String::new();
    for character in text.trim().chars() {
        match character.to_lowercase().next().unwrap_or(character) {
            kept @ ('a'..='z' | '0'..='9') => name.push(kept),
            'à' | 'á' | 'â' | 'ä' | 'å' => name.push('a'),
            'é' | 'è' | 'ê' | 'ë' => name.push('e'),
            'í' | 'î' | 'ï' => name.push('i'),
            'ó' | 'ô' | 'ö' | 'ø' => name.push('o'),
            'ú' | 'ù' | 'û' | 'ü' => name.push('u'),
            'ç' => name.push('c'),
            'ñ' => name.push('n'),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.trim_matches('_').to_owned()
}

/// `true` or `false`, without quotes. The yes, no, on and off of old YAML are explained.
pub fn flag(node: &Node, out: &mut Diagnostics) -> Option<Placed<bool>> {
    let found = scalar(node, "`true` or `false`", out)?;
    match (found.value.text.as_str(), found.value.style) {
        ("true", Style::Plain) => Some(found.map(|_| true)),
        ("false", Style::Plain) => Some(found.map(|_| false)),
        (other, _) => {
            let message = format!("{} is neither `true` nor `false`", quote(other));
            let meant = match other.to_ascii_lowercase().as_str() {
                "yes" | "y" | "on" | "oui" | "true" => Some(true),
                "no" | "n" | "off" | "non" | "false" => Some(false),
                _ => None,
            };
            let mut diagnostic = found.place.mistake(codes::VALUE_FLAG, message);
            diagnostic.help = Some(meant.map_or_else(
                || "write `true` or `false`, in small letters and without quotes".to_owned(),
                |meant| format!("write `{meant}`, in small letters and without quotes"),
            ));
            out.push(diagnostic);
            None
        }
    }
}

/// A whole number within a range.
pub fn integer(
    node: &Node,
    range: core::ops::RangeInclusive<i64>,
    out: &mut Diagnostics,
) -> Option<Placed<i64>> {
    let found = scalar(node, "a whole number", out)?;
    let (low, high) = (range.start(), range.end());
    match found.value.text.parse::<i64>() {
        Ok(value) if range.contains(&value) => Some(found.map(|_| value)),
        Ok(value) => {
            let message = format!("{value} is out of range: it may be {low} to {high}");
            let help = format!("write a whole number from {low} to {high}");
            out.push(found.place.mistake(codes::NUMBER_RANGE, message).help(help));
            None
        }
        Err(_) => {
            let message = format!("{} is not a whole number", quote(&found.value.text));
            let help = format!("write one from {low} to {high}, in digits and without a unit");
            out.push(found.place.mistake(codes::NUMBER_EXPECTED, message).help(help));
            None
        }
    }
}

/// One of a few words.
pub fn choice<'w>(node: &Node, words: &[&'w str], out: &mut Diagnostics) -> Option<Placed<&'w str>> {
    let found = scalar(node, "a word", out)?;
    let text = found.value.text.as_str();
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Some(found.map(|_| *word));
    }
    out.push(unknown_word(text, found.place, words));
    None
}

/// The mistake for a word that is not one of `words`.
pub fn unknown_word(text: &str, place: Place, words: &[&str]) -> ballast_model::diagnostic::Diagnostic {
    let mut diagnostic = place.mistake(codes::VALUE_WORD, format!("{} is not known here", quote(text)));
    diagnostic.help = suggest(text, words.iter().copied(), "it may be");
    diagnostic
}

/// A list of which each item is read by `read`; items that cannot be read are reported and left out.
pub fn list<'t, T>(
    node: &'t Node,
    expected: &str,
    out: &mut Diagnostics,
    mut read: impl FnMut(&'t Node, &mut Diagnostics) -> Option<T>,
) -> Option<Vec<T>> {
    let items = items(node, expected, out)?;
    Some(items.iter().filter_map(|item| read(item, out)).collect())
}

/// Where bytes of a scalar's text stand in the file.
pub fn place_in(node: &Node, span: Span) -> Place {
    match &node.kind {
        Kind::Scalar(scalar) => Place { file: node.file, span: scalar.in_file(span) },
        _ => node.place(),
    }
}

/// Where a part of a scalar's text stands in the file; `part` must be a slice of the text itself.
pub fn place_of(node: &Node, text: &str, part: &str) -> Place {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
    place_in(node, Span::new(saturate(start), saturate(start + part.len())))
}

#[cfg(test)]
mod tests {
    use ballast_model::diagnostic::FileId;

    use super::*;
    use crate::{carets, tree};

    /// Reads the value of every key with the reader that the first letters of the key name.
    fn check(drawn: &str) {
        carets::check(drawn, |sources, out| {
            let tree = tree::parse(FileId(0), sources, out);
            for entry in &super::super::map(tree.root.as_ref().unwrap(), "keys", out).unwrap().entries {
                let node = &entry.value;
                match entry.key.text.trim_end_matches(|c: char| c.is_ascii_digit()) {
                    "text" => drop(text(node, out)),
                    "name" => drop(name(node, out)),
                    "point" => drop(dotted_name(node, out)),
                    "flag" => drop(flag(node, out)),
                    "int" => drop(integer(node, 0..=99, out)),
                    "word" => drop(choice(node, &["open", "closed"], out)),
                    "list" => drop(list(node, "a list of names", out, name)),
                    other => panic!("{other}"),
                }
            }
        });
    }

    #[test]
    fn what_is_right_is_taken() {
        check(
            "
text: Chauffe-eau n°1
text2: 'yes'
name: water_heater_2
point: battery.temperature_1
flag: true
int: 99
word: closed
list: [a, b]
list2: []
",
        );
    }

    #[test]
    fn names_are_plain() {
        check(
            "
name1: Chauffe-eau n°1
#      ^^^^^^^^^^^^^^^ error[name::form]: `Chauffe-eau n°1` is not a name
#   = help: write `chauffe_eau_n_1` here, and the free text into `label:`
name2: 2nd
#      ^^^ error[name::form]: `2nd` is not a name
#   = help: names are made of a-z, 0-9 and `_` and start with a letter; free text goes into `label:`
name3: not
#      ^^^ error[name::reserved]: `not` means something in conditions and cannot be a name
#   = help: choose another name
name4: [a]
^^^^^ error[value::kind]: a name is expected here, not a list
#   = help: write one value behind the `:`, without brackets
point: Battery..voltage
#      ^^^^^^^^^^^^^^^^ error[name::form]: `Battery..voltage` is not the name of a point or an output
#   = help: names are made of a-z, 0-9 and `_`, joined by dots: `battery.voltage`
list: [a, B, {c: d}]
#         ^ error[name::form]: `B` is not a name
#   = help: write `b` here, and the free text into `label:`
#             ^ error[value::kind]: a name is expected here, not a map
#   = help: write one value behind the `:`, without brackets
list2: a
#      ^ error[value::kind]: a list of names is expected here, not a value
#   = help: write the items in brackets, `[a, b]`, or each behind `- `
",
        );
    }

    #[test]
    fn booleans_of_old_yaml_are_explained() {
        check(
            "
flag1: yes
#      ^^^ error[value::flag]: `yes` is neither `true` nor `false`
#   = help: write `true`, in small letters and without quotes
flag2: Off
#      ^^^ error[value::flag]: `Off` is neither `true` nor `false`
#   = help: write `false`, in small letters and without quotes
flag3: 'true'
#      ^^^^^^ error[value::flag]: `true` is neither `true` nor `false`
#   = help: write `true`, in small letters and without quotes
flag4: 1
#      ^ error[value::flag]: `1` is neither `true` nor `false`
#   = help: write `true` or `false`, in small letters and without quotes
",
        );
    }

    #[test]
    fn whole_numbers_and_words_are_bounded() {
        check(
            "
int1: 100
#     ^^^ error[number::range]: 100 is out of range: it may be 0 to 99
#   = help: write a whole number from 0 to 99
int2: 5.0
#     ^^^ error[number::expected]: `5.0` is not a whole number
#   = help: write one from 0 to 99, in digits and without a unit
int3: 99999999999999999999
#     ^^^^^^^^^^^^^^^^^^^^ error[number::expected]: `99999999999999999999` is not a whole number
#   = help: write one from 0 to 99, in digits and without a unit
word1: close
#      ^^^^^ error[value::word]: `close` is not known here
#   = help: did you mean `closed`?
word2: on
#      ^^ error[value::word]: `on` is not known here
#   = help: it may be: `closed`, `open`
",
        );
    }

    #[test]
    fn texts_are_bounded() {
        let mut out = Diagnostics::new();
        let mut sources = crate::sources::Sources::new();
        let yaml = format!(
            "a: {}\nb: {}\n",
            "x".repeat(limits::TEXT_BYTES_MAX),
            "x".repeat(limits::TEXT_BYTES_MAX + 1)
        );
        let file = sources.add("a", yaml.as_bytes(), &mut out);
        let tree = tree::parse(file, &sources, &mut out);
        let map = super::super::map(tree.root.as_ref().unwrap(), "", &mut out).unwrap();
        let taken: Vec<_> = map.entries.iter().map(|entry| text(&entry.value, &mut out).is_some()).collect();
        assert_eq!(taken, [true, false]);
        assert_eq!(out.iter().next().unwrap().code, codes::VALUE_TOO_LONG);
        assert!(!check_name(&"a".repeat(limits::NAME_BYTES_MAX + 1), map.entries[0].key.place(), &mut out));
    }
}
