//! Questions of persons at the guard's own socket: what they ask becomes commands, what the guard made of those an answer.
//!
//! This file knows names and states and no socket. It looks at the witness, which is what the guard is.

pub mod desk;

use ballast_guard::plan::LimitAction;
use ballast_guard::state::Arming;
use ballast_guard::{Guard, OperatorCommand, ResetWhat};
use ballast_host::link::people::{Answer, Held, Left, Loosening, Moved, OutputStatus, Question, Refusal};
use ballast_model::catalog::{Catalog, Noun};
use ballast_model::diagnostic::did_you_mean;
use ballast_model::{OutputId, Wanted};

/// Names that are listed when one is not known.
const NAMES_MAX: usize = 20;

/// What is to be done for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Word by word.
    pub commands: Vec<OperatorCommand>,
    /// What is said when all of it was done: of each output that is disarmed.
    pub left: Vec<Left>,
}

impl Plan {
    fn one(command: OperatorCommand) -> Self {
        Self { commands: vec![command], left: Vec::new() }
    }
}

/// Whether a person may do this: the file names him, or he is root.
pub fn may(guard: &Guard, uid: u32, user: &str) -> bool {
    let process = guard.safety_set().process.as_ref();
    uid == 0 || process.is_some_and(|process| process.operators.iter().any(|name| **name == *user))
}

/// That he may not.
pub fn not_allowed(guard: &Guard, user: &str) -> Refusal {
    let process = guard.safety_set().process.as_ref();
    let operators = process.map_or(&[][..], |process| &process.operators);
    Refusal::NotAllowed {
        user: user.to_owned(),
        operators: operators.iter().map(ToString::to_string).collect(),
    }
}

/// What is to be done for a question that changes something.
///
/// # Errors
/// Why nothing is done.
pub fn plan(guard: &Guard, question: &Question) -> Result<Plan, Refusal> {
    match question {
        Question::Now { output: None } => Ok(Plan::one(OperatorCommand::Now(None))),
        Question::Now { output: Some(name) } => {
            Ok(Plan::one(OperatorCommand::Now(Some(find_output(guard.catalog(), name)?))))
        }
        Question::Reset { name } => Ok(Plan::one(OperatorCommand::Reset(find_reset(guard, name)?))),
        Question::Confirm { fingerprint } => match u64::from_str_radix(fingerprint.trim(), 16) {
            Ok(print) => Ok(Plan::one(OperatorCommand::Confirm(print))),
            Err(_) => Err(Refusal::NotFingerprint { text: fingerprint.clone() }),
        },
        Question::Arm { device } => plan_arming(guard, device),
        Question::Disarm { device, as_it_is } => plan_disarming(guard, device, *as_it_is),
        Question::Status | Question::Reload => Ok(Plan { commands: Vec::new(), left: Vec::new() }),
    }
}

/// What became of it, once the guard has taken all commands of a plan; `is_refused` says whether it refused one.
pub fn conclude(guard: &Guard, question: &Question, plan: Plan, is_refused: bool) -> Answer {
    if is_refused {
        return Answer::Refused(refusal(guard, question, &plan));
    }
    let held = |(id, limit, wanted): (OutputId, u16, Wanted)| Held {
        output: name_of(guard.catalog(), id),
        limit: guard.limits().nth(usize::from(limit)).map_or("?", |limit| limit.name).to_owned(),
        state: show(guard.catalog(), id, wanted),
    };
    let is_now = matches!(question, Question::Now { .. });
    let outputs = || (0..guard.catalog().outputs.len() as u32).map(OutputId);
    let is_meant = |id: OutputId| match plan.commands.first() {
        Some(OperatorCommand::Now(Some(output))) => *output == id,
        _ => true,
    };
    let names = |is: &dyn Fn(&ballast_guard::state::OutputState) -> bool| -> Vec<String> {
        let meant = outputs().filter(|id| is_now && is_meant(*id));
        let found = meant.filter(|id| guard.output(*id).is_some_and(is));
        found.map(|id| name_of(guard.catalog(), id)).collect()
    };
    let is_reset = |id: OutputId| match plan.commands.first() {
        Some(OperatorCommand::Reset(ResetWhat::Output(output))) => *output == id,
        Some(OperatorCommand::Reset(ResetWhat::All)) => true,
        _ => false,
    };
    let moved = |(id, told, actual): (OutputId, Wanted, Wanted)| Moved {
        output: name_of(guard.catalog(), id),
        told: show(guard.catalog(), id, told),
        says: show(guard.catalog(), id, actual),
    };
    Answer::Done {
        unreachable: names(&|state| state.is_unreachable),
        not_armed: names(&|state| state.arming == Arming::Not),
        held: guard.held_away_from_safe().filter(|(id, ..)| is_now && is_meant(*id)).map(held).collect(),
        moved: guard.left_moved().filter(|(id, ..)| is_reset(*id)).map(moved).collect(),
        left: plan.left,
    }
}

