//! The program's word at the guard: whose frames count, and until when what they said holds.

use super::super::site::OUTPUTS;
use super::terms::LEASE;
use ballast_model::frame::{Frame, Message};
use ballast_model::{Authority, Intent, Mono, Wanted};

/// What the program said of an output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) wanted: Wanted,
    pub(super) request: u64,
    pub(super) authority: Authority,
    pub(super) is_restoration: bool,
    until: Mono,
    session: u64,
}

/// The session and its words.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub(super) is_open: bool,
    session: u64,
    counter: u64,
    /// When everything said in it was last renewed.
    renewed: Option<Mono>,
    said: [Option<Word>; OUTPUTS],
    /// Since when nobody's word holds.
    silent_since: [Mono; OUTPUTS],
    /// The guard itself was told to end.
    is_over: bool,
}

impl Words {
    /// Nobody spoke yet.
    pub(super) fn new(now: Mono) -> Self {
        Self { silent_since: [now.after(LEASE); OUTPUTS], ..Self::default() }
    }

    /// The guard was started anew; it remembers the number of the last session within a boot.
    pub(super) fn restart(&mut self, now: Mono, is_power_cut: bool) {
        *self = Self { session: if is_power_cut { 0 } else { self.session }, ..Self::new(now) };
    }

    /// The word for an output, while it holds.
    pub(super) fn of(&self, output: usize) -> Option<Word> {
        self.said.get(output).copied().flatten()
    }

    pub(super) fn silent_since(&self, output: usize) -> Mono {
        self.silent_since.get(output).copied().unwrap_or(Mono::ZERO)
    }

    fn until(&self, word: &Word) -> Mono {
        let is_lent = self.is_open && word.session == self.session;
        let lent = self.renewed.filter(|_| is_lent).map_or(Mono::ZERO, |renewed| renewed.after(LEASE));
        word.until.max(lent)
    }

    /// A frame came; an intent that counts is given back with the number of its output.
    pub(super) fn hear(&mut self, frame: &Frame, now: Mono) -> Option<Intent> {
        if let Message::Hello { .. } = frame.message {
            if frame.session > self.session && frame.session <= now.nanos() {
                self.close();
                (self.session, self.counter, self.is_open) = (frame.session, frame.counter, true);
                self.renewed = None;
            }
            return None;
        }
        if !self.is_open || frame.session != self.session {
            return None;
        }
        if frame.counter != self.counter + 1 {
            self.close();
            return None;
        }
        self.counter = frame.counter;
        match frame.message {
            Message::Intent(intent) => return Some(intent),
            Message::Renew => self.renewed = Some(now),
            Message::Bye => self.close(),
            Message::Hello { .. } | Message::Reading { .. } => {}
        }
        None
    }

    /// What an output shall be.
    pub(super) fn say(&mut self, output: usize, intent: &Intent, now: Mono) {
        let word = Word {
            wanted: intent.wanted,
            request: intent.request,
            authority: intent.authority,
            is_restoration: intent.is_restoration,
            until: now.after(LEASE),
            session: self.session,
        };
        if let Some(place) = self.said.get_mut(output) {
            *place = Some(word);
        }
    }

    /// The session ends; what a renewal lent stays lent.
    pub(super) fn close(&mut self) {
        if !self.is_open {
            return;
        }
        for place in 0..OUTPUTS {
            if let Some(word) = self.of(place) {
                let until = self.until(&word);
                self.said[place] = Some(Word { until, ..word });
            }
        }
        self.is_open = false;
    }

    /// The guard is told to end: nobody's word holds any more.
    pub(super) fn end(&mut self, now: Mono) {
        self.close();
        for (word, since) in self.said.iter_mut().zip(&mut self.silent_since) {
            if word.take().is_some() {
                *since = now;
            } else {
                *since = (*since).min(now);
            }
        }
        self.is_over = true;
    }

    /// Words that have run out by now. Who lets one run out has been silent: his session is over.
    pub(super) fn lapse(&mut self, now: Mono) {
        let mut is_silent = false;
        for place in 0..OUTPUTS {
            let Some(word) = self.of(place) else { continue };
            let until = self.until(&word);
            if now >= until {
                is_silent |= word.session == self.session;
                (self.said[place], self.silent_since[place]) = (None, until);
            }
        }
        if is_silent {
            self.close();
        }
    }
}
