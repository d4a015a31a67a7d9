//! The safety layer as a sans-IO machine; the only maker of a permit.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod plan;
