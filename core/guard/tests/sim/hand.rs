//! Devices that do something else than they were told: someone else moved them, or their effect does not show.
#![allow(unreachable_pub, reason = "part of a test")]

use super::observer::*;
use super::site::*;
use crate::kit::*;
use ballast_guard::Guard;
use ballast_model::{Mono, OutputId, Span, Wanted};

/// What is known of one output beyond what it was told.
#[derive(Clone, Copy)]
pub struct Device {
    /// The last permit was confirmed, when, and the device did not go away since.
    pub is_settled: bool,
    pub settled_at: Mono,
    /// When it first confirmed anything since the guard was started.
    pub heard_at: Option<Mono>,
    /// What the device said since the last permit.
    pub says: Option<Wanted>,
    /// When someone last moved it.
    pub moved_at: Mono,
    /// Whether something acted on it at once when the last step ended.
    was_at_once: bool,
    /// How often it was corrected without a long pause, and when last: surely so, and at most so.
    corrections: (u32, u32),
    corrected_at: (Mono, Mono),
    is_alarmed: bool,
    was_alarmed: bool,
    follow_until: Option<Mono>,
    /// When its last permit was made.
    told_at: Mono,
    /// When its own timer brings it back to safe.
    pub reverts_at: Mono,
    /// Its timer ran out because nobody renewed it in time: it must be told again.
    ran_out: bool,
    /// The guard said in this step that someone moved it.
    was_found: bool,
}

impl Device {
    pub const NEW: Self = Self {
        is_settled: false,
        settled_at: Mono::ZERO,
        heard_at: None,
        says: None,
        moved_at: Mono::ZERO,
        was_at_once: true,
        corrections: (0, 0),
        corrected_at: (Mono::ZERO, Mono::ZERO),
        is_alarmed: false,
        was_alarmed: false,
        follow_until: None,
        told_at: Mono::ZERO,
        reverts_at: Mono::MAX,
        ran_out: false,
        was_found: false,
    };

    /// Another guard takes over.
    pub fn restarted(&self) -> Self {
        Self { moved_at: self.moved_at, reverts_at: self.reverts_at, ..Self::NEW }
    }

    /// Someone else is right about it.
    pub fn is_followed(&self, now: Mono) -> bool {
        self.follow_until.is_some_and(|until| now < until)
    }

    /// Goes away and may forget what it was told.
    pub fn leave(&mut self) {
        (self.is_settled, self.says) = (false, None);
    }

    /// A permit was made for it.
    fn be_told(&mut self, is_news: bool, now: Mono) {
        self.leave();
        (self.told_at, self.ran_out, self.was_found) = (now, false, false);
        if is_news {
            (self.corrections, self.is_alarmed) = ((0, 0), false);
        }
    }
}

/// What is known of the heater's effect.
#[derive(Clone, Copy, Default)]
pub struct EffectWatch {
    missing_since: Option<Mono>,
    was_retried: bool,
    pub is_alarmed: bool,
    /// It must be told again in this step.
    retries: bool,
}

fn is_same(index: usize, one: Wanted, other: Wanted) -> bool {
    match (one, other) {
        // Half a per cent of its range of 3000 W, which is more than its step.
        (Wanted::Level(one), Wanted::Level(other)) if index == BATTERY => {
            (one.get() - other.get()).abs() <= 15.0
        }
        _ => one == other,
    }
}

impl Observer {
    /// Whether a device says since its last confirmed write that it is something else.
    fn differs(&self, index: usize) -> bool {
        let (watched, device) = (&self.outputs[index], &self.outputs[index].device);
        let differs =
            matches!((device.says, watched.told), (Some(says), Some(told)) if !is_same(index, says, told));
        differs && device.is_settled
    }

    /// A device is put into a state, by whom ever: its own timer begins anew, where it has one and is not at safe.
    pub fn put(&mut self, index: usize, state: Wanted) {
        let timer = half(index).filter(|_| state != Self::safe(index)).map(|half| half.times(2));
        let watched = &mut self.outputs[index];
        if state == OPEN && watched.physical == Some(CLOSED) {
            watched.left_closed = self.now;
        }
        watched.physical = Some(state);
        watched.device.reverts_at = timer.map_or(Mono::MAX, |timer| self.now.after(timer));
    }

