//! Receivers: to whom something of this site is told, over which bus, and exactly what.
//!
//! Nothing leaves a site unless it stands here. A name that is not known is a mistake and never "nothing", since a person
//! who wrote it believes that it is told, or that it is not.

use std::collections::{BTreeMap, BTreeSet};

use ballast_model::catalog::{DeviceId, Noun, Origin, OutputId, PointId};
use ballast_model::device::BusDefinition;
use ballast_model::{Dimension, Finite, Span as Duration, Utc};

use super::{DriverFacts, SiteDraft, shapes, terms};
use crate::codes;
use crate::decode::fields::Fields;
use crate::decode::quantity::{any_quantity, duration};
use crate::decode::scalar::{check_name, choice, list, name, text};
use crate::decode::{items, scalar};
use crate::diagnostics::{Diagnostics, Place, Placed, quote, suggest};
use crate::limits::{RECEIVERS_MAX, SHARED_MAX};
use crate::tree::{Entry, Kind, Node};

/// How often one value is told at most, where the file says nothing, and between which bounds it may lie.
const EVERY: Duration = Duration::from_secs(10);
const EVERY_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// Where Home Assistant looks for announcements unless it was told otherwise.
const PREFIX: &str = "homeassistant";

/// One receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name in the site.
    pub name: Box<str>,
    /// Who it is, and so in which form it is told.
    pub kind: ReceiverKind,
    /// The bus over which it is told.
    pub bus: Box<str>,
    /// The points that it is told; no other ones.
    pub points: BTreeSet<PointId>,
    /// The outputs whose states it is told; no other ones.
    pub outputs: BTreeSet<OutputId>,
    /// One value is told at most this often.
    pub every: Duration,
    /// Numbers of these dimensions are told in such steps, base unit; others as they are.
    pub steps: BTreeMap<Dimension, Finite>,
    /// What it is told for, for people; `None`: the file does not say.
    pub purpose: Option<Box<str>>,
    /// From this instant on it is told nothing; `None`: without an end.
    pub until: Option<Utc>,
}

/// Who a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverKind {
    /// Home Assistant, which finds what is announced under `prefix` at a broker.
    HomeAssistant {
        /// Where it looks for announcements.
        prefix: Box<str>,
    },
}

/// `receivers:`; every other noun is known by now.
pub(super) fn read(
    fields: &Fields<'_>,
    drivers: &[DriverFacts],
    draft: &mut SiteDraft,
    out: &mut Diagnostics,
) {
    let Some(all) =
        fields.get("receivers").and_then(|node| crate::decode::map(node, "a map of receivers", out))
    else {
        return;
    };
    if let Some(over) = all.entries.get(RECEIVERS_MAX) {
        let message = format!("a site has at most {RECEIVERS_MAX} receivers");
        out.push(over.key.place().mistake(codes::RECEIVER_SHARE, message).help("remove some of them"));
    }
    for entry in all.entries.iter().take(RECEIVERS_MAX) {
        if !check_name(&entry.key.text, entry.key.place(), out) {
            continue;
        }
        let Some(receiver) = read_one(entry, drivers, draft, out) else { continue };
        let is_same = |other: &&Receiver| other.bus == receiver.bus && other.kind == receiver.kind;
        if let Some(other) = draft.receivers.iter().find(is_same) {
            let message =
                format!("`{}` and `{}` are the same receiver at the same broker", other.name, receiver.name);
            let help = "write one of them with everything that it is told, or give one another `prefix`";
            out.push(entry.key.place().mistake(codes::RECEIVER_BUS, message).help(help));
        }
        draft.receivers.push(receiver);
    }
}

