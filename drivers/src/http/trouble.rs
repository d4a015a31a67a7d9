//! What is wrong with an answer, in words that help.

use super::poller::Whole;
use super::settings::Base;
use std::fmt;

/// Why an answer has no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Text for people where data was asked for.
    Page,
    /// Not a JSON document, or not all of one.
    NotJson,
    /// Packed, though that was not asked for.
    Packed,
    /// It does not believe us; why we had nothing to show, where that is so.
    Unknown(Option<String>),
    /// It sends us to another server, or round in circles.
    Elsewhere(Option<String>),
    /// No such page.
    Missing,
    /// Another status.
    Status(u16),
    /// What should have been a token is none.
    Token(u16, Option<String>),
}

impl Trouble {
    /// What a status means, if it is not that all is well.
    pub(super) fn of_status(response: &Whole<'_>, lack: Option<&str>) -> Option<Self> {
        let packed = response.headers.get("Content-Encoding").unwrap_or("identity");
        match response.status {
            200..=299 if !packed.eq_ignore_ascii_case("identity") => Some(Self::Packed),
            200..=299 => None,
            300..=399 => {
                let place = response.headers.get("Location").unwrap_or_default();
                let end = place.find("://").and_then(|start| {
                    let rest = place.get(start + 3..)?;
                    Some(start + 3 + rest.find(['/', '?', '#']).unwrap_or(rest.len()))
                });
                let root = end.and_then(|end| place.get(..end)).and_then(Base::parse);
                Some(Self::Elsewhere(root.map(|base| {
                    format!("{}://{}", if base.is_tls { "https" } else { "http" }, base.authority())
                })))
            }
            401 | 403 => Some(Self::Unknown(lack.map(str::to_owned))),
            404 => Some(Self::Missing),
            status => Some(Self::Status(status)),
        }
    }

    /// What is wrong with what should have been a token.
    pub(super) fn of_token(response: &Whole<'_>, lack: Option<&str>) -> Self {
        Self::Token(response.status, lack.map(str::to_owned))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page => f.write_str("answered a page, not data: a login, a portal, or another path"),
            Self::NotJson => f.write_str("answered something that is not JSON, or not all of it"),
            Self::Packed => f.write_str("answered packed data, which was not asked for"),
            Self::Unknown(None) => {
                f.write_str("refuses us: password, token or rights (`auth` of the bus) are not right")
            }
            Self::Unknown(Some(lack)) => write!(f, "refuses us, and we have nothing to show: {lack}"),
            Self::Elsewhere(Some(root)) => {
                write!(f, "sends us to another server ({root}): write that as `url`")
            }
            Self::Elsewhere(None) => f.write_str("sends us on and on: is that the right path?"),
            Self::Missing => f.write_str("is not there (404): is that the right path for this firmware?"),
            Self::Status(status) => write!(f, "answered with status {status}"),
            Self::Token(status, None) => write!(f, "gave no token (status {status})"),
            Self::Token(status, Some(lack)) => write!(f, "gave no token (status {status}): {lack}"),
        }
    }
}
