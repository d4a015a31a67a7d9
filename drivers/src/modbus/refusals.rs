//! What is said of units that refuse: once, with what to do, and once that it is over.

use super::hints;
use super::pdu::{Table, code};
use super::plan::{Item, Place};
use crate::readings::{Readings, Report};
use ballast_model::Mono;
use std::collections::BTreeSet;

/// Which reads are refused, of every unit.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    units: Vec<BTreeSet<usize>>,
}

impl Refusals {
    pub(super) fn new(units: usize) -> Self {
        Self { units: vec![BTreeSet::new(); units] }
    }

    /// A unit says no to a read, whatever its addresses are.
    pub(super) fn refused(
        &mut self,
        (unit, read): (usize, usize),
        name: &str,
        said: (u8, Table),
        at: Mono,
        out: &mut Readings,
    ) {
        let Some(reads) = self.units.get_mut(unit) else { return };
        let was_none = reads.is_empty();
        reads.insert(read);
        if was_none {
            out.report(Report::Link { is_up: false, text: words(name, said).into(), at });
        }
    }

    /// A unit answers a read.
    pub(super) fn answered(
        &mut self,
        (unit, read): (usize, usize),
        name: &str,
        at: Mono,
        out: &mut Readings,
    ) {
        let Some(reads) = self.units.get_mut(unit) else { return };
        if reads.remove(&read) && reads.is_empty() {
            let text = format!("{name} answers with values again");
            out.report(Report::Link { is_up: true, text: text.into(), at });
        }
    }
}

fn words(name: &str, (code, table): (u8, Table)) -> String {
    match code {
        code::FAILURE => format!(
            "{name} answers that it failed (exception 4): it is out of order, or a gateway has nobody at this address; see `unit_id`"
        ),
        code::FUNCTION => {
            let name_of_table = table.name();
            format!("{name} cannot be asked for the table `{name_of_table}` (exception 1): see `table`")
        }
        code::PARITY => format!("{name} finds its own memory damaged (exception 8)"),
        code => format!("{name} refuses to answer (exception {code})"),
    }
}

/// That a unit does not have what is asked for, and what may be meant instead.
pub(super) fn missing(name: &str, item: &Item, table: Table, code: u8) -> String {
    let first = match &item.place {
        Place::Bit(address) => *address,
        Place::Field(field) => field.register,
    };
    let what = if table.is_bits() { "bit" } else { "register" };
    let hint =
        hints::classic(u32::from(first), Some(table)).map_or_else(String::new, |hint| format!("; {hint}"));
    let table = table.name();
    format!("{name} has no {what} {first} in `{table}` (exception {code}): see `register` and `table`{hint}")
}
