//! The frequency as the observer understands it: sources that must agree, one that stands still, stages, the bulk on a
//! fast fall, and whether shedding helped.
#![allow(unreachable_pub, reason = "part of a test")]

use super::observer::*;
use super::site::*;
use crate::kit::*;
use ballast_model::{Mono, Span};

/// An event of shedding is over when the frequency was above every stage for so long.
const CLEAR: Span = Span::from_secs(10);
/// Shedding is judged so long after it acted, and helped if the frequency rose by more than this, Hz.
const JUDGED: Span = Span::from_secs(1);
const RISE: f64 = 0.02;
const RATED: f64 = 1000.0;

/// What is known of one source since the guard started.
#[derive(Clone)]
pub struct Source {
    pub readings: Vec<(Mono, f64)>,
    /// The value from which it has to move, and when it last moved; before its first reading, the start.
    anchor: Option<f64>,
    moved_at: Mono,
    /// Lowest and highest of the other one since then.
    other: Option<(f64, f64)>,
}

impl Source {
    pub fn new(now: Mono) -> Self {
        Self { readings: Vec::new(), anchor: None, moved_at: now, other: None }
    }

    /// Hz/s from the youngest reading that is 100 to 250 ms older than the last one to that.
    fn slope(&self) -> Option<f64> {
        let (last, value) = *self.readings.last()?;
        let is_base = |at: Mono| last.since(at) >= ms(100) && last.since(at) <= ms(250);
        let (at, then) = *self.readings.iter().rev().find(|(at, _)| is_base(*at))?;
        Some((value - then) / last.since(at).secs_f64())
    }
}

/// What is known of shedding.
#[derive(Clone)]
pub struct ShedWatch {
    pub sources: [Source; 2],
    pub below_since: [Option<Mono>; STAGES.len()],
    acted: [bool; STAGES.len()],
    bulk_acted: bool,
    in_event: bool,
    pub clear_since: Option<Mono>,
    before: Option<f64>,
    pub judge: Option<(Mono, f64)>,
    pub futile: u32,
    pub is_futile: bool,
    /// So many homes must be cut in this step.
    pub to_cut: usize,
}

impl ShedWatch {
    pub fn new(now: Mono) -> Self {
        Self {
            sources: [Source::new(now), Source::new(now)],
            below_since: [None; STAGES.len()],
            acted: [false; STAGES.len()],
            bulk_acted: false,
            in_event: false,
            clear_since: None,
            before: None,
            judge: None,
            futile: 0,
            is_futile: false,
            to_cut: 0,
        }
    }

    /// The guard starts anew: that it stopped because it did not help is kept, all else begins.
    pub fn restarted(&self, now: Mono) -> Self {
        Self { futile: self.futile, is_futile: self.is_futile, ..Self::new(now) }
    }

    pub fn reset(&mut self) {
        if self.is_futile {
            (self.is_futile, self.futile) = (false, 0);
        }
    }
}

impl Observer {
    pub fn hear_frequency(&mut self, place: usize, value: f64) {
        let now = self.now;
        let [one, other] = &mut self.shed.sources;
        let (source, other) = if place == 0 { (one, other) } else { (other, one) };
        source.readings.retain(|(at, _)| now.since(*at) <= secs(1));
        source.readings.push((now, value));
        if source.anchor.is_none_or(|anchor| (value - anchor).abs() > 0.0005) {
            (source.anchor, source.moved_at, source.other) = (Some(value), now, None);
        }
        let (low, high) = other.other.unwrap_or((value, value));
        other.other = Some((low.min(value), high.max(value)));
    }

    /// The sources that have a say: known, and not standing still while the other one moves.
    fn voices(&self) -> Vec<(f64, &Source)> {
        let mut voices: Vec<(f64, &Source)> = Vec::new();
        for (source, point) in self.shed.sources.iter().zip(HERTZ) {
            let moves = source.other.is_some_and(|(low, high)| high - low >= 0.002);
            let is_stuck = moves && self.now >= source.moved_at.after(STUCK_AFTER);
            voices.extend(self.known(point).filter(|_| !is_stuck).map(|value| (value, source)));
        }
        voices
    }

    /// More than half of those that have a say; of two, both.
    fn most(&self, says: impl Fn(f64, &Source) -> bool) -> bool {
        let voices = self.voices();
        2 * voices.iter().filter(|(value, source)| says(*value, source)).count() > voices.len()
    }

