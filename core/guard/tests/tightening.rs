//! A changed limit: a stricter one acts at once, a looser one waits, and one that is neither holds beside the old one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::LimitAction;
use ballast_guard::{GuardEvent, OperatorCommand, Replaced, ResetWhat, Taken};
use ballast_model::catalog::{Kind, Origin, PointSpec};
use ballast_model::expr::{BinaryOp, Expr};
use ballast_model::intent::Cause;
use ballast_model::{OutputId, PointId, Wanted};
use kit::*;
use proptest::prelude::*;
use std::sync::Arc;

const HEATER: OutputId = OutputId(0);
const WARMTH: PointId = PointId(0);

/// What of a limit may be edited.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edit {
    when: i32,
    hold: u64,
    until: i32,
    until_hold: u64,
    latch: bool,
    /// `when 62 < t` for `when t > 62`: another shape of the same.
    is_turned: bool,
}

const OLD: Edit = Edit { when: 62, hold: 0, until: 58, until_hold: 2, latch: false, is_turned: false };

/// A heater that must not run while the tank is too hot; `up`: while it is too cold (all signs the other way round).
fn site(edit: Edit, up: bool, fingerprint: u64) -> Site {
    let sign = if up { 1 } else { -1 };
    let degrees = |at: i32| format!("{} °C", sign * at);
    let (over, under) =
        if up { (BinaryOp::Greater, BinaryOp::Less) } else { (BinaryOp::Less, BinaryOp::Greater) };
    let mut site = Site::new();
    site.point("tank.temperature", "°C", Some(secs(100_000)));
    site.contact("heater");
    let subject = || name("tank.temperature");
    let when = if edit.is_turned {
        let negated = |expr: Expr| call_not(compare(expr, under, &degrees(edit.when)));
        negated(subject())
    } else {
        compare(subject(), over, &degrees(edit.when))
    };
    let limit = site.limit("tank too hot", &when, &[(HEATER, OPEN)]);
    site.held(limit, secs(edit.hold));
    site.until(limit, &compare(subject(), under, &degrees(edit.until)), secs(edit.until_hold));
    if edit.latch {
        site.latched(limit);
    }
    site.set.fingerprint = fingerprint;
    site
}

fn call_not(expr: Expr) -> Expr {
    Expr { span: expr.span, kind: ballast_model::expr::ExprKind::Not(Box::new(expr)) }
}

fn replace(bench: &mut Bench, site: &Site) -> Replaced {
    let catalog = Arc::new(site.catalog.clone());
    let replaced = bench.guard.replace(catalog, site.set.clone(), false, bench.now);
    bench.out.reserve(bench.guard.output_capacity());
    bench.step(&[]);
    bench.settle();
    replaced
}

/// The heater runs, at this temperature (mirrored where the limit is).
fn running(edit: Edit, up: bool, warmth: f64) -> Bench {
    let mut bench = site(edit, up, 1).bench();
    bench.set(WARMTH, if up { warmth } else { -warmth });
    bench.ask(HEATER, CLOSED);
    bench
}

fn names(bench: &Bench) -> Vec<String> {
    bench.guard.safety_set().limits.iter().map(|limit| limit.name.to_string()).collect()
}

#[test]
fn a_lower_threshold_acts_at_once_whatever_its_sign() {
    for up in [true, false] {
        let mut bench = running(OLD, up, 45.0);
        assert_eq!(bench.is(HEATER), CLOSED, "{up}");
        let replaced = replace(&mut bench, &site(Edit { when: 42, until: 38, ..OLD }, up, 2));
        assert_eq!((replaced.taken, &replaced.loosenings[..]), (Taken::Whole, &[][..]), "{up}");
        assert_eq!(bench.is(HEATER), OPEN, "{up}: the stricter limit does not act");
        bench.set(WARMTH, if up { 40.0 } else { -40.0 });
        bench.pass(secs(10));
        assert_eq!(bench.is(HEATER), OPEN, "{up}: the earlier end let go");
    }
}

