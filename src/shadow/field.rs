//! Equipment that is none: what a candidate may do is written down as done, and nothing is moved.

use crate::runtime::field::Field;
use ballast_drivers::{Batch, Report, WriteResult};
use ballast_guard::Permit;
use ballast_model::{Mono, Quality};

/// No equipment: it has no bus, and no door at which a permit could be redeemed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDoors;

impl Field for NoDoors {
    fn apply(&mut self, permit: Permit, now: Mono, batch: &mut Batch) {
        let (output, counter, wanted) = (permit.output(), permit.counter(), permit.wanted());
        // It ends here: what equipment would say that obeyed is said in its place.
        drop(permit);
        batch.reports.push(Report::Actual { output, actual: Some(wanted), quality: Quality::Good, at: now });
        batch.reports.push(Report::Written { output, counter, result: WriteResult::Done, at: now });
    }

    fn fits(&self, _definitions: u64) -> bool {
        true
    }
}
