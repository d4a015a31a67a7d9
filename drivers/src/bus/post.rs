//! Messages for others, which a bus to a broker carries beside the commands of its outputs.
//!
//! A letter never goes before a command: it is taken only when no permit waits and everything before it has left, and
//! only a few letters are at the broker unconfirmed, so that a slow broker slows the letters and not the commands. A letter
//! belongs to one connection and dies with it: what was true before a break is never told after it. Here nothing decides what
//! may be told; who writes letters must have been let by the site's owner.

use crate::counters::BusCounters;
use crate::limits::{LETTERS_MAX, LETTERS_UNCONFIRMED_MAX};
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// A message for others.
#[derive(Debug)]
pub struct Letter {
    /// Where to.
    pub topic: Bytes,
    /// What.
    pub payload: Bytes,
    /// Whether the broker keeps it. An empty one that is kept takes back the one before.
    pub is_kept: bool,
    /// Told when the broker has confirmed it; dropped untold when it is lost.
    pub receipt: Option<oneshot::Sender<()>>,
    /// When it must have left: later, what it says counts as lost.
    pub until: Option<Instant>,
}

/// What the bus listens for on behalf of those who write letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ears {
    /// Topics and what is said there when somebody asks to be told everything anew.
    pub calls: BTreeSet<(Box<str>, Box<str>)>,
    /// Filters, in which `+` stands for one level, of messages that look like commands: they are counted and change nothing.
    pub refused: BTreeSet<Box<str>>,
}

impl Ears {
    /// Every filter to subscribe to.
    pub(super) fn filters(&self) -> BTreeSet<&str> {
        self.calls
            .iter()
            .map(|(topic, _)| &**topic)
            .chain(self.refused.iter().map(|filter| &**filter))
            .collect()
    }
}

/// What is known of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Office {
    /// Counts the connections of this bus.
    pub connection: u64,
    /// Whether there is one now.
    pub is_open: bool,
    /// Counts how often somebody asked to be told everything anew.
    pub calls: u64,
}

/// The way to a bus for those who write letters.
#[derive(Clone, Debug)]
pub struct Post {
    parcels: mpsc::Sender<(u64, Parcel)>,
    office: watch::Receiver<Office>,
    status: Option<Box<str>>,
}

/// The bus has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bus has ended")]
pub struct Ended;

impl Post {
    /// Where the broker keeps whether the bus is there; `None` where it keeps nothing.
    pub fn status_topic(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// What is known of the connection, to wait for changes.
    pub fn office(&self) -> watch::Receiver<Office> {
        self.office.clone()
    }

    /// Hands over a letter for this connection; waits while too many are waiting. One for another connection is thrown away.
    ///
    /// # Errors
    /// The bus has ended.
    pub async fn send(&self, connection: u64, letter: Letter) -> Result<(), Ended> {
        self.parcels.send((connection, Parcel::Letter(letter))).await.map_err(|_| Ended)
    }

    /// Listens for these from now on and for nothing else; once for each connection.
    ///
    /// # Errors
    /// The bus has ended.
    pub async fn listen(&self, connection: u64, ears: Ears) -> Result<(), Ended> {
        self.parcels.send((connection, Parcel::Listen(ears))).await.map_err(|_| Ended)
    }
}

/// What comes from those who write letters.
#[derive(Debug)]
pub(super) enum Parcel {
    Letter(Letter),
    Listen(Ears),
}

/// The bus's end of it.
pub(super) struct Desk {
    parcels: mpsc::Receiver<(u64, Parcel)>,
    office: watch::Sender<Office>,
    is_used: bool,
    ears: Ears,
    under_way: VecDeque<UnderWay>,
}

/// A letter that the broker is to confirm.
struct UnderWay {
    id: u16,
    until: Instant,
    receipt: Option<oneshot::Sender<()>>,
}

/// Both ends.
pub(super) fn post(status: Option<&str>) -> (Post, Desk) {
    let (sender, parcels) = mpsc::channel(LETTERS_MAX);
    let (told, office) = watch::channel(Office::default());
    let desk =
        Desk { parcels, office: told, is_used: true, ears: Ears::default(), under_way: VecDeque::new() };
    (Post { parcels: sender, office, status: status.map(Box::from) }, desk)
}

impl Desk {
    /// A connection was made.
    pub(super) fn open(&mut self) {
        self.office.send_modify(|office| {
            office.connection += 1;
            office.is_open = true;
        });
    }

    /// It is gone, and what was under way with it.
    pub(super) fn close(&mut self, counters: &BusCounters) {
        counters.letters_lost.add(self.under_way.len() as u64);
        self.under_way.clear();
        self.ears = Ears::default();
        self.office.send_modify(|office| office.is_open = false);
    }

    /// Whether one more may go to the broker.
    pub(super) fn has_room(&self) -> bool {
        self.is_used && self.under_way.len() < LETTERS_UNCONFIRMED_MAX
    }

