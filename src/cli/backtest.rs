//! `ballast backtest`: what happened, through the rules of a site and through others.

mod shown;

use super::Exit;
use super::arguments::{Backtest as Options, Format};
use super::terminal::{Output, width_of_errors};
use crate::backtest::csv;
use crate::backtest::journal::JournalSource;
use crate::backtest::run::{self, Account};
use crate::backtest::source::SampleSource;
use crate::journal;
use crate::report::language::say;
use crate::site::{Drawing, Refused, Running, Texts, build_unopened};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::render;
use ballast_config::sources::Sources;
use ballast_host::file_set::RULE_BYTES_MAX;
use serde_json::json;
use std::fs::File;
use std::io::{Error, ErrorKind, IsTerminal, Read, Result as IoResult, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How often it is told how far it is, on a terminal.
const TOLD: Duration = Duration::from_millis(500);

/// Takes a past through one or two sets of rules.
pub fn run(options: &Options, output: &Output) -> Exit {
    let texts = match Texts::read(&options.site) {
        Ok(texts) => texts,
        Err(error) => return output.refuse(Exit::Mistakes, &output.unreadable(&options.site, &error)),
    };
    let mut sets = vec![texts];
    if let Some(with) = &options.with {
        match candidate(&sets, with) {
            Ok(candidate) => sets.push(candidate),
            Err(error) => return output.refuse(Exit::Mistakes, &output.unreadable(with, &error)),
        }
    }
    let mut running = None;
    for set in &sets {
        match build_unopened(set) {
            Ok(built) => drop(running.get_or_insert(built.running)),
            Err(refused) => return mistakes(&refused, output),
        }
    }
    let Some(running) = running else { return Exit::Failed };
    let source = match source(options, &running, output) {
        Ok(source) => source,
        Err(exit) => return exit,
    };
    if source.range().is_none_or(|(first, last)| first == last) {
        let text = output
            .say("there is no past in this: nothing was read", "il n'y a pas de passé là : rien n'a été lu");
        return output.refuse(Exit::Failed, text);
    }
    match both(&sets, &source, output) {
        Ok(accounts) => {
            shown::answer(&accounts, source.as_ref(), &running, options, output);
            Exit::Done
        }
        Err(refused) => mistakes(&refused, output),
    }
}

fn mistakes(refused: &Refused, output: &Output) -> Exit {
    output.mistakes(Some(&refused.drawing.coloured(width_of_errors())), &refused.data)
}

/// The site with other rules: those of a folder or of a site instead of its own, or one file instead of that of its name.
fn candidate(sets: &[Texts], with: &Path) -> IoResult<Texts> {
    let own = sets.first().cloned().unwrap_or_default();
    if !with.is_dir() {
        let mut texts = own;
        let (name, bytes) = rule_file(with)?;
        texts.files.insert(name, bytes.into());
        return Ok(texts);
    }
    if with.join("rules").is_dir() {
        return Ok(Texts::read(with)?.with_nouns_of(&own));
    }
    let mut texts = Texts::default().with_nouns_of(&own);
    for entry in std::fs::read_dir(with)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|ending| ending == "rhai") && !is_hidden {
            let (name, bytes) = rule_file(&path)?;
            texts.files.insert(name, bytes.into());
        }
    }
    if texts.rules().next().is_none() {
        return Err(Error::new(ErrorKind::NotFound, "no rule file (*.rhai) lies in there"));
    }
    Ok(texts)
}

/// A rule file, with the name that it has in a site.
fn rule_file(path: &Path) -> IoResult<(String, Vec<u8>)> {
    let name = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".rhai"));
    let name = name.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "a rule file is named NAME.rhai"))?;
    Ok((format!("rules/{name}"), bounded(path, RULE_BYTES_MAX)?))
}

fn bounded(path: &Path, most: u64) -> IoResult<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than the most that is read tells a longer file.
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("it is longer than {most} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// The past.
fn source(options: &Options, running: &Running, output: &Output) -> Result<Arc<dyn SampleSource>, Exit> {
    if let Some(path) = &options.journal {
        let read = journal::read(path).map_err(|error| error.to_string());
        let source = read.and_then(|journal| JournalSource::new(&journal, running));
        return match source {
            Ok(source) => Ok(Arc::new(source)),
            Err(error) => Err(output.refuse(Exit::Failed, &format!("{}: {error}", path.display()))),
        };
    }
    let path = options.history.as_deref().unwrap_or(Path::new(""));
    let bytes = bounded(path, csv::BYTES_MAX)
        .map_err(|error| output.refuse(Exit::Failed, &output.unreadable(path, &error)))?;
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let name = path.display().to_string();
    if let Some(table) = csv::read(&name, &bytes, running, &mut sources, &mut found) {
        return Ok(Arc::new(table));
    }
    let data = json!({ "diagnostics": render::flatten(&found, &sources) });
    let drawing = Drawing::of(found, sources);
    Err(output.mistakes(Some(&drawing.coloured(width_of_errors())), &data))
}

/// Takes the past through all sets at the same time.
fn both(sets: &[Texts], source: &Arc<dyn SampleSource>, output: &Output) -> Result<Vec<Account>, Refused> {
    let done: Vec<AtomicUsize> = sets.iter().map(|_| AtomicUsize::new(0)).collect();
    let language = output.language_of_answers();
    thread::scope(|scope| {
        let spawn = |(texts, done)| scope.spawn(move || run::run(texts, source, language, done));
        let runs: Vec<_> = sets.iter().zip(&done).map(spawn).collect();
        let is_shown = output.format == Format::Text && std::io::stderr().is_terminal();
        while is_shown && !runs.iter().all(|run| run.is_finished()) {
            thread::sleep(TOLD);
            show_progress(&done, source.moments(), output);
        }
        if is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        let join = |run: thread::ScopedJoinHandle<'_, _>| match run.join() {
            Ok(account) => account,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        runs.into_iter().map(join).collect()
    })
}

fn show_progress(done: &[AtomicUsize], moments: usize, output: &Output) {
    const WIDTH: usize = 30;
    let whole = moments.saturating_mul(done.len()).max(1);
    let passed: usize = done.iter().map(|done| done.load(Ordering::Relaxed)).sum();
    let full = (passed * WIDTH / whole).min(WIDTH);
    let (bar, rest, percent) = ("#".repeat(full), ".".repeat(WIDTH - full), passed * 100 / whole);
    let text = say!(output.language, "{percent} % of the past", "{percent} % du passé");
    let _ = write!(std::io::stderr(), "\r\x1b[K[{bar}{rest}] {text}");
}
