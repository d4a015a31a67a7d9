//! `outputs:`: the safety data of each output.

use ballast_guard::plan::{Effect, Envelope, Level, OnSilence, OutsideChange, SwitchBudget};
use ballast_model::catalog::{OutputId, OutputKind};
use ballast_model::quantity::parse_span;
use ballast_model::{Finite, Span as Duration, Unit, Wanted};

use super::{EnvelopeDraft, SafetyDraft, shapes};
use crate::codes;
use crate::compile::{self, Compiled};
use crate::decode::fields::Fields;
use crate::decode::quantity::{bounds, duration, positive, positive_duration};
use crate::decode::rate::rates;
use crate::decode::scalar::{dotted_name, list, unknown_word};
use crate::diagnostics::{Diagnostics, quote};
use crate::nouns::Nouns;
use crate::site::{OutputFacts, SiteDraft};
use crate::tree::{Entry, Node};
use ballast_model::expr::Dialect;

/// How long the program's word holds over a network if the file says nothing: a broker that restarts and a radio link
/// that pauses must not cut every load.
const LEASE_NETWORK: Duration = Duration::from_secs(90);

/// Keys that only a setpoint has.
const OF_SETPOINTS: [&str; 4] = ["values", "step", "min_interval", "ramp"];

/// Reads all envelopes.
pub(super) fn read<'t>(
    fields: &Fields<'t>,
    site: &SiteDraft,
    nouns: &Nouns<'_>,
    draft: &mut SafetyDraft<'t>,
    out: &mut Diagnostics,
) {
    let Some(outputs) =
        fields.get("outputs").and_then(|node| crate::decode::map(node, "a map of outputs", out))
    else {
        draft.is_complete &= fields.is_complete();
        return;
    };
    draft.is_complete &= outputs.is_complete;
    for entry in &outputs.entries {
        match read_one(entry, site, nouns, draft, out) {
            Some(read) => draft.add_envelope(read),
            None => draft.is_complete = false,
        }
    }
}

fn read_one<'t>(
    entry: &'t Entry,
    site: &SiteDraft,
    nouns: &Nouns<'_>,
    draft: &SafetyDraft<'_>,
    out: &mut Diagnostics,
) -> Option<EnvelopeDraft<'t>> {
    let output = nouns.output(&entry.key.text, entry.key.place(), out)?;
    // A role and the output itself are two keys for one output. What the second one says is read all the same: its own
    // mistakes shall not come after this one.
    let first = draft.envelope(output);
    if let Some(first) = first {
        let message = format!("`{}` has two envelopes", nouns.output_name(output));
        out.push(
            entry
                .key
                .place()
                .mistake(codes::SAFETY_TWICE, message)
                .also(first.place.file, first.place.span, "the first one")
                .help("join both into one"),
        );
    }
    let fields = Fields::read(&entry.value, &shapes::ENVELOPE, out)?;
    let facts = site.outputs.get(output.index())?;
    let spec = nouns.catalog.output(output)?;
    let state = |key: &str, out: &mut Diagnostics| {
        fields.get(key).and_then(|node| nouns.wanted_at(node, output, out)).map(|found| found.value)
    };
    let fallback = match spec.kind {
        OutputKind::Contact => Wanted::OPEN,
        OutputKind::Setpoint(_) => Wanted::Level(Finite::ZERO),
    };
    let read_safe = state("safe", out);
    let safe = read_safe.unwrap_or(fallback);
    let mut envelope = Envelope::new(output, safe);
    envelope.default = state("default", out).unwrap_or(safe);
    envelope.at_start = state("at_start", out).unwrap_or(safe);
    envelope.strength = facts.strength;
    envelope.by_hand = facts.by_hand;
    // Told again at half time, so that one lost message does not let the device's own timer run out.
    envelope.refresh = facts.reverts_after.map(|timer| timer.divided(2));
    read_times(&fields, facts, &mut envelope, out);
    let mut programs = Vec::new();
    envelope.effect =
        fields.get("effect").and_then(|node| effect(node, nouns, &mut programs, out)).map(Box::new);
    match spec.kind {
        OutputKind::Contact => refuse_setpoint_keys(&fields, out),
        OutputKind::Setpoint(unit) => envelope.level = Some(Box::new(level(&fields, unit, out))),
    }
    if first.is_some() {
        return None;
    }
    let has_safe = read_safe.is_some();
    Some(EnvelopeDraft { envelope, has_safe, effect: programs, fields, place: entry.key.place() })
}

