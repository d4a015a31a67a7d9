//! Devices that are asked over HTTP/1.1: one request for everything that stands in one document, as JSON or as text.
//!
//! Source: RFC 9110 and 9112. Transcripts: `tests/transcripts`. This file reads definitions; `http/poller.rs` asks and
//! reads answers, `http/access.rs` shows who asks, `http/message.rs` is HTTP as bytes, for other pollers too. Why no
//! client library: docs/decisions/0016.

mod access;
mod commands;
mod extract;
pub mod message;
mod poller;
mod settings;
mod trouble;

pub use message::{Headers, Request, Response, read};

use crate::bus::{OpenBus, Wire};
use crate::point::PointReader;
use crate::readings::Readings;
use crate::shape::{Read, Roster, Told, Unit};
use crate::spec::{DriverSpec, Mistakes, key};
use access::{Access, Scheme};
use ballast_guard::plan::Strength;
use ballast_model::catalog::{Catalog, OutputKind};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, ReadsEvery, Settings};
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{OutputId, Span};
use commands::Commands;
use extract::Place;
use poller::{Document, HttpPoller, Page, State, StateForm};
use settings::{Base, Shared};
use std::collections::BTreeMap;

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "http",
    about: "devices that are asked over HTTP or HTTPS",
    is_experimental: false,
    is_network: true,
    is_shareable: true,
    exclusive_key: None,
    strength: Strength::Soft,
    reads_every: Some(ReadsEvery { usual: PERIOD, bus_key: None }),
    bus_keys: settings::KEYS,
    point_keys: &[
        key("url", "root of the device's address (that of the bus)"),
        key(
            "path",
            "path of the document, with what is asked: `/rpc/Shelly.GetStatus`; one request serves all points of a path, as often as the point with the shortest `period` (10 s) wants it",
        ),
        key(
            "pointer",
            "JSON pointer to the value; several, separated by ` | `: the first one that is there; absent for an answer that is the value",
        ),
        key("only_if", "what the same document must say for the value to count: `/meters/0/is_valid = true`"),
    ],
    output_keys: &[
        key("url", "root of the device's address (that of the bus)"),
        key("method", "get (default), post or put"),
        key("closed", "path that connects the load: `/relay/0?turn=on`"),
        key("open", "path that cuts the load"),
        key("closed_body", "what is sent with it"),
        key("open_body", "what is sent with it"),
        key("path", "path of a setpoint, `{}` stands for the number"),
        key("body", "what is sent with it, `{}` stands for the number"),
        key("body_type", "its type (application/json)"),
        key(
            "confirm",
            "JSON pointer to something (`A | B`: one of them) in the answer without which the command was not understood",
        ),
        key(
            "state_path",
            "path of the document in which the device tells its state, asked for after each command too",
        ),
        key("state_pointer", "JSON pointer to the state; absent for an answer that is the state"),
        key("state_only_if", "what the same document must say for the state to count"),
        key("state_closed", "what it tells when the load is connected (true)"),
        key("state_open", "what it tells when the load is cut (false)"),
        key("state_period", "how often its state is asked for (10 s)"),
    ],
    open,
};

/// How often a document is asked for where nobody says it.
const PERIOD: Span = Span::from_secs(10);

/// How often it is looked whether a token is needed. Costs nothing while it is not.
const TOKEN_PERIOD: Span = Span::from_millis(250);

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let shared = settings::read(definition, &mut mistakes);
    let Some(shared) = shared else { return mistakes.finish(None) };
    let mut draft = Draft::new(shared);
    let mut readers = Vec::new();
    for point in &definition.points {
        if let Some(reader) = draft.point(point, readers.len(), catalog, &mut mistakes) {
            readers.push((point.point, reader));
        }
    }
    for output in &definition.outputs {
        draft.output(output, catalog, &mut mistakes);
    }
    let (wires, poller) = draft.finish();
    let bus = OpenBus::polled(&definition.name, &SPEC, Readings::new(readers), wires, Box::new(poller));
    mistakes.finish(Some(bus))
}

/// A poller that grows.
struct Draft {
    shared: Shared,
    roster: Roster,
    bases: Vec<Base>,
    pages: Vec<Page>,
    commands: BTreeMap<OutputId, Commands>,
}

impl Draft {
    fn new(shared: Shared) -> Self {
        let mut draft = Self {
            roster: Roster::default(),
            bases: Vec::new(),
            pages: Vec::new(),
            commands: BTreeMap::new(),
            shared,
        };
        // First of all: without it nothing else can be asked.
        if let Scheme::OAuth2 { endpoint, .. } = draft.shared.scheme.clone() {
            let unit = draft.unit(endpoint);
            draft.read(unit, TOKEN_PERIOD, Page::Token);
        }
        draft
    }

