//! The site of the storms: its texts, the sets that are made of them, and where its names are.

use crate::site::{Running, Texts, build_after};
use ballast_engine::bodies::{Asked, Bodies, BodyContext, BodyOutcome};
use ballast_engine::plan::BodyId;
use ballast_engine::{Engine, State as EngineState};
use ballast_guard::Guard;
use ballast_guard::plan::{Load, SafetySet};
use ballast_model::catalog::Catalog;
use ballast_model::time::Gap;
use ballast_model::{Finite, Mono, OutputId, PointId};
use ballast_rules::RhaiBodies;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

const SITE: &str = include_str!("site/site.yaml");
const SAFETY: &str = include_str!("site/safety.yaml");
const RULES: &str = include_str!("site/rules/rules.rhai");

/// Outputs, in the order in which the storm counts them; the only output of a device has its name.
pub(super) const OUTPUTS: usize = 14;
const OUTPUT_NAMES: [&str; OUTPUTS] = [
    "tank",
    "well",
    "mains",
    "genset.run",
    "genset.contactor",
    "timer",
    "fan",
    "found",
    "lamp",
    "clinic",
    "north",
    "south",
    "school",
    "battery",
];
pub(super) const HEATER: usize = 0;
pub(super) const PUMP: usize = 1;
pub(super) const MAINS: usize = 2;
pub(super) const GENSET_RUN: usize = 3;
pub(super) const GENSET: usize = 4;
pub(super) const TIMER: usize = 5;
pub(super) const FAN: usize = 6;
pub(super) const FOUND: usize = 7;
pub(super) const LAMP: usize = 8;
pub(super) const CLINIC: usize = 9;
pub(super) const NORTH: usize = 10;
pub(super) const SOUTH: usize = 11;
pub(super) const SCHOOL: usize = 12;
pub(super) const CHARGE: usize = 13;

/// Measured points, in the order in which the storm counts them.
pub(super) const POINTS: usize = 9;
const POINT_NAMES: [&str; POINTS] = [
    "panel.frequency",
    "inverter.frequency",
    "panel.power",
    "battery.temperature",
    "battery.soc",
    "tank.temperature",
    "tank.energy",
    "well.level",
    "well.current",
];
pub(super) const HERTZ: [usize; 2] = [0, 1];
pub(super) const POWER: usize = 2;
pub(super) const BATTERY_HEAT: usize = 3;
pub(super) const SOC: usize = 4;
pub(super) const TANK: usize = 5;
pub(super) const ENERGY: usize = 6;
pub(super) const LEVEL: usize = 7;
pub(super) const CURRENT: usize = 8;

/// Which rules and which safety set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SetName {
    pub(super) rules: usize,
    pub(super) safety: usize,
}

/// Sets of rules: as they are, with other times, and without one of them.
pub(super) const RULE_SETS: usize = 3;
/// Sets of safety: as it is, tighter, looser, and some of both.
pub(super) const SAFETY_SETS: usize = 4;

fn rules_text(index: usize) -> String {
    match index {
        1 => RULES
            .replace("< \"50 °C\" for \"20s\"", "< \"50 °C\" for \"40s\"")
            .replace("> \"80 %\" for \"5s\"", "> \"70 %\" for \"8s\""),
        2 => RULES.lines().filter(|line| !line.starts_with("rule \"fill\"")).collect::<Vec<_>>().join("\n"),
        _ => RULES.to_owned(),
    }
}

