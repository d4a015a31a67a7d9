//! Decoder of BTHome advertisements: what small battery-powered sensors and plugs say over Bluetooth Low Energy.
//!
//! Source: the BTHome format, versions 1 and 2 (bthome.io/format, bthome.io/encryption). A [`Receiver`] belongs to one device
//! and takes the service data of its advertisements; it tells every [`Measurement`] of one, or why there are none. It uses no
//! memory of its own beyond a few words, holds no clock and never panics, whatever comes.
//!
//! What is refused: an advertisement that is cut or damaged in its form (nothing of it is told), one that is not encrypted
//! from a device that has a key, one whose authentication fails, and one whose counter has not risen.
#![no_std]
#![forbid(unsafe_code)]

mod cipher;
mod objects;
mod payload;
mod receiver;

pub use objects::{Form, OBJECTS, Object};
pub use payload::{Measurement, Value, event_word};
pub use receiver::{Heard, Receiver, Refusal, Uuid};
