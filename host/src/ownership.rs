//! Which process has which bus, where the guard is a process of its own.
//!
//! The guard has every output, and the sensors of its own limits: nobody else can lie to it about those. It has every device
//! file of the machine as well, so that the program needs none. A bus on which only one may speak is then the guard's with
//! everything on it, and what is read there is told on to the program. A broker or a web server is visited by both: each sees
//! to its own points there.

use ballast_config::load::Site;
use ballast_drivers::{Reach, find};
use ballast_guard::Guard;
use ballast_model::PointId;
use ballast_model::catalog::{Catalog, Origin};
use ballast_model::device::BusDefinition;

/// The buses of a site, divided.
#[derive(Clone, Debug, Default)]
pub struct Division {
    /// Those that the guard opens.
    pub guard: Vec<BusDefinition>,
    /// Those that the program opens.
    pub program: Vec<BusDefinition>,
}

/// Divides the buses of a site between its guard and its program.
pub fn divide(site: &Site, catalog: &Catalog, guard: &Guard) -> Division {
    let reads = measured(guard, catalog);
    let mut division = Division::default();
    for bus in &site.buses {
        let is_guards = !bus.outputs.is_empty()
            || bus.points.iter().any(|point| reads(point.point))
            || has_device_files(bus, catalog);
        let driver = find(&bus.driver);
        // Where nobody else can command, the program cannot either.
        let is_exclusive = bus.settings.says_yes(driver.and_then(|driver| driver.exclusive_key));
        let is_shareable = !is_exclusive && driver.is_some_and(|driver| driver.is_shareable);
        if !is_guards {
            division.program.push(bus.clone());
        } else if !is_shareable {
            division.guard.push(bus.clone());
        } else {
            let (mut own, mut other) = (bus.clone(), bus.clone());
            own.points.retain(|point| reads(point.point));
            other.points.retain(|point| !reads(point.point));
            other.outputs.clear();
            if own.driver.as_ref() == "mqtt" {
                distinguish(&mut own, &catalog.site);
            }
            division.guard.push(own);
            let carries_letters = site.receivers.iter().any(|receiver| *receiver.bus == *other.name);
            if !other.points.is_empty() || carries_letters {
                division.program.push(other);
            }
        }
    }
    division
}

fn has_device_files(bus: &BusDefinition, catalog: &Catalog) -> bool {
    // A definition with mistakes has no place: whoever opens it reports them.
    ballast_drivers::open(bus, catalog).is_ok_and(|open| !Reach::of(bus, &open).devices.is_empty())
}

/// A broker throws out who comes with a name that is taken, and keeps one last word for each topic.
fn distinguish(bus: &mut BusDefinition, site: &str) {
    let client = bus.settings.get("client").map_or_else(|| format!("ballast-{}", bus.name), str::to_owned);
    bus.settings.set("client", &format!("{client}-guard"));
    match bus.settings.get("status_topic").map(str::to_owned) {
        Some(none) if none == "none" => {}
        Some(topic) => bus.settings.set("status_topic", &format!("{topic}/guard")),
        None => {
            let topic = format!("ballast/{site}/{}/guard", bus.name);
            bus.settings.set("status_topic", &topic);
        }
    }
}

