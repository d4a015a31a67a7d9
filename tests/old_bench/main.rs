//! A battery bench whose first program could do harm, each of its defects as a test.
//!
//! A 12 V battery, a charger, a mains supply and consumers on three relays, with a thermometer, a voltmeter and an ammeter. Every
//! test plays the same minutes twice: to the first program, as far as it is needed here ([`old`]), and to a site of Ballast
//! ([`bench`]) with its real files, rules, guard and drivers. What is asked of both is the same sentence about circuits and
//! readings; Ballast keeps it, the first program does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failing test is its own message"
)]

mod bench;
mod old;

use bench::Ballast;
use old::Old;

/// What the sensors say at a second, as they publish it; `None`: nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sensors {
    temperature: Option<&'static str>,
    voltage: Option<&'static str>,
    current: Option<&'static str>,
}

/// A calm bench. The last digit of a living thermometer moves.
fn calm(second: u32) -> Sensors {
    let temperature = if second.is_multiple_of(20) { "24.9" } else { "25.0" };
    Sensors { temperature: Some(temperature), voltage: Some("12.6"), current: Some("0.5") }
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Another mode of the bench.
    Mode(&'static str),
    /// The charger by hand.
    CloseCharger,
    /// Somebody has looked at the battery.
    Reset,
}

/// The circuits of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circuits {
    /// 230 V to the consumers.
    mains: bool,
    /// The battery to its charger, and in the old wiring to the consumers as well.
    charger: bool,
    /// Both sources to the consumers.
    consumers: bool,
}

impl Circuits {
    fn serve(self) -> bool {
        self.consumers && (self.mains || self.charger)
    }
}

/// The bench at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    second: u32,
    circuits: Circuits,
    /// The battery's current as whoever decides knows it, A; `None`: unknown.
    current: Option<f64>,
}

/// One who has the bench.
pub(crate) trait Controller {
    /// A second: what the sensors say, and then every moment at which a circuit changed, and the end of the second.
    fn second(&mut self, second: u32, sensors: Sensors) -> Vec<Moment>;
    fn person(&mut self, act: Act);
    /// The computer is switched off: what the relays make of it.
    fn switched_off(&self) -> Circuits;
}

/// Plays so many seconds; every moment.
fn play(
    controller: &mut dyn Controller,
    seconds: u32,
    sensors: impl Fn(u32) -> Sensors,
    acts: &[(u32, Act)],
) -> Vec<Moment> {
    let mut moments = Vec::new();
    for second in 0..seconds {
        acts.iter().filter(|(at, _)| *at == second).for_each(|(_, act)| controller.person(*act));
        moments.extend(controller.second(second, sensors(second)));
    }
    moments
}

/// Ballast keeps the sentence, the first program does not.
fn compare(
    mut old: Old,
    seconds: u32,
    sensors: impl Fn(u32) -> Sensors,
    acts: &[(u32, Act)],
    holds: impl Fn(&[Moment]) -> Result<(), String>,
) {
    let mut ballast = Ballast::new();
    let moments = play(&mut ballast, seconds, &sensors, acts);
    if let Err(text) = holds(&moments) {
        panic!("Ballast: {text}\n{:#?}", ballast.log());
    }
    let moments = play(&mut old, seconds, &sensors, acts);
    assert!(holds(&moments).is_err(), "what the first program did must not pass");
}

/// The charger was closed at some time before `from`, and is open from `from` to `to`.
fn charger_is_open(moments: &[Moment], from: u32, to: u32) -> Result<(), String> {
    if !moments.iter().any(|moment| moment.second < from && moment.circuits.charger) {
        return Err("the charger was never closed".into());
    }
    let closed = moments.iter().find(|moment| (from..to).contains(&moment.second) && moment.circuits.charger);
    closed.map_or(Ok(()), |moment| Err(format!("the charger is closed: {moment:?}")))
}

/// The old program put a number in place of every reading of its thermometer: the cut at 60 °C could not come. A battery that
/// becomes hot is cut within two seconds here: a reading a second, and one second until the consumers have the mains.
#[test]
fn a_hot_battery_is_cut_whatever_the_temperature_was_yesterday() {
    let sensors = |second| match second {
        0..30 => calm(second),
        _ => Sensors { temperature: Some("61.0"), ..calm(second) },
    };
    compare(Old::as_it_was(), 90, sensors, &[], |moments| charger_is_open(moments, 32, 90));
}

/// The same number from a thermometer whose last digit has stopped moving is not believed for ever either: after the
/// five minutes of its `stuck_after`, it counts as a sensor that is missing.
#[test]
fn a_temperature_that_stands_still_is_no_temperature() {
    let sensors = |second| match second {
        0..30 => calm(second),
        _ => Sensors { temperature: Some("30.0"), ..calm(second) },
    };
    compare(Old::with_a_real_thermometer(), 400, sensors, &[], |moments| charger_is_open(moments, 332, 400));
}

/// The old program looked at the temperature in its automatic modes only. Here a person may close the charger in any mode, and
/// the limit stands above the person.
#[test]
fn a_hot_battery_is_cut_in_manual_mode_too() {
    let sensors = |second| match second {
        0..60 => calm(second),
        _ => Sensors { temperature: Some("61.0"), ..calm(second) },
    };
    let acts = [(10, Act::Mode("manual")), (15, Act::CloseCharger), (80, Act::CloseCharger)];
    compare(Old::with_a_real_thermometer(), 180, sensors, &acts, |moments| {
        let by_hand = moments.iter().any(|moment| moment.second == 20 && moment.circuits.charger);
        if !by_hand {
            return Err("the hand did not close it".into());
        }
        charger_is_open(moments, 62, 180)
    });
}

