//! What is said about `site.yaml` and device files.

use ballast_model::Value;
use ballast_model::catalog::{Kind, Noun, Origin};
use ballast_model::diagnostic::FileId;

use crate::carets;
use crate::checks::fixture::{DRIVERS, check_site};
use crate::diagnostics::Diagnostics;
use crate::load::{File, Files, load};
use crate::site::{self, Library, SiteDraft, follow_bus};
use crate::sources::Sources;
use crate::tree;

const HEAD: &str = "site: a\ntime_zone: UTC\n";

fn check(drawn: &str) {
    check_site(&format!("{HEAD}{drawn}"));
}

/// Reads a site that must be without mistakes.
pub(super) fn read(text: &str) -> SiteDraft {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let file = sources.add("site.yaml", format!("{HEAD}{text}").as_bytes(), &mut out);
    let tree = tree::parse(file, &sources, &mut out);
    let draft = site::read(&tree, &Library::default(), DRIVERS, &mut out);
    assert!(out.is_empty(), "{}", crate::render::render(&out, &sources, crate::render::Style::Plain));
    draft
}

/// Draws into the site file and a device file, `devices/thing.yaml`.
fn check_with_device(site: &str, device: &str) {
    let site = format!("{HEAD}{site}");
    carets::check_files(&[("site.yaml", &site), ("devices/thing.yaml", device)], |sources, out| {
        let trees = [tree::parse(FileId(1), sources, out)];
        let library = Library::read(&trees, sources, out);
        let tree = tree::parse(FileId(0), sources, out);
        site::read(&tree, &library, DRIVERS, out);
    });
}

#[test]
fn the_head_of_a_site() {
    check_site(
        "
site: My House
#     ^^^^^^^^ error[name::form]: `My House` is not a name
#   = help: write `my_house` here, and the free text into `label:`
time_zone: Europe/Pariss
#          ^^^^^^^^^^^^^ error[site::zone]: `Europe/Pariss` is not a time zone
#   = help: did you mean `Europe/Paris`?
uuid: 12
#     ^^ error[site::uuid]: `12` is not a UUID
#   = help: it looks like `4be0643f-1d98-573b-97cd-ca98a65347dd`; `uuidgen` makes one
location: { latitude: 148 deg, longitude: 5 V }
#                     ^^^^^^^ error[number::range]: `latitude` lies between -90 deg and 90 deg
#   = help: north of the equator it is above zero: Paris is at 48.86 deg
#                                         ^^^ error[unit::wrong]: 5 V is a voltage; an angle is expected
#   = help: write `5 deg`
divices: {}
^^^^^^^ error[key::unknown]: site.yaml has no key `divices`
#   = help: did you mean `devices`?
",
    );
}

#[test]
fn buses_and_devices_must_fit() {
    check(
        "
buses:
  pins: { driver: gpoi, chip: 0 }
#                 ^^^^ error[bus::driver]: there is no driver `gpoi`
#   = help: did you mean `gpio`?
  broker: { driver: mqtt, url: [a] }
#                         ^^^ error[value::kind]: a single value is expected here, not a list
#   = help: write one value behind the `:`, without brackets
devices:
  a: { bus: borker, points: { x: { unit: V } } }
#           ^^^^^^ error[device::bus]: there is no bus `borker`
#   = help: did you mean `broker`?
  b: { bus: broker }
# ^ error[device::empty]: the device `b` has neither points nor outputs
#   = help: name the `file` that describes its type, or list its `points` and `outputs`
  c: { bus: broker, file: nothing }
#                         ^^^^^^^ error[device::file]: there is no device file `nothing`
#   = help: `ballast check --explain` lists the device files
  d: { bus: broker, with: { a: b }, points: { x: { unit: V } } }
#                   ^^^^ error[device::parameter]: `with` fills in the parameters of a device file, and there is none
#   = help: name the `file`
  e: { bus: broker, min_run: 5 min, points: { x: { unit: V } } }
#                   ^^^^^^^ error[device::generator]: `min_run` belongs to a generator
#   = help: add `kind: generator`, or remove it
  f: { bus: broker, kind: generator, outputs: { run: { kind: contact } } }
# ^ error[device::generator]: a generator needs an output `run` and at least one more, such as `contactor`
#   = help: `run` starts it, `contactor` lets it take load
#                                               ^^^ error[safety::no_safe_state]: the output `f` has no safe state
#   = help: add `f: { safe: open }` under `outputs:` in safety.yaml
",
    );
}

