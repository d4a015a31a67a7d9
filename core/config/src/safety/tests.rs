//! What is said about `safety.yaml`, and what its keys become.

use ballast_guard::plan::{
    LimitAction, OnSilence, OnUnknown, OutsideChange, SafetySet, Strength, SwitchBudget,
};
use ballast_model::{Contact, Span, Value, Wanted};

use crate::checks::fixture::{DRIVERS, OUTPUTS, SITE, check_rest, check_safety};
use crate::diagnostics::Diagnostics;
use crate::load::{File, Files, Site, load};
use crate::sources::Sources;

fn read(safety: &str) -> Site {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    let files =
        Files { site: File::Bytes(SITE.as_bytes()), safety: File::Bytes(safety.as_bytes()), devices: vec![] };
    let site = load(&files, DRIVERS, &mut sources, &mut out);
    out.sort();
    site.unwrap_or_else(|| panic!("{}", crate::render::render(&out, &sources, crate::render::Style::Plain)))
}

fn envelope<'s>(site: &'s Site, name: &str) -> &'s ballast_guard::plan::Envelope {
    let index = site.catalog.outputs.iter().position(|output| &*output.name == name).unwrap();
    &site.safety.envelopes[index]
}

#[test]
fn a_device_that_was_found_is_armed_by_hand() {
    let with = |armed: &str| {
        let site = format!(
            "site: bench\ntime_zone: Europe/Paris\nbuses: {{ broker: {{ driver: mqtt, url: x }} }}\ndevices:\n  plug:\n    \
             bus: broker\n{armed}    outputs: {{ a: {{ kind: contact }}, b: {{ kind: contact }} }}\n"
        );
        let safety = b"outputs: { plug.a: { safe: open }, plug.b: { safe: open } }";
        let files =
            Files { site: File::Bytes(site.as_bytes()), safety: File::Bytes(safety), devices: vec![] };
        let (mut out, mut sources) = (Diagnostics::new(), Sources::new());
        let set = load(&files, DRIVERS, &mut sources, &mut out).map(|site| site.safety);
        set.ok_or_else(|| crate::render::render(&out, &sources, crate::render::Style::Plain))
    };
    let (always, said, by_hand) = (with(""), with("    armed: always\n"), with("    armed: by hand\n"));
    let (always, said, by_hand) = (always.unwrap(), said.unwrap(), by_hand.unwrap());
    assert!(always.envelopes.iter().all(|envelope| !envelope.by_hand));
    assert_eq!(always, said);
    assert!(by_hand.envelopes.iter().all(|envelope| envelope.by_hand), "both of its outputs");
    assert_ne!(always.fingerprint, by_hand.fingerprint, "it is part of what a person confirms");
    assert_eq!(always.definitions, by_hand.definitions, "and the device is the same one");
    let wrong = with("    armed: no\n").unwrap_err();
    assert!(wrong.contains("by hand"), "{wrong}");
}

#[test]
fn a_timer_promises_nothing_where_others_may_renew_it() {
    let with = |bus: &str| {
        let site = format!(
            "site: bench\ntime_zone: Europe/Paris\nbuses: {{ broker: {{ driver: mqtt, url: x{bus} }} }}\ndevices:\n  \
             plug: {{ bus: broker, outputs: {{ plug: {{ kind: contact, reverts_after: 60 s }} }} }}\n"
        );
        let safety = File::Bytes(b"outputs: { plug: { safe: open } }");
        let files = Files { site: File::Bytes(site.as_bytes()), safety, devices: vec![] };
        let site = load(&files, DRIVERS, &mut Sources::new(), &mut Diagnostics::new()).unwrap();
        site.safety.envelopes[0].strength
    };
    assert_eq!(with(""), Strength::Soft);
    assert_eq!(with(", exclusive: no"), Strength::Soft);
    assert_eq!(with(", exclusive: yes"), Strength::Timed);
}

