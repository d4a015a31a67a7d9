//! The timeline of a test: at each moment what happens, and what is expected then.

use super::act::{Act, Acts};
use super::bounds::Bounds;
use super::file::measured;
use crate::report::language::Language;
use crate::report::names;
use crate::site::Running;
use ballast_config::codes;
use ballast_config::decode::fields::Fields;
use ballast_config::decode::quantity::duration;
use ballast_config::decode::scalar::{self, text};
use ballast_config::decode::shape::{Form, MapShape, Others, optional, required};
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_config::tree::{Entry, Kind as NodeKind, Node};
use ballast_model::catalog::{Noun, OutputKind, OutputSpec};
use ballast_model::quantity::parse_quantity;
use ballast_model::{Dimension, OutputId, PointId, Span, Wanted};

/// The longest test.
const LENGTH_MAX: Span = Span::from_secs(400 * 86_400);

/// One moment.
#[derive(Clone, Debug)]
pub struct Look {
    /// Time since the beginning.
    pub at: Span,
    /// What happens then, before anybody looks.
    pub acts: Vec<(Place, Act)>,
    /// What is expected, in the order of the file.
    pub expected: Vec<(Place, Expected)>,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// An output is in this state.
    State(OutputId, Wanted),
    /// What is said of why an output is as it is has this in it.
    Because(OutputId, String),
    /// A rule is active, or is not.
    Rule(u32, bool),
    /// A point reads so now, or read so whenever it read something since the moment before; as it was written.
    Reads(PointId, Bounds, bool, String),
    /// Since the moment before, an alarm was raised that has this in it.
    Alarm(String),
    /// Since the moment before, no alarm was raised.
    NoAlarm,
    /// Since the moment before, something was written down that has this in it.
    Told(String),
}

pub(super) static LOOK: MapShape = MapShape {
    what: "a moment",
    others: Others::Refused,
    keys: &[
        required("at", Form::Quantity(Dimension::Duration), "time since the beginning of the test, `1 min`."),
        optional(
            "do",
            Form::OneOf(&[Form::Text, Form::List(&Form::Text)]),
            "what happens then, before anybody looks: `restart`, `broker gone`.",
        ),
        optional("outputs", Form::Named(&Form::Text), "the state of outputs, `school: open`."),
        optional("because", Form::Named(&Form::Text), "a part of what `ballast why` says of an output."),
        optional(
            "readings",
            Form::Named(&Form::Text),
            "what points read then, `meter.frequency: 49.8..50.2 Hz`.",
        ),
        optional(
            "throughout",
            Form::Named(&Form::Text),
            "what they read all the time since the moment before.",
        ),
        optional("active", Form::List(&Form::Text), "rules that are active."),
        optional("idle", Form::List(&Form::Text), "rules that are not active."),
        optional(
            "alarms",
            Form::List(&Form::Text),
            "parts of the alarms since the moment before; `[]`: there was none.",
        ),
        optional("told", Form::List(&Form::Text), "parts of what was written down since the moment before."),
    ],
};

/// Reads the moments of one test, in their order.
pub struct Timeline<'a> {
    running: &'a Running,
    acts: Acts,
    /// No moment may lie before this.
    earliest: Span,
    /// The power is cut until then.
    dark: bool,
}

impl<'a> Timeline<'a> {
    /// Nothing was read yet; `on_plant`: a village is behind the readings.
    pub fn new(running: &'a Running, on_plant: bool) -> Self {
        Self { running, acts: Acts::new(on_plant), earliest: Span::ZERO, dark: false }
    }

    /// Reads all moments; `None` where one of them has a mistake.
    pub fn read(mut self, node: &Node, out: &mut Diagnostics) -> Option<Vec<Look>> {
        let mistakes = out.mistakes();
        let looks = scalar::list(node, "a list of moments", out, |node, out| self.look(node, out))?;
        if out.mistakes() == mistakes && looks.iter().all(|look| look.expected.is_empty()) {
            let message = "a test that expects nothing always passes";
            let help = "write `- { at: 1 min, outputs: { OUTPUT: open } }`";
            out.push(node.head_place().mistake(codes::TEST_TIME, message).help(help));
        }
        (out.mistakes() == mistakes).then_some(looks)
    }

