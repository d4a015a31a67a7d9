//! What happens in the middle of a test, beside what points read: `do: power cut for 20 min`.

use super::village;
use crate::site::Running;
use ballast_config::codes;
use ballast_config::decode::scalar::text;
use ballast_config::diagnostics::{Diagnostics, Place, suggest};
use ballast_config::tree::Node;
use ballast_model::catalog::{Noun, Origin};
use ballast_model::quantity::parse_span;
use ballast_model::{DeviceId, PointId, Span};
use ballast_plant::village::What;
use std::collections::BTreeMap;

/// Nobody moves a clock further, nor is without power for longer.
const MOST: Span = Span::from_secs(400 * 86_400);
/// Help for a word that is none of these.
const HELP: &str = "write `reload`, `restart`, `power cut for 20 min`, `clock jumps +1 h`, `DEVICE offline`, `BUS gone`, \
                    `POINT stuck`, or `NAME back`";

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The site's files are loaded anew.
    Reload,
    /// The program ends as it is told to, and starts at once.
    Restart,
    /// Everything is dark for so long, and then starts.
    PowerCut(Span),
    /// The wall clock is set, ms later than it was.
    ClockJump(i64),
    /// Devices answer no more, or again.
    Away(Away),
    /// A point says the same whatever it measures, or no longer does.
    Stuck(PointId, bool),
    /// Something happens to the simulated village by itself.
    Village(What),
}

impl Act {
    /// How much of the test passes by it.
    pub fn length(&self) -> Span {
        if let Self::PowerCut(span) = self { *span } else { Span::ZERO }
    }
}

/// Devices that answer no more, or again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Their bus.
    pub bus: Box<str>,
    /// Which of them, by name; `None`: the whole bus.
    pub device: Option<Box<str>>,
    /// Which they are.
    pub devices: Vec<DeviceId>,
    /// Whether they are gone.
    pub is_away: bool,
}

/// Reads acts in the order of a test; knows what is amiss by now, so that only that comes back.
#[derive(Debug, Default)]
pub struct Acts {
    /// A village is behind the readings.
    on_plant: bool,
    amiss: BTreeMap<String, Act>,
}

impl Acts {
    /// Nothing is amiss yet; `on_plant`: a village is behind the readings.
    pub fn new(on_plant: bool) -> Self {
        Self { on_plant, amiss: BTreeMap::new() }
    }

    /// Reads one act; says what is wrong with it.
    pub fn read(&mut self, node: &Node, running: &Running, out: &mut Diagnostics) -> Option<(Place, Act)> {
        let found = text(node, out)?;
        match self.act(found.value.trim(), running) {
            Ok(act) => Some((found.place, act)),
            Err((message, help)) => {
                out.push(found.place.mistake(codes::TEST_ACT, message).help(help));
                None
            }
        }
    }

    fn act(&mut self, text: &str, running: &Running) -> Result<Act, (String, String)> {
        match text {
            "reload" => return Ok(Act::Reload),
            "restart" => return Ok(Act::Restart),
            _ => {}
        }
        if let Some(span) = text.strip_prefix("power cut for ") {
            if self.on_plant {
                let message =
                    "the village goes on while this machine is dark: a test on a plant cannot do that";
                let help = "write `restart`, or give readings behind `points` in place of `plant`";
                return Err((message.to_owned(), help.to_owned()));
            }
            let span = parse_span(span).filter(|span| (Span::from_secs(1)..=MOST).contains(span));
            let help = || {
                (
                    format!("`{text}` says no time"),
                    "write `power cut for 20 min`, one second or more".to_owned(),
                )
            };
            return span.map(Act::PowerCut).ok_or_else(help);
        }
        if let Some(by) = text.strip_prefix("clock jumps ") {
            return jump(by).map(Act::ClockJump).ok_or_else(|| {
                (
                    format!("`{text}` does not say by how much"),
                    "write `clock jumps +1 h` or `clock jumps -1 h`".to_owned(),
                )
            });
        }
        if let Some(what) = village::what(text) {
            if !self.on_plant {
                let message = format!("`{text}` happens to a village, and this test has none");
                return Err((message, "add `plant: village` to the test".to_owned()));
            }
            return what.map(Act::Village);
        }
        let unknown = || {
            let more = if self.on_plant { format!("; {}", village::HELP) } else { String::new() };
            (format!("`{text}` is nothing that can happen"), format!("{HELP}{more}"))
        };
        let (name, what) = text.rsplit_once(' ').ok_or_else(unknown)?;
        let act = match what {
            "back" => return self.back(name.trim()),
            "offline" => offline(name.trim(), running)?,
            "gone" => gone(name.trim(), running)?,
            "stuck" => stuck(name.trim(), running)?,
            _ => return Err(unknown()),
        };
        self.amiss.insert(name.trim().to_owned(), act.clone());
        Ok(act)
    }

