//! A chip of the machine, through the kernel's character device (its second interface, Linux 5.10 and later).
//!
//! Each line is a request of its own, so that one that is taken by somebody else costs the others nothing. The kernel lets
//! go of all of them when the process ends, in whatever way.

use super::held::{self, Grip, Held};
use super::{Bias, Chip, Drive, Edge, InputLine, LineName, OutputLine, Trouble};
use ballast_model::Span;
use gpiocdev::line::{EdgeDetection, EdgeKind, Value};
use gpiocdev::{Request, line};
use std::io;
use std::path::PathBuf;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Who has the lines, in the words of the kernel's own tools.
const CONSUMER: &str = "ballast";

/// Edges that the kernel keeps for one line. One more, and the oldest is lost, which its number tells.
const EDGES_MAX: u32 = 256;

/// A chip of the machine.
pub(crate) struct KernelChip {
    /// A path, a name such as `gpiochip0`, or the label of its driver.
    wanted: Box<str>,
    inputs: Vec<InputLine>,
    outputs: Vec<OutputLine>,
    chip: Option<gpiocdev::Chip>,
    /// Lines that are ours, by their places.
    taken: Vec<Option<AsyncFd<Request>>>,
    driven: Vec<Option<Request>>,
}

impl KernelChip {
    pub(crate) fn new(wanted: &str, inputs: Vec<InputLine>, outputs: Vec<OutputLine>) -> Self {
        let (taken, driven) = (Vec::new(), Vec::new());
        Self { wanted: wanted.into(), inputs, outputs, chip: None, taken, driven }
    }

    fn chip(&self) -> Result<&gpiocdev::Chip, Trouble> {
        self.chip.as_ref().ok_or_else(|| Trouble::Chip("the chip is not open".into()))
    }

    /// The number of a line.
    fn number(&self, name: &LineName) -> Result<u32, Trouble> {
        let chip = self.chip()?;
        let info = chip.info().map_err(|error| self.chip_trouble(&error))?;
        match name {
            LineName::Number(number) if *number < info.num_lines => Ok(*number),
            LineName::Number(number) => {
                let text = format!("{} has {} lines and no line {number}", info.name, info.num_lines);
                Err(Trouble::Line(text.into()))
            }
            LineName::Name(name) => match chip.find_line_info(name) {
                Some(line) => Ok(line.offset),
                None => Err(Trouble::Line(format!("{} has no line named {name}", info.name).into())),
            },
        }
    }

    fn chip_trouble(&self, error: &gpiocdev::Error) -> Trouble {
        Trouble::Chip(format!("{}: {}", self.wanted, words(error)).into())
    }

    fn line_trouble(&self, name: &LineName, error: &gpiocdev::Error) -> Trouble {
        match code(error) {
            Some(libc_codes::ENODEV) => self.chip_trouble(error),
            Some(libc_codes::EBUSY) => {
                let owner =
                    self.number(name).ok().and_then(|number| self.chip().ok()?.line_info(number).ok());
                let owner = owner.map(|info| info.consumer).filter(|owner| !owner.is_empty());
                let owner = owner.map_or("somebody else".to_owned(), |owner| format!("`{owner}`"));
                Trouble::Line(format!("{name} of {} is in use by {owner}", self.wanted).into())
            }
            _ => Trouble::Line(format!("{name} of {}: {}", self.wanted, words(error)).into()),
        }
    }

    fn request_input(&self, input: &InputLine, with_edges: bool) -> Result<Request, Trouble> {
        let number = self.number(&input.line)?;
        let mut builder = Request::builder();
        builder.on_chip(self.chip()?.path()).with_consumer(CONSUMER).with_line(number).as_input();
        builder.with_bias(bias(input.bias)).with_kernel_event_buffer_size(EDGES_MAX);
        if input.is_active_low {
            builder.as_active_low();
        }
        if input.debounce > Span::ZERO {
            builder.with_debounce_period(Duration::from_nanos(input.debounce.nanos()));
        }
        if with_edges {
            let kind = if input.is_counted { EdgeDetection::RisingEdge } else { EdgeDetection::BothEdges };
            builder.with_edge_detection(kind);
        }
        builder.request().map_err(|error| self.line_trouble(&input.line, &error))
    }

