//! What must come of it all, for two contacts that are never closed together. Written from the text of the manual
//! (`docs/manual/en/safety.md`) and nothing else: it knows what was said, measured and confirmed, and when; of the guard it
//! sees its permits alone.
//!
//! It goes both ways: nothing is closed that may not be, nothing is opened without a reason, what must be open has been
//! told so when the guard rests, and what may be closed and is asked for is closed then.

use super::ticks;
use ballast_model::{Mono, Span, Wanted};

/// One that a limit opens when it is hot (a latch), with a longest time.
pub const HEATER: usize = 0;
/// One that stays as it is for a tick when nobody speaks.
pub const PUMP: usize = 1;
pub const OUTPUTS: usize = 2;

pub const LEASE: Span = ticks(2);
pub const MAX_AGE: Span = Span::from_secs(15);
pub const GRACE: Span = ticks(1);
pub const LONGEST: Span = ticks(3);
pub const SILENCE: Span = ticks(1);
pub const SHORTEST_OPEN: Span = ticks(1);
/// Of the pump alone.
pub const SHORTEST_CLOSED: Span = ticks(1);
/// Between one of them open and the other closed: as it begins, and tightened.
pub const DEAD_TIME: [Span; 2] = [ticks(1), ticks(2)];

/// What a reading says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heat {
    Cool,
    /// At the limit, which is not above it.
    Warm,
    Hot,
    Lost,
}

/// A word of the program about one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heard {
    pub closed: bool,
    pub until: Mono,
    /// In the session that is open now.
    pub in_session: bool,
}

/// What is known of one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// What it was told since the start.
    pub told: Option<bool>,
    /// What it physically may be, whatever was confirmed.
    pub may_be_closed: bool,
    pub may_be_open: bool,
    /// The guard was told by its device that it is open, and has not closed it since.
    pub is_surely_open: bool,
    /// Since when that is so.
    pub left_closed: Mono,
    /// When its last switching was told, or confirmed.
    pub switched_at: Mono,
    pub confirmed_at: Mono,
    pub is_switching: bool,
    pub heard: Option<Heard>,
    pub silent_since: Mono,
    pub is_stopped: bool,
    /// Its request has been served since it was closed.
    pub is_served: bool,
    /// Its request had its longest time and has not ended.
    pub is_spent: bool,
    pub has_started: bool,
}

/// What is known of everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Oracle {
    pub now: Mono,
    pub started_at: Mono,
    pub outputs: [Known; OUTPUTS],
    pub reading: Option<(Heat, Mono)>,
    pub is_open: bool,
    /// The limit: acts, only since nothing was ever known, is clear and waits for a person; its point was known since the
    /// start.
    pub acts: bool,
    pub is_soft: bool,
    pub is_latched: bool,
    pub is_armed: bool,
    /// Which dead time is in force.
    pub dead_time: usize,
}

impl Oracle {
    pub fn new(now: Mono) -> Self {
        let known = Known {
            told: None,
            may_be_closed: false,
            may_be_open: true,
            is_surely_open: false,
            left_closed: Mono::ZERO,
            switched_at: now,
            confirmed_at: now,
            is_switching: false,
            heard: None,
            silent_since: now,
            is_stopped: false,
            is_served: false,
            is_spent: false,
            has_started: false,
        };
        Self {
            now,
            started_at: now,
            outputs: [known; OUTPUTS],
            reading: None,
            is_open: false,
            acts: false,
            is_soft: false,
            is_latched: false,
            is_armed: false,
            dead_time: 0,
        }
    }

    /// Time has come to this moment.
    pub fn advance(&mut self, now: Mono) {
        self.now = now;
        let mut ended = false;
        for known in &mut self.outputs {
            if let Some(heard) = known.heard.filter(|heard| heard.until <= now) {
                (known.heard, known.silent_since) = (None, heard.until);
                ended |= heard.in_session;
            }
        }
        if ended {
            self.close_session();
        }
        self.follow_limit();
        self.follow_start();
    }

    /// What is said in a session that has ended is not renewed any more.
    pub fn close_session(&mut self) {
        self.is_open = false;
        self.outputs
            .iter_mut()
            .filter_map(|known| known.heard.as_mut())
            .for_each(|heard| heard.in_session = false);
    }

    pub fn hear_hello(&mut self) {
        self.close_session();
        self.is_open = true;
    }

