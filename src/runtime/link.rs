//! Engine to guard, in one process, through the frames that a socket would carry.
//!
//! Every intent is encoded and decoded: what the guard sees here is what it will see from another process.

use ballast_model::frame::{Frame, FrameError, LEASE_MS_MAX, Message};
use ballast_model::{Intent, Mono, PointId, Span, Value};

/// The engine's end of the link.
#[derive(Clone, Debug)]
pub struct Link {
    session: u64,
    counter: u64,
    /// How often everything is renewed.
    pace: Span,
    renewed: Mono,
}

impl Link {
    /// A new session. `session` must be larger than that of any session before; `shortest` is the shortest lease of all
    /// outputs, so that one renewal in time serves all.
    pub fn new(session: u64, shortest: Span) -> Self {
        Self { session, counter: 0, pace: shortest.divided(3), renewed: Mono::ZERO }
    }

    /// The first frame of the session.
    pub fn hello(&mut self, tables: u64) -> Result<Frame, FrameError> {
        self.send(Message::Hello { tables })
    }

    /// What one output shall be.
    pub fn intent(&mut self, intent: Intent) -> Result<Frame, FrameError> {
        self.send(Message::Intent(intent))
    }

    /// What a point is that the guard looks at and only the program can tell.
    pub fn reading(&mut self, point: PointId, value: Option<Value>) -> Result<Frame, FrameError> {
        self.send(Message::Reading { point, value })
    }

    /// The session ends on purpose.
    pub fn bye(&mut self) -> Result<Frame, FrameError> {
        self.send(Message::Bye)
    }

    /// Renews the leases when a third of the shortest one has passed.
    pub fn renew(&mut self, now: Mono) -> Option<Result<Frame, FrameError>> {
        if now < self.next() {
            return None;
        }
        self.renewed = now;
        Some(self.send(Message::Renew))
    }

    /// Renews half as often: in made-up time nothing comes late.
    pub fn renew_seldom(&mut self) {
        self.pace = self.pace.times(2);
    }

    /// When the leases must be renewed.
    pub fn next(&self) -> Mono {
        self.renewed.after(self.pace)
    }

    fn send(&mut self, message: Message) -> Result<Frame, FrameError> {
        self.counter += 1;
        // As long as each output's own lease allows.
        let frame = Frame { session: self.session, counter: self.counter, lease_ms: LEASE_MS_MAX, message };
        Frame::decode(&frame.encode())
    }
}
