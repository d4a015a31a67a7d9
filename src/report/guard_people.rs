//! What a guard that is a process of its own answers a person, as sentences: the facts are its, the words are here.

use super::arming_words;
use super::causes;
use super::guard_answers;
use super::language::{Language, say};
use super::process_words;
use crate::control::guard_client::Late;
use crate::control::protocol::Answer as Told;
use crate::report::answers::{Done, Refused};
use ballast_guard::Guard;
use ballast_host::link::people::{
    Answer, Held, Left, Loosening, Moved, OutputStatus, Question, Refusal, Status,
};
use ballast_model::{OutputId, Wanted};
use serde_json::{Value, json};

/// An answer for people and for programs.
pub fn told(question: &Question, answer: &Answer, language: Language) -> Told {
    let data = serde_json::to_value(answer).unwrap_or(Value::Null);
    match answer {
        Answer::Status(status) => Told::done(self::status(status, language), data),
        Answer::Done { unreachable, not_armed, held, moved, left } => {
            let mut text = done(question, unreachable.is_empty(), held, language);
            if !unreachable.is_empty() {
                let names = unreachable.join(", ");
                text.push('\n');
                text.push_str(&say!(
                    language,
                    "not told, since it cannot be reached: {names}; see `ballast guard status`",
                    "sans ordre, car hors d'atteinte : {names} ; voyez `ballast guard status`"
                ));
            }
            held.iter().for_each(|held| text.push_str(&self::held(held, language)));
            moved.iter().for_each(|moved| text.push_str(&self::moved(moved, language)));
            if !not_armed.is_empty() {
                text.push('\n');
                text.push_str(&arming_words::left_alone(&not_armed.join(", "), language));
            }
            for left in left {
                text.push('\n');
                text.push_str(&self::left(left, language));
            }
            Told::done(text, data)
        }
        Answer::Unchanged => Told::done(
            language.say("the files are those that the guard has", "les fichiers sont ceux qu'a le gardien"),
            data,
        ),
        Answer::InForce { fingerprint } => Told::done(
            say!(
                language,
                "safety set {fingerprint} is in force",
                "le jeu de sûreté {fingerprint} est en vigueur"
            ),
            data,
        ),
        Answer::Waits { fingerprint, loosenings } => {
            let mut text = language
                .say(
                    "what tightens is in force where that is possible; this would loosen and waits for a person:",
                    "ce qui resserre est en vigueur là où c'est possible ; ceci desserrerait et attend une personne :",
                )
                .to_owned();
            text.push_str(&loosened(loosenings, language));
            text.push_str(&format!("\n  ballast guard confirm {fingerprint}"));
            let mut data = data;
            if let Some(object) = data.as_object_mut() {
                object.insert("waits".into(), true.into());
            }
            Told { ok: false, ..Told::done(text, data) }
        }
        Answer::Refused(refusal) => Told { data, ..Told::refused(refused(question, refusal, language)) },
    }
}

fn done(question: &Question, all_reached: bool, held: &[Held], language: Language) -> String {
    match question {
        Question::Now { output: None } => {
            Done::Safe { all_reached, none_held: held.is_empty() }.say(language)
        }
        Question::Now { output: Some(name) } if !held.is_empty() => say!(
            language,
            "{name} goes to its safe state once the limit that holds it lets go",
            "{name} ira à son état sûr quand la limite qui le tient relâchera"
        ),
        Question::Now { output: Some(name) } => {
            say!(language, "{name} goes to its safe state", "{name} va à son état sûr")
        }
        Question::Reset { name } => Done::Reset(name).say(language),
        Question::Confirm { fingerprint } => Done::Confirmed(fingerprint).say(language),
        Question::Arm { device } => arming_words::armed(device, language),
        Question::Disarm { device, .. } => {
            say!(language, "{device} is not armed any more", "{device} n'est plus armé")
        }
        Question::Status | Question::Reload => String::new(),
    }
}

/// What limits hold away from safe, which a person's "now" does not move.
pub fn held_away(guard: &Guard) -> Vec<Held> {
    let held = guard.held_away_from_safe();
    let row = |(id, limit, wanted): (OutputId, u16, Wanted)| {
        let spec = guard.catalog().output(id)?;
        let limit = guard.safety_set().limits.get(usize::from(limit))?;
        Some(Held { output: spec.name.to_string(), limit: limit.name.to_string(), state: spec.show(wanted) })
    };
    held.filter_map(row).collect()
}

/// The outputs among these that were reset and are in alarm again, since their devices still say something else.
pub fn left_moved(guard: &Guard, is_reset: impl Fn(OutputId) -> bool) -> Vec<Moved> {
    let row = |(id, told, actual): (OutputId, Wanted, Wanted)| {
        let spec = guard.catalog().output(id)?;
        Some(Moved { output: spec.name.to_string(), told: spec.show(told), says: spec.show(actual) })
    };
    guard.left_moved().filter(|(id, ..)| is_reset(*id)).filter_map(row).collect()
}

