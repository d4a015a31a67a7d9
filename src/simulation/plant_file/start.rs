//! How a village begins: which sources it has, where its contacts are, how warm its water is.

use super::named;
use ballast_config::codes;
use ballast_config::decode::fields::Fields;
use ballast_config::decode::quantity::{positive, quantity};
use ballast_config::decode::scalar::{flag, list, text};
use ballast_config::decode::shape::{Form, MapShape, Others, optional};
use ballast_config::diagnostics::{Diagnostics, Place, suggest};
use ballast_config::tree::{Entry, Node};
use ballast_model::Dimension;
use ballast_plant::VillageSpec;

/// What a source is, as it is written.
const SOURCE: &str = "write the most that a generating set gives, `genset: 40 kW`, or `standby: absent`";

/// The word for a source that is not there.
const ABSENT: &str = "absent";

pub(super) static SOURCES: MapShape =
    MapShape { what: "the sources of a plant", others: Others::Outputs, keys: &[] };

pub(super) static TANKS: MapShape = MapShape {
    what: "the water heaters",
    others: Others::Refused,
    keys: &[
        optional("start", Form::Quantity(Dimension::Temperature), "how warm the water of the warmest is."),
        optional(
            "spread",
            Form::Quantity(Dimension::TemperatureDifference),
            "they are up to so much cooler, drawn from the seed.",
        ),
    ],
};

/// `sources`, `droop_only`, `closed`, `open` and `tanks`.
pub(super) fn read(fields: &Fields<'_>, spec: &mut VillageSpec, out: &mut Diagnostics) {
    sources(fields, spec, out);
    if fields.get("droop_only").and_then(|node| flag(node, out)).is_some_and(|found| found.value) {
        for genset in &mut spec.gensets {
            genset.machine.trim_s = None;
        }
        if let Some(storage) = &mut spec.storage {
            storage.inverter.trim_s = None;
        }
    }
    contacts(fields, spec, out);
    let Some(tanks) = fields.get("tanks").and_then(|node| Fields::read(node, &TANKS, out)) else { return };
    let start = tanks.get("start").and_then(|node| quantity(node, Dimension::Temperature, out));
    let spread = tanks.get("spread").and_then(|node| quantity(node, Dimension::TemperatureDifference, out));
    for tank in &mut spec.tanks {
        if let Some(start) = &start {
            tank.start_c = start.value.base.get();
        }
        if let Some(spread) = &spread {
            tank.start_spread_c = spread.value.base.get().abs();
        }
    }
}

fn sources(fields: &Fields<'_>, spec: &mut VillageSpec, out: &mut Diagnostics) {
    let Some(sources) = fields.get("sources").and_then(|node| Fields::read(node, &SOURCES, out)) else {
        return;
    };
    for entry in sources.rest() {
        let name = entry.key.text.as_str();
        let is_genset = spec.gensets.iter().any(|genset| genset.name == name);
        let is_absent = text(&entry.value, &mut Diagnostics::new()).is_some_and(|word| word.value == ABSENT);
        match (is_genset, is_absent) {
            (true, true) => leave_out(entry, spec, out),
            (true, false) => limit(entry, spec, out),
            (false, true) => stand_still(entry, spec, out),
            (false, false) => {
                if is_source(spec, name) {
                    let message = format!("`{name}` can only be there as it is, or be absent");
                    let help = format!("write `{name}: {ABSENT}`, or leave the line out");
                    out.push(entry.value.head_place().mistake(codes::PLANT_FILE, message).help(help));
                } else {
                    unknown(entry.key.place(), name, spec, out);
                }
            }
        }
    }
}

/// Names of everything that gives power.
fn names(spec: &VillageSpec) -> impl Iterator<Item = &str> + Clone {
    (spec.gensets.iter().map(|genset| genset.name.as_str()))
        .chain(spec.storage.iter().map(|storage| storage.name.as_str()))
        .chain(spec.solar.iter().map(|solar| solar.name.as_str()))
        .chain(spec.wind.iter().map(|turbine| turbine.name.as_str()))
}

fn is_source(spec: &VillageSpec, name: &str) -> bool {
    names(spec).any(|known| known == name)
}

fn unknown(place: Place, name: &str, spec: &VillageSpec, out: &mut Diagnostics) {
    let mut mistake = place.mistake(codes::PLANT_FILE, format!("the village has no source `{name}`"));
    mistake.help = suggest(name, names(spec), "source");
    out.push(mistake);
}

/// A generating set that does not exist.
fn leave_out(entry: &Entry, spec: &mut VillageSpec, out: &mut Diagnostics) {
    let name = entry.key.text.as_str();
    let Some(genset) = spec.gensets.iter_mut().find(|genset| genset.name == name) else { return };
    genset.is_absent = true;
    if genset.on_line_at_start {
        let message = format!("`{name}` runs at the beginning, so it cannot be absent");
        let help = "say with `on_line` which sets run, `on_line: []` for none";
        out.push(entry.value.head_place().mistake(codes::PLANT_FILE, message).help(help));
    }
}

/// A generating set that gives less than it is built for.
fn limit(entry: &Entry, spec: &mut VillageSpec, out: &mut Diagnostics) {
    let Some(power) = positive(&entry.value, Dimension::Power, out) else { return };
    let Some(genset) = spec.gensets.iter_mut().find(|genset| genset.name == entry.key.text) else { return };
    let share = power.value.base.get() / genset.machine.rated_va;
    if share > 1.0 {
        let message = format!("`{}` is built for {:.0} kVA", genset.name, genset.machine.rated_va / 1e3);
        out.push(power.place.mistake(codes::PLANT_FILE, message).help(SOURCE));
        return;
    }
    genset.machine.power_max_pu = share;
}

/// A battery, sun or wind that gives nothing; what it is called stays, so that a site finds it.
fn stand_still(entry: &Entry, spec: &mut VillageSpec, out: &mut Diagnostics) {
    let name = entry.key.text.as_str();
    if !is_source(spec, name) {
        return unknown(entry.key.place(), name, spec, out);
    }
    if let Some(storage) = spec.storage.as_mut().filter(|storage| storage.name == name) {
        storage.is_absent = true;
    }
    if let Some(solar) = spec.solar.as_mut().filter(|solar| solar.name == name) {
        solar.performance = 0.0;
    }
    if let Some(turbine) = spec.wind.as_mut().filter(|turbine| turbine.name == name) {
        // A speed of the wind at which it never turns.
        (turbine.mean_m_s, turbine.turbulence) = (f64::MIN_POSITIVE, 0.0);
    }
}

/// Contacts that are elsewhere at the start than the village has them.
fn contacts(fields: &Fields<'_>, spec: &mut VillageSpec, out: &mut Diagnostics) {
    let mut said: Vec<String> = Vec::new();
    for (key, closed) in [("closed", true), ("open", false)] {
        let Some(node) = fields.get(key) else { continue };
        let known = spec.clone();
        let read = |item: &Node, out: &mut Diagnostics| {
            let names: Vec<&str> = known.consumer_names().collect();
            let name = named(item, names.into_iter(), "contact", out)?;
            if said.contains(&name) {
                let message = format!("where the contact of `{name}` is at the start was said before");
                out.push(item.place().mistake(codes::PLANT_FILE, message).help("name it once"));
                return None;
            }
            said.push(name.clone());
            Some(name)
        };
        for name in list(node, "a list of loads", out, read).unwrap_or_default() {
            spec.set_contact_at_start(&name, closed);
        }
    }
}
