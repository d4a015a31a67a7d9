//! Where running rules and candidate did not want the same, written down while both go on.

use ballast_model::{Mono, OutputId, Span, Wanted};
use std::collections::VecDeque;

/// Both steps are never at the very same moment: what differs for less is the same.
pub const SAME_MOMENT: Span = Span::from_secs(2);
/// Differences that are kept; the oldest go first, and are counted.
pub const DIFFERENCES_MAX: usize = 200;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The rules that run.
    Running,
    /// Those beside them.
    Candidate,
}

/// A reason, in English and in French.
pub type Reason = [String; 2];

/// A time in which an output was not wanted the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which output.
    pub output: OutputId,
    /// From when.
    pub from: Mono,
    /// Until when; `None`: it lasts.
    pub until: Option<Mono>,
    /// What it was and why at the beginning, under the running rules and under the candidate.
    pub was: [Option<(Wanted, Reason)>; 2],
}

/// What is known of one output.
#[derive(Clone, Debug, Default)]
struct Row {
    is: [Option<(Wanted, Reason)>; 2],
    differs: Option<Difference>,
    /// How long it was not the same, over what has ended.
    differed: Span,
    count: u64,
}

impl Row {
    fn is_same(&self) -> bool {
        let [one, other] = self.is.each_ref().map(|known| known.as_ref().map(|(wanted, _)| *wanted));
        // One of which nothing was heard yet is no difference.
        one == other || one.is_none() || other.is_none()
    }
}

/// Both, of every output.
#[derive(Clone, Debug)]
pub struct Account {
    since: Mono,
    rows: Vec<Row>,
    ended: VecDeque<Difference>,
    forgotten: u64,
    /// Since when nobody knows what the outputs are under the running rules, and how long that was before.
    unheard: Option<Mono>,
    was_unheard: Span,
}

impl Account {
    /// Nothing is known yet of so many outputs.
    pub fn new(since: Mono, outputs: usize) -> Self {
        Self {
            since,
            rows: vec![Row::default(); outputs],
            ended: VecDeque::new(),
            forgotten: 0,
            unheard: None,
            was_unheard: Span::ZERO,
        }
    }

    /// Since when both are compared.
    pub const fn since(&self) -> Mono {
        self.since
    }

    /// What an output is on a side, as it was noted last.
    pub fn state(&self, side: Side, output: OutputId) -> Option<Wanted> {
        let (wanted, _) = self.rows.get(output.index())?.is.get(side as usize)?.as_ref()?;
        Some(*wanted)
    }

    /// Nobody knows from a moment on what the outputs are under the running rules: what differed has ended there.
    pub fn lose_running(&mut self, at: Mono) {
        self.unheard.get_or_insert(at);
        for row in &mut self.rows {
            let [running, _] = &mut row.is;
            *running = None;
        }
        for index in 0..self.rows.len() {
            self.end(OutputId(u32::try_from(index).unwrap_or(u32::MAX)), at);
        }
    }

    /// How long it was not known what the outputs are under the running rules, so that nothing was compared.
    pub fn unheard(&self, now: Mono) -> Span {
        self.was_unheard.plus(self.unheard.map_or(Span::ZERO, |since| now.since(since)))
    }

    /// An output is so on a side from a moment on, or the reason of it changed.
    pub fn note(&mut self, side: Side, output: OutputId, at: Mono, wanted: Wanted, reason: Reason) {
        if side == Side::Running {
            self.was_unheard = self.unheard(at);
            self.unheard = None;
        }
        let Some(row) = self.rows.get_mut(output.index()) else { return };
        let Some(place) = row.is.get_mut(side as usize) else { return };
        *place = Some((wanted, reason));
        let is_same = row.is_same();
        match &mut row.differs {
            None if !is_same => {
                row.differs = Some(Difference { output, from: at, until: None, was: row.is.clone() });
            }
            // A reason that comes at the same moment belongs to the beginning.
            Some(differs) if !is_same && at.since(differs.from) < SAME_MOMENT => differs.was = row.is.clone(),
            _ => {}
        }
        if is_same {
            self.end(output, at);
        }
    }

    fn end(&mut self, output: OutputId, at: Mono) {
        let Some(row) = self.rows.get_mut(output.index()) else { return };
        let Some(mut difference) = row.differs.take() else { return };
        let length = at.since(difference.from);
        if length < SAME_MOMENT {
            return;
        }
        row.differed = row.differed.plus(length);
        row.count += 1;
        difference.until = Some(at.max(difference.from));
        if self.ended.len() >= DIFFERENCES_MAX {
            self.ended.pop_front();
            self.forgotten += 1;
        }
        self.ended.push_back(difference);
    }

