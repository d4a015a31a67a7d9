//! One step of Runge-Kutta 4, and the instant inside it at which something happens: for every equation of the plant.

/// Width to which the time of an event is narrowed, s. At 17 Hz/s, the steepest fall of the reference traces, it
/// is 0.2 uHz.
const LOCATE_S: f64 = 1e-8;

/// Numbers that are integrated together; their rate of change has the same form.
pub(crate) trait State: Copy {
    /// `self + factor * rate`.
    fn plus(&self, factor: f64, rate: &Self) -> Self;
}

/// The state `step_s` after `start`.
pub(crate) fn step<S: State>(start: &S, step_s: f64, rate: impl Fn(&S) -> S) -> S {
    let first = rate(start);
    let second = rate(&start.plus(0.5 * step_s, &first));
    let third = rate(&start.plus(0.5 * step_s, &second));
    let fourth = rate(&start.plus(step_s, &third));
    start
        .plus(step_s / 6.0, &first)
        .plus(step_s / 3.0, &second)
        .plus(step_s / 3.0, &third)
        .plus(step_s / 6.0, &fourth)
}

/// The first time within `whole_s` at which something has happened, from its far side. At the end of it, it has.
pub(crate) fn locate(whole_s: f64, has_happened: impl Fn(f64) -> bool) -> f64 {
    let (mut before_s, mut after_s) = (0.0, whole_s);
    while after_s - before_s > LOCATE_S {
        let middle_s = 0.5 * (before_s + after_s);
        if has_happened(middle_s) {
            after_s = middle_s;
        } else {
            before_s = middle_s;
        }
    }
    after_s
}
