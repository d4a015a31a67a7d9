//! Numbers that are always numbers.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

/// An `f64` that is neither NaN nor infinite, and whose zero is always `+0`.
///
/// Because of that it has a total order and can be compared, hashed and replayed bit for bit. Drivers make it from what
/// a device said; from there on no other floating point number travels.
#[derive(Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

impl Finite {
    /// Zero.
    pub const ZERO: Self = Self(0.0);
    /// One.
    pub const ONE: Self = Self(1.0);

    /// `None` for NaN and the infinities; `-0` becomes `+0`.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// The nearest finite number: NaN becomes zero and an infinity the largest number of its sign. For results of
    /// arithmetic on finite operands, where overflow is the only thing that can happen.
    pub fn saturating(value: f64) -> Self {
        if value.is_nan() { Self::ZERO } else { Self(value.clamp(f64::MIN, f64::MAX) + 0.0) }
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The product; `None` where it is too large.
    pub fn times(self, factor: Self) -> Option<Self> {
        Self::new(self.0 * factor.0)
    }

    /// Without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(libm::fabs(self.0))
    }
}

impl From<i32> for Finite {
    fn from(value: i32) -> Self {
        Self(f64::from(value))
    }
}

impl TryFrom<f64> for Finite {
    type Error = &'static str;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("a number that is not finite")
    }
}

impl From<Finite> for f64 {
    fn from(value: Finite) -> Self {
        value.0
    }
}

impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for Finite {}
impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}
impl Hash for Finite {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}
impl fmt::Debug for Finite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl fmt::Display for Finite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_out_what_is_not_a_number() {
        assert_eq!(Finite::new(f64::NAN), None);
        assert_eq!(Finite::new(f64::INFINITY), None);
        assert_eq!(Finite::new(-0.0), Some(Finite::ZERO));
        assert_eq!(Finite::saturating(f64::NEG_INFINITY), Finite::new(f64::MIN).unwrap());
        assert!(Finite::from(-1) < Finite::ZERO);
    }
}
