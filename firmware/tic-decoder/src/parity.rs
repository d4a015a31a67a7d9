//! Tells whether bit 7 of the stream still carries the parity of 7E1, and judges bytes by it.
//!
//! It must never let a group with a parity error pass while the stream carries parity.

/// What bit 7 of the received bytes is. The meter sends seven bits and even parity.
///
/// How [`Parity::Auto`] tells the two kinds of stream apart: every received byte whose low seven bits hold an odd number
/// of ones has a vote. With bit 7 set it votes for parity (+1), with bit 7 clear for a stripped stream (-1); the
/// score stays within ±32 and starts at 0. Then:
/// - a group whose bytes all hold an even number of ones, bit 7 included, is intact, whatever the score;
/// - a group without any bit 7 that is not so is taken as stripped only while the score is -2 or less;
/// - any other group has a parity error and is dropped.
/// - A control character counts if it holds an even number of ones, bit 7 included, or if its bit 7 is clear and the score is 1
///   or less (so that the STX which opens a stripped stream is heard).
///
/// About half of all characters vote, so the score settles (reaches 2 or -2) within the first group. Once it is settled on
/// parity, no group with a parity error passes and no damaged character counts as a control character. A flipped bit
/// moves it by two at most, which the next characters make good; a stream that really loses its bit 7 (the port was set
/// anew) is believed after some 34 votes, and the groups until then are lost, not misread. Likewise a group of the very
/// first bytes of a stripped stream is lost if they have fewer than two votes, which no group of the specification does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Parity {
    /// Found out from the bytes.
    #[default]
    Auto,
    /// Bit 7 makes the number of ones even; a byte where it does not is damaged.
    Even,
    /// Bit 7 was removed before; a byte where it is set is damaged.
    Stripped,
}

/// Bound of the score: a stream that changes its kind is believed after at most this many votes more than it takes to settle.
const SCORE_MAX: i8 = 32;
/// A score this far from zero is settled: one flipped bit, which weighs 1 where nothing has voted, cannot reach it.
const SETTLED: i8 = 2;

pub(crate) const BIT_7: u8 = 0x80;

pub(crate) const fn is_even(byte: u8) -> bool {
    byte.count_ones().is_multiple_of(2)
}

const fn is_clear(byte: u8) -> bool {
    byte & BIT_7 == 0
}

/// The line's setting and what has been heard of its parity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    setting: Parity,
    score: i8,
}

impl Line {
    pub(crate) const fn new(setting: Parity) -> Self {
        Self { setting, score: 0 }
    }

    /// Counts the vote of a received byte.
    pub(crate) fn hear(&mut self, byte: u8) {
        if is_even(byte & !BIT_7) {
            return;
        }
        let vote = if is_clear(byte) { -1 } else { 1 };
        self.score = self.score.saturating_add(vote).clamp(-SCORE_MAX, SCORE_MAX);
    }

    /// Whether bit 7 carries parity; `None` while that is not settled.
    pub(crate) const fn carries_parity(&self) -> Option<bool> {
        match self.setting {
            Parity::Even => Some(true),
            Parity::Stripped => Some(false),
            Parity::Auto if self.score >= SETTLED => Some(true),
            Parity::Auto if self.score <= -SETTLED => Some(false),
            Parity::Auto => None,
        }
    }

    /// Whether a control character may be believed.
    pub(crate) fn trusts_control(&self, byte: u8) -> bool {
        match self.setting {
            Parity::Even => is_even(byte),
            Parity::Stripped => is_clear(byte),
            Parity::Auto => is_even(byte) || (is_clear(byte) && self.carries_parity() != Some(true)),
        }
    }

    /// Whether these bytes of one group came through undamaged, as far as bit 7 tells.
    pub(crate) fn is_intact(&self, bytes: &[u8]) -> bool {
        let even = || bytes.iter().all(|&byte| is_even(byte));
        let clear = || bytes.iter().all(|&byte| is_clear(byte));
        match self.setting {
            Parity::Even => even(),
            Parity::Stripped => clear(),
            Parity::Auto => even() || (self.carries_parity() == Some(false) && clear()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(bytes: &[u8]) -> Line {
        let mut line = Line::new(Parity::Auto);
        for &byte in bytes {
            line.hear(byte);
        }
        line
    }

    #[test]
    fn stream_without_bit_7_is_stripped_after_two_odd_characters() {
        assert_eq!(heard(b"\x02").carries_parity(), None);
        assert_eq!(heard(b"\x02\nADC").carries_parity(), Some(false));
        assert!(heard(b"\x02\nPAPP 00740 ,").is_intact(b"PAPP 00740 ,"));
    }

    #[test]
    fn stream_with_parity_is_known_by_its_first_odd_characters() {
        let spaces = [b' ' | BIT_7, b' ' | BIT_7];
        assert_eq!(heard(&spaces).carries_parity(), Some(true));
        assert!(heard(&spaces).is_intact(&spaces));
        assert!(!heard(&spaces).is_intact(b"  "), "a parity error, not a stripped stream");
    }

    #[test]
    fn one_flipped_bit_in_a_silent_stream_is_not_a_stripped_stream() {
        // 'A', 'B' and 'D' hold an even number of ones; 'C' is one of them with a flipped bit.
        let line = heard(b"ABDC");
        assert_eq!(line.carries_parity(), None);
        assert!(line.is_intact(b"ABD"));
        assert!(!line.is_intact(b"ABC"));
    }

    #[test]
    fn noise_with_bit_7_does_not_shake_a_stripped_stream() {
        let mut line = heard(&[b' '; 100]);
        line.hear(b' ' | BIT_7);
        assert_eq!(line.carries_parity(), Some(false));
        assert!(line.is_intact(b"PAPP 00740 ,"));
        assert!(!line.is_intact(&[b'P', b' ' | BIT_7, b' ']));
    }

    #[test]
    fn stream_that_loses_its_parity_is_believed_after_34_votes() {
        let mut line = heard(&[b' ' | BIT_7; 100]);
        for _ in 0..33 {
            line.hear(b' ');
        }
        assert_ne!(line.carries_parity(), Some(false));
        line.hear(b' ');
        assert_eq!(line.carries_parity(), Some(false));
    }

    #[test]
    fn fixed_settings_ignore_the_score() {
        let mut even = Line::new(Parity::Even);
        let mut stripped = Line::new(Parity::Stripped);
        for _ in 0..100 {
            even.hear(b' ');
            stripped.hear(b' ' | BIT_7);
        }
        assert!(!even.is_intact(b" ") && even.is_intact(&[b' ' | BIT_7]));
        assert!(stripped.is_intact(b" ") && !stripped.is_intact(&[b' ' | BIT_7]));
        assert!(!even.trusts_control(b'\r') && stripped.trusts_control(b'\r'));
    }
}
