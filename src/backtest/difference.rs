//! Where two sets of rules did not do the same.

use super::run::{Account, Switching};
use ballast_model::{Mono, OutputId, Span, Wanted};

/// A time in which an output was not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which output.
    pub output: OutputId,
    /// From when.
    pub from: Mono,
    /// Until when.
    pub until: Mono,
    /// What it was, and why, under the first set and under the second; nothing where it was told nothing yet.
    pub was: [Option<(Wanted, String)>; 2],
}

impl Difference {
    /// How long.
    pub fn length(&self) -> Span {
        self.until.since(self.from)
    }
}

/// All differences of two accounts of the same time, by output and then by time.
pub fn between(first: &Account, second: &Account) -> Vec<Difference> {
    let mut found = Vec::new();
    for (output, switchings) in &first.switchings {
        let empty = Vec::new();
        let others = second.switchings.get(output).unwrap_or(&empty);
        one(*output, [switchings, others], first.end, &mut found);
    }
    found
}

fn one(output: OutputId, of: [&[Switching]; 2], end: Mono, found: &mut Vec<Difference>) {
    let mut next = [0_usize, 0];
    let mut is: [Option<&Switching>; 2] = [None, None];
    let mut since: Option<Mono> = None;
    loop {
        let at = |side: usize| of[side].get(next[side]).map(|switching| switching.at);
        let now = [at(0), at(1)].into_iter().flatten().min().map_or(end, |moment| moment.min(end));
        let was = is;
        for side in 0..2 {
            while let Some(switching) = of[side].get(next[side]).filter(|switching| switching.at <= now) {
                is[side] = Some(switching);
                next[side] += 1;
            }
        }
        let state = |of: [Option<&Switching>; 2]| of.map(|switching| switching.map(|known| known.wanted));
        let is_over = now >= end;
        if let Some(from) = since.filter(|_| is_over || state(is) != state(was)) {
            if now > from {
                let was = was.map(|switching| switching.map(|known| (known.wanted, known.why.clone())));
                found.push(Difference { output, from, until: now, was });
            }
            since = None;
        }
        if is_over {
            return;
        }
        let [one, other] = state(is);
        if one != other && since.is_none() {
            since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn account(switchings: &[(u64, Wanted)]) -> Account {
        let switching = |(seconds, wanted): &(u64, Wanted)| Switching {
            at: Mono::from_millis(seconds * 1000),
            wanted: *wanted,
            why: format!("at {seconds}"),
        };
        let list = switchings.iter().map(switching).collect();
        Account {
            switchings: BTreeMap::from([(OutputId(0), list)]),
            end: Mono::from_millis(100_000),
            ..Account::default()
        }
    }

    #[test]
    fn a_difference_goes_from_the_first_moment_to_the_last() {
        let (open, closed) = (Wanted::OPEN, Wanted::CLOSED);
        let one = account(&[(0, open), (10, closed), (30, open)]);
        let other = account(&[(0, open), (20, closed), (30, open), (90, closed)]);
        let times = |found: &[Difference]| {
            found
                .iter()
                .map(|one| (one.from.nanos() / 1_000_000_000, one.until.nanos() / 1_000_000_000))
                .collect::<Vec<_>>()
        };
        let found = between(&one, &other);
        assert_eq!(times(&found), [(10, 20), (90, 100)]);
        let was = found[0].was.clone().map(|known| known.unwrap());
        assert_eq!(was, [(closed, "at 10".to_owned()), (open, "at 0".to_owned())]);
        assert_eq!(between(&one, &one), []);
    }

    #[test]
    fn one_that_was_told_nothing_differs_until_it_is() {
        let found = between(&account(&[(5, Wanted::OPEN)]), &account(&[(7, Wanted::OPEN)]));
        assert_eq!((found.len(), found[0].length()), (1, Span::from_secs(2)));
        assert!(found[0].was[1].is_none());
    }
}
