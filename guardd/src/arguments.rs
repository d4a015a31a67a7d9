//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Holds the outputs of a site: the only process that can move them.
#[derive(Debug, Parser)]
#[command(
    name = "ballast-guard",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  ballast-guard /etc/ballast/farm
      Holds the outputs of that site. Its safety.yaml has a section `guard:`;
      `ballast run` on the same site then asks this process.
  ballast-guard /etc/ballast/farm --check
      Reads the files and says what is wrong with them; opens nothing.
  ballast-guard /etc/ballast/farm --make-safe
      Drives every output to its safe state and ends: for systemd's ExecStopPost.
  kill -HUP PID
      Reads the files again. What tightens is in force at once; what loosens
      waits for `ballast guard confirm FINGERPRINT`.

Exit codes: 0 ended in good order, 1 failed (with --make-safe: an output could not
be reached, or somebody who lives holds the outputs), 2 the files have mistakes."
)]
pub struct Arguments {
    /// Directory of the site: site.yaml, safety.yaml, devices/
    #[arg(default_value = ".", hide_default_value = true, required_unless_present = "write_manual")]
    pub site: PathBuf,
    /// Where state and audit log are kept [default: .ballast-guard in the site's directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub state: Option<PathBuf>,
    /// Directory of the two sockets [default: as safety.yaml says, or /run/ballast-guard/SITE]
    #[arg(long, value_name = "DIRECTORY")]
    pub sockets: Option<PathBuf>,
    /// Give a key of a bus another value: `wire.port=/dev/ttyUSB1`; say the same to `ballast run`
    #[arg(long = "set", value_name = "BUS.KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Drive every output to its safe state, and end
    #[arg(long, conflicts_with = "check")]
    pub make_safe: bool,
    /// Read the files, say what is wrong with them, and end
    #[arg(long)]
    pub check: bool,
    /// Write the man page into this directory, and end
    #[arg(long, value_name = "DIRECTORY", hide = true)]
    pub write_manual: Option<PathBuf>,
}
