//! What the functions of a script and the run of a body share.

use crate::literal::Literals;
use crate::sandbox::failure;
use ballast_engine::bodies::NoticeLevel;
use ballast_model::Finite;
use ballast_model::expr::Fault;
use rhai::{Dynamic, EvalAltResult, ImmutableString, Position};
use std::rc::Rc;

/// The mark before the index of a value in the names that are put into a body at load; no identifier can start with it.
pub(crate) const VALUE_MARK: char = '#';

/// A value that a body may read.
#[derive(Clone, Debug)]
pub(crate) enum Slotted {
    Known(Dynamic),
    /// Reading it ends the run.
    Unknown,
    /// Reading it is a failure: what it is computed from is known, and it is no number.
    Fault(Fault),
}

/// Something a body asked for, in order.
#[derive(Clone, Debug)]
pub(crate) enum Pending {
    /// An entry that was complete at load.
    Entry(i64),
    /// A number for an output or a setting, in its own unit.
    Level(i64, Finite),
    /// A text for an output or a setting: a quantity or a word.
    Quantity(i64, ImmutableString),
    /// A text for people that was put together by the body.
    Text(NoticeLevel, ImmutableString),
}

/// The present run.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) values: Vec<Slotted>,
    pub(crate) constants: Rc<Literals>,
    pub(crate) pending: Vec<Pending>,
}

impl Live {
    /// The value behind a name: one that was put in at load, or a constant inside a function. `None` leaves the name to
    /// the variables of the script.
    pub(crate) fn value(&self, name: &str) -> Result<Option<Dynamic>, Box<EvalAltResult>> {
        let Some(index) = name.strip_prefix(VALUE_MARK) else {
            return Ok(self.constants.get(name).map(crate::literal::Literal::dynamic));
        };
        let index: i64 = index.parse().map_err(|_| failure("there is no such value"))?;
        match usize::try_from(index).ok().and_then(|index| self.values.get(index)) {
            Some(Slotted::Known(value)) => Ok(Some(value.clone())),
            // Cannot be caught by a script.
            Some(Slotted::Unknown) => {
                Err(Box::new(EvalAltResult::ErrorTerminated(index.into(), Position::NONE)))
            }
            Some(Slotted::Fault(fault)) => Err(failure(fault.words())),
            None => Err(failure("there is no such value")),
        }
    }
}
