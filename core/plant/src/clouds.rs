//! Clouds as a factor on the clear sky: single clouds with steep edges, drawn per slot of time from a seed.
//!
//! The share of the sky that passes is 1 without a cloud. A small solar field loses 60-70 % of its power in about 10 s
//! when an edge passes; that edge is [`EDGE_S`].

use crate::rng::Stream;

/// Time in which the edge of a cloud passes over a village's panels, s.
pub const EDGE_S: f64 = 10.0;

/// One cloud may begin in each slot of this length, s.
const SLOT_S: f64 = 600.0;

/// Shortest and longest cloud, s; the longest reaches at most two slots further.
const DURATION_S: (f64, f64) = (60.0, 1_100.0);

/// Thinnest and thickest cloud: share of the light that it takes.
const DEPTH: (f64, f64) = (0.2, 0.8);

/// Share of a shadow that lies on the panels at `now_s`: 0 before and after, `depth` in its middle, linear edges of
/// `edge_s` inside `start_s..start_s + duration_s`.
pub fn shadow(now_s: f64, start_s: f64, duration_s: f64, edge_s: f64, depth: f64) -> f64 {
    let since_s = now_s - start_s;
    let inside_s = since_s.min(duration_s - since_s);
    depth * (inside_s / edge_s.max(1e-3)).clamp(0.0, 1.0)
}

/// A sky with clouds of its own.
#[derive(Clone, Copy, Debug)]
pub struct Sky {
    stream: Stream,
    cloudiness: f64,
}

impl Sky {
    /// `cloudiness` is the chance, 0..1, that a cloud begins in a given ten minutes.
    pub fn new(stream: Stream, cloudiness: f64) -> Self {
        Self { stream, cloudiness }
    }

    /// Share of the clear sky's light that passes at `now_s` >= 0, in 0..=1. The thickest cloud counts.
    pub fn passing(&self, now_s: f64) -> f64 {
        let slot = (now_s / SLOT_S).floor().max(0.0) as u64;
        let mut shaded = 0.0_f64;
        for back in 0..=2 {
            let Some(slot) = slot.checked_sub(back) else { continue };
            let cloud = self.stream.fork(slot);
            if cloud.unit(0) < self.cloudiness {
                let start_s = (slot as f64 + cloud.unit(1)) * SLOT_S;
                let duration_s = cloud.between(2, DURATION_S.0, DURATION_S.1);
                shaded = shaded.max(shadow(
                    now_s,
                    start_s,
                    duration_s,
                    EDGE_S,
                    cloud.between(3, DEPTH.0, DEPTH.1),
                ));
            }
        }
        1.0 - shaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_is_a_trapezium() {
        for (now_s, expected) in
            [(99.0, 0.0), (100.0, 0.0), (105.0, 0.3), (110.0, 0.6), (150.0, 0.6), (195.0, 0.3), (201.0, 0.0)]
        {
            let found = shadow(now_s, 100.0, 100.0, 10.0, 0.6);
            assert!((found - expected).abs() < 1e-12, "at {now_s}: {found}");
        }
    }

    #[test]
    fn edges_are_never_steeper_than_a_cloud_edge() {
        let sky = Sky::new(Stream::new(11), 0.7);
        let mut shaded_s = 0;
        let mut before = sky.passing(0.0);
        for second in 1..86_400 {
            let passing = sky.passing(f64::from(second));
            assert!((0.2..=1.0).contains(&passing));
            assert!((passing - before).abs() <= DEPTH.1 / EDGE_S + 1e-9, "a jump at {second} s");
            shaded_s += i32::from(passing < 0.99);
            before = passing;
        }
        assert!((20_000..70_000).contains(&shaded_s), "shaded for {shaded_s} s of the day");
    }

    #[test]
    fn a_clear_sky_has_no_clouds() {
        let sky = Sky::new(Stream::new(11), 0.0);
        assert!((0..2_000).all(|minute| sky.passing(f64::from(minute) * 60.0) >= 1.0));
    }
}
