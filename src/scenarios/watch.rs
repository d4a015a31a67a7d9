//! Looks at the truth of a run after each step, in a bounded amount of memory, and says at the end what there was to see.

use super::file::Scenario;
use super::run::LEAD;
use super::safety::{Overseer, Terms, Violation};
use super::score::evenness;
use crate::simulation::Simulation;
use crate::simulation::lockstep::Alarms;
use crate::simulation::measures::{NARROW_HZ, WIDE_HZ, class_word};
use ballast_model::Span;
use ballast_model::frame::fnv1a;
use ballast_plant::faults::{Fault, FaultWindow};
use ballast_plant::loads::LoadClass;
use ballast_plant::village::Record;
use ballast_plant::{Quantity, Village};
use std::collections::{BTreeMap, VecDeque};

/// Bins of the frequency at most.
pub const BINS_MAX: u64 = 500;
/// The shortest bin, ms: the step of a restless village.
const SHORTEST_MS: u64 = 20;
/// Switchings of a contact within a day that are kept; one that moves more often has moved far too often.
const MOVES_MAX: usize = 10_000;
/// The load of the sources is a mean over this, s: a motor that starts is no peak.
const PEAK_S: f64 = 10.0;
/// Charging power below which nothing is charged, W.
const NO_CHARGE_W: f64 = 100.0;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Lowest, mean and highest frequency of a bin, Hz; `None` where the bus was dead.
pub type Hertz = Option<(f64, f64, f64)>;

/// What there was to see.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How long, s.
    pub length_s: f64,
    /// Lowest frequency, Hz.
    pub lowest_hz: f64,
    /// Highest frequency, Hz.
    pub highest_hz: f64,
    /// Standard deviation of the frequency, Hz; `None` without voltage.
    pub deviation_hz: Option<f64>,
    /// Time outside of 49 to 51 Hz or without voltage, s.
    pub outside_narrow_s: f64,
    /// Time outside of 47.5 to 52 Hz or without voltage, s.
    pub outside_wide_s: f64,
    /// Time without voltage, s.
    pub dark_s: f64,
    /// How often the voltage was lost.
    pub blackouts: u64,
    /// Starts of generating sets.
    pub starts: u64,
    /// Energy missed by each class, Wh.
    pub missed_wh: Vec<(String, f64)>,
    /// Energy that all took, Wh.
    pub served_wh: f64,
    /// Movements of loads' contacts.
    pub switchings: u64,
    /// The most of one contact within an hour.
    pub most_in_an_hour: u64,
    /// The most of one contact within a day.
    pub most_in_a_day: u64,
    /// Load of sets and storage over what those on the bus can give: the highest mean of ten seconds.
    pub peak: f64,
    /// Hottest cell, C.
    pub hottest_cell_c: Option<f64>,
    /// Coldest cells that were charged, C.
    pub coldest_charge_c: Option<f64>,
    /// Longest time with voltage on the bus until every group of homes was supplied again, s.
    pub homes_back_s: f64,
    /// Share of what sun and wind offered that was taken; `None` where they offered nothing.
    pub offer_used: Option<f64>,
    /// Hottest water, C.
    pub hottest_water_c: Option<f64>,
    /// Jain's index of what homes got of what they wished.
    pub evenness: f64,
    /// From the first set that broke while it was on the bus to the first load that was cut then, s.
    pub first_shedding_s: Option<f64>,
    /// Loads that were cut before it.
    pub sheddings_before: u64,
    /// From the first frequency reading that shows one value only until the guard said that it stands still, s.
    pub stuck_found_s: Option<f64>,
    /// Rules that were taken out of service.
    pub suspended: u64,
    /// Alarms.
    pub alarms: u64,
    /// What no policy may do: the first of them.
    pub violations: Vec<Violation>,
    /// How many there were.
    pub violations_count: u64,
    /// A hash over all that was seen.
    pub hash: u64,
    /// Length of a bin, ms.
    pub bin_ms: u64,
    /// The frequency.
    pub bins: Vec<Hertz>,
}

impl Seen {
    /// Energy that a class missed, Wh.
    pub fn missed_of(&self, class: &str) -> f64 {
        self.missed_wh.iter().find(|one| one.0 == class).map_or(0.0, |one| one.1)
    }
}

/// One contact.
#[derive(Debug, Default)]
struct Relay {
    moved_at_ms: Option<u64>,
    /// Movements of the last day.
    day_ms: VecDeque<u64>,
}

/// Sums of the bin that is not full yet: lowest, highest, hertz-milliseconds, milliseconds.
type Open = Option<(f64, f64, f64, f64)>;

