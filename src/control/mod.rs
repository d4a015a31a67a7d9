//! The local control socket: how a person's command reaches the running program.
//!
//! A Unix socket of mode 0600 in the site's state directory; one JSON document a line each way. Who asks is told by the
//! kernel, not by the asker. Until the guard has a socket of its own, its operator commands come this way too.

pub mod client;
pub mod guard_client;
pub mod protocol;
pub mod server;
mod short_path;
