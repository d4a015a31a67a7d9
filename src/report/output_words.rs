//! What became of an output and why, as one sentence: when it happens, and when it is read back from what was written down.

use super::causes;
use super::language::{Language, say};

/// What the sentence is made of.
#[derive(Clone, Copy, Debug)]
pub struct OutputWords<'a> {
    /// The output.
    pub name: &'a str,
    /// What it is.
    pub state: &'a str,
    /// What was asked of it.
    pub asked: &'a str,
    /// It was that before.
    pub has_stayed: bool,
    /// It should be that, but cannot be reached: nobody carried it out.
    pub is_out_of_reach: bool,
    /// What the guard says, in the language; empty where it says nothing.
    pub cause: &'a str,
    /// Who asks, in the language.
    pub asker: &'a str,
    /// Somebody asks, and is known to ask still.
    pub is_asked: bool,
    /// The value that decided, in the language.
    pub witness: Option<&'a str>,
}

impl OutputWords<'_> {
    /// The sentence, without a full stop.
    pub fn sentence(&self, language: Language) -> String {
        let Self { name, cause, asker, .. } = self;
        let (state, asked) = (causes::state(self.state, language), causes::state(self.asked, language));
        let is = if self.is_out_of_reach {
            say!(
                language,
                "{name} should be {state} and cannot be reached",
                "{name} devrait être {state} et est injoignable"
            )
        } else {
            let stays = if self.has_stayed { language.say("stays ", "reste ") } else { "" };
            format!("{name} {stays}{state}")
        };
        let mut sentence = if self.asked == self.state && cause.is_empty() {
            say!(language, "{is}: {asker}", "{is} : {asker}")
        } else if self.is_asked {
            say!(
                language,
                "{is}: {cause}; {asker} asks for {asked}",
                "{is} : {cause} ; {asker} demande {asked}"
            )
        } else {
            say!(language, "{is}: {cause}", "{is} : {cause}")
        };
        if let Some(witness) = self.witness {
            sentence.push_str(&format!(" ({witness})"));
        }
        sentence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_the_same_in_both_languages() {
        let words = OutputWords {
            name: "pump",
            state: "open",
            asked: "closed",
            has_stayed: true,
            is_out_of_reach: false,
            cause: "x",
            asker: "y",
            is_asked: true,
            witness: Some("z"),
        };
        assert_eq!(words.sentence(Language::En), "pump stays open: x; y asks for closed (z)");
        assert_eq!(words.sentence(Language::Fr), "pump reste coupé : x ; y demande connecté (z)");
        let nobody = OutputWords { is_asked: false, has_stayed: false, ..words };
        assert_eq!(nobody.sentence(Language::Fr), "pump coupé : x (z)");
        let granted = OutputWords { asked: "open", cause: "", witness: None, ..nobody };
        assert_eq!(granted.sentence(Language::Fr), "pump coupé : y");
        // What could not be told is never said to be so.
        let lost = OutputWords { is_out_of_reach: true, ..words };
        let english = "pump should be open and cannot be reached: x; y asks for closed (z)";
        assert_eq!(lost.sentence(Language::En), english);
        let lost = OutputWords { is_out_of_reach: true, ..granted };
        assert_eq!(lost.sentence(Language::Fr), "pump devrait être coupé et est injoignable : y");
    }
}