/// What was counted before the scenario began.
#[derive(Debug)]
struct Before {
    at_ms: u64,
    record: Record,
    /// Energy that each thing behind a contact took and missed, Wh.
    consumed_wh: Vec<(f64, f64)>,
    alarms: u64,
    suspended: u64,
}

/// The first frequency reading that shows one value whatever happens, and from when on, ms.
fn first_stuck(village: &Village, faults: &[FaultWindow]) -> Option<(String, u64)> {
    let shows_one = |window: &&FaultWindow| matches!(window.fault, Fault::Stuck | Fault::OutOfRange { .. });
    let named = |window: &FaultWindow| {
        let named = village.output_named(window.output)?;
        (named.quantity == Quantity::Frequency).then(|| (named.name.clone(), window.from_ms))
    };
    faults.iter().filter(shows_one).filter_map(named).min_by_key(|(_, from_ms)| *from_ms)
}

/// Looks after each step.
#[derive(Debug)]
pub struct Watch {
    seen: Seen,
    before: Before,
    overseer: Overseer,
    now_ms: u64,
    relays: Vec<Relay>,
    running: Vec<bool>,
    on_line: Vec<bool>,
    event_ms: Option<u64>,
    /// The first frequency reading that shows one value only, and from when on, ms after the scenario's beginning.
    stuck: Option<(String, u64)>,
    /// Weights, sums and squares of the deviation from the nominal frequency.
    deviation: (f64, f64, f64),
    /// Energy of the sources, capacity of those on the bus and time of the present window.
    load: (f64, f64, f64),
    offered_wh: f64,
    away_s: f64,
    bin_from_ms: u64,
    open: Open,
}

impl Watch {
    /// One that begins now, for a run of this length.
    pub fn new(simulation: &Simulation, terms: Terms, scenario: &Scenario) -> Self {
        let bin_ms = scenario.length.millis().div_ceil(BINS_MAX).max(SHORTEST_MS);
        let Alarms { count: alarms, suspended, .. } = simulation.alarms();
        simulation.look(|village| Self {
            seen: Seen { bin_ms, ..Seen::default() },
            before: Before {
                at_ms: village.now_ms(),
                record: *village.record(),
                consumed_wh: village.consumed().map(|one| (one.served_wh, one.missed_wh)).collect(),
                alarms,
                suspended,
            },
            overseer: Overseer::new(terms),
            now_ms: village.now_ms(),
            relays: village
                .consumers_now()
                .map(|one| Relay { moved_at_ms: one.moved_at_ms, ..Relay::default() })
                .collect(),
            running: village.sets_now().map(|set| set.is_running).collect(),
            on_line: village.sets_now().map(|set| set.is_on_line).collect(),
            event_ms: None,
            stuck: first_stuck(village, &scenario.plant.faults),
            deviation: (0.0, 0.0, 0.0),
            load: (0.0, 0.0, 0.0),
            offered_wh: 0.0,
            away_s: 0.0,
            bin_from_ms: village.now_ms(),
            open: None,
        })
    }

    /// Looks; after each step.
    pub fn see(&mut self, simulation: &Simulation) {
        simulation.look(|village| self.look(village));
    }

    fn look(&mut self, village: &Village) {
        let now_ms = village.now_ms();
        let seconds = now_ms.saturating_sub(self.now_ms) as f64 / 1e3;
        self.now_ms = now_ms;
        self.see_frequency(village, seconds);
        self.see_sets(village);
        self.see_contacts(village);
        self.see_powers(village, seconds);
        self.see_homes(village, seconds);
        self.overseer.see(village);
        if now_ms.saturating_sub(self.bin_from_ms) >= self.seen.bin_ms {
            self.close_bin();
        }
    }

    fn mix(&mut self, number: u64) {
        self.seen.hash = fnv1a(self.seen.hash.to_le_bytes().into_iter().chain(number.to_le_bytes()));
    }

    fn see_frequency(&mut self, village: &Village, seconds: f64) {
        self.mix(village.now_ms());
        self.mix(village.flows().load_w.to_bits());
        let Some(hertz) = village.frequency_hz() else { return };
        self.mix(hertz.to_bits());
        let is_outside = |(low, high): (f64, f64)| hertz < low || hertz > high;
        self.seen.outside_narrow_s += if is_outside(NARROW_HZ) { seconds } else { 0.0 };
        self.seen.outside_wide_s += if is_outside(WIDE_HZ) { seconds } else { 0.0 };
        let off = hertz - village.spec().nominal_hz;
        let (weights, sum, squares) = self.deviation;
        self.deviation = (weights + seconds, sum + seconds * off, squares + seconds * off * off);
        let (low, high, sum, millis) = self.open.unwrap_or((hertz, hertz, 0.0, 0.0));
        let passed = seconds * 1e3;
        self.open = Some((low.min(hertz), high.max(hertz), sum + hertz * passed, millis + passed));
    }

