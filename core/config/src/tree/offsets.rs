//! From the parser's places, counted in characters, to ours, counted in bytes.

use crate::sources::saturate;

/// Every how many characters the byte offset is kept. A balance: 32 kB for a full file, 64 steps for a look-up.
const STRIDE: usize = 128;

/// The byte offset of each character of a text.
pub(super) struct Offsets<'t> {
    text: &'t str,
    kept: Vec<usize>,
}

impl<'t> Offsets<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let kept = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().step_by(STRIDE).map(|(offset, _)| offset).collect()
        };
        Self { text, kept }
    }

    /// The byte at which character number `index` starts; the length of the text when there is no such character.
    pub(super) fn byte(&self, index: usize) -> u32 {
        if self.kept.is_empty() {
            return saturate(index.min(self.text.len()));
        }
        let Some(start) = self.kept.get(index / STRIDE).copied() else { return saturate(self.text.len()) };
        let rest = self.text.get(start..).unwrap_or("");
        let within = rest.char_indices().nth(index % STRIDE).map_or(rest.len(), |(offset, _)| offset);
        saturate(start + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_found() {
        for text in ["", "abc", &"aé°\u{1F600}\r\n".repeat(100)] {
            let offsets = Offsets::new(text);
            for (index, (offset, _)) in text.char_indices().enumerate() {
                assert_eq!(offsets.byte(index), u32::try_from(offset).unwrap());
            }
            let length = u32::try_from(text.len()).unwrap();
            assert_eq!(offsets.byte(text.chars().count()), length);
            assert_eq!(offsets.byte(text.chars().count() + 1000), length);
        }
    }
}
