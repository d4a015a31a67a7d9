//! The `events` table: what happened, in order, durable when acknowledged.
//!
//! Rows are added at the end and never changed. Sequence numbers rise by one without gaps; only retention makes holes,
//! at the old end. Every row carries a checksum; one that does not fit is shown and marked, not hidden.
//!
//! *Newest first* means by sequence number: the order in which things were filed, whatever the wall clock said.

use ballast_model::time::{Mono, Span, Utc};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::error::{Doing, Error};
use crate::limits::{EVENT_BYTES_MAX, NAME_BYTES_MAX, PRUNE_STEP, QUERY_ROWS_MAX};
use crate::state::{as_stored, from_stored, hash_stamp};
use ballast_model::Severity;
use ballast_model::time::{BootId, Stamp};

/// Kind of the event that the store itself files where events were lost because too many waited for the disk. Its
/// subject is `history`, its payload `{"count", "first_utc_ms", "last_utc_ms", "first_mono_ns", "last_mono_ns"}`.
pub const EVENTS_LOST: &str = "events_lost";

/// As it is stored.
const fn number(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Notice => 1,
        Severity::Warning => 2,
        Severity::Alarm => 3,
    }
}

/// `None` for a number that no version of this program wrote.
const fn severity(number: i64) -> Option<Severity> {
    match number {
        0 => Some(Severity::Info),
        1 => Some(Severity::Notice),
        2 => Some(Severity::Warning),
        3 => Some(Severity::Alarm),
        _ => None,
    }
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub stamp: Stamp,
    /// What sort of thing: `switched`, `limit`, `reload`. 1 to [`NAME_BYTES_MAX`] bytes.
    pub kind: String,
    /// The output, rule, limit or other thing it is about; may be empty.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Whether it belongs to the audit trail, which retention never deletes.
    pub audit: bool,
    /// Who did it, where somebody did.
    pub who: Option<String>,
    /// The rest, as JSON text. Stored as it is.
    pub payload: String,
}

/// An event as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the order.
    pub sequence: u64,
    /// What was stored.
    pub event: Event,
    /// Whether the checksum fits. If not, bits have rotted and no field can be relied on.
    pub is_intact: bool,
}

/// Which events are wanted. All conditions must hold; the default asks for the newest 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// About this and nothing else.
    pub subject: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// At least this severe.
    pub severity_min: Option<Severity>,
    /// Not before this wall time.
    pub from: Option<Utc>,
    /// Not after this wall time: with `limit: 1`, the last word on a subject at that instant.
    pub until: Option<Utc>,
    /// Filed before this sequence number: the next page.
    pub before: Option<u64>,
    /// Only the audit trail.
    pub audit_only: bool,
    /// At most so many rows; lowered to [`QUERY_ROWS_MAX`].
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            subject: None,
            kind: None,
            severity_min: None,
            from: None,
            until: None,
            before: None,
            audit_only: false,
            limit: 100,
        }
    }
}

/// How long events are kept. The audit trail is kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events other than the newest so many are deleted.
    pub rows_max: u64,
    /// Events older than this are deleted, if wall time is trusted now and was trusted then.
    pub age_max: Span,
    /// The newest so many are kept whatever their age: a clock that is trusted and wrong must not empty the table.
    pub rows_min: u64,
}

impl Default for Retention {
    /// A million rows (about 250 MB), two years, ten thousand rows.
    fn default() -> Self {
        Self { rows_max: 1_000_000, age_max: Span::from_secs((2 * 365 + 1) * 86_400), rows_min: 10_000 }
    }
}

impl Event {
    /// Bytes of text that the event holds, at the door and in the queue.
    pub(crate) fn text_bytes(&self) -> usize {
        self.kind.len() + self.subject.len() + self.payload.len() + self.who.as_ref().map_or(0, String::len)
    }

