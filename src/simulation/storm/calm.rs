//! After the storm: everything must find back to what a pair that was just started says.

use super::devices::safe;
use super::dice::Dice;
use super::field::Truth;
use super::post::{Parcel, To};
use super::site::{FAN, FOUND, OUTPUTS, output_name};
use super::weather::Weather;
use super::{Storm, Wish};
use ballast_engine::{Command, Input as EngineInput, Phase, RuleState};
use ballast_guard::{Guard, OperatorCommand, ResetWhat};
use ballast_model::{Authority, Mono, OutputId, Span, Wanted};

/// How long things settle before people clear up, and how long after that.
const SETTLES: Span = Span::from_secs(180);
const CLEARS: Span = Span::from_secs(780);
/// How long the pair that is just started runs: what was shed and what ramps is where it shall be by then.
const FRESH: Span = Span::from_secs(240);

impl Storm<'_> {
    /// The calm, and what must be so at its end.
    pub(super) fn calm_down(&mut self) {
        self.end_all_faults();
        self.go_on_until(self.now.after(SETTLES));
        self.clear_up();
        self.go_on_until(self.now.after(CLEARS));
        if self.violation.is_some() {
            return;
        }
        let calm = self.look_for_calm();
        self.hold(calm);
        if self.violation.is_none() {
            let alike = self.compare_with_fresh();
            self.hold(alike);
        }
    }

    fn end_all_faults(&mut self) {
        let now = self.now;
        self.weather = Weather::calm();
        self.truth.calm_down();
        self.sensors.heal();
        self.devices.heal();
        self.disks.heal();
        (self.wire.lose, self.wire.repeat, self.wire.damage) = (0, 0, 0);
        (self.wire.slow_until, self.wire.cut_until) = (Mono::ZERO, Mono::ZERO);
        self.clock.untrusted_until = now;
        (self.program.frozen_until, self.guard.frozen_until) =
            (self.program.frozen_until.min(now), self.guard.frozen_until.min(now));
        let soon = now.after(Span::from_secs(2));
        self.program.starts_at = self.program.starts_at.min(soon);
        self.guard.starts_at = self.guard.starts_at.min(soon);
        self.program.greets_at = self.program.greets_at.min(soon);
    }

    /// People put right what only they can: they confirm, reset, let go what they asked for, and put back what was moved.
    fn clear_up(&mut self) {
        let now = self.now;
        self.confirm();
        self.say_to_the_guard(OperatorCommand::Reset(ResetWhat::All));
        let outputs = self.places.outputs;
        // What was found is let go, and put to its safe state by hand.
        if let Some(output) = outputs.get(FOUND).copied() {
            self.say_to_the_guard(OperatorCommand::Disarm { output, as_it_is: true });
        }
        let who: Box<str> = "eva".into();
        let mut commands: Vec<Command> = outputs
            .iter()
            .map(|output| Command::Release {
                output: *output,
                who: who.clone(),
                authority: Authority::Operator,
            })
            .collect();
        commands.push(Command::Mode { word: 0, who: who.clone() });
        commands.push(Command::ResetGenerator { generator: 0, who });
        for command in commands {
            let parcel = Parcel::Engine(EngineInput::Command(command));
            self.post.send(now, To::Program(self.program.life), parcel);
        }
        if let Some(device) = self.devices.list.get_mut(FOUND) {
            device.put_back(safe(FOUND), now);
        }
        for (device, output) in
            self.devices.list.iter_mut().zip(outputs).filter(|(_, output)| Some(output) != outputs.get(FOUND))
        {
            if let Some(state) = self.guard.guard.as_ref().and_then(|guard| guard.output(output))
                && device.is != state.told
            {
                device.put_back(state.told, now);
            }
        }
    }

    fn look_for_calm(&self) -> Result<(), String> {
        let (Some(guard), Some(engine)) = (&self.guard.guard, &self.program.engine) else {
            return Err("after the calm something does not run".to_owned());
        };
        let wrong = |what: &str| Err(format!("after the calm {what}"));
        if !guard.hears_engine() {
            return wrong("no session is open");
        }
        if engine.waiting() > 0 {
            return wrong("something waits for the engine");
        }
        if !self.is_settled() {
            return wrong("a write is not confirmed");
        }
        if guard.waits_for().is_some() {
            return wrong("a safety set waits although it was confirmed");
        }
        let shedding = guard.shedding();
        if shedding.is_futile || shedding.in_event || shedding.frequency.is_none() {
            return wrong("shedding has not come to rest");
        }
        if let Some(limit) = guard.limits().find(|limit| limit.state.acted.is_some()) {
            return Err(format!("after the calm limit \"{}\" still acts", limit.name));
        }
        let rules = 0..engine.plan().rules.len() as u32;
        if rules.filter_map(|rule| engine.rule(rule)).any(|rule| rule == RuleState::Suspended) {
            return wrong("a rule is suspended");
        }
        if engine.generator(0) != Some(Phase::Stopped) {
            return wrong("the generating set does not stand still");
        }
        (0..OUTPUTS).try_for_each(|output| self.look_for_calm_at(guard, output))
    }

    fn look_for_calm_at(&self, guard: &Guard, output: usize) -> Result<(), String> {
        let Some(id) = self.places.outputs.get(output).copied() else { return Ok(()) };
        let Some(state) = guard.output(id) else { return Ok(()) };
        let trouble = [
            (state.is_stopped, "is stopped"),
            (state.awaits, "waits to be given back"),
            (state.effect.alarmed, "has no effect"),
            (state.outside.alarmed, "was moved by somebody else"),
            (state.is_unreachable, "cannot be reached"),
            (state.word.is_none(), "has nobody's word"),
            (state.sent && self.devices.is(output) != state.told, "is not what it was told"),
        ];
        match trouble.into_iter().find(|(is_so, _)| *is_so) {
            Some((_, what)) => Err(format!("after the calm {} {what}", output_name(output))),
            None => Ok(()),
        }
    }

    /// What a pair that is just started says at this moment of the day, of the same things.
    fn compare_with_fresh(&mut self) -> Result<(), String> {
        let ours = self.told();
        let base_ms = self.clock.millis(self.now) - FRESH.millis() as i64;
        let files = self.files;
        let wish = Wish { seed: self.wish.seed, length: None };
        let begins = self.now;
        let mut fresh =
            Storm::still(wish, Dice::new(wish.seed, 3), base_ms, Truth::calm(), begins, self.sets)?;
        fresh.files = files;
        fresh.begin_with_files()?;
        fresh.go_on_until(begins.after(FRESH));
        if let Some(violation) = &fresh.violation {
            return Err(format!("a pair that was just started: {}", violation.what));
        }
        let theirs = fresh.told();
        for (output, (ours, theirs)) in
            ours.iter().zip(&theirs).enumerate().filter(|(output, _)| *output != FAN)
        {
            if ours != theirs {
                return Err(format!(
                    "after the calm {} is {ours:?}, and a pair that was just started says {theirs:?}",
                    output_name(output)
                ));
            }
        }
        Ok(())
    }

    /// Both begin with what lies there as files.
    fn begin_with_files(&mut self) -> Result<(), String> {
        let now = self.now;
        let set = self.sets.get(self.files)?;
        let watch = super::GuardWatch::new(now, super::Terms::of(self.files.safety));
        self.guard = super::Shield::new(set.guard(now), self.files.safety, watch, now);
        self.program = super::Program::new(set, self.files, now);
        self.program.inputs.push(EngineInput::Wall(self.clock.wall(now)));
        Ok(())
    }

    fn told(&self) -> Vec<Option<Wanted>> {
        let told = |output: &OutputId| self.guard.guard.as_ref()?.output(*output).map(|state| state.told);
        self.places.outputs.iter().map(told).collect()
    }
}
