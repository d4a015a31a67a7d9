//! Points and outputs without a device: of a simulated world that the program joins, of a formula, or of a table.
//!
//! Transcripts say what the world says and is told (`transcript/stage.rs`); `tests/sim.rs` has a world that moves, the formulas
//! and the tables. An output that no world takes remembers what it was told and says so.

use crate::bus::{Body, Meaning, OpenBus, World};
use crate::formula::Formula;
use crate::limits::TICK_MIN;
use crate::point::PointReader;
use crate::readings::Readings;
use crate::spec::{DriverSpec, Mistakes, file_key, key};
use crate::table::Table;
use ballast_guard::plan::Strength;
use ballast_model::catalog::{Catalog, Kind, OutputKind};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, ReadsEvery, Settings};
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{OutputId, Span, Unit};
use std::path::Path;

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "sim",
    about: "simulated points: a plant, a formula or a table",
    is_experimental: false,
    is_network: false,
    is_shareable: true,
    exclusive_key: None,
    strength: Strength::Soft,
    reads_every: Some(ReadsEvery { usual: PERIOD, bus_key: None }),
    bus_keys: &[
        key("plant", "the simulated world: village"),
        file_key("csv", "file with a table; its first column is the time in seconds"),
        key("repeat", "whether the table begins again at its end: no (default) or yes"),
        key("seed", "seed of the simulated world (1)"),
    ],
    point_keys: &[
        key("from", "name in the simulated world (the point's own name)"),
        key("formula", "value from the time: `50 + 0.1 * sine(20 s) + 0.02 * noise(1)`"),
        key("column", "column of the table"),
    ],
    output_keys: &[
        key("to", "name of the input in the simulated world (the output's own name)"),
        key("actual", "name in the simulated world of what shows where the output is"),
    ],
    open,
};

/// How often a point is told that does not say it.
const PERIOD: Span = Span::from_secs(1);

/// A bus without a wire.
pub(crate) struct SimBus {
    plant: Option<Box<str>>,
    pub(crate) world: Option<Box<dyn World>>,
    pub(crate) table: Option<Table>,
    pub(crate) repeats: bool,
    pub(crate) points: Vec<SimPoint>,
    pub(crate) outputs: Vec<SimOutput>,
}

pub(crate) struct SimPoint {
    pub(crate) period: Span,
    pub(crate) source: Source,
    kind: Kind,
    settings: Settings,
}

pub(crate) enum Source {
    World { name: Box<str>, reading: usize, meaning: Meaning },
    Formula(Formula),
    Column(usize),
}

pub(crate) struct SimOutput {
    pub(crate) output: OutputId,
    /// The unit in which a setpoint is told; `None` for a contact.
    pub(crate) unit: Option<Unit>,
    to: Box<str>,
    actual: Option<Box<str>>,
    /// Where it goes in the world, once one is joined.
    pub(crate) input: Option<usize>,
    /// Where it shows in the world.
    pub(crate) shows: Option<usize>,
    settings: Settings,
}

impl SimOutput {
    fn meaning(&self) -> Meaning {
        self.unit.map_or(Meaning::Flag, Meaning::Number)
    }
}

impl SimBus {
    /// One with nothing on it.
    pub(crate) fn empty() -> Self {
        Self {
            plant: None,
            world: None,
            table: None,
            repeats: false,
            points: Vec::new(),
            outputs: Vec::new(),
        }
    }

    pub(crate) fn world(&self) -> Option<&str> {
        self.plant.as_deref()
    }

    /// What is read of the world, by its names. Words are the plant's own, and are left out.
    pub(crate) fn readings(&self) -> Vec<(Box<str>, Meaning)> {
        let point = |point: &SimPoint| {
            let Source::World { name, .. } = &point.source else { return None };
            let meaning = match &point.kind {
                Kind::Number(unit) => Meaning::Number(*unit),
                Kind::Flag => Meaning::Flag,
                Kind::Words(_) => return None,
            };
            Some((name.clone(), meaning))
        };
        let shown = |output: &SimOutput| Some((output.actual.clone()?, output.meaning()));
        self.points.iter().filter_map(point).chain(self.outputs.iter().filter_map(shown)).collect()
    }

    /// What the world is told, by its names.
    pub(crate) fn inputs(&self) -> Vec<(Box<str>, Meaning)> {
        self.outputs.iter().map(|output| (output.to.clone(), output.meaning())).collect()
    }

