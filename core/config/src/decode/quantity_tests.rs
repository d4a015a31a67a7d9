use ballast_model::diagnostic::FileId;

use super::*;
use crate::{carets, tree};

fn read_all(drawn: &str, read: impl Fn(&str, &Node, &mut Diagnostics)) {
    carets::check(drawn, |sources, out| {
        let tree = tree::parse(FileId(0), sources, out);
        for entry in &super::super::map(tree.root.as_ref().unwrap(), "keys", out).unwrap().entries {
            let reader = entry.key.text.trim_end_matches(|c: char| c.is_ascii_digit());
            read(reader, &entry.value, out);
        }
    });
}

fn check(drawn: &str) {
    read_all(drawn, |reader, node, out| match reader {
        "power" => drop(quantity(node, Dimension::Power, out)),
        "number" => drop(quantity(node, Dimension::Number, out)),
        "time" => drop(duration(node, out)),
        "wait" => drop(positive_duration(node, out)),
        "share" => drop(share(node, out)),
        "rated" => drop(positive(node, Dimension::Power, out)),
        "range" => drop(bounds(node, Dimension::Power, false, out)),
        "value" => drop(bounds(node, Dimension::Power, true, out)),
        "any" => drop(any_quantity(node, None, out)),
        "rates" => drop(super::super::rate::rates(node, out)),
        other => panic!("{other}"),
    });
}

/// The value of `text` in the base unit.
fn base(text: &str, dimension: Dimension) -> f64 {
    let mut out = Diagnostics::new();
    let mut sources = crate::sources::Sources::new();
    let file = sources.add("a", format!("- {text}\n").as_bytes(), &mut out);
    let tree = tree::parse(file, &sources, &mut out);
    let items = super::super::items(tree.root.as_ref().unwrap(), "", &mut out).unwrap();
    let value = quantity(&items[0], dimension, &mut out).unwrap_or_else(|| panic!("{text}: {out:?}"));
    value.value.base.get()
}

#[test]
fn quantities_are_read() {
    let near = |text: &str, dimension, expected: f64| {
        assert!((base(text, dimension) - expected).abs() < 1e-9, "{text}: {}", base(text, dimension));
    };
    near("5 kW", Dimension::Power, 5000.0);
    near("5kW", Dimension::Power, 5000.0);
    near("15 000 Wc", Dimension::Power, 15_000.0);
    near("15\u{202f}000 Wc", Dimension::Power, 15_000.0);
    near("15\u{2009}000 Wc", Dimension::Power, 15_000.0);
    near("49.5 Hz", Dimension::Frequency, 49.5);
    near("\"-2 deg\"", Dimension::Angle, -2.0);
    near("60 ms", Dimension::Duration, 0.06);
    near("1 h 30 min", Dimension::Duration, 5400.0);
    near("7 d", Dimension::Duration, 604_800.0);
    near("25 %", Dimension::Ratio, 25.0);
    near("200 W/s", Dimension::PowerSlope, 200.0);
    near("1.5", Dimension::Number, 1.5);
}

#[test]
fn a_missing_or_wrong_unit_is_told_with_those_that_fit() {
    check(
        "
power1: 5
#       ^ error[unit::missing]: `5` has no unit
#   = help: it is an active power: write `5 W` or `5 mW` or `5 kW`
power2: 5 kV
#       ^^^^ error[unit::wrong]: 5 kV is a voltage; an active power is expected
#   = help: write `5 W` or `5 mW` or `5 kW`
power3: 5 kVA
#       ^^^^^ error[unit::wrong]: 5 kVA is an apparent power; an active power is expected
#   = help: volt-amperes and watts differ by the power factor and are never exchanged
power4: 5 kw
#         ^^ error[unit::unknown]: `kw` is not a unit that is known here
#   = help: did you mean `kW`?
power5: \"5 parsecs\"
#          ^^^^^^^ error[unit::unknown]: `parsecs` is not a unit that is known here
#   = help: write `5 W` or `5 mW` or `5 kW`
number: 5 V
#       ^^^ error[unit::wrong]: 5 V is a voltage; a plain number is expected
#   = help: write the number alone
any: 5
#    ^ error[unit::missing]: `5` has no unit
#   = help: write it with its unit
",
    );
}

