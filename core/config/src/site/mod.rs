//! `site.yaml` and the device files: the nouns of a site and how its devices are reached.
//!
//! The outcome is a catalog (what the names mean), bus definitions (what the drivers need) and what the engine needs of
//! settings, modes and derived points. Nothing here knows a protocol: keys that only a driver understands are carried to
//! it as text with its place.

mod calendars;
mod derived;
mod devices;
mod generators;
mod groups;
pub mod library;
mod outputs;
mod parameters;
mod place;
mod points;
mod receivers;
mod settings;
pub mod shapes;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use ballast_guard::plan::Strength;
use ballast_model::catalog::PointId;
use ballast_model::device::{BusDefinition, ReadsEvery};
use ballast_model::{Catalog, Contact, Finite, Span as Duration};

use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::scalar::{check_name, dotted_name, name, text};
use crate::diagnostics::{Diagnostics, Place, Placed, suggest};
use crate::expr::WrittenOut;
use crate::fingerprint::Fingerprint;
use crate::nouns::Nouns;
use crate::tree::Tree;

pub use derived::{Derived, DerivedRule};
pub use generators::Generator;
pub use library::Library;
pub use points::follow_bus;
pub use receivers::{Receiver, ReceiverKind};
pub use settings::{Modes, Setting};

/// What the configuration must know of a driver. The shell fills it from the list of drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverFacts {
    /// As buses and device files name it.
    pub name: &'static str,
    /// Whether its outputs are reached over a network: their lease is longer.
    pub is_network: bool,
    /// What happens to its outputs when everything else is gone, where the device has no timer of its own.
    pub strength: Strength,
    /// The key of a bus by which a person vouches that nobody else can command what is on it; `None`: nobody can anyway.
    pub exclusive_key: Option<&'static str>,
    /// Not yet observed by an independent peer: cannot feed a limit.
    pub is_experimental: bool,
    /// Whether its buses carry messages for others, beside what devices are told.
    pub carries_messages: bool,
    /// How often it reads a point that does not say it; `None` where it only listens.
    pub reads_every: Option<ReadsEvery>,
}

/// What `site.yaml` says, checked, with the places that later checks point at.
#[derive(Clone, Debug, Default)]
pub struct SiteDraft {
    /// The nouns.
    pub catalog: Catalog,
    /// The site's UUID; empty when none was given.
    pub uuid: String,
    /// For people.
    pub label: String,
    /// Buses with what hangs on them.
    pub buses: Vec<BusDefinition>,
    /// Names of buses that could not be read to their end: nothing is said about those who use them, nor by their driver.
    pub lost_buses: BTreeSet<Box<str>>,
    /// Names of buses that do not exist, with the places that name them, until that is said.
    unknown_buses: BTreeMap<Box<str>, Vec<Place>>,
    /// False when `buses:` could not be read to its end: a bus that is not known may stand there.
    pub has_all_buses: bool,
    /// Settings in the order of the file.
    pub settings: Vec<Setting>,
    /// The modes, when the site has any.
    pub modes: Option<Modes>,
    /// Derived points in the order in which they can be computed.
    pub derived: Vec<Derived>,
    /// Those of them that limits write out.
    pub written_out: WrittenOut,
    /// Generators.
    pub generators: Vec<Generator>,
    /// To whom something is told, and what.
    pub receivers: Vec<Receiver>,
    /// The point `sun.elevation`, where the place of the site is known.
    pub sun: Option<PointId>,
    /// What later checks need of each output, by its id.
    pub outputs: Vec<OutputFacts>,
    /// Where each point is defined, by its id; nothing for points that the program makes.
    pub point_places: Vec<Option<Place>>,
    /// Which points come from a driver that is experimental, by id.
    pub experimental: Vec<bool>,
    /// What the catalog does not tell of each group, by its id.
    pub groups: Vec<GroupFacts>,
    /// The rated power of each device in watts, where the file says it, by id.
    pub rated: Vec<Option<Finite>>,
    /// What is computed for the fingerprint of the definition of each point, by id; zero where nothing of it is in the
    /// hands of those who write the files.
    pub point_definitions: Vec<u64>,
    /// The same for outputs.
    pub output_definitions: Vec<u64>,
    /// False when a part could not be read; see [`crate::nouns::Nouns::is_complete`].
    pub is_complete: bool,
}

/// What later checks need of an output.
#[derive(Clone, Copy, Debug)]
pub struct OutputFacts {
    /// Where it is defined.
    pub place: Place,
    /// Whether it is reached over a network.
    pub is_network: bool,
    /// What happens to it when everything else is gone.
    pub strength: Strength,
    /// What its circuit is without power, where the file says it.
    pub unpowered: Option<Placed<Contact>>,
    /// After how long the device itself goes back, where it does.
    pub reverts_after: Option<Duration>,
    /// Whether a person must arm its device first.
    pub by_hand: bool,
}

/// What the catalog does not tell of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFacts {
    /// Where it is defined.
    pub place: Place,
    /// A word for people and packs; may be empty.
    pub class: String,
    /// The phase that feeds it, 1 to 3.
    pub phase: Option<u8>,
}

