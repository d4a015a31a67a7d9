//! From nodes to values. Small readers, each of which says what is wrong with its node and where.
//!
//! A reader gets a node and the collection of mistakes; it returns the value, or nothing after it has said why. Keys of
//! a map are listed once, in a [`shape::MapShape`]: unknown and missing keys, "did you mean", the JSON Schema and the
//! manual all come from that table.

pub mod fields;
pub mod quantity;
pub mod rate;
pub mod scalar;
pub mod shape;

use crate::codes;
use crate::diagnostics::{Diagnostics, Place, Placed};
use crate::tree::{Kind, List, Map, Node, Scalar};

/// Says that a node is not what is expected here. Says nothing about a node that is unreadable: that was said.
pub(crate) fn refuse_kind(node: &Node, expected: &str, out: &mut Diagnostics) {
    if node.kind == Kind::Unreadable {
        return;
    }
    let place = if node.is_null() { node.head_place() } else { narrowed(node) };
    let mut found =
        place.mistake(codes::VALUE_KIND, format!("{expected} is expected here, not {}", node.what()));
    if expected.starts_with("a list") && matches!(node.kind, Kind::Map(_)) {
        found = found.help("start each item of a list with `- `");
    } else {
        found = found.help(match expected {
            _ if expected.contains("keys with values") => {
                "write its keys below it, further to the right: `key: value`"
            }
            _ if expected.starts_with("an output with") => "write the output and its state: `mains: closed`",
            _ if expected.starts_with("a map") => "write `name: value` below it, further to the right",
            _ if expected.starts_with("a list") => {
                "write the items in brackets, `[a, b]`, or each behind `- `"
            }
            _ => "write one value behind the `:`, without brackets",
        });
    }
    out.push(found);
}

/// A place that is not longer than its first line would be: for a map or list the key that leads to it.
fn narrowed(node: &Node) -> Place {
    if matches!(node.kind, Kind::Scalar(_)) { node.place() } else { node.head_place() }
}

/// The text of a node that must be a scalar with something in it.
pub(crate) fn scalar<'t>(
    node: &'t Node,
    expected: &str,
    out: &mut Diagnostics,
) -> Option<Placed<&'t Scalar>> {
    match &node.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => Some(Placed { value: scalar, place: node.place() }),
        _ => {
            refuse_kind(node, expected, out);
            None
        }
    }
}

/// The items of a node that must be a list.
pub(crate) fn items<'t>(node: &'t Node, expected: &str, out: &mut Diagnostics) -> Option<&'t [Node]> {
    match &node.kind {
        Kind::List(List { items, .. }) => Some(items),
        _ => {
            refuse_kind(node, expected, out);
            None
        }
    }
}

/// The entries of a node that must be a map with free keys.
pub(crate) fn map<'t>(node: &'t Node, expected: &str, out: &mut Diagnostics) -> Option<&'t Map> {
    match &node.kind {
        Kind::Map(map) => Some(map),
        _ => {
            refuse_kind(node, expected, out);
            None
        }
    }
}
