//! What comes back, by itself or at a start, is never looser than what was in force, and never a set that did harm.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::guard::{Apart, Guard, said};
use common::program::Program;
use common::wait_for;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn follow() -> String {
    rule("follow", "b", "meter.level > \"50 %\"", "meter.level < \"50 %\"")
}

/// Against it the limit of the bench must act.
const HARMFUL: &str =
    "rule \"more\" when meter.power > \"1 kW\" until meter.power < \"900 W\" { close(e); }\n";

/// Has the limit force `e` against the rule, until the program has made up its mind about it.
fn do_harm(bench: &Bench, program: &Program, said: &str) {
    bench.tell("meter/power", "2000");
    bench.wait("e", "ON");
    bench.tell("meter/power", "6000");
    bench.wait("e", "OFF");
    program.wait_line(said, PATIENCE);
    // The limit lets go; the rule asks again, if it still can.
    bench.tell("meter/power", "2000");
}

/// The harmful rule closes nothing although its condition is true, and the good one goes on.
fn assert_good(bench: &Bench, program: &Program, relay: &str) {
    bench.relays.clear();
    bench.tell("meter/power", "500");
    program.wait_point("meter.power", "500");
    bench.tell("meter/power", "2000");
    program.wait_point("meter.power", "2000");
    bench.tell("meter/level", "30");
    for (level, word) in [("70", "ON"), ("30", "OFF")] {
        bench.tell("meter/level", level);
        bench.relays.wait_last(&format!("relay/{relay}"), word, PATIENCE);
    }
    let told = bench.told("e");
    assert!(!told.contains(&"ON".to_owned()), "the harmful rule asks again: {told:?}");
}

/// How long an output stays closed that a person asks for.
fn closed_for(bench: &Bench, program: &Program, output: &str) -> Duration {
    bench.relays.clear();
    program.tell(&["request", output, "closed", "--for", "1h"]);
    let closed = bench.wait(output, "ON");
    let opened = bench.wait(output, "OFF");
    program.tell(&["release", output]);
    opened.at.duration_since(closed.at)
}

/// What `/readyz` says when it is not content.
fn not_ready(program: &Program) -> String {
    let (code, text) = program.get_with_code("/readyz");
    assert_eq!(code, 503, "{text}");
    text
}

fn ready(program: &Program) {
    wait_for("the site to be ready", PATIENCE, || (program.get_with_code("/readyz").0 == 200).then_some(()));
}

/// Confirms the safety set that waits.
fn confirm(program: &Program) {
    let said = program.wait_line("ballast guard confirm", PATIENCE);
    let (_, print) = said.split_once("ballast guard confirm ").unwrap();
    program.tell(&["guard", "confirm", print.get(..16).unwrap()]);
}

