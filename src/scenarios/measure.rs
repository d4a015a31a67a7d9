//! What a scenario can ask of a run.

use super::watch::Seen;
use crate::report::language::Language;
use ballast_config::decode::shape::{Form, KeyShape, MapShape, Others, optional};
use ballast_model::Dimension;

/// One measure: its word in a scenario's file, what it counts, and how it is found.
pub struct Measure {
    /// Its word.
    pub word: &'static str,
    /// What it counts.
    pub dimension: Dimension,
    /// Its name in English and French.
    pub names: (&'static str, &'static str),
    /// Its value in the base unit; `None` where the run gave none.
    pub of: fn(&Seen) -> Option<f64>,
}

impl Measure {
    /// The measure of this word.
    pub fn find(word: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|measure| measure.word == word)
    }

    /// Its name for people.
    pub fn name(&self, language: Language) -> &'static str {
        language.say(self.names.0, self.names.1)
    }

    /// A value with its unit, for people.
    pub fn show(&self, value: f64) -> String {
        match self.dimension {
            Dimension::Frequency => format!("{value:.3} Hz"),
            Dimension::Energy => format!("{:.3} kWh", value / 1e3),
            Dimension::Duration if value >= 600.0 => format!("{:.1} min", value / 60.0),
            Dimension::Duration => format!("{value:.2} s"),
            Dimension::Ratio => format!("{value:.1} %"),
            Dimension::Temperature => format!("{value:.1} °C"),
            _ => format!("{value:.0}"),
        }
    }
}

const fn measure(
    word: &'static str,
    dimension: Dimension,
    names: (&'static str, &'static str),
    of: fn(&Seen) -> Option<f64>,
) -> Measure {
    Measure { word, dimension, names, of }
}

/// All measures.
pub static MEASURES: &[Measure] = &[
    measure("lowest_frequency", Dimension::Frequency, ("lowest frequency", "fréquence minimale"), |seen| {
        Some(seen.lowest_hz)
    }),
    measure("highest_frequency", Dimension::Frequency, ("highest frequency", "fréquence maximale"), |seen| {
        Some(seen.highest_hz)
    }),
    measure("deviation", Dimension::Frequency, ("deviation of the frequency", "écart type"), |seen| {
        seen.deviation_hz
    }),
    measure("outside_49_51", Dimension::Duration, ("outside 49 to 51 Hz", "hors de 49 à 51 Hz"), |seen| {
        Some(seen.outside_narrow_s)
    }),
    measure(
        "outside_47_5_52",
        Dimension::Duration,
        ("outside 47.5 to 52 Hz", "hors de 47.5 à 52 Hz"),
        |seen| Some(seen.outside_wide_s),
    ),
    measure("blackouts", Dimension::Number, ("blackouts", "pannes générales"), |seen| {
        Some(seen.blackouts as f64)
    }),
    measure("starts", Dimension::Number, ("starts of sets", "démarrages de groupes"), |seen| {
        Some(seen.starts as f64)
    }),
    measure("missed", Dimension::Energy, ("energy missed", "énergie manquante"), |seen| {
        Some(seen.missed_wh.iter().map(|one| one.1).sum())
    }),
    measure("missed_clinic", Dimension::Energy, ("missed by the clinic", "manque au dispensaire"), |seen| {
        Some(seen.missed_of("clinic"))
    }),
    measure(
        "missed_water_pump",
        Dimension::Energy,
        ("missed by the water pump", "manque à la pompe"),
        |seen| Some(seen.missed_of("water_pump")),
    ),
    measure(
        "missed_cold_chain",
        Dimension::Energy,
        ("missed by the cold chain", "manque au froid"),
        |seen| Some(seen.missed_of("cold_chain")),
    ),
    measure("missed_homes", Dimension::Energy, ("missed by homes", "manque aux foyers"), |seen| {
        Some(seen.missed_of("homes"))
    }),
    measure("missed_comfort", Dimension::Energy, ("missed by comfort", "manque au confort"), |seen| {
        Some(seen.missed_of("comfort"))
    }),
    measure(
        "most_switchings_in_an_hour",
        Dimension::Number,
        ("most switchings of a relay in an hour", "commutations d'un relais par heure, au plus"),
        |seen| Some(seen.most_in_an_hour as f64),
    ),
    measure(
        "most_switchings_in_a_day",
        Dimension::Number,
        ("most switchings of a relay in a day", "commutations d'un relais par jour, au plus"),
        |seen| Some(seen.most_in_a_day as f64),
    ),
    measure("peak_over_capacity", Dimension::Ratio, ("peak over capacity", "pointe sur capacité"), |seen| {
        Some(100.0 * seen.peak)
    }),
    measure("hottest_cell", Dimension::Temperature, ("hottest cell", "cellule la plus chaude"), |seen| {
        seen.hottest_cell_c
    }),
    measure(
        "coldest_charge",
        Dimension::Temperature,
        ("coldest charged cell", "charge la plus froide"),
        |seen| {
            // Nothing was charged: nothing was charged in the cold.
            Some(seen.coldest_charge_c.unwrap_or(f64::INFINITY))
        },
    ),
    measure(
        "all_homes_back",
        Dimension::Duration,
        ("until all homes are back", "jusqu'au retour de tous les foyers"),
        |seen| Some(seen.homes_back_s),
    ),
    measure("offer_used", Dimension::Ratio, ("sun and wind used", "soleil et vent utilisés"), |seen| {
        seen.offer_used.map(|share| 100.0 * share)
    }),
    measure("hottest_water", Dimension::Temperature, ("hottest water", "eau la plus chaude"), |seen| {
        seen.hottest_water_c
    }),
    measure("evenness", Dimension::Ratio, ("evenness between homes", "équité entre foyers"), |seen| {
        Some(100.0 * seen.evenness)
    }),
    measure(
        "first_shedding",
        Dimension::Duration,
        ("from the event to the first shedding", "de l'événement au premier délestage"),
        |seen| seen.first_shedding_s,
    ),
    measure(
        "sheddings_before",
        Dimension::Number,
        ("loads cut before the event", "charges coupées avant l'événement"),
        |seen| Some(seen.sheddings_before as f64),
    ),
    measure(
        "stuck_found",
        Dimension::Duration,
        ("until the stuck meter was found", "jusqu'à la détection du compteur figé"),
        |seen| seen.stuck_found_s,
    ),
    measure("suspended", Dimension::Number, ("rules suspended", "règles suspendues"), |seen| {
        Some(seen.suspended as f64)
    }),
    measure("alarms", Dimension::Number, ("alarms", "alarmes"), |seen| Some(seen.alarms as f64)),
];

