//! Arming and disarming an output whose device was found: a person's word that tells the device nothing.
//!
//! What would be moved by the guard itself the moment it is armed (a limit that acts, a person's "now", silence) is not
//! armed: the person is told why. What leaves its protection away from safe is not disarmed, unless the person says that
//! it shall be left as it is.

use crate::events::{GuardEvent, Left, Who};
use crate::machine::{Guard, Run};
use crate::plan::Envelope;
use crate::rules::{self, Class, Question};
use crate::state::{Arming, EffectState, Live, OutputState, Outside, Physical};
use crate::tables::Plan;
use ballast_model::catalog::Facet;
use ballast_model::intent::Cause;
use ballast_model::sample::{Reason, Sample};
use ballast_model::{Mono, OutputId, Wanted};

impl OutputState {
    /// Whether it stands at its safe state, as its device or bus confirmed.
    fn is_safe(&self, envelope: &Envelope) -> bool {
        self.told == envelope.safe && self.confirmed == Some(envelope.safe)
    }

    /// What a device says to which nothing was told: it is that.
    pub(crate) fn watch(&mut self, actual: Wanted, now: Mono) {
        if self.told != actual {
            (self.told, self.told_at, self.since) = (actual, now, now);
            (self.switched_at, self.moved_at) = (now, now);
        }
        if let Wanted::Contact(contact) = actual {
            self.physical.is_now(contact, now);
        }
    }

    /// What is known of it, for whoever is about to let it go.
    fn left(&self, envelope: &Envelope) -> Left {
        Left {
            told: self.sent.then_some(self.told),
            says: self.outside.actual.and(self.confirmed),
            is_safe: self.is_safe(envelope),
        }
    }

    /// Nothing is told to it from here on, and nothing that was begun is finished. What its device said stays known; what
    /// only its bus took over does not say any more what it is.
    fn let_go(&mut self, now: Mono) {
        let (says, is_settled) = (self.outside.actual.and(self.confirmed), self.settled);
        self.arming = Arming::Not;
        (self.sent, self.settled, self.is_switching, self.must_tell) = (false, false, false, false);
        (self.tries, self.retry_at) = (0, None);
        (self.is_unreachable, self.unreachable_since, self.confirmed) = (false, None, says);
        (self.awaits, self.shed_by) = (false, None);
        self.holders.clear();
        self.spent.clear();
        (self.claim, self.ramp, self.undone) = (None, None, None);
        self.outside = Outside { actual: self.outside.actual, ..Outside::default() };
        self.effect = EffectState::default();
        let physical = core::mem::replace(&mut self.physical, Physical::UNKNOWN);
        if let Some(says) = says {
            self.watch(says, now);
            // Whoever may not stand beside it waits where a command is still under way to it, or says otherwise.
            let is_sure = is_settled && matches!(says, Wanted::Contact(at) if !physical.may_be(at.other()));
            self.physical = if is_sure { physical } else { Physical::UNKNOWN };
        }
    }
}

/// Why an output is not armed: what stands against it.
fn against_arming(plan: &Plan, live: &Live, output: OutputId) -> Option<Cause> {
    let (envelope, state) = (plan.envelope(output.index())?, live.output(output)?);
    if state.arming != Arming::Not {
        return Some(Cause::Asked);
    }
    let question = Question { plan, live, now: live.now, id: output, envelope, state };
    let proposal = rules::weigh(&question);
    (proposal.class != Class::Asked).then_some(proposal.cause)
}

/// Why an output is not disarmed: it is not armed, always is, or would be left away from safe.
fn against_disarming(plan: &Plan, live: &Live, output: OutputId, as_it_is: bool) -> Option<Cause> {
    let (envelope, state) = (plan.envelope(output.index())?, live.output(output)?);
    if !envelope.by_hand {
        return Some(Cause::NotAllowed);
    }
    if state.arming == Arming::Not {
        return Some(Cause::NotArmed);
    }
    let may_go = as_it_is || !state.sent || state.is_safe(envelope);
    (!may_go).then_some(Cause::Asked)
}

impl Guard {
    /// What stands against arming an output, if anything does: [`Cause::Asked`] where it is armed already, else what would
    /// move it at once.
    pub fn against_arming(&self, output: OutputId) -> Option<Cause> {
        against_arming(&self.plan, &self.live, output)
    }

    /// What is known of an output that is about to be disarmed, as [`GuardEvent::Disarmed`] will say it.
    pub fn left_by_disarming(&self, output: OutputId) -> Option<Left> {
        Some(self.output(output)?.left(self.envelope(output)?))
    }

    /// What stands against disarming an output, if anything does: [`Cause::NotAllowed`] where it is always armed,
    /// [`Cause::NotArmed`] where it is not armed, [`Cause::Asked`] where it is not at its safe state.
    pub fn against_disarming(&self, output: OutputId, as_it_is: bool) -> Option<Cause> {
        against_disarming(&self.plan, &self.live, output, as_it_is)
    }
}

impl Run<'_> {
    pub(crate) fn arm(&mut self, who: Who, output: OutputId) {
        let against = against_arming(self.plan, self.live, output);
        let Some(state) = self.live.outputs.get_mut(output.index()) else { return };
        if let Some(cause) = against {
            return self.event(GuardEvent::ArmRefused { who, output, cause });
        }
        state.arming = Arming::Fresh { asked: state.asked, request: state.request };
        self.work.outputs.mark(output.index());
        self.event(GuardEvent::Armed { who, output });
    }

    pub(crate) fn disarm(&mut self, who: Who, output: OutputId, as_it_is: bool) {
        let against = against_disarming(self.plan, self.live, output, as_it_is);
        let (plan, index) = (self.plan, output.index());
        let (Some(state), Some(envelope)) = (self.live.outputs.get_mut(index), plan.envelope(index)) else {
            return;
        };
        if let Some(cause) = against {
            return self.event(GuardEvent::DisarmRefused { who, output, cause });
        }
        let left = state.left(envelope);
        state.let_go(self.now);
        self.forget_state(index);
        self.work.outputs.mark(index);
        self.urge_partners(index);
        self.event(GuardEvent::Disarmed { who, output, left });
    }

    /// What an output was told says no longer what it is: its state is unknown to whoever reads it, its actual is not.
    fn forget_state(&mut self, index: usize) {
        if let Some(point) = self.plan.tables.facet(&self.plan.catalog, index, Facet::State)
            && self.live.snapshot.set(&Sample::bad(point, Reason::Offline, self.now, 0))
        {
            self.touched(point);
        }
    }
}
