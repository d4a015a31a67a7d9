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
use ballast_plant::village::{Disturbance, What, When};
use ballast_plant::{Village, VillageSpec};

const MINUTE_S: u64 = 60;
/// Dark from 17:30 to 19:30, half an hour after the start, and looked at until 22:30.
const DARK_S: (u64, u64) = (30 * MINUTE_S, 150 * MINUTE_S);
const END_S: u64 = 330 * MINUTE_S;

/// Water is heated whenever there is voltage, so that the tanks take part; what a blackout opens comes back by the budget.
const RULES: &str = r#"
rule "heat the homes' water" each tanks in heaters
    when feeder_meter.voltage > "150 V" until feeder_meter.voltage < "100 V"
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
        let when = When::Once { after_start_s: DARK_S.0 as f64 };
        let what = What::Blackout { lasts_s: (DARK_S.1 - DARK_S.0) as f64 };
        setup.spec.disturbances.push(Disturbance { when, jitter_s: 0.0, what });
    }
    setup.cut_outputs = cut_outputs;
    setup.texts.files.insert("rules/return.rhai".to_owned(), RULES.as_bytes().into());
    setup
}

#[test]
fn explore() {
    for (name, is_dark, cut) in [("usual", false, false), ("cut", true, true), ("ballast", true, false)] {
        let mut simulation = Simulation::begin(setup(is_dark, cut)).unwrap_or_else(|error| panic!("{error}"));
        let mut peak_w = 0.0_f64;
        for minute in 1..=END_S / 60 {
            simulation.run_until(Span::from_secs(minute * 60));
            let (load_w, flows, blackouts) =
                simulation.look(|v| (v.flows().load_w, v.flows(), v.record().blackouts));
            if minute * 60 > DARK_S.1 {
                peak_w = peak_w.max(load_w);
            }
            if minute % 10 == 0 || (150..165).contains(&minute) {
                let closed: String = simulation.look(|v: &Village| {
                    v.spec()
                        .consumer_names()
                        .map(|n| {
                            let c =
                                v.find_output(&format!("{n}.contact")).and_then(|o| v.read(o)).unwrap_or(0.0)
                                    > 0.5;
                            if c { n.chars().next().unwrap() } else { '.' }
                        })
                        .collect()
                });
                println!(
                    "{name} {minute} {:.1} kW {:?} blackouts {blackouts} {closed} {:?}",
                    load_w / 1e3,
                    flows.gensets_w,
                    flows.storage_w
                );
            }
        }
        println!("{name}: peak {peak_w}");
        if name == "ballast" {
            for line in simulation.log().iter().take(80) {
                println!("{line}");
            }
        }
    }
}
