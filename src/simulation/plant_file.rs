//! The file of a plant: which village stands behind the simulated buses of a site, when it begins, what happens to it, and
//! what its sensors do wrong. All mistakes at once, each with its place.
//!
//! ```yaml
//! village: forty homes
//! start: 2026-03-20 18:30
//! cloudiness: 12 %
//! sources: { genset: 40 kW, standby: absent }
//! battery: { soc: 55 % }
//! closed: [heaters_north]
//! tanks: { start: 45 °C }
//! disturbances:
//!   - { at: 10 min, trip: genset, for: 90 min }
//!   - { every: day 14:15, jitter: 5 min, cloud: 80 %, edge: 10 s, for: 6 min }
//! faults:
//!   - { of: feeder_meter.frequency, at: 5 min, for: 10 min, reads: stuck }
//! commands:
//!   - { of: all, at: 5 min, for: 10 min, lost: 30 %, late: 0.2..5 s, twice: 10 % }
//! ```

mod start;
mod wires;

use ballast_config::codes;
use ballast_config::decode::fields::Fields;
use ballast_config::decode::quantity::{duration, positive, positive_duration, quantity, share};
use ballast_config::decode::scalar::{choice, flag, list, text};
use ballast_config::decode::shape::{Form, MapShape, Others, optional};
use ballast_config::diagnostics::{Diagnostics, Place, suggest};
use ballast_config::sources::Sources;
use ballast_config::tree::{self, Node};
use ballast_model::Dimension;
use ballast_model::almanac::TimeOfDay;
use ballast_plant::commands::CommandWindow;
use ballast_plant::faults::FaultWindow;
use ballast_plant::village::{Disturbance, What, When};
use ballast_plant::{Village, VillageSpec};

/// Villages that a file may begin from.
const VILLAGES: [&str; 2] = ["demonstration", "forty homes"];
/// What can happen.
const KINDS: [&str; 6] = ["trip", "refuses", "cloud", "more", "blackout", "fan"];
/// How often something happens, as it is written.
const EVERY: &str = "write `every: day 19:30`, in the village's local time";

/// A plant as its file describes it.
#[derive(Clone, Debug)]
pub struct PlantFile {
    /// The village.
    pub spec: VillageSpec,
    /// What its sensors do wrong.
    pub faults: Vec<FaultWindow>,
    /// What happens to what its outputs are told.
    pub commands: Vec<CommandWindow>,
}

static FILE: MapShape = MapShape {
    what: "a plant",
    others: Others::Refused,
    keys: &[
        optional("village", Form::Choice(&VILLAGES), "what it begins from; `demonstration` if absent."),
        optional("start", Form::Text, "local time at which it begins, `2026-03-20 18:30`."),
        optional(
            "cloudiness",
            Form::Quantity(Dimension::Ratio),
            "chance that a cloud begins in a given ten minutes.",
        ),
        optional("air", Form::Map(&AIR), "temperature of the air."),
        optional("battery", Form::Map(&BATTERY), "the battery at the beginning."),
        optional(
            "sources",
            Form::Map(&start::SOURCES),
            "what a generating set gives at most, `genset: 40 kW`, or that a source is not there, `standby: absent`.",
        ),
        optional(
            "droop_only",
            Form::Flag,
            "sets and battery answer to the frequency by their droop alone, and do not bring it back.",
        ),
        optional("closed", Form::List(&Form::Name), "loads whose contacts are closed at the beginning."),
        optional("open", Form::List(&Form::Name), "loads whose contacts are open at the beginning."),
        optional("tanks", Form::Map(&start::TANKS), "the water heaters at the beginning."),
        optional("on_line", Form::List(&Form::Name), "generating sets that run at the beginning."),
        optional(
            "disturbances",
            Form::List(&Form::Map(&DISTURBANCE)),
            "what happens to it; those of the village it begins from if absent.",
        ),
        optional("faults", Form::List(&Form::Map(&wires::FAULT)), "what its sensors do wrong."),
        optional(
            "commands",
            Form::List(&Form::Map(&wires::COMMAND)),
            "what happens to what its outputs are told.",
        ),
    ],
};

