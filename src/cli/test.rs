//! `ballast test`: the tests of a site.

mod record;
mod shown;

use super::Exit;
use super::arguments::{Format, Test as Options};
use super::terminal::{Output, width_of_errors};
use crate::report::language::say;
use crate::site::{Drawing, Running, Texts, build_unopened};
use crate::testing::coverage::{self, Branches, Reached};
use crate::testing::file::{self, Test};
use crate::testing::table::Folder;
use crate::testing::trial;
use ballast_config::diagnostics::Diagnostics;
use ballast_config::limits::FILE_BYTES_MAX;
use ballast_config::render;
use ballast_config::sources::Sources;
use serde_json::json;
use shown::Done;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// Runs the tests of a site; with `is_junit`, tells what came of them as JUnit's XML.
pub fn run(options: &Options, is_junit: bool, output: &Output) -> Exit {
    if let Some(piece) = &options.record {
        return record::run(piece, options, output);
    }
    let texts = match Texts::read(&options.site) {
        Ok(texts) => texts,
        Err(error) => return output.refuse(Exit::Mistakes, &output.unreadable(&options.site, &error)),
    };
    let built = match build_unopened(&texts) {
        Ok(built) => built,
        Err(refused) => {
            return output.mistakes(Some(&refused.drawing.coloured(width_of_errors())), &refused.data);
        }
    };
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let tests = match read(&options.site, &built.running, &mut sources, &mut found) {
        Ok(tests) => tests,
        Err(error) => {
            return output.refuse(Exit::Mistakes, &output.unreadable(&options.site.join("tests"), &error));
        }
    };
    if found.has_mistakes() {
        let data = json!({ "diagnostics": render::flatten(&found, &sources) });
        let drawing = Drawing::of(found, sources);
        return output.mistakes(Some(&drawing.coloured(width_of_errors())), &data);
    }
    let is_wanted = |test: &&Test| options.only.as_ref().is_none_or(|part| test.name.contains(part.as_str()));
    let wanted: Vec<&Test> = tests.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        return nothing(&tests, options, output);
    }
    let mut done = Vec::new();
    let (mut reached, mut branches) = (Reached::default(), Branches::default());
    for test in wanted {
        // The texts were built once, so they build again.
        let outcome = match trial::run(test, &texts, output.language_of_answers()) {
            Ok(outcome) => outcome,
            Err(refused) => {
                return output.mistakes(Some(&refused.drawing.coloured(width_of_errors())), &refused.data);
            }
        };
        reached.add(&outcome.reached);
        if options.coverage
            && let Ok(taken) = trial::watch(test, &texts, output.language_of_answers())
        {
            branches.add_all(taken);
        }
        let one = Done { test, differences: outcome.differences };
        if output.format == Format::Text && !is_junit {
            shown::tell(&one, &sources, built.running.catalog(), output);
        }
        done.push(one);
    }
    let items = coverage::items(&built.running, &reached);
    let items = options.coverage.then_some((items.as_slice(), &branches));
    shown::sum_up(&done, &sources, &built.running.catalog().site, items, is_junit, output);
    if done.iter().all(Done::has_passed) { Exit::Done } else { Exit::Failed }
}

/// There is nothing to run.
fn nothing(tests: &[Test], options: &Options, output: &Output) -> Exit {
    let language = output.language_of_answers();
    let text = match (&options.only, tests.is_empty()) {
        (Some(part), false) => {
            let count = tests.len();
            say!(
                language,
                "no test has `{part}` in its name; there are {count}",
                "aucun essai n'a « {part} » dans son nom ; il y en a {count}"
            )
        }
        _ => language
            .say(
                "there is no test: write one into the site's folder tests/ (`ballast test --help` shows how)",
                "il n'y a pas d'essai : écrivez-en un dans le dossier tests/ du site (`ballast test --help` montre comment)",
            )
            .to_owned(),
    };
    output.refuse(Exit::Failed, &text)
}

/// All test files of a site, in the order of their names.
fn read(
    site: &Path,
    running: &Running,
    sources: &mut Sources,
    found: &mut Diagnostics,
) -> std::io::Result<Vec<Test>> {
    let texts = Texts::read_folder(&site.join("tests"), "tests", "yaml")?;
    if let Some((name, what)) = texts.not_files.first_key_value() {
        let message = format!("{name} is {what} and not a file");
        return Err(Error::new(ErrorKind::InvalidData, message));
    }
    for (name, length) in &texts.too_large {
        sources.refuse_by_length(name, *length, FILE_BYTES_MAX, found);
    }
    let mut tests = Vec::new();
    let folder = Folder::of(site);
    for (name, bytes) in &texts.files {
        tests.extend(file::read((name, bytes), &folder, running, sources, found));
    }
    Ok(tests)
}
