//! Answers to a person who asks through the control socket.
//!
//! What looks is answered at once. What changes something goes to the engine or the guard as an input like any other, is
//! carried out in the next turn, and is answered with what became of it.

use super::decision::Decision;
use super::told::Told;
use super::{reload, saving, shadowing};
use crate::control::protocol::{Answer, Call, Question};
use crate::journal::Frozen;
use crate::report::answers::{self, Done, Refused};
use crate::report::guard_answers::Refused as GuardRefused;
use crate::report::language::{Language, Sentence, say};
use crate::report::moment::{Moment, Told as From};
use crate::report::names::{self, Sort, unknown};
use crate::report::{
    arming_words, causes, engine_words, guard_people, instant, process_words, reach_words, status,
    why_output, why_rule,
};
use ballast_engine::{Command, RuleState};
use ballast_guard::{OperatorCommand, ResetWhat};
use ballast_history::Severity;
use ballast_host::clock::trust::WORD_HOLDS;
use ballast_model::catalog::OutputKind;
use ballast_model::quantity::parse_quantity;
use ballast_model::time::Wall;
use ballast_model::{Authority, OutputId, PointId, Span, Value, Wanted};
use serde_json::json;
use tokio::sync::oneshot;

/// Answers one question.
pub fn answer(decision: &mut Decision, who: String, call: Call, reply: oneshot::Sender<Answer>) {
    let Call { language, question } = call;
    let looks = question.looks();
    let mut asking = Asking { decision, who: &who, language };
    let asked = match question {
        Question::Reload { accept, trial_ms } => {
            let trial = trial_ms.map(Span::from_millis);
            return reload::asked(decision, reload::Wish { who, accept, trial, language }, reply);
        }
        Question::ShadowStart { name, folder, rules, is_whole } => {
            let candidate = shadowing::Candidate { name, folder, rules, is_whole };
            return shadowing::start(decision, who, candidate, language, reply);
        }
        Question::Shadow => return shadowing::ask(decision, language, reply),
        Question::ShadowPromote { number, accept } => {
            let wish = reload::Wish { who, accept, trial: None, language };
            return shadowing::promote(decision, number, wish, reply);
        }
        Question::ShadowTexts => shadowing::texts(asking.decision, language),
        Question::ShadowDrop => shadowing::drop_it(asking.decision, &who, language),
        Question::Journal { file } => return dump(decision, file, language, reply),
        Question::Status => {
            Ok(shadowing::mention(asking.decision, language, status::status(&asking.moment())))
        }
        Question::Why { output } => {
            asking.find_output(&output).map(|id| why_output::output(&asking.moment(), id))
        }
        Question::WhyNot { rule } => {
            asking.find_rule(&rule).map(|index| why_rule::rule(&asking.moment(), index))
        }
        Question::Request { output, state, for_ms } => asking.request(&output, &state, for_ms),
        Question::Release { output } => asking.release(&output),
        Question::Mode { mode } => asking.mode(mode.as_deref()),
        Question::Setting { name, value } => asking.setting(name.as_deref(), value.as_deref()),
        Question::Resume { rule } => asking.resume(&rule),
        Question::Tape => {
            let journal = Some(Box::new(frozen(asking.decision)));
            Ok(Answer { journal, ..Answer::done("", json!({})) })
        }
        Question::Clock { trusted } => Ok(asking.vouch(trusted)),
        Question::Arm { device } => asking.arm(&device),
        Question::Disarm { device, as_it_is } => asking.disarm(&device, as_it_is),
        Question::GuardNow => asking.all_safe(),
        Question::GuardReset { name } => asking.reset(&name),
        Question::GuardConfirm { fingerprint } => asking.confirm(&fingerprint),
    };
    let answer = asked.unwrap_or_else(Answer::refused);
    if looks || !answer.ok {
        // An asker that went away does not matter.
        let _ = reply.send(answer);
    } else {
        saving::acknowledge(decision, reply, answer, language);
    }
}

/// One who asks for something; a refusal is a sentence in the language.
pub(super) struct Asking<'a> {
    pub(super) decision: &'a mut Decision,
    pub(super) who: &'a str,
    pub(super) language: Language,
}

impl Decision {
    /// What the machines know now, for who tells it in a language.
    pub fn moment(&self, language: Language) -> Moment<'_> {
        let told = self.engine.wall();
        Moment {
            engine: &self.engine,
            guard: &self.carrier.guard,
            running: &self.running,
            now: self.carrier.clock.now(),
            wall: if told == Wall::UNKNOWN { self.carrier.clock.wall() } else { told },
            told: From::Now,
            is_memory_lost: self.carrier.memory_lost.is_some(),
            protection: Some(self.carrier.protection()),
            misheard: Some(&self.carrier.misheard),
            language,
        }
    }
}

