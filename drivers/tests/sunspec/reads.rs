//! What is read.

use crate::device::{Device, device, model};
use crate::support::Site;
use ballast_drivers::shape::{Answer, Job};
use ballast_drivers::{Batch, OpenBus, Report};
use ballast_model::{Quality, Reason};

/// A three-phase inverter with a string tracker of two inputs, behind model 1.
pub(crate) fn inverter(base: u16) -> Device {
    let tracker = model(160, 48, &[(4, 0xFFFF), (8, 2), (14, 0x8000), (21, 700), (41, 900)]);
    let inverter = model(
        103,
        50,
        &[
            (2, 0xFFFF),
            (6, 0xFFFF),
            (10, 2301),
            (11, 0xFFFF),
            (13, 0xFFFF),
            (14, 0xFC18),
            (15, 1),
            (16, 4998),
            (17, 0xFFFE),
            (22, 980),
            (23, 0xFFFF),
            (24, 1),
            (25, 2),
            (26, 0),
            (38, 4),
        ],
    );
    device(base, &[model(1, 66, &[]), inverter, tracker])
}

fn site() -> Site {
    let mut site = Site::new("sunspec", &[("url", "tcp://127.0.0.1")]);
    site.number("it.power", "kW", &[("field", "701.W 111-113.W 101-103.W")]);
    site.number("it.frequency", "Hz", &[("field", "701.Hz 101-103.Hz")]);
    site.number("it.current", "A", &[("field", "101-103.A")]);
    site.number("it.voltage_1", "V", &[("field", "101-103.PhVphA")]);
    site.number("it.voltage_2", "V", &[("field", "101-103.PhVphB")]);
    site.number("it.power_factor", "1", &[("field", "101-103.PF")]);
    site.number("it.energy", "Wh", &[("field", "101-103.WH")]);
    site.words("it.state", &["off", "mppt", "fault"], &[("field", "101-103.St")]);
    site.number("it.string_1", "W", &[("field", "160.1.DCW")]);
    site.number("it.string_2", "W", &[("field", "160.2.DCW"), ("scale", "-1")]);
    site.number("it.string_3", "W", &[("field", "160.3.DCW")]);
    site.number("it.charge", "%", &[("field", "713.SoC 124.ChaState")]);
    site
}

/// What the samples of a batch say, in their order.
pub(crate) fn told(site: &Site, batch: &Batch) -> Vec<String> {
    let sample = |sample: &ballast_model::Sample| {
        let spec = site.catalog.point(sample.point).unwrap();
        let why = sample.quality.reason().map_or(String::new(), |reason| format!(" {}", reason.words()));
        format!("{} {}{why}", &spec.name[3..], sample.value.map_or("-".to_owned(), |value| spec.show(value)))
    };
    batch.samples.iter().map(sample).collect()
}

pub(crate) fn round(bus: &mut OpenBus, device: &mut Device) -> (Option<Answer>, Batch) {
    let (poller, readings) = bus.poller().unwrap();
    let answer = device.play(poller, Job::Read(0), readings);
    (answer, std::mem::take(readings.batch()))
}

#[test]
fn a_device_is_found_at_each_place_and_read_with_scales_signs_and_words() {
    for base in [0, 40_000, 50_000] {
        let (site, mut device) = (site(), inverter(base));
        let mut bus = site.open();
        let (answer, batch) = round(&mut bus, &mut device);
        assert!(matches!(answer, Some(Answer::Done { .. })), "{answer:?}");
        assert_eq!(
            told(&site, &batch),
            [
                "power -10 kW",
                "frequency 49.98 Hz",
                "current - outside the valid range",
                "voltage_1 230.1 V",
                "voltage_2 - outside the valid range",
                "power_factor 0.98",
                "energy 65538 Wh",
                "state mppt",
                "string_1 70 W",
                "string_2 -90 W",
            ]
        );
        // The second time only the two models are asked, a block each.
        let before = device.asked;
        let (_, batch) = round(&mut bus, &mut device);
        assert_eq!((batch.samples.len(), device.asked - before), (10, 2));
    }
}

