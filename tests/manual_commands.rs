//! What the manual and the front page show of commands is what the program says.
//!
//! A `console` block behind a line `<!-- test -->` is carried out: each `$ ballast ...` in one scratch folder per page, its
//! output compared with the lines below it. The marker may say what happens before: `edit FILE | FROM | TO`,
//! `wait SITE | TEXT` (until `ballast status` shows it), `do COMMAND` (`ballast-guard SITE` among them, which goes on),
//! several of them with `;` between. A block behind a line
//! `<!-- file: NAME -->` is written into that file of the folder. Times, names of
//! users and fingerprints differ from run to run and are compared as such. The session is French where the page is.
//! `UPDATE_EXPECT=1` writes the blocks anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::guard::Guard;
use common::program::{Program, ballast};
use common::{Scratch, wait_for};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// The user whom the manual shows.
const USER: &str = "pi";
/// The number of the guard's process that the manual shows.
const PROCESS: &str = "4242";
/// What follows a number that differs from run to run.
const UNITS: [&str; 10] = ["ms", "s", "min", "h", "d", "segment", "segments", "step", "steps", "pas"];

/// A page while it is carried out.
struct Page {
    scratch: Scratch,
    running: Vec<Program>,
    guards: Vec<Guard>,
    /// The last fingerprint that was printed: what a person copies.
    fingerprint: String,
    user: String,
    /// The language of the session: that of the page.
    session: &'static str,
}

impl Page {
    fn new(name: &str) -> Self {
        let id = std::process::Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8_lossy(&id.stdout).trim().to_owned();
        let session = if name.contains("-fr-") { "fr_FR.UTF-8" } else { "C" };
        Self {
            scratch: Scratch::new(name),
            running: Vec::new(),
            guards: Vec::new(),
            fingerprint: String::new(),
            user,
            session,
        }
    }

    fn prepare(&mut self, marker: &str) {
        for step in marker.split(';').map(str::trim).filter(|step| !step.is_empty()) {
            let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
            let parts: Vec<String> = rest.split(" | ").map(|part| part.trim().replace("\\n", "\n")).collect();
            match (verb, parts.as_slice()) {
                ("edit", [file, from, to]) => {
                    let folder = self.scratch.0.display().to_string();
                    self.scratch.edit(file, from, &to.replace("@FOLDER@", &folder));
                }
                ("wait", [site, text]) => {
                    wait_for(text, Duration::from_secs(40), || {
                        let (shown, _) = self.carry_out(&format!("ballast status --site {site}"));
                        settled(&shown).contains(text).then_some(())
                    });
                }
                ("do", [command]) => {
                    self.carry_out(command);
                }
                _ => panic!("the marker does not say what to do: {step}"),
            }
        }
    }

    /// What a command prints, and whether it is a program that goes on.
    fn carry_out(&mut self, command: &str) -> (String, bool) {
        let (command, asks_code) = match command.strip_suffix("; echo $?") {
            Some(command) => (command, true),
            None => (command, false),
        };
        let mut words = split(command);
        if words.remove(0) == "ballast-guard" {
            let guard = Guard::plain(&self.scratch.0.join(&words[0]));
            self.guards.push(guard);
            return (String::new(), false);
        }
        if words.first().is_some_and(|word| word == "run") {
            let site = self.scratch.0.join(&words[1]);
            let session = ["env", &format!("LANG={}", self.session)];
            self.running.push(Program::run_under(&session, &site, &["--no-watch", "--trust-clock"]));
            return (String::new(), true);
        }
        for index in 0..words.len() {
            if is_fingerprint(&words[index]) {
                words[index].clone_from(&self.fingerprint);
            }
            if index > 0 && words[index - 1] == "--at" {
                words[index] = a_second_ago();
            }
        }
        let mut command = ballast();
        let command = command.env("LANG", self.session).current_dir(&self.scratch.0).args(&words);
        let output: Output = command.output().unwrap();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        if let Some(found) = text.split_whitespace().map(bare).find(|word| is_fingerprint(word)) {
            self.fingerprint = found.to_owned();
        }
        if asks_code {
            text.push_str(&format!("{}\n", output.status.code().unwrap()));
        }
        let folder = format!("{}/", self.scratch.0.display());
        for guard in &self.guards {
            text = text.replace(&guard.pid().as_raw_nonzero().to_string(), PROCESS);
        }
        (text.replace(&folder, "").replace(&self.user, USER), false)
    }

