//! What must have acted by now, whenever the guard has nothing left to do at this moment.

use super::super::devices::safe;
use super::super::site::{CHARGE, FOUND, HEATER, NORTH, OUTPUTS, SOUTH, TIMER, output_name};
use super::moves::stays;
use super::{GuardWatch, Watched};
use ballast_model::{Span, Wanted};

impl GuardWatch {
    /// Looks at every output.
    ///
    /// # Errors
    /// Which promise is broken.
    pub(in crate::simulation::storm) fn rest(&mut self) -> Result<(), String> {
        self.checks += 1;
        for output in 0..OUTPUTS {
            let Some(watched) = self.outputs.get(output) else { continue };
            let Some(told) = watched.told else { continue };
            if let Err(why) = self.rest_of(output, told, watched) {
                return Err(format!("{} stays {told:?}: {why}", output_name(output)));
            }
        }
        self.rest_of_shedding()
    }

    fn rest_of(&self, output: usize, told: Wanted, watched: &Watched) -> Result<(), &'static str> {
        if self.forced(output).is_some_and(|forced| forced != told) {
            return Err("a limit did not act");
        }
        let rests = safe(output);
        if told == rests || matches!(output, NORTH | SOUTH) {
            return Ok(());
        }
        if output == FOUND && !self.may_be_armed {
            return Ok(());
        }
        if watched.is_stopped {
            return Err("a person's now did not act");
        }
        let is_followed =
            output == TIMER && watched.was_moved.is_some_and(|at| self.now < at.after(Span::from_secs(1)));
        let is_silent = self.words.of(output).is_none();
        let is_over = self.now >= self.words.silent_since(output).after(stays(output));
        if is_silent && is_over && !watched.is_starting && !is_followed {
            return Err("silence did not act");
        }
        if watched.is_starting {
            return Err("the start does not hold it safe");
        }
        if output == HEATER && self.now >= watched.switched_at.after(self.terms.max_closed) {
            return Err("it is closed for longer than its longest time");
        }
        if let (CHARGE, Wanted::Level(level)) = (output, told)
            && level.get() > self.most()
        {
            return Err("the temperature of the battery did not act");
        }
        Ok(())
    }
}
