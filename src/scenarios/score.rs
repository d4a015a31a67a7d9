//! Penalties, evenness, points. The weights are ours: they say what this village holds dear, not what a standard asks.

use super::measure::Key;
use super::watch::Seen;

/// What a kilowatt-hour that a class missed costs, by the word of the class.
pub const PRIORITIES: [(&str, f64); 5] =
    [("clinic", 10.0), ("water_pump", 6.0), ("cold_chain", 4.0), ("homes", 2.0), ("comfort", 1.0)];
/// What a second outside of 49 to 51 Hz costs; without voltage it counts as outside of both bands.
pub const NARROW_PER_S: f64 = 5.0;
/// What a second outside of 47.5 to 52 Hz costs.
pub const WIDE_PER_S: f64 = 20.0;
/// What a switching of a load costs.
pub const PER_SWITCHING: f64 = 0.02;
/// What complete unevenness between homes costs.
pub const UNEVENNESS: f64 = 50.0;
/// Where the optimum gains less than this share over no control, the key measures alone count.
pub const LEAST_GAIN: f64 = 0.05;

/// Jain's index of what homes got of what they wished, each with its weight: 1 where all got the same share, and where
/// nobody got anything.
pub fn evenness(shares: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (weight, sum, squares) = shares.fold((0.0, 0.0, 0.0), |(weights, sum, squares), (weight, share)| {
        (weights + weight, sum + weight * share, squares + weight * share * share)
    });
    if weight * squares > 0.0 { sum * sum / (weight * squares) } else { 1.0 }
}

/// What a run costs.
pub fn penalty(seen: &Seen) -> f64 {
    let missed = PRIORITIES.iter().map(|(class, price)| price * seen.missed_of(class) / 1e3).sum::<f64>();
    missed
        + NARROW_PER_S * seen.outside_narrow_s
        + WIDE_PER_S * seen.outside_wide_s
        + PER_SWITCHING * seen.switchings as f64
        + UNEVENNESS * (1.0 - seen.evenness)
}

/// How many of the key measures hold.
pub fn held(keys: &[Key], seen: &Seen) -> usize {
    keys.iter().filter(|key| key.holds((key.measure.of)(seen))).count()
}

/// Points of 0 to 100 of a run that costs `cost`, where no control costs `without` and the optimum `best`. `held` says how
/// many of how many key measures hold. `None`: the optimum is not known.
pub fn points(
    cost: f64,
    without: f64,
    best: Option<f64>,
    (held, keys): (usize, usize),
    is_safe: bool,
) -> Option<f64> {
    if !is_safe {
        return Some(0.0);
    }
    let gain = without - best?;
    Some(if gain <= LEAST_GAIN * without {
        if keys == 0 { 100.0 } else { 100.0 * held as f64 / keys as f64 }
    } else {
        (100.0 * (without - cost) / gain).clamp(0.0, 100.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenness_is_jains_index() {
        let same = |share: f64| evenness([(10.0, share), (30.0, share)].into_iter());
        assert!((same(0.4) - 1.0).abs() < 1e-12 && (same(0.0) - 1.0).abs() < 1e-12);
        // One of four has all: 1/4; weights count as so many homes.
        let one = evenness([(1.0, 1.0), (3.0, 0.0)].into_iter());
        assert!((one - 0.25).abs() < 1e-12, "{one}");
        let some = evenness([(1.0, 1.0), (1.0, 0.5)].into_iter());
        assert!((some - 2.25 / 2.5).abs() < 1e-12, "{some}");
    }

    #[test]
    fn a_penalty_adds_what_was_missed_and_how_it_was() {
        let seen = Seen {
            missed_wh: vec![("clinic".into(), 500.0), ("homes".into(), 2_000.0), ("other".into(), 9_000.0)],
            outside_narrow_s: 3.0,
            outside_wide_s: 2.0,
            switchings: 10,
            evenness: 0.9,
            ..Seen::default()
        };
        let expected = 10.0 * 0.5 + 2.0 * 2.0 + 5.0 * 3.0 + 20.0 * 2.0 + 0.02 * 10.0 + 50.0 * 0.1;
        assert!((penalty(&seen) - expected).abs() < 1e-9, "{}", penalty(&seen));
    }

    #[test]
    fn points_go_from_no_control_to_the_optimum() {
        let of = |cost: f64| points(cost, 100.0, Some(20.0), (0, 1), true);
        assert_eq!((of(100.0), of(60.0), of(20.0)), (Some(0.0), Some(50.0), Some(100.0)));
        assert_eq!((of(150.0), of(10.0)), (Some(0.0), Some(100.0)), "never beyond the ends");
        assert_eq!(points(60.0, 100.0, Some(20.0), (1, 1), false), Some(0.0), "nothing for what is unsafe");
        assert_eq!(points(60.0, 100.0, None, (1, 1), true), None);
    }

    #[test]
    fn where_nothing_is_to_be_gained_the_key_measures_count() {
        assert_eq!(points(100.0, 100.0, Some(95.0), (2, 2), true), Some(100.0));
        assert_eq!(points(90.0, 100.0, Some(96.0), (1, 2), true), Some(50.0));
        assert_eq!(points(0.0, 0.0, Some(0.0), (0, 0), true), Some(100.0));
        assert_eq!(points(97.0, 100.0, Some(94.0), (0, 2), true), Some(50.0), "six of a hundred are enough");
    }
}
