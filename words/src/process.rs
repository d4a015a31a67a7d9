//! What the guard's own process says in its log beyond the events of the guard: its start and end, its disk, its links.

use super::language::{Language, Noun, say};

/// It begins.
pub fn holds(count: usize, site: &str, fingerprint: u64, sockets: &str, language: Language) -> String {
    let outputs = language.counted(count, Noun::Output);
    say!(
        language,
        "the guard holds {outputs} of {site}: safety set {fingerprint:016x}, sockets in {sockets}",
        "le gardien tient {outputs} de {site} : jeu de sûreté {fingerprint:016x}, prises dans {sockets}"
    )
}

/// What to do about a set that waits.
pub fn waits(fingerprint: u64, language: Language) -> String {
    say!(
        language,
        "a looser safety set waits for a person: `ballast guard confirm {fingerprint:016x}`",
        "un jeu de sûreté moins strict attend une personne : `ballast guard confirm {fingerprint:016x}`"
    )
}

/// Another set is in force, by itself or by a person's word.
pub fn in_force(fingerprint: u64, is_confirmed: bool, language: Language) -> String {
    if is_confirmed {
        return say!(
            language,
            "the confirmed safety set is in force: {fingerprint:016x}",
            "le jeu de sûreté confirmé est en vigueur : {fingerprint:016x}"
        );
    }
    say!(
        language,
        "another safety set is in force: {fingerprint:016x}",
        "un autre jeu de sûreté est en vigueur : {fingerprint:016x}"
    )
}

/// Files with mistakes change nothing.
pub fn not_taken(report: &str, language: Language) -> String {
    say!(
        language,
        "the files of the site were not taken:\n{report}",
        "les fichiers du site n'ont pas été repris :\n{report}"
    )
}

/// As many sets wait as may.
pub fn too_many_wait(count: usize, language: Language) -> String {
    say!(
        language,
        "{count} changed safety sets wait for a person; confirm the last one, or take the changes back",
        "{count} jeux de sûreté changés attendent une personne ; confirmez le dernier, ou annulez les changements"
    )
}

/// At a start: the files have mistakes, and what was in force is.
pub fn last_in_force(report: &str, language: Language) -> String {
    say!(
        language,
        "{report}\nthe files above were not taken: the safety set that was in force last is",
        "{report}\nles fichiers ci-dessus n'ont pas été repris : le dernier jeu de sûreté en vigueur l'est encore"
    )
}

/// The site keeps its guard in the program.
pub const fn no_section(language: Language) -> &'static str {
    language.say(
        "safety.yaml has no section `guard:`, so that the program itself holds the outputs of this site",
        "safety.yaml n'a pas de section `guard:` : c'est le programme lui-même qui tient les sorties de ce site",
    )
}

/// Another process holds the outputs of the site, or writes into the same memory.
pub fn held_already(folder: &str, is_site: bool, language: Language) -> String {
    if is_site {
        return say!(
            language,
            "another process holds the outputs of the site in {folder} (a guard, or `ballast run` without one): two would undo what \
             the other one does. Stop that one first",
            "un autre processus tient déjà les sorties du site dans {folder} (un gardien, ou `ballast run` sans gardien) : à deux, chacun \
             déferait ce que fait l'autre. Arrêtez d'abord celui-là"
        );
    }
    say!(
        language,
        "another guard keeps its memory in {folder}: stop that one first, or give this one a folder of its own with `--state`",
        "un autre gardien garde sa mémoire dans {folder} : arrêtez-le d'abord, ou donnez à celui-ci un dossier à lui avec `--state`"
    )
}

/// Nobody can tell whether another process holds the outputs.
pub fn not_held(folder: &str, error: &str, language: Language) -> String {
    say!(
        language,
        "{folder} cannot be locked ({error}): another guard of this site would not be noticed",
        "{folder} ne peut pas être verrouillé ({error}) : un autre gardien de ce site passerait inaperçu"
    )
}

/// `--make-safe` beside whoever holds the outputs.
pub const fn somebody_holds(language: Language) -> &'static str {
    language.say(
        "a guard or program that lives holds these outputs, and may move them again at once: `ballast guard now` has them held safe",
        "un gardien ou un programme vivant tient ces sorties et peut les changer aussitôt : `ballast guard now` les fait maintenir en \
         sécurité",
    )
}

/// There is no site in a folder.
pub fn no_site(folder: &str, language: Language) -> String {
    say!(
        language,
        "{folder} holds no site: there is no site.yaml in it; `ballast init` writes a small one",
        "{folder} ne contient pas de site : il n'y a pas de site.yaml ; `ballast init` en écrit un petit"
    )
}

/// Everything is held safe: its memory is lost.
pub fn memory_lost(why: &str, fingerprint: u64, language: Language) -> String {
    say!(
        language,
        "the memory of the guard is lost ({why}): every output is held safe. Look at the site, then say `ballast guard reset all`. \
         Safety set {fingerprint:016x}",
        "la mémoire du gardien est perdue ({why}) : chaque sortie est maintenue en sécurité. Vérifiez le site, puis dites \
         `ballast guard reset all`. Jeu de sûreté {fingerprint:016x}"
    )
}

