//! Properties over random plans and histories.

use super::*;
use crate::bodies::{ShedAmount, ShedRequest};
use crate::input::Command;
use crate::plan::{
    AsleepPlan, Derivation, DerivedPlan, GeneratorPlan, RestorationLoad, RestorationPlan, SchedulePlan,
    Timing,
};
use crate::state::State;
use ballast_model::almanac::TimeOfDay;
use ballast_model::catalog::GroupSpec;
use ballast_model::time::{Gap, Utc, Wall};
use ballast_model::{Authority, GroupId};
use proptest::prelude::*;

/// Points of the random site: three measured ones, a sleeper, a setting, the mode, three derived ones, a generator's.
const P: u32 = 3;
const SLEEPER: PointId = PointId(3);
const SETTING: PointId = PointId(4);
const DERIVED: u32 = 6;
const LOADS: [OutputId; 3] = [A, B, C];
const RUN: OutputId = OutputId(4);
const HOMES: GroupId = GroupId(0);

fn random_catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_point(spec("p.zero", "W", Some(5))).unwrap();
    catalog.add_point(spec("p.one", "W", None)).unwrap();
    catalog.add_point(PointSpec { max_slew: Finite::new(20.0), ..spec("p.two", "W", Some(2)) }).unwrap();
    catalog.add_point(spec("pv.power", "W", Some(4))).unwrap();
    catalog.add_point(PointSpec { origin: Origin::Setting, ..spec("setting.cap", "W", None) }).unwrap();
    let words = Kind::Words(["home", "away"].map(Box::from).into());
    catalog
        .add_point(PointSpec { origin: Origin::Mode, kind: words, ..spec("site.mode", "", None) })
        .unwrap();
    for name in ["d.sum", "d.median", "d.age", "d.on_time"] {
        let unit = if matches!(name, "d.age" | "d.on_time") { "s" } else { "W" };
        catalog.add_point(PointSpec { origin: Origin::Derived, ..spec(name, unit, None) }).unwrap();
    }
    for name in ["gen.ready", "gen.wanted", "gen.failed"] {
        let flag = PointSpec { origin: Origin::Computed, kind: Kind::Flag, ..spec(name, "", None) };
        catalog.add_point(flag).unwrap();
    }
    for name in ["a", "b", "c"] {
        add_output(&mut catalog, name, OutputKind::Contact, Wanted::CLOSED);
    }
    add_output(
        &mut catalog,
        "level",
        OutputKind::Setpoint(Unit::parse("W").unwrap()),
        Wanted::Level(Finite::ZERO),
    );
    add_output(&mut catalog, "gen.run", OutputKind::Contact, Wanted::OPEN);
    catalog.groups.push(GroupSpec {
        name: "homes".into(),
        label: "".into(),
        members: Vec::new(),
        loads: LOADS.to_vec(),
        rated: [3, 5, 7].map(Finite::from).to_vec(),
        power: alloc::vec![None, Some(PointId(1)), None],
    });
    catalog
}

