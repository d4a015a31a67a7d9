//! Asks for documents, feeds every point that stands in one, and tells outputs what they shall be.
//!
//! It must never follow a request of ours to another server, nor take a page for people for a value.

use super::access::{Access, Line};
use super::commands::{Command, Commands};
use super::extract::{Place, Said, is_json, is_page};
use super::message::{Headers, Response, read};
use super::settings::Base;
use super::trouble::Trouble;
use crate::limits::REDIRECTS_MAX;
use crate::point::{PointReader, Raw};
use crate::readings::{Freshness, Readings, Report};
use crate::shape::{Answer, Heed, Job, Poller, Roster};
use ballast_model::{Mono, OutputId, Quality, Reason, Wanted};
use std::collections::BTreeMap;

/// What one request brings.
#[derive(Debug)]
pub(super) enum Page {
    /// A document of a device.
    Document(Document),
    /// A token.
    Token,
}

/// A document and everything that stands in it.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: Box<str>,
    /// Slots of points, and where they stand.
    pub(super) points: Vec<(usize, Place)>,
    /// Outputs, and where their states stand.
    pub(super) states: Vec<State>,
    /// What was said of it last.
    pub(super) trouble: Option<Trouble>,
}

/// How an output shows what it is.
#[derive(Debug)]
pub(super) struct State {
    pub(super) output: OutputId,
    pub(super) place: Place,
    pub(super) form: StateForm,
}

#[derive(Debug)]
pub(super) enum StateForm {
    Contact { open: Box<str>, closed: Box<str> },
    Level(PointReader),
}

/// A bus of devices that are asked over HTTP.
pub(super) struct HttpPoller {
    pub(super) roster: Roster,
    /// Where the units of the roster are.
    pub(super) bases: Vec<Base>,
    /// What its reads bring.
    pub(super) pages: Vec<Page>,
    pub(super) commands: BTreeMap<OutputId, Commands>,
    pub(super) headers: Vec<Line>,
    pub(super) access: Access,
    pub(super) trip: Trip,
    /// The device closes the connection behind its answer.
    pub(super) is_last: bool,
}

/// How far the job that is under way has come.
#[derive(Debug, Default)]
pub(super) struct Trip {
    /// The next request belongs to the same job.
    goes_on: bool,
    /// Where the device sent us.
    path: Option<String>,
    redirects: u32,
    /// It was shown who asks, as the device wanted it.
    has_shown: bool,
}

impl HttpPoller {
    fn unit(&self, job: Job) -> Option<usize> {
        match job {
            Job::Read(read) => self.roster.reads.get(read).map(|read| read.unit),
            Job::Write { output, .. } => {
                self.roster.outputs.iter().find(|told| told.output == output).map(|told| told.unit)
            }
        }
    }

    /// What is to be sent, without header lines; for a token also the line that shows who we are.
    fn command(&mut self, job: Job) -> Option<(Command, Option<Line>)> {
        match job {
            Job::Read(read) => match self.pages.get(read)? {
                Page::Document(document) => {
                    let path = self.trip.path.take().unwrap_or_else(|| document.path.to_string());
                    Some((Command { method: "GET", path, body: None }, None))
                }
                Page::Token => {
                    let (line, form) = self.access.token_request();
                    let kind = "application/x-www-form-urlencoded".into();
                    // The whole path of the endpoint is its root's prefix.
                    Some((Command { method: "POST", path: String::new(), body: Some((kind, form)) }, line))
                }
            },
            Job::Write { output, wanted } => Some((self.commands.get(&output)?.command(wanted)?, None)),
        }
    }

    fn is_token(&self, job: Job) -> bool {
        matches!(job, Job::Read(read) if matches!(self.pages.get(read), Some(Page::Token)))
    }

    /// A whole response to a job.
    fn take(&mut self, job: Job, response: &Whole<'_>, now: Mono, out: &mut Readings) -> Answer {
        let is_done = (200..300).contains(&response.status);
        if matches!(response.status, 401 | 403) && !self.is_token(job) {
            let Some(unit) = self.unit(job) else { return Answer::Strange };
            let can_show = response.status == 401 && self.access.refused(unit, &response.headers);
            if can_show && !self.trip.has_shown {
                (self.trip.has_shown, self.trip.goes_on) = (true, true);
                return Answer::GoOn;
            }
        }
        match job {
            Job::Read(read) if self.is_token(job) => {
                let is_token = self.access.take_token(is_done.then_some(response.body), now);
                let trouble = (!is_token).then(|| Trouble::of_token(response, self.access.lack()));
                self.tell(read, trouble, now, out);
                outcome(is_token, response.used)
            }
            Job::Read(read) => self.read(read, response, now, out),
            Job::Write { output, .. } => {
                if (300..400).contains(&response.status) {
                    // Something may have been done before we were sent elsewhere.
                    return Answer::Strange;
                }
                let confirms = self.commands.get(&output).is_some_and(|one| one.is_confirmed(response.body));
                outcome(is_done && confirms, response.used)
            }
        }
    }

