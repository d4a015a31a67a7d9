//! What the engine says, as sentences. It words its events in English itself; this puts French beside them.

use super::causes;
use super::language::{Language, say};
use crate::runtime::heartbeat::Outage;
use ballast_engine::events::{Phase, Runner};
use ballast_engine::explain::witness_reading;
use ballast_engine::input::Refusal;
use ballast_engine::{Event, Plan, Source};
use ballast_model::catalog::PointSpec;
use ballast_model::intent::Witness;
use ballast_model::quantity::Shown;
use ballast_model::time::Gap;
use ballast_model::{Authority, OutputId, PointId, Reason, Value, Wanted};
use std::borrow::Cow;

/// What happened, as one sentence without a full stop.
pub fn sentence(event: &Event, plan: &Plan, language: Language) -> String {
    if language == Language::En {
        return event.sentence(plan);
    }
    of_rules(event, plan)
        .or_else(|| of_outputs(event, plan))
        .or_else(|| of_points(event, plan))
        .or_else(|| of_others(event, plan))
        .unwrap_or_else(|| event.sentence(plan))
}

/// A value that a condition read.
#[derive(Clone, Debug)]
pub struct ValueOf<'a> {
    /// The point's full name.
    pub point: Cow<'a, str>,
    /// The value with its unit; `None` while unknown.
    pub value: Option<Cow<'a, str>>,
    /// Why it is unknown, in English.
    pub problem: Option<&'a str>,
}

/// ` (battery.soc 24 %, grid.frequency trop ancien)`; empty without values.
fn because_of<'a>(values: impl Iterator<Item = ValueOf<'a>>, language: Language) -> String {
    let shown = |ValueOf { point, value, problem }: ValueOf<'_>| match (value, problem) {
        (Some(value), None) => format!("{point} {value}"),
        (_, Some(problem)) => format!("{point} {}", causes::problem(problem, language)),
        (None, None) => format!("{point} {}", language.say("unknown", "inconnu")),
    };
    let parts: Vec<String> = values.map(shown).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// A rule started.
pub fn started<'a>(name: &str, because: impl Iterator<Item = ValueOf<'a>>, language: Language) -> String {
    let values = because_of(because, language);
    say!(language, "rule \"{name}\" started{values}", "la règle « {name} » a commencé{values}")
}

/// A rule ended, with the reason in the language.
pub fn ended<'a>(
    name: &str,
    why: &str,
    because: impl Iterator<Item = ValueOf<'a>>,
    language: Language,
) -> String {
    let values = because_of(because, language);
    say!(
        language,
        "rule \"{name}\" ended: {why}{values}",
        "la règle « {name} » s'est terminée : {why}{values}"
    )
}

/// A rule is suspended, with the reason in the language.
pub fn suspended(name: &str, why: &str, language: Language) -> String {
    say!(language, "rule \"{name}\" is suspended: {why}", "la règle « {name} » est suspendue : {why}")
}

/// Samples came too fast.
pub fn coalesced(point: &str, dropped: u64, language: Language) -> String {
    say!(
        language,
        "{dropped} samples of {point} came too fast; only the newest was kept",
        "{dropped} mesures de {point} sont venues trop vite ; seule la dernière a été gardée"
    )
}

/// French of a schedule that keeps values; `who` is `l'horaire « ... »`.
pub fn recorded(who: &str, record: &str, values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    let colon = if values.is_empty() { "" } else { " : " };
    format!("{who} enregistre « {record} »{colon}{}", values.join(", "))
}

/// French name of a schedule, where the sentence begins with it.
pub fn schedule_named(name: &str) -> String {
    format!("l'horaire « {name} »")
}

/// Why a command was not carried out.
pub const fn refusal(refusal: Refusal, language: Language) -> &'static str {
    let french = match refusal {
        Refusal::Unknown => "cela n'existe pas ici",
        Refusal::WrongKind => "la valeur n'est pas de cette nature",
        Refusal::OutOfRange => "la valeur est hors de ce qui est permis",
        Refusal::Over => "son heure est déjà passée",
        Refusal::Authority => "personne ne peut demander à ce titre",
        Refusal::NothingWaits => "rien n'y attend une personne",
    };
    language.say(refusal.words(), french)
}

