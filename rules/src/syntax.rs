//! The statements of the language, as custom syntax of the parser.
//!
//! The parser calls back with what it has read so far; the answer is what must come next. A letter is kept for each
//! piece, so that the pieces can be named again when the statement is taken out of the tree. Nothing registered here is
//! ever executed.

use ballast_model::diagnostic::did_you_mean;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, LexError, ParseError, Position};

/// Words that cannot name a device, a point or a variable, since they start a statement.
pub const RESERVED: [&str; 6] = ["rule", "every", "at", "campaign", "wait", "rest"];

/// The pieces of `rule`, in the order of its inputs.
pub(crate) mod rule {
    pub(crate) const NAME: char = 'n';
    pub(crate) const PRIORITY: char = 'p';
    pub(crate) const VARIABLE: char = 'x';
    pub(crate) const GROUP: char = 'g';
    pub(crate) const WHEN: char = 'w';
    pub(crate) const WHEN_FOR: char = 'f';
    pub(crate) const UNTIL: char = 'u';
    pub(crate) const UNTIL_FOR: char = 'h';
    pub(crate) const UNKNOWN: char = 'k';
    pub(crate) const BLOCK: char = 'b';
    /// `only` of a campaign; the condition of `wait until`.
    pub(crate) const CONDITION: char = 'c';
    /// `timeout` of `wait until`.
    pub(crate) const TIMEOUT: char = 't';
}

type Next = Result<Option<ImmutableString>, ParseError>;

/// Registers every statement.
pub(crate) fn register(engine: &mut Engine) {
    engine.register_custom_syntax_with_state_raw(
        "rule",
        |symbols, ahead, state| step(state, symbols.len(), |last| rule_step(last, ahead)),
        false,
        |_, _, _| never(),
    );
    engine.register_custom_syntax_with_state_raw(
        "campaign",
        |symbols, ahead, state| step(state, symbols.len(), |last| campaign_step(last, ahead)),
        false,
        |_, _, _| never(),
    );
    engine.register_custom_syntax_with_state_raw(
        "wait",
        |symbols, ahead, state| step(state, symbols.len(), |last| wait_step(last, ahead)),
        false,
        |_, _, _| never(),
    );
    for word in ["every", "at"] {
        engine.register_custom_syntax_with_state_raw(
            word,
            move |symbols, ahead, state| step(state, symbols.len(), |last| event_step(word, last, ahead)),
            false,
            |_, _, _| never(),
        );
    }
    engine.register_custom_syntax_with_state_raw(
        "rest",
        |symbols, ahead, state| step(state, symbols.len(), |last| rest_step(last, ahead)),
        false,
        |_, _, _| never(),
    );
}

fn never() -> Result<Dynamic, Box<EvalAltResult>> {
    Err(Box::new(EvalAltResult::ErrorRuntime("a statement is never executed".into(), Position::NONE)))
}

