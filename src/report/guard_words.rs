//! What the guard says, as sentences: who acted, on what, by which value.

use ballast_guard::plan::SafetySet;
use ballast_guard::{GuardEvent, ResetWhat, SessionFault, Who};
use ballast_history::Severity;
use ballast_model::quantity::{Shown, Unit};
use ballast_model::{Catalog, Finite, OutputId};

/// An event of the guard, ready to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardSentence {
    /// `limit`, `guard`, `shedding`, `output`.
    pub kind: &'static str,
    /// What it is about.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who did it.
    pub who: Option<String>,
    /// The sentence.
    pub text: String,
}

/// Makes the sentence of an event.
pub fn sentence(event: &GuardEvent, set: &SafetySet, catalog: &Catalog) -> GuardSentence {
    let output = |id: &OutputId| catalog.output(*id).map_or("?", |spec| &*spec.name).to_owned();
    let limit =
        |index: &u16| set.limits.get(usize::from(*index)).map_or("?", |limit| &*limit.name).to_owned();
    let of = |kind, subject: String, severity, text: String| GuardSentence {
        kind,
        subject,
        severity,
        who: None,
        text,
    };
    match event {
        GuardEvent::SessionOpened { .. } => {
            of("guard", String::new(), Severity::Info, "the guard listens to the rules".into())
        }
        GuardEvent::SessionClosed { fault: SessionFault::Replaced, .. } => {
            of("guard", String::new(), Severity::Info, "a new set of rules speaks to the guard".into())
        }
        GuardEvent::SessionClosed { fault, .. } => {
            let text = format!(
                "the guard stopped listening: {}; outputs go safe as their leases end",
                fault_words(*fault)
            );
            of("guard", String::new(), Severity::Alarm, text)
        }
        GuardEvent::FrameRefused { fault, .. } => {
            let text = format!("the guard refused a message: {}", fault_words(*fault));
            of("guard", String::new(), Severity::Warning, text)
        }
        GuardEvent::LimitActed { limit: index, witness, is_unknown } => {
            let name = limit(index);
            let point = witness.and_then(|point| catalog.point(point)).map_or("", |spec| &*spec.name);
            let why = match (is_unknown, point) {
                (true, "") => ": its inputs are unknown".to_owned(),
                (true, point) => format!(": {point} is unknown"),
                (false, "") => String::new(),
                (false, point) => format!(" on {point}"),
            };
            of("limit", name.clone(), Severity::Alarm, format!("limit \"{name}\" acts{why}"))
        }
        GuardEvent::LimitReleased { limit: index } => {
            let name = limit(index);
            of("limit", name.clone(), Severity::Notice, format!("limit \"{name}\" lets go"))
        }
        GuardEvent::LimitLatched { limit: index } => {
            let name = limit(index);
            let text =
                format!("limit \"{name}\" is clear and waits for a person: ballast guard reset \"{name}\"");
            of("limit", name, Severity::Alarm, text)
        }
        other => of_person(other, &limit, &output).unwrap_or_else(|| of_output(other, catalog, &output)),
    }
}

/// What a person said to the guard; `None` for other events.
fn of_person(
    event: &GuardEvent,
    limit: &dyn Fn(&u16) -> String,
    output: &dyn Fn(&OutputId) -> String,
) -> Option<GuardSentence> {
    let said = |who: &Who, subject: String, severity, text: String| GuardSentence {
        kind: "guard",
        subject,
        severity,
        who: Some(who.as_str().into()),
        text,
    };
    Some(match event {
        GuardEvent::OperatorNow { who, output: which } => {
            let subject = which.as_ref().map(output).unwrap_or_default();
            let what = if subject.is_empty() { "everything" } else { &*subject };
            let text = format!("{} asked the guard to make {what} safe, now", who.as_str());
            said(who, subject.clone(), Severity::Alarm, text)
        }
        GuardEvent::WasReset { who, what } => {
            let (subject, name) = reset_name(what, limit, output);
            said(who, subject, Severity::Notice, format!("{} reset {name}", who.as_str()))
        }
        GuardEvent::ResetRefused { who, what } => {
            let (subject, name) = reset_name(what, limit, output);
            let text = format!("nothing to reset at {name}, or it is still violated");
            said(who, subject, Severity::Warning, text)
        }
        GuardEvent::Confirmed { who, fingerprint } => {
            let text = format!("{} accepted the safety set {fingerprint:016x}", who.as_str());
            said(who, String::new(), Severity::Notice, text)
        }
        GuardEvent::ConfirmRefused { who, fingerprint } => {
            let text = format!("no safety set {fingerprint:016x} waits for a confirmation");
            said(who, String::new(), Severity::Warning, text)
        }
        _ => return None,
    })
}

