//! Bodies by themselves: what they read, ask and how they end.

use crate::compiled;
use crate::site::{output, point_id, site};
use ballast_engine::bodies::{Asked, Bodies, BodyContext, BodyOutcome};
use ballast_model::catalog::Catalog;
use ballast_model::expr::Trackers;
use ballast_model::{Finite, Mono, PointId, Sample, Snapshot, Value, Wanted};
use std::sync::Arc;

struct World {
    catalog: Arc<Catalog>,
    snapshot: Snapshot,
    now: Mono,
}

impl World {
    fn new(points: &[(&str, f64)]) -> Self {
        let catalog = site();
        let mut snapshot = Snapshot::new(&catalog);
        for (name, value) in points {
            let point = point_id(&catalog, name);
            let base = catalog.point(point).unwrap().unit().to_base(*value).unwrap();
            snapshot.set(&Sample::good(point, Value::Number(base), Mono::ZERO, 1));
        }
        Self { catalog, snapshot, now: Mono::ZERO }
    }

    fn point(&self, name: &str) -> PointId {
        point_id(&self.catalog, name)
    }

    /// Runs the first body of a file.
    fn run(&self, text: &str) -> (BodyOutcome, Asked) {
        let mut compiled = compiled(text);
        assert!(!compiled.has_mistakes(), "{:#?}", compiled.diagnostics);
        let context = BodyContext {
            catalog: &self.catalog,
            snapshot: &self.snapshot,
            trackers: &Trackers::default(),
            now: self.now,
            rule: Some(0),
            active_since: Some(Mono::ZERO),
        };
        let mut asked = Asked::default();
        let first = ballast_engine::plan::BodyId(0);
        (compiled.bodies.run(first, &context, &mut asked), asked)
    }
}

fn rule(body: &str) -> String {
    format!("rule \"x\" when plain.level > 3 until plain.level < 2 {{ {body} }}")
}

fn level(asked: &Asked) -> f64 {
    match asked.requests.as_slice() {
        [request] => match request.wanted {
            Wanted::Level(level) => level.get(),
            Wanted::Contact(_) => panic!("{asked:?}"),
        },
        _ => panic!("{asked:?}"),
    }
}

#[test]
fn a_reading_is_a_number_in_the_unit_of_its_point() {
    let world = World::new(&[("water_heater.energy", 3.25), ("battery.soc", 50.0)]);
    let (outcome, asked) = world.run(&rule("set(pv.limit, water_heater.energy * 100.0);"));
    assert_eq!(outcome, BodyOutcome::Done);
    assert!((level(&asked) - 325.0).abs() < 1e-9, "3.25 kWh is read as 3.25");
    let (_, asked) =
        world.run(&rule("let low = battery.soc < \"60 %\"; if low { set(pv.limit, \"1.5 kW\"); }"));
    assert!((level(&asked) - 1500.0).abs() < 1e-9);
}

#[test]
fn a_text_that_is_computed_is_a_quantity_at_run_time() {
    let world = World::new(&[("plain.level", 3.0)]);
    let (outcome, asked) = world.run(&rule("set(pv.limit, `${plain.level} kW`);"));
    assert_eq!(outcome, BodyOutcome::Done);
    assert!((level(&asked) - 3000.0).abs() < 1e-9);
    let (outcome, _) = world.run(&rule("set(pv.limit, `${plain.level} A`);"));
    assert!(matches!(outcome, BodyOutcome::Failed { message, .. } if message.contains("no value in W")));
}

#[test]
fn an_unknown_value_matters_only_when_it_is_read() {
    let world = World::new(&[("plain.level", 1.0)]);
    let body = "if plain.level > 2 { set(pv.limit, battery.soc); } else { close(lamp); }";
    let (outcome, asked) = world.run(&rule(body));
    assert_eq!((outcome, asked.requests.len()), (BodyOutcome::Done, 1));
    let world = World::new(&[("plain.level", 3.0)]);
    let (outcome, _) = world.run(&rule(body));
    assert_eq!(outcome, BodyOutcome::Unknown(world.point("battery.soc")));
}

#[test]
fn the_unknown_point_of_something_computed_is_named() {
    let world = World::new(&[("plain.level", 1.0)]);
    let (outcome, _) = world.run(&rule("set(pv.limit, avg(site.surplus, \"1min\"));"));
    assert_eq!(outcome, BodyOutcome::Unknown(world.point("site.surplus")));
    let (outcome, _) = world.run(&rule("if between(\"22:00\", \"06:00\") { close(lamp); }"));
    assert_eq!(outcome, BodyOutcome::Unknown(ballast_rules::CLOCK));
}

