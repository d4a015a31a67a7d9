//! What is said of a guard that is a process of its own: it is there, it is gone, it wants other files.

use super::language::{Language, say};
use super::moment::Protection;
use ballast_host::process::Process;
use ballast_model::Mono;
use std::path::Path;

/// It was found.
pub fn there(pid: u32, language: Language) -> String {
    say!(
        language,
        "the guard holds the outputs: a process of its own ({pid})",
        "le gardien tient les sorties : un processus à part ({pid})"
    )
}

/// A guard or another program holds the outputs of the site that this program was to hold.
pub fn held(site: &str, language: Language) -> String {
    say!(
        language,
        "another process holds the outputs of the site in {site}: a guard of which safety.yaml says nothing any more, or another \
         `ballast run`. Nothing was moved. Say where that guard listens (`ballast run --guard DIRECTORY`, as its log names it), or stop \
         that process first",
        "un autre processus tient les sorties du site dans {site} : un gardien dont safety.yaml ne dit plus rien, ou un autre \
         `ballast run`. Rien n'a été changé. Dites où ce gardien écoute (`ballast run --guard DOSSIER`, son journal le nomme), ou arrêtez \
         d'abord ce processus"
    )
}

/// It cannot be reached any more.
pub fn gone(why: &str, language: Language) -> String {
    say!(
        language,
        "the guard does not answer ({why}): what the outputs are is not known here, and nothing can be asked of them",
        "le gardien ne répond pas ({why}) : l'état des sorties n'est pas connu ici, et rien ne peut leur être demandé"
    )
}

/// Where the guard is, as a row of a table.
pub fn protection(protection: Protection, now: Mono, language: Language) -> String {
    match protection {
        Protection::Program => {
            language.say("the guard in this program", "le gardien dans ce programme").to_owned()
        }
        Protection::Process(pid) => say!(
            language,
            "the guard, a process of its own ({pid})",
            "le gardien, un processus à part ({pid})"
        ),
        Protection::Gone(None) => language
            .say(
                "a guard of its own that has not answered yet",
                "un gardien à part qui n'a pas encore répondu",
            )
            .to_owned(),
        Protection::Gone(Some(since)) => {
            let since = now.since(since);
            say!(
                language,
                "a guard of its own that has not answered for {since}",
                "un gardien à part qui ne répond plus depuis {since}"
            )
        }
    }
}

/// That nothing is known of an output; empty where it is. Ends with a space.
pub fn unknown(protection: Option<Protection>, name: &str, now: Mono, language: Language) -> String {
    match protection {
        None | Some(Protection::Program | Protection::Process(_)) => String::new(),
        Some(Protection::Gone(None)) => say!(
            language,
            "The guard has not answered yet, so that nothing is known of {name}. ",
            "Le gardien n'a pas encore répondu : rien n'est connu de {name}. "
        ),
        Some(Protection::Gone(Some(since))) => {
            let since = now.since(since);
            say!(
                language,
                "The guard has not answered for {since}, so that this may not be so any more: ",
                "Le gardien ne répond plus depuis {since}, et ceci n'est peut-être plus vrai : "
            )
        }
    }
}

/// The program listens and says nothing.
pub fn silent_program(process: Option<Process>, language: Language) -> String {
    silent(language.say("the program", "le programme"), process, language)
}

/// The guard listens and says nothing.
pub fn silent_guard(process: Option<Process>, language: Language) -> String {
    silent(language.say("the guard", "le gardien"), process, language)
}

fn silent(who: &str, process: Option<Process>, language: Language) -> String {
    let Some(process) = process else {
        return say!(
            language,
            "{who} does not answer; if it stays so, restart it",
            "{who} ne répond pas ; si cela dure, redémarrez-le"
        );
    };
    let pid = process.0;
    if process.look().is_stopped {
        return say!(
            language,
            "{who} (process {pid}) does not answer: it is stopped; `kill -CONT {pid}` lets it go on",
            "{who} (processus {pid}) ne répond pas : il est arrêté ; `kill -CONT {pid}` le fait reprendre"
        );
    }
    say!(
        language,
        "{who} (process {pid}) does not answer: the machine is overloaded, or it hangs; if it stays so, restart it",
        "{who} (processus {pid}) ne répond pas : la machine est surchargée, ou il est bloqué ; si cela dure, redémarrez-le"
    )
}

/// For programs.
pub fn data(protection: Protection) -> serde_json::Value {
    match protection {
        Protection::Program => serde_json::json!({ "guard": "program" }),
        Protection::Process(pid) => serde_json::json!({ "guard": "process", "pid": pid }),
        Protection::Gone(_) => serde_json::json!({ "guard": "gone" }),
    }
}

/// Its mirror answered otherwise.
pub const fn astray(language: Language) -> &'static str {
    language.say(
        "the guard and its mirror in the program do not agree; the program looks at the guard anew",
        "le gardien et son reflet dans le programme ne s'accordent pas ; le programme regarde le gardien de nouveau",
    )
}

/// A changed set needs its word, and it does not answer.
pub fn unreachable(why: &str, language: Language) -> String {
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    say!(
        language,
        "refused: the guard does not answer{why}; without its word site.yaml, safety.yaml and device files stay as they are",
        "refusé : le gardien ne répond pas{why} ; sans son accord site.yaml, safety.yaml et les fichiers d'appareils restent comme ils sont"
    )
}

/// The files changed once more before the guard answered.
pub fn overtaken(language: Language) -> String {
    language
        .say(
            "refused: the files changed again before the guard answered; the newer ones are taken up",
            "refusé : les fichiers ont encore changé avant la réponse du gardien ; les plus récents sont pris",
        )
        .to_owned()
}

/// It reads other files than the program.
pub fn other_files(language: Language) -> String {
    language
        .say(
            "refused: the guard reads other files than the program; give both the same directory",
            "refusé : le gardien lit d'autres fichiers que le programme ; donnez le même répertoire aux deux",
        )
        .to_owned()
}

/// A person's word for it is not the program's to pass on.
pub fn ask_itself(sockets: &Path, language: Language) -> String {
    let sockets = sockets.display();
    say!(
        language,
        "refused: the guard is a process of its own and hears people on its own socket; say it with \
         `ballast guard ... --sockets {sockets}`",
        "refusé : le gardien est un processus à part et écoute les personnes sur son propre socket ; dites-le par \
         `ballast guard ... --sockets {sockets}`"
    )
}