/// That the alarm is there again, and what ends it, on a line of its own.
pub fn moved(moved: &Moved, language: Language) -> String {
    let Moved { output, told, says } = moved;
    let (is, due) = (causes::state(says, language), causes::state(told, language));
    say!(
        language,
        "\n  {output}: its device still says {is} where it was told {due}, so the alarm is there again; put it back by hand, or \
         `ballast request {output} \"{says}\" --for 1min` takes it over: what is asked afterwards is told to it",
        "\n  {output} : son appareil dit toujours {is} alors que l'ordre est {due}, l'alarme est donc revenue ; remettez-le à la \
         main, ou `ballast request {output} \"{says}\" --for 1min` le reprend : ce qui est demandé ensuite lui est dit"
    )
}

/// That a limit is above a person's word, on a line of its own.
pub fn held(held: &Held, language: Language) -> String {
    let Held { output, limit, state } = held;
    let state = causes::state(state, language);
    say!(
        language,
        "\n  {output} stays {state}: the limit \"{limit}\" forces it",
        "\n  {output} reste {state} : la limite « {limit} » l'impose"
    )
}

fn left(left: &Left, language: Language) -> String {
    let name = &left.output;
    let rest = arming_words::left(left.told.as_deref(), left.says.as_deref(), left.is_safe, language);
    say!(language, "  {name}: {rest}", "  {name} : {rest}")
}

fn loosened(rows: &[Loosening], language: Language) -> String {
    let row = |row: &Loosening| {
        let Loosening { subject, key, old, new } = row;
        say!(language, "\n  {subject}: {key} {old} -> {new}", "\n  {subject} : {key} {old} -> {new}")
    };
    rows.iter().map(row).collect()
}

fn refused(question: &Question, refusal: &Refusal, language: Language) -> String {
    use guard_answers::Refused as Guard;
    let print = |text: &str| u64::from_str_radix(text.trim(), 16).unwrap_or_default();
    let confirmed = || match question {
        Question::Confirm { fingerprint } => print(fingerprint),
        _ => 0,
    };
    match refusal {
        Refusal::NotAllowed { user, operators } => not_allowed(user, operators, language),
        Refusal::NotUnderstood { error } => say!(
            language,
            "the guard did not understand the question: {error}",
            "le gardien n'a pas compris la question : {error}"
        ),
        Refusal::UnknownName { name, known } => {
            let known = known.join(", ");
            say!(
                language,
                "there is no `{name}` in the guard's files; there is {known}",
                "il n'y a pas de `{name}` dans les fichiers du gardien ; il y a {known}"
            )
        }
        Refusal::NothingWaits => match question {
            Question::Reset { name } => Guard::NothingWaits(Some(name)).say(language),
            _ => Guard::NothingWaits(None).say(language),
        },
        Refusal::StillViolated { limit } => Guard::StillViolated(limit).say(language),
        Refusal::HeldByLimit { limit } => match question {
            Question::Reset { name } => Guard::HeldByLimit(name, limit).say(language),
            _ => Guard::HeldByLimit("?", limit).say(language),
        },
        Refusal::NotFingerprint { text } => Refused::NotFingerprint(text).say(language),
        Refusal::OtherSetWaits { waits } => Guard::OtherSetWaits(confirmed(), print(waits)).say(language),
        Refusal::AlreadyInForce => Guard::InForce(confirmed()).say(language),
        Refusal::NoSetWaits { in_force } => Guard::NoSetWaits(confirmed(), print(in_force)).say(language),
        Refusal::OnlyRead
        | Refusal::ArmedAlready { .. }
        | Refusal::NotArmed
        | Refusal::WouldMove { .. }
        | Refusal::NotSafe { .. } => not_armed(device_of(question), refusal, language),
        Refusal::Mistakes { report } => report.clone(),
        Refusal::Late => say!(
            language,
            "the guard did not answer in time; look at `ballast guard status` and try again",
            "le gardien n'a pas répondu à temps ; voyez `ballast guard status` et réessayez"
        ),
    }
}

