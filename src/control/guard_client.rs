//! Asks a guard that is a process of its own.

use ballast_host::link::PEOPLE;
use ballast_host::link::people::{Answer, BYTES_MAX, Question};
use ballast_host::link::socket::Socket;
use ballast_host::process::Process;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an answer may take; the guard itself gives up earlier.
const PATIENCE: Duration = Duration::from_secs(20);

/// A guard that says nothing for this long is looked at.
const QUIET: Duration = Duration::from_secs(2);

/// What is said where it was late.
fn silent(error: io::Error, process: Option<Process>) -> io::Error {
    if error.kind() != ErrorKind::WouldBlock {
        return error;
    }
    io::Error::new(ErrorKind::TimedOut, Late(process))
}

/// A guard that listens and says nothing.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it does not answer")]
pub struct Late(pub Option<Process>);

/// Asks one question of the guard whose sockets lie in a directory.
///
/// # Errors
/// Nobody listens there, or the talk broke off.
pub fn ask(sockets: &Path, question: &Question) -> io::Result<Answer> {
    let begun = Instant::now();
    let socket = Socket::connect_within(&sockets.join(PEOPLE), QUIET).map_err(|error| silent(error, None))?;
    let process = socket.peer().ok().map(|peer| Process(peer.pid));
    socket.receive_within(Some(QUIET))?;
    socket.send(&serde_json::to_vec(question)?).map_err(|error| silent(error, process))?;
    let mut text = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while text.last() != Some(&b'\n') {
        let length = match socket.receive(&mut buffer) {
            Ok(length) => length,
            // It works on the answer.
            Err(error)
                if error.kind() == ErrorKind::WouldBlock
                    && begun.elapsed() < PATIENCE
                    && !process.is_some_and(|process| process.look().is_stopped) =>
            {
                continue;
            }
            Err(error) => return Err(silent(error, process)),
        };
        if length == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        text.extend_from_slice(buffer.get(..length).unwrap_or_default());
        if text.len() > BYTES_MAX + 1 {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    Ok(serde_json::from_slice(&text)?)
}
