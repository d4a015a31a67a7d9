//! What comes back after two hours of darkness, and in which order it may: all at once, each after a time of its own, or out
//! of a queue with a budget.
//!
//! Sixty refrigerators, forty water heaters of 2 kW and 8 kW of other loads on a bus that carries everything. Computed
//! elsewhere with other draws: a usual peak of 44 kW; 2.08 times that after the outage, 2.02 times where each waits up to an
//! hour, 0.90 times with a budget of 40 kW in which refrigerators come first and the coldest tank next.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use ballast_plant::loads::LoadClass;
use ballast_plant::rng::Stream;
use ballast_plant::village::{Disturbance, Draw, GridSpec, What, When};
use ballast_plant::{Village, VillageSpec};

const MINUTE_MS: u64 = 60_000;
/// The lights go out at 18:00, four hours after the start, and come back two hours later.
const DARK_FROM: u64 = 4 * 60;
const DARK_UNTIL: u64 = 6 * 60;
const END: u64 = 10 * 60;
const BUDGET_W: f64 = 40_000.0;
const HEATER_W: f64 = 2_000.0;

/// How loads come back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Return {
    Undisturbed,
    AllAtOnce,
    Within(u64),
    Queue,
}

fn village(how: Return) -> Village {
    let mut spec = VillageSpec::forty_homes();
    spec.start_unix_s += 8 * 3_600;
    let mut rest = spec.loads[0].clone();
    (rest.name, rest.class, rest.by_hour_w) = ("rest".into(), LoadClass::Homes, [8_000.0; 24]);
    (rest.cycle, rest.appliances, rest.pick_up) = (None, None, 0.0);
    spec.loads = vec![rest];
    let draw = |hour: f64| Draw { from_local_s: hour * 3_600.0, duration_s: 600.0, l_per_min: 4.0 };
    let mut tank = spec.tanks[1].clone();
    (tank.members, tank.closed_at_start, tank.draw_jitter_s) = (1, true, 7_200.0);
    tank.draws = vec![draw(18.0), draw(20.5)];
    let numbered = |name: &str, number: usize| format!("{name}_{number}");
    spec.tanks = (0..40)
        .map(|number| ballast_plant::village::TankSpec { name: numbered("tank", number), ..tank.clone() })
        .collect();
    let kinds = [(spec.fridges[0].clone(), 40), (spec.fridges[4].clone(), 20)];
    let all = kinds.iter().flat_map(|(kind, count)| std::iter::repeat_n(kind, *count));
    spec.fridges = all
        .enumerate()
        .map(|(number, kind)| ballast_plant::village::FridgesSpec {
            name: numbered("fridge", number),
            members: 1,
            ..kind.clone()
        })
        .collect();
    (spec.gensets, spec.storage, spec.solar, spec.wind) = (Vec::new(), None, None, None);
    (spec.feeders, spec.vehicles) = (Vec::new(), Vec::new());
    spec.grid = Some(GridSpec { name: "grid".into(), connected_at_start: true, wander_hz: 0.0 });
    if how != Return::Undisturbed {
        let when = When::Once { after_start_s: (DARK_FROM * 60) as f64 };
        let lasts_s = ((DARK_UNTIL - DARK_FROM) * 60) as f64;
        spec.disturbances.push(Disturbance { when, jitter_s: 0.0, what: What::GridLoss { lasts_s } });
    }
    Village::new(spec, 5).unwrap()
}

fn read(village: &Village, name: &str) -> f64 {
    village
        .find_output(name)
        .and_then(|id| village.read(id))
        .unwrap_or_else(|| panic!("{name} shows nothing"))
}

fn close(village: &mut Village, name: &str, closed: bool) {
    let id = village.find_input(&format!("{name}.closed")).unwrap_or_else(|| panic!("no {name}"));
    village.set_input(id, f64::from(u8::from(closed))).unwrap();
}

/// Each waits for a time of its own, `longest` minutes at most.
fn after_its_delay(village: &mut Village, names: &[String], minute: u64, longest: u64) {
    let draws = Stream::new(11);
    for (number, name) in (0..).zip(names) {
        let waits = (draws.unit(number) * longest as f64) as u64;
        close(village, name, minute >= DARK_UNTIL + waits);
    }
}

/// Refrigerators come first; of the tanks the coldest, as many as the budget carries beside what is on.
fn within_the_budget(village: &mut Village, names: &[String]) {
    let (tanks, fridges): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| name.starts_with("tank"));
    for name in &fridges {
        close(village, name, true);
    }
    // All refrigerators at once take 6 kW.
    let mut free_w = BUDGET_W - 8_000.0 - 6_000.0;
    let mut by_warmth: Vec<(f64, &String)> =
        tanks.into_iter().map(|name| (read(village, &format!("{name}.temperature")), name)).collect();
    by_warmth.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (_, name) in by_warmth {
        close(village, name, free_w >= HEATER_W);
        free_w -= HEATER_W;
    }
}

/// The greatest load after the darkness, W; minutes above one and a half times 44 kW; and the coldest tank at the end, C.
fn peak(how: Return) -> (f64, u64, f64) {
    let mut village = village(how);
    let names: Vec<String> =
        village.spec().consumer_names().filter(|name| *name != "rest").map(str::to_owned).collect();
    let (mut peak_w, mut high) = (0.0_f64, 0);
    for minute in 1..=END {
        if minute > DARK_FROM {
            match how {
                Return::Within(longest) => after_its_delay(&mut village, &names, minute, longest),
                Return::Queue => within_the_budget(&mut village, &names),
                Return::Undisturbed | Return::AllAtOnce => {}
            }
        }
        village.advance(minute * MINUTE_MS);
        let load_w = village.flows().load_w;
        peak_w = peak_w.max(load_w);
        high += u64::from(load_w > 1.5 * 44_000.0);
    }
    let tanks = names.iter().filter(|name| name.starts_with("tank"));
    let coldest_c =
        tanks.map(|name| read(&village, &format!("{name}.temperature"))).fold(f64::INFINITY, f64::min);
    (peak_w, high, coldest_c)
}

/// A time of its own for each flattens the first step, and takes from the peak only what the longest wait exceeds the time that a
/// tank heats; a queue with a budget takes the peak away, and every tank is warm four hours later.
#[test]
fn a_queue_with_a_budget_takes_the_peak_away_and_random_delays_do_not() {
    let (usual_w, _, _) = peak(Return::Undisturbed);
    let ways = [Return::AllAtOnce, Return::Within(5), Return::Within(30), Return::Within(60), Return::Queue];
    let came = ways.map(|how| {
        let (peak_w, high, coldest_c) = peak(how);
        let ratio = peak_w / usual_w;
        println!("{how:?}: {ratio:.2} times {usual_w:.0} W, {high} minutes high, coldest {coldest_c:.1} C");
        (ratio, high, coldest_c)
    });
    let [(at_once, high, _), (in_5, ..), (in_30, ..), (in_60, ..), (queued, never_high, coldest_c)] = came;
    assert!((40_000.0..55_000.0).contains(&usual_w), "{usual_w} W");
    assert!((1.7..2.3).contains(&at_once) && high > 30, "{at_once} times, {high} minutes");
    assert!((at_once - in_5).abs() < 0.1, "{in_5} times where each waits up to 5 minutes");
    assert!(in_30 > 1.3 && in_60 > 1.3 && in_60 <= in_30 && in_30 <= at_once, "{in_30} and {in_60} times");
    assert!(queued < 1.0 && never_high == 0, "{queued} times out of the queue");
    assert!(coldest_c > 50.0, "the coldest tank has {coldest_c} C four hours later");
}
