//! Conditions built by hand, on scripted readings.

use super::ast::{BinaryOp, Expr, ExprKind};
use super::*;
use crate::catalog::{Catalog, DeviceId, DeviceSpec, Kind, Origin, OutputKind, PointSpec};
use crate::diagnostic::Span as Place;
use crate::quantity::Unit;
use crate::sample::{Reason, Sample, Value};
use crate::snapshot::Snapshot;
use crate::time::{Mono, Span, Utc, Wall};
use crate::{Finite, PointId, Wanted};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

fn point(name: &str, unit: &str, max_age_s: Option<u64>) -> PointSpec {
    PointSpec {
        max_age: max_age_s.map(Span::from_secs),
        is_counter: unit == "kWh",
        is_instantaneous: true,
        ..PointSpec::new(name, Kind::Number(Unit::parse(unit).unwrap()), Origin::Measured)
    }
}

const F: PointId = PointId(0);
const A: PointId = PointId(1);
const B: PointId = PointId(2);

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_point(point("grid.frequency", "Hz", Some(5))).unwrap();
    catalog.add_point(point("battery.a", "°C", Some(10))).unwrap();
    catalog.add_point(point("battery.b", "°C", Some(10))).unwrap();
    catalog.add_point(point("heater.energy", "kWh", None)).unwrap();
    let words = ["peak", "off_peak"].map(Box::from).to_vec();
    catalog
        .add_point(PointSpec { kind: Kind::Words(words.into()), ..point("linky.period", "", None) })
        .unwrap();
    catalog.devices.push(DeviceSpec { name: "pump".into(), label: "".into(), outputs: Vec::new() });
    catalog.add_output("pump", "", DeviceId(0), OutputKind::Contact, Wanted::OPEN).unwrap();
    catalog
}

fn expr(kind: ExprKind) -> Expr {
    Expr { span: Place::new(0, 1), kind }
}
fn name(name: &str) -> Expr {
    expr(ExprKind::Name(name.into()))
}
fn text(text: &str) -> Expr {
    expr(ExprKind::Text(text.into()))
}
fn call(name: &str, args: Vec<Expr>) -> Expr {
    expr(ExprKind::Call { name: name.into(), name_span: Place::new(0, 1), args })
}
fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    expr(ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) })
}
fn checked(expr: &Expr, catalog: &Catalog) -> Result<Program, Vec<Problem>> {
    let constants = BTreeMap::new();
    check(expr, &Scope { catalog, dialect: Dialect::Rule, each: None, rule: 0, constants: &constants })
}
fn number(value: f64) -> Value {
    Value::Number(Finite::new(value).unwrap())
}
fn at(secs: u64) -> Mono {
    Mono::from_millis(secs * 1000)
}

struct World {
    catalog: Catalog,
    snapshot: Snapshot,
    trackers: Trackers,
    wall: Wall,
}
impl World {
    fn new() -> Self {
        let catalog = catalog();
        let snapshot = Snapshot::new(&catalog);
        Self { catalog, snapshot, trackers: Trackers::default(), wall: Wall::UNKNOWN }
    }
    fn program(&mut self, expr: &Expr) -> Program {
        let mut program = checked(expr, &self.catalog).unwrap();
        program.link(&mut self.trackers);
        program
    }
    fn set(&mut self, point: PointId, secs: u64, value: f64) {
        self.snapshot.set(&Sample::good(point, number(value), at(secs), 1));
        self.trackers.tick(at(secs), &self.wall, &self.catalog, false);
        let until = self.snapshot.expires(point).unwrap_or(Mono::MAX);
        self.trackers.sample(at(secs), point, Some(number(value)), until);
    }
    fn truth(&mut self, program: &Program, secs: u64) -> (Option<bool>, Mono) {
        self.trackers.tick(at(secs), &self.wall, &self.catalog, false);
        let mut next = Mono::MAX;
        let seen = Seen {
            snapshot: &self.snapshot,
            trackers: &self.trackers,
            now: at(secs),
            changed: &[],
            active_since: None,
        };
        let truth = program.truth(&seen, &mut next);
        (truth, next)
    }
}

#[test]
fn unknown_until_seen_and_again_when_old() {
    let mut world = World::new();
    let low = world.program(&binary(BinaryOp::Less, name("grid.frequency"), text("49.8 Hz")));
    assert_eq!(world.truth(&low, 0).0, None);
    world.set(F, 1, 49.7);
    let (truth, next) = world.truth(&low, 2);
    assert_eq!(truth, Some(true));
    assert_eq!(next, at(6).after(Span::from_nanos(1)), "it grows old after 5 s");
    assert_eq!(world.truth(&low, 6).0, Some(true));
    assert_eq!(world.truth(&low, 7).0, None);
}

