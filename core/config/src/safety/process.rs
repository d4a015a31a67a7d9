//! `guard:`: the guard as a process of its own, and who may speak to it.

use ballast_guard::plan::Process;

use super::{SafetyDraft, shapes};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::scalar::{list, text};
use crate::diagnostics::{Diagnostics, Placed, quote};
use crate::tree::Node;

/// Longest name of a user (`useradd` allows 32).
const USER_BYTES_MAX: usize = 32;
/// Longest path of a directory of sockets: the path of a socket has at most 107 bytes.
const SOCKETS_BYTES_MAX: usize = 90;

/// Reads the section.
pub(super) fn read(fields: &Fields<'_>, draft: &mut SafetyDraft<'_>, out: &mut Diagnostics) {
    let Some(fields) = fields.get("guard").and_then(|node| Fields::read(node, &shapes::GUARD, out)) else {
        return;
    };
    let operators = fields.get("operators").and_then(|node| list(node, "a list of users", out, user));
    let program = fields.get("program").and_then(|node| user(node, out));
    let sockets = fields.get("sockets").and_then(|node| sockets(node, out));
    draft.process = Some(Process {
        sockets: sockets.map(|sockets| sockets.value.into()),
        program: program.map(Into::into),
        operators: operators.unwrap_or_default().into_iter().map(Into::into).collect(),
    });
}

/// The name of a user, as `/etc/passwd` may have it.
fn user<'t>(node: &'t Node, out: &mut Diagnostics) -> Option<&'t str> {
    let found = text(node, out)?;
    let name = found.value;
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let begins = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    if begins && name.len() <= USER_BYTES_MAX && name.bytes().all(is_of_name) {
        return Some(name);
    }
    let message = format!("{} is not the name of a user", quote(name));
    let help = "write it as the first field of `/etc/passwd` has it";
    out.push(found.place.mistake(codes::GUARD_USER, message).help(help));
    None
}

fn sockets<'t>(node: &'t Node, out: &mut Diagnostics) -> Option<Placed<&'t str>> {
    let found = text(node, out)?;
    if found.value.starts_with('/') && found.value.len() <= SOCKETS_BYTES_MAX {
        return Some(found);
    }
    let message = format!("{} is not a directory for sockets", quote(found.value));
    let help =
        format!("write an absolute path of at most {SOCKETS_BYTES_MAX} bytes: `/run/ballast-guard/farm`");
    out.push(found.place.mistake(codes::GUARD_SOCKETS, message).help(help));
    None
}

#[cfg(test)]
mod tests {
    use crate::safety::guard_process;

    #[test]
    fn who_looks_for_the_guard_finds_it_however_its_key_is_written() {
        for text in ["guard: {}\n", "outputs: [\nguard: {}\n", "\"gu\\x61rd\": {}\n"] {
            assert!(guard_process(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "outputs: {}\n", "# guard: {}\n", "limits: { guard: {} }\n"] {
            assert!(guard_process(text.as_bytes()).is_none(), "{text}");
        }
    }
}
