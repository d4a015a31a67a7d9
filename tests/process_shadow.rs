//! `ballast shadow` through its public door: other rules beside the running ones move nothing, say where they would not have
//! done the same and why, and take over or go as they are told.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::guard::Apart;
use common::program::{Program, ballast};
use common::{Scratch, wait_for};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn follow(output: &str) -> String {
    rule("follow", output, "meter.level > \"50 %\"", "meter.level < \"50 %\"")
}

fn shadow(bench: &Bench, arguments: &[&str]) -> Output {
    ballast().arg("shadow").args(arguments).arg("--site").arg(&bench.site.0).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn done(bench: &Bench, arguments: &[&str]) -> String {
    let output = shadow(bench, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    said(&output)
}

fn refused(bench: &Bench, arguments: &[&str]) -> String {
    let output = shadow(bench, arguments);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    said(&output)
}

fn report(bench: &Bench) -> Value {
    serde_json::from_str(&done(bench, &["--format", "json"])).unwrap()
}

/// A candidate in a folder of its own.
fn candidate(rules: &str) -> Scratch {
    let folder = Scratch::new("candidate");
    std::fs::write(folder.0.join("main.rhai"), rules).unwrap();
    folder
}

fn start(bench: &Bench, folder: &Path) -> String {
    done(bench, &["start", folder.to_str().unwrap()])
}

/// The first difference of an output, once there is one.
fn difference(bench: &Bench, output: &str) -> Value {
    wait_for("a difference to be told", PATIENCE, || {
        let report = report(bench);
        let all = report["differences"].as_array().unwrap();
        all.iter().find(|one| one["output"] == output).cloned()
    })
}

fn level(bench: &Bench, program: &Program, level: &str) {
    bench.tell("meter/level", level);
    program.wait_point("meter.level", level);
}

#[test]
fn a_candidate_moves_nothing_and_takes_over_when_it_is_promoted() {
    let Some(bench) = Bench::new("a candidate beside the rules", &follow("a")) else { return };
    let program = bench.run();
    level(&bench, &program, "30");
    let folder = candidate(&follow("b"));
    assert!(done(&bench, &[]).contains("no candidate runs"));
    let began = start(&bench, &folder.0);
    assert!(began.contains("moves nothing"), "{began}");
    let second = refused(&bench, &["start", folder.0.to_str().unwrap()]);
    assert!(second.contains("runs already"), "{second}");
    assert!(program.tell(&["status"]).contains("beside the rules runs"), "{}", program.tell(&["status"]));
    level(&bench, &program, "70");
    bench.wait("a", "ON");
    let found = difference(&bench, "b");
    assert_eq!(
        (&found["running"]["state"], &found["candidate"]["state"]),
        (&"open".into(), &"closed".into())
    );
    assert!(found["candidate"]["why"].as_str().unwrap().contains("follow"), "{found}");
    assert!(found["running"]["why"].as_str().unwrap().contains("default"), "{found}");
    let other = difference(&bench, "a");
    assert!(other["running"]["why"].as_str().unwrap().contains("follow"), "{other}");
    assert_eq!(other["candidate"]["state"], "open", "{other}");
    let report = report(&bench);
    assert_eq!((&report["lagged"], &report["outputs"][2]["differences"]), (&0.into(), &0.into()), "{report}");
    let text = done(&bench, &["--language", "fr"]);
    assert!(text.contains("candidate : ") && text.contains("rien n'en est commandé"), "{text}");
    assert!(
        !bench.told("b").contains(&"ON".to_owned()),
        "the candidate moved an output: {:?}",
        bench.told("b")
    );

    let promoted = done(&bench, &["promote"]);
    assert!(promoted.contains("follow"), "{promoted}");
    bench.wait("b", "ON");
    bench.wait("a", "OFF");
    let rules = bench.site.0.join("rules");
    assert_eq!(std::fs::read_to_string(rules.join("main.rhai")).unwrap(), follow("b"));
    assert_eq!(std::fs::read_to_string(rules.join("main.rhai~")).unwrap(), follow("a"));
    let over = done(&bench, &[]);
    assert!(over.contains("the site was loaded anew"), "{over}");
    let audit = bench.audit();
    assert!(audit.iter().any(|line| line.contains(" promotes ")), "{audit:?}");
    assert!(audit.iter().any(|line| line.contains("outputs disconnected")), "{audit:?}");
}

#[test]
fn a_candidate_whose_body_fails_says_so_and_the_site_goes_on() {
    let Some(bench) = Bench::new("a candidate that fails", &follow("a")) else { return };
    let program = bench.run();
    level(&bench, &program, "30");
    let folder = candidate(
        "rule \"table\" when meter.level > \"50 %\" until meter.level < \"50 %\" {\n    let steps = [1.0];\n    \
         if steps[3] > 0.0 { close(b); }\n}\nevery \"3s\" {\n    let steps = [1.0];\n    if steps[2] > 0.0 { close(c, \"1min\"); }\n}\n",
    );
    start(&bench, &folder.0);
    assert_eq!(report(&bench)["failing"], Value::Array(vec![]));
    level(&bench, &program, "70");
    bench.wait("a", "ON");
    let failing = wait_for("the failure to be told", PATIENCE, || {
        report(&bench)["failing"].as_array().unwrap().first().cloned()
    });
    assert_eq!(failing["rule"], "table", "{failing}");
    let place = |line| format!("{}/main.rhai:{line}:", folder.0.display());
    assert!(failing["place"].as_str().unwrap().starts_with(&place(3)), "{failing}");
    assert!(failing["failures"].as_u64().unwrap() >= 1, "{failing}");
    let text = done(&bench, &[]);
    assert!(text.contains("rule \"table\" of it failed") && text.contains("b: the same"), "{text}");
    let text = done(&bench, &["--language", "fr"]);
    assert!(text.contains("sa règle « table » a échoué"), "{text}");
    let status = program.tell(&["status"]);
    assert!(!status.contains("table"), "the failure is the candidate's alone: {status}");
    // What runs at moments counts as well.
    let failing = wait_for("a second failure of the schedule", PATIENCE, || {
        let report = report(&bench);
        let all = report["failing"].as_array().unwrap();
        all.iter().find(|one| one["schedule"].is_string() && one["failures"].as_u64() >= Some(2)).cloned()
    });
    assert!(failing["place"].as_str().unwrap().starts_with(&place(7)), "{failing}");
    assert_eq!(failing["message"], "the list has no element 2: the first one is 0, the last one 0");
    let text = done(&bench, &["--language", "fr"]);
    assert!(text.contains("son horaire « every ") && text.contains("la liste n'a pas d'élément 2"), "{text}");
}

#[test]
fn what_is_wrong_is_refused_and_what_is_dropped_leaves_all_as_it_was() {
    let Some(bench) = Bench::new("a candidate that is dropped", &follow("a")) else { return };
    let program = bench.run();
    level(&bench, &program, "70");
    bench.wait("a", "ON");
    let wrong = candidate("rule \"follow\" when meter.leval > \"50 %\" { close(b); }\n");
    // Mistakes name what the person gave: a folder, a site, or one file.
    let site = Scratch::new("candidate");
    std::fs::create_dir(site.0.join("rules")).unwrap();
    std::fs::copy(wrong.0.join("main.rhai"), site.0.join("rules/main.rhai")).unwrap();
    let file = wrong.0.join("main.rhai");
    for (given, named) in [(&wrong.0, &file), (&file, &file), (&site.0, &site.0.join("rules/main.rhai"))] {
        let mistakes = refused(&bench, &["start", given.to_str().unwrap()]);
        let place = format!("--> {}:1:20", named.display());
        assert!(mistakes.contains(&place) && mistakes.contains("meter.level"), "no {place}: {mistakes}");
        assert!(!mistakes.contains("> rules/"), "{mistakes}");
        let mistakes = refused(&bench, &["start", given.to_str().unwrap(), "--format", "json"]);
        assert!(mistakes.contains(&format!("\"file\":\"{}\"", named.display())), "{mistakes}");
    }
    assert!(done(&bench, &[]).contains("no candidate runs"));
    assert!(refused(&bench, &["promote"]).contains("no candidate runs"));

    let folder = candidate(&follow("b"));
    start(&bench, &folder.0);
    // It goes on from what the running rules know: `a` is closed there as well, until its rules say otherwise.
    difference(&bench, "b");
    bench.relays.clear();
    done(&bench, &["drop"]);
    assert!(refused(&bench, &["drop"]).contains("no candidate runs"));
    level(&bench, &program, "30");
    bench.wait("a", "OFF");
    assert!(bench.told("b").iter().all(|word| word == "OFF"), "{:?}", bench.told("b"));
    let rules = std::fs::read_to_string(bench.site.0.join("rules/main.rhai")).unwrap();
    assert_eq!(rules, follow("a"));

    // The files changed under a candidate: what it was compared with is not what it would replace.
    start(&bench, &folder.0);
    let safety = bench.site.0.join("safety.yaml");
    std::fs::write(&safety, std::fs::read_to_string(&safety).unwrap() + "# looked at\n").unwrap();
    let output = shadow(&bench, &["promote"]);
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(bench.site.0.join("rules/main.rhai")).unwrap(), follow("a"));
}

/// What `ballast shadow` says where none runs, why the last one ended; `None` where nothing is known of one.
fn ended(bench: &Bench) -> Option<String> {
    let report = report(bench);
    assert_eq!(report["runs"], false, "{report}");
    report["ended"].as_str().map(str::to_owned)
}

#[test]
fn a_candidate_that_the_end_of_the_program_ended_is_told_of_once() {
    let Some(bench) = Bench::new("a candidate of a program that is killed", &follow("a")) else { return };
    let folder = candidate(&follow("b"));
    let name = folder.0.to_str().unwrap();
    let ran = format!("{name} ran beside the rules since 20");
    let told = |program: &Program| program.lines().iter().any(|line| line.contains(" ran beside the rules"));
    // A crash, a power cut; and an end that somebody asked for.
    for is_killed in [true, false] {
        let mut program = bench.run();
        start(&bench, &folder.0);
        if is_killed {
            program.kill()
        } else {
            assert!(program.stop().success())
        }
        let mut program = bench.run();
        program.wait_line(&ran, PATIENCE);
        let ended = ended(&bench).unwrap();
        assert!(ended.starts_with(&ran) && ended.contains("ended with the program"), "{ended}");
        let text = done(&bench, &["--language", "fr"]);
        assert!(text.contains(&format!("{name} tournait à côté des règles depuis 20")), "{text}");
        assert!(refused(&bench, &["promote"]).contains(&ran));
        // Once it was told it is over, whatever ends this run. This answer comes when all that is on the disk.
        program.tell(&["mode", "away"]);
        let history = program.tell(&["history", "--kind", "shadow", "--format", "json"]);
        let times = history.lines().filter(|line| line.contains(&ran)).count();
        assert_eq!(times, if is_killed { 1 } else { 2 }, "{history}");
        program.kill();
        let program = bench.run();
        assert_eq!(self::ended(&bench), None);
        assert!(!told(&program), "{:?}", program.lines());
    }
    // One that somebody dropped, or that a reload overtook, was told of already.
    let mut program = bench.run();
    start(&bench, &folder.0);
    done(&bench, &["drop"]);
    program.kill();
    let mut program = bench.run();
    assert!(!told(&program) && ended(&bench).is_none(), "{:?}", program.lines());
    start(&bench, &folder.0);
    done(&bench, &["promote"]);
    program.kill();
    let program = bench.run();
    assert!(!told(&program) && ended(&bench).is_none(), "{:?}", program.lines());
}

/// A question as programs ask it, and its answer.
fn asked(bench: &Bench, question: &Value) -> Value {
    let mut stream = UnixStream::connect(bench.site.0.join(".ballast/control.sock")).unwrap();
    writeln!(stream, "{question}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn a_promotion_takes_the_candidate_that_was_meant_and_no_other() {
    let Some(bench) = Bench::new("a promotion that crosses another candidate", &follow("a")) else { return };
    let mut program = bench.run();
    let (first, second) = (candidate(&follow("b")), candidate(&follow("c")));
    start(&bench, &first.0);
    let texts = asked(&bench, &json!({ "question": { "ask": "shadow_texts" } }));
    let number = texts["data"]["number"].as_u64().unwrap();
    let other_is_refused = || {
        for (language, words) in
            [("en", "another candidate was begun"), ("fr", "une autre candidate a été lancée")]
        {
            let question = json!({ "ask": "shadow_promote", "number": number, "accept": true });
            let answer = asked(&bench, &json!({ "language": language, "question": question }));
            let text = answer["text"].as_str().unwrap();
            assert_eq!(answer["ok"], false, "{answer}");
            assert!(text.contains(words) && text.contains(second.0.to_str().unwrap()), "{text}");
        }
        assert_eq!(report(&bench)["runs"], true, "the other one goes on");
    };
    done(&bench, &["drop"]);
    start(&bench, &second.0);
    other_is_refused();
    // One that another run began is another one as well.
    program.kill();
    let program = bench.run();
    start(&bench, &second.0);
    other_is_refused();
    assert!(!program.lines().iter().any(|line| line.contains(" promotes ")), "{:?}", program.lines());
    done(&bench, &["promote"]);
    assert_eq!(std::fs::read_to_string(bench.site.0.join("rules/main.rhai")).unwrap(), follow("c"));
}

/// Names of everything that lies in a folder and below it.
fn lies_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        found.push(entry.path().display().to_string());
        if entry.path().is_dir() {
            found.extend(lies_in(&entry.path()));
        }
    }
    found.sort();
    found
}

