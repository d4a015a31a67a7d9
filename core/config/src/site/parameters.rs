//! `${topic}` in device files, filled in with what the site says.
//!
//! A value that consists of one parameter keeps the place where the site wrote it, so that a mistake in it is shown
//! there and not in the device file.

use std::collections::BTreeMap;

use ballast_model::diagnostic::Diagnostic;

use super::library::Parameter;
use crate::codes;
use crate::diagnostics::{Diagnostics, Place, quote, suggest};
use crate::tree::{Entry, Kind, Map, Node, Scalar};

/// The value of each parameter for one device.
#[derive(Clone, Debug, Default)]
pub(super) struct Given<'t> {
    values: BTreeMap<&'t str, Node>,
}

/// A parameter that every device file has: the name of the device in the site.
const DEVICE: &str = "device";

impl<'t> Given<'t> {
    /// Joins what the site says (`with:`) and the defaults; `place` is that of the device.
    pub(super) fn new(
        known: &BTreeMap<&'t str, Parameter<'t>>,
        with: Option<&'t Map>,
        device: &str,
        place: Place,
        out: &mut Diagnostics,
    ) -> Self {
        let mut values: BTreeMap<&str, Node> = BTreeMap::new();
        let own = Scalar::plain(device.to_owned(), place.span);
        let (file, span) = (place.file, place.span);
        values.insert(DEVICE, Node { file, span, head: span, kind: Kind::Scalar(own) });
        for entry in with.iter().flat_map(|map| &map.entries) {
            match known.get_key_value(entry.key.text.as_str()) {
                Some((name, _)) => {
                    let value = match &entry.value.kind {
                        Kind::Scalar(_) => entry.value.clone(),
                        _ => unreadable(&entry.value),
                    };
                    if matches!(entry.value.kind, Kind::Map(_) | Kind::List(_)) {
                        crate::decode::refuse_kind(&entry.value, "a single value", out);
                    }
                    values.insert(name, value);
                }
                None => {
                    let message = format!("the device file has no parameter {}", quote(&entry.key.text));
                    let mut diagnostic = entry.key.place().mistake(codes::DEVICE_PARAMETER, message);
                    diagnostic.help = suggest(&entry.key.text, known.keys().copied(), "its parameters are");
                    out.push(diagnostic);
                }
            }
        }
        for (name, parameter) in known {
            if values.contains_key(name) {
                continue;
            }
            match parameter.default {
                Some(default) => {
                    values.insert(name, default.clone());
                }
                None => {
                    // What is made of it is unreadable, and nothing more is said about that.
                    let span = place.span;
                    values.insert(name, Node { file: place.file, span, head: span, kind: Kind::Unreadable });
                    let message = format!("the device file needs `{name}`");
                    let help = format!("write `with: {{ {name}: ... }}`: {}", parameter.about);
                    out.push(place.mistake(codes::DEVICE_PARAMETER, message).help(help));
                }
            }
        }
        Self { values }
    }

    /// The node with all parameters filled in. An entry of a map whose value becomes an empty text goes away, so that a
    /// parameter can leave a key open.
    pub(super) fn fill(&self, node: &Node, out: &mut Diagnostics) -> Node {
        let kind = match &node.kind {
            Kind::Scalar(scalar) => return self.fill_scalar(node, scalar, out),
            Kind::Map(map) => Kind::Map(self.fill_map(map, out)),
            Kind::List(list) => {
                let mut filled = list.clone();
                filled.items = list.items.iter().map(|item| self.fill(item, out)).collect();
                Kind::List(filled)
            }
            Kind::Unreadable => Kind::Unreadable,
        };
        Node { kind, ..node.clone() }
    }

    fn fill_map(&self, map: &Map, out: &mut Diagnostics) -> Map {
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            let value = self.fill(&entry.value, out);
            let is_left_open = matches!((&entry.value.kind, &value.kind), (Kind::Scalar(before), Kind::Scalar(after))
                if after.text.is_empty() && !before.text.is_empty());
            if !is_left_open {
                entries.push(Entry { key: entry.key.clone(), value });
            }
        }
        Map { entries, is_complete: map.is_complete }
    }

    fn fill_scalar(&self, node: &Node, scalar: &Scalar, out: &mut Diagnostics) -> Node {
        let text = scalar.text.as_str();
        if !text.contains("${") {
            return node.clone();
        }
        // One parameter alone: what the site wrote takes the place of the whole.
        if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
            && let Some(value) = self.values.get(name)
        {
            return Node { head: node.head, ..value.clone() };
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                let message = "`${` opens a parameter and is not closed";
                out.push(node.place().mistake(codes::DEVICE_PARAMETER, message).help("close it with `}`"));
                return unreadable(node);
            };
            match self.values.get(name).map(|value| &value.kind) {
                Some(Kind::Scalar(value)) => filled.push_str(&value.text),
                Some(_) => return unreadable(node),
                None => {
                    out.push(unknown(node, name, &self.values));
                    return unreadable(node);
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        Node { kind: Kind::Scalar(scalar.with_text(filled)), ..node.clone() }
    }
}

fn unreadable(node: &Node) -> Node {
    Node { file: node.file, span: node.span, head: node.head, kind: Kind::Unreadable }
}

fn unknown(node: &Node, name: &str, known: &BTreeMap<&str, Node>) -> Diagnostic {
    let message = format!("{} is not a parameter of this device file", quote(name));
    let mut diagnostic = node.place().mistake(codes::DEVICE_PARAMETER, message);
    diagnostic.help = suggest(name, known.keys().copied(), "its parameters are");
    diagnostic
}
