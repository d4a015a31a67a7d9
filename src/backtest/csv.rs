//! A table of readings, read and checked against the site's nouns: a column `time`, and a column for each point.
//!
//! ```text
//! time,linky.apparent_power,linky.period
//! 2026-03-30T20:25:00Z,2000,peak
//! 2026-03-30T20:25:10Z,,
//! 2026-03-30T20:25:20Z,offline,off_peak
//! ```
//! Times are local ones of the site, or have an offset, or are seconds since 1970. A cell holds what one word of a test's
//! series may: a value in the unit of the point, `stale`, `nan`, `offline`; where it is empty, nothing came.
//!
//! The table of a test may count from the beginning of the test instead: `t_s` with seconds, or `time` with `5 min`.

use super::source::{PastReading, SampleSource};
use crate::site::Running;
use crate::testing::file::{instant, measured};
use crate::testing::series::{Reading, reading};
use ballast_config::codes;
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_config::sources::Sources;
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::diagnostic::{FileId, Span as Bytes};
use ballast_model::quantity::parse_span;
use ballast_model::{Finite, PointId, Reason, Span, Utc, Value};
use csv::{ByteRecord, ReaderBuilder};
use std::collections::{BTreeMap, BTreeSet};

/// A table is read whole, so that all its mistakes are told at once.
pub const BYTES_MAX: u64 = 1 << 30;
/// Nothing in a test comes later after its beginning.
const SINCE_BEGINNING_MAX: Span = Span::from_secs(400 * 86_400);

/// A table of readings.
#[derive(Debug, Default)]
pub struct Table {
    times: Vec<Utc>,
    columns: Vec<Column>,
    step: Span,
    /// Its times count from the beginning of a test, which is the origin of all times here.
    is_since_beginning: bool,
}

/// What one point read, a number for each row: a month of it takes 2 MB.
#[derive(Debug)]
struct Column {
    point: PointId,
    shape: Shape,
    /// Not a number: nothing came.
    numbers: Vec<f64>,
    /// Rows that say why there was no value.
    bad: BTreeMap<usize, Reason>,
    /// Rows that say that nothing came, `_`, and are not merely empty.
    silent: BTreeSet<usize>,
}

/// What a number of a column stands for.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Number,
    Flag,
    Word,
}

impl Column {
    fn new(point: PointId, spec: &PointSpec) -> Self {
        let shape = match spec.kind {
            Kind::Number(_) => Shape::Number,
            Kind::Flag => Shape::Flag,
            Kind::Words(_) => Shape::Word,
        };
        Self { point, shape, numbers: Vec::new(), bad: BTreeMap::new(), silent: BTreeSet::new() }
    }

    fn push(&mut self, cell: Option<Reading>) {
        let number = match cell {
            Some(Reading::Value(Value::Number(value))) => value.get(),
            Some(Reading::Value(Value::Flag(value))) => f64::from(u8::from(value)),
            Some(Reading::Value(Value::Word(index))) => f64::from(index),
            None => f64::NAN,
            Some(Reading::Nothing) => {
                self.silent.insert(self.numbers.len());
                f64::NAN
            }
            Some(Reading::Bad(reason)) => {
                self.bad.insert(self.numbers.len(), reason);
                f64::NAN
            }
        };
        self.numbers.push(number);
    }

    fn at(&self, row: usize) -> Option<PastReading> {
        let number = *self.numbers.get(row)?;
        let value = match Finite::new(number) {
            None => Err(*self.bad.get(&row)?),
            Some(number) => Ok(match self.shape {
                Shape::Number => Value::Number(number),
                Shape::Flag => Value::Flag(number.get() > 0.0),
                Shape::Word => Value::Word(number.get() as u16),
            }),
        };
        Some(PastReading { point: self.point, value })
    }
}

impl Table {
    /// The points that have a column, in their order.
    pub fn points(&self) -> impl Iterator<Item = PointId> {
        self.columns.iter().map(|column| column.point)
    }

