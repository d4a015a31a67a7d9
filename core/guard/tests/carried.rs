//! What is carried over a reload, a restart and a power cut, and what must not be.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
mod whole;
use ballast_guard::plan::{Stage, SwitchBudget};
use ballast_guard::{Guard, GuardEvent, Input, OperatorCommand, Taken};
use ballast_model::frame::Message;
use ballast_model::intent::Cause;
use ballast_model::time::Gap;
use ballast_model::{Authority, Mono, OutputId, Span};
use kit::*;
use std::sync::Arc;
use whole::whole;

const RELOAD: Gap = Gap::SameBoot(Span::ZERO);

/// Puts another set in force with a person's word, and lets the guard come to rest.
fn replace(bench: &mut Bench, site: &Site) {
    let catalog = Arc::new(site.catalog.clone());
    let replaced = bench.guard.replace(catalog, site.set.clone(), true, bench.now);
    assert_eq!(replaced.taken, Taken::Whole);
    bench.step(&[]);
    bench.settle();
}

/// The guard's process ends, and the program speaks to the next one before its first step.
fn restart_and_ask(bench: &mut Bench, gap: Gap, now: Mono, output: OutputId, request: u64) {
    bench.resume((through_text(&bench.guard.save()), bench.now), gap, now);
    (bench.session, bench.counter) = (now.nanos(), 0);
    let tables = bench.guard.table_hash();
    let hello = bench.frame(Message::Hello { tables });
    let intent = bench.intent(output, CLOSED, Authority::Rule(50), request);
    bench.step(&[hello, intent]);
    bench.settle();
}

#[test]
fn what_is_written_down_without_a_copy_is_the_state_word_for_word() {
    let mut bench = whole().bench();
    bench.set(whole::HERTZ[0], 50.0);
    bench.ask(whole::CHARGER, CLOSED);
    let written = serde_json::to_string(&bench.guard.written()).unwrap();
    assert_eq!(written, serde_json::to_string(&bench.guard.save()).unwrap());
    for name in ["\"charger\"", "\"home3\"", "\"feeder.frequency\"", "\"pv.power\"", "\"battery too hot\""] {
        assert!(written.contains(name), "{name}");
    }
}

/// A stage is named by its place in the set that is in force.
#[test]
fn the_same_set_changes_no_answer_and_another_one_names_no_stage_that_it_has_not() {
    let mut site = Site::new();
    let home = site.contact("home");
    let frequency = site.point("feeder.frequency", "Hz", Some(secs(600)));
    let stage = |below: f64, hold: Span| Stage {
        below: num(below),
        hold,
        share: num(100.0),
        from: vec!["homes".into()],
    };
    site.shedding(&[frequency], &[(home, "homes", 1000.0)]).stages =
        vec![stage(49.0, ms(60)), stage(49.5, ms(60))];
    let mut bench = site.bench();
    bench.set(frequency, 50.0);
    bench.hello();
    bench.give_back(home);
    bench.set(frequency, 49.4);
    bench.pass(ms(100));
    bench.set(frequency, 49.4);
    assert_eq!(bench.verdict(home).cause, Cause::Stage(1));
    let told = bench.answers.len();
    replace(&mut bench, &site);
    assert_eq!(bench.guard.verdict(home).map(|verdict| verdict.cause), Some(Cause::Stage(1)));
    assert_eq!(bench.answers.len(), told, "nothing is said again");
    site.set.fingerprint = 2;
    drop(site.set.shedding.as_mut().unwrap().stages.remove(0));
    replace(&mut bench, &site);
    assert_eq!((bench.is(home), bench.verdict(home).cause), (OPEN, Cause::AwaitsRestoration));
    assert_eq!(bench.answers.len(), told + 1);
}

