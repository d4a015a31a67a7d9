//! The guard as a process of its own: what it does when the program dies, when it dies itself, when somebody speaks to it,
//! and when its files are changed. A real broker stands between it and its relays.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::guard::{Apart, Guard, ask, ballast_guard, said};
use common::program::ballast;
use common::wait_for;
use rustix::process::Signal;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
/// The lease of output `a`.
const LEASE: Duration = Duration::from_secs(2);
/// Beside the lease: threads that wake up, the broker, the observer.
const SLACK: Duration = Duration::from_millis(500);

#[test]
fn fault_32_outputs_go_safe_within_the_lease_when_the_program_is_killed() {
    let Some(site) = Apart::new("a killed program") else { return };
    let _guard = site.guard();
    let mut program = site.program();
    site.close();
    // Longer than the lease: it is renewed.
    std::thread::sleep(LEASE + SLACK);
    assert_eq!(site.bench.relays.last("relay/a").as_deref(), Some("ON"));
    site.bench.relays.clear();
    let killed = Instant::now();
    program.kill();
    let took = site.bench.wait("a", "OFF").at.duration_since(killed);
    println!("from kill -9 to the safe state: {took:?}, with a lease of {LEASE:?}");
    assert!(took <= LEASE + SLACK, "{took:?}");
    // Its rule asks again as soon as it is back.
    let _program = site.program();
    site.bench.wait("a", "ON");
}

#[test]
fn fault_34_a_frozen_program_is_fenced() {
    let Some(site) = Apart::new("a frozen program") else { return };
    let guard = site.guard();
    let mut program = site.program();
    site.close();
    site.bench.relays.clear();
    program.signal(Signal::STOP);
    let begin = Instant::now();
    let took = site.bench.wait("a", "OFF").at.duration_since(begin);
    println!("from SIGSTOP to the safe state: {took:?}, with a lease of {LEASE:?}");
    assert!(took <= LEASE + SLACK, "{took:?}");
    site.bench.relays.clear();
    program.signal(Signal::CONT);
    // What it said before it froze counts no more: it must say so anew, in a session of its own.
    site.bench.wait("a", "ON");
    wait_for("a session of its own", PATIENCE, || {
        let lines = guard.lines();
        (lines.iter().filter(|line| line.contains("the guard listens to the rules")).count() >= 2)
            .then_some(())
    });
    assert!(program.stop().success());
}

/// What the history holds of an output: when, and as what, newest first.
fn history_of(site: &Apart, output: &str) -> Vec<(jiff::Timestamp, String)> {
    let arguments = ["history", output, "--format", "json", "--site"];
    let told = ballast().args(arguments).arg(&site.bench.site.0).output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let row = |row: serde_json::Value| {
        let is = row.pointer("/data/state").and_then(|state| state.as_str())?.to_owned();
        Some((row["at"].as_str()?.parse().ok()?, is))
    };
    let mut rows: Vec<_> = rows.filter_map(row).collect();
    rows.reverse();
    rows
}

/// What `why OUTPUT --at INSTANT` says: its state, and from where that is known.
fn was(site: &Apart, at: jiff::Timestamp, more: &[&str]) -> (String, String) {
    let mut why = ballast();
    why.args(["why", "a", "--format", "json", "--at", &at.to_string()]).args(more);
    let why = why.arg("--site").arg(&site.bench.site.0).output().unwrap();
    let data: serde_json::Value =
        serde_json::from_slice(&why.stdout).unwrap_or_else(|_| panic!("{}", said(&why)));
    let state = data.get("state").or_else(|| data.pointer("/what/data/state"));
    (state.and_then(|state| state.as_str()).unwrap().to_owned(), data["told"].as_str().unwrap().to_owned())
}

/// Whether the history has the opening of `a` where it happened.
fn is_opening_told(site: &Apart, from: jiff::Timestamp, to: jiff::Timestamp) -> Option<()> {
    let told = history_of(site, "a");
    told.iter().any(|(at, state)| state == "open" && (from..=to).contains(at)).then_some(())
}