    fn see_sets(&mut self, village: &Village) {
        let known = self.running.iter_mut().zip(&mut self.on_line);
        for (set, (running, on_line)) in village.sets_now().zip(known) {
            self.seen.starts += u64::from(set.is_running && !*running);
            if set.is_failed && *on_line {
                self.event_ms.get_or_insert(village.now_ms());
            }
            (*running, *on_line) = (set.is_running, set.is_on_line);
        }
    }

    fn see_contacts(&mut self, village: &Village) {
        let mut moved: Vec<(u64, u64)> = Vec::new();
        for (number, (one, relay)) in (0..).zip(village.consumers_now().zip(&mut self.relays)) {
            let Some(at_ms) = one.moved_at_ms.filter(|at_ms| relay.moved_at_ms != Some(*at_ms)) else {
                continue;
            };
            relay.moved_at_ms = Some(at_ms);
            relay.day_ms.push_back(at_ms);
            let is_over = |first: &u64| first.saturating_add(DAY_MS) <= at_ms;
            while relay.day_ms.len() > MOVES_MAX || relay.day_ms.front().is_some_and(is_over) {
                relay.day_ms.pop_front();
            }
            let of_hour =
                relay.day_ms.iter().rev().take_while(|moved| **moved + HOUR_MS > at_ms).count() as u64;
            self.seen.switchings += 1;
            self.seen.most_in_an_hour = self.seen.most_in_an_hour.max(of_hour);
            self.seen.most_in_a_day = self.seen.most_in_a_day.max(relay.day_ms.len() as u64);
            self.overseer.moved(one.name, one.is_closed, at_ms);
            moved.push((number, at_ms));
            if one.is_closed || one.class.is_none() {
                continue;
            }
            match self.event_ms.filter(|event_ms| *event_ms <= at_ms) {
                None => self.seen.sheddings_before += 1,
                Some(event_ms) => {
                    self.seen.first_shedding_s.get_or_insert((at_ms - event_ms) as f64 / 1e3);
                }
            }
        }
        for (number, at_ms) in moved {
            self.mix(number);
            self.mix(at_ms);
        }
    }

    fn see_powers(&mut self, village: &Village, seconds: f64) {
        let (sun_w, wind_w) = village.offered_w();
        self.offered_wh += (sun_w + wind_w) * seconds / 3_600.0;
        let flows = village.flows();
        let storage = village.storage_now();
        let capacity_w = village.sets_now().filter(|set| set.is_on_line).map(|set| set.able_w).sum::<f64>()
            + storage.filter(|storage| storage.is_on_line).map_or(0.0, |storage| storage.rated_va);
        let given_w = flows.gensets_w.iter().sum::<f64>() + flows.storage_w.max(0.0);
        let (given, capacity, passed_s) = self.load;
        self.load = (given + given_w * seconds, capacity + capacity_w * seconds, passed_s + seconds);
        if self.load.2 >= PEAK_S {
            let share = if self.load.1 > 0.0 { self.load.0 / self.load.1 } else { 0.0 };
            self.seen.peak = self.seen.peak.max(share);
            self.load = (0.0, 0.0, 0.0);
        }
        if let Some(cells_c) = storage.and_then(|storage| storage.cells_c) {
            self.seen.hottest_cell_c = Some(self.seen.hottest_cell_c.map_or(cells_c, |hot| hot.max(cells_c)));
            if flows.storage_w < -NO_CHARGE_W {
                let coldest_c = self.seen.coldest_charge_c.map_or(cells_c, |cold| cold.min(cells_c));
                self.seen.coldest_charge_c = Some(coldest_c);
            }
        }
        let water_c = village.consumers_now().filter_map(|one| one.hottest_water_c).reduce(f64::max);
        self.seen.hottest_water_c = self.seen.hottest_water_c.into_iter().chain(water_c).reduce(f64::max);
    }

    fn see_homes(&mut self, village: &Village, seconds: f64) {
        if village.frequency_hz().is_none() {
            return;
        }
        let groups = village.consumers_now().take(village.spec().loads.len());
        let all = groups.filter(|one| one.class == Some(LoadClass::Homes)).all(|one| one.is_supplied);
        self.away_s = if all { 0.0 } else { self.away_s + seconds };
        self.seen.homes_back_s = self.seen.homes_back_s.max(self.away_s);
    }