    pub fn hear(&mut self, output: usize, closed: bool) {
        let known = &mut self.outputs[output];
        known.heard = Some(Heard { closed, until: self.now.after(LEASE), in_session: true });
        if !closed {
            // Nobody asks any more: the request has ended.
            (known.is_served, known.is_spent) = (false, false);
        }
        self.follow_start();
    }

    pub fn hear_renewal(&mut self) {
        let until = self.now.after(LEASE);
        let heard = self.outputs.iter_mut().filter_map(|known| known.heard.as_mut());
        heard.filter(|heard| heard.in_session).for_each(|heard| heard.until = heard.until.max(until));
    }

    pub fn measure(&mut self, heat: Heat) {
        self.reading = Some((heat, self.now));
        self.follow_limit();
        self.follow_start();
    }

    pub fn stop(&mut self) {
        self.outputs.iter_mut().for_each(|known| known.is_stopped = true);
    }

    pub fn reset(&mut self) {
        self.outputs.iter_mut().for_each(|known| known.is_stopped = false);
        if self.is_latched {
            (self.acts, self.is_soft, self.is_latched) = (false, false, false);
        }
    }

    /// Whether it is too hot, where that is known.
    fn truth(&self) -> Option<bool> {
        let (heat, at) = self.reading.filter(|(heat, _)| *heat != Heat::Lost)?;
        (self.now <= at.after(MAX_AGE)).then_some(heat == Heat::Hot)
    }

    fn follow_limit(&mut self) {
        let truth = self.truth();
        self.is_armed |= truth.is_some();
        if !self.acts {
            let may_wait = !self.is_armed && self.now < self.started_at.after(GRACE);
            self.acts = truth != Some(false) && !may_wait;
            self.is_soft = self.acts && !self.is_armed;
            return;
        }
        self.is_soft &= truth != Some(true);
        if self.is_soft && truth == Some(false) {
            (self.acts, self.is_soft) = (false, false);
        }
        self.is_latched = self.acts && truth == Some(false);
    }

    /// An output leaves its start when its limit's point was known and the program spoke, or had the time of a lease.
    fn follow_start(&mut self) {
        let had_time = self.now >= self.started_at.after(LEASE);
        for (index, known) in self.outputs.iter_mut().enumerate().filter(|(_, known)| !known.has_started) {
            if (known.heard.is_some() || had_time) && (index != HEATER || self.is_armed) {
                known.has_started = true;
                if known.heard.is_none() {
                    known.silent_since = self.now.min(self.started_at.after(LEASE));
                }
            }
        }
    }

    /// Another guard begins, at the same moment, with what the last one wrote down.
    pub fn restart(&mut self, is_power_cut: bool) {
        let now = self.now;
        self.started_at = now;
        self.is_open = false;
        self.is_armed = false;
        if is_power_cut {
            self.reading = None;
        }
        if self.is_soft {
            (self.acts, self.is_soft, self.is_latched) = (false, false, false);
        }
        for known in &mut self.outputs {
            (known.heard, known.silent_since, known.has_started) = (None, now, false);
            // What was written down may be older than the last thing that was told: where it is its device must say.
            known.is_surely_open = false;
            if is_power_cut {
                (known.switched_at, known.confirmed_at, known.is_switching) = (now, now, false);
                (known.told, known.left_closed) = (None, Mono::ZERO);
                known.is_served = false;
            }
        }
        self.follow_limit();
        self.follow_start();
    }

