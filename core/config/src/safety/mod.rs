//! `safety.yaml`: what holds whatever the rules say.
//!
//! It is read against the catalog of the site. What is decoded keeps its places, since most checks compare one part of
//! the file with another; they are in the module `checks`.

mod envelopes;
mod interlocks;
pub mod levels;
mod limits;
mod process;
pub mod shapes;
mod shedding;

use std::collections::BTreeMap;

use ballast_guard::plan::{Envelope, Interlock, Limit, Process, SafetySet, Shedding};
use ballast_model::catalog::{OutputId, PointId};
use ballast_model::{Contact, Finite, Value};

use crate::compile::Compiled;
use crate::decode::fields::Fields;
use crate::diagnostics::{Diagnostics, Place, Placed};
use crate::site::SiteDraft;
use crate::tree::Tree;

/// What `safety.yaml` says, with its places.
#[derive(Debug, Default)]
pub struct SafetyDraft<'t> {
    /// One per output that the file names, in its order.
    pub envelopes: Vec<EnvelopeDraft<'t>>,
    /// Where the envelope of an output stands in `envelopes`.
    by_output: BTreeMap<OutputId, usize>,
    /// In the order of the file.
    pub limits: Vec<LimitDraft<'t>>,
    /// The names of all limits in the file, also of those of which something else could not be read.
    pub limit_names: Vec<Placed<&'t str>>,
    /// In the order of the file.
    pub interlocks: Vec<InterlockDraft>,
    /// Automatic shedding, if the site has it.
    pub shedding: Option<SheddingDraft<'t>>,
    /// Devices that leave the bus on purpose.
    pub asleep: Vec<AsleepDraft<'t>>,
    /// The guard as a process of its own.
    pub process: Option<Process>,
    /// False when a part could not be read: what is absent may be there in the text.
    pub is_complete: bool,
}

/// One entry of `outputs:`.
#[derive(Debug)]
pub struct EnvelopeDraft<'t> {
    /// What the guard holds to. Where `safe` could not be read, open or zero stands for it.
    pub envelope: Envelope,
    /// Whether the file says what is safe, in a way that could be read.
    pub has_safe: bool,
    /// Conditions of the effect, for the checks.
    pub effect: Vec<Compiled<'t>>,
    /// Its keys.
    pub fields: Fields<'t>,
    /// Where the output is named.
    pub place: Place,
}

/// One entry of `limits:`.
#[derive(Debug)]
pub struct LimitDraft<'t> {
    /// What the guard holds to.
    pub limit: Limit,
    /// Where its name stands.
    pub place: Place,
    /// `when`, or `of`.
    pub when: Compiled<'t>,
    /// `until`.
    pub until: Option<Compiled<'t>>,
    /// What it sets, with the places of the outputs.
    pub force: Vec<Placed<(OutputId, ballast_model::Wanted)>>,
    /// How long its steps wait after it acted, where they say so.
    pub waits: Vec<Placed<ballast_model::Span>>,
    /// What it caps, with the places of the outputs.
    pub derate: Vec<Placed<OutputId>>,
    /// Its keys.
    pub fields: Fields<'t>,
}

/// One entry of `interlocks:`.
#[derive(Debug)]
pub struct InterlockDraft {
    /// What the guard holds to.
    pub interlock: Interlock,
    /// Where each member stands.
    pub members: Vec<Placed<(OutputId, Contact)>>,
    /// How long neither of them is there, where it says so.
    pub dead_time: Option<Placed<ballast_model::Span>>,
    /// Where to point when the whole is meant.
    pub place: Place,
}

/// `shedding:`.
#[derive(Debug)]
pub struct SheddingDraft<'t> {
    /// What the guard holds to.
    pub shedding: Shedding,
    /// The points of the frequency.
    pub source: Vec<Placed<PointId>>,
    /// The outputs of `never`.
    pub never: Vec<Placed<OutputId>>,
    /// Where the parts of each stage stand, in the order of the file.
    pub stages: Vec<StagePlaces>,
    /// Where those of `bulk` stand.
    pub bulk: Option<StagePlaces>,
    /// Where to point when the whole is meant.
    pub fields: Fields<'t>,
    /// Where the keys of `restore_at_most` stand.
    pub restore: RestorePlaces,
}

/// The places of `restore_at_most:`, of what is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct RestorePlaces {
    /// `keep_free`.
    pub keep_free: Option<Place>,
    /// `above`.
    pub above: Option<Place>,
    /// `settle`.
    pub settle: Option<Place>,
    /// `one_per`.
    pub one_per: Option<Place>,
    /// `jitter`.
    pub jitter: Option<Place>,
}

