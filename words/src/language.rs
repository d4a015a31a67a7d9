//! The language in which people read, and sentences that exist in both.
//!
//! Both texts stand side by side wherever something is said, so that neither can be forgotten. Programs read English: what
//! is stored and what is JSON never depends on the language.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Language of answers for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English
    #[default]
    En,
    /// Français
    Fr,
}

impl Language {
    /// As the environment says.
    pub fn of_environment() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
        match set.into_iter().find(|value| !value.is_empty()) {
            Some(value) if value.starts_with("fr") => Self::Fr,
            _ => Self::En,
        }
    }

    /// The English or the French text.
    pub const fn say<'a>(self, english: &'a str, french: &'a str) -> &'a str {
        match self {
            Self::En => english,
            Self::Fr => french,
        }
    }

    /// What stands between a text and what explains it.
    pub const fn colon(self) -> &'static str {
        self.say(":", " :")
    }

    /// What stands between two halves of a sentence.
    pub const fn semicolon(self) -> &'static str {
        self.say(";", " ;")
    }

    /// Yes or no.
    pub const fn yes_or_no(self, is_so: bool) -> &'static str {
        if is_so { self.say("yes", "oui") } else { self.say("no", "non") }
    }

    /// `1 rule`, `2 rules`; `1 règle`, `2 règles`: a count with its noun. French counts none as one.
    pub fn counted(self, count: usize, noun: Noun) -> String {
        let (english, french) = noun.words();
        let is_several = match self {
            Self::En => count != 1,
            Self::Fr => count > 1,
        };
        let word = self.say(english, french);
        let ending = if is_several && !word.ends_with('s') { "s" } else { "" };
        format!("{count} {word}{ending}")
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A point.
    Point,
    /// An output.
    Output,
    /// A rule.
    Rule,
    /// A load that can be cut.
    Load,
    /// A part of a journal.
    Segment,
    /// A step of the machines; French has no other plural.
    Step,
}

impl Noun {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Point => ("point", "point"),
            Self::Output => ("output", "sortie"),
            Self::Rule => ("rule", "règle"),
            Self::Load => ("load", "charge"),
            Self::Segment => ("segment", "segment"),
            Self::Step => ("step", "pas"),
        }
    }
}

/// A sentence for the record and for whoever reads it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// As it is stored.
    pub english: String,
    /// As it is shown to those who read French; absent where none does.
    pub french: Option<String>,
    /// The French one is stored beside the English one: what else an event holds does not make it again.
    pub is_kept: bool,
}

impl Sentence {
    /// In English, and also in the language of the one who reads it: what happens often is worded once where nobody needs
    /// it twice. What the event holds must be enough to make the sentence again.
    pub fn read_in(reader: Language, say: impl Fn(Language) -> String) -> Self {
        let french = (reader == Language::Fr).then(|| say(Language::Fr));
        Self { english: say(Language::En), french, is_kept: false }
    }

    /// What is only said in English: mistakes, whose codes are the same for everyone.
    pub const fn english(english: String) -> Self {
        Self { english, french: None, is_kept: false }
    }

    /// As one reads it in the language.
    pub fn in_language(&self, language: Language) -> &str {
        match (language, &self.french) {
            (Language::Fr, Some(french)) => french,
            _ => &self.english,
        }
    }

    /// In both languages, for what happens seldom.
    pub fn both(say: impl Fn(Language) -> String) -> Self {
        Self { is_kept: true, ..Self::read_in(Language::Fr, say) }
    }
}

/// A text in the language: both are formats, and only the one that is needed is made.
#[macro_export]
macro_rules! say {
    ($language:expr, $english:literal, $french:literal $(,)?) => {
        match $language {
            $crate::language::Language::En => format!($english),
            $crate::language::Language::Fr => format!($french),
        }
    };
}
pub use crate::say;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_several() {
        let counted =
            |count| (Language::En.counted(count, Noun::Rule), Language::Fr.counted(count, Noun::Output));
        assert_eq!(counted(0), ("0 rules".into(), "0 sortie".into()));
        assert_eq!(counted(1), ("1 rule".into(), "1 sortie".into()));
        assert_eq!(counted(2), ("2 rules".into(), "2 sorties".into()));
        assert_eq!(Language::Fr.counted(2, Noun::Step), "2 pas");
    }

    #[test]
    fn what_happens_often_is_worded_twice_only_for_who_reads_it() {
        let times = std::cell::Cell::new(0);
        let say = |language| {
            times.set(times.get() + 1);
            let pump = "pump";
            say!(language, "{pump} is open", "{pump} est coupé")
        };
        assert_eq!(Sentence::read_in(Language::En, say).french, None);
        assert_eq!(times.get(), 1);
        assert_eq!(Sentence::read_in(Language::Fr, say).french.as_deref(), Some("pump est coupé"));
    }
}
