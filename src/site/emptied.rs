//! Rules that are gone in a way that nobody does on purpose: with the content of their file, or all of them together.
//!
//! An editor that dies, a full disk and a power cut leave a file without a byte, or with the comment at its head; a card that
//! was not mounted and a moved folder leave none at all. What was meant is said by a person.

use super::{Running, Texts};
use std::collections::BTreeMap;

/// What is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emptied {
    /// The file that holds nothing any more; `None`: every rule of the site is gone.
    pub file: Option<String>,
    /// Comments are left in it.
    pub has_comments: bool,
    /// The names of its rules and events.
    pub names: Vec<String>,
}

/// What is gone from a running set in a new one, read from `texts`; `None` where nothing is, or was taken out on purpose.
pub fn emptied(before: &Running, after: &Running, texts: &Texts) -> Option<Emptied> {
    let (had, left) = (counted(before), counted(after));
    let is_fewer = |name: &str| left.get(base(name)) < had.get(base(name));
    let gone: Vec<(&str, &str)> = statements(before).filter(|(name, _)| is_fewer(name)).collect();
    let names = |of: &dyn Fn(&str) -> bool| -> Vec<String> {
        gone.iter().filter(|(_, place)| of(place)).map(|(name, _)| (*name).to_owned()).collect()
    };
    for (file, bytes) in texts.rules() {
        if !core::str::from_utf8(bytes).is_ok_and(ballast_rules::says_nothing) {
            continue;
        }
        let place = format!("{}:", file.trim_start_matches("rules/"));
        let names = names(&|of| of.starts_with(&place));
        if !names.is_empty() {
            let has_comments = !bytes.trim_ascii().is_empty();
            return Some(Emptied { file: Some(file.to_owned()), has_comments, names });
        }
    }
    let is_all = left.is_empty() && !gone.is_empty();
    is_all.then(|| Emptied { file: None, has_comments: false, names: names(&|_| true) })
}

/// The rules and events of a set: name and place.
fn statements(running: &Running) -> impl Iterator<Item = (&str, &str)> {
    let rules = running.plan.rules.iter().map(|rule| (&*rule.name, &*rule.place));
    rules.chain(running.plan.schedules.iter().map(|schedule| (&*schedule.name, &*schedule.place)))
}

/// How often each name stands there.
fn counted(running: &Running) -> BTreeMap<&str, usize> {
    let mut counted = BTreeMap::new();
    for (name, _) in statements(running) {
        *counted.entry(base(name)).or_default() += 1;
    }
    counted
}

/// A name without the number that tells events of the same words apart: it moves when the one before it goes.
fn base(name: &str) -> &str {
    name.rsplit_once('#').map_or(name, |(base, _)| base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::build;
    use std::sync::Arc;

    const SITE: &str = "site: one\nuuid: 4be0643f-1d98-573b-97cd-ca98a65347dd\ntime_zone: Europe/Paris\n";
    const NOON: &str = "at \"12:00\" { record(\"noon\"); }";
    const ONE: &str = "every \"5min\" { record(\"five\"); }";

    fn texts(rules: &[(&str, &str)]) -> Texts {
        let nouns = [("site.yaml", SITE), ("safety.yaml", "outputs: {}\n")];
        let files = nouns.iter().chain(rules);
        let files = files.map(|(name, text)| ((*name).to_owned(), Arc::from(text.as_bytes()))).collect();
        Texts { files, ..Texts::default() }
    }

    fn found(before: &[(&str, &str)], after: &[(&str, &str)]) -> Option<Option<String>> {
        let running = |texts: &Texts| build(texts, &[]).map_err(|refused| refused.text).unwrap().running;
        let after = texts(after);
        emptied(&running(&texts(before)), &running(&after), &after).map(|emptied| {
            assert!(!emptied.names.is_empty());
            emptied.file
        })
    }

    #[test]
    fn a_file_without_a_byte_and_a_site_without_rules_are_found() {
        let (a, b) = ("rules/a.rhai", "rules/b.rhai");
        let emptied = Some(Some("rules/a.rhai".to_owned()));
        assert_eq!(found(&[(a, NOON), (b, ONE)], &[(a, ""), (b, ONE)]), emptied);
        assert_eq!(found(&[(a, NOON)], &[(a, "")]), emptied);
        assert_eq!(found(&[(a, NOON)], &[]), Some(None));
        assert_eq!(found(&[(a, NOON)], &[(a, "// nothing any more\n")]), emptied);
        assert_eq!(found(&[(a, NOON), (b, ONE)], &[(a, "\n/* cut\n * off */\n// here"), (b, ONE)]), emptied);
        assert_eq!(found(&[(a, NOON), (b, ONE)], &[(a, "\u{feff}\r\n"), (b, ONE)]), emptied);
        assert_eq!(found(&[(a, NOON), (b, NOON)], &[(a, ""), (b, NOON)]), emptied, "of the same words");
    }

    #[test]
    fn what_was_taken_out_or_moved_on_purpose_is_not() {
        let (a, b) = ("rules/a.rhai", "rules/b.rhai");
        assert_eq!(found(&[(a, NOON), (b, ONE)], &[(b, ONE)]), None);
        let both = format!("{ONE}\n{NOON}");
        assert_eq!(found(&[(a, NOON), (b, ONE)], &[(a, "// moved\n"), (b, &both)]), None, "moved");
        assert_eq!(
            found(&[(a, NOON), (b, ONE)], &[(a, "const X = 1;\n"), (b, ONE)]),
            None,
            "something is left"
        );
        assert_eq!(found(&[(a, NOON)], &[(a, ""), (b, NOON)]), None, "its rules stand in another file now");
        assert_eq!(found(&[], &[]), None);
        assert_eq!(found(&[(a, "")], &[(a, "")]), None, "it was empty before");
        assert_eq!(found(&[], &[(a, NOON)]), None);
    }
}
