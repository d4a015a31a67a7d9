//! Random lives of a guard beside a reference that is much simpler: of every output what it may be told at most. What
//! breaks it is shrunk to the shortest life that does.
//!
//! The cases are those of `PROPTEST_RNG_SEED`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing test is its own message")]

mod kit;
use ballast_guard::{Input, OperatorCommand, ResetWhat};
use ballast_model::frame::Message;
use ballast_model::{OutputId, PointId, Wanted};
use kit::*;
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

const LEASE_MS: u64 = 3_000;
const MAX_AGE_MS: u64 = 5_000;

/// What happens.
#[derive(Clone, Debug)]
enum Turn {
    Pass(u64),
    Measure(u8),
    Lose,
    Ask { output: usize, closed: bool },
    AskLevel(u16),
    Renew,
    LinkClosed,
    Now(usize),
    Reset,
    Break(usize),
    Mend(usize),
}

/// What may be told at most: nothing but safe, unless all of these say otherwise. It forgets nothing too early and so allows
/// more than the guard does.
#[derive(Clone, Debug)]
struct AtMost {
    now: u64,
    /// °C and when.
    reading: Option<(u8, u64)>,
    /// What was asked last, and until when that may hold.
    asked: [Option<(u16, u64)>; OUTPUTS],
    is_stopped: [bool; OUTPUTS],
    is_open: bool,
}

const HEATER: usize = 0; // a contact that a limit opens above 50 °C
const PUMP: usize = 1; // a contact, never closed beside the heater
const CHARGE: usize = 2; // a setpoint under a curve
const OUTPUTS: usize = 3;

impl AtMost {
    fn celsius(&self) -> Option<u8> {
        self.reading.filter(|(_, at)| self.now <= at + MAX_AGE_MS).map(|(celsius, _)| celsius)
    }

    /// W for the setpoint; of a contact 1 is closed.
    fn of(&self, output: usize) -> u16 {
        let Some((asked, until)) = self.asked[output] else { return 0 };
        if self.now >= until || self.is_stopped[output] {
            return 0;
        }
        match (output, self.celsius()) {
            (PUMP, _) => asked,
            (_, None) => 0,
            (HEATER, Some(celsius)) => {
                if celsius > 50 {
                    0
                } else {
                    asked
                }
            }
            (_, Some(celsius)) => asked.min(2_000 - 40 * u16::from(celsius.clamp(0, 50))),
        }
    }
}

impl ReferenceStateMachine for AtMost {
    type State = Self;
    type Transition = Turn;

