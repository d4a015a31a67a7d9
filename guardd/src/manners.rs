//! What a program says while it has a session is what the guard expects, or it has none any more.
//!
//! The guard itself ends a session whose own frames are wrong, and throws away what does not belong to one. Of a frame
//! that is refused while a session is open nobody who means well knows anything: it is the end of that session, and of the
//! connection. Without a session a refused frame is the word of one that has just ended and was still under way (the program
//! was frozen, or another set came): it does nothing, and is counted.

use ballast_guard::{Guard, GuardEvent};

/// Looks at what one step says of frames.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    is_open: bool,
    is_broken: bool,
}

impl Manners {
    /// Before a step.
    pub fn before(guard: &Guard) -> Self {
        Self { is_open: guard.hears_engine(), is_broken: false }
    }

    /// Takes an event of the step, in the order in which they were said.
    pub fn see(&mut self, event: &GuardEvent) {
        match event {
            GuardEvent::SessionOpened { .. } => self.is_open = true,
            GuardEvent::SessionClosed { .. } => self.is_open = false,
            GuardEvent::FrameRefused { .. } => self.is_broken |= self.is_open,
            _ => {}
        }
    }

    /// Whether something came that nobody who means well sends.
    pub const fn is_broken(self) -> bool {
        self.is_broken
    }
}
