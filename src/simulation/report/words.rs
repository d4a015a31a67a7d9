//! Sentences about a run on the plant.

use crate::report::language::{Language, say};
use crate::simulation::measures::Measures;
use ballast_plant::PlantError;

/// A class of load, from its word for programs.
pub fn class(word: &str, language: Language) -> &'static str {
    match word {
        "clinic" => language.say("clinic", "dispensaire"),
        "water_pump" => language.say("water", "eau"),
        "cold_chain" => language.say("cold chain", "chaîne du froid"),
        "homes" => language.say("homes", "foyers"),
        "comfort" => language.say("comfort", "confort"),
        _ => language.say("heaters, vehicles", "chauffe-eau, véhicules"),
    }
}

/// What is told of a run in a few lines: what, and how much.
pub fn summary(measures: &Measures, language: Language) -> Vec<(&'static str, String)> {
    let record = &measures.record;
    let (lowest, highest) = (record.lowest_hz, record.highest_hz);
    let (narrow, wide) = (measures.outside_narrow_s, measures.outside_wide_s);
    let (served, missed) = measures.energy_wh();
    let (served, missed) = (served / 1e3, missed / 1e3);
    let (blackouts, dark) = (record.blackouts, record.dark_s);
    let (held, alarms, switchings) = (measures.interventions, measures.alarms.count, measures.switchings());
    vec![
        (
            language.say("frequency", "fréquence"),
            say!(language, "{lowest:.2} to {highest:.2} Hz", "{lowest:.2} à {highest:.2} Hz"),
        ),
        (language.say("outside 49 to 51 Hz", "hors de 49 à 51 Hz"), format!("{narrow:.1} s")),
        (language.say("outside 47.5 to 52 Hz", "hors de 47.5 à 52 Hz"), format!("{wide:.1} s")),
        (
            language.say("without voltage", "hors tension"),
            say!(language, "{blackouts} times, {dark:.1} s", "{blackouts} fois, {dark:.1} s"),
        ),
        (
            language.say("energy", "énergie"),
            say!(
                language,
                "{served:.1} kWh served, {missed:.1} kWh missed",
                "{served:.1} kWh servis, {missed:.1} kWh manquants"
            ),
        ),
        (language.say("switchings", "commutations"), switchings.to_string()),
        (
            language.say("guard", "gardien"),
            say!(language, "{held} interventions, {alarms} alarms", "{held} interventions, {alarms} alarmes"),
        ),
    ]
}

/// The plant is none any more.
pub fn diverged(error: &PlantError, language: Language) -> String {
    let PlantError::Diverged { equation, device, after_s } = error else { return error.to_string() };
    say!(
        language,
        "the plant diverged: the {equation} of `{device}` gives no finite number any more {after_s} s after the start; \
         what `{device}` is made of is far outside what exists",
        "le modèle a divergé : « {equation} » de `{device}` ne donne plus de nombre fini {after_s} s après le début ; \
         ce dont `{device}` est fait est loin de ce qui existe"
    )
}