    fn init_state() -> BoxedStrategy<Self> {
        let state = Self {
            now: 0,
            reading: None,
            asked: [None; OUTPUTS],
            is_stopped: [false; OUTPUTS],
            is_open: false,
        };
        Just(state).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Turn> {
        prop_oneof![
            4 => (1_u64..4_000).prop_map(Turn::Pass),
            4 => (20_u8..60).prop_map(Turn::Measure),
            1 => Just(Turn::Lose),
            4 => (0..CHARGE, any::<bool>()).prop_map(|(output, closed)| Turn::Ask { output, closed }),
            3 => (0_u16..3_000).prop_map(Turn::AskLevel),
            4 => Just(Turn::Renew),
            1 => Just(Turn::LinkClosed),
            1 => (0..OUTPUTS).prop_map(Turn::Now),
            1 => Just(Turn::Reset),
            1 => (0..OUTPUTS).prop_map(Turn::Break),
            2 => (0..OUTPUTS).prop_map(Turn::Mend),
        ]
        .boxed()
    }

    fn apply(mut state: Self, turn: &Turn) -> Self {
        let until = state.now + LEASE_MS;
        match turn {
            Turn::Pass(millis) => state.now += millis,
            Turn::Measure(celsius) => state.reading = Some((*celsius, state.now)),
            Turn::Lose => state.reading = None,
            Turn::Ask { output, closed } => {
                state.asked[*output] = Some((u16::from(*closed), until));
                state.is_open = true;
            }
            Turn::AskLevel(watts) => {
                state.asked[CHARGE] = Some((*watts, until));
                state.is_open = true;
            }
            Turn::Renew => {
                let holds = |(asked, end): (u16, u64)| (end > state.now).then_some((asked, end.max(until)));
                state.asked = state.asked.map(|asked| asked.and_then(holds));
            }
            Turn::LinkClosed => state.is_open = false,
            Turn::Now(output) => state.is_stopped[*output] = true,
            Turn::Reset => state.is_stopped = [false; OUTPUTS],
            Turn::Break(_) | Turn::Mend(_) => {}
        }
        state
    }
}

/// The guard on its bench.
struct Real {
    bench: Bench,
    begin: ballast_model::Mono,
}

fn site() -> Site {
    use ballast_guard::plan::{Limit, LimitAction, OnUnknown};
    let mut site = Site::new();
    site.point("tank.temperature", "°C", Some(ms(MAX_AGE_MS)));
    let (heater, pump) = (site.contact("heater"), site.contact("pump"));
    let charge = site.setpoint("charge", &[(0.0, 2_000.0)]);
    site.level(charge).step = Some(num(1.0));
    site.level(charge).ramp_away = Some(num(500.0));
    site.limit("hot", &above("tank.temperature", "50 °C"), &[(heater, OPEN)]);
    let rows = vec![(charge, vec![(num(0.0), num(100.0)), (num(50.0), num(0.0))])];
    let action = LimitAction::Derate { of: site.program(&name("tank.temperature")), rows };
    site.set.limits.push(Limit { name: "warm".into(), unknown: OnUnknown::Force, action });
    site.interlock(&[heater, pump], secs(1));
    site
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = AtMost;

    fn init_test(_: &AtMost) -> Self {
        let mut bench = site().bench();
        bench.step(&[]);
        bench.settle();
        let begin = bench.now;
        Self { bench, begin }
    }

    fn apply(mut real: Self, reference: &AtMost, turn: Turn) -> Self {
        let bench = &mut real.bench;
        match turn {
            Turn::Pass(millis) => bench.pass_in_silence(ms(millis)),
            Turn::Measure(celsius) => bench.set(PointId(0), f64::from(celsius)),
            Turn::Lose => bench.lose(PointId(0)),
            Turn::Ask { output, closed } => {
                begin_session(bench);
                bench.ask(OutputId(output as u32), if closed { CLOSED } else { OPEN });
            }
            Turn::AskLevel(watts) => {
                begin_session(bench);
                bench.ask(OutputId(CHARGE as u32), level(f64::from(watts)));
            }
            Turn::Renew => {
                let frame = bench.frame(Message::Renew);
                bench.step(&[frame]);
                bench.settle();
            }
            Turn::LinkClosed => bench.step(&[Input::LinkClosed]),
            Turn::Now(output) => bench.operator(OperatorCommand::Now(Some(OutputId(output as u32)))),
            Turn::Reset => bench.operator(OperatorCommand::Reset(ResetWhat::All)),
            Turn::Break(output) => bench.broken[output] = true,
            Turn::Mend(output) => bench.broken[output] = false,
        }
        let at = real.begin.after(ms(reference.now));
        assert_eq!(real.bench.now, at, "both clocks");
        real
    }

    fn check_invariants(real: &Self, reference: &AtMost) {
        let told = |output: usize| real.bench.guard.output(OutputId(output as u32)).unwrap().told;
        for output in 0..OUTPUTS {
            let watts = match told(output) {
                Wanted::Level(value) => value.get(),
                wanted => f64::from(u8::from(wanted == CLOSED)),
            };
            let most = f64::from(reference.of(output));
            assert!(watts <= most, "output {output} is told {watts}, may be told {most} at most");
        }
        let closed = |output: usize| real.bench.physical[output] == Some(CLOSED);
        assert!(!(closed(HEATER) && closed(PUMP)), "both are closed");
    }
}

/// A program that was silent for too long begins anew.
fn begin_session(bench: &mut Bench) {
    if !bench.guard.hears_engine() {
        // A number that was not used before, also where no time has passed.
        (bench.session, bench.counter) = (bench.session + 1, 0);
        let hello = bench.frame(Message::Hello { tables: bench.guard.table_hash() });
        bench.step(&[hello]);
        bench.settle();
    }
}

prop_state_machine! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]
    #[test]
    fn nothing_is_told_more_than_it_may_be(sequential 1..120 => Real);
}
