//! What people, other sites and campaigns ask: carried out in the step that brings it, or refused with its reason.

use crate::arbitrate::Claim;
use crate::events::{EndReason, Event, Output, Runner, Source};
use crate::input::{Command, Refusal};
use crate::lives::LastRun;
use crate::machine::Core;
use crate::plan::Plan;
use crate::running::takes;
use alloc::boxed::Box;
use alloc::vec::Vec;
use ballast_model::catalog::{Kind, Origin, PointSpec};
use ballast_model::{Authority, Mono, OutputId, PointId, Value, Wanted};

/// Who changes a setting or the mode.
pub(crate) enum Changer<'a> {
    Person(&'a str),
    Runner(Runner),
}

impl Core {
    /// Carries out one command.
    pub(crate) fn command(&mut self, plan: &Plan, command: &Command, out: &mut Vec<Output>) {
        let (who, done) = match command {
            Command::Request { output, wanted, until, who, authority } => {
                (who, self.request(plan, *output, *wanted, *until, who, *authority, out))
            }
            Command::Release { output, who, authority } => {
                (who, self.release(plan, *output, who, *authority, out))
            }
            Command::Mode { word, who } => (who, self.set_mode(plan, *word, &Changer::Person(who), out)),
            Command::Setting { point, value, who } => {
                (who, self.set_setting(plan, *point, *value, &Changer::Person(who), out))
            }
            Command::Resume { rule, who } => (who, self.resume(*rule, who, out)),
            Command::Suspend { rule, who } => (who, self.take_out(plan, *rule, out)),
            Command::ResetGenerator { generator, who } => (who, self.reset_generator(*generator, who, out)),
        };
        if let Err(refusal) = done {
            out.push(Output::Event(Event::CommandRefused { who: who.clone(), refusal }));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command")]
    fn request(
        &mut self,
        plan: &Plan,
        output: OutputId,
        wanted: Wanted,
        until: Mono,
        who: &str,
        authority: Authority,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        let spec = plan.catalog.output(output).ok_or(Refusal::Unknown)?;
        let source = source_of(authority)?;
        if !takes(&spec.kind, wanted) {
            return Err(Refusal::WrongKind);
        }
        if until <= self.world.now {
            return Err(Refusal::Over);
        }
        let request = self.outputs.next_request();
        let since = self.world.now;
        let who: Box<str> = who.into();
        let claim =
            Claim { authority, source, wanted, request, since, until: Some(until), who: Some(who.clone()) };
        self.outputs.claim(output, claim);
        out.push(Output::Event(Event::Requested { output, wanted, until, who, authority }));
        Ok(())
    }

    fn release(
        &mut self,
        plan: &Plan,
        output: OutputId,
        who: &str,
        authority: Authority,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        plan.catalog.output(output).ok_or(Refusal::Unknown)?;
        if self.outputs.unclaim(output, source_of(authority)?) {
            out.push(Output::Event(Event::Released { output, who: who.into(), authority }));
        }
        Ok(())
    }

    /// Changes the site's mode.
    pub(crate) fn set_mode(
        &mut self,
        plan: &Plan,
        word: u16,
        changer: &Changer<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        let points = &plan.catalog.points;
        let index = points.iter().position(|spec| spec.origin == Origin::Mode).ok_or(Refusal::Unknown)?;
        let spec = points.get(index).ok_or(Refusal::Unknown)?;
        if usize::from(word) >= spec.words().len() {
            return Err(Refusal::OutOfRange);
        }
        let (point, new) = (PointId(index as u32), Value::Word(word));
        let old = self.world.snapshot.known(point, self.world.now);
        self.world.compute(point, Some(new));
        if old != Some(new) {
            let (who, runner) = changer.parts();
            out.push(Output::Event(Event::ModeChanged { point, old, new, who, runner }));
        }
        Ok(())
    }

    /// Changes a setting.
    pub(crate) fn set_setting(
        &mut self,
        plan: &Plan,
        point: PointId,
        value: Value,
        changer: &Changer<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        let spec = plan.catalog.point(point).ok_or(Refusal::Unknown)?;
        if spec.origin != Origin::Setting {
            return Err(Refusal::Unknown);
        }
        check_value(spec, value)?;
        let old = self.world.snapshot.known(point, self.world.now);
        self.world.compute(point, Some(value));
        if old != Some(value) {
            let (who, runner) = changer.parts();
            out.push(Output::Event(Event::SettingChanged { point, old, new: value, who, runner }));
        }
        Ok(())
    }

    fn take_out(&mut self, plan: &Plan, rule: u32, out: &mut Vec<Output>) -> Result<(), Refusal> {
        let life = self.lives.get(rule as usize).ok_or(Refusal::Unknown)?;
        if !life.is_suspended {
            self.suspend(plan, rule, EndReason::Harm, out);
        }
        Ok(())
    }

    fn resume(&mut self, rule: u32, who: &str, out: &mut Vec<Output>) -> Result<(), Refusal> {
        let life = self.lives.get_mut(rule as usize).ok_or(Refusal::Unknown)?;
        if life.is_suspended {
            life.is_suspended = false;
            life.failures = 0;
            life.run = LastRun::None;
            self.world.dirty.rules.mark(rule);
            out.push(Output::Event(Event::RuleResumed { rule, who: who.into() }));
        }
        Ok(())
    }
}

impl Changer<'_> {
    fn parts(&self) -> (Option<Box<str>>, Option<Runner>) {
        match self {
            Self::Person(who) => (Some(Box::from(*who)), None),
            Self::Runner(runner) => (None, Some(*runner)),
        }
    }
}

const fn source_of(authority: Authority) -> Result<Source, Refusal> {
    match authority {
        Authority::Operator => Ok(Source::Operator),
        Authority::Remote => Ok(Source::Remote),
        Authority::Campaign => Ok(Source::Campaign),
        _ => Err(Refusal::Authority),
    }
}

/// Whether a value fits its point.
pub(crate) fn check_value(spec: &PointSpec, value: Value) -> Result<(), Refusal> {
    match (&spec.kind, value) {
        (Kind::Number(_), Value::Number(number)) => {
            let is_outside = spec.valid.is_some_and(|(low, high)| number < low || number > high);
            if is_outside { Err(Refusal::OutOfRange) } else { Ok(()) }
        }
        (Kind::Words(words), Value::Word(word)) if usize::from(word) < words.len() => Ok(()),
        (Kind::Words(_), Value::Word(_)) => Err(Refusal::OutOfRange),
        (Kind::Flag, Value::Flag(_)) => Ok(()),
        _ => Err(Refusal::WrongKind),
    }
}
