//! From texts to what runs: the checked site, the compiled rules, the engine's plan.

use super::Texts;
use crate::journal;
use crate::simulation::plant;
use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::{Loaded, Site};
use ballast_config::render::{self, Style};
use ballast_config::site::DerivedRule;
use ballast_config::sources::Sources;
use ballast_drivers::OpenBus;
use ballast_engine::plan::{
    AsleepPlan, Derivation, DerivedPlan, GeneratorPlan, Plan, RestorationLoad, RestorationPlan,
};
use ballast_guard::Guard;
use ballast_guard::plan::SafetySet;
use ballast_host::definitions;
use ballast_host::file_set::RULE_BYTES_MAX;
use ballast_host::nouns::{self, Given, follow_buses, settle};
use ballast_host::ownership;
use ballast_model::device::BusDefinition;
use ballast_model::diagnostic::{Diagnostic, FileId};
use ballast_model::frame::fnv1a;
use ballast_model::{Catalog, Mono, OutputId, PointId};
use ballast_rules::{Before, Compiled, RhaiBodies, Source};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A site that runs or is about to: everything that can be shared between threads.
#[derive(Debug)]
pub struct Running {
    /// The checked site, shared with the sets that have the same nouns; its catalog is that of the plan.
    pub site: Arc<Site>,
    /// What the engine runs.
    pub plan: Arc<Plan>,
    /// What the guard holds to.
    pub safety: Arc<SafetySet>,
    /// The texts, for the journal.
    pub journal_plan: Arc<journal::Plan>,
    /// Hash of the catalog and the buses: another one means that the buses are opened anew.
    pub definitions: u64,
    /// Campaigns that the rules name.
    pub campaigns: Vec<String>,
    /// Whether nothing at all was found in the nouns, not even a warning.
    is_faultless: bool,
    /// What of the rules a set with the same nouns takes over.
    kept: ballast_rules::Kept,
}

impl Running {
    /// The nouns.
    pub fn catalog(&self) -> &Catalog {
        &self.plan.catalog
    }

    /// The point that tells the height of the sun.
    pub fn sun(&self) -> Option<PointId> {
        self.site.sun
    }

    /// Whether texts have the nouns of this set, byte for byte, so that only their rules must be read.
    fn has_nouns_of(&self, texts: &Texts) -> bool {
        let is_noun = |name: &str| !name.starts_with("rules/");
        let own = self.journal_plan.texts.iter().filter(|(name, _)| is_noun(name));
        let theirs = texts.files.iter().filter(|(name, _)| is_noun(name));
        self.is_faultless
            && !texts.too_large.keys().any(|name| is_noun(name))
            && own.map(|(name, bytes)| (name, bytes)).eq(theirs)
    }

    /// Compiles rules for the nouns of this set; those of files that are the same are taken over.
    fn compile_after(&self, rules: &[Source<'_>], catalog: &Arc<Catalog>) -> Compiled {
        let own = &self.journal_plan.texts;
        let is_same = |source: &Source<'_>| {
            let name = format!("rules/{}", source.name);
            let place = own.binary_search_by(|(known, _)| known.as_str().cmp(&name));
            let text = place.ok().and_then(|place| own.get(place));
            text.is_some_and(|(_, bytes)| **bytes == *source.text.as_bytes())
        };
        let before = Before { kept: &self.kept, rules: &self.plan.rules, is_same: &is_same };
        ballast_rules::compile_after(rules, catalog, &before)
    }
}

/// A set that was built: it stays on the thread that built it, since scripts do.
pub struct Built {
    /// What can be shared.
    pub running: Arc<Running>,
    /// Runs the bodies.
    pub bodies: RhaiBodies,
    /// Buses that are checked and not open; `None` where they are those of the set that ran before.
    buses: Option<Vec<(OpenBus, Vec<OutputId>)>>,
    /// Warnings, for people; empty where there are none.
    pub warnings: String,
    /// The same for a terminal.
    pub drawing: Drawing,
    /// Everything that was found, for programs.
    pub data: serde_json::Value,
    /// What was understood, for `check --explain`.
    pub notes: Vec<String>,
}