    pub(crate) fn join(&mut self, world: Box<dyn World>) -> Result<(), Vec<Diagnostic>> {
        let mut mistakes = Vec::new();
        for point in &mut self.points {
            let Source::World { name, reading, meaning } = &mut point.source else { continue };
            match world.reading(name) {
                Some((place, means)) if means.fits(&point.kind) => (*reading, *meaning) = (place, means),
                Some((_, means)) => {
                    mistakes.push(
                        point.settings.wrong("from", format!("`{name}` is {} in the plant", means.name())),
                    );
                }
                None => mistakes.push(point.settings.wrong("from", format!("the plant has no `{name}`"))),
            }
        }
        for output in &mut self.outputs {
            match world.input(&output.to) {
                Some((place, means)) if means.takes(output.unit) => output.input = Some(place),
                Some((_, means)) => {
                    let text = format!("`{}` is {} in the plant", output.to, means.name());
                    mistakes.push(output.settings.wrong("to", text));
                }
                None => mistakes
                    .push(output.settings.wrong("to", format!("the plant has no input `{}`", output.to))),
            }
            let Some(actual) = &output.actual else { continue };
            match world.reading(actual) {
                Some((place, means)) if means.takes(output.unit) => output.shows = Some(place),
                Some((_, means)) => {
                    let text = format!("`{actual}` is {} in the plant", means.name());
                    mistakes.push(output.settings.wrong("actual", text));
                }
                None => {
                    mistakes.push(output.settings.wrong("actual", format!("the plant has no `{actual}`")))
                }
            }
        }
        self.world = Some(world);
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }
}

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let settings = &definition.settings;
    let table = settings.get("csv").and_then(|path| {
        let table = Table::read(Path::new(path));
        mistakes.take(table.map_err(|text| settings.wrong("csv", text)))
    });
    let repeats = mistakes.choice(
        settings,
        "repeat",
        &[("no", false), ("yes", true), ("false", false), ("true", true)],
    );
    if settings.get("seed").is_some_and(|seed| seed.parse::<u64>().is_err()) {
        mistakes.add(settings.wrong("seed", "a seed is a whole number"));
    }
    let has_plant = settings.get("plant").is_some();
    let mut points = Vec::new();
    let mut readers = Vec::new();
    for point in &definition.points {
        let source = read_source(
            point,
            catalog,
            has_plant,
            settings.get("csv").is_some(),
            table.as_ref(),
            &mut mistakes,
        );
        let reader = PointReader::new(point, catalog, &mut mistakes);
        let (Some(source), Some(reader), Some(spec)) = (source, reader, catalog.point(point.point)) else {
            continue;
        };
        let period = spec.period.unwrap_or(PERIOD).max(TICK_MIN);
        points.push(SimPoint { period, source, kind: spec.kind.clone(), settings: point.settings.clone() });
        readers.push((point.point, reader));
    }
    let outputs = definition.outputs.iter().filter_map(|output| read_output(output, catalog)).collect();
    let bus = repeats.map(|repeats| {
        let plant = settings.get("plant").map(Box::from);
        let body = Body::Sim(SimBus { plant, world: None, table, repeats, points, outputs });
        OpenBus::new(&definition.name, &SPEC, Readings::new(readers), body)
    });
    mistakes.finish(bus)
}

/// What a formula is made of.
const FORMULA_HELP: &str = "write sums and products of numbers and of `sine(20 s)`, `ramp(1 min)`, `square(2 s)` and `noise(1)`, as in `50 + 0.1 * sine(20 s)`";

fn read_source(
    point: &PointDefinition,
    catalog: &Catalog,
    has_plant: bool,
    has_table: bool,
    table: Option<&Table>,
    mistakes: &mut Mistakes,
) -> Option<Source> {
    let settings = &point.settings;
    let keys = ["from", "formula", "column"].into_iter().filter(|key| settings.get(key).is_some());
    if keys.count() > 1 {
        let wrong = settings.wrong("formula", "a point has one of `from`, `formula` and `column`");
        mistakes.add(wrong.help("keep one of them, and remove the others"));
        return None;
    }
    if let Some(text) = settings.get("formula") {
        let formula =
            Formula::parse(text).map_err(|error| settings.wrong("formula", error).help(FORMULA_HELP));
        return mistakes.take(formula).map(Source::Formula);
    }
    if let Some(name) = settings.get("column") {
        if !has_table {
            mistakes.add(settings.wrong("column", "the bus has no table").help("give the bus a `csv`"));
        }
        let table = table?;
        let column = table.column(name);
        if column.is_none() {
            let known: Vec<&str> = table.columns().collect();
            let wrong = settings.wrong("column", format!("the table has no column `{name}`"));
            mistakes.add(wrong.help(format!("its columns are {}", known.join(", "))));
        }
        return column.map(Source::Column);
    }
    if !has_plant {
        let missing = settings.missing("formula", "a simulated point of a bus without a `plant`");
        mistakes.add(missing.help("add `formula: ...` or `column: ...`, or give the bus a `plant`"));
        return None;
    }
    let name = settings
        .get("from")
        .map_or_else(|| catalog.point(point.point).map(|spec| spec.name.clone()), |name| Some(name.into()));
    Some(Source::World { name: name?, reading: 0, meaning: Meaning::Flag })
}

fn read_output(output: &OutputDefinition, catalog: &Catalog) -> Option<SimOutput> {
    let spec = catalog.output(output.output)?;
    let settings = &output.settings;
    let unit = match spec.kind {
        OutputKind::Contact => None,
        OutputKind::Setpoint(unit) => Some(unit),
    };
    Some(SimOutput {
        output: output.output,
        unit,
        to: settings.get("to").map_or_else(|| spec.name.clone(), Box::from),
        actual: settings.get("actual").map(Box::from),
        input: None,
        shows: None,
        settings: settings.clone(),
    })
}
