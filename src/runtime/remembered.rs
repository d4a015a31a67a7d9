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