#[test]
fn points_say_what_they_are() {
    check(
        "
buses: { broker: { driver: mqtt } }
devices:
  a:
    bus: broker
    points:
      none: { topic: x }
#     ^^^^ error[point::kind]: this point has no unit
      both: { unit: V, words: [a, b] }
#             ---- note: and here
#                      ^^^^^ error[point::kind]: a point is a number, an enumeration or yes-or-no, not two of them
      unknown_unit: { unit: kw }
#                           ^^ error[unit::unknown]: `kw` is not a unit that is known here
      one: { words: [a] }
#            ^^^^^ error[point::words]: an enumeration has at least two words
      twice: { words: [a, b, a] }
#                            ^ error[point::words]: the word `a` stands twice
      young: { unit: V, period: 10 s, max_age: 5 s }
#                               ---- note: the period
#                                              ^^^ error[point::max_age]: values come every 10 s and are unknown after 5 s (shorter than the period)
      wide: { unit: V, valid: 10..5 V, resolution: 0.1 A, max_slew: 5 V }
#                             ^^^^^^^ error[value::range]: the range is the wrong way round: 10 V is above 5 V
#                                                  ^^^^^ error[unit::wrong]: 0.1 A is a current; a voltage is expected
#                                                                   ^^^ error[unit::wrong]: 5 V is a voltage; a change of voltage is expected
      state: { unit: V }
#     ^^^^^ error[name::reserved]: `state` belongs to outputs and cannot name a point
      flags: { flag: true, counter: yes }
#                                   ^^^ error[value::flag]: `yes` is neither `true` nor `false`
      huge: { unit: W, valid: 0..15000 kW }
#                             ^^^^^^^^^^^ error[unit::implausible]: 15000 kW (15000000 W) is implausible: no site of this kind has more than 5000000 W
",
    );
}

#[test]
fn outputs_say_what_they_are() {
    check(
        "
buses: { broker: { driver: mqtt } }
devices:
  a:
    bus: broker
    outputs:
      x: { kind: relay }
#                ^^^^^ error[value::word]: `relay` is not known here
      y: { kind: setpoint }
#     ^ error[output::unit]: a setpoint needs its `unit`
      z: { kind: contact, unit: V, unpowered: off }
#     ^ error[safety::no_safe_state]: the output `a.z` has no safe state
#                         ^^^^ error[output::unit]: a contact is closed or open and has no unit
#                                             ^^^ error[value::word]: `off` is not known here
",
    );
}

#[test]
fn names_are_shared() {
    check(
        "
buses: { broker: { driver: mqtt } }
devices:
  a: { bus: broker, points: { x: { unit: V } } }
  b: { bus: broker, points: { x: { unit: V } } }
groups:
  a: { members: [a, b, b, c] }
# ^ error[name::taken]: `a` already means something else in this site
#                      ^ error[group::member]: `b` stands twice
#                         ^ error[group::member]: there is no device `c`
  and: { members: [a] }
# ^^^ error[name::reserved]: `and` means something in conditions and cannot be a name
  d: { members: [], phase: 4 }
#                          ^ error[number::range]: 4 is out of range: it may be 1 to 3
",
    );
}

#[test]
fn settings_and_modes() {
    check(
        "
modes: [home, home]
^^^^^ error[point::words]: an enumeration has at least two words
#             ^^^^ error[point::words]: the word `home` stands twice
settings:
  low: { value: 1 kWh, range: 2..12 kWh }
#        ^^^^^ error[setting::range]: the value of this setting lies outside of its own range
#                      ----- note: the range
  bare: { value: 5 }
#                ^ error[unit::missing]: `5` has no unit
  other: { value: 5 V, unit: A }
#                 ^^^ error[unit::wrong]: 5 V is a voltage; a current is expected
  word: { value: fas, words: [fast, slow] }
#                ^^^ error[value::word]: `fas` is not known here
  flag: { value: true, range: 0..1 }
#                      ^^^^^ error[setting::range]: only a number has a range
  both: { value: 5, range: 12..2 kWh }
#                ^ error[unit::missing]: `5` has no unit
#                          ^^^^^^^^^ error[value::range]: the range is the wrong way round: 12 kWh is above 2 kWh
  slip: { value: 5 kWX, unit: kW, range: 2..12 V }
#                  ^^^ error[unit::unknown]: `kWX` is not a unit that is known here
#                                        ^^^^^^^ error[unit::wrong]: 2 V is a voltage; an active power is expected
  said: { value: fas, words: [fast, slow], range: 0..1 }
#                ^^^ error[value::word]: `fas` is not known here
#                                          ^^^^^ error[setting::range]: only a number has a range
",
    );
}

