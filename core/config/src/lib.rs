//! YAML to a checked site, every diagnostic with its place.
//!
//! | module | does |
//! |---|---|
//! | [`sources`] | holds the texts, refuses what is too long or no text |
//! | [`tree`] | makes nodes of a text, each with its place; aliases, tags, tabs and depth are refused here |
//! | [`decode`] | makes values of nodes: names, quantities, ranges, rates; tables of keys |
//! | [`expr`], [`compile`] | read conditions as text and compile them against the nouns |
//! | [`site`] | `site.yaml` and device files: the nouns of a site, and how its devices are reached |
//! | [`safety`] | `safety.yaml`: envelopes, limits, interlocks, shedding |
//! | `checks` | what must hold beyond being readable, one check per file |
//! | [`load`](mod@load) | the way through all of it, from files to a [`load::Site`] |
//! | [`diagnostics`], [`codes`], [`render`] | what was found, what each code means, how it is drawn |
//! | [`schema`] | JSON Schemas for editors, from the same tables of keys |
//!
//! Each stage collects all mistakes into one [`diagnostics::Diagnostics`] and goes on with what it has, so that a person
//! sees them together. What could not be read is never called unknown or missing.
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
