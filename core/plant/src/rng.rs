//! Random numbers by address: every number is a function of the seed, a stream and an index, so that nothing depends
//! on how often or in which order the plant was asked.
//!
//! The mixer is SplitMix64's (G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators",
//! OOPSLA 2014, with the constants of its published Java version). It is not for secrets.

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A family of random numbers, addressed by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// The root of all streams of one seed.
    pub fn new(seed: u64) -> Self {
        Self { key: mix(seed.wrapping_add(GOLDEN_GAMMA)) }
    }

    /// An independent stream below this one.
    pub fn fork(self, number: u64) -> Self {
        Self { key: mix(self.key ^ mix(number.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA))) }
    }

    /// The 64 random bits at `index`.
    pub fn bits(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA)))
    }

    /// The uniform number in `0.0..1.0` at `index`, in steps of 2^-53.
    pub fn unit(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// The uniform number in `low..high` at `index`.
    pub fn between(self, index: u64, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit(index)
    }

    /// A nearly normal number of mean 0 and standard deviation 1 at `index`, never beyond +-3.47: the sum of four
    /// uniform numbers.
    pub fn normal(self, index: u64) -> f64 {
        let bits = self.bits(index);
        let sum: u64 = [bits & 0xFFFF, (bits >> 16) & 0xFFFF, (bits >> 32) & 0xFFFF, bits >> 48].iter().sum();
        // Four uniform numbers on 0..65536 have mean 2 * 65535 and variance (65536^2 - 1) / 3.
        (sum as f64 - 131_070.0) * (1.732_050_807_568_877_2 / 65_536.0)
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of SplitMix64 from state 0, as its authors publish them.
    #[test]
    fn the_mixer_is_splitmix64() {
        let outputs: Vec<u64> = (1..=3_u64).map(|n| mix(n.wrapping_mul(GOLDEN_GAMMA))).collect();
        assert_eq!(outputs, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
    }

    #[test]
    fn numbers_have_the_moments_they_claim() {
        let stream = Stream::new(7).fork(3);
        let (mut unit_sum, mut sum, mut squares) = (0.0, 0.0, 0.0);
        let count = 20_000_u64;
        for index in 0..count {
            let unit = stream.unit(index);
            assert!((0.0..1.0).contains(&unit));
            let normal = stream.normal(index);
            assert!(normal.abs() <= 3.47);
            (unit_sum, sum, squares) = (unit_sum + unit, sum + normal, squares + normal * normal);
        }
        let count = count as f64;
        assert!((unit_sum / count - 0.5).abs() < 0.01, "mean {}", unit_sum / count);
        assert!((sum / count).abs() < 0.03, "mean {}", sum / count);
        assert!((squares / count - 1.0).abs() < 0.03, "variance {}", squares / count);
    }

    #[test]
    fn streams_differ() {
        let root = Stream::new(1);
        assert_ne!(root.fork(0).bits(0), root.fork(1).bits(0));
        assert_ne!(root.fork(0).bits(0), Stream::new(2).fork(0).bits(0));
        assert_ne!(root.fork(0).fork(1).bits(0), root.fork(1).fork(0).bits(0));
    }
}