fn values<'a>(plan: &'a Plan, witnesses: &'a [Witness]) -> impl Iterator<Item = ValueOf<'static>> + use<'a> {
    witnesses.iter().map(|witness| {
        let reading = witness_reading(plan, witness);
        ValueOf {
            point: Cow::Owned(reading.point.to_string()),
            value: reading.value.map(|value| {
                Cow::Owned(causes::flag_named(&value, reading.is_flag, Language::Fr).to_owned())
            }),
            problem: reading.problem,
        }
    })
}

fn shown(plan: &Plan, output: OutputId, wanted: Wanted) -> String {
    causes::state(&plan.shown(output, wanted), Language::Fr).to_owned()
}

fn value(plan: &Plan, point: PointId, value: Value) -> String {
    plan.catalog.point(point).map_or_else(String::new, |spec| causes::value(spec, value, Language::Fr))
}

fn runner_name(plan: &Plan, runner: Runner) -> String {
    match runner {
        Runner::Rule(rule) => format!("la règle « {} »", plan.rule_name(rule)),
        Runner::Schedule(schedule) => schedule_named(plan.schedule_name(schedule)),
    }
}

/// French of events about rules.
fn of_rules(event: &Event, plan: &Plan) -> Option<String> {
    let french = Language::Fr;
    Some(match event {
        Event::RuleStarted { rule, because, .. } => {
            started(plan.rule_name(*rule), values(plan, because), french)
        }
        Event::RuleEnded { rule, reason, because } => {
            ended(plan.rule_name(*rule), causes::end(*reason, french), values(plan, because), french)
        }
        Event::RuleUnknown { rule, fault: Some(fault), patience, .. } => {
            let (name, what) = (plan.rule_name(*rule), causes::fault(*fault, french));
            format!(
                "{what} dans la condition de la règle « {name} », qui se termine dans {patience} si cela dure"
            )
        }
        Event::RuleUnknown { rule, point, patience, .. } => {
            let what = match point {
                Some(point) => plan.catalog.point(*point).map_or("l'heure", |spec| &spec.name),
                None => "une mesure",
            };
            let name = plan.rule_name(*rule);
            format!("il manque {what} à la règle « {name} », qui se termine dans {patience} sauf retour")
        }
        Event::RuleKnown { rule } => {
            format!("la règle « {} » a de nouveau toutes ses mesures", plan.rule_name(*rule))
        }
        Event::RuleSuspended { rule, reason } => {
            suspended(plan.rule_name(*rule), causes::end(*reason, french), french)
        }
        Event::RuleResumed { rule, who } => {
            format!("{who} laisse la règle « {} » repartir", plan.rule_name(*rule))
        }
        Event::RuleRemoved { name, was_active } => {
            let was = if *was_active { ", qui était active," } else { "" };
            format!("la règle « {name} »{was} n'existe plus")
        }
        Event::BodyFailed { runner, message, place, in_a_row } => {
            let (name, message) = (runner_name(plan, *runner), ballast_rules::failure_in_french(message));
            format!("{name} a échoué à {place} : {message} ({in_a_row} fois de suite)")
        }
        Event::NoticeRaised { notice, .. } => notice.text.clone(),
        Event::NoticeCleared { notice, .. } => format!("terminé : {}", notice.text),
        _ => return None,
    })
}

const fn authority_name(authority: Authority) -> &'static str {
    match authority {
        Authority::Operator => "opérateur",
        Authority::Remote => "à distance",
        Authority::Campaign => "campagne",
        other => other.word(),
    }
}

