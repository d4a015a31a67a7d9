//! Who answers for the wall clock, and for how long.
//!
//! A word holds for a time and while nobody sets the clock: what was right before is not known to be right after. It holds
//! for one boot, since a machine without a battery clock begins the next one with any time. What is said here reads no clock.

use ballast_model::{Mono, Span, Utc};

/// How long the word of a device or of a time service that has fallen silent holds, as long as a person's: a quartz drifts by
/// a few minutes in a month, and a village is without a network for longer than the nine hours after which the kernel
/// forgets that its clock was set.
pub const WORD_HOLDS: Span = Span::from_secs(30 * 86_400);
/// The clock was set by somebody when it moves by this against the clock that only goes forward, milliseconds. More than a leap
/// second; corrections of a time service move both clocks alike.
const STEP_MS: u64 = 2_000;
/// The machine is asked this often.
const ASK_PERIOD: Span = Span::from_secs(1);
/// 2026-01-01: a battery clock that says less has lost its battery.
const EARLIEST: Utc = Utc::from_millis(1_767_225_600_000);

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    /// The clock that only goes forward.
    pub mono: Mono,
    /// The wall clock.
    pub utc: Utc,
}

impl Both {
    /// How far the wall clock is ahead of the other, milliseconds: it changes only when the wall clock is set.
    fn ahead_ms(self) -> i64 {
        let mono = i64::try_from(self.mono.nanos() / 1_000_000).unwrap_or(i64::MAX);
        self.utc.millis().saturating_sub(mono)
    }
}

/// That the wall clock was right at a moment, and holds until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Word {
    until: Mono,
    ahead_ms: i64,
}

impl Word {
    fn given(at: Both, holds: Span) -> Self {
        Self { until: at.mono.after(holds), ahead_ms: at.ahead_ms() }
    }

    fn is_good(self, now: Both) -> bool {
        now.mono < self.until && now.ahead_ms().abs_diff(self.ahead_ms) < STEP_MS
    }
}

/// What the machine itself says of its clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// A time service keeps it right.
    pub is_kept: bool,
    /// When a time service last set it, by this very clock.
    pub was_set: Option<Utc>,
    /// It was set at the boot from a clock with a battery.
    pub has_battery: bool,
}

/// Everybody who may answer for the wall clock.
#[derive(Debug, Default)]
pub struct Trust {
    /// The command line said so: for good.
    pub is_given: bool,
    service: Option<Word>,
    device: Option<Word>,
    person: Option<Word>,
    has_battery: bool,
    asked: Option<Mono>,
}

impl Trust {
    /// A device's date agrees with the clock.
    pub fn device(&mut self, now: Both) {
        self.device = Some(Word::given(now, WORD_HOLDS));
    }

    /// A person says that the clock is right.
    pub fn person(&mut self, now: Both, holds: Span) {
        self.person = Some(Word::given(now, holds));
    }

    /// Only the machine is to be believed from now on.
    pub fn withdraw(&mut self) {
        (self.is_given, self.device, self.person) = (false, None, None);
    }

    /// A person's word, to be kept over a restart of the program.
    pub fn word(&self) -> Option<Word> {
        self.person
    }

    /// Takes up a person's word that was given in the same boot.
    pub fn resume(&mut self, word: Word) {
        self.person = Some(word);
    }

    /// Whether to believe the wall clock now; `ask` asks the machine, once a second at most.
    pub fn is_trusted(&mut self, now: Both, ask: impl FnOnce() -> Machine) -> bool {
        if self.is_given {
            return true;
        }
        if self.asked.is_none_or(|asked| now.mono.since(asked) >= ASK_PERIOD) {
            self.asked = Some(now.mono);
            self.heard(now, ask());
        }
        let words = [self.service, self.device, self.person];
        self.has_battery || words.into_iter().flatten().any(|word| word.is_good(now))
    }

