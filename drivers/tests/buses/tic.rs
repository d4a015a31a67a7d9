//! A meter on a real pseudo-terminal, at the speed of its line and with the parity in bit 7.

use crate::support::{PATIENCE, Running, Site, base};
use ballast_drivers::Report;
use ballast_model::{PointId, Quality, Reason, Sample, Utc, Value};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::stat::Mode as Rights;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tic_decoder::Mode;
use tic_decoder::encode::{Bit7, Writer, with_parity};

const PERIODS: [&str; 3] = ["base", "off_peak", "peak"];
const COLOURS: [&str; 4] = ["blue", "white", "red", "none"];

/// A port that can disappear and come back: a name for a pseudo-terminal.
pub(crate) struct Line {
    name: PathBuf,
    meter: Option<OpenptyResult>,
}

impl Line {
    pub(crate) fn new(name: &str) -> Self {
        let name = std::env::temp_dir().join(format!("ballast-tic-{}-{name}", std::process::id()));
        let mut line = Self { name, meter: None };
        line.plug_in();
        line
    }

    fn plug_in(&mut self) {
        let meter = openpty(None, None).unwrap();
        std::fs::remove_file(&self.name).ok();
        symlink(nix::unistd::ttyname(&meter.slave).unwrap(), &self.name).unwrap();
        self.meter = Some(meter);
    }

    fn pull_out(&mut self) {
        std::fs::remove_file(&self.name).ok();
        self.meter = None;
    }

    pub(crate) fn path(&self) -> &str {
        self.name.to_str().unwrap()
    }

