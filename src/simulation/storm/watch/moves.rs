//! Every permit: is there a reason, is the value one of those it may have, are times and budgets kept?

use super::super::devices::safe;
use super::super::site::{
    CHARGE, CLINIC, FOUND, GENSET_RUN, HEATER, HERTZ, LAMP, NORTH, PUMP, SCHOOL, SOUTH, output_name,
};
use super::terms::{ABOVE, BUDGET_PER, INTERVAL, LEASE, ONE_PER, PUMP_BUDGET, PUMP_SHORTEST, RATE, STEP};
use super::{GuardWatch, Watched};
use ballast_model::{Mono, Span, Wanted};

/// A permit as it is seen.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulation::storm) struct Seen {
    pub(in crate::simulation::storm) output: usize,
    pub(in crate::simulation::storm) wanted: Wanted,
    pub(in crate::simulation::storm) counter: u64,
    pub(in crate::simulation::storm) valid_until: Mono,
}

fn is_engaged(output: usize, wanted: Wanted) -> bool {
    if output == CHARGE { wanted != safe(output) } else { wanted == Wanted::CLOSED }
}

impl GuardWatch {
    /// A permit is made.
    ///
    /// # Errors
    /// Which promise it breaks.
    pub(in crate::simulation::storm) fn permit(&mut self, seen: &Seen) -> Result<(), String> {
        self.checks += 1;
        let Some(watched) = self.outputs.get(seen.output).cloned() else { return Ok(()) };
        let broken = self.judge(seen, &watched);
        self.note(seen);
        broken.map_err(|why| {
            format!(
                "{} is told {:?}: {why}; told before {:?}, word {:?}",
                output_name(seen.output),
                seen.wanted,
                watched.told,
                self.words.of(seen.output)
            )
        })
    }

