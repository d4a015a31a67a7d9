//! The site on which the checks are tested.

use ballast_guard::plan::Strength;
use ballast_model::Span as Duration;
use ballast_model::device::ReadsEvery;

use crate::carets;
use crate::diagnostics::Diagnostics;
use crate::load::{File, Files, load};
use crate::site::DriverFacts;
use crate::sources::Sources;

/// Drivers as the program would describe them.
pub(crate) const DRIVERS: &[DriverFacts] = &[
    DriverFacts {
        name: "gpio",
        is_network: false,
        strength: Strength::Wired,
        exclusive_key: None,
        is_experimental: false,
        carries_messages: false,
        reads_every: None,
    },
    DriverFacts {
        name: "lab",
        is_network: false,
        strength: Strength::Soft,
        exclusive_key: None,
        is_experimental: true,
        carries_messages: false,
        reads_every: None,
    },
    DriverFacts {
        name: "modbus",
        is_network: true,
        strength: Strength::Soft,
        exclusive_key: None,
        is_experimental: false,
        carries_messages: false,
        reads_every: Some(ReadsEvery { usual: Duration::from_secs(1), bus_key: Some("period") }),
    },
    DriverFacts {
        name: "mqtt",
        is_network: true,
        strength: Strength::Soft,
        exclusive_key: Some("exclusive"),
        is_experimental: false,
        carries_messages: true,
        reads_every: None,
    },
    DriverFacts {
        name: "sim",
        is_network: false,
        strength: Strength::Soft,
        exclusive_key: None,
        is_experimental: false,
        carries_messages: false,
        reads_every: None,
    },
];

/// A bench with a charger, a battery, two sources that must not meet, and two loads.
pub(crate) const SITE: &str = "\
site: bench
time_zone: Europe/Paris
location: { latitude: 48 deg, longitude: -1.7 deg }
buses:
  pins: { driver: gpio }
  broker: { driver: mqtt, url: x, user: keeper, exclusive: yes }
  bench: { driver: lab }
devices:
  battery:
    bus: broker
    points:
      voltage: { unit: V, max_age: 5 s, resolution: 0.1 V }
      temperature_1: { unit: °C, max_age: 5 s, resolution: 0.5 °C }
      temperature_2: { unit: °C, max_age: 5 s }
      temperature_3: { unit: °C, max_age: 5 s, resolution: 0.1 °C }
      soc: { unit: \"%\", max_age: 1 min }
      note: { unit: W }
    outputs:
      charge_power: { kind: setpoint, unit: W }
  charger:
    bus: pins
    points:
      current: { unit: A, period: 1 s, resolution: 10 mA }
    outputs:
      relay: { kind: contact, pin: 17, unpowered: open }
  mains: { bus: pins, outputs: { relay: { kind: contact, pin: 18, unpowered: closed } } }
  genset: { bus: broker, outputs: { contactor: { kind: contact }, run: { kind: contact } } }
  feeder:
    bus: broker
    points:
      frequency: { unit: Hz, max_age: 1 s, resolution: 0.01 Hz }
      frequency_2: { unit: Hz, max_age: 1 s }
      power: { unit: W, max_age: 10 s }
      subscribed: { unit: W, max_age: 1 min, valid: 0..50 kW }
  probe: { bus: bench, points: { level: { unit: V, max_age: 5 s } } }
  home_1: { bus: broker, rated: 2 kW, outputs: { relay: { kind: contact, reverts_after: 60 s } } }
  home_2: { bus: broker, outputs: { relay: { kind: contact } } }
groups:
  homes: { members: [home_1] }
  rest: { members: [home_2] }
  both: { members: [home_1, home_2] }
settings:
  capacity: { value: 5 kW }
modes: [home, away]
derived:
  smooth: { expression: \"avg(battery.voltage, 5 min)\" }
  hot: { expression: \"max(battery.temperature_1, battery.temperature_2)\" }
  bare: { expression: battery.note * 2 }
  spread: { expression: battery.temperature_1 - battery.temperature_3 }
  capacity: { expression: 5 kW }
  copy: { expression: battery.voltage }
  is_full: { expression: site.copy > 14.4 V }
  supposed: { expression: \"or_else(battery.soc, 50 %)\" }
  spare: { first_good: [battery.temperature_1, battery.temperature_2] }
  voted: { median: [battery.temperature_1, battery.temperature_2] }
  said: { expression: setting.capacity * 2 }
  total: { sum: [feeder.power, site.said] }
";

/// Envelopes for all outputs of [`SITE`], in as little text as possible.
pub(crate) const OUTPUTS: &str = "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: open }
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
";

/// Reads [`SITE`] with a safety file into which the mistakes are drawn.
pub(crate) fn check_safety(drawn: &str) {
    carets::check(drawn, |sources, out| {
        let text =
            sources.get(ballast_model::diagnostic::FileId(0)).map_or(String::new(), |s| s.text().to_owned());
        check_parts(SITE, &text, out, 0);
    });
}

/// Reads [`SITE`] with [`OUTPUTS`] and what follows it, into which the mistakes are drawn.
pub(crate) fn check_rest(drawn: &str) {
    check_safety(&format!("{OUTPUTS}{drawn}"));
}

/// Reads a site file into which the mistakes are drawn, with a safety file that names nothing.
pub(crate) fn check_site(drawn: &str) {
    carets::check(drawn, |sources, out| {
        let text =
            sources.get(ballast_model::diagnostic::FileId(0)).map_or(String::new(), |s| s.text().to_owned());
        check_parts(&text, "outputs: {}\n", out, 1);
    });
}

/// Keeps what was found in one of the two files, as if it were the first.
fn check_parts(site: &str, safety: &str, out: &mut Diagnostics, safety_hidden: u32) {
    use ballast_model::diagnostic::FileId;
    let mut sources = Sources::new();
    let mut found = Diagnostics::new();
    let files =
        Files { site: File::Bytes(site.as_bytes()), safety: File::Bytes(safety.as_bytes()), devices: vec![] };
    load(&files, DRIVERS, &mut sources, &mut found);
    let shown = FileId(1 - safety_hidden);
    for mut diagnostic in found.iter().cloned() {
        let is_here = diagnostic.primary.file == shown;
        // Places in the other file are left out, so that a drawing needs only one text.
        diagnostic.secondary.retain(|label| label.file == shown);
        for label in &mut diagnostic.secondary {
            label.file = FileId(0);
        }
        diagnostic.primary.file = FileId(0);
        if is_here {
            out.push(diagnostic);
        }
    }
}
