//! Names of points, outputs and groups in YAML, resolved against the catalog.

use ballast_model::Catalog;
use ballast_model::catalog::{GroupId, Noun, Origin, OutputId, OutputKind, OutputSpec, PointId, PointSpec};
use ballast_model::quantity::Shown;
use ballast_model::{Contact, Wanted};

use crate::codes;
use crate::decode::quantity::quantity;
use crate::decode::scalar::{dotted_name, unknown_word};
use crate::diagnostics::{Diagnostics, Place, Placed, suggest};
use crate::expr::WrittenOut;
use crate::tree::Node;

/// Where a name can be looked up.
const LISTED: &str = "`ballast check --explain` lists";

/// The nouns of the site, as far as they could be read.
#[derive(Clone, Copy, Debug)]
pub struct Nouns<'c> {
    /// The catalog.
    pub catalog: &'c Catalog,
    /// False when a part of `site.yaml` could not be read. A name that is not in the catalog may be in that part, so
    /// nothing is said about it.
    pub is_complete: bool,
    /// The derived points that limits write out.
    pub written_out: &'c WrittenOut,
}

impl Nouns<'_> {
    /// The output of a name; a device with one output stands for it.
    pub fn output(&self, name: &str, place: Place, out: &mut Diagnostics) -> Option<OutputId> {
        if self.catalog.is_lost(name) {
            return None;
        }
        let (message, help) = match self.catalog.resolve(name) {
            Some(Noun::Output(id)) => return Some(id),
            None => {
                let outputs = self.catalog.outputs.iter().map(|output| &*output.name);
                let near =
                    if out.wants_suggestions() { suggest(name, outputs, "the outputs are") } else { None };
                let help = near.or_else(|| Some(format!("{LISTED} the outputs of the site")));
                (format!("there is no output `{name}`"), help)
            }
            Some(Noun::Device(id)) => {
                let outputs = self.outputs_of(id);
                let help = match outputs.as_slice() {
                    [] => "it has no output; outputs are declared with their device in site.yaml".to_owned(),
                    names => format!("name one of its outputs: {}", names.join(", ")),
                };
                (format!("`{name}` is a device and not one output"), Some(help))
            }
            Some(Noun::Point(_)) => {
                let help = "name an output; `ballast check --explain` lists those of the site".to_owned();
                (format!("`{name}` is a point: it is measured and cannot be set"), Some(help))
            }
            Some(Noun::Group(_)) => {
                let help = "name the output of each of its members".to_owned();
                (format!("`{name}` is a group; an output is needed here"), Some(help))
            }
        };
        self.refuse(codes::NAME_UNKNOWN_OUTPUT, place, message, help, name, out);
        None
    }

    /// The point of a name.
    pub fn point(&self, name: &str, place: Place, out: &mut Diagnostics) -> Option<PointId> {
        if self.catalog.is_lost(name) {
            return None;
        }
        let (message, help) = match self.catalog.resolve(name) {
            Some(Noun::Point(id)) => return Some(id),
            None => {
                let near = if out.wants_suggestions() { self.help_for_point(name) } else { None };
                let help = near.or_else(|| Some(format!("{LISTED} the points of the site")));
                (format!("there is no point `{name}`"), help)
            }
            Some(Noun::Output(_)) => {
                let help =
                    format!("read `{name}.state` (what it was told) or `{name}.actual` (what it says it is)");
                (format!("`{name}` is an output; a point is needed here"), Some(help))
            }
            Some(Noun::Device(_) | Noun::Group(_)) => {
                let help = format!("name one of its points, as in `{name}.power`");
                (format!("`{name}` is not a point"), Some(help))
            }
        };
        self.refuse(codes::NAME_UNKNOWN_POINT, place, message, help, name, out);
        None
    }

    /// The name that is meant; where none is like it, those of the device that it begins with, or all if they are few.
    fn help_for_point(&self, name: &str) -> Option<String> {
        const LISTED_MAX: usize = 12;
        if let Some(near) = self.catalog.suggest_point(name) {
            return Some(format!("did you mean `{near}`?"));
        }
        let points =
            || self.catalog.points.iter().filter(|point| !matches!(point.origin, Origin::Output(..)));
        let device = name.split_once('.').map_or(name, |(device, _)| device);
        let is_of_device =
            |point: &&PointSpec| point.name.strip_prefix(device).is_some_and(|rest| rest.starts_with('.'));
        let own: Vec<_> = points().filter(is_of_device).collect();
        let (whose, listed) = if own.is_empty() {
            (String::new(), points().collect())
        } else {
            (format!(" of `{device}`"), own)
        };
        if listed.is_empty() || listed.len() > LISTED_MAX {
            return None;
        }
        let names: Vec<String> = listed.iter().map(|point| format!("`{}`", point.name)).collect();
        Some(format!("the points{whose} are: {}", names.join(", ")))
    }

    /// The group of a name.
    pub fn group(&self, name: &str, place: Place, out: &mut Diagnostics) -> Option<GroupId> {
        if let Some(Noun::Group(id)) = self.catalog.resolve(name) {
            return Some(id);
        }
        if self.catalog.is_lost(name) {
            return None;
        }
        let groups = self.catalog.groups.iter().map(|group| &*group.name);
        let near = match self.catalog.groups.is_empty() {
            true => Some("the site has no groups: declare one under `groups:` in site.yaml".to_owned()),
            false if out.wants_suggestions() => suggest(name, groups, "the groups are"),
            false => None,
        };
        let help = near.or_else(|| Some("groups stand under `groups:` in site.yaml".to_owned()));
        self.refuse(codes::NAME_UNKNOWN_GROUP, place, format!("there is no group `{name}`"), help, name, out);
        None
    }

    /// The output that a node names.
    pub fn output_at(&self, node: &Node, out: &mut Diagnostics) -> Option<Placed<OutputId>> {
        let name = dotted_name(node, out)?;
        self.output(name.value, name.place, out).map(|value| Placed { value, place: name.place })
    }

    /// The point that a node names.
    pub fn point_at(&self, node: &Node, out: &mut Diagnostics) -> Option<Placed<PointId>> {
        let name = dotted_name(node, out)?;
        self.point(name.value, name.place, out).map(|value| Placed { value, place: name.place })
    }

    /// The group that a node names.
    pub fn group_at(&self, node: &Node, out: &mut Diagnostics) -> Option<Placed<GroupId>> {
        let name = dotted_name(node, out)?;
        self.group(name.value, name.place, out).map(|value| Placed { value, place: name.place })
    }

    /// The state of an output that a node names: `closed` or `open`, or a quantity for a setpoint.
    pub fn wanted_at(&self, node: &Node, output: OutputId, out: &mut Diagnostics) -> Option<Placed<Wanted>> {
        let spec = self.catalog.output(output)?;
        match spec.kind {
            OutputKind::Contact => contact(node, out).map(|found| found.map(Wanted::Contact)),
            OutputKind::Setpoint(unit) => {
                let found = quantity(node, unit.dimension(), out)?;
                Some(found.map(|quantity| Wanted::Level(quantity.base)))
            }
        }
    }

    /// The name of an output, for messages.
    pub fn output_name(&self, id: OutputId) -> &str {
        self.catalog.output(id).map_or("?", |output| &*output.name)
    }

    /// The name of a point, for messages.
    pub fn point_name(&self, id: PointId) -> &str {
        self.catalog.point(id).map_or("?", |point| &*point.name)
    }

    /// A state as people read it.
    pub fn show(&self, id: OutputId, wanted: Wanted) -> String {
        self.catalog.output(id).map_or_else(String::new, |output| output.show(wanted))
    }

    fn outputs_of(&self, id: ballast_model::DeviceId) -> Vec<String> {
        let is_its = |output: &&OutputSpec| output.device == id;
        self.catalog.outputs.iter().filter(is_its).map(|output| format!("`{}`", output.name)).collect()
    }

    fn refuse(
        &self,
        code: &'static str,
        place: Place,
        message: String,
        help: Option<String>,
        name: &str,
        out: &mut Diagnostics,
    ) {
        if self.is_complete || self.catalog.resolve(name).is_some() {
            let mut diagnostic = place.mistake(code, message);
            diagnostic.help = help;
            out.push(diagnostic);
        }
    }
}

/// `closed` or `open`. The words on and off are explained: what they mean depends on the coil and on the contact.
pub fn contact(node: &Node, out: &mut Diagnostics) -> Option<Placed<Contact>> {
    let found = crate::decode::scalar(node, "`closed` or `open`", out)?;
    let text = found.value.text.as_str();
    for contact in [Contact::Open, Contact::Closed] {
        if contact.word() == text {
            return Some(found.map(|_| contact));
        }
    }
    let mut diagnostic = unknown_word(text, found.place, &[Contact::Open.word(), Contact::Closed.word()]);
    if matches!(
        text.to_ascii_lowercase().as_str(),
        "on" | "off" | "true" | "false" | "yes" | "no" | "1" | "0"
    ) {
        let help =
            "write `closed` when the load is connected and `open` when it is cut, whatever the coil does";
        diagnostic.help = Some(help.to_owned());
    }
    out.push(diagnostic);
    None
}

/// A number of a point in its own unit, for messages.
pub fn show_number(catalog: &Catalog, point: PointId, base: ballast_model::Finite) -> String {
    let unit = catalog.point(point).map_or(ballast_model::Unit::NONE, |point| point.unit());
    Shown { base, unit }.to_string()
}