    fn heard(&mut self, now: Both, machine: Machine) {
        self.has_battery = machine.has_battery && now.utc >= EARLIEST;
        let was_set = machine.was_set.map(|set| set.millis().abs_diff(now.utc.millis()));
        if machine.is_kept {
            self.service = Some(Word::given(now, WORD_HOLDS));
        } else if self.service.is_none() && was_set.is_some_and(|ago| ago < WORD_HOLDS.millis()) {
            // It was set before this program began, and the service has been silent for long.
            self.service = Some(Word::given(now, WORD_HOLDS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Machine = Machine { is_kept: false, was_set: None, has_battery: false };

    /// Both clocks so many seconds after a start, the wall clock moved by so many milliseconds.
    fn at(secs: u64, moved_ms: i64) -> Both {
        let utc = EARLIEST.millis() + i64::try_from(secs).unwrap() * 1000 + moved_ms;
        Both { mono: Mono::ZERO.after(Span::from_secs(1_000 + secs)), utc: Utc::from_millis(utc) }
    }

    fn day(days: u64) -> u64 {
        days * 86_400
    }

    #[test]
    fn nobody_is_believed_at_first() {
        assert!(!Trust::default().is_trusted(at(0, 0), || NOTHING));
        assert!(Trust { is_given: true, ..Trust::default() }.is_trusted(at(0, 0), || NOTHING));
    }

    #[test]
    fn a_person_s_word_holds_for_its_time_and_until_the_clock_is_set() {
        let mut trust = Trust::default();
        trust.person(at(0, 0), WORD_HOLDS);
        assert!(trust.is_trusted(at(day(30) - 1, 0), || NOTHING));
        assert!(!trust.is_trusted(at(day(30), 0), || NOTHING));
        // A leap second, and somebody who sets the clock.
        assert!(trust.is_trusted(at(day(1), -1_000), || NOTHING));
        assert!(!trust.is_trusted(at(day(1), 2_000), || NOTHING));
        assert!(!trust.is_trusted(at(day(1), -3_600_000), || NOTHING));
        trust.withdraw();
        assert!(!trust.is_trusted(at(day(1), 0), || NOTHING));
    }

    #[test]
    fn a_word_goes_on_in_the_next_run_of_the_program() {
        let mut before = Trust::default();
        before.person(at(0, 0), WORD_HOLDS);
        let mut after = Trust::default();
        after.resume(before.word().unwrap());
        assert!(after.is_trusted(at(day(29), 0), || NOTHING));
        assert!(!after.is_trusted(at(day(31), 0), || NOTHING));
        before.withdraw();
        assert_eq!(before.word(), None);
    }

    #[test]
    fn a_service_that_falls_silent_is_believed_for_a_month_unless_somebody_sets_the_clock() {
        let mut trust = Trust::default();
        let kept = Machine { is_kept: true, ..NOTHING };
        assert!(trust.is_trusted(at(0, 0), || kept));
        assert!(trust.is_trusted(at(day(20), 0), || NOTHING));
        assert!(!trust.is_trusted(at(day(20), -60_000), || NOTHING));
        // It sets the clock itself: then it stands for the new time.
        assert!(trust.is_trusted(at(day(20) + 1, 60_000), || kept));
        assert!(trust.is_trusted(at(day(50), 60_000), || NOTHING));
        assert!(!trust.is_trusted(at(day(51), 60_000), || NOTHING));
        // A person cannot withdraw what the service says.
        assert!(trust.is_trusted(at(day(52), 0), || kept));
        trust.withdraw();
        assert!(trust.is_trusted(at(day(52), 0), || NOTHING));
    }

    #[test]
    fn a_service_that_set_the_clock_before_this_run_is_believed_for_a_month_from_now() {
        let mut trust = Trust::default();
        let marked = |utc: Utc| Machine { was_set: Some(utc), ..NOTHING };
        assert!(!trust.is_trusted(at(day(40), 0), || marked(at(0, 0).utc)));
        assert!(trust.is_trusted(at(day(40) + 1, 0), || marked(at(day(39), 0).utc)));
        assert!(trust.is_trusted(at(day(60), 0), || marked(at(day(39), 0).utc)));
        // The mark does not speak for a clock that was set by hand since.
        assert!(!trust.is_trusted(at(day(60) + 1, 9_000), || marked(at(day(39), 0).utc)));
    }

    #[test]
    fn a_battery_clock_is_believed_but_not_without_its_battery() {
        let battery = Machine { has_battery: true, ..NOTHING };
        assert!(Trust::default().is_trusted(at(day(1), 0), || battery));
        assert!(!Trust::default().is_trusted(at(0, -1), || battery));
    }

    #[test]
    fn the_machine_is_asked_once_a_second() {
        let mut trust = Trust::default();
        let mut asked = 0;
        for _ in 0..3 {
            trust.is_trusted(at(0, 0), || {
                asked += 1;
                NOTHING
            });
        }
        assert_eq!(asked, 1);
        assert!(trust.is_trusted(at(1, 0), || Machine { is_kept: true, ..NOTHING }));
    }
}