    fn look(&mut self, node: &Node, out: &mut Diagnostics) -> Option<Look> {
        let fields = Fields::read(node, &LOOK, out)?;
        let at = fields.get("at").and_then(|node| duration(node, out));
        let at = at.map(|found| (Span::from_nanos(found.value.nanos()), found.place));
        if let Some((at, place)) = at {
            self.in_order(at, place, out);
        }
        let acts = self.acts_of(&fields, out);
        let mut expected = Vec::new();
        self.states(&fields, &mut expected, out);
        self.reasons(&fields, &mut expected, out);
        self.readings(&fields, &mut expected, out);
        self.rules(&fields, &mut expected, out);
        said(&fields, &mut expected, out);
        let (at, _) = at?;
        let cuts = acts
            .iter()
            .filter_map(|(place, act)| Some((place, act)).filter(|(_, act)| act.length() > Span::ZERO));
        for (place, act) in cuts {
            (self.earliest, self.dark) = (self.earliest.max(at).plus(act.length()), true);
            if !expected.is_empty() {
                let message = "nobody can look at this moment: the power is cut then";
                out.push(
                    place
                        .mistake(codes::TEST_TIME, message)
                        .help("look when it is back, in a moment of its own"),
                );
            }
        }
        if !has_any(&fields) {
            let message = "nothing happens at this moment, and nothing is expected";
            let help = "add `outputs:`, `because:`, `readings:`, `throughout:`, `active:`, `idle:`, `alarms:`, `told:` or `do:`";
            out.push(fields.head().mistake(codes::TEST_TIME, message).help(help));
        }
        Some(Look { at, acts, expected })
    }

    /// Moments stand in the order of time.
    fn in_order(&mut self, at: Span, place: Place, out: &mut Diagnostics) {
        if at > LENGTH_MAX {
            let message = format!("a test lasts at most {LENGTH_MAX}");
            out.push(
                place.mistake(codes::TEST_TIME, message).help("begin another test, with another `start`"),
            );
        } else if at < self.earliest && self.dark {
            let message = format!("the power is cut until {}", self.earliest);
            out.push(place.mistake(codes::TEST_TIME, message).help("look when it is back"));
        } else if at < self.earliest {
            let message = "this moment lies before the one above it";
            out.push(place.mistake(codes::TEST_TIME, message).help("write the moments in the order of time"));
        } else {
            (self.earliest, self.dark) = (at, false);
        }
    }

    fn acts_of(&mut self, fields: &Fields<'_>, out: &mut Diagnostics) -> Vec<(Place, Act)> {
        let Some(node) = fields.get("do") else { return Vec::new() };
        let nodes = match &node.kind {
            NodeKind::List(list) => list.items.iter().collect(),
            _ => vec![node],
        };
        nodes.into_iter().filter_map(|node| self.acts.read(node, self.running, out)).collect()
    }

    fn states(&self, fields: &Fields<'_>, expected: &mut Vec<(Place, Expected)>, out: &mut Diagnostics) {
        for (entry, id, spec) in self.outputs(fields, "outputs", out) {
            let Some(found) = text(&entry.value, out) else { continue };
            match state(spec, found.value) {
                Some(wanted) => expected.push((found.place, Expected::State(id, wanted))),
                None => {
                    let takes = match &spec.kind {
                        OutputKind::Contact => "`open` or `closed`".to_owned(),
                        OutputKind::Setpoint(_) => {
                            format!("a number with its unit, `{}`", spec.show(spec.default))
                        }
                    };
                    let message = format!("`{}` is no state of `{}`", found.value, spec.name);
                    out.push(found.place.mistake(codes::TEST_NAME, message).help(format!("write {takes}")));
                }
            }
        }
    }

    fn reasons(&self, fields: &Fields<'_>, expected: &mut Vec<(Place, Expected)>, out: &mut Diagnostics) {
        for (entry, id, _) in self.outputs(fields, "because", out) {
            if let Some(found) = text(&entry.value, out) {
                expected.push((found.place, Expected::Because(id, found.value.to_owned())));
            }
        }
    }

