//! The `state` table: named blobs that are saved together, so that a restart continues where the program was.
//!
//! A save is one *generation*: all its parts are written in one transaction or none is. The generation before it is kept
//! until the next save. Every part carries a checksum over all its columns; a generation with a damaged or missing part
//! is passed over as a whole, so that parts of different moments are never mixed.
//!
//! What is inside a blob is the caller's business, as is the meaning of its version.

use std::collections::BTreeMap;

use ballast_model::time::{Gap, Mono, Utc};
use rusqlite::{Connection, Row, params};

use crate::error::{Doing, Error};
use crate::limits::{NAME_BYTES_MAX, STATE_BYTES_MAX, STATE_PARTS_MAX};
use ballast_model::time::{BootId, Stamp};

/// One named part of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatePart {
    /// Whose it is: `engine`, `guard`, `plan`, `settings`. Unique within a save, 1 to [`NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// Version of the encoding of `bytes`, as its owner counts it.
    pub version: u32,
    /// The encoded part.
    pub bytes: Vec<u8>,
}

impl StatePart {
    /// A part from its fields.
    pub fn new(name: impl Into<String>, version: u32, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), version, bytes }
    }
}

/// The newest state that was found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    /// Counts the saves of this file, from 1. Numbers may be missing.
    pub generation: u64,
    /// When it was saved, as its owner said.
    pub stamp: Stamp,
    /// The parts, sorted by name.
    pub parts: Vec<StatePart>,
}

impl SavedState {
    /// The part called `name`.
    pub fn part(&self, name: &str) -> Option<&StatePart> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// How long nothing ran between this save and `now`.
    pub fn gap(&self, now: &Stamp) -> Gap {
        self.stamp.gap_to(now)
    }
}

/// What reading the table gave.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The newest whole generation.
    pub(crate) state: Option<SavedState>,
    /// Newer generations that were passed over because of bit rot.
    pub(crate) damaged: u32,
    /// The highest generation number in the table, whole or not.
    pub(crate) newest: u64,
}

/// Refuses what the table cannot hold.
pub(crate) fn check(parts: &[StatePart]) -> Result<(), Error> {
    let refuse = |reason| Err(Error::InvalidState { reason });
    if parts.is_empty() {
        return refuse("it has no parts");
    }
    if parts.len() > STATE_PARTS_MAX {
        return refuse("it has too many parts");
    }
    if parts.iter().any(|part| part.name.is_empty() || part.name.len() > NAME_BYTES_MAX) {
        return refuse("the name of a part is empty or too long");
    }
    if parts.iter().map(|part| part.bytes.len()).sum::<usize>() > STATE_BYTES_MAX {
        return refuse("its parts are too large together");
    }
    let names: BTreeMap<&str, ()> = parts.iter().map(|part| (part.name.as_str(), ())).collect();
    if names.len() < parts.len() {
        return refuse("two parts have the same name");
    }
    Ok(())
}

