//! Two integrators of the swing equation: Runge-Kutta 4 with event location, and one implicit Euler step.

use super::Progress;
use super::equations::{Equations, Regime};
use super::state::State;
use crate::limits::EVENTS_PER_STEP_MAX;
use crate::runge_kutta;

/// The implicit step looks for its solution within this relative deviation of the frequency: 12.5 Hz at 50 Hz.
const SPEED_MAX: f64 = 0.25;

/// Residual at which the implicit step is solved, per unit of the base.
const RESIDUAL_MAX: f64 = 1e-12;

/// Iterations of the bracketing solver; each at least halves the bracket every second time.
const SOLVER_ITERATIONS_MAX: u32 = 80;

/// Width of the first bracket around the present speed.
const FIRST_BRACKET: f64 = 1e-4;

pub(super) fn advance(
    equations: &Equations,
    state: &mut State,
    regime: &mut Regime,
    duration_s: f64,
    step_s: f64,
    watch_hz: &[f64],
) -> Progress {
    *regime = equations.classify(state, watch_hz);
    let mut elapsed_s = 0.0;
    let mut events_in_step = 0;
    while elapsed_s < duration_s {
        let left_s = duration_s - elapsed_s;
        let is_last = left_s <= step_s;
        let whole_s = if is_last { left_s } else { step_s };
        let mut next = runge_kutta::step(state, whole_s, |state| equations.rate(state, regime));
        let mut next_regime = equations.classify(&next, watch_hz);
        if next_regime == *regime || events_in_step >= EVENTS_PER_STEP_MAX {
            events_in_step = 0;
            elapsed_s = if is_last { duration_s } else { elapsed_s + whole_s };
        } else {
            let (at_s, there) = locate(equations, state, regime, whole_s, watch_hz);
            events_in_step += 1;
            elapsed_s += at_s;
            next = there;
            next_regime = equations.classify(&next, watch_hz);
        }
        let crossed = next_regime.below != regime.below;
        equations.clamp(&mut next);
        *state = next;
        *regime = equations.classify(state, watch_hz);
        if crossed {
            return Progress { elapsed_s, crossed };
        }
    }
    Progress { elapsed_s, crossed: false }
}

/// The first time within `whole_s` at which the regime is another one, from its far side, with the state there.
fn locate(
    equations: &Equations,
    state: &State,
    regime: &Regime,
    whole_s: f64,
    watch_hz: &[f64],
) -> (f64, State) {
    let after = |at_s: f64| runge_kutta::step(state, at_s, |state| equations.rate(state, regime));
    let at_s = runge_kutta::locate(whole_s, |at_s| equations.classify(&after(at_s), watch_hz) != *regime);
    (at_s, after(at_s))
}

/// One implicit Euler step. Every source's new state follows in closed form from the new speed, and falls as the
/// speed rises; so the balance of power is one increasing function of one unknown, with one root.
pub(super) fn glide(equations: &Equations, state: &State, step_s: f64) -> State {
    let inertia = equations.inertia();
    if equations.stiff || inertia <= 0.0 {
        return settle(equations, state, step_s, state.speed);
    }
    let residual = |speed: f64| {
        let next = settle(equations, state, step_s, speed);
        inertia * (speed - state.speed) / step_s - equations.surplus(&next)
    };
    settle(equations, state, step_s, root(residual, state.speed))
}

/// The state after `step_s` if the speed then is `speed`.
fn settle(equations: &Equations, state: &State, step_s: f64, speed: f64) -> State {
    let mut next = *state;
    next.speed = speed;
    let mean_pu = equations.mean_loading(state);
    for (into, unit) in next.machines.iter_mut().zip(&equations.machines).filter(|(_, unit)| unit.on_line) {
        let limit = unit.spec.power_max_pu;
        let pull = step_s / unit.spec.governor_lag_s;
        let follow = step_s / unit.spec.turbine_lag_s;
        into.reference =
            (into.reference + step_s * unit.reference_rate(speed, mean_pu, into)).clamp(0.0, limit);
        let pushed = into.reference - speed / unit.spec.droop;
        into.governor = ((into.governor + pull * pushed) / (1.0 + pull)).clamp(0.0, limit);
        into.turbine = (into.turbine + follow * into.governor) / (1.0 + follow);
    }
    for (into, unit) in next.inverters.iter_mut().zip(&equations.inverters).filter(|(_, unit)| unit.on_line) {
        let follow = step_s / unit.spec.lag_s;
        into.trim += step_s * unit.trim_rate(speed, into);
        let target = unit.target(speed, equations.spec.nominal_hz, into.trim);
        into.power = (into.power + follow * target) / (1.0 + follow);
    }
    let frequency_hz = equations.frequency_hz(speed);
    for (into, unit) in next.solars.iter_mut().zip(&equations.solars).filter(|(_, unit)| unit.on_line) {
        let follow = step_s / unit.spec.lag_s;
        *into = (*into + follow * unit.target_w(frequency_hz) / equations.spec.base_va) / (1.0 + follow);
    }
    next
}

/// The root of an increasing function near `guess`, within +-[`SPEED_MAX`]; the nearer end where there is none.
/// Bracketing, then false position in the Illinois form (M. Dowell and P. Jarratt, BIT 11, 1971).
fn root(residual: impl Fn(f64) -> f64, guess: f64) -> f64 {
    let mut width = FIRST_BRACKET;
    let (mut low, mut high) = (guess - width, guess + width);
    let (mut at_low, mut at_high) = (residual(low), residual(high));
    while at_low > 0.0 && low > -SPEED_MAX {
        width *= 8.0;
        (high, at_high, low) = (low, at_low, (guess - width).max(-SPEED_MAX));
        at_low = residual(low);
    }
    while at_high < 0.0 && high < SPEED_MAX {
        width *= 8.0;
        (low, at_low, high) = (high, at_high, (guess + width).min(SPEED_MAX));
        at_high = residual(high);
    }
    if at_low > 0.0 {
        return low;
    }
    if at_high < 0.0 {
        return high;
    }
    let mut side = 0_i8;
    let mut best = 0.5 * (low + high);
    for _ in 0..SOLVER_ITERATIONS_MAX {
        best = (low * at_high - high * at_low) / (at_high - at_low);
        let at_best = residual(best);
        if at_best.abs() < RESIDUAL_MAX {
            break;
        }
        if at_best > 0.0 {
            (high, at_high) = (best, at_best);
            at_low *= if side == 1 { 0.5 } else { 1.0 };
            side = 1;
        } else {
            (low, at_low) = (best, at_best);
            at_high *= if side == -1 { 0.5 } else { 1.0 };
            side = -1;
        }
    }
    best
}
