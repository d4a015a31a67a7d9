//! What a run on the simulated plant came to, in numbers: for reports, and for whoever compares policies.
//!
//! An [`Observer`] looks after each step of a [`Simulation`] and gives [`Measures`] at the end. It keeps a bounded amount
//! however long the run is. What it sees of the plant is the truth, which no rule may see.

use super::lockstep::{Alarms, Simulation};
use crate::backtest::run::{Switching, is_engaged, reason};
use crate::report::language::Language;
use ballast_model::{Mono, OutputId, Wanted};
use ballast_plant::Village;
use ballast_plant::loads::LoadClass;
use ballast_plant::village::Record;
use std::collections::BTreeMap;

/// Frequencies that a grid keeps all the time but for a fault, Hz.
pub const NARROW_HZ: (f64, f64) = (49.0, 51.0);
/// Frequencies that equipment must stand for long, Hz.
pub const WIDE_HZ: (f64, f64) = (47.5, 52.0);
/// Switchings of one output that are kept with their reason; later ones are only counted.
pub const SWITCHINGS_MAX: usize = 1_000;

const MINUTE_MS: u64 = 60_000;
const HOUR_MINUTES: usize = 60;

/// Energy of a class or of one consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Energy {
    /// Of whom.
    pub name: String,
    /// Energy that was taken, Wh.
    pub served_wh: f64,
    /// Energy that would have been taken and was not given, Wh.
    pub missed_wh: f64,
}

/// What one output did.
#[derive(Clone, Debug)]
pub struct OutputMeasures {
    /// Which.
    pub output: OutputId,
    /// Its name.
    pub name: String,
    /// What it is told when nobody asks.
    pub default: Wanted,
    /// How often it was told something else; what it was told first is none.
    pub switchings: u64,
    /// The most of them within an hour, counted by whole minutes.
    pub most_in_an_hour: u64,
    /// How long it was closed, or away from its default where it is a setpoint, s.
    pub engaged_s: f64,
    /// What it was told first, and the first [`SWITCHINGS_MAX`] times that it was told something else.
    pub kept: Vec<Switching>,
}

impl OutputMeasures {
    /// Whether it is closed with this, or away from its default where it is a setpoint.
    pub fn is_engaged(&self, wanted: Wanted) -> bool {
        is_engaged(wanted, self.default)
    }

    /// Switchings that were counted and not kept.
    pub fn left_out(&self) -> u64 {
        (self.switchings + 1).saturating_sub(self.kept.len().max(1) as u64)
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Simulated time, s.
    pub length_s: f64,
    /// Time of the live bus outside of [`NARROW_HZ`], s.
    pub outside_narrow_s: f64,
    /// Time of the live bus outside of [`WIDE_HZ`], s.
    pub outside_wide_s: f64,
    /// Lowest and highest frequency, energies by source, blackouts and time with a dead bus.
    pub record: Record,
    /// Energy in the storage at the beginning and at the end, Wh.
    pub stored_wh: (f64, f64),
    /// Energy by class, in the order of [`LoadClass`], then of what is in none.
    pub classes: Vec<Energy>,
    /// Energy of everything behind a contact, in the order of the plant.
    pub consumers: Vec<Energy>,
    /// Every output, in the order of the site.
    pub outputs: Vec<OutputMeasures>,
    /// How often the guard did something else than it was asked for.
    pub interventions: u64,
    /// Alarms.
    pub alarms: Alarms,
}

impl Measures {
    /// Switchings of all outputs together.
    pub fn switchings(&self) -> u64 {
        self.outputs.iter().map(|output| output.switchings).sum()
    }

    /// Energy that was taken and that was missed, of everything together, Wh.
    pub fn energy_wh(&self) -> (f64, f64) {
        self.classes.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.served_wh, sum.1 + one.missed_wh))
    }
}

/// The word for a class, as programs read it; `other` where there is none.
pub const fn class_word(class: Option<LoadClass>) -> &'static str {
    match class {
        Some(LoadClass::Clinic) => "clinic",
        Some(LoadClass::WaterPump) => "water_pump",
        Some(LoadClass::ColdChain) => "cold_chain",
        Some(LoadClass::Homes) => "homes",
        Some(LoadClass::Comfort) => "comfort",
        None => "other",
    }
}

/// Energies by class of a village until now; classes of which it has nothing are missing.
pub fn by_class(village: &Village) -> Vec<Energy> {
    // What is in no class comes last.
    let mut sums: BTreeMap<(bool, Option<LoadClass>), (f64, f64)> = BTreeMap::new();
    for one in village.consumed() {
        let sum = sums.entry((one.class.is_none(), one.class)).or_default();
        (sum.0, sum.1) = (sum.0 + one.served_wh, sum.1 + one.missed_wh);
    }
    let energy = |((_, class), (served_wh, missed_wh))| Energy {
        name: class_word(class).to_owned(),
        served_wh,
        missed_wh,
    };
    sums.into_iter().map(energy).collect()
}

/// Switchings of the last hour, by minute.
#[derive(Clone, Debug)]
struct Hour {
    minutes: [u64; HOUR_MINUTES],
    minute: u64,
    most: u64,
}

impl Hour {
    const NEW: Self = Self { minutes: [0; HOUR_MINUTES], minute: 0, most: 0 };

