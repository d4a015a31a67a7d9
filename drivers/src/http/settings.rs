//! How to reach devices over HTTP: the keys of a bus.

use super::access::Scheme;
use crate::bus::{Tls, Wire};
use crate::secret::Source;
use crate::spec::{Key, Mistakes, file_key, key};
use ballast_model::Span;
use ballast_model::device::{BusDefinition, Settings};
use std::path::PathBuf;

/// Keys of a bus.
pub(crate) const KEYS: &[Key] = &[
    key("url", "`http://host:port/path` or `https://...`, put before every path; a device can have its own"),
    key(
        "auth",
        "none (default), basic, digest (MD5 or SHA-256), bearer (a token), oauth2 (a token fetched with client credentials)",
    ),
    key("user", "user name, for basic and digest"),
    file_key("password_file", "file with the password; secrets do not stand in site files"),
    key("password_credential", "or the credential of systemd that holds it (`LoadCredential=` of the unit)"),
    key("password_env", "or the environment's variable that holds it"),
    file_key("token_file", "file with the token, for bearer"),
    key("token_credential", "or the credential of systemd that holds it"),
    key("token_env", "or the environment's variable that holds it"),
    key("token_header", "header in which the token goes alone, where it is not `Authorization: Bearer`"),
    key("token_url", "where tokens are fetched, for oauth2"),
    key("client_id", "our name there"),
    file_key("client_secret_file", "file with our secret there"),
    key("client_secret_credential", "or the credential of systemd that holds it"),
    key("client_secret_env", "or the environment's variable that holds it"),
    key("scope", "what the token shall be good for"),
    key("headers", "further header lines of every request, separated by `;`: `X-Requested-With: ballast`"),
    file_key("ca", "file with the certificate authorities that may vouch for the device (the system's)"),
    file_key("certificate", "file with our certificate, where the device asks for one"),
    file_key("key", "file with its private key"),
    key(
        "fingerprint",
        "SHA-256 of the device's own certificate, in hexadecimal: that one is believed and no other",
    ),
    key("timeout", "how long an answer may take (3 s); nobody else of this bus is asked meanwhile"),
];

/// The root of URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) is_tls: bool,
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// Without a slash at its end.
    pub(super) prefix: Box<str>,
}

impl Base {
    /// Reads `http://host:port/prefix`; `None` where it is none, or has a user, a query or a fragment.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (is_tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return None,
        };
        if rest.contains(['@', '?', '#', '\\']) || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // An IPv6 address stands in brackets, which hide its colons.
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port),
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|port| *port > 0)?,
            None if port.is_empty() => Self::usual_port(is_tls),
            None => return None,
        };
        let prefix = prefix.trim_end_matches('/').into();
        (!host.is_empty()).then(|| Self { is_tls, host: host.into(), port, prefix })
    }

    fn usual_port(is_tls: bool) -> u16 {
        if is_tls { 443 } else { 80 }
    }

    /// As it stands in the line `Host`.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.to_string() };
        if self.port == Self::usual_port(self.is_tls) { host } else { format!("{host}:{}", self.port) }
    }

    /// Whether requests to both go to the same server.
    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        (self.is_tls, &self.host, self.port) == (other.is_tls, &other.host, other.port)
    }

    pub(super) fn wire(&self, tls: &Tls) -> Wire {
        let (host, port) = (self.host.clone(), self.port);
        if self.is_tls { Wire::Tls { host, port, tls: tls.clone() } } else { Wire::Tcp { host, port } }
    }
}

/// What all devices of a bus share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) base: Option<Base>,
    pub(super) scheme: Scheme,
    pub(super) headers: Vec<(String, String)>,
    pub(super) tls: Tls,
    pub(super) timeout: Span,
}

/// Reads the keys of a bus; mistakes go to `mistakes`.
pub(super) fn read(definition: &BusDefinition, mistakes: &mut Mistakes) -> Option<Shared> {
    let settings = &definition.settings;
    let base = url(settings, "url", mistakes);
    let scheme = scheme(settings, mistakes);
    let headers = headers(settings, mistakes);
    let tls = tls(settings, mistakes);
    let timeout = mistakes.span(settings, "timeout", Span::from_secs(3));
    if timeout.is_some_and(|timeout| timeout == Span::ZERO || timeout > Span::from_secs(60)) {
        mistakes.add(settings.wrong("timeout", "`timeout` must lie above zero and be one minute at most"));
    }
    Some(Shared { base: base?, scheme: scheme?, headers: headers?, tls: tls?, timeout: timeout? })
}

/// `Some(None)` where the key is absent.
pub(super) fn url(settings: &Settings, key: &str, mistakes: &mut Mistakes) -> Option<Option<Base>> {
    let Some(text) = settings.get(key) else { return Some(None) };
    let base = Base::parse(text);
    if base.is_none() {
        let wrong = settings.wrong(key, "this is not the root of an HTTP address");
        mistakes.add(wrong.help(
            "write `http://192.168.1.20`, or `https://...` for TLS; user and password have keys of their own",
        ));
    }
    base.map(Some)
}

