//! Nobody reads any more what the program prints: relays answer as ever. A real broker and an independent client watch them.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use common::{free_port, program::ballast, wait_for};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

/// More than a pipe of one page holds, a line for each.
const MOVES: usize = 120;

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_site_goes_on_when_who_reads_it_has_gone_away() {
    let rules = rule("heat", "a", "meter.power > \"1 kW\"", "meter.power < \"1 kW\"");
    let Some(bench) = Bench::new("a reader that is gone", &rules) else { return };
    let metrics = format!("127.0.0.1:{}", free_port());
    let program = ballast()
        .arg("run")
        .arg(&bench.site.0)
        .args(["--metrics", &metrics, "--trust-clock", "--set", &bench.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut program = Ended(program);
    // `ballast run | head -1`, and nobody reads its complaints either.
    let mut first = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    drop(program.0.stderr.take());
    wait_for("the first move", Duration::from_secs(20), || {
        bench.tell("meter/power", "2000");
        bench.relays.seen().iter().any(|seen| seen.payload == "ON").then_some(())
    });
    for word in ["OFF", "ON", "OFF"] {
        bench.relays.clear();
        bench.tell("meter/power", if word == "ON" { "2000" } else { "500" });
        bench.wait("a", word);
    }
    assert_eq!(program.0.try_wait().unwrap(), None, "it ended with its reader");
}

#[test]
fn a_demonstration_ends_quietly_with_its_reader() {
    for format in ["text", "json"] {
        let program = ballast()
            .args(["demo", "--metrics", "off", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let directory = std::env::temp_dir().join(format!("ballast-demo-{}", program.id()));
        let mut program = Ended(program);
        let mut line = String::new();
        let mut reader = BufReader::new(program.0.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        drop(reader);
        let end = wait_for("the end", Duration::from_secs(30), || program.0.try_wait().unwrap());
        assert_eq!(end.code(), Some(141), "as a shell gives what SIGPIPE ended");
        let mut complaints = String::new();
        program.0.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        assert_eq!(complaints, "");
        assert!(!directory.exists(), "it leaves its directory behind");
    }
}

#[test]
fn who_stops_reading_does_not_hold_up_a_relay() {
    let rules = rule("heat", "a", "meter.power > \"1 kW\"", "meter.power < \"1 kW\"");
    let Some(bench) = Bench::new("a pager that was left", &rules) else { return };
    let (mut reader, writer) = std::io::pipe().unwrap();
    // As small as it can be: one page.
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    let metrics = format!("127.0.0.1:{}", free_port());
    let program = ballast()
        .arg("run")
        .arg(&bench.site.0)
        .args(["--metrics", &metrics, "--trust-clock", "--set", &bench.url()])
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut program = Ended(program);
    // Until it hears the broker, nobody answers.
    wait_for("the first move", Duration::from_secs(20), || {
        bench.tell("meter/power", "2000");
        bench.relays.seen().iter().any(|seen| seen.payload == "ON").then_some(())
    });
    bench.tell("meter/power", "500");
    for number in 0..MOVES {
        let (power, word) = if number % 2 == 0 { ("2000", "ON") } else { ("500", "OFF") };
        bench.relays.clear();
        bench.tell("meter/power", power);
        bench.wait("a", word);
    }
    // It ends without a reader, and what was read at last is what was printed at first.
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&program.0),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    wait_for("the end", Duration::from_secs(20), || program.0.try_wait().unwrap());
    let mut printed = String::new();
    reader.read_to_string(&mut printed).unwrap();
    assert!(printed.contains(" is running "), "{printed}");
    assert!(printed.len() <= 8192, "{} bytes in a pipe of one page", printed.len());
}
