//! `shedding:`: cutting loads when the frequency falls, and giving them back.

use ballast_guard::plan::{Bulk, Load, Restore, Shedding, Stage, SwitchBudget};
use ballast_model::catalog::OutputId;
use ballast_model::quantity::Quantity;
use ballast_model::{Dimension, Finite, GroupId, PointId, Span as Duration};

use super::limits::is_contact;
use super::{RestorePlaces, SafetyDraft, SheddingDraft, StagePlaces, shapes};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::{duration, part, positive, positive_duration, share};
use crate::decode::rate::rate;
use crate::decode::scalar::{integer, list, place_of};
use crate::diagnostics::{Diagnostics, Placed};
use crate::nouns::Nouns;
use crate::site::SiteDraft;
use crate::tree::Node;

/// Sources further apart than this disagree, if the file says nothing. Two meters on one bus differ by their resolution
/// and by the moment of measuring; 0.1 Hz is ten times what a usual meter shows. This project's own choice.
const TOLERANCE_HZ: f64 = 0.1;

/// A source that stands still for this long while another one moves is stuck, if the file says nothing. Own choice.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// One load in this time comes back, if the file says nothing.
const ONE_PER: Duration = Duration::from_secs(10);

/// How long the frequency must be good before the first load comes back, if the file says nothing. Own choice: longer
/// than the governors of small sets need to settle after a step.
const SETTLE: Duration = Duration::from_secs(60);

/// How far above the highest stage the frequency must be before anything comes back, if the file says nothing. Own choice.
const ABOVE_STAGE_HZ: f64 = 0.1;

/// Frequencies at which a stage can make sense: around 50 Hz and around 60 Hz.
const STAGE_HZ: core::ops::RangeInclusive<f64> = 40.0..=70.0;

/// Reads the section.
pub(super) fn read<'t>(
    fields: &Fields<'t>,
    site: &SiteDraft,
    nouns: &Nouns<'_>,
    draft: &mut SafetyDraft<'t>,
    out: &mut Diagnostics,
) -> Option<()> {
    let fields = Fields::read(fields.get("shedding")?, &shapes::SHEDDING, out)?;
    let source = fields
        .get("source")
        .and_then(|node| list(node, "a list of points", out, |item, out| frequency_point(item, nouns, out)));
    let source = source.unwrap_or_default();
    let never = fields
        .get("never")
        .and_then(|node| list(node, "a list of outputs", out, |item, out| nouns.output_at(item, out)));
    let never = never.unwrap_or_default();
    let read = fields
        .get("stages")
        .and_then(|node| list(node, "a list of stages", out, |item, out| stage(item, nouns, out)));
    let (stages, stage_places): (Vec<Option<Stage>>, Vec<StagePlaces>) =
        read.unwrap_or_default().into_iter().unzip();
    let stages: Vec<Stage> = stages.into_iter().flatten().collect();
    let bulk = fields.get("bulk").and_then(|node| bulk(node, nouns, out));
    let frequency = |key: &str, otherwise: f64, out: &mut Diagnostics| {
        let found = fields.get(key).and_then(|node| positive(node, Dimension::Frequency, out));
        found.map_or(Finite::saturating(otherwise), |found| found.value.base)
    };
    let source_tolerance = frequency("tolerance", TOLERANCE_HZ, out);
    let stuck_after = fields.get("stuck_after").and_then(|node| positive_duration(node, out));
    let cap = fields.get("cap").and_then(|node| rate(node, out)).map(|found| found.value);
    let futile_after = fields.get("futile_after").and_then(|node| integer(node, 1..=100, out));
    let (bulk, bulk_places) = bulk.unzip();
    let belows = stage_places.iter().chain(&bulk_places).filter_map(|stage| stage.below);
    let highest = belows.map(|below| below.value).max().unwrap_or(Finite::ZERO);
    let (restore, places) = restore(fields.get("restore_at_most"), highest, nouns, out);
    let site_load = fields.get("load").and_then(|node| power_point(node, nouns, out));
    let shedding = Shedding {
        loads: loads(site, nouns, &never),
        never: never.iter().map(|output| output.value).collect(),
        source: source.iter().map(|point| point.value).collect(),
        source_tolerance,
        source_stuck_after: stuck_after.map_or(STUCK_AFTER, |found| found.value),
        stages,
        bulk: bulk.flatten(),
        cap: cap.map(|rate| SwitchBudget { count: rate.count, per: rate.per }),
        futile_after: futile_after.and_then(|found| u32::try_from(found.value).ok()),
        restore,
        site_load: site_load.map(|point| point.value),
    };
    draft.shedding = Some(SheddingDraft {
        shedding,
        source,
        never,
        stages: stage_places,
        bulk: bulk_places,
        fields,
        restore: places,
    });
    Some(())
}