/// A sensor that stands still is not believed again because a file was saved: else its limit would let go with every edit.
#[test]
fn a_sensor_that_is_stuck_stays_so_over_a_reload() {
    let stuck = |fingerprint| {
        let mut site = site(OLD, true, fingerprint);
        site.catalog.points[WARMTH.index()].stuck_after = Some(secs(5));
        site
    };
    let mut bench = stuck(1).bench();
    bench.set(WARMTH, 45.0);
    bench.ask(HEATER, CLOSED);
    bench.pass(secs(6));
    assert_eq!(bench.is(HEATER), CLOSED);
    bench.set(WARMTH, 45.0);
    assert_eq!(bench.is(HEATER), OPEN, "what stands still is unknown");
    replace(&mut bench, &stuck(2));
    for _ in 0..4 {
        bench.set(WARMTH, 45.0);
        bench.pass(secs(1));
        assert_eq!(bench.is(HEATER), OPEN, "the reload believes it again");
    }
    bench.set(WARMTH, 45.5);
    bench.pass(secs(3));
    assert_eq!(bench.is(HEATER), CLOSED, "it moves again");
}

#[test]
fn who_confirms_reads_both_conditions() {
    let mut bench = running(OLD, true, 20.0);
    let row = |replaced: &Replaced| {
        let row = &replaced.loosenings[0];
        format!("{} from {} to {}", row.key, row.old, row.new)
    };
    let replaced = replace(&mut bench, &site(Edit { when: 64, ..OLD }, true, 2));
    assert_eq!(row(&replaced), "when from tank.temperature > 62 °C to tank.temperature > 64 °C");
    let replaced = replace(&mut bench, &site(Edit { when: 70, is_turned: true, ..OLD }, true, 3));
    assert_eq!(row(&replaced), "when from tank.temperature > 62 °C to !(tank.temperature < 70 °C)");
    let replaced = replace(&mut bench, &site(Edit { until: 60, ..OLD }, true, 4));
    assert_eq!(row(&replaced), "until from tank.temperature < 58 °C to tank.temperature < 60 °C");
}

#[test]
fn one_that_is_neither_stricter_nor_weaker_holds_beside_the_old_one_under_its_own_name() {
    // Acts earlier, but ends earlier and waits for nobody.
    let old = Edit { latch: true, ..OLD };
    let new = site(Edit { when: 42, until: 60, until_hold: 0, ..OLD }, true, 2);
    let mut bench = running(old, true, 45.0);
    let replaced = replace(&mut bench, &new);
    assert_eq!((replaced.taken, replaced.waits_for), (Taken::Tightenings, Some(2)));
    assert_eq!(names(&bench), ["tank too hot", "tank too hot (2)"]);
    assert_eq!(bench.verdict(HEATER).cause, Cause::Limit(1), "the new one does not act");
    assert!(bench.has(|event| matches!(event, GuardEvent::LimitActed { limit: 1, .. })));
    // Again, as at every save of another file: nothing is added twice.
    replace(&mut bench, &new);
    assert_eq!(names(&bench), ["tank too hot", "tank too hot (2)"]);
    // Both act; the new one ends, the old one waits for a person.
    bench.set(WARMTH, 63.0);
    bench.set(WARMTH, 30.0);
    bench.pass(secs(5));
    assert_eq!((bench.is(HEATER), bench.verdict(HEATER).cause), (OPEN, Cause::Latched));
    bench.operator(OperatorCommand::Reset(ResetWhat::Limit(0)));
    assert_eq!(bench.is(HEATER), CLOSED, "{:?}", bench.verdict(HEATER));
    // Confirmed while the new one acts between its end and its beginning: it goes on under its own name.
    bench.set(WARMTH, 61.0);
    assert_eq!(bench.is(HEATER), OPEN);
    bench.operator(OperatorCommand::Confirm(2));
    assert!(bench.guard.adopt_confirmed(bench.now).is_some());
    bench.step(&[]);
    bench.settle();
    assert_eq!((names(&bench), bench.is(HEATER)), (vec!["tank too hot".to_string()], OPEN));
    bench.set(WARMTH, 41.0);
    assert_eq!(bench.is(HEATER), CLOSED);
}

#[test]
fn what_acts_beside_another_goes_on_when_the_set_is_confirmed() {
    // The new one alone acts, and is between its end and its beginning when it takes over.
    let new = site(Edit { when: 42, until: 38, until_hold: 1, ..OLD }, true, 2);
    let mut bench = running(OLD, true, 45.0);
    replace(&mut bench, &new);
    bench.set(WARMTH, 40.0);
    assert_eq!((bench.is(HEATER), names(&bench).len()), (OPEN, 2));
    bench.operator(OperatorCommand::Confirm(2));
    assert!(bench.guard.adopt_confirmed(bench.now).is_some());
    bench.step(&[]);
    bench.pass(secs(20));
    assert_eq!((bench.is(HEATER), names(&bench).len()), (OPEN, 1), "confirming let go what acted");
}