/// One condition out of many; `pick` chooses it, `level` is its threshold.
fn condition(pick: u8, level: i8) -> Expr {
    let watts = alloc::format!("{level} W");
    let point = |index: u8| {
        ["p.zero", "p.one", "p.two", "pv.power", "d.sum", "d.median", "setting.cap"][usize::from(index % 7)]
    };
    let plain = |index| above(point(index), &watts);
    let over = |function: &str, index| {
        binary(BinaryOp::Greater, call(function, alloc::vec![name(point(index)), text("8s")]), text(&watts))
    };
    let flag = |point: &str| name(point);
    let on_time = |output: &str| call("on_time", alloc::vec![name(output), text("20s")]);
    let seconds = text(&alloc::format!("{level} s"));
    match pick % 23 {
        0..=4 => plain(pick / 20),
        5 => expr(ExprKind::Not(Box::new(plain(pick / 20)))),
        6 => binary(BinaryOp::And, plain(pick / 20), below(point(pick / 20 + 1), &watts)),
        7 => binary(BinaryOp::Or, plain(pick / 20), below(point(pick / 20 + 1), &watts)),
        8 => over("avg", pick / 20 % 4),
        9 => over("highest", pick / 20 % 4),
        10 => binary(BinaryOp::Greater, call("age", alloc::vec![name(point(pick / 20 % 3))]), text("3 s")),
        11 if level > 5 => call("changed", alloc::vec![name("b.wanted")]),
        11 => call("changed", alloc::vec![name(point(pick / 20))]),
        12 => call("known", alloc::vec![name(point(pick / 20 % 3))]),
        13 => binary(BinaryOp::Equal, name("a.state"), text("closed")),
        14 => binary(BinaryOp::Equal, name("b.wanted"), text("open")),
        15 => binary(BinaryOp::Greater, name("c.since"), text("6 s")),
        16 => flag("gen.ready"),
        17 => binary(BinaryOp::Equal, name("site.mode"), text("away")),
        18 => binary(BinaryOp::Greater, name("d.age"), text("4 s")),
        19 => binary(BinaryOp::Greater, on_time("a"), seconds),
        20 => binary(BinaryOp::LessOrEqual, call("max", alloc::vec![on_time("b"), on_time("c")]), seconds),
        21 => binary(BinaryOp::Greater, name("d.on_time"), seconds),
        _ => call("between", alloc::vec![text("00:00"), text("00:01")]),
    }
}

#[derive(Clone, Debug)]
pub(super) struct RandomRule {
    when: (u8, i8),
    until: Option<(u8, i8)>,
    holds_s: (u8, u8),
    unknown_s: u8,
    priority: u8,
    act: u8,
}

pub(super) fn random_rule() -> impl Strategy<Value = RandomRule> {
    let condition = || (any::<u8>(), -5i8..15);
    (condition(), prop::option::of(condition()), (0u8..4, 0u8..4), 0u8..8, 0u8..4, any::<u8>()).prop_map(
        |(when, until, holds_s, unknown_s, priority, act)| RandomRule {
            when,
            until,
            holds_s,
            unknown_s,
            priority,
            act,
        },
    )
}

/// What a random body does; deterministic in what it reads.
fn act(pick: u8) -> (Act, Vec<PointId>) {
    let point = PointId(u32::from(pick / 8) % P);
    let output = LOADS[usize::from(pick / 32) % 3];
    let act: Act = match pick % 8 {
        0 => ask(output, Wanted::OPEN),
        1 => ask(output, Wanted::CLOSED),
        2 => ask(RUN, Wanted::CLOSED),
        3 | 4 => Arc::new(move |context, asked| {
            let Some(Value::Number(read)) = context.known(point) else { return BodyOutcome::Unknown(point) };
            asked.requests.push(Request { output: LEVEL, wanted: Wanted::Level(read), lasting: None });
            if read > Finite::from(8) {
                asked.notices.push(crate::bodies::Notice {
                    level: crate::bodies::NoticeLevel::Warn,
                    text: alloc::format!("{read}"),
                });
            }
            BodyOutcome::Done
        }),
        5 => Arc::new(move |_, asked| {
            asked.requests.push(Request { output, wanted: Wanted::OPEN, lasting: Some(secs(3)) });
            BodyOutcome::Done
        }),
        _ => Arc::new(move |context, asked| {
            let amount = match context.known(point) {
                Some(Value::Number(read)) if pick % 8 == 6 => ShedAmount::Power(read),
                Some(_) => ShedAmount::Share(Finite::from(50)),
                None => ShedAmount::All,
            };
            asked.sheds.push(ShedRequest { group: HOMES, amount });
            BodyOutcome::Done
        }),
    };
    (act, alloc::vec![point])
}

