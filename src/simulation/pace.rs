//! So many simulated seconds in a second of the wall.

use std::time::{Duration, Instant};

/// Later than this the pace begins anew: nobody wants to see what was missed in a rush.
const LATE_MAX: Duration = Duration::from_millis(250);

/// A simulation that people watch.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: f64,
    /// A moment of the wall and the simulated time that belongs to it, ms.
    anchor: Option<(Instant, u64)>,
}

impl Pace {
    /// So many times faster than life; at least a thousandth.
    pub fn new(speed: f64) -> Self {
        Self { speed: speed.max(1e-3), anchor: None }
    }

    /// How long to wait until the simulated time may be this, ms.
    pub fn wait(&self, millis: u64) -> Duration {
        let Some((since, from)) = self.anchor else { return Duration::ZERO };
        let due = millis.saturating_sub(from) as f64 / 1e3 / self.speed;
        Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX).saturating_sub(since.elapsed())
    }

    /// The simulated time is this now, ms.
    pub fn reached(&mut self, millis: u64) {
        let now = Instant::now();
        let is_late = self.anchor.is_none_or(|(since, from)| {
            let due = millis.saturating_sub(from) as f64 / 1e3 / self.speed;
            now.duration_since(since).as_secs_f64() > due + LATE_MAX.as_secs_f64()
        });
        if is_late {
            self.anchor = Some((now, millis));
        }
    }
}
