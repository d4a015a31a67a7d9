//! How a device is told who asks: passwords (RFC 7617, RFC 7616) and tokens (RFC 6750, RFC 6749 section 4.4).
//!
//! A secret goes into a request and nowhere else. Where `digest` was asked for, a password never leaves in the clear,
//! whatever the other side offers.

use super::message::Headers;
use super::settings::Base;
use crate::limits::BACKOFF_MAX;
use crate::pointer::{Found, Pointer};
use crate::secret::{Secret, Source};
use ballast_model::{Mono, Span};
use http_auth::digest::Algorithm;
use http_auth::{PasswordClient, PasswordParams};
use std::collections::BTreeMap;

/// How a bus shows who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    None,
    Basic { user: Box<str>, password: Source },
    Digest { user: Box<str>, password: Source },
    Bearer { header: Option<Box<str>>, token: Source },
    OAuth2 { endpoint: Base, id: Box<str>, secret: Source, scope: Option<Box<str>> },
}

/// A token that was fetched.
#[derive(Debug)]
struct Token {
    secret: Secret,
    /// `None`: until it is refused.
    times: Option<Times>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    renewed_from: Mono,
    ends: Mono,
}

/// A token is not used in its last moments: the request must still arrive.
const TOKEN_MARGIN: Span = Span::from_secs(5);

/// What is known of the secrets, and what devices asked for.
pub(super) struct Access {
    scheme: Scheme,
    /// What was read from its source; forgotten when it is refused.
    secret: Option<Secret>,
    /// Why it could not be read.
    lack: Option<String>,
    /// Challenges of the devices, by their units.
    challenges: BTreeMap<usize, PasswordClient>,
    token: Option<Token>,
    /// No token is fetched before.
    not_before: Mono,
}

/// One header line of a request.
pub(super) type Line = (String, String);

impl Access {
    pub(super) fn new(scheme: Scheme) -> Self {
        let challenges = BTreeMap::new();
        Self { scheme, secret: None, lack: None, challenges, token: None, not_before: Mono::ZERO }
    }

    /// Why there is no secret, for people.
    pub(super) fn lack(&self) -> Option<&str> {
        self.lack.as_deref()
    }

    /// Whether a device can be asked now: there is a token where one is fetched.
    pub(super) fn is_ready(&self, now: Mono) -> bool {
        let is_good = |token: &Token| token.times.is_none_or(|times| now < times.ends);
        !matches!(self.scheme, Scheme::OAuth2 { .. }) || self.token.as_ref().is_some_and(is_good)
    }

    /// Whether a token should be fetched now.
    pub(super) fn wants_token(&self, now: Mono) -> bool {
        let is_fresh = |token: &Token| token.times.is_none_or(|times| now < times.renewed_from);
        now >= self.not_before && !self.token.as_ref().is_some_and(is_fresh)
    }

    fn secret_of(&mut self, source: &Source) -> Option<&Secret> {
        if self.secret.is_none() {
            match source.fetch() {
                Ok(secret) => (self.secret, self.lack) = (Some(secret), None),
                Err(lack) => self.lack = Some(lack),
            }
        }
        self.secret.as_ref()
    }

    /// The line that shows who asks. None where a device has not yet said how it wants it, or the secret is not there:
    /// then it refuses, and that is told.
    pub(super) fn line(&mut self, unit: usize, method: &str, path: &str, body: &[u8]) -> Option<Line> {
        let named = |value: String| Some(("Authorization".to_owned(), value));
        match self.scheme.clone() {
            Scheme::None => None,
            Scheme::Basic { user, password } => {
                let password = self.secret_of(&password)?;
                named(http_auth::basic::encode_credentials(&user, password.expose()))
            }
            Scheme::Digest { user, password } => {
                let password = self.secret_of(&password)?.clone();
                let asked = PasswordParams {
                    username: &user,
                    password: password.expose(),
                    uri: path,
                    method,
                    body: Some(body),
                };
                named(self.challenges.get_mut(&unit)?.respond(&asked).ok()?)
            }
            Scheme::Bearer { header, token } => {
                let token = self.secret_of(&token)?.expose().to_owned();
                match header {
                    Some(name) => Some((name.into(), token)),
                    None => named(format!("Bearer {token}")),
                }
            }
            Scheme::OAuth2 { .. } => named(format!("Bearer {}", self.token.as_ref()?.secret.expose())),
        }
    }

