//! The packets with which one listens at a broker: a subscription, and what comes back. Nothing is published.

use bytes::BytesMut;
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
    /// Something else.
    Other,
}

/// Takes packets out of bytes.
#[derive(Debug, Default)]
pub struct Hearing {
    input: BytesMut,
}

impl Hearing {
    /// Takes what came.
    pub fn take(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next packet that is whole.
    ///
    /// # Errors
    /// This is no broker, or a packet is too long.
    pub fn packet(&mut self) -> Result<Option<Heard>, String> {
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
            Err(error) => return Err(error.to_string()),
        }))
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
}
