//! Answers to a person who asks through the control socket.
//!
//! What looks is answered at once. What changes something goes to the engine or the guard as an input like any other, is
//! carried out in the next turn, and is answered with what became of it.

use super::decision::Decision;
use super::told::Told;
use super::{reload, saving};
use crate::clock::trust::WORD_HOLDS;
use crate::control::protocol::{Answer, Question};
use crate::journal::Frozen;
use crate::report::moment::{Moment, Told as From};
use crate::report::names::{self, unknown};
use crate::report::{instant, status, why_output, why_rule};
use ballast_engine::Command;
use ballast_guard::{OperatorCommand, ResetWhat};
use ballast_history::Severity;
use ballast_model::catalog::OutputKind;
use ballast_model::expr::explain_quantity;
use ballast_model::quantity::parse_quantity;
use ballast_model::time::Wall;
use ballast_model::{Authority, OutputId, PointId, Span, Value, Wanted};
use serde_json::json;
use tokio::sync::oneshot;

/// Answers one question.
pub fn answer(decision: &mut Decision, who: String, question: Question, reply: oneshot::Sender<Answer>) {
    let looks = matches!(
        question,
        Question::Status
            | Question::Why { .. }
            | Question::WhyNot { .. }
            | Question::Tape
            | Question::Mode { mode: None }
            | Question::Setting { value: None, .. }
    );
    let answer = match question {
        Question::Reload { accept, trial_ms } => {
            let trial = trial_ms.map(Span::from_millis);
            return reload::asked(decision, reload::Wish { who, accept, trial }, reply);
        }
        Question::Journal { file } => return dump(decision, file, reply),
        Question::Status => status::status(&moment(decision, false)),
        Question::Why { output, french } => match find_output(decision, &output) {
            Ok(id) => why_output::output(&moment(decision, french), id),
            Err(refused) => refused,
        },
        Question::WhyNot { rule, french } => match find_rule(decision, &rule) {
            Ok(index) => why_rule::rule(&moment(decision, french), index),
            Err(refused) => refused,
        },
        Question::Request { output, state, for_ms } => request(decision, &who, &output, &state, for_ms),
        Question::Release { output } => release(decision, &who, &output),
        Question::Mode { mode } => set_mode(decision, &who, mode.as_deref()),
        Question::Setting { name, value } => setting(decision, &who, name.as_deref(), value.as_deref()),
        Question::Resume { rule } => match find_rule(decision, &rule) {
            Ok(index) => {
                let done = format!("rule \"{rule}\" may run again");
                carry_out(decision, Command::Resume { rule: index, who: who.into() }, done)
            }
            Err(refused) => refused,
        },
        Question::Tape => {
            let journal = Some(Box::new(frozen(decision)));
            Answer { journal, ..Answer::done("", json!({})) }
        }
        Question::Clock { trusted } => vouch(decision, &who, trusted),
        Question::GuardNow => {
            guard(decision, &who, OperatorCommand::Now(None), "every output goes to its safe state".into())
        }
        Question::GuardReset { name } => reset(decision, &who, &name),
        Question::GuardConfirm { fingerprint } => match u64::from_str_radix(fingerprint.trim(), 16) {
            Ok(print) => guard(
                decision,
                &who,
                OperatorCommand::Confirm(print),
                format!("safety set {fingerprint} confirmed"),
            ),
            Err(_) => Answer::refused(format!(
                "`{fingerprint}` is not a fingerprint; copy it from the reload's answer"
            )),
        },
    };
    if looks || !answer.ok {
        // An asker that went away does not matter.
        let _ = reply.send(answer);
    } else {
        saving::acknowledge(decision, reply, answer);
    }
}

/// What the machines know now.
fn moment(decision: &Decision, french: bool) -> Moment<'_> {
    let told = decision.engine.wall();
    Moment {
        engine: &decision.engine,
        guard: &decision.carrier.guard,
        running: &decision.running,
        now: decision.carrier.clock.now(),
        wall: if told == Wall::UNKNOWN { decision.carrier.clock.wall() } else { told },
        told: From::Now,
        french,
    }
}

