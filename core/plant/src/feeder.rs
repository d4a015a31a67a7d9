//! Voltages along a radial feeder with loads of constant power: a sweep out and back until nothing moves.
//!
//! ```text
//! I_k = conj(S_k / V_k)        V_k = V_(k-1) - Z_k (I_k + I_(k+1) + ...)
//! ```
//!
//! The backward-forward sweep of D. Shirmohammadi et al., "A compensation-based power flow method for weakly meshed
//! distribution and transmission networks", IEEE Transactions on Power Systems 3, 1988, for one line without branches.

use crate::error::PlantError;

/// Two sweeps that differ by less than this, V, are the same.
const SETTLED_V: f64 = 1e-9;

/// Sweeps after which a feeder that does not settle has collapsed: near the nose of its curve each sweep gains little.
const SWEEPS_MAX: u32 = 2_000;

/// From one point of the line to the next, there and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Ohm.
    pub resistance_ohm: f64,
    /// Ohm.
    pub reactance_ohm: f64,
}

/// What is taken at a point of the line; negative where something feeds in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Taken {
    /// W.
    pub active_w: f64,
    /// var, > 0 where the current lags.
    pub reactive_var: f64,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq)]
pub struct Voltages {
    /// At each point, V.
    pub at_v: Vec<f64>,
    /// In the line, W.
    pub loss_w: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Complex {
    real: f64,
    imaginary: f64,
}

impl Complex {
    fn plus(self, other: Self) -> Self {
        Self { real: self.real + other.real, imaginary: self.imaginary + other.imaginary }
    }

    fn minus(self, other: Self) -> Self {
        Self { real: self.real - other.real, imaginary: self.imaginary - other.imaginary }
    }

    fn times(self, other: Self) -> Self {
        Self {
            real: self.real * other.real - self.imaginary * other.imaginary,
            imaginary: self.real * other.imaginary + self.imaginary * other.real,
        }
    }

    fn square(self) -> f64 {
        self.real * self.real + self.imaginary * self.imaginary
    }
}

/// Voltages along a line that begins at `source_v`, with what is taken behind each of its segments.
///
/// # Errors
/// More is taken than the line can carry: no voltage fulfils the equations.
pub fn voltages(source_v: f64, line: &[(Segment, Taken)]) -> Result<Voltages, PlantError> {
    let source = Complex { real: source_v, imaginary: 0.0 };
    let mut at = vec![source; line.len()];
    let mut currents = vec![Complex::default(); line.len()];
    for _ in 0..SWEEPS_MAX {
        let mut behind = Complex::default();
        for (((_, taken), voltage), current) in line.iter().zip(&at).zip(&mut currents).rev() {
            behind = behind.plus(current_of(*taken, *voltage));
            *current = behind;
        }
        let (mut before, mut moved_v) = (source, 0.0_f64);
        for (((segment, _), voltage), current) in line.iter().zip(&mut at).zip(&currents) {
            let impedance = Complex { real: segment.resistance_ohm, imaginary: segment.reactance_ohm };
            let next = before.minus(impedance.times(*current));
            moved_v = moved_v.max(libm::sqrt(next.minus(*voltage).square()));
            (*voltage, before) = (next, next);
        }
        if !moved_v.is_finite() {
            break;
        }
        if moved_v < SETTLED_V {
            let at_v = at.iter().map(|voltage| libm::sqrt(voltage.square())).collect();
            let losses =
                line.iter().zip(&currents).map(|((segment, _), i)| segment.resistance_ohm * i.square());
            return Ok(Voltages { at_v, loss_w: losses.sum() });
        }
    }
    Err(PlantError::FeederCollapsed { source_v })
}

/// The current that takes `taken` at a voltage.
fn current_of(taken: Taken, voltage: Complex) -> Complex {
    // conj(S / V) = conj(S) V / |V|^2
    let conjugate = Complex { real: taken.active_w, imaginary: -taken.reactive_var };
    let product = conjugate.times(voltage);
    let square = voltage.square();
    Complex { real: product.real / square, imaginary: product.imaginary / square }
}
