//! Commands against a program that is not there, that has just begun, that is frozen, and that ends while it is asked.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::bench::write_bench;
use common::guard::{Apart, ask, said};
use common::program::{Program, ballast};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Every command that asks the running program.
const ASKS: [&[&str]; 15] = [
    &["why", "a"],
    &["why-not", "heat"],
    &["status"],
    &["reload"],
    &["request", "a", "closed"],
    &["release", "a"],
    &["mode"],
    &["setting"],
    &["rule", "resume", "heat"],
    &["journal"],
    &["clock", "distrust"],
    &["guard", "status"],
    &["guard", "now"],
    &["guard", "reset", "all"],
    &["arm", "a"],
];
const RULES: &str = "rule \"heat\" when meter.power > \"1 kW\" until meter.power < \"900 W\" { close(a); }\n";

fn site() -> Scratch {
    let site = Scratch::new("silent");
    write_bench(&site, RULES);
    site
}

/// A site at whose socket the test itself listens.
fn impersonated() -> (Scratch, UnixListener) {
    let site = site();
    std::fs::create_dir_all(site.0.join(".ballast")).unwrap();
    let listener = UnixListener::bind(site.0.join(".ballast/control.sock")).unwrap();
    (site, listener)
}

/// Takes up who comes, and reads the question.
fn take_up(listener: &UnixListener) -> UnixStream {
    let (stream, _) = listener.accept().unwrap();
    BufReader::new(&stream).read_line(&mut String::new()).unwrap();
    stream
}

fn run(site: &Scratch) -> Program {
    Program::run(&site.0, &["--set", "broker.url=mqtt://127.0.0.1:9", "--trust-clock"])
}

fn asked(site: &Scratch, arguments: &[&str]) -> (Output, Duration) {
    let begin = Instant::now();
    let output = ballast().args(arguments).arg("--site").arg(&site.0).output().unwrap();
    (output, begin.elapsed())
}

#[test]
fn a_frozen_program_is_given_up_after_seconds_and_said_to_be_stopped() {
    let site = site();
    let program = run(&site);
    program.signal(Signal::STOP);
    let pid = program.pid();
    for arguments in ASKS {
        let (output, took) = asked(&site, arguments);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(5), "{arguments:?}: {text}");
        assert!(took < Duration::from_secs(8), "{arguments:?} took {took:?}");
        assert!(
            text.contains(&format!("(process {pid})")) && text.contains(&format!("kill -CONT {pid}")),
            "{text}"
        );
    }
    let (output, _) = asked(&site, &["status", "--language", "fr"]);
    assert!(said(&output).contains(&format!("`kill -CONT {pid}` le fait reprendre")), "{}", said(&output));
    // The past lies on the disk.
    let (output, took) = asked(&site, &["why", "a", "--at", &jiff::Timestamp::now().to_string()]);
    assert!(took < Duration::from_secs(8) && !said(&output).is_empty(), "{took:?}: {}", said(&output));
    program.signal(Signal::CONT);
    let why = program.tell(&["why", "a"]);
    assert!(!why.contains("operator"), "what was asked of a frozen program was done an hour later: {why}");
    // But that everything shall be safe is never too late.
    program.wait_line("asked the guard to make everything safe, now", Duration::from_secs(5));
    assert!(
        !program.tell(&["history", "--kind", "clock"]).contains("no longer answers for"),
        "{:#?}",
        program.lines()
    );
}

#[test]
fn nobody_is_there() {
    let site = site();
    for arguments in ASKS {
        let (output, _) = asked(&site, arguments);
        assert_eq!(output.status.code(), Some(5), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("ballast run"), "{arguments:?}: {}", said(&output));
    }
}

/// A program that takes the question and ends, as one that is killed in that moment.
#[test]
fn a_program_that_ends_while_it_is_asked_is_not_there() {
    let (site, listener) = impersonated();
    for answer in [&b""[..], b"{\"ok\":true,\"te"] {
        let listener = listener.try_clone().unwrap();
        let ending = std::thread::spawn(move || {
            take_up(&listener).write_all(answer).unwrap();
        });
        let (output, _) = asked(&site, &["why", "a"]);
        ending.join().unwrap();
        assert_eq!(output.status.code(), Some(5), "{}", said(&output));
        assert!(said(&output).contains("ended before it answered"), "{}", said(&output));
    }
}