fn read_one(
    entry: &Entry,
    drivers: &[DriverFacts],
    draft: &SiteDraft,
    out: &mut Diagnostics,
) -> Option<Receiver> {
    let fields = Fields::read(&entry.value, &shapes::RECEIVER, out)?;
    let kind = fields.get("kind").and_then(|node| choice(node, &["home_assistant"], out));
    let bus = fields.get("bus").and_then(|node| bus(node, drivers, draft, out));
    let shared = fields.get("share").and_then(|node| shared(node, draft, out));
    let every = fields.get("every").map_or(Some(EVERY), |node| every(node, out));
    let steps = fields.get("steps").map_or_else(|| Some(BTreeMap::new()), |node| steps(node, out));
    let prefix = fields.get("prefix").map_or(Some(PREFIX), |node| prefix(node, out));
    let purpose = fields.get("purpose").map(|node| terms::purpose(node, out));
    let until = fields.get("until").map(|node| terms::until(node, &draft.catalog.zone, out));
    let (points, outputs) = shared?;
    kind?;
    Some(Receiver {
        name: entry.key.text.as_str().into(),
        kind: ReceiverKind::HomeAssistant { prefix: prefix?.into() },
        bus: bus?.into(),
        points,
        outputs,
        every: every?,
        steps: steps?,
        // One that is written and cannot be read is none of the receiver: nothing is told without its terms.
        purpose: purpose.map_or(Some(None), |found| found.map(Some))?,
        until: until.map_or(Some(None), |found| found.map(Some))?,
    })
}

fn bus<'t>(
    node: &'t Node,
    drivers: &[DriverFacts],
    draft: &SiteDraft,
    out: &mut Diagnostics,
) -> Option<&'t str> {
    let found = name(node, out)?;
    let driver_of = |bus: &BusDefinition| drivers.iter().find(|known| *known.name == *bus.driver);
    if let Some(bus) = draft.buses.iter().find(|bus| *bus.name == *found.value) {
        let driver = driver_of(bus);
        if driver.is_some_and(|driver| !driver.carries_messages) {
            let message = format!("the bus `{}` carries no messages for others", bus.name);
            let help = "name a bus to a broker, one with `driver: mqtt`";
            out.push(found.place.mistake(codes::RECEIVER_BUS, message).help(help));
            return None;
        }
        if bus.settings.says_yes(driver.and_then(|driver| driver.exclusive_key)) {
            let message = format!("the bus `{}` is the guard's alone", bus.name);
            let help = "give the receiver a bus of its own to the same broker, with another `user` and without `exclusive`";
            out.push(found.place.mistake(codes::RECEIVER_BUS, message).help(help));
            return None;
        }
        return Some(found.value);
    }
    if draft.has_all_buses && !draft.lost_buses.contains(found.value) {
        let mut diagnostic =
            found.place.mistake(codes::RECEIVER_BUS, format!("there is no bus `{}`", found.value));
        let known = draft
            .buses
            .iter()
            .filter(|bus| driver_of(bus).is_some_and(|driver| driver.carries_messages))
            .map(|bus| &*bus.name);
        diagnostic.help = suggest(found.value, known, "buses that carry messages are");
        out.push(diagnostic);
    }
    None
}

/// What is told: points and outputs.
type Shared = (BTreeSet<PointId>, BTreeSet<OutputId>);

/// `all`, or a list of points, outputs and `DEVICE.*`.
fn shared(node: &Node, draft: &SiteDraft, out: &mut Diagnostics) -> Option<Shared> {
    if let Kind::Scalar(found) = &node.kind
        && found.text == "all"
    {
        return checked(all(draft), node.place(), out);
    }
    let mut shared = Shared::default();
    let mut is_whole = true;
    let names = items(node, "a list of points and outputs, or the word `all`,", out)?;
    for item in names {
        is_whole &= add(item, draft, &mut shared, out).is_some();
    }
    if !is_whole {
        return None;
    }
    checked(shared, node.head_place(), out)
}

/// Every point but what can be read of outputs, which stands for itself; every output.
fn all(draft: &SiteDraft) -> Shared {
    let points = draft.catalog.points.iter().zip((0..).map(PointId));
    let points = points.filter(|(spec, _)| !matches!(spec.origin, Origin::Output(..))).map(|(_, id)| id);
    let outputs = draft.catalog.outputs.iter().zip((0..).map(OutputId)).map(|(_, id)| id);
    (points.collect(), outputs.collect())
}