#[test]
fn derived_points_are_computed_in_one_way() {
    check(
        "
buses: { broker: { driver: mqtt } }
devices:
  m: { bus: broker, points: { a: { unit: V }, b: { unit: A }, c: { words: [x, y] } } }
derived:
  none: { unit: V }
# ^^^^ error[derived::form]: a derived point is computed in exactly one way
  two: { sum: [m.a], median: [m.a] }
# ^^^ error[derived::form]: a derived point is computed in exactly one way
  mixed: { sum: [m.a, m.b] }
#                     ^^^ error[derived::form]: these points are not of the same kind
  words: { median: [m.c] }
#                   ^^^ error[derived::form]: these points are not of the same kind
  nothing: { sum: [] }
#            ^^^ error[derived::form]: name at least one point
  unit: { sum: [m.a], unit: A }
#                     ^^^^ error[unit::wrong]: this is a voltage, and A is a unit of a current
  bare: { expression: m.a + 5 }
#                           ^ error[unit::missing]: `5` has no unit
  volts_and_watts: { expression: m.a + 5 W }
#                                ^^^^^^^^^ error[expr::dimension]: a voltage and an active power cannot be added
",
    );
}

#[test]
fn derived_points_in_a_circle_are_refused() {
    check(
        "
buses: { broker: { driver: mqtt } }
devices:
  m: { bus: broker, points: { a: { unit: V } } }
derived:
  after: { expression: site.x + m.a }
# ^^^^^ error[name::reserved]: `after` means something in conditions and cannot be a name
  behind: { expression: site.x + m.a }
  x: { expression: site.y + m.a }
# ^ error[derived::cycle]: these derived points need each other: site.x needs site.y needs site.z
  y: { sum: [site.z, m.a] }
# - note: in the same circle
  z: { first_good: [site.x] }
# - note: in the same circle
",
    );
}

#[test]
fn derived_points_may_be_written_in_any_order() {
    let draft = read(
        "
buses: { broker: { driver: mqtt } }
devices:
  m: { bus: broker, points: { a: { unit: V }, b: { unit: V }, c: { unit: V } } }
derived:
  last: { expression: site.second > 5 V }
  second: { expression: role.middle * 2 }
  middle: { median: [m.a, m.b, m.c] }
roles: { middle: site.middle }
",
    );
    let names: Vec<&str> =
        draft.derived.iter().map(|derived| &*draft.catalog.point(derived.point).unwrap().name).collect();
    assert_eq!(names, ["site.middle", "site.second", "site.last"]);
    assert_eq!(draft.catalog.point(draft.derived[2].point).unwrap().kind, Kind::Flag);
}

#[test]
fn calendars_and_roles() {
    check(
        "
calendars:
  critical: [2026-12-24, 2026-12-24..2027-01-02]
  wrong: [2026-02-30, 2027-01-02..2026-12-24, 2020-01-01..2090-01-01, someday]
#         ^^^^^^^^^^ error[calendar::day]: `2026-02-30` is not a day
#                     ^^^^^^^^^^^^^^^^^^^^^^ error[calendar::day]: the range is the wrong way round
#                                             ^^^^^^^^^^^^^^^^^^^^^^ error[calendar::day]: a range has at most 3660 days
#                                                                     ^^^^^^^ error[calendar::day]: `someday` is not a day
roles:
  main: m.a
#       ^^^ error[site::role]: there is nothing called `m.a`
",
    );
}