    fn read(&mut self, read: usize, response: &Whole<'_>, now: Mono, out: &mut Readings) -> Answer {
        if matches!(response.status, 301 | 302 | 303 | 307 | 308)
            && let Some(path) = self.redirected(read, response)
        {
            (self.trip.path, self.trip.goes_on) = (Some(path), true);
            self.trip.redirects += 1;
            return Answer::GoOn;
        }
        let lack = self.access.lack().map(str::to_owned);
        let Some(Page::Document(document)) = self.pages.get(read) else { return Answer::Strange };
        let trouble = document.trouble_of(response, lack.as_deref());
        let answer = if trouble.is_some() {
            document.points.iter().for_each(|(slot, _)| out.bad(*slot, Reason::NotAValue, now));
            document.states.iter().for_each(|state| state.unknown(now, out));
            Answer::Refused { used: response.used }
        } else {
            let mut heed = Heed::default();
            for (slot, place) in &document.points {
                let is_good = put(*slot, place.find(response.body), now, out);
                *(if is_good { &mut heed.good } else { &mut heed.bad }) += 1;
            }
            document.states.iter().for_each(|state| state.take(response.body, now, out));
            Answer::Done { used: response.used, heed }
        };
        self.tell(read, trouble, now, out);
        answer
    }

    /// Where a document is to be asked for instead, on the same server.
    fn redirected(&self, read: usize, response: &Whole<'_>) -> Option<String> {
        let here = self.bases.get(self.roster.reads.get(read)?.unit)?;
        let place = response.headers.get("Location").filter(|_| self.trip.redirects < REDIRECTS_MAX)?;
        if place.starts_with('/') && !place.starts_with("//") {
            return Some(place.to_owned());
        }
        let start = place.find("://")? + 3;
        let path = place.get(start..)?.find('/').map(|slash| start + slash)?;
        let (root, path) = place.split_at(path);
        Base::parse(root)?.is_same_server(here).then(|| path.to_owned())
    }

    /// Says once what is wrong with a document, and that nothing is any more.
    fn tell(&mut self, read: usize, trouble: Option<Trouble>, at: Mono, out: &mut Readings) {
        let unit = self.roster.reads.get(read).and_then(|read| self.roster.units.get(read.unit));
        let name = unit.map_or("", |unit| &unit.name);
        let (path, known) = match self.pages.get_mut(read) {
            Some(Page::Document(document)) => (&*document.path, &mut document.trouble),
            // A token is fetched again after a long pause only.
            Some(Page::Token) | None => ("", &mut None),
        };
        if *known == trouble {
            return;
        }
        let (is_up, what) = match &trouble {
            Some(trouble) => (false, trouble.to_string()),
            None => (true, "answers with data again".to_owned()),
        };
        // What stands behind `?` may be a secret.
        let path = path.split('?').next().unwrap_or_default();
        let text: Box<str> = format!("{name}{path} {what}").into();
        *known = trouble;
        if let Some(Page::Document(document)) = self.pages.get(read) {
            // Who asks why a point has no value is told the same.
            let points = document.points.iter().filter_map(|(slot, _)| out.point(*slot)).collect();
            let outputs = document.states.iter().map(|state| state.output).collect();
            let why = (!is_up).then(|| text.clone());
            out.report(Report::Unclear { points, outputs, text: why, at });
        }
        out.report(Report::Link { is_up, text, at });
    }
}

/// A response that is whole.
pub(super) struct Whole<'a> {
    pub(super) status: u16,
    pub(super) headers: Headers<'a>,
    pub(super) body: &'a [u8],
    pub(super) used: usize,
}

fn outcome(is_done: bool, used: usize) -> Answer {
    if is_done {
        Answer::Done { used, heed: Heed { good: 1, ..Heed::default() } }
    } else {
        Answer::Refused { used }
    }
}

