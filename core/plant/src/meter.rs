//! What a meter makes of a true value: noise and resolution.

use crate::rng::Stream;

/// Imperfections of one kind of meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeterSpec {
    /// Readings are whole multiples of this; 0 for as fine as the number itself.
    pub resolution: f64,
    /// Standard deviation of the noise, in the unit of the reading.
    pub noise: f64,
    /// Standard deviation of the noise, as a share of the reading.
    pub relative_noise: f64,
}

impl MeterSpec {
    /// A meter that shows the truth.
    pub const IDEAL: Self = Self { resolution: 0.0, noise: 0.0, relative_noise: 0.0 };

    /// The reading of `truth` at `now_ms`: the same instant always reads the same. A truth of 0 reads 0.
    pub fn read(&self, truth: f64, stream: Stream, now_ms: u64) -> f64 {
        if truth.abs() <= 0.0 {
            return 0.0;
        }
        let noisy = truth + (self.noise + self.relative_noise * truth.abs()) * stream.normal(now_ms);
        let rounded =
            if self.resolution > 0.0 { (noisy / self.resolution).round() * self.resolution } else { noisy };
        // No negative zero leaves a meter.
        rounded + 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_multiples_of_the_resolution_around_the_truth() {
        let meter = MeterSpec { resolution: 0.01, noise: 0.02, relative_noise: 0.0 };
        let stream = Stream::new(5);
        let mut sum = 0.0;
        for now_ms in 0..2_000 {
            let reading = meter.read(49.871, stream, now_ms);
            assert!((reading * 100.0 - (reading * 100.0).round()).abs() < 1e-6);
            assert!((reading - 49.871).abs() < 0.08);
            sum += reading;
        }
        assert!((sum / 2_000.0 - 49.871).abs() < 0.002);
    }

    #[test]
    fn nothing_reads_as_nothing() {
        let meter = MeterSpec { resolution: 1.0, noise: 5.0, relative_noise: 0.1 };
        assert_eq!(meter.read(-0.0, Stream::new(1), 3).to_bits(), 0.0_f64.to_bits());
        assert_eq!(
            MeterSpec { noise: 0.0, ..meter }.read(-0.2, Stream::new(1), 3).to_bits(),
            0.0_f64.to_bits()
        );
    }
}
