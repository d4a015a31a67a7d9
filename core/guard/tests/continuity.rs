//! Saving, restoring, replacing: over a reload, a restart and a power cut.

#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::plan::{Asleep, Limit, LimitAction, OnSilence, OnUnknown, Stage, Strength, SwitchBudget};
use ballast_guard::{Guard, GuardEvent, Input, OperatorCommand, Output, Taken};
use ballast_model::frame::{Frame, Message};
use ballast_model::intent::Cause;
use ballast_model::sample::Value;
use ballast_model::time::Gap;
use ballast_model::{Authority, Intent, Mono, OutputId, Span};
use kit::*;
use proptest::prelude::*;
use std::sync::Arc;

impl Bench {
    /// The guard's process ends and another one starts after the gap.
    fn restart(&mut self, gap: Gap) {
        let now =
            if gap.is_power_cut() { Mono::from_millis(500_000_000) } else { self.now.after(gap.length()) };
        self.restart_at(gap, now);
    }
}

#[test]
fn after_a_restart_outputs_begin_at_start_and_a_latch_is_kept() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let pump = site.contact("pump");
    let hot = site.point("battery.temperature", "°C", Some(secs(30)));
    let limit = site.limit("hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
    site.latched(limit);
    for gap in [Gap::SameBoot(secs(2)), Gap::OtherBoot(secs(3600)), Gap::Unknown] {
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.ask(charger, CLOSED);
        bench.ask(pump, CLOSED);
        bench.set(hot, 60.0);
        bench.set(hot, 20.0);
        assert_eq!(bench.verdict(charger).cause, Cause::Latched);
        bench.operator(OperatorCommand::Now(Some(pump)));
        bench.restart(gap);
        assert_eq!((bench.is(charger), bench.is(pump)), (OPEN, OPEN));
        bench.set(hot, 20.0);
        bench.ask(charger, CLOSED);
        bench.ask(pump, CLOSED);
        assert_eq!((bench.is(charger), bench.verdict(charger).cause), (OPEN, Cause::Latched), "{gap:?}");
        assert_eq!(bench.verdict(pump).cause, Cause::OperatorNow, "{gap:?}");
    }
}

/// What was kept is a second old when the guard is killed: a partner that was closed since is taken to be there until it has
/// confirmed that it left, and the dead time counts from then.
#[test]
fn the_dead_time_counts_after_a_restart_from_a_state_that_is_older_than_the_last_move() {
    let mut site = Site::new();
    let (mains, genset) = (site.contact("mains"), site.contact("genset.contactor"));
    site.interlock(&[mains, genset], secs(2));
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    bench.pass(secs(60));
    let (old, saved_at) = (through_text(&bench.guard.save()), bench.now);
    bench.ask(genset, CLOSED);
    assert_eq!(bench.is(genset), CLOSED);
    bench.resume((old, saved_at), Gap::SameBoot(secs(1)), bench.now.after(secs(1)));
    bench.session = 0;
    bench.step(&[]);
    bench.settle();
    assert_eq!(bench.is(genset), OPEN);
    bench.ask(mains, CLOSED);
    bench.pass(ms(1_900));
    assert_eq!(bench.is(mains), OPEN, "within the dead time");
    bench.pass(ms(200));
    assert_eq!(bench.is(mains), CLOSED);
}

