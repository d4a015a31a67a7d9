//! A diesel generating set with its own controller: start, warm-up, synchronising, unloading, cool-down, failure.
//!
//! ```text
//! Stopped -- run --> Starting -- start_s --> WarmingUp -- warm_up_s --> Ready <--> (on line)
//!    ^                  |  refuses to start                              | run ends (after unloading)
//!    |                  v                                                v
//!    +-- repaired -- Failed <---------------- trip ---------------- CoolingDown -- cool_down_s --> Stopped
//!    +-- run ends -- LockedOut <-- the bus collapsed under it three times in ten minutes
//! ```
//!
//! The set closes its contactor only while it is ready; on a live bus it synchronises first. Times of small sets:
//! start 5-15 s, warm-up 30-60 s before load. Controllers of sets lock out after repeated trips on overload, until
//! somebody takes the wish to run back and gives it anew.

use crate::swing::MachineSpec;
use crate::trips::Trips;

/// What a generating set is.
#[derive(Clone, Debug, PartialEq)]
pub struct GensetSpec {
    /// Name of the device, the first part of its points.
    pub name: String,
    /// The machine as the frequency sees it.
    pub machine: MachineSpec,
    /// Cranking until it runs, ms.
    pub start_ms: u64,
    /// Running before it may take load, ms.
    pub warm_up_ms: u64,
    /// Running on without load before it stops, ms.
    pub cool_down_ms: u64,
    /// Time to synchronise with a live bus, ms.
    pub synchronise_ms: u64,
    /// Time to give its load to other sources before it opens, ms.
    pub unload_ms: u64,
    /// After the bus collapsed it closes again no sooner than this, ms.
    pub retry_ms: u64,
    /// At the start it runs, warm and on line; else it is stopped and its inputs are open.
    pub on_line_at_start: bool,
    /// It is not there: it never starts.
    pub is_absent: bool,
}

/// Where the set is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// At rest.
    Stopped,
    /// Cranking.
    Starting {
        /// End of cranking.
        until_ms: u64,
    },
    /// Running, not yet fit for load.
    WarmingUp {
        /// End of the warm-up.
        until_ms: u64,
    },
    /// Running and fit for load.
    Ready,
    /// Running without load before the stop.
    CoolingDown {
        /// End of the cool-down.
        until_ms: u64,
    },
    /// Stopped by its controller after repeated collapses, until the wish to run is taken back.
    LockedOut,
    /// Broken until somebody repairs and resets it.
    Failed {
        /// When it is repaired.
        until_ms: u64,
    },
}

/// What the set's contactor does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nothing.
    Stay,
    /// Closes onto the bus.
    Close,
    /// Stays closed and gives its load away.
    Unload,
    /// Stays closed and takes load again.
    Reload,
    /// Opens.
    Open,
}

/// What the set sees of the bus.
#[derive(Clone, Copy, Debug)]
pub struct BusView {
    /// The bus has voltage.
    pub live: bool,
    /// Another source holds the frequency.
    pub others: bool,
}

/// A generating set at an instant.
#[derive(Clone, Debug)]
pub struct Genset {
    spec: GensetSpec,
    phase: Phase,
    run_wanted: bool,
    contactor_wanted: bool,
    refuses_until_ms: u64,
    retry_at_ms: u64,
    closes_at_ms: Option<u64>,
    opens_at_ms: Option<u64>,
    on_line: bool,
    trips: Trips<3>,
}

impl Genset {
    /// A set as its specification starts it. A set that is on line at the start still has to be connected in the
    /// swing equation by the caller.
    pub fn new(spec: GensetSpec) -> Self {
        let on_line = spec.on_line_at_start && !spec.is_absent;
        let phase = match (spec.is_absent, on_line) {
            (true, _) => Phase::Failed { until_ms: u64::MAX },
            (_, true) => Phase::Ready,
            _ => Phase::Stopped,
        };
        Self {
            spec,
            phase,
            run_wanted: on_line,
            contactor_wanted: on_line,
            refuses_until_ms: 0,
            retry_at_ms: 0,
            closes_at_ms: None,
            opens_at_ms: None,
            on_line,
            trips: Trips::default(),
        }
    }

