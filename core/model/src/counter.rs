//! What an index that counts up gained, whatever it does meanwhile.
//!
//! One that falls was reset, rolled over, or shows something wrong for a moment, as a device does that starts again and has
//! not read its memory yet. Which of them it was, only what comes after says: one that is back where it fell from with one
//! step never fell. No consumption is as large as that.

use crate::finite::Finite;

/// A counter that fell and then counted this part of its fall, step by step, was really reset (a guess: what shows
/// nothing for a moment is back long before).
const RESET_IS_BELIEVED_AFTER: f64 = 0.1;

/// A counter as it was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Counter {
    last: Option<Finite>,
    /// It fell, and it is not sure yet that it was reset.
    fall: Option<Fall>,
}

/// A fall that may have been none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct Fall {
    /// What the counter showed before.
    from: Finite,
    /// The least it showed since.
    to: Finite,
    /// What was counted since and would have to be taken back.
    gained: Finite,
}

/// What one more reading of a counter says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// It is the first: nothing was gained.
    First,
    /// It gained this much, in its own unit; not negative.
    Gained(f64),
    /// It fell from this value: what went through in this step is not known, and nothing is counted.
    Fell(Finite),
    /// It is back where it fell from, so that it never fell.
    Back {
        /// The value it seemed to have fallen from.
        from: Finite,
        /// What is to be counted: what it gained over `from`, less what was counted meanwhile. May be negative.
        gained: f64,
    },
}

impl Counter {
    /// Takes one more reading.
    pub fn step(&mut self, value: Finite) -> Step {
        let Some(last) = self.last.replace(value) else { return Step::First };
        let gained = value.get() - last.get();
        match &mut self.fall {
            Some(fall) if value >= fall.from => {
                let (from, gained) = (fall.from, value.get() - fall.from.get() - fall.gained.get());
                self.fall = None;
                Step::Back { from, gained }
            }
            Some(fall) if value < last => {
                fall.to = fall.to.min(value);
                Step::Fell(last)
            }
            Some(fall) => {
                fall.gained = Finite::saturating(fall.gained.get() + gained);
                let depth = fall.from.get() - fall.to.get();
                if value.get() - fall.to.get() >= RESET_IS_BELIEVED_AFTER * depth {
                    self.fall = None;
                }
                Step::Gained(gained)
            }
            None if value < last => {
                self.fall = Some(Fall { from: last, to: value, gained: Finite::ZERO });
                Step::Fell(last)
            }
            None => Step::Gained(gained),
        }
    }

    /// Whether it fell and may yet come back.
    pub const fn is_in_doubt(&self) -> bool {
        self.fall.is_some()
    }

    /// What was counted up to now is settled: of a counter that comes back only what was counted from now on is taken back.
    pub fn settle(&mut self) {
        if let Some(fall) = &mut self.fall {
            fall.gained = Finite::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is counted of these, one after the other, from the first on; in thousandths.
    fn counted(values: &[f64]) -> i64 {
        let mut counter = Counter::default();
        let mut sum = 0.0;
        for value in values {
            match counter.step(Finite::new(*value).unwrap()) {
                Step::Gained(gained) | Step::Back { gained, .. } => sum += gained,
                Step::First | Step::Fell(_) => {}
            }
        }
        (sum * 1000.0).round() as i64
    }

    #[test]
    fn one_that_shows_nothing_for_a_moment_is_not_counted_twice() {
        for (values, expected) in [
            (&[100.0, 0.0, 100.1][..], 100),
            (&[100.0, 0.0, 0.0, 0.0, 100.1], 100),
            (&[100.0, 0.0, 100.0, 0.0, 100.0, 0.0, 100.1], 100),
            // It counts a little from nothing, and then finds its memory.
            (&[100.0, 0.0, 0.01, 0.02, 100.1], 100),
            (&[100.0, 0.0, 0.01, 0.0, 0.02, 100.1, 100.2], 200),
            // Less wrong than nothing, then nothing.
            (&[100.0, 60.0, 0.0, 100.1], 100),
            // The last digit of a float.
            (&[100.0, 99.9, 100.0, 99.9, 100.0], 0),
        ] {
            assert_eq!(counted(values), expected, "{values:?}");
        }
    }

    #[test]
    fn fault_11_one_that_was_reset_or_rolled_over_is_counted_on() {
        for (values, expected) in [
            (&[100.0, 0.0, 0.1, 0.2][..], 200),
            (&[99_999.5, 0.3, 0.6, 1.0], 700),
            (&[100.0, 100.5, 0.2, 0.9], 1200),
            // As far as it was before, and further, all of it counted.
            (&[1.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4], 1400),
            // One that begins anew every day.
            (&[8.0, 0.0, 1.0, 7.0, 0.0, 1.0, 8.5], 15500),
            // One that was reset, and then shows nothing for a moment.
            (&[100.0, 0.0, 20.0, 0.0, 20.5], 20500),
        ] {
            assert_eq!(counted(values), expected, "{values:?}");
        }
    }
}
