//! `ballast test --record 14:00..15:00`: a piece of a journal becomes a test.

use crate::cli::Exit;
use crate::cli::arguments::Test as Options;
use crate::cli::past::kept;
use crate::cli::remote::{exit_of, no_answer};
use crate::cli::terminal::Output;
use crate::cli::times;
use crate::control::client;
use crate::journal::{self, Journal};
use crate::replay::{Machines, Timeline};
use crate::report::instant::{self, Twice};
use crate::report::language::{Language, say};
use crate::site::{Texts, state_directory};
use crate::testing::record::observe::{NotRecorded, Observed};
use crate::testing::record::{self, Recorded};
use ballast_model::Span;
use ballast_model::almanac::Zone;
use jiff::Timestamp;
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{Error, ErrorKind, Result as IoResult, Write};
use std::path::{Path, PathBuf};

/// The longest time before a piece that is read for what leads to it.
const LEAD_IN_MAX: Span = Span::from_secs(3600);

type Failed = (Exit, String);

/// Records a test; `piece` is what stands behind `--record`.
pub(super) fn run(piece: &str, options: &Options, output: &Output) -> Exit {
    match try_run(piece, options, output.language_of_answers()) {
        Ok((text, data)) => {
            output.answer(&text, &data);
            Exit::Done
        }
        Err((exit, text)) => output.refuse(exit, &text),
    }
}

fn try_run(
    piece: &str,
    options: &Options,
    language: Language,
) -> Result<(String, serde_json::Value), Failed> {
    let lead = times::span("--lead-in", &options.lead_in, Span::ZERO, LEAD_IN_MAX, language)
        .map_err(|text| (Exit::Failed, text))?;
    let (journal, from, to) = find(piece, options, language)?;
    let zone = zone(&journal);
    let observed = Observed::of(&journal, from, to, lead)
        .map_err(|why| (Exit::Failed, not_recorded(&why, &zone, language)))?;
    let path = place(options, from, &zone, language).map_err(|text| (Exit::Failed, text))?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("recorded").to_owned();
    let recorded = record::record(&observed, &name, &options.site).map_err(|text| (Exit::Failed, text))?;
    write(&path, &recorded).map_err(|error| {
        let shown = path.display();
        let text = say!(
            language,
            "{shown} cannot be written: {error}; nothing was changed",
            "{shown} ne peut pas être écrit : {error} ; rien n'a été changé"
        );
        (Exit::Failed, text)
    })?;
    let is_same = Texts::read(&options.site).is_ok_and(|texts| texts.files == observed.texts.files);
    let data = json!({
        "file": path, "table": recorded.table.is_some(), "expected": recorded.expected,
        "dropped": recorded.dropped, "same_site": is_same,
    });
    Ok((told(&path, &recorded, is_same, language), data))
}

/// What was written, for people.
fn told(path: &Path, recorded: &Recorded, is_same: bool, language: Language) -> String {
    let (shown, expected, dropped) = (path.display(), recorded.expected, recorded.dropped);
    let mut text = say!(
        language,
        "written to {shown}: {expected} expectations",
        "écrit dans {shown} : {expected} attentes"
    );
    if recorded.table.is_some() {
        text.push_str(
            language.say(
                "; its readings stand in a table beside it",
                " ; ses mesures sont dans un tableau à côté",
            ),
        );
    }
    if dropped > 0 {
        text.push_str(&say!(
            language,
            "\n{dropped} things that were so then do not come about in a test; the file says which",
            "\n{dropped} choses qui étaient ainsi n'arrivent pas dans un essai ; le fichier dit lesquelles"
        ));
    }
    if !is_same {
        text.push_str(language.say(
            "\nthe site's files are not those that ran then: the test passes with those, and may fail with these",
            "\nles fichiers du site ne sont pas ceux d'alors : l'essai réussit avec ceux-là, et peut échouer avec ceux-ci",
        ));
    }
    text
}

/// The journal that holds the piece, and the piece.
fn find(
    piece: &str,
    options: &Options,
    language: Language,
) -> Result<(Journal, Timestamp, Timestamp), Failed> {
    if let Some(file) = &options.journal {
        let journal = journal::read(file).map_err(|error| (Exit::Failed, error.to_string()))?;
        let (from, to) = ends(piece, &journal, language)?;
        return Ok((journal, from, to));
    }
    let state = state_directory(&options.site, options.state.as_deref());
    let running = client::journal(&state);
    let covers = |journal: &Journal, from, to| {
        let timeline = Timeline::of(journal);
        timeline.covers(from) && timeline.covers(to)
    };
    match running {
        Ok(journal) => {
            let (from, to) = ends(piece, &journal, language)?;
            if covers(&journal, from, to) {
                return Ok((journal, from, to));
            }
            // Those that were kept after an alarm may reach further back.
            let other = kept(&state, from).find(|kept| covers(kept, from, to));
            Ok((other.unwrap_or(journal), from, to))
        }
        Err(error) => Err((exit_of(&error), no_answer(&error, language))),
    }
}

