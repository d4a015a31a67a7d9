//! Scripted disturbances: what happens to the village, and when.

use crate::clouds;
use crate::error::PlantError;
use crate::rng::Stream;
use crate::village::spec::VillageSpec;

const DAY_MS: u64 = 86_400_000;

/// When a disturbance begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// Once, this many seconds after the start.
    Once {
        /// Seconds after simulated time 0.
        after_start_s: f64,
    },
    /// Every day at this local time; a time that is past at the start waits for the next day.
    Daily {
        /// Seconds after local midnight.
        local_s: f64,
    },
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A generating set breaks.
    GensetTrip {
        /// Its name.
        genset: String,
        /// Time until it is repaired, s.
        repair_s: f64,
    },
    /// A generating set does not start.
    GensetRefuses {
        /// Its name.
        genset: String,
        /// For how long, s.
        lasts_s: f64,
    },
    /// A cloud front passes over the solar field.
    CloudFront {
        /// Share of the light that it takes, 0..=1.
        depth: f64,
        /// Time of each edge, s.
        edge_s: f64,
        /// From its first to its last edge, s.
        lasts_s: f64,
    },
    /// A load takes more, at once.
    LoadStep {
        /// Name of the load group.
        load: String,
        /// How much more, W.
        power_w: f64,
        /// For how long, s.
        lasts_s: f64,
    },
    /// Every source is lost, and none comes back before the end; sets stand still then, and start as they are told.
    Blackout {
        /// For how long, s.
        lasts_s: f64,
    },
    /// The fan of a battery's cells stands still.
    FanFailure {
        /// Its name.
        storage: String,
        /// For how long, s.
        lasts_s: f64,
    },
    /// The grid is lost.
    GridLoss {
        /// For how long, s.
        lasts_s: f64,
    },
    /// The grid's frequency sags.
    GridDip {
        /// By how much, Hz.
        depth_hz: f64,
        /// For how long, s.
        lasts_s: f64,
    },
}

/// One line of the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Disturbance {
    /// When it begins.
    pub when: When,
    /// The beginning is drawn anew each time, up to this much earlier or later, s.
    pub jitter_s: f64,
    /// What happens.
    pub what: What,
}

/// What begins at one instant and changes the state of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
    GensetTrip { number: usize, until_ms: u64 },
    GensetRefuses { number: usize, until_ms: u64 },
    Blackout { until_ms: u64 },
}

#[derive(Clone, Debug)]
enum Effect {
    Trip { number: usize },
    Refusal { number: usize },
    Cloud { depth: f64, edge_s: f64 },
    Load { number: usize, power_w: f64 },
    Blackout,
    Fan,
    GridLoss,
    GridDip { depth_hz: f64 },
}

#[derive(Clone, Debug)]
struct Line {
    effect: Effect,
    lasts_ms: u64,
    /// Beginning without jitter.
    nominal_ms: Option<u64>,
    daily: bool,
    jitter_s: f64,
    stream: Stream,
    turn: u64,
    next_ms: Option<u64>,
    window_ms: (u64, u64),
}

/// The script at an instant.
#[derive(Clone, Debug)]
pub(super) struct Script {
    lines: Vec<Line>,
}

impl Script {
    /// `start_local_s` is the local time of day at simulated time 0.
    pub(super) fn new(spec: &VillageSpec, start_local_s: f64, stream: Stream) -> Result<Self, PlantError> {
        let mut lines = Vec::with_capacity(spec.disturbances.len());
        for (number, disturbance) in spec.disturbances.iter().enumerate() {
            let (effect, lasts_s) = resolve(spec, &disturbance.what)?;
            let (nominal_ms, daily) = match disturbance.when {
                When::Once { after_start_s } => (milliseconds(after_start_s), false),
                When::Daily { local_s } => {
                    let wait_s = local_s - start_local_s;
                    (milliseconds(if wait_s < 0.0 { wait_s + 86_400.0 } else { wait_s }), true)
                }
            };
            let mut line = Line {
                effect,
                lasts_ms: milliseconds(lasts_s),
                nominal_ms: Some(nominal_ms),
                daily,
                jitter_s: disturbance.jitter_s,
                stream: stream.fork(number as u64),
                turn: 0,
                next_ms: None,
                window_ms: (0, 0),
            };
            line.plan();
            lines.push(line);
        }
        Ok(Self { lines })
    }

    /// Begins what is due, and returns the next event that changes a device; `None` when nothing more is due.
    pub(super) fn next_event(&mut self, now_ms: u64) -> Option<Event> {
        for line in &mut self.lines {
            while let Some(from_ms) = line.next_ms.filter(|next_ms| *next_ms <= now_ms) {
                let until_ms = from_ms.saturating_add(line.lasts_ms);
                line.window_ms = (from_ms, until_ms);
                line.advance_turn();
                match line.effect {
                    Effect::Trip { number } => return Some(Event::GensetTrip { number, until_ms }),
                    Effect::Refusal { number } => return Some(Event::GensetRefuses { number, until_ms }),
                    Effect::Blackout => return Some(Event::Blackout { until_ms }),
                    _ => {}
                }
            }
        }
        None
    }

