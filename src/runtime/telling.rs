//! Turns what the machines say into what is written down, and reacts where the shell must.
//!
//! Every change of an output becomes one event that holds the whole reason: who asked, by which values, what the guard
//! made of it and when it may change again. `ballast why OUTPUT --at ...` reads these back.

use super::decision::Decision;
use super::timed::Timed;
use super::told::Told;
use super::too_fast::TooFast;
use super::{shadowing, trial};
use crate::report::language::{Language, Sentence, say};
use crate::report::output_words::OutputWords;
use crate::report::{
    arming_words, bus_words, causes, engine_words, guard_words, memory_words, reach_words, reload_words,
};
use crate::site::Running;
use ballast_engine::events::{EndReason, Source, Winner};
use ballast_engine::{Engine, Event as EngineEvent};
use ballast_guard::plan::{LimitAction, SafetySet};
use ballast_guard::{Guard, GuardEvent, SessionFault};
use ballast_history::Severity;
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::intent::{Cause, Outcome, Witness};
use ballast_model::{Mono, OutputId, PointId, Verdict, Wanted};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is remembered so that an event can hold the whole reason.
pub struct Memory {
    /// Who won each output, and by which values.
    winners: Vec<Option<(Winner, Wanted)>>,
    /// The values that started each rule.
    reasons: Vec<Vec<Witness>>,
    /// The last verdict of each output.
    verdicts: Vec<Option<Verdict>>,
    /// What each output was said to be by the last one.
    states: Vec<Option<Wanted>>,
    /// Outputs that were not what they were told to be: nobody reached them, or somebody else moved them.
    undone: BTreeSet<OutputId>,
    actuals: Vec<u64>,
    /// Outputs whose winner changed and was not told yet.
    untold: BTreeSet<OutputId>,
    /// Points that flood, and what was said of that.
    too_fast: TooFast,
    pub(super) disk_is_well: bool,
}

impl Memory {
    /// What the machines bring along from before a reload or a restart.
    pub fn new(running: &Running, engine: &Engine<Timed>, guard: &Guard) -> Self {
        let outputs = running.catalog().outputs.len();
        let ids = || (0u32..).map(OutputId).take(outputs);
        let winner = |id: OutputId| {
            let asked = guard.verdict(id).map(|verdict| verdict.asked);
            let wanted = engine.intent(id).map(|intent| intent.wanted).or(asked);
            engine.winner(id).map(|(winner, _)| winner.clone()).zip(wanted)
        };
        Self {
            winners: ids().map(winner).collect(),
            reasons: vec![Vec::new(); running.plan.rules.len()],
            verdicts: ids().map(|id| guard.verdict(id).copied()).collect(),
            states: ids().map(|id| arming_words::state(guard, guard.verdict(id)?)).collect(),
            actuals: vec![0; outputs],
            undone: ids().filter(|id| is_out_of_reach(guard, *id)).collect(),
            untold: BTreeSet::new(),
            too_fast: TooFast::default(),
            disk_is_well: true,
        }
    }

    /// The answers that are about other states than what was known before; they are forgotten here, so that they are news.
    pub fn moved_since(&mut self, before: &Self) -> Vec<Verdict> {
        let mut moved = Vec::new();
        for (place, (state, known)) in
            self.verdicts.iter_mut().zip(self.states.iter_mut().zip(&before.verdicts))
        {
            let (Some(verdict), Some(known)) = (*place, *known) else { continue };
            if verdict.state != known.state {
                moved.push(verdict);
                (*place, *state) = (Some(known), Some(known.state));
            }
        }
        moved
    }

    /// Numbers the readings of what an output really is. The numbers rise over reloads and restarts: the engine takes
    /// what does not rise for a repetition.
    pub fn next_actual(&mut self, output: OutputId, at: Mono) -> u64 {
        let Some(number) = self.actuals.get_mut(output.index()) else { return 0 };
        *number = at.nanos().max(*number + 1);
        *number
    }
}

/// What a machine said, to be told once its permits are on their way.
pub enum Said {
    /// The engine.
    Engine(EngineEvent),
    /// The guard, about an output.
    Verdict(Verdict),
    /// The guard, about anything else.
    Guard(GuardEvent),
}