#[test]
fn numbers_that_are_none_do_not_enter() {
    check(
        "
power1: .inf
#       ^^^^ error[number::not_finite]: `.inf` is not a finite number
#   = help: write the number that is meant; to have no bound, leave the key out
power2: .NaN W
#       ^^^^ error[number::not_finite]: `.NaN` is not a finite number
#   = help: write the number that is meant; to have no bound, leave the key out
power3: 1e999 W
#       ^^^^^ error[number::not_finite]: `1e999` is not a finite number
#   = help: write the number that is meant; to have no bound, leave the key out
power4: 1,5 kW
#       ^^^ error[number::comma]: `1,5` has a decimal comma
#   = help: write `1.5`
power5: much
#       ^^^^ error[number::expected]: `much` is not a number
#   = help: an active power is written as `5 W` or `5 mW` or `5 kW`
power6: [5 W]
^^^^^^ error[value::kind]: an active power is expected here, not a list
#   = help: write one value behind the `:`, without brackets
",
    );
}

#[test]
fn an_implausible_magnitude_is_a_slip_of_unit() {
    check(
        "
power1: 15 000 kWc
#       ^^^^^^^^^^ error[unit::implausible]: 15000 kW (15000000 W) is implausible: no site of this kind has more than 5000000 W
#   = help: check the unit
power2: 15 000 Wc
",
    );
}

#[test]
fn ranges_of_values_are_held() {
    check(
        "
time1: -5 s
#      ^^^^ error[number::range]: a length of time is not negative, nor centuries long
#   = help: write how long it takes, as in `5 s`, `10 min` or `2 h`
time2: 0 s
wait: 0 s
#     ^^^ error[number::range]: this length of time must be longer than zero
#   = help: write a time such as `5 s`, or leave the key out if it may be absent
share1: 101 %
#       ^^^^^ error[number::range]: a share lies between 0 % and 100 %
#   = help: write a part of the whole, as in `25 %`
share2: 0.5
#       ^^^ error[unit::missing]: `0.5` has no unit
#   = help: it is a share: write `0.5 %`
rated: 0 W
#      ^^^ error[number::range]: this value must be above zero
#   = help: write how much it is, without a sign
range1: 200..2000 W
range2: 0.2 kW..2 kW
range3: -2000..2000 W
range4: 2000..200 W
#       ^^^^^^^^^^^ error[value::range]: the range is the wrong way round: 2000 W is above 200 W
#   = help: write the lower end first
range5: 200 W
#       ^^^^^ error[value::range]: `200 W` is not a range
#   = help: write both ends: `200..2000 W`
range6: 200..2000
#            ^^^^ error[unit::missing]: `2000` has no unit
#   = help: it is an active power: write `2000 W` or `2000 mW` or `2000 kW`
range7: x..2000 W
#       ^ error[number::expected]: `x` is not a number
#   = help: an active power is written as `5 W` or `5 mW` or `5 kW`
range8: 1 V..2000 W
#       ^^^^^^^^^^^ error[unit::wrong]: 1 V is a voltage; an active power is expected
#   = help: write `1 W` or `1 mW` or `1 kW`
value1: 0 W
value2: 200..2000 W
rates1: 6 per hour, 30 per day
rates2: 6 per hour, often
#                   ^^^^^ error[value::rate]: `often` is not a rate
#   = help: write how many, then in how long: `6 per hour` or `3 loads per 10 s`
rates0: 0 per hour, 30 per day
#       ^^^^^^^^^^ error[value::rate]: `0 per hour` allows nothing at all
#   = help: write at least 1, as in `1 per hour`, or leave the key out for no bound; an output that must never move is asked for by no rule
rates3: [6 per hour, 30 a day]
#                    ^^^^^^^^ error[value::rate]: `30 a day` is not a rate
#   = help: write how many, then in how long: `6 per hour` or `3 loads per 10 s`
",
    );
}