fn find_output(decision: &Decision, name: &str) -> Result<OutputId, Answer> {
    names::find_output(&decision.running, name).map_err(Answer::refused)
}

fn find_rule(decision: &Decision, name: &str) -> Result<u32, Answer> {
    names::find_rule(&decision.running, name).map_err(Answer::refused)
}

fn reset(decision: &mut Decision, who: &str, name: &str) -> Answer {
    if let Some(generator) = find_generator(decision, name) {
        let command = Command::ResetGenerator { generator, who: who.into() };
        return carry_out(decision, command, format!("generator {name} may try again"));
    }
    match find_reset(decision, name) {
        Ok(what) => guard(decision, who, OperatorCommand::Reset(what), format!("{name} was looked at again")),
        Err(refused) => refused,
    }
}

/// The generator of that name: one that failed is reset as a latch is, by the engine.
fn find_generator(decision: &Decision, name: &str) -> Option<u32> {
    let generators = &decision.running.plan.generators;
    generators.iter().position(|generator| &*generator.name == name).map(|index| index as u32)
}

fn find_reset(decision: &Decision, name: &str) -> Result<ResetWhat, Answer> {
    let limits = &decision.running.safety.limits;
    if let Some(index) = limits.iter().position(|limit| &*limit.name == name) {
        return Ok(ResetWhat::Limit(index as u16));
    }
    match name {
        "shedding" => Ok(ResetWhat::Shedding),
        "all" => Ok(ResetWhat::All),
        _ => find_output(decision, name).map(ResetWhat::Output).map_err(|_| {
            let names = limits.iter().map(|limit| &*limit.name);
            let outputs = decision.running.catalog().outputs.iter().map(|spec| &*spec.name);
            Answer::refused(unknown("limit or output", name, names.chain(outputs).chain(["shedding", "all"])))
        }),
    }
}

/// Gives the engine a command and says what became of it.
fn carry_out(decision: &mut Decision, command: Command, done: String) -> Answer {
    let now = decision.carrier.clock.now();
    decision.figures.refusal = None;
    decision.command(command);
    decision.turn(now);
    match decision.figures.refusal.take() {
        Some(refusal) => Answer::refused(format!("refused: {}", refusal.words())),
        None => Answer::done(done.clone(), json!({ "done": done })),
    }
}

fn guard(decision: &mut Decision, who: &str, command: OperatorCommand, done: String) -> Answer {
    let now = decision.carrier.clock.now();
    decision.figures.guard_refused = false;
    decision.guard_command(who, command);
    decision.turn(now);
    if decision.figures.guard_refused {
        return Answer::refused("refused: nothing waits there for a person, or it is still violated");
    }
    Answer::done(done.clone(), json!({ "done": done }))
}

fn request(decision: &mut Decision, who: &str, name: &str, state: &str, for_ms: u64) -> Answer {
    let output = match find_output(decision, name) {
        Ok(output) => output,
        Err(refused) => return refused,
    };
    let wanted = match read_state(decision, output, state) {
        Ok(wanted) => wanted,
        Err(text) => return Answer::refused(text),
    };
    let envelopes = &decision.running.safety.envelopes;
    if let (Some(spec), Some(envelope)) =
        (decision.running.catalog().output(output), envelopes.get(output.index()))
        && let Some(refusal) = ballast_config::safety::levels::refusal(spec, envelope, wanted)
    {
        return Answer::refused(refusal);
    }
    let lasting = Span::from_millis(for_ms);
    let until = decision.carrier.clock.now().after(lasting);
    let command = Command::Request { output, wanted, until, who: who.into(), authority: Authority::Operator };
    let answer = carry_out(decision, command, format!("{name}: {state} asked for {lasting}"));
    if !answer.ok {
        return answer;
    }
    // The guard may hold it: a person is told at once.
    let shown = why_output::output(&moment(decision, false), output);
    Answer::done(format!("{}\n{}", answer.text, shown.text), shown.data)
}