#[test]
fn versions_beside_a_limit_are_bounded() {
    let mut bench = running(OLD, true, 20.0);
    for round in 0..30 {
        let edit = Edit { when: 60 - round, until_hold: 0, until: 20 + round, latch: round % 2 == 0, ..OLD };
        replace(&mut bench, &site(edit, true, 2 + round as u64));
    }
    let most = ballast_guard::bounds::LIMITS_BESIDE + 1;
    assert_eq!(names(&bench).len(), most, "{:?}", names(&bench));
    assert!(matches!(bench.guard.safety_set().limits[0].action, LimitAction::Force { .. }));
}

fn edits() -> impl Strategy<Value = Edit> {
    let numbers = (40..80_i32, 0..4_u64, 20..39_i32, 0..4_u64);
    (numbers, any::<bool>(), any::<bool>()).prop_map(|((when, hold, until, until_hold), latch, is_turned)| {
        Edit { when, hold, until, until_hold, latch, is_turned }
    })
}

/// At least as strict in everything, and of the same shape.
fn is_stricter(old: Edit, new: Edit) -> bool {
    new.when <= old.when
        && new.hold <= old.hold
        && new.until <= old.until
        && new.until_hold >= old.until_hold
        && (new.latch || !old.latch)
        && old.is_turned == new.is_turned
}

/// Drives benches through the same temperatures; after each, whether the heater runs.
fn driven(bench: &mut Bench, up: bool, warmth: i32) -> bool {
    bench.set(WARMTH, f64::from(if up { warmth } else { -warmth }));
    bench.pass(secs(1));
    bench.is(HEATER) == CLOSED
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the edit: while it waits, the heater runs only where it would run under the old limit *and* under the new
    /// one; what only tightens is in force whole, and what only loosens changes nothing.
    #[test]
    fn an_edit_never_weakens_and_tightens_at_once(
        old in edits(), new in edits(), up in any::<bool>(),
        before in 20..80_i32, after in prop::collection::vec(15..85_i32, 1..30),
    ) {
        let mut edited = running(old, up, f64::from(before));
        let mut under_old = running(old, up, f64::from(before));
        let mut under_new = running(old, up, f64::from(before));
        driven(&mut edited, up, before);
        driven(&mut under_old, up, before);
        let replaced = replace(&mut edited, &site(new, up, 2));
        // The new one from the same moment, knowing nothing of what was.
        under_new.guard = ballast_guard::Guard::new(
            Arc::new(site(new, up, 2).catalog), site(new, up, 2).set, under_new.now,
        );
        under_new.session = 0;
        under_new.ask(HEATER, CLOSED);
        for bench in [&mut edited, &mut under_old, &mut under_new] {
            driven(bench, up, before);
        }
        prop_assert_eq!(replaced.taken == Taken::Whole, is_stricter(old, new), "{:?}", replaced.loosenings);
        for warmth in after {
            let (runs, old, new) = (
                driven(&mut edited, up, warmth),
                driven(&mut under_old, up, warmth),
                driven(&mut under_new, up, warmth),
            );
            prop_assert!(!runs || (old && new), "at {warmth}: runs although old: {old}, new: {new}");
        }
    }
}

#[test]
fn where_both_act_when_one_takes_over_it_acts_on_and_counts_its_end_anew() {
    // Neither stricter nor weaker: it acts earlier, and ends earlier.
    let old = Edit { when: 60, until: 50, until_hold: 5, ..OLD };
    let new = site(Edit { when: 42, until: 55, until_hold: 5, latch: true, ..OLD }, true, 2);
    let mut bench = running(old, true, 70.0);
    replace(&mut bench, &new);
    assert_eq!((bench.is(HEATER), names(&bench).len()), (OPEN, 2));
    bench.set(WARMTH, 30.0);
    bench.pass(secs(4));
    bench.operator(OperatorCommand::Confirm(2));
    assert!(bench.guard.adopt_confirmed(bench.now).is_some());
    bench.step(&[]);
    bench.pass(secs(2));
    assert_eq!((bench.is(HEATER), bench.verdict(HEATER).cause), (OPEN, Cause::Limit(0)), "not latched yet");
    bench.pass(secs(4));
    assert_eq!((bench.is(HEATER), bench.verdict(HEATER).cause), (OPEN, Cause::Latched));
    bench.operator(OperatorCommand::Reset(ResetWhat::Limit(0)));
    assert_eq!(bench.is(HEATER), CLOSED);
}

