//! To a person whose session is French the program speaks French; programs get the same JSON in every language.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::bench::Bench;
use common::program::{Program, ballast};
use common::wait_for;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

const FRENCH: &str = "LANG=fr_FR.UTF-8";

const RULES: &str = r#"rule "heat" when meter.power > "1 kW" until meter.power < "900 W" { close(a); }
"#;

/// Runs it in a French session, and waits until it hears the broker.
fn run(bench: &Bench, arguments: &[&str]) -> Program {
    let url = bench.url();
    let mut all = vec!["--set", url.as_str(), "--trust-clock"];
    all.extend(arguments);
    let program = Program::run_under(&["env", FRENCH], &bench.site.0, &all);
    wait_for("the program to hear the broker", PATIENCE, || {
        bench.tell("meter/ready", "yes");
        ask(&program, &["status"])
            .1
            .lines()
            .any(|line| line.contains("meter.ready") && line.contains("il y a"))
            .then_some(())
    });
    program
}

/// A command of a French session: its exit code and what it printed.
fn ask(program: &Program, arguments: &[&str]) -> (i32, String) {
    let mut command = ballast();
    let output =
        command.env("LANG", "fr_FR.UTF-8").args(arguments).arg("--site").arg(&program.site).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap(), text)
}

/// The answer holds all of these words.
fn says(program: &Program, arguments: &[&str], code: i32, words: &[&str]) {
    let (found, text) = ask(program, arguments);
    assert_eq!(found, code, "{arguments:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{arguments:?}: no {word:?} in:\n{text}");
    }
}

#[test]
fn events_are_told_in_french_and_stored_in_english() {
    let Some(bench) = Bench::new("events in French", RULES) else { return };
    let mut program = run(&bench, &[]);
    bench.tell("meter/power", "500");
    says(
        &program,
        &["request", "e", "closed", "--for", "1h"],
        0,
        &["e : connecté demandé pour 1 h", "demande"],
    );
    bench.wait("e", "ON");
    bench.tell("meter/power", "6000");
    bench.wait("a", "ON");
    bench.wait("e", "OFF");
    let at = program.json(&["why", "a"])["at"].as_str().unwrap().to_owned();
    bench.write_rules(&RULES.replace("1 kW", "2 kW"));
    for line in [
        "tourne pour la première fois : ",
        " ; le gardien est dans le même processus",
        "le gardien écoute les règles",
        "bus broker en service : ",
        "(opérateur) demande e connecté",
        "la règle « heat » a commencé (meter.power 6000 W)",
        "a connecté : règle « heat »",
        "la limite « house full » agit sur meter.power",
        "e coupé : la limite « house full » l'impose ; opérateur ",
        " demande connecté (meter.power 6000 W (il y a ",
        "le site changé tourne : 1 règle",
    ] {
        program.wait_line(line, PATIENCE);
    }
    let lines = program.lines().join("\n");
    assert!(!lines.contains("nobody asks") && !lines.contains(" open: "), "{lines}");
    assert!(program.stop().success());
    // The past is read back from what was stored: in each language.
    let stored = String::from_utf8_lossy(&std::fs::read(bench.site.0.join(".ballast/ballast.db")).unwrap())
        .into_owned()
        + &String::from_utf8_lossy(
            &std::fs::read(bench.site.0.join(".ballast/ballast.db-wal")).unwrap_or_default(),
        );
    assert!(
        stored.contains("rule \\\"heat\\\" started") && !stored.contains("a commencé"),
        "it is stored in French"
    );
    // The log, without a program that runs: French for people, English for programs.
    let history = |arguments: &[&str]| ask(&program, &[&["history", "--last", "200"], arguments].concat()).1;
    let log = history(&[]);
    for line in [
        "bench tourne pour la première fois",
        "le gardien écoute les règles",
        "bus broker en service : connecté à 127.0.0.1:",
        "(opérateur) demande e connecté",
        "la règle « heat » a commencé (meter.power 6000 W)",
        "a connecté : règle « heat »",
        "la limite « house full » agit sur meter.power",
        "e coupé : la limite « house full » l'impose ; opérateur ",
        "le site changé tourne : 1 règle",
        "le gardien n'écoute plus : le programme a pris congé",
    ] {
        assert!(log.contains(line), "no {line:?} in:\n{log}");
    }
    for word in [" the ", "nobody", "rule ", "asks for", "closed", " acts"] {
        assert!(!log.contains(word), "{word:?} in:\n{log}");
    }
    let json = history(&["--format", "json"]);
    assert!(
        json.contains("limit \\\"house full\\\" acts on meter.power") && !json.contains("agit sur"),
        "{json}"
    );
    let english = program.tell(&["history", "--last", "200"]);
    assert!(english.contains("limit \"house full\" acts on meter.power"), "{english}");
    let program = run(&bench, &[]);
    let past = ["why", "a", "--at", at.as_str()];
    says(
        &program,
        &past,
        0,
        &[
            "depuis 20",
            " : a connecté : règle « heat »",
            "selon",
            "Ceci vient de l'événement noté",
            "il commence le",
        ],
    );
    let rule = ["why-not", "heat", "--at", at.as_str()];
    says(&program, &rule, 0, &[" : la règle « heat » a commencé (meter.power 6000 W)"]);
    let english = program.tell(&rule);
    assert!(english.contains("rule \"heat\" started (meter.power 6000 W)"), "{english}");
    for question in [past.as_slice(), rule.as_slice()] {
        let french = ask(&program, &[question, &["--format", "json"]].concat()).1;
        assert_eq!(serde_json::from_str::<serde_json::Value>(&french).unwrap(), program.json(question));
    }
    says(&program, &["why", "a", "--at", "2020-01-01T00:00:00Z"], 1, &["rien n'est noté sur a avant"]);
}