fn checked(shared: Shared, place: Place, out: &mut Diagnostics) -> Option<Shared> {
    let count = shared.0.len() + shared.1.len();
    if count == 0 {
        let help = "list points and outputs, or leave the receiver out";
        out.push(place.mistake(codes::RECEIVER_SHARE, "nothing is shared here").help(help));
        return None;
    }
    if count > SHARED_MAX {
        let message =
            format!("{count} points and outputs are shared; a receiver is told {SHARED_MAX} at most");
        out.push(place.mistake(codes::RECEIVER_SHARE, message).help("list those that are needed there"));
        return None;
    }
    Some(shared)
}

/// Adds what an item of the list names; nothing after it was said what is wrong with it.
fn add(item: &Node, draft: &SiteDraft, shared: &mut Shared, out: &mut Diagnostics) -> Option<()> {
    let found = scalar(item, "the name of a point or an output", out)?;
    let place = found.place;
    let name = found.value.text.as_str();
    let catalog = &draft.catalog;
    let is_new = match (name.strip_suffix(".*"), catalog.resolve(name)) {
        (Some(device), _) => return add_device(Placed { value: device, place }, draft, shared, out),
        (None, Some(Noun::Point(point))) => shared.0.insert(point),
        (None, Some(Noun::Output(output))) => shared.1.insert(output),
        (None, Some(Noun::Device(_))) => {
            let message = format!("{} is a device", quote(name));
            let help = format!("write `{name}.*` for everything of it, now and later, or name its points");
            out.push(place.mistake(codes::RECEIVER_SHARE, message).help(help));
            return None;
        }
        (None, Some(Noun::Group(_))) => {
            let message = format!("{} is a group", quote(name));
            out.push(place.mistake(codes::RECEIVER_SHARE, message).help("name points and outputs"));
            return None;
        }
        (None, None) => return unknown(name, place, draft, out),
    };
    if !is_new {
        let message = format!("{} stands here already", quote(name));
        out.push(place.mistake(codes::RECEIVER_SHARE, message).help("remove one of them"));
    }
    is_new.then_some(())
}

/// `DEVICE.*`: all its points and outputs.
fn add_device(
    device: Placed<&str>,
    draft: &SiteDraft,
    shared: &mut Shared,
    out: &mut Diagnostics,
) -> Option<()> {
    let place = device.place;
    let catalog = &draft.catalog;
    let Some(index) = catalog.devices.iter().position(|spec| *spec.name == *device.value) else {
        if draft.is_complete && !catalog.is_lost(device.value) {
            let message = format!("there is no device {}", quote(device.value));
            let mut diagnostic = place.mistake(codes::RECEIVER_SHARE, message);
            diagnostic.help =
                suggest(device.value, catalog.devices.iter().map(|spec| &*spec.name), "the devices are");
            out.push(diagnostic);
        }
        return None;
    };
    let id = u32::try_from(index).map(DeviceId).ok();
    let points = catalog.points.iter().zip((0..).map(PointId));
    let own = points.filter(|(spec, _)| spec.device == id && !matches!(spec.origin, Origin::Output(..)));
    shared.0.extend(own.map(|(_, point)| point));
    shared.1.extend(catalog.devices.get(index).into_iter().flat_map(|spec| spec.outputs.iter().copied()));
    Some(())
}

fn unknown(name: &str, place: Place, draft: &SiteDraft, out: &mut Diagnostics) -> Option<()> {
    if draft.is_complete && !draft.catalog.is_lost(name) {
        let message = format!("there is no point or output {}", quote(name));
        let mut diagnostic = place.mistake(codes::RECEIVER_SHARE, message);
        if out.wants_suggestions() {
            diagnostic.help = suggest(name, draft.catalog.names().map(|(name, _)| name), "the site has");
        }
        out.push(diagnostic);
    }
    None
}

fn every(node: &Node, out: &mut Diagnostics) -> Option<Duration> {
    let found = duration(node, out)?;
    let (least, most) = EVERY_RANGE;
    if (least..=most).contains(&found.value) {
        return Some(found.value);
    }
    let message = format!("a value is told every {least} to {most}");
    let help = format!("write {}", if found.value < least { least } else { most });
    out.push(found.place.mistake(codes::NUMBER_RANGE, message).help(help));
    None
}

