//! What was told of a moment is told of it again later: from the running program's journal, from a file, from events.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use common::Scratch;
use common::bench::{Bench, write_bench};
use common::program::{Program, ballast};
use common::wait_for;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

const RULES: &str = r#"rule "heat" when meter.power > "1 kW" until meter.power < "900 W" { close(a); }
rule "cheap" priority 40
    when meter.period == "off_peak" for "5min" until meter.period != "off_peak"
{ close(b); }
"#;

/// Everything that the test asks about, in the order in which it asks.
const QUESTIONS: [[&str; 2]; 6] =
    [["why", "a"], ["why", "b"], ["why", "c"], ["why", "e"], ["why-not", "heat"], ["why-not", "cheap"]];

/// A site in which much is asked: a rule, a person, a limit against a person, a rule that waits.
fn busy(what: &str) -> Option<(Bench, Program)> {
    let bench = Bench::new(what, RULES)?;
    let program = bench.run();
    bench.tell("meter/period", "off_peak");
    bench.tell("meter/power", "500");
    program.tell(&["request", "c", "closed", "--for", "1h"]);
    program.tell(&["request", "e", "closed", "--for", "1h"]);
    bench.wait("e", "ON");
    bench.tell("meter/power", "6000");
    bench.wait("a", "ON");
    bench.wait("e", "OFF");
    program.wait_point("meter.period", "off_peak");
    Some((bench, program))
}

/// Changes everything of it.
fn change(bench: &Bench, program: &Program) {
    bench.tell("meter/power", "500");
    bench.tell("meter/period", "peak");
    bench.wait("a", "OFF");
    bench.wait("e", "ON");
    program.tell(&["release", "c"]);
    bench.wait("c", "OFF");
}

fn text_of<'a>(data: &'a Value, key: &str) -> &'a str {
    data[key].as_str().unwrap_or_else(|| panic!("no {key} in {data}"))
}

/// An answer without what says from where it came.
fn untold(mut data: Value) -> Value {
    data.as_object_mut().unwrap().remove("told").unwrap();
    data
}

