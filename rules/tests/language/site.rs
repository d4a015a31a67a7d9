//! The site that all tests of the language speak about: a house, a village, a battery, a generator and a car.

use ballast_model::almanac::{Place, Zone};
use ballast_model::catalog::{
    CalendarSpec, Catalog, DeviceId, DeviceSpec, GroupSpec, Kind, Noun, Origin, OutputId, OutputKind,
    PointId, PointSpec,
};
use ballast_model::time::Span;
use ballast_model::{Finite, GroupId, Unit, Wanted};
use std::sync::Arc;

/// Device, point, unit (or words, or `flag`), what it is.
const POINTS: &[(&str, &str, &str)] = &[
    ("grid.frequency", "Hz", "instantaneous resolution=0.001"),
    ("grid.voltage", "V", "instantaneous"),
    ("grid.mode", "connected island", ""),
    ("battery.soc", "%", ""),
    ("battery.voltage", "V", "instantaneous"),
    ("battery.temperature", "°C", "instantaneous resolution=0.5"),
    ("charger.current", "A", "instantaneous"),
    ("linky.period", "peak off_peak", ""),
    ("linky.power", "VA", "instantaneous"),
    ("water_heater.energy", "kWh", "counter"),
    ("water_heater.power", "W", "instantaneous"),
    ("site.surplus", "W", ""),
    ("ev.power", "W", "instantaneous"),
    ("pv.power", "W", "instantaneous"),
    ("ecowatt.now", "", ""),
    ("home_1.power", "W", "instantaneous"),
    ("home_2.power", "W", "instantaneous"),
    ("home_3.power", "W", "instantaneous"),
    ("home_1.energy", "kWh", "counter"),
    ("genset.ready", "flag", "computed"),
    ("genset.wanted", "flag", "computed"),
    ("genset.failed", "flag", "computed"),
    ("setting.night_cap", "W", "setting valid=100..1000"),
    ("setting.lead", "Ω", "setting"),
    ("setting.season", "summer winter", "setting"),
    ("setting.away", "flag", "setting"),
    ("site.mode", "normal protect", "mode"),
    ("pump.current", "A", "instantaneous"),
    ("plain.level", "", ""),
];

/// Output, unit of a setpoint or nothing for a contact, whether it is closed when nobody asks.
const OUTPUTS: &[(&str, &str, bool)] = &[
    ("genset.run", "", false),
    ("genset.contactor", "", false),
    ("water_heater", "", false),
    ("ev.current", "A", false),
    ("pv.limit", "W", false),
    ("battery.charge_power", "W", false),
    ("home_1", "", true),
    ("home_2", "", true),
    ("home_3", "", true),
    ("charger", "", true),
    ("pump", "", false),
    ("lamp", "", false),
];

const DEVICES: &[&str] = &[
    "grid",
    "battery",
    "charger",
    "linky",
    "water_heater",
    "ev",
    "pv",
    "ecowatt",
    "home_1",
    "home_2",
    "home_3",
    "genset",
    "pump",
    "lamp",
    "plain",
];

/// A finite number of a test.
pub(crate) fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap()
}

fn device(name: &str) -> Option<DeviceId> {
    let device = name.split('.').next().unwrap();
    DEVICES.iter().position(|known| *known == device).map(|index| DeviceId(index as u32))
}

fn kind(text: &str) -> Kind {
    if text == "flag" {
        return Kind::Flag;
    }
    match Unit::parse(text) {
        Some(unit) => Kind::Number(unit),
        None => Kind::Words(text.split(' ').map(Box::from).collect()),
    }
}

