//! The frequency, from sources that must agree: slope, a source that stands still, the vote.

use crate::bounds::{SLOPE_READINGS, SLOPE_SPAN, SLOPE_SPAN_MOST, SOURCE_RESOLUTION, SOURCES_MAX};
use crate::events::GuardEvent;
use crate::machine::Run;
use crate::plan::Shedding;
use crate::state::SourceState;
use ballast_model::{Finite, Mono, PointId, Span};

/// One source that is good and not stuck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Hz.
    pub(crate) value: Finite,
    /// Hz/s over the last 100 ms; `None` where readings come too rarely.
    pub(crate) slope: Option<f64>,
}

/// The sources that have a say now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources {
    list: [Option<Source>; SOURCES_MAX],
    tolerance: f64,
}

impl Sources {
    fn known(&self) -> impl Iterator<Item = &Source> {
        self.list.iter().flatten()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known().next().is_none()
    }

    /// Whether most of them say so: more than half; of two, both.
    pub(crate) fn most(&self, says: impl Fn(&Source) -> bool) -> bool {
        let agreeing = self.known().filter(|source| says(source)).count();
        2 * agreeing > self.known().count()
    }

    fn sorted(&self) -> ([f64; SOURCES_MAX], usize) {
        let mut values = [f64::MAX; SOURCES_MAX];
        let mut count = 0;
        for (place, source) in values.iter_mut().zip(self.known()) {
            *place = source.value.get();
            count += 1;
        }
        values.sort_unstable_by(f64::total_cmp);
        (values, count)
    }

    /// The mean of the largest set within the tolerance, if that is most of them.
    pub(crate) fn agreed(&self) -> Option<Finite> {
        let (values, count) = self.sorted();
        let values = values.get(..count)?;
        let mut best: &[f64] = &[];
        for (start, low) in values.iter().enumerate() {
            let rest = values.get(start..).unwrap_or(&[]);
            let near = rest.iter().take_while(|value| **value - low <= self.tolerance).count();
            if near > best.len() {
                best = rest.get(..near).unwrap_or(&[]);
            }
        }
        if 2 * best.len() <= count {
            return None;
        }
        Finite::new(best.iter().sum::<f64>() / best.len() as f64)
    }

    /// The middle one; of two, the lower.
    pub(crate) fn middle(&self) -> Option<Finite> {
        let (values, count) = self.sorted();
        values.get(count.checked_sub(1)? / 2).and_then(|value| Finite::new(*value))
    }
}

impl SourceState {
    fn take(&mut self, now: Mono, value: Finite, resolution: f64) {
        // Readings that come faster than the ring can hold over its span are thinned out.
        let spacing = SLOPE_SPAN_MOST.divided(SLOPE_READINGS as u64 - 2);
        let last = (usize::from(self.next) + SLOPE_READINGS - 1) % SLOPE_READINGS;
        let is_early = self.readings.get(last).is_some_and(|(at, _)| now.since(*at) < spacing);
        if !is_early && let Some(place) = self.readings.get_mut(usize::from(self.next)) {
            *place = (now, value);
            self.next = (self.next + 1) % SLOPE_READINGS as u8;
        }
        // Half a step: the difference of two neighbours of a decimal scale is not exactly one.
        if self.moved_at == Mono::ZERO || (value.get() - self.anchor.get()).abs() >= 0.5 * resolution {
            self.anchor = value;
            self.moved_at = now;
            self.others = None;
            self.is_stuck = false;
        }
    }

    /// The change per second from the reading that is just 100 ms old (or a little more) to this one.
    fn slope(&self, now: Mono, value: Finite) -> Option<f64> {
        let fits = |at: &Mono| {
            let age = now.since(*at);
            age >= SLOPE_SPAN && age <= SLOPE_SPAN_MOST
        };
        let (at, then) = self.readings.iter().filter(|(at, _)| fits(at)).max_by_key(|(at, _)| *at)?;
        Some((value.get() - then.get()) / now.since(*at).secs_f64())
    }
}

