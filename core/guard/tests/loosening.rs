//! Another safety set, key by key: whatever loosens one is found, named and not in force before a person says so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod kit;
mod whole;
use ballast_guard::Taken;
use ballast_guard::plan::{
    Asleep, LimitAction, OnSilence, OnUnknown, OutsideChange, Process, SafetySet, Shedding, Strength,
};
use ballast_model::catalog::OutputKind;
use ballast_model::{Unit, Value};
use kit::*;
use std::sync::Arc;
use whole::*;

type Change = fn(&mut Site);

fn shedding(site: &mut Site) -> &mut Shedding {
    site.set.shedding.as_mut().unwrap()
}

fn force(site: &mut Site, limit: usize) -> &mut Vec<ballast_guard::plan::ForceStep> {
    match &mut site.set.limits[limit].action {
        LimitAction::Force { force, .. } => force,
        LimitAction::Derate { .. } => panic!("limit {limit} derates"),
    }
}

/// Of outputs.
const ENVELOPES: [(&str, Change); 20] = [
    ("safe", |site| site.envelope(HEATER).safe = CLOSED),
    ("at_start", |site| site.envelope(HEATER).at_start = CLOSED),
    ("on_silence", |site| site.envelope(HEATER).on_silence = OnSilence::Hold(secs(11))),
    ("on_silence", |site| site.envelope(PUMP).on_silence = OnSilence::Hold(ms(1))),
    ("lease", |site| site.envelope(HEATER).lease = secs(6)),
    ("min_closed", |site| site.envelope(CHARGER).min_closed = secs(4)),
    ("min_open", |site| site.envelope(CHARGER).min_open = secs(3)),
    ("max_closed", |site| site.envelope(HEATER).max_closed = Some(secs(61))),
    ("max_closed", |site| site.envelope(HEATER).max_closed = None),
    ("max_switches", |site| site.envelope(CHARGER).max_switches[1].count = 31),
    ("max_switches", |site| site.envelope(CHARGER).max_switches[0].per = secs(3599)),
    ("outside_change", |site| site.envelope(LAMP).outside_change = OutsideChange::Correct(9)),
    ("effect", |site| site.envelope(CHARGER).effect = None),
    ("effect", |site| site.envelope(CHARGER).effect.as_mut().unwrap().within = secs(21)),
    ("values", |site| site.level(CHARGE).ranges[1].1 = num(2010.0)),
    ("step", |site| site.level(CHARGE).step = Some(num(5.0))),
    ("min_interval", |site| site.level(CHARGE).min_interval = ms(999)),
    ("ramp", |site| site.level(CHARGE).ramp_away = None),
    ("strength", |site| site.envelope(CHARGER).strength = Strength::Soft),
    ("refresh", |site| site.envelope(CHARGE).refresh = None),
];

fn process(site: &mut Site) -> &mut Process {
    site.set.process.as_mut().unwrap()
}

/// Of limits, interlocks, devices that sleep, and of who may speak to the guard.
const LIMITS: [(&str, Change); 20] = [
    ("limits", |site| drop(site.set.limits.remove(1))),
    ("limits", |site| site.set.limits.swap(0, 3)),
    ("unknown", |site| site.set.limits[0].unknown = OnUnknown::Derate(num(1.0))),
    ("unknown", |site| site.set.limits[2].unknown = OnUnknown::Derate(num(11.0))),
    ("for", |site| site.held(0, ms(2_001))),
    ("force", |site| force(site, 0).truncate(1)),
    ("force", |site| site.after(0, 1, ms(1_001))),
    ("force", |site| force(site, 0)[1].wanted = CLOSED),
    ("until", |site| site.until(0, &below("battery.temperature_1", "45 °C"), secs(5))),
    ("latch", |site| match &mut site.set.limits[1].action {
        LimitAction::Force { latch, .. } => *latch = false,
        LimitAction::Derate { .. } => {}
    }),
    ("of", |site| {
        let other = site.program(&name("battery.temperature_2"));
        match &mut site.set.limits[2].action {
            LimitAction::Derate { of, .. } => *of = other,
            LimitAction::Force { .. } => {}
        }
    }),
    ("derate", |site| match &mut site.set.limits[2].action {
        LimitAction::Derate { rows, .. } => rows[0].1[1].1 = num(51.0),
        LimitAction::Force { .. } => {}
    }),
    ("never_together", |site| site.set.interlocks.clear()),
    ("dead_time", |site| site.set.interlocks[0].dead_time = ms(1_999)),
    ("asleep", |site| site.set.asleep[0].value = Value::Number(num(1.0))),
    ("asleep", |site| {
        let when = site.program(&below("sun.elevation", "0 deg"));
        site.set.asleep.push(Asleep { point: LOAD, value: Value::Number(num(0.0)), when });
    }),
    ("guard", |site| site.set.process = None),
    ("operators", |site| process(site).operators.push("pi".into())),
    ("program", |site| process(site).program = Some("nobody".into())),
    ("program", |site| process(site).program = None),
];