    /// What it is.
    pub fn spec(&self) -> &GensetSpec {
        &self.spec
    }

    /// Commands the engine.
    pub fn command_run(&mut self, run: bool) {
        self.run_wanted = run;
        if !run && self.phase == Phase::LockedOut {
            self.phase = Phase::Stopped;
        }
    }

    /// Commands the contactor.
    pub fn command_contactor(&mut self, closed: bool) {
        self.contactor_wanted = closed;
    }

    /// Breaks the set; its contactor has opened.
    pub fn trip(&mut self, repaired_at_ms: u64) {
        if !self.spec.is_absent {
            self.phase = Phase::Failed { until_ms: repaired_at_ms };
        }
        (self.on_line, self.closes_at_ms, self.opens_at_ms) = (false, None, None);
    }

    /// Every start before this instant fails.
    pub fn refuse_to_start(&mut self, until_ms: u64) {
        self.refuses_until_ms = until_ms;
    }

    /// The bus collapsed: the contactor has opened and stays open for a while; after too many times the set locks out.
    pub fn bus_collapsed(&mut self, now_ms: u64) {
        self.on_line = false;
        self.retry_at_ms = now_ms.saturating_add(self.spec.retry_ms);
        (self.closes_at_ms, self.opens_at_ms) = (None, None);
        if self.trips.book(now_ms) {
            self.phase = Phase::LockedOut;
        }
    }

    /// Everything is lost: it stands still, and no start before this instant succeeds. What happened before is forgotten.
    pub fn black_out(&mut self, until_ms: u64) {
        (self.on_line, self.closes_at_ms, self.opens_at_ms) = (false, None, None);
        (self.trips, self.retry_at_ms) = (Trips::default(), 0);
        self.refuses_until_ms = self.refuses_until_ms.max(until_ms);
        if !matches!(self.phase, Phase::Failed { until_ms: repaired_ms } if repaired_ms > until_ms) {
            self.phase = Phase::Stopped;
        }
    }

    /// Moves through its life to `now_ms`, and says what the contactor does.
    pub fn step(&mut self, now_ms: u64, bus: BusView) -> Move {
        self.live_on(now_ms);
        let wants = self.run_wanted
            && self.contactor_wanted
            && self.phase == Phase::Ready
            && now_ms >= self.retry_at_ms;
        let contactor = match (self.on_line, wants) {
            (false, true) => self.close(now_ms, bus),
            (true, false) => self.open(now_ms, bus),
            (on_line, _) => {
                self.closes_at_ms = None;
                if self.opens_at_ms.take().is_some() && on_line { Move::Reload } else { Move::Stay }
            }
        };
        self.live_on(now_ms);
        contactor
    }

    fn live_on(&mut self, now_ms: u64) {
        while let Some(next) = self.next_phase(now_ms) {
            self.phase = next;
        }
    }

    fn next_phase(&self, now_ms: u64) -> Option<Phase> {
        let is_over = |until_ms: u64| now_ms >= until_ms;
        match self.phase {
            Phase::Stopped => self
                .run_wanted
                .then(|| Phase::Starting { until_ms: now_ms.saturating_add(self.spec.start_ms) }),
            Phase::Starting { .. } if !self.run_wanted => Some(Phase::Stopped),
            Phase::Starting { until_ms } if is_over(until_ms) => Some(if until_ms < self.refuses_until_ms {
                Phase::Failed { until_ms: self.refuses_until_ms }
            } else {
                Phase::WarmingUp { until_ms: until_ms.saturating_add(self.spec.warm_up_ms) }
            }),
            Phase::WarmingUp { .. } if !self.run_wanted => Some(Phase::Stopped),
            Phase::WarmingUp { until_ms } if is_over(until_ms) => Some(Phase::Ready),
            Phase::Ready if !self.run_wanted && !self.on_line => {
                Some(Phase::CoolingDown { until_ms: now_ms.saturating_add(self.spec.cool_down_ms) })
            }
            Phase::CoolingDown { .. } if self.run_wanted => Some(Phase::Ready),
            Phase::CoolingDown { until_ms } | Phase::Failed { until_ms } if is_over(until_ms) => {
                Some(Phase::Stopped)
            }
            _ => None,
        }
    }