impl Run<'_> {
    /// A good reading of a frequency source.
    pub(crate) fn source_reading(&mut self, point: PointId, value: Finite) {
        let plan = self.plan;
        let Some(shedding) = &plan.set.shedding else { return };
        let Some(place) = shedding.source.iter().position(|source| *source == point) else { return };
        let resolution = self.resolution(point);
        for (index, source) in self.live.shedding.sources.iter_mut().enumerate() {
            if index == place {
                source.take(self.now, value, resolution);
            } else {
                let (low, high) = source.others.unwrap_or((value, value));
                source.others = Some((low.min(value), high.max(value)));
            }
        }
        self.work.shedding = true;
    }

    fn resolution(&self, point: PointId) -> f64 {
        let declared = self.plan.catalog.point(point).and_then(|spec| spec.resolution);
        declared.map_or(SOURCE_RESOLUTION, Finite::get)
    }

    /// The sources that have a say. One that stands still while another one moves by twice its resolution has none.
    pub(crate) fn judge_sources(&mut self, shedding: &Shedding, next: &mut Mono) -> Sources {
        let mut sources = Sources { list: [None; SOURCES_MAX], tolerance: shedding.source_tolerance.get() };
        for (index, point) in shedding.source.iter().take(SOURCES_MAX).enumerate() {
            let Some(value) = self.number(*point) else { continue };
            if let Some(expires) = self.live.snapshot.expires(*point) {
                *next = (*next).min(expires.after(Span::from_nanos(1)));
            }
            let resolution = self.resolution(*point);
            let Some(state) = self.live.shedding.sources.get_mut(index) else { continue };
            let moved = state.others.is_some_and(|(low, high)| high.get() - low.get() >= 2.0 * resolution);
            // What it did before the start is not known: it has the time to move from here on.
            let due = state.moved_at.max(self.live.started_at).after(shedding.source_stuck_after);
            if moved && self.now >= due {
                if !core::mem::replace(&mut state.is_stuck, true) {
                    self.event(GuardEvent::SourceStuck { point: *point });
                }
                continue;
            }
            if moved {
                *next = (*next).min(due);
            }
            let arrival = self.live.snapshot.reading(*point).arrival;
            let Some(state) = self.live.shedding.sources.get(index) else { continue };
            if let Some(place) = sources.list.get_mut(index) {
                *place = Some(Source { value, slope: state.slope(arrival.min(self.now), value) });
            }
        }
        sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_that_come_too_fast_are_thinned_out_no_more_than_the_longest_slope_needs() {
        // The last one is the pace at which the ring holds just that.
        let even = SLOPE_SPAN_MOST.divided(SLOPE_READINGS as u64 - 2);
        for pace in [1, 9, 10, 20].map(Span::from_millis).into_iter().chain([even]) {
            let mut source = SourceState::SILENT;
            let mut now = Mono::from_millis(1_000_000);
            for count in 0..2_000 {
                now = now.after(pace);
                source.take(now, Finite::ZERO, 0.01);
                if count < 500 {
                    continue;
                }
                let ages = || source.readings.iter().map(|(at, _)| now.since(*at));
                assert!(ages().max() >= Some(SLOPE_SPAN_MOST), "every {pace}: {:?}", ages().max());
                let base = ages().filter(|age| *age >= SLOPE_SPAN).min();
                assert!(base < Some(SLOPE_SPAN.plus(Span::from_millis(10))), "every {pace}: {base:?}");
            }
        }
    }

    #[test]
    fn one_step_of_the_display_is_a_move() {
        let mut source = SourceState::SILENT;
        for (millis, value) in [(1_000, 50.0), (2_000, 50.0), (3_000, 50.01), (4_000, 50.0), (5_000, 49.99)] {
            source.take(Mono::from_millis(millis), Finite::new(value).unwrap(), 0.01);
            let moved_at = if millis == 2_000 { 1_000 } else { millis };
            assert_eq!(source.moved_at, Mono::from_millis(moved_at), "at {value}");
        }
    }
}