    /// What the program that was started last prints: as shown when it has printed all of that, in any order, since its
    /// threads begin at the same time; all that it printed when it does not.
    fn first_lines(&self, shown: &str) -> String {
        let program = self.running.last().unwrap();
        let start = std::time::Instant::now();
        loop {
            let printed = format!("{}\n", program.lines().join("\n")).replace(&self.user, USER);
            let known = settled(&printed);
            let is_shown =
                !shown.is_empty() && settled(shown).lines().all(|line| known.lines().any(|one| one == line));
            if is_shown {
                return shown.to_owned();
            }
            if start.elapsed() > Duration::from_secs(10) {
                return printed;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn a_second_ago() -> String {
    std::thread::sleep(Duration::from_millis(1100));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let millis = i64::try_from(now.as_millis()).unwrap() - 1000;
    ballast::report::instant::utc(ballast_model::Utc::from_millis(millis))
}

/// A command line as a shell takes it apart: double quotes hold words together.
fn split(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in command.split('"').enumerate() {
        if index % 2 == 0 {
            words.extend(piece.split_whitespace().map(str::to_owned));
        } else {
            words.push(piece.to_owned());
        }
    }
    words
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric())
}

fn is_fingerprint(word: &str) -> bool {
    word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a word is a number or an instant that differs from run to run, given the word behind it.
fn differs(word: &str, next: Option<&str>) -> bool {
    let is_number = word.parse::<f64>().is_ok();
    let decimals = word.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let is_instant = word.len() >= 8
        && word.contains([':', '-'])
        && word.bytes().all(|byte| byte.is_ascii_digit() || b":-.TZ".contains(&byte));
    let is_time = is_number && next.is_some_and(|next| UNITS.contains(&bare(next)));
    is_time || is_number && decimals > 3 || is_instant || is_fingerprint(word)
}

/// A text in which everything that differs from run to run is a `~`.
fn settled(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut settled: Vec<String> = Vec::new();
        let mut index = 0;
        while let Some(word) = words.get(index) {
            let next = words.get(index + 1).copied();
            let core = bare(word);
            if differs(core, next) {
                // `29 min 59 s` and `22 s` are the same here.
                let with_unit = core.parse::<f64>().is_ok() && next.is_some_and(|n| UNITS.contains(&bare(n)));
                index += usize::from(with_unit);
                if settled.last().is_none_or(|last| last != "~") {
                    settled.push("~".to_owned());
                }
            } else {
                settled.push((*word).to_owned());
            }
            index += 1;
        }
        lines.push(settled.join(" "));
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

/// Carries out a page; gives it as it should be.
fn carried_out(name: &str, text: &str) -> String {
    let mut page = Page::new(name);
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if let Some(file) = line.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->")) {
            write_block(&page, file, lines.clone());
            continue;
        }
        let marker = line.trim().strip_prefix("<!-- test").and_then(|rest| rest.strip_suffix("-->"));
        let Some(marker) = marker else { continue };
        page.prepare(marker.trim_start_matches(':').trim());
        assert_eq!(lines.next(), Some("```console"), "{name}: a block follows the marker");
        out.push_str("```console\n");
        let mut command = None;
        let mut shown = String::new();
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("{name}: the block does not end"));
            let is_end = line == "```";
            if is_end || line.starts_with("$ ") {
                if let Some(command) = command.take() {
                    out.push_str(&answer(&mut page, command, &shown));
                }
                shown.clear();
                out.push_str(line);
                out.push('\n');
                if is_end {
                    break;
                }
                command = line.strip_prefix("$ ");
            } else {
                shown.push_str(line);
                shown.push('\n');
            }
        }
    }
    out
}

/// Writes the block that follows into a file of the folder.
fn write_block<'a>(page: &Page, file: &str, lines: impl Iterator<Item = &'a str>) {
    let block = lines.skip(1).take_while(|line| !line.starts_with("```"));
    let text: String = block.map(|line| format!("{line}\n")).collect();
    assert!(!text.is_empty(), "no block for {file}");
    let path = page.scratch.0.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What stands below a command: as it was shown where that is still true, as the program says it otherwise.
fn answer(page: &mut Page, command: &str, shown: &str) -> String {
    let (mut text, goes_on) = page.carry_out(command);
    if goes_on {
        text = page.first_lines(shown);
    }
    let text = format!("{}\n", text.trim_end());
    if settled(&text) == settled(shown) { shown.to_owned() } else { text }
}

fn check(page: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("<!-- test"), "{page} shows nothing that could be tried");
    let expected = carried_out(&page.replace('/', "-"), &text);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
        return;
    }
    for (number, (found, said)) in text.lines().zip(expected.lines()).enumerate() {
        assert!(
            found == said,
            "{page}:{}: UPDATE_EXPECT=1 writes it anew\n  shown: {found}\n  said:  {said}",
            number + 1
        );
    }
    assert_eq!(text.lines().count(), expected.lines().count(), "{page} ends differently");
}

