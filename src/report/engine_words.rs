//! What the engine says, as sentences. It words its events in English itself; this puts French beside them.

use super::causes;
use super::language::{Language, say};
use ballast_engine::events::{Phase, Runner};
use ballast_engine::explain::witness_reading;
use ballast_engine::input::Refusal;
use ballast_engine::{Event, Plan, Source};
use ballast_model::intent::Witness;
use ballast_model::time::Gap;
use ballast_model::{Authority, OutputId, PointId, Value, Wanted};
use std::borrow::Cow;

/// What happened, as one sentence without a full stop.
pub fn sentence(event: &Event, plan: &Plan, language: Language) -> String {
    if language == Language::En {
        return event.sentence(plan);
    }
    of_rules(event, plan)
        .or_else(|| of_outputs(event, plan))
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

/// A rule is suspended.
pub fn suspended(name: &str, language: Language) -> String {
    say!(
        language,
        "rule \"{name}\" is suspended: its body failed too often",
        "la règle « {name} » est suspendue : son corps a échoué trop souvent"
    )
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
            value: reading.value.map(|value| Cow::Owned(value.to_string())),
            problem: reading.problem,
        }
    })
}

fn rule_name(plan: &Plan, rule: u32) -> &str {
    plan.rules.get(rule as usize).map_or("?", |rule| &rule.name)
}
fn schedule_name(plan: &Plan, schedule: u32) -> &str {
    plan.schedules.get(schedule as usize).map_or("?", |schedule| &schedule.name)
}
fn generator_name(plan: &Plan, generator: u32) -> &str {
    plan.generators.get(generator as usize).map_or("?", |generator| &generator.name)
}
fn output_name(plan: &Plan, output: OutputId) -> &str {
    plan.catalog.output(output).map_or("?", |spec| &spec.name)
}
fn point_name(plan: &Plan, point: PointId) -> &str {
    plan.catalog.point(point).map_or("?", |spec| &spec.name)
}
fn value(plan: &Plan, point: PointId, value: Value) -> String {
    plan.catalog.point(point).map_or_else(String::new, |spec| spec.show(value))
}
fn shown(plan: &Plan, output: OutputId, wanted: Wanted) -> String {
    let shown = plan.catalog.output(output).map_or_else(String::new, |spec| spec.show(wanted));
    causes::state(&shown, Language::Fr).to_owned()
}
fn runner_name(plan: &Plan, runner: Runner) -> String {
    match runner {
        Runner::Rule(rule) => format!("la règle « {} »", rule_name(plan, rule)),
        Runner::Schedule(schedule) => format!("l'horaire « {} »", schedule_name(plan, schedule)),
    }
}

/// French of events about rules.
fn of_rules(event: &Event, plan: &Plan) -> Option<String> {
    let french = Language::Fr;
    Some(match event {
        Event::RuleStarted { rule, because, .. } => {
            started(rule_name(plan, *rule), values(plan, because), french)
        }
        Event::RuleEnded { rule, reason, because } => {
            ended(rule_name(plan, *rule), causes::end(*reason, french), values(plan, because), french)
        }
        Event::RuleUnknown { rule, point, patience } => {
            let what = match point {
                Some(point) => plan.catalog.point(*point).map_or("l'heure", |spec| &spec.name),
                None => "une mesure",
            };
            let name = rule_name(plan, *rule);
            format!("il manque {what} à la règle « {name} », qui se termine dans {patience} sauf retour")
        }
        Event::RuleKnown { rule } => {
            format!("la règle « {} » a de nouveau toutes ses mesures", rule_name(plan, *rule))
        }
        Event::RuleSuspended { rule } => suspended(rule_name(plan, *rule), french),
        Event::RuleResumed { rule, who } => {
            format!("{who} laisse la règle « {} » repartir", rule_name(plan, *rule))
        }
        Event::RuleRemoved { name, was_active } => {
            let was = if *was_active { ", qui était active," } else { "" };
            format!("la règle « {name} »{was} n'existe plus")
        }
        Event::BodyFailed { runner, message, place, in_a_row } => {
            let name = runner_name(plan, *runner);
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
    let name = |output: &OutputId| output_name(plan, *output);
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
            let loads: Vec<&str> = loads.iter().map(|load| output_name(plan, *load)).collect();
            let group = plan.catalog.groups.get(group.index()).map_or("?", |group| &group.name);
            let list = if loads.is_empty() { "rien".to_owned() } else { loads.join(", ") };
            format!(
                "la règle « {} » déleste {list} de {group} : {chosen_w:.0} W pour {asked_w:.0} W demandés",
                rule_name(plan, *rule)
            )
        }
        Event::Restoring { output, waited } => {
            format!("{} peut être réalimenté après {waited}", name(output))
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
            format!("{who} règle {} de {old} à {}", point_name(plan, *point), value(plan, *point, *new))
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
                format!("{} {known}", point_name(plan, *point))
            });
            let values = values.collect::<Vec<_>>().join(", ");
            let colon = if values.is_empty() { "" } else { " : " };
            format!("{} enregistre « {} »{colon}{values}", runner_name(plan, *runner), record.name)
        }
        Event::ScheduleRan { schedule } => {
            format!("l'horaire « {} » a été exécuté", schedule_name(plan, *schedule))
        }
        Event::ScheduleMissed { schedule, .. } => {
            let name = schedule_name(plan, *schedule);
            format!("l'horaire « {name} » a été manqué de trop loin et attend son prochain moment")
        }
        Event::ScheduleUnknown { schedule, point, is_too_short } => {
            let point = point.map_or("l'heure", |point| point_name(plan, point));
            let what = if *is_too_short { "n'est pas connu depuis assez longtemps" } else { "est inconnu" };
            format!("l'horaire « {} » n'a rien fait : {point} {what}", schedule_name(plan, *schedule))
        }
        Event::Coalesced { point, dropped } => {
            let name = point_name(plan, *point);
            format!("{dropped} mesures de {name} sont venues trop vite ; seule la dernière a été gardée")
        }
        Event::GeneratorPhase { generator, phase, attempt } => {
            let name = generator_name(plan, *generator);
            match phase {
                Phase::Starting => format!("le groupe {name} démarre, essai {attempt}"),
                phase => format!("le groupe {name} {}", phase_words(*phase)),
            }
        }
        Event::GeneratorFailed { generator, attempts } => {
            format!("le groupe {} n'a pas démarré, {attempts} essais", generator_name(plan, *generator))
        }
        Event::GeneratorReset { generator, who } => {
            format!("{who} laisse le groupe {} essayer de nouveau", generator_name(plan, *generator))
        }
        Event::Restored { gap, active } => {
            let after = after(*gap, Language::Fr);
            format!("reprise {after}, règles actives : {active}")
        }
        _ => return None,
    })
}

/// How long nothing ran.
pub fn after(gap: Gap, language: Language) -> String {
    match gap {
        Gap::SameBoot(span) => {
            say!(language, "after {span} without the program", "après {span} sans le programme")
        }
        Gap::OtherBoot(span) => {
            say!(language, "after a power cut of {span}", "après une coupure de courant de {span}")
        }
        Gap::Unknown => {
            say!(language, "after an outage of unknown length", "après une interruption de durée inconnue")
        }
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