/// A text in which every length of time is `#`: what is asked a moment later is as old as that.
fn timeless(text: &str) -> String {
    let is_unit = |word: &str| {
        let word = word.trim_end_matches([',', ')', '.', ':', ';']);
        ["ms", "s", "min", "h", "d"].contains(&word)
    };
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_time = |index: usize| {
            words[index].parse::<f64>().is_ok() && words.get(index + 1).is_some_and(|next| is_unit(next))
        };
        let mut kept = Vec::new();
        for (index, word) in words.iter().enumerate() {
            if is_time(index) || index > 0 && is_time(index - 1) {
                let word = word.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
                // Both numbers of `3 min 20 s` are one length.
                if !word.is_empty() || kept.last() != Some(&"#") {
                    kept.push(if word.is_empty() { "#" } else { word });
                }
            } else {
                kept.push(word);
            }
        }
        kept.join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The first line says of when; what follows is what was told then.
fn told_then(text: &str) -> String {
    let (when, rest) = text.split_once('\n').unwrap();
    assert!(when.starts_with("at 20") && when.ends_with(':'), "{text}");
    rest.to_owned()
}

#[test]
fn the_past_is_told_as_it_was_told_then() {
    let Some((bench, program)) = busy("why, later") else { return };
    let ask = |question: &[&str]| (program.tell(question), program.json(question));
    let then: Vec<(String, Value)> = QUESTIONS.iter().map(|question| ask(question)).collect();
    change(&bench, &program);
    for (question, (text, data)) in QUESTIONS.iter().zip(&then) {
        assert_eq!(data["told"], "now");
        let at = ["--at", text_of(data, "at")];
        let later = program.json(&[question, at.as_slice()].concat());
        assert_eq!(later["told"], "journal");
        assert_eq!(untold(later), untold(data.clone()), "{question:?}");
        let later = told_then(&program.tell(&[question, at.as_slice()].concat()));
        assert_eq!(timeless(&later), timeless(text), "{question:?}");
        assert!(later.contains(text_of(data, "sentence")), "{later}");
    }
    let text = |index: usize| &*then[index].0;
    assert!(
        text(0).contains("rule \"heat\": closed") && text(0).contains("meter.power 6000 W"),
        "{}",
        text(0)
    );
    assert!(text(3).contains("house full") && text(3).contains("asks for closed"), "{}", text(3));
    assert!(text(5).contains("must hold another 4 min"), "{}", text(5));
    // And now it is otherwise.
    assert_eq!(program.json(&["why", "a"])["state"], "open");
    // What lies ahead, and what is no instant.
    let ahead = program.refused(&["why", "a", "--at", "2999-01-01T00:00:00Z"]);
    assert!(ahead.contains("still to come"), "{ahead}");
    let refused = program.refused(&["why", "aa", "--at", text_of(&then[0].1, "at")]);
    assert!(refused.contains("there is no output `aa`"), "{refused}");
}

#[test]
fn a_reload_does_not_end_what_can_be_told() {
    let Some((bench, program)) = busy("why over a reload") else { return };
    let then: Vec<Value> = QUESTIONS.iter().map(|question| program.json(question)).collect();
    bench.write_rules(&RULES.replace("\"heat\"", "\"warm\"").replace("1 kW", "7 kW"));
    program.wait_line("the changed site runs", PATIENCE);
    bench.wait("a", "OFF");
    for (question, data) in QUESTIONS.iter().zip(&then) {
        let later = program.json(&[question.as_slice(), &["--at", text_of(data, "at")]].concat());
        assert_eq!(untold(later), untold(data.clone()), "{question:?}");
    }
    let refused = program.refused(&["why-not", "heat"]);
    assert!(refused.contains("there is no rule `heat`"), "{refused}");
    let refused = program.refused(&["why-not", "warm", "--at", text_of(&then[0], "at")]);
    assert!(refused.contains("there is no rule `warm`"), "{refused}");
}

#[test]
fn before_the_journal_the_event_is_told_and_says_so() {
    let Some((bench, mut program)) = busy("why from events") else { return };
    let then = program.json(&["why", "a"]);
    let at = ["--at", text_of(&then, "at")];
    assert!(program.stop().success());
    let ask = |program: &Program, question: &[&str]| program.tell(&[question, &at].concat());
    // Also while nothing runs.
    let dead = ask(&program, &["why", "a"]);
    assert!(dead.contains("since 20") && dead.contains("no program runs on this site"), "{dead}");
    let program = bench.run();
    let event = ask(&program, &["why", "a"]);
    for words in [
        "since 20",
        "a closed: rule \"heat\"",
        "by                     meter.power 6000 W, ",
        "This comes from the event that was written down; the table needs the journal: it begins at 20",
    ] {
        assert!(event.contains(words), "no {words:?} in {event}");
    }
    assert!(!event.contains(" s\n"), "an age is shown as it is stored: {event}");
    let event = ask(&program, &["why", "e", "--language", "fr"]);
    for words in
        ["depuis 20", "house full", "opérateur ", "demande connecté", "Ceci vient de l'événement noté"]
    {
        assert!(event.contains(words), "no {words:?} in {event}");
    }
    let event = program.json(&[&["why-not", "heat"], at.as_slice()].concat());
    assert_eq!(
        (&event["told"], &event["what"]["data"]["because"][0]["value"]),
        (&"event".into(), &"6000 W".into())
    );
    let refused = program.refused(&["why", "a", "--at", "2020-01-01T00:00:00Z"]);
    assert!(refused.contains("nothing is written down about a before"), "{refused}");
}

#[test]
fn a_journal_in_a_file_needs_no_program() {
    let Some((bench, mut program)) = busy("why from a file") else { return };
    let then: Vec<Value> = QUESTIONS.iter().map(|question| program.json(question)).collect();
    change(&bench, &program);
    let file = bench.site.0.join("kept.journal");
    program.tell(&["journal", "--output", file.to_str().unwrap()]);
    assert!(program.stop().success());
    let nowhere = Scratch::new("nowhere");
    let ask = |arguments: &[&str], file: &Path| {
        let mut command = ballast();
        command.current_dir(&nowhere.0).args(arguments).arg("--journal").arg(file);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), text)
    };
    for (question, data) in QUESTIONS.iter().zip(&then) {
        let at = ["--at", text_of(data, "at"), "--format", "json"];
        let (code, text) = ask(&[question.as_slice(), &at].concat(), &file);
        assert_eq!(code, 0, "{text}");
        let later: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(untold(later), untold(data.clone()), "{question:?}");
    }
    let (code, text) = ask(&["why", "a"], &file);
    assert!(code == 0 && text.contains("a has been open for"), "its last moment: {text}");
    let (code, text) = ask(&["why", "a", "--at", "2020-01-01T00:00:00Z"], &file);
    assert!(code == 1 && text.contains("it begins at 20"), "{text}");
    let (code, text) = ask(&["why", "a", "--at", "2999-01-01T00:00:00Z"], &file);
    assert!(code == 1 && text.contains("the journal goes up to 20"), "{text}");
    let (code, text) = ask(&["why", "a"], &bench.site.0.join("site.yaml"));
    assert!(code == 1 && text.contains("is not a journal"), "{text}");
}

