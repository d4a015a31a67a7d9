//! Why an output is not as it was asked to be: one sentence for each cause of the guard, in both languages.

use super::language::{Language, say};
use super::memory_words;
use ballast_engine::events::EndReason;
use ballast_engine::{Plan, Source, Winner};
use ballast_guard::plan::SafetySet;
use ballast_model::catalog::PointSpec;
use ballast_model::expr::Fault;
use ballast_model::intent::{Cause, Witness};
use ballast_model::{Catalog, Span, Value};
use std::borrow::Cow;

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
    let of_memory = memory_words::cause(cause, is_memory_lost, language);
    of_memory.map_or_else(|| sentence(cause, set, catalog, language), ToOwned::to_owned)
}

/// The same as a stable word for programs.
pub fn held_word(cause: Cause, is_memory_lost: bool) -> &'static str {
    let of_memory = memory_words::cause(cause, is_memory_lost, Language::En);
    of_memory.map_or_else(|| cause.word(), |_| memory_words::CAUSE)
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

/// A state as people read it.
pub fn state(shown: &str, language: Language) -> &str {
    match shown {
        "closed" => language.say("closed", "connecté"),
        "open" => language.say("open", "coupé"),
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
