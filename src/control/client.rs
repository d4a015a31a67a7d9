//! Asks a running program.

use super::protocol::{Answer, Question, SOCKET};
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
}

/// Asks one question of the program whose state lies in `state`.
pub fn ask(state: &Path, question: &Question) -> Result<Answer, NoAnswer> {
    let path = state.join(SOCKET);
    let stream = UnixStream::connect(&path)
        .map_err(|error| NoAnswer::NotRunning(format!("{}: {error}", path.display())))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    (&stream).write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
