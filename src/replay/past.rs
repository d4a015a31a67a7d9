//! Engine and guard as they were at an instant, from the journal.
//!
//! A guard that is a process of its own is heard of late: by a program that was frozen, long after. What it did stands in the
//! journal where it was heard and with the moment at which it did it, so that each machine is run again up to the instant
//! by its own records.

use super::{Machines, Place, Timeline};
use crate::journal::{Journal, Record, Segment};
use crate::report::moment::HEARD_WITHIN;
use crate::runtime::saving::{Checkpoint, kind};
use ballast_model::Mono;
use jiff::Timestamp;

/// Engine and guard as they were at an instant.
pub struct Past {
    /// As they were.
    pub machines: Machines,
    /// The instant, on the clock of that boot.
    pub now: Mono,
    /// Nothing was heard then of a guard that is a process of its own.
    pub unheard: Option<Unheard>,
}

/// A time in which nothing was heard of a guard that is a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unheard {
    /// Its last step before.
    pub since: Mono,
    /// When it was found again, where it was.
    pub until: Option<Mono>,
}

/// Why a journal does not tell of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTold {
    /// It begins later: then.
    Before(Timestamp),
    /// It ends earlier: then.
    After(Timestamp),
    /// Nothing was heard of the guard between these: what it did is not in there.
    Unheard(Timestamp, Timestamp),
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
        let nothing = || NotTold::Broken("the journal has no state before that".into());
        // A segment that begins at the same moment as the one before it replaces it: a reload.
        let index = journal.segments.iter().rposition(|segment| segment.started() <= now);
        let (first, later) =
            index.and_then(|index| journal.segments.get(index..)?.split_first()).ok_or_else(nothing)?;
        let mut machines = Machines::restore(first).map_err(NotTold::Broken)?;
        let mut is_over = run(&mut machines, first, now, |_| true).map_err(NotTold::Broken)?;
        let mut unheard = None;
        if machines.running.safety.process.is_some() {
            let found =
                follow_guard(&mut machines, first, later, now, &mut is_over).map_err(NotTold::Broken)?;
            let since = machines.guard.now();
            unheard = (now.since(since) > HEARD_WITHIN).then_some(Unheard { since, until: found });
        }
        Ok(Self { machines, now, unheard })
    }
}

/// Takes the records of a segment up to a moment, those of a kind that is wanted; whether one came after it.
fn run(
    machines: &mut Machines,
    segment: &Segment,
    until: Mono,
    is_wanted: impl Fn(&Record<'_>) -> bool,
) -> Result<bool, String> {
    let mut is_over = false;
    for record in segment.records().filter(is_wanted) {
        if record.at > until {
            is_over |= is_of_guard(&record) || machines.running.safety.process.is_none();
            continue;
        }
        if let Some(difference) = machines.take(&record)? {
            return Err(format!("the journal does not run again as it ran: {difference}"));
        }
        if record.kind == kind::GUARD_OUT && machines.has_confirmed() {
            // A confirmed safety set is in force from the next segment on, which follows at once.
            return Ok(true);
        }
    }
    if segment.lost() > 0 && !is_over {
        return Err("more came in then than the journal could keep".into());
    }
    Ok(is_over)
}

fn is_of_guard(record: &Record<'_>) -> bool {
    matches!(record.kind, kind::GUARD | kind::GUARD_OUT)
}

/// Takes what a guard elsewhere did up to a moment and was heard of in later segments; gives when it was found again after
/// that moment, where nothing was heard of it in between.
fn follow_guard(
    machines: &mut Machines,
    first: &Segment,
    later: &[Segment],
    until: Mono,
    is_over: &mut bool,
) -> Result<Option<Mono>, String> {
    for segment in later {
        // Of other texts the ids mean something else.
        if *is_over || segment.plan().texts != first.plan().texts {
            return Ok(None);
        }
        let found = Checkpoint::unpack(segment.checkpoint())?.guard.saved_at;
        if found > until {
            return Ok(Some(found));
        }
        if found > machines.guard.now() {
            // It was met anew.
            machines.take_guard_of(Machines::restore(segment)?);
        }
        *is_over = run(machines, segment, until, is_of_guard)?;
    }
    Ok(None)
}
