//! Asks a guard that is a process of its own.

use ballast_host::link::PEOPLE;
use ballast_host::link::people::{Answer, BYTES_MAX, Question};
use ballast_host::link::socket::Socket;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

/// How long an answer may take; the guard itself gives up earlier.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks one question of the guard whose sockets lie in a directory.
///
/// # Errors
/// Nobody listens there, or the talk broke off.
pub fn ask(sockets: &Path, question: &Question) -> io::Result<Answer> {
    let socket = Socket::connect(&sockets.join(PEOPLE))?;
    socket.send_within(Some(PATIENCE))?;
    socket.receive_within(Some(PATIENCE))?;
    socket.send(&serde_json::to_vec(question)?)?;
    let mut text = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while text.last() != Some(&b'\n') {
        let length = socket.receive(&mut buffer)?;
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
