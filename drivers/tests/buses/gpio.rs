//! Pins: on a chip in memory, which behaves as the kernel does where it matters; and on a chip of the kernel, where the
//! machine has one to try with.

use crate::permits::Leaves;
use crate::support::{Running, Site, base};
use ballast_drivers::bus::{LineName, Pinboard};
use ballast_drivers::{Clock, Report, WriteResult};
use ballast_model::catalog::{Kind, OutputKind};
use ballast_model::{OutputId, Quality, Reason, Span, Unit, Value, Wanted};

const CHIP: &[(&str, &str)] = &[("chip", "gpiochip0")];
/// Each library with the keys by which a bus asks for it. On a chip in memory they must not differ.
const BOTH: [&[(&str, &str)]; 2] = [CHIP, &[("library", "rppal")]];
const BIAS: (&str, &str) = ("bias", "pull_up");

fn line(number: u32) -> LineName {
    LineName::Number(number)
}

fn check(site: &Site, expected: &[&str]) {
    let found = site.mistakes();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "`{found}` and not `{expected}`");
    }
}

/// A bus on a chip in memory, running.
fn start(site: &Site, board: &Pinboard) -> Running {
    let mut bus = site.open();
    bus.solder(board);
    Running::start(bus)
}

fn write(running: &Running, leaves: &mut Leaves, output: OutputId, wanted: Wanted) -> WriteResult {
    let permit = leaves.permit(running.clock.now(), output, wanted);
    let counter = permit.counter();
    running.handle.apply(permit).unwrap();
    let result = |report: &Report| match report {
        Report::Written { output: told, counter: of, result, .. } if *told == output && *of == counter => {
            Some(*result)
        }
        _ => None,
    };
    let heard = running
        .wait("what became of it", |heard| heard.reports.iter().any(|report| result(report).is_some()));
    heard.reports.iter().find_map(result).unwrap()
}

fn last_reach(reports: &[Report], output: OutputId) -> Option<bool> {
    reports.iter().rev().find_map(|report| match report {
        Report::Reach { output: found, is_there, .. } if *found == output => Some(*is_there),
        _ => None,
    })
}

fn last_actual(reports: &[Report], output: OutputId) -> Option<(Option<Wanted>, Quality)> {
    reports.iter().rev().find_map(|report| match report {
        Report::Actual { output: found, actual, quality, .. } if *found == output => {
            Some((*actual, *quality))
        }
        _ => None,
    })
}

#[test]
fn every_mistake_of_a_bus_of_pins_is_told() {
    let mut site = Site::new("gpio", &[("chp", "gpiochip0")]);
    site.kind("a.a", Kind::Flag, &[]);
    site.kind("a.b", Kind::Flag, &[("line", "1x"), ("active_low", "maybe"), ("bias", "up")]);
    site.kind("a.c", Kind::Flag, &[("line", "2"), ("debounce", "20"), ("reads", "levels")]);
    site.kind("a.d", Kind::Flag, &[("line", "3"), ("debounce", "2 h"), ("pulses", "1 per L")]);
    site.number("a.e", "W", &[("line", "4")]);
    site.number("a.f", "W", &[("line", "5"), ("reads", "rate")]);
    site.number("a.g", "W", &[("line", "6"), ("reads", "count"), ("pulses", "1000 per kWh")]);
    site.number("a.h", "Wh", &[("line", "7"), ("reads", "count"), ("pulses", "0 per kWh")]);
    site.kind("a.i", Kind::Flag, &[("line", "8"), ("reads", "count")]);
    site.number("a.j", "Wh", &[("line", "9"), ("reads", "count"), ("pulses", "1000 per kWh")]);
    site.kind("a.k", Kind::Flag, &[("line", "9")]);
    site.output("b", OutputKind::Contact, &[("line", "9"), ("closed", "high")]);
    site.output("c", OutputKind::Contact, &[("line", "10"), ("at_rest", "off"), ("drive", "hard")]);
    site.output("d", OutputKind::Setpoint(Unit::parse("W").unwrap()), &[("line", "11")]);
    check(
        &site,
        &[
            "a bus of the driver `gpio` has no key `chp`",
            "an output of the driver `gpio` has no key `closed`",
            "a bus of pins needs `chip`",
            "a point of a pin needs `line`",
            "`1x` is neither a number nor a name",
            "`active_low` cannot be `maybe`",
            "`bias` cannot be `up`",
            "`reads` cannot be `levels`",
            "`20` is not a length of time",
            "no contact bounces for more than a minute",
            "a level has no pulses",
            "a level is no number",
            "pulses make a frequency here, and the point is an active power",
            "pulses make an energy here, and the point is an active power",
            "`0 per kWh` does not say what a pulse is worth",
            "counts and rates are numbers",
            "another point reads line 9 in another way",
            "line 9 belongs to somebody else already",
            "`drive` cannot be `hard`",
            "`at_rest` cannot be `off`",
            "a pin is active or not",
        ],
    );
}

