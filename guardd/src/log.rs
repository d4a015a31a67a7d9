//! Lines for whoever reads the log: the journal of systemd, a terminal.

use ballast_model::Severity;
use ballast_words::language::Language;
use std::io::Write as _;
use std::sync::OnceLock;

/// How much a line matters, as systemd's journal reads it from the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It must be looked at.
    Alarm,
    /// Something is not as it should be.
    Warning,
    /// It is good to know.
    Notice,
    /// Everything else.
    Info,
}

impl From<Severity> for Weight {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Alarm => Self::Alarm,
            Severity::Warning => Self::Warning,
            Severity::Notice => Self::Notice,
            Severity::Info => Self::Info,
        }
    }
}

/// The language of those who read the log: as the environment says.
pub fn language() -> Language {
    static LANGUAGE: OnceLock<Language> = OnceLock::new();
    *LANGUAGE.get_or_init(Language::of_environment)
}

/// Says something in the language of those who read the log.
pub fn tell(weight: Weight, words: impl FnOnce(Language) -> String) {
    line(weight, &words(language()));
}

/// Writes a line. A log that cannot be written stops nobody.
pub fn line(weight: Weight, text: &str) {
    let mark = match weight {
        _ if std::env::var_os("JOURNAL_STREAM").is_none() => "",
        Weight::Alarm => "<2>",
        Weight::Warning => "<4>",
        Weight::Notice => "<5>",
        Weight::Info => "<6>",
    };
    let mut out = std::io::stderr().lock();
    for each in text.lines() {
        let _ = writeln!(out, "{mark}{each}");
    }
}