/// Of shedding.
const SHEDDING: [(&str, Change); 27] = [
    ("shedding", |site| site.set.shedding = None),
    ("never", |site| shedding(site).never.clear()),
    ("source", |site| shedding(site).source.truncate(2)),
    ("source", |site| shedding(site).source_tolerance = num(0.11)),
    ("source", |site| shedding(site).source_stuck_after = secs(6)),
    ("groups", |site| drop(shedding(site).loads.pop())),
    ("groups", |site| shedding(site).loads[0].groups = vec!["homes".into()]),
    ("groups", |site| shedding(site).loads[0].rated = num(900.0)),
    ("stages", |site| drop(shedding(site).stages.pop())),
    ("stages", |site| shedding(site).stages[0].below = num(49.4)),
    ("stages", |site| shedding(site).stages[0].hold = ms(61)),
    ("stages", |site| shedding(site).stages[1].share = num(9.0)),
    ("stages", |site| shedding(site).stages[0].from = vec!["homes".into()]),
    ("bulk", |site| shedding(site).bulk = None),
    ("bulk", |site| shedding(site).bulk.as_mut().unwrap().below = num(49.6)),
    ("bulk", |site| shedding(site).bulk.as_mut().unwrap().falling = num(3.1)),
    ("bulk", |site| shedding(site).bulk.as_mut().unwrap().share = num(39.0)),
    ("bulk", |site| drop(shedding(site).bulk.as_mut().unwrap().from.pop())),
    ("cap", |site| shedding(site).cap.as_mut().unwrap().count = 4),
    ("cap", |site| shedding(site).cap = None),
    ("futile_after", |site| shedding(site).futile_after = Some(3)),
    ("keep_free", |site| shedding(site).restore.keep_free = num(14.0)),
    ("keep_free", |site| shedding(site).restore.capacity = None),
    ("one_per", |site| shedding(site).restore.one_per = ms(1_999)),
    ("jitter", |site| shedding(site).restore.jitter = ms(999)),
    ("restore_at_most", |site| shedding(site).restore.above = num(49.7)),
    ("settle", |site| shedding(site).restore.settle = ms(999)),
];

/// What is in force, but for its fingerprint.
fn in_force(bench: &Bench) -> SafetySet {
    SafetySet { fingerprint: 0, ..bench.guard.safety_set().clone() }
}