/// `[10 W, 0.1 V]`: numbers of a dimension are told in such steps.
fn steps(node: &Node, out: &mut Diagnostics) -> Option<BTreeMap<Dimension, Finite>> {
    let before = out.mistakes();
    let mut steps = BTreeMap::new();
    for step in list(node, "a list of steps such as `10 W`", out, |item, out| any_quantity(item, None, out))?
    {
        let dimension = step.value.dimension();
        if step.value.base <= Finite::ZERO {
            out.push(
                step.place
                    .mistake(codes::NUMBER_RANGE, "a step must be above zero")
                    .help("write the smallest change that is worth telling, or leave the step out"),
            );
        } else if steps.insert(dimension, step.value.base).is_some() {
            let message = format!("a step for {} stands here already", dimension.name());
            out.push(step.place.mistake(codes::RECEIVER_STEPS, message).help("remove one of them"));
        }
    }
    (out.mistakes() == before).then_some(steps)
}

/// A topic, or several levels of one, on which can be published.
fn prefix<'t>(node: &'t Node, out: &mut Diagnostics) -> Option<&'t str> {
    let found = text(node, out)?;
    let is_level = |level: &str| {
        !level.is_empty()
            && level.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
    };
    if found.value.len() <= 128 && found.value.split('/').all(is_level) {
        return Some(found.value);
    }
    let message = format!("{} is no prefix of topics", quote(found.value));
    let help = "it is made of letters, digits, `_`, `-` and `/`: `homeassistant`";
    out.push(found.place.mistake(codes::RECEIVER_PREFIX, message).help(help));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::DRIVERS;
    use crate::site::Library;
    use crate::sources::Sources;

    const HEAD: &str = "site: a
time_zone: UTC
buses: { broker: { driver: mqtt }, lab: { driver: sim }, own: { driver: mqtt, exclusive: yes } }
devices:
  meter: { bus: broker, points: { power: { unit: W }, energy: { unit: kWh, counter: true } } }
  heater: { bus: broker, points: { power: { unit: W } }, outputs: { on: { kind: contact } } }
  pair: { bus: broker, outputs: { one: { kind: contact }, two: { kind: contact } } }
