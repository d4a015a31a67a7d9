//! `ballast why` and `ballast why-not` for an instant of the past: the journal is run again up to there, here and not in
//! the running program, and then tells what it would have told then.

use super::Exit;
use super::arguments::{Instant, Site};
use super::remote::{exit_of, no_answer};
use super::terminal::Output;
use crate::control::client;
use crate::control::protocol::Answer;
use crate::journal::{self, Journal};
use crate::replay::{Machines, NotTold, Past, Timeline, Unheard};
use crate::report::event::{self, About, Asked};
use crate::report::instant::{self, Twice};
use crate::report::language::{Language, say};
use crate::report::moment::{Moment, Protection, Told};
use crate::report::{names, why_output, why_rule};
use crate::site::{state_directory, zone_of};
use ballast_model::almanac::Zone;
use jiff::{SignedDuration, Timestamp};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A journal holds half an hour; a larger distance from its end is not looked into.
const KEPT_SPAN: SignedDuration = SignedDuration::from_mins(40);
/// Journals that are looked into at most: each takes time to read.
const KEPT_MAX: usize = 16;

/// What is asked, and of which past.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// An output or a rule.
    pub about: About,
    /// Its name.
    pub name: &'a str,
    /// The instant and the journal.
    pub past: &'a Instant,
    /// Which site.
    pub site: &'a Site,
}

/// Answers from the journal where it reaches, else from what was written down.
pub fn answer(question: &Question<'_>, output: &Output) -> Exit {
    let answer = match &question.past.journal {
        Some(file) => from_file(question, file, output),
        None => from_program(question, output),
    };
    match answer {
        Ok(answer) if answer.ok => {
            output.answer(&answer.text, &answer.data);
            Exit::Done
        }
        Ok(answer) => output.refuse_with(Exit::Failed, &answer.text, &answer.data),
        Err((text, exit)) => output.refuse(exit, &text),
    }
}

type Failed = (String, Exit);

/// Reads the instant, or says what one looks like. A time of day is the last one up to `now`, by the site's clock: a
/// simulated site has another day than the machine. Of two that a local time means, the one that a journal covers.
fn instant_of(
    text: &str,
    (zone, now): (&Zone, Timestamp),
    covers: impl Fn(Timestamp) -> bool,
    language: Language,
) -> Result<Timestamp, Failed> {
    let covered = |two: Twice| [two.later, two.earlier].into_iter().find(|at| covers(*at));
    instant::read(text, (zone, now), covered, language).map_err(|text| (text, Exit::Failed))
}

fn from_file(question: &Question<'_>, file: &Path, output: &Output) -> Result<Answer, Failed> {
    let journal = journal::read(file).map_err(|error| (error.to_string(), Exit::Failed))?;
    let timeline = Timeline::of(&journal);
    let end = timeline.end().ok_or_else(|| {
        let (file, language) = (file.display(), output.language_of_answers());
        (say!(language, "{file}: the journal is empty", "{file} : le journal est vide"), Exit::Failed)
    })?;
    // A time of day is the last one before the journal ends, where that was.
    let zone = journal_zone(&journal);
    let language = output.language_of_answers();
    let read = |text| instant_of(text, (&zone, end), |at| timeline.covers(at), language);
    let at = question.past.at.as_deref().map_or(Ok(end), read)?;
    // There is nothing else to tell it from: what the guard did unheard is told as not known.
    Ok(replayed(question, &journal, at, language, |_| false)
        .unwrap_or_else(|not_told| Answer::refused(why(&not_told, &zone, language))))
}

/// The zone of the site that a journal is of; UTC where its texts do not load, which the answer then says.
fn journal_zone(journal: &Journal) -> Zone {
    let last = journal.segments.last().and_then(|segment| Machines::restore(segment).ok());
    last.map_or_else(Zone::default, |machines| machines.running.catalog().zone.clone())
}

fn from_program(question: &Question<'_>, output: &Output) -> Result<Answer, Failed> {
    let zone = zone_of(&question.site.site);
    let state = state_directory(&question.site.site, question.site.state.as_deref());
    let language = output.language_of_answers();
    let history = state.join("ballast.db");
    let journal = client::journal(&state);
    let timeline = journal.as_ref().ok().map(Timeline::of);
    let end = timeline.as_ref().map_or_else(|| event::newest(&history), Timeline::end);
    let covers = |at| {
        timeline.as_ref().is_some_and(|timeline| timeline.covers(at))
            || kept(&state, at).any(|journal| Timeline::of(&journal).covers(at))
    };
    let at = question.past.at.as_deref().unwrap_or_default();
    let at = instant_of(at, (&zone, end.unwrap_or_else(Timestamp::now)), covers, language)?;
    let asked = Asked { about: question.about, name: question.name, at, zone: &zone, language };
    let kept =
        || kept(&state, at).find_map(|journal| replayed(question, &journal, at, language, |_| true).ok());
    let journal = match journal {
        Ok(journal) => journal,
        Err(error) => {
            // A program that does not answer left its events; without any, nobody ever ran here.
            if !error.is_nobody() || !history.is_file() {
                return Err((no_answer(&error, language), exit_of(&error)));
            }
            return Ok(kept().unwrap_or_else(|| event::told(&history, &asked, &no_answer(&error, language))));
        }
    };
    match replayed(question, &journal, at, language, |unheard| unheard.until.is_some()) {
        Ok(answer) => Ok(answer),
        Err(not_told @ NotTold::After(_)) => Ok(Answer::refused(why(&not_told, &zone, language))),
        Err(not_told) => Ok(kept().unwrap_or_else(|| {
            let name = known_name(question, &journal);
            let asked = Asked { name: name.as_deref().unwrap_or(question.name), ..asked };
            event::told(&history, &asked, &why(&not_told, &zone, language))
        })),
    }
}

