//! Curves that are given as points.

/// The value of a curve that goes straight from point to point; beyond its ends that of the end.
pub(crate) fn along(points: &[(f64, f64)], at: f64) -> f64 {
    let above = points.partition_point(|(from, _)| *from <= at);
    match (above.checked_sub(1).and_then(|below| points.get(below)), points.get(above)) {
        (Some((low, from)), Some((high, to))) => from + (to - from) * (at - low) / (high - low),
        (Some((_, only)), None) | (None, Some((_, only))) => *only,
        (None, None) => 0.0,
    }
}
