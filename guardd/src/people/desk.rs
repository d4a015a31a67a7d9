//! The guard's own socket for people: who connects asks one question after another, each as one JSON text.

use crate::limits::{ANSWER_PATIENCE, QUESTIONS, TALK_PATIENCE, TALKS};
use crate::log::{self, Weight};
use ballast_host::link::people::{Answer, BYTES_MAX, Question, Refusal};
use ballast_host::link::socket::{Listener, Socket};
use ballast_host::users;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Thread;

/// Longest question, bytes: names are short.
const QUESTION_BYTES: usize = 64 * 1024;

/// A question on its way to the witness.
#[derive(Debug)]
pub struct Asked {
    /// The number of the user who asks.
    pub uid: u32,
    /// His name.
    pub user: String,
    /// What.
    pub question: Question,
    /// Where the answer goes.
    pub reply: SyncSender<Answer>,
}

/// The way for questions to the witness.
pub fn questions() -> (SyncSender<Asked>, Receiver<Asked>) {
    sync_channel(QUESTIONS)
}

/// Serves people until the process ends.
///
/// # Errors
/// The machine has no more threads.
pub fn serve(listener: Listener, to: SyncSender<Asked>, witness: Thread) -> io::Result<()> {
    let talks = Arc::new(AtomicUsize::new(0));
    std::thread::Builder::new().name("people".into()).spawn(move || {
        loop {
            match listener.accept() {
                Ok(socket) => take(socket, &talks, &to, &witness),
                Err(error) => {
                    log::line(Weight::Warning, &format!("nobody can ask the guard just now: {error}"));
                    std::thread::sleep(std::time::Duration::from_millis(200));
                }
            }
        }
    })?;
    Ok(())
}

/// Gives a talk a thread of its own, where one is free.
fn take(socket: Socket, talks: &Arc<AtomicUsize>, to: &SyncSender<Asked>, witness: &Thread) {
    if talks.fetch_add(1, Ordering::AcqRel) >= TALKS {
        talks.fetch_sub(1, Ordering::AcqRel);
        // Who is turned away sees that the connection ends.
        return;
    }
    let (own, to, witness) = (Arc::clone(talks), to.clone(), witness.clone());
    let started = std::thread::Builder::new().name("talk".into()).spawn(move || {
        // A broken talk concerns only its talker.
        let _ = talk(&socket, &to, &witness);
        own.fetch_sub(1, Ordering::AcqRel);
    });
    if started.is_err() {
        talks.fetch_sub(1, Ordering::AcqRel);
    }
}

fn talk(socket: &Socket, to: &SyncSender<Asked>, witness: &Thread) -> io::Result<()> {
    let uid = socket.peer()?.uid;
    socket.receive_within(Some(TALK_PATIENCE))?;
    socket.send_within(Some(TALK_PATIENCE))?;
    let mut buffer = vec![0; QUESTION_BYTES];
    loop {
        let length = socket.receive(&mut buffer)?;
        let Some(text) = buffer.get(..length).filter(|text| !text.is_empty()) else { return Ok(()) };
        let answer = match serde_json::from_slice(text) {
            Ok(question) => {
                ask(Asked { uid, user: users::name_of(uid), question, reply: sync_channel(1).0 }, to, witness)
            }
            Err(error) => Answer::Refused(Refusal::NotUnderstood { error: error.to_string() }),
        };
        let mut bytes = serde_json::to_vec(&answer)?;
        if bytes.len() > BYTES_MAX {
            let error = "the answer is too long".to_owned();
            bytes = serde_json::to_vec(&Answer::Refused(Refusal::NotUnderstood { error }))?;
        }
        for part in bytes.chunks(PART) {
            socket.send(part)?;
        }
        // An empty piece cannot be told from the end; a line end is no part of a JSON text of ours.
        socket.send(b"\n")?;
    }
}

/// Longest piece of an answer.
const PART: usize = 32 * 1024;

fn ask(mut asked: Asked, to: &SyncSender<Asked>, witness: &Thread) -> Answer {
    let (reply, answer) = sync_channel(1);
    asked.reply = reply;
    if to.try_send(asked).is_err() {
        return Answer::Refused(Refusal::Late);
    }
    witness.unpark();
    answer.recv_timeout(ANSWER_PATIENCE).unwrap_or(Answer::Refused(Refusal::Late))
}