pub(super) fn random_site(rules: &[RandomRule]) -> Site {
    let mut site = Site::of(random_catalog());
    for (index, random) in rules.iter().enumerate() {
        let (act, reads) = act(random.act);
        let when = condition(random.when.0, random.when.1);
        let until = random.until.map(|(pick, level)| match pick % 20 {
            3 => call("active_for", alloc::vec![text("2s")]),
            4 => {
                let highest = call("highest", alloc::vec![name("p.one"), text("active")]);
                binary(BinaryOp::Greater, highest, text(&alloc::format!("{level} W")))
            }
            _ => condition(pick, level),
        });
        site.rule(&alloc::format!("rule {index}"), &when, until.as_ref(), act, |rule| {
            rule.when_hold = secs(u64::from(random.holds_s.0));
            rule.until_hold = secs(u64::from(random.holds_s.1));
            rule.unknown = secs(u64::from(random.unknown_s));
            rule.priority = 50 + random.priority;
            rule.body_reads = reads;
            rule.writes.push(RUN);
        });
    }
    let sum = Derivation::Sum(alloc::vec![PointId(0), PointId(1)]);
    let median = Derivation::Median((0..P).map(PointId).collect());
    let age = Derivation::Expression(site.program(&call("age", alloc::vec![name("p.zero")]), 0));
    let on_time = call("on_time", alloc::vec![name("a"), text("20s")]);
    let on_time = Derivation::Expression(site.program(&on_time, 0));
    for (offset, program) in [sum, median, age, on_time].into_iter().enumerate() {
        site.plan.derived.push(DerivedPlan { point: PointId(DERIVED + offset as u32), program });
    }
    let when = site.program(&below("p.one", "0 W"), 0);
    site.plan.asleep.push(AsleepPlan { point: SLEEPER, value: number(0.0), when });
    site.plan.settings = alloc::vec![(SETTING, number(3.0)), (PointId(5), Value::Word(0))];
    let running = Some(site.program(&above("p.one", "2 W"), 0));
    site.plan.generators.push(GeneratorPlan {
        name: "gen".into(),
        run: RUN,
        ready: PointId(10),
        wanted: PointId(11),
        failed: PointId(12),
        running,
        warm_up: secs(2),
        min_run: secs(5),
        cool_down: secs(3),
        attempts: 2,
        attempt: secs(3),
        rest: secs(2),
    });
    site.plan.restoration = Some(RestorationPlan {
        loads: LOADS
            .iter()
            .map(|output| RestorationLoad { output: *output, rated: Finite::from(4), power: None })
            .collect(),
        frequency: (PointId(0), Finite::from(2)),
        settle: secs(1),
        keep_free: Some((Finite::from(10), PointId(1))),
        site_load: None,
        one_per: secs(2),
    });
    let body = site.body(Arc::new(|_, asked| {
        asked.requests.push(Request { output: A, wanted: Wanted::OPEN, lasting: Some(secs(2)) });
        asked.settings.push((SETTING, number(4.0)));
        BodyOutcome::Done
    }));
    let schedule = |name: &str, timing| SchedulePlan {
        name: name.into(),
        identity: name.into(),
        place: "x:1".into(),
        text_hash: 1,
        timing,
        body,
        body_follows: Vec::new(),
    };
    site.plan.schedules.push(schedule("every 7s", Timing::Every(secs(7))));
    site.plan.schedules.push(schedule("at 00:00:20", Timing::Daily(TimeOfDay::Clock(20))));
    site
}

/// Something that comes to the engine.
#[derive(Clone, Debug)]
pub(super) enum News {
    Sample(u8, i8),
    Repeated(u8),
    Lost(u8),
    Verdict(u8, bool, bool),
    Command(u8, i8),
    Wall(bool),
}

fn random_news() -> impl Strategy<Value = News> {
    prop_oneof![
        8 => (0u8..4, -5i8..15).prop_map(|(point, value)| News::Sample(point, value)),
        2 => (0u8..4).prop_map(News::Repeated),
        1 => (0u8..4).prop_map(News::Lost),
        4 => (0u8..5, any::<bool>(), any::<bool>()).prop_map(|(o, closed, waits)| News::Verdict(o, closed, waits)),
        1 => (any::<u8>(), -5i8..15).prop_map(|(pick, value)| News::Command(pick, value)),
        1 => any::<bool>().prop_map(News::Wall),
    ]
}

