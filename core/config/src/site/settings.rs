//! Settings and modes: what people change while the program runs.

use ballast_model::catalog::{Kind, Origin, PointId, PointSpec};
use ballast_model::quantity::parse_quantity;
use ballast_model::{Finite, Unit, Value};

use super::points::{add_point, names, unit, words};
use super::{SiteDraft, shapes};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::{any_quantity, bounds, quantity};
use crate::decode::scalar::{check_name, text, unknown_word};
use crate::diagnostics::Diagnostics;
use crate::tree::{Entry, Kind as NodeKind, Node};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The point under which rules read it.
    pub point: PointId,
    /// What it is until somebody changes it.
    pub initial: Value,
    /// Between which bounds it may be set, base unit.
    pub range: Option<(Finite, Finite)>,
}

/// The modes of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modes {
    /// The point `site.mode`, whose words are the modes.
    pub point: PointId,
    /// The mode at the first start.
    pub initial: Value,
}

/// `modes:`.
pub(super) fn read_modes(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) {
    let Some(node) = fields.get("modes") else { return };
    let words = names(node, "a list of modes", out).and_then(|_| words(node, out));
    let Some(words) = words else { return draft.catalog.lose("site.mode") };
    let spec = spec("site.mode", "", Kind::Words(words.into()), Origin::Mode);
    if let Some(point) = add_point(draft, spec, node.head_place(), out) {
        draft.modes = Some(Modes { point, initial: Value::Word(0) });
    }
}

/// `settings:`.
pub(super) fn read(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) {
    let Some(settings) =
        fields.get("settings").and_then(|node| crate::decode::map(node, "a map of settings", out))
    else {
        return;
    };
    for entry in &settings.entries {
        let is_read =
            check_name(&entry.key.text, entry.key.place(), out) && read_one(entry, draft, out).is_some();
        if !is_read {
            draft.catalog.lose(&format!("setting.{}", entry.key.text));
        }
    }
}

fn read_one(entry: &Entry, draft: &mut SiteDraft, out: &mut Diagnostics) -> Option<()> {
    let fields = Fields::read(&entry.value, &shapes::SETTING, out)?;
    let label = fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value);
    // One mistake hides none of the others.
    let given = fields.get("unit").map(|node| unit(node, out));
    let found = value(&fields, given, out);
    let kind = found.as_ref().map(|(kind, _)| kind.clone()).or_else(|| likely_kind(&fields, given));
    let range = kind.and_then(|kind| range(&fields, &kind, out));
    let (kind, initial) = found?;
    if let (Some((low, high)), Value::Number(number)) = (range, initial)
        && !(low..=high).contains(&number)
    {
        let (value, range) = (fields.place("value"), fields.place("range"));
        out.push(
            value
                .mistake(codes::SETTING_RANGE, "the value of this setting lies outside of its own range")
                .also(range.file, range.span, "the range")
                .help("widen the range, or move the value into it"),
        );
    }
    let mut spec = spec(&format!("setting.{}", entry.key.text), label, kind, Origin::Setting);
    // People are held to it as devices are to what they can measure.
    spec.valid = range;
    let point = add_point(draft, spec, entry.key.place(), out)?;
    draft.settings.push(Setting { point, initial, range });
    Some(())
}

/// What kind of setting it is, and its first value.
fn value(fields: &Fields<'_>, given: Option<Option<Unit>>, out: &mut Diagnostics) -> Option<(Kind, Value)> {
    let node = fields.get("value")?;
    if let Some(list) = fields.get("words") {
        let words = words(list, out)?;
        let found = text(node, out)?;
        let Some(index) = words.iter().position(|word| **word == *found.value) else {
            let known: Vec<&str> = words.iter().map(|word| &**word).collect();
            out.push(unknown_word(found.value, found.place, &known));
            return None;
        };
        return Some((Kind::Words(words.into()), Value::Word(u16::try_from(index).ok()?)));
    }
    match &node.kind {
        NodeKind::Scalar(scalar) if scalar.text == "true" => return Some((Kind::Flag, Value::Flag(true))),
        NodeKind::Scalar(scalar) if scalar.text == "false" => return Some((Kind::Flag, Value::Flag(false))),
        _ => {}
    }
    match given {
        Some(unit) => {
            let unit = unit?;
            let found = quantity(node, unit.dimension(), out)?;
            Some((Kind::Number(unit), Value::Number(found.value.base)))
        }
        None => {
            let found = any_quantity(node, None, out)?;
            Some((Kind::Number(found.value.unit), Value::Number(found.value.base)))
        }
    }
}

/// What a setting without a readable value would be, by what else is written of it.
fn likely_kind(fields: &Fields<'_>, given: Option<Option<Unit>>) -> Option<Kind> {
    if fields.get("words").is_some() {
        return Some(Kind::Words([].into()));
    }
    if let Some(unit) = given {
        return unit.map(Kind::Number);
    }
    let NodeKind::Scalar(range) = &fields.get("range")?.kind else { return None };
    let (_, high) = range.text.split_once("..")?;
    parse_quantity(high.trim()).ok().map(|quantity| Kind::Number(quantity.unit))
}

fn range(fields: &Fields<'_>, kind: &Kind, out: &mut Diagnostics) -> Option<(Finite, Finite)> {
    let node: &Node = fields.get("range")?;
    let Kind::Number(unit) = kind else {
        out.push(
            fields
                .place("range")
                .mistake(codes::SETTING_RANGE, "only a number has a range")
                .help("remove it"),
        );
        return None;
    };
    bounds(node, unit.dimension(), false, out).map(|found| (found.value.low, found.value.high))
}

/// A point that people or the program set: it has no age.
pub(super) fn spec(name: &str, label: &str, kind: Kind, origin: Origin) -> PointSpec {
    PointSpec { label: label.into(), ..PointSpec::new(name, kind, origin) }
}