#[test]
fn a_journal_in_the_state_folder_answers_after_a_restart() {
    let Some((bench, mut program)) = busy("why from a kept journal") else { return };
    let then: Vec<Value> = QUESTIONS.iter().map(|question| program.json(question)).collect();
    change(&bench, &program);
    assert!(program.tell(&["journal"]).contains(".ballast/journal-20"));
    let told = |program: &Program| {
        for (question, data) in QUESTIONS.iter().zip(&then) {
            let later = program.json(&[question.as_slice(), &["--at", text_of(data, "at")]].concat());
            assert_eq!(untold(later), untold(data.clone()), "{question:?}");
        }
    };
    assert!(program.stop().success());
    told(&program);
    told(&bench.run());
}

/// The keys of an answer with those of the first element of each list, as `a/b/c`.
fn keys(data: &Value, prefix: &str, found: &mut Vec<String>) {
    match data {
        Value::Object(entries) => {
            for (key, value) in entries {
                let path = format!("{prefix}{key}");
                found.push(path.clone());
                keys(value, &format!("{path}/"), found);
            }
        }
        Value::Array(items) => items.first().into_iter().for_each(|item| keys(item, prefix, found)),
        _ => {}
    }
}

/// Times are seconds under a key that ends in `_s`, or instants in UTC; there is no other number but the priority.
fn check_units(data: &Value, key: &str) {
    const INSTANTS: [&str; 11] = [
        "at",
        "since",
        "until",
        "next_change",
        "winner_since",
        "waits_for_return_since",
        "active_since",
        "holds_since",
        "last_start",
        "last_end",
        "note",
    ];
    match data {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| check_units(value, key)),
        Value::Array(items) => items.iter().for_each(|item| check_units(item, key)),
        Value::Number(number) => {
            assert!(key == "priority" || key.ends_with("_s"), "{key}: {number}");
            assert!((0.0..1e7).contains(&number.as_f64().unwrap()), "{key}: {number}");
        }
        Value::String(text) if INSTANTS.contains(&key) => {
            assert!(text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(), "{key}: {text}");
        }
        _ => {}
    }
}

