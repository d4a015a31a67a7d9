//! The tasks that tell receivers what they may know: one for each bus that carries letters.
//!
//! They ask the decision thread once a second, in small pieces, and write letters at a bounded pace; a broker that takes
//! them slowly slows them and nobody else. They never read a value but through a gate, and what they hear changes nothing:
//! a call only has everything told anew.

use super::announced::Announced;
use super::gate::Gate;
use super::home_assistant::{self, SiteNames};
use super::inquiry::{Fact, Inquiry, SUBJECTS_MAX};
use super::ledger::{Ledger, Worth};
use super::term::Standing;
use crate::runtime::message::Message;
use crate::site::Running;
use ballast_drivers::{Ears, Ended, Letter, Office, Post};
use ballast_host::Clock;
use ballast_model::{Mono, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

/// Letters of one bus in a second; further ones wait, and the values in them are then the newest ones.
pub const LETTERS_PER_SECOND: usize = 200;
/// How often what is so is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Everything is told anew at most this often, however often somebody calls.
const CALL_PAUSE: Duration = Duration::from_secs(5);
/// After an announcement every value is told again so much later, for a receiver that was not ready for the first one.
static AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];
/// The decision thread answers within this time, or the question is dropped and asked again later.
const PATIENCE: Duration = Duration::from_secs(5);
/// A value that did not leave within this time is not told as if it were one of now.
const FACTS_AGE_MAX: Duration = Duration::from_secs(3);
/// Letters of which the receipts are waited for together.
const RECEIPTS_MAX: usize = 32;

/// What every task has.
#[derive(Clone)]
pub struct Means {
    /// The way to the decision thread.
    pub sender: SyncSender<Message>,
    /// Time.
    pub clock: Arc<Clock>,
    /// What brokers keep of us.
    pub announced: Arc<Announced>,
}

/// The tasks of one set of files. Dropping them ends them; what was announced stays announced.
#[derive(Debug)]
pub struct Correspondence(JoinHandle<()>);

impl Drop for Correspondence {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Tells everything that the site says to its receivers, and takes back what earlier files had announced.
pub fn begin(
    running: &Running,
    posts: BTreeMap<Box<str>, Post>,
    means: Means,
    runtime: &tokio::runtime::Handle,
) -> Correspondence {
    let catalog = &running.plan.catalog;
    let names = SiteNames { site: catalog.site.to_string(), label: running.site.label.clone() };
    let mut gates: BTreeMap<Box<str>, Vec<Gate>> = BTreeMap::new();
    for receiver in &running.site.receivers {
        gates.entry(receiver.bus.clone()).or_default().push(Gate::new(receiver, catalog));
    }
    Correspondence(runtime.spawn(async move {
        let announced = Arc::clone(&means.announced);
        // A file that cannot be read in time was none.
        let kept = tokio::task::spawn_blocking(move || announced.topics()).await.unwrap_or_default();
        let mut tasks = JoinSet::new();
        for (bus, post) in posts {
            let gates = gates.remove(&bus).unwrap_or_default();
            let kept = kept.get(&*bus).cloned().unwrap_or_default();
            if !gates.is_empty() || !kept.is_empty() {
                let task = Correspondent::new(bus, post, gates, &names, kept, means.clone());
                tasks.spawn(task.run());
            }
        }
        while tasks.join_next().await.is_some() {}
    }))
}

/// Who writes the letters of one bus.
struct Correspondent {
    bus: Box<str>,
    post: Post,
    ledgers: Vec<Ledger>,
    ears: Ears,
    /// Announcements that the broker keeps, as far as is known.
    kept: BTreeSet<String>,
    means: Means,
    pace: Pace,
}

/// What ends a conversation over one connection.
enum End {
    /// The connection is another one by now.
    Connection,
    /// Everything is said: nothing was to be told but what is taken back.
    Done,
    /// The bus has ended.
    Ended,
}

impl From<Ended> for End {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl Correspondent {
    fn new(
        bus: Box<str>,
        post: Post,
        gates: Vec<Gate>,
        names: &SiteNames,
        kept: BTreeSet<String>,
        means: Means,
    ) -> Self {
        let count: usize = gates.iter().map(|gate| gate.subjects().count()).sum();
        let round = Span::from_secs(count.div_ceil(LETTERS_PER_SECOND) as u64);
        let mut ears = Ears::default();
        let mut ledgers = Vec::new();
        for gate in gates {
            ears.calls.insert((home_assistant::birth_topic(&gate).into(), home_assistant::BIRTH.into()));
            ears.refused.extend(home_assistant::command_filters(&gate, names));
            // No faster than all of them can be told.
            let every = gate.receiver().every.max(round);
            let entities = home_assistant::entities(&gate, names, post.status_topic(), every);
            ledgers.push(Ledger::new(gate, entities, every));
        }
        Self { bus, post, ledgers, ears, kept, means, pace: Pace::default() }
    }

