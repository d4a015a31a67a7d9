//! `examples/village` whose outputs hear what they are told late, out of order, twice or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test is its own message"
)]
#![allow(clippy::print_stdout, reason = "what came of it is told")]

use ballast::simulation::{Setup, Simulation};
use ballast_model::Span;
use ballast_plant::commands::CommandWindow;
use ballast_plant::village::{Disturbance, What, When};
use ballast_plant::{InputId, Village};

/// 19:20, and the main set breaks a minute later.
fn evening(lost: f64, late_ms: Option<(u64, u64)>) -> Simulation {
    let mut setup = Setup::village(3, 19 * 3_600 + 20 * 60);
    let what = What::GensetTrip { genset: "genset".into(), repair_s: 7_200.0 };
    setup.spec.disturbances =
        vec![Disturbance { when: When::Once { after_start_s: 60.0 }, jitter_s: 0.0, what }];
    let village = Village::new(setup.spec.clone(), 3).unwrap();
    let inputs: Vec<InputId> =
        village.inputs().iter().filter_map(|named| village.find_input(&named.name)).collect();
    let twice = if late_ms.is_some() { 0.1 } else { 0.0 };
    setup.commands = vec![CommandWindow { inputs, from_ms: 30_000, until_ms: 300_000, lost, late_ms, twice }];
    Simulation::begin(setup).unwrap_or_else(|error| panic!("{error}"))
}

/// Times at which a contact opened in the five minutes of a run.
fn run(mut simulation: Simulation) -> (u32, u64, Vec<u8>) {
    let mut opened = 0;
    let mut were_closed: Vec<bool> = Vec::new();
    while simulation.elapsed() < Span::from_secs(300) {
        simulation.step();
        let closed: Vec<bool> = simulation.look(|village| {
            let contacts = village.outputs().iter().filter(|named| named.name.ends_with(".contact"));
            let ids = contacts.filter_map(|named| village.find_output(&named.name));
            ids.map(|id| village.read(id).is_some_and(|contact| contact > 0.5)).collect()
        });
        opened += were_closed.iter().zip(&closed).map(|(was, is)| u32::from(*was && !is)).sum::<u32>();
        were_closed = closed;
    }
    (opened, simulation.plant().commands_lost().0, simulation.state())
}

/// What is lost moves nothing; what is late moves it later; and the same seed does the same.
#[test]
fn commands_that_are_lost_or_late_reach_the_plant_as_they_were_drawn() {
    let (clean, none_lost, state) = run(evening(0.0, None));
    let (deaf, all_lost, _) = run(evening(1.0, None));
    let late = || run(evening(0.3, Some((200, 5_000))));
    let (some, some_lost, disturbed) = late();
    println!(
        "contacts opened {clean} times; deaf {deaf} times; 30 % lost and late {some} times, {some_lost} lost"
    );
    assert_eq!(none_lost, 0);
    // The main set's own contactor opens in any case when it breaks.
    assert!(clean > 3 && all_lost > 3, "{clean} openings, {all_lost} lost");
    assert!(deaf < clean, "{deaf} openings of outputs that hear nothing");
    assert!(some_lost > 0 && some > 0 && disturbed != state);
    assert_eq!(late(), (some, some_lost, disturbed), "the same seed does the same");
}
