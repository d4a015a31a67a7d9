//! What acts at once and what waits: a move that somebody asked for keeps the minimum times and the cap, a limit, a stage,
//! the bulk, an expired lease, an interlock and a person's "now" do not.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::{Bulk, Stage, SwitchBudget};
use ballast_guard::{Input, OperatorCommand, State};
use ballast_model::expr::{BinaryOp, Expr, ExprKind};
use ballast_model::intent::Cause;
use ballast_model::{Authority, OutputId, PointId};
use kit::*;

const HOME: OutputId = OutputId(0);
const PARTNER: OutputId = OutputId(1);
const HERTZ: PointId = PointId(0);
const HOT: PointId = PointId(1);
const SMOKE: PointId = PointId(2);

/// A load that was closed a moment ago, with every reason to wait: ten minutes closed, ten minutes open, and one shed
/// request in an hour, which is used up.
fn home() -> Bench {
    let mut site = Site::new();
    site.point("feeder.frequency", "Hz", Some(secs(100_000)));
    site.point("battery.temperature", "°C", Some(secs(100_000)));
    site.point("smoke.level", "%", Some(secs(100_000)));
    for name in ["home", "partner", "other"] {
        site.contact(name);
        let envelope = site.envelope(OutputId(site.set.envelopes.len() as u32 - 1));
        (envelope.min_closed, envelope.min_open) = (secs(600), secs(600));
    }
    let other = OutputId(2);
    site.envelope(other).min_closed = secs(0);
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(HOME, OPEN)]);
    site.limit("smoke", &above("smoke.level", "50 %"), &[(PARTNER, CLOSED)]);
    site.interlock(&[HOME, PARTNER], secs(2));
    let shedding = site.shedding(&[HERTZ], &[(HOME, "homes", 1000.0), (other, "others", 1000.0)]);
    shedding.cap = Some(SwitchBudget { count: 1, per: secs(3600) });
    let from = || vec!["homes".into()];
    shedding.stages = vec![Stage { below: num(49.5), hold: ms(60), share: num(10.0), from: from() }];
    shedding.bulk = Some(Bulk { below: num(49.9), falling: num(3.0), share: num(10.0), from: from() });
    let mut bench = site.bench();
    for (point, value) in [(HERTZ, 50.0), (HOT, 20.0), (SMOKE, 0.0)] {
        bench.set(point, value);
    }
    bench.hello();
    bench.pass(secs(600));
    bench.give_back(other);
    bench.pass(secs(20));
    bench.ask_as(other, OPEN, Authority::Shed, 1);
    assert_eq!(bench.is(other), OPEN);
    bench.give_back(HOME);
    assert_eq!(bench.is(HOME), CLOSED);
    bench.pass(secs(1));
    bench
}

#[test]
fn a_move_that_is_asked_for_waits_in_both_directions_whoever_asks() {
    let askers = [
        Authority::Rule(99),
        Authority::Campaign,
        Authority::Operator,
        Authority::Remote,
        Authority::Default,
    ];
    for asker in askers {
        let mut bench = home();
        // The end of a request is a request of the default, which is open here.
        bench.ask_as(HOME, OPEN, asker, 2);
        assert_eq!((bench.is(HOME), bench.verdict(HOME).cause), (CLOSED, Cause::MinClosed), "{asker:?}");
        bench.pass(secs(598));
        assert_eq!(bench.is(HOME), CLOSED, "{asker:?}");
        bench.pass(secs(2));
        assert_eq!(bench.is(HOME), OPEN, "{asker:?}");
        if asker != Authority::Default {
            bench.ask_as(HOME, CLOSED, asker, 3);
            assert_eq!((bench.is(HOME), bench.verdict(HOME).cause), (OPEN, Cause::MinOpen), "{asker:?}");
            bench.pass(secs(600));
            assert_eq!(bench.is(HOME), CLOSED, "{asker:?}");
        }
    }
}

#[test]
fn limits_stages_bulk_leases_interlocks_and_now_do_not_wait() {
    type Trigger = fn(&mut Bench);
    let triggers: [(Cause, Trigger); 6] = [
        (Cause::Limit(0), |bench| bench.set(HOT, 60.0)),
        (Cause::Stage(0), |bench| {
            bench.set(HERTZ, 49.4);
            bench.pass(ms(60));
        }),
        (Cause::Bulk, |bench| {
            // Four hertz a second, and not yet at the stage when the slope is known.
            for step in 0..12 {
                bench.set(HERTZ, 49.95 - 0.04 * f64::from(step));
                bench.pass(ms(10));
            }
        }),
        (Cause::Silence, |bench| bench.pass_in_silence(secs(3))),
        (Cause::Interlock(0), |bench| bench.set(SMOKE, 60.0)),
        (Cause::OperatorNow, |bench| bench.operator(OperatorCommand::Now(Some(HOME)))),
    ];
    for (cause, trigger) in triggers {
        let mut bench = home();
        trigger(&mut bench);
        assert_eq!(bench.is(HOME), OPEN, "{cause:?}");
        let told = bench.answers.iter().find(|answer| answer.output == HOME && answer.cause == cause);
        assert!(told.is_some(), "{cause:?}: {:?}", bench.verdict(HOME));
    }
}

fn both(left: Expr, right: Expr) -> Expr {
    let kind = ExprKind::Binary { op: BinaryOp::And, left: Box::new(left), right: Box::new(right) };
    Expr { kind, ..name("") }
}

/// A relay that is told to open and still conducts: a limit that reads both opens what lies upstream of it.
#[test]
fn a_limit_on_what_still_flows_opens_the_output_upstream() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let supply = site.contact("supply");
    let current = site.point("charger.current", "A", Some(secs(600)));
    let flows =
        both(above("charger.current", "50 mA"), compare(name("charger.state"), BinaryOp::Equal, "open"));
    let welded = site.limit("charger welded", &flows, &[(supply, OPEN)]);
    site.held(welded, secs(20));
    site.latched(welded);
    let mut bench = site.bench();
    bench.set(current, 0.0);
    bench.ask(supply, CLOSED);
    bench.ask(charger, CLOSED);
    bench.set(current, 3.0);
    bench.pass(secs(60));
    assert_eq!(bench.is(supply), CLOSED, "it is told to conduct");
    bench.welded[charger.index()] = true;
    bench.ask(charger, OPEN);
    bench.pass(ms(19_999));
    assert_eq!(bench.is(supply), CLOSED);
    bench.pass(ms(1));
    assert_eq!((bench.is(supply), bench.verdict(supply).cause), (OPEN, Cause::Limit(welded)));
    bench.set(current, 0.0);
    bench.pass(secs(60));
    assert_eq!(bench.verdict(supply).cause, Cause::Latched, "a person looks at the relay first");
}

#[test]
fn the_state_is_plain_data_and_a_step_takes_what_can_be_copied() {
    fn is_plain<T: Clone + Eq + std::hash::Hash>() {}
    fn is_copied<T: Copy>() {}
    is_plain::<State>();
    is_plain::<ballast_guard::state::Live>();
    is_copied::<Input>();
}
