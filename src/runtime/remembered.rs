//! What the last run left, as far as it can be believed.

use super::state::{RunningSet, VERSION, decode};
use crate::report::language::Language;
use crate::report::memory_words;
use ballast_history::{Found, Opened, SavedState};

/// What a start goes on from.
#[derive(Debug, Default)]
pub struct Remembered {
    /// What the last run left.
    pub saved: Option<SavedState>,
    /// Why something that was kept is not there any more; `None` where nothing is missing, or nothing ever was.
    pub lost: Option<String>,
}

/// Reads what an opened history holds. Of a state that is not the newest one only the set that ran and the sets that did harm
/// are taken: nobody shall have what was taken back since, and a set on the disk has to come in beside one that was confirmed.
pub fn remembered(opened: Opened, language: Language) -> Remembered {
    let Opened { state, outdated, found, .. } = opened;
    let Some(mut saved) = state else {
        let lost = match found {
            Found::Damaged { reason, .. } => Some(reason),
            _ => outdated,
        };
        return Remembered { saved: None, lost };
    };
    if outdated.is_some() {
        saved.parts.retain(|part| part.name == "plan");
        return Remembered { saved: Some(saved), lost: outdated };
    }
    let lost = unreadable(&saved, language);
    Remembered { saved: Some(saved), lost }
}

/// Why this program does not read everything that a start goes on from; `None` where it does.
fn unreadable(saved: &SavedState, language: Language) -> Option<String> {
    let other = |name: &str, found: u32, known: u32| {
        (found != known).then(|| memory_words::other_version(name, found, known, language))
    };
    let parts = ["engine", "guard", "plan"].into_iter().filter_map(|name| saved.part(name));
    let of_parts = parts.filter_map(|part| other(&part.name, part.version, VERSION)).next();
    let guard = decode::<ballast_guard::State>(saved, "guard");
    let engine = decode::<ballast_engine::State<'static>>(saved, "engine");
    of_parts
        .or_else(|| other("engine", engine.as_ref()?.version(), ballast_engine::STATE_VERSION))
        .or_else(|| {
            let known = u32::from(ballast_guard::STATE_VERSION);
            other("guard", u32::from(guard.as_ref()?.version), known)
        })
        .or_else(|| {
            let is_whole =
                engine.is_some() && guard.is_some() && decode::<RunningSet>(saved, "plan").is_some();
            (!is_whole).then(|| memory_words::unreadable(language).to_owned())
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

    use super::super::beneath;
    use super::super::state::encode;
    use super::super::timed::Timed;
    use super::*;
    use crate::site::{Texts, build_unopened};
    use ballast_engine::Engine;
    use ballast_history::StatePart;
    use ballast_model::time::{BootId, Stamp};
    use ballast_model::{Mono, Utc};
    use std::path::Path;
    use std::sync::Arc;

    /// What a run of an example that did nothing yet leaves, with one thing in it that was changed.
    fn left(change: impl FnOnce(&mut ballast_guard::State, &mut Vec<StatePart>)) -> Opened {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site-panel");
        let texts = Texts::read(&example).unwrap();
        let built = build_unopened(&texts).unwrap();
        let at = Mono::from_millis(1000);
        let sets = beneath::read(&[], &[]).unwrap();
        let mut guard = beneath::guard(&sets, &built.running, at).unwrap().save();
        let bodies = Timed::new(built.bodies, built.running.plan.rules.len());
        let engine = Engine::new(Arc::clone(&built.running.plan), bodies, at);
        let mut parts: Vec<StatePart> = [
            encode("engine", &engine.save()),
            encode("plan", &RunningSet { texts, ..RunningSet::default() }),
            encode("memory", &None::<String>),
        ]
        .into_iter()
        .flatten()
        .collect();
        change(&mut guard, &mut parts);
        parts.extend(encode("guard", &guard));
        let stamp = Stamp { boot: BootId(1), mono: at, utc: Utc::from_millis(0), trusted: false };
        let state = Some(SavedState { generation: 1, stamp, parts });
        Opened { state, damaged_generations: 0, outdated: None, found: Found::Intact, trouble: None }
    }

    fn part<'a>(parts: &'a mut [StatePart], name: &str) -> &'a mut StatePart {
        parts.iter_mut().find(|part| part.name == name).unwrap()
    }

    #[test]
    fn what_another_version_left_is_refused_by_its_number() {
        let (engine, guard) = (ballast_engine::STATE_VERSION, u32::from(ballast_guard::STATE_VERSION));
        let cases = [
            (left(|_, _| {}), None),
            (left(|_, parts| part(parts, "memory").version += 1), None),
            (left(|_, parts| part(parts, "engine").version += 1), Some(("engine", VERSION + 1, VERSION))),
            (left(|_, parts| part(parts, "plan").version += 7), Some(("plan", VERSION + 7, VERSION))),
            // The version is the first number of the engine's state, and below 128 a byte.
            (left(|_, parts| part(parts, "engine").bytes[0] += 1), Some(("engine", engine + 1, engine))),
            (left(|guard, _| guard.version += 1), Some(("guard", guard + 1, guard))),
        ];
        for (opened, refused) in cases {
            for language in [Language::En, Language::Fr] {
                let told = refused
                    .map(|(name, found, known)| memory_words::other_version(name, found, known, language));
                let found = remembered(opened.clone(), language);
                assert_eq!(found.lost, told);
                // What runs from it is decided by who is told.
                assert!(found.saved.is_some());
            }
        }
    }

    #[test]
    fn what_cannot_be_read_has_no_number_to_tell() {
        let cut = |name: &'static str| left(move |_, parts| part(parts, name).bytes.truncate(3));
        for opened in [cut("engine"), cut("plan")] {
            let found = remembered(opened, Language::En);
            assert_eq!(found.lost.as_deref(), Some(memory_words::unreadable(Language::En)));
        }
    }

    #[test]
    fn of_a_state_that_is_not_the_newest_only_the_set_that_ran_is_taken() {
        let outdated = Some("the newest one is damaged".to_owned());
        let found = remembered(Opened { outdated: outdated.clone(), ..left(|_, _| {}) }, Language::En);
        assert_eq!(found.lost, outdated);
        let names: Vec<_> = found.saved.unwrap().parts.into_iter().map(|part| part.name).collect();
        assert_eq!(names, ["plan"]);
    }
}
