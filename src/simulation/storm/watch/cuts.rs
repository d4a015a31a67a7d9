//! What the stages of shedding owe: enough loads cut in time, and every one of them left open until it is given back.

use super::super::site::{HERTZ, NORTH, POWER, SCHOOL, SOUTH, output_name};
use super::GuardWatch;
use super::terms::{LOADS, STAGES};
use ballast_model::{Mono, Span, Wanted};

/// Loads that stages may cut, in the order of [`LOADS`].
const CUT: [usize; LOADS.len()] = [NORTH, SOUTH, SCHOOL];
/// After this long above all stages an event is surely over, and the stages act again.
const SURELY_OVER: Span = Span::from_secs(12);
/// How long a stage waits, and with room until it has surely acted.
const HOLD: Span = Span::from_millis(300);
const SURELY_ACTED: Span = Span::from_secs(1);
/// A source that moved within this is not stuck: the guard waits ten seconds.
const SURELY_ALIVE: Span = Span::from_secs(9);
/// Over this long the lowest load counts as the one before the event: readings of it are not in step with the frequency.
const BEFORE: Span = Span::from_secs(10);

/// What is remembered of the frequency and of what was cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Shed {
    /// Since when every known source is below each stage.
    low_since: [Option<Mono>; STAGES.len()],
    /// Which loads were closed when it began.
    closed_then: [[bool; CUT.len()]; STAGES.len()],
    /// Which loads were closed when the frequency was last above all stages, or at any time since: a guard that does not believe
    /// one of its sources acts before all of them say so.
    closed_since: [bool; CUT.len()],
    /// Since when every known source is above all stages.
    high_since: Option<Mono>,
    /// Which stages have not acted since the last event was surely over. The event goes on over a short recovery, and a stage
    /// acts once in it.
    is_fresh: [bool; STAGES.len()],
    /// The load of the site of late, W, and from when on; `None` while it is not known.
    power: Vec<(Mono, Option<f64>)>,
    /// Loads that a stage cut, and that nobody has given back.
    is_cut: [bool; CUT.len()],
    pub(super) restored: Option<Mono>,
}

impl Shed {
    /// The guard was started anew: what was cut stays so, and what a stage owes begins with what it hears now.
    pub(super) fn restart(&self, is_power_cut: bool) -> Self {
        // A contact that the power opened or closed is judged by what it is told.
        Self { is_cut: if is_power_cut { Default::default() } else { self.is_cut }, ..Self::default() }
    }

    /// Another set is in force: what the guard remembers of an event under another one is its own business.
    pub(super) fn reload(&self) -> Self {
        Self { restored: self.restored, is_cut: self.is_cut, ..Self::default() }
    }
}

impl GuardWatch {
    fn is_told_closed(&self, output: usize) -> bool {
        self.outputs.get(output).and_then(|watched| watched.told) == Some(Wanted::CLOSED)
    }

    /// What follows from what is known of the frequency and of the load.
    pub(super) fn look_at_frequency(&mut self) {
        let now = self.now;
        let known = |source: &usize| self.readings.known(*source, now);
        let hertz: Vec<f64> = HERTZ.iter().filter_map(known).collect();
        // One that stands still may have no say: then nothing is owed.
        let moves = |source: &usize| {
            self.readings.moved_at(*source).is_some_and(|moved| now < moved.after(SURELY_ALIVE))
        };
        let all_live = HERTZ.iter().all(|source| known(source).is_none() || moves(source));
        let is_so = |says: &dyn Fn(f64) -> bool| {
            !hertz.is_empty() && all_live && hertz.iter().all(|hertz| says(*hertz))
        };
        let is_below = |stage: f64| is_so(&|hertz| hertz < stage);
        let is_high = is_so(&|hertz| hertz > STAGES[0].0);
        let closed = CUT.map(|load| self.is_told_closed(load));
        let power = self.readings.known(POWER, now);
        let shed = &mut self.shed;
        for (place, (stage, _)) in STAGES.into_iter().enumerate() {
            if !is_below(stage) {
                // It may have acted before it had to: then it has done so in this event.
                let may_have_acted = |since: Mono| now >= since.after(HOLD);
                shed.is_fresh[place] &= !shed.low_since[place].is_some_and(may_have_acted);
                shed.low_since[place] = None;
            } else if shed.low_since[place].is_none() {
                shed.low_since[place] = Some(now);
                shed.closed_then[place] = closed;
            }
        }
        if is_high {
            shed.closed_since = closed;
        } else {
            shed.closed_since.iter_mut().zip(closed).for_each(|(was, is)| *was |= is);
        }
        shed.high_since = is_high.then(|| shed.high_since.unwrap_or(now));
        let is_over = shed.high_since.is_some_and(|since| now >= since.after(SURELY_OVER));
        if is_over {
            shed.is_fresh = [true; STAGES.len()];
        }
        if hertz.iter().any(|hertz| *hertz >= STAGES[0].0) {
            if shed.power.last().is_none_or(|(_, last)| *last != power) {
                shed.power.push((now, power));
            }
            let is_old = |pair: &[(Mono, Option<f64>)]| {
                pair.get(1).is_some_and(|(until, _)| until.after(BEFORE) < now)
            };
            while is_old(&shed.power) {
                let (_, first) = shed.power.remove(0);
                // An event that may go on takes its shares of the load before all of it.
                if let Some((_, next)) = shed.power.first_mut().filter(|_| !is_over) {
                    *next = lower(first, *next);
                }
            }
        }
    }

