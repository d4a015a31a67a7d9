//! Who may speak: hello, counters, old sessions, damaged links.

mod kit;
use ballast_guard::plan::OnSilence;
use ballast_guard::{Door, Guard, GuardEvent, Input, Output, Redeem, SessionFault, Stale};
use ballast_model::frame::{Frame, Message};
use ballast_model::intent::Cause;
use ballast_model::{Authority, Intent, Mono, OutputId, Span};
use kit::*;
use std::sync::Arc;

fn closed_by(bench: &Bench, fault: SessionFault) -> bool {
    bench.has(|event| matches!(event, GuardEvent::SessionClosed { fault: is, .. } if *is == fault))
}

fn speaks_for_the_guard() -> Intent {
    Intent {
        output: OutputId(0),
        wanted: CLOSED,
        authority: Authority::Guard,
        request: 1,
        is_restoration: false,
    }
}

fn pump() -> (Bench, OutputId) {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
    (bench, pump)
}

#[test]
fn fault_39_what_is_unexpected_ends_the_session_and_the_lease_runs_out() {
    type Break = fn(&mut Bench) -> Input;
    let breaks: [(SessionFault, Break); 6] = [
        (SessionFault::Counter, |bench| {
            bench.counter += 1;
            bench.frame(Message::Renew)
        }),
        (SessionFault::Counter, |bench| {
            bench.counter -= 1;
            bench.frame(Message::Renew)
        }),
        (SessionFault::UnknownOutput, |bench| bench.intent(OutputId(99), CLOSED, Authority::Rule(1), 1)),
        (SessionFault::Authority, |bench| bench.intent(OutputId(0), CLOSED, Authority::Guard, 1)),
        (SessionFault::Bye, |bench| bench.frame(Message::Bye)),
        (SessionFault::Link, |_| Input::LinkClosed),
    ];
    for (fault, make) in breaks {
        let (mut bench, pump) = pump();
        let input = make(&mut bench);
        bench.step(&[input]);
        assert!(closed_by(&bench, fault), "{fault:?}");
        assert_eq!(bench.is(pump), CLOSED, "the word holds until its lease is over");
        bench.pass(secs(4));
        assert_eq!(bench.is(pump), OPEN, "{fault:?}: renewals of a closed session do not count");
    }
}

#[test]
fn another_table_is_no_session() {
    let (mut bench, pump) = pump();
    bench.pass(secs(1));
    (bench.session, bench.counter) = (bench.now.nanos(), 0);
    let frame = bench.frame(Message::Hello { tables: 1 });
    bench.step(&[frame]);
    assert!(closed_by(&bench, SessionFault::Table));
    let frame = bench.intent(pump, CLOSED, Authority::Rule(1), 1);
    bench.step(&[frame]);
    bench.pass(secs(4));
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn nobody_takes_the_last_number_for_good() {
    let (mut bench, pump) = pump();
    let (honest, tables) = (bench.session, bench.guard.table_hash());
    for ahead in [u64::MAX, bench.now.after(secs(2)).nanos()] {
        (bench.session, bench.counter) = (ahead, 0);
        let frame = bench.frame(Message::Hello { tables });
        bench.step(&[frame]);
        let refused =
            |event: &GuardEvent| matches!(event, GuardEvent::FrameRefused { fault: SessionFault::Ahead, .. });
        assert!(bench.has(refused), "{ahead}");
    }
    bench.session = honest;
    bench.pass_in_silence(secs(1));
    bench.hello();
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED, "an honest one is heard as before");
}

#[test]
fn a_session_may_be_numbered_by_a_clock_that_is_a_second_ahead_and_no_further() {
    for (ahead, is_heard) in [(secs(1), true), (secs(1).plus(Span::from_nanos(1)), false)] {
        let (mut bench, _) = pump();
        (bench.session, bench.counter) = (bench.now.after(ahead).nanos(), 0);
        let hello = bench.frame(Message::Hello { tables: bench.guard.table_hash() });
        bench.step(&[hello]);
        let session = bench.session;
        assert_eq!(bench.has(|event| *event == GuardEvent::SessionOpened { session }), is_heard, "{ahead}");
    }
}

#[test]
fn what_a_renewal_lent_holds_beyond_its_session() {
    for close in [Message::Bye, Message::Intent(speaks_for_the_guard())] {
        let (mut bench, pump) = pump();
        bench.pass_in_silence(ms(2500));
        let renew = bench.frame(Message::Renew);
        bench.step(&[renew]);
        bench.pass_in_silence(ms(100));
        let close = bench.frame(close);
        bench.step(&[close]);
        assert!(!bench.guard.hears_engine());
        bench.pass_in_silence(ms(2899));
        assert_eq!(bench.is(pump), CLOSED, "lent for three seconds from the renewal on");
        bench.pass_in_silence(ms(1));
        assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Silence));
    }
}

