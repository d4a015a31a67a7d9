//! Passwords, tokens and certificates, right and wrong.

use crate::folder::Folder;
use crate::peer::{Peer, is_said};
use crate::support::{Running, Site, base};
use ballast_drivers::readings::Batch;
use ballast_model::Quality;
use std::path::Path;
use std::process::{Command, Stdio};

/// A flag behind a password.
fn flag(site: &mut Site, path: &str) -> ballast_model::PointId {
    site.kind("it.flag", ballast_model::catalog::Kind::Flag, &[("path", path), ("pointer", "/authenticated")])
}

fn is_yes(heard: &Batch) -> bool {
    heard.samples.iter().any(|sample| sample.value == Some(ballast_model::Value::Flag(true)))
}

#[test]
fn passwords_are_shown_as_the_device_wants_them() {
    let folder = Folder::new("passwords");
    let right = folder.write("right", "password\n");
    for peer in [Peer::closing(), Peer::keeping()] {
        let Some(peer) = peer else { return };
        for (auth, path) in [
            ("basic", "/basic-auth/me/password"),
            ("digest", "/digest-auth/auth/me/password/MD5"),
            ("digest", "/digest-auth/auth/me/password/SHA-256"),
            // A nonce that the server takes three times only.
            ("digest", "/digest-auth/auth/me/password/SHA-256/3"),
        ] {
            let keys = [("url", &*peer.url()), ("auth", auth), ("user", "me"), ("password_file", &*right)];
            let mut site = Site::new("http", &keys);
            flag(&mut site, path);
            let running = Running::start(site.open());
            let heard = running.wait(path, |heard| is_yes(heard) && heard.samples.len() >= 8);
            assert!(heard.samples.iter().all(|sample| sample.quality == Quality::Good), "{path}");
        }
    }
}

#[test]
fn a_wrong_password_is_told_and_a_new_one_counts() {
    let Some(peer) = Peer::keeping() else { return };
    let folder = Folder::new("wrong");
    for (auth, path) in [("basic", "/basic-auth/me/right"), ("digest", "/digest-auth/auth/me/right")] {
        let password = folder.write(auth, "hunter2");
        let keys = [("url", &*peer.url()), ("auth", auth), ("user", "me"), ("password_file", &*password)];
        let mut site = Site::new("http", &keys);
        flag(&mut site, path);
        let running = Running::start(site.open());
        let heard = running.wait("the refusal", |heard| is_said(heard, "refuses us: password"));
        assert!(!is_yes(&heard) && !format!("{:?}", heard.reports).contains("hunter2"));
        std::fs::remove_file(&password).unwrap();
        running.wait("the lack", |heard| is_said(heard, "nothing to show"));
        std::fs::write(&password, "right").unwrap();
        running.wait("the right one", |heard| is_yes(heard) && is_said(heard, "answers with data again"));
    }
}

#[test]
fn with_digest_a_password_is_never_sent_in_the_clear() {
    let Some(peer) = Peer::keeping() else { return };
    let folder = Folder::new("clear");
    let password = folder.write("password", "right");
    let keys = [("url", &*peer.url()), ("auth", "digest"), ("user", "me"), ("password_file", &*password)];
    let mut site = Site::new("http", &keys);
    // This one offers basic and nothing else.
    flag(&mut site, "/basic-auth/me/right");
    let running = Running::start(site.open());
    let heard = running.wait("the refusal", |heard| is_said(heard, "refuses us") && heard.samples.len() >= 5);
    assert!(!is_yes(&heard));
}

#[test]
fn a_token_goes_with_each_request() {
    let Some(peer) = Peer::keeping() else { return };
    let folder = Folder::new("token");
    let token = folder.write("token", "abc.def\n");
    let keys = [("url", &*peer.url()), ("auth", "bearer"), ("token_file", &*token)];
    let mut site = Site::new("http", &keys);
    flag(&mut site, "/bearer");
    let running = Running::start(site.open());
    running.wait("the token", is_yes);
    let mut site = Site::new("http", &[&keys[..], &[("token_header", "auth-token")]].concat());
    let words: &[&str] = &["abc.def"];
    site.words("it.header", words, &[("path", "/headers"), ("pointer", "/headers/Auth-Token")]);
    let running = Running::start(site.open());
    running.wait("the header", |heard| heard.samples.iter().any(|sample| sample.quality.is_good()));
}