/// Writes `parts` as `generation` in one transaction and deletes all others except `keep`, the newest one known to be
/// whole.
pub(crate) fn save(
    connection: &mut Connection,
    generation: u64,
    keep: Option<u64>,
    parts: &[StatePart],
    stamp: &Stamp,
) -> Result<(), Error> {
    const DOING: &str = "save the state";
    let transaction = connection.transaction().doing(DOING)?;
    transaction
        .execute("DELETE FROM state WHERE generation IS NOT ?1", params![keep.map(as_stored)])
        .doing(DOING)?;
    {
        let mut insert = transaction
            .prepare(
                "INSERT INTO state (generation, parts, name, version, boot, mono_ns, utc_ms, trusted, crc, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )
            .doing(DOING)?;
        for part in parts {
            let crc = checksum(generation, parts.len() as u64, stamp, part);
            insert
                .execute(params![
                    as_stored(generation),
                    as_stored(parts.len() as u64),
                    part.name,
                    part.version,
                    stamp.boot.0.to_be_bytes().as_slice(),
                    as_stored(stamp.mono.nanos()),
                    stamp.utc.millis(),
                    stamp.trusted,
                    crc,
                    part.bytes,
                ])
                .doing(DOING)?;
        }
    }
    transaction.commit().doing(DOING)
}

/// Reads the newest whole generation. Bit rot inside a row is counted, damage that SQLite itself reports is an error.
pub(crate) fn load(connection: &Connection) -> Result<Loaded, Error> {
    const DOING: &str = "load the state";
    let mut select = connection
        .prepare(
            "SELECT generation, parts, name, version, boot, mono_ns, utc_ms, trusted, crc, bytes
             FROM state ORDER BY generation DESC, name",
        )
        .doing(DOING)?;
    let mut rows = select.query([]).doing(DOING)?;
    let mut loaded = Loaded::default();
    let mut collected = Collected::default();
    while let Some(row) = rows.next().doing(DOING)? {
        let generation: i64 = row.get(0).doing(DOING)?;
        let generation = from_stored(generation);
        loaded.newest = loaded.newest.max(generation);
        if collected.generation != Some(generation) {
            loaded.close(std::mem::take(&mut collected));
            collected.generation = Some(generation);
        }
        match checked(generation, row) {
            Some(found) => collected.rows.push(found),
            None => collected.damaged = true,
        }
    }
    loaded.close(collected);
    Ok(loaded)
}

impl Loaded {
    /// Takes a generation if it is whole and no newer one was.
    fn close(&mut self, collected: Collected) {
        let Some(generation) = collected.generation else { return };
        if self.state.is_some() {
            return;
        }
        let whole = !collected.damaged
            && collected.rows.iter().all(|(expected, _, _)| *expected == collected.rows.len() as u64);
        match collected.rows.first().map(|(_, stamp, _)| *stamp) {
            Some(stamp) if whole => {
                let parts = collected.rows.into_iter().map(|(_, _, part)| part).collect();
                self.state = Some(SavedState { generation, stamp, parts });
            }
            _ => self.damaged += 1,
        }
    }
}

/// The rows of one generation while they are read: how many parts there should be, the stamp, the part.
#[derive(Default)]
struct Collected {
    generation: Option<u64>,
    rows: Vec<(u64, Stamp, StatePart)>,
    damaged: bool,
}

/// One row, if its columns have the right types and its checksum fits.
fn checked(generation: u64, row: &Row<'_>) -> Option<(u64, Stamp, StatePart)> {
    let parts = from_stored(row.get(1).ok()?);
    let part = StatePart { name: row.get(2).ok()?, version: row.get(3).ok()?, bytes: row.get(9).ok()? };
    let boot: [u8; 16] = row.get(4).ok()?;
    let stamp = Stamp {
        boot: BootId(u128::from_be_bytes(boot)),
        mono: Mono::from_nanos(from_stored(row.get(5).ok()?)),
        utc: Utc::from_millis(row.get(6).ok()?),
        trusted: row.get(7).ok()?,
    };
    let crc: u32 = row.get(8).ok()?;
    (crc == checksum(generation, parts, &stamp, &part)).then_some((parts, stamp, part))
}

/// CRC-32 over every column of a row but itself. Lengths are part of it, so that bytes cannot move between columns.
fn checksum(generation: u64, parts: u64, stamp: &Stamp, part: &StatePart) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&generation.to_be_bytes());
    hasher.update(&parts.to_be_bytes());
    hash_stamp(&mut hasher, stamp);
    hasher.update(&part.version.to_be_bytes());
    hasher.update(&(part.name.len() as u64).to_be_bytes());
    hasher.update(part.name.as_bytes());
    hasher.update(&part.bytes);
    hasher.finalize()
}

/// Adds a stamp to a checksum.
pub(crate) fn hash_stamp(hasher: &mut crc32fast::Hasher, stamp: &Stamp) {
    hasher.update(&stamp.boot.0.to_be_bytes());
    hasher.update(&stamp.mono.nanos().to_be_bytes());
    hasher.update(&stamp.utc.millis().to_be_bytes());
    hasher.update(&[u8::from(stamp.trusted)]);
}