#[test]
fn a_renewal_lends_nothing_to_what_an_earlier_session_said() {
    let (mut bench, pump) = pump();
    bench.step(&[Input::LinkClosed]);
    bench.pass_in_silence(secs(1));
    bench.hello();
    bench.pass_in_silence(ms(1900));
    let renew = bench.frame(Message::Renew);
    bench.step(&[renew]);
    bench.step(&[Input::LinkClosed]);
    bench.pass_in_silence(ms(99));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass_in_silence(ms(1));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::Silence), "its own three seconds");
}

#[test]
fn a_session_that_renewed_nothing_lends_nothing_however_young_the_clock_is() {
    for is_closed in [false, true] {
        let mut site = Site::new();
        let pump = site.contact("pump");
        site.envelope(pump).lease = secs(60);
        let mut bench = site.bench();
        bench.now = Mono::from_millis(1000);
        bench.guard = Guard::new(Arc::clone(&bench.catalog), bench.set.clone(), bench.now);
        // How long an earlier session renewed its word for says nothing about this one.
        bench.hello();
        let renew = bench.frame(Message::Renew);
        bench.step(&[renew]);
        bench.pass_in_silence(secs(1));
        bench.hello();
        let Input::Frame(ask) = bench.intent(pump, CLOSED, Authority::Rule(1), 1) else { unreachable!() };
        bench.step(&[Input::Frame(Frame { lease_ms: 2000, ..ask })]);
        bench.settle();
        if is_closed {
            bench.step(&[Input::LinkClosed]);
        }
        bench.pass_in_silence(ms(1999));
        assert_eq!(bench.is(pump), CLOSED);
        bench.pass_in_silence(ms(1));
        assert_eq!(bench.is(pump), OPEN, "it was said for two seconds");
    }
}

#[test]
fn a_process_that_wakes_up_from_an_old_session_cannot_speak() {
    let (mut bench, pump) = pump();
    let (old, counter) = (bench.session, bench.counter);
    bench.pass(secs(1));
    bench.hello();
    bench.ask(pump, OPEN);
    assert_eq!(bench.is(pump), OPEN);
    let intent = Intent {
        output: pump,
        wanted: CLOSED,
        authority: Authority::Operator,
        request: 9,
        is_restoration: false,
    };
    let frame =
        Frame { session: old, counter: counter + 1, lease_ms: 3000, message: Message::Intent(intent) };
    let hello = Message::Hello { tables: bench.guard.table_hash() };
    let again = Frame { session: old, counter: 1, lease_ms: 3000, message: hello };
    bench.step(&[Input::Frame(frame), Input::Frame(again)]);
    bench.settle();
    assert_eq!(bench.is(pump), OPEN);
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED, "the living session goes on");
}

#[test]
fn a_program_that_was_silent_for_too_long_must_say_everything_anew() {
    let mut site = Site::new();
    let [pump, lamp] = ["pump", "lamp"].map(|name| site.contact(name));
    site.envelope(lamp).lease = secs(60);
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.ask(lamp, CLOSED);
    bench.pass_in_silence(secs(5));
    assert_eq!((bench.is(pump), bench.is(lamp)), (OPEN, CLOSED), "each by its own lease");
    assert!(closed_by(&bench, SessionFault::Silence));
    // It was frozen, and goes on where it stopped.
    let renew = bench.frame(Message::Renew);
    let ask = bench.intent(pump, CLOSED, Authority::Operator, 9);
    bench.step(&[renew, ask]);
    bench.settle();
    assert_eq!(bench.is(pump), OPEN);
    bench.hello();
    bench.pass(secs(5));
    assert_eq!(bench.is(pump), OPEN, "a new session has to say it");
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn a_frame_may_shorten_a_lease_and_never_lengthen_it() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).lease = secs(10);
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    let frame =
        Frame { session: bench.session, counter: bench.counter + 1, lease_ms: 1000, message: Message::Renew };
    bench.pass_in_silence(ms(9_500));
    assert_eq!(bench.is(pump), CLOSED);
    bench.step(&[Input::Frame(frame)]);
    bench.pass_in_silence(ms(999));
    assert_eq!(bench.is(pump), CLOSED);
    bench.pass_in_silence(ms(10));
    assert_eq!(bench.is(pump), OPEN);
}

