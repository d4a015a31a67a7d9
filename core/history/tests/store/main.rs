//! The store on real files: what was acknowledged is there, whatever happened to the program or to the disk.
#![cfg(test)]

mod damage;
mod disk;
mod durable;
mod kill;
mod support;
mod torn;
