//! Finding devices for a site that is being written: listens and asks, writes nothing anywhere, and proposes text.
//!
//! The sockets and lines are here, each open for a bounded time; what is understood is in `ballast_drivers::detect`, whose
//! questions can only read.

pub mod broker;
pub mod fragment;
pub mod line;
pub mod names;
pub mod serial;
pub mod units;
pub mod wire;

use crate::report::language::Language;
use ballast_drivers::detect::Found;

/// The bus on which a device was found, as a site would write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bus {
    /// What it may be called.
    pub name: String,
    /// Its driver.
    pub driver: &'static str,
    /// Its keys.
    pub keys: Vec<(&'static str, String)>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Devices with their buses.
    pub devices: Vec<(Bus, Found)>,
    /// What a person should know beside that: lines that were left alone, units that nobody knows.
    pub remarks: Vec<String>,
    /// What went wrong.
    pub troubles: Vec<String>,
    /// How many were seen, also those for whom no device file is known.
    pub seen: usize,
}

impl Findings {
    /// Nothing but a trouble.
    pub fn trouble(text: String) -> Self {
        Self { troubles: vec![text], ..Self::default() }
    }

    /// Takes what was found elsewhere.
    pub fn add(&mut self, other: Self) {
        self.devices.extend(other.devices);
        self.remarks.extend(other.remarks);
        self.troubles.extend(other.troubles);
        self.seen += other.seen;
    }
}

/// Letters of a device's own words that people are shown.
const SHOWN_MAX: usize = 80;

/// A device's own words, cut where nobody reads on.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// To whom it is told.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The language of remarks and troubles.
    pub language: Language,
    /// How far it is: what is being done, how much is done, how much there is.
    pub progress: &'a (dyn Fn(&str, usize, usize) + Sync),
}
