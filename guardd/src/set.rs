//! A safety set that was read, with the buses that belong to it.

use ballast_config::diagnostics::Diagnostics;
use ballast_drivers::{OpenBus, Reach};
use ballast_host::link::mirror::NounSet;
use ballast_host::nouns::Given;
use ballast_host::{Texts, definitions, ownership};
use ballast_model::{Mono, OutputId};
use std::sync::Arc;

/// Buses that are checked and not open, each with its outputs.
pub type Buses = Vec<(OpenBus, Vec<OutputId>)>;

/// A set with the guard's buses in it.
pub struct Prepared {
    /// The set.
    pub set: Arc<NounSet>,
    /// The buses.
    pub buses: Buses,
    /// What they must reach.
    pub reach: Reach,
    /// Stands for how they are defined: with another number they must be opened anew.
    pub definitions: u64,
}

/// Another set that is to be in force.
pub struct Change {
    /// The set and its buses.
    pub prepared: Prepared,
    /// Its place in the list of sets that the witness keeps.
    pub number: u32,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Reads a set. Opens no port and no connection.
///
/// # Errors
/// All mistakes, drawn.
pub fn read(texts: Texts, given: Given<'_>) -> Result<Prepared, String> {
    let (set, (buses, reach, definitions)) = NounSet::read_with(texts, given, open)?;
    Ok(Prepared { set: Arc::new(set), buses, reach, definitions })
}

fn open(set: &NounSet, found: &mut Diagnostics) -> (Buses, Reach, u64) {
    let division = ownership::divide(&set.site, &set.catalog, &set.guard(Mono::ZERO));
    let (mut buses, mut reach) = (Vec::new(), Reach::default());
    for definition in &division.guard {
        let outputs = definition.outputs.iter().map(|output| output.output).collect();
        match ballast_drivers::open(definition, &set.catalog) {
            Ok(bus) if bus.world().is_some() => {
                let wrong = definition.settings.wrong("plant", "a simulated plant runs in the program");
                found
                    .extend([wrong
                        .help("take `guard:` out of safety.yaml: the guard is then a part of the program")]);
            }
            Ok(bus) => {
                reach.merge(Reach::of(definition, &bus));
                buses.push((bus, outputs));
            }
            Err(mistakes) => found.extend(mistakes),
        }
    }
    (buses, reach, definitions::fingerprint(&set.catalog, &division.guard))
}