fn read_state(decision: &Decision, output: OutputId, state: &str) -> Result<Wanted, String> {
    let Some(spec) = decision.running.catalog().output(output) else { return Err("no such output".into()) };
    match (&spec.kind, state) {
        (OutputKind::Contact, "closed" | "close") => Ok(Wanted::CLOSED),
        (OutputKind::Contact, "open") => Ok(Wanted::OPEN),
        (OutputKind::Contact, _) => {
            Err(format!("`{state}` is not a state of {}: say `closed` or `open`", spec.name))
        }
        (OutputKind::Setpoint(unit), text) => match parse_quantity(text) {
            Ok(quantity) if quantity.dimension() == unit.dimension() => Ok(Wanted::Level(quantity.base)),
            Ok(quantity) => Err(format!("{} takes {}, not {}", spec.name, unit, quantity.unit)),
            Err(error) => {
                let (message, help) = explain_quantity(text, &error);
                Err(format!("{message}; {help}"))
            }
        },
    }
}

fn release(decision: &mut Decision, who: &str, name: &str) -> Answer {
    match find_output(decision, name) {
        Ok(output) => {
            let command = Command::Release { output, who: who.into(), authority: Authority::Operator };
            carry_out(decision, command, format!("{name}: no person asks for a state of it any more"))
        }
        Err(refused) => refused,
    }
}

/// The value of a point as people read it, and for programs.
fn shown(decision: &Decision, point: PointId) -> Option<String> {
    let now = decision.carrier.clock.now();
    let spec = decision.running.catalog().point(point)?;
    decision.engine.snapshot().known(point, now).map(|value| spec.show(value))
}

fn set_mode(decision: &mut Decision, who: &str, mode: Option<&str>) -> Answer {
    let Some(point) = decision.running.site.modes.as_ref().map(|modes| modes.point) else {
        return Answer::refused("this site has no modes; list them under `modes:` in site.yaml");
    };
    let words: Vec<String> = decision
        .running
        .catalog()
        .point(point)
        .map_or(&[][..], |spec| spec.words())
        .iter()
        .map(ToString::to_string)
        .collect();
    let Some(mode) = mode else {
        let now = shown(decision, point).unwrap_or_else(|| "unknown".into());
        let text = format!("mode {now}; the modes are {}", words.join(", "));
        return Answer::done(text, json!({ "mode": now, "modes": words }));
    };
    match words.iter().position(|word| word == mode) {
        Some(word) => {
            let command = Command::Mode { word: word as u16, who: who.into() };
            carry_out(decision, command, format!("mode {mode}"))
        }
        None => Answer::refused(unknown("mode", mode, words.iter().map(String::as_str))),
    }
}

fn setting(decision: &mut Decision, who: &str, name: Option<&str>, value: Option<&str>) -> Answer {
    let full =
        |name: &str| if name.starts_with("setting.") { name.to_owned() } else { format!("setting.{name}") };
    let points: Vec<PointId> = decision.running.site.settings.iter().map(|setting| setting.point).collect();
    let names: Vec<String> = points
        .iter()
        .filter_map(|point| decision.running.catalog().point(*point))
        .map(|spec| spec.name.to_string())
        .collect();
    let Some(name) = name else {
        let mut text = String::new();
        let mut data = serde_json::Map::new();
        for (point, name) in points.iter().zip(&names) {
            let value = shown(decision, *point).unwrap_or_else(|| "unknown".into());
            text.push_str(&format!("{name} {value}\n"));
            data.insert(name.clone(), json!(value));
        }
        return Answer::done(text, data.into());
    };
    let Some(index) = names.iter().position(|known| *known == full(name)) else {
        return Answer::refused(unknown("setting", &full(name), names.iter().map(String::as_str)));
    };
    let Some(point) = points.get(index).copied() else { return Answer::refused("no such setting") };
    let Some(text) = value else {
        let value = shown(decision, point).unwrap_or_else(|| "unknown".into());
        return Answer::done(format!("{} {value}", full(name)), json!({ full(name): value }));
    };
    match read_value(decision, point, text) {
        Ok(value) => {
            let command = Command::Setting { point, value, who: who.into() };
            carry_out(decision, command, format!("{} {text}", full(name)))
        }
        Err(text) => Answer::refused(text),
    }
}

