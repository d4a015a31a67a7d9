//! The metrics of running sites through `promtool check metrics`, which knows the format and its habits.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::broker::Broker;
use common::program::Program;
use common::{Scratch, tool_or_skip, wait_for};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// What promtool says about a page; empty when it is content.
fn promtool(page: &str) -> Option<String> {
    let program = tool_or_skip("promtool", "promtool check metrics")?;
    let mut child = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    Some(if output.status.success() { text } else { format!("failed: {text}") })
}

fn families(page: &str) -> Vec<&str> {
    page.lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|rest| rest.split(' ').next())
        .collect()
}

#[test]
fn the_page_of_a_busy_site_is_clean_and_complete() {
    let rules = rule("heat \"it\"", "a", "meter.power > \"1 kW\"", "meter.power < \"1 kW\"")
        .replace("heat \"it\"", "heat \\\"it\\\"");
    let Some(bench) = Bench::new("metrics of a busy site", &rules) else { return };
    let program = bench.run();
    bench.tell("meter/power", "6000");
    bench.tell("meter/period", "off_peak");
    bench.wait("a", "ON");
    program.tell(&["request", "e", "closed", "--for", "1h"]);
    let page = program.get("/metrics");
    let Some(said) = promtool(&page) else { return };
    assert_eq!(said, "", "\n{page}");
    let has = |line: &str| assert!(page.lines().any(|found| found.starts_with(line)), "no {line}\n{page}");
    // The list of the issue: points with their unit, outputs, strength, winner, rules, the guard, steps, reloads, buses,
    // queues, coalescing, build.
    has("ballast_point_watts{point=\"meter.power\"} 6000");
    has("ballast_point_word{point=\"meter.period\",word=\"off_peak\"} 1");
    has("ballast_output_state{output=\"a\"} 1");
    has("ballast_output_state{output=\"e\"} 0");
    has("ballast_output_strength{output=\"a\",strength=\"soft\"} 1");
    has("ballast_output_winner{output=\"a\",authority=\"rule\"");
    has("ballast_output_winner{output=\"e\",authority=\"operator\"");
    has("ballast_rule_active{rule=\"heat \\\"it\\\"\"} 1");
    has("ballast_limit_active{limit=\"house full\"} 1");
    has("ballast_guard_interventions_total{");
    has("ballast_step_duration_seconds_bucket{");
    has("ballast_reloads_total{outcome=\"refused\"} 0");
    has("ballast_bus_link_errors_total{bus=\"broker\"} 0");
    has("ballast_samples_waiting 0");
    has("ballast_samples_coalesced_total 0");
    has("ballast_build_info{version=");
    for wanted in
        ["ballast_rule_evaluations_total", "ballast_rule_errors_total", "ballast_rule_duration_seconds_total"]
    {
        assert!(families(&page).contains(&wanted), "no {wanted} among {:?}", families(&page));
    }
}

#[test]
fn a_candidate_is_counted_while_it_runs() {
    let rules = rule("follow", "a", "meter.level > \"50 %\"", "meter.level < \"50 %\"");
    let Some(bench) = Bench::new("metrics of a candidate", &rules) else { return };
    let program = bench.run();
    bench.tell("meter/level", "30");
    program.wait_point("meter.level", "30");
    let of_candidate = |page: &str| page.lines().filter(|line| line.starts_with("ballast_shadow_")).count();
    assert_eq!(program.metric("ballast_shadow_running").as_deref(), Some("0"));
    assert_eq!(of_candidate(&program.get("/metrics")), 1);
    let folder = Scratch::new("candidate");
    let other = rules.replace("(a)", "(b)")
        + "every \"1s\" { let steps = [1.0]; if steps[3] > 0.0 { close(c, \"1min\"); } }\n";
    std::fs::write(folder.0.join("main.rhai"), other).unwrap();
    program.tell(&["shadow", "start", folder.0.to_str().unwrap()]);
    assert_eq!(program.metric("ballast_shadow_running").as_deref(), Some("1"));
    assert_eq!(program.metric("ballast_shadow_lagged_total").as_deref(), Some("0"));
    assert_eq!(program.metric("ballast_shadow_differences_total{output=\"b\"}").as_deref(), Some("0"));
    bench.tell("meter/level", "70");
    for output in ["a", "b"] {
        program.wait_metric(&format!("ballast_shadow_differences_total{{output=\"{output}\"}}"), "1");
    }
    assert_eq!(program.metric("ballast_shadow_differences_total{output=\"c\"}").as_deref(), Some("0"));
    let number = |series: &str| program.metric(series)?.parse::<f64>().ok();
    wait_for("more than one failure", PATIENCE, || {
        number("ballast_shadow_body_errors_total").filter(|count| *count >= 2.0)
    });
    let turns = number("ballast_shadow_turns_total").unwrap();
    wait_for("more turns", PATIENCE, || number("ballast_shadow_turns_total").filter(|count| *count > turns));
    let age = number("ballast_shadow_age_seconds").unwrap();
    assert!((2.0..60.0).contains(&age), "{age}");
    let page = program.get("/metrics");
    program.tell(&["shadow", "drop"]);
    assert_eq!(program.metric("ballast_shadow_running").as_deref(), Some("0"));
    assert_eq!(of_candidate(&program.get("/metrics")), 1);
    let Some(said) = promtool(&page) else { return };
    assert_eq!(said, "", "\n{page}");
}

