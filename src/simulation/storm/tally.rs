//! What a storm did, counted.

/// What goes wrong in a storm, by class. Every class is counted where it takes effect, not where it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sensor says nothing.
    SensorOff,
    /// A sensor says that it is gone.
    SensorLost,
    /// A sensor repeats one value; its readings look fresh.
    SensorStuck,
    /// A sensor says what cannot be: no number, or one outside of its range.
    SensorGarbage,
    /// A sensor is off by so much, within its range.
    SensorShifted,
    /// Readings arrive late.
    SensorLate,
    /// Every reading arrives twice.
    SensorDuplicated,
    /// A sensor reports more rarely than it should.
    SensorSlow,
    /// The wall clock jumps ahead.
    ClockForward,
    /// The wall clock jumps back.
    ClockBack,
    /// Nobody answers for the wall clock.
    ClockUntrusted,
    /// The clocks on the wall change to or from summer time.
    ClockChange,
    /// A frame to the guard is lost.
    FrameLost,
    /// A frame arrives twice.
    FrameRepeated,
    /// A frame arrives damaged.
    FrameDamaged,
    /// Frames and answers take long.
    LinkSlow,
    /// The link breaks.
    LinkCut,
    /// The program is killed.
    ProgramKilled,
    /// The guard is killed.
    GuardKilled,
    /// Both are killed at once.
    BothKilled,
    /// The power is cut: another boot.
    PowerCut,
    /// The program stands still and goes on.
    ProgramFrozen,
    /// The machine stands still and goes on.
    MachineFrozen,
    /// The guard is told to end, and starts again.
    GuardStopped,
    /// A disk refuses what should be kept.
    DiskRefuses,
    /// What was kept last is lost; the state before it comes back.
    DiskOld,
    /// What was kept is lost as a whole.
    DiskLost,
    /// Other rules.
    RulesChanged,
    /// Rules with mistakes.
    RulesRefused,
    /// A safety set that tightens.
    SafetyTightened,
    /// A safety set that loosens.
    SafetyLoosened,
    /// A person confirms what waits.
    SafetyConfirmed,
    /// One of the two is killed while another set is on its way.
    ReloadCut,
    /// A device does not answer.
    DeviceOff,
    /// A device takes long.
    DeviceSlow,
    /// A device does what it is told, and its answer is lost.
    AnswerLost,
    /// Somebody moves a device by hand.
    Hand,
    /// The frequency falls.
    FrequencyFalls,
    /// A person asks for something of the program.
    PersonAsks,
    /// A person says "now" to the guard.
    PersonNow,
    /// A person resets.
    PersonResets,
    /// A person arms or disarms.
    PersonArms,
}

impl Fault {
    /// All classes.
    pub const ALL: [Self; 42] = [
        Self::SensorOff,
        Self::SensorLost,
        Self::SensorStuck,
        Self::SensorGarbage,
        Self::SensorShifted,
        Self::SensorLate,
        Self::SensorDuplicated,
        Self::SensorSlow,
        Self::ClockForward,
        Self::ClockBack,
        Self::ClockUntrusted,
        Self::ClockChange,
        Self::FrameLost,
        Self::FrameRepeated,
        Self::FrameDamaged,
        Self::LinkSlow,
        Self::LinkCut,
        Self::ProgramKilled,
        Self::GuardKilled,
        Self::BothKilled,
        Self::PowerCut,
        Self::ProgramFrozen,
        Self::MachineFrozen,
        Self::GuardStopped,
        Self::DiskRefuses,
        Self::DiskOld,
        Self::DiskLost,
        Self::RulesChanged,
        Self::RulesRefused,
        Self::SafetyTightened,
        Self::SafetyLoosened,
        Self::SafetyConfirmed,
        Self::ReloadCut,
        Self::DeviceOff,
        Self::DeviceSlow,
        Self::AnswerLost,
        Self::Hand,
        Self::FrequencyFalls,
        Self::PersonAsks,
        Self::PersonNow,
        Self::PersonResets,
        Self::PersonArms,
    ];

    /// Its word in answers: `sensor_off`.
    pub fn word(self) -> String {
        let mut word = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !word.is_empty() {
                word.push('_');
            }
            word.push(letter.to_ascii_lowercase());
        }
        word
    }
}

/// Counts of one storm, or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    hits: Vec<u64>,
    /// Steps of the engine, without those of its twins.
    pub engine_steps: u64,
    /// Steps of the guard, without those of its twins.
    pub guard_steps: u64,
    /// Permits that the guard made.
    pub permits: u64,
    /// Steps that a machine took as well that was made from what another one had saved.
    pub twin_steps: u64,
    /// Promises that were held against what happened.
    pub checks: u64,
}

impl Tally {
    /// One more.
    pub(super) fn hit(&mut self, fault: Fault) {
        self.hits.resize(Fault::ALL.len(), 0);
        if let Some(count) = self.hits.get_mut(fault as usize) {
            *count += 1;
        }
    }

    /// How often a class of faults took effect.
    pub fn hits(&self, fault: Fault) -> u64 {
        self.hits.get(fault as usize).copied().unwrap_or(0)
    }

    /// Adds the counts of another storm.
    pub fn add(&mut self, other: &Self) {
        self.hits.resize(Fault::ALL.len(), 0);
        for (count, more) in self.hits.iter_mut().zip(&other.hits) {
            *count += more;
        }
        self.engine_steps += other.engine_steps;
        self.guard_steps += other.guard_steps;
        self.permits += other.permits;
        self.twin_steps += other.twin_steps;
        self.checks += other.checks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_own_count() {
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
        }
        let mut tally = Tally::default();
        tally.hit(Fault::PersonArms);
        let mut sum = Tally::default();
        sum.add(&tally);
        sum.add(&tally);
        assert_eq!((sum.hits(Fault::PersonArms), sum.hits(Fault::SensorOff)), (2, 0));
        assert_eq!(Fault::SensorOff.word(), "sensor_off");
    }
}
