//! A chip with pins: inputs are told when they change and once in a period, outputs when a permit allows it.
//!
//! What may take long is asked of the chip on a thread of its own, so that a chip behind a slow bus holds up nobody else. A
//! line that cannot be used is tried again every second, and the others go on. It must never take an output before a permit
//! says what it shall be.

use super::backoff::{Backoff, seed};
use super::chip::{Chip, Trouble};
use super::context::{Context, Stopped, duration};
use super::{PinBus, doors};
use crate::gpio::Pins;
use crate::limits::{FULL_RETRY, PERMITS_AT_ONCE, PIN_HOLD, PIN_RETRY, PIN_TAKEOVER};
use crate::readings::{Report, WriteResult};
use ballast_guard::{Door, Permit};
use ballast_model::{Mono, OutputId, Quality, Reason, Span};
use std::collections::BTreeMap;
use std::future::poll_fn;

/// How often an output says what it is, even when it has not moved.
const ACTUAL_PERIOD: Span = Span::from_secs(1);

/// Between two tries to take the lines that a bus before this one still has.
const TAKEOVER_STEP: Span = Span::from_millis(10);

/// Why serving ended.
enum End {
    Stopped,
    Lost(Box<str>),
}

/// An input of this bus.
struct Taken {
    due: Mono,
    /// Why it is not ours; `None` while it is.
    trouble: Option<Box<str>>,
    is_told_lost: bool,
}

/// An output of this bus.
struct Driven {
    output: OutputId,
    was_driven: bool,
    is_there: Option<bool>,
    trouble: Option<Box<str>>,
}

struct Running {
    pins: Pins,
    /// `None` while it is asked something.
    chip: Option<Box<dyn Chip>>,
    inputs: Vec<Taken>,
    outputs: Vec<Driven>,
    outputs_due: Mono,
    doors: BTreeMap<OutputId, Door>,
    context: Context,
    name: String,
}

/// Runs until the bus is ended.
pub(super) async fn run(bus: PinBus, context: Context) {
    let mut backoff = Backoff::of_port(seed(&context.name, context.now()));
    let mut running = Running::new(bus, context);
    let mut is_first = true;
    loop {
        let since = running.context.now();
        let End::Lost(text) = running.serve(std::mem::take(&mut is_first)).await else {
            running.part().await;
            return;
        };
        running.context.counters.link_errors.add(1);
        running.context.link(false, &text);
        running.lose_all();
        let pause = backoff.next(running.context.now().since(since));
        if running.context.pause(pause).await == Err(Stopped) {
            return;
        }
    }
}

impl Running {
    fn new(bus: PinBus, context: Context) -> Self {
        let PinBus { pins, chip } = bus;
        let taken = |_: &crate::gpio::Input| Taken { due: Mono::ZERO, trouble: None, is_told_lost: false };
        let driven = |output: &crate::gpio::Output| Driven {
            output: output.output,
            was_driven: false,
            is_there: None,
            trouble: None,
        };
        Self {
            inputs: pins.inputs.iter().map(taken).collect(),
            outputs: pins.outputs.iter().map(driven).collect(),
            doors: doors(pins.outputs.iter().map(|output| output.output)),
            outputs_due: Mono::ZERO,
            chip: Some(chip),
            name: String::new(),
            pins,
            context,
        }
    }