static AIR: MapShape = MapShape {
    what: "the temperature of the air",
    others: Others::Refused,
    keys: &[
        optional("mean", Form::Quantity(Dimension::Temperature), "mean of the day."),
        optional(
            "swing",
            Form::Quantity(Dimension::TemperatureDifference),
            "from the mean to the hottest hour.",
        ),
    ],
};

static BATTERY: MapShape = MapShape {
    what: "a battery",
    others: Others::Refused,
    keys: &[
        optional("soc", Form::Quantity(Dimension::Ratio), "how full it is."),
        optional("cells", Form::Quantity(Dimension::Temperature), "how warm its cells are."),
    ],
};

static DISTURBANCE: MapShape = MapShape {
    what: "a disturbance",
    others: Others::Refused,
    keys: &[
        optional("at", Form::Quantity(Dimension::Duration), "when it begins, after the start."),
        optional("every", Form::Text, "when it begins each day, `day 19:30`; instead of `at`."),
        optional(
            "jitter",
            Form::Quantity(Dimension::Duration),
            "it begins up to so much earlier or later, drawn from the seed.",
        ),
        optional("for", Form::Quantity(Dimension::Duration), "how long it lasts."),
        optional("trip", Form::Name, "a generating set breaks."),
        optional("refuses", Form::Name, "a generating set does not start."),
        optional("cloud", Form::Quantity(Dimension::Ratio), "a cloud front takes so much of the light."),
        optional("edge", Form::Quantity(Dimension::Duration), "how long each edge of the front takes."),
        optional("more", Form::Name, "a load takes more, at once."),
        optional("power", Form::Quantity(Dimension::Power), "how much more."),
        optional(
            "blackout",
            Form::Flag,
            "every source is lost until it ends, and starts as it is told then.",
        ),
        optional("fan", Form::Name, "the fan of a battery's cells stands still."),
    ],
};

/// Reads the file of a plant. `None` where it has a mistake, which is in `out` then.
pub fn read(name: &str, bytes: &[u8], sources: &mut Sources, out: &mut Diagnostics) -> Option<PlantFile> {
    let file = sources.add(name, bytes, out);
    let tree = tree::parse(file, sources, out);
    let Some(root) = &tree.root else {
        if !out.has_mistakes() {
            let place = Place { file, span: ballast_model::diagnostic::Span::new(0, 0) };
            let help = "write `village: forty homes`; `ballast sim --help` shows more";
            out.push(place.mistake(codes::PLANT_FILE, "this file describes no plant").help(help));
        }
        return None;
    };
    describe(root, out)
}

/// Reads what stands in the file of a plant, or beside other keys in a file that says more.
pub fn describe(root: &Node, out: &mut Diagnostics) -> Option<PlantFile> {
    let fields = Fields::read(root, &FILE, out)?;
    let village = fields
        .get("village")
        .map_or(Some(VILLAGES[0]), |node| choice(node, &VILLAGES, out).map(|found| found.value));
    let mut spec =
        if village == Some(VILLAGES[1]) { VillageSpec::forty_homes() } else { VillageSpec::demo() };
    begin(&fields, &mut spec, out);
    weather(&fields, &mut spec, out);
    sources_of_power(&fields, &mut spec, out);
    start::read(&fields, &mut spec, out);
    if let Some(node) = fields.get("disturbances") {
        let known = spec.clone();
        let read = |node: &Node, out: &mut Diagnostics| disturbance(node, &known, out);
        spec.disturbances = list(node, "a list of disturbances", out, read).unwrap_or_default();
    }
    // A plant of the villages that are known, with numbers that were checked: what is refused here is a mistake of a
    // combination, and stands at the head of the file.
    let village = match Village::new(spec.clone(), 0) {
        Ok(village) => village,
        Err(error) => {
            out.push(root.head_place().mistake(codes::PLANT_FILE, error.to_string()));
            return None;
        }
    };
    let faults = fields.get("faults").map_or(Some(Vec::new()), |node| {
        list(node, "a list of faults", out, |node, out| wires::fault(node, &village, out))
    });
    let commands = fields.get("commands").map_or(Some(Vec::new()), |node| {
        list(node, "a list of what happens to commands", out, |node, out| wires::command(node, &village, out))
    });
    if out.has_mistakes() { None } else { Some(PlantFile { spec, faults: faults?, commands: commands? }) }
}

