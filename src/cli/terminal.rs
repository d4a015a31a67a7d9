//! Printing: to people in their language and with colours on a terminal only, to programs as JSON.

use super::Exit;
use super::arguments::Format;
use crate::report::language::{Language, say};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// Where answers go and in which form.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Text or JSON.
    pub format: Format,
    /// For text.
    pub language: Language,
}

/// Something went wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Someone should look.
pub const LOOK: Style = AnsiColor::Yellow.on_default();
/// All is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Less important.
pub const FAINT: Style = Style::new().dimmed();
/// The word that matters.
pub const STRONG: Style = Style::new().bold();

impl Output {
    /// As asked on the command line, else as the environment says.
    pub fn new(format: Format, language: Option<Language>) -> Self {
        Self { format, language: language.unwrap_or_else(Language::of_environment) }
    }

    /// Prints a line on the standard output. A reader that has gone away is not a failure.
    pub fn line(&self, text: &str) {
        let _ = writeln!(anstream::stdout(), "{text}");
    }

    /// Prints a piece of a line on the standard output, at once: for what is drawn over later.
    pub fn piece(&self, text: &str) {
        let mut stdout = anstream::stdout();
        let _ = write!(stdout, "{text}").and_then(|()| stdout.flush());
    }

    /// Prints a line on the error output.
    pub fn complain(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// Prints an answer in the form that was asked for.
    pub fn answer(&self, text: &str, data: &Value) {
        match self.format {
            Format::Text => self.line(text.trim_end()),
            Format::Json => self.line(&data.to_string()),
        }
    }

    /// Ends a command that was refused or failed: for people a sentence on the error output, for programs one document on
    /// the standard output. Every such command ends here, with a sentence in [`Self::language_of_answers`].
    pub fn refuse(&self, exit: Exit, text: &str) -> Exit {
        self.refuse_with(exit, text, &Value::Null)
    }

    /// The same where programs are told more than the sentence.
    pub fn refuse_with(&self, exit: Exit, text: &str, data: &Value) -> Exit {
        match self.format {
            Format::Text => self.complain(&styled(BAD, text.trim_end())),
            Format::Json => self.line(&refusal(text, data).to_string()),
        }
        exit
    }

    /// The same for files with mistakes: drawn for people, if they have not seen them yet, and as rows for programs.
    pub fn mistakes(&self, drawn: Option<&str>, found: &Value) -> Exit {
        match (self.format, drawn) {
            (Format::Text, None) => {}
            (Format::Text, Some(drawn)) => self.complain(drawn.trim_end()),
            (Format::Json, _) => {
                let data = json!({ "found": found });
                self.line(&refusal("there are mistakes in the files", &data).to_string());
            }
        }
        Exit::Mistakes
    }

    /// What is refused with where a file or a folder cannot be read.
    pub fn unreadable(&self, path: &Path, error: &std::io::Error) -> String {
        let (shown, language) = (path.display(), self.language_of_answers());
        say!(language, "{shown} cannot be read: {error}", "{shown} ne peut pas être lu : {error}")
    }

    /// That a file cannot be written, and why.
    pub fn unwritten(&self, path: &Path, error: &std::io::Error) -> String {
        let (shown, language) = (path.display(), self.language_of_answers());
        say!(language, "{shown} cannot be written: {error}", "{shown} ne peut pas être écrit : {error}")
    }

    /// Whether answers are French.
    pub fn is_french(&self) -> bool {
        self.language == Language::Fr
    }

    /// The language of an answer: programs get English, so that JSON is the same in every language.
    pub fn language_of_answers(&self) -> Language {
        match self.format {
            Format::Text => self.language,
            Format::Json => Language::En,
        }
    }

    /// The English or the French text.
    pub fn say<'a>(&self, english: &'a str, french: &'a str) -> &'a str {
        self.language.say(english, french)
    }
}

/// How many columns the terminal behind the standard output has; nothing where there is none, or it does not say.
pub fn width_of_output() -> Option<usize> {
    width(rustix::termios::tcgetwinsize(std::io::stdout()))
}

/// The same of the error output.
pub fn width_of_errors() -> Option<usize> {
    width(rustix::termios::tcgetwinsize(std::io::stderr()))
}

fn width(size: rustix::io::Result<rustix::termios::Winsize>) -> Option<usize> {
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// What a program reads of a refusal: `ok` is false and `error` says why, whatever else there is.
fn refusal(text: &str, data: &Value) -> Value {
    let mut fields = data.as_object().cloned().unwrap_or_default();
    fields.insert("ok".to_owned(), Value::Bool(false));
    if !fields.get("error").is_some_and(Value::is_string) {
        fields.insert("error".to_owned(), text.trim_end().into());
    }
    Value::Object(fields)
}

/// Text in a style; the style is dropped later where there is no terminal.
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