/// Everything that is a time or a number of times.
fn read_times(fields: &Fields<'_>, facts: &OutputFacts, envelope: &mut Envelope, out: &mut Diagnostics) {
    if let Some(found) = fields.get("on_silence").and_then(|node| on_silence(node, out)) {
        envelope.on_silence = found;
    }
    if facts.is_network {
        envelope.lease = LEASE_NETWORK;
    }
    if let Some(found) = fields.get("lease").and_then(|node| positive_duration(node, out)) {
        envelope.lease = found.value;
    }
    if let Some(found) = fields.get("min_closed").and_then(|node| duration(node, out)) {
        envelope.min_closed = found.value;
    }
    if let Some(found) = fields.get("min_open").and_then(|node| duration(node, out)) {
        envelope.min_open = found.value;
    }
    envelope.max_closed =
        fields.get("max_closed").and_then(|node| positive_duration(node, out)).map(|found| found.value);
    if let Some(found) = fields.get("max_switches").and_then(|node| rates(node, out)) {
        let budget = |rate: crate::decode::rate::Rate| SwitchBudget { count: rate.count, per: rate.per };
        envelope.max_switches = found.into_iter().map(|rate| budget(rate.value)).collect();
    }
    if let Some(found) = fields.get("outside_change").and_then(|node| outside_change(node, out)) {
        envelope.outside_change = found;
    }
}

fn on_silence(node: &Node, out: &mut Diagnostics) -> Option<OnSilence> {
    let found = crate::decode::scalar(node, "`safe` or `hold 10 min`", out)?;
    let text = found.value.text.as_str();
    match text.split_once(' ') {
        None if text == "safe" => return Some(OnSilence::Safe),
        Some(("hold", time)) => {
            if let Some(time) = parse_span(time).filter(|time| *time > Duration::ZERO) {
                return Some(OnSilence::Hold(time));
            }
        }
        _ => {}
    }
    out.push(unknown_word(text, found.place, &["safe", "hold 10 min"]));
    None
}

fn outside_change(node: &Node, out: &mut Diagnostics) -> Option<OutsideChange> {
    let found = crate::decode::scalar(node, "`alarm`, `follow 2 h` or `correct 3 times`", out)?;
    let text = found.value.text.as_str();
    match text.split_once(' ') {
        None if text == "alarm" => return Some(OutsideChange::Alarm),
        Some(("follow", time)) => {
            if let Some(time) = parse_span(time).filter(|time| *time > Duration::ZERO) {
                return Some(OutsideChange::Follow(time));
            }
        }
        Some(("correct", times)) => {
            let count = times.strip_suffix("times").or(times.strip_suffix("time")).map(str::trim);
            if let Some(count) = count.and_then(|count| count.parse().ok()).filter(|count| *count > 0) {
                return Some(OutsideChange::Correct(count));
            }
        }
        _ => {}
    }
    out.push(unknown_word(text, found.place, &["alarm", "follow 2 h", "correct 3 times"]));
    None
}

fn effect<'t>(
    node: &'t Node,
    nouns: &Nouns<'_>,
    programs: &mut Vec<Compiled<'t>>,
    out: &mut Diagnostics,
) -> Option<Effect> {
    let fields = Fields::read(node, &shapes::EFFECT, out)?;
    let within = fields.get("within").and_then(|node| positive_duration(node, out));
    let unless = fields.get("unless").map(|node| compile::condition(node, nouns, Dialect::Limit, out));
    let name = fields.get("point").and_then(|node| dotted_name(node, out));
    let point = name.and_then(|name| nouns.point(name.value, name.place, out));
    let (Some(name), Some(point)) = (name, point) else {
        // What it is compared with is looked at all the same.
        for node in ["closed", "open"].into_iter().filter_map(|key| fields.get(key)) {
            compile::compared_with(node, nouns, out);
        }
        return None;
    };
    let mut seen = |key: &str, out: &mut Diagnostics| {
        let compiled = compile::comparison(fields.get(key)?, name.value, nouns, out)?;
        let program = compiled.program.clone();
        programs.push(compiled);
        Some(program)
    };
    let (closed, open) = (seen("closed", out), seen("open", out));
    if fields.get("closed").is_none() && fields.get("open").is_none() && fields.is_complete() {
        let help = "write what is true of the point: `closed: \"> 50 mA\"`, `open: \"< 10 mA\"` or both";
        out.push(
            fields.head().mistake(codes::SAFETY_EFFECT, "this effect says nothing to look for").help(help),
        );
        return None;
    }
    let unless = match unless {
        Some(compiled) => Some(compiled?),
        None => None,
    };
    if let Some(held) = unless.as_ref().and_then(|unless| unless.hold) {
        let message = "`unless` asks for the moment; it has no `for`";
        out.push(held.place.mistake(codes::EXPR_SYNTAX, message).help("remove it"));
    }
    let unless_program = unless.as_ref().map(|unless| unless.program.clone());
    programs.extend(unless);
    Some(Effect { point, closed, open, within: within?.value, unless: unless_program })
}