    /// Asks the chip something on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(&mut dyn Chip) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let failed = || Trouble::Chip("the chip cannot be asked any more".into());
        let mut chip = self.chip.take().ok_or_else(failed)?;
        let asked = tokio::task::spawn_blocking(move || {
            let answer = call(&mut *chip);
            (chip, answer)
        });
        let (chip, answer) = asked.await.map_err(|_| failed())?;
        self.chip = Some(chip);
        answer
    }

    /// Leaves the outputs as they are for the bus that takes the place of this one, and lets go of them after that.
    async fn part(mut self) {
        let Ok(held) = self.ask(|chip| Ok(chip.part())).await else { return };
        tokio::time::sleep(duration(PIN_HOLD)).await;
        drop(held);
    }

    async fn serve(&mut self, is_first: bool) -> End {
        match self.begin(is_first).await {
            Ok(()) => {}
            Err(text) => return End::Lost(text),
        }
        let mut permits = Vec::new();
        loop {
            let is_free = self.context.hand_over();
            let has_room = self.context.has_room();
            let now = self.context.now();
            if is_free && let Err(text) = self.tell_what_is_due(now).await {
                return End::Lost(text);
            }
            let is_news = !self.context.readings.batch().is_empty();
            let pause = if is_free && !is_news { self.next_due().since(now) } else { FULL_RETRY };
            let Some(chip) = &mut self.chip else {
                return End::Lost("the chip cannot be asked any more".into());
            };
            let edge = poll_fn(|context| chip.poll_edge(context));
            tokio::select! {
                biased;
                count = self.context.permits.recv_many(&mut permits, PERMITS_AT_ONCE), if has_room => {
                    if count == 0 {
                        return End::Stopped;
                    }
                    for permit in permits.drain(..) {
                        if let Err(text) = self.write(permit).await {
                            return End::Lost(text);
                        }
                    }
                }
                edge = edge, if is_free => match edge {
                    Ok(edge) => {
                        let now = self.context.now();
                        let heed = self.pins.edge(edge, now, &mut self.context.readings);
                        self.context.counters.messages.add(1);
                        self.context.counters.good.add(u64::from(heed.good));
                        self.context.counters.bad.add(u64::from(heed.bad));
                    }
                    Err(Trouble::Chip(text) | Trouble::Line(text)) => return End::Lost(text),
                },
                () = std::future::ready(()), if is_free && is_news => {}
                () = tokio::time::sleep(duration(pause)) => {}
            }
        }
    }

    /// Opens the chip and takes the inputs. A bus that was just replaced by this one may still have lines: they are waited
    /// for, while permits wait in their queue.
    async fn begin(&mut self, is_first: bool) -> Result<(), Box<str>> {
        let name = self.ask(|chip| chip.open()).await;
        self.name = name.map_err(|(Trouble::Chip(text) | Trouble::Line(text))| text)?;
        self.context.counters.connects.add(1);
        let deadline = self.context.now().after(PIN_TAKEOVER);
        for output in &mut self.outputs {
            output.was_driven = false;
        }
        for input in &mut self.inputs {
            input.trouble = Some("".into());
        }
        loop {
            let now = self.context.now();
            for input in 0..self.inputs.len() {
                self.take(input, now).await?;
            }
            for output in 0..self.outputs.len() {
                self.look(output).await?;
            }
            if !is_first || !self.has_trouble() || now >= deadline {
                break;
            }
            tokio::time::sleep(duration(TAKEOVER_STEP)).await;
        }
        for output in 0..self.outputs.len() {
            self.reach(output);
        }
        self.outputs_due = self.context.now().after(ACTUAL_PERIOD);
        self.say_link();
        Ok(())
    }

    /// Takes an input that is not ours yet.
    async fn take(&mut self, place: usize, now: Mono) -> Result<(), Box<str>> {
        if self.inputs.get(place).is_none_or(|input| input.trouble.is_none()) {
            return Ok(());
        }
        let taken = self.ask(move |chip| chip.take(place)).await;
        let period = self.pins.inputs.get(place).map_or(PIN_RETRY, |input| input.period);
        let Some(input) = self.inputs.get_mut(place) else { return Ok(()) };
        match taken {
            Ok(is_active) => {
                (input.trouble, input.is_told_lost, input.due) = (None, false, now.after(period));
                self.pins.begin(place, is_active, now, &mut self.context.readings);
                Ok(())
            }
            Err(trouble) => self.lose(place, trouble, now),
        }
    }

    /// An input is not ours, or not any more.
    fn lose(&mut self, place: usize, trouble: Trouble, now: Mono) -> Result<(), Box<str>> {
        let text = match trouble {
            Trouble::Chip(text) => return Err(text),
            Trouble::Line(text) => text,
        };
        let Some(input) = self.inputs.get_mut(place) else { return Ok(()) };
        (input.trouble, input.due) = (Some(text), now.after(PIN_RETRY));
        if !std::mem::replace(&mut input.is_told_lost, true) {
            self.pins.lose(place, now, &mut self.context.readings);
        }
        Ok(())
    }

    /// Looks whether an output can be reached.
    async fn look(&mut self, place: usize) -> Result<(), Box<str>> {
        let looked = self.ask(move |chip| chip.look(place)).await;
        let Some(output) = self.outputs.get_mut(place) else { return Ok(()) };
        output.trouble = match looked {
            Ok(()) => None,
            Err(Trouble::Line(text)) => Some(text),
            Err(Trouble::Chip(text)) => return Err(text),
        };
        Ok(())
    }

    /// Says whether an output can be reached, where that has changed.
    fn reach(&mut self, place: usize) {
        let at = self.context.now();
        let Some(driven) = self.outputs.get_mut(place) else { return };
        let is_there = driven.trouble.is_none();
        if driven.is_there != Some(is_there) {
            driven.is_there = Some(is_there);
            self.context.readings.report(Report::Reach { output: driven.output, is_there, at });
        }
    }

    fn troubles(&self) -> impl Iterator<Item = &str> {
        let inputs = self.inputs.iter().filter_map(|input| input.trouble.as_deref());
        inputs.chain(self.outputs.iter().filter_map(|output| output.trouble.as_deref()))
    }

    fn has_trouble(&self) -> bool {
        self.troubles().next().is_some()
    }

    fn say_link(&mut self) {
        let text = self.troubles().collect::<Vec<_>>().join("; ");
        if text.is_empty() {
            self.context.link(true, &self.name);
        } else {
            self.context.link(false, &text);
        }
    }

    fn next_due(&self) -> Mono {
        self.inputs.iter().map(|input| input.due).fold(self.outputs_due, Mono::min)
    }

    /// Looks at every line whose time has come.
    async fn tell_what_is_due(&mut self, now: Mono) -> Result<(), Box<str>> {
        let had_trouble = self.has_trouble();
        for place in 0..self.inputs.len() {
            let Some(input) = self.inputs.get_mut(place).filter(|input| input.due <= now) else { continue };
            if input.trouble.is_some() {
                self.take(place, now).await?;
                continue;
            }
            let period = self.pins.inputs.get(place).map_or(PIN_RETRY, |input| input.period);
            // What was missed while the machine slept is not made up for.
            input.due = input.due.after(period).max(now);
            match self.ask(move |chip| chip.level(place)).await {
                Ok(is_active) => self.pins.tell(place, is_active, now, &mut self.context.readings),
                Err(trouble) => self.lose(place, trouble, now)?,
            }
        }
        if self.outputs_due <= now {
            self.outputs_due = now.after(ACTUAL_PERIOD);
            for place in 0..self.outputs.len() {
                self.look(place).await?;
                self.reach(place);
                self.say_actual(place).await?;
            }
        }
        if had_trouble || self.has_trouble() {
            self.say_link();
        }
        Ok(())
    }

    /// Says what an output is that was driven.
    async fn say_actual(&mut self, place: usize) -> Result<(), Box<str>> {
        let Some(driven) = self.outputs.get(place).filter(|driven| driven.was_driven) else { return Ok(()) };
        let output = driven.output;
        let level = self.ask(move |chip| chip.driven(place)).await;
        let (actual, quality) = match level {
            Ok(None) => return Ok(()),
            Ok(Some(is_active)) => (self.pins.actual(place, is_active), Quality::Good),
            Err(Trouble::Line(_)) => (None, Quality::Bad(Reason::Offline)),
            Err(Trouble::Chip(text)) => return Err(text),
        };
        let at = self.context.now();
        let actual = actual.map(|(_, wanted)| wanted);
        self.context.readings.report(Report::Actual { output, actual, quality, at });
        Ok(())
    }

    /// Uses up a permit.
    async fn write(&mut self, permit: Permit) -> Result<(), Box<str>> {
        let (output, counter) = (permit.output(), permit.counter());
        let Some((place, is_active)) = self.pins.command(output, permit.wanted()) else {
            self.context.written(output, counter, WriteResult::Impossible);
            return Ok(());
        };
        if self.context.redeem(permit, &mut self.doors).is_none() {
            return Ok(());
        }
        let driven = self.ask(move |chip| chip.drive(place, is_active)).await;
        let Some(known) = self.outputs.get_mut(place) else { return Ok(()) };
        let end = match driven {
            Ok(()) => {
                (known.was_driven, known.trouble) = (true, None);
                self.context.written(output, counter, WriteResult::Done);
                self.say_actual(place).await
            }
            Err(trouble) => {
                // A line that was ours may have moved; one that could not be taken has not.
                let result = if known.was_driven { WriteResult::Unconfirmed } else { WriteResult::Offline };
                self.context.written(output, counter, result);
                match trouble {
                    Trouble::Chip(text) => return Err(text),
                    Trouble::Line(text) => known.trouble = Some(text),
                }
                Ok(())
            }
        };
        self.reach(place);
        self.say_link();
        end
    }

    /// The chip is gone.
    fn lose_all(&mut self) {
        let now = self.context.now();
        self.context.readings.all_offline(now);
        for driven in &mut self.outputs {
            let output = driven.output;
            if driven.is_there.replace(false) != Some(false) {
                self.context.readings.report(Report::Reach { output, is_there: false, at: now });
            }
            if std::mem::take(&mut driven.was_driven) {
                let quality = Quality::Bad(Reason::Offline);
                self.context.readings.report(Report::Actual { output, actual: None, quality, at: now });
            }
        }
    }
}
