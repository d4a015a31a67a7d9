//! Passwords from a file, from systemd and from the environment, over TLS: they open the doors they are for, and show nowhere.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::broker::Broker;
use common::program::{Program, ballast};
use common::{Scratch, tool_or_skip, wait_for};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const AT_BROKER: &str = "Zuckerwatte-17-at-the-broker";
const AT_DEVICE: &str = "Rhabarber-29-at-the-device";
/// `Basic` of `me` with [`AT_DEVICE`] (RFC 7617): it shows nowhere either.
const AT_DEVICE_CODED: &str = "bWU6UmhhYmFyYmVyLTI5LWF0LXRoZS1kZXZpY2U=";

const SITE: &str = r#"site: secrets
label: Doors with locks
uuid: 5d6f1f0e-2b7a-5a55-8a3d-8f4a1c0d9e22
time_zone: Europe/Paris
location: { latitude: 48.117 deg, longitude: -1.678 deg }
buses:
  broker: { driver: mqtt, url: "mqtts://127.0.0.1:8883", client: secrets, user: ballast, password_file: /dev/null, ca: ca.pem }
  device: { driver: http, url: "http://127.0.0.1:80", auth: basic, user: me, password_env: DEVICE_PASSWORD }
devices:
  meter: { file: mqtt-number, bus: broker, with: { topic: meter/power, unit: W, period: 1 s, max_age: 5 min, resolution: 1 W } }
  panel: { file: http-number, bus: device, with: { path: /power, pointer: /power, unit: W, period: 1 s, resolution: 1 W } }
"#;

/// An authority, the broker's certificate for 127.0.0.1, one of a stranger, and the broker's users.
fn locks(folder: &Path) -> Option<()> {
    let (openssl, passwd) = (
        tool_or_skip("openssl", "TLS and passwords")?,
        tool_or_skip("mosquitto_passwd", "TLS and passwords")?,
    );
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for line in [
        format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"),
        format!("req {key} -subj /CN=broker -keyout broker.key -out broker.csr"),
        "x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out broker.pem".to_owned(),
        format!("req -x509 {key} -days 2 -subj /CN=stranger -keyout other.key -out other.pem"),
    ] {
        run(Command::new(&openssl).args(line.split_whitespace()).current_dir(folder));
    }
    run(Command::new(passwd).args(["-c", "-b", "users", "ballast", AT_BROKER]).current_dir(folder));
    Some(())
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}

/// A device that answers who knows its password; what it was shown.
fn device() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let shown: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&shown);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 2048];
            let count = stream.read(&mut bytes).unwrap_or(0);
            let head = String::from_utf8_lossy(&bytes[..count]).into_owned();
            let is_known = head.contains(AT_DEVICE_CODED);
            keep.lock().unwrap().push(head);
            let (line, body) = if is_known {
                ("200 OK\r\nContent-Type: application/json", r#"{"power": 321}"#)
            } else {
                ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"panel\"", "")
            };
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {line}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, shown)
}

/// No secret in this text.
fn is_clean(what: &str, bytes: &[u8]) {
    for secret in [AT_BROKER, AT_DEVICE, AT_DEVICE_CODED] {
        let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "{what} shows a secret: {}", String::from_utf8_lossy(bytes));
    }
}

/// Everything below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect()
}

