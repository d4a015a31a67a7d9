//! What can be asked of a running program, and its answer.

use crate::journal::Frozen;
use crate::report::language::Language;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Name of the socket in the state directory.
pub const SOCKET: &str = "control.sock";
/// Longest question, bytes: the rules of a candidate travel in one.
pub const QUESTION_BYTES_MAX: u64 = 1024 * 1024;

/// A question, and the language of its answer. Who reads the data alone asks in English.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// In which language people read the answer.
    #[serde(default)]
    pub language: Language,
    /// What is asked.
    pub question: Question,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// Points, outputs and rules.
    Status,
    /// Why an output is as it is now. The past is told from the journal, by who asks for it.
    Why {
        /// Its name.
        output: String,
    },
    /// Why a rule is not active now.
    WhyNot {
        /// Its name.
        rule: String,
    },
    /// Load the files anew.
    Reload {
        /// Apply although it was refused before.
        accept: bool,
        /// How long new and changed rules are on trial, ms; absent: the ordinary time, or as long as it still lasts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trial_ms: Option<u64>,
    },
    /// Let other rules run beside, with their outputs disconnected.
    ShadowStart {
        /// Where they come from, for people.
        name: String,
        /// The folder in which the files lie, for people.
        folder: String,
        /// The rule files, by their names in the site.
        rules: BTreeMap<String, String>,
        /// They stand in for all rules of the site, not only for those of their names.
        is_whole: bool,
    },
    /// How those go.
    Shadow,
    /// Their number, their files, and the set beside which they began.
    ShadowTexts,
    /// Their files lie in the site now: load it.
    ShadowPromote {
        /// Their number, as `ShadowTexts` gave it: no others are meant.
        number: u64,
        /// Apply although it was refused before.
        accept: bool,
    },
    /// End them.
    ShadowDrop,
    /// A person's request.
    Request {
        /// Name of the output.
        output: String,
        /// `closed`, `open` or a quantity.
        state: String,
        /// For how long, ms.
        for_ms: u64,
    },
    /// End of a person's request.
    Release {
        /// Name of the output.
        output: String,
    },
    /// The mode; changes it when a word is given.
    Mode {
        /// The new mode.
        mode: Option<String>,
    },
    /// Settings; changes one when a value is given.
    Setting {
        /// Its name.
        name: Option<String>,
        /// Its new value with unit.
        value: Option<String>,
    },
    /// Take a suspended rule into service again.
    Resume {
        /// Its name.
        rule: String,
    },
    /// Write the journal.
    Journal {
        /// Where; absent: into the state directory.
        file: Option<String>,
    },
    /// The journal itself: its bytes follow the answer, and then the talk ends.
    Tape,
    /// Answer for the wall clock.
    Clock {
        /// Whether it is right.
        trusted: bool,
    },
    /// Let a found device be told what is asked of it from now on.
    Arm {
        /// Its name.
        device: String,
    },
    /// Tell a found device nothing any more.
    Disarm {
        /// Its name.
        device: String,
        /// Also where it is not at its safe state.
        #[serde(default)]
        as_it_is: bool,
    },
    /// Everything safe, at once.
    GuardNow,
    /// Reset a latch.
    GuardReset {
        /// The limit or output.
        name: String,
    },
    /// Accept a loosening.
    GuardConfirm {
        /// Fingerprint of the safety set, hexadecimal.
        fingerprint: String,
    },
}

impl Question {
    /// Whether it changes nothing.
    pub fn looks(&self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::Why { .. }
                | Self::WhyNot { .. }
                | Self::Tape
                | Self::Shadow
                | Self::ShadowTexts
                | Self::Mode { mode: None }
                | Self::Setting { value: None, .. }
        )
    }

    /// Whether it is dropped when who asked has left before it is taken up: he was told that nobody answers, and a program
    /// that was frozen must not carry it out an hour later. What makes everything safe is never too late.
    pub fn lapses(&self) -> bool {
        !self.looks() && *self != Self::GuardNow
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it was done.
    pub ok: bool,
    /// For people.
    pub text: String,
    /// For programs.
    pub data: Value,
    /// What follows the answer.
    #[serde(skip)]
    pub journal: Option<Box<Frozen>>,
}

impl Answer {
    /// It was done.
    pub fn done(text: impl Into<String>, data: Value) -> Self {
        Self { ok: true, text: text.into(), data, journal: None }
    }

    /// It was refused; the text says why and what to do.
    pub fn refused(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { ok: false, data: serde_json::json!({ "error": &text }), text, journal: None }
    }
}
