//! What the program answers to people and to other programs: words, exit codes, both languages.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, write_bench};
use common::program::{Program, ballast};
use common::{Scratch, wait_for};
use std::process::Output;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

const RULES: &str = r#"rule "heat" when meter.power > "1 kW" until meter.power < "900 W" { close(a); }
rule "cheap" priority 40
    when meter.period == "off_peak" for "5min" until meter.period != "off_peak"
{ close(b); }
rule "stumbles" when meter.level == 77 until meter.level != 77 { let list = []; list[3]; close(f); }
"#;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// All of these words, whatever stands between them.
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in:\n{text}");
    }
}

fn heated(what: &str) -> Option<(Bench, Program)> {
    let bench = Bench::new(what, RULES)?;
    let program = bench.run();
    bench.tell("meter/period", "off_peak");
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    program.wait_point("meter.period", "off_peak");
    Some((bench, program))
}

#[test]
fn why_says_who_asks_by_which_values_and_what_comes_next() {
    let Some((_bench, program)) = heated("why") else { return };
    let why = program.tell(&["why", "a"]);
    says(&why, &["a has been closed for", "rule \"heat\"", "main.rhai:1", "meter.power", "2000 W", "old"]);
    says(&why, &["if nobody asks", "open", "without the program", "soft"]);
    // Its value is renewed before it grows too old: nothing changes by itself.
    assert!(!why.contains("may change in"), "{why}");
    let data = program.json(&["why", "a"]);
    assert_eq!(data["output"], "a");
    assert_eq!(data["state"], "closed");
    assert_eq!(data["cause"], "asked");
    assert_eq!(data["strength"], "soft");
    assert_eq!(data["winner"], "rule \"heat\"");
    assert!(data["since_s"].as_f64().is_some_and(|since| since >= 0.0), "{data}");
    let why = program.tell(&["why", "a", "--language", "fr"]);
    says(&why, &["a est connecté depuis", "règle « heat »", "sans demande", "coupé", "sans le programme"]);
    // A limit against a person.
    program.tell(&["request", "e", "closed", "--for", "1h"]);
    says(&program.tell(&["why", "e"]), &["closed", "operator"]);
}

#[test]
fn why_names_a_limit_with_its_values_in_both_languages() {
    let Some((bench, program)) = heated("why of a limit") else { return };
    program.tell(&["request", "e", "closed", "--for", "1h"]);
    bench.tell("meter/power", "6000");
    let forced = || program.tell(&["why", "e"]).contains("house full").then_some(());
    wait_for("the limit to act", PATIENCE, forced);
    says(
        &program.tell(&["why", "e"]),
        &["e has been open", "house full", "meter.power", "6000 W", "asks for closed", "operator"],
    );
    says(
        &program.tell(&["why", "e", "--language", "fr"]),
        &["e est coupé", "house full", "6000 W", "demande", "opérateur"],
    );
    assert_eq!(program.json(&["why", "e"])["cause"], "limit");
}

#[test]
fn why_not_says_which_part_is_missing() {
    let Some((_bench, program)) = heated("why-not") else { return };
    let why = program.tell(&["why-not", "cheap"]);
    says(
        &why,
        &[
            "rule \"cheap\"",
            "main.rhai:2",
            "is not active",
            "meter.period == \"off_peak\": true",
            "must hold another 4 min",
        ],
    );
    let why = program.tell(&["why-not", "cheap", "--language", "fr"]);
    says(&why, &["la règle", "n'est pas active", "quand", "vrai, encore 4 min", "peut changer dans"]);
    // What would end it says nothing of why it is not active.
    assert!(!why.contains("jusqu'à"), "{why}");
    says(&program.tell(&["why-not", "heat"]), &["has been active for", "asks", "a closed"]);
    let data = program.json(&["why-not", "cheap"]);
    assert_eq!(data["rule"], "cheap");
    assert_eq!(data.pointer("/explanation/when/is_true"), Some(&serde_json::Value::Bool(true)));
}

