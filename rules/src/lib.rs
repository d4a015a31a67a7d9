//! The rule language: Rhai statements, sandbox and bodies.