/// The places of a stage, as far as it could be read: what is wrong in it hides nothing of its neighbours.
#[derive(Clone, Debug)]
pub struct StagePlaces {
    /// The frequency.
    pub below: Option<Placed<Finite>>,
    /// How long it must last.
    pub hold: Option<Placed<ballast_model::Span>>,
    /// The groups it takes from.
    pub from: Vec<Placed<ballast_model::GroupId>>,
}

/// One entry of `asleep:`.
#[derive(Debug)]
pub struct AsleepDraft<'t> {
    /// Which point.
    pub point: Placed<PointId>,
    /// What it then is.
    pub value: Value,
    /// When it is asleep.
    pub when: Compiled<'t>,
}

/// What `safety.yaml` says of the guard as a process, also where the rest of it has mistakes: who looks for the guard in an
/// emergency must find it.
pub fn guard_process(text: &[u8]) -> Option<Process> {
    // Most sites say nothing of it, and this is asked at every start before anything else. A key in quotes may be written
    // with `\`.
    let is_there = |word: &[u8]| text.windows(word.len()).any(|found| found == word);
    if !is_there(b"guard") && !is_there(b"\\") {
        return None;
    }
    let (mut sources, mut out) = (crate::sources::Sources::new(), Diagnostics::new());
    let file = sources.add("safety.yaml", text, &mut out);
    let tree = crate::tree::parse(file, &sources, &mut out);
    let fields = Fields::read(tree.root.as_ref()?, &shapes::SAFETY, &mut out)?;
    let mut draft = SafetyDraft::default();
    process::read(&fields, &mut draft, &mut out);
    draft.process
}

/// Reads `safety.yaml`.
pub fn read<'t>(tree: &'t Tree, site: &SiteDraft, out: &mut Diagnostics) -> SafetyDraft<'t> {
    let nouns = site.nouns();
    let mut draft = SafetyDraft { is_complete: tree.is_complete, ..SafetyDraft::default() };
    let Some(fields) = tree.root.as_ref().and_then(|root| Fields::read(root, &shapes::SAFETY, out)) else {
        draft.is_complete = false;
        return draft;
    };
    envelopes::read(&fields, site, &nouns, &mut draft, out);
    limits::read(&fields, &nouns, &mut draft, out);
    interlocks::read(&fields, &nouns, &mut draft, out);
    shedding::read(&fields, site, &nouns, &mut draft, out);
    limits::read_asleep(&fields, &nouns, &mut draft, out);
    process::read(&fields, &mut draft, out);
    draft
}

impl<'t> SafetyDraft<'t> {
    fn add_envelope(&mut self, draft: EnvelopeDraft<'t>) {
        self.by_output.insert(draft.envelope.output, self.envelopes.len());
        self.envelopes.push(draft);
    }

    /// The envelope of an output, if the file has one.
    pub fn envelope(&self, output: OutputId) -> Option<&EnvelopeDraft<'t>> {
        self.by_output.get(&output).and_then(|index| self.envelopes.get(*index))
    }

    /// What every setpoint may be, where its envelope says so.
    pub(crate) fn allowed(&self) -> BTreeMap<OutputId, Vec<(Finite, Finite)>> {
        let levels = self.envelopes.iter().filter_map(|draft| {
            let level = draft.envelope.level.as_ref()?;
            Some((draft.envelope.output, level.ranges.clone()))
        });
        levels.collect()
    }

    /// What the guard gets: one envelope per output of the site, in the order of their ids.
    pub fn finish(&self, site: &SiteDraft, fingerprint: u64, definitions: u64) -> SafetySet {
        let mut envelopes: Vec<Envelope> =
            self.envelopes.iter().map(|draft| draft.envelope.clone()).collect();
        envelopes.sort_by_key(|envelope| envelope.output);
        envelopes.dedup_by_key(|envelope| envelope.output);
        debug_assert_eq!(envelopes.len(), site.catalog.outputs.len());
        SafetySet {
            envelopes,
            limits: self.limits.iter().map(|draft| draft.limit.clone()).collect(),
            interlocks: self.interlocks.iter().map(|draft| draft.interlock.clone()).collect(),
            shedding: self.shedding.as_ref().map(|draft| draft.shedding.clone()),
            asleep: self
                .asleep
                .iter()
                .map(|draft| ballast_guard::plan::Asleep {
                    point: draft.point.value,
                    value: draft.value,
                    when: draft.when.program.clone(),
                })
                .collect(),
            process: self.process.clone(),
            fingerprint,
            definitions,
        }
    }
}

#[cfg(test)]
mod tests;