/// Which of the two things that are kept cannot be read.
pub const fn part_lost(is_state: bool, language: Language) -> &'static str {
    if is_state {
        language.say("its state", "son état")
    } else {
        language.say("the safety set that was in force", "le jeu de sûreté qui était en vigueur")
    }
}

/// One of two copies is damaged, and nothing is lost by it.
pub fn slot_damaged(part: &str, why: &str, language: Language) -> String {
    say!(
        language,
        "{part} is kept twice, and one copy is damaged ({why}): a write was cut off, or an older copy went. Nothing that was kept is \
         lost; the next write mends it. If it comes again, look at the disk",
        "{part} est conservé deux fois, et une copie est abîmée ({why}) : une écriture a été coupée, ou une copie plus ancienne est perdue. \
         Rien de ce qui était conservé n'est perdu ; la prochaine écriture y remédie. Si cela se répète, vérifiez le disque"
    )
}

/// Its newest copy is damaged.
pub fn newest_lost(part: &str, why: &str, language: Language) -> String {
    say!(
        language,
        "of {part} the newest copy is lost, and an older one goes on: {why}",
        "de {part} la copie la plus récente est perdue, et une plus ancienne continue : {why}"
    )
}

/// The disk does not take what should be kept, or does again.
pub fn disk(error: Option<&str>, language: Language) -> String {
    match error {
        Some(error) => say!(
            language,
            "the disk takes nothing ({error}): what is not kept is forgotten at the next start",
            "le disque n'accepte rien ({error}) : ce qui n'est pas conservé est oublié au prochain démarrage"
        ),
        None => say!(language, "the disk takes everything again", "le disque accepte de nouveau tout"),
    }
}

/// A set is not on the disk yet.
pub const fn disk_slow(language: Language) -> &'static str {
    language.say(
        "the disk is too slow: the safety set is not kept yet",
        "le disque est trop lent : le jeu de sûreté n'est pas encore conservé",
    )
}

/// The witness has to begin anew. Why is for whoever mends the program.
pub fn astray(why: &str, language: Language) -> String {
    say!(
        language,
        "the witness has lost the guard: {why}; it begins anew",
        "le témoin a perdu le gardien : {why} ; il recommence"
    )
}

/// The witness has ended.
pub const fn witness_ended(language: Language) -> &'static str {
    language.say(
        "the thread that keeps and tells has ended: the guard makes everything safe and ends",
        "le fil qui conserve et raconte a pris fin : le gardien met tout en sécurité et s'arrête",
    )
}

/// The thread that decides has failed.
pub const fn decision_failed(language: Language) -> &'static str {
    language.say(
        "the thread that decides has failed: what the outputs are is not known",
        "le fil qui décide a échoué : on ignore l'état des sorties",
    )
}

/// A program has connected.
pub fn program_there(process: i32, language: Language) -> String {
    say!(language, "the program is there (process {process})", "le programme est là (processus {process})")
}

/// Somebody else has tried to.
pub fn turned_away(who: &str, process: i32, times: u32, language: Language) -> String {
    let since = match times {
        0 | 1 => String::new(),
        _ => say!(language, " ({times} of them since)", " ({times} depuis)"),
    };
    say!(
        language,
        "{who} (process {process}) is not the user of the program: turned away{since}",
        "{who} (processus {process}) n'est pas l'utilisateur du programme : refusé{since}"
    )
}

/// Nobody can connect just now: a program, or a person.
pub fn nobody_connects(is_program: bool, error: &str, language: Language) -> String {
    if is_program {
        return say!(
            language,
            "no program can connect just now: {error}",
            "aucun programme ne peut se connecter en ce moment : {error}"
        );
    }
    say!(
        language,
        "nobody can ask the guard just now: {error}",
        "personne ne peut interroger le gardien en ce moment : {error}"
    )
}

/// The program cannot be told how the guard is.
pub fn untellable(error: &str, language: Language) -> String {
    say!(
        language,
        "the program cannot be told of the guard: {error}",
        "on ne peut rien dire du gardien au programme : {error}"
    )
}

/// Why the link to the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// The program went.
    Gone,
    /// It sent what is no frame.
    NotAFrame,
    /// It sent a frame that does not belong to its session.
    Unexpected,
    /// It sent too much.
    Flood,
    /// It does not read.
    Unread,
    /// Something was too long for it.
    TooLong,
}

