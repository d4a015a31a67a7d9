//! The pins of a Raspberry Pi through its registers, by rppal: only where the bus asks for that library.
//!
//! It writes past the kernel, which then neither knows who drives a line nor lets go of it. What can be done about that is done
//! here: the kernel is asked who has a line before it is taken, and a line that is let go of becomes an input again. It must
//! never be said that a line falls back when the process dies: nothing does that. What else it lacks: docs/decisions/0025.

use super::held::{self, Grip, Held};
use super::{Bias, Chip, Edge, InputLine, LineName, OutputLine, Trouble};
use ballast_model::Span;
use rppal::gpio::{Error, Event, Gpio, InputPin, Level, Mode, OutputPin, Trigger};
use rppal::system::DeviceInfo;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Edges that wait for whoever reads them. One more is lost, which the number of the next one tells.
const EDGES_MAX: usize = 256;

/// The chips whose registers the library knows, by their labels in the kernel (its `src/gpio/ioctl.rs`).
const LABELS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];

/// How often, and how far apart, it is looked whether the kernel tells the edges of a line: the library asks for them on a
/// thread of its own, and says nothing when that fails.
const EDGES_LOOKS: u32 = 100;
const EDGES_PAUSE: Duration = Duration::from_millis(2);

/// The pins of a Raspberry Pi.
pub(crate) struct RaspberryChip {
    inputs: Vec<InputLine>,
    outputs: Vec<OutputLine>,
    board: Option<Board>,
    /// Lines that are ours, by their places.
    taken: Vec<Option<Taken>>,
    driven: Vec<Option<RegisterLine>>,
    edges: (Sender<Edge>, Receiver<Edge>),
}

struct Board {
    registers: Gpio,
    /// The same pins as the kernel sees them: who else has one.
    kernel: gpiocdev::Chip,
}

struct Taken {
    pin: InputPin,
    number: u8,
    /// What the line is once it has stopped bouncing; `None`: what its register says.
    settled: Option<Arc<AtomicBool>>,
    has_edges: bool,
}

/// A line that is driven through its registers. Dropped, it becomes an input, as the kernel makes of a line that is let go of;
/// the resistor at it stays as it is.
pub(super) struct RegisterLine {
    registers: Gpio,
    pin: Option<OutputPin>,
}

impl RegisterLine {
    /// Takes a line: its level is set first, and only then is it an output.
    fn take(registers: &Gpio, number: u8, level: Level) -> Result<Self, Error> {
        let free = registers.get(number)?;
        let mut pin = if level == Level::High { free.into_output_high() } else { free.into_output_low() };
        pin.set_reset_on_drop(false);
        Ok(Self { registers: registers.clone(), pin: Some(pin) })
    }

    fn write(&mut self, level: Level) {
        if let Some(pin) = &mut self.pin {
            pin.write(level);
        }
    }

    fn is_high(&self) -> bool {
        self.pin.as_ref().is_some_and(OutputPin::is_set_high)
    }

    /// Leaves the line as it is: somebody else drives it from now on.
    pub(super) fn leave(mut self) {
        self.pin = None;
    }
}

impl Drop for RegisterLine {
    fn drop(&mut self) {
        let Some(pin) = self.pin.take() else { return };
        let number = pin.pin();
        drop(pin);
        if let Ok(free) = self.registers.get(number) {
            free.into_io(Mode::Input).set_reset_on_drop(false);
        }
    }
}

impl RaspberryChip {
    pub(crate) fn new(inputs: Vec<InputLine>, outputs: Vec<OutputLine>) -> Self {
        let (taken, driven) = (Vec::new(), Vec::new());
        Self { inputs, outputs, board: None, taken, driven, edges: channel(EDGES_MAX) }
    }

    fn board(&self) -> Result<&Board, Trouble> {
        self.board.as_ref().ok_or_else(|| Trouble::Chip("the pins are not open".into()))
    }
}

impl Board {
    fn open() -> Result<Self, Trouble> {
        let registers = Gpio::new().map_err(|error| Trouble::Chip(words(&error).into()))?;
        let chips = gpiocdev::chip::chips().unwrap_or_default();
        let kernel = chips.into_iter().find_map(|path| {
            let chip = gpiocdev::Chip::from_path(path).ok()?;
            let label = chip.info().ok()?.label;
            LABELS.contains(&&*label).then_some(chip)
        });
        let missing = || Trouble::Chip("the kernel shows no chip with the pins of this machine".into());
        Ok(Self { registers, kernel: kernel.ok_or_else(missing)? })
    }