#[test]
fn a_set_that_was_returned_from_stays_out_over_every_kind_of_start() {
    let Some(bench) = Bench::new("a harmful set over restarts", &follow()) else { return };
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { max_closed: 60 s, safe: open,");
    let mut program = bench.run();
    ready(&program);
    // One edit tightens and brings the harmful rule.
    bench.site.edit("safety.yaml", "max_closed: 60 s", "max_closed: 3 s");
    bench.write_rules(&(follow() + HARMFUL));
    program.wait_line("added \"more\"", PATIENCE);
    let changed = |program: &Program| {
        program.lines().iter().filter(|line| line.contains("the changed site runs")).count()
    };
    let before = changed(&program);
    do_harm(&bench, &program, "removed \"more\"");
    let returned = "the last good rules run again, and not the site's files: 1 rule, removed \"more\"";
    program.wait_line(returned, PATIENCE);
    assert_eq!(changed(&program), before, "what runs is not the changed site: {:#?}", program.lines());
    assert_good(&bench, &program, "b");
    let mut told = vec![program.get_with_code("/readyz")];
    for round in 0..3 {
        if round == 1 {
            program.kill();
        } else {
            assert!(program.stop().success());
        }
        if round == 2 {
            // Broken files are no way around either.
            bench.write_rules("rule \"more\" when");
        }
        program = bench.run();
        let said = if round == 2 { "the set that ran last runs again" } else { "did harm before" };
        program.wait_line(said, PATIENCE);
        assert_good(&bench, &program, "b");
        program.wait_metric("ballast_files_refused", "1");
        let closed = closed_for(&bench, &program, "a");
        assert!(closed < Duration::from_secs(10), "the tightening is gone: closed for {closed:?}");
        told.push(program.get_with_code("/readyz"));
    }
    let harm = "the site's files did harm: the last good rules run";
    let expected = [harm, harm, harm, "the site's files have mistakes: the set before them runs"];
    for ((code, text), expected) in told.iter().zip(expected) {
        assert!(*code == 503 && text.contains(expected), "{told:?}");
    }
}

#[test]
fn the_rules_return_although_a_person_confirmed_other_points_meanwhile() {
    let Some(bench) = Bench::new("a return over a confirmed change", &follow()) else { return };
    let mut program = bench.run();
    bench.site.edit("site.yaml", "topic: relay/b", "topic: relay/other");
    bench.write_rules(&(follow() + HARMFUL));
    confirm(&program);
    program.wait_line("added \"more\"", PATIENCE);
    do_harm(&bench, &program, "removed \"more\"");
    // The good rules, with the output where the person confirmed it.
    assert_good(&bench, &program, "other");
    assert!(not_ready(&program).contains("did harm"));
    program.kill();
    let program = bench.run();
    program.wait_line("did harm before", PATIENCE);
    assert_good(&bench, &program, "other");
}

#[test]
fn where_the_last_good_rules_do_not_go_with_the_points_of_now_the_harmful_rule_is_suspended() {
    let Some(bench) = Bench::new("a return that cannot be", &follow()) else { return };
    let mut program = bench.run();
    bench.site.edit("site.yaml", "  b: { file", "  bb: { file");
    bench.site.edit("safety.yaml", "  b: { safe", "  bb: { safe");
    let renamed = follow().replace("close(b)", "close(bb)");
    bench.write_rules(&(renamed.clone() + HARMFUL));
    confirm(&program);
    program.wait_line("added \"more\"", PATIENCE);
    do_harm(&bench, &program, "rule \"more\" alone is suspended");
    assert_good(&bench, &program, "b");
    assert!(not_ready(&program).contains("rule \"more\" is suspended"));
    assert!(program.tell(&["why-not", "more"]).contains("is suspended: it did harm"));
    program.kill();
    let program = bench.run();
    assert_good(&bench, &program, "b");
    assert!(not_ready(&program).contains("rule \"more\" is suspended"));
    program.tell(&["rule", "resume", "more"]);
    bench.wait("e", "ON");
}

#[test]
fn a_tightening_in_force_holds_over_a_start_while_a_loosening_waits() {
    let Some(bench) = Bench::new("a tightening over restarts", &follow()) else { return };
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { max_closed: 60 s, safe: open,");
    bench.site.edit("safety.yaml", "  c: { safe: open,", "  c: { min_open: 8 s, safe: open,");
    let mut program = bench.run();
    // The first holds at once, the second waits for a person; so does a step further, in the other order.
    bench.site.edit("safety.yaml", "max_closed: 60 s", "max_closed: 3 s");
    bench.site.edit("safety.yaml", "min_open: 8 s", "min_open: 1 s");
    let newer = rule("newer", "d", "meter.level > \"60 %\"", "meter.level < \"60 %\"");
    bench.write_rules(&(follow() + &newer));
    let reload = program.ask(&["reload"]);
    assert_eq!(reload.status.code(), Some(6), "{}", String::from_utf8_lossy(&reload.stderr));
    bench.site.edit("safety.yaml", "max_closed: 3 s", "max_closed: 8 s");
    bench.site.edit("safety.yaml", "min_open: 1 s", "min_open: 2 s");
    let reload = program.ask(&["reload"]);
    assert_eq!(reload.status.code(), Some(6), "{}", String::from_utf8_lossy(&reload.stderr));
    bench.write_rules(&(follow() + &newer + "rule \"Y\" when"));
    for round in 0..2 {
        if round == 0 {
            program.kill();
        } else {
            assert!(program.stop().success());
        }
        program = bench.run();
        program.wait_line("the set that ran last runs again", PATIENCE);
        program.wait_line("still waits for `ballast guard confirm", PATIENCE);
        assert!(not_ready(&program).contains("have mistakes: the set before them runs"));
        let closed = closed_for(&bench, &program, "a");
        assert!(closed < Duration::from_secs(6), "round {round}: closed for {closed:?}");
        let rest = rest_of(&bench, &program, "c");
        assert!(rest >= Duration::from_millis(7500), "round {round}: it rested for {rest:?} only");
        bench.tell("meter/level", "70");
        bench.relays.wait_last("relay/d", "ON", PATIENCE);
        bench.tell("meter/level", "30");
        bench.relays.wait_last("relay/d", "OFF", PATIENCE);
    }
    // What waits can be confirmed after the start as before it.
    confirm(&program);
    let closed = closed_for(&bench, &program, "a");
    assert!(closed > Duration::from_secs(6), "not confirmed: closed for {closed:?}");
    assert!(program.stop().success());
    bench.write_rules(&(follow() + &newer));
    let program = bench.run();
    ready(&program);
    let rest = rest_of(&bench, &program, "c");
    assert!(rest < Duration::from_secs(6), "what was confirmed is not in force: {rest:?}");
}

/// How long an output rests between two requests of a person.
fn rest_of(bench: &Bench, program: &Program, output: &str) -> Duration {
    program.tell(&["request", output, "closed", "--for", "1h"]);
    bench.wait(output, "ON");
    bench.relays.clear();
    program.tell(&["release", output]);
    bench.wait(output, "OFF");
    let cut = Instant::now();
    program.tell(&["request", output, "closed", "--for", "1h"]);
    bench.wait(output, "ON");
    let rest = cut.elapsed();
    program.tell(&["release", output]);
    bench.wait(output, "OFF");
    rest
}

/// The rules are the same, and one of them does something else: what came back would be that rule again.
#[test]
fn a_rule_that_does_harm_by_a_derived_point_is_suspended_alone() {
    let more = "rule \"more\" when site.load > \"1 kW\" until site.load < \"900 W\" { close(e); }\n";
    let Some(bench) = Bench::new("harm by a derived point", "") else { return };
    bench.site.edit(
        "site.yaml",
        "settings:",
        "derived:\n  load: { expression: meter.power / 100 }\nsettings:",
    );
    bench.write_rules(&(follow() + more));
    let program = bench.run();
    bench.tell("meter/power", "2000");
    program.wait_point("meter.power", "2");
    bench.site.edit("site.yaml", "meter.power / 100", "meter.power * 1");
    program.wait_line("the changed site runs: 2 rules, changed \"more\"", PATIENCE);
    bench.wait("e", "ON");
    bench.tell("meter/power", "6000");
    program.wait_line("rule \"more\" is the same in the last good rules", PATIENCE);
    bench.wait("e", "OFF");
    bench.tell("meter/power", "2000");
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    assert_eq!(bench.relays.last("relay/e").as_deref(), Some("OFF"), "the harmful rule still asks");
    assert!(not_ready(&program).contains("more"));
    // Once the point is mended the rule is another one again, and tried again.
    bench.site.edit("site.yaml", "meter.power * 1", "meter.power / 50");
    program.wait_line("the changed site runs: 2 rules, changed \"more\"", PATIENCE);
    ready(&program);
}

#[test]
fn rules_that_vanish_go_only_when_a_person_says_so() {
    let Some(bench) = Bench::new("vanished rules", &follow()) else { return };
    let mut program = bench.run();
    let path = bench.site.0.join("rules/main.rhai");
    let goes_on = |program: &Program| {
        for (level, word) in [("70", "ON"), ("30", "OFF")] {
            bench.tell("meter/level", level);
            bench.relays.wait_last("relay/b", word, PATIENCE);
        }
        assert!(not_ready(program).contains("rules are gone from the site's files"));
    };
    // An editor that died while it saved.
    std::fs::write(&path, "").unwrap();
    program.wait_line("rules/main.rhai holds nothing any more, and \"follow\" would go", PATIENCE);
    goes_on(&program);
    let check = common::program::ballast().arg("check").arg(&bench.site.0).output().unwrap();
    assert!(said(&check).contains("warning[rules::empty_file]"), "{}", said(&check));
    let told = program.refused(&["reload"]);
    assert!(told.contains("ballast reload --accept"), "{told}");
    // The same bytes again: all is well again.
    std::fs::write(&path, follow()).unwrap();
    ready(&program);
    // One that died behind the comment at the head.
    std::fs::write(&path, "// The rules of the bench.\n/* not yet */\n").unwrap();
    program
        .wait_line("rules/main.rhai holds nothing but comments any more, and \"follow\" would go", PATIENCE);
    goes_on(&program);
    assert!(program.refused(&["reload"]).contains("ballast reload --accept"));
    std::fs::write(&path, follow()).unwrap();
    ready(&program);
    std::fs::rename(bench.site.0.join("rules"), bench.site.0.join("moved")).unwrap();
    program.wait_line("the site has no rules any more, and \"follow\" would go", PATIENCE);
    goes_on(&program);
    assert!(program.stop().success());
    program = bench.run();
    program.wait_line("the site has no rules any more, and \"follow\" would go", PATIENCE);
    goes_on(&program);
    let told = program.tell(&["reload", "--accept"]);
    assert!(told.contains("0 rules, removed \"follow\""), "{told}");
    ready(&program);
    assert!(program.stop().success());
    program = bench.run();
    ready(&program);
}

#[test]
fn ready_is_who_runs_what_lies_in_the_files() {
    let broken = "rule \"broken\" when meter.powr > \"1 kW\" { close(a); }\n";
    let Some(bench) = Bench::new("readiness", broken) else { return };
    let mut program = bench.run();
    assert!(not_ready(&program).contains("the site's files have mistakes: no rules run"));
    assert!(program.stop().success());
    program = bench.run();
    assert!(not_ready(&program).contains("the site's files have mistakes: no rules run"));
    bench.write_rules(&follow());
    ready(&program);
    bench.write_rules(broken);
    wait_for("the refusal", PATIENCE, || (program.get_with_code("/readyz").0 == 503).then_some(()));
    assert!(not_ready(&program).contains("have mistakes: the set before them runs"));
    // Taken back to the very bytes that run.
    bench.write_rules(&follow());
    ready(&program);
    program.wait_metric("ballast_files_refused", "0");
    // What waits for a person does not run either.
    bench.site.edit("safety.yaml", "lease: 90 s }\nlimits", "lease: 90 s, max_closed: 1 h }\nlimits");
    program.wait_metric("ballast_reloads_total{outcome=\"loaded\"}", "3");
    bench.site.edit("safety.yaml", "max_closed: 1 h", "max_closed: 2 h");
    wait_for("the set to wait", PATIENCE, || (program.get_with_code("/readyz").0 == 503).then_some(()));
    let told = not_ready(&program);
    assert!(told.contains("waits for a person: `ballast guard confirm "), "{told}");
    confirm(&program);
    ready(&program);
}

// ---- the guard as a process of its own ----

/// What a program said of a safety set that waits.
fn print_of(said: &str) -> String {
    let found = said.split_once("ballast guard confirm ").and_then(|(_, print)| print.get(..16));
    assert!(found.is_some(), "{said}");
    found.unwrap_or_default().to_owned()
}

/// Ends program and guard, the one well and the other as a power cut would, and starts both again.
fn restart(site: &Apart, program: &mut Program, guard: &mut Guard) {
    // The sets are kept by a thread of their own.
    std::thread::sleep(Duration::from_millis(500));
    assert!(program.stop().success());
    guard.kill();
    *guard = site.guard();
    *program = site.program();
}

#[test]
fn a_set_that_was_returned_from_stays_out_beside_a_guard_of_its_own() {
    let Some(site) = Apart::with("a harmful set beside a guard", &follow()) else { return };
    let bench = &site.bench;
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { max_closed: 60 s, safe: open,");
    bench.site.edit("safety.yaml", "  c: { safe: open,", "  c: { min_open: 8 s, safe: open,");
    let (mut guard, mut program) = (site.guard(), site.program());
    // One edit tightens, loosens, and brings the harmful rule.
    bench.site.edit("safety.yaml", "max_closed: 60 s", "max_closed: 3 s");
    bench.site.edit("safety.yaml", "min_open: 8 s", "min_open: 1 s");
    bench.write_rules(&(follow() + HARMFUL));
    let reload = program.ask(&["reload"]);
    assert_eq!(reload.status.code(), Some(6), "{}", said(&reload));
    do_harm(bench, &program, "removed \"more\"");
    assert_good(bench, &program, "b");
    for round in 0..2 {
        if round == 0 {
            program.kill();
            program = site.program();
        } else {
            restart(&site, &mut program, &mut guard);
        }
        program.wait_line("did harm before", PATIENCE);
        assert_good(bench, &program, "b");
        assert!(not_ready(&program).contains("the site's files did harm: the last good rules run"));
        let closed = closed_for(bench, &program, "a");
        assert!(closed < Duration::from_secs(10), "round {round}: closed for {closed:?}");
    }
}

#[test]
fn the_rules_return_beside_a_guard_that_took_other_points() {
    let Some(site) = Apart::with("a return beside a guard", &follow()) else { return };
    let bench = &site.bench;
    let (mut guard, mut program) = (site.guard(), site.program());
    bench.site.edit("site.yaml", "topic: relay/b", "topic: relay/other");
    bench.write_rules(&(follow() + HARMFUL));
    let print = print_of(&said(&program.ask(&["reload"])));
    site.ask(&["guard", "confirm", &print]);
    program.wait_line("added \"more\"", PATIENCE);
    site.wait_ready();
    do_harm(bench, &program, "removed \"more\"");
    assert_good(bench, &program, "other");
    assert!(not_ready(&program).contains("did harm"));
    restart(&site, &mut program, &mut guard);
    program.wait_line("did harm before", PATIENCE);
    assert_good(bench, &program, "other");
}

#[test]
fn a_guard_that_starts_again_loosens_nothing_while_a_looser_set_waits() {
    let Some(site) = Apart::with("a guard over restarts", &follow()) else { return };
    let bench = &site.bench;
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { max_closed: 60 s, safe: open,");
    bench.site.edit("safety.yaml", "  c: { safe: open,", "  c: { min_open: 8 s, safe: open,");
    let (mut guard, mut program) = (site.guard(), site.program());
    bench.site.edit("safety.yaml", "max_closed: 60 s", "max_closed: 3 s");
    bench.site.edit("safety.yaml", "min_open: 8 s", "min_open: 1 s");
    let print = print_of(&said(&program.ask(&["reload"])));
    // Neither the rules nor the nouns on the disk can be read any more.
    bench.write_rules(&(follow() + "rule \"Y\" when"));
    bench.site.edit("safety.yaml", "until: meter.power < 4 kW", "until: meter.pwer < 4 kW");
    restart(&site, &mut program, &mut guard);
    guard.wait_line("the safety set that was in force last is", PATIENCE);
    guard.wait_line("waits for a person: `ballast guard confirm", PATIENCE);
    program.wait_line("the set that ran last runs again", PATIENCE);
    let closed = closed_for(bench, &program, "a");
    assert!(closed < Duration::from_secs(10), "closed for {closed:?}");
    let rest = rest_of(bench, &program, "c");
    assert!(rest >= Duration::from_millis(7500), "it rested for {rest:?} only");
    // What waits can be confirmed as before, and the rules that run go on.
    site.ask(&["guard", "confirm", &print]);
    wait_for("the set to be in force", PATIENCE, || {
        (rest_of(bench, &program, "c") < Duration::from_secs(6)).then_some(())
    });
    bench.tell("meter/level", "70");
    bench.relays.wait_last("relay/b", "ON", PATIENCE);
    assert!(not_ready(&program).contains("have mistakes: the set before them runs"));
}

#[test]
fn the_rules_that_run_go_on_with_the_points_that_a_person_confirmed_to_the_guard() {
    let Some(site) = Apart::with("broken rules beside a guard", &follow()) else { return };
    let bench = &site.bench;
    let (_guard, program) = (site.guard(), site.program());
    bench.site.edit("site.yaml", "topic: relay/b", "topic: relay/other");
    let print = print_of(&said(&program.ask(&["reload"])));
    bench.write_rules(&(follow() + "rule \"Y\" when"));
    wait_for("the mistakes to be found", PATIENCE, || {
        not_ready(&program).contains("have mistakes: the set before them runs").then_some(())
    });
    site.ask(&["guard", "confirm", &print]);
    wait_for("the rule to move the output at its other place", PATIENCE, || {
        bench.tell("meter/level", "30");
        bench.tell("meter/level", "70");
        (bench.relays.last("relay/other").as_deref() == Some("ON")).then_some(())
    });
    assert!(not_ready(&program).contains("have mistakes: the set before them runs"));
}

#[test]
fn a_program_that_lost_its_memory_says_so_and_its_guard_remembers() {
    let Some(site) = Apart::with("a lost memory beside a guard", &follow()) else { return };
    let bench = &site.bench;
    let (_guard, mut program) = (site.guard(), site.program());
    bench.tell("meter/level", "95");
    bench.wait("d", "OFF");
    bench.tell("meter/level", "10");
    program.wait_point("meter.level", "10");
    program.kill();
    let state = bench.site.0.join(".ballast");
    for name in ["ballast.db", "ballast.db-wal"] {
        if state.join(name).exists() {
            std::fs::write(state.join(name), [0x5a; 20_000]).unwrap();
        }
    }
    let program = site.program();
    program.wait_line("memory", PATIENCE);
    // The guard holds what it held, and nothing else.
    program.tell(&["request", "c", "closed"]);
    bench.wait("c", "ON");
    program.tell(&["request", "d", "closed"]);
    wait_for("the latch", PATIENCE, || {
        program.tell(&["why", "d"]).contains("it waits for a person").then_some(())
    });
    assert_eq!(program.metric("ballast_guard_memory_lost").as_deref(), Some("0"));
    site.ask(&["guard", "reset", "smoke"]);
    bench.wait("d", "ON");
}