fn read_value(decision: &Decision, point: PointId, text: &str) -> Result<Value, String> {
    use ballast_model::catalog::Kind;
    let Some(spec) = decision.running.catalog().point(point) else { return Err("no such point".into()) };
    match &spec.kind {
        Kind::Number(unit) => match parse_quantity(text) {
            Ok(quantity) if quantity.dimension() == unit.dimension() => match spec.valid {
                Some((low, high)) if quantity.base < low || quantity.base > high => Err(format!(
                    "{} lies between {} and {}",
                    spec.name,
                    spec.show(Value::Number(low)),
                    spec.show(Value::Number(high))
                )),
                _ => Ok(Value::Number(quantity.base)),
            },
            Ok(quantity) => Err(format!("{} is in {unit}, not in {}", spec.name, quantity.unit)),
            Err(error) => {
                let (message, help) = explain_quantity(text, &error);
                Err(format!("{message}; {help}"))
            }
        },
        Kind::Words(words) => match words.iter().position(|word| &**word == text) {
            Some(index) => Ok(Value::Word(index as u16)),
            None => Err(unknown("word", text, words.iter().map(|word| &**word))),
        },
        Kind::Flag => match text {
            "yes" | "true" => Ok(Value::Flag(true)),
            "no" | "false" => Ok(Value::Flag(false)),
            _ => Err(format!("{} is `yes` or `no`", spec.name)),
        },
    }
}

fn vouch(decision: &mut Decision, who: &str, trusted: bool) -> Answer {
    let now = decision.carrier.clock.now();
    if trusted {
        decision.carrier.clock.vouch_for(WORD_HOLDS);
    } else {
        decision.carrier.clock.vouch(false);
    }
    let sentence = if trusted {
        format!("{who} answers for the wall clock")
    } else {
        format!("{who} no longer answers for the wall clock")
    };
    let told = Told::info("clock", "", sentence.clone(), json!({ "trusted": trusted }))
        .severity(Severity::Notice)
        .by(who);
    decision.carrier.recorder.tell(now, &told);
    decision.turn(now);
    Answer::done(sentence, json!({ "trusted": trusted }))
}

/// What the ring holds now, for whoever writes or sends it.
fn frozen(decision: &Decision) -> Frozen {
    Frozen { header: saving::header(decision, "asked"), tape: decision.carrier.ring.freeze() }
}

/// Writes the journal, on a thread of its own: control does not wait for a disk.
fn dump(decision: &Decision, file: Option<String>, reply: oneshot::Sender<Answer>) {
    let wall = decision.carrier.clock.wall();
    let path = file.map_or_else(
        || decision.carrier.place.state.join(format!("journal-{}.journal", instant::compact(wall.utc))),
        std::path::PathBuf::from,
    );
    let Frozen { header, tape } = frozen(decision);
    let write = move || {
        let answer = match tape.dump(&header, &path) {
            Ok(()) => {
                let text = format!("journal written to {}", path.display());
                Answer::done(text, json!({ "file": path }))
            }
            Err(error) => {
                Answer::refused(format!("the journal cannot be written to {}: {error}", path.display()))
            }
        };
        // An asker that went away does not matter.
        let _ = reply.send(answer);
    };
    // Without a thread the asker is told that nobody answered.
    let _ = std::thread::Builder::new().name("ballast-journal".into()).spawn(write);
}
