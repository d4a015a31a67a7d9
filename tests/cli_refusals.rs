//! What a program reads of a command that was refused: one document of one form, whatever the command.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use clap::CommandFactory;
use common::Scratch;
use common::bench::write_bench;
use common::program::{Program, ballast};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const RULES: &str = "rule \"heat\" when meter.power > \"1 kW\" until meter.power < \"900 W\" { close(a); }\n";

/// What cannot be refused but for its words, which clap answers: they read nothing and ask nobody.
const NEVER_REFUSED: [&str; 4] = ["completions", "help", "schema", "sim"];

/// Commands that need no program, with what they end with; `SITE` is a site, `EMPTY` an empty directory, `WRONG` a site with
/// a mistake, `LOG` a file that is none of ours.
const ALONE: &[(i32, &[&str])] = &[
    (1, &["demo", "--speed", "0"]),
    (1, &["demo", "--start", "noon"]),
    (1, &["init", "SITE"]),
    (1, &["init", "EMPTY/new", "--name", "A B"]),
    (1, &["init", "LOG/below"]),
    (1, &["detect", "--mdns", "--listen", "often"]),
    (1, &["device", "check", "EMPTY/none.yaml"]),
    (3, &["device", "check", "LOG"]),
    (1, &["device", "read", "EMPTY/none.yaml", "--bus", "port=none"]),
    (3, &["run", "EMPTY"]),
    (3, &["run", "EMPTY/none"]),
    (3, &["run", "WRONG", "--metrics", "off"]),
    (3, &["check", "EMPTY/none"]),
    (3, &["check", "WRONG"]),
    (1, &["check", "--code", "nope::x"]),
    (1, &["replay", "LOG"]),
    (1, &["replay", "EMPTY/none.journal"]),
    (1, &["manual", "LOG/below"]),
    (1, &["why", "a", "--journal", "LOG"]),
    (1, &["why", "a", "--journal", "EMPTY/none.journal"]),
    (5, &["why", "a", "--site", "EMPTY/none"]),
    (5, &["why", "a", "--at", "06:30", "--site", "SITE"]),
    (1, &["why", "a", "--at", "nonsense", "--site", "SITE"]),
    (5, &["why-not", "heat", "--site", "SITE"]),
    (1, &["history", "--site", "SITE"]),
    (5, &["status", "--site", "SITE"]),
    (5, &["reload", "--site", "SITE"]),
    (1, &["reload", "--trial", "often", "--site", "SITE"]),
    (1, &["shadow", "start", "EMPTY/none", "--site", "SITE"]),
    (5, &["shadow", "start", "SITE", "--site", "SITE"]),
    (5, &["shadow", "promote", "--site", "SITE"]),
    (5, &["shadow", "drop", "--site", "SITE"]),
    (5, &["shadow", "--site", "SITE"]),
    (5, &["request", "a", "closed", "--site", "SITE"]),
    (1, &["request", "a", "closed", "--for", "8d", "--site", "SITE"]),
    (1, &["request", "a", "closed", "--for", "0s", "--site", "SITE"]),
    (5, &["release", "a", "--site", "SITE"]),
    (5, &["arm", "a", "--site", "SITE"]),
    (5, &["disarm", "a", "--site", "SITE"]),
    (5, &["mode", "--site", "SITE"]),
    (5, &["setting", "--site", "SITE"]),
    (5, &["rule", "resume", "heat", "--site", "SITE"]),
    (5, &["journal", "--site", "SITE"]),
    (5, &["clock", "trust", "--site", "SITE"]),
    (5, &["guard", "status", "--site", "SITE"]),
    (1, &["guard", "acl", "--site", "EMPTY/none"]),
    (3, &["guard", "acl", "--site", "WRONG"]),
    (3, &["test", "EMPTY/none"]),
    (3, &["test", "WRONG"]),
    (1, &["test", "SITE"]),
    (3, &["bench-policy", "EMPTY/none"]),
    (3, &["bench-policy", "SITE"]),
    (1, &["bench-policy", "--scenario", "99"]),
    (3, &["backtest", "EMPTY/none", "--history", "EMPTY/a.csv"]),
    (3, &["backtest", "WRONG", "--history", "EMPTY/a.csv"]),
    (3, &["backtest", "SITE", "--history", "LOG"]),
    (3, &["backtest", "SITE", "--with", "EMPTY", "--history", "EMPTY/a.csv"]),
    (1, &["backtest", "SITE", "--history", "EMPTY/none.csv"]),
    (1, &["backtest", "SITE", "--journal", "LOG"]),
];

/// Commands that a running program refuses.
const ASKED: &[(i32, &[&str])] = &[
    (1, &["why", "nope"]),
    (1, &["why", "a", "--at", "nonsense"]),
    (1, &["why", "nope", "--at", "2026-01-01T00:00:00Z"]),
    (1, &["why-not", "nope"]),
    (1, &["history", "--since", "nope"]),
    (1, &["reload", "--trial", "1s"]),
    (1, &["request", "nope", "closed"]),
    (1, &["request", "a", "on"]),
    (1, &["release", "nope"]),
    (1, &["arm", "nope"]),
    (1, &["disarm", "nope"]),
    (1, &["mode", "nope"]),
    (1, &["setting", "nope", "3"]),
    (1, &["rule", "resume", "nope"]),
    (1, &["journal", "--output", "EMPTY/none/none.journal"]),
    (1, &["guard", "confirm", "zzz"]),
    (1, &["guard", "reset", "nope"]),
];