    /// The differences that are kept, in the order of their ends; those that last come last.
    pub fn differences(&self, now: Mono) -> impl Iterator<Item = &Difference> {
        let lasting = self.rows.iter().filter_map(move |row| lasting(row, now));
        self.ended.iter().chain(lasting)
    }

    /// Differences that are not kept any more.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How often an output was not the same, and how long in all.
    pub fn differed(&self, output: OutputId, now: Mono) -> (u64, Span) {
        let Some(row) = self.rows.get(output.index()) else { return (0, Span::ZERO) };
        match lasting(row, now) {
            Some(difference) => (row.count + 1, row.differed.plus(now.since(difference.from))),
            None => (row.count, row.differed),
        }
    }
}

fn lasting(row: &Row, now: Mono) -> Option<&Difference> {
    row.differs.as_ref().filter(|difference| now.since(difference.from) >= SAME_MOMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: OutputId = OutputId(0);

    fn at(seconds: u64) -> Mono {
        Mono::from_millis(seconds * 1000)
    }

    fn note(account: &mut Account, side: Side, seconds: u64, wanted: Wanted) {
        let reason = [format!("at {seconds}"), format!("à {seconds}")];
        account.note(side, OUTPUT, at(seconds), wanted, reason);
    }

    #[test]
    fn a_difference_is_told_with_both_reasons_and_its_length() {
        let mut account = Account::new(at(0), 1);
        for side in [Side::Running, Side::Candidate] {
            note(&mut account, side, 0, Wanted::OPEN);
        }
        note(&mut account, Side::Candidate, 10, Wanted::CLOSED);
        assert_eq!(account.differences(at(11)).count(), 0, "both do not step at the very same moment");
        assert_eq!(account.differed(OUTPUT, at(15)), (1, Span::from_secs(5)));
        note(&mut account, Side::Running, 30, Wanted::CLOSED);
        note(&mut account, Side::Running, 40, Wanted::OPEN);
        note(&mut account, Side::Candidate, 41, Wanted::OPEN);
        let found: Vec<&Difference> = account.differences(at(100)).collect();
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.from, one.until), (at(10), Some(at(30))));
        let was = one.was.clone().map(|known| known.map(|(wanted, [english, _])| (wanted, english)));
        let expected = [(Wanted::OPEN, "at 0".to_owned()), (Wanted::CLOSED, "at 10".to_owned())].map(Some);
        assert_eq!(was, expected);
        assert_eq!(account.differed(OUTPUT, at(100)), (1, Span::from_secs(20)));
    }

    #[test]
    fn one_that_was_not_heard_of_yet_does_not_differ() {
        let mut account = Account::new(at(0), 1);
        note(&mut account, Side::Candidate, 0, Wanted::CLOSED);
        assert_eq!(account.differed(OUTPUT, at(100)), (0, Span::ZERO));
    }

    #[test]
    fn while_nobody_knows_what_the_outputs_are_nothing_is_compared() {
        let mut account = Account::new(at(0), 1);
        note(&mut account, Side::Running, 0, Wanted::OPEN);
        note(&mut account, Side::Candidate, 0, Wanted::CLOSED);
        account.lose_running(at(10));
        account.lose_running(at(20));
        note(&mut account, Side::Candidate, 30, Wanted::OPEN);
        assert_eq!(account.differed(OUTPUT, at(40)), (1, Span::from_secs(10)));
        assert_eq!(account.unheard(at(40)), Span::from_secs(30));
        note(&mut account, Side::Running, 50, Wanted::CLOSED);
        assert_eq!(account.differed(OUTPUT, at(60)), (2, Span::from_secs(20)));
        assert_eq!(account.unheard(at(60)), Span::from_secs(40));
    }

    #[test]
    fn the_oldest_differences_go_first_and_are_counted() {
        let mut account = Account::new(at(0), 1);
        note(&mut account, Side::Running, 0, Wanted::OPEN);
        let all = DIFFERENCES_MAX as u64 + 3;
        for round in 0..all {
            note(&mut account, Side::Candidate, round * 20, Wanted::CLOSED);
            note(&mut account, Side::Candidate, round * 20 + 10, Wanted::OPEN);
        }
        assert_eq!(account.differences(at(1_000_000)).count(), DIFFERENCES_MAX);
        assert_eq!(account.forgotten(), 3);
        assert_eq!(account.differed(OUTPUT, at(1_000_000)), (all, Span::from_secs(all * 10)));
    }
}