/// The journals in the state folder that may hold an instant: after alarms, and where a person had one written.
pub(super) fn kept(state: &Path, at: Timestamp) -> impl Iterator<Item = Journal> {
    let files = std::fs::read_dir(state).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "journal"))
        .filter(|path| {
            // A pipe by that name is no journal, and would keep the answer waiting.
            let about = path.metadata().ok().filter(Metadata::is_file);
            about.and_then(|found| found.modified().ok()).is_some_and(|end| may_hold(end, at))
        })
        .collect();
    files.sort();
    // One that cannot be read is no answer; the event is.
    files.into_iter().take(KEPT_MAX).filter_map(|file| journal::read(&file).ok())
}

/// Whether a journal that was written then may hold an instant.
fn may_hold(written: SystemTime, at: Timestamp) -> bool {
    let age = Timestamp::try_from(written).map(|written| written.duration_since(at));
    age.is_ok_and(|age| !age.is_negative() && age < KEPT_SPAN)
}

/// The answer at an instant of a journal. Where nothing was heard of the guard then, something else may tell better.
fn replayed(
    question: &Question<'_>,
    journal: &Journal,
    at: Timestamp,
    language: Language,
    is_told_better: fn(&Unheard) -> bool,
) -> Result<Answer, NotTold> {
    let past = Past::at(journal, at)?;
    if let (About::Output, Some(Unheard { since, until })) =
        (question.about, past.unheard.filter(is_told_better))
    {
        let timeline = Timeline::of(journal);
        let until = until.unwrap_or(past.now);
        return Err(NotTold::Unheard(timeline.instant(since), timeline.instant(until)));
    }
    let machines = &past.machines;
    let moment = Moment {
        engine: &machines.engine,
        guard: &machines.guard,
        running: &machines.running,
        now: past.now,
        wall: machines.engine.wall(),
        told: Told::Journal,
        is_memory_lost: machines.is_memory_lost,
        language,
        misheard: None,
        protection: match (&machines.running.safety.process, past.unheard) {
            (None, _) => Some(Protection::Program),
            (Some(_), Some(Unheard { since, .. })) => Some(Protection::Gone(Some(since))),
            // It was heard; a journal does not say which process it was.
            (Some(_), None) => None,
        },
    };
    let when = instant::local_exact(at, &machines.running.catalog().zone);
    let named = match question.about {
        About::Output => names::find_output(&machines.running, question.name, language)
            .map(|id| why_output::output(&moment, id)),
        About::Rule => names::find_rule(&machines.running, question.name, language)
            .map(|index| why_rule::rule(&moment, index)),
    };
    let at = moment.say("at", "le");
    Ok(match named {
        Ok(answer) if answer.ok => {
            Answer { text: format!("{at} {when}{}\n{}", moment.say(":", " :"), answer.text), ..answer }
        }
        Ok(refused) => refused,
        Err(unknown) => Answer::refused(format!("{at} {when}{} {unknown}", moment.say(":", " :"))),
    })
}

/// The name as events give it, where the newest set of a journal knows it.
fn known_name(question: &Question<'_>, journal: &Journal) -> Option<String> {
    let machines = Machines::restore(journal.segments.last()?).ok()?;
    let running = &machines.running;
    match question.about {
        About::Output => {
            let id = names::find_output(running, question.name, Language::En).ok()?;
            running.catalog().output(id).map(|spec| spec.name.to_string())
        }
        About::Rule => None,
    }
}

/// Why the journal does not tell of an instant.
fn why(not_told: &NotTold, zone: &Zone, language: Language) -> String {
    match not_told {
        NotTold::Before(from) => {
            let from = instant::local_exact(*from, zone);
            say!(language, "it begins at {from}", "il commence le {from}")
        }
        NotTold::After(to) => {
            let to = instant::local_exact(*to, zone);
            say!(
                language,
                "that instant is still to come: the journal goes up to {to}",
                "cet instant est à venir : le journal va jusqu'au {to}"
            )
        }
        NotTold::Unheard(from, to) => {
            let (from, to) = (instant::local_exact(*from, zone), instant::local_exact(*to, zone));
            say!(
                language,
                "the program did not hear the guard from {from} to {to}",
                "le programme n'a pas entendu le gardien de {from} à {to}"
            )
        }
        NotTold::Broken(text) => text.clone(),
    }
}