    fn request_output(&self, output: &OutputLine, value: Value) -> Result<Request, Trouble> {
        let number = self.number(&output.line)?;
        let mut builder = Request::builder();
        builder.on_chip(self.chip()?.path()).with_consumer(CONSUMER).with_line(number);
        builder.with_bias(bias(output.bias)).with_drive(match output.drive {
            Drive::PushPull => line::Drive::PushPull,
            Drive::OpenDrain => line::Drive::OpenDrain,
            Drive::OpenSource => line::Drive::OpenSource,
        });
        if output.is_active_low {
            builder.as_active_low();
        }
        builder.as_output(value).request().map_err(|error| self.line_trouble(&output.line, &error))
    }
}

impl Chip for KernelChip {
    fn open(&mut self) -> Result<String, Trouble> {
        self.taken = self.inputs.iter().map(|_| None).collect();
        self.driven = self.outputs.iter().map(|_| None).collect();
        self.chip = None;
        let path = find(&self.wanted)?;
        let chip = gpiocdev::Chip::from_path(path).map_err(|error| self.chip_trouble(&error))?;
        let info = chip.info().map_err(|error| self.chip_trouble(&error))?;
        self.chip = Some(chip);
        Ok(format!("{} ({}, {} lines)", info.name, info.label, info.num_lines))
    }

    fn take(&mut self, input: usize) -> Result<bool, Trouble> {
        let line = self.inputs.get(input).cloned().ok_or_else(no_such)?;
        let request = match self.request_input(&line, true) {
            // A chip without interrupts: a level is looked at once in a while, a pulse would be missed.
            Err(Trouble::Line(_)) if !line.is_counted => self.request_input(&line, false)?,
            other => other?,
        };
        let level = request.lone_value().map_err(|error| self.line_trouble(&line.line, &error))?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, since a file might change under it; a request keeps the one it was made with"
        )]
        let request = AsyncFd::with_interest(request, Interest::READABLE);
        let request = request.map_err(|error| Trouble::Line(error.to_string().into()))?;
        if let Some(place) = self.taken.get_mut(input) {
            *place = Some(request);
        }
        Ok(level.into())
    }

    fn level(&mut self, input: usize) -> Result<bool, Trouble> {
        let line = self.inputs.get(input).ok_or_else(no_such)?;
        let request = self.taken.get(input).and_then(Option::as_ref).ok_or_else(no_such)?;
        let level = request.get_ref().lone_value();
        level.map(bool::from).map_err(|error| self.line_trouble(&line.line, &error))
    }

    fn look(&mut self, output: usize) -> Result<(), Trouble> {
        if self.driven.get(output).is_some_and(Option::is_some) {
            return Ok(());
        }
        let name = &self.outputs.get(output).ok_or_else(no_such)?.line;
        let number = self.number(name)?;
        let info = self.chip()?.line_info(number).map_err(|error| self.line_trouble(name, &error))?;
        if !info.used || held::is_held(self.chip()?.path(), number) {
            return Ok(());
        }
        let owner = if info.consumer.is_empty() { "somebody else" } else { &*info.consumer };
        Err(Trouble::Line(format!("{name} of {} is in use by `{owner}`", self.wanted).into()))
    }

    fn drive(&mut self, output: usize, is_active: bool) -> Result<(), Trouble> {
        let line = self.outputs.get(output).cloned().ok_or_else(no_such)?;
        let value = if is_active { Value::Active } else { Value::Inactive };
        if let Some(request) = self.driven.get(output).and_then(Option::as_ref) {
            return request.set_lone_value(value).map_err(|error| self.line_trouble(&line.line, &error));
        }
        let number = self.number(&line.line)?;
        let request = match held::claim(self.chip()?.path(), number, &line) {
            Some(Grip::Kernel(request)) => {
                request.set_lone_value(value).map_err(|error| self.line_trouble(&line.line, &error))?;
                request
            }
            // Driven past the kernel until now: it goes on from there, and the registers are left alone.
            Some(Grip::Registers(driven)) => {
                let request = self.request_output(&line, value)?;
                driven.leave();
                request
            }
            None => self.request_output(&line, value)?,
        };
        if let Some(place) = self.driven.get_mut(output) {
            *place = Some(request);
        }
        Ok(())
    }

    fn driven(&mut self, output: usize) -> Result<Option<bool>, Trouble> {
        let line = self.outputs.get(output).ok_or_else(no_such)?;
        let Some(request) = self.driven.get(output).and_then(Option::as_ref) else { return Ok(None) };
        let level = request.lone_value().map_err(|error| self.line_trouble(&line.line, &error))?;
        Ok(Some(level.into()))
    }

    fn part(&mut self) -> Box<dyn Send> {
        self.taken.clear();
        let mut held = Held::default();
        let driven = std::mem::take(&mut self.driven);
        for (line, request) in self.outputs.iter().zip(driven) {
            let (Some(request), Ok(number), Some(chip)) = (request, self.number(&line.line), &self.chip)
            else {
                continue;
            };
            held.add(chip.path(), number, line.clone(), Grip::Kernel(request));
        }
        Box::new(held)
    }

    fn poll_edge(&mut self, context: &mut Context<'_>) -> Poll<Result<Edge, Trouble>> {
        for (input, place) in self.taken.iter().enumerate() {
            let Some(request) = place else { continue };
            match poll_request(request, context) {
                Poll::Pending => {}
                Poll::Ready(Ok(edge)) => return Poll::Ready(Ok(Edge { input, ..edge })),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.chip_trouble(&error))),
            }
        }
        Poll::Pending
    }
}

