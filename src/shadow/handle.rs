//! The running program's end of a candidate: what it is handed, and what it did not keep up with.

use super::account::Reason;
use super::left::{self, Left};
use super::tally::Tally;
use crate::control::protocol::Answer;
use crate::report::language::{Language, Sentence};
use crate::site::Texts;
use ballast_drivers::{Batch, Report};
use ballast_engine::Command;
use ballast_guard::{OperatorCommand, Who};
use ballast_history::SavedState;
use ballast_model::{Mono, OutputId, Sample, Utc, Wanted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// What may wait for a candidate; more is dropped and counted. At a hundred messages a second, ten seconds.
pub const WAITING_MAX: usize = 1024;

/// What a candidate is handed.
pub enum Feed {
    /// What was read.
    Samples(Vec<Sample>),
    /// Whether an output can be told anything.
    Reach(OutputId, Report),
    /// What a person or a setting asks of the engine.
    Command(Command),
    /// What a person asks of the guard.
    Guard(Who, OperatorCommand),
    /// What an output is under the running rules.
    Running {
        /// Which.
        output: OutputId,
        /// From when.
        at: Mono,
        /// What.
        wanted: Wanted,
        /// Why.
        reason: Reason,
    },
    /// What the outputs are under the running rules is not known from this moment on.
    Unheard(Mono),
    /// Somebody wants to know how it goes.
    Tell(Box<Asked>),
}

/// Somebody wants to know how a candidate goes.
pub struct Asked {
    /// In which language.
    pub language: Language,
    /// How often the guard of the running rules intervened since the candidate began.
    pub interventions: u64,
    /// What was dropped.
    pub lagged: u64,
    /// Which candidate: the rules, who began it.
    pub about: About,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Answer>,
}

/// Which candidate runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Where its rules came from.
    pub rules: String,
    /// Who began it.
    pub who: String,
    /// When.
    pub began: Utc,
}

/// What a candidate's thread says of itself.
pub struct News {
    /// Of which candidate; one that was dropped meanwhile is not meant.
    pub number: u64,
    /// What.
    pub what: What,
}

/// What a candidate's thread says of itself.
pub enum What {
    /// It runs.
    Began,
    /// Its rules have mistakes: for people, for programs.
    Refused(String, serde_json::Value),
    /// It ended by itself.
    Failed(String),
}

/// The candidate of a running program; dropped, it ends.
pub struct Shadow {
    /// Which one; no other of this site has the same, over restarts too.
    pub number: u64,
    /// Where it came from.
    pub about: About,
    /// Its files and those beside which it began.
    pub texts: [Texts; 2],
    /// Interventions of the running guard when it began.
    pub interventions: u64,
    /// Who waits to hear whether it runs, and in which language.
    pub waiting: Option<(oneshot::Sender<Answer>, Language)>,
    /// What it counts.
    pub tally: Arc<Tally>,
    feed: SyncSender<Feed>,
    lagged: u64,
    /// What each output is under the running rules, as it was handed over last.
    handed: BTreeMap<OutputId, (Wanted, Wanted, ballast_model::intent::Cause)>,
}

impl Shadow {
    /// A candidate whose thread takes what the second one gives, and counts.
    pub fn new(
        number: u64,
        about: About,
        texts: [Texts; 2],
        interventions: u64,
        tally: Tally,
    ) -> (Self, Receiver<Feed>) {
        let tally = Arc::new(tally);
        let (feed, taken) = sync_channel(WAITING_MAX);
        let handed = BTreeMap::new();
        (Self { number, about, texts, interventions, waiting: None, tally, feed, lagged: 0, handed }, taken)
    }

    /// Whether it runs; before, it is being built and may yet be refused.
    pub const fn has_begun(&self) -> bool {
        self.waiting.is_none()
    }

    /// Readings, commands and answers that the candidate was too slow for.
    pub const fn lagged(&self) -> u64 {
        self.lagged
    }

    /// Hands something over, or counts it; never waits. Whether it was taken, or nobody is there any more to take it.
    pub fn hand(&mut self, feed: Feed) -> bool {
        let count = match &feed {
            Feed::Samples(samples) => samples.len() as u64,
            _ => 1,
        };
        // A thread that has ended says so itself.
        let is_full = matches!(self.feed.try_send(feed), Err(TrySendError::Full(_)));
        if is_full {
            self.lagged = self.lagged.saturating_add(count);
        }
        !is_full
    }

    /// Hands over what a bus told: readings, and what can be reached. What the real outputs do is not the candidate's doing.
    pub fn hear(&mut self, batch: &Batch) {
        if !batch.samples.is_empty() {
            self.hand(Feed::Samples(batch.samples.clone()));
        }
        for report in &batch.reports {
            if let Report::Reach { output, .. } = report {
                self.hand(Feed::Reach(*output, report.clone()));
            }
        }
    }

    /// Whether an answer of the running guard says something else than the last one that was handed over.
    pub fn is_news(&mut self, verdict: &ballast_model::Verdict) -> bool {
        let now = (verdict.state, verdict.asked, verdict.cause);
        self.handed.insert(verdict.output, now) != Some(now)
    }

