//! Listens for a person's commands.

use super::protocol::{Answer, Call, QUESTION_BYTES_MAX, SOCKET};
use super::short_path::with_socket;
use crate::journal::Frozen;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Talks at the same time; a further one waits.
const TALKS_MAX: usize = 16;
/// A talker that says nothing for this long is cut off.
const QUIET_MAX: Duration = Duration::from_secs(30);

/// A listening socket that removes itself.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Nothing can be done about a socket that is already gone.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens the socket in the state directory, only for the user that runs the program.
///
/// # Errors
/// When another program already answers there, or the directory cannot be written.
pub fn listen(state: &Path) -> std::io::Result<Listener> {
    let path = state.join(SOCKET);
    if with_socket(state, |path| std::os::unix::net::UnixStream::connect(path)).is_ok() {
        let message = format!("another program already runs on this site ({} answers)", path.display());
        return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, message));
    }
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = with_socket(state, |path| UnixListener::bind(path))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(Listener { socket, path })
}

/// Answers questions until it is dropped. `answer` gets the asker's name and the question.
pub async fn serve<F, A>(listener: Listener, answer: F)
where
    F: Fn(String, Call) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send,
{
    let answer = Arc::new(answer);
    let talks = Arc::new(Semaphore::new(TALKS_MAX));
    loop {
        let Ok(turn) = Arc::clone(&talks).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            // A broken talk concerns only its talker.
            let _ = talk(stream, answer.as_ref()).await;
            drop(turn);
        });
    }
}

async fn talk<F, A>(stream: UnixStream, answer: &F) -> std::io::Result<()>
where
    F: Fn(String, Call) -> A,
    A: Future<Output = Answer>,
{
    let who = ballast_host::users::name_of(stream.peer_cred()?.uid());
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read.take(QUESTION_BYTES_MAX)).lines();
    while let Ok(line) = tokio::time::timeout(QUIET_MAX, lines.next_line()).await {
        let Some(line) = line? else { return Ok(()) };
        let mut reply = match serde_json::from_str(&line) {
            Ok(Call { question, .. }) if question.lapses() && has_left(write.as_ref()) => return Ok(()),
            Ok(call) => answer(who.clone(), call).await,
            Err(error) => Answer::refused(format!("this is not a question: {error}")),
        };
        let mut bytes = serde_json::to_vec(&reply)?;
        bytes.push(b'\n');
        write.write_all(&bytes).await?;
        if let Some(journal) = reply.journal.take() {
            return send(*journal, &mut write).await;
        }
        lines.get_mut().get_mut().set_limit(QUESTION_BYTES_MAX);
    }
    Ok(())
}

/// Whether who asked has closed his end altogether. One who only says no more still listens.
fn has_left(stream: &UnixStream) -> bool {
    let mut look = [PollFd::new(stream, PollFlags::empty())];
    poll(&mut look, Some(&Timespec::default())).is_ok()
        && look.iter().any(|found| found.revents().contains(PollFlags::HUP))
}

/// Sends a journal, each piece made on a thread that may work for a while.
async fn send(journal: Frozen, write: &mut OwnedWriteHalf) -> std::io::Result<()> {
    let journal = Arc::new(journal);
    for index in 0.. {
        let whole = Arc::clone(&journal);
        let made = tokio::task::spawn_blocking(move || whole.piece(index)).await;
        let Some(piece) = made.map_err(std::io::Error::other)?? else { break };
        tokio::time::timeout(QUIET_MAX, write.write_all(&piece)).await??;
    }
    Ok(())
}