#[test]
fn a_contact_is_told_when_it_moves() {
    for keys in BOTH {
        let board = Pinboard::new();
        board.set(&line(4), true, 0);
        let mut site = Site::new("gpio", keys);
        let own = [("line", "4"), ("active_low", "yes"), ("debounce", "5 ms"), BIAS];
        let closed = site.kind("it.closed", Kind::Flag, &own);
        let state = site.words(
            "it.door",
            &["shut", "ajar"],
            &[own[0], own[1], own[2], BIAS, ("map", "0 = shut, 1 = ajar")],
        );
        let running = start(&site, &board);
        running.wait_last(closed, Some(Value::Flag(false)), Quality::Good);
        running.wait_last(state, Some(Value::Word(0)), Quality::Good);
        board.set(&line(4), false, 1);
        running.wait_last(closed, Some(Value::Flag(true)), Quality::Good);
        running.wait_last(state, Some(Value::Word(1)), Quality::Good);
        // Without a change it is told once in a period.
        let before = running.wait("values", |_| true).samples.len();
        running.wait("the same again", |heard| heard.samples.len() >= before + 4);
    }
}

#[test]
fn pulses_become_energy_power_and_flow() {
    for keys in BOTH {
        let board = Pinboard::new();
        let mut site = Site::new("gpio", keys);
        let meter = [("line", "4"), ("pulses", "500 per kWh")];
        let energy = site.number("it.energy", "kWh", &[meter[0], meter[1], BIAS, ("reads", "count")]);
        let power = site.number("it.power", "kW", &[meter[0], meter[1], BIAS, ("reads", "rate")]);
        let water = [("line", "5"), ("pulses", "2 per L")];
        let volume = site.number("it.volume", "m³", &[water[0], water[1], BIAS, ("reads", "count")]);
        let flow = site.number("it.flow", "L/min", &[water[0], water[1], BIAS, ("reads", "rate")]);
        let fan =
            site.number("it.fan", "Hz", &[("line", "6"), BIAS, ("reads", "rate"), ("zero_after", "30 ms")]);
        let running = start(&site, &board);
        running.wait_last(energy, base(0.0), Quality::Good);
        // Nothing is known of the power before two pulses; of the fan, nothing came for long enough.
        running.wait_last(fan, base(0.0), Quality::Good);
        let heard = running.wait("values", |_| true);
        assert!(heard.samples.iter().all(|sample| sample.point != power && sample.point != flow));
        for pulse in 0..5_u64 {
            board.set(&line(4), true, pulse * 900_000_000);
            board.set(&line(4), false, pulse * 900_000_000 + 100);
            board.set(&line(5), true, pulse * 500_000_000);
            board.set(&line(5), false, pulse * 500_000_000 + 100);
        }
        running.wait_last(energy, base(10.0), Quality::Good);
        running.wait_last(volume, base(2.5), Quality::Good);
        // 2 Wh in 0.9 s; half a litre in half a second.
        let said = |point, value: f64| {
            let is_it = |sample: &ballast_model::Sample| match sample.value {
                Some(Value::Number(found)) => {
                    sample.point == point && (found.get() / value - 1.0).abs() < 1e-9
                }
                _ => false,
            };
            running.wait("a rate", |heard| heard.samples.iter().any(is_it));
        };
        said(power, 8000.0);
        said(flow, 60.0);
    }
}