#[test]
fn the_curve_in_force_is_read_as_far_as_it_goes() {
    let volt_var = |most: u16, used: u16| {
        let (head, curve) =
            ([(2, 1), (5, most), (6, 3), (12, 0xFFFF), (13, 0xFFFF)], [(15, used), (16, 1), (24, 1)]);
        let points =
            [(25, 920), (26, 440), (27, 967), (28, 0), (29, 1030), (30, 0), (31, 1070), (32, 0xFE48)];
        let set: Vec<(u16, u16)> = [&head[..], &curve, &points].concat();
        device(40_000, &[model(1, 66, &[]), model(705, 31, &set)])
    };
    let mut site = Site::new("sunspec", &[("url", "tcp://127.0.0.1")]);
    site.words("it.volt_var", &["disabled", "enabled"], &[("field", "705.Ena")]);
    site.number("it.points", "1", &[("field", "705.1.ActPt")]);
    site.words(
        "it.of",
        &["w_max_pct", "var_max_pct", "var_aval_pct", "va_max_pct"],
        &[("field", "705.1.DeptRef")],
    );
    site.number("it.v_1", "%", &[("field", "705.1.Pt1.V")]);
    site.number("it.var_1", "%", &[("field", "705.1.Pt1.Var")]);
    site.number("it.v_3", "%", &[("field", "705.1.Pt3.V")]);
    site.number("it.var_4", "%", &[("field", "705.1.Pt4.Var")]);
    site.number("it.v_5", "%", &[("field", "705.1.Pt5.V")]);
    let always = ["volt_var enabled", "of var_max_pct", "v_1 92 %", "var_1 44 %"];
    for (most, used, points, further) in [
        (4, 4, "points 4", ["v_3 103 %", "var_4 -44 %"]),
        // What stands behind the points in use is a draft, behind the last one another curve.
        (4, 3, "points 3", ["v_3 103 %", "var_4 - outside the valid range"]),
        (2, 4, "points 4", ["v_3 - outside the valid range", "var_4 - outside the valid range"]),
    ] {
        let mut device = volt_var(most, used);
        let mut bus = site.open();
        let (_, batch) = round(&mut bus, &mut device);
        let told = told(&site, &batch);
        for line in always.iter().chain([&points]).chain(&further) {
            assert!(told.iter().any(|said| said == line), "{line}: {told:?}");
        }
        assert!(!told.iter().any(|said| said.starts_with("v_5 ") && !said.starts_with("v_5 -")), "{told:?}");
        assert!(device.writes.is_empty());
    }
}

#[test]
fn a_device_without_a_marker_has_no_values_and_is_looked_at_again() {
    let site = site();
    let mut bus = site.open();
    let mut empty = Device::default();
    for _ in 0..2 {
        let (answer, batch) = round(&mut bus, &mut empty);
        assert!(matches!(answer, Some(Answer::Refused { .. })), "{answer:?}");
        assert!(told(&site, &batch).iter().all(|line| line.ends_with("marks it as invalid")), "{batch:?}");
        assert_eq!(batch.samples.len(), 12);
    }
    let (answer, batch) = round(&mut bus, &mut inverter(40_000));
    assert!(matches!(answer, Some(Answer::Done { .. })));
    assert_eq!(told(&site, &batch)[1], "frequency 49.98 Hz");
}

#[test]
fn a_new_firmware_that_moves_the_models_gives_no_wrong_number() {
    let site = site();
    let mut bus = site.open();
    round(&mut bus, &mut inverter(40_000));
    // The same models, with another one in front of them.
    let mut moved = inverter(40_000);
    let mut models = vec![model(1, 66, &[]), model(120, 26, &[])];
    let rest: Vec<u16> = (40_072..40_122).map(|address| moved.registers[&address]).collect();
    models.push((103, rest));
    moved.registers = device(40_000, &models).registers;
    let (answer, batch) = round(&mut bus, &mut moved);
    assert!(matches!(answer, Some(Answer::Refused { .. })), "{answer:?}");
    assert!(batch.samples.iter().all(|sample| sample.value.is_none()), "{batch:?}");
    let (_, batch) = round(&mut bus, &mut moved);
    assert_eq!(told(&site, &batch)[..2], ["power -10 kW", "frequency 49.98 Hz"]);
}