#[test]
fn a_point_is_described_for_all_drivers_alike() {
    let draft = read(
        "
buses: { broker: { driver: mqtt, url: x } }
devices:
  m:
    bus: broker
    points:
      v: { label: Tension, unit: V, period: 2 s, resolution: 0.1 V, valid: 0..300 V, max_slew: 5 V/s, topic: t, pointer: /a }
      e: { unit: kWh, max_age: 1 min, counter: true }
settings:
  fast: { value: slow, words: [fast, slow] }
  cap: { value: 3 kW, unit: W, range: 0..9 kW }
modes: [home, away]
",
    );
    let Some(Noun::Point(v)) = draft.catalog.resolve("m.v") else { panic!() };
    let spec = draft.catalog.point(v).unwrap();
    assert_eq!((&*spec.label, spec.origin), ("Tension", Origin::Measured));
    assert_eq!(spec.max_age, Some(ballast_model::Span::from_secs(6)), "three periods");
    assert_eq!(spec.valid.map(|(low, high)| (low.get(), high.get())), Some((0.0, 300.0)));
    assert!((spec.max_slew.unwrap().get() - 5.0).abs() < 1e-9);
    assert!(spec.is_instantaneous);
    let definition = &draft.buses[0].points[0];
    let keys: Vec<&str> = definition.settings.iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["topic", "pointer"], "the driver gets what is not common");
    let Some(Noun::Point(e)) = draft.catalog.resolve("m.e") else { panic!() };
    assert!(draft.catalog.point(e).unwrap().is_counter && !draft.catalog.point(e).unwrap().is_instantaneous);
    assert_eq!(draft.settings[0].initial, Value::Word(1));
    assert_eq!(draft.settings[1].range.map(|(_, high)| high.get()), Some(9000.0));
    assert_eq!(draft.modes.as_ref().unwrap().initial, Value::Word(0));
}

/// Period and age of a point, in seconds.
fn pace(draft: &SiteDraft, name: &str) -> (Option<f64>, Option<f64>) {
    let Some(Noun::Point(point)) = draft.catalog.resolve(name) else { panic!("{name}") };
    let spec = draft.catalog.point(point).unwrap();
    let secs = |span: Option<ballast_model::Span>| span.map(ballast_model::Span::secs_f64);
    (secs(spec.period), secs(spec.max_age))
}

#[test]
fn what_is_asked_for_comes_as_often_as_its_driver_or_bus_says_and_grows_old() {
    let draft = read(
        "
buses:
  quick: { driver: modbus, url: x }
  slow: { driver: modbus, url: x, period: 10 s }
  broker: { driver: mqtt, url: x }
devices:
  a: { bus: quick, points: { bare: { unit: W }, own: { unit: W, period: 2 s }, aged: { unit: W, max_age: 5 s } } }
  b: { bus: slow, points: { bare: { unit: W }, own: { unit: W, period: 2 s } } }
  c: { bus: broker, points: { bare: { unit: W } } }
",
    );
    assert_eq!(pace(&draft, "a.bare"), (Some(1.0), Some(3.0)), "the driver's, and three of them");
    assert_eq!(pace(&draft, "a.own"), (Some(2.0), Some(6.0)), "its own");
    assert_eq!(pace(&draft, "a.aged"), (Some(1.0), Some(5.0)), "an age that is written holds");
    assert_eq!(pace(&draft, "b.bare"), (Some(10.0), Some(30.0)), "the bus's");
    assert_eq!(pace(&draft, "b.own"), (Some(2.0), Some(6.0)));
    assert_eq!(pace(&draft, "c.bare"), (None, None), "who only listens cannot tell");
}

#[test]
fn a_bus_that_is_told_another_pace_lets_nothing_grow_older_than_its_file_allows() {
    let mut draft = read(
        "
buses: { meters: { driver: modbus, url: x, period: 2 s } }
devices:
  a: { bus: meters, points: { bare: { unit: W }, own: { unit: W, period: 5 s }, aged: { unit: W, max_age: 9 s } } }
",
    );
    let reads = crate::checks::fixture::DRIVERS.iter().find_map(|driver| driver.reads_every).unwrap();
    let mut tell = |period: &str| {
        draft.buses[0].settings.set("period", period);
        follow_bus(&draft.buses[0], reads, &mut draft.catalog);
        ["a.bare", "a.own", "a.aged"].map(|name| pace(&draft, name))
    };
    let own = (Some(5.0), Some(15.0));
    assert_eq!(tell("1 h"), [(Some(3600.0), Some(6.0)), own, (Some(3600.0), Some(9.0))], "slower");
    assert_eq!(tell("500 ms"), [(Some(0.5), Some(1.5)), own, (Some(0.5), Some(9.0))], "quicker");
}