    fn count(&mut self, minute: u64) {
        let passed = minute.saturating_sub(self.minute).min(HOUR_MINUTES as u64);
        for forgotten in 1..=passed {
            if let Some(slot) =
                self.minutes.get_mut(((self.minute + forgotten) % HOUR_MINUTES as u64) as usize)
            {
                *slot = 0;
            }
        }
        // A gap of more than an hour has emptied every slot.
        self.minute = minute;
        if let Some(slot) = self.minutes.get_mut((minute % HOUR_MINUTES as u64) as usize) {
            *slot += 1;
        }
        self.most = self.most.max(self.minutes.iter().sum());
    }
}

struct Watched {
    measures: OutputMeasures,
    state: Option<Wanted>,
    hour: Hour,
}

impl Watched {
    fn is_engaged(&self) -> bool {
        self.state.is_some_and(|state| self.measures.is_engaged(state))
    }
}

/// Looks after each step.
pub struct Observer {
    language: Language,
    now_ms: u64,
    outside_narrow_s: f64,
    outside_wide_s: f64,
    stored_at_start_wh: f64,
    outputs: Vec<Watched>,
}

impl Observer {
    /// One that begins now. Reasons are written in this language.
    pub fn new(simulation: &Simulation, language: Language) -> Self {
        let catalog = simulation.decision.running.catalog();
        let watched = |(output, spec): (OutputId, &ballast_model::catalog::OutputSpec)| Watched {
            measures: OutputMeasures {
                output,
                name: spec.name.to_string(),
                default: spec.default,
                switchings: 0,
                most_in_an_hour: 0,
                engaged_s: 0.0,
                kept: Vec::new(),
            },
            state: None,
            hour: Hour::NEW,
        };
        Self {
            language,
            now_ms: simulation.look(Village::now_ms),
            outside_narrow_s: 0.0,
            outside_wide_s: 0.0,
            stored_at_start_wh: simulation.look(Village::stored_wh),
            outputs: (0..).map(OutputId).zip(&catalog.outputs).map(watched).collect(),
        }
    }

    /// Looks; after each step of the simulation.
    pub fn see(&mut self, simulation: &Simulation) {
        let (now_ms, hertz) = simulation.look(|village| (village.now_ms(), village.frequency_hz()));
        let seconds = now_ms.saturating_sub(self.now_ms) as f64 / 1e3;
        self.now_ms = now_ms;
        if let Some(hertz) = hertz {
            let is_outside = |(low, high): (f64, f64)| hertz < low || hertz > high;
            self.outside_narrow_s += if is_outside(NARROW_HZ) { seconds } else { 0.0 };
            self.outside_wide_s += if is_outside(WIDE_HZ) { seconds } else { 0.0 };
        }
        for watched in &mut self.outputs {
            if watched.is_engaged() {
                watched.measures.engaged_s += seconds;
            }
            see_output(watched, simulation, self.language, now_ms);
        }
    }

    /// What each output is told now, in the order of the site, and whether it is closed, or away from its default.
    pub fn outputs(&self) -> impl Iterator<Item = (Option<Wanted>, bool)> + '_ {
        self.outputs.iter().map(|watched| (watched.state, watched.is_engaged()))
    }

    /// What it came to.
    pub fn finish(self, simulation: &Simulation) -> Measures {
        let energy = |one: ballast_plant::village::Consumed<'_>| Energy {
            name: one.name.to_owned(),
            served_wh: one.served_wh,
            missed_wh: one.missed_wh,
        };
        simulation.look(|village| Measures {
            length_s: village.now_ms() as f64 / 1e3,
            outside_narrow_s: self.outside_narrow_s,
            outside_wide_s: self.outside_wide_s,
            record: *village.record(),
            stored_wh: (self.stored_at_start_wh, village.stored_wh()),
            classes: by_class(village),
            consumers: village.consumed().map(energy).collect(),
            outputs: self.outputs.into_iter().map(|watched| watched.measures).collect(),
            interventions: simulation.decision.carrier.guard.counters().interventions,
            alarms: simulation.alarms(),
        })
    }
}

fn see_output(watched: &mut Watched, simulation: &Simulation, language: Language, now_ms: u64) {
    let output = watched.measures.output;
    let Some(verdict) = simulation.decision.carrier.guard.verdict(output) else { return };
    let (wanted, at): (Wanted, Mono) = (verdict.state, verdict.since);
    if watched.state == Some(wanted) {
        return;
    }
    let is_first = watched.state.replace(wanted).is_none();
    if !is_first {
        watched.measures.switchings += 1;
        watched.hour.count(now_ms / MINUTE_MS);
        watched.measures.most_in_an_hour = watched.hour.most;
    }
    if watched.measures.kept.len() <= SWITCHINGS_MAX {
        let why = reason(&simulation.decision, output, language);
        watched.measures.kept.push(Switching { at, wanted, why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_of_an_hour_forgets_what_is_older() {
        let mut hour = Hour::NEW;
        for minute in [0, 1, 59] {
            hour.count(minute);
        }
        assert_eq!(hour.most, 3);
        // 0 is an hour ago, 1 is not.
        hour.count(60);
        assert_eq!(hour.minutes.iter().sum::<u64>(), 3);
        hour.count(500);
        assert_eq!((hour.minutes.iter().sum::<u64>(), hour.most), (1, 3));
    }
}
