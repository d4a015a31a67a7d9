//! What is answered to a person who asked for something: done, or refused and why.

use super::language::{Language, say};
use ballast_config::safety::levels;
use ballast_guard::plan::Envelope;
use ballast_model::catalog::OutputSpec;
use ballast_model::expr::explain_quantity;
use ballast_model::quantity::{QuantityError, UNITS};
use ballast_model::{Span, Wanted};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done<'a> {
    /// A suspended rule may run again.
    Resumed(&'a str),
    /// Nothing was to be done: the rule is not suspended, and is active or waits.
    NotSuspended {
        /// Its name.
        rule: &'a str,
        /// Whether it is active.
        is_active: bool,
    },
    /// Every output goes to its safe state.
    AllSafe,
    /// Every output that can be told goes to its safe state.
    ReachedSafe,
    /// A safety set was confirmed.
    Confirmed(&'a str),
    /// A generator may try again.
    GeneratorReset(&'a str),
    /// A latch was looked at again.
    Reset(&'a str),
    /// A state of an output is asked for.
    Requested(&'a str, &'a str, Span),
    /// A person's request has ended.
    Released(&'a str),
    /// The mode is another one.
    Mode(&'a str),
    /// A setting has this value.
    Setting(&'a str, &'a str),
    /// The journal lies there.
    Journal(&'a str),
}

impl Done<'_> {
    /// The sentence.
    pub fn say(self, language: Language) -> String {
        match self {
            Self::Resumed(name) => {
                say!(language, "rule \"{name}\" may run again", "la règle « {name} » peut repartir")
            }
            Self::NotSuspended { rule, is_active: true } => say!(
                language,
                "rule \"{rule}\" is not suspended, nothing is to be resumed: it is active now",
                "la règle « {rule} » n'est pas suspendue, rien à relancer : elle est active"
            ),
            Self::NotSuspended { rule, is_active: false } => say!(
                language,
                "rule \"{rule}\" is not suspended, nothing is to be resumed: it waits for its condition; see `ballast why-not \"{rule}\"`",
                "la règle « {rule} » n'est pas suspendue, rien à relancer : elle attend sa condition ; voyez `ballast why-not \"{rule}\"`"
            ),
            Self::AllSafe => {
                say!(language, "every output goes to its safe state", "chaque sortie va à son état sûr")
            }
            Self::ReachedSafe => say!(
                language,
                "every output that can be reached goes to its safe state",
                "chaque sortie joignable va à son état sûr"
            ),
            Self::Confirmed(print) => {
                say!(language, "safety set {print} confirmed", "jeu de sûreté {print} confirmé")
            }
            Self::GeneratorReset(name) => {
                say!(language, "generator {name} may try again", "le groupe {name} peut essayer de nouveau")
            }
            Self::Reset(name) => say!(language, "{name} was looked at again", "{name} a été réexaminé"),
            Self::Requested(name, state, lasting) => {
                let state = super::causes::state(state, language);
                say!(
                    language,
                    "{name}: {state} asked for {lasting}",
                    "{name} : {state} demandé pour {lasting}"
                )
            }
            Self::Released(name) => say!(
                language,
                "{name}: no person asks for a state of it any more",
                "{name} : plus aucune personne n'en demande un état"
            ),
            Self::Mode(word) => say!(language, "mode {word}", "mode {word}"),
            Self::Setting(name, value) => say!(language, "{name} {value}", "{name} {value}"),
            Self::Journal(file) => {
                say!(language, "journal written to {file}", "journal écrit dans {file}")
            }
        }
    }
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused<'a> {
    /// The engine would not, for this reason in the language.
    Engine(&'a str),
    /// Not a fingerprint.
    NotFingerprint(&'a str),
    /// No such output any more.
    NoOutput,
    /// No such setting any more.
    NoSetting,
    /// Not a state of this contact.
    NotState(&'a str, &'a str),
    /// An output takes that unit, not this one.
    OutputUnit(&'a str, &'a str, &'a str),
    /// A setting is in that unit, not in this one.
    SettingUnit(&'a str, &'a str, &'a str),
    /// A setting lies between two values.
    OutOfRange(&'a str, &'a str, &'a str),
    /// A setting is yes or no.
    NotFlag(&'a str),
    /// The site has no modes.
    NoModes,
    /// The journal cannot be written, and why.
    JournalNotWritten(&'a str, &'a str),
    /// A trial is too short or too long: the shortest, the longest, the asked one.
    TrialOutOfRange(Span, Span, Span),
}

impl Refused<'_> {
    /// The sentence.
    pub fn say(self, language: Language) -> String {
        match self {
            Self::Engine(why) => say!(language, "refused: {why}", "refusé : {why}"),
            Self::NotFingerprint(text) => say!(
                language,
                "`{text}` is not a fingerprint; copy it from the reload's answer",
                "`{text}` n'est pas une empreinte ; copiez-la de la réponse du rechargement"
            ),
            Self::NoOutput => say!(language, "no such output", "cette sortie n'existe pas"),
            Self::NoSetting => say!(language, "no such setting", "ce réglage n'existe pas"),
            Self::NotState(name, state) => say!(
                language,
                "`{state}` is not a state of {name}: say `closed` or `open`",
                "`{state}` n'est pas un état de {name} : dites `closed` (connecté) ou `open` (coupé)"
            ),
            Self::OutputUnit(name, takes, given) => say!(
                language,
                "{name} takes {takes}, not {given}",
                "{name} se donne en {takes}, pas en {given}"
            ),
            Self::SettingUnit(name, unit, given) => {
                say!(language, "{name} is in {unit}, not in {given}", "{name} est en {unit}, pas en {given}")
            }
            Self::OutOfRange(name, low, high) => say!(
                language,
                "{name} lies between {low} and {high}",
                "{name} est compris entre {low} et {high}"
            ),
            Self::NotFlag(name) => {
                say!(language, "{name} is `yes` or `no`", "{name} est `oui` ou `non`")
            }
            Self::NoModes => say!(
                language,
                "this site has no modes; list them under `modes:` in site.yaml",
                "ce site n'a pas de modes ; énumérez-les sous `modes:` dans site.yaml"
            ),
            Self::JournalNotWritten(file, why) => say!(
                language,
                "the journal cannot be written to {file}: {why}",
                "le journal ne peut pas être écrit dans {file} : {why}"
            ),
            Self::TrialOutOfRange(least, most, asked) => say!(
                language,
                "a trial lasts {least} to {most}, not {asked}",
                "un essai dure de {least} à {most}, pas {asked}"
            ),
        }
    }
}

/// What is wrong with a quantity and what to write instead.
pub fn quantity(text: &str, error: &QuantityError, language: Language) -> String {
    if language == Language::En {
        let (message, help) = explain_quantity(text, error);
        return format!("{message}; {help}");
    }
    match error {
        QuantityError::NoNumber => {
            format!("« {text} » n'est pas une quantité ; écrivez un nombre et une unité, comme \"49.8 Hz\"")
        }
        QuantityError::DecimalComma => {
            let point = text.replacen(',', ".", 1);
            format!("« {text} » a une virgule ; écrivez un point : \"{point}\"")
        }
        QuantityError::NotFinite => {
            format!("« {text} » n'est pas un nombre fini ; écrivez un nombre qui peut être mesuré")
        }
        QuantityError::NoUnit => {
            format!("« {text} » n'a pas d'unité ; ajoutez-la, comme \"49.8 Hz\", \"3 kWh\" ou \"25 %\"")
        }
        QuantityError::UnknownUnit { start } => {
            let symbol = text.get(*start..).unwrap_or("").trim();
            let near = UNITS.iter().find(|row| row.symbol.to_lowercase() == symbol.to_lowercase());
            let help = near.map_or_else(
                || "les unités sont V, A, W, kW, VA, Wh, kWh, Hz, °C, %, s, min, h et d'autres".to_owned(),
                |near| format!("vouliez-vous dire `{}` ?", near.symbol),
            );
            format!("il n'y a pas d'unité `{symbol}` ; {help}")
        }
    }
}

/// Why a person may not ask this of a setpoint; `None` when it may be asked.
pub fn not_allowed(
    spec: &OutputSpec,
    envelope: &Envelope,
    wanted: Wanted,
    language: Language,
) -> Option<String> {
    let english = levels::refusal(spec, envelope, wanted)?;
    if language == Language::En {
        return Some(english);
    }
    let ranges = envelope.level.iter().flat_map(|level| &level.ranges);
    let show = |value| spec.show(Wanted::Level(value));
    let ranges: Vec<String> = ranges
        .map(|(low, high)| if low == high { show(*low) } else { format!("{} à {}", show(*low), show(*high)) })
        .collect();
    let (name, asked) = (&spec.name, spec.show(wanted));
    Some(format!("{name} ne peut pas être {asked} : safety.yaml permet {}", ranges.join(", ")))
}
