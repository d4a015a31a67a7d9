//! What became of an output and why, as one sentence: when it happens, and when it is read back from what was written down.

use super::causes;
use super::language::{Language, say};
use ballast_guard::plan::Strength;

/// What the sentence is made of.
#[derive(Clone, Copy, Debug)]
pub struct OutputWords<'a> {
    /// The output.
    pub name: &'a str,
    /// What it is; `None` where nobody knows, since nothing was told to it yet and its device says nothing.
    pub state: Option<&'a str>,
    /// What was asked of it.
    pub asked: &'a str,
    /// It was that before.
    pub has_stayed: bool,
    /// Nobody armed its device: nothing is told to it, and what it is its device says.
    pub is_unarmed: bool,
    /// It should be that, but cannot be reached: nobody carried it out.
    pub is_out_of_reach: bool,
    /// What it is instead, where somebody else moved it and it was left there.
    pub is_left: Option<&'a str>,
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
        let asked = causes::state(self.asked, language);
        let Some(state) = self.state.map(|state| causes::state(state, language)).filter(|_| !self.is_unarmed)
        else {
            return self.not_operated(asked, language);
        };
        let is = if let Some(left) = self.is_left {
            let left = causes::state(left, language);
            say!(
                language,
                "{name} should be {state} and is {left}",
                "{name} devrait être {state} et est {left}"
            )
        } else if self.is_out_of_reach {
            say!(
                language,
                "{name} should be {state} and cannot be reached",
                "{name} devrait être {state} et est injoignable"
            )
        } else {
            let stays = if self.has_stayed { language.say("stays ", "reste ") } else { "" };
            format!("{name} {stays}{state}")
        };
        let mut sentence = if self.state == Some(self.asked) && cause.is_empty() {
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

    /// Of an output to which nothing was told: never that it is in a state because somebody asked for it.
    fn not_operated(&self, asked: &str, language: Language) -> String {
        let Self { name, asker, .. } = self;
        let told = if self.is_unarmed {
            language.say("is not armed and is told nothing", "n'est pas armé et ne reçoit aucun ordre")
        } else {
            language.say("is armed and was told nothing yet", "est armé et n'a encore reçu aucun ordre")
        };
        let is = match self.state.map(|state| causes::state(state, language)) {
            Some(state) => {
                say!(language, "its device says that it is {state}", "son appareil le dit {state}")
            }
            None => language.say("its state is unknown", "son état est inconnu").to_owned(),
        };
        let asks = if self.is_asked {
            say!(language, "; {asker} asks for {asked}", " ; {asker} demande {asked}")
        } else {
            String::new()
        };
        say!(language, "{name} {told}: {is}{asks}", "{name} {told} : {is}{asks}")
    }
}

/// What happens to an output when everything else is gone, as people read it; files and programs have the English words.
pub const fn strength(strength: Strength, language: Language) -> &'static str {
    let french = match strength {
        Strength::Wired => "câblé",
        Strength::Timed => "minuté",
        Strength::Soft => "non garanti",
    };
    language.say(strength.word(), french)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_the_same_in_both_languages() {
        let words = OutputWords {
            name: "pump",
            state: Some("open"),
            asked: "closed",
            has_stayed: true,
            is_unarmed: false,
            is_out_of_reach: false,
            is_left: None,
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
        // Nor what is something else.
        let left = OutputWords { is_left: Some("closed"), ..nobody };
        assert_eq!(left.sentence(Language::En), "pump should be open and is closed: x (z)");
        assert_eq!(left.sentence(Language::Fr), "pump devrait être coupé et est connecté : x (z)");
        // What nobody operates is what its device says, and nobody's doing.
        let found = OutputWords { is_unarmed: true, ..words };
        let english =
            "pump is not armed and is told nothing: its device says that it is open; y asks for closed";
        assert_eq!(found.sentence(Language::En), english);
        let unknown = OutputWords { state: None, is_asked: false, ..found };
        let french = "pump n'est pas armé et ne reçoit aucun ordre : son état est inconnu";
        assert_eq!(unknown.sentence(Language::Fr), french);
        let fresh = OutputWords { is_unarmed: false, ..unknown };
        let english = "pump is armed and was told nothing yet: its state is unknown";
        assert_eq!(fresh.sentence(Language::En), english);
    }
}