/// The past is asked of the journal, which is long: a program may end or be frozen in its midst as well.
#[test]
fn a_journal_that_breaks_off_is_told_as_any_other_answer() {
    let (site, listener) = impersonated();
    let ending = std::thread::spawn(move || {
        take_up(&listener).write_all(b"{\"ok\":true,\"text\":\"\",\"data\":null}\nBALL").unwrap();
    });
    let (output, _) = asked(&site, &["why", "a", "--at", "00:00"]);
    ending.join().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("ended before it answered"), "{}", said(&output));
}

/// A process that sends the beginning of a journal and is stopped then, as one that is frozen in that moment.
#[test]
fn a_program_that_is_frozen_within_its_journal_is_given_up() {
    let site = site();
    std::fs::create_dir_all(site.0.join(".ballast")).unwrap();
    let script = "import os, signal, socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(4)\n\
                  print('', flush=True)\nc, _ = s.accept()\nc.makefile('rb').readline()\n\
                  c.sendall(b'{\"ok\":true,\"text\":\"\",\"data\":null}\\nBALL')\nos.kill(os.getpid(), signal.SIGSTOP)\n";
    let socket = site.0.join(".ballast/control.sock");
    let spawned = Command::new("python3").args(["-c", script]).arg(&socket).stdout(Stdio::piped()).spawn();
    let Ok(mut frozen) = spawned else {
        println!("skipped: a program frozen within its journal: there is no python3");
        return;
    };
    BufReader::new(frozen.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let (output, took) = asked(&site, &["why", "a", "--at", "00:00"]);
    frozen.kill().unwrap();
    frozen.wait().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(took < Duration::from_secs(8), "{took:?}: {}", said(&output));
    assert!(said(&output).contains(&format!("kill -CONT {}", frozen.id())), "{}", said(&output));
}

/// What takes long, and a program that answers other questions meanwhile: no reason to give up.
#[test]
fn a_long_answer_is_waited_for_while_the_program_answers_others() {
    let (site, listener) = impersonated();
    let answering = std::thread::spawn(move || {
        let mut first: Option<UnixStream> = None;
        for probes in 0.. {
            let mut stream = take_up(&listener);
            match &mut first {
                None => first = Some(stream),
                Some(first) => {
                    let answer = b"{\"ok\":true,\"text\":\"done\",\"data\":null}\n";
                    stream.write_all(answer).unwrap();
                    if probes == 2 {
                        return first.write_all(answer).unwrap();
                    }
                }
            }
        }
    });
    let (output, took) = asked(&site, &["reload"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(took > Duration::from_secs(3), "{took:?}");
    answering.join().unwrap();
}

#[test]
fn who_only_says_no_more_is_still_answered() {
    let site = site();
    let program = run(&site);
    let mut stream = UnixStream::connect(site.0.join(".ballast/control.sock")).unwrap();
    stream.write_all(b"{\"question\":{\"ask\":\"mode\",\"mode\":\"away\"}}\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"ok\":true"), "{answer}");
    assert!(program.tell(&["mode"]).contains("away"));
}

#[test]
fn a_frozen_guard_is_given_up_as_well() {
    let Some(site) = Apart::new("a frozen guard") else { return };
    let guard = site.guard();
    guard.signal(Signal::STOP);
    // Also when more have come than may wait.
    for round in 0..7 {
        let begin = Instant::now();
        let output = ask(&site.bench, &site.places, &["guard", "status"]);
        let took = begin.elapsed();
        assert_eq!(output.status.code(), Some(5), "{round}: {}", said(&output));
        assert!(took < Duration::from_secs(8), "{round} took {took:?}");
        assert!(
            said(&output).contains("the guard") && said(&output).contains("does not answer"),
            "{}",
            said(&output)
        );
    }
    guard.signal(Signal::CONT);
    site.ask(&["guard", "status"]);
}