    /// What a cell says; nothing where it is empty.
    pub fn cell(&self, row: usize, column: usize) -> Option<Reading> {
        let column = self.columns.get(column)?;
        match column.at(row) {
            Some(PastReading { value: Ok(value), .. }) => Some(Reading::Value(value)),
            Some(PastReading { value: Err(reason), .. }) => Some(Reading::Bad(reason)),
            None => column.silent.contains(&row).then_some(Reading::Nothing),
        }
    }

    /// How much of a test has passed at each row, where it begins then; and where it begins itself: at the first row, where
    /// nothing is said and its rows are instants.
    pub fn since(&self, start: Option<Utc>) -> (Vec<Span>, Option<Utc>) {
        let start = if self.is_since_beginning { None } else { start.or_else(|| self.at(0)) };
        let origin = start.unwrap_or(Utc::from_millis(0)).millis();
        let since = |at: &Utc| u64::try_from(at.millis().saturating_sub(origin)).unwrap_or_default();
        (self.times.iter().map(|at| Span::from_millis(since(at))).collect(), start)
    }
}

impl SampleSource for Table {
    fn moments(&self) -> usize {
        self.times.len()
    }

    fn at(&self, number: usize) -> Option<Utc> {
        self.times.get(number).copied()
    }

    fn read(&self, number: usize, out: &mut Vec<PastReading>) {
        out.extend(self.columns.iter().filter_map(|column| column.at(number)));
    }

    fn step(&self) -> Span {
        self.step
    }
}

/// Reads a table; what is wrong with it goes to `out`, each mistake with its place.
pub fn read(
    name: &str,
    bytes: &[u8],
    running: &Running,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Table> {
    let file = sources.add_up_to(name, bytes, BYTES_MAX, out);
    read_rows(Reader::new(file, bytes, running, None, out))
}

/// Reads the table of a test, which begins then where that is said.
pub fn read_of_test(
    (name, bytes): (&str, &[u8]),
    start: Option<Utc>,
    running: &Running,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Table> {
    let file = sources.add_up_to(name, bytes, BYTES_MAX, out);
    read_rows(Reader::new(file, bytes, running, Some(OfTest { start, counts: None, in_seconds: false }), out))
}

fn read_rows(mut reader: Reader<'_>) -> Option<Table> {
    let bytes = reader.bytes;
    let mut csv = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut names = 0;
    // Of a table that is wrong everywhere the first mistakes tell enough.
    while reader.out.wants_suggestions() {
        match csv.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) if names == 0 => names = reader.head(&record),
            Ok(true) => reader.row(&record, names),
            Err(error) => {
                let at = error.position().map_or(0, csv::Position::byte);
                reader.mistake(reader.bytes_at(at, 1), format!("this is no table: {error}"), HELP);
                break;
            }
        }
    }
    reader.end()
}

const HELP: &str =
    "the first line names the columns, `time,meter.power`; every other one has a time and a value for each";

struct Reader<'a> {
    file: FileId,
    bytes: &'a [u8],
    running: &'a Running,
    times: Vec<Utc>,
    /// Behind the times, one for each name; `None` where the name is a mistake.
    columns: Vec<Option<Column>>,
    /// It belongs to a test.
    test: Option<OfTest>,
    /// What was wrong before is none of it.
    mistakes: usize,
    out: &'a mut Diagnostics,
}

/// The test that a table belongs to.
#[derive(Clone, Copy, Debug)]
struct OfTest {
    /// When it begins, where that is said.
    start: Option<Utc>,
    /// Whether times count from its beginning; nothing where no row was read.
    counts: Option<bool>,
    /// Whether they are numbers of seconds.
    in_seconds: bool,
}

impl<'a> Reader<'a> {
    fn new(
        file: FileId,
        bytes: &'a [u8],
        running: &'a Running,
        test: Option<OfTest>,
        out: &'a mut Diagnostics,
    ) -> Self {
        let mistakes = out.mistakes();
        Self { file, bytes, running, times: Vec::new(), columns: Vec::new(), test, mistakes, out }
    }
    fn mistake(&mut self, place: Place, message: impl Into<String>, help: &str) {
        self.out.push(place.mistake(codes::BACKTEST_TABLE, message).help(help.to_owned()));
    }

