//! The limits as the manual tells of them: unknown is violated, a start has its grace, a latch waits for a person.

use super::terms::GRACE;
use ballast_model::{Mono, Span};

/// One limit that forces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LimitWatch {
    pub(super) was_known: bool,
    pub(super) acts: bool,
    /// It acts only since nothing was ever known.
    is_soft: bool,
    violated_since: Option<Mono>,
    clear_since: Option<Mono>,
    /// It is clear, and a person must reset it.
    pub(super) is_latched: bool,
}

/// What one look knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) now: Mono,
    pub(super) started: Mono,
    /// Whether it is violated, and whether it is clear, as far as that is known.
    pub(super) violated: Option<bool>,
    pub(super) clear: Option<bool>,
    pub(super) hold: Span,
    pub(super) until_hold: Span,
    pub(super) latch: bool,
}

impl LimitWatch {
    /// Looks.
    pub(super) fn look(&mut self, look: &Look) {
        let now = look.now;
        self.was_known |= look.violated.is_some();
        let is_violated = look.violated != Some(false);
        if !self.acts {
            self.clear_since = None;
            if !self.was_known && now < look.started.after(GRACE) {
                return;
            }
            self.violated_since = is_violated.then(|| self.violated_since.unwrap_or(now));
            if self.violated_since.is_some_and(|since| now >= since.after(look.hold)) {
                (self.acts, self.is_soft) = (true, !self.was_known);
            }
            return;
        }
        self.is_soft &= look.violated != Some(true);
        if self.is_soft && look.violated == Some(false) {
            return self.release();
        }
        let is_clear = !is_violated && look.clear == Some(true);
        self.is_latched &= is_clear;
        self.clear_since = is_clear.then(|| self.clear_since.unwrap_or(now));
        if self.clear_since.is_some_and(|since| now >= since.after(look.until_hold)) {
            if look.latch {
                self.is_latched = true;
            } else {
                self.release();
            }
        }
    }

    /// It lets go.
    pub(super) fn release(&mut self) {
        *self = Self { was_known: self.was_known, ..Self::default() };
    }

    /// A person resets it: that lets go what is clear and waits, and nothing else.
    pub(super) fn reset(&mut self) {
        if self.is_latched {
            self.release();
        }
    }

    /// The guard was started anew.
    pub(super) fn restart(&mut self, is_power_cut: bool) {
        *self = if self.acts && !self.is_soft {
            let clear_since = self.clear_since.filter(|_| !is_power_cut);
            Self { acts: true, is_latched: self.is_latched, clear_since, ..Self::default() }
        } else {
            Self::default()
        };
    }
}