fn point(name: &str, unit: &str, marks: &str) -> PointSpec {
    let origin = match marks.split(' ').next().unwrap() {
        "derived" => Origin::Derived,
        "computed" => Origin::Computed,
        "setting" => Origin::Setting,
        "mode" => Origin::Mode,
        _ => Origin::Measured,
    };
    let valid = marks.split("valid=").nth(1).and_then(|range| range.split_once(".."));
    let valid = valid.map(|(low, high)| (finite(low.parse().unwrap()), finite(high.parse().unwrap())));
    let resolution = marks.split("resolution=").nth(1).map(|step| finite(step.parse().unwrap()));
    PointSpec {
        name: name.into(),
        label: "".into(),
        kind: kind(unit),
        device: device(name),
        origin,
        max_age: matches!(origin, Origin::Measured).then_some(Span::from_secs(3600 * 24)),
        period: None,
        resolution,
        valid,
        max_slew: None,
        stuck_after: None,
        is_counter: marks.contains("counter"),
        is_instantaneous: marks.contains("instantaneous"),
    }
}

/// The nouns of the site.
pub(crate) fn site() -> Arc<Catalog> {
    let mut catalog = Catalog::default();
    catalog.site = "test".into();
    catalog.zone = Zone::get("Europe/Paris").unwrap();
    catalog.place = Some(Place { latitude_deg: 48.8566, longitude_deg: 2.3522 });
    for name in DEVICES {
        catalog.devices.push(DeviceSpec { name: (*name).into(), label: "".into(), outputs: Vec::new() });
    }
    for (name, unit, marks) in POINTS {
        catalog.add_point(point(name, unit, marks)).unwrap();
    }
    for (name, unit, closed) in OUTPUTS {
        let device = device(name).unwrap();
        let (kind, default) = match Unit::parse(unit).filter(|_| !unit.is_empty()) {
            Some(unit) => (OutputKind::Setpoint(unit), Wanted::Level(Finite::ZERO)),
            None => (OutputKind::Contact, if *closed { Wanted::CLOSED } else { Wanted::OPEN }),
        };
        catalog.add_output(name, "", device, kind, default).unwrap();
    }
    let car = output(&catalog, "ev.current");
    catalog.allowed.insert(car, vec![(Finite::ZERO, Finite::ZERO), (finite(6.0), finite(32.0))]);
    // A device whose only output has its name is that output; the others are devices.
    for (index, name) in DEVICES.iter().enumerate() {
        let _ = catalog.name(name, Noun::Device(DeviceId(index as u32)));
    }
    let homes = ["home_1", "home_2", "home_3"];
    catalog.groups.push(GroupSpec {
        name: "homes".into(),
        label: "".into(),
        members: homes.iter().map(|name| device(name).unwrap()).collect(),
        loads: homes.iter().map(|name| output(&catalog, name)).collect(),
        rated: homes.iter().map(|_| finite(1000.0)).collect(),
        power: homes.iter().map(|name| Some(point_id(&catalog, &format!("{name}.power")))).collect(),
    });
    catalog.name("homes", Noun::Group(GroupId(0)));
    catalog.groups.push(GroupSpec {
        name: "nobody".into(),
        label: "".into(),
        members: Vec::new(),
        loads: Vec::new(),
        rated: Vec::new(),
        power: Vec::new(),
    });
    catalog.name("nobody", Noun::Group(GroupId(1)));
    let rest = ["home_1", "pump", "lamp"];
    catalog.groups.push(GroupSpec {
        name: "rest".into(),
        label: "".into(),
        members: rest.iter().map(|name| device(name).unwrap()).collect(),
        loads: rest.iter().map(|name| output(&catalog, name)).collect(),
        rated: vec![Finite::ZERO; rest.len()],
        power: vec![Some(point_id(&catalog, "home_1.power")), None, None],
    });
    catalog.name("rest", Noun::Group(GroupId(2)));
    // The second of June 2026.
    catalog.calendars.push(CalendarSpec { name: "critical".into(), days: vec![20606] });
    catalog.roles.insert("role.main_frequency".into(), "grid.frequency".into());
    Arc::new(catalog)
}

/// A point by its name.
pub(crate) fn point_id(catalog: &Catalog, name: &str) -> PointId {
    match catalog.resolve(name) {
        Some(Noun::Point(point)) => point,
        other => panic!("{name} is {other:?}"),
    }
}

/// An output by its name.
pub(crate) fn output(catalog: &Catalog, name: &str) -> OutputId {
    match catalog.resolve(name) {
        Some(Noun::Output(output)) => output,
        other => panic!("{name} is {other:?}"),
    }
}