/// What the guard's process holds of an output: what it is, and what the rules ask of it.
fn held(site: &Apart, output: &str) -> Value {
    let status: Value = serde_json::from_str(&site.ask(&["guard", "status", "--format", "json"])).unwrap();
    let all = status["outputs"].as_array().unwrap();
    all.iter().find(|one| one["output"] == output || one["name"] == output).cloned().unwrap()
}

#[test]
fn beside_a_guard_of_its_own_a_candidate_speaks_to_nobody() {
    let Some(site) = Apart::with("a candidate beside a guard of its own", &follow("a")) else { return };
    let guard = site.guard();
    let mut program = site.program();
    let bench = &site.bench;
    level(bench, &program, "70");
    bench.wait("a", "ON");
    let folder =
        candidate(&(follow("b") + &rule("all", "e", "meter.power > \"6 kW\"", "meter.power < \"1 kW\"")));
    let (audit, files) = (site.places.audit(), [lies_in(&site.places.state()), lies_in(&bench.site.0)]);
    bench.relays.clear();
    start(bench, &folder.0);
    let found = difference(bench, "b");
    assert_eq!(
        (&found["running"]["state"], &found["candidate"]["state"]),
        (&"open".into(), &"closed".into())
    );
    let other = difference(bench, "a");
    assert_eq!(
        (&other["running"]["state"], &other["candidate"]["state"]),
        (&"closed".into(), &"open".into())
    );
    // Its own guard acts as the other one does, and an alarm of it is written nowhere.
    bench.tell("meter/power", "7000");
    program.wait_line("\"house full\" acts", PATIENCE);
    // Longer than the lease of the output: what the candidate says is no word of the program's.
    std::thread::sleep(Duration::from_secs(4));
    let held_b = held(&site, "b");
    assert!(!held_b.to_string().contains("closed"), "{held_b}");
    assert!(held(&site, "a").to_string().contains("closed"));
    let sessions =
        |lines: Vec<String>| lines.iter().filter(|line| line.contains("listens to the rules")).count();
    assert_eq!((sessions(guard.lines()), sessions(program.lines())), (1, 1));
    let told = bench.relays.seen();
    let moved = |relay: &str| told.iter().any(|one| one.topic == relay && one.payload == "ON");
    assert!(
        !moved("relay/b") && !moved("relay/e") && !bench.told("a").contains(&"OFF".to_owned()),
        "{told:?}"
    );
    assert_eq!(site.places.audit().len(), audit.len(), "nobody asked the guard for anything");
    // Beside what the guard and the program keep of themselves.
    let kept = |name: &str| {
        name.starts_with("state.") || name.starts_with("ballast.db") || name.ends_with(".journal")
    };
    let own = |mut files: Vec<String>| {
        files.retain(|file| !kept(file.rsplit('/').next().unwrap_or_default()));
        files
    };
    assert_eq!([lies_in(&site.places.state()), lies_in(&bench.site.0)].map(own), files.map(own));

    // What a person asks of the guard's process reaches the candidate's guard as well.
    site.ask(&["guard", "now"]);
    bench.wait("a", "OFF");
    wait_for("both to be safe", PATIENCE, || {
        let report = report(bench);
        let all = report["differences"].as_array().unwrap();
        (!all.is_empty() && all.iter().all(|one| !one["to"].is_null())).then_some(())
    });
    site.ask(&["guard", "reset", "all"]);
    bench.wait("a", "ON");
    // What is remembered over the end of the program is what the rules did that ran.
    program.kill();
    bench.relays.clear();
    let program = site.program();
    program.wait_line(" ran beside the rules since ", PATIENCE);
    level(bench, &program, "70");
    bench.wait("a", "ON");
    assert!(!bench.told("b").contains(&"ON".to_owned()), "{:?}", bench.told("b"));
    start(bench, &folder.0);
    let promoted = done(bench, &["promote"]);
    assert!(promoted.contains("follow"), "{promoted}");
    bench.wait("b", "ON");
    bench.wait("a", "OFF");
}

