//! How much something that happened matters.

/// How much an event matters.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Severity {
    /// The ordinary course: a decision, a switch.
    #[default]
    Info,
    /// Worth a look: a person or a reload changed something.
    Notice,
    /// Something is not as it should be.
    Warning,
    /// Somebody has to act.
    Alarm,
}
