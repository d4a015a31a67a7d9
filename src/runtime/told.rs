//! What happened, in the form in which it is stored, shown and counted.

use ballast_history::Severity;
use serde_json::Value;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What sort of thing: `output`, `rule`, `limit`, `reload` ...
    pub kind: &'static str,
    /// The output, rule, limit or bus it is about; may be empty.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who did it; such events belong to the audit trail.
    pub who: Option<String>,
    /// One sentence for people.
    pub sentence: String,
    /// The same for programs.
    pub data: Value,
}

impl Told {
    /// Something of little weight that nobody did on purpose.
    pub fn info(
        kind: &'static str,
        subject: impl Into<String>,
        sentence: impl Into<String>,
        data: Value,
    ) -> Self {
        let (subject, sentence) = (subject.into(), sentence.into());
        Self { kind, subject, severity: Severity::Info, who: None, sentence, data }
    }

    /// With this weight.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Done by someone: belongs to the audit trail.
    #[must_use]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.who = Some(who.into());
        self
    }
}
