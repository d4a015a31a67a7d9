//! The last moments of something, in a fixed number of places.

use crate::plan::SwitchBudget;
use alloc::vec;
use alloc::vec::Vec;
use ballast_model::Mono;

/// Remembers as many moments as it was made for; the oldest gives way. [`Mono::ZERO`] stands for "never": it lies years
/// before every boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Ring {
    moments: Vec<Mono>,
    next: u32,
}

impl Ring {
    /// Room for `places` moments.
    pub fn new(places: usize) -> Self {
        Self { moments: vec![Mono::ZERO; places], next: 0 }
    }

    /// Remembers a moment.
    pub fn push(&mut self, now: Mono) {
        if let Some(place) = self.moments.get_mut(self.next as usize) {
            *place = now;
            self.next = (self.next + 1) % self.moments.len() as u32;
        }
    }

    /// The moment `back` places before the latest one, which is `0`.
    fn latest(&self, back: usize) -> Option<Mono> {
        let places = self.moments.len();
        if back >= places {
            return None;
        }
        let index = (self.next as usize + places - 1 - back) % places;
        self.moments.get(index).copied().filter(|moment| *moment > Mono::ZERO)
    }

    /// When one more would keep to the budget; `None` when it does now.
    pub fn free_at(&self, budget: &SwitchBudget, now: Mono) -> Option<Mono> {
        let Some(back) = (budget.count as usize).min(self.moments.len()).checked_sub(1) else {
            return Some(Mono::MAX);
        };
        let free = self.latest(back)?.after(budget.per);
        (free > now).then_some(free)
    }

    /// Takes over what another ring remembers, as far as there is room, with its moments moved.
    pub fn take_over(&mut self, other: &Self, rebase: impl Fn(Mono) -> Mono) {
        for back in (0..other.moments.len().min(self.moments.len())).rev() {
            if let Some(moment) = other.latest(back) {
                self.push(rebase(moment));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::Span;

    #[test]
    fn a_budget_is_free_again_when_its_oldest_switching_is_out_of_the_window() {
        let at = |secs: u64| Mono::from_millis(secs * 1000);
        let budget = SwitchBudget { count: 2, per: Span::from_secs(60) };
        let mut ring = Ring::new(4);
        ring.push(at(10));
        assert_eq!(ring.free_at(&budget, at(11)), None);
        ring.push(at(20));
        assert_eq!(ring.free_at(&budget, at(69)), Some(at(70)));
        assert_eq!(ring.free_at(&budget, at(70)), None);
        let mut smaller = Ring::new(2);
        smaller.take_over(&ring, |moment| moment);
        assert_eq!(smaller.free_at(&budget, at(69)), Some(at(70)));
        assert_eq!(ring.free_at(&SwitchBudget { count: 0, per: Span::from_secs(1) }, at(5)), Some(Mono::MAX));
    }
}