    fn bytes_at(&self, start: u64, length: usize) -> Place {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let end = start.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
        Place { file: self.file, span: Bytes::new(start, end) }
    }

    /// Where a cell stands: right behind those before it; in a row with quotes, the whole row.
    fn place(&self, record: &ByteRecord, cell: usize) -> Place {
        let start = record.position().map_or(0, csv::Position::byte);
        let whole = record.as_slice().len() + record.len().saturating_sub(1);
        let from = usize::try_from(start).unwrap_or(usize::MAX);
        let line = self.bytes.get(from..from.saturating_add(whole)).unwrap_or_default();
        if line.contains(&b'"') {
            return self.bytes_at(start, whole);
        }
        let before: usize = record.iter().take(cell).map(|cell| cell.len() + 1).sum();
        let length = record.get(cell).map_or(0, <[u8]>::len);
        self.bytes_at(start.saturating_add(before as u64), length.max(1))
    }

    /// The names of the columns; how many there are.
    fn head(&mut self, record: &ByteRecord) -> usize {
        for (index, cell) in record.iter().enumerate() {
            let place = self.place(record, index);
            let name = String::from_utf8_lossy(cell);
            let name = name.trim().trim_start_matches('\u{feff}');
            if index == 0 {
                self.name_of_times(name, place);
                continue;
            }
            let point = measured(name, place, self.running, self.out);
            let is_there = |column: &&Column| Some(column.point) == point;
            if self.columns.iter().flatten().any(|column| is_there(&column)) {
                self.mistake(place, format!("`{name}` has two columns"), "leave one of them out");
            }
            let catalog = self.running.catalog();
            self.columns.push(point.and_then(|point| Some(Column::new(point, catalog.point(point)?))));
        }
        if record.len() < 2 {
            let place = self.place(record, 0);
            self.mistake(place, "no point has a column", HELP);
        }
        record.len()
    }

    fn name_of_times(&mut self, name: &str, place: Place) {
        match (name, &mut self.test) {
            ("time", _) => {}
            ("t_s", Some(test)) => (test.counts, test.in_seconds) = (Some(true), true),
            (_, None) => self.mistake(place, format!("the first column is `time`, not `{name}`"), HELP),
            (_, Some(_)) => {
                self.mistake(place, format!("the first column is `time` or `t_s`, not `{name}`"), HELP);
            }
        }
    }

    fn row(&mut self, record: &ByteRecord, names: usize) {
        if record.len() != names {
            let (place, count) = (self.place(record, record.len().saturating_sub(1)), record.len());
            self.mistake(place, format!("this row has {count} cells, and there are {names} columns"), HELP);
            return;
        }
        let Some(at) = self.time(record) else { return };
        if self.times.last().is_some_and(|last| at < *last) {
            let help =
                "sort the rows by time; write UTC where a local hour comes twice, `2026-10-25T00:30:00Z`";
            self.mistake(self.place(record, 0), "this row lies before the one above it", help);
            return;
        }
        self.times.push(at);
        for index in 0..self.columns.len() {
            let found = self.cell(record, index);
            if let Some(Some(column)) = self.columns.get_mut(index) {
                column.push(found);
            }
        }
    }

    fn cell(&mut self, record: &ByteRecord, index: usize) -> Option<Reading> {
        let text = record.get(index + 1).and_then(|cell| std::str::from_utf8(cell).ok());
        let text = text.unwrap_or("?").trim();
        if text.is_empty() {
            return None;
        }
        let column = self.columns.get(index).and_then(Option::as_ref);
        let spec = column.and_then(|column| self.running.catalog().point(column.point))?;
        match reading(text, spec) {
            Ok(reading) => Some(reading),
            Err(wrong) => {
                let place = self.place(record, index + 1);
                self.out.push(wrong.drawn(text, place));
                None
            }
        }
    }