/// French of events about outputs.
fn of_outputs(event: &Event, plan: &Plan) -> Option<String> {
    let name = |output: &OutputId| plan.output_name(*output);
    let asker = |source: Source, who: Option<&str>| causes::asker(source, who, plan, Language::Fr);
    Some(match event {
        Event::Decision { output, wanted, new, .. } => {
            let (by, wanted) = (asker(new.source, new.who.as_deref()), shown(plan, *output, *wanted));
            format!("{} doit être {wanted} : {by}", name(output))
        }
        Event::Requested { output, wanted, who, authority, .. } => {
            let (word, wanted) = (authority_name(*authority), shown(plan, *output, *wanted));
            format!("{who} ({word}) demande {} {wanted}", name(output))
        }
        Event::Released { output, who, authority } => {
            format!("{who} met fin à la demande ({}) sur {}", authority_name(*authority), name(output))
        }
        Event::RequestOver { output, winner } => {
            let by = asker(winner.source, winner.who.as_deref());
            format!("la demande sur {} est finie ({by})", name(output))
        }
        Event::Shed { rule, group, loads, asked_w, chosen_w } => {
            let loads: Vec<&str> = loads.iter().map(|load| plan.output_name(*load)).collect();
            let group = plan.group_name(*group);
            let list = if loads.is_empty() { "rien".to_owned() } else { loads.join(", ") };
            format!(
                "la règle « {} » déleste {list} de {group} : {chosen_w:.0} W pour {asked_w:.0} W demandés",
                plan.rule_name(*rule)
            )
        }
        Event::Restoring { output, waited } => {
            format!("{} peut être réalimenté après {waited}", name(output))
        }
        _ => return None,
    })
}

/// French of events about readings.
fn of_points(event: &Event, plan: &Plan) -> Option<String> {
    Some(match event {
        Event::HeldBack { point, value, reason, before } => {
            let spec = plan.catalog.point(*point);
            let told =
                spec.map(|spec| held_back(spec, *value, *reason, *before, Language::Fr)).unwrap_or_default();
            let until =
                if *reason == Reason::Jump { " tant que trois de suite ne concordent pas" } else { "" };
            format!("{} {told} : écarté{until}", plan.point_name(*point))
        }
        Event::Believed { point, value: told, held_back } => {
            let (name, told) = (plan.point_name(*point), value(plan, *point, *told));
            let were = if *held_back == 1 { "mesure écartée" } else { "mesures écartées" };
            format!("{name} est de nouveau cru : {told} ({held_back} {were})")
        }
        _ => return None,
    })
}

/// French of events about settings, schedules, generators and the engine itself.
fn of_others(event: &Event, plan: &Plan) -> Option<String> {
    Some(match event {
        Event::SettingChanged { point, old, new, who, runner }
        | Event::ModeChanged { point, old, new, who, runner } => {
            let who = who.as_deref().map(ToOwned::to_owned);
            let who = who.or_else(|| runner.map(|runner| runner_name(plan, runner)));
            let who = who.unwrap_or_else(|| "quelqu'un".to_owned());
            let old = old.map_or_else(|| "inconnu".to_owned(), |old| value(plan, *point, old));
            format!("{who} règle {} de {old} à {}", plan.point_name(*point), value(plan, *point, *new))
        }
        Event::SettingDropped { point, old, new } => {
            let (name, new) = (plan.point_name(*point), plan.value(*point, *new));
            format!(
                "{name} valait {old}, ce qui n'est plus possible : il vaut {new}, comme le dit son fichier"
            )
        }
        Event::CommandRefused { who, refusal: why } => {
            format!("une commande de {who} a été refusée : {}", refusal(*why, Language::Fr))
        }
        Event::CampaignAsked { runner, campaign, start } => {
            let verb = if *start { "lance" } else { "arrête" };
            format!("{} {verb} la campagne « {campaign} »", runner_name(plan, *runner))
        }
        Event::Record { runner, record } => {
            let values = record.values.iter().map(|(point, known)| {
                let known = known.map_or_else(|| "inconnu".to_owned(), |known| value(plan, *point, known));
                format!("{} {known}", plan.point_name(*point))
            });
            recorded(&runner_name(plan, *runner), &record.name, values)
        }
        Event::ScheduleRan { schedule } => {
            format!("l'horaire « {} » a été exécuté", plan.schedule_name(*schedule))
        }
        Event::ScheduleMissed { schedule, .. } => {
            let name = plan.schedule_name(*schedule);
            format!("l'horaire « {name} » a été manqué de trop loin et attend son prochain moment")
        }
        Event::ScheduleUnknown { schedule, point, is_too_short } => {
            let point = point.map_or("l'heure", |point| plan.point_name(point));
            let what = if *is_too_short { "n'est pas connu depuis assez longtemps" } else { "est inconnu" };
            format!("l'horaire « {} » n'a rien fait : {point} {what}", plan.schedule_name(*schedule))
        }
        Event::Coalesced { point, dropped } => {
            coalesced(plan.point_name(*point), u64::from(*dropped), Language::Fr)
        }
        Event::GeneratorPhase { generator, phase, attempt } => {
            let name = plan.generator_name(*generator);
            match phase {
                Phase::Starting => format!("le groupe {name} démarre, essai {attempt}"),
                phase => format!("le groupe {name} {}", phase_words(*phase)),
            }
        }
        Event::GeneratorFailed { generator, attempts } => {
            format!("le groupe {} n'a pas démarré, {attempts} essais", plan.generator_name(*generator))
        }
        Event::GeneratorReset { generator, who } => {
            format!("{who} laisse le groupe {} essayer de nouveau", plan.generator_name(*generator))
        }
        Event::Restored { gap, active } => {
            goes_on(Outage { gap: *gap, is_at_most: false }, *active, Language::Fr)
        }
        _ => return None,
    })
}

