//! What sensors do wrong, and what happens to commands on their way.

use super::{lasting, millis, missing, named, seconds};
use ballast_config::codes;
use ballast_config::decode::fields::Fields;
use ballast_config::decode::quantity::{bounds, share};
use ballast_config::decode::scalar::text;
use ballast_config::decode::shape::{Form, MapShape, Others, optional};
use ballast_config::diagnostics::{Diagnostics, suggest};
use ballast_config::tree::Node;
use ballast_model::Dimension;
use ballast_model::quantity::parse_span;
use ballast_plant::commands::CommandWindow;
use ballast_plant::faults::{Fault, FaultWindow};
use ballast_plant::{InputId, OutputId, Village};

/// What a sensor does wrong, as it is written.
const READS: &str = "write `stuck`, `nothing`, `not a number`, `late 2 s`, `late 0.2..5 s`, `lost 30 %`, `twice`, `shifted \
                     0.5`, or `always 49.2`";
/// What happens to commands, as it is written.
const COMMANDS: &str = "write at least one of `lost: 30 %`, `late: 0.2..5 s`, `twice: 10 %`";
/// All outputs together.
const ALL: &str = "all";

pub(super) static FAULT: MapShape = MapShape {
    what: "a fault of a sensor",
    others: Others::Refused,
    keys: &[
        optional("of", Form::PointName, "which reading of the plant."),
        optional("at", Form::Quantity(Dimension::Duration), "when it begins, after the start."),
        optional("for", Form::Quantity(Dimension::Duration), "how long it lasts."),
        optional(
            "reads",
            Form::Text,
            "`stuck`, `nothing`, `not a number`, `late 2 s`, `late 0.2..5 s`, `lost 30 %`, `twice`, `shifted 0.5`, or \
             `always 49.2`.",
        ),
    ],
};

pub(super) static COMMAND: MapShape = MapShape {
    what: "what happens to commands",
    others: Others::Refused,
    keys: &[
        optional("of", Form::PointName, "a device, one of its inputs as `genset.run`, or `all`."),
        optional("at", Form::Quantity(Dimension::Duration), "when it begins, after the start."),
        optional("for", Form::Quantity(Dimension::Duration), "how long it lasts."),
        optional("lost", Form::Quantity(Dimension::Ratio), "so many reach nothing."),
        optional(
            "late",
            Form::Text,
            "each takes a time of its own between these, `0.2..5 s`; they overtake one another.",
        ),
        optional("twice", Form::Quantity(Dimension::Ratio), "so many of those that arrive come again later."),
    ],
};

pub(super) fn fault(node: &Node, village: &Village, out: &mut Diagnostics) -> Option<FaultWindow> {
    let fields = Fields::read(node, &FAULT, out)?;
    let window = window(&fields, out);
    let output = match fields.get("of") {
        Some(node) => reading(node, village, out),
        None => missing(&fields, "of which reading?", "write `of: feeder_meter.frequency`", out),
    };
    let fault = match fields.get("reads") {
        Some(node) => text(node, out).and_then(|found| {
            let fault = wrong(found.value);
            if fault.is_none() {
                let message = format!("`{}` is nothing that a sensor does wrong here", found.value);
                out.push(found.place.mistake(codes::PLANT_FILE, message).help(READS));
            }
            fault
        }),
        None => missing(&fields, "what does it do wrong?", READS, out),
    };
    let (from_ms, until_ms) = window?;
    Some(FaultWindow { output: output?, from_ms, until_ms, fault: fault? })
}