/// Asks for the next piece and remembers its letter: small letters are inputs, capitals are keywords.
fn step(
    state: &mut Dynamic,
    count: usize,
    next: impl FnOnce(char) -> Result<Option<(char, &'static str)>, ParseError>,
) -> Next {
    if count <= 1 {
        *state = Dynamic::from(ImmutableString::new());
    }
    let letters: ImmutableString = state.clone().try_cast().unwrap_or_default();
    let Some((letter, symbol)) = next(letters.chars().last().unwrap_or(' '))? else { return Ok(None) };
    let mut letters = letters.to_string();
    letters.push(letter);
    *state = Dynamic::from(ImmutableString::from(letters));
    Ok(Some(symbol.into()))
}

const TEXT: &str = "$string$";
const EXPRESSION: &str = "$expr$";
const IDENTIFIER: &str = "$ident$";
const BLOCK: &str = "$block$";

fn rule_step(last: char, ahead: &str) -> Result<Option<(char, &'static str)>, ParseError> {
    let next = match last {
        ' ' => (rule::NAME, TEXT),
        'P' => (rule::PRIORITY, "$int$"),
        'E' => (rule::VARIABLE, IDENTIFIER),
        rule::VARIABLE => ('I', "in"),
        'I' => (rule::GROUP, IDENTIFIER),
        'W' => (rule::WHEN, EXPRESSION),
        'F' => (rule::WHEN_FOR, TEXT),
        'U' => (rule::UNTIL, EXPRESSION),
        'H' => (rule::UNTIL_FOR, TEXT),
        'K' => (rule::UNKNOWN, TEXT),
        rule::BLOCK => return Ok(None),
        // That `when` is missing is said with the rest of the rule.
        rule::NAME | rule::PRIORITY | rule::GROUP if ahead == "{" => (rule::BLOCK, BLOCK),
        rule::NAME => {
            choose(ahead, "the name of a rule", &[('P', "priority"), ('E', "each"), ('W', "when")])?
        }
        rule::PRIORITY => choose(ahead, "the priority", &[('E', "each"), ('W', "when")])?,
        rule::GROUP => choose(ahead, "the group", &[('W', "when")])?,
        rule::WHEN => choose(
            ahead,
            "the condition of `when`",
            &[('F', "for"), ('U', "until"), ('K', "unknown"), (rule::BLOCK, "{")],
        )?,
        rule::WHEN_FOR => choose(ahead, "`for`", &[('U', "until"), ('K', "unknown"), (rule::BLOCK, "{")])?,
        rule::UNTIL => {
            choose(ahead, "the condition of `until`", &[('H', "for"), ('K', "unknown"), (rule::BLOCK, "{")])?
        }
        rule::UNTIL_FOR => choose(ahead, "`for`", &[('K', "unknown"), (rule::BLOCK, "{")])?,
        _ => choose(ahead, "`unknown`", &[(rule::BLOCK, "{")])?,
    };
    Ok(Some(next))
}

fn campaign_step(last: char, ahead: &str) -> Result<Option<(char, &'static str)>, ParseError> {
    Ok(Some(match last {
        ' ' => (rule::NAME, TEXT),
        rule::NAME => choose(ahead, "the name of a campaign", &[('O', "only"), (rule::BLOCK, "{")])?,
        'O' => (rule::CONDITION, EXPRESSION),
        rule::CONDITION => choose(ahead, "the condition of `only`", &[(rule::BLOCK, "{")])?,
        _ => return Ok(None),
    }))
}

fn wait_step(last: char, ahead: &str) -> Result<Option<(char, &'static str)>, ParseError> {
    Ok(match last {
        ' ' => Some(choose(ahead, "`wait`", &[('U', "until")])?),
        'U' => Some((rule::CONDITION, EXPRESSION)),
        rule::CONDITION if ahead == "timeout" => Some(('T', "timeout")),
        'T' => Some((rule::TIMEOUT, TEXT)),
        _ => None,
    })
}

fn event_step(word: &str, last: char, ahead: &str) -> Result<Option<(char, &'static str)>, ParseError> {
    Ok(Some(match last {
        ' ' => (rule::NAME, TEXT),
        rule::NAME => choose(ahead, &format!("the time of `{word}`"), &[(rule::BLOCK, "{")])?,
        _ => return Ok(None),
    }))
}

fn rest_step(last: char, _: &str) -> Result<Option<(char, &'static str)>, ParseError> {
    Ok((last == ' ').then_some((rule::TIMEOUT, TEXT)))
}

/// The keyword that comes, when it is one of those that may come here.
fn choose(
    ahead: &str,
    after: &str,
    known: &[(char, &'static str)],
) -> Result<(char, &'static str), ParseError> {
    if let Some((letter, word)) = known.iter().find(|(_, word)| *word == ahead) {
        return Ok((*letter, if *word == "{" { BLOCK } else { word }));
    }
    let words: Vec<String> = known.iter().map(|(_, word)| format!("`{word}`")).collect();
    let mut message = format!("after {after} comes {}", words.join(", ").replace(", `{`", " or `{`"));
    let keywords = known.iter().map(|(_, word)| *word).filter(|word| *word != "{");
    if let Some(near) = did_you_mean(ahead, keywords) {
        message = format!("{message}; did you mean `{near}`?");
    }
    Err(LexError::ImproperSymbol(ahead.to_string(), message).into_err(Position::NONE))
}
