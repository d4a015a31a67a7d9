//! What is said of a program that begins, of sets of rules that come and go, and of outputs at the end.

use super::engine_words;
use super::language::{Language, Noun, say};
use crate::runtime::changes::{Changes, EventName};
use crate::runtime::heartbeat::Outage;
use crate::site::Emptied;
use ballast_model::Span;

/// Names in a sentence at most.
const NAMES_MAX: usize = 20;

/// The program begins: the site with its counts of points, outputs and rules, and how long nothing ran.
pub fn running(
    site: &str,
    counts: [usize; 3],
    outage: Option<Outage>,
    is_within: bool,
    language: Language,
) -> String {
    let since = match outage {
        None => language.say("for the first time", "pour la première fois").to_owned(),
        Some(outage) => engine_words::after(outage, language),
    };
    let [points, outputs, rules] = counts;
    let points = language.counted(points, Noun::Point);
    let outputs = language.counted(outputs, Noun::Output);
    let rules = language.counted(rules, Noun::Rule);
    let guard = if is_within {
        language.say("the guard is in the same process", "le gardien est dans le même processus")
    } else {
        language.say("the guard is a process of its own", "le gardien est un processus à part")
    };
    say!(
        language,
        "{site} is running {since}: {points}, {outputs}, {rules}; {guard}",
        "{site} tourne {since} : {points}, {outputs}, {rules} ; {guard}"
    )
}

/// A rule failed too often.
pub fn failed_too_often(rule: &str, language: Language) -> String {
    say!(language, "rule \"{rule}\" failed too often", "la règle « {rule} » a échoué trop souvent")
}

/// A limit acted against a rule.
pub fn had_to_force(output: &str, rule: &str, language: Language) -> String {
    say!(
        language,
        "a limit had to force {output} against rule \"{rule}\"",
        "une limite a dû imposer {output} contre la règle « {rule} »"
    )
}

/// The last good rules come back, and why.
pub fn returned(why: &str, language: Language) -> String {
    say!(
        language,
        "{why}: the last good rules come back; mend the files and save them again",
        "{why} : les dernières bonnes règles reviennent ; corrigez les fichiers et enregistrez-les de nouveau"
    )
}

/// The last good rules cannot come back: the rule that did harm is taken out alone.
pub fn not_returned(rule: &str, language: Language) -> String {
    say!(
        language,
        "the last good rules do not go with the devices, points and safety set of now: rule \"{rule}\" alone is suspended. Mend the \
         files and save them again, or say `ballast rule resume \"{rule}\"`",
        "les dernières bonnes règles ne vont pas avec les appareils, les points et le jeu de sûreté actuels : seule la règle « {rule} » \
         est suspendue. Corrigez les fichiers et enregistrez-les de nouveau, ou dites `ballast rule resume \"{rule}\"`"
    )
}

/// The rule that did harm is the same in the last good rules: it is taken out alone.
pub fn same_rule(rule: &str, language: Language) -> String {
    say!(
        language,
        "rule \"{rule}\" is the same in the last good rules: what changed is a derived point of site.yaml that it reads, which stays. \
         It alone is suspended. Mend site.yaml and save it again, or say `ballast rule resume \"{rule}\"`",
        "la règle « {rule} » est la même dans les dernières bonnes règles : ce qui a changé est un point calculé de site.yaml qu'elle \
         lit, et qui reste. Elle seule est suspendue. Corrigez site.yaml et enregistrez-le de nouveau, ou dites \
         `ballast rule resume \"{rule}\"`"
    )
}

/// At a start: the files did harm before.
pub fn last_good_run(set: &str, language: Language) -> String {
    say!(
        language,
        "the site's files ({set}) did harm before; the last good ones run",
        "les fichiers du site ({set}) ont déjà fait du tort ; les derniers bons tournent"
    )
}

/// At a start: the files have mistakes, which were drawn before this.
pub const fn not_loaded(has_last: bool, language: Language) -> &'static str {
    if has_last {
        language.say(
            "the files above were not loaded: the set that ran last runs again",
            "les fichiers ci-dessus n'ont pas été chargés : le jeu qui tournait en dernier tourne de nouveau",
        )
    } else {
        language.say(
            "no rules run: outputs stay at their defaults until the files above are mended and saved",
            "aucune règle ne tourne : les sorties gardent leur état par défaut jusqu'à ce que les fichiers ci-dessus soient corrigés et enregistrés",
        )
    }
}

