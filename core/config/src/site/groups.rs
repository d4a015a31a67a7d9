//! Groups of devices: whom `each` runs over and whom shedding opens.

use std::collections::{BTreeMap, BTreeSet};

use ballast_model::Dimension;
use ballast_model::catalog::{DeviceId, GroupId, GroupSpec, Noun, OutputKind, PointId};

use super::devices::rated;
use super::points::names;
use super::{GroupFacts, SiteDraft, add_name, shapes};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::scalar::{check_name, integer, name, text};
use crate::diagnostics::{Diagnostics, suggest};
use crate::sources::saturate;
use crate::tree::{Entry, Node};

/// `groups:`.
pub(super) fn read(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) {
    let Some(groups) = fields.get("groups").and_then(|node| crate::decode::map(node, "a map of groups", out))
    else {
        return;
    };
    let devices: BTreeMap<Box<str>, DeviceId> = (0..)
        .map(DeviceId)
        .zip(&draft.catalog.devices)
        .map(|(id, device)| (device.name.clone(), id))
        .collect();
    for entry in &groups.entries {
        let is_read = check_name(&entry.key.text, entry.key.place(), out)
            && read_one(entry, &devices, draft, out).is_some();
        if !is_read {
            draft.catalog.lose(&entry.key.text);
        }
    }
}

fn read_one(
    entry: &Entry,
    devices: &BTreeMap<Box<str>, DeviceId>,
    draft: &mut SiteDraft,
    out: &mut Diagnostics,
) -> Option<()> {
    let fields = Fields::read(&entry.value, &shapes::GROUP, out)?;
    let label = fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value);
    let class = fields.get("class").and_then(|node| name(node, out)).map_or("", |found| found.value);
    let phase = fields.get("phase").and_then(|node| integer(node, 1..=3, out));
    let members = fields.get("members").map(|node| members(node, devices, draft, out)).unwrap_or_default();
    let mut group = GroupSpec {
        name: entry.key.text.as_str().into(),
        label: label.into(),
        members: members.clone(),
        loads: Vec::new(),
        rated: Vec::new(),
        power: Vec::new(),
    };
    for device in members {
        let outputs =
            draft.catalog.devices.get(device.index()).map(|spec| spec.outputs.clone()).unwrap_or_default();
        let is_contact = |output: &&ballast_model::OutputId| {
            draft.catalog.output(**output).is_some_and(|output| output.kind == OutputKind::Contact)
        };
        let contacts: Vec<_> = outputs.iter().filter(is_contact).copied().collect();
        // One power of the device stands for one load only.
        let power = if contacts.len() == 1 { power_of(device, draft) } else { None };
        for output in contacts {
            group.loads.push(output);
            group.rated.push(rated(draft, device).unwrap_or_default());
            group.power.push(power);
        }
    }
    let id = GroupId(saturate(draft.catalog.groups.len()));
    draft.catalog.groups.push(group);
    draft.groups.push(GroupFacts {
        place: entry.key.place(),
        class: class.to_owned(),
        phase: phase.and_then(|found| u8::try_from(found.value).ok()),
    });
    add_name(draft, &entry.key.text, Noun::Group(id), entry.key.place(), out);
    Some(())
}

fn members(
    node: &Node,
    devices: &BTreeMap<Box<str>, DeviceId>,
    draft: &SiteDraft,
    out: &mut Diagnostics,
) -> Vec<DeviceId> {
    let mut members = Vec::new();
    let mut seen = BTreeSet::new();
    for member in names(node, "a list of devices", out).unwrap_or_default() {
        let Some(id) = devices.get(member.value).copied() else {
            if draft.is_complete && !draft.catalog.is_lost(member.value) {
                let message = format!("there is no device `{}`", member.value);
                let mut diagnostic = member.place.mistake(codes::GROUP_MEMBER, message);
                let known = draft.catalog.devices.iter().map(|device| &*device.name);
                if out.wants_suggestions() {
                    diagnostic.help = suggest(member.value, known, "the devices are");
                }
                out.push(diagnostic);
            }
            continue;
        };
        if !seen.insert(id) {
            out.push(
                member
                    .place
                    .mistake(codes::GROUP_MEMBER, format!("`{}` stands twice", member.value))
                    .help("remove one of the two"),
            );
        } else {
            members.push(id);
        }
    }
    members
}

/// The point `power` of a device, where it measures an active power.
fn power_of(device: DeviceId, draft: &SiteDraft) -> Option<PointId> {
    let name = &draft.catalog.devices.get(device.index())?.name;
    let Some(Noun::Point(point)) = draft.catalog.resolve(&format!("{name}.power")) else { return None };
    draft.catalog.point(point).filter(|spec| spec.dimension() == Dimension::Power).map(|_| point)
}
