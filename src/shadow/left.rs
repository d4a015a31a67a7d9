//! What the next run knows of a candidate that the end of a program ended: that it was there, and which one it was.
//!
//! It is a part of the saved state, so that it is on the disk whole or not at all, and goes in the same write as what ended
//! the candidate otherwise. What a candidate had found is not kept: a comparison with a hole in it is none.

use super::handle::About;
use crate::runtime::state::decode;
use ballast_history::SavedState;

/// Its name among the parts of the state.
pub const PART: &str = "candidate";

/// A candidate that the end of a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// This one.
    Known(About),
    /// Another version wrote it, or it is damaged: one was there, and nobody knows which.
    Unreadable,
}

/// What the last run left of a candidate, where one ran at its end.
pub fn left(saved: Option<&SavedState>) -> Option<Left> {
    let saved = saved?;
    saved.part(PART)?;
    match decode::<Option<About>>(saved, PART) {
        Some(about) => about.map(Left::Known),
        None => Some(Left::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

    use super::*;
    use crate::runtime::state::encode;
    use crate::shadow::field::NoDoors;
    use crate::site::{Texts, build_unopened};
    use crate::testing::trial::start;
    use ballast_history::StatePart;
    use ballast_host::Clock;
    use ballast_model::time::{BootId, Stamp};
    use ballast_model::{Mono, Utc};
    use std::path::Path;
    use std::sync::Arc;

    fn saved(part: Option<StatePart>) -> SavedState {
        let stamp = Stamp { boot: BootId(1), mono: Mono::ZERO, utc: Utc::from_millis(0), trusted: false };
        SavedState { generation: 1, stamp, parts: part.into_iter().collect() }
    }

    #[test]
    fn what_was_left_is_found_and_what_cannot_be_read_is_no_reason_not_to_begin() {
        let about = About { rules: "new".into(), who: "anna".into(), began: Utc::from_millis(1000) };
        let known = encode(PART, &Some(about.clone())).unwrap();
        assert_eq!(left(Some(&saved(Some(known.clone())))), Some(Left::Known(about)));
        assert_eq!(left(Some(&saved(encode(PART, &None::<About>)))), None);
        // A run of a version that knew no candidates, and none at all.
        assert_eq!(left(Some(&saved(None))), None);
        assert_eq!(left(None), None);
        let cut = known.bytes.len() - 1;
        let broken = [
            StatePart { version: known.version + 1, ..known.clone() },
            StatePart { bytes: known.bytes.get(..cut).unwrap().to_vec(), ..known.clone() },
            StatePart { bytes: vec![0xFF; 40], ..known.clone() },
            StatePart { bytes: Vec::new(), ..known },
        ];
        for part in broken {
            assert_eq!(left(Some(&saved(Some(part)))), Some(Left::Unreadable));
        }
    }

    #[test]
    fn a_site_begins_whatever_was_left_of_its_candidate() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site-panel");
        let texts = Texts::read(&example).unwrap();
        let part = StatePart::new(PART, 1, vec![0xFF; 40]);
        let clock = Arc::new(Clock::made_up(Utc::from_millis(1_795_355_798_000)));
        let open = Box::new(|_: &mut _, _| Box::new(NoDoors) as Box<dyn crate::runtime::field::Field>);
        let built = build_unopened(&texts).unwrap();
        let mut decision = start(built, &texts, open, clock, Box::new(|_| {}), Some(saved(Some(part))));
        decision.go_on();
        let shadows = &decision.carrier.shadows;
        assert_eq!((shadows.mark(), &shadows.left), (None, &None));
        let ended = shadows.ended.as_ref().unwrap();
        assert!(ended.english.contains("cannot be read"), "{ended:?}");
    }
}