#[test]
fn a_relay_is_taken_with_the_value_of_its_first_permit() {
    for keys in BOTH {
        let board = Pinboard::new();
        board.set(&line(17), true, 0);
        let mut site = Site::new("gpio", keys);
        let relay = site.output("relay", OutputKind::Contact, &[("line", "17"), ("active_low", "yes")]);
        let fan = site.output("fan", OutputKind::Contact, &[("line", "18"), ("at_rest", "closed")]);
        let running = start(&site, &board);
        running.wait("reach", |heard| last_reach(&heard.reports, fan) == Some(true));
        // Nothing is done to a line of which nobody said what it shall be, and nothing is said of it.
        let heard = running.wait("reach", |heard| last_reach(&heard.reports, relay) == Some(true));
        assert!(board.history().is_empty() && last_actual(&heard.reports, relay).is_none());
        let mut leaves = Leaves::new(&site.catalog, running.clock.now());
        for wanted in [Wanted::CLOSED, Wanted::OPEN] {
            assert_eq!(write(&running, &mut leaves, relay, wanted), WriteResult::Done);
            assert_eq!(write(&running, &mut leaves, fan, wanted), WriteResult::Done);
        }
        // Low pulls the one, and the other's load hangs at the contact that is closed without current.
        let expected = [
            (line(17), true, false),
            (line(18), true, false),
            (line(17), false, true),
            (line(18), false, true),
        ];
        assert_eq!(board.history(), expected);
        for (output, wanted) in [(relay, Wanted::OPEN), (fan, Wanted::OPEN)] {
            running.wait("its state", |heard| {
                last_actual(&heard.reports, output) == Some((Some(wanted), Quality::Good))
            });
        }
        // Something else pulls the line: the output says so.
        board.set(&line(17), false, 0);
        running.wait("the outside hand", |heard| {
            last_actual(&heard.reports, relay) == Some((Some(Wanted::CLOSED), Quality::Good))
        });
    }
}

#[test]
fn a_line_that_somebody_else_has_costs_the_others_nothing() {
    for keys in BOTH {
        let board = Pinboard::new();
        board.set_busy(&line(4), Some("gpio-fan"));
        board.set_busy(&line(17), Some("led0"));
        let mut site = Site::new("gpio", keys);
        let taken = site.kind("it.taken", Kind::Flag, &[("line", "4"), BIAS]);
        let free = site.kind("it.free", Kind::Flag, &[("line", "5"), BIAS]);
        let relay = site.output("relay", OutputKind::Contact, &[("line", "17")]);
        let other = site.output("other", OutputKind::Contact, &[("line", "18")]);
        let running = start(&site, &board);
        running.wait_last(free, Some(Value::Flag(false)), Quality::Good);
        running.wait_last(taken, None, Quality::Bad(Reason::Offline));
        let heard = running.wait("the link", |heard| {
            heard.reports.iter().any(|report| matches!(report, Report::Link { is_up: false, .. }))
        });
        let said = heard.reports.iter().find_map(|report| match report {
            Report::Link { is_up: false, text, .. } => Some(text.to_string()),
            _ => None,
        });
        assert_eq!(said.as_deref(), Some("line 4 is in use by `gpio-fan`; line 17 is in use by `led0`"));
        running.wait("reach", |heard| last_reach(&heard.reports, relay) == Some(false));
        let mut leaves = Leaves::new(&site.catalog, running.clock.now());
        assert_eq!(write(&running, &mut leaves, relay, Wanted::CLOSED), WriteResult::Offline);
        assert_eq!(write(&running, &mut leaves, other, Wanted::CLOSED), WriteResult::Done);
        assert_eq!(board.history(), [(line(18), true, true)]);
        board.set_busy(&line(4), None);
        board.set_busy(&line(17), None);
        running.wait_last(taken, Some(Value::Flag(false)), Quality::Good);
        running.wait("its return", |heard| last_reach(&heard.reports, relay) == Some(true));
        assert_eq!(write(&running, &mut leaves, relay, Wanted::OPEN), WriteResult::Done);
    }
}