    async fn run(mut self) {
        let mut office = self.post.office();
        loop {
            let open = office.wait_for(|office| office.is_open).await.map(|office| *office);
            let Ok(open) = open else { return };
            match self.converse(open, &mut office).await {
                End::Connection => {}
                End::Done | End::Ended => return,
            }
        }
    }

    /// Tells everything over one connection, for as long as it lasts.
    async fn converse(&mut self, open: Office, office: &mut watch::Receiver<Office>) -> End {
        tokio::select! {
            end = self.tell(open) => end.unwrap_or_else(|end| end),
            // The letters under way die with their connection.
            changed = office.wait_for(|now| !now.is_open || now.connection != open.connection) => {
                if changed.is_ok() { End::Connection } else { End::Ended }
            }
        }
    }

    async fn tell(&mut self, open: Office) -> Result<End, End> {
        let connection = open.connection;
        let mut office = self.post.office();
        let mut calls = open.calls;
        self.post.listen(connection, self.ears.clone()).await?;
        self.review_terms();
        self.take_back(connection).await?;
        if self.ledgers.is_empty() {
            return Ok(End::Done);
        }
        self.announce(connection).await?;
        let mut repeats = Repeats::begin();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let is_changed = self.review_terms();
            if is_changed {
                self.take_back(connection).await?;
            }
            let called = office.borrow_and_update().calls;
            let is_called = called != calls && repeats.begun.elapsed() >= CALL_PAUSE;
            if is_changed || is_called {
                calls = called;
                self.announce(connection).await?;
                repeats = Repeats::begin();
            }
            if repeats.is_due() {
                self.ledgers.iter_mut().for_each(Ledger::forget);
            }
            for ledger in &mut self.ledgers {
                go_round(ledger, &self.post, &mut self.pace, &self.means, connection).await?;
            }
        }
    }

    /// Looks at the wall clock for those whose time ends; whether anybody is told now who was not, or the other way round.
    fn review_terms(&mut self) -> bool {
        let mut is_changed = false;
        for ledger in self.ledgers.iter_mut().filter(|ledger| ledger.gate().receiver().until.is_some()) {
            is_changed |= ledger.review(&self.means.clock.wall());
        }
        is_changed
    }

    /// Takes back what is announced no longer. What cannot be confirmed is tried again over the next connection.
    async fn take_back(&mut self, connection: u64) -> Result<(), End> {
        let topics = |is_meant: fn(Standing) -> bool| -> BTreeSet<String> {
            let ledgers = self.ledgers.iter().filter(|ledger| is_meant(ledger.standing()));
            ledgers.flat_map(Ledger::entities).map(|entity| entity.config_topic.clone()).collect()
        };
        let new = topics(|standing| standing == Standing::Told);
        let wanted = topics(|standing| standing != Standing::Over);
        let old: Vec<String> = self.kept.difference(&wanted).cloned().collect();
        if !new.is_subset(&self.kept) {
            self.kept.extend(new);
            self.remember().await;
        }
        for topics in old.chunks(RECEIPTS_MAX) {
            let mut receipts = Vec::new();
            for topic in topics {
                let (receipt, confirmed) = oneshot::channel();
                self.pace.wait().await;
                let letter = Letter {
                    topic: topic.clone().into(),
                    payload: Vec::new().into(),
                    is_kept: true,
                    receipt: Some(receipt),
                    until: None,
                };
                self.post.send(connection, letter).await?;
                receipts.push((topic, confirmed));
            }
            for (topic, confirmed) in receipts {
                if confirmed.await.is_ok() {
                    self.kept.remove(topic);
                }
            }
        }
        if !old.is_empty() {
            self.remember().await;
        }
        Ok(())
    }

