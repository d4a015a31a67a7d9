//! Options and examples of `ballast detect`.

use ballast_drivers::Parity;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `ballast detect`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ballast detect                  serial lines of this machine, names around it
  ballast detect --serial /dev/ttyUSB0 --listen 10s
  ballast detect --modbus 192.0.2.7 --units 1-32 --timeout 200ms
  ballast detect --modbus /dev/ttyUSB0 --units 1-10 --baud 9600
  ballast detect --modbus rtu://192.0.2.8:4001 --units 1-10
  ballast detect --mqtt mqtt://192.0.2.2 --user me --password-file secret.txt
  ballast detect --mqtt mqtts://broker.lan --ca authority.pem --format json

Everything here only listens and reads: no register is written, no message is published, and a serial line that another \
program holds is left alone. On a serial line nothing is sent unless `--modbus` names it, and nothing where somebody \
speaks unasked.

What is printed is for site.yaml and safety.yaml: whatever can be switched has `armed: by hand` and is told nothing until \
a person arms it.

A unit that is not there takes twice `--timeout`: all 247 take two and a half minutes, and on a serial line that for each \
speed and parity until somebody answers, ten minutes in all. A scan that could take longer than half an hour is not begun. \
A gateway or a line may serve one program at a time: let a running site rest meanwhile.")]
pub struct Detect {
    /// Serial line to listen to for a meter that speaks by itself (Linky, P1, VE.Direct), a recording, or `all`; several are
    /// listened to at once
    #[arg(long, value_name = "PATH")]
    pub serial: Vec<String>,
    /// Modbus units that are asked who they are: `HOST[:PORT]` for a device or gateway over TCP, rtu://HOST:PORT for the
    /// frames of a serial line over TCP, or the PATH of a serial line
    #[arg(long, value_name = "PLACE")]
    pub modbus: Vec<String>,
    /// Units that are asked, one or a range
    #[arg(long, value_name = "FIRST-LAST", default_value = "1-247")]
    pub units: String,
    /// How long a unit may take to answer; a unit that is not there takes it twice
    #[arg(long, value_name = "TIME", default_value = "300ms")]
    pub timeout: String,
    /// Speeds that are tried on a serial line, bits per second; absent: 9600,19200
    #[arg(long, value_name = "SPEED", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(300..=921_600))]
    pub baud: Vec<u32>,
    /// Parities that are tried on a serial line; absent: none,even
    #[arg(long, value_name = "PARITY", value_delimiter = ',')]
    pub parity: Vec<ParityWord>,
    /// Broker at which devices announce themselves: `mqtt://HOST[:PORT]`, or `mqtts://HOST[:PORT]` for TLS
    #[arg(long, value_name = "URL")]
    pub mqtt: Vec<String>,
    /// How one comes in at the broker.
    #[command(flatten)]
    pub access: Access,
    /// Ask in the local network who tells a name (mDNS)
    #[arg(long)]
    pub mdns: bool,
    /// How long is listened: on a serial line at each of four speeds, at a broker, for names
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub listen: String,
}

/// How one comes in at a broker; the same as the keys of an MQTT bus.
#[derive(Args, Debug)]
pub struct Access {
    /// User name at the broker
    #[arg(long, value_name = "NAME", requires = "mqtt")]
    pub user: Option<String>,
    /// File with the password at the broker
    #[arg(long, value_name = "FILE", requires = "user", group = "password")]
    pub password_file: Option<PathBuf>,
    /// Or the credential of systemd that holds it
    #[arg(long, value_name = "NAME", requires = "user", group = "password")]
    pub password_credential: Option<String>,
    /// Or the environment's variable that holds it
    #[arg(long, value_name = "VARIABLE", requires = "user", group = "password")]
    pub password_env: Option<String>,
    /// File with the certificate authorities that may vouch for the broker; absent: the system's
    #[arg(long, value_name = "FILE", requires = "mqtt")]
    pub ca: Option<PathBuf>,
    /// File with our certificate, where the broker asks for one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// File with its private key
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
}

/// A parity as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ParityWord {
    /// No parity
    None,
    /// Even
    Even,
    /// Odd
    Odd,
}

impl ParityWord {
    /// What it stands for.
    pub const fn parity(self) -> Parity {
        match self {
            Self::None => Parity::None,
            Self::Even => Parity::Even,
            Self::Odd => Parity::Odd,
        }
    }
}
