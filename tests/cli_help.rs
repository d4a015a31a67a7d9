//! What the command line shows of itself: help, mistakes in a command, colours, man pages, completions, installation.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]
#![allow(clippy::print_stderr, reason = "skips are told on the error output")]

mod common;

use clap::{CommandFactory, Parser};
use common::Scratch;
use common::bench::write_bench;
use common::program::ballast;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    ballast().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names of all commands, without clap's own.
fn commands() -> Vec<String> {
    let all = ballast::cli::arguments::Arguments::command();
    all.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

#[test]
fn every_command_has_an_example_that_begins_with_its_name() {
    let commands = commands();
    assert!(commands.len() >= 19, "{commands:?}");
    for name in commands {
        let help = text(&run(&[&name, "--help"]).stdout);
        assert!(help.contains(&format!("ballast {name}")), "no usage of {name}");
        let examples = help.split("Example").nth(1).unwrap_or_else(|| panic!("no example of {name}"));
        assert!(examples.contains(&format!("ballast {name}")), "{name}: {examples}");
    }
    let help = text(&run(&["--help"]).stdout);
    for code in ["0 done", "1 refused", "2 wrong command line", "3 the site has mistakes", "5 no program"] {
        assert!(help.contains(code), "no {code:?} in:\n{help}");
    }
}

/// The examples of a help text, each as the words of one command: what stands behind two spaces is about it.
fn examples(help: &str) -> Vec<Vec<String>> {
    let text =
        help.split("Example").nth(1).unwrap_or_default().split("Exit codes").next().unwrap_or_default();
    let commands = text.lines().flat_map(|line| {
        let start = line.find("ballast ").unwrap_or(line.len());
        line[start..].split("  ").next().unwrap_or_default().split("&& ")
    });
    let words = |command: &str| -> Vec<String> {
        let command = command.split(" > ").next().unwrap_or_default();
        let pieces = command.split('"').enumerate();
        pieces
            .flat_map(|(index, piece)| {
                // Every second piece stands between quotes.
                let is_quoted = index % 2 == 1;
                let whole = is_quoted.then(|| piece.to_owned());
                let split = piece.split_whitespace().filter(move |_| !is_quoted).map(str::to_owned);
                whole.into_iter().chain(split.collect::<Vec<_>>())
            })
            .collect()
    };
    commands.map(words).filter(|words| !words.is_empty()).collect()
}

#[test]
fn every_example_is_a_command_that_the_program_understands() {
    let mut count = 0;
    for name in commands().into_iter().map(Some).chain([None]) {
        let arguments: Vec<String> = name.into_iter().chain(["--help".to_owned()]).collect();
        // Wide enough that no line is broken.
        let output = ballast().args(&arguments).env("COLUMNS", "200").output().unwrap();
        for example in examples(&text(&output.stdout)) {
            let parsed = ballast::cli::arguments::Arguments::try_parse_from(&example);
            assert!(parsed.is_ok(), "{example:?}: {}", parsed.unwrap_err());
            count += 1;
            if example.iter().any(|word| word == "--code") {
                let said = ballast().args(&example[1..]).output().unwrap();
                assert!(said.status.success(), "{example:?}: {}", text(&said.stderr));
            }
        }
    }
    assert!(count >= 35, "{count} examples were found");
}

/// Every command with its subcommands, by the words that lead to it.
fn everything(command: &clap::Command, words: &[String], all: &mut Vec<Vec<String>>) {
    all.push(words.to_vec());
    for inner in command.get_subcommands() {
        let words = [words, &[inner.get_name().to_owned()]].concat();
        everything(inner, &words, all);
    }
}

/// Whether a line and the one below it are one paragraph that was broken although more had room on the line.
fn is_ragged(line: &str, below: &str, width: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_item =
        |line: &str| line.starts_with("  ") && (line.contains("  ballast ") || !line.trim().contains(' '));
    let word = below.split_whitespace().next().unwrap_or_default();
    let is_text = !line.trim().is_empty() && !word.is_empty() && !line.ends_with(':') && !is_item(line);
    // An example is no paragraph, and neither is a row of options, commands or possible values.
    let is_row = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        // Also a line of a file that is shown: `key: value`.
        first.starts_with(['-', '[']) || first.ends_with(':') || line.trim().contains("  ")
    };
    let belong =
        indent(line) == indent(below) && !is_row(line) && !is_row(below) && !below.contains("  ballast ");
    is_text && belong && line.chars().count() + 1 + word.chars().count() < width
}

