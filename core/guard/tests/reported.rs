//! What the program tells of points that only it can compute: believed for those, and only while it goes on saying it.

mod kit;
use ballast_guard::plan::OnSilence;
use ballast_guard::{GuardEvent, Input, SessionFault};
use ballast_model::catalog::{Kind, Origin};
use ballast_model::expr::BinaryOp;
use ballast_model::frame::Message;
use ballast_model::intent::Authority;
use ballast_model::intent::Cause;
use ballast_model::time::Gap;
use ballast_model::{Finite, OutputId, PointId, Sample, Span, Value};
use kit::*;
use std::sync::Arc;

fn number(value: f64) -> Option<Value> {
    Finite::new(value).map(Value::Number)
}

/// A pump that must not run above 5 kW of the site's own making.
fn site() -> (Site, OutputId, PointId) {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let own = site.point("site.own", "W", None);
    site.catalog.points[own.index()].origin = Origin::Derived;
    site.limit("too much", &above("site.own", "5 kW"), &[(pump, OPEN)]);
    (site, pump, own)
}

fn started() -> (Bench, OutputId, PointId) {
    let (site, pump, own) = site();
    let mut bench = site.bench();
    bench.hello();
    bench.tell(own, number(1000.0));
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
    (bench, pump, own)
}

impl Bench {
    fn tell(&mut self, point: PointId, value: Option<Value>) {
        let frame = self.frame(Message::Reading { point, value });
        self.step(&[frame]);
        self.settle();
    }

    fn renew_for(&mut self, lease_ms: u32) {
        let Input::Frame(mut frame) = self.frame(Message::Renew) else { unreachable!() };
        frame.lease_ms = lease_ms;
        self.step(&[Input::Frame(frame)]);
    }

    fn is_refused(&self) -> bool {
        self.has(|event| matches!(event, GuardEvent::SessionClosed { fault: SessionFault::Reading, .. }))
    }
}

#[test]
fn a_limit_acts_on_what_the_program_tells() {
    let (mut bench, pump, own) = started();
    bench.tell(own, number(5001.0));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Limit(0)));
    bench.tell(own, number(4999.0));
    bench.tell(own, None);
    assert_eq!(bench.is(pump), OPEN, "unknown counts as violated");
    bench.tell(own, number(4999.0));
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn nothing_else_is_believed() {
    type Lie = fn(&mut Site) -> (PointId, Option<Value>);
    let lies: [(&str, Lie); 5] = [
        ("a measured point", |site| (site.point("meter.power", "W", None), number(1.0))),
        ("a point that nobody looks at", |site| {
            let spare = site.point("site.spare", "W", None);
            site.catalog.points[spare.index()].origin = Origin::Derived;
            (spare, number(1.0))
        }),
        ("no point at all", |_| (PointId(99), number(1.0))),
        ("a word where there is a number", |_| (PointId(4), Some(Value::Word(0)))),
        ("the height of the sun", |site| {
            let sun = site.point("sun.elevation", "deg", None);
            site.catalog.points[sun.index()].origin = Origin::Computed;
            site.limit("night", &above("sun.elevation", "80 deg"), &[(OutputId(0), OPEN)]);
            (sun, number(1.0))
        }),
    ];
    for (what, lie) in lies {
        let (mut site, pump, own) = site();
        assert_eq!(own, PointId(4), "the four points of the pump come first");
        site.limit("measured", &above("site.own", "6 kW"), &[(pump, OPEN)]);
        let (point, value) = lie(&mut site);
        let mut bench = site.bench();
        bench.hello();
        bench.tell(own, number(1000.0));
        assert!(!bench.is_refused());
        bench.tell(point, value);
        assert!(bench.is_refused(), "{what}");
    }
}

#[test]
fn a_word_that_does_not_exist_is_refused() {
    let (mut site, _, own) = site();
    site.catalog.points[own.index()].kind = Kind::Words([].into());
    let mut bench = site.bench();
    bench.hello();
    bench.tell(own, Some(Value::Word(0)));
    assert!(bench.is_refused());
}

#[test]
fn what_is_not_renewed_is_unknown_until_it_is_said_again() {
    let (mut bench, pump, own) = started();
    bench.renew_for(3000);
    bench.pass_in_silence(ms(2999));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass_in_silence(ms(1));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Limit(0)));
    bench.renew_for(3000);
    bench.settle();
    assert_eq!(bench.is(pump), OPEN, "the session ended with the silence");
    bench.hello();
    bench.tell(own, number(20.0));
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn a_reading_after_a_silence_is_believed_with_the_renewal_that_takes_it_back() {
    let (site, pump, own) = site();
    let mut bench = site.bench();
    bench.hello();
    bench.tell(own, number(1000.0));
    // The session lives on: a word for an output would run out and end it.
    bench.pass_in_silence(secs(4));
    bench.tell(own, number(1000.0));
    bench.ask(pump, CLOSED);
    assert_eq!(
        (bench.is(pump), bench.verdict(pump).cause),
        (OPEN, Cause::Limit(0)),
        "nothing would take it back"
    );
    bench.renew_for(3000);
    bench.settle();
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass_in_silence(secs(3));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Limit(0)));
}

