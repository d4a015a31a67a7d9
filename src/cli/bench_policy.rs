//! `ballast bench-policy`: a policy in all scenarios, beside no control, fixed thresholds and perfect foresight.

mod shown;

use super::Exit;
use super::arguments::BenchPolicy;
use super::bar::Bar;
use super::terminal::{Output, width_of_errors};
use crate::report::language::say;
use crate::scenarios::run::{Play, all};
use crate::scenarios::suite::{FIXED, FOLDER, NoSuite, OPTIMUM, Suite, Who};
use crate::scenarios::table::Table;
use crate::scenarios::truth::Recorder;
use crate::scenarios::watch::Seen;
use crate::site::Refused;
use serde_json::json;
use std::num::NonZero;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Runs all scenarios and tells what came of them.
pub fn run(options: &BenchPolicy, output: &Output) -> Exit {
    match try_run(options, output) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn try_run(options: &BenchPolicy, output: &Output) -> Result<Exit, Exit> {
    let language = output.language_of_answers();
    let suite = match &options.site {
        Some(site) => Suite::read(site),
        None => Suite::embedded(),
    };
    let suite = suite.map_err(|error| no_suite(&error, output))?;
    let plays = plays(&suite, options, output)?;
    if let Some(folder) = &options.truth {
        std::fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error, output))?;
    }
    let seen = play_all(&suite, &plays, options, output)?;
    let table = Table::new(&suite, &plays, seen);
    if let Some(path) = &options.report {
        let page = crate::scenarios::page::page(&table, &suite.optimum, language);
        std::fs::write(path, page).map_err(|error| unwritten(path, &error, output))?;
    }
    output.answer(&shown::text(&table, options, language), &table.data());
    let are_met = table.goals().is_some_and(|goals| goals.are_met());
    Ok(if options.strict && !are_met { Exit::Failed } else { Exit::Done })
}

/// Every run: each of those who act, in each scenario, with each seed.
fn plays(suite: &Suite, options: &BenchPolicy, output: &Output) -> Result<Vec<Play>, Exit> {
    if let Some(wanted) = &options.scenario {
        let unknown = wanted.iter().find(|number| suite.scenarios.iter().all(|one| one.number != **number));
        if let Some(number) = unknown {
            let known: Vec<String> = suite.scenarios.iter().map(|one| one.number.to_string()).collect();
            let known = known.join(", ");
            let text = say!(
                output.language_of_answers(),
                "there is no scenario {number}; there are {known}",
                "il n'y a pas de scénario {number} ; il y a {known}"
            );
            return Err(output.refuse(Exit::Failed, &text));
        }
    }
    let is_wanted = |number: u32| options.scenario.as_ref().is_none_or(|wanted| wanted.contains(&number));
    let chosen = suite.scenarios.iter().enumerate().filter(|(_, one)| is_wanted(one.number));
    let of = |scenario: usize| {
        let seeds = options.seeds.0..=options.seeds.1;
        seeds.flat_map(move |seed| Who::ALL.map(|who| Play { scenario, seed, who }))
    };
    Ok(chosen.flat_map(|(scenario, _)| of(scenario)).collect())
}