    /// A device refuses who asks. Whether it makes sense to ask again at once, with what it said.
    pub(super) fn refused(&mut self, unit: usize, headers: &Headers<'_>) -> bool {
        // A new password or token may stand there by now.
        self.secret = None;
        self.token = None;
        if !matches!(self.scheme, Scheme::Digest { .. }) {
            return false;
        }
        let offered =
            headers.all("WWW-Authenticate").filter_map(|line| http_auth::parse_challenges(line).ok());
        let digests = offered.flatten().filter(|one| one.scheme.eq_ignore_ascii_case("digest"));
        let clients = digests.filter_map(|one| PasswordClient::try_from(&one).ok());
        // The stronger hash, where there is a choice.
        let found = clients.max_by_key(|client| match client {
            PasswordClient::Digest(client) if client.algorithm() == Algorithm::Md5 => 1,
            PasswordClient::Digest(_) => 2,
            _ => 0,
        });
        let found = found.filter(|client| matches!(client, PasswordClient::Digest(_)));
        match found {
            Some(client) => drop(self.challenges.insert(unit, client)),
            None => drop(self.challenges.remove(&unit)),
        }
        self.challenges.contains_key(&unit)
    }

    /// The request for a token: the line that shows who we are, and the form that goes with it.
    pub(super) fn token_request(&mut self) -> (Option<Line>, String) {
        let Scheme::OAuth2 { id, secret, scope, .. } = self.scheme.clone() else {
            return (None, String::new());
        };
        let mut form = "grant_type=client_credentials".to_owned();
        if let Some(scope) = scope {
            form.push_str("&scope=");
            form.push_str(&escape(&scope));
        }
        // RFC 6749, 2.3.1: both are escaped as in a form before they are joined.
        let ours = self.secret_of(&secret).map(|secret| escape(secret.expose()));
        let line = ours.map(|secret| {
            ("Authorization".to_owned(), http_auth::basic::encode_credentials(&escape(&id), &secret))
        });
        (line, form)
    }

    /// What came instead of a token, or with it. Whether it was one.
    pub(super) fn take_token(&mut self, document: Option<&[u8]>, now: Mono) -> bool {
        let field = |name: &str| Pointer::parse(name)?.find(document?);
        let secret = match field("/access_token") {
            Some(Found::Text(text)) if !text.is_empty() => Some(Secret::new(&text)),
            _ => None,
        };
        let is_bearer = match field("/token_type") {
            Some(Found::Text(kind)) => kind.eq_ignore_ascii_case("bearer"),
            _ => true,
        };
        let Some(secret) = secret.filter(|_| is_bearer) else {
            // One that is still good stays; another one is not asked for at once.
            self.secret = None;
            self.not_before = now.after(BACKOFF_MAX);
            return false;
        };
        let life = match field("/expires_in") {
            Some(Found::Number(seconds)) => Span::from_secs_f64(seconds),
            Some(Found::Text(text)) => text.parse().ok().and_then(Span::from_secs_f64),
            _ => None,
        };
        let times = life.map(|life| Times {
            renewed_from: now.after(life.times(4).divided(5)),
            ends: now.after(life.minus(TOKEN_MARGIN.min(life.divided(10)))),
        });
        self.token = Some(Token { secret, times });
        // However short it lives.
        self.not_before = now.after(Span::from_secs(1));
        true
    }
}

/// As in a form: everything but letters, digits and `-._~` by its code.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
