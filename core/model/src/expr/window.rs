//! A point over a time: time-weighted mean, highest, lowest, change.
//!
//! The window is cut into [`BUCKETS`] equal parts that start at multiples of their length, and it moves from part to part:
//! what it says changes only when a sample arrives or a part begins, so that evaluating more often than needed never
//! changes a result. It covers its span plus the part that has just begun. Between samples the last value holds, for as
//! long as it may be used.
//!
//! How long something was closed is asked up to the very moment, since a bound on it must not be overrun: it grows evenly
//! between samples, so that the moment at which it reaches a number is known beforehand, and asking changes nothing.

use crate::finite::Finite;
use crate::time::{Mono, Span};
use alloc::collections::VecDeque;

/// Parts of a window.
pub(super) const BUCKETS: usize = 60;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct Part {
    /// Value times seconds.
    area: Finite,
    known: Span,
    low: Option<Finite>,
    high: Option<Finite>,
    /// The first sample that arrived in it.
    first: Option<(Finite, Mono)>,
    /// A sample in it was lower than the one before.
    fell: bool,
}

impl Part {
    fn hold(&mut self, value: Finite, from: Mono, to: Mono) {
        let span = to.since(from);
        self.area = Finite::saturating(self.area.get() + value.get() * span.secs_f64());
        self.known = self.known.plus(span);
        self.touch(value);
    }

    fn touch(&mut self, value: Finite) {
        self.low = Some(self.low.map_or(value, |low| low.min(value)));
        self.high = Some(self.high.map_or(value, |high| high.max(value)));
    }
}

/// A point over a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) struct Window {
    span: Span,
    /// Oldest first; the last one is being filled.
    parts: VecDeque<Part>,
    /// The value that holds, until when it may, and from when it still has to be counted.
    held: Option<(Finite, Mono, Mono)>,
    /// The last sample with a value.
    latest: Option<(Finite, Mono)>,
    /// End of the part that is being filled.
    edge: Option<Mono>,
}

impl Window {
    pub(super) fn new(span: Span) -> Self {
        Self { span, parts: VecDeque::new(), held: None, latest: None, edge: None }
    }

    fn part_length(&self) -> u64 {
        (self.span.nanos() / BUCKETS as u64).max(1)
    }

    /// Takes a new value (`None`: unknown from now on) that may be used until `until`.
    pub(super) fn sample(&mut self, now: Mono, value: Option<Finite>, until: Mono) {
        self.advance(now);
        self.settle(now);
        self.held = value.map(|value| (value, until, now));
        if self.edge.is_none() && value.is_some() {
            let length = self.part_length();
            self.edge =
                Some(Mono::from_nanos((now.nanos() / length).saturating_add(1).saturating_mul(length)));
            self.parts.push_back(Part::default());
        }
        if let (Some(value), Some(part)) = (value, self.parts.back_mut()) {
            part.fell |= self.latest.is_some_and(|(latest, _)| value < latest);
            part.touch(value);
            part.first.get_or_insert((value, now));
            self.latest = Some((value, now));
        }
    }

    /// Counts the held value up to `now` into the part being filled.
    fn settle(&mut self, now: Mono) {
        if let (Some((value, until, from)), Some(part)) = (self.held.as_mut(), self.parts.back_mut()) {
            let to = now.min(*until);
            if to > *from {
                part.hold(*value, *from, to);
                *from = to;
            }
        }
    }

    /// Closes the parts whose end has passed; says whether there was one.
    pub(super) fn advance(&mut self, now: Mono) -> bool {
        let mut moved = false;
        let length = self.part_length();
        while let Some(edge) = self.edge.filter(|edge| *edge <= now) {
            moved = true;
            self.settle(edge);
            self.put_part(Part::default());
            // Nothing held and a whole window passed: what is left is empty.
            let skip = now.since(edge).nanos() / length;
            let jump = if skip > 2 * BUCKETS as u64 && self.held.is_none_or(|(_, until, _)| until <= edge) {
                self.parts.clear();
                self.parts.push_back(Part::default());
                skip
            } else {
                1
            };
            self.edge = Some(Mono::from_nanos(edge.nanos().saturating_add(length.saturating_mul(jump))));
            self.close_alike(now, length);
        }
        moved
    }

    /// Closes the parts through all of which the held value holds, where the one being filled is empty still: each of them
    /// comes out as the first one does, so it is made once. The last one of a value that ends is left.
    fn close_alike(&mut self, now: Mono, length: u64) {
        let (Some((value, until, from)), Some(edge)) = (self.held.as_mut(), self.edge) else { return };
        let begin = *from;
        if begin.nanos().checked_add(length) != Some(edge.nanos()) || edge > now || edge >= *until {
            return;
        }
        let last = now.nanos().min(until.nanos() - 1);
        let count = (last - begin.nanos()) / length;
        let mut alike = Part::default();
        alike.hold(*value, begin, edge);
        let close = length * count;
        *from = Mono::from_nanos(begin.nanos() + close);
        self.edge = Some(Mono::from_nanos(edge.nanos().saturating_add(close)));
        self.parts.pop_back();
        for _ in 0..count.min(BUCKETS as u64 + 1) {
            self.put_part(alike);
        }
        self.put_part(Part::default());
    }

