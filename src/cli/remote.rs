//! Commands that speak to the running program of a site.

use super::arguments::{
    Clock, Journal, Mode, Release, Reload, Request, Rule, RuleAction, Setting, Site, Trust, Why, WhyNot,
};
use super::terminal::Output;
use super::times;
use super::{Exit, past};
use crate::control::client::{self, NoAnswer};
use crate::control::protocol::{Answer, Call, Question};
use crate::report::event::About;
use crate::report::language::{Language, say};
use crate::report::process_words;
use crate::site::state_directory;
use ballast_host::users;
use ballast_model::Span;

/// A person's request ends after this at the latest: longer wishes are rules.
const REQUEST_MAX: Span = Span::from_secs(7 * 86_400);

/// A day and a night: `ballast reload --trial tomorrow`.
const UNTIL_TOMORROW: Span = Span::from_secs(86_400);

/// Asks and prints the answer.
pub(super) fn ask(site: &Site, question: Question, output: &Output) -> Exit {
    let call = Call { language: output.language_of_answers(), question };
    match client::ask(&state_directory(&site.site, site.state.as_deref()), &call) {
        Ok(answer) => print(&answer, output),
        Err(error) => {
            let language = output.language_of_answers();
            let mut text = no_answer(&error, language);
            if let (NoAnswer::Silent(_), false) = (&error, call.question.looks()) {
                text.push_str(silence_means(&call.question, language));
            }
            output.refuse(exit_of(&error), &text)
        }
    }
}

/// The answer of a program that runs.
pub(super) fn try_ask(site: &Site, question: Question, output: &Output) -> Option<Answer> {
    let call = Call { language: output.language_of_answers(), question };
    client::ask(&state_directory(&site.site, site.state.as_deref()), &call).ok()
}

/// What a command ends with that got no answer.
pub(super) fn exit_of(error: &NoAnswer) -> Exit {
    if error.is_nobody() { Exit::NotRunning } else { Exit::Failed }
}

/// What becomes of a word that a program did not take up.
fn silence_means(question: &Question, language: Language) -> &'static str {
    if question.lapses() {
        language.say(
            "; what was asked of it now, it will not do then",
            " ; ce qui vient de lui être demandé, il ne le fera pas alors",
        )
    } else {
        language.say(
            "; it makes everything safe as soon as it goes on",
            " ; il mettra tout en état sûr dès qu'il reprendra",
        )
    }
}

/// Prints an answer.
pub(super) fn print(answer: &Answer, output: &Output) -> Exit {
    if answer.data.get("waits").and_then(serde_json::Value::as_bool) == Some(true) {
        output.answer(&answer.text, &answer.data);
        return Exit::Waits;
    }
    if answer.ok {
        output.answer(&answer.text, &answer.data);
        return Exit::Done;
    }
    output.refuse_with(Exit::Failed, &answer.text, &answer.data)
}

/// Why there is no answer.
pub(super) fn no_answer(error: &NoAnswer, language: Language) -> String {
    match error {
        NoAnswer::NotRunning(place) => say!(
            language,
            "no program runs on this site ({place}); start it with `ballast run`",
            "aucun programme ne tourne sur ce site ({place}) ; lancez-le avec `ballast run`"
        ),
        NoAnswer::NotAllowed { place, owner } => not_allowed(place, *owner, language),
        NoAnswer::Silent(process) => process_words::silent_program(*process, language),
        NoAnswer::Ended(error) => say!(
            language,
            "the program ended before it answered ({error}); `ballast history` tells what it did last",
            "le programme s'est terminé avant de répondre ({error}) ; `ballast history` dit ce qu'il a fait en dernier"
        ),
        NoAnswer::Foreign(error) => say!(
            language,
            "the running program answered in a form this one does not know: {error}",
            "le programme a répondu sous une forme inconnue de celui-ci : {error}"
        ),
        NoAnswer::Refused(text) => text.clone(),
        NoAnswer::Journal(error) => error.to_string(),
    }
}

