//! The guard itself as the transition function of models that stateright explores: every state that can be reached by
//! whatever happens in whatever order, as deep as is printed.
//!
//! `BALLAST_PROOF_DEPTH=9 cargo test -p ballast-guard --test model -- --show-output` goes deeper than the tests do.
#![allow(clippy::print_stdout, reason = "a proof says what it looked at")]

mod kit;
mod proof;
use proof::charge::{self, Charge};
use proof::loads::{self, Loads};
use proof::oracle::{HEATER, PUMP};
use proof::world::{self, World, is_closed};
use proof::{Life, number};
use stateright::{Checker, Model, Property};
use std::fmt::{self, Debug, Formatter};
use std::hash::{Hash, Hasher};

/// A moment, told apart from others by what can matter of it.
#[derive(Clone)]
struct Moment<L> {
    life: L,
    key: u64,
}

impl<L: Life> Moment<L> {
    fn of(life: L) -> Self {
        let key = life.key();
        Self { life, key }
    }
}

impl<L> Hash for Moment<L> {
    fn hash<H: Hasher>(&self, to: &mut H) {
        self.key.hash(to);
    }
}

impl<L> PartialEq for Moment<L> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<L: Life> Debug for Moment<L> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x} {}", self.key, self.life.fault().unwrap_or("as it should be"))
    }
}

type Properties<L> = fn() -> Vec<Property<Lives<L>>>;

/// Everything that can become of some beginnings.
struct Lives<L: Life> {
    begin: Vec<L>,
    acts: Vec<L::Act>,
    properties: Properties<L>,
}

impl<L: Life> Model for Lives<L> {
    type State = Moment<L>;
    type Action = L::Act;

    fn init_states(&self) -> Vec<Moment<L>> {
        self.begin.iter().cloned().map(Moment::of).collect()
    }

    fn actions(&self, state: &Moment<L>, actions: &mut Vec<L::Act>) {
        // What went wrong is told, not followed.
        if state.life.fault().is_none() {
            actions.extend(self.acts.iter().copied().filter(|act| state.life.can(*act)));
        }
    }

    fn next_state(&self, last: &Moment<L>, act: L::Act) -> Option<Moment<L>> {
        let mut life = last.life.clone();
        life.act(act);
        Some(Moment::of(life))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = (self.properties)();
        properties.push(Property::always("the oracle finds nothing wrong", |_, now: &Moment<L>| {
            now.life.fault().is_none()
        }));
        properties
    }
}

fn explore<L: Life>(name: &str, begin: Vec<L>, acts: Vec<L::Act>, properties: Properties<L>, depth: usize) {
    let depth = number("BALLAST_PROOF_DEPTH", depth);
    let lives = Lives { begin, acts, properties };
    let checker = lives.checker().threads(2).target_max_depth(depth).spawn_bfs().join();
    for (property, path) in checker.discoveries() {
        let last = path.last_state().clone();
        println!("{name}: {property}: {last:?} after {:?}", path.into_actions());
    }
    let reached = checker.max_depth();
    let whole = if reached < depth { ", which is all of them" } else { "" };
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{name}: {states} states, {steps} transitions, depth {reached}{whole}");
    checker.assert_properties();
}

#[test]
fn two_contacts_that_are_never_closed_together() {
    type Now = Moment<World>;
    explore(
        "two contacts",
        world::beginnings(),
        world::everything(),
        || {
            vec![
                Property::always("never both closed", |_, now: &Now| {
                    let outputs = &now.life.oracle.outputs;
                    !(outputs[HEATER].may_be_closed && outputs[PUMP].may_be_closed)
                }),
                Property::always("never told closed while the limit acts", |_, now: &Now| {
                    !(now.life.oracle.acts && is_closed(&now.life, HEATER))
                }),
                Property::always(
                    "closed only while a word holds, or for its time of silence",
                    |_, now: &Now| {
                        let fine = |output| {
                            now.life.oracle.must_open(output).is_none() || !is_closed(&now.life, output)
                        };
                        fine(HEATER) && fine(PUMP)
                    },
                ),
                Property::sometimes("the heater is closed", |_, now: &Now| is_closed(&now.life, HEATER)),
                Property::sometimes("the pump is closed", |_, now: &Now| is_closed(&now.life, PUMP)),
                Property::sometimes("the limit waits for a person", |_, now: &Now| {
                    now.life.oracle.is_latched
                }),
                Property::sometimes("it acts only because nothing was ever known", |_, now: &Now| {
                    now.life.oracle.is_soft
                }),
                Property::sometimes("a set waits for a person", |_, now: &Now| {
                    now.life.rig.guard.waits_for().is_some()
                }),
            ]
        },
        6,
    );
}

#[test]
fn a_setpoint_with_a_ramp_under_a_curve() {
    type Now = Moment<Charge>;
    explore(
        "a setpoint",
        charge::beginnings(),
        charge::everything(),
        || {
            vec![
                Property::sometimes("half way up", |_, now: &Now| {
                    now.life.told > 0.0 && now.life.told < 1000.0
                }),
                Property::sometimes("1000 W", |_, now: &Now| now.life.told.total_cmp(&1000.0).is_eq()),
            ]
        },
        6,
    );
}

#[test]
fn two_loads_that_are_cut_and_given_back() {
    type Now = Moment<Loads>;
    explore(
        "two loads",
        loads::beginnings(),
        loads::everything(),
        || {
            vec![
                Property::sometimes("both closed", |_, now: &Now| now.life.closed() == 2),
                Property::sometimes("given back", |_, now: &Now| now.life.is_given_back),
                Property::sometimes("an event with a load closed", |_, now: &Now| {
                    now.life.in_event && now.life.closed() == 1
                }),
            ]
        },
        6,
    );
}
