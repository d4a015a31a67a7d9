//! What is so in the world, and the sensors that tell of it.

use super::dice::Dice;
use super::site::{BATTERY_HEAT, CURRENT, ENERGY, HERTZ, LEVEL, POINTS, POWER, SOC, TANK};
use super::tally::{Fault, Tally};
use ballast_model::sample::{Reason, Sample};
use ballast_model::{Finite, Mono, PointId, Span, Value};

/// How often each point is told, ms; as the site's file says.
const PERIODS_MS: [u64; POINTS] = [500, 500, 2_000, 4_000, 4_000, 2_000, 10_000, 2_000, 2_000];
/// How often it is told whether the generating set runs, ms.
const RUNNING_MS: u64 = 2_000;
/// A sensor that is slow tells so many times more rarely: some of its values then grow too old.
const SLOWER: u64 = 8;

/// What is so.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    values: [f64; POINTS],
    /// Where the frequency goes, Hz, and until when.
    dip: Option<(f64, Mono)>,
    /// Where charge (%/s) and temperature of the battery (K/s) go.
    drift: (f64, f64),
    drift_until: Mono,
    genset_started: Option<Mono>,
    is_calm: bool,
}

/// What of the outputs matters to the world.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effects {
    pub(super) heater: bool,
    pub(super) pump: bool,
    pub(super) genset: bool,
    /// Power of the loads that are connected, W.
    pub(super) load_w: f64,
}

/// What is so in the calm: outside of every hysteresis, so that only what is so now decides.
const CALM: [f64; POINTS] = [50.0, 50.0, 4_000.0, 25.0, 70.0, 66.5, 0.0, 85.0, 0.0];

impl Truth {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let mut values = CALM;
        values[SOC] = dice.between(10.0, 95.0);
        values[TANK] = dice.between(40.0, 78.0);
        values[LEVEL] = dice.between(20.0, 90.0);
        values[BATTERY_HEAT] = dice.between(15.0, 50.0);
        Self {
            values,
            dip: None,
            drift: (0.0, 0.0),
            drift_until: Mono::ZERO,
            genset_started: None,
            is_calm: false,
        }
    }

    pub(super) fn calm() -> Self {
        Self {
            values: CALM,
            dip: None,
            drift: (0.0, 0.0),
            drift_until: Mono::ZERO,
            genset_started: None,
            is_calm: true,
        }
    }

    /// From now on nothing moves but what outputs do.
    pub(super) fn calm_down(&mut self) {
        let energy = self.values[ENERGY];
        *self = Self { genset_started: self.genset_started, ..Self::calm() };
        self.values[ENERGY] = energy;
    }

    /// The frequency falls for a while.
    pub(super) fn fall(&mut self, hertz: f64, until: Mono) {
        self.dip = Some((hertz, until));
    }

    /// Goes on.
    pub(super) fn go_on(&mut self, now: Mono, by: Span, effects: Effects, dice: &mut Dice) {
        let seconds = by.secs_f64();
        self.genset_started = if effects.genset { self.genset_started.or(Some(now)) } else { None };
        self.values[CURRENT] = if effects.pump { 3.0 } else { 0.0 };
        self.values[POWER] = 1_000.0 + effects.load_w + if effects.heater { 2_000.0 } else { 0.0 };
        if self.is_calm {
            return;
        }
        if now >= self.drift_until {
            self.drift = (dice.between(-0.25, 0.25), dice.between(-0.12, 0.12));
            self.drift_until = now.after(dice.millis(20_000, 200_000));
        }
        self.dip = self.dip.filter(|(_, until)| now < *until);
        let hertz = self.dip.map_or(50.0, |(hertz, _)| hertz);
        for source in HERTZ {
            self.values[source] += (hertz - self.values[source]) * (seconds * 2.0).min(1.0);
        }
        let mut move_by = |point: usize, by: f64, low: f64, high: f64| {
            self.values[point] = (self.values[point] + by * seconds).clamp(low, high);
        };
        move_by(SOC, self.drift.0, 0.0, 100.0);
        move_by(BATTERY_HEAT, self.drift.1, 5.0, 60.0);
        move_by(TANK, if effects.heater { 0.35 } else { -0.08 }, 20.0, 95.0);
        move_by(LEVEL, if effects.pump { 0.9 } else { -0.25 }, 0.0, 100.0);
        move_by(ENERGY, if effects.heater { 0.55 } else { 0.0 }, 0.0, f64::MAX);
    }

    fn shows(&self, point: usize, dice: &mut Dice) -> f64 {
        let value = self.values.get(point).copied().unwrap_or(0.0);
        let (noise, step) = match point {
            HERTZ_A | HERTZ_B => (0.02, 0.01),
            LEVEL | TANK | BATTERY_HEAT => (0.1, 0.1),
            SOC => (0.0, 0.1),
            CURRENT => (0.0, 0.01),
            _ => (0.0, 1.0),
        };
        ((value + dice.between(-noise, noise + 1e-9)) / step).round() * step
    }

    fn is_running(&self, now: Mono) -> bool {
        self.genset_started.is_some_and(|since| now >= since.after(Span::from_secs(3)))
    }
}

