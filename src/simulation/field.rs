//! A field that is simulated: permits move the plant at once, and plant and made-up clock go on together.
//!
//! While the village is calm a step is at most a second; it ends early where the village becomes restless or where one of
//! the machines wants to be woken. While it is restless its points are read every 20 ms.

use super::pace::Pace;
use super::plant::SharedPlant;
use crate::runtime::field::Field;
use crate::runtime::opening::OpenField;
use crate::site::Built;
use ballast_drivers::{Batch, Report, SteppedBus, WriteResult};
use ballast_guard::Permit;
use ballast_host::Clock;
use ballast_model::{Mono, OutputId, Span};
use ballast_plant::Village;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Longest step of a calm village, ms.
const CALM_MS: u64 = 1_000;
/// Step of a restless village, ms: the period of the frequency's meters.
const RESTLESS_MS: u64 = 20;

/// Before a transient its meters are read again from so long ago, ms: by then whoever measures a slope over 100 ms has seen
/// all that a meter which is read every 20 ms would have shown. In calm times the frequency hardly moves in so long.
const EVE_MS: u64 = 120;

/// Looks at the village after each step.
pub type Onlooker = Arc<dyn Fn(&Village) + Send + Sync>;

/// Simulated buses and the plant behind them.
pub struct SimulatedField {
    plant: SharedPlant,
    buses: Vec<SteppedBus>,
    /// Which bus carries an output.
    routes: BTreeMap<OutputId, usize>,
    definitions: u64,
    pace: Option<Pace>,
    onlooker: Option<Onlooker>,
    /// The next instant at which readings are told, and the village's own, where that lies behind it.
    untold_ms: Option<(u64, u64)>,
}

/// Opens the buses of a set on this plant. Buses that are not simulated stay closed: their points are unknown.
pub fn opener(
    plant: SharedPlant,
    clock: Arc<Clock>,
    pace: Option<Pace>,
    onlooker: Option<Onlooker>,
) -> Box<OpenField> {
    Box::new(move |built: &mut Built, _epoch| {
        let mut field = SimulatedField {
            plant: plant.clone(),
            buses: Vec::new(),
            routes: BTreeMap::new(),
            definitions: built.running.definitions,
            pace,
            onlooker: onlooker.clone(),
            untold_ms: None,
        };
        for (mut bus, outputs) in built.take_buses(false) {
            if bus.world().is_some() {
                // Names that the world does not have were told when the set was built.
                let _ = bus.join(plant.world());
            }
            let Some(bus) = bus.stepped(clock.now()) else { continue };
            field.routes.extend(outputs.into_iter().map(|output| (output, field.buses.len())));
            field.buses.push(bus);
        }
        Box::new(field)
    })
}

impl SimulatedField {
    /// The plant's time at the end of the next step at the latest, ms.
    fn next_ms(&self, wake: Mono) -> u64 {
        let (now_ms, is_restless, disturbed_ms) = self
            .plant
            .look(|village| (village.now_ms(), village.is_transient(), village.next_disturbance_ms()));
        let eve_ms = disturbed_ms.map_or(u64::MAX, |at_ms| at_ms.saturating_sub(EVE_MS));
        let step_ms = if is_restless || now_ms >= eve_ms { RESTLESS_MS } else { CALM_MS };
        let wake_ms = self.plant.millis(wake.after(Span::from_nanos(999_999)));
        let next_ms = ((now_ms / step_ms + 1) * step_ms).min(wake_ms);
        (if now_ms < eve_ms { next_ms.min(eve_ms) } else { next_ms }).max(now_ms + 1)
    }

    /// Tells the readings of `at_ms`; those up to `reached_ms` follow, as often as the meters of the frequency are read.
    fn tell(&mut self, at_ms: u64, reached_ms: u64, clock: &Clock, batch: &mut Batch) {
        let now = self.plant.moment(at_ms);
        clock.advance(now);
        for bus in &mut self.buses {
            bus.advance(now);
            take(bus.batch(), batch);
        }
        let next_ms = (at_ms + RESTLESS_MS).min(reached_ms);
        self.untold_ms = (at_ms < reached_ms).then_some((next_ms, reached_ms));
    }
}

impl Field for SimulatedField {
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch) {
        let (output, counter) = (permit.output(), permit.counter());
        match self.routes.get(&output).and_then(|index| self.buses.get_mut(*index)) {
            Some(bus) => {
                bus.apply(permit, now);
                take(bus.batch(), batch);
            }
            None => {
                batch.reports.push(Report::Written {
                    output,
                    counter,
                    result: WriteResult::Offline,
                    at: now,
                });
            }
        }
    }

    fn fits(&self, definitions: u64) -> bool {
        self.definitions == definitions
    }

    fn counters(&self) -> Vec<(String, &'static str, u64)> {
        let rows = |(index, bus): (usize, &SteppedBus)| {
            let name = if index == 0 { "plant".to_owned() } else { format!("plant_{index}") };
            bus.counters().rows().map(|(counter, value)| (name.clone(), counter, value)).collect::<Vec<_>>()
        };
        self.buses.iter().enumerate().flat_map(rows).collect()
    }

    fn patience(&self, _clock: &Clock, wake: Mono) -> Duration {
        match self.pace {
            Some(pace) if self.untold_ms.is_none() => pace.wait(self.next_ms(wake)),
            _ => Duration::ZERO,
        }
    }

    fn advance(&mut self, clock: &Clock, wake: Mono, batch: &mut Batch) {
        if let Some((next_ms, reached_ms)) = self.untold_ms {
            return self.tell(next_ms, reached_ms, clock, batch);
        }
        let target_ms = self.next_ms(wake);
        if self.pace.is_some_and(|pace| pace.wait(target_ms) > Duration::ZERO) {
            return;
        }
        let from_ms = self.plant.look(Village::now_ms);
        let (reached_ms, is_transient) = self.plant.advance_to_transient(target_ms);
        if let Some(pace) = &mut self.pace {
            pace.reached(reached_ms);
        }
        let eve_ms = reached_ms.saturating_sub(EVE_MS).max(from_ms + 1);
        self.tell(if is_transient { eve_ms.min(reached_ms) } else { reached_ms }, reached_ms, clock, batch);
        if let Some(onlooker) = &self.onlooker {
            self.plant.look(|village| onlooker(village));
        }
    }
}

fn take(from: &mut Batch, into: &mut Batch) {
    into.samples.append(&mut from.samples);
    into.reports.append(&mut from.reports);
}
