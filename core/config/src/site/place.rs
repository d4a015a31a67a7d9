//! Where the site is: UUID, time zone, place.

use ballast_model::almanac::{Place as OnEarth, SUN_POINT, Zone};
use ballast_model::catalog::{Kind, Origin, PointSpec};
use ballast_model::{Dimension, Span as Duration};

use super::SiteDraft;
use super::points::add_point;
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::quantity;
use crate::decode::scalar::text;
use crate::diagnostics::{Diagnostics, Placed, quote, suggest};
use crate::fingerprint::Fingerprint;

/// Zones for "did you mean": those of the places this program is made for, and the ones most often written wrong.
const COMMON_ZONES: &[&str] = &[
    "Africa/Abidjan",
    "Africa/Algiers",
    "Africa/Bamako",
    "Africa/Casablanca",
    "Africa/Dakar",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Africa/Ouagadougou",
    "America/Cayenne",
    "America/Guadeloupe",
    "America/Martinique",
    "America/New_York",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Rome",
    "Europe/Zurich",
    "Indian/Antananarivo",
    "Indian/Mayotte",
    "Indian/Reunion",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "UTC",
];

/// `time_zone:` and `location:`.
pub(super) fn read(fields: &Fields<'_>, draft: &mut SiteDraft, out: &mut Diagnostics) {
    if let Some(found) = fields.get("time_zone").and_then(|node| text(node, out)) {
        match Zone::get(found.value) {
            Some(zone) => draft.catalog.zone = zone,
            None => {
                let message = format!("{} is not a time zone", quote(found.value));
                let help = suggest(found.value, COMMON_ZONES.iter().copied(), "")
                    .unwrap_or_else(|| "zones are named `Europe/Paris`, `Africa/Dakar`, `UTC`".to_owned());
                out.push(found.place.mistake(codes::SITE_ZONE, message).help(help));
            }
        }
    }
    let Some(location) = fields.get("location") else { return };
    draft.catalog.place = Fields::read(location, &super::shapes::LOCATION, out).and_then(|place| {
        let latitude_deg = angle(&place, "latitude", 90.0, out);
        let longitude_deg = angle(&place, "longitude", 180.0, out);
        Some(OnEarth { latitude_deg: latitude_deg?, longitude_deg: longitude_deg? })
    });
    if draft.catalog.place.is_none() {
        return draft.catalog.lose("sun");
    }
    draft.sun = add_point(
        draft,
        PointSpec {
            // The sun is computed at every wake-up and cannot fail; the age bounds what a limit may lean on.
            max_age: Some(Duration::from_secs(3600)),
            ..PointSpec::new(SUN_POINT, Kind::Number(Dimension::Angle.base()), Origin::Computed)
        },
        location.head_place(),
        out,
    );
    if let (Some(point), Some(place)) = (draft.sun, draft.catalog.place) {
        let mut print = Fingerprint::new();
        print.number(place.latitude_deg.to_bits());
        print.number(place.longitude_deg.to_bits());
        draft.define(point, &print);
    }
}

fn angle(fields: &Fields<'_>, key: &str, most: f64, out: &mut Diagnostics) -> Option<f64> {
    let found = quantity(fields.get(key)?, Dimension::Angle, out)?;
    let degrees = found.value.base.get();
    if (-most..=most).contains(&degrees) {
        return Some(degrees);
    }
    let message = format!("`{key}` lies between -{most} deg and {most} deg");
    let help = match key {
        "latitude" => "north of the equator it is above zero: Paris is at 48.86 deg",
        _ => "east of Greenwich it is above zero: Paris is at 2.35 deg, Dakar at -17.4 deg",
    };
    out.push(found.place.mistake(codes::NUMBER_RANGE, message).help(help));
    None
}

/// A UUID in its usual form; letters are made small.
pub(super) fn uuid(found: Placed<&str>, out: &mut Diagnostics) -> Option<String> {
    let groups: Vec<&str> = found.value.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_hex = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if lengths == [8, 4, 4, 4, 12] && is_hex {
        return Some(found.value.to_ascii_lowercase());
    }
    let message = format!("{} is not a UUID", quote(found.value));
    let help = "it looks like `4be0643f-1d98-573b-97cd-ca98a65347dd`; `uuidgen` makes one";
    out.push(found.place.mistake(codes::SITE_UUID, message).help(help));
    None
}
