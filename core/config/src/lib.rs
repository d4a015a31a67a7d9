//! YAML to a checked site, every diagnostic with its place.
//!
//! The way of a text: [`sources`] holds it, [`tree`] makes nodes of it, the decoders make values of the nodes, the
//! checks look at what was decoded. Each stage collects all mistakes it finds into one [`diagnostics::Diagnostics`] and
//! goes on with what it has, so that a person sees them together.
//!
//! This crate never opens a file, asks a clock or prints: the caller passes names and bytes and shows the outcome.
#![forbid(unsafe_code)]

#[cfg(test)]
mod carets;
mod checks;
pub mod codes;
pub mod compile;
pub mod decode;
pub mod diagnostics;
pub mod expr;
pub mod fingerprint;
pub mod limits;
pub mod load;
pub mod nouns;
pub mod render;
pub mod safety;
pub mod schema;
pub mod site;
pub mod sources;
pub mod tree;
