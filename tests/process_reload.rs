//! Reload while everything runs: as a whole or not at all, and nobody else notices.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::wait_for;
use std::io::Write;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn heat(above: &str) -> String {
    rule("heat", "a", &format!("meter.power > \"{above}\""), &format!("meter.power < \"{above}\""))
}

fn follow() -> String {
    rule("follow", "b", "meter.level > \"50 %\"", "meter.level < \"50 %\"")
}

/// The value of a metric; 0 where it is not there.
fn metric(program: &common::program::Program, series: &str) -> f64 {
    program.metric(series).and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

const LOADED: &str = "ballast_reloads_total{outcome=\"loaded\"}";
const REFUSED: &str = "ballast_reloads_total{outcome=\"refused\"}";

#[test]
fn a_saved_file_changes_its_rule_and_no_command_of_another_rule_is_lost() {
    let Some(bench) = Bench::new("reload under load", &(heat("1 kW") + &follow())) else { return };
    let program = bench.run();
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    bench.relays.clear();
    let mut level = bench.broker.stream("meter/level");
    const MESSAGES: usize = 300;
    let reloads = 5;
    for message in 0..MESSAGES {
        level.send(if message % 2 == 0 { "70" } else { "30" });
        if message % (MESSAGES / reloads) == 0 {
            bench.write_rules(
                &(heat(&format!("{} kW", 3 + message % 2 + message * 4 / MESSAGES)) + &follow()),
            );
        }
        // Fast for relays, and below the pace at which a rule may start (100 a second).
        std::thread::sleep(Duration::from_millis(7));
    }
    bench.wait("a", "OFF");
    drop(level);
    let (mut before, mut seen) = (0, bench.told("b"));
    while seen.len() < MESSAGES && seen.len() != before {
        std::thread::sleep(Duration::from_secs(2));
        (before, seen) = (seen.len(), bench.told("b"));
    }
    // What was not confirmed before a reload is told again: the same word twice is one command.
    seen.dedup();
    assert_eq!(seen.len(), MESSAGES, "one command for each message; {:?}", program.lines());
    for (index, word) in seen.iter().enumerate() {
        assert_eq!(word, if index % 2 == 0 { "ON" } else { "OFF" }, "command {index}");
    }
    assert!(metric(&program, LOADED) >= 1.0, "{}", program.lines().join("\n"));
    let why = program.tell(&["why", "a"]);
    assert!(why.contains("open") && why.contains("nobody asks"), "{why}");
}

#[test]
fn the_progress_of_an_unchanged_rule_is_kept() {
    let wait = |name: &str, output: &str, above: &str| {
        format!(
            "rule \"{name}\" when meter.power > \"{above}\" for \"5s\" until meter.power < \"100 W\" {{ close({output}); }}\n"
        )
    };
    let rules = |above: &str| wait("kept", "a", "500 W") + &wait("changed", "b", above);
    let Some(bench) = Bench::new("progress over a reload", &rules("500 W")) else { return };
    let program = bench.run();
    bench.tell("meter/power", "2000");
    // Both rules have waited for some seconds when one of them is edited.
    program.wait_point("meter.power", "2");
    std::thread::sleep(Duration::from_millis(2500));
    assert!(bench.told("a").iter().all(|word| word == "OFF"));
    bench.write_rules(&rules("600 W"));
    program.wait_line("the changed site runs", PATIENCE);
    let kept = bench.wait("a", "ON");
    let changed = bench.wait("b", "ON");
    let ahead = changed.at.checked_duration_since(kept.at).unwrap_or_default();
    assert!(ahead > Duration::from_millis(1500), "the unchanged rule was only {ahead:?} ahead");
}

/// What acts earlier and ends later is in force at once; what also ends earlier holds beside it and waits.
#[test]
fn a_stricter_limit_acts_at_once_and_a_looser_key_waits() {
    let Some(bench) = Bench::new("a stricter limit", "") else { return };
    let program = bench.run();
    bench.tell("meter/power", "3000");
    program.wait_point("meter.power", "3");
    program.tell(&["request", "e", "closed", "--for", "8h"]);
    bench.wait("e", "ON");
    bench.site.edit("safety.yaml", "meter.power > 5 kW", "meter.power > 2 kW");
    bench.site.edit("safety.yaml", "meter.power < 4 kW", "meter.power < 1 kW");
    let reload = program.ask(&["reload"]);
    assert_eq!(reload.status.code(), Some(0), "{}", String::from_utf8_lossy(&reload.stdout));
    bench.wait("e", "OFF");
    assert!(program.tell(&["why", "e"]).contains("house full"));
    assert!(metric(&program, "ballast_files_refused") < 0.5);
    // Acts still earlier, but lets go earlier too: both hold, and a person is shown both ends.
    bench.site.edit("safety.yaml", "meter.power > 2 kW", "meter.power > 1900 W");
    bench.site.edit("safety.yaml", "meter.power < 1 kW", "meter.power < 1500 W");
    let reload = program.ask(&["reload"]);
    let text = String::from_utf8_lossy(&reload.stdout).into_owned();
    assert_eq!(reload.status.code(), Some(6), "{text}");
    assert!(text.contains("until from meter.power < 1000 W to meter.power < 1500 W"), "{text}");
    assert!(metric(&program, "ballast_files_refused") > 0.5);
    assert!(metric(&program, "ballast_reloads_total{outcome=\"waiting\"}") > 0.5);
    assert!(program.get("/metrics").contains("limit=\"house full (2)\""));
    // Under a person's "now" nothing changes by itself, whatever the end of a request.
    program.tell(&["guard", "now"]);
    let why = program.tell(&["why", "e"]);
    assert!(why.contains("ballast guard reset e") && !why.contains("may change in"), "{why}");
}

#[test]
fn fault_27_a_file_cut_inside_a_statement_is_never_loaded() {
    let old = heat("1 kW") + &follow();
    let Some(bench) = Bench::new("half-written files", &old) else { return };
    let program = bench.run();
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    let new = rule("heat", "a", "meter.power > \"9 kW\"", "meter.power < \"9 kW\"") + &follow();
    let path = bench.site.0.join("rules/main.rhai");
    let first = new.find('\n').unwrap();
    let cuts = [1, 6, 20, first / 2, first - 2, first + 9, new.len() - 2];
    for (count, cut) in cuts.into_iter().enumerate() {
        std::fs::write(&path, &new[..cut]).unwrap();
        wait_for(&format!("the refusal of {cut} bytes"), PATIENCE, || {
            (metric(&program, REFUSED) > count as f64).then_some(())
        });
        let told = program.lines().join("\n");
        assert!(told.contains("rules/main.rhai:"), "no place for {cut} bytes:\n{told}");
    }
    assert!((metric(&program, LOADED) - 0.0).abs() < 0.5, "{}", program.lines().join("\n"));
    assert_eq!(bench.relays.last("relay/a").as_deref(), Some("ON"), "the old rule goes on");
    // The whole file, written so slowly that its first rule alone would lie there as a good file for a while.
    let mut file = std::fs::File::create(&path).unwrap();
    for chunk in new.as_bytes().chunks(8) {
        file.write_all(chunk).unwrap();
        file.flush().unwrap();
        std::thread::sleep(Duration::from_millis(40));
    }
    drop(file);
    bench.wait("a", "OFF");
    let told = program.lines().join("\n");
    assert!(!told.contains("removed"), "a part was loaded:\n{told}");
}

#[test]
fn a_mistake_leaves_the_old_rules_and_a_removed_rule_is_named() {
    let Some(bench) = Bench::new("a mistake in a rule", &(heat("1 kW") + &follow())) else { return };
    let program = bench.run();
    bench.write_rules(
        &(follow()
            + "\nrule \"heat\" when meter.powr > \"3 kW\" until meter.power < \"1 kW\" { close(a); }\n"),
    );
    program.wait_line("the changed site was refused", PATIENCE);
    program.wait_line("rules/main.rhai:3:", PATIENCE);
    program.wait_line("did you mean `meter.power`?", PATIENCE);
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    let answer = program.ask(&["reload"]);
    assert_eq!(answer.status.code(), Some(1));
    let text = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(text.contains("rules/main.rhai:3:") && text.contains("did you mean"), "{text}");
    let answer = program.ask(&["reload", "--format", "json"]);
    assert_eq!(answer.status.code(), Some(1));
    let data: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let first = data.pointer("/diagnostics/0").unwrap();
    assert!(first.to_string().contains("rules/main.rhai"), "{first}");
    // The mended file has lost a rule, and the answer says which.
    bench.write_rules(&follow());
    program.wait_line("removed \"heat\"", PATIENCE);
    bench.wait("a", "OFF");
    assert!(
        program
            .tell(&["reload"])
            .starts_with("nothing changed: the site runs with these files already, 1 rule")
    );
    let data = program.json(&["reload"]);
    assert_eq!(data["unchanged"], true, "{data}");
    assert_eq!(data["removed"].as_array().map(Vec::len), Some(0), "{data}");
    assert_eq!(data["set"].as_str().map(str::len), Some(64), "{data}");
}

/// An event is known by its time and its file; one whose file goes is as much gone as a rule is.
#[test]
fn that_a_new_set_runs_is_said_before_what_it_does() {
    let Some(bench) = Bench::new("the first words of a new set", &heat("1 kW")) else { return };
    let program = bench.run();
    bench.tell("meter/power", "500");
    program.wait_point("meter.power", "500");
    let broken = "rule \"broken\" when meter.power > \"1 W\" { let list = []; list[3]; close(b); }\n";
    bench.write_rules(&(heat("1 kW") + broken));
    program.wait_line("rule \"broken\" failed", PATIENCE);
    let lines = program.lines();
    let place = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    assert!(place("the changed site runs") < place("rule \"broken\" started"), "{lines:#?}");
    assert!(place("rule \"broken\" started") < place("rule \"broken\" failed"), "{lines:#?}");
}

#[test]
fn events_that_come_go_and_change_are_named_as_rules_are() {
    let every = |time: &str, output: &str| format!("every \"{time}\" {{ close({output}, \"2s\"); }}\n");
    let rules = |above: &str| heat(above) + &every("15min", "b") + &every("1h", "c");
    let Some(bench) = Bench::new("changed events", &rules("1 kW")) else { return };
    std::fs::write(bench.site.0.join("rules/more.rhai"), every("15min", "d")).unwrap();
    let program = bench.run();
    std::fs::remove_file(bench.site.0.join("rules/more.rhai")).unwrap();
    program.wait_line("the changed site runs: 1 rule; events removed \"every 15min\" (more.rhai)", PATIENCE);
    bench.write_rules(&(heat("2 kW") + &every("15min", "d") + &every("2h", "c")));
    let said = "the changed site runs: 1 rule, changed \"heat\"; events added \"every 2h\" (main.rhai), \
                removed \"every 1h\" (main.rhai), changed \"every 15min\" (main.rhai)";
    program.wait_line(said, PATIENCE);
}

const HARMFUL: &str =
    "rule \"more\" when meter.power > \"1 kW\" until meter.power < \"900 W\" { close(e); }\n";

#[test]
fn fault_28_a_rule_against_which_a_limit_must_act_is_taken_back() {
    let Some(bench) = Bench::new("automatic return", &follow()) else { return };
    let mut program = bench.run();
    bench.write_rules(&(follow() + HARMFUL));
    program.wait_line("added \"more\"", PATIENCE);
    bench.tell("meter/power", "2000");
    bench.wait("e", "ON");
    bench.tell("meter/power", "6000");
    bench.wait("e", "OFF");
    program.wait_line("the last good rules come back", PATIENCE);
    program.wait_line("removed \"more\"", PATIENCE);
    bench.tell("meter/power", "2000");
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    assert_eq!(bench.relays.last("relay/e").as_deref(), Some("OFF"), "the harmful rule still asks");
    // The same bytes are refused, now and at the next start; the last good set runs.
    let answer = program.ask(&["reload"]);
    assert_eq!(answer.status.code(), Some(1));
    let text = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(text.contains("did harm before") && text.contains("--accept"), "{text}");
    assert!(program.stop().success());
    let mut program = bench.run();
    program.wait_line("did harm before", PATIENCE);
    bench.relays.clear();
    bench.tell("meter/power", "2100");
    bench.tell("meter/level", "30");
    bench.wait("b", "OFF");
    assert!(!bench.told("e").contains(&"ON".to_owned()), "the refused set runs");
    // A person insists, and that is written down with a name.
    let text = program.tell(&["reload", "--accept"]);
    assert!(text.contains("added \"more\""), "{text}");
    bench.wait("e", "ON");
    let accepted = bench.audit();
    assert!(accepted.iter().any(|row| row.contains("reload") && row.contains("accept")), "{accepted:?}");
    // What a person accepted runs again after a restart.
    assert!(program.stop().success());
    let program = bench.run();
    bench.tell("meter/power", "2200");
    bench.wait("e", "ON");
    drop(program);
}

#[test]
fn files_that_do_not_load_at_start_are_replaced_by_the_set_that_ran() {
    let Some(bench) = Bench::new("a bad start", &follow()) else { return };
    let mut program = bench.run();
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    assert!(program.stop().success());
    bench.write_rules("rule \"broken\" when meter.power > { close(a); }\n");
    let program = bench.run();
    program.wait_line("rules/main.rhai:1:", PATIENCE);
    program.wait_line("the set that ran last runs again", PATIENCE);
    assert!(program.get("/metrics").contains("ballast_files_refused 1"), "the metrics do not say so");
    bench.relays.clear();
    bench.tell("meter/level", "30");
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    // Mended, they load by themselves.
    bench.write_rules(&(heat("1 kW") + &follow()));
    program.wait_line("added \"heat\"", PATIENCE);
}

#[test]
fn with_no_set_that_ran_outputs_stay_at_their_defaults() {
    let Some(bench) = Bench::new(
        "bad rules at the first start",
        "rule \"broken\" when meter.powr > \"1 kW\" { close(z); }\n",
    ) else {
        return;
    };
    let program = bench.run();
    for text in ["did you mean `meter.power`?", "`z`", "outputs stay at their defaults"] {
        program.wait_line(text, PATIENCE);
    }
    assert!(program.get("/metrics").contains("ballast_files_refused 1"), "the metrics do not say so");
    bench.write_rules(&heat("1 kW"));
    program.wait_line("added \"heat\"", PATIENCE);
    assert!(program.get("/metrics").contains("ballast_files_refused 0"), "the metrics still say so");
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
}

#[test]
fn a_bad_site_or_safety_set_does_not_start() {
    let Some(bench) = Bench::new("a bad first start", &follow()) else { return };
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { save: open,");
    bench.site.edit("site.yaml", "unit: W,", "unit: Watt,");
    let output = common::program::ballast()
        .arg("run")
        .arg(&bench.site.0)
        .args(["--metrics", "off", "--set", &bench.url()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("safety.yaml:2:") && text.contains("did you mean `safe`"), "{text}");
    assert!(text.contains("site.yaml:13:") && text.contains("Watt"), "all mistakes at once:\n{text}");
}

#[test]
fn a_loosening_waits_for_a_person_also_over_a_restart() {
    let Some(bench) = Bench::new("loosening", &follow()) else { return };
    bench.site.edit("safety.yaml", "  b: { safe: open,", "  b: { min_closed: 1h, safe: open,");
    let mut program = bench.run();
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    bench.site.edit("safety.yaml", "min_closed: 1h", "min_closed: 1s");
    let said = program.wait_line("waits for `ballast guard confirm", PATIENCE);
    let fingerprint = said.split("ballast guard confirm ").nth(1).unwrap().trim_end_matches('`').to_owned();
    bench.tell("meter/level", "30");
    program.wait_point("meter.level", "30");
    let held = |program: &common::program::Program| program.tell(&["why", "b"]);
    assert!(held(&program).contains("closed"), "a reload loosened it: {}", held(&program));
    // What a person was answered is on the disk, with everything before it: this run is younger than its first save.
    program.tell(&["request", "c", "open", "--for", "1s"]);
    program.kill();
    let mut program = bench.run();
    let said = program.wait_line("waits for `ballast guard confirm", PATIENCE);
    assert!(said.contains(&fingerprint), "{said}");
    program.tell(&["request", "b", "closed", "--for", "1h"]);
    bench.relays.wait_last("relay/b", "ON", PATIENCE);
    bench.tell("meter/level", "30");
    program.wait_point("meter.level", "30");
    program.tell(&["release", "b"]);
    assert!(held(&program).contains("closed"), "a restart loosened it: {}", held(&program));
    // Not another fingerprint, and a name in the audit trail.
    let told = program.refused(&["guard", "confirm", "0123456789abcdef"]);
    assert!(told.contains("0123456789abcdef is not the safety set that waits"), "{told}");
    assert!(told.contains(&format!("`ballast guard confirm {fingerprint}` accepts it")), "{told}");
    program.tell(&["guard", "confirm", &fingerprint]);
    bench.relays.wait_last("relay/b", "OFF", PATIENCE);
    assert!(bench.audit().iter().any(|row| row.contains(&fingerprint)), "{:?}", bench.audit());
    let told = program.refused(&["guard", "confirm", &fingerprint]);
    assert!(told.contains("is in force already, nothing waits to be confirmed"), "{told}");
    // Confirmed is confirmed.
    assert!(program.stop().success());
    let program = bench.run();
    program.tell(&["request", "b", "closed", "--for", "1h"]);
    bench.wait("b", "ON");
    program.tell(&["release", "b"]);
    bench.wait("b", "OFF");
}

#[test]
fn another_topic_of_an_output_waits_for_a_person() {
    let Some(bench) = Bench::new("another topic", &follow()) else { return };
    let program = bench.run();
    bench.site.edit("site.yaml", "topic: relay/b", "topic: relay/other");
    let said = program.wait_line("ballast guard confirm", PATIENCE);
    bench.tell("meter/level", "70");
    program.wait_point("meter.level", "70");
    bench.wait("b", "ON");
    assert_eq!(bench.relays.last("relay/other"), None, "{said}");
    let fingerprint = said.split("ballast guard confirm ").nth(1).unwrap().trim_end_matches('`').to_owned();
    program.tell(&["guard", "confirm", &fingerprint]);
    // The device behind the new topic has never been told anything.
    bench.wait("other", "ON");
}

#[test]
fn a_changed_device_file_of_the_site_is_noticed() {
    let Some(bench) = Bench::new("device files", &follow()) else { return };
    let devices = bench.site.0.join("devices");
    std::fs::create_dir_all(&devices).unwrap();
    let text = "device: own\nlabel: A device of this site\ndriver: mqtt\nsource: a test\npoints:\n  v: { topic: own/v, unit: V, max_age: 1 min }\n";
    std::fs::write(devices.join("own.yaml"), text).unwrap();
    bench.site.edit("site.yaml", "  a: { file", "  own: { file: own, bus: broker }\n  a: { file");
    let program = bench.run();
    bench.tell("own/v", "230");
    program.wait_point("own.v", "230");
    std::fs::write(devices.join("own.yaml"), text.replace("own/v", "own/w")).unwrap();
    program.wait_line("the changed site", PATIENCE);
    bench.tell("own/w", "231");
    program.wait_point("own.v", "231");
}

#[test]
fn a_new_rule_that_asks_what_a_limit_forces_has_done_no_harm() {
    let Some(bench) = Bench::new("a careful new rule", &follow()) else { return };
    let program = bench.run();
    let careful = "rule \"careful\" when meter.power > \"3 kW\" until meter.power < \"2 kW\" { open(e); }\n";
    bench.write_rules(&(follow() + careful));
    program.wait_line("added \"careful\"", PATIENCE);
    bench.tell("meter/power", "4500");
    let careful_asks = || program.tell(&["why", "e"]).contains("rule \"careful\"").then_some(());
    wait_for("the new rule to ask", PATIENCE, careful_asks);
    bench.tell("meter/power", "6000");
    let forced = || program.tell(&["why", "e"]).contains("house full").then_some(());
    wait_for("the limit to act", PATIENCE, forced);
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    assert!(program.tell(&["status"]).contains("careful"), "the careful rule was taken back");
    let told = program.lines().join("\n");
    assert!(!told.contains("come back"), "{told}");
}

#[test]
fn a_reload_does_not_let_a_second_journal_be_written_within_ten_minutes() {
    let Some(bench) = Bench::new("journals after alarms", &follow()) else { return };
    let mut program = bench.run();
    let journals = || {
        let files = std::fs::read_dir(bench.site.0.join(".ballast")).unwrap().flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with("alarm-")).count()
    };
    let smoke = || {
        bench.tell("meter/level", "95");
        program.wait_point("meter.level", "95");
        bench.tell("meter/level", "10");
        program.wait_point("meter.level", "10");
        program.tell(&["guard", "reset", "smoke"]);
    };
    smoke();
    wait_for("the first journal", PATIENCE, || (journals() == 1).then_some(()));
    bench.write_rules(&(follow() + "\n"));
    program.wait_line("the changed site runs", PATIENCE);
    // Their names hold the second.
    std::thread::sleep(Duration::from_secs(1));
    smoke();
    assert!(program.stop().success());
    assert_eq!(journals(), 1);
}

#[test]
fn a_reload_that_waits_for_a_person_is_told_apart_from_done_and_refused() {
    let Some(bench) = Bench::new("exit codes of a reload", &follow()) else { return };
    bench.site.edit("safety.yaml", "  b: { safe: open,", "  b: { min_closed: 1h, safe: open,");
    let program = bench.run_with(&["--no-watch"]);
    let reload = |arguments: &[&str]| {
        let output = program.ask(&[&["reload"], arguments].concat());
        let text = [output.stdout.clone(), output.stderr.clone()].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    // Looser: the rules run, the safety set waits.
    bench.site.edit("safety.yaml", "min_closed: 1h", "min_closed: 1s");
    bench.write_rules(&(follow() + &heat("1 kW")));
    let (code, text) = reload(&[]);
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains("min_closed") && text.contains("ballast guard confirm"), "{text}");
    // Other outputs: the whole set waits.
    bench.site.edit("safety.yaml", "min_closed: 1s", "min_closed: 1h");
    bench.site.edit("site.yaml", "topic: relay/b", "topic: relay/other");
    let (code, text) = reload(&["--format", "json"]);
    assert_eq!(code, Some(6), "{text}");
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(data["waits"], true);
    // Back: done, with a trial that lasts a day.
    bench.site.edit("site.yaml", "topic: relay/other", "topic: relay/b");
    bench.write_rules(&(follow() + &heat("2 kW")));
    let (code, text) = reload(&["--trial", "tomorrow"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("on trial for 1 d: \"heat\""), "{text}");
    let (_, text) = reload(&["--format", "json"]);
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(data["trial_seconds"].as_u64().is_some_and(|left| left > 86_000), "not kept: {data}");
    for refused in [["--trial", "5min"], ["--trial", "8d"]] {
        let (code, text) = reload(&refused);
        assert_eq!(code, Some(1), "{refused:?}: {text}");
        let words = if refused[1] == "soon" { "`--trial soon` is not a time" } else { "10 min" };
        assert!(text.contains(words), "{text}");
    }
    let (code, text) = reload(&["--trial", "soon"]);
    assert!(code == Some(1) && text.contains("`--trial soon` is not a time"), "{text}");
    bench.write_rules("rule \"heat\" when");
    assert_eq!(reload(&[]).0, Some(1));
}

#[test]
fn a_person_cannot_ask_a_setpoint_for_what_its_values_do_not_allow() {
    let Some(bench) = Bench::new("a request outside of values", &follow()) else { return };
    let output = "{ kind: setpoint, unit: W, topic: relay/g }";
    let device = format!("  g: {{ bus: broker, outputs: {{ power: {output} }} }}\nsettings:");
    bench.site.edit("site.yaml", "settings:", &device);
    let envelope = "  g: { safe: 0 W, values: [0 W, 200..2000 W] }\nlimits:";
    bench.site.edit("safety.yaml", "limits:", envelope);
    let program = bench.run();
    let said = program.refused(&["request", "g", "5 kW"]);
    assert!(said.contains("g cannot be 5000 W: safety.yaml allows 0 W, 200 W to 2000 W"), "{said}");
    assert!(!program.tell(&["why", "g"]).contains("operator"), "nothing was asked");
    program.tell(&["request", "g", "1.5 kW"]);
}

#[test]
fn alarms_write_one_journal_in_ten_minutes_also_over_reloads() {
    let alarm = |name: &str| {
        format!(
            "rule \"{name}\" when meter.level > \"50 %\" until meter.level < \"50 %\" {{ alarm(\"{name}\"); }}\n"
        )
    };
    let Some(bench) = Bench::new("journals of alarms", &alarm("one")) else { return };
    let program = bench.run();
    let journals = || {
        let entries = std::fs::read_dir(bench.site.0.join(".ballast")).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("alarm-")).collect::<Vec<_>>()
    };
    let raise = |name: &str| {
        bench.tell("meter/level", "30");
        program.wait_point("meter.level", "30");
        bench.tell("meter/level", "70");
        program.wait_line(&format!(" {name}"), PATIENCE);
    };
    raise("one");
    wait_for("the journal", PATIENCE, || (journals().len() == 1).then_some(()));
    for name in ["two", "three"] {
        bench.write_rules(&alarm(name));
        program.wait_line(&format!("added \"{name}\""), PATIENCE);
        // The names of journals hold the second.
        std::thread::sleep(Duration::from_millis(1100));
        raise(name);
        program.tell(&["status"]);
    }
    // Written on a thread of its own: one that came late would be there by now.
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(journals().len(), 1, "{:?}", journals());
}