fn safety_text(index: usize) -> String {
    let change = |changes: &[(&str, &str)]| {
        changes.iter().fold(SAFETY.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    match index {
        1 => change(&[
            ("min_open: 20 s", "min_open: 40 s"),
            ("max_closed: 40 s", "max_closed: 25 s"),
            ("> 80 °C", "> 70 °C"),
            ("< 75 °C", "< 68 °C"),
        ]),
        2 => change(&[
            ("min_open: 20 s", "min_open: 5 s"),
            ("max_switches: 6 per 10 min", "max_switches: 12 per 10 min"),
            ("> 80 °C", "> 90 °C"),
            ("< 75 °C", "< 85 °C"),
        ]),
        3 => change(&[
            ("min_closed: 20 s, min_open: 20 s", "min_closed: 30 s, min_open: 10 s"),
            ("dead_time: 2 s", "dead_time: 4 s"),
            ("> 80 °C", "> 75 °C"),
            ("< 75 °C", "< 70 °C"),
        ]),
        _ => SAFETY.to_owned(),
    }
}

/// The texts of a set.
pub(super) fn texts(name: SetName) -> Texts {
    let file = |name: &str, text: String| (name.to_owned(), Arc::<[u8]>::from(text.into_bytes()));
    let files = [
        file("site.yaml", SITE.to_owned()),
        file("safety.yaml", safety_text(name.safety)),
        file("rules/rules.rhai", rules_text(name.rules)),
    ];
    Texts { files: files.into(), ..Texts::default() }
}

/// The bodies of one set, for every engine of one thread that runs it.
#[derive(Clone, Debug)]
pub(super) struct Shared(Rc<RefCell<RhaiBodies>>);

impl Bodies for Shared {
    fn run(&mut self, body: BodyId, context: &BodyContext<'_>, asked: &mut Asked) -> BodyOutcome {
        match self.0.try_borrow_mut() {
            Ok(mut bodies) => bodies.run(body, context, asked),
            Err(_) => BodyOutcome::Failed { message: "a body runs within a body".into(), place: "".into() },
        }
    }
}

/// A set that was built.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) running: Arc<Running>,
    /// What the guard holds to: that of the files, and one load more than they allow.
    pub(super) safety: Arc<SafetySet>,
    bodies: Shared,
}

impl Set {
    fn new(running: Arc<Running>, bodies: RhaiBodies, places: &Places) -> Self {
        let mut safety = SafetySet::clone(&running.safety);
        // `check` takes what is never shed out of the loads. Should it once fail to, the guard must not choose it all the same.
        if let Some(shedding) = &mut safety.shedding {
            let rated = Finite::saturating(2_000.0);
            let groups = vec!["homes".into()];
            shedding.loads.push(Load { output: places.outputs[CLINIC], groups, rated, power: None });
        }
        Self { running, safety: Arc::new(safety), bodies: Shared(Rc::new(RefCell::new(bodies))) }
    }

    pub(super) fn engine(&self, now: Mono) -> Engine<Shared> {
        Engine::new(Arc::clone(&self.running.plan), self.bodies.clone(), now)
    }

    /// Another engine that goes on from what one saved, as it would be read from a disk.
    pub(super) fn engine_from(
        &self,
        state: &EngineState<'_>,
        gap: Gap,
        at: Mono,
        now: Mono,
    ) -> Option<Engine<Shared>> {
        let bytes = postcard::to_allocvec(state).ok()?;
        let mut engine = self.engine(now);
        engine.restore(postcard::from_bytes(&bytes).ok()?, gap, at, now);
        Some(engine)
    }

    pub(super) fn guard(&self, now: Mono) -> Guard {
        Guard::new(Arc::clone(&self.running.plan.catalog), Arc::clone(&self.safety), now)
    }

    /// The index of a rule; `None` where the set does not have it.
    pub(super) fn rule(&self, name: &str) -> Option<u32> {
        let place = self.running.plan.rules.iter().position(|rule| &*rule.name == name)?;
        u32::try_from(place).ok()
    }

    /// The index of an event.
    pub(super) fn schedule(&self, name: &str) -> Option<u32> {
        let place = self.running.plan.schedules.iter().position(|schedule| schedule.name.contains(name))?;
        u32::try_from(place).ok()
    }
}

/// Where the names of the site are in its catalog.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) outputs: [OutputId; OUTPUTS],
    pub(super) points: [PointId; POINTS],
    pub(super) genset_running: PointId,
    pub(super) warm_below: PointId,
    /// Which output of ours each output of the catalog is.
    ours: Vec<usize>,
    /// Which point of ours each point of the catalog is.
    measured: Vec<Option<usize>>,
}

