//! How to reach a broker: the keys of an MQTT bus.

use crate::bus::Tls;
use crate::secret::Source;
use crate::spec::{Key, Mistakes, file_key, key};
use ballast_model::Span;
use ballast_model::device::BusDefinition;
use std::path::PathBuf;

/// Keys of a bus.
pub(crate) const KEYS: &[Key] = &[
    key(
        "url",
        "`mqtt://host:port`, or `mqtts://host:port` for TLS; the ports are 1883 and 8883 where absent",
    ),
    key("client", "client id, unique at the broker (the bus's name with `ballast-` before it)"),
    key("user", "user name"),
    file_key("password_file", "file with the password; passwords do not stand in site files"),
    key("password_credential", "or the credential of systemd that holds it (`LoadCredential=` of the unit)"),
    key("password_env", "or the environment's variable that holds it"),
    file_key("ca", "file with the certificate authorities that may vouch for the broker (the system's)"),
    file_key("certificate", "file with our certificate, where the broker asks for one"),
    file_key("key", "file with its private key"),
    key("keep_alive", "how often the connection is proved when nothing is said (15 s)"),
    key(
        "status_topic",
        "where the broker keeps `online`, and `offline` once we are gone, or `none` (`ballast/SITE/BUS/status`)",
    ),
    key(
        "exclusive",
        "whether the broker's access list lets nobody else command what is on this bus: no (default), or yes, \
         with which a device's own timer (`reverts_after`) makes it `timed`; `ballast guard acl` prints that list",
    ),
    key("session", "clean (default), or persistent: what was said meanwhile comes later, marked as not live"),
];

/// How to reach a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Name or address.
    pub(crate) host: Box<str>,
    /// TCP port.
    pub(crate) port: u16,
    /// Client id.
    pub(crate) client: Box<str>,
    /// User name.
    pub(crate) user: Option<Box<str>>,
    /// Where the password comes from.
    pub(crate) password: Option<Source>,
    /// TLS, if it is wanted.
    pub(crate) tls: Option<Tls>,
    /// Longest silence on the connection.
    pub(crate) keep_alive: Span,
    /// Whether the broker keeps the session while we are away.
    pub(crate) is_persistent: bool,
    /// Where others see whether we are there.
    pub(crate) status: Option<Box<str>>,
}

/// Shortest and longest keep-alive; MQTT counts it in seconds, in 16 bits, and 0 would switch it off.
const KEEP_ALIVE: (Span, Span) = (Span::from_secs(2), Span::from_secs(600));

/// Longest client id: a text of MQTT carries its length in 16 bits.
const CLIENT_BYTES_MAX: usize = u16::MAX as usize;

