//! `ballast demo`

use super::Exit;
use super::arguments::Demo;
use super::terminal::Output;

/// x
pub fn run(_options: &Demo, _output: Output) -> Exit {
    Exit::Failed
}
