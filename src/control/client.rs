//! Asks a running program.
//!
//! One that is frozen takes a connection and says nothing. A long answer is waited for as long as the program answers
//! other questions meanwhile.

use super::protocol::{Answer, Call, Question, SOCKET};
use super::short_path::with_socket;
use crate::journal::{self, Journal, JournalError};
use crate::report::language::Language;
use ballast_host::process::{self, Process};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an answer may take: a reload runs the site's rule tests, which may take 5 s.
const PATIENCE: Duration = Duration::from_secs(60);
/// A program that says nothing for this long is looked at ...
const QUIET: Duration = Duration::from_secs(2);
/// ... and asked something else, which it must answer within this.
const PROBE: Duration = Duration::from_secs(3);
/// One that was started less long ago may still read its site, and answers once it runs.
const STARTING: Duration = Duration::from_secs(50);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody listens.
    #[error("no program runs on this site ({0}); start it with `ballast run`")]
    NotRunning(String),
    /// The control socket is not ours to open, so that nobody knows whether a program runs: where, and whose it is.
    #[error("{place}: permission denied")]
    NotAllowed {
        /// The socket.
        place: String,
        /// The user to whom it belongs, or the first folder above it that can be seen.
        owner: Option<u32>,
    },
    /// It listens and says nothing.
    #[error("the running program does not answer")]
    Silent(Option<Process>),
    /// The talk broke off: the program ended.
    #[error("the program ended before it answered: {0}")]
    Ended(#[from] io::Error),
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

impl NoAnswer {
    /// Whether there is nobody who could answer.
    pub fn is_nobody(&self) -> bool {
        matches!(self, Self::NotRunning(_) | Self::Silent(_) | Self::Ended(_))
    }
}

/// Asks one question of the program whose state lies in `state`.
///
/// # Errors
/// Nobody listens or answers, or the talk broke off.
pub fn ask(state: &Path, call: &Call) -> Result<Answer, NoAnswer> {
    talk(state, call).map(|(answer, ..)| answer)
}

/// Asks for the journal of the last half hour.
///
/// # Errors
/// Nobody listens or answers, the talk broke off, or what came is no journal.
pub fn journal(state: &Path) -> Result<Journal, NoAnswer> {
    let call = Call { language: Language::En, question: Question::Tape };
    let (answer, stream, process) = talk(state, &call)?;
    if !answer.ok {
        return Err(NoAnswer::Refused(answer.text));
    }
    let mut pieces = Pieces { stream, state, process, is_silent: false };
    let journal = journal::receive(&mut pieces, &state.join(SOCKET)).map_err(|error| match error {
        JournalError::Io { .. } if pieces.is_silent => NoAnswer::Silent(process),
        JournalError::Io { source, .. } => NoAnswer::Ended(source),
        // It came from no file: who sent it is gone.
        JournalError::HeaderCut { .. } => NoAnswer::Ended(ErrorKind::UnexpectedEof.into()),
        other => other.into(),
    })?;
    match &journal.cut {
        Some(cut) => Err(NoAnswer::Ended(io::Error::new(ErrorKind::UnexpectedEof, cut.to_string()))),
        None => Ok(journal),
    }
}

/// What follows an answer. It comes in pieces that take a while to be made; a program that stops in between is given up.
struct Pieces<'a> {
    stream: BufReader<UnixStream>,
    state: &'a Path,
    process: Option<Process>,
    is_silent: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let begun = Instant::now();
        loop {
            match self.stream.read(into) {
                Err(error) if is_late(&error) => {
                    if is_given_up(begun, self.process, self.state) {
                        self.is_silent = true;
                        return Err(error);
                    }
                }
                read => return read,
            }
        }
    }
}

/// Whether a program that has said nothing since then is waited for no longer.
fn is_given_up(begun: Instant, process: Option<Process>, state: &Path) -> bool {
    let seen = process.as_ref().map(Process::look);
    let is_starting = seen.is_some_and(|seen| seen.age.is_some_and(|age| age < STARTING));
    let is_stopped = seen.is_some_and(|seen| seen.is_stopped);
    begun.elapsed() > PATIENCE || is_stopped || !(is_starting || answers(state))
}

/// Asks, and gives what follows the answer.
fn talk(state: &Path, call: &Call) -> Result<(Answer, BufReader<UnixStream>, Option<Process>), NoAnswer> {
    let begun = Instant::now();
    let (stream, process) = open(state, call, QUIET)?;
    let mut stream = BufReader::new(stream);
    let mut answer = Vec::new();
    while let Err(error) = stream.read_until(b'\n', &mut answer) {
        if !is_late(&error) {
            return Err(error.into());
        }
        if is_given_up(begun, process, state) {
            return Err(NoAnswer::Silent(process));
        }
    }
    if answer.last() != Some(&b'\n') {
        return Err(NoAnswer::Ended(ErrorKind::UnexpectedEof.into()));
    }
    Ok((serde_json::from_slice(&answer)?, stream, process))
}

/// Connects and asks.
fn open(state: &Path, call: &Call, patience: Duration) -> Result<(UnixStream, Option<Process>), NoAnswer> {
    let path = state.join(SOCKET);
    let stream = with_socket(state, process::connect).map_err(|error| {
        // Nobody has taken up those who came before.
        match error.kind() {
            ErrorKind::WouldBlock => NoAnswer::Silent(None),
            ErrorKind::PermissionDenied => {
                NoAnswer::NotAllowed { place: path.display().to_string(), owner: owner_of(&path) }
            }
            _ => NoAnswer::NotRunning(format!("{}: {error}", path.display())),
        }
    })?;
    let process = Process::behind(&stream);
    let stream = UnixStream::from(stream);
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut line = serde_json::to_vec(call)?;
    line.push(b'\n');
    match (&stream).write_all(&line) {
        Err(error) if is_late(&error) => Err(NoAnswer::Silent(process)),
        written => Ok(written.map(|()| (stream, process))?),
    }
}

/// Whose a file is; where it cannot be seen, whose the first folder above it is that can.
fn owner_of(path: &Path) -> Option<u32> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find_map(|place| Some(std::fs::metadata(place).ok()?.uid()))
}

/// Whether the program answers a question that takes no time.
fn answers(state: &Path) -> bool {
    let call = Call { language: Language::En, question: Question::Mode { mode: None } };
    // Any word is an answer.
    open(state, &call, PROBE).is_ok_and(|(stream, _)| {
        let mut answer = Vec::new();
        BufReader::new(stream).read_until(b'\n', &mut answer).is_ok_and(|length| length > 0)
    })
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
