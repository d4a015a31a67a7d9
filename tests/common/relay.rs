//! Relays on the broker that obey, tell what they are, can be moved by a hand on their button, and have a timer of their own.
//!
//! Each is a process pair of mosquitto's own clients: an independent device as far as the program under test can tell.
//! Its timer is that of the documentation of Shelly: every command to close begins it anew (first generation: `auto_off` of
//! `/settings/relay/0`; second: `toggle_after` of `Switch.Set`), and at its end the device opens by itself.

use super::broker::{Broker, Stream};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a payload asks: whether it be closed, and its timer if the payload brings one.
pub type Asked = (bool, Option<Duration>);

/// How a relay is told and tells.
pub struct Manners {
    /// Where it listens.
    pub topic: String,
    /// Where it tells what it is.
    pub state_topic: String,
    /// What a payload asks of it.
    pub understands: fn(&str) -> Option<Asked>,
    /// The payload that says closed or open.
    pub says: fn(bool) -> String,
    /// Its own timer, set in the device.
    pub auto_off: Option<Duration>,
}

/// One thing that happened to a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was told to close.
    ToldClosed,
    /// It was told to open.
    ToldOpen,
    /// A hand moved it to closed, or to open.
    Hand(bool),
    /// Its own timer opened it.
    TimedOut,
}

/// What happened, each with its moment.
type Log = Vec<(Instant, What)>;

/// A relay on the broker.
pub struct Relay {
    listener: Child,
    hand: Sender<Message>,
    log: Arc<Mutex<Log>>,
    is_closed: Arc<Mutex<bool>>,
}

enum Message {
    Payload(String),
    Hand(bool),
}

impl Relay {
    /// Starts one, open, and waits until it listens. It tells what it is, as devices do when they connect.
    pub fn start(broker: &Broker, manners: Manners) -> Self {
        let program = super::tool("mosquitto_sub").expect("checked when the broker was started");
        let ready = format!("ballast-test/{}", manners.topic);
        let mut listener = Command::new(program)
            .args(["-h", "127.0.0.1", "-p", &broker.port.to_string(), "-q", "1"])
            .args(["-t", &manners.topic, "-t", &ready, "-F", "%t %p"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub runs");
        let lines = BufReader::new(listener.stdout.take().expect("piped")).lines();
        let (hand, messages) = channel();
        let (heard, topic) = (hand.clone(), manners.topic.clone());
        let (is_listening, listens) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let (from, payload) = line.split_once(' ').unwrap_or((&line, ""));
                let is_over = match from == topic {
                    true => heard.send(Message::Payload(payload.to_owned())).is_err(),
                    false => is_listening.send(()).is_err(),
                };
                if is_over && from == topic {
                    break;
                }
            }
        });
        super::wait_for("the relay to listen", Duration::from_secs(10), || {
            broker.publish(&ready, "1", &["-q", "1"]);
            listens.recv_timeout(Duration::from_millis(50)).ok()
        });
        let out = broker.stream(&manners.state_topic);
        let (log, is_closed) = (Arc::default(), Arc::default());
        let own =
            Body { manners, out, log: Arc::clone(&log), is_closed: Arc::clone(&is_closed), off_at: None };
        std::thread::spawn(move || own.live(&messages));
        Self { listener, hand, log, is_closed }
    }

    /// A hand on its button.
    pub fn press(&self, closed: bool) {
        self.hand.send(Message::Hand(closed)).expect("it lives as long as the test");
    }

    /// Everything that happened to it, with the moment.
    pub fn log(&self) -> Log {
        self.log.lock().expect("no holder panics").clone()
    }

    /// How often this happened.
    pub fn count(&self, what: What) -> usize {
        self.log().iter().filter(|(_, happened)| *happened == what).count()
    }

    /// Waits until this has happened so often; the moment of the last one.
    pub fn wait(&self, what: What, count: usize, patience: Duration) -> Instant {
        super::wait_for(&format!("{what:?} {count} times; {:?}", self.log()), patience, || {
            let log = self.log();
            let mut of = log.iter().filter(|(_, happened)| *happened == what);
            of.nth(count - 1).map(|(at, _)| *at)
        })
    }

    /// What it is.
    pub fn is_closed(&self) -> bool {
        *self.is_closed.lock().expect("no holder panics")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.listener.kill();
        let _ = self.listener.wait();
    }
}

/// What runs inside the device.
struct Body {
    manners: Manners,
    out: Stream,
    log: Arc<Mutex<Log>>,
    is_closed: Arc<Mutex<bool>>,
    off_at: Option<Instant>,
}

impl Body {
    fn live(mut self, messages: &Receiver<Message>) {
        self.say();
        loop {
            let wait = self
                .off_at
                .map_or(Duration::from_secs(3600), |at| at.saturating_duration_since(Instant::now()));
            match messages.recv_timeout(wait) {
                Ok(Message::Payload(payload)) => {
                    if let Some((closed, timer)) = (self.manners.understands)(&payload) {
                        self.becomes(closed, if closed { What::ToldClosed } else { What::ToldOpen }, timer);
                    }
                }
                Ok(Message::Hand(closed)) => self.becomes(closed, What::Hand(closed), None),
                Err(RecvTimeoutError::Timeout) if self.off_at.is_some() => {
                    self.becomes(false, What::TimedOut, None)
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn becomes(&mut self, closed: bool, what: What, timer: Option<Duration>) {
        *self.is_closed.lock().expect("no holder panics") = closed;
        self.log.lock().expect("no holder panics").push((Instant::now(), what));
        let timer = timer.or(self.manners.auto_off).filter(|_| closed);
        self.off_at = timer.map(|timer| Instant::now() + timer);
        self.say();
    }

    fn say(&mut self) {
        let is_closed = *self.is_closed.lock().expect("no holder panics");
        self.out.send(&(self.manners.says)(is_closed));
    }
}
