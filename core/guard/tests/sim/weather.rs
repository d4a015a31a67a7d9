//! What happens around the guard: a frequency that falls and comes back, sources that lie, a night, hands on devices.
#![allow(unreachable_pub, reason = "part of a test")]

use super::site::*;
use super::world::World;
use crate::kit::*;
use ballast_guard::Input;
use ballast_model::sample::{Reason, Sample, Value};
use ballast_model::{Mono, OutputId, PointId};

/// What a source of the frequency does.
#[derive(Clone, Copy, Default)]
enum Fault {
    #[default]
    None,
    /// It says this, whatever is.
    Stuck(f64),
    /// It is so far off.
    Off(f64),
}

/// What is so and what is wrong with those who measure it.
pub struct Weather {
    hertz: f64,
    faults: [Fault; 2],
    /// Says nothing, and is not said to be gone.
    is_silent: [bool; POINTS],
    is_dark: bool,
    /// The heater's current says the contrary.
    lies: bool,
    sampled_at: [Mono; POINTS],
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            hertz: 50.0,
            faults: [Fault::None; 2],
            is_silent: [false; POINTS],
            is_dark: false,
            lies: false,
            sampled_at: [Mono::ZERO; POINTS],
        }
    }
}

impl World {
    fn change_weather(&mut self) {
        let (weather, dice) = (&mut self.weather, &mut self.dice);
        if weather.hertz < 50.0 && dice.one_in(12) {
            weather.hertz = 50.0;
        } else if dice.one_in(40) {
            weather.hertz = [49.65, 49.55, 49.4, 49.25, 49.1, 49.78][dice.roll(6) as usize];
        }
        if dice.one_in(60) {
            weather.faults[dice.roll(2) as usize] = match dice.roll(4) {
                0 => Fault::Stuck([50.0, 49.4][dice.roll(2) as usize]),
                1 => Fault::Off([-0.7, 0.05, 0.3][dice.roll(3) as usize]),
                _ => Fault::None,
            };
        }
        if dice.one_in(150) {
            weather.is_dark = !weather.is_dark;
        }
        if dice.one_in(40) {
            weather.lies = !weather.lies;
        }
        for is_silent in &mut weather.is_silent {
            *is_silent = dice.one_in(if *is_silent { 60 } else { 400 }) != *is_silent;
        }
    }

    pub fn measure(&mut self, inputs: &mut Vec<Input>) {
        self.change_weather();
        for point in 0..POINTS as u32 {
            let place = point as usize;
            let hertz = HERTZ.iter().position(|source| *source == point);
            let now = self.observer.now;
            let is_soon = now.since(self.weather.sampled_at[place]) < ms(10);
            let rest = if hertz.is_some() { 2 } else { 4 };
            if is_soon || self.weather.is_silent[place] || !self.dice.one_in(rest) {
                continue;
            }
            if point == POWER && self.weather.is_dark && !self.dice.one_in(10) {
                continue;
            }
            self.sequence += 1;
            self.weather.sampled_at[place] = now;
            if self.dice.one_in(40) {
                inputs.push(Input::Sample(Sample::bad(PointId(point), Reason::Offline, now, self.sequence)));
                self.observer.points[place] = None;
                continue;
            }
            let value = match hertz {
                Some(source) => self.read_hertz(source),
                None => self.read_other(point),
            };
            let sample = Sample::good(PointId(point), Value::Number(num(value)), now, self.sequence);
            inputs.push(Input::Sample(sample));
            self.observer.points[place] = Some((value, now));
            if let Some(source) = hertz {
                self.observer.hear_frequency(source, value);
            }
        }
    }

    fn read_hertz(&mut self, source: usize) -> f64 {
        let noise = self.dice.roll(3) as f64 / 100.0;
        let hundredths = match self.weather.faults[source] {
            Fault::None => self.weather.hertz + noise,
            Fault::Stuck(value) => value,
            Fault::Off(by) => self.weather.hertz + by + noise,
        };
        (hundredths * 100.0).round() / 100.0
    }

    fn read_other(&mut self, point: u32) -> f64 {
        let dice = &mut self.dice;
        match (point, dice.roll(30)) {
            (CURRENT, 0) => 0.03,
            (CURRENT, _) => {
                let is_closed = self.observer.outputs[HEATER].physical == Some(CLOSED);
                if is_closed != self.weather.lies { 3.0 } else { 0.0 }
            }
            (SUN, 0) => -2.0,
            (SUN, _) => [20.0, -10.0][usize::from(self.weather.is_dark)],
            (POWER, 0 | 1) => 6000.0,
            (POWER, 2) => 5000.0,
            (POWER, _) => 100.0,
            (_, 0) => 60.0,
            (_, 1) => 50.0,
            (_, 2) => 47.0,
            _ => 20.0,
        }
    }

    /// Someone moves what can be reached, or its device says what it is anyway.
    pub fn move_by_hand(&mut self, inputs: &mut Vec<Input>) {
        if !self.dice.one_in(8) {
            return;
        }
        let index = BY_HAND[self.dice.roll(BY_HAND.len() as u64) as usize];
        let Some(is) = self.observer.outputs[index].physical.filter(|_| !self.broken[index]) else { return };
        let actual = match self.dice.roll(4) {
            0 | 1 => is,
            _ if index == BATTERY && self.dice.one_in(2) => level(self.dice.roll(4_000) as f64 - 1_500.0),
            _ if index == BATTERY => level(self.dice.roll(300) as f64 * 10.0 - 1_000.0),
            _ if is == OPEN => CLOSED,
            _ => OPEN,
        };
        inputs.push(Input::Actual { output: OutputId(index as u32), actual });
        self.observer.hear_device(index, actual);
    }
}