const HERTZ_A: usize = HERTZ[0];
const HERTZ_B: usize = HERTZ[1];

/// One sensor.
#[derive(Clone, Debug)]
struct Sensor {
    next: Mono,
    fault: Option<(Fault, Mono)>,
    held: Option<f64>,
}

/// What a sensor gave: when it arrives, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) point: usize,
    pub(super) value: Option<Value>,
    pub(super) late: Span,
    pub(super) copies: u64,
}

impl Given {
    /// As a sample of its point.
    pub(super) fn sample(&self, id: PointId, arrival: Mono, sequence: u64) -> Sample {
        match self.value {
            Some(value) => Sample::good(id, value, arrival, sequence),
            None => Sample::bad(id, Reason::NotAValue, arrival, sequence),
        }
    }
}

/// All sensors; the last one says whether the generating set runs.
#[derive(Clone, Debug)]
pub(super) struct Sensors {
    list: Vec<Sensor>,
}

impl Sensors {
    pub(super) fn new(now: Mono, dice: &mut Dice) -> Self {
        let sensor = |index: u64| Sensor {
            // Not in step, so that each reading is a moment of its own.
            next: now.after(Span::from_millis(5 + 13 * index)).after(Span::from_nanos(dice.roll(1_000_000))),
            fault: None,
            held: None,
        };
        Self { list: (0..=POINTS as u64).map(sensor).collect() }
    }

    /// When the next one has something to say.
    pub(super) fn next(&self) -> Mono {
        self.list.iter().map(|sensor| sensor.next).min().unwrap_or(Mono::MAX)
    }

    /// Something is wrong with one.
    pub(super) fn harm(&mut self, point: usize, fault: Fault, until: Mono) {
        if let Some(sensor) = self.list.get_mut(point) {
            (sensor.fault, sensor.held) = (Some((fault, until)), None);
        }
    }

    /// Nothing is wrong with any.
    pub(super) fn heal(&mut self) {
        self.list.iter_mut().for_each(|sensor| sensor.fault = None);
    }

    /// What they say now.
    pub(super) fn read(
        &mut self,
        now: Mono,
        truth: &Truth,
        dice: &mut Dice,
        tally: &mut Tally,
    ) -> Vec<Given> {
        let mut given = Vec::new();
        for (point, sensor) in self.list.iter_mut().enumerate() {
            if sensor.next > now {
                continue;
            }
            sensor.fault = sensor.fault.filter(|(_, until)| now < *until);
            let period = PERIODS_MS.get(point).copied().unwrap_or(RUNNING_MS);
            let fault = sensor.fault.map(|(fault, _)| fault);
            let slower = if fault == Some(Fault::SensorSlow) { SLOWER } else { 1 };
            sensor.next = sensor.next.after(Span::from_millis(period * slower));
            let value =
                if point < POINTS { truth.shows(point, dice) } else { f64::from(truth.is_running(now)) };
            if let Some(fault) = fault {
                tally.hit(fault);
            }
            given.extend(sensor.give(point, value, fault, dice));
        }
        given
    }
}

impl Sensor {
    fn give(&mut self, point: usize, value: f64, fault: Option<Fault>, dice: &mut Dice) -> Option<Given> {
        let is_flag = point >= POINTS;
        let as_value = |number: f64| {
            if is_flag { Some(Value::Flag(number > 0.5)) } else { Finite::new(number).map(Value::Number) }
        };
        let mut given = Given { point, value: as_value(value), late: Span::ZERO, copies: 1 };
        match fault {
            Some(Fault::SensorOff) => return None,
            Some(Fault::SensorLost) => given.value = None,
            Some(Fault::SensorStuck) => given.value = as_value(*self.held.get_or_insert(value)),
            Some(Fault::SensorGarbage) => {
                let garbage = dice.one_of(&[f64::NAN, f64::INFINITY, -3_276.8, 6_553.5, 85.0], f64::NAN);
                // The power has no range: what it shows then is no number.
                given.value =
                    if matches!(point, POWER | ENERGY | CURRENT) { None } else { as_value(garbage) };
            }
            Some(Fault::SensorShifted) => {
                let by = if HERTZ.contains(&point) { 0.4 } else { 12.0 };
                let shift = *self.held.get_or_insert_with(|| dice.between(-by, by));
                let is_shiftable = !matches!(point, POWER | ENERGY | CURRENT);
                given.value = as_value(if is_shiftable && !is_flag { value + shift } else { value });
            }
            Some(Fault::SensorLate) => given.late = dice.millis(50, 9_000),
            Some(Fault::SensorDuplicated) => given.copies = 2,
            _ => {}
        }
        Some(given)
    }
}