    fn put_part(&mut self, part: Part) {
        if self.parts.len() > BUCKETS {
            self.parts.pop_front();
        }
        self.parts.push_back(part);
    }

    /// The next moment at which it changes by itself.
    pub(super) fn next(&self) -> Option<Mono> {
        self.edge
    }

    fn known(&self) -> Span {
        self.parts.iter().fold(Span::ZERO, |sum, part| sum.plus(part.known))
    }

    /// A window says something once half of it is known.
    fn is_covered(&self) -> bool {
        self.covers(self.known())
    }

    fn covers(&self, known: Span) -> bool {
        known >= self.span.divided(2)
    }

    pub(super) fn average(&self) -> Option<Finite> {
        let nothing = (Span::ZERO, 0.0);
        let (known, area) = self
            .parts
            .iter()
            .fold(nothing, |(known, area), part| (known.plus(part.known), area + part.area.get()));
        if !self.covers(known) {
            return None;
        }
        Finite::new(area / known.secs_f64())
    }

    pub(super) fn highest(&self) -> Option<Finite> {
        self.parts.iter().filter_map(|part| part.high).max().filter(|_| self.is_covered())
    }

    pub(super) fn lowest(&self) -> Option<Finite> {
        self.parts.iter().filter_map(|part| part.low).min().filter(|_| self.is_covered())
    }

    /// Change per second from the first sample of the window to the last.
    pub(super) fn rate(&self) -> Option<Finite> {
        let (first, at) = self.parts.iter().find_map(|part| part.first)?;
        let (last, latest) = self.latest?;
        let seconds = latest.since(at).secs_f64();
        Finite::new((last.get() - first.get()) / seconds).filter(|_| seconds > 0.0 && self.is_covered())
    }

    /// Whether a sample in it was lower than the one before.
    pub(super) fn fell(&self) -> bool {
        self.parts.iter().any(|part| part.fell)
    }

    /// Between which numbers its mean, highest and lowest value stay while no sample comes, wherever it moves to, and until
    /// when; `None` where they may become unknown, or known, on the way.
    pub(super) fn range(&self) -> Option<(Finite, Finite, Mono)> {
        let (held, until, _) = self.held?;
        let (mut low, mut high, mut known) = (held.get(), held.get(), Span::ZERO);
        for part in &self.parts {
            known = known.plus(part.known);
            low = part.low.map_or(low, |value| low.min(value.get()));
            high = part.high.map_or(high, |value| high.max(value.get()));
        }
        // What is known shrinks by one part at most before the held value fills every part that is added.
        let length = self.part_length();
        let is_lasting = known >= self.span.divided(2).plus(Span::from_nanos(length));
        // It moves next, after the held value has ended, at the first edge from there.
        let edge = until.nanos().div_ceil(length).saturating_mul(length);
        is_lasting.then_some((Finite::new(low)?, Finite::new(high)?, Mono::from_nanos(edge)))
    }

    /// Seconds closed up to `now`, of a value that is 0 or 1; what has not been counted into a part yet included. Never more
    /// than the window is long.
    pub(super) fn closed(&self, now: Mono) -> Finite {
        let counted: f64 = self.parts.iter().map(|part| part.area.get()).sum();
        let running = self.held.map_or(0.0, |(value, until, from)| {
            let to = now.min(until);
            if to > from { value.get() * to.since(from).secs_f64() } else { 0.0 }
        });
        Finite::saturating((counted + running).min(self.span.secs_f64()))
    }

    /// By how much per second `closed` grows from `now` on without a sample, and until when; `None` while it stands still.
    pub(super) fn closing(&self, now: Mono) -> Option<(f64, Mono)> {
        let (value, until, _) = self.held.filter(|(value, until, _)| value.get() > 0.0 && *until > now)?;
        let left = self.span.secs_f64() - self.closed(now).get();
        let full = Span::from_secs_f64(left / value.get()).unwrap_or(Span::MAX);
        (left > 0.0).then(|| (value.get(), until.min(now.after(full).after(Span::from_nanos(1)))))
    }

    /// The same window on a clock that was moved; the time between is unknown.
    pub(super) fn moved(&mut self, rebase: &dyn Fn(Mono) -> Mono) {
        for part in &mut self.parts {
            part.first = part.first.map(|(value, at)| (value, rebase(at)));
        }
        self.edge = self.edge.map(rebase);
        self.latest = self.latest.map(|(value, at)| (value, rebase(at)));
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: f64) -> Option<Finite> {
        Finite::new(value)
    }
    fn at(secs: u64) -> Mono {
        Mono::from_millis(secs * 1000)
    }

