//! A test on the simulated village: `plant: village`, and what happens to it on the way.

use super::act::Act;
use super::look::Look;
use crate::simulation::plant::{SharedPlant, WORLDS};
use crate::site::Running;
use ballast_config::codes;
use ballast_config::decode::fields::Fields;
use ballast_config::decode::scalar::{choice, integer};
use ballast_config::diagnostics::{Diagnostics, Place, suggest};
use ballast_model::quantity::{parse_quantity, parse_span};
use ballast_model::{Dimension, Mono, Span, Utc};
use ballast_plant::village::{Disturbance, What, When};
use ballast_plant::{PlantError, VillageSpec};
use jiff::Timestamp;

/// Share of the light that a front of clouds takes, and how long its edges take, s.
const CLOUD: (f64, f64) = (0.8, 60.0);
/// Nothing that happens to the village lasts longer.
const MOST: Span = Span::from_secs(400 * 86_400);

/// The village behind a test.
#[derive(Clone, Debug)]
pub struct Behind {
    seed: u64,
    place: Place,
}

impl Behind {
    /// What a test says of the plant it runs on; `None` where it says nothing, or something wrong.
    pub fn read(fields: &Fields<'_>, running: &Running, out: &mut Diagnostics) -> Option<Self> {
        let seed = fields.get("seed").map(|node| (node.head_place(), integer(node, 0..=i64::MAX, out)));
        let Some(node) = fields.get("plant") else {
            if let Some((place, _)) = seed {
                let message = "a seed without a plant changes nothing";
                out.push(place.mistake(codes::TEST_TIME, message).help("add `plant: village`"));
            }
            return None;
        };
        let world = choice(node, WORLDS, out)?;
        let is_there = |bus: &ballast_model::device::BusDefinition| {
            bus.settings.get("plant").is_some_and(|plant| plant == world.value)
        };
        if !running.site.buses.iter().any(is_there) {
            let message = format!("no bus of this site is a simulated {}", world.value);
            let help = "a bus is with `{ driver: sim, plant: village }`; else write readings behind `points`";
            out.push(world.place.mistake(codes::TEST_NAME, message).help(help));
            return None;
        }
        let seed = seed.and_then(|(_, found)| found).and_then(|found| u64::try_from(found.value).ok());
        Some(Self { seed: seed.unwrap_or(1), place: world.place })
    }

    /// The village of a test that begins then, with all that happens to it.
    ///
    /// # Errors
    /// What the plant refuses: more happens than it can keep, say.
    pub fn plant(
        &self,
        start: Utc,
        looks: &[Look],
        running: &Running,
        begin: Mono,
    ) -> Result<SharedPlant, PlantError> {
        let instant = Timestamp::from_millisecond(start.millis()).unwrap_or_default();
        let offset = running.catalog().zone.jiff().to_offset(instant).seconds();
        let spec = VillageSpec {
            start_unix_s: start.millis().div_euclid(1000),
            // People and sun of the village live by the clock of the site.
            utc_offset_s: i64::from(offset),
            disturbances: looks.iter().flat_map(disturbances).collect(),
            ..VillageSpec::demo()
        };
        SharedPlant::new(spec, self.seed, begin)
    }

    /// Says where the village cannot be.
    pub fn check(&self, start: Utc, looks: &[Look], running: &Running, out: &mut Diagnostics) -> Option<()> {
        let refused = self.plant(start, looks, running, Mono::ZERO).err()?;
        let message = format!("the village cannot be: {refused}");
        out.push(self.place.mistake(codes::TEST_TIME, message).help("let less happen in one test"));
        Some(())
    }
}

/// What happens to the village at a moment.
fn disturbances(look: &Look) -> impl Iterator<Item = Disturbance> {
    let when = When::Once { after_start_s: look.at.secs_f64() };
    look.acts.iter().filter_map(move |(_, act)| match act {
        Act::Village(what) => Some(Disturbance { when, jitter_s: 0.0, what: what.clone() }),
        _ => None,
    })
}

/// What stands in the help where nothing like it can happen to the village.
pub const HELP: &str = "to the village: `SET breaks for 1 h`, `SET refuses for 10 min`, `LOAD +5 kW for 10 min`, \
                        `clouds for 20 min`";

/// What happens to the village, `genset breaks for 1 h`; `None` where the text speaks of something else.
pub fn what(text: &str) -> Option<Result<What, (String, String)>> {
    let (what, lasts) = text.split_once(" for ")?;
    let (subject, verb) = what.split_once(' ').unwrap_or(("", what));
    let is_known = matches!(verb, "breaks" | "refuses" | "clouds") || verb.starts_with('+');
    if !is_known {
        return None;
    }
    let lasts = parse_span(lasts).filter(|span| (Span::from_secs(1)..=MOST).contains(span));
    let Some(lasts_s) = lasts.map(|span| span.secs_f64()) else {
        return Some(Err((format!("`{text}` says no time of a second or more"), HELP.to_owned())));
    };
    Some(what_of(subject, verb, lasts_s))
}

fn what_of(subject: &str, verb: &str, lasts_s: f64) -> Result<What, (String, String)> {
    let spec = VillageSpec::demo();
    if verb == "clouds" {
        let (depth, edge_s) = CLOUD;
        return Ok(What::CloudFront { depth, edge_s: edge_s.min(lasts_s / 2.0), lasts_s });
    }
    if let Some(power) = verb.strip_prefix('+') {
        let loads = spec.loads.iter().map(|load| load.name.as_str());
        let load = known("load", subject, loads)?;
        let power = parse_quantity(power).ok().filter(|power| power.dimension() == Dimension::Power);
        let power = power.filter(|power| power.base.get() >= 0.0).ok_or_else(|| {
            (format!("`{verb}` is no power"), "write `homes_north +5 kW for 10 min`".to_owned())
        })?;
        return Ok(What::LoadStep { load, power_w: power.base.get(), lasts_s });
    }
    let genset = known("generating set", subject, spec.gensets.iter().map(|set| set.name.as_str()))?;
    Ok(match verb {
        "breaks" => What::GensetTrip { genset, repair_s: lasts_s },
        _ => What::GensetRefuses { genset, lasts_s },
    })
}

fn known<'a>(
    what: &str,
    name: &str,
    mut names: impl Iterator<Item = &'a str> + Clone,
) -> Result<String, (String, String)> {
    if names.clone().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let all: Vec<&str> = names.by_ref().collect();
    let help = suggest(name, all.iter().copied(), "there is");
    let help = help.unwrap_or_else(|| format!("there are {}", all.join(", ")));
    Err((format!("the village has no {what} `{name}`"), help))
}
