//! What another safety set loosens.

use crate::tables::Plan;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// One thing that another safety set loosens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loosening {
    /// The output, limit, interlock or part of shedding.
    pub subject: Box<str>,
    /// Which key of it.
    pub key: &'static str,
    /// What is in force.
    pub old: String,
    /// What would be.
    pub new: String,
}

/// Everything that `new` loosens.
pub(crate) fn compare(_old: &Plan, _new: &Plan) -> Vec<Loosening> {
    Vec::new()
}

/// The stricter of both, key by key, where they can be in force together.
pub(crate) fn stricter(_old: &Plan, _new: &Plan) -> Option<Plan> {
    None
}
