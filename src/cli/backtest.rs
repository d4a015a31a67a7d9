//! `ballast backtest`: what happened, through the rules of a site and through others.

mod shown;

use super::Exit;
use super::arguments::Backtest as Options;
use super::bar::Bar;
use super::terminal::{Output, width_of_errors};
use crate::backtest::csv;
use crate::backtest::journal::JournalSource;
use crate::backtest::run::{self, Account};
use crate::backtest::source::SampleSource;
use crate::journal;
use crate::site::{Drawing, Refused, Running, Texts, build_unopened};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::render;
use ballast_config::sources::Sources;
use serde_json::json;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result as IoResult};
use std::path::{Path, PathBuf};
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
    let other = options.with.as_ref().map(|with| (with, candidate(&texts, with)));
    let mut sets = vec![texts];
    if let Some((with, candidate)) = other {
        match candidate {
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
pub(super) fn candidate(own: &Texts, with: &Path) -> IoResult<Texts> {
    if !with.is_dir() {
        let mut texts = own.clone();
        texts.replace_rule(with)?;
        return Ok(texts);
    }
    let texts = Texts::read_folder(&folder_of_rules(with), "rules", "rhai")?.with_nouns_of(own);
    if texts.rules().next().is_none() && texts.too_large.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "no rule file (*.rhai) lies in there"));
    }
    Ok(texts)
}

/// Where the rules of a folder lie: in it, or in `rules` where it is a site.
pub(super) fn folder_of_rules(folder: &Path) -> PathBuf {
    let inner = folder.join("rules");
    if inner.is_dir() { inner } else { folder.to_owned() }
}

/// A whole file that is not longer than so many bytes.
pub(super) fn bounded(path: &Path, most: u64) -> IoResult<Vec<u8>> {
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
        let bar = Bar::new(output);
        let whole = source.moments().saturating_mul(sets.len());
        while bar.is_shown() && !runs.iter().all(|run| run.is_finished()) {
            thread::sleep(TOLD);
            let passed = done.iter().map(|done| done.load(Ordering::Relaxed)).sum();
            bar.show(output.say("moments", "moments"), passed, whole);
        }
        bar.clear();
        let join = |run: thread::ScopedJoinHandle<'_, _>| match run.join() {
            Ok(account) => account,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        runs.into_iter().map(join).collect()
    })
}