#[test]
fn a_value_that_grew_old_is_absent() {
    let Some(bench) = Bench::new("metrics of old values", "") else { return };
    bench.site.edit(
        "site.yaml",
        "power:  { topic: meter/power, unit: W, max_age: 5 min",
        "power:  { topic: meter/power, unit: W, max_age: 2 s",
    );
    let program = bench.run();
    bench.tell("meter/power", "1500");
    let line = "ballast_point_watts{point=\"meter.power\"} 1500";
    let shows = |program: &Program| program.get("/metrics").lines().any(|found| found == line);
    wait_for("the value", PATIENCE, || shows(&program).then_some(()));
    wait_for("the old value to go", PATIENCE, || (!shows(&program)).then_some(()));
    let page = program.get("/metrics");
    assert!(
        !page.contains("ballast_point_watts{point=\"meter.power\"}"),
        "frozen at something else:\n{page}"
    );
    assert!(page.contains("ballast_point_age_seconds{point=\"meter.power\"}"), "its age stays:\n{page}");
    if let Some(said) = promtool(&page) {
        assert_eq!(said, "");
    }
}

#[test]
fn health_and_readiness_are_told_apart() {
    let rules = "rule \"stumbles\" when meter.power > \"1 kW\" until meter.power < \"1 kW\" { let x = []; x[3]; close(a); }\n";
    let Some(bench) = Bench::new("health", rules) else { return };
    let program = bench.run();
    let (code, body) = program.get_with_code("/healthz");
    assert_eq!((code, body.contains("ok")), (200, true), "{body}");
    wait_for("readiness", PATIENCE, || (program.get_with_code("/readyz").0 == 200).then_some(()));
    // A rule that fails again and again is suspended: the program lives, but the site is not controlled as written.
    for power in 0..40 {
        bench.tell("meter/power", &format!("{}", if power % 2 == 0 { 2000 } else { 500 }));
        if program.get_with_code("/readyz").0 == 503 {
            break;
        }
    }
    let (code, body) = program.get_with_code("/readyz");
    assert_eq!(code, 503, "{body}\n{}", program.lines().join("\n"));
    assert!(body.contains("stumbles"), "{body}");
    assert_eq!(program.get_with_code("/healthz").0, 200);
    assert_eq!(program.get_with_code("/nothing").0, 404);
}

#[test]
fn the_example_of_the_linky_home_is_clean() {
    let Some(broker) = Broker::start("metrics of linky-home") else { return };
    let site = Scratch::with_example("metrics", "linky-home");
    let url = format!("broker.url=mqtt://127.0.0.1:{}", broker.port);
    let port = format!("tic.port={}", site.0.join("no-such-port").display());
    let program = Program::run(&site.0, &["--set", &url, "--set", &port, "--trust-clock"]);
    let Some(said) = promtool(&program.get("/metrics")) else { return };
    assert_eq!(said, "");
}

#[test]
fn the_example_of_the_village_is_clean() {
    let site = Scratch::with_example("metrics", "village");
    let program = Program::run(&site.0, &["--trust-clock"]);
    program.wait_point("feeder_meter.frequency", "");
    let page = program.get("/metrics");
    assert!(page.contains("ballast_point_hertz{point=\"feeder_meter.frequency\"}"), "{page}");
    let Some(said) = promtool(&page) else { return };
    assert_eq!(said, "");
}