/// Tells what the machines said, in their order.
pub fn said(decision: &mut Decision, now: Mono, said: Said) {
    match said {
        Said::Engine(event) => engine(decision, now, event),
        Said::Verdict(told) => verdict(decision, now, &told),
        Said::Guard(event) => guard(decision, now, event),
    }
}

/// An event of the engine.
fn engine(decision: &mut Decision, now: Mono, event: EngineEvent) {
    let running = std::sync::Arc::clone(&decision.running);
    decision.figures.engine_event(&event);
    let name = |point| running.plan.point_name(point);
    let Some(event) = decision.memory.too_fast.told(event, now, name) else { return };
    match &event {
        EngineEvent::RuleStarted { rule, because, .. } => {
            if let Some(place) = decision.memory.reasons.get_mut(*rule as usize) {
                place.clone_from(because);
            }
            decision.pace.touch(now);
        }
        EngineEvent::Decision { output, wanted, new, .. } => {
            if let Some(place) = decision.memory.winners.get_mut(output.index()) {
                *place = Some((new.clone(), *wanted));
            }
            decision.pace.touch(now);
            // The verdict that follows tells the whole reason; where none follows, `settle` does.
            decision.memory.untold.insert(*output);
            return;
        }
        EngineEvent::RuleSuspended { .. }
        | EngineEvent::SettingChanged { .. }
        | EngineEvent::SettingDropped { .. }
        | EngineEvent::ModeChanged { .. }
        | EngineEvent::Requested { .. }
        | EngineEvent::Released { .. } => decision.pace.hurry(now),
        _ => decision.pace.touch(now),
    }
    let severity = event.severity();
    let reader = decision.carrier.recorder.reader(now, severity);
    let told = match (&event, decision.carrier.outage) {
        // The engine counts from what it remembers; people are told how long nothing ran.
        (EngineEvent::Restored { active, .. }, Some(outage)) => {
            let sentence = Sentence::both(|language| engine_words::goes_on(outage, *active, language));
            Told::info(event.kind(), event.subject(&running.plan), sentence, engine_data(&running, &event))
        }
        _ => engine_told(&running, &event, reader),
    };
    let told = told.severity(severity);
    decision.carrier.recorder.tell(now, &told);
    if let EngineEvent::RuleSuspended { rule, reason: EndReason::Suspended }
    | EngineEvent::RuleEnded { rule, reason: EndReason::Suspended, .. } = &event
        && let Some(rule) = running.plan.rules.get(*rule as usize)
    {
        let why = Sentence::both(|language| reload_words::failed_too_often(&rule.name, language));
        trial::harmed(decision, now, &rule.name, &why);
    }
}

