//! What the guard says, as sentences: who acted, on what, by which value.

use super::language::{Language, Noun, say};
use super::{arming, causes};
use ballast_guard::plan::SafetySet;
use ballast_guard::{GuardEvent, ResetWhat, SessionFault, Who};
use ballast_model::quantity::{Shown, Unit};
use ballast_model::{Catalog, Finite, OutputId, Severity, Wanted};

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
pub fn sentence(event: &GuardEvent, set: &SafetySet, catalog: &Catalog, language: Language) -> GuardSentence {
    let words = Words { set, catalog, language };
    let of = |kind, subject: String, severity, text: String| GuardSentence {
        kind,
        subject,
        severity,
        who: None,
        text,
    };
    let guard = |severity, text: String| of("guard", String::new(), severity, text);
    match event {
        GuardEvent::SessionOpened { .. } => {
            let text = say!(language, "the guard listens to the rules", "le gardien écoute les règles");
            guard(Severity::Info, text)
        }
        GuardEvent::SessionClosed { fault: SessionFault::Replaced, .. } => {
            let text = say!(
                language,
                "a new set of rules speaks to the guard",
                "un nouveau jeu de règles parle au gardien"
            );
            guard(Severity::Info, text)
        }
        GuardEvent::SessionClosed { fault, .. } => {
            let fault = fault_words(*fault, language);
            let text = say!(
                language,
                "the guard stopped listening: {fault}; outputs go safe as their leases end",
                "le gardien n'écoute plus : {fault} ; les sorties vont à leur état sûr quand leur bail finit"
            );
            guard(Severity::Alarm, text)
        }
        GuardEvent::FrameRefused { fault, .. } => {
            let fault = fault_words(*fault, language);
            let text = say!(
                language,
                "the guard refused a message: {fault}",
                "le gardien a refusé un message : {fault}"
            );
            guard(Severity::Warning, text)
        }
        GuardEvent::LimitActed { limit: index, witness, is_unknown } => {
            let name = words.limit(*index);
            let point = witness.and_then(|point| catalog.point(point)).map_or("", |spec| &*spec.name);
            let why = match (is_unknown, point) {
                (true, "") => say!(language, ": its inputs are unknown", " : ses mesures manquent"),
                (true, point) => say!(language, ": {point} is unknown", " : {point} est inconnu"),
                (false, "") => String::new(),
                (false, point) => say!(language, " on {point}", " sur {point}"),
            };
            let text = say!(language, "limit \"{name}\" acts{why}", "la limite « {name} » agit{why}");
            of("limit", name, Severity::Alarm, text)
        }
        GuardEvent::LimitReleased { limit: index } => {
            let name = words.limit(*index);
            let text = say!(language, "limit \"{name}\" lets go", "la limite « {name} » relâche");
            of("limit", name, Severity::Notice, text)
        }
        GuardEvent::LimitLatched { limit: index } => {
            let name = words.limit(*index);
            let text = say!(
                language,
                "limit \"{name}\" is clear and waits for a person: ballast guard reset \"{name}\"",
                "la limite « {name} » n'est plus atteinte et attend une personne : ballast guard reset \"{name}\""
            );
            of("limit", name, Severity::Alarm, text)
        }
        other => of_person(other, &words).unwrap_or_else(|| of_output(other, &words)),
    }
}

/// What a sentence needs besides the event.
struct Words<'a> {
    set: &'a SafetySet,
    catalog: &'a Catalog,
    language: Language,
}

