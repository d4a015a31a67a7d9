//! One value out of a JSON document, by JSON pointer (RFC 6901), without building a tree.
//!
//! The whole document must be well formed: a document that was cut off gives nothing, even where the value stands before
//! the cut.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A checked pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer(Box<[Token]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    name: Box<str>,
    index: Option<usize>,
}

/// What a document says at a pointer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found<'a> {
    /// Nothing: a key or an element on the way is not there.
    Missing,
    /// A number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// `true` or `false`.
    Flag(bool),
    /// `null`, a list or an object.
    NoScalar,
}

impl Pointer {
    /// Reads `/a/0/b`; `None` where it does not begin with `/` or has a `~` that is neither `~0` nor `~1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let tokens = text.strip_prefix('/')?.split('/').map(|token| {
            let plain = token.replace("~0", "").replace("~1", "");
            if plain.contains('~') {
                return None;
            }
            let name = token.replace("~1", "/").replace("~0", "~");
            let is_index = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_digit())
                && (name.len() == 1 || !name.starts_with('0'));
            let index = if is_index { name.parse().ok() } else { None };
            Some(Token { name: name.into(), index })
        });
        tokens.collect::<Option<_>>().map(Self)
    }

    /// What the document says there; `None` where it is no JSON document.
    pub(crate) fn find<'a>(&self, document: &'a [u8]) -> Option<Found<'a>> {
        let mut deserializer = serde_json::Deserializer::from_slice(document);
        let found = Follow(&self.0).deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(found)
    }

    /// As it was written.
    pub(crate) fn text(&self) -> String {
        let escaped = |token: &Token| format!("/{}", token.name.replace('~', "~0").replace('/', "~1"));
        self.0.iter().map(escaped).collect()
    }
}

/// Follows the rest of a pointer.
struct Follow<'p>(&'p [Token]);

impl<'de> DeserializeSeed<'de> for Follow<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'p> Follow<'p> {
    /// A scalar: what was looked for if the pointer ends here.
    fn scalar<'a>(&self, found: Found<'a>) -> Found<'a> {
        if self.0.is_empty() { found } else { Found::Missing }
    }

    /// The next token and the rest behind it.
    fn next(&self) -> Option<(&'p Token, Follow<'p>)> {
        let (first, rest) = self.0.split_first()?;
        Some((first, Follow(rest)))
    }
}

impl<'de> Visitor<'de> for Follow<'_> {
    type Value = Found<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Found<'de>, E> {
        Ok(self.scalar(Found::Flag(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Found<'de>, E> {
        Ok(self.scalar(Found::Number(value as f64)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Found<'de>, E> {
        Ok(self.scalar(Found::Number(value as f64)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Found<'de>, E> {
        Ok(self.scalar(Found::Number(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Found<'de>, E> {
        Ok(self.scalar(Found::Text(Cow::Owned(value.to_owned()))))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Found<'de>, E> {
        Ok(self.scalar(Found::Text(Cow::Borrowed(value))))
    }

    fn visit_unit<E: Error>(self) -> Result<Found<'de>, E> {
        Ok(self.scalar(Found::NoScalar))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        let Some((token, _)) = self.next() else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Found::NoScalar);
        };
        let mut found = Found::Missing;
        // Of two equal keys the last one counts, as in most readers.
        while let Some(is_it) = map.next_key_seed(IsKey(&token.name))? {
            match self.next().filter(|_| is_it) {
                Some((_, rest)) => found = map.next_value_seed(rest)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found<'de>, A::Error> {
        let Some((token, rest)) = self.next() else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Found::NoScalar);
        };
        let mut found = Found::Missing;
        if let Some(index) = token.index {
            for _ in 0..index {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(Found::Missing);
                }
            }
            found = list.next_element_seed(rest)?.unwrap_or(Found::Missing);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

/// Whether a key is the one that is looked for.
struct IsKey<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &[u8] = br#"{"ENERGY":{"Power":[10.5,-3],"a/b":1,"m~n":2,"Name":"caf\u00e9","On":true,"Off":null},"Power":7}"#;

    fn check(pointer: &str, expected: Option<Found<'_>>) {
        assert_eq!(Pointer::parse(pointer).unwrap().find(DOCUMENT), expected, "{pointer}");
    }

    #[test]
    fn follows_keys_and_places() {
        check("/ENERGY/Power/0", Some(Found::Number(10.5)));
        check("/ENERGY/Power/1", Some(Found::Number(-3.0)));
        check("/Power", Some(Found::Number(7.0)));
        check("/ENERGY/a~1b", Some(Found::Number(1.0)));
        check("/ENERGY/m~0n", Some(Found::Number(2.0)));
        check("/ENERGY/Name", Some(Found::Text("café".into())));
        check("/ENERGY/On", Some(Found::Flag(true)));
        check("/ENERGY/Off", Some(Found::NoScalar));
        check("/ENERGY", Some(Found::NoScalar));
        check("/ENERGY/Power", Some(Found::NoScalar));
        for missing in ["/ENERGY/Power/2", "/ENERGY/Power/x", "/Power/x", "/nothing", "/"] {
            check(missing, Some(Found::Missing));
        }
    }

    #[test]
    fn a_document_that_is_none_gives_nothing() {
        let pointer = Pointer::parse("/Power").unwrap();
        for document in [
            &b""[..],
            b"{",
            b"{\"Power\":7",
            b"{\"Power\":7}x",
            b"{\"Power\":1e999}",
            b"\xff",
            b"{\"Power\":NaN}",
        ] {
            assert_eq!(pointer.find(document), None, "{}", document.escape_ascii());
        }
        let deep = [b"{\"Power\":".repeat(100_000), b"1".to_vec(), b"}".repeat(100_000)].concat();
        assert!(matches!(pointer.find(&deep), None | Some(Found::NoScalar)));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_and_every_digit_does() {
        let pointer = Pointer::parse("/a").unwrap();
        assert_eq!(pointer.find(b"{\"a\":1,\"a\":2}"), Some(Found::Number(2.0)));
        assert_eq!(pointer.find(b"{\"a\":49.81234567890123}"), Some(Found::Number(49.81234567890123)));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["", "a", "a/b", "/a~", "/a~2b"] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }
}
