//! What follows from catalog and safety set: who depends on what. Made once, then only read.

use crate::plan::{Envelope, LimitAction, SafetySet};
use crate::reported::is_reported;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use ballast_model::catalog::{Catalog, Facet, OutputKind};
use ballast_model::expr::Trackers;
use ballast_model::frame::fnv1a;
use ballast_model::snapshot::Snapshot;
use ballast_model::{Finite, OutputId, PointId, Span, Wanted};

/// What looks at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dependent {
    /// A limit.
    Limit(u16),
    /// The effect of an output.
    Effect(OutputId),
    /// A device that sleeps, as the condition or as its own point.
    Asleep(u16),
    /// Shedding, as this source.
    Source(u8),
    /// Shedding, as load or capacity.
    Power,
}

/// A place in [`Tables::by_point`] of a point that nobody looks at.
const UNREAD: u32 = u32::MAX;

/// Catalog, safety set and what follows from them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) set: Arc<SafetySet>,
    pub(crate) tables: Tables,
}

#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Every point the guard looks at, sorted.
    pub(crate) reads: Vec<PointId>,
    places: Vec<u32>,
    by_point: Vec<Vec<Dependent>>,
    /// Those of them that only the program can tell, in the order of `reads`.
    pub(crate) reported: Vec<PointId>,
    /// Limits that force an output, in the order of the file: limit and step.
    pub(crate) forces: Vec<Vec<(u16, u16)>>,
    /// Limits that derate an output: limit and row.
    pub(crate) derates: Vec<Vec<(u16, u16)>>,
    /// Interlocks of an output: interlock and member.
    pub(crate) interlocks: Vec<Vec<(u16, u16)>>,
    /// The place of an output among the loads of shedding.
    pub(crate) load_of: Vec<Option<u16>>,
    /// On the never-shed list.
    pub(crate) never: Vec<bool>,
    /// Outputs by the length of their lease.
    pub(crate) leases: Vec<(Span, Vec<u32>)>,
    /// See `table_hash`.
    pub(crate) table_hash: u64,
    /// Where the sequences of this site begin.
    pub(crate) site_seed: u64,
    /// Nothing is followed over time: limits read raw values.
    pub(crate) trackers: Trackers,
}

/// The hash of everything that frames name by a number, which both sides of a session must share: names, kinds and order of
/// the outputs, and the points that the program tells.
fn table_hash(catalog: &Catalog, reported: &[PointId]) -> u64 {
    let outputs = catalog.outputs.iter().flat_map(|output| {
        let kind = match output.kind {
            OutputKind::Contact => 0,
            OutputKind::Setpoint(_) => 1,
        };
        output.name.bytes().chain([0xFF, kind])
    });
    let points = reported.iter().flat_map(|point| {
        let name = catalog.point(*point).map_or("", |spec| &spec.name);
        name.bytes().chain([0xFE]).chain(point.0.to_le_bytes())
    });
    fnv1a(outputs.chain(points))
}

impl Plan {
    /// Every output gets exactly one envelope, at its own place: what a set leaves out is held to its safest.
    pub(crate) fn new(catalog: Arc<Catalog>, set: Arc<SafetySet>) -> Self {
        let ids = (0u32..).map(OutputId);
        let is_whole = set.envelopes.len() == catalog.outputs.len()
            && set.envelopes.iter().zip(ids).all(|(envelope, id)| envelope.output == id);
        let set = if is_whole { set } else { Arc::new(Self::whole(&catalog, &set)) };
        let tables = Tables::new(&catalog, &set);
        Self { catalog, set, tables }
    }

    fn whole(catalog: &Catalog, set: &SafetySet) -> SafetySet {
        let mut envelopes: Vec<Envelope> = Vec::with_capacity(catalog.outputs.len());
        for (index, spec) in catalog.outputs.iter().enumerate() {
            let id = OutputId(index as u32);
            let at_its_place = set.envelopes.get(index).filter(|envelope| envelope.output == id);
            let given = at_its_place.or_else(|| set.envelopes.iter().find(|envelope| envelope.output == id));
            let safe = match spec.kind {
                OutputKind::Contact => Wanted::OPEN,
                OutputKind::Setpoint(_) => Wanted::Level(Finite::ZERO),
            };
            envelopes.push(given.cloned().unwrap_or_else(|| Envelope::new(id, safe)));
        }
        SafetySet { envelopes, ..set.clone() }
    }

    pub(crate) fn envelope(&self, index: usize) -> Option<&Envelope> {
        self.set.envelopes.get(index)
    }

    // The keys of the timers, in the order of their kinds.
    pub(crate) fn key_limit(&self, limit: usize) -> u32 {
        (self.set.envelopes.len() + limit) as u32
    }
    pub(crate) fn key_lease(&self, class: usize) -> u32 {
        (self.set.envelopes.len() + self.set.limits.len() + class) as u32
    }
    pub(crate) fn key_asleep(&self, index: usize) -> u32 {
        self.key_lease(self.tables.leases.len()) + index as u32
    }
    pub(crate) fn key_reports(&self) -> u32 {
        self.key_asleep(self.set.asleep.len())
    }
    pub(crate) fn key_shedding(&self) -> u32 {
        self.key_reports() + 1
    }
    pub(crate) fn keys(&self) -> usize {
        self.key_shedding() as usize + 1
    }
}

