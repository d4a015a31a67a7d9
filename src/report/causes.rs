//! Who asks for something and why it ended, and values with what is wrong with them, in both languages; beside the causes of
//! the guard.

use super::language::{Language, say};
use ballast_engine::events::EndReason;
use ballast_engine::{Plan, Source, Winner};
use ballast_model::catalog::PointSpec;
use ballast_model::expr::Fault;
use ballast_model::intent::Witness;
use ballast_model::{Catalog, Span, Value};
use std::borrow::Cow;

pub use ballast_words::causes::{held, held_word, sentence, state};

/// Who asks, as people read it.
pub fn asker(source: Source, who: Option<&str>, plan: &Plan, language: Language) -> String {
    let winner = Winner { authority: ballast_model::Authority::Default, source, who: who.map(Into::into) };
    if language == Language::En {
        return winner.name(plan);
    }
    let word = match source {
        Source::Default => "personne ne demande rien",
        Source::Rule(rule) => return format!("règle « {} »", plan.rule_name(rule)),
        Source::Shed(rule) => return format!("délesté par la règle « {} »", plan.rule_name(rule)),
        Source::Returning => "délesté, attend d'être réalimenté",
        Source::Generator(index) => return format!("groupe {}", plan.generator_name(index)),
        Source::Schedule(index) => return format!("horaire « {} »", plan.schedule_name(index)),
        Source::Campaign => "campagne",
        Source::Remote => "à distance",
        Source::Operator => "opérateur",
    };
    who.map_or_else(|| word.to_owned(), |who| format!("{word} {who}"))
}

/// The same from the English name that an event holds.
pub fn asker_named(name: &str, language: Language) -> Cow<'_, str> {
    if language == Language::En {
        return name.into();
    }
    for (english, french) in
        [("rule \"", "règle"), ("shed by rule \"", "délesté par la règle"), ("`", "horaire")]
    {
        if let Some(rest) = name.strip_prefix(english) {
            let quoted = rest.strip_suffix(['"', '`']).unwrap_or(rest);
            return format!("{french} « {quoted} »").into();
        }
    }
    for (english, french) in [
        ("nobody asks, the default holds", "personne ne demande rien"),
        ("nobody asks", "personne ne demande rien"),
        ("shed, waits to be given back", "délesté, attend d'être réalimenté"),
        ("operator", "opérateur"),
        ("generator", "groupe"),
        ("remote", "à distance"),
        ("campaign", "campagne"),
    ] {
        if let Some(rest) = name.strip_prefix(english) {
            return format!("{french}{rest}").into();
        }
    }
    name.into()
}

/// Arithmetic that has no result.
pub const fn fault(fault: Fault, language: Language) -> &'static str {
    let french = match fault {
        Fault::DivisionByZero => "une division par zéro",
        Fault::TooLarge => "un nombre devenu trop grand",
    };
    language.say(fault.words(), french)
}

/// Why a rule ended.
pub const fn end(reason: EndReason, language: Language) -> &'static str {
    let french = match reason {
        EndReason::Until => "sa condition de fin est vraie",
        EndReason::WhenOver => "sa condition n'est plus vraie",
        EndReason::Unknown => "une mesure manque",
        EndReason::Fault(fault) => self::fault(fault, Language::Fr),
        EndReason::Suspended => "son corps a échoué trop souvent",
        EndReason::Removed => "elle a été retirée des règles",
        EndReason::Harm => "elle a fait du tort",
    };
    language.say(reason.words(), french)
}

/// The same from the English words that an event holds.
pub fn end_named(words: &str, language: Language) -> &str {
    let reasons = [
        EndReason::Until,
        EndReason::WhenOver,
        EndReason::Unknown,
        EndReason::Suspended,
        EndReason::Removed,
        EndReason::Harm,
    ];
    let faults = [Fault::DivisionByZero, Fault::TooLarge].map(EndReason::Fault);
    let mut reasons = reasons.into_iter().chain(faults);
    let reason = reasons.find(|reason| reason.words() == words);
    reason.map_or(words, |reason| end(reason, language))
}

/// The same as a stable word for programs.
pub const fn end_word(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Until => "until",
        EndReason::WhenOver => "when_over",
        EndReason::Unknown => "unknown",
        EndReason::Fault(_) => "fault",
        EndReason::Suspended => "suspended",
        EndReason::Removed => "removed",
        EndReason::Harm => "harm",
    }
}

/// Why a value may not be used, as [`ballast_model::sample::Reason::words`] says it.
pub fn problem(words: &str, language: Language) -> &str {
    if language == Language::En {
        return words;
    }
    match words {
        "never received" => "jamais reçu",
        "device is offline" => "appareil hors ligne",
        "too old" => "trop ancien",
        "not a value" => "pas une valeur",
        "outside the valid range" => "hors de la plage valide",
        "jumped faster than possible" => "saut plus rapide que possible",
        "stuck" => "figé",
        "retained, not live" => "message conservé, pas en direct",
        "the device marks it as invalid" => "l'appareil le dit invalide",
        "damaged on the wire" => "abîmé sur la ligne",
        "an input is unknown" => "une entrée est inconnue",
        "another device is there" => "un autre appareil est là",
        "a division by zero" => fault(Fault::DivisionByZero, language),
        "a number grew too large" => fault(Fault::TooLarge, language),
        other => other,
    }
}

/// A value as people read it: yes and no in the language, the words of an enumeration as rules write them.
pub fn value(spec: &PointSpec, value: Value, language: Language) -> String {
    match value {
        Value::Flag(flag) => language.yes_or_no(flag).to_owned(),
        value => spec.show(value),
    }
}

/// The same from its English text.
pub fn flag_named(shown: &str, is_flag: bool, language: Language) -> &str {
    match shown {
        "yes" if is_flag => language.yes_or_no(true),
        "no" if is_flag => language.yes_or_no(false),
        other => other,
    }
}

/// A value that decided, with its age: `linky.apparent_power 11900 VA (2 s old)`.
pub fn witness(witness: &Witness, catalog: &Catalog, language: Language) -> String {
    let Some(spec) = catalog.point(witness.point) else { return String::new() };
    let value = witness.value.filter(|_| witness.quality.reason().is_none());
    let value = value.map(|value| self::value(spec, value, language));
    let reason = witness.quality.reason().map(|reason| reason.words());
    witness_named(&spec.name, value.as_deref(), witness.age, reason, language)
}

/// The same from its parts.
pub fn witness_named(
    name: &str,
    value: Option<&str>,
    age: Span,
    problem: Option<&str>,
    language: Language,
) -> String {
    match (value, problem) {
        // A time that runs is not old.
        (Some(value), None) if age == Span::MAX => format!("{name} {value}"),
        (Some(value), None) => {
            say!(language, "{name} {value} ({age} old)", "{name} {value} (il y a {age})")
        }
        (_, Some(problem)) => {
            let problem = self::problem(problem, language);
            say!(language, "{name} unknown ({problem})", "{name} pas de valeur ({problem})")
        }
        (None, None) => say!(language, "{name} unknown", "{name} pas de valeur"),
    }
}
