//! The guard's own socket for people: who connects asks one question after another, each as one JSON text.

use crate::limits::{ANSWER_PATIENCE, QUESTIONS, TALK_PATIENCE, TALKS, TALKS_OF_ONE};
use crate::log::{self, Weight};
use ballast_host::link::people::{Answer, BYTES_MAX, Question, Refusal};
use ballast_host::link::socket::{Listener, Socket};
use ballast_host::users;
use ballast_words::process;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
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
    let talks = Arc::new(Talks::default());
    std::thread::Builder::new().name("people".into()).spawn(move || {
        loop {
            match listener.accept() {
                Ok(socket) => take(socket, &talks, &to, &witness),
                Err(error) => {
                    let error = error.to_string();
                    log::tell(Weight::Warning, |language| process::nobody_connects(false, &error, language));
                    std::thread::sleep(std::time::Duration::from_millis(200));
                }
            }
        }
    })?;
    Ok(())
}

/// Who talks just now.
#[derive(Default)]
struct Talks(Mutex<Vec<u32>>);

impl Talks {
    /// Whether there is room for one more of this user; it is taken then.
    fn begin(&self, uid: u32) -> bool {
        let mut talking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = talking.iter().filter(|other| **other == uid).count();
        let has_room = talking.len() < TALKS && (uid == 0 || of_one < TALKS_OF_ONE);
        if has_room {
            talking.push(uid);
        }
        has_room
    }

    fn end(&self, uid: u32) {
        let mut talking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = talking.iter().position(|other| *other == uid) {
            talking.swap_remove(place);
        }
    }
}

/// Gives a talk a thread of its own, where one is free. Who is turned away sees that the connection ends.
fn take(socket: Socket, talks: &Arc<Talks>, to: &SyncSender<Asked>, witness: &Thread) {
    let Ok(peer) = socket.peer() else { return };
    if !talks.begin(peer.uid) {
        return;
    }
    let (own, to, witness) = (Arc::clone(talks), to.clone(), witness.clone());
    let started = std::thread::Builder::new().name("talk".into()).spawn(move || {
        // A broken talk concerns only its talker.
        let _ = talk(&socket, peer.uid, &to, &witness);
        own.end(peer.uid);
    });
    if started.is_err() {
        talks.end(peer.uid);
    }
}

fn talk(socket: &Socket, uid: u32, to: &SyncSender<Asked>, witness: &Thread) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_cannot_keep_out_the_others() {
        let talks = Talks::default();
        assert_eq!((0..10).filter(|_| talks.begin(1000)).count(), TALKS_OF_ONE);
        assert!(talks.begin(1001), "another one is heard");
        assert_eq!(
            (0..10).filter(|_| talks.begin(0)).count(),
            TALKS - TALKS_OF_ONE - 1,
            "root as long as there is room"
        );
        assert!(!talks.begin(1002));
        talks.end(1000);
        assert!(talks.begin(1000));
    }
}
