//! What is told, always with the device's own timer.

use crate::device::{Device, device, model};
use crate::reads::round;
use crate::support::Site;
use ballast_drivers::shape::{Answer, Job};
use ballast_drivers::{OpenBus, Report};
use ballast_model::catalog::OutputKind;
use ballast_model::{Finite, OutputId, Unit, Wanted};

fn site(control: &str, unit: Option<&str>) -> (Site, OutputId) {
    let mut site = Site::new("sunspec", &[("url", "tcp://127.0.0.1")]);
    let kind = unit.map_or(OutputKind::Contact, |unit| OutputKind::Setpoint(Unit::parse(unit).unwrap()));
    let output = site.output("it.output", kind, &[("control", control), ("revert", "60 s")]);
    (site, output)
}

fn tell(bus: &mut OpenBus, device: &mut Device, output: OutputId, wanted: Wanted) -> Option<Answer> {
    let (poller, readings) = bus.poller().unwrap();
    device.play(poller, Job::Write { output, wanted }, readings)
}

/// What the device says that the output is.
fn actual(bus: &mut OpenBus, device: &mut Device) -> Option<Wanted> {
    let (_, batch) = round(bus, device);
    let [Report::Actual { actual, .. }] = batch.reports[..] else { panic!("{batch:?}") };
    actual
}

fn level(level: f64) -> Wanted {
    Wanted::Level(Finite::new(level).unwrap())
}

/// Model 123 at 40002: nothing is told, times are 0.
fn inverter() -> Device {
    device(40_000, &[inverter_model()])
}

#[test]
fn a_limit_is_told_with_its_timer_first_and_made_valid_last() {
    let (site, output) = site("power_limit", Some("%"));
    let (mut bus, mut device) = (site.open(), inverter());
    // Nothing is told: the device is free.
    assert_eq!(actual(&mut bus, &mut device), Some(level(100.0)));
    let answer = tell(&mut bus, &mut device, output, level(42.5));
    assert!(matches!(answer, Some(Answer::Done { .. })), "{answer:?}");
    assert_eq!(device.writes, [(40_009, vec![60]), (40_007, vec![425]), (40_011, vec![1])]);
    assert_eq!(actual(&mut bus, &mut device), Some(level(42.5)));
    // Its own timer has run out.
    device.registers.insert(40_011, 0);
    assert_eq!(actual(&mut bus, &mut device), Some(level(100.0)));
    device.writes.clear();
    tell(&mut bus, &mut device, output, level(42.5));
    assert_eq!(device.writes.len(), 3, "renewing writes everything again");
    for impossible in [level(7000.0), level(-1.0)] {
        assert!(!matches!(tell(&mut bus, &mut device, output, impossible), Some(Answer::Done { .. })));
    }
    assert_eq!(device.writes.len(), 3);
}

#[test]
fn a_device_without_a_timer_is_not_told() {
    let (site, output) = site("power_limit", Some("%"));
    let (mut bus, mut device) = (site.open(), inverter());
    device.registers.insert(40_009, 0xFFFF);
    let answer = tell(&mut bus, &mut device, output, level(50.0));
    assert!(!matches!(answer, Some(Answer::Done { .. })), "{answer:?}");
    assert!(device.writes.is_empty(), "{:?}", device.writes);
    let mut meter = crate::reads::inverter(40_000);
    assert!(!matches!(tell(&mut bus, &mut meter, output, level(50.0)), Some(Answer::Done { .. })));
    assert!(meter.writes.is_empty());
}

#[test]
fn the_newer_model_is_told_and_holds_nothing_at_the_end_of_its_time() {
    let (site, output) = site("power_limit", Some("%"));
    let newer = model(704, 57, &[(14, 0), (15, 1000), (17, 1), (18, 0), (19, 0), (54, 0xFFFF)]);
    let (mut bus, mut device) = (site.open(), device(40_000, &[inverter_model(), newer]));
    tell(&mut bus, &mut device, output, level(50.0));
    let first = 40_028;
    let expected =
        [(first + 17, vec![0]), (first + 18, vec![0, 60]), (first + 15, vec![500]), (first + 14, vec![1])];
    assert_eq!(device.writes, expected);
}

pub(crate) fn inverter_model() -> (u16, Vec<u16>) {
    model(123, 24, &[(3, 0), (4, 1), (5, 100), (7, 0), (9, 0), (23, 0xFFFF)])
}

#[test]
fn a_limit_of_charging_leaves_that_of_discharging_alone() {
    let (site, output) = site("charge_limit", Some("%"));
    let storage = model(124, 24, &[(5, 2), (12, 3000), (13, 10_000), (15, 0), (25, 0xFFFE)]);
    let (mut bus, mut device) = (site.open(), device(40_000, &[storage]));
    assert_eq!(actual(&mut bus, &mut device), Some(level(100.0)));
    tell(&mut bus, &mut device, output, level(20.0));
    assert_eq!(device.writes, [(40_017, vec![60]), (40_015, vec![2000]), (40_007, vec![3])]);
    assert_eq!(actual(&mut bus, &mut device), Some(level(20.0)));
}

#[test]
fn a_connection_is_a_contact() {
    let (site, output) = site("connection", None);
    let (mut bus, mut device) = (site.open(), inverter());
    assert_eq!(actual(&mut bus, &mut device), Some(Wanted::CLOSED));
    tell(&mut bus, &mut device, output, Wanted::OPEN);
    assert_eq!(device.writes, [(40_005, vec![60]), (40_006, vec![0])]);
    assert_eq!(actual(&mut bus, &mut device), Some(Wanted::OPEN));
    device.registers.insert(40_006, 7);
    assert_eq!(actual(&mut bus, &mut device), None);
}

#[test]
fn mistakes_of_outputs_are_told() {
    let (wrong_unit, _) = site("power_limit", Some("W"));
    assert_eq!(wrong_unit.mistakes(), ["`power_limit` is a setpoint in %"]);
    let (contact, _) = site("connection", Some("%"));
    assert_eq!(contact.mistakes(), ["`connection` is a contact"]);
    let mut bare = Site::new("sunspec", &[("url", "tcp://127.0.0.1")]);
    bare.output("it.output", OutputKind::Contact, &[("control", "connection")]);
    assert_eq!(bare.mistakes(), ["an output of a SunSpec device needs `revert`"]);
}