    #[test]
    fn the_mean_is_weighted_by_time() {
        let mut window = Window::new(Span::from_secs(60));
        window.sample(at(0), number(10.0), Mono::MAX);
        window.sample(at(30), number(20.0), Mono::MAX);
        window.sample(at(60), number(0.0), Mono::MAX);
        assert!((window.average().unwrap().get() - 15.0).abs() < 1e-9);
        assert_eq!(window.highest(), number(20.0));
        // 30 s later the first half has left the window (but for the part that is being left).
        window.advance(at(90));
        assert!((window.average().unwrap().get() - 10.0).abs() < 0.4);
    }

    #[test]
    fn a_stale_value_stops_counting_and_little_is_nothing() {
        let mut window = Window::new(Span::from_secs(60));
        window.sample(at(0), number(10.0), at(10));
        window.advance(at(50));
        assert_eq!(window.average(), None);
    }

    #[test]
    fn extra_evaluations_change_nothing() {
        let mut often = Window::new(Span::from_secs(60));
        let mut seldom = often.clone();
        for second in 0..200 {
            if second % 7 == 0 {
                let value = number(f64::from(second));
                often.sample(at(u64::from(second as u32)), value, Mono::MAX);
                seldom.sample(at(u64::from(second as u32)), value, Mono::MAX);
            }
            often.advance(at(u64::from(second as u32)));
        }
        seldom.advance(at(199));
        assert_eq!(often, seldom);
        assert!((often.rate().unwrap().get() - 1.0).abs() < 0.01);
    }

    #[test]
    fn parts_that_are_closed_at_once_are_those_that_were_closed_one_by_one() {
        let mut seed = 11_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for span in [Span::from_millis(5000), Span::from_nanos(7_777_777_777), Span::from_secs(120)] {
            let mut stepped = Window::new(span);
            let mut at_once = stepped.clone();
            let part = at_once.part_length();
            let mut now = 1_000_000_007_u64;
            for _ in 0..3000 {
                let next = now + random(4) * random(100 * part) / 3;
                while let Some(edge) = stepped.edge.filter(|edge| edge.nanos() <= next) {
                    stepped.advance(edge);
                }
                at_once.advance(Mono::from_nanos(next));
                assert_eq!(stepped, at_once);
                now = next;
                let value = number(random(1000) as f64 / 7.0).filter(|_| random(9) > 0);
                // Often it holds up to an edge exactly.
                let until = match random(3) {
                    0 => Mono::MAX,
                    1 => Mono::from_nanos((now / part + random(90)) * part),
                    _ => Mono::from_nanos(now + random(90 * part)),
                };
                for window in [&mut stepped, &mut at_once] {
                    window.sample(Mono::from_nanos(now), value, until);
                }
            }
        }
    }

    #[test]
    fn a_fall_is_remembered_as_long_as_it_lies_in_the_window() {
        let mut window = Window::new(Span::from_secs(60));
        let mut fell = alloc::vec::Vec::new();
        // Comes back above what it was within the window.
        for second in 0..180 {
            let value = f64::from(second) + if second < 50 { 1000.0 } else { 960.0 };
            window.sample(at(u64::try_from(second).unwrap()), number(value), Mono::MAX);
            fell.push(window.fell());
        }
        assert_eq!(fell.iter().position(|fell| *fell), Some(50));
        assert_eq!(fell.iter().rposition(|fell| *fell), Some(110));
    }

    #[test]
    fn what_is_closed_counts_up_to_the_moment_and_never_above_the_window() {
        let mut window = Window::new(Span::from_secs(600));
        window.sample(at(601), number(1.0), Mono::MAX);
        let before = window.clone();
        assert_eq!(
            (window.closed(at(604)), window.closing(at(604)).map(|(slope, _)| slope)),
            (Finite::from(3), Some(1.0))
        );
        assert_eq!(window, before, "asking changes nothing");
        window.advance(at(1205));
        assert_eq!((window.closed(at(1205)), window.closing(at(1205))), (Finite::from(600), None));
        window.sample(at(1205), number(0.0), Mono::MAX);
        assert_eq!(window.closing(at(1206)), None);
        // What may not be used any longer counts up to then.
        window.sample(at(3000), number(1.0), at(3002));
        assert_eq!(window.closing(at(3000)), Some((1.0, at(3002))));
        assert_eq!((window.closed(at(3009)), window.closing(at(3002))), (Finite::from(2), None));
    }

    #[test]
    fn a_long_silence_empties_the_window_quickly() {
        let mut window = Window::new(Span::from_secs(60));
        window.sample(at(0), number(1.0), at(5));
        window.advance(at(1_000_000_000));
        assert_eq!(window.average(), None);
        assert!(window.next().unwrap() > at(1_000_000_000));
    }
}
