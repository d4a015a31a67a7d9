//! The device files against published register lists: every register, with its width, sign and scale.

use crate::device_file::{self, Node};
use crate::support::Site;
use ballast_drivers::shape::{Answer, Job};
use ballast_model::catalog::Kind;
use ballast_model::{Mono, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The lines of a list, cut at commas; `None`, told on standard error, where it is absent.
fn list(name: &str) -> Option<Vec<Vec<String>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sunspec").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there is no {}", path.display());
        return None;
    };
    Some(text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

/// A unit that answers from a table of registers.
struct Answering {
    site: Site,
    registers: BTreeMap<u16, u16>,
}

impl Answering {
    fn new(file: &str, registers: BTreeMap<u16, u16>) -> Self {
        let file = device_file::read(&device_file::all()[file]);
        let site = device_file::site(&file, ballast_drivers::find("modbus").unwrap(), &BTreeMap::new());
        Self { site, registers }
    }

    /// Everything that the points of the file are, by their name.
    fn values(&self) -> BTreeMap<String, Option<Value>> {
        let mut bus = self.site.open();
        let (poller, readings) = bus.poller().unwrap();
        let reads = poller.roster().reads.len();
        assert!(reads > 0);
        for read in 0..reads {
            let mut request = Vec::new();
            assert!(poller.ask(Job::Read(read), &mut request));
            let answer = poller.answer(Job::Read(read), &self.answer(&request), false, Mono::ZERO, readings);
            assert!(matches!(answer, Answer::Done { .. }), "{answer:?} to {request:?}");
        }
        let catalog = &self.site.catalog;
        let of = |sample: &ballast_model::Sample| {
            let name = &catalog.point(sample.point).unwrap().name;
            (name.strip_prefix("it.").unwrap().to_owned(), sample.value)
        };
        readings.batch().samples.iter().map(of).collect()
    }

    fn answer(&self, request: &[u8]) -> Vec<u8> {
        let [unit, function, first_high, first_low, _, count, ..] = *request else { panic!("{request:?}") };
        let first = u16::from_be_bytes([first_high, first_low]);
        assert!(count <= 125);
        let mut answer = vec![unit, function, count * 2];
        for register in first..first + u16::from(count) {
            answer.extend(self.registers.get(&register).copied().unwrap_or(0).to_be_bytes());
        }
        answer.extend(crc(&answer).to_le_bytes());
        answer
    }

    fn base(&self, point: &str, number: f64) -> Option<Value> {
        let points = &self.site.definition.points;
        let of = |definition: &&ballast_model::device::PointDefinition| {
            *self.site.catalog.point(definition.point).unwrap().name == format!("it.{point}")
        };
        let found = points.iter().find(of).unwrap();
        let Kind::Number(unit) = &self.site.catalog.point(found.point).unwrap().kind else {
            panic!("{point}")
        };
        unit.to_base(number).map(Value::Number)
    }
}

/// Written here once more, by the table of the specification's own program turned into a division.
fn crc(bytes: &[u8]) -> u16 {
    let mut rest: u32 = 0xFFFF;
    for byte in bytes {
        rest ^= u32::from(*byte);
        for _ in 0..8 {
            let is_odd = rest % 2 == 1;
            rest /= 2;
            if is_odd {
                rest ^= 0xA001;
            }
        }
    }
    rest as u16
}

fn text<'a>(node: &'a Node, key: &str) -> &'a str {
    node.get(key).and_then(Node::text).unwrap_or("")
}

fn points(file: &str) -> Vec<(String, Node)> {
    let Node::Map(entries) = device_file::read(&device_file::all()[file]) else { panic!("{file}") };
    let points = entries.into_iter().find(|(key, _)| key == "points").unwrap().1;
    let Node::Map(points) = points else { panic!("{file}") };
    points
}

/// A point's name as the list of the Eastron meters has it.
fn quantity(point: &str) -> String {
    let (name, phase) = match point.strip_suffix(['1', '2', '3']) {
        Some(name) => (name.trim_end_matches('_'), format!("L{}", &point[point.len() - 1..])),
        None => (point, String::new()),
    };
    let quantity = match name {
        "voltage" => "Voltage",
        "current" => "Current",
        "power" => "Power",
        "apparent_power" => "ApparentPower",
        "reactive_power" => "ReactivePower",
        "power_factor" => "Cosphi",
        "phase_angle" => "PhaseAngle",
        "frequency" => "Frequency",
        "energy_import" => "Import",
        "energy_export" => "Export",
        "energy_total" => "Sum",
        "reactive_energy_import" => "ReactiveImport",
        "reactive_energy_export" => "ReactiveExport",
        "reactive_energy_total" => "ReactiveSum",
        other => panic!("{other}"),
    };
    format!("{quantity}{phase}")
}