/// The measured points that a guard reads: it must be able to measure them itself.
fn measured(guard: &Guard, catalog: &Catalog) -> impl Fn(PointId) -> bool {
    let is_read = |(spec, id): (&ballast_model::catalog::PointSpec, u32)| {
        spec.origin == Origin::Measured && guard.reads(PointId(id))
    };
    let list: Vec<bool> = catalog.points.iter().zip(0..).map(is_read).collect();
    move |point| list.get(point.index()).copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nouns;
    use crate::texts::Texts;
    use ballast_config::diagnostics::Diagnostics;
    use ballast_config::sources::Sources;
    use ballast_model::Mono;
    use std::sync::Arc;

    const SITE: &str = "
site: farm
uuid: 8a1d1fb8-3f0a-5b53-9c52-7a0d6a3f1c11
time_zone: Europe/Paris
buses:
  broker: { driver: mqtt, url: mqtt://127.0.0.1 }
  wire: { driver: modbus, url: tcp://127.0.0.1 }
  meter: { driver: tic, port: /dev/null }
devices:
  plug:
    bus: broker
    points: { power: { unit: W, topic: plug/power, max_age: 1 min } }
    outputs: { plug: { kind: contact, topic: plug/set } }
  room: { bus: broker, points: { temperature: { unit: °C, topic: room/t, max_age: 1 min, resolution: 0.1 °C } } }
  panel:
    bus: wire
    points:
      power: { unit: W, register: 1, type: i16, max_age: 1 min }
      heat: { unit: °C, register: 2, type: i16, max_age: 1 min, resolution: 0.1 °C }
  linky: { file: linky, bus: meter }
";
    const SAFETY: &str = "
outputs: { plug: { safe: open } }
limits:
  - { name: hot, when: room.temperature > 40 °C, until: room.temperature < 35 °C, force: [ { plug: open } ] }
";

    fn divided(site: &str, safety: &str) -> (Vec<String>, Vec<String>, Division) {
        let mut texts = Texts::default();
        texts.files.insert("site.yaml".into(), site.as_bytes().into());
        texts.files.insert("safety.yaml".into(), safety.as_bytes().into());
        let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
        let site = nouns::load(&texts, &mut sources, &mut found).site.unwrap_or_else(|| panic!("{found:?}"));
        let catalog = Arc::new(site.catalog.clone());
        let guard = Guard::new(Arc::clone(&catalog), Arc::clone(&site.safety), Mono::ZERO);
        let division = divide(&site, &catalog, &guard);
        let list = |buses: &[BusDefinition]| {
            let point = |id: PointId| catalog.point(id).unwrap().name.to_string();
            let output = |output: &ballast_model::device::OutputDefinition| {
                catalog.output(output.output).unwrap().name.to_string()
            };
            let of = |bus: &BusDefinition| {
                let points = bus.points.iter().map(|found| point(found.point));
                let all: Vec<_> = points.chain(bus.outputs.iter().map(output)).collect();
                format!("{}: {}", bus.name, all.join(" "))
            };
            buses.iter().map(of).collect::<Vec<_>>()
        };
        (list(&division.guard), list(&division.program), division)
    }

    #[test]
    fn where_nobody_else_commands_the_program_is_nobody_too() {
        let alone = SITE.replace("mqtt://127.0.0.1 }", "mqtt://127.0.0.1, user: keeper, exclusive: yes }");
        let (guard, program, division) = divided(&alone, SAFETY);
        assert_eq!(guard[0], "broker: plug.power room.temperature plug");
        assert!(program.iter().all(|bus| !bus.starts_with("broker")), "{program:?}");
        assert_eq!(division.guard[0].settings.get("client"), None, "it comes alone");
    }

    #[test]
    fn a_broker_is_visited_by_both_and_a_line_has_one_master() {
        let (guard, program, division) = divided(SITE, SAFETY);
        assert_eq!(guard[0], "broker: room.temperature plug");
        assert!(guard[1].starts_with("meter: "), "its line is a device file: {guard:?}");
        assert_eq!(program, ["broker: plug.power", "wire: panel.power panel.heat"]);
        let of = |buses: &[BusDefinition], key| buses[0].settings.get(key).map(str::to_owned);
        assert_eq!(of(&division.guard, "client").as_deref(), Some("ballast-broker-guard"));
        assert_eq!(of(&division.guard, "status_topic").as_deref(), Some("ballast/farm/broker/guard"));
        assert_eq!(of(&division.program, "client"), None);
    }

    #[test]
    fn a_line_with_one_sensor_of_a_limit_is_the_guards_with_all_that_is_on_it() {
        let safety = SAFETY.replace("room.temperature", "panel.heat");
        let (guard, program, _) = divided(SITE, &safety);
        assert_eq!(guard[..2], ["broker: plug", "wire: panel.power panel.heat"]);
        assert_eq!(program, ["broker: plug.power room.temperature"]);
    }

    #[test]
    fn what_is_told_to_others_leaves_over_a_connection_of_the_program() {
        let told = "receivers: { home: { kind: home_assistant, bus: broker, share: all } }\n";
        let site =
            SITE.replace("    points: { power: { unit: W, topic: plug/power, max_age: 1 min } }\n", "");
        let site = site.replace("  room: {", "  room_is_away: {");
        let safety = "outputs: { plug: { safe: open } }\n";
        let lonely =
            site.lines().filter(|line| !line.contains("room_is_away")).collect::<Vec<_>>().join("\n");
        let (_, program, _) = divided(&lonely, safety);
        assert!(!program.iter().any(|bus| bus.starts_with("broker")), "{program:?}");
        let (_, program, _) = divided(&format!("{lonely}\n{told}"), safety);
        assert_eq!(program[0], "broker: ");
    }
}
