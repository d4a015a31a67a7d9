//! What all runs came to, scenario by scenario, and whether the goals are met.

use super::file::Scenario;
use super::optimum::Row;
use super::run::Play;
use super::score::{held, penalty, points};
use super::suite::{Suite, Who};
use super::watch::Seen;
use serde_json::{Value, json};

/// Median of the points of all runs, at least.
pub const MEDIAN_MIN: f64 = 80.0;
/// Points of each run, at least.
pub const POINTS_MIN: f64 = 50.0;
/// So much above the median of the fixed thresholds, at least.
pub const LEAD_MIN: f64 = 20.0;

/// One seed of a scenario.
pub struct OfSeed {
    /// The seed.
    pub seed: u64,
    /// What was seen of each of [`Who::ALL`].
    pub seen: [Seen; 3],
    /// What perfect foresight comes to.
    pub best: Option<Row>,
}

impl OfSeed {
    /// What was seen of somebody.
    pub fn of(&self, who: Who) -> &Seen {
        let [nobody, fixed, policy] = &self.seen;
        match who {
            Who::Nobody => nobody,
            Who::Fixed => fixed,
            Who::Policy => policy,
        }
    }

    /// Points of somebody.
    pub fn points(&self, scenario: &Scenario, who: Who) -> Option<f64> {
        let (seen, without) = (self.of(who), penalty(self.of(Who::Nobody)));
        let held = (held(&scenario.keys, seen), scenario.keys.len());
        points(
            penalty(seen),
            without,
            self.best.as_ref().map(|best| best.penalty),
            held,
            seen.violations_count == 0,
        )
    }
}

/// All seeds of one scenario.
pub struct OfScenario<'a> {
    /// Which.
    pub scenario: &'a Scenario,
    /// In the order of the seeds.
    pub seeds: Vec<OfSeed>,
}

impl OfScenario<'_> {
    /// Points of somebody, of the seeds in which they are known.
    pub fn points(&self, who: Who) -> Vec<f64> {
        self.seeds.iter().filter_map(|seed| seed.points(self.scenario, who)).collect()
    }

    /// Penalties of somebody.
    pub fn penalties(&self, who: Who) -> Vec<f64> {
        self.seeds.iter().map(|seed| penalty(seed.of(who))).collect()
    }

    /// Penalties of perfect foresight, where it is known.
    pub fn best(&self) -> Vec<f64> {
        self.seeds.iter().filter_map(|seed| seed.best.as_ref()).map(|best| best.penalty).collect()
    }

    /// Key measures of the policy that hold, and how many there are, over all seeds.
    pub fn held(&self) -> (usize, usize) {
        let held: usize = self.seeds.iter().map(|seed| held(&self.scenario.keys, seed.of(Who::Policy))).sum();
        (held, self.seeds.len() * self.scenario.keys.len())
    }

    /// Violations of somebody, over all seeds.
    pub fn violations(&self, who: Who) -> u64 {
        self.seeds.iter().map(|seed| seed.of(who).violations_count).sum()
    }

    /// The seed in which the policy did worst: by points, then by its penalty.
    pub fn worst(&self) -> Option<&OfSeed> {
        let rank = |seed: &&OfSeed| {
            let points = seed.points(self.scenario, Who::Policy).unwrap_or(0.0);
            (points, -penalty(seed.of(Who::Policy)))
        };
        self.seeds.iter().min_by(|one, other| {
            let (one, other) = (rank(one), rank(other));
            one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
        })
    }
}

/// The middle of some numbers, and the lowest of them.
pub fn middle_and_least(mut numbers: Vec<f64>) -> Option<(f64, f64)> {
    numbers.sort_by(f64::total_cmp);
    let least = *numbers.first()?;
    let half = numbers.len() / 2;
    let upper = *numbers.get(half)?;
    let lower = if numbers.len() % 2 == 1 { upper } else { *numbers.get(half.checked_sub(1)?)? };
    Some((0.5 * (lower + upper), least))
}