#[test]
fn every_key_that_is_loosened_alone_is_named_and_waits_for_a_person() {
    for (key, change) in ENVELOPES.into_iter().chain(LIMITS).chain(SHEDDING) {
        let mut bench = whole().bench();
        let before = in_force(&bench);
        let mut site = whole();
        change(&mut site);
        site.set.fingerprint = 2;
        let replaced =
            bench.guard.replace(Arc::new(site.catalog.clone()), site.set.clone(), false, bench.now);
        let keys: Vec<&str> = replaced.loosenings.iter().map(|loosening| loosening.key).collect();
        assert!(!keys.is_empty() && keys.iter().all(|found| *found == key), "{key}: {keys:?}");
        assert_eq!((replaced.taken, replaced.waits_for), (Taken::Tightenings, Some(2)), "{key}");
        // How strong an output is, is no leave but a fact: the weaker word is the true one. A device whose sleep is in
        // doubt does not sleep at all.
        let now = in_force(&bench);
        let is_fact = key == "strength";
        let is_awake = key == "asleep" && now.asleep.iter().all(|asleep| before.asleep.contains(asleep));
        // What is neither stricter nor weaker holds as well, beside what holds already.
        let is_beside = ["until", "of", "force"].contains(&key) && now.limits.starts_with(&before.limits);
        assert!(
            is_fact || is_awake || is_beside || now == before,
            "{key} is in force although nobody confirmed it"
        );
        // With a person's word it is.
        bench.operator(ballast_guard::OperatorCommand::Confirm(2));
        assert!(bench.guard.adopt_confirmed(bench.now).is_some(), "{key}");
        site.set.fingerprint = 0;
        assert!(in_force(&bench) == site.set, "{key} is not in force although it was confirmed");
    }
}

#[test]
fn the_same_set_the_other_way_round_is_a_tightening_and_in_force_at_once() {
    // What a change takes away, its undoing gives back: not where any difference is a loosening. The only latch is that of
    // the limit that cuts the clinic, away from what is safe for it.
    let both_ways =
        ["safe", "outside_change", "until", "of", "asleep", "source", "groups", "step", "program", "latch"];
    for (key, change) in ENVELOPES.into_iter().chain(LIMITS).chain(SHEDDING) {
        let mut site = whole();
        change(&mut site);
        let mut bench = site.bench();
        let mut stricter = whole();
        stricter.set.fingerprint = 2;
        let catalog = Arc::new(stricter.catalog.clone());
        let replaced = bench.guard.replace(catalog, stricter.set.clone(), false, bench.now);
        let is_strict = replaced.loosenings.is_empty();
        assert_eq!(is_strict, replaced.taken == Taken::Whole, "{key}");
        if is_strict {
            stricter.set.fingerprint = 0;
            assert!(in_force(&bench) == stricter.set, "{key} is not in force at once");
        } else {
            let keys: Vec<&str> = replaced.loosenings.iter().map(|loosening| loosening.key).collect();
            let is_told_both_ways =
                both_ways.contains(&key) || ["force", "stages", "limits", "bulk"].contains(&key);
            assert!(is_told_both_ways, "{key} tightened: {keys:?}");
        }
    }
}

#[test]
fn an_output_that_is_gone_or_of_another_kind_is_a_loosening_and_one_that_is_new_is_none() {
    let mut bench = whole().bench();
    let mut more = whole();
    more.contact("new pump");
    let replaced = bench.guard.replace(Arc::new(more.catalog.clone()), more.set.clone(), false, bench.now);
    assert_eq!((replaced.taken, replaced.loosenings.len(), replaced.session_ended), (Taken::Whole, 0, false));
    let less = whole();
    let replaced = bench.guard.replace(Arc::new(less.catalog.clone()), less.set.clone(), false, bench.now);
    let found: Vec<(&str, &str)> = replaced.loosenings.iter().map(|row| (&*row.subject, row.key)).collect();
    assert_eq!((replaced.taken, found), (Taken::Nothing, vec![("new pump", "outputs")]));
    // The same numbers of another unit are another device.
    let mut bench = whole().bench();
    let mut other = whole();
    other.catalog.outputs[CHARGE.index()].kind = OutputKind::Setpoint(Unit::parse("A").unwrap());
    let replaced = bench.guard.replace(Arc::new(other.catalog.clone()), other.set.clone(), false, bench.now);
    let found: Vec<(&str, &str)> = replaced.loosenings.iter().map(|row| (&*row.subject, row.key)).collect();
    assert_eq!((replaced.taken, found), (Taken::Nothing, vec![("charge", "outputs")]));
}