/// An answer names outputs, points and limits by their place: it is only taken over where each has the same one.
#[test]
fn an_answer_is_taken_over_where_points_outputs_and_limits_stand_in_the_same_order() {
    let site = |points: [&str; 2], outputs: [&str; 2], limits: [&str; 2]| {
        let mut site = Site::new();
        for point in points {
            site.point(point, "%", Some(secs(600)));
        }
        for output in outputs {
            site.contact(output);
        }
        let pump = site.catalog.outputs.iter().position(|output| &*output.name == "pump").unwrap();
        for limit in limits {
            site.limit(limit, &above(limit, "50 %"), &[(OutputId(pump as u32), OPEN)]);
        }
        site
    };
    let (points, outputs) = (["a.level", "b.level"], ["pump", "fan"]);
    let turned = |[one, other]: [&'static str; 2]| [other, one];
    let mut bench = site(points, outputs, points).bench();
    bench.step(&[]);
    bench.settle();
    let state = through_text(&bench.guard.save());
    for (what, after, is_kept) in [
        ("the same", site(points, outputs, points), true),
        ("points", site(turned(points), outputs, points), false),
        ("outputs", site(points, turned(outputs), points), false),
        ("limits", site(points, outputs, turned(points)), false),
    ] {
        let mut guard = Guard::new(Arc::new(after.catalog.clone()), after.set.clone(), bench.now);
        guard.restore(state.clone(), RELOAD, bench.now, bench.now);
        assert_eq!(guard.verdict(OutputId(0)).is_some(), is_kept, "{what}");
    }
}

#[test]
fn what_counts_from_a_moment_goes_on_counting_over_a_power_cut_of_known_length() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let homes = ["north", "south"].map(|name| site.contact(name));
    let frequency = site.point("feeder.frequency", "Hz", Some(secs(36_000)));
    site.envelope(pump).max_switches = vec![SwitchBudget { count: 2, per: secs(3600) }];
    site.shedding(&[frequency], &homes.map(|home| (home, "homes", 1000.0))).restore.one_per = secs(2400);
    let mut bench = site.bench();
    bench.set(frequency, 50.0);
    bench.hello();
    bench.give_back(homes[0]);
    bench.ask(pump, CLOSED);
    bench.ask(pump, OPEN);
    bench.pass(secs(600));
    bench.restart_at(Gap::OtherBoot(secs(1200)), Mono::from_millis(500_000_000));
    bench.set(frequency, 50.0);
    bench.hello();
    bench.ask(pump, CLOSED);
    bench.give_back(homes[1]);
    // What lies ahead: the turn of the next load, 2400 s after the last one.
    assert_eq!(bench.is(homes[1]), OPEN);
    bench.pass(secs(599));
    assert_eq!(bench.is(homes[1]), OPEN, "its turn is not yet");
    bench.pass(secs(2));
    assert_eq!(bench.is(homes[1]), CLOSED);
    // What lies back: two switchings, 3600 s of which 1800 had passed.
    bench.pass(secs(1198));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::MaxSwitches));
    bench.pass(secs(2));
    assert_eq!(bench.is(pump), CLOSED);
}

/// What a restart opened waits to be given back, whoever has put it into service; also where the program is there at once.
#[test]
fn a_load_that_a_person_armed_waits_after_a_restart_like_any_other() {
    for by_hand in [false, true] {
        for gap in [Gap::SameBoot(secs(1)), Gap::OtherBoot(secs(60)), Gap::Unknown] {
            let mut site = Site::new();
            let frequency = site.point("feeder.frequency", "Hz", Some(secs(600)));
            let home = site.contact("home");
            site.envelope(home).by_hand = by_hand;
            site.shedding(&[frequency], &[(home, "homes", 1000.0)]);
            let mut bench = site.bench();
            bench.set(frequency, 50.0);
            bench.ask(home, OPEN);
            bench.operator(OperatorCommand::Arm(home));
            bench.give_back(home);
            assert_eq!(bench.is(home), CLOSED);
            let now = bench.now.after(secs(1));
            restart_and_ask(&mut bench, gap, now, home, 90);
            assert_eq!(bench.is(home), OPEN, "by hand {by_hand}, {gap:?}");
            assert!(bench.verdict(home).awaits_restoration);
        }
    }
}