fn begin(fields: &Fields<'_>, spec: &mut VillageSpec, out: &mut Diagnostics) {
    let Some(found) = fields.get("start").and_then(|node| text(node, out)) else { return };
    let local: Option<jiff::civil::DateTime> = found.value.parse().ok();
    let offset = i32::try_from(spec.utc_offset_s).ok().and_then(|s| jiff::tz::Offset::from_seconds(s).ok());
    let instant = local.zip(offset).and_then(|(local, offset)| offset.to_timestamp(local).ok());
    match instant {
        Some(instant) => spec.start_unix_s = instant.as_second(),
        None => {
            let message = format!("`{}` is no local time", found.value);
            let help = "write a day and a time, `2026-03-20 18:30`";
            out.push(found.place.mistake(codes::PLANT_FILE, message).help(help));
        }
    }
}

fn weather(fields: &Fields<'_>, spec: &mut VillageSpec, out: &mut Diagnostics) {
    if let Some(found) = fields.get("cloudiness").and_then(|node| share(node, out)) {
        spec.cloudiness = found.value.get() / 100.0;
    }
    let Some(air) = fields.get("air").and_then(|node| Fields::read(node, &AIR, out)) else { return };
    let mean = air.get("mean").and_then(|node| quantity(node, Dimension::Temperature, out));
    if let Some(found) = mean {
        spec.outdoor.mean_c = found.value.base.get();
    }
    let swing = air.get("swing").and_then(|node| quantity(node, Dimension::TemperatureDifference, out));
    if let Some(found) = swing {
        spec.outdoor.swing_c = found.value.base.get().abs();
    }
}

fn sources_of_power(fields: &Fields<'_>, spec: &mut VillageSpec, out: &mut Diagnostics) {
    if let Some(battery) = fields.get("battery").and_then(|node| Fields::read(node, &BATTERY, out)) {
        let soc = battery.get("soc").and_then(|node| share(node, out));
        let warm = battery.get("cells").and_then(|node| quantity(node, Dimension::Temperature, out));
        if let (Some(storage), Some(soc)) = (&mut spec.storage, soc) {
            storage.soc_at_start = soc.value.get() / 100.0;
        }
        let cells = spec.storage.as_mut().and_then(|storage| storage.cells.as_mut());
        if let (Some(cells), Some(warm)) = (cells, warm) {
            cells.start_c = warm.value.base.get();
        }
    }
    let Some(node) = fields.get("on_line") else { return };
    let known = spec.clone();
    let read = |node: &Node, out: &mut Diagnostics| genset(node, &known, out);
    let Some(on_line) = list(node, "a list of generating sets", out, read) else { return };
    for genset in &mut spec.gensets {
        genset.on_line_at_start = on_line.contains(&genset.name);
    }
}

fn genset(node: &Node, spec: &VillageSpec, out: &mut Diagnostics) -> Option<String> {
    named(node, spec.gensets.iter().map(|genset| genset.name.as_str()), "generating set", out)
}

/// One of these devices, by its name.
fn named<'n>(
    node: &Node,
    names: impl Iterator<Item = &'n str> + Clone,
    what: &str,
    out: &mut Diagnostics,
) -> Option<String> {
    let found = text(node, out)?;
    if names.clone().any(|name| name == found.value) {
        return Some(found.value.to_owned());
    }
    let message = format!("the village has no {what} `{}`", found.value);
    let mut mistake = found.place.mistake(codes::PLANT_FILE, message);
    mistake.help = suggest(found.value, names, what);
    out.push(mistake);
    None
}

/// A length of time, s.
fn seconds(fields: &Fields<'_>, key: &str, out: &mut Diagnostics) -> Option<f64> {
    fields.get(key).and_then(|node| duration(node, out)).map(|found| found.value.nanos() as f64 / 1e9)
}

fn lasting(fields: &Fields<'_>, out: &mut Diagnostics) -> Option<f64> {
    match fields.get("for") {
        Some(node) => positive_duration(node, out).map(|found| found.value.nanos() as f64 / 1e9),
        None => {
            let message = "how long does it last?";
            out.push(fields.head().mistake(codes::PLANT_FILE, message).help("write `for: 10 min`"));
            None
        }
    }
}