    fn close_bin(&mut self) {
        let hertz = self
            .open
            .take()
            .map(|(low, high, sum, millis)| (low, if millis > 0.0 { sum / millis } else { low }, high));
        // A step may be longer than a bin.
        while self.bin_from_ms + self.seen.bin_ms <= self.now_ms {
            self.seen.bins.push(hertz);
            self.bin_from_ms += self.seen.bin_ms;
        }
    }

    /// What there was to see.
    pub fn finish(mut self, simulation: &Simulation) -> Seen {
        if self.now_ms > self.bin_from_ms {
            self.now_ms = self.bin_from_ms + self.seen.bin_ms;
            self.close_bin();
        }
        let alarms = simulation.alarms();
        self.seen.alarms = alarms.count - self.before.alarms;
        self.seen.suspended = alarms.suspended - self.before.suspended;
        self.seen.stuck_found_s = self.stuck_found_s(simulation, &alarms);
        for byte in simulation.state().chunks(8) {
            let hash = fnv1a(self.seen.hash.to_le_bytes().into_iter().chain(byte.iter().copied()));
            self.seen.hash = hash;
        }
        simulation.look(|village| self.total(village));
        for found in &mut self.overseer.found {
            found.at_ms = found.at_ms.saturating_sub(self.before.at_ms);
        }
        (self.seen.violations, self.seen.violations_count) = (self.overseer.found, self.overseer.count);
        self.seen
    }

    /// How long the guard took to say that the first source that shows one value only stands still.
    fn stuck_found_s(&self, simulation: &Simulation, alarms: &Alarms) -> Option<f64> {
        let (name, from_ms) = self.stuck.as_ref()?;
        let from = simulation.after_start(LEAD.plus(Span::from_millis(*from_ms)));
        // A site may call a reading something else than the plant does: then it is whatever stands still.
        let is_known = simulation.decision.running.catalog().points.iter().any(|point| &*point.name == name);
        let mut found = alarms.stuck.iter().filter(|(at, which)| *at >= from && (!is_known || which == name));
        found.next().map(|(at, _)| at.since(from).secs_f64())
    }

    fn total(&mut self, village: &Village) {
        let (record, seen, before) = (village.record(), &mut self.seen, &self.before);
        seen.length_s = village.now_ms().saturating_sub(before.at_ms) as f64 / 1e3;
        (seen.lowest_hz, seen.highest_hz) = (record.lowest_hz, record.highest_hz);
        seen.dark_s = record.dark_s - before.record.dark_s;
        seen.blackouts = u64::from(record.blackouts.saturating_sub(before.record.blackouts));
        if village.frequency_hz().is_none() {
            // Who is dark at the end is not back.
            seen.homes_back_s = seen.length_s;
        }
        seen.outside_narrow_s += seen.dark_s;
        seen.outside_wide_s += seen.dark_s;
        let (weights, sum, squares) = self.deviation;
        let mean = sum / weights;
        seen.deviation_hz = (weights > 0.0).then(|| (squares / weights - mean * mean).max(0.0).sqrt());
        let mut missed_wh: BTreeMap<Option<LoadClass>, f64> = BTreeMap::new();
        let mut shares = Vec::new();
        let consumed = village.consumed().zip(&before.consumed_wh).enumerate();
        for (number, (one, (served_wh, missed_before_wh))) in consumed {
            let (served_wh, missed) = (one.served_wh - served_wh, one.missed_wh - missed_before_wh);
            seen.served_wh += served_wh;
            *missed_wh.entry(one.class).or_default() += missed;
            let load = village.spec().loads.get(number);
            if let Some(load) = load.filter(|load| load.class == LoadClass::Homes) {
                let wished_wh = served_wh + missed;
                let share = if wished_wh > 0.0 { served_wh / wished_wh } else { 1.0 };
                shares.push((f64::from(load.members), share));
            }
        }
        seen.evenness = evenness(shares.into_iter());
        // What is in no class can wait, and misses nothing.
        let classes = missed_wh.into_iter().filter(|(class, _)| class.is_some());
        seen.missed_wh = classes.map(|(class, missed)| (class_word(class).to_owned(), missed)).collect();
        let taken_wh = record.solar_wh + record.wind_wh - before.record.solar_wh - before.record.wind_wh;
        // Inverters follow with a lag: what a gust left behind is no more than all.
        seen.offer_used = (self.offered_wh > 0.0).then(|| (taken_wh / self.offered_wh).min(1.0));
    }
}
