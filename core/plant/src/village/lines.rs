//! The village's feeders: voltages at their points, losses, and breakers that open where a voltage collapses.

use crate::error::PlantError;
use crate::feeder::{self, Segment, Taken};
use crate::village::consumer::Consumer;
use crate::village::devices::FeederSpec;
use crate::village::record::Flows;
use crate::village::spec::VillageSpec;

/// What hangs at a point.
#[derive(Clone, Debug, Default)]
struct Hung {
    consumers: Vec<usize>,
    solar: bool,
    wind: bool,
}

/// A feeder at an instant.
#[derive(Clone, Debug)]
pub(super) struct Line {
    points: Vec<(Segment, Hung)>,
    phases: f64,
    /// Reactive power per active power.
    lag: f64,
    reclose_ms: u64,
    open_until_ms: u64,
    voltages_v: Vec<f64>,
    power_w: f64,
    loss_w: f64,
}

impl Line {
    fn new(spec: &VillageSpec, feeder: &FeederSpec) -> Self {
        let names: Vec<&str> = spec.consumer_names().collect();
        let points = feeder.points.iter().map(|point| {
            let is_here = |name: &str| point.devices.iter().any(|device| device == name);
            let numbers = names.iter().enumerate().filter(|(_, name)| is_here(name));
            let hung = Hung {
                consumers: numbers.map(|(number, _)| number).collect(),
                solar: spec.solar.as_ref().is_some_and(|solar| is_here(&solar.name)),
                wind: spec.wind.as_ref().is_some_and(|turbine| is_here(&turbine.name)),
            };
            (point.segment, hung)
        });
        let square = feeder.power_factor * feeder.power_factor;
        Self {
            points: points.collect(),
            phases: f64::from(feeder.phases),
            lag: libm::sqrt((1.0 - square).max(0.0)) / feeder.power_factor,
            reclose_ms: feeder.reclose_ms,
            open_until_ms: 0,
            voltages_v: vec![0.0; feeder.points.len()],
            power_w: 0.0,
            loss_w: 0.0,
        }
    }

    /// Voltage at a point, V.
    pub(super) fn voltage_v(&self, point: usize) -> Option<f64> {
        self.voltages_v.get(point).copied()
    }

    /// The lowest voltage on it, V.
    pub(super) fn lowest_v(&self) -> f64 {
        self.voltages_v.iter().copied().reduce(f64::min).unwrap_or(0.0)
    }

    /// Power that flows into it at its beginning, W.
    pub(super) fn power_w(&self) -> f64 {
        self.power_w
    }

    /// What is lost in it, W.
    pub(super) fn loss_w(&self) -> f64 {
        self.loss_w
    }

    /// Its breaker is closed.
    pub(super) fn is_closed(&self, now_ms: u64) -> bool {
        now_ms >= self.open_until_ms
    }

    /// When its breaker closes again.
    pub(super) fn deadline_ms(&self) -> u64 {
        self.open_until_ms
    }

    /// The solar field, or the turbine, hangs on it.
    pub(super) fn carries(&self) -> (bool, bool) {
        let any = |is: fn(&Hung) -> bool| self.points.iter().any(|(_, hung)| is(hung));
        (any(|hung| hung.solar), any(|hung| hung.wind))
    }

    /// Finds the voltages from `source_v` at the bus on; true where they collapsed, so that its breaker opened.
    pub(super) fn sweep(
        &mut self,
        source_v: f64,
        now_ms: u64,
        consumers: &[Consumer],
        flows: &Flows,
    ) -> bool {
        (self.power_w, self.loss_w) = (0.0, 0.0);
        self.voltages_v.fill(0.0);
        if source_v <= 0.0 || !self.is_closed(now_ms) {
            return false;
        }
        let taken = |hung: &Hung| {
            let numbers = hung.consumers.iter().filter_map(|number| consumers.get(*number));
            let load_w: f64 = numbers.map(Consumer::demand_w).sum();
            let fed_w =
                if hung.solar { flows.solar_w } else { 0.0 } + if hung.wind { flows.wind_w } else { 0.0 };
            Taken {
                active_w: (load_w - fed_w) / self.phases,
                // Inverters feed in without reactive power.
                reactive_var: load_w * self.lag / self.phases,
            }
        };
        let line: Vec<(Segment, Taken)> =
            self.points.iter().map(|(segment, hung)| (*segment, taken(hung))).collect();
        match feeder::voltages(source_v, &line) {
            Ok(found) => {
                self.loss_w = found.loss_w * self.phases;
                let taken_w: f64 = line.iter().map(|(_, taken)| taken.active_w).sum();
                self.power_w = taken_w * self.phases + self.loss_w;
                self.voltages_v = found.at_v;
                false
            }
            Err(_) => {
                self.open_until_ms = now_ms.saturating_add(self.reclose_ms.max(1));
                true
            }
        }
    }
}

/// The feeders of a village, and each consumer told where it hangs.
pub(super) fn hang(spec: &VillageSpec, consumers: &mut [Consumer]) -> Vec<Line> {
    let lines: Vec<Line> = spec.feeders.iter().map(|feeder| Line::new(spec, feeder)).collect();
    for (number, line) in lines.iter().enumerate() {
        for (point, (_, hung)) in line.points.iter().enumerate() {
            for consumer in &hung.consumers {
                if let Some(consumer) = consumers.get_mut(*consumer) {
                    consumer.place = Some((number, point));
                }
            }
        }
    }
    lines
}

/// What an equation of `device` that gives no finite number any more is told as.
pub(super) fn diverged(equation: &'static str, device: &str, now_ms: u64) -> PlantError {
    PlantError::Diverged { equation, device: device.to_owned(), after_s: now_ms as f64 / 1e3 }
}
