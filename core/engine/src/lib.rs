//! The decision step: absorb, rules, arbitration, restoration, explanations.