    /// The next parcel for this connection. Never comes when nobody writes any more.
    pub(super) async fn next(&mut self) -> Parcel {
        loop {
            match self.parcels.recv().await {
                Some((connection, parcel)) if connection == self.office.borrow().connection => return parcel,
                Some(_) => {}
                None => {
                    self.is_used = false;
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// A letter left under this id.
    pub(super) fn sent(&mut self, id: u16, until: Instant, receipt: Option<oneshot::Sender<()>>) {
        self.under_way.push_back(UnderWay { id, until, receipt });
    }

    /// The broker confirmed a message; whether it was a letter.
    pub(super) fn confirmed(&mut self, id: u16) -> bool {
        let place = self.under_way.iter().position(|letter| letter.id == id);
        let Some(letter) = place.and_then(|place| self.under_way.remove(place)) else { return false };
        if let Some(receipt) = letter.receipt {
            // Who does not wait for it does not want to know.
            let _ = receipt.send(());
        }
        true
    }

    /// Whether a letter is under way under this id.
    pub(super) fn uses(&self, id: u16) -> bool {
        self.under_way.iter().any(|letter| letter.id == id)
    }

    /// Gives up letters that the broker did not confirm in time: they must not keep the others waiting.
    pub(super) fn give_up(&mut self, now: Instant, counters: &BusCounters) {
        while self.under_way.front().is_some_and(|letter| now >= letter.until) {
            self.under_way.pop_front();
            counters.letters_lost.add(1);
        }
    }

    /// Listens for something else; gives the filters to subscribe to and those to leave.
    pub(super) fn listen(&mut self, ears: Ears) -> (Vec<String>, Vec<String>) {
        let old = std::mem::replace(&mut self.ears, ears);
        let (old, new) = (old.filters(), self.ears.filters());
        let owned = |filters: Vec<&&str>| filters.into_iter().map(|filter| (*filter).to_owned()).collect();
        (owned(new.difference(&old).collect()), owned(old.difference(&new).collect()))
    }

    /// A message came in; whether it was meant for those who write letters. A call that the broker kept is none.
    pub(super) fn hear(
        &self,
        topic: &[u8],
        payload: &[u8],
        is_kept: bool,
        counters: &Arc<BusCounters>,
    ) -> bool {
        let Ears { calls, refused } = &self.ears;
        if calls.is_empty() && refused.is_empty() {
            return false;
        }
        let mut of_topic = calls.iter().filter(|(called, _)| called.as_bytes() == topic).peekable();
        let is_known = of_topic.peek().is_some();
        if !is_kept && of_topic.any(|(_, word)| word.as_bytes() == payload.trim_ascii()) {
            self.office.send_modify(|office| office.calls += 1);
        }
        let is_refused = refused.iter().any(|filter| matches(filter.as_bytes(), topic));
        counters.commands_ignored.add(u64::from(is_refused));
        is_known || is_refused
    }
}

/// Whether a topic fits a filter in which `+` stands for one level.
fn matches(filter: &[u8], topic: &[u8]) -> bool {
    let is_slash = |byte: &u8| *byte == b'/';
    let mut levels = topic.split(is_slash);
    filter.split(is_slash).all(|wanted| levels.next().is_some_and(|level| wanted == b"+" || wanted == level))
        && levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stand_for_whole_topics() {
        assert!(matches(b"ballast/+/x/set", b"ballast/home/x/set"));
        for topic in ["ballast/home/x", "ballast/home/x/set/y", "ballast/home/y/set", "ballast//x/sets"] {
            assert!(!matches(b"ballast/+/x/set", topic.as_bytes()), "{topic}");
        }
    }

    #[test]
    fn a_call_is_heard_and_a_kept_one_is_not_and_commands_are_counted() {
        let (post, mut desk) = post(None);
        let counters = Arc::new(BusCounters::default());
        assert!(!desk.hear(b"ha/status", b"online", false, &counters), "nobody listens");
        let ears = Ears {
            calls: BTreeSet::from([("ha/status".into(), "online".into())]),
            refused: BTreeSet::from(["b/+/set".into()]),
        };
        let (add, leave) = desk.listen(ears.clone());
        assert_eq!((add, leave), (vec!["b/+/set".to_owned(), "ha/status".to_owned()], vec![]));
        assert_eq!(desk.listen(ears), (vec![], vec![]));
        let calls = || post.office().borrow().calls;
        assert!(desk.hear(b"ha/status", b"online", true, &counters) && calls() == 0);
        assert!(desk.hear(b"ha/status", b"offline", false, &counters) && calls() == 0);
        assert!(desk.hear(b"ha/status", b"online", false, &counters) && calls() == 1);
        assert!(desk.hear(b"b/heater/set", b"ON", false, &counters));
        assert!(!desk.hear(b"b/heater", b"ON", false, &counters));
        assert_eq!(counters.snapshot().commands_ignored, 1);
        let (add, leave) = desk.listen(Ears::default());
        assert_eq!((add.len(), leave.len()), (0, 2));
    }

    #[test]
    fn letters_of_another_connection_are_thrown_away_and_few_are_unconfirmed() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (post, mut desk) = post(Some("b/status"));
            let counters = BusCounters::default();
            let letter = |topic: &'static str| Letter {
                topic: Bytes::from_static(topic.as_bytes()),
                payload: Bytes::new(),
                is_kept: false,
                receipt: None,
                until: None,
            };
            desk.open();
            post.send(1, letter("old")).await.unwrap();
            desk.close(&counters);
            desk.open();
            post.send(2, letter("new")).await.unwrap();
            let Parcel::Letter(first) = desk.next().await else { panic!("a letter") };
            assert_eq!(&*first.topic, b"new");
            let until = Instant::now();
            for id in 1..=LETTERS_UNCONFIRMED_MAX as u16 {
                assert!(desk.has_room());
                desk.sent(id, until, None);
            }
            assert!(!desk.has_room() && desk.uses(1));
            assert!(desk.confirmed(1) && !desk.confirmed(1) && desk.has_room());
            desk.give_up(until, &counters);
            assert_eq!(counters.snapshot().letters_lost, LETTERS_UNCONFIRMED_MAX as u64 - 1);
            assert!(!desk.uses(2));
        });
    }
}
