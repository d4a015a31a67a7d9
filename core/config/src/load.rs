//! From the files of a site to the checked site.

use std::collections::BTreeSet;
use std::sync::Arc;

use ballast_guard::plan::SafetySet;
use ballast_model::catalog::{Noun, Origin, PointId};
use ballast_model::device::BusDefinition;
use ballast_model::diagnostic::FileId;
use ballast_model::{Catalog, Finite};

use crate::codes;
use crate::diagnostics::{Diagnostics, Place};
use crate::fingerprint::Fingerprint;
use crate::safety::SafetyDraft;
use crate::site::library::{self, Library};
use crate::site::{Derived, DriverFacts, Generator, GroupFacts, Modes, Receiver, Setting, SiteDraft};
use crate::sources::Sources;
use crate::tree::{self, Tree};
use crate::{checks, safety, site};

/// A file as the caller found it.
#[derive(Clone, Copy, Debug)]
pub enum File<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// The bytes of a device file that travels with the program: it is read where the site names it, and else only offered.
    Offered(&'a [u8]),
    /// It was not read, because it has this many bytes: more than [`crate::limits::FILE_BYTES_MAX`].
    TooLong(u64),
    /// There is none.
    Absent,
}

/// The YAML files of a site. Names are relative to the site's directory; messages show them.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    /// `site.yaml`.
    pub site: File<'a>,
    /// `safety.yaml`.
    pub safety: File<'a>,
    /// Device files: those of the program, then those of the site, which take precedence.
    pub devices: Vec<(&'a str, File<'a>)>,
}

/// A site that was read and checked: everything but its rules.
#[derive(Clone, Debug)]
pub struct Site {
    /// The site's UUID; empty when the file has none.
    pub uuid: String,
    /// For people.
    pub label: String,
    /// The nouns.
    pub catalog: Catalog,
    /// What the guard holds to: one envelope per output, by its id.
    pub safety: Arc<SafetySet>,
    /// Buses with what hangs on them, for the drivers.
    pub buses: Vec<BusDefinition>,
    /// Settings with their first values and ranges.
    pub settings: Vec<Setting>,
    /// The modes, when the site has any.
    pub modes: Option<Modes>,
    /// Derived points, each after those it reads.
    pub derived: Vec<Derived>,
    /// Generators.
    pub generators: Vec<Generator>,
    /// What the catalog does not tell of each group, by its id.
    pub groups: Vec<GroupFacts>,
    /// The rated power of each device in watts, where the file says it, by its id.
    pub rated: Vec<Option<Finite>>,
    /// To whom something is told, and what.
    pub receivers: Vec<Receiver>,
    /// The point `sun.elevation`, where the place of the site is known.
    pub sun: Option<PointId>,
}

/// What came out of the files.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The site, when there was no mistake at all.
    pub site: Option<Site>,
    /// Where there is no site: the nouns, as far as they could be read. With them the rules can be checked although something
    /// else is wrong, so that a person sees the mistakes of all files together. What could not be read is lost
    /// ([`Catalog::is_lost`]). With a site it is empty: they are the site's.
    pub catalog: Catalog,
    /// Where there is no site: the buses that could be read, with the points and outputs that could, so that the drivers
    /// can say what is wrong with their keys. With a site it is empty.
    pub buses: Vec<BusDefinition>,
}

impl Loaded {
    /// The nouns, with a site or without.
    pub fn nouns(&self) -> &Catalog {
        self.site.as_ref().map_or(&self.catalog, |site| &site.catalog)
    }

    /// The nouns alone.
    pub fn into_nouns(self) -> Catalog {
        self.site.map_or(self.catalog, |site| site.catalog)
    }
}

