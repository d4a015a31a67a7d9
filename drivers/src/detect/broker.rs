//! The packets with which one listens at a broker: a subscription, and what comes back. Nothing is published.

use bytes::{Buf, BytesMut};
use rumqttc::mqttbytes::{Error, QoS, v4};
use v4::{Disconnect, Packet, Subscribe, SubscribeFilter, SubscribeReasonCode};

/// Longest packet that is read, bytes: the list of a bridge with some hundred devices.
const PACKET_MAX: usize = 4 * 1024 * 1024;

/// Asks for what is said there.
///
/// # Errors
/// Too many filters.
pub(crate) fn listen(filters: &[&str]) -> Result<Vec<u8>, String> {
    let filters: Vec<SubscribeFilter> = filters
        .iter()
        .map(|filter| SubscribeFilter { path: (*filter).to_owned(), qos: QoS::AtMostOnce })
        .collect();
    let mut subscribe = Subscribe::new_many(filters);
    subscribe.pkid = 1;
    let mut out = BytesMut::new();
    subscribe.write(&mut out).map_err(|error| error.to_string())?;
    Ok(out.to_vec())
}

/// Our good-bye.
pub(crate) fn bye() -> Vec<u8> {
    let mut out = BytesMut::new();
    // It has no content that could be wrong.
    let _ = Disconnect.write(&mut out);
    out.to_vec()
}

/// Something that came from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Which of the filters it does not let us listen to, by their places.
    Subscribed(Vec<usize>),
    /// A message: topic and payload.
    Message(String, Vec<u8>),
    /// One that is passed over, since it is longer than any announcement: its topic.
    TooLong(String),
    /// Something else.
    Other,
}

/// Takes packets out of bytes.
#[derive(Debug, Default)]
pub struct Hearing {
    input: BytesMut,
    /// Bytes of a packet too long to be read that are still to come.
    passes_over: usize,
}

impl Hearing {
    /// Takes what came.
    pub fn take(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next packet that is whole.
    ///
    /// # Errors
    /// This is no broker.
    pub fn packet(&mut self) -> Result<Option<Heard>, String> {
        let over = self.passes_over.min(self.input.len());
        self.input.advance(over);
        self.passes_over -= over;
        if self.passes_over > 0 {
            return Ok(None);
        }
        Ok(Some(match Packet::read(&mut self.input, PACKET_MAX) {
            Ok(Packet::SubAck(answer)) => {
                let refused = |(place, code): (usize, &SubscribeReasonCode)| {
                    (*code == SubscribeReasonCode::Failure).then_some(place)
                };
                Heard::Subscribed(answer.return_codes.iter().enumerate().filter_map(refused).collect())
            }
            Ok(Packet::Publish(message)) => {
                Heard::Message(String::from_utf8_lossy(&message.topic).into_owned(), message.payload.to_vec())
            }
            Ok(_) => Heard::Other,
            Err(Error::InsufficientBytes(_)) => return Ok(None),
            // Whoever says so much at once must not hide all others.
            Err(Error::PayloadSizeLimitExceeded(_)) => return Ok(self.begin_of_long().map(Heard::TooLong)),
            Err(error) => return Err(error.to_string()),
        }))
    }

    /// The topic of a message that is too long, whose bytes are passed over from here on; `None` until it has come.
    fn begin_of_long(&mut self) -> Option<String> {
        // Seven bits of the length a byte, the lowest first; the last is below 128 (MQTT 3.1.1, section 2.2.3).
        let length = self.input.get(1..)?.iter().take(4);
        let digits = length.clone().take_while(|byte| **byte >= 128).count() + 1;
        let rest = length.take(digits).rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
        let begin = 1 + digits;
        let size =
            self.input.get(begin..begin + 2)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let topic = self.input.get(begin + 2..begin + 2 + size)?;
        let topic = String::from_utf8_lossy(topic).into_owned();
        self.passes_over = begin + rest;
        Some(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_may_not_listen_to_is_told_by_its_place() {
        let mut hearing = Hearing::default();
        // SUBACK of three filters (MQTT 3.1.1, section 3.9), then a message, byte by byte.
        let bytes = [0x90, 5, 0, 1, 0, 0x80, 0x80, 0x30, 5, 0, 1, b'a', b'4', b'2'];
        let mut heard = Vec::new();
        for byte in bytes {
            hearing.take(&[byte]);
            heard.extend(hearing.packet().unwrap());
        }
        let message = Heard::Message("a".to_owned(), b"42".to_vec());
        assert_eq!(heard, [Heard::Subscribed(vec![1, 2]), message]);
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_over_and_hides_no_other() {
        let mut long = BytesMut::new();
        v4::Publish::new("long", QoS::AtMostOnce, vec![b'x'; PACKET_MAX + 1]).write(&mut long).unwrap();
        let short = [0x30, 5, 0, 1, b'a', b'4', b'2'];
        let expected = [Heard::TooLong("long".to_owned()), Heard::Message("a".to_owned(), b"42".to_vec())];
        for piece in [4096, long.len() + short.len()] {
            let mut hearing = Hearing::default();
            let mut heard = Vec::new();
            // Its beginning comes byte by byte too.
            let bytes = [&long, &short[..]].concat();
            let (begin, rest) = bytes.split_at(8);
            for part in begin.chunks(1).chain(rest.chunks(piece)) {
                hearing.take(part);
                while let Some(one) = hearing.packet().unwrap() {
                    heard.push(one);
                }
                assert!(hearing.input.len() <= piece.max(8), "it is not kept");
            }
            assert_eq!(heard, expected);
        }
    }
}