impl Words<'_> {
    fn output(&self, id: OutputId) -> String {
        self.catalog.output(id).map_or("?", |spec| &*spec.name).to_owned()
    }

    fn limit(&self, index: u16) -> String {
        self.set.limits.get(usize::from(index)).map_or("?", |limit| &*limit.name).to_owned()
    }

    /// An output that a limit holds: its name, the limit, and the state.
    fn held(&self, id: OutputId, limit: u16, wanted: Wanted) -> (String, String, String) {
        let shown = self.catalog.output(id).map_or_else(String::new, |spec| spec.show(wanted));
        (self.output(id), self.limit(limit), causes::state(&shown, self.language).to_owned())
    }

    /// What was reset: the subject, and how the sentence names it.
    fn reset(&self, what: &ResetWhat) -> (String, String) {
        match what {
            ResetWhat::Limit(index) => {
                let name = self.limit(*index);
                let named = say!(self.language, "the limit \"{name}\"", "la limite « {name} »");
                (name, named)
            }
            ResetWhat::Output(id) => (self.output(*id), self.output(*id)),
            ResetWhat::Shedding => (String::new(), self.language.say("shedding", "le délestage").into()),
            ResetWhat::All => {
                let all = self.language.say("everything that waited", "tout ce qui attendait");
                (String::new(), all.into())
            }
        }
    }
}

/// What a person said to the guard; `None` for other events.
fn of_person(event: &GuardEvent, words: &Words<'_>) -> Option<GuardSentence> {
    let language = words.language;
    let said = |who: &Who, subject: String, severity, text: String| GuardSentence {
        kind: "guard",
        subject,
        severity,
        who: Some(who.as_str().into()),
        text,
    };
    Some(match event {
        GuardEvent::OperatorNow { who, output } => {
            let (by, subject) = (who.as_str(), output.map(|output| words.output(output)).unwrap_or_default());
            let what = if subject.is_empty() { language.say("everything", "tout") } else { &*subject };
            let text = say!(
                language,
                "{by} asked the guard to make {what} safe, now",
                "{by} a demandé au gardien la mise en sécurité immédiate : {what}"
            );
            said(who, subject.clone(), Severity::Alarm, text)
        }
        GuardEvent::NowUnderLimit { .. } | GuardEvent::LimitLeft { .. } => return of_held(event, words),
        GuardEvent::WasReset { who, what } => {
            let (by, (subject, name)) = (who.as_str(), words.reset(what));
            said(who, subject, Severity::Notice, say!(language, "{by} reset {name}", "{by} a réarmé {name}"))
        }
        GuardEvent::ResetRefused { who, what } => {
            let (subject, name) = words.reset(what);
            let text = say!(
                language,
                "nothing to reset at {name}, or it is still violated",
                "rien à réarmer pour {name}, ou le défaut est encore là"
            );
            said(who, subject, Severity::Warning, text)
        }
        GuardEvent::Confirmed { who, fingerprint } => {
            let by = who.as_str();
            let text = say!(
                language,
                "{by} accepted the safety set {fingerprint:016x}",
                "{by} a accepté le jeu de sûreté {fingerprint:016x}"
            );
            said(who, String::new(), Severity::Notice, text)
        }
        GuardEvent::ConfirmRefused { who, fingerprint } => {
            let text = say!(
                language,
                "no safety set {fingerprint:016x} waits for a confirmation",
                "aucun jeu de sûreté {fingerprint:016x} n'attend de confirmation"
            );
            said(who, String::new(), Severity::Warning, text)
        }
        GuardEvent::Armed { who, output }
        | GuardEvent::ArmRefused { who, output, .. }
        | GuardEvent::Disarmed { who, output, .. }
        | GuardEvent::DisarmRefused { who, output, .. } => {
            let (text, is_warning) = arming::event(event, words.catalog, language)?;
            let severity = if is_warning { Severity::Warning } else { Severity::Notice };
            said(who, words.output(*output), severity, text)
        }
        _ => return None,
    })
}