impl Built {
    /// The buses that this program opens: all, or what a guard that is a process of its own leaves to it.
    pub fn take_buses(&mut self, has_process: bool) -> Vec<(OpenBus, Vec<OutputId>)> {
        let running = &self.running;
        if !has_process {
            let anew = || open_buses(&running.site.buses, running.catalog(), &mut Diagnostics::new());
            return self.buses.take().unwrap_or_else(anew);
        }
        let guard = Guard::new(Arc::clone(&running.plan.catalog), Arc::clone(&running.safety), Mono::ZERO);
        let division = ownership::divide(&running.site, running.catalog(), &guard);
        let open = |definition: &BusDefinition| ballast_drivers::open(definition, running.catalog()).ok();
        // Every bus was opened when the set was built: a part of it opens as well.
        let buses = division.program.iter().filter_map(open);
        buses.map(|bus| (bus, Vec::new())).collect()
    }
}

/// A set that was refused.
#[derive(Debug)]
pub struct Refused {
    /// All mistakes, drawn into the texts.
    pub text: String,
    /// The same for a terminal.
    pub drawing: Box<Drawing>,
    /// The same for programs.
    pub data: serde_json::Value,
}

impl Refused {
    /// With sentences that belong to no text.
    fn with(mut self, sentences: &[String]) -> Self {
        self.text.push_str(&sentences.concat());
        self.drawing.after = sentences.concat();
        self
    }

    /// The same where files have other names than in a site; `None`: as there.
    #[must_use]
    pub fn naming(mut self, name: impl Fn(&str) -> Option<String>) -> Self {
        self.drawing.sources.rename(name);
        let Drawing { found, sources, after } = &*self.drawing;
        self.text = format!("{}{after}", render::render(found, sources, Style::Plain));
        self.data = json!({ "diagnostics": render::flatten(found, sources) });
        self
    }
}

/// What was found, to be drawn once it is known for whom.
#[derive(Debug)]
pub struct Drawing {
    found: Diagnostics,
    sources: Sources,
    /// What is said below.
    after: String,
}

impl Drawing {
    /// What was found in texts that belong to no set.
    pub fn of(mut found: Diagnostics, sources: Sources) -> Self {
        found.sort();
        Self { found, sources, after: String::new() }
    }

    /// With colours, in lines that fit a terminal of so many columns; as long as they are where that is not known. Empty
    /// where nothing was found.
    pub fn coloured(&self, width: Option<usize>) -> String {
        let drawn = render::render_within(&self.found, &self.sources, Style::Coloured, width);
        format!("{drawn}{}", self.after)
    }
}

/// Builds everything from the texts of a site that lies somewhere, or, given overrides alone, nowhere.
///
/// # Errors
/// All mistakes of all files, together.
pub fn build<'a>(texts: &Texts, given: impl Into<Given<'a>>) -> Result<Built, Refused> {
    build_after(texts, given, None)
}

/// The same for machines that run again what a journal holds: no bus is opened, nor a file that one names.
///
/// # Errors
/// As [`build`].
pub fn build_unopened(texts: &Texts) -> Result<Built, Refused> {
    build_with(texts, Given::default(), None, Hands { opens: false, adapts: None })
}

/// The same with nouns that are changed before rules, engine and guard lean on them.
///
/// # Errors
/// As [`build`].
pub fn build_adapted(texts: &Texts, adapt: &dyn Fn(&mut Site)) -> Result<Built, Refused> {
    build_with(texts, Given::default(), None, Hands { opens: false, adapts: Some(adapt) })
}

/// The same as [`build`] beside a running set that was built with the same `given`: where the nouns are the same, they are shared
/// and not read again.
///
/// # Errors
/// As [`build`].
pub fn build_after<'a>(
    texts: &Texts,
    given: impl Into<Given<'a>>,
    before: Option<&Running>,
) -> Result<Built, Refused> {
    build_with(texts, given.into(), before, Hands { opens: true, adapts: None })
}

/// What is done beside reading texts.
struct Hands<'a> {
    /// Buses are opened.
    opens: bool,
    /// Nouns are changed before anybody leans on them.
    adapts: Option<&'a dyn Fn(&mut Site)>,
}