    fn readings(&self, fields: &Fields<'_>, expected: &mut Vec<(Place, Expected)>, out: &mut Diagnostics) {
        for (key, is_throughout) in [("readings", false), ("throughout", true)] {
            let Some(node) = fields.get(key) else { continue };
            let NodeKind::Map(map) = &node.kind else {
                let message = format!("`{key}` has points with what is expected of them");
                let help = "write `meter.frequency: 49.8..50.2 Hz`";
                out.push(node.head_place().mistake(codes::TEST_NAME, message).help(help));
                continue;
            };
            for entry in &map.entries {
                let Some((id, found)) = self.point(entry, is_throughout, out).zip(text(&entry.value, out))
                else {
                    continue;
                };
                let Some(spec) = self.running.catalog().point(id) else { continue };
                if let Some(bounds) = Bounds::read(found.value, spec, found.place, out) {
                    let written = found.value.to_owned();
                    expected.push((found.place, Expected::Reads(id, bounds, is_throughout, written)));
                }
            }
        }
    }

    /// A point by its name; where every reading counts, one that a device measures.
    fn point(&self, entry: &Entry, is_measured: bool, out: &mut Diagnostics) -> Option<PointId> {
        match self.running.catalog().resolve(&entry.key.text) {
            Some(Noun::Point(id)) if !is_measured => Some(id),
            _ => measured(&entry.key.text, entry.key.place(), self.running, out),
        }
    }

    fn rules(&self, fields: &Fields<'_>, expected: &mut Vec<(Place, Expected)>, out: &mut Diagnostics) {
        for (key, is_active) in [("active", true), ("idle", false)] {
            let rules = fields.get(key).and_then(|node| scalar::list(node, "a list of rules", out, text));
            for rule in rules.unwrap_or_default() {
                match names::find_rule(self.running, rule.value, Language::En) {
                    Ok(index) => expected.push((rule.place, Expected::Rule(index, is_active))),
                    Err(message) => out.push(unknown(rule.place, &message)),
                }
            }
        }
    }

    /// The entries of a map whose keys are outputs; says which are none.
    fn outputs<'t>(
        &self,
        fields: &Fields<'t>,
        key: &str,
        out: &mut Diagnostics,
    ) -> Vec<(&'t Entry, OutputId, &'a OutputSpec)> {
        let Some(node) = fields.get(key) else { return Vec::new() };
        let NodeKind::Map(map) = &node.kind else {
            let message = format!("`{key}` has outputs with what is expected of them");
            out.push(node.head_place().mistake(codes::TEST_NAME, message).help("write `school: open`"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for entry in &map.entries {
            match names::find_output(self.running, &entry.key.text, Language::En) {
                Ok(id) => found.extend(self.running.catalog().output(id).map(|spec| (entry, id, spec))),
                Err(message) => out.push(unknown(entry.key.place(), &message)),
            }
        }
        found
    }
}

/// `there is no output X; did you mean Y?` as a mistake with its help.
fn unknown(place: Place, message: &str) -> ballast_model::diagnostic::Diagnostic {
    match message.split_once("; ") {
        Some((message, help)) => place.mistake(codes::TEST_NAME, message).help(help),
        None => place.mistake(codes::TEST_NAME, message),
    }
}

/// Whether anything but the time stands there, also where it could not be read.
fn has_any(fields: &Fields<'_>) -> bool {
    LOOK.keys.iter().skip(1).any(|key| fields.get(key.name).is_some())
}

fn said(fields: &Fields<'_>, expected: &mut Vec<(Place, Expected)>, out: &mut Diagnostics) {
    for (key, make) in [("alarms", Expected::Alarm as fn(String) -> Expected), ("told", Expected::Told)] {
        let Some(node) = fields.get(key) else { continue };
        let Some(parts) = scalar::list(node, "a list of texts", out, text) else { continue };
        if parts.is_empty() && key == "alarms" {
            expected.push((node.place(), Expected::NoAlarm));
        }
        expected.extend(parts.into_iter().map(|part| (part.place, make(part.value.to_owned()))));
    }
}

/// A state of an output as people write it.
fn state(spec: &OutputSpec, text: &str) -> Option<Wanted> {
    match (&spec.kind, text) {
        (OutputKind::Contact, "closed") => Some(Wanted::CLOSED),
        (OutputKind::Contact, "open") => Some(Wanted::OPEN),
        (OutputKind::Contact, _) => None,
        (OutputKind::Setpoint(unit), text) => {
            let quantity = parse_quantity(text).ok()?;
            (quantity.dimension() == unit.dimension()).then_some(Wanted::Level(quantity.base))
        }
    }
}