    /// The frequency on which the sources agree.
    pub fn agreed(&self) -> Option<f64> {
        let values: Vec<f64> = self.voices().iter().map(|(value, _)| *value).collect();
        match values[..] {
            [one] => Some(one),
            [one, other] if one.max(other) - one.min(other) <= TOLERANCE => Some((one + other) / 2.0),
            _ => None,
        }
    }

    /// The lower one of two.
    fn lower(&self) -> Option<f64> {
        self.voices().iter().map(|(value, _)| *value).min_by(f64::total_cmp)
    }

    fn top() -> f64 {
        STAGES.iter().map(|(below, _, _)| *below).fold(BULK.0, f64::max)
    }

    /// What the frequency asks for at this moment.
    pub fn watch_frequency(&mut self) {
        self.shed.to_cut = 0;
        self.judge_shedding();
        let is_above = !self.voices().is_empty() && !self.most(|value, _| value < Self::top());
        let was_in_event = self.shed.in_event;
        if !was_in_event {
            self.shed.before = None;
        }
        let may_end = was_in_event || self.shed.futile > 0;
        if !is_above {
            self.shed.clear_since = None;
        } else if may_end && self.now >= self.shed.clear_since.get_or_insert(self.now).after(CLEAR) {
            let shed = &mut self.shed;
            let is_told = was_in_event || shed.is_futile;
            (shed.in_event, shed.clear_since, shed.before) = (false, None, None);
            (shed.acted, shed.bulk_acted) = ([false; STAGES.len()], false);
            (shed.futile, shed.is_futile) = (0, false);
            if is_told {
                self.expect(News::EventOver);
            }
        }
        for (stage, (below, hold, share)) in STAGES.into_iter().enumerate() {
            let is_below = self.most(|value, _| value < below);
            let since = &mut self.shed.below_since[stage];
            *since = is_below.then(|| since.unwrap_or(self.now));
            let is_due = since.is_some_and(|since| self.now >= since.after(hold));
            if is_due && !self.shed.acted[stage] && !self.shed.is_futile {
                self.shed.acted[stage] = true;
                let cut = self.cut(share);
                self.expect(News::Stage(stage as u16, cut));
            }
        }
        let (below, falling, share) = BULK;
        let falls =
            self.most(|value, source| value < below && source.slope().is_some_and(|slope| -slope >= falling));
        if falls && !self.shed.bulk_acted && !self.shed.is_futile {
            self.shed.bulk_acted = true;
            let cut = self.cut(share);
            self.expect(News::Bulk(cut));
        }
    }

    /// Whole homes until the share of the load before the event is met or nobody is left.
    fn cut(&mut self, share: f64) -> u32 {
        let up = HOMES.filter(|index| self.outputs[*index].told == Some(CLOSED)).count();
        let before = *self.shed.before.get_or_insert(up as f64 * RATED);
        let cut = ((before * share / 100.0 / RATED).ceil() as usize).min(up - self.shed.to_cut);
        self.shed.to_cut += cut;
        (self.shed.in_event, self.shed.clear_since) = (true, None);
        self.begin_to_judge(self.lower());
        cut as u32
    }

    fn begin_to_judge(&mut self, frequency: Option<f64>) {
        if let (None, Some(frequency)) = (self.shed.judge, frequency) {
            self.shed.judge = Some((self.now.after(JUDGED), frequency));
        }
    }

    /// An ordinary request was granted: it is judged where the frequency is what it is about.
    pub fn judge_request(&mut self) {
        self.begin_to_judge(self.agreed().filter(|frequency| *frequency < Self::top()));
    }

    fn judge_shedding(&mut self) {
        let Some((moment, then)) = self.shed.judge.filter(|(moment, _)| self.now >= *moment) else { return };
        debug_assert!(moment <= self.now);
        self.shed.judge = None;
        let Some(frequency) = self.lower() else { return };
        if frequency > then + RISE {
            self.shed.futile = 0;
            return;
        }
        self.shed.futile += 1;
        if self.shed.futile >= FUTILE_AFTER && !self.shed.is_futile {
            self.shed.is_futile = true;
            self.expect(News::Futile);
        }
    }
}
