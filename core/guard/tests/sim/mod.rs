//! Parts of the simulation.

mod frequency;
mod hand;
mod observer;
mod site;
mod weather;
pub(crate) mod world;