/// What an event of the engine holds for programs.
#[derive(Serialize)]
#[serde(untagged)]
enum EngineData<'a> {
    Started { because: Vec<Reading<'a>> },
    Ended { because: Vec<Reading<'a>>, ended: &'static str },
    Suspended { ended: &'static str },
    Failed { message: &'a str, place: &'a str },
    Notice { text: &'a str },
    Coalesced { dropped: u32 },
    HeldBack { value: String, reason: &'static str },
    Believed { value: String, held_back: u64 },
    Recorded { record: &'a str, values: Vec<RecordedValue<'a>> },
    Nothing(()),
}

fn engine_data<'a>(running: &'a Running, event: &'a EngineEvent) -> EngineData<'a> {
    match event {
        EngineEvent::RuleStarted { because, .. } => {
            EngineData::Started { because: witnesses(running, because) }
        }
        EngineEvent::RuleEnded { because, reason, .. } => {
            EngineData::Ended { because: witnesses(running, because), ended: reason.words() }
        }
        EngineEvent::RuleSuspended { reason, .. } => EngineData::Suspended { ended: reason.words() },
        EngineEvent::BodyFailed { message, place, .. } => EngineData::Failed { message, place },
        EngineEvent::NoticeRaised { notice, .. } => EngineData::Notice { text: &notice.text },
        EngineEvent::Coalesced { dropped, .. } => EngineData::Coalesced { dropped: *dropped },
        EngineEvent::HeldBack { point, value, reason, .. } => {
            EngineData::HeldBack { value: running.plan.value(*point, *value), reason: reason.words() }
        }
        EngineEvent::Believed { point, value, held_back } => {
            EngineData::Believed { value: running.plan.value(*point, *value), held_back: *held_back }
        }
        EngineEvent::Record { record, .. } => {
            let values = record.values.iter().map(|(point, value)| recorded(running, *point, *value));
            EngineData::Recorded { record: &record.name, values: values.collect() }
        }
        _ => EngineData::Nothing(()),
    }
}

/// A value that a record keeps, for programs: as it is and not as it is shown.
#[derive(Serialize)]
struct RecordedValue<'a> {
    /// The point's full name.
    point: Option<&'a str>,
    /// In the point's unit, its word, or yes and no; `None` while unknown.
    value: Option<Value>,
    /// Absent where the value is no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

fn recorded(running: &Running, point: PointId, known: Option<ballast_model::Value>) -> RecordedValue<'_> {
    let spec = running.catalog().point(point);
    let unit = spec.filter(|spec| matches!(spec.kind, Kind::Number(_))).map(PointSpec::unit);
    let value = known.zip(spec).map(|(known, spec)| match (known, unit) {
        (ballast_model::Value::Number(base), Some(unit)) => json!(unit.from_base(base).get()),
        (ballast_model::Value::Flag(flag), _) => json!(flag),
        _ => json!(spec.show(known)),
    });
    RecordedValue { point: spec.map(|spec| &*spec.name), value, unit: unit.map(|unit| unit.to_string()) }
}

/// Whether its data makes the sentence again: that of what happens often does.
fn is_retold(event: &EngineEvent) -> bool {
    use EngineEvent as E;
    let is_told_as_written = |event: &EngineEvent| matches!(event, E::NoticeRaised { .. });
    is_told_as_written(event)
        || matches!(
            event,
            E::RuleStarted { .. }
                | E::RuleEnded { .. }
                | E::RuleSuspended { .. }
                | E::Record { .. }
                | E::Coalesced { .. }
        )
}

fn engine_told(running: &Running, event: &EngineEvent, reader: Language) -> Told {
    let say = |language| engine_words::sentence(event, &running.plan, language);
    let sentence = if is_retold(event) { Sentence::read_in(reader, say) } else { Sentence::both(say) };
    let told = Told::info(event.kind(), event.subject(&running.plan), sentence, engine_data(running, event));
    match event.who().filter(|_| event.is_audit()) {
        Some(who) => told.by(who),
        None => told,
    }
}

/// A value with its age, for programs.
#[derive(Serialize)]
pub struct Reading<'a> {
    /// The point's full name.
    point: Option<&'a str>,
    /// The value with its unit; `None` while unknown.
    value: Option<String>,
    /// Seconds since it arrived; `None` where it never did.
    age_s: Option<f64>,
    /// Why it is unknown, if it is.
    unknown: Option<&'static str>,
    /// Whether the value is a yes or a no; absent where it is not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_flag: bool,
}

/// Values with their ages, for programs.
pub fn witnesses<'a>(running: &'a Running, witnesses: &[Witness]) -> Vec<Reading<'a>> {
    witnesses.iter().map(|witness| reading(running, witness)).collect()
}

fn reading<'a>(running: &'a Running, witness: &Witness) -> Reading<'a> {
    let spec = running.catalog().point(witness.point);
    Reading {
        point: spec.map(|spec| &*spec.name),
        value: witness.value.zip(spec).map(|(value, spec)| spec.show(value)),
        age_s: (witness.age != ballast_model::Span::MAX).then(|| witness.age.secs_f64()),
        unknown: witness.quality.reason().map(|reason| reason.words()),
        is_flag: matches!(witness.value, Some(ballast_model::Value::Flag(_))),
    }
}

