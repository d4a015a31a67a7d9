//! What happened, in the form in which it is stored, shown and counted.

use crate::report::language::Sentence;
use ballast_history::Severity;
use serde::Serialize;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What sort of thing: `output`, `rule`, `limit`, `reload` ...
    pub kind: &'static str,
    /// The output, rule, limit or bus it is about; may be empty.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who did it; such events belong to the audit trail.
    pub who: Option<String>,
    /// One sentence for people, as it is stored.
    pub sentence: String,
    /// The same for those who read it now in French.
    pub french: Option<String>,
    /// Whether the French one is stored as well.
    pub is_french_kept: bool,
    /// The same for programs: JSON, written once and then only copied.
    pub data: String,
    /// It only says that the program has started, however much it matters: there is nothing yet that a journal could show.
    pub is_of_start: bool,
}

impl Told {
    /// Something of little weight that nobody did on purpose.
    pub fn info(
        kind: &'static str,
        subject: impl Into<String>,
        sentence: Sentence,
        data: impl Serialize,
    ) -> Self {
        let (subject, Sentence { english: sentence, french, is_kept }) = (subject.into(), sentence);
        // What cannot be written is missing for programs; the sentence says it for people.
        let data = serde_json::to_string(&data).unwrap_or_else(|_| "null".to_owned());
        let is_french_kept = is_kept;
        let (severity, who, is_of_start) = (Severity::Info, None, false);
        Self { kind, subject, severity, who, sentence, french, is_french_kept, data, is_of_start }
    }

    /// With this weight.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// What a start brings with it.
    #[must_use]
    pub fn of_start(mut self, is_of_start: bool) -> Self {
        self.is_of_start = is_of_start;
        self
    }

    /// Done by someone: belongs to the audit trail.
    #[must_use]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.who = Some(who.into());
        self
    }

    /// The sentence and the data as one JSON text: how the history keeps them. The French sentence stands there too where
    /// the data does not make it again.
    pub fn payload(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
        let french = self.french.as_deref().filter(|_| self.is_french_kept);
        let french = french.map_or_else(String::new, |french| format!("\"french\":{},", quoted(french)));
        format!("{{\"sentence\":{},{french}\"data\":{}}}", quoted(&self.sentence), self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::language::Language;

    #[test]
    fn the_payload_holds_the_sentence_and_the_data() {
        let sentence = Sentence::both(|language| {
            let text = "the \"pump\" is open\n";
            language.say(text, "« pump » est coupé").to_owned()
        });
        let told = Told::info("output", "pump", sentence, serde_json::json!({ "state": "open" }));
        let payload: serde_json::Value = serde_json::from_str(&told.payload()).unwrap();
        let expected = serde_json::json!({
            "sentence": "the \"pump\" is open\n", "french": "« pump » est coupé", "data": { "state": "open" },
        });
        assert_eq!(payload, expected);
        // What the data makes again is stored once, whoever reads it now.
        let again = Sentence::read_in(Language::Fr, |language| language.say("open", "coupé").to_owned());
        let told = Told::info("output", "pump", again, serde_json::Value::Null);
        assert_eq!(told.payload(), "{\"sentence\":\"open\",\"data\":null}");
    }
}
