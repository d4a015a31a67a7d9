//! What a person may ask of a guard that is a process of its own, and its answers.
//!
//! Answers are facts and not sentences: who asked reads them in his own language.

use serde::{Deserialize, Serialize};

/// Longest question or answer, bytes.
pub const BYTES_MAX: usize = 1 << 20;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// How it is.
    Status,
    /// Every output to safe, now, or one.
    Now {
        /// Which one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// Let go of what waits for a person.
    Reset {
        /// A limit, an output, `shedding` or `all`.
        name: String,
    },
    /// Accept a safety set that loosens.
    Confirm {
        /// Its fingerprint, hexadecimal.
        fingerprint: String,
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
    /// Read the files again.
    Reload,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// How it is.
    Status(Box<Status>),
    /// It was done.
    Done {
        /// Outputs that could not be told, where that matters.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unreachable: Vec<String>,
        /// Outputs that nobody armed and that are not told anything therefore.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_armed: Vec<String>,
        /// Outputs that a limit, which is above a person's word, holds away from their safe states.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        held: Vec<Held>,
        /// Outputs that were reset and are in alarm again, since their devices still say something else.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        moved: Vec<Moved>,
        /// What became of each output, for arming and disarming.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<Left>,
    },
    /// The files are those that it has.
    Unchanged,
    /// Another set is wholly in force.
    InForce {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// Another set waits for a person; what it tightens is in force already, where that is possible.
    Waits {
        /// Its fingerprint.
        fingerprint: String,
        /// What it would loosen.
        loosenings: Vec<Loosening>,
    },
    /// It was not done.
    Refused(Refusal),
}

/// An output that a limit holds away from its safe state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its name.
    pub output: String,
    /// The limit's name.
    pub limit: String,
    /// What it is held at, as `site.yaml` writes it.
    pub state: String,
}

/// An output that someone else moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Its name.
    pub output: String,
    /// What it was told, as `site.yaml` writes it.
    pub told: String,
    /// What its device says.
    pub says: String,
}

/// What became of an output that was disarmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Its name.
    pub output: String,
    /// What it was told last, as `site.yaml` writes it; `None`: nothing since it was armed.
    pub told: Option<String>,
    /// What its device itself said since; `None`: nothing.
    pub says: Option<String>,
    /// Whether it is surely at its safe state.
    pub is_safe: bool,
}

/// One thing that a safety set would loosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loosening {
    /// The output, limit, interlock or part of shedding.
    pub subject: String,
    /// Which key of it.
    pub key: String,
    /// What is in force.
    pub old: String,
    /// What would be.
    pub new: String,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// The file does not name this user.
    NotAllowed {
        /// Who asked.
        user: String,
        /// Who may, beside root.
        operators: Vec<String>,
    },
    /// This is not a question.
    NotUnderstood {
        /// Why.
        error: String,
    },
    /// The name is not one of the site's.
    UnknownName {
        /// Which name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// There is nothing to reset.
    NothingWaits,
    /// The limit is still violated.
    StillViolated {
        /// Its name.
        limit: String,
    },
    /// The output is held by a limit that waits.
    HeldByLimit {
        /// Its name.
        limit: String,
    },
    /// This is not a fingerprint.
    NotFingerprint {
        /// What was said.
        text: String,
    },
    /// Another set waits.
    OtherSetWaits {
        /// Its fingerprint.
        waits: String,
    },
    /// That set is in force already.
    AlreadyInForce,
    /// No set waits.
    NoSetWaits {
        /// The fingerprint of what is in force.
        in_force: String,
    },
    /// The device has no outputs.
    OnlyRead,
    /// The device is armed already, or always.
    ArmedAlready {
        /// Always: no person has to arm it.
        always: bool,
    },
    /// The device is not armed.
    NotArmed,
    /// The guard would move this output the moment it is armed.
    WouldMove {
        /// Which output.
        output: String,
        /// Why, as a word.
        cause: String,
    },
    /// This output is not known to be at its safe state.
    NotSafe {
        /// Which output.
        output: String,
    },
    /// The files have mistakes.
    Mistakes {
        /// All of them, drawn.
        report: String,
    },
    /// The guard did not answer in time.
    Late,
}

/// How a guard is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The version of its program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The site's readable id.
    pub site: String,
    /// How long it has run, seconds.
    pub running_s: f64,
    /// The fingerprint of the set that is in force.
    pub fingerprint: String,
    /// The fingerprint of the set that waits.
    pub waits_for: Option<String>,
    /// What that one would loosen.
    pub loosenings: Vec<Loosening>,
    /// Whether a program has a session.
    pub has_session: bool,
    /// Whether the memory was lost at the start, and everything is held safe until a person resets all.
    pub memory_lost: Option<String>,
    /// Its outputs.
    pub outputs: Vec<OutputStatus>,
}

/// How an output is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputStatus {
    /// Its name.
    pub name: String,
    /// What it was told last, as people read it; `None`: nothing yet.
    pub told: Option<String>,
    /// What its device or bus confirmed last.
    pub confirmed: Option<String>,
    /// Its safe state.
    pub safe: String,
    /// What happens to it when everything else is gone.
    pub strength: String,
    /// Why it is so, as a word.
    pub cause: String,
    /// Whether it can be told anything.
    pub is_reachable: bool,
}