#[test]
fn a_difference_of_temperatures_is_told_in_kelvin_where_the_file_wants_it() {
    let draft = read(
        "
buses: { broker: { driver: mqtt, url: x } }
devices: { a: { bus: broker, points: { flow: { unit: °C, max_age: 5 s }, back: { unit: °C, max_age: 5 s } } } }
derived:
  plain: { expression: a.flow - a.back }
  spread: { expression: a.flow - a.back, unit: K }
  moved: { expression: a.flow + 5 K }
",
    );
    let unit = |name: &str| {
        let Some(Noun::Point(point)) = draft.catalog.resolve(name) else { panic!("{name}") };
        draft.catalog.point(point).unwrap().unit().symbol()
    };
    assert_eq!(["site.plain", "site.spread", "site.moved"].map(unit), ["°C", "K", "°C"]);
    check(
        "
buses: { broker: { driver: mqtt, url: x } }
devices: { a: { bus: broker, points: { flow: { unit: °C, max_age: 5 s, valid: 270..370 K } } } }
#                                                                             ^^^^^^^^^^ error[unit::wrong]: 270 K is a temperature difference; a temperature is expected
#   = help: K is for the difference of two temperatures; write the temperature in °C
derived:
  moved: { expression: a.flow + 5 K, unit: K }
#                                    ^^^^ error[unit::wrong]: this is a temperature, and K is a unit of a temperature difference
#   = help: write a unit that fits, or leave `unit` out
",
    );
}

#[test]
fn an_age_below_the_usual_pace_is_warned_of() {
    check(
        "
buses: { meters: { driver: modbus, url: x } }
devices:
  a:
    bus: meters
    points:
      quick: { unit: W, max_age: 500 ms }
#                                ^^^^^^ warning[point::max_age]: without `period` it is read every 1 s, and its values are unknown after 500 ms (shorter than that)
      said: { unit: W, max_age: 500 ms, period: 1 s }
#                               ^^^^^^ error[point::max_age]: values come every 1 s and are unknown after 500 ms (shorter than the period)
#                                               --- note: the period
",
    );
}