/// Reads the keys of a bus; mistakes go to `mistakes`.
pub(crate) fn read(definition: &BusDefinition, site: &str, mistakes: &mut Mistakes) -> Option<Connection> {
    let settings = &definition.settings;
    let url = mistakes.need(settings, "url", "an MQTT bus");
    let address = url.and_then(|url| {
        let address = parse_url(url);
        if address.is_none() {
            let wrong = settings.wrong("url", format!("`{url}` is not the address of a broker"));
            mistakes.add(wrong.help("write `mqtt://host:1883`, or `mqtts://host:8883` for TLS; user and password have keys of their own"));
        }
        address
    });
    let keep_alive = mistakes.span(settings, "keep_alive", Span::from_secs(15));
    if keep_alive.is_some_and(|span| span < KEEP_ALIVE.0 || span > KEEP_ALIVE.1) {
        let text = format!("`keep_alive` must lie between {} and {}", KEEP_ALIVE.0, KEEP_ALIVE.1);
        mistakes.add(settings.wrong("keep_alive", text));
    }
    let is_persistent = mistakes.choice(settings, "session", &[("clean", false), ("persistent", true)]);
    let path = |key: &str| settings.get(key).map(PathBuf::from);
    let identity = mistakes.identity(settings).flatten();
    let password = Source::find("password", settings, mistakes);
    if matches!(password, Some(Some(_))) && settings.get("user").is_none() {
        mistakes.add(settings.missing("user", "a password"));
    }
    // By the bus as well: two buses at one broker live and die one by one.
    let status = match settings.get("status_topic") {
        Some("none") => None,
        Some(topic) if topic.contains(['+', '#', '\0']) || topic.len() > usize::from(u16::MAX) => {
            let wrong = settings.wrong("status_topic", format!("nothing can be published on `{topic}`"));
            mistakes.add(wrong.help("name one topic, or `none`"));
            None
        }
        Some(topic) => Some(topic.into()),
        None if site.is_empty() => None,
        None => Some(format!("ballast/{site}/{}/status", definition.name).into()),
    };
    let is_exclusive = mistakes.choice(settings, "exclusive", &[("no", false), ("yes", true)]);
    if is_exclusive == Some(true) && settings.get("user").is_none() {
        mistakes.add(settings.missing("user", "a bus that nobody else can command"));
    }
    let client = settings.get("client");
    if is_persistent == Some(true) && client.is_none() {
        mistakes.add(settings.missing("client", "a persistent session"));
    }
    if let Some(client) = client.filter(|client| client.len() > CLIENT_BYTES_MAX) {
        let text = format!("`client` has {} bytes; a broker takes {CLIENT_BYTES_MAX} at most", client.len());
        let help = "a short name is enough: no other client of the broker may have the same";
        mistakes.add(settings.wrong("client", text).help(help));
    }
    let (is_tls, host, port) = address?;
    if !is_tls {
        for key in ["ca", "certificate", "key"].into_iter().filter(|key| settings.get(key).is_some()) {
            let wrong =
                settings.wrong(key, format!("`{key}` is for TLS, and the address begins with `mqtt://`"));
            mistakes.add(wrong.help("write `mqtts://` in `url`"));
        }
    }
    Some(Connection {
        host,
        port,
        client: client.map_or_else(|| format!("ballast-{}", definition.name).into(), Box::from),
        user: settings.get("user").map(Box::from),
        password: password?,
        tls: is_tls.then(|| Tls { ca: path("ca"), identity, fingerprint: None }),
        keep_alive: keep_alive?,
        is_persistent: is_persistent?,
        status,
    })
}

/// Whether it is TLS, host and port.
fn parse_url(url: &str) -> Option<(bool, Box<str>, u16)> {
    let (is_tls, rest) = match url.split_once("://")? {
        ("mqtt" | "tcp", rest) => (false, rest),
        ("mqtts" | "ssl", rest) => (true, rest),
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let default_port = if is_tls { 8883 } else { 1883 };
    let (host, port) = if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']')?;
        match after.strip_prefix(':') {
            Some(port) => (host, port.parse().ok()?),
            None if after.is_empty() => (host, default_port),
            None => return None,
        }
    } else {
        match rest.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (rest, default_port),
        }
    };
    let is_host = !host.is_empty() && !host.contains(['/', '@', '?', ' ', '[', ']']);
    (is_host && port != 0).then(|| (is_tls, host.into(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_brokers() {
        assert_eq!(parse_url("mqtt://127.0.0.1:18830"), Some((false, "127.0.0.1".into(), 18830)));
        assert_eq!(parse_url("mqtt://broker.lan/"), Some((false, "broker.lan".into(), 1883)));
        assert_eq!(parse_url("mqtts://broker"), Some((true, "broker".into(), 8883)));
        assert_eq!(parse_url("mqtt://[::1]:1884"), Some((false, "::1".into(), 1884)));
        for wrong in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://a:b",
            "mqtt://u:p@h",
            "mqtt://h:0",
            "mqtt://[::1",
            "mqtt://h/x",
        ] {
            assert_eq!(parse_url(wrong), None, "{wrong}");
        }
    }
}