    fn close(&mut self, now_ms: u64, bus: BusView) -> Move {
        let wait_ms = if bus.live { self.spec.synchronise_ms } else { 0 };
        let closes_at_ms = *self.closes_at_ms.get_or_insert(now_ms.saturating_add(wait_ms));
        if now_ms < closes_at_ms {
            return Move::Stay;
        }
        (self.on_line, self.closes_at_ms) = (true, None);
        Move::Close
    }

    fn open(&mut self, now_ms: u64, bus: BusView) -> Move {
        let wait_ms = if bus.others { self.spec.unload_ms } else { 0 };
        let is_new = self.opens_at_ms.is_none();
        let opens_at_ms = *self.opens_at_ms.get_or_insert(now_ms.saturating_add(wait_ms));
        if now_ms < opens_at_ms {
            return if is_new { Move::Unload } else { Move::Stay };
        }
        (self.on_line, self.opens_at_ms) = (false, None);
        Move::Open
    }

    /// When [`Genset::step`] has something to do without a new command.
    pub fn deadline_ms(&self) -> Option<u64> {
        let phase_ms = match self.phase {
            Phase::Starting { until_ms }
            | Phase::WarmingUp { until_ms }
            | Phase::CoolingDown { until_ms }
            | Phase::Failed { until_ms } => Some(until_ms),
            Phase::Ready if !self.on_line && self.run_wanted && self.contactor_wanted => {
                Some(self.retry_at_ms)
            }
            Phase::Stopped | Phase::LockedOut | Phase::Ready => None,
        };
        let contactor_ms = self.closes_at_ms.or(self.opens_at_ms);
        // While the contactor waits, its instant is the next one; the retry before it has passed.
        contactor_ms.or(phase_ms)
    }

    /// Where the set is in its life.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The contactor is closed.
    pub fn is_on_line(&self) -> bool {
        self.on_line
    }