fn refuse_setpoint_keys(fields: &Fields<'_>, out: &mut Diagnostics) {
    for key in OF_SETPOINTS.into_iter().filter(|key| fields.get(key).is_some()) {
        let message = format!("`{key}` belongs to a setpoint, and this output is a contact");
        out.push(fields.place(key).mistake(codes::SAFETY_NOT_FOR_CONTACT, message).help("remove it"));
    }
}

fn level(fields: &Fields<'_>, unit: Unit, out: &mut Diagnostics) -> Level {
    let dimension = unit.dimension();
    let step =
        fields.get("step").and_then(|node| positive(node, dimension, out)).map(|found| found.value.base);
    let min_interval = fields.get("min_interval").and_then(|node| duration(node, out));
    let ramp = fields.get("ramp").and_then(|node| Fields::read(node, &shapes::RAMP, out));
    let ramp_away = ramp.and_then(|ramp| ramp.get("away_from_safe").map(|node| (node, dimension.slope())));
    let ramp_away = match ramp_away {
        Some((node, Some((slope, factor)))) => {
            positive(node, slope, out).map(|found| Finite::saturating(found.value.base.get() / factor))
        }
        Some((node, None)) => {
            let message = format!("the change of {} has no unit here", dimension.name());
            out.push(node.head_place().mistake(codes::UNIT_WRONG, message).help("leave `ramp` out"));
            None
        }
        None => None,
    };
    let ranges = fields.get("values").and_then(|node| {
        list(node, "a list such as `[0 W, 200..2000 W]`", out, |item, out| bounds(item, dimension, true, out))
    });
    let ranges = ranges.map(|found| sorted(found, out)).unwrap_or_default();
    if ranges.is_empty() && fields.get("values").is_none() && fields.is_complete() {
        let help = "list what it may be, single values and ranges: `values: [0 W, 200..2000 W]`";
        out.push(fields.head().mistake(codes::SAFETY_VALUES, "a setpoint needs its `values`").help(help));
    }
    Level { ranges, step, min_interval: min_interval.map_or(Duration::ZERO, |found| found.value), ramp_away }
}

/// Ranges in rising order; those that overlap are refused.
fn sorted(
    mut found: Vec<crate::diagnostics::Placed<crate::decode::quantity::Bounds>>,
    out: &mut Diagnostics,
) -> Vec<(Finite, Finite)> {
    found.sort_by_key(|bounds| (bounds.value.low, bounds.value.high));
    for (lower, upper) in found.iter().zip(found.iter().skip(1)) {
        if upper.value.low <= lower.value.high {
            out.push(
                upper
                    .place
                    .mistake(codes::SAFETY_VALUES, "two of the values overlap")
                    .also(lower.place.file, lower.place.span, "with this one")
                    .help("join them, or leave a gap"),
            );
        }
    }
    found.into_iter().map(|bounds| (bounds.value.low, bounds.value.high)).collect()
}

/// An output by the name that a key gives.
pub(super) fn output_key(entry: &Entry, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<OutputId> {
    if entry.key.text.is_empty() {
        out.push(
            entry
                .key
                .place()
                .mistake(codes::NAME_FORM, format!("{} is not an output", quote("")))
                .help("name an output before the `:`"),
        );
        return None;
    }
    nouns.output(&entry.key.text, entry.key.place(), out)
}
