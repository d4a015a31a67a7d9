//! Faults of the way to the outputs: what happens to a command between whoever decides and [`crate::Village::set_input`].
//!
//! As [`crate::faults`] does for readings: the caller passes every command through [`Wires::pass`] and asks [`Wires::due`]
//! for late ones. Each draw belongs to a window, an input and the number of the command to that input, so that what happens
//! to one output does not depend on what others are told.

use crate::limits::LATE_COMMANDS_MAX;
use crate::rng::Stream;
use crate::village::InputId;
use std::collections::BTreeMap;

/// A command that comes twice comes again after this where nothing is said of delays, ms.
const AGAIN_MS: u64 = 500;

/// Among the streams of a seed; those of the village have small numbers.
const COMMANDS_STREAM: u64 = 102;

const LOST: u64 = 0;
const DELAY: u64 = 1;
const TWICE: u64 = 2;
const DELAY_AGAIN: u64 = 3;

/// What happens to the commands to some inputs, from `from_ms` until just before `until_ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandWindow {
    /// Which inputs.
    pub inputs: Vec<InputId>,
    /// First instant, ms.
    pub from_ms: u64,
    /// First instant after it, ms.
    pub until_ms: u64,
    /// Share of them that reaches nothing, 0..=1.
    pub lost: f64,
    /// Each takes a time of its own between these, ms: a later one can arrive before an earlier one.
    pub late_ms: Option<(u64, u64)>,
    /// Share of those that arrive which arrives twice, each time with a delay of its own, 0..=1.
    pub twice: f64,
}

/// One command on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    /// To which input.
    pub input: InputId,
    /// What it is told.
    pub value: f64,
}

/// Wires between those who command and the village.
#[derive(Clone, Debug, Default)]
pub struct Wires {
    windows: Vec<CommandWindow>,
    stream: Stream,
    /// Commands to each input until now.
    counts: BTreeMap<InputId, u64>,
    /// Late commands by arrival and sequence.
    late: BTreeMap<(u64, u64), Command>,
    sequence: u64,
    lost: u64,
    dropped: u64,
}

impl Wires {
    /// Where windows of one input overlap, the first of the list counts.
    pub fn new(windows: Vec<CommandWindow>, seed: u64) -> Self {
        Self { windows, stream: Stream::new(seed).fork(COMMANDS_STREAM), ..Self::default() }
    }

    /// Passes one command and appends what arrives of it now.
    pub fn pass(&mut self, command: Command, now_ms: u64, out: &mut Vec<Command>) {
        let count = self.counts.entry(command.input).or_default();
        let number = *count;
        *count += 1;
        let hit = self.windows.iter().enumerate().find(|(_, window)| {
            window.inputs.contains(&command.input) && (window.from_ms..window.until_ms).contains(&now_ms)
        });
        let Some((index, window)) = hit else {
            out.push(command);
            return;
        };
        let draws = self.stream.fork(index as u64).fork(command.input.0 as u64).fork(number);
        if draws.unit(LOST) < window.lost {
            self.lost += 1;
            return;
        }
        let delay_ms = |draw: u64, otherwise_ms: u64| match window.late_ms {
            // The cast of a number that is not negative.
            Some((low, high)) => draws.between(draw, low as f64, high as f64).round() as u64,
            None => otherwise_ms,
        };
        let first_ms = delay_ms(DELAY, 0);
        let again_ms = (draws.unit(TWICE) < window.twice).then(|| delay_ms(DELAY_AGAIN, AGAIN_MS));
        for wait_ms in std::iter::once(first_ms).chain(again_ms) {
            if wait_ms == 0 {
                out.push(command);
            } else {
                self.delay(command, now_ms.saturating_add(wait_ms));
            }
        }
    }

    /// Appends late commands whose time has come, in the order of their arrival.
    pub fn due(&mut self, now_ms: u64, out: &mut Vec<Command>) {
        while let Some(first) = self.late.first_entry().filter(|first| first.key().0 <= now_ms) {
            out.push(first.remove());
        }
    }