impl Places {
    fn find(catalog: &Catalog) -> Result<Self, String> {
        let outputs_of: Vec<&str> = catalog.outputs.iter().map(|spec| &*spec.name).collect();
        let points_of: Vec<&str> = catalog.points.iter().map(|spec| &*spec.name).collect();
        let place = |names: &[&str], name: &str| {
            let place = names.iter().position(|known| *known == name);
            let place = place.and_then(|place| u32::try_from(place).ok());
            place.ok_or_else(|| format!("the site of the storms has no {name}, but {names:?}"))
        };
        let point = |name: &str| place(&points_of, name).map(PointId);
        let mut outputs = [OutputId(0); OUTPUTS];
        let mut ours = vec![0; catalog.outputs.len()];
        for (number, (name, output)) in OUTPUT_NAMES.iter().zip(&mut outputs).enumerate() {
            *output = OutputId(place(&outputs_of, name)?);
            if let Some(ours) = ours.get_mut(output.index()) {
                *ours = number;
            }
        }
        let mut points = [PointId(0); POINTS];
        let mut measured = vec![None; catalog.points.len()];
        for (number, (name, found)) in POINT_NAMES.iter().zip(&mut points).enumerate() {
            *found = point(name)?;
            if let Some(measured) = measured.get_mut(found.index()) {
                *measured = Some(number);
            }
        }
        let (genset_running, warm_below) = (point("genset.running")?, point("setting.warm_below")?);
        Ok(Self { outputs, points, genset_running, warm_below, ours, measured })
    }

    /// Which output of ours it is.
    pub(super) fn ours(&self, output: OutputId) -> usize {
        self.ours.get(output.index()).copied().unwrap_or(0)
    }

    /// Which point of ours it is.
    pub(super) fn measured(&self, point: PointId) -> Option<usize> {
        self.measured.get(point.index()).copied().flatten()
    }
}

/// The name of an output of ours.
pub(super) fn output_name(output: usize) -> &'static str {
    OUTPUT_NAMES.get(output).copied().unwrap_or("")
}

/// The sets of the site, built as they are needed. They stay on the thread that built them, since scripts do.
#[derive(Debug)]
pub struct Sets {
    built: BTreeMap<SetName, Set>,
    pub(super) places: Places,
}

impl Sets {
    /// Reads the site of the storms.
    ///
    /// # Errors
    /// Its mistakes, drawn: a defect of this program.
    pub fn read() -> Result<Self, String> {
        let first = SetName { rules: 0, safety: 0 };
        let built = build_after(&texts(first), &[], None).map_err(|refused| refused.text)?;
        let places = Places::find(built.running.catalog())?;
        let set = Set::new(built.running, built.bodies, &places);
        Ok(Self { built: BTreeMap::from([(first, set)]), places })
    }

    /// One of the sets.
    ///
    /// # Errors
    /// Its mistakes, drawn: a defect of this program.
    pub(super) fn get(&mut self, name: SetName) -> Result<Set, String> {
        if let Some(set) = self.built.get(&name) {
            return Ok(set.clone());
        }
        let before = self.built.values().next().map(|set| Arc::clone(&set.running));
        let built = build_after(&texts(name), &[], before.as_deref()).map_err(|refused| refused.text)?;
        let set = Set::new(built.running, built.bodies, &self.places);
        self.built.insert(name, set.clone());
        Ok(set)
    }

    /// Reads a set whose rules have a mistake.
    ///
    /// # Errors
    /// It was taken.
    pub(super) fn refuse(&mut self, name: SetName) -> Result<(), String> {
        let before = self.get(name)?;
        let mut texts = texts(name);
        let text = RULES.replace("tank.temperature < \"50", "tank.temperatur < \"50");
        texts.files.insert("rules/rules.rhai".to_owned(), text.into_bytes().into());
        match build_after(&texts, &[], Some(&before.running)) {
            Ok(_) => Err("rules with a mistake were taken".to_owned()),
            Err(_) => Ok(()),
        }
    }
}
