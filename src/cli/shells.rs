//! Completions and man pages, from the same definition as the help.

use super::Exit;
use super::arguments::Arguments;
use super::terminal::Output;
use crate::report::language::say;
use clap::CommandFactory;
use std::path::Path;

/// Prints completions for a shell.
pub fn completions(shell: clap_complete::Shell, output: &Output) -> Exit {
    // Into memory first: the generator gives up with a panic when its reader goes away.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ballast", &mut text);
    output.line(String::from_utf8_lossy(&text).trim_end());
    Exit::Done
}

/// Writes one man page per command.
pub fn manual(directory: &Path, output: &Output) -> Exit {
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), directory));
    match written {
        Ok(()) => {
            let shown = directory.display();
            let text =
                say!(output.language, "man pages written to {shown}", "pages de manuel écrites dans {shown}");
            output.answer(&text, &serde_json::json!({ "directory": directory }));
            Exit::Done
        }
        Err(error) => {
            let shown = directory.display();
            let text = say!(
                output.language_of_answers(),
                "man pages cannot be written to {shown}: {error}",
                "les pages de manuel ne peuvent pas être écrites dans {shown} : {error}"
            );
            output.refuse(Exit::Failed, &text)
        }
    }
}