fn build_with(
    texts: &Texts,
    given: Given<'_>,
    before: Option<&Running>,
    hands: Hands<'_>,
) -> Result<Built, Refused> {
    let mut sources = Sources::new();
    let mut found = Diagnostics::new();
    if let Some(before) = before.filter(|before| before.has_nouns_of(texts)) {
        let catalog = Arc::clone(&before.plan.catalog);
        let compiled = compile_rules(texts, &catalog, Some(before), &mut sources, &mut found);
        found.sort();
        let (site, definitions) = (Arc::clone(&before.site), before.definitions);
        let nouns = Nouns { site, catalog, is_faultless: true, definitions };
        return finish(texts, nouns, None, compiled, sources, found);
    }
    let Loaded { site, catalog, mut buses } = nouns::load(texts, &mut sources, &mut found);
    let is_faultless = found.is_empty();
    let Some(mut site) = site else {
        // Rules are checked although site and safety set have mistakes: a person sees them all together, and what the drivers
        // have to say about their keys.
        let catalog = Arc::new(catalog);
        compile_rules(texts, &catalog, None, &mut sources, &mut found);
        let unknown = settle(&mut buses, given);
        drop(open_buses(&buses, &catalog, &mut found));
        return Err(refused(&found, &sources).with(&unknown));
    };
    if let Some(adapt) = hands.adapts {
        adapt(&mut site);
    }
    let mut catalog = std::mem::take(&mut site.catalog);
    catalog.shrink_to_fit();
    let unknown = settle(&mut site.buses, given);
    if !given.overrides.is_empty() {
        follow_buses(&site.buses, &mut catalog);
    }
    let catalog = Arc::new(catalog);
    let compiled = compile_rules(texts, &catalog, None, &mut sources, &mut found);
    let buses = hands.opens.then(|| open_buses(&site.buses, &catalog, &mut found));
    if !unknown.is_empty() {
        return Err(refused(&found, &sources).with(&unknown));
    }
    let definitions = definitions::fingerprint(&catalog, &site.buses);
    let nouns = Nouns { site: Arc::new(site), catalog, is_faultless, definitions };
    finish(texts, nouns, buses, compiled, sources, found)
}

/// What the rules are about.
struct Nouns {
    site: Arc<Site>,
    catalog: Arc<Catalog>,
    is_faultless: bool,
    definitions: u64,
}

/// Puts nouns and rules together.
fn finish(
    texts: &Texts,
    nouns: Nouns,
    buses: Option<Vec<(OpenBus, Vec<OutputId>)>>,
    compiled: Compiled,
    sources: Sources,
    found: Diagnostics,
) -> Result<Built, Refused> {
    let Nouns { site, catalog, is_faultless, definitions } = nouns;
    if found.has_mistakes() {
        return Err(refused(&found, &sources));
    }
    let notes = compiled.notes.iter().map(|note| explained(note, &sources)).collect();
    let campaigns = compiled.campaigns.iter().map(|campaign| campaign.name.to_string()).collect();
    let Compiled { rules, schedules, bodies, kept, .. } = compiled;
    let plan = plan(&site, catalog, rules, schedules, texts);
    let running = Running {
        safety: Arc::clone(&site.safety),
        plan: Arc::new(plan),
        journal_plan: Arc::new(journal::Plan { texts: texts.files.clone().into_iter().collect() }),
        definitions,
        campaigns,
        site,
        is_faultless,
        kept,
    };
    Ok(Built {
        running: Arc::new(running),
        bodies,
        buses,
        warnings: if found.is_empty() {
            String::new()
        } else {
            render::render(&found, &sources, Style::Coloured)
        },
        data: json!({ "diagnostics": render::flatten(&found, &sources) }),
        notes,
        drawing: Drawing { found, sources, after: String::new() },
    })
}

/// The nouns of a site, also of one with mistakes.
pub fn catalog(texts: &Texts) -> Catalog {
    nouns::load(texts, &mut Sources::new(), &mut Diagnostics::new()).into_nouns()
}

fn compile_rules(
    texts: &Texts,
    catalog: &Arc<Catalog>,
    before: Option<&Running>,
    sources: &mut Sources,
    found: &mut Diagnostics,
) -> Compiled {
    let ids: Vec<FileId> = texts.rules().map(|(name, bytes)| sources.add(name, bytes, found)).collect();
    for (name, length) in texts.too_large.iter().filter(|(name, _)| name.starts_with("rules/")) {
        sources.refuse_by_length(name.as_str(), *length, RULE_BYTES_MAX, found);
    }
    for (name, what) in &texts.not_files {
        sources.warn_of_no_file(name, what, found);
    }
    let readable = ids.iter().filter_map(|id| sources.get(*id).map(|source| (*id, source)));
    let rules: Vec<Source<'_>> = readable
        .filter(|(_, source)| source.is_readable())
        .map(|(file, source)| Source {
            file,
            name: source.name().trim_start_matches("rules/"),
            text: source.text(),
        })
        .collect();
    let compiled = match before {
        None => ballast_rules::compile(&rules, catalog),
        Some(before) => before.compile_after(&rules, catalog),
    };
    found.extend(compiled.diagnostics.iter().cloned());
    compiled
}