    /// What was amiss is well again.
    fn back(&mut self, name: &str) -> Result<Act, (String, String)> {
        match self.amiss.remove(name) {
            Some(Act::Away(away)) => Ok(Act::Away(Away { is_away: false, ..away })),
            Some(Act::Stuck(point, _)) => Ok(Act::Stuck(point, false)),
            _ => {
                let names: Vec<&str> = self.amiss.keys().map(String::as_str).collect();
                let help = match names.is_empty() {
                    true => {
                        "write before it what goes: `DEVICE offline`, `BUS gone` or `POINT stuck`".to_owned()
                    }
                    false => format!("what is not there by then: {}", names.join(", ")),
                };
                Err((format!("`{name}` is not gone, so it cannot come back"), help))
            }
        }
    }
}

fn jump(text: &str) -> Option<i64> {
    let (sign, span) = match text.trim().split_at_checked(1)? {
        ("+", span) => (1, span),
        ("-" | "−", span) => (-1, span),
        _ => return None,
    };
    let span = parse_span(span).filter(|span| *span > Span::ZERO && *span <= MOST)?;
    Some(sign * i64::try_from(span.millis()).ok()?)
}

fn offline(name: &str, running: &Running) -> Result<Act, (String, String)> {
    let devices = || (0..).map(DeviceId).zip(&running.catalog().devices);
    let Some((id, _)) = devices().find(|(_, spec)| &*spec.name == name) else {
        return Err(none("device", name, devices().map(|(_, spec)| &*spec.name)));
    };
    let bus = running.site.buses.iter().find(|bus| devices_of(bus).any(|device| device == id));
    let bus = bus.map_or_else(|| "".into(), |bus| bus.name.clone());
    Ok(Act::Away(Away { bus, device: Some(name.into()), devices: vec![id], is_away: true }))
}

fn gone(name: &str, running: &Running) -> Result<Act, (String, String)> {
    let buses = &running.site.buses;
    let Some(bus) = buses.iter().find(|bus| &*bus.name == name) else {
        return Err(none("bus", name, buses.iter().map(|bus| &*bus.name)));
    };
    let mut devices: Vec<DeviceId> = devices_of(bus).collect();
    devices.sort_unstable();
    devices.dedup();
    Ok(Act::Away(Away { bus: bus.name.clone(), device: None, devices, is_away: true }))
}

fn devices_of(bus: &ballast_model::device::BusDefinition) -> impl Iterator<Item = DeviceId> {
    bus.points.iter().map(|point| point.device).chain(bus.outputs.iter().map(|output| output.device))
}

fn stuck(name: &str, running: &Running) -> Result<Act, (String, String)> {
    let catalog = running.catalog();
    let measured = |id: PointId| catalog.point(id).is_some_and(|spec| spec.origin == Origin::Measured);
    match catalog.resolve(name) {
        Some(Noun::Point(id)) if measured(id) => Ok(Act::Stuck(id, true)),
        _ => {
            let points = catalog.points.iter().filter(|spec| spec.origin == Origin::Measured);
            Err(none("measured point", name, points.map(|spec| &*spec.name)))
        }
    }
}

fn none<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> (String, String) {
    let help = suggest(name, known, "there is");
    (format!("there is no {what} `{name}`"), help.unwrap_or_else(|| HELP.to_owned()))
}