fn put(slot: usize, said: Said<'_>, now: Mono, out: &mut Readings) -> bool {
    match said {
        Said::Number(number) => out.put(slot, Raw::Number(number), Freshness::Live, now),
        Said::Text(text) => out.put(slot, Raw::Text(text.as_bytes()), Freshness::Live, now),
        Said::Invalid => {
            out.bad(slot, Reason::Device, now);
            false
        }
        Said::Nothing => {
            out.bad(slot, Reason::NotAValue, now);
            false
        }
    }
}

impl Document {
    fn trouble_of(&self, response: &Whole<'_>, lack: Option<&str>) -> Option<Trouble> {
        if let Some(trouble) = Trouble::of_status(response, lack) {
            return Some(trouble);
        }
        let mut places = self.points.iter().map(|(_, place)| place);
        let wants_json =
            places.any(Place::wants_json) || self.states.iter().any(|one| one.place.wants_json());
        if is_page(response.body) {
            Some(Trouble::Page)
        } else if wants_json && !is_json(response.body) {
            Some(Trouble::NotJson)
        } else {
            None
        }
    }
}

impl State {
    fn unknown(&self, at: Mono, out: &mut Readings) {
        let quality = Quality::Bad(Reason::NotAValue);
        out.report(Report::Actual { output: self.output, actual: None, quality, at });
    }

    fn take(&self, body: &[u8], at: Mono, out: &mut Readings) {
        let said = self.place.find(body);
        let actual = match &self.form {
            StateForm::Contact { open, closed } => {
                let word = match said {
                    Said::Number(number) => number.to_string(),
                    Said::Text(text) => text.into_owned(),
                    Said::Invalid | Said::Nothing => return self.unknown(at, out),
                };
                match word {
                    word if *word == **closed => Some(Wanted::CLOSED),
                    word if *word == **open => Some(Wanted::OPEN),
                    _ => None,
                }
            }
            StateForm::Level(reader) => {
                let value = match &said {
                    Said::Number(number) => reader.read(Raw::Number(*number)).ok(),
                    Said::Text(text) => reader.read(Raw::Text(text.as_bytes())).ok(),
                    Said::Invalid | Said::Nothing => None,
                };
                value.and_then(|value| value.number()).map(Wanted::Level)
            }
        };
        if actual.is_none() {
            return self.unknown(at, out);
        }
        out.report(Report::Actual { output: self.output, actual, quality: Quality::Good, at });
    }
}

impl Poller for HttpPoller {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn wants(&mut self, read: usize, now: Mono) -> bool {
        if self.is_token(Job::Read(read)) { self.access.wants_token(now) } else { self.access.is_ready(now) }
    }

    fn ask(&mut self, job: Job, request: &mut Vec<u8>) -> bool {
        if !std::mem::take(&mut self.trip.goes_on) {
            self.trip = Trip::default();
        }
        let is_redirected = self.trip.path.is_some();
        let Some(unit) = self.unit(job) else { return false };
        let Some((mut command, line)) = self.command(job) else { return false };
        let Some(base) = self.bases.get(unit) else { return false };
        if !is_redirected {
            command.path.insert_str(0, &base.prefix);
        }
        if command.path.is_empty() {
            command.path.push('/');
        }
        let body = command.body.as_ref().map_or(&b""[..], |(_, body)| body.as_bytes());
        let line = match line {
            None if !self.is_token(job) => self.access.line(unit, command.method, &command.path, body),
            line => line,
        };
        let usual =
            [("User-Agent", "ballast"), ("Accept", "application/json, */*"), ("Accept-Encoding", "identity")];
        let own = self.headers.iter().chain(&line).map(|(name, value)| (&**name, &**value));
        let headers: Vec<(&str, &str)> = usual.into_iter().chain(own).collect();
        command.request(&base.authority(), &headers).write(request)
    }

    fn answer(&mut self, job: Job, bytes: &[u8], is_end: bool, now: Mono, out: &mut Readings) -> Answer {
        match read(bytes, is_end) {
            Response::Unfinished => Answer::Unfinished,
            Response::Damaged => Answer::Strange,
            Response::Whole { status, headers, body, used } => {
                self.is_last = headers.is_last();
                self.take(job, &Whole { status, headers, body: &body, used }, now, out)
            }
        }
    }

    fn hangs_up(&mut self) -> bool {
        std::mem::take(&mut self.is_last)
    }

    fn reset(&mut self, _: usize) {
        self.trip = Trip::default();
    }
}
