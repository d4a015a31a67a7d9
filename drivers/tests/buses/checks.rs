//! Every mistake of a bus definition is told, and all of them together.

use crate::support::{Site, settings};
use ballast_model::Unit;
use ballast_model::catalog::{Kind, OutputKind};

fn check(site: &Site, expected: &[&str]) {
    let found = site.mistakes();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "`{found}` and not `{expected}`");
    }
}

#[test]
fn an_unknown_driver() {
    check(&Site::new("mqqt", &[]), &["there is no driver `mqqt`"]);
    let help = Site::new("mqqt", &[]).try_open().err().unwrap().remove(0).help;
    assert_eq!(help.as_deref(), Some("did you mean `mqtt`?"));
}

#[test]
fn mistakes_of_an_mqtt_bus() {
    let long = "x".repeat(70_000);
    let mut site = Site::new(
        "mqtt",
        &[
            ("url", "http://broker"),
            ("sesion", "clean"),
            ("keep_alive", "1 s"),
            ("password_file", "x"),
            ("key", "k"),
            ("client", &long),
        ],
    );
    site.number("a.x", "W", &[("topc", "a")]);
    site.number(
        "a.y",
        "W",
        &[("topic", "a/+/b"), ("pointer", "power"), ("scale", "0"), ("sentinels", "1, x")],
    );
    site.number("a.z", "W", &[("topic", "a"), ("map", "ON = on"), ("offset", "2 W")]);
    site.words("a.w", &["run", "stop"], &[("topic", "a"), ("map", "1 = runs, 2")]);
    site.kind("a.f", Kind::Flag, &[("topic", "a"), ("map", "1 = perhaps")]);
    site.output("b", OutputKind::Contact, &[("topic", "b"), ("closed", "X"), ("open", "X"), ("qos", "2")]);
    let unit = Unit::parse("W").unwrap();
    site.output("c", OutputKind::Setpoint(unit), &[("topic", "c"), ("payload", "power"), ("open", "O")]);
    check(
        &site,
        &[
            "a bus of the driver `mqtt` has no key `sesion`",
            "a point of the driver `mqtt` has no key `topc`",
            "`http://broker` is not the address",
            "`keep_alive` must lie between",
            "a private key needs `certificate`",
            "a password needs `user`",
            "`client` has 70000 bytes; a broker takes 65535 at most",
            "a point over MQTT needs `topic`",
            "`a/+/b` has a wildcard",
            "`power` is not a JSON pointer",
            "`scale` cannot be zero",
            "`x` is not a number",
            "`2 W` is not a number",
            "`map` is for words and flags",
            "`2` is not a pair",
            "the point has no word `runs`",
            "a flag cannot be `perhaps`",
            "`qos` cannot be `2`",
            "open and closed are both `X`",
            "`open` is for contacts",
            "the payload has no place for the number",
        ],
    );
}

#[test]
fn mistakes_of_a_tic_bus() {
    let mut site = Site::new("tic", &[("mode", "modern"), ("baud", "12")]);
    site.number("linky.a", "VA", &[("field", "aparent_power")]);
    site.number("linky.b", "W", &[("field", "apparent_power")]);
    site.number("linky.c", "VA", &[("field", "period")]);
    site.words("linky.d", &["base"], &[("field", "tariff")]);
    site.words("linky.e", &["base"], &[("field", "tariff")]);
    site.words("linky.f", &["base"], &[]);
    site.output("linky.o", OutputKind::Contact, &[]);
    check(
        &site,
        &[
            "a TIC bus needs `port`",
            "`mode` cannot be `modern`",
            "this is not a speed",
            "no field `aparent_power`",
            "an apparent power here, in VA",
            "a word here; give the point its `words`",
            "`tariff` feeds another point already",
            "a point of a meter needs `field`",
            "a meter has no outputs",
        ],
    );
}