fn zone(journal: &Journal) -> Zone {
    let last = journal.segments.last().and_then(|segment| Machines::restore(segment).ok());
    last.map_or_else(Zone::default, |machines| machines.running.catalog().zone.clone())
}

/// The two instants of a piece, `14:00..15:00`: the last ones that are not after the end of the journal.
fn ends(piece: &str, journal: &Journal, language: Language) -> Result<(Timestamp, Timestamp), Failed> {
    let (zone, timeline) = (zone(journal), Timeline::of(journal));
    let wrong = |text: String| (Exit::Failed, text);
    let form = || {
        wrong(say!(
            language,
            "`--record {piece}` is no piece of time: write `14:00..15:00`",
            "`--record {piece}` n'est pas un intervalle : écrivez `14:00..15:00`"
        ))
    };
    let (from, to) = piece.split_once("..").ok_or_else(form)?;
    let covered = |two: Twice| [two.later, two.earlier].into_iter().find(|at| timeline.covers(*at));
    let end = timeline.end().unwrap_or_else(Timestamp::now);
    let to = instant::read(to, (&zone, end), covered, language).map_err(wrong)?;
    let from = instant::read(from, (&zone, to), covered, language).map_err(wrong)?;
    if from >= to { Err(form()) } else { Ok((from, to)) }
}

fn not_recorded(why: &NotRecorded, zone: &Zone, language: Language) -> String {
    match why {
        NotRecorded::Holds(from, to) => {
            let (from, to) = (instant::local_exact(*from, zone), instant::local_exact(*to, zone));
            say!(
                language,
                "the journal does not hold all of that: it tells of {from} to {to}",
                "le journal ne contient pas tout cela : il va de {from} à {to}"
            )
        }
        NotRecorded::LoadedAnew(at) => {
            let at = instant::local_exact(*at, zone);
            say!(
                language,
                "the site was loaded anew at {at}: record what lies before it or behind it",
                "le site a été rechargé le {at} : enregistrez ce qui est avant ou après"
            )
        }
        NotRecorded::Broken(text) => text.clone(),
    }
}

/// Where the test is written: in the folder `tests/` of the site, where `ballast test` finds it, and nowhere over a file.
fn place(options: &Options, from: Timestamp, zone: &Zone, language: Language) -> Result<PathBuf, String> {
    let tests = options.site.join("tests");
    let Some(asked) = &options.output else {
        let local = from.to_zoned(zone.jiff().clone());
        return Ok(tests.join(format!("recorded-{}.yaml", local.strftime("%Y%m%d-%H%M%S"))));
    };
    let is_yaml = asked.extension().is_some_and(|ending| ending == "yaml");
    let name = asked.file_name().filter(|_| is_yaml);
    let parent = asked.parent().unwrap_or(Path::new(""));
    let is_tests = |folder: &Path| folder.canonicalize().ok().zip(tests.canonicalize().ok());
    let is_there = |folder: &Path| is_tests(folder).is_some_and(|(one, other)| one == other);
    // `tests/new.yaml` is meant of the site, wherever it is said; so is a name alone.
    let is_inside = parent == Path::new("") || parent == Path::new("tests") || is_there(parent);
    match name.filter(|_| is_inside) {
        Some(name) => Ok(tests.join(name)),
        None => {
            let (asked, tests) = (asked.display(), tests.display());
            Err(say!(
                language,
                "`--output {asked}` is no test of this site: write `--output {tests}/NAME.yaml`",
                "`--output {asked}` n'est pas un essai de ce site : écrivez `--output {tests}/NOM.yaml`"
            ))
        }
    }
}

/// Writes the test and its table, and neither of them over a file.
fn write(path: &Path, recorded: &Recorded) -> IoResult<()> {
    let folder = path.parent().ok_or_else(|| Error::from(ErrorKind::NotFound))?;
    fs::create_dir_all(folder)?;
    let table = recorded.table.as_ref().map(|text| (path.with_extension("csv"), text));
    if let Some((table, text)) = &table {
        write_new(table, text)?;
    }
    let written = write_new(path, &recorded.text);
    if let (Err(_), Some((table, _))) = (&written, &table) {
        // A table without its test is of no use to anybody.
        let _ = fs::remove_file(table);
    }
    written
}

fn write_new(path: &Path, text: &str) -> IoResult<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}