/// What a limit holds away from its safe state, against a person's word or at the guard's end; `None` for other events.
fn of_held(event: &GuardEvent, words: &Words<'_>) -> Option<GuardSentence> {
    let language = words.language;
    let (subject, text) = match event {
        GuardEvent::NowUnderLimit { output, limit, wanted } => {
            let (name, limit, state) = words.held(*output, *limit, *wanted);
            let text = say!(
                language,
                "{name} stays {state}: the limit \"{limit}\" is above a person's \"now\"",
                "{name} reste {state} : la limite « {limit} » l'emporte sur une mise en sécurité"
            );
            (name, text)
        }
        GuardEvent::LimitLeft { output, limit, wanted, stays } => {
            let (name, limit, state) = words.held(*output, *limit, *wanted);
            let text = match stays {
                true => say!(
                    language,
                    "the guard ends: {name} stays {state} as the limit \"{limit}\" held it, and nobody watches it",
                    "le gardien s'arrête : {name} reste {state} comme le tenait la limite « {limit} », et personne ne surveille"
                ),
                false => say!(
                    language,
                    "the guard ends: {name} goes to its safe state, and the limit \"{limit}\" no longer holds it {state}",
                    "le gardien s'arrête : {name} va à son état sûr, et la limite « {limit} » ne le tient plus {state}"
                ),
            };
            (name, text)
        }
        _ => return None,
    };
    Some(GuardSentence { kind: "guard", subject, severity: Severity::Alarm, who: None, text })
}

/// Events about one output.
fn of_output(event: &GuardEvent, words: &Words<'_>) -> GuardSentence {
    let language = words.language;
    let about =
        |id: &OutputId, severity, english: &str, french: &str| about(words, *id, severity, english, french);
    use Severity::{Alarm, Notice, Warning};
    match event {
        GuardEvent::LeaseExpired { output } => {
            about(output, Alarm, "was not renewed by the program", "n'a pas été renouvelé par le programme")
        }
        GuardEvent::MaxClosed { output } => {
            about(output, Warning, "was closed for its longest time", "a été connecté le temps maximal")
        }
        GuardEvent::SwitchesSpent { output } => {
            about(output, Warning, "has no switchings left", "n'a plus de manœuvres")
        }
        GuardEvent::Restless { output } => about(
            output,
            Alarm,
            "was switched by the guard again and again: what else is wanted of it waits; look at the limits that move it",
            "a été manœuvré sans cesse par le gardien : le reste attend ; voyez les limites qui l'actionnent",
        ),
        GuardEvent::InterlockActed { output, .. } => {
            about(output, Warning, "had to leave for its partner", "a dû céder la place à son partenaire")
        }
        GuardEvent::Unreachable { output } => about(output, Warning, "cannot be reached", "est injoignable"),
        GuardEvent::Reachable { output } => {
            about(output, Notice, "can be reached again", "est de nouveau joignable")
        }
        GuardEvent::Restored { output } => about(output, Notice, "was given back", "a été réalimenté"),
        GuardEvent::Dropped { events } => GuardSentence {
            kind: "guard",
            subject: String::new(),
            severity: Warning,
            who: None,
            text: say!(
                language,
                "{events} events of the guard found no room",
                "{events} événements du gardien n'ont pas trouvé de place"
            ),
        },
        other => of_device(other, words),
    }
}

/// Events about an output whose device does something else than it was told.
fn of_device(event: &GuardEvent, words: &Words<'_>) -> GuardSentence {
    let language = words.language;
    let about =
        |id: &OutputId, severity, english: &str, french: &str| about(words, *id, severity, english, french);
    use Severity::{Alarm, Notice, Warning};
    match event {
        GuardEvent::OutsideChange { output: id, told, actual } => {
            let show = |wanted| words.catalog.output(*id).map_or_else(String::new, |spec| spec.show(wanted));
            let (told, actual) = (show(*told), show(*actual));
            let (told, actual) = (causes::state(&told, language), causes::state(&actual, language));
            let text = say!(
                language,
                "was moved by someone else: told {told}, is {actual}",
                "a été manœuvré par quelqu'un d'autre : ordre {told}, état {actual}"
            );
            about(id, Warning, &text, &text)
        }
        GuardEvent::NotCorrected { output } => {
            about(output, Alarm, "does not stay where it is told to be", "ne reste pas où il doit être")
        }
        GuardEvent::TimerRanOut { output } => about(
            output,
            Warning,
            "went back by its own timer before it was told again",
            "est revenu par sa propre minuterie avant que l'ordre soit répété",
        ),
        GuardEvent::EffectRetried { output } => about(
            output,
            Warning,
            "showed no effect and was told again",
            "est resté sans effet ; l'ordre a été répété",
        ),
        GuardEvent::NoEffect { output } => about(
            output,
            Alarm,
            "shows no effect: a welded or broken relay, or a cut wire",
            "reste sans effet : relais collé ou cassé, ou fil coupé",
        ),
        GuardEvent::EffectBack { output } => {
            about(output, Notice, "shows its effect again", "a de nouveau son effet")
        }
        other => of_shedding(other, words),
    }
}