/// What stands when a person arms an output is not carried out, whether or not the program has spoken to this guard.
#[test]
fn arming_while_the_program_is_away_after_a_restart_moves_nothing_either() {
    for asked in [OPEN, CLOSED] {
        let mut site = Site::new();
        let pump = site.contact("pump");
        site.envelope(pump).by_hand = true;
        site.envelope(pump).on_silence = ballast_guard::plan::OnSilence::Hold(secs(3600));
        let mut bench = site.bench();
        bench.ask_as(pump, asked, Authority::Rule(50), 7);
        bench.restart_at(Gap::SameBoot(secs(1)), bench.now.after(secs(1)));
        bench.pass_in_silence(secs(5));
        bench.operator(OperatorCommand::Arm(pump));
        assert!(bench.has(|event| matches!(event, GuardEvent::Armed { .. })), "{:?}", bench.events);
        bench.ask_as(pump, asked, Authority::Rule(50), 7);
        bench.pass(secs(60));
        assert_eq!(bench.permits, [], "asked {asked:?} before it was armed");
        bench.ask_as(pump, CLOSED, Authority::Rule(50), 8);
        assert_eq!(bench.is(pump), CLOSED);
    }
}

/// The answer to what an earlier guard told is none to what this one did: its partner waits for that.
#[test]
fn an_answer_to_the_guard_before_confirms_nothing() {
    let mut site = Site::new();
    let (mains, genset) = (site.contact("mains"), site.contact("genset"));
    site.interlock(&[mains, genset], secs(2));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    assert_eq!(bench.guard.output(genset).unwrap().counter, 1);
    bench.broken[genset.index()] = true;
    bench.restart_at(Gap::OtherBoot(secs(60)), bench.now.after(secs(60)));
    bench.step(&[Input::Written { output: genset, counter: 1, ok: true }]);
    bench.ask(mains, CLOSED);
    bench.pass(secs(30));
    assert_eq!((bench.is(mains), bench.verdict(mains).cause), (OPEN, Cause::Interlock(0)));
}

#[test]
fn a_limit_that_acted_because_nothing_was_known_begins_anew_after_a_restart() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let hot = site.point("battery.temperature", "°C", Some(secs(30)));
    let limit = site.limit("hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
    site.until(limit, &below("battery.temperature", "45 °C"), secs(600));
    let mut bench = site.bench();
    bench.ask(charger, CLOSED);
    bench.pass(secs(11));
    assert_eq!(bench.verdict(charger).cause, Cause::Limit(0), "nobody knows the temperature");
    bench.restart_at(Gap::SameBoot(secs(1)), bench.now.after(secs(1)));
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    assert_eq!(bench.is(charger), CLOSED, "it never was too hot");
}

#[test]
fn the_end_of_a_limit_goes_on_counting_over_a_restart_and_starts_anew_after_a_power_cut() {
    for (gap, left) in [(Gap::SameBoot(secs(5)), 5), (Gap::OtherBoot(secs(5)), 60), (Gap::Unknown, 60)] {
        let mut site = Site::new();
        let charger = site.contact("charger");
        let hot = site.point("battery.temperature", "°C", Some(secs(600)));
        let limit = site.limit("hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
        site.until(limit, &below("battery.temperature", "45 °C"), secs(60));
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.ask(charger, CLOSED);
        bench.set(hot, 60.0);
        bench.set(hot, 20.0);
        bench.pass(secs(50));
        bench.restart_at(gap, bench.now.after(secs(5)));
        bench.set(hot, 20.0);
        bench.ask(charger, CLOSED);
        bench.pass(secs(left - 1));
        assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Limit(0)), "{gap:?}");
        bench.pass(secs(1));
        assert_eq!(bench.is(charger), CLOSED, "{gap:?}");
    }
}

#[test]
fn a_latch_that_is_kept_over_a_restart_is_not_told_as_a_new_one() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let hot = site.point("battery.temperature", "°C", Some(secs(600)));
    let limit = site.limit("hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
    site.latched(limit);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.set(hot, 60.0);
    bench.set(hot, 20.0);
    bench.restart_at(Gap::SameBoot(secs(5)), bench.now.after(secs(5)));
    bench.ask(charger, CLOSED);
    assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Latched));
    assert_eq!(bench.count(|event| matches!(event, GuardEvent::LimitLatched { .. })), 1);
}