    /// Hands over what an output is under the running rules. What does not get through is news again the next time, so that
    /// the candidate is not compared for good with what was once.
    pub fn hand_verdict(&mut self, output: OutputId, at: Mono, wanted: Wanted, reason: Reason) {
        if !self.hand(Feed::Running { output, at, wanted, reason }) {
            self.handed.remove(&output);
        }
    }

    /// What the outputs are under the running rules is not known any more; all of it is news once it is.
    pub fn lose_running(&mut self, at: Mono) {
        self.handed.clear();
        self.hand(Feed::Unheard(at));
    }

    /// Asks how it goes; the thread answers. One that is too far behind, or has ended, answers nobody: the question comes back.
    pub fn ask(&self, asked: Asked) -> Option<Box<Asked>> {
        match self.feed.try_send(Feed::Tell(Box::new(asked))) {
            Err(TrySendError::Full(Feed::Tell(asked)) | TrySendError::Disconnected(Feed::Tell(asked))) => {
                Some(asked)
            }
            _ => None,
        }
    }
}

/// The candidate of a program, where it has one, and why the last one ended by itself.
#[derive(Default)]
pub struct Shadows {
    /// The one that runs.
    pub current: Option<Shadow>,
    /// The number of the last one.
    last: u64,
    /// Why the last one ended, if nobody dropped it.
    pub ended: Option<Sentence>,
    /// One that the end of the last run ended, until that is told.
    pub left: Option<Left>,
}

impl Shadows {
    /// None runs, and one may have run until the last run ended.
    pub fn after(saved: Option<&SavedState>) -> Self {
        Self { left: left::left(saved), ..Self::default() }
    }

    /// The number of a new one. It rises with time, also over restarts: who speaks of one means no other.
    pub fn next_number(&mut self, now: Mono) -> u64 {
        self.last = (now.nanos() / 1_000_000).max(self.last.saturating_add(1));
        self.last
    }

    /// The candidate that the next run would have to tell of, should this one end now.
    pub fn mark(&self) -> Option<&About> {
        self.current.as_ref().filter(|shadow| shadow.has_begun()).map(|shadow| &shadow.about)
    }

    /// What a bus told.
    pub fn hear(&mut self, batch: &Batch) {
        if let Some(shadow) = &mut self.current {
            shadow.hear(batch);
        }
    }

    /// What a person asks of the engine. Rules are others in a candidate: what is about one of them is not handed on.
    pub fn command(&mut self, command: &Command) {
        let is_of_rule = matches!(command, Command::Resume { .. } | Command::Suspend { .. });
        if let (Some(shadow), false) = (&mut self.current, is_of_rule) {
            shadow.hand(Feed::Command(command.clone()));
        }
    }

    /// What a person asks of the guard. What loosens it is about another safety set.
    pub fn guard_command(&mut self, who: &Who, command: OperatorCommand) {
        let is_of_set = matches!(command, OperatorCommand::Confirm(_));
        if let (Some(shadow), false) = (&mut self.current, is_of_set) {
            shadow.hand(Feed::Guard(*who, command));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_model::{PointId, Value};

    fn batch() -> Batch {
        let sample = |sequence| Sample::good(PointId(0), Value::Flag(true), Mono::ZERO, sequence);
        Batch { samples: vec![sample(1), sample(2), sample(3)], ..Batch::default() }
    }

    #[test]
    fn what_a_candidate_is_too_slow_for_is_counted_and_nobody_waits() {
        let about = About { rules: "new".into(), who: "anna".into(), began: Utc::from_millis(0) };
        let (mut shadow, taken) =
            Shadow::new(1, about, [Texts::default(), Texts::default()], 0, Tally::new(Mono::ZERO, 1));
        for _ in 0..WAITING_MAX {
            shadow.hear(&batch());
        }
        assert_eq!(shadow.lagged(), 0);
        shadow.hear(&batch());
        shadow.hear(&batch());
        assert_eq!(shadow.lagged(), 6);
        assert!(taken.try_recv().is_ok());
        shadow.hear(&batch());
        assert_eq!((shadow.lagged(), taken.try_iter().count()), (6, WAITING_MAX));
        drop(taken);
        shadow.hear(&batch());
        assert_eq!(shadow.lagged(), 6, "one that has ended does not lag");
    }

    #[test]
    fn a_state_that_did_not_get_through_is_handed_over_again() {
        let about = About { rules: "new".into(), who: "anna".into(), began: Utc::from_millis(0) };
        let (mut shadow, taken) =
            Shadow::new(1, about, [Texts::default(), Texts::default()], 0, Tally::new(Mono::ZERO, 1));
        let (output, closed) = (OutputId(0), Wanted::CLOSED);
        let known = (closed, closed, ballast_model::intent::Cause::Asked);
        shadow.handed.insert(output, known);
        shadow.hand_verdict(output, Mono::ZERO, closed, [const { String::new() }; 2]);
        assert_eq!(shadow.handed.get(&output), Some(&known));
        while shadow.lagged() == 0 {
            shadow.hear(&batch());
        }
        shadow.hand_verdict(output, Mono::ZERO, closed, [const { String::new() }; 2]);
        assert_eq!(shadow.handed.get(&output), None);
        drop(taken);
    }
}