fn open_buses(
    definitions: &[BusDefinition],
    catalog: &Catalog,
    found: &mut Diagnostics,
) -> Vec<(OpenBus, Vec<OutputId>)> {
    let mut buses = Vec::new();
    for definition in definitions {
        let outputs = definition.outputs.iter().map(|output| output.output).collect();
        match ballast_drivers::open(definition, catalog) {
            Ok(mut bus) => {
                found.extend(bus.warnings().iter().cloned());
                match join_world(definition, &mut bus) {
                    Ok(()) => buses.push((bus, outputs)),
                    Err(mistakes) => found.extend(mistakes),
                };
            }
            Err(mistakes) => found.extend(mistakes),
        }
    }
    found.extend(ballast_drivers::shared(definitions, catalog));
    found.sort();
    buses
}

/// Tries the simulated world that a bus names, so that names it does not have are told like any other mistake. Who opens the
/// bus joins the world that will run.
fn join_world(definition: &BusDefinition, bus: &mut OpenBus) -> Result<(), Vec<Diagnostic>> {
    match bus.world() {
        None => Ok(()),
        Some(world) if plant::WORLDS.contains(&world) => plant::try_world(bus),
        Some(world) => {
            let wrong = definition.settings.wrong("plant", format!("there is no simulated world `{world}`"));
            Err(vec![wrong.help(format!("there is {}", plant::WORLDS.join(", ")))])
        }
    }
}

fn plan(
    site: &Site,
    catalog: Arc<Catalog>,
    mut rules: Vec<ballast_engine::plan::RulePlan>,
    schedules: Vec<ballast_engine::plan::SchedulePlan>,
    texts: &Texts,
) -> Plan {
    let computed = computed(site, &catalog);
    for rule in &mut rules {
        let reads: BTreeSet<PointId> = rule.reads().collect();
        rule.reads_hash = sum_of(&computed, &reads);
    }
    let mode = site.modes.iter().map(|modes| (modes.point, modes.initial));
    let settings = site.settings.iter().map(|setting| (setting.point, setting.initial)).chain(mode).collect();
    let derived = site.derived.iter().map(|derived| DerivedPlan {
        point: derived.point,
        program: match &derived.rule {
            DerivedRule::Program(program) => Derivation::Expression(program.clone()),
            DerivedRule::Median(points) => Derivation::Median(points.clone()),
            DerivedRule::FirstGood(points) => Derivation::FirstGood(points.clone()),
            DerivedRule::Sum(points) => Derivation::Sum(points.clone()),
        },
    });
    let asleep = site.safety.asleep.iter().map(|asleep| AsleepPlan {
        point: asleep.point,
        value: asleep.value,
        when: asleep.when.clone(),
    });
    let id = texts.id().to_string();
    Plan {
        derived: derived.collect(),
        asleep: asleep.collect(),
        generators: site.generators.iter().map(generator_plan).collect(),
        restoration: restoration(site),
        settings,
        fingerprint: fnv1a(id.into_bytes()),
        catalog,
        rules,
        schedules,
    }
}

/// How each derived point is computed, as a number that knows no ids: of its name, its definition, and those of what it reads.
fn computed(site: &Site, catalog: &Catalog) -> BTreeMap<PointId, u64> {
    let mut all = BTreeMap::new();
    // Each stands after those it reads.
    for derived in &site.derived {
        let name = catalog.point(derived.point).map_or("", |spec| &*spec.name);
        let below = sum_of(&all, &derived.reads);
        let numbers = [derived.definition, below].into_iter().flat_map(u64::to_le_bytes);
        all.insert(derived.point, fnv1a(numbers.chain(name.bytes())));
    }
    all
}

/// The sum over those that are computed: the order of the catalog does not count.
fn sum_of<'a>(computed: &BTreeMap<PointId, u64>, reads: impl IntoIterator<Item = &'a PointId>) -> u64 {
    let known = reads.into_iter().filter_map(|point| computed.get(point));
    known.fold(0, |sum, number| sum.wrapping_add(*number))
}