fn refusal(guard: &Guard, question: &Question, plan: &Plan) -> Refusal {
    match (question, plan.commands.first()) {
        (Question::Confirm { .. }, Some(OperatorCommand::Confirm(print))) => {
            match (guard.waits_for(), guard.fingerprint()) {
                (Some(waits), _) => Refusal::OtherSetWaits { waits: format!("{waits:016x}") },
                (None, in_force) if in_force == *print => Refusal::AlreadyInForce,
                (None, in_force) => Refusal::NoSetWaits { in_force: format!("{in_force:016x}") },
            }
        }
        (_, Some(OperatorCommand::Reset(ResetWhat::Limit(index)))) => {
            let limit = guard.limits().nth(usize::from(*index));
            match limit.filter(|limit| limit.state.acted.is_some()) {
                Some(limit) => Refusal::StillViolated { limit: limit.name.to_owned() },
                None => Refusal::NothingWaits,
            }
        }
        (_, Some(OperatorCommand::Reset(ResetWhat::Output(output)))) => match latched(guard, *output) {
            Some(limit) => Refusal::HeldByLimit { limit },
            None => Refusal::NothingWaits,
        },
        // Something changed between looking and doing.
        (Question::Arm { .. } | Question::Disarm { .. }, _) => Refusal::Late,
        _ => Refusal::NothingWaits,
    }
}

/// The limit that is clear and holds an output until a person resets it.
fn latched(guard: &Guard, output: OutputId) -> Option<String> {
    let forces = |action: &LimitAction| matches!(action, LimitAction::Force { force, .. } if force.iter().any(|step| step.output == output));
    let limits = guard.safety_set().limits.iter().zip(guard.limits());
    let mut holding = limits.filter(|(limit, view)| view.state.is_latched && forces(&limit.action));
    holding.next().map(|(limit, _)| limit.name.to_string())
}

fn plan_arming(guard: &Guard, device: &str) -> Result<Plan, Refusal> {
    let outputs = find_device(guard.catalog(), device)?;
    let is_by_hand =
        outputs.iter().any(|output| guard.envelope(*output).is_some_and(|envelope| envelope.by_hand));
    let waiting: Vec<OutputId> = outputs.into_iter().filter(|output| !is_armed(guard, *output)).collect();
    if waiting.is_empty() {
        return Err(Refusal::ArmedAlready { always: !is_by_hand });
    }
    for output in &waiting {
        if let Some(cause) = guard.against_arming(*output) {
            let output = name_of(guard.catalog(), *output);
            return Err(Refusal::WouldMove { output, cause: cause.word().to_owned() });
        }
    }
    Ok(Plan { commands: waiting.into_iter().map(OperatorCommand::Arm).collect(), left: Vec::new() })
}

fn plan_disarming(guard: &Guard, device: &str, as_it_is: bool) -> Result<Plan, Refusal> {
    let outputs = find_device(guard.catalog(), device)?;
    if !outputs.iter().any(|output| guard.envelope(*output).is_some_and(|envelope| envelope.by_hand)) {
        return Err(Refusal::ArmedAlready { always: true });
    }
    let armed: Vec<OutputId> = outputs.into_iter().filter(|output| is_armed(guard, *output)).collect();
    if armed.is_empty() {
        return Err(Refusal::NotArmed);
    }
    if let Some(output) = armed.iter().find(|output| guard.against_disarming(**output, as_it_is).is_some()) {
        return Err(Refusal::NotSafe { output: name_of(guard.catalog(), *output) });
    }
    let left = armed.iter().map(|output| left(guard, *output)).collect();
    let commands = armed.iter().map(|output| OperatorCommand::Disarm { output: *output, as_it_is }).collect();
    Ok(Plan { commands, left })
}