#[derive(Clone, Copy)]
enum Kind {
    None,
    Basic,
    Digest,
    Bearer,
    OAuth2,
}

fn scheme(settings: &Settings, mistakes: &mut Mistakes) -> Option<Scheme> {
    let kinds = [
        ("none", Kind::None),
        ("basic", Kind::Basic),
        ("digest", Kind::Digest),
        ("bearer", Kind::Bearer),
        ("oauth2", Kind::OAuth2),
    ];
    let kind = mistakes.choice(settings, "auth", &kinds)?;
    match kind {
        Kind::None => {
            let stray = [
                "user",
                "password_file",
                "password_credential",
                "password_env",
                "token_file",
                "token_credential",
                "token_env",
                "token_url",
            ];
            for key in stray.into_iter().filter(|key| settings.get(key).is_some()) {
                let wrong = settings.wrong(key, format!("`{key}` without `auth`"));
                mistakes.add(wrong.help("say how it is told: `auth: digest`, basic, bearer or oauth2"));
            }
            Some(Scheme::None)
        }
        Kind::Basic | Kind::Digest => {
            let user = mistakes.need(settings, "user", "a password");
            let password = Source::read("password", settings, "a password", mistakes);
            let (user, password) = (user?.into(), password?);
            Some(if matches!(kind, Kind::Basic) {
                Scheme::Basic { user, password }
            } else {
                Scheme::Digest { user, password }
            })
        }
        Kind::Bearer => {
            let token = Source::read("token", settings, "a token", mistakes);
            Some(Scheme::Bearer { header: settings.get("token_header").map(Box::from), token: token? })
        }
        Kind::OAuth2 => {
            let endpoint = url(settings, "token_url", mistakes);
            let id = mistakes.need(settings, "client_id", "client credentials");
            let secret = Source::read("client_secret", settings, "client credentials", mistakes);
            let Some(endpoint) = endpoint? else {
                mistakes.add(settings.missing("token_url", "client credentials"));
                return None;
            };
            let scope = settings.get("scope").map(Box::from);
            Some(Scheme::OAuth2 { endpoint, id: id?.into(), secret: secret?, scope })
        }
    }
}

fn headers(settings: &Settings, mistakes: &mut Mistakes) -> Option<Vec<(String, String)>> {
    let lines = settings.get("headers").unwrap_or_default().split(';').filter(|line| !line.trim().is_empty());
    let mut found = Vec::new();
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            let wrong = settings.wrong("headers", format!("`{}` is not a header line", line.trim()));
            mistakes.add(wrong.help("write `NAME: VALUE`"));
            return None;
        };
        found.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Some(found)
}

fn tls(settings: &Settings, mistakes: &mut Mistakes) -> Option<Tls> {
    let identity = mistakes.identity(settings)?;
    let fingerprint = match settings.get("fingerprint") {
        None => None,
        Some(text) => {
            let fingerprint = parse_fingerprint(text);
            if fingerprint.is_none() {
                let wrong = settings.wrong("fingerprint", "this is not a SHA-256 fingerprint");
                let help =
                    "32 bytes in hexadecimal, as `openssl x509 -noout -fingerprint -sha256` shows them";
                mistakes.add(wrong.help(help));
                return None;
            }
            fingerprint
        }
    };
    Some(Tls { ca: settings.get("ca").map(PathBuf::from), identity, fingerprint })
}

fn parse_fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.chars().filter(|character| *character != ':').collect();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let byte = |place: usize| u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_addresses() {
        let found = |text: &str| Base::parse(text).map(|base| (base.authority(), base.is_tls, base.prefix));
        let expect = |host: &str, is_tls, prefix: &str| Some((host.to_owned(), is_tls, Box::from(prefix)));
        assert_eq!(found("http://plug"), expect("plug", false, ""));
        assert_eq!(found("http://plug:80/"), expect("plug", false, ""));
        assert_eq!(found("https://10.0.0.7:8443/api/v1/"), expect("10.0.0.7:8443", true, "/api/v1"));
        assert_eq!(found("https://[fe80::1]:443"), expect("[fe80::1]", true, ""));
        for wrong in [
            "",
            "plug",
            "ftp://plug",
            "http://",
            "http://:80",
            "http://a:b",
            "http://a:0",
            "http://a:99999",
            "http://user:word@plug",
            "http://plug/?a=b",
            "http://a b",
        ] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn fingerprints_as_openssl_shows_them() {
        let text = vec!["AB"; 32].join(":");
        assert_eq!(parse_fingerprint(&text), Some([0xab; 32]));
        assert_eq!(parse_fingerprint(&text.replace(':', "").to_lowercase()), Some([0xab; 32]));
        for wrong in ["", "AB:CD", &text.replace('A', "G"), &format!("{text}:00"), &"é".repeat(32)] {
            assert_eq!(parse_fingerprint(wrong), None, "{wrong}");
        }
    }
}
