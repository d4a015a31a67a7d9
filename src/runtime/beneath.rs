//! Sets of nouns that lie below the running one, while a person has not confirmed what that loosens.
//!
//! The first is wholly in force, and of each that came after it only what tightens: the stricter of them all holds. They are
//! kept as texts, so that a restart and a replay put the very same together again.

use super::carrier::BENEATH_MAX;
use crate::site::{Running, Texts};
use ballast_guard::{Guard, Replaced, Taken};
use ballast_host::link::mirror::NounSet;
use ballast_model::Mono;
use std::sync::Arc;

/// The guard of a running set and of those below it; `None` where they cannot be in force together.
pub fn guard(beneath: &[NounSet], running: &Running, now: Mono) -> Option<Guard> {
    let (catalog, safety) = (Arc::clone(&running.plan.catalog), Arc::clone(&running.safety));
    let Some((first, more)) = beneath.split_first() else { return Some(Guard::new(catalog, safety, now)) };
    let mut guard = first.guard(now);
    let mut is_together = true;
    for set in more {
        is_together &= set.replace_in(&mut guard, false, now).taken != Taken::Nothing;
    }
    is_together &= guard.replace(catalog, safety, false, now).taken != Taken::Nothing;
    is_together.then_some(guard)
}

/// Reads the sets.
///
/// # Errors
/// All mistakes of the first that this program does not read any more, drawn.
pub fn read(beneath: &[Texts], overrides: &[String]) -> Result<Vec<NounSet>, String> {
    beneath.iter().map(|below| NounSet::read(below.clone(), overrides)).collect()
}

/// What lies below the new texts, given what lay below the old ones and what became of the change.
pub fn below(mut beneath: Vec<Texts>, old: &Texts, new: &Texts, replaced: &Replaced) -> Vec<Texts> {
    if replaced.waits_for.is_none() {
        return Vec::new();
    }
    let old = Texts::default().with_nouns_of(old);
    // The same nouns once more change nothing.
    if old.files != Texts::default().with_nouns_of(new).files {
        beneath.push(old);
    }
    beneath
}

/// Whether no further set finds room.
pub fn is_full(beneath: &[Texts]) -> bool {
    beneath.len() >= BENEATH_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::build;
    use ballast_model::Span;

    const SITE: &str = "site: one\nuuid: 4be0643f-1d98-573b-97cd-ca98a65347dd\ntime_zone: Europe/Paris\n\
        buses: { broker: { driver: mqtt, url: \"mqtt://127.0.0.1:1\", client: one } }\n\
        devices: { a: { file: mqtt-relay, bus: broker, with: { topic: a } } }\n";

    fn texts(max_closed: &str, min_open: &str, rules: &str) -> Texts {
        let safety =
            format!("outputs: {{ a: {{ safe: open, max_closed: {max_closed}, min_open: {min_open} }} }}\n");
        let file = |name: &str, text: &str| (name.to_owned(), Arc::from(text.as_bytes()));
        let files = [file("site.yaml", SITE), file("safety.yaml", &safety), file("rules/a.rhai", rules)];
        Texts { files: files.into(), ..Texts::default() }
    }

    fn running(texts: &Texts) -> Arc<Running> {
        build(texts, &[]).map_err(|refused| refused.text).unwrap().running
    }

    /// What each edit leaves below it, and the guard that follows from one edit after the other.
    fn edit(guard: &mut Guard, beneath: Vec<Texts>, old: &Texts, new: &Texts) -> Vec<Texts> {
        let built = running(new);
        let (catalog, safety) = (Arc::clone(&built.plan.catalog), Arc::clone(&built.safety));
        let replaced = guard.replace(catalog, safety, false, Mono::ZERO);
        below(beneath, old, new, &replaced)
    }

    #[test]
    fn what_was_put_beside_one_another_is_put_together_again() {
        let edits = [
            texts("60 s", "5 s", ""),
            texts("30 s", "1 s", ""),
            texts("45 s", "9 s", ""),
            // Rules alone change nothing here.
            texts("45 s", "9 s", "at \"12:00\" { record(\"noon\"); }"),
            texts("3 s", "2 s", ""),
        ];
        let mut live = guard(&[], &running(&edits[0]), Mono::ZERO).unwrap();
        let mut beneath = Vec::new();
        for pair in edits.windows(2) {
            beneath = edit(&mut live, beneath, &pair[0], &pair[1]);
        }
        assert_eq!(beneath.len(), 3, "the confirmed set and two that tightened it");
        let again = guard(&read(&beneath, &[]).unwrap(), &running(&edits[4]), Mono::ZERO).unwrap();
        assert_eq!(again.safety_set(), live.safety_set());
        let envelope = &again.safety_set().envelopes[0];
        assert_eq!((envelope.max_closed, envelope.min_open), (Some(Span::from_secs(3)), Span::from_secs(9)));
        assert_eq!(again.waits_for(), live.waits_for());
        // What only tightens all of them is taken whole, and nothing lies below it any more.
        assert!(edit(&mut live, beneath, &edits[4], &texts("2 s", "10 s", "")).is_empty());
    }
}