/// A heater that must not run while a condition on two sensors holds.
fn with_condition(when: &Expr, fingerprint: u64) -> Site {
    let mut site = Site::new();
    for point in ["a.level", "b.level", "c.level"] {
        site.point(point, "%", Some(secs(100_000)));
    }
    site.contact("heater");
    site.limit("too much", when, &[(HEATER, OPEN)]);
    site.set.fingerprint = fingerprint;
    site
}

fn pair(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let kind = ballast_model::expr::ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
    Expr { kind, ..name("") }
}

#[test]
fn conditions_that_cannot_be_ordered_both_hold_and_those_that_can_are_one() {
    let more = |left: Expr, than: &str| compare(left, BinaryOp::Greater, than);
    let sum = |op, one: &str, other: &str| more(pair(op, name(one), name(other)), "50 %");
    let equal = |at: &str| compare(name("a.level"), BinaryOp::GreaterOrEqual, at);
    // Before, after, how many limits stand then.
    let product = |other: &str| sum(BinaryOp::Multiply, "a.level", other);
    let half = || Expr { kind: ballast_model::expr::ExprKind::Number(0.5), ..name("") };
    let ratio =
        |other: &str| pair(BinaryOp::Greater, pair(BinaryOp::Divide, name("a.level"), name(other)), half());
    let cases: [(&str, Expr, Expr, usize); 14] = [
        ("another sensor", above("a.level", "50 %"), above("b.level", "50 %"), 2),
        ("turned", above("a.level", "50 %"), below("a.level", "50 %"), 2),
        ("from the start of the range on", above("a.level", "50 %"), equal("50 %"), 1),
        ("not from it on", call_not(equal("50 %")), call_not(above("a.level", "50 %")), 1),
        ("another product", product("b.level"), product("c.level"), 2),
        ("the same product", product("b.level"), product("b.level"), 1),
        ("another ratio", ratio("b.level"), ratio("c.level"), 2),
        ("the same ratio", ratio("b.level"), ratio("b.level"), 1),
        (
            "another sum",
            sum(BinaryOp::Add, "a.level", "b.level"),
            sum(BinaryOp::Add, "a.level", "c.level"),
            2,
        ),
        (
            "another difference",
            sum(BinaryOp::Subtract, "a.level", "b.level"),
            sum(BinaryOp::Subtract, "a.level", "c.level"),
            2,
        ),
        (
            "the same sum",
            sum(BinaryOp::Add, "a.level", "b.level"),
            sum(BinaryOp::Add, "a.level", "b.level"),
            1,
        ),
        (
            "the larger of others",
            more(call("max", &["a.level", "b.level"]), "50 %"),
            more(call("max", &["a.level", "c.level"]), "50 %"),
            2,
        ),
        (
            "one side down, one side up",
            pair(BinaryOp::Or, above("a.level", "50 %"), above("b.level", "50 %")),
            pair(BinaryOp::Or, above("a.level", "40 %"), above("b.level", "60 %")),
            2,
        ),
        (
            "both sides down",
            pair(BinaryOp::Or, above("a.level", "50 %"), above("b.level", "50 %")),
            pair(BinaryOp::Or, above("a.level", "40 %"), above("b.level", "45 %")),
            1,
        ),
    ];
    for (what, before, after, standing) in cases {
        let mut bench = with_condition(&before, 1).bench();
        let replaced = replace(&mut bench, &with_condition(&after, 2));
        assert_eq!(names(&bench).len(), standing, "{what}: {:?}", replaced.loosenings);
        let taken = if standing == 1 { Taken::Whole } else { Taken::Tightenings };
        assert_eq!(replaced.taken, taken, "{what}: {:?}", replaced.loosenings);
    }
}

