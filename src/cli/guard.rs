//! Commands that speak to the guard: where it is a process of its own, on its own socket, also when no program runs.

mod acl;

use super::arguments::{Arm, Disarm, Guard, GuardAction, Site};
use super::terminal::Output;
use super::{Exit, remote};
use crate::control::guard_client;
use crate::control::protocol::Question as OfProgram;
use crate::report::guard_people;
use crate::site::state_directory;
use ballast_host::link::people::{Answer, Question, Refusal};
use ballast_host::link::{PEOPLE, sockets_of};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// `ballast guard`
pub fn guard(options: &Guard, output: &Output) -> Exit {
    if let GuardAction::Acl = options.action {
        return acl::print(&options.site.site, output);
    }
    let sockets = sockets(&options.site, options.sockets.as_deref());
    let (own, of_program) = match &options.action {
        GuardAction::Now => (Question::Now { output: None }, OfProgram::GuardNow),
        GuardAction::Reset { name } => {
            (Question::Reset { name: name.clone() }, OfProgram::GuardReset { name: name.clone() })
        }
        GuardAction::Confirm { fingerprint } => (
            Question::Confirm { fingerprint: fingerprint.clone() },
            OfProgram::GuardConfirm { fingerprint: fingerprint.clone() },
        ),
        GuardAction::Status | GuardAction::Acl => (Question::Status, OfProgram::Status),
    };
    match sockets {
        None => remote::ask(&options.site, of_program, output),
        Some(sockets) => ask(&sockets, &own, Some((&options.site, of_program)), output),
    }
}

/// `ballast arm`
pub fn arm(options: &Arm, output: &Output) -> Exit {
    let device = options.device.clone();
    match sockets(&options.site, None) {
        None => remote::ask(&options.site, OfProgram::Arm { device }, output),
        Some(sockets) => ask(&sockets, &Question::Arm { device }, None, output),
    }
}

/// `ballast disarm`
pub fn disarm(options: &Disarm, output: &Output) -> Exit {
    let (device, as_it_is) = (options.device.clone(), options.as_it_is);
    match sockets(&options.site, None) {
        None => remote::ask(&options.site, OfProgram::Disarm { device, as_it_is }, output),
        Some(sockets) => ask(&sockets, &Question::Disarm { device, as_it_is }, None, output),
    }
}

/// Where the guard of a site listens, where it is a process of its own.
fn sockets(site: &Site, asked: Option<&Path>) -> Option<PathBuf> {
    sockets_of(&site.site, &state_directory(&site.site, site.state.as_deref()), asked)
}

/// Asks the guard and prints its answer. A name to reset that it does not know may be that of a generator, which the program
/// has, where one runs.
fn ask(sockets: &Path, question: &Question, program: Option<(&Site, OfProgram)>, output: &Output) -> Exit {
    let answer = match guard_client::ask(sockets, question) {
        Ok(answer) => answer,
        Err(error) => {
            let place = sockets.join(PEOPLE).display().to_string();
            let text = guard_people::no_guard(&place, &error, output.language_of_answers());
            if error.kind() == ErrorKind::PermissionDenied {
                return output.refuse(Exit::Failed, &text);
            }
            return output.refuse_with(Exit::NotRunning, &text, &guard_people::no_guard_data(&place));
        }
    };
    let is_unknown = matches!(&answer, Answer::Refused(Refusal::UnknownName { .. }));
    if let (Question::Reset { .. }, true, Some((site, of_program))) = (question, is_unknown, program)
        && let Some(answer) = remote::try_ask(site, of_program, output)
    {
        return remote::print(&answer, output);
    }
    remote::print(&guard_people::told(question, &answer, output.language_of_answers()), output)
}
