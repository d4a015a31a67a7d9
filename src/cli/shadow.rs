//! `ballast shadow`: other rules beside the running ones.

use super::Exit;
use super::arguments::{Shadow, ShadowAction, Site};
use super::backtest::{candidate, folder_of_rules};
use super::remote::{ask, exit_of, no_answer, print};
use super::terminal::Output;
use crate::control::client;
use crate::control::protocol::{Answer, Call, Question};
use crate::report::language::say;
use crate::site::{Texts, state_directory};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result as IoResult, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rules that are handed to a running program, bytes; a question of it holds no more.
const BYTES_MAX: usize = 512 * 1024;

/// Begins a candidate, says how it goes, promotes or drops it.
pub fn run(options: &Shadow, output: &Output) -> Exit {
    let site = &options.site;
    match &options.action {
        None => ask(site, Question::Shadow, output),
        Some(ShadowAction::Start { rules }) => start(site, rules, output),
        Some(ShadowAction::Promote { accept }) => promote(site, *accept, output),
        Some(ShadowAction::Drop) => ask(site, Question::ShadowDrop, output),
    }
}

fn start(site: &Site, path: &Path, output: &Output) -> Exit {
    let rules = match read(path) {
        Ok(rules) => rules,
        Err(error) => return output.refuse(Exit::Failed, &output.unreadable(path, &error)),
    };
    let (name, is_whole) = (path.display().to_string(), path.is_dir());
    let folder = folder_of(path).display().to_string();
    ask(site, Question::ShadowStart { name, folder, rules, is_whole }, output)
}

/// Where the files of a candidate lie.
fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() { folder_of_rules(path) } else { path.parent().map(PathBuf::from).unwrap_or_default() }
}

/// The rule files of a candidate.
fn read(path: &Path) -> IoResult<BTreeMap<String, String>> {
    let wrong = |text: String| Error::new(ErrorKind::InvalidData, text);
    let texts = candidate(&Texts::default(), path)?;
    let folder = folder_of(path);
    let shown = |name: &str| folder.join(name.trim_start_matches("rules/")).display().to_string();
    if let Some(name) = texts.too_large.keys().chain(texts.not_files.keys()).next() {
        return Err(wrong(format!("{} is too large, or no file", shown(name))));
    }
    if texts.rules().map(|(_, bytes)| bytes.len()).sum::<usize>() > BYTES_MAX {
        return Err(wrong(format!("its rules are longer than {BYTES_MAX} bytes")));
    }
    let text = |(name, bytes): (&str, &[u8])| match std::str::from_utf8(bytes) {
        Ok(text) => Ok((name.to_owned(), text.to_owned())),
        Err(error) => Err(wrong(format!("{} is no text: {error}", shown(name)))),
    };
    texts.rules().map(text).collect()
}

/// What a program says of the files of its candidate.
#[derive(Deserialize)]
struct Files {
    number: u64,
    files: BTreeMap<String, String>,
    before: String,
}

fn promote(site: &Site, accept: bool, output: &Output) -> Exit {
    let language = output.language_of_answers();
    let said = match talk(site, Question::ShadowTexts, output) {
        Ok(answer) if answer.ok => answer,
        Ok(refused) => return print(&refused, output),
        Err(exit) => return exit,
    };
    let Ok(Files { number, files, before }) = serde_json::from_value(said.data) else {
        return output.refuse(Exit::Failed, language.say("no files were told", "aucun fichier n'a été dit"));
    };
    let texts = match Texts::read(&site.site) {
        Ok(texts) => texts,
        Err(error) => return output.refuse(Exit::Failed, &output.unreadable(&site.site, &error)),
    };
    if texts.id().to_string() != before && !accept {
        let text = language.say(
            "the site's files are not those that ran when the candidate began: it was compared with other ones. Begin it \
             anew, or say --accept",
            "les fichiers du site ne sont pas ceux qui tournaient quand la candidate a commencé : elle a été comparée à \
             d'autres. Relancez-la, ou dites --accept",
        );
        return output.refuse(Exit::Failed, text);
    }
    let old: BTreeMap<String, Arc<[u8]>> =
        texts.files.into_iter().filter(|(name, _)| name.starts_with("rules/")).collect();
    let new = files.into_iter().map(|(name, text)| (name, Arc::from(text.into_bytes()))).collect();
    if let Err(error) = put(&site.site, &old, &new, true) {
        let back = put(&site.site, &new, &old, false);
        return output.refuse(Exit::Failed, &not_written(&error, back.err().as_ref(), output));
    }
    let answer = talk(site, Question::ShadowPromote { number, accept }, output);
    let is_taken = answer.as_ref().is_ok_and(|answer| answer.ok || waits(answer));
    if !is_taken && let Err(error) = put(&site.site, &new, &old, false) {
        output.refuse(Exit::Failed, &not_written(&error, Some(&error), output));
    }
    match answer {
        Ok(answer) => print(&answer, output),
        Err(exit) => exit,
    }
}

fn waits(answer: &Answer) -> bool {
    answer.data.get("waits").and_then(serde_json::Value::as_bool) == Some(true)
}

fn talk(site: &Site, question: Question, output: &Output) -> Result<Answer, Exit> {
    let language = output.language_of_answers();
    client::ask(&state_directory(&site.site, site.state.as_deref()), &Call { language, question })
        .map_err(|error| output.refuse(exit_of(&error), &no_answer(&error, language)))
}

fn not_written(error: &Error, back: Option<&Error>, output: &Output) -> String {
    let language = output.language_of_answers();
    if back.is_none() {
        return say!(
            language,
            "the rules of the site cannot be written ({error}); they are as they were",
            "les règles du site ne peuvent pas être écrites ({error}) ; elles sont comme avant"
        );
    }
    say!(
        language,
        "the rules of the site cannot be written ({error}), nor put back: the old ones lie beside them (NAME.rhai~)",
        "les règles du site ne peuvent pas être écrites ({error}), ni remises : les anciennes sont à côté (NOM.rhai~)"
    )
}

/// Puts files in the place of others, each at once; with `keeps`, the others are kept beside them.
fn put(
    site: &Path,
    old: &BTreeMap<String, Arc<[u8]>>,
    new: &BTreeMap<String, Arc<[u8]>>,
    keeps: bool,
) -> IoResult<()> {
    fs::create_dir_all(site.join("rules"))?;
    let changed = |name: &String| old.get(name) != new.get(name);
    for (name, text) in old.iter().filter(|(name, _)| keeps && changed(name)) {
        write(&beside(&site.join(name), "~"), text, Some(&site.join(name)))?;
    }
    for (name, text) in new.iter().filter(|(name, _)| changed(name)) {
        write(&site.join(name), text, Some(&site.join(name)))?;
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        match fs::remove_file(site.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    File::open(site.join("rules"))?.sync_all()
}

/// Writes a file at once, readable by those who may read `like`, where that is there.
fn write(path: &Path, text: &[u8], like: Option<&Path>) -> IoResult<()> {
    let new = beside(path, ".new");
    let mut file = File::create(&new)?;
    if let Some(about) = like.and_then(|like| fs::metadata(like).ok()) {
        file.set_permissions(about.permissions())?;
    }
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
