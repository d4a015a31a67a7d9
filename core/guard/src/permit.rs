//! The leave to move an output: made by the guard alone, used once, at the door of the output.
//!
//! A [`Permit`] has private fields and no constructor, is not `Clone`, `Copy`, `Default` or `Deserialize`, and is taken by
//! value: forging, copying and using twice do not compile. Keeping one compiles, and is refused at run time: the
//! [`Door`] of the output looks at its session, its counter and how long it is valid, at the moment of the write. What
//! the door gives back is a [`Write`], again without a constructor, and only that reaches a device.

use ballast_model::{Mono, OutputId, Wanted};

/// The guard's leave to move one output, once, now.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an unused permit moves nothing, and the guard will make another one"]
pub struct Permit {
    output: OutputId,
    wanted: Wanted,
    session: u64,
    counter: u64,
    valid_until: Mono,
}

impl Permit {
    pub(crate) const fn new(
        output: OutputId,
        wanted: Wanted,
        session: u64,
        counter: u64,
        valid_until: Mono,
    ) -> Self {
        Self { output, wanted, session, counter, valid_until }
    }

    /// Which output.
    pub const fn output(&self) -> OutputId {
        self.output
    }
    /// What it shall be.
    pub const fn wanted(&self) -> Wanted {
        self.wanted
    }
    /// The guard's session in which it was made; see [`Guard::session`](crate::Guard::session).
    pub const fn session(&self) -> u64 {
        self.session
    }
    /// Rises with every permit of this output.
    pub const fn counter(&self) -> u64 {
        self.counter
    }
    /// The last moment at which it may be used.
    pub const fn valid_until(&self) -> Mono {
        self.valid_until
    }
}

/// A permit that was used: what the device must be told. Never made by anyone but a [`Door`].
#[derive(Debug, PartialEq, Eq)]
pub struct Write {
    output: OutputId,
    wanted: Wanted,
    counter: u64,
}

impl Write {
    /// Which output.
    pub const fn output(&self) -> OutputId {
        self.output
    }
    /// What it shall be.
    pub const fn wanted(&self) -> Wanted {
        self.wanted
    }
    /// The permit's counter, for [`Input::Written`](crate::Input::Written).
    pub const fn counter(&self) -> u64 {
        self.counter
    }
}

/// Why a permit was refused at the moment of the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stale {
    /// It is for another output.
    OtherOutput,
    /// It was made in an earlier session.
    Session,
    /// A later one was used already, or this very one.
    Counter,
    /// It was kept too long.
    Expired,
}

impl core::fmt::Display for Stale {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::OtherOutput => "a permit for another output",
            Self::Session => "a permit of an earlier session",
            Self::Counter => "a permit older than the last one used",
            Self::Expired => "a permit that was kept too long",
        })
    }
}
impl core::error::Error for Stale {}

mod sealed {
    /// Only the guard says what can redeem a permit.
    pub trait Sealed {}
    impl Sealed for super::Door {}
}

/// What can turn a permit into a write. Sealed: an output type of one's own does not compile.
pub trait Redeem: sealed::Sealed {
    /// Uses up a permit.
    ///
    /// # Errors
    /// Why it may not be used any more; nothing may be written then.
    fn redeem(&mut self, permit: Permit, now: Mono) -> Result<Write, Stale>;
}

/// The last check before an output moves. A driver holds one for each of its outputs.
#[derive(Debug)]
pub struct Door {
    output: OutputId,
    session: u64,
    counter: u64,
}

impl Door {
    /// The door of an output through which nothing has gone yet.
    pub const fn new(output: OutputId) -> Self {
        Self { output, session: 0, counter: 0 }
    }

    /// Which output it belongs to.
    pub const fn output(&self) -> OutputId {
        self.output
    }

    /// The guard's session is now this one: what was made before is stale. Never goes back.
    pub fn enter_session(&mut self, session: u64) {
        if session > self.session {
            // A guard that lost its memory counts from the start again.
            (self.session, self.counter) = (session, 0);
        }
    }
}

impl Redeem for Door {
    fn redeem(&mut self, permit: Permit, now: Mono) -> Result<Write, Stale> {
        if permit.output != self.output {
            return Err(Stale::OtherOutput);
        }
        if permit.session < self.session {
            return Err(Stale::Session);
        }
        self.enter_session(permit.session);
        if permit.counter <= self.counter {
            return Err(Stale::Counter);
        }
        if now > permit.valid_until {
            return Err(Stale::Expired);
        }
        self.counter = permit.counter;
        Ok(Write { output: permit.output, wanted: permit.wanted, counter: permit.counter })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permit(session: u64, counter: u64) -> Permit {
        Permit::new(OutputId(1), Wanted::CLOSED, session, counter, Mono::from_millis(3000))
    }

    #[test]
    fn a_kept_permit_is_refused_at_the_moment_of_the_write() {
        let at = Mono::from_millis;
        let mut door = Door::new(OutputId(1));
        assert_eq!(door.redeem(permit(5, 2), at(3000)).map(|write| write.counter()), Ok(2));
        assert_eq!(door.redeem(permit(5, 3), at(3001)), Err(Stale::Expired));
        assert_eq!(door.redeem(permit(5, 2), at(10)), Err(Stale::Counter));
        assert_eq!(door.redeem(permit(5, 1), at(10)), Err(Stale::Counter));
        assert_eq!(door.redeem(permit(4, 9), at(10)), Err(Stale::Session));
        door.enter_session(6);
        assert_eq!(door.redeem(permit(5, 9), at(10)), Err(Stale::Session));
        assert!(door.redeem(permit(6, 1), at(10)).is_ok());
        assert_eq!(Door::new(OutputId(2)).redeem(permit(5, 2), at(10)), Err(Stale::OtherOutput));
    }

    #[test]
    fn a_permit_says_of_which_session_it_is() {
        assert_eq!([permit(5, 2).session(), permit(6, 2).session()], [5, 6]);
    }
}