    /// Why an output must be open now, if it must.
    pub fn must_open(&self, output: usize) -> Option<&'static str> {
        let known = &self.outputs[output];
        let stays =
            output == PUMP && known.told == Some(true) && self.now < known.silent_since.after(SILENCE);
        let is_closed = known.told == Some(true);
        match () {
            () if !known.has_started => Some("it starts"),
            () if known.is_stopped => Some("a person said now"),
            () if output == HEATER && self.acts => Some("its limit acts"),
            () if known.heard.is_none() && !stays => Some("nobody speaks"),
            () if output == HEATER && is_closed && self.now >= known.switched_at.after(LONGEST) => {
                Some("its longest time is over")
            }
            () => None,
        }
    }

    /// Until when it must stay as it is.
    fn rests_until(&self, output: usize) -> Mono {
        let known = &self.outputs[output];
        let shortest = match (known.told == Some(true), output) {
            (true, PUMP) => SHORTEST_CLOSED,
            (true, _) => Span::ZERO,
            (false, _) => SHORTEST_OPEN,
        };
        known.switched_at.max(known.confirmed_at).after(shortest)
    }

    /// Why its partner keeps it open, if it does.
    fn partner_is_in_the_way(&self, output: usize) -> bool {
        let partner = &self.outputs[1 - output];
        !partner.is_surely_open || self.now < partner.left_closed.after(DEAD_TIME[self.dead_time])
    }

    /// Whether it must be closed when the guard rests.
    pub fn must_close(&self, output: usize) -> bool {
        let known = &self.outputs[output];
        let is_asked = known.heard.is_some_and(|heard| heard.closed) && !known.is_spent;
        let is_free = known.told == Some(true)
            || (self.now >= self.rests_until(output) && !self.partner_is_in_the_way(output));
        is_asked && is_free && self.must_open(output).is_none()
    }

    /// The guard tells an output something: the fault, if that may not be.
    pub fn hear_permit(&mut self, output: usize, wanted: Wanted, valid_until: Mono) -> Option<&'static str> {
        let closed = wanted == Wanted::CLOSED;
        let fault = if closed { self.against_closing(output) } else { self.against_opening(output) };
        let known = &mut self.outputs[output];
        if valid_until > self.now.after(LEASE) {
            return Some("a permit is valid beyond the lease");
        }
        if closed != (known.told == Some(true)) || known.told.is_none() {
            let is_switch = closed != known.told.unwrap_or(false);
            if is_switch {
                if !closed && output == HEATER && self.now >= known.switched_at.after(LONGEST) {
                    known.is_spent |= known.is_served;
                }
                known.is_served = false;
                (known.switched_at, known.is_switching) = (self.now, true);
            }
        }
        known.told = Some(closed);
        if closed {
            (known.may_be_closed, known.is_surely_open) = (true, false);
            known.is_served |= known.heard.is_some_and(|heard| heard.closed);
        } else {
            known.may_be_open = true;
        }
        fault
    }

    fn against_closing(&self, output: usize) -> Option<&'static str> {
        let (known, partner) = (&self.outputs[output], &self.outputs[1 - output]);
        let is_asked = known.heard.is_some_and(|heard| heard.closed);
        let is_new = known.told != Some(true);
        match () {
            () if self.must_open(output).is_some() => self.must_open(output),
            () if is_new && !is_asked => Some("nobody asked for closed"),
            () if is_new && known.is_spent => Some("closed again for a request that had its longest time"),
            () if is_new && self.now < self.rests_until(output) => {
                Some("closed before its time open was over")
            }
            () if partner.may_be_closed => Some("closed while its partner may be closed"),
            () if is_new && self.partner_is_in_the_way(output) => Some("closed within the dead time"),
            () => None,
        }
    }

    fn against_opening(&self, output: usize) -> Option<&'static str> {
        let known = &self.outputs[output];
        if known.told != Some(true) || self.must_open(output).is_some() {
            return None;
        }
        match known.heard {
            Some(heard) if heard.closed && !known.is_spent => Some("opened without a reason"),
            Some(_) if self.now < self.rests_until(output) => Some("opened before its time closed was over"),
            Some(_) => None,
            None => Some("opened although it stays as it is while nobody speaks"),
        }
    }

    /// Its device answers what it was told last.
    pub fn hear_device(&mut self, output: usize, ok: bool) {
        let (now, known) = (self.now, &mut self.outputs[output]);
        let Some(closed) = known.told.filter(|_| ok) else { return };
        if std::mem::take(&mut known.is_switching) {
            known.confirmed_at = now;
        }
        (known.may_be_closed, known.may_be_open) = (closed, !closed);
        if !closed && !std::mem::replace(&mut known.is_surely_open, true) {
            known.left_closed = now;
        }
    }

    /// Served is who is asked for and closed, at every rest.
    pub fn rest(&mut self) -> Option<&'static str> {
        for output in 0..OUTPUTS {
            if self.must_open(output).is_some() && self.outputs[output].told != Some(false) {
                return Some("what must be open was not told so");
            }
            if self.must_close(output) && self.outputs[output].told != Some(true) {
                return Some("what is asked for and may be closed is not");
            }
            let is_over = self.outputs[output].heard.is_some_and(|heard| !heard.closed);
            if is_over && self.outputs[output].told == Some(true) && self.now >= self.rests_until(output) {
                return Some("what nobody asks for any more stays closed");
            }
            let known = &mut self.outputs[output];
            known.is_served |= known.told == Some(true) && known.heard.is_some_and(|heard| heard.closed);
        }
        let [one, other] = &self.outputs;
        (one.may_be_closed && other.may_be_closed).then_some("both may be closed")
    }
}