#[test]
fn eastron_meters_are_read_as_their_list_says() {
    let Some(list) = list("sdm_registers.csv") else { return };
    for (file, meter, count) in [
        ("eastron-sdm72", "SDM72", 4),
        ("eastron-sdm72-v2", "SDM72v2", 27),
        ("eastron-sdm120", "SDM120", 13),
        ("eastron-sdm220", "SDM220", 14),
        ("eastron-sdm230", "SDM230", 14),
        ("eastron-sdm630", "SDM630", 36),
    ] {
        // Every register pair holds a float that is made of its address.
        let value = |address: u16| f32::from(address) / 8.0 + 0.5;
        let rows: Vec<&Vec<String>> = list.iter().filter(|row| row[0] == meter).collect();
        let address = |row: &[String]| row[2].parse::<u16>().unwrap();
        let registers = rows.iter().flat_map(|row| {
            assert!(row[4].contains("FC04") && row[5].contains("float32 BE"), "{row:?}");
            let bits = value(address(row)).to_bits();
            [(address(row), (bits >> 16) as u16), (address(row) + 1, bits as u16)]
        });
        let device = Answering::new(file, registers.collect());
        let found = device.values();
        let points = points(file);
        for (name, point) in &points {
            let row =
                rows.iter().find(|row| row[1] == quantity(name)).unwrap_or_else(|| panic!("{file}: {name}"));
            assert_eq!(text(point, "table"), "input");
            let expected = device.base(name, f64::from(value(address(row))));
            assert_eq!(found[name], expected, "{file}: {name} at {}", address(row));
        }
        assert_eq!(points.len(), count, "{file}");
    }
}

#[test]
fn a_victron_gx_is_read_as_its_list_says() {
    let Some(list) = list("victron_attributes.csv") else { return };
    let points = points("victron-gx");
    let rows: BTreeMap<u16, &Vec<String>> = list
        .iter()
        .filter(|row| row.len() >= 8 && row[0] == "com.victronenergy.system")
        .filter_map(|row| Some((row[row.len() - 4].parse().ok()?, row)))
        .collect();
    let field = |row: &Vec<String>, from_end: usize| row[row.len() - from_end].clone();
    // Negative where the list allows it, so that a wrong sign or width shows.
    let raw = |row: &Vec<String>, address: u16| {
        let number = i32::from(address);
        if field(row, 3) == "int16" { -number } else { 64_000 + number }
    };
    let words = ["battery_state", "source"];
    let registers = rows.iter().map(|(address, row)| (*address, raw(row, *address) as u16)).collect();
    let device = Answering::new("victron-gx", registers);
    let found = device.values();
    for (name, point) in points.iter().filter(|(name, _)| !words.contains(&name.as_str())) {
        let address: u16 = text(point, "register").parse().unwrap();
        let row = rows.get(&address).unwrap_or_else(|| panic!("{name}: {address}"));
        let divisor: f64 = field(row, 2).parse().unwrap();
        // A battery that discharges is positive here, and negative there.
        let is_turned =
            name.starts_with("battery_") && ["battery_current", "battery_power"].contains(&name.as_str());
        let sign = if is_turned { -1.0 } else { 1.0 };
        let expected = device.base(name, sign * f64::from(raw(row, address)) / divisor);
        let [Some(Value::Number(found)), Some(Value::Number(expected))] = [found[name], expected] else {
            panic!("{name}: {:?} and not {expected:?}", found[name])
        };
        assert!((found.get() - expected.get()).abs() < 1e-6, "{name}: {found:?} and not {expected:?}");
        let path = &row[1];
        let part = match name.split('_').next().unwrap() {
            "pv" => "Pv",
            "grid" => "/Ac/Grid/",
            "genset" => "/Ac/Genset/",
            "consumption" => "/Ac/Consumption/",
            "battery" => "/Dc/Battery/",
            "dc" => "/Dc/System/",
            "vebus" => "/Dc/Vebus/",
            other => panic!("{other}"),
        };
        assert!(path.contains(part), "{name} is {path}");
    }
    for (name, words, part) in [
        ("battery_state", "0=idle;1=charging;2=discharging", "844"),
        ("source", "1=Grid;2=Generator;3=Shore power;240=Not connected", "826"),
    ] {
        let point = &points.iter().find(|(known, _)| known == name).unwrap().1;
        assert_eq!(text(point, "register"), part);
        assert!(rows[&part.parse().unwrap()][3].contains(words));
    }
}

#[test]
fn the_outputs_of_a_victron_gx_are_where_its_list_says() {
    let Some(list) = list("victron_attributes.csv") else { return };
    let row = |service: &str, path: &str, kind: &str| {
        let is_it = |row: &&Vec<String>| {
            row.len() >= 8 && row[0] == service && row[1] == path && row[row.len() - 3] == kind
        };
        let row = list.iter().find(is_it).unwrap_or_else(|| panic!("{path}"));
        assert_eq!((row[row.len() - 2].as_str(), row[row.len() - 1].as_str()), ("1", "W"));
        row[row.len() - 4].clone()
    };
    let output = |file: &str, name: &str, key: &str| {
        let file = device_file::read(&device_file::all()[file]);
        let output = file.get("outputs").and_then(|outputs| outputs.get(name)).unwrap();
        text(output, key).to_owned()
    };
    let register = row("com.victronenergy.vebus", "/Hub4/L1/AcPowerSetpoint", "int16");
    assert_eq!(output("victron-gx-ess", "ac_power", "register"), register);
    assert_eq!(output("victron-gx-ess", "ac_power", "type"), "i16");
    let file = device_file::read(&device_file::all()["victron-gx-relay"]);
    let parameter = file.get("parameters").and_then(|parameters| parameters.get("register")).unwrap();
    assert_eq!(text(parameter, "default"), row("com.victronenergy.system", "/Relay/0/State", "uint16"));
    assert_eq!(row("com.victronenergy.system", "/Relay/1/State", "uint16"), "807");
}