#[test]
fn what_the_guard_did_while_the_program_was_frozen_stands_where_it_happened() {
    let Some(site) = Apart::new("the time of what a guard did") else { return };
    let _guard = site.guard();
    let mut program = site.program();
    site.close();
    std::thread::sleep(Duration::from_secs(1));
    site.bench.relays.clear();
    let frozen = jiff::Timestamp::now();
    program.signal(Signal::STOP);
    site.bench.wait("a", "OFF");
    let opened = jiff::Timestamp::now();
    // A person's word, whose alarm has the journal written as soon as the program hears of it.
    site.ask(&["guard", "now"]);
    // Much longer than the guard is silent while all is well.
    std::thread::sleep(Duration::from_secs(8));
    let between = jiff::Timestamp::now() - Duration::from_secs(5);
    program.signal(Signal::CONT);
    wait_for("the opening in the history", PATIENCE, || is_opening_told(&site, frozen, opened));
    let woken = jiff::Timestamp::now();
    assert_eq!(was(&site, between, &[]), ("open".into(), "journal".into()));
    assert_eq!(was(&site, frozen - Duration::from_millis(100), &[]), ("closed".into(), "journal".into()));
    // In a file as well, and in that which the alarm left.
    let state = site.bench.site.0.join(".ballast");
    let file = state.join("kept.journal");
    program.tell(&["journal", "--output", file.to_str().unwrap()]);
    let alarm = wait_for("the journal of the alarm", PATIENCE, || {
        let mut files = std::fs::read_dir(&state).unwrap().flatten().map(|entry| entry.path());
        files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("alarm-"))
    });
    for file in [file, alarm] {
        let of_file = ["--journal", file.to_str().unwrap()];
        assert_eq!(was(&site, between, &of_file), ("open".into(), "journal".into()), "{}", file.display());
        assert!(ballast().arg("replay").arg(&file).output().unwrap().status.success());
    }
    let late = history_of(&site, "a")
        .iter()
        .filter(|(at, state)| state == "open" && *at > between && *at < woken)
        .count();
    assert_eq!(late, 0, "what happened once is told once: {:?}", history_of(&site, "a"));
    site.ask(&["guard", "reset", "all"]);
    site.bench.wait("a", "ON");
    assert!(program.stop().success());
}

#[test]
fn what_the_guard_did_without_a_program_is_told_with_its_time_by_the_next_one() {
    let Some(site) = Apart::new("the time of what a guard did alone") else { return };
    let _guard = site.guard();
    let mut program = site.program();
    site.close();
    wait_for("the closing in the history", PATIENCE, || {
        history_of(&site, "a").first().filter(|(_, state)| state == "closed").cloned()
    });
    // Until it is saved.
    std::thread::sleep(Duration::from_millis(1500));
    site.bench.relays.clear();
    let killed = jiff::Timestamp::now();
    program.kill();
    site.bench.wait("a", "OFF");
    let opened = jiff::Timestamp::now();
    std::thread::sleep(Duration::from_secs(2));
    let program = site.program();
    wait_for("the opening in the history", PATIENCE, || is_opening_told(&site, killed, opened));
    assert_eq!(was(&site, opened + Duration::from_secs(1), &[]), ("open".into(), "event".into()));
    drop(program);
}

#[test]
fn fault_33_a_killed_guard_comes_back_safe_and_remembers() {
    let Some(site) = Apart::new("a killed guard") else { return };
    let mut guard = site.guard();
    let program = site.program();
    site.close();
    // A limit that latches.
    site.bench.tell("meter/level", "95");
    site.bench.wait("d", "OFF");
    site.bench.tell("meter/level", "10");
    program.tell(&["request", "d", "closed"]);
    wait_for("the latch", PATIENCE, || {
        program.tell(&["why", "d"]).contains("it waits for a person").then_some(())
    });
    std::thread::sleep(Duration::from_millis(1500));
    guard.kill();
    wait_for("the program to notice", PATIENCE, || {
        program.tell(&["why", "a"]).contains("has not answered").then_some(())
    });
    assert!(program.get("/metrics").contains("ballast_guard_up{in=\"process\"} 0"));
    let (code, reasons) = program.get_with_code("/readyz");
    assert_eq!(code, 503, "{reasons}");
    site.bench.relays.clear();
    let guard = Guard::run(&site.bench.site.0, &site.places, &["--set", &site.bench.url()]);
    // Its first word is the safe state.
    wait_for("the first word", PATIENCE, || site.bench.told("a").first().cloned());
    assert_eq!(site.bench.told("a").first().map(String::as_str), Some("OFF"));
    site.wait_ready();
    site.close();
    wait_for("the latch", PATIENCE, || {
        program.tell(&["why", "d"]).contains("it waits for a person").then_some(())
    });
    assert_eq!(site.bench.relays.last("relay/d").as_deref(), Some("OFF"));
    site.ask(&["guard", "reset", "smoke"]);
    site.bench.wait("d", "ON");
    drop(guard);
}

