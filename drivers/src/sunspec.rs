//! SunSpec: devices over Modbus that say themselves which registers mean what.
//!
//! Source: SunSpec Device Information Model Specification and the models that the SunSpec Alliance publishes. Transcripts:
//! `tests/transcripts/sunspec-*.txt`.
//!
//! | where | what |
//! |---|---|
//! | `walk`, `who` | which models a device has; whether it is still the same one |
//! | `table`, `models.csv` | which points a model has |
//! | `value`, `image` | numbers in registers; which registers are read together |
//! | `source`, `control` | where a point stands; what can be told, with the device's own timer |
//! | `round`, `poller` | what is read at once; the order in which all of it is asked |
//! | `settings` | what the site and the device file say of it |
//!
//! A number by which a device says that it has no value never becomes a value, and a length that lies never leads past the
//! registers of its model. Nothing is ever told without the device's own timer: a device that has none is not told.

mod control;
mod image;
mod poller;
mod round;
mod settings;
mod source;
mod table;
mod value;
pub(crate) mod walk;
mod who;

use crate::bus::OpenBus;
use crate::readings::Readings;
use crate::spec::{DriverSpec, Mistakes};
use ballast_model::catalog::Catalog;
use ballast_model::device::{BusDefinition, ReadsEvery};
use ballast_model::diagnostic::Diagnostic;

/// See the file's header.
pub static SPEC: DriverSpec = DriverSpec {
    name: "sunspec",
    about: "inverters, meters and storage that follow SunSpec, over Modbus TCP or RTU",
    is_experimental: false,
    reads_every: Some(ReadsEvery { usual: settings::PERIOD, bus_key: None }),
    bus_keys: settings::BUS_KEYS,
    point_keys: settings::POINT_KEYS,
    output_keys: settings::OUTPUT_KEYS,
    open,
    // Its wires are those of Modbus: a network, and nothing that holds an output when both ends are gone.
    ..crate::modbus::SPEC
};

fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    let mut mistakes = Mistakes::unknown_keys(definition, &SPEC);
    let wire = crate::modbus::settings::wire(&definition.settings, &mut mistakes);
    let plan = settings::Plan::read(definition, catalog, &mut mistakes);
    let bus = wire.map(|(wire, framing)| {
        let poller = poller::SunSpec::new(plan.roster, framing, plan.devices, plan.rounds, plan.levers);
        let readings = Readings::new(plan.readers);
        OpenBus::polled(&definition.name, &SPEC, readings, vec![wire], Box::new(poller))
    });
    mistakes.finish(bus)
}