#[test]
fn another_device_in_the_place_of_one_is_told_and_its_counters_begin_anew() {
    let site = site();
    let mut bus = site.open();
    let serial = |device: &mut Device, number: u16| device.registers.insert(40_052, number);
    let mut first = inverter(40_000);
    serial(&mut first, u16::from_be_bytes(*b"N7"));
    let (_, batch) = round(&mut bus, &mut first);
    assert!(told(&site, &batch).contains(&"energy 65538 Wh".to_owned()));
    // Another one of the same kind, with more models, after the connection was lost.
    let mut second = inverter(40_000);
    let rest = |from: u16, to: u16| (from..to).map(|address| first.registers[&address]).collect::<Vec<u16>>();
    let models = [model(1, 66, &[]), model(120, 26, &[]), (103, rest(40_072, 40_122))];
    second.registers = device(40_000, &models).registers;
    serial(&mut second, u16::from_be_bytes(*b"N9"));
    bus.poller().unwrap().0.reset(0);
    let (answer, batch) = round(&mut bus, &mut second);
    assert!(matches!(answer, Some(Answer::Refused { .. })), "{answer:?}");
    assert_eq!(batch.samples.len(), 12);
    for sample in &batch.samples {
        assert_eq!(sample.quality, Quality::Bad(Reason::Replaced));
    }
    let said = "unit 1 is another device now: `N9`, and `N7` before";
    let is_said = |report: &Report| matches!(report, Report::Link { text, .. } if **text == *said);
    assert!(batch.reports.iter().any(is_said), "{:?}", batch.reports);
    let (_, batch) = round(&mut bus, &mut second);
    assert!(told(&site, &batch).contains(&"energy 65538 Wh".to_owned()), "{:?}", told(&site, &batch));
    // The same one after a while: nothing is said.
    bus.poller().unwrap().0.lost(0);
    let (_, batch) = round(&mut bus, &mut second);
    assert_eq!((batch.samples.len(), batch.reports.len()), (8, 0));
}

#[test]
fn many_models_take_several_rounds_and_a_lying_length_ends_the_walk() {
    let mut models: Vec<(u16, Vec<u16>)> = (0..40).map(|_| model(64_001, 10, &[])).collect();
    models.push(model(103, 50, &[(16, 5001), (17, 0xFFFE)]));
    let (site, mut many) = (site(), device(40_000, &models));
    let mut bus = site.open();
    let told: Vec<String> = (0..8).flat_map(|_| told(&site, &round(&mut bus, &mut many).1)).collect();
    assert!(told.contains(&"frequency 50.01 Hz".to_owned()), "{told:?}");

    let mut lying = inverter(40_000);
    lying.registers.insert(40_071, 0xFFF0);
    let (answer, batch) = round(&mut site.open(), &mut lying);
    assert!(matches!(answer, Some(Answer::Done { .. })), "{answer:?}");
    assert!(batch.samples.is_empty(), "{batch:?}");
    // Too short for what stands behind: those points stay unknown.
    let mut short = device(40_000, &[model(103, 14, &[(14, 5), (15, 0)])]);
    let (_, batch) = round(&mut site.open(), &mut short);
    assert!(crate::reads::told(&site, &batch).iter().any(|line| line == "power 0.005 kW"), "{batch:?}");
    assert!(!batch.samples.iter().any(|sample| sample.point.index() == 1), "{batch:?}");
}

#[test]
fn mistakes_are_told_where_they_stand() {
    let mistakes = |keys: &[(&str, &str)]| {
        let mut site = Site::new("sunspec", &[("url", "tcp://127.0.0.1")]);
        site.number("it.power", "W", keys);
        site.mistakes()
    };
    assert_eq!(mistakes(&[]), ["a point of a SunSpec device needs `field`"]);
    assert_eq!(mistakes(&[("field", "103")]), ["`103` is not a point of a model"]);
    assert_eq!(mistakes(&[("field", "103.Watts")]), ["the model 103 has no point `Watts`"]);
    assert_eq!(mistakes(&[("field", "103.VA")]), ["`VA` counts `VA`, and the point is an active power"]);
    assert_eq!(mistakes(&[("field", "103.W"), ("instance", "0")]), ["`instance` is a number from 1 to 64"]);
}