/// Why the link to the program ended.
pub const fn link_end(end: LinkEnd, language: Language) -> &'static str {
    match end {
        LinkEnd::Gone => language.say("the program is gone", "le programme est parti"),
        LinkEnd::NotAFrame => language.say(
            "the program sent what is no frame: the link is ended",
            "le programme a envoyé ce qui n'est pas une trame : la liaison est coupée",
        ),
        LinkEnd::Unexpected => language.say(
            "the program said what is not expected of it: its session and the link are ended",
            "le programme a dit ce qu'on n'attend pas de lui : sa session et la liaison sont coupées",
        ),
        LinkEnd::Flood => language.say(
            "the program sent more than anybody could mean: the link is ended",
            "le programme a envoyé plus que quiconque ne peut vouloir : la liaison est coupée",
        ),
        LinkEnd::Unread => language.say(
            "the program does not read what the guard tells it: the link is ended",
            "le programme ne lit pas ce que le gardien lui dit : la liaison est coupée",
        ),
        LinkEnd::TooLong => language.say(
            "something was too long to be told to the program",
            "quelque chose était trop long pour être dit au programme",
        ),
    }
}

/// The machine lacks something.
pub fn no_threads(error: &str, language: Language) -> String {
    say!(
        language,
        "the machine has no more threads: {error}",
        "la machine n'a plus de fils d'exécution : {error}"
    )
}

/// The buses cannot run.
pub fn no_runtime(error: &str, language: Language) -> String {
    say!(language, "no runtime for the buses: {error}", "pas d'exécutif pour les bus : {error}")
}

/// It cannot be told to end.
pub fn no_signals(error: &str, language: Language) -> String {
    say!(
        language,
        "the process cannot hear signals: {error}",
        "le processus ne peut pas entendre les signaux : {error}"
    )
}

/// A file or folder that it needs cannot be made.
pub fn unmade(path: &str, error: &str, language: Language) -> String {
    say!(language, "{path} cannot be made: {error}", "{path} ne peut pas être créé : {error}")
}

/// The man page cannot be written.
pub fn no_manual(path: &str, error: &str, language: Language) -> String {
    say!(
        language,
        "the man page cannot be written to {path}: {error}",
        "la page de manuel ne peut pas être écrite dans {path} : {error}"
    )
}

/// What became of the outputs with `--make-safe`, or at its end; `names` of those that did not confirm.
pub fn made_safe(count: usize, missing: &[&str], language: Language) -> String {
    let (lacking, names) = (missing.len(), missing.join(", "));
    if missing.is_empty() {
        return say!(language, "{count} outputs are safe", "{count} sorties sont en sécurité");
    }
    say!(
        language,
        "{lacking} of {count} outputs could not be made safe: {names}",
        "{lacking} sorties sur {count} n'ont pas pu être mises en sécurité : {names}"
    )
}

/// How many outputs did not confirm in time at its end.
pub fn unconfirmed(count: usize, language: Language) -> String {
    say!(
        language,
        "{count} outputs have not confirmed their safe state",
        "{count} sorties n'ont pas confirmé leur état sûr"
    )
}

/// What it gave up, and what it could not, with the reasons: files, TCP ports, signals, system calls.
pub fn confined(gave_up: [bool; 4], lacks: &[String], language: Language) -> String {
    let names = [
        language.say("files", "fichiers"),
        language.say("TCP ports", "ports TCP"),
        language.say("signals", "signaux"),
        language.say("system calls", "appels système"),
    ];
    let list = |is: bool| {
        let names = names.iter().zip(gave_up).filter(|(_, has)| *has == is).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    };
    let why = if lacks.is_empty() { String::new() } else { format!(" ({})", lacks.join("; ")) };
    match (list(true), list(false)) {
        (has, lacks) if lacks.is_empty() => say!(language, "confined: {has}{why}", "confiné : {has}{why}"),
        (has, lacks) if has.is_empty() => {
            say!(language, "not confined: {lacks}{why}", "non confiné : {lacks}{why}")
        }
        (has, lacks) => say!(
            language,
            "confined: {has}; not: {lacks}{why}",
            "confiné : {has} ; non confiné : {lacks}{why}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_and_what_it_gave_up_are_told_in_both() {
        let told = |language| holds(2, "farm", 0xd9e8, "/run/x", language);
        assert_eq!(
            told(Language::En),
            "the guard holds 2 outputs of farm: safety set 000000000000d9e8, sockets in /run/x"
        );
        assert_eq!(
            told(Language::Fr),
            "le gardien tient 2 sorties de farm : jeu de sûreté 000000000000d9e8, prises dans /run/x"
        );
        let partly = |language| confined([true, false, true, true], &["too old".to_owned()], language);
        assert_eq!(partly(Language::En), "confined: files, signals, system calls; not: TCP ports (too old)");
        assert_eq!(
            partly(Language::Fr),
            "confiné : fichiers, signaux, appels système ; non confiné : ports TCP (too old)"
        );
        assert_eq!(
            made_safe(3, &["a", "b"], Language::Fr),
            "2 sorties sur 3 n'ont pas pu être mises en sécurité : a, b"
        );
        assert_eq!(
            turned_away("eve", 7, 3, Language::Fr),
            "eve (processus 7) n'est pas l'utilisateur du programme : refusé (3 depuis)"
        );
    }
}
