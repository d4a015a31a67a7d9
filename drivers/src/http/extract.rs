//! Values out of what a device answered: JSON by pointer, or the text itself.

use crate::pointer::{Found, Pointer};
use crate::spec::Mistakes;
use ballast_model::device::Settings;
use std::borrow::Cow;

/// Where a value stands in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The first one that is there counts; none: the whole text.
    pointers: Vec<Pointer>,
    /// What the same document must say for the value to count.
    condition: Option<(Pointer, Box<str>)>,
}

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    /// The device marks it as invalid.
    Invalid,
    /// Nothing, or no single value.
    Nothing,
}

impl Place {
    /// From the keys `pointer` and `only_if`, which may have another beginning; mistakes go to `mistakes`.
    pub(super) fn read(settings: &Settings, beginning: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let (pointer_key, condition_key) = (format!("{beginning}pointer"), format!("{beginning}only_if"));
        let pointers = pointers(settings, &pointer_key, mistakes);
        let condition = match settings.get(&condition_key) {
            None => Some(None),
            Some(text) => {
                let parts = text.split_once('=').map(|(place, word)| (place.trim(), word.trim()));
                if parts.is_none() {
                    let wrong = settings.wrong(&condition_key, format!("`{text}` is not a condition"));
                    mistakes.add(wrong.help("write `POINTER = WORD`: `/meters/0/is_valid = true`"));
                }
                parts.and_then(|(place, word)| {
                    Some(Some((pointer(settings, &condition_key, place, mistakes)?, word.into())))
                })
            }
        };
        Some(Self { pointers: pointers?, condition: condition? })
    }

    /// Whether the answer must be a JSON document.
    pub(super) fn wants_json(&self) -> bool {
        !self.pointers.is_empty() || self.condition.is_some()
    }

    /// What stands there.
    pub(super) fn find<'a>(&self, body: &'a [u8]) -> Said<'a> {
        if let Some((pointer, word)) = &self.condition {
            match said(pointer.find(body)) {
                Said::Nothing | Said::Invalid => return Said::Nothing,
                Said::Number(number) if number.to_string() != **word => return Said::Invalid,
                Said::Text(text) if *text != **word => return Said::Invalid,
                Said::Number(_) | Said::Text(_) => {}
            }
        }
        if self.pointers.is_empty() {
            let text = std::str::from_utf8(body.trim_ascii());
            return text.map_or(Said::Nothing, |text| Said::Text(Cow::Borrowed(text)));
        }
        let mut found = self.pointers.iter().map(|pointer| said(pointer.find(body)));
        found.find(|said| *said != Said::Nothing).unwrap_or(Said::Nothing)
    }
}

fn said(found: Option<Found<'_>>) -> Said<'_> {
    match found {
        Some(Found::Number(number)) => Said::Number(number),
        Some(Found::Text(text)) => Said::Text(text),
        Some(Found::Flag(flag)) => Said::Text(Cow::Borrowed(if flag { "true" } else { "false" })),
        Some(Found::Missing | Found::NoScalar) | None => Said::Nothing,
    }
}

/// The pointers under a key, of which the first one that finds something counts; a mistake where one is none.
pub(super) fn pointers(settings: &Settings, key: &str, mistakes: &mut Mistakes) -> Option<Vec<Pointer>> {
    let texts = settings.get(key).map(|text| text.split(" | ")).into_iter().flatten();
    let found: Vec<Option<Pointer>> =
        texts.map(|text| pointer(settings, key, text.trim(), mistakes)).collect();
    found.into_iter().collect()
}

fn pointer(settings: &Settings, key: &str, text: &str, mistakes: &mut Mistakes) -> Option<Pointer> {
    let pointer = Pointer::parse(text);
    if pointer.is_none() {
        let wrong = settings.wrong(key, format!("`{text}` is not a JSON pointer"));
        mistakes.add(wrong.help("it begins with `/` and names the way: `/meters/0/power`"));
    }
    pointer
}

/// Whether this is a whole JSON document.
pub(super) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Whether this is a page for people. Small devices send their numbers as `text/html` too, so that the text decides.
pub(super) fn is_page(body: &[u8]) -> bool {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    text.trim_ascii_start().starts_with(b"<")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(pointers: &[&str], condition: Option<(&str, &str)>) -> Place {
        Place {
            pointers: pointers.iter().map(|text| Pointer::parse(text).unwrap()).collect(),
            condition: condition.map(|(text, word)| (Pointer::parse(text).unwrap(), word.into())),
        }
    }

    #[test]
    fn the_first_pointer_that_finds_something_counts() {
        let power = place(&["/Power/0", "/Power"], None);
        assert_eq!(power.find(b"{\"Power\":[7,8]}"), Said::Number(7.0));
        assert_eq!(power.find(b"{\"Power\":9}"), Said::Number(9.0));
        assert_eq!(power.find(b"{\"Power\":null}"), Said::Nothing);
        assert_eq!(power.find(b"{\"Power\":[]"), Said::Nothing);
    }

    #[test]
    fn a_value_counts_only_where_the_document_says_so() {
        let power = place(&["/p"], Some(("/ok", "true")));
        assert_eq!(power.find(b"{\"p\":7,\"ok\":true}"), Said::Number(7.0));
        assert_eq!(power.find(b"{\"p\":7,\"ok\":false}"), Said::Invalid);
        assert_eq!(power.find(b"{\"p\":7}"), Said::Nothing);
        let one = place(&["/p"], Some(("/n", "1")));
        assert_eq!(one.find(b"{\"p\":7,\"n\":1}"), Said::Number(7.0));
        assert_eq!(one.find(b"{\"p\":7,\"n\":2}"), Said::Invalid);
    }

    #[test]
    fn texts_and_pages() {
        assert_eq!(place(&[], None).find(b" 21.5\r\n"), Said::Text("21.5".into()));
        assert_eq!(place(&[], None).find(b"\xff"), Said::Nothing);
        assert!(is_page(b"\xef\xbb\xbf\n <!DOCTYPE html>") && !is_page(b"{\"a\":\"<\"}"));
        assert!(is_json(b"{}") && !is_json(b"{") && !is_json(b"<a>") && !is_json(b""));
    }
}
