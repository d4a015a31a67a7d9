//! Parts of the simulation.

mod frequency;
mod hand;
mod longest;
mod observer;
mod site;
mod weather;
pub(crate) mod world;