impl Asking<'_> {
    fn moment(&self) -> Moment<'_> {
        self.decision.moment(self.language)
    }

    fn find_output(&self, name: &str) -> Result<OutputId, String> {
        names::find_output(&self.decision.running, name, self.language)
    }

    fn find_rule(&self, name: &str) -> Result<u32, String> {
        names::find_rule(&self.decision.running, name, self.language)
    }

    fn refused<T>(&self, refused: Refused<'_>) -> Result<T, String> {
        Err(refused.say(self.language))
    }

    fn resume(&mut self, name: &str) -> Result<Answer, String> {
        let rule = self.find_rule(name)?;
        let done = match self.decision.engine.rule(rule) {
            Some(RuleState::Active { .. }) => Done::NotSuspended { rule: name, is_active: true },
            Some(RuleState::Idle { .. }) => Done::NotSuspended { rule: name, is_active: false },
            Some(RuleState::Suspended) | None => Done::Resumed(name),
        };
        self.carry_out(Command::Resume { rule, who: self.who.into() }, done)
    }

    fn reset(&mut self, name: &str) -> Result<Answer, String> {
        if let Some(generator) = find_generator(self.decision, name) {
            let command = Command::ResetGenerator { generator, who: self.who.into() };
            let what = say!(self.language, "the generator {name}", "le groupe {name}");
            let nothing_waits = GuardRefused::NothingWaits(Some(&what)).say(self.language);
            return self.carry_out(command, Done::GeneratorReset(name)).map_err(|_| nothing_waits);
        }
        // A name that nobody has is told before who would have to be asked.
        let what = self.find_reset(name)?;
        self.is_within()?;
        let answer = self.guard(OperatorCommand::Reset(what), Done::Reset(name));
        let mut answer = answer.ok_or_else(|| self.not_reset(what, name))?;
        let is_reset = |output: OutputId| match what {
            ResetWhat::Output(reset) => reset == output,
            ResetWhat::All => true,
            ResetWhat::Limit(_) | ResetWhat::Shedding => false,
        };
        let moved = guard_people::left_moved(&self.decision.carrier.guard, is_reset);
        moved.iter().for_each(|moved| answer.text.push_str(&guard_people::moved(moved, self.language)));
        if let (Some(object), false) = (answer.data.as_object_mut(), moved.is_empty()) {
            object.insert("moved".into(), json!(moved));
        }
        Ok(answer)
    }

    /// Why there was nothing to reset; that somebody tried, the guard has told.
    fn not_reset(&self, what: ResetWhat, name: &str) -> String {
        let guard = &self.decision.carrier.guard;
        let (latched, limit);
        let why = match what {
            ResetWhat::Limit(index) => {
                let acts =
                    guard.limits().nth(usize::from(index)).is_some_and(|view| view.state.acted.is_some());
                limit = say!(self.language, "the limit \"{name}\"", "la limite « {name} »");
                if acts {
                    GuardRefused::StillViolated(name)
                } else {
                    GuardRefused::NothingWaits(Some(&limit))
                }
            }
            ResetWhat::Output(output) => {
                latched = why_output::latched(guard, output);
                latched.first().map_or(GuardRefused::NothingWaits(Some(name)), |limit| {
                    GuardRefused::HeldByLimit(name, limit)
                })
            }
            ResetWhat::Shedding => {
                GuardRefused::NothingWaits(Some(self.language.say("shedding", "le délestage")))
            }
            ResetWhat::All => GuardRefused::NothingWaits(None),
        };
        why.say(self.language)
    }

    /// Accepts the safety set that waits; a wrong fingerprint is told which one it is instead.
    fn confirm(&mut self, text: &str) -> Result<Answer, String> {
        self.is_within()?;
        let Ok(print) = u64::from_str_radix(text.trim(), 16) else {
            return self.refused(Refused::NotFingerprint(text));
        };
        if let Some(answer) = self.guard(OperatorCommand::Confirm(print), Done::Confirmed(text)) {
            return Ok(answer);
        }
        let guard = &self.decision.carrier.guard;
        let why = match (guard.waits_for(), guard.fingerprint()) {
            (Some(waits), _) => GuardRefused::OtherSetWaits(print, waits),
            (None, in_force) if in_force == print => GuardRefused::InForce(print),
            (None, in_force) => GuardRefused::NoSetWaits(print, in_force),
        };
        Err(why.say(self.language))
    }

    fn find_reset(&self, name: &str) -> Result<ResetWhat, String> {
        let limits = &self.decision.carrier.guard.safety_set().limits;
        if let Some(index) = limits.iter().position(|limit| &*limit.name == name) {
            return Ok(ResetWhat::Limit(index as u16));
        }
        match name {
            "shedding" => Ok(ResetWhat::Shedding),
            "all" => Ok(ResetWhat::All),
            _ => self.find_output(name).map(ResetWhat::Output).map_err(|_| {
                let names = limits.iter().map(|limit| &*limit.name);
                let outputs = self.decision.running.catalog().outputs.iter().map(|spec| &*spec.name);
                let generators =
                    self.decision.running.plan.generators.iter().map(|generator| &*generator.name);
                let names = names.chain(outputs).chain(generators).chain(["shedding", "all"]);
                unknown(Sort::LimitOrOutput, name, names, self.language)
            }),
        }
    }

    /// Gives the engine a command and says what became of it.
    fn carry_out(&mut self, command: Command, done: Done<'_>) -> Result<Answer, String> {
        let decision = &mut *self.decision;
        let now = decision.carrier.clock.now();
        decision.figures.refusal = None;
        decision.command(command);
        decision.turn(now);
        match decision.figures.refusal.take() {
            Some(refusal) => self.refused(Refused::Engine(engine_words::refusal(refusal, self.language))),
            None => Ok(self.done(done)),
        }
    }

    /// A guard that is a process of its own hears people itself.
    pub(super) fn is_within(&self) -> Result<(), String> {
        match &self.decision.carrier.process {
            None => Ok(()),
            Some(process) => {
                let sockets = process.path.parent().unwrap_or(&process.path);
                Err(process_words::ask_itself(sockets, self.language))
            }
        }
    }

    /// Gives the guard a command; `None` where it refused.
    fn guard(&mut self, command: OperatorCommand, done: Done<'_>) -> Option<Answer> {
        let decision = &mut *self.decision;
        let now = decision.carrier.clock.now();
        decision.figures.guard_refused = false;
        decision.guard_command(self.who, command);
        decision.turn(now);
        (!decision.figures.guard_refused).then(|| self.done(done))
    }

    /// Every output to safe; who could not be told is said, and written down with who asked.
    fn all_safe(&mut self) -> Result<Answer, String> {
        self.is_within()?;
        let safe = Done::Safe { all_reached: true, none_held: true };
        if self.guard(OperatorCommand::Now(None), safe).is_none() {
            return Err(GuardRefused::NothingWaits(None).say(self.language));
        }
        let decision = &mut *self.decision;
        let catalog = decision.running.catalog();
        let guard = &decision.carrier.guard;
        let held = guard_people::held_away(guard);
        let lost = reach_words::lost_names(guard, catalog);
        let safe = Done::Safe { all_reached: lost.is_empty(), none_held: held.is_empty() };
        let mut text = safe.say(self.language);
        held.iter().for_each(|held| text.push_str(&guard_people::held(held, self.language)));
        let unarmed = arming_words::not_told(guard, catalog, self.language);
        let unarmed = unarmed.map(|text| format!("\n{text}")).unwrap_or_default();
        let mut data = json!({ "done": safe.say(Language::En) });
        if let (Some(object), false) = (data.as_object_mut(), held.is_empty()) {
            object.insert("held".into(), json!(held));
        }
        if lost.is_empty() {
            return Ok(Answer::done(text + unarmed.as_str(), data));
        }
        if let Some(object) = data.as_object_mut() {
            object.insert("unreachable".into(), json!(lost));
        }
        let text = format!("{text}\n{}{unarmed}", reach_words::not_told(&lost, self.language));
        let sentence = Sentence::both(|language| reach_words::not_told(&lost, language));
        let told = Told::info("guard", "", sentence, data.clone()).severity(Severity::Alarm).by(self.who);
        let now = decision.carrier.clock.now();
        decision.carrier.recorder.tell(now, &told);
        Ok(Answer::done(text, data))
    }

    fn done(&self, done: Done<'_>) -> Answer {
        Answer::done(done.say(self.language), json!({ "done": done.say(Language::En) }))
    }

    fn request(&mut self, name: &str, state: &str, for_ms: u64) -> Result<Answer, String> {
        let output = self.find_output(name)?;
        let wanted = self.read_state(output, state)?;
        let envelopes = &self.decision.running.safety.envelopes;
        if let (Some(spec), Some(envelope)) =
            (self.decision.running.catalog().output(output), envelopes.get(output.index()))
            && let Some(refusal) = answers::not_allowed(spec, envelope, wanted, self.language)
        {
            return Err(refusal);
        }
        let lasting = Span::from_millis(for_ms);
        let until = self.decision.carrier.clock.now().after(lasting);
        let (who, authority) = (self.who.into(), Authority::Operator);
        let command = Command::Request { output, wanted, until, who, authority };
        let answer = self.carry_out(command, Done::Requested(name, state, lasting))?;
        // The guard may hold it: a person is told at once.
        let shown = why_output::output(&self.moment(), output);
        Ok(Answer::done(format!("{}\n{}", answer.text, shown.text), shown.data))
    }

    fn read_state(&self, output: OutputId, state: &str) -> Result<Wanted, String> {
        let Some(spec) = self.decision.running.catalog().output(output) else {
            return self.refused(Refused::NoOutput);
        };
        match (&spec.kind, state) {
            (OutputKind::Contact, "closed" | "close") => Ok(Wanted::CLOSED),
            (OutputKind::Contact, "open") => Ok(Wanted::OPEN),
            (OutputKind::Contact, _) => self.refused(Refused::NotState(&spec.name, state)),
            (OutputKind::Setpoint(unit), text) => match parse_quantity(text) {
                Ok(quantity) if quantity.dimension() == unit.dimension() => Ok(Wanted::Level(quantity.base)),
                Ok(quantity) => {
                    let (takes, given) = (unit.to_string(), quantity.unit.to_string());
                    self.refused(Refused::OutputUnit(&spec.name, &takes, &given))
                }
                Err(error) => Err(answers::quantity(text, &error, self.language)),
            },
        }
    }

    fn release(&mut self, name: &str) -> Result<Answer, String> {
        let output = self.find_output(name)?;
        let command = Command::Release { output, who: self.who.into(), authority: Authority::Operator };
        self.carry_out(command, Done::Released(name))
    }

    /// The value of a point as people read it.
    fn shown(&self, point: PointId) -> String {
        let now = self.decision.carrier.clock.now();
        let value = self.decision.engine.snapshot().known(point, now);
        let spec = self.decision.running.catalog().point(point);
        let shown = spec.zip(value).map(|(spec, value)| causes::value(spec, value, self.language));
        shown.unwrap_or_else(|| self.language.say("unknown", "inconnu").into())
    }

    fn mode(&mut self, mode: Option<&str>) -> Result<Answer, String> {
        let Some(point) = self.decision.running.site.modes.as_ref().map(|modes| modes.point) else {
            return self.refused(Refused::NoModes);
        };
        let spec = self.decision.running.catalog().point(point);
        let words: Vec<String> =
            spec.map_or(&[][..], |spec| spec.words()).iter().map(ToString::to_string).collect();
        let Some(mode) = mode else {
            let (now, all) = (self.shown(point), words.join(", "));
            let text =
                say!(self.language, "mode {now}; the modes are {all}", "mode {now} ; les modes sont {all}");
            return Ok(Answer::done(text, json!({ "mode": now, "modes": words })));
        };
        match words.iter().position(|word| word == mode) {
            Some(word) => {
                let command = Command::Mode { word: word as u16, who: self.who.into() };
                self.carry_out(command, Done::Mode(mode))
            }
            None => Err(unknown(Sort::Mode, mode, words.iter().map(String::as_str), self.language)),
        }
    }

    fn setting(&mut self, name: Option<&str>, value: Option<&str>) -> Result<Answer, String> {
        let full = |name: &str| {
            if name.starts_with("setting.") { name.to_owned() } else { format!("setting.{name}") }
        };
        let settings = &self.decision.running.site.settings;
        let points: Vec<PointId> = settings.iter().map(|setting| setting.point).collect();
        let names: Vec<String> = points
            .iter()
            .filter_map(|point| self.decision.running.catalog().point(*point))
            .map(|spec| spec.name.to_string())
            .collect();
        let Some(name) = name else {
            let mut text = String::new();
            let mut data = serde_json::Map::new();
            for (point, name) in points.iter().zip(&names) {
                let value = self.shown(*point);
                text.push_str(&format!("{name} {value}\n"));
                data.insert(name.clone(), json!(value));
            }
            return Ok(Answer::done(text, data.into()));
        };
        let name = full(name);
        let Some(index) = names.iter().position(|known| *known == name) else {
            return Err(unknown(Sort::Setting, &name, names.iter().map(String::as_str), self.language));
        };
        let Some(point) = points.get(index).copied() else { return self.refused(Refused::NoSetting) };
        let Some(text) = value else {
            let value = self.shown(point);
            return Ok(Answer::done(format!("{name} {value}"), json!({ name: value })));
        };
        let value = self.read_value(point, text)?;
        let command = Command::Setting { point, value, who: self.who.into() };
        self.carry_out(command, Done::Setting(&name, text))
    }

    fn read_value(&self, point: PointId, text: &str) -> Result<Value, String> {
        use ballast_model::catalog::Kind;
        let Some(spec) = self.decision.running.catalog().point(point) else {
            return self.refused(Refused::NoSetting);
        };
        match &spec.kind {
            Kind::Number(unit) => match parse_quantity(text) {
                Ok(quantity) if quantity.dimension() == unit.dimension() => match spec.valid {
                    Some((low, high)) if quantity.base < low || quantity.base > high => {
                        let (low, high) = (spec.show(Value::Number(low)), spec.show(Value::Number(high)));
                        self.refused(Refused::OutOfRange(&spec.name, &low, &high))
                    }
                    _ => Ok(Value::Number(quantity.base)),
                },
                Ok(quantity) => {
                    let (unit, given) = (unit.to_string(), quantity.unit.to_string());
                    self.refused(Refused::SettingUnit(&spec.name, &unit, &given))
                }
                Err(error) => Err(answers::quantity(text, &error, self.language)),
            },
            Kind::Words(words) => match words.iter().position(|word| &**word == text) {
                Some(index) => Ok(Value::Word(index as u16)),
                None => Err(unknown(Sort::Word, text, words.iter().map(|word| &**word), self.language)),
            },
            Kind::Flag => match text {
                "yes" | "oui" | "true" => Ok(Value::Flag(true)),
                "no" | "non" | "false" => Ok(Value::Flag(false)),
                _ => self.refused(Refused::NotFlag(&spec.name)),
            },
        }
    }

    fn vouch(&mut self, trusted: bool) -> Answer {
        let (who, decision) = (self.who, &mut *self.decision);
        let now = decision.carrier.clock.now();
        if trusted {
            decision.carrier.clock.vouch_for(WORD_HOLDS);
        } else {
            decision.carrier.clock.vouch(false);
        }
        let sentence = |language| {
            if trusted {
                say!(language, "{who} answers for the wall clock", "{who} répond de l'heure de la machine")
            } else {
                say!(
                    language,
                    "{who} no longer answers for the wall clock",
                    "{who} ne répond plus de l'heure de la machine"
                )
            }
        };
        let told = Told::info("clock", "", Sentence::both(sentence), json!({ "trusted": trusted }))
            .severity(Severity::Notice)
            .by(who);
        decision.carrier.recorder.tell(now, &told);
        decision.turn(now);
        Answer::done(sentence(self.language), json!({ "trusted": trusted }))
    }
}