/// That somebody else's program may be there, and who may speak to it.
fn not_allowed(place: &str, owner: Option<u32>, language: Language) -> String {
    let owner = owner.map(users::name_of).filter(|name| name != "root");
    let (english, french) = match owner {
        Some(name) => (
            format!("as {name} (`sudo -u {name} ballast ...`) or as root"),
            format!("en tant que {name} (`sudo -u {name} ballast ...`) ou root"),
        ),
        None => {
            ("as root (`sudo ballast ...`)".to_owned(), "en tant que root (`sudo ballast ...`)".to_owned())
        }
    };
    say!(
        language,
        "you may not speak to the program of this site ({place}: permission denied): only its own user and root may; \
         say it {english}",
        "vous n'avez pas le droit de parler au programme de ce site ({place} : accès refusé) : seuls son utilisateur et \
         root l'ont ; dites-le {french}"
    )
}

/// `ballast why`
pub fn why(options: &Why, output: &Output) -> Exit {
    let (about, name, past) = (About::Output, &options.output, &options.past);
    if past.is_now() {
        let question = Question::Why { output: name.clone() };
        return ask(&options.site, question, output);
    }
    past::answer(&past::Question { about, name, past, site: &options.site }, output)
}

/// `ballast why-not`
pub fn why_not(options: &WhyNot, output: &Output) -> Exit {
    let (about, name, past) = (About::Rule, &options.rule, &options.past);
    if past.is_now() {
        let question = Question::WhyNot { rule: name.clone() };
        return ask(&options.site, question, output);
    }
    past::answer(&past::Question { about, name, past, site: &options.site }, output)
}

/// `ballast status`
pub fn status(site: &Site, output: &Output) -> Exit {
    ask(site, Question::Status, output)
}

/// `ballast reload`
pub fn reload(options: &Reload, output: &Output) -> Exit {
    let trial = match options.trial.as_deref() {
        None => None,
        Some("tomorrow") => Some(UNTIL_TOMORROW),
        // Who reloads says how short and how long it may be.
        Some(text) => match times::span("--trial", text, Span::ZERO, Span::MAX, output.language_of_answers())
        {
            Ok(trial) => Some(trial),
            Err(said) => return output.refuse(Exit::Failed, &said),
        },
    };
    ask(&options.site, Question::Reload { accept: options.accept, trial_ms: trial.map(Span::millis) }, output)
}

/// `ballast request`
pub fn request(options: &Request, output: &Output) -> Exit {
    let least = Span::from_millis(1);
    let language = output.language_of_answers();
    let lasting = match times::span("--for", &options.lasting, least, REQUEST_MAX, language) {
        Ok(lasting) => lasting,
        Err(said) => return output.refuse(Exit::Failed, &said),
    };
    let question = Question::Request {
        output: options.output.clone(),
        state: options.wanted.clone(),
        for_ms: lasting.millis(),
    };
    ask(&options.site, question, output)
}

/// `ballast release`
pub fn release(options: &Release, output: &Output) -> Exit {
    ask(&options.site, Question::Release { output: options.output.clone() }, output)
}

/// `ballast mode`
pub fn mode(options: &Mode, output: &Output) -> Exit {
    ask(&options.site, Question::Mode { mode: options.mode.clone() }, output)
}

/// `ballast setting`
pub fn setting(options: &Setting, output: &Output) -> Exit {
    let question = Question::Setting { name: options.name.clone(), value: options.value.clone() };
    ask(&options.site, question, output)
}

/// `ballast rule`
pub fn rule(options: &Rule, output: &Output) -> Exit {
    let RuleAction::Resume { name } = &options.action;
    ask(&options.site, Question::Resume { rule: name.clone() }, output)
}

/// `ballast journal`
pub fn journal(options: &Journal, output: &Output) -> Exit {
    let file = options.output.as_ref().map(|file| {
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        absolute.display().to_string()
    });
    ask(&options.site, Question::Journal { file }, output)
}

/// `ballast clock`
pub fn clock(options: &Clock, output: &Output) -> Exit {
    ask(&options.site, Question::Clock { trusted: options.trust == Trust::Trust }, output)
}