#[test]
fn an_effect_that_shows_in_another_way_is_a_loosening_whichever_part_of_it() {
    let other = |site: &Site| Some(site.program(&above("charger.current", "70 mA")));
    for part in 0..3 {
        for is_gone in [true, false] {
            let mut site = whole();
            let program = if is_gone { None } else { other(&site) };
            let effect = site.envelope(CHARGER).effect.as_mut().unwrap();
            *[&mut effect.closed, &mut effect.open, &mut effect.unless][part] = program;
            assert_eq!(replaced(&site).1, [("charger".to_string(), "effect")], "{part}, gone: {is_gone}");
            // Nor may one be added: what it calls an effect may be what the other one calls none.
            let mut bench = site.bench();
            let whole = whole();
            let replaced =
                bench.guard.replace(Arc::new(whole.catalog.clone()), whole.set.clone(), false, bench.now);
            let keys: Vec<&str> = replaced.loosenings.iter().map(|row| row.key).collect();
            assert_eq!(keys, ["effect"], "{part}, new: {is_gone}");
        }
    }
}

#[test]
fn an_operator_who_is_taken_off_the_list_is_none_at_once_and_a_new_one_waits() {
    let mut bench = whole().bench();
    let mut site = whole();
    process(&mut site).operators = vec!["pi".into()];
    let replaced = bench.guard.replace(Arc::new(site.catalog.clone()), site.set.clone(), false, bench.now);
    assert_eq!(replaced.taken, Taken::Tightenings);
    assert_eq!(bench.guard.safety_set().process.as_ref().unwrap().operators, []);
}

/// A limit on the sun, which nothing else uses, that forces this.
fn on_sun(site: &mut Site, name: &str, force: &[(ballast_model::OutputId, ballast_model::Wanted)]) {
    site.limit(name, &above("pv.power", "-40 W"), force);
}