/// SQLite's integers are signed; the bits are kept.
pub(crate) const fn as_stored(number: u64) -> i64 {
    number.cast_signed()
}

/// The reverse of [`as_stored`].
pub(crate) const fn from_stored(number: i64) -> u64 {
    number.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn parts(text: &str) -> Vec<StatePart> {
        vec![StatePart::new("engine", 3, text.as_bytes().to_vec()), StatePart::new("guard", 1, vec![0; 40])]
    }

    fn stamp() -> Stamp {
        Stamp {
            boot: BootId(u128::MAX - 5),
            mono: Mono::from_nanos(u64::MAX),
            utc: Utc::from_millis(-1),
            trusted: true,
        }
    }

    fn saved(generations: &[&str]) -> Connection {
        let mut connection = schema::in_memory();
        for (number, text) in (1..).zip(generations) {
            let keep = (number > 1).then(|| number - 1);
            save(&mut connection, number, keep, &parts(text), &stamp()).unwrap();
        }
        connection
    }

    #[test]
    fn the_newest_state_comes_back_as_it_was() {
        let loaded = load(&saved(&["one", "two", "three"])).unwrap();
        let state = loaded.state.unwrap();
        assert_eq!((state.generation, state.stamp, loaded.damaged), (3, stamp(), 0));
        assert_eq!(state.parts, parts("three"));
    }

    #[test]
    fn two_generations_are_kept() {
        let connection = saved(&["one", "two", "three"]);
        let kept: Vec<i64> = connection
            .prepare("SELECT DISTINCT generation FROM state ORDER BY generation")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(kept, [2, 3]);
    }

    #[test]
    fn a_flipped_bit_in_any_column_passes_over_the_generation() {
        for rot in [
            "bytes = zeroblob(3)",
            "version = 4",
            "mono_ns = mono_ns - 1",
            "utc_ms = 0",
            "trusted = 0",
            "boot = zeroblob(16)",
            "boot = zeroblob(2)",
            "parts = 1",
            "crc = crc + 1",
            "name = 'engin'",
        ] {
            let connection = saved(&["one", "two"]);
            let changed = connection
                .execute(&format!("UPDATE state SET {rot} WHERE generation = 2 AND name = 'engine'"), [])
                .unwrap();
            assert_eq!(changed, 1, "{rot}");
            let loaded = load(&connection).unwrap();
            assert_eq!((loaded.damaged, loaded.newest), (1, 2), "{rot}");
            assert_eq!(loaded.state.unwrap().parts, parts("one"), "{rot}");
        }
    }

    #[test]
    fn a_generation_without_one_of_its_parts_is_not_a_state() {
        let connection = saved(&["one", "two"]);
        connection.execute("DELETE FROM state WHERE generation = 2 AND name = 'guard'", []).unwrap();
        assert_eq!(load(&connection).unwrap().state.unwrap().generation, 1);
        connection.execute("DELETE FROM state WHERE generation = 1 AND name = 'engine'", []).unwrap();
        let loaded = load(&connection).unwrap();
        assert_eq!((loaded.state, loaded.damaged), (None, 2));
    }

    #[test]
    fn what_the_table_cannot_hold_is_refused() {
        let part = |name: &str, size| StatePart::new(name, 1, vec![0; size]);
        let many: Vec<_> = (0..=STATE_PARTS_MAX).map(|number| part(&number.to_string(), 1)).collect();
        for refused in [
            vec![],
            vec![part("", 1)],
            vec![part(&"x".repeat(NAME_BYTES_MAX + 1), 1)],
            vec![part("engine", 1), part("engine", 2)],
            vec![part("engine", STATE_BYTES_MAX), part("guard", 1)],
            many,
        ] {
            assert!(matches!(check(&refused), Err(Error::InvalidState { .. })));
        }
        assert!(check(&[part("engine", STATE_BYTES_MAX)]).is_ok());
    }
}
