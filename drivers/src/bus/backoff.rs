//! How long to wait before a lost connection is tried again.

use crate::limits::{BACKOFF_MAX, BACKOFF_MIN, HOLD_DOWN, PORT_BACKOFF_MAX};
use ballast_model::Span;

/// Pauses that double, with jitter, so that a broker that comes back is not met by all its clients in one moment.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    attempts: u32,
    state: u64,
    longest: Span,
}

impl Backoff {
    /// Two buses with different seeds wait differently.
    pub(super) fn new(seed: u64) -> Self {
        Self { attempts: 0, state: seed, longest: BACKOFF_MAX }
    }

    /// For a port of this machine: nobody is disturbed by trying, and a plug that is back should be seen soon.
    pub(super) fn of_port(seed: u64) -> Self {
        Self { longest: PORT_BACKOFF_MAX, ..Self::new(seed) }
    }

    /// The next pause, after a connection that lasted so long (zero: it was never made). A connection that flaps does not
    /// start the pauses anew.
    pub(super) fn next(&mut self, lasted: Span) -> Span {
        if lasted >= HOLD_DOWN {
            self.attempts = 0;
        }
        let longest = BACKOFF_MIN.times(2 << self.attempts.min(6)).min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        let half = longest.nanos() / 2;
        Span::from_nanos(half + self.random() % half.max(1))
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// A seed from a bus's name and the moment it starts.
pub(super) fn seed(name: &str, now: ballast_model::Mono) -> u64 {
    // FNV-1a, 64 bit.
    name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ now.nanos(), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_jitter_up_to_a_minute() {
        for seed in 0..50 {
            let mut backoff = Backoff::new(seed);
            for (least, most) in [(1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (30, 60), (30, 60), (30, 60)] {
                let pause = backoff.next(Span::ZERO);
                assert!(pause >= Span::from_secs(least) && pause <= Span::from_secs(most), "{pause}");
            }
        }
    }

    #[test]
    fn only_a_connection_that_held_starts_anew() {
        let mut backoff = Backoff::new(1);
        for _ in 0..5 {
            backoff.next(HOLD_DOWN.minus(Span::from_millis(1)));
        }
        assert!(backoff.next(Span::ZERO) >= Span::from_secs(30));
        assert!(backoff.next(HOLD_DOWN) <= Span::from_secs(2));
    }

    #[test]
    fn the_pause_follows_from_the_seed() {
        let pauses = |seed| {
            [(); 6].map({
                let mut backoff = Backoff::new(seed);
                move |()| backoff.next(Span::ZERO)
            })
        };
        assert_eq!(pauses(3), pauses(3));
        assert_ne!(pauses(3), pauses(4));
    }
}
