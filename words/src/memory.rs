//! What is said when the memory of the guard was lost, and until a person has let go of the outputs.

use super::language::{Language, say};
use ballast_guard::{GuardEvent, ResetWhat};
use ballast_model::intent::Cause;

/// Who holds the outputs then, as the events of the guard name it.
pub const WHO: &str = "the start without memory";

/// What was lost, why, and what a person does now.
pub fn lost(reason: &str, fingerprint: u64, language: Language) -> String {
    say!(
        language,
        "the memory of the guard is lost ({reason}): latches, `guard now`, minimum times and switchings, requests of people, who armed which device, \
         and who confirmed which safety set. Every output is held safe. Look at the site and at the safety set in force \
         ({fingerprint:016x}, confirmed by nobody), then: ballast guard reset all",
        "la mémoire du gardien est perdue ({reason}) : verrouillages, `guard now`, durées minimales et manœuvres, demandes des \
         personnes, qui a armé quel appareil, et qui a confirmé quel jeu de sûreté. Chaque sortie est maintenue en sécurité. Vérifiez le site et le jeu de \
         sûreté en vigueur ({fingerprint:016x}, confirmé par personne), puis : ballast guard reset all"
    )
}

/// What was lost where the guard is a process of its own and keeps its own memory.
pub fn lost_by_program(reason: &str, language: Language) -> String {
    say!(
        language,
        "the memory of the program is lost ({reason}): requests of people, modes, settings, the progress of rules, and which files did harm. \
         The guard keeps its own memory. Look at modes and settings",
        "la mémoire du programme est perdue ({reason}) : demandes des personnes, modes, réglages, avancement des règles, et quels fichiers \
         ont fait du tort. Le gardien garde sa propre mémoire. Vérifiez les modes et les réglages"
    )
}

/// Why what was kept is lost: it was written by another version.
pub const fn unreadable(language: Language) -> &'static str {
    language.say("this program cannot read it", "ce programme ne sait pas la lire")
}

/// Why what was kept is lost: the number of its version is not the one that this program reads.
pub fn other_version(machine: &str, found: u32, known: u32, language: Language) -> String {
    say!(
        language,
        "this program cannot read it: the state of the {machine} has version {found}, and it reads version {known}",
        "ce programme ne sait pas la lire : l'état « {machine} » est de version {found}, et il lit la version {known}"
    )
}

/// Says that the site runs.
pub fn running(site: &str, language: Language) -> String {
    say!(language, "{site} is running without its memory", "{site} tourne sans sa mémoire")
}

/// The stable word for the cause, for programs.
pub const CAUSE: &str = "memory_lost";

/// Why an output is held while the memory is lost; `None` for every other cause. The guard only knows that it is held, as by
/// a person's "now".
pub fn cause(cause: Cause, is_lost: bool, language: Language) -> Option<&'static str> {
    (is_lost && cause == Cause::OperatorNow).then(|| {
        language.say(
            "the memory of the guard is lost, and everything is held safe until a person lets go",
            "la mémoire du gardien est perdue, et tout est maintenu en sécurité jusqu'à ce qu'une personne y mette fin",
        )
    })
}

/// Whether a person lets go of everything with it. Refused is the same: the person let go of one after the other before.
pub const fn ends(event: &GuardEvent) -> bool {
    matches!(
        event,
        GuardEvent::WasReset { what: ResetWhat::All, .. }
            | GuardEvent::ResetRefused { what: ResetWhat::All, .. }
    )
}
