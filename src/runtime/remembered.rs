//! What the last run left, as far as it can be believed.

use super::state::{RunningSet, decode};
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
    let lost = (!is_readable(&saved)).then(|| memory_words::unreadable(language).to_owned());
    Remembered { saved: Some(saved), lost }
}

/// Whether this program reads everything that a start goes on from.
fn is_readable(saved: &SavedState) -> bool {
    let guard = decode::<ballast_guard::State>(saved, "guard");
    let engine = decode::<ballast_engine::State<'static>>(saved, "engine");
    guard.is_some_and(|state| state.version == ballast_guard::state::STATE_VERSION)
        && engine.is_some_and(|state| state.version() == ballast_engine::STATE_VERSION)
        && decode::<RunningSet>(saved, "plan").is_some()
}