impl Tables {
    fn new(catalog: &Catalog, set: &SafetySet) -> Self {
        let outputs = set.envelopes.len();
        let mut tables = Self {
            places: vec![UNREAD; catalog.points.len()],
            forces: vec![Vec::new(); outputs],
            derates: vec![Vec::new(); outputs],
            interlocks: vec![Vec::new(); outputs],
            load_of: vec![None; outputs],
            never: vec![false; outputs],
            site_seed: fnv1a(catalog.site.bytes()),
            ..Self::default()
        };
        let mut found = Vec::new();
        tables.add_limits(set, &mut found);
        tables.add_effects(set, &mut found);
        tables.add_shedding(set, &mut found);
        for (index, interlock) in set.interlocks.iter().enumerate() {
            for (member, (output, _)) in interlock.members.iter().enumerate() {
                if let Some(list) = tables.interlocks.get_mut(output.index()) {
                    list.push((index as u16, member as u16));
                }
            }
        }
        for envelope in &set.envelopes {
            let output = envelope.output.0;
            match tables.leases.iter_mut().find(|(lease, _)| *lease == envelope.lease) {
                Some((_, outputs)) => outputs.push(output),
                None => tables.leases.push((envelope.lease, vec![output])),
            }
        }
        tables.index(found);
        let reported = tables.reads.iter().copied().filter(|point| is_reported(catalog, *point));
        tables.reported = reported.collect();
        tables.table_hash = table_hash(catalog, &tables.reported);
        tables
    }

    fn add_limits(&mut self, set: &SafetySet, found: &mut Vec<(PointId, Dependent)>) {
        for (index, limit) in set.limits.iter().enumerate() {
            let place = index as u16;
            let mut reads = |points: &[PointId]| {
                found.extend(points.iter().map(|point| (*point, Dependent::Limit(place))));
            };
            match &limit.action {
                LimitAction::Force { when, until, force, .. } => {
                    reads(&when.reads);
                    reads(until.as_ref().map_or(&[], |until| &until.reads));
                    for (step, row) in force.iter().enumerate() {
                        if let Some(list) = self.forces.get_mut(row.output.index()) {
                            list.push((place, step as u16));
                        }
                    }
                }
                LimitAction::Derate { of, rows } => {
                    reads(&of.reads);
                    for (row, (output, _)) in rows.iter().enumerate() {
                        if let Some(list) = self.derates.get_mut(output.index()) {
                            list.push((place, row as u16));
                        }
                    }
                }
            }
        }
    }

    fn add_effects(&mut self, set: &SafetySet, found: &mut Vec<(PointId, Dependent)>) {
        for envelope in &set.envelopes {
            let Some(effect) = &envelope.effect else { continue };
            let programs = [&effect.closed, &effect.open, &effect.unless];
            let reads = programs.into_iter().flatten().flat_map(|program| &program.reads);
            found.extend(reads.map(|point| (*point, Dependent::Effect(envelope.output))));
        }
        for (index, asleep) in set.asleep.iter().enumerate() {
            let reads = asleep.when.reads.iter().chain([&asleep.point]);
            found.extend(reads.map(|point| (*point, Dependent::Asleep(index as u16))));
        }
    }

    fn add_shedding(&mut self, set: &SafetySet, found: &mut Vec<(PointId, Dependent)>) {
        let Some(shedding) = &set.shedding else { return };
        let sources = shedding.source.iter().take(crate::bounds::SOURCES_MAX).enumerate();
        found.extend(sources.map(|(index, point)| (*point, Dependent::Source(index as u8))));
        let powers = shedding.loads.iter().filter_map(|load| load.power);
        let powers = powers.chain(shedding.site_load).chain(shedding.restore.capacity);
        found.extend(powers.map(|point| (point, Dependent::Power)));
        for (index, load) in shedding.loads.iter().enumerate() {
            if let Some(place) = self.load_of.get_mut(load.output.index()) {
                *place = Some(index as u16);
            }
        }
        for output in &shedding.never {
            if let Some(flag) = self.never.get_mut(output.index()) {
                *flag = true;
            }
        }
    }

    fn index(&mut self, mut found: Vec<(PointId, Dependent)>) {
        found.sort_unstable();
        found.dedup();
        for (point, dependent) in found {
            let Some(place) = self.places.get_mut(point.index()) else { continue };
            if *place == UNREAD {
                *place = self.reads.len() as u32;
                self.reads.push(point);
                self.by_point.push(Vec::new());
            }
            if let Some(list) = self.by_point.get_mut(*place as usize) {
                list.push(dependent);
            }
        }
    }

    /// The place of a point among those the guard looks at.
    pub(crate) fn place(&self, point: PointId) -> Option<u32> {
        self.places.get(point.index()).copied().filter(|place| *place != UNREAD)
    }

    /// Room for the readings of the points that are looked at.
    pub(crate) fn snapshot(&self, catalog: &Catalog) -> Snapshot {
        Snapshot::of_some(catalog, |point| self.place(point).is_some())
    }

    pub(crate) fn dependents(&self, point: PointId) -> &[Dependent] {
        let list = self.place(point).and_then(|place| self.by_point.get(place as usize));
        list.map_or(&[], |list| list)
    }

    /// The readable point of an output, where somebody looks at it.
    pub(crate) fn facet(&self, catalog: &Catalog, output: usize, facet: Facet) -> Option<PointId> {
        let point = catalog.outputs.get(output)?.facet(facet);
        self.place(point).map(|_| point)
    }

    /// The part of the catalog that the guard looks at, for its door.
    pub(crate) fn reduced(&self, catalog: &Catalog) -> Catalog {
        let mut reduced = Catalog::default();
        reduced.points = self.reads.iter().filter_map(|point| catalog.point(*point)).cloned().collect();
        reduced
    }
}