/// A heater that must not run while a mode is this word of these.
fn with_word(words: &[&str], word: &str) -> Site {
    let mut site = Site::new();
    let kind = Kind::Words(words.iter().map(|word| Box::from(*word)).collect());
    site.catalog.add_point(PointSpec::new("plant.mode", kind, Origin::Measured)).unwrap();
    site.contact("heater");
    site.limit("not now", &compare(name("plant.mode"), BinaryOp::Equal, word), &[(HEATER, OPEN)]);
    site
}

#[test]
fn another_word_is_another_condition_and_the_same_one_at_another_place_is_not() {
    let mut bench = with_word(&["run", "fault"], "fault").bench();
    let replaced = replace(&mut bench, &with_word(&["run", "fault"], "run"));
    let keys = |replaced: &Replaced| replaced.loosenings.iter().map(|row| row.key).collect::<Vec<_>>();
    assert_eq!((replaced.taken, keys(&replaced), names(&bench).len()), (Taken::Tightenings, vec!["when"], 2));
    let mut bench = with_word(&["run", "fault"], "fault").bench();
    let replaced = replace(&mut bench, &with_word(&["fault", "run"], "fault"));
    assert_eq!((replaced.taken, keys(&replaced)), (Taken::Whole, vec![]));
    let mut bench = with_word(&["run", "fault"], "fault").bench();
    let replaced = replace(&mut bench, &with_word(&["fault", "run"], "run"));
    assert_eq!((replaced.taken, keys(&replaced)), (Taken::Nothing, vec!["when"]));
}

/// Volts times amperes above 1000 are not watts times seconds above 1000.
#[test]
fn the_same_product_of_other_units_is_another_condition() {
    let with_units = |one: &str, other: &str, limit: &str| {
        let mut site = Site::new();
        site.point("a.level", one, None);
        site.point("b.level", other, None);
        site.contact("heater");
        let product = pair(BinaryOp::Multiply, name("a.level"), name("b.level"));
        site.limit("too much", &compare(product, BinaryOp::Greater, limit), &[(HEATER, OPEN)]);
        site
    };
    let mut bench = with_units("V", "A", "1000 VA").bench();
    let replaced = replace(&mut bench, &with_units("W", "s", "1000 Wh"));
    assert_eq!(replaced.loosenings.iter().map(|row| row.key).collect::<Vec<_>>(), ["when"]);
}

const PUMP: OutputId = OutputId(1);

/// What a limit does to a heater and a pump, both open when safe, above this many degrees.
fn forcing(degrees: &str, step: (OutputId, Wanted), after: u64, fingerprint: u64) -> Site {
    let mut site = Site::new();
    site.point("tank.temperature", "°C", Some(secs(100_000)));
    site.contact("heater");
    site.contact("pump");
    let limit = site.limit("tank too hot", &above("tank.temperature", degrees), &[step]);
    site.after(limit, 0, secs(after));
    site.set.fingerprint = fingerprint;
    site
}

#[test]
fn what_a_changed_limit_forces_holds_beside_what_the_old_one_does_unless_that_does_it_already() {
    let heater = |degrees: &str, after: u64| forcing(degrees, (HEATER, OPEN), after, 2);
    // The old limit and the new one; how many stand while a person is waited for, and what heater and pump are then.
    let cases: [(&str, Site, Site, usize, [Wanted; 2]); 4] = [
        ("the same, later", heater("50 °C", 1), heater("60 °C", 5), 1, [OPEN, CLOSED]),
        ("another output", heater("50 °C", 1), forcing("50 °C", (PUMP, OPEN), 1, 2), 2, [OPEN, OPEN]),
        ("another state", forcing("50 °C", (HEATER, CLOSED), 1, 1), heater("50 °C", 1), 2, [OPEN, CLOSED]),
        ("sooner, but seldom", heater("50 °C", 5), heater("60 °C", 1), 2, [OPEN, CLOSED]),
    ];
    for (what, old, new, standing, then) in cases {
        let mut bench = old.bench();
        bench.set(WARMTH, 20.0);
        for output in [HEATER, PUMP] {
            bench.ask(output, CLOSED);
        }
        replace(&mut bench, &new);
        assert_eq!(names(&bench).len(), standing, "{what}");
        bench.set(WARMTH, 70.0);
        bench.pass(ms(1_100));
        assert_eq!([bench.is(HEATER), bench.is(PUMP)], then, "{what}");
    }
}