/// Who never confirms after a restart keeps its partner out for as long as that lasts: nobody knows that it left. A limit
/// acts in any case, once the dead time after it was told is over.
#[test]
fn a_partner_that_does_not_confirm_after_a_restart_is_waited_for_and_a_limit_does_not_wait() {
    for is_forced in [false, true] {
        let mut site = Site::new();
        let (mains, genset) = (site.contact("mains"), site.contact("genset.contactor"));
        site.interlock(&[mains, genset], secs(2));
        let hot = site.point("battery.temperature", "°C", Some(secs(36_000)));
        site.limit("hot", &above("battery.temperature", "50 °C"), &[(mains, CLOSED)]);
        let mut bench = site.bench();
        bench.set(hot, 20.0);
        bench.settle();
        bench.pass(secs(60));
        let (old, saved_at) = (through_text(&bench.guard.save()), bench.now);
        bench.resume((old, saved_at), Gap::SameBoot(secs(1)), bench.now.after(secs(1)));
        bench.session = 0;
        // Its device is dead: no write is ever confirmed, and it says nothing.
        bench.broken[genset.index()] = true;
        bench.step(&[]);
        bench.settle();
        if is_forced {
            bench.set(hot, 60.0);
            bench.pass(secs(1));
            assert_eq!(bench.is(mains), OPEN, "within the dead time");
            bench.pass(secs(2));
            assert_eq!(bench.is(mains), CLOSED);
            continue;
        }
        bench.ask(mains, CLOSED);
        bench.pass(secs(3_600));
        assert_eq!((bench.is(mains), bench.verdict(mains).cause), (OPEN, Cause::Interlock(0)));
        bench.broken[genset.index()] = false;
        bench.pass(secs(70));
        assert_eq!(bench.is(mains), CLOSED);
    }
}

#[test]
fn minimum_times_start_anew_after_a_power_cut_and_go_on_after_a_restart() {
    for (gap, waits) in
        [(Gap::SameBoot(secs(10)), 90), (Gap::OtherBoot(secs(3600)), 300), (Gap::Unknown, 300)]
    {
        let mut site = Site::new();
        let pump = site.contact("pump");
        site.envelope(pump).min_open = secs(300);
        let mut bench = site.bench();
        bench.step(&[]);
        bench.settle();
        bench.pass(secs(200));
        bench.restart(gap);
        bench.ask(pump, CLOSED);
        bench.pass(secs(waits - 1));
        assert_eq!(bench.is(pump), OPEN, "{gap:?}");
        bench.pass(secs(1));
        assert_eq!(bench.is(pump), CLOSED, "{gap:?}");
    }
}

#[test]
fn switchings_are_kept_over_every_gap() {
    for (gap, counts) in [
        (Gap::SameBoot(secs(10)), true),
        (Gap::OtherBoot(secs(600)), true),
        (Gap::Unknown, true),
        (Gap::OtherBoot(secs(3600)), false),
    ] {
        let mut site = Site::new();
        let pump = site.contact("pump");
        site.envelope(pump).max_switches = vec![SwitchBudget { count: 2, per: secs(3600) }];
        let mut bench = site.bench();
        bench.ask(pump, CLOSED);
        bench.ask(pump, OPEN);
        bench.restart(gap);
        bench.ask(pump, CLOSED);
        assert_eq!(bench.is(pump) == OPEN, counts, "{gap:?}");
    }
}

#[test]
fn the_permit_of_an_earlier_guard_is_stale() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    let before = bench.guard.session();
    bench.restart(Gap::SameBoot(secs(1)));
    assert!(bench.guard.session() > before);
    bench.ask(pump, CLOSED);
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn loads_of_shedding_wait_after_a_power_cut_and_a_soft_one_that_stayed_up_does_not() {
    for (strength, gap, waits) in [
        (Strength::Soft, Gap::SameBoot(secs(1)), false),
        (Strength::Wired, Gap::SameBoot(secs(1)), true),
        (Strength::Soft, Gap::OtherBoot(secs(1)), true),
    ] {
        let mut site = Site::new();
        let frequency = site.point("feeder.frequency", "Hz", Some(secs(5)));
        let home = site.contact("home");
        let envelope = site.envelope(home);
        (envelope.at_start, envelope.strength) = (CLOSED, strength);
        envelope.on_silence = OnSilence::Hold(secs(600));
        site.shedding(&[frequency], &[(home, "homes", 1000.0)]).stages =
            vec![Stage { below: num(49.5), hold: ms(60), share: num(10.0), from: vec!["homes".into()] }];
        let mut bench = site.bench();
        bench.hello();
        bench.set(frequency, 50.0);
        bench.give_back(home);
        assert_eq!(bench.is(home), CLOSED);
        bench.restart(gap);
        bench.hello();
        bench.ask(home, CLOSED);
        assert_eq!(bench.is(home) == OPEN, waits, "{strength:?} {gap:?}");
    }
}

