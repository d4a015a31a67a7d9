//! Groups of small loads that one contact supplies: what people use over a day, with refrigerators that cycle, appliances
//! that come and go, and the pick-up after an outage.
//!
//! A group's demand is a function of the seed and of time; only the loss of diversity during an outage has a memory.

use crate::limits::MEMBERS_MAX;
use crate::rng::Stream;

/// Length of the slots in which appliances are drawn, s; an appliance runs no longer than one slot.
const SLOT_S: f64 = 1_800.0;

/// Time constant with which an outage takes away diversity, s: half an hour without supply and most thermostats call.
const DIVERSITY_LOST_S: f64 = 1_800.0;

/// Time constant with which diversity returns after the supply, s. With a pick-up share of 1.1, two hours of outage give
/// a peak of 2.1 times the usual demand, and more than 1.5 times for about half an hour.
const DIVERSITY_REGAINED_S: f64 = 2_400.0;

/// Members differ in size by this factor at most, both ways.
const SIZE: (f64, f64) = (0.6, 1.4);

/// What a load group is for; a village sheds comfort first and the clinic never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoadClass {
    /// Health: never shed.
    Clinic,
    /// Drinking water: never shed.
    WaterPump,
    /// Vaccines, fish, food.
    ColdChain,
    /// Homes.
    Homes,
    /// Cooling, workshops, heating.
    Comfort,
}

/// Something that switches itself on and off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// Power while on, W.
    pub power_w: f64,
    /// Mean period, s, > 0.
    pub period_s: f64,
    /// Share of the period that it is on, 0..1.
    pub duty: f64,
}

/// Appliances that people switch on when they need them; more often at the hours when they use more anyway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Appliances {
    /// Mean number of uses per member and day.
    pub per_day: f64,
    /// Least and most power, W.
    pub power_w: (f64, f64),
    /// Shortest and longest use, s; at most 1,800.
    pub duration_s: (f64, f64),
}

/// What a load group is.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// What it is for.
    pub class: LoadClass,
    /// Homes, refrigerators, ... behind the contact, >= 1.
    pub members: u32,
    /// Mean steady power of one member at each full local hour, W; between the hours it is linear.
    pub by_hour_w: [f64; 24],
    /// Something that cycles in each member.
    pub cycle: Option<Cycle>,
    /// Appliances of each member.
    pub appliances: Option<Appliances>,
    /// What the group takes on top of its demand when an outage has taken all diversity, as a share of the demand.
    pub pick_up: f64,
    /// The contact is closed at the start.
    pub closed_at_start: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    start_s: f64,
    end_s: f64,
    power_w: f64,
}

#[derive(Clone, Debug)]
struct Member {
    stream: Stream,
    size: f64,
    cycle_period_s: f64,
    cycle_phase: f64,
    slot: Option<u64>,
    uses: [Use; 2],
}

/// A load group at an instant.
#[derive(Clone, Debug)]
pub struct Load {
    spec: LoadSpec,
    members: Vec<Member>,
    mean_w: f64,
    lost_diversity: f64,
    demand_w: f64,
    added_w: f64,
}

impl Load {
    /// A group whose members are drawn from `stream`.
    pub fn new(spec: LoadSpec, stream: Stream) -> Self {
        let members = (0..u64::from(spec.members.min(MEMBERS_MAX)))
            .map(|number| {
                let stream = stream.fork(number);
                let period_s = spec.cycle.map_or(1.0, |cycle| cycle.period_s);
                Member {
                    stream: stream.fork(0),
                    size: stream.between(0, SIZE.0, SIZE.1),
                    cycle_period_s: period_s * stream.between(1, 0.85, 1.15),
                    cycle_phase: stream.unit(2),
                    slot: None,
                    uses: [Use::default(); 2],
                }
            })
            .collect();
        let mean_w = spec.by_hour_w.iter().sum::<f64>() / 24.0;
        Self { spec, members, mean_w, lost_diversity: 0.0, demand_w: 0.0, added_w: 0.0 }
    }

    /// What it is.
    pub fn spec(&self) -> &LoadSpec {
        &self.spec
    }

    /// Adds a scripted power, W, until the next call.
    pub fn add(&mut self, added_w: f64) {
        self.added_w = added_w;
    }

    /// Computes the demand at `now_s` since the start, `local_s` seconds after local midnight. `energised_s` is how
    /// long the group was supplied since the last call, `dark_s` how long it was not.
    pub fn observe(&mut self, now_s: f64, local_s: f64, energised_s: f64, dark_s: f64) {
        let kept = libm::exp(-dark_s / DIVERSITY_LOST_S);
        self.lost_diversity = 1.0 - (1.0 - self.lost_diversity) * kept;
        self.lost_diversity *= libm::exp(-energised_s / DIVERSITY_REGAINED_S);
        let steady_w = hour_mean(&self.spec.by_hour_w, local_s);
        let busyness = if self.mean_w > 0.0 { steady_w / self.mean_w } else { 1.0 };
        let spec = &self.spec;
        self.demand_w =
            self.members.iter_mut().map(|member| member.power_w(spec, now_s, steady_w, busyness)).sum();
    }

    /// Power that it takes at nominal frequency while supplied, W, >= 0.
    pub fn demand_w(&self) -> f64 {
        self.demand_w * (1.0 + self.spec.pick_up * self.lost_diversity) + self.added_w
    }