#[test]
fn the_past_is_told_after_several_switches() {
    let Some((bench, program)) = heated("why --at") else { return };
    let stamp = || {
        let output = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let next_second = || std::thread::sleep(Duration::from_millis(2100));
    // Without it a limit acts after some seconds, and an alarm leaves a journal: the past shall be told by the events.
    bench.tell("meter/level", "10");
    next_second();
    let heated_at = stamp();
    next_second();
    bench.tell("meter/power", "500");
    bench.wait("a", "OFF");
    next_second();
    let cold_at = stamp();
    next_second();
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    bench.wait("a", "ON");
    says(
        &program.tell(&["why", "a", "--at", &heated_at]),
        &["at 20", "a has been closed for", "rule \"heat\"", "meter.power", "2000 W", "soft"],
    );
    says(&program.tell(&["why", "a", "--at", &cold_at]), &["a has been open", "nobody asks"]);
    says(&program.tell(&["why-not", "heat", "--at", &cold_at]), &["heat", "ended", "500 W"]);
    says(&program.tell(&["why", "a", "--at", &heated_at, "--language", "fr"]), &["depuis", "heat"]);
    let data = program.json(&["why", "a", "--at", &cold_at]);
    assert_eq!(data.pointer("/state"), Some(&"open".into()), "{data}");
    // Over a restart as well.
    drop(program);
    let program = bench.run();
    says(
        &program.tell(&["why", "a", "--at", &heated_at]),
        &["since 20", "closed", "rule \"heat\"", "journal"],
    );
    says(
        &program.refused(&["why", "a", "--at", "2020-01-01T00:00:00Z"]),
        &["nothing is written down about a"],
    );
    says(&program.refused(&["why", "a", "--at", "tomorrow"]), &["`tomorrow` is not an instant", "06:30"]);
}

#[test]
fn a_person_asks_releases_and_is_told_when_something_is_wrong() {
    let Some((bench, program)) = heated("requests") else { return };
    let answer = program.tell(&["request", "a", "open", "--for", "10min"]);
    says(&answer, &["a: open asked for 10 min", "operator", "for another 9 min", "rule \"heat\": closed"]);
    bench.wait("a", "OFF");
    program.tell(&["release", "a"]);
    bench.wait("a", "ON");
    says(&program.refused(&["request", "a", "opne"]), &["`opne` is not a state of a", "`closed` or `open`"]);
    says(&program.refused(&["request", "a", "open", "--for", "8d"]), &["--for 8d", "7 d at most"]);
    says(&program.refused(&["request", "zz", "open"]), &["there is no output `zz`", "a, b, c, d, e, f"]);
    says(&program.refused(&["why-not", "heet"]), &["there is no rule `heet`; did you mean `heat`?"]);
    // A request ends by itself.
    program.tell(&["request", "c", "closed", "--for", "1s"]);
    bench.wait("c", "ON");
    bench.wait("c", "OFF");
    assert!(bench.audit().iter().any(|row| row.contains("wants a open")), "{:?}", bench.audit());
}

#[test]
fn modes_and_settings_are_shown_changed_and_held_to_their_range() {
    let Some((bench, program)) = heated("modes and settings") else { return };
    says(&program.tell(&["mode"]), &["mode home", "home, away"]);
    program.tell(&["mode", "away"]);
    assert_eq!(program.json(&["mode"])["mode"], "away");
    says(&program.refused(&["mode", "awai"]), &["there is no mode `awai`; did you mean `away`?"]);
    program.tell(&["setting", "wish", "2500 W"]);
    assert_eq!(program.json(&["setting"])["setting.wish"], "2.5 kW");
    says(&program.refused(&["setting", "wish", "20 kW"]), &["setting.wish lies between 0 kW and 9 kW"]);
    says(&program.refused(&["setting", "wish", "2 V"]), &["setting.wish is in kW, not in V"]);
    says(&program.refused(&["setting", "wish", "2"]), &["\"2\" has no unit"]);
    says(&program.refused(&["setting", "wosh"]), &["did you mean `setting.wish`?"]);
    assert_eq!(program.json(&["setting"])["setting.wish"], "2.5 kW", "a refused value changed it");
    let audit = bench.audit();
    assert!(audit.iter().any(|row| row.contains("from 1 kW to 2.5 kW")), "{audit:?}");
    assert!(audit.iter().any(|row| row.contains("from home to away")), "{audit:?}");
}

#[test]
fn the_guard_hears_a_person_and_nobody_else() {
    let Some((bench, program)) = heated("guard commands") else { return };
    program.tell(&["guard", "now"]);
    bench.wait("a", "OFF");
    says(&program.tell(&["why", "a"]), &["a person asked for safety, now", "rule \"heat\" asks for closed"]);
    // Nothing that a rule or a person asks gets past it.
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    says(&program.tell(&["why", "a"]), &["has been open", "safety, now"]);
    program.tell(&["guard", "reset", "all"]);
    bench.wait("a", "ON");
    says(&program.refused(&["guard", "reset", "smoke"]), &["refused"]);
    says(&program.refused(&["guard", "reset", "smok"]), &["did you mean `smoke`?"]);
    says(&program.refused(&["guard", "confirm", "zz"]), &["`zz` is not a fingerprint"]);
    bench.tell("meter/level", "95");
    program.wait_line("limit \"smoke\" acts", PATIENCE);
    // Still violated: a latch is not lifted.
    program.refused(&["guard", "reset", "smoke"]);
    bench.tell("meter/level", "10");
    program.wait_line("waits for a person", PATIENCE);
    let why = || program.tell(&["why", "d"]);
    wait_for("the latch to be the reason", PATIENCE, || {
        why().contains("it waits for a person").then_some(())
    });
    says(&why(), &["ballast guard reset \"smoke\""]);
    program.tell(&["guard", "reset", "smoke"]);
    let audit = bench.audit();
    assert!(audit.iter().any(|row| row.contains("everything safe, now")), "{audit:?}");
}

#[test]
fn a_suspended_rule_is_told_and_taken_up_again_by_a_person() {
    let Some((bench, program)) = heated("a suspended rule") else { return };
    bench.tell("meter/level", "77");
    let failed = "but it failed as it ran last (main.rhai:5:";
    wait_for("the first failure", PATIENCE, || program.tell(&["status"]).contains(failed).then_some(()));
    says(&program.tell(&["status", "--language", "fr"]), &["mais elle a échoué à sa dernière exécution"]);
    wait_for("the rule to be suspended", PATIENCE, || {
        bench.tell("meter/level", "77");
        bench.tell("meter/level", "10");
        program.tell(&["why-not", "stumbles"]).contains("suspended").then_some(())
    });
    program.wait_line("stumbles", PATIENCE);
    says(&program.tell(&["why-not", "stumbles", "--language", "fr"]), &["suspendue"]);
    program.tell(&["rule", "resume", "stumbles"]);
    assert!(!program.tell(&["why-not", "stumbles"]).contains("suspended"));
    // The others never noticed.
    says(&program.tell(&["why", "a"]), &["rule \"heat\""]);
}

#[test]
fn the_journal_replays_and_the_clock_is_answered_for() {
    let Some((bench, program)) = heated("journal and clock") else { return };
    let file = bench.site.0.join("now.journal");
    program.tell(&["request", "b", "closed", "--for", "1h"]);
    says(&program.tell(&["journal", "--output", file.to_str().unwrap()]), &["now.journal"]);
    let output = ballast().arg("replay").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    says(&text(&output), &["every output the same"]);
    program.refused(&["journal", "--output", "/proc/no/such/place"]);
    program.tell(&["clock", "distrust"]);
    let trusted = |flag: &str| program.wait_metric("ballast_clock_trusted", flag);
    // The machine's own clock cannot be taken back by a person.
    if !ballast_host::Clock::of_machine().wall().trusted {
        trusted("0");
    }
    program.tell(&["clock", "trust"]);
    trusted("1");
    assert!(
        bench.audit().iter().any(|row| row.contains("answers for the wall clock")),
        "{:?}",
        bench.audit()
    );
    // What is no journal is said, and does not run.
    let output = ballast().arg("replay").arg(bench.site.0.join("site.yaml")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
}

#[test]
fn status_shows_points_outputs_and_rules() {
    let Some((_bench, program)) = heated("status") else { return };
    let status = program.tell(&["status"]);
    says(
        &status,
        &[
            "meter.power",
            "2000 W",
            "meter.level",
            "unknown: never received",
            "rule \"heat\"",
            "active for",
            "waits",
        ],
    );
    let data = program.json(&["status"]);
    assert_eq!(data.pointer("/outputs/a/state"), Some(&"closed".into()));
    assert_eq!(data.pointer("/points/meter.power"), Some(&"2000 W".into()));
    assert_eq!(data.pointer("/points/meter.level"), Some(&serde_json::Value::Null));
}

#[test]
fn check_draws_all_mistakes_for_people_and_lists_them_for_programs() {
    let site = Scratch::new("check");
    write_bench(&site, "rule \"x\" when meter.powr > \"1 kW\" until meter.power < \"1 V\" { close(aa); }\n");
    site.edit("safety.yaml", "until: meter.power < 4 kW", "until: meter.power < 5 kW");
    let output = ballast().arg("check").arg(&site.0).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let drawn = text(&output);
    says(&drawn, &["rules/main.rhai:1:15", "did you mean `meter.power`?", "^", "safety.yaml:", "until"]);
    let output = ballast().arg("check").arg(&site.0).args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let data: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(data["ok"], false);
    let rows = data.pointer("/found/diagnostics").and_then(|rows| rows.as_array()).unwrap();
    assert!(rows.len() >= 4, "all mistakes at once: {data}");
    for row in rows {
        let code = row["code"].as_str().unwrap();
        let output = ballast().args(["check", "--code", code]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{code} is not explained");
    }
    let output = ballast().args(["check", "--code", "no::such"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let output = ballast().args(["check", "/no/such/site"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
}

#[test]
fn exit_codes_are_those_of_the_manual() {
    let nowhere = Scratch::new("nowhere");
    let code = |arguments: &[&str]| {
        ballast().args(arguments).arg("--site").arg(&nowhere.0).output().unwrap().status.code()
    };
    for arguments in [
        vec!["status"],
        vec!["why", "a"],
        vec!["reload"],
        vec!["guard", "now"],
        vec!["mode"],
        vec!["setting"],
    ] {
        assert_eq!(code(&arguments), Some(5), "{arguments:?}");
    }
    let code = |arguments: &[&str]| ballast().args(arguments).output().unwrap().status.code();
    assert_eq!(code(&["why"]), Some(2));
    assert_eq!(code(&["no-such-command"]), Some(2));
    assert_eq!(code(&["--version"]), Some(0));
    let site = nowhere.0.join("my-site");
    let site = site.to_str().unwrap();
    assert_eq!(code(&["init", site]), Some(0));
    assert_eq!(code(&["check", site]), Some(0), "what init writes passes check");
    assert_eq!(code(&["init", site]), Some(1), "init overwrites nothing");
}

#[test]
fn every_command_has_help_with_an_example_a_man_page_and_completions() {
    let help = ballast().arg("--help").output().unwrap();
    let help = text(&help);
    says(&help, &["Exit codes: 0 done", "Examples:"]);
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands = commands.take_while(|line| line.starts_with("  ")).filter_map(|line| {
        // A line that begins further in goes on with what the one above says.
        line.split_whitespace().next().filter(|_| !line.starts_with("   "))
    });
    let commands: Vec<&str> = commands.filter(|command| *command != "help").collect();
    assert!(commands.len() >= 18, "{commands:?}");
    let pages = Scratch::new("man");
    let output = ballast().arg("manual").arg(&pages.0).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let bash = text(&ballast().args(["completions", "bash"]).output().unwrap());
    let mut without = Vec::new();
    for command in commands {
        let help = text(&ballast().args([command, "--help"]).output().unwrap());
        if !help.contains(&format!("ballast {command}")) || !help.contains("Example") {
            without.push(command);
        }
        let page = std::fs::read_to_string(pages.0.join(format!("ballast-{command}.1"))).unwrap();
        assert!(page.contains(".SH"), "{command}: {page}");
        assert!(bash.contains(command), "no completion of {command}");
    }
    assert!(without.is_empty(), "help without an example: {without:?}");
    for shell in ["zsh", "fish"] {
        assert!(text(&ballast().args(["completions", shell]).output().unwrap()).contains("ballast"));
    }
    // A reader that goes away is no reason to panic.
    let mut child = ballast()
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!text(&output).contains("panicked"), "{}", text(&output));
}

#[test]
fn the_schemas_are_json() {
    for file in ["site", "safety", "device"] {
        let output = ballast().args(["schema", file]).output().unwrap();
        let data: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(data.get("properties").is_some(), "{file}: {data}");
    }
}

#[test]
fn a_mistyped_site_or_address_leaves_nothing_behind() {
    let scratch = Scratch::new("mistyped");
    let run = |arguments: &[&str]| {
        let output = ballast().arg("run").args(arguments).current_dir(&scratch.0).output().unwrap();
        (output.status.code(), text(&output))
    };
    let (code, said) = run(&["TYPO", "--metrics", "off"]);
    assert_eq!(code, Some(3), "{said}");
    says(&said, &["TYPO cannot be read"]);
    let (code, said) = run(&[".", "--metrics", "off"]);
    assert_eq!(code, Some(3), "{said}");
    says(&said, &["holds no site", "ballast init"]);
    for address in ["127.0.0.1:99999", "foo", ":9464", ""] {
        let (code, said) = run(&["TYPO", "--metrics", address]);
        assert_eq!(code, Some(2), "{address}: {said}");
        says(&said, &["--metrics", "127.0.0.1:9464"]);
    }
    let left = std::fs::read_dir(&scratch.0).unwrap().count();
    assert_eq!(left, 0, "something was made");
}

#[test]
fn a_site_in_a_deep_directory_is_spoken_to_like_any_other() {
    let scratch = Scratch::new("deep");
    let deep = scratch.0.join("a-long-name-of-a-village-".repeat(5));
    let output = ballast().arg("init").arg(&deep).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let program = Program::run(&deep, &[]);
    says(&program.tell(&["status"]), &["heater"]);
}

#[test]
fn the_commands_that_init_prints_can_be_typed_as_they_stand() {
    let scratch = Scratch::new("spaces");
    let deep = scratch.0.join("l'île du nord");
    let output = ballast().arg("init").arg(&deep).output().unwrap();
    let said = text(&output);
    let command = said.lines().find(|line| line.contains("ballast check")).unwrap().trim();
    let command = command.replacen("ballast", env!("CARGO_BIN_EXE_ballast"), 1);
    let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(output.status.success(), "{command}: {}", text(&output));
}

#[test]
fn a_negative_quantity_is_a_state_and_no_option() {
    let Some(bench) = Bench::new("negative quantities", "") else { return };
    let output = "{ kind: setpoint, unit: W, topic: relay/g }";
    let device = format!(
        "  g: {{ bus: broker, outputs: {{ power: {output} }} }}\nsettings:\n  frost: {{ unit: °C, value: 0 °C, range: -20..20 °C }}"
    );
    bench.site.edit("site.yaml", "settings:", &device);
    bench.site.edit("safety.yaml", "limits:", "  g: { safe: 0 W, values: [-2000..2000 W] }\nlimits:");
    let program = bench.run();
    for said in [["request", "g", "-500 W"], ["request", "g", "-0.5 kW"]] {
        says(&program.tell(&said), &["g: -", "asked for 30 min"]);
    }
    bench.relays.wait_last("relay/g", "-500", PATIENCE);
    says(&program.tell(&["request", "g", "--for", "1min", "-1 kW"]), &["-1 kW asked for 1 min"]);
    says(&program.tell(&["setting", "frost", "-5 °C"]), &["setting.frost -5 °C"]);
    says(&program.refused(&["setting", "frost", "-25 °C"]), &["lies between -20 °C and 20 °C"]);
    says(&program.refused(&["why", ""]), &["the name is empty; there are: a, b, c"]);
    says(&program.refused(&["why-not", "x"]), &["there is no rule `x`; there is none at all"]);
}
