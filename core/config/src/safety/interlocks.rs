//! `interlocks:`: states that never exist together.

use ballast_guard::plan::Interlock;
use ballast_model::catalog::OutputId;
use ballast_model::{Contact, Span as Duration};

use super::envelopes::output_key;
use super::limits::{contact_of, is_contact};
use super::{InterlockDraft, SafetyDraft, shapes};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::duration;
use crate::diagnostics::{Diagnostics, Placed};
use crate::nouns::Nouns;
use crate::tree::Node;

/// Reads all interlocks.
pub(super) fn read(
    fields: &Fields<'_>,
    nouns: &Nouns<'_>,
    draft: &mut SafetyDraft<'_>,
    out: &mut Diagnostics,
) {
    let expected = "a list of interlocks";
    let Some(items) = fields.get("interlocks").and_then(|node| crate::decode::items(node, expected, out))
    else {
        return;
    };
    for item in items {
        if let Some(interlock) = read_one(item, nouns, out) {
            draft.interlocks.push(interlock);
        }
    }
}

fn read_one(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<InterlockDraft> {
    let fields = Fields::read(node, &shapes::INTERLOCK, out)?;
    let dead_time = fields.get("dead_time").and_then(|node| duration(node, out));
    let list = fields.get("never_together")?;
    let items =
        crate::decode::items(list, "a list such as `[mains: closed, genset.contactor: closed]`", out)?;
    let mut members: Vec<Placed<(OutputId, Contact)>> = Vec::new();
    let mut is_right = true;
    for item in items {
        let expected = "an output with its state, `mains: closed`";
        let Some(map) = crate::decode::map(item, expected, out) else {
            is_right = false;
            continue;
        };
        for entry in &map.entries {
            let Some(member) = member(entry, nouns, out) else {
                is_right = false;
                continue;
            };
            if let Some(first) = members.iter().find(|known| known.value.0 == member.value.0) {
                let message =
                    format!("`{}` stands twice in this interlock", nouns.output_name(member.value.0));
                let first = first.place;
                out.push(
                    member
                        .place
                        .mistake(codes::INTERLOCK_MEMBERS, message)
                        .also(first.file, first.span, "first here")
                        .help("remove one of the two"),
                );
                is_right = false;
            } else {
                members.push(member);
            }
        }
    }
    if is_right && members.len() < 2 {
        let help = "name at least two outputs with the states that must not exist together";
        out.push(
            fields
                .head()
                .mistake(codes::INTERLOCK_MEMBERS, "an interlock has at least two members")
                .help(help),
        );
        return None;
    }
    let interlock = Interlock {
        members: members.iter().map(|member| member.value).collect(),
        dead_time: dead_time.map_or(Duration::ZERO, |found| found.value),
    };
    Some(InterlockDraft { interlock, members, dead_time, place: fields.head() })
}

fn member(
    entry: &crate::tree::Entry,
    nouns: &Nouns<'_>,
    out: &mut Diagnostics,
) -> Option<Placed<(OutputId, Contact)>> {
    let output = output_key(entry, nouns, out)?;
    if !is_contact(nouns, output) {
        let message =
            format!("`{}` is a setpoint; only contacts can be interlocked", nouns.output_name(output));
        out.push(
            entry
                .key
                .place()
                .mistake(codes::INTERLOCK_MEMBERS, message)
                .help("bound it by its `values` or by a limit"),
        );
        return None;
    }
    let wanted = nouns.wanted_at(&entry.value, output, out)?;
    Some(Placed { value: (output, contact_of(wanted.value)?), place: entry.key.place() })
}
