//! `ballast test --record`: a piece of a journal becomes a test, which passes as it is written with the rules that ran then.
//!
//! | module | holds |
//! |---|---|
//! | [`observe`] | what the piece holds: readings, outputs, rules, alarms |
//! | [`moments`] | where the test looks, and what it expects there |
//! | [`mod@write`] | the test file, and the table of its readings where they are many |
//!
//! What was written is run at once. What a test cannot bring about again, since it began before the piece or came of a
//! person's word, is not expected, and the file says so.

pub mod moments;
pub mod observe;
pub mod write;

use super::file::{self, Test};
use super::look::Expected;
use super::table::Folder;
use super::trial;
use crate::report::language::Language;
use crate::site::Texts;
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_config::render::{self, Style};
use ballast_config::sources::Sources;
use ballast_model::Span;
use moments::Moment;
use observe::Observed;
use std::path::Path;
use write::Readings;

/// Readings of a point come so often where they are written behind it, the first that does.
const GRIDS: [Span; 3] = [Span::from_secs(10), Span::from_secs(5), Span::from_secs(1)];
/// A test is run again so often at most, each time without what it did not bring about.
const RUNS_MAX: usize = 6;

/// A recorded test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The test file.
    pub text: String,
    /// The table of its readings, where it has one.
    pub table: Option<String>,
    /// What is expected.
    pub expected: usize,
    /// What was so and is not expected, since a test does not bring it about.
    pub dropped: usize,
}

/// Makes the test of what was observed; `name` is that of its file, without its ending.
///
/// # Errors
/// A sentence: nothing of it comes about again, or the site cannot be built.
pub fn record(observed: &Observed, name: &str, site: &Path) -> Result<Recorded, String> {
    let mut best: Option<Recorded> = None;
    for every in GRIDS {
        let Some(readings) = Readings::in_words(observed, every) else { continue };
        let Ok(recorded) = settle(observed, &readings, name, site) else { continue };
        if recorded.dropped == 0 {
            return Ok(recorded);
        }
        if best.as_ref().is_none_or(|best| recorded.dropped < best.dropped) {
            best = Some(recorded);
        }
    }
    let recorded = settle(observed, &Readings::in_a_table(observed, name)?, name, site)?;
    let recorded = best.filter(|best| best.dropped <= recorded.dropped).unwrap_or(recorded);
    if recorded.expected == 0 {
        return Err("nothing of what was then comes about again in a test".to_owned());
    }
    Ok(recorded)
}

/// Runs the test, and takes out what it does not bring about, until it passes.
fn settle(observed: &Observed, readings: &Readings, name: &str, site: &Path) -> Result<Recorded, String> {
    let mut moments = moments::of(observed);
    for _ in 0..RUNS_MAX {
        let text = write::file(observed, readings, &moments);
        let expected = moments.iter().map(Moment::expected).sum();
        let dropped = moments.iter().map(|moment| moment.dropped.len()).sum();
        if expected == 0 {
            return Ok(Recorded { text, table: None, expected, dropped });
        }
        let folder = Folder::of(site).with(readings.table.as_ref());
        let test = read(&text, name, &folder, &observed.texts)?;
        let outcome = trial::run(&test, &observed.texts, Language::En).map_err(|refused| refused.text)?;
        if outcome.differences.is_empty() {
            let table = readings.table.as_ref().map(|(_, text)| text.clone());
            return Ok(Recorded { text, table, expected, dropped });
        }
        for difference in &outcome.differences {
            drop_at(difference.place, &test, &mut moments);
        }
    }
    Err("the recorded test does not settle: every run differs from the one before".to_owned())
}

fn read(text: &str, name: &str, folder: &Folder, texts: &Texts) -> Result<Test, String> {
    let built = crate::site::build_unopened(texts).map_err(|refused| refused.text)?;
    let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
    let name = format!("tests/{name}.yaml");
    let tests = file::read((&name, text.as_bytes()), folder, &built.running, &mut sources, &mut found);
    match tests.into_iter().next() {
        Some(test) if !found.has_mistakes() => Ok(test),
        _ => Err(render::render(&found, &sources, Style::Plain)),
    }
}

/// Takes out what is expected at a place of the file.
fn drop_at(place: Place, test: &Test, moments: &mut [Moment]) {
    for (look, moment) in test.looks.iter().zip(moments) {
        if let Some((_, expected)) = look.expected.iter().find(|(at, _)| *at == place) {
            match expected {
                Expected::State(output, _) => moment.drop_output(*output),
                Expected::Rule(rule, _) => moment.drop_rule(*rule),
                Expected::Alarm(text) => moment.drop_alarm(text),
                Expected::NoAlarm => moment.drop_alarms(),
                Expected::Because(..) | Expected::Reads(..) | Expected::Told(_) => {}
            }
        }
    }
}