fn play_all(
    suite: &Suite,
    plays: &[Play],
    options: &BenchPolicy,
    output: &Output,
) -> Result<Vec<Seen>, Exit> {
    let language = output.language_of_answers();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = options.jobs.map_or(cores, usize::from).min(plays.len());
    let bar = Bar::new(output);
    let tell = |done: usize| bar.show(output.say("runs", "exécutions"), done, plays.len());
    let unwritten_truth: Mutex<Option<(std::path::PathBuf, std::io::Error)>> = Mutex::default();
    let take = |play: Play, recorder: &Recorder, seen: &Seen| {
        let written = options.truth.as_ref().zip(suite.scenarios.get(play.scenario));
        let Some((folder, scenario)) = written else { return };
        let stem = format!("{:02}-{}", scenario.number, play.seed);
        let about = format!("{:#}\n", recorder.about(scenario, play.seed, seen));
        for (ending, text) in [("csv", recorder.table()), ("json", about.as_str())] {
            let path = folder.join(format!("{stem}.{ending}"));
            if let Err(error) = std::fs::write(&path, text) {
                let mut first = unwritten_truth.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert((path, error));
            }
        }
    };
    tell(0);
    let seen = all(suite, plays, threads, options.truth.is_some(), &tell, &take);
    bar.clear();
    let seen = seen.map_err(|(play, trouble)| {
        let name = suite.scenarios.get(play.scenario).map_or("", |scenario| scenario.name.as_str());
        let (seed, who, why) = (play.seed, play.who.name(language), trouble.sentence(language));
        let text = say!(
            language,
            "scenario {name}, seed {seed}, {who}: {why}",
            "scénario {name}, graine {seed}, {who} : {why}"
        );
        output.refuse(Exit::Failed, &text)
    })?;
    match unwritten_truth.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((path, error)) => Err(unwritten(&path, &error, output)),
        None => Ok(seen),
    }
}

fn unwritten(path: &Path, error: &std::io::Error, output: &Output) -> Exit {
    output.refuse(Exit::Failed, &output.unwritten(path, error))
}

/// Rules that scenarios bring, and which cannot be read: all of them, each with where its file lies.
fn mistaken_rules(wrong: &[(String, Refused)], output: &Output) -> Exit {
    let language = output.language_of_answers();
    let (mut text, mut rows) = (String::new(), Vec::new());
    for (name, refused) in wrong {
        text.push_str(&refused.drawing.coloured(width_of_errors()));
        text.push_str(&say!(
            language,
            "`rules/{name}` is `{FOLDER}/{name}` here, which a scenario adds to the rules of the site\n",
            "`rules/{name}` est ici `{FOLDER}/{name}`, qu'un scénario ajoute aux règles du site\n"
        ));
        rows.extend(refused.data["diagnostics"].as_array().cloned().unwrap_or_default());
    }
    output.mistakes(Some(&text), &json!({ "diagnostics": rows }))
}

fn no_suite(error: &NoSuite, output: &Output) -> Exit {
    let language = output.language_of_answers();
    let text = match error {
        NoSuite::Unreadable(path, error) => output.unreadable(path, error),
        NoSuite::Site(refused) => {
            return output.mistakes(Some(&refused.drawing.coloured(width_of_errors())), &refused.data);
        }
        NoSuite::Scenarios(drawing, data) => {
            return output.mistakes(Some(&drawing.coloured(width_of_errors())), data);
        }
        NoSuite::Rules(wrong) => return mistaken_rules(wrong, output),
        NoSuite::None => say!(
            language,
            "there is no scenario in `{FOLDER}`: write one, as `ballast bench-policy --help` shows",
            "il n'y a pas de scénario dans `{FOLDER}` : écrivez-en un, comme le montre `ballast bench-policy --help`"
        ),
        NoSuite::Twice(number) => say!(
            language,
            "there are two scenarios {number}: each has a number of its own",
            "il y a deux scénarios {number} : chacun a son propre numéro"
        ),
        NoSuite::NoFixed => say!(
            language,
            "there is nothing to compare with: `{FOLDER}/{FIXED}/safety.yaml` is missing",
            "il n'y a rien à quoi comparer : `{FOLDER}/{FIXED}/safety.yaml` manque"
        ),
        NoSuite::Optimum(wrong) => {
            let (line, english, french) = (wrong.line, wrong.english, wrong.french);
            say!(
                language,
                "{FOLDER}/{OPTIMUM}, line {line}: {english}",
                "{FOLDER}/{OPTIMUM}, ligne {line} : {french}"
            )
        }
        NoSuite::Missing(scenario, names) => {
            let names = names.join("\n  ");
            say!(
                language,
                "the village of scenario {scenario} has not what the site names:\n  {names}",
                "le village du scénario {scenario} n'a pas ce que le site nomme :\n  {names}"
            )
        }
    };
    output.refuse(Exit::Mistakes, &text)
}