#[test]
fn while_the_guard_s_process_is_gone_nothing_is_compared() {
    let Some(site) = Apart::with("a candidate without a guard", &follow("a")) else { return };
    let mut guard = site.guard();
    let program = site.program();
    let bench = &site.bench;
    level(bench, &program, "70");
    bench.wait("a", "ON");
    let much = rule("much", "c", "meter.power > \"300 W\"", "meter.power < \"200 W\"");
    let folder = candidate(&(follow("b") + &much));
    start(bench, &folder.0);
    difference(bench, "b");
    assert_eq!(report(bench)["not_compared_s"], 0.0);
    guard.kill();
    wait_for("the guard to be missed", PATIENCE, || {
        let text = done(bench, &["--language", "fr"]);
        text.contains("le gardien du site n'a pas répondu pendant").then_some(())
    });
    let gone = report(bench);
    assert!(gone["differences"].as_array().unwrap().iter().all(|one| one["to"].is_string()), "{gone}");
    let _guard = site.guard();
    site.wait_ready();
    level(bench, &program, "70");
    wait_for("a difference that lasts again", PATIENCE, || {
        let report = report(bench);
        let all = report["differences"].as_array().unwrap();
        all.iter().any(|one| one["output"] == "b" && one["to"].is_null()).then_some(())
    });
    let back = report(bench);
    let without = back["not_compared_s"].as_f64().unwrap();
    assert!(without > 0.0 && report(bench)["not_compared_s"] == without, "{back}");
    // An output that did not move meanwhile is compared again as well.
    bench.tell("meter/power", "400");
    difference(bench, "c");
}

