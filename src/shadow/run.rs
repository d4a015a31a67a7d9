//! A candidate's thread: built beside the running rules, it goes on from what they know.

use super::account::{Account, Reason, Side};
use super::field::NoDoors;
use super::handle::{Asked, Feed, News, What};
use super::paths::Paths;
use super::tally::Tally;
use crate::control::protocol::Answer;
use crate::journal::{Limits, Ring};
use crate::report::language::Language;
use crate::report::shadow_words;
use crate::runtime::decision::Decision;
use crate::runtime::message::Message;
use crate::runtime::opening::OpenField;
use crate::site::{Running, Texts, build_after};
use crate::testing::trial::start;
use ballast_drivers::Batch;
use ballast_host::Clock;
use ballast_model::{Mono, OutputId};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// Messages taken in one turn; the rest wait for the next.
const MESSAGES_MAX: usize = 64;
/// How long it waits at most where its clock is made up: that one goes as others let it.
const PATIENCE: Duration = Duration::from_millis(200);
/// Nobody replays what a candidate did: its journal is kept as short as that.
const JOURNAL: Limits = Limits { bytes: 1_000_000, segment_bytes: 250_000, ..Limits::DEFAULT };

/// What a candidate begins with.
pub struct Order {
    /// Which one of this run.
    pub number: u64,
    /// Its files.
    pub texts: Texts,
    /// Where a person has them.
    pub paths: Paths,
    /// What it counts.
    pub tally: Arc<Tally>,
    /// What runs.
    pub running: Arc<Running>,
    /// What the engine of the running rules knows.
    pub engine: ballast_engine::State<'static>,
    /// What their guard knows.
    pub guard: ballast_guard::State,
    /// When that was taken.
    pub at: Mono,
    /// Time.
    pub clock: Arc<Clock>,
    /// Where it says how it goes.
    pub sender: SyncSender<Message>,
    /// What it is handed.
    pub feed: Receiver<Feed>,
    /// What the site is built with.
    pub place: crate::runtime::carrier::Place,
}

/// The whole life of a candidate. Whatever goes wrong in it ends it alone.
pub fn run(order: Order) {
    let (number, sender) = (order.number, order.sender.clone());
    let say = |what| {
        // A program that ends does not care.
        let _ = sender.send(Message::Shadow(Box::new(News { number, what })));
    };
    match catch_unwind(AssertUnwindSafe(|| live(order, &say))) {
        Ok(None) => {}
        Ok(Some(what)) => say(what),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            say(What::Failed(text.unwrap_or_default()));
        }
    }
}

/// Runs until nobody hands over anything any more; what ended it before, if anything did.
fn live(order: Order, say: &dyn Fn(What)) -> Option<What> {
    let Order { texts, paths, tally, running, engine, guard, at, clock, feed, place, .. } = order;
    let built = match build_after(&texts, place.given(), Some(&running)) {
        Ok(built) => built,
        Err(refused) => {
            let refused = refused.naming(|name| paths.of(name).map(str::to_owned));
            return Some(What::Refused(refused.text, refused.data));
        }
    };
    drop(running);
    let open: Box<OpenField> = Box::new(|_, _| Box::new(NoDoors));
    let mut decision = start(built, &texts, open, clock, Box::new(|_| {}), None);
    drop(texts);
    decision.carrier.ring = Ring::new(JOURNAL);
    decision.go_on_from(engine, guard, at);
    let interventions = decision.carrier.guard.counters().interventions;
    let account = Account::new(at, decision.running.catalog().outputs.len());
    let mut candidate = Candidate { decision, account, interventions, paths, tally };
    say(What::Began);
    candidate.go(&feed);
    None
}

struct Candidate {
    decision: Decision,
    account: Account,
    /// Of its guard, when it began.
    interventions: u64,
    paths: Paths,
    tally: Arc<Tally>,
}

impl Candidate {
    fn go(&mut self, feed: &Receiver<Feed>) {
        loop {
            self.decision.go_on();
            self.look();
            // A rule whose body fails asks for nothing, which may well look the same: so it counts by itself.
            self.tally.turned(self.decision.figures.failing.values().map(|failing| failing.times).sum());
            let clock = &self.decision.carrier.clock;
            let patience = self.decision.carrier.field.patience(clock, self.decision.next_wake());
            let patience = if clock.is_made_up() { patience.min(PATIENCE) } else { patience };
            match feed.recv_timeout(patience) {
                Ok(first) => self.take(first),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for next in feed.try_iter().take(MESSAGES_MAX) {
                self.take(next);
            }
        }
    }

    fn take(&mut self, feed: Feed) {
        match feed {
            Feed::Samples(samples) => self.decision.hear("", &Batch { samples, ..Batch::default() }),
            Feed::Reach(_, report) => {
                self.decision.hear("", &Batch { reports: vec![report], ..Batch::default() });
            }
            Feed::Command(command) => self.decision.command(command),
            Feed::Guard(who, command) => self.decision.guard_command(who.as_str(), command),
            Feed::Running { output, at, wanted, reason } => {
                self.account.note(Side::Running, output, at, wanted, reason);
            }
            Feed::Unheard(at) => self.account.lose_running(at),
            Feed::Tell(asked) => self.tell(*asked),
        }
    }

    /// Notes what the candidate's guard says of every output now.
    fn look(&mut self) {
        let now = self.decision.carrier.clock.now();
        for index in 0..self.decision.running.catalog().outputs.len() {
            let output = OutputId(u16::try_from(index).unwrap_or(u16::MAX).into());
            self.tally.differed(output, self.account.differed(output, now).0);
            let Some(verdict) = self.decision.carrier.guard.verdict(output).copied() else { continue };
            if self.account.state(Side::Candidate, output) != Some(verdict.state) {
                let reason = reason(&self.decision, output, &verdict);
                self.account.note(Side::Candidate, output, now, verdict.state, reason);
            }
        }
    }

    fn tell(&mut self, asked: Asked) {
        self.look();
        let Asked { language, interventions, lagged, about, reply } = asked;
        let own = self.decision.carrier.guard.counters().interventions.saturating_sub(self.interventions);
        let telling = shadow_words::Telling {
            about: &about,
            account: &self.account,
            moment: self.decision.moment(language),
            interventions: [interventions, own],
            lagged,
            failing: &self.decision.figures.failing,
            paths: &self.paths,
        };
        // An asker that went away does not matter.
        let _ = reply.send(Answer::done(telling.text(), telling.data()));
    }
}

/// Why an output is as it is, in both languages: who asks later reads one of them.
pub fn reason(decision: &Decision, output: OutputId, verdict: &ballast_model::Verdict) -> Reason {
    [Language::En, Language::Fr].map(|language| decision.moment(language).reason(output, verdict))
}
