//! `limits:` and `asleep:`.

use ballast_guard::plan::{ForceStep, Limit, LimitAction, OnUnknown};
use ballast_model::catalog::{Kind as PointKind, OutputId, OutputKind};
use ballast_model::diagnostic::Span;
use ballast_model::expr::{Dialect, Type};
use ballast_model::{Dimension, Finite, Span as Duration, Value, Wanted};

use super::envelopes::output_key;
use super::{AsleepDraft, LimitDraft, SafetyDraft, shapes};
use crate::codes;
use crate::compile::{self, Compiled};
use crate::decode::fields::Fields;
use crate::decode::quantity::{SHARE, duration, part, share, wrong_dimension};
use crate::decode::scalar::{flag, place_in, text, unknown_word};
use crate::diagnostics::{Diagnostics, Placed, quote};
use crate::nouns::Nouns;
use crate::sources::saturate;
use crate::tree::{Entry, Kind, Node};

/// Reads all limits.
pub(super) fn read<'t>(
    fields: &Fields<'t>,
    nouns: &Nouns<'_>,
    draft: &mut SafetyDraft<'t>,
    out: &mut Diagnostics,
) {
    let Some(limits) =
        fields.get("limits").and_then(|node| crate::decode::items(node, "a list of limits", out))
    else {
        return;
    };
    for node in limits {
        if let Some(limit) = read_one(node, nouns, &mut draft.limit_names, out) {
            draft.limits.push(limit);
        }
    }
}

fn read_one<'t>(
    node: &'t Node,
    nouns: &Nouns<'_>,
    names: &mut Vec<Placed<&'t str>>,
    out: &mut Diagnostics,
) -> Option<LimitDraft<'t>> {
    let fields = Fields::read(node, &shapes::LIMIT, out)?;
    let name = fields.get("name").and_then(|node| text(node, out));
    names.extend(name);
    let derates = fields.get("derate").is_some() || fields.get("of").is_some();
    let forces = ["when", "force", "until", "latch"].into_iter().find(|key| fields.get(key).is_some());
    if let (true, Some(key)) = (derates, forces) {
        let message = "a limit either forces outputs (`when`, `force`) or caps setpoints (`of`, `derate`)";
        out.push(fields.place(key).mistake(codes::LIMIT_FORM, message).help("make two limits of it"));
        return None;
    }
    let (needed, other) = if derates { ("of", "derate") } else { ("when", "force") };
    for key in [needed, other] {
        if fields.get(key).is_none() && fields.is_complete() {
            let message =
                format!("a limit with `{}` needs `{key}`", if key == needed { other } else { needed });
            out.push(
                fields
                    .head()
                    .mistake(codes::LIMIT_FORM, message)
                    .help("a limit says when and what it then does"),
            );
        }
    }
    let unknown = fields.get("unknown").map(|node| unknown(node, derates, out));
    let unknown = unknown.unwrap_or(Some(OnUnknown::Force));
    if derates {
        derating(&fields, name, unknown, nouns, out)
    } else {
        forcing(&fields, name, unknown, nouns, out)
    }
}

/// A limit that sets outputs.
fn forcing<'t>(
    fields: &Fields<'t>,
    name: Option<Placed<&'t str>>,
    unknown: Option<OnUnknown>,
    nouns: &Nouns<'_>,
    out: &mut Diagnostics,
) -> Option<LimitDraft<'t>> {
    let when = fields.get("when").and_then(|node| compile::condition(node, nouns, Dialect::Limit, out));
    let until = fields.get("until").map(|node| compile::condition(node, nouns, Dialect::Limit, out));
    let latch = fields.get("latch").and_then(|node| flag(node, out)).is_some_and(|found| found.value);
    let (steps, waits) = fields.get("force").map(|node| force(node, nouns, out)).unwrap_or_default();
    let (when, until, name) = (when?, until.map_or(Some(None), |until| until.map(Some))?, name?);
    let hold = |compiled: &Compiled<'_>| compiled.hold.map_or(Duration::ZERO, |hold| hold.value);
    let action = LimitAction::Force {
        when: when.program.clone(),
        hold: hold(&when),
        force: steps.iter().map(|step| step.value).collect(),
        until: until.as_ref().map(|until| until.program.clone()),
        until_hold: until.as_ref().map_or(Duration::ZERO, hold),
        latch,
    };
    let limit = Limit { name: name.value.into(), unknown: unknown?, action };
    let force = steps.into_iter().map(|step| step.map(|step| (step.output, step.wanted))).collect();
    let (place, derate, fields) = (name.place, Vec::new(), *fields);
    Some(LimitDraft { limit, place, when, until, force, waits, derate, fields })
}