    /// When the next disturbance begins or a present one ends, after `now_ms`.
    pub(super) fn deadline_ms(&self, now_ms: u64) -> Option<u64> {
        let ends = self.lines.iter().map(|line| line.window_ms.1).filter(|end_ms| *end_ms > now_ms);
        self.lines.iter().filter_map(|line| line.next_ms).chain(ends).min()
    }

    /// When the next disturbance begins.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.lines.iter().filter_map(|line| line.next_ms).min()
    }

    /// Share of the light that scripted fronts let pass.
    pub(super) fn light(&self, now_ms: u64) -> f64 {
        let shaded = self.present(now_ms).map(|line| match line.effect {
            Effect::Cloud { depth, edge_s } => {
                let (from_ms, until_ms) = line.window_ms;
                let (since_s, lasts_s) = ((now_ms - from_ms) as f64 / 1e3, (until_ms - from_ms) as f64 / 1e3);
                clouds::shadow(since_s, 0.0, lasts_s, edge_s, depth)
            }
            _ => 0.0,
        });
        1.0 - shaded.fold(0.0, f64::max)
    }

    /// Scripted power of a load group, W.
    pub(super) fn added_w(&self, load: usize, now_ms: u64) -> f64 {
        self.present(now_ms)
            .map(|line| match line.effect {
                Effect::Load { number, power_w } if number == load => power_w,
                _ => 0.0,
            })
            .sum()
    }

    /// The grid is lost.
    pub(super) fn is_grid_lost(&self, now_ms: u64) -> bool {
        self.present(now_ms).any(|line| matches!(line.effect, Effect::GridLoss | Effect::Blackout))
    }

    /// The fan of the battery's cells stands still.
    pub(super) fn is_fan_still(&self, now_ms: u64) -> bool {
        self.present(now_ms).any(|line| matches!(line.effect, Effect::Fan))
    }

    /// How far the grid's frequency sags, Hz.
    pub(super) fn grid_dip_hz(&self, now_ms: u64) -> f64 {
        self.present(now_ms)
            .map(|line| match line.effect {
                Effect::GridDip { depth_hz } => depth_hz,
                _ => 0.0,
            })
            .sum()
    }

    fn present(&self, now_ms: u64) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| (line.window_ms.0..line.window_ms.1).contains(&now_ms))
    }
}

impl Line {
    fn plan(&mut self) {
        let jitter_s = self.jitter_s * (2.0 * self.stream.unit(self.turn) - 1.0);
        self.next_ms = self.nominal_ms.map(|nominal_ms| {
            let shifted_s = nominal_ms as f64 / 1e3 + jitter_s;
            milliseconds(shifted_s)
        });
    }

    fn advance_turn(&mut self) {
        self.turn += 1;
        self.nominal_ms =
            self.nominal_ms.filter(|_| self.daily).and_then(|nominal_ms| nominal_ms.checked_add(DAY_MS));
        self.plan();
    }
}

fn resolve(spec: &VillageSpec, what: &What) -> Result<(Effect, f64), PlantError> {
    let genset = |name: &String| {
        let number = spec.gensets.iter().position(|genset| genset.name == *name);
        number.ok_or_else(|| PlantError::UnknownDevice { name: name.clone(), kind: "generating set" })
    };
    let load = |name: &String| {
        let number = spec.loads.iter().position(|load| load.name == *name);
        number.ok_or_else(|| PlantError::UnknownDevice { name: name.clone(), kind: "load group" })
    };
    let has_cells = |name: &String| {
        let mut batteries = spec.storage.iter().filter(|storage| storage.cells.is_some());
        let kind = "battery with cells";
        let found = batteries.any(|storage| storage.name == *name);
        if found { Ok(()) } else { Err(PlantError::UnknownDevice { name: name.clone(), kind }) }
    };
    Ok(match what {
        What::GensetTrip { genset: name, repair_s } => (Effect::Trip { number: genset(name)? }, *repair_s),
        What::GensetRefuses { genset: name, lasts_s } => {
            (Effect::Refusal { number: genset(name)? }, *lasts_s)
        }
        What::CloudFront { depth, edge_s, lasts_s } => {
            (Effect::Cloud { depth: *depth, edge_s: *edge_s }, *lasts_s)
        }
        What::LoadStep { load: name, power_w, lasts_s } => {
            (Effect::Load { number: load(name)?, power_w: *power_w }, *lasts_s)
        }
        What::Blackout { lasts_s } => (Effect::Blackout, *lasts_s),
        What::FanFailure { storage, lasts_s } => {
            has_cells(storage)?;
            (Effect::Fan, *lasts_s)
        }
        What::GridLoss { lasts_s } => (Effect::GridLoss, *lasts_s),
        What::GridDip { depth_hz, lasts_s } => (Effect::GridDip { depth_hz: *depth_hz }, *lasts_s),
    })
}

/// Whole milliseconds; nothing before 0. The cast saturates.
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1e3).round().max(0.0) as u64
}