/// Reads and checks a site. All mistakes of all files are collected in `out`; a site comes out only when there is none.
/// The texts stay in `sources`, to which the caller adds the rules.
pub fn load(
    files: &Files<'_>,
    drivers: &[DriverFacts],
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Site> {
    load_with_nouns(files, drivers, sources, out).site
}

/// Like [`load`], and gives the nouns of a site that has mistakes.
pub fn load_with_nouns(
    files: &Files<'_>,
    drivers: &[DriverFacts],
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Loaded {
    let earlier = out.mistakes();
    let site_file = add(sources, "site.yaml", files.site, out);
    let safety_file = add(sources, "safety.yaml", files.safety, out);
    let site_tree = parse_one(site_file, files.site, sources, out);
    let safety_tree = parse_one(safety_file, files.safety, sources, out);
    let named = library::named_device_files(&site_tree);
    // A hundred files that travel with the program would cost each start as much as the site itself.
    let is_read =
        |name: &str, file: File<'_>| !matches!(file, File::Offered(_)) || named.contains(library::stem(name));
    let (read, offered): (Vec<_>, Vec<_>) =
        files.devices.iter().partition(|(name, file)| is_read(name, *file));
    let device_files: Vec<FileId> = read.iter().map(|(name, file)| add(sources, name, *file, out)).collect();
    let device_trees: Vec<Tree> =
        device_files.into_iter().map(|file| tree::parse(file, sources, out)).collect();
    let offered = offered.iter().map(|(name, _)| library::stem(name));
    let library = Library::read(&device_trees, sources, out).offering(offered);
    let mut site = site::read(&site_tree, &library, drivers, out);
    let safety = safety::read(&safety_tree, &site, out);
    site.catalog.allowed = safety.allowed();
    checks::run(&site, &safety, out);
    if out.mistakes() == earlier {
        let site = Some(finish(site, &safety, &safety_tree));
        return Loaded { site, catalog: Catalog::default(), buses: Vec::new() };
    }
    let mut buses = core::mem::take(&mut site.buses);
    buses.retain(|bus| !site.lost_buses.contains(&bus.name));
    Loaded { site: None, catalog: site.catalog, buses }
}

fn add(sources: &mut Sources, name: &str, file: File<'_>, out: &mut Diagnostics) -> FileId {
    match file {
        File::Bytes(bytes) | File::Offered(bytes) => sources.add(name, bytes, out),
        File::TooLong(length) => sources.refuse_by_length(name, length, crate::limits::FILE_BYTES_MAX, out),
        File::Absent => {
            let id = sources.add(name, b"", out);
            let place = Place { file: id, span: ballast_model::diagnostic::Span::default() };
            let help = "`ballast init` writes a small commented site";
            out.push(place.mistake(codes::FILE_MISSING, format!("there is no `{name}`")).help(help));
            id
        }
    }
}

fn parse_one(file: FileId, found: File<'_>, sources: &Sources, out: &mut Diagnostics) -> Tree {
    let mut tree = tree::parse(file, sources, out);
    if matches!(found, File::Absent) {
        tree.is_complete = false;
    } else if tree.root.as_ref().is_none_or(tree::Node::is_null) && tree.is_complete {
        let place = Place { file, span: ballast_model::diagnostic::Span::default() };
        let help = "`ballast init` writes a small commented site";
        out.push(place.mistake(codes::YAML_EMPTY, "this file says nothing").help(help));
        tree.root = None;
        tree.is_complete = false;
    }
    tree
}

fn finish(mut site: SiteDraft, safety: &SafetyDraft<'_>, safety_tree: &Tree) -> Site {
    let definitions = definitions(&site, safety);
    let mut print = Fingerprint::new();
    print.number(definitions);
    if let Some(root) = &safety_tree.root {
        print.node(root);
    }
    for point in written_out(&site, safety) {
        print.number(definition(&site, point));
    }
    // Who must arm what is data of the guard; what stands behind the names stays the same.
    for (output, _) in site.catalog.outputs.iter().zip(&site.outputs).filter(|(_, facts)| facts.by_hand) {
        print.text(&output.name);
    }
    let set = safety.finish(&site, print.value(), definitions);
    for (output, envelope) in site.catalog.outputs.iter_mut().zip(&set.envelopes) {
        output.default = envelope.default;
    }
    Site {
        uuid: site.uuid,
        label: site.label,
        catalog: site.catalog,
        safety: Arc::new(set),
        buses: site.buses,
        settings: site.settings,
        modes: site.modes,
        derived: site.derived,
        generators: site.generators,
        groups: site.groups,
        rated: site.rated,
        receivers: site.receivers,
        sun: site.sun,
    }
}

/// What stands behind the names of the safety set: every output, every point that it reads, and everything from which such
/// a point is computed.
fn definitions(site: &SiteDraft, safety: &SafetyDraft<'_>) -> u64 {
    let mut print = Fingerprint::new();
    for (output, definition) in site.catalog.outputs.iter().zip(&site.output_definitions) {
        print.text(&output.name);
        print.number(*definition);
    }
    for point in points_of(site, safety) {
        let Some(spec) = site.catalog.point(point) else { continue };
        print.text(&spec.name);
        print.number(definition(site, point));
    }
    print.value()
}

fn definition(site: &SiteDraft, point: PointId) -> u64 {
    site.point_definitions.get(point.index()).copied().unwrap_or_default()
}

/// The derived points that conditions of the safety set write out: they are part of the condition, as if they stood there.
fn written_out(site: &SiteDraft, safety: &SafetyDraft<'_>) -> BTreeSet<PointId> {
    let limits = safety.limits.iter().flat_map(|limit| core::iter::once(&limit.when).chain(&limit.until));
    let effects = safety.envelopes.iter().flat_map(|envelope| &envelope.effect);
    let asleep = safety.asleep.iter().map(|asleep| &asleep.when);
    let names = limits.chain(effects).chain(asleep).flat_map(|compiled| crate::expr::names(&compiled.expr));
    let points = names.filter_map(|name| match site.catalog.resolve(name) {
        Some(Noun::Point(point)) => Some(point),
        _ => None,
    });
    let mut found: BTreeSet<PointId> = points.flat_map(|point| all_behind(site, point)).collect();
    found.retain(|point| site.derived_at(*point).is_some());
    found
}

/// All points that the safety set reads, and all from which these are computed.
fn points_of(site: &SiteDraft, safety: &SafetyDraft<'_>) -> BTreeSet<PointId> {
    let mut points = BTreeSet::new();
    for limit in &safety.limits {
        points.extend(&limit.when.program.reads);
        points.extend(limit.until.iter().flat_map(|until| &until.program.reads));
    }
    for envelope in &safety.envelopes {
        points.extend(envelope.effect.iter().flat_map(|compiled| &compiled.program.reads));
    }
    for asleep in &safety.asleep {
        points.insert(asleep.point.value);
        points.extend(&asleep.when.program.reads);
    }
    if let Some(draft) = &safety.shedding {
        points.extend(&draft.shedding.source);
        points.extend(draft.shedding.loads.iter().filter_map(|load| load.power));
        points.extend(draft.shedding.restore.capacity);
        points.extend(draft.shedding.site_load);
    }
    let direct: Vec<PointId> = points.iter().copied().collect();
    for point in direct {
        points.extend(all_behind(site, point));
    }
    points
}

/// A point and all from which it is computed, by whatever way.
pub(crate) fn all_behind(site: &SiteDraft, point: PointId) -> BTreeSet<PointId> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![point];
    while let Some(point) = waiting.pop() {
        if found.insert(point) {
            waiting.extend(site.derived_at(point).iter().flat_map(|derived| &derived.reads));
        }
    }
    found
}

/// The points from which a point is computed in the end, itself included when it is not derived.
pub(crate) fn behind(site: &SiteDraft, point: PointId) -> BTreeSet<PointId> {
    let mut found = all_behind(site, point);
    let is_derived =
        |point: &PointId| site.catalog.point(*point).is_some_and(|spec| spec.origin == Origin::Derived);
    found.retain(|point| !is_derived(point));
    found
}