#[test]
fn a_chip_that_is_pulled_out_takes_everything_with_it_and_comes_back() {
    for keys in BOTH {
        let board = Pinboard::new();
        let mut site = Site::new("gpio", keys);
        let input = site.kind("it.input", Kind::Flag, &[("line", "4"), BIAS]);
        let relay = site.output("relay", OutputKind::Contact, &[("line", "17")]);
        let running = start(&site, &board);
        let mut leaves = Leaves::new(&site.catalog, running.clock.now());
        running.wait_last(input, Some(Value::Flag(false)), Quality::Good);
        assert_eq!(write(&running, &mut leaves, relay, Wanted::CLOSED), WriteResult::Done);
        board.set_absent(true);
        running.wait_offline(input);
        running.wait("word of the output", |heard| {
            last_reach(&heard.reports, relay) == Some(false)
                && last_actual(&heard.reports, relay) == Some((None, Quality::Bad(Reason::Offline)))
        });
        assert_eq!(write(&running, &mut leaves, relay, Wanted::OPEN), WriteResult::Offline);
        board.set_absent(false);
        running.wait_last(input, Some(Value::Flag(false)), Quality::Good);
        running.wait("its return", |heard| last_reach(&heard.reports, relay) == Some(true));
        // It is taken anew, with what is wanted now.
        assert_eq!(write(&running, &mut leaves, relay, Wanted::CLOSED), WriteResult::Done);
        assert_eq!(board.history().last(), Some(&(line(17), true, true)));
    }
}

#[test]
fn a_bus_that_takes_the_place_of_another_takes_its_outputs_as_they_are() {
    for keys in BOTH {
        let board = Pinboard::new();
        let mut site = Site::new("gpio", keys);
        let relay = site.output("relay", OutputKind::Contact, &[("line", "17")]);
        let gone = site.output("gone", OutputKind::Contact, &[("line", "18")]);
        let first = start(&site, &board);
        let mut leaves = Leaves::new(&site.catalog, first.clock.now());
        for output in [relay, gone] {
            assert_eq!(write(&first, &mut leaves, output, Wanted::CLOSED), WriteResult::Done);
        }
        let (ended, rest) = first.stop();
        let second = start(&site, &board);
        let mut leaves = Leaves::new(&site.catalog, second.clock.now());
        assert_eq!(write(&second, &mut leaves, relay, Wanted::CLOSED), WriteResult::Done);
        // Neither was let go of in between, nor taken anew.
        assert_eq!(
            board.history(),
            [(line(17), true, true), (line(18), true, true), (line(17), false, true)]
        );
        // What nobody tells any more is let go of.
        let deadline = std::time::Instant::now() + crate::support::PATIENCE;
        while !ended.is_finished() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(board.is_high(&line(17)) && !board.is_high(&line(18)));
        drop(rest);
    }
}

#[test]
fn more_edges_than_anybody_reads_are_counted_all_the_same() {
    for keys in BOTH {
        let board = Pinboard::new();
        let mut site = Site::new("gpio", keys);
        let count = site.number("it.count", "", &[("line", "4"), BIAS, ("reads", "count")]);
        let running = start(&site, &board);
        running.wait_last(count, base(0.0), Quality::Good);
        // The shell takes nothing for a while: the chip's own memory of edges overflows.
        running.set_full(true);
        for pulse in 0..500_u64 {
            board.set(&line(4), true, pulse * 1000);
            board.set(&line(4), false, pulse * 1000 + 500);
        }
        running.set_full(false);
        running.wait_last(count, base(500.0), Quality::Good);
    }
}

#[test]
fn what_rppal_cannot_do_is_a_mistake() {
    let mut site = Site::new("gpio", &[("library", "rppal"), ("chip", "gpiochip0")]);
    site.kind("a.a", Kind::Flag, &[("line", "4")]);
    site.kind("a.b", Kind::Flag, &[("line", "ID_SDA"), BIAS]);
    site.kind("a.c", Kind::Flag, &[("line", "GPIO17"), BIAS]);
    site.kind("a.d", Kind::Flag, &[("line", "17"), ("bias", "pull_down")]);
    site.output("b", OutputKind::Contact, &[("line", "GPIO17")]);
    site.output("c", OutputKind::Contact, &[("line", "18"), BIAS, ("drive", "open_drain")]);
    site.output("d", OutputKind::Contact, &[("line", "19")]);
    site.reverts_after("d", Some(Span::from_secs(30)));
    check(
        &site,
        &[
            "rppal has the pins of the Raspberry Pi itself and no other chip",
            "rppal cannot leave the resistor at a pin as the board has it",
            "rppal knows lines by their numbers and not `ID_SDA`",
            "another point reads line 17 in another way",
            "line 17 belongs to somebody else already",
            "rppal sets no resistor at an output",
            "rppal drives a line high and low",
            "`reverts_after` would be no truth here",
        ],
    );
    // Of the kernel's own lines all of it can be said.
    let mut site = Site::new("gpio", CHIP);
    site.kind("a.a", Kind::Flag, &[("line", "ID_SDA")]);
    site.output("c", OutputKind::Contact, &[("line", "18"), BIAS, ("drive", "open_drain")]);
    site.reverts_after("c", Some(Span::from_secs(30)));
    check(&site, &[]);
    check(&Site::new("gpio", &[("library", "pigpio")]), &["`library` cannot be `pigpio`", "needs `chip`"]);
}

