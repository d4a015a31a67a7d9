//! How long a receiver is told: until an instant of a wall clock that somebody answers for.
//!
//! A wall clock that nobody answers for may stand before the end although the end is over. Then nothing is told, and what was
//! announced stays as it is: that names what may be told and tells none of it. A wall clock that stands behind the end ends
//! it, whoever answers for it.

use ballast_model::Utc;
use ballast_model::time::Wall;

/// Whether a receiver is told anything now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is told what its gate lets through.
    Told,
    /// It is told nothing, since nobody answers for the wall clock.
    Unsure,
    /// It is told nothing, and what was announced to it is taken back.
    Over,
}

impl Standing {
    /// Of a receiver with this end, by a wall clock that was just read.
    pub fn of(until: Option<Utc>, wall: &Wall) -> Self {
        match until {
            None => Self::Told,
            Some(until) if wall.utc >= until => Self::Over,
            Some(_) if wall.trusted => Self::Told,
            Some(_) => Self::Unsure,
        }
    }

    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Unsure => "clock_unsure",
            Self::Over => "over",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::Mono;

    #[test]
    fn nothing_is_told_after_the_end_nor_by_a_clock_that_nobody_answers_for() {
        let standing = |until: Option<i64>, utc: i64, trusted: bool| {
            let wall = Wall { at: Mono::ZERO, utc: Utc::from_millis(utc), trusted };
            Standing::of(until.map(Utc::from_millis), &wall)
        };
        assert_eq!(standing(None, 0, false), Standing::Told);
        assert_eq!(standing(Some(1000), 999, true), Standing::Told);
        assert_eq!(standing(Some(1000), 1000, true), Standing::Over);
        assert_eq!(standing(Some(1000), 999, false), Standing::Unsure);
        assert_eq!(standing(Some(1000), 1000, false), Standing::Over);
    }
}
