//! What is said when the memory of the guard was lost, and until a person has let go of the outputs.

use super::language::{Language, say};

/// Who holds the outputs then, as the events of the guard name it.
pub const WHO: &str = "the start without memory";

/// What was lost, why, and what a person does now.
pub fn lost(reason: &str, fingerprint: u64, language: Language) -> String {
    say!(
        language,
        "the memory of the guard is lost ({reason}): latches, `guard now`, minimum times and switchings, requests of people, and who \
         confirmed which safety set. Every output is held safe. Look at the site and at the safety set in force \
         ({fingerprint:016x}, confirmed by nobody), then: ballast guard reset all",
        "la mémoire du gardien est perdue ({reason}) : verrouillages, `guard now`, durées minimales et manœuvres, demandes des \
         personnes, et qui a confirmé quel jeu de sûreté. Chaque sortie est maintenue en sécurité. Vérifiez le site et le jeu de \
         sûreté en vigueur ({fingerprint:016x}, confirmé par personne), puis : ballast guard reset all"
    )
}

/// Says that the site runs.
pub fn running(site: &str, language: Language) -> String {
    say!(language, "{site} is running without its memory", "{site} tourne sans sa mémoire")
}
