//! Options and examples of `ballast device`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `ballast device`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast device check my-site/devices/my-meter.yaml
  ballast device check my-meter.yaml --transcript my-meter.txt
  ballast device read my-meter.yaml --bus url=tcp://192.0.2.7")]
pub struct Device {
    /// What to do with it.
    #[command(subcommand)]
    pub action: DeviceAction,
}

/// What can be done with a device file.
#[derive(Debug, Subcommand)]
pub enum DeviceAction {
    /// Check a device file alone, and compare what it makes of a transcript with what the transcript wants
    Check(DeviceCheck),
    /// Read the points of a real device once; tells it nothing
    Read(DeviceRead),
}

/// `ballast device check`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast device check my-meter.yaml
  ballast device check my-meter.yaml --transcript my-meter.txt
  ballast device check my-plug.yaml --with topic=plug/kitchen --format json

Exit codes: 0 as wanted, 1 the transcript wants something else, 3 the file has mistakes.")]
pub struct DeviceCheck {
    /// The device file, or the name of one that comes with the program: eastron-sdm120
    pub file: PathBuf,
    /// What the device says and hears, and which values are to come of it
    #[arg(long, value_name = "FILE")]
    pub transcript: Option<PathBuf>,
    /// Write into the transcript what comes, in the place of what it wants
    #[arg(long, requires = "transcript")]
    pub fill: bool,
    /// Value of a parameter of the file
    #[arg(long, value_name = "NAME=VALUE")]
    pub with: Vec<String>,
}

/// `ballast device read`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast device read my-meter.yaml --bus url=tcp://192.0.2.7
  ballast device read eastron-sdm120 --bus port=/dev/ttyUSB0 --bus baud=2400
  ballast device read my-meter.yaml --bus url=tcp://host --record meter.txt
  ballast device read my-plug.yaml --bus url=mqtt://host --with topic=plug

Only reads: no register is written and no message is published. A serial line or a gateway may serve one program at a \
time: let a running site rest meanwhile.

Exit codes: 0 every point has a value, 1 some have none, 3 the file or an option has mistakes.")]
pub struct DeviceRead {
    /// The device file, or the name of one that comes with the program: eastron-sdm120
    pub file: PathBuf,
    /// Key of the bus, as in `buses:` of site.yaml
    #[arg(long, value_name = "KEY=VALUE", required = true)]
    pub bus: Vec<String>,
    /// Value of a parameter of the file
    #[arg(long, value_name = "NAME=VALUE")]
    pub with: Vec<String>,
    /// How long to wait for values at most
    #[arg(long = "for", value_name = "TIME", default_value = "10s")]
    pub lasting: String,
    /// Write questions, answers and values into this file, as a transcript (Modbus only)
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}
