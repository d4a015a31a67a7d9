//! Outputs: contacts and setpoints.

use ballast_guard::plan::Strength;
use ballast_model::catalog::{DeviceId, OutputId, OutputKind};
use ballast_model::{Finite, Wanted};

use super::{DriverFacts, OutputFacts, SiteDraft, points, shapes, taken};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::positive_duration;
use crate::decode::scalar::{choice, text};
use crate::diagnostics::{Diagnostics, Place};
use crate::nouns::contact;
use crate::tree::Node;

/// What an output has from its device.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    /// The device.
    pub(super) id: DeviceId,
    /// What moves it.
    pub(super) driver: Option<&'a DriverFacts>,
    /// Whether nobody else can command what is on its bus.
    pub(super) is_ours_alone: bool,
}

/// Reads one output of a device and adds it to the catalog.
pub(super) fn read(
    full: &str,
    owner: Owner<'_>,
    node: &Node,
    place: Place,
    draft: &mut SiteDraft,
    out: &mut Diagnostics,
) -> Option<OutputId> {
    let fields = Fields::read(node, &shapes::OUTPUT, out);
    let Some((fields, kind)) = fields.and_then(|fields| Some((fields, kind(&fields, out)?))) else {
        draft.catalog.lose(full);
        return None;
    };
    let label = fields.get("label").and_then(|node| text(node, out)).map_or("", |found| found.value);
    let reverts_after = fields.get("reverts_after").and_then(|node| positive_duration(node, out));
    let unpowered = fields.get("unpowered").and_then(|node| contact(node, out));
    let Owner { id: device, driver, is_ours_alone } = owner;
    let strength = match driver.map_or(Strength::Soft, |driver| driver.strength) {
        Strength::Soft if reverts_after.is_some() && is_ours_alone => Strength::Timed,
        strength => strength,
    };
    // The default is that of the envelope; until that is read, open and zero stand for it.
    let default = match kind {
        OutputKind::Contact => Wanted::OPEN,
        OutputKind::Setpoint(_) => Wanted::Level(Finite::ZERO),
    };
    let Ok(id) = draft.catalog.add_output(full, label, device, kind, default) else {
        out.push(taken(full, place));
        return None;
    };
    draft.point_places.resize(draft.catalog.points.len(), None);
    draft.outputs.push(OutputFacts {
        place,
        is_network: driver.is_some_and(|driver| driver.is_network),
        strength,
        unpowered,
        reverts_after: reverts_after.map(|found| found.value),
        by_hand: false,
    });
    Some(id)
}

/// Nothing where it cannot be told, after that was said.
fn kind(fields: &Fields<'_>, out: &mut Diagnostics) -> Option<OutputKind> {
    let kind = fields.get("kind").and_then(|node| choice(node, &["contact", "setpoint"], out));
    let unit = fields.get("unit").map(|node| points::unit(node, out));
    match (kind?.value, unit) {
        ("setpoint", Some(unit)) => Some(OutputKind::Setpoint(unit?)),
        ("setpoint", None) => {
            if fields.is_complete() {
                let help = "write the unit in which it is set, `unit: W`";
                let message = "a setpoint needs its `unit`";
                out.push(fields.head().mistake(codes::OUTPUT_UNIT, message).help(help));
            }
            None
        }
        (_, Some(_)) => {
            let message = "a contact is closed or open and has no unit";
            out.push(
                fields
                    .place("unit")
                    .mistake(codes::OUTPUT_UNIT, message)
                    .help("remove `unit`, or write `kind: setpoint`"),
            );
            Some(OutputKind::Contact)
        }
        _ => Some(OutputKind::Contact),
    }
}