/// A verdict of the guard: the output's whole reason.
fn verdict(decision: &mut Decision, now: Mono, verdict: &Verdict) {
    let running = std::sync::Arc::clone(&decision.running);
    // A guard that was told that the program ends, or does not hear it, knows of no word any more: what was asked stays asked.
    let has_no_word = decision.carrier.guard.output(verdict.output).is_some_and(|state| state.word.is_none());
    let winner = decision.memory.winners.get(verdict.output.index()).and_then(Option::as_ref);
    let asked = winner.filter(|(winner, _)| has_no_word && winner.source != Source::Default);
    let verdict = &Verdict { asked: asked.map_or(verdict.asked, |(_, wanted)| *wanted), ..*verdict };
    let before =
        decision.memory.verdicts.get_mut(verdict.output.index()).and_then(|place| place.replace(*verdict));
    decision.figures.verdict(verdict);
    shadowing::verdict_came(decision, now, verdict);
    let state = arming_words::state(&decision.carrier.guard, verdict);
    let states = decision.memory.states.get_mut(verdict.output.index());
    let state_before = states.and_then(|place| std::mem::replace(place, state));
    let is_same = |old: Verdict| {
        let key = |v: &Verdict| (v.state, v.asked, v.outcome, v.cause, v.awaits_restoration);
        key(&old) == key(verdict) && state == state_before
    };
    if before.is_some_and(is_same) {
        return;
    }
    decision.pace.touch(now);
    // Where nobody asks and the guard holds it for the same reason, the engine only followed: that is no news.
    let winner = decision.memory.winners.get(verdict.output.index()).and_then(Option::as_ref);
    let is_default = winner.is_none_or(|(winner, _)| winner.source == Source::Default);
    let is_held =
        |old: Verdict| (old.state, old.cause, state_before) == (verdict.state, verdict.cause, state);
    if is_default && verdict.cause != Cause::Asked && before.is_some_and(is_held) {
        return;
    }
    let winner = tell_output(decision, now, verdict, before.as_ref());
    if is_forced(&decision.carrier.guard, verdict)
        && let Some((Winner { source: Source::Rule(rule), .. }, _)) = &winner
        && let Some(rule) = running.plan.rules.get(*rule as usize)
    {
        let name = running.catalog().output(verdict.output).map_or("?", |spec| &*spec.name);
        let why = Sentence::both(|language| reload_words::had_to_force(name, &rule.name, language));
        trial::harmed(decision, now, &rule.name, &why);
    }
}

/// Whether a limit forces the output against what was asked. One that only derates bends it, and who asks for what the
/// limit forces is not against it.
fn is_forced(guard: &Guard, verdict: &Verdict) -> bool {
    let Cause::Limit(limit) = verdict.cause else { return false };
    let limit = guard.safety_set().limits.get(usize::from(limit));
    verdict.state != verdict.asked
        && limit.is_some_and(|limit| matches!(limit.action, LimitAction::Force { .. }))
}

/// Tells why an output is as it is; gives who won it.
fn tell_output(
    decision: &mut Decision,
    now: Mono,
    verdict: &Verdict,
    before: Option<&Verdict>,
) -> Option<(Winner, Wanted)> {
    decision.memory.untold.remove(&verdict.output);
    let memory = &decision.memory;
    let winner = memory.winners.get(verdict.output.index()).cloned().flatten();
    let reasons = winner.as_ref().and_then(|(winner, _)| match winner.source {
        Source::Rule(rule) | Source::Shed(rule) => memory.reasons.get(rule as usize),
        _ => None,
    });
    let reasons = reasons.map_or(&[][..], Vec::as_slice);
    let reader = decision.carrier.recorder.reader(now, severity_of_cause(verdict.cause));
    let is_out_of_reach = is_out_of_reach(&decision.carrier.guard, verdict.output);
    let held = Held {
        safety: decision.carrier.guard.safety_set(),
        is_memory_lost: decision.carrier.memory_lost.is_some(),
        state: arming_words::state(&decision.carrier.guard, verdict),
        is_out_of_reach,
        left: left(&decision.carrier.guard, verdict),
    };
    let is_undone = held.is_out_of_reach || held.left.is_some();
    // What it was not before, it does not stay.
    let before = before.filter(|_| !decision.memory.undone.contains(&verdict.output));
    let told = output_told(&decision.running, held, verdict, winner.as_ref(), reasons, before, reader);
    decision.carrier.recorder.tell(now, &told);
    if is_undone {
        decision.memory.undone.insert(verdict.output);
    } else {
        decision.memory.undone.remove(&verdict.output);
    }
    winner
}

