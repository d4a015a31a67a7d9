//! What each class of faults does.

use super::Storm;
use super::devices::BY_HAND;
use super::post::{Parcel, To};
use super::site::{CHARGE, CLINIC, FOUND, OUTPUTS, POINTS};
use super::tally::Fault;
use ballast_engine::{Command, Input as EngineInput};
use ballast_guard::{Input, OperatorCommand, ResetWhat, Who};
use ballast_model::{Authority, Finite, Mono, Span, Utc, Value, Wanted};

impl Storm<'_> {
    /// A fault begins.
    pub(super) fn happen(&mut self, fault: Fault) -> Result<(), String> {
        let until = self.now.after(self.weather.length());
        match fault {
            Fault::SensorOff
            | Fault::SensorLost
            | Fault::SensorStuck
            | Fault::SensorGarbage
            | Fault::SensorShifted
            | Fault::SensorLate
            | Fault::SensorDuplicated
            | Fault::SensorSlow => {
                let point = self.dice.roll(POINTS as u64 + 1) as usize;
                self.sensors.harm(point, fault, until);
            }
            Fault::ClockForward | Fault::ClockBack => self.jump(fault),
            Fault::ClockUntrusted => self.distrust(until),
            Fault::FrameLost => self.wire.lose = 1 + self.dice.roll(3),
            Fault::FrameRepeated => self.wire.repeat = 1,
            Fault::FrameDamaged => self.wire.damage = 1,
            Fault::LinkSlow => self.wire.slow_until = until,
            Fault::LinkCut => {
                self.cut_link(until);
                self.tally.hit(fault);
            }
            Fault::DiskRefuses => self.disks.refuse(until),
            Fault::RulesChanged => self.change_rules(),
            Fault::RulesRefused => return self.refuse_rules(),
            Fault::SafetyTightened | Fault::SafetyLoosened => self.change_safety(),
            Fault::SafetyConfirmed => self.confirm(),
            Fault::DeviceOff | Fault::DeviceSlow | Fault::AnswerLost => self.harm_device(fault, until),
            Fault::Hand => self.move_by_hand(),
            Fault::FrequencyFalls => {
                let hertz = self.dice.one_of(&[49.7, 49.5, 49.3, 48.9, 48.8], 49.3);
                self.truth.fall(hertz, until);
                self.tally.hit(fault);
            }
            Fault::PersonAsks => self.ask(),
            Fault::PersonNow | Fault::PersonResets | Fault::PersonArms => self.speak_to_the_guard(fault),
            _ => self.end_a_process(fault, until),
        }
        Ok(())
    }

    fn end_a_process(&mut self, fault: Fault, until: Mono) {
        let now = self.now;
        // Most start again within seconds.
        let starts_at = if self.dice.one_in(8) { until } else { now.after(self.dice.millis(20, 5_000)) };
        let runs = (self.program.engine.is_some(), self.guard.guard.is_some());
        match fault {
            Fault::ProgramKilled if runs.0 => self.kill_program(starts_at),
            Fault::GuardKilled if runs.1 => self.kill_guard(starts_at),
            Fault::BothKilled | Fault::DiskOld | Fault::DiskLost | Fault::PowerCut => {
                if fault == Fault::DiskOld && !self.disks.lose_last() {
                    return;
                }
                if fault == Fault::DiskLost {
                    self.disks.lose_all();
                }
                self.kill_program(starts_at);
                let later = self.dice.millis(0, 3_000);
                self.kill_guard(starts_at.after(later));
                if fault == Fault::PowerCut {
                    self.cut_at = Some(now);
                    let dice = &mut self.dice;
                    self.devices.power_cut(now, dice);
                }
            }
            Fault::ProgramFrozen if runs.0 => self.program.frozen_until = until,
            Fault::MachineFrozen => {
                (self.program.frozen_until, self.guard.frozen_until) = (until, until);
            }
            Fault::GuardStopped if runs.1 && self.guard.listens => {
                self.guard.inputs.push(Input::Stop);
                self.guard.listens = false;
                self.guard.ends_at = now.after(self.dice.millis(300, 2_500));
                self.program.hang_up(self.guard.ends_at);
            }
            _ => return,
        }
        self.tally.hit(fault);
    }

    /// The guard that was told to end does so, and is started again.
    pub(super) fn end_the_guard(&mut self) {
        self.keep();
        let starts_at = self.now.after(self.dice.millis(100, 8_000));
        self.kill_guard(starts_at);
    }

    fn jump(&mut self, fault: Fault) {
        let most = self.dice.one_of(&[2_000, 120_000, 3_900_000, 9_000_000, 80_000_000], 2_000);
        let by = 600 + self.dice.roll(most) as i64;
        self.clock.base_ms += if fault == Fault::ClockForward { by } else { -by };
        self.clock.set_at = self.now;
        self.tally.hit(fault);
        self.tell_wall();
    }

    /// A daily event has just run, and the clock goes back behind it: somebody corrects it, or it was never right.
    pub(super) fn set_back_after_an_event(&mut self) {
        if self.weather.has(Fault::ClockBack) && self.dice.one_in(2) {
            self.clock.base_ms -= self.dice.millis(500, 300_000).millis() as i64;
            self.clock.set_at = self.now;
            self.tally.hit(Fault::ClockBack);
            self.tell_wall();
        }
    }

    /// One of the pair that is never closed together was told to close: the guard is killed before it wrote that down.
    pub(super) fn kill_after_a_close(&mut self) {
        if self.weather.has(Fault::GuardKilled) && self.dice.one_in(4) {
            self.guard.dies_at = self.now.after(self.dice.millis(5, 1_500));
        }
    }

    /// It dies as it was about to.
    pub(super) fn die(&mut self) {
        self.guard.dies_at = Mono::MAX;
        if self.guard.guard.is_some() {
            let starts_at = self.now.after(self.dice.millis(20, 900));
            self.kill_guard(starts_at);
            self.tally.hit(Fault::GuardKilled);
        }
    }

    fn distrust(&mut self, until: Mono) {
        self.clock.is_trusted = false;
        self.clock.untrusted_until = until;
        self.tally.hit(Fault::ClockUntrusted);
        self.tell_wall();
    }

    /// Both are told what the wall clock says.
    pub(super) fn tell_wall(&mut self) {
        let wall = self.clock.wall(self.now);
        let at = self.now.after(Span::from_millis(1));
        self.post.send(at, To::Program(self.program.life), Parcel::Engine(EngineInput::Wall(wall)));
        self.post.send(at, To::Guard(self.guard.life), Parcel::Guard(Input::Wall(wall)));
    }

    fn harm_device(&mut self, fault: Fault, until: Mono) {
        let output = self.dice.roll(OUTPUTS as u64) as usize;
        let id = self.places.outputs.get(output).copied();
        let Some((device, id)) = self.devices.list.get_mut(output).zip(id) else { return };
        match fault {
            Fault::DeviceSlow => device.slow_until = until,
            Fault::AnswerLost => device.mute_until = until,
            _ => {
                device.off_until = until;
                // Some buses notice by themselves, and tell when it is back.
                if self.dice.one_in(2) {
                    let to = To::Guard(self.guard.life);
                    let news = |is_there| Parcel::Guard(Input::Reach { output: id, is_there });
                    self.post.send(self.now.after(Span::from_millis(300)), to, news(false));
                    self.post.send(until.after(Span::from_millis(300)), to, news(true));
                    self.tally.hit(Fault::DeviceOff);
                }
            }
        }
    }

    fn move_by_hand(&mut self) {
        let output = self.dice.one_of(&BY_HAND, CLINIC);
        let now = self.now;
        if let Some(device) = self.devices.list.get_mut(output) {
            device.move_by_hand(now);
            self.tally.hit(Fault::Hand);
        }
    }

    /// A person asks something of the program.
    fn ask(&mut self) {
        let now = self.now;
        let output = self.dice.roll(OUTPUTS as u64) as usize;
        let Some(id) = self.places.outputs.get(output).copied() else { return };
        let who: Box<str> = "eva".into();
        let authority = Authority::Operator;
        let command = match self.dice.roll(6) {
            0 => Command::Release { output: id, who, authority },
            1 => Command::Mode { word: self.dice.roll(2) as u16, who },
            2 => {
                let value = Finite::new(self.dice.between(44.0, 61.0));
                let Some(value) = value.map(Value::Number) else { return };
                Command::Setting { point: self.places.warm_below, value, who }
            }
            _ => {
                let wanted = if output == CHARGE {
                    let level = Finite::new(self.dice.between(-500.0, 3_000.0));
                    Wanted::Level(level.unwrap_or(Finite::ZERO))
                } else if self.dice.one_in(2) {
                    Wanted::OPEN
                } else {
                    Wanted::CLOSED
                };
                let until = now.after(self.dice.millis(2_000, 400_000));
                Command::Request { output: id, wanted, until, who, authority }
            }
        };
        self.post.send(now, To::Program(self.program.life), Parcel::Engine(EngineInput::Command(command)));
        self.tally.hit(Fault::PersonAsks);
        self.disks.next = now;
    }

    /// A person speaks to the guard itself; what they said is kept before they are answered.
    fn speak_to_the_guard(&mut self, fault: Fault) {
        let found = self.places.outputs.get(FOUND).copied();
        let some = self.places.outputs.get(self.dice.roll(OUTPUTS as u64) as usize).copied();
        let command = match fault {
            Fault::PersonNow => OperatorCommand::Now(some.filter(|_| !self.dice.one_in(4))),
            Fault::PersonResets => OperatorCommand::Reset(ResetWhat::All),
            _ => match (self.dice.roll(3), found) {
                (0, Some(output)) => OperatorCommand::Disarm { output, as_it_is: self.dice.one_in(2) },
                (_, Some(output)) => OperatorCommand::Arm(output),
                _ => return,
            },
        };
        self.say_to_the_guard(command);
        self.tally.hit(fault);
        if fault == Fault::PersonNow {
            // Nobody leaves a site stopped for ever.
            let at = self.now.after(self.weather.length());
            let reset =
                Input::Operator { who: Who::new("eva"), command: OperatorCommand::Reset(ResetWhat::All) };
            self.post.send(at, To::Guard(self.guard.life), Parcel::Guard(reset));
        }
    }

    /// A person's word for the guard, at once.
    pub(super) fn say_to_the_guard(&mut self, command: OperatorCommand) {
        if self.guard.guard.is_some() && self.now >= self.guard.frozen_until {
            self.guard.inputs.push(Input::Operator { who: Who::new("eva"), command });
            self.disks.next = self.now;
        }
    }

    /// The clock on the wall goes on: it is trusted again, or summer time begins or ends.
    pub(super) fn look_at_the_clock(&mut self, before: Mono) {
        if !self.clock.is_trusted && self.now >= self.clock.untrusted_until {
            self.clock.is_trusted = true;
            self.tell_wall();
        }
        let (from, to) = (self.clock.millis(before), self.clock.millis(self.now));
        if super::watch::nights::CHANGES.iter().any(|(change, _)| from < *change && *change <= to) {
            self.tally.hit(Fault::ClockChange);
        }
    }

    /// What the clock shows, for those who tell of a failure.
    pub(super) fn utc(&self) -> Utc {
        Utc::from_millis(self.clock.millis(self.now))
    }
}
