//! `for "2 s"`: how long a condition has held.

use crate::time::{Mono, Span};

/// Follows a condition that must hold for a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Hold {
    since: Option<Mono>,
}

impl Hold {
    /// A condition that does not hold.
    pub const IDLE: Self = Self { since: None };

    /// Takes the present truth; says whether the condition has held for `span`. Lowers `next` to the moment at which it
    /// will have, if it holds but not long enough.
    pub fn update(&mut self, holds: bool, span: Span, now: Mono, next: &mut Mono) -> bool {
        if !holds {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let due = since.after(span);
        if now < due {
            *next = (*next).min(due);
        }
        now >= due
    }

    /// Since when it holds.
    pub const fn since(&self) -> Option<Mono> {
        self.since
    }

    /// Starts anew: progress is forgotten.
    pub fn reset(&mut self) {
        self.since = None;
    }

    /// The same progress, on a clock that was moved.
    #[must_use]
    pub fn moved(self, rebase: impl Fn(Mono) -> Mono) -> Self {
        Self { since: self.since.map(rebase) }
    }
}