    /// When the next device goes back by its own timer.
    pub fn next_revert(&self) -> Mono {
        self.outputs.iter().map(|watched| watched.device.reverts_at).min().unwrap_or(Mono::MAX)
    }

    /// A device says what it is, and someone may have moved it. Where its timer ran out because it was told nothing for the
    /// whole of it, it is nobody.
    pub fn hear_device(&mut self, index: usize, says: Wanted) {
        let (watched, safe) = (&self.outputs[index], Self::safe(index));
        let timer = half(index).filter(|_| watched.device.is_settled).map(|half| half.times(2));
        let is_late = timer.is_some_and(|timer| self.now >= watched.device.told_at.after(timer));
        let is_back =
            is_same(index, says, safe) && watched.told.is_some_and(|told| !is_same(index, says, told));
        let ran_out = is_late && is_back && !self.differs(index);
        if watched.physical != Some(says) {
            self.put(index, says);
            let watched = &mut self.outputs[index];
            watched.device.moved_at = self.now;
            if says == CLOSED {
                watched.left_closed = Mono::MAX;
            }
        }
        if ran_out {
            self.expect(News::TimerRanOut(index));
        }
        let watched = &mut self.outputs[index];
        // Who moves it away from safe afterwards is judged as anybody who moved it.
        watched.device.ran_out = ran_out || (watched.device.ran_out && is_same(index, says, safe));
        watched.device.says = Some(says).filter(|_| !ran_out);
    }

    /// The device said long enough after it confirmed its last write that it is something else.
    fn is_moved(&self, index: usize) -> bool {
        self.differs(index) && self.now >= self.outputs[index].device.settled_at.after(SETTLES)
    }

    /// Whether anything may act on it at once.
    fn may_act_at_once(&self, index: usize) -> bool {
        let watched = &self.outputs[index];
        watched.is_stopped
            || watched.device.was_at_once
            || self.word(index).is_none()
            || self.is_starting(index)
            || self.is_spent(index)
            || self.forced(index).is_some()
            || self.partner(index).is_some_and(|partner| self.keeps_others_open(partner))
            || (index == BATTERY && self.cap() != (f64::MIN, f64::MAX))
            || (index == GENSET && self.limits[0].acts)
    }

    /// Whether it is closed as far as anybody knows, or was a moment ago: a device that is out of reach may have gone back by
    /// its own timer, and nobody hears of it.
    pub fn keeps_others_open(&self, index: usize) -> bool {
        let (watched, device) = (&self.outputs[index], &self.outputs[index].device);
        let is_heard_of = device.is_settled && device.says != Some(CLOSED);
        let is_lost = half(index).is_some() && !is_heard_of;
        let is_dead_time = self.now < watched.left_closed.after(DEAD_TIME);
        // What was kept over a restart may be older than its last move: it left when it first confirms that, and not later.
        let is_unheard = device.heard_at.is_none_or(|heard| self.now < heard.after(DEAD_TIME));
        watched.told == Some(CLOSED)
            || watched.physical != Some(OPEN)
            || is_dead_time
            || is_lost
            || is_unheard
    }

    /// Whether something surely acts on it at once: a limit, a person, silence.
    fn acts_surely(&self, index: usize) -> bool {
        let is_silent = !self.is_starting(index) && self.is_silenced(index);
        self.forced(index).is_some() || self.outputs[index].is_stopped || is_silent
    }

    /// The guard says that someone else moved an output.
    pub fn hear_outside(&mut self, index: usize, told: Wanted, actual: Wanted, guard: &Guard) {
        let device = self.outputs[index].device;
        if !self.is_moved(index) || self.outputs[index].told != Some(told) || device.says != Some(actual) {
            self.fail(index, actual, "nobody moved it");
        }
        if [VALVE, BATTERY].contains(&index) {
            let (state, until) = (guard.output(OutputId(index as u32)), Some(self.now.after(FOLLOW)));
            // At one moment it may be followed twice, and the second time not.
            let is_new = |told: Wanted| device.follow_until != until || told == actual;
            if state.is_some_and(|state| state.outside.follow_until == until && is_new(state.told)) {
                self.follow(index, actual);
            }
        } else if !self.may_act_at_once(index) {
            if index == FAN {
                self.outputs[index].device.corrections.0 += 1;
                self.outputs[index].device.corrected_at.0 = self.now;
                if self.outputs[index].device.corrections.0 > CORRECTIONS {
                    self.fail(index, actual, "corrected too often");
                }
            } else if device.is_alarmed {
                self.fail(index, actual, "one difference, two alarms");
            }
        }
        let device = &mut self.outputs[index].device;
        if !std::mem::replace(&mut device.was_found, true) {
            device.was_alarmed = device.is_alarmed;
        }
        device.is_alarmed = true;
        device.corrections.1 += 1;
        device.corrected_at.1 = self.now;
    }

