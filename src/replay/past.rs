//! Engine and guard as they were at an instant, from the journal.

use super::{Machines, Place, Timeline};
use crate::journal::{Journal, Segment};
use crate::runtime::saving::kind;
use ballast_model::Mono;
use jiff::Timestamp;

/// Engine and guard as they were at an instant.
pub struct Past {
    /// As they were.
    pub machines: Machines,
    /// The instant, on the clock of that boot.
    pub now: Mono,
}

/// Why a journal does not tell of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTold {
    /// It begins later: then.
    Before(Timestamp),
    /// It ends earlier: then.
    After(Timestamp),
    /// It cannot be run again up to there; a sentence.
    Broken(String),
}

impl Past {
    /// Runs a journal again up to an instant, and compares every output on the way.
    ///
    /// # Errors
    /// The journal does not reach there, or does not run again as it ran.
    pub fn at(journal: &Journal, at: Timestamp) -> Result<Self, NotTold> {
        let now = match Timeline::of(journal).place(at) {
            Place::Within(now) => now,
            Place::Before(from) => return Err(NotTold::Before(from)),
            Place::After(to) => return Err(NotTold::After(to)),
        };
        // A segment that begins at the same moment as the one before it replaces it: a reload.
        let segment = journal.segments.iter().rev().find(|segment| segment.started() <= now);
        let segment =
            segment.ok_or_else(|| NotTold::Broken("the journal has no state before that".into()))?;
        let machines = run(segment, now).map_err(NotTold::Broken)?;
        Ok(Self { machines, now })
    }
}

fn run(segment: &Segment, until: Mono) -> Result<Machines, String> {
    let mut machines = Machines::restore(segment)?;
    for record in segment.records() {
        if record.at > until {
            return Ok(machines);
        }
        if let Some(difference) = machines.take(&record)? {
            return Err(format!("the journal does not run again as it ran: {difference}"));
        }
        if record.kind == kind::GUARD_OUT && machines.has_confirmed() {
            // A confirmed safety set is in force from the next segment on, which follows at once.
            return Ok(machines);
        }
    }
    if segment.lost() > 0 {
        return Err("more came in then than the journal could keep".into());
    }
    Ok(machines)
}
