//! HTTP/1.1 as bytes, for pollers.

pub mod message;

pub use message::{Headers, Request, Response, read};