/// What speaks against a value, after the name of its point.
pub fn held_back(
    spec: &PointSpec,
    value: Value,
    reason: Reason,
    before: Option<Value>,
    language: Language,
) -> String {
    if language == Language::En {
        return ballast_engine::words::held_back(spec, value, reason, before);
    }
    let unit = spec.unit();
    let shown = |base| Shown { base, unit };
    let value = causes::value(spec, value, language);
    let before = before.map_or_else(String::new, |before| causes::value(spec, before, language));
    match (reason, spec.valid, spec.max_slew, spec.stuck_after) {
        (Reason::OutOfRange, Some((low, high)), ..) => {
            format!("donne {value}, hors de {} à {}", shown(low), shown(high))
        }
        (Reason::Jump, _, Some(slew), _) => {
            format!("saute de {before} à {value}, plus vite que {}/s", shown(slew))
        }
        (Reason::Stuck, .., Some(span)) => format!("donne {value} depuis {span} : il est figé"),
        _ => format!("donne {value} ({})", causes::problem(reason.words(), language)),
    }
}

/// The engine goes on from what it remembers, with so many active rules.
pub fn goes_on(outage: Outage, active: u32, language: Language) -> String {
    let after = after(outage, language);
    say!(language, "goes on {after}, {active} rules active", "reprise {after}, règles actives : {active}")
}

/// How long nothing ran.
pub fn after(outage: Outage, language: Language) -> String {
    let Outage { gap, is_at_most } = outage;
    match gap {
        Gap::SameBoot(span) if is_at_most => say!(
            language,
            "after at most {span} without the program",
            "après {span} au plus sans le programme"
        ),
        _ if language == Language::En => ballast_engine::words::after(gap),
        Gap::SameBoot(span) => format!("après {span} sans le programme"),
        Gap::OtherBoot(span) => format!("après une coupure de courant de {span}"),
        Gap::Unknown => "après une interruption de durée inconnue".to_owned(),
    }
}

const fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Stopped => "s'est arrêté",
        Phase::Starting => "démarre",
        Phase::Warming => "tourne et chauffe",
        Phase::Ready => "est prêt à prendre la charge",
        Phase::Cooling => "tourne à vide avant l'arrêt",
        Phase::Resting => "n'a pas démarré et se repose avant le prochain essai",
        Phase::Failed => "est en panne",
    }
}
