//! What survives `kill -9`, a full disk, a damaged file and a second program.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]
#![allow(clippy::print_stderr, reason = "seeds and skips are told on the error output")]

mod common;

use common::bench::{Bench, rule};
use common::program::{Program, ballast};
use common::wait_for;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// Small numbers that look random; the same for the same seed.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let seed =
            std::env::var("BALLAST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_122);
        eprintln!("seed {seed} (another one: BALLAST_SEED)");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn follow() -> String {
    rule("follow", "b", "meter.level > \"50 %\"", "meter.level < \"50 %\"")
}

#[test]
fn an_acknowledged_command_survives_a_kill_at_any_moment() {
    let Some(bench) = Bench::new("kills at any moment", &follow()) else { return };
    let mut chance = Chance::new();
    let (mut wish, mut mode, mut asked) = ("1 kW".to_owned(), "home", false);
    let mut commands = 0;
    for round in 0..20 {
        let mut program = bench.run();
        let settings = program.json(&["setting"]);
        assert_eq!(settings["setting.wish"], wish.as_str(), "round {round}: {settings}");
        assert_eq!(program.json(&["mode"])["mode"], mode, "round {round}");
        let why = program.tell(&["why", "c"]);
        assert_eq!(
            why.contains("asks for closed") || why.contains("has been closed"),
            asked,
            "round {round}: {why}"
        );
        for _ in 0..=chance.below(2) {
            match chance.below(3) {
                0 => {
                    wish = format!("{} W", 100 * (1 + chance.below(80)));
                    program.tell(&["setting", "wish", &wish]);
                    wish = program.json(&["setting", "wish"])["setting.wish"].as_str().unwrap().to_owned();
                }
                1 => {
                    mode = if mode == "home" { "away" } else { "home" };
                    program.tell(&["mode", mode]);
                }
                _ => {
                    asked = !asked;
                    if asked {
                        program.tell(&["request", "c", "closed", "--for", "1h"]);
                    } else {
                        program.tell(&["release", "c"]);
                    }
                }
            }
            commands += 1;
        }
        // The last word was acknowledged: from now on every moment is as good as another.
        std::thread::sleep(Duration::from_millis(chance.below(4) * 7));
        program.kill();
    }
    let reader = ballast_history::Reader::open(&bench.site.0.join(".ballast/ballast.db")).unwrap();
    assert_eq!(reader.integrity_findings().unwrap(), Vec::<String>::new());
    let audit = bench.audit();
    assert!(
        audit.len() >= commands,
        "{commands} commands, {} in the audit trail:\n{}",
        audit.len(),
        audit.join("\n")
    );
}

#[test]
fn latches_minimum_times_and_progress_go_on_after_a_kill() {
    let wait = |name: &str, output: &str, condition: &str| {
        format!(
            "rule \"{name}\" when {condition} for \"6s\" until meter.power < \"100 W\" {{ close({output}); }}\n"
        )
    };
    let rules = wait("kept", "b", "meter.power > \"500 W\"")
        + wait("fresh", "c", "meter.power > \"500 W\" && meter.period == \"off_peak\"").as_str();
    let Some(bench) = Bench::new("state over a kill", &rules) else { return };
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { min_open: 8 s, safe: open,");
    let mut program = bench.run();
    bench.tell("meter/period", "peak");
    bench.tell("meter/level", "95");
    program.wait_line("smoke", PATIENCE);
    bench.tell("meter/level", "10");
    program.wait_point("meter.level", "10");
    // The first time has no past: an output that was never closed may close at once.
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    bench.wait("a", "ON");
    program.tell(&["release", "a"]);
    let cut = bench.wait("a", "OFF");
    bench.tell("meter/power", "2000");
    program.wait_point("meter.power", "2");
    std::thread::sleep(Duration::from_millis(3000));
    program.kill();
    bench.relays.clear();
    let program = bench.run();
    program.wait_line("after", PATIENCE);
    bench.tell("meter/power", "2100");
    bench.tell("meter/period", "off_peak");
    bench.tell("meter/level", "10");
    // Until the broker is reached again the reason is that.
    wait_for("the latch", PATIENCE, || {
        program.tell(&["why", "d"]).contains("it waits for a person").then_some(())
    });
    let why = program.tell(&["request", "a", "closed", "--for", "1h"]);
    assert!(why.contains("may change in"), "the minimum time is gone: {why}");
    let closed = bench.wait("a", "ON");
    let rest = closed.at.duration_since(cut.at);
    assert!(rest >= Duration::from_millis(7500), "it rested for {rest:?} only");
    let kept = bench.wait("b", "ON");
    let fresh = bench.wait("c", "ON");
    let ahead = fresh.at.checked_duration_since(kept.at).unwrap_or_default();
    assert!(ahead > Duration::from_millis(1500), "six seconds of waiting began anew: {ahead:?} ahead");
    // Only a person ends the latch.
    program.tell(&["request", "d", "closed", "--for", "1h"]);
    assert_eq!(bench.relays.last("relay/d").as_deref(), Some("OFF"));
    program.tell(&["guard", "reset", "smoke"]);
    bench.wait("d", "ON");
    assert!(bench.audit().iter().any(|row| row.contains("smoke")), "{:?}", bench.audit());
}

/// Runs the bench with its state in `state`, and checks that it controls and says that nothing is kept.
#[test]
fn a_person_s_word_for_the_clock_holds_over_a_kill_until_it_is_taken_back() {
    if ballast_host::Clock::of_machine().wall().trusted {
        println!("skipped: a person's word for the clock: this machine's own clock is trusted");
        return;
    }
    let Some(bench) = Bench::new("word for the clock", "") else { return };
    let run = || Program::run(&bench.site.0, &["--set", bench.url().as_str()]);
    let trusted = |program: &Program, flag: &str| program.wait_metric("ballast_clock_trusted", flag);
    let mut program = run();
    trusted(&program, "0");
    program.tell(&["clock", "trust"]);
    program.kill();
    let mut program = run();
    trusted(&program, "1");
    program.tell(&["clock", "distrust"]);
    program.kill();
    trusted(&run(), "0");
}

/// The guard begins anew, so the engine must not go on with what the last guard answered, and nothing that is heard for the
/// first time is a change.
#[test]
fn a_restart_is_no_reload_however_quickly_the_program_came_back() {
    let rules = "rule \"held\" when meter.power > \"500 W\" until meter.power < \"100 W\" { close(b); }\n";
    let Some(bench) = Bench::new("quick restart", rules) else { return };
    let mut program = bench.run();
    bench.tell("meter/power", "2000");
    bench.wait("b", "ON");
    // Told to stop it saves last, so that the gap is only what a process needs to start.
    assert!(program.stop().success());
    let program = bench.run_with(&[]);
    let goes_on = program.wait_line("goes on after", PATIENCE);
    // As long as it was, and the same to both who say it.
    let (_, outage) = goes_on.split_once(" after ").unwrap();
    let (outage, _) = outage.split_once(',').unwrap();
    program.wait_line(&format!("is running after {outage}: "), PATIENCE);
    bench.tell("meter/power", "2000");
    wait_for("the rule", PATIENCE, || program.tell(&["why", "b"]).contains("rule \"held\"").then_some(()));
}

/// What is told as a state is taken up belongs to no step, so that a journal which begins there replays like any other.
#[test]
fn a_journal_replays_that_begins_with_a_restart_or_with_a_rule_that_went() {
    let kept = rule("kept", "b", "meter.power > \"500 W\"", "meter.power < \"100 W\"");
    let gone = rule("gone", "c", "meter.power > \"600 W\"", "meter.power < \"100 W\"");
    let Some(bench) = Bench::new("a journal of a restart", &(kept.clone() + &gone)) else { return };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let replays = |program: &Program| {
        bench.tell("meter/power", "2000");
        wait_for("the rule", PATIENCE, || {
            program.tell(&["why", "b"]).contains("rule \"kept\"").then_some(())
        });
        let file = bench.site.0.join("now.journal");
        program.tell(&["journal", "--output", file.to_str().unwrap()]);
        let output = ballast().arg("replay").arg(&file).output().unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    };
    let mut program = bench.run();
    replays(&program);
    // Who asks is answered once everything so far is kept.
    program.tell(&["request", "f", "open", "--for", "1min"]);
    program.kill();
    let program = bench.run();
    program.wait_line("goes on after", PATIENCE);
    replays(&program);
    bench.write_rules(&kept);
    program.wait_line("rule \"gone\", which was active, is no longer there", PATIENCE);
    replays(&program);
}

fn controls_without_memory(bench: &Bench, program: &Program) {
    // It may have no control socket to be asked by.
    wait_for("the program to hear the broker", PATIENCE, || {
        bench.tell("meter/ready", "yes");
        let word = program.metric("ballast_point_word{point=\"meter.ready\",word=\"yes\"}")?;
        (word == "1").then_some(())
    });
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    bench.tell("meter/level", "30");
    bench.wait("b", "OFF");
    program.wait_metric("ballast_history_healthy", "0");
}

#[test]
fn fault_18_a_full_disk_is_said_and_control_goes_on() {
    let Some(bench) = Bench::new("a full disk", &follow()) else { return };
    let state = bench.site.0.join(".ballast");
    std::fs::create_dir_all(&state).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=600k", "none"])
        .arg(&state)
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a full disk: only root may mount a small one");
        return;
    }
    let _unmount = Unmount(state.clone());
    let program = bench.run();
    bench.tell("meter/level", "60");
    bench.wait("b", "ON");
    std::fs::write(state.join("filler"), vec![7u8; 600 << 10]).unwrap_err();
    controls_without_memory(&bench, &program);
    program.wait_line("the history cannot be written", PATIENCE);
    // Room again: it heals by itself.
    std::fs::remove_file(state.join("filler")).unwrap();
    wait_for("the disk to be used again", Duration::from_secs(60), || {
        bench.tell("meter/level", "70");
        (program.metric("ballast_history_healthy")? == "1").then_some(())
    });
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_file_that_may_not_grow_is_said_and_a_command_says_that_it_is_not_kept() {
    let Some(bench) = Bench::new("a file at its limit", &follow()) else { return };
    // What a quota does: every file ends at this many blocks, and writing further is an error.
    let program = Program::run_under(
        &["sh", "-c", "trap '' XFSZ; ulimit -f 40; exec \"$@\"", "sh"],
        &bench.site.0,
        &["--set", &bench.url()],
    );
    for wish in 1..60 {
        program.ask(&["setting", "wish", &format!("{} W", wish * 100)]);
    }
    controls_without_memory(&bench, &program);
    program.wait_line("the history cannot be written", PATIENCE);
    let text = program.tell(&["setting", "wish", "7 kW"]);
    assert!(text.contains("not kept"), "{text}");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_said_and_control_goes_on() {
    let Some(bench) = Bench::new("no state directory", &follow()) else { return };
    let program = bench.run_with(&["--state", "/proc/no-such-directory"]);
    let told = program.lines().join("\n");
    assert!(told.contains("state will not be kept"), "{told}");
    assert!(told.contains("no control socket"), "{told}");
    controls_without_memory(&bench, &program);
}

#[test]
fn a_second_program_on_the_same_site_is_refused() {
    let Some(bench) = Bench::new("two programs", &follow()) else { return };
    let program = bench.run();
    let output = ballast()
        .arg("run")
        .arg(&bench.site.0)
        .args(["--metrics", "off", "--set", &bench.url()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("another program already runs on this site"), "{text}");
    // The first one did not notice.
    bench.tell("meter/level", "70");
    bench.wait("b", "ON");
    program.tell(&["status"]);
}

#[test]
fn a_damaged_history_is_set_aside_and_a_new_one_begins() {
    let Some(bench) = Bench::new("a damaged history", &follow()) else { return };
    let mut program = bench.run();
    assert!(program.stop().success());
    let state = bench.site.0.join(".ballast");
    for name in ["ballast.db", "ballast.db-wal"] {
        if state.join(name).exists() {
            std::fs::write(state.join(name), b"this was a database once, before the card died ".repeat(200))
                .unwrap();
        }
    }
    let program = bench.run();
    program.wait_line("the history was damaged", PATIENCE);
    let aside = std::fs::read_dir(&state).unwrap().flatten();
    let names: Vec<String> = aside.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|name| name.contains("corrupt")), "{names:?}");
    program.tell(&["setting", "wish", "2 kW"]);
    assert!(bench.audit().iter().any(|row| row.contains("setting.wish")), "{:?}", bench.audit());
}

/// The limit "smoke" has latched, a person asked for everything safe, and `d` is asked for all the same: only a memory keeps
/// it open.
fn latched(bench: &Bench, program: &Program) {
    bench.tell("meter/level", "95");
    program.wait_line("limit \"smoke\" acts", PATIENCE);
    bench.tell("meter/level", "10");
    program.wait_point("meter.level", "10");
    program.tell(&["request", "d", "closed", "--for", "8h"]);
    program.tell(&["guard", "now"]);
}

/// Everything is held and said to be, until a person has looked.
fn assert_lost(bench: &Bench, why: &str) {
    bench.relays.clear();
    let mut program = bench.run();
    let told = program.wait_line("the memory of the guard is lost", PATIENCE);
    assert!(told.contains(why), "{told}");
    program.wait_line("bench is running without its memory", PATIENCE);
    program.wait_metric("ballast_guard_memory_lost", "1");
    let (code, text) = program.get_with_code("/readyz");
    assert!(code == 503 && text.contains("ballast guard reset all"), "{text}");
    bench.tell("meter/level", "10");
    program.tell(&["request", "d", "closed", "--for", "8h"]);
    assert!(program.tell(&["why", "d"]).contains("the memory of the guard is lost"));
    // The next start does not take the hold for an ordinary one.
    program.kill();
    let program = bench.run();
    bench.tell("meter/level", "10");
    assert!(program.tell(&["why", "d"]).contains("the memory of the guard is lost"));
    assert!(bench.told("d").iter().all(|word| word == "OFF"), "{:?}", bench.told("d"));
    program.tell(&["guard", "reset", "all"]);
    bench.wait("d", "ON");
}

#[test]
fn a_damaged_log_is_no_first_start() {
    let Some(bench) = Bench::new("garbage over the log", &follow()) else { return };
    let mut program = bench.run();
    latched(&bench, &program);
    program.kill();
    std::fs::write(bench.site.0.join(".ballast/ballast.db-wal"), vec![0xA5; 20_000]).unwrap();
    assert_lost(&bench, "was kept");
}

#[test]
fn a_log_whose_beginning_is_damaged_is_no_older_state() {
    let Some(bench) = Bench::new("four bytes of the log", &follow()) else { return };
    // A clean stop before it: the file holds a whole state, an old one.
    assert!(bench.run().stop().success());
    let mut program = bench.run();
    latched(&bench, &program);
    program.kill();
    let log = bench.site.0.join(".ballast/ballast.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[40..44].iter_mut().for_each(|byte| *byte ^= 0xFF);
    std::fs::write(&log, bytes).unwrap();
    assert_lost(&bench, "and the newest that can be read is");
}

#[test]
fn a_database_that_was_removed_is_no_first_start() {
    let Some(bench) = Bench::new("a removed database", &follow()) else { return };
    let mut program = bench.run();
    latched(&bench, &program);
    assert!(program.stop().success());
    std::fs::remove_file(bench.site.0.join(".ballast/ballast.db")).unwrap();
    assert_lost(&bench, "the database is gone");
}

/// What the program says at its start of how long nothing ran, in seconds.
fn outage_s(program: &Program) -> f64 {
    let said = program.wait_line("is running after ", PATIENCE);
    let (_, rest) = said.split_once("is running after ").unwrap();
    let (outage, _) = rest.split_once(" without the program").unwrap();
    let (number, unit) = outage.split_once(' ').unwrap();
    let scale = if unit == "ms" { 0.001 } else { 1.0 };
    assert!(unit == "ms" || unit == "s", "{said}");
    number.parse::<f64>().unwrap() * scale
}

#[test]
fn the_length_of_an_outage_is_that_of_the_outage_and_not_the_age_of_the_last_save() {
    if !std::path::Path::new("/dev/shm").is_dir() {
        eprintln!("skipped: the length of an outage: no file system in memory at /dev/shm");
        return;
    }
    let Some(bench) = Bench::new("the length of an outage", &follow()) else { return };
    let mut program = bench.run();
    // A site on which nothing changes writes nothing for a minute.
    std::thread::sleep(Duration::from_secs(9));
    for is_killed in [true, false] {
        if is_killed {
            program.kill();
        } else {
            assert!(program.stop().success());
        }
        let ended = std::time::Instant::now();
        program = bench.run_with(&[]);
        let (told, most) = (outage_s(&program), ended.elapsed().as_secs_f64());
        // A program that has nothing to do is seen once a second.
        assert!(told <= most + 1.1, "killed: {is_killed}: {told} s instead of {most} s at most");
        std::thread::sleep(Duration::from_secs(5));
    }
}