    /// Whether the kernel knows somebody who has a line.
    fn owner(&self, number: u8) -> Result<Option<Box<str>>, Trouble> {
        let info = self.kernel.line_info(number.into());
        let info = info.map_err(|error| Trouble::Line(format!("line {number}: {error}").into()))?;
        let consumer = if info.consumer.is_empty() { "somebody else" } else { &*info.consumer };
        Ok(info.used.then(|| consumer.into()))
    }

    fn free(&self, number: u8) -> Result<(), Trouble> {
        match self.owner(number)? {
            None => Ok(()),
            Some(owner) => Err(Trouble::Line(format!("line {number} is in use by `{owner}`").into())),
        }
    }
}

impl Taken {
    /// Has every change told to `edges`.
    fn tell_edges(&mut self, line: &InputLine, input: usize, edges: Sender<Edge>) -> Result<(), Error> {
        let trigger = match (line.is_counted, line.is_active_low) {
            (false, _) => Trigger::Both,
            (true, false) => Trigger::RisingEdge,
            (true, true) => Trigger::FallingEdge,
        };
        let debounce = Some(line.debounce).filter(|span| *span > Span::ZERO);
        let debounce = debounce.map(|span| Duration::from_nanos(span.nanos()));
        let (is_active_low, settled) = (line.is_active_low, self.settled.clone());
        self.pin.set_async_interrupt(trigger, debounce, move |event: Event| {
            let is_active = (event.trigger == Trigger::RisingEdge) != is_active_low;
            if let Some(settled) = &settled {
                settled.store(is_active, Ordering::Relaxed);
            }
            let at = u64::try_from(event.timestamp.as_nanos()).unwrap_or(u64::MAX);
            // One for which there is no room is lost: the number of the next one tells.
            let _ = edges.try_send(Edge { input, is_active, at, sequence: event.seqno });
        })
    }
}

impl Chip for RaspberryChip {
    fn open(&mut self) -> Result<String, Trouble> {
        self.taken = self.inputs.iter().map(|_| None).collect();
        self.driven = self.outputs.iter().map(|_| None).collect();
        self.edges = channel(EDGES_MAX);
        self.board = None;
        self.board = Some(Board::open()?);
        let model = DeviceInfo::new().map(|info| info.model().to_string());
        Ok(format!("{} (rppal)", model.unwrap_or_else(|_| "Raspberry Pi".to_owned())))
    }

    fn take(&mut self, input: usize) -> Result<bool, Trouble> {
        let line = self.inputs.get(input).cloned().ok_or_else(no_such)?;
        let number = number(&line.line)?;
        let board = self.board()?;
        board.free(number)?;
        let free = board.registers.get(number).map_err(|error| trouble(&error))?;
        let mut pin = match line.bias {
            Bias::PullUp => free.into_input_pullup(),
            Bias::PullDown => free.into_input_pulldown(),
            Bias::Disabled | Bias::AsIs => free.into_input(),
        };
        // What an input is held by stays, as where the kernel lets go of one.
        pin.set_reset_on_drop(false);
        let is_active = pin.is_high() != line.is_active_low;
        let bounces = line.debounce > Span::ZERO && !line.is_counted;
        let settled = bounces.then(|| Arc::new(AtomicBool::new(is_active)));
        let mut taken = Taken { pin, number, settled, has_edges: true };
        taken.tell_edges(&line, input, self.edges.0.clone()).map_err(|error| trouble(&error))?;
        let mut looks = 0..EDGES_LOOKS;
        while board.owner(number)?.is_none() {
            if looks.next().is_some() {
                std::thread::sleep(EDGES_PAUSE);
                continue;
            }
            // Stopped, the library's thread says what went wrong. A level can be looked at without it; a pulse cannot.
            let failed = taken.pin.clear_async_interrupt();
            if line.is_counted {
                let why = failed.err().map_or_else(|| "nobody knows why".to_owned(), |error| words(&error));
                return Err(Trouble::Line(
                    format!("line {number} cannot tell when it changes: {why}").into(),
                ));
            }
            (taken.settled, taken.has_edges) = (None, false);
            break;
        }
        if let Some(place) = self.taken.get_mut(input) {
            *place = Some(taken);
        }
        Ok(is_active)
    }