fn generator_plan(generator: &ballast_config::site::Generator) -> GeneratorPlan {
    GeneratorPlan {
        name: generator.name.as_str().into(),
        run: generator.run,
        ready: generator.ready,
        wanted: generator.wanted,
        failed: generator.failed,
        running: generator.running.clone(),
        warm_up: generator.warm_up,
        min_run: generator.min_run,
        cool_down: generator.cool_down,
        attempts: generator.attempts,
        attempt: generator.attempt,
        rest: generator.rest,
    }
}

/// What shedding opened comes back under the same bounds that the guard holds to.
fn restoration(site: &Site) -> Option<RestorationPlan> {
    let shedding = site.safety.shedding.as_ref()?;
    let source = *shedding.source.first()?;
    let load = |load: &ballast_guard::plan::Load| RestorationLoad {
        output: load.output,
        rated: load.rated,
        power: load.power,
    };
    Some(RestorationPlan {
        loads: shedding.loads.iter().map(load).collect(),
        frequency: (source, shedding.restore.above),
        settle: shedding.restore.settle,
        keep_free: shedding.restore.capacity.map(|capacity| (shedding.restore.keep_free, capacity)),
        site_load: shedding.site_load,
        one_per: shedding.restore.one_per,
    })
}

fn refused(found: &Diagnostics, sources: &Sources) -> Refused {
    let mut sorted = found.clone();
    sorted.sort();
    Refused {
        text: render::render(&sorted, sources, Style::Plain),
        data: json!({ "diagnostics": render::flatten(&sorted, sources) }),
        drawing: Box::new(Drawing { found: sorted, sources: sources.clone(), after: String::new() }),
    }
}

fn explained(note: &ballast_rules::Note, sources: &Sources) -> String {
    let position = sources.position(note.file, note.span.start);
    format!("{}:{}:{} {}", sources.name(note.file), position.line, position.column, note.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_the_defaults_of_the_safety_set() {
        let built = build(&crate::simulation::lockstep::village_texts(), &[])
            .map_err(|refused| refused.text)
            .unwrap();
        let mut outputs = built.running.catalog().outputs.iter();
        let home = outputs.find(|output| &*output.name == "homes_north").unwrap();
        assert_eq!(home.default, ballast_model::Wanted::CLOSED);
    }

    #[test]
    fn nouns_that_did_not_change_are_shared_and_others_are_read_again() {
        let mut texts = Texts::default();
        let site = "site: one\nuuid: 4be0643f-1d98-573b-97cd-ca98a65347dd\ntime_zone: Europe/Paris\n";
        texts.files.insert("site.yaml".into(), site.as_bytes().into());
        texts.files.insert("safety.yaml".into(), b"outputs: {}\n".as_slice().into());
        texts.files.insert("rules/a.rhai".into(), b"at \"12:00\" { record(\"noon\"); }".as_slice().into());
        let built = |texts: &Texts, before| {
            build_after(texts, &[], before).unwrap_or_else(|refused| panic!("{}", refused.text)).running
        };
        let first = built(&texts, None);
        assert!(first.is_faultless);
        texts.files.insert("rules/a.rhai".into(), b"at \"13:00\" { record(\"one\"); }".as_slice().into());
        let second = built(&texts, Some(&first));
        assert!(Arc::ptr_eq(&first.site, &second.site));
        assert_eq!(first.definitions, built(&texts, None).definitions);
        assert_ne!(first.plan.fingerprint, second.plan.fingerprint);
        // A comment is enough: what is shared was read from the same bytes.
        texts.files.insert("site.yaml".into(), format!("{site}# changed\n").into_bytes().into());
        assert!(!Arc::ptr_eq(&first.site, &built(&texts, Some(&second)).site));
    }

    #[test]
    fn what_is_no_rule_file_or_too_long_is_told() {
        assert_eq!(RULE_BYTES_MAX, ballast_rules::limits::FILE_BYTES_MAX as u64);
        let mut texts = Texts::default();
        texts.too_large.insert("rules/long.rhai".into(), RULE_BYTES_MAX + 1);
        texts.not_files.insert("rules/pipe.rhai".into(), "a named pipe");
        let refused = build(&texts, &[]).map(drop).unwrap_err().text;
        assert!(refused.contains("at most 262144 are read (256 KiB)"), "{refused}");
        assert!(refused.contains("`rules/pipe.rhai` is a named pipe and not a file"), "{refused}");
    }
}
