//! The last state that is known to be on the disk, kept in little memory for the day its file is damaged.

use crate::state::StatePart;
use ballast_model::time::Stamp;

/// A saved state, compressed.
#[derive(Debug)]
pub(crate) struct Kept {
    stamp: Stamp,
    /// Name, version and compressed bytes of every part.
    parts: Vec<(String, u32, Box<[u8]>)>,
}

impl Kept {
    /// Keeps a state.
    pub(crate) fn of(parts: &[StatePart], stamp: Stamp) -> Self {
        let squeeze = |part: &StatePart| {
            let bytes = lz4_flex::block::compress_prepend_size(&part.bytes);
            (part.name.clone(), part.version, bytes.into_boxed_slice())
        };
        Self { stamp, parts: parts.iter().map(squeeze).collect() }
    }

    /// When it was saved.
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Its parts as they were. One that memory damaged is left out: whoever reads the state says that it is missing.
    pub(crate) fn parts(&self) -> Vec<StatePart> {
        let whole = |(name, version, bytes): &(String, u32, Box<[u8]>)| {
            let bytes = lz4_flex::block::decompress_size_prepended(bytes).ok()?;
            Some(StatePart::new(name.clone(), *version, bytes))
        };
        self.parts.iter().filter_map(whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::Mono;
    use ballast_model::time::BootId;
    use ballast_model::time::Utc;

    #[test]
    fn a_state_comes_back_as_it_was_and_takes_less_room() {
        let words =
            |count: usize| (0..count).flat_map(|number| format!("relay_{number}.state ").into_bytes());
        let parts = [
            StatePart::new("engine", 1, words(10_000).collect()),
            StatePart::new("guard", 2, vec![]),
            StatePart::new("plan", 3, vec![7]),
        ];
        let stamp =
            Stamp { boot: BootId(1), mono: Mono::from_millis(2), utc: Utc::from_millis(3), trusted: true };
        let kept = Kept::of(&parts, stamp);
        assert_eq!(kept.parts(), parts);
        assert_eq!(kept.stamp(), stamp);
        let bytes: usize = kept.parts.iter().map(|(_, _, bytes)| bytes.len()).sum();
        assert!(bytes * 3 < parts[0].bytes.len(), "{bytes} of {}", parts[0].bytes.len());
    }
}
