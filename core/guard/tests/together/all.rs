//! The tests about behaviour as one program, for `make mutants`: each change of the guard is built once and not once for
//! every file. `cargo test` does not run it; what is here is run by its own name.

// What the proofs share looks for the bench at the root.
#[path = "../kit/mod.rs"]
mod kit;

#[path = "../answers.rs"]
mod answers;
#[path = "../arming.rs"]
mod arming;
#[path = "../at_once.rs"]
mod at_once;
#[path = "../carried.rs"]
mod carried;
#[path = "../continuity.rs"]
mod continuity;
#[path = "../cut_loads.rs"]
mod cut_loads;
#[path = "../devices.rs"]
mod devices;
#[path = "../digest.rs"]
mod digest;
#[path = "../edges.rs"]
mod edges;
#[path = "../envelope.rs"]
mod envelope;
#[path = "../exhaustive.rs"]
mod exhaustive;
#[path = "../hands.rs"]
mod hands;
#[path = "../interlocks.rs"]
mod interlocks;
#[path = "../limits.rs"]
mod limits;
#[path = "../loosening.rs"]
mod loosening;
#[path = "../loosening_texts.rs"]
mod loosening_texts;
#[path = "../machine.rs"]
mod machine;
#[path = "../reported.rs"]
mod reported;
#[path = "../restless.rs"]
mod restless;
#[path = "../sessions.rs"]
mod sessions;
#[path = "../setpoints.rs"]
mod setpoints;
#[path = "../shedding.rs"]
mod shedding;
#[path = "../sources.rs"]
mod sources;
#[path = "../steps.rs"]
mod steps;
#[path = "../stopping.rs"]
mod stopping;
#[path = "../takeover.rs"]
mod takeover;
#[path = "../tightening.rs"]
mod tightening;
#[path = "../views.rs"]
mod views;
#[path = "../waiting.rs"]
mod waiting;