pub(super) type History = Vec<(u64, Vec<News>)>;

pub(super) fn random_history() -> impl Strategy<Value = History> {
    let wait = prop_oneof![Just(0u64), 1u64..50, Just(1000), 500u64..6000];
    prop::collection::vec((wait, prop::collection::vec(random_news(), 0..5)), 1..40)
}

/// Turns a history into calls. With `repeat`, every sample is handed over twice, and once more later.
pub(super) fn calls(history: &History, repeat: bool) -> Vec<(Mono, Vec<Input>)> {
    let mut now = 0;
    let mut sequences = [0u64; 4];
    let mut last: [Option<Sample>; 4] = [None; 4];
    let mut calls = Vec::new();
    for (wait, news) in history {
        now += wait;
        let at = ms(now);
        let mut inputs = Vec::new();
        for piece in news {
            match *piece {
                News::Sample(point, value) | News::Command(point @ 0..=3, value) => {
                    let place = usize::from(point);
                    sequences[place] += 1;
                    let sample = Sample::good(
                        PointId(u32::from(point)),
                        number(f64::from(value)),
                        at,
                        sequences[place],
                    );
                    if repeat {
                        inputs.extend(last[place].map(Input::Sample));
                        inputs.push(Input::Sample(sample));
                    }
                    inputs.push(Input::Sample(sample));
                    last[place] = Some(sample);
                }
                News::Repeated(point) => {
                    inputs.extend(last[usize::from(point)].filter(|_| repeat).map(Input::Sample))
                }
                News::Lost(point) => {
                    let place = usize::from(point);
                    sequences[place] += 1;
                    inputs.push(Input::Sample(Sample::bad(
                        PointId(u32::from(point)),
                        Reason::Offline,
                        at,
                        sequences[place],
                    )));
                }
                News::Verdict(output, closed, waits) => {
                    inputs.push(Input::Verdict(news_verdict(output, closed, waits, at)))
                }
                News::Command(pick, value) => inputs.push(Input::Command(command(pick, value, at))),
                News::Wall(trusted) => {
                    inputs.push(Input::Wall(Wall { at, utc: Utc::from_millis(now as i64), trusted }));
                }
            }
        }
        calls.push((at, inputs));
    }
    calls
}

fn news_verdict(output: u8, closed: bool, waits: bool, at: Mono) -> Verdict {
    let output = OutputId(u32::from(output));
    let state = match output {
        LEVEL => Wanted::Level(Finite::from(i32::from(closed))),
        _ if closed => Wanted::CLOSED,
        _ => Wanted::OPEN,
    };
    Verdict { awaits_restoration: waits && !closed && LOADS.contains(&output), ..verdict(output, state, at) }
}

fn command(pick: u8, value: i8, at: Mono) -> Command {
    let who = || Box::from("eva");
    match pick % 5 {
        0 | 1 => Command::Request {
            output: LOADS[usize::from(pick / 5) % 3],
            wanted: if value > 5 { Wanted::OPEN } else { Wanted::CLOSED },
            until: at.after(secs(4)),
            who: who(),
            authority: if pick.is_multiple_of(2) { Authority::Operator } else { Authority::Remote },
        },
        2 => Command::Release { output: A, who: who(), authority: Authority::Operator },
        3 => Command::Mode { word: u16::from(value > 5), who: who() },
        _ => Command::Setting { point: SETTING, value: number(f64::from(value)), who: who() },
    }
}

pub(super) fn engine(site: &Site) -> Engine<Acts> {
    Engine::new(Arc::new(site.plan.clone()), site.acts.clone(), ms(0))
}