#[test]
fn mistakes_of_a_simulated_bus() {
    let mut site = Site::new("sim", &[("csv", "/nowhere/table.csv"), ("repeat", "maybe"), ("seed", "x")]);
    site.number("a.x", "W", &[("formula", "50 +")]);
    site.number("a.y", "W", &[]);
    site.number("a.z", "W", &[("formula", "1"), ("column", "x")]);
    let wrong = site.try_open().err().unwrap().into_iter();
    let of_formula =
        wrong.filter(|found| ["function is", "has one of"].iter().any(|part| found.message.contains(part)));
    let helps: Vec<_> = of_formula.map(|found| found.help.unwrap_or_default()).collect();
    assert!(helps.len() == 2 && helps.iter().all(|help| !help.is_empty()), "{helps:?}");
    check(
        &site,
        &[
            "cannot read /nowhere/table.csv",
            "`repeat` cannot be `maybe`",
            "a seed is a whole number",
            "a number or a function is expected",
            "needs `formula`",
            "a point has one of",
        ],
    );
}

#[test]
fn every_key_of_every_driver_is_told_once_with_its_meaning() {
    for driver in ballast_drivers::DRIVERS {
        for keys in [driver.bus_keys, driver.point_keys, driver.output_keys] {
            for (place, key) in keys.iter().enumerate() {
                assert!(
                    keys.iter().skip(place + 1).all(|other| other.name != key.name),
                    "{} {}",
                    driver.name,
                    key.name
                );
                assert!(key.about.len() > 8, "{} {}", driver.name, key.name);
            }
        }
        let common = ballast_drivers::point::COMMON_KEYS;
        assert!(driver.point_keys.iter().all(|key| common.iter().all(|other| other.name != key.name)));
    }
}

#[test]
fn drivers_are_sorted_and_unique() {
    assert!(ballast_drivers::DRIVERS.is_sorted_by(|one, next| one.name < next.name));
}

/// What is said of two buses beside each other.
fn beside(first: &Site, second: &[(&str, &str)]) -> Vec<String> {
    let mut other = first.definition.clone();
    other.name = "other".into();
    other.outputs.clear();
    other.settings = settings(second);
    let found = ballast_drivers::shared(&[first.definition.clone(), other], &first.catalog);
    found.into_iter().map(|found| found.message).collect()
}

#[test]
fn two_buses_under_one_name_at_one_broker() {
    let site = Site::new("mqtt", &[("url", "mqtt://broker"), ("client", "us")]);
    let said = ["`bus` and `other` come to one broker as `us`"];
    assert_eq!(beside(&site, &[("url", "mqtt://broker:1883"), ("client", "us")]), said);
    assert!(beside(&site, &[("url", "mqtt://broker"), ("client", "them")]).is_empty());
    assert!(beside(&site, &[("url", "mqtt://elsewhere"), ("client", "us")]).is_empty());
    let usual = Site::new("mqtt", &[("url", "mqtt://broker")]);
    assert!(beside(&usual, &[("url", "mqtt://broker")]).is_empty(), "the names of the buses differ");
}

#[test]
fn two_outputs_that_one_message_moves() {
    let said = |first: &[(&str, &str)], second: &[(&str, &str)]| {
        let mut site = Site::new("mqtt", &[("url", "mqtt://broker")]);
        site.output("a", OutputKind::Contact, first);
        site.output("b", OutputKind::Contact, second);
        let found = ballast_drivers::shared(&[site.definition], &site.catalog);
        found.into_iter().map(|found| found.message).collect::<Vec<_>>()
    };
    let same = ["`a` and `b` are told by the same words on `relay/set`"];
    assert_eq!(said(&[("topic", "relay/set")], &[("topic", "relay/set")]), same);
    assert_eq!(said(&[("topic", "relay/set")], &[("topic", "relay/set"), ("open", "0")]), same);
    assert!(said(&[("topic", "relay/set")], &[("topic", "relay/2/set")]).is_empty());
    // Two relays of one device that has one topic for both.
    let left = [("topic", "strip/set"), ("closed", "{\"l1\":1}"), ("open", "{\"l1\":0}")];
    let right = [("topic", "strip/set"), ("closed", "{\"l2\":1}"), ("open", "{\"l2\":0}")];
    assert!(said(&left, &right).is_empty());
    let mut site = Site::new("mqtt", &[("url", "mqtt://broker")]);
    let watt = OutputKind::Setpoint(Unit::parse("W").unwrap());
    site.output("a", watt.clone(), &[("topic", "power")]);
    site.output("b", watt, &[("topic", "power")]);
    assert_eq!(ballast_drivers::shared(&[site.definition], &site.catalog).len(), 1);
}