/// Rules are gone from the files, and nobody said that it is meant.
pub fn emptied(emptied: &Emptied, language: Language) -> String {
    let names: Vec<String> =
        emptied.names.iter().take(NAMES_MAX).map(|name| quoted(name, language)).collect();
    let more = if emptied.names.len() > NAMES_MAX { ", ..." } else { "" };
    let names = format!("{}{more}", names.join(", "));
    match &emptied.file {
        Some(file) if emptied.has_comments => say!(
            language,
            "{file} holds nothing but comments any more, and {names} would go: a file that was being written is not loaded. Write its \
             rules again; if it is meant, remove the file or say `ballast reload --accept`",
            "{file} ne contient plus que des commentaires, et {names} disparaîtraient : un fichier en cours d'écriture n'est pas chargé. \
             Écrivez de nouveau ses règles ; si c'est voulu, retirez le fichier ou dites `ballast reload --accept`"
        ),
        Some(file) => say!(
            language,
            "{file} holds nothing any more, and {names} would go: a file that was being written is not loaded. Write it again; if it is \
             meant, remove the file or say `ballast reload --accept`",
            "{file} ne contient plus rien, et {names} disparaîtraient : un fichier en cours d'écriture n'est pas chargé. Écrivez-le de \
             nouveau ; si c'est voulu, retirez le fichier ou dites `ballast reload --accept`"
        ),
        None => say!(
            language,
            "the site has no rules any more, and {names} would go: if it is meant, say `ballast reload --accept`",
            "le site n'a plus de règles, et {names} disparaîtraient : si c'est voulu, dites `ballast reload --accept`"
        ),
    }
}

/// Too many sets wait for a person already.
pub fn too_many_wait(most: usize, fingerprint: u64, language: Language) -> String {
    say!(
        language,
        "{most} changed safety sets wait for a person; say `ballast guard confirm {fingerprint:016x}` for the last of them, then load this one",
        "{most} jeux de sûreté changés attendent une personne ; dites `ballast guard confirm {fingerprint:016x}` pour le dernier, puis chargez celui-ci"
    )
}

/// Why the safety that was in force cannot be put in force again.
pub const fn not_together(language: Language) -> &'static str {
    language.say(
        "the safety sets that were in force together cannot be put together again",
        "les jeux de sûreté qui étaient en vigueur ensemble ne peuvent pas être réunis de nouveau",
    )
}

/// The trial is over.
pub fn stood_trial(language: Language) -> String {
    language.say("the rules have stood their trial", "les règles ont passé leur essai").to_owned()
}

/// No thread can be made.
pub fn no_thread(error: &str, language: Language) -> String {
    say!(language, "no thread for a reload: {error}", "pas de fil d'exécution pour un rechargement : {error}")
}

/// The files cannot be read.
pub fn unreadable(error: &str, language: Language) -> String {
    say!(
        language,
        "the site's files cannot be read: {error}",
        "les fichiers du site ne peuvent pas être lus : {error}"
    )
}

/// A set did harm before.
pub fn did_harm(set: &str, language: Language) -> String {
    say!(
        language,
        "this set ({set}) did harm before; change it, or say `ballast reload --accept`",
        "ce jeu ({set}) a déjà fait du tort ; changez-le, ou dites `ballast reload --accept`"
    )
}

/// A set was refused; `first` is the first line of its mistakes.
pub fn refused(first: &str, language: Language) -> String {
    say!(
        language,
        "the changed site was refused and the running one goes on: {first}",
        "le site changé a été refusé, celui qui tourne continue : {first}"
    )
}

/// The files are those that run already, with so many rules.
pub fn unchanged(rules: usize, language: Language) -> String {
    let count = language.counted(rules, Noun::Rule);
    say!(
        language,
        "nothing changed: the site runs with these files already, {count}",
        "rien n'a changé : le site tourne déjà avec ces fichiers, {count}"
    )
}

/// Another set runs, with so many rules, and the names of the rules and events that are new, gone or changed: the site's
/// files, or after a return the rules before those that did harm.
pub fn loaded(
    is_return: bool,
    count: usize,
    rules: &Changes<String>,
    events: &Changes<EventName>,
    language: Language,
) -> String {
    let count = language.counted(count, Noun::Rule);
    let mut text = if is_return {
        say!(
            language,
            "the last good rules run again, and not the site's files: {count}",
            "les dernières bonnes règles tournent de nouveau, et non les fichiers du site : {count}"
        )
    } else {
        say!(language, "the changed site runs: {count}", "le site changé tourne : {count}")
    };
    let words = [("added", "nouvelles :"), ("removed", "retirées :"), ("changed", "changées :")];
    let rules = differences(rules, words, |name| quoted(name, language), language);
    let words = [("added", "nouveaux :"), ("removed", "retirés :"), ("changed", "changés :")];
    let named = |event: &EventName| format!("{} ({})", quoted(&event.name, language), event.file);
    let events = differences(events, words, named, language);
    if !rules.is_empty() {
        text.push_str(&format!(", {rules}"));
    }
    if !events.is_empty() {
        let (semicolon, of) = (language.semicolon(), language.say("events", "événements :"));
        text.push_str(&format!("{semicolon} {of} {events}"));
    }
    text
}