    fn level(&mut self, input: usize) -> Result<bool, Trouble> {
        let line = self.inputs.get(input).ok_or_else(no_such)?;
        let taken = self.taken.get(input).and_then(Option::as_ref).ok_or_else(no_such)?;
        if taken.has_edges && self.board()?.owner(taken.number)?.is_none() {
            return Err(Trouble::Line(
                format!("the kernel tells the edges of line {} no longer", taken.number).into(),
            ));
        }
        Ok(match &taken.settled {
            Some(settled) => settled.load(Ordering::Relaxed),
            None => taken.pin.is_high() != line.is_active_low,
        })
    }

    fn look(&mut self, output: usize) -> Result<(), Trouble> {
        if self.driven.get(output).is_some_and(Option::is_some) {
            return Ok(());
        }
        let number = number(&self.outputs.get(output).ok_or_else(no_such)?.line)?;
        let board = self.board()?;
        if held::is_held(board.kernel.path(), number.into()) {
            return Ok(());
        }
        board.free(number)?;
        // Within this process the library knows who has it.
        board.registers.get(number).map(drop).map_err(|error| trouble(&error))
    }

    fn drive(&mut self, output: usize, is_active: bool) -> Result<(), Trouble> {
        let line = self.outputs.get(output).cloned().ok_or_else(no_such)?;
        let level = Level::from(is_active != line.is_active_low);
        let place = self.driven.get_mut(output).ok_or_else(no_such)?;
        if let Some(driven) = place {
            driven.write(level);
            return Ok(());
        }
        let number = number(&line.line)?;
        let board = self.board()?;
        let driven = match held::claim(board.kernel.path(), number.into(), &line) {
            Some(Grip::Registers(mut driven)) => {
                driven.write(level);
                driven
            }
            // What the kernel holds for us is let go of first.
            other => {
                drop(other);
                board.free(number)?;
                RegisterLine::take(&board.registers, number, level).map_err(|error| trouble(&error))?
            }
        };
        if let Some(place) = self.driven.get_mut(output) {
            *place = Some(driven);
        }
        Ok(())
    }

    fn driven(&mut self, output: usize) -> Result<Option<bool>, Trouble> {
        let line = self.outputs.get(output).ok_or_else(no_such)?;
        let driven = self.driven.get(output).and_then(Option::as_ref);
        Ok(driven.map(|driven| driven.is_high() != line.is_active_low))
    }

    fn part(&mut self) -> Box<dyn Send> {
        self.taken.clear();
        let mut held = Held::default();
        let driven = std::mem::take(&mut self.driven);
        for (line, driven) in self.outputs.iter().zip(driven) {
            if let (Some(driven), Ok(number), Some(board)) = (driven, number(&line.line), &self.board) {
                held.add(board.kernel.path(), number.into(), line.clone(), Grip::Registers(driven));
            }
        }
        Box::new(held)
    }

    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, Trouble>> {
        match self.edges.1.poll_recv(context) {
            Poll::Ready(Some(edge)) => Poll::Ready(Ok(edge)),
            // Never without a sender: one is kept beside it.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// The number of a line, which is that of the Broadcom chip.
fn number(line: &LineName) -> Result<u8, Trouble> {
    match line {
        LineName::Number(number) if *number <= u8::MAX.into() => Ok(*number as u8),
        _ => Err(Trouble::Line(format!("there is no {line}").into())),
    }
}

fn no_such() -> Trouble {
    Trouble::Line("the line is not ours".into())
}

fn trouble(error: &Error) -> Trouble {
    Trouble::Line(words(error).into())
}

/// What went wrong, for people.
fn words(error: &Error) -> String {
    match error {
        Error::UnknownModel => "this machine is no Raspberry Pi that the library rppal knows; without \
             `library` a bus of pins works on every board, with `chip`"
            .to_owned(),
        Error::PinUsed(number) => format!("line {number} is in use by another bus of this program"),
        Error::PinNotAvailable(number) => format!("this machine has no line {number}"),
        Error::PermissionDenied(path) => {
            format!("permission denied for {path}: whoever runs this must belong to the group of that file")
        }
        Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            "there is neither /dev/gpiomem nor another way to the registers of the pins".to_owned()
        }
        error => error.to_string(),
    }
}