    /// When the next late command arrives, ms.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.late.keys().next().map(|(arrives_ms, _)| *arrives_ms)
    }

    /// Commands that were lost.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Late commands that were dropped because [`LATE_COMMANDS_MAX`] were waiting.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn delay(&mut self, command: Command, arrives_ms: u64) {
        if self.late.len() >= LATE_COMMANDS_MAX && self.late.pop_first().is_some() {
            self.dropped += 1;
        }
        self.late.insert((arrives_ms, self.sequence), command);
        self.sequence += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMP: InputId = InputId(3);
    const OTHER: InputId = InputId(4);

    fn window(lost: f64, late_ms: Option<(u64, u64)>, twice: f64) -> CommandWindow {
        CommandWindow { inputs: vec![LAMP], from_ms: 1_000, until_ms: 100_000, lost, late_ms, twice }
    }

    /// What arrives, and when, of a command each 100 ms whose value is its number.
    fn arrivals(window: CommandWindow, seed: u64) -> Vec<(u64, f64)> {
        let mut wires = Wires::new(vec![window], seed);
        let mut seen = Vec::new();
        for number in 0..1_200_u32 {
            let now_ms = u64::from(number) * 100;
            let mut out = Vec::new();
            wires.due(now_ms, &mut out);
            wires.pass(Command { input: LAMP, value: f64::from(number) }, now_ms, &mut out);
            seen.extend(out.iter().map(|command| (now_ms, command.value)));
        }
        seen
    }

    #[test]
    fn a_share_is_lost_comes_late_out_of_order_and_twice() {
        let clean = arrivals(window(0.0, None, 0.0), 1);
        assert_eq!(clean.len(), 1_200);
        let lossy = arrivals(window(0.3, None, 0.0), 1);
        // 990 commands in the window; three standard deviations are 43.
        assert!((1_200 - lossy.len()).abs_diff(297) < 45, "{} of 1200 arrive", lossy.len());
        assert_eq!(lossy[..10], clean[..10], "before the window nothing is lost");
        let late = arrivals(window(0.0, Some((200, 5_000)), 0.0), 1);
        assert_eq!(late.len(), 1_200);
        assert!(late.windows(2).any(|pair| pair[0].1 > pair[1].1), "some overtake others");
        let delays = late.iter().map(|(at_ms, value)| *at_ms as f64 - value * 100.0);
        assert!(delays.clone().all(|delay| (0.0..5_100.0).contains(&delay)));
        assert!(delays.fold(0.0, f64::max) > 4_500.0);
        let doubled = arrivals(window(0.0, None, 0.1), 1).len() - 1_200;
        assert!(doubled.abs_diff(99) < 30, "{doubled} come twice");
    }

    #[test]
    fn the_seed_decides_and_no_other_input() {
        let both = window(0.5, Some((0, 900)), 0.5);
        assert_eq!(arrivals(both.clone(), 7), arrivals(both.clone(), 7));
        assert_ne!(arrivals(both.clone(), 7), arrivals(both.clone(), 8));
        let mut wires = Wires::new(vec![CommandWindow { inputs: vec![LAMP, OTHER], ..both }], 7);
        let (mut out, mut alone) = (Vec::new(), Vec::new());
        let mut single = wires.clone();
        for number in 0..50_u32 {
            let (now_ms, value) = (2_000 + u64::from(number), f64::from(number));
            wires.pass(Command { input: OTHER, value }, now_ms, &mut out);
            wires.pass(Command { input: LAMP, value }, now_ms, &mut out);
            single.pass(Command { input: LAMP, value }, now_ms, &mut alone);
        }
        wires.due(u64::MAX, &mut out);
        single.due(u64::MAX, &mut alone);
        out.retain(|command| command.input == LAMP);
        assert_eq!(out, alone);
    }

    #[test]
    fn late_commands_have_a_maximum() {
        let mut wires = Wires::new(vec![window(0.0, Some((10, 11)), 0.0)], 0);
        let mut out = Vec::new();
        for _ in 0..LATE_COMMANDS_MAX + 5 {
            wires.pass(Command { input: LAMP, value: 1.0 }, 2_000, &mut out);
        }
        assert_eq!((wires.dropped(), out.len()), (5, 0));
        assert!(wires.deadline_ms().is_some_and(|at_ms| (2_010..=2_011).contains(&at_ms)));
        wires.due(u64::MAX, &mut out);
        assert_eq!((out.len(), wires.deadline_ms()), (LATE_COMMANDS_MAX, None));
    }
}