    fn time(&mut self, record: &ByteRecord) -> Option<Utc> {
        let text = record.get(0).and_then(|cell| std::str::from_utf8(cell).ok()).unwrap_or("?").trim();
        if let Some(test) = self.test
            && let Some(since) = self.since_beginning(test, text, record)
        {
            return since;
        }
        let seconds = || text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e11);
        let exact = || text.parse::<jiff::Timestamp>().ok().map(|at| Utc::from_millis(at.as_millisecond()));
        let at = exact()
            .or_else(|| seconds().map(|seconds| Utc::from_millis((seconds * 1000.0).round() as i64)))
            .or_else(|| instant(text, self.running));
        if at.is_none() {
            let help = "write `2026-03-30T20:25:00Z`, a local time `2026-03-30 22:25`, or seconds since 1970";
            self.mistake(self.place(record, 0), format!("`{text}` is no time"), help);
        }
        if let (Some(at), Some(start)) = (at, self.test.and_then(|test| test.start))
            && at < start
        {
            let help = "leave the row out, or let the test `start` earlier";
            self.mistake(self.place(record, 0), "this row lies before the test begins", help);
            return None;
        }
        at
    }

    /// A time that counts from the beginning of a test; nothing where the times of the table are instants, and within that
    /// nothing where it is a mistake.
    fn since_beginning(&mut self, test: OfTest, text: &str, record: &ByteRecord) -> Option<Option<Utc>> {
        let found = match test.in_seconds {
            true => text.parse::<f64>().ok().and_then(Span::from_secs_f64),
            false => parse_span(text),
        };
        let found = found.filter(|since| *since <= SINCE_BEGINNING_MAX);
        let counts = test.counts.unwrap_or(found.is_some());
        self.test = Some(OfTest { counts: Some(counts), ..test });
        let place = self.place(record, 0);
        match (counts, found) {
            (true, None) => {
                let help =
                    if test.in_seconds { "write seconds, `90` or `0.5`" } else { "write `90 s` or `5 min`" };
                self.mistake(place, format!("`{text}` is no time since the beginning of the test"), help);
                Some(None)
            }
            (false, Some(_)) => {
                let help = "write instants in all rows, or times since the beginning in all";
                self.mistake(
                    place,
                    format!("`{text}` counts from the beginning, the rows above do not"),
                    help,
                );
                Some(None)
            }
            (false, None) => None,
            (true, Some(since)) => {
                Some(Some(Utc::from_millis(i64::try_from(since.millis()).unwrap_or(i64::MAX))))
            }
        }
    }

    fn end(mut self) -> Option<Table> {
        let is_well = self.out.mistakes() == self.mistakes;
        if is_well && self.test.is_some() && self.times.is_empty() {
            self.mistake(self.bytes_at(0, 1), "there is no reading in this table", HELP);
        } else if is_well && self.test.is_none() && self.times.len() < 2 {
            let help = "a past has two rows at least: where it begins, and where it ends";
            self.mistake(self.bytes_at(0, 1), "there is no past in this table", help);
        }
        let step = usual_step(&self.times);
        let columns = self.columns.into_iter().flatten().collect();
        let is_since_beginning = self.test.and_then(|test| test.counts) == Some(true);
        let table = Table { times: self.times, columns, step, is_since_beginning };
        (self.out.mistakes() == self.mistakes).then_some(table)
    }
}

/// The time between two rows that is in the middle of all of them.
fn usual_step(times: &[Utc]) -> Span {
    let mut steps: Vec<u64> = times
        .windows(2)
        .filter_map(|pair| match pair {
            [one, next] => u64::try_from(next.millis().saturating_sub(one.millis())).ok(),
            _ => None,
        })
        .collect();
    let middle = steps.len() / 2;
    if steps.is_empty() {
        return Span::ZERO;
    }
    Span::from_millis(*steps.select_nth_unstable(middle).1)
}
