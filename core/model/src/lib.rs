//! The words that every part of Ballast shares.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod diagnostic;