fn about(
    words: &Words<'_>,
    output: OutputId,
    severity: Severity,
    english: &str,
    french: &str,
) -> GuardSentence {
    let name = words.output(output);
    let text = format!("{name} {}", words.language.say(english, french));
    GuardSentence { kind: "output", subject: name, severity, who: None, text }
}

/// Events about shedding.
fn of_shedding(event: &GuardEvent, words: &Words<'_>) -> GuardSentence {
    let language = words.language;
    let plain =
        |severity, english: &str, french: &str| shedding(severity, language.say(english, french).into());
    match event {
        GuardEvent::StageActed { stage, frequency, before, shed, loads } => {
            let (number, at) = (stage + 1, at(*frequency, language));
            let amount = amount(*loads, *shed, *before, language);
            let text = say!(
                language,
                "shedding stage {number} acted{at}: {amount}",
                "délestage, échelon {number}{at} : {amount}"
            );
            shedding(Severity::Alarm, text)
        }
        GuardEvent::BulkActed { frequency, before, shed, loads } => {
            let (at, amount) = (at(*frequency, language), amount(*loads, *shed, *before, language));
            let text = say!(language, "bulk shedding acted{at}: {amount}", "délestage rapide{at} : {amount}");
            shedding(Severity::Alarm, text)
        }
        GuardEvent::ShedShort { missing } => {
            let missing = watts(*missing);
            let text = say!(
                language,
                "not enough loads to shed: {missing} are missing",
                "pas assez de charges à délester : il manque {missing}"
            );
            shedding(Severity::Alarm, text)
        }
        GuardEvent::EventOver => {
            plain(Severity::Notice, "the frequency has recovered", "la fréquence s'est rétablie")
        }
        GuardEvent::Futile => plain(
            Severity::Alarm,
            "shedding did not help and has stopped",
            "le délestage n'a pas aidé et s'est arrêté",
        ),
        other => of_sources(other, words),
    }
}

/// Events about the sources of the frequency.
fn of_sources(event: &GuardEvent, words: &Words<'_>) -> GuardSentence {
    let language = words.language;
    let plain =
        |severity, english: &str, french: &str| shedding(severity, language.say(english, french).into());
    match event {
        GuardEvent::FrequencyUnknown => {
            plain(Severity::Alarm, "the frequency is unknown", "la fréquence est inconnue")
        }
        GuardEvent::FrequencyBack { frequency } => {
            let at = at(Some(*frequency), language);
            let text =
                say!(language, "the frequency is known again{at}", "la fréquence est de nouveau connue{at}");
            shedding(Severity::Notice, text)
        }
        GuardEvent::SourcesDisagree => plain(
            Severity::Alarm,
            "the sources of the frequency do not agree",
            "les sources de la fréquence ne sont pas d'accord",
        ),
        GuardEvent::SourcesAgree { frequency } => {
            let at = at(Some(*frequency), language);
            let text = say!(
                language,
                "the sources of the frequency agree again{at}",
                "les sources de la fréquence s'accordent de nouveau{at}"
            );
            shedding(Severity::Notice, text)
        }
        GuardEvent::SourceStuck { point } => {
            let name = words.catalog.point(*point).map_or("?", |spec| &*spec.name);
            let text = say!(
                language,
                "{name} stands still while another source moves",
                "{name} est figé alors qu'une autre source bouge"
            );
            shedding(Severity::Alarm, text)
        }
        other => shedding(Severity::Info, format!("{other:?}")),
    }
}

