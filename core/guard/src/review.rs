//! One look at one output: what changed by itself, what the rules say, and what follows from that.

use crate::bounds::{RETRY_FIRST, RETRY_MOST, RETRY_MOST_OWN};
use crate::events::{GuardEvent, Output, SessionFault};
use crate::machine::Run;
use crate::outside;
use crate::permit::Permit;
use crate::plan::Envelope;
use crate::rules::{self, Class, Proposal, Question, max_closed};
use crate::state::{Arming, EffectState, Number, OutputState, ShedBy};
use ballast_model::catalog::Facet;
use ballast_model::intent::{Cause, Witness};
use ballast_model::{Finite, Mono, Outcome, OutputId, PointId, Span, Value, Verdict, Wanted};

impl Run<'_> {
    /// Looks at an output.
    pub(crate) fn review(&mut self, index: usize) {
        let Some(envelope) = self.plan.envelope(index) else { return };
        self.expire_word(index);
        self.leave_start(index, envelope);
        let due = self.review_effect(index, envelope).min(self.review_outside(index, envelope));
        let Some(state) = self.live.outputs.get(index) else { return };
        let id = OutputId(index as u32);
        let question = Question { plan: self.plan, live: self.live, now: self.now, id, envelope, state };
        let mut proposal = rules::propose(&question);
        proposal.wake_at(due);
        self.begin_to_act(index, envelope, &mut proposal);
        self.commit(index, envelope, proposal);
    }

    /// Where nothing acted at once until now, someone else may have been left alone with the output: no longer. What it
    /// was told already is told again where its device says that it is something else.
    fn begin_to_act(&mut self, index: usize, envelope: &Envelope, proposal: &mut Proposal) {
        let Some(state) = self.live.outputs.get_mut(index) else { return };
        let stays = proposal.wanted == state.told;
        if proposal.class == Class::Asked || state.acts_at_once || !stays {
            return;
        }
        state.acts_at_once = true;
        proposal.wake_at(self.review_outside(index, envelope));
    }

    /// The program's word runs out.
    fn expire_word(&mut self, index: usize) {
        let Some((until, _)) = self.word_until(index) else { return };
        if self.now < until {
            return;
        }
        let mut is_of_session = false;
        if let Some(state) = self.live.outputs.get_mut(index) {
            let word = state.word.take();
            is_of_session = word.is_some_and(|word| word.session == self.live.session.current);
            state.silent_since = until;
        }
        self.event(GuardEvent::LeaseExpired { output: OutputId(index as u32) });
        // Whoever renews renews everything: what ran out was not forgotten, its speaker was silent.
        if is_of_session {
            self.close_session(SessionFault::Silence);
        }
    }

    /// The start is over for an output when all of its own limits know their inputs and the program spoke, or had the
    /// time of one lease to do so.
    fn leave_start(&mut self, index: usize, envelope: &Envelope) {
        let Some(state) = self.live.outputs.get(index).filter(|state| state.is_starting) else { return };
        let had_time = self.now >= self.live.started_at.after(envelope.lease);
        let tables = &self.plan.tables;
        let own = |lists: &[alloc::vec::Vec<(u16, u16)>]| {
            lists.get(index).is_none_or(|list| list.iter().all(|(limit, _)| self.is_armed(*limit)))
        };
        if (state.word.is_some() || had_time) && own(&tables.forces) && own(&tables.derates) {
            let now = self.now;
            if let Some(state) = self.live.outputs.get_mut(index) {
                state.is_starting = false;
                if state.word.is_none() {
                    state.silent_since = now.min(self.live.started_at.after(envelope.lease));
                }
            }
        }
    }

    fn is_armed(&self, limit: u16) -> bool {
        let state = self.live.limits.get(usize::from(limit));
        state.is_none_or(|state| state.is_armed || matches!(state.number, Number::Exact(_)))
    }

    /// Everything that follows from what the rules decided.
    fn commit(&mut self, index: usize, envelope: &Envelope, proposal: Proposal) {
        let now = self.now;
        let is_load = self.plan.tables.load_of.get(index).copied().flatten().is_some();
        let Some(state) = self.live.outputs.get_mut(index) else { return };
        let old = Before {
            told: state.told,
            was_sent: state.sent,
            cause: state.verdict.map(|verdict| verdict.cause),
            claim: state.claim,
        };
        note_cause(state, envelope, &proposal, is_load, now);
        (state.ramp, state.claim) = (proposal.ramp, proposal.claim);
        state.acts_at_once = proposal.class != Class::Asked;
        let moves = proposal.wanted != old.told || !old.was_sent;
        let retries = state.sent && !state.settled && state.retry_at.is_some_and(|at| now >= at);
        let refreshes = refresh_at(state, envelope).is_some_and(|at| now >= at);
        let tells = !proposal.is_mute && (moves || retries || refreshes || state.must_tell);
        if retries && !moves {
            state.tries = state.tries.saturating_add(1);
        }
        if tells {
            self.tell(index, envelope, &proposal);
        }
        self.follow_up(index, &proposal, &old);
        self.set_timer(index, envelope, &proposal);
        self.answer(index, envelope, &proposal);
    }

    /// Makes the permit.
    fn tell(&mut self, index: usize, envelope: &Envelope, proposal: &Proposal) {
        let (now, session) = (self.now, self.live.session.current);
        let word_until = self.word_until(index).map(|(until, _)| until);
        let Some(state) = self.live.outputs.get_mut(index).filter(|state| state.arming != Arming::Not) else {
            return;
        };
        if let Arming::Fresh { asked, request } = state.arming {
            state.undone = (proposal.class != Class::Asked).then_some((asked, request));
        }
        state.arming = Arming::Armed;
        let wanted = proposal.wanted;
        if wanted != state.told || !state.sent {
            let switches = rules::is_switch(envelope, state.told, wanted);
            if wanted != state.told {
                state.since = now;
            }
            state.told = wanted;
            state.told_at = now;
            state.tries = 0;
            state.effect = EffectState::default();
            state.outside.alarmed = false;
            state.outside.corrections = 0;
            if switches {
                state.switched_at = now;
                state.is_switching = true;
                state.switches.push(now);
                if proposal.class != Class::Asked {
                    state.at_once.push(now);
                }
            }
        }
        if let Wanted::Contact(contact) = wanted {
            state.physical.may_become(contact);
        }
        state.sent = true;
        state.must_tell = false;
        state.settled = false;
        state.permitted_at = now;
        // Only what the device says after this write can contradict it.
        state.outside.actual = None;
        state.counter += 1;
        let own = now.after(envelope.lease);
        let valid_until = match proposal.class {
            Class::Asked => word_until.map_or(own, |until| until.min(own)),
            Class::Own | Class::Limit(_) => own,
        };
        let wait = if proposal.class == Class::Asked { RETRY_MOST } else { RETRY_MOST_OWN };
        state.retry_at = Some(valid_until.min(now.after(wait)).max(now.after(backoff(state.tries, wait))));
        let permit = Permit::new(OutputId(index as u32), wanted, session, state.counter, valid_until);
        let told = state.told;
        self.live.counters.permits += 1;
        if self.out.len() < self.out.capacity() {
            self.out.push(Output::Permit(permit));
        }
        self.show_facet(index, Facet::State, told.value());
        self.show_since(index);
    }

    /// Shows limits since when an output is what it is.
    pub(crate) fn show_since(&mut self, index: usize) {
        let Some(state) = self.live.outputs.get(index) else { return };
        let since = Finite::saturating(state.since.nanos() as f64 / 1e9);
        self.show_facet(index, Facet::Since, Value::Number(since));
    }

    /// What others must know: partners of interlocks, shedding, the journal.
    fn follow_up(&mut self, index: usize, proposal: &Proposal, old: &Before) {
        let output = OutputId(index as u32);
        let moved = proposal.wanted != old.told;
        if moved || proposal.claim.is_some() != old.claim.is_some() {
            self.urge_partners(index);
        }
        if moved {
            self.load_moved(index, proposal, old.told);
        }
        if moved && proposal.cause != Cause::Asked {
            // Where it is now, something else may be what holds it.
            self.work.outputs.mark(index);
        }
        let asks_back = |state: &OutputState| state.word.is_some_and(|word| word.is_restoration);
        if proposal.wanted == Wanted::OPEN && self.live.output(output).is_some_and(asks_back) {
            self.wait_for_restoration(output);
        }
        if old.cause == Some(proposal.cause) {
            return;
        }
        match proposal.cause {
            Cause::MaxClosed if moved => self.event(GuardEvent::MaxClosed { output }),
            Cause::MaxSwitches => self.event(GuardEvent::SwitchesSpent { output }),
            Cause::Restless => self.event(GuardEvent::Restless { output }),
            Cause::Interlock(interlock) if moved => {
                self.event(GuardEvent::InterlockActed { interlock, output })
            }
            _ => {}
        }
    }

    /// The partners of an output look at their interlocks again.
    pub(crate) fn urge_partners(&mut self, index: usize) {
        let plan = self.plan;
        for (interlock, _) in plan.tables.interlocks.get(index).map_or(&[][..], |list| list) {
            let members = plan.set.interlocks.get(usize::from(*interlock)).map_or(&[][..], |i| &i.members);
            for (output, _) in members.iter().filter(|(output, _)| output.index() != index) {
                self.urge(*output);
            }
        }
    }

    fn set_timer(&mut self, index: usize, envelope: &Envelope, proposal: &Proposal) {
        let now = self.now;
        let mut wake = proposal.wake;
        // The class timer covers what renewals lend; the rest of a word is its own.
        if let Some((until, own)) = self.word_until(index)
            && own == until
        {
            wake = wake.min(until);
        }
        let Some(state) = self.live.outputs.get(index) else { return };
        if let Some(retry) = state.retry_at.filter(|_| !state.settled) {
            wake = wake.min(retry);
        }
        wake = wake.min(refresh_at(state, envelope).unwrap_or(Mono::MAX));
        if let Some(longest) = envelope.max_closed.filter(|_| rules::is_engaged(envelope, state.told)) {
            let due = state.switched_at.after(longest);
            wake = wake.min(if due > now { due } else { Mono::MAX });
        }
        if wake <= now {
            wake = now.after(Span::from_millis(1));
        }
        self.work.timers.set(index as u32, wake);
    }

    /// Tells the answer, if it changed.
    fn answer(&mut self, index: usize, envelope: &Envelope, proposal: &Proposal) {
        let Some(state) = self.live.outputs.get(index) else { return };
        let speaks = state.word.is_some();
        let (mut outcome, mut cause) = (proposal.outcome, proposal.cause);
        if outcome == Outcome::Granted {
            let trouble = if state.is_unreachable {
                Some(Cause::Unreachable)
            } else if state.effect.alarmed {
                Some(Cause::NoEffect)
            } else if state.outside.alarmed {
                Some(Cause::OutsideChange)
            } else {
                None
            };
            if let Some(trouble) = trouble {
                (outcome, cause) = (Outcome::Held, trouble);
            }
        }
        let witness = proposal.witness.or_else(|| self.witness_of(cause, envelope));
        let verdict = Verdict {
            output: OutputId(index as u32),
            asked: if speaks { state.asked } else { envelope.default },
            state: state.told,
            since: state.since,
            outcome,
            cause,
            witness: witness.map(|point| self.witnessed(point)),
            next_change: proposal.next_change.filter(|moment| *moment < Mono::MAX),
            awaits_restoration: state.awaits,
        };
        let is_news = state.verdict.is_none_or(|last| differs(&last, &verdict));
        if !is_news {
            return;
        }
        let was = state.verdict.map(|last| (last.outcome, last.cause));
        if verdict.outcome == Outcome::Changed && was != Some((verdict.outcome, verdict.cause)) {
            self.live.counters.interventions += 1;
        }
        if let Some(state) = self.live.outputs.get_mut(index) {
            state.verdict = Some(verdict);
        }
        if self.out.len() < self.out.capacity() {
            self.out.push(Output::Verdict(verdict));
        }
    }

    fn witness_of(&self, cause: Cause, envelope: &Envelope) -> Option<PointId> {
        match cause {
            Cause::Limit(limit) => self.witness(usize::from(limit)),
            Cause::NoEffect => envelope.effect.as_ref().map(|effect| effect.point),
            Cause::Stage(_) | Cause::Bulk | Cause::AwaitsRestoration | Cause::Futile => {
                self.plan.set.shedding.as_ref().and_then(|shedding| shedding.source.first().copied())
            }
            Cause::AtStart => {
                let tables = &self.plan.tables;
                let index = envelope.output.index();
                let lists = [tables.forces.get(index), tables.derates.get(index)];
                let mut limits = lists.into_iter().flatten().flatten();
                limits
                    .find(|(limit, _)| !self.is_armed(*limit))
                    .and_then(|(limit, _)| self.witness(usize::from(*limit)))
            }
            _ => None,
        }
    }

    fn witnessed(&self, point: PointId) -> Witness {
        let reading = self.live.snapshot.reading(point);
        let quality = self.live.snapshot.quality(point, self.now);
        Witness::of(self.plan.catalog.point(point), point, reading, quality, self.now)
    }

    /// What became of a write.
    pub(crate) fn written(&mut self, output: OutputId, counter: u64, ok: bool) {
        let now = self.now;
        let Some(state) = self.live.outputs.get_mut(output.index()) else { return };
        if counter != state.counter || !state.sent || state.settled {
            return;
        }
        let was_unreachable = state.is_unreachable;
        if ok {
            // Telling the same again moves nothing; only a switching that was not confirmed yet counts from here.
            if core::mem::replace(&mut state.is_switching, false) {
                state.moved_at = now;
                if was_unreachable {
                    // Nobody heard it when it was told: it is so from here on.
                    state.since = now;
                }
            }
            state.settled = true;
            state.settled_at = now;
            state.retry_at = None;
            state.tries = 0;
            state.is_unreachable = false;
            state.unreachable_since = None;
            state.confirmed = Some(state.told);
            if let Wanted::Contact(contact) = state.told {
                state.physical.is_now(contact, now);
            }
        } else {
            state.retry_at = Some(now.after(backoff(state.tries, RETRY_MOST_OWN)));
            state.is_unreachable = true;
            state.unreachable_since.get_or_insert(now);
        }
        match (was_unreachable, ok) {
            (false, false) => self.event(GuardEvent::Unreachable { output }),
            (true, true) => {
                self.event(GuardEvent::Reachable { output });
                self.show_since(output.index());
            }
            _ => {}
        }
        self.work.outputs.mark(output.index());
        self.urge_partners(output.index());
    }
}

