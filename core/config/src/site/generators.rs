//! `kind: generator`: a source that is started, warms up, runs, cools down and stops.

use ballast_model::Span as Duration;
use ballast_model::catalog::{DeviceId, Kind, Noun, Origin, OutputId, PointId, PointSpec};
use ballast_model::expr::{Dialect, Program};

use super::points::add_point;
use super::{SiteDraft, settings};
use crate::codes;
use crate::compile;
use crate::decode::fields::Fields;
use crate::decode::quantity::{duration, positive_duration};
use crate::decode::scalar::{choice, integer};
use crate::diagnostics::{Diagnostics, Place};

/// How long one attempt to start may take, and the rest between two, if the file says nothing: what a starter motor
/// and its battery bear.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Keys that only a generator has.
const OWN: [&str; 7] = ["warm_up", "min_run", "cool_down", "attempts", "attempt", "rest", "running"];

/// A source that is started and stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// Its device.
    pub device: DeviceId,
    /// The name of its device.
    pub name: String,
    /// The output that starts it.
    pub run: OutputId,
    /// True while it can take load.
    pub ready: PointId,
    /// True while somebody wants it.
    pub wanted: PointId,
    /// True after its last attempt to start failed.
    pub failed: PointId,
    /// What shows that it really runs.
    pub running: Option<Program>,
    /// From the start until it can take load.
    pub warm_up: Duration,
    /// Shortest run.
    pub min_run: Duration,
    /// Without load, before it stops.
    pub cool_down: Duration,
    /// How often a start is tried.
    pub attempts: u32,
    /// How long one attempt may take.
    pub attempt: Duration,
    /// Between two attempts.
    pub rest: Duration,
}

/// Adds the three points that the program computes, and notes the times. Its device has its outputs already.
pub(super) fn declare(
    fields: &Fields<'_>,
    device: DeviceId,
    place: Place,
    draft: &mut SiteDraft,
    out: &mut Diagnostics,
) -> Option<()> {
    let kind = fields.get("kind").and_then(|node| choice(node, &["generator"], out));
    if kind.is_none() {
        for key in OWN.into_iter().filter(|key| fields.get(key).is_some()) {
            let message = format!("`{key}` belongs to a generator");
            let help = "add `kind: generator`, or remove it";
            out.push(fields.place(key).mistake(codes::DEVICE_GENERATOR, message).help(help));
        }
        return None;
    }
    let name = draft.catalog.devices.get(device.index())?.name.to_string();
    let run = draft.catalog.resolve(&format!("{name}.run"));
    let has_several = draft.catalog.devices.get(device.index()).is_some_and(|spec| spec.outputs.len() > 1);
    let (Some(Noun::Output(run)), true) = (run, has_several) else {
        ["ready", "wanted", "failed"].iter().for_each(|part| draft.catalog.lose(&format!("{name}.{part}")));
        let message = "a generator needs an output `run` and at least one more, such as `contactor`";
        let help = "`run` starts it, `contactor` lets it take load";
        out.push(place.mistake(codes::DEVICE_GENERATOR, message).help(help));
        return None;
    };
    let time = |key: &str, out: &mut Diagnostics| fields.get(key).and_then(|node| duration(node, out));
    let some_time = |key: &str, out: &mut Diagnostics| {
        let found = fields.get(key).and_then(|node| positive_duration(node, out));
        found.map_or(ATTEMPT, |found| found.value)
    };
    let or_zero = |found: Option<crate::diagnostics::Placed<Duration>>| {
        found.map_or(Duration::ZERO, |found| found.value)
    };
    let (warm_up, min_run, cool_down) = (time("warm_up", out), time("min_run", out), time("cool_down", out));
    let (attempt, rest) = (some_time("attempt", out), some_time("rest", out));
    let attempts =
        fields.get("attempts").and_then(|node| integer(node, 1..=20, out)).map_or(1, |found| found.value);
    let mut flag = |part: &str| {
        let name = format!("{name}.{part}");
        let spec =
            PointSpec { device: Some(device), ..settings::spec(&name, "", Kind::Flag, Origin::Computed) };
        add_point(draft, spec, place, out)
    };
    let (ready, wanted, failed) = (flag("ready"), flag("wanted"), flag("failed"));
    draft.generators.push(Generator {
        device,
        name,
        run,
        ready: ready?,
        wanted: wanted?,
        failed: failed?,
        running: None,
        warm_up: or_zero(warm_up),
        min_run: or_zero(min_run),
        cool_down: or_zero(cool_down),
        attempts: u32::try_from(attempts).unwrap_or(1),
        attempt,
        rest,
    });
    Some(())
}

/// Compiles `running` of each generator, when all names are known.
pub(super) fn compile(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) {
    let mut generators = core::mem::take(&mut draft.generators);
    let nouns = draft.nouns();
    for generator in &mut generators {
        let device = fields.get("devices").and_then(|node| match &node.kind {
            crate::tree::Kind::Map(map) => map.get(&generator.name),
            _ => None,
        });
        let running = device.and_then(|node| match &node.kind {
            crate::tree::Kind::Map(map) => map.get("running").filter(|node| !node.is_null()),
            _ => None,
        });
        let Some(node) = running else { continue };
        generator.running =
            compile::condition(node, &nouns, Dialect::Derived, out).map(|found| found.program);
    }
    draft.generators = generators;
}