impl SiteDraft {
    /// The nouns, as far as they could be read.
    pub fn nouns(&self) -> Nouns<'_> {
        Nouns { catalog: &self.catalog, is_complete: self.is_complete, written_out: &self.written_out }
    }

    /// How a point is computed, where it is a derived one.
    pub fn derived_at(&self, point: PointId) -> Option<&Derived> {
        // Points get their ids in the order in which they are computed.
        let place = self.derived.binary_search_by_key(&point, |derived| derived.point).ok()?;
        self.derived.get(place)
    }

    /// Notes what makes another point of it.
    fn define(&mut self, point: PointId, definition: &Fingerprint) {
        let least = self.point_definitions.len().max(point.index() + 1);
        self.point_definitions.resize(least, 0);
        if let Some(place) = self.point_definitions.get_mut(point.index()) {
            *place = definition.value();
        }
    }
}

/// Reads `site.yaml`.
pub fn read(tree: &Tree, library: &Library<'_>, drivers: &[DriverFacts], out: &mut Diagnostics) -> SiteDraft {
    let mut draft = SiteDraft { is_complete: tree.is_complete, ..SiteDraft::default() };
    let fields = tree.root.as_ref().and_then(|root| Fields::read(root, &shapes::SITE, out));
    draft.is_complete &= fields.is_some_and(|fields| has_whole_sections(&fields));
    if !draft.is_complete {
        draft.catalog.lose_a_part();
    }
    let Some(fields) = fields else { return draft };
    if let Some(found) = fields.get("site").and_then(|node| name(node, out)) {
        draft.catalog.site = found.value.into();
    }
    if let Some(found) = fields.get("label").and_then(|node| text(node, out)) {
        draft.label = found.value.to_owned();
    }
    if let Some(found) = fields.get("uuid").and_then(|node| text(node, out)) {
        draft.uuid = place::uuid(found, out).unwrap_or_default();
    }
    place::read(&fields, &mut draft, out);
    settings::read_modes(&fields, &mut draft, out);
    settings::read(&fields, &mut draft, out);
    draft.has_all_buses = fields.is_complete();
    devices::read(&fields, library, drivers, &mut draft, out);
    if !draft.is_complete {
        draft.catalog.lose_a_part();
    }
    groups::read(&fields, &mut draft, out);
    calendars::read(&fields, &mut draft, out);
    // A derived point may use a role and a role may name a derived point: roles are noted first and looked up last.
    let roles = read_roles(&fields, &mut draft, out);
    derived::read(&fields, &mut draft, out);
    generators::compile(&fields, &mut draft, out);
    check_roles(&roles, &draft, out);
    receivers::read(&fields, drivers, &mut draft, out);
    draft
}

/// Whether every section that gives names is a map that was read to its end: what is wrong there was or will be said.
fn has_whole_sections(fields: &Fields<'_>) -> bool {
    const NAMING: [&str; 6] = ["calendars", "derived", "devices", "groups", "roles", "settings"];
    let is_whole = |node: &crate::tree::Node| match &node.kind {
        crate::tree::Kind::Map(map) => map.is_complete,
        _ => false,
    };
    NAMING.into_iter().all(|section| fields.get(section).is_none_or(is_whole))
}

/// `roles:`: what a pack calls `role.main_frequency` is one of the site's nouns.
fn read_roles<'t>(fields: &Fields<'t>, draft: &mut SiteDraft, out: &mut Diagnostics) -> Vec<Placed<&'t str>> {
    let roles = fields.get("roles").and_then(|node| crate::decode::map(node, "a map of roles", out));
    let mut targets = Vec::new();
    for entry in roles.iter().flat_map(|roles| &roles.entries) {
        let role = format!("role.{}", entry.key.text);
        let is_named = check_name(&entry.key.text, entry.key.place(), out);
        match if is_named { dotted_name(&entry.value, out) } else { None } {
            Some(target) => {
                draft.catalog.roles.insert(role.into(), target.value.into());
                targets.push(target);
            }
            None => draft.catalog.lose(&role),
        }
    }
    targets
}

fn check_roles(targets: &[Placed<&str>], draft: &SiteDraft, out: &mut Diagnostics) {
    for target in targets {
        let is_unknown = draft.catalog.resolve(target.value).is_none() && draft.is_complete;
        if is_unknown && !draft.catalog.is_lost(target.value) {
            let message = format!("there is nothing called `{}`", target.value);
            let mut diagnostic = target.place.mistake(codes::SITE_ROLE, message);
            let known = draft.catalog.names().map(|(name, _)| name);
            if out.wants_suggestions() {
                diagnostic.help = suggest(target.value, known, "the site has");
            }
            out.push(diagnostic);
        }
    }
}

/// Adds a noun that is no point and no output.
fn add_name(
    draft: &mut SiteDraft,
    name: &str,
    noun: ballast_model::catalog::Noun,
    place: Place,
    out: &mut Diagnostics,
) {
    if draft.catalog.name(name, noun).is_some() {
        out.push(taken(name, place));
    }
}

/// The mistake of a name that means something already.
fn taken(name: &str, place: Place) -> ballast_model::diagnostic::Diagnostic {
    place
        .mistake(codes::NAME_TAKEN, format!("`{name}` already means something else in this site"))
        .help("points, outputs, devices and groups share their names: give one of them another name")
}

#[cfg(test)]
mod steps_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tired;