/// A site that fetches its tokens with the secret in that file.
fn with_oauth(peer: &Peer, secret: &str, more: &[(&str, &str)]) -> Site {
    let token_url = format!("{}/oauth/token", peer.url());
    let keys = [
        ("url", &*peer.url()),
        ("auth", "oauth2"),
        ("token_url", &token_url),
        ("client_id", "ballast"),
        ("client_secret_file", secret),
    ];
    Site::new("http", &[&keys, more].concat())
}

#[test]
fn tokens_are_fetched_and_renewed_before_they_end() {
    for peer in [Peer::closing(), Peer::keeping()] {
        let Some(peer) = peer else { return };
        let folder = Folder::new("oauth");
        let secret = folder.write("secret", "se cret:+%\n");
        let mut site = with_oauth(&peer, &secret, &[("scope", "meter")]);
        let issued = site.number("it.issued", "1", &[("path", "/oauth/data"), ("pointer", "/issued")]);
        let refused = site.number("it.refused", "1", &[("path", "/oauth/data"), ("pointer", "/refused")]);
        let running = Running::start(site.open());
        running.wait_last(issued, base(3.0), Quality::Good);
        running.wait_last(refused, base(0.0), Quality::Good);
    }
}

#[test]
fn a_token_that_is_not_given_is_told() {
    let Some(peer) = Peer::keeping() else { return };
    let folder = Folder::new("no-token");
    let secret = folder.write("secret", "wrong");
    let mut site = with_oauth(&peer, &secret, &[]);
    site.number("it.issued", "1", &[("path", "/oauth/data"), ("pointer", "/issued")]);
    let running = Running::start(site.open());
    let heard = running.wait("word of it", |heard| is_said(heard, "gave no token (status 401)"));
    assert!(heard.samples.is_empty(), "nobody is asked without a token");
}

/// Makes a certificate that signs itself and bears another name; its fingerprint. `None` where openssl is not installed.
fn self_signed(folder: &Path) -> Option<String> {
    let openssl = |line: &str| {
        let mut command = Command::new("openssl");
        command.args(line.split(' ')).current_dir(folder).stderr(Stdio::null()).output().ok()
    };
    let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=envoy.local \
                -keyout key.pem -out own.pem";
    if openssl(make).is_none() {
        eprintln!("skipped: openssl is not installed");
        return None;
    }
    let shown = String::from_utf8(openssl("x509 -in own.pem -noout -fingerprint -sha256")?.stdout).unwrap();
    Some(shown.trim().split_once('=').unwrap().1.to_owned())
}

#[test]
fn a_device_that_signs_its_own_certificate_is_believed_by_its_fingerprint_alone() {
    let folder = Folder::new("tls");
    let Some(fingerprint) = self_signed(&folder.0) else { return };
    let Some(peer) = Peer::secure(&folder.0.join("own.pem"), &folder.0.join("key.pem")) else { return };
    let url = format!("https://127.0.0.1:{}", peer.port);
    let start = |keys: &[(&str, &str)]| {
        let mut site = Site::new("http", &[&[("url", &*url)], keys].concat());
        let power = site.number("it.power", "W", &[("path", "/device"), ("pointer", "/power")]);
        (Running::start(site.open()), power)
    };
    let (running, power) = start(&[("fingerprint", &fingerprint)]);
    running.wait_last(power, base(12.5), Quality::Good);
    let other = fingerprint.replace(|digit: char| digit.is_ascii_digit(), "7").replace('A', "B");
    for keys in [&[][..], &[("fingerprint", &*other)]] {
        let (running, power) = start(keys);
        let heard = running.wait("the refusal", |heard| is_said(heard, "TLS: "));
        assert!(!heard.samples.iter().any(|sample| sample.point == power && sample.quality.is_good()));
    }
}
