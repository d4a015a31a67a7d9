//! The connection to an MQTT broker: made, lost and made again.
//!
//! Of the client library only the packets are used. Its event loop keeps what could not be sent and sends it after a
//! reconnection, and fills a queue between the permit and the socket; here a permit is redeemed when its command enters
//! the socket's buffer, and nothing outlives its connection.

use super::backoff::{Backoff, seed};
use super::context::{Context, Stopped, deadline, duration};
use super::post::Desk;
use super::session::{Session, SessionEnd};
use super::{MqttBus, doors, tls};
use crate::limits::{CONNECT_MAX, FIRST_LINK, PACKET_MAX};
use crate::mqtt_settings::Connection;
use crate::readings::Report;
use crate::shape::Listener;
use ballast_model::{Quality, Reason, Span};
use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, LastWill, Packet};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// What went wrong with a connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot reach the broker: {0}")]
    Connect(io::Error),
    #[error("the broker did not answer in time")]
    NoAnswer,
    #[error("TLS: {0}")]
    Tls(String),
    #[error("cannot read the password: {0}")]
    Password(String),
    #[error("the broker refuses us: {0}")]
    Refused(&'static str),
    #[error("the broker does not speak MQTT 3.1.1: {0}")]
    Protocol(String),
    #[error("the broker closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the connection stalled")]
    Stalled,
}

/// What the broker keeps while we are there, and once we are gone.
pub(super) const THERE: &str = "online";
/// See [`THERE`].
pub(super) const GONE: &str = "offline";

/// Anything that bytes go through in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that the broker has accepted.
pub(super) struct Link {
    pub(super) stream: Box<dyn Stream>,
    /// What came behind the acceptance.
    pub(super) input: BytesMut,
    pub(super) is_session_present: bool,
}

/// Runs until the bus is ended.
pub(super) async fn run(mut bus: MqttBus, mut context: Context, mut desk: Desk) {
    let mut backoff = Backoff::new(seed(&context.name, context.now()));
    let mut doors = doors(bus.writers.keys().copied());
    let mut is_first = true;
    loop {
        let link = {
            let connecting = tokio::time::timeout_at(deadline(CONNECT_MAX), connect(&bus.connection));
            tokio::pin!(connecting);
            // What is permitted in the first moment of a run waits for it: nothing is out of reach yet.
            let moment = if std::mem::take(&mut is_first) { FIRST_LINK } else { Span::ZERO };
            let link = match tokio::time::timeout(duration(moment), &mut connecting).await {
                Ok(link) => link,
                Err(_) => match context.without_link(connecting).await {
                    Ok(link) => link,
                    Err(Stopped) => return,
                },
            };
            link.unwrap_or(Err(Fault::NoAnswer))
        };
        let (fault, lasted) = match link {
            Err(fault) => (fault, Span::ZERO),
            Ok(link) => {
                let since = context.now();
                context.counters.connects.add(1);
                context.link(true, &format!("connected to {}:{}", bus.connection.host, bus.connection.port));
                bus.topics.reset();
                // What was refused while there was no connection is asked for again now, not after a pause.
                for output in bus.writers.keys() {
                    context.readings.report(Report::Reach { output: *output, is_there: true, at: since });
                }
                let session = Session::new(&mut bus, &mut context, &mut doors, &mut desk, &link);
                let end = session.run(link).await;
                desk.close(&context.counters);
                match end {
                    SessionEnd::Stopped => return,
                    SessionEnd::Fault(fault) => (fault, context.now().since(since)),
                }
            }
        };
        context.counters.link_errors.add(1);
        context.link(false, &fault.to_string());
        lose(&bus, &mut context, lasted);
        if context.pause(backoff.next(lasted)).await == Err(Stopped) {
            return;
        }
    }
}

