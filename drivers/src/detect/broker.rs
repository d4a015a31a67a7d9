//! The packets with which one listens at a broker: an introduction, a subscription, and what comes back. Nothing is
//! published, no last will is left, and a session ends with its connection.

use bytes::BytesMut;
use rumqttc::mqttbytes::{Error, QoS, v4};
use v4::{Connect, ConnectReturnCode, Disconnect, Packet, Subscribe, SubscribeFilter};

/// Longest packet that is read, bytes: the list of a bridge with some hundred devices.
const PACKET_MAX: usize = 4 * 1024 * 1024;

/// Our introduction to the broker.
///
/// # Errors
/// A name or password that is too long.
pub fn hello(client: &str, user: Option<&str>, password: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let mut hello = Connect::new(client);
    hello.keep_alive = 60;
    hello.clean_session = true;
    match (user, password) {
        (Some(user), Some(password)) => hello.set_credentials(user, password.to_vec()),
        (Some(user), None) => hello.set_username(user),
        (None, _) => &mut hello,
    };
    let mut out = BytesMut::new();
    hello.write(&mut out).map_err(|error| error.to_string())?;
    Ok(out.to_vec())
}

/// Asks for what is said there.
///
/// # Errors
/// Too many filters.
pub fn listen(filters: &[&str]) -> Result<Vec<u8>, String> {
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

/// Something that came from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It takes us.
    Accepted,
    /// It does not, and why.
    Refused(String),
    /// It will tell us what it was asked for.
    Subscribed,
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
            Ok(Packet::ConnAck(answer)) if answer.code == ConnectReturnCode::Success => Heard::Accepted,
            Ok(Packet::ConnAck(answer)) => Heard::Refused(format!("{:?}", answer.code)),
            Ok(Packet::SubAck(_)) => Heard::Subscribed,
            Ok(Packet::Publish(message)) => {
                Heard::Message(String::from_utf8_lossy(&message.topic).into_owned(), message.payload.to_vec())
            }
            Ok(_) => Heard::Other,
            Err(Error::InsufficientBytes(_)) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        }))
    }

    /// Our good-bye.
    pub fn bye() -> Vec<u8> {
        let mut out = BytesMut::new();
        // It has no content that could be wrong.
        let _ = Disconnect.write(&mut out);
        out.to_vec()
    }
}