pub(super) fn command(node: &Node, village: &Village, out: &mut Diagnostics) -> Option<CommandWindow> {
    let fields = Fields::read(node, &COMMAND, out)?;
    let window = window(&fields, out);
    let inputs = match fields.get("of") {
        Some(node) => inputs(node, village, out),
        None => missing(&fields, "to which outputs?", "write `of: homes_north`, or `of: all`", out),
    };
    if !["lost", "late", "twice"].iter().any(|key| fields.get(key).is_some()) {
        return missing(&fields, "what happens to them?", COMMANDS, out);
    }
    let part = |key: &str, out: &mut Diagnostics| match fields.get(key) {
        Some(node) => share(node, out).map(|found| found.value.get() / 100.0),
        None => Some(0.0),
    };
    let (lost, twice) = (part("lost", out), part("twice", out));
    let late_ms = match fields.get("late") {
        Some(node) => Some(delays(node, out)?),
        None => None,
    };
    let (from_ms, until_ms) = window?;
    Some(CommandWindow { inputs: inputs?, from_ms, until_ms, lost: lost?, late_ms, twice: twice? })
}

/// First instant, and first instant after it, ms.
fn window(fields: &Fields<'_>, out: &mut Diagnostics) -> Option<(u64, u64)> {
    let lasts_s = lasting(fields, out);
    let at_s = if fields.get("at").is_some() { seconds(fields, "at", out) } else { Some(0.0) };
    let from_ms = millis(at_s?);
    Some((from_ms, from_ms.saturating_add(millis(lasts_s?))))
}

fn delays(node: &Node, out: &mut Diagnostics) -> Option<(u64, u64)> {
    let found = bounds(node, Dimension::Duration, true, out)?;
    let (low_s, high_s) = (found.value.low.get(), found.value.high.get());
    if low_s < 0.0 {
        let message = "nothing arrives before it was sent";
        out.push(found.place.mistake(codes::PLANT_FILE, message).help("write `late: 0.2..5 s`"));
        return None;
    }
    Some((millis(low_s), millis(high_s)))
}

fn inputs(node: &Node, village: &Village, out: &mut Diagnostics) -> Option<Vec<InputId>> {
    let found = text(node, out)?;
    let name = found.value;
    let names = || village.inputs().iter().map(|named| named.name.as_str());
    let is_meant = |input: &&str| {
        name == ALL || *input == name || input.split_once('.').is_some_and(|(device, _)| device == name)
    };
    let meant: Vec<InputId> = names().filter(is_meant).filter_map(|name| village.find_input(name)).collect();
    if meant.is_empty() {
        let message = format!("the village has nothing `{name}` that can be told something");
        let mut mistake = found.place.mistake(codes::PLANT_FILE, message);
        let devices = names().filter_map(|input| input.split_once('.')).map(|(device, _)| device);
        mistake.help = suggest(name, devices.chain(names()), "device");
        out.push(mistake);
        return None;
    }
    Some(meant)
}

fn reading(node: &Node, village: &Village, out: &mut Diagnostics) -> Option<OutputId> {
    let names = village.outputs().iter().map(|named| named.name.as_str());
    let name = named(node, names, "reading", out)?;
    village.find_output(&name)
}

fn wrong(text: &str) -> Option<Fault> {
    Some(match text {
        "stuck" => Fault::Stuck,
        "nothing" => Fault::Missing,
        "not a number" => Fault::NotANumber,
        "twice" => Fault::Duplicated,
        _ => match text.split_once(' ')? {
            ("late", by) => match by.split_once("..") {
                Some((low, high)) => late_between(low.trim(), high.trim())?,
                None => Fault::Late { by_ms: parse_span(by)?.millis() },
            },
            ("lost", share) => {
                let percent = finite(share.trim().strip_suffix('%')?)?;
                (0.0..=100.0).contains(&percent).then_some(Fault::Lost { share: percent / 100.0 })?
            }
            ("shifted", by) => Fault::Offset { by: finite(by)? },
            ("always", value) => Fault::OutOfRange { value: finite(value)? },
            _ => return None,
        },
    })
}

/// `0.2..5 s`: the unit of the right end counts for both.
fn late_between(low: &str, high: &str) -> Option<Fault> {
    let unit = high.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '.').trim();
    let low = match finite(low) {
        Some(_) => parse_span(&format!("{low} {unit}"))?,
        None => parse_span(low)?,
    };
    let (low_ms, high_ms) = (low.millis(), parse_span(high)?.millis());
    (low_ms <= high_ms).then_some(Fault::LateBetween { low_ms, high_ms })
}

fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}
