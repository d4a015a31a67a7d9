//! Parts of the simulation.

mod observer;
mod site;
pub(crate) mod world;
