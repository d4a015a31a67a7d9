//! Windows that nobody looks at now: their deadlines are left out, and nothing else changes.

use super::properties::{History, calls, engine, random_history, random_rule, random_site};
use super::*;
use crate::bodies::Request;
use crate::plan::{Derivation, DerivedPlan};
use ballast_model::expr::TrackerKey;
use proptest::prelude::*;

/// An engine that is called when it asks for it, and where something comes.
struct Driven {
    engine: Engine<Acts>,
    wake: Mono,
    steps: u32,
    /// Everything it said, with its moment.
    said: Vec<(Mono, Vec<Output>)>,
}

impl Driven {
    fn new(engine: Engine<Acts>) -> Self {
        Self { engine, wake: ms(0), steps: 0, said: Vec::new() }
    }

    fn step(&mut self, at: Mono, inputs: &[Input]) {
        let mut out = Vec::new();
        self.engine.step(at, inputs, &mut out);
        self.steps += 1;
        let Some(Output::WakeAt(wake)) = out.pop() else { panic!("the last output is no deadline") };
        self.wake = wake;
        if !out.is_empty() {
            self.said.push((at, out));
        }
    }

    fn go_on_until(&mut self, to: Mono) {
        let from = self.steps;
        while self.wake < to {
            let at = self.wake.max(self.engine.now());
            self.step(at, &[]);
            assert!(self.steps - from < 30_000, "spins at {at:?}");
        }
    }
}

/// A rule that follows the mean of a point, given as a derived one, and ends by it and by a window of its own.
fn follower() -> Site {
    let mut catalog = catalog();
    let first = catalog.points.len() as u32;
    for name in ["p.one", "p.two"] {
        catalog.add_point(spec(name, "W", Some(20))).unwrap();
    }
    let mean = PointSpec { origin: Origin::Derived, ..spec("d.mean", "W", None) };
    catalog.add_point(mean).unwrap();
    let [two, mean] = [1, 2].map(|place| PointId(first + place));
    let mut site = Site::of(catalog);
    let average = call("avg", alloc::vec![name("p.two"), text("60s")]);
    let program = Derivation::Expression(site.program(&average, 0));
    site.plan.derived.push(DerivedPlan { point: mean, program });
    let lowest = call("lowest", alloc::vec![name("p.two"), text("30s")]);
    let low = binary(BinaryOp::Less, lowest, text("4 W"));
    let until = binary(BinaryOp::And, below("d.mean", "9 W"), low);
    let act: Act = Arc::new(move |context, asked| {
        let Some(Value::Number(read)) = context.known(mean) else { return BodyOutcome::Unknown(mean) };
        asked.requests.push(Request { output: LEVEL, wanted: Wanted::Level(read), lasting: None });
        BodyOutcome::Done
    });
    site.rule("follow", &above("p.one", "15 W"), Some(&until), act, |rule| {
        rule.body_reads = alloc::vec![mean];
        rule.body_follows = alloc::vec![TrackerKey::Window { point: two, span: secs(20) }];
    });
    site
}

/// Steps and sayings of an hour in which both points wander.
fn hour(waits: Option<&[&str]>) -> Driven {
    let site = follower();
    let find = |name: &str| {
        let points = &site.plan.catalog.points;
        PointId(points.iter().position(|spec| &*spec.name == name).unwrap() as u32)
    };
    let points = [find("p.one"), find("p.two")];
    let mut driven = Driven::new(engine(&site));
    if let Some(watched) = waits {
        let watched: Vec<PointId> = watched.iter().map(|name| find(name)).collect();
        driven.engine.let_wait(&watched);
    }
    let mut chance = 1_u64;
    for number in 1..=360_u64 {
        let at = ms(number * 10_000 + 137);
        driven.go_on_until(at);
        let samples = points.map(|point| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = number_of(chance >> 33);
            Input::Sample(Sample::good(point, value, at, number))
        });
        driven.step(at, &samples);
    }
    driven
}

fn number_of(random: u64) -> Value {
    number((random % 20) as f64)
}

#[test]
fn a_window_that_only_an_idle_rule_reads_makes_no_steps() {
    let (eager, patient) = (hour(None), hour(Some(&[])));
    assert_eq!(eager.said, patient.said);
    let starts =
        eager.said.iter().flat_map(|(_, said)| said).filter(|said| {
            matches!(said, Output::Event(Event::RuleStarted { .. } | Event::RuleEnded { .. }))
        });
    assert!(starts.count() > 20, "the rule hardly lives");
    assert!(patient.steps * 3 < eager.steps * 2, "{} and {} steps", patient.steps, eager.steps);
    // What somebody else looks at is brought up to date for him.
    let watched = hour(Some(&["d.mean"]));
    assert_eq!(eager.said, watched.said);
    assert!(watched.steps > patient.steps, "{} and {} steps", watched.steps, patient.steps);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the rules and the history are, the same is said at the same moments.
    #[test]
    fn what_waits_changes_nothing_that_is_said(
        rules in prop::collection::vec(random_rule(), 1..8),
        history in random_history(),
    ) {
        let site = random_site(&rules);
        let (mut eager, mut patient) = (Driven::new(engine(&site)), Driven::new(engine(&site)));
        patient.engine.let_wait(&[]);
        let history: History = history;
        for (at, inputs) in calls(&history, false) {
            for driven in [&mut eager, &mut patient] {
                driven.go_on_until(at);
                driven.step(at, &inputs);
            }
        }
        prop_assert_eq!(&eager.said, &patient.said);
        prop_assert!(patient.steps <= eager.steps);
    }
}

/// Steps and sayings of six hours of a rule that compares a mean and a lowest value with numbers, while the point rises and falls
/// slowly through all of them.
fn comparing(waits: bool) -> Driven {
    let mut catalog = catalog();
    let point = PointId(catalog.points.len() as u32);
    catalog.add_point(spec("p.one", "W", Some(20))).unwrap();
    let mut site = Site::of(catalog);
    let of = |function, span| call(function, alloc::vec![name("p.one"), text(span)]);
    let when = binary(BinaryOp::Greater, of("avg", "60s"), text("15 W"));
    let until = binary(BinaryOp::Less, of("lowest", "30s"), text("5 W"));
    let act: Act = Arc::new(|_, _| BodyOutcome::Done);
    site.rule("compare", &when, Some(&until), act, |_| ());
    let mut driven = Driven::new(engine(&site));
    if waits {
        driven.engine.let_wait(&[]);
    }
    for number in 1..=2160_u64 {
        let at = ms(number * 10_000 + 137);
        driven.go_on_until(at);
        // Up and down within 40 min, with gaps in which the point grows old.
        let height = (number % 240).min(240 - number % 240) as f64 / 6.0 + (number * 7 % 5) as f64;
        if number % 100 > 3 {
            let sample = Sample::good(point, super::number(height), at, number);
            driven.step(at, &[Input::Sample(sample)]);
        }
    }
    driven
}

#[test]
fn a_window_that_moves_on_one_side_of_what_it_is_compared_with_makes_no_steps() {
    let (eager, patient) = (comparing(false), comparing(true));
    assert_eq!(eager.said, patient.said);
    let lives =
        |said: &&Output| matches!(said, Output::Event(Event::RuleStarted { .. } | Event::RuleEnded { .. }));
    assert!(eager.said.iter().flat_map(|(_, said)| said).filter(lives).count() > 10, "the rule hardly lives");
    assert!(patient.steps * 2 < eager.steps, "{} and {} steps", patient.steps, eager.steps);
}