#[test]
fn a_renewal_says_what_was_told_once() {
    let (site, pump, own) = site();
    let mut bench = site.bench();
    bench.hello();
    bench.pass_in_silence(secs(4));
    let ask = bench.intent(pump, CLOSED, Authority::Rule(50), 1);
    let told = bench.frame(Message::Reading { point: own, value: number(1000.0) });
    let renewed = bench.frame(Message::Renew);
    let take_back = bench.intent(pump, OPEN, Authority::Rule(50), 2);
    bench.permits.clear();
    bench.step(&[ask, told, renewed, take_back]);
    bench.settle();
    assert!(
        bench.permits.iter().all(|(_, _, wanted)| *wanted == OPEN),
        "no look lies between the two words: {:?}",
        bench.permits
    );
}

#[test]
fn a_new_session_must_say_again_what_had_run_out() {
    let (mut bench, pump, own) = started();
    bench.renew_for(3000);
    bench.step(&[Input::LinkClosed]);
    bench.pass_in_silence(secs(3));
    assert_eq!(bench.verdict(pump).cause, Cause::Limit(0));
    bench.hello();
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), OPEN, "the word of the session before is not taken up");
    bench.tell(own, number(1000.0));
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn a_session_that_follows_at_once_leaves_no_gap() {
    let (mut bench, pump, _) = started();
    bench.renew_for(3000);
    bench.step(&[Input::LinkClosed]);
    bench.pass_in_silence(secs(1));
    bench.hello();
    bench.ask(pump, CLOSED);
    bench.pass_in_silence(secs(1));
    assert_eq!(bench.is(pump), CLOSED, "what was said before holds as long as it was lent");
}

#[test]
fn a_restart_forgets_and_a_reload_keeps() {
    let (bench, pump, own) = started();
    let state = bench.guard.save();
    let (site, ..) = site();
    for (gap, asked) in [(Gap::SameBoot(Span::ZERO), CLOSED), (Gap::SameBoot(secs(1)), OPEN)] {
        let mut after = site.bench();
        after.now = bench.now.after(gap.length()).after(ms(1));
        after.guard.restore(state.clone(), gap, bench.now, after.now);
        after.hello();
        after.pass(secs(11));
        after.ask(pump, CLOSED);
        assert_eq!(after.is(pump), asked, "{gap:?}");
        after.tell(own, number(1000.0));
        assert_eq!(after.is(pump), CLOSED, "{gap:?}");
    }
}

#[test]
fn two_readings_of_one_point_in_one_step_are_both_looked_at() {
    let (mut bench, pump, own) = started();
    bench.events.clear();
    let first = bench.frame(Message::Reading { point: own, value: number(6000.0) });
    let second = bench.frame(Message::Reading { point: own, value: number(1000.0) });
    bench.step(&[first, second]);
    bench.settle();
    assert!(bench.has(|event| matches!(event, GuardEvent::LimitActed { limit: 0, .. })));
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn a_sample_of_a_measured_point_is_still_taken_from_its_bus() {
    let (mut bench, pump, own) = started();
    // The guard's own shell may give any point a reading, as a simulation does.
    let sample = Sample::good(own, Value::Number(num(9000.0)), bench.now, u64::MAX / 2);
    bench.step(&[Input::Sample(sample)]);
    bench.settle();
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn each_word_that_a_point_has_is_believed_and_no_other() {
    for (word, is_refused, wanted) in [(0, false, CLOSED), (1, false, OPEN), (2, true, CLOSED)] {
        let mut site = Site::new();
        let pump = site.contact("pump");
        let tariff = site.point("site.tariff", "W", None);
        let spec = &mut site.catalog.points[tariff.index()];
        (spec.origin, spec.kind) = (Origin::Derived, Kind::Words(["low".into(), "high".into()].into()));
        let is_high = compare(name("site.tariff"), BinaryOp::Equal, "high");
        site.limit("dear", &is_high, &[(pump, OPEN)]);
        let mut bench = site.bench();
        bench.hello();
        bench.tell(tariff, Some(Value::Word(0)));
        bench.ask(pump, CLOSED);
        assert_eq!(bench.is(pump), CLOSED);
        bench.tell(tariff, Some(Value::Word(word)));
        assert_eq!((bench.is_refused(), bench.is(pump)), (is_refused, wanted), "word {word}");
    }
}

#[test]
fn what_has_run_out_is_unknown_also_where_the_step_comes_late() {
    let (mut bench, pump, _) = started();
    bench.now = bench.now.after(secs(10));
    bench.step(&[]);
    bench.settle();
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Limit(0)));
}

/// A reload takes the program's word over, and with it the moment at which it ends.
#[test]
fn what_was_told_before_a_reload_is_unknown_once_nobody_renews_it() {
    let (mut site, pump, own) = site();
    site.envelope(pump).on_silence = OnSilence::Hold(secs(60));
    let mut bench = site.bench();
    bench.hello();
    bench.tell(own, number(1000.0));
    bench.ask(pump, CLOSED);
    bench.renew_for(3000);
    bench.pass_in_silence(secs(1));
    site.set.fingerprint = 2;
    let catalog = Arc::new(site.catalog.clone());
    let replaced = bench.guard.replace(catalog, site.set.clone(), false, bench.now);
    assert!(!replaced.session_ended);
    bench.pass_in_silence(ms(1999));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass_in_silence(ms(1));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Limit(0)));
    // Said again it is known again.
    bench.hello();
    bench.tell(own, number(1000.0));
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
}
