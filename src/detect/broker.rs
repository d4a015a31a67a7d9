//! Devices that announce themselves at an MQTT broker. One connection that subscribes and publishes nothing.

use super::{Bus, Findings, Reader};
use crate::report::language::{Language, say};
use ballast_drivers::detect::{ANNOUNCEMENTS, Found, Heard, Hearing, announced, hello, listen};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a connection and its acceptance may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Messages that are looked at, at most.
const MESSAGES_MAX: usize = 20_000;
/// Devices that are kept, at most.
const DEVICES_MAX: usize = 2000;

/// Where one listens, and as whom.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// `mqtt://host:port`.
    pub url: &'a str,
    /// User name.
    pub user: Option<&'a str>,
    /// File with the password.
    pub password_file: Option<&'a Path>,
}

/// Listens for so long.
///
/// # Errors
/// A sentence: the address, the connection, the refusal.
pub fn hear(place: &Place<'_>, lasting: Duration, reader: Reader<'_>) -> Result<Findings, String> {
    let (url, language) = (place.url, reader.language);
    let (host, port) = address(url, language)?;
    let password = match place.password_file {
        Some(path) => Some(std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?),
        None => None,
    };
    let mut stream = connect(host, port).map_err(|error| format!("{url}: {error}"))?;
    let client = format!("ballast-detect-{}", std::process::id());
    let password = password.as_deref().map(<[u8]>::trim_ascii_end);
    let wrong = |error: String| format!("{url}: {error}");
    stream
        .write_all(&hello(&client, place.user, password).map_err(wrong)?)
        .map_err(|e| wrong(e.to_string()))?;
    let mut hearing = Hearing::default();
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let (mut end, mut messages, mut is_accepted) = (Instant::now() + CONNECT, 0, false);
    let start = Instant::now();
    while Instant::now() < end && messages < MESSAGES_MAX {
        let total = lasting.as_millis() as usize;
        (reader.progress)(host, (start.elapsed().as_millis() as usize).min(total), total);
        read(&mut stream, &mut hearing, end).map_err(|error| wrong(error.to_string()))?;
        while let Some(heard) = hearing.packet().map_err(wrong)? {
            match heard {
                Heard::Accepted => {
                    is_accepted = true;
                    let wish = listen(&ANNOUNCEMENTS).map_err(wrong)?;
                    stream.write_all(&wish).map_err(|error| wrong(error.to_string()))?;
                    end = Instant::now() + lasting;
                }
                Heard::Refused(why) => {
                    return Err(wrong(say!(
                        language,
                        "the broker refuses us: {why}",
                        "le courtier nous refuse : {why}"
                    )));
                }
                Heard::Message(topic, payload) => {
                    messages += 1;
                    announced(&topic, &payload).into_iter().for_each(|device| add(&mut found, device));
                }
                Heard::Subscribed | Heard::Other => {}
            }
        }
    }
    // Who is gone already was told enough.
    let _ = stream.write_all(&Hearing::bye());
    if !is_accepted {
        return Err(wrong(
            language.say("the broker does not answer", "le courtier ne répond pas").to_owned(),
        ));
    }
    Ok(findings(place, found, messages, language))
}

fn address(url: &str, language: Language) -> Result<(&str, u16), String> {
    let Some(rest) = url.strip_prefix("mqtt://") else {
        return Err(say!(
            language,
            "{url}: write `mqtt://host` or `mqtt://host:1883`; with TLS nothing is looked for yet",
            "{url} : écrivez `mqtt://hôte` ou `mqtt://hôte:1883` ; avec TLS rien n'est encore cherché"
        ));
    };
    let rest = rest.trim_end_matches('/');
    match rest.rsplit_once(':') {
        None => Ok((rest, 1883)),
        Some((host, port)) => match port.parse() {
            Ok(port) => Ok((host.trim_matches(['[', ']']), port)),
            Err(_) => {
                Err(say!(language, "{url}: `{port}` is not a port", "{url} : `{port}` n'est pas un port"))
            }
        },
    }
}

fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::other("it has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Reads what is there, waiting a tenth of a second at most.
fn read(stream: &mut TcpStream, hearing: &mut Hearing, end: Instant) -> std::io::Result<()> {
    let left = end
        .saturating_duration_since(Instant::now())
        .clamp(Duration::from_millis(1), Duration::from_millis(100));
    stream.set_read_timeout(Some(left))?;
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(0) => Err(std::io::Error::other("the broker closed the connection")),
        Ok(count) => {
            hearing.take(buffer.get(..count).unwrap_or_default());
            Ok(())
        }
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// A device that was found before is the same one, with more points.
fn add(found: &mut BTreeMap<String, Found>, device: Found) {
    if let Some(known) = found.get_mut(&device.key) {
        for (name, keys) in device.points {
            if !known.points.iter().any(|(_, before)| *before == keys) {
                known.points.push((name, keys));
            }
        }
        for topic in device.topics.into_iter().filter(|_| device.key.starts_with("ha:")) {
            if !known.topics.contains(&topic) {
                known.topics.push(topic);
            }
        }
    } else if found.len() < DEVICES_MAX {
        found.insert(device.key.clone(), device);
    }
}

fn findings(
    place: &Place<'_>,
    found: BTreeMap<String, Found>,
    messages: usize,
    language: Language,
) -> Findings {
    let mut findings = Findings::default();
    let mut keys = vec![("url", place.url.to_owned())];
    keys.extend(place.user.map(|user| ("user", user.to_owned())));
    keys.extend(place.password_file.map(|path| ("password_file", path.display().to_string())));
    let bus = Bus { name: "broker".to_owned(), driver: "mqtt", keys };
    let (announced, own): (Vec<Found>, Vec<Found>) =
        found.into_values().partition(|device| device.key.starts_with("ha:"));
    // What a device announces to Home Assistant beside its own way is not a second device.
    let is_known = |device: &Found| {
        let covers =
            |topic: &String| own.iter().flat_map(|known| &known.topics).any(|begin| topic.starts_with(begin));
        !device.topics.is_empty() && device.topics.iter().all(covers)
    };
    let others: Vec<Found> = announced.into_iter().filter(|device| !is_known(device)).collect();
    findings.devices = own.into_iter().chain(others).map(|device| (bus.clone(), device)).collect();
    if findings.devices.is_empty() {
        let url = place.url;
        findings.remarks.push(say!(
            language,
            "{url}: {messages} announcements, none that a site could use; devices that announce themselves only when they start may need a restart",
            "{url} : {messages} annonces, aucune utilisable par un site ; redémarrez les appareils qui ne s'annoncent qu'au démarrage"
        ));
    }
    findings
}