#[test]
fn a_hot_sensor_decides_although_the_other_is_gone() {
    let mut world = World::new();
    let both = call("max", alloc::vec![name("battery.a"), name("battery.b")]);
    let hot = world.program(&binary(BinaryOp::Greater, both, text("50 °C")));
    world.set(A, 0, 60.0);
    assert_eq!(world.truth(&hot, 0).0, Some(true));
    world.set(A, 0, 40.0);
    assert_eq!(world.truth(&hot, 0).0, None, "the missing one may be hot");
    world.set(B, 0, 30.0);
    assert_eq!(world.truth(&hot, 0).0, Some(false));
    world.snapshot.set(&Sample::bad(B, Reason::Offline, at(1), 2));
    assert_eq!(world.truth(&hot, 1).0, None);
}

#[test]
fn ages_and_since_know_when_they_will_cross() {
    let mut world = World::new();
    let old = world.program(&binary(
        BinaryOp::Greater,
        call("age", alloc::vec![name("grid.frequency")]),
        text("3 s"),
    ));
    world.set(F, 10, 50.0);
    let (truth, next) = world.truth(&old, 11);
    assert_eq!((truth, next), (Some(false), at(13).after(Span::from_nanos(1))));
    let mut none = Mono::MAX;
    let seen = Seen {
        snapshot: &world.snapshot,
        trackers: &world.trackers,
        now: next,
        changed: &[],
        active_since: None,
    };
    assert_eq!(old.truth(&seen, &mut none), Some(true));
}

#[test]
fn a_clock_that_nobody_believes_any_more_wakes_nobody() {
    let mut world = World::new();
    let night = world.program(&call("between", alloc::vec![text("22:00"), text("03:00")]));
    world.wall = Wall { at: at(0), utc: Utc::from_millis(1_780_000_000_000), trusted: true };
    world.trackers.tick(at(0), &world.wall, &world.catalog, true);
    assert!(world.truth(&night, 1).0.is_some());
    assert_ne!(world.trackers.next(), Mono::MAX, "it waits for the next edge");
    world.wall.trusted = false;
    world.trackers.tick(at(2), &world.wall, &world.catalog, true);
    assert_eq!((world.truth(&night, 3).0, world.trackers.next()), (None, Mono::MAX));
}

#[test]
fn the_rate_of_a_counter_is_unknown_while_its_reset_lies_in_the_time() {
    let mut world = World::new();
    let energy = PointId(3);
    let rising = call("rate", alloc::vec![name("heater.energy"), text("1min")]);
    let falls = world.program(&binary(BinaryOp::Less, rising.clone(), text("0 W")));
    let heats = world.program(&binary(BinaryOp::Greater, rising, text("3 kW")));
    // 1 Wh a second is 3.6 kW; after two minutes the meter begins anew.
    let mut said = Vec::new();
    for second in 0..240_u64 {
        let shown = if second < 120 { 5000 + second } else { second - 120 };
        world.set(energy, second, shown as f64);
        assert_ne!(world.truth(&falls, second).0, Some(true), "second {second}");
        said.push(world.truth(&heats, second).0);
    }
    assert!(said[40..120].iter().all(|truth| *truth == Some(true)));
    assert!(said[120..180].iter().all(Option::is_none), "{:?}", &said[120..180]);
    assert!(said[182..].iter().all(|truth| *truth == Some(true)));
}

#[test]
fn used_counts_from_the_last_time_of_day_and_survives_a_reset_of_the_meter() {
    let mut world = World::new();
    world.catalog.zone = crate::almanac::Zone::get("Europe/Paris").unwrap();
    // 2026-06-01 15:00 in Paris.
    let start = Utc::from_millis(1_780_318_800_000);
    world.wall = Wall { at: at(0), utc: start, trusted: true };
    let heater = PointId(3);
    let used = call("used", alloc::vec![name("heater.energy"), text("16:00")]);
    let enough = world.program(&binary(BinaryOp::GreaterOrEqual, used, text("3 kWh")));
    world.trackers.tick(at(0), &world.wall, &world.catalog, true);
    world.set(heater, 10, 100_000.0);
    assert_eq!(world.truth(&enough, 20).0, None, "what was used before the first 16:00 is not known");
    assert_eq!(world.truth(&enough, 3600).0, Some(false), "16:00 has come");
    world.set(heater, 4000, 102_000.0);
    world.set(heater, 5000, 500.0);
    world.set(heater, 6000, 1_400.0);
    assert_eq!(world.truth(&enough, 6000).0, Some(false));
    // Another meter, far ahead: what it shows at first is no gain.
    world.trackers.replaced(heater);
    world.set(heater, 6500, 900_000.0);
    assert_eq!(world.truth(&enough, 6500).0, Some(false));
    world.set(heater, 7000, 900_200.0);
    assert_eq!(world.truth(&enough, 7000).0, Some(true));
}