#[test]
fn something_can_stand_in_for_an_unknown_value() {
    let world = World::new(&[("plain.level", 7.0)]);
    let (outcome, asked) =
        world.run(&rule("set(pv.limit, or_else(avg(site.surplus, \"1min\"), plain.level));"));
    assert_eq!(outcome, BodyOutcome::Done);
    assert!((level(&asked) - 7.0).abs() < 1e-9);
    let (_, asked) = world.run(&rule("set(pv.limit, or_else(site.surplus, \"2 kW\"));"));
    assert!((level(&asked) - 2000.0).abs() < 1e-9);
    let (_, asked) = world.run(&rule("if known(site.surplus) { close(lamp); } else { close(pump); }"));
    assert_eq!(asked.requests[0].output, output(&world.catalog, "pump"));
}

#[test]
fn a_failure_says_what_and_where() {
    let world = World::new(&[("plain.level", 0.0), ("pv.power", 100.0), ("battery.voltage", 0.0)]);
    let (outcome, _) = world
        .run("rule \"x\" when plain.level > 3 until plain.level < 2 {\n    let n = 0;\n    n = 1 / n;\n}");
    let BodyOutcome::Failed { message, place } = outcome else { panic!("{outcome:?}") };
    assert_eq!(message, "a division by zero");
    assert_eq!(&*place, "test.rhai:3:11");
    let (outcome, _) = world.run(
        "fn half(x) { x / (x - x) }\nrule \"x\" when plain.level > 3 until plain.level < 2 { half(1); }",
    );
    let BodyOutcome::Failed { place, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(&*place, "test.rhai:1:16", "inside the function");
    for (body, what) in [
        ("loop { }", "used up its"),
        ("let w = plain.level; if w == \"a\" { }", "a number cannot be compared with a text"),
        (
            "if plain.level { }",
            "a condition is needed here, not a number: compare it with something, as in `x > 0`",
        ),
        ("for i in 0..plain.level { }", "a range counts in whole numbers: write `int(x)` around its ends"),
        ("for i in plain.level { }", "`for` goes through a range or a list"),
        (
            "let list = [1, 2]; set(pv.limit, list[pv.power]);",
            "a whole number is needed here, not one with a fraction: write `int(x)` around it",
        ),
        ("let list = [1, 2]; set(pv.limit, list[7]);", "no element 7: the first one is 0, the last one 1"),
        ("let x = [1, 2]; set(pv.limit, x * 2);", "`*` cannot be used with a list and a whole number"),
        ("let x = 1; let y = !x;", "`!` cannot be used with a whole number"),
        ("let x = 9223372036854775807; x = x + 1;", "a number grew too large"),
        ("throw \"enough\";", "enough"),
        ("set(pv.limit, 1.0 / plain.level);", "a division by zero"),
        ("if pv.power / plain.level > 10 { close(lamp); }", "a division by zero"),
        ("if pv.power / battery.voltage > \"3 A\" { close(lamp); }", "a division by zero"),
        ("let x = 3.0; x /= plain.level;", "a division by zero"),
        ("let x = 3; x %= int(plain.level);", "a division by zero"),
        ("let x = 1e300 * pv.power; x *= 1e300;", "a number grew too large"),
        ("let x = 1e308; x += x;", "a number grew too large"),
        ("set(pv.limit, [1]);", "a number is needed here, not a list"),
    ] {
        let (outcome, _) = world.run(&rule(body));
        assert!(
            matches!(&outcome, BodyOutcome::Failed { message, .. } if message.contains(what)),
            "{body}: {outcome:?}"
        );
    }
}

#[test]
fn what_the_words_of_a_failure_say_to_write_runs() {
    let world = World::new(&[("plain.level", 2.5)]);
    for body in [
        "for i in 0..int(plain.level) { close(lamp); }",
        "let list = [1, 2, 3]; set(pv.limit, list[int(plain.level)]);",
    ] {
        assert_eq!(world.run(&rule(body)).0, BodyOutcome::Done, "{body}");
    }
}

#[test]
fn whole_numbers_are_divided_as_everywhere_else() {
    let world = World::new(&[("plain.level", 3.0)]);
    let (_, asked) = world.run(&rule("let parts = 4; set(pv.limit, 10 / parts);"));
    assert!((level(&asked) - 2.5).abs() < 1e-9, "{asked:?}");
    let (_, asked) = world.run(&rule("let n = 7 % 4; set(pv.limit, n);"));
    assert!((level(&asked) - 3.0).abs() < 1e-9);
    let (_, asked) = world.run(&rule("let x = 10; x /= 4; set(pv.limit, x);"));
    assert!((level(&asked) - 2.5).abs() < 1e-9, "{asked:?}");
}

#[test]
fn literal_requests_do_not_enter_the_scripting_engine() {
    let simple = compiled(&rule(
        "close(lamp); set(pv.limit, 2 * 1000); shed(\"homes\", \"25 %\"); notify(\"{plain.level}\");",
    ));
    assert_eq!(simple.bodies.counts(), (1, 1));
    let script = compiled(&rule("if plain.level > 4 { close(lamp); }"));
    assert_eq!(script.bodies.counts(), (0, 1));
}

#[test]
fn what_a_body_reads_and_moves_is_known_at_load() {
    let catalog = site();
    let text = rule(
        "set(pv.limit, avg(site.surplus, \"1min\")); if linky.period == \"peak\" { open(lamp); } notify(\"{battery.soc}\");",
    );
    let compiled = compiled(&text);
    let found = &compiled.rules[0];
    let points: Vec<PointId> = ["linky.period", "site.surplus"].map(|name| point_id(&catalog, name)).to_vec();
    assert_eq!(found.body_reads, points, "a text alone does not run a body again");
    assert_eq!(found.body_follows.len(), 1);
    let outputs = ["pv.limit", "lamp"].map(|name| output(&catalog, name));
    assert_eq!(found.writes, outputs);
}

#[test]
fn hashes_tell_a_changed_condition_from_a_changed_rule() {
    let of = |text: &str| {
        let compiled = compiled(text);
        assert!(!compiled.has_mistakes(), "{:#?}", compiled.diagnostics);
        (compiled.rules[0].condition_hash, compiled.rules[0].text_hash)
    };
    let first = of("rule \"x\" when plain.level > 3 until plain.level < 2 { close(lamp); }");
    let spaced =
        of("// a comment\n\nrule \"x\"\n  when plain.level>3\n  until (plain.level < 2) { close(lamp); }");
    assert_eq!(first.0, spaced.0, "spaces, comments and brackets change no condition");
    let body = of("rule \"x\" when plain.level > 3 until plain.level < 2 { open(lamp); }");
    assert_eq!(first.0, body.0);
    assert_ne!(first.1, body.1);
    let held = of("rule \"x\" when plain.level > 3 for \"1s\" until plain.level < 2 { close(lamp); }");
    assert_ne!(first.0, held.0);
    let constant = |value: &str| {
        of(&format!(
            "const A = {value};\nrule \"x\" when plain.level > A until plain.level < 2 {{ close(lamp); }}"
        ))
    };
    assert_ne!(constant("3").0, constant("4").0, "a constant is part of the condition");
    assert_eq!(constant("3").0, first.0);
    let function = |value: &str| {
        of(&format!(
            "fn f(x) {{ x * {value} }}\nrule \"x\" when plain.level > 3 until plain.level < 2 {{ set(pv.limit, f(2)); }}"
        ))
    };
    assert_eq!(function("3").0, function("4").0);
    assert_ne!(function("3").1, function("4").1, "a function is part of the rules that use it");
}

#[test]
fn a_finite_number_of_things_can_be_asked() {
    let world = World::new(&[("plain.level", 1.0)]);
    let (outcome, _) = world.run(&rule("for i in 0..2000 { notify(`${i}`); }"));
    assert!(matches!(outcome, BodyOutcome::Failed { message, .. } if message.contains("too many things")));
    assert_eq!(Finite::from(1), crate::site::finite(1.0));
}

#[test]
fn a_record_keeps_the_values_of_its_points_and_that_some_are_unknown() {
    let world = World::new(&[("battery.soc", 40.0), ("pv.power", 1_500.0)]);
    let (outcome, asked) = world.run(
        "every \"1min\" { record(\"means\", [pv.power, battery.voltage, battery.soc]); record(\"bare\"); }",
    );
    assert_eq!(outcome, BodyOutcome::Done, "an unknown value does not end the run");
    let [means, bare] = asked.records.as_slice() else { panic!("{asked:?}") };
    let number = |number: f64| Some(Value::Number(Finite::new(number).unwrap()));
    let expected = [("pv.power", number(1_500.0)), ("battery.voltage", None), ("battery.soc", number(40.0))];
    assert_eq!(means.name, "means");
    assert_eq!(means.values, expected.map(|(name, value)| (world.point(name), value)));
    assert_eq!((bare.name.as_str(), bare.values.len()), ("bare", 0));
}

#[test]
fn since_is_read_as_the_time_that_has_passed() {
    let mut world = World::new(&[]);
    let since = world.point("pump.since");
    // The pump was switched a minute and a half ago.
    let moment = Value::Number(Finite::new(1000.0).unwrap());
    world.snapshot.set(&Sample::good(since, moment, Mono::from_millis(1_000_000), 1));
    world.now = Mono::from_millis(1_090_000);
    let (_, asked) = world.run(&rule("notify(\"for {pump.since}\"); set(pv.limit, pump.since);"));
    assert_eq!(asked.notices[0].text, "for 1 min 30 s");
    assert!((level(&asked) - 90.0).abs() < 1e-9);
    let (_, asked) = world.run("every \"1min\" { record(\"ages\", [pump.since]); }");
    let seconds = asked.records[0].values[0].1.and_then(Value::number).unwrap();
    assert!((seconds.get() - 90.0).abs() < 1e-9, "seconds, as its unit says: {seconds}");
}
