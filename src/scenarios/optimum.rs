//! What perfect foresight would have come to: a table that a script computes apart from this program, and that is data here.
//!
//! ```text
//! scenario,seed,J,missed_clinic_kwh,...
//! 2,0,3.41,0,...
//! ```
//! The columns after the penalty `J` are shown as they are.

use std::collections::BTreeMap;

/// A longer table is none.
pub const BYTES_MAX: u64 = 4 << 20;
/// Rows at most.
pub const ROWS_MAX: usize = 100_000;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The penalty.
    pub penalty: f64,
    /// Further columns, as they are written.
    pub more: Vec<String>,
}

/// All rows by scenario and seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Optimum {
    /// Names of the further columns.
    pub columns: Vec<String>,
    rows: BTreeMap<(u32, u64), Row>,
}

/// Why a table is none: the line, from 1, and what is wrong there, in English and French.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Line of the table.
    pub line: usize,
    /// What is wrong.
    pub english: &'static str,
    /// The same in French.
    pub french: &'static str,
}

impl Optimum {
    /// Reads a table.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn read(text: &str) -> Result<Self, Wrong> {
        let mut lines =
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let Some((_, head)) = lines.next() else { return Ok(Self::default()) };
        let names: Vec<&str> = head.split(',').map(str::trim).collect();
        let ["scenario", "seed", "J", more @ ..] = names.as_slice() else {
            return Err(Wrong {
                line: 1,
                english: "the first columns are `scenario,seed,J`",
                french: "les premières colonnes sont `scenario,seed,J`",
            });
        };
        let mut optimum =
            Self { columns: more.iter().map(|name| (*name).to_owned()).collect(), rows: BTreeMap::new() };
        for (index, line) in lines {
            let wrong = |english, french| Wrong { line: index + 1, english, french };
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let [scenario, seed, penalty, more @ ..] = cells.as_slice() else {
                return Err(wrong("a row has a cell for each column", "une ligne a une cellule par colonne"));
            };
            if more.len() != optimum.columns.len() || optimum.rows.len() >= ROWS_MAX {
                return Err(wrong("a row has a cell for each column", "une ligne a une cellule par colonne"));
            }
            let penalty = penalty.parse().ok().filter(|penalty: &f64| penalty.is_finite());
            let (Ok(scenario), Ok(seed), Some(penalty)) = (scenario.parse(), seed.parse(), penalty) else {
                return Err(wrong(
                    "scenario and seed are whole numbers, J is a finite one",
                    "scenario et seed sont des nombres entiers, J est un nombre fini",
                ));
            };
            let more = more.iter().map(|cell| (*cell).to_owned()).collect();
            if optimum.rows.insert((scenario, seed), Row { penalty, more }).is_some() {
                return Err(wrong(
                    "this scenario and seed stand twice",
                    "ce scénario et cette graine y sont deux fois",
                ));
            }
        }
        Ok(optimum)
    }

    /// The row of a scenario and seed.
    pub fn of(&self, scenario: u32, seed: u64) -> Option<&Row> {
        self.rows.get(&(scenario, seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_found_by_scenario_and_seed() {
        let table = "# computed\nscenario,seed,J,missed_kwh\n2,0,3.5,0.4\n10,7,1e-3,0\n";
        let optimum = Optimum::read(table).unwrap();
        assert_eq!(optimum.columns, ["missed_kwh"]);
        assert_eq!(optimum.of(2, 0), Some(&Row { penalty: 3.5, more: vec!["0.4".into()] }));
        assert_eq!((optimum.of(2, 1), optimum.of(10, 7).map(|row| row.penalty)), (None, Some(0.001)));
        assert_eq!(Optimum::read(""), Ok(Optimum::default()));
    }

    #[test]
    fn a_wrong_line_is_told_with_its_number() {
        for (table, line) in [
            ("seed,scenario,J\n", 1),
            ("scenario,seed,J\n1,0,inf\n", 2),
            ("scenario,seed,J\n1,0,1\n1,0,2\n", 3),
            ("scenario,seed,J,x\n1,0,1\n", 2),
            ("scenario,seed,J\n1,-1,1\n", 2),
        ] {
            assert_eq!(Optimum::read(table).map_err(|wrong| wrong.line), Err(line), "{table}");
        }
    }
}
