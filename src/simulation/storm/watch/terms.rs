//! The numbers of the storm's safety sets, written down a second time: the observer reads no file.

use ballast_model::Span;

/// How long the program's word holds.
pub(super) const LEASE: Span = Span::from_secs(3);
/// How long a limit that never knew its inputs waits after a start.
pub(super) const GRACE: Span = Span::from_secs(10);
/// The heater's budget of switchings counts over this.
pub(super) const BUDGET_PER: Span = Span::from_secs(600);
/// The pump's shortest times, closed and open.
pub(super) const PUMP_SHORTEST: Span = Span::from_secs(10);
/// The pump's budget: so many in an hour.
pub(super) const PUMP_BUDGET: (usize, Span) = (20, Span::from_secs(3_600));
/// The setpoint: its shortest interval, the steepest rise (W/s), and its step (W).
pub(super) const INTERVAL: Span = Span::from_secs(2);
pub(super) const RATE: f64 = 100.0;
pub(super) const STEP: f64 = 10.0;
/// What the temperature of the battery leaves of the setpoint: °C and per cent.
pub(super) const CURVE: [(f64, f64); 3] = [(45.0, 100.0), (50.0, 50.0), (55.0, 0.0)];
/// Above this the frequency lets loads come back, Hz, one in this time.
pub(super) const ABOVE: f64 = 49.8;
pub(super) const ONE_PER: Span = Span::from_secs(5);
/// The stages of shedding: below which frequency (Hz), and the share of the load before that this and all stages above it cut.
pub(super) const STAGES: [(f64, f64); 2] = [(49.4, 0.1), (49.0, 0.5)];
/// What cutting a load gives, W: north, south, school.
pub(super) const LOADS: [f64; 3] = [2_000.0, 2_000.0, 1_000.0];

/// What differs between the sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulation::storm) struct Terms {
    pub(super) min_open: Span,
    pub(super) min_closed: Span,
    pub(super) max_closed: Span,
    pub(super) budget: usize,
    /// The tank is too hot above, and cool again below, °C.
    pub(super) hot: f64,
    pub(super) cool: f64,
    pub(in crate::simulation::storm) dead_time: Span,
}

impl Terms {
    /// Those of one safety set.
    pub(in crate::simulation::storm) fn of(safety: usize) -> Self {
        let base = Self {
            min_open: Span::from_secs(20),
            min_closed: Span::from_secs(20),
            max_closed: Span::from_secs(40),
            budget: 6,
            hot: 80.0,
            cool: 75.0,
            dead_time: Span::from_secs(2),
        };
        match safety {
            1 => Self {
                min_open: Span::from_secs(40),
                max_closed: Span::from_secs(25),
                hot: 70.0,
                cool: 68.0,
                ..base
            },
            2 => Self { min_open: Span::from_secs(5), budget: 12, hot: 90.0, cool: 85.0, ..base },
            3 => Self {
                min_closed: Span::from_secs(30),
                min_open: Span::from_secs(10),
                dead_time: Span::from_secs(4),
                hot: 75.0,
                cool: 70.0,
                ..base
            },
            _ => base,
        }
    }

    /// The stricter of both, number by number: what holds while nobody confirmed the other one.
    pub(in crate::simulation::storm) fn and(self, other: Self) -> Self {
        Self {
            min_open: self.min_open.max(other.min_open),
            min_closed: self.min_closed.max(other.min_closed),
            max_closed: self.max_closed.min(other.max_closed),
            budget: self.budget.min(other.budget),
            hot: self.hot.min(other.hot),
            cool: self.cool.min(other.cool),
            dead_time: self.dead_time.max(other.dead_time),
        }
    }
}