#[test]
fn parameters_are_filled_in_and_their_mistakes_shown_at_the_site() {
    let device = "
device: thing
label: A thing
driver: mqtt
source: made up
parameters:
  topic: { about: its topic }
  unit: { about: its unit }
  age: { about: oldest value, default: \"\" }
points:
  x: { topic: \"a/${topic}/${device}\", unit: \"${unit}\", max_age: \"${age}\" }
outputs:
  relay: { kind: contact, topic: \"${topic}\" }
";
    check_with_device(
        "
buses: { broker: { driver: mqtt }, pins: { driver: gpio } }
devices:
  a: { bus: broker, file: thing, with: { topic: t, unit: kw } }
#                                                        ^^ error[unit::unknown]: `kw` is not a unit that is known here
  b: { bus: broker, file: thing, with: { topic: t, unti: V } }
# ^ error[device::parameter]: the device file needs `unit`
#                                                  ^^^^ error[device::parameter]: the device file has no parameter `unti`
  c: { bus: pins, file: thing, with: { topic: t, unit: [V] } }
#      ^^^ error[device::bus]: this device speaks through `mqtt`, and its bus through `gpio`
#                                                ^^^^ error[value::kind]: a single value is expected here, not a list
  d: { bus: broker, file: thing, with: { topic: t, unit: V, age: 5 } }
#                                                                ^ error[unit::missing]: `5` has no unit
",
        device,
    );
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let site = format!(
        "{HEAD}
buses: {{ broker: {{ driver: mqtt }} }}
devices:
  a: {{ bus: broker, file: thing, with: {{ topic: t, unit: V }}, points: {{ x: {{ resolution: 0.1 V }}, y: {{ unit: A }} }} }}
"
    );
    let safety = "outputs: { a: { safe: open } }\n";
    let files = Files {
        site: File::Bytes(site.as_bytes()),
        safety: File::Bytes(safety.as_bytes()),
        devices: vec![("thing.yaml", File::Bytes(device.as_bytes()))],
    };
    let site = load(&files, DRIVERS, &mut sources, &mut out).unwrap_or_else(|| panic!("{out:?}"));
    assert_eq!(site.buses[0].points[0].settings.get("topic"), Some("a/t/a"));
    assert_eq!(site.buses[0].outputs[0].settings.get("topic"), Some("t"));
    let spec = &site.catalog.points[4];
    assert_eq!((&*spec.name, spec.max_age), ("a.x", None), "an empty parameter leaves its key out");
    assert!(spec.resolution.is_some(), "the site adds to the device file");
    assert!(site.catalog.resolve("a.y").is_some());
}

#[test]
fn device_files_are_checked() {
    check_with_device(
        "
buses: { broker: { driver: mqtt } }
devices:
  a: { bus: broker, file: thinh }
#                         ^^^^^ error[device::file]: there is no device file `thinh`
",
        "
device: thing
driver: mqtt
label: A thing
source: made up
parameters:
  topic: { default: x }
# ^^^^^ error[key::missing]: a parameter needs `about`
# ^^^^^ warning[device::unused_parameter]: nothing takes the parameter `topic`
points:
  x: { topic: \"${topc}\" }
",
    );
    check_with_device(
        "
buses: { broker: { driver: mqtt } }
devices:
  a: { bus: broker, file: gadget }
",
        "
device: gadget
#       ^^^^^^ error[device::file_name]: the file is called `thing.yaml` and says `device: gadget`
driver: mqtt
label: A thing
source: made up
points:
  x: { unit: V, topic: \"${topc}\" }
#                      ^^^^^^^^^ error[device::parameter]: `topc` is not a parameter of this device file
  y: { unit: V, topic: \"a/${device\" }
#                      ^^^^^^^^^^^^ error[device::parameter]: `${` opens a parameter and is not closed
",
    );
}

#[test]
fn missing_and_empty_files_are_named() {
    let found = |site: File<'_>, safety: File<'_>| {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        assert!(load(&Files { site, safety, devices: vec![] }, DRIVERS, &mut sources, &mut out).is_none());
        out.sort();
        out.iter().map(|d| (d.code, sources.name(d.primary.file).to_owned())).collect::<Vec<_>>()
    };
    let named = |code, file: &str| (code, file.to_owned());
    assert_eq!(
        found(File::Absent, File::Absent),
        [named("file::missing", "site.yaml"), named("file::missing", "safety.yaml")]
    );
    assert_eq!(
        found(File::Bytes(b"# nothing\n"), File::TooLong(1 << 30)),
        [named("yaml::empty", "site.yaml"), named("file::too_long", "safety.yaml")]
    );
}

#[test]
fn what_could_not_be_read_is_not_called_unknown() {
    // The device `m` is lost with its section; nothing that names it is blamed.
    check(
        "
buses: { broker: { driver: mqtt } }
devices:
  m: { bus: broker, points: { a: { unit: V } }
#    ^ error[yaml::syntax]: this `{` is not closed
groups:
- note: still open here
  g: { members: [m] }
derived:
  x: { expression: m.a * 2 }
  y: { sum: [m.a, site.x] }
roles: { r: m.a }
",
    );
}

#[test]
fn the_nouns_come_out_although_something_else_is_wrong() {
    let nouns = |site: &str, safety: &str| {
        let mut out = Diagnostics::new();
        let files = Files {
            site: File::Bytes(site.as_bytes()),
            safety: File::Bytes(safety.as_bytes()),
            devices: vec![],
        };
        let loaded = crate::load::load_with_nouns(&files, DRIVERS, &mut Sources::new(), &mut out);
        let is_lost = |name: &str| loaded.catalog.is_lost(name);
        (loaded.site.is_some(), is_lost("battery.voltag"), is_lost("charger.current"))
    };
    let outputs = crate::checks::fixture::OUTPUTS;
    let site = crate::checks::fixture::SITE;
    assert_eq!(nouns(site, outputs), (true, false, false));
    assert_eq!(nouns(site, "outputs: {}\n"), (false, false, false), "only the safety file is wrong");
    assert_eq!(
        nouns(&site.replace("members: [home_1]", "members: [home_9]"), outputs),
        (false, false, false)
    );
    assert_eq!(nouns(&site.replace("bus: pins", "bus: pin"), outputs), (false, false, false), "only the bus");
    let file = site
        .replace("bus: pins", "file: none, bus: pins")
        .replace("file: none, bus: pins\n", "file: none\n    bus: pins\n");
    assert_eq!(nouns(&file, outputs), (false, false, true), "one device");
    assert_eq!(nouns(&format!("{site}x: {{\n"), outputs), (false, true, false), "a part could not be read");
}