/// The steps of `force:`, and how long they wait where they say so.
fn force(
    node: &Node,
    nouns: &Nouns<'_>,
    out: &mut Diagnostics,
) -> (Vec<Placed<ForceStep>>, Vec<Placed<Duration>>) {
    let expected = "a list such as `[ { mains: closed }, { charger: open, after: 1 s } ]`";
    let items = crate::decode::items(node, expected, out).unwrap_or_default();
    if items.is_empty() && matches!(node.kind, Kind::List(_)) {
        let message = "this limit forces nothing";
        out.push(
            node.head_place().mistake(codes::LIMIT_FORM, message).help("name the outputs and their states"),
        );
    }
    let (mut steps, mut waits) = (Vec::new(), Vec::new());
    for item in items {
        let Some(fields) = Fields::read(item, &shapes::FORCE, out) else { continue };
        let after = fields.get("after").and_then(|node| duration(node, out));
        waits.extend(after);
        let after = after.map_or(Duration::ZERO, |found| found.value);
        let entries: Vec<&Entry> = fields.rest().collect();
        if entries.is_empty() && fields.is_complete() {
            let help = "write `{ charger: open, after: 1 s }`";
            out.push(fields.head().mistake(codes::LIMIT_FORM, "this step names no output").help(help));
        }
        for entry in entries {
            let Some(output) = output_key(entry, nouns, out) else { continue };
            if let Some(wanted) = nouns.wanted_at(&entry.value, output, out) {
                let value = ForceStep { output, wanted: wanted.value, after };
                steps.push(Placed { value, place: entry.key.place() });
            }
        }
    }
    (steps, waits)
}

/// A limit that caps setpoints.
fn derating<'t>(
    fields: &Fields<'t>,
    name: Option<Placed<&'t str>>,
    unknown: Option<OnUnknown>,
    nouns: &Nouns<'_>,
    out: &mut Diagnostics,
) -> Option<LimitDraft<'t>> {
    let of = fields.get("of").and_then(|node| compile::value(node, nouns, Dialect::Limit, out));
    let of = of.and_then(|of| match of.program.yields {
        Type::Number(dimension, _) => Some((of, dimension)),
        Type::Truth => {
            let message = "this is true or false; a number is needed here";
            let help = "name the point that caps the setpoint";
            out.push(of.node.place().mistake(codes::EXPR_TYPE, message).help(help));
            None
        }
    });
    let dimension = of.as_ref().map(|(_, dimension)| *dimension);
    let given = fields.get("derate").and_then(|node| crate::decode::map(node, "a map of setpoints", out))?;
    let mut rows = Vec::new();
    let mut places = Vec::new();
    for entry in &given.entries {
        let Some(output) = output_key(entry, nouns, out) else { continue };
        if let Some(found) = derate_rows(&entry.value, dimension, out) {
            rows.push((output, found));
            places.push(Placed { value: output, place: entry.key.place() });
        }
    }
    let ((of, _), name) = (of?, name?);
    let action = LimitAction::Derate { of: of.program.clone(), rows };
    let limit = Limit { name: name.value.into(), unknown: unknown?, action };
    Some(LimitDraft {
        limit,
        place: name.place,
        when: of,
        until: None,
        force: Vec::new(),
        waits: Vec::new(),
        derate: places,
        fields: *fields,
    })
}

/// `{ 45 °C: 100 %, 50 °C: 50 % }`, sorted by the number. Where nobody knows what the numbers count, only the shares are read.
fn derate_rows(
    node: &Node,
    dimension: Option<Dimension>,
    out: &mut Diagnostics,
) -> Option<Vec<(Finite, Finite)>> {
    let map = crate::decode::map(node, "rows such as `{ 45 °C: 100 %, 55 °C: 0 % }`", out)?;
    let mut rows: Vec<(Finite, Finite)> = Vec::new();
    for entry in &map.entries {
        // The number is the key, so it is read as a node of its own.
        let key = key_node(entry);
        let number = dimension.and_then(|of| crate::decode::quantity::quantity(&key, of, out));
        let share = share(&entry.value, out);
        if let (Some(number), Some(share)) = (number, share) {
            if rows.iter().any(|(known, _)| *known == number.value.base) {
                out.push(
                    number.place.mistake(codes::LIMIT_DERATE, "this number stands twice, in different units"),
                );
            }
            rows.push((number.value.base, share.value));
        }
    }
    if map.entries.len() < 2 && map.is_complete {
        let help = "say where it begins and where nothing is left: `{ 45 °C: 100 %, 55 °C: 0 % }`";
        out.push(
            node.head_place().mistake(codes::LIMIT_DERATE, "a derating has at least two rows").help(help),
        );
        return None;
    }
    rows.sort_unstable();
    Some(rows)
}