#[test]
fn a_set_that_only_tightens_is_taken_at_once() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    let mut tighter = site.clone();
    let envelope = tighter.envelope(pump);
    (envelope.min_open, envelope.lease) = (secs(60), secs(2));
    tighter.set.fingerprint = 2;
    let replaced =
        bench.guard.replace(Arc::new(tighter.catalog.clone()), tighter.set.clone(), false, bench.now);
    assert_eq!((replaced.taken, replaced.loosenings.len(), replaced.session_ended), (Taken::Whole, 0, false));
    bench.pass(secs(10));
    assert_eq!(bench.is(pump), CLOSED, "the session goes on");
    bench.ask(pump, OPEN);
    bench.ask(pump, CLOSED);
    assert_eq!(bench.verdict(pump).cause, Cause::MinOpen);
    bench.pass_in_silence(ms(2_001));
}

#[test]
fn a_loosening_waits_for_a_person_and_the_rest_is_taken() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).min_open = secs(60);
    site.envelope(pump).min_closed = secs(60);
    let mut bench = site.bench();
    bench.step(&[]);
    bench.settle();
    let mut other = site.clone();
    (other.envelope(pump).min_open, other.envelope(pump).min_closed) = (secs(10), secs(90));
    other.set.fingerprint = 2;
    let replaced = bench.guard.replace(Arc::new(other.catalog.clone()), other.set.clone(), false, bench.now);
    assert_eq!((replaced.taken, replaced.waits_for), (Taken::Tightenings, Some(2)));
    let loosening = &replaced.loosenings[0];
    assert_eq!(
        (&*loosening.subject, loosening.key, &*loosening.old, &*loosening.new),
        ("pump", "min_open", "1 min", "10 s")
    );
    let in_force = |bench: &Bench| {
        let envelope = bench.guard.envelope(pump).unwrap();
        (envelope.min_open, envelope.min_closed)
    };
    assert_eq!(in_force(&bench), (secs(60), secs(90)));
    bench.operator(OperatorCommand::Confirm(3));
    assert!(bench.has(|event| matches!(event, GuardEvent::ConfirmRefused { .. })));
    assert_eq!(bench.guard.adopt_confirmed(bench.now), None);
    bench.operator(OperatorCommand::Confirm(2));
    assert_eq!(bench.guard.adopt_confirmed(bench.now).map(|replaced| replaced.taken), Some(Taken::Whole));
    assert_eq!(in_force(&bench), (secs(10), secs(90)));
    assert_eq!(bench.guard.fingerprint(), 2);
}