fn replaced(site: &Site) -> (Bench, Vec<(String, &'static str)>) {
    let mut bench = whole().bench();
    let mut set = site.set.clone();
    set.fingerprint = 2;
    let replaced = bench.guard.replace(Arc::new(site.catalog.clone()), set, false, bench.now);
    let found = replaced.loosenings.iter().map(|row| (row.subject.to_string(), row.key)).collect();
    (bench, found)
}

#[test]
fn a_limit_that_moves_an_output_away_from_its_safe_state_waits_for_a_person() {
    let away: [(&str, &str, Change); 7] = [
        ("a new one", "evil", |site| on_sun(site, "evil", &[(HEATER, CLOSED)])),
        ("a new level", "evil", |site| on_sun(site, "evil", &[(CHARGE, level(300.0))])),
        ("a new step", "battery too hot", |site| {
            let step = ballast_guard::plan::ForceStep { output: HEATER, wanted: CLOSED, after: secs(9) };
            force(site, 0).push(step);
        }),
        ("an earlier one", "smoke", |site| {
            let when = site.program(&above("smoke.level", "10 %"));
            if let LimitAction::Force { when: old, .. } = &mut site.set.limits[1].action {
                *old = when;
            }
        }),
        ("a later one", "smoke", |site| site.held(1, secs(1))),
        ("one that unknown sets off", "too much sun", |site| {
            site.set.limits[3].unknown = OnUnknown::Force;
            force(site, 3)[1].wanted = level(300.0);
        }),
        ("one that ends later", "smoke", |site| site.until(1, &below("smoke.level", "40 %"), secs(5))),
    ];
    for (what, subject, change) in away {
        let mut site = whole();
        change(&mut site);
        let (mut bench, found) = replaced(&site);
        assert!(!found.is_empty() && found.iter().all(|(found, _)| found == subject), "{what}: {found:?}");
        let before = whole();
        let steps = |set: &SafetySet| {
            let steps = set.limits.iter().filter_map(|limit| match &limit.action {
                LimitAction::Force { force, .. } => Some(force.clone()),
                LimitAction::Derate { .. } => None,
            });
            let mut steps: Vec<_> = steps
                .flatten()
                .filter(|step| step.wanted != before.set.envelopes[step.output.index()].safe)
                .collect();
            steps.sort_by_key(|step| (step.output, step.after));
            steps
        };
        assert_eq!(steps(bench.guard.safety_set()), steps(&before.set), "{what} is in force");
        bench.operator(ballast_guard::OperatorCommand::Confirm(2));
        assert!(bench.guard.adopt_confirmed(bench.now).is_some(), "{what}");
        assert_eq!(steps(bench.guard.safety_set()), steps(&site.set), "{what} is not in force");
    }
}

#[test]
fn a_limit_that_leads_to_safe_is_in_force_at_once() {
    let strict: [(&str, Change); 5] = [
        ("a new one", |site| on_sun(site, "more", &[(HEATER, OPEN), (CLINIC, CLOSED), (CHARGE, level(0.0))])),
        ("a new step", |site| {
            let step = ballast_guard::plan::ForceStep { output: HEATER, wanted: OPEN, after: secs(9) };
            force(site, 0).push(step);
        }),
        ("an earlier one", |site| site.held(0, secs(1))),
        ("an end of its own", |site| site.until(3, &below("pv.power", "4 kW"), secs(0))),
        ("a cap", |site| {
            let of = site.program(&name("pv.power"));
            let rows = vec![(CHARGE, vec![(num(0.0), num(100.0)), (num(1.0), num(0.0))])];
            let action = LimitAction::Derate { of, rows };
            let unknown = OnUnknown::Force;
            site.set.limits.insert(0, ballast_guard::plan::Limit { name: "cap".into(), unknown, action });
        }),
    ];
    for (what, change) in strict {
        let mut site = whole();
        change(&mut site);
        let (bench, found) = replaced(&site);
        assert_eq!(found, [], "{what}");
        site.set.fingerprint = 0;
        assert!(in_force(&bench) == site.set, "{what} is not in force");
    }
}

/// A set that changes what is safe waits for a person; what leads to the other safe state waits with it.
#[test]
fn a_limit_that_leads_to_what_is_safe_in_one_of_both_sets_waits_for_a_person() {
    for wanted in [OPEN, CLOSED] {
        let mut site = whole();
        site.envelope(HEATER).safe = CLOSED;
        on_sun(&mut site, "more", &[(HEATER, wanted)]);
        let (bench, found) = replaced(&site);
        assert_eq!(found, [("heater".to_string(), "safe"), ("more".to_string(), "force")], "{wanted:?}");
        assert!(bench.guard.safety_set().limits == whole().set.limits, "{wanted:?} is in force");
    }
}

/// What acts against a safe state is not stricter where it acts earlier, for longer or more often: there is no stricter.
#[test]
fn whatever_changes_of_a_limit_that_acts_away_from_safe_waits_for_a_person() {
    let evil = |change: Change| {
        let mut site = whole();
        on_sun(&mut site, "evil", &[(HEATER, CLOSED)]);
        site.held(4, secs(5));
        site.until(4, &below("pv.power", "-50 W"), secs(5));
        site.set.limits[4].unknown = OnUnknown::Derate(num(20.0));
        change(&mut site);
        site
    };
    let changes: [(&str, Change); 11] = [
        ("unknown", |site| site.set.limits[4].unknown = OnUnknown::Force),
        ("unknown", |site| site.set.limits[4].unknown = OnUnknown::Derate(num(19.0))),
        ("when", |site| earlier(site, 4, "-45 W")),
        ("when", |site| earlier(site, 4, "-35 W")),
        ("for", |site| site.held(4, secs(4))),
        ("for", |site| site.held(4, secs(6))),
        ("until", |site| site.until(4, &below("pv.power", "-60 W"), secs(5))),
        ("until", |site| site.until(4, &below("pv.power", "-45 W"), secs(5))),
        ("until ... for", |site| site.until(4, &below("pv.power", "-50 W"), secs(4))),
        ("until ... for", |site| site.until(4, &below("pv.power", "-50 W"), secs(6))),
        ("latch", |site| site.latched(4)),
    ];
    for (place, (key, change)) in changes.into_iter().enumerate() {
        let mut bench = evil(|_| {}).bench();
        let new = evil(change);
        let replaced = bench.guard.replace(Arc::new(new.catalog.clone()), new.set, false, bench.now);
        let found: Vec<(&str, &str)> =
            replaced.loosenings.iter().map(|row| (&*row.subject, row.key)).collect();
        assert_eq!(found, [("evil", key)], "{place}");
        assert!(bench.guard.safety_set().limits == evil(|_| {}).set.limits, "{place} {key} is in force");
    }
}

/// Another threshold for a limit on the sun.
fn earlier(site: &mut Site, limit: usize, than: &str) {
    let program = site.program(&above("pv.power", than));
    if let LimitAction::Force { when, .. } = &mut site.set.limits[limit].action {
        *when = program;
    }
}

#[test]
fn a_limit_that_comes_to_win_over_another_one_by_a_new_interlock_must_stay_as_it_is() {
    let with_both = |threshold: &str| {
        let mut site = whole();
        on_sun(&mut site, "needs the mains", &[(MAINS, CLOSED)]);
        on_sun(&mut site, "needs the genset", &[(GENSET, CLOSED)]);
        earlier(&mut site, 4, threshold);
        site
    };
    for (threshold, expected) in [("-40 W", vec![]), ("-50 W", vec![("needs the mains", "when")])] {
        let mut old = with_both("-40 W");
        old.set.interlocks.clear();
        let mut bench = old.bench();
        let new = with_both(threshold);
        let replaced = bench.guard.replace(Arc::new(new.catalog.clone()), new.set, false, bench.now);
        let found: Vec<(&str, &str)> =
            replaced.loosenings.iter().map(|row| (&*row.subject, row.key)).collect();
        assert_eq!(found, expected, "{threshold}");
    }
}

/// A name that a file itself gives is a name like any other, also where it looks like that of a limit which stands beside
/// another one.
#[test]
fn a_limit_whose_name_ends_in_a_number_has_no_successor_but_of_its_own_name() {
    let mut old = whole();
    old.set.limits[3].name = "too much sun (2)".into();
    let mut bench = old.bench();
    let new = whole();
    let replaced = bench.guard.replace(Arc::new(new.catalog.clone()), new.set, false, bench.now);
    let found: Vec<(&str, &str)> = replaced.loosenings.iter().map(|row| (&*row.subject, row.key)).collect();
    assert_eq!(found, [("too much sun (2)", "limits")]);
    assert!(bench.guard.safety_set().limits.iter().any(|limit| &*limit.name == "too much sun (2)"));
}

#[test]
fn a_limit_that_claims_nothing_of_an_interlock_wins_over_no_other() {
    let with_genset = || {
        let mut site = whole();
        on_sun(&mut site, "needs the genset", &[(GENSET, CLOSED)]);
        site
    };
    for step in [(CLINIC, CLOSED), (HEATER, OPEN), (CHARGER, OPEN)] {
        let mut bench = with_genset().bench();
        let mut new = with_genset();
        on_sun(&mut new, "keeps it", &[step]);
        let limit = new.set.limits.pop().unwrap();
        new.set.limits.insert(4, limit);
        let replaced = bench.guard.replace(Arc::new(new.catalog.clone()), new.set, false, bench.now);
        assert_eq!((replaced.taken, &replaced.loosenings[..]), (Taken::Whole, &[][..]), "{step:?}");
    }
}

#[test]
fn a_limit_that_would_win_over_another_one_waits_for_a_person() {
    // The mains and the genset exclude each other: of two limits that need them, the first one in the file wins.
    let with_genset = || {
        let mut site = whole();
        on_sun(&mut site, "needs the genset", &[(GENSET, CLOSED)]);
        site
    };
    for (place, is_free) in [(4, false), (5, true)] {
        let mut bench = with_genset().bench();
        let mut new = with_genset();
        on_sun(&mut new, "needs the mains", &[(MAINS, CLOSED)]);
        let limit = new.set.limits.pop().unwrap();
        new.set.limits.insert(place, limit);
        new.set.fingerprint = 2;
        let replaced = bench.guard.replace(Arc::new(new.catalog.clone()), new.set, false, bench.now);
        let found: Vec<(&str, &str)> =
            replaced.loosenings.iter().map(|row| (&*row.subject, row.key)).collect();
        assert_eq!(found, if is_free { vec![] } else { vec![("needs the mains", "force")] });
        // Behind the other it only protects.
        let names = bench.guard.safety_set().limits.iter().map(|limit| &*limit.name).collect::<Vec<_>>();
        assert_eq!(names[4..], ["needs the genset", "needs the mains"]);
    }
}

/// Whoever confirms reads no more lines than they can, and is told how many are left out.
#[test]
fn a_list_that_is_too_long_says_how_many_more_there_are() {
    for (outputs, listed, more) in [(500, 500, None), (501, 501, Some("1 more")), (507, 501, Some("7 more"))]
    {
        let mut site = Site::new();
        let ids: Vec<_> = (0..outputs).map(|index| site.contact(&format!("lamp {index:03}"))).collect();
        let mut bench = site.bench();
        ids.iter().for_each(|id| site.envelope(*id).lease = secs(4));
        site.set.fingerprint = 2;
        let found =
            bench.guard.replace(Arc::new(site.catalog.clone()), site.set, false, bench.now).loosenings;
        assert_eq!(found.len(), listed);
        assert!(
            found[..500].iter().all(|row| row.key == "lease" && &*row.old == "3 s" && &*row.new == "4 s")
        );
        let last = found.get(500).map(|row| (&*row.subject, row.key, &*row.old, &*row.new));
        assert_eq!(last, more.map(|more| ("and", "more", "", more)));
    }
}

#[test]
fn who_confirms_reads_what_is_in_force_and_what_would_be() {
    let given: [(&str, &str, &str, Change); 5] = [
        ("max_closed", "1 min", "none", |site| site.envelope(HEATER).max_closed = None),
        ("max_closed", "1 min", "2 min", |site| site.envelope(HEATER).max_closed = Some(secs(120))),
        ("refresh", "15 s", "none", |site| site.envelope(CHARGE).refresh = None),
        ("step", "10", "5", |site| site.level(CHARGE).step = Some(num(5.0))),
        ("ramp", "200", "none", |site| site.level(CHARGE).ramp_away = None),
    ];
    for (key, old, new, change) in given {
        let mut site = whole();
        change(&mut site);
        let mut bench = whole().bench();
        let found =
            bench.guard.replace(Arc::new(site.catalog.clone()), site.set, false, bench.now).loosenings;
        let found: Vec<_> = found.iter().map(|row| (row.key, &*row.old, &*row.new)).collect();
        assert_eq!(found, [(key, old, new)]);
    }
}

/// Conditions name points by their place: where another point has it, nothing of the new set can be in force beside the old.
#[test]
fn a_set_whose_points_stand_elsewhere_waits_as_a_whole() {
    let site = |points: [&str; 2]| {
        let mut site = Site::new();
        for point in points {
            site.point(point, "°C", Some(secs(600)));
        }
        let charger = site.contact("charger");
        site.limit("battery too hot", &above("battery.temperature", "50 °C"), &[(charger, OPEN)]);
        site
    };
    let mut bench = site(["battery.temperature", "tank.temperature"]).bench();
    let before = bench.guard.safety_set().clone();
    let mut new = site(["tank.temperature", "battery.temperature"]);
    new.set.fingerprint = 2;
    new.set.envelopes[0].lease = secs(10);
    new.set.envelopes[0].min_open = secs(10);
    assert_eq!(bench.guard.waits_for(), None);
    let replaced = bench.guard.replace(Arc::new(new.catalog.clone()), new.set, false, bench.now);
    assert_eq!((replaced.taken, replaced.waits_for), (Taken::Nothing, Some(2)));
    assert_eq!(bench.guard.waits_for(), Some(2));
    assert_eq!(bench.guard.safety_set(), &before);
    assert_eq!(bench.guard.catalog().points, bench.catalog.points);
}