#[test]
fn a_counter_that_comes_back_after_the_time_of_day_did_not_gain_all_it_shows() {
    let mut world = World::new();
    // 15:00 and then 16:00, by UTC.
    let start = Utc::from_millis(1_780_326_000_000);
    world.wall = Wall { at: at(0), utc: start, trusted: true };
    let heater = PointId(3);
    let used = call("used", alloc::vec![name("heater.energy"), text("16:00")]);
    let any = world.program(&binary(BinaryOp::Greater, used.clone(), text("0.2 kWh")));
    let some = world.program(&binary(BinaryOp::Greater, used, text("0.05 kWh")));
    world.trackers.tick(at(0), &world.wall, &world.catalog, true);
    world.set(heater, 10, 100_000.0);
    assert_eq!(world.truth(&any, 3600).0, Some(false), "16:00 has come");
    world.set(heater, 89_990, 0.0);
    world.set(heater, 89_995, 300.0);
    assert_eq!(world.truth(&any, 89_996).0, Some(true), "as of a counter that was reset");
    assert_eq!(world.truth(&some, 90_000).0, Some(false), "16:00 has come again");
    world.set(heater, 90_010, 100_100.0);
    assert_eq!((world.truth(&any, 90_010).0, world.truth(&some, 90_010).0), (Some(false), Some(true)));
}

#[test]
fn every_mistake_is_told_with_what_to_do() {
    let catalog = catalog();
    let frequency = || name("grid.frequency");
    for (wrong, code, help) in [
        (
            binary(BinaryOp::Less, name("gird.frequency"), text("49 Hz")),
            "expr::unknown_name",
            "did you mean `grid.frequency`?",
        ),
        (
            binary(BinaryOp::Less, frequency(), text("230 V")),
            "expr::dimension",
            "one side is in Hz, the other in V",
        ),
        (
            binary(BinaryOp::Less, frequency(), text("49,8 Hz")),
            "expr::quantity",
            "write a point: \"49.8 Hz\"",
        ),
        (
            binary(BinaryOp::Equal, name("linky.period"), text("offpeak")),
            "expr::unknown_word",
            "did you mean \"off_peak\"?",
        ),
        (binary(BinaryOp::Less, name("pump"), text("1 W")), "expr::type", "read `pump.state`"),
        (call("average", alloc::vec![frequency()]), "expr::unknown_function", "conditions know"),
        (call("used", alloc::vec![frequency(), text("16:00")]), "expr::not_a_counter", "counter: true"),
        (frequency(), "", ""),
    ] {
        match checked(&wrong, &catalog) {
            Ok(program) => assert!(code.is_empty(), "{wrong:?} gave {program:?}"),
            Err(problems) => {
                let problem = problems.first().unwrap();
                assert_eq!(problem.code, code);
                assert!(problem.help.as_deref().unwrap_or("").contains(help), "{problem:?}");
            }
        }
    }
}

#[test]
fn bare_numbers_take_the_unit_they_meet() {
    let catalog = catalog();
    let three = expr(ExprKind::Number(3.0));
    let program = checked(&binary(BinaryOp::Greater, name("heater.energy"), three), &catalog).unwrap();
    assert_eq!(program.thresholds[0].value, Finite::from(3000));
    assert!(program.notes[0].1.contains("3 is read as 3 kWh"));
    // On whichever side a factor stands.
    let (two, energy) = (|| expr(ExprKind::Number(2.0)), || name("heater.energy"));
    for product in [
        binary(BinaryOp::Multiply, two(), energy()),
        binary(BinaryOp::Multiply, energy(), two()),
        binary(BinaryOp::Divide, energy(), two()),
    ] {
        let six = expr(ExprKind::Number(6.0));
        let program = checked(&binary(BinaryOp::Greater, product, six), &catalog).unwrap();
        assert!(program.notes[0].1.contains("6 is read as 6 kWh"), "{:?}", program.notes);
    }
}