    /// Sends at the speed of the line.
    pub(crate) fn send(&self, bytes: &[u8], baud: u64) {
        let mut wire = File::from(self.meter.as_ref().unwrap().master.try_clone().unwrap());
        for piece in bytes.chunks(24) {
            wire.write_all(piece).unwrap();
            // Ten bits each. The line is that slow; nothing waits here for luck.
            std::thread::sleep(Duration::from_micros(10_000_000 * piece.len() as u64 / baud));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        std::fs::remove_file(&self.name).ok();
    }
}

/// One frame; a horodate stands before its value, with a `|` between.
fn frame(mode: Mode, groups: &[(&str, &str)]) -> Vec<u8> {
    let mut buffer = vec![0; 2048];
    let mut writer = Writer::new(&mut buffer, mode, Bit7::Parity);
    writer.start_frame().unwrap();
    for (label, value) in groups {
        match value.split_once('|') {
            Some((horodate, value)) => writer.group(label, Some(horodate), value).unwrap(),
            None => writer.group(label, None, value).unwrap(),
        }
    }
    writer.end_frame().unwrap();
    writer.written().to_vec()
}

/// The points of a house.
struct House {
    site: Site,
    power: PointId,
    subscribed: PointId,
    energy: PointId,
    period: PointId,
    colour: PointId,
    tomorrow: PointId,
}

fn house(line: &str, keys: &[(&str, &str)]) -> House {
    let bus: Vec<(&str, &str)> = [("port", line)].into_iter().chain(keys.iter().copied()).collect();
    let mut site = Site::new("tic", &bus);
    House {
        power: site.number("linky.power", "VA", &[("field", "apparent_power")]),
        subscribed: site.number("linky.subscribed", "kVA", &[("field", "subscribed_power")]),
        energy: site.number("linky.energy", "kWh", &[("field", "energy_total")]),
        period: site.words("linky.period", &PERIODS, &[("field", "period")]),
        colour: site.words("linky.colour", &COLOURS, &[("field", "tempo_colour")]),
        tomorrow: site.words("linky.tomorrow", &COLOURS, &[("field", "tempo_colour_tomorrow")]),
        site,
    }
}

#[test]
fn both_modes_say_the_same_words_at_the_speed_of_their_line() {
    let historical = [
        ("ADCO", "012345678901"),
        ("OPTARIF", "BBR("),
        ("ISOUSC", "30"),
        ("BBRHCJB", "001000000"),
        ("BBRHPJB", "002000000"),
        ("BBRHCJW", "000300000"),
        ("BBRHPJW", "000400000"),
        ("BBRHCJR", "000050000"),
        ("BBRHPJR", "000060000"),
        ("PTEC", "HCJW"),
        ("DEMAIN", "ROUG"),
        ("IINST", "012"),
        ("PAPP", "02740"),
    ];
    let standard = [
        ("DATE", "E250714074553|"),
        ("LTARF", "    HC  BLANC   "),
        ("EAST", "003810000"),
        ("PREF", "06"),
        ("STGE", "0E3A0001"),
        ("SINSTS", "02740"),
    ];
    for (mode, groups) in [(Mode::Historical, &historical[..]), (Mode::Standard, &standard[..])] {
        let line = Line::new(mode.as_str());
        let house = house(line.path(), &[("mode", mode.as_str())]);
        let running = Running::start(house.site.open());
        running.wait_link(true, 0);
        line.send(&frame(mode, groups), u64::from(mode.baud()));
        for (point, value) in [
            (house.power, base(2740.0)),
            (house.subscribed, base(6000.0)),
            (house.energy, base(3_810_000.0)),
            (house.period, Some(Value::Word(1))),
            (house.colour, Some(Value::Word(1))),
            (house.tomorrow, Some(Value::Word(2))),
        ] {
            running.wait_last(point, value, Quality::Good);
        }
        let counters = running.handle.counters();
        assert_eq!((counters.good, counters.bad), (groups.len() as u64, 0));
        let heard = running.wait("everything", |_| true);
        let clock = heard.reports.iter().find_map(|report| match report {
            Report::WallClock { utc, .. } => Some(*utc),
            _ => None,
        });
        let expected = (mode == Mode::Standard).then(|| Utc::from_millis(1_752_471_953_000));
        assert_eq!(clock, expected, "2025-07-14T05:45:53Z");
    }
}

#[test]
fn a_port_that_disappears_and_comes_back() {
    let mut line = Line::new("gone");
    let house = house(line.path(), &[]);
    let running = Running::start(house.site.open());
    let reports = running.wait_link(true, 0);
    let said = |value: &str| frame(Mode::Standard, &[("SINSTS", value)]);
    line.send(&said("00100"), 9600);
    running.wait_last(house.power, base(100.0), Quality::Good);
    // Half a group, then nothing: it must not be joined with what comes afterwards.
    let half = said("00200");
    line.send(&half[..half.len() - 4], 9600);
    line.pull_out();
    let reports = running.wait_link(false, reports);
    running.wait_offline(house.power);
    line.plug_in();
    running.wait_link(true, reports);
    line.send(&half[half.len() - 4..], 9600);
    line.send(&said("00300"), 9600);
    running.wait_last(house.power, base(300.0), Quality::Good);
    let heard = running.wait("everything", |_| true);
    assert!(heard.samples.iter().all(|sample| sample.value != base(200.0)));
    assert_eq!(running.handle.counters().connects, 2);
}

#[test]
fn damage_costs_the_group_it_hits() {
    let line = Line::new("damage");
    let house = house(line.path(), &[("mode", "historical")]);
    let running = Running::start(house.site.open());
    running.wait_link(true, 0);
    let mut stream = frame(Mode::Historical, &[("IINST", "002"), ("PAPP", "00100"), ("PTEC", "HC..")]);
    let place = stream.windows(5).position(|five| five == [b'0', b'0', b'1' | 0x80, b'0', b'0']).unwrap();
    stream[place + 3] ^= 0x01;
    line.send(&stream, 1200);
    running.wait_last(house.period, Some(Value::Word(1)), Quality::Good);
    let heard = running.wait("everything", |_| true);
    assert!(heard.samples.iter().all(|sample| sample.point != house.power));
    let counters = running.handle.counters();
    assert_eq!((counters.good, counters.bad), (2, 1));
}

#[test]
fn a_word_that_is_not_known_is_no_value() {
    let line = Line::new("word");
    let house = house(line.path(), &[("mode", "standard")]);
    let running = Running::start(house.site.open());
    running.wait_link(true, 0);
    line.send(&frame(Mode::Standard, &[("LTARF", "MON TARIF A MOI ")]), 9600);
    running.wait_last(house.period, None, Quality::Bad(Reason::NotAValue));
}

/// The recorded meters, at the speed of their lines. They lie beside the repository.
#[test]
fn recorded_meters() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/tic");
    let meters = [
        ("continuous_linky_3P_historical_TIC_sample.bin", Mode::Historical, 300, 12_000.0),
        ("continuous_linky_1P_standard_TIC_sample.bin", Mode::Standard, 1000, 4000.0),
        ("historique_tri_ejp.bin", Mode::Historical, 600, 18_000.0),
        ("standard_mono_producteur.bin", Mode::Standard, 900, 3000.0),
    ];
    // Each on its own line at once: the lines are slow.
    std::thread::scope(|threads| {
        for (file, mode, bytes, subscribed) in meters {
            let path = folder.join(file);
            threads.spawn(move || match std::fs::read(&path) {
                Ok(recorded) => listen_to(file, mode, recorded.iter().take(bytes), subscribed),
                Err(_) => eprintln!("skipped: {} is not there", path.display()),
            });
        }
    });
}