#[test]
fn the_keys_for_programs_and_their_units_stay() {
    let Some((_bench, program)) = busy("keys") else { return };
    let of = |question: &[&str]| {
        let data = program.json(question);
        check_units(&data, "");
        let mut found = Vec::new();
        keys(&data, "", &mut found);
        found.sort();
        (data, found.join(" "))
    };
    let (data, found) = of(&["why", "a"]);
    assert_eq!(
        found,
        "armed asked at authority cause confirmed explanation explanation/default explanation/requests \
         explanation/requests/authority explanation/requests/name explanation/requests/place \
         explanation/requests/since explanation/requests/since_s explanation/requests/until \
         explanation/requests/until_s explanation/requests/wanted explanation/values \
         explanation/values/age_s explanation/values/point explanation/values/unknown \
         explanation/values/value explanation/waits_for_return_since \
         explanation/waits_for_return_since_s explanation/wanted explanation/winner_since \
         explanation/winner_since_s latched misheard next_change next_change_s output protection protection/guard reachable \
         sentence since since_s state strength told unreachable_since unreachable_since_s winner witness"
    );
    // That the value which the rule read would go stale is no change.
    assert!(data["next_change_s"].is_null(), "{data}");
    let (data, found) = of(&["why", "e"]);
    assert!(found.contains("witness/age_s witness/point witness/unknown witness/value"), "{found}");
    assert_eq!(data["witness"]["value"], "6000 W");
    assert!(data["explanation"]["requests"][0]["until_s"].as_f64().is_some_and(|until| until > 3500.0));
    let (data, found) = of(&["why-not", "cheap"]);
    let condition = |name: &str| {
        let keys = "fault holds_since holds_since_s is_true must_hold_s remaining_s text thresholds values values/age_s \
                    values/point values/unknown values/value waits_for";
        keys.split_whitespace().map(|key| format!("explanation/{name}/{key}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        found,
        format!(
            "active_since active_since_s at explanation explanation/body_misses explanation/failure \
             explanation/is_held_back explanation/last_end explanation/last_end_reason explanation/last_end_s \
             explanation/last_start explanation/last_start_s explanation/requests explanation/until {} \
             explanation/when {} next_change next_change_s place priority rule sentence state told",
            condition("until"),
            condition("when")
        )
    );
    assert_eq!(data["explanation"]["when"]["must_hold_s"], 300.0);
    assert!(data["explanation"]["when"]["remaining_s"].as_f64().is_some_and(|rest| rest > 240.0), "{data}");
    let (data, _) = of(&["why-not", "heat"]);
    assert_eq!((&data["state"], data["active_since_s"].is_number()), (&"active".into(), true));
}

#[test]
fn a_person_keeps_the_name_in_french_and_status_shows_what_holds_an_output() {
    let Some((_bench, program)) = busy("names") else { return };
    let user = program.json(&["why", "c"])["winner"].as_str().unwrap().replace("operator ", "");
    let why = program.tell(&["why", "c", "--language", "fr"]);
    assert!(why.contains(&format!("demande                opérateur {user} : connecté depuis")), "{why}");
    let why = program.tell(&["why", "e", "--language", "fr"]);
    assert!(
        why.contains(&format!("la limite « house full » l'impose ; opérateur {user} demande connecté")),
        "{why}"
    );
    let status = program.tell(&["status"]);
    let line = status.lines().find(|line| line.starts_with("  e ")).unwrap();
    assert!(
        line.contains("open")
            && line.contains(&format!("the limit \"house full\" forces it; operator {user} asks for closed")),
        "{line}"
    );
    let data = program.json(&["status"]);
    assert_eq!(data["outputs"]["e"]["cause"], "limit");
    assert_eq!(data["outputs"]["e"]["winner"], format!("operator {user}"));
}

#[test]
fn a_bus_that_was_never_connected_is_not_a_device_that_does_not_answer() {
    let Some(mut bench) = Bench::new("a bus that is not there", RULES) else { return };
    bench.broker.kill();
    let program = bench.run_with(&[]);
    let why = wait_for("the write to fail", PATIENCE, || {
        let data = program.json(&["why", "a"]);
        (data["cause"] == "unreachable").then(|| text_of(&data, "sentence").to_owned())
    });
    assert!(why.contains("the bus is not connected yet"), "{why}");
    let status = program.tell(&["status"]);
    assert!(status.contains("the bus is not connected yet"), "{status}");
    // Once it was there, it is the device that is missed.
    bench.broker.restart();
    bench.wait("a", "OFF");
    wait_for("the write to be confirmed", PATIENCE, || {
        (program.json(&["why", "a"])["cause"] != "unreachable").then_some(())
    });
    bench.broker.kill();
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    wait_for("the write to fail again", PATIENCE, || {
        let data = program.json(&["why", "a"]);
        let sentence = text_of(&data, "sentence");
        assert!(!sentence.contains("not connected yet"), "{sentence}");
        sentence.contains("the device does not answer").then_some(())
    });
}

#[test]
fn a_setpoint_has_its_full_name_also_where_it_is_alone() {
    let site = Scratch::new("setpoint");
    write_bench(&site, "");
    site.edit(
        "site.yaml",
        "settings:",
        "  battery:\n    file: mqtt-points\n    bus: broker\n    outputs:\n      charge_power: { kind: setpoint, unit: W, topic: battery/charge }\nsettings:",
    );
    site.edit(
        "safety.yaml",
        "limits:",
        "  battery.charge_power: { safe: 0 W, values: [0..2000 W], step: 10 W, lease: 90 s }\nlimits:",
    );
    let program = Program::run(&site.0, &["--set", "broker.url=mqtt://127.0.0.1:9"]);
    let status = program.tell(&["status"]);
    assert!(status.lines().any(|line| line.starts_with("  battery.charge_power ")), "{status}");
    for name in ["battery", "battery.charge_power"] {
        let why = program.tell(&["why", name]);
        assert!(why.starts_with("battery.charge_power ") && why.contains(" 0 W for"), "{why}");
    }
}

#[test]
fn why_tells_the_end_of_the_longest_time_and_not_only_how_long_a_reading_may_be_used() {
    let Some(bench) = Bench::new("why and the longest time", RULES) else { return };
    bench.site.edit("safety.yaml", "  a: { safe: open,", "  a: { max_closed: 30 s, safe: open,");
    let program = bench.run();
    bench.tell("meter/power", "2000");
    bench.wait("a", "ON");
    let data = program.json(&["why", "a"]);
    let next = data["next_change_s"].as_f64().unwrap();
    assert!(next > 5.0 && next <= 30.0, "{data}");
    assert!(program.tell(&["why", "a"]).contains("may change in          "), "{data}");
}

/// `used` before its first time of day: not only that it is unknown, but until when.
#[test]
fn what_was_used_since_a_time_of_day_says_when_it_will_be_known() {
    let far = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(12)).strftime("%H:%M").to_string();
    let rule = format!("rule \"finish\" when used(meter.energy, \"{far}\") < \"3 kWh\" {{ close(a); }}\n");
    let Some(bench) = Bench::new("used", &rule) else { return };
    let energy =
        "      energy: { topic: meter/energy, unit: kWh, counter: true, max_age: 1 h, resolution: 1 Wh }\n";
    bench.site.edit("site.yaml", "      level:", &format!("{energy}      level:"));
    let program = bench.run();
    bench.tell("meter/energy", "10");
    program.wait_point("meter.energy", "10 kWh");
    let why = program.tell(&["why-not", "finish"]);
    let told = format!("unknown (what was used is counted from the next {far} on: the last one was missed)");
    assert!(why.contains(&told), "{why}");
    let why = program.tell(&["why-not", "finish", "--language", "fr"]);
    let told = format!(
        "inconnu (ce qui est consommé sera compté à partir du prochain {far} : le dernier a été manqué)"
    );
    assert!(why.contains(&told), "{why}");
    assert_eq!(program.json(&["why-not", "finish"])["explanation"]["when"]["waits_for"], far);
}

/// A site whose relays `a` and `b` are loads that come back one by one after a start.
fn with_loads(bench: &Bench) {
    let frequency =
        "      frequency: { topic: meter/frequency, unit: Hz, max_age: 1 h, resolution: 0.01 Hz }\n";
    bench.site.edit("site.yaml", "      level:", &format!("{frequency}      level:"));
    let load = |name: &str| format!("{{ topic: relay/{name} }}, rated: 1 kW }}");
    for name in ["a", "b"] {
        bench.site.edit("site.yaml", &format!("{{ topic: relay/{name} }} }}"), &load(name));
        let at_safe = format!("  {name}: {{ safe: open,");
        bench.site.edit("safety.yaml", &at_safe, &format!("  {name}: {{ default: closed, safe: open,"));
    }
    bench.site.edit("site.yaml", "settings:", "groups: { homes: { members: [a, b] } }\nsettings:");
    let shedding = "shedding:\n  source: [meter.frequency]\n  stages: [{ below: 49 Hz, for: 60 ms, shed: 10 %, from: [homes] }]\n  \
                    restore_at_most: { one_per: 40 s, settle: 15 s }\nlimits:";
    bench.site.edit("safety.yaml", "limits:", shedding);
}

#[test]
fn what_waits_to_be_given_back_says_when_at_the_earliest_and_reads_the_frequency_of_now() {
    let Some(bench) = Bench::new("why of a load that waits", "") else { return };
    with_loads(&bench);
    let program = bench.run();
    let why = wait_for("the loads to wait", PATIENCE, || {
        let why = program.tell(&["why", "b"]);
        why.contains("meter.frequency unknown (never received)").then_some(why)
    });
    assert!(!why.contains("may change in"), "nobody can foresee a frequency: {why}");
    bench.tell("meter/frequency", "50.02");
    program.wait_point("meter.frequency", "50");
    let data = program.json(&["why", "b"]);
    assert_eq!(data["cause"], "awaits_restoration", "{data}");
    assert!(text_of(&data, "sentence").contains("(meter.frequency 50.02 Hz ("), "{data}");
    let next = data["next_change_s"].as_f64().unwrap();
    assert!(next > 5.0 && next <= 15.0, "until the frequency has settled: {data}");
    bench.wait("a", "ON");
    let data = program.json(&["why", "b"]);
    let next = data["next_change_s"].as_f64().unwrap();
    assert!(next > 15.0 && next <= 40.0, "one after the other: {data}");
}
