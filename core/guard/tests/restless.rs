//! However limits set each other off, no output is switched by the guard more often than a bound, and what protects still
//! acts at once.

mod kit;
use ballast_guard::GuardEvent;
use ballast_guard::bounds::{AT_ONCE_MOST, AT_ONCE_PER};
use ballast_model::diagnostic::Span as Place;
use ballast_model::expr::{BinaryOp, Expr, ExprKind};
use ballast_model::intent::Cause;
use ballast_model::{Authority, Mono, OutputId, Span, Wanted};
use kit::*;

/// `pump.state == "closed"`
fn is(point: &str, word: &str) -> Expr {
    let text = ExprKind::Text(word.into());
    let right = Expr { span: Place::new(0, 1), kind: text };
    let kind = ExprKind::Binary { op: BinaryOp::Equal, left: Box::new(name(point)), right: Box::new(right) };
    Expr { span: Place::new(0, 1), kind }
}

/// The most switchings of one output in any such time.
fn most_in(bench: &Bench, output: OutputId, span: Span) -> usize {
    let mut told: Option<Wanted> = None;
    let mut moments: Vec<Mono> = Vec::new();
    for (at, _, wanted) in bench.permits.iter().filter(|(_, id, _)| *id == output) {
        if told.replace(*wanted).is_some_and(|before| before != *wanted) {
            moments.push(*at);
        }
    }
    let within = |start: &Mono| moments.iter().filter(|at| *at >= start && **at < start.after(span)).count();
    moments.iter().map(within).max().unwrap_or(0)
}

fn restless(bench: &Bench, output: OutputId) -> bool {
    bench.has(|event| *event == GuardEvent::Restless { output })
}

/// Twice as often as the guard itself: after each of its moves somebody may have asked for the other state.
const MOST: usize = 2 * AT_ONCE_MOST + 1;

#[test]
fn a_limit_that_opens_what_is_closed_is_bounded_and_still_opens_at_once() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.limit("loop", &is("pump.state", "closed"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.ask_as(pump, CLOSED, Authority::Rule(50), 1);
    bench.pass(secs(60));
    let most = most_in(&bench, pump, AT_ONCE_PER);
    assert!(most > AT_ONCE_MOST && most <= MOST, "{most} switchings");
    assert!(restless(&bench, pump));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Restless));
    assert!(bench.verdict(pump).next_change.is_some());
    // Whenever it was closed it was opened in that very step.
    let moves: Vec<(Mono, Wanted)> = bench.permits.iter().map(|(at, _, wanted)| (*at, *wanted)).collect();
    for (place, (at, wanted)) in moves.iter().enumerate().filter(|(_, (_, wanted))| *wanted == CLOSED) {
        assert_eq!(moves.get(place + 1), Some(&(*at, OPEN)), "{wanted:?}");
    }
}

#[test]
fn a_limit_that_closes_what_is_open_is_bounded() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.limit("loop", &is("pump.state", "open"), &[(pump, CLOSED)]);
    let mut bench = site.bench();
    bench.ask_as(pump, OPEN, Authority::Default, 0);
    bench.pass(secs(60));
    let most = most_in(&bench, pump, AT_ONCE_PER);
    assert!(most > AT_ONCE_MOST && most <= MOST, "{most} switchings");
    assert!(restless(&bench, pump));
}

#[test]
fn two_limits_that_set_each_other_off_are_bounded_and_leave_it_safe() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.limit("one", &is("pump.state", "open"), &[(pump, CLOSED)]);
    site.limit("other", &is("pump.state", "closed"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.ask_as(pump, CLOSED, Authority::Rule(50), 1);
    bench.pass(secs(60));
    let most = most_in(&bench, pump, AT_ONCE_PER);
    assert!(most <= MOST, "{most} switchings");
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Restless));
}

#[test]
fn however_often_a_limit_is_violated_it_acts_at_once() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let warmth = site.point("pump.temperature", "°C", Some(secs(1_000)));
    let limit = site.limit("hot", &above("pump.temperature", "60 °C"), &[(pump, OPEN)]);
    site.until(limit, &below("pump.temperature", "50 °C"), Span::ZERO);
    let mut bench = site.bench();
    bench.set(warmth, 20.0);
    bench.ask_as(pump, CLOSED, Authority::Rule(50), 1);
    for _ in 0..100 {
        bench.set(warmth, 20.0);
        bench.pass(ms(50));
        bench.set(warmth, 70.0);
        assert_eq!(bench.is(pump), OPEN);
    }
    assert!(restless(&bench, pump));
    let held = bench.count(|event| matches!(event, GuardEvent::LimitActed { .. }));
    assert_eq!(held, 100);
    // Once there is room again it is closed as it is asked for.
    bench.set(warmth, 20.0);
    bench.pass(AT_ONCE_PER);
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn the_count_outlives_a_restart() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.limit("loop", &is("pump.state", "closed"), &[(pump, OPEN)]);
    let mut bench = site.bench();
    bench.ask_as(pump, CLOSED, Authority::Rule(50), 1);
    bench.pass(secs(1));
    let before = bench.permits.len();
    bench.restart_at(ballast_model::time::Gap::SameBoot(ms(100)), bench.now.after(ms(100)));
    bench.ask_as(pump, CLOSED, Authority::Rule(50), 1);
    bench.pass(secs(5));
    assert!(bench.permits.len() <= before + 2, "{:?}", &bench.permits[before..]);
}

#[test]
fn after_the_most_switchings_what_leads_to_safe_still_acts_at_once_and_everything_else_waits() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let dry = site.point("tank.level", "%", None);
    let full = site.point("basin.level", "%", None);
    site.limit("dry", &below("tank.level", "10 %"), &[(pump, OPEN)]);
    site.limit("full", &above("basin.level", "90 %"), &[(pump, CLOSED)]);
    let mut bench = site.bench();
    bench.set(dry, 50.0);
    bench.set(full, 50.0);
    bench.ask(pump, CLOSED);
    // Only the limits move it from here on: ten times, at last to closed.
    bench.set(full, 95.0);
    for _ in 0..AT_ONCE_MOST / 2 {
        bench.set(dry, 5.0);
        assert_eq!(bench.is(pump), OPEN);
        bench.set(dry, 50.0);
        assert_eq!(bench.is(pump), CLOSED);
    }
    assert!(!restless(&bench, pump), "that many are allowed");
    bench.set(full, 50.0);
    bench.ask(pump, OPEN);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Restless), "what is asked waits");
    bench.set(dry, 5.0);
    assert_eq!(
        (bench.is(pump), bench.verdict(pump).cause),
        (OPEN, Cause::Limit(0)),
        "what protects does not"
    );
    bench.set(full, 95.0);
    bench.set(dry, 50.0);
    assert_eq!(
        (bench.is(pump), bench.verdict(pump).cause),
        (OPEN, Cause::Restless),
        "away from safe waits too"
    );
    bench.pass(AT_ONCE_PER);
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (CLOSED, Cause::Limit(1)));
}
