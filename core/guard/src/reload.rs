//! Another safety set: tightening at once, loosening only with a person's word.

use crate::loosening::{self, Loosening};
use crate::machine::{Guard, Pending, Work};
use crate::plan::SafetySet;
use crate::save::{self, RELOAD, Since};
use crate::state::{Live, Physical, State};
use crate::tables::Plan;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ballast_model::Mono;
use ballast_model::catalog::Catalog;
use ballast_model::time::Gap;

/// What became of another safety set.
#[derive(Clone, Debug, PartialEq)]
pub struct Replaced {
    /// What it would loosen; empty when it only tightens.
    pub loosenings: Vec<Loosening>,
    /// What of it is in force now.
    pub taken: Taken,
    /// The fingerprint that a person must confirm, when something waits.
    pub waits_for: Option<u64>,
    /// The table of outputs is another one: the engine must say hello anew with its hash.
    pub session_ended: bool,
}

/// How much of another safety set was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All of it.
    Whole,
    /// What it tightens; of everything else the old one is in force.
    Tightenings,
    /// Nothing: its points or outputs are other ones, so that old and new cannot be in force together.
    Nothing,
}

impl Guard {
    /// Restores what an earlier guard saved; to be called once, before the first step. `gap` says how long nothing ran,
    /// `saved_at` is on the clock of the saved state. A state of another version is left aside: everything begins anew.
    pub fn restore(&mut self, state: State, gap: Gap, saved_at: Mono, now: Mono) {
        let is_same = gap == RELOAD
            && state.fingerprint == self.plan.set.fingerprint
            && save::names_fit(&self.plan, &state);
        save::restore(&self.plan, &mut self.live, &state, &Since { gap, saved_at, now, is_same });
        self.work = Work::new(&self.plan);
        self.rearm();
    }

    /// Puts another safety set in force, as far as it may be. With `confirmed` (the caller has the word of an operator)
    /// all of it; else what it tightens, and the rest waits for [`OperatorCommand::Confirm`](crate::OperatorCommand).
    pub fn replace(
        &mut self,
        catalog: Arc<Catalog>,
        set: impl Into<Arc<SafetySet>>,
        confirmed: bool,
        now: Mono,
    ) -> Replaced {
        let set = set.into();
        let now = now.max(self.live.now);
        self.live.confirmed = None;
        self.pending = None;
        let new = Plan::new(Arc::clone(&catalog), Arc::clone(&set));
        let loosenings = loosening::compare(&self.plan, &new);
        if loosenings.is_empty() || confirmed {
            let session_ended = self.take(new, now);
            return Replaced { loosenings, taken: Taken::Whole, waits_for: None, session_ended };
        }
        let fingerprint = set.fingerprint;
        let stricter = loosening::stricter(&self.plan, &new);
        self.pending = Some(Box::new(Pending { catalog, set }));
        let (taken, session_ended) = match stricter {
            Some(stricter) => (Taken::Tightenings, self.take(stricter, now)),
            None => (Taken::Nothing, false),
        };
        Replaced { loosenings, taken, waits_for: Some(fingerprint), session_ended }
    }

    /// Puts the waiting safety set in force if a person confirmed it; call it after the event
    /// [`Confirmed`](crate::GuardEvent::Confirmed). `None` when nothing was confirmed.
    pub fn adopt_confirmed(&mut self, now: Mono) -> Option<Replaced> {
        let confirmed = self.live.confirmed.take()?;
        let pending = self.pending.take().filter(|pending| pending.set.fingerprint == confirmed)?;
        Some(self.replace(pending.catalog, pending.set, true, now))
    }

    /// The devices behind the outputs may be other ones, or reached another way: every output is told again what it was
    /// told last, whether or not that was confirmed.
    pub fn tell_again(&mut self) {
        for (index, output) in self.live.outputs.iter_mut().enumerate().filter(|(_, output)| output.sent) {
            (output.must_tell, output.settled) = (true, false);
            // What stands there now may be in any state: partners wait until it has confirmed.
            output.physical = Physical::UNKNOWN;
            self.work.outputs.mark(index);
        }
    }

    /// The fingerprint of the set that waits for a person.
    pub fn waits_for(&self) -> Option<u64> {
        self.pending.as_ref().map(|pending| pending.set.fingerprint)
    }

    fn take(&mut self, plan: Plan, now: Mono) -> bool {
        let state = self.save();
        let ends = plan.tables.table_hash != self.plan.tables.table_hash && self.live.session.is_open;
        // The stricter of two sets bears the fingerprint of the old one and is another one nevertheless.
        let is_same = *plan.set == *self.plan.set && save::names_fit(&plan, &state);
        let mut live = Live::new(&plan, now);
        save::restore(&plan, &mut live, &state, &Since { gap: RELOAD, saved_at: now, now, is_same });
        live.is_ending = self.live.is_ending;
        if ends {
            live.write_down_lent(&plan);
            live.session.is_open = false;
        }
        self.plan = Arc::new(plan);
        self.live = live;
        self.work = Work::new(&self.plan);
        self.rearm();
        ends
    }

    /// The moments at which leases run out are not part of the state: they follow from it. Where one is over, or nobody
    /// speaks, a look at it finds nothing.
    fn rearm(&mut self) {
        let session = self.live.session;
        for (class, (length, _)) in self.plan.tables.leases.iter().enumerate() {
            let due = session.renewed_at.after((*length).min(session.renewed_for));
            self.work.timers.set(self.plan.key_lease(class), due);
        }
        if !self.plan.tables.reported.is_empty() {
            self.work.timers.set(self.plan.key_reports(), self.live.reports.until);
        }
    }
}
