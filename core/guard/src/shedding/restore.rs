//! The bounds of giving back: one load at a time, with room to spare, never into an unknown or low frequency, and not before
//! the event that cut it is over: until then its stage would not act again.

use super::choose;
use crate::bounds::EVENT_CLEAR;
use crate::plan::Shedding;
use crate::state::{Live, SheddingState};
use crate::tables::Plan;
use ballast_model::{Finite, Mono, Span, Value};

/// Whether a load may come back now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It may.
    Open,
    /// Not yet; at this moment at the earliest, where that is known.
    Closed(Option<Mono>),
}

/// What of the frequency stands against giving back: it is known and high enough, has been for long enough, and no event is
/// under way. Sites without a source have no such bound. `Some(Mono::MAX)`: until it rises.
pub(crate) fn frequency_allows(shedding: &Shedding, state: &SheddingState, now: Mono) -> Option<Mono> {
    if shedding.source.is_empty() {
        return None;
    }
    let Some(since) = state.good.since() else { return Some(Mono::MAX) };
    let mut free_at = since.after(shedding.restore.settle);
    if state.in_event {
        // That it is over is said by whoever follows it.
        let over = state.clear.since().map(|since| since.after(EVENT_CLEAR)).filter(|over| now < *over);
        free_at = free_at.max(over.unwrap_or(Mono::MAX));
    }
    (now < free_at).then_some(free_at)
}

/// Asks all bounds.
pub(crate) fn gate(plan: &Plan, live: &Live, load: u16, now: Mono) -> Gate {
    let Some(shedding) = &plan.set.shedding else { return Gate::Open };
    let free_at = frequency_allows(shedding, &live.shedding, now);
    if free_at == Some(Mono::MAX) || !is_room(live, shedding, load, now) {
        return Gate::Closed(None);
    }
    let free_at = free_at.unwrap_or(Mono::ZERO).max(live.shedding.restore_at);
    if now < free_at {
        return Gate::Closed(Some(free_at));
    }
    Gate::Open
}

/// Whether enough stays free after the load came back. Where capacity or load are unknown, there is no room.
fn is_room(live: &Live, shedding: &Shedding, load: u16, now: Mono) -> bool {
    let Some(capacity) = shedding.restore.capacity else { return true };
    let number = |point| live.snapshot.known(point, now).and_then(Value::number);
    let (Some(capacity), Some(load)) = (number(capacity), shedding.loads.get(usize::from(load))) else {
        return false;
    };
    let site = match shedding.site_load {
        Some(point) => number(point),
        None => Some(choose::sum_of_loads(live, shedding, now)),
    };
    let Some(site) = site.map(Finite::get) else { return false };
    capacity.get() - site - load.rated.get() >= capacity.get() * shedding.restore.keep_free.get() / 100.0
}

/// When the room that is known now is not any more, if nothing new is read.
pub(crate) fn room_expires(plan: &Plan, live: &Live, now: Mono) -> Mono {
    let Some(shedding) = &plan.set.shedding else { return Mono::MAX };
    let points = shedding.restore.capacity.iter().chain(&shedding.site_load);
    let expiries = points.filter_map(|point| live.snapshot.expires(*point));
    expiries.filter(|at| *at >= now).min().map_or(Mono::MAX, |at| at.after(Span::from_nanos(1)))
}

/// The same sequence on every replay and another one on every site, so that sites on one feeder do not come back in
/// step. Spread evenly over `0..=jitter` (SplitMix64 of the number of loads given back, started at the site's seed).
pub(crate) fn jitter(jitter: Span, seed: u64, number: u64) -> Span {
    let mut mixed = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    match jitter.nanos().checked_add(1) {
        Some(range) => Span::from_nanos(mixed % range),
        None => Span::from_nanos(mixed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Restore;
    use alloc::vec;
    use alloc::vec::Vec;
    use ballast_model::PointId;
    use ballast_model::expr::Hold;

    #[test]
    fn nothing_comes_back_before_the_frequency_settled_and_none_within_an_event() {
        let at = |secs| Mono::from_millis(1_000_000 + secs * 1000);
        let held = |secs: u64| {
            let mut hold = Hold::IDLE;
            hold.update(true, Span::ZERO, at(secs), &mut Mono::MAX.clone());
            hold
        };
        let restore = Restore {
            keep_free: Finite::ZERO,
            capacity: None,
            one_per: Span::ZERO,
            jitter: Span::ZERO,
            above: Finite::ZERO,
            settle: Span::from_secs(30),
        };
        let shedding = Shedding {
            loads: Vec::new(),
            never: Vec::new(),
            source: vec![PointId(0)],
            source_tolerance: Finite::ZERO,
            source_stuck_after: Span::ZERO,
            stages: Vec::new(),
            bulk: None,
            cap: None,
            futile_after: None,
            restore,
            site_load: None,
        };
        let mut state = SheddingState::default();
        let until_it_rises = Some(Mono::MAX);
        assert_eq!(frequency_allows(&shedding, &state, at(0)), until_it_rises);
        state.good = held(0);
        assert_eq!(frequency_allows(&shedding, &state, at(29)), Some(at(30)));
        assert_eq!(frequency_allows(&shedding, &state, at(30)), None);
        state.in_event = true;
        assert_eq!(frequency_allows(&shedding, &state, at(40)), until_it_rises);
        state.clear = held(40);
        assert_eq!(frequency_allows(&shedding, &state, at(49)), Some(at(50)));
        // The ten seconds are over, and nobody has said yet that the event is.
        assert_eq!(frequency_allows(&shedding, &state, at(50)), until_it_rises);
        state.in_event = false;
        assert_eq!(frequency_allows(&shedding, &state, at(50)), None);
    }

    /// What a replay repeats after years must be the published sequence, to the last bit: here from seed 0.
    #[test]
    fn the_jitter_is_that_of_splitmix64() {
        let published = [
            0xE220_A839_7B1D_CDAF,
            0x6E78_9E6A_A1B9_65F4,
            0x06C4_5D18_8009_454F,
            0xF88B_B8A8_724C_81EC,
            0x1B39_896A_51A8_749B,
        ];
        for (number, mixed) in (0..).zip(published) {
            assert_eq!(jitter(Span::MAX, 0, number), Span::from_nanos(mixed));
            assert_eq!(jitter(Span::from_nanos(999), 0, number), Span::from_nanos(mixed % 1000));
        }
    }
}
