//! Rules with mistakes that a scenario brings: they lie in a file beside it, and whoever acts has them besides its own. They
//! can be read, and go wrong while they run: without end, with an error, with no number.

use crate::site::Texts;
use ballast_config::codes;
use ballast_config::decode::scalar::text;
use ballast_config::diagnostics::{Diagnostics, suggest};
use ballast_config::tree::Node;
use ballast_host::file_set::RULE_BYTES_MAX;
use std::collections::BTreeMap;

/// A file of rules that a scenario brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistaken {
    /// The name of the file.
    pub name: String,
    text: Vec<u8>,
}

impl Mistaken {
    /// Adds them to the rules of a site.
    pub fn join(&self, texts: &mut Texts) {
        texts.files.insert(of_site(&self.name), self.text.as_slice().into());
    }
}

/// What lies around a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The files of its folder.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// Those whose rules they join.
    pub policies: [&'a Texts; 2],
}

fn of_site(name: &str) -> String {
    format!("rules/{name}")
}

/// Reads the name of such a file, and finds it. Only what lies in the folder itself can be found.
pub(super) fn read(node: &Node, beside: Beside<'_>, out: &mut Diagnostics) -> Option<Mistaken> {
    let found = text(node, out)?;
    let name = found.value;
    let mut refuse = |message: String, help: String| {
        out.push(found.place.mistake(codes::SCENARIO_FILE, message).help(help));
        None
    };
    if name.contains(['/', '\\']) || name.starts_with('.') {
        let message = format!("`{name}` is no plain name: such a file lies beside this file");
        return refuse(message, "write `10-week.rhai`, without a folder".to_owned());
    }
    if !name.ends_with(".rhai") {
        let message = format!("`{name}` is no file of rules: its name ends in `.rhai`");
        return refuse(message, "write `10-week.rhai`".to_owned());
    }
    if beside.policies.iter().any(|texts| texts.files.contains_key(&of_site(name))) {
        let message = format!("whoever acts has rules of that name already: `{}`", of_site(name));
        return refuse(message, "give the file beside this one another name".to_owned());
    }
    let Some(bytes) = beside.files.get(name) else {
        let rules = beside.files.keys().map(String::as_str);
        let known = rules.filter(|name| name.ends_with(".rhai") && !name.contains('/'));
        let help = suggest(name, known, "files of rules").unwrap_or_else(|| "put it there".to_owned());
        return refuse(format!("there is no `{name}` beside this file"), help);
    };
    if bytes.len() as u64 > RULE_BYTES_MAX {
        let message = format!("`{name}` is longer than {RULE_BYTES_MAX} bytes");
        return refuse(message, "a file of rules is shorter".to_owned());
    }
    Some(Mistaken { name: name.to_owned(), text: bytes.clone() })
}