/// A site that only reads sleeps as any other does: its guard has no deadline.
fn is_at_rest(program: &Program) {
    let steps = |metrics: &str| {
        let line = metrics
            .lines()
            .find(|line| line.starts_with("ballast_step_duration_seconds_count{machine=\"guard\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap()
    };
    let metrics = program.get("/metrics");
    assert!(steps(&metrics) < 2000.0, "the guard made {} steps", steps(&metrics));
}

#[test]
fn secrets_open_their_doors_and_show_nowhere() {
    let locks_of = Scratch::new("locks");
    if locks(&locks_of.0).is_none() {
        return;
    }
    let folder = locks_of.0.to_string_lossy().into_owned();
    let lines = format!(
        "user root\ncafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\npassword_file {folder}/users\n"
    );
    let Some(broker) = Broker::start_with("TLS and passwords", &lines) else { return };
    let (port, shown) = device();
    let site = Scratch::new("secrets");
    let password = site.0.join("password");
    std::fs::write(&password, format!("{AT_BROKER}\n")).unwrap();
    let text = SITE
        .replace("127.0.0.1:8883", &format!("127.0.0.1:{}", broker.port))
        .replace("127.0.0.1:80\"", &format!("127.0.0.1:{port}\""))
        .replace("ca: ca.pem", &format!("ca: {folder}/ca.pem"))
        .replace("/dev/null", &password.to_string_lossy());
    std::fs::write(site.0.join("site.yaml"), &text).unwrap();
    std::fs::write(site.0.join("safety.yaml"), "outputs: {}\n").unwrap();

    let checked = ballast().arg("check").arg(&site.0).arg("--explain").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    is_clean("check", &[checked.stdout, checked.stderr].concat());

    // From a file and from the environment.
    let variable = format!("DEVICE_PASSWORD={AT_DEVICE}");
    let mut program = Program::run_under(&["env", &variable], &site.0, &["--trust-clock"]);
    program.wait_line("bus broker: connected", PATIENCE);
    wait_for("the meter", PATIENCE, || {
        broker.publish("meter/power", "1234", &["-q", "1", "--cafile", &format!("{folder}/ca.pem")]);
        program.json(&["status"]).pointer("/points/meter.value")?.as_str()?.starts_with("1234").then_some(())
    });
    program.wait_point("panel.value", "321");
    assert!(shown.lock().unwrap().iter().any(|head| head.contains(AT_DEVICE_CODED)), "the device saw it");
    is_at_rest(&program);
    for (what, text) in [
        ("status", program.tell(&["status"])),
        ("its data", program.json(&["status"]).to_string()),
        ("metrics", program.get("/metrics")),
        ("journal", program.tell(&["journal"])),
    ] {
        is_clean(what, text.as_bytes());
    }
    assert!(program.stop().success());
    is_clean("what it printed", program.lines().join("\n").as_bytes());
    for file in files(&site.0.join(".ballast")) {
        is_clean(&file.to_string_lossy(), &std::fs::read(&file).unwrap_or_default());
    }

    // From systemd, for both.
    let credentials = site.0.join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("broker"), AT_BROKER).unwrap();
    std::fs::write(credentials.join("panel"), AT_DEVICE).unwrap();
    let by_systemd = text
        .replace(&format!("password_file: {}", password.display()), "password_credential: broker")
        .replace("password_env: DEVICE_PASSWORD", "password_credential: panel");
    std::fs::write(site.0.join("site.yaml"), &by_systemd).unwrap();
    let folder_of = format!("CREDENTIALS_DIRECTORY={}", credentials.display());
    let program = Program::run_under(&["env", &folder_of], &site.0, &["--trust-clock"]);
    program.wait_line("bus broker: connected", PATIENCE);
    program.wait_point("panel.value", "321");
    is_clean("what it printed", program.lines().join("\n").as_bytes());
    drop(program);

    // What is wrong is said, without what it is.
    let wrong = text.replace(&format!("{folder}/ca.pem"), &format!("{folder}/other.pem"));
    std::fs::write(site.0.join("site.yaml"), wrong).unwrap();
    let program = Program::run(&site.0, &["--trust-clock"]);
    program.wait_line("nobody whom we believe vouches for its certificate; check `ca`", PATIENCE);
    program.wait_line("there is no variable DEVICE_PASSWORD", PATIENCE);
    drop(program);
    std::fs::write(site.0.join("site.yaml"), &text).unwrap();
    std::fs::write(&password, AT_DEVICE).unwrap();
    let program =
        Program::run_under(&["env", &format!("DEVICE_PASSWORD={AT_BROKER}")], &site.0, &["--trust-clock"]);
    program.wait_line("the broker refuses us", PATIENCE);
    program.wait_line("password, token or rights", PATIENCE);
    is_clean("what it printed", program.lines().join("\n").as_bytes());
}
