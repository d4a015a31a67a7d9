//! Definitions that cannot be.

use crate::support::Site;
use ballast_model::catalog::OutputKind;

fn of_bus(keys: &[(&str, &str)]) -> Vec<String> {
    Site::new("http", keys).mistakes()
}

#[test]
fn a_bus_says_what_is_wrong_with_it() {
    let url = ("url", "http://device");
    let found = |keys: &[(&str, &str)]| of_bus(&[&[url], keys].concat()).join("; ");
    assert_eq!(found(&[]), "");
    assert!(of_bus(&[("url", "http://me:word@device")])[0].contains("not the root of an HTTP address"));
    assert!(!of_bus(&[("url", "http://me:word@device")])[0].contains("word"), "it may hold a password");
    assert!(found(&[("auth", "ntlm")]).contains("`auth` cannot be `ntlm`"));
    assert!(found(&[("user", "me")]).contains("`user` without `auth`"));
    assert!(found(&[("auth", "digest"), ("user", "me")]).contains("password_file"));
    assert!(found(&[("auth", "bearer")]).contains("token_file"));
    let both = [("auth", "bearer"), ("token_file", "a"), ("token_env", "B")];
    assert!(found(&both).contains("both `token_file` and `token_env`"));
    let no_place = [("auth", "oauth2"), ("client_id", "a"), ("client_secret_file", "b")];
    assert!(found(&no_place).contains("token_url"));
    assert!(found(&[("fingerprint", "12:34")]).contains("not a SHA-256 fingerprint"));
    assert!(found(&[("certificate", "a.pem")]).contains("key"));
    assert!(found(&[("timeout", "2 min")]).contains("one minute at most"));
    assert!(found(&[("headers", "no colon")]).contains("is not a header line"));
    assert!(found(&[("password", "x")]).contains("no key `password`"));
}

#[test]
fn points_and_outputs_say_what_is_wrong_with_them() {
    let of_point = |keys: &[(&str, &str)]| {
        let mut site = Site::new("http", &[("url", "http://device")]);
        site.number("it.power", "W", keys);
        site.mistakes().join("; ")
    };
    assert_eq!(of_point(&[("path", "/a?b=c")]), "");
    assert!(of_point(&[]).contains("path"));
    assert!(of_point(&[("path", "a")]).contains("`a` is not a path"));
    assert!(of_point(&[("path", "/a b")]).contains("`/a b` is not a path"));
    assert!(of_point(&[("path", "/a"), ("pointer", "/a | b")]).contains("`b` is not a JSON pointer"));
    assert!(of_point(&[("path", "/a"), ("only_if", "/a")]).contains("is not a condition"));
    let of_output = |kind: OutputKind, keys: &[(&str, &str)]| {
        let mut site = Site::new("http", &[("url", "http://device")]);
        site.output("it.out", kind, keys);
        site.mistakes().join("; ")
    };
    let contact = |keys: &[(&str, &str)]| of_output(OutputKind::Contact, keys);
    assert_eq!(contact(&[("closed", "/a"), ("open", "/b")]), "");
    assert!(contact(&[("closed", "/a")]).contains("open"));
    assert!(contact(&[("closed", "/a"), ("open", "/a")]).contains("told in the same way"));
    assert!(contact(&[("closed", "/a"), ("open", "/b"), ("open_body", "x")]).contains("nothing is sent"));
    let words = [("state_path", "/c"), ("state_open", "x"), ("state_closed", "x")];
    assert!(contact(&[&[("closed", "/a"), ("open", "/b")][..], &words].concat()).contains("are both `x`"));
    let watts = || OutputKind::Setpoint(ballast_model::Unit::parse("W").unwrap());
    assert!(of_output(watts(), &[("path", "/a")]).contains("no place for the number"));
    let mut site = Site::new("http", &[]);
    site.number("it.power", "W", &[("path", "/a")]);
    assert!(site.mistakes().join("; ").contains("url"), "neither the bus nor the device has one");
}
