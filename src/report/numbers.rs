//! Numbers for programs.

/// Without what calculating adds behind the last digit that means something: 230.1, not 230.10000000000002.
pub fn twelve_digits(number: f64) -> f64 {
    let near: f64 = format!("{number:.11e}").parse().unwrap_or(number);
    // Minus zero is zero.
    near + 0.0
}
