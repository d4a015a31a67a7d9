//! Shedding, part by part.

use super::Found;
use crate::plan::{Bulk, Shedding, Stage};
use crate::tables::Plan;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::{OutputId, PointId};

const SUBJECT: &str = "shedding";

pub(super) fn compare(old: &Plan, new: &Plan, found: &mut Found) {
    let (before, after) = match (&old.set.shedding, &new.set.shedding) {
        (None, _) => return,
        (Some(_), None) => {
            found.add(SUBJECT, "shedding", "in force", "removed");
            return;
        }
        (Some(before), Some(after)) => (before, after),
    };
    let listed = outputs(new, &after.never);
    for name in outputs(old, &before.never) {
        found.unless(listed.contains(&name), SUBJECT, "never", name, "not on the list");
    }
    let (one, other) = (points(old, &before.source), points(new, &after.source));
    found.unless(one == other, SUBJECT, "source", one.join(", "), other.join(", "));
    let is_strict = after.source_tolerance <= before.source_tolerance
        && after.source_stuck_after <= before.source_stuck_after;
    found.unless(is_strict, SUBJECT, "source", "a tolerance", "a wider tolerance");
    loads(old, before, new, after, found);
    stages(&before.stages, &after.stages, found);
    bulk(before.bulk.as_ref(), after.bulk.as_ref(), found);
    bounds(old, before, new, after, found);
}

/// A load that is gone is no longer cut by anybody; another rating or group changes how much is.
fn loads(old: &Plan, before: &Shedding, new: &Plan, after: &Shedding, found: &mut Found) {
    for load in &before.loads {
        let name = output(old, load.output);
        let same = after.loads.iter().find(|other| output(new, other.output) == name);
        let is_same = same.is_some_and(|other| other.groups == load.groups && other.rated == load.rated);
        found.unless(is_same, name, "groups", "a load that can be cut", "another group or rating, or none");
    }
}

fn stages(old: &[Stage], new: &[Stage], found: &mut Found) {
    for (place, stage) in old.iter().enumerate() {
        let Some(other) = new.get(place) else {
            found.add(SUBJECT, "stages", stage_text(stage), "removed");
            continue;
        };
        let is_strict = other.below >= stage.below
            && other.hold <= stage.hold
            && other.share >= stage.share
            && other.from == stage.from;
        found.unless(is_strict, SUBJECT, "stages", stage_text(stage), stage_text(other));
    }
}

fn bulk(old: Option<&Bulk>, new: Option<&Bulk>, found: &mut Found) {
    let Some(old) = old else { return };
    let Some(new) = new else {
        found.add(SUBJECT, "bulk", bulk_text(old), "removed");
        return;
    };
    let is_strict = new.below >= old.below
        && new.falling <= old.falling
        && new.share >= old.share
        && new.from == old.from;
    found.unless(is_strict, SUBJECT, "bulk", bulk_text(old), bulk_text(new));
}

fn bounds(old: &Plan, before: &Shedding, new: &Plan, after: &Shedding, found: &mut Found) {
    let cap = |shedding: &Shedding| {
        shedding.cap.map_or("none".to_string(), |cap| format!("{} per {}", cap.count, cap.per))
    };
    let is_strict = match (before.cap, after.cap) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => other.count <= one.count && other.per >= one.per,
    };
    found.unless(is_strict, SUBJECT, "cap", cap(before), cap(after));
    let times = |shedding: &Shedding| shedding.futile_after.unwrap_or(u32::MAX);
    found.unless(times(after) <= times(before), SUBJECT, "futile_after", times(before), times(after));
    let (one, other) = (&before.restore, &after.restore);
    found.unless(other.keep_free >= one.keep_free, SUBJECT, "keep_free", one.keep_free, other.keep_free);
    let capacity = |plan: &Plan, point: Option<PointId>| {
        point.and_then(|point| plan.catalog.point(point)).map(|spec| spec.name.clone())
    };
    let (place, places) = (capacity(old, one.capacity), capacity(new, other.capacity));
    found.unless(place.is_none() || place == places, SUBJECT, "keep_free", "of a capacity", "of another one");
    found.unless(other.one_per >= one.one_per, SUBJECT, "one_per", one.one_per, other.one_per);
    found.unless(other.jitter >= one.jitter, SUBJECT, "jitter", one.jitter, other.jitter);
    found.unless(other.above >= one.above, SUBJECT, "restore_at_most", one.above, other.above);
    found.unless(other.settle >= one.settle, SUBJECT, "settle", one.settle, other.settle);
    let (one, other) = (capacity(old, before.site_load), capacity(new, after.site_load));
    found.unless(one == other, SUBJECT, "site_load", "a point", "another point");
}

fn output(plan: &Plan, id: OutputId) -> &str {
    plan.catalog.output(id).map_or("?", |spec| &spec.name)
}

fn outputs<'a>(plan: &'a Plan, ids: &[OutputId]) -> Vec<&'a str> {
    ids.iter().map(|id| output(plan, *id)).collect()
}

fn points<'a>(plan: &'a Plan, ids: &[PointId]) -> Vec<&'a str> {
    ids.iter().filter_map(|id| plan.catalog.point(*id)).map(|spec| &*spec.name).collect()
}

fn stage_text(stage: &Stage) -> String {
    format!("below {} Hz for {}: {} % from {}", stage.below, stage.hold, stage.share, stage.from.join(", "))
}

fn bulk_text(bulk: &Bulk) -> String {
    format!(
        "below {} Hz, falling {} Hz/s: {} % from {}",
        bulk.below,
        bulk.falling,
        bulk.share,
        bulk.from.join(", ")
    )
}

/// The new one where it only tightens; else the old one, with what was added to the list of those never shed.
pub(super) fn stricter(old: &Plan, new: &Plan) -> Option<Shedding> {
    let mut found = Found::default();
    compare(old, new, &mut found);
    if found.finish().is_empty() {
        return new.set.shedding.clone();
    }
    let mut shedding = old.set.shedding.clone()?;
    let added = new.set.shedding.iter().flat_map(|new| new.never.iter().copied());
    for output in added {
        if !shedding.never.contains(&output) {
            shedding.never.push(output);
        }
    }
    Some(shedding)
}
