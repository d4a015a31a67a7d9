//! The access list of `ballast guard acl` at a real mosquitto: with it nobody but the guard commands a relay, or says what
//! it measures; without it anybody does.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failing test is its own message")]

mod common;

use common::broker::{Broker, password_file};
use common::program::{Program, ballast};
use common::{Scratch, tool, tool_or_skip, wait_for};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WHAT: &str = "an access list in force";
const PATIENCE: Duration = Duration::from_secs(20);
const SITE: &str = r#"site: fenced
label: A relay behind an access list
uuid: 3a3f7a50-3f4e-5c63-8a0b-4f5e9b1f2f78
time_zone: Europe/Paris
buses:
  broker: { driver: mqtt, url: "mqtt://127.0.0.1:1883", user: keeper, password_file: PASSWORD, exclusive: yes }
devices:
  plug:
    bus: broker
    points: { power: { unit: W, topic: plug/power, max_age: 1 min } }
    outputs: { plug: { kind: contact, topic: plug/set, state_topic: plug/state, reverts_after: 1 min } }
"#;
const SAFETY: &str = "outputs: { plug: { safe: open } }\n";

/// A site of its own, its program and its broker.
struct Place {
    site: Scratch,
    broker: Broker,
}

impl Place {
    fn new(is_listed: bool) -> Option<Self> {
        tool_or_skip("openssl", WHAT)?;
        let site = Scratch::new("fenced");
        let password = site.0.join("password");
        std::fs::write(&password, "of keeper\n").unwrap();
        std::fs::create_dir(site.0.join("site")).unwrap();
        std::fs::write(
            site.0.join("site/site.yaml"),
            SITE.replace("PASSWORD", &password.display().to_string()),
        )
        .unwrap();
        std::fs::write(site.0.join("site/safety.yaml"), SAFETY).unwrap();
        let lines = if is_listed { list(&site) } else { String::new() };
        let broker = Broker::start_with(WHAT, &lines)?;
        site.edit("site/site.yaml", "1883", &broker.port.to_string());
        Some(Self { site, broker })
    }

    /// A client of mosquitto's own; `user` none: a stranger without a name.
    fn client(&self, program: &str, user: Option<&str>) -> Command {
        let mut command = Command::new(tool(program).unwrap());
        command.args(["-h", "127.0.0.1", "-p", &self.broker.port.to_string(), "-q", "1"]);
        if let Some(user) = user {
            command.args(["-u", user, "-P", &format!("of {user}")]);
        }
        command
    }

    /// The broker acknowledges also what it throws away: MQTT 3.1.1 has no word for a refusal.
    fn publish(&self, user: Option<&str>, topic: &str, payload: &str) {
        let status = self.client("mosquitto_pub", user).args(["-t", topic, "-m", payload]).status();
        assert!(status.unwrap().success());
    }
}

/// Has the program write the list; lines for the broker's configuration that put it in force.
fn list(site: &Scratch) -> String {
    let output = ballast().args(["guard", "acl", "--site"]).arg(site.0.join("site")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (list, passwords) = (site.0.join("list"), site.0.join("passwords"));
    std::fs::write(&list, &output.stdout).unwrap();
    let mut all = String::new();
    for user in ["keeper", "plug"] {
        password_file(&passwords, user, &format!("of {user}"));
        all += &std::fs::read_to_string(&passwords).unwrap();
    }
    std::fs::write(&passwords, all).unwrap();
    format!("acl_file {}\npassword_file {}\n", list.display(), passwords.display())
}

/// What the plug is told.
struct Plug {
    client: Child,
    told: Arc<Mutex<Vec<String>>>,
}

impl Plug {
    fn start(place: &Place, user: Option<&str>) -> Self {
        let mut client = place.client("mosquitto_sub", user);
        let mut client = client.args(["-t", "plug/set"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(client.stdout.take().unwrap()).lines();
        let told = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&told);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| keep.lock().unwrap().push(line));
        });
        let plug = Self { client, told };
        wait_for("the plug to listen", PATIENCE, || {
            place.publish(Some("keeper"), "plug/set", "READY");
            plug.told().contains(&"READY".to_owned()).then_some(())
        });
        plug
    }

    fn wait_for(&self, payload: &str) {
        wait_for(&format!("{payload} in {:?}", self.told()), PATIENCE, || {
            self.told().iter().any(|told| told == payload).then_some(())
        });
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn strength(site: &Scratch) -> String {
    let output = ballast().args(["check", "--explain"]).arg(site.0.join("site")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with("plug ")).unwrap_or(&text);
    line.rsplit_once("strength: ").map_or(line, |(_, word)| word).to_owned()
}

#[test]
fn with_the_list_only_the_guard_commands() {
    let Some(place) = Place::new(true) else { return };
    assert_eq!(strength(&place.site), "timed");
    let plug = Plug::start(&place, Some("plug"));
    let program = Program::run(&place.site.0.join("site"), &["--no-watch", "--trust-clock"]);
    program.ask(&["request", "plug", "closed", "--for", "10min"]);
    plug.wait_for("ON");
    place.publish(Some("plug"), "plug/state", "ON");
    place.publish(Some("plug"), "plug/power", "1200");
    program.wait_point("plug.power", "1200 W");
    // A stranger, and the device itself: neither can command, and only the device says what it measures.
    for user in [None, Some("plug")] {
        place.publish(user, "plug/set", "STRANGER");
    }
    place.publish(None, "plug/power", "77");
    place.publish(None, "plug/state", "OFF");
    program.ask(&["release", "plug"]);
    plug.wait_for("OFF");
    assert!(!plug.told().iter().any(|told| told == "STRANGER"), "{:?}", plug.told());
    place.publish(Some("plug"), "plug/power", "1300");
    program.wait_point("plug.power", "1300 W");
}

#[test]
fn without_the_list_anybody_does() {
    let Some(place) = Place::new(false) else { return };
    let plug = Plug::start(&place, None);
    place.publish(None, "plug/set", "STRANGER");
    plug.wait_for("STRANGER");
    place.site.edit("site/site.yaml", ", exclusive: yes", "");
    assert_eq!(strength(&place.site), "soft");
}
