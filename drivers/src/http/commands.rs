//! What is sent for an output, and how the answer shows that it was understood.

use super::extract::pointers;
use super::message::Request;
use crate::pointer::{Found, Pointer};
use crate::spec::Mistakes;
use ballast_model::catalog::OutputKind;
use ballast_model::device::Settings;
use ballast_model::{Contact, Unit, Wanted};

/// How an output is told what it shall be.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    method: &'static str,
    body_type: Box<str>,
    form: Form,
    /// What an answer has, one of these, that shows that the command was understood.
    confirm: Vec<Pointer>,
}

#[derive(Clone, Debug)]
enum Form {
    Contact { open: Text, closed: Text },
    Level { unit: Unit, text: Text },
}

/// A path and what is sent with it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text {
    path: Box<str>,
    body: Option<Box<str>>,
}

/// A request for an output, without the parts that all requests have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) method: &'static str,
    pub(super) path: String,
    /// Its type and itself.
    pub(super) body: Option<(Box<str>, String)>,
}

/// Where the number of a setpoint stands.
const PLACE: &str = "{}";

impl Commands {
    /// From the keys of an output; mistakes go to `mistakes`.
    pub(super) fn read(settings: &Settings, kind: &OutputKind, mistakes: &mut Mistakes) -> Option<Self> {
        let methods = [("get", "GET"), ("post", "POST"), ("put", "PUT")];
        let method = mistakes.choice(settings, "method", &methods);
        let confirm = pointers(settings, "confirm", mistakes);
        let form = match kind {
            OutputKind::Contact => contact(settings, mistakes),
            OutputKind::Setpoint(unit) => level(settings, *unit, mistakes),
        };
        let body_type = settings.get("body_type").unwrap_or("application/json").into();
        let commands = Self { method: method?, body_type, form: form?, confirm: confirm? };
        let has_body = match &commands.form {
            Form::Contact { open, closed } => open.body.is_some() || closed.body.is_some(),
            Form::Level { text, .. } => text.body.is_some(),
        };
        if has_body && commands.method == "GET" {
            let wrong = settings.wrong("method", "nothing is sent with a GET");
            mistakes.add(wrong.help("write `method: post`, or put everything into the path"));
            return None;
        }
        Some(commands)
    }

    /// The request; `None` where the output cannot be told that.
    pub(super) fn command(&self, wanted: Wanted) -> Option<Command> {
        let (text, number) = match (&self.form, wanted) {
            (Form::Contact { open, .. }, Wanted::Contact(Contact::Open)) => (open, None),
            (Form::Contact { closed, .. }, Wanted::Contact(Contact::Closed)) => (closed, None),
            (Form::Level { unit, text }, Wanted::Level(level)) => {
                (text, Some(unit.from_base(level).to_string()))
            }
            _ => return None,
        };
        let fill = |text: &str| number.as_ref().map_or(text.to_owned(), |number| text.replace(PLACE, number));
        let body = text.body.as_ref().map(|body| (self.body_type.clone(), fill(body)));
        Some(Command { method: self.method, path: fill(&text.path), body })
    }

    /// Whether the answer shows that the command was understood.
    pub(super) fn is_confirmed(&self, body: &[u8]) -> bool {
        let is_there = |pointer: &Pointer| !matches!(pointer.find(body), None | Some(Found::Missing));
        self.confirm.is_empty() || self.confirm.iter().any(is_there)
    }
}

impl Command {
    /// As a request to `host`.
    pub(super) fn request<'a>(&'a self, host: &'a str, headers: &'a [(&'a str, &'a str)]) -> Request<'a> {
        let body = self.body.as_ref().map(|(kind, body)| (&**kind, body.as_bytes()));
        Request { method: self.method, host, path: &self.path, headers, body }
    }
}

fn contact(settings: &Settings, mistakes: &mut Mistakes) -> Option<Form> {
    for key in ["path", "body"] {
        if settings.get(key).is_some() {
            let wrong = settings.wrong(key, format!("`{key}` is for setpoints"));
            mistakes.add(wrong.help("a contact has `closed` and `open`, `closed_body` and `open_body`"));
        }
    }
    let text = |path: Option<&str>, body: &str| {
        Some(Text { path: path?.into(), body: settings.get(body).map(Box::from) })
    };
    let closed = text(path(settings, "closed", mistakes), "closed_body");
    let open = text(path(settings, "open", mistakes), "open_body");
    let (closed, open) = (closed?, open?);
    if closed == open {
        let wrong = settings.wrong("closed", "open and closed are told in the same way");
        mistakes.add(wrong.help("the two states need two requests"));
        return None;
    }
    Some(Form::Contact { open, closed })
}

fn level(settings: &Settings, unit: Unit, mistakes: &mut Mistakes) -> Option<Form> {
    for key in ["closed", "open", "closed_body", "open_body", "state_closed", "state_open"] {
        if settings.get(key).is_some() {
            let wrong = settings.wrong(key, format!("`{key}` is for contacts"));
            mistakes.add(wrong.help("a setpoint has `path` and `body`"));
        }
    }
    let path = path(settings, "path", mistakes)?;
    let body = settings.get("body");
    if !path.contains(PLACE) && !body.is_some_and(|body| body.contains(PLACE)) {
        let wrong = settings.wrong("path", "there is no place for the number");
        mistakes.add(wrong.help("write `{}` where the number shall stand, in `path` or in `body`"));
        return None;
    }
    Some(Form::Level { unit, text: Text { path: path.into(), body: body.map(Box::from) } })
}

/// A path with what is asked; a mistake where it is absent or cannot stand in a request.
pub(super) fn path<'a>(settings: &'a Settings, key: &str, mistakes: &mut Mistakes) -> Option<&'a str> {
    let path = mistakes.need(settings, key, "a request")?;
    let is_clean = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !is_clean {
        let wrong = settings.wrong(key, format!("`{path}` is not a path"));
        mistakes.add(
            wrong.help("it begins with `/`; write blanks and letters beyond ASCII as `%20` and the like"),
        );
    }
    is_clean.then_some(path)
}