    /// A load is told something, before that is noted.
    ///
    /// # Errors
    /// It was cut, and nobody gives it back.
    pub(super) fn judge_cut(&self, output: usize, wanted: Wanted) -> Result<(), &'static str> {
        let gives_back = self.words.of(output).is_some_and(|word| word.is_restoration);
        let is_cut = CUT.iter().position(|load| *load == output).is_some_and(|place| self.shed.is_cut[place]);
        if is_cut && wanted == Wanted::CLOSED && !gives_back {
            return Err("a stage cut it, and nobody gives it back");
        }
        Ok(())
    }

    /// Notes who opened a load, before what it is told is noted.
    pub(super) fn note_cut(&mut self, output: usize, wanted: Wanted) {
        let Some(place) = CUT.iter().position(|load| *load == output) else { return };
        if wanted == Wanted::CLOSED {
            self.shed.is_cut[place] = false;
            return;
        }
        let held = self.shed.low_since[0].is_some_and(|since| self.now >= since.after(HOLD));
        let is_wanted = self.words.of(output).is_some_and(|word| word.wanted == Wanted::CLOSED);
        let watched = self.outputs.get(output);
        let is_by_itself = watched.is_some_and(|watched| !watched.is_stopped && !watched.is_starting);
        // Asked to be closed, and opened all the same: nothing but a stage does that to a load.
        self.shed.is_cut[place] |= held && is_wanted && is_by_itself && self.is_told_closed(output);
    }

    /// A frequency that fell after it had been good is answered by shedding: by whole loads until the shares are met, or by
    /// everything that was closed.
    pub(super) fn rest_of_shedding(&mut self) -> Result<(), String> {
        if self.is_ending {
            return Ok(());
        }
        for (place, (stage, share)) in STAGES.into_iter().enumerate() {
            let is_due =
                self.shed.low_since[place].is_some_and(|since| self.now >= since.after(SURELY_ACTED));
            // One look at each event: from here on the loads are the program's again.
            if !is_due || !std::mem::take(&mut self.shed.is_fresh[place]) {
                continue;
            }
            self.look_at_cut(place, stage, share)?;
        }
        Ok(())
    }

    fn look_at_cut(&self, place: usize, stage: f64, share: f64) -> Result<(), String> {
        let shed = &self.shed;
        let sum = |which: &dyn Fn(usize) -> bool| -> f64 {
            let watts = LOADS.iter().enumerate().filter(|(load, _)| which(*load)).map(|(_, watts)| watts);
            watts.fold(0.0, |sum, watts| sum + watts)
        };
        let there = sum(&|load| shed.closed_then[place][load]);
        let cut = sum(&|load| shed.closed_since[load] && !self.is_told_closed(CUT[load]));
        let before = shed.power.iter().map(|(_, power)| *power).reduce(lower);
        // Where the load was not known, the guard counts what its loads would draw: any share of that is one of them.
        let before = before.flatten().unwrap_or(1.0);
        let owed = (share * before).min(there);
        if cut + 1e-6 >= owed {
            return Ok(());
        }
        let loads = CUT.map(|load| (output_name(load), self.is_told_closed(load)));
        Err(format!(
            "the frequency is below {stage} Hz, and {cut} W of {owed} W are cut: {before} W before, {there} W could be; closed: {loads:?}"
        ))
    }
}

/// The lower one; `None` where one is not known.
fn lower(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one?.min(other?))
}