/// The generator of that name: one that failed is reset as a latch is, by the engine.
fn find_generator(decision: &Decision, name: &str) -> Option<u32> {
    let generators = &decision.running.plan.generators;
    generators.iter().position(|generator| &*generator.name == name).map(|index| index as u32)
}

/// What the ring holds now, for whoever writes or sends it.
fn frozen(decision: &Decision) -> Frozen {
    Frozen { header: saving::header(decision, "asked"), tape: decision.carrier.ring.freeze() }
}

/// Writes the journal, on a thread of its own: control does not wait for a disk.
fn dump(decision: &Decision, file: Option<String>, language: Language, reply: oneshot::Sender<Answer>) {
    let wall = decision.carrier.clock.wall();
    let path = file.map_or_else(
        || decision.carrier.place.state.join(format!("journal-{}.journal", instant::compact(wall.utc))),
        std::path::PathBuf::from,
    );
    let Frozen { header, tape } = frozen(decision);
    let write = move || {
        let shown = path.display().to_string();
        let answer = match tape.dump(&header, &path) {
            Ok(()) => Answer::done(Done::Journal(&shown).say(language), json!({ "file": path })),
            Err(error) => {
                Answer::refused(Refused::JournalNotWritten(&shown, &error.to_string()).say(language))
            }
        };
        // An asker that went away does not matter.
        let _ = reply.send(answer);
    };
    // Without a thread the asker is told that nobody answered.
    let _ = std::thread::Builder::new().name("ballast-journal".into()).spawn(write);
}
