//! The way to Modbus units that are asked who they are: a connection, or a serial line.
//!
//! One question is under way at a time. An answer that comes late is never taken for another's: a connection is made anew after
//! a silence, and a line is waited out. A line on which somebody speaks unasked is not asked anything.

use super::line::{self, Taken};
use crate::report::language::{Language, say};
use ballast_drivers::detect::{Answer, Ask, Framing};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest answer, bytes.
const ANSWER_MAX: usize = 300;
/// Longest question on a line, bytes.
const QUESTION: u32 = 8;
/// Bits of a byte on a line: start, eight, parity or a second stop bit, stop.
const BITS: u32 = 11;
/// How long a line is listened to before anything is asked. Meters that speak by themselves say something every second.
pub const LISTEN: Duration = Duration::from_millis(1200);
/// A line that is not quiet for so long is somebody else's.
const QUIET_MAX: Duration = Duration::from_secs(2);

/// Where units are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Behind an address: Modbus TCP, or the frames of a line passed through.
    Host {
        /// Name or address.
        host: &'a str,
        /// Its port.
        port: u16,
        /// How questions are wrapped.
        framing: Framing,
    },
    /// On a serial line.
    Line(&'a Path),
}

impl Place<'_> {
    /// As people call it.
    pub fn name(&self) -> String {
        match self {
            Self::Host { host, .. } => (*host).to_owned(),
            Self::Line(path) => path.display().to_string(),
        }
    }

    /// The same with its port.
    pub fn address(&self) -> String {
        match self {
            Self::Host { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Host { host, port, .. } => format!("{host}:{port}"),
            Self::Line(path) => path.display().to_string(),
        }
    }
}

/// Why a scan ends before its time.
#[derive(Debug)]
pub enum Trouble {
    /// A sentence; of a line, without its path.
    Failed(String),
    /// Another program holds the line.
    Held,
    /// So many bytes came on a line that nobody had asked for.
    Spoken(usize),
}

/// An open way.
pub enum Wire<'a> {
    /// A connection.
    Connection(Connection<'a>),
    /// A line.
    Line(Line),
}

impl<'a> Wire<'a> {
    /// Opens it.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn open(place: Place<'a>, timeout: Duration, language: Language) -> Result<Self, Trouble> {
        match place {
            Place::Host { host, port, framing } => {
                let open = Connection::open(host, port, framing, timeout, language);
                open.map(Self::Connection).map_err(Trouble::Failed)
            }
            Place::Line(path) => Line::open(path, timeout, language).map(Self::Line),
        }
    }

    /// One question; `None` where nothing came in time.
    ///
    /// # Errors
    /// There is no way any more.
    pub fn ask(&mut self, ask: Ask, unit: u8) -> Result<Option<Answer>, Trouble> {
        match self {
            Self::Connection(connection) => connection.ask(ask, unit).map_err(Trouble::Failed),
            Self::Line(line) => line.ask(ask, unit),
        }
    }
}

/// A connection.
pub struct Connection<'a> {
    host: &'a str,
    port: u16,
    framing: Framing,
    timeout: Duration,
    language: Language,
    stream: TcpStream,
    transaction: u16,
}

impl<'a> Connection<'a> {
    fn open(
        host: &'a str,
        port: u16,
        framing: Framing,
        timeout: Duration,
        language: Language,
    ) -> Result<Self, String> {
        let stream = connect(host, port, language)?;
        Ok(Self { host, port, framing, timeout, language, stream, transaction: 0 })
    }

    fn ask(&mut self, ask: Ask, unit: u8) -> Result<Option<Answer>, String> {
        let answer = self.exchange(ask, unit);
        if matches!(answer, None | Some(Answer::Strange)) {
            if self.framing == Framing::Rtu {
                // A converter may pass a late answer to whoever is connected: it is waited out first.
                std::thread::sleep(self.timeout);
            }
            self.stream = connect(self.host, self.port, self.language)?;
        }
        Ok(answer)
    }

    fn exchange(&mut self, ask: Ask, unit: u8) -> Option<Answer> {
        self.transaction = self.transaction.wrapping_add(1);
        let (mut question, mut heard) = (Vec::new(), Vec::new());
        ask.write(self.framing, self.transaction, unit, &mut question);
        self.stream.write_all(&question).ok()?;
        let start = Instant::now();
        let mut buffer = [0; ANSWER_MAX];
        loop {
            let left = self.timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
            self.stream.set_read_timeout(Some(left)).ok()?;
            let count = self.stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
            heard.extend_from_slice(buffer.get(..count).unwrap_or_default());
            match ask.read(self.framing, self.transaction, unit, &heard) {
                Answer::Unfinished if heard.len() <= ANSWER_MAX => {}
                answer => return Some(answer),
            }
        }
    }
}