/// Waits until the candidate is over because another set runs; and that is told once.
fn overtaken(bench: &Bench, program: &Program, folder: &Path) {
    let told =
        format!("{} does not run beside the rules any more: the site was loaded anew", folder.display());
    program.wait_line(&told, PATIENCE);
    assert_eq!(ended(bench).as_ref(), Some(&told));
    let french = done(bench, &["--language", "fr"]);
    assert!(french.contains("le site a été rechargé"), "{french}");
    assert_eq!(
        program.lines().iter().filter(|line| line.contains(&told)).count(),
        1,
        "{:?}",
        program.lines()
    );
    assert_eq!(program.metric("ballast_shadow_running").as_deref(), Some("0"));
}

#[test]
fn a_candidate_is_over_when_the_rules_beside_it_become_others() {
    let Some(bench) = Bench::new("a candidate that is overtaken", &follow("a")) else { return };
    let program = bench.run();
    let folder = candidate(&follow("b"));
    start(&bench, &folder.0);
    // What is loaded anew and is the same changes nothing.
    program.tell(&["reload"]);
    assert_eq!(report(&bench)["runs"], true);
    let harmful = rule("more", "e", "meter.power > \"1 kW\"", "meter.power < \"900 W\"");
    bench.write_rules(&(follow("a") + &harmful));
    overtaken(&bench, &program, &folder.0);
    assert!(refused(&bench, &["promote"]).contains("the site was loaded anew"));
    assert!(refused(&bench, &["drop"]).contains("the site was loaded anew"));

    // The new rules are on trial; they do harm, and the last good ones come back by themselves.
    let second = candidate(&follow("c"));
    start(&bench, &second.0);
    bench.tell("meter/power", "2000");
    bench.wait("e", "ON");
    bench.tell("meter/power", "6000");
    bench.wait("e", "OFF");
    program.wait_line("the last good rules run again", PATIENCE);
    overtaken(&bench, &program, &second.0);
    // It was compared with rules that are gone; beside those that came back another one begins.
    start(&bench, &second.0);
    level(&bench, &program, "70");
    difference(&bench, "c");
    assert!(bench.told("c").iter().all(|word| word == "OFF"), "{:?}", bench.told("c"));
}