/// Every key, loosened alone, is found; tightened alone, it is not.
#[test]
fn every_key_is_compared() {
    let base = || {
        let mut site = Site::new();
        let pump = site.contact("pump");
        let charge = site.setpoint("charge", &[(0.0, 1000.0)]);
        site.point("battery.temperature", "°C", Some(secs(30)));
        let envelope = site.envelope(pump);
        (envelope.lease, envelope.min_open, envelope.min_closed) = (secs(10), secs(10), secs(10));
        envelope.max_closed = Some(secs(100));
        envelope.max_switches = vec![SwitchBudget { count: 6, per: secs(3600) }];
        envelope.on_silence = OnSilence::Hold(secs(10));
        site.level(charge).ramp_away = Some(num(100.0));
        site.level(charge).min_interval = secs(10);
        let limit =
            site.limit("hot", &above("battery.temperature", "50 °C"), &[(pump, OPEN), (charge, level(0.0))]);
        site.until(limit, &below("battery.temperature", "45 °C"), secs(10));
        site.held(limit, secs(2));
        let fan = site.contact("fan");
        site.interlock(&[pump, fan], secs(2));
        site
    };
    type Change = fn(&mut Site);
    let (pump, charge) = (OutputId(0), OutputId(1));
    let _ = (pump, charge);
    let loosened: [(&str, Change); 17] = [
        ("lease", |site| site.envelope(OutputId(0)).lease = secs(11)),
        ("min_open", |site| site.envelope(OutputId(0)).min_open = secs(9)),
        ("min_closed", |site| site.envelope(OutputId(0)).min_closed = secs(9)),
        ("max_closed", |site| site.envelope(OutputId(0)).max_closed = None),
        ("max_switches", |site| site.envelope(OutputId(0)).max_switches[0].count = 7),
        ("on_silence", |site| site.envelope(OutputId(0)).on_silence = OnSilence::Hold(secs(11))),
        ("safe", |site| site.envelope(OutputId(0)).safe = CLOSED),
        ("at_start", |site| site.envelope(OutputId(0)).at_start = CLOSED),
        ("values", |site| site.level(OutputId(1)).ranges[0].1 = num(1001.0)),
        ("ramp", |site| site.level(OutputId(1)).ramp_away = Some(num(101.0))),
        ("min_interval", |site| site.level(OutputId(1)).min_interval = secs(9)),
        ("limits", |site| site.set.limits.clear()),
        ("for", |site| site.held(0, secs(3))),
        ("until ... for", |site| site.until(0, &below("battery.temperature", "45 °C"), secs(9))),
        ("until", |site| site.until(0, &below("battery.temperature", "46 °C"), secs(10))),
        ("unknown", |site| site.set.limits[0].unknown = OnUnknown::Derate(num(10.0))),
        ("dead_time", |site| site.set.interlocks[0].dead_time = secs(1)),
    ];
    for (key, change) in loosened {
        let mut site = base();
        let mut guard = site.bench().guard;
        change(&mut site);
        let replaced = guard.replace(Arc::new(site.catalog.clone()), site.set.clone(), false, Mono::ZERO);
        let keys: Vec<&str> = replaced.loosenings.iter().map(|loosening| loosening.key).collect();
        assert_eq!(keys, [key]);
    }
    let tightened: [Change; 7] = [
        |site| site.envelope(OutputId(0)).on_silence = OnSilence::Safe,
        |site| site.envelope(OutputId(0)).max_closed = Some(secs(99)),
        |site| site.envelope(OutputId(0)).max_switches.push(SwitchBudget { count: 20, per: secs(86_400) }),
        |site| site.level(OutputId(1)).ranges[0].1 = num(900.0),
        |site| site.latched(0),
        |site| site.set.interlocks[0].dead_time = secs(3),
        |site| {
            let when = site.program(&above("battery.temperature", "40 °C"));
            let force = Vec::new();
            let action = LimitAction::Force {
                when,
                hold: Span::ZERO,
                force,
                until: None,
                until_hold: Span::ZERO,
                latch: false,
            };
            site.set.limits.push(Limit { name: "new".into(), unknown: OnUnknown::Force, action });
        },
    ];
    for change in tightened {
        let mut site = base();
        let mut guard = site.bench().guard;
        change(&mut site);
        let replaced = guard.replace(Arc::new(site.catalog.clone()), site.set.clone(), false, Mono::ZERO);
        assert_eq!(replaced.loosenings, []);
    }
    // Another pin behind the same name is a loosening although no key changed.
    let mut site = base();
    let mut guard = site.bench().guard;
    site.set.definitions = 9;
    let replaced = guard.replace(Arc::new(site.catalog.clone()), site.set.clone(), false, Mono::ZERO);
    assert_eq!((replaced.taken, replaced.loosenings.len()), (Taken::Nothing, 1));
}