    fn judge(&self, seen: &Seen, watched: &Watched) -> Result<(), &'static str> {
        let Seen { output, wanted, .. } = *seen;
        if seen.valid_until > self.now.after(LEASE) {
            return Err("the permit holds longer than a lease");
        }
        if output == FOUND && !self.may_be_armed {
            return Err("nobody armed it");
        }
        if self.forced(output).is_some_and(|forced| forced != wanted) {
            return Err("a limit acts against that");
        }
        // A stage is above a person's word: a load that is cut is so, also where closed is safe.
        if watched.is_stopped && wanted != safe(output) && !matches!(output, NORTH | SOUTH) {
            return Err("a person said now");
        }
        self.judge_reason(output, wanted, watched)?;
        if output == CHARGE {
            self.judge_level(wanted, watched)?;
        }
        if output == HEATER || output == PUMP {
            self.judge_times(output, wanted, watched)?;
        }
        if matches!(output, NORTH | SOUTH | SCHOOL) {
            self.judge_return(output, wanted, watched)?;
            self.judge_cut(output, wanted)?;
        }
        Ok(())
    }

    /// An output is away from safe only while somebody's word holds.
    fn judge_reason(&self, output: usize, wanted: Wanted, watched: &Watched) -> Result<(), &'static str> {
        if output == CLINIC {
            return if wanted == Wanted::CLOSED { Ok(()) } else { Err("nobody may open it but a limit") };
        }
        if wanted == safe(output) {
            return Ok(());
        }
        let word = self.words.of(output);
        match output {
            // Cut or shed: judged by what closes them again.
            NORTH | SOUTH => return Ok(()),
            // Told again what someone else moved, or what it stays at while its program is silent.
            _ if watched.told == Some(wanted) && self.may_stay(output) => return Ok(()),
            _ => {}
        }
        let Some(word) = word else { return Err("nobody's word holds") };
        // A setpoint also waits for its interval while the temperature takes from it.
        let goes_down =
            matches!((wanted, watched.told), (Wanted::Level(to), Some(Wanted::Level(from))) if to < from);
        let is_asked =
            word.wanted == wanted || goes_down || (output == CHARGE && word.wanted != safe(CHARGE));
        if is_asked { Ok(()) } else { Err("something else is asked") }
    }

    /// Whether an output may stay away from safe without being asked to.
    fn may_stay(&self, output: usize) -> bool {
        let hold = stays(output);
        let is_followed = self.outputs.get(output).and_then(|watched| watched.was_moved);
        self.words.of(output).is_some()
            || self.now < self.words.silent_since(output).after(hold)
            || is_followed.is_some_and(|at| self.now < at.after(Span::from_secs(61)))
    }

    fn judge_level(&self, wanted: Wanted, watched: &Watched) -> Result<(), &'static str> {
        let Wanted::Level(level) = wanted else { return Err("not a number") };
        let level = level.get();
        let is_step = ((level - 200.0) / STEP).fract().abs() < 1e-9;
        if level.abs() > 1e-9 && !((200.0..=2_000.0).contains(&level) && is_step) {
            return Err("not a value that it may have");
        }
        if level > self.most() {
            return Err("the temperature of the battery leaves less");
        }
        let Wanted::Level(before) = watched.told.unwrap_or(safe(CHARGE)) else { return Ok(()) };
        let before = before.get();
        let passed = self.now.since(watched.told_at);
        // Where the temperature leaves just this, the guard may find it too much by the last bit.
        let is_left = before + STEP / 100.0 <= self.most();
        if level < before && passed < INTERVAL && self.is_only_asked(watched) && is_left {
            return Err("its shortest interval is not over on its way down");
        }
        if level <= before {
            return Ok(());
        }
        if watched.told.is_some() && before <= self.most() && passed < INTERVAL {
            return Err("its shortest interval is not over");
        }
        // The first value that it may have lies at 200 W: the line reaches it while it is told nothing.
        let from = if before < 200.0 { 200.0 - STEP } else { before };
        if level - from > RATE * passed.secs_f64() + STEP + 1e-6 {
            return Err("steeper than its ramp");
        }
        Ok(())
    }

    /// Nothing but what was asked moves the setpoint: nobody said "now", it is no start, and a word holds.
    fn is_only_asked(&self, watched: &Watched) -> bool {
        let is_first = watched.told.is_none();
        !is_first && !watched.is_stopped && !watched.is_starting && self.words.of(CHARGE).is_some()
    }

    /// Minimum times and budgets hold for what was asked.
    fn judge_times(&self, output: usize, wanted: Wanted, watched: &Watched) -> Result<(), &'static str> {
        let before = watched.told.unwrap_or(safe(output));
        if is_engaged(output, before) == is_engaged(output, wanted) {
            return Ok(());
        }
        let word = self.words.of(output);
        let is_over = output == HEATER
            && before == Wanted::CLOSED
            && self.now >= watched.switched_at.after(self.terms.max_closed);
        let goes_safe = wanted == safe(output);
        let is_forced = self.forced(output) == Some(wanted);
        let is_start = watched.is_starting && goes_safe;
        if is_forced || is_start || (goes_safe && (word.is_none() || watched.is_stopped || is_over)) {
            return Ok(());
        }
        let (min_closed, min_open) = if output == HEATER {
            (self.terms.min_closed, self.terms.min_open)
        } else {
            (PUMP_SHORTEST, PUMP_SHORTEST)
        };
        let shortest = if before == Wanted::CLOSED { min_closed } else { min_open };
        if self.now < watched.switched_at.max(watched.confirmed_at).after(shortest) {
            return Err("its shortest time is not over");
        }
        if goes_safe {
            return Ok(());
        }
        let (count, per) = if output == HEATER { (self.terms.budget, BUDGET_PER) } else { PUMP_BUDGET };
        if watched.switches.iter().filter(|at| at.after(per) > self.now).count() >= count {
            return Err("no switchings are left");
        }
        if output == HEATER
            && watched.spent.is_some_and(|(spent, _)| word.is_some_and(|word| word.request == spent))
        {
            return Err("its request had the longest time and has not ended");
        }
        Ok(())
    }

    /// What was shed comes back into a good frequency, one load after the other.
    fn judge_return(&self, output: usize, wanted: Wanted, watched: &Watched) -> Result<(), &'static str> {
        let gives_back = self.words.of(output).is_some_and(|word| word.is_restoration);
        // What a person stopped goes to its safe state at once, also where that is closed.
        let is_asked = watched.told == Some(Wanted::OPEN) && !watched.is_stopped;
        if wanted != Wanted::CLOSED || !is_asked || !gives_back {
            return Ok(());
        }
        let is_good = HERTZ
            .iter()
            .any(|source| self.readings.known(*source, self.now).is_some_and(|hertz| hertz > ABOVE));
        if !is_good {
            return Err("it is given back into a low or unknown frequency");
        }
        if self.shed.restored.is_some_and(|at| self.now < at.after(ONE_PER)) {
            return Err("it is given back before its turn");
        }
        Ok(())
    }

    fn note(&mut self, seen: &Seen) {
        let Seen { output, wanted, counter, .. } = *seen;
        self.note_cut(output, wanted);
        let (now, longest) = (self.now, self.terms.max_closed);
        let word = self.words.of(output);
        let Some(watched) = self.outputs.get_mut(output) else { return };
        let before = watched.told.unwrap_or(safe(output));
        if is_engaged(output, before) != is_engaged(output, wanted) {
            if output == HEATER && before == Wanted::CLOSED && now >= watched.switched_at.after(longest) {
                watched.spent = word
                    .filter(|word| word.wanted == Wanted::CLOSED)
                    .map(|word| (word.request, word.authority));
            }
            (watched.switched_at, watched.is_switching) = (now, true);
            watched.switches.retain(|at| at.after(PUMP_BUDGET.1) > now);
            watched.switches.push(now);
        }
        if watched.told != Some(wanted) {
            watched.told_at = now;
        }
        let is_return = matches!(output, NORTH | SOUTH | SCHOOL)
            && wanted == Wanted::CLOSED
            && watched.told == Some(Wanted::OPEN)
            // A person's "now" takes nobody's turn.
            && !watched.is_stopped
            && word.is_some_and(|word| word.is_restoration);
        (watched.told, watched.counter) = (Some(wanted), counter);
        if is_return {
            self.shed.restored = Some(now);
        }
    }
}

/// How long an output stays as it is when the program falls silent.
pub(super) const fn stays(output: usize) -> Span {
    match output {
        GENSET_RUN => Span::from_secs(60),
        LAMP => Span::from_secs(30),
        _ => Span::ZERO,
    }
}