/// Why a device is not armed, or not disarmed.
fn not_armed(device: &str, refusal: &Refusal, language: Language) -> String {
    match refusal {
        Refusal::OnlyRead => {
            say!(
                language,
                "{device} has no outputs: it is only read",
                "{device} n'a pas de sortie : il est seulement lu"
            )
        }
        Refusal::ArmedAlready { always: true } => {
            say!(
                language,
                "{device} is always armed: only a device with `armed: by hand` in site.yaml is armed and disarmed",
                "{device} est toujours armé : seul un appareil avec `armed: by hand` dans site.yaml s'arme et se désarme"
            )
        }
        Refusal::ArmedAlready { .. } => {
            say!(language, "{device} is armed already", "{device} est déjà armé")
        }
        Refusal::NotArmed => {
            say!(language, "{device} is not armed", "{device} n'est pas armé")
        }
        Refusal::WouldMove { output, cause } => say!(
            language,
            "refused: the guard would move {output} the moment it is armed ({cause}); see `ballast why {output}`",
            "refusé : le gardien manœuvrerait {output} dès son armement ({cause}) ; voyez `ballast why {output}`"
        ),
        Refusal::NotSafe { output } => {
            say!(
                language,
                "refused: {output} is not known to be at its safe state, and no limit could bring it there any more; \
                 make it safe first, or say `ballast disarm {device} --as-it-is`",
                "refusé : rien ne confirme que {output} est à son état sûr, et aucune limite ne pourrait plus l'y mener ; \
                 mettez-le en sécurité d'abord, ou dites `ballast disarm {device} --as-it-is`"
            )
        }
        _ => String::new(),
    }
}

fn not_allowed(user: &str, operators: &[String], language: Language) -> String {
    let who = if operators.is_empty() {
        language.say("only root may", "seul root le peut").to_owned()
    } else {
        let names = operators.join(", ");
        say!(language, "root and {names} may", "root et {names} le peuvent")
    };
    say!(
        language,
        "refused: {user} may not speak for the guard; {who} (`guard: operators:` in safety.yaml)",
        "refusé : {user} ne peut pas parler au gardien ; {who} (`guard: operators:` dans safety.yaml)"
    )
}

fn device_of(question: &Question) -> &str {
    match question {
        Question::Arm { device } | Question::Disarm { device, .. } => device,
        _ => "?",
    }
}

fn status(status: &Status, language: Language) -> String {
    let Status { site, pid, fingerprint, .. } = status;
    let running = ballast_model::Span::from_secs(status.running_s as u64);
    let mut text = say!(
        language,
        "the guard of {site}: process {pid}, for {running}, safety set {fingerprint}\n",
        "le gardien de {site} : processus {pid}, depuis {running}, jeu de sûreté {fingerprint}\n"
    );
    text.push_str(if status.has_session {
        language.say("a program speaks to it\n", "un programme lui parle\n")
    } else {
        language.say(
            "no program speaks to it: outputs follow their `on_silence`\n",
            "aucun programme ne lui parle : les sorties suivent leur `on_silence`\n",
        )
    });
    if let Some(why) = &status.memory_lost {
        text.push_str(&say!(
            language,
            "its memory is lost ({why}): everything is held safe until `ballast guard reset all`\n",
            "sa mémoire est perdue ({why}) : tout est tenu en sécurité jusqu'à `ballast guard reset all`\n"
        ));
    }
    if let Some(print) = &status.waits_for {
        text.push_str(&say!(
            language,
            "a looser safety set waits for a person: `ballast guard confirm {print}`",
            "un jeu de sûreté moins strict attend une personne : `ballast guard confirm {print}`"
        ));
        text.push_str(&loosened(&status.loosenings, language));
        text.push('\n');
    }
    text.push_str(language.say("outputs", "sorties"));
    status.outputs.iter().for_each(|output| text.push_str(&self::output(output, language)));
    text
}

fn output(output: &OutputStatus, language: Language) -> String {
    let shown = output.confirmed.as_deref().or(output.told.as_deref()).unwrap_or("?");
    let shown = causes::state(shown, language);
    let reach = if output.is_reachable { "" } else { language.say(", not reachable", ", hors d'atteinte") };
    let OutputStatus { name, strength, cause, .. } = output;
    format!("\n  {name:<32} {shown:<10} {strength:<6} {cause}{reach}")
}

/// A guard that does not answer, for people.
pub fn no_guard(place: &str, error: &std::io::Error, language: Language) -> String {
    let late = error.get_ref().and_then(|error| error.downcast_ref::<Late>());
    if let Some(Late(process)) = late {
        return process_words::silent_guard(*process, language);
    }
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return say!(
            language,
            "you may not speak to the guard at {place}: permission denied; say it as root, or as one of the `operators` of \
             safety.yaml who may open that folder",
            "vous n'avez pas le droit de parler au gardien à {place} : accès refusé ; dites-le en tant que root, ou comme l'un des \
             `operators` de safety.yaml qui peut ouvrir ce dossier"
        );
    }
    say!(
        language,
        "no guard answers at {place} ({error}); start it with `ballast-guard`",
        "aucun gardien ne répond à {place} ({error}) ; lancez-le avec `ballast-guard`"
    )
}

/// For programs: that no guard answers.
pub fn no_guard_data(place: &str) -> Value {
    json!({ "error": "no guard answers", "socket": place })
}