#[test]
fn the_front_page_shows_what_the_program_says() {
    check("README.md");
}

/// The village is the same every time; only the pictures between the events come by the wall's clock.
#[test]
fn the_demonstration_runs_as_the_front_page_shows_it() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, shown) = readme.split_once("<!-- terminal picture: begin -->").unwrap();
    let (shown, _) = shown.split_once("<!-- terminal picture: end -->").unwrap();
    let is_event = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit()) && !line.contains('█');
    let mut waits: Vec<&str> = shown.lines().filter(is_event).collect();
    assert!(waits.len() > 8, "the front page shows {} events only", waits.len());
    // It is killed, and cannot remove its own directory.
    let scratch = Scratch::new("demo of the front page");
    let mut demo = ballast()
        .env("TMPDIR", &scratch.0)
        .args(["demo", "--start", "19:28", "--speed", "120", "--for", "1min", "--metrics", "off"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let printed = std::io::BufReader::new(demo.stdout.take().unwrap());
    for line in std::io::BufRead::lines(printed).map_while(Result::ok) {
        waits.retain(|shown| *shown != line.trim());
        // Events come in the order of time: what should have come by then does not come any more.
        if waits.is_empty() || line.starts_with("19:40") {
            break;
        }
    }
    let _ = demo.kill();
    let _ = demo.wait();
    assert!(waits.is_empty(), "the front page shows what the demonstration does not say: {waits:#?}");
}

#[test]
fn configure_shows_what_the_program_says() {
    check("docs/manual/en/configure.md");
}

#[test]
fn operate_shows_what_the_program_says() {
    check("docs/manual/en/operate.md");
}

#[test]
fn safety_shows_what_the_program_says() {
    check("docs/manual/en/safety.md");
}

#[test]
fn add_a_device_shows_what_the_program_says() {
    check("docs/manual/en/add-a-device.md");
}

#[test]
fn test_shows_what_the_program_says() {
    check("docs/manual/en/test.md");
}

#[test]
fn essayer_shows_what_the_program_says() {
    check("docs/manual/fr/essayer.md");
}

#[test]
fn the_first_rule_is_what_the_program_makes_of_it() {
    check("docs/manual/en/first-rule.md");
}

#[test]
fn the_first_rule_in_french_is_what_the_program_makes_of_it() {
    check("docs/manual/fr/premiere-regle.md");
}

#[test]
fn exploiter_shows_what_the_program_says() {
    check("docs/manual/fr/exploiter.md");
}

#[test]
fn ajouter_un_appareil_shows_what_the_program_says() {
    check("docs/manual/fr/ajouter-un-appareil.md");
}

#[test]
fn surete_shows_what_the_program_says() {
    check("docs/manual/fr/surete.md");
}

#[test]
fn every_metric_is_in_the_manual() {
    let page = Page::new("metrics");
    let site = page.scratch.0.join("my-site");
    let init = ballast().arg("init").arg(&site).output().unwrap();
    assert!(init.status.success());
    let program = Program::run(&site, &[]);
    let metrics = program.get("/metrics");
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manual/en/metrics.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next());
    let mut seen = 0;
    for name in names {
        let by_unit =
            name.strip_prefix("ballast_point").is_some_and(|unit| manual.contains(&format!("`{unit}`")));
        assert!(by_unit || manual.contains(&format!("`{name}`")), "docs/manual/en/metrics.md lacks {name}");
        seen += 1;
    }
    assert!(seen > 30, "{seen} metrics only");
}

#[test]
fn what_differs_between_runs_is_told_apart_from_what_does_not() {
    let one = "16:43:57.857 heater open for 29 min 31 s (thermometer.temperature 55.314265 °C, 17 ms old)";
    let two = "09:00:00.001 heater open for 3 s (thermometer.temperature 50.314 °C, 1.5 s old)";
    assert_eq!(settled(one), settled(&two.replace("50.314 ", "50.31499 ")));
    for changed in ["closed", "opened"] {
        assert_ne!(settled(one), settled(&one.replace("open", changed)));
    }
    assert_ne!(settled("setting.comfort 50 °C"), settled("setting.comfort 51 °C"));
    assert_eq!(
        split("ballast why-not \"keep warm\" --site x"),
        ["ballast", "why-not", "keep warm", "--site", "x"]
    );
}
