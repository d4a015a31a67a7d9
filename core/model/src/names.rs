//! What names stand for: a map while a site is read, little room once it runs.

use crate::catalog::Noun;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;

/// Names with what they stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// While names are added; empty when packed.
    growing: BTreeMap<Box<str>, Noun>,
    /// All names, sorted, one after the other; empty while names are added.
    text: Box<str>,
    /// In the order of the names.
    entries: Box<[Entry]>,
}

/// One packed name.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where it begins and ends in the text.
    start: u32,
    end: u32,
    noun: Noun,
}

impl Names {
    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> Option<Noun> {
        if let Some(noun) = self.growing.get(name) {
            return Some(*noun);
        }
        let place = self.entries.binary_search_by(|entry| self.text_of(entry).cmp(name)).ok()?;
        self.entries.get(place).map(|entry| entry.noun)
    }

    /// Gives a name its meaning, in the place of an earlier one.
    pub(crate) fn insert(&mut self, name: &str, noun: Noun) {
        if !self.entries.is_empty() {
            self.growing = self.iter().map(|(name, noun)| (name.into(), noun)).collect();
            (self.text, self.entries) = Default::default();
        }
        self.growing.insert(name.into(), noun);
    }

    /// All names, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Noun)> {
        let packed = self.entries.iter().map(|entry| (self.text_of(entry), entry.noun));
        packed.chain(self.growing.iter().map(|(name, noun)| (&**name, *noun)))
    }

    /// Packs them; more than four gigabytes of names stay as they are.
    pub(crate) fn pack(&mut self) {
        let bytes = self.iter().map(|(name, _)| name.len()).sum();
        if u32::try_from(bytes).is_err() {
            return;
        }
        let mut text = String::with_capacity(bytes);
        let entries = self.iter().map(|(name, noun)| {
            let start = text.len() as u32;
            text.push_str(name);
            Entry { start, end: text.len() as u32, noun }
        });
        let entries = entries.collect();
        *self = Self { growing: BTreeMap::new(), text: text.into(), entries };
    }

    fn text_of(&self, entry: &Entry) -> &str {
        self.text.get(entry.start as usize..entry.end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::PointId;
    use alloc::format;
    use alloc::vec::Vec;

    fn number(count: u32) -> Names {
        let mut names = Names::default();
        // Backwards, and no name in the order of its length.
        (0..count).rev().for_each(|id| names.insert(&format!("relay_{id}.état"), Noun::Point(PointId(id))));
        names
    }

    #[test]
    fn packed_names_stand_for_the_same() {
        let plain = number(120);
        let mut packed = plain.clone();
        packed.pack();
        let all = |names: &Names| {
            names.iter().map(|(name, noun)| (Box::from(name), noun)).collect::<Vec<(Box<str>, _)>>()
        };
        assert_eq!(all(&packed), all(&plain));
        assert!(packed.growing.is_empty());
        for id in 0..120 {
            assert_eq!(packed.get(&format!("relay_{id}.état")), Some(Noun::Point(PointId(id))));
        }
        for unknown in ["", "relay_", "relay_7.", "relay_7.étau", "zzz", "Relay_7.état"] {
            assert_eq!(packed.get(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_name_may_be_added_to_packed_ones() {
        let mut names = number(30);
        names.pack();
        names.insert("pump", Noun::Point(PointId(30)));
        names.insert("relay_3.état", Noun::Point(PointId(31)));
        assert_eq!(names.get("pump"), Some(Noun::Point(PointId(30))));
        assert_eq!(names.get("relay_3.état"), Some(Noun::Point(PointId(31))));
        assert_eq!(names.get("relay_29.état"), Some(Noun::Point(PointId(29))));
        let count = names.iter().count();
        names.pack();
        assert_eq!((count, names.iter().count()), (31, 31));
    }
}