fn left(guard: &Guard, output: OutputId) -> Left {
    let left = guard.left_by_disarming(output);
    let show = |wanted| show(guard.catalog(), output, wanted);
    Left {
        output: name_of(guard.catalog(), output),
        told: left.and_then(|left| left.told).map(show),
        says: left.and_then(|left| left.says).map(show),
        is_safe: left.is_some_and(|left| left.is_safe),
    }
}

fn is_armed(guard: &Guard, output: OutputId) -> bool {
    guard.output(output).is_some_and(|state| state.arming != Arming::Not)
}

fn find_output(catalog: &Catalog, name: &str) -> Result<OutputId, Refusal> {
    match catalog.resolve(name) {
        Some(Noun::Output(output)) => Ok(output),
        _ => Err(unknown(name, catalog.outputs.iter().map(|spec| &*spec.name))),
    }
}

fn find_device(catalog: &Catalog, name: &str) -> Result<Vec<OutputId>, Refusal> {
    let by_output = match catalog.resolve(name) {
        Some(Noun::Output(output)) => catalog.output(output).map(|spec| spec.device),
        _ => None,
    };
    let by_name = || catalog.devices.iter().find(|device| &*device.name == name);
    let device = by_output.and_then(|device| catalog.devices.get(device.index())).or_else(by_name);
    match device {
        Some(device) if device.outputs.is_empty() => Err(Refusal::OnlyRead),
        Some(device) => Ok(device.outputs.clone()),
        None => Err(unknown(name, catalog.devices.iter().map(|device| &*device.name))),
    }
}

fn find_reset(guard: &Guard, name: &str) -> Result<ResetWhat, Refusal> {
    let limits = &guard.safety_set().limits;
    if let Some(index) = limits.iter().position(|limit| &*limit.name == name) {
        return Ok(ResetWhat::Limit(index as u16));
    }
    match name {
        "shedding" => Ok(ResetWhat::Shedding),
        "all" => Ok(ResetWhat::All),
        _ => match guard.catalog().resolve(name) {
            Some(Noun::Output(output)) => Ok(ResetWhat::Output(output)),
            _ => {
                let outputs = guard.catalog().outputs.iter().map(|spec| &*spec.name);
                Err(unknown(
                    name,
                    limits.iter().map(|limit| &*limit.name).chain(outputs).chain(["shedding", "all"]),
                ))
            }
        },
    }
}

/// The nearest name, or those that there are.
fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Refusal {
    let known = match did_you_mean(name, known.clone()) {
        Some(near) => vec![near.to_owned()],
        None => known.take(NAMES_MAX).map(str::to_owned).collect(),
    };
    Refusal::UnknownName { name: name.to_owned(), known }
}

fn name_of(catalog: &Catalog, output: OutputId) -> String {
    catalog.output(output).map_or_else(|| "?".to_owned(), |spec| spec.name.to_string())
}

fn show(catalog: &Catalog, output: OutputId, wanted: Wanted) -> String {
    catalog.output(output).map_or_else(String::new, |spec| spec.show(wanted))
}

/// How every output is.
pub fn outputs(guard: &Guard) -> Vec<OutputStatus> {
    let catalog = guard.catalog();
    let one = |id: OutputId| {
        let (state, envelope) = (guard.output(id)?, guard.envelope(id)?);
        let verdict = guard.verdict(id);
        Some(OutputStatus {
            name: name_of(catalog, id),
            told: state.sent.then(|| show(catalog, id, state.told)),
            confirmed: state.confirmed.map(|confirmed| show(catalog, id, confirmed)),
            safe: show(catalog, id, envelope.safe),
            strength: envelope.strength.word().to_owned(),
            cause: verdict.map_or("nothing yet", |verdict| verdict.cause.word()).to_owned(),
            is_reachable: !state.is_unreachable,
        })
    };
    (0..catalog.outputs.len() as u32).filter_map(|id| one(OutputId(id))).collect()
}

/// What a set would loosen, as people are told it.
pub fn loosenings(list: &[ballast_guard::Loosening]) -> Vec<Loosening> {
    let row = |row: &ballast_guard::Loosening| Loosening {
        subject: row.subject.to_string(),
        key: row.key.to_owned(),
        old: row.old.clone(),
        new: row.new.clone(),
    };
    list.iter().map(row).collect()
}