    /// Refuses what the table cannot hold.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.kind.is_empty() || self.kind.len() > NAME_BYTES_MAX {
            return Err(Error::InvalidEvent { reason: "its kind is empty or too long" });
        }
        if self.text_bytes() > EVENT_BYTES_MAX {
            return Err(Error::InvalidEvent { reason: "its text is too long" });
        }
        Ok(())
    }

    /// CRC-32 over the row. Lengths are part of it, so that bytes cannot move between columns.
    fn checksum(&self, sequence: u64) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&sequence.to_be_bytes());
        hash_stamp(&mut hasher, &self.stamp);
        hasher.update(&self::number(self.severity).to_be_bytes());
        hasher.update(&[u8::from(self.audit), u8::from(self.who.is_some())]);
        for text in [&self.kind, &self.subject, self.who.as_ref().unwrap_or(&String::new()), &self.payload] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize()
    }
}

/// Writes events under rising numbers from `first` in one transaction. A row that is there already under its number is
/// written again: after a commit that failed half-way nobody knows whether it counts.
pub(crate) fn append<'e>(
    connection: &mut Connection,
    first: u64,
    events: impl Iterator<Item = &'e Event>,
) -> Result<(), Error> {
    const DOING: &str = "store events";
    let transaction = connection.transaction().doing(DOING)?;
    {
        let mut insert = transaction
            .prepare(
                "INSERT OR REPLACE INTO events
                 (seq, utc_ms, trusted, mono_ns, boot, kind, subject, severity, audit, who, payload, crc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )
            .doing(DOING)?;
        for (sequence, event) in (first..).zip(events) {
            insert
                .execute(params![
                    as_stored(sequence),
                    event.stamp.utc.millis(),
                    event.stamp.trusted,
                    as_stored(event.stamp.mono.nanos()),
                    event.stamp.boot.0.to_be_bytes().as_slice(),
                    event.kind,
                    event.subject,
                    number(event.severity),
                    event.audit,
                    event.who,
                    event.payload,
                    event.checksum(sequence),
                ])
                .doing(DOING)?;
        }
    }
    transaction.commit().doing(DOING)
}

/// The highest sequence number; 0 when there are no events.
pub(crate) fn top(connection: &Connection) -> Result<u64, Error> {
    let top: Option<i64> = connection
        .query_row("SELECT max(seq) FROM events", [], |row| row.get(0))
        .doing("find the newest event")?;
    Ok(from_stored(top.unwrap_or(0)))
}

/// Answers a query, newest first.
pub(crate) fn select(connection: &Connection, query: &Query) -> Result<Vec<StoredEvent>, Error> {
    const DOING: &str = "read events";
    let (sql, values) = statement(query);
    let mut select = connection.prepare(&sql).doing(DOING)?;
    let rows = select.query_map(params_from_iter(values), |row| Ok(stored(row))).doing(DOING)?;
    rows.map(|row| row.doing(DOING)).collect()
}

/// The statement for a query, with its values.
///
/// The index is named, since without statistics SQLite guesses: by subject or kind the rows come in the wanted order and
/// the time is in the index; a start time is best served by time; all else is a walk back from the newest row.
fn statement(query: &Query) -> (String, Vec<Value>) {
    let index = match query {
        Query { subject: Some(_), .. } => "INDEXED BY events_subject",
        Query { kind: Some(_), .. } => "INDEXED BY events_kind",
        Query { from: Some(_), .. } => "INDEXED BY events_utc",
        _ => "NOT INDEXED",
    };
    let conditions: [(&str, Option<Value>); 7] = [
        ("subject = ?", query.subject.clone().map(Value::Text)),
        ("kind = ?", query.kind.clone().map(Value::Text)),
        ("severity >= ?", query.severity_min.map(|least| Value::Integer(number(least)))),
        ("utc_ms >= ?", query.from.map(|utc| Value::Integer(utc.millis()))),
        ("utc_ms <= ?", query.until.map(|utc| Value::Integer(utc.millis()))),
        ("seq < ?", query.before.map(|before| Value::Integer(i64::try_from(before).unwrap_or(i64::MAX)))),
        ("audit = ?", query.audit_only.then_some(Value::Integer(1))),
    ];
    let mut sql = format!(
        "SELECT seq, utc_ms, trusted, mono_ns, boot, kind, subject, severity, audit, who, payload, crc
         FROM events {index}"
    );
    let mut values = Vec::new();
    for (condition, value) in conditions {
        let Some(value) = value else { continue };
        sql.push_str(if values.is_empty() { " WHERE " } else { " AND " });
        sql.push_str(condition);
        values.push(value);
    }
    sql.push_str(" ORDER BY seq DESC LIMIT ?");
    values.push(Value::Integer(query.limit.min(QUERY_ROWS_MAX) as i64));
    (sql, values)
}

/// A row as an event. Rotten columns give odd values, never an error: the checksum tells.
fn stored(row: &Row<'_>) -> StoredEvent {
    let number = |column| match row.get_ref(column) {
        Ok(ValueRef::Integer(number)) => Some(number),
        _ => None,
    };
    let text = |column| match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    let boot: Option<[u8; 16]> = row.get(4).ok();
    let severity = number(7).and_then(severity);
    let sequence = from_stored(number(0).unwrap_or(0));
    let event = Event {
        stamp: Stamp {
            boot: BootId(u128::from_be_bytes(boot.unwrap_or_default())),
            mono: Mono::from_nanos(from_stored(number(3).unwrap_or(0))),
            utc: Utc::from_millis(number(1).unwrap_or(0)),
            trusted: number(2) == Some(1),
        },
        kind: text(5).unwrap_or_default(),
        subject: text(6).unwrap_or_default(),
        severity: severity.unwrap_or(Severity::Alarm),
        audit: number(8) == Some(1),
        who: text(9),
        payload: text(10).unwrap_or_default(),
    };
    let is_intact = severity.is_some() && number(11) == Some(i64::from(event.checksum(sequence)));
    StoredEvent { sequence, event, is_intact }
}

/// Deletes old events in small steps and remembers how far it came.
#[derive(Debug, Default)]
pub(crate) struct Pruner {
    /// All rows up to this number were looked at; those that are left belong to the audit trail.
    done: u64,
}

impl Pruner {
    /// Looks at the next [`PRUNE_STEP`] rows and deletes those that retention no longer keeps. `now` is trusted wall
    /// time; without it nothing is too old. Returns how many were deleted.
    pub(crate) fn step(
        &mut self,
        connection: &Connection,
        retention: &Retention,
        now: Option<Utc>,
    ) -> Result<u64, Error> {
        const DOING: &str = "delete old events";
        let top = top(connection)?;
        let too_many = top.saturating_sub(retention.rows_max);
        let may_age = top.saturating_sub(retention.rows_min);
        let is_old =
            |utc_ms: i64| now.is_some_and(|now| now.since(Utc::from_millis(utc_ms)) > retention.age_max);

        let mut select = connection
            .prepare("SELECT seq, utc_ms, trusted FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .doing(DOING)?;
        let mut rows = select.query(params![as_stored(self.done), PRUNE_STEP as i64]).doing(DOING)?;
        let mut last = self.done;
        while let Some(row) = rows.next().doing(DOING)? {
            let sequence = from_stored(row.get(0).doing(DOING)?);
            let (utc_ms, trusted): (i64, bool) = (row.get(1).doing(DOING)?, row.get(2).doing(DOING)?);
            // An untrusted row among old ones goes with the old one that follows it.
            if sequence <= too_many || (sequence <= may_age && trusted && is_old(utc_ms)) {
                last = sequence;
            }
        }
        if last == self.done {
            return Ok(0);
        }
        let deleted = connection
            .execute(
                "DELETE FROM events WHERE seq > ?1 AND seq <= ?2 AND audit = 0",
                params![as_stored(self.done), as_stored(last)],
            )
            .doing(DOING)?;
        self.done = last;
        Ok(deleted as u64)
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