#[test]
fn a_permit_that_is_kept_over_a_new_session_is_stale_and_made_again() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.hello();
    let ask = bench.intent(pump, CLOSED, Authority::Rule(1), 1);
    let mut out = Vec::with_capacity(64);
    bench.guard.step(bench.now, &[ask], &mut out);
    let kept = out
        .into_iter()
        .find_map(|output| if let Output::Permit(permit) = output { Some(permit) } else { None });
    let kept = kept.unwrap();
    bench.now = bench.now.after(ms(10));
    let hello = Message::Hello { tables: bench.guard.table_hash() };
    let session = bench.session + 1;
    let frame = Frame { session, counter: 1, lease_ms: 3000, message: hello };
    bench.step(&[Input::Frame(frame)]);
    assert_eq!(bench.permits.last().map(|(_, _, wanted)| *wanted), Some(CLOSED), "made again at once");
    let mut door = Door::new(pump);
    door.enter_session(bench.guard.session());
    assert_eq!(door.redeem(kept, bench.now), Err(Stale::Session));
}

#[test]
fn many_outputs_are_not_looked_at_when_nothing_about_them_changed() {
    let mut site = Site::new();
    let outputs: Vec<OutputId> = (0..1000).map(|index| site.contact(&format!("o{index}"))).collect();
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.hello();
    for (index, output) in outputs.iter().enumerate() {
        let frame = bench.intent(*output, CLOSED, Authority::Rule(1), index as u64 + 1);
        bench.step(&[frame]);
    }
    bench.settle();
    let before = bench.guard.counters().reviews;
    let frame = bench.intent(outputs[500], OPEN, Authority::Rule(1), 5000);
    bench.step(&[frame]);
    bench.step(&[]);
    assert!(bench.guard.counters().reviews - before <= 3, "{}", bench.guard.counters().reviews - before);
    let before = bench.guard.counters().reviews;
    for _ in 0..100 {
        bench.now = bench.now.after(ms(100));
        let frame = bench.frame(Message::Renew);
        bench.step(&[frame]);
    }
    // Each word's own lease runs out once and is then carried by the renewals.
    assert!(bench.guard.counters().reviews - before <= 1000, "{}", bench.guard.counters().reviews - before);
}

#[test]
fn loads_that_do_not_wait_are_not_looked_at_whenever_the_room_changes() {
    let mut site = Site::new();
    let frequency = site.point("feeder.frequency", "Hz", None);
    let capacity = site.point("genset.capacity", "W", None);
    let homes: Vec<OutputId> = (0..40).map(|index| site.contact(&format!("home{index}"))).collect();
    let rows: Vec<(OutputId, &str, f64)> = homes.iter().map(|home| (*home, "homes", 1000.0)).collect();
    let shedding = site.shedding(&[frequency], &rows);
    (shedding.restore.capacity, shedding.restore.one_per) = (Some(capacity), Span::ZERO);
    let mut bench = site.bench();
    bench.set(frequency, 50.0);
    bench.set(capacity, 100e3);
    bench.hello();
    homes.iter().for_each(|home| bench.give_back(*home));
    // Half of them are connected, and nobody wants the others.
    homes[20..].iter().for_each(|home| bench.ask(*home, OPEN));
    assert!(homes.iter().enumerate().all(|(place, home)| (bench.is(*home) == CLOSED) == (place < 20)));
    let before = bench.guard.counters().reviews;
    for watts in [90e3, 80e3, 70e3] {
        bench.set(capacity, watts);
    }
    assert_eq!(bench.guard.counters().reviews, before);
}

#[test]
fn at_the_end_of_the_guard_every_output_follows_its_on_silence() {
    let mut site = Site::new();
    let [heater, fridge, mains, genset] =
        ["heater", "fridge", "mains", "genset"].map(|name| site.contact(name));
    site.envelope(heater).min_closed = secs(600);
    site.envelope(fridge).on_silence = OnSilence::Hold(secs(60));
    (site.envelope(mains).safe, site.envelope(mains).at_start) = (CLOSED, OPEN);
    site.interlock(&[mains, genset], secs(2));
    let mut bench = site.bench();
    bench.step(&[]);
    for (output, wanted) in [(heater, CLOSED), (fridge, CLOSED), (mains, OPEN), (genset, CLOSED)] {
        bench.ask(output, wanted);
        bench.pass(secs(3));
        assert_eq!(bench.is(output), wanted);
    }
    bench.step(&[Input::Stop]);
    bench.step(&[]);
    assert_eq!(bench.is(heater), OPEN, "at once, whatever its minimum time");
    assert_eq!(bench.is(fridge), CLOSED, "it holds");
    assert_eq!((bench.is(genset), bench.is(mains)), (OPEN, OPEN), "the dead time holds");
    // The engine speaks on: nobody listens.
    let renew = bench.frame(Message::Renew);
    let ask = bench.intent(heater, CLOSED, Authority::Operator, 99);
    bench.step(&[renew, ask]);
    bench.pass_in_silence(secs(2));
    assert_eq!((bench.is(heater), bench.is(mains)), (OPEN, CLOSED));
    assert!(closed_by(&bench, SessionFault::Bye));
}
