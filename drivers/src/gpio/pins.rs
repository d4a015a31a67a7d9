//! What pins mean: samples of levels and pulses, and the level of an output for what it shall be.
//!
//! Pure: every moment is given, and nothing here knows a chip.

use super::pulses::Pulses;
use crate::bus::{Edge, InputLine, OutputLine};
use crate::point::Raw;
use crate::readings::{Freshness, Readings};
use crate::shape::Heed;
use ballast_model::{Contact, Mono, OutputId, Reason, Span, Wanted};

/// The inputs and outputs of one chip.
#[derive(Debug, Default)]
pub struct Pins {
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Output>,
}

#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) line: InputLine,
    /// How often it is told even when nothing changes.
    pub(crate) period: Span,
    pub(crate) sense: Sense,
}

#[derive(Debug)]
pub(crate) enum Sense {
    /// Points that show the level.
    Level(Vec<usize>),
    Pulses {
        meter: Pulses,
        /// Points that show how many, with what each pulse is worth.
        counts: Vec<(usize, f64)>,
        /// Points that show how fast, with what one pulse a second is worth.
        rates: Vec<(usize, f64)>,
    },
}

impl Input {
    fn slots(&self) -> Vec<usize> {
        match &self.sense {
            Sense::Level(slots) => slots.clone(),
            Sense::Pulses { counts, rates, .. } => {
                counts.iter().chain(rates).map(|(slot, _)| *slot).collect()
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) output: OutputId,
    pub(crate) line: OutputLine,
    /// What the circuit is while the line is inactive.
    pub(crate) at_rest: Contact,
}

impl Pins {
    /// The lines that are read, in their order.
    pub fn input_lines(&self) -> Vec<InputLine> {
        self.inputs.iter().map(|input| input.line.clone()).collect()
    }

    /// The lines that are driven, in their order.
    pub fn output_lines(&self) -> Vec<OutputLine> {
        self.outputs.iter().map(|output| output.line.clone()).collect()
    }

    /// A line is ours now, and this is its level.
    pub fn begin(&mut self, input: usize, is_active: bool, now: Mono, out: &mut Readings) {
        if let Some(Input { sense: Sense::Pulses { meter, .. }, .. }) = self.inputs.get_mut(input) {
            meter.begin(now);
        }
        self.tell(input, is_active, now, out);
    }

    /// A line has changed. What was lost before it counts as bad.
    pub fn edge(&mut self, edge: Edge, now: Mono, out: &mut Readings) -> Heed {
        let mut heed = Heed { good: 1, ..Heed::default() };
        match self.inputs.get_mut(edge.input).map(|input| &mut input.sense) {
            Some(Sense::Level(slots)) => {
                slots.iter().for_each(|slot| tell_level(*slot, edge.is_active, now, out));
            }
            Some(Sense::Pulses { meter, .. }) => heed.bad = meter.pulse(edge.at, edge.sequence, now),
            None => heed = Heed { unknown: 1, ..Heed::default() },
        }
        heed
    }

    /// A line is due: what it is now, or what came together since it was told last.
    pub fn tell(&mut self, input: usize, is_active: bool, now: Mono, out: &mut Readings) {
        match self.inputs.get_mut(input).map(|input| &mut input.sense) {
            Some(Sense::Level(slots)) => slots.iter().for_each(|slot| tell_level(*slot, is_active, now, out)),
            Some(Sense::Pulses { meter, counts, rates }) => {
                for (slot, worth) in counts.iter() {
                    out.put(*slot, Raw::Number(meter.count() as f64 * worth), Freshness::Live, now);
                }
                let Some(rate) = meter.rate(now) else { return };
                for (slot, worth) in rates.iter() {
                    out.put(*slot, Raw::Number(rate * worth), Freshness::Live, now);
                }
            }
            None => {}
        }
    }

    /// A line is out of reach.
    pub fn lose(&mut self, input: usize, now: Mono, out: &mut Readings) {
        let slots = self.inputs.get(input).map(Input::slots).unwrap_or_default();
        slots.into_iter().for_each(|slot| out.bad(slot, Reason::Offline, now));
    }

    /// Which line an output has, by its place, and whether it is to be active; `None` where it cannot be told that.
    pub fn command(&self, output: OutputId, wanted: Wanted) -> Option<(usize, bool)> {
        let place = self.outputs.iter().position(|known| known.output == output)?;
        let Wanted::Contact(contact) = wanted else { return None };
        Some((place, contact != self.outputs.get(place)?.at_rest))
    }

    /// What an output is, by its place, while its line is this.
    pub fn actual(&self, output: usize, is_active: bool) -> Option<(OutputId, Wanted)> {
        let output = self.outputs.get(output)?;
        let is_closed = (output.at_rest == Contact::Closed) != is_active;
        Some((output.output, if is_closed { Wanted::CLOSED } else { Wanted::OPEN }))
    }
}

fn tell_level(slot: usize, is_active: bool, now: Mono, out: &mut Readings) {
    out.put(slot, Raw::Number(f64::from(u8::from(is_active))), Freshness::Live, now);
}