/// Every point and every output is out of reach.
fn lose(bus: &MqttBus, context: &mut Context, lasted: Span) {
    let at = context.now();
    context.readings.all_offline(at);
    if lasted > Span::ZERO {
        // Known at once, not at the next write: nothing may be said to be carried out from now on.
        for output in bus.writers.keys() {
            context.readings.report(Report::Reach { output: *output, is_there: false, at });
        }
        for output in &bus.outputs_with_state {
            let quality = Quality::Bad(Reason::Offline);
            context.readings.report(Report::Actual { output: *output, actual: None, quality, at });
        }
    }
}

/// A socket that sends at once: else a command waits for the broker's delayed acknowledgement of the one before it, for
/// 40 ms and more.
pub(super) async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect((host, port)).await.map_err(|error| explained(error, port))?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// A process that gave up ports at its start must be started again for a new one.
fn explained(error: io::Error, port: u16) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error;
    }
    let text = format!(
        "{error}: TCP port {port} is not one of those that the process kept when it started; start it again"
    );
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

/// Makes a connection and introduces us.
pub(super) async fn connect(connection: &Connection) -> Result<Link, Fault> {
    let tcp = dial(&connection.host, connection.port).await.map_err(Fault::Connect)?;
    let mut stream: Box<dyn Stream> = match &connection.tls {
        None => Box::new(tcp),
        Some(settings) => tls::connect(settings, &connection.host, tcp).await.map_err(Fault::Tls)?,
    };
    let mut packet = BytesMut::new();
    let hello = introduction(connection)?;
    hello.write(&mut packet).map_err(|error| Fault::Protocol(error.to_string()))?;
    stream.write_all(&packet).await.map_err(Fault::Broken)?;
    stream.flush().await.map_err(Fault::Broken)?;
    let mut input = BytesMut::new();
    loop {
        match Packet::read(&mut input, PACKET_MAX) {
            Ok(Packet::ConnAck(answer)) if answer.code == ConnectReturnCode::Success => {
                return Ok(Link { stream, input, is_session_present: answer.session_present });
            }
            Ok(Packet::ConnAck(answer)) => return Err(Fault::Refused(refusal(answer.code))),
            Ok(other) => {
                return Err(Fault::Protocol(format!("{:?} instead of an answer", other.packet_type())));
            }
            Err(rumqttc::mqttbytes::Error::InsufficientBytes(_)) => {}
            Err(error) => return Err(Fault::Protocol(error.to_string())),
        }
        if stream.read_buf(&mut input).await.map_err(Fault::Broken)? == 0 {
            return Err(Fault::Closed);
        }
    }
}

fn introduction(connection: &Connection) -> Result<Connect, Fault> {
    let mut hello = Connect::new(&*connection.client);
    // Half as much again is what a broker grants.
    hello.keep_alive = u16::try_from(connection.keep_alive.millis() / 1000).unwrap_or(u16::MAX);
    hello.clean_session = !connection.is_persistent;
    hello.last_will = connection.status.as_ref().map(|topic| {
        // One will for a connection: it can tell others that we are gone, and not every relay what is safe.
        LastWill::new(&**topic, GONE, QoS::AtLeastOnce, true)
    });
    match (&connection.user, &connection.password) {
        (Some(user), Some(source)) => {
            let password = source.fetch().map_err(Fault::Password)?;
            hello.set_credentials(&**user, password.expose().as_bytes().to_vec());
        }
        (Some(user), None) => {
            hello.set_username(&**user);
        }
        (None, _) => {}
    }
    Ok(hello)
}

fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::Success => "no reason given",
        ConnectReturnCode::RefusedProtocolVersion => "it does not speak MQTT 3.1.1",
        ConnectReturnCode::BadClientId => "it does not accept the client id",
        ConnectReturnCode::ServiceUnavailable => "it is not ready",
        ConnectReturnCode::BadUserNamePassword => "wrong user name or password",
        ConnectReturnCode::NotAuthorized => "not allowed; check `user` and its password",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_send_at_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let socket = runtime.block_on(dial("127.0.0.1", port)).unwrap();
        assert!(socket.nodelay().unwrap());
    }
}