/// An output before a review changed it.
struct Before {
    told: Wanted,
    was_sent: bool,
    cause: Option<Cause>,
    claim: Option<crate::state::Claim>,
}

/// Remembers what the decision means for later ones.
fn note_cause(state: &mut OutputState, envelope: &Envelope, proposal: &Proposal, is_load: bool, now: Mono) {
    max_closed::follow(state, envelope, proposal.wanted, now);
    if proposal.wanted == Wanted::CLOSED && state.told == Wanted::OPEN {
        state.awaits = false;
        state.shed_by = None;
    }
    let was_cut = matches!(proposal.cause, Cause::Silence | Cause::AtStart);
    let opens = proposal.wanted == Wanted::OPEN && (state.told == Wanted::CLOSED || !state.sent);
    if is_load && was_cut && opens {
        state.cut(ShedBy::Outage);
    }
}

/// When a device with a timer of its own must be told again. Not while someone else has moved it: what may be left alone
/// is not undone by a renewal.
fn refresh_at(state: &OutputState, envelope: &Envelope) -> Option<Mono> {
    let is_left = !state.acts_at_once && outside::is_moved(envelope, state);
    let refresh = envelope.refresh.filter(|_| state.sent && !is_left && state.told != envelope.safe)?;
    Some(state.permitted_at.after(refresh))
}

fn backoff(tries: u8, most: Span) -> Span {
    RETRY_FIRST.times(1 << u64::from(tries.min(6))).min(most)
}

/// Whether an answer says something else; the value and age of its witness alone are no news.
fn differs(last: &Verdict, new: &Verdict) -> bool {
    let bare = |verdict: &Verdict| Verdict { witness: None, ..*verdict };
    let point = |verdict: &Verdict| verdict.witness.map(|witness| witness.point);
    bare(last) != bare(new) || point(last) != point(new)
}
