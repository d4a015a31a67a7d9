//! Which fault comes when: drawn from the seed, and from nothing else.

use super::dice::Dice;
use super::tally::Fault;
use ballast_model::{Mono, Span};

/// Faults that come by themselves; the others follow from these or from the calendar.
const DRAWN: [Fault; 39] = [
    Fault::SensorOff,
    Fault::SensorLost,
    Fault::SensorStuck,
    Fault::SensorGarbage,
    Fault::SensorShifted,
    Fault::SensorLate,
    Fault::SensorDuplicated,
    Fault::SensorSlow,
    Fault::ClockForward,
    Fault::ClockBack,
    Fault::ClockUntrusted,
    Fault::FrameLost,
    Fault::FrameRepeated,
    Fault::FrameDamaged,
    Fault::LinkSlow,
    Fault::LinkCut,
    Fault::ProgramKilled,
    Fault::GuardKilled,
    Fault::BothKilled,
    Fault::PowerCut,
    Fault::ProgramFrozen,
    Fault::MachineFrozen,
    Fault::GuardStopped,
    Fault::DiskRefuses,
    Fault::DiskOld,
    Fault::DiskLost,
    Fault::RulesChanged,
    Fault::RulesRefused,
    Fault::SafetyTightened,
    Fault::SafetyConfirmed,
    Fault::DeviceOff,
    Fault::DeviceSlow,
    Fault::AnswerLost,
    Fault::Hand,
    Fault::FrequencyFalls,
    Fault::PersonAsks,
    Fault::PersonNow,
    Fault::PersonResets,
    Fault::PersonArms,
];

/// The storm's own chance, and what of it is under way.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) dice: Dice,
    /// The classes that this storm has.
    classes: Vec<Fault>,
    /// Mean time between two faults.
    pause: Span,
    pub(super) next: Mono,
}

impl Weather {
    /// The weather of a seed. Some storms are dense and some are thin; each has its own selection of faults, so that some
    /// things also have time to happen undisturbed.
    pub(super) fn new(seed: u64, length: Span, now: Mono) -> Self {
        let mut dice = Dice::new(seed, 1);
        let classes = if dice.one_in(3) {
            DRAWN.to_vec()
        } else {
            let share = 2 + dice.roll(3);
            DRAWN.into_iter().filter(|_| dice.roll(5) < share).collect()
        };
        let is_long = length > Span::from_secs(4 * 3_600);
        let pause = if is_long { dice.millis(20_000, 90_000) } else { dice.millis(4_000, 25_000) };
        let next = now.after(dice.millis(0, 2 * pause.millis()));
        Self { dice, classes, pause, next }
    }

    /// No weather at all.
    pub(super) fn calm() -> Self {
        Self { dice: Dice::new(0, 1), classes: Vec::new(), pause: Span::MAX, next: Mono::MAX }
    }

    /// Whether this storm has a class of faults.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.classes.contains(&fault)
    }

    /// The fault that comes now.
    pub(super) fn draw(&mut self, now: Mono) -> Option<Fault> {
        if now < self.next {
            return None;
        }
        self.next = now.after(self.dice.millis(1, 2 * self.pause.millis()));
        let place = self.dice.roll(self.classes.len() as u64) as usize;
        self.classes.get(place).copied()
    }

    /// How long something lasts: mostly seconds, now and then minutes.
    pub(super) fn length(&mut self) -> Span {
        match self.dice.roll(10) {
            0 => self.dice.millis(60_000, 240_000),
            1..4 => self.dice.millis(8_000, 60_000),
            _ => self.dice.millis(200, 8_000),
        }
    }
}
