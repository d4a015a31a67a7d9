//! A map with known keys.

use super::rate;
use super::shape::{MapShape, Need, Others};
use crate::codes;
use crate::diagnostics::{Diagnostics, Place, quote, suggest};
use crate::tree::{Entry, Map, Node};

/// `{ max_switches: 6 per hour, 30 per day }`: to YAML the comma ends the value.
const CUT_BY_COMMA: &str = "between `{ }` a comma ends a value: put it into quotes, `\"6 per hour, 30 per day\"`, or write a list, `[6 per hour, 30 per day]`";

/// A map whose keys were compared with its table.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'t> {
    map: &'t Map,
    node: &'t Node,
    shape: &'static MapShape,
}

impl<'t> Fields<'t> {
    /// Compares the keys of a map with its table: unknown keys, missing keys and keys without a value are reported.
    /// Where the table leaves other keys to somebody else, they are in [`Fields::rest`].
    pub fn read(node: &'t Node, shape: &'static MapShape, out: &mut Diagnostics) -> Option<Self> {
        let map = super::map(node, &format!("{} (keys with values)", shape.what), out)?;
        let fields = Self { map, node, shape };
        for entry in &map.entries {
            fields.review(entry, out);
        }
        for key in shape.keys.iter().filter(|key| key.need == Need::Required) {
            if map.is_complete && map.get(key.name).is_none() {
                let message = format!("{} needs `{}`", shape.what, key.name);
                let help = format!("`{}`: {}", key.name, key.doc);
                out.push(node.head_place().mistake(codes::KEY_MISSING, message).help(help));
            }
        }
        Some(fields)
    }

    /// The value of a key of the table; nothing when it is absent or has no value.
    pub fn get(&self, key: &str) -> Option<&'t Node> {
        debug_assert!(self.shape.key(key).is_some(), "`{key}` is not in the table of {}", self.shape.what);
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The entries whose keys are not in the table.
    pub fn rest(&self) -> impl Iterator<Item = &'t Entry> {
        self.map.entries.iter().filter(|entry| self.shape.key(&entry.key.text).is_none())
    }

    /// Where a key stands; where the map stands when it is absent.
    pub fn place(&self, key: &str) -> Place {
        let entry = self.map.entries.iter().find(|entry| entry.key.text == key);
        entry.map_or_else(|| self.node.head_place(), |entry| entry.key.place())
    }

    /// Where to point when the map as a whole is meant.
    pub fn head(&self) -> Place {
        self.node.head_place()
    }

    /// True when every key of the text was read: only then does an absent key mean something.
    pub fn is_complete(&self) -> bool {
        self.map.is_complete
    }

    fn review(&self, entry: &Entry, out: &mut Diagnostics) {
        let name = entry.key.text.as_str();
        match self.shape.key(name) {
            None if self.shape.others != Others::Refused => {}
            None => {
                let message = format!("{} has no key {}", self.shape.what, quote(name));
                let known = self.shape.keys.iter().map(|key| key.name);
                let mut diagnostic = entry.key.place().mistake(codes::KEY_UNKNOWN, message);
                diagnostic.help = suggest(name, known, "its keys are");
                if entry.value.is_null() && rate::is_rate(name) {
                    diagnostic.help = Some(CUT_BY_COMMA.to_owned());
                }
                out.push(diagnostic);
            }
            Some(key) if entry.value.is_null() => {
                let message = format!("`{name}` has no value");
                let help = format!("`{name}`: {}", key.doc);
                out.push(entry.key.place().mistake(codes::KEY_EMPTY, message).help(help));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use ballast_model::diagnostic::FileId;

    use super::*;
    use crate::carets;
    use crate::decode::shape::{Form, optional, required};
    use crate::tree;

    static DEVICE: MapShape = MapShape {
        what: "a device",
        others: Others::Refused,
        keys: &[
            required("driver", Form::Name, "which driver talks to it."),
            optional("label", Form::Text, "its name for people."),
        ],
    };

    fn check(drawn: &str) {
        carets::check(drawn, |sources, out| {
            let tree = tree::parse(FileId(0), sources, out);
            for entry in &super::super::map(tree.root.as_ref().unwrap(), "devices", out).unwrap().entries {
                Fields::read(&entry.value, &DEVICE, out);
            }
        });
    }

    #[test]
    fn keys_are_compared_with_the_table() {
        check(
            "
pump:
^^^^ error[key::missing]: a device needs `driver`
#   = help: `driver`: which driver talks to it.
  lable: x
# ^^^^^ error[key::unknown]: a device has no key `lable`
#   = help: did you mean `label`?
  color: red
# ^^^^^ error[key::unknown]: a device has no key `color`
#   = help: its keys are: `driver`, `label`
heater: { driver: , label: x }
#         ^^^^^^ error[key::empty]: `driver` has no value
#   = help: `driver`: which driver talks to it.
meter: tic
#      ^^^ error[value::kind]: a device (keys with values) is expected here, not a value
#   = help: write its keys below it, further to the right: `key: value`
valve:
^^^^^ error[value::kind]: a device (keys with values) is expected here, not nothing
#   = help: write its keys below it, further to the right: `key: value`
door: [driver, mqtt]
^^^^ error[value::kind]: a device (keys with values) is expected here, not a list
#   = help: write its keys below it, further to the right: `key: value`
fine: { driver: mqtt }
",
        );
    }

    #[test]
    fn what_could_not_be_read_is_not_called_missing() {
        check(
            "
pump:
  label: a: b
#         ^ error[yaml::syntax]: this `:` makes a key of something that cannot be one
other: { driver: *x }
#                ^ error[yaml::alias]: a value that starts with `*` means an alias to YAML, and aliases are refused
",
        );
    }
}