    /// Power that people wish at this instant, W, >= 0: the demand without the pick-up that an outage caused.
    pub fn wished_w(&self) -> f64 {
        self.demand_w + self.added_w
    }
}

impl Member {
    fn power_w(&mut self, spec: &LoadSpec, now_s: f64, steady_w: f64, busyness: f64) -> f64 {
        let mut power_w = steady_w;
        if let Some(cycle) = spec.cycle {
            let turn = now_s / self.cycle_period_s + self.cycle_phase;
            power_w += if turn - turn.floor() < cycle.duty { cycle.power_w } else { 0.0 };
        }
        if let Some(appliances) = &spec.appliances {
            self.draw(appliances, now_s, busyness);
            power_w += self
                .uses
                .iter()
                .filter(|one| (one.start_s..one.end_s).contains(&now_s))
                .map(|one| one.power_w)
                .sum::<f64>();
        }
        power_w * self.size
    }

    /// Draws the use of the slot that `now_s` lies in, and keeps the one of the slot before, which may still run.
    fn draw(&mut self, appliances: &Appliances, now_s: f64, busyness: f64) {
        let slot = (now_s / SLOT_S).floor().max(0.0) as u64;
        if self.slot == Some(slot) {
            return;
        }
        self.uses = [self.uses[1], Use::default()];
        self.slot = Some(slot);
        let stream = self.stream.fork(slot);
        if stream.unit(0) < appliances.per_day * busyness * SLOT_S / 86_400.0 {
            let start_s = (slot as f64 + stream.unit(1)) * SLOT_S;
            let duration_s = stream.between(2, appliances.duration_s.0, appliances.duration_s.1).min(SLOT_S);
            let power_w = stream.between(3, appliances.power_w.0, appliances.power_w.1);
            self.uses[1] = Use { start_s, end_s: start_s + duration_s, power_w };
        }
    }
}

/// The value of an hourly curve at a second of the local day, linear between the hours and around midnight.
fn hour_mean(by_hour: &[f64; 24], local_s: f64) -> f64 {
    let hours = (local_s / 3_600.0).max(0.0);
    let share = hours - hours.floor();
    let value = |hour: usize| by_hour.get(hour % 24).copied().unwrap_or(0.0);
    let hour = hours.floor() as usize;
    value(hour) * (1.0 - share) + value(hour + 1) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn homes(seed: u64) -> Load {
        let mut by_hour_w = [60.0; 24];
        by_hour_w[19] = 240.0;
        let spec = LoadSpec {
            name: "homes".into(),
            class: LoadClass::Homes,
            members: 10,
            by_hour_w,
            cycle: Some(Cycle { power_w: 90.0, period_s: 1_800.0, duty: 0.3 }),
            appliances: Some(Appliances {
                per_day: 8.0,
                power_w: (300.0, 1_500.0),
                duration_s: (120.0, 1_800.0),
            }),
            pick_up: 1.1,
            closed_at_start: true,
        };
        Load::new(spec, Stream::new(seed))
    }

    fn day_mean_w(load: &mut Load) -> f64 {
        let mut sum_w = 0.0;
        for minute in 0..1_440 {
            load.observe(f64::from(minute) * 60.0, f64::from(minute) * 60.0, 60.0, 0.0);
            sum_w += load.demand_w();
        }
        sum_w / 1_440.0
    }

    #[test]
    fn the_hourly_curve_is_linear_and_closes() {
        let mut curve = [0.0; 24];
        curve[23] = 10.0;
        for (local_s, expected) in
            [(22.5 * 3_600.0, 5.0), (23.0 * 3_600.0, 10.0), (23.75 * 3_600.0, 2.5), (0.0, 0.0)]
        {
            assert!((hour_mean(&curve, local_s) - expected).abs() < 1e-9);
        }
    }

    /// Per home: 67.5 W steady + 27 W refrigerator + 8 uses of 900 W x 960 s a day = 80 W.
    #[test]
    fn the_mean_is_what_the_specification_adds_up_to() {
        let mean_w = (0..20).map(|seed| day_mean_w(&mut homes(seed))).sum::<f64>() / 20.0;
        assert!((mean_w - 1_745.0).abs() < 120.0, "{mean_w} W");
    }

    #[test]
    fn the_same_seed_wishes_the_same() {
        let (first, again) = (day_mean_w(&mut homes(4)), day_mean_w(&mut homes(4)));
        assert_eq!(first.to_bits(), again.to_bits());
        assert_ne!(first.to_bits(), day_mean_w(&mut homes(5)).to_bits());
    }

    #[test]
    fn an_outage_is_picked_up_and_decays() {
        let mut load = homes(4);
        load.observe(0.0, 0.0, 0.0, 0.0);
        load.observe(7_200.0, 7_200.0, 0.0, 7_200.0);
        let factor = load.demand_w() / load.wished_w();
        assert!((2.0..2.1).contains(&factor), "after two hours {factor}");
        load.observe(10_800.0, 10_800.0, 3_600.0, 0.0);
        let factor = load.demand_w() / load.wished_w();
        assert!((1.1..1.4).contains(&factor), "an hour later {factor}");
    }
}