#[test]
fn answers_and_refusals_are_french() {
    let Some(bench) = Bench::new("answers in French", RULES) else { return };
    let level = "      level:  { topic: meter/level";
    let flag = "      on: { topic: meter/on, flag: true, map: \"1 = yes, 0 = no\", max_age: 5 min }\n";
    bench.site.edit("site.yaml", level, &format!("{flag}{level}"));
    let program = run(&bench, &[]);
    bench.tell("meter/on", "1");
    program.wait_point("meter.on", "yes");
    bench.tell("meter/power", "500");
    program.wait_point("meter.power", "500 W");
    says(
        &program,
        &["status"],
        0,
        &[
            "points\n",
            "sorties\n",
            "règles\n",
            "coupé      personne ne demande rien",
            "attend\n",
            "500 W            il y a",
            "meter.on                         oui              il y a",
            // A word of an enumeration is one that rules write.
            "meter.ready                      yes              il y a",
        ],
    );
    for (arguments, code, words) in [
        (&["request", "aa", "closed"][..], 1, &["il n'y a pas de sortie `aa` ; vouliez-vous dire `a` ?"][..]),
        (&["request", "a", "half"], 1, &["`half` n'est pas un état de a : dites `closed` (connecté)"]),
        (&["request", "a", "closed", "--for", "now"], 1, &["`--for now` n'est pas une durée :"]),
        (&["why-not", "heet"], 1, &["il n'y a pas de règle `heet` ; vouliez-vous dire `heat` ?"]),
        (&["why-not", "heat"], 0, &["la règle « heat » (main.rhai:1) n'est pas active."]),
        (&["why", "a"], 0, &["sans le programme      non garanti"]),
        (&["release", "a"], 0, &["a : plus aucune personne n'en demande un état"]),
        (&["mode"], 0, &["mode home ; les modes sont home, away"]),
        (&["mode", "aways"], 1, &["il n'y a pas de mode `aways` ; vouliez-vous dire `away` ?"]),
        (&["setting", "wish", "3 kwatt"], 1, &["il n'y a pas d'unité `kwatt` ;"]),
        (&["setting", "wish", "3"], 1, &["« 3 » n'a pas d'unité ;"]),
        (&["setting", "wish", "3,5 kW"], 1, &["« 3,5 kW » a une virgule ; écrivez un point"]),
        (&["setting", "wish", "20 kW"], 1, &["setting.wish est compris entre 0 kW et 9 kW"]),
        (&["setting", "wish", "2 V"], 1, &["setting.wish est en kW, pas en V"]),
        (&["setting", "wish", "2 kW"], 0, &["setting.wish 2 kW"]),
        (
            &["rule", "resume", "heat"],
            0,
            &[
                "la règle « heat » n'est pas suspendue, rien à relancer : elle attend sa condition ; voyez `ballast why-not",
            ],
        ),
        (&["guard", "reset", "smoke"], 1, &["refusé : la limite « smoke » n'attend pas une personne"]),
        (&["guard", "reset", "all"], 1, &["refusé : rien n'attend une personne"]),
        (&["guard", "confirm", "1"], 1, &["ni 0000000000000001 ni un autre", "est en vigueur"]),
        (&["guard", "confirm", "xyz"], 1, &["`xyz` n'est pas une empreinte ;"]),
        (&["guard", "now"], 0, &["chaque sortie va à son état sûr"]),
        (&["guard", "reset", "all"], 0, &["all a été réexaminé"]),
        (&["clock", "trust"], 0, &["répond de l'heure de la machine"]),
        (&["reload"], 0, &["rien n'a changé : le site tourne déjà avec ces fichiers, 1 règle"]),
        (&["reload", "--trial", "2h"], 0, &["aucune règle nouvelle ou changée : rien à essayer"]),
        (&["reload", "--trial", "1min"], 1, &["un essai dure de 10 min à 7 d, pas 1 min"]),
        (&["why", "a", "--at", "noon"], 1, &["`noon` n'est pas un instant ; écrivez 06:30"]),
        (&["why", "a", "--at", "2999-01-01T00:00:00Z"], 1, &["cet instant est à venir"]),
    ] {
        says(&program, arguments, code, words);
    }
    let text = program.lines().join("\n");
    for line in
        ["règle setting.wish de 1 kW à 2 kW", "a demandé au gardien la mise en sécurité immédiate : tout"]
    {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
}

#[test]
fn the_failure_of_a_rule_is_french_in_the_status() {
    let rules = "rule \"stumbles\" when meter.power > \"1 kW\" until meter.power < \"900 W\" { let x = [1]; x[3]; close(a); }\n";
    let Some(bench) = Bench::new("a failure in French", rules) else { return };
    let program = run(&bench, &[]);
    bench.tell("meter/power", "2000");
    let status = wait_for("the failure in the status", PATIENCE, || {
        let (_, text) = ask(&program, &["status"]);
        text.lines().find(|line| line.contains("a échoué")).map(str::to_owned)
    });
    assert!(status.contains(" : la liste n'a pas d'élément 3 : le premier"), "{status}");
}

#[test]
fn json_is_the_same_in_both_languages() {
    let Some(bench) = Bench::new("JSON in both languages", RULES) else { return };
    let mut program = run(&bench, &["--format", "json"]);
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    let file = bench.site.0.join("kept.journal");
    program.tell(&["journal", "--output", file.to_str().unwrap()]);
    for question in [
        &["why", "a"][..],
        &["why-not", "heat"],
        &["mode"],
        &["setting"],
        &["request", "nowhere", "closed"],
        &["release", "b"],
    ] {
        let json = |language| {
            let (_, text) =
                ask(&program, &[question, &["--format", "json", "--language", language]].concat());
            let mut data: serde_json::Value = serde_json::from_str(&text).unwrap();
            still(&mut data);
            data
        };
        assert_eq!(json("fr"), json("en"), "{question:?}");
    }
    let told = program.wait_line("rule \\\"heat\\\" started", PATIENCE);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["sentence"], "rule \"heat\" started (meter.power 2000 W)");
    assert!(program.stop().success());
    says(&program, &["status"], 5, &["aucun programme ne tourne sur ce site"]);
    let past = |language| {
        let arguments =
            ["why", "a", "--journal", file.to_str().unwrap(), "--format", "json", "--language", language];
        let output = ballast().args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(past("fr"), past("en"));
    assert!(past("fr").contains("a has been closed for"), "{}", past("fr"));
}

/// Without what passes between two questions: ages, instants, and the sentence's own age.
fn still(data: &mut serde_json::Value) {
    match data {
        serde_json::Value::Object(rows) => {
            rows.retain(|key, _| key != "at" && !key.ends_with("_s"));
            if let Some(sentence) = rows.get_mut("sentence").filter(|sentence| sentence.is_string()) {
                let text: String = sentence.as_str().unwrap().chars().filter(|c| c.is_alphabetic()).collect();
                *sentence = text.replace("ms", "s").into();
            }
            rows.values_mut().for_each(still);
        }
        serde_json::Value::Array(rows) => rows.iter_mut().for_each(still),
        _ => {}
    }
}

#[test]
fn a_check_is_summed_up_in_french() {
    let rules = RULES.replace("meter.power > \"1 kW\"", "setting.wish > 1 && meter.power > \"1 kW\"");
    let Some(bench) = Bench::new("a check in French", &rules) else { return };
    let check = |site: &std::path::Path| {
        let output =
            ballast().env("LANG", "fr_FR.UTF-8").args(["check", "--explain"]).arg(site).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let text = check(&bench.site.0);
    assert!(text.contains("aucune erreur. bench : ") && text.contains("6 sorties, 1 règle"), "{text}");
    for line in [
        "sorties :\n",
        "sans demande : coupé ; sûr : coupé ; à renouveler toutes les 1 min 30 s ; sans le programme : non garanti",
        "points :\n",
        "inconnu après 5 min",
        "ne vieillit jamais",
        "main.rhai:1:33 1 se lit 1 kW, l'unité de setting.wish",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    bench.write_rules("rule");
    // Mistakes keep their English texts and their codes.
    let text = check(&bench.site.0);
    assert!(text.contains("error[rules::incomplete]"), "{text}");
}

/// The guard's own log, where it is a process: nothing of it needs a broker.
#[test]
fn the_guard_s_process_tells_its_log_in_french() {
    let scratch = common::Scratch::new("french-guard");
    std::fs::write(
        scratch.0.join("site.yaml"),
        "site: one\ntime_zone: Europe/Paris\nbuses: {}\ndevices: {}\n",
    )
    .unwrap();
    std::fs::write(scratch.0.join("safety.yaml"), "outputs: {}\n").unwrap();
    let told = |language: &str| {
        let mut guard = common::guard::ballast_guard();
        let state = scratch.0.join("state");
        let output = guard
            .arg(&scratch.0)
            .arg("--state")
            .arg(state)
            .env("LANG", language)
            .env_remove("LC_ALL")
            .output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = told("fr_FR.UTF-8");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("safety.yaml n'a pas de section `guard:`"), "{text}");
    assert!(told("C").1.contains("safety.yaml has no section `guard:`"));
}
