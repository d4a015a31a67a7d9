//! What the plant refuses.

/// Why a specification, a name or a value was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlantError {
    /// A number that must be positive and finite is not.
    #[error("{what} is {value}: give a finite number above 0")]
    NotPositive {
        /// Device and quantity.
        what: String,
        /// What was given.
        value: f64,
    },
    /// A number is negative or not finite.
    #[error("{what} is {value}: give a finite number, 0 or more")]
    Negative {
        /// Device and quantity.
        what: String,
        /// What was given.
        value: f64,
    },
    /// A share is outside 0..=1.
    #[error("{what} is {value}: give a number from 0 to 1")]
    NotAShare {
        /// Device and quantity.
        what: String,
        /// What was given.
        value: f64,
    },
    /// Two limits are the wrong way round.
    #[error("{what}: {low} is not below {high}")]
    WrongOrder {
        /// Device and quantity.
        what: String,
        /// The value that must be lower.
        low: f64,
        /// The value that must be higher.
        high: f64,
    },
    /// A name is empty or has other characters than `[a-z0-9_]`.
    #[error("the name `{name}` has characters other than a-z, 0-9 and _, or none")]
    BadName {
        /// The name.
        name: String,
    },
    /// Two devices have one name.
    #[error("two devices are called `{name}`")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// There are more of something than the plant takes.
    #[error("{count} {what} are more than the {max} that one village takes")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many were given.
        count: usize,
        /// How many it takes.
        max: usize,
    },
    /// A disturbance names a device that does not exist.
    #[error("a disturbance names `{name}`, and no {kind} is called so")]
    UnknownDevice {
        /// The name.
        name: String,
        /// What it should be.
        kind: &'static str,
    },
    /// An input that the village does not have.
    #[error("the village has no input number {number}")]
    UnknownInput {
        /// Its number.
        number: usize,
    },
    /// A value for an input that is not a number.
    #[error("the value for `{name}` is not a finite number")]
    NotFinite {
        /// Name of the input.
        name: String,
    },
    /// A list of points that a curve goes through does not rise, or has none.
    #[error("{what}: give at least one point, and points that rise from one to the next")]
    NotACurve {
        /// Device and quantity.
        what: String,
    },
    /// A feeder names a device that does not exist, or one that another place names too.
    #[error("feeder `{feeder}` names `{name}`: {problem}")]
    NotOnFeeder {
        /// The feeder.
        feeder: String,
        /// What it names.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// An equation gives no finite numbers any more.
    #[error(
        "the {equation} of `{device}` diverged {after_s} s after the start: it gives no finite number any more, so what \
         `{device}` is made of is far outside what exists, or too fast for steps of a second"
    )]
    Diverged {
        /// Which equation.
        equation: &'static str,
        /// The device that it belongs to; `bus` for the frequency.
        device: String,
        /// Simulated time, s.
        after_s: f64,
    },
    /// More is taken from a feeder than it can carry.
    #[error("a feeder that begins at {source_v} V cannot carry what is taken from it: its voltage collapses")]
    FeederCollapsed {
        /// Voltage at its beginning, V.
        source_v: f64,
    },
}