#[test]
fn every_key_of_an_envelope_counts() {
    let site = read(
        "
outputs:
  charger:
    default: closed
    safe: open
    at_start: open
    on_silence: hold 10 min
    lease: 4 s
    min_closed: 60 s
    min_open: 90 s
    max_closed: 14 h
    max_switches: 6 per hour, 30 per day
    outside_change: correct 3 times
    effect: { point: charger.current, closed: \"> 50 mA\", open: \"< 20 mA\", within: 20 s, unless: battery.voltage > 13.6 V }
  battery: { values: [200..2000 W, 0 W], step: 10 W, min_interval: 15 s, ramp: { away_from_safe: 200 W/s }, safe: 0 W }
  mains: { safe: closed, outside_change: follow 2 h }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
    );
    let charger = envelope(&site, "charger");
    assert_eq!(
        (charger.default, charger.safe, charger.at_start),
        (Wanted::CLOSED, Wanted::OPEN, Wanted::OPEN)
    );
    assert_eq!(charger.on_silence, OnSilence::Hold(Span::from_secs(600)));
    assert_eq!(
        (charger.lease, charger.min_closed, charger.min_open),
        (Span::from_secs(4), Span::from_secs(60), Span::from_secs(90))
    );
    assert_eq!(charger.max_closed, Some(Span::from_secs(14 * 3600)));
    let budget = |count, secs| SwitchBudget { count, per: Span::from_secs(secs) };
    assert_eq!(charger.max_switches, [budget(6, 3600), budget(30, 86_400)]);
    assert_eq!(charger.outside_change, OutsideChange::Correct(3));
    assert_eq!(charger.strength, Strength::Wired);
    let effect = charger.effect.as_ref().unwrap();
    assert_eq!(effect.within, Span::from_secs(20));
    let value =
        |program: &Option<ballast_model::expr::Program>| program.as_ref().unwrap().thresholds[0].value.get();
    assert!((value(&effect.closed) - 0.05).abs() < 1e-12 && (value(&effect.open) - 0.02).abs() < 1e-12);
    assert!((value(&effect.unless) - 13.6).abs() < 1e-12);
    assert_eq!(site.catalog.outputs.iter().find(|o| &*o.name == "charger").unwrap().default, Wanted::CLOSED);

    let level = envelope(&site, "battery").level.as_ref().unwrap();
    let ranges: Vec<(f64, f64)> = level.ranges.iter().map(|(low, high)| (low.get(), high.get())).collect();
    assert_eq!(ranges, [(0.0, 0.0), (200.0, 2000.0)], "in rising order");
    assert_eq!((level.step.map(|s| s.get()), level.ramp_away.map(|r| r.get())), (Some(10.0), Some(200.0)));
    assert_eq!(level.min_interval, Span::from_secs(15));

    let mains = envelope(&site, "mains");
    assert_eq!(
        (mains.default, mains.at_start),
        (Wanted::CLOSED, Wanted::CLOSED),
        "safe where nothing is said"
    );
    assert_eq!(
        (mains.lease, mains.outside_change),
        (Span::from_secs(3), OutsideChange::Follow(Span::from_secs(7200)))
    );
    let home = envelope(&site, "home_1");
    assert_eq!(
        (home.lease, home.strength),
        (Span::from_secs(90), Strength::Timed),
        "over a network, with its own timer"
    );
    assert_eq!(home.refresh, Some(Span::from_secs(30)), "half of the timer");
    assert_eq!(envelope(&site, "home_2").strength, Strength::Soft);
}

#[test]
fn every_key_of_a_limit_counts() {
    let site = read(&format!(
        "{OUTPUTS}
limits:
  - name: battery too hot
    when: max(battery.temperature_1, battery.temperature_2) > 50 °C for 2 s
    unknown: force
    force: [ {{ mains: closed }}, {{ charger: open, after: 1 s }} ]
    until: max(battery.temperature_1, battery.temperature_2) < 45 °C for 5 min
    latch: true
  - name: battery warm
    of: max(battery.temperature_1, battery.temperature_2)
    derate: {{ battery: {{ 55 °C: 0 %, 45 °C: 100 %, 50 °C: 50 % }} }}
    unknown: derate 10 %
interlocks:
  - {{ never_together: [mains: closed, genset.contactor: closed], dead_time: 2 s }}
asleep:
  feeder.power: 0 W when sun.elevation < -2 deg
"
    ));
    let SafetySet { limits, interlocks, asleep, .. } = &*site.safety;
    let LimitAction::Force { hold, force, until, until_hold, latch, .. } = &limits[0].action else {
        panic!()
    };
    assert_eq!((*hold, *until_hold, *latch), (Span::from_secs(2), Span::from_secs(300), true));
    assert!(until.is_some());
    let steps: Vec<(&str, Wanted, Span)> = force
        .iter()
        .map(|step| (&*site.catalog.output(step.output).unwrap().name, step.wanted, step.after))
        .collect();
    assert_eq!(steps, [("mains", Wanted::CLOSED, Span::ZERO), ("charger", Wanted::OPEN, Span::from_secs(1))]);
    let LimitAction::Derate { rows, .. } = &limits[1].action else { panic!() };
    let rows: Vec<(f64, f64)> = rows[0].1.iter().map(|(at, share)| (at.get(), share.get())).collect();
    assert_eq!(rows, [(45.0, 100.0), (50.0, 50.0), (55.0, 0.0)], "sorted by the number");
    assert!(
        matches!(limits[1].unknown, OnUnknown::Derate(share) if share == ballast_model::Finite::from(10))
    );
    assert_eq!(interlocks[0].dead_time, Span::from_secs(2));
    assert_eq!(interlocks[0].members.iter().map(|member| member.1).collect::<Vec<_>>(), [Contact::Closed; 2]);
    assert_eq!(asleep[0].value, Value::Number(ballast_model::Finite::ZERO));
    assert!((asleep[0].when.thresholds[0].value.get() + 2.0).abs() < 1e-12);
}

#[test]
fn every_key_of_shedding_counts() {
    let site = read(&format!(
        "{OUTPUTS}
shedding:
  never: [charger]
  source: [feeder.frequency, feeder.frequency_2]
  load: feeder.power
  tolerance: 0.2 Hz
  stuck_after: 20 s
  stages:
    - {{ below: 49.5 Hz, for: 60 ms, shed: 10 %, from: [homes] }}
    - {{ below: 49.3 Hz, for: 60 ms, shed: 20 %, from: [homes] }}
  bulk: {{ below: 49.7 Hz, falling: 3 Hz/s, shed: 40 %, from: [homes] }}
  cap: 3 loads per 10 s
  futile_after: 3
  restore_at_most: {{ keep_free: 15 % of site.capacity, one_per: 11 s, jitter: 3 s, settle: 30 s }}
"
    ));
    let shedding = site.safety.shedding.as_ref().unwrap();
    assert_eq!(shedding.stages[0].hold, Span::from_millis(60));
    assert!((shedding.stages[1].share.get() - 20.0).abs() < 1e-12);
    assert_eq!(shedding.stages[0].from, [Box::from("homes")]);
    assert!((shedding.bulk.as_ref().unwrap().falling.get() - 3.0).abs() < 1e-12);
    assert_eq!(shedding.cap, Some(SwitchBudget { count: 3, per: Span::from_secs(10) }));
    assert_eq!((shedding.futile_after, shedding.source_stuck_after), (Some(3), Span::from_secs(20)));
    assert!((shedding.restore.above.get() - 49.8).abs() < 1e-9, "0.1 Hz above the highest");
    assert!((shedding.restore.keep_free.get() - 15.0).abs() < 1e-12 && shedding.restore.capacity.is_some());
    assert_eq!(
        (shedding.restore.one_per, shedding.restore.jitter),
        (Span::from_secs(11), Span::from_secs(3))
    );
    assert_eq!(shedding.restore.settle, Span::from_secs(30));
    assert!(shedding.site_load.is_some());
    let load = &shedding.loads[0];
    assert_eq!(load.groups, [Box::from("homes"), Box::from("both")]);
    assert!((load.rated.get() - 2000.0).abs() < 1e-9);
}

#[test]
fn envelopes_say_what_they_cannot_mean() {
    check_safety(
        "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W, 1..3 kW], step: 0 W, ramp: { away_from_safe: 200 W } }
#                                     ----------- note: with this one
#                                                  ^^^^^^^ error[safety::values]: two of the values overlap
#                                                                  ^^^ error[number::range]: this value must be above zero
#                                                                                               ^^^^^ error[unit::wrong]: 200 W is an active power; a change of power is expected
  chager: { safe: open }
# ^^^^^^ error[name::unknown_output]: there is no output `chager`
  mains: { safe: on, values: [0 W], on_silence: hold, outside_change: correct often }
#                ^^ error[value::word]: `on` is not known here
#                    ^^^^^^ error[safety::not_for_contact]: `values` belongs to a setpoint, and this output is a contact
#                                               ^^^^ error[value::word]: `hold` is not known here
#                                                                     ^^^^^^^^^^^^^ error[value::word]: `correct often` is not known here
  genset: { safe: open }
# ^^^^^^ error[name::unknown_output]: `genset` is a device and not one output
  genset.run: { safe: 5 W, effect: { point: battery.voltag, closed: 50 mA, within: 5 s } }
#                     ^^^ error[value::word]: `5 W` is not known here
#                                           ^^^^^^^^^^^^^^ error[name::unknown_point]: there is no point `battery.voltag`
#                                                                   ^^^^^ error[expr::syntax]: a comparison such as `> 50 mA` is expected here
  home_1: { safe: closed, effect: { point: charger.current, within: 5 s } }
#                         ^^^^^^ error[safety::effect]: this effect says nothing to look for
  home_2: { safe: closed, effect: { point: charger.current, closed: \"50 mA\", within: 5 s, unless: battery.soc > 5 % for 2 s } }
# ------ note: the first one
#                                                                    ^^^^^ error[expr::syntax]: a comparison such as `> 50 mA` is expected here
#                                                                                                                       ^^^ error[expr::syntax]: `unless` asks for the moment; it has no `for`
  home_2.relay: { safe: closed }
# ^^^^^^^^^^^^ error[safety::twice]: `home_2` has two envelopes
  battery.voltage: { safe: open }
# ^^^^^^^^^^^^^^^ error[name::unknown_output]: `battery.voltage` is a point: it is measured and cannot be set
",
    );
}

#[test]
fn a_setpoint_needs_values() {
    check_safety(
        "\
outputs:
  battery: { safe: 0 W }
# ^^^^^^^ error[safety::values]: a setpoint needs its `values`
  charger: { safe: open }
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
    );
}

#[test]
fn what_is_wrong_with_one_entry_hides_nothing_of_the_others() {
    check_safety(
        "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: open }
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
# ------ note: the first one
  home_2.relay: { safe: shut, lease: 5 }
# ^^^^^^^^^^^^ error[safety::twice]: `home_2` has two envelopes
#                       ^^^^ error[value::word]: `shut` is not known here
#                                    ^ error[unit::missing]: `5` has no unit
limits:
  - { name: hot, when: battery.soc > 50 %, until: battery.soc < 40 %, force: [ { charger: open } ] }
#           --- note: first here
  - { name: hot, when: battery.soc > 60, until: battery.soc < 40 %, force: [ { charger: open } ] }
#           ^^^ error[limit::name]: two limits are called `hot`
#                                    ^^ error[unit::missing]: `60` has no unit
  - { name: capped, of: battery.sco, derate: { battery: { 1 %: 100 %, 2 %: 120 % } } }
#                       ^^^^^^^^^^^ error[expr::unknown_name]: there is no point `battery.sco`
#                                                                          ^^^^^ error[number::range]: a share lies between 0 % and 100 %
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  stages:
    - { below: 49.3 Hz, for: 60 ms, shed: 110 %, from: [homes] }
#              ------- note: the stage before
#                                         ^^^^^ error[number::range]: a share lies between 0 % and 100 %
    - { below: 49.5 Hz, for: 60, shed: 10 %, from: [homes] }
#              ^^^^^^^ error[shedding::stages]: stages go from the highest frequency to the lowest; of two at the same frequency, the quicker one comes first
#                            ^^ error[unit::missing]: `60` has no unit
    - { below: 49.5 Hz, for: 60 ms, shed: 10 %, from: [homes] }
  bulk: { below: 49.9 Hz, falling: 3 Hz, shed: 40 %, from: [homes] }
#                ------- note: cut below this
#                                  ^^^^ error[unit::wrong]: 3 Hz is a frequency; a change of frequency is expected
  restore_at_most: { above: 49.7 Hz, keep_free: 150 % of site.capcity }
#                           ^^^^^^^ error[shedding::restore]: loads would come back at 49.7 Hz, where the first of them are cut again (49.9 Hz)
#                                               ^^^^^ error[number::range]: a share lies between 0 % and 100 %
#                                                        ^^^^^^^^^^^^ error[name::unknown_point]: there is no point `site.capcity`
",
    );
}

#[test]
fn limits_say_what_they_cannot_mean() {
    check_rest(
        "\
limits:
  - name: names
    when: battery.volage > 14 V
#         ^^^^^^^^^^^^^^ error[expr::unknown_name]: there is no point `battery.volage`
    until: battery.voltage < 13
#                            ^^ error[unit::missing]: `13` has no unit
    force: [ { chager: open }, { charger: shut }, {} ]
#              ^^^^^^ error[name::unknown_output]: there is no output `chager`
#                                         ^^^^ error[value::word]: `shut` is not known here
#                                                 ^^ error[limit::form]: this step names no output
  - name: dimensions
    when: battery.voltage > 14 A
#         ^^^^^^^^^^^^^^^^^^^^^^ error[expr::dimension]: a voltage and a current cannot be compared
    until: battery.voltage
#          ^^^^^^^^^^^^^^^ error[expr::type]: this is a number and not a condition
    force: []
#   ^^^^^ error[limit::form]: this limit forces nothing
  - name: implausible
    when: battery.voltage > 14 kV
#                           ^^^^^ error[unit::implausible]: 14000 V is implausible: no site of this kind has more than 2000 V
    until: avg(battery.voltage, 5 min) < 13 V
#          ^^^ error[expr::not_here]: `avg` cannot stand in a limit: a limit reads raw values, never long means
    force: [ { charger: open } ]
  - name: both
    when: battery.voltage > 14 V
#   ^^^^ error[limit::form]: a limit either forces outputs (`when`, `force`) or caps setpoints (`of`, `derate`)
    of: battery.soc
    derate: {}
  - { name: half, when: battery.soc > 5 % }
#     ^^^^ error[limit::form]: a limit with `when` needs `force`
#                                     ^^^ error[limit::no_hysteresis]: this limit lets go at 5 %, the very value at which it acts
  - { name: unknown, when: battery.soc > 5 %, until: battery.soc < 4 %, force: [ { charger: open } ], unknown: derate 10 % }
#                                                                                                              ^^^^^^^^^^^ error[limit::derate]: this limit forces outputs and caps none, so there is nothing to derate
  - { name: ignore, when: battery.soc > 5 %, until: battery.soc < 4 %, force: [ { charger: open } ], unknown: ignore }
#                                                                                                             ^^^^^^ error[value::word]: `ignore` is not known here
  - { of: battery.soc, derate: { battery: { 5 %: 10 % } } }
#     ^^ error[key::missing]: a limit needs `name`
#                                ^^^^^^^ error[limit::derate]: a derating has at least two rows
  - { name: rows, of: battery.soc, derate: { battery: { 5 V: 10 %, 6 %: 200 %, 7 %: 1 W } } }
#                                                       ^^^ error[unit::wrong]: 5 V is a voltage; a share is expected
#                                                                       ^^^^^ error[number::range]: a share lies between 0 % and 100 %
#                                                                                   ^^^ error[unit::wrong]: 1 W is an active power; a share is expected
  - { name: truth, of: battery.soc > 5 %, derate: { battery: { 5 %: 10 %, 6 %: 0 % } } }
#                      ^^^^^^^^^^^^^^^^^ error[expr::type]: this is true or false; a number is needed here
",
    );
}

#[test]
fn interlocks_and_sleep_say_what_they_cannot_mean() {
    check_rest(
        "\
interlocks:
  - { never_together: [mains: closed] }
#     ^^^^^^^^^^^^^^ error[interlock::members]: an interlock has at least two members
  - { never_together: [mains: closed, mains: open] }
#                      ----- note: first here
#                                     ^^^^^ error[interlock::members]: `mains` stands twice in this interlock
  - { never_together: [mains: closed, battery: 5 W] }
#                                     ^^^^^^^ error[interlock::members]: `battery` is a setpoint; only contacts can be interlocked
  - { never_together: [mains, charger] }
#                      ^^^^^ error[value::kind]: an output with its state, `mains: closed` is expected here, not a value
#                             ^^^^^^^ error[value::kind]: an output with its state, `mains: closed` is expected here, not a value
asleep:
  feeder.power: 0 W
#               ^^^ error[safety::asleep]: `0 W` does not say when
  battery.voltage: 0 W when sun.elevatoin < -2 deg
#                  ^^^ error[unit::wrong]: 0 W is an active power; a voltage is expected
#                           ^^^^^^^^^^^^^ error[expr::unknown_name]: there is no point `sun.elevatoin`
  charger.state: 0 W when sun.elevation < -2 deg
# ^^^^^^^^^^^^^ error[safety::asleep]: `charger.state` is no number
",
    );
}

#[test]
fn the_guard_as_a_process_is_told_who_may_speak_to_it() {
    check_rest(
        "\
guard:
  operators: [marie, pi 4, \"\"]
#                    ^^^^ error[guard::user]: `pi 4` is not the name of a user
#                          ^^ error[guard::user]: `` is not the name of a user
  program: 1000
#          ^^^^ error[guard::user]: `1000` is not the name of a user
  sockets: run/ballast
#          ^^^^^^^^^^^ error[guard::sockets]: `run/ballast` is not a directory for sockets
  socket: /run/ballast
# ^^^^^^ error[key::unknown]: `guard` has no key `socket`
",
    );
    let safety =
        format!("{OUTPUTS}guard: {{ operators: [marie, root], program: ballast, sockets: /run/x }}\n");
    let with = read(&safety);
    let process = with.safety.process.as_ref().unwrap();
    assert_eq!(process.operators, ["marie".into(), "root".into()]);
    assert_eq!((process.program.as_deref(), process.sockets.as_deref()), (Some("ballast"), Some("/run/x")));
    let without = read(OUTPUTS);
    assert_eq!(without.safety.process, None);
    assert_ne!(with.safety.fingerprint, without.safety.fingerprint);
}

#[test]
fn shedding_says_what_it_cannot_mean() {
    check_rest(
        "\
shedding:
  source: [feeder.power, feeder.frequency, feeder.frequency_2]
#          ^^^^^^^^^^^^ error[unit::wrong]: `feeder.power` is an active power; a frequency is needed here
  never: [clinic]
#         ^^^^^^ error[name::unknown_output]: there is no output `clinic`
  stages:
    - { below: 0.5 Hz, for: 60 ms, shed: 110 %, from: [homs] }
#              ^^^^^^ error[number::range]: a stage acts between 40 Hz and 70 Hz
#                                        ^^^^^ error[number::range]: a share lies between 0 % and 100 %
#                                                      ^^^^ error[name::unknown_group]: there is no group `homs`
    - { below: 49.5 Hz, for: 60 ms, shed: 10 %, from: [] }
#                                               ^^^^ error[shedding::stages]: this stage takes from no group
  cap: often
#      ^^^^^ error[value::rate]: `often` is not a rate
  restore_at_most: { keep_free: 15 % }
#                               ^^^^ error[shedding::restore]: this does not say of what
  load: battery.voltage
#       ^^^^^^^^^^^^^^^ error[unit::wrong]: `battery.voltage` is a voltage; an active power is needed here
",
    );
    check_rest(
        "\
shedding:
  source: []
# ^^^^^^ error[shedding::sources]: shedding needs a point that measures the frequency
  restore_at_most: { keep_free: 15 W of feeder.frequency }
#                               ^^^^ error[number::range]: a share lies between 0 % and 100 %
#                                       ^^^^^^^^^^^^^^^^ error[unit::wrong]: `feeder.frequency` is a frequency; a capacity is an active power
",
    );
    check_rest(
        "\
shedding:
  source: [feeder.frequency, feeder.frequency_2]
  restore_at_most: { keep_free: 15 % of feeder.frequency }
#                                       ^^^^^^^^^^^^^^^^ error[unit::wrong]: `feeder.frequency` is a frequency; a capacity is an active power
",
    );
}

#[test]
fn a_list_of_budgets_that_yaml_cuts_at_the_comma_is_explained() {
    crate::checks::fixture::check_safety(
        "\
outputs:
  battery: { safe: 0 W, values: [0 W, 200..2000 W] }
  charger: { safe: open, max_switches: 6 per hour, 30 per day }
#                                                  ^^^^^^^^^^ error[key::unknown]: an envelope has no key `30 per day`
#   = help: between `{ }` a comma ends a value: put it into quotes, `\"6 per hour, 30 per day\"`, or write a list, `[6 per hour, 30 per day]`
  mains: { safe: closed }
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
",
    );
}

#[test]
fn what_an_effect_of_an_unknown_point_compares_with_is_looked_at_all_the_same() {
    crate::checks::fixture::check_safety(
        "\
outputs:
  battery: { safe: 0 W, values: [0..0 W, 200..2000 W] }
#                                ^^^^^^ warning[value::range]: this range has no width: it holds 0 W and nothing else
#   = help: write `0 W` for a single value, or two different ends
  charger: { safe: open, effect: { point: charger.curent, closed: \"> .inf A\", open: \"< 20 mW and\", within: 5 s } }
#                                         ^^^^^^^^^^^^^^ error[name::unknown_point]: there is no point `charger.curent`
#   = help: did you mean `charger.current`?
#                                                                    ^^^^ error[expr::not_finite]: `.inf` is no number that can be measured
#   = help: write a number that can be measured, with its unit, as in `49.8 Hz`; where there is no bound, leave the comparison out
#                                                                                            ^^^ error[expr::syntax]: an operator or the end is expected here
#   = help: join two conditions with `and` or `or`; a word stands in quotes
  mains: { safe: closed, effect: { point: mains.volts, closed: \"> battery.voltag\", open: \"< 20 mQ\", within: 5 s } }
#                                         ^^^^^^^^^^^ error[name::unknown_point]: there is no point `mains.volts`
#   = help: `ballast check --explain` lists the points of the site
#                                                                 ^^^^^^^^^^^^^^ error[expr::unknown_name]: there is no point `battery.voltag`
#   = help: did you mean `battery.voltage`?
#                                                                                              ^^ error[unit::unknown]: `mQ` is not a unit that is known here
#   = help: known units are V, A, W, kW, VA, Wh, kWh, Hz, °C, K, %, s, min, h and others; see the manual
  genset.contactor: { safe: open }
  genset.run: { safe: open }
  home_1: { safe: closed }
  home_2: { safe: closed }
limits:
  - { name: a, when: battery.soc < .inf, until: battery.soc > NaN, force: [ { charger: open } ] }
#                                  ^^^^ error[expr::not_finite]: `.inf` is no number that can be measured
#   = help: write a number that can be measured, with its unit, as in `49.8 Hz`; where there is no bound, leave the comparison out
#                                                             ^^^ error[expr::not_finite]: `NaN` is no number that can be measured
#   = help: write a number that can be measured, with its unit, as in `49.8 Hz`; where there is no bound, leave the comparison out
  - { name: b, when: battery.soc < -.inf for .inf s, until: battery.soc > inf %, force: [ { charger: open, after: .inf } ] }
#                                   ^^^^ error[expr::not_finite]: `.inf` is no number that can be measured
#   = help: write a number that can be measured, with its unit, as in `49.8 Hz`; where there is no bound, leave the comparison out
#                                                                         ^^^ error[expr::not_finite]: `inf` is no number that can be measured
#   = help: write a number that can be measured, with its unit, as in `49.8 Hz`; where there is no bound, leave the comparison out
#                                                                                                                 ^^^^ error[number::not_finite]: `.inf` is not a finite number
#   = help: write the number that is meant; to have no bound, leave the key out
",
    );
}
