//! `ballast replay`: a journal again, every output compared bit for bit.

use super::Exit;
use super::arguments::Replay;
use super::terminal::{BAD, GOOD, LOOK, Output, styled};
use crate::journal::{self, Segment};
use crate::replay::Machines;
use crate::report::language::{Language, Noun, say};
use crate::runtime::saving::kind;
use serde_json::json;

/// What a replay found.
#[derive(Debug, Default)]
struct Outcome {
    segments: u64,
    steps: u64,
    /// The first difference.
    differs: Option<String>,
    /// Segments that could not be replayed, and why.
    left_out: Vec<String>,
}

/// Replays a journal.
pub fn run(options: &Replay, output: &Output) -> Exit {
    let journal = match journal::read(&options.journal) {
        Ok(journal) => journal,
        Err(error) => {
            let text = format!("{}: {error}", options.journal.display());
            return output.refuse(Exit::Failed, &text);
        }
    };
    let mut outcome = Outcome::default();
    for segment in &journal.segments {
        if let Err(why) = replay(segment, &mut outcome) {
            outcome.left_out.push(why);
        }
        if outcome.differs.is_some() {
            break;
        }
    }
    let cut = journal.cut.as_ref().map(ToString::to_string);
    let data = json!({
        "site": journal.header.site, "program": journal.header.program, "segments": outcome.segments,
        "steps": outcome.steps, "differs": outcome.differs, "left_out": outcome.left_out, "cut": cut,
    });
    let language = output.language;
    let counted = |count: u64, noun| language.counted(usize::try_from(count).unwrap_or(usize::MAX), noun);
    let mut text = format!(
        "{}{} {}, {}",
        journal.header.site,
        language.colon(),
        counted(outcome.segments, Noun::Segment),
        counted(outcome.steps, Noun::Step)
    );
    // Its records are read as this program would write them: what differs may be the program alone.
    let is_of_other = journal.header.program != env!("CARGO_PKG_VERSION");
    let is_in_doubt = outcome.differs.is_some() || !outcome.left_out.is_empty();
    let other = (is_of_other && is_in_doubt).then(|| other_program(&journal.header.program, language));
    for note in cut.iter().chain(&outcome.left_out).chain(&other) {
        text.push_str(&format!("\n{}", styled(LOOK, note)));
    }
    let exit = match &outcome.differs {
        Some(difference) => {
            text.push_str(&format!("\n{} {difference}", styled(BAD, language.say("differs:", "écart :"))));
            Exit::Diverged
        }
        None if outcome.segments == 0 => {
            text.push_str(&format!(
                "\n{}",
                styled(BAD, language.say("nothing could be replayed", "rien n'a pu être rejoué"))
            ));
            Exit::Failed
        }
        None => {
            text.push_str(&format!(
                ", {}",
                styled(GOOD, language.say("every output the same", "toutes les sorties identiques"))
            ));
            Exit::Done
        }
    };
    output.answer(&text, &data);
    exit
}

/// Another version of the program wrote the journal.
fn other_program(wrote: &str, language: Language) -> String {
    let reads = env!("CARGO_PKG_VERSION");
    say!(
        language,
        "it was written by Ballast {wrote}, and this is Ballast {reads}: replay it with the one that wrote it",
        "il a été écrit par Ballast {wrote}, et ceci est Ballast {reads} : rejouez-le avec celui qui l'a écrit"
    )
}

fn replay(segment: &Segment, outcome: &mut Outcome) -> Result<(), String> {
    let mut machines = Machines::restore(segment)?;
    outcome.segments += 1;
    for (number, record) in segment.records().enumerate() {
        if let Some(difference) = machines.take(&record)? {
            outcome.differs = Some(format!("record {number} of segment {}: {difference}", outcome.segments));
            return Ok(());
        }
        outcome.steps += u64::from(record.kind == kind::ENGINE || record.kind == kind::GUARD);
        if record.kind == kind::GUARD_OUT && machines.has_confirmed() {
            return Ok(());
        }
    }
    Ok(())
}
