//! A connection to a broker on which one only listens, to find devices. It is made as that of an MQTT bus, from the same keys,
//! and publishes nothing: no last will, no status, and a session that ends with it.

use super::mqtt::{Stream, connect};
use crate::detect::{Heard, Hearing, bye, listen};
use crate::mqtt_settings;
use crate::spec::Mistakes;
use ballast_model::device::{BusDefinition, Settings};
use ballast_model::diagnostic::{FileId, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Room for one read, bytes.
const READ_MAX: usize = 16 * 1024;

/// An open connection.
pub struct Listening {
    stream: Box<dyn Stream>,
    hearing: Hearing,
}

impl Listening {
    /// Connects with the keys of an MQTT bus: `url`, `user`, `password_file`, `ca` and the like.
    ///
    /// # Errors
    /// A sentence: a key is wrong, or the broker cannot be reached, is not believed, or refuses us.
    pub async fn connect(keys: &[(&str, String)]) -> Result<Self, String> {
        let pairs = keys.iter().map(|(key, value)| (*key, value.as_str()));
        let settings = Settings::at(pairs, FileId(0), Span::default());
        let definition = BusDefinition {
            name: "broker".into(),
            driver: "mqtt".into(),
            driver_at: (FileId(0), Span::default()),
            settings,
            points: Vec::new(),
            outputs: Vec::new(),
        };
        let mut mistakes = Mistakes(Vec::new());
        // Without the name of a site there is no status, and with that no last will.
        let connection = mqtt_settings::read(&definition, "", &mut mistakes);
        let connection = mistakes.finish(connection).map_err(|found| {
            let said = found.into_iter().map(|one| match one.help {
                Some(help) => format!("{}: {help}", one.message),
                None => one.message,
            });
            said.collect::<Vec<_>>().join("; ")
        })?;
        let link = connect(&connection).await.map_err(|fault| fault.to_string())?;
        let mut hearing = Hearing::default();
        hearing.take(&link.input);
        Ok(Self { stream: link.stream, hearing })
    }

    /// Asks for what is said there.
    ///
    /// # Errors
    /// Too many filters, or the connection broke.
    pub async fn subscribe(&mut self, filters: &[&str]) -> Result<(), String> {
        let wish = listen(filters)?;
        self.send(&wish).await
    }

    /// The next packet. Can be dropped at any moment without losing any.
    ///
    /// # Errors
    /// The connection ended, or this is no broker.
    pub async fn hear(&mut self) -> Result<Heard, String> {
        loop {
            if let Some(heard) = self.hearing.packet()? {
                return Ok(heard);
            }
            let mut buffer = [0; READ_MAX];
            match self.stream.read(&mut buffer).await.map_err(|error| error.to_string())? {
                0 => return Err("the broker closed the connection".to_owned()),
                count => self.hearing.take(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    /// Says good-bye. Who is gone already was told enough.
    pub async fn leave(mut self) {
        let _ = self.send(&bye()).await;
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error: std::io::Error| error.to_string())
    }
}
