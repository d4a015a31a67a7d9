//! With which set a program begins: the one on the disk or the one that ran last, and with which safety.
//!
//! A start comes back with the rules and the safety that were in force, or stricter, and says where that is not what lies on
//! the disk. What lies there and loosens comes in as by a reload, once the program runs.

use super::beneath;
use super::carrier::{FilesRefused, PROBATION};
use super::state::{RunningSet, Trial};
use super::trial;
use crate::cli::terminal::{BAD, Output, styled, width_of_errors};
use crate::report::reload_words;
use crate::site::{Built, SetId, Texts, build, emptied};
use ballast_host::link::mirror::NounSet;
use ballast_host::nouns::Given;
use serde_json::Value;
use std::collections::BTreeSet;

/// What to begin with.
pub struct Choice {
    /// The set.
    pub built: Built,
    /// Its texts.
    pub texts: Texts,
    /// The nouns below it, while a person has not confirmed what it loosens.
    pub beneath: Vec<NounSet>,
    /// The files on disk are another set that must come in as a reload does.
    pub reload: bool,
    /// What the set still has to stand.
    pub trial: Option<Trial>,
    /// Why the files on disk are not what runs.
    pub refused: Option<FilesRefused>,
    /// Why the safety set that was in force cannot be put in force again.
    pub lost: Option<String>,
}

impl Choice {
    /// A set of which nothing else is to be said.
    fn of(built: Built, texts: Texts) -> Self {
        Self { built, texts, beneath: Vec::new(), reload: false, trial: None, refused: None, lost: None }
    }
}

/// The set that ran last.
struct Last {
    built: Built,
    texts: Texts,
    beneath: Vec<NounSet>,
    trial: Option<Trial>,
}

impl Last {
    fn choose(self, refused: Option<FilesRefused>) -> Choice {
        let waits = || (!self.beneath.is_empty()).then_some(FilesRefused::Waits);
        let refused = refused.or_else(waits);
        let Self { built, texts, beneath, trial } = self;
        Choice { beneath, trial, refused, ..Choice::of(built, texts) }
    }
}

/// The set to begin with, given the files on the disk and what the last run left of its own; or what is wrong, for programs,
/// where neither the files nor their nouns alone can run.
pub fn choose(
    texts: Texts,
    set: Option<RunningSet>,
    given: Given<'_>,
    output: &Output,
) -> Result<Choice, Value> {
    let set = set.filter(|set| !set.texts.files.is_empty());
    let Some(set) = set else { return without_last(texts, false, given, output) };
    let did_harm = does_harm(&set.refused, &set.texts, &texts);
    let is_same = set.texts.id() == texts.id();
    let last = match last(set, given) {
        Ok(last) => last,
        Err(report) => {
            if !is_same {
                output.complain(report.trim_end());
            }
            let why = output.say(
                "this program cannot read the set that ran last",
                "ce programme ne sait pas lire le jeu qui tournait en dernier",
            );
            let choice = without_last(texts, did_harm, given, output)?;
            return Ok(Choice { lost: Some(why.to_owned()), ..choice });
        }
    };
    if is_same {
        return Ok(last.choose(None));
    }
    if did_harm {
        output.complain(&styled(BAD, &reload_words::last_good_run(&texts.id().to_string(), output.language)));
        return Ok(last.choose(Some(FilesRefused::Harm)));
    }
    match build(&texts, given) {
        Ok(built) => Ok(beside(last, built, texts, output)),
        Err(refused) => {
            output.complain(&refused.drawing.coloured(width_of_errors()));
            let has_rules = last.texts.rules().next().is_some();
            output.complain(&styled(BAD, reload_words::not_loaded(has_rules, output.language)));
            let refused = if has_rules { FilesRefused::Mistakes } else { FilesRefused::NoRules };
            Ok(last.choose(Some(refused)))
        }
    }
}

/// Whether the files did harm before and are not what a person made run all the same.
fn does_harm(refused: &BTreeSet<SetId>, last: &Texts, texts: &Texts) -> bool {
    let id = texts.id();
    refused.contains(&id) && last.id() != id
}

/// Reads the set that ran last, with what lies below it.
fn last(set: RunningSet, given: Given<'_>) -> Result<Last, String> {
    let RunningSet { texts, beneath, trial, .. } = set;
    let built = build(&texts, given).map_err(|refused| refused.drawing.coloured(width_of_errors()))?;
    Ok(Last { built, texts, beneath: beneath::read(&beneath, given.overrides)?, trial })
}

/// Files that changed while nothing ran: they run at once where only rules did, on trial as after a reload.
fn beside(last: Last, built: Built, texts: Texts, output: &Output) -> Choice {
    if let Some(emptied) = emptied(&last.built.running, &built.running, &texts) {
        output.complain(&styled(BAD, &reload_words::emptied(&emptied, output.language)));
        return last.choose(Some(FilesRefused::Emptied));
    }
    if last.built.running.safety.fingerprint != built.running.safety.fingerprint {
        return Choice { reload: true, ..last.choose(Some(FilesRefused::Waits)) };
    }
    let changed = trial::changed_rules(&last.built.running.plan, &built);
    let last_good = last.trial.clone().map_or_else(|| last.texts.clone(), |trial| trial.last_good);
    let trial = Some(Trial { last_good, changed, left: PROBATION });
    Choice { built, texts, trial, ..last.choose(None) }
}

/// The files, or their nouns alone: with them the outputs can at least be held at their defaults.
fn without_last(texts: Texts, did_harm: bool, given: Given<'_>, output: &Output) -> Result<Choice, Value> {
    let mut found = None;
    if !did_harm {
        match build(&texts, given) {
            Ok(built) => return Ok(Choice::of(built, texts)),
            Err(refused) => {
                output.complain(&refused.drawing.coloured(width_of_errors()));
                found = Some(refused.data);
            }
        }
    }
    let mut bare = texts;
    bare.files.retain(|name, _| !name.starts_with("rules/"));
    let built = build(&bare, given).map_err(|refused| found.unwrap_or(refused.data))?;
    output.complain(&styled(BAD, reload_words::not_loaded(false, output.language)));
    Ok(Choice { refused: Some(FilesRefused::NoRules), ..Choice::of(built, bare) })
}
