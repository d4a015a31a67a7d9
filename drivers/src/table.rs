//! Values from a table in a CSV file: the first column is the time in seconds, the others have names.
//!
//! Between two rows the earlier one holds. An empty cell says nothing. Nothing here guesses: a cell that is no number is a
//! mistake with its line.

use crate::limits::TABLE_MAX;
use ballast_model::Span;
use std::io::Read;
use std::path::Path;

/// A checked table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    columns: Vec<Box<str>>,
    rows: Vec<(Span, Vec<Option<f64>>)>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let at = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
        // Asked before it is opened: a named pipe would keep waiting, and a device might never end.
        if !std::fs::metadata(path).map_err(at)?.is_file() {
            return Err(format!("{} is not a file", path.display()));
        }
        let file = std::fs::File::open(path).map_err(at)?;
        let mut text = String::new();
        file.take(TABLE_MAX + 1).read_to_string(&mut text).map_err(at)?;
        if text.len() as u64 > TABLE_MAX {
            return Err(format!("{} is larger than {TABLE_MAX} bytes", path.display()));
        }
        Self::parse(&text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, for people, with its line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let Some((_, head)) = lines.next() else { return Err("the table is empty".to_owned()) };
        let columns: Vec<Box<str>> = head.split(',').skip(1).map(|name| name.trim().into()).collect();
        let mut rows: Vec<(Span, Vec<Option<f64>>)> = Vec::new();
        for (place, line) in lines {
            let wrong = |what: &str| format!("line {}: {what}", place + 1);
            let mut cells = line.split(',').map(str::trim);
            let time = cells.next().and_then(|cell| crate::point::parse_number(cell.as_bytes()));
            let time = time
                .and_then(Span::from_secs_f64)
                .ok_or_else(|| wrong("the first cell is not a time in seconds"))?;
            if rows.last().is_some_and(|(last, _)| *last >= time) {
                return Err(wrong("times must rise"));
            }
            let number = |cell: &str| crate::point::parse_number(cell.as_bytes());
            let values: Option<Vec<Option<f64>>> =
                cells.map(|cell| if cell.is_empty() { Some(None) } else { number(cell).map(Some) }).collect();
            let values = values.ok_or_else(|| wrong("a cell is not a number"))?;
            if values.len() != columns.len() {
                return Err(wrong("the number of cells is not that of the first line"));
            }
            rows.push((time, values));
        }
        if rows.is_empty() { Err("the table has no rows".to_owned()) } else { Ok(Self { columns, rows }) }
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &**column == name)
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| &**column)
    }

    /// The value `elapsed` after the start; `None` before the first row, behind the last one and in an empty cell. A
    /// table that repeats begins again at its last row's time, which therefore belongs to its first row.
    pub(crate) fn value(&self, column: usize, elapsed: Span, repeats: bool) -> Option<f64> {
        let (last, _) = self.rows.last()?;
        let elapsed = match elapsed.nanos().checked_rem(last.nanos()) {
            Some(rest) if repeats => Span::from_nanos(rest),
            _ => elapsed,
        };
        if elapsed > *last {
            return None;
        }
        let after = self.rows.partition_point(|(time, _)| *time <= elapsed);
        let (_, values) = self.rows.get(after.checked_sub(1)?)?;
        values.get(column).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "time,load,sun\n0,100,0\n10, 200 ,\n20,300,5\n";

    #[test]
    fn the_earlier_row_holds() {
        let table = Table::parse(TABLE).unwrap();
        let load = |secs, repeats| table.value(0, Span::from_secs(secs), repeats);
        assert_eq!(
            [load(0, false), load(9, false), load(10, false)],
            [Some(100.0), Some(100.0), Some(200.0)]
        );
        assert_eq!([load(20, false), load(21, false)], [Some(300.0), None]);
        assert_eq!([load(20, true), load(31, true)], [Some(100.0), Some(200.0)]);
        assert_eq!(table.value(1, Span::from_secs(12), false), None);
        assert_eq!((table.column("sun"), table.column("moon")), (Some(1), None));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, part) in [
            ("", "empty"),
            ("time,a", "no rows"),
            ("time,a\n0,1\n0,2", "line 3: times must rise"),
            ("time,a\nx,1", "line 2: the first cell"),
            ("time,a\n-1,1", "line 2: the first cell"),
            ("time,a\n0,nan", "line 2: a cell is not a number"),
            ("time,a\n0,1,2", "line 2: the number of cells"),
        ] {
            let error = Table::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        // What is no file is not opened: it could keep waiting, or never end.
        let error = Table::read(Path::new("/dev/null")).unwrap_err();
        assert!(error.contains("/dev/null is not a file"), "{error}");
    }
}
