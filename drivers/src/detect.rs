//! Finding devices: what a meter on a line, a Modbus unit or a broker's messages tell of who is there. Pure: bytes in, facts
//! out; who finds holds the sockets.
//!
//! | where | what |
//! |---|---|
//! | [`Ear`] | listens to a line: which meter speaks there by itself? |
//! | [`Interview`], [`Ask`] | asks a Modbus unit who it is |
//! | [`Hearing`] | takes apart what comes from a broker at which one listens ([`crate::bus::Listening`]) |
//! | [`announced()`] | what a message at a broker announces |
//! | [`Found`] | a device as a site would name it |
//!
//! **Nothing that is found is moved.** An [`Ask`] can only read registers or an identification, the packets at a broker can
//! only subscribe, and a meter's line is only listened to: there is no type here that writes anything.

mod announced;
mod bare;
mod broker;
mod interview;
mod meter;

pub use crate::modbus::frame::Framing;
pub use announced::{ANNOUNCEMENTS, Announced, LeftOut, Why, announced, of_name};
pub use broker::{Heard, Hearing};
pub(crate) use broker::{bye, listen};
pub use interview::{Answer, Ask, Interview, Met, Unit};
pub use meter::{Ear, Meter, Speech};

/// A device as a site would name it; a proposal, which a person reads before it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What tells it from others; the same device found twice has it twice.
    pub key: String,
    /// What it may be called in the site: any text, which is made into a name.
    pub name: String,
    /// What people call it, and where that was read.
    pub about: String,
    /// Its device file.
    pub file: &'static str,
    /// Parameters of that file.
    pub with: Vec<(&'static str, String)>,
    /// Points beside those of the file, with their keys.
    pub points: Vec<(String, Vec<(&'static str, String)>)>,
    /// Beginnings of topics that belong to it: what else is announced there is a part of it.
    pub topics: Vec<String>,
}
