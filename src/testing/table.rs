//! Readings of a test that stand in a table (CSV) beside its file: `series_from: evening.csv`.
//!
//! A row says what points read from then on. An empty cell changes nothing; `_` is silence, as in a series. The table is read
//! as `ballast backtest` reads one, and may count its times from the beginning of the test.

use super::series::Reading;
use crate::backtest::csv;
use crate::site::Running;
use ballast_config::codes;
use ballast_config::decode::scalar::text;
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_config::sources::Sources;
use ballast_config::tree::Node;
use ballast_model::{PointId, Span, Utc};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result as IoResult};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A longer table is no table of a test: a day of forty points every ten seconds has 2 MB.
const BYTES_MAX: u64 = 64 << 20;

/// The folder of a site's tests, from which alone tables are read.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// A table that is not written yet, by its name.
    unwritten: Option<(String, String)>,
}

impl Folder {
    /// The folder `tests/` of a site.
    pub fn of(site: &Path) -> Self {
        Self { path: site.join("tests"), unwritten: None }
    }

    /// The same with a table that is not written yet.
    #[must_use]
    pub fn with(self, table: Option<&(String, String)>) -> Self {
        Self { unwritten: table.cloned(), ..self }
    }

    /// A file of the folder. What leads out of it, and what is no file and could keep a reader waiting, is refused.
    fn read(&self, name: &str) -> IoResult<Vec<u8>> {
        let refused = |message: &str| Error::new(ErrorKind::InvalidInput, message.to_owned());
        if let Some((_, text)) = self.unwritten.as_ref().filter(|(unwritten, _)| unwritten == name) {
            return Ok(text.clone().into_bytes());
        }
        let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let folder = self.path.canonicalize()?;
        if !is_inside {
            return Err(refused("it does not lie in the folder of the tests"));
        }
        let path = folder.join(name).canonicalize()?;
        if !path.starts_with(&folder) {
            return Err(refused("it does not lie in the folder of the tests"));
        }
        if !path.metadata()?.is_file() {
            return Err(refused("it is no file"));
        }
        let mut bytes = Vec::new();
        // One byte more than the most that is read tells a longer file.
        File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BYTES_MAX {
            let message = format!("it is longer than {BYTES_MAX} bytes");
            return Err(Error::new(ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }
}

/// The table of a test.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where it is named in the test.
    pub place: Place,
    rows: Arc<csv::Table>,
    /// How much of the test has passed at each row.
    since: Arc<[Span]>,
}

impl Table {
    /// Reads the table that a test names, which begins at `start` where that is said; and when the test begins, where the
    /// table says it.
    pub fn read(
        node: &Node,
        start: Option<Utc>,
        folder: &Folder,
        running: &Running,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<(Self, Option<Utc>)> {
        let found = text(node, out)?;
        let (name, place) = (found.value.trim(), found.place);
        let bytes = match folder.read(name) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("the table `{name}` cannot be read: {error}");
                let help = "name a file that lies in the folder tests/ of the site, `evening.csv`";
                out.push(place.mistake(codes::TEST_SERIES, message).help(help));
                return None;
            }
        };
        let rows = csv::read_of_test((&format!("tests/{name}"), &bytes), start, running, sources, out)?;
        let (since, start) = rows.since(start);
        Some((Self { place, rows: Arc::new(rows), since: since.into() }, start))
    }

    /// The points that have a column, in their order.
    pub fn points(&self) -> impl Iterator<Item = PointId> {
        self.rows.points()
    }

    /// How much of the test has passed at a row; nothing behind the last one.
    pub fn at(&self, row: usize) -> Option<Span> {
        self.since.get(row).copied()
    }

    /// What a cell says; nothing where it is empty.
    pub fn cell(&self, row: usize, column: usize) -> Option<Reading> {
        self.rows.cell(row, column)
    }

    /// Says where it ends before one looks last.
    pub fn check_end(&self, end: Span, out: &mut Diagnostics) {
        let last = self.since.last().copied().unwrap_or(Span::ZERO);
        if last < end {
            let message = format!("this table ends at {last}, and one looks until {end}");
            let help = "add a row at the end; a cell that is empty there goes on as before";
            out.push(self.place.mistake(codes::TEST_SERIES, message).help(help));
        }
    }
}