    /// The unit at that root.
    fn unit(&mut self, base: Base) -> usize {
        if let Some(place) = self.bases.iter().position(|known| *known == base) {
            return place;
        }
        let wire = self.bases.len();
        self.roster.units.push(Unit { name: base.authority().into(), wire });
        self.bases.push(base);
        wire
    }

    fn read(&mut self, unit: usize, period: Span, page: Page) -> usize {
        self.roster.reads.push(Read { unit, period, timeout: self.shared.timeout, slots: Vec::new() });
        self.pages.push(page);
        self.pages.len() - 1
    }

    /// The document of that path, asked for at least so often.
    fn document(&mut self, unit: usize, path: &str, period: Span) -> usize {
        let is_it = |(place, page): (usize, &Page)| match page {
            Page::Document(document) if *document.path == *path => {
                self.roster.reads.get(place).is_some_and(|read| read.unit == unit).then_some(place)
            }
            _ => None,
        };
        let known = self.pages.iter().enumerate().find_map(is_it);
        let place = known.unwrap_or_else(|| {
            let document =
                Document { path: path.into(), points: Vec::new(), states: Vec::new(), trouble: None };
            self.read(unit, period, Page::Document(document))
        });
        if let Some(read) = self.roster.reads.get_mut(place) {
            read.period = read.period.min(period);
        }
        place
    }

    /// Where a point or an output is reached.
    fn base(&self, settings: &Settings, mistakes: &mut Mistakes) -> Option<Base> {
        let base = settings::url(settings, "url", mistakes)?.or_else(|| self.shared.base.clone());
        if base.is_none() {
            let missing = settings.missing("url", "a device over HTTP");
            mistakes.add(missing.help("give the bus a `url`, or each of its devices one"));
        }
        base
    }

    fn point(
        &mut self,
        point: &PointDefinition,
        slot: usize,
        catalog: &Catalog,
        mistakes: &mut Mistakes,
    ) -> Option<PointReader> {
        let settings = &point.settings;
        let base = self.base(settings, mistakes);
        let path = commands::path(settings, "path", mistakes);
        let place = Place::read(settings, "", mistakes);
        let reader = PointReader::new(point, catalog, mistakes);
        let period = catalog.point(point.point)?.period.unwrap_or(PERIOD);
        let unit = self.unit(base?);
        let read = self.document(unit, path?, period);
        if let Some(read) = self.roster.reads.get_mut(read) {
            read.slots.push(slot);
        }
        if let (Some(Page::Document(document)), Some(place)) = (self.pages.get_mut(read), place) {
            document.points.push((slot, place));
        }
        reader
    }

    fn output(
        &mut self,
        output: &OutputDefinition,
        catalog: &Catalog,
        mistakes: &mut Mistakes,
    ) -> Option<()> {
        let settings = &output.settings;
        let kind = &catalog.output(output.output)?.kind;
        let base = self.base(settings, mistakes);
        let commands = Commands::read(settings, kind, mistakes);
        let unit = self.unit(base?);
        let read_back = match settings.get("state_path") {
            Some(_) => Some(self.state(output, kind, unit, mistakes)?),
            None => None,
        };
        let timeout = self.shared.timeout;
        self.roster.outputs.push(Told { output: output.output, unit, timeout, read_back });
        self.commands.insert(output.output, commands?);
        Some(())
    }

    fn state(
        &mut self,
        output: &OutputDefinition,
        kind: &OutputKind,
        unit: usize,
        mistakes: &mut Mistakes,
    ) -> Option<usize> {
        let settings = &output.settings;
        let path = commands::path(settings, "state_path", mistakes);
        let place = Place::read(settings, "state_", mistakes);
        let period = mistakes.span(settings, "state_period", PERIOD);
        let word = |key: &str, usual: &str| Box::from(settings.get(key).unwrap_or(usual));
        let form = match kind {
            OutputKind::Contact => {
                let (open, closed) = (word("state_open", "false"), word("state_closed", "true"));
                if open == closed {
                    let wrong = settings.wrong("state_closed", format!("open and closed are both `{open}`"));
                    mistakes.add(wrong.help("the two states need two words"));
                }
                StateForm::Contact { open, closed }
            }
            OutputKind::Setpoint(unit) => StateForm::Level(PointReader::of_unit(*unit)),
        };
        let read = self.document(unit, path?, period?);
        if let (Some(Page::Document(document)), Some(place)) = (self.pages.get_mut(read), place) {
            document.states.push(State { output: output.output, place, form });
        }
        Some(read)
    }

    fn finish(self) -> (Vec<Wire>, HttpPoller) {
        let Self { shared, roster, bases, pages, commands } = self;
        let wires = bases.iter().map(|base| base.wire(&shared.tls)).collect();
        let access = Access::new(shared.scheme);
        let trip = poller::Trip::default();
        let headers = shared.headers;
        (wires, HttpPoller { roster, bases, pages, commands, headers, access, trip, is_last: false })
    }
}
