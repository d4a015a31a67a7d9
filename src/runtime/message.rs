//! What reaches the decision thread, through one bounded channel.

use super::carrier::{Carrier, FilesRefused};
use super::guard_process::GuardNews;
use crate::control::protocol::{Answer, Call};
use crate::egress::inquiry::Inquiry;
use crate::metrics::Scrape;
use crate::report::language::{Language, Sentence};
use crate::shadow::handle::News;
use crate::site::{SetId, Texts};
use ballast_drivers::Batch;
use ballast_host::SetHash;
use ballast_model::Span;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use tokio::sync::oneshot;

/// Messages that may wait. Above this the buses wait: their sockets fill, and TCP or the broker holds back the senders.
pub const WAITING_MAX: usize = 1024;

/// One message.
pub enum Message {
    /// News of the buses; ids belong to the catalog of that epoch, others are dropped.
    Field {
        /// Counts the catalogs of this run.
        epoch: u32,
        /// Which bus tells.
        bus: Arc<str>,
        /// What it tells.
        batch: Batch,
    },
    /// A person's question.
    Ask {
        /// Who asks.
        who: String,
        /// What, and in which language the answer is read.
        question: Call,
        /// Where the answer goes.
        reply: oneshot::Sender<Answer>,
    },
    /// Someone wants to know whether the decision thread turns.
    Alive(oneshot::Sender<()>),
    /// Someone scrapes.
    Scrape(Sender<Scrape>),
    /// Those who tell receivers ask what is so.
    Inquire(Box<Inquiry>),
    /// News of the guard, where it is a process of its own.
    Guard(Box<GuardNews>),
    /// The files of the site lie unchanged and differ from those that run. With the hash of the set that lay still;
    /// without one, the files are loaded as they lie.
    FilesChanged(Option<SetHash>),
    /// A builder has made a new set and waits to take over.
    TakeOver(Box<TakeOver>),
    /// A builder has failed.
    BuildFailed(Box<BuildFailed>),
    /// News of the rules that run beside, disconnected.
    Shadow(Box<News>),
    /// The program shall end.
    Stop,
}

/// Why a set is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A person asked.
    Asked {
        /// Who.
        who: String,
        /// Although it was refused before.
        accept: bool,
        /// How long it is on trial; `None`: as ever.
        trial: Option<Span>,
        /// In which language the answer is read.
        language: Language,
    },
    /// A file was saved.
    Saved,
    /// A person confirmed the safety set of this fingerprint.
    Confirmed {
        /// Of which set.
        fingerprint: u64,
        /// How long the person who loaded it wanted it on trial.
        trial: Option<Span>,
    },
    /// The guard holds to other files: the program takes them up.
    Guard {
        /// Why not with the rules of the site's files; `None`: with them.
        refused: Option<FilesRefused>,
    },
    /// The new set did harm: back to the last good rules.
    Return(Harm),
}

/// A rule of a set on trial that did harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harm {
    /// Its name.
    pub rule: String,
    /// Of which set.
    pub set: SetId,
}

impl Occasion {
    /// In which language the answer is read, where a person asked.
    pub const fn language(&self) -> Language {
        match self {
            Self::Asked { language, .. } => *language,
            Self::Saved | Self::Guard { .. } | Self::Confirmed { .. } | Self::Return(_) => Language::En,
        }
    }

    /// How long a person wants the set on trial; `None`: nobody said.
    pub const fn trial(&self) -> Option<Span> {
        match self {
            Self::Asked { trial, .. } | Self::Confirmed { trial, .. } => *trial,
            Self::Saved | Self::Guard { .. } | Self::Return(_) => None,
        }
    }
}

/// A new set that waits for a step boundary.
pub struct TakeOver {
    /// Where everything that goes on is handed over.
    pub to: Sender<Box<Carrier>>,
    /// The texts it was built from.
    pub texts: Texts,
    /// Why.
    pub occasion: Occasion,
    /// Who waits for the outcome.
    pub reply: Option<oneshot::Sender<Answer>>,
}

/// A set that could not be built.
pub struct BuildFailed {
    /// Why it was to be built.
    pub occasion: Occasion,
    /// What the site's files are then.
    pub refused: FilesRefused,
    /// The mistakes, for people.
    pub report: Sentence,
    /// The mistakes, for programs.
    pub data: serde_json::Value,
    /// Who waits for the outcome.
    pub reply: Option<oneshot::Sender<Answer>>,
}

/// The channel to the decision thread.
pub fn channel() -> (SyncSender<Message>, Receiver<Message>) {
    sync_channel(WAITING_MAX)
}
