//! A real Home Assistant beside a site: it finds what is announced, shows it, and shows nothing old.
//!
//! Its own integration `mqtt_statestream` publishes what it shows, where an independent client reads it.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::Bench;
use common::broker::Observer;
use common::{Scratch, free_port, home_assistant_or_skip, wait_for};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// It takes ten seconds to begin where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(120);

const SECTION: &str = "receivers:
  home:
    kind: home_assistant
    bus: broker
    every: 1 s
    purpose: what Home Assistant does not know in an announcement it leaves out
    until: 2199-12-31
    share: [meter.power, meter.period, setting.wish, a]
";

/// A Home Assistant of the test's own.
struct HomeAssistant {
    python: PathBuf,
    folder: Scratch,
    child: Child,
}

impl HomeAssistant {
    /// Starts one at this broker, or skips visibly.
    fn start(broker: u16) -> Option<Self> {
        let python = home_assistant_or_skip("a site in Home Assistant")?;
        let folder = Scratch::new("home-assistant");
        let write = |name: &str, text: String| std::fs::write(folder.0.join(name), text).unwrap();
        std::fs::create_dir_all(folder.0.join(".storage")).unwrap();
        let port = free_port();
        write(
            "configuration.yaml",
            format!(
                "homeassistant: {{ name: peer, unit_system: metric, time_zone: UTC }}\n\
                 http: {{ server_host: 127.0.0.1, server_port: {port} }}\n\
                 mqtt_statestream: {{ base_topic: shown, publish_attributes: true }}\n\
                 logger: {{ default: warning }}\n"
            ),
        );
        let entry = serde_json::json!({
            "entry_id": "11111111111111111111111111111111", "version": 1, "minor_version": 1, "domain": "mqtt",
            "title": "broker", "data": { "broker": "127.0.0.1", "port": broker, "discovery": true },
            "options": {}, "pref_disable_new_entities": false, "pref_disable_polling": false,
            "source": "user", "unique_id": null, "disabled_by": null,
        });
        let entries = serde_json::json!({
            "version": 1, "minor_version": 1, "key": "core.config_entries", "data": { "entries": [entry] },
        });
        write(".storage/core.config_entries", entries.to_string());
        let child = launch(&python, &folder.0);
        Some(Self { python, folder, child })
    }

    /// Ends it as a power cut would, and starts it again.
    fn restart(&mut self) {
        self.end();
        self.child = launch(&self.python, &self.folder.0);
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it complained about.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("home-assistant.log")).unwrap_or_default()
    }
}

impl Drop for HomeAssistant {
    fn drop(&mut self) {
        self.end();
    }
}

fn launch(python: &Path, folder: &Path) -> Child {
    let mut command = Command::new(python);
    command.args(["-m", "homeassistant", "--skip-pip", "-c"]).arg(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_shown(shown: &Observer, entity: &str, what: &str, feed: impl Fn()) {
    let topic = format!("shown/{entity}");
    wait_for(&format!("{entity} {what}; seen {:?}", shown.last(&topic)), PATIENCE, || {
        feed();
        std::thread::sleep(Duration::from_millis(300));
        shown.last(&topic).filter(|payload| payload == what)
    });
}

#[test]
fn home_assistant_shows_what_is_shared_and_nothing_old() {
    let Some(bench) = Bench::new("a site in Home Assistant", "") else { return };
    let Some(mut peer) = HomeAssistant::start(bench.broker.port) else { return };
    bench.site.edit("site.yaml", "unit: W, max_age: 5 min", "unit: W, max_age: 4 s");
    bench.site.edit("site.yaml", "modes: [home, away]\n", &format!("modes: [home, away]\n{SECTION}"));
    let shown = bench.broker.observe("shown/#");
    let mut program = bench.run();
    let feed = || bench.tell("meter/power", "1234");
    let nothing = || {};

    wait_shown(&shown, "sensor/meter_power/state", "1234.0", feed);
    wait_shown(&shown, "sensor/meter_power/unit_of_measurement", "\"W\"", feed);
    wait_shown(&shown, "sensor/meter_power/device_class", "\"power\"", feed);
    wait_shown(&shown, "sensor/bench_of_the_tests_what_people_want/state", "1.0", feed);
    // Nobody feeds it any more.
    wait_shown(&shown, "sensor/meter_power/state", "unavailable", nothing);
    bench.tell("meter/period", "off_peak");
    wait_shown(&shown, "sensor/meter_period/state", "off_peak", nothing);
    program.tell(&["request", "a", "closed", "--for", "1h"]);
    wait_shown(&shown, "binary_sensor/a/state", "on", nothing);
    wait_shown(&shown, "binary_sensor/a/authority", "\"operator\"", nothing);
    wait_shown(&shown, "binary_sensor/a/strength", "\"soft\"", nothing);

    // It begins again and knows nothing: its birth message brings everything.
    peer.restart();
    shown.clear();
    wait_shown(&shown, "binary_sensor/a/state", "on", feed);
    wait_shown(&shown, "sensor/meter_power/state", "1234.0", feed);
    wait_shown(&shown, "sensor/meter_period/state", "off_peak", feed);

    // The program is gone, and with it everything that it knew.
    program.kill();
    for entity in ["sensor/meter_power", "binary_sensor/a", "sensor/bench_of_the_tests_what_people_want"] {
        wait_shown(&shown, &format!("{entity}/state"), "unavailable", nothing);
    }
    let log = peer.log();
    let ours = ["ballast", "meter", "binary_sensor.a"];
    let complaints: Vec<&str> =
        log.lines().filter(|line| ours.iter().any(|word| line.contains(word))).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