#[test]
fn a_temperature_and_a_difference_of_two_are_two_kinds() {
    let mut catalog = catalog();
    catalog.add_point(point("heat.spread", "K", Some(10))).unwrap();
    let (a, b, spread) = (|| name("battery.a"), || name("battery.b"), || name("heat.spread"));
    let minus = |left, right| binary(BinaryOp::Subtract, left, right);
    let plus = |left, right| binary(BinaryOp::Add, left, right);
    let above = |left, right| binary(BinaryOp::Greater, left, right);
    let difference = || minus(a(), b());
    let half = || binary(BinaryOp::Divide, difference(), expr(ExprKind::Number(2.0)));
    for good in [
        above(a(), text("50 °C")),
        above(spread(), text("5 K")),
        // What is computed from two temperatures goes with both units, as it always did with °C.
        above(difference(), text("5 °C")),
        above(difference(), text("5 K")),
        above(text("5 K"), difference()),
        above(half(), text("5 K")),
        above(plus(difference(), minus(b(), a())), text("5 K")),
        above(expr(ExprKind::Negate(Box::new(difference()))), spread()),
        above(minus(spread(), difference()), text("1 K")),
        // A temperature that is moved by a difference is a temperature.
        above(plus(a(), text("5 K")), text("50 °C")),
        above(minus(a(), spread()), b()),
        above(plus(spread(), a()), text("50 °C")),
        above(minus(plus(a(), text("5 K")), b()), text("5 K")),
        above(call("max", alloc::vec![difference(), minus(b(), a())]), text("5 K")),
    ] {
        assert!(checked(&good, &catalog).is_ok(), "{good:?}: {:?}", checked(&good, &catalog));
    }
    for wrong in [
        // 323 K would never be reached by a tank in °C.
        above(a(), text("323 K")),
        above(spread(), text("5 °C")),
        above(spread(), a()),
        above(plus(difference(), a()), text("50 K")),
        above(minus(a(), text("5 K")), text("50 K")),
        minus(spread(), a()),
        above(call("max", alloc::vec![a(), difference()]), text("5 K")),
        above(binary(BinaryOp::Multiply, a(), expr(ExprKind::Number(2.0))), text("5 K")),
    ] {
        let problems = checked(&wrong, &catalog).expect_err("two kinds");
        assert_eq!(problems[0].code, "expr::dimension", "{wrong:?}");
        assert!(problems[0].help.as_deref().unwrap().contains("K is for the difference"), "{problems:?}");
    }
    let value = checked(&difference(), &catalog).unwrap();
    assert!(value.is_difference && !checked(&a(), &catalog).unwrap().is_difference);
}

proptest::proptest! {
    /// A condition says the same however often it is evaluated in between, and never changes before its deadline.
    #[test]
    fn nothing_changes_before_the_deadline(values in proptest::collection::vec((0u64..20, 45.0f64..55.0), 1..40)) {
        let mut world = World::new();
        let mean = call("avg", alloc::vec![name("grid.frequency"), text("10s")]);
        let program = world.program(&binary(
            BinaryOp::Or,
            binary(BinaryOp::Less, mean, text("49.8 Hz")),
            binary(BinaryOp::Greater, call("age", alloc::vec![name("grid.frequency")]), text("4 s")),
        ));
        let mut now = 0;
        for (wait, value) in values {
            let (truth, next) = world.truth(&program, now);
            let next = next.min(world.trackers.next());
            for second in now..now + wait {
                if at(second) < next {
                    let mut ignored = Mono::MAX;
                    let seen = Seen { snapshot: &world.snapshot, trackers: &world.trackers, now: at(second), changed: &[], active_since: None };
                    proptest::prop_assert_eq!(program.truth(&seen, &mut ignored), truth);
                }
            }
            now += wait;
            world.set(F, now, value);
        }
    }
}

#[test]
fn what_decided_is_what_made_it_true() {
    let mut world = World::new();
    let hot = || {
        binary(
            BinaryOp::Greater,
            call("max", alloc::vec![name("battery.a"), name("battery.b")]),
            text("50 °C"),
        )
    };
    let fast = || binary(BinaryOp::Greater, name("grid.frequency"), text("60 Hz"));
    let either = world.program(&binary(BinaryOp::Or, fast(), hot()));
    let both = world.program(&binary(BinaryOp::And, hot(), fast()));
    let than = world.program(&binary(BinaryOp::Greater, name("battery.a"), name("battery.b")));
    let not = world.program(&expr(ExprKind::Not(Box::new(binary(BinaryOp::And, fast(), hot())))));
    let decided = |world: &World, program: &Program| {
        let seen = Seen {
            snapshot: &world.snapshot,
            trackers: &world.trackers,
            now: at(1),
            changed: &[],
            active_since: None,
        };
        program.decided_by(&seen)
    };
    world.set(F, 1, 59.0);
    world.set(A, 1, 49.0);
    assert_eq!(decided(&world, &either), Some(B), "unknown: what is unknown");
    world.set(A, 1, 51.0);
    assert_eq!(decided(&world, &either), Some(A), "the known one of `max` is too hot already");
    assert_eq!(decided(&world, &both), Some(F), "the part that is false");
    assert_eq!(decided(&world, &not), Some(F), "the part that is false makes `not` true");
    world.set(B, 1, 55.0);
    assert_eq!(decided(&world, &either), Some(B), "the hotter one, and not the bigger number");
    assert_eq!(decided(&world, &than), Some(A), "what is compared, and not what with");
}