/// `added "a", "b", removed "c"`; empty where nothing differs. The words are in English and French, in the order in which
/// it is said.
fn differences<T>(
    changes: &Changes<T>,
    words: [(&str, &str); 3],
    named: impl Fn(&T) -> String,
    language: Language,
) -> String {
    let lists = [&changes.added, &changes.removed, &changes.changed];
    let said = words.into_iter().zip(lists).filter(|(_, list)| !list.is_empty());
    let said = said.map(|((english, french), list)| {
        let names: Vec<String> = list.iter().take(NAMES_MAX).map(&named).collect();
        let more = if list.len() > NAMES_MAX { ", ..." } else { "" };
        format!("{} {}{more}", language.say(english, french), names.join(", "))
    });
    said.collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str, language: Language) -> String {
    say!(language, "\"{name}\"", "« {name} »")
}

/// A start: what waited for a person before it waits still.
pub fn still_waits(fingerprint: u64, language: Language) -> String {
    say!(
        language,
        "a looser safety set still waits for `ballast guard confirm {fingerprint:016x}`; until then the stricter one holds, key by key",
        "un jeu de sûreté moins strict attend toujours `ballast guard confirm {fingerprint:016x}` ; d'ici là le plus strict vaut, clé par clé"
    )
}

/// What follows where the safety set would be looser.
pub fn looser_waits(fingerprint: &str, language: Language) -> String {
    say!(
        language,
        "; the looser safety set waits for `ballast guard confirm {fingerprint}`",
        " ; le jeu de sûreté moins strict attend `ballast guard confirm {fingerprint}`"
    )
}

/// What stands above the loosenings in the answer.
pub fn would_loosen(language: Language) -> &'static str {
    language.say(
        "The safety set would be loosened and stays as it is until a person confirms it:",
        "Le jeu de sûreté serait desserré ; il reste tel quel jusqu'à ce qu'une personne le confirme :",
    )
}

/// A whole set waits for a person's word.
pub fn set_waits(fingerprint: &str, language: Language) -> String {
    say!(
        language,
        "the changed site waits: its outputs or measured points become others. Confirm with `ballast guard confirm {fingerprint}`",
        "le site changé attend : ses sorties ou ses points mesurés deviennent d'autres. Confirmez avec `ballast guard confirm {fingerprint}`"
    )
}

/// What would be looser.
pub fn loosening(row: &ballast_guard::Loosening, language: Language) -> String {
    let (subject, key, old, new) = (&row.subject, &row.key, &row.old, &row.new);
    say!(language, "{subject}: {key} from {old} to {new}", "{subject} : {key} de {old} à {new}")
}

/// A person's word put a safety set in force.
pub fn in_force(fingerprint: u64, language: Language) -> String {
    say!(
        language,
        "the safety set {fingerprint:016x} is in force",
        "le jeu de sûreté {fingerprint:016x} est en vigueur"
    )
}

/// Nothing is on trial.
pub fn nothing_to_try(language: Language) -> String {
    language
        .say(
            "no rule is new or changed: there is nothing to try",
            "aucune règle nouvelle ou changée : rien à essayer",
        )
        .to_owned()
}

/// These rules are on trial for so long.
pub fn on_trial<'a>(left: Span, rules: impl Iterator<Item = &'a String>, language: Language) -> String {
    let names: Vec<String> = rules.map(|name| quoted(name, language)).collect();
    let names = names.join(", ");
    say!(
        language,
        "on trial for {left}: {names}; if one does harm, the last good rules come back",
        "à l'essai pour {left} : {names} ; si l'une fait du tort, les dernières bonnes règles reviennent"
    )
}

/// An output may not be safe at the end.
pub fn not_confirmed(output: &str, safe: &str, language: Language) -> String {
    let safe = super::causes::state(safe, language);
    say!(
        language,
        "{output} may not be {safe}: its device did not confirm before the program ended",
        "{output} n'est peut-être pas {safe} : son appareil n'a pas confirmé avant la fin du programme"
    )
}
