//! The bus without a wire: a world, formulas and a table.

use crate::permits::Leaves;
use crate::support::{Running, Site, base};
use ballast_drivers::{Clock, Meaning, Report, World, WriteResult};
use ballast_model::catalog::{Kind, OutputKind};
use ballast_model::{Finite, Mono, Quality, Unit, Value, Wanted};

/// A load behind a contact: it draws what its setpoint says while it is closed.
#[derive(Default)]
struct Bench {
    closed: f64,
    level: f64,
    now: Option<Mono>,
}

impl World for Bench {
    fn reading(&self, name: &str) -> Option<(usize, Meaning)> {
        Some(match name {
            "load.power" => (0, Meaning::Number(Unit::parse("kW")?)),
            "load.contact" => (1, Meaning::Flag),
            "grid.mode" => (2, Meaning::Words(&["island", "connected"])),
            _ => return None,
        })
    }

    fn input(&self, name: &str) -> Option<(usize, Meaning)> {
        Some(match name {
            "load.closed" => (0, Meaning::Flag),
            "load.level" => (1, Meaning::Number(Unit::parse("kW")?)),
            _ => return None,
        })
    }

    fn advance(&mut self, now: Mono) {
        assert!(self.now.is_none_or(|last| last <= now));
        self.now = Some(now);
    }

    fn read(&mut self, reading: usize) -> Option<f64> {
        match reading {
            0 => Some(self.closed * self.level),
            1 => Some(self.closed),
            _ => self.now.map(|_| 1.0),
        }
    }

    fn set(&mut self, input: usize, value: f64) {
        if input == 0 { self.closed = value } else { self.level = value }
    }
}

#[test]
fn permits_move_a_world_and_its_points_tell() {
    let mut site = Site::new("sim", &[("plant", "bench")]);
    let power = site.number("load.power", "W", &[]);
    let mode = site.words("grid.mode", &["unknown", "island", "connected"], &[]);
    let closed = site.kind("load.closed_now", Kind::Flag, &[("from", "load.contact")]);
    let contact =
        site.output("load", OutputKind::Contact, &[("to", "load.closed"), ("actual", "load.contact")]);
    let level = site.output("load.level", OutputKind::Setpoint(Unit::parse("W").unwrap()), &[]);
    let mut bus = site.open();
    assert_eq!(bus.world(), Some("bench"));
    bus.join(Box::new(Bench::default())).unwrap();
    let running = Running::start(bus);
    running.wait_last(power, base(0.0), Quality::Good);
    running.wait_last(mode, Some(Value::Word(2)), Quality::Good);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    for (output, wanted) in [(level, Wanted::Level(Finite::new(1.5).unwrap())), (contact, Wanted::CLOSED)] {
        let permit = leaves.permit(running.clock.now(), output, wanted);
        let counter = permit.counter();
        running.handle.apply(permit).unwrap();
        assert_eq!(running.wait_written(counter), WriteResult::Done);
    }
    running.wait_last(power, base(1.5), Quality::Good);
    running.wait_last(closed, Some(Value::Flag(true)), Quality::Good);
    running.wait("the contact to say so", |heard| {
        heard.reports.iter().any(|report| {
            matches!(report, Report::Actual { output, actual: Some(Wanted::CLOSED), .. } if *output == contact)
        })
    });
}

#[test]
fn a_world_that_does_not_know_a_name_is_told_with_all_its_mistakes() {
    let mut site = Site::new("sim", &[("plant", "bench")]);
    site.number("load.powr", "W", &[]);
    site.number("load.power", "V", &[]);
    site.words("grid.mode", &["island"], &[]);
    site.output("load", OutputKind::Contact, &[("to", "load.level"), ("actual", "load.state")]);
    let mut bus = site.open();
    let mistakes = bus.join(Box::new(Bench::default())).unwrap_err();
    let texts: Vec<String> = mistakes.into_iter().map(|mistake| mistake.message).collect();
    assert_eq!(
        texts,
        [
            "the plant has no `load.powr`",
            "`load.power` is an active power in kW in the plant",
            "`grid.mode` is one of island, connected in the plant",
            "`load.level` is an active power in kW in the plant",
            "the plant has no `load.state`",
        ]
    );
}

#[test]
fn formulas_and_tables_need_no_world() {
    let file = std::env::temp_dir().join(format!("ballast-table-{}.csv", std::process::id()));
    std::fs::write(&file, "time,sun\n0,0\n0.05,800\n3600,0\n").unwrap();
    let path = file.to_string_lossy().into_owned();
    let mut site = Site::new("sim", &[("csv", &path)]);
    let voltage = site.number("a.voltage", "V", &[("formula", "230 + 0 * sine(20 s)")]);
    let sun = site.number("a.sun", "W/m²", &[("column", "sun")]);
    let square = site.number("a.square", "kW", &[("formula", "square(100 ms)"), ("scale", "2")]);
    let output = site.output("relay", OutputKind::Contact, &[]);
    let running = Running::start(site.open());
    std::fs::remove_file(&file).unwrap();
    running.wait_last(voltage, base(230.0), Quality::Good);
    running.wait_last(sun, base(800.0), Quality::Good);
    running.wait_last(square, base(2000.0), Quality::Good);
    running.wait_last(square, base(0.0), Quality::Good);
    // Nobody is behind the output: it remembers.
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    running.handle.apply(leaves.permit(running.clock.now(), output, Wanted::CLOSED)).unwrap();
    running.wait("its state", |heard| {
        heard
            .reports
            .iter()
            .any(|report| matches!(report, Report::Actual { actual: Some(Wanted::CLOSED), .. }))
    });
}