/// The next edge of one request.
fn poll_request(
    request: &AsyncFd<Request>,
    context: &mut Context<'_>,
) -> Poll<Result<Edge, gpiocdev::Error>> {
    loop {
        let mut guard = ready!(request.poll_read_ready(context))?;
        if !request.get_ref().has_edge_event()? {
            guard.clear_ready();
            continue;
        }
        let event = request.get_ref().read_edge_event()?;
        return Poll::Ready(Ok(Edge {
            input: 0,
            is_active: event.kind == EdgeKind::Rising,
            at: event.timestamp_ns,
            sequence: event.line_seqno,
        }));
    }
}

/// The path of a chip, by what a person calls it.
fn find(wanted: &str) -> Result<PathBuf, Trouble> {
    if wanted.starts_with('/') {
        return Ok(wanted.into());
    }
    let number = wanted.strip_prefix("gpiochip").unwrap_or_default();
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(format!("/dev/{wanted}").into());
    }
    let paths = gpiocdev::chip::chips().unwrap_or_default();
    let infos = paths.into_iter().filter_map(|path| {
        let info = gpiocdev::Chip::from_path(&path).ok()?.info().ok()?;
        Some((path, info))
    });
    let infos: Vec<_> = infos.collect();
    let mut found = infos.iter().filter(|(_, info)| info.label == wanted);
    match (found.next(), found.next()) {
        (Some((path, _)), None) => Ok(path.clone()),
        (Some(_), Some(_)) => {
            Err(Trouble::Chip(format!("there are several chips called `{wanted}`: write a path").into()))
        }
        _ => {
            let here: Vec<String> =
                infos.iter().map(|(_, info)| format!("{} ({})", info.name, info.label)).collect();
            let here = match here.as_slice() {
                [] => "this machine has none that may be read".to_owned(),
                here => format!("there are {}", here.join(", ")),
            };
            Err(Trouble::Chip(format!("there is no chip `{wanted}`; {here}").into()))
        }
    }
}

fn no_such() -> Trouble {
    Trouble::Line("the line is not ours".into())
}

fn bias(bias: Bias) -> Option<line::Bias> {
    match bias {
        Bias::AsIs => None,
        Bias::Disabled => Some(line::Bias::Disabled),
        Bias::PullUp => Some(line::Bias::PullUp),
        Bias::PullDown => Some(line::Bias::PullDown),
    }
}

/// The kernel's number of an error, where it is the kernel's.
fn code(error: &gpiocdev::Error) -> Option<i32> {
    match error {
        gpiocdev::Error::Os(number) => Some(number.0),
        gpiocdev::Error::Uapi(_, gpiocdev_uapi::Error::Os(number)) => Some(number.0),
        _ => None,
    }
}

/// What went wrong, for people.
fn words(error: &gpiocdev::Error) -> String {
    let Some(code) = code(error) else { return error.to_string() };
    match io::Error::from_raw_os_error(code).kind() {
        io::ErrorKind::NotFound => "there is no such chip".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied: whoever runs this must belong to the group of the chip's file".to_owned()
        }
        _ if code == libc_codes::ENODEV => "the chip is gone".to_owned(),
        _ if code == libc_codes::ENXIO => "it cannot tell when it changes".to_owned(),
        _ if code == libc_codes::EINVAL => "it cannot do that: bias, drive, debounce or direction".to_owned(),
        _ => io::Error::from_raw_os_error(code).to_string(),
    }
}

/// The kernel's numbers of errors, which are the same on every architecture that we build for (asm-generic/errno-base.h).
mod libc_codes {
    pub(super) const ENXIO: i32 = 6;
    pub(super) const EBUSY: i32 = 16;
    pub(super) const ENODEV: i32 = 19;
    pub(super) const EINVAL: i32 = 22;
}
