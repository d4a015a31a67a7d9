//! `ballast replay`

use super::Exit;
use super::arguments::Replay;
use super::terminal::Output;

/// x
pub fn run(_options: &Replay, _output: &Output) -> Exit {
    Exit::Failed
}