fn disturbance(node: &Node, spec: &VillageSpec, out: &mut Diagnostics) -> Option<Disturbance> {
    let fields = Fields::read(node, &DISTURBANCE, out)?;
    let lasts_s = lasting(&fields, out);
    let when = when(&fields, out);
    let jitter_s = if fields.get("jitter").is_some() { seconds(&fields, "jitter", out)? } else { 0.0 };
    let present: Vec<&str> = KINDS.into_iter().filter(|key| fields.get(key).is_some()).collect();
    let &[kind] = present.as_slice() else {
        let message = if present.is_empty() { "what happens?" } else { "these are several things at once" };
        let help = "write one of `trip: SET`, `refuses: SET`, `cloud: 80 %`, `more: LOAD` with its `power`, `blackout: true`, \
                    `fan: battery`";
        out.push(fields.head().mistake(codes::PLANT_FILE, message).help(help));
        return None;
    };
    let node = fields.get(kind)?;
    let what = match kind {
        "trip" => What::GensetTrip { genset: genset(node, spec, out)?, repair_s: lasts_s? },
        "refuses" => What::GensetRefuses { genset: genset(node, spec, out)?, lasts_s: lasts_s? },
        "cloud" => {
            let edge_s = if fields.get("edge").is_some() { seconds(&fields, "edge", out)? } else { 10.0 };
            What::CloudFront { depth: share(node, out)?.value.get() / 100.0, edge_s, lasts_s: lasts_s? }
        }
        "blackout" => {
            let found = flag(node, out)?;
            if !found.value {
                let message = "a blackout that is none";
                out.push(found.place.mistake(codes::PLANT_FILE, message).help("leave this line out"));
                return None;
            }
            What::Blackout { lasts_s: lasts_s? }
        }
        "fan" => {
            let batteries = spec.storage.iter().filter(|storage| storage.cells.is_some());
            let names = batteries.map(|storage| storage.name.as_str());
            What::FanFailure { storage: named(node, names, "battery with cells", out)?, lasts_s: lasts_s? }
        }
        _ => {
            let load = named(node, spec.loads.iter().map(|load| load.name.as_str()), "load", out);
            let Some(power) = fields.get("power") else {
                let message = "how much more does it take?";
                out.push(fields.head().mistake(codes::PLANT_FILE, message).help("write `power: 2 kW`"));
                return None;
            };
            let power_w = positive(power, Dimension::Power, out)?.value.base.get();
            What::LoadStep { load: load?, power_w, lasts_s: lasts_s? }
        }
    };
    Some(Disturbance { when: when?, jitter_s, what })
}

fn when(fields: &Fields<'_>, out: &mut Diagnostics) -> Option<When> {
    match (fields.get("at"), fields.get("every")) {
        (Some(_), None) => seconds(fields, "at", out).map(|after_start_s| When::Once { after_start_s }),
        (None, Some(node)) => {
            let found = text(node, out)?;
            let time = found.value.strip_prefix("day ").and_then(|time| TimeOfDay::parse(time.trim()));
            let Some(TimeOfDay::Clock(second)) = time else {
                let message = format!("`{}` is no time of the day", found.value);
                out.push(found.place.mistake(codes::PLANT_FILE, message).help(EVERY));
                return None;
            };
            Some(When::Daily { local_s: f64::from(second) })
        }
        (at, _) => {
            let message = if at.is_some() { "this begins twice" } else { "when does it begin?" };
            let help = "write either `at: 10 min`, after the start, or `every: day 19:30`";
            out.push(fields.head().mistake(codes::PLANT_FILE, message).help(help));
            None
        }
    }
}

fn missing<T>(fields: &Fields<'_>, message: &str, help: &str, out: &mut Diagnostics) -> Option<T> {
    out.push(fields.head().mistake(codes::PLANT_FILE, message).help(help.to_owned()));
    None
}

/// Whole milliseconds of a time that is not negative. The cast saturates.
fn millis(seconds: f64) -> u64 {
    (seconds * 1e3).round().max(0.0) as u64
}

#[cfg(test)]
#[path = "plant_file_tests.rs"]
mod tests;