#[test]
fn help_reads_well_in_terminals_of_every_width() {
    let mut all = Vec::new();
    everything(&ballast::cli::arguments::Arguments::command(), &[], &mut all);
    assert!(all.len() > 25, "{all:?}");
    for words in all {
        let shown = |width: usize| {
            let mut command = ballast();
            let output = command.args(&words).arg("--help").env("COLUMNS", width.to_string()).output();
            text(&output.unwrap().stdout)
        };
        let widest = shown(200);
        for width in [80, 100] {
            let help = shown(width);
            let lines: Vec<&str> = help.lines().collect();
            for line in &lines {
                assert!(line.chars().count() <= width, "{words:?} in {width} columns: {line}");
            }
            for pair in lines.windows(2) {
                assert!(
                    !is_ragged(pair[0], pair[1], width),
                    "{words:?} is broken twice in {width} columns:\n{}\n{}",
                    pair[0],
                    pair[1]
                );
            }
            assert_eq!(
                shown_examples(&help),
                shown_examples(&widest),
                "{words:?}: broken in {width} columns"
            );
        }
    }
}

/// The lines with examples, up to the empty one behind them.
fn shown_examples(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| !line.starts_with("Example"));
    lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn without_a_command_the_help_is_shown_and_nothing_is_done() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let help = text(&output.stderr);
    for word in ["Usage: ballast", "demo", "Examples:", "ballast init my-site"] {
        assert!(help.contains(word), "no {word:?} in:\n{help}");
    }
}

#[test]
fn a_slip_of_the_fingers_is_answered_with_what_was_meant() {
    for (wrong, meant) in [
        (&["chekc"][..], "'check'"),
        (&["guard", "rest"], "'reset'"),
        (&["status", "--formt", "json"], "'--format'"),
        (&["run", "--metrcs", "off"], "'--metrics'"),
        (&["schema", "sitee"], "'site'"),
        (&["completions", "bsh"], "'bash'"),
    ] {
        let output = run(wrong);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {said}");
        assert!(
            output.stdout.is_empty() && said.contains("tip:") && said.contains(meant),
            "{wrong:?}: {said}"
        );
    }
}

/// What a command shows on a terminal. One is enough for both of its outputs.
fn on_a_terminal(mut command: Command) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    command.env("TERM", "xterm").env_remove("CLICOLOR").env_remove("CLICOLOR_FORCE").env_remove("CI");
    let mut child = command.stdout(slave.try_clone().unwrap()).stderr(slave).spawn().unwrap();
    // The parent's copies of the slave would keep the terminal open.
    drop(command);
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    let mut master = std::fs::File::from(master);
    // A terminal that nobody holds any more ends with an error instead of an end.
    while let Ok(count @ 1..) = master.read(&mut piece) {
        seen.extend_from_slice(&piece[..count]);
    }
    child.wait().unwrap();
    text(&seen)
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let site = Scratch::new("colours");
    write_bench(&site, "rule \"x\" when meter.powr > \"1 kW\" until false { close(a); }\n");
    let check = |no_colour: bool| {
        let mut command = ballast();
        command.arg("check").arg(&site.0);
        if no_colour {
            command.env("NO_COLOR", "1")
        } else {
            command.env_remove("NO_COLOR")
        };
        command
    };
    let help = || {
        let mut command = ballast();
        command.arg("--help").env_remove("NO_COLOR");
        command
    };
    let is_coloured = |seen: &str| seen.contains("\u{1b}[");
    let on_terminal = on_a_terminal(check(false));
    assert!(is_coloured(&on_terminal) && on_terminal.contains("meter.powr"), "{on_terminal:?}");
    assert!(is_coloured(&on_a_terminal(help())));
    let refused = on_a_terminal(check(true));
    assert!(!is_coloured(&refused) && refused.contains("meter.powr"), "{refused:?}");
    for mut piped in [check(false), check(true), help()] {
        let output = piped.output().unwrap();
        let seen = text(&[output.stdout, output.stderr].concat());
        assert!(!seen.is_empty() && !is_coloured(&seen), "{seen:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let script =
        format!("'{}' --help | head -n 1 >&2; '{0}' completions bash | true", env!("CARGO_BIN_EXE_ballast"));
    let output = Command::new("bash").args(["-o", "pipefail", "-c", &script]).output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success() && !said.contains("panicked"), "{said}");
}

