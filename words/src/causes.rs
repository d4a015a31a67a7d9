//! Why an output is not as it was asked to be: one sentence for each cause of the guard, in both languages.

use super::language::{Language, say};
use super::memory;
use ballast_guard::plan::SafetySet;
use ballast_model::Catalog;
use ballast_model::intent::Cause;

/// The name of a limit.
fn limit_name(set: &SafetySet, index: u16) -> &str {
    set.limits.get(usize::from(index)).map_or("?", |limit| &limit.name)
}

/// The members of an interlock.
fn members(set: &SafetySet, catalog: &Catalog, index: u16, language: Language) -> String {
    let Some(interlock) = set.interlocks.get(usize::from(index)) else { return "?".into() };
    let name = |output| catalog.output(output).map_or("?", |spec| &*spec.name);
    let members = interlock
        .members
        .iter()
        .map(|(output, contact)| format!("{} {}", name(*output), state(contact.word(), language)));
    members.collect::<Vec<_>>().join(", ")
}

/// The sentence for a cause; empty where the output is simply as asked.
pub fn sentence(cause: Cause, set: &SafetySet, catalog: &Catalog, language: Language) -> String {
    match cause {
        Cause::Asked => String::new(),
        Cause::Limit(index) => {
            let name = limit_name(set, index);
            say!(language, "the limit \"{name}\" forces it", "la limite « {name} » l'impose")
        }
        Cause::Interlock(index) => {
            let members = members(set, catalog, index, language);
            say!(language, "never together: {members}", "jamais ensemble : {members}")
        }
        Cause::DeadTime(index) => {
            let members = members(set, catalog, index, language);
            say!(
                language,
                "the pause between {members} is not over",
                "la pause entre {members} n'est pas finie"
            )
        }
        Cause::Stage(index) => {
            let number = index + 1;
            say!(
                language,
                "shedding stage {number} opened it: the frequency was too low",
                "le délestage (échelon {number}) l'a coupé : fréquence trop basse"
            )
        }
        other => {
            let (english, french) = plain(other);
            language.say(english, french).to_owned()
        }
    }
}

/// The sentence for a cause, where the hold of a guard whose memory was lost may be behind it.
pub fn held(
    cause: Cause,
    is_memory_lost: bool,
    set: &SafetySet,
    catalog: &Catalog,
    language: Language,
) -> String {
    let of_memory = memory::cause(cause, is_memory_lost, language);
    of_memory.map_or_else(|| sentence(cause, set, catalog, language), ToOwned::to_owned)
}

/// The same as a stable word for programs.
pub fn held_word(cause: Cause, is_memory_lost: bool) -> &'static str {
    let of_memory = memory::cause(cause, is_memory_lost, Language::En);
    of_memory.map_or_else(|| cause.word(), |_| memory::CAUSE)
}

/// Causes whose sentence needs no name.
fn plain(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::MinClosed => {
            ("it has not been closed long enough", "il n'est pas connecté depuis assez longtemps")
        }
        Cause::MinOpen => ("it has not been open long enough", "il n'est pas coupé depuis assez longtemps"),
        Cause::MaxClosed => (
            "it was closed for its longest time and rests until the request ends",
            "il a été connecté le temps maximal et se repose jusqu'à la fin de la demande",
        ),
        Cause::MaxSwitches => ("its number of switchings is spent", "son nombre de manœuvres est épuisé"),
        Cause::Bulk => (
            "bulk shedding opened it: the frequency was falling fast",
            "le délestage rapide l'a coupé : la fréquence chutait",
        ),
        Cause::Never => ("it is on the never-shed list", "il est sur la liste à ne jamais couper"),
        Cause::ShedCap => (
            "too many loads were shed in the last seconds",
            "trop de charges ont été coupées ces dernières secondes",
        ),
        Cause::Futile => (
            "shedding did not help and has stopped; look at the sources",
            "le délestage n'a pas aidé et s'est arrêté ; voyez les sources",
        ),
        Cause::AwaitsRestoration => {
            ("it was cut and waits to be given back", "il a été coupé et attend d'être réalimenté")
        }
        Cause::Silence => ("the program fell silent", "le programme ne répond plus"),
        Cause::AtStart => (
            "the program has just started and the inputs of its limits are not good yet",
            "le programme vient de démarrer et les mesures de ses limites ne sont pas encore bonnes",
        ),
        Cause::Latched => {
            ("it waits for a person: `ballast guard reset`", "il attend une personne : `ballast guard reset`")
        }
        Cause::Value => (
            "the value was brought to the nearest allowed one",
            "la valeur a été ramenée à la plus proche permise",
        ),
        Cause::Ramp => ("it moves in the steps of its ramp", "il suit sa rampe"),
        Cause::MinInterval => ("it was set too short a time ago", "il a été réglé il y a trop peu de temps"),
        Cause::OutsideChange => ("someone else moved it", "quelqu'un d'autre l'a manœuvré"),
        Cause::NoEffect => (
            "it was told to move and nothing followed; check the relay and the wiring",
            "l'ordre est resté sans effet ; vérifiez le relais et le câblage",
        ),
        Cause::OperatorNow => {
            ("a person asked for safety, now", "une personne a demandé la mise en sécurité")
        }
        Cause::NotAllowed => (
            "what was asked is not a state of this output",
            "ce qui est demandé n'est pas un état de cette sortie",
        ),
        Cause::Unreachable => ("the device does not answer", "l'appareil ne répond pas"),
        Cause::Restless => (
            "the guard has switched it too often in a short time",
            "le gardien l'a manœuvré trop souvent en peu de temps",
        ),
        Cause::NotArmed => ("its device is not armed", "son appareil n'est pas armé"),
        Cause::JustArmed => {
            ("this was asked before its device was armed", "c'était demandé avant que son appareil soit armé")
        }
        _ => ("", ""),
    }
}

/// A state as people read it.
pub fn state(shown: &str, language: Language) -> &str {
    match shown {
        "closed" => language.say("closed", "connecté"),
        "open" => language.say("open", "coupé"),
        other => other,
    }
}
