//! Asks a running program.

use super::protocol::{Answer, Call, Question, SOCKET};
use super::short_path::with_socket;
use crate::journal::{self, Journal, JournalError};
use crate::report::language::Language;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take: a reload runs the site's rule tests, which may take 5 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody listens.
    #[error("no program runs on this site ({0}); start it with `ballast run`")]
    NotRunning(String),
    /// The talk broke off.
    #[error("the running program did not answer: {0}")]
    Broken(#[from] std::io::Error),
    /// The answer is not one.
    #[error("the running program answered in a form this one does not know: {0}")]
    Foreign(#[from] serde_json::Error),
    /// It will not.
    #[error("{0}")]
    Refused(String),
    /// The journal did not come whole.
    #[error("{0}")]
    Journal(#[from] JournalError),
}

/// Asks one question of the program whose state lies in `state`.
///
/// # Errors
/// Nobody listens, or the talk broke off.
pub fn ask(state: &Path, call: &Call) -> Result<Answer, NoAnswer> {
    talk(state, call).map(|(answer, _)| answer)
}

/// Asks for the journal of the last half hour.
///
/// # Errors
/// Nobody listens, the talk broke off, or what came is no journal.
pub fn journal(state: &Path) -> Result<Journal, NoAnswer> {
    let call = Call { language: Language::En, question: Question::Tape };
    let (answer, stream) = talk(state, &call)?;
    if !answer.ok {
        return Err(NoAnswer::Refused(answer.text));
    }
    let journal = journal::receive(stream, &state.join(SOCKET))?;
    match &journal.cut {
        Some(cut) => Err(NoAnswer::Refused(format!("the journal did not come whole: {cut}"))),
        None => Ok(journal),
    }
}

/// Asks, and gives what follows the answer.
fn talk(state: &Path, call: &Call) -> Result<(Answer, BufReader<UnixStream>), NoAnswer> {
    let path = state.join(SOCKET);
    let stream = with_socket(state, |path| UnixStream::connect(path))
        .map_err(|error| NoAnswer::NotRunning(format!("{}: {error}", path.display())))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(call)?;
    line.push(b'\n');
    (&stream).write_all(&line)?;
    let mut stream = BufReader::new(stream);
    let mut answer = String::new();
    stream.read_line(&mut answer)?;
    Ok((serde_json::from_str(&answer)?, stream))
}
