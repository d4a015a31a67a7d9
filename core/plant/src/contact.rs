//! A relay or contactor: what is wanted of it, and where it is.

/// A contact that follows its command after a delay. A command that is taken back before the contact moved is
/// forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    closed: bool,
    wanted: bool,
    delay_ms: u64,
    moves_at_ms: Option<u64>,
    moved_at_ms: Option<u64>,
}

impl Contact {
    /// A contact at rest.
    pub fn new(closed: bool, delay_ms: u64) -> Self {
        Self { closed, wanted: closed, delay_ms, moves_at_ms: None, moved_at_ms: None }
    }

    /// Commands the contact.
    pub fn command(&mut self, closed: bool, now_ms: u64) {
        if closed != self.wanted {
            self.wanted = closed;
            self.moves_at_ms = (closed != self.closed).then(|| now_ms.saturating_add(self.delay_ms));
        }
    }

    /// Moves the contact if its time has come; true if it moved.
    pub fn step(&mut self, now_ms: u64) -> bool {
        let moves = self.moves_at_ms.is_some_and(|moves_at_ms| moves_at_ms <= now_ms);
        if moves {
            (self.closed, self.moves_at_ms, self.moved_at_ms) = (self.wanted, None, Some(now_ms));
        }
        moves
    }

    /// Where the contact is.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// When it moved last; `None` before it ever did.
    pub fn moved_at_ms(&self) -> Option<u64> {
        self.moved_at_ms
    }

    /// When it will move.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.moves_at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_after_its_delay() {
        let mut contact = Contact::new(true, 10);
        contact.command(false, 100);
        assert!(!contact.step(109) && contact.is_closed());
        assert!(contact.moved_at_ms().is_none());
        assert!(contact.step(110) && !contact.is_closed());
        assert_eq!(contact.moved_at_ms(), Some(110));
        assert!(!contact.step(120));
    }

    #[test]
    fn a_command_taken_back_is_forgotten() {
        let mut contact = Contact::new(true, 10);
        contact.command(false, 100);
        contact.command(true, 105);
        assert!(!contact.step(200) && contact.is_closed());
        assert_eq!(contact.deadline_ms(), None);
    }
}