fn listen_to<'a>(file: &str, mode: Mode, recorded: impl Iterator<Item = &'a u8>, subscribed: f64) {
    let line = Line::new(file);
    let house = house(line.path(), &[("mode", mode.as_str())]);
    let running = Running::start(house.site.open());
    running.wait_link(true, 0);
    let recorded: Vec<u8> = recorded.map(|byte| with_parity(*byte)).collect();
    line.send(&recorded, u64::from(mode.baud()));
    running.wait_last(house.subscribed, base(subscribed), Quality::Good);
    let heard = running.wait("everything", |_| true);
    let is_good = |sample: &Sample| sample.quality.is_good() || sample.point == house.period;
    assert!(heard.samples.iter().all(is_good));
    assert!(running.handle.counters().good > 10, "{file}");
    assert_eq!(running.handle.counters().bad, 0, "{file}");
}

#[test]
fn a_line_that_is_not_understood_is_tried_at_its_other_speed() {
    let line = Line::new("speed");
    let house = house(line.path(), &[]);
    let running = Running::start(house.site.open());
    running.wait_link(true, 0);
    let deadline = Instant::now() + PATIENCE;
    while running.handle.counters().speed_trials == 0 {
        assert!(Instant::now() < deadline, "still at its first speed");
        line.send(b"\xf5\x12\xf5\x12\xf5\x12\xf5\x12\xf5\x12\xf5\x12", 1200);
    }
    line.send(&frame(Mode::Historical, &[("PAPP", "00540")]), 1200);
    running.wait_last(house.power, base(540.0), Quality::Good);
}

#[test]
fn a_pipe_and_a_recording_are_lines_too() {
    let stream = frame(Mode::Standard, &[("SINSTS", "00777")]);
    let name = |kind: &str| std::env::temp_dir().join(format!("ballast-tic-{}-{kind}", std::process::id()));
    let (pipe, recording) = (name("pipe"), name("recording"));
    nix::unistd::mkfifo(&pipe, Rights::S_IRWXU).unwrap();
    std::fs::write(&recording, &stream).unwrap();
    for path in [&pipe, &recording] {
        let house = house(path.to_str().unwrap(), &[("mode", "standard")]);
        let running = Running::start(house.site.open());
        running.wait_link(true, 0);
        if path == &pipe {
            std::fs::write(path, &stream).unwrap();
        }
        running.wait_last(house.power, base(777.0), Quality::Good);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_port_that_is_not_there() {
    let house = house("/nowhere/ttyUSB0", &[]);
    let running = Running::start(house.site.open());
    running.wait_link(false, 0);
    running.wait_offline(house.power);
}
