//! TLS with an authority of one's own, passwords, and the ways in which both fail.

use crate::broker::{Broker, find};
use crate::ports::free_port;
use crate::support::{Running, Site, base};
use ballast_drivers::Report;
use ballast_model::Quality;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes an authority and a certificate for 127.0.0.1 in `folder`. `false` where openssl is not installed.
fn certify(folder: &Path) -> bool {
    if find("openssl").is_none() {
        return false;
    }
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    for line in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=broker -keyout broker.key -out broker.csr",
        "x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out broker.pem",
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stranger -keyout other.key -out other.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ballast -keyout us.key -out us.csr",
        "x509 -req -in us.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out us.pem",
    ] {
        let made = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "{line}");
    }
    true
}

/// What was said of the link first.
fn first_word(running: &Running) -> String {
    let heard = running.wait("word of the link", |heard| {
        heard.reports.iter().any(|report| matches!(report, Report::Link { .. }))
    });
    heard
        .reports
        .iter()
        .find_map(|report| match report {
            Report::Link { text, .. } => Some(text.to_string()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn the_broker_is_believed_only_with_its_authority() {
    let Some(mut broker) = Broker::start("tls", "") else { return };
    if !certify(&broker.folder) {
        return;
    }
    // mosquitto drops its rights and must still read its key.
    let folder = broker.folder.to_string_lossy().into_owned();
    let plain = broker.port;
    let secure = free_port();
    let mut config = std::fs::read_to_string(broker.folder.join("mosquitto.conf")).unwrap();
    config.push_str(&format!(
        "user root\nlistener {secure} 127.0.0.1\ncafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
    ));
    std::fs::write(broker.folder.join("mosquitto.conf"), config).unwrap();
    broker.kill();
    broker.restart();
    broker.publish("meter/power", b"1", &["-r", "-q", "1"]);
    let start = |authority: &str, port: u16| {
        let file = format!("{folder}/{authority}");
        let url = format!("mqtts://127.0.0.1:{port}");
        let mut site = Site::new("mqtt", &[("url", &url), ("ca", &file)]);
        let point = site.number("meter.power", "W", &[("topic", "meter/power")]);
        (Running::start(site.open()), point)
    };
    let (running, point) = start("ca.pem", secure);
    running.wait("the retained value", |heard| !heard.samples.is_empty());
    broker.publish("meter/power", b"2", &["-q", "1"]);
    running.wait_last(point, base(2.0), Quality::Good);
    let (stranger, _) = start("other.pem", secure);
    assert!(first_word(&stranger).contains("nobody whom we believe vouches"), "{}", first_word(&stranger));
    let (no_tls, _) = start("ca.pem", plain);
    assert!(first_word(&no_tls).contains("not speak TLS"), "{}", first_word(&no_tls));
    let (no_file, _) = start("absent.pem", secure);
    assert!(first_word(&no_file).contains("absent.pem"), "{}", first_word(&no_file));
}

#[test]
fn a_broker_that_wants_our_certificate() {
    let Some(mut broker) = Broker::start("identity", "") else { return };
    if !certify(&broker.folder) {
        return;
    }
    let folder = broker.folder.to_string_lossy().into_owned();
    let config = std::fs::read_to_string(broker.folder.join("mosquitto.conf")).unwrap();
    let config = format!(
        "{config}\nuser root\ncafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n\
         require_certificate true\n"
    );
    std::fs::write(broker.folder.join("mosquitto.conf"), config).unwrap();
    broker.kill();
    broker.restart();
    let word = |identity: &[&str]| {
        let file = |name: &str| format!("{folder}/{name}");
        let url = format!("mqtts://127.0.0.1:{}", broker.port);
        let files: Vec<(&str, String)> =
            ["certificate", "key"].into_iter().zip(identity.iter().map(|name| file(name))).collect();
        let (ca, mut keys) = (file("ca.pem"), vec![("url", &*url)]);
        keys.push(("ca", &ca));
        keys.extend(files.iter().map(|(key, file)| (*key, &**file)));
        let mut site = Site::new("mqtt", &keys);
        site.number("meter.power", "W", &[("topic", "meter/power")]);
        first_word(&Running::start(site.open()))
    };
    assert!(word(&["us.pem", "us.key"]).starts_with("connected to"), "{}", word(&["us.pem", "us.key"]));
    assert!(!word(&[]).starts_with("connected to"));
    assert!(!word(&["other.pem", "other.key"]).starts_with("connected to"));
    assert!(word(&["us.pem", "other.key"]).starts_with("TLS: "));
}

#[test]
fn a_broker_that_wants_a_password() {
    let Some(mut broker) = Broker::start("password", "") else { return };
    if find("mosquitto_passwd").is_none() {
        return;
    }
    let folder = broker.folder.to_string_lossy().into_owned();
    let made = Command::new("mosquitto_passwd")
        .args(["-c", "-b", &format!("{folder}/users"), "ballast", "s3cret"])
        .status();
    assert!(made.unwrap().success());
    let config = std::fs::read_to_string(broker.folder.join("mosquitto.conf")).unwrap();
    let config = config.replace("allow_anonymous true", "allow_anonymous false");
    let config = format!("{config}user root\npassword_file {folder}/users\n");
    std::fs::write(broker.folder.join("mosquitto.conf"), config).unwrap();
    broker.kill();
    broker.restart();
    std::fs::write(broker.folder.join("right"), "s3cret\n").unwrap();
    std::fs::write(broker.folder.join("wrong"), "secret\n").unwrap();
    let word = |file: &str| {
        let path = format!("{folder}/{file}");
        let mut site =
            Site::new("mqtt", &[("url", &broker.url()), ("user", "ballast"), ("password_file", &path)]);
        site.number("meter.power", "W", &[("topic", "meter/power")]);
        first_word(&Running::start(site.open()))
    };
    assert!(word("right").starts_with("connected to"));
    assert!(word("wrong").contains("refuses us"), "{}", word("wrong"));
    assert!(word("absent").contains("password"), "{}", word("absent"));
}
