//! The devices behind the outputs: they obey writes alone, and each write has passed its door.

use super::dice::Dice;
use super::site::{CHARGE, CLINIC, FAN, HEATER, LAMP, NORTH, Places, SOUTH, TIMER};
use ballast_guard::{Door, Permit, Redeem};
use ballast_model::{Finite, Mono, Span, Wanted};

/// How often a device says what it is.
const POLL: Span = Span::from_secs(10);
/// Its own timer, where it has one; as the site's file says.
const REVERTS_AFTER: Span = Span::from_secs(40);

/// What an output is when nothing holds it: as the site's file says.
pub(super) fn safe(output: usize) -> Wanted {
    match output {
        CLINIC | NORTH | SOUTH => Wanted::CLOSED,
        CHARGE => Wanted::Level(Finite::ZERO),
        _ => Wanted::OPEN,
    }
}

/// Outputs that somebody moves by hand in a storm.
pub(super) const BY_HAND: [usize; 5] = [HEATER, TIMER, FAN, LAMP, CLINIC];

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) is: Wanted,
    /// Since when it is so.
    pub(super) since: Mono,
    door: Door,
    /// Does not answer until then.
    pub(super) off_until: Mono,
    /// Takes long until then.
    pub(super) slow_until: Mono,
    /// Its answers are lost until then.
    pub(super) mute_until: Mono,
    /// When somebody moved it last.
    pub(super) hand_at: Mono,
    /// When it was last told something that it took.
    told_at: Mono,
    next_poll: Mono,
}

/// What became of a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) counter: u64,
    pub(super) ok: bool,
    /// It went from one state to another.
    pub(super) has_moved: bool,
}

/// All devices.
#[derive(Debug)]
pub(super) struct Devices {
    pub(super) list: Vec<Device>,
}

impl Devices {
    pub(super) fn new(now: Mono, places: &Places, dice: &mut Dice) -> Self {
        let device = |(output, id): (usize, &ballast_model::OutputId)| Device {
            is: safe(output),
            since: now,
            door: Door::new(*id),
            off_until: Mono::ZERO,
            slow_until: Mono::ZERO,
            mute_until: Mono::ZERO,
            hand_at: Mono::ZERO,
            told_at: now,
            next_poll: now.after(dice.millis(200, 10_000)),
        };
        Self { list: places.outputs.iter().enumerate().map(device).collect() }
    }

    pub(super) fn is(&self, output: usize) -> Wanted {
        self.list.get(output).map_or(Wanted::OPEN, |device| device.is)
    }

    /// When a device has something to say, or its timer runs out.
    pub(super) fn next(&self) -> Mono {
        let timer = self.list.get(TIMER).map_or(Mono::MAX, Device::reverts_at);
        self.list.iter().map(|device| device.next_poll).min().unwrap_or(Mono::MAX).min(timer)
    }

    /// Devices that say what they are; those that are off say nothing.
    pub(super) fn polled(&mut self, now: Mono) -> Vec<(usize, Wanted)> {
        let mut said = Vec::new();
        for (output, device) in self.list.iter_mut().enumerate().filter(|(_, device)| device.next_poll <= now)
        {
            device.next_poll = device.next_poll.max(now).after(POLL);
            if now >= device.off_until {
                said.push((output, device.is));
            }
        }
        said
    }

    /// The device with a timer of its own goes back where it was not told again in time; says since when it was not.
    pub(super) fn revert(&mut self, now: Mono) -> Option<Mono> {
        let device = self.list.get_mut(TIMER).filter(|device| device.reverts_at() <= now)?;
        (device.is, device.since) = (safe(TIMER), now);
        device.next_poll = now;
        Some(device.told_at)
    }

    /// The power is gone: some devices fall back, others are held by a supply of their own.
    pub(super) fn power_cut(&mut self, now: Mono, dice: &mut Dice) {
        for (output, device) in self.list.iter_mut().enumerate() {
            if device.is != safe(output) && !dice.one_in(3) {
                (device.is, device.since) = (safe(output), now);
            }
            // A device that was moved by hand before is not seen to be otherwise afterwards: it boots.
            device.next_poll = now.after(POLL);
        }
    }

    pub(super) fn heal(&mut self) {
        for device in &mut self.list {
            (device.off_until, device.slow_until, device.mute_until) = (Mono::ZERO, Mono::ZERO, Mono::ZERO);
        }
    }
}

impl Device {
    fn reverts_at(&self) -> Mono {
        if self.is == Wanted::OPEN { Mono::MAX } else { self.told_at.after(REVERTS_AFTER) }
    }

    /// A permit is at the door.
    pub(super) fn write(&mut self, permit: Permit, now: Mono) -> Answer {
        self.door.enter_session(permit.session());
        let counter = permit.counter();
        let Ok(write) = self.door.redeem(permit, now) else {
            return Answer { counter, ok: false, has_moved: false };
        };
        if now < self.off_until {
            return Answer { counter, ok: false, has_moved: false };
        }
        let has_moved = self.is != write.wanted();
        if has_moved {
            (self.is, self.since) = (write.wanted(), now);
        }
        self.told_at = now;
        Answer { counter: write.counter(), ok: true, has_moved }
    }

    /// Somebody puts it back to what it should be.
    pub(super) fn put_back(&mut self, wanted: Wanted, now: Mono) {
        (self.is, self.since, self.told_at) = (wanted, now, now);
    }

    /// Somebody moves it.
    pub(super) fn move_by_hand(&mut self, now: Mono) {
        self.is = match self.is {
            Wanted::OPEN => Wanted::CLOSED,
            _ => Wanted::OPEN,
        };
        (self.since, self.hand_at, self.told_at) = (now, now, now);
    }
}