    /// The guard says that correcting did not help.
    pub fn hear_not_corrected(&mut self, index: usize) {
        let device = self.outputs[index].device;
        let told = self.outputs[index].told.unwrap_or(OPEN);
        let alarmed = &mut self.outputs[index].device;
        (alarmed.was_alarmed, alarmed.is_alarmed) = (true, true);
        let has_tried = index != FAN || (device.corrections.1 >= CORRECTIONS && !device.is_alarmed);
        if !has_tried || !self.is_moved(index) {
            self.fail(index, told, "given up without a reason");
        }
    }

    /// What was found counts as told.
    fn follow(&mut self, index: usize, actual: Wanted) {
        self.check_value(index, actual);
        if index == BATTERY && !self.is_within_cap(actual) {
            self.fail(index, actual, "followed beyond what the temperature leaves");
        }
        let (now, safe) = (self.now, Self::safe(index));
        let watched = &mut self.outputs[index];
        let engaged = |wanted: Wanted| if index == BATTERY { wanted != safe } else { wanted == CLOSED };
        if engaged(watched.told.unwrap_or(safe)) != engaged(actual) {
            (watched.switched_at, watched.confirmed_at, watched.is_switching) = (now, now, false);
            watched.switches.push(now);
            watched.served.clear();
        }
        (watched.told, watched.told_at) = (Some(actual), now);
        watched.device.follow_until = Some(now.after(FOLLOW));
    }

    /// Whether half of its device's own timer is over, and it is away from safe.
    fn must_renew(&self, index: usize) -> bool {
        let watched = &self.outputs[index];
        let is_over = |half: Span| self.now >= watched.device.told_at.after(half);
        watched.told != Some(Self::safe(index)) && half(index).is_some_and(is_over)
    }

    /// Before the values of a permit are judged: whether there is a reason to say this now.
    pub fn check_reason(&mut self, index: usize, wanted: Wanted) {
        let (watched, device) = (&self.outputs[index], self.outputs[index].device);
        let is_repeated = watched.told == Some(wanted);
        let is_moved = self.is_moved(index)
            && match index {
                VALVE | BATTERY => true,
                FAN => device.was_found,
                _ => self.may_act_at_once(index),
            };
        let is_renewed = self.must_renew(index) && (!self.differs(index) || self.may_act_at_once(index));
        let is_retried = index == HEATER && std::mem::take(&mut self.effect.retries);
        if is_moved && is_repeated {
            // What is told again is no alarm.
            self.outputs[index].device.is_alarmed = device.was_alarmed;
        }
        let has_reason = is_moved || is_retried || is_renewed || device.ran_out;
        if is_repeated && device.is_settled && !has_reason {
            self.fail(index, wanted, "told again for no reason");
        }
        let follows = device.follow_until.is_some_and(|until| self.now < until);
        if !is_repeated && follows && !self.acts_at_once(index, wanted) && !self.may_act_at_once(index) {
            self.fail(index, wanted, "moved while someone else is right");
        }
        self.outputs[index].device.be_told(!is_repeated, self.now);
        if index == HEATER && !is_repeated {
            self.effect = EffectWatch::default();
        }
    }

    /// Where a device is again what it was told, the alarm is over; after a long pause the count begins anew.
    pub fn watch_devices(&mut self) {
        for (index, watched) in self.outputs.iter_mut().enumerate() {
            watched.device.was_found = false;
            let (Some(says), Some(told)) = (watched.device.says, watched.told) else { continue };
            if watched.device.is_settled && is_same(index, says, told) {
                watched.device.is_alarmed = false;
            }
            let device = &mut watched.device;
            let is_over = |at: Mono| !device.is_alarmed && self.now >= at.after(FORGOTTEN);
            if is_over(device.corrected_at.0) {
                device.corrections.0 = 0;
            }
            if is_over(device.corrected_at.1) {
                device.corrections.1 = 0;
            }
        }
    }