/// The document that a refused command prints.
fn refused(code: i32, arguments: &[String]) -> Value {
    let output = ballast().args(arguments).args(["--format", "json"]).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stdout}{stderr}");
    let document: Value = serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stdout:?}, {stderr:?}"));
    assert_eq!(document["ok"], false, "{arguments:?}: {document}");
    assert!(document["error"].as_str().is_some_and(|why| !why.is_empty()), "{arguments:?}: {document}");
    // A program that begins draws mistakes for who looks after it, too.
    assert!(stderr.is_empty() || arguments[0] == "run", "{arguments:?}: {stderr}");
    document
}

/// In both languages: what programs read is English.
fn all_refused(cases: &[(i32, &[&str])], filled: impl Fn(&str) -> String, site: Option<&Path>) {
    for (code, arguments) in cases {
        let mut arguments: Vec<String> = arguments.iter().map(|word| filled(word)).collect();
        if let Some(site) = site {
            arguments.extend(["--site".to_owned(), site.display().to_string()]);
        }
        let english = refused(*code, &arguments);
        arguments.extend(["--language".to_owned(), "fr".to_owned()]);
        let french = refused(*code, &arguments);
        assert_eq!(english["error"], french["error"], "{arguments:?}");
        if *code == 3 && ["WRONG", "LOG"].iter().any(|place| arguments.contains(&filled(place))) {
            let found = english.pointer("/found/diagnostics").and_then(Value::as_array);
            assert!(found.is_some_and(|found| !found.is_empty()) || arguments[0] == "guard", "{english}");
        }
    }
}

/// A folder with a site and with what is none, the site, and what the words of [`ALONE`] and [`ASKED`] stand for.
fn places(what: &str) -> (Scratch, Scratch, impl Fn(&str) -> String) {
    let scratch = Scratch::new(what);
    let root = scratch.0.clone();
    let site = Scratch(root.join("site"));
    std::fs::create_dir_all(&site.0).unwrap();
    write_bench(&site, RULES);
    for name in ["empty", "wrong"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::write(root.join("wrong/site.yaml"), "site: wrong\ntime_zone: Nowhere\n").unwrap();
    std::fs::write(root.join("wrong/safety.yaml"), "outputs: {}\n").unwrap();
    std::fs::write(root.join("w1.log"), "a line of a log\n").unwrap();
    let filled = move |word: &str| {
        let place = |name: &str| root.join(name).display().to_string();
        ["SITE", "EMPTY", "WRONG", "LOG"].iter().zip(["site", "empty", "wrong", "w1.log"]).fold(
            word.to_owned(),
            |word, (mark, name)| {
                if word.starts_with(mark) { word.replacen(mark, &place(name), 1) } else { word }
            },
        )
    };
    (scratch, site, filled)
}

#[test]
fn a_refused_command_gives_programs_one_document() {
    let (_scratch, _site, filled) = places("refused alone");
    all_refused(ALONE, filled, None);
}

#[test]
fn what_a_running_program_refuses_has_the_same_form() {
    let (_scratch, site, filled) = places("refused by a program");
    let _program = Program::run(&site.0, &["--set", "broker.url=mqtt://127.0.0.1:9", "--trust-clock"]);
    all_refused(ASKED, &filled, Some(&site.0));
    // A second one beside it.
    all_refused(&[(1, &["run", "SITE", "--metrics", "off"])], &filled, None);
    // That nothing was found is no refusal: no line.
    let asked = ["history", "--kind", "nope", "--format", "json", "--site"];
    let output = ballast().args(asked).arg(&site.0).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn no_command_is_left_out() {
    let known: BTreeSet<&str> =
        ALONE.iter().map(|(_, arguments)| arguments[0]).chain(NEVER_REFUSED).collect();
    for command in ballast::cli::arguments::Arguments::command().get_subcommands() {
        assert!(known.contains(command.get_name()), "`ballast {}` is refused by what?", command.get_name());
    }
}

/// A user who owns nothing here, where the tests run as root, whom nothing is forbidden.
const NOBODY: u32 = 65_534;

#[test]
fn who_may_not_open_the_socket_is_told_so_and_not_that_no_program_runs() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let site = Scratch::new("forbidden");
    write_bench(&site, RULES);
    site.edit("safety.yaml", "limits:\n", "guard: {}\nlimits:\n");
    let state = site.0.join(".ballast");
    std::fs::create_dir(&state).unwrap();
    std::os::unix::net::UnixListener::bind(state.join("control.sock")).unwrap();
    let allow = |mode| std::fs::set_permissions(&state, std::fs::Permissions::from_mode(mode)).unwrap();
    let sockets = state.join("none");
    let (program, guard) = (&["status"][..], ["guard", "status", "--sockets", sockets.to_str().unwrap()]);
    for (question, language, words) in [
        (program, "en", ["you may not speak to the program of this site", "permission denied", "sudo"]),
        (program, "fr", ["vous n'avez pas le droit de parler au programme", "accès refusé", "sudo"]),
        (&guard, "en", ["you may not speak to the guard", "permission denied", "as root"]),
        (&guard, "fr", ["vous n'avez pas le droit de parler au gardien", "accès refusé", "root"]),
    ] {
        allow(0o000);
        let mut command = ballast();
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY);
        }
        let output = command.args(question).args(["--language", language, "--site"]).arg(&site.0).output();
        allow(0o700);
        let Ok(output) = output else {
            println!("SKIPPED: another user may not run the program from where it was built");
            return;
        };
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}