groups: { loads: { members: [heater] } }
";

    fn read(text: &str) -> Vec<Receiver> {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("site.yaml", format!("{HEAD}{text}").as_bytes(), &mut out);
        let tree = crate::tree::parse(file, &sources, &mut out);
        let draft = crate::site::read(&tree, &Library::default(), DRIVERS, &mut out);
        assert!(out.is_empty(), "{}", crate::render::render(&out, &sources, crate::render::Style::Plain));
        draft.receivers
    }

    fn counts(receiver: &Receiver) -> (usize, usize) {
        (receiver.points.len(), receiver.outputs.len())
    }

    #[test]
    fn who_is_told_what() {
        assert!(read("").is_empty());
        let told =
            read("receivers: { home: { kind: home_assistant, bus: broker, share: [meter.power, heater] } }");
        assert_eq!(told.iter().map(counts).collect::<Vec<_>>(), [(1, 1)]);
        let first = told.first().unwrap();
        assert_eq!(first.kind, ReceiverKind::HomeAssistant { prefix: "homeassistant".into() });
        assert_eq!((first.every, first.steps.len()), (Duration::from_secs(10), 0));
        let all = read(
            "receivers: { home: { kind: home_assistant, bus: broker, share: all, steps: [10 W, 0.5 kWh], every: 1 min, prefix: ha/x } }",
        );
        assert_eq!(all.iter().map(counts).collect::<Vec<_>>(), [(3, 3)]);
        let steps: Vec<f64> = all.iter().flat_map(|one| one.steps.values().map(|step| step.get())).collect();
        assert_eq!(steps, [10.0, 500.0]);
        assert_eq!((first.purpose.as_deref(), first.until), (None, None));
        let terms = "purpose: Advice on saving energy, until: 2027-03-31 18:00";
        let told = read(&format!(
            "receivers: {{ home: {{ kind: home_assistant, bus: broker, share: [meter.power], {terms} }} }}"
        ));
        let found = told.first().map(|one| (one.purpose.as_deref(), one.until));
        // The zone of this site is UTC.
        let until = Some(Utc::from_millis(1_806_516_000_000));
        assert_eq!(found, Some((Some("Advice on saving energy"), until)));
        let device = read(
            "receivers: { home: { kind: home_assistant, bus: broker, share: [heater.*, meter.energy] } }",
        );
        assert_eq!(device.iter().map(counts).collect::<Vec<_>>(), [(2, 1)]);
    }

    #[test]
    fn what_cannot_be_meant_is_a_mistake() {
        let drawn = "
receivers:
  one:
# ^^^ error[key::missing]: a receiver needs `share`
#   = help: `share`: what it is told: points, outputs, `DEVICE.*` for all of a device, or `all`.
    kind: home_asistant
#         ^^^^^^^^^^^^^ error[value::word]: `home_asistant` is not known here
#   = help: did you mean `home_assistant`?
    bus: lab
#        ^^^ error[receiver::bus]: the bus `lab` carries no messages for others
#   = help: name a bus to a broker, one with `driver: mqtt`
  zero:
    kind: home_assistant
    share: all
    bus: own
#        ^^^ error[receiver::bus]: the bus `own` is the guard's alone
#   = help: give the receiver a bus of its own to the same broker, with another `user` and without `exclusive`
  two:
    kind: home_assistant
    bus: brokr
#        ^^^^^ error[receiver::bus]: there is no bus `brokr`
#   = help: did you mean `broker`?
    share: [meter.powr, meter, loads, pair.*, heter.*, heater, heater]
#           ^^^^^^^^^^ error[receiver::share]: there is no point or output `meter.powr`
#   = help: did you mean `meter.power`?
#                       ^^^^^ error[receiver::share]: `meter` is a device
#   = help: write `meter.*` for everything of it, now and later, or name its points
#                              ^^^^^ error[receiver::share]: `loads` is a group
#   = help: name points and outputs
#                                             ^^^^^^^ error[receiver::share]: there is no device `heter`
#   = help: did you mean `heater`?
#                                                              ^^^^^^ error[receiver::share]: `heater` stands here already
#   = help: remove one of them
    every: 0.1 s
#          ^^^^^ error[number::range]: a value is told every 1 s to 1 h
#   = help: write 1 s
    steps: [0 W, 1 V, 2 V]
#           ^^^ error[number::range]: a step must be above zero
#   = help: write the smallest change that is worth telling, or leave the step out
#                     ^^^ error[receiver::steps]: a step for a voltage stands here already
#   = help: remove one of them
    purpose: ' '
#            ^^^ error[receiver::purpose]: the purpose is empty
#   = help: say in a few words what it is used for: `advice on saving energy`
    until: 31.3.2027
#          ^^^^^^^^^ error[receiver::until]: `31.3.2027` is neither a day nor an instant
#   = help: write the last day, `2027-03-31`, or an instant in the site's time zone, `2027-03-31 18:00`
    prefix: home/+
#           ^^^^^^ error[receiver::prefix]: `home/+` is no prefix of topics
#   = help: it is made of letters, digits, `_`, `-` and `/`: `homeassistant`
  three: { kind: home_assistant, bus: broker, share: [] }
#                                             ^^^^^ error[receiver::share]: nothing is shared here
#   = help: list points and outputs, or leave the receiver out
  four: { kind: home_assistant, bus: broker, share: all }
  five: { kind: home_assistant, bus: broker, share: [heater] }
# ^^^^ error[receiver::bus]: `four` and `five` are the same receiver at the same broker
#   = help: write one of them with everything that it is told, or give one another `prefix`
";
        crate::carets::check(&format!("{HEAD}{}", drawn.trim_start()), |sources, out| {
            let tree = crate::tree::parse(ballast_model::diagnostic::FileId(0), sources, out);
            crate::site::read(&tree, &Library::default(), DRIVERS, out);
        });
    }
}