    /// What must be so of devices whenever the guard has nothing left to do.
    pub fn check_devices(&mut self) {
        for index in 0..OUTPUTS {
            let Some(told) = self.outputs[index].told else { continue };
            let device = self.outputs[index].device;
            if device.ran_out {
                self.fail(index, told, "its timer ran out, and it is not told again");
            }
            if self.must_renew(index) && device.is_settled && !self.differs(index) {
                self.fail(index, told, "not renewed at half of its timer");
            }
            if self.is_moved(index) {
                if self.acts_surely(index) {
                    self.fail(index, told, "left where someone put it although it must be so");
                }
                match index {
                    VALVE | BATTERY => self.fail(index, told, "neither followed nor told again"),
                    FAN if device.corrections.1 < CORRECTIONS => self.fail(index, told, "not corrected"),
                    _ if !device.is_alarmed => self.fail(index, told, "moved, and nobody hears of it"),
                    _ => {}
                }
            }
            self.outputs[index].device.was_at_once = self.outputs[index].is_stopped
                || self.word(index).is_none()
                || self.is_starting(index)
                || self.is_spent(index)
                || self.forced(index).is_some()
                || (index == GENSET && self.limits[0].acts);
        }
        let says =
            |index: usize| self.outputs[index].device.says.filter(|_| self.outputs[index].device.is_settled);
        for (one, other) in PAIRS {
            let told = |index: usize| self.outputs[index].told == Some(CLOSED);
            if told(one) && told(other) {
                self.fail(other, CLOSED, "both are told to be closed");
            }
            for (one, other) in [(one, other), (other, one)] {
                if told(one) && says(other) == Some(CLOSED) {
                    self.fail(one, CLOSED, "stays closed beside a partner that someone closed");
                }
            }
        }
    }

    /// A person starts anew what waits for one.
    pub fn reset_device(&mut self, index: usize, was_stopped: bool) {
        let device = &mut self.outputs[index].device;
        if was_stopped || device.is_alarmed || (index == HEATER && self.effect.is_alarmed) {
            (device.is_alarmed, device.corrections) = (false, (0, 0));
            if index == HEATER {
                (self.effect.is_alarmed, self.effect.was_retried) = (false, false);
            }
        }
    }

    /// The heater: told once more when its current does not show in time, an alarm when it still does not. Nothing is
    /// said of a current that nobody knows, nor while it is warm.
    pub fn watch_effect(&mut self) {
        self.effect.retries = false;
        let watched = &self.outputs[HEATER];
        let (now, is_settled, settled_at) = (self.now, watched.device.is_settled, watched.device.settled_at);
        let shows = self.known(CURRENT).map(|amperes| match watched.told {
            Some(CLOSED) => amperes > 0.05,
            _ => amperes < 0.02,
        });
        let is_excused = self.known(HOT).is_some_and(|degrees| degrees > 46.0);
        let effect = &mut self.effect;
        if shows != Some(false) || is_excused || !is_settled {
            effect.missing_since = None;
            if shows == Some(true) {
                effect.was_retried = false;
                if std::mem::take(&mut effect.is_alarmed) {
                    self.expect(News::EffectBack);
                }
            }
            return;
        }
        let due = (*effect.missing_since.get_or_insert(now)).max(settled_at).after(WITHIN);
        if now < due {
            return;
        }
        if !effect.was_retried {
            (effect.was_retried, effect.retries, effect.missing_since) = (true, true, None);
            self.expect(News::EffectRetried);
        } else if !effect.is_alarmed {
            effect.is_alarmed = true;
            self.expect(News::NoEffect);
        }
    }

    /// The heater has nothing that could make it wait.
    pub fn check_heater(&self) {
        let watched = &self.outputs[HEATER];
        let word = self.word(HEATER).filter(|heard| !watched.is_stopped && !heard.is_shed);
        let Some(heard) = word else { return };
        if !self.is_starting(HEATER) && watched.told.is_some_and(|told| told != heard.wanted) {
            self.fail(HEATER, heard.wanted, "asked, and nothing stands against it");
        }
    }
}

/// Never closed together.
pub const PAIRS: [(usize, usize); 2] = [(MAINS, GENSET), (VALVE, LAMP)];
