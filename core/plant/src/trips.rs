//! How often something fell from the bus lately: protection counts, and gives up after so many times.

/// What happened longer ago than this does not count, ms.
const WITHIN_MS: u64 = 600_000;

/// The instants of the last `N` trips.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trips<const N: usize> {
    at_ms: [Option<u64>; N],
}

impl<const N: usize> Default for Trips<N> {
    fn default() -> Self {
        Self { at_ms: [None; N] }
    }
}

impl<const N: usize> Trips<N> {
    /// Books one; true where it is the `N`-th within ten minutes. The count then begins anew.
    pub(crate) fn book(&mut self, now_ms: u64) -> bool {
        self.at_ms.rotate_left(1);
        if let Some(last) = self.at_ms.last_mut() {
            *last = Some(now_ms);
        }
        let first_ms = self.at_ms.first().copied().flatten();
        let is_too_often = first_ms.is_some_and(|first_ms| now_ms.saturating_sub(first_ms) <= WITHIN_MS);
        if is_too_often {
            *self = Self::default();
        }
        is_too_often
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_within_ten_minutes_are_too_many() {
        let mut trips = Trips::<3>::default();
        assert!(![0, 300_000].iter().any(|now_ms| trips.book(*now_ms)));
        assert!(!trips.book(600_001), "the first is too long ago");
        assert!(trips.book(900_000), "three in ten minutes");
        assert!(![900_001, 900_002].iter().any(|now_ms| trips.book(*now_ms)), "it counts anew");
    }
}