/// Events about one output.
fn of_output(event: &GuardEvent, catalog: &Catalog, output: &dyn Fn(&OutputId) -> String) -> GuardSentence {
    let of = |kind, subject: String, severity, text: String| GuardSentence {
        kind,
        subject,
        severity,
        who: None,
        text,
    };
    let about = |id: &OutputId, severity, text: &str| {
        let name = output(id);
        let text = format!("{name} {text}");
        GuardSentence { kind: "output", subject: name, severity, who: None, text }
    };
    match event {
        GuardEvent::LeaseExpired { output } => {
            about(output, Severity::Alarm, "was not renewed by the program")
        }
        GuardEvent::MaxClosed { output } => {
            about(output, Severity::Warning, "was closed for its longest time")
        }
        GuardEvent::SwitchesSpent { output } => about(output, Severity::Warning, "has no switchings left"),
        GuardEvent::InterlockActed { output, .. } => {
            about(output, Severity::Warning, "had to leave for its partner")
        }
        GuardEvent::Unreachable { output } => about(output, Severity::Warning, "cannot be reached"),
        GuardEvent::Reachable { output } => about(output, Severity::Notice, "can be reached again"),
        GuardEvent::OutsideChange { output: id, told, actual } => {
            let show = |wanted| catalog.output(*id).map_or_else(String::new, |spec| spec.show(wanted));
            let text = format!("was moved by someone else: told {}, is {}", show(*told), show(*actual));
            about(id, Severity::Warning, &text)
        }
        GuardEvent::NotCorrected { output } => {
            about(output, Severity::Alarm, "does not stay where it is told to be")
        }
        GuardEvent::EffectRetried { output } => {
            about(output, Severity::Warning, "showed no effect and was told again")
        }
        GuardEvent::NoEffect { output } => {
            about(output, Severity::Alarm, "shows no effect: a welded or broken relay, or a cut wire")
        }
        GuardEvent::EffectBack { output } => about(output, Severity::Notice, "shows its effect again"),
        GuardEvent::Restored { output } => about(output, Severity::Notice, "was given back"),
        GuardEvent::Dropped { events } => of(
            "guard",
            String::new(),
            Severity::Warning,
            format!("{events} events of the guard found no room"),
        ),
        other => of_shedding(other, catalog),
    }
}

/// Events about shedding.
fn of_shedding(event: &GuardEvent, catalog: &Catalog) -> GuardSentence {
    let shedding = |severity, text: String| GuardSentence {
        kind: "shedding",
        subject: String::new(),
        severity,
        who: None,
        text,
    };
    match event {
        GuardEvent::StageActed { stage, frequency, before, shed, loads } => {
            let text = format!(
                "shedding stage {} acted{}: {}",
                stage + 1,
                at(*frequency),
                amount(*loads, *shed, *before)
            );
            shedding(Severity::Alarm, text)
        }
        GuardEvent::BulkActed { frequency, before, shed, loads } => shedding(
            Severity::Alarm,
            format!("bulk shedding acted{}: {}", at(*frequency), amount(*loads, *shed, *before)),
        ),
        GuardEvent::ShedShort { missing } => {
            shedding(Severity::Alarm, format!("not enough loads to shed: {} are missing", watts(*missing)))
        }
        GuardEvent::FrequencyUnknown => shedding(Severity::Alarm, "the frequency is unknown".into()),
        GuardEvent::FrequencyBack { frequency } => {
            shedding(Severity::Notice, format!("the frequency is known again{}", at(Some(*frequency))))
        }
        GuardEvent::SourcesDisagree => {
            shedding(Severity::Alarm, "the sources of the frequency do not agree".into())
        }
        GuardEvent::SourceStuck { point } => {
            let name = catalog.point(*point).map_or("?", |spec| &*spec.name);
            shedding(Severity::Alarm, format!("{name} stands still while another source moves"))
        }
        GuardEvent::EventOver => shedding(Severity::Notice, "the frequency has recovered".into()),
        GuardEvent::Futile => shedding(Severity::Alarm, "shedding did not help and has stopped".into()),
        other => shedding(Severity::Info, format!("{other:?}")),
    }
}

fn reset_name(
    what: &ResetWhat,
    limit: &dyn Fn(&u16) -> String,
    output: &dyn Fn(&OutputId) -> String,
) -> (String, String) {
    match what {
        ResetWhat::Limit(index) => (limit(index), format!("the limit \"{}\"", limit(index))),
        ResetWhat::Output(id) => (output(id), output(id)),
        ResetWhat::Shedding => (String::new(), "shedding".into()),
        ResetWhat::All => (String::new(), "everything that waited".into()),
    }
}

fn at(frequency: Option<Finite>) -> String {
    let hertz = Unit::parse("Hz").unwrap_or(Unit::NONE);
    frequency.map_or_else(String::new, |base| format!(" at {}", Shown { base, unit: hertz }))
}

fn watts(power: Finite) -> String {
    format!("{:.0} W", power.get())
}

fn amount(loads: u32, shed: Finite, before: Finite) -> String {
    format!("{loads} loads with {} of {}", watts(shed), watts(before))
}

fn fault_words(fault: SessionFault) -> &'static str {
    match fault {
        SessionFault::Bye => "the program said good-bye",
        SessionFault::Link => "the link broke",
        SessionFault::Replaced => "a newer session took its place",
        SessionFault::Counter => "a message is missing or came twice",
        SessionFault::Table => "the program knows other outputs",
        SessionFault::UnknownOutput => "an output that does not exist",
        SessionFault::Authority => "someone spoke in the guard's name",
        SessionFault::OldSession => "a message of a session that has ended",
        SessionFault::Reload => "the outputs of the site changed",
    }
}
