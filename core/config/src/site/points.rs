//! Points: what their values look like, how old and how fine they may be.

use ballast_model::catalog::{DeviceId, Kind, Origin, PointId, PointSpec};
use ballast_model::device::{BusDefinition, ReadsEvery, Unsaid};
use ballast_model::{Catalog, Dimension, Finite, Span as Duration, Unit};

use super::{SiteDraft, shapes, taken};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::{bounds, positive, positive_duration};
use crate::decode::scalar::{flag, list, name, text};
use crate::diagnostics::{Diagnostics, Place, Placed, quote};
use crate::expr::suggest_unit;
use crate::tree::Node;

/// Without `max_age`, a value is unknown after this many periods: one report may be lost, and one may be late.
const PERIODS_MAX: u64 = 3;

/// Reads one point of a device. What is wrong is left out, so that the name exists all the same; nothing where even the
/// kind of its values is not known, so that nothing can be said about those who use it.
///
/// `reads_every` is how often its driver reads it where it does not say it; nothing where the driver only listens.
pub(super) fn read(
    full: &str,
    device: DeviceId,
    node: &Node,
    reads_every: Option<Duration>,
    out: &mut Diagnostics,
) -> Option<(PointSpec, Unsaid)> {
    let fields = Fields::read(node, &shapes::POINT, out)?;
    let kind = kind(&fields, out)?;
    let dimension = match &kind {
        Kind::Number(unit) => unit.dimension(),
        _ => Dimension::Number,
    };
    let label = fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value);
    let period = fields.get("period").and_then(|node| positive_duration(node, out));
    let max_age = fields.get("max_age").and_then(|node| positive_duration(node, out));
    check_age(period, reads_every, max_age, out);
    let unsaid = match (&period, &max_age, reads_every) {
        (Some(_), ..) | (.., None) => Unsaid::Nothing,
        (None, Some(_), Some(_)) => Unsaid::Period,
        (None, None, Some(_)) => Unsaid::PeriodAndAge,
    };
    let period = period.map(|found| found.value).or(reads_every);
    let resolution = fields.get("resolution").and_then(|node| positive(node, dimension, out));
    let valid = fields.get("valid").and_then(|node| bounds(node, dimension, false, out));
    let max_slew = fields.get("max_slew").and_then(|node| slew(node, dimension, out));
    let stuck_after = fields.get("stuck_after").and_then(|node| positive_duration(node, out));
    let is_counter = is_set(&fields, "counter", out);
    let is_mean = is_set(&fields, "mean", out);
    let is_number = matches!(kind, Kind::Number(_));
    // What was written of its age and cannot be read is said above, and is not missing.
    let is_unread =
        !fields.is_complete() || ["max_age", "period"].iter().any(|key| fields.get(key).is_some());
    let age = max_age.map(|found| found.value).or(period.map(usual_age));
    let spec = PointSpec {
        name: full.into(),
        label: label.into(),
        kind,
        device: Some(device),
        origin: Origin::Measured,
        max_age: age.or(is_unread.then(|| usual_age(Duration::from_secs(1)))),
        period,
        resolution: resolution.map(|found| found.value.base),
        valid: valid.map(|found| (found.value.low, found.value.high)),
        max_slew,
        stuck_after: stuck_after.map(|found| found.value),
        is_counter,
        is_instantaneous: is_number && !is_counter && !is_mean,
    };
    Some((spec, unsaid))
}

/// How old a value may be that comes so often, where nobody says it.
pub(super) fn usual_age(period: Duration) -> Duration {
    period.times(PERIODS_MAX)
}

/// Lets the points of a bus follow its keys once more, after one of them was given another value for this start alone: what
/// says nothing of its period is read as often as the bus says now. What a limit leans on grows old no later by that than
/// the files allow.
pub fn follow_bus(bus: &BusDefinition, reads: ReadsEvery, catalog: &mut Catalog) {
    let Some(period) = reads.on(&bus.settings) else { return };
    for definition in bus.points.iter().filter(|definition| definition.unsaid != Unsaid::Nothing) {
        let Some(spec) = catalog.points.get_mut(definition.point.index()) else { continue };
        spec.period = Some(period);
        if definition.unsaid == Unsaid::PeriodAndAge {
            spec.max_age = spec.max_age.map(|max_age| max_age.min(usual_age(period)));
        }
    }
}

/// A value that is unknown before the next one can come would flicker.
fn check_age(
    period: Option<Placed<Duration>>,
    reads_every: Option<Duration>,
    max_age: Option<Placed<Duration>>,
    out: &mut Diagnostics,
) {
    let Some(max_age) = max_age else { return };
    match (period, reads_every) {
        (Some(period), _) if max_age.value < period.value => {
            let message =
                format!("values come every {} and are unknown after {}", period.value, max_age.value);
            out.push(
                max_age
                    .place
                    .mistake(codes::POINT_MAX_AGE, message)
                    .label("shorter than the period")
                    .also(period.place.file, period.place.span, "the period")
                    .help("allow for one lost report: three periods are usual"),
            );
        }
        // What else is read with it may be read more often, so that this need not be wrong.
        (None, Some(usual)) if max_age.value < usual => {
            let message = format!(
                "without `period` it is read every {usual}, and its values are unknown after {}",
                max_age.value
            );
            let warning = max_age.place.warning(codes::POINT_MAX_AGE, message);
            out.push(warning.label("shorter than that").help("say how often it is read: `period: ...`"));
        }
        _ => {}
    }
}

