//! A value that follows from the time alone: `50 + 0.1 * sine(20 s) - 0.02 * noise(7)`.
//!
//! Sums and products of numbers and of these functions; times are counted from the start of the bus.
//!
//! | function | value |
//! |---|---|
//! | `sine(T)` | -1 to 1, period T |
//! | `ramp(T)` | 0 to 1 in T, then from 0 again |
//! | `square(T)` | 1 in the first half of T, 0 in the second |
//! | `noise(SEED)` | -1 to 1, another one every millisecond, the same for the same seed |

use ballast_model::Span;
use ballast_model::quantity::parse_span;

/// A checked formula: the sum of products.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Formula(Vec<Vec<Factor>>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Factor {
    Number(f64),
    Sine(Span),
    Ramp(Span),
    Square(Span),
    Noise(u64),
}

/// Most factors of a formula.
const FACTORS_MAX: usize = 64;

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut sum = vec![Vec::new()];
        let mut rest = text.trim();
        let mut count = 0;
        loop {
            let (factor, after) = factor(rest)?;
            count += 1;
            if count > FACTORS_MAX {
                return Err(format!("a formula has at most {FACTORS_MAX} parts"));
            }
            if let Some(product) = sum.last_mut() {
                product.push(factor);
            }
            let after = after.trim_start();
            let mut characters = after.chars();
            match characters.next() {
                None => return Ok(Self(sum)),
                Some('*') => {}
                Some('+') => sum.push(Vec::new()),
                Some('-') => sum.push(vec![Factor::Number(-1.0)]),
                Some(other) => return Err(format!("`+`, `-` or `*` is expected in place of `{other}`")),
            }
            rest = characters.as_str().trim_start();
        }
    }

    /// The value `elapsed` after the start.
    pub(crate) fn value(&self, elapsed: Span) -> f64 {
        self.0.iter().map(|product| product.iter().map(|factor| factor.value(elapsed)).product::<f64>()).sum()
    }
}

impl Factor {
    fn value(self, elapsed: Span) -> f64 {
        // The remainder is taken in nanoseconds, so that the phase is as exact after a year as in the first second.
        let phase = |period: Span| (elapsed.nanos() % period.nanos()) as f64 / period.nanos() as f64;
        match self {
            Self::Number(number) => number,
            Self::Sine(period) => (phase(period) * std::f64::consts::TAU).sin(),
            Self::Ramp(period) => phase(period),
            Self::Square(period) => f64::from(u8::from(phase(period) < 0.5)),
            Self::Noise(seed) => noise(seed, elapsed.millis()),
        }
    }
}

/// Reads one factor; gives what stands behind it.
fn factor(text: &str) -> Result<(Factor, &str), String> {
    let name_end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (name, after) = text.split_at(name_end);
    if name.is_empty() {
        return number(text);
    }
    let argument = after.trim_start().strip_prefix('(').and_then(|after| after.split_once(')'));
    let Some((argument, after)) = argument else { return Err(format!("`{name}` needs `(` and `)`")) };
    if name == "noise" {
        let seed = argument
            .trim()
            .parse()
            .map_err(|_| format!("`{argument}` is not a seed; write a whole number"))?;
        return Ok((Factor::Noise(seed), after));
    }
    let make = match name {
        "sine" => Factor::Sine,
        "ramp" => Factor::Ramp,
        "square" => Factor::Square,
        _ => return Err(format!("there is no function `{name}`; there are sine, ramp, square and noise")),
    };
    let period = parse_span(argument.trim()).filter(|span| *span > Span::ZERO);
    let period = period.ok_or_else(|| format!("`{argument}` is not a period; write it like `20 s`"))?;
    Ok((make(period), after))
}

fn number(text: &str) -> Result<(Factor, &str), String> {
    let bytes = text.as_bytes();
    let is_exponent = |at: usize| at > 0 && matches!(bytes.get(at - 1), Some(b'e' | b'E'));
    let is_part = |(at, c): &(usize, char)| match c {
        '0'..='9' | '.' | 'e' | 'E' => true,
        '+' | '-' => *at == 0 || is_exponent(*at),
        _ => false,
    };
    let end = text.char_indices().take_while(is_part).map(|(at, c)| at + c.len_utf8()).last().unwrap_or(0);
    let (digits, after) = text.split_at(end);
    let number = crate::point::parse_number(digits.as_bytes());
    let number = number.ok_or_else(|| format!("a number or a function is expected in `{text}`"))?;
    Ok((Factor::Number(number), after))
}

/// A number from -1 to 1 that follows from its two arguments (the mixer of SplitMix64).
fn noise(seed: u64, place: u64) -> f64 {
    let mut z = (seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_add(place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, millis: u64, expected: f64) {
        let value = Formula::parse(text).unwrap().value(Span::from_millis(millis));
        assert!((value - expected).abs() < 1e-9, "{text} at {millis} ms: {value}");
    }

    #[test]
    fn values_at_times() {
        check("50", 0, 50.0);
        check("-5", 0, -5.0);
        check("1e-3 + 2 * 3 - 4", 0, 2.001);
        check("50 + 0.5 * sine(20 s)", 5_000, 50.5);
        check("50 - 0.5*sine(20 s)", 5_000, 49.5);
        check("10 * ramp(1 min)", 45_000, 7.5);
        check("10 * ramp(1 min)", 105_000, 7.5);
        check("square(2 s)", 999, 1.0);
        check("square(2 s)", 1_000, 0.0);
    }

    #[test]
    fn noise_follows_from_its_seed_and_stays_in_its_bounds() {
        let value = |seed, millis| {
            Formula::parse(&format!("noise({seed})")).unwrap().value(Span::from_millis(millis))
        };
        assert_eq!(value(1, 5).to_bits(), value(1, 5).to_bits());
        assert_ne!(value(1, 5).to_bits(), value(2, 5).to_bits());
        let values: Vec<f64> = (0..1000).map(|millis| value(3, millis)).collect();
        assert!(values.iter().all(|value| (-1.0..1.0).contains(value)));
        assert!((values.iter().sum::<f64>() / 1000.0).abs() < 0.1);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "expected"),
            ("50 +", "expected"),
            ("50 50", "`+`, `-` or `*`"),
            ("cosine(2 s)", "no function"),
            ("sine 2", "needs"),
            ("sine(2)", "period"),
            ("sine(0 s)", "period"),
            ("noise(x)", "seed"),
            ("1e999", "expected"),
        ] {
            let error = Formula::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(Formula::parse(&["1"; 65].join("+")).is_err());
    }
}