/// What an output is that somebody else moved and that was left there.
fn left(guard: &Guard, verdict: &Verdict) -> Option<Wanted> {
    let confirmed = guard.output(verdict.output)?.confirmed?;
    (verdict.cause == Cause::OutsideChange && confirmed != verdict.state).then_some(confirmed)
}

/// Whether an output is told to be what it cannot become, since it is not reached.
fn is_out_of_reach(guard: &Guard, output: OutputId) -> bool {
    let lost = reach_words::lost(guard, output);
    lost.is_some_and(|lost| lost.confirmed != Some(lost.told))
}

/// Tells the outputs whose winner changed although the guard's answer did not. What a guard elsewhere says of another wish
/// is still on its way.
pub fn settle(decision: &mut Decision, now: Mono) {
    let is_elsewhere = decision.carrier.process.is_some();
    for output in std::mem::take(&mut decision.memory.untold) {
        let memory = &decision.memory;
        let Some(verdict) = memory.verdicts.get(output.index()).copied().flatten() else { continue };
        let winner = memory.winners.get(output.index()).and_then(Option::as_ref);
        if is_elsewhere && winner.is_some_and(|(_, wanted)| *wanted != verdict.asked) {
            decision.memory.untold.insert(output);
        } else {
            tell_output(decision, now, &verdict, Some(&verdict));
        }
    }
}

/// The whole reason of an output, for programs.
#[derive(Serialize)]
struct OutputData<'a> {
    output: &'a str,
    /// `None` where nobody knows: nothing was told to it yet, and its device says nothing.
    state: Option<&'a str>,
    asked: &'a str,
    outcome: &'static str,
    cause: &'static str,
    /// Whether it could be told, where it is not that already.
    reachable: bool,
    /// What it is instead, where somebody else moved it and it was left there.
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<&'a str>,
    cause_en: &'a str,
    cause_fr: &'a str,
    winner: Option<&'a str>,
    authority: Option<&'static str>,
    because: Vec<Reading<'a>>,
    witness: Option<Reading<'a>>,
    awaits_restoration: bool,
}

const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Granted => "granted",
        Outcome::Held => "held",
        Outcome::Changed => "changed",
    }
}

/// How much a verdict for this cause matters.
const fn severity_of_cause(cause: Cause) -> Severity {
    match cause {
        Cause::Limit(_) | Cause::Stage(_) | Cause::Bulk | Cause::Silence | Cause::NoEffect => {
            Severity::Warning
        }
        _ => Severity::Info,
    }
}

/// What the guard holds an output by.
#[derive(Clone, Copy)]
struct Held<'a> {
    safety: &'a SafetySet,
    is_memory_lost: bool,
    state: Option<Wanted>,
    is_out_of_reach: bool,
    /// What it is instead, where somebody else moved it.
    left: Option<Wanted>,
}

