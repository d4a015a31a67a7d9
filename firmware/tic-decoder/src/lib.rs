//! Decoder of the Linky meter's customer output (TIC, "télé-information client").
//!
//! For the host's driver and for the reader node's firmware alike: no `std`, no allocation, no dependency, no clock and no
//! input or output of its own. Bytes go in one at a time, events come out. It must never panic, never hand out a
//! group whose checksum is wrong, and never guess a value.
//!
//! ```
//! use tic_decoder::{Decoder, Event, fields};
//!
//! let mut decoder = Decoder::default();
//! let mut power = None;
//! decoder.decode(b"\x02\nPTEC HC.. S\r\nPAPP 00740 ,\r\x03", |event| match event {
//!     Event::Group(group) => {
//!         if let Ok(field) = fields::read(&group) {
//!             if field.quantity == fields::Quantity::ApparentPower {
//!                 power = field.number();
//!             }
//!         }
//!     }
//!     Event::FrameEnd { complete } => assert!(complete),
//!     _ => {}
//! });
//! assert_eq!(power, Some(740)); // VA
//! assert_eq!(decoder.counters().groups_good(), 2);
//! ```
//!
//! # The stream
//! Source: Enedis-NOI-CPT_54E, version 3 (2018-06-01), sections 5.2, 5.3.5, 5.3.6 and 6; for the historical mode's
//! interruption by EOT, Enedis-NOI-CPT_02E.
//!
//! | | historical mode | standard mode |
//! |---|---|---|
//! | line | 1200 baud, 7 bits, even parity, 1 stop | 9600 baud, 7 bits, even parity, 1 stop |
//! | frame | STX, groups, ETX | STX, groups, ETX |
//! | group | LF label SP value SP C CR | LF label HT [horodate HT] value HT C CR |
//! | C is `(sum & 0x3F) + 0x20` over | label SP value | label HT [horodate HT] value HT |
//! | interruption | EOT | none |
//!
//! The mode of a group is told by its separator: a group with a HT is of the standard mode, one without is historical.
//! [`Settings::mode`] fixes it. A horodate is a season letter (E summer, H winter, lower case when the meter's clock
//! is not to be trusted, a space when no season applies) and `YYMMDDhhmmss` in legal time.
//!
//! # Tolerance
//! A group ends at CR, and also at the next LF, ETX or STX, so that a stream without terminators still yields its groups.
//! What lies before the first LF or STX is skipped without a word: a stream is nearly always joined in the middle.
//! Damage costs the group it hits; the next LF starts afresh.
//!
//! # Parity
//! A pseudo-terminal, or a port set to 8 bits, passes the parity bit through as bit 7; a UART set to 7E1 removes it.
//! [`Parity`] says exactly how the two are told apart and what each case accepts.
//!
//! # What the checksum alone catches
//! Six bits of a sum: a flipped bit 0 to 5 always shows, a flipped bit 6 never does. With parity in bit 7 every single
//! flipped bit is caught. Without it, the historical mode still catches bit 6, since all its characters lie in
//! 0x20..=0x5F and the flip leaves that range or makes a control character. In the standard mode a flipped bit 6 in a value
//! can pass the decoder (`0` becomes `p`, a HT becomes `I`); in a number, a date or a register it then fails in
//! [`fields::read`]; in a free text it passes. A letter that turns into a terminator cuts the group, and
//! the rest passes one time in 64.
#![no_std]
#![forbid(unsafe_code)]

mod counters;
mod decoder;
pub mod encode;
mod event;
pub mod fields;
mod group;
mod parity;
mod words;

pub use counters::Counters;
pub use decoder::{Decoder, MAX_GROUP, Settings};
pub use event::{Cause, Event, Events};
pub use group::{Group, MAX_LABEL, Mode};
pub use parity::Parity;
