//! Buses and one file per protocol.
//!
//! | where | what |
//! |---|---|
//! | [`DRIVERS`], [`open`] | the list of drivers; from a bus definition to a bus that is ready to run, or all its mistakes |
//! | [`bus`] | the only async code: [`spawn`] runs a bus as a task, [`BusHandle::apply`] takes permits |
//! | [`Sink`], [`Batch`], [`Report`] | how a bus tells the shell what came in |
//! | [`Post`], [`Letter`] | messages for others, behind every command |
//! | [`shape`], [`point`], [`readings`] | the pure half: listeners and pollers, and how one point is read |
//! | [`detect`] | who is there? Finds devices by what they say, and writes nothing |
//! | [`transcript`] | device files tried against what a device says and hears |
//! | [`http::message`] | requests and responses as bytes, for pollers |
//! | `gpio`, `http`, `modbus`, `mqtt`, `p1`, `sim`, `sunspec`, `tic`, `vedirect` | one file per driver, its parts in a folder of its name |
//!
//! A driver turns what a device says into samples and a permit into what the device must hear. It holds no socket, no clock
//! and no retry loop, never panics on what comes in, never makes up a value, and never writes without a permit.
//!
//! To add a driver: write its file with a `SPEC`, and its line in [`DRIVERS`]. One that asks is a [`shape::Poller`] in an
//! [`OpenBus::polled`]: it says what there is to ask and how often, and the bus does the asking. To add a device of a known
//! driver: write its device file and a transcript in `tests/transcripts`.
#![forbid(unsafe_code)]

pub mod bus;
mod counters;
pub mod detect;
mod formula;
pub mod gpio;
pub mod http;
pub mod limits;
pub mod modbus;
pub mod mqtt;
mod mqtt_access;
mod mqtt_misheard;
mod mqtt_presence;
mod mqtt_settings;
mod mqtt_shared;
mod mqtt_topics;
pub mod p1;
pub mod point;
mod pointer;
pub mod readings;
mod secret;
pub mod shape;
pub mod sim;
pub mod spec;
pub mod sunspec;
mod table;
pub mod tic;
pub mod transcript;
pub mod vedirect;

pub use bus::{
    BusHandle, Clock, Ears, Ended, Letter, Meaning, NotTaken, Office, OpenBus, Parity, Post, Reach, Sink,
    SteppedBus, Wire, World, spawn,
};
pub use counters::{BusCounters, CounterSnapshot};
pub use mqtt_access::{Access, Topics};
pub use mqtt_shared::shared;
pub use readings::{Batch, Report, WriteResult};
pub use spec::{DriverSpec, Key, lie_beside};

use ballast_model::Catalog;
use ballast_model::device::BusDefinition;
use ballast_model::diagnostic::{Diagnostic, did_you_mean};

/// Every driver, sorted by name.
pub static DRIVERS: &[&DriverSpec] = &[
    &gpio::SPEC,
    &http::SPEC,
    &modbus::SPEC,
    &mqtt::SPEC,
    &p1::SPEC,
    &sim::SPEC,
    &sunspec::SPEC,
    &tic::SPEC,
    &vedirect::SPEC,
];

/// The driver of that name.
pub fn find(name: &str) -> Option<&'static DriverSpec> {
    DRIVERS.iter().find(|driver| driver.name == name).copied()
}

/// Makes a bus that is ready to run. Opens no port and no connection.
///
/// # Errors
/// Everything that is wrong with the definition.
pub fn open(definition: &BusDefinition, catalog: &Catalog) -> Result<OpenBus, Vec<Diagnostic>> {
    if let Some(driver) = find(&definition.driver) {
        return (driver.open)(definition, catalog);
    }
    let (file, span) = definition.driver_at;
    let message = format!("there is no driver `{}`", definition.driver);
    let help = match did_you_mean(&definition.driver, DRIVERS.iter().map(|driver| driver.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the drivers are {}",
            DRIVERS.iter().map(|driver| driver.name).collect::<Vec<_>>().join(", ")
        ),
    };
    Err(vec![Diagnostic::mistake("device::unknown_driver", file, span, message).help(help)])
}