#[test]
fn a_candidate_stays_what_it_was_when_it_began() {
    let Some(bench) = Bench::new("a candidate whose file is changed", &follow("a")) else { return };
    let program = bench.run();
    level(&bench, &program, "30");
    let folder = candidate(&follow("b"));
    start(&bench, &folder.0);
    std::fs::write(folder.0.join("main.rhai"), follow("c")).unwrap();
    std::fs::write(
        folder.0.join("more.rhai"),
        rule("more", "d", "meter.level > \"50 %\"", "meter.level < \"50 %\""),
    )
    .unwrap();
    // Longer than files of the site itself must lie still to be taken up.
    std::thread::sleep(Duration::from_secs(2));
    level(&bench, &program, "70");
    difference(&bench, "b");
    let report = report(&bench);
    for output in [2, 3] {
        assert_eq!(report["outputs"][output]["differences"], 0, "{report}");
    }
    // And that is what takes over, whatever has become of the files.
    std::fs::remove_dir_all(&folder.0).unwrap();
    done(&bench, &["promote"]);
    bench.wait("b", "ON");
    let rules = bench.site.0.join("rules");
    assert_eq!(std::fs::read_to_string(rules.join("main.rhai")).unwrap(), follow("b"));
    assert!(!rules.join("more.rhai").exists());
}