fn output_told(
    running: &Running,
    held: Held<'_>,
    verdict: &Verdict,
    winner: Option<&(Winner, Wanted)>,
    reasons: &[Witness],
    before: Option<&Verdict>,
    reader: Language,
) -> Told {
    let catalog = running.catalog();
    let spec = catalog.output(verdict.output);
    let name = spec.map_or("?", |spec| &*spec.name);
    let show = |wanted| spec.map_or_else(String::new, |spec| spec.show(wanted));
    let who = winner.map(|(winner, _)| winner.name(&running.plan));
    let is_default = winner.is_none_or(|(winner, _)| winner.source == Source::Default);
    let (state, asked, left) = (held.state.map(show), show(verdict.asked), held.left.map(show));
    let (state, left) = (state.as_deref(), left.as_deref());
    let cause = |language| causes::held(verdict.cause, held.is_memory_lost, held.safety, catalog, language);
    let (cause_en, cause_fr) = (cause(Language::En), cause(Language::Fr));
    let sentence = Sentence::read_in(reader, |language| {
        let asker = causes::asker_named(who.as_deref().unwrap_or("nobody asks"), language);
        let by = verdict.witness.as_ref().map(|witness| causes::witness(witness, catalog, language));
        let words = OutputWords {
            name,
            state,
            asked: &asked,
            is_unarmed: verdict.cause == Cause::NotArmed,
            has_stayed: before.is_some_and(|old| old.state == verdict.state),
            is_out_of_reach: held.is_out_of_reach,
            is_left: left,
            cause: language.say(&cause_en, &cause_fr),
            asker: &asker,
            // What one who fell silent asks for is not known any more.
            is_asked: !is_default && verdict.cause != Cause::Silence,
            witness: by.as_deref(),
        };
        words.sentence(language)
    });
    let data = OutputData {
        output: name,
        state,
        asked: &asked,
        outcome: outcome_word(verdict.outcome),
        cause: causes::held_word(verdict.cause, held.is_memory_lost),
        reachable: !held.is_out_of_reach,
        actual: left,
        cause_en: &cause_en,
        cause_fr: &cause_fr,
        winner: who.as_deref(),
        authority: winner.map(|(winner, _)| winner.authority.word()),
        because: witnesses(running, reasons),
        witness: verdict.witness.as_ref().map(|witness| reading(running, witness)),
        awaits_restoration: verdict.awaits_restoration,
    };
    Told::info("output", name, sentence, data).severity(severity_of_cause(verdict.cause))
}

/// An event of the guard.
fn guard(decision: &mut Decision, now: Mono, event: GuardEvent) {
    let running = std::sync::Arc::clone(&decision.running);
    decision.figures.guard_event(&event);
    // Not that of the running texts: while a looser one waits, a limit may stand beside another one.
    let safety = decision.carrier.guard.safety_set();
    let word = |language| guard_words::sentence(&event, safety, running.catalog(), language);
    let words = word(Language::En);
    if matches!(
        event,
        GuardEvent::LimitLatched { .. }
            | GuardEvent::WasReset { .. }
            | GuardEvent::Confirmed { .. }
            | GuardEvent::OperatorNow { .. }
    ) {
        decision.pace.hurry(now);
    } else {
        decision.pace.touch(now);
    }
    let sentence = Sentence::both(|language| word(language).text);
    // What a guard does not know yet as it starts is no alarm that a journal could explain.
    let is_unknown =
        matches!(event, GuardEvent::FrequencyUnknown | GuardEvent::LimitActed { is_unknown: true, .. });
    let is_of_start = is_unknown && decision.carrier.guard.is_starting();
    let data = match &event {
        GuardEvent::SourceStuck { point } => {
            json!({ "stuck": running.catalog().point(*point).map(|spec| &*spec.name) })
        }
        _ => json!({}),
    };
    let told = Told::info(words.kind, words.subject, sentence, data).severity(words.severity);
    let mut told = told.of_start(is_of_start);
    if let Some(who) = words.who {
        told = told.by(who);
    }
    decision.carrier.recorder.tell(now, &told);
    if memory_words::ends(&event) {
        decision.carrier.memory_lost = None;
    }
    if let GuardEvent::SessionClosed { fault: SessionFault::Silence, .. } = event {
        decision.session_lapsed();
    }
    if let GuardEvent::Confirmed { fingerprint, .. } = event {
        super::opening::adopt_confirmed(decision, fingerprint);
    }
}

/// A bus came or went.
pub fn link(decision: &mut Decision, bus: &str, is_up: bool, text: &str) {
    let now = decision.carrier.clock.now();
    let severity = if is_up { Severity::Info } else { Severity::Warning };
    let sentence = Sentence::both(|language| {
        let (state, text) =
            (if is_up { "en service" } else { "hors service" }, bus_words::told(text, language));
        say!(language, "bus {bus}: {text}", "bus {bus} {state} : {text}")
    });
    let told = Told::info("bus", bus, sentence, json!({ "up": is_up }));
    decision.carrier.recorder.tell(now, &told.severity(severity));
}