/// What is asked of a measure.
#[derive(Clone, Copy)]
pub struct Key {
    /// Of which.
    pub measure: &'static Measure,
    /// It is this at least, in the base unit.
    pub at_least: Option<f64>,
    /// It is this at most, in the base unit.
    pub at_most: Option<f64>,
}

impl Key {
    /// Whether a value is what is asked; one that a run did not give is not.
    pub fn holds(&self, value: Option<f64>) -> bool {
        let Some(value) = value else { return false };
        self.at_least.is_none_or(|least| value >= least) && self.at_most.is_none_or(|most| value <= most)
    }

    /// What is asked, for people.
    pub fn show(&self, language: Language) -> String {
        let least = self.at_least.map(|least| format!("≥ {}", self.measure.show(least)));
        let most = self.at_most.map(|most| format!("≤ {}", self.measure.show(most)));
        let asked: Vec<String> = least.into_iter().chain(most).collect();
        format!("{} {}", self.measure.name(language), asked.join(", "))
    }
}

/// The bounds of one measure.
pub(super) static BOUNDS: MapShape = MapShape {
    what: "what is asked of a measure",
    others: Others::Refused,
    keys: &[
        optional("at_least", Form::AnyQuantity, "the least that it may be."),
        optional("at_most", Form::AnyQuantity, "the most that it may be."),
    ],
};

const fn row(word: &'static str) -> KeyShape {
    optional(word, Form::Map(&BOUNDS), "`{ at_least: VALUE }` or `{ at_most: VALUE }`.")
}

const ROWS: [KeyShape; MEASURES.len()] = {
    let mut rows = [const { row("") }; MEASURES.len()];
    let mut index = 0;
    while index < MEASURES.len() {
        rows[index] = row(MEASURES[index].word);
        index += 1;
    }
    rows
};

/// The measures as keys of a scenario's file.
pub(super) static KEYS: MapShape = MapShape { what: "key measures", others: Others::Refused, keys: &ROWS };