fn key_node(entry: &Entry) -> Node {
    Node {
        file: entry.key.file,
        span: entry.key.span,
        head: entry.key.span,
        kind: Kind::Scalar(crate::tree::Scalar::plain(entry.key.text.clone(), entry.key.span)),
    }
}

/// `force` or `derate 10 %`.
fn unknown(node: &Node, derates: bool, out: &mut Diagnostics) -> Option<OnUnknown> {
    let found = crate::decode::scalar(node, "`force` or `derate 10 %`", out)?;
    let text = found.value.text.as_str();
    if text == "force" {
        return Some(OnUnknown::Force);
    }
    let Some(rest) = text.strip_prefix("derate ") else {
        out.push(unknown_word(text, found.place, &["force", "derate 10 %"]));
        return None;
    };
    let quantity = part(node, text, rest, Some(Dimension::Ratio), out)?;
    if quantity.dimension() != Dimension::Ratio {
        out.push(wrong_dimension(Placed { value: quantity, place: found.place }, Dimension::Ratio));
        return None;
    }
    if !(0.0..=100.0).contains(&quantity.base.get()) {
        out.push(found.place.mistake(codes::NUMBER_RANGE, "a share lies between 0 % and 100 %").help(SHARE));
        return None;
    }
    if !derates {
        let message = "this limit forces outputs and caps none, so there is nothing to derate";
        out.push(found.place.mistake(codes::LIMIT_DERATE, message).help("write `unknown: force`"));
        return None;
    }
    Some(OnUnknown::Derate(quantity.base))
}

/// `asleep:`, such as `pv.power: 0 W when sun.elevation < -2 deg`.
pub(super) fn read_asleep<'t>(
    fields: &Fields<'t>,
    nouns: &Nouns<'_>,
    draft: &mut SafetyDraft<'t>,
    out: &mut Diagnostics,
) {
    let Some(map) = fields.get("asleep").and_then(|node| crate::decode::map(node, "a map of points", out))
    else {
        return;
    };
    for entry in &map.entries {
        if let Some(asleep) = asleep(entry, nouns, out) {
            draft.asleep.push(asleep);
        }
    }
}

fn asleep<'t>(entry: &'t Entry, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<AsleepDraft<'t>> {
    const WHEN: &str = " when ";
    let point = nouns.point(&entry.key.text, entry.key.place(), out);
    let found =
        crate::decode::scalar(&entry.value, "a value such as `0 W when sun.elevation < -2 deg`", out)?;
    let written = found.value.text.as_str();
    let Some((value, _)) = written.split_once(WHEN) else {
        let message = format!("{} does not say when", quote(written));
        let help = "write the value and then the condition: `0 W when sun.elevation < -2 deg`";
        out.push(found.place.mistake(codes::SAFETY_ASLEEP, message).help(help));
        return None;
    };
    let start = saturate(value.len() + WHEN.len());
    let condition = Span::new(start, saturate(written.len()));
    let when = compile::condition_part(&entry.value, condition, nouns, Dialect::Limit, out);
    let Some(point) = point else {
        // What it is worth is looked at all the same.
        part(&entry.value, written, value, None, out);
        return None;
    };
    let spec = nouns.catalog.point(point)?;
    let PointKind::Number(unit) = spec.kind else {
        let message = format!("`{}` is no number", spec.name);
        out.push(
            entry.key.place().mistake(codes::SAFETY_ASLEEP, message).help("only a number can be asleep"),
        );
        return None;
    };
    let quantity = part(&entry.value, written, value, Some(unit.dimension()), out)?;
    if quantity.dimension() != unit.dimension() {
        let place = place_in(&entry.value, Span::new(0, saturate(value.len())));
        out.push(wrong_dimension(Placed { value: quantity, place }, unit.dimension()));
        return None;
    }
    let point = Placed { value: point, place: entry.key.place() };
    Some(AsleepDraft { point, value: Value::Number(quantity.base), when: when? })
}

/// Whether an output is a contact.
pub(super) fn is_contact(nouns: &Nouns<'_>, output: OutputId) -> bool {
    nouns.catalog.output(output).is_some_and(|spec| spec.kind == OutputKind::Contact)
}

/// The contact of a state; nothing for a setpoint.
pub(super) fn contact_of(wanted: Wanted) -> Option<ballast_model::Contact> {
    match wanted {
        Wanted::Contact(contact) => Some(contact),
        Wanted::Level(_) => None,
    }
}