    async fn remember(&self) {
        let (announced, bus, kept) =
            (Arc::clone(&self.means.announced), self.bus.to_string(), self.kept.clone());
        // A disk that takes nothing keeps nobody from being told.
        let _ = tokio::task::spawn_blocking(move || announced.set(&bus, kept)).await;
    }

    /// Announces everything; the values follow with the next look.
    async fn announce(&mut self, connection: u64) -> Result<(), End> {
        for ledger in &mut self.ledgers {
            for entity in ledger.entities() {
                self.pace.wait().await;
                if !ledger.is_open(Instant::now()) {
                    break;
                }
                let letter = Letter {
                    topic: entity.config_topic.clone().into(),
                    payload: entity.config.clone().into(),
                    is_kept: true,
                    receipt: None,
                    until: ledger.ends(),
                };
                self.post.send(connection, letter).await?;
            }
            ledger.forget();
        }
        Ok(())
    }
}

/// Looks at everything once, and tells what is worth it.
async fn go_round(
    ledger: &mut Ledger,
    post: &Post,
    pace: &mut Pace,
    means: &Means,
    connection: u64,
) -> Result<(), End> {
    let mut from = 0;
    while from < ledger.entities().len() && ledger.is_open(Instant::now()) {
        let first = from;
        let asked = Instant::now();
        let answer = ask(ledger, first, means).await;
        from = (first + SUBJECTS_MAX).min(ledger.entities().len());
        let Some((facts, now)) = answer else { continue };
        for (place, fact) in facts.iter().enumerate() {
            let Some(Worth { topic, document }) = ledger.consider(first + place, fact, now) else { continue };
            pace.wait().await;
            if !ledger.is_open(Instant::now()) {
                return Ok(());
            }
            let stale = Instant::now() + FACTS_AGE_MAX;
            let until = Some(ledger.ends().map_or(stale, |ends| ends.min(stale)));
            let (topic, payload) = (topic.into(), document.into());
            let letter = Letter { topic, payload, is_kept: false, receipt: None, until };
            post.send(connection, letter).await?;
            if asked.elapsed() >= FACTS_AGE_MAX {
                // Letters leave slowly: what is behind this one is asked anew.
                from = first + place + 1;
                break;
            }
        }
    }
    Ok(())
}

/// What is so; `None` where nobody answers, as while a reload is under way.
async fn ask(ledger: &Ledger, from: usize, means: &Means) -> Option<(Vec<Fact>, Mono)> {
    let (reply, answer) = oneshot::channel();
    let catalog = Arc::clone(ledger.gate().catalog());
    let inquiry = Inquiry { catalog, subjects: ledger.subjects(from, SUBJECTS_MAX), reply };
    means.sender.try_send(Message::Inquire(Box::new(inquiry))).ok()?;
    let facts = timeout(PATIENCE, answer).await.ok()?.ok()?;
    Some((facts, means.clock.now()))
}

/// When everything is told again after an announcement.
struct Repeats {
    begun: Instant,
    rest: std::slice::Iter<'static, Duration>,
    next: Option<&'static Duration>,
}

impl Repeats {
    fn begin() -> Self {
        let mut rest = AGAIN.iter();
        Self { begun: Instant::now(), next: rest.next(), rest }
    }

    fn is_due(&mut self) -> bool {
        let is_due = self.next.is_some_and(|after| self.begun.elapsed() >= *after);
        if is_due {
            self.next = self.rest.next();
        }
        is_due
    }
}

/// Lets so many letters through in a second, a few of them at once.
#[derive(Debug, Default)]
struct Pace {
    begun: Option<Instant>,
    letters: usize,
}

/// Letters that may leave at once; then there is a pause.
const AT_ONCE: usize = 20;

impl Pace {
    async fn wait(&mut self) {
        let pause = Duration::from_millis((AT_ONCE * 1000 / LETTERS_PER_SECOND) as u64);
        let begun = *self.begun.get_or_insert_with(Instant::now);
        if self.letters >= AT_ONCE {
            sleep_until(begun + pause).await;
            (self.begun, self.letters) = (Some(Instant::now()), 0);
        }
        self.letters += 1;
    }
}