fn frequency_point(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<Placed<PointId>> {
    point_of(node, Dimension::Frequency, nouns, out)
}

fn power_point(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<Placed<PointId>> {
    point_of(node, Dimension::Power, nouns, out)
}

fn point_of(
    node: &Node,
    dimension: Dimension,
    nouns: &Nouns<'_>,
    out: &mut Diagnostics,
) -> Option<Placed<PointId>> {
    let found = nouns.point_at(node, out)?;
    let measured = nouns.catalog.point(found.value)?.dimension();
    if measured == dimension {
        return Some(found);
    }
    let name = nouns.point_name(found.value);
    let message = format!("`{name}` is {}; {} is needed here", measured.name(), dimension.name());
    out.push(found.place.mistake(codes::UNIT_WRONG, message).help("name another point"));
    None
}

/// The stage where it could be read as a whole, and what could be read of it.
fn stage(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<(Option<Stage>, StagePlaces)> {
    let fields = Fields::read(node, &shapes::STAGE, out)?;
    let below = fields.get("below").and_then(|node| stage_frequency(node, out));
    let hold = fields.get("for").and_then(|node| duration(node, out));
    let share = fields.get("shed").and_then(|node| share(node, out));
    let from = fields.get("from").and_then(|node| groups(node, nouns, out));
    let whole = || {
        let from = group_names(from.as_ref()?, nouns);
        Some(Stage { below: below?.value, hold: hold?.value, share: share?.value, from })
    };
    Some((whole(), StagePlaces { below, hold, from: from.unwrap_or_default() }))
}

/// As [`stage`].
fn bulk(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<(Option<Bulk>, StagePlaces)> {
    let fields = Fields::read(node, &shapes::BULK, out)?;
    let below = fields.get("below").and_then(|node| stage_frequency(node, out));
    let falling = fields.get("falling").and_then(|node| positive(node, Dimension::FrequencySlope, out));
    let share = fields.get("shed").and_then(|node| share(node, out));
    let from = fields.get("from").and_then(|node| groups(node, nouns, out));
    let whole = || {
        let from = group_names(from.as_ref()?, nouns);
        Some(Bulk { below: below?.value, falling: falling?.value.base, share: share?.value, from })
    };
    Some((whole(), StagePlaces { below, hold: None, from: from.unwrap_or_default() }))
}

fn stage_frequency(node: &Node, out: &mut Diagnostics) -> Option<Placed<Finite>> {
    let found = positive(node, Dimension::Frequency, out)?;
    if STAGE_HZ.contains(&found.value.base.get()) {
        return Some(found.map(|quantity| quantity.base));
    }
    let message = format!("a stage acts between {} Hz and {} Hz", STAGE_HZ.start(), STAGE_HZ.end());
    out.push(
        found
            .place
            .mistake(codes::NUMBER_RANGE, message)
            .help("write the frequency itself, not its distance from 50 Hz"),
    );
    None
}

fn groups(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<Vec<Placed<GroupId>>> {
    let found = list(node, "a list of groups", out, |item, out| nouns.group_at(item, out))?;
    if let (true, crate::tree::Kind::List(list)) = (found.is_empty(), &node.kind)
        && list.items.is_empty()
    {
        out.push(
            node.head_place()
                .mistake(codes::SHEDDING_STAGES, "this stage takes from no group")
                .help("name the groups whose loads it opens: `from: [homes]`"),
        );
        return None;
    }
    Some(found)
}

fn group_names(groups: &[Placed<GroupId>], nouns: &Nouns<'_>) -> Vec<Box<str>> {
    groups
        .iter()
        .filter_map(|group| nouns.catalog.groups.get(group.value.index()))
        .map(|group| group.name.clone())
        .collect()
}

/// `restore_at_most:`, with its places.
fn restore(
    node: Option<&Node>,
    highest: Finite,
    nouns: &Nouns<'_>,
    out: &mut Diagnostics,
) -> (Restore, RestorePlaces) {
    let mut restore = Restore {
        keep_free: Finite::ZERO,
        capacity: None,
        one_per: ONE_PER,
        jitter: Duration::ZERO,
        above: Finite::saturating(highest.get() + ABOVE_STAGE_HZ),
        settle: SETTLE,
    };
    let mut places = RestorePlaces::default();
    let Some(fields) = node.and_then(|node| Fields::read(node, &shapes::RESTORE, out)) else {
        return (restore, places);
    };
    if let Some((share, capacity)) = fields.get("keep_free").and_then(|node| keep_free(node, nouns, out)) {
        restore.keep_free = share;
        restore.capacity = Some(capacity);
        places.keep_free = fields.get("keep_free").map(Node::place);
    }
    if let Some(found) = fields.get("one_per").and_then(|node| duration(node, out)) {
        (restore.one_per, places.one_per) = (found.value, Some(found.place));
    }
    if let Some(found) = fields.get("jitter").and_then(|node| duration(node, out)) {
        (restore.jitter, places.jitter) = (found.value, Some(found.place));
    }
    if let Some(found) = fields.get("above").and_then(|node| stage_frequency(node, out)) {
        (restore.above, places.above) = (found.value, Some(found.place));
    }
    if let Some(found) = fields.get("settle").and_then(|node| duration(node, out)) {
        (restore.settle, places.settle) = (found.value, Some(found.place));
    }
    (restore, places)
}

/// `15 % of site.capacity`.
fn keep_free(node: &Node, nouns: &Nouns<'_>, out: &mut Diagnostics) -> Option<(Finite, PointId)> {
    let found = crate::decode::scalar(node, "a share such as `15 % of site.capacity`", out)?;
    let text = found.value.text.as_str();
    let help = "write `15 % of site.capacity`: a share, and the point that tells the capacity";
    let Some((share, point)) = text.split_once(" of ") else {
        out.push(found.place.mistake(codes::SHEDDING_RESTORE, "this does not say of what").help(help));
        return None;
    };
    let quantity = part(node, text, share, Some(Dimension::Ratio), out);
    let is_share = |quantity: &Quantity| {
        quantity.dimension() == Dimension::Ratio && (0.0..=100.0).contains(&quantity.base.get())
    };
    if quantity.is_some_and(|quantity| !is_share(&quantity)) {
        let place = place_of(node, text, share.trim());
        out.push(place.mistake(codes::NUMBER_RANGE, "a share lies between 0 % and 100 %").help(help));
    }
    let place = place_of(node, text, point.trim());
    let capacity = nouns.point(point.trim(), place, out)?;
    let measured = nouns.catalog.point(capacity)?.dimension();
    if measured != Dimension::Power {
        let message = format!("`{}` is {}; a capacity is an active power", point.trim(), measured.name());
        out.push(place.mistake(codes::UNIT_WRONG, message).help("name another point"));
        return None;
    }
    Some((quantity.filter(is_share)?.base, capacity))
}

/// All loads of all groups, in the order of their outputs. An output that must never be shed is no load.
fn loads(site: &SiteDraft, nouns: &Nouns<'_>, never: &[Placed<OutputId>]) -> Vec<Load> {
    let mut loads: Vec<Load> = Vec::new();
    for group in &site.catalog.groups {
        for (index, output) in group.loads.iter().enumerate() {
            if never.iter().any(|kept| kept.value == *output) || !is_contact(nouns, *output) {
                continue;
            }
            match loads.iter_mut().find(|load| load.output == *output) {
                Some(load) => load.groups.push(group.name.clone()),
                None => loads.push(Load {
                    output: *output,
                    groups: vec![group.name.clone()],
                    rated: group.rated.get(index).copied().unwrap_or_default(),
                    power: group.power.get(index).copied().flatten(),
                }),
            }
        }
    }
    loads.sort_by_key(|load| load.output);
    loads
}