/// Runs make in the project with a program that is built already.
fn make(goal: &str, destination: &Path) -> Option<Output> {
    let destination = format!("DESTDIR={}", destination.display());
    let program = format!("PROGRAM={}", env!("CARGO_BIN_EXE_ballast"));
    let guard = Path::new(env!("CARGO_BIN_EXE_ballast")).with_file_name("ballast-guard");
    if !guard.exists() {
        eprintln!(
            "skipped: make {goal}: ballast-guard is not built beside ballast (cargo build --workspace)"
        );
        return None;
    }
    let guard = format!("GUARD={}", guard.display());
    let arguments =
        ["--silent", "-C", env!("CARGO_MANIFEST_DIR"), goal, "PREFIX=/usr", &destination, &program, &guard];
    // Goals of the make that runs the tests are not ours.
    match Command::new("make").args(arguments).env_remove("MAKEFLAGS").env_remove("MAKELEVEL").output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: make {goal}: make does not run: {error}");
            None
        }
    }
}

fn files(folder: &Path) -> Vec<String> {
    let found = Command::new("find").arg(".").args(["-type", "f"]).current_dir(folder).output().unwrap();
    let mut found: Vec<String> = text(&found.stdout).lines().map(str::to_owned).collect();
    found.sort();
    found
}

#[test]
fn make_install_puts_program_pages_and_completions_and_make_uninstall_removes_them() {
    let place = Scratch::new("install");
    // Something of somebody else stays.
    std::fs::create_dir_all(place.0.join("usr/share/man/man1")).unwrap();
    std::fs::write(place.0.join("usr/share/man/man1/other.1"), ".TH other 1\n").unwrap();
    let Some(output) = make("install", &place.0) else { return };
    assert!(output.status.success(), "{}", text(&output.stderr));
    let installed = files(&place.0);
    for file in [
        "bin/ballast",
        "bin/ballast-guard",
        "lib/systemd/system/ballast.service",
        "lib/systemd/system/ballast-guard.service",
        "lib/sysusers.d/ballast.conf",
        "share/man/man8/ballast-guard.8",
        "share/bash-completion/completions/ballast",
        "share/zsh/site-functions/_ballast",
        "share/fish/vendor_completions.d/ballast.fish",
        "share/man/man1/ballast.1",
    ] {
        assert!(installed.contains(&format!("./usr/{file}")), "no {file} in {installed:?}");
    }
    let bash =
        std::fs::read_to_string(place.0.join("usr/share/bash-completion/completions/ballast")).unwrap();
    for name in commands() {
        assert!(installed.contains(&format!("./usr/share/man/man1/ballast-{name}.1")), "no page of {name}");
        assert!(bash.contains(&format!("ballast,{name})")), "bash does not complete {name}");
    }
    let said = Command::new(place.0.join("usr/bin/ballast")).arg("--version").output().unwrap();
    assert_eq!(text(&said.stdout).trim(), concat!("ballast ", env!("CARGO_PKG_VERSION")));
    the_pages_are_rendered(&place.0.join("usr/share/man/man1"));
    let output = make("uninstall", &place.0).unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(files(&place.0), ["./usr/share/man/man1/other.1"]);
}

/// With `man`, where it is there.
fn the_pages_are_rendered(pages: &Path) {
    for name in ["ballast", "ballast-why", "ballast-guard-reset"] {
        let page = pages.join(format!("{name}.1"));
        let mut man = Command::new("man");
        man.args(["--warnings", "-l"])
            .arg(&page)
            .env("LC_ALL", "C.UTF-8")
            .env("MANWIDTH", "100")
            .env("MAN_KEEP_FORMATTING", "");
        match man.output() {
            Ok(output) if output.status.success() => {
                let (shown, warned) = (text(&output.stdout), text(&output.stderr));
                assert!(shown.contains("SYNOPSIS") && shown.contains(name), "{shown}");
                assert_eq!(warned, "", "{name}");
            }
            other => eprintln!("skipped: man -l {name}.1: man does not run here: {other:?}"),
        }
    }
}