#[test]
fn a_device_more_shifts_every_id_and_loosens_nothing() {
    let mut site = Site::new();
    let hot = site.point("battery.temperature", "°C", Some(secs(30)));
    let charger = site.contact("charger");
    site.limit("hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
    let mut bench = site.bench();
    bench.set(hot, 20.0);
    bench.ask(charger, CLOSED);
    let mut other = Site::new();
    other.set.fingerprint = 2;
    other.point("a.new_one", "V", None);
    other.contact("another");
    other.point("battery.temperature", "°C", Some(secs(30)));
    let charger = other.contact("charger");
    other.limit("hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
    let replaced = bench.guard.replace(Arc::new(other.catalog.clone()), other.set.clone(), false, bench.now);
    assert_eq!((replaced.loosenings, replaced.taken, replaced.session_ended), (vec![], Taken::Whole, true));
    let state = bench.guard.output(charger).unwrap();
    assert_eq!(state.told, CLOSED, "it stays as it is, under its new number");
}

fn scripted(
    site: &Site,
    outputs: u32,
    seed: u64,
    steps: u64,
    review_all: bool,
    save_at: Option<u64>,
) -> (Vec<String>, String) {
    let catalog = Arc::new(site.catalog.clone());
    let mut now = Mono::from_millis(1_000_000);
    let mut guard = Guard::new(Arc::clone(&catalog), site.set.clone(), now);
    let mut out = Vec::with_capacity(512);
    let mut log = Vec::new();
    let mut answers: Vec<Input> = Vec::new();
    let mut answered = vec![None; outputs as usize];
    let mut random = seed;
    let hello = Message::Hello { tables: guard.table_hash() };
    answers.push(Input::Frame(Frame { session: 1, counter: 1, lease_ms: 3000, message: hello }));
    for step in 0..steps {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = random >> 33;
        now = now.after(ms(pick % 700));
        let mut inputs = std::mem::take(&mut answers);
        let counter = step + 2;
        let intent = Intent {
            output: OutputId(pick as u32 % outputs),
            wanted: if pick & 32 == 0 { OPEN } else { CLOSED },
            authority: Authority::Rule(3),
            request: pick % 5,
            is_restoration: pick & 64 == 0,
        };
        let message = if pick.is_multiple_of(3) { Message::Renew } else { Message::Intent(intent) };
        inputs.push(Input::Frame(Frame { session: 1, counter, lease_ms: 3000, message }));
        for (point, low, high) in [(0_u32, 49.0, 50.1), (1, 20.0, 60.0)] {
            if pick >> (7 + point) & 3 == 0 {
                let value = ballast_model::Value::Number(num(if pick & 0x8000 == 0 { low } else { high }));
                let point = ballast_model::PointId(point);
                inputs.push(Input::Sample(ballast_model::Sample::good(point, value, now, step + 1)));
            }
        }
        if save_at == Some(step) {
            let state = through_text(&guard.save());
            let mut next = Guard::new(Arc::clone(&catalog), site.set.clone(), now);
            next.restore(state, Gap::SameBoot(Span::ZERO), now, now);
            guard = next;
        }
        if review_all {
            guard.review_all();
        }
        guard.step(now, &inputs, &mut out);
        for output in out.drain(..) {
            match &output {
                // When to wake may be asked earlier by one that has just looked at everything, and of several answers
                // for an output in one step only the last one counts.
                Output::WakeAt(_) | Output::Verdict(_) => continue,
                Output::Permit(permit) => {
                    let ok = !permit.counter().is_multiple_of(7);
                    answers.push(Input::Written { output: permit.output(), counter: permit.counter(), ok });
                }
                Output::Event(_) => {}
            }
            log.push(format!("{step} {output:?}"));
        }
        for (index, last) in (0..outputs).zip(&mut answered) {
            let verdict = guard.verdict(OutputId(index)).copied();
            if *last != verdict {
                log.push(format!("{step} {verdict:?}"));
                *last = verdict;
            }
        }
    }
    let mut state = guard.save();
    state.counters = Default::default();
    (log, serde_json::to_string(&state).unwrap())
}

fn scripted_site() -> Site {
    let mut site = Site::new();
    let frequency = site.point("feeder.frequency", "Hz", Some(secs(4)));
    site.point("battery.temperature", "°C", Some(secs(6)));
    let outputs: Vec<OutputId> = (0..6).map(|index| site.contact(&format!("o{index}"))).collect();
    for output in &outputs {
        let envelope = site.envelope(*output);
        (envelope.min_open, envelope.min_closed) = (secs(2), secs(3));
        envelope.max_switches = vec![SwitchBudget { count: 10, per: secs(60) }];
        envelope.max_closed = Some(secs(20));
    }
    let limit = site.limit(
        "hot",
        &above("battery.temperature", "50 °C"),
        &[(outputs[0], CLOSED), (outputs[1], OPEN)],
    );
    site.until(limit, &below("battery.temperature", "45 °C"), secs(2));
    site.after(limit, 1, secs(1));
    site.interlock(&[outputs[0], outputs[2]], secs(2));
    let rows = [(outputs[4], "homes", 1000.0), (outputs[5], "homes", 800.0)];
    site.shedding(&[frequency], &rows).stages =
        vec![Stage { below: num(49.5), hold: ms(60), share: num(10.0), from: vec!["homes".into()] }];
    site
}

type Told = (Vec<String>, String);

fn first_difference(one: &Told, other: &Told) -> Option<(String, String)> {
    let pair = |(one, other): (&String, &String)| (one.clone(), other.clone());
    let lines = one.0.iter().zip(&other.0).find(|(one, other)| one != other).map(pair);
    let lengths =
        (one.0.len() != other.0.len()).then(|| (one.0.len().to_string(), other.0.len().to_string()));
    let states = (one.1 != other.1).then(|| (one.1.clone(), other.1.clone()));
    lines.or(lengths).or(states)
}

fn by_step((mut lines, state): Told) -> Told {
    let step = |line: &String| line.split(' ').next().and_then(|step| step.parse::<u64>().ok());
    lines.sort_by_key(|line| (step(line), line.clone()));
    (lines, state)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same inputs give the same outputs; saving, writing down and restoring in the middle changes nothing; looking
    /// only at what was touched says the same as looking at everything.
    #[test]
    fn a_run_is_the_same_however_it_is_cut_and_however_much_is_looked_at(seed in any::<u64>(), cut in 1_u64..250) {
        let site = scripted_site();
        let plain = scripted(&site, 6, seed, 250, false, None);
        prop_assert_eq!(first_difference(&plain, &scripted(&site, 6, seed, 250, false, None)), None, "again");
        let cut_in_two = scripted(&site, 6, seed, 250, false, Some(cut));
        prop_assert_eq!(first_difference(&plain, &cut_in_two), None, "cut");
        // One that looks at everything goes through the outputs in another order: what is said in a step is the same.
        let everything = scripted(&site, 6, seed, 250, true, None);
        prop_assert_eq!(first_difference(&by_step(plain), &by_step(everything)), None, "everything");
    }
}

#[test]
fn a_switching_that_nobody_confirmed_before_a_restart_counts_from_its_confirmation() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    site.envelope(pump).min_open = secs(60);
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.pass(secs(60));
    bench.broken[0] = true;
    bench.ask(pump, OPEN);
    bench.pass(secs(20));
    bench.restart(Gap::SameBoot(secs(30)));
    assert_eq!(bench.is(pump), CLOSED, "it has not opened yet");
    bench.pass(secs(10));
    bench.broken[0] = false;
    bench.pass(secs(6));
    assert_eq!(bench.is(pump), OPEN);
    bench.ask(pump, CLOSED);
    bench.pass(secs(50));
    assert_eq!((bench.is(pump), bench.verdict(pump).cause), (OPEN, Cause::MinOpen));
    bench.pass(secs(10));
    assert_eq!(bench.is(pump), CLOSED);
}

#[test]
fn the_shortest_interval_of_a_setpoint_goes_on_over_a_restart() {
    let mut site = Site::new();
    let charge = site.setpoint("charge", &[(0.0, 2000.0)]);
    site.level(charge).min_interval = secs(60);
    site.envelope(charge).at_start = level(0.0);
    let mut bench = site.bench();
    bench.ask(charge, level(500.0));
    bench.pass(secs(60));
    assert_eq!(bench.is(charge), level(500.0));
    bench.pass(secs(10));
    bench.resume((bench.guard.save(), bench.now), Gap::SameBoot(secs(1)), bench.now.after(secs(1)));
    // The program is there before the first step: the output never was at its start.
    bench.session = bench.now.nanos();
    bench.counter = 0;
    let tables = bench.guard.table_hash();
    let hello = bench.frame(Message::Hello { tables });
    let intent = bench.intent(charge, level(900.0), Authority::Rule(50), 7);
    bench.step(&[hello, intent]);
    bench.settle();
    assert_eq!((bench.is(charge), bench.verdict(charge).cause), (level(500.0), Cause::MinInterval));
    // It was told anew what it was told before: the interval counts from there.
    bench.pass(secs(60));
    assert_eq!(bench.is(charge), level(900.0));
}

#[test]
fn what_is_told_anew_after_a_restart_is_as_old_as_it_was() {
    let mut site = Site::new();
    let pump = site.contact("pump");
    for (gap, outage) in [(Gap::SameBoot(secs(5)), 5), (Gap::SameBoot(Span::ZERO), 0)] {
        let mut bench = site.bench();
        bench.ask(pump, CLOSED);
        let closed_at = bench.verdict(pump).since;
        bench.pass(secs(20));
        bench.resume((through_text(&bench.guard.save()), bench.now), gap, bench.now.after(secs(outage)));
        if gap != Gap::SameBoot(Span::ZERO) {
            // The program is there before the first step: the output never was at its start.
            (bench.session, bench.counter) = (bench.now.nanos(), 0);
            let tables = bench.guard.table_hash();
            let hello = bench.frame(Message::Hello { tables });
            let intent = bench.intent(pump, CLOSED, Authority::Rule(50), 7);
            bench.step(&[hello, intent]);
            bench.settle();
        }
        bench.pass(secs(10));
        assert_eq!((bench.is(pump), bench.verdict(pump).since), (CLOSED, closed_at), "{gap:?}");
        // What really moves is new.
        bench.ask(pump, OPEN);
        assert_eq!(bench.verdict(pump).since, bench.now);
    }
    let mut bench = site.bench();
    bench.ask(pump, CLOSED);
    bench.restart(Gap::OtherBoot(secs(60)));
    let started_at = bench.now;
    bench.ask(pump, CLOSED);
    assert!(bench.verdict(pump).since >= started_at, "a power cut opened it");
}

#[test]
fn what_stood_in_for_a_sleeper_is_no_reading_after_a_restart() {
    let mut site = Site::new();
    let charger = site.contact("charger");
    let sun = site.point("sun.elevation", "deg", Some(secs(100)));
    let power = site.point("pv.power", "W", Some(secs(600)));
    site.limit("too much sun", &above("pv.power", "5 kW"), &[(charger, OPEN)]);
    let when = site.program(&below("sun.elevation", "-2 deg"));
    site.set.asleep.push(Asleep { point: power, value: Value::Number(num(0.0)), when });
    let mut bench = site.bench();
    bench.set(sun, -10.0);
    bench.ask(charger, CLOSED);
    assert_eq!(bench.is(charger), CLOSED);
    bench.restart(Gap::SameBoot(secs(1)));
    bench.ask(charger, CLOSED);
    assert_eq!(bench.is(charger), CLOSED, "it is still dark");
    bench.set(sun, 10.0);
    bench.pass(secs(11));
    assert_eq!(bench.is(charger), OPEN, "by day nobody knows what it gives");
}
