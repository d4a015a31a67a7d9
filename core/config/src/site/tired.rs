//! What a tired person writes, and what is said about it: once, at its place, with what to do, and without an echo.

use crate::checks::fixture::{check_rest, check_site};

const HEAD: &str = "\
site: bench
time_zone: Europe/Paris
buses: { broker: { driver: mqtt, url: x } }
";

fn site(drawn: &str) {
    check_site(&format!("{HEAD}{drawn}"));
}

#[test]
fn tabs_hide_nothing_and_accuse_nobody() {
    site(
        "\
devices:
  meter:
\tbus: broker
^ error[yaml::tab]: this line is indented with a tab
#   = help: use spaces; most editors can replace all tabs at once
    points: { power: { unit: W } }
",
    );
}

#[test]
fn a_decimal_comma_between_brackets() {
    site(
        "\
settings:
  comfort: { unit: °C, value: 49,5 °C, range: 40..60 °C }
#                             ^^^^^^^ error[number::comma]: `49,5 °C` has a decimal comma
#   = help: write `49.5 °C`
  cap: { value: 1,5 kW }
#               ^^^^^^ error[number::comma]: `1,5 kW` has a decimal comma
#   = help: write `1.5 kW`
",
    );
}

#[test]
fn quotes_of_a_word_processor() {
    site(
        "\
label: “My house”
#      ^ error[yaml::syntax]: this curved quotation mark is no quote to YAML
#   = help: write the straight one, `\"`, before and behind the value; a word processor curves them
devices:
  meter: { bus: broker, points: { power: { unit: ‘W’ } } }
#                                                ^ error[yaml::syntax]: this curved quotation mark is no quote to YAML
#   = help: write the straight one, `\"`, before and behind the value; a word processor curves them
derived:
  twice: { expression: meter.power * 2 }
",
    );
}

#[test]
fn a_bracket_that_is_not_closed_is_shown_where_it_opens() {
    site(
        "\
settings:
  cap: { value: 3 kW, range: 0..9 kW
#      ^ error[yaml::syntax]: this `{` is not closed
#   = help: write `}` behind the last value
modes: [home, away]
#    - note: still open here
",
    );
}

#[test]
fn units_as_people_say_them() {
    site(
        "\
devices:
  tank: { bus: broker, points: { temperature: { unit: celsius, resolution: 0.1 °C } } }
#                                                     ^^^^^^^ error[unit::unknown]: `celsius` is not a unit that is known here
#   = help: write `°C`
  meter: { bus: broker, points: { power: { unit: Watts }, voltage: { unit: volt } } }
#                                                ^^^^^ error[unit::unknown]: `Watts` is not a unit that is known here
#   = help: write `W`
#                                                                          ^^^^ error[unit::unknown]: `volt` is not a unit that is known here
#   = help: write `V`
derived:
  warm: { expression: tank.temperature + 1 °C }
settings:
  a: { value: 3 KW }
#               ^^ error[unit::unknown]: `KW` is not a unit that is known here
#   = help: did you mean `kW`?
  b: { value: 3 }
#             ^ error[unit::missing]: `3` has no unit
#   = help: write it with its unit
",
    );
}

#[test]
fn ranges_and_lists_as_people_write_them() {
    site(
        "\
settings:
  a: { value: 50 °C, range: 40-60 °C }
#                           ^^^^^^^^ error[value::range]: `40-60 °C` is not a range
#   = help: write both ends with two points: `40..60 °C`
  b: { value: 50 °C, range: 40 to 60 °C }
#                           ^^^^^^^^^^^ error[value::range]: `40 to 60 °C` is not a range
#   = help: write both ends with two points: `40..60 °C`
",
    );
    check_rest(
        "\
limits:
^^^^^^ error[value::kind]: a list of limits is expected here, not a map
#   = help: start each item of a list with `- `
  name: too high
  when: battery.voltage > 15 V
",
    );
}

#[test]
fn conditions_as_people_write_them() {
    check_rest(
        "\
limits:
  - name: first
    when: battery.voltage => 15 V
#                         ^ error[expr::syntax]: `=` has no meaning in a condition
#   = help: write `>=`
    force: [ { charger: open } ]
    until: battery.voltage < 14,5 V
#                            ^^^^ error[number::comma]: `14,5` has a decimal comma
#   = help: write `14.5`
  - name: second
    when: battery.voltage > 15
#                           ^^ error[unit::missing]: `15` has no unit
#   = help: 15 is read as 15 V, the unit of battery.voltage; write the unit
    force: [ { charger: off } ]
#                       ^^^ error[value::word]: `off` is not known here
#   = help: write `closed` when the load is connected and `open` when it is cut, whatever the coil does
    until: battery.voltage < 14 V
",
    );
}

#[test]
fn a_colon_without_its_blank() {
    check_rest(
        "\
limits:
  - name: first
    when:battery.voltage > 15 V   # high
#   ^^^^^^^^^^^^^^^^^^^^^^^^^^^ error[yaml::syntax]: a key without `:` after it
#   = help: write `key: value`, with a space after the `:`
    force: [ { charger: open } ]
",
    );
}