#[test]
fn loosening_waits_for_a_person_and_tightening_does_not() {
    let Some(site) = Apart::new("another safety set") else { return };
    let guard = site.guard();
    let program = site.program();
    // Later and further: looser.
    site.bench.site.edit("safety.yaml", "when: meter.power > 5 kW", "when: meter.power > 8 kW");
    let answer = program.ask(&["reload"]);
    let text = said(&answer);
    assert!(text.contains("ballast guard confirm "), "{text}");
    program.tell(&["request", "e", "closed"]);
    site.bench.wait("e", "ON");
    site.bench.tell("meter/power", "6000");
    site.bench.wait("e", "OFF");
    site.bench.tell("meter/power", "10");
    site.bench.wait("e", "ON");
    let print = &fingerprint(&text);
    let wrong = ask(&site.bench, &site.places, &["guard", "confirm", "0123456789abcdef"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", said(&wrong));
    site.ask(&["guard", "confirm", print]);
    // Not before the broker has told the guard: the order of its messages is that of the sender.
    site.bench.tell("meter/power", "6000");
    wait_for("the guard to know the power", PATIENCE, || {
        program.tell(&["status"]).contains("6000 W").then_some(())
    });
    assert_eq!(site.bench.relays.last("relay/e").as_deref(), Some("ON"));
    // Sooner: tighter, by a signal and without a person.
    site.bench.site.edit("safety.yaml", "when: meter.power > 8 kW", "when: meter.power > 5500 W");
    guard.signal(Signal::HUP);
    site.bench.wait("e", "OFF");
    let audit = site.places.audit();
    let of = |kind: &str| audit.iter().filter(|entry| entry.to_string().contains(kind)).count();
    assert!(of("confirm") >= 1, "{audit:#?}");
    // It outlives the guard.
    drop(guard);
    site.bench.relays.clear();
    site.bench.tell("meter/power", "10");
    let _guard = site.guard();
    site.wait_ready();
    site.bench.wait("e", "ON");
    site.bench.tell("meter/power", "5600");
    site.bench.wait("e", "OFF");
}

/// The command with which a person confirms, as an answer names it.
fn fingerprint(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = words.iter().position(|word| *word == "confirm");
    place.and_then(|place| words.get(place + 1)).unwrap_or(&"").trim_matches('`').to_owned()
}

#[test]
fn a_trial_that_waited_with_its_set_for_a_person_begins_when_the_guard_takes_it() {
    let Some(site) = Apart::new("a trial that waits") else { return };
    let _guard = site.guard();
    let program = site.program();
    site.close();
    // Another topic: the whole set waits, and the changed rule with it.
    site.bench.site.edit("site.yaml", "with: { topic: relay/a }", "with: { topic: other/a }");
    let rules = std::fs::read_to_string(site.bench.site.0.join("rules/main.rhai")).unwrap();
    site.bench.write_rules(&rules.replace("100 W", "120 W"));
    let text = said(&program.ask(&["reload", "--trial", "tomorrow"]));
    assert!(text.contains("ballast guard confirm "), "{text}");
    site.ask(&["guard", "confirm", &fingerprint(&text)]);
    let left = wait_for("the trial", PATIENCE, || {
        let answer = program.ask(&["reload", "--format", "json"]);
        let data: serde_json::Value = serde_json::from_slice(&answer.stdout).ok()?;
        data["trial_seconds"].as_u64()
    });
    assert!(left > 86_000, "{left} s are left of a day");
}

#[test]
fn a_damaged_copy_of_the_memory_is_told_and_holds_everything_where_it_was_the_newest() {
    let Some(site) = Apart::new("a damaged memory") else { return };
    let mut guard = site.guard();
    let program = site.program();
    site.close();
    let slot = |name: &str| site.places.state().join(name);
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    wait_for("both copies", PATIENCE, || {
        std::fs::read(slot("state.newest")).ok().filter(|bytes| number(&bytes[..8]) >= 2)
    });
    guard.kill();
    let of = |name: &str| number(&std::fs::read(slot(name)).unwrap()[12..20]);
    let newest =
        || if of("state.a") < of("state.b") { ("state.a", "state.b") } else { ("state.b", "state.a") };
    let damage = |name: &str| {
        let bytes = std::fs::read(slot(name)).unwrap();
        std::fs::write(slot(name), &bytes[..bytes.len() / 2]).unwrap();
    };
    // The older one, as a write that is cut off leaves it: nothing is lost, and it is told.
    let before = of(newest().1);
    damage(newest().0);
    let mut guard = site.guard();
    guard.wait_line("its state is kept twice, and one copy is damaged", PATIENCE);
    site.close();
    assert!(!guard.lines().iter().any(|line| line.contains("memory of the guard is lost")));
    // It is written anew.
    let is_later = |bytes: &Vec<u8>| number(&bytes[..8]) > before;
    wait_for("both copies again", PATIENCE, || std::fs::read(slot("state.newest")).ok().filter(is_later));
    guard.kill();
    // The newest one: what it held may have been a latch.
    damage(newest().1);
    site.bench.relays.clear();
    let guard = site.guard();
    guard.wait_line("of its state the newest copy is lost", PATIENCE);
    guard.wait_line("the memory of the guard is lost", PATIENCE);
    site.wait_ready();
    site.bench.tell("meter/power", "200");
    let status = site.ask(&["guard", "status"]);
    assert!(status.contains("memory"), "{status}");
    std::thread::sleep(LEASE);
    assert!(site.bench.told("a").iter().all(|word| word == "OFF"), "{:?}", site.bench.told("a"));
    site.ask(&["guard", "reset", "all"]);
    site.bench.wait("a", "ON");
    drop(program);
}

#[test]
fn a_changed_topic_is_a_loosening() {
    let Some(site) = Apart::new("a changed topic") else { return };
    let guard = site.guard();
    let program = site.program();
    site.close();
    site.bench.relays.clear();
    let other = site.bench.broker.observe("other/#");
    site.bench.site.edit("site.yaml", "with: { topic: relay/a }", "with: { topic: other/a }");
    let text = said(&program.ask(&["reload"]));
    assert!(text.contains("ballast guard confirm "), "{text}");
    std::thread::sleep(Duration::from_secs(1));
    assert!(other.seen().is_empty(), "{:?}", other.seen());
    site.ask(&["guard", "confirm", &fingerprint(&text)]);
    site.bench.tell("meter/power", "200");
    other.wait_last("other/a", "ON", PATIENCE);
    drop(guard);
}

#[test]
fn now_goes_through_its_own_socket_without_a_program() {
    let Some(site) = Apart::new("now without a program") else { return };
    let guard = site.guard();
    let mut program = site.program();
    site.close();
    program.signal(Signal::STOP);
    site.bench.relays.clear();
    site.ask(&["guard", "now"]);
    site.bench.wait("a", "OFF");
    program.signal(Signal::CONT);
    wait_for("the rule to ask in vain", PATIENCE, || {
        program.tell(&["why", "a"]).contains("a person asked for safety, now").then_some(())
    });
    site.ask(&["guard", "reset", "all"]);
    site.bench.wait("a", "ON");
    let audit = site.places.audit();
    let text = serde_json::to_string(&audit).unwrap();
    assert!(text.contains("now") && text.contains("reset"), "{text}");
    assert!(program.stop().success());
    drop(guard);
}

#[test]
fn a_reset_under_a_hand_says_that_the_alarm_is_there_again() {
    let Some(site) = Apart::new("a reset under a hand") else { return };
    let relay = "with: { topic: relay/b }";
    site.bench.site.edit("site.yaml", relay, "with: { topic: relay/b, state: state/b }");
    let output = "  b: { safe: open, ";
    site.bench.site.edit("safety.yaml", output, &format!("{output}outside_change: alarm, "));
    let _guard = site.guard();
    let _program = site.program();
    site.bench.wait("b", "OFF");
    wait_for("the hand to be seen", PATIENCE, || {
        site.bench.tell("state/b", "ON");
        let answer = said(&ask(&site.bench, &site.places, &["guard", "reset", "b"]));
        answer.contains("b: its device still says closed where it was told open").then_some(())
    });
    let answer: serde_json::Value =
        serde_json::from_str(&site.ask(&["guard", "reset", "all", "--format", "json"])).unwrap();
    let moved = serde_json::json!([{ "output": "b", "told": "open", "says": "closed" }]);
    assert_eq!(answer.get("moved"), Some(&moved), "{answer}");
}

#[test]
fn make_safe_drives_everything_safe_and_ends() {
    let Some(site) = Apart::new("--make-safe") else { return };
    let mut guard = site.guard();
    let program = site.program();
    site.close();
    guard.kill();
    site.bench.relays.clear();
    let mut made =
        Guard::spawn(&site.bench.site.0, &site.places, &["--set", &site.bench.url(), "--make-safe"]);
    site.bench.wait("a", "OFF");
    assert!(made.wait(PATIENCE).success(), "{:?}", made.lines());
    made.wait_line("6 outputs are safe", PATIENCE);
    drop(program);
}

#[test]
fn a_clean_end_of_the_guard_makes_safe() {
    let Some(site) = Apart::new("the end of the guard") else { return };
    let mut guard = site.guard();
    let _program = site.program();
    site.close();
    site.bench.relays.clear();
    assert!(guard.stop().success());
    site.bench.wait("a", "OFF");
}

#[test]
fn a_guard_that_cannot_read_its_files_does_not_start_half() {
    let Some(site) = Apart::new("broken files") else { return };
    site.bench.site.edit("safety.yaml", "until: meter.power < 4 kW", "until: meter.pwer < 4 kW");
    let mut guard = Guard::spawn(&site.bench.site.0, &site.places, &["--set", &site.bench.url()]);
    assert_eq!(guard.wait(PATIENCE).code(), Some(2));
    let text = guard.lines().join("\n");
    assert!(
        text.contains("safety.yaml:") && text.contains("meter.pwer") && text.contains("meter.power"),
        "{text}"
    );
    assert!(site.bench.relays.seen().is_empty(), "nothing was told to any relay");
    let check = ballast_guard().arg(&site.bench.site.0).arg("--check").output().unwrap();
    assert_eq!(check.status.code(), Some(2), "{}", said(&check));
    site.bench.site.edit("safety.yaml", "guard: {}\n", "");
    let check = ballast_guard().arg(&site.bench.site.0).arg("--check").output().unwrap();
    assert!(said(&check).contains("meter.pwer"), "{}", said(&check));
}

#[test]
fn files_that_break_while_it_runs_change_nothing() {
    let Some(site) = Apart::new("files that break") else { return };
    let guard = site.guard();
    let program = site.program();
    site.close();
    site.bench.site.edit("safety.yaml", "until: meter.power < 4 kW", "until: meter.pwer < 4 kW");
    guard.signal(Signal::HUP);
    guard.wait_line("were not taken", PATIENCE);
    program.tell(&["request", "e", "closed"]);
    site.bench.wait("e", "ON");
    site.bench.tell("meter/power", "6000");
    site.bench.wait("e", "OFF");
}

/// What a limit that latches holds is kept at once: a guard that dies in the same second finds it again.
#[test]
fn a_guard_that_dies_as_its_limit_acts_still_waits_for_a_person() {
    let Some(site) = Apart::new("a guard that dies as its limit acts") else { return };
    let mut guard = site.guard();
    let program = site.program();
    program.tell(&["request", "d", "closed"]);
    site.bench.wait("d", "ON");
    // What was kept last is older than what comes.
    std::thread::sleep(Duration::from_millis(1500));
    site.bench.tell("meter/level", "95");
    site.bench.wait("d", "OFF");
    // The disk has this long.
    std::thread::sleep(Duration::from_millis(150));
    guard.kill();
    site.bench.tell("meter/level", "10");
    let _guard = site.guard();
    site.wait_ready();
    wait_for("the latch", PATIENCE, || {
        program.tell(&["why", "d"]).contains("it waits for a person").then_some(())
    });
    assert_eq!(site.bench.relays.last("relay/d").as_deref(), Some("OFF"));
}

/// That the guard goes into the program waits for a person: until then it makes safe, starts again, and hears people.
#[test]
fn a_guard_that_is_taken_out_of_the_file_goes_on_until_a_person_confirms_it() {
    let Some(site) = Apart::new("a guard taken out of the file") else { return };
    let mut guard = site.guard();
    let mut program = site.program();
    site.close();
    site.bench.site.edit("safety.yaml", "guard: {}\n", "");
    guard.signal(Signal::HUP);
    guard.wait_line("ballast guard confirm ", PATIENCE);
    // Another program does not hold the outputs beside it.
    assert!(program.stop().success());
    let program = site.program();
    guard.kill();
    site.bench.relays.clear();
    let places = &site.places;
    let mut made = Guard::spawn(&site.bench.site.0, places, &["--set", &site.bench.url(), "--make-safe"]);
    assert!(made.wait(PATIENCE).success(), "{:?}", made.lines());
    site.bench.wait("a", "OFF");
    let _guard = site.guard();
    site.wait_ready();
    site.close();
    // People reach it also where the file cannot be read at all.
    std::fs::write(site.bench.site.0.join("safety.yaml"), "outputs: [").unwrap();
    site.bench.relays.clear();
    site.ask(&["guard", "now"]);
    site.bench.wait("a", "OFF");
    drop(program);
}

/// A disk that takes nothing does not keep anybody from making safe.
#[test]
fn making_safe_needs_no_memory() {
    let Some(site) = Apart::new("--make-safe without a disk") else { return };
    let file = site.bench.site.0.join("a_file");
    std::fs::write(&file, "").unwrap();
    let state = file.join("state");
    let mut command = ballast_guard();
    command
        .arg(&site.bench.site.0)
        .args(["--make-safe", "--set", &site.bench.url()])
        .arg("--state")
        .arg(state);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    site.bench.wait("a", "OFF");
}
