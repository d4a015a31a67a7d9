//! A number that changes when a definition changes.
//!
//! FNV-1a with 64 bits: small, the same on every machine, and good enough to notice a change. It is no protection
//! against somebody who wants to hide one; who may write the files decides about that.

use crate::tree::{Kind, Node};

/// Collects texts and nodes into one number. Comments, places and the order of the file's blanks do not count.
#[derive(Clone, Debug)]
pub struct Fingerprint(u64);

/// Start value and prime of FNV-1a, 64 bits.
const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Default for Fingerprint {
    fn default() -> Self {
        Self::new()
    }
}

impl Fingerprint {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(OFFSET_BASIS)
    }

    /// Adds a text, with its length so that texts cannot run into each other.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// Adds all that a node holds. Keys count in the order of the file, in which lists and limits have a meaning.
    pub fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Scalar(scalar) => {
                self.number(1);
                self.text(&scalar.text);
            }
            Kind::Map(map) => {
                self.number(2);
                self.number(map.entries.len() as u64);
                for entry in &map.entries {
                    self.text(&entry.key.text);
                    self.node(&entry.value);
                }
            }
            Kind::List(list) => {
                self.number(3);
                self.number(list.items.len() as u64);
                list.items.iter().for_each(|item| self.node(item));
            }
            Kind::Unreadable => self.number(4),
        }
    }

    /// The number.
    pub const fn value(&self) -> u64 {
        self.0
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Diagnostics;
    use crate::sources::Sources;

    fn of(text: &str) -> u64 {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("a", text.as_bytes(), &mut out);
        let tree = crate::tree::parse(file, &sources, &mut out);
        let mut print = Fingerprint::new();
        print.node(tree.root.as_ref().unwrap());
        print.value()
    }

    #[test]
    fn it_is_the_published_function() {
        // Vectors of the FNV reference: the empty text and "a".
        assert_eq!(Fingerprint::new().value(), 0xcbf2_9ce4_8422_2325);
        let mut print = Fingerprint::new();
        print.bytes(b"a");
        assert_eq!(print.value(), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn it_sees_values_and_not_comments() {
        assert_eq!(of("a: { b: 1, c: [x] }\n"), of("# said\na:\n  b: '1' # so\n\n  c:\n  - x\n"));
        assert_ne!(of("a: 1\n"), of("a: 2\n"));
        assert_ne!(of("a: [b, c]\n"), of("a: [bc]\n"));
        assert_ne!(of("a: [b, c]\n"), of("a: [c, b]\n"));
    }
}
