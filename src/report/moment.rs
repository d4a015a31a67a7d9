//! What the machines know at one moment, now or then: everything that an explanation needs, and nothing else.

use super::language::Language;
use super::{causes, instant};
use crate::runtime::timed::Timed;
use crate::site::Running;
use ballast_engine::{Engine, Source, Winner};
use ballast_guard::Guard;
use ballast_model::catalog::{Noun, OutputKind};
use ballast_model::intent::{Cause, Witness};
use ballast_model::time::Wall;
use ballast_model::{Catalog, Mono, OutputId, Span, Verdict, Wanted};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// From where an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// From the running machines.
    Now,
    /// From the journal, run again.
    Journal,
}

impl Told {
    /// The stable word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Journal => "journal",
        }
    }
}

/// What the machines know at one moment.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The machine that decides.
    pub engine: &'a Engine<Timed>,
    /// The guard.
    pub guard: &'a Guard,
    /// What they run.
    pub running: &'a Running,
    /// Now or then.
    pub now: Mono,
    /// The wall clock as the machines know it.
    pub wall: Wall,
    /// From where the answer comes.
    pub told: Told,
    /// The guard begins without its memory, and nobody has let go yet.
    pub is_memory_lost: bool,
    /// Where the guard is; `None`: a process of its own that was heard, and the journal does not say which.
    pub protection: Option<Protection>,
    /// What points said last that was no value, where that is known.
    pub misheard: Option<&'a BTreeMap<Box<str>, Box<str>>>,
    /// In which language it is told.
    pub language: Language,
}

/// A guard that is a process of its own tells every half second; what it did longer ago than this may not be so any more.
pub const HEARD_WITHIN: Span = Span::from_secs(5);

/// Where the guard is, and whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// In the program.
    Program,
    /// In a process of its own, of that number.
    Process(u32),
    /// In a process of its own that has not answered since then; `None`: never yet.
    Gone(Option<Mono>),
}