/// The middle of some numbers for people; `?` where there is none.
pub fn middle(numbers: Vec<f64>) -> String {
    middle_and_least(numbers).map_or_else(|| "?".to_owned(), |(middle, _)| format!("{middle:.2}"))
}

/// What the goals ask, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goals {
    /// Median of the policy's points over all runs.
    pub median: f64,
    /// Points of its worst run.
    pub least: f64,
    /// Median of the fixed thresholds.
    pub fixed: f64,
    /// Runs in which the policy has fewer points than the fixed thresholds.
    pub below_fixed: usize,
    /// Runs whose points are not known, because their optimum is not.
    pub unknown: usize,
    /// Violations of the policy.
    pub violations: u64,
}

impl Goals {
    /// Whether everything that is asked is so.
    pub fn are_met(&self) -> bool {
        self.unknown == 0
            && self.median >= MEDIAN_MIN
            && self.least >= POINTS_MIN
            && self.median - self.fixed >= LEAD_MIN
            && self.below_fixed == 0
            && self.violations == 0
    }
}

/// Everything.
pub struct Table<'a> {
    /// By number.
    pub scenarios: Vec<OfScenario<'a>>,
}

impl<'a> Table<'a> {
    /// Sorts what was seen of each run: `plays` has [`Who::ALL`] of each scenario and seed, one after the other.
    pub fn new(suite: &'a Suite, plays: &[Play], seen: Vec<Seen>) -> Self {
        let mut scenarios: Vec<OfScenario<'a>> = Vec::new();
        let mut seen = seen.into_iter();
        for play in plays.iter().step_by(Who::ALL.len()) {
            let Some(scenario) = suite.scenarios.get(play.scenario) else { continue };
            let (Some(nobody), Some(fixed), Some(policy)) = (seen.next(), seen.next(), seen.next()) else {
                break;
            };
            let best = suite.optimum.of(scenario.number, play.seed).cloned();
            let of_seed = OfSeed { seed: play.seed, seen: [nobody, fixed, policy], best };
            match scenarios.last_mut().filter(|last| last.scenario.number == scenario.number) {
                Some(last) => last.seeds.push(of_seed),
                None => scenarios.push(OfScenario { scenario, seeds: vec![of_seed] }),
            }
        }
        Self { scenarios }
    }

    /// What the goals ask; `None` where no points are known.
    pub fn goals(&self) -> Option<Goals> {
        let all = |who: Who| {
            let rows = self.scenarios.iter();
            rows.flat_map(move |row| row.seeds.iter().map(move |seed| seed.points(row.scenario, who)))
        };
        let (median, least) = middle_and_least(all(Who::Policy).flatten().collect())?;
        let (fixed, _) = middle_and_least(all(Who::Fixed).flatten().collect())?;
        let is_below = |(policy, fixed): &(Option<f64>, Option<f64>)| {
            policy.zip(*fixed).is_some_and(|(policy, fixed)| policy < fixed)
        };
        Some(Goals {
            median,
            least,
            fixed,
            below_fixed: all(Who::Policy).zip(all(Who::Fixed)).filter(is_below).count(),
            unknown: all(Who::Policy).filter(Option::is_none).count(),
            violations: self.scenarios.iter().map(|row| row.violations(Who::Policy)).sum(),
        })
    }

    /// All of it for programs.
    pub fn data(&self) -> Value {
        let goals = self.goals().map(|goals| {
            json!({
                "median": goals.median, "least": goals.least, "fixed_thresholds_median": goals.fixed,
                "below_fixed_thresholds": goals.below_fixed, "unknown": goals.unknown,
                "violations": goals.violations, "met": goals.are_met(),
            })
        });
        json!({ "scenarios": self.scenarios.iter().map(scenario_data).collect::<Vec<_>>(), "goals": goals })
    }
}