/// The old program opened all three relays. Here the consumers get the mains first, and then the charger goes.
#[test]
fn a_hot_battery_does_not_put_the_consumers_in_the_dark() {
    let sensors = |second| match second {
        0..60 => calm(second),
        _ => Sensors { temperature: Some("61.0"), ..calm(second) },
    };
    let acts = [(10, Act::Mode("conso"))];
    compare(Old::with_a_real_thermometer(), 120, sensors, &acts, |moments| {
        let on_battery = moments.iter().any(|moment| moment.second == 50 && !moment.circuits.mains);
        if !on_battery {
            return Err("the consumers were not on the battery".into());
        }
        if let Some(dark) = moments.iter().find(|moment| moment.second > 0 && !moment.circuits.serve()) {
            return Err(format!("nobody is served: {dark:?}"));
        }
        charger_is_open(moments, 62, 120)
    });
}

/// The old program closed again at the first reading below the limit, and cut again at the next one above. Here a trip stays
/// until a person has looked, and after that the charger may close.
#[test]
fn a_trip_stays_until_somebody_has_looked() {
    let sensors = |second| match second {
        30..40 => Sensors { temperature: Some("61.0"), ..calm(second) },
        _ => calm(second),
    };
    let acts = [(600, Act::Reset)];
    compare(Old::with_a_real_thermometer(), 660, sensors, &acts, |moments| {
        charger_is_open(moments, 32, 600)?;
        let is_back = moments.last().is_some_and(|moment| moment.circuits.charger);
        if is_back { Ok(()) } else { Err("nothing closes it after the reset".into()) }
    });
}

/// A reading of the old program that failed was passed on as if it were one, and nothing came of it. Here a word that is no
/// number is no temperature at once, and a thermometer that says nothing is none after its `max_age`.
#[test]
fn a_missing_thermometer_is_a_hot_battery() {
    for payload in [None, Some("nan"), Some("None"), Some("")] {
        let sensors = |second| match second {
            0..30 => calm(second),
            _ => Sensors { temperature: payload, ..calm(second) },
        };
        compare(Old::with_a_real_thermometer(), 120, sensors, &[], |moments| {
            charger_is_open(moments, 42, 120)
        });
    }
}

/// A thermometer that never said anything lets nothing begin.
#[test]
fn a_thermometer_that_was_never_there_keeps_the_charger_open() {
    let mut ballast = Ballast::new();
    let mut old = Old::with_a_real_thermometer();
    let sensors = |second| Sensors { temperature: None, ..calm(second) };
    let is_closed = |moment: &Moment| moment.circuits.charger;
    assert!(!play(&mut ballast, 120, sensors, &[]).iter().any(is_closed), "{:#?}", ballast.log());
    assert!(play(&mut old, 120, sensors, &[]).iter().any(is_closed));
}

/// The old program took the absolute value of everything it read: a battery that gave looked like one that was charged. Here
/// the sign is kept from the sensor on, and what leans on it acts: a battery that gives too much is relieved by the mains,
/// and one that takes too much is cut.
#[test]
fn a_current_out_of_the_battery_is_not_one_into_it() {
    let acts = [(10, Act::Mode("conso"))];
    let gives = |second| Sensors { current: Some(if second < 60 { "-2.0" } else { "-5.0" }), ..calm(second) };
    compare(Old::with_a_real_thermometer(), 120, gives, &acts, |moments| {
        if moments
            .iter()
            .any(|moment| moment.second > 1 && moment.current.is_none_or(|current| current > 0.0))
        {
            return Err("the battery gives, and is said to take".into());
        }
        let before = moments.iter().any(|moment| moment.second == 59 && !moment.circuits.mains);
        let after = moments.last().is_some_and(|moment| moment.circuits.mains && moment.circuits.charger);
        if before && after { Ok(()) } else { Err("the mains do not relieve it".into()) }
    });
    let takes = |second| Sensors { current: Some(if second < 60 { "2.0" } else { "5.0" }), ..calm(second) };
    let mut ballast = Ballast::new();
    charger_is_open(&play(&mut ballast, 120, takes, &[]), 62, 120).unwrap();
}

/// In the old program "closed" meant a coil without current, also of the charger: whoever switched the computer off began to
/// charge. Here the wiring stands in the site, the safe state of each output has to agree with it, and what moves a
/// coil is worked out from both.
#[test]
fn without_power_the_charger_is_open_and_the_consumers_are_served() {
    let rests = |controller: &mut dyn Controller| {
        play(controller, 30, calm, &[]);
        let rest = controller.switched_off();
        rest.serve() && rest.mains && !rest.charger
    };
    assert!(rests(&mut Ballast::new()));
    assert!(!rests(&mut Old::as_it_was()));
    // The old wiring under the safe states of today is a mistake of the site.
    let refused =
        bench::mistakes("charger: { file: gpio-relay, bus: board, with: { line: 13, at_rest: closed } }");
    assert!(refused.contains("error[safety::wiring]"), "{refused}");
    assert!(refused.contains("without power this circuit is closed"), "{refused}");
}