impl<'a> Moment<'a> {
    /// The nouns.
    pub fn catalog(&self) -> &'a Catalog {
        self.running.catalog()
    }

    /// The English or the French text.
    pub const fn say(&self, english: &'static str, french: &'static str) -> &'static str {
        self.language.say(english, french)
    }

    /// The instant of the answer, to the nanosecond: asked with it again, the past gives the same answer.
    pub fn instant(&self) -> Timestamp {
        instant::exact(&self.wall, self.now)
    }

    /// Adds a moment that may be unknown or never come: `KEY` as an instant in UTC, `KEY_s` as its distance in seconds.
    pub fn add(&self, data: &mut Map<String, Value>, key: &str, moment: Option<Mono>) {
        let moment = moment.filter(|moment| *moment < Mono::MAX);
        let distance =
            |moment: Mono| if moment > self.now { moment.since(self.now) } else { self.now.since(moment) };
        let utc = moment.map(|moment| instant::utc(self.wall.utc_untrusted(moment)));
        data.insert(key.into(), json!(utc));
        data.insert(format!("{key}_s"), json!(moment.map(|moment| distance(moment).secs_f64())));
    }

    /// The name of an output with that of its device: `battery.charge_power`, also where it is the only one. A contact
    /// that is the only output of its device is the device for people.
    pub fn name(&self, id: OutputId) -> &'a str {
        let catalog = self.catalog();
        let Some(spec) = catalog.output(id) else { return "?" };
        if matches!(spec.kind, OutputKind::Contact) {
            return &spec.name;
        }
        let is_long = |name: &str| {
            name.strip_prefix(&*spec.name).is_some_and(|rest| rest.starts_with('.') && rest.len() > 1)
        };
        let long = catalog.names().find(|(name, noun)| *noun == Noun::Output(id) && is_long(name));
        long.map_or(&spec.name, |(name, _)| name)
    }

    /// Who wins an output.
    pub fn winner(&self, id: OutputId) -> Winner {
        self.engine.winner(id).map_or(Winner::DEFAULT, |(winner, _)| winner.clone())
    }

    /// What is asked of an output. A guard that does not hear the program knows of no word.
    pub fn asked(&self, id: OutputId, verdict: &Verdict) -> Wanted {
        let has_no_word = self.guard.output(id).is_some_and(|state| state.word.is_none());
        let is_asked = has_no_word && self.winner(id).source != Source::Default;
        let intent = self.engine.intent(id).filter(|_| is_asked);
        intent.map_or(verdict.asked, |intent| intent.wanted)
    }

    /// Why an output is as it is: who asks, and what the guard has against it.
    pub fn reason(&self, id: OutputId, verdict: &Verdict) -> String {
        let winner = self.winner(id);
        let who = causes::asker(winner.source, winner.who.as_deref(), &self.running.plan, self.language);
        let cause = self.cause(verdict);
        let wanted = self.asked(id, verdict);
        let asked = self.catalog().output(id).map_or_else(String::new, |spec| spec.show(wanted));
        let asked = causes::state(&asked, self.language);
        let mut text = if verdict.state == wanted && cause.is_empty() {
            who
        } else if winner.source == Source::Default {
            format!("{cause}{} {who}", self.say(";", " ;"))
        } else {
            format!("{cause}{} {who} {} {asked}", self.say(";", " ;"), self.say("asks for", "demande"))
        };
        if let Some(witness) = &self.witness(verdict) {
            text.push_str(&format!(" ({})", causes::witness(witness, self.catalog(), self.language)));
        }
        text
    }

    /// The value that decided. What waits for its turn does not wait for what was read when it began to: the value of now.
    pub fn witness(&self, verdict: &Verdict) -> Option<Witness> {
        let witness = verdict.witness?;
        if verdict.cause != Cause::AwaitsRestoration {
            return Some(witness);
        }
        let (point, snapshot) = (witness.point, self.engine.snapshot());
        let reading = snapshot.reading(point);
        let age = if reading.count == 0 { Span::MAX } else { self.now.since(reading.arrival) };
        Some(Witness { point, value: reading.value, quality: snapshot.quality(point, self.now), age })
    }

    /// Who asks for what, whatever the guard has against it.
    pub fn asked_of(&self, id: OutputId, verdict: &Verdict) -> String {
        let winner = self.winner(id);
        let who = causes::asker(winner.source, winner.who.as_deref(), &self.running.plan, self.language);
        if winner.source == Source::Default {
            return who;
        }
        let wanted = self.asked(id, verdict);
        let asked = self.catalog().output(id).map_or_else(String::new, |spec| spec.show(wanted));
        let asked = causes::state(&asked, self.language);
        format!("{who} {} {asked}", self.say("asks for", "demande"))
    }

    fn cause(&self, verdict: &Verdict) -> String {
        if verdict.cause == Cause::Unreachable && self.is_unheard(verdict.output) {
            return self.say("the bus is not connected yet", "le bus n'est pas encore connecté").to_owned();
        }
        let set = self.guard.safety_set();
        causes::held(verdict.cause, self.is_memory_lost, set, self.catalog(), self.language)
    }

    /// Whether nothing on the bus of an output was heard since the program started.
    fn is_unheard(&self, output: OutputId) -> bool {
        let carries = |bus: &&ballast_model::device::BusDefinition| {
            bus.outputs.iter().any(|definition| definition.output == output)
        };
        let Some(bus) = self.running.site.buses.iter().find(carries) else { return false };
        let was_heard = |id: OutputId| {
            let state = self.guard.output(id);
            state.is_some_and(|state| state.settled_at > Mono::ZERO || state.outside.actual.is_some())
        };
        let snapshot = self.engine.snapshot();
        !bus.outputs.iter().any(|definition| was_heard(definition.output))
            && !bus.points.iter().any(|definition| snapshot.known(definition.point, self.now).is_some())
    }
}