    /// The engine turns.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::WarmingUp { .. } | Phase::Ready | Phase::CoolingDown { .. })
    }

    /// The set is warm and may take load.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Until when it refuses to start, ms.
    pub fn refuses_until_ms(&self) -> u64 {
        self.refuses_until_ms
    }

    /// The set is broken or locked out.
    pub fn is_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed { .. } | Phase::LockedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD: BusView = BusView { live: false, others: false };
    const SHARED: BusView = BusView { live: true, others: true };

    fn set(on_line_at_start: bool) -> Genset {
        Genset::new(GensetSpec {
            name: "genset".into(),
            machine: MachineSpec {
                rated_va: 30_000.0,
                inertia_s: 1.0,
                droop: 0.04,
                governor_lag_s: 0.1,
                turbine_lag_s: 0.3,
                power_max_pu: 1.0,
                trim_s: None,
            },
            start_ms: 8_000,
            warm_up_ms: 30_000,
            cool_down_ms: 60_000,
            synchronise_ms: 2_000,
            unload_ms: 5_000,
            retry_ms: 10_000,
            on_line_at_start,
            is_absent: false,
        })
    }

    /// Steps at every deadline up to `to_ms` and returns the moves with their instants.
    fn run(set: &mut Genset, from_ms: u64, to_ms: u64, bus: BusView) -> Vec<(u64, Move)> {
        let mut moves = Vec::new();
        let mut now_ms = from_ms;
        loop {
            let next = set.step(now_ms, bus);
            if next != Move::Stay {
                moves.push((now_ms, next));
            }
            match set.deadline_ms().filter(|deadline_ms| *deadline_ms <= to_ms && *deadline_ms > now_ms) {
                Some(deadline_ms) => now_ms = deadline_ms,
                None => return moves,
            }
        }
    }

    #[test]
    fn a_start_cranks_warms_up_and_synchronises() {
        let mut genset = set(false);
        genset.command_run(true);
        genset.command_contactor(true);
        assert_eq!(run(&mut genset, 1_000, 100_000, SHARED), [(41_000, Move::Close)]);
        assert!(genset.is_on_line() && genset.is_ready());
    }

    #[test]
    fn on_a_dead_bus_nothing_is_synchronised() {
        let mut genset = set(false);
        genset.command_run(true);
        genset.command_contactor(true);
        assert_eq!(run(&mut genset, 0, 100_000, DEAD), [(38_000, Move::Close)]);
    }

    #[test]
    fn a_stop_unloads_cools_down_and_stops() {
        let mut genset = set(true);
        genset.command_run(false);
        assert_eq!(run(&mut genset, 0, 5_000, SHARED), [(0, Move::Unload), (5_000, Move::Open)]);
        assert!(run(&mut genset, 5_000, 64_999, SHARED).is_empty());
        assert!(genset.is_running());
        run(&mut genset, 65_000, 65_000, SHARED);
        assert_eq!(genset.phase(), Phase::Stopped);
    }

    #[test]
    fn a_stop_taken_back_takes_load_again() {
        let mut genset = set(true);
        genset.command_contactor(false);
        assert_eq!(genset.step(0, SHARED), Move::Unload);
        genset.command_contactor(true);
        assert_eq!(genset.step(1_000, SHARED), Move::Reload);
        assert!(genset.is_on_line());
    }

    #[test]
    fn a_failed_set_starts_again_once_it_is_repaired() {
        let mut genset = set(true);
        genset.trip(600_000);
        assert!(genset.is_failed() && !genset.is_on_line() && !genset.is_running());
        assert_eq!(run(&mut genset, 0, 640_000, SHARED), [(640_000, Move::Close)]);
    }

    #[test]
    fn a_set_that_refuses_to_start_fails_after_cranking() {
        let mut genset = set(false);
        genset.refuse_to_start(20_000);
        genset.command_run(true);
        assert_eq!(genset.step(0, SHARED), Move::Stay);
        genset.step(8_000, SHARED);
        assert!(genset.is_failed());
    }

    #[test]
    fn after_a_collapse_it_waits_before_it_closes_again() {
        let mut genset = set(true);
        genset.bus_collapsed(1_000);
        assert_eq!(run(&mut genset, 1_000, 60_000, DEAD), [(11_000, Move::Close)]);
    }

    #[test]
    fn after_three_collapses_it_locks_out_until_it_is_told_to_run_anew() {
        let mut genset = set(true);
        for now_ms in [1_000, 12_000] {
            genset.bus_collapsed(now_ms);
            assert_eq!(run(&mut genset, now_ms, now_ms + 10_000, DEAD), [(now_ms + 10_000, Move::Close)]);
        }
        genset.bus_collapsed(23_000);
        assert!(genset.is_failed() && !genset.is_running());
        assert!(run(&mut genset, 23_000, 10_000_000, DEAD).is_empty() && genset.deadline_ms().is_none());
        genset.command_run(true);
        assert_eq!(genset.phase(), Phase::LockedOut, "a wish that stands is no new one");
        genset.command_run(false);
        genset.command_run(true);
        assert_eq!(run(&mut genset, 100_000, 200_000, DEAD), [(138_000, Move::Close)]);
    }

    #[test]
    fn in_a_blackout_it_does_not_start_and_afterwards_it_starts_as_it_is_told() {
        let mut genset = set(true);
        genset.bus_collapsed(0);
        genset.black_out(7_200_000);
        assert!(!genset.is_on_line() && !genset.is_running());
        assert_eq!(run(&mut genset, 0, 8_000_000, DEAD), [(7_238_000, Move::Close)]);
        let mut told_nothing = set(true);
        told_nothing.black_out(7_200_000);
        told_nothing.command_run(false);
        assert!(run(&mut told_nothing, 0, 8_000_000, DEAD).is_empty());
    }

    #[test]
    fn a_set_that_is_not_there_never_starts() {
        let mut genset = Genset::new(GensetSpec { is_absent: true, ..set(true).spec });
        genset.command_run(true);
        assert!(run(&mut genset, 0, u64::MAX - 1, DEAD).is_empty());
        assert!(genset.is_failed() && !genset.is_on_line() && !genset.is_running());
    }
}
