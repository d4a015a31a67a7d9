//! Readings of the past, one after the other, whatever they come from.

use ballast_model::{PointId, Reason, Span, Utc, Value};

/// What came of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastReading {
    /// Which point.
    pub point: PointId,
    /// Its value, or why there was none.
    pub value: Result<Value, Reason>,
}

/// Where readings of the past come from: a table, a journal, a store.
pub trait SampleSource: Send + Sync {
    /// How many moments there are.
    fn moments(&self) -> usize;

    /// When the moment of that number was; none lies before the one with a smaller number.
    fn at(&self, number: usize) -> Option<Utc>;

    /// What came then is added to `out`; a point of which nothing came is left out.
    fn read(&self, number: usize, out: &mut Vec<PastReading>);

    /// How long what came goes on being so: where a table has a row every ten seconds and a point grows old after five, it did
    /// not grow old between them. Zero where every word of a device stands in the source.
    fn step(&self) -> Span;

    /// The first and the last moment; `None` where there is none.
    fn range(&self) -> Option<(Utc, Utc)> {
        Some((self.at(0)?, self.at(self.moments().checked_sub(1)?)?))
    }
}