#[test]
fn a_machine_that_is_no_raspberry_pi_is_refused_in_words() {
    let board = std::fs::read_to_string("/sys/firmware/devicetree/base/compatible").unwrap_or_default();
    if board.contains("raspberrypi,") {
        eprintln!("skipped: rppal's refusal: this machine is a Raspberry Pi");
        return;
    }
    let mut site = Site::new("gpio", &[("library", "rppal")]);
    let input = site.kind("it.input", Kind::Flag, &[("line", "4"), BIAS]);
    let relay = site.output("relay", OutputKind::Contact, &[("line", "17")]);
    let running = Running::start(site.open());
    let heard = running.wait("word of it", |heard| {
        heard.reports.iter().any(|report| matches!(report, Report::Link { is_up: false, .. }))
    });
    let is_said = heard.reports.iter().any(|report| {
        let begins = "this machine is no Raspberry Pi that the library rppal knows; without `library`";
        matches!(report, Report::Link { text, .. } if text.starts_with(begins))
    });
    assert!(is_said, "{:?}", heard.reports);
    running.wait_last(input, None, Quality::Bad(Reason::Offline));
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    assert_eq!(write(&running, &mut leaves, relay, Wanted::CLOSED), WriteResult::Offline);
}

#[test]
fn no_chip_is_said_in_words() {
    let mut site = Site::new("gpio", &[("chip", "pinctrl-of-nowhere")]);
    let input = site.kind("it.input", Kind::Flag, &[("line", "4")]);
    let relay = site.output("relay", OutputKind::Contact, &[("line", "17")]);
    let running = Running::start(site.open());
    let heard = running.wait("word of it", |heard| {
        heard.reports.iter().any(|report| matches!(report, Report::Link { is_up: false, .. }))
    });
    let is_said = heard.reports.iter().any(|report| {
        matches!(report, Report::Link { text, .. } if text.starts_with("there is no chip `pinctrl-of-nowhere`; th"))
    });
    assert!(is_said, "{:?}", heard.reports);
    running.wait_last(input, None, Quality::Bad(Reason::Offline));
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    assert_eq!(write(&running, &mut leaves, relay, Wanted::CLOSED), WriteResult::Offline);
}

/// A chip of `gpio-sim` with at least two lines that may be driven; its label begins with this.
const SIMULATED: &str = "gpio-sim";

#[test]
fn a_chip_of_the_kernel() {
    let folder = std::path::Path::new("/sys/bus/gpio/devices");
    let chips = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let simulated = chips.map(|entry| entry.path()).find(|path| {
        let uevent = std::fs::read_to_string(path.join("uevent")).unwrap_or_default();
        uevent.contains(SIMULATED) && uevent.contains("DEVNAME=gpiochip")
    });
    let Some(simulated) = simulated else {
        eprintln!("skipped: this machine has no simulated chip (modprobe gpio-sim, and configure one)");
        return;
    };
    let name = simulated.file_name().unwrap().to_string_lossy().into_owned();
    let mut site = Site::new("gpio", &[("chip", &name)]);
    let input =
        site.kind("it.input", Kind::Flag, &[("line", "0"), ("bias", "pull_up"), ("active_low", "yes")]);
    let relay = site.output("relay", OutputKind::Contact, &[("line", "1")]);
    let running = Running::start(site.open());
    running.wait_last(input, Some(Value::Flag(false)), Quality::Good);
    let mut leaves = Leaves::new(&site.catalog, running.clock.now());
    for wanted in [Wanted::CLOSED, Wanted::OPEN] {
        assert_eq!(write(&running, &mut leaves, relay, wanted), WriteResult::Done);
        running.wait("its state", |heard| {
            last_actual(&heard.reports, relay) == Some((Some(wanted), Quality::Good))
        });
    }
}