/// Through the encoding that the shell uses.
fn written(state: &State<'_>) -> State<'static> {
    postcard::from_bytes(&postcard::to_allocvec(state).unwrap()).unwrap()
}

/// What a call said, and its deadline.
fn call_step(engine: &mut Engine<Acts>, at: Mono, inputs: &[Input]) -> (Vec<Output>, Mono) {
    let mut out = Vec::new();
    engine.step(at, inputs, &mut out);
    let Some(Output::WakeAt(wake)) = out.pop() else { panic!("the last output is no deadline") };
    (out, wake)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Looking only at what changed is the same as looking at everything in every step.
    #[test]
    fn looking_at_what_changed_equals_looking_at_everything(
        rules in prop::collection::vec(random_rule(), 1..8),
        history in random_history(),
    ) {
        let site = random_site(&rules);
        let (mut lazy, mut eager) = (engine(&site), engine(&site));
        eager.core.looks_at_everything = true;
        for (at, inputs) in calls(&history, false) {
            let mut inputs: &[Input] = &inputs;
            for _ in 0..300 {
                let (said, wake) = call_step(&mut lazy, at, inputs);
                let (expected, _) = call_step(&mut eager, at, inputs);
                prop_assert_eq!(said, expected, "at {:?}", at);
                inputs = &[];
                if wake > at {
                    break;
                }
            }
        }
    }

    /// Saving, writing down and taking up again after every step changes nothing, deadlines included.
    #[test]
    fn saving_and_restoring_changes_nothing(
        rules in prop::collection::vec(random_rule(), 1..8),
        history in random_history(),
    ) {
        let site = random_site(&rules);
        let (mut whole, mut broken) = (engine(&site), engine(&site));
        for (at, inputs) in calls(&history, false) {
            let expected = call_step(&mut whole, at, &inputs);
            let mut said = Vec::new();
            let state = written(&broken.save());
            broken = engine(&site);
            let saved_at = state.saved_at();
            broken.restore(state, Gap::SameBoot(Span::ZERO), saved_at, at);
            broken.step(at, &inputs, &mut said);
            let wake = said.pop();
            prop_assert_eq!(&said, &expected.0, "at {:?}", at);
            prop_assert_eq!(wake, Some(Output::WakeAt(expected.1)), "at {:?}", at);
        }
    }

    /// Samples that are repeated at once or come late once more change nothing.
    #[test]
    fn fault_06_repeated_samples_change_nothing(
        rules in prop::collection::vec(random_rule(), 1..8),
        history in random_history(),
    ) {
        let site = random_site(&rules);
        let (mut once, mut twice) = (engine(&site), engine(&site));
        for ((at, inputs), (_, repeated)) in calls(&history, false).into_iter().zip(calls(&history, true)) {
            prop_assert_eq!(call_step(&mut once, at, &inputs), call_step(&mut twice, at, &repeated));
        }
    }

    /// Following the deadlines misses nothing: an engine that is called far more often says the same at the same moments.
    #[test]
    fn no_deadline_is_missed(
        rules in prop::collection::vec(random_rule(), 1..8),
        history in random_history(),
    ) {
        let site = random_site(&rules);
        let (mut exact, mut often) = (engine(&site), engine(&site));
        let (mut from, mut wake) = (ms(0), ms(0));
        for (to, inputs) in calls(&history, false) {
            let mut steps = 0;
            while wake < to {
                let at = wake.max(from);
                // Steps in between, at which nothing is due.
                while from.after(Span::from_millis(700)) < at {
                    from = from.after(Span::from_millis(700));
                    let (said, _) = call_step(&mut often, from, &[]);
                    prop_assert_eq!(said, Vec::new(), "at {:?} before {:?}", from, at);
                }
                let (said, next) = call_step(&mut exact, at, &[]);
                let (expected, _) = call_step(&mut often, at, &[]);
                prop_assert_eq!(said, expected, "at {:?}", at);
                (from, wake) = (at, next);
                steps += 1;
                prop_assert!(steps < 3000, "spins at {:?}", at);
            }
            let (said, next) = call_step(&mut exact, to, &inputs);
            let (expected, _) = call_step(&mut often, to, &inputs);
            prop_assert_eq!(said, expected, "at {:?}", to);
            (from, wake) = (to, next);
        }
    }
}