fn connect(host: &str, port: u16, language: Language) -> Result<TcpStream, String> {
    let mut last = language.say("it has no address", "pas d'adresse").to_owned();
    for address in (host, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                // Without it a question waits for the acknowledgement of the one before it.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(say!(language, "{host}:{port}: no connection: {last}", "{host}:{port} : pas de connexion : {last}"))
}

/// A serial line. Whoever used it before finds its settings as they were.
pub struct Line {
    taken: Taken,
    timeout: Duration,
    language: Language,
    speed: u32,
    /// What was asked last and not answered.
    owed: Option<(u8, u8)>,
}

impl Line {
    fn open(path: &Path, timeout: Duration, language: Language) -> Result<Self, Trouble> {
        let taken = match Taken::open(path, line::Use::Ask, language) {
            Ok(Some(taken)) => taken,
            Ok(None) => return Err(Trouble::Held),
            Err(text) => return Err(Trouble::Failed(text)),
        };
        if !taken.is_line() {
            let text = language.say(
                "this is no serial line: nothing can be asked there",
                "ce n'est pas une ligne série : rien ne peut y être demandé",
            );
            return Err(Trouble::Failed(text.to_owned()));
        }
        Ok(Self { taken, timeout, language, speed: 9600, owed: None })
    }

    /// Sets speed and parity, and listens for a moment.
    ///
    /// # Errors
    /// The line cannot be set, or somebody speaks on it.
    pub fn set(&mut self, setting: line::Setting, listen: Duration) -> Result<(), Trouble> {
        self.speed = setting.speed;
        self.owed = None;
        let language = self.language;
        self.taken.set(setting).map_err(|error| {
            Trouble::Failed(say!(language, "cannot be set: {error}", "ne se règle pas : {error}"))
        })?;
        match self.hear_until(Instant::now() + listen)? {
            0 => Ok(()),
            count => Err(Trouble::Spoken(count)),
        }
    }

    /// How long so many bytes take.
    fn air(&self, bytes: u32) -> Duration {
        Duration::from_secs(u64::from(bytes * BITS)).checked_div(self.speed).unwrap_or_default()
    }

    fn ask(&mut self, ask: Ask, unit: u8) -> Result<Option<Answer>, Trouble> {
        let mut question = Vec::new();
        ask.write(Framing::Rtu, 0, unit, &mut question);
        let what = (unit, question.get(1).copied().unwrap_or_default());
        // On a line nothing but unit and function tells what an answer answers.
        let owing = if self.owed == Some(what) { self.timeout } else { Duration::ZERO };
        self.settle(owing)?;
        let broken = |error: Errno| Trouble::Failed(format!("{error}"));
        rustix::io::write(self.taken.line(), &question).map_err(broken)?;
        let (mut heard, mut buffer) = (Vec::new(), [0; ANSWER_MAX]);
        let mut end = Instant::now() + self.air(QUESTION) + self.timeout;
        let answer = loop {
            let count = match self.wait(end)? {
                false => break None,
                true => self.read(&mut buffer)?,
            };
            if heard.is_empty() && count > 0 {
                // Who has begun may finish.
                end = end.max(Instant::now() + self.air(ANSWER_MAX as u32));
            }
            heard.extend_from_slice(buffer.get(..count).unwrap_or_default());
            match ask.read(Framing::Rtu, 0, unit, &heard) {
                Answer::Unfinished if heard.len() <= ANSWER_MAX => {}
                answer => break Some(answer),
            }
        };
        let answer = answer.or((!heard.is_empty()).then_some(Answer::Strange));
        self.owed = matches!(answer, None | Some(Answer::Strange)).then_some(what);
        Ok(answer)
    }

    /// Waits until nothing came for three and a half characters (Modbus over Serial Line V1.02, section 2.5.1.1), and for what
    /// may still come.
    fn settle(&mut self, owing: Duration) -> Result<(), Trouble> {
        let quiet = (self.air(4)).max(Duration::from_millis(2));
        let (start, mut until) = (Instant::now(), Instant::now() + quiet.max(owing));
        let mut count = 0;
        while self.wait(until)? {
            count += self.read(&mut [0; ANSWER_MAX])?;
            until = until.max(Instant::now() + quiet);
            if start.elapsed() > QUIET_MAX + owing {
                return Err(Trouble::Spoken(count));
            }
        }
        Ok(())
    }

    fn hear_until(&mut self, end: Instant) -> Result<usize, Trouble> {
        let mut count = 0;
        while self.wait(end)? {
            count += self.read(&mut [0; ANSWER_MAX])?;
        }
        Ok(count)
    }

    /// Whether something came before then.
    fn wait(&self, end: Instant) -> Result<bool, Trouble> {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = [PollFd::new(self.taken.line(), PollFlags::IN)];
        match poll(&mut fds, Some(&left)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(Trouble::Failed(error.to_string())),
        }
    }

    /// What is there.
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Trouble> {
        match rustix::io::read(self.taken.line(), buffer) {
            Ok(0) => {
                let text = self.language.say("the line is gone", "la ligne a disparu");
                Err(Trouble::Failed(text.to_owned()))
            }
            Ok(count) => Ok(count),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(Trouble::Failed(error.to_string())),
        }
    }
}
