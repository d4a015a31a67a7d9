//! Every mistake of a Modbus bus is told, and all of them together, each with what to do.

use crate::support::Site;
use ballast_model::Unit;
use ballast_model::catalog::OutputKind;

fn check(site: &Site, expected: &[&str]) {
    let found = site.mistakes();
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "`{found}` and not `{expected}`");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for mistake in site.try_open().err().unwrap() {
        // Where the message names the only way out, no help repeats it.
        let is_clear =
            ["must", "cannot be zero", "not both"].iter().any(|part| mistake.message.contains(part));
        assert!(is_clear || mistake.help.is_some(), "no help: {}", mistake.message);
    }
}

#[test]
fn mistakes_of_a_modbus_bus() {
    check(&Site::new("modbus", &[]), &["a Modbus bus needs `url`"]);
    let both = [("url", "tcp://a"), ("port", "/dev/ttyUSB0")];
    check(&Site::new("modbus", &both), &["`url` or `port`, not both"]);
    let serial = [("port", "/dev/x"), ("baud", "fast"), ("parity", "mark"), ("stop_bits", "3")];
    check(
        &Site::new("modbus", &serial),
        &["this is not a speed", "`parity` cannot be `mark`", "`stop_bits` cannot be `3`"],
    );
    let tcp = [
        ("url", "http://a"),
        ("baud", "9600"),
        ("timeout", "1 ms"),
        ("period", "0.5 ms"),
        ("gap", "200"),
        ("tiemout", "1 s"),
    ];
    check(
        &Site::new("modbus", &tcp),
        &[
            "has no key `tiemout`",
            "`baud` is for serial lines",
            "`http://a` is not the address",
            "`timeout` must lie between",
            "`period` must be at least",
            "`gap` cannot be `200`",
        ],
    );
}

#[test]
fn mistakes_of_points() {
    let mut site = Site::new("modbus", &[("port", "/dev/null")]);
    site.number("a.b", "W", &[("regster", "1")]);
    site.number("a.c", "W", &[("register", "65536"), ("unit_id", "0"), ("table", "holdings")]);
    site.number("a.d", "W", &[("register", "-1"), ("type", "u24"), ("order", "ACBD"), ("no_value", "x")]);
    site.number("a.e", "W", &[("register", "1"), ("type", "bit")]);
    site.number("a.f", "W", &[("register", "1"), ("bit", "3"), ("length", "2"), ("no_value", "0x10000")]);
    site.number("a.g", "W", &[("register", "1"), ("type", "text"), ("scale", "0")]);
    site.words("a.h", &["on", "off"], &[("register", "1")]);
    site.number("a.i", "W", &[("register", "1"), ("table", "coil"), ("type", "u16")]);
    site.number("a.j", "W", &[("register", "1"), ("scale_register", "200")]);
    site.number("a.k", "W", &[("register", "65535"), ("type", "f32")]);
    site.number("a.l", "W", &[("register", "1"), ("most", "0")]);
    check(
        &site,
        &[
            "has no key `regster`",
            "a point over Modbus needs `register`",
            "`unit_id` cannot be `0`",
            "`table` cannot be `holdings`",
            "`register` cannot be `65536`",
            "`register` cannot be `-1`",
            "`type` cannot be `u24`",
            "`order` cannot be `ACBD`",
            "a bit of a register needs `bit`",
            "`bit` is for the type `bit`",
            "`length` is for the type `text`",
            "`0x10000` is not a pattern of 16 bits",
            "`scale` cannot be zero",
            "a number does not stand in a text",
            "a word that a device tells as a number needs `map`",
            "`type` is for registers",
            "do not fit into one request",
            "do not fit into one request",
            "`most` cannot be `0`",
        ],
    );
}

#[test]
fn mistakes_of_outputs() {
    let mut site = Site::new("modbus", &[("url", "tcp://a")]);
    let watts = OutputKind::Setpoint(Unit::parse("W").unwrap());
    site.output("a", OutputKind::Contact, &[("register", "1"), ("closed", "0"), ("scale", "2")]);
    site.output("b", OutputKind::Contact, &[("table", "input"), ("register", "1"), ("write", "twice")]);
    site.output("c", watts.clone(), &[("table", "coil"), ("register", "1")]);
    site.output("d", watts.clone(), &[("register", "65535"), ("type", "u32"), ("open", "0"), ("scale", "0")]);
    site.output("e", watts, &[("register", "1"), ("before", "40: 60, 41 = 70000"), ("state_type", "u32")]);
    site.output("f", OutputKind::Contact, &[("unit_id", "256"), ("state_period", "often")]);
    check(
        &site,
        &[
            "`scale` is for setpoints",
            "open and closed are both `0`",
            "`table` cannot be `input`",
            "`write` cannot be `twice`",
            "a coil is open or closed",
            "reaches beyond the last register",
            "`open` is for contacts",
            "`scale` cannot be zero",
            "`40: 60` is not a register with its value",
            "`41 = 70000` is not a register with its value",
            "`state_type` needs `state_register`",
            "`unit_id` cannot be `256`",
            "an output over Modbus needs `register`",
            "`often` is not a length of time",
        ],
    );
}