fn shedding(severity: Severity, text: String) -> GuardSentence {
    GuardSentence { kind: "shedding", subject: String::new(), severity, who: None, text }
}

fn at(frequency: Option<Finite>, language: Language) -> String {
    let hertz = Unit::parse("Hz").unwrap_or(Unit::NONE);
    frequency.map_or_else(String::new, |base| {
        let shown = Shown { base, unit: hertz };
        say!(language, " at {shown}", " à {shown}")
    })
}

fn watts(power: Finite) -> String {
    format!("{:.0} W", power.get())
}

fn amount(loads: u32, shed: Finite, before: Finite, language: Language) -> String {
    let (shed, before, loads) = (watts(shed), watts(before), language.counted(loads as usize, Noun::Load));
    say!(language, "{loads} with {shed} of {before}", "{loads}, {shed} sur {before}")
}

const fn fault_words(fault: SessionFault, language: Language) -> &'static str {
    let (english, french) = match fault {
        SessionFault::Bye => ("the program said good-bye", "le programme a pris congé"),
        SessionFault::Link => ("the link broke", "la liaison est rompue"),
        SessionFault::Silence => {
            ("the program was silent for too long", "le programme s'est tu trop longtemps")
        }
        SessionFault::Replaced => {
            ("a newer session took its place", "une session plus récente a pris sa place")
        }
        SessionFault::Counter => {
            ("a message is missing or came twice", "un message manque ou est venu deux fois")
        }
        SessionFault::Table => ("the program knows other outputs", "le programme connaît d'autres sorties"),
        SessionFault::UnknownOutput => ("an output that does not exist", "une sortie qui n'existe pas"),
        SessionFault::Authority => {
            ("someone spoke in the guard's name", "quelqu'un a parlé au nom du gardien")
        }
        SessionFault::Reading => {
            ("a point that is not the program's to tell", "un point que le programme n'a pas à dire")
        }
        SessionFault::OldSession => {
            ("a message of a session that has ended", "un message d'une session terminée")
        }
        SessionFault::Ahead => {
            ("a session from a moment still to come", "une session d'un instant encore à venir")
        }
        SessionFault::Reload => ("the outputs of the site changed", "les sorties du site ont changé"),
    };
    language.say(english, french)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(event: &GuardEvent, language: Language) -> String {
        sentence(event, &SafetySet::default(), &Catalog::default(), language).text
    }

    #[test]
    fn what_becomes_of_what_a_limit_holds_is_said_in_both_languages() {
        let (output, limit, wanted) = (OutputId(0), 0, Wanted::CLOSED);
        let left = |stays| GuardEvent::LimitLeft { output, limit, wanted, stays };
        let english = said(&left(false), Language::En);
        assert!(english.starts_with("the guard ends: ? goes to its safe state"), "{english}");
        let french = said(&left(true), Language::Fr);
        assert!(french.starts_with("le gardien s'arrête : ? reste"), "{french}");
        let now = GuardEvent::NowUnderLimit { output, limit, wanted };
        assert!(said(&now, Language::En).contains("the limit \"?\" is above a person's \"now\""));
        assert!(said(&now, Language::Fr).contains("la limite « ? » l'emporte"));
    }

    #[test]
    fn an_output_that_is_switched_to_and_fro_is_an_alarm() {
        let event = GuardEvent::Restless { output: OutputId(0) };
        let told = sentence(&event, &SafetySet::default(), &Catalog::default(), Language::En);
        assert_eq!(told.severity, Severity::Alarm);
        assert!(told.text.contains("again and again"), "{}", told.text);
        assert!(said(&event, Language::Fr).contains("sans cesse"));
    }

    #[test]
    fn sources_that_agree_again_are_said() {
        let event = GuardEvent::SourcesAgree { frequency: Finite::from(50) };
        assert_eq!(said(&event, Language::En), "the sources of the frequency agree again at 50 Hz");
        assert_eq!(said(&event, Language::Fr), "les sources de la fréquence s'accordent de nouveau à 50 Hz");
    }
}
