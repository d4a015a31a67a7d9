//! `examples/village` on forty homes after two hours without any source: who comes back when, and what the bus carries then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test is its own message"
)]
#![allow(clippy::print_stdout, reason = "what was measured is told")]

use ballast::simulation::{Setup, Simulation};
use ballast_model::Span;
use ballast_plant::VillageSpec;
use ballast_plant::village::{Disturbance, What, When};

const MINUTE_S: u64 = 60;
/// Dark from 17:30 to 19:30, half an hour after the start, and looked at until 22:30.
const DARK_S: (u64, u64) = (30 * MINUTE_S, 150 * MINUTE_S);
const END_S: u64 = 330 * MINUTE_S;

/// Water is wanted all evening, so that the tanks take part; what is opened in the dark comes back by the safety file's budget.
const RULES: &str = r#"
rule "heat the homes' water" each tanks in heaters
    when between("12:00", "23:59")
{
    close(tanks);
}

rule "open what may wait while it is dark"
    when feeder_meter.voltage < "50 V" for "5s" until feeder_meter.voltage > "150 V" for "10s"
{
    shed("heaters");
    shed("comfort");
    shed("homes");
}
"#;

fn setup(is_dark: bool, cut_outputs: bool) -> Setup {
    let mut setup = Setup::village(1, 17 * 3_600);
    let start_unix_s = setup.spec.start_unix_s;
    setup.spec = VillageSpec { start_unix_s, ..VillageSpec::forty_homes() };
    for genset in &mut setup.spec.gensets {
        genset.on_line_at_start = true;
    }
    for tank in setup.spec.tanks.iter_mut().filter(|tank| tank.name.starts_with("heaters")) {
        tank.closed_at_start = true;
    }
    if is_dark {
        // One set of two comes back, and no battery helps it.
        setup.spec.gensets[1].is_absent = true;
        setup.spec.storage.iter_mut().for_each(|storage| storage.is_absent = true);
        let when = When::Once { after_start_s: DARK_S.0 as f64 };
        let what = What::Blackout { lasts_s: (DARK_S.1 - DARK_S.0) as f64 };
        setup.spec.disturbances.push(Disturbance { when, jitter_s: 0.0, what });
    }
    setup.cut_outputs = cut_outputs;
    setup.texts.files.insert("rules/return.rhai".to_owned(), RULES.as_bytes().into());
    setup
}

/// What came of an evening.
struct Evening {
    /// Greatest load at a whole minute after the darkness, W.
    after_w: f64,
    /// The same from the beginning of the darkness on.
    peak_w: f64,
    blackouts: u32,
    is_live: bool,
    /// Contacts of homes that are closed at the end, of four.
    homes: usize,
}

fn evening(setup: Setup) -> Evening {
    let mut simulation = Simulation::begin(setup).unwrap_or_else(|error| panic!("{error}"));
    let (mut after_w, mut peak_w) = (0.0_f64, 0.0_f64);
    for minute in 1..=END_S / MINUTE_S {
        simulation.run_until(Span::from_secs(minute * MINUTE_S));
        let load_w = simulation.look(|village| village.flows().load_w);
        if minute * MINUTE_S > DARK_S.0 {
            peak_w = peak_w.max(load_w);
        }
        if minute * MINUTE_S > DARK_S.1 {
            after_w = after_w.max(load_w);
        }
    }
    simulation.look(|village| {
        let is_closed = |quarter: &&str| {
            let output = village.find_output(&format!("homes_{quarter}.contact"));
            output.and_then(|output| village.read(output)).is_some_and(|contact| contact > 0.5)
        };
        Evening {
            after_w,
            peak_w,
            blackouts: village.record().blackouts,
            is_live: village.frequency_hz().is_some(),
            homes: ["north", "south", "east", "west"].iter().filter(|quarter| is_closed(quarter)).count(),
        }
    })
}

/// Without control everything returns at once, and the village collapses again and again. With rules and guard one load after
/// the other comes back as one set carries it: no second blackout, and less than the usual load of these hours.
#[test]
fn after_a_blackout_loads_come_back_within_what_the_sources_carry() {
    // Side by side: each takes half a minute.
    let [usual, alone, given_back] = std::thread::scope(|scope| {
        [(false, false), (true, true), (true, false)]
            .map(|(is_dark, cut_outputs)| scope.spawn(move || evening(setup(is_dark, cut_outputs))))
            .map(|run| run.join().unwrap())
    });
    let ratio = given_back.after_w / usual.after_w;
    println!(
        "usual {:.1} kW after 19:30, {:.1} kW in the whole evening; alone {} blackouts; given back {:.1} kW, {ratio:.2} and \
         {:.2} times, {} blackouts, {} of 4 groups of homes",
        usual.after_w / 1e3,
        usual.peak_w / 1e3,
        alone.blackouts,
        given_back.after_w / 1e3,
        given_back.after_w / usual.peak_w,
        given_back.blackouts,
        given_back.homes
    );
    assert!(usual.blackouts == 0 && usual.is_live);
    // It collapses under what waits for it, until its controller locks it out.
    assert!(alone.blackouts > 2 && !alone.is_live, "{} blackouts", alone.blackouts);
    assert!(given_back.blackouts == 1 && given_back.is_live, "{} blackouts", given_back.blackouts);
    assert!((0.5..0.95).contains(&ratio), "{ratio} times the usual load of these hours");
    assert!(given_back.after_w < usual.peak_w, "less than the usual peak of the evening");
    assert!(given_back.homes >= 3, "{} groups of homes are back", given_back.homes);
}