/// Adds a point to the catalog with the place where it is defined.
pub(super) fn add_point(
    draft: &mut SiteDraft,
    spec: PointSpec,
    place: Place,
    out: &mut Diagnostics,
) -> Option<PointId> {
    let name = spec.name.clone();
    match draft.catalog.add_point(spec) {
        Ok(id) => {
            draft.point_places.resize(id.index(), None);
            draft.point_places.push(Some(place));
            Some(id)
        }
        Err(_) => {
            out.push(taken(&name, place));
            None
        }
    }
}

/// `unit`, `words` or `flag: true`: exactly one of them.
fn kind(fields: &Fields<'_>, out: &mut Diagnostics) -> Option<Kind> {
    let given: Vec<&str> =
        ["unit", "words", "flag"].into_iter().filter(|key| fields.get(key).is_some()).collect();
    match given.as_slice() {
        ["unit"] => Some(Kind::Number(unit(fields.get("unit")?, out)?)),
        ["words"] => words(fields.get("words")?, out).map(|words| Kind::Words(words.into())),
        [_] => flag(fields.get("flag")?, out).map(|_| Kind::Flag),
        [] if !fields.is_complete() => None,
        [] => {
            let help =
                "write `unit: W` for numbers, `words: [a, b]` for an enumeration, `flag: true` for yes or no";
            out.push(fields.head().mistake(codes::POINT_KIND, "this point has no unit").help(help));
            None
        }
        [first, second, ..] => {
            let (first, second) = (fields.place(first), fields.place(second));
            out.push(
                second
                    .mistake(
                        codes::POINT_KIND,
                        "a point is a number, an enumeration or yes-or-no, not two of them",
                    )
                    .also(first.file, first.span, "and here")
                    .help("keep one of the two keys"),
            );
            None
        }
    }
}

/// A unit by its symbol.
pub(super) fn unit(node: &Node, out: &mut Diagnostics) -> Option<Unit> {
    let found = text(node, out)?;
    let unit = Unit::parse(found.value.trim());
    if unit.is_none() {
        let message = format!("{} is not a unit that is known here", quote(found.value));
        let mut diagnostic = found.place.mistake(codes::UNIT_UNKNOWN, message);
        diagnostic.help = suggest_unit(found.value).or(Some("a plain number has the unit `1`".to_owned()));
        out.push(diagnostic);
    }
    unit
}

/// The words of an enumeration: at least two, each once.
pub(super) fn words(node: &Node, out: &mut Diagnostics) -> Option<Vec<Box<str>>> {
    let found = list(node, "a list of words", out, |item, out| {
        // A word is what a device says: it may be one that could not be a name.
        text(item, out)
    })?;
    let mut words: Vec<Box<str>> = Vec::new();
    for word in found {
        if words.iter().any(|known| **known == *word.value) {
            out.push(
                word.place
                    .mistake(codes::POINT_WORDS, format!("the word {} stands twice", quote(word.value)))
                    .help("remove one of the two"),
            );
        } else {
            words.push(word.value.into());
        }
    }
    if words.len() < 2 || words.len() > usize::from(u16::MAX) {
        out.push(
            node.head_place()
                .mistake(codes::POINT_WORDS, "an enumeration has at least two words")
                .help("list every word that can come, as in `[off, on]`"),
        );
        return None;
    }
    Some(words)
}

fn slew(node: &Node, dimension: Dimension, out: &mut Diagnostics) -> Option<Finite> {
    let Some((slope, factor)) = dimension.slope() else {
        let message = format!("the change of {} has no unit here", dimension.name());
        out.push(node.head_place().mistake(codes::UNIT_WRONG, message).help("leave `max_slew` out"));
        return None;
    };
    let found = positive(node, slope, out)?;
    Some(Finite::saturating(found.value.base.get() / factor))
}

fn is_set(fields: &Fields<'_>, key: &str, out: &mut Diagnostics) -> bool {
    fields.get(key).and_then(|node| flag(node, out)).is_some_and(|found| found.value)
}

/// A name of a point or output in its device, as a key.
pub(super) fn check_part(text: &str, place: Place, out: &mut Diagnostics) -> bool {
    if matches!(text, "state" | "actual" | "wanted" | "since") {
        let message = format!("`{text}` belongs to outputs and cannot name a point");
        out.push(place.mistake(codes::NAME_RESERVED, message).help("choose another name"));
        return false;
    }
    crate::decode::scalar::check_name(text, place, out)
}

/// A list of names, each checked.
pub(super) fn names<'t>(
    node: &'t Node,
    expected: &str,
    out: &mut Diagnostics,
) -> Option<Vec<crate::diagnostics::Placed<&'t str>>> {
    list(node, expected, out, name)
}