fn scenario_data(row: &OfScenario<'_>) -> Value {
    let seeds = row.seeds.iter().map(|seed| {
        let of = |who: Who| {
            let mut data = vector(seed.of(who));
            if let Some(fields) = data.as_object_mut() {
                fields.insert("J".to_owned(), penalty(seed.of(who)).into());
                fields.insert("S".to_owned(), seed.points(row.scenario, who).into());
                fields.insert("keys".to_owned(), keys_data(row.scenario, seed.of(who)));
            }
            data
        };
        json!({
            "seed": seed.seed, "J_optimum": seed.best.as_ref().map(|best| best.penalty),
            "optimum": seed.best.as_ref().map(|best| best.more.clone()),
            "no_control": of(Who::Nobody), "fixed_thresholds": of(Who::Fixed), "policy": of(Who::Policy),
        })
    });
    json!({
        "number": row.scenario.number, "name": row.scenario.name, "title": row.scenario.titles.0,
        "length_s": row.scenario.length.secs_f64(), "seeds": seeds.collect::<Vec<_>>(),
    })
}

fn keys_data(scenario: &Scenario, seen: &Seen) -> Value {
    let key = |key: &super::measure::Key| {
        let value = (key.measure.of)(seen);
        json!({
            "measure": key.measure.word, "at_least": key.at_least, "at_most": key.at_most,
            "value": value.filter(|value| value.is_finite()), "holds": key.holds(value),
        })
    };
    scenario.keys.iter().map(key).collect()
}

/// The raw numbers of a run.
pub fn vector(seen: &Seen) -> Value {
    let missed: serde_json::Map<_, _> =
        seen.missed_wh.iter().map(|(class, watt_hours)| (class.clone(), (watt_hours / 1e3).into())).collect();
    let violations = seen.violations.iter().map(|violation| {
        json!({ "at_s": violation.at_ms as f64 / 1e3, "device": violation.device, "danger": violation.danger.word() })
    });
    json!({
        "length_s": seen.length_s, "missed_kwh": missed, "served_kwh": seen.served_wh / 1e3,
        "lowest_hz": seen.lowest_hz, "highest_hz": seen.highest_hz, "deviation_hz": seen.deviation_hz,
        "outside_49_51_s": seen.outside_narrow_s, "outside_47_5_52_s": seen.outside_wide_s,
        "dark_s": seen.dark_s, "blackouts": seen.blackouts, "starts": seen.starts,
        "switchings": seen.switchings, "most_in_an_hour": seen.most_in_an_hour,
        "most_in_a_day": seen.most_in_a_day, "evenness": seen.evenness, "peak_over_capacity": seen.peak,
        "hottest_cell_c": seen.hottest_cell_c, "coldest_charge_c": seen.coldest_charge_c,
        "homes_back_s": seen.homes_back_s, "offer_used": seen.offer_used, "hottest_water_c": seen.hottest_water_c,
        "first_shedding_s": seen.first_shedding_s, "sheddings_before": seen.sheddings_before,
        "stuck_found_s": seen.stuck_found_s, "suspended": seen.suspended,
        "alarms": seen.alarms, "violations": seen.violations_count,
        "first_violations": violations.collect::<Vec<_>>(), "hash": format!("{:016x}", seen.hash),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(middle_and_least(vec![30.0, 10.0, 20.0]), Some((20.0, 10.0)));
        assert_eq!(middle_and_least(vec![40.0, 10.0, 20.0, 30.0]), Some((25.0, 10.0)));
        assert_eq!(middle_and_least(Vec::new()), None);
    }

    #[test]
    fn each_goal_alone_can_be_missed() {
        let met = Goals { median: 80.0, least: 50.0, fixed: 60.0, below_fixed: 0, unknown: 0, violations: 0 };
        assert!(met.are_met());
        for missed in [
            Goals { median: 79.9, fixed: 10.0, ..met },
            Goals { least: 49.9, ..met },
            Goals { fixed: 60.1, ..met },
            Goals { below_fixed: 1, ..met },
            Goals { unknown: 1, ..met },
            Goals { violations: 1, ..met },
        ] {
            assert!(!missed.are_met(), "{missed:?}");
        }
    }
}
