//! The engine's session: who may speak, and until when its word holds.
//!
//! The engine numbers its sessions so that a later one has a higher number (the moment of its start in nanoseconds
//! does). Within a session frames are counted without a gap. Whatever is unexpected ends the session; nothing else
//! happens: the leases run out. Silence for longer than the shortest lease ends it as well. A frame of a session that has
//! ended is thrown away and harms nobody, so that a process that was frozen and wakes up cannot go on where it stopped: it
//! must say hello, and everything anew.

use crate::bounds::SESSION_AHEAD;
use crate::events::{GuardEvent, SessionFault};
use crate::machine::Run;
use crate::plan::Envelope;
use crate::rules::max_closed::DEFAULT_REQUEST;
use crate::state::{Live, SessionState, Word};
use crate::tables::Plan;
use ballast_model::catalog::Facet;
use ballast_model::frame::{Frame, Message};
use ballast_model::{Authority, Intent, Mono, Span};

impl Run<'_> {
    /// Takes a frame of the engine.
    pub(crate) fn frame(&mut self, frame: &Frame) {
        let session = &self.live.session;
        if let Message::Hello { tables } = frame.message {
            self.hello(frame, tables);
            return;
        }
        if !session.is_open || frame.session != session.engine {
            self.refuse(frame, SessionFault::OldSession);
            return;
        }
        if frame.counter != session.counter.wrapping_add(1) {
            self.refuse(frame, SessionFault::Counter);
            self.close_session(SessionFault::Counter);
            return;
        }
        self.live.session.counter = frame.counter;
        self.live.counters.frames += 1;
        let lease = Span::from_millis(u64::from(frame.lease_ms));
        match frame.message {
            Message::Hello { .. } => {}
            Message::Intent(intent) => self.intent(frame, &intent, lease),
            Message::Reading { point, value } => self.reading(frame, point, value),
            Message::Renew => self.renew(lease),
            Message::Bye => self.close_session(SessionFault::Bye),
        }
    }

    pub(crate) fn refuse(&mut self, frame: &Frame, fault: SessionFault) {
        self.live.counters.refused_frames += 1;
        self.event(GuardEvent::FrameRefused { session: frame.session, fault });
    }

    fn hello(&mut self, frame: &Frame, tables: u64) {
        if frame.session <= self.live.session.engine {
            self.refuse(frame, SessionFault::OldSession);
            return;
        }
        // Whoever took the highest number of all would be the last one to speak.
        if frame.session > self.now.after(SESSION_AHEAD).nanos() {
            self.refuse(frame, SessionFault::Ahead);
            return;
        }
        if tables != self.plan.tables.table_hash {
            self.refuse(frame, SessionFault::Table);
            self.close_session(SessionFault::Table);
            return;
        }
        if self.live.session.is_open {
            self.close_session(SessionFault::Replaced);
        }
        let session = &mut self.live.session;
        session.engine = frame.session;
        session.counter = frame.counter;
        session.is_open = true;
        session.renewed_at = Mono::ZERO;
        session.current = session.current.saturating_add(1);
        self.live.counters.frames += 1;
        // The lapsed word of an earlier session comes back only by being said again.
        self.live.reported.iter_mut().filter(|_| self.live.reports.are_lapsed).for_each(|told| *told = None);
        self.hold_reports(Span::from_millis(u64::from(frame.lease_ms)));
        // Permits of the earlier session are stale at the doors from now on: what was not confirmed is told again.
        for (index, output) in self.live.outputs.iter_mut().enumerate() {
            if output.sent && !output.settled {
                output.must_tell = true;
                self.work.outputs.mark(index);
            }
        }
        self.event(GuardEvent::SessionOpened { session: frame.session });
    }

    fn intent(&mut self, frame: &Frame, intent: &Intent, lease: Span) {
        if intent.authority == Authority::Guard {
            self.refuse(frame, SessionFault::Authority);
            self.close_session(SessionFault::Authority);
            return;
        }
        let index = intent.output.index();
        let (Some(envelope), Some(output)) = (self.plan.envelope(index), self.live.outputs.get_mut(index))
        else {
            self.refuse(frame, SessionFault::UnknownOutput);
            self.close_session(SessionFault::UnknownOutput);
            return;
        };
        let is_default = intent.authority == Authority::Default;
        output.asked = if is_default { envelope.default } else { intent.wanted };
        output.authority = intent.authority;
        output.request = if is_default { DEFAULT_REQUEST } else { intent.request };
        output.holders.wins(intent.authority);
        output.spent.wins(intent.authority);
        output.word = Some(Word {
            session: self.live.session.current,
            until: self.now.after(envelope.lease.min(lease)),
            is_restoration: intent.is_restoration,
        });
        let asked = output.asked;
        self.show_facet(index, Facet::Wanted, asked.value());
        self.work.outputs.mark(index);
    }

    /// Everything said in this session holds for another lease. The outputs are not looked at one by one: only the
    /// moment at which a whole class of leases would run out is moved.
    fn renew(&mut self, lease: Span) {
        self.live.session.renewed_at = self.now;
        self.live.session.renewed_for = lease;
        self.hold_reports(lease);
        for (class, (length, _)) in self.plan.tables.leases.iter().enumerate() {
            self.work.timers.set(self.plan.key_lease(class), self.now.after((*length).min(lease)));
        }
    }

    /// Ends the session; what was said in it holds until its lease runs out.
    pub(crate) fn close_session(&mut self, fault: SessionFault) {
        if !self.live.session.is_open {
            return;
        }
        self.live.write_down_lent(self.plan);
        self.live.session.is_open = false;
        for (index, output) in self.live.outputs.iter().enumerate() {
            if output.word.is_some() {
                self.work.outputs.mark(index);
            }
        }
        self.event(GuardEvent::SessionClosed { session: self.live.session.engine, fault });
    }

    /// Until when the word for an output holds, with what renewals lend; the second is the part that is its own.
    pub(crate) fn word_until(&self, index: usize) -> Option<(Mono, Mono)> {
        let word = self.live.outputs.get(index)?.word?;
        Some((self.live.session.holds_until(&word, self.plan.envelope(index)?), word.until))
    }
}

impl SessionState {
    /// Until when a word holds, with what renewals lend.
    fn holds_until(&self, word: &Word, envelope: &Envelope) -> Mono {
        let is_lent = self.is_open && word.session == self.current && self.renewed_at > Mono::ZERO;
        let lent = self.renewed_at.after(envelope.lease.min(self.renewed_for));
        if is_lent { word.until.max(lent) } else { word.until }
    }
}

impl Live {
    /// What a renewal lent is written to each word, since the next session's renewals are not for these: for a session that
    /// is about to end.
    pub(crate) fn write_down_lent(&mut self, plan: &Plan) {
        for (output, envelope) in self.outputs.iter_mut().zip(&plan.set.envelopes) {
            if let Some(word) = &mut output.word {
                word.until = self.session.holds_until(word, envelope);
            }
        }
    }
}
